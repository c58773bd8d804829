"""AdaIN: a stylized picture in one pass, against the authors' network in PyTorch."""

from pathlib import Path

import numpy as np
from support.fetching import needed
from support.made_up import pairs_of_pictures
from support.small import CONTENT, SMALL, STYLE

import jaxstyle
from jaxstyle.backbones.adain import stylized

REFERENCE = Path(__file__).parents[1] / "data" / "adain_reference.npz"


def test_agrees_with_torch():
    encoder, decoder = needed("vgg19-normalized"), needed("adain-decoder")
    content, style = pairs_of_pictures()["color"]
    picture = stylized(encoder.tensors, decoder.tensors, content[:64], style[:50, :77])
    np.testing.assert_allclose(picture, np.load(REFERENCE)["stylized"], atol=1e-4)


def test_sides_that_eight_does_not_divide_are_kept():
    encoder, decoder = needed("vgg19-normalized"), needed("adain-decoder")
    picture = stylized(encoder.tensors, decoder.tensors, CONTENT[:37, :45], STYLE[:9, :9])
    assert picture.shape == (37, 45, 3)
    assert np.isfinite(picture).all()


def test_a_run_can_start_from_it():
    needed("vgg19-normalized")
    needed("adain-decoder")
    result = jaxstyle.stylize(CONTENT, STYLE, init="adain", offline=True, **SMALL)
    assert result.finite
    assert set(result.facts["weights"]) == {"vgg16", "vgg19-normalized", "adain-decoder"}
