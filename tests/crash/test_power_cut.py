# SPDX-License-Identifier: MIT
"""The power goes: whatever the disk may then hold, the program starts on it and has kept its word.

power.so keeps a journal of every file operation, power_model.py builds from it what may be left at random
points. The client's ledger says what had been answered by then. A failure names the directory with the
cut as it was; nothing has been started in it.
"""

import http.client
import json
import pathlib
import random
import shutil
import threading
import time

import pytest

from accounts import Client, Ledger, archive_lines, frightening, judge, wait_until_still
from conftest import SEED, crashes, layer
from daemon import Daemon
from power_model import Model, read_journal
import synthetic

CUTS_A_HISTORY = 16
HISTORIES = max(2, crashes(32) // CUTS_A_HISTORY)

SMALL = {"stream.retention_bytes": 1 << 20, "stream.retention_s": 1, "archive.buffer_s": 1, "counting.repeat_window": 1000}


class Cut:
    """A directory after a cut, and what had been promised by then."""

    def __init__(self, place, promises, told):
        self.place, self.promises, self.told = place, promises, told


class Recorder:
    """Runs a daemon on one directory under the layer, start after start, and cuts the power."""

    def __init__(self, place, draw, ignores=lambda kind, name: False):
        self.place, self.draw = pathlib.Path(place), draw
        self.data, self.journal = self.place / "data", self.place / "journal"
        self.read_bytes = 0
        self.ignores = ignores
        self.model = None
        self.answers = []
        self.cuts = []

    def environ(self):
        return {"LD_PRELOAD": layer("power"), "HT_POWER_DIRECTORY": str(self.data), "HT_POWER_JOURNAL": str(self.journal),
                "HT_POWER_SYNC_US": str(self.draw.choice((200, 3000)))}

    def begin(self, data=None):
        """On an empty directory, or on a copy of `data`, all of which is durable."""
        if data is None:
            self.data.mkdir(parents=True)
        else:
            shutil.copytree(data, self.data)
        self.model = Model(self.data, self.ignores).adopt(self.data)
        return self

    def cut_run(self, run, points, promises):
        """Reads what the last run did and cuts at some points of it; `promises(answers)` is asked then."""
        records = read_journal(self.journal, self.read_bytes)
        self.read_bytes = self.journal.stat().st_size
        chosen = {self.draw.randrange(1, len(records) + 1) for _ in range(points)} if records else set()
        for index, record in enumerate(records, 1):
            self.model.apply(record)
            if index in chosen:
                place = self.place / f"cut{len(self.cuts)}"
                self.model.build(place, self.draw)
                answers = self.answers + [(run, port, data) for port, data in self.model.answers]
                self.cuts.append(Cut(place, promises(answers), f"after record {index} of run {run}: {record!r}"))
        self.answers += [(run, port, data) for port, data in self.model.answers]
        self.model.answers.clear()
        self.model.agree()


class Load:
    """Clients that post, delete and flush at the same time, each until the daemon is gone."""

    def __init__(self, client, draw):
        self.client, self.ledger = client, client.ledger
        self.over = threading.Event()
        self.seeds = [draw.getrandbits(32) for _ in range(4)]
        self.threads = []

    def __enter__(self):
        jobs = (self.post, self.post, self.delete, self.flush)
        self.threads = [threading.Thread(target=self._run, args=(job, random.Random(seed)))
                        for job, seed in zip(jobs, self.seeds)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _run(self, job, draw):
        while not self.over.is_set():
            try:
                job(draw)
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)

    def post(self, draw):
        self.client.post_ids(self.ledger.take_ids(draw.choice((1, 3, 10, 30))), draw.randbytes(draw.choice((10, 1000))).hex())
        time.sleep(draw.uniform(0, 0.01))

    def delete(self, draw):
        self.client.delete(f"/hashtags/shared{draw.randrange(10)}")
        time.sleep(draw.uniform(0, 0.05))

    def flush(self, draw):
        time.sleep(draw.uniform(0, 0.3))
        self.client.post("/flush")


def record_history(place, seed, cuts=CUTS_A_HISTORY, ignores=lambda kind, name: False):
    """A client's life with a daemon that is killed and stopped three times; the cuts in it."""
    draw = random.Random(f"history {seed}")
    recorder = Recorder(place, draw, ignores).begin()
    client = Client(Ledger(seed), SMALL, data=recorder.data, environ=recorder.environ())
    for run in range(1, 4):
        client.spawn()
        is_up = draw.random() < 0.85  # else it ends while it starts
        if is_up:
            client.wait_until_up()
        with Load(client, draw):
            time.sleep(draw.uniform(0.02, 0.8))
            if is_up and draw.random() < 0.3:
                client.stop()
            client.kill()
        recorder.cut_run(run, cuts // 3 + (run == 3) * (cuts % 3), client.ledger.promises)
    return client.ledger, recorder


def check_cut(ledger, cut, number, timeout=20):
    """Starts the program on a copy of the cut and asks it for everything."""
    place = cut.place.parent / f"check{number}"
    shutil.copytree(cut.place, place)
    cut.promises.judge_stored(archive_lines(place))
    client = Client(ledger, SMALL, data=place, environ={"LD_PRELOAD": layer("power")})
    try:
        client.start(timeout)
        judge(client, cut.promises, timeout)
        assert not frightening(client.log), f"the log says: {frightening(client.log)}"
    finally:
        client.kill()
    shutil.rmtree(place)


def check(ledger, cut, number, seed):
    try:
        check_cut(ledger, cut, number)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}, cut {number} {cut.told}\nthe directory after the cut: {cut.place}\n{error}") from None


@pytest.mark.parametrize("history", range(HISTORIES))
def test_power_cut_under_load(tmp_path, history):
    seed = SEED + history
    ledger, recorder = record_history(tmp_path, seed)
    for number, cut in enumerate(recorder.cuts):
        check(ledger, cut, number, seed)
        if number % 4 == 0:
            cut_again(ledger, cut, number, seed)
        shutil.rmtree(cut.place)


def cut_again(ledger, cut, number, seed):
    """The power goes once more while the program recovers."""
    draw = random.Random(f"again {seed} {number}")
    recorder = Recorder(cut.place.parent / f"again{number}", draw).begin(cut.place)
    daemon = Daemon(SMALL, data=recorder.data, environ=recorder.environ())
    daemon.spawn()
    if draw.random() < 0.5:
        daemon.wait_until_up()
    time.sleep(draw.uniform(0, 0.3))
    daemon.kill()
    recorder.cut_run(1, 2, lambda answers: cut.promises)
    for at, again in enumerate(recorder.cuts):
        again.told = f"{cut.told}, and again {again.told}"
        check(ledger, again, at, seed)
    shutil.rmtree(recorder.place)


def letters_in(data):
    """The contents of the dead letters; a line that the cut tore was never promised, and comes again."""
    found = set()
    for path in (data / "dead-letters").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            try:
                found.add(json.loads(line)["data"])
            except (ValueError, KeyError):
                pass
    return found


KILLED_AT = 8  # of so many processes in a test
EARLY_RECORDS = 110  # what a start, a replayed file and its letters note


@pytest.mark.parametrize("part", range(max(1, crashes(32) // 32)))
def test_what_a_killed_process_left_is_made_durable(tmp_path, part):
    """A process that is killed has written what is not synced, and made names that are not. The next one
    finds them, promises more on top of them, and then the power goes: nothing is left that was not synced."""
    draw = random.Random(f"left {SEED} {part}")
    step = EARLY_RECORDS // KILLED_AT
    for number, at in enumerate(range(draw.randint(1, step), EARLY_RECORDS, step)):
        ledger, recorder = Ledger(at), Recorder(tmp_path / str(at), draw).begin()
        replayed = ledger.take_ids(40)
        lines = [json.dumps(one).encode() for one in ledger.tweets(replayed)]
        lines[10:10] = [b"no tweet", b"neither"]
        (tmp_path / "replayed.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        settings = {**SMALL, "source.type": "replay", "source.rate": 0, "source.files": [str(tmp_path / "replayed.jsonl")]}
        client = Client(ledger, settings, data=recorder.data, environ={**recorder.environ(), "HT_POWER_KILL_AT": str(at)})
        client.spawn()
        time.sleep(0.15)
        client.kill()
        recorder.cut_run(1, 0, ledger.promises)
        client.environ = recorder.environ()
        client.start()
        client.post_ids(ledger.take_ids(5))
        client.wait_for(lambda: client.delete(f"/hashtags/{ledger.tags(41)[1]}").status == 200, "a deletion")
        wait_until_still(client)
        client.kill()
        recorder.cut_run(2, 0, ledger.promises)
        recorder.model.build(recorder.place / "cut", None)
        promises = ledger.promises()
        promises.ids.update(replayed)
        cut = Cut(recorder.place / "cut", promises, f"after a kill at record {at}, a start and a flush")
        client.settings.pop("source.type")
        check(ledger, cut, number, SEED)
        assert {synthetic.base64(line) for line in (b"no tweet", b"neither")} <= letters_in(cut.place), cut.place
        shutil.rmtree(recorder.place)


@pytest.mark.parametrize("history", range(max(1, HISTORIES // 4)))
def test_power_cut_moves_no_cursor_ahead(tmp_path, history):
    """A replayed file with bad lines: whatever is cut, each message counts once in the end, and each bad
    line is a dead letter."""
    seed = SEED + history
    draw = random.Random(f"cursor {seed}")
    limit = 3000
    lines = synthetic.told_by_generator("messages", seed, limit).splitlines()
    bad = [f"no tweet {number}".encode() for number in range(20)]
    for line in bad:
        lines.insert(draw.randrange(len(lines)), line)
    (tmp_path / "messages.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    truth = synthetic.truth_of(seed, limit)
    settings = {**SMALL, "source.type": "replay", "source.files": [str(tmp_path / "messages.jsonl")], "source.rate": 4000}
    recorder = Recorder(tmp_path, draw).begin()
    daemon = Daemon(settings, data=recorder.data, environ=recorder.environ())
    for run in (1, 2):
        daemon.spawn()
        time.sleep(draw.uniform(0.1, 0.5))
        daemon.kill()
        recorder.cut_run(run, 4, lambda answers: None)
    for number, cut in enumerate(recorder.cuts):
        shutil.copytree(cut.place, tmp_path / f"check{number}")
        daemon = Daemon({**settings, "source.rate": 0}, data=tmp_path / f"check{number}", environ={"LD_PRELOAD": layer("power")})
        with daemon.start(timeout=20):
            try:
                daemon.wait_until_counted(truth, 20)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, {cut.told}, {cut.place}: {error}") from None
            assert not frightening(daemon.log), f"{cut.place}: {frightening(daemon.log)}"
        assert letters_in(daemon.data) == {synthetic.base64(line) for line in bad}, cut.place


BREAKS = {
    "segments": lambda kind, name: kind == "file" and name.endswith(".seg"),
    "the database's log": lambda kind, name: kind == "file" and name.endswith("-wal"),
    "names": lambda kind, name: kind == "directory",
    "archive objects": lambda kind, name: kind == "file" and "/archive/" in name,
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_sync_that_does_nothing_is_found(tmp_path, broken):
    """The judge judged: with one kind of sync taken away, some cut must show it."""
    for attempt in range(8):
        ledger, recorder = record_history(tmp_path / str(attempt), f"{SEED} {attempt}", cuts=12, ignores=BREAKS[broken])
        for number, cut in enumerate(recorder.cuts):
            try:
                check_cut(ledger, cut, number, timeout=2)
            except AssertionError:
                return
    raise AssertionError(f"the sync of {broken} was taken away, and nobody noticed")
