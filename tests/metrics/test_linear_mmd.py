"""MMD at linear cost: pairs, and which of them count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.metrics import find

PAIRS, LINEAR = find("mmd_pairs"), find("mmd_linear")
X, Y = np.random.default_rng(1).random((2, 4, 6, 5)).astype(np.float32)


def test_mmd_pairs_is_the_estimate_of_its_pairs():
    a, b = X.reshape(2, 12, 5)
    c, d = Y.reshape(2, 12, 5) * 2
    squares = [((p - q) ** 2).sum(1) for p, q in ((a, b), (c, d), (a, d), (b, c))]
    ab, cd, ad, bc = np.exp(-np.array(squares) / np.mean(squares))
    value = PAIRS.distance(X, PAIRS.target(2 * Y))
    np.testing.assert_allclose(value, np.mean(ab + cd - ad - bc), rtol=1e-5)


def test_an_estimate_below_zero_keeps_its_gradient():
    close = Y + 1e-2 * X
    # Each position of the picture with what it is paired with in the other.
    crossed = close.reshape(2, 2, 6, 5)[::-1].reshape(X.shape)
    value, gradient = jax.value_and_grad(PAIRS.distance)(crossed, PAIRS.target(Y))
    assert value == 0
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("shape", [(1, 1, 5), (1, 3, 5), (5, 5, 5)])
def test_pictures_of_any_sizes_are_compared(shape):
    other = jnp.ones(shape)
    for x, y in ((X, other), (other, X), (other, other)):
        value, gradient = jax.value_and_grad(PAIRS.distance)(x, PAIRS.target(y))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_drawn_positions_are_paired_anew_and_lie_inside():
    inside = np.zeros((4, 6), bool)
    inside[1:3] = True
    at = PAIRS.select(inside)
    first, second = (np.array(PAIRS.draw(X, jax.random.key(k), 100, at=at))[0] for k in (0, 1))
    assert first.shape == (12, 5)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(X[1:3].reshape(12, 5), axis=0))
    assert PAIRS.draw(X, jax.random.key(0), 8).shape == (1, 8, 5)


def test_mmd_linear_compares_means():
    x, y = X.reshape(-1, 5), Y.reshape(-1, 5)
    value = LINEAR.distance(x, LINEAR.target(y))
    np.testing.assert_allclose(value, np.mean((x.mean(0) - y.mean(0)) ** 2), rtol=1e-5)
