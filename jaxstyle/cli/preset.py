"""`--settings` and `--continue`: the settings of an earlier run, or all of it and more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.options import PATH, Function, explicit_options, grouped_option
from jaxstyle.settings import RUN, Settings

if TYPE_CHECKING:
    from jaxstyle.transfer.earlier import Earlier

preset_option = grouped_option(RUN)(
    "--settings",
    "preset",
    type=PATH,
    metavar="FILE",
    help="Settings of an earlier run, from its .json or its picture; other options override them.",
)


def given_settings(preset: Path | None, values: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the user gave, those of a preset among them, by name.

    Raises:
        ValueError: The preset is no manifest and no picture of a run, or a value is out of range.
        OSError: It cannot be read.
    """
    given = explicit_options(values)
    if preset is None:
        return given
    from jaxstyle.transfer.presets import changes_of, overridden, settings_of

    return changes_of(overridden(settings_of(preset), given))


def continue_options(command: Function) -> Function:
    """Add `--continue` and `--input`."""
    moved = grouped_option(RUN)(
        "--input",
        "moved",
        multiple=True,
        metavar="ROLE=FILE",
        help="With --continue: where an input of the earlier run lies now: content, style#2 …",
    )
    continued = grouped_option(RUN)(
        "--continue",
        "continued",
        type=PATH,
        metavar="PICTURE",
        help="Start from a finished picture, with the settings and inputs of its run; options "
        "change them: --steps, --size …",
    )
    return continued(moved(command))


def check_continued(preset: Path | None, region_styles: Sequence[Any]) -> None:
    """Refuse what says in another way than `--continue` what a run is made of."""
    others = {"--settings": preset, "--region-style": region_styles}
    for name, value in others.items():
        if value:
            raise ValueError(f"expected --continue or {name}, got both")


def missing_content(moved: Sequence[str]) -> Exception:
    """Return the error of a run without a content."""
    if moved:
        return ValueError("expected --input with --continue alone")
    return click.MissingParameter(param_type="argument", param_hint="'CONTENT'")


def more_of(
    run: Path,
    pictures: Sequence[str | None],
    changes: dict[str, Any],
    moved: tuple[str, ...],
    offline: bool,
) -> tuple[list[Any], Settings, Earlier]:
    """Return the inputs and settings of a run that continues a picture, and what came before.

    Args:
        run: The picture, or its manifest.
        pictures: A content and styles in place of the earlier run's; none of them is usual.
        changes: Settings that the user gave.
        moved: Where inputs lie now, `ROLE=FILE`.
        offline: Never fetch.

    Raises:
        ValueError: It cannot be continued.
        OSError: A file is missing.
    """
    from jaxstyle.transfer.continuation import continuation_of
    from jaxstyle.transfer.sources import Sources

    given = [picture_input(name, offline=offline) for name in pictures if name is not None]
    content, styles = (given[0] if given else None), given[1:]
    places = dict(text.partition("=")[::2] for text in moved)
    sources = Sources(offline=offline)
    made = continuation_of(run, changes, sources, content, styles or None, places)
    return [made.content, *made.styles], made.settings, made.earlier
