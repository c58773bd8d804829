"""Steps: on the objective of a toy network, and on functions whose answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.toy import CONTENT, STYLE, TERMS, calibrated_objective, extract, losses_of

from jaxstyle.objective.objective import Losses, prepare
from jaxstyle.optim import optimizers, step
from jaxstyle.optim.optimizers import OPTIMIZERS

SHAPE = (4, 5, 3)


def make(name, learning_rate):
    return optimizers.find(name).make(learning_rate)


def run(losses, transform, image, steps, length=1):
    """Take steps in chunks; return the last state and the total before each step."""
    advance = jax.jit(
        lambda state, count: step.take_steps(
            step.with_gradient(lambda image, _: losses(image)),
            transform,
            state,
            count,
            length=length,
        )
    )
    state, totals = step.init(transform, image), []
    for first in range(0, steps, length):
        count = min(length, steps - first)
        state, history = advance(state, count)
        totals += history.total[:count].tolist()
    return state, totals


def alone(loss):
    """Return the losses of an objective whose only term is `loss`."""
    return lambda image: Losses(loss(image), loss(image)[None])


@pytest.fixture(scope="module")
def losses():
    return losses_of(calibrated_objective())


class TestOnAnObjective:
    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_every_optimizer_lowers_the_loss(self, losses, name):
        rate = {"lbfgs": 1.0, "sgd": 0.02, "momentum": 0.005}.get(name, 0.02)
        state, totals = run(losses, make(name, rate), CONTENT, 20, length=8)
        assert len(totals) == state.step == 20
        assert totals[-1] < 0.7 * totals[0]
        assert state.image.min() >= 0
        assert state.image.max() <= 1

    @pytest.mark.parametrize("transform", [optax.adamw(0.02), optax.lbfgs()])
    def test_any_optax_transformation_serves_line_searches_too(self, losses, transform):
        _, totals = run(losses, transform, CONTENT, 20, length=8)
        assert totals[-1] < 0.7 * totals[0]

    def test_chunks_do_not_change_the_result(self, losses):
        one, _ = run(losses, make("adam", 0.02), CONTENT, 20, length=20)
        many, _ = run(losses, make("adam", 0.02), CONTENT, 20, length=7)
        np.testing.assert_allclose(one.image, many.image, atol=1e-6)

    @pytest.mark.parametrize("name", ["adam", "lbfgs", "sgd"])
    def test_a_loss_below_zero_is_lowered_as_well(self, losses, name):
        def shifted(image):
            values = losses(image)
            return values._replace(total=values.total - 1000)

        transform = make(name, {"lbfgs": 1.0}.get(name, 0.02))
        expected, totals = run(losses, transform, CONTENT, 20, length=8)
        state, lower = run(shifted, transform, CONTENT, 20, length=8)
        assert totals[-1] < 0.7 * totals[0]
        np.testing.assert_allclose(np.array(lower) + 1000, totals, rtol=1e-2)
        np.testing.assert_allclose(state.image, expected.image, atol=1e-2)

    def test_sgd_is_gradient_descent(self):
        losses = losses_of(prepare(extract, TERMS, CONTENT, STYLE))
        state, _ = run(losses, optax.sgd(1e-6), CONTENT, 1)
        gradient = jax.jit(jax.grad(lambda image: losses(image).total))(CONTENT)
        expected = jnp.clip(CONTENT - 1e-6 * gradient, 0, 1)
        np.testing.assert_allclose(state.image, expected, atol=1e-6)

    def test_the_last_finite_picture_is_kept(self, losses):
        def breaking(image):
            values = losses(image)
            bad = jnp.where(jnp.abs(image - CONTENT).max() > 0.05, jnp.nan, 0.0)
            return values._replace(total=values.total + bad)

        state, totals = run(breaking, make("adam", 0.02), CONTENT, 20, length=8)
        assert not state.finite
        assert 0 < state.step < 20
        assert np.isfinite(state.image).all()
        assert np.isfinite(totals[: int(state.step)]).all()
        assert np.isnan(totals[int(state.step)])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_finds_the_minimum_of_a_bowl(name):
    random = np.random.default_rng(0)
    lowest = random.uniform(0.2, 0.8, SHAPE).astype(np.float32)
    steepness = random.uniform(0.5, 2, SHAPE).astype(np.float32)
    rate = {
        "lbfgs": 1.0,
        "lbfgs_plain": 1.0,
        "lbfgs_search": 1.0,
        "sgd": 0.5,
        "momentum": 0.1,
        "adam": 0.02,
        "rmsprop": 0.002,
    }[name]
    bowl = alone(lambda image: jnp.sum(steepness * (image - lowest) ** 2) / 2)
    state, _ = run(bowl, make(name, rate), np.full(SHAPE, 0.5, np.float32), 300)
    np.testing.assert_allclose(state.image, lowest, atol=5e-3)


def test_safeguards():
    steep = alone(lambda image: -100 * jnp.sum(image))  # no bound above

    def after(safeguard):
        transform = make("sgd", 0.01)
        state = step.init(transform, np.full(SHAPE, 0.5, np.float32))
        gradient_of = step.with_gradient(lambda image, _: steep(image))
        return step.take_step(gradient_of, transform, state, step.Rules(safeguard=safeguard))[
            0
        ].image

    np.testing.assert_allclose(after("none"), 1.5, rtol=1e-6)
    np.testing.assert_allclose(after("clip"), 1.0)
    np.testing.assert_allclose(after("full"), 0.5 + step.LONGEST_STEP, rtol=1e-6)


def walk(rules, count, rate=0.02):
    """Return the states before and after so many steps of Adam down a bowl."""
    random = np.random.default_rng(0)
    lowest = random.random(SHAPE).astype(np.float32)
    bowl = alone(lambda image: jnp.sum((image - lowest) ** 2))
    gradient_of = step.with_gradient(lambda image, _: bowl(image))
    transform = make("adam", rate)
    states = [step.init(transform, np.full(SHAPE, 0.5, np.float32), rules)]
    for _ in range(count):
        states.append(step.take_step(gradient_of, transform, states[-1], rules)[0])
    return states


def test_the_rate_decays():
    # So steep that Adam's steps, of whatever gradient, are all as long as its rate.
    steep = step.with_gradient(lambda image, _: alone(lambda image: -100 * jnp.sum(image))(image))
    rules = step.Rules(safeguard="none", rate_decay=(0.5, 2))
    transform = make("adam", 0.02)
    state, changes = step.init(transform, np.full(SHAPE, 0.5, np.float32), rules), []
    for _ in range(5):
        after = step.take_step(steep, transform, state, rules)[0]
        changes.append(float(np.mean(after.image - state.image)))
        state = after
    np.testing.assert_allclose(changes, [0.02, 0.02, 0.01, 0.01, 0.005], rtol=1e-3)


def test_pictures_are_averaged():
    rules = step.Rules(average=0.8)
    states = walk(rules, 4)
    pictures = np.stack([state.image for state in states])
    weights = 0.8 ** np.arange(4, -1, -1)
    expected = np.tensordot(weights / weights.sum(), pictures, 1)
    np.testing.assert_allclose(step.picture(states[-1], rules), expected, rtol=1e-5)
    np.testing.assert_allclose(step.picture(states[0], rules), pictures[0], rtol=1e-6)
    plain = walk(step.PLAIN, 4)[-1]
    np.testing.assert_array_equal(plain.image, states[-1].image)
    np.testing.assert_array_equal(step.picture(plain), plain.image)


def test_an_optimizer_restarts():
    random = np.random.default_rng(0)
    lowest = random.random(SHAPE).astype(np.float32)
    bowl = alone(lambda image: jnp.sum((image - lowest) ** 2))
    gradient_of = step.with_gradient(lambda image, _: bowl(image))
    transform = make("adam", 0.02)
    start = step.init(transform, np.full(SHAPE, 0.5, np.float32))
    state = start
    for _ in range(4):
        state = step.take_step(gradient_of, transform, state, step.Rules(restarts=(3,)))[0]
    plain = start
    for _ in range(3):
        plain = step.take_step(gradient_of, transform, plain)[0]
    afresh = step.init(transform, plain.image)
    expected = step.take_step(gradient_of, transform, afresh)[0]
    np.testing.assert_allclose(state.image, expected.image, rtol=1e-6)
    onward = step.take_step(gradient_of, transform, plain)[0]
    assert np.abs(onward.image - state.image).max() > 1e-4


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_states_stay_float32_under_x64(name):
    if name == "lbfgs_search" and optax.__version__.startswith("0.2.4"):
        pytest.skip("optax's line search mixed float32 and float64 then")
    bowl = alone(lambda image: jnp.sum((image - 0.3) ** 2))
    state, _ = run(bowl, make(name, 0.1), np.full(SHAPE, 0.5, np.float32), 2)
    assert state.image.dtype == state.best.dtype == jnp.float32
    first = step.init(make(name, 0.1), np.full(SHAPE, 0.5, np.float32))
    assert [a.dtype for a in jax.tree.leaves(state)] == [b.dtype for b in jax.tree.leaves(first)]


def test_lbfgs_descends_where_the_curvature_is_negative():
    # Between two valleys of a cosine every step has s'y < 0: a plain quasi-Newton step, which takes
    # that for a bowl turned over, climbs to the top.
    random = np.random.default_rng(0)
    start = (0.5 + 0.05 * random.standard_normal(SHAPE)).astype(np.float32)
    hill = alone(lambda image: jnp.sum(1 + jnp.cos(4 * jnp.pi * (image - 0.5))))
    plain = optax.lbfgs(1.0, memory_size=20, linesearch=None)
    _, climbing = run(hill, plain, start, 60)
    _, falling = run(hill, make("lbfgs", 1.0), start, 60)
    assert climbing[-1] > 0.5 * climbing[0]
    assert falling[-1] < 0.01 * falling[0]


def test_lbfgs_never_steps_too_far():
    transform = make("lbfgs", 1.0)
    state = step.init(transform, jnp.full(SHAPE, 0.5))
    random = np.random.default_rng(0)
    apply = jax.jit(lambda *given: step.apply_update(transform, *given))
    for size in (1e-12, 1e-3, 1e9, 0, 1):
        gradient = jnp.asarray(size * random.standard_normal(SHAPE), jnp.float32)
        after = apply(state, jnp.ones(()), gradient)
        change = after.image - state.image
        assert np.sqrt(np.mean(np.square(change))) <= step.LONGEST_STEP * (1 + 1e-5)
        assert after.finite
        state = after


def test_a_step_into_an_exponential_wall_is_taken_back():
    # A gentle slope that ends in a wall: every step of full length lands far up the wall.
    def wall(image):
        return jnp.sum(0.1 * image + jnp.exp(200 * (0.4 - image)))

    steep = optax.scale(-1.0)  # plain descent with a rate that is far too long
    state, totals = run(alone(wall), steep, np.full(SHAPE, 0.6, np.float32), 60)
    assert max(totals) > 10 * totals[0]
    # Each time it returns to the best picture and continues from there by shorter steps.
    assert float(state.lowest) == min(totals) < 0.8 * totals[0]
    assert float(wall(state.best)) == pytest.approx(min(totals), rel=1e-4)
