"""The plane of effectiveness and coherence as a drawing."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxstyle.study.statistics import AXES

# What XML has no way to write.
_CONTROLS = {code: "\ufffd" for code in (*range(32), 0xFFFE, 0xFFFF) if chr(code) not in "\t\n\r"}
_MARKS = {"mixture": "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", "single": "m-6 0l6 -6l6 6l-6 6Z"}
# Colors by `color-scheme`, so that a page that is switched to dark takes its drawings along.
_STYLE = """
.plane { color-scheme: light dark; font: 11px system-ui, sans-serif;
  --ink: light-dark(#1d1d1f, #ececee); --back: light-dark(#fbfbfa, #161618); }
.plane rect { fill: var(--back); }
.plane path { fill: none; stroke: light-dark(#e6e6e9, #2c2c30); }
.plane .bars { stroke: light-dark(#dcdce0, #3c3c42); }
.plane .curve { stroke: light-dark(#c3cede, #4a5568); }
.plane .best { stroke: light-dark(#a9b4c4, #596577); }
.plane .stairs { stroke: var(--ink); stroke-width: 1.5; }
.plane .leader { stroke: light-dark(#77777c, #8a8a92); }
.plane .mixture { --own: light-dark(#0b62c4, #7db4ff); }
.plane .single { --own: light-dark(#b45309, #f0a35e); }
.plane .mixture, .plane .single { stroke: var(--own); stroke-width: 1.5; fill: var(--back); }
.plane .front { fill: var(--own); }
.plane text { fill: var(--ink); stroke: var(--back); stroke-width: 3px; paint-order: stroke; }
"""
_Box = tuple[float, float, float, float]


def plane(summary: Mapping[str, Any], *, width: int = 820) -> str:
    """Both axes as an SVG that stands alone: objectives with their intervals, and the front.

    Labels keep clear of each other and of all points; one that finds no room is left to the point's
    title. Below 600 pixels only the front is labeled.

    Args:
        summary: From `summarize`.
        width: Pixels.
    """
    left, top, right, bottom = 46, 30, width - 12, max(310, width * 9 // 16)
    rows = [
        (row, i, *(np.array(list(row[axis].values()), float) for axis in AXES))
        for i, row in enumerate(summary["objectives"])
        if None not in (row[axis]["mean"] for axis in AXES)
    ]
    rows.sort(key=lambda each: not each[0]["front"])  # labeled first
    x_of, columns = _scale([x[0] for *_, x, _ in rows], left, right)
    y_of, lines = _scale([y[0] for *_, y in rows], bottom, top)
    points = [(x_of(x[0]), y_of(y[0])) for *_, x, y in rows]
    stairs = sorted(point for point, (row, *_) in zip(points, rows, strict=True) if row["front"])
    steps = list(itertools.pairwise([(left, top), *stairs, (right, bottom)]))
    taken: list[_Box] = [(x - 7, y - 7, x + 7, y + 7) for x, y in points]
    taken += [(x - 2, above, x + 2, y) for (_, above), (x, y) in steps[:-1]]
    taken += [(x, y - 2, right_of, y + 2) for (x, y), (right_of, _) in steps[1:]]

    texts = [_text(x_of(value), bottom + 16, f"{value:g}", "middle") for value in columns]
    texts += [_text(left - 6, y_of(value) + 4, f"{value:g}", "end") for value in lines]
    middle = (left + right) / 2
    texts.append(_text(middle, bottom + 36, "← closer to the style (effectiveness)", "middle"))
    texts.append(_text(left - 34, 18, "↓ more content (coherence)"))
    marks = [
        f'<path class="{kind}" d="M{right - far} 14{_MARKS[kind]}"/>'
        + _text(right - far + 9, 18, text)
        for kind, far, text in (("mixture", 144, "mixture"), ("single", 78, "single metric"))
    ]
    bars = {True: "", False: ""}  # on the front or not
    for (x, y), (row, i, across, up) in zip(points, rows, strict=True):
        if np.isfinite(across + up).all():
            bars[row["front"]] += f"M{x_of(across[1]):.1f} {y:.1f}H{x_of(across[2]):.1f}"
            bars[row["front"]] += f"M{x:.1f} {y_of(up[1]):.1f}V{y_of(up[2]):.1f}"
        title = "\n".join([row["name"], *(f"{axis} {interval_text(row[axis])}" for axis in AXES)])
        kind = f"{row['kind']}{' front' * row['front']}"
        mark = f'<path class="{kind}" data-index="{i}" d="M{x:.1f} {y:.1f}{_MARKS[row["kind"]]}">'
        marks.insert(0, f"{mark}<title>{_escaped(title)}</title></path>")  # the front on top
        if row["front"] or width >= 600:
            frame = (left, top, right, bottom)
            texts.append(_placed(short_name(row["name"]), x, y, row["front"], taken, frame))
    curves: dict[str, list[tuple[float, float]]] = {}
    for point, (row, *_) in sorted(zip(points, rows, strict=True), key=lambda each: each[0]):
        curves.setdefault(row.get("curve", row["name"]), []).append(point)
    strokes = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in each) for each in curves.values() if each[1:]
    )
    grid = "".join(f"M{x_of(value):.1f} {top}V{bottom}" for value in columns)
    grid += "".join(f"M{left} {y_of(value):.1f}H{right}" for value in lines)
    walk = "".join(f"H{x:.1f}V{y:.1f}" for x, y in stairs)
    if stairs:
        walk = f"M{stairs[0][0]:.1f} {top}{walk}H{right}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plane" role="img" width="{width}" '
        f'height="{bottom + 46}" viewBox="0 0 {width} {bottom + 46}"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%"/><path d="{grid}"/>'
        f'<path class="curve" d="{strokes}"/>'
        f'<path class="bars" d="{bars[False]}"/><path class="bars best" d="{bars[True]}"/>'
        f'<path class="stairs" d="{walk}"/>{"".join(marks)}{"".join(texts)}</svg>\n'
    )


def _scale(
    values: Sequence[float], start: float, end: float
) -> tuple[Callable[[float], float], list[float]]:
    """Where a value is drawn, and ticks; what is far worse than most is drawn at the edge."""
    low, first, third, high = np.percentile([*values] or [0.0, 1.0], (0, 25, 75, 100))
    high = min(high, third + 2 * (third - first)) if third > first else high
    margin = 0.1 * (high - low) or 0.1
    low, high = low - 2 * margin, high + margin  # room for the labels of the front
    unit = 10.0 ** math.floor(math.log10((high - low) / 6))
    step = next(unit * digit for digit in (1, 2, 5, 10) if unit * digit >= (high - low) / 6)

    def place(value: float) -> float:
        return start + float(np.clip((value - low) / (high - low), 0, 1)) * (end - start)

    return place, [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def short_name(name: str) -> str:
    """A mixture of three and more by their number; its name stays in its title.

    >>> short_name("gram=0.577+mmd=0.577+patch=0.577 ×0.3"), short_name("gram=0.7+mmd=0.7")
    ('mixture of 3 ×0.3', 'gram=0.7+mmd=0.7')
    """
    metrics, times, strength = name.partition(" ×")
    count = len(metrics.split("+"))
    return name if count < 3 else f"mixture of {count}{times}{strength}"


def _placed(name: str, x: float, y: float, front: bool, taken: list[_Box], frame: _Box) -> str:
    """A label near a point where nothing else stands, "" if there is no room; `taken` grows."""
    most = 28 if frame[2] >= 600 else 18
    name = name if len(name) <= most else name[: most - 1] + "…"
    width = 6.8 * len(name)  # of a wide font
    # Nothing is better than the front: there, towards the lower left, is the most room.
    turns = (
        (135, 180, 90, 160, 110, 60, 30, 0, -45) if front else (-45, 0, -90, 45, 90, 180, 135, -135)
    )
    for distance in (12, 20, 30, 42, 56, 72):
        for turn in turns:
            across, down = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            tip, base = x + distance * across, y + distance * down
            start = tip - width * (1 - across) / 2
            box = (start, base - 7, start + width, base + 7)
            inside = (
                box[0] > frame[0] and box[1] > frame[1] and box[2] < frame[2] and box[3] < frame[3]
            )
            if inside and not any(
                box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken
            ):
                taken.append(box)
                line = f'<path class="leader" d="M{x:.1f} {y:.1f}L{tip:.1f} {base:.1f}"/>'
                return line * (distance > 20) + _text(start, base + 4, name)
    return ""


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return html.escape(text.translate(_CONTROLS))


def interval_text(interval: Mapping[str, float | None], digits: int = 2) -> str:
    """A mean with its interval, as `0.31 [0.25, 0.40]`."""
    if interval["mean"] is None:
        return "–"
    ends = [f"{end:.{digits}f}" for end in (interval["low"], interval["high"]) if end is not None]
    return f"{interval['mean']:.{digits}f} [{', '.join(ends) or 'unknown'}]"
