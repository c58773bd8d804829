"""The start `patches`: a patchwork of the samples, or of what is kept of a picture."""

from __future__ import annotations

import numpy as np

from jaxstyle.image.geometry import Picture, pad_to_bucket, resize
from jaxstyle.image.masks import Mask
from jaxstyle.image.patch_levels import Sample, Unknown
from jaxstyle.image.patchwork import patchwork
from jaxstyle.objective.guidance import Guide
from jaxstyle.objective.regions import resize_mask
from jaxstyle.specs import Wrap


def patch_start(
    guide: Guide,
    shape: tuple[int, int],
    wrap: Wrap,
    random: np.random.Generator,
    *,
    free: Mask | None = None,
) -> Picture | None:
    """Return a patchwork of each region's samples, at the first size.

    Args:
        guide: The samples, and what is kept of a picture.
        shape: Height and width.
        wrap: Along which axes it continues at its opposite edge.
        random: What draws its first patches.
        free: Only this part of the content is made; None for all.

    Returns:
        The picture; None if samples have no whole patch.
    """
    full = guide.content.shape[:2]
    shrink = max(shape) / max(full)
    unknown = None
    if free is not None:
        made_anew = resize_mask(pad_to_bucket(free, full), shape) > 0
        unknown = Unknown(resize(guide.content, shape, wrap), made_anew.astype(np.float32))
    # Styles that are mixed are samples of one patchwork.
    styles: dict[int | None, list[int]] = {}
    for assignment in guide.assignments:
        styles.setdefault(assignment.region, []).extend(assignment.styles)
    made: Picture | None = None
    for region, numbers in styles.items():
        samples = [_sample(guide, number, shrink) for number in dict.fromkeys(numbers)]
        part = patchwork(samples, shape, random, unknown=unknown, wrap=wrap)
        mask = None if region is None else guide.regions[region].content
        if made is None or part is None or mask is None:
            made = part if made is None else made
        else:
            made = made + resize_mask(mask, shape)[..., None] * (part - made)
    return None if made is None else made.astype(np.float32)


def _sample(guide: Guide, number: int, shrink: float) -> Sample:
    """Return a sample at the first size, and where it is known."""
    rows, columns = guide.style_shapes[number]
    reduced = max(1, round(rows * shrink)), max(1, round(columns * shrink))
    known = guide.alphas[number] if guide.alphas else None
    picture = resize(guide.styles[number][:rows, :columns], reduced)
    return Sample(picture, None if known is None else resize_mask(known[:rows, :columns], reduced))
