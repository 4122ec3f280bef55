# SPDX-License-Identifier: MIT
"""Whether series of samples are flat. Pure: it gets numbers and returns sentences.

A series is a list of (seconds, value). What lies before the warm-up is left out. The trend is the
median of the slopes between pairs of samples (Theil and Sen): saw teeth and single peaks do not
move it, a steady leak does.
"""

import dataclasses
import statistics

MOST_PAIRED = 400  # of a longer series every n-th sample is paired


@dataclasses.dataclass(frozen=True)
class Rule:
    """`kind`: "flat", its trend adds up to less than `slack`, or than `share` of its median;
    "steady", it may grow, but in its second half no faster than in its first (`share` more, and
    `slack`); "below", each sample is at most `slack`."""

    series: str
    kind: str
    slack: float = 0
    share: float = 0
    scale: float = 1
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Verdict:
    rule: Rule
    is_good: bool
    text: str


def judge(rules, series, warm_up_s):
    """A Verdict for each rule; `series` is {name: [(seconds, value)]}."""
    judges = {"flat": judge_flat, "steady": judge_steady, "below": judge_below}
    found = []
    for rule in rules:
        points = [(at, value) for at, value in series.get(rule.series, []) if at >= warm_up_s]
        if len(points) < 4:
            found.append(Verdict(rule, False, f"{rule.series}: only {len(points)} samples after the warm-up"))
        else:
            found.append(judges[rule.kind](rule, points))
    return found


def judge_flat(rule, points):
    middle = statistics.median(value for _, value in points)
    grown = slope(points) * (points[-1][0] - points[0][0])
    allowed = max(rule.slack, rule.share * middle)
    return Verdict(rule, grown <= allowed, f"{rule.series}: {shown(rule, middle)} in the middle, trend {shown(rule, grown, '+')} "
                   f"in {told_time(points)} (at most {shown(rule, allowed, '+')})")


def judge_steady(rule, points):
    middle = len(points) // 2
    first, second = points[middle][1] - points[0][1], points[-1][1] - points[middle][1]
    allowed = first * (1 + rule.share) + rule.slack
    return Verdict(rule, second <= allowed, f"{rule.series}: {shown(rule, first, '+')} in the first half, "
                   f"{shown(rule, second, '+')} in the second (at most {shown(rule, allowed, '+')})")


def judge_below(rule, points):
    most = max(value for _, value in points)
    return Verdict(rule, most <= rule.slack, f"{rule.series}: {shown(rule, most)} at most (limit {shown(rule, rule.slack)})")


def slope(points):
    """A second, by Theil and Sen."""
    step = -(-len(points) // MOST_PAIRED)
    points = points[::step]
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for index, a in enumerate(points)
                             for b in points[index + 1:] if b[0] > a[0])


def shown(rule, value, sign=""):
    value = value / rule.scale
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:{sign},.{digits}f}" + (f" {rule.unit}" if rule.unit else "")


def told_time(points):
    seconds = points[-1][0] - points[0][0]
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
