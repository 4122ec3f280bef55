# SPDX-License-Identifier: MIT
"""Made-up posts of every service, as they go on the wire. The same seed makes the same posts.

Every list ends with a post that has the hashtag `last_of`, so that a test can see that all came."""

import itertools
import json
import random

from .feed import Message

TAGS = ["cats", "Cats", "CATS", "dogs", "Ärger", "ÄRGER", "straße", "STRASSE", "東京", "ｆｕｌｌ", "full", "Ελλάδα",
        "ΕΛΛΆΔΑ", "привет", "ПРИВЕТ", "عربي", "हिन्दी", "한국어", "a_b", "x1", "café", "𝕏math", "nature", "news", "Music", "music"]
FIRST_ID = 1900000000000000000
POST = "app.bsky.feed.post"
FACET = "app.bsky.richtext.facet#tag"
RECENT = 5000  # posts back that are edited: older ones may have left the window of recent ids


def packed(value, is_ascii=False):
    return json.dumps(value, ensure_ascii=is_ascii, separators=(",", ":")).encode()


def some_tags(chance):
    return [chance.choice(TAGS) for _ in range(chance.choice([0, 0, 1, 1, 1, 2, 3]))]


def text_of(tags, chance):
    words = chance.choice(["ordinary words \"quoted\" \\ slashed", "line\nbreak\r\nand tab\t", "emoji 😀 and 👩‍👧", "</script>"])
    return " ".join([words, *("#" + tag for tag in tags)])


# -- X ----------------------------------------------------------------------------------------


def v2_tweet(number, tags, text="text", **members):
    return {"id": str(number), "text": text, "edit_history_tweet_ids": [str(number)],
            "created_at": "2026-01-01T00:00:00.000Z", "lang": "en",
            "entities": {"hashtags": [{"start": 0, "end": 1, "tag": tag} for tag in tags]}, **members}


def v2_post(number, tags, includes=None, **members):
    rules = [{"id": "1166916266197536768", "tag": ""}]
    return packed({"data": v2_tweet(number, tags, **members),
                   **({"includes": {"tweets": includes}} if includes else {}), "matching_rules": rules})


def v2_posts(count, seed=1, first=FIRST_ID):
    """Posts, long posts, retweets, quotes and edits."""
    chance = random.Random(seed)
    found = []
    for number in range(first, first + count - 1):
        tags = some_tags(chance)
        text = text_of(tags, chance)
        kind = chance.randrange(10)
        if kind == 0:
            found.append(v2_post(number, tags[:1], text=text, note_tweet={
                "text": text, "entities": {"hashtags": [{"start": 0, "end": 1, "tag": tag} for tag in tags]}}))
        elif kind == 1:
            found.append(v2_post(number, tags[:1], [v2_tweet(number - 10**17, tags)], text="RT @x: " + text,
                                 referenced_tweets=[{"type": "retweeted", "id": str(number - 10**17)}]))
        elif kind == 2:
            found.append(v2_post(number, tags, [v2_tweet(number - 10**17, ["quoted"])], text=text,
                                 referenced_tweets=[{"type": "quoted", "id": str(number - 10**17)}]))
        elif kind == 3 and number > first:
            found.append(v2_post(number, ["edited", *tags], text=text,
                                 edit_history_tweet_ids=[str(number - 1), str(number)]))
        else:
            found.append(v2_post(number, tags, text=text))
    return [*found, v2_post(first + count - 1, ["last_of"])]


def v1_tweet(number, tags, text="text", **members):
    return {"created_at": "Thu Jan 01 00:00:00 +0000 2026", "id": number, "id_str": str(number), "text": text,
            "truncated": False, "user": {"id": 7, "id_str": "7", "screen_name": "somebody"},
            "entities": {"hashtags": [{"text": tag, "indices": [0, 1]} for tag in tags], "urls": []},
            "lang": "en", "timestamp_ms": "1767225600000", **members}


def v1_post(number, tags, **members):
    return packed(v1_tweet(number, tags, **members), is_ascii=True)


def v1_posts(count, seed=1, first=FIRST_ID):
    """Tweets, extended ones, retweets and quotes, with notices between them."""
    chance = random.Random(seed)
    found = []
    for number in range(first, first + count - 1):
        tags = some_tags(chance)
        text = text_of(tags, chance)
        kind = chance.randrange(12)
        if kind == 0:
            found.append(v1_post(number, tags[:1], text=text, truncated=True, extended_tweet={
                "full_text": text, "entities": {"hashtags": [{"text": tag, "indices": [0, 1]} for tag in tags]}}))
        elif kind == 1:
            found.append(v1_post(number, tags[:1], text="RT @x: " + text,
                                 retweeted_status=v1_tweet(number - 10**17, tags, text)))
        elif kind == 2:
            found.append(v1_post(number, tags, text=text, quoted_status=v1_tweet(number - 10**17, ["quoted"])))
        elif kind == 3:
            found.append(packed(chance.choice(v1_notices(number))))
        else:
            found.append(v1_post(number, tags, text=text))
    return [*found, v1_post(first + count - 1, ["last_of"])]


def v1_notices(number):
    """Every kind but `disconnect`, which ends a stream."""
    return [
        {"delete": {"status": {"id": number, "id_str": str(number), "user_id": 3, "user_id_str": "3"},
                    "timestamp_ms": "1767225600000"}},
        {"delete": {"direct_message": {"id": number, "id_str": str(number), "user_id": 3}}},
        {"scrub_geo": {"user_id": 3, "user_id_str": "3", "up_to_status_id": number, "up_to_status_id_str": str(number)}},
        {"limit": {"track": 19, "timestamp_ms": "1767225600000"}},
        {"status_withheld": {"id": number, "user_id": 3, "withheld_in_countries": ["DE", "AR"]}},
        {"user_withheld": {"id": 3, "withheld_in_countries": ["DE"]}},
        {"warning": {"code": "FALLING_BEHIND", "message": "Your connection is falling behind.", "percent_full": 60}},
        {"friends": [1, 2, 3]},
        {"event": "favorite", "source": {"id": 3}, "target": {"id": 4}, "target_object": {"id": number}},
        {"direct_message": {"id": number, "text": "hello", "sender": {"id": 3}}},
        {"control": {"control_uri": "/1.1/site/c/1"}},
        {"for_user": 3, "message": {"friends": []}},
        {"unheard_of": {"id": number}},
    ]


# -- Mastodon ---------------------------------------------------------------------------------


def status(number, tags, version=None, **members):
    uri = f"https://other.example/users/somebody/statuses/{number}"
    return {"id": str(number), "created_at": "2026-01-01T00:00:00.000Z", "edited_at": version, "visibility": "public",
            "language": "en", "uri": uri, "url": uri, "content": "<p>text</p>", "reblog": None,
            "account": {"id": "7", "acct": "somebody@other.example"}, "media_attachments": [], "mentions": [],
            "tags": [{"name": tag, "url": "https://other.example/tags/" + tag} for tag in tags], **members}


def statuses(count, seed=1, first=116000000000000000, edits=True):
    """Messages: updates, edits that bring and drop hashtags, deletes and unknown events."""
    chance = random.Random(seed)
    found, known = [], {}
    for number in range(first, first + count - 1):
        tags = list(dict.fromkeys(tag.casefold() for tag in some_tags(chance)))
        kind = chance.randrange(12)
        if kind == 0 and known and edits:
            old = chance.choice(list(itertools.islice(reversed(known), RECENT)))
            version = f"2026-01-01T00:{len(found) // 60 % 60:02}:{len(found) % 60:02}.000Z"
            new = status(old, [*known[old][1:], *tags], version)
            found.append(Message(packed(new), "status.update", str(old)))
        elif kind == 1:
            found.append(Message(b"%d" % (number - 10**15), "delete"))
        elif kind == 2:
            found.append(Message(b'{"id":"3","unread":false}', chance.choice(["conversation", "notification"])))
        else:
            known[number] = tags
            found.append(Message(packed(status(number, tags)), "update", str(number)))
    return [*found, Message(packed(status(first + count - 1, ["last_of"])), "update", str(first + count - 1))]


# -- Jetstream --------------------------------------------------------------------------------


revisions = itertools.count()


def commit(did, rkey, time_us, operation="create", collection=POST, record=None):
    """Each commit has a revision of its own, as in the network."""
    inside = {"rev": f"3l{next(revisions):011d}", "operation": operation, "collection": collection, "rkey": rkey}
    if operation != "delete":
        inside.update(record=record, cid="bafyrei")
    return {"did": did, "time_us": time_us, "kind": "commit", "commit": inside}


def record(facets=(), tags=None, text="text"):
    found = {"$type": POST, "createdAt": "2026-01-01T00:00:00.000Z", "langs": ["en"], "text": text,
             "facets": [{"index": {"byteStart": 0, "byteEnd": 1}, "features": [{"$type": FACET, "tag": tag}]}
                        for tag in facets]}
    if tags is not None:
        found["tags"] = list(tags)
    return found


def event(value):
    inside = value.get("commit", {})
    return Message(packed(value), id=inside.get("rkey", ""), time_us=value["time_us"],
                   collection=inside.get("collection", ""), did=value["did"])


def jetstream_events(count, seed=1, first_us=10**15, step_us=1000):
    """Posts with facets and tags, edits, deletes, other collections, accounts and identities, about
    `step_us` apart. Two events in ten have the time of the one before."""
    chance = random.Random(seed)
    time_us = first_us
    found, known = [], []
    for number in range(count - 1):
        time_us += int(step_us * chance.choice([0, 0, 0.001, 0.01, 0.9, 1, 1.1, 1.5, 2, 3]))
        did = f"did:plc:{chance.randrange(50):024d}"
        tags = some_tags(chance)
        rkey = f"3m{seed:03d}{number:09d}"
        kind = chance.randrange(12)
        if kind == 0 and known:
            who, what, old = chance.choice(known[-RECENT:])
            found.append(event(commit(who, what, time_us, "update", record=record([*old[1:], *tags]))))
        elif kind == 1:
            found.append(event(commit(did, rkey, time_us, "delete")))
        elif kind == 2:
            found.append(event(commit(did, rkey, time_us, collection="app.bsky.feed.like", record={"subject": {}})))
        elif kind == 3:
            found.append(event({"did": did, "time_us": time_us, "kind": chance.choice(["account", "identity"]),
                                "account": {"active": True, "did": did, "seq": number}}))
        else:
            known.append((did, rkey, tags))
            half = len(tags) // 2
            found.append(event(commit(did, rkey, time_us, record=record(tags[:half + 1], tags[half:], text_of(tags, chance)))))
    last = commit("did:plc:last", f"3mlast{seed}", time_us + 1000, record=record(["last_of"]))
    return [*found, event(last)]
