"""The optimizers: what they do on functions whose answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxstyle.objective.objective import Losses
from jaxstyle.optim import step as optimize

SHAPE = (4, 5, 3)


def run(loss, transform, image, steps):
    step = jax.jit(
        lambda state: optimize.take_step(
            optimize.measured(lambda image: Losses(loss(image), loss(image)[None])),
            transform,
            state,
        )
    )
    state, found = optimize.start(transform, jnp.asarray(image)), []
    for _ in range(steps):
        state, losses = step(state)
        found.append(float(losses.total))
    return state, found


@pytest.mark.parametrize("name", optimize.OPTIMIZERS)
def test_every_optimizer_finds_the_lowest_point_of_a_bowl(name):
    rng = np.random.default_rng(0)
    lowest = rng.uniform(0.2, 0.8, SHAPE).astype(np.float32)
    steepness = rng.uniform(0.5, 2, SHAPE).astype(np.float32)
    rate = {"lbfgs": 1.0, "sgd": 0.5, "momentum": 0.1, "adam": 0.02, "rmsprop": 0.002}[name]
    state, _ = run(
        lambda image: jnp.sum(steepness * (image - lowest) ** 2) / 2,
        optimize.optimizer(name, rate),
        np.full(SHAPE, 0.5, np.float32),
        300,
    )
    np.testing.assert_allclose(state.image, lowest, atol=5e-3)


def test_lbfgs_goes_down_where_the_surface_bends_downwards():
    # Between two valleys of a cosine every step has s'y < 0: a plain quasi-Newton step, which takes
    # that for a bowl turned over, climbs to the top.
    rng = np.random.default_rng(0)
    start = (0.5 + 0.05 * rng.standard_normal(SHAPE)).astype(np.float32)

    def loss(image):
        return jnp.sum(1 + jnp.cos(4 * jnp.pi * (image - 0.5)))

    plain = optax.lbfgs(1.0, memory_size=20, linesearch=None)
    _, climbing = run(loss, plain, start, 60)
    _, falling = run(loss, optimize.optimizer("lbfgs", 1.0), start, 60)
    assert climbing[-1] > 0.5 * climbing[0]
    assert falling[-1] < 0.01 * falling[0]


def test_lbfgs_never_steps_too_far():
    transform = optimize.optimizer("lbfgs", 1.0)
    state = optimize.start(transform, jnp.full(SHAPE, 0.5))
    rng = np.random.default_rng(0)
    for size in (1e-12, 1e-3, 1e9, 0, 1):
        gradient = jnp.asarray(size * rng.standard_normal(SHAPE), jnp.float32)
        moved = optimize.move(transform, state, jnp.ones(()), gradient)
        change = moved.image - state.image
        assert np.sqrt(np.mean(np.square(change))) <= optimize.LONGEST_STEP * (1 + 1e-5)
        assert moved.finite
        state = moved


def test_a_step_into_an_exponential_wall_is_taken_back():
    # A gentle slope that ends in a wall: every step of full length lands far up the wall.
    def loss(image):
        return jnp.sum(0.1 * image + jnp.exp(200 * (0.4 - image)))

    steep = optax.scale(-1.0)  # plain descent with a rate that is far too long
    state, found = run(loss, steep, np.full(SHAPE, 0.6, np.float32), 60)
    assert max(found) > 10 * found[0]
    # Each time it goes back to the best picture and on from there, by shorter steps.
    assert float(state.lowest) == min(found) < 0.8 * found[0]
    assert float(loss(state.best)) == pytest.approx(min(found), rel=1e-4)


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'adam'"):
        optimize.optimizer("adm", 0.1)
