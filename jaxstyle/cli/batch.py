"""`jaxstyle batch`: many pictures, from folders into a folder."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.counts import counted
from jaxstyle._util.files import check_folder
from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.json_output import write_object
from jaxstyle.cli.options import (
    COUNT,
    OFFLINE,
    PATH,
    GroupedCommand,
    diagnostics,
    setting_options,
)
from jaxstyle.cli.output_options import FORMATS, output_file_options, output_option
from jaxstyle.cli.preset import given_settings, preset_option
from jaxstyle.cli.terminal import resumable_progress

if TYPE_CHECKING:
    from jaxstyle.batch.run import BatchPicture, Status


@click.command(
    short_help="Make pictures of whole folders, each painted like a style.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle batch photos/ --style painting.jpg -o painted",
        "jaxstyle batch 'photos/*.jpg' --style paintings/ -o painted --format jpg",
        "jaxstyle batch one.jpg two.jpg --style a.jpg --style b.jpg --pairwise -o out",
    ),
)
@click.argument("contents", metavar="CONTENT...", nargs=-1, required=True)
@output_option(
    "--style",
    "styles",
    multiple=True,
    required=True,
    metavar="STYLE",
    help="How to paint them: as CONTENT; may be given several times.",
)
@output_option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="FOLDER",
    help="Folder for the pictures, which keep their names: photo.png, or of several styles "
    "photo-painting.png.",
)
@output_option(
    "--pairwise", is_flag=True, help="Paint the first like the first style, the second like …"
)
@output_option("-r", "--recursive", is_flag=True, help="Search folders with their sub-folders.")
@output_option(
    "--skip-existing",
    is_flag=True,
    help="Make no picture whose file is there, even one of other settings.",
)
@output_option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    default="png",
    show_default=True,
    help="Format of the pictures.",
)
@output_option(
    "--lanes", type=COUNT, help="Pictures at a time [default: 16 a device, as memory allows]."
)
@output_file_options
@output_option("--json", "as_json", is_flag=True, help="Print what was made as a JSON object.")
@setting_options
@preset_option
@OFFLINE
@diagnostics
def batch(
    contents: tuple[str, ...],
    styles: tuple[str, ...],
    output: Path,
    pairwise: bool,
    recursive: bool,
    skip_existing: bool,
    format: str,
    lanes: int | None,
    encoding: dict[str, Any],
    as_json: bool,
    offline: bool,
    preset: Path | None,
    **values: Any,
) -> None:
    """Paint every CONTENT like a style, into FOLDER.

    CONTENT is a picture file, a folder, a glob, sample:NAME, or @FILE: a text file with one of
    these a line. A picture that fails is reported, and the others go on; then the exit status is 1.
    The same command again makes only what is missing.
    """
    from jaxstyle.batch.pictures import gather

    # Before anything heavy is imported.
    check_folder(output)
    chosen = given_settings(preset, values)
    photos: Any = gather(contents, recursive=recursive, output=output)
    paintings: Any = gather(styles, output=output)
    start_jax()
    from jaxstyle.batch.stylize_batch import stylize_batch

    began = time.perf_counter()
    with resumable_progress(output) as show:
        pictures = stylize_batch(
            photos,
            paintings,
            folder=output,
            pairwise=pairwise,
            recursive=recursive,
            format=format,
            resume=True,
            skip_existing=skip_existing,
            lanes=lanes,
            on_progress=show,
            offline=offline,
            **encoding,
            **chosen,
        )
    if as_json:
        write_object(_plain(pictures, time.perf_counter() - began))
    logger.info("%s: %s", output, _summary(pictures))
    if any(one.status == "failed" for one in pictures):
        click.get_current_context().exit(1)


def _summary(pictures: list[BatchPicture]) -> str:
    counts = Counter(one.status for one in pictures)
    total = counted(len(pictures), "picture")
    words: dict[Status, str] = {
        "finished": "were finished before",
        "skipped": "skipped",
        "failed": "failed",
    }
    parts = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
    return ", ".join([total, *parts])


def _plain(pictures: list[BatchPicture], seconds: float) -> dict[str, Any]:
    """Return the pictures as JSON has them."""
    rows = [
        {
            "content": one.content,
            "style": one.style,
            "output": str(one.picture) if one.picture.exists() else None,
            "manifest": str(one.manifest) if one.manifest.exists() else None,
            "status": one.status,
            "failure": one.failure,
            "seconds": one.seconds,
        }
        for one in pictures
    ]
    failed = sum(one.status == "failed" for one in pictures)
    return {"pictures": rows, "failed": failed, "seconds": round(seconds, 3)}
