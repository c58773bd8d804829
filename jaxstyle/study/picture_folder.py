"""The builder with which TensorFlow Datasets keeps a folder of pictures.

It lies in a module of its own because TensorFlow Datasets notes that module in every set that it
writes, and finds a builder's files only inside a package. The library is an extra: it is imported
when a function here is called, never when this module is.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any, TypedDict

NAME = "picture_folder"
SPLIT = "train"
"""The only split: of a plain folder, nothing says what is for training and what for testing."""
_SHARD = 32
"""Pictures a file. Those of one file are in memory together while it is written."""


class Example(TypedDict):
    """One picture as it is stored.

    Attributes:
        image: A PNG, 8 bits, RGB.
        file: The name of the picture's file, as the file system's bytes.
        sha256: Of that file, 64 hexadecimal digits in ASCII.
    """

    image: bytes
    file: bytes
    sha256: bytes


def library() -> Any:
    """The module `tensorflow_datasets`, if what reads and writes its sets is here too.

    Raises:
        ValueError: The extra `datasets` is not installed.
    """
    try:
        # These two it imports only when it needs them, late and with errors of its own.
        importlib.import_module("importlib_resources")
        importlib.import_module("array_record.python.array_record_data_source")
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise ValueError(
            "sets of TensorFlow Datasets need the extra datasets: "
            f"pip install 'jaxstyle[datasets]' ({error})"
        ) from None


def builder(
    example: Callable[[int], Example],
    count: int,
    *,
    config: str | None = None,
    data_dir: str,
    description: str = "",
) -> Any:
    """What writes a set of pictures.

    Args:
        example: Makes the picture of an index. Called in order, when the set is written.
        count: How many pictures there are, at least one.
        config: A name that keeps this set apart from others in the same folder.
        data_dir: The folder of sets.
        description: Kept in the set, for people.

    Returns:
        A `tfds.core.ShardBasedBuilder`; its `download_and_prepare` downloads nothing.

    Raises:
        ValueError: The extra `datasets` is not installed.
    """
    chosen = library().core.BuilderConfig(name=config) if config else None
    return _builder_class()(example, count, description, config=chosen, data_dir=data_dir)


@functools.cache
def _builder_class() -> Any:
    tfds = library()
    # `GeneratorBasedBuilder`, the usual one, shuffles, and from 1000 MiB on needs TensorFlow to
    # write files for that. This one writes the pictures as they come.
    base = tfds.core.ShardBasedBuilder

    # Not registered: a set is read from its files alone, and a registry could hold another
    # package's builder of this name. (A type checker knows nothing about `base`.)
    class PictureFolder(base, skip_registration=True):  # type: ignore[misc, call-arg, valid-type]
        """Pictures of one folder, in the order of their files' names."""

        name = NAME
        VERSION = tfds.core.Version("1.0.0")

        def __init__(
            self, example: Callable[[int], Example], count: int, description: str, **options: Any
        ):
            self._example, self._count, self._description = example, count, description
            super().__init__(**options)

        def _info(self) -> Any:
            features = {
                "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                "file": tfds.features.Text(),
                "sha256": tfds.features.Text(),
            }
            return tfds.core.DatasetInfo(
                builder=self,
                description=self._description,
                features=tfds.features.FeaturesDict(features),
                disable_shuffling=True,
            )

        def _shard_iterators_per_split(self, dl_manager: object) -> dict[str, Any]:
            indices = range(self._count)
            return {
                SPLIT: [
                    functools.partial(self._examples, indices[start : start + _SHARD])
                    for start in indices[::_SHARD]
                ]
            }

        def _examples(self, indices: range) -> Iterator[tuple[int, Example]]:
            for index in indices:
                yield index, self._example(index)

        # These two print to the standard output, which may be somebody's table or JSON.
        def _log_download_bytes(self) -> None:
            pass

        def _log_download_done(self) -> None:
            pass

    return PictureFolder
