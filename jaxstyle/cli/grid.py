"""`jaxstyle grid`: a picture for every combination of settings."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from jaxstyle._util.counts import counted
from jaxstyle._util.files import check_folder
from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.json_output import grid_object, write_object
from jaxstyle.cli.options import (
    COUNT,
    FOLDER,
    JSON,
    OFFLINE,
    GroupedCommand,
    command_line,
    diagnostics,
    grouped_option,
    setting_options,
)
from jaxstyle.cli.preset import given_settings, preset_option
from jaxstyle.cli.processes import join, process_options
from jaxstyle.cli.styles import STYLE, chosen_styles
from jaxstyle.cli.terminal import resumable_progress
from jaxstyle.settings import MAPS

sweep_option = grouped_option("Sweep")


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
@click.argument("style", nargs=-1)
@STYLE
@FOLDER
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
@preset_option
@process_options
@JSON
@OFFLINE
@diagnostics
def grid(
    content: str,
    style: tuple[str, ...],
    more_styles: tuple[str, ...],
    output: Path,
    sweeps: tuple[str, ...],
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    as_json: bool,
    offline: bool,
    preset: Path | None,
    **values: Any,
) -> None:
    """Make a picture of CONTENT and STYLE for every combination of the swept values.

    FOLDER gets the pictures, a contact sheet, a page (index.html) and tables (CSV, JSON). The same
    command resumes an interrupted grid: finished cells are not made again.
    """
    from jaxstyle.grid import sweep

    pairs = [sweep.parse(text) for text in sweeps]
    swept = dict(pairs)
    if len(swept) < len(pairs):
        raise ValueError("a name is swept twice; give all its values in one --sweep")
    check_folder(output)
    styles = chosen_styles(content, style, more_styles)
    chosen = given_settings(preset, values)
    # Before anything heavy is imported.
    pictures = (content, *styles, *swept.get("content", ()), *swept.get("style", ()))
    maps = [values[name] for name in MAPS if values[name]]
    for name in (*pictures, *values["content_mask"], *values["style_mask"], *maps):
        picture_input(name, offline=offline, standard_input=False)
    start_jax()
    if not join(coordinator, processes, process):
        logger.setLevel(logging.ERROR)
    from jaxstyle.grid.stylize_grid import stylize_grid

    with resumable_progress(output) as show:
        cells = stylize_grid(
            content,
            styles,
            sweep=swept,
            folder=output,
            resume=True,
            command=command_line(),
            on_progress=show,
            offline=offline,
            **chosen,
        )
    logger.info("%s (%s)", output / "index.html", counted(len(cells), "cell"))
    if as_json:
        write_object(grid_object(output, cells))
