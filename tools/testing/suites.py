# SPDX-License-Identifier: MIT
"""The suites, in the order in which they run. Each returns a Result."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import builds
import simulation as play
import fuzzing
import torturing
from results import Result, of_junit, of_meson

ROOT = builds.ROOT
REPORTS = builds.OUTPUT / "reports"


def structure(_words):
    """shape of the sources: layers, sizes, names, documentation"""
    builds.make("release")
    return run_pytest("structure", ["tests/structure", "-n", "2"], {"HT_BUILD": str(builds.directory("release"))})


def layout(_words):
    """clang-format finds nothing to change"""
    return run_check("format", ["tools/format", "--check"])


def lint(_words):
    """clang-tidy finds nothing"""
    builds.make("thread")
    return run_check("lint", ["tools/lint", str(builds.directory("thread"))])


def unit(_words):
    """unit tests, under address and undefined sanitizers"""
    return run_meson("address")


def unit_thread(_words):
    """unit tests where there are threads, under the thread sanitizer"""
    return run_meson("thread")


def unit_release(_words):
    """unit tests, optimised: whole where a sanitizer plays the first part of a long series"""
    return run_meson("release")


def integration(words):
    """the program from outside, over HTTP and the command line, under sanitizers"""
    builds.make("address")
    return run_pytest("integration", ["tests/integration", "-n", "4", *words],
                      {"HT_PROGRAM": str(builds.program("address"))})


def fuzz(_words):
    """every fuzz target for a moment, from a fixed seed, and all that was ever found"""
    return fuzzing.short(builds.make(fuzzing.BUILD))


def faults(_words):
    """unit tests and the program with their n-th allocation, write, sync, read or open failing"""
    return torturing.short(run)


def browser(words):
    """the dashboard in Chromium"""
    builds.make("release")
    return run_pytest("browser", ["tests/browser", "-n", "2", *words], {"HT_PROGRAM": str(builds.program("release"))})


def crash(words):
    """kill -9, power cuts and every shortage, on the real program; HT_CRASHES and HT_CRASH_SEED for more"""
    builds.make("release")
    return run_pytest("crash", ["tests/crash", "-n", "4", *words],
                      {"HT_PROGRAM": str(builds.program("release"))})


def simulation(_words):
    """the stages in simulated worlds: fixed seeds, and fresh ones beside them"""
    builds.make("release")
    result = Result()
    passed, failures = play.short()
    result.passed += passed
    for failure in failures:
        result.fail(f"simulation: {failure}")
    return result


def attack(words):
    """the HTTP server under attack: it serves the honest client in bounded memory"""
    builds.make("release")
    return run_pytest("attack", ["tests/attack", "-n", "3", *words], {"HT_PROGRAM": str(builds.program("release"))})


def soak(words):
    """seconds of the steady load with faults whose long form is tools/soak; the judge of flatness"""
    builds.make("release")
    return run_pytest("soak", ["tests/soak", "-n", "2", *words], {"HT_PROGRAM": str(builds.program("release"))})


SUITES = {
    "structure": structure,
    "format": layout,
    "lint": lint,
    "unit": unit,
    "unit-thread": unit_thread,
    "unit-release": unit_release,
    "fuzz": fuzz,
    "simulation": simulation,
    "integration": integration,
    "faults": faults,
    "browser": browser,
    "crash": crash,
    "attack": attack,
    "soak": soak,
}


def run_check(name, command, limit_s=1200):
    """A tool that says by its exit status whether all is well: one test."""
    status = run(command, os.environ, limit_s)
    if status != 0:
        return Result().fail(f"{name}: {' '.join(command)} ended with {status}")
    return Result(passed=1)


def run_meson(name, limit_s=1200):
    """All tests of a build."""
    builds.make(name)
    where = builds.directory(name)
    log = where / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(where), "--no-rebuild", "--print-errorlogs",
               "--timeout-multiplier", "4"]
    if name in builds.PARTS:
        command += [test["name"] for test in builds.tests_in(where, builds.PARTS[name])]
    if name == "thread":  # the sanitizer's shadow memory wants addresses without random offsets
        command = ["setarch", "-R", *command]
    status = run(command, builds.environment(), limit_s)
    if not log.exists():
        return Result().fail(f"unit ({name}): no results; meson test ended with {status}")
    result = of_meson(log)
    result.failures = [f"unit ({name}) {what}" for what in result.failures]
    result.skips = [f"unit ({name}) {what}" for what in result.skips]
    return not_silent(result, f"unit ({name})", status)


def run_pytest(name, words, variables, limit_s=1800):
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider",
               "--junit-xml", str(report), *words]
    status = run(command, {**builds.environment(), **variables}, limit_s)
    if not report.exists():
        return Result().fail(f"{name}: no results; pytest ended with {status}")
    return not_silent(of_junit(report), name, status)


def not_silent(result, name, status):
    """A runner that failed without naming a failed case, or ran nothing, is a failure."""
    if status != 0 and not result.failures:
        result.fail(f"{name}: the runner ended with {status}")
    elif result.ran + len(result.skips) == 0:
        result.fail(f"{name}: no test ran")
    return result


def run(command, environ, limit_s):
    """Runs to the end or the time limit, with all that the command started."""
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        return process.wait(timeout=limit_s)
    except subprocess.TimeoutExpired:
        print(f"   stopped after {limit_s} s: {' '.join(command)}", flush=True)
        return "its time limit"
    finally:
        end_group(process)


def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
