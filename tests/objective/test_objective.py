from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxstyle.objective.objective import calibrate, calibration_reference, evaluate, prepare, term
from jaxstyle.optim import step as optimize
from jaxstyle.transfer.scales import plan

RANDOM = np.random.default_rng(5)
CONTENT = jnp.asarray(RANDOM.random((12, 10, 3)), jnp.float32)
STYLE = jnp.asarray(RANDOM.random((9, 14, 3)) ** 2, jnp.float32)
FILTERS = jnp.asarray(RANDOM.normal(size=(3, 8)), jnp.float32)


def extract(image):
    """A network small enough to reason about: one 1 × 1 convolution, and half its size."""
    first = jax.nn.relu(image @ FILTERS)
    return {"first": first, "second": first[::2, ::2] * 50}


TERMS = (
    term("gram", 2.0, ("first", "second"), (3.0, 1.0)),
    term("mse", 0.5, ("second",)),
    term("total_variation", 0.25),
)


def rms_of_gradient(function, image):
    return float(jnp.sqrt(jnp.mean(jax.grad(function)(image) ** 2)))


def test_the_sum_is_the_formula():
    objective = prepare(extract, TERMS, CONTENT, STYLE)
    x, y, c = (
        {k: np.asarray(v, np.float64) for k, v in extract(p).items()}
        for p in (STYLE[:8, :8], STYLE, CONTENT)
    )

    def gram(f):
        f = f.reshape(-1, f.shape[-1])
        return f.T @ f / len(f)

    image = STYLE[:8, :8]
    content = np.asarray(CONTENT)[:8, :8]
    objective = prepare(extract, TERMS, jnp.asarray(content), STYLE)
    c = {k: np.asarray(v, np.float64) for k, v in extract(jnp.asarray(content)).items()}
    g = [np.mean((gram(x[k]) - gram(y[k])) ** 2) for k in ("first", "second")]
    m = np.mean((x["second"] - c["second"]) ** 2)
    p = np.asarray(image, np.float64)
    t = np.mean(np.diff(p, axis=0) ** 2) + np.mean(np.diff(p, axis=1) ** 2)
    losses = evaluate(extract, objective, image)
    np.testing.assert_allclose(losses.terms, [3 * g[0] + g[1], m, t], rtol=1e-4)
    np.testing.assert_allclose(losses.total, 2 * (3 * g[0] + g[1]) + m / 2 + t / 4, rtol=1e-4)


def test_features_in_bfloat16_are_compared_in_float32():
    def rounded(image):
        return {name: x.astype(jnp.bfloat16) for name, x in extract(image).items()}

    def same(image):
        return {name: x.astype(jnp.float32) for name, x in rounded(image).items()}

    for name in ("gram", "cross_layer_gram", "shifted_gram", "moments"):
        part = (term(name, 1.0, ("first", "second")),)
        losses = [
            evaluate(each, prepare(each, part, CONTENT, STYLE), STYLE[:8, :8])
            for each in (rounded, same)
        ]
        assert losses[0].total.dtype == jnp.float32, name
        np.testing.assert_allclose(losses[0].total, losses[1].total, rtol=1e-5, err_msg=name)


def test_calibrated_terms_pull_equally():
    reference = calibration_reference(CONTENT, STYLE)
    objective = calibrate(extract, prepare(extract, TERMS, CONTENT, STYLE), reference)
    for k in range(len(TERMS)):
        size = rms_of_gradient(lambda x, k=k: evaluate(extract, objective, x).terms[k], reference)
        assert size == pytest.approx(1, rel=1e-3)
    # Within the first term the layers share by their weights, 3 : 1, whatever their own scale.
    shares = []
    for layer in (0, 1):
        weights = [0.0, 0.0]
        weights[layer] = TERMS[0].layer_weights[layer]
        alone = term("gram", 1.0, ("first", "second"), weights)
        changed = prepare(extract, (alone, *TERMS[1:]), CONTENT, STYLE)
        changed = replace(changed, scales=objective.scales)
        shares.append(
            rms_of_gradient(lambda x, o=changed: evaluate(extract, o, x).terms[0], reference)
        )
    assert shares[0] / shares[1] == pytest.approx(3, rel=1e-3)


def test_calibration_where_nothing_pulls_is_finite():
    objective = calibrate(extract, prepare(extract, TERMS, CONTENT, CONTENT), CONTENT)
    assert all(np.isfinite(scale).all() for scale in objective.scales)


def test_changing_a_weight_does_not_trace_again():
    traces = []

    @jax.jit
    def total(objective, image):
        traces.append(1)
        return evaluate(extract, objective, image).total

    values = []
    for weight in (1.0, 2.0, 3.0):
        terms = (term("gram", weight, ("first",)),)
        values.append(float(total(prepare(extract, terms, CONTENT, STYLE), CONTENT)))
    assert len(traces) == 1
    np.testing.assert_allclose(values, np.array([1, 2, 3]) * values[0], rtol=1e-5)


def test_wrong_layer_weights_are_told():
    with pytest.raises(ValueError, match="expected 2 layer weights"):
        term("gram", 1.0, ("first", "second"), (1.0,))


def run(transform, steps=20, length=8, evaluate_with=None):
    objective = prepare(extract, TERMS, CONTENT, STYLE)
    objective = calibrate(extract, objective, calibration_reference(CONTENT, STYLE))
    losses = evaluate_with or (lambda image: evaluate(extract, objective, image))
    measure = optimize.measured(losses)
    advance = jax.jit(
        lambda state, count: optimize.take_steps(measure, transform, state, count, length=length)
    )
    state, totals = optimize.start(transform, CONTENT), []
    for first in range(0, steps, length):
        state, history = advance(state, min(length, steps - first))
        totals += history.total[: min(length, steps - first)].tolist()
    return state, totals


@pytest.mark.parametrize("name", optimize.OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(name):
    rate = {"lbfgs": 1.0, "sgd": 0.02, "momentum": 0.005}.get(name, 0.02)
    state, totals = run(optimize.optimizer(name, rate))
    assert len(totals) == state.step == 20
    assert totals[-1] < 0.7 * totals[0]
    assert state.image.min() >= 0
    assert state.image.max() <= 1


def test_any_optax_transformation_serves_line_searches_too():
    for transform in (optax.adamw(0.02), optax.lbfgs()):
        _, totals = run(transform)
        assert totals[-1] < 0.7 * totals[0]


def test_chunks_do_not_change_the_result():
    one, _ = run(optimize.optimizer("adam", 0.02), length=20)
    many, _ = run(optimize.optimizer("adam", 0.02), length=7)
    np.testing.assert_allclose(one.image, many.image, atol=1e-6)


@pytest.mark.parametrize("name", ["adam", "lbfgs", "sgd"])
def test_a_loss_under_zero_is_lowered_as_well(name):
    objective = prepare(extract, TERMS, CONTENT, STYLE)
    objective = calibrate(extract, objective, calibration_reference(CONTENT, STYLE))

    def shifted(image):
        losses = evaluate(extract, objective, image)
        return losses._replace(total=losses.total - 1000)

    transform = optimize.optimizer(name, {"lbfgs": 1.0}.get(name, 0.02))
    state, totals = run(transform)
    other, less = run(transform, evaluate_with=shifted)
    assert totals[-1] < 0.7 * totals[0]
    np.testing.assert_allclose(np.array(less) + 1000, totals, rtol=1e-2)
    np.testing.assert_allclose(other.image, state.image, atol=1e-2)


def test_wrong_parameters_are_told():
    with pytest.raises(ValueError, match="gram has no parameter 'shift'; it has none"):
        term("gram", shift=-1.0)
    with pytest.raises(ValueError, match="did you mean 'bandwidth'"):
        term("contextual", bandwith=0.1)


def test_calibration_in_float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        content, style = (jnp.asarray(each, jnp.float64) for each in (CONTENT, STYLE))
        objective = prepare(extract, (term("gram", 1.0, ("first",)),), content, style)
        for seen in (content, content.astype(jnp.float32)):
            found = calibrate(extract, objective, seen)
            assert np.isfinite(found.scales[0]).all()
        assert evaluate(extract, objective, content).total.dtype == jnp.float64
    finally:
        jax.config.update("jax_enable_x64", before)


def test_sgd_is_gradient_descent():
    objective = prepare(extract, TERMS, CONTENT, STYLE)

    def losses(image):
        return evaluate(extract, objective, image)

    state, _ = optimize.take_step(
        optimize.measured(losses), optax.sgd(1e-6), optimize.start(optax.sgd(1e-6), CONTENT)
    )
    gradient = jax.grad(lambda image: losses(image).total)(CONTENT)
    np.testing.assert_allclose(state.image, jnp.clip(CONTENT - 1e-6 * gradient, 0, 1), atol=1e-6)


def test_what_is_not_finite_leaves_the_last_good_picture():
    objective = prepare(extract, TERMS, CONTENT, STYLE)

    def breaking(image):
        losses = evaluate(extract, objective, image)
        bad = jnp.where(jnp.abs(image - CONTENT).max() > 0.05, jnp.nan, 0.0)
        return losses._replace(total=losses.total + bad)

    state, totals = run(optimize.optimizer("adam", 0.02), evaluate_with=breaking)
    assert not state.finite
    assert 0 < state.step < 20
    assert np.isfinite(state.image).all()
    assert np.isfinite(totals[: int(state.step)]).all()
    assert np.isnan(totals[int(state.step)])


def test_scales_are_coarse_to_fine():
    assert [tuple(scale) for scale in plan(512, 4, 10)] == [
        (181, 28),
        (256, 20),
        (362, 14),
        (512, 10),
    ]
    assert [tuple(scale) for scale in plan(20, 5, 10)] == [(20, 10)]
