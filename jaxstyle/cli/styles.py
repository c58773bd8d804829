"""The styles of one picture: one after its content, more by `--style`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click

from jaxstyle._util.log import logger
from jaxstyle.cli.options import grouped_option

STYLE = grouped_option("Several styles")(
    "--style",
    "more_styles",
    multiple=True,
    metavar="STYLE",
    help="A style of the picture; given several times, the picture has them all.",
)


def chosen_styles(content: str, positional: Sequence[str], named: Sequence[str]) -> tuple[str, ...]:
    """Return the styles of a command line.

    Args:
        content: The content.
        positional: What stands after it.
        named: What `--style` names.

    Raises:
        ValueError: Both are given: is what stands after the content a content, or a style?
        click.MissingParameter: None is given.
    """
    if not positional and not named:
        raise click.MissingParameter(param_type="argument", param_hint="'STYLE' (or '--style')")
    if positional and named:
        pictures = shlex.join([content, *positional])
        raise ValueError(
            f"expected one content before --style, got {pictures}; for several styles of one "
            f"picture write {_options([*positional, *named])}, for several pictures jaxstyle batch "
            f"{pictures} {_options(named)} -o FOLDER"
        )
    if len(positional) > 1:
        *photos, last = (content, *positional)
        logger.warning(
            f"{shlex.join(positional)} are taken as styles of one picture; write "
            f"{_options(positional)}. For several pictures: jaxstyle batch {shlex.join(photos)} "
            f"{_options([last])} -o FOLDER"
        )
    return (*positional, *named)


def _options(styles: Sequence[str]) -> str:
    return " ".join(f"--style {shlex.quote(style)}" for style in styles)
