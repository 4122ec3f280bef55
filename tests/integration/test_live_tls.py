# SPDX-License-Identifier: MIT
"""Live sources over TLS: who is trusted, who is not, and that messages of any cut arrive."""

import pytest

import live
from streaming_server import Plan, StreamingServer, certificate


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificate.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def secure(files):
    with StreamingServer(tls=files) as server:
        yield server


@pytest.mark.parametrize("name", live.SOURCES)
def test_over_tls(start, secure, files, name):
    service = secure.service(name)
    service.script(Plan(after=60, cuts="random", end="reset"))
    daemon = start(live.settings(secure, name), up=False,
                   environ={**live.secrets(secure, name), "SSL_CERT_FILE": str(files[0])})
    daemon.spawn()
    live.until_streaming(secure, name, daemon)
    daemon.wait_until_up()
    messages = live.unedited(name, 150)
    service.publish(messages)
    live.wait_until_counted(daemon, live.truth_of(name, messages))


@pytest.mark.parametrize("name", ["twitter-v2", "jetstream"])
def test_whom_nobody_vouches_for_is_not_trusted(start, secure, name):
    daemon = start(live.settings(secure, name), environ=live.secrets(secure, name), up=False)
    daemon.spawn()
    daemon.wait_for(lambda: "certificate" in live.source_text(daemon), "the source tells of the certificate")
    assert daemon.get("/readyz").status == 503
    assert not secure.visits, "nothing was said, no secret least of all"
