"""Settings: kinds of values, equivalent values, and what manifests hold."""

import json
import typing
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import optax
import pytest
from PIL import Image
from support.toy import WEIGHTS

from jaxstyle import kinds
from jaxstyle.kinds import (
    Constants,
    Files,
    Flag,
    Kind,
    Layout,
    Mixture,
    Number,
    Parameters,
    Several,
)
from jaxstyle.metrics import find
from jaxstyle.objective.term import term
from jaxstyle.optim import optimizers
from jaxstyle.plain import differences, from_plain, obstacles, to_plain
from jaxstyle.settings import Settings, kind_of
from jaxstyle.specs import LayerRef, MetricSpec, as_specs
from jaxstyle.transfer.changes import Changes

GRAM, ADAMW, NOISE = find("gram"), optax.adamw(0.1), np.zeros((8, 8, 3))
INTEGER, REAL, WEIGHT = Number(type=int, low=1), Number(low=1, above=True, high=16), Number(low=0)
WORD, NETWORK = Kind(choices=("max", "average")), Kind(accepts=lambda v: hasattr(v, "tensors"))
NUMBERS = Several(item=Number(), least=1)


class TestKinds:
    @pytest.mark.parametrize(
        ("kind", "word", "value"),
        [
            (Kind(), "vgg16", "vgg16"),
            (INTEGER, "12", 12),
            (REAL, "1e1", 10.0),
            (Flag(), "Off", False),
            (Flag(), "yes", True),
            (Several(), "relu1_1, relu2_1,", ("relu1_1", "relu2_1")),
            (NUMBERS, "0.5, 2", (0.5, 2.0)),
            (Files(), "a,b.png", "a,b.png"),
            (Mixture(), "gram@relu1_1=2", MetricSpec("gram", 2.0, (LayerRef("relu1_1"),))),
            (Parameters(), "mmd.width=2", ("mmd.width", 2.0)),
            (Layout(), "96", "96"),
        ],
    )
    def test_words_are_parsed(self, kind, word, value):
        assert kind.parse(word) == value

    @pytest.mark.parametrize(
        ("kind", "word", "message"),
        [
            (INTEGER, "1.5", "expected a whole number, got '1.5'"),
            (REAL, "much", "expected a number, got 'much'"),
            (Flag(), "perhaps", "expected on or off, got 'perhaps'"),
            (NUMBERS, "1,,2", "expected numbers with commas between, got '1,,2'"),
            (Several(item=INTEGER), "1,b", "expected whole numbers with commas between"),
            (Mixture(), "gram=much", r"expected NAME\[~SMOOTHING\]\[@LAYER,…\]\[#BEGIN-END\]"),
            *((Mixture(), f"gram#{part}", "such as #0-50") for part in ("5", "5-5", "a-b", "-3")),
            (Parameters(), "mmd.width", "expected METRIC.PARAMETER=VALUE, got 'mmd.width'"),
        ],
    )
    def test_words_of_another_form_raise(self, kind, word, message):
        with pytest.raises(ValueError, match=message):
            kind.parse(word)

    @pytest.mark.parametrize(
        ("kind", "value", "checked"),
        [
            (Kind(), Path("a.png"), "a.png"),
            (WORD, "max", "max"),
            (NETWORK, WEIGHTS, WEIGHTS),
            (INTEGER, np.int64(3), 3),
            (WEIGHT, np.float32(0), 0.0),
            (Several(), "relu1_1,relu2_1", ("relu1_1", "relu2_1")),
            (Several(), ["relu1_1"], ("relu1_1",)),
            (NUMBERS, 2, (2.0,)),
            (NUMBERS, np.array([0, 90]), (0.0, 90.0)),
            (Files(), Path("a.png"), ("a.png",)),
            (Files(), [NOISE, "a.png"], (NOISE, "a.png")),
            (Mixture(), "gram+moments=2", (MetricSpec("gram"), MetricSpec("moments", 2.0))),
            (Mixture(), GRAM, (MetricSpec("gram", value=GRAM),)),
            (Parameters(), {"mmd.width": 2}, (("mmd.width", 2.0),)),
            (Constants(), Path("run.json"), "run.json"),
            (Constants(), {"gram": [1.0]}, {"gram": [1.0]}),
            (Layout(), 768, "768"),
        ],
    )
    def test_values_get_one_form(self, kind, value, checked):
        result = kind.check("it", value)
        assert result is checked or repr(result) == repr(checked)

    @pytest.mark.parametrize(
        ("kind", "value", "message"),
        [
            (Kind(), 5, "expected it as text, got int"),
            (Kind(), "", "expected a name for it, got nothing"),
            (WORD, "avrage", "expected it to be one of max, average, got 'avrage'; did you mean"),
            (WORD, 5, "expected it to be one of max, average, got 5"),
            (NETWORK, 5, "expected it as text, got int"),
            (INTEGER, 1.5, "expected it to be a whole number, got 1.5"),
            (INTEGER, "64", "expected it to be a whole number, got '64'"),
            (INTEGER, 0, "expected it to be at least 1 and finite, got 0"),
            (REAL, 1, "expected it above 1, up to 16, got 1"),
            (Number(low=1, high=16), 17, "expected it from 1 to 16, got 17"),
            (Number(), float("inf"), "expected it finite, got inf"),
            (WEIGHT, float("nan"), "expected it to be at least 0 and finite, got nan"),
            (NUMBERS, (), "expected at least one it"),
            (NUMBERS, ("a",), "expected every it to be a number, got 'a'"),
            (Mixture(), 5, "expected it such as"),
            (Mixture(), (("gram", -1.0),), "expected the weight of gram to be at least 0"),
            (Mixture(), (("gram", "x"),), "expected the weight of gram to be a number, got 'x'"),
            (Parameters(), ("mmd.width", 4.0), r"expected it such as \(\('mmd.width', 2.0\),\)"),
            (Parameters(), {"mmd.width": 0}, "expected mmd.width above 0 and finite, got 0"),
            (Parameters(), {5: 1.0}, "expected it as text, got int"),
            (Flag(), "off", "expected it to be True or False, got 'off'"),
            (Layout(), "much", "expected it to be auto, whole, recompute or the side of tiles"),
            (Layout(), -4, "expected it to be auto"),
        ],
    )
    def test_values_of_another_kind_raise(self, kind, value, message):
        with pytest.raises(ValueError, match=message):
            kind.check("it", value)

    @pytest.mark.parametrize(
        ("kind", "value", "plain", "obstacles"),
        [
            (Kind(), "max", "max", []),
            (NETWORK, WEIGHTS, "toy", ["it toy"]),
            (Kind(accepts=callable), print, "(builtin_function_or_method)", None),
            (Kind(accepts=lambda v: True, stand_in="an array"), NOISE, "an array", []),
            (Files(), ("a.png", NOISE), ("a.png", "an array"), []),
            (INTEGER, 5, 5, []),
            (Mixture(), (MetricSpec("gram", 0.5),), (("gram", 0.5),), []),
            (Mixture(), (MetricSpec("gram", value=GRAM),), (("gram", 1.0),), ["it gram"]),
        ],
    )
    def test_what_manifests_hold(self, kind, value, plain, obstacles):
        assert kind.plain(value) == plain
        if obstacles is not None:
            assert kind.obstacles("it", value) == obstacles

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            *[("size", None), ("steps", "15"), ("scale_factor", "2")],
            ("content_metric", "mse@relu3_2=0.85, edges=0.15"),
            *[("style_scale", "1"), ("style_layers", None), ("parameter", None), ("seed", "0")],
            *[("content_mask", None), ("optimizer", "lbfgs"), ("init", "content")],
        ],
    )
    def test_defaults_are_shown_by_help(self, name, shown):
        assert kind_of(name).show(getattr(Settings(), name)) == shown

    def test_every_setting_has_a_kind_that_accepts_its_default(self):
        for setting in fields(Settings):
            kind = kind_of(setting.name)
            assert isinstance(kind, kinds.Kind)
            assert kind.optional == (setting.default is None), setting.name
            assert setting.metadata["help"].endswith("."), setting.name


def test_equivalent_values_become_equal():
    short = Settings(
        metric="gram=0.5+histogram",
        content_metric=["mse", ("palette", np.float32(2))],
        memory=768,
        style_scale=0.5,
        style_rotation=np.array([0, 90]),
        style_layers="relu1_1,relu2_1",
        seed=np.int64(3),
        style_weight=1,
        init=Path("start.png"),
        parameter={"mmd.width": 2},
    )
    long = Settings(
        metric=(("gram", 0.5), ("histogram", 1.0)),
        content_metric=(("mse", 1.0), ("palette", 2.0)),
        memory="768",
        style_scale=(0.5,),
        style_rotation=(0.0, 90.0),
        style_layers=("relu1_1", "relu2_1"),
        seed=3,
        style_weight=1.0,
        init="start.png",
        parameter=(("mmd.width", 2.0),),
    )
    assert short == long
    assert json.dumps(asdict(short)) == json.dumps(asdict(long))
    assert json.dumps(to_plain(short)) == json.dumps(to_plain(long))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"metric": ("gram", 1.0)}, r"expected metric such as \(\('gram', 1.0\)"),
        ({"metric": {"gram": 1.0}.items(), "size": "64"}, "expected size as pixels"),
        ({"seed": 1.5}, "expected seed to be a whole number, got 1.5"),
        ({"style_weight": "much"}, "expected style_weight to be a number, got 'much'"),
        ({"parameter": ("mmd.width", 4.0)}, r"expected parameter such as \(\('mmd.width'"),
        ({"recipe": ""}, "expected a name for recipe, got nothing"),
        ({"memory": "much"}, "expected memory to be auto"),
        ({"memory": "-4"}, "expected memory to be auto"),
        ({"memory": "1.5"}, "expected memory to be auto"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"backbone": None}, "expected backbone as text, got NoneType"),
        ({"style_mask": "a.png"}, "expected as many style masks as content masks, or none; got 1"),
    ],
)
def test_values_of_another_kind_raise(chosen, message):
    with pytest.raises(ValueError, match=message):
        Settings(**chosen)


class TestManifests:
    chosen = Settings(
        metric="gram~softmax/3@relu1_1,alexnet/max/zeros:relu1=0.5+moments",
        content_metric=MetricSpec("cosine", 2.0, (LayerRef("relu3_1"),)),
        style_scale=(0.5, 2),
        parameter={"mmd.width": 2.0},
        calibration={"gram": [1.0, 2.0]},
        content_mask=["a.png", "b.png"],
        scale_steps=(3, 2),
        memory=64,
    )

    def test_settings_survive_json(self):
        data = json.loads(json.dumps(to_plain(self.chosen)))
        assert from_plain(data) == self.chosen
        assert data["metric"] == [
            *(["gram~softmax/3", 0.5, ["relu1_1", "alexnet/max/zeros:relu1"]], ["moments", 1.0])
        ]
        assert data["content_metric"] == [["cosine", 2.0, ["relu3_1"]]]
        assert from_plain(json.loads(json.dumps(to_plain(Settings())))) == Settings()

    def test_settings_of_an_older_version_have_defaults(self):
        data = to_plain(self.chosen)
        del data["regularizer"]
        assert from_plain(data) == self.chosen
        with pytest.raises(TypeError, match="there is no setting 'regulariser'; did you mean"):
            from_plain({"regulariser": "total_variation"})

    def test_differences(self):
        data = to_plain(self.chosen)
        assert differences(data, data) == []
        assert differences(data, to_plain(replace(self.chosen, seed=1, metric="gram"))) == [
            *("metric", "seed")
        ]
        without = {name: value for name, value in data.items() if name != "regularizer"}
        assert differences(data, without) == []
        assert differences(without, data) == []
        changed = to_plain(replace(self.chosen, regularizer=()))
        assert differences(without, changed) == ["regularizer"]
        same = data | {"metric": [["gram~softmax/3.0", 0.5, [*data["metric"][0][2]]], "moments"]}
        assert differences(data, same) == []
        assert differences(data, data | {"novelty": 1}) == ["novelty"]
        assert differences({"steps": 40}, {}) == []

    def test_objects_are_obstacles(self):
        objects = Settings(
            metric=[(GRAM, 0.5), "moments"],
            content_metric=term("mse", 2.0),
            backbone=WEIGHTS,
            style_backbone=WEIGHTS,
            optimizer=ADAMW,
            init=NOISE,
            content_mask=[NOISE, "a.png"],
        )
        assert obstacles(self.chosen) == []
        assert obstacles(objects) == [
            *("metric gram", "content_metric mse", "backbone toy", "style_backbone toy"),
            f"optimizer ({type(ADAMW).__name__})",
        ]
        data = json.loads(json.dumps(to_plain(objects)))
        assert data["backbone"] == "toy"
        assert data["metric"] == [["gram", 0.5], ["moments", 1.0]]
        assert data["init"] == "an array"
        assert data["content_mask"] == ["an array", "a.png"]
        assert obstacles(Settings(optimizer=optimizers.find("adam"))) == ["optimizer adam"]


def test_the_types_of_changes_are_the_settings():
    assert list(Changes.__annotations__) == [setting.name for setting in fields(Settings)]
    assert not Changes.__required_keys__
    hints = typing.get_type_hints(Changes)
    for setting in fields(Settings):
        optional = type(None) in typing.get_args(hints[setting.name])
        assert optional == kind_of(setting.name).optional, setting.name


@pytest.mark.parametrize(
    "chosen",
    [
        {"style_layers": ["relu1_1", "alexnet:relu2"]},
        {"style_layers": (LayerRef("relu1_1"),)},
        {"init": Image.new("RGB", (8, 8))},
        {"init": NOISE},
        {"content_mask": Image.new("L", (8, 8))},
        {"optimizer": ADAMW},
        {"backbone": WEIGHTS},
        {"calibration": {"gram": (1.0,)}},
        {"metric": "gram"},
        {"metric": GRAM},
        {"metric": [(GRAM, 1.0, ("relu1_1",)), term("gram"), MetricSpec("gram"), "moments"]},
    ],
)
def test_what_the_types_of_changes_allow_is_accepted(chosen):
    Settings(**chosen)


class TestSpecifications:
    @pytest.mark.parametrize(
        "text",
        [
            *("gram", "gram=0.5", "gram@relu1_1", "gram~scaled", "gram~softmax/0.5=2"),
            "gram~softmax/3@relu1_1,vgg16/max/zeros:relu3_1,alexnet:relu1=0.5",
            *("gram#0-50", "gram@relu1_1#50-=2", "gram#3-4=0.5"),
        ],
    )
    def test_text_survives(self, text):
        spec = MetricSpec.parse(text)
        assert str(spec) == text
        label, weight, *layers = spec.plain()
        assert MetricSpec.of(label, weight, *layers) == spec
        assert as_specs(text) == as_specs([text]) == as_specs([spec]) == as_specs(spec) == (spec,)
        assert as_specs([spec.plain()]) == (spec,)

    def test_layers_of_networks(self):
        ref = LayerRef.parse("vgg16/max/zeros:relu3_1")
        assert ref == LayerRef("relu3_1", "vgg16", "max", "zeros")
        assert (ref.is_fixed, ref.is_image, ref.stage) == (True, False, 3)
        assert LayerRef.parse("relu1").on("alexnet") == LayerRef("relu1", "alexnet")
        assert LayerRef.parse("image").on("alexnet") == LayerRef("image")
        assert ref.on("alexnet") is ref
        assert LayerRef("relu1_1").stage == LayerRef("conv1_2").stage == 1
        assert LayerRef("block_a").stage is None
        assert sorted([ref, LayerRef("relu1_1")]) == [LayerRef("relu1_1"), ref]

    @pytest.mark.parametrize("text", ["vgg16/max:relu1_1", "vgg16/mx/zeros:relu1_1", "a/b/c/d:e"])
    def test_layers_of_another_form_raise(self, text):
        with pytest.raises(ValueError, match="expected a layer such as relu3_1"):
            LayerRef.parse(text)
