"""`jaxstyle search`: mixtures found by trials."""

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
    PATH,
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

search_option = grouped_option("Search")


@click.command(
    short_help="Find mixtures that suit your pictures, and pick from the best.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle search --contents photo.jpg --styles painting.jpg -o search",
        "jaxstyle search --contents photos/ --styles paintings/ -o search\n"
        "--trials 400 --space space.json",
    ),
)
@search_option(
    "--contents",
    multiple=True,
    required=True,
    metavar="SET",
    help="A folder, a file, sample:NAME or tfds:NAME/SPLIT; may be given several times.",
)
@search_option("--styles", multiple=True, required=True, metavar="SET", help="Likewise.")
@FOLDER
@search_option(
    "--trials", type=COUNT, default=40, show_default=True, help="How many mixtures are tried."
)
@search_option(
    "--space",
    type=PATH,
    metavar="FILE.json",
    help='What is searched, such as {"metric": ["gram", "moments"]}: some of metric, '
    "content_metric and settings. Settings that are given as options are not searched.",
)
@search_option(
    "--training",
    type=Parsed("NUMBER,…", Several(item=Number(type=int)).parse),
    help="Pairs (content × styles + style) to search with, so that the others can judge what is "
    "chosen [default: all].",
)
@search_option(
    "--judges",
    type=Parsed("NETWORK,…", Several().parse),
    default="vgg16,alexnet",
    show_default=True,
    help="Networks of the judges, or single judges such as energy@resnet18; those that the space "
    "uses, or is kin of, do not judge.",
)
@search_option(
    "--promote",
    type=COUNT,
    default=4,
    show_default=True,
    help="One of so many trials, the best, is made again at full size, with all steps and pairs.",
)
@search_option(
    "--variants",
    type=COUNT,
    default=4,
    show_default=True,
    help="Trials of the same metrics and layers at a time, which share one program.",
)
@search_option("--title", default="Search", show_default=True, help="Title of the page.")
@search_option("--lanes", type=COUNT, help="Pictures at a time [default: as memory allows].")
@partial(setting_options, size="Side of the pictures, squares, in pixels [default: 128].")
@OFFLINE
@diagnostics
def search(output: Path, **values: Any) -> None:
    """Try mixtures of metrics, and show the best as a front to pick from.

    Each trial makes pictures and lets them be judged: do they have the style's statistics
    (effectiveness), is the content kept (coherence)? First small, with few steps; the best again
    at full cost. FOLDER gets a page (index.html) with their pictures, weights and command lines.
    The same command goes on where it was interrupted, or with more --trials; several of them at a
    time share the work. Needs Optuna: pip install 'jaxstyle[search]'.
    """
    given = explicit_options(values)
    start_jax()
    from jaxstyle.study.search import search as run

    with stoppable_progress() as show:
        kept = run(folder=output, command=command_line(), on_progress=show, **given)
    best = [point for point in kept["points"] if point["front"]]
    for point in best:
        write_result(
            f"trial {point['number']}: effectiveness {point['effectiveness']:.3f}, coherence "
            f"{point['coherence']:.3f}, {' + '.join(point['metrics']['metric'])}"
        )
    logger.info("%s", output / "index.html")
