"""L-BFGS without a line search: damped, and warm-started from one scale to the next."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from jaxstyle.optim.warm_start import resize_leaf

LEAST_CURVATURE = 0.1
"""The least cosine between a step and its change of gradient that enters the memory."""


class LbfgsState(NamedTuple):
    """The memory of L-BFGS.

    Attributes:
        inner: optax's own state.
        resized: The last pair comes from a coarser scale: then `inner.updates` is the change of
            gradient itself, and `inner.params` lies one step before the present point.
    """

    inner: Any
    resized: Bool[Array, ""]


def lbfgs(learning_rate: Any, memory_size: int = 20) -> optax.GradientTransformation:
    """Make L-BFGS for one array, damped so that it needs no line search.

    On these objectives the plain quasi-Newton step lowers the loss for the price of one gradient.
    But without a line search nothing forbids a pair of step s and change of gradient y with sᵀy ≤ 0
    (`optax.lbfgs` takes it as it comes, and may climb from then on). So y is bent towards s until
    the cosine between them is `LEAST_CURVATURE`. `take_step` shortens steps that lead too far.

    A picture clipped to [0, 1] between steps leaves no stale value behind: the memory is built
    from the clipped pictures and fresh gradients.

    References:
        Powell, "Algorithms for nonlinear constraints that use Lagrangian functions", Mathematical
        Programming 14 (1978), equation 5.8 in the form of Nocedal & Wright, "Numerical
        Optimization", procedure 18.2. Deviation: the damping adds a multiple of s where theirs adds
        one of Bs, and its bound is on the cosine, which does not depend on the loss's scale.
    """
    transform = optax.scale_by_lbfgs(memory_size)

    def init(params: Any) -> LbfgsState:
        return LbfgsState(transform.init(params), jnp.array(False))

    def update(updates: Any, state: LbfgsState, params: Any) -> tuple[Any, LbfgsState]:
        inner = state.inner
        step = params - inner.params
        change = jnp.where(state.resized, inner.updates, updates - inner.updates)
        least = LEAST_CURVATURE * jnp.linalg.norm(step.ravel()) * jnp.linalg.norm(change.ravel())
        lacking = jnp.maximum(least - jnp.vdot(step, change), 0)
        change += step * lacking / jnp.maximum(jnp.vdot(step, step), 1e-30)
        inner = inner._replace(updates=updates - change)
        direction, inner = transform.update(updates, inner, params)
        return -learning_rate * direction, LbfgsState(inner, jnp.array(False))

    return optax.GradientTransformation(init, update)


def warm_start_lbfgs(state: LbfgsState, image: Float[Array, "h w 3"]) -> LbfgsState:
    """Resize the memory of L-BFGS to the next, finer scale.

    The pairs keep their curvature, and the last pair is played once more, where there is no
    gradient to compare the first one with. Without a usable last pair, or with one whose curvature
    the resizing spoiled, L-BFGS starts afresh.
    """
    inner = state.inner
    steps = resize_leaf(inner.diff_params_memory, image)
    changes = resize_leaf(inner.diff_updates_memory, image, 1)
    products = jnp.sum(steps * changes, axis=(1, 2, 3))
    usable = (inner.weights_memory > 0) & (products > 0)
    last = (inner.count - 2) % len(products)
    inner = inner._replace(
        count=jnp.where(inner.count > 1, inner.count - 1, 0),
        params=image - steps[last],
        updates=changes[last],
        diff_params_memory=steps,
        diff_updates_memory=changes,
        weights_memory=jnp.where(usable, 1 / jnp.where(usable, products, 1.0), 0.0),
    )
    fresh = optax.scale_by_lbfgs(len(products)).init(image)
    keep = (inner.count > 0) & usable[last]
    inner = jax.tree.map(lambda old, new: jnp.where(keep, old, new), inner, fresh)
    return LbfgsState(inner, keep)
