"""The properties that every metric promises, as one table of metrics × properties."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.quick import with_slow

from jaxstyle.metrics import KINDS, METRICS, find

HEIGHT, WIDTH, CHANNELS = 12, 10, 3
ALL = [metric for kind in KINDS for metric in METRICS[kind].values()]
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


VARIANTS = ("patch_stride_2", "redrawn_sliced_wasserstein", "iterated_gaussian_wasserstein")
"""Metrics that share most of their code with another one."""


def for_metrics(metrics):
    cases = with_slow(metrics, lambda name: name not in VARIANTS)
    return pytest.mark.parametrize("metric", cases)


def features_of(metric, picture):
    """Return a picture as the features that the metric expects; layers are it and its half."""
    if metric.expects == "positions":
        return picture.reshape(-1, CHANNELS)
    if metric.expects == "layers":
        return (picture, picture[::2, ::2] * 2)
    return picture


def fitted_to(metric):
    """Return random numbers in the form of those that a fitted metric takes."""
    if metric.weights is None:
        return {}
    random = np.random.default_rng(4)
    if metric.name == "brushwork":
        filters = {"kernel": random.standard_normal((11, 11, 3, 8)), "bias": random.random(8)}
        affine = {"kernel": np.eye(3), "bias": np.zeros(3)}
        return {"fitted": {"preprocess": affine, "conv1": filters}}
    if metric.name == "dists":
        shares = {kind: random.random(2 * CHANNELS) for kind in ("alpha", "beta")}
        return {"fitted": {"shares": shares}}
    return {"fitted": {f"conv{k}": {"heads": random.random(CHANNELS)} for k in (1, 2)}}


class Compiled:
    """A metric of pictures, its programs compiled once for all tests.

    Attributes:
        loss: Value and gradient as a function of picture and target.
        traces: One entry for each time that `loss` was traced.
    """

    def __init__(self, metric):
        self.metric, self.traces = metric, []
        self.loss = jax.jit(jax.value_and_grad(self._traced))
        self._summarize = jax.jit(metric.target)
        self._key = (jax.random.key(1),) if metric.random else ()

    def _traced(self, picture, target):
        self.traces.append(1)
        return self.distance(picture, target)

    def distance(self, picture, target):
        features = features_of(self.metric, picture)
        return self.metric.distance(features, target, **fitted_to(self.metric))

    def summarize(self, picture):
        return self._summarize(features_of(self.metric, picture), *self._key)


@pytest.fixture(scope="module")
def compiled():
    return cache(Compiled)


@for_metrics(ALL)
class TestEveryMetric:
    def test_is_zero_at_identity_and_positive_elsewhere(self, metric, compiled):
        loss, summarize = compiled(metric).loss, compiled(metric).summarize
        elsewhere = loss(X, summarize(Y))[0]
        assert elsewhere > 0
        if metric.kind == "image":
            assert loss(PICTURES["flat"], summarize(Y))[0] <= 1e-9
        elif metric.zero:
            # Only rounding remains: another program computed the target.
            assert abs(loss(Y, summarize(Y))[0]) <= 1e-4 * elsewhere

    def test_is_finite_and_non_negative_everywhere(self, metric, compiled):
        loss = compiled(metric).loss
        for reference_name, reference in PICTURES.items():
            target = compiled(metric).summarize(reference)
            for name, picture in PICTURES.items():
                value, gradient = loss(picture, target)
                assert value >= -1e-5, (name, reference_name)
                assert np.isfinite(value), (name, reference_name)
                assert np.isfinite(gradient).all(), (name, reference_name)

    def test_is_symmetric_where_claimed(self, metric, compiled):
        loss, summarize = compiled(metric).loss, compiled(metric).summarize
        value = loss(X, summarize(Y))[0]
        if metric.symmetric:
            np.testing.assert_allclose(value, loss(Y, summarize(X))[0], rtol=1e-3)
        elif metric.kind == "image":
            assert value == loss(X, summarize(X))[0]

    def test_compiles_once_and_agrees_eager_compiled_and_batched(self, metric, compiled):
        program = compiled(metric)
        target, pictures = program.summarize(Y), np.stack([X, Y])
        values = [program.loss(picture, target)[0] for picture in pictures]
        # One trace for the shape: JAX traces value and gradient together.
        assert len(program.traces) == 1
        eager = program.distance(jnp.asarray(X), target)
        np.testing.assert_allclose(values[0], eager, rtol=1e-4, atol=1e-7)
        batched = jax.jit(jax.vmap(program.distance, in_axes=(0, None)))(pictures, target)
        # At the reference only rounding remains, in which processors differ: as of zero above.
        np.testing.assert_allclose(batched, values, rtol=1e-3, atol=1e-5 + 1e-4 * values[0])

    def test_gradient_agrees_with_finite_differences(self, metric, compiled):
        if metric.name == "mmd_polynomial":
            pytest.skip("its scale, which depends on the picture, is a constant for the gradient")
        loss, target = compiled(metric).loss, compiled(metric).summarize(Y)
        _, gradient = loss(X, target)
        size = np.linalg.norm(gradient)
        direction = np.asarray(gradient) / size
        slopes = []
        for step in (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4):
            high, low = (loss(X + sign * step * direction, target)[0] for sign in (1, -1))
            slopes.append(float(high - low) / (2 * step))
        # Metrics that choose a nearest or a rank have kinks; the closest step counts.
        assert min(abs(slope / size - 1) for slope in slopes) < 0.03

    def test_decreases_along_the_negative_gradient(self, metric, compiled):
        loss, target = compiled(metric).loss, compiled(metric).summarize(Y)
        picture, values = X, []
        for _ in range(5):
            value, gradient = map(np.asarray, loss(picture, target))
            values.append(float(value))
            # A tenth of the way to zero by Newton's estimate, but never far.
            length = min(0.1 * value / np.sum(gradient**2), 0.05 / np.abs(gradient).max())
            picture = picture - np.float32(length) * gradient
        assert loss(picture, target)[0] < values[0]

    def test_is_documented_and_can_be_looked_up(self, metric):
        assert find(metric.name, metric.kind) is metric
        assert all((metric.meaning, metric.cost, metric.paper, metric.layers))


@for_metrics([metric for metric in METRICS["style"].values() if metric.expects == "positions"])
def test_a_metric_of_positions_is_invariant_to_their_order(metric, compiled):
    loss, target = compiled(metric).loss, compiled(metric).summarize(Y)
    order = np.random.default_rng(0).permutation(HEIGHT * WIDTH)
    permuted = X.reshape(-1, CHANNELS)[order].reshape(X.shape)
    value, gradient = loss(X, target)
    permuted_value, permuted_gradient = loss(permuted, target)
    np.testing.assert_allclose(value, permuted_value, rtol=1e-4)
    np.testing.assert_allclose(
        np.reshape(gradient, (-1, CHANNELS))[order],
        np.reshape(permuted_gradient, (-1, CHANNELS)),
        atol=1e-3 * np.abs(gradient).max(),
    )


def test_there_are_as_many_as_in_the_literature():
    assert len(METRICS["style"]) >= 18
    assert len(METRICS["content"]) >= 8
    assert sum(metric.layers == ("image",) for metric in ALL) >= 8


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'gram'"):
        find("grams")
    with pytest.raises(ValueError, match="expected a metric of kind style, mse is of kind content"):
        find("mse", "style")
    assert find("contextual", "content").kind == "content"
