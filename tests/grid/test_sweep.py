"""Sweeps as text, and as settings."""

import pytest

from jaxstyle.grid import stylize_grid as grid
from jaxstyle.grid import sweep
from jaxstyle.settings import Settings


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("seed=0..3", [0, 1, 2, 3]),
        ("seed=3..1", [3, 2, 1]),
        ("seed=12345678..12345679", [12345678, 12345679]),
        ("regularizer=total_variation,total_variation_nine", None),
        ("style-weight=0.1,1", [0.1, 1.0]),
        ("style_weight=linspace(0,1,5)", [0, 0.25, 0.5, 0.75, 1]),
        ("learning_rate=geomspace(0.01,1,3)", [0.01, 0.1, 1]),
        ("calibrate=on,off", [True, False]),
        ("style_layers=relu1_1,relu2_1;relu3_1", [("relu1_1", "relu2_1"), ("relu3_1",)]),
        ("style_scale=0.5,2", [(0.5,), (2.0,)]),
        ("metric=gram@relu1_1,relu2_1;moments", ["gram@relu1_1,relu2_1", "moments"]),
        ("metric.gram=0,0.5", [0, 0.5]),
        ("content=a.jpg,b.jpg", ["a.jpg", "b.jpg"]),
        ("optimizer=adam,lbfgs", ["adam", "lbfgs"]),
    ],
)
def test_values_are_read(text, values):
    name, found = sweep.parse(text)
    values = values or text.partition("=")[2].split(",")
    assert name == text.partition("=")[0].replace("-", "_")
    assert found == pytest.approx(values) if isinstance(values[0], float) else found == values
    assert [type(each) for each in found] == [type(each) for each in found[:1]] * len(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed", "expected NAME=VALUE"),
        ("seed=", "expected NAME=VALUE"),
        ("sede=1", "did you mean 'seed'"),
        ("seed=1.5", "expected a whole number, got '1.5'"),
        ("style_weight=logspace(1,2)", r"expected logspace\(FROM,TO,COUNT\)"),
        ("style_weight=linspace(0,1,999999)", "expected linspace"),
        ("style_weight=geomspace(0,1,3)", "both ends on one side of 0"),
        ("style_weight=much", "expected a number, got 'much'"),
        ("calibrate=perhaps", "expected on or off"),
        ("content_mask=a.png", "content_mask cannot be swept"),
    ],
)
def test_what_cannot_be_read_is_told(text, words):
    with pytest.raises(ValueError, match=words):
        sweep.parse(text)


def test_values_become_settings():
    def settings(**values):
        return grid.cell_settings(values, None, {"steps": 7, "metric": (("moments", 2.0),)})

    assert settings(style_weight=0.1).style_weight == 0.1
    assert settings(style_weight=0.1).steps == 7
    assert settings(metric="gram=0.5+histogram").metric == (("gram", 0.5), ("histogram", 1.0))
    assert settings(metric="diverse").metric == grid.recipes.RECIPES["diverse"].settings["metric"]
    # A metric and a recipe share this name: the metric is meant.
    assert settings(metric="histogram").metric == (("histogram", 1.0),)
    assert settings(**{"metric.moments": 0.3}).metric == (("moments", 0.3),)
    assert settings(**{"metric.gram": 0.3}).metric == (("moments", 2.0), ("gram", 0.3))
    found = settings(metric="contextual", **{"contextual.bandwidth": 0.2})
    assert found.parameter == (("contextual.bandwidth", 0.2),)
    assert settings(recipe="gatys").recipe == "gatys"


def test_values_that_cannot_be_are_told():
    for values, error, words in (
        ({"style_wieght": 1}, TypeError, "did you mean 'style_weight'"),
        ({"metric": "gran"}, ValueError, "did you mean 'gram'"),
        ({"metric.gran": 1.0}, ValueError, "did you mean 'gram'"),
        ({"style_weight": -1.0}, ValueError, "at least 0"),
        ({"contextual.bandwidth": -1.0}, ValueError, "above 0"),
    ):
        with pytest.raises(error, match=words):
            grid.cell_settings(values, None, {})
    with pytest.raises(ValueError, match="got 2 of seed, 1 of steps"):
        grid.combinations({"seed": [0, 1], "steps": [3]}, zipped=True)
    with pytest.raises(ValueError, match="expected a list of values to sweep for seed"):
        grid.combinations({"seed": []})
    with pytest.raises(ValueError, match="expected settings or a recipe"):
        grid.cell_settings({"recipe": "gatys"}, Settings(), {})
