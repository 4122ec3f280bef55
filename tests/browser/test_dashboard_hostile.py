# SPDX-License-Identifier: MIT
"""Hashtags are anybody's text: no markup, no reordering, no marks over the neighbours."""

import pytest
from playwright.sync_api import expect

import fake_daemon
import views

NAMES = ["markup", "right to left", "stacked marks", "long", "override", "dots", "address", "percent",
         "invisible"]
# Invisible and reordering characters are shown as a sign.
VISIBLE = {fake_daemon.OVERRIDE: "evil\ufffdgpj.exe", "\u200d": "\ufffd"}


@pytest.fixture
def hostile(make_fake):
    fake = make_fake(tags=fake_daemon.HOSTILE + ["plain"])
    fake.moving = False
    return fake


def open_at(pages, fake, tag):
    page = pages.open(fake.url)
    page.locator("#rows-body tr").nth(fake_daemon.HOSTILE.index(tag)).locator("a").click()
    page.wait_for_selector(".chart-column", state="attached")
    return page


def test_the_list_shows_each_as_text(hostile, pages, shoot):
    page = pages.open(hostile.url)
    shown = views.tags(page)
    assert shown == [VISIBLE.get(tag, tag) for tag in fake_daemon.HOSTILE] + ["plain"]
    assert page.locator("#rows-body img").count() == 0
    shoot(page, "hostile")


def test_every_row_is_as_high_as_the_others(hostile, pages):
    page = pages.open(hostile.url)
    heights = page.evaluate("[...document.querySelectorAll('#rows-body tr')]"
                            ".map((row) => Math.round(row.getBoundingClientRect().height))")
    assert len(set(heights)) == 1


def test_marks_and_long_names_stay_in_their_cell(hostile, pages):
    page = pages.open(hostile.url)
    for tag in (fake_daemon.ZALGO, fake_daemon.LONG):
        cell = page.locator("#rows-body tr").nth(fake_daemon.HOSTILE.index(tag)).locator(".tag")
        style = cell.evaluate("""(node) => {
          const style = getComputedStyle(node);
          const box = node.getBoundingClientRect();
          const row = node.closest("td, th").getBoundingClientRect();
          return { overflow: style.overflowX + style.overflowY, bidi: style.unicodeBidi,
            inside: box.top >= row.top && box.bottom <= row.bottom && box.right <= row.right,
            ellipsis: style.textOverflow };
        }""")
        assert style == {"overflow": "hiddenhidden", "bidi": "isolate", "inside": True,
                         "ellipsis": "ellipsis"}
        assert cell.get_attribute("title") == f"#{tag}"
    assert views.overflow(page) <= 0


def test_right_to_left_stays_at_the_left_of_its_cell(hostile, pages):
    page = pages.open(hostile.url)
    place = page.locator("#rows-body tr").nth(1).locator(".tag").evaluate("""(node) => {
      const range = document.createRange();
      range.selectNodeContents(node);
      return { direction: getComputedStyle(node).direction,
        gap: range.getBoundingClientRect().left - node.getBoundingClientRect().left };
    }""")
    assert place["direction"] == "rtl"
    assert abs(place["gap"]) < 3


@pytest.mark.parametrize("tag", fake_daemon.HOSTILE, ids=NAMES)
def test_each_has_its_own_view(hostile, pages, tag):
    page = open_at(pages, hostile, tag)
    expect(page.locator("#detail-title")).to_have_text(f"#{VISIBLE.get(tag, tag)}")
    page.reload()
    page.wait_for_selector(".chart-column", state="attached")
    assert page.locator("#detail-view img").count() == 0
    assert views.overflow(page) <= 0


@pytest.mark.parametrize("tag", fake_daemon.HOSTILE, ids=NAMES)
def test_each_is_deleted_under_its_own_name(hostile, pages, tag):
    page = pages.open(hostile.url)
    page.locator("#rows-body tr").nth(fake_daemon.HOSTILE.index(tag)).locator(".c-act button").click()
    expect(views.dialog(page).locator(".tag")).to_have_text(f"#{VISIBLE.get(tag, tag)}")
    views.dialog(page).get_by_role("button", name="Delete").click()
    expect(views.dialog(page)).to_contain_text("In the archive")
    assert tag not in hostile.counts
    assert len(hostile.counts) == len(fake_daemon.HOSTILE)
    assert page.locator("dialog img, #deletions img").count() == 0


def test_the_delete_box_holds_markup_as_text(hostile, pages, shoot):
    page = pages.open(hostile.url)
    page.locator("#rows-body tr").first.locator(".c-act button").click()
    shoot(page, "delete-hostile")
    assert page.locator("dialog img").count() == 0


def test_an_address_that_names_nothing(fake, pages):
    page = pages.open(fake.url + "#/tag/%E0%A4%A", wait="#rows-body tr")
    expect(page.locator("#list-view")).to_be_visible()
    page = pages.open(fake.url + "#/tag/%3Cimg%20src%3Dx%20onerror%3Dalert(2)%3E",
                      wait=".detail-message[data-status='404']")
    assert page.locator("#detail-view img").count() == 0
