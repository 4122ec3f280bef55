# SPDX-License-Identifier: MIT
"""X API v1.1 streaming: statuses/filter and statuses/sample, OAuth 1.0a, one stream at a time."""

from . import oauth1
from .service import Service
from .twitter_lines import LineOutlet, play

UNAUTHORIZED = (b"<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"/>\n"
                b"<title>Error 401 Unauthorized</title>\n</head>\n<body>\n<h2>HTTP ERROR: 401</h2>\n"
                b"<p>Problem accessing '/1.1/statuses/filter.json'. Reason:\n<pre>    Unauthorized</pre>\n</body>\n</html>\n")
STALLED = b'{"disconnect":{"code":4,"stream_name":"tests","reason":"stalled"}}'
LIMITS = {"track": 400, "follow": 5000, "locations": 100}


class TwitterV1(Service):
    name = "twitter-v1"

    def __init__(self, loop, visits):
        super().__init__(loop, visits)
        self.keys = oauth1.Keys("consumer-key", "consumer-secret-7f", "access-token", "token-secret-9e")
        self.parameters = {}  # of the last stream, decoded

    def secrets(self):
        """Environment of a program that may read the stream."""
        return {"TWITTER_CONSUMER_KEY": self.keys.consumer_key,
                "TWITTER_CONSUMER_SECRET": self.keys.consumer_secret,
                "TWITTER_ACCESS_TOKEN": self.keys.token,
                "TWITTER_ACCESS_TOKEN_SECRET": self.keys.token_secret}

    async def handle(self, exchange):
        request = exchange.request
        visit = self.visit("stream", request)
        plan = self.scripts["stream"].next()
        if plan.refuses:
            return await self.refuse(exchange, visit, plan)
        status, body = self.judge(request, visit)
        if status != 200:
            return await self.reply(exchange, visit, status, body, kind="text/html")
        while self.open_streams:  # a new connection ends the oldest
            oldest = self.open_streams[0]
            oldest.reset()
            oldest.gone.set()
            self.open_streams.remove(oldest)
        outlet = LineOutlet(exchange, self.parameters.get("delimited") == "length", told=STALLED)
        await play(self, exchange, visit, plan, outlet)

    def judge(self, request, visit):
        """(status, body): whether the request may stream."""
        visit.problem = oauth1.problem_of(self.keys, request)
        if visit.problem:
            return 401, UNAUTHORIZED
        sources = {**request.query, **request.form}
        self.parameters = {name: values[0] for name, values in sources.items()}
        if request.path == "/1.1/statuses/sample.json":
            return (200, b"") if request.method == "GET" else (405, b"")
        if request.path != "/1.1/statuses/filter.json":
            return 404, b"Unknown URL. See Twitter Streaming API documentation."
        wanted = {name: self.parameters.get(name, "").split(",") for name in LIMITS}
        if not any(filter(None, sum(wanted.values(), []))):
            return 406, b"No filter parameters found. Expect at least one parameter: follow track locations"
        for name, most in LIMITS.items():
            if len(wanted[name]) > most:
                return 413, b"Too many " + name.encode()
        return 200, b""
