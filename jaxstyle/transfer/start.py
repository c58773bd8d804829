"""The picture that a run starts from."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.image import color
from jaxstyle.image.framing import Frame
from jaxstyle.image.geometry import Picture, have_same_proportions, pad_to_bucket, resize
from jaxstyle.image.transparency import color_of_text, opaque_part
from jaxstyle.objective.guidance import Guide
from jaxstyle.objective.regions import resize_mask
from jaxstyle.settings import Settings
from jaxstyle.specs import INITS, is_init, wrap_of
from jaxstyle.transfer.sources import Sources

IMAGENET_MEAN = np.array([123.68, 116.779, 103.939]) / 255
TRACE = 1 / 255e3
"""The noise on it where no other is asked for: 0.001 of 255, as in neural-style; and on every other
start that is flat. More of it takes steps to remove."""
FLAT = 1 / 255
"""Pixels whose standard deviation is less are all alike: a step can tell them apart only by their
places among those that pooling takes together, and would paint these over and over."""


def initial_picture(
    settings: Settings,
    original: Picture,
    guide: Guide,
    sources: Sources,
    frame: Frame,
    *,
    as_recorded: bool,
    drawn: tuple[int, int] | None = None,
) -> tuple[Picture, float | None]:
    """Return the picture to start from, padded to the content's bucket, and the noise that it has.

    Args:
        settings: Of the run.
        original: The content as it was read.
        guide: The content and the styles in their buckets.
        sources: Where an initial picture comes from.
        frame: Where the content was cropped, which an initial picture is, too.
        as_recorded: The settings are of a manifest, which says what noise there was: none is added
            to a flat picture.
        drawn: Height and width of noise that a texture starts from: those of the coarsest scale, on
            whose way from full size it would lose its contrast.

    Raises:
        ValueError: `settings.init` is neither a known name nor a picture.
        OSError: A file or weights that are not installed.
    """
    random = np.random.default_rng(settings.seed)
    picture = _without_noise(settings, original, guide, sources, frame, random, drawn)
    given = noise = settings.init_noise
    if given is None and is_init(settings.init, ("imagenet_mean",)):
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
    settings: Settings,
    original: Picture,
    guide: Guide,
    sources: Sources,
    frame: Frame,
    random: np.random.Generator,
    texture: tuple[int, int] | None,
) -> Picture:
    content, style = guide.content, guide.styles[0]
    is_texture, drawn = texture is not None, texture or (content.shape[0], content.shape[1])
    colors = opaque_part(style, guide.alphas[0] if guide.alphas else None)
    init: Any = settings.init
    if is_init(init):
        if init == "content":
            return content
        if init == "noise":
            noise = 0.5 + 0.1 * random.standard_normal((*drawn, 3))
            return np.clip(noise, 0, 1).astype(np.float32)
        if init == "style":
            noise = _style_noise(colors, drawn, random)
            return _by_region(noise, guide, random) if is_texture else noise
        if init == "patches":
            wrap = wrap_of(settings.padding, settings.tile)
            free = guide.inside if is_texture else None
            logger.info("putting patches together …")
            # SciPy, which other runs do not need.
            from jaxstyle.transfer.patch_start import patch_start

            patches = patch_start(guide, drawn, wrap, random, free=free)
            return _style_noise(colors, drawn, random) if patches is None else patches
        if init == "imagenet_mean":
            return np.broadcast_to(IMAGENET_MEAN, content.shape).astype(np.float32)
        if init == "style_mean":
            return np.broadcast_to(colors.mean((0, 1)), content.shape).astype(np.float32)
        return _adain(content, style, sources)
    if isinstance(init, str):
        _check_is_file(init)
    shape = original.shape[:2]
    behind = None if settings.background is None else color_of_text(settings.background)
    whole = sources.picture(init, "initial picture", max(frame.whole), background=behind)
    given = frame.crop(whole)
    if not have_same_proportions(given.shape, shape):
        height, width = given.shape[:2]
        sources.note(
            f"the initial picture is stretched: it is {width} × {height} pixels at this size, the "
            f"content {shape[1]} × {shape[0]}",
            logging.WARNING,
        )
    wrap = wrap_of(settings.padding, settings.tile)
    return pad_to_bucket(resize(given, shape, wrap), content.shape[:2])


def _check_is_file(init: str) -> None:
    """Refuse a word that is none of `INITS`, and no file."""
    path = Path(init)
    if not (":" in init or os.sep in init or path.suffix or path.exists()):
        raise ValueError(
            f"expected init to be {', '.join(INITS)} or a picture file, got {init!r}"
            f"{nearest(init.lower(), INITS)}"
        )


def _by_region(noise: Picture, guide: Guide, random: np.random.Generator) -> Picture:
    """Put noise of each region's own sample where its mask is."""
    shape = noise.shape[0], noise.shape[1]
    for assignment in guide.assignments:
        mask = None if assignment.region is None else guide.regions[assignment.region].content
        if mask is not None:
            style = assignment.styles[0]
            colors = opaque_part(guide.styles[style], guide.alphas[style] if guide.alphas else None)
            share = resize_mask(mask, shape)[..., None]
            noise = noise + share * (_style_noise(colors, shape, random) - noise)
    return noise.astype(np.float32)


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
