# SPDX-License-Identifier: MIT
"""Looks at a running daemon from outside: /proc, its metrics, its folder. One sample is one dict."""

import http.client
import math
import os
import pathlib
import re
import time

MIB = 1 << 20
HISTOGRAMS = {"hashtagd_loop_lag_seconds_bucket": "loop", "hashtagd_loop_busy_seconds_bucket": "busy"}
KEPT = {
    "budget_limit": "hashtagd_memory_budget_bytes",
    "tally": "hashtagd_tally_memory_bytes",
    "budget": "hashtagd_memory_used_bytes",
    "bodies": "hashtagd_http_held_body_bytes",
    "connections": "hashtagd_http_open_connections",
    "listeners": "hashtagd_event_clients",
    "stored": "hashtagd_stream_stored_bytes",
    "received": "hashtagd_ingest_received_total",
    "accepted": "hashtagd_ingest_accepted_total",
    "counted": "hashtagd_count_records_total",
    "pending": "hashtagd_count_pending_hashtags",
    "retries": "hashtagd_count_flush_retries_total",
    "put_retries": "hashtagd_ingest_put_retries_total",
    "expired": "hashtagd_table_expired_items_total",
    "deleted": "hashtagd_table_deleted_items_total",
    "archived": "hashtagd_archive_archived_deletions_total",
    "dead_letters": "hashtagd_dead_letters_total",
}


def page_cache_most(sample):
    """What SQLite keeps of the database in memory at most (ht_embedded_store_cache_bytes() in
    src/backends/embedded_store.c). No page is in the cache twice, so it is never larger than the database."""
    share = max(2 * MIB, min(64 * MIB, sample["budget_limit"] // 8))
    return min(sample["disk_table"], share)


def planned(sample):
    """Memory that may grow by the plan, each part with its bound: the tally (hashtags, minutes of 24
    hours; it tells its size itself), bodies that clients have not sent to their end (half of the
    budget, or 32 MiB) and the database's pages."""
    return sample.get("tally", 0) + sample.get("bodies", 0) + page_cache_most(sample)


def process_sample(pid):
    """Memory in bytes, descriptors, threads, seconds of processor time."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    number = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+)", text, re.M)}
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2:].split()
    return {"resident": number["VmRSS"] * 1024, "anonymous": number["RssAnon"] * 1024,
            "threads": number["Threads"], "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "processor_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")}


def disk_sample(data, log):
    """Bytes as the file system has them, by what they are for."""
    found = {"disk_stream": 0, "disk_table": 0, "disk_wal": 0, "disk_archive": 0, "disk_dead_letters": 0, "disk_other": 0}
    for folder, _, names in os.walk(data):
        for name in names:
            path = pathlib.Path(folder) / name
            try:
                size = path.stat().st_blocks * 512
            except FileNotFoundError:
                continue
            found[f"disk_{kind_of(path.relative_to(data))}"] += size
    found["disk_log"] = log.stat().st_size
    return found


def kind_of(path):
    first = path.parts[0]
    if first in ("stream", "archive"):
        return first
    if first == "dead-letters":
        return "dead_letters"
    if first.endswith(("-wal", "-shm")):
        return "wal"
    return "table" if first.endswith(".db") else "other"


def read_metrics(text):
    """{name: sum of its samples}, and of the loop's lag ("loop") and work ("busy") {border: count}."""
    values, histograms = {}, {name: {} for name in HISTOGRAMS.values()}
    for line in text.splitlines():
        if line.startswith("#") or " " not in line:
            continue
        left, number = line.rsplit(" ", 1)
        name = left.split("{")[0]
        if name in HISTOGRAMS:
            border = float(re.search(r'le="([^"]+)"', left)[1].replace("+Inf", "inf"))
            histograms[HISTOGRAMS[name]][border] = float(number)
        else:
            values[name] = values.get(name, 0) + float(number)
    return values, histograms


def quantile(before, after, part):
    """The border below which `part` of what came between two readings of a histogram lies; None: nothing came."""
    counts = {border: after[border] - before.get(border, 0) for border in sorted(after)}
    total = counts.get(math.inf, 0)
    if total <= 0:
        return None
    return next(border for border, count in counts.items() if count >= part * total)


class Sampler:
    """`look()` gives the next sample; rates and quantiles are of the time since the one before."""

    def __init__(self, daemon):
        self.daemon, self.began = daemon, time.monotonic()
        self.last, self.histograms, self.at = {}, {name: {} for name in HISTOGRAMS.values()}, self.began

    def look(self):
        found = {**process_sample(self.daemon.process.pid), **disk_sample(self.daemon.data, self.daemon.log_file)}
        asked = time.monotonic()
        answer = self.daemon.get("/metrics", timeout=60)
        now = time.monotonic()
        assert answer.status == 200, answer
        values, histograms = read_metrics(answer.text)
        found.update({name: values[metric] for name, metric in KEPT.items() if metric in values})
        found["at"], found["scrape_s"] = now - self.began, now - asked
        found["lag_records"] = values.get("hashtagd_shard_lag_records", 0)
        found["lag_s"] = values.get("hashtagd_shard_lag_seconds", 0)
        for name, after in histograms.items():
            for suffix, part in (("p50", 0.5), ("p99", 0.99), ("longest", 1)):
                if (border := quantile(self.histograms[name], after, part)) is not None:
                    found[f"{name}_{suffix}"] = min(border, 1000)
        for name in ("accepted", "counted", "processor_s"):
            if name in self.last:
                found[f"{name}_rate"] = (found[name] - self.last[name]) / (now - self.at)
        found["page_cache_most"] = page_cache_most(found)
        found["resident_less_planned"] = found["resident"] - planned(found)
        found["descriptors_less_clients"] = found["descriptors"] - found["connections"]
        self.last, self.histograms, self.at = found, histograms, now
        return found


def ask(daemon, path):
    """Seconds that a GET took; None where it was not answered with 200."""
    began = time.monotonic()
    try:
        return time.monotonic() - began if daemon.get(path, timeout=60).status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
