# SPDX-License-Identifier: MIT
"""Empty and broken states: each says what is so and what to do."""

import re

from playwright.sync_api import expect

import views


def test_no_source_yet(make_fake, pages, shoot):
    fake = make_fake(tags=[], source="none")
    page = pages.open(fake.url, wait=".ways li")
    expect(page.locator("#source")).to_have_text("No source")
    commands = page.locator(".ways code").all_text_contents()
    assert commands == [
        "hashtagd serve --set source.type=synthetic",
        "hashtagd serve --set source.type=jetstream", "hashtagd put FILE",
        f"curl -H 'Content-Type: application/json' --data @tweet.json {fake.url}tweets"]
    shoot(page, "no-source")
    fake.set_count("first", 1)
    expect(page.locator("#rows-body tr")).to_have_count(1)
    expect(page.locator("#empty")).to_be_hidden()


def test_a_source_without_tweets(make_fake, pages):
    fake = make_fake(tags=[])
    page = pages.open(fake.url, wait="#empty:not([hidden])")
    expect(page.locator("#empty")).to_contain_text("Waiting for the first hashtag")


def test_a_quiet_window(make_fake, pages):
    fake = make_fake(tags=["few"])
    fake.moving = False
    fake.set_count("few", 3)
    page = pages.open(fake.url)
    page.keyboard.press("1")
    expect(page.locator("#empty")).to_contain_text("No hashtag in the last 5 minutes")
    page.get_by_role("button", name="Show all time").click()
    expect(page.locator("#rows-body tr")).to_have_count(1)


def test_the_daemon_goes_and_comes_back(fake, pages, shoot):
    page = pages.open(fake.url)
    fake.stop()
    expect(views.banner(page)).to_contain_text("The daemon does not answer.")
    expect(views.banner(page)).to_contain_text(re.compile(r"Trying again in \d+ s\."))
    expect(views.banner(page)).to_contain_text(re.compile(r"as of \d\d:\d\d:\d\d"))
    expect(views.connection(page)).to_have_text(re.compile(r"Retry"))
    expect(page.locator("#list-view")).to_have_class("stale")
    expect(page.locator(".station[data-part='count'] .station-state")).to_have_text("unknown")
    assert len(views.rows(page)) == 20, "what was known stays to be read"
    shoot(page, "gone")
    shown = views.rows(page)
    fake.start()
    page.get_by_role("button", name="Try now").click()
    expect(views.connection(page)).to_have_text("Live")
    expect(views.banner(page)).to_be_hidden()
    expect(page.locator("#list-view")).not_to_have_class("stale")
    views.wait_until(page, "(old) => document.querySelector('#rows-body .c-count').textContent"
                           " !== old", f"{shown[0]['count']:,}")


def test_another_window_is_not_made_up_while_the_daemon_is_gone(fake, pages):
    page = pages.open(fake.url)
    fake.stop()
    expect(views.banner(page)).to_contain_text("does not answer")
    page.keyboard.press("1")
    expect(page.locator("#rows-body tr")).to_have_count(0)
    expect(page.locator("#list-note")).to_contain_text("Nothing is known")
    fake.start()
    expect(page.locator("#rows-body tr")).to_have_count(20)
    expect(page.locator("#list-note")).to_contain_text("in the last 5 minutes")


def test_it_comes_back_without_a_hand(fake, pages):
    page = pages.open(fake.url)
    fake.stop()
    expect(views.banner(page)).to_contain_text("does not answer")
    fake.start()
    expect(views.connection(page)).to_have_text("Live")


def test_deleting_without_a_daemon_says_so(fake, pages):
    page = pages.open(fake.url)
    views.delete_button(page, "breaking").click()
    fake.stop()
    views.dialog(page).get_by_role("button", name="Delete").click()
    expect(views.dialog(page)).to_contain_text("Not deleted")
    expect(views.dialog(page)).to_contain_text("Is it running?")


def test_busy(fake, pages):
    fake.events_status = 503
    page = pages.open(fake.url, wait="#banner:not([hidden])")
    expect(views.banner(page)).to_contain_text("The daemon refuses (503): Too many listeners.")
    fake.events_status = 200
    expect(views.connection(page)).to_have_text("Live")


def test_the_token_is_asked_for_once(make_fake, pages, shoot):
    fake = make_fake(token="secret")
    page = pages.open(fake.url, wait="dialog[open]")
    expect(views.dialog(page)).to_contain_text("asks for a token")
    expect(page.locator("dialog")).to_have_count(1)
    shoot(page, "token")
    page.locator("#token").fill("wrong")
    page.keyboard.press("Enter")
    expect(views.dialog(page)).to_contain_text("The token was refused")
    page.locator("#token").fill("secret")
    page.keyboard.press("Enter")
    expect(page.locator("#rows-body tr")).to_have_count(20)
    expect(views.dialog(page)).to_have_count(0)
    page.reload()
    expect(page.locator("#rows-body tr")).to_have_count(20)
    expect(views.dialog(page)).to_have_count(0)
    assert page.evaluate("JSON.stringify(localStorage)").count("secret") == 0
    assert not [path for _method, path in fake.requests if "secret" in path]


def test_without_a_token_the_page_says_how(make_fake, pages):
    fake = make_fake(token="secret")
    page = pages.open(fake.url, wait="dialog[open]")
    page.get_by_role("button", name="Not now").click()
    expect(views.banner(page)).to_contain_text("This daemon asks for a token.")
    page.get_by_role("button", name="Enter the token").click()
    expect(views.dialog(page)).to_be_visible()


def test_a_broken_event_does_not_stop_the_next(fake, pages):
    page = pages.open(fake.url)
    shown = views.rows(page)
    with fake.lock:
        for listener in fake.listeners:
            listener.append(("top", {"window": "all", "hashtags": None, "at": 1}))
    views.wait_until(page, "(old) => document.querySelector('#rows-body .c-count').textContent"
                           " !== old", f"{shown[0]['count']:,}")
