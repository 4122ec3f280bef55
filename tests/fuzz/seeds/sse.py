# SPDX-License-Identifier: MIT
"""events with hostile hashtags: one event each, the data unchanged, JSON that jansson reads"""

from corpus import literals

MAX_BYTES = 400
RUNS = 15000


def seeds():
    yield from literals("tests/unit/net/test_sse.c")
    yield from literals("tests/unit/json/test_writer.c")
    yield from (b"a\r\n\r\nevent: deleted\ndata: {}", b"\xe2\x80\xa8\xe2\x80\xa9", b"\xed\xa0\x80", b"\0", b"</script>")
