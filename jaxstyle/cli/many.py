"""`jaxstyle grid` and `study`: many pictures in a folder."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.options import (
    COUNT,
    OFFLINE,
    PATH,
    GroupedCommand,
    Parsed,
    command_line,
    diagnostics,
    explicit_options,
    grouped_option,
    setting_options,
)
from jaxstyle.cli.terminal import show_progress
from jaxstyle.kinds import Number, Several

folder_option = grouped_option("Output")(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="FOLDER",
    help="Folder for the pictures, tables and the page.",
)
sweep_option = grouped_option("Sweep")
process_option = grouped_option("Several processes")
study_option = grouped_option("Study")


@click.command(
    short_help="Make a picture for every combination of swept settings.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle grid photo.jpg painting.jpg -o grid --sweep style_weight=0.1,1,10\n"
        "--sweep metric=gram,sliced_wasserstein,diverse",
        "jaxstyle grid photo.jpg painting.jpg -o starts --sweep seed=0..3 --init noise",
    ),
)
@click.argument("content")
@click.argument("style", nargs=-1, required=True)
@folder_option
@sweep_option(
    "--sweep",
    "sweeps",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="What varies: 0.1,1,10 or 0..3 or linspace(0,1,5) or logspace(-1,2,6), of any setting, "
    "of metric.NAME (a weight), METRIC.PARAMETER, content or style; may be given several times.",
)
@sweep_option(
    "--zip",
    "zipped",
    is_flag=True,
    help="Combine first values with first values, second with second …",
)
@sweep_option("--lanes", type=COUNT, help="Cells at a time [default: as memory allows].")
@setting_options
@process_option(
    "--coordinator",
    metavar="HOST:PORT",
    help="Share the work with other processes; the first of them listens at this address. auto: "
    "as the cluster says, if JAX knows it.",
)
@process_option("--processes", type=COUNT, help="Number of processes.")
@process_option("--process", type=click.IntRange(0), help="Number of this process, from 0.")
@OFFLINE
@diagnostics
def grid(
    content: str,
    style: tuple[str, ...],
    output: Path,
    sweeps: tuple[str, ...],
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    offline: bool,
    **values: Any,
) -> None:
    """Make a picture of CONTENT and STYLE for every combination of the swept values.

    FOLDER gets the pictures, a contact sheet, a page (index.html) and tables (CSV, JSON). The same
    command resumes an interrupted grid: finished cells are not made again.
    """
    from jaxstyle import samples
    from jaxstyle.grid import sweep
    from jaxstyle.image.io import check_input

    pairs = [sweep.parse(text) for text in sweeps]
    swept = dict(pairs)
    if len(swept) < len(pairs):
        raise ValueError("a name is swept twice; give all its values in one --sweep")
    if output.exists() and not output.is_dir():
        raise ValueError(f"expected a folder to write into, {output} is a file")
    # Before anything heavy is imported.
    for name in (content, *style, *swept.get("content", ()), *swept.get("style", ())):
        check_input(samples.resolve(name, offline=offline))
    start_jax()
    if not _join(coordinator, processes, process):
        logger.setLevel(logging.ERROR)
    from jaxstyle.grid.stylize_grid import stylize_grid

    try:
        with show_progress() as show:
            cells = stylize_grid(
                content,
                style,
                sweep=swept,
                folder=output,
                resume=True,
                command=command_line(),
                on_progress=show,
                offline=offline,
                **explicit_options(values),
            )
    except KeyboardInterrupt:
        print(f"jaxstyle: interrupted; the same command resumes in {output}", file=sys.stderr)
        sys.exit(130)
    logger.info("%s (%d cells)", output / "index.html", len(cells))


def _join(coordinator: str | None, processes: int | None, process: int | None) -> bool:
    """Join the other processes, if there are any, and return whether this is the first."""
    import jax

    if coordinator == "auto":
        jax.distributed.initialize()
    elif coordinator:
        jax.distributed.initialize(coordinator, processes, process)
    elif processes is not None or process is not None:
        raise ValueError("--processes and --process need a --coordinator")
    return jax.process_index() == 0


def _numbers(type_: type[float]) -> Parsed:
    return Parsed("NUMBER,…", Several(item=Number(type=type_)).parse)


def _part(text: str) -> tuple[int, int]:
    """Parse `2/3`, the second of three shares, into its index from 0 and the count."""
    first, _, count = text.partition("/")
    if not (first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count)):
        raise ValueError(f"expected a share such as 2/3, the second of three, got {text!r}")
    return int(first) - 1, int(count)


@click.command(
    short_help="Which objectives make better pictures? Judge them on many pairs.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle study --contents photos/ --styles paintings/ -o study\n"
        "--objective gram --objective gram=0.5+histogram",
        "jaxstyle study --contents photos/ --styles paintings/ -o study\n"
        "--objective moments --objective gatys --strengths 0.3,1,3",
    ),
)
@study_option(
    "--contents",
    multiple=True,
    required=True,
    metavar="SET",
    help="A folder, a file, sample:NAME or tfds:NAME/SPLIT; may be given several times.",
)
@study_option("--styles", multiple=True, required=True, metavar="SET", help="Likewise.")
@study_option(
    "--objective",
    "objectives",
    multiple=True,
    required=True,
    metavar="MIXTURE",
    help="Style metrics such as gram=0.5+histogram, or a recipe, for its mixture; may be given "
    "several times.",
)
@folder_option
@study_option(
    "--strengths",
    type=_numbers(float),
    default="1",
    show_default=True,
    help="Factors of the style weight: every objective runs with each of them, and objectives are "
    "compared where they keep equally much of the content.",
)
@study_option(
    "--training",
    type=_numbers(int),
    help="Pairs (content × styles + style) that were used to choose objectives; excluded from the "
    "judgement.",
)
@study_option(
    "--judges",
    "networks",
    type=Parsed("NETWORK,…", Several().parse),
    default="vgg16,alexnet",
    show_default=True,
    help="Networks of the judges.",
)
@study_option(
    "--part",
    type=Parsed("K/N", _part),
    help="Only this share of the objectives, 1/N to N/N, and no report: several processes can "
    "share the work on one folder; the command without it then writes the report.",
)
@study_option("--title", default="Study", show_default=True, help="Title of the report.")
@study_option("--lanes", type=COUNT, help="Pictures at a time [default: as memory allows].")
@partial(setting_options, size="Longest side of the pictures in pixels [default: 128].")
@OFFLINE
@diagnostics
def study(output: Path, part: tuple[int, int] | None, **values: Any) -> None:
    """Make a picture of every pair by every objective, and judge them all.

    FOLDER gets a report (index.html), tables, and the pictures. Objectives differ in their style
    metrics; all other settings are common. Judges are metrics and networks that the objective has
    not used. The same command resumes an interrupted study.
    """
    given = explicit_options(values)
    if "metric" in given:
        raise ValueError("the objectives set the style metrics: use --objective, not --metric")
    start_jax()
    from jaxstyle._util.lock import exclusive_lock
    from jaxstyle.study.study import study as run

    # Parts of one study run side by side in one folder.
    locked = output / f"part {part[0]} of {part[1]}" if part else output
    with exclusive_lock(locked), show_progress() as show:
        summary = run(folder=output, part=part, command=command_line(), on_progress=show, **given)
    if part:
        return
    for line in summary["answer"]:
        print(line)
    logger.info("%s", output / "index.html")
