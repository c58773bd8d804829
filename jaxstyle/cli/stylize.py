"""`jaxstyle stylize`: one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.inputs import NamedContent, is_address
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.options import (
    OFFLINE,
    PATH,
    GroupedCommand,
    Parsed,
    diagnostics,
    setting_options,
)
from jaxstyle.cli.output_options import FORMATS, output_file_options, output_option
from jaxstyle.cli.preset import (
    check_continued,
    continue_options,
    given_settings,
    missing_content,
    more_of,
    preset_option,
)
from jaxstyle.cli.region_styles import REGION_STYLE, styles_of_regions
from jaxstyle.cli.saving import STANDARD_OUTPUT, check_standard_output
from jaxstyle.cli.single_run import SingleRun
from jaxstyle.cli.snapshots import check_frames
from jaxstyle.cli.step_log import StepLog, TensorBoard, check_log
from jaxstyle.cli.styles import STYLE, chosen_styles
from jaxstyle.kinds import Number
from jaxstyle.settings import CHECKPOINT_SECONDS, Settings, guides
from jaxstyle.specs import is_init

if TYPE_CHECKING:
    from jaxstyle.transfer.job import Devices

Input = str | Path | NamedContent


def _devices(text: str) -> Devices:
    """Parse a number of devices, or all."""
    return "all" if text == "all" else Number(type=int, low=1).parse(text)


@click.command(
    short_help="Make a picture: CONTENT painted like STYLE.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle stylize photo.jpg painting.jpg -o picture.png --size 512",
        "jaxstyle stylize sample:valley sample:swirls -o picture.png --recipe diverse",
    ),
)
@click.argument("content", required=False)
@click.argument("style", nargs=-1)
@STYLE
@output_option(
    "-o", "--output", type=PATH, help="PNG, JPEG, WebP or TIFF file; - for standard output."
)
@output_option(
    "--format", "format", type=click.Choice(FORMATS), help="Of standard output [default: png]."
)
@output_file_options
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
@output_option(
    "--devices",
    type=Parsed("all|NUMBER", _devices),
    help="Divide the picture among all devices, or the first so many: more pixels than one holds.",
)
@output_option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
@output_option(
    "--log",
    type=PATH,
    metavar="FILE",
    help="Write the losses of every step to FILE, as they come: a line of JSON each.",
)
@output_option(
    "--tensorboard",
    type=PATH,
    metavar="FOLDER",
    help="Write them to FOLDER for TensorBoard (needs the extra `tensorboard`).",
)
@setting_options
@REGION_STYLE
@preset_option
@continue_options
@OFFLINE
@diagnostics
def stylize(
    content: str | None,
    style: tuple[str, ...],
    more_styles: tuple[str, ...],
    region_styles: tuple[tuple[str, str], ...],
    output: Path | None,
    format: str | None,
    encoding: dict[str, Any],
    plan: bool,
    preview: bool,
    frames: Path | None,
    resume: bool,
    checkpoint_seconds: float,
    devices: Devices | None,
    as_json: bool,
    log: Path | None,
    tensorboard: Path | None,
    offline: bool,
    preset: Path | None,
    continued: Path | None,
    moved: tuple[str, ...],
    **values: Any,
) -> None:
    """Make a picture that shows CONTENT as if it were painted like STYLE, or several of them.

    CONTENT and STYLE are picture files, http(s) addresses, or sample:NAME (see `jaxstyle samples`);
    - is read from standard input. With --continue, those of the earlier run are the default.
    """
    from jaxstyle import recipes
    from jaxstyle.transfer import manifest

    # All files are checked before anything heavy is imported.
    given = given_settings(preset, values)
    if continued is not None:
        check_continued(preset, region_styles)
        pictures: tuple[str | None, ...] = content, *style, *more_styles
    elif content is None or moved:
        raise missing_content(moved)
    elif region_styles:
        styles, given = styles_of_regions(region_styles, (*style, *more_styles), given)
        pictures = content, *styles
    else:
        pictures = content, *chosen_styles(content, style, more_styles)
    settings = recipes.settings(**given)
    others = {"--preview": preview, "--frames": frames, "--resume": resume, "--json": as_json}
    to_standard_output = output == STANDARD_OUTPUT
    if output or not plan:
        _check_target(output, format, encoding, [n for n, value in others.items() if value])
    earlier = None
    if continued is not None:
        start_jax()
        inputs, settings, earlier = more_of(continued, pictures, given, moved, offline)
    else:
        inputs = [picture_input(str(name), offline=offline) for name in pictures]
    read = [*inputs, *_files_of(settings, offline)]
    paths = [path for path in read if not isinstance(path, NamedContent)]
    if output and not to_standard_output:
        manifest.check(output, paths)
        check_frames(frames, output, paths, resume=resume)
    written = [output, manifest.beside(output)] if output and not to_standard_output else []
    check_log(log, written, paths)
    logs: list[StepLog | TensorBoard] = [StepLog(log, resume=resume)] if log else []
    logs += [TensorBoard(tensorboard)] if tensorboard else []
    if continued is None:
        start_jax()
    if plan or not output:
        _print_plan(inputs, settings, offline, devices)
        return
    SingleRun(
        inputs,
        settings,
        output,
        suffix=f".{format or 'png'}",
        encoding=encoding,
        frames=frames,
        preview=preview,
        resume=resume,
        checkpoint_seconds=checkpoint_seconds,
        logs=logs,
        log=log,
        as_json=as_json,
        offline=offline,
        devices=devices,
        earlier=earlier,
    )()


def _check_target(
    output: Path | None, format: str | None, encoding: dict[str, Any], others: list[str]
) -> None:
    """Refuse an output that cannot be written as it is asked for.

    Args:
        output: Where to.
        format: Of standard output.
        encoding: How.
        others: Options that are given and that only a file can have.
    """
    from jaxstyle.image.encode import Encoding, check_encoding
    from jaxstyle.image.io import check_output, format_of

    if output is None:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    if output == STANDARD_OUTPUT:
        if others:
            raise ValueError(f"expected a file as --output with {others[0]}, got standard output")
        kind = format_of(f"-.{format or 'png'}")
        check_encoding(kind, "standard output", Encoding(**encoding))
        check_standard_output()
        return
    if format is not None:
        raise ValueError("expected --format with --output - alone: a file's name says its format")
    check_output(output, encoding=Encoding(**encoding))


def _files_of(settings: Settings, offline: bool) -> list[Input]:
    """Return the files that settings name, which are checked where they have to be pictures."""
    from jaxstyle import samples

    init = str(settings.init)
    pictures = [file for files in guides(settings).values() for file in files]
    pictures += [settings.color_from] if settings.color_from else []
    pictures += [init] if is_address(init) else []
    files = [picture_input(str(f), offline=offline, standard_input=False) for f in pictures]
    if not is_init(init) and not is_address(init):
        files.append(samples.resolve(init, offline=offline))
    return [*files, *([settings.calibration] if isinstance(settings.calibration, str) else [])]


def _print_plan(
    inputs: list[Any], settings: Settings, offline: bool, devices: Devices | None
) -> None:
    from jaxstyle.transfer import memory
    from jaxstyle.transfer.stylize import plan

    chosen = plan(inputs[0], inputs[1:], settings, offline=offline, devices=devices)
    for need in chosen.tried if len(chosen.tried) > 1 else ():
        print(f"{memory.layout_name(need.layout):24} {need.peak / memory.GIB:8.2f} GiB")
    print(chosen)
