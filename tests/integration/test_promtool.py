# SPDX-License-Identifier: MIT
"""GET /metrics, as Prometheus's own tools judge it."""

import subprocess

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from daemon import tweet

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def some_work(daemon):
    daemon.post_tweets([tweet(1, "foo", "bar"), tweet(2, "secrethashtag"), b"nonsense"])
    daemon.wait_until_counted({"foo": 1, "bar": 1, "secrethashtag": 1})
    assert daemon.delete("/hashtags/bar").status == 200
    daemon.flush()
    daemon.get("/nothing")


def test_promtool_finds_nothing(daemon):
    some_work(daemon)
    answer = daemon.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    done = subprocess.run(["promtool", "check", "metrics"], input=answer.body, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_openmetrics_where_asked_for(daemon):
    some_work(daemon)
    answer = daemon.get("/metrics", headers={"Accept": OPENMETRICS})
    assert answer.type == "application/openmetrics-text"
    assert answer.text.endswith("# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert any(name.startswith("hashtagd_") for name in families)
    assert "process_resident_memory_bytes" in families and "process_cpu_seconds" in families


def test_both_formats_tell_the_same_names(daemon):
    some_work(daemon)
    samples = [{line.split("{")[0].split(" ")[0] for line in daemon.get("/metrics", headers=headers).text.splitlines()
                if line and not line.startswith("#")} for headers in ({}, {"Accept": OPENMETRICS})]
    created = {name for name in samples[1] if name.endswith("_created")}
    assert samples[0] == samples[1] - created


def test_no_hashtag_is_a_label(daemon):
    some_work(daemon)
    assert "secrethashtag" not in daemon.get("/metrics").text


def test_counters_count(daemon):
    before = daemon.get("/metrics").text
    some_work(daemon)
    after = daemon.get("/metrics").text
    assert before != after
    changed = set(after.splitlines()) - set(before.splitlines())
    assert any("_total" in line for line in changed)
    assert any("_bucket" in line for line in changed)
