# SPDX-License-Identifier: MIT
"""Keyboard, screen reader, contrast, narrow and dark: everybody can use it."""

import pytest
from playwright.sync_api import expect

import views

# The contrast of every piece of text with what lies behind it (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a),
    g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
  const light = ({ r, g, b }) => [r, g, b].map((value) => value / 255)
    .map((value) => (value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [.2126, .7152, .0722][index], 0);
  const behind = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      layers.push(parse(getComputedStyle(at).backgroundColor));
      if (layers.at(-1).a === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  let seen = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest(".sr, noscript, .skip, option")) continue;
    if (!node.checkVisibility() || node.matches(":disabled")) continue;
    const style = getComputedStyle(node);
    const ink = node instanceof SVGElement ? style.fill : style.color;
    const ground = behind(node.closest("button, td, th, div, section, body"));
    const [a, b] = [light(over(parse(ink), ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    seen += 1;
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.className.baseVal ?? node.className}: `
      + walker.currentNode.data.slice(0, 40));
  }
  return { poor, seen };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(fake, pages, shoot, scheme):
    fake.part_changes["table"] = {"state": "failed", "text": "The database is corrupt."}
    fake.part_changes["stream"] = {"state": "waiting", "text": "The disk is full."}
    fake.remove("jobs")
    page = pages.open(fake.url, color_scheme=scheme)
    page.locator("#pause").click()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme
    for place in ("", "#/tag/cats"):
        page.goto(fake.url + place)
        page.wait_for_selector(".chart-column" if place else "#rows-body tr", state="attached")
        found = page.evaluate(CONTRAST)
        assert found["seen"] > 40
        assert found["poor"] == []
    fake.stop()
    page.wait_for_selector("#banner:not([hidden])")
    assert page.evaluate(CONTRAST)["poor"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks(fake, pages, shoot, scheme):
    page = pages.open(fake.url, color_scheme=scheme)
    expect(page.locator("#figure-tweets")).not_to_have_text("–")
    shoot(page, scheme)


def test_the_theme_can_be_chosen(fake, pages):
    page = pages.open(fake.url)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    button = page.locator("#theme")
    button.click()
    button.click()
    expect(button).to_have_text("Dark")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    expect(button).to_have_text("Dark")
    assert page.evaluate(ground) == dark
    button.click()
    assert page.evaluate(ground) == light


def test_keys(fake, pages, shoot):
    page = pages.open(fake.url)
    focused = "document.activeElement.textContent"
    page.keyboard.press("p")  # the order stands still from here
    order = views.tags(page)
    page.keyboard.press("j")
    assert page.evaluate(focused) == f"#{order[0]}"
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert page.evaluate(focused) == f"#{order[1]}"
    page.keyboard.press("End")
    assert page.evaluate(focused) == f"#{order[-1]}"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    expect(views.dialog(page)).to_contain_text(order[1])
    page.keyboard.press("Escape")
    assert page.evaluate(focused) == f"#{order[1]}"
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_have_text(f"#{order[1]}")
    page.keyboard.press("Escape")
    assert page.evaluate(focused) == f"#{order[1]}"
    for key, name in zip("1234", ("5 min", "1 hour", "24 hours", "All time")):
        page.keyboard.press(key)
        expect(views.tab(page, name)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("?")
    expect(views.dialog(page)).to_contain_text("Next hashtag")
    shoot(page, "help")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(views.tab(page, "All time")).to_have_attribute("aria-selected", "true")


def test_the_tab_key_passes_the_list_in_two_steps(fake, pages):
    page = pages.open(fake.url)
    page.locator("#pause").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "tag-link"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('td').className") == "c-act"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "flush"


def test_everything_has_a_name(fake, pages):
    fake.remove("jobs")
    page = pages.open(fake.url)
    page.wait_for_selector("#deletions li")
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, a, input, select")]
      .filter((node) => !(node.textContent.trim() || node.getAttribute("aria-label")
        || node.labels?.length)).map((node) => node.outerHTML)""")
    assert nameless == []
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("banner").count() == 1
    assert page.get_by_role("complementary").count() == 1
    assert page.get_by_role("table", name="Hashtags").count() == 1
    assert page.get_by_role("columnheader", name="Count").get_attribute("aria-sort") == "descending"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_live_updates_are_not_read_out(fake, pages):
    page = pages.open(fake.url)
    assert page.locator("#table").evaluate("(node) => node.closest('[aria-live], [role=status]')") is None
    page.evaluate("""() => {
      window.said = [];
      new MutationObserver(() => {
        const text = document.getElementById("announcer").textContent;
        if (text) window.said.push(text);
      }).observe(document.getElementById("announcer"), { childList: true });
    }""")
    shown = views.rows(page)[0]["count"]
    views.wait_until(page, "(old) => document.querySelector('#rows-body .c-count').textContent"
                           " !== old", f"{shown:,}")
    assert page.evaluate("window.said") == []
    page.keyboard.press("p")
    views.wait_until(page, "() => window.said.includes('The list is held still.')")


@pytest.mark.parametrize("width", [320, 480, 768, 1024])
def test_narrow(make_fake, pages, shoot, width):
    fake = make_fake()
    fake.moving = False
    for tag in fake.counts:
        fake.counts[tag] %= 100  # short counts make a narrow column, and its head must fit
    fake.remove("jobs")
    page = pages.open(fake.url, width=width, height=700)
    page.wait_for_selector("#deletions li")
    assert views.overflow(page) <= 0
    cut = page.evaluate("""() => [...document.querySelectorAll(
        "button, input, select, .c-count, .c-rank, thead th, .figures dd, .tabs button")]
      .filter((node) => node.checkVisibility()).filter((node) => {
        const box = node.getBoundingClientRect();
        return box.left < 0 || box.right > innerWidth
          || (node.tagName !== "INPUT" && node.scrollWidth > node.clientWidth + 1);
      }).map((node) => node.outerHTML.slice(0, 120))""")
    assert cut == []
    shoot(page, f"narrow-{width}", full_page=True)
    page.goto(fake.url + "#/tag/cats")
    page.wait_for_selector(".chart-column", state="attached")
    assert views.overflow(page) <= 0
    shoot(page, f"narrow-{width}-detail", full_page=True)


@pytest.mark.parametrize("width", [320, 1360])
def test_large_counts_are_not_cut(make_fake, pages, shoot, width):
    fake = make_fake(tags=["a", "b", "c"])
    fake.moving = False
    for tag, count in (("a", 9007199254740991), ("b", 999999999999), ("c", 1234567)):
        fake.set_count(tag, count)
    page = pages.open(fake.url, width=width, height=700)
    assert page.locator("#rows-body .c-count").all_text_contents() == [
        "9007.2T", "999,999,999,999", "1,234,567"]
    assert page.locator("#rows-body .c-count").first.get_attribute("title") == "9,007,199,254,740,991"
    cut = page.evaluate("""[...document.querySelectorAll('#rows-body .c-count, .figures dd')]
      .filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.textContent)""")
    assert cut == []
    assert views.overflow(page) <= 0
    shoot(page, f"large-{width}")


def test_forced_colours(fake, pages, shoot):
    page = pages.open(fake.url, forced_colors="active")
    bar = page.locator("#rows-body .bar").first
    assert bar.evaluate("(node) => getComputedStyle(node).backgroundColor") \
        != page.evaluate("getComputedStyle(document.body).backgroundColor")
    shoot(page, "forced-colours")
