# SPDX-License-Identifier: MIT
"""The simulation: builds its program, plays, and breaks the code on purpose to see it caught."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import asking
import builds

sys.path.insert(0, str(builds.ROOT / "tests" / "simulation"))
import breaks  # noqa: E402

TARGET = "tests/simulation/simulate"
FIXED = "1..100"  # the seeds that every run plays
AMAZON = "3..5"  # and in the world of Amazon, some seconds; 5 is one of long halts
SEEDS_A_BREAK = 100
SHORT_LIMIT_S = 600


def program():
    """Builds the command alone, in the build "release"; its path."""
    return builds.make_some([TARGET]) / TARGET


def _run(command, environ, cwd=builds.ROOT):
    done = subprocess.run(command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    if done.returncode != 0:
        raise builds.BuildFailed(f"{' '.join(map(str, command))}\n{done.stdout[-8000:]}")


def short(seconds=17):
    """The fixed seeds and, beside them, those of Amazon, and fresh ones for the same time; the
    failures, as text."""
    path = program()
    fresh = int(time.time()) * 1000
    commands = [[str(path), "--seeds", FIXED, "--events", "40"],
                [str(path), "--seeds", AMAZON, "--world", "amazon", "--events", "40"],
                [str(path), "--seeds", f"{fresh}..{fresh + 100000}", "--minutes", str(seconds / 60),
                 "--events", "40"]]
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, errors="replace") for command in commands]
    passed = 0
    failures = []
    for process in running:
        output = _output_of(process, failures)
        print(output, end="", flush=True)
        failed = [line for line in output.splitlines() if line.startswith("SEED ")]
        failures += failed
        if process.returncode != 0 and not failed:
            failures.append(f"simulate ended with {process.returncode}: {output[-400:]}")
        seeds = _seeds(output)
        if seeds == 0 and process.returncode == 0:
            failures.append("simulate played nothing")
        passed += max(0, seeds - len(failed))
    return passed, failures


def _output_of(process, failures):
    try:
        return process.communicate(timeout=SHORT_LIMIT_S)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        output = process.communicate()[0]
        failures.append(f"simulate did not end in {SHORT_LIMIT_S} s: {output[-400:]}")
        return output


def _seeds(output):
    for line in output.splitlines():
        words = line.split()
        if len(words) > 2 and words[1] in ("seed,", "seeds,"):
            return int(words[0])
    return 0


def try_breaks(names):
    """Applies each break to a copy of the sources and demands that its seeds fail."""
    known = [one.name for one in breaks.BREAKS]
    for name in names:
        if name not in known:
            asking.refuse("tools/simulate", asking.no_such("break", name, known))
    chosen = [one for one in breaks.BREAKS if not names or one.name in names]
    for one in chosen:
        breaks.check(builds.ROOT, one)
    builds.need("gcc", "meson", "ninja")
    missed = []
    with tempfile.TemporaryDirectory(prefix="hashtagd-breaks-") as folder:
        copy = pathlib.Path(folder) / "source"
        shutil.copytree(builds.ROOT, copy, symlinks=True, ignore=_ignored)
        build = copy / "build-breaks"
        print(f"building {build}: some minutes", flush=True)
        _configure(copy, build)
        for one in chosen:
            if not _is_caught(copy, build, one):
                missed.append(one.name)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} breaks were caught"
          + (f"; not: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


def _ignored(_folder, names):
    return [name for name in names if name.startswith("build") or name in (".git", "node_modules")]


def _configure(copy, build):
    _, options = builds.BUILDS["release"]
    options = [option for option in options if "werror" not in option]
    _run(["meson", "setup", *options, str(build), str(copy)], {"CC": "gcc", **os.environ}, copy)
    _run(["ninja", "-C", str(build), TARGET], os.environ, copy)


def _is_caught(copy, build, one):
    path = copy / one.file
    whole = path.read_text()
    path.write_text(whole.replace(one.old, one.new, 1))
    try:
        _run(["ninja", "-C", str(build), TARGET], os.environ, copy)
        for seed in range(1, SEEDS_A_BREAK + 1):
            command = [str(build / TARGET), "--seed", str(seed), "--events", "0",
                       *(["--world", one.world] if one.world else [])]
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, errors="replace", timeout=60)
                text = done.stdout
                failed = done.returncode != 0
            except subprocess.TimeoutExpired:
                text, failed = "SEED: does not come to its end", True
            if failed:
                print(f"caught {one.name} at seed {seed}: {_why(text)}", flush=True)
                return True
        print(f"NOT CAUGHT {one.name}: {one.what}", flush=True)
        return False
    finally:
        path.write_text(whole)


def _why(text):
    for line in text.splitlines():
        if "FAILED:" in line or "assertion" in line:
            return line[:200]
    return text.strip()[-200:]


def main(words):
    if words[0] == "--breaks":
        return try_breaks(words[1:])
    path = program()
    return subprocess.run([str(path), *words], check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except builds.BuildFailed as failure:
        sys.exit(str(failure))
