# SPDX-License-Identifier: MIT
"""Signatures for Twitter's API v1.1, judged by oauthlib's code for services."""

import pathlib
import random
import subprocess
import types
import urllib.parse

import pytest

from daemon import assert_no_sanitizer, clean_environment, program
from streaming_server import oauth1

FORM = "application/x-www-form-urlencoded"
# What encoders stumble over, and texts of several scripts.
CHARACTERS = "aZ09-._~ +%&=?/#,:;@!*'()[]{}|\\\"<>^`\u00e9\u00df\u5929\U0001f600\uff03\u200d\u00ad"


def headers(keys, requests):
    """Authorization for each (method, url, form)."""
    tool = pathlib.Path(program()).parent / "tests" / "tools" / "oauth1_probe"
    text = "".join(f"{method}\t{url}\t{form}\n" for method, url, form in requests)
    done = subprocess.run([tool, keys.consumer_key, keys.consumer_secret, keys.token, keys.token_secret],
                          input=text.encode(), capture_output=True, timeout=60, check=False, env=clean_environment({}))
    assert_no_sanitizer(done.stderr.decode(errors="replace"))
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def problems(keys, requests, found):
    """What oauthlib says of each."""
    said = []
    for (method, url, form), header in zip(requests, found, strict=True):
        kind = {"content-type": FORM} if form else {}
        said.append(oauth1.problem_of(keys, types.SimpleNamespace(
            method=method, url=url, body=form.encode(), headers={"authorization": header, **kind})))
    return said


def text_of(chance):
    return "".join(chance.choice(CHARACTERS) for _ in range(chance.randint(0, 12)))


def pairs_of(chance, most):
    """Encoded as browsers do, a space as '+', or as RFC 3986 does."""
    quote = chance.choice([urllib.parse.quote, urllib.parse.quote_plus])
    return "&".join(f"{quote('p' + text_of(chance), safe='')}={quote(text_of(chance), safe='')}"
                    for _ in range(chance.randint(0, most)))


def request_of(chance):
    base = chance.choice(["https://stream.twitter.com", "http://127.0.0.1:8080", "http://[::1]:81", "HTTPS://Host:443",
                          "http://h:80", "http://h:443"])
    path = chance.choice(["/1.1/statuses/filter.json", "/a/B/%7Ec/1.1/statuses/sample.json", "/"])
    query, form = pairs_of(chance, 4), pairs_of(chance, 6)
    method = chance.choice(["POST", "GET"])
    return method, base + path + ("?" + query if query else ""), form if method == "POST" else ""


@pytest.mark.parametrize("secrets", [("consumer-secret", "token-secret"), ("a&b%c d+\u00e9", "~*'()!\u5929&")])
def test_every_request_is_authentic(secrets):
    chance = random.Random(7)
    keys = oauth1.Keys("consumer-key", secrets[0], "7588892-token", secrets[1])
    requests = [request_of(chance) for _ in range(300)]
    found = headers(keys, requests)
    said = problems(keys, requests, found)
    wrong = [(request, header, text) for request, header, text in zip(requests, found, said, strict=True) if text]
    assert not wrong, wrong[:3]
    assert len(set(found)) == len(found)


def test_the_judge_sees_what_is_wrong():
    requests = [("POST", "https://h/1.1/statuses/filter.json?a=b", "track=x%2Cy")]
    keys = oauth1.Keys("consumer-key", "consumer-secret", "token", "token-secret")
    found = headers(keys, requests)
    for other in [("GET", *requests[0][1:]), ("POST", requests[0][1] + "c", requests[0][2]),
                  ("POST", requests[0][1], "track=x%2Cz"), ("POST", "http://h/1.1/statuses/filter.json?a=b", "track=x%2Cy")]:
        assert problems(keys, [other], found) != [""]
        keys.nonces.clear()
    assert problems(keys, requests, found) == [""]
    assert problems(keys, requests, found) != [""], "the same nonce twice"
