"""Gradient descent with momentum and a bound on the gradient."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxstyle.optim.momentum import momentum


def steps(transform, gradients):
    state, taken = transform.init(gradients[0]), []
    for gradient in gradients:
        step, state = transform.update(gradient, state, gradient)
        taken.append(step)
    return np.array(taken)


GRADIENTS = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 5, 3)), jnp.float32)


def test_without_a_bound_it_is_that_of_optax():
    expected = steps(optax.sgd(0.1, 0.9), GRADIENTS)
    np.testing.assert_array_equal(steps(momentum(0.1), GRADIENTS), expected)


@pytest.mark.parametrize("size", [1e3, 1e8])
def test_a_long_gradient_keeps_its_direction_alone(size):
    expected = GRADIENTS[:1] * 60 / jnp.linalg.norm(GRADIENTS[0])
    taken = steps(momentum(0.1, longest=1.0), size * GRADIENTS[:1])
    np.testing.assert_allclose(taken, -0.1 * expected, rtol=1e-5)


def test_short_gradients_stay_as_they_are():
    expected = steps(optax.sgd(0.1, 0.9), GRADIENTS)
    np.testing.assert_allclose(steps(momentum(0.1, longest=1.0), GRADIENTS), expected)
    zeros = jnp.zeros((1, 2, 2, 3))
    np.testing.assert_array_equal(steps(momentum(0.1, longest=1.0), zeros), zeros)
