# SPDX-License-Identifier: MIT
"""OAuth 1.0a: the string that is signed, put together once more by the RFC"""

from corpus import literals

MAX_BYTES = 800
RUNS = 8000

KEYS = b"\nxvz1evFS4wEEPTGEFPHBog\nkAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw\n370773112-GmHxMAgYyLbN\nLswwdoUaIvS8\n"


def seeds():
    urls = [text for text in literals("tests/unit/sources/test_oauth1.c") if text.startswith(b"http")]
    forms = [text for text in literals("tests/unit/sources/test_oauth1.c") if b"=" in text] or [b"a=b"]
    for number, url in enumerate(urls):
        yield url + b"\n" + forms[number % len(forms)] + KEYS
    yield b"https://U:p@API.X.com:443/1.1/f%20g.json?include_entities=true&b5=%3D%253D&a3=a&a3=2%20q\nc2&&a3=+%2B&=&a" + KEYS
    yield b"http://a:80?x\ntrack=%23a%2C%C3%A9" + KEYS + b"x"
    yield b"http://a/?" + b"&".join(b"k%d=%d" % (n % 7, n) for n in range(60)) + b"\n" + KEYS
