"""The pictures of a run, as its settings ask for them: sizes, crops, transparency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxstyle.image.framing import ORIGINAL, Frame, frame_of, sides_of, whole_size
from jaxstyle.image.geometry import Alpha, Picture, enlarged, resize, resize_alpha, shape_at
from jaxstyle.image.masks import Mask
from jaxstyle.image.transparency import Color, color_of_text, opaque_part
from jaxstyle.objective import guidance
from jaxstyle.objective.places import Originals
from jaxstyle.objective.regions import resize_mask
from jaxstyle.settings import Settings, guides
from jaxstyle.specs import Wrap
from jaxstyle.transfer.sources import Source, Sources

LARGEST_STYLE = 16_384
"""Pixels a side: a style of more takes some GiB before any plan is made."""


class Pictures(NamedTuple):
    """What `read_pictures` read."""

    content: Picture  # the part of it that the result shows
    alpha: Alpha | None  # its transparency; None if it is opaque
    frame: Frame  # which part that is
    styles: tuple[Picture, ...]  # as large as the largest strokes need them
    style_alphas: tuple[Alpha | None, ...]
    palette: Picture | None  # whose colors the result takes, if another's than the styles'
    originals: Originals | None  # how the files hold their pixels, where masks lie over them
    free: Mask | None = None  # 1 where a texture is made, 0 where its pixels are known


def size_of(settings: Settings) -> int | str:
    """Return the size that a run is asked for, or the device's default."""
    return settings.size or (256 if jax.default_backend() == "cpu" else 512)


def read_pictures(
    content: Source | None, styles: Sequence[Source], settings: Settings, sources: Sources
) -> Pictures:
    """Read the content, the styles and the picture of colors.

    Args:
        content: What to show; None for a texture, where a picture of one color stands for it.
        styles: How to paint it.
        settings: Of the run.
        sources: Where pictures come from.

    Raises:
        ValueError: A picture that cannot be used.
        OSError: A file that cannot be read.
    """
    if content is None:
        shape = _texture_shape(styles, settings, sources)
        frame = Frame(max(shape), shape, shape)
        pictures, alphas = _styles(styles, settings, frame.size, sources)
        parts = map(opaque_part, pictures, alphas)
        color = np.mean([part.mean((0, 1)) for part in parts], axis=0)
        picture, alpha = np.broadcast_to(color, (*shape, 3)).astype(np.float32), None
    else:
        picture, alpha, frame = _content(content, settings, size_of(settings), sources)
        pictures, alphas = _styles(styles, settings, frame.size, sources)
    return Pictures(
        content=picture,
        alpha=alpha,
        frame=frame,
        styles=tuple(pictures),
        style_alphas=tuple(alphas),
        palette=palette_of(settings, frame.size, sources),
        originals=_originals(content, styles, settings, sources),
    )


def _texture_shape(
    samples: Sequence[Source], settings: Settings, sources: Sources
) -> tuple[int, int]:
    """Return the height and width of a texture.

    Of the asked size; `"original"` is the first sample's, and a longest side alone a square's, or
    in the proportions of a label map.
    """
    asked = size_of(settings)
    if asked == ORIGINAL:
        return sources.shape(samples[0], "sample")
    if isinstance(asked, str):
        return sides_of(asked)
    if settings.regions is None:
        return asked, asked
    regions: Any = settings.regions
    height, width = sources.labels(regions).indices.shape
    scale = asked / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def in_whole_units(pictures: Pictures, wrap: Wrap, unit: int, sources: Sources) -> Pictures:
    """Return pictures whose content has sides of whole units along the axes that wrap."""
    height, width = pictures.content.shape[:2]
    rows, columns = shape_at((height, width), max(height, width), wrap, unit)
    if (rows, columns) == (height, width):
        return pictures
    sources.note(
        f"the picture is {columns} × {rows}, not {width} × {height}: one that tiles has sides that "
        f"are multiples of {unit}"
    )
    alpha = None if pictures.alpha is None else resize_alpha(pictures.alpha, (rows, columns))
    content = resize(pictures.content, (rows, columns), wrap)
    free = None if pictures.free is None else resize_mask(pictures.free, (rows, columns))
    return pictures._replace(content=content, alpha=alpha, free=free)


def palette_of(settings: Settings, size: int, sources: Sources) -> Picture | None:
    """Read the opaque part of the picture of colors, if there is one."""
    if settings.color_from is None:
        return None
    role = "picture of colors"
    picture = sources.picture(settings.color_from, role, size, background=_background(settings))
    alpha = _alpha(settings.color_from, role, size, settings, picture, sources)
    return opaque_part(picture, alpha)


def _content(
    content: Source, settings: Settings, asked: int | str, sources: Sources
) -> tuple[Picture, Alpha | None, Frame]:
    """Read the content and its alpha, resized and cropped as the settings ask for it."""
    fit = settings.fit
    if isinstance(asked, str):
        longest = whole_size(sources.shape(content, "content"), asked, fit)
    else:
        longest = asked
    picture = sources.picture(content, "content", longest, background=_background(settings))
    if settings.enlarge:
        picture = _enlarged(picture, longest, "content", sources)
    frame = frame_of(picture.shape, asked, fit)
    if max(frame.whole) < longest and not frame.is_cropped:
        sources.note(f"the content is smaller than {longest} pixels and is not enlarged")
    elif max(frame.whole) < longest:
        height, width = frame.part
        sources.note(
            f"the content is smaller than {asked} and is not enlarged: the result is {width} × "
            f"{height}, the most that it has in these proportions"
        )
    alpha = _alpha(content, "content", longest, settings, picture, sources)
    if alpha is not None:
        alpha = frame.crop(alpha)
        if not alpha.any():
            raise ValueError("the part of the content that the result shows is all transparent")
    return frame.crop(picture), alpha, frame


def _originals(
    content: Source | None, styles: Sequence[Source], settings: Settings, sources: Sources
) -> Originals | None:
    """Say how the files hold their pixels, where masks lie over them."""
    if not any(guides(settings).values()):
        return None
    of_content = None if content is None else sources.stored(content)
    return Originals(of_content, tuple(map(sources.stored, styles)))


def _styles(
    styles: Sequence[Source], settings: Settings, size: int, sources: Sources
) -> tuple[list[Picture], list[Alpha | None]]:
    """Read the styles and their alphas, as large as the largest strokes need them."""
    style_size = round(size * max(1.0, *settings.style_scale))
    if style_size > max(LARGEST_STYLE, size):
        raise ValueError(
            f"expected style_scale so that a style has at most {LARGEST_STYLE} pixels a side, got "
            f"{style_size}"
        )
    least = guidance.LEAST_STYLE
    behind = _background(settings)
    pictures = [sources.picture(one, "style", style_size, least, behind) for one in styles]
    if settings.enlarge:
        pictures = [_enlarged(picture, style_size, "style", sources) for picture in pictures]
    if any(max(picture.shape[:2]) < size for picture in pictures):
        sources.note(f"the style is smaller than {size} pixels and is not enlarged")
    alphas = [
        _alpha(style, "style", style_size, settings, picture, sources, least)
        for style, picture in zip(styles, pictures, strict=True)
    ]
    return pictures, alphas


def _background(settings: Settings) -> Color | None:
    return None if settings.background is None else color_of_text(settings.background)


def _alpha(
    source: Source,
    role: str,
    size: int,
    settings: Settings,
    picture: Picture,
    sources: Sources,
    least: int = 0,
) -> Alpha | None:
    """Return the alpha of a picture that was read, in the size that it has now."""
    alpha = None if settings.background else sources.alpha(source, role, size, least)
    shape = picture.shape[0], picture.shape[1]
    return alpha if alpha is None or alpha.shape == shape else resize_alpha(alpha, shape)


def _enlarged(picture: Picture, size: int, role: str, sources: Sources) -> Picture:
    longest = max(picture.shape[:2])
    if longest < size:
        sources.note(f"the {role} is enlarged from {longest} to {size} pixels")
    return enlarged(picture, size)
