# SPDX-License-Identifier: MIT
"""X API v2: bearer tokens, rules, filtered and sample stream, one connection at a time."""

import asyncio
import base64
import json
import time
import urllib.parse

from .service import Service
from .twitter_lines import LineOutlet, play
from .twitter_rules import Rules

TOO_MANY = {"title": "ConnectionException", "connection_issue": "TooManyConnections",
            "detail": "This stream is currently at the maximum allowed connection limit.",
            "type": "https://api.x.com/2/problems/streaming-connection"}
UNAUTHORIZED = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
DISCONNECTED = (b'{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect",'
                b'"detail":"This stream has been disconnected upstream for operational reasons.",'
                b'"type":"https://api.x.com/2/problems/operational-disconnect"}]}')
ALWAYS = {"id", "text", "edit_history_tweet_ids"}
SENT_ALONG = {"matching_rules", "errors"}
CONNECTS_A_WINDOW = 50  # in 15 minutes


class TwitterV2(Service):
    name = "twitter-v2"
    kinds = ("stream", "rules", "token")

    def __init__(self, loop, visits):
        super().__init__(loop, visits)
        self.bearer = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI%3DEUifiRBkKG5E2"
        self.key, self.secret = "v2-key/1", "v2%secret+2:"
        self.rules = Rules()
        self.max_connections = 1
        self.connects_a_window = CONNECTS_A_WINDOW  # a long storm asks for more
        self.connects = 0
        self.reset_at = int(time.time()) + 900
        self.wanted_fields, self.includes_originals = set(), False

    def secrets(self):
        return {"TWITTER_BEARER_TOKEN": self.bearer}

    def key_and_secret(self):
        """The other way in: a token has to be asked for."""
        return {"TWITTER_CONSUMER_KEY": self.key, "TWITTER_CONSUMER_SECRET": self.secret}

    async def handle(self, exchange):
        path = exchange.request.path
        if path == "/oauth2/token":
            await self.token(exchange)
        elif path == "/2/tweets/search/stream/rules":
            await self.handle_rules(exchange)
        else:
            await self.stream(exchange)

    # A token

    async def token(self, exchange):
        request = exchange.request
        visit = self.visit("token", request)
        plan = self.scripts["token"].next()
        if plan.refuses:
            return await self.refuse(exchange, visit, plan)
        pair = ":".join(urllib.parse.quote(part, safe="") for part in (self.key, self.secret))
        expected = "Basic " + base64.b64encode(pair.encode()).decode()
        kind = request.headers.get("content-type", "").replace(" ", "").lower()
        if request.headers.get("authorization") != expected:
            visit.problem = "another key or secret"
        elif request.method != "POST" or request.body != b"grant_type=client_credentials":
            visit.problem = "not a POST of grant_type=client_credentials"
        elif kind != "application/x-www-form-urlencoded;charset=utf-8":
            visit.problem = f"content type {kind}"
        if visit.problem:
            return await self.reply(exchange, visit, 403, {"errors": [
                {"code": 99, "message": "Unable to verify your credentials", "label": "authenticity_token_error"}]})
        await self.reply(exchange, visit, 200, {"token_type": "bearer", "access_token": self.bearer})

    # Rules

    async def handle_rules(self, exchange):
        request = exchange.request
        visit = self.visit("rules", request)
        plan = self.scripts["rules"].next()
        if plan.refuses:
            return await self.refuse(exchange, visit, plan)
        if not self.may(request, visit):
            return await self.reply(exchange, visit, 401, UNAUTHORIZED)
        if request.method == "GET":
            return await self.reply(exchange, visit, *self.rules.page(request))
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        await self.reply(exchange, visit, *self.rules.change(body, request.first("dry_run") == "true"))

    # The stream

    async def stream(self, exchange):
        request = exchange.request
        visit = self.visit("stream", request)
        plan = self.scripts["stream"].next()
        if plan.refuses:
            return await self.refuse(exchange, visit, plan)
        if not self.may(request, visit):
            return await self.reply(exchange, visit, 401, UNAUTHORIZED)
        if request.path not in ("/2/tweets/search/stream", "/2/tweets/sample/stream"):
            return await self.reply(exchange, visit, 404, {"title": "Not Found Error", "status": 404})
        limits = self.limits()
        if not await self.has_room():
            return await self.reply(exchange, visit, 429, TOO_MANY, limits)
        self.wanted_fields = ALWAYS | set(request.first("tweet.fields", "").split(","))
        self.includes_originals = "referenced_tweets.id" in request.first("expansions", "").split(",")
        is_dumb = request.path.endswith("search/stream") and not self.rules.rules
        outlet = LineOutlet(exchange, change=self.nothing if is_dumb else self.asked_for,
                            told=DISCONNECTED)
        await play(self, exchange, visit, plan, outlet, limits)

    def limits(self):
        self.connects += 1
        return [("x-rate-limit-limit", self.connects_a_window), ("x-rate-limit-reset", self.reset_at),
                ("x-rate-limit-remaining", max(0, self.connects_a_window - self.connects))]

    async def has_room(self):
        """A connection that the client has just closed is given a moment to be seen."""
        for _ in range(20):
            if len(self.open_streams) < self.max_connections:
                return True
            await asyncio.sleep(0.02)
        return False

    def may(self, request, visit):
        if request.headers.get("authorization") != "Bearer " + self.bearer:
            visit.problem = "another bearer token"
        return not visit.problem

    def nothing(self, _data):
        """Without rules the stream is silent."""
        return None

    def asked_for(self, data):
        """A post with no more than the request asked for."""
        if self.includes_originals and {"entities", "note_tweet", "referenced_tweets"} <= self.wanted_fields:
            return data
        try:
            post = json.loads(data)
        except ValueError:
            return data
        if not isinstance(post, dict) or not isinstance(post.get("data"), dict):
            return data
        known = {key: value for key, value in post.items() if key in SENT_ALONG}
        known["data"] = self.pruned(post["data"])
        if self.includes_originals and "includes" in post:
            known["includes"] = {"tweets": [self.pruned(other) for other in post["includes"].get("tweets", [])]}
        return json.dumps(known, ensure_ascii=False).encode()

    def pruned(self, tweet):
        return {key: value for key, value in tweet.items() if key in self.wanted_fields}
