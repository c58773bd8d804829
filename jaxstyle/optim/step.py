"""One optimizer step: gradient, update, and back into [0, 1].

On an accelerator a chunk of steps is one XLA program (`lax.scan`); on a CPU, whose scan runs its
body on a single thread, the program is one step. Between chunks the host shows progress, and stops
where a number stopped being finite.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from jaxstyle.objective.objective import Losses
from jaxstyle.optim.parametrization import PIXELS, Parametrization
from jaxstyle.settings import SafeguardName

LONGEST_STEP = 0.05
"""The greatest root mean square of a step's change, where a picture's range is 1."""

DIVERGENCE_FACTOR = 3.0
"""A loss this many times the lowest so far means that the last step left the basin."""


class Rules(NamedTuple):
    """How a step is taken, besides its direction: all that is not a number of the run's state.

    Attributes:
        space: The coordinates in which the optimizer moves the picture.
        safeguard: What keeps the picture in range: see `apply_update`.
        restarts: Steps before which the optimizer forgets what it has gathered: there the objective
            becomes another.
        rate_decay: A factor, and after how many steps each step is multiplied by it once more;
            nothing for no decay.
        average: The decay of the exponential average of pictures; 0 for none.
    """

    space: Parametrization = PIXELS
    safeguard: SafeguardName = "full"
    restarts: tuple[int, ...] = ()
    rate_decay: tuple[float, ...] = ()
    average: float = 0.0


PLAIN = Rules()


class State(NamedTuple):
    """The state of a run's optimization.

    Attributes:
        image: The picture being made; the last finite one once something is not.
        optimizer: The optimizer's own state.
        step: Steps taken.
        finite: False from the first step on whose loss, gradient or picture was not finite.
        best: The picture of the lowest loss so far, to return to.
        lowest: That loss.
        trust: Multiplies every step: 1, and less for a while after a step had to be taken back.
        sum: Of the pictures so far, each decayed for every step since; () where none is averaged.
        free: 1 where a pixel may change, 0 where not; () where all may.
    """

    image: Float[Array, "h w 3"]
    optimizer: Any
    step: Int[Array, ""]
    finite: Bool[Array, ""]
    best: Float[Array, "h w 3"]
    lowest: Float[Array, ""]
    trust: Float[Array, ""]
    sum: Float[Array, "h w 3"] | tuple[()] = ()
    free: Float[Array, "h w 3"] | tuple[()] = ()


Evaluate = Callable[[Float[Array, "h w 3"], Int[Array, ""]], Losses]
"""From a picture and the number of a step to its losses."""
Gradient = Callable[[Float[Array, "h w 3"], Int[Array, ""]], tuple[Losses, Float[Array, "h w 3"]]]
"""From a picture and the number of a step to its losses and the gradient of their total."""


def with_gradient(evaluate: Evaluate) -> Gradient:
    """Return an objective together with the gradient of its total."""

    def total(image: Float[Array, "h w 3"], step: Any) -> tuple[Float[Array, ""], Losses]:
        losses = evaluate(image, step)
        return losses.total, losses

    def value_and_gradient(
        image: Float[Array, "h w 3"], step: Any
    ) -> tuple[Losses, Float[Array, "h w 3"]]:
        (_, losses), gradient = jax.value_and_grad(total, has_aux=True)(image, step)
        return losses, gradient

    return value_and_gradient


def init(
    transform: optax.GradientTransformation,
    image: Float[Array, "h w 3"],
    rules: Rules = PLAIN,
    free: Any = (),
) -> State:
    """Return the state before the first step."""
    image = jnp.asarray(image, jnp.float32)
    step, lowest = jnp.zeros((), jnp.int32), jnp.array(jnp.inf, jnp.float32)
    memory = transform.init(rules.space.encode(image))
    sums = image if rules.average else ()
    state = State(image, memory, step, jnp.array(True), image, lowest, jnp.ones(()), sums, free)
    # optax may put one buffer in several places; separate copies let a caller donate the state.
    return jax.tree.map(jnp.array, state)


def take_step(
    gradient_of: Gradient,
    transform: optax.GradientTransformation,
    state: State,
    rules: Rules = PLAIN,
) -> tuple[State, Losses]:
    """Take one step: gradient, update, and back into [0, 1]; see `apply_update`.

    Returns:
        The next state, and the losses at the picture before the step.
    """
    losses, gradient = gradient_of(state.image, state.step)

    def value_fn(point: Float[Array, ...]) -> Float[Array, ""]:
        return gradient_of(rules.space.decode(point), state.step)[0].total

    state = apply_update(transform, state, losses.total, gradient, rules, value_fn=value_fn)
    return state, losses


def apply_update(
    transform: optax.GradientTransformation,
    state: State,
    value: Float[Array, ""],
    gradient: Float[Array, "h w 3"],
    rules: Rules = PLAIN,
    **more: Any,
) -> State:
    """Take the step whose loss and gradient are known.

    The gradient is brought to the optimizer's coordinates, and the update back to pixels, where the
    picture is clipped to [0, 1] unless the safeguard is `"none"`. Under `"full"` it is first
    shortened to `LONGEST_STEP`, its direction kept: along a direction of hardly any curvature a
    quasi-Newton step would lead so far that the picture never returns.

    A step that is not finite leaves the picture and the optimizer as they were and clears `finite`.
    Under `"full"`, where the loss is `DIVERGENCE_FACTOR` times the lowest so far, the step only
    returns to the best picture; the optimizer is reset, and the next steps are shorter. (Objectives
    with exponentials can be left in one step for a place so steep or so flat that no gradient leads
    back.)
    """
    space, safeguard = rules.space, rules.safeguard
    if not isinstance(state.free, tuple):
        # Then no direction of any optimizer leads where the picture is to stay.
        gradient = gradient * state.free
    point = space.encode(state.image)
    cotangent = jax.vjp(space.decode, point)[1](gradient)[0]
    # A line search of optax needs these; other transformations ignore them.
    transform = optax.with_extra_args_support(transform)
    more = {"value": value, "grad": cotangent} | more
    memory = state.optimizer
    if rules.restarts:
        is_new = jnp.isin(state.step, jnp.array(rules.restarts))
        memory = _chosen(is_new, transform.init(point), memory)
    updates, memory = transform.update(cotangent, memory, point, **more)
    change = space.decode(updates)
    if rules.rate_decay:
        factor, every = rules.rate_decay
        change = change * factor ** jnp.floor(state.step / every)
    if safeguard == "full":
        size = jnp.sqrt(jnp.mean(change**2))
        # Squares of a very long step are infinite; its greatest change is not.
        size = jnp.where(jnp.isinf(size), jnp.max(jnp.abs(change)), size)
        change = state.trust * change * (LONGEST_STEP / jnp.maximum(size, LONGEST_STEP))
    image = state.image + change
    if safeguard != "none":
        image = jnp.clip(image, 0, 1)
    better, trust = value < state.lowest, state.trust
    best = jnp.where(better, state.image, state.best)
    if safeguard == "full":
        # Three times the lowest means nothing for a loss under 0, which no sum of distances has.
        diverged = (state.lowest >= 0) & (value > DIVERGENCE_FACTOR * state.lowest)
        image = jnp.where(diverged, state.best, image)
        memory = _chosen(diverged, transform.init(space.encode(state.best)), memory)
        trust = jnp.where(diverged, state.trust / 2, jnp.minimum(1.0, 1.1 * state.trust))
    finite = (
        state.finite
        & jnp.isfinite(value)
        & jnp.all(jnp.isfinite(gradient))
        & jnp.all(jnp.isfinite(image))
    )

    def keep(new: Any, old: Any) -> Any:
        def chosen(a: Array, b: Array) -> Array:
            # A picture stays float32, with jax_enable_x64 too.
            return jnp.where(finite, a if a.dtype == b.dtype else a.astype(b.dtype), b)

        return jax.tree.map(chosen, new, old)

    sums = state.sum
    if not isinstance(sums, tuple):
        sums = keep(rules.average * sums + image, sums)
    return State(
        keep(image, state.image),
        keep(memory, state.optimizer),
        state.step + finite.astype(jnp.int32),
        finite,
        keep(best, state.best),
        jnp.where(better & finite, value, state.lowest),
        trust,
        sums,
        state.free,
    )


def picture(state: State, rules: Rules = PLAIN) -> Float[Array, "*lanes h w 3"]:
    """Return the picture of a state: the last one, or the average of all with decaying weights.

    The average is that of Adam's moments: the first pictures do not count more than others of
    their age.
    """
    if isinstance(state.sum, tuple):
        return state.image
    weights = (1 - rules.average ** (state.step + 1)) / (1 - rules.average)
    return state.sum / weights[..., None, None, None]


def _chosen(condition: Bool[Array, ""], one: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)


def take_steps(
    gradient_of: Gradient,
    transform: optax.GradientTransformation,
    state: State,
    count: Int[Array, ""],
    *,
    length: int,
    rules: Rules = PLAIN,
) -> tuple[State, Losses]:
    """Take up to `length` steps as one program; `count`, a leaf, says how many.

    So the last, shorter chunk of a run needs no second compilation. With a `length` of 1 there is
    no scan, and the step is taken whatever the count.

    Returns:
        The state after them, and the losses of each step (NaN for those not taken).
    """
    step = partial(take_step, gradient_of, transform, rules=rules)
    if length == 1:
        state, losses = step(state)
        return state, jax.tree.map(lambda leaf: leaf[None], losses)

    def body(state: State, index: Int[Array, ""]) -> tuple[State, Losses]:
        shapes = jax.eval_shape(step, state)[1]
        skipped = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), shapes)
        return jax.lax.cond(index < count, step, lambda same: (same, skipped), state)

    return jax.lax.scan(body, state, jnp.arange(length))
