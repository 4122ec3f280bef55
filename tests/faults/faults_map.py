# SPDX-License-Identifier: MIT
"""The file by which a test and the preloaded library (faults.h) speak, and which addresses of an
executable are the program's own."""

import dataclasses
import errno
import functools
import mmap
import os
import pathlib
import re
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

NONE, ALLOCATION, LIBRARY, WRITE, SYNC, READ, OPEN = range(7)
SHORT = 0
TRACE_AT, TRACE_BYTES, RANGES_MAX = 144, 7936, 4096
RANGES_AT = TRACE_AT + TRACE_BYTES
MAP_BYTES = RANGES_AT + 8 + 16 * RANGES_MAX
FIELDS = {"kind": 8, "first": 16, "last": 24, "how": 32, "fired": 40, "is_files_only": 112,
          "has_jumped": 120}
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
# What fails for a while and works again, in the program's own lives: how often is not said here.
OUTAGES = {fault.name: fault for fault in [
    Fault("write-outage", WRITE, errno.ENOSPC),
    Fault("write-outage-eio", WRITE, errno.EIO),
    Fault("sync-outage", SYNC, errno.EIO),
    Fault("read-outage", READ, errno.EIO),
    Fault("open-outage", OPEN, errno.EMFILE),
    Fault("alloc-outage", ALLOCATION, errno.ENOMEM),
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

    @property
    def has_jumped(self):
        """Whether a case failed and left by a jump."""
        return self._get(FIELDS["has_jumped"]) != 0

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

    def spare_sockets(self):
        """From now on only reads and writes of files count, and not those of the log: what fails is a disk."""
        self._set(FIELDS["is_files_only"], 1)

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


@functools.lru_cache(maxsize=1)
def own_files():
    """Names of the program's source files."""
    return {path.name for path in (ROOT / "src").rglob("*.c")}


@functools.lru_cache(maxsize=512)
def own_ranges(executable, _changed):
    """Sorted (begin, end) offsets of the code of the program's own sources in an executable: what other
    files can see begins with ht_, and the table of symbols names the file of the rest. Line tables
    would say it too, but each compiler writes its own."""
    table = subprocess.run(["readelf", "--wide", "--symbols", executable], capture_output=True, text=True,
                           errors="replace", check=True).stdout
    table = table.rsplit("Symbol table", 1)[-1]
    found, is_own_file = set(), False
    for line in table.splitlines():
        cells = line.split()
        if len(cells) < 7:
            continue
        address, size, kind, bind, name = *cells[1:5], cells[7] if len(cells) > 7 else ""
        if kind == "FILE":
            is_own_file = os.path.basename(name) in own_files()
        elif kind == "FUNC" and (name.startswith("ht_") or (bind == "LOCAL" and is_own_file)):
            begin = int(address, 16)
            found.add((begin, begin + int(size, 0)))
    return merged(sorted(found))


def merged(ranges):
    """The same stretches with neighbours joined, as far as nothing but padding is between them."""
    joined = []
    for begin, end in ranges:
        if joined and begin <= joined[-1][1] + 16:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > begin:
            joined.append((begin, end))
    return joined
