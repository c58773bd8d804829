"""Statistics of a study: fair means, intervals, fronts, wins. Pure functions, NumPy only.

Scores stand in a table `scores[objective, pair, judge]`; lower is better. A score that is NaN or
infinite is missing: means are over what is there, a mean over nothing is NaN, and what is NaN is
on no front, has no rank, and neither wins nor loses.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

AXES = ("effectiveness", "coherence")
LEVEL, DRAWS = 0.95, 2000
"""Of all intervals, and the times that pairs are drawn anew for them."""


class Interval(NamedTuple):
    """A mean with the ends of its interval; NaN where too little is known."""

    mean: float
    low: float
    high: float


class Wins(NamedTuple):
    """How objective a does against objective b on the same pairs.

    Attributes:
        effectiveness: Share of pairs on which a has the lower mean; a tie counts half.
        coherence: The same of coherence judges.
        both: Share of pairs on which a dominates: worse on neither axis, better on one at least.
        effectiveness_gain: By how much a's mean is lower; positive is good for a.
        coherence_gain: The same of coherence judges.
    """

    effectiveness: Interval
    coherence: Interval
    both: Interval
    effectiveness_gain: Interval
    coherence_gain: Interval


def mean(values: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*rest"]:
    """The mean of what is finite along an axis, NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis)
    total = np.where(known, values, 0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def fair_means(
    scores: Float[np.ndarray, "objectives pairs judges"],
    held_out: Bool[np.ndarray, "objectives judges"],
) -> Float[np.ndarray, "objectives pairs"]:
    """Each objective's mean over its held-out judges, cleared of how strict those judges are.

    Some judges give higher scores to everything: a plain mean would reward whoever is spared them.
    So effects of objective and judge are fitted to the held-out means by least squares, and each
    judge's effect is taken out. With the same judges for all objectives this is the plain mean.

    References:
        Adjusted means of unbalanced two-way tables: Searle, Speed and Milliken, "Population
        marginal means in the linear model", The American Statistician 34, 1980.
    """
    counted = np.where(held_out[:, None, :], scores, np.nan)
    cells = mean(counted, 1)
    rows, columns = np.nonzero(np.isfinite(cells))
    if not len(rows):
        return np.full(scores.shape[:2], np.nan)
    known = cells[rows, columns]
    design = np.zeros((len(rows), sum(cells.shape)))
    for effect in (rows, len(cells) + columns):
        design[np.arange(len(rows)), effect] = 1
    effects = np.linalg.lstsq(design, known - known.mean(), rcond=None)[0][len(cells) :]
    return mean(counted - (effects - effects[np.unique(columns)].mean()), 2)


def bootstrap(
    values: Float[np.ndarray, " pairs"],
    contents: Int[np.ndarray, " pairs"],
    styles: Int[np.ndarray, " pairs"],
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """The mean of all pairs that have a value, and its interval over other contents and styles.

    Two pairs of one style are not independent, so contents and styles are drawn anew with
    replacement, and a pair counts as often as its content times as often as its style. Noise of the
    single pair then counts up to three times: where that prevails, intervals are too wide. Equal
    values give an interval of no width; pairs of one content and one style give NaN for its ends.

    References:
        Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007. Of few clusters the
        percentiles are too close (six styles: 87% for 95%) and are expanded as in Hesterberg,
        "What teachers should know about the bootstrap", The American Statistician 69, 2015, with
        Satterthwaite's degrees of freedom of the two factors.

    >>> bootstrap(np.array([1.0, 1, 3, 3]), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    Interval(mean=2.0, low=1.0, high=3.0)
    """
    known = np.isfinite(values)
    found = values[known]
    if not len(found):
        return Interval(np.nan, np.nan, np.nan)
    weights = np.ones((draws, len(found)))
    random = np.random.default_rng(seed)
    spread, others = np.zeros(2), np.zeros(2)
    for factor, labels in enumerate((contents, styles)):
        _, index, size = np.unique(labels[known], return_inverse=True, return_counts=True)
        weights *= random.multinomial(len(size), np.full(len(size), 1 / len(size)), draws)[:, index]
        others[factor] = len(size) - 1
        if others[factor]:
            spread[factor] = np.var(np.bincount(index, found) / size, ddof=1) / len(size)
    if not others.any():
        return Interval(float(found.mean()), np.nan, np.nan)
    total = weights.sum(1)  # a draw can miss every pair of a table with holes
    drawn = (weights @ found)[total > 0] / total[total > 0]
    freedom = spread.sum() ** 2 / max((spread**2 / np.maximum(others, 1)).sum(), 1e-300)
    tail = 100 * _tail(level, max(freedom, 1.0))
    low, high = np.percentile(drawn, (tail, 100 - tail))
    return Interval(float(found.mean()), float(low), float(high))


def _tail(level: float, freedom: float) -> float:
    """The percentile at which a bootstrap of `freedom` + 1 clusters has its interval's end."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    # Student's t by its expansion in 1 / freedom (Abramowitz and Stegun 26.7.5).
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    return NormalDist().cdf(-t * (1 + 1 / freedom) ** 0.5)


def front(
    effectiveness: Float[np.ndarray, " points"], coherence: Float[np.ndarray, " points"]
) -> Bool[np.ndarray, " points"]:
    """Which points no other point dominates; both axes are minimized. Equal points stand together.

    >>> front(np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.4, 0.4])).tolist()
    [True, True, False]
    """
    points = np.stack([effectiveness, coherence], -1)
    worse = (points[:, None] >= points).all(-1) & np.any(points[:, None] > points, -1)
    return np.isfinite(points).all(-1) & ~worse.any(1)


def hypervolume(
    points: Float[np.ndarray, "points 2"], reference: Iterable[float] = (1.0, 1.0)
) -> float:
    """The area that the points dominate below a reference point, exactly; both axes are minimized.

    >>> hypervolume(np.array([[0.0, 0.5], [0.5, 0.0]]))
    0.75
    """
    right, top = reference
    area = 0.0
    below = points[np.isfinite(points).all(1) & (points < (right, top)).all(1)]
    for x, y in below[np.lexsort(below.T[::-1])]:
        area += (right - x) * max(top - y, 0.0)
        top = min(top, y)
    return float(area)


def wins(
    a_scores: Float[np.ndarray, "pairs judges"],
    b_scores: Float[np.ndarray, "pairs judges"],
    coherence: Bool[np.ndarray, " judges"],
    held_out: Bool[np.ndarray, " judges"],
    **clusters: Any,
) -> Wins:
    """How often and by how much objective a is better than b, on each pair by what judged both.

    Args:
        a_scores: NaN where missing.
        b_scores: NaN where missing.
        coherence: True for judges of coherence, False for judges of effectiveness.
        held_out: The judges that neither has used; the others do not count.
        clusters: `contents`, `styles` and the options of `bootstrap`.
    """
    gains = np.where(held_out, b_scores - a_scores, np.nan)
    one, other = mean(gains[:, ~coherence], 1), mean(gains[:, coherence], 1)
    both = (np.minimum(one, other) >= 0) & (np.maximum(one, other) > 0)
    dominated = np.where(np.isfinite(one + other), both, np.nan)
    shares = (np.heaviside(one, 0.5), np.heaviside(other, 0.5), dominated)
    return Wins(*(bootstrap(values, **clusters) for values in (*shares, one, other)))


def ahead_at_equal_coherence(
    a: Float[np.ndarray, "2 points pairs"], b: Float[np.ndarray, "2 points pairs"]
) -> Float[np.ndarray, " pairs"]:
    """By how much a's effectiveness is lower where a and b keep equally much of the content.

    An objective at several strengths is a curve in the plane, from the content itself (coherence 0,
    effectiveness 1) through its points. Between them both curves are taken to be straight, and
    they are compared at the coherence of each point of either, as far as both reach.

    Args:
        a: Effectiveness and coherence of each strength on each pair.
        b: Likewise.

    Returns:
        The mean difference on each pair, positive where a is ahead; NaN where nothing can be said.

    >>> a = np.array([[[0.6], [0.2]], [[0.2], [0.6]]])
    >>> ahead_at_equal_coherence(a, a + [[[0.1]], [[0.0]]]).round(3).tolist()
    [0.1]
    """
    found = np.full(a.shape[2], np.nan)
    for pair in range(a.shape[2]):
        curves = []
        for points in (a[..., pair], b[..., pair]):
            known = points[:, np.isfinite(points).all(0)]
            effectiveness, coherence = np.concatenate([[[1.0], [0.0]], known], 1)
            order = np.argsort(coherence, kind="stable")
            curves.append((coherence[order], effectiveness[order]))
        levels = np.concatenate([coherence for coherence, _ in curves])
        reach = min(coherence[-1] for coherence, _ in curves)
        levels = levels[(levels > 0) & (levels <= reach)]
        if len(levels):
            own, other = (np.interp(levels, *curve) for curve in curves)
            found[pair] = np.mean(other - own)
    return found


def mean_rank(values: Float[np.ndarray, "objectives pairs"]) -> Float[np.ndarray, " objectives"]:
    """Each objective's rank from 1 (ties share the mean of theirs), averaged over its pairs.

    >>> mean_rank(np.array([[0.1, 0.2], [0.3, 0.2], [np.nan, 0.4]])).tolist()
    [1.25, 1.75, 3.0]
    """
    below = (values < values[:, None]).sum(1)
    equal = (values == values[:, None]).sum(1)
    return mean(np.where(np.isfinite(values), below + (equal + 1) / 2, np.nan), 1)
