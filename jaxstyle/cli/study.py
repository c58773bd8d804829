"""`jaxstyle study`: objectives judged on many pairs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.options import (
    COUNT,
    FOLDER,
    OFFLINE,
    GroupedCommand,
    Parsed,
    command_line,
    diagnostics,
    explicit_options,
    grouped_option,
    setting_options,
)
from jaxstyle.cli.streams import write_result
from jaxstyle.cli.terminal import stoppable_progress
from jaxstyle.kinds import Number, Several

study_option = grouped_option("Study")


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
@FOLDER
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
    help="Pairs (content × styles + style) that choose the best mixture, or were used to choose "
    "objectives. These are judged on the pairs of which neither the content nor the style is in "
    "one of them; without training pairs, no mixture is chosen among several.",
)
@study_option(
    "--judges",
    type=Parsed("NETWORK,…", Several().parse),
    default="vgg16,alexnet",
    show_default=True,
    help="Networks of the judges of effectiveness and coherence, or single judges such as "
    "energy@resnet18 or lpips; those of paint need no choice.",
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
    metrics; all other settings are common. Three questions: does the whole have the style's
    statistics (effectiveness), is the content kept (coherence), and is each small patch the style's
    paint (paint)? Judges are metrics and networks that the objective has not used, nor any that is
    nearly the same. Five contents and five styles are the least for
    intervals that hold. The same command resumes an interrupted study.
    """
    given = explicit_options(values)
    if "metric" in given:
        raise ValueError("the objectives set the style metrics: use --objective, not --metric")
    start_jax()
    from jaxstyle._util.lock import exclusive_lock
    from jaxstyle.study.study import study as run

    # Parts of one study run side by side in one folder.
    locked = output / f"part {part[0]} of {part[1]}" if part else output
    with exclusive_lock(locked), stoppable_progress() as show:
        summary = run(folder=output, part=part, command=command_line(), on_progress=show, **given)
    if part:
        return
    for line in summary["answer"]:
        write_result(line)
    logger.info("%s", output / "index.html")
