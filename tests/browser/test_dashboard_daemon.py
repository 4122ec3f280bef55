# SPDX-License-Identifier: MIT
"""The dashboard in front of the real daemon, from its own binary."""

import gzip
import itertools
import json
import re

import pytest
from playwright.sync_api import expect
from support.daemon import tweet

import fake_daemon
import views

ZALGO = "z" + "\u0301\u0323\u0335" * 20 + "algo"
RTL = "الذكاء_الاصطناعي"
identities = itertools.count(1_000_000)


def put(daemon, **counts):
    """Puts tweets so that each hashtag is counted so often."""
    answer = daemon.post_tweets([tweet(next(identities), tag)
                                 for tag, count in counts.items() for _ in range(count)])
    assert answer.status == 202, answer


def put_tag(daemon, tag, count=1):
    put(daemon, **{tag: count})


def archived(daemon):
    """The hashtags of all complete lines in the archive's files."""
    found = []
    for path in sorted((daemon.data / "archive").rglob("*.gz")):
        found += [json.loads(line)["hashtag"] for line in gzip.decompress(path.read_bytes()).splitlines()]
    return found


def shows(page, tag, count):
    expect(views.row(page, tag).locator(".c-count")).to_have_text(f"{count:,}")


def test_the_list_is_live(daemon, pages):
    put(daemon, apple=3, pear=2)
    page = pages.open(daemon.url)
    shows(page, "apple", 3)
    assert views.tags(page) == ["apple", "pear"]
    put(daemon, pear=4)
    shows(page, "pear", 6)
    assert views.tags(page) == ["pear", "apple"]
    expect(views.row(page, "pear").locator(".c-change")).to_have_attribute("data-way", "up")
    expect(page.locator("#figure-total")).to_have_text("9")
    expect(page.locator("#figure-distinct")).to_have_text("2")


def test_the_synthetic_source_moves(make_daemon, pages, shoot):
    daemon = make_daemon(source__type="synthetic", source__rate="300")
    page = pages.open(daemon.url)
    expect(page.locator("#source")).to_have_text("synthetic, working")
    expect(page.locator("#rows-body tr")).to_have_count(20)
    before = views.rows(page)
    views.wait_until(page, "(old) => document.querySelector('#rows-body .c-count').textContent"
                           " !== old", f"{before[0]['count']:,}")
    views.wait_until(page, "() => Number(document.getElementById('figure-tweets').textContent) > 100")
    expect(page.locator("#pipeline .station")).to_have_count(7)
    expect(page.locator(".station[data-part='source'] .station-state")).to_have_text("working")
    page.wait_for_timeout(5000)
    shoot(page, "daemon-light")
    views.row(page, views.tags(page)[0]).locator("a").click()
    page.wait_for_selector(".chart-column", state="attached")
    shoot(page, "daemon-detail", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.go_back()
    page.wait_for_timeout(1500)
    shoot(page, "daemon-dark")


def test_no_source(daemon, pages, shoot):
    page = pages.open(daemon.url, wait=".ways li")
    expect(page.locator("#source")).to_have_text("No source")
    shoot(page, "daemon-no-source")
    command = page.locator(".ways code").last.text_content()
    assert f"{daemon.url}/tweets" in command
    put(daemon, first=1)
    shows(page, "first", 1)


def test_delete_reaches_the_archive(daemon, pages, shoot):
    put(daemon, apple=3, pear=2)
    page = pages.open(daemon.url)
    shows(page, "apple", 3)
    views.delete_button(page, "apple").click()
    box = views.dialog(page)
    expect(box).to_contain_text("Its count of 3 goes to the archive")
    box.get_by_role("button", name="Delete").click()
    expect(box).to_contain_text("Deleted")
    box.get_by_role("button", name="Archive at once").click()
    expect(box.locator(".archive-line")).to_contain_text('"hashtag": "apple"')
    expect(box.locator(".archive-object")).to_contain_text("deleted/")
    shoot(page, "daemon-deleted")
    assert archived(daemon) == ["apple"]
    box.get_by_role("button", name="Close").click()
    expect(page.locator("#rows-body tr")).to_have_count(1)
    expect(page.locator("#deletions li").first).to_contain_text("deleted by a user")
    expect(page.locator("#deletions .deletion-state").first).to_have_text("archived")
    assert daemon.get("/hashtags/apple").status == 404
    page.reload()
    expect(page.locator("#deletions li")).to_have_count(1)


def test_a_deletion_by_curl_is_seen(daemon, pages):
    put(daemon, apple=3, pear=2)
    page = pages.open(daemon.url)
    shows(page, "apple", 3)
    assert daemon.delete("/hashtags/apple").status == 200
    expect(page.locator("#deletions li").first).to_contain_text("#apple")
    expect(page.locator("#rows-body tr")).to_have_count(1)
    page.locator("#flush").click()
    expect(page.locator("#flush-result")).to_contain_text(re.compile(r"1 deletion archived in .* m?s"))
    expect(page.locator("#deletions .deletion-state").first).to_have_text("archived")


def test_search(daemon, pages):
    put(daemon, apple=3, apricot=2, pear=5)
    page = pages.open(daemon.url)
    shows(page, "apple", 3)
    page.keyboard.press("/")
    page.keyboard.type("#AP")
    expect(page.locator("#rows-body tr")).to_have_count(2)
    assert views.tags(page) == ["apple", "apricot"]
    put(daemon, apricot=9)
    shows(page, "apricot", 11)
    page.keyboard.press("Escape")
    expect(page.locator("#rows-body tr")).to_have_count(3)


HOSTILE = {"markup": fake_daemon.MARKUP, "right to left": RTL, "stacked marks": ZALGO,
           "address": "a/b?c#d", "dots": "..", "percent": "50%", "long": "x" * 140}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_hashtags(daemon, pages, name):
    put_tag(daemon, HOSTILE[name], 2)
    put(daemon, plain=1)
    daemon.wait_for(lambda: sum(daemon.counts().values()) == 3, "all tweets are counted")
    stored = next(name for name in daemon.counts() if name != "plain")
    page = pages.open(daemon.url)
    assert views.tags(page) == [stored, "plain"]
    heights = page.evaluate("[...document.querySelectorAll('#rows-body tr')].map((r) => r.offsetHeight)")
    assert len(set(heights)) == 1
    assert views.overflow(page) <= 0
    page.locator("#rows-body a").first.click()
    page.wait_for_selector(".chart-column", state="attached")
    expect(page.locator(".windows > div").last).to_contain_text("2")
    page.keyboard.press("Escape")
    page.locator("#rows-body .c-act button").first.click()
    views.dialog(page).get_by_role("button", name="Delete").click()
    expect(views.dialog(page)).to_contain_text("Deleted")
    assert daemon.counts() == {"plain": 1}
    assert page.locator("img").count() == 0


def test_a_page_of_hostile_hashtags(daemon, pages, shoot):
    for count, tag in enumerate([fake_daemon.MARKUP, RTL, ZALGO, "..", "x" * 140], 2):
        put_tag(daemon, tag, count)
    daemon.wait_for(lambda: len(daemon.counts()) == 5, "all hashtags are counted")
    page = pages.open(daemon.url)
    expect(page.locator("#rows-body tr")).to_have_count(5)
    shoot(page, "daemon-hostile")


def test_pause_holds_and_lets_go(daemon, pages):
    put(daemon, apple=3)
    page = pages.open(daemon.url)
    shows(page, "apple", 3)
    page.keyboard.press("p")
    put(daemon, apple=2, pear=9)
    expect(page.locator("#held")).to_contain_text(re.compile(r"updates? waits?\."))
    assert views.rows(page) == [{"rank": 1, "tag": "apple", "count": 3}]
    page.keyboard.press("p")
    shows(page, "pear", 9)
    shows(page, "apple", 5)


def test_own_view_counts_on(daemon, pages):
    put(daemon, apple=3, pear=4)
    daemon.wait_until_counted({"apple": 3, "pear": 4})
    page = pages.open(f"{daemon.url}/#/tag/apple", wait=".chart-column")
    windows = page.locator(".windows > div")
    expect(windows.last).to_contain_text("3")
    expect(windows.last).to_contain_text("rank 2")
    expect(page.locator(".chart-readout").first).to_contain_text("3 in all")
    put(daemon, apple=5)
    expect(windows.last).to_contain_text("8")
    expect(windows.last).to_contain_text("rank 1")


def test_windows(daemon, pages):
    put(daemon, apple=3)
    page = pages.open(daemon.url)
    for name in ("5 min", "1 hour", "24 hours", "All time"):
        views.tab(page, name).click()
        expect(page.locator("#list-note")).to_contain_text("3 counted in")
        shows(page, "apple", 3)


def test_killed_and_started_again(daemon, pages, shoot):
    put(daemon, apple=3)
    daemon.wait_until_counted({"apple": 3})
    page = pages.open(daemon.url)
    shows(page, "apple", 3)
    # The same address again, as a person's daemon has it.
    daemon.settings["admin.listen"] = daemon.url.removeprefix("http://")
    daemon.kill()
    expect(views.banner(page)).to_contain_text("The daemon does not answer.")
    shoot(page, "daemon-gone")
    shows(page, "apple", 3)
    daemon.start()
    expect(views.connection(page)).to_have_text("Live")
    put(daemon, apple=1)
    shows(page, "apple", 4)


def test_token(make_daemon, pages, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("a-token-of-some-length\n")
    secret.chmod(0o600)
    daemon = make_daemon(source__type="synthetic", admin__token_file=str(secret))
    page = pages.open(daemon.url, wait="dialog[open]")
    page.locator("#token").fill("a-token-of-some-length")
    page.keyboard.press("Enter")
    expect(page.locator("#rows-body tr")).to_have_count(20)
    page.locator("#flush").click()
    expect(page.locator("#flush-result")).to_contain_text("written")


@pytest.mark.parametrize("width", [320, 768])
def test_narrow(make_daemon, pages, shoot, width):
    daemon = make_daemon(source__type="synthetic")
    page = pages.open(daemon.url, width=width, height=700)
    expect(page.locator("#rows-body tr")).to_have_count(20)
    assert views.overflow(page) <= 0
    shoot(page, f"daemon-narrow-{width}", full_page=True)


def test_the_files_come_with_a_strict_policy(daemon, pages):
    for path in ("/", "/app.js", "/app.css", "/favicon.svg"):
        answer = daemon.get(path)
        assert answer.status == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert daemon.get("/app.js").type == "text/javascript"
    assert daemon.get("/favicon.svg").type == "image/svg+xml"
