"""Pure geometry of a job: shapes and pictures at each scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxstyle.backbones.extractor import Extractor
from jaxstyle.image import color
from jaxstyle.image.geometry import (
    Alpha,
    Picture,
    crop_from_bucket,
    details,
    fit_within,
    pad_to_bucket,
    resize,
    resize_alpha,
    shape_at,
)
from jaxstyle.image.masks import Mask
from jaxstyle.image.transparency import opaque_part, with_opaque_part
from jaxstyle.objective import regions
from jaxstyle.objective.build import min_side
from jaxstyle.objective.objective import Selection
from jaxstyle.transfer.job import Job

LEAST_STYLE = 16
"""No side of a style shrinks below this, where it has as many pixels."""


def content_shape(job: Job, size: int) -> tuple[int, int]:
    """Return height and width of the picture at a scale, in whole units where it wraps."""
    return shape_at(job.guide.content.shape, size, job.wrap, job.unit)


def style_shapes(job: Job, size: int) -> list[tuple[int, int]]:
    """Return height and width of every style at a scale.

    Styles shrink as the content does, so that strokes keep their size in proportion; but the
    deepest layer needs a position, and so small a style has nothing more to say anyway.
    """
    least = max(LEAST_STYLE, min_side(job.terms, job.extract))
    shape = job.guide.content.shape
    shrink = max(fit_within(shape[0], shape[1], size)) / max(shape[:2])
    shapes = []
    for style in job.guide.styles:
        # A thin style keeps its proportions.
        factor = max(shrink, min(1.0, least / min(style.shape[:2])))
        rows, columns = (round(side * factor) for side in style.shape[:2])
        shapes.append((rows, columns))
    return shapes


class References(NamedTuple):
    """What the targets at a scale are computed from."""

    content: Any  # the content
    styles: tuple[Any, ...]  # all styles
    selection: Selection | None  # the positions of each that each term compares; None for all
    seed: int  # of random metrics
    guide: Any = None  # by which guided metrics choose; None for the content


def references_at(job: Job, size: int, beginning: Picture | None = None) -> References:
    """Resize the content and all styles to a scale, and select positions there.

    Args:
        job: The job.
        size: Longest side of the scale, pixels.
        beginning: The picture that the scale begins with, where that guides metrics too.
    """
    content, styles = pictures_at(job, size)
    guide = None
    if beginning is not None:
        share = job.settings.picture_guidance
        guide = share * (beginning + details(content)) + (1 - share) * content
        guide = guide.astype(np.float32)
    return References(content, styles, _positions_at(job, size), job.settings.seed, guide)


def pictures_at(job: Job, size: int) -> tuple[Picture, tuple[Picture, ...]]:
    """Resize the content and all styles to a scale."""
    pairs = zip(job.guide.styles, style_shapes(job, size), strict=True)
    styles = tuple(resize(style, shape) for style, shape in pairs)
    return resize(job.guide.content, content_shape(job, size), job.wrap), styles


def reference_shapes(job: Job, size: int) -> References:
    """Return `references_at` with shapes in place of pictures."""
    content, *styles = (
        jax.ShapeDtypeStruct((*shape, 3), jnp.float32)
        for shape in (content_shape(job, size), *style_shapes(job, size))
    )
    selection = _positions_at(job, size)
    return References(content, tuple(styles), selection, job.settings.seed)


def _positions_at(job: Job, size: int) -> Selection | None:
    guide = job.guide
    if not guide.is_masked:
        return None
    content = _layer_shapes(job, content_shape(job, size), job.extract)
    styles = [_layer_shapes(job, shape, job.extract.of_styles) for shape in style_shapes(job, size)]
    selection = []
    for term in job.terms:
        region = regions.Region() if term.region is None else guide.regions[term.region]
        select = partial(
            regions.select_positions,
            metric=term.metric,
            layers=term.layers,
            repeats=guide.repeats,
        )
        of_content = select(region.content, shapes=content)
        of_styles = tuple(
            select(guide.style_mask(region, which), shapes=styles[which]) for which in term.styles
        )
        selection.append((of_content, of_styles))
    return selection


def _layer_shapes(
    job: Job, shape: tuple[int, int], extract: Extractor
) -> dict[str, tuple[int, int]]:
    """Return height and width of every layer by name, and of the picture."""
    picture = jax.ShapeDtypeStruct((*shape, 3), jnp.float32)
    features = jax.eval_shape(extract, job.params, picture)
    return {name: grid.shape[:2] for name, grid in features.items()} | {"image": shape}


def free_at(job: Job, shape: Sequence[int]) -> Float[np.ndarray, "h w 3"] | tuple[()]:
    """Return 1 where a pixel may change at a scale, 0 where it is known; () if none is."""
    inside = job.guide.inside if job.is_texture else None
    if inside is None:
        return ()
    inside = pad_to_bucket(inside, job.guide.content.shape[:2])
    share = regions.resize_mask(inside, (shape[0], shape[1]))
    return np.repeat((share > 0).astype(np.float32)[..., None], 3, axis=2)


def with_known(job: Job, picture: Picture) -> Picture:
    """Return a picture of the run with the pixels that are known in their place."""
    shape = picture.shape[0], picture.shape[1]
    free = free_at(job, shape)
    if isinstance(free, tuple):
        return picture
    return np.where(free > 0, picture, resize(job.guide.content, shape, job.wrap))


def displayed(job: Job, image: Picture) -> Picture:
    """Crop a picture of the run from its bucket, in [0, 1] and in its final colors, as float32."""
    pairs = zip(job.original.shape[:2], job.guide.content.shape[:2], strict=True)
    rows, columns = (side / padded for side, padded in pairs)
    cropped = np.clip(crop_from_bucket(np.asarray(image), (rows, columns)), 0, 1)
    guide = job.guide
    colors = guide.palette
    if colors is None:
        colors = opaque_part(guide.styles[0], guide.alphas[0] if guide.alphas else None)
    how = job.settings.color
    alpha = displayed_alpha(job, cropped) if how == "match" else None  # of colors alone, anywhere
    part = color.restore_colors(how, opaque_part(cropped, alpha), job.original, colors)
    restored = with_opaque_part(cropped, alpha, part)
    result = restored.astype(np.float32)  # whatever JAX computes in
    return result if guide.inside is None else _over_content(result, job.original, guide.inside)


def _over_content(result: Picture, content: Picture, inside: Mask) -> Picture:
    """Keep the content where the mask is 0, to the bit."""
    shape = (result.shape[0], result.shape[1])
    share = regions.resize_mask(inside, shape)[..., None]
    behind = content if content.shape == result.shape else resize(content, shape)
    blended = share * result + (1 - share) * behind
    return np.where(share == 0, behind, blended).astype(np.float32)


def displayed_alpha(job: Job, image: Picture) -> Alpha | None:
    """Return the alpha of a picture that `displayed` returned: the content's, in its size."""
    shape = image.shape[0], image.shape[1]
    if job.alpha is None or job.alpha.shape == shape:
        return job.alpha
    return resize_alpha(job.alpha, shape)
