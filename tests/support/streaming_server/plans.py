# SPDX-License-Identifier: MIT
"""What a connection is to suffer: one Plan each, from a script or from a seed."""

import dataclasses
import itertools
import random


@dataclasses.dataclass(frozen=True)
class Plan:
    """A connection or request. As it is made, nothing bad happens.

    `status` other than 200 refuses, with `body` and `headers`. `is_silent` never answers at all,
    `is_reset` answers with RST.

    `cuts` says how the bytes of a stream come: "whole"; a number: in pieces of so many bytes;
    "each": the n-th message in two pieces, cut behind its n-th byte; "random": in pieces as the seed
    says. `pause` is between pieces, in seconds.

    `after` messages the stream ends as `end` says: "close" (properly), "short" (without the last
    chunk), "cut" (in the middle of the next message), "reset" (RST, when the client's kernel has all
    messages), "stall" (nothing more), "told" (the service's own words, then closed). None: never.

    `noise` is the probability of a bad line after a message, `repeats` how many messages before the
    first are sent once more.
    """

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: tuple = ()
    is_silent: bool = False
    is_reset: bool = False
    cuts: object = "whole"
    pause: float = 0.0
    after: int | None = None
    end: str = "close"
    words: bytes | None = None
    noise: float = 0.0
    repeats: int = 0
    seed: int = 0

    @property
    def refuses(self):
        return self.status != 200 or self.is_silent or self.is_reset


FINE = Plan()

HTML = b"<!DOCTYPE html>\n<html><head><title>Over capacity</title></head>\n<body><h1>Something is wrong</h1></body></html>\n"


def refusal(status, body=b"", kind=None, **headers):
    """`body` may be HTML, JSON or nothing."""
    if kind is None:
        kind = "text/html; charset=utf-8" if body.lstrip().startswith(b"<") else "application/json"
    return Plan(status=status, body=body, kind=kind,
                headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


class Script:
    """The plans of successive connections: those given first, then the default, then fine ones."""

    def __init__(self):
        self.first = []
        self.rest = itertools.repeat(FINE)

    def set(self, *plans, then=None):
        """`then` is a Plan for all later ones, or an iterable of them."""
        self.first = list(plans)
        if then is None:
            then = FINE
        self.rest = itertools.repeat(then) if isinstance(then, Plan) else iter(then)

    def next(self):
        return self.first.pop(0) if self.first else next(self.rest, FINE)


def storm(seed, ends=("close", "short", "cut", "reset", "told"), most=60, noise=0.0, repeats=0):
    """Plans without end: each connection lives for some messages and ends in one of `ends`."""
    chance = random.Random(seed)
    while True:
        cuts = chance.choice(["whole", "whole", 1, 7, 100, "each", "random"])
        yield Plan(cuts=cuts, after=chance.randint(1, most), end=chance.choice(ends), noise=noise,
                   repeats=chance.randint(0, repeats), seed=chance.getrandbits(32))


def pieces(plan, data, number, chance):
    """`data`, the `number`-th message of its connection, as the plan cuts it."""
    if plan.cuts == "whole":
        return [data]
    if plan.cuts == "each":
        at = number % (len(data) + 1)
        return [piece for piece in (data[:at], data[at:]) if piece]
    found, at = [], 0
    while at < len(data):
        size = plan.cuts if plan.cuts != "random" else chance.choice([1, 2, 3, 10, 100, 1000])
        found.append(data[at:at + size])
        at += size
    return found
