"""From names to terms: several networks in one objective, smoothing, and what starts a run."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from support.fetching import needed
from support.made_up import pairs_of_pictures

import jaxstyle
from jaxstyle.backbones import adain
from jaxstyle.metrics import smoothing
from jaxstyle.objective import build as terms
from jaxstyle.objective.objective import distances, prepare, term
from jaxstyle.settings import Settings

CONTENT, STYLE = (each[:48, :48] for each in pairs_of_pictures()["color"])
SMALL = {"size": 48, "steps": 3, "scales": 1}
NETWORKS = terms.Networks(offline=True)


def layers(**chosen):
    return [each.layers for each in terms.from_settings(Settings(**chosen), NETWORKS)]


def test_style_and_content_can_have_their_own_networks():
    style, content, image = layers(style_backbone="alexnet")
    assert style == tuple(f"alexnet:relu{k}" for k in range(1, 6))
    assert content == ("vgg16:relu4_2",)
    assert image == ("image",)
    style, content, _ = layers(backbone="alexnet", content_backbone="vgg16")
    assert style[0] == "alexnet:relu1"
    assert content == ("vgg16:relu4_2",)


def test_a_layer_can_name_its_network():
    own = ("gram", 1.0, ("relu1_1", "alexnet:relu3", "vgg16/average/reflect:relu2_1"))
    style, *_ = layers(metric=(own,))
    assert style == ("vgg16:relu1_1", "alexnet:relu3", "vgg16/average/reflect:relu2_1")


def test_a_fitted_metric_keeps_its_network_and_brings_its_numbers():
    chosen = Settings(content_metric=(("lpips_vgg", 1.0),), content_layers=("relu3_1",))
    content = terms.from_settings(chosen, NETWORKS)[1]
    assert content.layers[0] == "vgg16/max/zeros:relu1_2"
    assert content.parameters["fitted"]["conv5"]["heads"].shape == (512,)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"metric": (("gram~softmx", 1.0),)}, "did you mean 'softmax'"),
        ({"metric": (("gram~softmax/0", 1.0),)}, "expected a temperature above 0"),
        ({"metric": (("gram~softmax/hot", 1.0),)}, "expected a temperature above 0"),
        ({"metric": (("palette~softmax", 1.0),)}, "has no features to smooth"),
        ({"metric": (("color_histogram", 1.0, ("relu1_1",)),)}, "has no layers to choose"),
        ({"regularizer": (("gram", 1.0),)}, "expected a image metric, gram is for style"),
        ({"parameter": (("total_variation_power.bta", 1.0),)}, "did you mean 'beta'"),
        ({"metric": (("gram", 1.0, ("alexnet:relu6",)),)}, "alexnet has no layer 'relu6'"),
        ({"style_backbone": "alexnett"}, "did you mean 'alexnet'"),
        ({"content_backbone": "lpips-vgg"}, "lpips-vgg is no network"),
        ({"style_layers": ("alexnet/max:relu1",)}, "expected a layer such as"),
    ],
)
def test_wrong_names_are_told(chosen, words):
    with pytest.raises(ValueError, match=words):
        layers(**chosen)


def test_a_run_with_two_networks_lowers_both_losses():
    made = jaxstyle.stylize(
        CONTENT,
        STYLE,
        style_backbone="alexnet",
        content_metric=(("lpips_vgg", 1.0),),
        **SMALL,
    )
    assert made.finite
    assert made.history["total"][-1] < made.history["total"][0]
    assert set(made.facts["weights"]) == {"alexnet", "vgg16", "lpips-vgg"}


class TestSmoothing:
    features = np.random.default_rng(2).normal(0, 2, (5, 4, 3)).astype(np.float32)

    @pytest.mark.parametrize("temperature", [1.0, 3.0])
    def test_softmax_is_the_papers_times_the_number_of_features(self, temperature):
        """σ(F)ᵢₖ = exp Fᵢₖ / Σ exp F, over all positions and channels, in float64."""
        powers = np.exp(self.features.astype(np.float64) / temperature)
        expected = powers / powers.sum() * powers.size
        found = smoothing.smooth(jnp.asarray(self.features), "softmax", "relu4_6", temperature)
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_relative_is_the_same_of_features_in_units_of_the_references_deviation(self):
        def extract(image):
            return {"relu4_1": image * 3}

        relative = term("gram", layers=("relu4_1",), smoothing="relative", temperature=2.0)
        found = prepare(extract, [relative], jnp.asarray(CONTENT), jnp.asarray(STYLE))
        deviation = np.std(3 * STYLE.astype(np.float64))
        np.testing.assert_allclose(found.spreads[0], [deviation], rtol=1e-5)
        absolute = term("gram", layers=("relu4_1",), smoothing="softmax", temperature=2 * deviation)
        expected = prepare(extract, [absolute], jnp.asarray(CONTENT), jnp.asarray(STYLE))
        one, other = (
            distances(extract, each, jnp.asarray(CONTENT))[0] for each in (found, expected)
        )
        np.testing.assert_allclose(one, other, rtol=1e-4)

    def test_scaled_is_the_released_codes(self):
        """There layer3 and layer4 (stages 4 and 5 of the paper) are multiplied by 0.001."""
        for layer, factor in (
            ("relu1", 1),
            ("resnet50:relu3_4", 1),
            ("resnet50:relu4_6", 1e-3),
            ("relu5_3", 1e-3),
        ):
            found = smoothing.smooth(jnp.asarray(self.features), "scaled", layer)
            np.testing.assert_allclose(found, factor * self.features, rtol=1e-6)

    @pytest.mark.parametrize("form", ["softmax", "relative"])
    def test_flat_features_stay_finite(self, form):
        flat = jnp.full((4, 4, 3), 0.5)
        objective = prepare(
            lambda image: {"relu4_1": image},
            [term("gram", layers=("relu4_1",), smoothing=form)],
            flat,
            flat,
        )
        found = distances(lambda image: {"relu4_1": image}, objective, jnp.asarray(CONTENT))
        assert np.isfinite(found[0]).all()

    @pytest.mark.parametrize(("form", "layer"), [("softmax", "relu2_1"), ("scaled", "relu4_1")])
    def test_every_metric_sees_smoothed_features(self, form, layer):
        def extract(image):
            return {layer: image * 3}

        smooth = term("gram", layers=(layer,), smoothing=form, temperature=2.0)
        plain = term("gram", layers=(layer,))
        objective = prepare(extract, [smooth], jnp.asarray(CONTENT), jnp.asarray(STYLE))

        def smoothed(image):
            return {layer: smoothing.smooth(image * 3, form, layer, 2.0)}

        expected = prepare(smoothed, [plain], jnp.asarray(CONTENT), jnp.asarray(STYLE))
        np.testing.assert_allclose(
            distances(extract, objective, jnp.asarray(CONTENT))[0],
            distances(smoothed, expected, jnp.asarray(CONTENT))[0],
            rtol=1e-5,
        )


class TestAdaIN:
    def test_it_agrees_with_torch(self):
        encoder, decoder = needed("vgg19-normalized"), needed("adain-decoder")
        content, style = pairs_of_pictures()["color"]
        found = adain.stylized(encoder.tensors, decoder.tensors, content[:64], style[:50, :77])
        expected = np.load(Path(__file__).parents[1] / "data" / "adain_reference.npz")["stylized"]
        np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_sides_that_eight_does_not_divide_are_kept(self):
        encoder, decoder = needed("vgg19-normalized"), needed("adain-decoder")
        found = adain.stylized(encoder.tensors, decoder.tensors, CONTENT[:37, :45], STYLE[:9, :9])
        assert found.shape == (37, 45, 3)
        assert np.isfinite(found).all()

    def test_a_run_can_start_from_it(self):
        needed("vgg19-normalized")
        needed("adain-decoder")
        made = jaxstyle.stylize(CONTENT, STYLE, init="adain", offline=True, **SMALL)
        assert made.finite
        assert set(made.facts["weights"]) == {"vgg16", "vgg19-normalized", "adain-decoder"}
