"""Downloads: single files out of pinned packages, or from an address, whole or not at all."""

import gc
import hashlib
import io
import logging
import os
import re
import socket
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from support.forging import assert_one_line, closed_port, served

from jaxstyle._util.cache import cache_folder
from jaxstyle.weights import download
from jaxstyle.weights.download import Package, Wanted


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("JAXSTYLE_CACHE", str(folder))
    return folder


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("JAXSTYLE_CACHE")
    assert cache_folder() == tmp_path / "xdg" / "jaxstyle"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which its specification says to ignore
    assert cache_folder() == Path.home() / ".cache" / "jaxstyle"


PAYLOAD = b"what is wanted " * 99
PAYLOAD_SHA = hashlib.sha256(PAYLOAD).hexdigest()
BACKEND = b"""
import pathlib
def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder, "tinypack-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: tinypack\\nVersion: 1.0\\n")
    return info.name
def build_wheel(folder, settings=None, metadata=None):
    raise RuntimeError
"""


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its only index, with one tiny package in both forms."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    with zipfile.ZipFile(folder / "tinypack-1.0-py3-none-any.whl", "w") as wheel:
        info = "tinypack-1.0.dist-info"
        wheel.writestr("tinypack/data.bin", PAYLOAD)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    project = b'[build-system]\nrequires = []\nbuild-backend = "made"\nbackend-path = ["."]\n'
    with tarfile.open(folder / "tinypack-1.0.tar.gz", "w:gz") as source:
        for name, content in (
            ("pyproject.toml", project),
            ("PKG-INFO", b"Metadata-Version: 2.1\nName: tinypack\nVersion: 1.0\n"),
            ("made.py", BACKEND),
            ("tinypack/data.bin", PAYLOAD),
        ):
            entry = tarfile.TarInfo(f"tinypack-1.0/{name}")
            entry.size = len(content)
            source.addfile(entry, io.BytesIO(content))
    return folder


def tiny(index, kind):
    name = "tinypack-1.0-py3-none-any.whl" if kind == "wheel" else "tinypack-1.0.tar.gz"
    content = (index / name).read_bytes()
    package = Package("tinypack", "1.0", kind, len(content), hashlib.sha256(content).hexdigest())
    return package, "tinypack/data.bin" if kind == "wheel" else "tinypack-1.0/tinypack/data.bin"


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_file_is_fetched_out_of_a_pinned_package(kind, index, cache, caplog):
    package, member = tiny(index, kind)
    target = cache / "deep" / "data.bin"
    with caplog.at_level(logging.INFO, "jaxstyle"):
        download.fetch(package, [Wanted(member, PAYLOAD_SHA, target)])
    assert target.read_bytes() == PAYLOAD
    first, last = caplog.messages
    assert re.fullmatch(r"fetching tinypack 1.0 \([\d.,]+ (bytes|kB)\) ...", first)
    assert last == "fetched tinypack 1.0"
    assert [entry.name for entry in target.parent.iterdir()] == ["data.bin"]


def test_another_archive_than_the_pinned_one_is_refused(index, cache):
    """pip refuses it before it opens it: this one's build code would leave a file behind."""
    sentinel = cache.parent / "sentinel"
    package, member = tiny(index, "sdist")
    with tarfile.open(index / "tinypack-1.0.tar.gz", "w:gz") as source:
        content = f"open({str(sentinel)!r}, 'w')".encode()
        entry = tarfile.TarInfo("tinypack-1.0/setup.py")
        entry.size = len(content)
        source.addfile(entry, io.BytesIO(content))
    with pytest.raises(OSError, match=r"tinypack 1\.0: .* another SHA-256") as error:
        download.fetch(package, [Wanted(member, PAYLOAD_SHA, cache / "data.bin")])
    assert_one_line(error)
    assert not sentinel.exists()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_another_file_than_the_pinned_one_is_refused(kind, index, cache, monkeypatch):
    package, member = tiny(index, kind)
    archive = next(index.glob("*.whl" if kind == "wheel" else "*.tar.gz"))
    monkeypatch.setattr(download, "_download_with_pip", lambda *_: archive)
    with pytest.raises(OSError, match=r"expected data\.bin to have the SHA-256") as error:
        download.fetch(package, [Wanted(member, "0" * 64, cache / "data.bin")])
    assert_one_line(error)
    assert list(cache.iterdir()) == []


@pytest.fixture
def server():
    with served({"/file": PAYLOAD}) as address:
        yield address


def test_a_file_is_downloaded_from_its_address(server, cache, caplog):
    target = cache / "downloads" / "file"
    with caplog.at_level(logging.INFO, "jaxstyle"):
        download.download(f"{server}/file", target, size=len(PAYLOAD), sha256=PAYLOAD_SHA[:8])
    assert target.read_bytes() == PAYLOAD
    assert "1.5 kB of 1.5 kB" in caplog.messages
    assert [entry.name for entry in target.parent.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("path", "size", "digest", "reason"),
    [
        ("/file", len(PAYLOAD), "0" * 64, "expected file to have the SHA-256"),
        ("/file", len(PAYLOAD) - 1, PAYLOAD_SHA, "longer than the expected"),
        ("/absent", len(PAYLOAD), PAYLOAD_SHA, "Not Found"),
    ],
)
def test_a_wrong_download_leaves_nothing(path, size, digest, reason, server, cache):
    with pytest.raises(OSError, match=reason) as error:
        download.download(f"{server}{path}", cache / "file", size=size, sha256=digest)
    assert_one_line(error, server)
    assert list(cache.iterdir()) == []


def test_a_refused_connection_is_reported_at_once(cache):
    url = f"http://127.0.0.1:{closed_port()}/file"
    started = time.perf_counter()
    with pytest.raises(OSError, match="refused") as error:
        download.download(url, cache / "file", size=1, sha256="00")
    assert time.perf_counter() - started < 2
    assert_one_line(error, url)


# urllib leaves the socket of a response that never came to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_never_answers_is_reported_after_its_timeout(cache):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/file"
        started = time.perf_counter()
        with pytest.raises(OSError, match="timed out") as error:
            download.download(url, cache / "file", size=1, sha256="00", timeout=0.2)
        assert 0.1 < time.perf_counter() - started < 2
    assert_one_line(error, url)
    assert list(cache.iterdir()) == []
    del error
    gc.collect()


# ---- npm: the archive itself is what is wanted, and nothing in it is run.


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A folder on the path whose `npm pack` writes what the test puts into `archive`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    archive = tmp_path / "archive"
    script = folder / "npm"
    script.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/said\ncp {archive} "$4/tinypack-1.0.0.tgz"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return archive


def npm_package(sha256=PAYLOAD_SHA):
    return Package("tinypack", "1.0.0", "npm", len(PAYLOAD), sha256)


def test_a_package_of_npm_is_fetched_whole(npm, tmp_path):
    npm.write_bytes(PAYLOAD)
    target = tmp_path / "target" / "weights.tgz"
    download.fetch(npm_package(), [Wanted("", PAYLOAD_SHA, target)])
    assert target.read_bytes() == PAYLOAD
    assert (tmp_path / "said").read_text().startswith("pack tinypack@1.0.0 --pack-destination")
    assert "--ignore-scripts" in (tmp_path / "said").read_text()


def test_another_package_of_npm_is_refused(npm, tmp_path):
    npm.write_bytes(b"something else")
    target = tmp_path / "target" / "weights.tgz"
    with pytest.raises(OSError, match="not the pinned") as error:
        download.fetch(npm_package(), [Wanted("", PAYLOAD_SHA, target)])
    assert_one_line(error)
    assert not target.exists()


def test_without_npm_or_its_registry_it_is_an_error(npm, tmp_path, monkeypatch):
    wanted = [Wanted("", PAYLOAD_SHA, tmp_path / "weights.tgz")]
    with pytest.raises(OSError, match="npm's registry cannot be reached") as error:
        download.fetch(npm_package(), wanted)  # there is nothing to copy
    assert_one_line(error)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(OSError, match="install Node") as error:
        download.fetch(npm_package(), wanted)
    assert_one_line(error)
