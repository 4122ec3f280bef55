# SPDX-License-Identifier: MIT
"""The soak in short: that the tool works, that its judge finds a leak, that its plot shows what was sampled.

The long form is tools/soak.
"""

import math
import random
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

import soak
from soak_judge import Rule, judge
from soak_plot import Panel, draw
from soak_samples import MIB, planned, process_sample, quantile, read_metrics

FLAT = Rule("memory", "flat", 12 * MIB, 0.08, MIB, "MiB")
STEADY = Rule("disk", "steady", MIB, 0.25, MIB, "MiB")


def made(value_at, minutes=60, every_s=5, seed=1):
    """Samples as a soak has them: noise of 3 MiB, saw teeth of 10, now and then a peak of 40."""
    chance = random.Random(seed)
    points = []
    for at in range(0, minutes * 60, every_s):
        noise = chance.gauss(0, 3) + at % 97 / 9.7 + (40 if chance.random() < 0.02 else 0)
        points.append((at, (value_at(at) + noise) * MIB))
    return points


def verdict(rule, points, warm_up_s=600):
    return judge([rule], {rule.series: points}, warm_up_s)[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_flat_series_is_good(seed):
    assert verdict(FLAT, made(lambda at: 100, seed=seed)).is_good


def test_growth_within_the_warm_up_is_good():
    assert verdict(FLAT, made(lambda at: 100 + 80 * min(1, at / 600))).is_good


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_on_purpose_is_found(seed):
    """5 kB a second, a byte a tweet: nobody sees it among saw teeth of 10 MiB."""
    found = verdict(FLAT, made(lambda at: 100 + at * 0.005, seed=seed))
    assert not found.is_good and "memory" in found.text


def test_a_leak_in_steps_is_found():
    assert not verdict(FLAT, made(lambda at: 100 + 8 * (at // 900))).is_good


def test_a_descriptor_every_ten_minutes_is_found():
    rule = Rule("descriptors", "flat", 4)
    assert verdict(rule, [(at, 20 + at % 3) for at in range(3600)]).is_good
    assert not verdict(rule, [(at, 20 + at % 3 + at // 600) for at in range(3600)]).is_good


def test_steady_growth_is_good_and_growth_that_speeds_up_is_not():
    assert verdict(STEADY, [(at, at * 1000) for at in range(3600)]).is_good
    assert not verdict(STEADY, [(at, at * at) for at in range(3600)]).is_good


def test_a_limit_holds_for_each_sample():
    rule = Rule("descriptors", "below", 80)
    assert verdict(rule, [(at, 80) for at in range(700, 800)]).is_good
    assert not verdict(rule, [(at, 81 if at == 750 else 20) for at in range(700, 800)]).is_good


def test_no_samples_are_no_good_samples():
    assert not verdict(FLAT, []).is_good


LEAKER = """
import os, sys, time
kept, files = [], []
print("up", flush=True)
while True:
    kept.append(bytearray(os.urandom(1)) * (1 << 20))
    files.append(os.open("/dev/null", os.O_RDONLY))
    time.sleep(0.05)
"""


def test_a_real_leak_is_seen_in_a_real_process():
    with subprocess.Popen([sys.executable, "-c", LEAKER], stdout=subprocess.PIPE) as leaker:
        leaker.stdout.readline()
        samples = []
        for number in range(15):
            samples.append({"at": number, **process_sample(leaker.pid)})
            time.sleep(0.05)
        leaker.kill()
    for name, slack in (("resident", 4 * MIB), ("descriptors", 4)):
        assert not verdict(Rule(name, "flat", slack), [(one["at"], one[name]) for one in samples], 0).is_good, samples


def test_quantiles_are_of_the_time_between_two_readings():
    before, after = {0.001: 100, 0.01: 110, math.inf: 110}, {0.001: 100, 0.01: 208, math.inf: 210}
    assert quantile({}, before, 0.5) == 0.001
    assert quantile(before, after, 0.5) == 0.01 and quantile(before, after, 1) == math.inf
    assert quantile(after, after, 0.5) is None


def test_metrics_are_summed_by_name():
    values, histograms = read_metrics('# HELP a b\na{x="1"} 2\na{x="2"} 3\nhashtagd_loop_lag_seconds_bucket{le="+Inf"} 7\n')
    assert values == {"a": 5} and histograms == {"loop": {math.inf: 7}, "busy": {}}


def test_the_plot_has_each_series_and_each_moment():
    samples = [{"at": at, "resident": at * MIB, "wait": None if at == 3 else 0.001 * at} for at in range(1, 60)]
    panels = [Panel("memory <MiB>", [("resident", "resident")], MIB), Panel("waits", [("wait", "wait")], 1e-3, is_log=True)]
    root = ElementTree.fromstring(draw(panels, samples, [(10, 12, "stopped")], 5, "a soak"))
    lines = [one for one in root.iter() if one.tag.endswith("polyline")]
    assert [len(line.get("points").split()) for line in lines] == [59, 58]
    texts = [one.text for one in root.iter() if one.tag.endswith("text")]
    assert "memory <MiB>" in texts and "resident: 1 / 30 / 59" in texts
    assert sum(one.get("fill") == "#d0d7de" for one in root.iter()) == 2


def test_a_short_soak_is_exact_and_told(tmp_path, capsys):
    words = ["--minutes", "0.06", "--rate", "1500", "--every", "0.3", "--no-small-disk", "--out", str(tmp_path / "out")]
    is_good = soak.run(soak.parse(words))
    told = capsys.readouterr().out
    assert is_good, told
    assert "ok   counts: every one is right" in told and "stopped" in told
    assert (tmp_path / "out" / "soak.svg").read_text().startswith("<svg")
    assert len((tmp_path / "out" / "samples.jsonl").read_text().splitlines()) >= 5
    assert (tmp_path / "out" / "summary.txt").read_text() in told


def test_a_miscount_is_told(monkeypatch, tmp_path, capsys):
    """The truth is changed on purpose: one occurrence more than was sent."""
    truth = soak.Soak.synthetic_truth
    monkeypatch.setattr(soak.Soak, "synthetic_truth", lambda self: truth(self) + soak.collections.Counter(["missing"]))
    words = ["--minutes", "0.03", "--rate", "300", "--every", "0.3", "--no-small-disk", "--out", str(tmp_path / "out")]
    assert not soak.run(soak.parse(words))
    told = capsys.readouterr().out
    assert "'missing': None found, 1 expected" in told
    assert "again: tools/soak --minutes 0.03 --rate 300 --seed 1 --every 0.3 --no-small-disk\n" in told


@pytest.mark.parametrize("words", ["", "--amazon --minutes 8 --seed 5", "--build b --no-small-disk --ttl 9 --out somewhere",
                                   "--minutes 0.5 --rate 77 --every 0.1 --warm-up 0.5 --retention-mib 8"])
def test_a_failure_tells_how_to_run_the_very_same(words):
    options = soak.parse(words.split())
    options.out = None
    assert soak.parse(soak.words_of(options)) == options


def test_the_plan_names_what_may_grow_and_ends_at_its_bound():
    assert planned({"disk_table": 0, "budget_limit": 256 * MIB}) == 0
    assert planned({"disk_table": 10 * MIB, "tally": 3 * MIB, "bodies": MIB, "budget_limit": 256 * MIB}) == 14 * MIB
    for budget, cache in ((1, 2), (64, 8), (256, 32), (512, 64), (4096, 64)):
        assert planned({"disk_table": 900 * MIB, "budget_limit": budget * MIB}) == cache * MIB
