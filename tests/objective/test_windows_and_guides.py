"""Terms that count in some steps only, that draw the style once, that join and guide targets."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.toy import CONTENT, STYLE, extract

from jaxstyle.metrics import find
from jaxstyle.metrics.neural_neighbors import assigned, balanced_hypercolumns
from jaxstyle.objective.objective import distances, evaluate, prepare
from jaxstyle.objective.term import term

RANDOM = np.random.default_rng(3)
LAYERS = ("first", "second")


def test_a_term_counts_in_its_window_alone():
    terms = (term("gram", layers=LAYERS), replace(term("mse", layers=LAYERS), window=(2, 5)))
    late = replace(term("moments", layers=LAYERS), window=(5, None))
    objective = prepare(extract, (*terms, late), CONTENT, STYLE)
    image = jnp.flip(CONTENT, 0)

    @jax.jit
    def at(step):
        total, gradient = jax.value_and_grad(
            lambda image: evaluate(extract, objective, image, step).total
        )(image)
        return evaluate(extract, objective, image, step).terms, total, gradient

    whole = prepare(extract, [replace(t, window=(0, None)) for t in (*terms, late)], CONTENT, STYLE)
    always = evaluate(extract, whole, image).terms
    for step, counted in ((1, (1, 0, 0)), (2, (1, 1, 0)), (4, (1, 1, 0)), (5, (1, 0, 1))):
        values, total, gradient = at(step)
        np.testing.assert_allclose(values, always * np.array(counted), rtol=1e-5)
        np.testing.assert_allclose(total, values.sum(), rtol=1e-5)
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


def test_the_style_is_drawn_once():
    part = replace(term("nearest_neighbor", layers=LAYERS[:1]), positions=7, style_positions=20)
    objective = prepare(extract, [part], CONTENT, STYLE)
    assert objective.targets[0][0].shape == (20, 8)
    every = np.asarray(extract(STYLE)["first"]).reshape(-1, 8)
    units = every / np.linalg.norm(every, axis=1, keepdims=True)
    gaps = [np.abs(units - row).max(1).min() for row in np.asarray(objective.targets[0][0])]
    np.testing.assert_allclose(gaps, 0, atol=1e-5)
    # The picture's positions are others at each step.
    values = [distances(extract, objective, CONTENT, step)[0][0] for step in range(3)]
    assert len(set(map(float, values))) == 3


def test_targets_of_several_styles_are_joined():
    other = jnp.flip(STYLE, 1)[:5]
    part = replace(
        term("centered_nearest_neighbor", layers=LAYERS), styles=(0, 1), shares=(0.5, 0.5)
    )
    objective = prepare(extract, [part], CONTENT, [STYLE, other])
    for layer, target in zip(LAYERS, objective.targets[0], strict=True):
        rows = [np.asarray(extract(s)[layer], float).reshape(-1, 8) for s in (STYLE, other)]
        joined = np.concatenate(rows)
        joined -= joined.mean(0)
        expected = joined / np.linalg.norm(joined, axis=1, keepdims=True)
        np.testing.assert_allclose(target, expected, atol=1e-5)


def cosines(x, y):
    lengths = [np.linalg.norm(side, axis=1) for side in (x, y)]
    return x @ y.T / np.outer(*lengths)


def test_neural_neighbor_is_the_formula():
    """In float64, of hypercolumns: the style's nearest by centered cosines, at the content's."""
    part = term("neural_neighbor", layers=LAYERS)
    objective = prepare(extract, [part], CONTENT, STYLE)
    image = jnp.clip(CONTENT + 0.1 * RANDOM.normal(size=CONTENT.shape), 0, 1)
    style, content, x = (
        np.asarray(balanced_hypercolumns(tuple(extract(p)[k] for k in LAYERS)), float)
        for p in (STYLE, CONTENT, image)
    )
    nearest = cosines(content - content.mean(0), style - style.mean(0)).argmax(1)
    expected = np.mean(1 - np.diag(cosines(x, style[nearest])))
    np.testing.assert_allclose(distances(extract, objective, image)[0][0], expected, rtol=1e-4)
    units = style[nearest] / np.linalg.norm(style[nearest], axis=1, keepdims=True)
    np.testing.assert_allclose(assigned(style, content), units, atol=1e-6)


def test_a_picture_can_guide_in_place_of_the_content():
    part = term("neural_neighbor", layers=LAYERS)
    other = CONTENT[::-1]
    guided = prepare(extract, [part], CONTENT, STYLE, guide=other)
    expected = prepare(extract, [part], other, STYLE)
    np.testing.assert_array_equal(guided.targets[0][0], expected.targets[0][0])
    plain = prepare(extract, [part], CONTENT, STYLE)
    assert np.abs(guided.targets[0][0] - plain.targets[0][0]).max() > 0


def test_centered_nearest_neighbor_is_the_formula():
    metric = find("centered_nearest_neighbor")
    x, y = RANDOM.normal(1, 1, (40, 6)), RANDOM.normal(2, 1, (50, 6))
    expected = np.mean(1 - cosines(x - x.mean(0), y - y.mean(0)).max(1))
    x32, y32 = (side.astype(np.float32) for side in (x, y))
    np.testing.assert_allclose(metric.distance(x32, metric.target(y32)), expected, rtol=1e-5)
    # The gradient passes through the mean: a shift of all positions changes nothing.
    gradient = jax.grad(lambda x: metric.distance(x, metric.target(y32)))(x32)
    np.testing.assert_allclose(gradient.sum(0), 0, atol=1e-6)


@pytest.mark.parametrize("name", ["absolute_moments", "hypercolumn_similarity"])
def test_metrics_of_hypercolumns_are_the_formulas(name):
    metric = find(name)
    layers = [RANDOM.random((6, 5, c)).astype(np.float32) for c in (3, 4)]
    others = [RANDOM.random((6, 5, c)).astype(np.float32) for c in (3, 4)]
    x, y = (np.concatenate(side, 2).reshape(-1, 7).astype(float) for side in (layers, others))
    if name == "absolute_moments":
        means = np.abs(x.mean(0) - y.mean(0)).mean()
        expected = means + np.abs(np.cov(x.T, bias=True) - np.cov(y.T, bias=True)).mean()
    else:
        a, b = 1 - cosines(x, x), 1 - cosines(y, y)
        expected = np.abs(a / a.sum(0) - b / b.sum(0)).mean() * len(x)
    value = metric.distance(tuple(layers), metric.target(tuple(others)))
    np.testing.assert_allclose(value, expected, rtol=1e-4)
