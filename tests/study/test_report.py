"""The texts of a study: what they say, and that nothing breaks out of the page."""

import csv
import io
import itertools
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from support.made_up_studies import PAIRS, STYLES, TEST, made_up
from support.pages import Parsed, check_script

from jaxstyle.study import statistics
from jaxstyle.study.plane import plane
from jaxstyle.study.report import markdown, report
from jaxstyle.study.summary import summarize

NASTY = "</script><b>x</b><!--<script>&amp;]]>\u2028\u2029'\"\\ | __DATA__ ${title} \x00"
NAMESPACE = "http://www.w3.org/2000/svg"
SVG = f"{{{NAMESPACE}}}"


def test_the_page_holds_the_study_and_its_summary():
    study = made_up()
    texts = report(study)
    assert list(texts) == ["index.html", "table.csv", "scores.csv", "summary.json"]
    data = json.loads(Parsed(texts["index.html"]).data)
    for name in (
        "title",
        "command",
        "objectives",
        "contents",
        "styles",
        "pictures",
        "facts",
    ):
        assert data[name] == study[name]
    assert data["settings"] == {"size": "64", "what": ""}
    assert data["summary"] == json.loads(texts["summary.json"]) == summarize(study)
    assert data["planes"][0] == plane(data["summary"])


def test_the_scripts_fit_together():
    check_script(report(made_up())["index.html"])


def test_settings_are_shown_as_people_write_them():
    settings = {
        "content_metric": [["mse", 1.0], ["gram", 0.5, ["relu1_1"]]],
        "parameter": [["mmd.width", 2.0]],
        "style_layers": ["relu1_1", "relu2_1"],
        "calibrate": True,
        "recipe": None,
    }
    data = json.loads(Parsed(report(made_up() | {"settings": settings})["index.html"]).data)
    assert data["settings"] == {
        "content_metric": "mse+gram@relu1_1=0.5",
        "parameter": "mmd.width=2",
        "style_layers": "relu1_1,relu2_1",
        "calibrate": "on",
        "recipe": "none",
    }


def test_summary_numbers():
    study = made_up()
    summary = summarize(study)
    scores = np.array(study["scores"])[:, TEST]
    numbers = {"test": 25, "training": 2, "left_out": 15, "contents": 5, "styles": 5}
    assert summary["pairs"] == numbers
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
    assert [row["pairs"] for row in summary["styles"]] == [0, 0, 5, 5, 5, 5, 5]
    assert summary["styles"][0]["both"] is None
    for k, style in list(enumerate(summary["styles"]))[2:]:
        pairs = [pair for pair in TEST if pair % STYLES == k]
        axes = np.array([[row["values"][p][:2] for p in pairs] for row in summary["objectives"]])
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
    assert len(rows) == 5 * PAIRS * 5
    back = np.array([float(row["score"] or "nan") for row in rows]).reshape(5, PAIRS, 5)
    np.testing.assert_array_equal(back, study["scores"])
    assert [row["held_out"] == "True" for row in rows[:: PAIRS * 5][:5]] == [True] * 5
    assert rows[PAIRS * 5 - 1]["content"] == "content 5"
    assert rows[PAIRS * 5 - 1]["style"] == "style 6"
    assert {row["style"] for row in rows if row["training"] == "True"} == {"style 0", "style 1"}
    tested = {(row["content"], row["style"]) for row in rows if row["test"] == "True"}
    assert len(tested) == 25
    assert not {"content 0", "style 0", "style 1"} & set(itertools.chain(*tested))

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


def test_paint_is_a_column_beside_the_plane(painted):
    study = made_up()
    plain, texts = report(study), report(painted(study))
    summaries = [json.loads(text["summary.json"]) for text in (plain, texts)]
    assert [summary["axes"] for summary in summaries] == [
        ["effectiveness", "coherence"],
        ["effectiveness", "coherence", "paint"],
    ]
    for before, row in zip(*(summary["objectives"] for summary in summaries), strict=True):
        assert (before["rank"], before["front"]) == (row["rank"], row["front"])
        assert before["paint"]["mean"] is None
        assert row["paint"]["low"] < row["paint"]["mean"] < row["paint"]["high"]
        assert row["paint"]["mean"] == pytest.approx(np.mean(row["cells"][5:]))
    assert summaries[0]["hypervolume"] == summaries[1]["hypervolume"]
    headers = [text["table.csv"].splitlines()[0].split(",") for text in (plain, texts)]
    added = ["paint", "paint_low", "paint_high", "paint_precision", "paint_coverage"]
    assert [name for name in headers[1] if name not in headers[0]] == added
    assert markdown(summaries[1]).startswith("| objective | effectiveness | coherence | paint |")
    assert "paint" not in markdown(summaries[0])
    drawn = [re.sub(r"\npaint [^<]+", "", plane(summary)) for summary in summaries]
    assert drawn[0] == drawn[1]  # but for the titles of the points
    for style in summaries[1]["styles"][2:]:
        paint = [row["paint"]["mean"] for row in summaries[1]["objectives"]]
        assert len(style["both"]["values"]) == 4
        assert style["paint"]["values"][2] == pytest.approx(min(paint), abs=0.02)


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


def test_missing_scores():
    study = made_up()
    scores = np.array(study["scores"])
    scores[1] = np.nan  # an objective that failed
    scores[2, TEST[3]] = np.inf  # a pair
    scores[:, :, 1] = np.nan  # a judge
    texts = report(study | {"scores": scores})
    assert not re.search(r"NaN|Infinity|\bnan\b", texts["index.html"].replace("Number", ""))
    summary = json.loads(texts["summary.json"])
    failed = summary["objectives"][1]
    assert failed["effectiveness"] == {"mean": None, "low": None, "high": None}
    assert (failed["rank"], failed["front"], failed["pairs"]) == (None, False, 0)
    assert summary["objectives"][2]["pairs"] == 24
    assert summary["order"][-1] == 1
    assert summary["answer"][1].endswith("; it shares no judge with 1 single metric.")
    nothing = report(study | {"scores": np.full(scores.shape, np.nan)})
    assert json.loads(nothing["summary.json"])["answer"] == [
        "Mixtures and single metrics cannot be compared: no mixture shares a judge with a single "
        "metric."
    ]


def test_wrong_shapes():
    study = made_up()
    with pytest.raises(ValueError, match=r"expected scores of shape \(5, 42, 5\)"):
        report(study | {"scores": np.zeros((5, 41, 5))})
    with pytest.raises(ValueError, match="held_out"):
        report(study | {"held_out": np.zeros((5, 4), bool)})
    with pytest.raises(ValueError, match="contents and styles that are in no training pair"):
        report(study | {"training_pairs": [6, *range(0, PAIRS, STYLES + 1)]})


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
