"""Guidance: masks, several styles, sizes and turns of a style, colors, previews."""

import json
import runpy
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxstyle
from jaxstyle.cli.main import main as cli
from jaxstyle.image import color
from jaxstyle.image.geometry import rotate
from jaxstyle.image.io import read_image, write_image
from jaxstyle.metrics import METRICS
from jaxstyle.objective import guidance, regions
from jaxstyle.objective.objective import distances, prepare, term
from jaxstyle.objective.regions import Region, StyleAssignment
from jaxstyle.settings import Settings

RANDOM = np.random.default_rng(8)
CONTENT = RANDOM.random((24, 32, 3)).astype(np.float32)
STYLE = (RANDOM.random((28, 36, 3)) ** 2).astype(np.float32)
LAYERS = ("first", "second")
FILTERS = jnp.asarray(RANDOM.normal(size=(3, 6)), jnp.float32)


def extract(image):
    """Two layers whose positions see only what lies under them, the second of half the size."""
    first = jnp.maximum(image @ FILTERS, 0)
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    pooled = first[:height, :width].reshape(height // 2, 2, width // 2, 2, 6).max((1, 3))
    return {"first": first, "second": pooled * 2}


def shapes(picture):
    return {name: each.shape[:2] for name, each in extract(picture).items()} | {
        "image": picture.shape[:2]
    }


def rectangle(picture, rows, columns):
    mask = np.zeros(picture.shape[:2], np.float32)
    mask[rows, columns] = 1
    return mask


def loss(part, content, style, image, picks=None):
    objective = prepare(extract, [part], content, style, picks=picks)
    return np.asarray(distances(extract, objective, image)[0])


def picked(part, content, style, content_mask, style_mask):
    return [
        (
            regions.picks(content_mask, part.metric, part.layers, shapes(content)),
            (regions.picks(style_mask, part.metric, part.layers, shapes(style)),),
        )
    ]


STYLE_METRICS = [METRICS["style"][name] for name in METRICS["style"]]


@pytest.mark.parametrize("metric", STYLE_METRICS, ids=lambda metric: metric.name)
class TestEveryStyleMetricUnderMasks:
    rows, columns = slice(4, 20), slice(8, 30)
    style_rows, style_columns = slice(2, 22), slice(6, 26)

    def part(self, metric):
        return term(metric, layers=("image",) if metric.layers == ("image",) else LAYERS)

    def test_ones_change_nothing_and_an_aligned_binary_mask_is_the_crop(self, metric):
        part = self.part(metric)
        ones = [np.ones(each.shape[:2], np.float32) for each in (CONTENT, STYLE)]
        seen, of_style = picked(part, CONTENT, STYLE, *ones)[0]
        assert all(each is None for each in (*seen, *of_style[0]))  # everything, in its order
        image = CONTENT * 0.8 + 0.1
        masks = (
            rectangle(CONTENT, self.rows, self.columns),
            rectangle(STYLE, self.style_rows, self.style_columns),
        )
        picks = picked(part, CONTENT, STYLE, *masks)
        objective = prepare(extract, [part], CONTENT, STYLE, picks=picks)

        @jax.jit
        def losses(image):
            found = distances(extract, objective, image)[0]
            return jnp.sum(found), found

        (_, found), gradient = jax.value_and_grad(losses, has_aux=True)(jnp.asarray(image))
        crop = image[self.rows, self.columns]
        expected = loss(part, crop, STYLE[self.style_rows, self.style_columns], crop)
        np.testing.assert_allclose(found, expected, rtol=5e-4, atol=1e-7)
        assert np.abs(gradient[self.rows, self.columns]).max() > 0
        np.testing.assert_array_equal(np.asarray(gradient)[masks[0] == 0], 0)


class TestPicks:
    def test_a_soft_mask_is_a_density(self):
        mask = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (30, 1))
        found = regions.positions_under(mask, (30, 40))
        assert len(found) == pytest.approx(mask.sum(), rel=0.02)
        counts = np.bincount(found % 40, minlength=40) / 30
        np.testing.assert_allclose(counts, mask[0], atol=0.15)
        assert np.bincount(found).max() == 1

    def test_a_grid_is_filled_with_the_nearest_inside(self):
        mask = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]], np.float32)
        found = regions.grid_under(mask, (4, 4))
        assert found.tolist() == [[5, 5, 7], [5, 5, 7], [14, 14, 14]]

    def test_of_a_region_too_small_for_a_layer_a_position_is_left(self):
        mask = np.zeros((64, 64), np.float32)
        mask[40, 9] = 1
        assert regions.positions_under(mask, (4, 4)).tolist() == [8]
        assert regions.grid_under(mask, (4, 4)).tolist() == [[8]]


class TestLooks:
    def test_regions_take_their_own_style(self):
        half = rectangle(CONTENT, slice(None), slice(0, 16))
        found = regions.looks((1.0, 1.0), 1, (Region(half), Region(1 - half)), "sum")
        weight = pytest.approx(np.sqrt(0.5))
        assert found == (
            StyleAssignment((0,), (1.0,), 0, weight),
            StyleAssignment((1,), (1.0,), 1, weight),
        )

    def test_variants_share_and_styles_count_by_their_shares(self):
        found = regions.looks((3.0, 1.0), 2, (), "sum")
        assert [(each.styles, each.weight) for each in found] == [
            ((0,), 0.375),
            ((1,), 0.375),
            ((2,), 0.125),
            ((3,), 0.125),
        ]
        with pytest.raises(ValueError, match="expected one style or one for each of 3 regions"):
            regions.looks((1.0, 1.0), 1, (Region(),) * 3, "sum")

    def test_mixed_targets_are_the_mean(self):
        mixed = term("gram", layers=LAYERS)
        mixed = type(mixed)(**{**vars(mixed), "styles": (0, 1), "shares": (0.25, 0.75)})
        styles = (STYLE, STYLE[:20] ** 2)
        objective = prepare(extract, [mixed], CONTENT, styles)
        each = [prepare(extract, [term("gram", layers=LAYERS)], CONTENT, one) for one in styles]
        for layer in (0, 1):
            expected = 0.25 * each[0].targets[0][layer] + 0.75 * each[1].targets[0][layer]
            np.testing.assert_allclose(objective.targets[0][layer], expected, rtol=1e-5)


class TestTurns:
    def test_quarters_are_exact(self):
        for quarters in range(4):
            found = rotate(CONTENT, 90 * quarters)
            np.testing.assert_array_equal(found, np.rot90(CONTENT, quarters))

    @pytest.mark.parametrize("degrees", [10, 45, 80, 100, 135, -30, 359])
    @pytest.mark.parametrize("shape", [(60, 90), (90, 60), (30, 120), (64, 64)])
    def test_others_have_no_empty_corners(self, degrees, shape):
        found = rotate(np.full((*shape, 3), 0.7, np.float32), degrees)
        assert min(found.shape[:2]) >= 10
        np.testing.assert_allclose(found, 0.7, atol=0.02)


class TestColor:
    def test_chroma_is_the_contents_and_brightness_the_pictures(self):
        picture = 0.3 + 0.4 * RANDOM.random(CONTENT.shape)
        muted = 0.4 + 0.2 * CONTENT
        found = color.with_chroma(picture, muted)
        np.testing.assert_allclose(found @ color._LUMA, picture @ color._LUMA, atol=1e-5)
        difference = (found - color.luma(found)) - (muted - color.luma(muted))
        np.testing.assert_allclose(difference, 0, atol=1e-5)

    def test_histograms_are_matched_as_by_scikit_image(self):
        from skimage.exposure import match_histograms

        found = color.histogram_matched(STYLE, CONTENT)
        expected = match_histograms(STYLE, CONTENT, channel_axis=2)
        np.testing.assert_allclose(found, expected, atol=0.01)

    def test_mean_and_covariance_are_matched(self):
        style = 0.4 + 0.2 * STYLE
        content = 0.4 + 0.1 * CONTENT @ np.array([[1, 0.5, 0], [0, 1, 0], [0.3, 0, 1]])
        found = color.covariance_matched(style, content).reshape(-1, 3)
        np.testing.assert_allclose(found.mean(0), content.reshape(-1, 3).mean(0), atol=1e-3)
        np.testing.assert_allclose(
            np.cov(found.T), np.cov(content.reshape(-1, 3).T), rtol=0.02, atol=1e-5
        )

    @pytest.mark.parametrize("how", ["luminance", "histogram", "covariance", "chroma"])
    def test_flat_pictures_are_no_trouble(self, how):
        flat = np.full((16, 16, 3), 0.5, np.float32)
        for content, style in ((flat, CONTENT), (CONTENT, flat), (flat, flat)):
            for picture in color.before(how, content, style):
                assert np.isfinite(picture).all()
                assert picture.min() >= 0
                assert picture.max() <= 1
            assert np.isfinite(color.after(how, content, content)).all()


@pytest.fixture
def files(tmp_path):
    y, x = np.mgrid[0:40, 0:48] / 48
    content = np.stack([x, y, 1 - x], -1)
    for name, picture in (
        ("content", content),
        ("stripes", np.stack([0.5 + 0.5 * np.sin(60 * x + k) for k in range(3)], -1)),
        ("dots", np.stack([(np.sin(30 * x) * np.sin(30 * y) > 0) * k / 2 for k in range(3)], -1)),
        ("left", np.repeat((x < 0.5)[..., None], 3, 2) * 1.0),
        ("right", np.repeat((x >= 0.5)[..., None], 3, 2) * 1.0),
    ):
        write_image(tmp_path / f"{name}.png", picture.astype(np.float32))
    return tmp_path


def run(files, *words):
    names = [str(files / word) if str(word).endswith(".png") else str(word) for word in words]
    small = ["--size", "48", "--steps", "2", "--scales", "1", "--style-layers", "relu1_1,relu2_1"]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["stylize", *names, "-o", str(files / "out.png"), *small, "--quiet"])
    return stopped.value.code


class TestTheCommandLine:
    def test_two_regions_of_two_styles(self, files):
        masks = ["--content-mask", "left.png", "--content-mask", "right.png"]
        assert run(files, "content.png", "stripes.png", "dots.png", *masks) == 0
        facts = json.loads((files / "out.json").read_text())
        assert set(facts["inputs"]) == {
            *("content", "style", "style#2", "content_mask", "content_mask#2")
        }
        assert {"moments", "moments#2"} < facts["history"].keys()

    def test_scales_rotations_blend_and_colors(self, files):
        words = ["--style-scale", "0.5,1.5", "--style-rotation", "0,30", "--blend", "mix"]
        assert run(files, "content.png", "stripes.png", *words, "--color", "luminance") == 0
        made, content = (read_image(files / f"{name}.png") for name in ("out", "content"))
        ours, theirs = (each - color.luma(each) for each in (made, content))
        assert np.median(np.abs(ours - theirs)) < 0.02

    def test_preview_and_frames(self, files, monkeypatch):
        monkeypatch.setattr(cli, "_PREVIEW_SECONDS", 0.0)
        written = []
        write = write_image
        monkeypatch.setattr(
            images, "write", lambda path, *a, **k: (written.append(path.name), write(path, *a, **k))
        )
        frames = files / "frames"
        words = ["--preview", "--frames", frames]
        assert run(files, "content.png", "stripes.png", *words) == 0
        (frame,) = frames.iterdir()
        assert int(frame.stem) > 0  # the number of its step
        assert written == ["out.png", frame.name, "out.png"]
        assert read_image(frame).shape == (40, 48, 3)
        write_image(frames / "99999.png", STYLE)  # of another size
        example = Path(__file__).parents[2] / "examples" / "05_animation.py"
        for name in ("out.gif", "out.webp", "animated.png"):
            monkeypatch.setattr(sys, "argv", [str(example), str(frames), str(files / name)])
            runpy.run_path(str(example), run_name="__main__")
            with Image.open(files / name) as made:
                assert (made.n_frames, made.size) == (2, STYLE.shape[1::-1])

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--content-mask", "nothing.png"], "there is no file"),
            (["--style-mask", "left.png"], "expected as many style masks"),
            (["--style-scale", "0"], "expected every --style-scale above 0"),
            (["--style-scale", "big"], "expected numbers with commas between"),
            (["--style-shares", "1,2"], "expected 1 style shares, got 2"),
            (["--blend", "mxi"], "mxi"),
            (["--color", "colour"], "colour"),
            (
                ["--metric", "patch", "--blend", "mix", "--style-scale", "1,2"],
                "the targets of patch cannot be mixed",
            ),
        ],
    )
    def test_what_cannot_be_is_one_line(self, files, capsys, words, message):
        assert run(files, "content.png", "stripes.png", *words) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1

    def test_masks_must_fit(self, files):
        tall = np.ones((48, 20), np.float32)
        content = read_image(files / "content.png")
        for mask, words in (
            (tall, "in the proportions of its picture"),
            (np.zeros((40, 48), np.float32), "is black"),
            (np.full((40, 48), 2.0, np.float32), r"in \[0, 1\]"),
        ):
            with pytest.raises(ValueError, match=words):
                guidance.gather(Settings(content_mask=(mask,)), content, [STYLE], 48)


def test_what_is_transparent_is_outside_of_a_mask(tmp_path):
    opaque = np.zeros((24, 32), np.uint8)
    opaque[:, :16] = 255
    white = np.full_like(opaque, 255)
    Image.fromarray(np.stack([white, white, white, opaque], -1)).save(tmp_path / "mask.png")
    settings = Settings(content_mask=(str(tmp_path / "mask.png"),))
    guide = guidance.gather(settings, CONTENT, [STYLE], 32)
    np.testing.assert_array_equal(guide.regions[0].content, opaque / 255)


def test_a_mask_of_ones_leaves_a_run_as_it_is():
    small = {"size": 32, "steps": 3, "scales": 1, "style_layers": ("relu1_1", "relu2_1")}
    ones = np.ones((24, 32), np.float32)
    plain = jaxstyle.stylize(CONTENT, STYLE, **small)
    masked = jaxstyle.stylize(CONTENT, STYLE, content_mask=(ones,), **small)
    np.testing.assert_allclose(masked.image, plain.image, atol=1e-5)
    assert masked.facts["settings"]["content_mask"] == ("an array",)
