# SPDX-License-Identifier: MIT
"""What every Python test can use: daemons that end with their test, and the shared tweets."""

import os
import pathlib
import sys
import unittest

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from daemon import Daemon  # noqa: E402  (its folder is known only now)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    setattr(item, f"report_{report.when}", report)
    return report


@pytest.fixture
def start(tmp_path, request):
    """start(settings, data="name", ...) gives a running Daemon; each is ended, and its end checked,
    with the test. On failure its log is shown."""
    daemons = []

    def make(settings=None, data="data", up=True, **options):
        path = data if isinstance(data, pathlib.Path) else tmp_path / data
        daemon = Daemon(settings, data=path, **options)
        daemons.append(daemon)
        return daemon.start() if up else daemon

    yield make
    report = getattr(request.node, "report_call", None)
    failed = report is None or report.failed
    for daemon in daemons:
        if failed:
            daemon.kill()
            print(f"--- log of {daemon.data.name}, start {daemon.starts}:\n{daemon.log[-6000:]}")
        elif daemon.process is not None:
            daemon.stop()


@pytest.fixture
def daemon(start):
    """A running daemon without a source."""
    return start()


@pytest.fixture
def streaming():
    """The live services on loopback, over HTTP."""
    from streaming_server import StreamingServer

    with StreamingServer() as server:
        yield server


@pytest.fixture(scope="session")
def shared():
    """The folder of real public tweets that lies beside the repository, or HT_SHARED."""
    place = pathlib.Path(os.environ.get("HT_SHARED") or ROOT.parent / "shared" / "data")
    if (place / "data").is_dir():
        place = place / "data"
    if not place.is_dir():
        raise unittest.SkipTest(f"no real tweets: {place} is missing (set HT_SHARED)")
    return place
