# SPDX-License-Identifier: MIT
"""The dashboard's parts by what they are, so that the tests read as what a person does."""


def rows(page):
    """The rows as a person reads them: rank, hashtag without its sign, count."""
    return page.evaluate("""() => [...document.querySelectorAll("#rows-body tr")].map((row) => ({
      rank: Number(row.querySelector(".c-rank").textContent),
      tag: row.querySelector(".tag").textContent.slice(1),
      count: Number(row.querySelector(".c-count").textContent.replaceAll(",", "")),
    }))""")


def tags(page):
    return [row["tag"] for row in rows(page)]


def row(page, tag):
    """The row of a hashtag; its cell has nothing but the sign and the text."""
    return page.locator("#rows-body tr").filter(
        has=page.locator(".tag", has_text=f"#{tag}")).first


def delete_button(page, tag):
    return row(page, tag).locator(".c-act button")


def dialog(page):
    return page.locator("dialog[open]")


def banner(page):
    return page.locator("#banner")


def connection(page):
    return page.locator("#connection")


def tab(page, name):
    return page.get_by_role("tab", name=name)


def wait_until(page, script, argument=None):
    """Waits until the script's value is true."""
    page.wait_for_function(script, arg=argument)


def overflow(page):
    """How many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - "
                         "document.documentElement.clientWidth")
