# SPDX-License-Identifier: MIT
"""A hashtag's own view, the pipeline's stations, and deleting."""

import re
import time

from playwright.sync_api import expect

import views


def live_source(name, **changes):
    """A live source as /status tells of it."""
    now = int(time.time())
    link = {"state": "connected", "since": now - 3600, "last_byte_at": now, "last_message_at": now,
            "next_try_at": None, "behind_seconds": 1.5, "received_bytes": 12345678, "connects": 1,
            "repeats": 0, "skipped": 0, "gaps": 0, "pauses": 0, "undelivered": None, "rate_limit": None,
            "reconnects": {}}
    link.update(changes)
    return {"name": name, "type": name, "state": "working", "text": "", "since": now - 3600,
            "rate": 12.5, "total": 4321, "connection": link}


def test_the_source_station_tells_of_every_connection(make_fake, pages, shoot):
    fake = make_fake()
    waiting = live_source("mastodon", state="waiting", next_try_at=int(time.time()) + 40,
                          connects=3, reconnects={"stalled": 2, "network": 1}, gaps=1, skipped=7,
                          rate_limit={"limit": 300, "remaining": 0,
                                      "reset_at": int(time.time()) + 200})
    waiting.update(state="waiting", text="connection refused <b>")
    fake.sources = [live_source("jetstream"), waiting]
    fake.part_changes["source"] = {"type": "many", "state": "waiting"}
    page = pages.open(fake.url)
    expect(page.locator("#source")).to_have_text("2 sources, waiting")
    page.locator(".station[data-part='source'] button").click()
    dialog = views.dialog(page)
    expect(dialog.locator("h3")).to_contain_text(["jetstream", "mastodon"])
    expect(dialog).to_contain_text("connected, for 1 h")
    expect(dialog).not_to_contain_text("many")
    expect(dialog).to_contain_text("waiting: connection refused <b>")
    expect(dialog).to_contain_text("2 × nothing came for too long; 1 × the network failed")
    expect(dialog).to_contain_text(re.compile(r"Next try ?in \d+ s"))
    expect(dialog).to_contain_text("0 of 300 connections left, anew in 3 min")
    expect(dialog).to_contain_text("7 events that say nothing of hashtags")
    shoot(page, "sources")


def test_own_view(fake, pages, shoot):
    page = pages.open(fake.url)
    views.row(page, "breaking").locator("a").click()
    page.wait_for_selector(".chart-column", state="attached")
    assert page.url.endswith("#/tag/breaking")
    expect(page).to_have_title("#breaking · hashtagd")
    expect(page.locator(".windows > div")).to_have_count(4)
    expect(page.locator(".windows > div").last).to_contain_text("rank 5")
    expect(page.locator(".detail .facts")).to_contain_text("First seen")
    assert page.locator(".chart").first.locator(".chart-column").count() == 60
    assert page.locator(".chart").last.locator(".chart-column").count() == 48
    shoot(page, "detail", full_page=True)
    page.keyboard.press("Escape")
    expect(page.locator("#list-view")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "#breaking"


def test_a_link_opens_the_view_and_back_leaves_it(fake, pages):
    page = pages.open(fake.url + "#/tag/%D0%BC%D1%83%D0%B7%D1%8B%D0%BA%D0%B0", wait=".chart-column")
    expect(page.locator("#detail-title")).to_have_text("#музыка")
    page.get_by_role("link", name="Top hashtags", exact=False).last.click()
    expect(page.locator("#list-view")).to_be_visible()
    page.go_back()
    expect(page.locator("#detail-title")).to_have_text("#музыка")


def test_values_can_be_read(fake, pages):
    page = pages.open(fake.url + "#/tag/cats", wait=".chart-column")
    figure = page.locator(".chart").first
    figure.locator(".chart-frame").focus()
    page.keyboard.press("Home")
    first = figure.locator(".chart-readout").text_content()
    page.keyboard.press("ArrowRight")
    second = figure.locator(".chart-readout").text_content()
    assert " at " in first and " at " in second and first != second
    assert figure.locator(".chart-frame").get_attribute("aria-valuetext") == second
    figure.locator("summary").click()
    expect(figure.locator("tbody tr")).to_have_count(60)
    box = figure.locator(".chart-frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    middle = figure.locator(".chart-readout").text_content()
    assert " at " in middle and middle != second


def test_a_hashtag_that_is_not_there(fake, pages, shoot):
    page = pages.open(fake.url + "#/tag/nosuch", wait=".detail-message[data-status='404']")
    expect(page.locator(".detail-message")).to_contain_text("no hashtag #nosuch")
    shoot(page, "detail-missing")
    fake.set_count("nosuch", 7)  # from now on it grows, as all of them do
    expect(page.locator(".windows > div").last).to_contain_text("rank")


def test_delete_asks_tells_and_shows_the_line(fake, pages, shoot):
    fake.archive_after = 2
    page = pages.open(fake.url)
    views.delete_button(page, "breaking").click()
    box = views.dialog(page)
    expect(box).to_contain_text("counting begins at 0")
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    shoot(page, "delete-asks")
    box.get_by_role("button", name="Delete").click()
    expect(box).to_contain_text("Deleted")
    expect(box).to_contain_text("On its way to the archive")
    expect(page.locator("#deletions li").first).to_contain_text("not archived yet")
    expect(box.locator(".archive-line")).to_contain_text('"hashtag": "breaking"')
    expect(box).to_contain_text("deleted/")
    shoot(page, "delete-archived")
    box.get_by_role("button", name="Close").click()
    expect(page.locator("#deletions li").first).to_contain_text("deleted by a user")
    expect(page.locator("#deletions li").first.locator(".deletion-state")).to_have_text("archived")
    assert "breaking" not in views.tags(page)


def test_a_window_does_not_tell_the_whole_count(fake, pages):
    page = pages.open(fake.url)
    views.delete_button(page, "breaking").click()
    expect(views.dialog(page)).to_contain_text("Its count of ")
    page.keyboard.press("Escape")
    views.tab(page, "24 hours").click()
    expect(page.locator("#list-note")).to_contain_text("in the last 24 hours")
    views.delete_button(page, "breaking").click()
    expect(views.dialog(page)).to_contain_text("Its count goes to the archive")


def test_cancel_deletes_nothing(fake, pages):
    page = pages.open(fake.url)
    for how in ("Cancel", "Escape"):
        views.delete_button(page, "breaking").click()
        if how == "Cancel":
            views.dialog(page).get_by_role("button", name="Cancel").click()
        else:
            page.keyboard.press("Escape")
        expect(views.dialog(page)).to_have_count(0)
    assert not [one for one in fake.requests if one[0] == "DELETE"]
    assert page.evaluate("document.activeElement.closest('tr')?.textContent ?? ''").count("breaking")


def test_the_line_is_told_after_the_box_was_closed(fake, pages):
    fake.archive_after = 2
    page = pages.open(fake.url)
    views.delete_button(page, "breaking").click()
    views.dialog(page).get_by_role("button", name="Delete").click()
    views.dialog(page).get_by_role("button", name="Close").click()
    expect(page.locator(".toast")).to_contain_text("breaking")
    expect(page.locator(".toast")).to_contain_text("in the archive")


def test_somebody_else_was_faster(fake, pages):
    page = pages.open(fake.url)
    views.delete_button(page, "breaking").click()
    fake.archive_after = None
    fake.remove("breaking")
    views.dialog(page).get_by_role("button", name="Delete").click()
    expect(views.dialog(page)).to_contain_text("Already gone")


def test_an_archive_that_is_off_is_not_waited_for(fake, pages):
    fake.part_changes["archive"] = {"state": "off", "type": "none"}
    fake.archive_after = None
    page = pages.open(fake.url)
    views.delete_button(page, "breaking").click()
    views.dialog(page).get_by_role("button", name="Delete").click()
    expect(views.dialog(page)).to_contain_text("does not archive")


def test_delete_from_the_own_view(fake, pages):
    page = pages.open(fake.url + "#/tag/cats", wait=".chart-column")
    page.keyboard.press("Delete")
    views.dialog(page).get_by_role("button", name="Delete").click()
    expect(views.dialog(page)).to_contain_text("Deleted")
    views.dialog(page).get_by_role("button", name="Close").click()
    expect(page.locator(".detail-message")).to_contain_text("no hashtag #cats")


def test_flush_tells_the_result(fake, pages):
    page = pages.open(fake.url)
    page.locator("#flush").click()
    expect(page.locator("#flush-result")).to_contain_text(
        "12 hashtags written, 1 deletion archived in 4 ms")


def test_an_opened_deletion_stays_open(fake, pages):
    page = pages.open(fake.url)
    fake.remove("jobs")
    row = page.locator("#deletions li").filter(has_text="jobs")
    row.locator("summary").click()
    expect(row.locator(".deletion-state")).to_have_text("archived")
    expect(row).to_contain_text("deleted/")
    fake.remove("cats")
    expect(page.locator("#deletions li")).to_have_count(2)
    expect(row.locator("details")).to_have_attribute("open", "")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_flood_of_deletions(fake, pages):
    page = pages.open(fake.url)
    now = fake.started_at
    for number in range(3000):
        fake.tell("deleted", {"event_id": f"e{number}", "hashtag": f"old{number}", "count": 1,
                              "first_seen": now, "last_seen": now, "deleted_at": now + number,
                              "origin": "ttl", "archived": False})
    expect(page.locator("#deletions li").first).to_contain_text("#old2999")
    expect(page.locator("#deletions li").first).to_contain_text("expired")
    expect(page.locator("#deletions li")).to_have_count(50)


def test_pipeline(fake, pages, shoot):
    fake.part_changes = {
        "stream": {"state": "waiting", "text": "The disk is full: free some space.",
                   "errors": 3, "last_error": {"at": fake.started_at, "text": "write: ENOSPC"}},
        "source": {"state": "paused", "text": "held back by the stream"},
        "table": {"state": "failed", "text": "The database is corrupt."},
    }
    fake.problems = [{"part": "stream", "since": fake.started_at, "text": "The disk is full."}]
    page = pages.open(fake.url)
    stations = page.locator("#pipeline .station")
    expect(stations).to_have_count(7)
    assert stations.locator(".station-name").all_text_contents() == [
        "Source", "Ingest", "Stream", "Count", "Table", "Changes", "Archive"]
    stream = page.locator(".station[data-part='stream']")
    expect(stream.locator(".station-state")).to_have_text("waiting")
    expect(stream.locator(".station-error")).to_contain_text("The disk is full")
    shapes = {page.locator(f".station[data-part='{part}'] .icon > *").evaluate("(n) => n.outerHTML")
              for part in ("source", "ingest", "stream", "table", "changes")}
    assert len(shapes) == 5, "each state has a shape of its own"
    expect(views.banner(page)).to_contain_text("stream: The disk is full.")
    shoot(page, "pipeline-trouble")
    stream.locator("button").click()
    expect(views.dialog(page)).to_contain_text("write: ENOSPC")
    expect(views.dialog(page)).to_contain_text("shardId-000000000000")
    shoot(page, "pipeline-station")
