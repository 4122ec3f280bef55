# SPDX-License-Identifier: MIT
"""The file by which a test and the preloaded library (faults.h) speak, and which addresses of an
executable are the program's own."""

import bisect
import dataclasses
import errno
import functools
import mmap
import os
import pathlib
import re
import struct
import subprocess

NONE, ALLOCATION, LIBRARY, WRITE, SYNC, READ, OPEN = range(7)
SHORT = 0
TRACE_AT, TRACE_BYTES, RANGES_MAX = 144, 7936, 4096
RANGES_AT = TRACE_AT + TRACE_BYTES
MAP_BYTES = RANGES_AT + 8 + 16 * RANGES_MAX
FIELDS = {"kind": 8, "first": 16, "last": 24, "how": 32, "fired": 40}
SEEN_AT = 48


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way to fail: what, how, and how many times in a row."""

    name: str
    kind: int
    how: int
    times: int = 1
    is_harmless: bool = False  # the program must not even notice


FAULTS = {fault.name: fault for fault in [
    Fault("alloc", ALLOCATION, errno.ENOMEM),
    Fault("alloc-burst", ALLOCATION, errno.ENOMEM, 8),
    Fault("library-alloc", LIBRARY, errno.ENOMEM),
    Fault("write-eio", WRITE, errno.EIO),
    Fault("write-enospc", WRITE, errno.ENOSPC, 3),
    Fault("write-short", WRITE, SHORT, 2, True),
    Fault("write-eintr", WRITE, errno.EINTR, 2, True),
    Fault("sync-eio", SYNC, errno.EIO),
    Fault("read-eio", READ, errno.EIO),
    Fault("read-short", READ, SHORT, 2, True),
    Fault("read-eintr", READ, errno.EINTR, 2, True),
    Fault("open-emfile", OPEN, errno.EMFILE),
]}
KIND_NAMES = ["none", "allocation", "library allocation", "write", "sync", "read", "open"]


class FaultsMap:
    """The file at `path`, made and mapped, for programs that run `executable`."""

    def __init__(self, path, executable):
        self.path = pathlib.Path(path)
        own = own_ranges(str(executable), os.stat(executable).st_mtime_ns)
        assert len(own) <= RANGES_MAX, "more stretches of code than faults.h has room for"
        with open(self.path, "w+b") as file:
            file.truncate(MAP_BYTES)
            self.bytes = mmap.mmap(file.fileno(), MAP_BYTES)
        self.bytes[0:8] = b"HTFAULT1"
        flat = [number for pair in own for number in pair]
        struct.pack_into(f"<Q{len(flat)}Q", self.bytes, RANGES_AT, len(own), *flat)

    def _get(self, at):
        return struct.unpack_from("<Q", self.bytes, at)[0]

    def _set(self, at, number):
        struct.pack_into("<Q", self.bytes, at, number)

    @property
    def fired(self):
        return self._get(FIELDS["fired"])

    def seen(self, kind):
        """Operations of this kind so far."""
        return self._get(SEEN_AT + 8 * kind)

    def set(self, fault, nth, times=None):
        """From now on the `nth` operation (from 1) fails, and those after it that `fault` says."""
        self.clear()
        first = self.seen(fault.kind) + nth
        self._set(FIELDS["first"], first)
        self._set(FIELDS["last"], first + (times or fault.times) - 1)
        self._set(FIELDS["how"], fault.how)
        self._set(FIELDS["fired"], 0)
        self.bytes[TRACE_AT] = 0
        self._set(FIELDS["kind"], fault.kind)

    def clear(self):
        """Nothing fails any more."""
        self._set(FIELDS["kind"], NONE)

    def restart(self):
        """For a new process: the count begins anew."""
        for kind in range(7):
            self._set(SEEN_AT + 8 * kind, 0)

    @property
    def trace(self):
        """Frames of the first failure, innermost first: (module, offset, symbol)."""
        raw = self.bytes[TRACE_AT:TRACE_AT + TRACE_BYTES].split(b"\0", 1)[0]
        found = re.findall(r"^(.*)\+(0x[0-9a-f]+) (.*)$", raw.decode(errors="replace"), re.MULTILINE)
        return [(module, int(offset, 16), symbol) for module, offset, symbol in found]

    def close(self):
        self.bytes.close()
        self.path.unlink(missing_ok=True)


def _readelf(what, executable):
    return subprocess.run(["readelf", "--wide", *what, executable], capture_output=True, text=True,
                          errors="replace", check=True).stdout


def is_own(source):
    """Whether a source file, as a line table names it, is the program's and no test's."""
    path = source.replace("\\", "/")
    return "/src/" in "/" + path.removeprefix("../") and "/tests/" not in "/" + path \
        and "libsanitizer" not in path


@functools.lru_cache(maxsize=512)
def own_ranges(executable, _changed):
    """Sorted (begin, end) offsets of the code that was compiled from the program's own sources."""
    units = re.split(r"^ *Compilation Unit @ offset ", _readelf(
        ["--debug-dump=info", "--dwarf-depth=1"], executable), flags=re.MULTILINE)[1:]
    named = {}
    plain = []
    for unit in units:
        name = re.search(r"DW_AT_name\s*:(?:.*:)?\s+(\S+)$", unit, re.MULTILINE)
        if name is None or not is_own(name[1]):
            continue
        named[int(unit.split(":", 1)[0], 16)] = name[1]
        low = re.search(r"DW_AT_low_pc\s*:\s*(?:\(addr_index: 0x[0-9a-f]+\):\s*)?(?:0x)?([0-9a-f]+)", unit)
        high = re.search(r"DW_AT_high_pc\s*:\s*(?:0x)?([0-9a-f]+)", unit)
        if low and high and int(low[1], 16):
            begin, length = int(low[1], 16), int(high[1], 16)
            plain.append((begin, begin + length))
    listed = _listed_ranges(executable, named)
    return sorted(set(plain + listed))


def _listed_ranges(executable, named):
    found, offset = [], None
    for line in _readelf(["--debug-dump=aranges"], executable).splitlines():
        at = re.match(r"\s*Offset into \.debug_info:\s*(?:0x)?([0-9a-f]+)", line)
        pair = re.match(r"\s*([0-9a-f]{16}) ([0-9a-f]{16})\s*$", line)
        if at:
            offset = int(at[1], 16)
        elif pair and offset in named and int(pair[2], 16):
            begin = int(pair[1], 16)
            found.append((begin, begin + int(pair[2], 16)))
    return found


def is_in(ranges, offset):
    at = bisect.bisect_right(ranges, (offset, 1 << 63)) - 1
    return at >= 0 and ranges[at][0] <= offset < ranges[at][1]
