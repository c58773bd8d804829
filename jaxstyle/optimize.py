"""The loop: an optax optimizer moves the pixels, in chunks of steps compiled once.

On an accelerator a chunk of steps is one XLA program (`lax.scan`); on a CPU, whose scan runs its
body on a single thread, the program is one step. Between chunks the host looks: it shows progress,
and it stops where a number stopped being one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from jaxstyle.objective import Losses
from jaxstyle.suggest import nearest

LEAST_CURVATURE = 0.1
"""The least cosine between a step and its change of gradient that L-BFGS is allowed to see."""
LONGEST_STEP = 0.05
"""The greatest root mean square of one L-BFGS step, where a picture's range is 1."""


def lbfgs(learning_rate: Any, memory_size: int = 20) -> optax.GradientTransformation:
    """L-BFGS for one array that needs no line search: damped, and its step bounded.

    On these objectives the plain quasi-Newton step lowers the loss for the price of one gradient.
    But without a line search nothing forbids a pair of step s and change of gradient y with sᵀy ≤ 0
    (`optax.lbfgs` takes it as it comes, and may climb from then on), nor a step along a direction
    of hardly any curvature that leads so far that the picture never comes back. So y is
    bent towards s until the cosine between them is `LEAST_CURVATURE`, and a step is shortened to
    `LONGEST_STEP`, its direction kept.

    A picture clipped to [0, 1] between steps leaves no stale value behind: the memory is built
    from the clipped pictures and fresh gradients.

    References:
        Powell, "Algorithms for nonlinear constraints that use Lagrangian functions", Mathematical
        Programming 14 (1978), equation 5.8 in the form of Nocedal & Wright, "Numerical
        Optimization", procedure 18.2. Deviation: the damping adds a multiple of s where theirs adds
        one of Bs, and its bound is on the cosine, which does not depend on the loss's scale.
    """
    inner = optax.scale_by_lbfgs(memory_size)

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        step, change = params - state.params, updates - state.updates
        least = LEAST_CURVATURE * optax.tree.norm(step) * optax.tree.norm(change)
        lacking = jnp.maximum(least - jnp.vdot(step, change), 0)
        change += step * lacking / jnp.maximum(jnp.vdot(step, step), 1e-30)
        found, state = inner.update(updates, state._replace(updates=updates - change), params)
        found *= -learning_rate
        size = jnp.sqrt(jnp.mean(found**2))
        return found * (LONGEST_STEP / jnp.maximum(size, LONGEST_STEP)), state

    return optax.GradientTransformation(inner.init, update)


OPTIMIZERS: dict[str, Callable[[Any], optax.GradientTransformation]] = {
    "lbfgs": lbfgs,
    "adam": partial(optax.adam, b2=0.99),
    "sgd": optax.sgd,
    "momentum": partial(optax.sgd, momentum=0.9),
    "rmsprop": optax.rmsprop,
}
"""Optimizers by name, each made from a learning rate (an array leaf)."""


def optimizer(name: str, learning_rate: Any) -> optax.GradientTransformation:
    """An optimizer by name whose learning rate is a leaf of its state, not a constant.

    Raises:
        ValueError: No optimizer has that name.
    """
    if name not in OPTIMIZERS:
        raise ValueError(
            f"no optimizer is named {name!r}{nearest(name, OPTIMIZERS)}; "
            f"there are {', '.join(OPTIMIZERS)}"
        )
    return OPTIMIZERS[name](learning_rate)


EXPLOSION = 3.0
"""A loss this many times the best so far means that the last step led somewhere else."""


class State(NamedTuple):
    """Where a run stands.

    Attributes:
        image: The picture being made; the last finite one once something is not.
        optimizer: The optimizer's own state.
        step: Steps taken.
        finite: False from the first step on whose loss, gradient or picture was not finite.
        best: The picture of the lowest loss so far, to go back to.
        lowest: That loss.
        trust: Multiplies every step: 1, and less for a while after a step had to be taken back.
    """

    image: Float[Array, "h w 3"]
    optimizer: Any
    step: Int[Array, ""]
    finite: Bool[Array, ""]
    best: Float[Array, "h w 3"]
    lowest: Float[Array, ""]
    trust: Float[Array, ""]


Evaluate = Callable[[Float[Array, "h w 3"]], Losses]


def start(transform: optax.GradientTransformation, image: Float[Array, "h w 3"]) -> State:
    """The state before the first step."""
    image = jnp.asarray(image, jnp.float32)
    step, lowest = jnp.zeros((), jnp.int32), jnp.array(jnp.inf)
    state = State(image, transform.init(image), step, jnp.array(True), image, lowest, jnp.ones(()))
    # optax may put one buffer in several places; copies of its own let a caller donate the state.
    return jax.tree.map(jnp.array, state)


def take_step(
    evaluate: Evaluate, transform: optax.GradientTransformation, state: State
) -> tuple[State, Losses]:
    """One step: gradient, update, and back into [0, 1].

    A step that is not finite leaves the picture and the optimizer as they were and says so in
    `finite`; its losses are returned as they are, so that the guilty term can be named. Where the
    loss is `EXPLOSION` times the lowest so far, the step only goes back to the best picture; the
    optimizer forgets, and the next steps are shorter. (Objectives with exponentials can be left in
    one step for a place so steep or so flat that no gradient leads back.)

    Returns:
        The next state, and the losses at the picture before the step.
    """

    def total(image: Float[Array, "h w 3"]) -> tuple[Float[Array, ""], Losses]:
        losses = evaluate(image)
        return losses.total, losses

    (value, losses), gradient = jax.value_and_grad(total, has_aux=True)(state.image)
    updates, moved = optax.with_extra_args_support(transform).update(
        gradient,
        state.optimizer,
        state.image,
        value=value,
        grad=gradient,
        value_fn=lambda image: evaluate(image).total,
    )
    updates = state.trust * updates
    image = jnp.clip(optax.apply_updates(state.image, updates), 0, 1)
    exploded = value > EXPLOSION * state.lowest
    better = value < state.lowest
    best = jnp.where(better, state.image, state.best)
    image = jnp.where(exploded, state.best, image)
    moved = jax.tree.map(
        lambda fresh, old: jnp.where(exploded, fresh, old), transform.init(state.best), moved
    )
    trust = jnp.where(exploded, state.trust / 2, jnp.minimum(1.0, 1.1 * state.trust))
    finite = (
        state.finite
        & jnp.isfinite(value)
        & jnp.all(jnp.isfinite(gradient))
        & jnp.all(jnp.isfinite(image))
    )

    def keep(new: Any, old: Any) -> Any:
        return jax.tree.map(lambda a, b: jnp.where(finite, a, b), new, old)

    return (
        State(
            keep(image, state.image),
            keep(moved, state.optimizer),
            state.step + finite.astype(jnp.int32),
            finite,
            keep(best, state.best),
            jnp.where(better & finite, value, state.lowest),
            trust,
        ),
        losses,
    )


def take_steps(
    evaluate: Evaluate,
    transform: optax.GradientTransformation,
    state: State,
    count: Int[Array, ""],
    *,
    length: int,
) -> tuple[State, Losses]:
    """Up to `length` steps as one program; `count`, a leaf, says how many of them are taken.

    So the last, shorter chunk of a run needs no second compilation. With a `length` of 1 there is
    no scan, and the step is taken whatever the count.

    Returns:
        The state after them, and the losses of each step (NaN for those not taken).
    """
    if length == 1:
        state, losses = take_step(evaluate, transform, state)
        return state, jax.tree.map(lambda leaf: leaf[None], losses)

    def body(state: State, index: Int[Array, ""]) -> tuple[State, Losses]:
        shapes = jax.eval_shape(partial(take_step, evaluate, transform), state)[1]
        skipped = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), shapes)
        return jax.lax.cond(
            index < count,
            partial(take_step, evaluate, transform),
            lambda same: (same, skipped),
            state,
        )

    return jax.lax.scan(body, state, jnp.arange(length))
