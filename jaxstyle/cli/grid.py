"""Commands that make many pictures: `jaxstyle grid` and `jaxstyle study`."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click

from jaxstyle.cli.options import (
    DEBUG,
    FOLDER,
    LAYERS,
    OFFLINE,
    PART,
    QUIET,
    keep_compilations,
    note,
    numbers,
    said,
    setting_flags,
    silent,
)

STUDY_SIZE = 128


@click.command(short_help="Make a picture for every combination of swept settings.")
@click.argument("content")
@click.argument("style", nargs=-1, required=True)
@FOLDER
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="What changes: 0.1,1,10 or 0..3 or linspace(0,1,5) or logspace(-1,2,6), of any setting, "
    "of metric.NAME (a share), METRIC.PARAMETER, content or style; may be given several times.",
)
@click.option(
    "--zip", "zipped", is_flag=True, help="First values together, second values together …"
)
@click.option(
    "--lanes", type=click.IntRange(1), help="Cells at a time [default: as memory allows]."
)
@setting_flags
@click.option(
    "--coordinator",
    metavar="HOST:PORT",
    help="Work together with other processes, of which the first listens there; auto finds it "
    "on a cluster that JAX knows.",
)
@click.option("--processes", type=click.IntRange(1), help="How many processes there are.")
@click.option("--process", type=click.IntRange(0), help="Which of them this is, from 0.")
@OFFLINE
@QUIET
@DEBUG
def grid(
    content: str,
    style: tuple[str, ...],
    output: Path,
    sweeps: tuple[str, ...],
    zipped: bool,
    lanes: int | None,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    offline: bool,
    quiet: bool,
    debug: bool,
    **chosen: Any,
) -> None:
    """Make a picture of CONTENT and STYLE for every combination of the values that are swept.

    FOLDER gets the pictures, a contact sheet, a page (index.html) and tables (CSV, JSON). The same
    command goes on where it was interrupted: cells that are done are not done again.

    \b
    jaxstyle grid photo.jpg painting.jpg -o grid --sweep "style_weight=logspace(-1,2,6)" \\
        --sweep metric=gram,sliced_wasserstein,diverse
    """  # noqa: D301 (click wants the backspace itself)
    from jaxstyle import samples
    from jaxstyle.grid import sweep
    from jaxstyle.image.io import check_input
    from jaxstyle.transfer import manifest

    pairs = [sweep.parse(each) for each in sweeps]
    swept = dict(pairs)
    if len(swept) < len(pairs):
        raise ValueError("a name is swept twice; give all its values in one --sweep")
    if output.exists() and not output.is_dir():
        raise ValueError(f"expected a folder to write into, {output} is a file")
    if not quiet:
        note("starting JAX …")
    keep_compilations()
    first = _join(coordinator, processes, process)
    quiet = quiet or not first
    report = silent if quiet else note
    from jaxstyle._util.lock import alone
    from jaxstyle.cli.progress import shown
    from jaxstyle.grid import stylize_grid as grids
    from jaxstyle.grid.results import Folder
    from jaxstyle.transfer.job import Run, Sources

    given = said(chosen)
    points = list(grids.combinations(swept, zipped))
    report(f"{len(points)} cells")
    for point, count in Counter(map(repr, points)).items():
        if count > 1:
            raise ValueError(f"{count} cells are the same: {point}")
    fetched: dict[str, Any] = {"offline": offline, "report": report}
    sources = Sources(**fetched)
    runs, cells = [], []
    shown_inputs: dict[tuple[str, Path], None] = {}
    for values in points:
        settings = grids.cell_settings(values, None, given)
        own = (values.get("content", content), *([values["style"]] if "style" in values else style))
        inputs = [samples.resolve(each, **fetched) for each in own]
        for path in inputs:
            check_input(path)
        runs.append(Run(inputs[0], inputs[1:], settings, sources))
        filled = runs[-1].filled()
        cells.append((values, filled, manifest.inputs_of(filled, inputs[0], inputs[1:])))
        shown_inputs |= dict.fromkeys((("content", inputs[0]), *(("style", s) for s in inputs[1:])))
    if "seed" in swept and not all(run.draws for run in runs):
        report("some cells draw nothing at random: whatever the seed, they are the same picture")
    if first:
        click.get_current_context().with_resource(alone(output))
    folder = Folder(output, cells, sources.networks.sums()) if first else None
    places = folder.places if folder else (None,) * len(runs)
    done = _agreed([bool(folder and place and folder.done(place)) for place in places])
    left = [number for number in range(len(runs)) if not done[number]]
    if len(left) < len(runs):
        report(f"{len(runs) - len(left)} of {len(runs)} cells are there already")
    waiting = [runs[number] for number in left]
    before = {}
    if folder and folder.again() and processes is None:
        for run, place, there in zip(runs, folder.places, done, strict=True):
            if there and (program := folder.before(place)):
                before[grids.kind(run)] = program
    command = f"jaxstyle {shlex.join(click.get_current_context().obj)}"
    try:
        with shown(quiet) as show:
            made = grids.work(waiting, lanes=lanes, on_progress=show, report=report, before=before)
            for number, one in made:
                if folder:
                    folder.keep(folder.places[left[number]], one)
                if one.failure:
                    report(f"{cells[left[number]][0]}: {one.failure}")
    except KeyboardInterrupt:
        if folder:
            folder.finish(shown_inputs, command=command, zipped=zipped)
        print(f"jaxstyle: interrupted; the same command goes on in {output}", file=sys.stderr)
        sys.exit(130)
    if folder:
        folder.finish(shown_inputs, command=command, zipped=zipped)
        report(f"{output / 'index.html'} ({len(runs)} cells)")


@click.command(short_help="Which objectives make better pictures? Judge them on many pairs.")
@click.option(
    "--contents",
    multiple=True,
    required=True,
    metavar="SET",
    help="A folder, a file, sample:NAME or tfds:NAME/SPLIT; may be given several times.",
)
@click.option("--styles", multiple=True, required=True, metavar="SET", help="Likewise.")
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    required=True,
    metavar="MIXTURE",
    help="Style metrics such as gram=0.5+histogram, or a recipe, for its mixture; several times.",
)
@FOLDER
@click.option(
    "--strengths",
    type=numbers(float),
    default="1",
    show_default=True,
    help="Times the style weight: every objective is done with each, and objectives are compared "
    "where they keep equally much of the content.",
)
@click.option(
    "--training",
    type=numbers(int),
    default=(),
    help="Pairs (content × styles + style) that chose between objectives; not judged by.",
)
@click.option(
    "--judges",
    "networks",
    type=LAYERS,
    default="vgg16,alexnet",
    show_default=True,
    metavar="NETWORK,…",
    help="Networks of the judges.",
)
@click.option(
    "--part",
    type=PART,
    help="Only this share of the objectives, 1/N to N/N, and no report: several processes can "
    "share the work on one folder; the command without it then reports.",
)
@click.option("--title", default="Study", show_default=True, help="Of the report.")
@click.option(
    "--lanes", type=click.IntRange(1), help="Pictures at a time [default: as memory allows]."
)
@partial(setting_flags, size=f"Longest side of the pictures in pixels (default: {STUDY_SIZE}).")
@OFFLINE
@QUIET
@DEBUG
def study(
    output: Path,
    networks: tuple[str, ...],
    quiet: bool,
    debug: bool,
    size: int | None,
    **given: Any,
) -> None:
    """Make a picture of every pair by every objective, and judge them all.

    FOLDER gets a report (index.html), tables, and the pictures. Objectives differ in their style
    metrics; all other settings are common. Judges are metrics and networks that the objective has
    not used. The same command goes on where it was interrupted.
    """
    names = (
        "contents",
        "styles",
        "objectives",
        "strengths",
        "training",
        "part",
        "title",
        "lanes",
        "offline",
    )
    asked: dict[str, Any] = {name: given.pop(name) for name in names}
    asked["training"] = asked["training"] or ()
    changes = said(given)
    if "metric" in changes:
        raise ValueError("the style metrics are each objective's own: use --objective")
    report = silent if quiet else note
    report("starting JAX …")
    keep_compilations()
    from jaxstyle._util.lock import alone
    from jaxstyle.cli.progress import shown
    from jaxstyle.study.study import study as run

    # Parts of one study work side by side in one folder.
    place = output / "part {} of {}".format(*asked["part"]) if asked["part"] else output
    with alone(place), shown(quiet) as show:
        summary = run(
            folder=output,
            size=size or STUDY_SIZE,
            command=f"jaxstyle {shlex.join(click.get_current_context().obj)}",
            on_progress=show,
            report=report,
            networks=networks,
            **asked,
            **changes,
        )
    if asked["part"]:
        return
    for line in summary["answer"]:
        print(line)
    report(str(output / "index.html"))


def _join(coordinator: str | None, processes: int | None, process: int | None) -> bool:
    """Join the other processes, if there are any; whether this is the first of all."""
    import jax

    if coordinator == "auto":
        jax.distributed.initialize()
    elif coordinator:
        jax.distributed.initialize(coordinator, processes, process)
    elif processes is not None or process is not None:
        raise ValueError("--processes and --process need a --coordinator")
    return jax.process_index() == 0


def _agreed(answers: list[bool]) -> list[bool]:
    """What the first of all processes answers."""
    import jax

    if jax.process_count() == 1:
        return answers
    import numpy as np
    from jax.experimental import multihost_utils

    return [bool(each) for each in multihost_utils.broadcast_one_to_all(np.array(answers))]
