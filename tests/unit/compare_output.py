#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where a file is not what a command prints: compare_output.py FILE COMMAND..."""

import difflib
import pathlib
import subprocess
import sys


def main():
    name, command = sys.argv[1], sys.argv[2:]
    printed = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    written = pathlib.Path(name).read_text()
    if printed == written:
        return 0
    sys.stdout.writelines(difflib.unified_diff(
        written.splitlines(True), printed.splitlines(True), name, " ".join(command)))
    print(f"write it anew: {' '.join(command)} > {name}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
