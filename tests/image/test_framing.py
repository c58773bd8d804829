"""Framing: sizes that are asked for in words, and what is cropped."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxstyle.image.framing import Frame, frame_of, shape_of, whole_size
from jaxstyle.image.geometry import fit_within

SIDES = (1, 17, 30, 99, 256, 300, 301, 1000)
ASKED = ("1920x1080", "100x100", "30x200", "7x3")


def reference(shape, asked, fit):
    """The size of a picture that covers a box, or is contained in it, by ratios alone."""
    (height, width), (columns, rows) = shape, map(int, asked.split("x"))
    scales = rows / height, columns / width
    return max(scales) if fit == "cover" else min(scales)


@pytest.mark.parametrize("asked", ASKED)
def test_a_content_that_is_large_enough_covers_exactly(asked):
    columns, rows = map(int, asked.split("x"))
    for height in SIDES:
        for width in SIDES:
            if reference((height, width), asked, "cover") > 1:
                continue
            whole = fit_within(height, width, whole_size((height, width), asked))
            assert frame_of(whole, asked).part == (rows, columns)


@pytest.mark.parametrize("asked", ASKED)
def test_a_contained_one_stays_within_and_touches_a_side(asked):
    columns, rows = map(int, asked.split("x"))
    for height in SIDES:
        for width in SIDES:
            scale = reference((height, width), asked, "contain")
            if scale > 1:
                continue
            size = whole_size((height, width), asked, "contain")
            part = frame_of(fit_within(height, width, size), asked, "contain").part
            assert part[0] <= rows
            assert part[1] <= columns
            touches = part[0] == rows or part[1] == columns
            assert touches or min(height, width) * scale < 1


def test_a_smaller_content_gives_the_largest_part_of_these_proportions():
    frame = frame_of((300, 400), "1920x1080")
    assert (frame.size, frame.whole, frame.part) == (1920, (300, 400), (225, 400))


def test_the_part_is_central_and_the_same_of_every_resolution():
    places = np.stack(np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 20)), -1)
    frame = Frame(40, (20, 40), (20, 20))
    for picture in (places, np.repeat(np.repeat(places, 3, 0), 3, 1)):
        part = frame.crop(picture)
        assert part.shape[0] == part.shape[1]
        np.testing.assert_allclose(part.mean((0, 1)), 0, atol=1e-12)
        assert abs(part[..., 0]).max() == pytest.approx(0.5, abs=0.02)


def test_what_was_made_for_the_result_is_not_cropped_again():
    frame = Frame(40, (20, 40), (20, 20))
    mask = np.zeros((50, 50))
    assert frame.crop(mask) is mask


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_shape_is_that_of_the_upright_picture(orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    shape = (30, 20) if orientation > 4 else (20, 30)
    content = (tmp_path / "a.jpg").read_bytes()
    for source in (tmp_path / "a.jpg", str(tmp_path / "a.jpg"), content, io.BytesIO(content)):
        assert shape_of(source) == shape


def test_shapes_of_arrays_and_of_what_is_no_picture(tmp_path):
    assert shape_of(np.zeros((4, 6))) == (4, 6)
    assert shape_of(Image.new("L", (6, 4))) == (4, 6)
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"a text|not a picture"):
        shape_of(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError):
        shape_of(tmp_path / "b.png")
