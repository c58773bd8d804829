"""What the page says of a run: commands, Python, curves, and settings in words."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jaxstyle.app.gallery import Entry, facts_of
from jaxstyle.app.orders import Order
from jaxstyle.app.queue import View
from jaxstyle.grid.commands import stylize_command
from jaxstyle.grid.sweep import label
from jaxstyle.image.framing import shape_of
from jaxstyle.kinds import Mixture
from jaxstyle.plain import to_plain
from jaxstyle.settings import Settings, kind_of
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.presets import changes_of

_WIDTH, _HEIGHT = 560, 180
_COLORS = ("#4478aa", "#c2703d", "#4a8c5c", "#8d6bb0", "#b04a5a", "#6b7a8f", "#a08a2c", "#3c9a9a")


def with_files(
    settings: Settings, files: Mapping[str, Sequence[str]], labels: Sequence[str] = ()
) -> Settings:
    """Return settings with the names of uploads, as a command in the room's folder has them."""
    paths: dict[str, Any] = {"region_labels": tuple(labels)} if labels else {}
    for name, stored in files.items():
        if stored:
            several = tuple(f"inputs/{one}" for one in stored)
            paths[name] = several if isinstance(getattr(settings, name), tuple) else several[0]
    return replace(settings, **paths)


def command(content: str, styles: Sequence[str], settings: Settings) -> str:
    """Return the command line that makes the same picture, in the room's folder."""
    pictures = _places(content, styles)
    line = stylize_command(pictures, settings, [], "picture.png")
    return line or "(the command line cannot say these settings)"


def python(content: str, styles: Sequence[str], settings: Settings) -> str:
    """Return the Python that makes the same picture.

    >>> print(python("a.jpg", ["b.jpg"], Settings(steps=5, metric="gram=2")))
    import jaxstyle
    <BLANKLINE>
    result = jaxstyle.stylize(
        'inputs/a.jpg',
        'inputs/b.jpg',
        steps=5,
        metric='gram=2',
    )
    result.save("picture.png")
    """
    photo, *paintings = _places(content, styles)
    painting = repr(paintings[0]) if len(paintings) == 1 else repr(paintings)
    rows = [f"    {photo!r},", f"    {painting},"]
    rows += [f"    {name}={_literal(name, value)}," for name, value in changes_of(settings).items()]
    lines = "\n".join(rows)
    return f'import jaxstyle\n\nresult = jaxstyle.stylize(\n{lines}\n)\nresult.save("picture.png")'


def _places(content: str, styles: Sequence[str]) -> list[str]:
    """Return the files of uploads as seen from the room; names where there are none yet."""
    photo = f"inputs/{content}" if content else "photo.jpg"
    return [photo, *([f"inputs/{one}" for one in styles if one] or ["painting.jpg"])]


def _literal(name: str, value: Any) -> str:
    if isinstance(kind_of(name), Mixture):
        return repr("+".join(map(str, value)))
    return repr(value)


def status(order: Order, view: View | None, ahead: int) -> str:
    """Return what becomes of a run, in a line."""
    if order.state == "waiting":
        before = f", {ahead} before it" if ahead else ""
        return f"Waiting for its turn{before}"
    if order.state == "failed":
        return f"Failed: {order.message}"
    if view is None:
        begins = "Preparing its programs" if order.sweep else "Reading pictures and networks"
        return "Stopped" if order.state == "stopped" else begins
    unit = "cells" if order.sweep else "steps"
    done = f"{view.step} of {view.steps} {unit}, {view.size} pixels"
    if order.state == "stopped":
        return f"Stopped after {done}"
    if not view.step and not order.sweep:
        return "Compiling its programs; the next run of this kind begins sooner"
    return f"Running: {done}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def settings_table(facts: Manifest) -> str:
    """Return the settings of a picture as HTML: those that are the defaults are folded away."""
    default = to_plain(Settings())
    usual = {name: label(name, value) for name, value in default.items()}
    rows = [(name, label(name, value)) for name, value in facts["settings"].items()]
    changed = [row for row in rows if usual.get(row[0]) != row[1]]
    others = [row for row in rows if row not in changed]
    folded = f"<details><summary>Defaults</summary>{_table(others)}</details>"
    return _table(changed) + folded


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th scope=row>{html.escape(name.replace('_', ' '))}</th>"
        f"<td>{html.escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<table class=settings>{cells}</table>"


def curves(history: Mapping[str, Sequence[float]]) -> str:
    """Return the loss of each term over the steps as an SVG, each over its first value.

    Terms have units of their own: what tells is how far each has come.
    """
    lines = {name: values for name, values in history.items() if len(values) > 1 and values[0] > 0}
    if not lines:
        return "<p class=quiet>No steps, no curves.</p>"
    ratios = {
        name: [max(v / vs[0], 1e-6) for v in vs if math.isfinite(v)] for name, vs in lines.items()
    }
    low = min(min(values) for values in ratios.values())
    high = max(max(values) for values in ratios.values())
    bottom, top = math.log10(min(low, 0.5)), math.log10(max(high, 1.0))
    longest = max(map(len, ratios.values()))

    def point(number: int, ratio: float) -> str:
        x = 40 + (_WIDTH - 50) * number / max(1, longest - 1)
        y = 8 + (_HEIGHT - 30) * (top - math.log10(ratio)) / max(1e-6, top - bottom)
        return f"{x:.1f},{y:.1f}"

    drawn, names = [], []
    for number, (name, values) in enumerate(ratios.items()):
        color = _COLORS[number % len(_COLORS)]
        points = " ".join(point(*pair) for pair in enumerate(values))
        width = 2.5 if name == "total" else 1.2
        drawn.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}"/>'
        )
        names.append(f'<span><i style="background:{color}"></i>{html.escape(name)}</span>')
    marks = "".join(
        f'<text x="4" y="{float(point(0, ratio).split(",")[1]) + 4:.1f}">{ratio:.2g}</text>'
        for ratio in (10**top, 10**bottom)
    )
    steps = f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 4}" text-anchor="end">{longest} steps</text>'
    title = "Loss of each term over its first value, by step"
    return (
        f'<figure class=curves><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{title}">{"".join(drawn)}{marks}{steps}</svg>'
        f"<figcaption>{''.join(names)}</figcaption></figure>"
    )


def finished(entry: Entry) -> str:
    """Return what there is to say of a picture that lies in the room, as HTML."""
    facts = facts_of(entry)
    name = html.escape(entry.name)
    if facts is None:
        return f"{name}: without a manifest"
    height, width = shape_of(entry.path)
    steps = len(facts["history"].get("total", ()))
    seconds = _duration(float(facts.get("seconds", 0)))
    failure = html.escape(facts.get("failure") or "")
    asked = facts["settings"].get("size")
    no_more = isinstance(asked, int) and max(width, height) < asked
    why = f" (the photograph has no {asked})" if no_more else ""
    return f"{name}: {width} × {height} pixels{why}, {steps} steps, {seconds}. {failure}"
