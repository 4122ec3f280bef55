# SPDX-License-Identifier: MIT
"""The clocks and the DNS that a daemon sees (world.c), moved by the test while it runs."""

import mmap
import pathlib
import struct
import urllib.parse

from conftest import layer

HERE, TRY_AGAIN, UNKNOWN, HANG = range(4)


class World:
    def __init__(self, place):
        self.path = pathlib.Path(place) / "world"
        self.path.write_bytes(bytes(64))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 64)
        self.wall_s = 0

    @property
    def environ(self):
        return {"LD_PRELOAD": layer("world"), "HT_WORLD": str(self.path)}

    def set_wall(self, seconds):
        """The wall clock is so far ahead of the true one (or behind)."""
        self.wall_s = seconds
        struct.pack_into("<q", self.memory, 0, int(seconds * 10**9))

    def pass_time(self, seconds, wall=True):
        """So much time goes by at once, on every clock, or (`wall` false) on those that only count."""
        if wall:
            self.set_wall(self.wall_s + seconds)
        passed, = struct.unpack_from("<q", self.memory, 8)
        struct.pack_into("<q", self.memory, 8, passed + int(seconds * 10**9))

    def names(self, how):
        """What becomes of the names that end in .test: HERE, TRY_AGAIN, UNKNOWN or HANG."""
        struct.pack_into("<i", self.memory, 16, how)

    @property
    def asked(self):
        """How often such a name was asked for."""
        return struct.unpack_from("<i", self.memory, 20)[0]


def by_name(url, name):
    """The address on loopback, by a name of the world."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=f"{name}.test:{parts.port}"))
