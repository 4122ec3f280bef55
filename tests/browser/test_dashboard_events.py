# SPDX-License-Identifier: MIT
"""The reader of server-sent events (WHATWG HTML 9.2.6) and the back-off, by themselves."""

import pytest

PARSE = """async (pieces) => {
  const { createParser } = await import("./events.js");
  const seen = [];
  const parser = createParser((name, data) => seen.push([name, data]),
    (ms) => seen.push(["retry", ms]));
  for (const piece of pieces) parser.push(piece);
  return seen;
}"""

CASES = {
    "one event": (["event: top\ndata: {}\n\n"], [["top", "{}"]]),
    "no name": (["data: a\n\n"], [["message", "a"]]),
    "several data lines": (["data: a\ndata: b\n\n"], [["message", "a\nb"]]),
    "one blank is dropped": (["data:  a\ndata:b\n\n"], [["message", " a\nb"]]),
    "comment": ([": quiet\n\ndata: a\n\n"], [["message", "a"]]),
    "empty data": (["data\n\n"], [["message", ""]]),
    "name without data": (["event: top\n\ndata: a\n\n"], [["message", "a"]]),
    "CRLF": (["event: top\r\ndata: a\r\n\r\n"], [["top", "a"]]),
    "CR": (["data: a\r\rdata: b\r\r "], [["message", "a"], ["message", "b"]]),
    "CRLF cut in two": (["data: a\r", "\ndata: b\r", "\n\r", "\n"], [["message", "a\nb"]]),
    "cut anywhere": (list("event: top\ndata: a\n\n"), [["top", "a"]]),
    "byte order mark": (["\ufeffdata: a\n\n"], [["message", "a"]]),
    "retry": (["retry: 1500\n\n"], [["retry", 1500]]),
    "retry that is no number": (["retry: 1s\n\n"], []),
    "unknown field": (["colour: red\ndata: a\n\n"], [["message", "a"]]),
    "an event that is not ended": (["data: a\n"], []),
    "colon in the data": (["data: {\"a\":1}\n\n"], [["message", "{\"a\":1}"]]),
}


@pytest.fixture(scope="module")
def page(chromium):
    from fake_daemon import FakeDaemon
    fake = FakeDaemon().start()
    context = chromium.new_context()
    page = context.new_page()
    page.goto(fake.url)
    yield page
    context.close()
    fake.stop()


@pytest.mark.parametrize("name", CASES)
def test_parser(page, name):
    pieces, expected = CASES[name]
    assert page.evaluate(PARSE, pieces) == expected


def test_parser_refuses_an_endless_line(page):
    said = page.evaluate("""async () => {
      const { createParser } = await import("./events.js");
      const parser = createParser(() => {});
      try {
        for (let i = 0; i < 10; i += 1) parser.push("x".repeat(1024 * 1024));
      } catch (error) { return error.message; }
      return "";
    }""")
    assert "too long" in said


def test_backoff_grows_and_ends(page):
    waits = page.evaluate("""async () => {
      const { backoff } = await import("./events.js");
      return [0, 1, 2, 3, 10, 1000].map((attempt) =>
        [backoff(attempt, 1000, 0), backoff(attempt, 1000, 1)]);
    }""")
    assert waits == [[750, 1250], [1500, 2500], [3000, 5000], [6000, 10000],
                     [11250, 18750], [11250, 18750]]


def test_ticks_of_an_axis(page):
    ticks = page.evaluate("""async () => {
      const { axisTicks } = await import("./chart.js");
      return [1, 3, 7, 93, 1000, 123456].map(axisTicks);
    }""")
    for most, marks in zip([1, 3, 7, 93, 1000, 123456], ticks):
        assert marks[0] == 0 and marks[-1] >= most
        assert all(mark == int(mark) for mark in marks)
        assert 2 <= len(marks) <= 6


def test_numbers_as_read(page):
    said = page.evaluate("""async () => {
      const f = await import("./format.js");
      return [f.count(1234567), f.count(null), f.rate(0), f.rate(12.34), f.rate(12345.6),
        f.seconds(0.0042), f.seconds(1.25), f.duration(59), f.duration(3725), f.duration(90000),
        f.bytes(1536), f.plural(1, "update"), f.plural(2, "update")];
    }""")
    assert said == ["1,234,567", "–", "0", "12.3", "12,346", "4.2 ms", "1.3 s", "59 s", "1 h 2 min",
                    "1 d 1 h", "1.5 KiB", "1 update", "2 updates"]
