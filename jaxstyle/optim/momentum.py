"""Gradient descent with momentum, of gradients whose norm may be bounded."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax


def momentum(
    learning_rate: Any, momentum: float = 0.9, longest: float = 0.0
) -> optax.GradientTransformation:
    """Make `optax.sgd` with momentum, of gradients that are first shortened if they are too long.

    Args:
        learning_rate: The step size.
        momentum: How much of the last step the next one keeps.
        longest: The longest a gradient may be, as a multiple of the number of its values; 0 for any
            length. Longer ones keep their direction. At 1 the root mean square of a gradient of n
            values is at most √n.

    References:
        The bound: the code of Li et al., "Demystifying Neural Style Transfer" (IJCAI 2017),
        `neural-style.py`, where it is 1.
    """
    descent = optax.sgd(learning_rate, momentum)
    return optax.chain(_shortened(longest), descent) if longest else descent


def _shortened(longest: float) -> optax.GradientTransformation:
    def update(updates: Any, params: Any) -> Any:
        del params
        length = jnp.linalg.norm(updates.ravel())
        return updates * jnp.minimum(1.0, longest * updates.size / jnp.maximum(length, 1e-30))

    return optax.stateless(update)
