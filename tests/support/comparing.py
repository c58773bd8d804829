"""Metrics and the numbers that they are compared with."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.spatial

from jaxstyle.metrics import find

RANDOM = np.random.default_rng(11)
X, Y = RANDOM.standard_normal((60, 6)), 0.7 * RANDOM.standard_normal((45, 6)) + 0.2
SAME = RANDOM.standard_normal((60, 6))


def single(tree):
    """Return a tree of float32 arrays."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), tree)


def ours(name, x, y, kind="style", **parameters):
    """Return our distance; compiled as it runs inside an objective."""
    metric = find(name, kind)
    keys = (jax.random.key(0),) if metric.random else ()
    target = jax.jit(metric.target)(single(y), *keys)
    return float(jax.jit(metric.distance)(single(x), target, **parameters))


def ours_directly(measure, x, y):
    """Return a measure that takes both pictures."""
    return float(jax.jit(measure)(single(x), single(y)))


def agree(name, value, expected, tolerance=1e-4):
    """Assert that the relative error is small, and print it."""
    error = abs(value - expected) / abs(expected)
    print(f"\n{name}: {value:.6g}, reference {expected:.6g}, relative error {error:.1e}")
    assert error < tolerance


def cosines(a, b):
    return scipy.spatial.distance.cdist(a, b, "cosine")
