"""Warm starts: what an optimizer keeps from one scale to the next, finer one."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxstyle
from jaxstyle.objective.objective import Losses
from jaxstyle.optim import optimizers, step
from jaxstyle.optim.warm_start import warm_start_moments

COARSE = np.ones((4, 6, 3), np.float32)
FINE = jnp.ones((8, 12, 3))


def shapes(tree):
    return jax.tree.map(jnp.shape, tree)


@pytest.mark.parametrize("name", ["adam", "momentum", "rmsprop", "adamw"])
def test_moments_are_resized_as_gradients_are(name):
    # On a linear slope, whose gradient goes by 1/pixels, moments have known values.
    optimizer = optimizers.find(optax.adamw(0.01) if name == "adamw" else name)
    transform = optimizer.make(0.01)
    state, expected = transform.init(jnp.asarray(COARSE)), transform.init(FINE)
    for _ in range(3):
        _, state = transform.update(jnp.asarray(COARSE) / COARSE.size, state, COARSE)
        _, expected = transform.update(FINE / FINE.size, expected, FINE)
    warm = optimizer.carry(state, transform.init(FINE), FINE)
    assert jax.tree.structure(warm) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(warm), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_plain_descent_keeps_nothing():
    optimizer = optimizers.find("sgd")
    transform = optimizer.make(0.01)
    state = optimizer.warm_start(transform.init(jnp.asarray(COARSE)), FINE)
    assert shapes(state) == shapes(transform.init(FINE))


@pytest.mark.parametrize(
    "transform", [optax.adagrad(0.01), optax.lbfgs()], ids=["adagrad", "lbfgs"]
)
def test_a_state_that_cannot_be_resized_starts_afresh(transform):
    optimizer = optimizers.find(transform)
    state, fresh = transform.init(jnp.asarray(COARSE)), transform.init(FINE)
    assert optimizer.carry(state, fresh, FINE) is fresh


class TestOptaxTransformations:
    y, x = np.mgrid[0:60, 0:80] / 80
    content = np.stack([x, y, 0.5 + 0.4 * np.sin(9 * x * y)], -1).astype(np.float32)

    def run(self, optimizer):
        result = jaxstyle.stylize(
            self.content,
            np.random.default_rng(0).random((48, 40, 3)).astype(np.float32),
            optimizer=optimizer,
            **{"scale_steps": (3, 3), "scale_factor": 1.25, "size": 80},
            **{"style_layers": ("relu1_1",), "content_layers": ("relu1_1",), "metric": "gram"},
        )
        assert [scale["size"] for scale in result.facts["scales"]] == [64, 80]
        totals = result.history["total"]
        assert result.finite
        assert totals[2] < totals[0]
        assert totals[5] < totals[3]
        return result

    @pytest.mark.slow
    def test_moments_are_carried_from_scale_to_scale(self):
        calls = []

        def warm_start(state, image):
            calls.append((state[0].mu.shape, image.shape))
            return warm_start_moments(state, image)

        optimizer = replace(optimizers.find(optax.adamw(0.02)), warm_start=warm_start)
        self.run(optimizer)
        assert calls == [((48, 64, 3), (60, 80, 3))]

    def test_without_a_warm_start_each_scale_starts_afresh(self):
        result = self.run(optax.adagrad(0.02))
        assert "optimizer (GradientTransformationExtraArgs)" in result.obstacles


def test_lbfgs_knows_the_valley_already():
    # A narrow valley, its steepness the same at all sizes: what was learned at the coarser scale
    # serves the finer one.
    def valley(image, _=None):
        y = jnp.linspace(0, 1, image.shape[0])[:, None, None]
        value = jnp.mean((1 + 30 * y) * (image - 0.4 - 0.2 * y) ** 2)
        return Losses(value, value[None])

    optimizer = optimizers.find("lbfgs")
    transform = optimizer.make(1.0)
    gradient_of = step.with_gradient(valley)
    advance = jax.jit(lambda state: step.take_step(gradient_of, transform, state)[0])
    state = step.init(transform, np.full((16, 8, 3), 0.9, np.float32))
    for _ in range(8):
        state = advance(state)
    finer = jnp.full((32, 16, 3), 0.9)
    fresh = step.init(transform, finer)
    warm_start = jax.jit(optimizer.warm_start)
    warm = fresh._replace(optimizer=warm_start(state.optimizer, finer))
    assert warm.optimizer.resized
    for _ in range(12):
        fresh, warm = advance(fresh), advance(warm)
    assert valley(warm.image).total < 0.5 * valley(fresh.image).total


def test_an_empty_memory_of_lbfgs_stays_empty():
    optimizer = optimizers.find("lbfgs")
    transform = optimizer.make(1.0)
    fresh, finer = transform.init(jnp.ones((16, 8, 3))), jnp.ones((32, 16, 3))
    warm = jax.jit(optimizer.warm_start)(fresh, finer)
    assert not warm.resized
    assert not np.any(warm.inner.diff_params_memory)
    updates, _ = jax.jit(transform.update)(finer, warm, finer)
    assert np.isfinite(updates).all()
