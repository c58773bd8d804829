"""Any metric between any two pictures: to judge a result by what its objective did not use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.backbones.extractor import Parameters
from jaxstyle.backbones.ops import Padding
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import check_shape, check_values
from jaxstyle.metrics.metric import Kind
from jaxstyle.objective import build as terms
from jaxstyle.objective.objective import distances, prepare

JUDGES = ("lpips", "lpips_vgg", "dists", "ssim", "ms_ssim", "gmsd", "psnr")
"""What pictures are judged by if nothing is named."""

Judge = Callable[
    [Picture | Float[Array, "h w 3"], Picture | Float[Array, "k l 3"]], Float[Array, ""]
]


def judge(
    metric: str,
    *,
    kind: Kind | None = None,
    layers: Sequence[str] = (),
    backbone: str = "vgg16",
    padding: Padding = "zeros",
    seed: int = 0,
    offline: bool = False,
    report: Callable[[str], None] | None = None,
) -> Judge:
    """A function of two pictures: how far the first is from the second, 0 if equal.

    Similarities are turned into distances: `"ssim"` is 1 − SSIM, `"psnr"` the decibels under 40.

    Args:
        metric: Its name, see `jaxstyle metrics`.
        kind: Among which metrics to look for the name.
        layers: Where to compare; the metric's usual layers if empty. LPIPS and DISTS have their
            own networks and layers.
        backbone: The network of layers that name none.
        padding: What surrounds each convolution's input, as trained if not given.
        seed: Of random metrics.
        offline: Never fetch weights.
        report: Told, in lines, what is fetched.

    Returns:
        A pure function of `(picture, reference)`, sRGB in [0, 1], compiled, differentiable in the
        picture; more than one layer adds up in equal shares. Pictures compared place by place must
        have one size.

    Raises:
        ValueError: A name that does not exist. The function raises it for what is no picture.
        OSError: Weights that are not here and cannot be fetched.

    >>> ssim = judge("ssim")
    >>> picture = jnp.linspace(0, 1, 32 * 32 * 3).reshape(32, 32, 3)
    >>> float(ssim(picture, picture)) < 1e-6 < float(ssim(picture, 1 - picture))
    True
    """
    networks = terms.Networks(offline=offline, report=report)
    part = terms.build((metric, 1.0), kind, networks, backbone=backbone, layers=layers)
    extract, params = terms.extractor([part], networks, padding=padding)

    def distance(
        params: Mapping[str, Parameters],
        picture: Float[Array, "h w 3"],
        reference: Float[Array, "k l 3"],
    ) -> Float[Array, ""]:
        def features(image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
            return extract(params, image)

        objective = prepare(features, [part], reference, reference, jax.random.key(seed))
        (found,) = distances(features, objective, picture)
        return jnp.vdot(found, jnp.asarray(part.layer_weights))

    compiled = jax.jit(distance)

    def judged(
        picture: Picture | Float[Array, "h w 3"], reference: Picture | Float[Array, "k l 3"]
    ) -> Float[Array, ""]:
        for each in (picture, reference):
            _check(each)
        if part.metric.kind == "content" and np.shape(picture) != np.shape(reference):
            sizes = (f"{np.shape(each)[1]} × {np.shape(each)[0]}" for each in (picture, reference))
            raise ValueError(
                f"{metric} compares place by place: expected two pictures of one size, got "
                f"{' and '.join(sizes)}"
            )
        return compiled(params, jnp.asarray(picture), jnp.asarray(reference))

    return judged


def _check(picture: Picture | Float[Array, "h w 3"]) -> None:
    check_shape(picture, "a picture")
    kind = getattr(picture, "dtype", None)
    if kind is None or not jnp.issubdtype(kind, jnp.floating):
        raise ValueError(f"expected a picture of floats in [0, 1], got {kind}")
    if isinstance(picture, np.ndarray):  # what is traced has no values yet
        check_values(picture, "a picture")
