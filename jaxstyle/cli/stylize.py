"""`jaxstyle stylize`: one picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.files import check_folder, check_outputs, reason
from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.options import (
    OFFLINE,
    PATH,
    GroupedCommand,
    diagnostics,
    explicit_options,
    grouped_option,
    setting_options,
)
from jaxstyle.cli.saving import save
from jaxstyle.cli.streams import write_message
from jaxstyle.cli.terminal import DeferredInterrupt, exit_status, show_progress, stop_insisting
from jaxstyle.settings import CHECKPOINT_SECONDS, Settings

if TYPE_CHECKING:
    from jaxstyle.transfer.result import Progress

_PREVIEW_SECONDS = 3.0
output_option = grouped_option("Output")


@click.command(
    short_help="Make a picture: CONTENT painted like STYLE.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle stylize photo.jpg painting.jpg -o picture.png --size 512",
        "jaxstyle stylize sample:valley sample:swirls -o picture.png --recipe diverse",
    ),
)
@click.argument("content")
@click.argument("style", nargs=-1, required=True)
@output_option("-o", "--output", type=PATH, help="PNG, JPEG, WebP or TIFF file.")
@output_option(
    "--plan",
    is_flag=True,
    help="Only print how much memory the run would take; no output is needed.",
)
@output_option("--preview", is_flag=True, help="Write the unfinished picture every few seconds.")
@output_option(
    "--frames",
    type=PATH,
    metavar="FOLDER",
    help="Write a picture every few steps, for an animation.",
)
@output_option("--resume", is_flag=True, help="Resume from the last checkpoint, if there is one.")
@output_option(
    "--checkpoint-seconds",
    type=click.FloatRange(min=0),
    default=CHECKPOINT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Seconds between two checkpoints: files beside the output, removed at the end.",
)
@setting_options
@OFFLINE
@diagnostics
def stylize(
    content: str,
    style: tuple[str, ...],
    output: Path | None,
    plan: bool,
    preview: bool,
    frames: Path | None,
    resume: bool,
    checkpoint_seconds: float,
    offline: bool,
    **values: Any,
) -> None:
    """Make a picture that shows CONTENT as if it were painted like STYLE, or several of them.

    CONTENT and STYLE are picture files, or sample:NAME (see `jaxstyle samples`).
    """
    from jaxstyle import recipes, samples
    from jaxstyle.image.io import check_input, check_output
    from jaxstyle.transfer import manifest

    # All files are checked before anything heavy is imported.
    settings = recipes.settings(**explicit_options(values))
    if output:
        check_output(output)
    elif not plan:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    inputs = [samples.resolve(name, offline=offline) for name in (content, *style)]
    pictures: list[str | Path] = [*inputs]
    pictures += map(str, (*settings.content_mask, *settings.style_mask))
    for path in pictures:
        check_input(path)
    if output:
        read = [*pictures, str(settings.init), *_calibration_file(settings)]
        manifest.check(output, read)
        check_frames(frames, output, read, resume=resume)
    start_jax()
    if plan or not output:
        _print_plan(inputs, settings, offline)
        return
    snapshots = Snapshots(output, frames, preview=preview, resume=resume)
    _run(inputs, output, settings, snapshots, checkpoint_seconds, resume=resume, offline=offline)


def _calibration_file(settings: Settings) -> list[str]:
    return [settings.calibration] if isinstance(settings.calibration, str) else []


def _print_plan(inputs: list[Path], settings: Settings, offline: bool) -> None:
    from jaxstyle.transfer import memory
    from jaxstyle.transfer.stylize import plan

    chosen = plan(inputs[0], inputs[1:], settings, offline=offline)
    for need in chosen.tried if len(chosen.tried) > 1 else ():
        print(f"{memory.layout_name(need.layout):24} {need.peak / memory.GIB:8.2f} GiB")
    print(chosen)


def _run(
    inputs: list[Path],
    output: Path,
    settings: Settings,
    snapshots: Snapshots,
    checkpoint_seconds: float,
    *,
    resume: bool,
    offline: bool,
) -> None:
    from jaxstyle._util.lock import exclusive_lock
    from jaxstyle.image.io import check_output
    from jaxstyle.transfer import manifest
    from jaxstyle.transfer.checkpoint import Checkpoints
    from jaxstyle.transfer.job import identity, resolved_settings
    from jaxstyle.transfer.make_job import make_job
    from jaxstyle.transfer.sources import Sources
    from jaxstyle.transfer.stylize import run_job

    checkpoints = Checkpoints(output)
    locks = exclusive_lock(*snapshots.outputs)
    try:
        with locks, DeferredInterrupt() as interrupt, show_progress() as show:

            def on_progress(progress: Progress) -> None:
                snapshots(progress)
                show(progress)
                interrupt.between_steps()

            job = make_job(inputs[0], inputs[1:], settings, Sources(offline=offline))
            check_output(output, job.original.shape)
            facts = (resolved_settings(job), job.inputs, job.networks.checksums())
            if resume and manifest.finished(output, *facts):
                logger.info("%s is already done", output)
                checkpoints.clear()
                return
            if resume and not checkpoints.exist:
                manifest.check_unfinished(output, facts[0])
            checkpoints = Checkpoints(output, [identity(job)], checkpoint_seconds)
            result = run_job(job, on_progress=on_progress, checkpoints=checkpoints, resume=resume)
            save(result, output, checkpoints)
    except KeyboardInterrupt as stop:
        stop_insisting()
        saved = snapshots.save()
        if not saved:
            raise
        hint = "; --resume continues the run" if checkpoints.exist else ""
        write_message(f"jaxstyle: interrupted; {saved}{hint}")
        sys.exit(exit_status(stop))
    if result.failure:
        raise ValueError(f"{result.failure}; the last good picture is in {output}")
    height, width = result.image.shape[:2]
    logger.info("%s (%d × %d, %.0f s)", output, width, height, result.facts["seconds"])


def check_frames(
    frames: Path | None, output: Path, read: Sequence[str | Path], *, resume: bool
) -> None:
    """Refuse a folder for frames that holds those of another run, or a file that is read.

    Raises:
        ValueError: It does, or it is no folder.
    """
    if frames is None:
        return
    check_folder(frames)
    if output.stem.isdigit() and output.resolve().parent == frames.resolve():
        raise ValueError(f"{output} could be one of the frames; choose another output")
    numbered = [path for path in frames.glob("*.png") if path.stem.isdigit()]
    if numbered and not resume:
        raise ValueError(
            f"{frames} has the frames of another run; choose another folder, or empty it"
        )
    check_outputs(numbered, read)


class Snapshots:
    """Writes unfinished pictures: to the output now and then, and as frames named by step.

    One that cannot be written is logged, and the others are left out: the run goes on.

    Attributes:
        outputs: What it writes to.
    """

    def __init__(self, output: Path, frames: Path | None, *, preview: bool, resume: bool) -> None:
        from jaxstyle.transfer import manifest

        self._output, self._frames, self._preview = output, frames, preview
        self._written = 0.0
        self._last: Progress | None = None
        # A finished picture has a manifest; one that an interrupted run left has none.
        unfinished = resume and not manifest.beside(output).exists()
        self._may_replace = preview or unfinished or not output.exists()
        self.outputs = [output, manifest.beside(output), *([frames] if frames else [])]
        if frames:
            frames.mkdir(parents=True, exist_ok=True)

    def __call__(self, progress: Progress) -> None:
        """Write what is due at this point of the run."""
        self._last = progress
        if self._preview and progress.seconds - self._written >= _PREVIEW_SECONDS:
            try:
                self._write(progress)
            except OSError as error:
                logger.warning(f"no preview, and none after it: {reason(error)}")
                self._preview = False
            self._written = progress.seconds
        if self._frames:
            self._write_frame(self._frames, progress)

    def _write_frame(self, folder: Path, progress: Progress) -> None:
        from jaxstyle.image.io import write_image

        try:
            # Named by step, so that a resumed run continues the frames.
            write_image(folder / f"{progress.step:05}.png", progress.image)
        except OSError as error:
            logger.warning(f"no frame of step {progress.step}, and none after it: {reason(error)}")
            self._frames = None

    def save(self) -> str | None:
        """Write the last picture, unless a finished one is in its place, and return where it is.

        The answer is a clause for a message, or None if there is no picture yet.
        """
        if not self._last:
            return None
        if not self._may_replace:
            return f"{self._output} is unchanged"
        try:
            self._write(self._last)
        except OSError as error:
            return f"no picture: {reason(error)}"
        return f"step {self._last.step} is in {self._output}"

    def _write(self, progress: Progress) -> None:
        from jaxstyle.transfer import manifest

        manifest.replace_picture(self._output, progress.image)
