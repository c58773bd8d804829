"""Controls, sliders, planes and words: what the page shows of settings, and the way back."""

import math
import re
import shlex
from dataclasses import fields, replace

import numpy as np
import pytest

from jaxstyle import recipes
from jaxstyle.app import axes, controls, mixtures, simple, space, words
from jaxstyle.app.plain_words import in_words
from jaxstyle.app.queue import View
from jaxstyle.app.simple import Sliders
from jaxstyle.backbones import find
from jaxstyle.cli.stylize import stylize
from jaxstyle.metrics import KINDS, METRICS
from jaxstyle.metrics.metric import STYLE_LAYERS
from jaxstyle.plain import to_plain
from jaxstyle.settings import RUN, Settings
from jaxstyle.specs import MetricSpec, as_specs

NAMED = {control.name: control for control in controls.controls()}


def test_every_setting_has_a_control_in_the_group_of_the_help():
    without = {"content_mask", "style_mask", "regions"}
    without |= {"content_weight_map", "style_weight_map", "color_from", "keep", "extend"}
    metadata = {setting.name: setting.metadata for setting in fields(Settings)}
    assert metadata.keys() - NAMED.keys() == without
    for name, control in NAMED.items():
        assert control.group == metadata[name]["group"]
        assert "--" not in control.meaning
    assert [*controls.groups()][-1] == RUN
    options = [option.group for option in stylize.params if hasattr(option, "group")]
    in_help = [group for group in dict.fromkeys(options) if group in controls.groups()]
    assert [*controls.groups()] == in_help


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(size="640x480", scale_steps=(5, 3), style_shares=(2, 1), memory="512"),
        Settings(metric="gram~softmax/3@relu1_1,relu2_1=0.5+histogram", regularizer=()),
        Settings(parameter={"contextual.bandwidth": 0.25}, rate_decay=(0.5, 100)),
        Settings(style_layers=("relu1_1", "alexnet:relu2"), final_rate=0.5, background="white"),
        Settings(calibration={"gram": [2.5, 1.5], "mse": [[1.0], [0.5]]}, metric="gram"),
        Settings(metric="gram@alexnet/max/zeros:relu1#0-50=2+mmd@relu1_1,alexnet:relu2^1"),
        *(recipes.settings(recipe=name) for name in ("strotss", "gatys", "mmd/gaussian")),
    ],
)
def test_controls_give_back_the_settings(settings):
    shown = controls.shown_for(settings)
    assert controls.settings_from(shown) == settings


@pytest.mark.parametrize(
    ("name", "shown", "message"),
    [
        ("steps", None, "Steps: expected a number, got nothing"),
        ("steps", 1.5, "Steps: expected a whole number, got 1.5"),
        (
            "metric",
            {"rows": [{"metric": "gram", "weight": "x"}]},
            "Metric: expected a number as the weight of gram, got 'x'",
        ),
        ("metric", {"rows": [{"metric": "gramm"}]}, "no style metric is named 'gramm'"),
        ("metric", {"text": "gram=x", "source": "text"}, "Metric: expected NAME"),
        ("content_metric", {"rows": [{"metric": "gram"}]}, "gram is of kind style"),
        ("calibration", "/etc/passwd", "Calibration: expected JSON such as"),
        ("calibration", '["gram"]', "Calibration: expected JSON such as"),
        ("style_scale", "a", "Style scale: expected numbers with commas between"),
        ("backbone", "/etc/passwd", "Backbone: expected one of"),
        ("init", "../x.png", "Init: expected one of content, noise"),
        ("recipe", "../gatys", "Recipe: expected one of"),
    ],
)
def test_what_cannot_be_used_is_said_with_the_settings_name(name, shown, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        controls.settings_from({**controls.shown_for(Settings()), name: shown})


def test_empty_controls():
    shown = controls.shown_for(Settings())
    empty = {"size": "", "scales": None, "final_rate": None, "style_backbone": "", "recipe": ""}
    assert controls.settings_from({**shown, **empty}) == Settings()
    rows = [{"metric": "gram", "weight": ""}, {"metric": "", "weight": 3}, {"metric": None}]
    metric = controls.settings_from({**shown, "metric": {"rows": rows}}).metric
    assert metric == (MetricSpec("gram"),)


def test_rows_and_text_of_a_mixture_say_the_same():
    text = "gram~softmax/3@alexnet:relu1,alexnet:relu2#0-50=0.5+histogram"
    specs = as_specs(text)
    shown = mixtures.shown_for(specs)
    assert shown["text"] == text
    assert shown["rows"][0] == {
        **{"metric": "gram", "weight": 0.5, "layers": "relu1, relu2", "network": "alexnet"},
        **{"smoothing": "softmax", "temperature": 3.0, "steps": "0-50"},
    }
    assert mixtures.specs_from({"rows": shown["rows"], "text": ""}, "style") == specs
    assert mixtures.specs_from({"rows": [], "text": text, "source": "text"}, "style") == specs
    # What was changed last counts, and the other form follows.
    changed = {**shown, "rows": shown["rows"][1:], "source": "rows"}
    assert mixtures.shown_for(mixtures.specs_from(changed, "style"))["text"] == "histogram"


def test_a_network_without_layers_takes_the_usual_ones_by_its_names():
    row = {"metric": "gram", "weight": 1, "layers": "", "network": "resnet18"}
    (spec,) = mixtures.specs_from({"rows": [row]}, "style")
    layers = {str(ref) for ref in spec.layers}
    assert layers == {f"resnet18:{find('resnet18').counterpart(n)}" for n in STYLE_LAYERS}
    (fixed,) = mixtures.specs_from({"rows": [{**row, "metric": "palette"}]}, "style")
    assert fixed.layers == ()


def test_a_metric_can_be_chosen_by_every_name_that_is_registered():
    for kind in KINDS:
        offered = mixtures.catalog(kind)
        assert [*offered["metrics"]] == [*METRICS[kind]]
        assert all(metric["meaning"] for metric in offered["metrics"].values())
        assert "relu3_1" in offered["networks"]["vgg16"]


def test_labels_belong_to_a_map():
    shown = controls.shown_for(Settings(), ("1", "#ff0000"))
    assert controls.labels_from(shown) == ("1", "#ff0000")
    assert controls.settings_from(shown) == Settings()
    with pytest.raises(ValueError, match="region_labels as numbers or colors"):
        controls.labels_from({**shown, "region_labels": "red"})
    named = words.with_files(Settings(), {"regions": ("0-map.png",)}, ("1", "#ff0000"))
    assert "--region-labels '1,#ff0000'" in words.command("0-a.png", ["1-b.png"], named)
    with pytest.raises(ValueError, match="region_labels with regions"):
        words.with_files(Settings(), {}, ("1",))


def test_constants_of_a_manifest_can_be_pasted():
    shown = controls.shown_for(Settings())
    assert shown["calibration"] is None
    text = '{"settings": {}, "calibration": {"gram": [2.5]}}'
    assert controls.settings_from({**shown, "calibration": text}).calibration == {"gram": [2.5]}


@pytest.mark.parametrize("place", [0, 10, 37, 50, 80, 100])
@pytest.mark.parametrize("name", Sliders._fields)
def test_sliders_give_back_their_places(name, place):
    sliders = Sliders()._replace(**{name: float(place)})
    again = simple.sliders_of(simple.settings_of(sliders))
    if name == "colors" and place >= 95:
        assert again.colors == 100
    else:
        assert again == sliders


def test_sliders_mean_what_they_say():
    low, high = (simple.settings_of(Sliders(*[place] * 4)) for place in (0, 100))
    assert low.content_weight > Settings().content_weight > high.content_weight
    assert (low.style_scale, high.style_scale) == ((0.25,), (4.0,))
    assert (low.color, high.color) == ("style", "chroma")
    assert low.smoothness < Settings().smoothness < high.smoothness
    between = simple.settings_of(Sliders(colors=50))
    assert between.color == "style"
    palette = [spec.weight for spec in between.content_metric if spec.name == "palette"]
    assert palette == [pytest.approx(3.22, rel=0.01)]
    other = simple.settings_of(Sliders(), Settings(steps=7, metric="gram"))
    assert (other.steps, other.metric) == (7, (MetricSpec("gram"),))


def test_a_slider_that_does_not_move_leaves_its_setting():
    odd = Settings(content_weight=0.1875, style_scale=(0.5, 1.0), color="histogram")
    places = simple.sliders_of(odd)
    assert simple.settings_of(places, odd) == odd
    assert simple.settings_of(places._replace(smoothness=0.0), odd) == replace(
        odd, smoothness=0.003
    )


def test_characters_replace_each_other():
    start = Settings(size=100, steps=9)
    faithful = simple.character("faithful", start)
    assert (faithful.content_weight, faithful.size, faithful.steps) == (1.2, 100, 9)
    tinted = simple.character("tinted", faithful)
    assert (tinted.color, tinted.content_weight) == ("chroma", Settings().content_weight)
    assert simple.character("", tinted) == start


@pytest.mark.parametrize("name", axes.numeric())
@pytest.mark.parametrize("count", axes.COUNTS)
def test_values_around_are_settings(name, count):
    values = axes.values_around(name, Settings(), count)
    assert len(values) == len({*values}) == count or name == "average"
    for value in values:
        Settings(**{name: value})
    assert axes.sweep_of([(name, axes.as_text(name, values))])[name] == [
        *((v,) if name in ("style_scale", "style_rotation") else v for v in values)
    ]


@pytest.mark.parametrize("name", axes.named())
def test_names_that_are_offered_are_settings(name):
    offered = axes.offer(name, Settings(), 5)
    assert 2 <= len(offered) <= 5
    assert axes.sweep_of([(name, offered)]) == {name: offered}
    for value in axes.named()[name]:
        Settings(**{name: value})
    now = getattr(Settings(), name)
    if isinstance(now, str):
        assert offered[0] == now


def test_axes_of_their_own_names():
    """What is not offered can be typed: shares of a mixture, and settings without a number."""
    assert axes.offer("metric.gram", Settings(), 3) == ""
    shares = axes.sweep_of([("metric.gram", "0.5, 1"), ("learning_rate", "0.1,0.2")])
    assert shares == {"metric.gram": [0.5, 1.0], "learning_rate": [0.1, 0.2]}
    assert axes.sweep_of([("metric", ["gram@relu1_1,relu2_1", "gatys"])])["metric"][1] == "gatys"
    assert axes.sweep_of([("details", "on,off"), ("", "")]) == {"details": [True, False]}


def test_neighbors_are_nearer():
    wide, near = (axes.values_around("content_weight", Settings(), 3, r) for r in (1, 0.4))
    assert wide[0] < near[0] < Settings().content_weight < near[2] < wide[2]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ([("", ""), ("", "")], "expected 2 to 25 cells, got 0"),
        ([("seed", "0..30")], "got 31"),
        ([("seed", "1")], "got 1"),
        ([("seed", "0..3"), ("seed", "0..3")], "varied twice"),
        ([("content", "/etc/passwd,b.png")], "cannot vary content"),
        ([("color_from", "/etc/passwd,b.png")], "cannot vary color from"),
        ([("init", ["/etc/passwd", "noise"])], "got a path"),
        ([("content_mask", "/etc/passwd,x")], "content_mask cannot be swept"),
        ([("calibration", "/etc/passwd,x")], "calibration cannot be swept"),
        ([("style_weight", "")], "expected values of style weight, got none"),
        ([("recipe", [])], "expected values of recipe, got none"),
        ([("style_weight", "one, two")], "expected a number"),
        ([("recipe", ["gatis", "strotss"])], "did you mean 'gatys'"),
        ([("metric", ["gramm", "mmd"])], "did you mean 'gram'"),
        ([("color", ["styles", "oklab"])], "did you mean 'style'"),
        ([("flavor", "1,2")], "cannot vary flavor"),
    ],
)
def test_grids_that_are_refused(chosen, message):
    with pytest.raises(ValueError, match=message):
        axes.sweep_of(chosen)


def plane():
    corners = {
        number: np.full((2, 3, 3), value, np.float32)
        for number, value in enumerate(
            # rows of content_weight 4, 1; columns of smoothness 0.1, 0.4
            (0.0, 0.2, 0.6, 1.0)
        )
    }
    return space.Plane.of({"content_weight": [4.0, 1.0], "smoothness": [0.1, 0.4]}, corners)


def test_a_plane_is_bilinear_and_ascends():
    flat = plane()
    assert (flat.rows, flat.columns) == ((1.0, 4.0), (0.1, 0.4))
    for across, down, expected in (
        *((0, 0, 0.6), (1, 0, 1.0), (0, 1, 0.0), (1, 1, 0.2)),
        *((0.5, 0, 0.8), (0, 0.25, 0.45), (0.5, 0.5, 0.45), (7, -3, 1.0)),
    ):
        np.testing.assert_allclose(flat.at(across, down), expected, atol=1e-6)
    values = flat.values(0.5, 0.5)
    assert values == pytest.approx({"content_weight": 2.0, "smoothness": 0.2})


def test_a_plane_of_three_by_four_agrees_with_scipy():
    from scipy.interpolate import RegularGridInterpolator

    random = np.random.default_rng(3)
    cells = random.random((3, 4, 5, 6, 3)).astype(np.float32)
    axes = {"content_weight": [1.0, 2.0, 5.0], "seed": [0, 1, 2, 3]}
    flat = space.Plane.of(axes, dict(enumerate(cells.reshape(12, 5, 6, 3))))
    reference = RegularGridInterpolator((np.linspace(0, 1, 3), np.linspace(0, 1, 4)), cells)
    for down, across in random.random((20, 2)):
        np.testing.assert_allclose(flat.at(across, down), reference([[down, across]])[0], atol=1e-6)


def test_what_is_no_plane():
    picture = np.zeros((2, 2, 3), np.float32)
    four = dict.fromkeys(range(4), picture)
    assert space.Plane.of({"seed": [0, 1, 2, 3]}, four) is None
    assert space.Plane.of({"metric": ["gram", "mmd"], "seed": [0, 1]}, four) is None
    assert space.Plane.of({"seed": [0, 1], "smoothness": [0.1, 1]}, {0: picture}) is None
    odd = {**four, 3: np.zeros((3, 2, 3), np.float32)}
    assert space.Plane.of({"seed": [0, 1], "smoothness": [0.1, 1]}, odd) is None


def test_the_command_line_says_the_same_settings():
    settings = Settings(steps=5, metric="gram=0.5+histogram", color="chroma", size=96)
    chosen = words.with_files(settings, {"content_mask": ("0-m.png", "1-m.png")})
    line = words.command("0-a b.png", ["1-c.png"], chosen)
    given = shlex.split(line)
    assert given[:5] == ["jaxstyle", "stylize", "inputs/0-a b.png", "inputs/1-c.png", "-o"]
    context = stylize.make_context("stylize", given[2:])
    assert context.params["steps"] == 5
    assert context.params["metric"] == settings.metric
    assert context.params["content_mask"] == ("inputs/0-m.png", "inputs/1-m.png")


def test_the_python_says_the_same_settings():
    settings = Settings(steps=5, metric="gram=0.5+histogram@relu1_1", style_scale=(0.5, 1.0))
    text = words.python("0-a.png", ["1-b.png", "2-c.png"], settings)
    calls = []
    module = type("jaxstyle", (), {"stylize": lambda *a, **k: calls.append((a, k)) or module})
    module.save = lambda path: None
    exec(text.replace("import jaxstyle", ""), {"jaxstyle": module})
    ((inputs, changes),) = calls
    assert inputs == ("inputs/0-a.png", ["inputs/1-b.png", "inputs/2-c.png"])
    assert Settings(**changes) == settings


def test_status_in_words():
    from jaxstyle.app.orders import Order

    order = Order("a-b", "a", ("b",), {})
    view = View(3, 10, 64, 1.0, 2.0, 120.0)
    running = Order("a-b", "a", ("b",), {}, state="running")
    failed = Order("a-b", "a", ("b",), {}, state="failed", message="no room")
    assert words.status(order, None, 2) == "Waiting for its turn, 2 before it"
    assert words.status(running, None, 0) == "Reading pictures and networks"
    assert words.status(running, replace(view, step=0), 0).startswith("Compiling its programs")
    assert words.status(running, view, 0) == "Running: 3 of 10 steps, 64 pixels"
    assert words.status(failed, view, 0) == "Failed: no room"
    assert in_words(ValueError("that\ndoes not fit; --size 64 should")) == (
        "that does not fit; size 64 should"
    )


def test_the_settings_of_a_picture_fold_the_defaults_away():
    plain = to_plain(Settings(steps=7, metric="gram=0.5"))
    changed, defaults = words.settings_table({"settings": plain}).split("<details>")
    assert "<th scope=row>steps</th><td>7</td>" in changed
    assert "<td>gram=0.5</td>" in changed
    assert "content weight" not in changed
    assert "<th scope=row>content weight</th><td>0.3</td>" in defaults
    assert "<th scope=row>steps</th>" not in defaults


def test_curves_are_ratios_to_the_first_value():
    svg = words.curves({"total": [10.0, 5.0, 1.0], "<b>": [2.0, 4.0, math.inf], "zero": [0, 0]})
    lines = re.findall(r'polyline points="([^"]+)"', svg)
    assert [len(line.split()) for line in lines] == [3, 2]
    heights = [float(point.split(",")[1]) for point in lines[0].split()]
    assert heights == sorted(heights)
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg
    assert "No steps" in words.curves({"total": []})
