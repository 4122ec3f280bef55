# SPDX-License-Identifier: MIT
"""What the live services' messages count, written from their documents and not from the program.

    truth = SocialTruth()
    truth.x(line)                    # a line of X's streams, v1.1 or v2
    truth.mastodon(event, data)      # a server-sent event
    truth.jetstream(text)            # an event of Jetstream
    truth.counts  ->  {hashtag: times}

A post counts once: X by its id (an edit by its first version's), Mastodon by its uri, Jetstream by
did, collection and rkey. An edit on Mastodon or Bluesky adds the hashtags that no earlier version
had. A hashtag that a status or record repeats, in any spelling, counts once. Deletes lower nothing. What is no JSON or has no identity counts nothing. What a server makes
(X's posts, statuses, the events around records) is refused whole where a type is wrong on the way to
its hashtags; of a record, which people make, only what is wrong is passed over.

    read_sse(bytes)  ->  (event, data) of a captured body
"""

import collections
import json

from independent_count import (LONGEST_KEY_BYTES, Refused, count_tweet, fold, is_tweet, messages,
                               refuse_constant, want)

POST = "app.bsky.feed.post"
FACET_TAG = "app.bsky.richtext.facet#tag"


def parsed(data):
    """The JSON value; None where it is none."""
    try:
        value = json.loads(data, parse_constant=refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError):
        return None


def member(value, name, kind):
    """`value[name]` where both are what they should be, else None."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else None


class SocialTruth:
    def __init__(self, mode="case", retweets="count"):
        self.mode, self.retweets = mode, retweets
        self.counts = collections.Counter()
        self.recent = collections.OrderedDict()  # X's identities
        self.versions = {}                       # identity: keys that some version had
        self.posts = 0                           # that counted for the first time

    # X

    def x(self, line):
        value = parsed(line)
        if not isinstance(value, dict):
            return
        for tweet, includes in messages(value):
            if isinstance(tweet, dict) and is_tweet(tweet):
                count_tweet(self.counts, self.recent, 1 << 60, tweet, includes,
                            {"mode": self.mode, "retweets": self.retweets})

    # Mastodon

    def mastodon(self, event, data):
        if event not in ("update", "status.update"):
            return
        value = parsed(data)
        if not isinstance(value, dict):
            return
        try:
            identity, names, is_boost = read_status(value)
        except Refused:
            return
        if identity is not None and not (is_boost and self.retweets == "ignore"):
            self.post(identity, names, is_edit=value.get("edited_at") is not None)

    # Jetstream

    def jetstream(self, text):
        value = parsed(text)
        commit = member(value, "commit", dict)
        did, rkey = member(value, "did", str), member(commit, "rkey", str)
        if member(value, "kind", str) != "commit" or not did or not rkey or member(commit, "collection", str) != POST:
            return
        operation = commit.get("operation")
        if operation not in ("create", "update"):
            return
        self.post(f"at://{did}/{POST}/{rkey}", record_tags(member(commit, "record", dict)),
                  is_edit=operation == "update")

    # Both

    def post(self, identity, names, is_edit):
        keys = [fold(name, self.mode) for name in names]
        keys = list(dict.fromkeys(key for key in keys if key and len(key.encode()) <= LONGEST_KEY_BYTES))
        known = self.versions.get(identity)
        if known is None:
            self.versions[identity] = set(keys)
            self.posts += 1
            self.counts.update(keys)
        elif is_edit:
            self.counts.update(key for key in keys if key not in known)
            known.update(keys)


def read_status(status):
    """(identity, names of its hashtags, whether it is a boost)."""
    given = [status[name] for name in ("uri", "url", "id") if status.get(name) is not None][:1]
    boosted = want(status.get("reblog"), dict)
    names = []
    for tag in want((status if boosted is None else boosted).get("tags"), list) or []:
        if not isinstance(tag, dict) or not isinstance(tag.get("name"), str):
            raise Refused("a tag without a name")
        names.append(tag["name"])
    return (want(given[0], str) or None if given else None), names, boosted is not None


def record_tags(record):
    """Of a post's record: those of the text (facets) and those beside it (tags). People make
    records: anything may be wrong."""
    found = []
    for facet in member(record, "facets", list) or []:
        for feature in member(facet, "features", list) or []:
            if member(feature, "$type", str) == FACET_TAG and isinstance(feature.get("tag"), str):
                found.append(feature["tag"])
    for tag in member(record, "tags", list) or []:
        if isinstance(tag, str):
            found.append(tag)
    return found


def read_sse(body):
    """The events of a text/event-stream, as WHATWG says: comments and events without data are none."""
    name, data = b"", []
    for line in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if not line:
            if data:
                yield (name or b"message").decode(), b"\n".join(data)
            name, data = b"", []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data.append(value)


__all__ = ["Refused", "SocialTruth", "parsed", "read_sse", "record_tags"]
