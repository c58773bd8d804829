"""Guidance: masks, several styles, scales and rotations of a style, colors; by a run of each."""

import json

import numpy as np
import pytest
from PIL import Image
from support.small import CONTENT, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.image import color
from jaxstyle.image.io import write_image
from jaxstyle.objective import guidance
from jaxstyle.settings import Settings

LEFT = np.zeros((40, 48), np.float32)
LEFT[:, :24] = 1


@pytest.fixture
def files(tmp_path):
    for name, mask in (("left", LEFT), ("right", 1 - LEFT)):
        write_image(tmp_path / f"{name}.png", np.repeat(mask[..., None], 3, 2))
    return write_pictures(tmp_path)


def stylize(folder, *more):
    return run(*words("stylize", folder, folder / "out.png", "--quiet", *more))


def test_two_regions_of_two_styles(files):
    masks = ["--content-mask", files / "left.png", "--content-mask", files / "right.png"]
    assert stylize(files, files / "other.png", *masks) == 0
    facts = json.loads((files / "out.json").read_text())
    assert set(facts["inputs"]) == {
        *("content", "style", "style#2", "content_mask", "content_mask#2")
    }
    assert {"gram", "gram#2"} < facts["history"].keys()


def test_scales_rotations_blend_and_colors():
    y, x = np.mgrid[0:40, 0:48] / 48
    content = np.stack([x, y, 1 - x], -1).astype(np.float32)
    changes = {"style_scale": (0.5, 1.5), "style_rotation": (0, 30), "blend": "mix"}
    result = jaxstyle.stylize(content, STYLE, color="luminance", **changes, **SMALL)
    assert len([name for name in result.history if name.startswith("gram")]) == 1
    ours, theirs = (picture - color.luma(picture) for picture in (result.image, content))
    assert np.median(np.abs(ours - theirs)) < 0.02


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--content-mask", "nothing.png"], "there is no file"),
        (["--style-mask", "left.png"], "expected as many style masks"),
        (["--style-scale", "0"], "expected every --style-scale above 0"),
        (["--style-scale", "big"], "expected numbers with commas between"),
        (["--style-shares", "1,2"], "expected 1 style shares, got 2"),
        (["--blend", "mxi"], "mxi"),
        (["--color", "colour"], "colour"),
    ],
)
def test_what_cannot_be_guided_is_one_line(files, capsys, more, message):
    assert stylize(files, *(files / word if ".png" in word else word for word in more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((48, 20), np.float32), "in the proportions of its picture"),
        (np.zeros((40, 48), np.float32), "is black"),
        (np.full((40, 48), 2.0, np.float32), r"in \[0, 1\]"),
    ],
)
def test_masks_must_fit(mask, message):
    with pytest.raises(ValueError, match=message):
        guidance.gather(Settings(content_mask=(mask,)), CONTENT, [STYLE], 48)


def test_transparent_parts_of_a_mask_are_outside(tmp_path):
    opaque = (255 * LEFT).astype(np.uint8)
    white = np.full_like(opaque, 255)
    Image.fromarray(np.stack([white, white, white, opaque], -1)).save(tmp_path / "mask.png")
    settings = Settings(content_mask=(str(tmp_path / "mask.png"),))
    guide = guidance.gather(settings, CONTENT, [STYLE], 48)
    np.testing.assert_array_equal(guide.regions[0].content[:40, :48], LEFT)


def test_a_mask_of_ones_leaves_a_run_as_it_is():
    ones = np.ones((40, 48), bool)
    plain = jaxstyle.stylize(CONTENT, STYLE, **SMALL)
    masked = jaxstyle.stylize(CONTENT, STYLE, content_mask=ones, **SMALL)
    np.testing.assert_allclose(masked.image, plain.image, atol=1e-5)
    assert masked.facts["settings"]["content_mask"] == ("an array",)
