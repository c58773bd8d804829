"""Sets of pictures: the same text gives the same pictures, in the same order, with their hashes."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from jaxstyle import samples
from jaxstyle.image.io import read_image
from jaxstyle.study.datasets import folder_files, pictures

pytestmark = pytest.mark.usefixtures("cache")
ORDER = ["Palette", "deep", "held upright", "press", "transparent"]


def hashes(folder):
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


class TestFiles:
    def test_a_folder_is_read_by_name(self, folder):
        read = pictures([folder])
        assert [named.name for named in read] == ORDER
        for path in folder.iterdir():
            [named] = [named for named in read if named.name == path.stem]
            over_white = read_image(path, background=(1, 1, 1))
            np.testing.assert_array_equal(named.picture, over_white)
            assert named.picture.dtype == np.float32
            assert named.sha256 == hashes(folder)[path.stem]

    def test_only_pictures_are_read(self, tmp_path):
        for name in ("b.PNG", "a.Jpeg", "c.mpo.jpg", ".hidden.png", "._b.PNG"):
            Image.new("RGB", (4, 3)).save(tmp_path / name)
        (tmp_path / "inside.png").mkdir()
        Image.new("RGB", (4, 3)).save(tmp_path / "inside.png" / "deeper.png")
        for name in ("weights.h5", "notes.txt", "film.mpg", "program.eps", "png"):
            (tmp_path / name).write_bytes(b"no picture")
        assert [path.name for path in folder_files(tmp_path)] == [
            "a.Jpeg",
            "b.PNG",
            "c.mpo.jpg",
        ]

    def test_a_folder_without_pictures_is_named(self, tmp_path):
        (tmp_path / "notes.txt").write_text("no picture")
        with pytest.raises(ValueError, match=f"no pictures in the folder {tmp_path}"):
            pictures([str(tmp_path)])

    def test_what_is_not_there_suggests_the_nearest(self, folder):
        with pytest.raises(FileNotFoundError, match=r"did you mean 'deep\.png'"):
            pictures([folder / "deap.png"])

    def test_a_broken_picture_is_named(self, tmp_path):
        (tmp_path / "broken.png").write_bytes(b"\x89PNG")
        with pytest.raises(ValueError, match=r"broken\.png is not a picture"):
            pictures([tmp_path])

    def test_samples(self):
        path = samples.resolve("sample:valley")
        [named] = pictures(["sample:valley"], size=32, offline=True)
        assert named.name == "valley"
        assert named.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        np.testing.assert_array_equal(named.picture, read_image(path, size=32))
        with pytest.raises(ValueError, match="did you mean 'valley'"):
            pictures(["sample:vally"])
        with pytest.raises(FileNotFoundError, match="the sample venice is not here"):
            pictures(["sample:venice"], offline=True)

    def test_all_samples(self, monkeypatch):
        with pytest.raises(FileNotFoundError, match="the sample astronaut is not here"):
            pictures(["sample:*"], size=16, offline=True)
        monkeypatch.setattr(samples, "FETCHED", {})
        assert [named.name for named in pictures(["sample:*"], size=16)] == [*samples.OWN]

    def test_no_name_comes_twice(self, folder):
        sources = [folder / "deep.png", folder, folder / "deep.png", "sample:valley"]
        names = [named.name for named in pictures(sources, size=8)]
        assert names == ["deep", "Palette", "deep#2", *ORDER[2:], "deep#3", "valley"]

    def test_the_size_is_of_the_longest_side_and_never_enlarges(self, folder):
        shapes = [named.picture.shape for named in pictures([folder], size=14)]
        assert shapes == [(12, 8, 3), (11, 13, 3), (14, 9, 3), (14, 9, 3), (9, 14, 3)]

    def test_what_makes_no_sense(self, folder):
        with pytest.raises(ValueError, match="a size of at least 1 pixel, got 0"):
            pictures([folder], size=0)
        with pytest.raises(TypeError, match="expected a list of sources"):
            pictures("sample:valley")
        assert pictures([]) == []
