"""Sets of pictures for a study, each named by a text.

- a picture file, or a folder: every picture in it, sorted by name;
- `sample:NAME`, one of jaxstyle's samples, or `sample:*`, all of them;
- `tfds:NAME/SPLIT` or `tfds:NAME/CONFIG/SPLIT`, a prepared set of TensorFlow Datasets, whose split
  is written as usual: `train`, `train[:8]`, `test[50%:]`.

`prepare` makes such a set from a folder once; it is then read by index, the same pictures in the
same order, whatever happens to the folder. TensorFlow Datasets is an extra, imported when a
function needs it; TensorFlow itself is never needed.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shlex
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxstyle import samples
from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle.image.encode import as_pillow
from jaxstyle.image.files import folder_files
from jaxstyle.image.geometry import Picture, resize
from jaxstyle.image.io import read_image
from jaxstyle.image.load import load_image
from jaxstyle.image.transparency import WHITE

_FOLDERS = "picture_folder"  # the name of all sets made from folders; the config tells them apart
_CONFIG = re.compile(r"(?!\d+\.\d+\.\d+$)\w[\w+.-]*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_SPEC = re.compile(
    r"tfds:(?P<builder>(?P<name>[a-z]\w*)(/(?P<config>\w[\w+.-]*))?"
    r"(:(?P<version>\d+\.\d+\.\d+))?)/(?P<split>[^/]+)"
)
_SHARD = 32  # pictures in one file
# The text features that hold a picture's file name: in sets of `prepare`, in ImageNet and the
# Oxford pets, in COCO, and in others.
_FILE_FEATURES = ("file", "file_name", "image/filename", "filename")


class Named(NamedTuple):
    """A picture with a name."""

    name: str  # unique in its set; the name of the file without the extension
    picture: Float[np.ndarray, "h w 3"]  # sRGB, values in [0, 1], float32
    sha256: str  # of the file; of the stored bytes where a prepared set does not record that


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
        data_dir: The folder of prepared sets. By default the folder `tfds` of jaxstyle's cache is
            searched, then the default folder of TensorFlow Datasets.
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
        if source.startswith("tfds:"):
            named += _read_set(source, size, data_dir)
        else:
            files = _files(source, offline)
            named += (Named(name, _read(p, size), sha256(p)) for name, p in files)
    names = _unique([picture.name for picture in named])
    return [picture._replace(name=name) for picture, name in zip(named, names, strict=True)]


def square(named: Named, size: int) -> Named:
    """Crop a picture to its middle square, and resize that; `ValueError` if it is too small."""
    height, width = named.picture.shape[:2]
    side = min(height, width)
    if side < size:
        raise ValueError(f"{named.name} is smaller than {size} pixels: {width} × {height}")
    top, left = (height - side) // 2, (width - side) // 2
    middle = named.picture[top : top + side, left : left + side]
    return named._replace(picture=resize(middle, (size, size)))


def _read(path: Path, size: int | None = None) -> Picture:
    return read_image(path, size=size, background=WHITE)


def _files(source: str, offline: bool) -> list[tuple[str, Path]]:
    """Return the names and files of a file, a folder or a sample."""
    if source.startswith(samples.PREFIX):
        name = source.removeprefix(samples.PREFIX)
        names = [*samples.OWN, *samples.FETCHED] if name == "*" else [name]
        return [(name, samples.resolve(samples.PREFIX + name, offline=offline)) for name in names]
    path = Path(source)
    return [(file.stem, file) for file in (folder_files(path) if path.is_dir() else [path])]


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


def prepare(
    folder: str | Path, *, name: str | None = None, data_dir: str | Path | None = None
) -> str:
    """Make a set of TensorFlow Datasets from the pictures of a folder, and return its text.

    The text is `tfds:picture_folder/NAME/train`, or without a name `tfds:picture_folder/train`.
    The pictures of `folder_files`, read by `read_image` and rounded to 8 bits, are stored
    losslessly with their files' names and SHA-256. What is prepared already is not written again.

    Args:
        name: Letters, digits, `_`, `-`, `.` and `+`. Another folder needs another name.
        data_dir: The folder of prepared sets (default: `tfds` in jaxstyle's cache).

    Raises:
        ValueError: The folder has no pictures or one that cannot be read, the name is malformed or
            taken by other pictures, or the extra `datasets` is not installed.
        OSError: The folder cannot be read, or the set cannot be written; no half of it is left.
    """
    if name is not None and not _CONFIG.fullmatch(name):
        raise ValueError(f"expected a name of letters, digits, '_', '-', '.' and '+', got {name!r}")
    _library()
    files = [(path, sha256(path)) for path in folder_files(folder)]
    root = Path(data_dir or cache_folder() / "tfds").expanduser()
    text = "/".join(filter(None, [f"tfds:{_FOLDERS}", name, "train"]))
    if location := _find([root], _FOLDERS, name, None):
        stored = [(named.name, named.sha256) for named in _read_set(text, None, root)]
        if stored != [(path.stem, digest) for path, digest in files]:
            hint = f"give another name, or delete {location}"
            raise ValueError(f"{text} is already prepared, from other pictures; {hint}")
        logger.info("%s is already prepared in %s", text, location)
    else:
        logger.info("preparing %d pictures of %s as %s in %s ...", len(files), folder, text, root)
        _write_set(files, root / _FOLDERS / (name or "") / "1.0.0", name)
    return text


def _library() -> Any:
    """Return the module `tensorflow_datasets`; `ValueError` without the extra `datasets`."""
    try:
        # TensorFlow Datasets imports these two late, with errors of its own.
        importlib.import_module("importlib_resources")
        importlib.import_module("array_record.python.array_record_data_source")
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        how = f"pip install 'jaxstyle[datasets]' ({error})"
        raise ValueError(f"sets of TensorFlow Datasets need the extra datasets: {how}") from None


def _find(roots: list[Path], name: str, config: str | None, version: str | None) -> Path | None:
    """Return the folder of a set, of its version or the newest, in the first root that has it."""
    for base in (root / name for root in roots):
        chosen, metadata = config or "", base / ".config" / "metadata.json"
        if not chosen and metadata.is_file():
            chosen = json.loads(metadata.read_text("utf-8")).get("default_config_name") or ""
        infos = (base / chosen).glob(f"{version or '*'}/dataset_info.json")
        if versions := [i.parent for i in infos if _VERSION.fullmatch(i.parent.name)]:
            return max(versions, key=lambda path: [*map(int, path.name.split("."))])
    return None


def _how_to_prepare(spec: re.Match[str], data_dir: str | Path | None) -> str:
    """Return the command that prepares a set; the shell's single quotes enclose double ones."""
    quoted = partial(json.dumps, ensure_ascii=False)
    where = f", data_dir={quoted(str(data_dir))}" if data_dir is not None else ""
    code = f"import tensorflow_datasets as tfds; tfds.builder({quoted(spec['builder'])}{where})"
    code += '.download_and_prepare(file_format="array_record")'
    if spec["name"] == _FOLDERS:
        name = f", name={quoted(spec['config'])}" if spec["config"] else ""
        code = f'from jaxstyle.study.datasets import prepare; prepare("FOLDER"{name}{where})'
    return f"python -c {shlex.quote(code)}"


def _read_set(text: str, size: int | None, data_dir: str | Path | None) -> list[Named]:
    """Read the pictures of a prepared set."""
    spec, theirs = _SPEC.fullmatch(text), os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    if spec is None:
        raise ValueError(f"expected tfds:NAME/SPLIT or tfds:NAME/CONFIG/SPLIT, got {text!r}")
    tfds = _library()
    roots = [Path(data_dir)] if data_dir else [cache_folder() / "tfds", Path(theirs)]
    roots = [root.expanduser() for root in roots]
    location = _find(roots, spec["name"], spec["config"], spec["version"])
    if location is None:
        where, how = " or ".join(map(str, roots)), _how_to_prepare(spec, data_dir)
        raise FileNotFoundError(f"{text} is not prepared in {where}; prepare it with: {how}")
    try:
        builder = tfds.builder_from_directory(os.fspath(location))
        examples = _examples(tfds, builder, spec["split"])
    except Exception as error:  # the readers raise anything at all on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{text} cannot be read from {location}: {reason}") from None
    if not examples:
        raise ValueError(f"{text} selects no pictures")
    # Subclasses are maps of classes; of floats, four bytes are stored as one color.
    exact = [k for k, kind in builder.info.features.items() if type(kind) is tfds.features.Image]
    usable = sorted(key for key in exact if builder.info.features[key].np_dtype != np.float32)
    if "image" not in usable and len(usable) != 1:
        wanted = "expected a feature named image, or exactly one picture"
        raise ValueError(f"{text}: {wanted}, got {', '.join(usable) or 'no picture'}")
    image = "image" if "image" in usable else usable[0]
    named = []
    for label, features in examples:
        name = f"example {label} of {text}"
        picture = load_image(features[image], name, size, background=WHITE)
        texts = (features[key] for key in _FILE_FEATURES if isinstance(features.get(key), bytes))
        name = PurePosixPath(os.fsdecode(next(filter(None, texts), b""))).stem
        name = name or "-".join(filter(None, [spec["name"], spec["config"], label]))
        recorded = features.get("sha256", b"") if spec["name"] == _FOLDERS else b""
        digest = recorded.decode() or hashlib.sha256(features[image]).hexdigest()
        named.append(Named(name, picture, digest))
    return named


def _examples(tfds: Any, builder: Any, split: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the examples of a split by index: a label, and features with undecoded pictures."""
    images = [k for k, f in builder.info.features.items() if isinstance(f, tfds.features.Image)]
    decoders = {key: tfds.decode.SkipDecoding() for key in images}
    examples = []
    for part in tfds.core.ReadInstruction.from_spec(split).to_absolute(builder.info.splits):
        source = builder.as_data_source(split=part.splitname, decoders=decoders)
        for index in range(len(source))[part.from_ : part.to]:
            features = source[index]
            if any(features[key] is None for key in images):  # a truncated file
                raise ValueError(f"record {index} of {part.splitname} is empty")
            examples.append((f"{part.splitname}-{index}", features))
    return examples


def _write_set(files: Sequence[tuple[Path, str]], target: Path, config: str | None) -> None:
    """Write pictures, with their files' names and checksums, into a folder, all or none."""
    tfds = _library()
    text, image = tfds.features.Text(), tfds.features.Image(encoding_format="png")
    features = tfds.features.FeaturesDict({"image": image, "file": text, "sha256": text})
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as temporary:
        folder, version = Path(temporary, target.name), tfds.core.Version(target.name)
        folder.mkdir()
        identity = tfds.core.DatasetIdentity(
            _FOLDERS, version, os.fspath(folder), module_name=__name__, config_name=config
        )
        info = tfds.core.DatasetInfo(builder=identity, features=features)
        # Unlike the usual builder it keeps the order, and never needs TensorFlow.
        writer = tfds.core.SequentialWriter(info, _SHARD, file_format="array_record")
        writer.initialize_splits(["train"])
        for path, digest in files:
            example = {
                "image": as_pillow(_read(path)),
                "file": os.fsencode(path.name),
                "sha256": digest,
            }
            writer.add_examples({"train": [example]})
        writer.close_all()
        folder.rename(target)
