"""`jaxstyle compare`: how far two pictures are apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.listings import print_json
from jaxstyle.cli.options import JSON, OFFLINE, GroupedCommand, diagnostics
from jaxstyle.specs import MetricSpec

if TYPE_CHECKING:
    from jaxstyle.image.geometry import Picture


@click.command(
    cls=GroupedCommand,
    short_help="How far a PICTURE is from a REFERENCE, by any metric.",
    examples=(
        "jaxstyle compare picture.png photo.jpg",
        "jaxstyle compare picture.png painting.jpg --metric moments --metric gram",
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
    "[default: lpips, lpips_vgg, dists, ssim, ms_ssim, gmsd, psnr].",
)
@click.option(
    "--size", type=click.IntRange(1), help="Longest side, pixels [default: that of the files]."
)
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
    they have the same proportions.
    """
    from jaxstyle import samples
    from jaxstyle.image.io import read_image
    from jaxstyle.metrics import find

    by_name = {name: find(MetricSpec.parse(name).name) for name in metrics}
    for name, metric in by_name.items():
        if metric.kind == "image":
            raise ValueError(f"{name} looks at one picture alone and compares nothing")
    paths = [samples.resolve(name, offline=offline) for name in (picture, reference)]
    pictures = [read_image(path, size=size) for path in paths]
    same_size = _same_size(pictures)
    start_jax()
    from jaxstyle.objective.judge import JUDGES, judge

    rows: list[dict[str, Any]] = []
    for name in metrics or JUDGES:
        distance = judge(name, backbone=backbone, offline=offline)
        by_position = name not in by_name or by_name[name].kind == "content"
        x, y = same_size if by_position else pictures
        value = float(distance(x, y))
        if not math.isfinite(value):
            raise ValueError(f"the distance by {name} is not finite: {value}")
        # Rounding may put it slightly below 0.
        rows.append({"name": name, "distance": max(0.0, value)})
    if as_json:
        print_json(rows)
    for row in () if as_json else rows:
        print(f"{row['name']:18}{row['distance']:.6g}")


def _same_size(pictures: list[Picture]) -> list[Picture]:
    """Return two pictures of the same proportions at the smaller one's size; others as given."""
    from jaxstyle.image.geometry import fit_within, resize

    smaller = min((picture.shape[:2] for picture in pictures), key=max)
    sizes = [fit_within(len(picture), len(picture[0]), max(smaller)) for picture in pictures]
    if any(abs(a - b) > 1 for size in sizes for a, b in zip(size, smaller, strict=True)):
        return pictures
    return [
        picture if picture.shape[:2] == smaller else resize(picture, smaller)
        for picture in pictures
    ]
