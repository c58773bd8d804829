"""What the tests of sets share: an empty cache, and a folder of odd pictures."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of caches; sets of TensorFlow Datasets are not far from it."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("JAXSTYLE_CACHE", str(folder))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tensorflow_datasets"))
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of five odd pictures, which are not written in the order of their names."""
    folder = tmp_path_factory.mktemp("odd")
    random = np.random.default_rng(0)

    def noise(*shape, top=256, kind=np.uint8):
        return Image.fromarray(random.integers(0, top, shape).astype(kind))

    noise(9, 14, 4).save(folder / "transparent.png")
    noise(24, 16, 3).convert("CMYK").save(folder / "press.JPG")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    noise(20, 30, 3).save(folder / "held upright.jpeg", exif=exif)
    noise(11, 13, top=65536, kind=np.uint16).save(folder / "deep.png")
    noise(12, 8, 3).quantize(16).save(folder / "Palette.gif")
    return folder
