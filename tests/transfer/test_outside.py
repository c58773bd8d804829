"""What lies outside all masks, and label maps, in whole runs."""

import io
import json
import logging

import numpy as np
import pytest
from PIL import Image
from support.small import CONTENT, OTHER, SMALL, STYLE

import jaxstyle
from jaxstyle.image.io import write_image
from jaxstyle.image.load import load_image
from jaxstyle.plain import from_plain
from jaxstyle.settings import Settings

DISK = (np.hypot(*(np.mgrid[:40, :48] - np.array([20, 24])[:, None, None])) < 13).astype(np.float32)
SOFT = np.clip(1.5 - np.hypot(*(np.mgrid[:40, :48] - np.array([20, 24])[:, None, None])) / 13, 0, 1)
LABELS = np.zeros((40, 48), np.uint8)
LABELS[:, 16:32], LABELS[:, 32:] = 1, 2
# The picture made is the initial one, and nothing is compiled.
STILL = SMALL | {"steps": 0, "init": OTHER}


def png(array, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", **options)
    return file.getvalue()


def test_outside_is_the_content_to_the_bit(tmp_path):
    photo = np.random.default_rng(2).integers(0, 256, (80, 96, 3), np.uint8)
    write_image(tmp_path / "photo.png", photo)
    result = jaxstyle.stylize(tmp_path / "photo.png", STYLE, content_mask=DISK, **STILL)
    result.save(tmp_path / "result.png")
    write_image(tmp_path / "expected.png", load_image(tmp_path / "photo.png", size=48))
    made, expected = (load_image(tmp_path / f"{name}.png") for name in ("result", "expected"))
    np.testing.assert_array_equal(made[DISK == 0], expected[DISK == 0])
    np.testing.assert_array_equal(result.image[DISK == 1], OTHER[DISK == 1])


def test_soft_edges_are_feathered():
    result = jaxstyle.stylize(CONTENT, STYLE, content_mask=SOFT, **STILL)
    share = SOFT[..., None]
    np.testing.assert_allclose(result.image, share * OTHER + (1 - share) * CONTENT, atol=1e-6)
    np.testing.assert_array_equal(result.image[SOFT == 0], CONTENT[SOFT == 0])


def test_outside_style_is_what_the_run_made(caplog):
    caplog.set_level(logging.INFO)
    result = jaxstyle.stylize(CONTENT, STYLE, content_mask=DISK, outside="style", **STILL)
    np.testing.assert_array_equal(result.image, OTHER)
    assert "outside the masks" not in caplog.text
    jaxstyle.stylize(CONTENT, STYLE, content_mask=DISK, **STILL)
    assert caplog.text.count("outside the masks the content stays; --outside style") == 1


def test_masks_of_every_place_leave_nothing_outside(caplog):
    caplog.set_level(logging.INFO)
    masks = {"content_mask": [SOFT, 1 - SOFT]}
    result = jaxstyle.stylize(CONTENT, [STYLE, OTHER], **masks, **STILL)
    np.testing.assert_array_equal(result.image, OTHER)
    assert "outside the masks" not in caplog.text


def test_a_mask_of_another_size_is_resized():
    large = np.kron(DISK, np.ones((3, 3), np.float32))
    for mask in (large, DISK[::2, ::2]):
        image = jaxstyle.stylize(CONTENT, STYLE, content_mask=mask, **STILL).image
        shown = np.asarray(Image.fromarray(mask).resize((48, 40), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(image[shown == 0], CONTENT[shown == 0])
        np.testing.assert_array_equal(image[shown > 0.999], OTHER[shown > 0.999])


def test_previews_and_restored_colors_show_it_too():
    settings = {**STILL, "steps": 1, "color": "chroma", "content_mask": DISK}
    for progress in jaxstyle.iterate(CONTENT, STYLE, **settings):
        image = progress.image
        np.testing.assert_array_equal(image[DISK == 0], CONTENT[DISK == 0])
    restored = jaxstyle.stylize(CONTENT, STYLE, **settings | {"outside": "style"}).image
    np.testing.assert_array_equal(image[DISK == 1], restored[DISK == 1])


def test_manifests_of_before_replay_what_was_outside():
    assert from_plain({"content_mask": ["mask.png"]}).outside == "style"
    assert Settings(content_mask="mask.png").outside == "content"


class TestRegions:
    def test_each_label_takes_its_style_and_the_background_none(self, tmp_path):
        Image.fromarray(LABELS).save(tmp_path / "map.png")
        for name, picture in (("photo", CONTENT), ("a", STYLE), ("b", OTHER)):
            write_image(tmp_path / f"{name}.png", picture)
        styles = [tmp_path / "a.png", tmp_path / "b.png"]
        settings = SMALL | {"steps": 1}
        result = jaxstyle.stylize(
            tmp_path / "photo.png", styles, regions=tmp_path / "map.png", **settings
        )
        path = result.save(tmp_path / "result.png")
        facts = json.loads((tmp_path / "result.json").read_text())
        assert set(facts["inputs"]) == {"content", "style", "style#2", "regions"}
        np.testing.assert_array_equal(result.image[:, :16], CONTENT[:, :16])
        masks = [(LABELS == 1).astype(np.float32), (LABELS == 2).astype(np.float32)]
        same = jaxstyle.stylize(CONTENT, [STYLE, OTHER], content_mask=masks, **settings)
        np.testing.assert_array_equal(result.image, same.image)
        again = jaxstyle.replay(tmp_path / "result.json")
        np.testing.assert_array_equal(again.image, result.image)
        assert path.exists()

    def test_labels_are_named_in_the_order_of_the_styles(self):
        colors = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255)], np.uint8)[LABELS]
        image = jaxstyle.stylize(
            CONTENT, STYLE, regions=colors, region_labels="#00f", **STILL
        ).image
        np.testing.assert_array_equal(image[LABELS != 2], CONTENT[LABELS != 2])
        np.testing.assert_array_equal(image[LABELS == 2], OTHER[LABELS == 2])
        image = jaxstyle.stylize(CONTENT, STYLE, regions=LABELS, region_labels=(0, 2), **STILL)
        np.testing.assert_array_equal(image.image[LABELS == 1], CONTENT[LABELS == 1])

    def test_labels_are_never_blended(self):
        fine = np.kron(LABELS, np.ones((5, 5), np.uint8))
        fine[:, 80:82] = 2  # between 0 and 1, thinner than a pixel of the content
        image = jaxstyle.stylize(CONTENT, STYLE, regions=fine, region_labels=[1], **STILL).image
        np.testing.assert_array_equal(image[:, :16], CONTENT[:, :16])
        np.testing.assert_array_equal(image[:, 17:32], OTHER[:, 17:32])

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (
                {"regions": LABELS, "styles": 3},
                r"one for each of 2 labels, got 3 styles; .* 0 \(33",
            ),
            ({"regions": 0 * LABELS}, r"no label but the background: 0 \(100%, background\)"),
            ({"regions": LABELS, "region_labels": "7"}, "there is no label 7 among"),
            ({"regions": LABELS, "content_mask": DISK}, "expected regions or content masks"),
            ({"region_labels": "7"}, "expected region_labels with regions"),
            ({"regions": LABELS.T}, "expected the label map in the proportions"),
            ({"regions": LABELS, "style_shares": (1, 2), "styles": 2}, "exclude each other"),
            ({"regions": LABELS, "style_mask": [DISK]}, "as many style masks as regions"),
            ({"regions": png(np.uint8(255 * CONTENT))}, "expected a label map of flat colors"),
        ],
    )
    def test_what_cannot_be_used_says_why(self, changes, words):
        styles = [STYLE] * changes.pop("styles", 1)
        with pytest.raises(ValueError, match=words):
            jaxstyle.stylize(CONTENT, styles, **STILL | changes)


def test_a_mask_lies_as_the_file_of_a_turned_photograph():
    exif = Image.Exif()
    exif[274] = 6
    photo = png(np.uint8(255 * np.rot90(CONTENT)), exif=exif)
    upright = load_image(photo)
    np.testing.assert_allclose(upright, CONTENT, atol=1 / 255)
    stored = np.uint8(255 * np.rot90(LABELS == 2))
    image = jaxstyle.stylize(photo, STYLE, content_mask=png(stored), **STILL).image
    np.testing.assert_array_equal(image[LABELS != 2], upright[LABELS != 2])
    np.testing.assert_array_equal(image[LABELS == 2], OTHER[LABELS == 2])
    other = png(np.ascontiguousarray(np.rot90(LABELS)))
    same = jaxstyle.stylize(photo, STYLE, regions=other, region_labels=[2], **STILL).image
    np.testing.assert_array_equal(same, image)
