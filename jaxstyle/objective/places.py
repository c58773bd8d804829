"""Places: the masks, the label map and the weight maps of the settings, as their pictures lie."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxstyle._util.log import logger
from jaxstyle.image.framing import Frame
from jaxstyle.image.geometry import Picture, bucket_of, have_same_proportions, pad_to_bucket
from jaxstyle.image.labels import load_labels
from jaxstyle.image.masks import Loaded, Mask, Stored, read_mask, turned_like
from jaxstyle.objective.regions import Region, resize_mask, union
from jaxstyle.settings import Settings
from jaxstyle.specs import wrap_of

_LEAST_MASK = 0.005
"""A mask that selects less of its picture is probably not meant."""


class Originals(NamedTuple):
    """How the files of the content and of each style hold their pixels; None of arrays."""

    content: Stored | None = None
    styles: tuple[Stored | None, ...] = ()


class Places(NamedTuple):
    """What the settings say of places; all masks of the content are padded to its bucket."""

    regions: tuple[Region, ...] = ()
    content_weights: Mask | None = None  # None for 1 everywhere
    style_weights: Mask | None = None
    inside: Mask | None = None  # of the content's shape: how much of a result is not the content


def read_places(
    settings: Settings,
    content: Picture,
    styles: Sequence[Picture],
    frame: Frame | None = None,
    originals: Originals | None = None,
) -> Places:
    """Read masks and maps, and check that they fit their pictures.

    Raises:
        ValueError: One does not fit its picture or selects nothing; or there is another number of
            styles than of labels.
    """
    originals = originals or Originals()
    shape = content.shape[:2]

    def over_content(source: Any, role: str) -> Mask:
        return mask_over(source, content, role, originals.content, frame)

    def padded(mask: Mask) -> Mask:
        return padded_like(mask, shape, padded_shape(settings, shape))

    if settings.regions is not None:
        masks = _of_labels(settings, content, len(styles), frame, originals.content)
    else:
        masks = [over_content(source, "content mask") for source in settings.content_mask]
    if settings.style_mask and len(settings.style_mask) != len(masks):
        raise ValueError(
            f"expected as many style masks as regions, or none; got {len(settings.style_mask)} and "
            f"{len(masks)}"
        )
    regions = []
    for number, mask in enumerate(masks):
        part = None
        if settings.style_mask:
            which = number if len(styles) > number else 0
            original = originals.styles[which] if originals.styles else None
            part = mask_over(settings.style_mask[number], styles[which], "style mask", original)
        regions.append(Region(padded(mask), part))

    def weights(source: Any, role: str) -> Mask | None:
        weight_map = None if source is None else over_content(source, role)
        return None if weight_map is None or weight_map.min() == 1 else padded(weight_map)

    inside = union(masks, shape) if masks and settings.outside == "content" else None
    is_all = inside is None or inside.min() == 1
    return Places(
        tuple(regions),
        weights(settings.content_weight_map, "content weight map"),
        weights(settings.style_weight_map, "style weight map"),
        None if is_all else inside,
    )


def _of_labels(
    settings: Settings,
    content: Picture,
    styles: int,
    frame: Frame | None,
    original: Stored | None,
) -> list[Mask]:
    """Return a mask for each label that takes a style, no larger than the content."""
    source: Any = settings.regions
    role = _named("label map", source)
    labels = load_labels(source, f"the {role}")
    chosen = labels.chosen(settings.region_labels)
    if not chosen:
        raise ValueError(f"the {role} has no label but the background: {labels.listing()}")
    if styles not in (1, len(chosen)):
        raise ValueError(
            f"expected one style or one for each of {len(chosen)} labels, got {styles} styles; the "
            f"{role} has {labels.listing()}; region_labels chooses some"
        )
    indices = turned_like(Loaded(labels.indices, labels.turned), original, f"the {role}")
    indices = _fitting(indices, content, role, frame)
    shape = content.shape[:2]
    smaller = min(shape[0], indices.shape[0]), min(shape[1], indices.shape[1])
    masks = [resize_mask((indices == label).astype(indices.dtype), smaller) for label in chosen]
    masks = [_softened(mask, settings, content.shape) for mask in masks]
    for label, mask in zip(chosen, masks, strict=True):
        if not mask.any():
            raise ValueError(f"label {labels.labels[label]} of the {role} is cropped away")
    return masks


def _softened(mask: Mask, settings: Settings, shape: Sequence[int]) -> Mask:
    """Blur a mask so that it rises over `region_border` pixels of its picture."""
    if not settings.region_border:
        return mask
    from scipy import ndimage

    # A normal distribution has nine tenths of itself within 3.3 deviations.
    deviation = settings.region_border / 3.3 * mask.shape[0] / shape[0]
    wrap = wrap_of(settings.padding, settings.tile)
    modes = tuple("wrap" if wraps else "nearest" for wraps in wrap)
    blurred: Mask = ndimage.gaussian_filter(mask.astype(np.float32), deviation, mode=modes)
    return np.clip(blurred, 0, 1)


def mask_over(
    source: Any,
    picture: Picture,
    role: str,
    original: Stored | None,
    frame: Frame | None = None,
) -> Mask:
    """Load a mask or a map and check that it fits its picture, and selects something."""
    is_map = role.endswith("map")
    role = _named(role, source)
    mask = turned_like(read_mask(source, f"the {role}"), original, f"the {role}")
    mask = _fitting(mask, picture, role, frame)
    greatest, mean = float(mask.max()), float(mask.mean())
    if greatest < 1 / 255:
        hint = "; a weight of 0 does the same" if is_map else ": there is nothing in the region"
        raise ValueError(f"the {role} is black{hint}")
    if is_map:
        return mask
    if greatest < 0.5:
        log_once(f"the {role} is nowhere brighter than {greatest:.0%}, where white is inside")
    elif mean < _LEAST_MASK:
        log_once(f"the {role} selects only {mean:.2%} of its picture")
    return mask


def _fitting(mask: Mask, picture: Picture, role: str, frame: Frame | None) -> Mask:
    """Crop a mask as its picture was, and check that it has its proportions."""
    if frame is not None:
        mask = frame.crop(mask)
    if not have_same_proportions(mask.shape, picture.shape):
        raise ValueError(
            f"expected the {role} in the proportions of its picture, which is "
            f"{picture.shape[1]} × {picture.shape[0]} here; it is {mask.shape[1]} × {mask.shape[0]}"
        )
    return mask


def _named(role: str, source: Any) -> str:
    name = source if isinstance(source, str) else getattr(source, "name", None)
    return f"{role} {name}" if isinstance(name, str) else role


def padded_shape(settings: Settings, shape: Sequence[int]) -> tuple[int, int]:
    """Return the shape to which a content is padded: nothing is added where it wraps."""
    full = bucket_of(shape[0], shape[1])
    wrap = wrap_of(settings.padding, settings.tile)
    rows, columns = (
        side if wraps else most for side, most, wraps in zip(shape, full, wrap, strict=False)
    )
    return rows, columns


def padded_like(mask: Mask, shape: Sequence[int], padded: Sequence[int]) -> Mask:
    """Pad a mask of any size as its picture was padded, so that it lies on the same parts.

    Args:
        mask: It may be larger or smaller than its picture.
        shape: Height and width of the picture before it was padded.
        padded: And after.
    """
    full = []
    for side, kept, most, usual in zip(
        mask.shape, shape, padded, bucket_of(*mask.shape), strict=True
    ):
        exact = round(side * most / kept)
        # The mask's bucket has the same proportions but for rounding, which is kept where it is
        # less than half a pixel of the picture; but rounding may cross a border between buckets.
        full.append(usual if abs(usual - exact) * kept <= side / 2 else exact)
    return pad_to_bucket(mask, (full[0], full[1]))


@functools.lru_cache(maxsize=1000)
def log_once(line: str) -> None:
    """Log a warning, once: runs that share their pictures would repeat it."""
    logger.warning(line)
