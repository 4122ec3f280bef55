# SPDX-License-Identifier: MIT
"""Crowds of slow, silent, greedy and rude clients: the honest one is served beside them, and memory
and descriptors stay within their limits."""

import json

import pytest

import attackers
from arena import SECONDS, Arena
from attackers import many
from daemon import tweet

WORST_S = 5  # that the honest client waits; a crowd that starves him lets him wait until it goes

SLOW = {
    "heads byte by byte": (attackers.slow_head, 300),
    "bodies byte by byte": (attackers.slow_body, 300),
    "chunks without an end": (attackers.endless_chunks, 30),
    "readers of large answers": (attackers.slow_reader, 150),
    "listeners that never read": (attackers.deaf_listener, 150),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow(target, name):
    client, count = SLOW[name]
    with Arena(target, worst_s=WORST_S) as arena:
        arena.attack(many(count, client, arena.address, arena.tally, name))


@pytest.mark.parametrize("client", [attackers.idle, attackers.slow_head, attackers.slow_body],
                         ids=["silent", "heads", "bodies"])
def test_more_connections_than_there_are_places(target, client):
    """2,000 clients for 1,024 places. The slowest go, those who ask are served."""
    with Arena(target, worst_s=WORST_S) as arena:
        arena.attack(many(2000, client, arena.address, arena.tally, "crowd", pause_s=0.5), seconds=max(arena.seconds, 3))
    assert target.metric("hashtagd_http_dropped_connections_total") > 500
    assert target.metric("hashtagd_http_refused_connections_total") == 0


FAST = {
    "resets": (attackers.reset_at_once, 20, 0.001),
    "half-closed": (attackers.half_closed, 200, 0.01),
    "one request a connection": (attackers.churner, 20, 0.001),
    "pipelines that nobody reads": (attackers.pipeliner, 20, 0.01),
    "nonsense": (attackers.nonsense, 20, 0.001),
}


@pytest.mark.parametrize("name", FAST)
def test_fast(target, name):
    client, count, pause_s = FAST[name]
    with Arena(target, worst_s=WORST_S) as arena:
        arena.attack(many(count, client, arena.address, arena.tally, name, pause_s))


def test_pipelines_that_are_read(target):
    """Four clients whose requests never end: the others are served amid them, not only when they pause."""
    with Arena(target, worst_s=WORST_S, seconds=SECONDS / 2) as arena:
        arena.attack(many(4, attackers.reading_pipeliner, arena.address, arena.tally, "reading pipelines"))
    assert arena.served_amid >= 2, f"{arena.served_amid} answers while they asked"


async def large_list(address, tally):
    """The costliest answer there is, asked for often, read by nobody."""
    async with attackers.connection(address, receive_bytes=2048) as end:
        attackers.reset_on_close(end)
        await attackers.send(end, b"GET /hashtags?limit=1000&prefix=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
        tally["large lists"] += 1
        await attackers.asyncio.sleep(1)


def test_large_lists_that_nobody_reads(start):
    """A list of 1,000 hashtags of 2 kB is 2 MB: 400 clients do not make it 800 MB."""
    daemon = start()
    daemon.post_tweets([tweet(1, "honest")])
    for first in range(0, 1200, 100):
        lines = [tweet(10 + number, f"{1000 + number}{'é' * 900}") for number in range(first, first + 100)]
        assert daemon.post_tweets(lines).status == 202
    daemon.wait_for(lambda: daemon.status()["hashtags"]["distinct"] == 1201, "all counts")
    with Arena(daemon, memory_mib=96, worst_s=3 * WORST_S) as arena:
        arena.attack(many(400, large_list, arena.address, arena.tally, "list"))


async def unfinished_body(address, tally):
    """Most of a large body, and then nothing."""
    async with attackers.connection(address) as end:
        await attackers.send(end, b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                                  b"Content-Length: 33000000\r\n\r\n")
        await attackers.send(end, b"x" * 12_000_000)
        tally["bodies"] += 1
        await attackers.asyncio.sleep(5)


def test_bodies_are_within_the_budget(start):
    """Forty bodies of 12 MB at once, with a budget of 16 MiB."""
    daemon = start({"memory.budget_bytes": 16 << 20})
    daemon.post_tweets([tweet(1, "honest")])
    daemon.wait_until_counted({"honest": 1})
    with Arena(daemon, memory_mib=64, worst_s=WORST_S) as arena:
        arena.attack(many(40, unfinished_body, arena.address, arena.tally, "body", 0.2))
    body = json.dumps(tweet(2, "after")).encode() + b"\n"
    assert daemon.post("/tweets", body, headers={"Content-Type": "application/x-ndjson"}).status == 202
