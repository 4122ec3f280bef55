# SPDX-License-Identifier: MIT
"""Too little memory: the budget is kept under a flood, and where the system gives no more the daemon goes on or
ends with a reason. A restart is exact."""

import pathlib
import re
import resource
import time

import pytest

from conftest import SEED, crashes
from daemon import difference
from synthetic import final_counts, synthetic, truth_of

TWEETS = 12_000
MIB = 1 << 20
SLACK_MIB = [0, 3, 12, 50] if crashes(1) == 1 else list(range(0, 60, 2))
REASON = re.compile(r"memory", re.IGNORECASE)


def status_bytes(daemon, name):
    text = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def limit_memory(daemon, most):
    hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_AS)[1]
    resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (most, hard))


def ended_for_a_reason(daemon):
    """Whether it has ended; then by itself, and saying that memory was out."""
    if daemon.process.poll() is None:
        return False
    status, daemon.process = daemon.process.returncode, None
    assert status in (1, 3), f"it ended with {status}:\n{daemon.log[-3000:]}"
    assert REASON.search(daemon.log), daemon.log[-3000:]
    return True


def exact_after(start, daemon, data):
    """A daemon without limit goes on where this one ended."""
    truth = truth_of(SEED, TWEETS)
    if daemon.process is None:
        daemon.start()
    found = final_counts(daemon)
    assert found == truth, difference(found, truth)
    daemon.stop()


@pytest.mark.parametrize("slack", SLACK_MIB)
def test_no_more_memory_while_it_runs(start, tmp_path, slack):
    daemon = start({**synthetic(TWEETS, SEED), "memory.budget_bytes": 64 * MIB})
    limit_memory(daemon, status_bytes(daemon, "VmSize") + slack * MIB)
    end = time.monotonic() + 0.7
    while time.monotonic() < end and not ended_for_a_reason(daemon):
        time.sleep(0.02)
    if daemon.process is not None and slack % 2:
        daemon.kill()
    if daemon.process is not None:
        limit_memory(daemon, resource.prlimit(daemon.process.pid, resource.RLIMIT_AS)[1])
    exact_after(start, daemon, tmp_path / "data")


@pytest.mark.parametrize("most", [150, 250, 400])
def test_a_start_in_little_memory(start, most):
    """In MiB of addresses; threads alone take most of them."""
    daemon = start(synthetic(TWEETS, SEED), up=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most * MIB, hard))
        daemon.spawn()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    end = time.monotonic() + 0.7
    while time.monotonic() < end and daemon.process.poll() is None:
        time.sleep(0.02)
    if daemon.process.poll() == 127:  # not even the libraries have room: the system's loader says so
        daemon.process = None
    elif not ended_for_a_reason(daemon):
        daemon.kill()
    exact_after(start, daemon, None)


@pytest.mark.parametrize("budget", [1])
def test_the_budget_holds_under_a_flood(start, budget):
    daemon = start({**synthetic(TWEETS, SEED), "memory.budget_bytes": budget * MIB})
    before = status_bytes(daemon, "VmRSS")
    truth = truth_of(SEED, TWEETS)
    found = final_counts(daemon)
    assert found == truth, difference(found, truth)
    assert status_bytes(daemon, "VmHWM") - before < (budget + 48) * MIB
