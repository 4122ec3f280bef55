# SPDX-License-Identifier: MIT
"""Who may know whom: includes, headers, libraries, symbols, tests."""

import concurrent.futures
import functools
import json
import os
import re
import shlex
import subprocess

import rules
from source import Finding


def place(name):
    """The path below src/ or include/hashtagd/, such as net/http_server.c."""
    return re.sub(r"^(src|include/hashtagd)/", "", name)


def folder(name):
    return place(name).split("/")[0]


def layer(name):
    where = folder(name)
    return rules.LAYERS.index(where) if where in rules.LAYERS else None


def ours_with_includes(repository):
    for name in repository.ours:
        for included, angled, line in repository.parsed(name).includes:
            yield name, included, angled, line


def folders_are_layers(repository):
    """every file is in a folder that has its place among the layers"""
    for name in repository.ours:
        if layer(name) is None:
            yield Finding(name, 1, f"'{folder(name)}' is no layer: {', '.join(rules.LAYERS)}")


def includes_go_down(repository):
    """a file includes from its own layer or from lower ones only"""
    for name, included, angled, line in ours_with_includes(repository):
        if angled or not included.startswith("hashtagd/"):
            continue
        target = included.split("/")[1]
        if target not in rules.LAYERS:
            yield Finding(name, line, f"'{target}' is no layer: {', '.join(rules.LAYERS)}")
        elif layer(name) is not None and rules.LAYERS.index(target) > layer(name):
            yield Finding(name, line, f"{folder(name)}/ is below {target}/: pass a function or an interface in")


def private_headers_stay(repository):
    """a header beside the .c files is included from its own folder only, public ones by full path"""
    for name, included, angled, line in ours_with_includes(repository):
        if angled or included.startswith("hashtagd/"):
            continue
        beside = os.path.normpath(os.path.join(os.path.dirname(name), included))
        if beside not in repository.files:
            yield Finding(name, line, f'"{included}" is not beside this file: include "hashtagd/<folder>/<module>.h"')
        elif folder(beside) != folder(name):
            yield Finding(name, line, f'"{included}" is private to {folder(beside)}/: make it public or move the code')
        elif name.startswith("include/"):
            yield Finding(name, line, f'a public header may not include the private "{included}"')


def includes_exist(repository):
    """an included header of ours exists"""
    for name, included, angled, line in ours_with_includes(repository):
        if not angled and included.startswith("hashtagd/") and f"include/{included}" not in repository.files:
            yield Finding(name, line, f"there is no include/{included}")


def own_header_first(repository):
    """a .c file includes its own header (public or _internal) before any other: it stands alone"""
    for name in repository.select("src/", suffixes=(".c",)):
        header = "hashtagd/" + place(name)[:-2] + ".h"
        own = (header, os.path.basename(name)[:-2] + "_internal.h")
        includes = repository.parsed(name).includes
        if f"include/{header}" in repository.files and (not includes or includes[0][0] not in own):
            yield Finding(name, includes[0][2] if includes else 1, f'include "{header}" first')


def libraries_have_one_owner(repository):
    """a third-party header is included in the one place that owns it"""
    for name, included, angled, line in ours_with_includes(repository):
        if not angled or rules.SYSTEM_HEADERS.fullmatch(included):
            continue
        owner = next((place_ for prefix, place_ in rules.OWNERS.items() if included.startswith(prefix)), None)
        if owner is None:
            yield Finding(name, line, f"<{included}> has no owner: give it one in tests/structure/rules.py")
        elif not place(name).startswith(owner):
            yield Finding(name, line, f"<{included}> belongs to {owner}: use what that offers")


def pure_layers_stay_pure(repository):
    """the layers of plain logic do not speak of loops, transfers or databases"""
    for name in repository.ours:
        if folder(name) not in rules.PURE_LAYERS:
            continue
        for token in repository.parsed(name).tokens:
            if rules.IMPURE_WORDS.fullmatch(token.text):
                yield Finding(name, token.line, f"{token.text} in {folder(name)}/: it takes bytes and gives decisions")


def headers_have_no_guard_words(repository):
    """each header says #pragma once, once, before anything else"""
    for name in repository.select("src/", "include/", suffixes=(".h",)):
        directives = repository.parsed(name).directives
        if not directives or directives[0].text.split() != ["#pragma", "once"]:
            yield Finding(name, directives[0].line if directives else 1, "begin with #pragma once")


STRICT = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes",
          "-Wmissing-prototypes", "-Wundef", "-Wvla", "-Wwrite-strings", "-Wcast-qual", "-Wformat=2"]


def headers_compile_alone(repository):
    """each header compiles with nothing before it, all warnings on"""
    flags = include_flags(repository)

    def compile_alone(name):
        done = subprocess.run(
            ["gcc", *STRICT, *flags, "-I", str(repository.root / "include"), "-I",
             str((repository.root / name).parent), "-fsyntax-only", "-x", "c", "-include",
             str(repository.root / name), os.devnull], capture_output=True, text=True)
        if done.returncode == 0:
            return None
        error = next((row for row in done.stderr.splitlines() if "error" in row), done.stderr)
        return Finding(name, 1, f"does not compile alone: {error}")

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        headers = repository.select("src/", "include/", suffixes=(".h",))
        yield from filter(None, pool.map(compile_alone, headers))


def include_flags(repository):
    """Where the build finds third-party headers."""
    commands = repository.build and repository.build / "compile_commands.json"
    if not commands or not commands.exists():
        return []
    flags = set()
    for entry in json.loads(commands.read_text()):
        words = shlex.split(entry["command"])
        for index, word in enumerate(words):
            if word == "-isystem":
                flags.add(os.path.join(entry["directory"], words[index + 1]))
            elif word.startswith("-isystem"):
                flags.add(os.path.join(entry["directory"], word[len("-isystem"):]))
    return [word for path in sorted(flags) for word in ("-isystem", path)]


def sources_are_listed(repository):
    """each .c file below src/ is named in its folder's meson.build"""
    for name in repository.select("src/", suffixes=(".c",)):
        parts = name.split("/")
        lists = ["/".join(parts[:depth]) + "/meson.build" for depth in range(2, len(parts))]
        if not any(listed in repository.files and
                   re.search(rf"'([^']*/)?{re.escape(parts[-1])}'", repository.text(listed)) for listed in lists):
            yield Finding(name, 1, f"is not in {lists[-1]}, so nothing builds it")


def lists_are_sorted(repository):
    """lists of files and of tests in meson.build are sorted, so that a line has one place"""
    for name in [each for each in repository.files if each.endswith("meson.build")]:
        before = None
        for number, line in enumerate(repository.lines(name), 1):
            entry = re.fullmatch(r"\s*'([\w/.-]+\.(?:c|h|py|js|css|html|svg)|[a-z0-9_]+)',?\s*", line)
            if entry and before and entry.group(1) < before:
                yield Finding(name, number, f"'{entry.group(1)}' comes before '{before}'")
            before = entry.group(1) if entry else None


def modules_have_tests(repository):
    """src/<folder>/<module>.c has tests/unit/<folder>/test_<module>.c, or that of what it is a part of"""
    for name in repository.select("src/", suffixes=(".c",)):
        where, module = os.path.split(place(name)[:-2])
        if any(f"{where}/{module}/".startswith(outside + "/") for outside in rules.TESTED_FROM_OUTSIDE):
            continue
        if not any(f"tests/unit/{where}/test_{whole}.c" in repository.files for whole in wholes(module)) and not (
                is_private(repository, where, module) and
                repository.select(f"tests/unit/{where}/test_{module.split('_')[0]}", suffixes=(".c",))):
            yield Finding(name, 1, f"has no tests/unit/{where}/test_{module}.c")


def wholes(module):
    """http_server_parse, http_server, http: a module and what it may be a part of."""
    words = module.split("_")
    return ["_".join(words[:count]) for count in range(len(words), 0, -1)]


def is_private(repository, where, module):
    """A part without a public header is tested through the modules that share its first word."""
    return f"include/hashtagd/{where}/{module}.h" not in repository.files


def tests_have_modules(repository):
    """each unit test is named for something that is there"""
    for name in repository.select("tests/unit/", suffixes=(".c",)):
        match = re.fullmatch(r"tests/unit/(.+)/test_(\w+)\.c", name)
        if match is None:
            continue
        where, module = match.groups()
        known = repository.select(f"src/{where}/{module}", f"include/hashtagd/{where}/{module}")
        if not known:
            yield Finding(name, 1, f"there is no module '{module}' in src/{where}/ or include/hashtagd/{where}/")


@functools.lru_cache(maxsize=None)
def symbols_of(build):
    """(folder of the library, object's module, symbol, section) of every global or data symbol that we build."""
    found = []
    for library in sorted(build.glob("src/**/libht_*.a")):
        listing = subprocess.run(["nm", "--format=sysv", "--defined-only", str(library)], check=True,
                                 capture_output=True, text=True).stdout
        module = ""
        for line in listing.splitlines():
            member = re.match(r"Symbols from .*\[(.+?)\.c\.o\]:", line)
            if member:
                module = os.path.basename(member.group(1))
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 7:
                where = str(library.parent.relative_to(build / "src"))
                found.append((where, module, cells[0], cells[2], cells[6]))
    return found


def symbols_have_the_prefix(repository):
    """a symbol that other files can see begins with ht_ and stands in a header of its folder"""
    for where, module, symbol, kind, _section in libraries(repository):
        # one of the sanitizer's own stands beside each constant that other files see
        if kind not in "TDBRCV" or symbol == "main" or symbol.startswith("__odr_asan."):
            continue
        headers = repository.select(f"include/hashtagd/{where}/", f"src/{where}/", suffixes=(".h",))
        if not symbol.startswith("ht_"):
            yield Finding(f"src/{where}/{module}.c", 1, f"{symbol}: begin it with ht_, or make it static")
        elif not any(re.search(rf"\b{symbol}\b", repository.text(header)) for header in headers):
            yield Finding(f"src/{where}/{module}.c", 1, f"{symbol} is in no header of {where}/: declare it, or make it static")


def nothing_global_changes(repository):
    """no variable outlives a function: no writable data in what we build"""
    for where, module, symbol, _kind, section in libraries(repository):
        if re.match(r"\.t?(data|bss)(?!\.rel\.ro)", section) and not symbol.startswith((".", "__")):
            yield Finding(f"src/{where}/{module}.c", 1, f"{symbol} is a mutable global: put it into a struct, or make it const")


def libraries(repository):
    return symbols_of(repository.build) if repository.build else []


CHECKS = [
    folders_are_layers, includes_go_down, private_headers_stay, includes_exist, own_header_first,
    libraries_have_one_owner, pure_layers_stay_pure, headers_have_no_guard_words, headers_compile_alone,
    sources_are_listed, lists_are_sorted, modules_have_tests, tests_have_modules, symbols_have_the_prefix,
    nothing_global_changes,
]
