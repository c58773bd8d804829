"""The scenes of a clip, found before any of its frames is painted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from jaxstyle.video.canvas import Known
from jaxstyle.video.film import ALL, NO_PICTURE, Film, Span


def scenes_of(film: Film) -> list[Span]:
    """Return the scenes of a film whose clip can be read again, by its cuts.

    What a frame shows of the one before depends on the clip alone: these are the cuts that are
    found while it is painted.
    """
    if not (film.film.warp and film.film.cut and film.clip.is_repeatable):
        return [ALL]
    cuts = []
    for number, (before, gray) in enumerate(itertools.pairwise(film.grays()), 1):
        known = Known(number - 1, NO_PICTURE, before)
        trust = film.painter.compared(number, gray, known)[1]
        if film.painter.is_cut(trust):
            cuts.append(number)
    return spans_of(cuts)


def spans_of(cuts: Sequence[int]) -> list[Span]:
    """Return the parts of a clip between cuts.

    >>> spans_of([3, 5])
    [(0, 3), (3, 5), (5, None)]
    """
    return [*zip((0, *cuts), (*cuts, None), strict=True)]
