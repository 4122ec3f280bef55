# SPDX-License-Identifier: MIT
"""Who may ask: the bearer token, addresses, HTTPS."""

import http.client
import ssl
import subprocess
import urllib.parse

import pytest

from daemon import Daemon, hashtagd, tweet

TOKEN = "a-long-enough-token-0123456789"
PATHS = ["/hashtags", "/hashtags/foo", "/status", "/metrics", "/archive", "/events", "/openapi.json"]


@pytest.fixture
def guarded(start, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "token").chmod(0o600)
    return start({"admin.token_file": str(tmp_path / "token")})


@pytest.mark.parametrize("header", [None, "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}",
                                    "Bearer", "Bearer "])
def test_without_the_token(guarded, header):
    for path in PATHS:
        answer = guarded.get(path, headers={"Authorization": header} if header else {})
        assert answer.status == 401, (path, answer)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.type == "application/problem+json"
        assert TOKEN not in answer.text
    assert guarded.delete("/hashtags/foo").status == 401
    assert guarded.post("/flush").status == 401
    assert guarded.post_tweets([tweet(1, "foo")]).status == 401


def test_with_the_token(guarded):
    guarded.headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.post_tweets([tweet(1, "foo")]).status == 202
    guarded.wait_until_counted({"foo": 1})
    assert guarded.delete("/hashtags/foo").status == 200
    assert guarded.get("/metrics").status == 200
    assert TOKEN not in guarded.log


def test_health_is_open(guarded):
    assert guarded.get("/healthz").status == 200
    assert guarded.get("/readyz").status == 200
    assert guarded.get("/").status == 200


def test_beyond_loopback_only_with_a_token(tmp_path):
    done = hashtagd("serve", "--set", "admin.listen=0.0.0.0:0", "--set", f"data.dir={tmp_path}/data")
    assert done.returncode == 2, done
    assert b"admin.token_file" in done.stderr
    assert not (tmp_path / "data" / "hashtagd.db").exists()


@pytest.mark.parametrize("make", [
    lambda path: None,
    lambda path: path.write_text(""),
    lambda path: path.mkdir(),
], ids=["missing", "empty", "a folder"])
def test_a_token_file_that_is_no_good(tmp_path, make):
    make(tmp_path / "token")
    done = hashtagd("serve", "--set", f"admin.token_file={tmp_path}/token", "--set", f"data.dir={tmp_path}/data",
                    "--set", "admin.listen=127.0.0.1:0")
    assert done.returncode in (1, 2), done
    assert str(tmp_path / "token").encode() in done.stderr


@pytest.fixture
def certificate(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
                   cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def https_get(daemon, path, context):
    address = urllib.parse.urlsplit(daemon.url)
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_https(start, certificate):
    cert, key = certificate
    daemon = start({"admin.tls_cert": str(cert), "admin.tls_key": str(key)}, up=False)
    daemon.spawn()
    context = ssl.create_default_context(cafile=str(cert))
    daemon.wait_for(lambda: (daemon.data / "admin.url").exists() and daemon.url, "the address")
    assert daemon.url.startswith("https://")
    status, body = https_get(daemon, "/healthz", context)
    assert (status, b"ok" in body) == (200, True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert https_get(daemon, "/hashtags", context)[0] == 200


def test_plain_http_to_https(start, certificate):
    cert, key = certificate
    daemon = start({"admin.tls_cert": str(cert), "admin.tls_key": str(key)}, up=False)
    daemon.spawn()
    daemon.wait_for(lambda: (daemon.data / "admin.url").exists() and daemon.url, "the address")
    with pytest.raises((OSError, http.client.HTTPException, AssertionError)):
        assert daemon.get("/healthz").status == 200
    context = ssl.create_default_context(cafile=str(cert))
    assert https_get(daemon, "/healthz", context)[0] == 200


def test_a_certificate_without_its_key(tmp_path, certificate):
    cert, _ = certificate
    done = hashtagd("serve", "--set", f"admin.tls_cert={cert}", "--set", f"data.dir={tmp_path}/data",
                    "--set", "admin.listen=127.0.0.1:0")
    assert done.returncode == 2 and b"admin.tls_key" in done.stderr, done
    done = hashtagd("serve", "--set", f"admin.tls_cert={cert}", "--set", f"admin.tls_key={cert}",
                    "--set", f"data.dir={tmp_path}/data", "--set", "admin.listen=127.0.0.1:0")
    assert done.returncode in (1, 2) and b"cert.pem" in done.stderr, done


def test_listens_on_ipv6(start):
    daemon = start({"admin.listen": "[::1]:0"})
    assert "[::1]" in daemon.url
    assert daemon.get("/healthz").status == 200


def test_the_class_insists_on_its_own_data():
    with pytest.raises(AssertionError):
        Daemon()
