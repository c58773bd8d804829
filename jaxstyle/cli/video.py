"""`jaxstyle video`: a film from a clip."""

from __future__ import annotations

import itertools
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.counts import counted
from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.json_output import write_object
from jaxstyle.cli.options import (
    COUNT,
    OFFLINE,
    PATH,
    GroupedCommand,
    Parsed,
    diagnostics,
    grouped_option,
    setting_options,
)
from jaxstyle.cli.output_options import output_option
from jaxstyle.cli.preset import given_settings, preset_option
from jaxstyle.cli.processes import join, process_options
from jaxstyle.cli.streams import write_message
from jaxstyle.cli.styles import STYLE, chosen_styles
from jaxstyle.cli.terminal import exit_status, stop_insisting, stoppable_progress
from jaxstyle.video.film_settings import FORMATS, FilmSettings

if TYPE_CHECKING:
    from jaxstyle.video.make import FilmRun
    from jaxstyle.video.progress import OnProgress

clip_option = grouped_option("Clip")
film_option = grouped_option("From frame to frame")
_AT = re.compile(r"(?P<file>.+)@(?P<seconds>\d+(\.\d+)?)s?")
_FILM = ("temporal_weight", "temporal_metric", "distances", "frame_steps", "warp", "passes", "cut")


def _seconds(text: str) -> float:
    """Parse 90, 90s or 1:30.

    >>> _seconds("1:30.5")
    90.5
    """
    total = 0.0
    for part in text.removesuffix("s").split(":"):
        if not re.fullmatch(r"\d+(\.\d*)?", part):
            raise ValueError(f"expected seconds, or minutes:seconds, got {text}")
        total = 60 * total + float(part)
    return total


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"expected frames a second, as 25 or 30000/1001, got {text}") from None
    if not 0 < rate <= 1000:
        raise ValueError(f"expected frames a second above 0, up to 1000, got {text}")
    return rate


def _distances(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"expected numbers of frames, as 1,10,20, got {text}") from None


@click.command(
    short_help="Make a film: every frame of CLIP painted like STYLE, and still.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle video clip.mp4 painting.jpg -o film.mp4",
        "jaxstyle video frames/ painting.jpg -o painted/ --size 512",
        "jaxstyle video clip.mp4 --style a.jpg@0 --style b.jpg@5 -o film.mp4 --end 10",
        "jaxstyle video one.mp4 two.mp4 painting.jpg -o films/",
    ),
)
@click.argument("clip", metavar="CLIP...")
@click.argument("style", nargs=-1)
@STYLE
@output_option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="FILM",
    help="MP4, M4V, MOV, MKV or WebM file; or a folder for frames. Of several clips a folder for "
    "films, which keep their names.",
)
@output_option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    help="What the films of several clips are written as [default: mp4].",
)
@output_option(
    "--lanes",
    type=COUNT,
    help="Clips at a time, and if there are fewer, their scenes [default: 16 clips a device, as "
    "memory allows].",
)
@output_option("--codec", metavar="NAME", help="FFmpeg's encoder [default: libx264; WebM: VP9].")
@output_option("--crf", type=click.IntRange(0, 63), help="Quality, lower is better [default: 17].")
@output_option("--lossless", is_flag=True, help="Keep every pixel as it is (H.264 in RGB).")
@output_option("--resume", is_flag=True, help="Resume where the film was interrupted.")
@output_option(
    "--preview", type=PATH, metavar="PICTURE", help="Write the last frame there as it is done."
)
@output_option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
@clip_option("--start", type=Parsed("TIME", _seconds), default="0", help="Begin there: 90 or 1:30.")
@clip_option("--end", type=Parsed("TIME", _seconds), help="End before.")
@clip_option("--every", type=COUNT, default=1, help="Take each so many-th frame.")
@clip_option(
    "--fps",
    type=Parsed("NUMBER", _rate),
    help="Take so many frames a second; of pictures, show so many [25].",
)
@film_option(
    "--temporal-weight",
    type=click.FloatRange(0),
    metavar="NUMBER",
    help="How hard a frame is held to the ones before, moved along the flow [default: 10].",
)
@film_option(
    "--temporal-metric",
    type=click.Choice(("squared", "absolute")),
    help="By which distance [default: squared].",
)
@film_option(
    "--distances",
    type=Parsed("FRAMES", _distances),
    help="How long ago those frames are, as 1,10,20 [default: 1].",
)
@film_option("--frame-steps", type=COUNT, help="Steps of a frame after the first [default: 15].")
@film_option("--warp/--no-warp", default=None, help="Start from the frame before, moved.")
@film_option("--passes", type=click.IntRange(1, 2), help="2: backward over the film, too.")
@film_option(
    "--cut",
    type=click.FloatRange(0, 1),
    metavar="PART",
    help="A frame that shows less of the one before begins a scene; 0 for none [default: 0.35].",
)
@film_option(
    "--flow", type=PATH, metavar="FOLDER", help="Flow files: forward_1_2.flo, backward_2_1.flo …"
)
@setting_options
@preset_option
@process_options
@OFFLINE
@diagnostics
def video(
    clip: str,
    style: tuple[str, ...],
    more_styles: tuple[str, ...],
    output: Path,
    format: str | None,
    lanes: int | None,
    codec: str | None,
    crf: int | None,
    lossless: bool,
    resume: bool,
    preview: Path | None,
    as_json: bool,
    start: float,
    end: float | None,
    every: int,
    fps: Fraction | None,
    flow: Path | None,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    offline: bool,
    preset: Path | None,
    **values: Any,
) -> None:
    """Make a film of CLIP, painted like STYLE; of several clips a film each.

    CLIP is a film, a folder of pictures, or a glob. A frame starts from the one before, moved along
    the optical flow, and is held to it wherever both show the same. STYLE@SECONDS says when a style
    is shown; styles are faded from one to the next. Clips of one shape are painted together. Needs
    pip install 'jaxstyle[video]'.
    """
    from jaxstyle import recipes
    from jaxstyle._util.files import check_folder
    from jaxstyle.video.names import films_in, is_clip

    film = {name: values.pop(name) for name in _FILM}
    settings = recipes.settings(**given_settings(preset, values))
    clips = [clip, *itertools.takewhile(is_clip, style)]
    styles, times = _styles(chosen_styles(clips[-1], style[len(clips) - 1 :], more_styles))
    pictures = [picture_input(name, offline=offline, standard_input=False) for name in styles]
    are_several = len(clips) > 1 or format is not None
    if are_several and flow is not None:
        raise ValueError("expected flow of one clip: flow files are named by its frames alone")
    from jaxstyle.video.clip import Selection
    from jaxstyle.video.opening import clip_of
    from jaxstyle.video.writing import Encoding, check_film, check_parent

    # Everything is checked before anything heavy is imported.
    film_settings = FilmSettings(**{name: v for name, v in film.items() if v is not None})
    selection, encoding = Selection(start, end, every, fps), Encoding(codec, crf, lossless)
    pairs = [(clip, output)]
    if are_several:
        check_folder(output)
        pairs = films_in(output, clips, format or "mp4")
    else:
        clip_of(clip, selection)
    if pairs[0][1].suffix and not pairs[0][1].is_dir():
        check_film(pairs[0][1], encoding)
        if not are_several:
            check_parent(output)
    if preview is not None:
        from jaxstyle.image.io import check_output

        check_output(preview)
    if coordinator and resume:
        raise ValueError("expected resume of one process: others do not know what is kept")
    start_jax()
    if not join(coordinator, processes, process):
        logger.setLevel(logging.ERROR)
    from jaxstyle.video.make import FilmRun

    runs = [
        FilmRun(
            clip=name,
            styles=pictures,
            output=place,
            settings=settings,
            film=film_settings,
            selection=selection,
            times=times,
            flow=flow,
            encoding=encoding,
            offline=offline,
        )
        for name, place in pairs
    ]
    if are_several:
        _make_several(runs, output, lanes, resume, preview, as_json)
        return
    count = make(runs[0], lanes=lanes, resume=resume, preview=preview)
    if as_json:
        write_object({"output": str(output), "manifest": str(runs[0].manifest), "frames": count})


def make(
    run: FilmRun, *, lanes: int | None = None, resume: bool = False, preview: Path | None = None
) -> int:
    """Make a film with progress; an interruption says how to resume."""
    from jaxstyle.video.kept import unfinished
    from jaxstyle.video.make_films import make_film

    with _resumable(unfinished(run.output), preview) as show:
        count = make_film(run, lanes=lanes, resume=resume, on_progress=show)
    logger.info("%s: %d frames", run.output, count)
    return count


def _make_several(
    runs: Sequence[FilmRun],
    output: Path,
    lanes: int | None,
    resume: bool,
    preview: Path | None,
    as_json: bool,
) -> None:
    """Make films with progress; the exit status is 1 if one failed."""
    from jaxstyle.video.make_films import make_films

    output.mkdir(parents=True, exist_ok=True)
    with _resumable(output, preview) as show:
        films = make_films(runs, lanes=lanes, resume=resume, on_progress=show)
    failed = sum(one.status == "failed" for one in films)
    if as_json:
        rows = [
            one._asdict() | {"film": str(one.film), "manifest": str(one.manifest)} for one in films
        ]
        write_object({"films": rows, "failed": failed})
    rest = f", {failed} failed" if failed else ""
    logger.info("%s: %s%s", output, counted(len(films), "film"), rest)
    if failed:
        click.get_current_context().exit(1)


@contextmanager
def _resumable(folder: Path, preview: Path | None) -> Iterator[OnProgress]:
    """Show progress; an interruption says how to resume."""
    try:
        with stoppable_progress() as show:
            yield _previewed(show, preview)
    except KeyboardInterrupt as stop:
        stop_insisting()
        write_message(f"jaxstyle: interrupted; --resume continues from {folder}")
        sys.exit(exit_status(stop))


def _previewed(show: Any, preview: Path | None) -> OnProgress:
    """Return what shows progress, and writes each frame that is new."""
    latest: Any = None

    def on_progress(progress: Any) -> None:
        nonlocal latest
        if preview is not None and progress.image is not None and progress.image is not latest:
            from jaxstyle.image.io import write_image

            latest = progress.image
            write_image(preview, latest)
        show(progress)

    return on_progress


def _styles(names: Sequence[str]) -> tuple[list[str], tuple[float, ...]]:
    """Return the styles of a command line, and when each is shown, if that is said."""
    matches = [None if Path(name).exists() else _AT.fullmatch(name) for name in names]
    if not any(matches):
        return list(names), ()
    files, times = [], []
    for name, match in zip(names, matches, strict=True):
        if match is None:
            raise ValueError(f"expected a time for every style, as {name}@5, or for none")
        files.append(match["file"])
        times.append(float(match["seconds"]))
    return files, tuple(times)
