"""Where pictures and weights come from; runs that share one read each of them once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import math
import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import jax
import numpy as np
from PIL import Image

from jaxstyle import samples
from jaxstyle._util.inputs import NamedContent, can_be_read_again, read_input
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.image import color
from jaxstyle.image.geometry import Picture, pad_to_bucket, resize
from jaxstyle.image.io import check_file
from jaxstyle.image.load import ImageLike, load_image, load_mask
from jaxstyle.objective.guidance import Guide
from jaxstyle.settings import Settings
from jaxstyle.weights.network_cache import NetworkCache

Source = ImageLike
"""A picture in any of the forms that `load_image` takes; a text may be `"sample:NAME"` as well."""


class Sources:
    """Pictures and weights, each read once.

    A file that is read again, for another size, has to be the same. What can be read only once (a
    pipe, an open file) is held.

    Attributes:
        networks: Weights by name.
        offline: Never fetch anything.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self.offline = offline
        self.networks = NetworkCache(offline=offline)
        self._noted: set[str] = set()
        self._pictures: dict[Hashable, Picture] = {}
        self._records: dict[Hashable, dict[str, str]] = {}
        self._digests: dict[Hashable, str] = {}
        self._contents: dict[Hashable, bytes] = {}
        self._held: dict[int, Source] = {}

    def note(self, line: str, level: int = logging.INFO) -> None:
        """Log a line, once."""
        if line not in self._noted:
            self._noted.add(line)
            logger.log(level, line)

    def path(self, source: str | os.PathLike[str]) -> Path:
        """Return the file that a text or a path stands for; a sample is fetched if it has to be.

        Only a text can name a sample.
        """
        if isinstance(source, os.PathLike):
            return Path(source)
        return samples.resolve(source, offline=self.offline)

    def picture(self, source: Source, role: str, size: int, least: int = 0) -> Picture:
        """Return a picture, its longest side at most `size`.

        Args:
            source: What holds it.
            role: Its name in messages.
            size: In pixels.
            least: See `load_image`.

        Raises:
            TypeError: It is traced by JAX: a run goes on the host.
            ValueError: It is no picture, its values are not in [0, 1], or the file changed.
            OSError: A file cannot be read.
        """
        if isinstance(source, jax.core.Tracer):
            raise TypeError(
                f"expected the {role} as a picture, got an array that JAX traces: stylize runs on "
                "the host and compiles its own programs; inside jit, grad or vmap use "
                "jaxstyle.StyleLoss"
            )
        key = (self._key(source), size, least)
        if key not in self._pictures:
            content = self.content(source)
            name = content.name if isinstance(content, NamedContent) else f"the {role}"
            self._pictures[key] = load_image(content, name, size, least=least)
        return self._pictures[key]

    def content(self, source: Source) -> Source:
        """Return what a file holds, as an open file with a name; anything else as it is.

        Raises:
            ValueError: The file changed since it was read first, or it is no file.
            OSError: It cannot be read.
        """
        key = self._key(source)
        if isinstance(source, (str, os.PathLike)):
            path = self.path(source)
            return NamedContent(self._read(path, key), str(path))
        if _is_open_file(source):
            if key not in self._contents:
                with contextlib.suppress(OSError):  # a stream without places
                    source.seek(0)
                self._contents[key] = source.read()
            return self._contents[key]
        return source

    def record(self, source: Source, role: str) -> dict[str, str]:
        """Return path and SHA-256 of a file as a manifest has them; of arrays, the SHA-256."""
        is_mask = role.endswith("mask")
        key = (self._key(source), is_mask)
        if key not in self._records:
            if isinstance(source, (str, os.PathLike)):
                path = self.path(source)
                if key[0] not in self._digests:
                    self._read(path, key[0])
                self._records[key] = {"path": str(path), "sha256": self._digests[key[0]]}
            else:
                load = load_mask if is_mask else load_image
                pixels = load(self.content(source), f"the {role.replace('_', ' ')}")
                self._records[key] = {"sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}
        return self._records[key]

    def _read(self, path: Path, key: Hashable) -> bytes:
        check_file(path)
        is_file = can_be_read_again(path)
        # A pipe has several names.
        status = os.stat(path)
        held = (status.st_dev, status.st_ino)
        if is_file or held not in self._contents:
            content = read_input(path)
            if not is_file:
                self._contents[held] = content
        else:
            content = self._contents[held]
        digest = hashlib.sha256(content).hexdigest()
        if self._digests.setdefault(key, digest) != digest:
            raise ValueError(f"{path} changed while it was being read; start again")
        return content

    def _key(self, source: Source) -> Hashable:
        """Return a path's text, or an object's identity; it is held, so that no other gets it."""
        if isinstance(source, (str, os.PathLike)):
            return isinstance(source, str), os.fspath(source)
        self._held[id(source)] = source
        return id(source)


def _is_open_file(source: object) -> TypeGuard[BinaryIO]:
    """Whether it is a file opened in binary mode, not a text file or a picture."""
    is_text = isinstance(source, (io.TextIOBase, Image.Image))
    return hasattr(source, "read") and not is_text


def as_styles(style: Source | Sequence[Source]) -> tuple[Any, ...]:
    """Return one style or several as a tuple.

    Raises:
        ValueError: There is none.
    """
    styles = tuple(style) if isinstance(style, (list, tuple)) else (style,)
    if not styles:
        raise ValueError("expected at least one style")
    return styles


INITS = ("content", "noise", "style", "style_mean", "imagenet_mean", "adain")
RANDOM_INITS = ("noise", "style", "imagenet_mean")
IMAGENET_MEAN = np.array([123.68, 116.779, 103.939]) / 255
TRACE = 1 / 255e3
"""The noise on it where no other is asked for: 0.001 of 255, as in neural-style; and on every other
start that is flat. More of it takes steps to remove."""
FLAT = 1 / 255
"""Pixels whose standard deviation is less are all alike: a step can tell them apart only by their
places among those that pooling takes together, and would paint these over and over."""
STRETCHED = 0.03
"""Proportions that differ by more are others."""


def is_word(init: object) -> bool:
    """Whether it is one of `INITS`; `"./noise"` is a file."""
    return isinstance(init, str) and init in INITS


def initial_picture(
    settings: Settings, original: Picture, guide: Guide, sources: Sources, *, as_recorded: bool
) -> tuple[Picture, float | None]:
    """Return the picture to start from, padded to the content's bucket, and the noise that it has.

    Args:
        settings: Of the run.
        original: The content as it was read.
        guide: The content and the styles in their buckets.
        sources: Where an initial picture comes from.
        as_recorded: The settings are of a manifest, which says what noise there was: none is added
            to a flat picture.

    Raises:
        ValueError: `settings.init` is neither a known name nor a picture.
        OSError: A file or weights that are not installed.
    """
    random = np.random.default_rng(settings.seed)
    picture = _without_noise(settings.init, original, guide, sources, random)
    given = noise = settings.init_noise
    if given is None and isinstance(settings.init, str) and settings.init == "imagenet_mean":
        noise = TRACE
    elif given is None and not as_recorded and _stays_flat(picture, settings, guide):
        sources.note("the initial picture is flat: a trace of noise is added, which the seed draws")
        given = noise = TRACE
    if not noise:
        return picture, given
    return (picture + noise * random.standard_normal(picture.shape)).astype(np.float32), given


def _stays_flat(initial: Picture, settings: Settings, guide: Guide) -> bool:
    """Whether all places are alike where the first scale begins."""
    pictures = (initial, guide.content) if settings.details else (initial,)
    return all(picture.std((0, 1)).max() < FLAT for picture in pictures)


def _without_noise(
    init: Any, original: Picture, guide: Guide, sources: Sources, random: np.random.Generator
) -> Picture:
    content, style = guide.content, guide.styles[0]
    if is_word(init):
        if init == "content":
            return content
        if init == "noise":
            noise = 0.5 + 0.1 * random.standard_normal(content.shape)
            return np.clip(noise, 0, 1).astype(np.float32)
        if init == "style":
            return _style_noise(style, content.shape[:2], random)
        if init == "imagenet_mean":
            return np.broadcast_to(IMAGENET_MEAN, content.shape).astype(np.float32)
        if init == "style_mean":
            return np.broadcast_to(style.mean((0, 1)), content.shape).astype(np.float32)
        return _adain(content, style, sources)
    if isinstance(init, str):
        _check_is_file(init)
    shape = original.shape[:2]
    given = sources.picture(init, "initial picture", max(shape))
    height, width = given.shape[:2]
    if abs(math.log(height / width * shape[1] / shape[0])) > _tolerance(shape, (height, width)):
        sources.note(
            f"the initial picture is stretched: it is {width} × {height} pixels at this size, the "
            f"content {shape[1]} × {shape[0]}",
            logging.WARNING,
        )
    return pad_to_bucket(resize(given, shape), content.shape[:2])


def _check_is_file(init: str) -> None:
    """Refuse a word that is none of `INITS`, and no file."""
    path = Path(init)
    if not (":" in init or os.sep in init or path.suffix or path.exists()):
        raise ValueError(
            f"expected init to be {', '.join(INITS)} or a picture file, got {init!r}"
            f"{nearest(init.lower(), INITS)}"
        )


def _tolerance(*shapes: tuple[int, int]) -> float:
    """Return how much proportions may differ: `STRETCHED`, and half a pixel of each side."""
    return STRETCHED + sum(0.5 / side for shape in shapes for side in shape)


def _style_noise(style: Picture, shape: tuple[int, ...], random: np.random.Generator) -> Picture:
    """Draw pixels with the mean and covariance of the style's colors."""
    colors = style.reshape(-1, 3).astype(np.float64)
    spread = color.covariance(colors)
    noise = random.multivariate_normal(colors.mean(0), spread, shape, method="svd")
    return np.clip(noise, 0, 1).astype(np.float32)


def _adain(content: Picture, style: Picture, sources: Sources) -> Picture:
    """Stylize in one pass of AdaIN."""
    from jaxstyle.backbones import adain

    encoder, decoder = (
        sources.networks[name].tensors for name in ("vgg19-normalized", "adain-decoder")
    )
    return np.asarray(adain.stylized(encoder, decoder, content, style))
