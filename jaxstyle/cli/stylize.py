"""`jaxstyle stylize`: one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.options import (
    OFFLINE,
    GroupedCommand,
    diagnostics,
    grouped_option,
    setting_options,
)
from jaxstyle.cli.preset import (
    check_continued,
    continue_options,
    given_settings,
    missing_content,
    more_of,
    preset_option,
)
from jaxstyle.cli.region_styles import REGION_STYLE, styles_of_regions
from jaxstyle.cli.run_options import RunOptions, files_of, run_options
from jaxstyle.cli.styles import STYLE, chosen_styles
from jaxstyle.settings import EFFORT

QUICK = grouped_option(EFFORT)(
    "--quick",
    is_flag=True,
    help="A small picture in seconds, to see whether the two fit: --recipe quick.",
)


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
@run_options
@setting_options
@REGION_STYLE
@QUICK
@preset_option
@continue_options
@OFFLINE
@diagnostics
def stylize(
    content: str | None,
    style: tuple[str, ...],
    more_styles: tuple[str, ...],
    region_styles: tuple[tuple[str, str], ...],
    run: RunOptions,
    offline: bool,
    quick: bool,
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

    # All files are checked before anything heavy is imported.
    given = given_settings(preset, values)
    if quick:
        if "recipe" in given or preset or continued:
            raise ValueError("expected --quick alone, without --recipe, --settings and --continue")
        given = {"recipe": "quick", **given}
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
    run.check_target()
    earlier = None
    if continued is not None:
        start_jax()
        inputs, settings, earlier = more_of(continued, pictures, given, moved, offline)
    else:
        inputs = [picture_input(str(name), offline=offline) for name in pictures]
    logs = run.open_logs([*inputs, *files_of(settings, offline)])
    if continued is None:
        start_jax()
    run.start(inputs, settings, logs, offline=offline, earlier=earlier)
