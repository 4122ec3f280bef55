# SPDX-License-Identifier: MIT
"""Runs suites and sums them up. See tools/test."""

import os
import sys
import threading
import time

import builds
import coverage
import suites
from results import Result

# Suites that only compute run one after the other beside those that mostly wait, with what these
# leave of the processors.
BESIDE = ("lint", "unit-thread", "unit-release", "fuzz")
LOW_PRIORITY = 10


def main(arguments):
    words = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, words = arguments[:at], arguments[at + 1:]
    if arguments == ["--list"]:
        for name, run in suites.SUITES.items():
            print(f"{name:12} {run.__doc__}")
        return 0
    unknown = [word for word in arguments if not any(is_meant(word, name) for name in suites.SUITES)]
    if unknown:
        print(f"tools/test: no suite {', '.join(unknown)}; there are {', '.join(suites.SUITES)}")
        return 2
    chosen = [name for name in suites.SUITES
              if not arguments or any(is_meant(word, name) for word in arguments)]

    coverage.forget()
    rows = run_suites(chosen, words)
    total = Result()
    for row in rows:
        total.add(row[1])
    print_summary(rows, total)
    return 0 if total.passed > 0 and not total.failures else 1


def is_meant(word, name):
    """`unit` means the unit tests on every build."""
    return name == word or name.startswith(word + "-")


def run_suites(chosen, words):
    """A row each: name, result, seconds."""
    rows = {}

    def run(names):
        for name in names:
            rows[name] = (name, *run_suite(name, words))

    def run_beside(names):
        # Of this thread alone, and of all that it starts.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)
        run(names)

    beside = [name for name in chosen if name in BESIDE]
    waiting = [name for name in chosen if name not in BESIDE]
    if beside and waiting:
        lane = threading.Thread(target=run_beside, args=(beside,))
        lane.start()
        run(waiting)
        lane.join()
    else:
        run(chosen)
    return [rows[name] for name in chosen]


def run_suite(name, words):
    run = suites.SUITES[name]
    began = time.monotonic()
    print(f"\n== {name}: {run.__doc__}", flush=True)
    try:
        result = run(words)
    except builds.BuildFailed as failure:
        print(failure, flush=True)
        result = Result().fail(f"{name}: the build failed")
    except Exception as failure:  # a suite that breaks must not take the others along
        print(f"{type(failure).__name__}: {failure}", flush=True)
        result = Result().fail(f"{name}: could not run: {failure}")
    return result, time.monotonic() - began


def print_summary(rows, total):
    print("\n== coverage of src/ by these suites (tools/coverage tells more)")
    try:
        coverage.report()
    except Exception as failure:  # it tells, it does not judge
        print(f"it could not be told: {failure}")
    print("\n== summary")
    for name, result, seconds in rows:
        print(f"{name:12} {result.passed:6} passed {len(result.failures):4} failed "
              f"{len(result.skips):4} skipped {seconds:6.0f} s")
    for title, cases in (("SKIPPED", total.skips), ("FAILED", total.failures)):
        for case in cases:
            print(f"{title}: {case}")
    print(f"{total.passed} passed, {len(total.failures)} failed, {len(total.skips)} skipped", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
