"""Several styles weigh the same in whatever order they are given."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from support import toy
from support.small import CONTENT, SMALL

import jaxstyle
from jaxstyle.objective.objective import prepare
from jaxstyle.objective.term import term

RANDOM = np.random.default_rng(5)
COARSE = np.repeat(np.repeat(RANDOM.random((6, 10, 3)), 4, 0), 4, 1).astype(np.float32)
FINE = (0.2 * RANDOM.random((48, 20, 3))).astype(np.float32)
MASK = np.zeros((40, 48), np.float32)
MASK[:, :20] = 1


def run(styles, **settings):
    result = jaxstyle.stylize(CONTENT, styles, **SMALL | {"steps": 2} | settings)
    constants = {name: np.ravel(rows) for name, rows in result.facts["calibration"].items()}
    return result, constants


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"color": "histogram"},
        *(
            pytest.param(settings, marks=pytest.mark.slow)
            for settings in (
                {"blend": "mix", "metric": "gram~relative"},
                {"blend": "mix"},
                {"style_scale": (0.5, 1.0)},
                {"color": "luminance"},
                {"combination": "product"},
            )
        ),
    ],
    ids=str,
)
def test_constants_and_pictures_are_the_same(settings):
    (one, first), (other, second) = run((COARSE, FINE), **settings), run((FINE, COARSE), **settings)
    assert first.keys() == second.keys()
    for name in ("mse", "total_variation"):
        np.testing.assert_allclose(first[name], second[name], rtol=1e-4)
    grams = [sorted(v.tolist() for n, v in c.items() if "gram" in n) for c in (first, second)]
    np.testing.assert_allclose(*grams, rtol=1e-4)
    np.testing.assert_allclose(one.image, other.image, atol=1e-3)


@pytest.mark.slow
def test_regions_take_their_styles_in_any_order():
    one, first = run((COARSE, FINE), content_mask=(MASK, 1 - MASK))
    other, second = run((FINE, COARSE), content_mask=(1 - MASK, MASK))
    np.testing.assert_allclose(first["total_variation"], second["total_variation"], rtol=1e-4)
    np.testing.assert_allclose(first["gram"], second["gram#2"], rtol=1e-4)
    np.testing.assert_allclose(one.image, other.image, atol=1e-3)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.75, 0.25)])
def test_relative_smoothing_divides_by_what_all_styles_have(shares):
    styles = [jnp.asarray(picture) for picture in (COARSE, FINE)]

    def spread(pictures, shares):
        part = term("gram", layers=("second",), smoothing="relative")
        part = replace(part, styles=tuple(range(len(pictures))), shares=shares)
        (spreads,) = prepare(toy.extract, (part,), styles[0], pictures).spreads
        return float(spreads[0])

    alone = [spread([style], (1.0,)) for style in styles]
    assert abs(alone[0] - alone[1]) > 0.1 * alone[0]
    both = spread(styles, shares)
    assert both == pytest.approx(np.dot(shares, alone), rel=1e-6)
    assert both == pytest.approx(spread(styles[::-1], shares[::-1]), rel=1e-6)
