# SPDX-License-Identifier: MIT
"""A stand-in for the daemon: docs/http.md over Python's own HTTP server, with scripted data.

It serves web/ under a Content-Security-Policy as strict as the dashboard allows, and can be broken on purpose: stopped
and started again on the same port, made to ask for a token, to answer 503, or to have no source.
Run it by hand to look at the dashboard: `python3 tests/browser/fake_daemon.py 8090 [--token T]
[--empty]`.
"""

import argparse
import json
import math
import mimetypes
import pathlib
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
       "require-trusted-types-for 'script'; trusted-types 'none'")

MARKUP = "<img src=x onerror=alert(1)>"
ZALGO = "z" + "".join(chr(0x300 + i % 0x60) for i in range(60)) + "algo" + "\u0351" * 40
RTL = "الذكاء_الاصطناعي"
LONG = "abcdefghij" * 20
OVERRIDE = "evil\u202egpj.exe"

ORDINARY = ["nowplaying", "climate", "ماسبيرو", "東京", "breaking", "jobs", "музыка", "IchBinHanna",
            "opensource", "한국", "bitcoin", "kpop", "photography", "ελλάδα", "หิวข้าว", "weekend",
            "football", "hindi_हिंदी", "cafecito", "rustlang", "cats", "travel", "art", "fyp",
            "gameday", "vinyl", "sunrise", "coffee", "running", "books"]
HOSTILE = [MARKUP, RTL, ZALGO, LONG, OVERRIDE, "..", "a/b?c#d", "50%", "\u200d"]
PARTS = [("source", "synthetic", "tweets", 1.0), ("ingest", "", "tweets", 1.0),
         ("stream", "embedded", "records", 1.0), ("count", "", "hashtags", 1.7),
         ("table", "embedded", "items", 0.4), ("changes", "embedded", "deletions", 0.0),
         ("archive", "directory", "deletions", 0.0)]
SHARE = {"all": 1.0, "24h": 0.6, "1h": 0.1, "5m": 0.02}


class FakeDaemon:
    """One fake daemon. start() and stop() may alternate; the port stays the same."""

    def __init__(self, tags=None, token=None, source="synthetic", port=0, seed=1):
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.token = token
        self.source = source
        self.port = port
        self.events_status = 200   # anything else: GET /events fails with it
        self.moving = True         # whether counts grow by themselves
        self.archive_after = 0.5   # seconds from a deletion to its archived line
        self.problems = []
        self.sources = []          # of /status, for live sources
        self.part_changes = {}     # part name -> members of /status to change
        self.requests = []
        self.counts = {}
        self.deleted = []
        self.listeners = []
        self.server = None
        self.started_at = int(time.time())
        names = ORDINARY + HOSTILE if tags is None else tags
        for place, name in enumerate(names):
            self.counts[name] = int(48000 / (place + 1) ** 0.8) + 3

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        fake = self

        class Bound(Handler):
            daemon = fake

        self.server = Server(("127.0.0.1", self.port), Bound)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """As a killed daemon: the port is closed and every connection is cut."""
        if self.server:
            server, self.server = self.server, None
            server.shutdown()
            server.server_close()
            server.cut()

    def grow(self):
        """Counts a second's worth of hashtags."""
        with self.lock:
            if self.moving and self.source != "none":
                for place, name in enumerate(list(self.counts)):
                    self.counts[name] += self.random.randrange(1 + int(900 / (place + 2)))

    def set_count(self, tag, count):
        with self.lock:
            self.counts[tag] = count

    def series(self, tag, length, scale=1.0):
        base = math.log(self.counts.get(tag, 1) + 1)
        noise = random.Random(tag + str(int(time.time() // 60)))
        return [int(scale * base * (4 + 3 * math.sin(i / 7 + base) + noise.random() * 3))
                for i in range(length)]

    def page(self, window, limit, prefix=""):
        fold = prefix.lstrip("#").casefold()
        with self.lock:
            counts = {t: int(c * SHARE[window]) for t, c in self.counts.items()}
        counts = {t: c for t, c in counts.items() if c > 0}
        rows = sorted(counts.items(), key=lambda row: (-row[1], row[0].encode("utf-8", "replace")))
        rows = [row for row in rows if row[0].casefold().startswith(fold)]
        now = int(time.time())
        return {"window": window, "total": sum(counts.values()), "distinct": len(counts),
                "hashtags": [{"rank": i + 1, "hashtag": t, "count": c,
                              "first_seen": now - 80000, "last_seen": now - i * i}
                             for i, (t, c) in enumerate(rows[:limit])],
                "next": "more" if len(rows) > limit else None}

    def top(self, window, limit):
        page = self.page(window, limit)
        for item in page["hashtags"]:
            item["series"] = self.series(item["hashtag"], 60)
        return page

    def item(self, tag):
        now = int(time.time())
        with self.lock:
            if tag not in self.counts:
                return None
            count = self.counts[tag]
        windows = {w: int(count * s) for w, s in SHARE.items()}
        ranks = {w: next((i["rank"] for i in self.page(w, 1000)["hashtags"]
                          if i["hashtag"] == tag), None) for w in SHARE}
        until = now - now % 60 + 60
        return {"hashtag": tag, "count": count, "first_seen": now - 80000, "last_seen": now - 4,
                "expires_at": None, "windows": windows, "ranks": ranks,
                "series": {"step": 60, "until": until, "counts": self.series(tag, 60)},
                "series_24h": {"step": 1800, "until": now - now % 1800 + 1800,
                               "counts": self.series(tag, 48, 30)}}

    def remove(self, tag):
        """Deletes as DELETE does, tells the listeners, and archives a little later."""
        now = int(time.time())
        with self.lock:
            if tag not in self.counts:
                return None
            count = self.counts.pop(tag)
        event = {"event_id": f"{self.random.getrandbits(64):016x}", "hashtag": tag, "count": count,
                 "first_seen": now - 80000, "last_seen": now - 4, "deleted_at": now}
        self.tell("deleted", {**event, "origin": "user", "archived": False})
        if self.archive_after is not None:
            threading.Timer(self.archive_after, self.archive, [event]).start()
        return event

    def archive(self, event):
        record = {**event, "origin": "user", "archived_at": int(time.time()),
                  "object": time.strftime("deleted/%Y/%m/%d/%H/%Y%m%dT%H%M%SZ-0001.jsonl.gz",
                                          time.gmtime())}
        with self.lock:
            self.deleted.insert(0, record)
        self.tell("deleted", {**record, "archived": True})

    def status(self):
        now = int(time.time())
        none = self.source == "none"
        parts = []
        for name, kind, unit, share in PARTS:
            state = "off" if none and name == "source" else "idle" if none or not share else "working"
            part = {"name": name, "type": (self.source if name == "source" else kind),
                    "state": state, "text": "", "since": self.started_at,
                    "rate": 0.0 if none else round(share * (198 + 4 * self.random.random()), 1),
                    "total": 0 if none else int(share * 720000), "unit": unit, "errors": 0,
                    "last_error": None, "last_success_at": now,
                    "details": {"in_flight_bytes": 12345, "batches": 42}}
            part.update(self.part_changes.get(name, {}))
            parts.append(part)
        page = self.page("all", 1)
        return {"version": "0.1.0", "started_at": self.started_at, "now": now,
                "uptime_seconds": now - self.started_at, "ready": not self.problems,
                "stopping": False, "problems": self.problems, "parts": parts,
                "sources": self.sources,
                "shards": [{"id": "shardId-000000000000", "state": "reading",
                            "position": "00000000000000001234", "lag_records": 0,
                            "lag_seconds": 0.0, "last_success_age_seconds": 0.1}],
                "memory": {"budget_bytes": 268435456, "used_bytes": 1234567,
                           "resident_bytes": 23456789},
                "hashtags": {"distinct": page["distinct"], "total": page["total"]},
                "loop": {"lag_p50_seconds": 0.0001, "lag_p99_seconds": 0.001,
                         "lag_max_seconds": 0.004},
                "build": {"compiler": "gcc 12.2.0"}}

    def rates(self):
        none = self.source == "none"
        wave = 200 + 12 * math.sin(time.time() / 9) + 4 * self.random.random()
        return {"at": int(time.time()), "tweets": 0.0 if none else round(wave, 1),
                "hashtags": 0.0 if none else round(wave * 1.7, 1), "lag_seconds": 0.012,
                "lag_records": 3}

    def tell(self, event, data):
        with self.lock:
            for listener in self.listeners:
                listener.append((event, data))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, *arguments):
        self.sockets = set()
        super().__init__(*arguments)

    def process_request(self, request, client_address):
        self.sockets.add(request)
        super().process_request(request, client_address)

    def cut(self):
        for one in self.sockets:
            try:
                one.shutdown(2)
            except OSError:
                pass

    def handle_error(self, request, client_address):
        """A browser that hangs up is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    daemon = None

    def log_message(self, format, *arguments):
        pass

    def reply(self, status, body, kind="application/json", **more):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def problem(self, status, title, detail, **more):
        self.reply(status, {"type": "about:blank", "title": title, "status": status,
                            "detail": detail}, "application/problem+json", **more)

    def allowed(self):
        fake = self.daemon
        fake.requests.append((self.command, self.path))
        if fake.token and self.headers.get("Authorization") != f"Bearer {fake.token}":
            self.problem(401, "Unauthorized", "This daemon needs a token.",
                         WWW_Authenticate="Bearer")
            return False
        return True

    def do_GET(self):
        url = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        name = "index.html" if url.path == "/" else url.path[1:]
        if "/" not in name and (WEB / name).is_file():
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            return self.reply(200, (WEB / name).read_bytes(), f"{kind}; charset=utf-8")
        if not self.allowed():
            return None
        return self.get_data(url.path, query)

    def get_data(self, path, query):
        fake = self.daemon
        if path == "/events":
            return self.events(query)
        if path == "/status":
            return self.reply(200, fake.status())
        if path == "/archive":
            return self.reply(200, {"deletions": fake.deleted[:int(query.get("limit", 50))]})
        if path == "/hashtags":
            return self.reply(200, fake.page(query.get("window", "all"),
                                             int(query.get("limit", 20)), query.get("prefix", "")))
        item = fake.item(self.tag(path)) if path.startswith("/hashtags/") else None
        if item:
            return self.reply(200, item)
        return self.problem(404, "Not Found", "There is no such thing.")

    def do_DELETE(self):
        if self.allowed():
            item = self.daemon.remove(self.tag(self.path))
            if item:
                self.reply(200, item)
            else:
                self.problem(404, "Not Found", "There is no such hashtag in the table.")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.allowed():
            return
        if self.path == "/flush":
            self.reply(200, {"hashtags": 12, "archived": 1, "seconds": 0.004})
        else:
            self.problem(404, "Not Found", "There is no such thing.")

    @staticmethod
    def tag(path):
        tag = unquote(path.removeprefix("/hashtags/"))
        return tag.removeprefix("#")

    def events(self, query):
        fake = self.daemon
        if fake.events_status != 200:
            return self.problem(fake.events_status, "Service Unavailable",
                                "Too many listeners.", Retry_After="3")
        window, limit = query.get("window", "all"), int(query.get("limit", 20))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        news = []
        with fake.lock:
            fake.listeners.append(news)
        try:
            self.stream(news, window, limit)
        except OSError:
            pass
        finally:
            with fake.lock:
                fake.listeners.remove(news)
        return None

    def stream(self, news, window, limit):
        fake = self.daemon
        self.wfile.write(b"retry: 1000\n\n")
        self.send("status", fake.status())
        last = None
        turn = 0
        while fake.server:
            if turn % 10 == 0:
                fake.grow()
                top = fake.top(window, limit)
                if top != last:
                    self.send("top", top)
                    last = top
                self.send("rates", fake.rates())
            if turn % 50 == 49:
                self.send("status", fake.status())
            while news:
                self.send(*news.pop(0))
            turn += 1
            time.sleep(0.1)

    def send(self, event, data):
        text = json.dumps(data, ensure_ascii=turn_ascii(data))
        self.wfile.write(f"event: {event}\ndata: {text}\n\n".encode())
        self.wfile.flush()


def turn_ascii(data):
    """Every other list goes out as UTF-8, so that both spellings of JSON are read."""
    return "at" in data


def main():
    options = argparse.ArgumentParser(description="A stand-in for the daemon, to look at web/.")
    options.add_argument("port", type=int, nargs="?", default=8090)
    options.add_argument("--token")
    options.add_argument("--empty", action="store_true")
    chosen = options.parse_args()
    fake = FakeDaemon(port=chosen.port, token=chosen.token, tags=[] if chosen.empty else None,
                      source="none" if chosen.empty else "synthetic").start()
    print(fake.url, file=sys.stderr)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        fake.stop()


if __name__ == "__main__":
    main()
