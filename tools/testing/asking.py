# SPDX-License-Identifier: MIT
"""How the tools take their arguments: what is wrong is said in a line, with what there is, and ends with status 2."""

import argparse
import math
import sys


class Parser(argparse.ArgumentParser):
    """A parser that answers a wrong word with a line, not with the whole usage."""

    def error(self, message):
        refuse(self.prog, f"{message} ({self.prog} --help tells more)")


class Help(argparse.HelpFormatter):
    """Help that shows what stands by itself."""

    def _get_help_string(self, action):
        is_shown = action.default is not None and not isinstance(action.default, (bool, str))
        return f"{action.help or ''} (%(default)s)" if is_shown else action.help


def refuse(tool, text):
    print(f"{tool}: {text}", file=sys.stderr)
    sys.exit(2)


def span(text):
    """A time above 0; argparse names the option."""
    try:
        found = float(text)
    except ValueError:
        found = 0
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no time above 0")
    return found


def count(text):
    """A whole number above 0."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return int(text)


def known(what, names):
    """A type for argparse: some of the names, with commas between."""
    def take(text):
        for name in text.split(","):
            if name not in names:
                raise argparse.ArgumentTypeError(no_such(what, name, names))
        return text
    return take


def no_such(what, name, names):
    return f"there is no {what} '{name}'; there are {', '.join(names)}"
