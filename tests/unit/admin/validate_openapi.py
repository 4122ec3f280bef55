#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where what a command prints is no valid OpenAPI document: validate_openapi.py COMMAND...

Runs itself again with the tests' own Python where that has the validator; without it the test is
skipped (meson takes status 77 for that).
"""

import json
import os
import pathlib
import subprocess
import sys

VENV = pathlib.Path(__file__).resolve().parents[3] / "build-test" / "venv" / "bin" / "python"


def main():
    try:
        from openapi_spec_validator import validate
    except ImportError:
        if VENV.exists() and os.path.realpath(sys.prefix) != os.path.realpath(VENV.parent.parent):
            os.execv(VENV, [str(VENV), *sys.argv])
        print("skipped: the package openapi-spec-validator is not there; tools/install test brings it")
        return 77
    printed = subprocess.run(sys.argv[1:], check=True, capture_output=True).stdout
    validate(json.loads(printed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
