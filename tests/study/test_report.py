"""The texts of a study: what they say, and that nothing breaks out of the page."""

import csv
import io
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from support.pages import Parsed

from jaxstyle.study import statistics
from jaxstyle.study.plane import plane
from jaxstyle.study.report import markdown, report
from jaxstyle.study.summary import summarize

NASTY = "</script><b>x</b><!--<script>&amp;]]>\u2028\u2029'\"\\ | __DATA__ ${title} \x00"
NAMESPACE = "http://www.w3.org/2000/svg"
SVG = f"{{{NAMESPACE}}}"


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
    summary = summarize(study)
    test = [pair for pair in range(12) if pair not in (0, 7, 9)]
    scores = np.array(study["scores"])[:, test]
    assert summary["pairs"] == {"test": 9, "training": 3}
    np.testing.assert_allclose([row["cells"] for row in summary["objectives"]], scores.mean(1))
    # Coherence judges are held out for all: plain means.
    coherence = [row["coherence"]["mean"] for row in summary["objectives"]]
    np.testing.assert_allclose(coherence, scores[..., 3:].mean((1, 2)))
    assert summary["order"] == sorted(
        range(5), key=lambda i: summary["objectives"][i]["effectiveness"]["mean"]
    )
    means = np.array(
        [
            [row[axis]["mean"] for axis in ("effectiveness", "coherence")]
            for row in summary["objectives"]
        ]
    )
    assert summary["hypervolume"]["all"] == pytest.approx(statistics.hypervolume(means))
    assert [row["front"] for row in summary["objectives"]] == statistics.front(*means.T).tolist()
    assert [row["judges"] for row in summary["against"]] in ([4, 5, 5], [3, 4, 4])
    assert [row["pairs"] for row in summary["styles"]] == [2, 2, 3, 2]
    for k, style in enumerate(summary["styles"]):
        pairs = [pair for pair in test if pair % 4 == k]
        axes = np.array([[row["values"][p] for p in pairs] for row in summary["objectives"]])
        best = summary["objectives"][axes.mean((1, 2)).argmin()]["name"]
        assert style["both"]["name"] == best


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
        tags = [element.tag.removeprefix(SVG) for element in ElementTree.fromstring(drawing).iter()]
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
    verdict, chosen = answered(ahead=0.3)
    assert re.fullmatch(
        r"The best mixture, “mixture \d”, wins: it is better on both axes than 3 of 3 single "
        r"metrics, and the 95% interval of both differences is above zero for 3 of them\.",
        verdict,
    )
    assert chosen == (
        "It was chosen among 2 mixtures by the lowest mean of both axes on 3 training pairs and is "
        "judged on 9 others, by judges that the objectives did not use."
    )


def test_where_mixtures_do_not_win_the_answer_says_so():
    verdict, _ = answered(ahead=-0.3)
    assert "does not win: it is better on both axes than 0 of 3 single metrics" in verdict
    assert "(closer to the style than 0, and more coherent than 0)" in verdict
    assert verdict.endswith("is above zero for 0 of them.")


def test_where_mixtures_win_on_one_axis_only():
    study = made_up(ahead=0)
    for scores in study["scores"][3:]:
        for pair in scores:
            pair[:] = [score - 0.3 for score in pair[:3]] + [score + 0.3 for score in pair[3:]]
    verdict = summarize(study)["answer"][0]
    assert "does not win: it is better on both axes than 0 of 3" in verdict
    assert "(closer to the style than 3, and more coherent than 0)" in verdict


def test_where_the_interval_reaches_zero():
    study = made_up(ahead=0.05, noise=0, seed=3)
    scores = np.array(study["scores"])
    scores[:3] = 0.5
    scores[3:] = 0.45 + np.where(np.arange(12) % 4 == 3, 0.1, 0)[:, None]  # lost on one style
    verdict = summarize(study | {"scores": scores})["answer"][0]
    assert "wins on average, but not beyond doubt: it is better on both axes than 3 of 3" in verdict
    assert verdict.endswith("is above zero for 0 of them.")


def test_an_unknown_interval_is_not_beyond_doubt():
    verdict, chosen = answered(ahead=0.3, mixtures=1, training=[*range(1, 12)])
    assert "wins on average, but not beyond doubt" in verdict
    assert chosen.startswith("It is the only mixture, and is judged on 1 pairs")


def at_strengths(gain):
    """A single metric and a mixture at two strengths: equal curves but for the mixture's gain."""
    study = made_up(singles=2, mixtures=2, noise=0)
    for k, row in enumerate(study["objectives"]):
        row["curve"], row["strength"] = f"{row['kind']} 0", (1.0, 3.0)[k % 2]
    scores = np.empty((4, 12, 5))
    for k, (effectiveness, coherence) in enumerate(((0.6, 0.3), (0.4, 0.6)) * 2):
        scores[k, :, :3] = effectiveness - gain * (k > 1)
        scores[k, :, 3:] = coherence
    return study | {"scores": scores, "held_out": np.ones((4, 5), bool)}


def test_at_several_strengths_objectives_are_compared_at_equal_coherence():
    summary = summarize(at_strengths(0.1))
    assert re.fullmatch(
        r"The best mixture, “mixture \d”, wins: it is closer to the style, where both keep equally "
        r"much of the content, than 1 of 1 single metric, and the 95% interval of the difference "
        r"is above zero for 1 of them\.",
        summary["answer"][0],
    )
    (against,) = summary["against"]  # one for element curve
    assert against["equal_gain"]["mean"] == pytest.approx(0.1)
    assert against["equal"]["mean"] == 1
    assert len(summary["best"]["of_curves"]) == 2
    assert 'class="curve" d="M' in plane(summary)
    assert "does not win" in summarize(at_strengths(-0.1))["answer"][0]
    json.loads(report(at_strengths(0.1))["summary.json"])


def test_the_best_is_chosen_on_training_pairs():
    study = made_up()
    scores = np.array(study["scores"])
    scores[3:, :] = 0.3
    scores[3, [0, 7, 9]], scores[4, [0, 7, 9]] = 0.1, 0.2
    scores[4, 1:7] = 0.1  # better where it counts, but who could have known
    summary = summarize(study | {"scores": scores})
    assert summary["best"]["mixture"] == {"index": 3, "of": 2, "chosen_on": "training"}
    summary = summarize(study | {"scores": scores, "training_pairs": []})
    assert summary["best"]["mixture"] == {"index": 4, "of": 2, "chosen_on": "test"}
    assert "which flatters it" in summary["answer"][1]


@pytest.mark.parametrize("changes", [{"mixtures": 0}, {"singles": 0}])
def test_one_kind_alone(changes):
    texts = report(made_up(**changes))
    verdict, ranking = json.loads(texts["summary.json"])["answer"]
    assert re.search(r"cannot be compared: there are only (single metrics|mixtures)\.", verdict)
    assert re.search(r"over 9 pairs, “\w+ \d” has the lowest mean rank: 1\.\d of [23]\.", ranking)


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
    assert summary["answer"][1].endswith("; it shares no judge with 1 single metric.")
    nothing = report(study | {"scores": np.full(scores.shape, np.nan)})
    assert json.loads(nothing["summary.json"])["answer"] == [
        "Mixtures and single metrics cannot be compared: no mixture shares a judge with a single "
        "metric."
    ]


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
    for element in drawn.iter(f"{SVG}text"):
        if element.text in names:
            x, y, wide = float(element.get("x")), float(element.get("y")), 6.5 * len(element.text)
            assert 0 <= x <= width - wide
            boxes.append((x, y, x + wide, y + 11))
            assert names[element.text] or width > 600
    assert len(boxes) > (15 if width > 600 else 0)
    for k, (left, top, right, bottom) in enumerate(boxes):
        for x, y, right_of, below in boxes[:k]:
            assert x >= right or right_of <= left or y >= bottom or below <= top
    points = [element for element in drawn.iter(f"{SVG}path") if element.get("data-index")]
    assert len(points) == 30
    shapes = {element.get("class").split()[0]: element.get("d").split("m")[1] for element in points}
    assert shapes["mixture"] != shapes["single"]
