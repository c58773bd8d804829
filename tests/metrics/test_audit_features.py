"""What metrics of features once could not see, or saw wrongly, each against an exact reference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial.distance import cdist
from support.comparing import single
from support.quick import with_slow

from jaxstyle.metrics import METRICS, find, matching
from jaxstyle.metrics.hypercolumns import draw_hypercolumns, hypercolumns

DRAWN = [
    metric for kind in ("style", "content") for metric in METRICS[kind].values() if metric.draw
]


def rectified(seed, count, channels, spread=1.0):
    """Return features like those behind a ReLU: correlated, skewed, and zero at many places."""
    random = np.random.default_rng(seed)
    mixing = random.standard_normal((channels, channels)) / np.sqrt(np.arange(1, channels + 1))
    features = random.standard_normal((count, channels)) @ mixing.T
    shift = np.random.default_rng(7).standard_normal(channels)
    return np.maximum(spread * features / features.std() + shift, 0)


def compared(name, x, y, kind="style", **parameters):
    """Return the distance of x to y, and its gradient."""
    metric = find(name, kind)
    keys = (jax.random.key(0),) if metric.random else ()

    def distance(x, y):
        return metric.distance(x, metric.target(y, *keys), **parameters)

    value, gradient = jax.jit(jax.value_and_grad(distance))(single(x), single(y))
    return float(value), jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), gradient)


def cosine(a, b):
    return np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2))


class TestSlicedWasserstein:
    def test_sees_every_direction(self):
        y = np.random.default_rng(0).random((8, 200))
        summarize = jax.jit(find("sliced_wasserstein").summarize)
        directions = np.asarray(summarize(single(y), jax.random.key(0))[0], np.float64)
        *_, rows = np.linalg.svd(directions.T)
        # The direction that is seen least; a shift along it is half of the features' norm.
        shift = 4.5 * rows[-1]
        value, gradient = compared("sliced_wasserstein", y + shift, y)
        assert value == pytest.approx(np.mean(shift**2), rel=1e-3)
        assert cosine(gradient, np.broadcast_to(shift, y.shape)) > 0.999

    def test_another_key_draws_other_directions(self):
        y = single(np.random.default_rng(0).random((8, 16)))
        summarize = jax.jit(find("sliced_wasserstein").summarize)
        one, other = (np.asarray(summarize(y, jax.random.key(k))[0]) for k in (0, 1))
        assert np.abs(one.T @ other).max() < 0.95


class TestHypercolumns:
    SHAPES = ((24, 36, 2), (12, 18, 3), (6, 9, 4))

    def layers(self, seed=0):
        random = np.random.default_rng(seed)
        return tuple(random.random(shape).astype(np.float32) for shape in self.SHAPES)

    def test_do_not_blur_the_finest_layer(self):
        fine, middle, coarse = (np.full(shape, 0.5, np.float32) for shape in self.SHAPES)
        checkered = np.indices(fine.shape[:2]).sum(0)[..., None] % 2 * np.ones(2, np.float32)
        value, gradient = compared(
            "relaxed_emd", (checkered, middle, coarse), (fine, middle, coarse)
        )
        # Of 9 numbers 2 are 0 or 1 where they are ½ in the other picture.
        cosines = [(7 / 4 + number) / np.sqrt((7 / 4 + 2 * number) * 9 / 4) for number in (0, 1)]
        assert value == pytest.approx(1 - np.mean(cosines), rel=0.1)
        assert np.abs(gradient[0]).max() > 0

    def test_keep_the_deviation_of_every_layer(self):
        columns = np.split(np.asarray(hypercolumns(self.layers())), [2, 5], axis=1)
        for samples, layer in zip(columns[:2], self.layers(), strict=False):
            assert len(samples) == 12 * 18
            # Bilinear samples between four of a layer that is not the finest keep less.
            assert samples.std() > (0.9 if layer.shape == self.SHAPES[0] else 0.6) * layer.std()

    def test_are_bilinear_samples_at_aligned_centers(self):
        key = jax.random.key(3)
        layers = self.layers()
        drawn = jax.jit(draw_hypercolumns, static_argnums=2)(layers, key, 50)
        assert [grid.shape for grid in drawn] == [(50, 1, 2), (50, 1, 3), (50, 1, 4)]
        # A ramp in the finest layer says where the samples are.
        ramp = np.stack(np.indices(self.SHAPES[0][:2]), axis=2).astype(np.float32)
        places = np.asarray(draw_hypercolumns((ramp, *layers[1:]), key, 50)[0], np.float64)
        for grid, layer in zip(drawn, layers, strict=True):
            ratio = layer.shape[0] / 24
            at = (places[:, 0].T + 0.5) * ratio - 0.5
            expected = [
                map_coordinates(channel, at, np.float64, order=1, mode="nearest")
                for channel in np.moveaxis(layer, 2, 0)
            ]
            np.testing.assert_allclose(grid[:, 0], np.transpose(expected), atol=1e-5)
        np.testing.assert_array_equal(hypercolumns(drawn), np.concatenate(drawn, axis=2)[:, 0])

    def test_places_are_in_step_with_no_pattern(self):
        rows, columns = np.indices(self.SHAPES[0][:2])
        for pattern in (rows % 2, columns % 2, (rows + columns) % 2, rows % 4 // 2):
            fine = (pattern[..., None] * np.ones(2)).astype(np.float32)
            samples = hypercolumns((fine, *self.layers()[1:]))[:, 0]
            assert float(jnp.mean(samples)) == pytest.approx(0.5, abs=0.05)

    def test_are_the_features_of_a_single_layer(self):
        layer = self.layers()[0]
        np.testing.assert_array_equal(hypercolumns((layer,)), layer.reshape(-1, 2))


class TestKernels:
    def test_the_polynomial_is_none_of_the_others(self):
        for channels, count in ((64, 400), (256, 300)):
            x, y = rectified(1, count, channels), rectified(2, count, channels, spread=1.5)
            gradient = compared("mmd_polynomial", x, y)[1]
            for other in ("gram", "euclidean", "covariance", "mmd", "moments"):
                assert cosine(gradient, compared(other, x, y)[1]) < 0.9, other

    @pytest.mark.parametrize("narrower", [10, 33])
    def test_mmd_pulls_to_a_narrow_style(self, narrower):
        random = np.random.default_rng(0)
        x = random.standard_normal((200, 16))
        style = random.standard_normal((150, 16))
        pull, usual = (
            np.linalg.norm(compared("mmd", x, style / width)[1]) for width in (narrower, 1.5)
        )
        assert pull > usual

    def test_mmd_is_as_derived_from_its_kernel_at_a_fixed_bandwidth(self):
        x, y = rectified(1, 40, 5), rectified(2, 30, 5)
        squared = np.mean([cdist(a, b, "sqeuclidean").mean() for a in (x, y) for b in (x, y)])

        def pulled(a, b):
            difference = a[:, None] - b[None]
            kernel = np.exp(-np.sum(difference**2, axis=2) / squared)
            return -4 / squared * np.mean(kernel[..., None] * difference, axis=1) / len(a)

        expected = pulled(x, x) - pulled(x, y)
        np.testing.assert_allclose(
            compared("mmd", x, y)[1], expected, atol=1e-4 * np.abs(expected).max()
        )


class TestTies:
    FLAT = np.full((256, 4), 0.3)

    @pytest.mark.parametrize("name", ["histogram", "sliced_wasserstein"])
    @pytest.mark.parametrize("rounding", [0, 6e-8])
    def test_a_flat_area_gets_no_ramp(self, name, rounding):
        y = np.random.default_rng(0).random((300, 4))
        # The worst that rounding can do: it grows from row to row.
        x = self.FLAT + rounding * np.linspace(-1, 1, 256)[:, None]
        value, gradient = compared(name, x, y)
        assert np.ptp(gradient, axis=0).max() < 1e-3 * np.abs(gradient).max()
        if name == "histogram":  # all of the mass from one place
            assert value == pytest.approx(np.mean((0.3 - y) ** 2), rel=0.02)

    def test_a_flat_area_beside_others_gets_no_ramp(self):
        random = np.random.default_rng(0)
        x = np.concatenate([random.random((100, 4)), self.FLAT])
        gradient = compared("histogram", x, random.random((300, 4)))[1]
        assert np.ptp(gradient[100:], axis=0).max() == 0 < np.ptp(gradient[:100], axis=0).min()

    def test_tied_values_share_the_mean_of_their_ranks(self):
        x = np.array([2.0, 0, 1, 0, 1, 1, -3, 0])[:, None]
        y = np.array([0.0, 1, 3, 4, 8, 9, 9, 20])[:, None]
        # In order −3, 0 0 0, 1 1 1, 2: the targets of 0, of the mean of 1 3 4, of 8 9 9, of 20.
        targets = np.array([20, 8 / 3, 26 / 3, 8 / 3, 26 / 3, 26 / 3, 0, 8 / 3])[:, None]
        value, gradient = compared("histogram", x, y)
        np.testing.assert_allclose(gradient, 2 * (x - targets) / 8, rtol=1e-5)
        assert value == pytest.approx(np.mean((np.sort(x[:, 0]) - y[:, 0]) ** 2), rel=1e-5)


class TestGaussians:
    def test_kl_sees_what_the_style_lacks(self):
        random = np.random.default_rng(0)
        deviations = np.where(np.arange(64) < 32, 1.0, 0.1)
        x, fresh, y = (random.standard_normal((2000, 64)) * deviations for _ in range(3))
        x[:, 32:] *= 30
        usual, strange = (compared("gaussian_kl", f, y) for f in (fresh, x))
        assert usual[0] < 0.02
        assert strange[0] > 50 * usual[0]
        pull = np.linalg.norm(strange[1], axis=0)
        assert pull[32:].mean() > 10 * pull[:32].mean()

    def test_wasserstein_keeps_its_gradient_near_zero(self):
        random = np.random.default_rng(0)
        y = np.maximum(random.standard_normal((32, 128)), 0)
        x = y * (1 + 0.004 * random.standard_normal(y.shape))
        a, b = (np.cov(f.T, bias=True) for f in (x, y))
        values, vectors = np.linalg.eigh(b)
        root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
        values, vectors = np.linalg.eigh(root @ a @ root)
        kept = values > 1e-12 * values.max()
        inverse = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
        transport = root @ inverse @ root
        means = x.mean(0) - y.mean(0)
        expected = (x - x.mean(0)) @ (np.eye(128) - transport) + means
        value, gradient = compared("gaussian_wasserstein", x, y)
        assert value >= 0
        assert cosine(gradient, expected) > 0.99


@pytest.mark.parametrize(
    "name",
    ["gaussian_wasserstein", "gaussian_kl", "covariance", "moments", "central_moments", "gram"],
)
def test_the_mixed_target_is_that_of_all_features_together(name):
    metric = find(name)
    one, other = rectified(1, 90, 5), 2 * rectified(2, 30, 5) + 1
    summaries = [metric.summarize(single(f)) for f in (one, other)]
    mixed = jax.tree.map(lambda *leaves: 0.75 * leaves[0] + 0.25 * leaves[1], *summaries)
    mixed = metric.finish(mixed) if metric.finish else mixed
    together = metric.target(single(np.concatenate([one, other])))
    if name == "gaussian_kl":  # eigenvectors have either sign
        mixed, together = ((m, basis @ basis.T, r) for m, basis, r in (mixed, together))
    for leaf, expected in zip(jax.tree.leaves(mixed), jax.tree.leaves(together), strict=True):
        np.testing.assert_allclose(leaf, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(9, 7, 2), (3, 5, 2), (2, 6, 2)])
def test_patch_pulls_equally_hard_everywhere(shape):
    x, y = np.full(shape, 0.25), np.ones((6, 6, 2))
    if shape[0] < 3:
        y = y[: shape[0]]
    value, gradient = compared("patch", x, y)
    assert value == pytest.approx(0.75**2, rel=1e-5)
    np.testing.assert_allclose(gradient, 2 * -0.75 / x.size, rtol=1e-5)


@pytest.mark.usefixtures("float64")
def test_histogram_under_x64_stays_in_the_features_precision():
    x = jnp.asarray(rectified(1, 40, 3), jnp.float32)
    target = jnp.sort(jnp.asarray(rectified(2, 30, 3), jnp.float64), axis=0)
    value, gradient = jax.jit(jax.value_and_grad(find("histogram").distance))(x, target)
    assert gradient.dtype == jnp.float32
    assert np.isfinite(value)


def test_the_gradient_of_contextual_is_finite_however_it_is_rounded(monkeypatch):
    monkeypatch.setattr(matching, "PAIRS_AT_ONCE", 2000)
    x, y = (single(rectified(seed, 144, 32)) for seed in (1, 2))
    metric = find("contextual")

    def distance(x, y):
        return metric.distance(x, metric.target(y))

    one, other = (
        jax.jit(
            jax.value_and_grad(distance), compiler_options={"xla_backend_optimization_level": level}
        )(x, y)
        for level in (0, 3)
    )
    np.testing.assert_allclose(one[0], other[0], rtol=1e-5)
    np.testing.assert_allclose(one[1], other[1], atol=1e-3 * np.abs(other[1]).max())


QUICK = ("mmd", "mmd_pairs", "relaxed_emd", "contextual", "nearest_neighbor", "self_similarity")


@pytest.mark.parametrize("metric", with_slow(DRAWN, QUICK.__contains__))
class TestDrawnPositions:
    def features(self, metric, seed):
        features = single(rectified(seed, 400, 8))
        if metric.expects == "layers":
            grid = features.reshape(20, 20, 8)
            return grid, grid[::2, ::2]
        return features

    def drawn(self, metric, x, y, key, count):
        x = metric.draw(x, key, count)
        if metric.draws_target:
            y = metric.draw(
                y, key if metric.kind == "content" else jax.random.fold_in(key, 1), count
            )
        return metric.distance(x, metric.target(y))

    def test_all_positions_are_all_there_are(self, metric):
        x = self.features(metric, 1)
        drawn = metric.draw(x, jax.random.key(0), 400)
        for whole, part in zip(jax.tree.leaves(x), jax.tree.leaves(drawn), strict=True):
            assert part.shape[-1] == whole.shape[-1]
            assert part.reshape(-1, 8).shape == (400, 8)
        whole, drawn = (jax.tree.leaves(tree)[0].reshape(-1, 8) for tree in (x, drawn))
        if metric.name == "mmd_pairs":  # their order makes the pairs
            assert not np.array_equal(whole, drawn)
            whole, drawn = (rows[np.lexsort(rows.T)] for rows in (whole, drawn))
        np.testing.assert_array_equal(whole, drawn)

    def test_a_draw_estimates_the_whole(self, metric):
        x, y = (self.features(metric, seed) for seed in (1, 2))
        if metric.name == "mmd_pairs":  # all positions have many pairs
            whole = find("mmd").distance(x, y)
        else:
            whole = jax.jit(lambda x, y: metric.distance(x, metric.target(y)))(x, y)
        estimate = jax.jit(jax.vmap(lambda key: self.drawn(metric, x, y, key, 100)))
        values = np.asarray(estimate(jax.random.split(jax.random.key(0), 100)))
        error = values.std() / 10
        if not metric.draws_target:
            assert abs(values.mean() - whole) < 3 * error
        else:
            np.testing.assert_allclose(values.mean(), whole, rtol=0.3)
