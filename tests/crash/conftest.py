# SPDX-License-Identifier: MIT
"""What the crash tests share: how often and with which seed, and where the layers are."""

import os
import pathlib
import sys
import unittest

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from daemon import program  # noqa: E402  (tests/conftest.py has made it known)

SEED = int(os.environ.get("HT_CRASH_SEED", "1"))


def crashes(usual):
    """How many crashes a test makes: HT_CRASHES, else the usual number."""
    return int(os.environ.get("HT_CRASHES") or usual)


def layer(name):
    """The built layer, to be preloaded."""
    path = pathlib.Path(program()).resolve().parent / "tests" / "crash" / f"{name}.so"
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not built: meson's option `tests` makes it")
    return str(path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except AssertionError as error:
        name = item.nodeid.rsplit("::", 1)[1]
        error.add_note(f"again: HT_CRASH_SEED={SEED} tools/test crash -- -k '{name.split('[')[0]}'"
                       if hasattr(error, "add_note") else "")
        raise
