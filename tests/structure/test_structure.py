# SPDX-License-Identifier: MIT
"""The rules of the house, held against the sources. A failure lists each place and the cure.

HT_BUILD is a build with the compile commands and the libraries; without it what looks at symbols
sees nothing, so the suite insists on it.
"""

import os
import pathlib

import pytest

import check_functions
import check_layers
import check_text
from source import Repository

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHECKS = check_layers.CHECKS + check_functions.CHECKS + check_text.CHECKS


@pytest.fixture(scope="session")
def repository():
    return Repository(ROOT, os.environ.get("HT_BUILD") or ROOT / "build-test" / "release")


def test_build_is_there(repository):
    assert list(repository.build.glob("src/**/libht_*.a")), f"no libraries in {repository.build}: build it first"
    assert repository.ours, "no C files found"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_rule(repository, check):
    findings = [str(finding) for finding in check(repository)]
    if findings:
        pytest.fail(f"{check.__doc__}:\n" + "\n".join(findings), pytrace=False)
