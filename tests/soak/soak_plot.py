# SPDX-License-Identifier: MIT
"""Draws series of samples as small panels of one SVG, all on the same time axis.

Moments (when the process was stopped, the disk was full) are grey bands through a panel; the dashed
line is the end of the warm-up. Each panel tells the least, the middle and the most of each series.
"""

import dataclasses
import html
import math
import statistics

WIDTH, HEIGHT, LEFT, RIGHT, GAP = 760, 110, 90, 330, 46
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")
STYLE = "text{font:11px sans-serif;fill:#24292f} .t{font-weight:bold;font-size:12px} .a{fill:#57606a}"


@dataclasses.dataclass
class Panel:
    """`series` is [(name of the sample's member, label)]; values are divided by `scale`."""

    title: str
    series: list
    scale: float = 1
    is_log: bool = False


def draw(panels, samples, moments, warm_up_s, title):
    """The SVG as text. `moments` are (from, to, kind) in the samples' seconds."""
    last = max(sample["at"] for sample in samples)
    height = 60 + len(panels) * (HEIGHT + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}">',
           f"<style>{STYLE}</style>", f'<rect width="100%" height="100%" fill="white"/>', text(LEFT, 24, title, "t")]
    for index, panel in enumerate(panels):
        out += draw_panel(panel, samples, moments, warm_up_s, 52 + index * (HEIGHT + GAP), last)
    return "\n".join([*out, "</svg>"]) + "\n"


def draw_panel(panel, samples, moments, warm_up_s, top, last):
    def x(seconds):
        return LEFT + WIDTH * min(seconds, last) / last

    lines = [(label, [(one["at"], one[name] / panel.scale) for one in samples if one.get(name) is not None])
             for name, label in panel.series]
    values = [value for _, points in lines for _, value in points] or [0]
    low, high = limits(values, panel.is_log)
    out = [text(LEFT, top - 6, panel.title, "t")]
    for begin, end, kind in moments:
        out.append(f'<rect x="{x(begin):.1f}" y="{top}" width="{max(1, x(end) - x(begin)):.1f}" height="{HEIGHT}" '
                   f'fill="{"#d0d7de" if kind == "stopped" else "#ffd8b5"}"/>')
    out.append(f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#8c959f"/>')
    out.append(f'<line x1="{x(warm_up_s):.1f}" x2="{x(warm_up_s):.1f}" y1="{top}" y2="{top + HEIGHT}" '
               'stroke="#8c959f" stroke-dasharray="3 3"/>')

    def y(value):
        part = (math.log(max(value, low)) - math.log(low)) / (math.log(high) - math.log(low)) if panel.is_log \
            else (value - low) / (high - low)
        return top + HEIGHT - HEIGHT * min(1, max(0, part))

    for value in ticks(low, high, panel.is_log):
        out.append(text(LEFT - 6, y(value) + 4, shown(value), "a", "end"))
    for index, (label, points) in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        way = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
        out.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
        out.append(f'<rect x="{LEFT + WIDTH + 10}" y="{top + 4 + 17 * index}" width="10" height="10" fill="{colour}"/>')
        out.append(text(LEFT + WIDTH + 25, top + 13 + 17 * index, f"{label}: {summary(points)}"))
    for minute in time_ticks(last):
        out.append(text(x(minute), top + HEIGHT + 13, told(minute), "a", "middle"))
    return out


def limits(values, is_log):
    if is_log:
        low, high = max(min(values), 1e-4), max(max(values), 2e-4)
        return low * 0.8, max(high, low * 2) * 1.2
    return 0, max(values) * 1.08 or 1


def ticks(low, high, is_log):
    if not is_log:
        return [high * part / 1.08 for part in (0, 0.5, 1)]
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    return [10.0 ** power for power in range(first, last + 1)]


def time_ticks(last):
    step = next(step for step in (1, 5, 10, 60, 300, 600, 3600, 1e9) if last / step <= 13)
    return [step * number for number in range(int(last // step) + 1)]


def told(seconds):
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def summary(points):
    values = [value for _, value in points]
    if not values:
        return "no samples"
    return f"{shown(min(values))} / {shown(statistics.median(values))} / {shown(max(values))}"


def shown(value):
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'
