"""Sets of pictures for a study, each named by a text.

- a picture file, or a folder: every picture in it, sorted by name;
- `sample:NAME`, one of jaxstyle's samples, or `sample:*`, all of them;
- `tfds:NAME/SPLIT` or `tfds:NAME/CONFIG/SPLIT`, a prepared set of TensorFlow Datasets, whose split
  is written as usual: `train`, `train[:8]`, `test[50%:]`.

`prepare` makes such a set from a folder once; it is then read by index, the same pictures in the
same order, whatever happens to the folder. TensorFlow itself is never needed.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFile

from jaxstyle import samples
from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle.image.io import read_image
from jaxstyle.study import prepared_sets
from jaxstyle.study.prepared_sets import SetSpec

# The text features that hold a picture's file name: in sets of `prepare`, in ImageNet and the
# Oxford pets, in COCO, and in others.
_FILE_FEATURES = ("file", "file_name", "image/filename", "filename")


class Named(NamedTuple):
    """A picture with a name.

    Attributes:
        name: Unique in its set; the name of the file without the extension.
        picture: sRGB, values in [0, 1], float32.
        sha256: Of the picture's file, 64 hexadecimal digits; of the stored bytes where a set of
            TensorFlow Datasets does not record that of the file.
    """

    name: str
    picture: Float[np.ndarray, "h w 3"]
    sha256: str


def pictures(
    sources: Sequence[str | Path],
    *,
    size: int | None = None,
    data_dir: str | Path | None = None,
    offline: bool = False,
) -> list[Named]:
    """Read sets of pictures.

    Args:
        sources: Files, folders, `sample:NAME`, `tfds:NAME/SPLIT`; see the module's docstring.
        size: Longest side in pixels; smaller pictures are not enlarged.
        data_dir: The folder of prepared sets. By default `sets_folder()` is searched, then the
            default folder of TensorFlow Datasets.
        offline: Never fetch a sample. (A set that is not prepared is never fetched.)

    Returns:
        The pictures, source by source. A name that occurred before gets `#2` appended, then `#3`.

    Raises:
        ValueError: A source is malformed, has no pictures or is not a picture; or the extra
            `datasets` is not installed.
        OSError: A file, a sample or a prepared set does not exist, or may not be read.

    >>> [(named.name, named.picture.shape) for named in pictures(["sample:lighthouse"], size=64)]
    [('lighthouse', (48, 64, 3))]
    """
    if isinstance(sources, str):
        raise TypeError(f"expected a list of sources, got the text {sources!r}")
    if size is not None and size < 1:
        raise ValueError(f"expected a size of at least 1 pixel, got {size}")
    named: list[Named] = []
    for source in [os.fspath(source) for source in sources]:
        if source.startswith(prepared_sets.PREFIX):
            named += _read_set(source, size, data_dir)
        else:
            for name, path in _files(source, offline):
                named.append(Named(name, read_image(path, size=size), sha256(path)))
    names = _unique([picture.name for picture in named])
    return [picture._replace(name=name) for picture, name in zip(named, names, strict=True)]


def _files(source: str, offline: bool) -> list[tuple[str, Path]]:
    """Return the names and files of a file, a folder or a sample."""
    if source.startswith(samples.PREFIX):
        name = source.removeprefix(samples.PREFIX)
        names = [*samples.OWN, *samples.FETCHED] if name == "*" else [name]
        return [(name, samples.resolve(samples.PREFIX + name, offline=offline)) for name in names]
    path = Path(source)
    return [(file.stem, file) for file in (folder_files(path) if path.is_dir() else [path])]


def folder_files(folder: str | Path) -> list[Path]:
    """Return the picture files in a folder, sorted by name.

    Extensions decide what is a picture. Hidden files and folders inside are skipped.

    Raises:
        ValueError: There are none.
        OSError: The folder does not exist, or may not be read.
    """
    extensions = _extensions()
    paths = sorted(Path(folder).iterdir(), key=lambda path: path.name)
    visible = (path for path in paths if not path.name.startswith("."))
    files = [path for path in visible if path.suffix.lower() in extensions and path.is_file()]
    if not files:
        raise ValueError(f"there are no pictures in the folder {folder}")
    return files


def _extensions() -> set[str]:
    """Return the extensions, in lower case, of the formats that Pillow itself can read."""
    extensions = Image.registered_extensions()  # loads every plugin
    # Pillow only recognizes some formats and leaves reading them to others: MPEG, and those with a
    # stub, such as HDF5 (a file of weights beside the pictures is no picture). EPS is a program
    # that Ghostscript would have to run. MPO is read as JPEG is.
    readable = {
        kind
        for kind, (factory, _) in Image.OPEN.items()
        if not (isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile))
    }
    readable = (readable | {"MPO"}) - {"MPEG", "EPS"}
    return {extension for extension, kind in extensions.items() if kind in readable}


def _unique(names: Sequence[str]) -> list[str]:
    """Return the names with a number appended to each that occurred before.

    >>> _unique(["cat", "dog", "cat", "cat"])
    ['cat', 'dog', 'cat#2', 'cat#3']
    """
    unique: dict[str, None] = {}  # a set that keeps the order
    for name in names:
        candidate, number = name, 1
        while candidate in unique:
            number += 1
            candidate = f"{name}#{number}"
        unique[candidate] = None
    return list(unique)


def sets_folder() -> Path:
    """Return where `prepare` writes sets, and where they are looked up first."""
    return cache_folder() / "tfds"


def prepare(
    folder: str | Path, *, name: str | None = None, data_dir: str | Path | None = None
) -> str:
    """Make a set of TensorFlow Datasets from a folder of pictures.

    Each picture is read by `read_image`, rounded to 8 bits, and stored losslessly with its file's
    name and SHA-256, sorted by name. A folder that is prepared already is not written again.

    Args:
        folder: Its pictures are those of `folder_files`.
        name: Name of the set: letters, digits, `_`, `-`, `.` and `+`. Another folder needs another
            name.
        data_dir: Where to write it (default: `sets_folder()`); `pictures` then needs it too.

    Returns:
        The text that names the whole set: `tfds:picture_folder/NAME/train`, or without a name
        `tfds:picture_folder/train`.

    Raises:
        ValueError: The folder has no pictures or one that cannot be read, the name is malformed or
            taken by other pictures, or the extra `datasets` is not installed.
        OSError: The folder cannot be read, or the set cannot be written; no half of it is left.
    """
    if name is not None and not prepared_sets.CONFIG.fullmatch(name):
        raise ValueError(f"expected a name of letters, digits, '_', '-', '.' and '+', got {name!r}")
    prepared_sets.library()
    files = folder_files(folder)
    labels = [(os.fsencode(path.name), sha256(path).encode()) for path in files]
    root = sets_folder() if data_dir is None else Path(data_dir).expanduser()
    builder = "/".join(filter(None, [prepared_sets.FOLDERS, name]))
    spec = SetSpec.parse(f"{prepared_sets.PREFIX}{builder}/train")
    if location := prepared_sets.find(spec, [root]):
        stored = [features for _, _, features in prepared_sets.read(spec, location)]
        if [(features.get("file"), features.get("sha256")) for features in stored] != labels:
            raise ValueError(
                f"{spec.text} is already prepared, from other pictures than those in {folder}; "
                f"give another name, or delete {location}"
            )
        logger.info("%s is already prepared in %s", spec.text, location)
        return spec.text

    def examples() -> Iterator[dict[str, bytes]]:
        for path, (file, digest) in zip(files, labels, strict=True):
            pixels = np.round(read_image(path) * 255).astype(np.uint8)
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "PNG")
            yield {"image": stream.getvalue(), "file": file, "sha256": digest}

    logger.info("preparing %d pictures of %s as %s in %s ...", len(files), folder, spec.text, root)
    prepared_sets.write(spec, root, examples())
    return spec.text


def _read_set(text: str, size: int | None, data_dir: str | Path | None) -> list[Named]:
    """Read the pictures of a prepared set of TensorFlow Datasets."""
    spec = SetSpec.parse(text)
    prepared_sets.library()
    default = Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")
    roots = [sets_folder(), default] if data_dir is None else [Path(data_dir)]
    roots = [root.expanduser() for root in roots]
    location = prepared_sets.find(spec, roots)
    if location is None:
        given = None if data_dir is None else Path(data_dir)
        raise FileNotFoundError(prepared_sets.missing(spec, roots, given))
    named = []
    with tempfile.TemporaryDirectory(prefix="jaxstyle-") as folder:
        path = Path(folder, "picture")  # `read_image` reads files
        for label, stored, features in prepared_sets.read(spec, location):
            path.write_bytes(stored)
            try:
                picture = read_image(path, size=size)
            except ValueError:
                raise ValueError(f"{spec.text}: the picture {label} cannot be read") from None
            name = "-".join(filter(None, [spec.name, spec.config, label]))
            file = next((features[key] for key in _FILE_FEATURES if features.get(key)), b"")
            if isinstance(file, bytes):
                name = PurePosixPath(os.fsdecode(file)).stem or name
            digest = hashlib.sha256(stored).hexdigest()
            if spec.name == prepared_sets.FOLDERS:
                digest = features["sha256"].decode()
            named.append(Named(name, picture, digest))
    return named
