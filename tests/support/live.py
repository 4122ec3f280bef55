# SPDX-License-Identifier: MIT
"""A hashtagd that reads a live service of the streaming server, and what it must have counted."""

import os
import time

from social_truth import SocialTruth
from streaming_server import samples

SOURCES = ("twitter-v1", "twitter-v2", "jetstream", "mastodon")
KEYS = {"twitter-v1": {"source.track": ["cats"]}, "twitter-v2": {"source.rules": [{"value": "#cats"}]},
        "jetstream": {}, "mastodon": {}}


def settings(server, name, **more):
    """For a daemon with this source alone; `more` has further keys with `_` for `.`."""
    return {"source.type": name, "source.url": server.url_of(name), **KEYS[name],
            **{key.replace("_", ".", 1): value for key, value in more.items()}}


def secrets(server, *names):
    found = {}
    for name in names:
        service = server.service(name)
        found.update(service.secrets() if hasattr(service, "secrets") else {})
    return found


def run(start, server, name, **options):
    """A running daemon whose source is connected."""
    more = options.pop("more", {})
    daemon = start({**settings(server, name), **more}, environ=with_little_quarantine(secrets(server, name)), up=False,
                   **options)
    daemon.spawn()
    until_streaming(server, name, daemon)
    daemon.wait_until_up()
    return daemon


def with_little_quarantine(environ):
    """Under the address sanitizer freed memory stays resident; where memory is judged, little of it."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {**environ, "ASAN_OPTIONS": f"{options}:quarantine_size_mb=8:thread_local_quarantine_size_kb=64"}


def until_streaming(server, name, daemon=None):
    def streams():
        assert daemon is None or daemon.process.poll() is None, "the daemon ended"
        return server.service(name).is_streaming()

    try:
        server.wait_for(streams, f"{name} streams", timeout=30)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{told(server, name)}\n{daemon.log[-4000:] if daemon else ''}") from None


def told(server, name):
    """The attempts, for an assertion's text."""
    visits = server.visits.of(name)
    return "\n".join(f"{visit.kind} {visit.method} {visit.path} {visit.query}: {visit.status} {visit.problem} "
                     f"{len(visit.sent)} sent, ended by {visit.ended_by or 'nobody'}" for visit in visits[-20:])


def posts(name, count, seed=1, **options):
    """Made-up messages of the service."""
    if name == "twitter-v1":
        return samples.v1_posts(count, seed, **options)
    if name == "twitter-v2":
        return samples.v2_posts(count, seed, **options)
    if name == "mastodon":
        return samples.statuses(count, seed, **options)
    return samples.jetstream_events(count, seed, **{"first_us": time.time_ns() // 1000, **options})


def unedited(name, count, seed=1, **options):
    """Those that a gap cannot hide: Mastodon's timeline does not tell of edits of what is known."""
    return posts(name, count, seed, **({"edits": False} if name == "mastodon" else {}), **options)


def truth_of(name, messages):
    """The counts of messages of one service, each as it goes on the wire."""
    truth = SocialTruth()
    for message in messages:
        data = getattr(message, "data", message)
        if name.startswith("twitter"):
            truth.x(data)
        elif name == "mastodon":
            truth.mastodon(getattr(message, "event", "update"), data)
        else:
            truth.jetstream(data)
    return dict(truth.counts)


def wait_until_counted(daemon, expected, timeout=20):
    """As the daemon's, with its state in the failure."""
    try:
        daemon.wait_until_counted(expected, timeout)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{daemon.part('source')}\n{daemon.log[-3000:]}") from None


def source_text(daemon):
    """What the first source says of itself; "" as long as it says nothing."""
    try:
        return daemon.status()["sources"][0]["text"]
    except OSError:
        return ""
