# SPDX-License-Identifier: MIT
"""Pages of other origins: whatever a browser can be made to send, it gets nothing done and learns nothing."""

import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from daemon import tweet

ROUTES = [("GET", "/hashtags"), ("GET", "/hashtags/honest"), ("GET", "/archive"), ("GET", "/events"), ("GET", "/status"),
          ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/"), ("GET", "/nothing"),
          ("HEAD", "/hashtags"), ("DELETE", "/hashtags/honest"), ("POST", "/flush"), ("POST", "/tweets"), ("PUT", "/hashtags"),
          ("OPTIONS", "/hashtags/honest"), ("OPTIONS", "/tweets"), ("PATCH", "/")]

FOREIGN_HOSTS = ["evil.example", "evil.example:{port}", "localhost.", "localhost.:{port}", "localhost.evil.example", "127.0.0.1.evil.example",
                 "127.0.0.1.", "0.0.0.0", "0.0.0.0:{port}", "[::]", "[::2]:{port}", "[::ffff:10.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1",
                 "10.0.0.1:{port}", "127.0.0.1:0x50", "localhost:99999", "localhost:-1", "localhost:", ":{port}", "localhosт", "-", "%6cocalhost",
                 "xn--localhost-0ta", "[::1", "::1", "[fe80::1%25lo]", "localhost:80:80", "l", "a" * 500]

FOREIGN_ORIGINS = ["http://evil.example", "null", "http://localhost", "http://127.0.0.1:1", "https://{own}", "http://{own}.evil.example",
                   "http://{own}/", "http://x@{own}", "HTTP://{own}", "file://", "chrome-extension://abc", "", "{own}",
                   "http://[::1]:{port}", "http://evil.example, http://{own}", "http://evil.example http://{own}"]


def own(daemon):
    return urllib.parse.urlsplit(daemon.url).netloc


def filled(text, daemon):
    return text.format(own=own(daemon), port=own(daemon).rsplit(":", 1)[1])


@pytest.mark.parametrize("host", FOREIGN_HOSTS, ids=lambda text: text[:40])
def test_names_that_are_not_ours(target, host):
    host = filled(host, target).encode().decode("latin-1")
    for method, path in (("GET", "/hashtags"), ("DELETE", "/hashtags/honest"), ("GET", "/healthz")):
        answer = target.request(method, path, headers={"Host": host})
        assert answer.status in (400, 403), (method, path, answer)
    assert target.get("/hashtags/honest").json["count"] == 2


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_origins_that_are_not_ours(target, origin):
    for method, path in (("GET", "/hashtags"), ("DELETE", "/hashtags/honest"), ("POST", "/flush"), ("GET", "/events")):
        answer = target.request(method, path, headers={"Origin": filled(origin, target)})
        assert answer.status == 403, (method, path, answer)
    assert target.get("/hashtags/honest").json["count"] == 2


@pytest.mark.parametrize("method,path", ROUTES)
@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Private-Network": "true"},
    {"Host": "evil.example"}], ids=["fetch", "image", "script", "frame", "preflight", "rebinding"])
def test_every_route_is_closed(target, method, path, headers):
    answer = target.request(method, path, headers=headers, body=b"{}" if method == "POST" else None)
    assert answer.status == 403, answer
    assert not any(name.lower().startswith("access-control-") for name in answer.headers)
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
def test_a_form_posts_nothing(target, kind):
    """What a page may send without asking; also where a client leaves the origin out."""
    line = b'{"id":77,"text":"","entities":{"hashtags":[{"text":"forged"}]}}\n'
    assert target.post("/tweets", line, headers={"Content-Type": kind, "Origin": "http://evil.example"}).status == 403
    assert target.post("/tweets", line, headers={"Content-Type": kind}).status == 415
    assert target.get("/hashtags/forged").status == 404


def test_a_link_to_the_dashboard_works(target):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = target.get("/", headers=headers)
    assert answer.status == 200 and "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    for path in ("/flush", "/hashtags/honest"):
        assert target.request("POST" if path == "/flush" else "DELETE", path, headers=headers).status == 403


# A browser

PAGE = """<!doctype html><title>evil</title><img id="image"><script>
const ours = "OURS", told = {};
async function attempt(name, run) {
  try { told[name] = await run(); } catch (error) { told[name] = "failed"; }
}
const read = (path, options) => async () => { const answer = await fetch(ours + path, options); return answer.type + " " + await answer.text(); };
function loaded(tag, path, attribute) {
  return () => new Promise(done => { const it = document.createElement(tag); it.onload = () => done("loaded"); it.onerror = () => done("failed");
    it[attribute] = ours + path; document.body.appendChild(it); });
}
async function all() {
  await attempt("cors", read("/hashtags"));
  await attempt("no-cors", read("/hashtags", {mode: "no-cors"}));
  await attempt("delete", read("/hashtags/honest", {method: "DELETE"}));
  await attempt("post", read("/tweets", {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: TWEET}));
  await attempt("json", read("/tweets", {method: "POST", headers: {"Content-Type": "application/json"}, body: TWEET}));
  await attempt("flush", read("/flush", {method: "POST", mode: "no-cors"}));
  await attempt("beacon", async () => navigator.sendBeacon(ours + "/tweets", TWEET) && "sent");
  await attempt("script", loaded("script", "/app.js", "src"));
  await attempt("events", () => new Promise(done => { const it = new EventSource(ours + "/events");
    it.onopen = () => done("open"); it.onerror = () => { it.close(); done("failed"); }; }));
  await attempt("socket", () => new Promise(done => { const it = new WebSocket(ours.replace("http", "ws") + "/events");
    it.onopen = () => done("open"); it.onerror = () => done("failed"); }));
  return told;
}
</script>"""

TWEET = '{"id":78,"text":"","entities":{"hashtags":[{"text":"forged"}]}}'


@pytest.fixture
def evil_page(target):
    """The address of a page of another origin on this machine."""
    page = PAGE.replace("OURS", target.url).replace("TWEET", repr(TWEET)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_page_in_chromium_gets_nothing(target, evil_page):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        page = browser.new_page()
        page.set_default_timeout(20000)
        page.goto(evil_page)
        told = page.evaluate("all()")
        browser.close()
    assert told.pop("beacon") in ("sent", False)
    for name in ("no-cors", "post", "flush"):
        assert told.pop(name) in ("opaque ", "failed"), name
    assert set(told.values()) == {"failed"}, told
    assert target.get("/hashtags/honest").json["count"] == 2
    assert target.get("/hashtags/forged").status == 404
    flushes = [line for line in target.get("/metrics").text.splitlines()
               if line.startswith("hashtagd_http_requests_total") and "/flush" in line and '"200"' in line]
    assert not flushes or all(line.endswith(" 0") for line in flushes), flushes


def test_the_honest_one_is_served(target):
    headers = {"Origin": target.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert target.get("/hashtags", headers=headers).status == 200
    assert target.post("/tweets", tweet(2, "honest"), headers=headers).status == 202
