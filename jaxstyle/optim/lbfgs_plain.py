"""L-BFGS as `torch.optim.LBFGS` and Torch7's `optim.lbfgs` run it: no line search, no damping."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

LEAST_CURVATURE = 1e-10
"""A pair whose product sᵀy is no larger is left out."""


class PlainLbfgsState(NamedTuple):
    """The memory.

    Attributes:
        pairs: How many pairs were taken into the memory so far.
        steps: The latest of them, in a ring.
        changes: Their changes of gradient.
        step: The step before this one; zeros before the first.
        gradient: The gradient before this one.
    """

    pairs: Int[Array, ""]
    steps: Float[Array, "m n"]
    changes: Float[Array, "m n"]
    step: Float[Array, " n"]
    gradient: Float[Array, " n"]


def lbfgs_plain(learning_rate: Any, memory_size: int = 100) -> optax.GradientTransformation:
    """Make L-BFGS for one array, as the code of most papers on style transfer runs it.

    The first step is the gradient times min(1, 1 / ‖g‖₁); pairs of step s and change of gradient y
    enter the memory where sᵀy is above `LEAST_CURVATURE`, and the first inverse Hessian is
    sᵀy / yᵀy of the latest. Nothing keeps it from climbing: see `jaxstyle.optim.lbfgs` for one
    that is damped.

    References:
        Nocedal, "Updating Quasi-Newton Matrices with Limited Storage" (Mathematics of Computation
        35, 1980), in the form of `torch.optim.LBFGS` with `line_search_fn=None`. Deviation: it
        never stops by a tolerance.
    """

    def init(params: Any) -> PlainLbfgsState:
        zeros = jnp.zeros(params.size, params.dtype)
        memory = jnp.zeros((memory_size, params.size), params.dtype)
        return PlainLbfgsState(jnp.zeros((), jnp.int32), memory, memory, zeros, zeros)

    def update(updates: Any, state: PlainLbfgsState, params: Any) -> tuple[Any, PlainLbfgsState]:
        gradient = updates.ravel()
        change = gradient - state.gradient
        slot = state.pairs % memory_size
        taken = jnp.vdot(state.step, change) > LEAST_CURVATURE
        steps, changes = (
            memory.at[slot].set(jnp.where(taken, row, memory[slot]))
            for memory, row in ((state.steps, state.step), (state.changes, change))
        )
        pairs = state.pairs + taken
        direction = -_times_inverse_hessian(gradient, steps, changes, pairs)
        # Before the first step the memory holds nothing, and the gradient before is zero.
        first = jnp.minimum(1.0, 1 / jnp.sum(jnp.abs(gradient)))
        step = direction * learning_rate * jnp.where(jnp.any(state.gradient), 1.0, first)
        state = PlainLbfgsState(pairs, steps, changes, step, gradient)
        return step.reshape(updates.shape), state

    return optax.GradientTransformation(init, update)


def _times_inverse_hessian(
    gradient: Float[Array, " n"],
    steps: Float[Array, "m n"],
    changes: Float[Array, "m n"],
    pairs: Int[Array, ""],
) -> Float[Array, " n"]:
    """Run the two loops over the pairs, the latest first and the oldest first."""
    size = steps.shape[0]
    held = jnp.minimum(pairs, size)
    latest = (pairs - 1) % size

    def curvature(slot: Any) -> Float[Array, ""]:
        return jnp.vdot(steps[slot], changes[slot])

    def descend(number: Any, carry: Any) -> Any:
        vector, shares = carry
        slot = (pairs - 1 - number) % size
        share = jnp.vdot(steps[slot], vector) / curvature(slot)
        return vector - share * changes[slot], shares.at[slot].set(share)

    def ascend(number: Any, vector: Float[Array, " n"]) -> Float[Array, " n"]:
        slot = (pairs - held + number) % size
        share = jnp.vdot(changes[slot], vector) / curvature(slot)
        return vector + (shares[slot] - share) * steps[slot]

    shares = jnp.zeros(size, gradient.dtype)
    vector, shares = jax.lax.fori_loop(0, held, descend, (gradient, shares))
    scale = curvature(latest) / jnp.maximum(jnp.vdot(changes[latest], changes[latest]), 1e-38)
    vector = vector * jnp.where(held, scale, 1.0)
    return jax.lax.fori_loop(0, held, ascend, vector)
