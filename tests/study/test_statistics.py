"""Statistics of a study against brute force and published values."""

import math
from functools import partial

import numpy as np
import pytest
import scipy.interpolate
import scipy.stats

from jaxstyle.study import statistics


def crossed(contents, styles):
    return np.repeat(np.arange(contents), styles), np.tile(np.arange(styles), contents)


def test_fair_means_are_plain_means_where_all_have_the_same_judges():
    scores = np.random.default_rng(0).normal(size=(5, 6, 4))
    held_out = np.tile([True, False, True, True], (5, 1))
    fair = statistics.fair_means(scores, held_out)
    np.testing.assert_allclose(fair, scores[..., [0, 2, 3]].mean(-1))


def test_fair_means_take_out_the_judges():
    random = np.random.default_rng(1)
    objective, pair, judge = (random.normal(size=n) for n in (6, 5, 4))
    scores = objective[:, None, None] + pair[:, None] + judge
    held_out = random.random((6, 4)) < 0.6
    held_out[0] = True  # links all
    held_out[:, 0] = True
    scores[2, 3] = np.nan
    fair = statistics.fair_means(np.where(held_out[:, None], scores, -99), held_out)
    assert np.isnan(fair[2, 3])
    np.testing.assert_allclose(fair[0], objective[0] + pair + judge.mean())
    known = np.isfinite(fair)
    truth = objective[:, None] + pair + judge.mean()
    np.testing.assert_allclose(fair[known], truth[known])


def test_fair_means_of_nothing():
    assert np.isnan(statistics.fair_means(np.ones((2, 3, 4)), np.zeros((2, 4), bool))).all()
    assert np.isnan(statistics.fair_means(np.ones((2, 3, 0)), np.zeros((2, 0), bool))).all()


def test_bootstrap_is_the_explicit_resampling():
    contents, styles = crossed(5, 7)
    random = np.random.default_rng(2)
    values = random.normal(size=7)[styles] + 0.3 * random.normal(size=35)
    table = values.reshape(5, 7)
    drawn = [
        table[np.ix_(random.integers(0, 5, 5), random.integers(0, 7, 7))].mean()
        for _ in range(20000)
    ]
    interval = statistics.bootstrap(values, contents, styles, draws=20000, level=0.8)
    spread = [table.mean(1).var(ddof=1) / 5, table.mean(0).var(ddof=1) / 7]
    freedom = sum(spread) ** 2 / (spread[0] ** 2 / 4 + spread[1] ** 2 / 6)
    t = scipy.stats.t.ppf(0.9, freedom)
    tail = 100 * scipy.stats.norm.cdf(-t * np.sqrt(1 + 1 / freedom))
    assert interval.mean == pytest.approx(values.mean())
    np.testing.assert_allclose(interval[1:], np.percentile(drawn, (tail, 100 - tail)), atol=0.03)


@pytest.mark.parametrize(
    # The two-sided 5% points of Student's t, as every textbook has them.
    ("freedom", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1000, 1.962)],
)
def test_expanded_percentiles(freedom, t):
    # Hesterberg 2015: the normal distribution's share beyond t, widened by √(n / (n - 1)).
    expected = 0.5 * math.erfc(t * math.sqrt((1 + 1 / freedom) / 2))
    assert statistics._tail(0.95, freedom) == pytest.approx(expected, rel=0.01, abs=1e-60)


def test_the_percentile_of_many_clusters_is_the_plain_one():
    assert statistics._tail(0.95, 1e9) == pytest.approx(0.025, rel=1e-6)
    assert statistics._tail(0.8, 1e9) == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (15, 15)])
def test_bootstrap_covers_the_truth(shape):
    contents, styles = crossed(*shape)
    random = np.random.default_rng(3)
    covered = []
    for seed in range(300):
        values = (
            5 + random.normal(size=shape[1])[styles] + 0.4 * random.normal(size=shape[0])[contents]
        )
        values += 0.3 * random.normal(size=len(values))
        _, low, high = statistics.bootstrap(values, contents, styles, draws=400, seed=seed)
        covered.append(low <= 5 <= high)
    assert 0.9 < np.mean(covered) < 0.99  # plain percentiles of six clusters: 0.87


def test_bootstrap_knows_that_pairs_of_one_style_are_not_independent():
    contents, styles = crossed(6, 6)
    values = np.arange(6.0)[styles]
    _, low, high = statistics.bootstrap(values, contents, styles)
    _, lower, higher = statistics.bootstrap(values, np.zeros(36, int), np.arange(36))
    assert high - low > 2 * (higher - lower)


def test_bootstrap_is_deterministic_and_leaves_out_what_is_missing():
    contents, styles = crossed(4, 5)
    values = np.random.default_rng(4).normal(size=20)
    values[[3, 7]] = np.nan, np.inf
    finite = np.isfinite(values)
    interval = statistics.bootstrap(values, contents, styles)
    assert interval == statistics.bootstrap(values, contents, styles)
    assert interval == statistics.bootstrap(values[finite], contents[finite], styles[finite])
    assert interval != statistics.bootstrap(values, contents, styles, seed=1)
    assert interval.low < interval.mean < interval.high


def test_bootstrap_of_too_little():
    none, one = np.full(3, np.nan), np.array([np.nan, 2.0, np.nan])
    assert np.isnan(statistics.bootstrap(none, *crossed(3, 1))).all()
    mean, low, high = statistics.bootstrap(one, *crossed(3, 1))
    assert mean == 2
    assert np.isnan([low, high]).all()
    assert statistics.bootstrap(np.ones(6), *crossed(2, 3)) == (1, 1, 1)


@pytest.mark.parametrize(("contents", "styles"), [(3, 3), (2, 6), (9, 1)])
def test_all_alike_is_no_certainty(contents, styles):
    """Nine of nine were [1, 1]. Wilson's interval, of as many as there are clusters."""
    pairs = crossed(contents, styles)
    count = min(n for n in (contents, styles) if n > 1)
    for share in (0, 1):
        interval = statistics.proportion(np.full(contents * styles, float(share)), *pairs)
        binomial = scipy.stats.binomtest(share * count, count).proportion_ci(method="wilson")
        np.testing.assert_allclose(interval, [share, binomial.low, binomial.high], atol=1e-12)


def test_a_share_has_the_interval_of_its_effective_number():
    random = np.random.default_rng(10)
    contents, styles = crossed(5, 7)
    values = (random.normal(size=7)[styles] + random.normal(size=35) > -0.3).astype(float)
    values[:3] = 0.5, np.nan, 0.5  # ties, and a missing pair
    share, low, high = statistics.proportion(values, contents, styles)
    known = np.isfinite(values)
    assert share == values[known].mean()
    variance = sum(
        np.var([values[known & (of == k)].mean() for k in range(n)], ddof=1) / n
        for of, n in ((contents, 5), (styles, 7))
    )
    number = share * (1 - share) / variance
    assert 7 < number < 34
    for end, side in ((low, -1), (high, 1)):  # where the share is z standard errors away
        error = np.sqrt(end * (1 - end) / number)
        assert share == pytest.approx(end - side * scipy.stats.norm.ppf(0.975) * error)


def test_no_more_pairs_count_than_there_are():
    values = np.array([1.0, 1, 0, 1, 0, 1, 0, 1, 0])  # nearly evenly spread
    count = scipy.stats.binomtest(5, 9).proportion_ci(method="wilson")
    interval = statistics.proportion(values, *crossed(3, 3))
    np.testing.assert_allclose(interval[1:], [count.low, count.high])


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (6, 6), (4, 9)])
@pytest.mark.parametrize("truth", [0.5, 0.9])
def test_shares_cover_the_truth(shape, truth):
    contents, styles = crossed(*shape)
    random = np.random.default_rng(11)
    level = scipy.stats.norm.ppf(truth) * np.sqrt(1 + 0.4**2 + 1)
    covered = []
    for _ in range(200):
        values = level + random.normal(size=shape[1])[styles] + random.normal(size=len(styles))
        values += 0.4 * random.normal(size=shape[0])[contents]
        _, low, high = statistics.proportion((values > 0).astype(float), contents, styles)
        covered.append(low <= truth <= high)
    assert np.mean(covered) > 0.9


def test_shares_of_too_little():
    none, one = np.full(3, np.nan), np.array([np.nan, 1.0, np.nan])
    assert np.isnan(statistics.proportion(none, *crossed(3, 1))).all()
    share, low, high = statistics.proportion(one, *crossed(3, 1))
    assert share == 1
    assert np.isnan([low, high]).all()


def test_front_is_what_nothing_dominates():
    random = np.random.default_rng(5)
    for _ in range(50):
        points = random.integers(0, 6, (15, 2)).astype(float)  # many ties
        points[random.random((15, 2)) < 0.05] = np.nan
        expected = [
            bool(np.isfinite(p).all()) and not any((q <= p).all() and (q < p).any() for q in points)
            for p in points
        ]
        assert statistics.front(*points.T).tolist() == expected
    assert statistics.front(*np.eye(3)).tolist() == [True] * 3  # of three axes


def test_hypervolume_of_known_points():
    points = np.array([[0.2, 0.6], [0.5, 0.3], [0.6, 0.6], [0.5, 0.3], [2.0, -1], [np.nan, 0]])
    assert statistics.hypervolume(points) == pytest.approx(0.8 * 0.4 + 0.5 * 0.3)
    assert statistics.hypervolume(points[::-1]) == pytest.approx(0.47)
    assert statistics.hypervolume(np.array([[-1.0, -1.0]])) == 4
    assert statistics.hypervolume(np.array([[0.0, 0.0]]), (2, 3)) == 6
    assert statistics.hypervolume(np.zeros((0, 2))) == 0
    assert statistics.hypervolume(np.ones((1, 2))) == 0


def test_hypervolume_is_the_dominated_share():
    random = np.random.default_rng(6)
    points = random.random((9, 2))
    grid = (np.stack(np.meshgrid(*[np.arange(500)] * 2), -1).reshape(-1, 1, 2) + 0.5) / 500
    share = (points <= grid).all(-1).any(-1).mean()
    assert statistics.hypervolume(points) == pytest.approx(share, abs=0.005)


def test_wins_are_counted():
    # Judges: two of effectiveness, one of coherence, one that is not held out.
    axis_of, held_out = np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0], bool)
    b = np.full((6, 4), 0.5)
    a = b - [
        [0.2, 0.1, 0.1, -9],  # better on both
        [0.2, -0.1, -0.1, 9],  # on effectiveness
        [-0.2, 0.1, 0.1, 9],  # on coherence
        [0, 0, 0.1, 0],  # a tie and a gain: dominates
        [0, 0, 0, 9],  # a tie
        [np.nan, 0.3, np.nan, 9],  # no coherence; judged by one
    ]
    contents, styles = crossed(2, 3)
    interval, share = (
        partial(function, contents=contents, styles=styles)
        for function in (statistics.bootstrap, statistics.proportion)
    )
    wins = statistics.wins(a, b, axis_of, held_out, interval, share)
    assert wins["effectiveness"].mean == pytest.approx((1 + 1 + 0 + 0.5 + 0.5 + 1) / 6)
    assert wins["coherence"].mean == pytest.approx((1 + 0 + 1 + 1 + 0.5) / 5)
    assert wins["both"].mean == pytest.approx(2 / 5)
    assert wins["effectiveness_gain"].mean == pytest.approx((0.15 + 0.05 - 0.05 + 0.3) / 6)
    assert wins["coherence_gain"].mean == pytest.approx((0.1 - 0.1 + 0.1 + 0.1) / 5)
    gains = np.array([0.15, 0.05, -0.05, 0, 0, 0.3])
    assert wins["effectiveness_gain"] == pytest.approx(interval(gains))
    assert wins["both"] == share(np.array([1, 0, 0, 1, 0, np.nan]))
    back = statistics.wins(b, a, axis_of, held_out, interval, share)
    assert back["effectiveness"].mean == pytest.approx(1 - wins["effectiveness"].mean)
    effective = ~held_out & (axis_of == 0)
    nobody = statistics.wins(a, b, axis_of, effective, interval, share)
    assert np.isnan(list(nobody.values())).all()


def test_paint_is_counted_and_no_part_of_both():
    contents, styles = crossed(2, 2)
    interval, share = (
        partial(function, contents=contents, styles=styles)
        for function in (statistics.bootstrap, statistics.proportion)
    )
    b = np.full((4, 3), 0.5)
    a = b - [[0.1, 0.1, -0.3], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1], [0.1, -0.1, np.nan]]
    wins = statistics.wins(a, b, np.arange(3), np.ones(3, bool), interval, share)
    assert wins["paint"].mean == pytest.approx(2 / 3)
    assert wins["paint_gain"].mean == pytest.approx(-0.1 / 3)
    assert wins["both"].mean == pytest.approx(3 / 4)


def test_ahead_at_equal_coherence_is_the_height_between_two_curves():
    # a: from (0, 1) to (0.5, 0.5) to (1, 0.4); b the same, 0.1 higher from its first point on.
    a = np.array([[[0.5], [0.4]], [[0.5], [1.0]]])
    b = np.add(a, [[[0.1]], [[0.0]]])
    assert statistics.ahead_at_equal_coherence(a, b) == pytest.approx(0.1)
    assert statistics.ahead_at_equal_coherence(b, a) == pytest.approx(-0.1)
    assert statistics.ahead_at_equal_coherence(a, a) == pytest.approx(0)
    # A stronger pull along the same curve is no gain, whichever points of it are known.
    middle = np.array([[[0.75], [0.5]], [[0.25], [0.5]]])
    assert statistics.ahead_at_equal_coherence(a, middle) == pytest.approx(0)
    # Only as far as both reach: b's second point says nothing of a alone.
    short = np.array([[[0.75]], [[0.25]]])
    assert statistics.ahead_at_equal_coherence(short, b) == pytest.approx(0.8 - 0.75)


def test_ahead_at_equal_coherence_against_an_integral():
    random = np.random.default_rng(8)
    a, b = (np.sort(random.random((2, 3, 40)), axis=1) for _ in range(2))
    a[0], b[0] = 1 - a[0], 1 - b[0]
    ahead = statistics.ahead_at_equal_coherence(a, b)
    for pair in range(40):
        levels = [
            x for x in (*a[1, :, pair], *b[1, :, pair]) if x <= min(a[1, 2, pair], b[1, 2, pair])
        ]
        heights = [
            scipy.interpolate.interp1d([0, *curve[1, :, pair]], [1, *curve[0, :, pair]])(levels)
            for curve in (a, b)
        ]
        assert ahead[pair] == pytest.approx(np.mean(heights[1] - heights[0]))
    a[0, 1, 3] = b[1, 2, 4] = np.nan  # a point that is missing is left out
    assert np.isfinite(statistics.ahead_at_equal_coherence(a, b)).all()
    a[:, :, 5] = np.nan
    assert np.isnan(statistics.ahead_at_equal_coherence(a, b)[5])


def test_mean_rank():
    values = np.random.default_rng(7).integers(0, 4, (7, 9)).astype(float)
    values[2, :5] = values[3] = np.nan
    values[4, 2] = np.inf  # missing too
    ranks = np.full((7, 9), np.nan)
    for pair in range(9):
        known = [i for i in range(7) if np.isfinite(values[i, pair])]
        for i in known:
            less = sum(values[k, pair] < values[i, pair] for k in known)
            equal = sum(values[k, pair] == values[i, pair] for k in known)
            ranks[i, pair] = less + (equal + 1) / 2
    ranked = statistics.mean_rank(values)
    assert np.isnan(ranked[3])
    others = [0, 1, 2, 4, 5, 6]
    np.testing.assert_allclose(ranked[others], np.nanmean(ranks[others], axis=1))


def test_mean_rank_of_published_ranks():
    # Hollander and Wolfe, "Nonparametric Statistical Methods", example 7.1: three ways of rounding
    # first base, of 22 players; the rank sums are 53, 47 and 32.
    seconds = """
    5.40 5.50 5.55  5.85 5.70 5.75  5.20 5.60 5.50  5.55 5.50 5.40  5.90 5.85 5.70  5.45 5.55 5.60
    5.40 5.40 5.35  5.45 5.50 5.35  5.25 5.15 5.00  5.85 5.80 5.70  5.25 5.20 5.10  5.65 5.55 5.45
    5.60 5.35 5.45  5.05 5.00 4.95  5.50 5.50 5.40  5.45 5.55 5.50  5.55 5.55 5.35  5.45 5.50 5.55
    5.50 5.45 5.25  5.65 5.60 5.40  5.70 5.65 5.55  6.30 6.30 6.25
    """
    values = np.array(seconds.split(), float).reshape(22, 3).T
    np.testing.assert_allclose(statistics.mean_rank(values), np.array([53, 47, 32]) / 22)
