# SPDX-License-Identifier: MIT
"""From the journal of tests/crash/power.c to the directory as it may look after a power cut.

What is promised by the system, and no more: when fsync or fdatasync of a file returned, what had been
written to that file before the call is there, with the file's size; when fsync of a directory returned,
the names that had been made, changed or taken away in it before are so. Of everything else a random
part is there: 512 bytes at a time, each sector as it was at some moment since the last sync; a size
without the bytes (zeros), or bytes without the size (cut off); any of the names. One rename is whole or
not there at all, as long as none of its directories was synced.

    model = Model(directory)           the directory is empty, or durable as it stands
    for record in read_journal(path): model.apply(record)
    model.build(target, random)        a directory after a cut at this point
"""

import os
import pathlib
import shutil
import struct

SECTOR = 512

# As in power.c.
KINDS = ("", "run", "open", "close", "write", "truncate", "sync_begin", "sync_end", "rename", "unlink", "mkdir", "rmdir",
         "link", "allocate", "map", "answer", "undo")
CREATES, TRUNCATES = 1, 2
HEAD = struct.Struct("<IHHiIqq")

# Changed through memory or by the C library itself: their contents are not known after a cut.
UNSEEN = ("-shm", "admin.url", "admin.url.new")


class Dishonest(AssertionError):
    """The layer did not see what the program did."""


class Record:
    __slots__ = ("kind", "flags", "fd", "a", "b", "data")

    def __init__(self, kind, flags, fd, a, b, data):
        self.kind, self.flags, self.fd, self.a, self.b, self.data = kind, flags, fd, a, b, data

    @property
    def text(self):
        return os.fsdecode(self.data)

    def __repr__(self):
        data = self.data[:60] if self.kind in ("write", "answer") else self.data
        return f"<{self.kind} fd {self.fd} {self.a} {self.b} {data!r}>"


def read_journal(path, begin=0):
    """The whole records from byte `begin` on. A half one at the end (killed) is cut off the file; a process
    that was killed before all else has made none."""
    pathlib.Path(path).touch()
    with open(path, "r+b") as file:
        file.seek(begin)
        content = file.read()
        records, at = [], 0
        while at + HEAD.size <= len(content):
            size, kind, flags, fd, _, a, b = HEAD.unpack_from(content, at)
            if at + size > len(content):
                break
            records.append(Record(KINDS[kind], flags, fd, a, b, content[at + HEAD.size:at + size]))
            at += size
        file.truncate(begin + at)
    return records


class File:
    """Content as programs see it, and as it is surely on the disk; between them what was changed since."""

    def __init__(self, content=b"", unseen=False):
        self.seen = bytearray(content)
        self.durable = bytes(content)
        self.pending = []  # ("write", offset, bytes) or ("truncate", size, b"")
        self.synced = 0  # how many changes have gone from `pending`
        self.unseen = unseen

    def change(self, what, at, data=b""):
        self.pending.append((what, at, data))
        apply_change(self.seen, self.pending[-1])

    def undo(self):
        self.pending.pop()
        self.seen = bytearray(self.durable)
        for change in self.pending:
            apply_change(self.seen, change)

    def sync(self, end):
        """The changes up to number `end` are durable."""
        count = end - self.synced
        if count <= 0:
            return
        self.synced = end
        content = bytearray(self.durable)
        for change in self.pending[:count]:
            apply_change(content, change)
        self.durable = bytes(content)
        del self.pending[:count]

    def after_cut(self, draw):
        """What of it is on the disk; without `draw` as little as may be."""
        if not self.pending or draw is None:
            return self.durable
        manner = draw.choice(("nothing", "all", "first", "sectors", "sectors", "size only", "no size"))
        if manner == "nothing":
            return self.durable
        if manner in ("all", "first"):
            content = bytearray(self.durable)
            for change in self.pending[:len(self.pending) if manner == "all" else draw.randint(1, len(self.pending))]:
                apply_change(content, change)
            return bytes(content)
        return self._torn(draw, manner)

    def _torn(self, draw, manner):
        """Each sector as it was at some moment."""
        content = bytearray(self.durable)
        touched = {}
        size, sizes = len(content), [len(content)]
        now = bytearray(content)
        for change in self.pending:
            apply_change(now, change)
            size = len(now)
            sizes.append(size)
            for sector in range(change[1] // SECTOR, -(-(change[1] + len(change[2])) // SECTOR)):
                touched.setdefault(sector, []).append(bytes(now[sector * SECTOR:(sector + 1) * SECTOR]))
        likely = 0.0 if manner == "size only" else draw.choice((0.1, 0.5, 0.9))
        end = {"size only": sizes[-1], "no size": sizes[0]}.get(manner, draw.choice(sizes))
        content.extend(bytes(max(0, max(sizes) - len(content))))
        for sector, versions in touched.items():
            if draw.random() < likely:
                version = draw.choice(versions)
                content[sector * SECTOR:sector * SECTOR + len(version)] = version
        return bytes(content[:end])


def apply_change(content, change):
    what, at, data = change
    if what == "truncate":
        if at < len(content):
            del content[at:]
        else:
            content.extend(bytes(at - len(content)))
        return
    if at > len(content):
        content.extend(bytes(at - len(content)))
    content[at:at + len(data)] = data


class Directory:
    def __init__(self):
        self.seen, self.durable = {}, {}
        self.pending = []  # Change objects, in order

    def settle(self, name, node):
        settle(self.durable, name, node)


class Change:
    """One step of names: it happens whole, in one or two directories."""

    def __init__(self, *parts):
        self.parts = parts  # (directory, name, node or None)
        for directory, name, node in parts:
            settle(directory.seen, name, node)
            if not directory.pending or directory.pending[-1] is not self:
                directory.pending.append(self)


def settle(names, name, node):
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


class Model:
    """`ignores(kind, name)` tells which syncs are not believed: kind is "file" or "directory"."""

    def __init__(self, directory, ignores=lambda kind, name: False):
        self.directory = pathlib.Path(directory)
        self.root = Directory()
        self.ignores = ignores
        self.fds, self.names_of = {}, {}
        self.tickets = {}
        self.last = None  # how to take the last change back
        self.last_write = None  # (file, offset, bytes) where that was a write
        self.answers = []  # (port, bytes)
        self.syncs = 0

    # -- the journal

    def apply(self, record):
        getattr(self, "_" + record.kind)(record)

    def _place(self, text):
        """Directory and name of a path; the node is `directory.seen.get(name)`."""
        parts = pathlib.PurePath(text).relative_to(self.directory).parts
        directory = self.root
        for part in parts[:-1]:
            directory = directory.seen.get(part)
            if not isinstance(directory, Directory):
                raise Dishonest(f"{text}: {part} is no directory that was seen")
        return directory, parts[-1] if parts else ""

    def _node(self, text):
        directory, name = self._place(text)
        return directory.seen.get(name) if name else directory

    def _run(self, _record):
        self.fds.clear()
        self.tickets.clear()
        self.last = None

    def _open(self, record):
        if record.fd < 0:
            self._open_to_change(record)
            return
        node = self._node(record.text)
        if node is None:
            if not record.text.endswith(UNSEEN):
                raise Dishonest(f"{record.text} was opened and never made")
            node = File(unseen=True)
        self.fds[record.fd] = node
        self.names_of[id(node)] = record.text

    def _open_to_change(self, record):
        directory, name = self._place(record.text)
        if record.flags & CREATES:
            self._names((directory, name, File(unseen=name.endswith(UNSEEN))))
        elif record.flags & TRUNCATES:
            self._change(directory.seen[name], "truncate", 0)

    def _close(self, record):
        self.fds.pop(record.fd, None)

    def _change(self, file, what, at, data=b""):
        if file.unseen:
            self.last = lambda: None
            return
        file.change(what, at, data)
        self.last = file.undo
        self.last_write = (file, at, data) if what == "write" else None

    def _names(self, *parts):
        before = [(directory, name, directory.seen.get(name)) for directory, name, _ in parts]
        change = Change(*parts)
        self.last_write = None

        def undo():
            for directory, name, node in before:
                settle(directory.seen, name, node)
                if change in directory.pending:
                    directory.pending.remove(change)
        self.last = undo

    def _undo(self, _record):
        self.last()
        self.last = None

    def _write(self, record):
        self._change(self.fds[record.fd], "write", record.a, record.data)

    def _truncate(self, record):
        self._change(self.fds[record.fd], "truncate", record.a)

    def _allocate(self, record):
        file = self.fds[record.fd]
        self._change(file, "truncate", max(len(file.seen), record.a + record.b))

    def _sync_begin(self, record):
        node = self.fds[record.fd]
        self.tickets[record.a] = (node, list(node.pending) if isinstance(node, Directory) else node.synced + len(node.pending))

    def _sync_end(self, record):
        node, pending = self.tickets.pop(record.a)
        self.syncs += 1
        name = self.names_of.get(id(node), "")
        if isinstance(node, Directory):
            if not self.ignores("directory", name):
                self._sync_names(node, pending)
        elif not self.ignores("file", name):
            node.sync(pending)

    @staticmethod
    def _sync_names(directory, changes):
        for change in changes:
            if change not in directory.pending:
                continue
            directory.pending.remove(change)
            for where, name, node in change.parts:
                if where is directory:
                    where.settle(name, node)

    def _rename(self, record):
        old, new = (os.fsdecode(part) for part in record.data.split(b"\0"))
        directory, name = self._place(old)
        target, new_name = self._place(new)
        node = directory.seen.get(name)
        if node is None:
            if not old.endswith(UNSEEN):
                raise Dishonest(f"{old} was renamed and never made")
            node = File(unseen=True)
        self._names((directory, name, None), (target, new_name, node))

    def _link(self, record):
        old, new = (os.fsdecode(part) for part in record.data.split(b"\0"))
        target, name = self._place(new)
        self._names((target, name, self._node(old)))

    def _unlink(self, record):
        directory, name = self._place(record.text)
        self._names((directory, name, None))

    _rmdir = _unlink

    def _mkdir(self, record):
        directory, name = self._place(record.text)
        self._names((directory, name, Directory()))

    def _map(self, record):
        file = self.fds[record.fd]
        if not file.unseen:
            raise Dishonest(f"{self.names_of[id(file)]} is written through memory, which nobody sees")

    def _answer(self, record):
        self.answers.append((record.a, record.data))

    # -- a process is gone

    def agree(self):
        """After a kill: the directory as it stands must be what was seen. The last change may be noted
        and not done, or done in part."""
        difference = self._difference()
        if difference and self.last is not None:
            self.last()
            difference = self._difference()
            if difference and self.last_write is not None:
                self._write_in_part(*self.last_write)
                difference = self._difference()
        self.last = None
        if difference:
            raise Dishonest(f"{difference}: the layer did not see all")

    def _write_in_part(self, file, at, data):
        there = pathlib.Path(self.names_of[id(file)]).read_bytes()[at:at + len(data)]
        same = next((index for index, (a, b) in enumerate(zip(there, data)) if a != b), len(there))
        if same > 0:
            file.change("write", at, data[:same])

    def _difference(self):
        return difference_of(self.root, self.directory)

    # -- the cut

    def build(self, target, draw):
        """Makes `target` what the disk holds after a cut now: a random case, or without `draw` the one in
        which nothing is there that was not synced."""
        target = pathlib.Path(target)
        if target.exists():
            shutil.rmtree(target)
        kept = {}
        likely = draw.choice((0.0, 0.3, 0.7, 1.0)) if draw else 0.0
        self._build(self.root, target, draw,
                    lambda change: kept.setdefault(id(change), draw is not None and draw.random() < likely))

    def _build(self, directory, target, draw, keeps):
        target.mkdir(parents=True)
        names = dict(directory.durable)
        for change in directory.pending:
            if keeps(change):
                for where, name, node in change.parts:
                    if where is directory:
                        settle(names, name, node)
        for name, node in sorted(names.items()):
            if isinstance(node, Directory):
                self._build(node, target / name, draw, keeps)
            elif not node.unseen:
                (target / name).write_bytes(node.after_cut(draw))
            elif draw is not None and draw.random() < 0.5:
                (target / name).write_bytes(draw.randbytes(draw.choice((0, 1, 100, 32768))))

    def adopt(self, directory):
        """The directory as it stands is durable: where a second journal begins."""
        self.directory = pathlib.Path(directory)
        self.root = adopted(self.directory)
        return self


def adopted(path):
    found = Directory()
    for entry in path.iterdir():
        node = adopted(entry) if entry.is_dir() else File(entry.read_bytes(), entry.name.endswith(UNSEEN))
        found.seen[entry.name] = found.durable[entry.name] = node
    return found


def difference_of(directory, path):
    """Where the model and the real directory differ, or ""."""
    there = {entry.name: entry for entry in path.iterdir()}
    for name in sorted(there.keys() | directory.seen.keys()):
        node, entry = directory.seen.get(name), there.get(name)
        if name.endswith(UNSEEN):
            continue
        if node is None or entry is None:
            return f"{path / name} is {'not' if entry is None else ''} there"
        if isinstance(node, Directory):
            found = difference_of(node, entry)
            if found:
                return found
        elif bytes(node.seen) != entry.read_bytes():
            return f"{entry} has other bytes ({len(node.seen)}, {entry.stat().st_size})"
    return ""
