"""Sweeps as text, and the settings of their cells."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image
from support.tiny import tiny

from jaxstyle.grid import sweep
from jaxstyle.grid.cells import cell_settings, combinations
from jaxstyle.metrics import find
from jaxstyle.recipes import RECIPES
from jaxstyle.settings import Settings
from jaxstyle.specs import MetricSpec, as_specs


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
def test_values_are_parsed(text, values):
    name, parsed = sweep.parse(text)
    values = values or text.partition("=")[2].split(",")
    assert name == text.partition("=")[0].replace("-", "_")
    assert parsed == (pytest.approx(values) if isinstance(values[0], float) else values)
    assert len({type(value) for value in parsed}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
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
def test_errors_of_parsing(text, message):
    with pytest.raises(ValueError, match=message):
        sweep.parse(text)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("calibrate", True, "on"),
        ("style_weight", 0.1 + 0.2, "0.3"),
        ("style_scale", (0.5, 1.0), "0.5,1"),
        ("style", Path("pictures") / "venice.jpg", "venice.jpg"),
        ("init", "pictures/venice.jpg", "venice.jpg"),
        ("metric", "gram@relu1_1/2", "gram@relu1_1/2"),
        ("metric", [find("gram", "style"), "moments"], "gram+moments"),
        ("metric", MetricSpec("gram", 0.5), "gram=0.5"),
        ("metric", {"gram": 0.5, "histogram": 1}, "gram=0.5+histogram"),
        ("metric", [["gram", 1.0, ["relu1_1"]], ["patch", 2]], "gram@relu1_1+patch=2"),
        ("regularizer", (), "none"),
        ("parameter", (("gram.width", 2.0), ("mmd.width", 0.5)), "gram.width=2,mmd.width=0.5"),
        ("calibration", {"gram": [1.0, 0.5]}, "gram 1,0.5"),
        ("learning_rate", None, "none"),
        ("backbone", tiny(), "tiny"),
        ("optimizer", optax.adam(0.1), "GradientTransformationExtraArgs"),
        ("init", np.zeros((2, 2, 3), np.uint8), "array 15ec7b"),
        ("init", jnp.zeros((2, 2, 3), jnp.uint8), "array 15ec7b"),
        ("init", Image.new("RGB", (2, 2)), "array 15ec7b"),
        ("init", bytes(12), "array 15ec7b"),
    ],
)
def test_labels_are_short(name, value, text):
    assert sweep.label(name, value) == text


def test_cells_are_combinations():
    values = {"seed": np.arange(2), "style_weight": [1.0, jnp.float32(2.0)]}
    cells = combinations(values)
    assert cells == [{"seed": s, "style_weight": w} for s in (0, 1) for w in (1.0, 2.0)]
    assert {type(value) for cell in cells for value in cell.values()} == {int, float}
    assert combinations(values, zipped=True) == [cells[0], cells[3]]


class TestSettingsOfACell:
    @staticmethod
    def settings(**values):
        return cell_settings(values, None, {"steps": 7, "metric": (("moments", 2.0),)})

    def test_have_its_values(self):
        assert self.settings(style_weight=0.1).style_weight == 0.1
        assert self.settings(style_weight=0.1).steps == 7
        assert self.settings(recipe="gatys").recipe == "gatys"
        assert self.settings(content="a.png", style="b.png") == self.settings()

    @pytest.mark.parametrize(
        ("values", "metric"),
        [
            ({"metric": "gram=0.5+histogram"}, (("gram", 0.5), ("histogram", 1.0))),
            ({"metric": "diverse"}, RECIPES["diverse"].settings["metric"]),
            # A metric and a recipe share this name: the metric is meant.
            ({"metric": "histogram"}, (("histogram", 1.0),)),
            ({"metric": MetricSpec("gram", 0.5)}, (("gram", 0.5),)),
            ({"metric": find("gram", "style")}, find("gram", "style")),
            ({"metric.moments": 0.3}, (("moments", 0.3),)),
            ({"metric.gram": 0.3}, (("moments", 2.0), ("gram", 0.3))),
            ({"metric.gram~softmax": 0.3}, (("moments", 2.0), ("gram~softmax", 0.3))),
            ({"metric": find("gram", "style"), "metric.gram": 0.3}, ((find("gram"), 0.3),)),
        ],
    )
    def test_have_its_metric(self, values, metric):
        assert self.settings(**values).metric == as_specs(metric)

    def test_have_its_parameters(self):
        settings = self.settings(metric="contextual", **{"contextual.bandwidth": 0.2})
        assert settings.parameter == (("contextual.bandwidth", 0.2),)

    @pytest.mark.parametrize(
        ("values", "error", "message"),
        [
            ({"style_wieght": 1}, TypeError, "did you mean 'style_weight'"),
            ({"metric": "gran"}, ValueError, "did you mean 'gram'"),
            ({"metric.gran": 1.0}, ValueError, "did you mean 'gram'"),
            ({"style_weight": -1.0}, ValueError, "at least 0"),
            ({"contextual.bandwidth": -1.0}, ValueError, "above 0"),
        ],
    )
    def test_are_checked(self, values, error, message):
        with pytest.raises(error, match=message):
            cell_settings(values, None, {})


def test_errors_of_combinations():
    with pytest.raises(ValueError, match="got 2 of seed, 1 of steps"):
        combinations({"seed": [0, 1], "steps": [3]}, zipped=True)
    for wrong in ([], "01", 3):
        with pytest.raises(ValueError, match="expected a list of values to sweep for seed"):
            combinations({"seed": wrong})
    with pytest.raises(ValueError, match="there is nothing to sweep"):
        combinations({})
    with pytest.raises(ValueError, match="expected settings or a recipe"):
        cell_settings({"recipe": "gatys"}, Settings(), {})
