"""Sizes in words: original, a width and a height; with all that lies over the content."""

import logging

import numpy as np
import pytest
from support.small import SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.image.geometry import resize
from jaxstyle.image.io import read_image, write_image
from jaxstyle.transfer import manifest
from jaxstyle.transfer.job import resolved_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

WIDE = np.zeros((40, 80, 3), np.float32)
WIDE[..., 0] = np.linspace(0, 1, 80)  # red says where it is
MASK = np.zeros((40, 80), np.float32)
MASK[:, 40:] = 1
STILL = {**SMALL, "steps": 0}


def job_of(content=WIDE, **settings):
    chosen = jaxstyle.Settings(**{**STILL, **settings})
    return make_job(content, STYLE, chosen, Sources())


@pytest.mark.parametrize(
    ("settings", "shape", "size"),
    [
        ({"size": "original"}, (40, 80), 80),
        ({"size": "32x32"}, (32, 32), 32),
        ({"size": "32x32", "fit": "contain"}, (16, 32), 32),
        ({"size": "60x20"}, (20, 60), 60),
        ({"size": "20x40"}, (40, 20), 40),
        ({"size": "160x160"}, (40, 40), 160),
        ({"size": "160x160", "enlarge": True}, (160, 160), 160),
        ({"size": "160x160", "enlarge": True, "fit": "contain"}, (80, 160), 160),
        ({"size": 40}, (20, 40), 40),
    ],
)
def test_of_the_result(settings, shape, size):
    job = job_of(**settings)
    assert job.original.shape[:2] == shape
    assert job.size == size
    assert resolved_settings(job)["size"] == settings["size"]
    assert jaxstyle.stylize(WIDE, STYLE, **{**STILL, **settings}).image.shape[:2] == shape


def test_what_is_cropped_is_cut_from_both_sides_alike():
    original = job_of(size="40x40").original
    expected = resize(WIDE, (40, 80))[:, 20:60]
    np.testing.assert_allclose(original, expected, atol=1e-6)


@pytest.mark.parametrize("mask", [MASK, MASK[:, 20:60]], ids=["of the content", "of the result"])
def test_masks_are_cropped_with_the_content(mask):
    (region,) = job_of(size="40x40", content_mask=mask).guide.regions
    np.testing.assert_allclose(region.content[:40, :20], 0)
    np.testing.assert_allclose(region.content[:40, 20:40], 1)


def test_a_mask_of_other_proportions_is_refused():
    with pytest.raises(ValueError, match="proportions"):
        job_of(size="40x40", content_mask=MASK[:, :25])


@pytest.mark.parametrize("init", [WIDE, WIDE[:, 20:60]], ids=["of the content", "of the result"])
def test_initial_pictures_are_cropped_with_the_content(init):
    job = job_of(size="40x40", init=init)
    np.testing.assert_allclose(job.initial[:40, :40], job.original, atol=1e-6)


def test_what_happens_to_the_content_is_said(caplog):
    with caplog.at_level(logging.INFO, "jaxstyle"):
        job_of(size=100)
        job_of(size=120, enlarge=True)
        job_of(size="200x200")
    assert "the content is smaller than 100 pixels and is not enlarged" in caplog.text
    assert "the content is enlarged from 80 to 120 pixels" in caplog.text
    assert "the result is 40 × 40, the most that it has in these proportions" in caplog.text


@pytest.mark.parametrize("size", ["1920", "big", "0x10", "10x", "99999x9", 0, 1.5, (3, 4), True])
def test_others_are_refused(size):
    with pytest.raises(ValueError, match="expected size"):
        jaxstyle.Settings(size=size)


def test_spellings_are_one():
    sizes = {jaxstyle.Settings(size=s).size for s in ("30x20", "30X20", "30×20", " 30 x 20 ")}
    assert sizes == {"30x20"}


def test_a_manifest_replays_to_the_same_bytes(tmp_path):
    write_pictures(tmp_path)
    out = tmp_path / "a.png"
    assert run(*words("stylize", tmp_path, out, size="30X20", steps=0)) == 0
    assert read_image(out).shape == (20, 30, 3)
    facts = manifest.read(out.with_suffix(".json"))
    assert facts["settings"]["size"] == "30x20"
    assert run("replay", out.with_suffix(".json"), "-o", tmp_path / "b.png") == 0
    assert (tmp_path / "b.png").read_bytes() == out.read_bytes()


def test_without_steps_the_result_is_the_content_at_any_number_of_scales(tmp_path):
    content = np.random.default_rng(0).random((100, 130, 3)).astype(np.float32)
    result = jaxstyle.stylize(content, STYLE, steps=0, size="original")
    np.testing.assert_array_equal(result.image, content)
    assert result.history["total"] == []
    write_image(tmp_path / "c.png", content)
    path = jaxstyle.stylize(tmp_path / "c.png", tmp_path / "c.png", steps=0).save(
        tmp_path / "a.png"
    )
    again = jaxstyle.replay(path.with_suffix(".json"))
    np.testing.assert_array_equal(np.round(again.image * 255), np.round(read_image(path) * 255))
