"""What every metric promises: one table of properties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.metrics import KINDS, METRICS, find

HEIGHT, WIDTH, CHANNELS = 12, 10, 3
ALL = [METRICS[kind][name] for kind in KINDS for name in METRICS[kind]]
NAMES = [f"{metric.kind}-{metric.name}" for metric in ALL]
RANDOM = np.random.default_rng(3)


def grid(scale=1.0):
    return (scale * RANDOM.random((HEIGHT, WIDTH, CHANNELS))).astype(np.float32)


X, Y = grid(), grid(0.8)
PICTURES = {
    "random": X,
    "flat": np.full_like(X, 0.3),
    "black": np.zeros_like(X),
    "white": np.ones_like(X),
    "one dead channel": X * np.array([1, 0, 1], np.float32),
    "the target": Y,
}


def view(metric, picture):
    """A picture as the features that the metric expects; layers are itself and a half of it."""
    if metric.expects == "positions":
        return picture.reshape(-1, CHANNELS)
    if metric.expects == "layers":
        return (picture, picture[::2, ::2] * 2)
    return picture


def fitted(metric):
    """Made-up numbers in the form of those that a fitted metric takes."""
    if metric.weights is None:
        return {}
    numbers = np.random.default_rng(4)
    if metric.name == "dists":
        shares = {kind: numbers.random(2 * CHANNELS) for kind in ("alpha", "beta")}
        return {"fitted": {"shares": shares}}
    return {"fitted": {f"conv{k}": {"heads": numbers.random(CHANNELS)} for k in (1, 2)}}


def distance(metric, picture, target):
    return metric.distance(view(metric, picture), target, **fitted(metric))


def summarize(metric, picture):
    keys = (jax.random.key(1),) if metric.random else ()
    return metric.summarize(view(metric, jnp.asarray(picture)), *keys)


@pytest.fixture(scope="module")
def losses():
    """Value and gradient of each metric as a function of picture and target, compiled once."""
    found = {}

    def of(metric):
        if metric not in found:
            traces = []

            def traced(picture, target):
                traces.append(1)
                return distance(metric, picture, target)

            found[metric] = jax.jit(jax.value_and_grad(traced)), traces
        return found[metric]

    return of


@pytest.mark.parametrize("metric", ALL, ids=NAMES)
class TestEveryMetric:
    def test_is_zero_at_identity_and_positive_elsewhere(self, metric, losses):
        loss, _ = losses(metric)
        elsewhere = loss(jnp.asarray(X), summarize(metric, Y))[0]
        assert elsewhere > 0
        if metric.kind == "image":
            assert loss(jnp.full_like(X, 0.3), summarize(metric, Y))[0] <= 1e-9
        elif metric.zero:
            identical = loss(jnp.asarray(Y), summarize(metric, Y))[0]
            # Rounding alone remains: the target was computed by another program.
            assert abs(identical) <= 1e-4 * elsewhere

    def test_is_finite_and_not_negative_wherever_a_picture_can_be(self, metric, losses):
        loss, _ = losses(metric)
        for reference_name, reference in PICTURES.items():
            target = summarize(metric, reference)
            for name, picture in PICTURES.items():
                value, gradient = loss(jnp.asarray(picture), target)
                assert value >= -1e-5, (name, reference_name)
                assert np.isfinite(value), (name, reference_name)
                assert np.isfinite(gradient).all(), (name, reference_name)

    def test_does_not_care_where_positions_are(self, metric, losses):
        if metric.kind != "style" or metric.expects != "positions":
            pytest.skip("speaks of places")
        loss, _ = losses(metric)
        order = np.random.default_rng(0).permutation(HEIGHT * WIDTH)
        moved = X.reshape(-1, CHANNELS)[order].reshape(X.shape)
        target = summarize(metric, Y)
        value, gradient = loss(jnp.asarray(X), target)
        moved_value, moved_gradient = loss(jnp.asarray(moved), target)
        np.testing.assert_allclose(value, moved_value, rtol=1e-4)
        np.testing.assert_allclose(
            gradient.reshape(-1, CHANNELS)[order],
            moved_gradient.reshape(-1, CHANNELS),
            atol=1e-3 * np.abs(gradient).max(),
        )

    def test_is_symmetric_where_claimed(self, metric, losses):
        loss, _ = losses(metric)
        one = loss(jnp.asarray(X), summarize(metric, Y))[0]
        other = loss(jnp.asarray(Y), summarize(metric, X))[0]
        if metric.symmetric:
            np.testing.assert_allclose(one, other, rtol=1e-3)
        elif metric.kind == "image":
            assert one == loss(jnp.asarray(X), summarize(metric, X))[0]

    def test_compiles_once_and_means_the_same_compiled_and_batched(self, metric, losses):
        loss, traces = losses(metric)
        target = summarize(metric, Y)
        batch = jnp.stack([X, Y])
        compiled = [loss(each, target)[0] for each in batch]
        # One trace for the shape; jax traces value and gradient together.
        assert len(traces) == 1
        eager = distance(metric, jnp.asarray(X), target)
        np.testing.assert_allclose(compiled[0], eager, rtol=1e-4, atol=1e-7)
        batched = jax.vmap(lambda x: distance(metric, x, target))(batch)
        np.testing.assert_allclose(batched, compiled, rtol=1e-3, atol=1e-5)

    def test_has_the_gradient_of_its_value(self, metric, losses):
        loss, _ = losses(metric)
        target = summarize(metric, Y)
        _, gradient = loss(jnp.asarray(X), target)
        size = np.linalg.norm(gradient)
        direction = np.asarray(gradient) / size
        slopes = []
        for step in (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4):
            high, low = (loss(X + sign * step * direction, target)[0] for sign in (1, -1))
            slopes.append(float(high - low) / (2 * step))
        # Metrics that choose a nearest or a rank have kinks; the closest step counts.
        assert min(abs(slope / size - 1) for slope in slopes) < 0.03

    def test_falls_when_one_walks_downhill(self, metric, losses):
        loss, _ = losses(metric)
        target = summarize(metric, Y)
        picture, values = jnp.asarray(X), []
        for _ in range(5):
            value, gradient = loss(picture, target)
            values.append(float(value))
            # A tenth of the way to zero by Newton's estimate, never far.
            length = min(0.1 * value / jnp.sum(gradient**2), 0.05 / jnp.abs(gradient).max())
            picture = picture - length * gradient
        assert loss(picture, target)[0] < values[0]

    def test_says_what_it_is(self, metric, losses):
        assert find(metric.name, metric.kind) is metric
        assert all((metric.meaning, metric.cost, metric.paper, metric.layers))


def test_there_are_as_many_as_the_literature_has():
    assert len(METRICS["style"]) >= 18
    of_pictures = [each for each in ALL if each.layers == ("image",)]
    assert len(METRICS["content"]) >= 8
    assert len(of_pictures) >= 8


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'gram'"):
        find("grams")
    with pytest.raises(ValueError, match="expected a style metric, mse is for content"):
        find("mse", "style")
    assert find("contextual", "content").kind == "content"
