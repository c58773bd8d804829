"""`stylize_grid`: a whole sweep of settings, in as few programs as its shapes allow.

Every cell of the grid is a job (`jaxstyle.transfer.job`). Cells of one program key, which differ in
numbers and pictures but not in shapes, are lanes of one program; others take their turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxstyle._util import arguments
from jaxstyle._util.counts import counted
from jaxstyle._util.files import check_folder
from jaxstyle._util.lock import exclusive_lock
from jaxstyle._util.log import logger, reported_to
from jaxstyle.grid.cells import cell_settings, combinations
from jaxstyle.grid.commands import names_given, stylize_command
from jaxstyle.grid.folder import GridFolder
from jaxstyle.grid.sweep import identify
from jaxstyle.settings import Settings
from jaxstyle.transfer.batch import batch_of
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.progress import OnProgress
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.run_jobs import OnPictures, check_lanes, run_jobs
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.transfer.steppers.batched import BatchSpec


class Cell(NamedTuple):
    """One cell of a grid.

    Attributes:
        values: Its swept values, by name.
        result: As from `stylize`.
    """

    values: dict[str, object]
    result: Result


def stylize_grid(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    sweep: Mapping[str, Sequence[object]],
    zipped: bool = False,
    lanes: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    command: str | None = None,
    on_progress: OnProgress | None = None,
    on_pictures: OnPictures | None = None,
    report: Callable[[str], object] | None = None,
    offline: bool = False,
    **changes: Unpack[Changes],
) -> list[Cell]:
    """Make a picture for every combination of the values that are swept.

    Every number and every picture of one shape (weights, shares of a mixture, learning rates,
    seeds, metrics' parameters, initial pictures, contents, styles) is a lane of one compiled
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
            a mixture such as `"gram=0.5+histogram"`, a `Metric`, or the name of a recipe, for its
            mixture.
        zipped: The first values together, the second values together …, in place of every
            combination, the last name changing fastest.
        lanes: The most cells to run at a time (default: as many as there is memory for).
        devices: Where to spread lanes (default: all devices, of all processes).
        folder: Write each cell's picture and manifest there as soon as it is done, and at the end
            a contact sheet, a page and tables: see `jaxstyle.grid.results`.
        resume: Do not make cells again that are in the folder, whole, and resume batches that were
            interrupted.
        command: The command line, quoted on the page.
        on_progress: Called between chunks of steps. If it raises, a checkpoint is written first.
        on_pictures: Likewise after every step, on an accelerator about every half second, with the
            pictures so far by the cells' numbers.
        report: Deprecated: the logger `jaxstyle` says what is planned, fetched and noticed.
        offline: Never fetch weights or pictures.
        changes: Settings by name, on top of `settings`.

    Returns:
        The cells, in order (of several processes, those that were in the folder only in the first).
        One whose numbers stopped being finite says so in `result.failure` and has its
        last good picture; the others are not affected.

    Raises:
        ValueError: A picture, a setting or a value that cannot be used; a name that does not exist.
        TypeError: Likewise of a setting; an argument of another kind.
        OSError: A file or weights that are not installed.

    >>> import numpy as np
    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> cells = stylize_grid(photo, painting, sweep={"seed": [1, 2]}, steps=1, scales=1)
    >>> [cell.values for cell in cells], cells[0].result.finite
    ([{'seed': 1}, {'seed': 2}], True)
    """
    arguments.instance("settings", settings, Settings, optional=True)
    arguments.instance("command", command, str, optional=True)
    arguments.flags(zipped=zipped, resume=resume, offline=offline)
    arguments.functions(on_progress=on_progress, on_pictures=on_pictures, report=report)
    check_lanes(lanes, devices)
    if folder is not None:
        check_folder(arguments.path("folder", folder))
    elif resume:
        raise ValueError("expected a folder to resume")
    with reported_to(report):
        points = combinations(sweep, zipped)
        _check_distinct(points)
        sources = Sources(offline=offline)
        pictures = [(p.get("content", content), p.get("style", style)) for p in points]
        chosen = [cell_settings(values, settings, changes) for values in points]
        jobs = [
            make_job(*pair, wanted, sources) for pair, wanted in zip(pictures, chosen, strict=True)
        ]
        if "seed" in sweep and not all(job.uses_seed for job in jobs):
            sources.note("some cells draw nothing at random: the seed does not change them")
        run = partial(
            run_jobs,
            lanes=lanes,
            devices=devices,
            on_progress=on_progress,
            on_pictures=on_pictures,
        )
        if folder is None:
            results = dict(run(jobs))
        else:
            # Of several processes the first writes.
            first = jax.process_index() == 0
            with exclusive_lock(folder) if first else nullcontext():
                grid = GridFolder(Path(folder), points, jobs, sources) if first else None
                try:
                    results = _run_in_folder(grid, jobs, resume, run)
                finally:
                    if grid:
                        shown = [(one, *as_styles(others)) for one, others in pictures]
                        commands = [
                            stylize_command(inputs, wanted, names_given(changes, values), name)
                            for inputs, wanted, values, name in zip(
                                shown, chosen, points, grid.names, strict=True
                            )
                        ]
                        grid.finish(shown, command, commands, zipped)
    return [Cell(values, results[n]) for n, values in enumerate(points) if n in results]


def _check_distinct(points: Sequence[Mapping[str, Any]]) -> None:
    texts = [tuple((name, identify(value)) for name, value in point.items()) for point in points]
    (text, count), *_ = Counter(texts).most_common(1)
    if count > 1:
        values = ", ".join(f"{name}={value}" for name, value in text)
        raise ValueError(f"{count} cells are the same: {values}")


def _run_in_folder(
    grid: GridFolder | None,
    jobs: Sequence[Job],
    resume: bool,
    run: Callable[..., Iterator[tuple[int, Result]]],
) -> dict[int, Result]:
    """Run the cells that are not in the folder yet, and write each when it is done."""
    if grid and not resume:
        grid.clear_checkpoints()
    kept = [grid.manifest(r) for r in grid.records] if grid and resume else [None] * len(jobs)
    done = _agreed([facts is not None for facts in kept])
    if any(done):
        what = "1 cell is" if len(done) == 1 else f"{sum(done)} of {len(done)} cells are"
        logger.info(f"{what} finished already")
    alone = grid if jax.process_count() == 1 else None
    previous: dict[Hashable, BatchSpec] = {}
    if grid and grid.lists_same_cells() and alone:
        for job, facts in zip(jobs, kept, strict=True):
            if facts and (batch := batch_of(facts)):
                previous[job.program_key] = batch
    results: dict[int, Result] = {}
    lost: list[int] = []
    checkpoints = alone.checkpoints if alone else None
    for number, result in run(jobs, done=done, previous=previous, checkpoints=checkpoints):
        results[number] = result
        if grid and not grid.write(grid.records[number], result):
            lost.append(number)
            if lost[-2:] == [*results][-2:]:
                break  # two in a row: there is no room for the others either
    if not grid:
        return results
    if lost:
        raise OSError(
            f"{counted(len(lost), 'cell')} of {len(results)} could not be written; the same "
            "command resumes"
        )
    grid.clear_checkpoints()
    for number, (record, job, facts) in enumerate(zip(grid.records, jobs, kept, strict=True)):
        if facts:
            results[number] = grid.result(record, job, facts)
    return results


def _agreed(answers: list[bool]) -> list[bool]:
    """Return the answers of the first of all processes."""
    if jax.process_count() == 1:
        return answers
    return [bool(one) for one in multihost_utils.broadcast_one_to_all(np.array(answers))]
