"""Studies: one small study whole, and the names of its scores."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from jaxstyle.cli.main import main
from jaxstyle.image.io import write_image
from jaxstyle.metrics import find
from jaxstyle.plain import from_plain, to_plain
from jaxstyle.settings import Settings
from jaxstyle.study import judging
from jaxstyle.study.cells import ScoreFiles, points_of
from jaxstyle.study.datasets import Named
from jaxstyle.study.study import study

_Y, _X = np.mgrid[0:80, 0:80] / 80
CONTENTS = [
    np.stack([_X, _Y, (_X - 0.5) ** 2 + (_Y - 0.4) ** 2 < 0.06], -1).astype(np.float32),
    np.stack([_Y, _Y, np.abs(_X - _Y) < 0.2], -1).astype(np.float32),
]
STYLE = np.stack([0.5 + 0.5 * np.sin(40 * (_X + k * _Y)) for k in range(3)], -1).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def few_judges():
    """Judge by few metrics, and calibrate them once for all studies of the same pictures."""
    panels = {}

    def panel(judges, *groups, offline):
        key = (*judges, *(picture.tobytes() for group in groups for picture in group))
        if key not in panels:
            panels[key] = judging.JudgePanel(judges, *groups, offline=offline)
        return panels[key]

    def corners(picture):
        return picture[:32, :32], picture[-32:, -32:], picture[:32, -32:], picture[-32:, :32]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxstyle.study.study.JudgePanel", panel)
        # Programs that are not optimized are slow on halves of 64 × 32 pixels.
        patch.setattr(judging, "halves", corners)
        patch.setattr(judging, "STATISTICS", ("moments", "gram"))
        patch.setattr(judging, "LIKENESSES", ("self_similarity", "edges"))
        patch.setattr(judging, "PAINT", ("paint_precision",))
        yield


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Folders of pictures: contents, styles."""
    folder = tmp_path_factory.mktemp("sets")
    for name, picture in (("a", CONTENTS[0]), ("b", CONTENTS[1]), ("style", STYLE)):
        (folder / name).mkdir()
        write_image(folder / name / f"{name}.png", picture)
    return [str(folder / "a"), str(folder / "b")], [str(folder / "style"), "sample:swirls"]


OBJECTIVES = ["gram", "gram=0.5+histogram"]
SMALL = {
    "size": 64,
    "steps": 1,
    "scales": 1,
    "style_layers": ("relu1_1", "relu1_2"),
    "content_layers": ("relu1_1",),
    "optimizer": "adam",
    "judges": ["alexnet"],
}


@pytest.fixture(scope="module")
def finished(sets, tmp_path_factory):
    """The folder of a study of four pairs and two objectives, and its summary."""
    folder = tmp_path_factory.mktemp("study")
    return folder, study(*sets, OBJECTIVES, folder, training=[0], **SMALL)


def made(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "cells").iterdir()}


class TestAStudy:
    def test_the_folder(self, finished):
        folder, summary = finished
        names = {path.name for path in folder.iterdir()}
        assert names >= {"index.html", "table.csv", "scores.csv", "summary.json", "plane.svg"}
        assert json.loads((folder / "summary.json").read_text()) == summary
        numbers = {"training": 1, "test": 1, "left_out": 2, "contents": 1, "styles": 1}
        assert summary["pairs"] == numbers
        assert len((folder / "scores.csv").read_text().splitlines()) == 1 + 2 * 4 * 5
        assert all(0.5 < row["paint"]["mean"] < 1.5 for row in summary["objectives"])
        assert "objective=gram,content=a,style=swirls.png" in made(folder)
        assert "a|style" in (folder / "index.html").read_text()

    def test_pictures_with_scores_need_not_be_made(self, sets, finished, tmp_path, caplog):
        folder, _ = finished
        shutil.copytree(folder / "scores", tmp_path / "scores")
        caplog.set_level("INFO", "jaxstyle")
        study(*sets, OBJECTIVES, tmp_path, training=[0], **SMALL)
        assert "8 of 8 pictures are finished already" in caplog.messages
        assert not made(tmp_path)
        assert (tmp_path / "table.csv").read_bytes() == (folder / "table.csv").read_bytes()

    def test_the_command_resumes_and_prints_the_answer(self, sets, finished, capsys):
        folder, summary = finished
        before, page = made(folder), (folder / "table.csv").read_bytes()
        words = ["study", "-o", folder, "--judges", "alexnet", "--training", "0", "--size", "64"]
        words += ["--steps", "1", "--scales", "1", "--style-layers", "relu1_1,relu1_2"]
        words += ["--content-layers", "relu1_1", "--optimizer", "adam"]
        for option, values in zip(
            ("--contents", "--styles", "--objective"), (*sets, OBJECTIVES), strict=True
        ):
            words += [word for value in values for word in (option, value)]
        assert run(words) == 0
        out, err = capsys.readouterr()
        assert out.splitlines() == summary["answer"]
        assert "8 of 8 pictures are finished already" in err
        limits = (
            "Intervals over 1 content and 1 style are too narrow: they need at least 5 of each."
        )
        assert limits in err
        assert out.splitlines()[-1] == limits
        assert made(folder) == before
        assert (folder / "table.csv").read_bytes() == page

    def test_an_objective_can_be_settings(self, sets, finished, tmp_path):
        """The same settings give the same scores, by whatever name; a judge of its content goes."""
        folder, before = finished
        shutil.copytree(folder / "scores", tmp_path / "scores")
        known = {"metric": "gram", "content_weight": Settings().content_weight}
        objectives = {"known": known, "plain": "gram"}
        summary = study(*sets, objectives, tmp_path, training=[0], **SMALL)
        assert not made(tmp_path)
        first, second = summary["objectives"]
        assert first["cells"] == second["cells"] == before["objectives"][0]["cells"]
        assert (first["text"], second["text"]) == ("1 gram; content_weight 0.3", "1 gram")
        changed = {"metric": "gram", "content_metric": [("edges", 0.5), ("mse", 0.5)]}
        (point,) = points_of([("changed", changed)], (1.0,), {})
        assert [spec.name for spec in point.settings.content_metric] == ["edges", "mse"]
        text = point.described(())["text"]
        assert text == "1 gram; content_metric 0.5 edges + 0.5 mse"

    @pytest.mark.parametrize(
        ("objectives", "message"),
        [
            ([{"metric": "gram"}], "a name for objectives that are settings"),
            ({"small": {"metric": "gram", "size": 32}}, "no size of small alone"),
        ],
    )
    def test_objectives_that_no_study_has(self, sets, tmp_path, objectives, message):
        with pytest.raises(ValueError, match=message):
            study(*sets, objectives, tmp_path, **SMALL)

    def test_a_metric_can_be_an_object(self, sets, finished, caplog):
        folder, _ = finished
        mine = replace(find("gram", "style"), name="mine")
        scores = set((folder / "scores").iterdir())
        caplog.set_level("INFO", "jaxstyle")
        objectives = {"mine": mine, "gram": "gram"}
        summary = study(*sets, objectives, folder, training=[0], **SMALL)
        assert "the scores of mine are not kept: no file can name metric mine" in caplog.messages
        assert set((folder / "scores").iterdir()) == scores
        warning = "mine: it is not known which judges mine is like; it is judged by all that are "
        assert f"{warning}not of its network" in caplog.messages
        # It is gram by another name: the same pictures, and gram's judges do not know it.
        first, second = summary["objectives"]
        assert (first["name"], first["metrics"]) == ("mine", ["mine"])
        assert first["cells"] == pytest.approx(second["cells"], rel=1e-3, abs=1e-4)
        assert (first["held_out"][1], second["held_out"][1]) == (True, False)


@pytest.mark.slow
def test_parts_and_strengths(tmp_path, sets, monkeypatch, caplog):
    monkeypatch.setattr(judging, "STATISTICS", ("moments",))
    monkeypatch.setattr(judging, "LIKENESSES", ("edges",))
    monkeypatch.setattr(judging, "PAINT", ())
    caplog.set_level("INFO", "jaxstyle")
    contents, _ = sets
    options = SMALL | {"strengths": (0.5, 2.0), "style_layers": ("relu1_1",)}
    objectives = (contents, ["sample:swirls"], ["gram", "moments"], tmp_path)
    assert study(*objectives, part=(1, 2), **options) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"cells", "scores"}
    names = sorted(path.name for path in (tmp_path / "cells").glob("*.png"))
    assert len(names) == 4
    assert all(name.startswith("objective=moments,strength=") for name in names)
    assert len(list((tmp_path / "scores").iterdir())) == 2
    summary = study(*objectives, **options)
    assert "4 of 8 pictures are finished already" in caplog.messages
    assert [row["name"] for row in summary["objectives"]][:2] == ["gram ×0.5", "gram ×2"]
    weights = [
        json.loads((tmp_path / "cells" / name).with_suffix(".json").read_text())["settings"][
            "style_weight"
        ]
        for name in names
    ]
    assert weights == [0.5, 0.5, 2, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strengths": (1, 0)}, "strengths above 0"),
        ({"part": (2, 2)}, "0 ≤ k < n"),
        ({"contents": ["sample:valley"]}, "at least two contents"),
        ({"size": 9000}, "smaller than 9000 pixels"),
        ({"objectives": ["gran"]}, "did you mean 'gram'"),
        ({"objectives": ["gram", [("gram", 1.0)]]}, "2 objectives are named gram"),
        ({"size": 48}, "at least 64 pixels"),
        ({"training": [0, 3]}, "contents and styles that are in no training pair"),
        ({"training": [4]}, "training pairs from 0 to 3, got 4"),
    ],
)
def test_what_a_study_refuses(sets, tmp_path, changes, message):
    given = {"contents": sets[0], "styles": sets[1], "objectives": ["gram"], "size": 64}
    with pytest.raises(ValueError, match=message):
        study(**{**given, "folder": tmp_path / "out", **changes})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--styles", "sample:swirls", "--contents", "sample:valley", "--size", 9000], "smaller"),
        (["--styles", "sample:swirls", "--metric", "gram"], "use --objective"),
        ([], "Missing option '--styles'"),
    ],
)
def test_errors_of_the_command_are_one_line(tmp_path, capsys, more, message):
    words = ["study", "--contents", "sample:lighthouse", "-o", tmp_path / "out", "--quiet"]
    assert run([*words, "--objective", "gram", *more]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def run(words):
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    return stopped.value.code


# Files of scores


def test_names_of_scores_never_change(tmp_path):
    """Whatever settings are added later: their fields have to say `since`."""
    judges = [judging.StudyJudge("effectiveness", "energy", "resnet18")]
    sets = [Named(name, STYLE, name * 64) for name in "ab"]
    files = ScoreFiles(tmp_path, judges, sets, sets[:1])
    first = to_plain(from_plain({}))  # what a manifest of the first version means
    names = [
        files.path(first | changes).name
        for changes in ({}, {"metric": [["gram", 0.5]]}, {"content_decay": 2.0}, {"steps": 7})
    ]
    assert names == [
        "8dd142a0d83a18c8.json",
        "536b7f98a584a97f.json",
        "23194e2e563f4bc1.json",
        "dbca3eb1ebd8c7aa.json",
    ]


def test_names_of_scores_hold_all_that_decides_them(tmp_path):
    judges = judging.default_judges(["alexnet"])
    sets = [Named(name, STYLE, name * 64) for name in "ab"]
    files = ScoreFiles(tmp_path, judges, sets, sets[:1])
    plain = to_plain(Settings())
    assert files.read(plain) is None
    files.write(plain, [[0.5]])
    assert files.read(plain) == [[0.5]]
    assert files.read(json.loads(json.dumps(plain))) == [[0.5]]
    for settings, others in (
        (plain | {"regularizer": (("total_variation", 0.5),)}, files),
        (plain | {"seed": 1}, files),
        (plain, ScoreFiles(tmp_path, judges[1:], sets, sets[:1])),
        (plain, ScoreFiles(tmp_path, judges, sets[::-1], sets[:1])),
        (plain, ScoreFiles(tmp_path, judges, sets, sets)),
    ):
        assert others.path(settings) != files.path(plain)
