# SPDX-License-Identifier: MIT
"""What holds for every file: licence line, length, white space, words, links."""

import os
import re

import rules
from source import Finding

LICENCE = "SPDX-License-Identifier: MIT"


def is_script(repository, name):
    return "." not in os.path.basename(name) and repository.text(name).startswith("#!")


def licence_comes_first(repository):
    """C and Python files and scripts begin with the licence line"""
    for name in repository.files:
        script = is_script(repository, name)
        if name.endswith((".c", ".h", ".py", ".js", ".css")) or script:
            lines = repository.lines(name) + ["", ""]
            if LICENCE not in lines[0] and not (lines[0].startswith("#!") and LICENCE in lines[1]):
                yield Finding(name, 1, f"begin with a comment '{LICENCE}'")


def files_are_short(repository):
    """a file of code has at most 800 lines"""
    for name in repository.files:
        if name.endswith(rules.CODE_SUFFIXES) and len(repository.lines(name)) > rules.FILE_LINES:
            yield Finding(name, rules.FILE_LINES, f"{len(repository.lines(name))} lines, more than "
                                                  f"{rules.FILE_LINES}: split it by what it does")


def white_space_is_clean(repository):
    """no blanks at ends of lines, no tabs in C, LF, one newline at the end"""
    for name in repository.texts:
        text = repository.text(name)
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield Finding(name, number, "white space at the end of the line: take it out")
            elif "\t" in line and name.endswith((".c", ".h", ".py", ".build")):
                yield Finding(name, number, "a tab: use spaces")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield Finding(name, text.count("\n") + 1, "end the file with one newline")


def nothing_is_unfinished(repository):
    """no word for something left undone"""
    for name in repository.texts:
        for number, line in enumerate(repository.lines(name), 1):
            match = rules.UNFINISHED.search(line)
            if match:
                yield Finding(name, number, f"'{match.group()}': do it, or write down plainly what is so")


def no_path_of_one_machine(repository):
    """no absolute path of somebody's machine"""
    for name in repository.texts:
        for number, line in enumerate(repository.lines(name), 1):
            match = rules.MACHINE_PATHS.search(line)
            if match:
                yield Finding(name, number, f"'{match.group()}...' is a path of one machine: use a setting or ~")


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH_WORD = re.compile(r"`((?:src|include|tests|tools|docs|web|subprojects|\.ci)/[\w./-]*)`")


def links_lead_somewhere(repository):
    """links and paths in the documents exist"""
    names = set(repository.files)
    folders = {os.path.dirname(name) for name in names}
    folders |= {"/".join(each.split("/")[:depth]) for each in folders for depth in range(1, each.count("/") + 1)}
    known = names | folders
    for name in [each for each in repository.files if each.endswith(".md")]:
        for number, line in enumerate(repository.lines(name), 1):
            for target in LINK.findall(line):
                path, _, heading = target.partition("#")
                if "://" in target or target.startswith("mailto:"):
                    continue
                goal = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
                if goal not in known:
                    yield Finding(name, number, f"the link {target} leads nowhere")
                elif heading and goal.endswith(".md") and heading not in headings(repository, goal):
                    yield Finding(name, number, f"{goal} has no heading #{heading}")
            for path in PATH_WORD.findall(line):
                if path.rstrip("/") not in known:
                    yield Finding(name, number, f"there is no {path}")


def headings(repository, name):
    """The anchors that a document's headings get."""
    found = set()
    for line in repository.lines(name):
        if line.startswith("#"):
            text = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(text.replace(" ", "-"))
    return found


def scripts_are_executable(repository):
    """a script with #! can be run"""
    for name in repository.files:
        if is_script(repository, name) and not os.access(repository.root / name, os.X_OK):
            yield Finding(name, 1, "begins with #! but is not executable: chmod +x")


CHECKS = [
    licence_comes_first, files_are_short, white_space_is_clean, nothing_is_unfinished,
    no_path_of_one_machine, links_lead_somewhere, scripts_are_executable,
]
