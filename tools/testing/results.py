# SPDX-License-Identifier: MIT
"""What a suite found, and how to read it from the tools that ran it."""

import dataclasses
import json
import pathlib
import re
import xml.etree.ElementTree


@dataclasses.dataclass
class Result:
    """Counts of one suite. `failures` and `skips` name each case, for the summary."""

    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)
    skips: list = dataclasses.field(default_factory=list)

    @property
    def ran(self):
        return self.passed + len(self.failures)

    def add(self, other):
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips
        return self

    def fail(self, what):
        self.failures.append(what)
        return self


CMOCKA_PASSED = re.compile(r"^\[ {7}OK \] ", re.MULTILINE)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] (?!\d+ test\(s\))(?:[^:\n]*: )?([^\s:]+)", re.MULTILINE)
CMOCKA_SKIPPED = re.compile(r"^\[  SKIPPED \] (?!\d+ test\(s\))(?:[^:\n]*: )?([^\s:]+)", re.MULTILINE)


def of_program(name, verdict, output):
    """One test program as meson saw it. A cmocka program counts by its cases, any other as one.

    A program that failed although each of its cases passed (a sanitizer's report, a crash, a time
    limit) is one failure more: no failure may vanish between two ways of counting.
    """
    result = Result()
    result.passed = len(CMOCKA_PASSED.findall(output))
    result.failures = [f"{name}: {case}" for case in unique(CMOCKA_FAILED.findall(output))]
    result.skips = [f"{name}: {case}" for case in unique(CMOCKA_SKIPPED.findall(output))]
    counted = result.ran + len(result.skips)
    if verdict == "SKIP":
        result.skips.append(name)
    elif verdict in ("OK", "EXPECTEDFAIL"):
        result.passed += 1 if counted == 0 else 0
    elif not result.failures:
        result.fail(f"{name}: {verdict}")
    return result


def of_meson(log):
    """Reads meson's testlog.json: one JSON object a line."""
    result = Result()
    for line in pathlib.Path(log).read_text(errors="replace").splitlines():
        test = json.loads(line)
        output = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
        result.add(of_program(test["name"], test["result"], output))
    return result


def of_junit(path):
    """Reads the JUnit file that pytest writes."""
    result = Result()
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.fail(name)
        elif skipped is not None:
            result.skips.append(f"{name}: {skipped.get('message', '')}")
        else:
            result.passed += 1
    return result


def unique(names):
    return list(dict.fromkeys(names))
