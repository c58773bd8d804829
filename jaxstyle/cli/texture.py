"""`jaxstyle texture`: a texture like its samples, of any size, which can tile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.json_output import picture_object, write_object
from jaxstyle.cli.options import COUNT, OFFLINE, GroupedCommand, diagnostics, setting_options
from jaxstyle.cli.output_options import output_option
from jaxstyle.cli.preset import given_settings, preset_option
from jaxstyle.cli.region_styles import REGION_STYLE, styles_of_regions
from jaxstyle.cli.run_options import RunOptions, files_of, run_options
from jaxstyle.cli.saving import STANDARD_OUTPUT
from jaxstyle.cli.terminal import resumable_progress
from jaxstyle.settings import Settings
from jaxstyle.texture.settings import DEFAULTS, OF_CONTENTS, WITH_STEPS, texture_settings

if TYPE_CHECKING:
    from jaxstyle.texture.material import Material

_texture_options = partial(
    setting_options,
    without=OF_CONTENTS,
    defaults={**vars(Settings(**WITH_STEPS)), **DEFAULTS, "scales": None},
    size="Side of a square in pixels, WIDTHxHEIGHT, or original, the sample's (default: 256 on a "
    "CPU, 512 on an accelerator).",
    scales="Sizes to work through, from coarse to full size (default: 1 without steps, and with "
    "--keep and --extend; else as many as lead there from 64 pixels of the sample).",
    steps="Optimizer steps at full size; each coarser scale gets as many or more. 30 where a "
    "metric, another start or anything else of steps is given; else 0, patches alone.",
    init="Start from: noise, style (noise of the sample's colors), patches (of the sample, put "
    "together), style_mean (its mean color), imagenet_mean, or a picture file.",
    regions="Label map: each flat color or class number takes a sample, in their order, or as "
    "--region-style says; the texture has the map's proportions.",
)


@click.command(
    short_help="Make a texture like SAMPLE, of any size, that tiles if it should.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle texture wall.jpg -o tile.png --tile both",
        "jaxstyle texture wall.jpg -o wide.png --size 1024x768 --variations 4",
        "jaxstyle texture -o land.png --regions map.png --region-style 1=rock.jpg\n"
        "--region-style 2=grass.jpg",
    ),
)
@click.argument("samples", metavar="SAMPLE...", nargs=-1)
@run_options
@output_option(
    "--variations",
    type=COUNT,
    metavar="NUMBER",
    help="Make so many, of one seed after the other: OUT-1.png, OUT-2.png …; the same command "
    "resumes.",
)
@output_option(
    "--map",
    "maps",
    multiple=True,
    metavar="NAME=FILE",
    help="A map of the sample that the texture gets, too, as OUT-NAME.png of 16 bits: "
    "height=FILE, roughness=FILE …; the directions of normal=FILE stay of unit length.",
)
@_texture_options
@REGION_STYLE
@preset_option
@OFFLINE
@diagnostics
def texture(
    samples: tuple[str, ...],
    region_styles: tuple[tuple[str, str], ...],
    run: RunOptions,
    variations: int | None,
    maps: tuple[str, ...],
    offline: bool,
    preset: Path | None,
    **values: Any,
) -> None:
    """Make a picture that has the texture of SAMPLE, or of several of them mixed.

    SAMPLE is a picture file, an http(s) address, or sample:NAME (see `jaxstyle samples`); - is read
    from standard input. One larger than the texture is reduced to its longest side.
    """
    given = given_settings(preset, values)
    if region_styles:
        samples, given = styles_of_regions(region_styles, samples, given)
    elif not samples:
        raise click.MissingParameter(param_type="argument", param_hint="'SAMPLE'")
    settings = texture_settings(None, given)
    run.check_target()
    if variations is not None:
        _check_variations(run)
    inputs = [picture_input(name, offline=offline) for name in samples]
    material = _material(maps, inputs, variations, run, offline) if maps else None
    logs = run.open_logs([*inputs, *files_of(settings, offline)])
    start_jax()
    if variations is None:
        more = material.inputs if material else {}
        run.start([None, *inputs], settings, logs, offline=offline, more_inputs=more)
        if material is not None:
            material.write(settings)
    else:
        _make_variations(inputs, variations, settings, run, offline)


def _material(
    maps: Sequence[str],
    inputs: Sequence[Any],
    variations: int | None,
    run: RunOptions,
    offline: bool,
) -> Material:
    """Read a sample's maps, and refuse what cannot have any."""
    from jaxstyle.texture.material import Material, parsed_maps
    from jaxstyle.transfer.sources import Sources

    if len(inputs) != 1 or variations is not None or run.plan or run.output == STANDARD_OUTPUT:
        raise ValueError(
            "expected one sample and a file as --output with --map, no --variations and no --plan"
        )
    assert run.output
    return Material.read(inputs[0], parsed_maps(maps), run.output, Sources(offline=offline))


def _check_variations(run: RunOptions) -> None:
    """Refuse what several pictures cannot have."""
    if run.output is None or run.output == STANDARD_OUTPUT:
        raise ValueError("expected a file as --output with --variations")
    for name in ("plan", "preview", "frames", "resume", "devices", "log", "tensorboard"):
        if getattr(run, name):
            hint = ": the same command resumes" if name == "resume" else ""
            raise ValueError(f"expected no --{name} with --variations{hint}")


def _make_variations(
    inputs: list[Any], count: int, settings: Settings, run: RunOptions, offline: bool
) -> None:
    from jaxstyle.image.framing import shape_of
    from jaxstyle.texture.variations import write_variations

    assert run.output
    made = []
    with resumable_progress(run.output.parent) as show:
        for path, facts in write_variations(
            inputs,
            run.output,
            count,
            settings,
            encoding=run.encoding,
            on_progress=show,
            offline=offline,
        ):
            logger.info("%s", path)
            made.append((path, facts))
    if run.as_json:
        rows = [picture_object(path, facts, *shape_of(path)[::-1]) for path, facts in sorted(made)]
        write_object({"pictures": rows})
