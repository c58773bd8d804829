"""Completing a picture in its own texture: filling a hole, or continuing it over its border."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxstyle.image.framing import ORIGINAL, Frame
from jaxstyle.image.geometry import Picture
from jaxstyle.image.masks import Mask
from jaxstyle.image.patch_levels import Sample, Unknown
from jaxstyle.objective.places import mask_over
from jaxstyle.objective.regions import multiplied, resize_mask
from jaxstyle.settings import Settings
from jaxstyle.transfer.pictures import Pictures, palette_of, size_of
from jaxstyle.transfer.sources import Source, Sources

REACH = 32
"""Pixels around what is made that are compared as well, so that both fit together."""


def completes(settings: Settings) -> bool:
    """Whether a picture is completed."""
    return settings.keep is not None or settings.extend > 0


def picture_to_complete(
    samples: Sequence[Source], settings: Settings, sources: Sources
) -> Pictures:
    """Read a picture that is its own sample, as far as it is kept.

    Raises:
        ValueError: It is not one picture, the mask keeps all or nothing of it, or a setting has no
            meaning here.
    """
    if len(samples) != 1:
        raise ValueError(f"expected one picture to complete, got {len(samples)}")
    if settings.parametrization not in ("pixels", "levels", "imagenet"):
        raise ValueError(
            f"expected parametrization pixels with keep or extend, whose kept pixels stay, got "
            f"{settings.parametrization}"
        )
    if settings.regions is not None or settings.content_mask:
        raise ValueError("expected keep and extend, or regions, got both")
    picture, known = _known(samples[0], settings, sources)
    if not known.any() or (known.all() and not settings.extend):
        what = "all" if known.all() else "nothing"
        raise ValueError(f"the keep mask keeps {what} of the picture; white stays, black is made")
    ends = (settings.extend, settings.extend)
    free = 1 - np.pad(known, (ends, ends))
    # What is made anew says nothing.
    mean = picture[known > 0].mean(0)
    picture = np.where(known[..., None] > 0, picture, mean).astype(np.float32)
    if _takes_steps(settings):
        picture = _filled(picture, known, settings.seed)
    canvas = np.pad(picture, (ends, ends, (0, 0)))
    canvas = np.where(free[..., None] > 0, mean, canvas).astype(np.float32)
    shape = canvas.shape[0], canvas.shape[1]
    return Pictures(
        content=canvas,
        alpha=None,
        frame=Frame(max(shape), shape, shape),
        styles=(picture,),
        style_alphas=(known,),
        palette=palette_of(settings, max(shape), sources),
        originals=None,
        free=free,
    )


def _known(sample: Source, settings: Settings, sources: Sources) -> tuple[np.ndarray, Mask]:
    """Read the picture, and where it is known: 1 or 0."""
    asked, file = size_of(settings), sources.shape(sample, "picture")
    if isinstance(asked, str) and asked != ORIGINAL:
        raise ValueError(f"expected size as the longest side of the picture, got {asked}")
    longest = max(file) if isinstance(asked, str) else asked
    picture = sources.picture(sample, "picture", longest)
    if longest < max(file):
        sources.note(
            f"the picture is reduced from {max(file)} to {longest} pixels; --size original "
            '(size="original") keeps all of them'
        )
    shape = picture.shape[0], picture.shape[1]
    masks = [sources.alpha(sample, "picture", longest)]
    if settings.keep is not None:
        held = sources.with_masks(settings).keep
        masks.append(mask_over(held, picture, "keep mask", sources.stored(sample)))
    known = multiplied(masks, shape)
    if known is None:
        known = np.ones(shape, np.float32)
    return picture, (resize_mask(known, shape) >= 0.5).astype(np.float32)


def _takes_steps(settings: Settings) -> bool:
    """Whether the picture is compared at all: what is made of patches alone is not."""
    return any(settings.scale_steps or (settings.steps, settings.first_steps, settings.final_steps))


def _filled(picture: Picture, known: Mask, seed: int) -> Picture:
    """Fill what is not known with patches of what is: features at its border see that, too."""
    if known.all():
        return picture
    from jaxstyle.image.patchwork import patchwork  # SciPy, which other runs do not need

    made = patchwork(
        [Sample(picture, known)],
        (picture.shape[0], picture.shape[1]),
        np.random.default_rng(seed),
        unknown=Unknown(picture, 1 - known),
    )
    return picture if made is None else np.where(known[..., None] > 0, picture, made)


def surroundings(free: Mask) -> Mask:
    """Return where a completed picture is compared: what is made, and `REACH` around it."""
    from scipy import ndimage  # which other runs do not need

    grown: Mask = ndimage.maximum_filter(free, 2 * REACH + 1)
    return grown
