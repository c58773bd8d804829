"""Metrics of a picture that wraps: wherever it begins, they are the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.metrics import KINDS, METRICS
from jaxstyle.metrics.spectrum import amplitude_spectrum, wrapped_spectrum
from jaxstyle.specs import OPEN

RANDOM = np.random.default_rng(8)
BOTH = (True, True)
ROLL = (16, -32)
"""Pixels: a position of the deepest layer, and two."""
X, Y = RANDOM.random((2, 48, 32, 3)).astype(np.float32)
# A metric without `wrap` compares sets of positions, or position by position.
NEIGHBORS = [
    metric
    for kind in KINDS
    for metric in METRICS[kind].values()
    if metric.around(metric.distance, BOTH)
]

QUICK = ("total_variation", "total_variation_nine", "relaxed_emd", "translated_gram", "patch")
QUICK_AND_SLOW = [
    pytest.param(
        metric,
        id=f"{metric.kind}-{metric.name}",
        marks=() if metric.name in QUICK else pytest.mark.slow,
    )
    for metric in NEIGHBORS
]


def fitted_to(metric):
    if metric.weights is None:
        return {}
    filters = {"kernel": RANDOM.standard_normal((11, 11, 3, 8)), "bias": RANDOM.random(8)}
    affine = {"kernel": np.eye(3), "bias": np.zeros(3)}
    return {"fitted": {"preprocess": affine, "conv1": filters}}


def features_of(metric, picture):
    if metric.expects == "layers":
        return picture, picture[::2, ::2] * 2, picture[::4, ::4] - 1
    return picture


def rolled(picture, wrap=BOTH):
    shift = [by if wraps else 0 for by, wraps in zip(ROLL, wrap, strict=True)]
    return np.roll(picture, shift, (0, 1))


def loss_of(metric, wrap):
    more = {**fitted_to(metric), **({} if wrap == OPEN else {"wrap": wrap})}

    def loss(picture, target):
        return metric.distance(features_of(metric, picture), target, **more)

    return jax.jit(jax.value_and_grad(loss))


def target_of(metric, picture, wrap):
    given = metric.around(metric.summarize, wrap) if metric.kind == "content" else {}
    summary = metric.summarize(features_of(metric, picture), **given)
    if not metric.finish:
        return summary
    if not metric.guided:
        return metric.finish(summary)
    guide = metric.summarize(features_of(metric, picture), **metric.around(metric.summarize, wrap))
    return metric.finish(summary, guide)


@pytest.mark.parametrize("metric", QUICK_AND_SLOW)
def test_a_rolled_picture_has_the_same_loss_and_the_rolled_gradient(metric):
    loss = loss_of(metric, BOTH)
    # What compares place by place follows the picture.
    moves = metric.kind == "content" or metric.guided
    target, moved = target_of(metric, Y, BOTH), target_of(metric, Y, BOTH)
    if metric.kind == "content":
        moved = target_of(metric, rolled(Y), BOTH)
    elif metric.guided:
        style = metric.summarize(features_of(metric, Y))
        guides = (features_of(metric, guide) for guide in (Y, rolled(Y)))
        target, moved = (
            metric.finish(style, metric.summarize(guide, wrap=BOTH)) for guide in guides
        )
    value, gradient = loss(X, target)
    again, turned = loss(rolled(X), moved if moves else target)
    np.testing.assert_allclose(again, value, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(
        turned, rolled(np.asarray(gradient)), atol=1e-4 * np.abs(gradient).max()
    )
    # Without wrapping it is not so: the property can fail. Minima may be the same; so are Fourier
    # moduli of a picture of the sample's size.
    if metric.name not in ("brushwork", "paint_coverage", "spectrum_projection"):
        unwrapped = loss_of(metric, OPEN)
        open_target = target if not moves else target_of(metric, Y, OPEN)
        open_moved = target if not moves else target_of(metric, rolled(Y), OPEN)
        if metric.guided:
            return
        gap = unwrapped(X, open_target)[0] - unwrapped(rolled(X), open_moved)[0]
        assert abs(gap) > 1e-6 * abs(value)


@pytest.mark.parametrize("metric", NEIGHBORS, ids=lambda metric: f"{metric.kind}-{metric.name}")
@pytest.mark.parametrize("wrap", [(True, False), (False, True)], ids=("rows", "columns"))
@pytest.mark.slow
def test_so_it_is_along_one_axis(metric, wrap):
    if metric.guided:
        pytest.skip("its targets are chosen place by place")
    loss = loss_of(metric, wrap)
    target = target_of(metric, Y, wrap)
    moved = target_of(metric, rolled(Y, wrap), wrap) if metric.kind == "content" else target
    value, gradient = loss(X, target)
    again, turned = loss(rolled(X, wrap), moved)
    np.testing.assert_allclose(again, value, rtol=1e-5, atol=1e-8)
    expected = rolled(np.asarray(gradient), wrap)
    np.testing.assert_allclose(turned, expected, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize(
    "block", [2, pytest.param(8, marks=pytest.mark.slow), pytest.param(16, marks=pytest.mark.slow)]
)
def test_the_wrapped_spectrum_is_the_mean_over_blocks_at_all_places(block):
    grid = RANDOM.random((24, 16, 2)).astype(np.float32)
    continued = np.pad(grid, ((0, block), (0, block), (0, 0)), mode="wrap")
    everywhere = np.indices((24, 16)).reshape(2, -1).T
    expected = amplitude_spectrum(jnp.asarray(continued), block, jnp.asarray(everywhere))
    np.testing.assert_allclose(
        wrapped_spectrum(jnp.asarray(grid), block, BOTH), expected, rtol=1e-4, atol=1e-6
    )
    if block == 16:
        return
    halves = np.linspace(0, 16 - block, 2 * 16 // block - 1).round().astype(int)
    starts = np.stack(np.meshgrid(np.arange(24), halves, indexing="ij"), -1).reshape(-1, 2)
    rows = amplitude_spectrum(jnp.asarray(continued), block, jnp.asarray(starts))
    only_rows = wrapped_spectrum(jnp.asarray(grid), block, (True, False))
    np.testing.assert_allclose(only_rows, rows, rtol=1e-4, atol=1e-6)
