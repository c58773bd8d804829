"""Each metric of style against an independent reference: SciPy, or the paper's formula in float64
NumPy, loop by loop. Run with -s to see the relative errors."""

import itertools

import jax
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.spatial
import scipy.special
import scipy.stats
from scipy.spatial.distance import cdist
from support.comparing import SAME, X, Y, agree, cosines, ours, single
from support.quick import with_slow

from jaxstyle.metrics import METRICS, find, matching, pairwise
from jaxstyle.metrics.colors import color_histogram

RANDOM = np.random.default_rng(11)
GRID, OTHER = RANDOM.random((20, 18, 4)), RANDOM.random((17, 25, 4))


def gram(f):
    return sum(np.outer(row, row) for row in f) / len(f)


def cov(f):
    return np.cov(f.T, bias=True)


def test_gram():
    agree("gram", ours("gram", X, Y), np.mean((gram(X) - gram(Y)) ** 2))


def test_shifted_gram():
    agree("shifted_gram", ours("shifted_gram", X, Y), np.mean((gram(X - 1) - gram(Y - 1)) ** 2))


def test_covariance():
    agree("covariance", ours("covariance", X, Y), np.mean((cov(X) - cov(Y)) ** 2))


def cross(shallow, deep):
    height, width, _ = shallow.shape
    total = 0
    for i, j in itertools.product(range(height), range(width)):
        total = total + np.outer(shallow[i, j], deep[i // 2, j // 2])
    return total / (height * width)


def test_cross_layer_gram():
    deep, deep_other = RANDOM.random((10, 9, 5)), RANDOM.random((8, 6, 5))
    other = OTHER[:16, :12]
    a, b = cross(GRID, deep), cross(other, deep_other)
    expected = np.mean((a - b) ** 2) / np.mean(b**2)
    value = ours("cross_layer_gram", (GRID, deep), (other, deep_other))
    agree("cross_layer_gram", value, expected)


def test_moments():
    expected = np.mean((X.mean(0) - Y.mean(0)) ** 2)
    expected += np.mean((np.sqrt(X.var(0) + 1e-5) - np.sqrt(Y.var(0) + 1e-5)) ** 2)
    agree("moments", ours("moments", X, Y), expected)


def test_central_moments():
    x, y = (scipy.special.expit(f) for f in (X, Y))
    expected = np.linalg.norm(x.mean(0) - y.mean(0))
    for k in range(2, 6):
        expected += np.linalg.norm(scipy.stats.moment(x, k) - scipy.stats.moment(y, k))
    agree("central_moments", ours("central_moments", X, Y), expected)


def test_gaussian_wasserstein():
    a, b = cov(X), cov(Y)
    root = scipy.linalg.sqrtm(a)
    cross_root = scipy.linalg.sqrtm(root @ b @ root).real
    expected = np.sum((X.mean(0) - Y.mean(0)) ** 2) + np.trace(a + b - 2 * cross_root)
    agree("gaussian_wasserstein", ours("gaussian_wasserstein", X, Y), expected / 6)


def test_gaussian_kl():
    ridge = 0.01 * Y.var(0).mean() + 1e-6
    first, second = (cov(f) + ridge * np.eye(6) for f in (X, Y))
    shift, inverse = X.mean(0) - Y.mean(0), np.linalg.inv(second)
    logarithm = np.linalg.slogdet(second)[1] - np.linalg.slogdet(first)[1]
    expected = (np.trace(inverse @ first) + shift @ inverse @ shift - 6 + logarithm) / 2 / 6
    agree("gaussian_kl", ours("gaussian_kl", X, Y), expected)


@pytest.mark.parametrize("name", ["euclidean", "cosine", "manhattan", "pearson"])
def test_pooled(name):
    scipys = {"manhattan": "cityblock", "pearson": "correlation"}.get(name, name)
    expected = getattr(scipy.spatial.distance, scipys)(X.mean(0), Y.mean(0))
    agree(name, ours(name, X, Y), expected)


@pytest.mark.parametrize("width", [None, 0.5, 1, 4.0])
def test_mmd(width):
    def kernel(a, b):
        pairs = itertools.product((X, Y), repeat=2)
        bandwidth = (width or 1) * np.mean([cdist(*pair, "sqeuclidean").mean() for pair in pairs])
        return np.exp(-cdist(a, b, "sqeuclidean") / bandwidth).mean()

    expected = kernel(X, X) - 2 * kernel(X, Y) + kernel(Y, Y)
    parameters = {} if width is None else {"width": width}
    agree(f"mmd, width {width}", ours("mmd", X, Y, **parameters), expected)


@pytest.mark.parametrize("constant", [0.2, 1.5])
def test_mmd_polynomial(constant):
    mean = (X.mean(0) + Y.mean(0)) / 2
    size = np.mean([np.sum((f - mean) ** 2, axis=1).mean() for f in (X, Y)])

    def moments(f):
        f = (f - mean) / np.sqrt(size)
        return (np.einsum("na,nb,nc->abc", f, f, f) / len(f), gram(f), f.mean(0))

    third, second, first = (
        np.sum((a - b) ** 2) for a, b in zip(*map(moments, (X, Y)), strict=True)
    )
    expected = third + 3 * constant * second + 3 * constant**2 * first
    value = ours("mmd_polynomial", X, Y, constant=constant)
    agree(f"mmd_polynomial, constant {constant}", value, expected)


def test_energy():
    def mean(a, b):
        return cdist(a, b).mean()

    agree("energy", ours("energy", X, Y), 2 * mean(X, Y) - mean(X, X) - mean(Y, Y))
    # SciPy's is its square root, for one channel.
    expected = scipy.stats.energy_distance(X[:, 0], Y[:, 0]) ** 2
    agree("energy, one channel", ours("energy", X[:, :1], Y[:, :1]), expected)


def test_histogram():
    expected = np.mean((np.sort(X, axis=0) - np.sort(SAME, axis=0)) ** 2)
    agree("histogram", ours("histogram", X, SAME), expected)
    # Sets of different sizes: against transport by linear programming, for twice as many.
    twice = np.repeat(SAME, 2, axis=0)
    costs = [cdist(np.repeat(X[:, [k]], 2, 0), twice[:, [k]], "sqeuclidean") for k in range(6)]
    exact = np.mean([cost[scipy.optimize.linear_sum_assignment(cost)].mean() for cost in costs])
    agree("histogram, twice as many", ours("histogram", X, twice), exact, 2e-2)


def test_sliced_wasserstein():
    directions = np.asarray(
        jax.jit(find("sliced_wasserstein").summarize)(single(SAME), jax.random.key(0))[0],
        np.float64,
    )
    assert directions.shape == (6, 12)
    for basis in np.split(directions, 2, axis=1):
        np.testing.assert_allclose(basis.T @ basis, np.eye(6), atol=1e-6)
    exact = 0
    for direction in directions.T:
        cost = cdist((X @ direction)[:, None], (SAME @ direction)[:, None], "sqeuclidean")
        exact += cost[scipy.optimize.linear_sum_assignment(cost)].mean() / 12
    agree("sliced_wasserstein", ours("sliced_wasserstein", X, SAME), exact)


def test_relaxed_emd():
    # One layer: its own grid, so hypercolumns are its features.
    x, y = (RANDOM.standard_normal((6, 5, 4)) for _ in range(2))
    d = cosines(x.reshape(-1, 4), y.reshape(-1, 4))
    expected = max(d.min(1).mean(), d.min(0).mean())
    agree("relaxed_emd", ours("relaxed_emd", (x,), (y,)), expected)


def sinkhorn_cost(x, y, epsilon):
    cost = cdist(x, y, "sqeuclidean") / 2
    f, g = np.zeros(len(x)), np.zeros(len(y))
    for _ in range(2000):
        f = -epsilon * (
            scipy.special.logsumexp((g[None] - cost) / epsilon, axis=1) - np.log(len(y))
        )
        g = -epsilon * (
            scipy.special.logsumexp((f[:, None] - cost) / epsilon, axis=0) - np.log(len(x))
        )
    return f.mean() + g.mean()


def test_sinkhorn():
    epsilon = 0.1 * Y.var(0).sum()
    expected = sinkhorn_cost(X, Y, epsilon)
    expected -= (sinkhorn_cost(X, X, epsilon) + sinkhorn_cost(Y, Y, epsilon)) / 2
    agree("sinkhorn", ours("sinkhorn", X, Y), expected / 6, 1e-3)


def test_nearest_neighbor():
    agree("nearest_neighbor", ours("nearest_neighbor", X, Y), cosines(X, Y).min(1).mean())


def test_patch():
    def cut(grid):
        height, width, _ = grid.shape
        corners = itertools.product(range(height - 2), range(width - 2))
        return np.stack([grid[i : i + 3, j : j + 3] for i, j in corners])

    x, y = cut(GRID), cut(OTHER)
    nearest = cosines(x.reshape(len(x), -1), y.reshape(len(y), -1)).argmin(1)
    # The sum of squares over the patches that cover a position, and how many they are.
    sums, counts = np.zeros(GRID.shape), np.zeros(GRID.shape)
    corners = itertools.product(range(18), range(16))
    for patch, match, (i, j) in zip(x, y[nearest], corners, strict=True):
        sums[i : i + 3, j : j + 3] += (patch - match) ** 2
        counts[i : i + 3, j : j + 3] += 1
    agree("patch", ours("patch", GRID, OTHER), np.mean(sums / counts))


@pytest.mark.parametrize("kind", ["style", "content"])
def test_contextual(kind):
    d = cosines(X - Y.mean(0), Y - Y.mean(0)) / 2
    w = np.exp((1 - d / (d.min(1, keepdims=True) + 1e-5)) / 0.5)
    expected = -np.log((w / w.sum(1, keepdims=True)).max(0).mean())
    agree(f"contextual ({kind})", ours("contextual", X, Y, kind), expected)


def test_power_spectrum():
    def spectrum(block):
        sine = np.sin(np.pi * (np.arange(16) + 0.5) / 16)
        window = np.outer(sine, sine)
        window /= np.sqrt(np.sum(window**2))
        return np.abs(np.fft.rfft2(block * window[..., None], axes=(0, 1)))

    x, y = RANDOM.random((16, 24, 3)), RANDOM.random((16, 16, 3))
    mean = np.sqrt((spectrum(x[:, :16]) ** 2 + spectrum(x[:, 8:]) ** 2) / 2)
    expected = np.mean((mean - spectrum(y)) ** 2)
    agree("power_spectrum", ours("power_spectrum", x, y), expected)


def test_color_histogram():
    # Colors on the bins' centers, so that triangles become counting.
    levels = RANDOM.integers(0, 8, (20, 30, 3))
    expected, _ = np.histogramdd(levels.reshape(-1, 3), bins=8, range=[(-0.5, 7.5)] * 3)
    histogram = jax.jit(color_histogram)(single(levels.reshape(-1, 3) / 7))
    np.testing.assert_allclose(histogram, expected / 600, atol=1e-6)
    other, _ = np.histogramdd(RANDOM.integers(0, 4, (600, 3)), bins=8, range=[(-0.5, 7.5)] * 3)
    roots = (np.sqrt(counts / 600 + 1e-6) for counts in (expected, other))
    hellinger = np.sum(np.subtract(*roots) ** 2) / 2
    assert hellinger == pytest.approx(1 - np.sum(np.sqrt(expected * other)) / 600, rel=0.05)
    x, y = (np.repeat(np.argwhere(h), h[h > 0].astype(int), 0) / 7 for h in (expected, other))
    agree("color_histogram", ours("color_histogram", x, y), hellinger)


def test_palette():
    x, y = RANDOM.random((72, 3)), RANDOM.random((63, 3)) ** 2
    d = cosines(x, y) + cdist(x, y) / np.sqrt(3)
    agree("palette", ours("palette", x, y), max(d.min(1).mean(), d.min(0).mean()), 1e-3)


PAIRWISE = [
    metric
    for kind in ("style", "content")
    for metric in METRICS[kind].values()
    if any(pair in metric.cost for pair in ("n m", "(n +", "n²"))
    and not (metric.random or metric.weights)
]


QUICK = ("mmd", "relaxed_emd", "contextual", "nearest_neighbor", "self_similarity")


@pytest.mark.parametrize("metric", with_slow(PAIRWISE, QUICK.__contains__))
def test_chunks_change_nothing(metric, monkeypatch):
    rng = np.random.default_rng(0)
    shape = {"positions": (35, 4), "grid": (7, 5, 4), "layers": (7, 5, 4)}[metric.expects]
    x, y = (rng.random(shape).astype(np.float32) for _ in range(2))
    if metric.expects == "layers":
        x, y = (x,), (y,)

    def value_and_gradient():
        def distance(x, y):  # a function of its own, so that it is traced anew
            return metric.distance(x, metric.summarize(y))

        return jax.jit(jax.value_and_grad(distance))(x, y)

    value, gradient = value_and_gradient()
    for module in (pairwise, matching):
        monkeypatch.setattr(module, "PAIRS_AT_ONCE", 200)
    chunked_value, chunked_gradient = value_and_gradient()
    np.testing.assert_allclose(value, chunked_value, rtol=1e-4)
    for whole, chunked in zip(
        jax.tree.leaves(gradient), jax.tree.leaves(chunked_gradient), strict=True
    ):
        np.testing.assert_allclose(whole, chunked, atol=1e-4 * np.abs(whole).max())
