"""Any metric between any two pictures: to judge a result by what its objective did not use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle._util import arguments
from jaxstyle._util.log import reported_to
from jaxstyle.backbones.extractor import Parameters
from jaxstyle.image.load import ImageLike, float_array
from jaxstyle.metrics import Metric
from jaxstyle.metrics.metric import Kind
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.objective import distances, prepare
from jaxstyle.objective.term import Term
from jaxstyle.specs import MetricSpec, PaddingName, as_specs
from jaxstyle.weights.network_cache import NetworkCache
from jaxstyle.weights.registry import Weights

CONTENT_JUDGES = ("lpips", "lpips_vgg", "dists", "ssim", "ms_ssim", "gmsd", "psnr")
"""Compare place by place: is this the photograph?"""
STYLE_JUDGES = ("brushwork", "paint_precision", "paint_coverage")
"""Compare wherever it is: is this the painting's paint?"""
JUDGES = (*CONTENT_JUDGES, *STYLE_JUDGES)
"""What pictures are judged by if nothing is named."""

POSITIONS = 4096
"""Positions that a judge of pairs of positions draws, always the same."""

Judge = Callable[[ImageLike, ImageLike], Float[Array, ""]]


def judge(
    metric: str | MetricSpec | Metric | Term,
    *,
    kind: Kind | None = None,
    layers: Sequence[str] = (),
    backbone: str | Weights = "vgg16",
    padding: PaddingName = "zeros",
    seed: int = 0,
    offline: bool = False,
    report: Callable[[str], object] | None = None,
) -> Judge:
    """Return a function of two pictures: how far the first is from the second, 0 if equal.

    Similarities are turned into distances: `"ssim"` is 1 − SSIM, `"psnr"` the decibels under 40.
    Of a result and its painting, `"brushwork"` is a cosine distance, `"paint_precision"` and
    `"paint_coverage"` are RMS differences a pixel in [0, 1]: `jaxstyle.metrics.paint`.

    Args:
        metric: Its name, see `jaxstyle metrics`; or a `MetricSpec`, a `Metric`, a `Term`.
        kind: Among which metrics to look for the name.
        layers: Where to compare; the metric's usual layers if empty. LPIPS and DISTS have their
            own networks and layers.
        backbone: The network of layers that name none: its name, or its weights.
        padding: What surrounds each convolution's input, as trained if not given.
        seed: Of random metrics, and of the 4,096 positions that metrics of pairs draw, where there
            are more (`Term.positions` of a `Term` that is given).
        offline: Never fetch weights.
        report: Deprecated: the logger `jaxstyle` says what is fetched.

    Returns:
        A function of `(picture, reference)`, sRGB in [0, 1]. Of arrays it is pure, compiled, and
        differentiable in the picture; it also takes files, `PIL.Image`s, uint8 arrays and bytes.
        More than one layer adds up in equal shares. Pictures compared place by place must have one
        size; a painting should have the size at which it was the style, usually the picture's
        longest side, since strokes of twice the size are others.

    Raises:
        ValueError: A name that does not exist. The function raises it for what is no picture.
        OSError: Weights that are not installed and cannot be fetched.

    >>> ssim = judge("ssim")
    >>> picture = jnp.linspace(0, 1, 32 * 32 * 3).reshape(32, 32, 3)
    >>> float(ssim(picture, picture)) < 1e-6 < float(ssim(picture, 1 - picture))
    True
    """
    arguments.flags(offline=offline)
    networks = NetworkCache(offline=offline)
    (spec,) = as_specs(metric)
    with reported_to(report):
        name = networks.name_of(backbone)
        part = build_term(spec, kind, networks, backbone=name, layers=layers)
        if part.positions is None:
            part = replace(part, positions=POSITIONS)
        extract, params = extractor_for([part], networks, padding=padding)

    def distance(
        params: Mapping[str, Parameters],
        picture: Float[Array, "h w 3"],
        reference: Float[Array, "k l 3"],
    ) -> Float[Array, ""]:
        def features(image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
            return extract(params, image)

        objective = prepare(features, [part], reference, reference, jax.random.key(seed))
        (by_layer,) = distances(features, objective, picture)
        return jnp.vdot(by_layer, jnp.asarray(part.layer_weights))

    compiled = jax.jit(distance)

    def judged(picture: ImageLike, reference: ImageLike) -> Float[Array, ""]:
        pair = [float_array(given, "a picture") for given in (picture, reference)]
        if part.metric.kind == "content":
            _check_sizes(part.metric.name, *map(np.shape, pair))
        return compiled(params, *map(jnp.asarray, pair))

    return judged


def _check_sizes(name: str, *shapes: tuple[int, ...]) -> None:
    if len(set(shapes)) > 1:
        sizes = " and ".join(f"{width} × {height}" for height, width, _ in shapes)
        wanted = "compares place by place: expected two pictures of one size"
        raise ValueError(f"{name} {wanted}, got {sizes}")
