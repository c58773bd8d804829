"""Studies: judges with known ends, and the whole command, small."""

import json
import shutil

import numpy as np
import pytest

from jaxstyle.cli.main import main as cli
from jaxstyle.image.io import write_image
from jaxstyle.settings import Settings
from jaxstyle.study import judging

RNG = np.random.default_rng(4)
_Y, _X = np.mgrid[0:80, 0:80] / 80
CONTENTS = [
    np.stack([_X, _Y, (_X - 0.5) ** 2 + (_Y - 0.4) ** 2 < 0.06], -1).astype(np.float32),
    np.stack([_Y, _Y, np.abs(_X - _Y) < 0.2], -1).astype(np.float32),
]
STYLE = np.stack([0.5 + 0.5 * np.sin(40 * (_X + k * _Y)) for k in range(3)], -1).astype(np.float32)
SMALL = (
    judging.StudyJudge("effectiveness", "moments", "alexnet"),
    judging.StudyJudge("effectiveness", "gram", "alexnet"),
    judging.StudyJudge("coherence", "self_similarity", "alexnet"),
    judging.StudyJudge("coherence", "edges", ""),
)


@pytest.fixture(scope="module")
def bench():
    return judging.JudgePanel(SMALL, CONTENTS, [STYLE])


def test_the_ends_of_every_scale(bench):
    content = bench.scores(CONTENTS[0], 0, 0)
    np.testing.assert_allclose(content[:2], 1, rtol=1e-5)
    np.testing.assert_allclose(content[2:], 0, atol=1e-5)
    other = bench.scores(CONTENTS[1], 0, 0)
    np.testing.assert_allclose(other[2:], 1, rtol=1e-5)
    halves = [bench._style.distances(half, bench._styles[0]) for half in judging.halves(STYLE)]
    for number in range(2):
        mean = np.mean([each[number] for each in halves], axis=0)
        assert abs(judging.scaled(mean, bench._halves[0][number], bench._unstyled[0][0][number])) < 1e-6
    assert (bench.scores(STYLE, 0, 0)[:2] <= 0).all()


def test_what_a_judge_cannot_tell_apart_is_missing():
    assert np.isnan(judging.scaled(np.ones(2), np.ones(2), np.ones(2)))
    assert judging.scaled(np.array([1.0, 9.0]), np.array([0.0, 2.0]), np.array([4.0, 2.0])) == 0.25


GRAM = {"metric": (("gram", 1.0),)}


@pytest.mark.parametrize(
    ("judge", "settings", "saw"),
    [
        (("effectiveness", "moments", "alexnet"), GRAM, False),
        (("effectiveness", "moments", "vgg16"), GRAM, True),
        (("effectiveness", "gram", "alexnet"), GRAM, True),
        (("effectiveness", "moments", "alexnet"), GRAM | {"style_backbone": "alexnet"}, True),
        (
            ("effectiveness", "moments", "alexnet"),
            {"metric": (("gram", 1.0, ("alexnet:relu2",)),)},
            True,
        ),
        (("coherence", "lpips", "alexnet"), {}, False),
        (("coherence", "self_similarity", "vgg16"), {}, True),
        (("coherence", "edges", ""), {"content_metric": (("edges", 1.0),)}, True),
    ],
)
def test_who_has_been_seen(judge, settings, saw):
    assert judging.StudyJudge(*judge).is_used(Settings(**settings)) is saw


def run(given):
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(word) for word in given])
    return stopped.value.code


def test_the_whole_study(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(judging, "STATISTICS", ("moments", "gram"))
    monkeypatch.setattr(judging, "LIKENESSES", ("self_similarity", "edges"))
    for name, picture in (("a", CONTENTS[0]), ("b", CONTENTS[1]), ("style", STYLE)):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / f"{name}.png", picture)
    out = tmp_path / "study"
    words = ["study", "--contents", tmp_path / "a", "--contents", tmp_path / "b"]
    words += ["--styles", tmp_path / "style", "--styles", "sample:swirls", "-o", out]
    words += ["--objective", "gram", "--objective", "gram=0.5+histogram", "--judges", "alexnet"]
    words += ["--size", 64, "--steps", 1, "--scales", 1, "--style-layers", "relu1_1,relu2_1"]
    code = run([*words, "--training", "0"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "one program" not in said.err
    assert "program 1 of 2: 4 cells of 64 × 64" in said.err
    names = {path.name for path in out.iterdir()}
    assert {"index.html", "table.csv", "scores.csv", "summary.json", "plane.svg"} <= names
    summary = json.loads((out / "summary.json").read_text())
    assert summary["answer"][0] in said.out
    assert summary["pairs"] == {"training": 1, "test": 3}
    rows = (out / "scores.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 4 * 4
    made = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    assert "objective=gram,content=a,style=swirls.png" in made
    page = (out / "index.html").read_text()
    # What was judged need not be made again, and cannot be shown.
    elsewhere = [tmp_path / "elsewhere" if word == out else word for word in words]
    shutil.copytree(out / "scores", tmp_path / "elsewhere" / "scores")
    assert run([*elsewhere, "--training", "0"]) == 0
    assert "8 of 8 pictures are already done" in capsys.readouterr().err
    assert not list((tmp_path / "elsewhere" / "cells").iterdir())
    assert (tmp_path / "elsewhere" / "table.csv").read_bytes() == (out / "table.csv").read_bytes()
    # Again: nothing is made, and the report is the same.
    assert run([*words, "--training", "0"]) == 0
    assert "8 of 8 pictures are already done" in capsys.readouterr().err
    assert {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()} == made
    assert (out / "index.html").read_text() == page


@pytest.mark.slow
def test_parts_and_strengths(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(judging, "STATISTICS", ("moments",))
    monkeypatch.setattr(judging, "LIKENESSES", ("edges",))
    out = tmp_path / "study"
    words = ["study", "--contents", "sample:lighthouse", "--contents", "sample:valley"]
    words += ["--styles", "sample:swirls", "-o", out, "--judges", "alexnet"]
    words += ["--objective", "gram", "--objective", "moments", "--strengths", "0.5,2"]
    words += ["--size", 64, "--steps", 1, "--scales", 1, "--style-layers", "relu1_1"]
    assert run([*words, "--part", "2/2"]) == 0
    assert {path.name for path in out.iterdir()} == {"cells", "scores"}
    pictures = sorted(path.name for path in (out / "cells").glob("*.png"))
    assert len(pictures) == 4
    assert all(name.startswith("objective=moments,strength=") for name in pictures)
    assert len(list((out / "scores").iterdir())) == 2
    capsys.readouterr()
    assert run(words) == 0
    assert "4 of 8 pictures are already done" in capsys.readouterr().err
    rows = json.loads((out / "summary.json").read_text())["objectives"]
    assert [row["name"] for row in rows][:2] == ["gram ×0.5", "gram ×2"]
    weights = [
        json.loads((out / "cells" / f"{name[:-4]}.json").read_text())["settings"]["style_weight"]
        for name in pictures
    ]
    assert weights == [0.5, 0.5, 2, 2]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--styles", "sample:swirls", "--part", "3/2"], "a share such as 2/3"),
        (["--styles", "sample:swirls", "--strengths", "1,0"], "strengths above 0"),
        (["--styles", "sample:swirls"], "two contents at the least"),
        (["--styles", "sample:swirls", "--contents", "sample:valley", "--size", 9000], "smaller"),
        (["--styles", "sample:swirls", "--objective", "gran"], "did you mean 'gram'"),
        (["--styles", "sample:swirls", "--metric", "gram"], "use --objective"),
        (["--styles", "sample:swirls", "--size", 48], "at least 64 pixels"),
        ([], "Missing option '--styles'"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, capsys, more, told):
    words = ["study", "--contents", "sample:lighthouse", "-o", tmp_path / "out", "--quiet"]
    assert run([*words, "--objective", "gram", *more]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
