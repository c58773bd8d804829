"""Transparency stays: the result has the content's alpha, and transparent pixels have no say."""

import json
import logging

import numpy as np
import pytest
from PIL import Image
from support.small import CONTENT, ONE_LAYER, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.image.geometry import resize_alpha
from jaxstyle.image.io import read_image, write_image
from jaxstyle.plain import from_plain, to_plain
from jaxstyle.transfer.geometry import displayed, displayed_alpha
from jaxstyle.transfer.job import identity
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

SETTINGS = {**ONE_LAYER, "steps": 2}


def of_levels(shape=(40, 48)):
    """Return alpha of 8 bits: opaque on the left, soft between, transparent at the right."""
    columns = np.clip((shape[1] * 0.7 - np.arange(shape[1])) * 64, 0, 255).astype(np.uint8)
    return np.broadcast_to(columns, shape).copy()


ALPHA = of_levels()


def with_alpha(picture, alpha=ALPHA, behind=None):
    """Return a picture with alpha, and another color where it is transparent."""
    pixels = np.dstack([np.round(picture * 255).astype(np.uint8), alpha])
    if behind is not None:
        pixels[alpha == 0, :3] = behind
    return pixels


LOGO, PAINTING = with_alpha(CONTENT), with_alpha(STYLE, ALPHA[:, ::-1])


def job_of(content=CONTENT, style=STYLE, **settings):
    return make_job(content, style, jaxstyle.Settings(**SETTINGS | settings), Sources())


@pytest.fixture(scope="module")
def result():
    return jaxstyle.stylize(LOGO, STYLE, **SETTINGS)


class TestResult:
    def test_has_the_content_s_alpha_to_the_bit(self, result):
        assert result.image.shape == (40, 48, 3)
        np.testing.assert_array_equal(result.alpha, ALPHA / np.float32(255))

    @pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
    def test_files_hold_it(self, tmp_path, result, name):
        with Image.open(result.save(tmp_path / name)) as image:
            assert image.mode == "RGBA"
            np.testing.assert_array_equal(np.asarray(image)[..., 3], ALPHA)

    def test_colors_of_transparent_pixels_are_written(self, tmp_path, result):
        with Image.open(result.save(tmp_path / "a.png")) as image:
            colors = np.asarray(image)[..., :3] / 255
        np.testing.assert_allclose(colors, np.clip(result.image, 0, 1), atol=0.51 / 255)

    def test_jpeg_has_white_behind_it_which_is_said(self, tmp_path, result, caplog):
        caplog.set_level(logging.INFO)
        picture = read_image(result.save(tmp_path / "a.jpg"))
        assert "JPEG has no transparency, so white is behind the picture" in caplog.text
        np.testing.assert_allclose(picture[:, -4:], 1, atol=0.1)
        np.testing.assert_allclose(picture[:, :8], result.image[:, :8], atol=0.2)

    def test_a_notebook_shows_it(self, result):
        assert result._repr_png_()[25] == 6  # a PNG's color type: RGB with alpha

    def test_an_opaque_one_has_none(self):
        opaque = with_alpha(CONTENT, np.full((40, 48), 255, np.uint8))
        jobs = [job_of(content) for content in (opaque, opaque[..., :3])]
        assert [job.alpha for job in jobs] == [None, None]
        assert identity(jobs[0]) == identity(jobs[1])


class TestColorsOfTransparentPixels:
    @pytest.mark.parametrize("how", ["style", "histogram", "covariance", "luminance", "match"])
    def test_have_no_say(self, how):
        jobs = [
            job_of(with_alpha(CONTENT, behind=color), with_alpha(STYLE, behind=color), color=how)
            for color in ((255, 255, 255), (0, 90, 0))
        ]
        assert identity(jobs[0]) == identity(jobs[1])
        shown = [displayed(job, job.initial) for job in jobs]
        np.testing.assert_array_equal(*shown)

    def test_the_run_is_the_same(self, result):
        other = jaxstyle.stylize(with_alpha(CONTENT, behind=(9, 200, 9)), STYLE, **SETTINGS)
        assert other.image.tobytes() == result.image.tobytes()

    def test_statistics_are_of_opaque_pixels(self):
        opaque = PAINTING[..., 3] > 127
        colors = PAINTING[opaque][:, :3] / 255
        job = job_of(style=PAINTING, init="style_mean")
        np.testing.assert_allclose(job.initial[0, 0], colors.mean(0), atol=0.01)
        job = job_of(style=PAINTING, color="covariance")
        matched = job.guide.styles[0][: opaque.shape[0], : opaque.shape[1]][opaque]
        # Clipping to [0, 1] moves the mean a little.
        np.testing.assert_allclose(matched.mean(0), CONTENT.mean((0, 1)), atol=0.02)

    def test_a_style_on_white_does_not_pale_the_result(self):
        dark = with_alpha(STYLE * 0.2, behind=(255, 255, 255))
        settings = SETTINGS | {"metric": "moments@image", "content_weight": 0, "steps": 20}
        picture = jaxstyle.stylize(CONTENT, dark, **settings).image
        assert picture.mean() == pytest.approx((dark[ALPHA > 127][:, :3] / 255).mean(), abs=0.03)


class TestBackground:
    def test_is_composited_and_the_result_is_opaque(self):
        job = job_of(LOGO, PAINTING, background="blue")
        assert job.alpha is None
        assert not job.guide.is_masked
        alpha = ALPHA[..., None] / 255
        expected = alpha * LOGO[..., :3] / 255 + (1 - alpha) * np.array([0, 0, 1])
        np.testing.assert_allclose(job.original, expected, atol=1.01 / 255)

    def test_its_forms_are_one(self):
        forms = ["red", "#ff0000", "#F00", "rgb(255, 0, 0)", (1, 0, 0), [1.0, 0, 0], np.eye(3)[0]]
        assert {jaxstyle.Settings(background=form).background for form in forms} == {"#ff0000"}

    @pytest.mark.parametrize("wrong", ["redd", "#ff00", (1, 0), (2, 0, 0), "#ff000080", 3, ""])
    def test_what_is_no_color(self, wrong):
        with pytest.raises(ValueError, match=r"expected .*background"):
            jaxstyle.Settings(background=wrong)

    def test_the_nearest_name_is_named(self):
        with pytest.raises(ValueError, match="'green'"):
            jaxstyle.Settings(background="grren")

    def test_older_manifests_have_white(self):
        plain = to_plain(jaxstyle.Settings())
        assert plain.pop("background") is None
        assert from_plain(plain).background == "#ffffff"


class TestFraming:
    def test_alpha_is_cropped_with_the_content(self):
        job = job_of(LOGO, size="24x40")
        assert job.original.shape[:2] == job.alpha.shape == (40, 24)
        np.testing.assert_array_equal(job.alpha, (ALPHA / np.float32(255))[:, 12:36])

    def test_nothing_of_it_left_is_refused(self):
        edges = np.zeros((40, 48), np.uint8)
        edges[:, :2] = 255
        with pytest.raises(ValueError, match="all transparent"):
            job_of(with_alpha(CONTENT, edges), size="24x40")

    def test_alpha_is_enlarged_with_the_content(self):
        job = job_of(LOGO, size=60, enlarge=True)
        assert job.original.shape[:2] == job.alpha.shape == (50, 60)
        np.testing.assert_array_equal(job.alpha, resize_alpha(ALPHA / np.float32(255), (50, 60)))

    def test_progress_has_it_in_the_picture_s_size(self):
        job = job_of(LOGO)
        half = displayed(job, np.zeros((20, 24, 3)))
        alpha = displayed_alpha(job, half)
        assert alpha.shape == half.shape[:2]
        assert max(alpha.shape) == 24
        assert alpha.mean() == pytest.approx(ALPHA.mean() / 255, abs=0.02)


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path)
    write_image(tmp_path / "content.png", LOGO)
    return tmp_path


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


class TestCommands:
    def test_a_run_its_frames_and_its_replay(self, folder, capsys):
        frames = ("--frames", folder / "frames", "--preview")
        assert run(*words("stylize", folder, folder / "a.png", *frames, steps=2)) == 0
        assert "content.png: 33% of it is transparent, which is ignored" in capsys.readouterr().err
        for path in (folder / "a.png", folder / "frames" / "00002.png"):
            np.testing.assert_array_equal(pixels_of(path)[..., 3], ALPHA)
        assert run("replay", folder / "a.json", "-o", folder / "b.png") == 0
        assert (folder / "b.png").read_bytes() == (folder / "a.png").read_bytes()
        assert run("replay", folder / "a.json", "-o", folder / "c.tif") == 0
        assert "the same pixels" in capsys.readouterr().out

    def test_a_background(self, folder):
        command = words("stylize", folder, folder / "a.png", "--background", "white", steps=2)
        assert run(*command) == 0
        assert pixels_of(folder / "a.png").shape == (40, 48, 3)
        settings = json.loads((folder / "a.json").read_text())["settings"]
        assert settings["background"] == "#ffffff"

    def test_a_grid(self, folder):
        output = folder / "grid"
        command = words("grid", folder, output, "--sweep", "style_weight=1,2", steps=2)
        assert run(*command) == 0
        cells = sorted((output / "cells").glob("*.png"))
        assert len(cells) == 2
        for cell in cells:
            np.testing.assert_array_equal(pixels_of(cell)[..., 3], ALPHA)
        assert pixels_of(output / "sheet.png").shape[2] == 3
        (cell, _) = jaxstyle.stylize_grid(
            folder / "content.png",
            folder / "style.png",
            sweep={"style_weight": [1, 2]},
            folder=output,
            resume=True,
            **SMALL | {"steps": 2},
        )
        np.testing.assert_array_equal(cell.result.alpha, ALPHA / np.float32(255))
