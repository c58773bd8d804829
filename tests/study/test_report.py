"""Statistics of a study against brute force; what its texts say, and that nothing breaks out."""

import csv
import io
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.interpolate
import scipy.stats
from support.pages import Parsed

from jaxstyle.study import statistics
from jaxstyle.study.report import markdown, plane, report, summarize

NASTY = "</script><b>x</b><!--<script>&amp;]]>\u2028\u2029'\"\\ | __DATA__ ${title} \x00"
NAMESPACE = "http://www.w3.org/2000/svg"
SVG = f"{{{NAMESPACE}}}"


def crossed(contents, styles):
    return np.repeat(np.arange(contents), styles), np.tile(np.arange(styles), contents)


# Statistics


def test_fair_means_are_plain_means_where_all_have_the_same_judges():
    scores = np.random.default_rng(0).normal(size=(5, 6, 4))
    held_out = np.tile([True, False, True, True], (5, 1))
    fair = statistics.fair_means(scores, held_out)
    np.testing.assert_allclose(fair, scores[..., [0, 2, 3]].mean(-1))


def test_fair_means_take_out_who_judged():
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
    found = statistics.bootstrap(values, contents, styles, draws=20000, level=0.8)
    spread = [table.mean(1).var(ddof=1) / 5, table.mean(0).var(ddof=1) / 7]
    freedom = sum(spread) ** 2 / (spread[0] ** 2 / 4 + spread[1] ** 2 / 6)
    t = scipy.stats.t.ppf(0.9, freedom)
    tail = 100 * scipy.stats.norm.cdf(-t * np.sqrt(1 + 1 / freedom))
    assert found.mean == pytest.approx(values.mean())
    np.testing.assert_allclose(found[1:], np.percentile(drawn, (tail, 100 - tail)), atol=0.03)


@pytest.mark.parametrize("freedom", [3, 5, 20, 1000])
def test_expanded_percentiles(freedom):
    t = scipy.stats.t.ppf(0.975, freedom)
    expected = scipy.stats.norm.cdf(-t * np.sqrt(1 + 1 / freedom))
    assert statistics._tail(0.95, freedom) == pytest.approx(expected, rel=0.15)


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
    there = np.isfinite(values)
    found = statistics.bootstrap(values, contents, styles)
    assert found == statistics.bootstrap(values, contents, styles)
    assert found == statistics.bootstrap(values[there], contents[there], styles[there])
    assert found != statistics.bootstrap(values, contents, styles, seed=1)
    assert found.low < found.mean < found.high


def test_bootstrap_of_too_little():
    none, one = np.full(3, np.nan), np.array([np.nan, 2.0, np.nan])
    assert np.isnan(statistics.bootstrap(none, *crossed(3, 1))).all()
    mean, low, high = statistics.bootstrap(one, *crossed(3, 1))
    assert mean == 2
    assert np.isnan([low, high]).all()
    assert statistics.bootstrap(np.ones(6), *crossed(2, 3)) == (1, 1, 1)


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
    coherence, held_out = np.array([0, 0, 1, 1], bool), np.array([1, 1, 1, 0], bool)
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
    found = statistics.wins(a, b, coherence, held_out, contents=contents, styles=styles)
    assert found.effectiveness.mean == pytest.approx((1 + 1 + 0 + 0.5 + 0.5 + 1) / 6)
    assert found.coherence.mean == pytest.approx((1 + 0 + 1 + 1 + 0.5) / 5)
    assert found.both.mean == pytest.approx(2 / 5)
    assert found.effectiveness_gain.mean == pytest.approx((0.15 + 0.05 - 0.05 + 0.3) / 6)
    assert found.coherence_gain.mean == pytest.approx((0.1 - 0.1 + 0.1 + 0.1) / 5)
    assert found.both == statistics.bootstrap(np.array([1, 0, 0, 1, 0, np.nan]), contents, styles)
    back = statistics.wins(b, a, coherence, held_out, contents=contents, styles=styles)
    assert back.effectiveness.mean == pytest.approx(1 - found.effectiveness.mean)
    nobody = statistics.wins(
        a, b, coherence, ~held_out & ~coherence, contents=contents, styles=styles
    )
    assert np.isnan(np.array(nobody)).all()


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
    found = statistics.ahead_at_equal_coherence(a, b)
    for pair in range(40):
        levels = [
            x for x in (*a[1, :, pair], *b[1, :, pair]) if x <= min(a[1, 2, pair], b[1, 2, pair])
        ]
        heights = [
            scipy.interpolate.interp1d([0, *curve[1, :, pair]], [1, *curve[0, :, pair]])(levels)
            for curve in (a, b)
        ]
        assert found[pair] == pytest.approx(np.mean(heights[1] - heights[0]))
    a[0, 1, 3] = b[1, 2, 4] = np.nan  # a point that is missing is left out
    assert np.isfinite(statistics.ahead_at_equal_coherence(a, b)).all()
    a[:, :, 5] = np.nan
    assert np.isnan(statistics.ahead_at_equal_coherence(a, b)[5])


def test_mean_rank():
    values = np.random.default_rng(7).integers(0, 4, (7, 9)).astype(float)
    np.testing.assert_allclose(
        statistics.mean_rank(values), scipy.stats.rankdata(values, axis=0).mean(1)
    )
    values[2, :5] = values[3] = np.nan
    expected = scipy.stats.rankdata(values, axis=0, nan_policy="omit")
    found = statistics.mean_rank(values)
    assert np.isnan(found[3])
    others = [0, 1, 2, 4, 5, 6]
    np.testing.assert_allclose(found[others], np.nanmean(expected[others], axis=1))


# Report


def made_up(ahead=0.2, *, text="", singles=3, mixtures=2, noise=0.01, seed=0, training=(0, 7, 9)):
    """A study in which mixtures are ahead of single metrics on both axes; 3 contents, 4 styles."""
    random = np.random.default_rng(seed)
    objectives = [
        {
            "name": f"{kind} {k}{text}",
            "text": f"in words {text}",
            "metrics": ["gram", "swd" + text][: 1 + (kind == "mixture")],
            "networks": ["vgg16"],
            "kind": kind,
            "count": 1 + (kind == "mixture"),
        }
        for kind, count in (("single", singles), ("mixture", mixtures))
        for k in range(count)
    ]
    judges = [
        {"name": f"judge {k}{text}", "axis": axis, "metric": "cx" + text, "network": "alexnet"}
        for k, axis in enumerate(["effectiveness"] * 3 + ["coherence"] * 2)
    ]
    scores = random.normal(0.5, 0.1, (1, 12, 5)) + noise * random.normal(
        size=(len(objectives), 12, 5)
    )
    scores += 0.05 * random.normal(size=(len(objectives), 1, 1))
    scores[singles:] -= ahead
    held_out = np.ones((len(objectives), 5), bool)
    held_out[0, 1] = held_out[-1, 2] = False
    image = "data:image/png;base64,AAAA"
    return {
        "title": f"A study {text}",
        "command": f"jaxstyle study {text}",
        "settings": {"size": 64, "what" + text: text},
        "objectives": objectives,
        "contents": [{"name": f"content {k}{text}", "picture": image} for k in range(3)],
        "styles": [{"name": f"style {k}{text}", "picture": image} for k in range(4)],
        "judges": judges,
        "scores": scores.tolist(),
        "held_out": held_out.tolist(),
        "training_pairs": list(training),
        "pictures": {f"{objectives[0]['name']}|content 0{text}|style 1{text}": image},
        "facts": {"device": "cpu" + text},
    }


def test_the_page_holds_the_study_and_its_summary():
    study = made_up()
    texts = report(study)
    assert list(texts) == ["index.html", "table.csv", "scores.csv", "summary.json"]
    data = json.loads(Parsed(texts["index.html"]).data)
    for name in (
        "title",
        "command",
        "settings",
        "objectives",
        "contents",
        "styles",
        "pictures",
        "facts",
    ):
        assert data[name] == study[name]
    assert data["summary"] == json.loads(texts["summary.json"]) == summarize(study)
    assert data["planes"][0] == plane(data["summary"])


def test_summary_numbers():
    study = made_up()
    found = summarize(study)
    test = [pair for pair in range(12) if pair not in (0, 7, 9)]
    scores = np.array(study["scores"])[:, test]
    assert found["pairs"] == {"test": 9, "training": 3}
    np.testing.assert_allclose([row["cells"] for row in found["objectives"]], scores.mean(1))
    # Coherence judges are held out for all: plain means.
    coherence = [row["coherence"]["mean"] for row in found["objectives"]]
    np.testing.assert_allclose(coherence, scores[..., 3:].mean((1, 2)))
    assert found["order"] == sorted(
        range(5), key=lambda i: found["objectives"][i]["effectiveness"]["mean"]
    )
    means = np.array(
        [
            [row[axis]["mean"] for axis in ("effectiveness", "coherence")]
            for row in found["objectives"]
        ]
    )
    assert found["hypervolume"]["all"] == pytest.approx(statistics.hypervolume(means))
    assert [row["front"] for row in found["objectives"]] == statistics.front(*means.T).tolist()
    assert [each["judges"] for each in found["against"]] in ([4, 5, 5], [3, 4, 4])
    assert [each["pairs"] for each in found["styles"]] == [2, 2, 3, 2]
    for k, each in enumerate(found["styles"]):
        here = [pair for pair in test if pair % 4 == k]
        all_of = np.array([[row["values"][p] for p in here] for row in found["objectives"]]).mean(1)
        best = found["objectives"][all_of.mean(1).argmin()]["name"]
        assert each["both"]["name"] == best


def test_tables_can_be_read_back():
    study = made_up()
    study["scores"][1][2][3] = float("nan")
    texts = report(study)
    rows = list(csv.DictReader(io.StringIO(texts["scores.csv"])))
    assert list(rows[0])[:7] == [
        "objective",
        "content",
        "style",
        "judge",
        "axis",
        "held_out",
        "score",
    ]
    assert len(rows) == 5 * 12 * 5
    back = np.array([float(row["score"] or "nan") for row in rows]).reshape(5, 12, 5)
    np.testing.assert_array_equal(back, study["scores"])
    assert [row["held_out"] == "True" for row in rows[::60][:5]] == [True] * 5
    assert rows[12 * 5 - 1]["content"] == "content 2"
    assert rows[12 * 5 - 1]["style"] == "style 3"
    assert {row["style"] for row in rows if row["training"] == "True"} == {
        "style 0",
        "style 3",
        "style 1",
    }

    table = list(csv.DictReader(io.StringIO(texts["table.csv"])))
    summary = json.loads(texts["summary.json"])
    assert [row["objective"] for row in table] == [
        summary["objectives"][i]["name"] for i in summary["order"]
    ]
    for row, i in zip(table, summary["order"], strict=True):
        interval = [float(row[f"coherence{end}"]) for end in ("", "_low", "_high")]
        assert interval == list(summary["objectives"][i]["coherence"].values())


def test_markdown():
    lines = markdown(summarize(made_up(text="a|b*_"))).splitlines()
    assert len(lines) == 7
    cells = {len(re.split(r"(?<!\\)\|", line)) for line in lines}
    assert cells == {4 + 5 + 2}
    assert sum(len(re.findall(r"\| \*-?\d\.\d\d\* \|", line)) for line in lines) == 2  # in sample


def test_nasty_names_stay_inside():
    study = made_up(text=NASTY)
    nasty, harmless = report(study)["index.html"], report(made_up())["index.html"]
    assert Parsed(nasty).tags == Parsed(harmless).tags
    data = json.loads(Parsed(nasty).data)
    assert data["objectives"] == study["objectives"]
    assert not {"\u2028", "\u2029", "\x00"} & set(nasty)
    for drawing in data["planes"]:
        tags = [each.tag.removeprefix(SVG) for each in ElementTree.fromstring(drawing).iter()]
        assert set(tags) <= {"svg", "style", "rect", "path", "text", "title", "g"}
    report(made_up(text="\ud800"))["index.html"].encode()


def test_nothing_comes_from_outside():
    text = report(made_up())["index.html"]
    assert not re.search(r"https?:|//[a-z]", text.replace(NAMESPACE, "")), "an address"
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|\bimport\b", text)
    for tag, attributes in Parsed(text).tags:
        assert tag not in ("link", "iframe", "base")
        assert not {"src", "href", "srcset"} & attributes.keys()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in text
    assert "default-src 'none'; img-src data:;" in text


def test_same_study_same_texts():
    assert report(made_up()) == report(made_up())
    arrays = made_up() | {name: np.array(made_up()[name]) for name in ("scores", "held_out")}
    assert report(arrays) == report(made_up())


def answered(**changes):
    return summarize(made_up(**changes))["answer"]


def test_where_mixtures_win_the_answer_says_so():
    verdict, front, chosen, shares, styles = answered(ahead=0.3)
    assert verdict.startswith("Yes, mixtures win: the best one, “mixture")
    assert "closer to the style than each of the 3 single metrics" in verdict
    assert "both axes by some mixture: 3 of 3." in front
    assert "of 2 mixtures has the lowest mean of both axes on the 3 training pairs" in chosen
    assert "100% [100, 100] of test pairs" in shares
    assert "loses on 0 of 4 styles." in styles


def test_where_mixtures_do_not_win_the_answer_says_so():
    verdict, front, _, shares, styles = answered(ahead=-0.3)
    assert verdict.startswith("No, mixtures do not win: the best one, “mixture")
    assert "is no closer to the style than “single 0”, “single 1” and “single 2”" in verdict
    assert "keeps no more of the content than" in verdict
    assert "both axes by some mixture: 0 of 3." in front
    assert "does both on 0% [0, 0]" in shares
    assert "loses on 4 of 4 styles" in styles
    assert "“style 3” (to “single" in styles


def test_where_mixtures_win_on_one_axis_only():
    study = made_up(ahead=0)
    for scores in study["scores"][3:]:
        for pair in scores:
            pair[:] = [score - 0.3 for score in pair[:3]] + [score + 0.3 for score in pair[3:]]
    verdict = summarize(study)["answer"][0]
    assert verdict.startswith("No, mixtures do not win on both axes: the best one, “mixture")
    assert "is closer to the style than each of the 3 single metrics but keeps no more" in verdict


def test_where_the_interval_reaches_zero():
    study = made_up(ahead=0.05, noise=0, seed=3)
    scores = np.array(study["scores"])
    scores[:3] = 0.5
    scores[3:] = 0.45 + np.where(np.arange(12) % 4 == 3, 0.1, 0)[:, None]  # lost on one style
    verdict = summarize(study | {"scores": scores})["answer"][0]
    assert verdict.startswith("Mixtures win on average, but not beyond doubt")
    assert "95% interval of the difference reaches zero against “single 0”" in verdict


def at_strengths(gain):
    """A single metric and a mixture at two strengths: equal curves but for the mixture's gain."""
    study = made_up(singles=2, mixtures=2, noise=0)
    for k, each in enumerate(study["objectives"]):
        each["curve"], each["strength"] = f"{each['kind']} 0", (1.0, 3.0)[k % 2]
    scores = np.empty((4, 12, 5))
    for k, (effectiveness, coherence) in enumerate(((0.6, 0.3), (0.4, 0.6)) * 2):
        scores[k, :, :3] = effectiveness - gain * (k > 1)
        scores[k, :, 3:] = coherence
    return study | {"scores": scores, "held_out": np.ones((4, 5), bool)}


def test_at_several_strengths_objectives_are_compared_at_equal_coherence():
    found = summarize(at_strengths(0.1))
    assert found["answer"][0].startswith("Yes, mixtures win: where both keep equally much")
    (against,) = found["against"]  # one for each curve
    assert against["equal_gain"]["mean"] == pytest.approx(0.1)
    assert against["equal"]["mean"] == 1
    assert len(found["best"]["of_curves"]) == 2
    assert 'class="curve" d="M' in plane(found)
    assert "At equal coherence it is ahead on 100%" in found["answer"][3]
    assert summarize(at_strengths(-0.1))["answer"][0].startswith("No, mixtures do not win")
    json.loads(report(at_strengths(0.1))["summary.json"])


def test_the_best_is_chosen_on_training_pairs():
    study = made_up()
    scores = np.array(study["scores"])
    scores[3:, :] = 0.3
    scores[3, [0, 7, 9]], scores[4, [0, 7, 9]] = 0.1, 0.2
    scores[4, 1:7] = 0.1  # better where it counts, but who could have known
    found = summarize(study | {"scores": scores})
    assert found["best"]["mixture"] == {"index": 3, "of": 2, "chosen_on": "training"}
    found = summarize(study | {"scores": scores, "training_pairs": []})
    assert found["best"]["mixture"] == {"index": 4, "of": 2, "chosen_on": "test"}
    assert "which flatters it" in found["answer"][2]


@pytest.mark.parametrize("changes", [{"mixtures": 0}, {"singles": 0}])
def test_one_kind_alone(changes):
    texts = report(made_up(**changes))
    (verdict,) = json.loads(texts["summary.json"])["answer"]
    assert "Whether mixtures win cannot be said" in verdict
    assert " 1" in verdict.partition("they rank, on the average: ")[2]


def test_missing_scores():
    study = made_up()
    scores = np.array(study["scores"])
    scores[1] = np.nan  # an objective that failed
    scores[2, 4] = np.inf  # a pair
    scores[:, :, 1] = np.nan  # a judge
    texts = report(study | {"scores": scores})
    assert not re.search(r"NaN|Infinity|\bnan\b", texts["index.html"].replace("Number", ""))
    summary = json.loads(texts["summary.json"])
    failed = summary["objectives"][1]
    assert failed["effectiveness"] == {"mean": None, "low": None, "high": None}
    assert (failed["rank"], failed["front"], failed["pairs"]) == (None, False, 0)
    assert summary["objectives"][2]["pairs"] == 8
    assert summary["order"][-1] == 1
    assert "leaves out 1 single metric." in summary["answer"][2]
    nothing = report(study | {"scores": np.full(scores.shape, np.nan)})
    assert "cannot be compared" in json.loads(nothing["summary.json"])["answer"][0]


def test_wrong_shapes():
    study = made_up()
    with pytest.raises(ValueError, match=r"expected scores of shape \(5, 12, 5\)"):
        report(study | {"scores": np.zeros((5, 11, 5))})
    with pytest.raises(ValueError, match="held_out"):
        report(study | {"held_out": np.zeros((5, 4), bool)})
    with pytest.raises(ValueError, match="training pairs"):
        report(study | {"training_pairs": list(range(12))})


@pytest.mark.parametrize("width", [360, 820])
def test_labels_do_not_collide(width):
    study = made_up(singles=12, mixtures=18, noise=0.1, ahead=0.1)
    summary = summarize(study)
    drawn = ElementTree.fromstring(plane(summary, width=width))
    names = {row["name"]: row["front"] for row in summary["objectives"]}
    boxes = []
    for each in drawn.iter(f"{SVG}text"):
        if each.text in names:
            x, y, wide = float(each.get("x")), float(each.get("y")), 6.5 * len(each.text)
            assert 0 <= x <= width - wide
            boxes.append((x, y, x + wide, y + 11))
            assert names[each.text] or width > 600
    assert len(boxes) > (15 if width > 600 else 0)
    for k, (left, top, right, bottom) in enumerate(boxes):
        for x, y, right_of, below in boxes[:k]:
            assert x >= right or right_of <= left or y >= bottom or below <= top
    points = [each for each in drawn.iter(f"{SVG}path") if each.get("data-index")]
    assert len(points) == 30
    shapes = {each.get("class").split()[0]: each.get("d").split("m")[1] for each in points}
    assert shapes["mixture"] != shapes["single"]
