"""From settings to terms: several networks in one objective, and objects in place of names."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from support.small import CONTENT, SMALL, STYLE
from support.tiny import tiny

import jaxstyle
from jaxstyle.metrics import find
from jaxstyle.metrics.metric import Metric
from jaxstyle.objective.build import extractor_for, min_side, terms_from_settings
from jaxstyle.objective.regions import StyleAssignment
from jaxstyle.objective.term import term
from jaxstyle.settings import Settings
from jaxstyle.specs import LayerRef, MetricSpec
from jaxstyle.weights import registry
from jaxstyle.weights.network_cache import NetworkCache

NETWORKS = NetworkCache(offline=True)


ONE_EACH = {"metric": "moments", "content_metric": "mse"}


def layers(**chosen):
    terms = terms_from_settings(Settings(**ONE_EACH | chosen), NETWORKS)
    return [tuple(map(str, one.layers)) for one in terms]


def test_style_and_content_can_have_their_own_networks():
    style, content, image = layers(style_backbone="alexnet")
    assert style == tuple(f"alexnet:relu{k}" for k in range(1, 6))
    assert content == ("vgg16:relu4_2",)
    assert image == ("image",)
    style, content, _ = layers(backbone="alexnet", content_backbone="vgg16")
    assert style[0] == "alexnet:relu1"
    assert content == ("vgg16:relu4_2",)


def test_a_layer_can_name_its_network():
    chosen = ("gram", 1.0, ("relu1_1", "alexnet:relu3", "vgg16/average/reflect:relu2_1"))
    style, *_ = layers(metric=(chosen,))
    assert style == ("vgg16:relu1_1", "alexnet:relu3", "vgg16/average/reflect:relu2_1")


def test_a_vggs_layer_stands_for_its_counterpart_in_networks_that_have_none_of_the_name():
    chosen = {"metric": (("gram", 1.0, ("relu2_1", "relu3_1")),), "content_metric": "mse@relu3_2"}
    style, content, _ = layers(backbone="alexnet", **chosen)
    assert style == ("alexnet:relu2", "alexnet:relu3")
    assert content == ("alexnet:relu3",)


def test_a_network_that_no_term_needs_is_not_loaded():
    networks = NetworkCache()
    terms_from_settings(Settings(metric="palette", content_metric="edges"), networks)
    assert not [*networks]


def test_layers_that_are_chosen_take_the_place_of_the_defaults():
    def chosen(**settings):
        terms = terms_from_settings(Settings(**settings), NETWORKS)
        return [tuple(map(str, one.layers)) for one in terms[:4]]

    usual = chosen()
    assert usual[0] == ("vgg16:relu2_1", "vgg16:relu3_1")
    assert usual[2:] == [("image",), ("vgg16:relu3_2",)]
    ours = chosen(style_layers="relu1_1", content_layers="relu2_1")
    assert ours == [("vgg16:relu1_1",), ("vgg16:relu1_1",), ("image",), ("vgg16:relu2_1",)]
    assert chosen(backbone=tiny(), style_layers="relu1")[3] == ("tiny:relu2",)
    named = chosen(style_layers="relu1_1", metric=(("gram", 1.0, ("relu4_1",)),))
    assert named[0] == ("vgg16:relu4_1",)


def test_a_fitted_metric_keeps_its_network_and_brings_its_numbers():
    chosen = Settings(
        metric="moments", content_metric=(("lpips_vgg", 1.0),), content_layers=("relu3_1",)
    )
    content = terms_from_settings(chosen, NETWORKS)[1]
    assert str(content.layers[0]) == "vgg16/max/zeros:relu1_2"
    assert content.parameters["fitted"]["conv5"]["heads"].shape == (512,)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"metric": (("gram~softmx", 1.0),)}, "did you mean 'softmax'"),
        ({"metric": (("gram~softmax/0", 1.0),)}, "expected a temperature above 0"),
        ({"metric": (("gram~softmax/hot", 1.0),)}, "expected a temperature above 0"),
        ({"metric": (("palette~softmax", 1.0),)}, "has no features to smooth"),
        ({"metric": (("color_histogram", 1.0, ("relu1_1",)),)}, "has no layers to choose"),
        (
            {"regularizer": (("gram", 1.0),)},
            "expected a metric of kind image, gram is of kind style",
        ),
        ({"parameter": (("total_variation_power.bta", 1.0),)}, "did you mean 'beta'"),
        ({"parameter": (("mmd.width", 1.0),)}, "a parameter is given for mmd, which is in no term"),
        (
            {"parameter": (("contents.contextual.bandwidth", 1.0),)},
            "expected contents.contextual.bandwidth to begin with one of style, content, image",
        ),
        (
            {"parameter": (("content.mmd.width", 1.0),)},
            "expected a metric of kind content, mmd is of kind style",
        ),
        (
            {"metric": "contextual", "parameter": (("content.contextual.bandwidth", 1.0),)},
            "a parameter is given for content.contextual, which is in no term",
        ),
        ({"metric": (("gram", 1.0, ("alexnet:relu6",)),)}, "alexnet has no layer 'relu6'"),
        ({"style_backbone": "alexnett"}, "did you mean 'alexnet'"),
        ({"content_backbone": "lpips-vgg"}, "lpips-vgg is no network"),
        ({"style_layers": ("alexnet/max:relu1",)}, "expected a layer such as"),
        (
            dict.fromkeys(("style_weight", "content_weight", "smoothness"), 0),
            "every weight is zero",
        ),
    ],
)
def test_what_cannot_be_compared_raises(chosen, words):
    with pytest.raises(ValueError, match=words):
        layers(**chosen)


@pytest.mark.parametrize(
    ("parameter", "bandwidths"),
    [
        ({"contextual.bandwidth": 0.2}, [0.2, 0.2]),
        ({"style.contextual.bandwidth": 0.2, "content.contextual.bandwidth": 0.1}, [0.2, 0.1]),
        ({"content.contextual.bandwidth": 0.1, "contextual.bandwidth": 0.3}, [0.3, 0.1]),
        ({"content.contextual.bandwidth": 0.1}, [None, 0.1]),
    ],
)
def test_a_parameter_can_name_the_kind_of_its_metric(parameter, bandwidths):
    settings = Settings(metric="contextual", content_metric="contextual", parameter=parameter)
    style, content, _ = terms_from_settings(settings, NETWORKS)
    assert [term.parameters.get("bandwidth") for term in (style, content)] == bandwidths


@pytest.mark.slow
def test_a_run_with_two_networks_lowers_both_losses():
    result = jaxstyle.stylize(
        CONTENT,
        STYLE,
        style_backbone="alexnet",
        **SMALL | {"style_layers": ("relu1",), "metric": "gram", "content_metric": "lpips_vgg"},
    )
    assert result.finite
    assert result.history["total"][-1] < result.history["total"][0]
    assert set(result.facts["weights"]) == {"alexnet", "vgg16", "lpips-vgg"}


def _difference_of_means(features, target, *, width=2.0):
    return jnp.sum((features.mean((0, 1)) - target) ** 2) / width


MEANS = Metric(
    name="means",
    kind="style",
    summarize=lambda features: features.mean((0, 1)),
    distance=_difference_of_means,
    expects="grid",
    layers=("relu1_1", "relu2_1"),
)


class TestObjectsInPlaceOfNames:
    def style(self, metric, **chosen):
        (style, *_) = terms_from_settings(Settings(metric=metric, **chosen), NETWORKS)
        return style

    def test_a_metric(self):
        style = self.style(MEANS, style_weight=3.0)
        assert style.metric is MEANS
        assert style.weight == 3.0
        assert [str(layer) for layer in style.layers] == ["vgg16:relu1_1", "vgg16:relu2_1"]
        assert [str(layer) for layer in self.style(MEANS, style_layers="relu3_1").layers] == [
            "vgg16:relu3_1"
        ]

    def test_a_pair_and_a_triple(self):
        assert self.style([(MEANS, 0.5)]).weight == 0.5
        style = self.style([(MEANS, 0.5, ("relu3_1",)), ("gram", 2.0)], style_weight=3.0)
        assert style.weight == 1.5
        assert [str(layer) for layer in style.layers] == ["vgg16:relu3_1"]

    def test_a_specification(self):
        spec = MetricSpec("gram", 0.5, (LayerRef("relu1_1"),), "softmax", 3.0)
        assert self.style(spec) == self.style("gram~softmax/3@relu1_1=0.5")
        assert self.style([spec, "moments"]) == self.style("gram~softmax/3@relu1_1=0.5")

    def test_a_term(self):
        given = term(MEANS, 0.5, ("relu1_1", "alexnet:relu2"), (3.0, 1.0), width=7.0)
        style = self.style(given, style_weight=3.0, style_layers="relu3_1")
        assert style.weight == 1.5
        assert [str(layer) for layer in style.layers] == ["vgg16:relu1_1", "alexnet:relu2"]
        assert style == replace(given, layers=style.layers, weight=1.5, positions=1024)
        assert self.style([(given, 2.0)]).weight == 1.0
        with pytest.raises(ValueError, match="the term of means has its own layers"):
            self.style([(given, 2.0, ("relu1_1",))])

    def test_hyperparameters_by_name(self):
        style = self.style(MEANS, parameter={"means.width": 5.0})
        assert style.parameters == {"width": 5.0}
        given = term(MEANS, width=7.0)
        assert self.style(given).parameters == {"width": 7.0}
        assert self.style(given, parameter={"means.width": 5.0}).parameters == {"width": 5.0}
        assert self.style(MEANS, parameter={"style.means.width": 5.0}).parameters == {"width": 5.0}
        with pytest.raises(ValueError, match="means has no parameter 'wdith'; did you mean"):
            self.style(MEANS, parameter={"means.wdith": 5.0})

    def test_a_term_of_a_fitted_metric_is_given_its_numbers(self):
        settings = Settings(metric="moments", content_metric=term("lpips"))
        _, content, _ = terms_from_settings(settings, NETWORKS)
        by_name = terms_from_settings(Settings(metric="moments", content_metric="lpips"), NETWORKS)[
            1
        ]
        assert content.layers == by_name.layers
        assert content.parameters["fitted"].keys() == by_name.parameters["fitted"].keys()

    @pytest.mark.parametrize("metric", [MEANS, term(MEANS), [(MEANS, 1.0)]])
    def test_of_another_kind(self, metric):
        with pytest.raises(
            ValueError, match="expected a metric of kind content, means is of kind style"
        ):
            terms_from_settings(Settings(content_metric=metric), NETWORKS)

    @pytest.mark.parametrize("metric", [5, None, {5: 1}, np.ones(3), [("gram",)], [(5, 1.0)]])
    def test_of_no_kind(self, metric):
        with pytest.raises(ValueError, match="expected content_metric such as"):
            Settings(content_metric=metric)

    @pytest.mark.slow
    def test_a_run_is_the_one_by_name(self):
        by_name, by_object = (
            jaxstyle.stylize(CONTENT, STYLE, **SMALL | {"metric": metric})
            for metric in ("gram", find("gram"))
        )
        np.testing.assert_array_equal(by_name.image, by_object.image)
        assert by_object.obstacles == ("metric gram", *by_name.obstacles)

    def test_weights(self):
        weights = registry.load("vgg16")._replace(name="mine")
        networks = NetworkCache(offline=True)
        settings = Settings(
            backbone=weights, style_layers="relu1_1", content_layers="relu1_1", **ONE_EACH
        )
        terms = terms_from_settings(settings, networks)
        assert [str(layer) for one in terms for layer in one.layers] == [
            *("mine:relu1_1", "mine:relu1_1", "image")
        ]
        assert networks["mine"] is weights
        with pytest.raises(ValueError, match="other weights are named 'mine'"):
            networks.add(weights._replace(sha256="0"))


def test_what_cannot_be_averaged_is_added_when_styles_are_mixed():
    mixed = StyleAssignment(styles=(0, 1), shares=(0.75, 0.25))
    settings = Settings(metric="moments+nearest_neighbor=2", content_metric="mse", smoothness=0)
    terms = terms_from_settings(settings, NETWORKS, [mixed])
    columns = [(one.metric.name, one.weight, one.styles, one.shares) for one in terms[:-1]]
    assert columns == [
        ("moments", 1.0, (0, 1), (0.75, 0.25)),
        ("nearest_neighbor", 1.5, (0,), (1.0,)),
        ("nearest_neighbor", 0.5, (1,), (1.0,)),
    ]


def test_the_shortest_side_is_the_deepest_layers():
    terms = terms_from_settings(
        Settings(style_layers="relu1_1", content_layers="relu4_1", **ONE_EACH), NETWORKS
    )
    extract, params = extractor_for(terms, NETWORKS)
    assert set(params) == {"vgg16"}
    assert min_side(terms, extract) == 8
    assert min_side(terms[2:], extract) == 1
