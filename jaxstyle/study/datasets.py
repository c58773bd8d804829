"""Sets of pictures for a study, each named by a text.

- a picture file, or a folder: every picture in it, by name;
- `sample:NAME`, one of jaxstyle's samples, or `sample:*`, all of them;
- `tfds:NAME/SPLIT` or `tfds:NAME/CONFIG/SPLIT`, a set of TensorFlow Datasets that is prepared on
  this machine, where the split is written as everywhere there: `train`, `train[:8]`, `test[50%:]`.

`prepare` makes such a set out of a folder, once; from then on it is read by index, the same
pictures in the same order, whatever happens to the folder. TensorFlow itself is never needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFile

from jaxstyle import samples
from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import sha256
from jaxstyle._util.names import nearest
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import read_image
from jaxstyle.study import picture_folder
from jaxstyle.weights.download import Report, silent

PREFIX = "tfds:"
_SPEC = re.compile(
    r"tfds:(?P<name>[a-z]\w*)(/(?P<config>\w[\w+.-]*))?(:(?P<version>\d+\.\d+\.\d+))?"
    r"/(?P<split>[^/]+)"
)
_CONFIG = re.compile(r"\w[\w+.-]*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
# What sets call the text feature that holds a picture's file name: this module's own, ImageNet's
# and the Oxford pets', COCO's, and others'.
_FILE_FEATURES = ("file", "file_name", "image/filename", "filename")


class Named(NamedTuple):
    """A picture with a name.

    Attributes:
        name: Unlike every other name in its set. Of a file its name without the extension.
        picture: sRGB, values in [0, 1], float32.
        sha256: Of the picture's file, 64 hexadecimal digits. Where a set of TensorFlow Datasets
            does not tell that of the file, of the bytes that it stores.
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
    report: Report | None = None,
) -> list[Named]:
    """Read sets of pictures.

    Args:
        sources: Files, folders, `sample:NAME`, `tfds:NAME/SPLIT`; see this module's head.
        size: Longest side in pixels; smaller pictures are not enlarged.
        data_dir: Where prepared sets of TensorFlow Datasets lie. If not given, they are looked for
            in `sets_folder()`, then where TensorFlow Datasets itself puts them.
        offline: Never fetch a sample. (A set that is not prepared is never fetched.)
        report: Told what is fetched.

    Returns:
        The pictures, source by source. Of a name that is there already the next gets `#2` appended.

    Raises:
        ValueError: A source means nothing, has no pictures or cannot be read as a picture; or an
            extra is missing.
        OSError: A file, a sample or a prepared set is not here, or may not be read.

    >>> [(named.name, named.picture.shape) for named in pictures(["sample:lighthouse"], size=64)]
    [('lighthouse', (48, 64, 3))]
    """
    if isinstance(sources, str):
        raise TypeError(f"expected a list of sources, got the text {sources!r}")
    if size is not None and size < 1:
        raise ValueError(f"expected a size of at least 1 pixel, got {size}")
    found: list[Named] = []
    for source in (os.fspath(each) for each in sources):
        if source.startswith(PREFIX):
            found += _prepared(source, size, data_dir)
        else:
            for name, path in _files(source, offline, report):
                found.append(Named(name, read_image(path, size=size), sha256(path)))
    names = _unique([named.name for named in found])
    return [named._replace(name=name) for named, name in zip(found, names, strict=True)]


def _files(source: str, offline: bool, report: Report | None) -> list[tuple[str, Path]]:
    """Names and files of a source that is not prepared."""
    if source.startswith(samples.PREFIX):
        name = source.removeprefix(samples.PREFIX)
        wanted = [*samples.OWN, *samples.FETCHED] if name == "*" else [name]
        return [
            (each, samples.resolve(samples.PREFIX + each, offline=offline, report=report))
            for each in wanted
        ]
    path = Path(source)
    return [(each.stem, each) for each in (folder_files(path) if path.is_dir() else [path])]


def folder_files(folder: str | Path) -> list[Path]:
    """The picture files in a folder, sorted by name.

    Which files are pictures, their extensions say. Hidden files and folders inside are passed over.

    Raises:
        ValueError: There are none.
        OSError: The folder is not there, or may not be read.
    """
    extensions = _extensions()
    found = sorted(
        (
            path
            for path in Path(folder).iterdir()
            if path.suffix.lower() in extensions
            and not path.name.startswith(".")
            and path.is_file()
        ),
        key=lambda path: path.name,
    )
    if not found:
        raise ValueError(f"there are no pictures in the folder {folder}")
    return found


def _extensions() -> set[str]:
    """The extensions, in lower case, of the formats that Pillow itself can read."""
    extensions = Image.registered_extensions()  # loads every plugin
    # Some formats Pillow only recognizes, and leaves reading them to others: MPEG, and those with a
    # stub. HDF5 is one, so that a file of weights beside the pictures would count as a picture. EPS
    # is a program that Ghostscript would have to run. MPO is read as JPEG is.
    readable = {
        kind
        for kind, (factory, _) in Image.OPEN.items()
        if not (isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile))
    }
    readable = (readable | {"MPO"}) - {"MPEG", "EPS"}
    return {extension for extension, kind in extensions.items() if kind in readable}


def _unique(names: Sequence[str]) -> list[str]:
    """The same names, but none twice.

    >>> _unique(["cat", "dog", "cat", "cat"])
    ['cat', 'dog', 'cat#2', 'cat#3']
    """
    given: dict[str, None] = {}  # a set that keeps the order
    for name in names:
        candidate, number = name, 1
        while candidate in given:
            number += 1
            candidate = f"{name}#{number}"
        given[candidate] = None
    return list(given)


def sets_folder() -> Path:
    """Where `prepare` puts sets, and where they are looked for first; it need not exist yet."""
    return cache_folder() / "tfds"


def prepare(
    folder: str | Path,
    *,
    name: str | None = None,
    data_dir: str | Path | None = None,
    report: Report | None = None,
) -> str:
    """Make a set of TensorFlow Datasets out of a folder of pictures.

    Each picture is put right as `read_image` does it, rounded to 8 bits, and kept losslessly, with
    its file's name and SHA-256. The order is that of the names. Of a folder that is prepared
    already nothing is written again.

    Args:
        folder: Its pictures are those of `folder_files`.
        name: What to call the set: letters, digits, `_`, `-`, `.` and `+`. Another folder needs
            another name.
        data_dir: Where to put it, if not into `sets_folder()`; `pictures` must then be told too.
        report: Told how far it is.

    Returns:
        The text that means the whole set: `tfds:picture_folder/NAME/train`, or without a name
        `tfds:picture_folder/train`.

    Raises:
        ValueError: The folder has no pictures or one that cannot be read, the name is taken by
            other pictures or is not a name, or the extra `datasets` is not installed.
        OSError: The folder cannot be read, or the set cannot be written; no half of it is left.
    """
    if name is not None and (not _CONFIG.fullmatch(name) or _VERSION.fullmatch(name)):
        raise ValueError(f"expected a name of letters, digits, '_', '-', '.' and '+', got {name!r}")
    tfds, tell = picture_folder.library(), report or silent
    files = folder_files(folder)
    rows = [(os.fsencode(path.name), sha256(path).encode()) for path in files]
    root = Path(data_dir).expanduser() if data_dir is not None else sets_folder()
    wanted = _Spec(picture_folder.NAME, name, None, picture_folder.SPLIT)
    spec = str(wanted)

    if there := _find(wanted, [root]):
        examples = _Set(tfds, there, spec).examples()
        if [(each.get("file"), each.get("sha256")) for _, _, each in examples] != rows:
            raise ValueError(
                f"{spec} is already prepared, from other pictures than those in {folder}; "
                f"give another name, or delete {there}"
            )
        tell(f"{spec} is already prepared in {there}")
        return spec

    def example(index: int) -> picture_folder.Example:
        if index and 10 * index // len(files) > 10 * (index - 1) // len(files):
            tell(f"{index} of {len(files)} pictures")
        file, digest = rows[index]
        return {"image": _png(read_image(files[index])), "file": file, "sha256": digest}

    tell(f"preparing {len(files)} pictures of {folder} as {spec} in {root} ...")
    with _quiet(), tempfile.TemporaryDirectory(prefix="jaxstyle-") as downloads:
        picture_folder.builder(
            example,
            len(files),
            config=name,
            data_dir=str(root),
            description=f"{len(files)} pictures, prepared by jaxstyle",
        ).download_and_prepare(file_format="array_record", download_dir=downloads)
    if _find(wanted, [root]) is None:
        # TensorFlow Datasets leaves a folder alone that is there already, whatever is in it.
        raise ValueError(f"something that is no set is in the way of {spec} in {root}")
    return spec


def _png(picture: Picture) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.round(picture * 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of TensorFlow Datasets: that a set is a new one, and not there yet."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Spec(NamedTuple):
    """What `tfds:NAME/CONFIG:VERSION/SPLIT` says."""

    name: str
    config: str | None
    version: str | None
    split: str

    @property
    def builder(self) -> str:
        """Without the split, as TensorFlow Datasets writes it."""
        config = f"/{self.config}" if self.config else ""
        version = f":{self.version}" if self.version else ""
        return f"{self.name}{config}{version}"

    def __str__(self) -> str:
        return f"{PREFIX}{self.builder}/{self.split}"


def _parse(text: str) -> _Spec:
    """What a text says.

    >>> _parse("tfds:picture_folder/paintings/train[:8]")
    _Spec(name='picture_folder', config='paintings', version=None, split='train[:8]')
    >>> _parse("tfds:mnist:3.0.1/test").builder
    'mnist:3.0.1'
    """
    parts = _SPEC.fullmatch(text)
    if parts is None:
        raise ValueError(f"expected tfds:NAME/SPLIT or tfds:NAME/CONFIG/SPLIT, got {text!r}")
    return _Spec(**parts.groupdict())


def _prepared(spec: str, size: int | None, data_dir: str | Path | None) -> list[Named]:
    """The pictures of a set of TensorFlow Datasets."""
    wanted, tfds = _parse(spec), picture_folder.library()
    roots = [Path(data_dir)] if data_dir is not None else [sets_folder(), _libraries_folder()]
    roots = [root.expanduser() for root in roots]
    there = _find(wanted, roots)
    if there is None:
        raise FileNotFoundError(_not_prepared(wanted, roots, data_dir))
    prepared = _Set(tfds, there, spec)
    found = []
    with tempfile.TemporaryDirectory(prefix="jaxstyle-") as folder:
        # `read_image` takes files, and is what puts every kind of picture right.
        path = Path(folder, "picture")
        for part, index, example in prepared.examples(wanted.split):
            stored = example[prepared.image]
            path.write_bytes(stored)
            try:
                picture = read_image(path, size=size)
            except ValueError:
                raise ValueError(f"{spec}: picture {index} of {part} cannot be read") from None
            name = "-".join(filter(None, [wanted.name, wanted.config, part, str(index)]))
            if prepared.file and example[prepared.file]:
                name = PurePosixPath(os.fsdecode(example[prepared.file])).stem or name
            digest = hashlib.sha256(stored).hexdigest()
            if wanted.name == picture_folder.NAME and "sha256" in example:
                digest = example["sha256"].decode()
            found.append(Named(name, picture, digest))
    return found


def _libraries_folder() -> Path:
    """Where TensorFlow Datasets itself puts sets."""
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")


def _find(wanted: _Spec, roots: Sequence[Path]) -> Path | None:
    """The folder of a prepared set: of the version, or else the newest, in the first of `roots`.

    TensorFlow Datasets would import the builders of all sets that it knows to find one.
    """
    for root in roots:
        base = root / wanted.name
        base = base / (wanted.config or _default_config(base) or "")
        versions = [
            path
            for path in (base.iterdir() if base.is_dir() else ())
            if _VERSION.fullmatch(path.name)
            and path.name == (wanted.version or path.name)
            and all((path / part).is_file() for part in ("features.json", "dataset_info.json"))
        ]
        if versions:
            return max(versions, key=lambda path: [int(part) for part in path.name.split(".")])
    return None


def _default_config(folder: Path) -> str | None:
    """What TensorFlow Datasets noted to be the configuration if none is named."""
    try:
        noted = json.loads((folder / ".config" / "metadata.json").read_text(encoding="utf-8"))
        return str(noted["default_config_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _not_prepared(wanted: _Spec, roots: Sequence[Path], data_dir: str | Path | None) -> str:
    """Says that a set is not here, which ones are, and how to make it."""
    configs = sorted(
        {
            path.name
            for root in roots
            for path in (root / wanted.name).glob("*")
            if _find(wanted._replace(config=path.name, version=None), roots)
        }
    )
    if configs:
        others = f"; of {wanted.name} there is {', '.join(configs[:10])}"
    else:
        others = nearest(wanted.name, [path.name for root in roots for path in root.glob("*")])
    where = f", data_dir={_quoted(data_dir)}" if data_dir is not None else ""
    if wanted.name == picture_folder.NAME:
        called = f", name={_quoted(wanted.config)}" if wanted.config else ""
        code = f'from jaxstyle.study.datasets import prepare; prepare("FOLDER"{called}{where})'
        how = "prepare a folder of pictures"
    else:
        code = (
            f"import tensorflow_datasets as tfds; tfds.builder({_quoted(wanted.builder)}{where})"
            '.download_and_prepare(file_format="array_record")'
        )
        how = "download and prepare it"
    return (
        f"{wanted} is not prepared in {' or '.join(map(str, roots))}{others}; "
        f"{how} with: python -c {shlex.quote(code)}"
    )


def _quoted(text: str | Path) -> str:
    # With double quotes always, so that the shell's single quotes go around it.
    return json.dumps(os.fspath(text), ensure_ascii=False)


class _Set:
    """A prepared set, read by index out of its files alone.

    Attributes:
        image: The feature that is a picture.
        file: The feature that is its file's name, or None.
    """

    def __init__(self, tfds: Any, folder: Path, spec: str):
        self._tfds, self._spec, self._folder = tfds, spec, folder
        with self._explained():
            self._builder = tfds.builder_from_directory(os.fspath(folder))
            features = self._builder.info.features
            self._kinds = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
        self.image = self._image()
        texts = [
            key for key in _FILE_FEATURES if isinstance(self._kinds.get(key), tfds.features.Text)
        ]
        self.file = texts[0] if texts else None

    def _image(self) -> str:
        features = self._tfds.features
        found = [
            key
            for key, kind in self._kinds.items()
            # A labeled image is a map of classes; of floats, four bytes are stored as a color each.
            if isinstance(kind, features.Image)
            and not isinstance(kind, features.LabeledImage)
            and kind.np_dtype != np.float32
        ]
        if "image" in found or len(found) == 1:
            return "image" if "image" in found else found[0]
        raise ValueError(
            f"{self._spec}: expected a feature named image, or one picture only, "
            f"got {', '.join(sorted(found)) or 'no picture'}"
        )

    def examples(self, split: str = "all") -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Split, index in it, and features; of the picture, the bytes that are stored."""
        decoders = {
            key: self._tfds.decode.SkipDecoding()
            for key, kind in self._kinds.items()
            if isinstance(kind, self._tfds.features.Image)
        }
        splits = self._builder.info.splits
        try:
            parts = self._tfds.core.ReadInstruction.from_spec(split).to_absolute(splits)
        except (ValueError, NotImplementedError) as error:
            known = ", ".join(f"{key} ({splits[key].num_examples})" for key in splits)
            reason = " ".join(str(error).split())
            raise ValueError(f"{self._spec}: {reason} (there are: {known})") from None
        ranges = [
            (part.splitname, range(splits[part.splitname].num_examples)[part.from_ : part.to])
            for part in parts
        ]
        if not any(indices for _, indices in ranges):
            raise ValueError(f"{self._spec} selects no pictures")
        for name, indices in ranges:
            with self._explained():
                source = self._builder.as_data_source(split=name, decoders=decoders)
            for index in indices:
                with self._explained():
                    example = source[index]
                    if not isinstance(example[self.image], bytes):  # so a file cut short reads
                        raise ValueError(f"record {index} of {name} is empty")
                yield name, index, example

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever goes wrong inside, as one line."""
        try:
            yield
        except NotImplementedError:
            raise ValueError(
                f"{self._spec} is prepared in another format than array_record, in {self._folder}; "
                'prepare it with file_format="array_record" in another data_dir'
            ) from None
        except Exception as error:  # the readers raise anything at all on damaged files
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{self._spec} in {self._folder} is damaged ({reason})") from None
