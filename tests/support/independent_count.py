# SPDX-License-Identifier: MIT
"""Counts hashtags in files of tweets, written from the rules and not from the program.

It is the judge of the whole program: what `hashtagd put FILE` makes the daemon count must be
what this prints. It knows nothing but Python's own json and unicodedata.

    from independent_count import count_files
    count_files(["tweets.jsonl"])  ->  {"hashtag": times, ...}

    python3 independent_count.py [--fold none] [--retweets ignore] FILE...

A file holds JSON values one after the other, plain or gzip: tweets, arrays of tweets, v1.1 search
answers ("statuses"), v2 answers ("data" with "includes"). What is no JSON is skipped up to the end
of its line; notices are skipped; of tweets with the same identity only the first counts.
"""

import argparse
import collections
import gzip
import json
import sys
import unicodedata

JOINERS = "\u200c\u200d"
HASHES = "#\uff03"
LONGEST_KEY_BYTES = 2048


class Refused(Exception):
    """A tweet with a wrong type on the way to its hashtags or id."""


def want(value, kind):
    """`value` where it is of `kind`, None where it is missing or null."""
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    raise Refused(f"{value!r:.40} is no {kind}")


# -- one hashtag ------------------------------------------------------------------------------


def fold(tag, mode="case"):
    """The key of a spelling; "" where nothing is left."""
    if mode == "none":
        return tag.lstrip(HASHES)
    key = strip(tag)
    key = unicodedata.normalize("NFKC", key)
    key = unicodedata.normalize("NFKC", key.casefold())
    return strip(key)


def strip(tag):
    """Without joiners at both ends and hashes in front."""
    return tag.lstrip(HASHES + JOINERS).rstrip(JOINERS)


# -- one tweet --------------------------------------------------------------------------------


def is_tweet(message):
    marks = ("text", "full_text", "entities", "extended_tweet", "note_tweet", "retweeted_status",
             "referenced_tweets")
    return any(message.get(mark) is not None for mark in marks)


def identity(tweet):
    """An edit stands for its first version; v1.1 has its id as text, too."""
    history = want(tweet.get("edit_history_tweet_ids"), list)
    for candidate in (history[0] if history else None, tweet.get("id_str"), tweet.get("id")):
        if candidate is not None:
            found = str(want(candidate, (str, int)))
            if found == "":
                break
            return found
    raise Refused("no id")


def original(tweet, includes):
    """(whether it is a retweet, the tweet whose hashtags count)."""
    status = want(tweet.get("retweeted_status"), dict)
    if status is not None:
        return True, status
    for reference in want(tweet.get("referenced_tweets"), list) or []:
        if not isinstance(reference, dict):
            raise Refused("a reference is no object")
        if reference.get("type") != "retweeted":
            continue
        if is_tweet(reference):
            return True, reference
        for other in want((want(includes, dict) or {}).get("tweets"), list) or []:
            if isinstance(other, dict) and other.get("id") == reference.get("id"):
                return True, other
        return True, tweet
    return False, tweet


def raw_hashtags(tweet):
    """As spelled: of the whole text where there is one, v1.1's "text" or v2's "tag"."""
    entities = tweet.get("entities")
    for whole in ("note_tweet", "extended_tweet"):
        inside = (want(tweet.get(whole), dict) or {}).get("entities")
        entities = entities if inside is None else inside
    for element in want((want(entities, dict) or {}).get("hashtags"), list) or []:
        if not isinstance(element, dict):
            raise Refused("a hashtag is no object")
        text = element.get("text") if element.get("text") is not None else element.get("tag")
        if not isinstance(text, str):
            raise Refused("a hashtag without text")
        yield text


def hashtags(tweet, includes=None, mode="case", retweets="count", once_per_tweet=False):
    """The keys to count for a tweet, repeats included unless `once_per_tweet`."""
    is_retweet, source = original(tweet, includes)
    if is_retweet and retweets == "ignore":
        return []
    keys = [fold(text, mode) for text in raw_hashtags(source)]
    keys = [key for key in keys if key and len(key.encode()) <= LONGEST_KEY_BYTES]
    return list(dict.fromkeys(keys)) if once_per_tweet else keys


# -- a file -----------------------------------------------------------------------------------


def refuse_constant(name):
    raise ValueError(name + " is not JSON")


def values(text):
    """The JSON values of a text, one after the other; what is none is skipped to its line's end."""
    decoder = json.JSONDecoder(parse_constant=refuse_constant)
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        if at == len(text):
            return
        try:
            value, at = decoder.raw_decode(text, at)
            json.dumps(value, ensure_ascii=False).encode()
            yield value
        except ValueError:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end + 1


def messages(value):
    """(tweet or notice, its includes) of everything that stands for one or many of them."""
    if isinstance(value, list):
        for element in value:
            yield from messages(element)
    elif not isinstance(value, dict):
        return
    elif isinstance(value.get("statuses"), list):
        for status in value["statuses"]:
            yield from messages(status)
    elif isinstance(value.get("data"), list):
        for tweet in value["data"]:
            yield tweet, value.get("includes")
    elif isinstance(value.get("data"), dict):
        yield value["data"], value.get("includes")
    else:
        yield value, None


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return content.decode("utf-8", errors="surrogateescape")


def count_files(paths, repeat_window=100000, **options):
    """{hashtag: times} over all files, in their order."""
    counts = collections.Counter()
    recent = collections.OrderedDict()
    for path in paths:
        for value in values(read(path)):
            for tweet, includes in messages(value):
                count_tweet(counts, recent, repeat_window, tweet, includes, options)
    return dict(counts)


def count_tweet(counts, recent, repeat_window, tweet, includes, options):
    if not isinstance(tweet, dict) or not is_tweet(tweet):
        return
    try:
        name = identity(tweet)
        found = hashtags(tweet, includes, **options)
    except Refused:
        return
    if name in recent:
        return
    counts.update(found)
    if repeat_window > 0:
        recent[name] = True
        if len(recent) > repeat_window:
            recent.popitem(last=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--fold", dest="mode", choices=("case", "none"), default="case")
    parser.add_argument("--retweets", choices=("count", "ignore"), default="count")
    parser.add_argument("--once-per-tweet", action="store_true")
    parser.add_argument("--repeat-window", type=int, default=100000)
    options = vars(parser.parse_args())
    counts = count_files(options.pop("files"), **options)
    ordered = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    json.dump(ordered, sys.stdout, ensure_ascii=False, indent=1)
    print()


if __name__ == "__main__":
    main()
