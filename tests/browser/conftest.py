# SPDX-License-Identifier: MIT
"""What the browser tests share: Chromium, pages that report every fault, and both daemons.

`fake` is the stand-in of fake_daemon.py, for states that are hard to cause; `daemon` is the real
program. Screenshots go to build-test/browser/, or to HT_SCREENSHOTS.
"""

import os
import pathlib
import sys

import pytest
from playwright.sync_api import expect, sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from fake_daemon import FakeDaemon  # noqa: E402
from support.daemon import Daemon, program  # noqa: E402

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
CHROMIUM = os.environ.get("HT_CHROMIUM", "/usr/bin/chromium")
SCREENSHOTS = pathlib.Path(os.environ.get("HT_SCREENSHOTS")
                           or HERE.parent.parent / "build-test" / "browser")
PATIENCE_MS = 20000  # the machine may be busy with other suites

expect.set_options(timeout=PATIENCE_MS)

# Runs before the page's own scripts: a refused script or style must not pass unseen.
WATCH = """
addEventListener("securitypolicyviolation",
  (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Pages:
    """Opens pages and keeps what went wrong in them."""

    def __init__(self, browser):
        self.browser = browser
        self.contexts = []
        self.faults = []
        self.requested = []

    def open(self, url, width=1360, height=900, wait="#rows-body tr", **options):
        options.setdefault("color_scheme", "light")
        context = self.browser.new_context(viewport={"width": width, "height": height},
                                           timezone_id="Europe/Berlin", **options)
        self.contexts.append(context)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"),
                                          dialog.dismiss()))
        page.on("console", self.console)
        page.on("request", lambda request: self.requested.append(request.url))
        page.goto(url)
        if wait:
            page.wait_for_selector(wait, state="attached")
        return page

    def console(self, message):
        # A refused connection or an error status is told there too; tests cause those on purpose.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def close(self):
        for context in self.contexts:
            context.close()


@pytest.fixture
def pages(chromium):
    """After the test no page may have thrown, logged an error, hit the policy or opened a box."""
    pages = Pages(chromium)
    yield pages
    pages.close()
    assert pages.faults == []
    strange = [url for url in pages.requested if not url.startswith("http://127.0.0.1:")]
    assert strange == [], "the dashboard asked somebody else"


@pytest.fixture
def make_fake():
    made = []

    def make(**options):
        fake = FakeDaemon(**options).start()
        made.append(fake)
        return fake

    yield make
    for fake in made:
        fake.stop()


@pytest.fixture
def fake(make_fake):
    return make_fake()


@pytest.fixture
def make_daemon(tmp_path):
    """Real daemons; each must end cleanly after the test."""
    if not pathlib.Path(program()).exists():
        pytest.skip(f"there is no {program()}: build it, or set HT_PROGRAM")
    made = []

    def make(name="data", **settings):
        daemon = Daemon({key.replace("__", "."): value for key, value in settings.items()},
                        data=tmp_path / name)
        made.append(daemon)
        return daemon.start()

    yield make
    for daemon in made:
        if daemon.process is not None:
            daemon.stop()


@pytest.fixture
def daemon(make_daemon):
    """The real daemon, without a source: the test puts the tweets."""
    return make_daemon(source__type="none", archive__buffer_s=3600)


@pytest.fixture
def shoot():
    """Takes a screenshot under a name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def shoot(page, name, **options):
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path, **options)
        assert path.stat().st_size > 1000
        return path

    return shoot
