"""Where pictures and weights come from; runs that share one read each of them once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxstyle import samples
from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.image import color
from jaxstyle.image.geometry import Picture, pad_to_bucket, resize
from jaxstyle.image.io import read_image
from jaxstyle.image.load import ImageLike, load_image, load_mask
from jaxstyle.objective.guidance import Guide
from jaxstyle.settings import Settings
from jaxstyle.weights.network_cache import NetworkCache

Source = ImageLike
"""A picture in any of the forms that `load_image` takes; a text may be `"sample:NAME"` as well."""


class Sources:
    """Pictures and weights, each read once.

    Attributes:
        networks: Weights by name.
        offline: Never fetch anything.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self.offline = offline
        self.networks = NetworkCache(offline=offline)
        self._noted: set[str] = set()
        self._pictures: dict[tuple[Hashable, int], Picture] = {}
        self._records: dict[tuple[Hashable, bool], dict[str, str]] = {}
        self._held: dict[int, Source] = {}

    def note(self, line: str) -> None:
        """Log a line, once."""
        if line not in self._noted:
            self._noted.add(line)
            logger.info(line)

    def path(self, source: str | os.PathLike[str]) -> Path:
        """Return the file that a text stands for; a sample is fetched if it has to be."""
        return samples.resolve(os.fspath(source), offline=self.offline)

    def picture(self, source: Source, role: str, size: int) -> Picture:
        """Return a picture, its longest side at most `size`.

        Raises:
            TypeError: It is traced by JAX: a run goes on the host.
            ValueError: It is no picture, or its values are not in [0, 1].
            OSError: A file cannot be read.
        """
        if isinstance(source, jax.core.Tracer):
            raise TypeError(
                f"expected the {role} as a picture, got an array that JAX traces: stylize runs on "
                "the host and compiles its own programs; inside jit, grad or vmap use "
                "jaxstyle.StyleLoss"
            )
        key = (self._key(source), size)
        if key not in self._pictures:
            if isinstance(source, (str, os.PathLike)):
                self._pictures[key] = read_image(self.path(source), size=size)
            else:
                self._pictures[key] = load_image(source, f"the {role}", size)
        return self._pictures[key]

    def record(self, source: Source, role: str) -> dict[str, str]:
        """Return path and SHA-256 of a file as a manifest has them; of arrays, the SHA-256."""
        is_mask = role.endswith("mask")
        key = (self._key(source), is_mask)
        if key not in self._records:
            if isinstance(source, (str, os.PathLike)):
                path = self.path(source)
                self._records[key] = {"path": str(path), "sha256": sha256(path)}
            else:
                load = load_mask if is_mask else load_image
                pixels = load(source, f"the {role.replace('_', ' ')}")
                self._records[key] = {"sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}
        return self._records[key]

    def _key(self, source: Source) -> Hashable:
        """Return a path's text, or an object's identity; it is held, so that no other gets it."""
        if isinstance(source, (str, os.PathLike)):
            return os.fspath(source)
        self._held[id(source)] = source
        return id(source)


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
"""The noise on it where no other is asked for: 0.001 of 255, as in neural-style."""


def initial_picture(
    settings: Settings, original: Picture, guide: Guide, sources: Sources
) -> Picture:
    """Return the picture to start from, padded to the content's bucket.

    Raises:
        ValueError: `settings.init` is neither a known name nor a picture.
        OSError: A file or weights that are not installed.
    """
    random = np.random.default_rng(settings.seed)
    picture = _without_noise(settings.init, original, guide, sources, random)
    is_gray = isinstance(settings.init, str) and settings.init == "imagenet_mean"
    noise = settings.init_noise
    noise = (TRACE if is_gray else 0.0) if noise is None else noise
    if not noise:
        return picture
    return (picture + noise * random.standard_normal(picture.shape)).astype(np.float32)


def _without_noise(
    init: Any, original: Picture, guide: Guide, sources: Sources, random: np.random.Generator
) -> Picture:
    content, style = guide.content, guide.styles[0]
    if isinstance(init, str):
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
        if init == "adain":
            return _adain(content, style, sources)
        path = Path(init)
        if not (":" in init or path.suffix or path.exists()):
            raise ValueError(
                f"expected init to be {', '.join(INITS)} or a picture file, got {init!r}"
                f"{nearest(init, INITS)}"
            )
    given = sources.picture(init, "initial picture", max(original.shape[:2]))
    return pad_to_bucket(resize(given, original.shape[:2]), content.shape[:2])


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
