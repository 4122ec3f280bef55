# SPDX-License-Identifier: MIT
"""One unit test program with the faults library in it: it runs its cases one by one, each in a
child of its own, with the failure that is asked for (faults_server.c)."""

import dataclasses
import os
import pathlib
import select
import signal
import subprocess
import time

from faults_map import FaultsMap, KIND_NAMES
from symbols import Symbols

# A handler of cmocka's must not take a crash for a failed case, and a stack of frames must be
# whole where a leak is judged by it.
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1:handle_segv=2:handle_sigbus=2:handle_abort=2:"
                    "handle_sigfpe=2:handle_sigill=2:exitcode=99:halt_on_error=1:allocator_may_return_null=1:"
                    "malloc_context_size=40:detect_stack_use_after_return=0:symbolize=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "LSAN_OPTIONS": "exitcode=99",
}
PASSED, FAILED = 0, 1
REPORTED, HUNG = 99, 124
TICKS = os.sysconf("SC_CLK_TCK")
LOOKS = 20


@dataclasses.dataclass
class Outcome:
    """How a case ended: an exit status, or minus a signal, or HUNG."""

    status: int
    fired: int
    seen: dict
    trace: list
    output: str
    seconds: float
    has_jumped: bool = False  # the case failed, and what stood in its frames is gone
    is_idle: bool = False  # HUNG: it only slept


def processor_time(number):
    """Ticks of the processor that a process has used; of one that is gone 0."""
    cells = stat_of(number)
    return int(cells[11]) + int(cells[12]) if cells else 0


def is_at_work(number):
    """Whether it runs or would like to: who waits for something sleeps."""
    return stat_of(number)[:1] == ["R"]


def stat_of(number):
    """What the system tells of a process, behind its name; nothing where it is gone."""
    try:
        return pathlib.Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


class UnitServer:
    """`test` is one of unit_programs(); `place` an empty folder."""

    def __init__(self, test, build, place):
        self.test = test
        self.executable = test["cmd"][0]
        self.map = FaultsMap(pathlib.Path(place) / "map", self.executable)
        self.symbols = Symbols(self.executable)
        self.output = pathlib.Path(place) / "output"
        orders_in, self.orders = os.pipe()
        self.answers, answers_out = os.pipe()
        environ = {key: value for key, value in os.environ.items()
                   if not key.startswith(("HASHTAGD_", "AWS_", "TWITTER_", "MALLOC_"))}
        environ.update(test.get("env") or {})
        environ.update(SANITIZER_OPTIONS)
        environ.update({
            "LD_PRELOAD": str(pathlib.Path(build) / "tests" / "faults" / "libfaults.so"),
            "HT_FAULTS_FILE": str(self.map.path), "HT_FAULTS_OUTPUT": str(self.output),
            "HT_FAULTS_SERVER": f"{orders_in},{answers_out}"})
        self.process = subprocess.Popen(
            test["cmd"], env=environ, cwd=test.get("workdir") or build, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(orders_in, answers_out),
            start_new_session=True)
        os.close(orders_in)
        os.close(answers_out)
        self.rest = b""
        self.cases = []
        first = self._line(60)
        if first and first.startswith("cases "):
            self.cases = [self._line(60) for _ in range(int(first.split()[1]))]

    def _line(self, limit_s):
        """The next line of the program; None at its end, TimeoutError where none comes."""
        deadline = time.monotonic() + limit_s
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            more = os.read(self.answers, 65536)
            if not more:
                return None
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace")

    def run(self, case, fault=None, nth=1, limit_s=60):
        """Runs the case with that index; the nth operation of the fault's kind fails."""
        began = time.monotonic()
        plan = (0, 0, 0, 0) if fault is None else (fault.kind, nth, nth + fault.times - 1, fault.how)
        os.write(self.orders, (" ".join(map(str, (case, *plan))) + "\n").encode())
        child = self._line(60)
        if child is None:
            return Outcome(REPORTED, 0, {}, [], "the program ended", 0)
        is_idle = False
        try:
            status = os.waitstatus_to_exitcode(int(self._line(limit_s).split()[1]))
        except TimeoutError:
            status, is_idle = self._wait_longer(int(child.split()[1]), limit_s)
        seen = {kind: self.map.seen(kind) for kind in range(1, len(KIND_NAMES))}
        output = self.output.read_text(errors="replace") if self.output.exists() else ""
        return Outcome(status, self.map.fired, seen, self.map.trace, output, time.monotonic() - began,
                       self.map.has_jumped, is_idle)

    def _wait_longer(self, number, limit_s):
        """On a busy machine time says little: what is at work may take the limit of processor time. Its
        status, or HUNG where it was ended; and whether it only slept."""
        is_idle = False
        while not is_idle and processor_time(number) / TICKS < limit_s:
            looks = []
            for _ in range(LOOKS):
                try:
                    return os.waitstatus_to_exitcode(int(self._line(0.1).split()[1])), False
                except TimeoutError:
                    looks.append(is_at_work(number))
            is_idle = sum(looks) <= LOOKS // 4
        os.killpg(number, signal.SIGKILL)
        self._line(60)
        return HUNG, is_idle

    def close(self):
        os.close(self.orders)
        os.close(self.answers)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.map.close()
        self.symbols.close()
        self.output.unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
