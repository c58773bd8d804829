"""The plane of effectiveness and coherence as an SVG drawing, light and dark."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxstyle.study.statistics import AXES, PLANE

# Characters that XML cannot represent.
_CONTROLS = {code: "\ufffd" for code in (*range(32), 0xFFFE, 0xFFFF) if chr(code) not in "\t\n\r"}
_MARKS = {"mixture": "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", "single": "m-6 0l6 -6l6 6l-6 6Z"}
# Colors follow `color-scheme`, so that the drawings of a dark page are dark.
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


class _Point(NamedTuple):
    """An objective in the drawing, in pixels."""

    row: Mapping[str, Any]
    x: float
    y: float


def plane(summary: Mapping[str, Any], *, width: int = 820) -> str:
    """Return the plane as an SVG that stands alone: objectives, their intervals, and the front.

    Labels keep clear of each other and of all points; a label without room is left to the point's
    title. Below a width of 600 pixels only the front is labeled.
    """
    frame = left, top, right, bottom = 46, 30, width - 12, max(310, width * 9 // 16)
    rows = [
        {**row, "index": i}
        for i, row in enumerate(summary["objectives"])
        if None not in (row[axis]["mean"] for axis in PLANE)
    ]
    rows.sort(key=lambda row: not row["front"])  # labeled first
    x_axis, y_axis = PLANE
    x_of, columns = _scale([row[x_axis]["mean"] for row in rows], left, right)
    y_of, lines = _scale([row[y_axis]["mean"] for row in rows], bottom, top)
    points = [_Point(row, x_of(row[x_axis]["mean"]), y_of(row[y_axis]["mean"])) for row in rows]
    bars = ["", ""]  # of the others, of the front
    for row, x, y in points:
        across, up = row[x_axis], row[y_axis]
        if None not in (across["low"], up["low"]):
            bars[row["front"]] += (
                f"M{x_of(across['low']):.1f} {y:.1f}H{x_of(across['high']):.1f}"
                f"M{x:.1f} {y_of(up['low']):.1f}V{y_of(up['high']):.1f}"
            )
    stairs = sorted((point.x, point.y) for point in points if point.row["front"])
    staircase = "".join(f"H{x:.1f}V{y:.1f}" for x, y in stairs)
    if stairs:
        staircase = f"M{stairs[0][0]:.1f} {top}{staircase}H{right}"
    grid = "".join(f"M{x_of(value):.1f} {top}V{bottom}" for value in columns)
    grid += "".join(f"M{left} {y_of(value):.1f}H{right}" for value in lines)
    marks = [_mark(point) for point in reversed(points)]  # the front on top
    texts = [_text(x_of(value), bottom + 16, f"{value:g}", "middle") for value in columns]
    texts += [_text(left - 6, y_of(value) + 4, f"{value:g}", "end") for value in lines]
    middle = (left + right) / 2
    texts.append(_text(middle, bottom + 36, "← closer to the style (effectiveness)", "middle"))
    texts.append(_text(left - 34, 18, "↓ more content (coherence)"))
    for kind, text, x in (("mixture", "mixture", 144), ("single", "single metric", 78)):
        marks.append(f'<path class="{kind}" d="M{right - x} 14{_MARKS[kind]}"/>')
        marks.append(_text(right - x + 9, 18, text))
    texts += _labels(points, stairs, frame)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plane" role="img" width="{width}" '
        f'height="{bottom + 46}" viewBox="0 0 {width} {bottom + 46}"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%"/><path d="{grid}"/>'
        f'<path class="curve" d="{_curves(points)}"/>'
        f'<path class="bars" d="{bars[0]}"/><path class="bars best" d="{bars[1]}"/>'
        f'<path class="stairs" d="{staircase}"/>{"".join(marks)}{"".join(texts)}</svg>\n'
    )


def _mark(point: _Point) -> str:
    row = point.row
    known = [axis for axis in AXES if row[axis]["mean"] is not None]
    title = "\n".join([row["name"], *(f"{axis} {interval_text(row[axis])}" for axis in known)])
    return (
        f'<path class="{row["kind"]}{" front" * row["front"]}" data-index="{row["index"]}" '
        f'd="M{point.x:.1f} {point.y:.1f}{_MARKS[row["kind"]]}">'
        f"<title>{_escaped(title)}</title></path>"
    )


def _curves(points: Iterable[_Point]) -> str:
    """Join the strengths of each mixture, in order of effectiveness."""
    curves: dict[str, list[str]] = {}
    for point in sorted(points, key=lambda point: (point.x, point.y)):
        curve = curves.setdefault(point.row.get("curve", point.row["name"]), [])
        curve.append(f"{point.x:.1f} {point.y:.1f}")
    return "".join("M" + "L".join(curve) for curve in curves.values() if curve[1:])


def _labels(
    points: Sequence[_Point], stairs: Sequence[tuple[float, float]], frame: _Box
) -> list[str]:
    """Label points where there is room, clear of the points and of the front's staircase."""
    left, top, right, bottom = frame
    steps = list(itertools.pairwise([(left, top), *stairs, (right, bottom)]))
    taken: list[_Box] = [(p.x - 7, p.y - 7, p.x + 7, p.y + 7) for p in points]
    taken += [(x - 2, above, x + 2, y) for (_, above), (x, y) in steps[:-1]]
    taken += [(x, y - 2, next_x, y + 2) for (x, y), (next_x, _) in steps[1:]]
    wide = right >= 588
    return [_label(point, taken, frame) for point in points if point.row["front"] or wide]


def _scale(
    values: Sequence[float], start: float, end: float
) -> tuple[Callable[[float], float], list[float]]:
    """Return a function from values to pixels, and ticks; outliers are drawn at the edge."""
    low, first, third, high = np.percentile([*values] or [0.0, 1.0], (0, 25, 75, 100))
    high = min(high, third + 2 * (third - first)) if third > first else high
    margin = 0.1 * (high - low) or 0.1
    low, high = low - 2 * margin, high + margin  # room for the labels of the front
    unit = 10.0 ** math.floor(math.log10((high - low) / 6))
    step = next(unit * digit for digit in (1, 2, 5, 10) if unit * digit >= (high - low) / 6)

    def place(value: float) -> float:
        return start + float(np.clip((value - low) / (high - low), 0, 1)) * (end - start)

    return place, [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def short_name(row: Mapping[str, Any]) -> str:
    """Return an objective's name; of a mixture of three and more metrics their number.

    >>> short_name({"name": "gram+mmd+patch ×0.3", "curve": "gram+mmd+patch", "count": 3})
    'mixture of 3 ×0.3'
    """
    name: str = row["name"]
    if row.get("count", 1) < 3:
        return name
    return f"mixture of {row['count']}{name.removeprefix(row.get('curve', name))}"


def _label(point: _Point, taken: list[_Box], frame: _Box) -> str:
    """Return a label in a free place near a point, or "" if there is none; extends `taken`."""
    x, y, front = point.x, point.y, point.row["front"]
    longest = 28 if frame[2] >= 600 else 18
    name = short_name(point.row)
    name = name if len(name) <= longest else name[: longest - 1] + "…"
    width = 6.8 * len(name)  # of a wide font
    # Nothing is better than the front: there, towards the lower left, is the most room.
    turns = (
        (135, 180, 90, 160, 110, 60, 30, 0, -45) if front else (-45, 0, -90, 45, 90, 180, 135, -135)
    )
    for distance, turn in itertools.product((12, 20, 30, 42, 56, 72), turns):
        across, down = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        tip, base = x + distance * across, y + distance * down
        start = tip - width * (1 - across) / 2
        left, top, right, bottom = box = (start, base - 7, start + width, base + 7)
        inside = left > frame[0] and top > frame[1] and right < frame[2] and bottom < frame[3]
        if inside and not any(
            left < b[2] and b[0] < right and top < b[3] and b[1] < bottom for b in taken
        ):
            taken.append(box)
            line = f'<path class="leader" d="M{x:.1f} {y:.1f}L{tip:.1f} {base:.1f}"/>'
            return line * (distance > 20) + _text(start, base + 4, name)
    return ""


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return html.escape(text.translate(_CONTROLS))


def interval_text(interval: Mapping[str, float | None]) -> str:
    """Format a mean with its interval, as `0.31 [0.25, 0.40]`."""
    if interval["mean"] is None:
        return "–"
    ends = [f"{end:.2f}" for end in (interval["low"], interval["high"]) if end is not None]
    return f"{interval['mean']:.2f} [{', '.join(ends) or 'unknown'}]"
