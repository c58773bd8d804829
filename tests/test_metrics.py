"""Each metric against its formula in float64 NumPy, and what all of them promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.metrics import METRICS, find
from jaxstyle.metrics.gram import gram_distance, gram_matrix
from jaxstyle.metrics.position_wise import mean_squared_error
from jaxstyle.metrics.smoothness import total_variation

RANDOM = np.random.default_rng(3)
X = RANDOM.random((6, 5, 3)).astype(np.float32)
Y = RANDOM.random((6, 5, 3)).astype(np.float32)
PICTURES = {
    "random": X,
    "flat": np.full_like(X, 0.3),
    "black": np.zeros_like(X),
    "white": np.ones_like(X),
    "one dead channel": X * np.array([1, 0, 1], np.float32),
    "the target": Y,
}


def view(metric, grid):
    return grid.reshape(-1, grid.shape[-1]) if metric.expects == "positions" else grid


def test_gram_is_the_formula():
    x, y = (value.reshape(-1, 3).astype(np.float64) for value in (X, Y))
    expected = np.mean((x.T @ x / 30 - y.T @ y / 30) ** 2)
    found = gram_distance(jnp.asarray(x, jnp.float32), gram_matrix(jnp.asarray(y, jnp.float32)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_mean_squared_error_is_the_formula():
    expected = np.mean((X.astype(np.float64) - Y) ** 2)
    np.testing.assert_allclose(mean_squared_error(X, Y), expected, rtol=1e-6)


def test_total_variation_of_a_checkerboard_is_two():
    board = (np.indices((128, 128)).sum(0) % 2)[..., None] * np.ones(3)
    assert total_variation(jnp.asarray(board)) == 2.0
    assert total_variation(jnp.zeros((1, 1, 3))) == 0.0


def test_total_variation_is_the_formula():
    x = X.astype(np.float64)
    expected = np.mean(np.diff(x, axis=0) ** 2) + np.mean(np.diff(x, axis=1) ** 2)
    np.testing.assert_allclose(total_variation(jnp.asarray(X)), expected, rtol=1e-5)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_properties(metric):
    target = metric.summarize(jnp.asarray(view(metric, Y)))
    loss = jax.jit(jax.value_and_grad(lambda x: metric.distance(view(metric, x), target)))
    for name, picture in PICTURES.items():
        value, gradient = loss(jnp.asarray(picture))
        assert value >= 0, name
        assert np.isfinite(value), name
        assert np.isfinite(gradient).all(), name
        eager = metric.distance(jnp.asarray(view(metric, picture)), target)
        np.testing.assert_allclose(value, eager, rtol=1e-5, atol=1e-9)
    if metric.kind != "image":
        # Rounding alone remains: the target was computed by another program.
        assert loss(jnp.asarray(Y))[0] < 1e-13

    # Against central differences, along the gradient itself.
    value, gradient = loss(jnp.asarray(X))
    direction = np.asarray(gradient) / np.linalg.norm(gradient)
    step = 1e-2
    slope = (loss(X + step * direction)[0] - loss(X - step * direction)[0]) / (2 * step)
    np.testing.assert_allclose(slope, np.linalg.norm(gradient), rtol=1e-2)
    assert loss(X - 1e-2 * direction)[0] < value

    batch = jnp.stack([X, Y])
    np.testing.assert_allclose(
        jax.vmap(loss)(batch)[0], [loss(each)[0] for each in batch], rtol=1e-4, atol=1e-8
    )


def test_gram_does_not_care_where():
    x = jnp.asarray(X.reshape(-1, 3))
    np.testing.assert_allclose(
        gram_matrix(x), gram_matrix(x[np.random.default_rng(0).permutation(30)]), rtol=1e-5
    )


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'gram'"):
        find("grams")
