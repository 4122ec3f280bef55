# SPDX-License-Identifier: MIT
"""A soak: the real program under a steady load with faults, watched, plotted and judged. See docs/testing.md.

    tools/soak --minutes 60 --rate 5000 --seed 1

It ends with status 0 where every count is right at the end and every series is as flat as it must be.
"""

import argparse
import collections
import contextlib
import gzip
import json
import math
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "soak"), str(ROOT / "tools" / "testing")]

import asking  # noqa: E402  (their folders are known only now)
import builds  # noqa: E402
import soak_amazon as amazon  # noqa: E402
import soak_load as load  # noqa: E402
import soak_plot as plot  # noqa: E402
from daemon import Daemon, difference, program  # noqa: E402
from independent_count import fold  # noqa: E402
from soak_judge import Rule, judge  # noqa: E402
from soak_samples import MIB, Sampler, ask, read_metrics  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TRUTH = "tests/tools/synthetic_truth"
POSTED, LIVE = 0.1, 0.4  # of the rate; the rest is synthetic

RULES = [
    Rule("resident_less_planned", "flat", 12 * MIB, 0.08, MIB, "MiB"),
    Rule("tally", "steady", 8 * MIB, 0.25, MIB, "MiB"),
    Rule("descriptors_less_clients", "flat", 4, 0, 1, "descriptors"),
    Rule("descriptors_less_clients", "below", 80, 0, 1, "descriptors"),
    Rule("threads", "flat", 0.5, 0, 1, "threads"),
    Rule("disk_stream", "flat", 24 * MIB, 0.1, MIB, "MiB"),
    Rule("disk_wal", "flat", 16 * MIB, 0.1, MIB, "MiB"),
    Rule("disk_table", "steady", 8 * MIB, 0.25, MIB, "MiB"),
    Rule("disk_archive", "steady", 4 * MIB, 0.25, MIB, "MiB"),
    Rule("disk_dead_letters", "steady", MIB, 0.25, MIB, "MiB"),
    Rule("disk_log", "steady", MIB, 0.25, MIB, "MiB"),
    Rule("loop_p99", "flat", 0.02, 0.5, 1e-3, "ms"),
    Rule("busy_longest", "below", 0.05, 0, 1e-3, "ms"),
    Rule("lag_s", "flat", 1, 0, 1, "s"),
    Rule("honest_s", "flat", 0.05, 0.5, 1e-3, "ms"),
]

# For runs of seconds, in which memory and files are still growing to their size.
SHORT_RULES = [
    Rule("resident_less_planned", "below", 200 * MIB, 0, MIB, "MiB"),
    Rule("descriptors_less_clients", "below", 80, 0, 1, "descriptors"),
    Rule("threads", "flat", 0.5, 0, 1, "threads"),
    Rule("busy_longest", "below", 0.05, 0, 1e-3, "ms"),
    Rule("disk_log", "below", MIB, 0, MIB, "MiB"),
]

PANELS = [
    plot.Panel("memory, MiB", [("resident", "resident"), ("tally", "tally"),
                               ("page_cache_most", "page cache at most"), ("resident_less_planned", "less planned"),
                               ("budget", "in flight")], MIB),
    plot.Panel("descriptors", [("descriptors", "all"), ("connections", "of HTTP"), ("descriptors_less_clients", "less HTTP"),
                               ("listeners", "listeners")]),
    plot.Panel("disk, MiB", [("disk_stream", "stream"), ("disk_table", "database"), ("disk_wal", "its log (WAL)")], MIB),
    plot.Panel("small disk, MiB", [("disk_archive", "archive"), ("disk_log", "the daemon's log"),
                                   ("disk_dead_letters", "dead letters")], MIB),
    plot.Panel("loop lag, ms, between samples (log)", [("loop_p50", "p50"), ("loop_p99", "p99"), ("loop_longest", "longest"),
                                                                     ("busy_longest", "longest at work")],
               1e-3, is_log=True),
    plot.Panel("tweets a second", [("accepted_rate", "accepted"), ("counted_rate", "counted")]),
    plot.Panel("counting behind the stream, s", [("lag_s", "seconds")]),
    plot.Panel("GET /hashtags and GET /metrics, ms (log)", [("honest_s", "list"), ("scrape_s", "metrics")], 1e-3, is_log=True),
    plot.Panel("processor, % of a core", [("processor_s_rate", "daemon")], 0.01),
    plot.Panel("hashtags expired, deleted, archived (thousands)", [("expired", "expired"), ("deleted", "deleted"),
                                                                   ("archived", "archived")], 1000),
]


class Soak:
    """One run. `options` as of `parse()`; `folder` gets the daemon's log, the samples and the plot."""

    def __init__(self, options, folder, place, aws=None):
        self.aws = aws
        self.options, self.folder, self.place = options, folder, place
        self.over = threading.Event()
        self.samples, self.notes = [], []
        self.seconds = options.minutes * 60
        self.every_s = max(2.0, min(150.0, self.seconds / 6))  # between misfortunes of a kind

    # Parts

    def settings(self, port):
        options = self.options
        if self.aws is not None:
            return {**amazon.settings(), **self.sources(port)}
        return {**self.sources(port), "stream.retention_bytes": options.retention_mib * MIB,
                "table.ttl_s": options.ttl, "counting.repeat_window": 400000, "archive.buffer_s": 20,
                "memory.budget_bytes": 64 * MIB}

    def sources(self, port):
        options = self.options
        return {"source.type": "synthetic", "source.rate": self.rates()[0], "source.seed": options.seed,
                "source.limit": self.synthetic_count(), "source.2.type": "jetstream",
                "source.2.url": f"ws://127.0.0.1:{port}"}

    def rates(self):
        """(synthetic, live, posted)."""
        rate = self.options.rate
        posted, live = max(10, round(rate * POSTED)), max(10, round(rate * LIVE / 10) * 10)
        return max(1, rate - posted - live), live, posted

    def synthetic_count(self):
        return max(1, round(self.rates()[0] * self.seconds))

    def run(self):
        with Child([sys.executable, "-B", str(HERE / "soak_sender.py"), *map(str, (
                self.rates()[1], self.seconds, self.options.seed, self.every_s / 3))]) as sender:
            told = sender.line()
            daemon = Daemon(self.settings(told["port"]), data=self.place / "data", name="hashtagd",
                            environ=self.aws.environment() if self.aws is not None else {})
            daemon.start()
            try:
                host, port = daemon.url.rsplit("/", 1)[1].rsplit(":", 1)
                with Child([sys.executable, "-B", str(HERE / "soak_mob.py"), host, port, "10"]) as mob:
                    poster = self.watch(daemon)
                    self.notes.append(f"clients: {mob.end()}")
                found = self.settle(daemon, sender, told, poster)
                daemon.stop()
            finally:
                daemon.kill()
                for log in self.place.glob("hashtagd.*.log"):
                    shutil.copy(log, self.folder)
        return found

    def watch(self, daemon):
        """The load and the samples, for the whole time."""
        options, over = self.options, self.over
        poster = load.Poster(over, daemon, self.rates()[2], options.seed)
        self.deleter = load.Deleter(over, daemon, min(1, self.every_s / 5), options.seed)
        self.flusher = load.Flusher(over, daemon, min(7, self.every_s))
        self.stopper = load.Stopper(over, daemon, self.every_s, options.seed)
        self.fillers = [load.DiskFiller(over, self.place, 2 * self.every_s, options.seed)] if options.small_disk else []
        workers = [poster, self.deleter, self.flusher, self.stopper, *self.fillers]
        sampler = self.sampler = Sampler(daemon)
        for worker in workers:
            worker.start()
        deadline = time.monotonic() + self.seconds
        with open(self.folder / "samples.jsonl", "w") as file:
            while time.monotonic() < deadline and not over.is_set():
                over.wait(min(options.every, max(0, deadline - time.monotonic())))
                assert daemon.process.poll() is None, f"the daemon ended:\n{daemon.log[-4000:]}"
                honest = ask(daemon, "/hashtags?limit=100")
                self.samples.append({**sampler.look(), "honest_s": honest})
                file.write(json.dumps(self.samples[-1]) + "\n")
                file.flush()
        over.set()
        for worker in workers:
            worker.finish()
        self.notes += [f"posts: {dict(poster.answers)}", f"deletes: {dict(self.deleter.answers)}",
                       f"flushes: {dict(self.flusher.answers)}", f"stopped {len(self.stopper.moments)} times, "
                       f"disk full {sum(len(filler.moments) for filler in self.fillers)} times"]
        return poster

    def settle(self, daemon, sender, told, poster):
        """Waits until all is counted and archived; what is wrong with the counts, "" where nothing is."""
        expected = collections.Counter(told["counts"]) + poster.counts + self.synthetic_truth()
        if self.aws is not None:
            found, archived = amazon.settle(self.aws, daemon, expected, self.synthetic_count() + told["messages"])
        else:
            found, archived = self.settle_here(daemon, told["messages"])
        self.notes += [f"live source: {sender.end()}",
                       f"{sum(expected.values()):,} occurrences of {len(expected):,} hashtags, {len(archived):,} deletions archived"]
        missing = self.deleter.promised - archived
        wrong = difference(dict(+found), dict(expected)) if +found != expected else ""
        return wrong + (f"{len(missing)} answered deletions are not in the archive" if missing else "")

    def settle_here(self, daemon, live_messages):
        """Of the embedded store: (what is counted and what deletions took along, their event_ids)."""
        daemon.wait_for(lambda: self.is_done(daemon, live_messages), "the end of all sources", self.seconds + 120)
        daemon.flush()
        daemon.stop()
        # Nothing may expire between a look at the counts and one at the archive.
        daemon.settings = {key: value for key, value in daemon.settings.items() if not key.startswith("source.")}
        daemon.settings["table.ttl_s"] = 0
        daemon.start()
        daemon.wait_for(lambda: daemon.metric("hashtagd_changes_waiting_removals") == 0, "the archive", 120)
        daemon.flush()
        found = collections.Counter(daemon.counts())
        archived = archived_lines(daemon.data / "archive")
        for line in archived.values():
            found[line["hashtag"]] += line["count"]
        return found, set(archived)

    def is_done(self, daemon, live_messages):
        """All was delivered by both sources, is on the stream and is counted."""
        values, _ = read_metrics(daemon.get("/metrics").text)
        return (values["hashtagd_source_delivered_total"] >= self.synthetic_count() + live_messages
                and values["hashtagd_ingest_waiting_messages"] == 0 and values["hashtagd_shard_lag_records"] == 0)

    def synthetic_truth(self):
        tool = pathlib.Path(program()).parent / TRUTH
        counts = collections.Counter()
        with subprocess.Popen([tool, "counts", str(self.options.seed), str(self.synthetic_count())],
                              stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                row = json.loads(line)
                counts[fold(row["hashtag"])] += row["count"]
        assert process.returncode == 0, "synthetic_truth failed"
        return counts

    # Afterwards

    def moments(self):
        began = self.sampler.began
        return [(begin - began, end - began, kind) for kind, workers in (("stopped", [self.stopper]), ("full", self.fillers))
                for worker in workers for begin, end in worker.moments]

    def report(self, wrong):
        """Writes plot and summary; True where all is well."""
        warm_up = self.options.warm_up * self.seconds
        series = collections.defaultdict(list)
        for sample in self.samples:
            for name, value in sample.items():
                if value is not None:
                    series[name].append((sample["at"], value))
        verdicts = judge(RULES if self.options.minutes >= 5 else SHORT_RULES, series, warm_up)
        title = (f"hashtagd: {self.options.rate:,} tweets/s for {self.options.minutes:g} min, seed {self.options.seed}; "
                 "least / middle / most")
        (self.folder / "soak.svg").write_text(plot.draw(PANELS, self.samples, self.moments(), warm_up, title))
        lines = [f"{'ok  ' if verdict.is_good else 'NOT '} {verdict.text}" for verdict in verdicts]
        lines += [f"{'NOT ' if wrong else 'ok  '} counts: {wrong or 'every one is right'}", *(f"     {note}" for note in self.notes)]
        text = "\n".join(lines) + "\n"
        (self.folder / "summary.txt").write_text(text)
        print(text, end="")
        print(f"plot: {self.folder / 'soak.svg'}")
        is_good = not wrong and all(verdict.is_good for verdict in verdicts)
        if not is_good:
            print(f"again: tools/soak {shlex.join(words_of(self.options))}")
        return is_good


class Child:
    """A process that ends when its input ends and says things in lines of JSON."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def line(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        told = self.line()
        self.process.wait()
        return told

    def __enter__(self):
        return self

    def __exit__(self, *_reason):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def archived_lines(folder):
    """event_id -> line; a line that was archived twice stands for one deletion."""
    found = {}
    for path in folder.rglob("*.gz"):
        with gzip.open(path) as lines:
            for line in map(json.loads, lines):
                found[line["event_id"]] = line
    return found


def build_parser():
    parser = asking.Parser(prog="tools/soak", description=__doc__.split("\n")[0], formatter_class=asking.Help)
    add = parser.add_argument
    add("--minutes", type=asking.span, default=60, help="how long")
    add("--rate", type=asking.count, help="tweets a second, of all sources together (5000, with --amazon 200)")
    add("--amazon", action="store_true", help="stream, table and archive at the fake of Amazon, in a storm")
    add("--seed", type=int, default=1, help="decides what happens when")
    add("--ttl", type=asking.count, default=300, help="table.ttl_s: hashtags come and go")
    add("--every", type=asking.span, default=5, help="seconds between samples")
    add("--warm-up", type=part, default=0.2, help="part of the time that is not judged")
    add("--retention-mib", type=asking.count, default=96, help="stream.retention_bytes")
    add("--no-small-disk", dest="small_disk", action="store_false", help="no mount, no moments of a full disk")
    add("--build", help="the build directory; else HT_PROGRAM's, else build-test/release, made where it is not")
    add("--out", help="folder for samples, plot, summary and log; else a new one in /tmp")
    return parser


def part(text):
    if not 0 <= float(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no part of 1")
    return float(text)


def words_of(options):
    """The arguments that make the same run again: all that is not as it stands by itself, and the seed. Where to
    write is no part of it."""
    words = []
    for action in build_parser()._actions:
        value = getattr(options, action.dest, None)
        if action.dest in ("help", "out") or value is None or (value == action.default and action.dest != "seed"):
            continue
        words += [action.option_strings[0]] if action.nargs == 0 else [action.option_strings[0], str(value)]
    return words


def parse(arguments=None):
    options = build_parser().parse_args(arguments)
    options.rate = options.rate or (200 if options.amazon else 5000)
    options.small_disk = options.small_disk and not options.amazon
    return options


def run(options):
    if options.build:
        os.environ["HT_PROGRAM"] = str(pathlib.Path(options.build).resolve() / "hashtagd")
    elif "HT_PROGRAM" not in os.environ:
        os.environ["HT_PROGRAM"] = str(builds.make_some(["hashtagd", TRUTH]) / "hashtagd")
    if not (pathlib.Path(program()).parent / TRUTH).exists():
        sys.exit(f"{pathlib.Path(program()).parent} has no {TRUTH}, which tells what was sent: build with -Dtests=true")
    folder = pathlib.Path(options.out or tempfile.mkdtemp(prefix="hashtagd-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hashtagd-soak-data-") as work:
        with contextlib.ExitStack() as stack:
            disk = stack.enter_context(load.small_disk(pathlib.Path(work), 1 << 30)) if options.small_disk else None
            options.small_disk = disk is not None
            aws = amazon.started(options.seed) if options.amazon else None
            stack.callback(lambda: aws is not None and aws.stop())
            soak = Soak(options, folder, disk or pathlib.Path(work), aws)
            wrong = soak.run()
            return soak.report(wrong)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):  # what was mounted and started is taken down
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        sys.exit(0 if run(parse()) else 1)
    except builds.BuildFailed as failure:
        sys.exit(str(failure))
