# SPDX-License-Identifier: MIT
"""Every case of every unit test again, with its n-th operation failing.

Each program first says how many operations of each kind each case makes. The points (case, fault,
n) are then tried in an order that spreads them evenly, however early the time is over, and that a
seed turns, so that in the long run all of them come up.
"""

import collections
import concurrent.futures
import dataclasses
import itertools
import json
import pathlib
import queue
import random
import re
import subprocess
import tempfile
import threading
import time

import daemon_point
import lives
import verdict
from faults_map import FAULTS
from unit_server import PASSED, UnitServer

GOLDEN = 0.6180339887498949


class Unknown(Exception):
    """Somebody named what is not there; its text is for whoever typed it."""


def unit_programs(build, only=""):
    """The cmocka programs of a build, as meson tells them, whose name `only` matches."""
    told = subprocess.run(["meson", "introspect", "--tests", str(build)], capture_output=True, text=True,
                          check=True)
    return [test for test in json.loads(told.stdout)
            if re.search(only, test["name"]) and "/test_" in test["cmd"][0] and len(test["cmd"]) == 1]


def no_program(build, name):
    """What to say where no program is meant: those of its folder, else the folders."""
    names = [test["name"] for test in unit_programs(build)]
    folder = name.split("/")[0] + "/"
    near = [one for one in names if one.startswith(folder)] or sorted({one.split("/")[0] + "/" for one in names})
    return f"no unit test program '{name}'; there are {', '.join(near)}"


def spread(count, seed):
    """The numbers 1..count, each once, so that any beginning of them is spread evenly."""
    offset = (seed * GOLDEN) % 1.0
    seen = set()
    step = 0
    while len(seen) < count and step < 4 * count:
        number = int(((step * GOLDEN + offset) % 1.0) * count) + 1
        step += 1
        if number not in seen:
            seen.add(number)
            yield number
    yield from (number for number in range(1, count + 1) if number not in seen)


@dataclasses.dataclass
class Tally:
    """What was tried, by fault, and what came out. For any number of threads."""

    points: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    possible: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    lives: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    cases: int = 0
    unusable: list = dataclasses.field(default_factory=list)
    findings: dict = dataclasses.field(default_factory=dict)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def find(self, found, replay):
        with self.lock:
            is_new = (found.kind, found.where) not in self.findings
            self.findings.setdefault((found.kind, found.where), []).append(replay)
        if is_new:
            print(f"{'LOOK' if found.kind == verdict.WAITS else 'FINDING'} {found.kind}: {found.where}\n{found.text}\n   again with: {replay}\n", flush=True)


class Program:
    """One test program: its cases, and for each the points not tried yet."""

    def __init__(self, test, seed, faults):
        self.test = test
        self.seed = seed
        self.faults = faults
        self.pending = None  # lists of (fault, iterator over n), by case
        self.uncounted = []
        self.limits = {}

    @property
    def is_done(self):
        return self.pending is not None and not self.uncounted and not any(self.pending.values())

    def visit(self, server, tally, share, deadline):
        """Tries up to `share` points of each case and fault."""
        if self.pending is None:
            self.pending = {}
            self.uncounted = list(enumerate(server.cases))
        self._count(server, tally, deadline)
        for case, rows in self.pending.items():
            for row in list(rows):
                for _ in range(share):
                    nth = next(row[1], None)
                    if nth is None:
                        rows.remove(row)
                        break
                    self.try_point(server, tally, case, row[0], nth)
                    if time.monotonic() > deadline:
                        return

    def _count(self, server, tally, deadline):
        while self.uncounted and time.monotonic() < deadline:
            case, name = self.uncounted.pop(0)
            outcome = server.run(case)
            if outcome.status != PASSED or "[  SKIPPED ]" in outcome.output:
                tally.unusable.append(f"{self.test['name']} {name}")
                continue
            tally.cases += 1
            self.limits[case] = 20 + 20 * outcome.seconds
            self.pending[case] = []
            for fault in self.faults:
                count = outcome.seen[fault.kind]
                tally.possible[fault.name] += count
                if count > 0:
                    self.pending[case].append((fault, spread(count, self.seed + case)))

    def try_point(self, server, tally, case, fault, nth):
        outcome = server.run(case, fault, nth, self.limits.get(case, 60))
        with tally.lock:
            tally.points[fault.name] += 1
        found = verdict.judge(server.symbols, fault, outcome)
        if found is not None:
            tally.find(found, f"tools/torture --replay '{self.test['name']}' {server.cases[case]} "
                              f"{fault.name} {nth}")


def torture(build, programs, faults, seed, seconds, jobs, share=2):
    """Visits the programs in turn, with larger shares each round, until the time is over or all
    points are tried. Returns the Tally."""
    tally = Tally()
    deadline = time.monotonic() + seconds
    programs = random.Random(seed).sample(programs, len(programs))
    waiting = [Program(test, seed, faults) for test in programs]
    while waiting and time.monotonic() < deadline:
        todo = queue.Queue()
        for program in waiting:
            todo.put(program)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for future in [pool.submit(work, build, todo, tally, share, deadline) for _ in range(jobs)]:
                future.result()
        waiting = [program for program in waiting if not program.is_done]
        share *= 4
    return tally


def work(build, todo, tally, share, deadline):
    while time.monotonic() < deadline:
        try:
            program = todo.get_nowait()
        except queue.Empty:
            return
        with tempfile.TemporaryDirectory(prefix="hashtagd-torture-") as place, \
                UnitServer(program.test, build, place) as server:
            try:
                program.visit(server, tally, share, deadline)
            except (TimeoutError, OSError) as failure:
                tally.unusable.append(f"{program.test['name']}: {failure}")


class Course:
    """One kind of life, and the points of it that were not tried yet."""

    def __init__(self, name, faults, dice):
        self.name, self.kind = name, lives.LIVES[name]
        self.faults = [fault for fault in self.kind.FAULTS.values() if fault in faults]
        self.start = dice.randrange(1 << 30)
        self.lock = threading.Lock()
        self.rows = None

    def next(self, place, tally):
        """The next (fault, n), or None where all were tried. The first to ask counts them."""
        with self.lock:
            if self.rows is None:
                self.rows = self._count(place, tally)
            while self.rows:
                fault, numbers = self.rows.pop(0)
                nth = next(numbers, None)
                if nth is not None:
                    self.rows.append((fault, numbers))
                    return fault, nth
        return None

    def _count(self, place, tally):
        counts = daemon_point.count_operations(self.kind, place)
        with tally.lock:
            tally.cases += 1
            for fault in self.faults:
                tally.possible[fault.name] += counts[fault.kind]
        rows = [(fault, spread(counts[fault.kind], self.start + at))
                for at, fault in enumerate(self.faults) if counts[fault.kind] > 0]
        turn = self.start % len(rows)
        return rows[turn:] + rows[:turn]


def torture_daemon(names, faults, seed, seconds, jobs):
    """Lives of the real program of these kinds by turns, each with one failure. Returns the Tally."""
    tally = Tally()
    dice = random.Random(seed)
    deadline = time.monotonic() + seconds
    courses = [Course(name, faults, dice) for name in dice.sample(names, len(names))]
    turns, lock = itertools.cycle(courses), threading.Lock()

    def work(place):
        while time.monotonic() < deadline:
            with lock:
                course = next(turns)
            point = course.next(place, tally)
            is_late = time.monotonic() > deadline and any(tally.points.values())
            if is_late or all(one.rows == [] for one in courses):
                return
            if point is not None:
                try_life(course, place, *point, tally)

    with tempfile.TemporaryDirectory(prefix="hashtagd-torture-") as place, \
            concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work, f"{place}/{which}") for which in range(jobs)]:
            future.result()
    return tally


def try_life(course, place, fault, nth, tally):
    wrong = daemon_point.try_point(course.kind, place, fault, nth)
    with tally.lock:
        tally.points[fault.name] += 1
        tally.lives[course.name] += 1
    if wrong is not None:
        tally.find(verdict.Finding(f"daemon ({course.name})", wrong.splitlines()[0][:160], wrong),
                   f"tools/torture --replay daemon {course.name} {fault.name} {nth}")


def replay_daemon(name, fault, nth):
    kind = lives.LIVES[name]
    with tempfile.TemporaryDirectory(prefix="hashtagd-torture-") as place:
        wrong = daemon_point.try_point(kind, f"{place}/0", kind.FAULTS[fault], nth)
    print(wrong or "no finding")
    return 0 if wrong is None else 1


def replay(build, name, case, fault, nth):
    """One point again, with all that it said."""
    tests = unit_programs(build, f"^{re.escape(name)}$")
    if not tests:
        raise Unknown(no_program(build, name))
    with tempfile.TemporaryDirectory(prefix="hashtagd-torture-") as place, \
            UnitServer(tests[0], build, place) as server:
        if case not in server.cases:
            raise Unknown(f"{name} has no case '{case}'; it has {', '.join(server.cases)}")
        outcome = server.run(server.cases.index(case), FAULTS[fault], nth)
        print(server.symbols.report(outcome.output))
        print("the operation that failed:" if outcome.fired else "nothing failed: fewer operations than that")
        for text in server.symbols.trace(outcome.trace):
            print("   ", text)
        found = verdict.judge(server.symbols, FAULTS[fault], outcome)
        print(f"status {outcome.status}: " + ("no finding" if found is None else f"{found.kind}: {found.where}"))
        return 0 if found is None else 1
