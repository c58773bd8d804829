"""Statistics of a study: fair means, intervals, fronts, wins. Pure functions of NumPy arrays.

Scores are an array `scores[objective, pair, judge]`; lower is better. A score that is NaN or
infinite is missing: means are over the scores that are present, the mean of none is NaN, and NaN is
on no front, has no rank, and neither wins nor loses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float, Int

AXES = ("effectiveness", "coherence")
LEVEL, DRAWS = 0.95, 2000
"""Level of all intervals, and the number of resamples behind each."""


class Interval(NamedTuple):
    """A mean with the ends of its confidence interval; NaN where the data do not suffice."""

    mean: float
    low: float
    high: float


class Wins(NamedTuple):
    """Comparison of objective a with objective b on the same pairs."""

    effectiveness: Interval  # share of pairs on which a has the lower mean; a tie counts half
    coherence: Interval  # the same for coherence judges
    both: Interval  # share on which a dominates: worse on neither axis, better on at least one
    effectiveness_gain: Interval  # by how much a's mean is lower; positive is good for a
    coherence_gain: Interval  # the same for coherence judges


def mean(values: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*rest"]:
    """Return the mean of the finite values along an axis, NaN where there are none."""
    finite = np.isfinite(values)
    count = finite.sum(axis)
    total = np.where(finite, values, 0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def fair_means(
    scores: Float[np.ndarray, "objectives pairs judges"],
    held_out: Bool[np.ndarray, "objectives judges"],
) -> Float[np.ndarray, "objectives pairs"]:
    """Return each objective's mean over its held-out judges, adjusted for their strictness.

    Some judges score everything higher, so a plain mean would favor objectives without them.
    Effects of objective and judge are therefore fitted to the held-out means by least squares, and
    each judge's effect is subtracted. With the same judges for all objectives this is the plain
    mean.

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
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """Return the mean over all pairs with a value, and its interval over contents and styles.

    Two pairs that share a style are not independent, so contents and styles are resampled with
    replacement, and a pair is weighted by the counts of its content and its style. Noise of single
    pairs then counts up to three times: where it dominates, intervals are too wide. Equal values
    give an interval of zero width; pairs of one content and one style give NaN for its ends.

    Args:
        values: One for each pair; those that are not finite are left out.
        contents: Index of each pair's content.
        styles: Index of each pair's style.
        draws: Number of resamples, which `seed` decides.
        level: Of the interval.

    References:
        Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007. With few clusters
        the percentiles are too narrow (six styles: 87% in place of 95%) and are expanded as in
        Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69,
        2015, with Satterthwaite's degrees of freedom for the two factors.

    >>> bootstrap(np.array([1.0, 1, 3, 3]), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    Interval(mean=2.0, low=1.0, high=3.0)
    """
    finite = np.isfinite(values)
    sample = values[finite]
    if not len(sample):
        return Interval(np.nan, np.nan, np.nan)
    weights = np.ones((draws, len(sample)))
    random = np.random.default_rng(seed)
    variances, freedoms = np.zeros(2), np.zeros(2)
    for factor, labels in enumerate((contents, styles)):
        _, index, size = np.unique(labels[finite], return_inverse=True, return_counts=True)
        weights *= random.multinomial(len(size), np.full(len(size), 1 / len(size)), draws)[:, index]
        freedoms[factor] = len(size) - 1
        if freedoms[factor]:
            variances[factor] = np.var(np.bincount(index, sample) / size, ddof=1) / len(size)
    if not freedoms.any():
        return Interval(float(sample.mean()), np.nan, np.nan)
    total = weights.sum(1)  # zero where a resample misses every pair of an incomplete table
    means = (weights @ sample)[total > 0] / total[total > 0]
    satterthwaite = (variances**2 / np.maximum(freedoms, 1)).sum()
    freedom = variances.sum() ** 2 / max(satterthwaite, 1e-300)
    tail = 100 * _tail(level, max(freedom, 1.0))
    low, high = np.percentile(means, (tail, 100 - tail))
    return Interval(float(sample.mean()), float(low), float(high))


def _tail(level: float, freedom: float) -> float:
    """Return the quantile that ends the interval in a bootstrap of `freedom` + 1 clusters."""
    t = scipy.stats.t.ppf((1 + level) / 2, freedom)
    return float(scipy.stats.norm.cdf(-t * (1 + 1 / freedom) ** 0.5))


def front(
    effectiveness: Float[np.ndarray, " points"], coherence: Float[np.ndarray, " points"]
) -> Bool[np.ndarray, " points"]:
    """Return which points no other point dominates; both axes are minimized, ties are kept.

    >>> front(np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.4, 0.4])).tolist()
    [True, True, False]
    """
    points = np.stack([effectiveness, coherence], -1)
    worse = (points[:, None] >= points).all(-1) & np.any(points[:, None] > points, -1)
    return np.isfinite(points).all(-1) & ~worse.any(1)


def hypervolume(
    points: Float[np.ndarray, "points 2"], reference: Iterable[float] = (1.0, 1.0)
) -> float:
    """Return the exact area between the points and a reference point; both axes are minimized.

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
    interval: Callable[[Float[np.ndarray, " pairs"]], Interval],
) -> Wins:
    """Compare objective a with objective b, on each pair by the judges that scored both.

    Args:
        a_scores: NaN where missing.
        b_scores: Likewise.
        coherence: The judges of coherence; the others are of effectiveness.
        held_out: The judges that neither objective used; the others do not count.
        interval: `bootstrap` with the pairs' contents and styles.
    """
    gains = np.where(held_out, b_scores - a_scores, np.nan)
    effectiveness, content = mean(gains[:, ~coherence], 1), mean(gains[:, coherence], 1)
    least, most = np.minimum(effectiveness, content), np.maximum(effectiveness, content)
    dominates = np.where(np.isfinite(effectiveness + content), (least >= 0) & (most > 0), np.nan)
    shares = (np.heaviside(effectiveness, 0.5), np.heaviside(content, 0.5), dominates)
    return Wins(*map(interval, (*shares, effectiveness, content)))


def ahead_at_equal_coherence(
    a: Float[np.ndarray, "2 points pairs"], b: Float[np.ndarray, "2 points pairs"]
) -> Float[np.ndarray, " pairs"]:
    """Return by how much a's effectiveness is lower where a and b keep equally much content.

    An objective at several strengths is a curve in the plane, from the content itself (coherence 0,
    effectiveness 1) through its points. Both curves are interpolated linearly and compared at the
    coherence of each point of either, as far as both reach.

    Args:
        a: Effectiveness and coherence of each strength on each pair.
        b: Likewise.

    Returns:
        The mean difference on each pair, positive where a is ahead; NaN without a common range.

    >>> a = np.array([[[0.6], [0.2]], [[0.2], [0.6]]])
    >>> ahead_at_equal_coherence(a, a + [[[0.1]], [[0.0]]]).round(3).tolist()
    [0.1]
    """
    ahead = np.full(a.shape[2], np.nan)
    for pair in range(a.shape[2]):
        curves = []
        for points in (a[..., pair], b[..., pair]):
            finite = points[:, np.isfinite(points).all(0)]
            effectiveness, coherence = np.concatenate([[[1.0], [0.0]], finite], 1)
            order = np.argsort(coherence, kind="stable")
            curves.append((coherence[order], effectiveness[order]))
        levels = np.concatenate([coherence for coherence, _ in curves])
        reach = min(coherence[-1] for coherence, _ in curves)
        levels = levels[(levels > 0) & (levels <= reach)]
        if len(levels):
            a_heights, b_heights = (np.interp(levels, *curve) for curve in curves)
            ahead[pair] = np.mean(b_heights - a_heights)
    return ahead


def mean_rank(values: Float[np.ndarray, "objectives pairs"]) -> Float[np.ndarray, " objectives"]:
    """Return each objective's rank from 1, averaged over its pairs; ties share their mean rank.

    >>> mean_rank(np.array([[0.1, 0.2], [0.3, 0.2], [np.nan, 0.4]])).tolist()
    [1.25, 1.75, 3.0]
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    return mean(scipy.stats.rankdata(finite, axis=0, nan_policy="omit"), 1)
