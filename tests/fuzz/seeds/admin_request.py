# SPDX-License-Identifier: MIT
"""route, query, access: values in their ranges, refusals that can be sent, nobody gets in from outside"""

from corpus import literals

MAX_BYTES = 400
RUNS = 15000

PATHS = [b"/hashtags", b"/hashtags/a%2Fb", b"/", b"/tweets", b"/archive", b"/events", b"/app.css", b"/flush"]
HOSTS = [b"localhost", b"127.0.0.1:8080", b"[::1]:8080", b"127.1", b"127.0.0.1.example", b"[::1", b"[::ffff:127.0.0.1]",
         b"localhost:", b"0x7f.1", b"localhost:99999", b"LOCALHOST:1"]


def seeds():
    queries = literals("tests/unit/admin/test_router.c")
    for number, query in enumerate(queries):
        yield b"\n".join([PATHS[number % len(PATHS)], query, HOSTS[number % len(HOSTS)], b"http://localhost"])
    for host in HOSTS:
        yield host + b"\nhttp://" + host + b"\nBearer s3cret-s3cret-s3cret\n"
    yield from literals("tests/unit/admin/test_access.c")
    yield from literals("tests/unit/admin/test_negotiation.c")
