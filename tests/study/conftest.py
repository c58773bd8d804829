"""What tests of studies share: an empty cache, a folder of odd pictures, judges of paint."""

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


@pytest.fixture(scope="session")
def painted():
    """A function: a made-up study with two judges of paint, `lead` better for mixtures."""

    def add(study, lead=0.0):
        mixture = np.array([row["kind"] == "mixture" for row in study["objectives"]])
        shape = (*np.shape(study["scores"])[:2], 2)
        paint = 0.9 + 0.01 * np.random.default_rng(1).normal(size=shape)
        paint -= lead * mixture[:, None, None]
        held_out = np.pad(study["held_out"], ((0, 0), (0, 2)), constant_values=True)
        names = ("paint_precision", "paint_coverage")
        return study | {
            "judges": study["judges"] + [{"name": name, "axis": "paint"} for name in names],
            "scores": np.concatenate([study["scores"], paint], 2).tolist(),
            "held_out": held_out.tolist(),
        }

    return add
