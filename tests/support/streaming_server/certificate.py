# SPDX-License-Identifier: MIT
"""A certificate for 127.0.0.1 and localhost, made by openssl for one test run."""

import ssl
import subprocess


def make(folder):
    """(path of the certificate, which is its own issuer; path of its key)."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
                   cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def context(cert, key):
    """For a server."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(cert, key)
    return found
