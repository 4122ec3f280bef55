# SPDX-License-Identifier: MIT
"""Where seeds come from: the tables of the unit tests, and real messages of ../shared where they are.

tests/fuzz/seeds/<name>.py describes the target <name>: its first line of documentation says what it
proves, MAX_BYTES is the longest input, RUNS how many executions the short form takes, seeds() gives
the inputs to begin with (bytes). Nothing of it is kept in the repository.
"""

import functools
import importlib.util
import os
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent

# C string literals with nothing but white space between are one.
LITERALS = re.compile(r'(?:(?:u8)?"(?:\\.|[^"\\\n])*"\s*)+')
LITERAL = re.compile(r'"((?:\\.|[^"\\\n])*)"')
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.DOTALL)
LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
IGNORED = re.compile(r"/\*.*?\*/|//[^\n]*|^[ \t]*#[ \t]*include[^\n]*", re.DOTALL | re.MULTILINE)


def names():
    """All targets."""
    return sorted(path.stem for path in (FOLDER / "seeds").glob("*.py"))


@functools.lru_cache(maxsize=None)
def target(name):
    """The module that describes a target, under a name that is no library's."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location(f"seeds_of_{name}", FOLDER / "seeds" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shared():
    """Where real messages are: $HT_SHARED, else beside the repository."""
    return pathlib.Path(os.environ.get("HT_SHARED") or ROOT.parent / "shared") / "data"


def files(pattern):
    """The content of the files of the shared data that match; without the data there is none."""
    for path in sorted(shared().glob(pattern)):
        yield path.read_bytes()


def lines(pattern, most=200):
    """Single lines of them, up to `most` evenly spread."""
    found = [line for content in files(pattern) for line in content.splitlines() if line.strip()]
    return found[::max(1, len(found) // most)][:most]


def framed(texts, ends):
    """Each text with one of the ends behind it, in turn: targets take their decisions off the end."""
    for number, text in enumerate(texts):
        yield text + ends[number % len(ends)]


def answers(*parts):
    """The script of stream_world.h: (status, header line, body) for each request."""
    return b"\xfe\xfe".join(bytes([status]) + header + b"\n" + body for status, header, body in parts)


def literals(path):
    """The string literals of a C file of ours, each once: what a unit test's table tries."""
    text = (ROOT / path).read_text()
    text = re.sub(r'("(?:\\.|[^"\\\n])*")|' + IGNORED.pattern,
                  lambda found: found.group(1) or " ", text, flags=re.DOTALL | re.MULTILINE)
    found = (b"".join(unescape(part) for part in LITERAL.findall(whole)) for whole in LITERALS.findall(text))
    return list(dict.fromkeys(found))


def unescape(literal):
    def one(found):
        what = found.group(1)
        if what[:1] == b"x":
            return bytes([int(what[1:], 16) & 255])
        if what[:1].isdigit():
            return bytes([int(what, 8) & 255])
        return LETTERS.get(what, what)
    return ESCAPE.sub(one, literal.encode())


def write_seeds(name, folder):
    """Makes the seeds of a target in a folder, which is emptied; their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    description = target(name)
    count = 0
    for count, seed in enumerate(description.seeds(), 1):
        (folder / f"{count:05}").write_bytes(seed[-description.MAX_BYTES:])
    return count
