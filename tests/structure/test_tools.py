# SPDX-License-Identifier: MIT
"""What is typed wrong is answered at once, in words, by every tool: nothing is built, nothing is run."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# What is typed behind tools/, and what the answer says.
REFUSED = [
    ("fuzz", "tools/fuzz --all --minutes N"),
    ("fuzz url --minutes 0", "'0' is no time above 0"),
    ("fuzz nosuch", "no target nosuch"),
    ("fuzz url --replay nosuch.input", "no file"),
    ("simulate --breaks nosuch", "there is no break 'nosuch'; there are mark-not-checked, "),
    ("coverage nosuch", "no such file or folder in src/: nosuch"),
    ("coverage src/net/nosuch.c", "no such file or folder in src/: src/net/nosuch.c"),
    ("coverage --explain nosuch", "no such file or folder in src/: nosuch"),
    ("torture --only daemon --life nosuch", "there is no life 'nosuch'; there are embedded, "),
    ("torture --faults nosuch", "there is no fault 'nosuch'; there are alloc, "),
    ("torture --replay daemon nosuch alloc 17", "there is no life 'nosuch'; there are embedded, "),
    ("torture --replay daemon outage alloc 17", "there is no fault 'alloc'; there are write-outage, "),
    ("torture --replay pipeline/ingest nosuch alloc 0", "'0' is no whole number above 0"),
    ("soak --minutes 0", "'0' is no time above 0"),
    ("lint --nosuch", "nothing is known of '--nosuch'"),
    ("lint nosuch", "no nosuch/compile_commands.json"),
    ("format nosuch", "nothing is known of 'nosuch'"),
]


def run(words):
    return subprocess.run(["tools/" + words[0], *words[1:]], cwd=ROOT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("words, says", REFUSED, ids=lambda value: value.split(";")[0])
def test_what_is_wrong_is_refused_in_words(words, says):
    done = run(words.split())
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["format", "fuzz", "lint", "simulate", "soak", "torture"])
def test_help_tells_and_does_nothing(name):
    done = run([name, "--help"])
    assert done.returncode == 0 and f"tools/{name}" in done.stdout and done.stderr == ""


def test_help_of_the_simulation_has_all_options():
    told = run(["simulate", "--help"]).stdout
    for option in ("--world", "--hours", "--events", "--stop-after", "--boundless"):
        assert option in told
