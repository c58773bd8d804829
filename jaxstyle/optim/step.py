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

from jaxstyle._util.names import nearest
from jaxstyle.objective.objective import Losses
from jaxstyle.optim.parametrization import PIXELS, Parametrization

LEAST_CURVATURE = 0.1
"""The least cosine between a step and its change of gradient that L-BFGS is allowed to see."""
LONGEST_STEP = 0.05
"""The greatest root mean square of what one step changes, where a picture's range is 1."""


class LbfgsState(NamedTuple):
    """The memory of L-BFGS.

    Attributes:
        inner: optax's own state.
        carried: The last pair comes from a coarser scale: then `inner.updates` is the change of
            gradient itself, and `inner.params` lies one step before the present point.
    """

    inner: Any
    carried: Bool[Array, ""]


def lbfgs(learning_rate: Any, memory_size: int = 20) -> optax.GradientTransformation:
    """L-BFGS for one array that needs no line search: damped.

    On these objectives the plain quasi-Newton step lowers the loss for the price of one gradient.
    But without a line search nothing forbids a pair of step s and change of gradient y with sᵀy ≤ 0
    (`optax.lbfgs` takes it as it comes, and may climb from then on). So y is bent towards s until
    the cosine between them is `LEAST_CURVATURE`. Steps that lead too far, `take_step` shortens.

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
        change = jnp.where(state.carried, inner.updates, updates - inner.updates)
        least = LEAST_CURVATURE * jnp.linalg.norm(step.ravel()) * jnp.linalg.norm(change.ravel())
        lacking = jnp.maximum(least - jnp.vdot(step, change), 0)
        change += step * lacking / jnp.maximum(jnp.vdot(step, step), 1e-30)
        found, inner = transform.update(updates, inner._replace(updates=updates - change), params)
        return -learning_rate * found, LbfgsState(inner, jnp.array(False))

    return optax.GradientTransformation(init, update)


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


DIVERGENCE_FACTOR = 3.0
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


Measure = Callable[[Float[Array, "h w 3"]], tuple[Losses, Float[Array, "h w 3"]]]
"""From a picture to its losses and the gradient of their total."""


def measured(evaluate: Callable[[Float[Array, "h w 3"]], Losses]) -> Measure:
    """An objective with its gradient."""

    def total(image: Float[Array, "h w 3"]) -> tuple[Float[Array, ""], Losses]:
        losses = evaluate(image)
        return losses.total, losses

    def measure(image: Float[Array, "h w 3"]) -> tuple[Losses, Float[Array, "h w 3"]]:
        (_, losses), gradient = jax.value_and_grad(total, has_aux=True)(image)
        return losses, gradient

    return measure


def start(
    transform: optax.GradientTransformation,
    image: Float[Array, "h w 3"],
    space: Parametrization = PIXELS,
) -> State:
    """The state before the first step."""
    image = jnp.asarray(image, jnp.float32)
    step, lowest = jnp.zeros((), jnp.int32), jnp.array(jnp.inf)
    memory = transform.init(space.encode(image))
    state = State(image, memory, step, jnp.array(True), image, lowest, jnp.ones(()))
    # optax may put one buffer in several places; copies of its own let a caller donate the state.
    return jax.tree.map(jnp.array, state)


def carried(memory: Any, image: Float[Array, "h w 3"]) -> Any:
    """An optimizer's state at the next, finer scale, where it moves pixels.

    What belongs to pixels is resized. A loss that is a mean over positions has a gradient in
    inverse proportion to the number of pixels: so gradients are multiplied by the ratio of the old
    number to the new, squares of gradients by its square. L-BFGS's pairs keep their curvature
    then, and it plays its last pair once more where it has no gradient to compare the first with.

    Args:
        memory: The state that an optimizer of `OPTIMIZERS` left at the coarser scale.
        image: The picture from which the finer scale starts.
    """

    def moved(leaf: Any, power: int = 0) -> Any:
        *batch, height, width, channels = leaf.shape
        ratio = height * width / (image.shape[0] * image.shape[1])
        found = jax.image.resize(leaf, (*batch, *image.shape[:2], channels), "linear")
        return ratio**power * found

    def each(node: Any) -> Any:
        if isinstance(node, optax.ScaleByAdamState):
            return node._replace(mu=moved(node.mu, 1), nu=moved(node.nu, 2))
        if isinstance(node, optax.TraceState):
            return node._replace(trace=moved(node.trace, 1))
        if isinstance(node, optax.ScaleByRmsState):
            return node._replace(nu=moved(node.nu, 2))
        if isinstance(node, LbfgsState):
            return _carried_lbfgs(node, image, moved)
        return node

    kinds = (optax.ScaleByAdamState, optax.TraceState, optax.ScaleByRmsState, LbfgsState)
    return jax.tree.map(each, memory, is_leaf=lambda node: isinstance(node, kinds))


def _carried_lbfgs(state: LbfgsState, image: Float[Array, "h w 3"], moved: Any) -> LbfgsState:
    inner = state.inner
    steps, changes = moved(inner.diff_params_memory), moved(inner.diff_updates_memory, 1)
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
    # Without a usable last pair, or with one whose curvature the resizing spoiled, it starts anew.
    keep = (inner.count > 0) & usable[last]
    inner = jax.tree.map(lambda old, new: jnp.where(keep, old, new), inner, fresh)
    return LbfgsState(inner, keep)


def take_step(
    measure: Measure,
    transform: optax.GradientTransformation,
    state: State,
    space: Parametrization = PIXELS,
) -> tuple[State, Losses]:
    """One step: gradient, update, and back into [0, 1].

    Returns:
        The next state, and the losses at the picture before the step.
    """
    losses, gradient = measure(state.image)

    def value_fn(point: Float[Array, ...]) -> Float[Array, ""]:
        return measure(space.decode(point))[0].total

    return move(transform, state, losses.total, gradient, space, value_fn=value_fn), losses


def move(
    transform: optax.GradientTransformation,
    state: State,
    value: Float[Array, ""],
    gradient: Float[Array, "h w 3"],
    space: Parametrization = PIXELS,
    **more: Any,
) -> State:
    """The state after a step whose loss and gradient are known.

    The gradient is brought to the optimizer's coordinates, and the update back to pixels, where it
    is shortened to `LONGEST_STEP`, its direction kept: along a direction of hardly any curvature a
    quasi-Newton step would lead so far that the picture never comes back.

    A step that is not finite leaves the picture and the optimizer as they were and says so in
    `finite`. Where the loss is `DIVERGENCE_FACTOR` times the lowest so far, the step only goes back to the
    best picture; the optimizer forgets, and the next steps are shorter. (Objectives with
    exponentials can be left in one step for a place so steep or so flat that no gradient leads
    back.)
    """
    point = space.encode(state.image)
    slope = jax.vjp(space.decode, point)[1](gradient)[0]
    # What a line search of optax wants besides; others do not look at it.
    transform = optax.with_extra_args_support(transform)
    more = {"value": value, "grad": slope} | more
    updates, moved = transform.update(slope, state.optimizer, point, **more)
    change = space.decode(updates)
    size = jnp.sqrt(jnp.mean(change**2))
    change = state.trust * change * (LONGEST_STEP / jnp.maximum(size, LONGEST_STEP))
    image = jnp.clip(state.image + change, 0, 1)
    # Of a loss under 0, which no sum of distances has, three times the lowest means nothing.
    exploded = (state.lowest >= 0) & (value > DIVERGENCE_FACTOR * state.lowest)
    better = value < state.lowest
    best = jnp.where(better, state.image, state.best)
    image = jnp.where(exploded, state.best, image)
    moved = jax.tree.map(
        lambda fresh, old: jnp.where(exploded, fresh, old),
        transform.init(space.encode(state.best)),
        moved,
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

    return State(
        keep(image, state.image),
        keep(moved, state.optimizer),
        state.step + finite.astype(jnp.int32),
        finite,
        keep(best, state.best),
        jnp.where(better & finite, value, state.lowest),
        trust,
    )


def take_steps(
    measure: Measure,
    transform: optax.GradientTransformation,
    state: State,
    count: Int[Array, ""],
    *,
    length: int,
    space: Parametrization = PIXELS,
) -> tuple[State, Losses]:
    """Up to `length` steps as one program; `count`, a leaf, says how many of them are taken.

    So the last, shorter chunk of a run needs no second compilation. With a `length` of 1 there is
    no scan, and the step is taken whatever the count.

    Returns:
        The state after them, and the losses of each step (NaN for those not taken).
    """
    step = partial(take_step, measure, transform, space=space)
    if length == 1:
        state, losses = step(state)
        return state, jax.tree.map(lambda leaf: leaf[None], losses)

    def body(state: State, index: Int[Array, ""]) -> tuple[State, Losses]:
        shapes = jax.eval_shape(step, state)[1]
        skipped = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), shapes)
        return jax.lax.cond(index < count, step, lambda same: (same, skipped), state)

    return jax.lax.scan(body, state, jnp.arange(length))
