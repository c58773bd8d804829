"""Arguments of public functions: converted to what they plainly mean, or refused in one line."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.small import CONTENT, SMALL, STYLE

import jaxstyle
from jaxstyle import backbones, citations, metrics, recipes
from jaxstyle.backbones.extractor import features
from jaxstyle.backbones.record import Convolution
from jaxstyle.grid import sweep
from jaxstyle.grid.cells import cell_settings, combinations
from jaxstyle.metrics import find
from jaxstyle.objective.term import Term, term
from jaxstyle.optim import optimizers
from jaxstyle.settings import Settings
from jaxstyle.specs import LayerRef, MetricSpec, as_specs
from jaxstyle.study.study import study
from jaxstyle.transfer.scales import plan
from jaxstyle.weights import registry
from jaxstyle.weights.network_cache import NetworkCache

LONG = "y" * 100_000


class TestMixtures:
    def test_of_a_mapping_have_its_weights(self):
        assert Settings(metric={"gram": 0.25}).metric == (MetricSpec("gram", 0.25),)
        mixture = {"gram~softmax/3@relu1_1": 0.5, find("moments"): 2}
        assert as_specs(mixture) == (
            MetricSpec("gram", 0.5, (LayerRef("relu1_1"),), "softmax", 3.0),
            MetricSpec("moments", 2.0, value=find("moments")),
        )
        for name in ("content_metric", "regularizer"):
            specs = getattr(Settings(**{name: {"total_variation": 0.5}}), name)
            assert [str(spec) for spec in specs] == ["total_variation=0.5"]

    def test_of_a_mapping_can_be_swept_and_lost(self):
        values = {"metric": [{"gram": 0.25}, {"gram": 0.5, "moments": 1}]}
        cells = [cell_settings(cell, None, {}) for cell in combinations(values)]
        assert [cell.metric for cell in cells] == list(map(as_specs, values["metric"]))
        labels = [sweep.label("metric", value) for value in values["metric"]]
        assert labels == ["gram=0.25", "gram=0.5+moments"]
        loss = jaxstyle.StyleLoss.of({"gram@relu1_1": 0.25})
        assert [term.weight for term in loss.terms] == [0.25]

    @pytest.mark.parametrize(
        ("mixture", "message"),
        [
            ({"gram": "much"}, "expected the weight of gram to be a number, got 'much'"),
            ({"gram": True}, "expected the weight of gram to be a number, got True"),
            ({"gram": -1}, "expected the weight of gram to be at least 0"),
            ({"gram=0.5": 2}, "expected the weight of gram once"),
            ({5: 1.0}, r"expected metric such as \(\('gram', 1.0\)"),
            ([("gram@relu1_1", 1.0, ["relu2_1"])], "expected the layers of gram once"),
            (b"gram", "expected metric such as"),
        ],
    )
    def test_of_another_form_are_refused(self, mixture, message):
        with pytest.raises(ValueError, match=message):
            Settings(metric=mixture)


LAYER = (LayerRef("relu1_1"),)


class TestOneLayerAsText:
    """A text is the name of one layer, or of several with commas between; never its letters."""

    def test_of_specifications_and_terms(self):
        assert MetricSpec("gram", layers="relu1_1").layers == LAYER
        assert MetricSpec.of("gram", 1.0, "relu1_1").layers == LAYER
        assert as_specs([("gram", 1.0, "relu1_1")])[0].layers == LAYER
        assert term("gram", layers="relu1_1").layers == LAYER
        assert term("gram", layers=LAYER[0]).layers == LAYER
        assert term("gram", layers="relu1_1, relu2_1").layers == (*LAYER, LayerRef("relu2_1"))
        assert Term(find("gram"), "relu1_1").layers == LAYER
        assert Settings(style_layers="relu1_1, relu2_1").style_layers == ("relu1_1", "relu2_1")

    def test_of_metrics_and_records(self):
        functions = {"summarize": jnp.mean, "distance": lambda x, y: jnp.mean(x) - y}
        assert jaxstyle.Metric("mean", **functions, layers="relu1_1").layers == ("relu1_1",)
        assert Convolution("conv1", 3, 3, 8, layers="relu1").layers == ("relu1",)
        backbone = backbones.find("vgg16")
        backbone.check_layers("relu1_1")
        assert [spec.name for spec in backbone.needed("relu1_1")] == ["conv1_1"]
        assert backbone.min_side("relu3_1") == backbone.min_side(["relu3_1"]) > 1
        params = registry.load("vgg16").tensors
        assert set(features(params, jnp.zeros((8, 8, 3)), "relu1_1")) == {"relu1_1"}

    def test_of_judges_and_losses(self):
        picture = jnp.linspace(0, 1, 16 * 16 * 3).reshape(16, 16, 3)
        judges = [jaxstyle.judge("gram", layers=layers) for layers in ("relu1_1", ["relu1_1"])]
        distances = [judge(picture, 1 - picture) for judge in judges]
        assert distances[0] == distances[1] > 0
        loss = jaxstyle.StyleLoss.of(MetricSpec("gram", layers="relu1_1"))
        assert [str(layer) for layer in loss.terms[0].layers] == ["vgg16:relu1_1"]


def test_a_term_without_layer_weights_shares_equally():
    made = Term(find("gram"), ("relu1_1", "relu2_1"))
    assert made.layer_weights == (0.5, 0.5)
    assert made == term("gram", layers=["relu1_1", "relu2_1"])
    assert jax.tree.map(lambda leaf: leaf, made) == made


class TestFlags:
    @pytest.mark.parametrize("value", ["no", "false", "", "True", None, 2, 1.5, np.array([True])])
    @pytest.mark.parametrize("name", ["calibrate", "enlarge", "details"])
    def test_as_texts_are_refused(self, name, value):
        with pytest.raises(ValueError, match=f"expected {name} to be True or False"):
            Settings(**{name: value})

    @pytest.mark.parametrize("value", [False, np.False_, np.array(False), jnp.array(False), 0])
    def test_of_every_library_are_accepted(self, value):
        assert Settings(calibrate=value).calibrate is False


def test_more_scales_than_there_are_are_left_out():
    assert plan(256, 5000, 30) == plan(256, 2**31 - 1, 30) == plan(256, 5, 30)
    assert plan(40, 5000, 30, 2) == plan(40, 1, 30, 2)
    assert len(plan(256, None, 30, 1 + 1e-12)) <= 256
    with pytest.raises(ValueError, match="have only 3 of at least 64"):
        plan(256, None, 30, 2, scale_steps=(1,) * 5000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed=0..999999999", "expected at most 10000 values"),
        (f"seed=0..1{'0' * 5000}", "expected at most 10000 values"),
        ("style_weight=linspace(0,1,inf)", "expected linspace"),
        ("style_weight=linspace(0,1,nan)", "expected linspace"),
        ("style_weight=linspace(0,inf,3)", "all values finite"),
        ("style_weight=logspace(-1,4000,3)", "all values finite"),
        ("seed=²", "expected a whole number, got '²'"),
    ],
)
def test_sweeps_as_text_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        sweep.parse(text)


def test_whole_numbers_of_a_spacing_stay_whole():
    assert sweep.parse("seed=linspace(0,2000000,3)") == ("seed", [0, 1_000_000, 2_000_000])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (5, "expected sweep as a mapping"),
        ("seed", "expected sweep as a mapping"),
        ({5: [1]}, "expected a name in the sweep as text, got int"),
        ({"seed": "123"}, "expected a list of values to sweep for seed, got '123'"),
        ({"seed": b"123"}, "expected a list of values to sweep for seed"),
        ({"seed": {1: 2}}, "expected a list of values to sweep for seed"),
        ({"seed": {1, 2}}, "expected a list of values to sweep for seed"),
        ({"seed": np.array(3)}, "expected a list of values to sweep for seed"),
        ({"seed": None}, "expected a list of values to sweep for seed"),
    ],
)
def test_sweeps_of_another_form_are_refused(values, message):
    with pytest.raises((ValueError, TypeError), match=message):
        combinations(values)


def test_arrays_are_swept_row_by_row():
    cells = combinations({"style_scale": np.array([[1.0, 2.0], [0.5, 1.0]])})
    scales = [cell_settings(cell, None, {}).style_scale for cell in cells]
    assert scales == [(1.0, 2.0), (0.5, 1.0)]


@pytest.fixture
def unloaded(monkeypatch):
    """Fail if weights are loaded: arguments are checked before."""

    def load(name, *, offline=False):
        raise AssertionError(f"{name} was loaded")

    monkeypatch.setattr(registry, "load", load)


RUN = [
    ({"settings": "x"}, "expected settings of type Settings or None, got 'x'"),
    ({"settings": {}}, "expected settings of type Settings or None, got {}"),
    ({"offline": "no"}, "expected offline to be True or False, got 'no'"),
    ({"offline": None}, "expected offline to be True or False, got None"),
    ({"steps": True}, "expected steps to be a whole number, got True"),
    ({"size": 10**9}, "expected size from 1 to 65536, got 1000000000"),
    ({"positions": 2**70}, "expected positions to be at most 2147483647"),
    ({"seed": 2**70}, "expected seed from 0 to 2147483647"),
    ({"optimizer": {}}, "expected optimizer to be one of lbfgs"),
    ({"init": {}}, "expected init as a path, bytes"),
    ({"memory": "²"}, "expected memory to be auto, whole, recompute or the side"),
]
CHECKPOINTED = [
    ({"resume": "no"}, "expected resume to be True or False, got 'no'"),
    ({"resume": True}, "expected a checkpoint to resume from"),
    ({"checkpoint": 5}, "expected checkpoint as a path, got 5"),
    ({"checkpoint": b"x"}, "expected checkpoint as a path, got b'x'"),
    ({"checkpoint": ""}, "expected a name for checkpoint, got nothing"),
    *(
        ({"checkpoint": "a.png", "checkpoint_seconds": seconds}, "expected checkpoint_seconds to")
        for seconds in ("a", math.nan, -1, None)
    ),
]
CALLED = [
    ({"on_progress": 5}, "expected on_progress to be a function, got 5"),
    ({"report": "log"}, "expected report to be a function, got 'log'"),
]
GRID = [
    ({"sweep": None}, "expected sweep as a mapping"),
    ({"zipped": "no"}, "expected zipped to be True or False, got 'no'"),
    ({"resume": "no"}, "expected resume to be True or False, got 'no'"),
    ({"resume": True}, "expected a folder to resume"),
    ({"folder": 5}, "expected folder as a path, got 5"),
    ({"command": 5}, "expected command of type str or None, got 5"),
    *(
        ({"lanes": lanes}, "expected lanes to be")
        for lanes in (0, -1, 2.5, "2", True, math.nan, 2**70)
    ),
    ({"devices": []}, "expected at least one device"),
    ({"devices": ["cpu"]}, "expected devices as a list of jax.Device"),
    ({"devices": "cpu"}, "expected devices as a list of jax.Device"),
]


class TestRuns:
    """Arguments of the functions that run something are checked before anything is loaded."""

    @staticmethod
    def refused(function, message, *arguments, **options):
        with pytest.raises((ValueError, TypeError), match=re.escape(message)) as raised:
            function(*arguments, **SMALL | options)
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize(("options", "message"), [*RUN, *CHECKPOINTED, *CALLED])
    def test_stylize(self, unloaded, options, message):
        self.refused(jaxstyle.stylize, message, CONTENT, STYLE, **options)

    @pytest.mark.parametrize(("options", "message"), [*RUN, *CHECKPOINTED])
    def test_iterate(self, unloaded, options, message):
        self.refused(jaxstyle.iterate, message, CONTENT, STYLE, **options)

    @pytest.mark.parametrize(("options", "message"), RUN)
    def test_plan(self, unloaded, options, message):
        self.refused(jaxstyle.plan, message, CONTENT, STYLE, **options)

    @pytest.mark.parametrize(("options", "message"), [*RUN, *CALLED, *GRID])
    def test_stylize_grid(self, unloaded, options, message):
        options = {"sweep": {"style_weight": [1, 2]}} | options
        self.refused(jaxstyle.stylize_grid, message, CONTENT, STYLE, **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            *RUN,
            CALLED[0],
            ({"folder": 5}, "expected folder as a path"),
            ({"format": "gif"}, "expected format as png, jpg, jpeg, webp, tif, tiff, got 'gif'"),
            ({"format": None}, "expected format as text"),
            ({"pairwise": "no"}, "expected pairwise to be True or False"),
            ({"recursive": "no"}, "expected recursive to be True or False"),
            ({"skip_existing": "no"}, "expected skip_existing to be True or False"),
            ({"lanes": 0}, "expected lanes to be at least 1"),
            ({"quality": 0}, "expected quality from 1 to 100"),
            ({"steps": -1}, "expected steps to be at least 0"),
        ],
    )
    def test_stylize_batch(self, unloaded, options, message):
        options = {"folder": "out"} | options
        self.refused(jaxstyle.stylize_batch, message, CONTENT, STYLE, **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"folder": 5}, "expected folder as a path"),
            ({"size": "64"}, "expected size to be a whole number"),
            ({"size": 0}, "expected size from 1 to 65536"),
            ({"objectives": 5}, "expected metric such as"),
            ({"objectives": "gran"}, "did you mean 'gram'"),
            ({"strengths": "1"}, "expected strengths as a list of numbers"),
            ({"strengths": (True,)}, "expected every one of strengths to be a number"),
            ({"training": 0}, "expected training as a list of numbers"),
            ({"training": (0.5,)}, "expected every one of training to be a whole number"),
            ({"part": 1}, "expected part as a list of numbers"),
            ({"part": (0, 1, 2)}, "expected a part (k, n)"),
            ({"lanes": 0}, "expected lanes to be at least 1"),
            ({"pictures_shown": "no"}, "expected pictures_shown to be True or False"),
            ({"offline": "no"}, "expected offline to be True or False"),
            ({"title": 5}, "expected title of type str"),
            ({"on_progress": 5}, "expected on_progress to be a function"),
        ],
    )
    def test_study(self, unloaded, tmp_path, options, message):
        given = {"contents": ["a"], "styles": ["b"], "objectives": ["gram"], "size": 64}
        with pytest.raises((ValueError, TypeError), match=re.escape(message)):
            study(**{**given, "folder": tmp_path, **options})

    def test_save(self):
        result = jaxstyle.Result(CONTENT, {"total": []}, None, {})
        for path in (5, None, b"out.png", ["out.png"]):
            with pytest.raises(TypeError, match="expected path as a path, got"):
                result.save(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find([]), "expected a metric as text, got list"),
        (lambda: find("gram", "styl"), "expected kind to be one of style, content, image"),
        (lambda: find(LONG), "no metric is named"),
        (lambda: backbones.find([]), "expected the architecture as text, got list"),
        (lambda: optimizers.find(5), "expected an optax transformation or an optimizer's name"),
        (lambda: recipes.find([]), "expected recipe as text, got list"),
        (lambda: recipes.settings(recipe=5), "expected recipe as text, got int"),
        (lambda: recipes.settings(recipe=""), "expected a name for recipe, got nothing"),
        (lambda: recipes.find("gatys").method(5), "expected variant as text, got int"),
        (lambda: citations.bibtex([]), "no paper is labelled []"),
        (lambda: citations.labels(5), "expected papers as text, got 5"),
        (lambda: citations.summary("x"), "expected author in a BibTeX entry, got 'x'"),
        (lambda: registry.load([]), "expected weights as text, got list"),
        (lambda: registry.load("vgg16", offline="no"), "expected offline to be True or False"),
        (lambda: registry.path([]), "expected weights as text, got list"),
        (lambda: registry.fetch(5), "expected weights as text, got int"),
        (lambda: registry.load(LONG), "unknown weights 'yyy"),
        (lambda: registry.import_file(5, "a.npz"), "expected name as text, got int"),
        (lambda: registry.import_file("mine", 5), "expected file as a path, got 5"),
        (lambda: registry.import_file("mine", "a", []), "expected preprocess to be one of"),
        (lambda: NetworkCache().name_of(5), "expected weights or their name, got 5"),
        (lambda: LayerRef(5), "expected a layer as text, got int"),
        (lambda: LayerRef("relu1_1", pooling="mx"), "expected pooling to be one of"),
        (lambda: LayerRef("relu1_1", octave=True), "expected the octave of relu1_1 to be a whole"),
        (lambda: LayerRef.parse(5), "expected a layer as text, got int"),
        (lambda: LayerRef.parse("relu1_1^20"), "expected the octave of relu1_1 from 0 to"),
        (lambda: LayerRef.parse("relu1_1^²"), "expected a layer such as relu3_1^2"),
        (lambda: LayerRef.parse(f"relu1_1^1{'0' * 5000}"), "expected a layer such as relu3_1^2"),
        (lambda: MetricSpec(5), "expected a metric as text, got int"),
        (lambda: MetricSpec.parse(""), "expected a name for a metric, got nothing"),
        (lambda: MetricSpec.parse(5), "expected a metric as text, got int"),
        (lambda: MetricSpec("gram", "x"), "expected the weight of gram to be a number, got 'x'"),
        (lambda: MetricSpec("gram", math.nan), "expected the weight of gram to be at least 0"),
        (lambda: MetricSpec("gram", layers=5), "expected layers as names, got 5"),
        (lambda: MetricSpec("gram", temperature=0), "expected the temperature of gram above 0"),
        (lambda: MetricSpec("gram", window=(5, 5)), "expected steps such as (0, 50)"),
        (lambda: MetricSpec("gram", window="0-50"), "expected steps such as (0, 50)"),
        (lambda: MetricSpec.parse(f"gram#0-1{'0' * 5000}"), "expected steps such as #0-50"),
        (lambda: term(5), "expected metric of type Metric, got 5"),
        (lambda: term("gram", "x"), "expected weight to be a number, got 'x'"),
        (lambda: term("gram", -1.0), "expected weight to be at least 0"),
        (lambda: term("gram", layer_weights="12345"), "expected layer_weights as numbers"),
        (lambda: term("gram", layer_weights=[math.nan] * 5), "expected every layer weight to be"),
        (lambda: term("gram", temperature=0), "expected temperature above 0"),
        (lambda: term("gram", kind="styl"), "expected kind to be one of"),
        (lambda: Term("gram", LAYER), "expected metric of type Metric, got 'gram'"),
        (lambda: jaxstyle.Metric(5, len, len), "expected the name of a metric as text, got int"),
        (lambda: jaxstyle.Metric("m", 5, len), "expected summarize to be a function, got 5"),
        (lambda: jaxstyle.Metric("m", len, len, "styl"), "expected kind to be one of style"),
        (lambda: jaxstyle.Metric("m", len, len, expects=5), "expected expects to be one of"),
        (lambda: jaxstyle.StyleLoss.of(()), "expected at least one metric, got none"),
        (lambda: jaxstyle.StyleLoss.of(5), "expected metric such as"),
        (lambda: jaxstyle.StyleLoss.of("gram", pooling="mx"), "expected pooling to be one of"),
        (lambda: jaxstyle.StyleLoss.of("gram", padding=5), "expected padding to be one of"),
        (lambda: jaxstyle.StyleLoss.of("gram", backbone=5), "expected weights or their name"),
        (lambda: jaxstyle.StyleLoss.of("gram", offline="no"), "expected offline to be True or"),
    ],
)
def test_functions_refuse(call, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


class TestLosses:
    IMAGES = jnp.stack([CONTENT, CONTENT])

    @pytest.fixture(scope="class")
    @classmethod
    def loss(cls):
        return jaxstyle.StyleLoss.of("gram@relu1_1", content_metric="mse@relu1_1")

    @pytest.fixture(scope="class")
    @classmethod
    def targets(cls, loss):
        return loss.init(loss.params, STYLE)

    @pytest.mark.parametrize(
        ("images", "contents", "message"),
        [
            (np.zeros((1, 8, 8, 3), np.uint8), None, "expected images as an array of floats"),
            ([[0.5]], None, "expected images as an array of floats"),
            (jnp.zeros((3, 8, 8)), None, "expected images of shape (…, height, width, 3)"),
            (IMAGES, None, "expected contents"),
            (IMAGES, IMAGES[:1], "expected contents with leading axes (2,) like images, got (1,)"),
            (IMAGES, 5, "expected contents as an array of floats"),
        ],
    )
    def test_of_what_are_no_pictures(self, loss, targets, images, contents, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            loss(loss.params, targets, images, contents)

    def test_of_other_arguments(self, loss, targets):
        with pytest.raises(TypeError, match="expected targets of type StyleTargets, got None"):
            loss(loss.params, None, self.IMAGES, self.IMAGES)
        with pytest.raises(TypeError, match="expected params of type Mapping, got None"):
            loss(None, targets, self.IMAGES, self.IMAGES)
        with pytest.raises(TypeError, match="expected params of type Mapping, got None"):
            loss.init(None, STYLE)
        for seed in ("x", -1, 2**70, True):
            with pytest.raises(ValueError, match="expected seed to be"):
                loss.init(loss.params, STYLE, seed=seed)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            ("mine", "vgg16", "", {}),
            "expected conv1_1.kernel of shape (3, 3, 3, 64) in the weights",
        ),
        (("mine", "vgg16", "", None), "expected the tensors of weights of type Mapping, got None"),
        ((5, "vgg16", "", {}), "expected the name of weights as text, got int"),
        (("mine", 5, "", {}), "mine is no network that features could be taken from"),
        (
            ("mine", "vgg16", "", {"conv1_1": {"kernel": np.zeros(3)}}),
            "expected conv1_1.kernel of shape (3, 3, 3, 64) in the weights mine, got (3,)",
        ),
    ],
)
def test_weights_of_ones_own_are_checked(weights, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        jaxstyle.StyleLoss.of("gram@relu1_1", backbone=jaxstyle.Weights(*weights))


def test_optimizers_that_are_objects_are_accepted():
    for optimizer in (optax.adam(0.1), optimizers.find("adam")):
        assert Settings(optimizer=optimizer).optimizer is optimizer
    assert metrics.find("gram") is find("gram")
