# SPDX-License-Identifier: MIT
"""Runs the fuzz targets: the short form of the suite `fuzz`, and the long one of tools/fuzz."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import asking
import builds
from results import Result

sys.path.insert(0, str(builds.ROOT / "tests" / "fuzz"))

import corpus  # noqa: E402

BUILD = "address"
OUTPUT = builds.OUTPUT / "fuzz"
TARGETS = "tests/fuzz"  # in a build

# An input may take so long and so much before it is a finding. CI's machines are slow and busy.
INPUT_LIMIT_S = 25
MEMORY_LIMIT_MB = 2048
SHORT_LIMIT_S = 600


def short(where, names=None):
    """Each target a fixed number of times with a fixed seed, and what it once failed on."""
    result = Result()
    if not names:
        names = corpus.names()
        written = {path.stem.removeprefix("fuzz_") for path in corpus.FOLDER.glob("fuzz_*.c")}
        for name in sorted(written ^ set(names)):
            result.fail(f"fuzz: {name} has a target without seeds, or seeds without a target")
    if not corpus.shared().is_dir():
        print("   no ../shared/data: the targets begin without real messages", flush=True)
    with tempfile.TemporaryDirectory(prefix="ht-fuzz-") as room:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            runs = [pool.submit(short_one, where, name, pathlib.Path(room) / name) for name in names]
            for name, run in zip(names, runs):
                failure = run.result()
                result.add(Result().fail(f"fuzz: {name}: {failure}") if failure else Result(passed=1))
    return result


def short_one(where, name, room):
    """None, or what to tell of a failure; its output is printed."""
    program = program_of(where, name)
    if not program.exists():
        return f"no {program}"
    description = corpus.target(name)
    corpus.write_seeds(name, room / "seeds")
    (room / "corpus").mkdir()
    findings = OUTPUT / name / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    command = [str(program), "-seed=1", f"-runs={description.RUNS}", *limits(name, findings),
               str(room / "corpus"), str(room / "seeds"), *regressions(name)]
    try:
        done = subprocess.run(command, cwd=room, env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SHORT_LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"not done after {SHORT_LIMIT_S} s"
    if done.returncode == 0:
        return None
    output = done.stdout.decode(errors="replace")
    print(f"   fuzz {name}\n{output[-8000:]}", flush=True)
    return f"{reason_of(output)}; {replay_hint(name, artifact_of(output))}"


def long(where, name, minutes, jobs):
    """Fuzzes one target for so long; whether nothing was found."""
    home = OUTPUT / name
    findings = home / "findings"
    for folder in (home / "corpus", findings):
        folder.mkdir(parents=True, exist_ok=True)
    count = corpus.write_seeds(name, home / "seeds")
    print(f"{name}: {minutes:g} minutes, {jobs} at once, {count} seeds, "
          f"{len(list((home / 'corpus').iterdir()))} in the corpus", flush=True)
    command = [str(program_of(where, name)), f"-max_total_time={seconds_of(minutes)}", "-reload=1",
               "-print_final_stats=1", *limits(name, findings), str(home / "corpus"), str(home / "seeds"),
               *regressions(name)]
    logs = [home / f"log-{job}.txt" for job in range(jobs)]
    running = [subprocess.Popen(command, cwd=home, env=environment(), stdin=subprocess.DEVNULL,
                                stdout=log.open("wb"), stderr=subprocess.STDOUT) for log in logs]
    statuses = [process.wait() for process in running]
    clean = True
    for log, status in zip(logs, statuses):
        text = log.read_text(errors="replace")
        print(f"{name}: {figures(text)}", flush=True)
        if status != 0:
            clean = False
            tell(where, name, text, log)
    return clean


def seconds_of(minutes):
    """Whole seconds, as libFuzzer counts, which takes 0 for no limit at all."""
    return max(1, round(minutes * 60))


def figures(text):
    """What libFuzzer says of its work, in a line."""
    runs = re.findall(r"stat::number_of_executed_units: *(\d+)", text) or re.findall(r"^#(\d+)\t", text, re.M)
    edges = re.findall(r"\bcov: (\d+)", text)
    return f"{(runs or ['0'])[-1]} executions, edges {(edges or ['0'])[0]} -> {(edges or ['0'])[-1]}"


def tell(where, name, text, log):
    """A finding: its input, a smaller one, and how to see it again."""
    print(f"{name}: FOUND {reason_of(text)}; all of it is in {log}", flush=True)
    found = artifact_of(text)
    if found is None:
        return
    print(f"   input: {found} ({found.stat().st_size} bytes)")
    print(f"   smaller: {minimise(where, name, found)}")
    print(f"   {replay_hint(name, found)}", flush=True)


def reason_of(text):
    """The first line that says what went wrong."""
    found = re.findall(r"does not hold: .*$|not the same: .*$|runtime error: .*$|^SUMMARY: .*$", text, re.M)
    return found[0] if found else text.strip().splitlines()[-1] if text.strip() else "no word"


def minimise(where, name, found):
    """A smaller input that fails too, if half a minute finds one."""
    smaller = found.with_name(found.name + ".min")
    command = [str(program_of(where, name)), "-minimize_crash=1", "-max_total_time=30",
               f"-timeout={INPUT_LIMIT_S}", f"-exact_artifact_path={smaller}", str(found)]
    with tempfile.TemporaryDirectory(prefix="ht-fuzz-") as room:
        subprocess.run(command, cwd=room, env=environment(), stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f"{smaller} ({smaller.stat().st_size} bytes)" if smaller.exists() else "none"


def merge(where, name):
    """Leaves out of the corpus what reaches nothing that the rest does not reach."""
    old = OUTPUT / name / "corpus"
    if not old.is_dir():
        print(f"{name}: no corpus yet: tools/fuzz {name} --minutes 10 makes one")
        return True
    new = OUTPUT / name / "merged"
    new.mkdir(parents=True, exist_ok=True)
    command = [str(program_of(where, name)), "-merge=1", *limits(name, OUTPUT / name), str(new), str(old)]
    done = subprocess.run(command, cwd=new.parent, env=environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        print(f"{name}: merging ended with {done.returncode}")
        return False
    before = len(list(old.iterdir()))
    for path in old.iterdir():
        path.unlink()
    for path in new.iterdir():
        path.rename(old / path.name)
    new.rmdir()
    print(f"{name}: {before} -> {len(list(old.iterdir()))} inputs")
    return True


def replay(where, name, paths):
    """Runs inputs once each; whether all went well."""
    command = [str(program_of(where, name)), f"-timeout={INPUT_LIMIT_S}", *map(str, paths)]
    status = subprocess.run(command, env=environment()).returncode
    what = "the input" if len(paths) == 1 else f"all {len(paths)} inputs"
    print(f"{name}: {what} passed" if status == 0 else f"{name}: FAILED, it ended with {status}", flush=True)
    return status == 0


def limits(name, findings):
    """Options of every run."""
    options = [f"-max_len={corpus.target(name).MAX_BYTES}", f"-timeout={INPUT_LIMIT_S}",
               f"-rss_limit_mb={MEMORY_LIMIT_MB}", f"-artifact_prefix={findings}/"]
    words = corpus.FOLDER / f"{name}.dict"
    return [*options, f"-dict={words}"] if words.exists() else options


def regressions(name):
    folder = corpus.FOLDER / "regressions" / name
    return [str(folder)] if folder.is_dir() else []


def artifact_of(text):
    written = re.findall(r"Test unit written to (\S+)", text)
    return pathlib.Path(written[-1]) if written else None


def replay_hint(name, path):
    return f"again: tools/fuzz {name} --replay {path}" if path else f"again: tools/fuzz {name} --short"


def program_of(where, name):
    return pathlib.Path(where).resolve() / TARGETS / f"fuzz_{name}"


def environment():
    """The tests' own; a source coverage that nobody asked for goes nowhere."""
    return {"LLVM_PROFILE_FILE": os.devnull, **builds.environment()}


def build_parser():
    parser = asking.Parser(prog="tools/fuzz")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("--minutes", type=asking.span, default=1)
    parser.add_argument("--jobs", type=asking.count, default=1)
    parser.add_argument("--build", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--replay", nargs="+", type=lambda path: pathlib.Path(path).resolve())
    return parser


def check(parser, names, asked):
    """Refuses what cannot be done, before anything is built."""
    unknown = [name for name in names if name not in corpus.names()]
    if unknown or not names:
        parser.error(f"no target {', '.join(unknown) or 'named'}; tools/fuzz --list names them")
    if asked.replay and len(names) > 1:
        parser.error("--replay is for one target")
    for path in asked.replay or []:
        if not path.is_file():
            parser.error(f"no file {path}")
    for name in names if asked.build else []:
        if not program_of(asked.build, name).exists():
            parser.error(f"no {program_of(asked.build, name)}: build it first, with -Dfuzz=true")


def main(words):
    parser = build_parser()
    asked = parser.parse_args(words)
    if asked.list:
        for name in corpus.names():
            print(f"{name:20} {(corpus.target(name).__doc__ or '').splitlines()[0]}")
        return 0
    names = corpus.names() if asked.all or (asked.short and not asked.names) else asked.names
    check(parser, names, asked)
    where = asked.build or builds.make_some([f"{TARGETS}/fuzz_{name}" for name in names], BUILD)
    return 0 if act(where, names, asked) else 1


def act(where, names, asked):
    """Does what was asked for; whether all is well."""
    if asked.replay:
        return replay(where, names[0], asked.replay)
    if asked.merge:
        return all([merge(where, name) for name in names])
    if asked.short:
        result = short(where, asked.names)
        print(f"{result.passed} passed", *result.failures, sep="\n")
        return not result.failures
    return all([long(where, name, asked.minutes / len(names), asked.jobs) for name in names])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except builds.BuildFailed as failure:
        sys.exit(str(failure))
