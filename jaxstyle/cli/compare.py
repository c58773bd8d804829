"""`jaxstyle compare`: how far two pictures are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.inputs import NamedContent, is_address, read_input
from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.listings import print_json
from jaxstyle.cli.options import COUNT, JSON, OFFLINE, GroupedCommand, diagnostics
from jaxstyle.specs import MetricSpec

if TYPE_CHECKING:
    from jaxstyle.image.geometry import Picture


@click.command(
    cls=GroupedCommand,
    short_help="How far a PICTURE is from a REFERENCE, by any metric.",
    examples=(
        "jaxstyle compare picture.png photo.jpg",
        "jaxstyle compare picture.png painting.jpg --metric brushwork --metric gram",
    ),
)
@click.argument("picture")
@click.argument("reference")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Metric, see `jaxstyle metrics`; may be given several times "
    "[default: lpips, lpips_vgg, dists, ssim, ms_ssim, gmsd, psnr, brushwork, paint_precision, "
    "paint_coverage; the last three alone if the proportions differ].",
)
@click.option("--size", type=COUNT, help="Longest side, pixels [default: that of the files].")
@click.option(
    "--backbone",
    default="vgg16",
    show_default=True,
    help="Network of metrics that have none of their own.",
)
@JSON
@OFFLINE
@diagnostics
def compare(
    picture: str,
    reference: str,
    metrics: tuple[str, ...],
    size: int | None,
    backbone: str,
    as_json: bool,
    offline: bool,
) -> None:
    """Print how far PICTURE is from REFERENCE; 0 is equal.

    Similarities are shown as distances: ssim is 1 - SSIM, psnr the decibels below 40. For metrics
    that compare position by position the larger picture is resized to the smaller one's size, if
    they have the same proportions. For metrics of pixels, wherever they are, the REFERENCE is
    reduced to PICTURE's longest side, as a style usually is.

    Beside the painting that it is made from, PICTURE is judged by brushwork, how far its strokes
    are from REFERENCE's nearest, paint_precision, the same for patches of 7 x 7 pixels, and
    paint_coverage, the other way round: root mean squares a pixel, of values from 0 to 1.

    A metric that cannot compare them (most networks need sides of 16 or 31 pixels) is left out with
    a warning; one that was named is an error, after the others' distances.
    """
    from jaxstyle.metrics import find

    for name in metrics:
        if find(MetricSpec.parse(name).name).kind == "image":
            raise ValueError(f"{name} looks at one picture alone and compares nothing")
    sources = [picture_input(name, offline=offline) for name in (picture, reference)]
    pictures = [_read(source, size) for source in sources]
    start_jax()
    from jaxstyle.objective.judge import JUDGES, STYLE_JUDGES

    same_size = _same_size(pictures)
    usual = JUDGES if same_size[0].shape == same_size[1].shape else STYLE_JUDGES
    rows, failures = _answers(metrics or usual, pictures, same_size, backbone, offline)
    if as_json and rows:
        print_json(rows)
    elif rows:
        print("\n".join(f"{row['name']:18}{row['distance']:.6g}" for row in rows))
    if failures and (metrics or not rows):
        raise ValueError("; ".join(dict.fromkeys(failures.values())))
    for name, failure in failures.items():
        logger.warning(f"{name} is left out: {failure}")


def _answers(
    metrics: Sequence[str],
    pictures: list[Picture],
    same_size: list[Picture],
    backbone: str,
    offline: bool,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the distances by those metrics that can compare, and what others say, by name."""
    from jaxstyle.metrics import find
    from jaxstyle.metrics.metric import IMAGE
    from jaxstyle.objective.judge import judge

    same_scale = _same_scale(*pictures)
    rows: list[dict[str, Any]] = []
    failures: dict[str, str] = {}
    for name in metrics:
        metric = find(MetricSpec.parse(name).name)
        of_pixels = same_scale if metric.layers == IMAGE else pictures
        pair = same_size if metric.kind == "content" else of_pixels
        try:
            value = float(judge(name, backbone=backbone, offline=offline)(*pair))
        except (ValueError, OSError) as error:
            failures[name] = str(error)
            continue
        if math.isfinite(value):
            # Rounding may put it slightly below 0.
            rows.append({"name": name, "distance": max(0.0, value)})
        else:
            failures[name] = f"the distance by {name} is not finite: {value}"
    return rows, failures


def _read(source: str | Path | NamedContent, size: int | None) -> Picture:
    from jaxstyle.image.load import load_image
    from jaxstyle.image.transparency import WHITE
    from jaxstyle.samples import addresses

    if isinstance(source, NamedContent):
        content, name = source.getvalue(), "standard input"
    elif is_address(source):
        content, name = addresses.fetch(source), source
    else:
        content, name = read_input(source), str(source)
    return load_image(content, name, size, background=WHITE)


def _same_size(pictures: list[Picture]) -> list[Picture]:
    """Return two pictures of the same proportions at the smaller one's size; others as given."""
    from jaxstyle.image.geometry import fit_within, resize

    smaller = min((picture.shape[:2] for picture in pictures), key=max)
    sizes = [fit_within(len(picture), len(picture[0]), max(smaller)) for picture in pictures]
    if any(abs(a - b) > 1 for size in sizes for a, b in zip(size, smaller, strict=True)):
        return pictures
    return [p if p.shape[:2] == smaller else resize(p, smaller) for p in pictures]


def _same_scale(picture: Picture, reference: Picture) -> list[Picture]:
    """Reduce the reference to the picture's longest side: the style's size in a run."""
    from jaxstyle.image.geometry import fit_within, resize

    height, width, _ = reference.shape
    shape = fit_within(height, width, max(picture.shape[:2]))
    return [picture, reference if shape == (height, width) else resize(reference, shape)]
