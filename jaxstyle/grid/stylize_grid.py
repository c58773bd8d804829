"""`stylize_grid`: a whole sweep of settings, as few programs as its shapes allow.

Every cell of the grid is a run (`jaxstyle.run.Run`). Cells of one kind, which differ in numbers and
pictures but not in shapes, are lanes of one program (`jaxstyle.lanes`). Others take their turn.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import jax

from jaxstyle import recipes
from jaxstyle.grid.sweep import PICTURES
from jaxstyle.metrics import find
from jaxstyle.settings import MIXTURES, Choice, Settings, check_names, mixture
from jaxstyle.transfer import memory
from jaxstyle.transfer import stylize as transfer
from jaxstyle.transfer.batched import Before, Lanes, Outcome
from jaxstyle.transfer.job import Run, Source, Sources, chosen_settings
from jaxstyle.transfer.stylize import Stylized


class Cell(NamedTuple):
    """One cell of a grid.

    Attributes:
        values: What was swept, by name.
        made: What came out, as from `stylize`.
    """

    values: dict[str, Any]
    made: Stylized


class GridProgress(NamedTuple):
    """What a grid tells between chunks of steps.

    Attributes:
        cells: Done so far.
        of: Cells that there are.
        lanes: Cells at work together.
        size: Longest side of the scale at work, pixels.
        seconds: Since the grid began.
        seconds_left: An estimate: a step costs in proportion to lanes and pixels.
    """

    cells: int
    of: int
    lanes: int
    size: int
    seconds: float
    seconds_left: float

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1, by time."""
        return self.seconds / (self.seconds + self.seconds_left)

    def __str__(self) -> str:
        lanes = "lane" if self.lanes == 1 else "lanes"
        return (
            f"{self.cells}/{self.of} cells  {self.lanes} {lanes} at {self.size} px"
            f"  {self.seconds:.0f} s, {self.seconds_left:.0f} s left"
        )


def stylize_grid(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    sweep: Mapping[str, Sequence[Any]],
    zipped: bool = False,
    lanes: int | None = None,
    devices: Sequence[Any] | None = None,
    on_progress: Callable[[GridProgress], object] | None = None,
    report: Callable[[str], None] | None = None,
    offline: bool = False,
    **changes: Any,
) -> list[Cell]:
    """Make a picture for every combination of the values that are swept.

    Everything that is a number or a picture of one shape (weights, shares of a mixture, learning
    rates, seeds, metrics' parameters, first pictures, contents, styles) is a lane of one compiled
    program; a second grid of as many lanes and the same shapes compiles nothing, in the same
    process. What changes shapes or programs (metrics, networks, sizes, layers, optimizers; a weight
    of zero, which leaves its term out) makes one program for each combination.

    Args:
        content: As for `stylize`.
        style: As for `stylize`.
        settings: What all cells have in common.
        sweep: Values by name: of a setting (`"style_weight"`, `"seed"`, `"init"`, `"metric"`,
            …); of a metric's share (`"metric.gram"`, `"content_metric.mse"`); of a metric's
            parameter (`"contextual.bandwidth"`); or `"content"` and `"style"`. A `"metric"` may be
            a mixture such as `"gram=0.5+histogram"`, or the name of a recipe, for its mixture.
        zipped: The first values together, the second values together …, in place of every
            combination, the last name changing fastest.
        lanes: The most cells to do at a time (default: as many as there is memory for).
        devices: Where to spread lanes (default: all there are, of all processes).
        on_progress: Called between chunks of steps.
        report: Told, in lines, the plan, what is fetched and what was noticed.
        offline: Never fetch weights or pictures.
        changes: Settings by name, on top of `settings`.

    Returns:
        The cells, in order. One whose numbers stopped being finite says so in `made.failure` and
        has its last good picture; the others are not touched by it.

    Raises:
        ValueError: A picture, a setting or a value that cannot be used; a name that does not exist.
        TypeError: Likewise of a setting.
        OSError: A file or weights that are not here.

    >>> import numpy as np
    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> cells = stylize_grid(photo, painting, sweep={"seed": [1, 2]}, steps=1, scales=1)
    >>> [cell.values for cell in cells], cells[0].made.finite
    ([{'seed': 1}, {'seed': 2}], True)
    """
    combined = combinations(sweep, zipped)
    sources = Sources(report=report, offline=offline)
    runs = [
        Run(
            values.get("content", content),
            values.get("style", style),
            cell_settings(values, settings, changes),
            sources,
        )
        for values in combined
    ]
    made = dict(
        work(runs, lanes=lanes, devices=devices, on_progress=on_progress, report=sources.report)
    )
    return [Cell(values, made[number]) for number, values in enumerate(combined)]


def combinations(sweep: Mapping[str, Sequence[Any]], zipped: bool = False) -> list[dict[str, Any]]:
    """What each cell has for itself.

    >>> combinations({"seed": [1, 2], "style_weight": [0.1, 1]})[1]
    {'seed': 1, 'style_weight': 1}
    >>> combinations({"seed": [1, 2], "style_weight": [0.1, 1]}, zipped=True)[1]
    {'seed': 2, 'style_weight': 1}

    Raises:
        ValueError: Nothing is swept, or lists to be zipped have unlike lengths.
    """
    for name, values in sweep.items():
        if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
            raise ValueError(f"expected a list of values to sweep for {name}, got {values!r}")
    if not sweep:
        raise ValueError("there is nothing to sweep")
    counts = {name: len(values) for name, values in sweep.items()}
    if zipped and len(set(counts.values())) > 1:
        told = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ValueError(f"expected as many values of each name to zip, got {told}")
    together = zip(*sweep.values(), strict=True) if zipped else itertools.product(*sweep.values())
    return [dict(zip(sweep, values, strict=True)) for values in together]


def cell_settings(
    values: Mapping[str, Any], settings: Settings | None, changes: Mapping[str, Any]
) -> Settings:
    """The settings of a cell.

    Args:
        values: What it has for itself.
        settings: What all have in common.
        changes: On top of that.

    Raises:
        ValueError: A value out of its range, a metric or parameter that does not exist.
        TypeError: A setting that does not exist.
    """
    plain = {
        name: value for name, value in values.items() if "." not in name and name not in PICTURES
    }
    check_names(plain)
    for name in MIXTURES:
        if isinstance(plain.get(name), str):
            plain[name] = _mixture(plain[name], name)
    found = chosen_settings(settings, {**changes, **plain})
    for name, value in values.items():
        owner, dot, part = name.partition(".")
        if not dot:
            continue
        if owner in MIXTURES:
            shares: tuple[Choice, ...] = getattr(found, owner)
            find(part.partition("~")[0], cast(Any, MIXTURES[owner]))
            changed = tuple(
                (each[0], value, *each[2:]) if each[0] == part else each for each in shares
            )
            if changed == shares and part not in {each[0] for each in shares}:
                changed = (*shares, (part, value))
            found = replace(found, **cast(Any, {owner: changed}))
        else:
            others = tuple(each for each in found.parameter if each[0] != name)
            found = replace(found, parameter=(*others, (name, value)))
    return found


def _mixture(text: str, group: str) -> tuple[Choice, ...]:
    """A mixture by its text, or that of the recipe of this name."""
    chosen = mixture(text)
    kind: Any = MIXTURES[group]
    if len(chosen) == 1:
        try:
            find(chosen[0][0].partition("~")[0], kind)
        except ValueError:
            recipe = recipes.RECIPES.get(text)
            if recipe is None:
                raise
            found: tuple[Choice, ...] = getattr(recipes.settings(recipe=text), group)
            return found
    return chosen


def work(
    runs: Sequence[Run],
    *,
    lanes: int | None = None,
    devices: Sequence[Any] | None = None,
    on_progress: Callable[[GridProgress], object] | None = None,
    report: Callable[[str], None],
    before: Mapping[Hashable, Before] = MappingProxyType({}),
) -> Iterator[tuple[int, Stylized]]:
    """Do runs, those of one kind together, and give each with its number as it is done.

    Args:
        runs: One for each cell.
        lanes: The most of them at a time.
        devices: Where to spread lanes (default: all there are, of all processes).
        on_progress: Called between chunks of steps.
        report: Told the plan of each kind.
        before: With what program others of a `kind` were done before.

    Raises:
        ValueError: Less than one lane.
    """
    began = time.perf_counter()
    if lanes is not None and lanes < 1:
        raise ValueError(f"expected at least one lane, got {lanes}")
    kinds: dict[Hashable, list[int]] = {}
    for number, run in enumerate(runs):
        kinds.setdefault(kind(run), []).append(number)
    total = sum(run.work_left(0) for run in runs)
    work_done, done = 0.0, 0

    def on_steps(lanes_: int, steps: int, size: int) -> None:
        nonlocal work_done
        work_done += lanes_ * steps * size**2
        if on_progress:
            seconds = time.perf_counter() - began
            left = seconds * max(0.0, total - work_done) / work_done
            on_progress(GridProgress(done, len(runs), lanes_, size, seconds, left))

    for place, (name, numbers) in enumerate(kinds.items()):
        group = [runs[number] for number in numbers]
        memory.clear_caches_if_crowded()
        which = f"program {place + 1} of {len(kinds)}" if len(kinds) > 1 else "one program"
        together = None
        if not group[0].settings.memory.isdigit():
            together = Lanes(group, lanes, devices or jax.devices(), before.get(name))
            report(f"{which}: {told(together)}")
        if together and together.fits:
            finished = iter(numbers)
            chunk_began = time.perf_counter()
            for outcomes in together.outcomes(on_steps):
                seconds = time.perf_counter() - chunk_began
                for outcome in outcomes:
                    yield next(finished), _stylized(outcome, together, seconds / len(outcomes))
                done += len(outcomes)
                chunk_began = time.perf_counter()
            continue
        for number, run in zip(numbers, group, strict=True):
            report(f"{which}: one cell at a time")
            at_first = work_done

            def on_step(
                progress: transfer.Progress, run: Run = run, at_first: float = at_first
            ) -> None:
                nonlocal work_done
                work_done = at_first + run.work_left(0) - run.work_left(progress.step)
                on_steps(1, 0, progress.size)

            yield number, transfer.work(run, on_progress=on_step, report=report)
            work_done = at_first + run.work_left(0)
            done += 1


def kind(run: Run) -> Hashable:
    """Equal for runs that are lanes of one program."""
    return run.kind, run.settings.memory


def told(lanes: Lanes) -> str:
    """A plan in words."""
    count, width = len(lanes.runs), lanes.width
    chunks = -(-count // width)
    height, wide = lanes.runs[0].original.shape[:2]
    return (
        f"{count} {'cell' if count == 1 else 'cells'} of {wide} × {height}, "
        f"{width} {'lane' if width == 1 else 'lanes'} at a time in {chunks} "
        f"{'chunk' if chunks == 1 else 'chunks'}, about {lanes.peak / memory.GIB:.2f} GiB "
        f"of memory at the peak, of {lanes.available / memory.GIB:.1f} GiB there are"
    )


def _stylized(outcome: Outcome, lanes: Lanes, seconds: float) -> Stylized:
    run, picture, record, constants = outcome
    facts = run.facts(constants) | {
        "memory": {
            "layout": "lanes",
            "lanes": lanes.width,
            "shared": lanes.shared,
            "predicted": lanes.peak,
            "measured": memory.peak(),
            "available": lanes.available,
        },
        "seconds": round(seconds, 3),
    }
    failure = record.failure
    return Stylized(run.shown(picture), record.history, failure is None, failure, facts)
