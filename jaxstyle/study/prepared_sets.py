"""Sets of TensorFlow Datasets on this machine, read and written without TensorFlow.

The library is an extra: it is imported when a function is called, never with this module.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PREFIX = "tfds:"
FOLDERS = "picture_folder"
"""The name of all sets made from folders; the configuration tells them apart."""
CONFIG = re.compile(r"(?!\d+\.\d+\.\d+$)\w[\w+.-]*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_SPEC = re.compile(
    r"tfds:(?P<builder>(?P<name>[a-z]\w*)(/(?P<config>\w[\w+.-]*))?"
    r"(:(?P<version>\d+\.\d+\.\d+))?)/(?P<split>[^/]+)"
)
_SHARD = 32  # pictures in one file


class SetSpec(NamedTuple):
    """The parts of `tfds:NAME/CONFIG:VERSION/SPLIT`; `builder` is all before the split.

    >>> SetSpec.parse("tfds:picture_folder/paintings/train[:8]")[1:]
    ('picture_folder/paintings', 'picture_folder', 'paintings', None, 'train[:8]')
    """

    text: str
    builder: str
    name: str
    config: str | None
    version: str | None
    split: str

    @classmethod
    def parse(cls, text: str) -> SetSpec:
        """Parse a text; raise `ValueError` if it has another form."""
        parts = _SPEC.fullmatch(text)
        if parts is None:
            raise ValueError(f"expected tfds:NAME/SPLIT or tfds:NAME/CONFIG/SPLIT, got {text!r}")
        return cls(text, **parts.groupdict())


def library() -> Any:
    """Return the module `tensorflow_datasets`.

    Raises:
        ValueError: The extra `datasets` is not installed.
    """
    try:
        # TensorFlow Datasets imports these two late, with errors of its own.
        importlib.import_module("importlib_resources")
        importlib.import_module("array_record.python.array_record_data_source")
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise ValueError(
            "sets of TensorFlow Datasets need the extra datasets: "
            f"pip install 'jaxstyle[datasets]' ({error})"
        ) from None


def find(spec: SetSpec, roots: Sequence[Path]) -> Path | None:
    """Return the folder of a set, of its version or the newest, in the first root that has it."""
    for root in roots:
        base = root / spec.name
        config, metadata = spec.config or "", base / ".config" / "metadata.json"
        if not config and metadata.is_file():
            config = json.loads(metadata.read_text("utf-8")).get("default_config_name") or ""
        versions = [
            info.parent
            for info in (base / config).glob(f"{spec.version or '*'}/dataset_info.json")
            if _VERSION.fullmatch(info.parent.name)
        ]
        if versions:
            return max(versions, key=lambda path: [*map(int, path.name.split("."))])
    return None


def missing(spec: SetSpec, roots: Sequence[Path], data_dir: Path | None) -> str:
    """Return the line that says that a set is missing, and how to prepare it."""

    def quoted(text: object) -> str:
        # Always with double quotes, so that the shell's single quotes can enclose it.
        return json.dumps(str(text), ensure_ascii=False)

    where = f", data_dir={quoted(data_dir)}" if data_dir is not None else ""
    if spec.name == FOLDERS:
        name = f", name={quoted(spec.config)}" if spec.config else ""
        code = f'from jaxstyle.study.datasets import prepare; prepare("FOLDER"{name}{where})'
    else:
        code = f"import tensorflow_datasets as tfds; tfds.builder({quoted(spec.builder)}{where})"
        code += '.download_and_prepare(file_format="array_record")'
    where = " or ".join(map(str, roots))
    return f"{spec.text} is not prepared in {where}; prepare it with: python -c {shlex.quote(code)}"


def read(spec: SetSpec, folder: Path) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Read a split of the set in a folder by index.

    Returns:
        For each example a label such as `train-7`, the picture's stored bytes, and all features.

    Raises:
        ValueError: The set is damaged or not stored as array_record, there is no such split, it
            is empty, or no feature or several could be the picture.
    """
    tfds = library()
    examples = []
    try:
        builder = tfds.builder_from_directory(os.fspath(folder))
        kinds, splits = dict(builder.info.features), builder.info.splits
        images = [key for key, kind in kinds.items() if isinstance(kind, tfds.features.Image)]
        decoders = {key: tfds.decode.SkipDecoding() for key in images}
        for part in tfds.core.ReadInstruction.from_spec(spec.split).to_absolute(splits):
            source = builder.as_data_source(split=part.splitname, decoders=decoders)
            for index in range(len(source))[part.from_ : part.to]:
                features = source[index]
                if any(features[key] is None for key in images):  # a truncated file
                    raise ValueError(f"record {index} of {part.splitname} is empty")
                examples.append((f"{part.splitname}-{index}", features))
    except Exception as error:  # the readers raise anything at all on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{spec.text} cannot be read from {folder}: {reason}") from None
    if not examples:
        raise ValueError(f"{spec.text} selects no pictures")
    # Subclasses are maps of classes; of floats, four bytes are stored as one color.
    usable = [
        key
        for key in images
        if type(kinds[key]) is tfds.features.Image and kinds[key].np_dtype != np.float32
    ]
    if "image" not in usable and len(usable) != 1:
        raise ValueError(
            f"{spec.text}: expected a feature named image, or exactly one picture, "
            f"got {', '.join(sorted(usable)) or 'no picture'}"
        )
    picture = "image" if "image" in usable else usable[0]
    return [(label, features[picture], features) for label, features in examples]


def write(spec: SetSpec, root: Path, examples: Iterable[dict[str, bytes]]) -> None:
    """Write a set of pictures, whole or not at all.

    Args:
        spec: With the only split.
        root: The folder of sets.
        examples: `image`, a PNG; `file`, the picture's file name; `sha256`, of that file.

    Raises:
        OSError: The set cannot be written.
    """
    tfds = library()
    target = root / spec.name / (spec.config or "") / "1.0.0"
    target.parent.mkdir(parents=True, exist_ok=True)
    text = tfds.features.Text()
    image = tfds.features.Image(shape=(None, None, 3), encoding_format="png")
    features = tfds.features.FeaturesDict({"image": image, "file": text, "sha256": text})
    with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as temporary:
        folder = Path(temporary, target.name)
        folder.mkdir()
        identity = tfds.core.DatasetIdentity(
            spec.name,
            version=tfds.core.Version(target.name),
            data_dir=os.fspath(folder),
            module_name=__name__,
            config_name=spec.config,
        )
        info = tfds.core.DatasetInfo(builder=identity, features=features)
        # Unlike the usual builder it keeps the order, and never needs TensorFlow.
        writer = tfds.core.SequentialWriter(info, _SHARD, file_format="array_record")
        writer.initialize_splits([spec.split])
        writer.add_examples({spec.split: examples})
        writer.close_all()
        folder.rename(target)
