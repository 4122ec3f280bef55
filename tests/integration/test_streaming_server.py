# SPDX-License-Identifier: MIT
"""The streaming server of the tests against other people's clients: what it says is what the services say."""

import asyncio
import base64
import http.client
import json
import socket
import ssl
import time
import urllib.parse
import zlib

import pytest
import requests
import requests_oauthlib
import websockets.asyncio.client
import websockets.exceptions
import zstandard

from streaming_server import HTML, Plan, StreamingServer, certificate, refusal, samples, storm


def signed(service, **changes):
    keys = {"client_key": service.keys.consumer_key, "client_secret": service.keys.consumer_secret,
            "resource_owner_key": service.keys.token, "resource_owner_secret": service.keys.token_secret, **changes}
    return requests_oauthlib.OAuth1(keys.pop("client_key"), **keys)


def post_filter(server, auth=None, parameters=None, **options):
    return requests.post(server.url + "/1.1/statuses/filter.json", parameters or {"track": "a b,ä&ö"},
                         auth=auth or signed(server.twitter_v1), stream=True, timeout=10, **options)


def body_of(answer):
    """All bytes until the stream ends, decoded, however it ends."""
    found = b""
    try:
        for piece in answer.iter_content(None):
            found += piece
    except (requests.RequestException, OSError):
        pass
    return found


def lines_of(answer):
    return [line for line in body_of(answer).split(b"\r\n") if line]


# X v1.1


def test_v1_plays_to_who_signs(streaming):
    service = streaming.twitter_v1
    posts = samples.v1_posts(50)
    service.publish(posts)
    service.script(Plan(after=50))
    answer = post_filter(streaming)
    assert answer.status_code == 200 and answer.headers["Content-Encoding"] == "gzip"
    assert lines_of(answer) == posts
    assert service.parameters["track"] == "a b,ä&ö"
    assert service.connected()[0].sent == list(range(50))


@pytest.mark.parametrize("change", [{"client_secret": "x"}, {"resource_owner_secret": "x"}, {"client_key": "x"},
                                    {"resource_owner_key": "x"}, {"timestamp": "1500000000"}], ids=str)
def test_v1_refuses_who_does_not(streaming, change):
    answer = post_filter(streaming, signed(streaming.twitter_v1, **change))
    assert answer.status_code == 401 and b"Unauthorized" in answer.content
    assert streaming.twitter_v1.streams()[0].problem


def test_v1_takes_no_nonce_twice(streaming):
    streaming.twitter_v1.script(then=Plan(after=0))
    auth = signed(streaming.twitter_v1, nonce="0123456789abcdef", timestamp=str(int(time.time())))
    assert [post_filter(streaming, auth).status_code for _ in range(2)] == [200, 401]


def test_v1_wants_a_parameter(streaming):
    assert post_filter(streaming, parameters={"language": "en"}).status_code == 406
    assert post_filter(streaming, parameters={"track": ",".join(map(str, range(401)))}).status_code == 413


def test_v1_with_lengths_cut_at_every_byte(streaming):
    service = streaming.twitter_v1
    posts = [samples.v1_post(samples.FIRST_ID + number, ["ä", "b"]) for number in range(700)]
    service.publish(posts)
    service.script(Plan(after=700, cuts="each"))
    answer = post_filter(streaming, parameters={"track": "x", "delimited": "length"}, headers={"Accept-Encoding": "identity"})
    body, found = body_of(answer).lstrip(), []
    while body:
        length, _, body = body.partition(b"\r\n")
        found.append(body[:int(length)].rstrip())
        body = body[int(length):]
    assert found == posts and len(posts[0]) < 700


def test_v1_a_second_stream_ends_the_first(streaming):
    streaming.twitter_v1.publish([b"{}"])
    first = post_filter(streaming)
    streaming.wait_for(streaming.twitter_v1.is_streaming, "the first stream")
    with post_filter(streaming) as second:
        assert second.status_code == 200
        assert body_of(first).strip() in (b"{}", b"")


# Ends and refusals


@pytest.mark.parametrize("end", ["close", "short", "cut", "reset", "told"])
def test_every_message_before_an_end_arrives(streaming, end):
    service = streaming.twitter_v1
    posts = samples.v1_posts(20)
    service.publish(posts)
    service.script(Plan(after=7, end=end))
    lines = lines_of(post_filter(streaming))
    assert lines[:7] == posts[:7]
    assert len(lines) == (8 if end in ("cut", "told") else 7)
    if end == "told":
        assert json.loads(lines[7])["disconnect"]["code"] == 4
    service.script(Plan(after=13))
    assert lines_of(post_filter(streaming)) == posts[7:], "what was cut is sent again"


def test_a_stall_brings_no_byte(streaming):
    streaming.twitter_v1.keep_alive_s = 0.05
    streaming.twitter_v1.publish(samples.v1_posts(2))
    streaming.twitter_v1.script(Plan(after=1, end="stall"))
    answer = requests.post(streaming.url + "/1.1/statuses/filter.json", {"track": "x"}, stream=True, timeout=0.5,
                           auth=signed(streaming.twitter_v1))
    with pytest.raises(requests.RequestException):
        for _ in answer.iter_content(None):
            pass


def test_keep_alives(streaming):
    streaming.twitter_v1.keep_alive_s = 0.02
    with post_filter(streaming, headers={"Accept-Encoding": "identity"}) as answer:
        pieces = answer.iter_content(None)
        assert b"".join(next(pieces) for _ in range(3)) in (b"\r\n" * count for count in range(3, 10))


@pytest.mark.parametrize("status", [401, 403, 404, 413, 420, 429, 503])
def test_refusals(streaming, status):
    streaming.twitter_v1.script(refusal(status, HTML, Retry_After=7), refusal(status, b'{"a":1}'), refusal(status))
    first, second, third = [post_filter(streaming) for _ in range(3)]
    assert first.status_code == second.status_code == third.status_code == status
    assert first.headers["Retry-After"] == "7" and first.headers["Content-Type"].startswith("text/html")
    assert second.json() == {"a": 1} and third.content == b""
    assert [visit.status for visit in streaming.twitter_v1.streams()] == [status] * 3


def test_no_answer_and_a_reset(streaming):
    streaming.twitter_v1.script(Plan(is_reset=True), Plan(is_silent=True))
    with pytest.raises(requests.ConnectionError):
        post_filter(streaming)
    with pytest.raises(requests.Timeout):
        requests.post(streaming.url + "/1.1/statuses/filter.json", timeout=0.2)


def test_a_storm_repeats_itself():
    first, second = storm(5), storm(5)
    assert [next(first) for _ in range(20)] == [next(second) for _ in range(20)]


# X v2


def bearer(server):
    return {"Authorization": "Bearer " + server.twitter_v2.bearer}


FIELDS = "?tweet.fields=entities,note_tweet,referenced_tweets&expansions=referenced_tweets.id"


def test_v2_gives_a_token_for_key_and_secret(streaming):
    service = streaming.twitter_v2
    pair = ":".join(urllib.parse.quote(part, safe="") for part in (service.key, service.secret))
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
               "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
    answer = requests.post(streaming.url + "/oauth2/token", "grant_type=client_credentials", headers=headers)
    assert answer.json() == {"token_type": "bearer", "access_token": service.bearer}
    headers["Authorization"] = "Basic eDp5"
    assert requests.post(streaming.url + "/oauth2/token", "grant_type=client_credentials", headers=headers).status_code == 403


def test_v2_keeps_rules(streaming):
    url, service = streaming.url + "/2/tweets/search/stream/rules", streaming.twitter_v2
    service.rules.set("#old")
    answer = requests.post(url + "?dry_run=true", json={"add": [{"value": "#cats", "tag": "t"}, {"value": "#old"}, {"value": "lang:en"},
                                                               {"value": "(a"}]}, headers=bearer(streaming))
    assert answer.status_code == 201 and answer.json()["meta"]["summary"] == {"created": 1, "not_created": 3, "valid": 1, "invalid": 3}
    assert [error["title"] for error in answer.json()["errors"]] == ["DuplicateRule", "UnprocessableEntity", "UnprocessableEntity"]
    assert service.rules.values() == ["#old"]
    requests.post(url, json={"add": [{"value": f"#{n}"} for n in range(5)]}, headers=bearer(streaming))
    service.rules.largest_page = 2
    found, token = [], None
    while True:
        page = requests.get(url, {"pagination_token": token} if token else {}, headers=bearer(streaming)).json()
        found += page["data"]
        token = page["meta"].get("next_token")
        if not token:
            break
    assert [rule["value"] for rule in found] == ["#old", "#0", "#1", "#2", "#3", "#4"]
    answer = requests.post(url, json={"delete": {"ids": [found[0]["id"], "7"]}}, headers=bearer(streaming)).json()
    assert answer["meta"]["summary"] == {"deleted": 1, "not_deleted": 1} and service.rules.values()[0] == "#0"
    assert requests.post(url, json={}, headers=bearer(streaming)).status_code == 400
    assert requests.get(url).status_code == 401


def test_v2_sends_what_was_asked_for(streaming):
    service = streaming.twitter_v2
    service.rules.set("#cats")
    posts = samples.v2_posts(40)
    service.publish(posts + posts)
    service.script(Plan(after=40), Plan(after=40))
    whole = requests.get(streaming.url + "/2/tweets/search/stream" + FIELDS, headers=bearer(streaming), stream=True)
    assert lines_of(whole) == posts and whole.headers["x-rate-limit-limit"] == "50"
    bare = requests.get(streaming.url + "/2/tweets/search/stream", headers=bearer(streaming), stream=True)
    assert all(set(json.loads(line)["data"]) <= {"id", "text", "edit_history_tweet_ids"} for line in lines_of(bare))


def test_v2_is_silent_without_rules(streaming):
    streaming.twitter_v2.publish(samples.v2_posts(3))
    streaming.twitter_v2.script(Plan(after=3))
    url = streaming.url + "/2/tweets/search/stream" + FIELDS
    assert lines_of(requests.get(url, headers=bearer(streaming), stream=True)) == []


def test_v2_has_one_connection(streaming):
    url = streaming.url + "/2/tweets/sample/stream" + FIELDS
    with requests.get(url, headers=bearer(streaming), stream=True):
        streaming.wait_for(streaming.twitter_v2.is_streaming, "the first stream")
        second = requests.get(url, headers=bearer(streaming))
        assert second.status_code == 429 and second.json()["connection_issue"] == "TooManyConnections"
    third = requests.get(url, headers=bearer(streaming), stream=True)
    assert third.status_code == 200
    third.close()


# Mastodon


def test_mastodon_streams_to_who_listens(streaming):
    service = streaming.mastodon
    headers = {"Authorization": "Bearer " + service.token}
    messages = samples.statuses(30)
    service.publish(messages[:10])
    service.script(Plan(after=20))
    answer = requests.get(streaming.url + "/api/v1/streaming/public", headers=headers, stream=True)
    streaming.wait_for(service.is_streaming, "the stream")
    service.publish(messages[10:])
    body = body_of(answer)
    assert answer.headers["Content-Type"] == "text/event-stream" and body.startswith(b":)\nevent:")
    assert body.count(b"\ndata: ") == 20
    assert requests.get(streaming.url + "/api/v1/streaming/public").status_code == 401
    assert requests.get(streaming.url + "/api/v1/streaming/nonsense", headers=headers).status_code == 400


def test_mastodon_has_a_timeline(streaming):
    service = streaming.mastodon
    headers = {"Authorization": "Bearer " + service.token}
    service.publish([samples.Message(samples.packed(samples.status(number, ["t"])), "update") for number in range(1, 101)])
    service.publish([samples.Message(b"50", "delete"),
                     samples.Message(samples.packed(samples.status(51, ["new"], "2026-01-01T00:00:00.000Z")), "status.update")])
    url, found, after = streaming.url + "/api/v1/timelines/public", [], "40"
    while page := requests.get(url, {"min_id": after, "limit": 40}, headers=headers).json():
        assert [int(each["id"]) for each in page] == sorted((int(each["id"]) for each in page), reverse=True)
        found += reversed(page)
        after = page[0]["id"]
    assert [int(each["id"]) for each in found] == [number for number in range(41, 101) if number != 50]
    assert found[9]["tags"][0]["name"] == "new"
    newest = requests.get(url, {"limit": 3}, headers=headers)
    assert [each["id"] for each in newest.json()] == ["100", "99", "98"] and newest.headers["X-RateLimit-Limit"] == "300"
    assert len(requests.get(streaming.url + "/api/v1/timelines/tag/NEW", headers=headers).json()) == 1
    urls = requests.get(streaming.url + "/api/v2/instance").json()["configuration"]["urls"]
    assert urls["streaming"] == streaming.url.replace("http", "ws")


# Jetstream


def received(server, query="", **options):
    """All messages, as bytes, until the server ends the connection."""
    async def listen():
        found = []
        async with websockets.asyncio.client.connect(server.jetstream.url + "/subscribe" + query, compression=None,
                                                     **options) as socket:
            try:
                while True:
                    found.append(await asyncio.wait_for(socket.recv(decode=False), 10))
            except websockets.exceptions.ConnectionClosed as end:
                return found, end

    return asyncio.run(listen())


def test_jetstream_begins_at_the_cursor(streaming):
    service = streaming.jetstream
    events = samples.jetstream_events(60, first_us=10**15)
    service.publish(events)
    behind = [each for each in events if each.time_us >= events[20].time_us]
    assert len(behind) > 40 or events[19].time_us < events[20].time_us
    service.script(Plan(after=len(behind)))
    assert received(streaming, f"?cursor={events[20].time_us}")[0] == [each.data for each in behind]


def test_jetstream_filters(streaming):
    service = streaming.jetstream
    events = samples.jetstream_events(200, first_us=10**15)
    service.publish(events)
    service.script(Plan(after=200), Plan(after=200))
    posts = received(streaming, "?cursor=1&wantedCollections=app.bsky.feed.post")[0]
    assert posts == [each.data for each in events if each.collection in ("", samples.POST)]
    both = received(streaming, "?cursor=1&wantedCollections=app.bsky.feed.*")[0]
    assert both == [each.data for each in events]


def test_jetstream_cuts_at_every_byte(streaming):
    service = streaming.jetstream
    event = samples.event(samples.commit("did:plc:x", "r", 10**15, record=samples.record(["東京", "b"])))
    service.publish([event] * 600)
    service.script(Plan(after=600, cuts="each"))
    assert received(streaming, "?cursor=1")[0] == [event.data] * 600 and len(event.data) < 600


def test_jetstream_packs(streaming, shared):
    dictionary = (shared / "bluesky" / "jetstream-v1.zdict").read_bytes()
    streaming.jetstream.dictionary = dictionary
    events = samples.jetstream_events(20, first_us=10**15)
    streaming.jetstream.publish(events)
    streaming.jetstream.script(Plan(after=20))
    unpacker = zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(dictionary))
    found = received(streaming, "?cursor=1&compress=true")[0]
    assert [unpacker.decompress(each) for each in found] == [each.data for each in events]
    assert zstandard.get_frame_parameters(found[0]).dict_id == 1612007021


def test_jetstream_refuses_and_breaks(streaming):
    service = streaming.jetstream
    service.script(refusal(503, HTML), Plan(is_reset=True), Plan(), Plan(after=1, end="reset"))
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        received(streaming)
    assert refused.value.response.status_code == 503 and b"Over capacity" in refused.value.response.body
    with pytest.raises((websockets.exceptions.InvalidMessage, OSError, EOFError)):
        received(streaming)
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        received(streaming, "?cursor=soon")
    assert refused.value.response.status_code == 400
    service.publish(samples.jetstream_events(3, first_us=10**15))
    found, end = received(streaming, "?cursor=1")
    assert found == [service.feed.messages[0].data] and isinstance(end, websockets.exceptions.ConnectionClosedError)


def test_over_tls(tmp_path):
    cert, key = certificate.make(tmp_path)
    with StreamingServer(tls=(cert, key)) as server:
        server.twitter_v1.publish(samples.v1_posts(5))
        server.twitter_v1.script(Plan(after=5, end="reset"))
        assert lines_of(post_filter(server, verify=str(cert))) == samples.v1_posts(5)
        server.jetstream.publish(samples.jetstream_events(5, first_us=10**15))
        server.jetstream.script(Plan(after=5))
        context = ssl.create_default_context(cafile=str(cert))
        assert len(received(server, "?cursor=1", ssl=context)[0]) == 5
        with pytest.raises(ssl.SSLError):
            received(server)


def test_what_is_no_request_ends_the_connection(streaming):
    host, port = urllib.parse.urlsplit(streaming.url).netloc.split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        assert raw.recv(100) == b""
    connection = http.client.HTTPConnection(host, int(port))
    connection.request("GET", "/elsewhere")
    assert connection.getresponse().status == 404 and streaming.visits[-1].kind == "unknown"


def test_gzip_reaches_the_client_with_each_message(streaming):
    streaming.twitter_v1.keep_alive_s = 60
    with post_filter(streaming, headers={"Accept-Encoding": "gzip"}) as answer:
        unpacker, found = zlib.decompressobj(wbits=31), b""
        for number in range(5):
            line = b'{"a":%d}' % number
            streaming.twitter_v1.publish([line])
            while line not in found:
                found += unpacker.decompress(answer.raw.read1(decode_content=False))
    assert found.split() == [b'{"a":%d}' % number for number in range(5)]
