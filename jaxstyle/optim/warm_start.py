"""Warm start: an optimizer's state at the next, finer scale.

Arrays that belong to pixels are resized. A loss that is a mean over positions has a gradient in
inverse proportion to the number of pixels: so gradients are multiplied by the ratio of the old
number to the new, squares of gradients by its square.
"""

from __future__ import annotations

from typing import Any

import jax
import optax
from jaxtyping import Array, Float


def resize_leaf(leaf: Any, image: Float[Array, "h w 3"], power: int = 0) -> Any:
    """Resize an array of pixels to the picture's size.

    Args:
        leaf: Shape (..., height, width, channels).
        image: The picture from which the finer scale starts.
        power: Of the gradient that the array is in proportion to: 1 for a mean of gradients, 2 for
            a mean of their squares, 0 for neither.
    """
    *batch, height, width, channels = leaf.shape
    ratio = height * width / (image.shape[0] * image.shape[1])
    resized = jax.image.resize(leaf, (*batch, *image.shape[:2], channels), "linear")
    return ratio**power * resized


_POWERS: dict[Any, dict[str, int]] = {
    optax.ScaleByAdamState: {"mu": 1, "nu": 2},
    optax.TraceState: {"trace": 1},
    optax.ScaleByRmsState: {"nu": 2},
}


def warm_start_moments(state: Any, image: Float[Array, "h w 3"]) -> Any:
    """Resize the moments of gradients that optax's Adam, RMSprop and momentum keep.

    Other states are returned as they are.
    """

    def resize_node(node: Any) -> Any:
        powers = _POWERS.get(type(node), {})
        resized = {name: resize_leaf(getattr(node, name), image, k) for name, k in powers.items()}
        return node._replace(**resized) if resized else node

    return jax.tree.map(resize_node, state, is_leaf=lambda node: type(node) in _POWERS)
