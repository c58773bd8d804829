"""The folder of a grid: what is in it, and what is made again."""

import csv
import json
import re
import shutil

import numpy as np
import optax
import pytest
from PIL import Image
from support.small import CONTENT, OTHER, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.cli import terminal
from jaxstyle.grid.results import _labels
from jaxstyle.image.io import read_image
from jaxstyle.metrics import find
from jaxstyle.transfer import manifest
from jaxstyle.transfer.steppers import batched

NOISE = SMALL | {"init": "noise"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


def grid(files, folder, seeds=(0, 1, 2, 3), **more):
    """Make a grid of files, or resume it."""
    settings = {"sweep": {"seed": seeds}, "folder": folder, "resume": True, **NOISE, **more}
    return jaxstyle.stylize_grid(files / "content.png", files / "style.png", **settings)


def contents(folder):
    """Return the bytes of each cell's picture, and its losses, which no rounding hides."""
    return {
        path.name: (path.read_bytes(), manifest.read(path.with_suffix(".json"))["history"])
        for path in sorted((folder / "cells").glob("*.png"))
    }


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    """A folder of four cells; not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "grid"
    grid(files, folder)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it."""
    return shutil.copytree(made, tmp_path / "grid")


class TestCommand:
    def test_makes_pictures_sheet_page_and_tables(self, files, tmp_path, capsys):
        out = tmp_path / "grid"
        both = f"content={files / 'content.png'},{files / 'other.png'}"
        sweep = ("--sweep", "style_weight=0.3,3", "--sweep", both)
        assert run(*words("grid", files, out, *sweep)) == 0
        err = capsys.readouterr().err
        assert "4 cells of 48 × 40, 4 lanes at a time in 1 batch, about" in err
        assert set(contents(out)) == {
            f"style_weight={weight},content={name}.png.png"
            for weight in ("0.3", "3")
            for name in ("content", "other")
        }
        rows = list(csv.DictReader((out / "table.csv").read_text().splitlines()))
        assert [row["style_weight"] for row in rows] == ["0.3", "0.3", "3.0", "3.0"]
        same = json.loads((out / "table.json").read_text())
        for row, other in zip(rows, same, strict=True):
            facts = json.loads((out / "cells" / f"{row['cell']}.json").read_text())
            assert float(row["loss gram"]) == other["loss gram"]
            assert other["loss gram"] == facts["history"]["gram"][-1]
            assert facts["settings"]["style_weight"] == float(row["style_weight"])
        page = (out / "index.html").read_text()
        assert page.count("data:image/jpeg;base64,") == 4 + 3
        assert read_image(out / "sheet.png").shape[1] == 2 * (48 + 8)
        assert not list(out.glob("*.checkpoint*"))
        assert run(*words("grid", files, out, *sweep)) == 0
        err = capsys.readouterr().err
        assert "4 of 4 cells are finished already" in err
        assert f"{out / 'index.html'} (4 cells)" in err

    @pytest.mark.bytes
    def test_is_interrupted_and_resumed(self, files, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(batched, "CHUNK", 1)
        out = tmp_path / "grid"
        command = words("grid", files, out, "--lanes", 2, "--sweep", "seed=0..3", init="noise")

        def show(progress):
            if progress.cells == 2 and progress.seconds_left:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(terminal, "_lines", lambda: show)
            assert run(*command) == 130
        assert f"interrupted; the same command resumes in {out}" in capsys.readouterr().err
        assert set(contents(out)) == {"seed=0.png", "seed=1.png"}
        assert "null" in (out / "index.html").read_text()
        assert len(list(out.glob("batch-*.checkpoint"))) == 1
        assert run(*command) == 0
        assert "2 of 4 cells are finished already" in capsys.readouterr().err
        assert not list(out.glob("*.checkpoint*"))
        grid(files, tmp_path / "once", lanes=2)
        assert contents(out) == contents(tmp_path / "once")

    @pytest.mark.parametrize(
        ("more", "line"),
        [
            (["--sweep", "sede=1"], "did you mean 'seed'"),
            (["--sweep", "seed=1", "--sweep", "seed=2"], "swept twice"),
            (["--sweep", "seed=1,2,1"], "2 cells are the same: seed=1"),
            (["--sweep", "metric=gran"], "did you mean 'gram'"),
            (["--sweep", "style=nowhere.png"], "there is no file nowhere.png"),
            (["--sweep", "seed=1", "--process", "1"], "need a --coordinator"),
            (["--sweep", "gram.width=1"], "gram has no parameter 'width'"),
            (["--sweep", "contextual.bandwidth=1"], "contextual, which is in no term"),
            ([], "Missing option '--sweep'"),
        ],
    )
    def test_errors_are_one_line(self, files, tmp_path, capsys, more, line):
        assert run(*words("grid", files, tmp_path / "grid", "--quiet", *more)) == 2
        err = capsys.readouterr().err
        assert line in err
        assert err.count("\n") == 1
        assert not (tmp_path / "grid").exists()


class TestResume:
    def test_makes_only_what_is_missing(self, files, folder, caplog):
        caplog.set_level("INFO")
        times = {path.name: path.stat().st_mtime_ns for path in (folder / "cells").iterdir()}
        (folder / "cells" / "seed=1.json").write_text("{")  # as if it had been cut off there
        first, second = grid(files, folder, seeds=(0, 1))
        assert "1 of 2 cells are finished already" in caplog.messages
        assert any("1 cell of 48 × 40" in line for line in caplog.messages)
        now = {path.name: path.stat().st_mtime_ns for path in (folder / "cells").iterdir()}
        assert now["seed=0.png"] == times["seed=0.png"]
        assert now["seed=1.png"] > times["seed=1.png"]
        # One is read back, the other is the run's.
        for cell in (first, second):
            path = folder / "cells" / f"seed={cell.values['seed']}.png"
            np.testing.assert_allclose(cell.result.image, read_image(path), atol=0.51 / 255)
            assert len(cell.result.history["gram"]) == 3
            assert cell.result.facts["memory"]["layout"] == "lanes"

    def test_makes_all_again_with_other_settings_or_without_it(self, files, folder, caplog):
        caplog.set_level("INFO")
        few = {"seeds": (0, 1), "lanes": 1}
        times = [path.stat().st_mtime_ns for path in sorted((folder / "cells").glob("seed=[01]*"))]
        for more in ({"content_weight": 0.5}, {"resume": False}):
            grid(files, folder, **few, **more)
            paths = sorted((folder / "cells").glob("seed=[01]*"))
            now = [path.stat().st_mtime_ns for path in paths]
            assert all(a > b for a, b in zip(now, times, strict=True))
            times = now
        assert not any("already" in line for line in caplog.messages)

    def test_takes_fewer_lanes_when_asked_to(self, files, folder, caplog):
        caplog.set_level("INFO")
        for path in (folder / "cells").glob("*seed=[23]*"):
            path.unlink()
        grid(files, folder, lanes=1)
        assert any("1 lane at a time in 2 batches" in line for line in caplog.messages)
        assert not any("draw nothing" in line for line in caplog.messages)

    @pytest.mark.bytes
    def test_keeps_each_cells_lane_and_bytes(self, files, made, folder):
        cells = folder / "cells"
        # As if it had been killed between the first cell and the second; a disk had lost half of
        # the third, whose manifest is still there; and the last were made with other weights.
        (cells / "seed=1.png").unlink()
        (cells / "seed=1.json").unlink()
        half = (cells / "seed=2.png").read_bytes()[:1000]
        (cells / "seed=2.png").write_bytes(half)
        facts = json.loads((cells / "seed=3.json").read_text())
        text = json.dumps(facts | {"weights": {"vgg16": "0" * 64}})
        (cells / "seed=3.json").write_text(text)
        grid(files, folder)
        assert contents(folder) == contents(made)
        assert manifest.read(cells / "seed=3.json")["weights"] == facts["weights"]
        lanes = [manifest.read(cells / f"seed={k}.json")["memory"]["lane"] for k in range(4)]
        assert lanes == [0, 1, 2, 3]

    @pytest.mark.bytes
    def test_keeps_bytes_with_several_contents(self, files, tmp_path):
        folder = tmp_path / "grid"
        sweep = {"content": [str(files / f"{name}.png") for name in ("content", "other")]}
        grid(files, folder, sweep=sweep)
        whole = contents(folder)
        (folder / "cells" / "content=other.png.png").unlink()
        grid(files, folder, sweep=sweep)  # the other's targets are then the only ones
        assert contents(folder) == whole

    def test_names_that_are_alike_stay_apart(self, files, tmp_path):
        for name in "ab":
            (tmp_path / name).mkdir()
            for style in ("x", "y"):
                shutil.copy(files / "style.png", tmp_path / name / f"{style}.png")
        styles = [str(tmp_path / name) for name in ("a/x.png", "b/x.png", "b/y.png")]
        sweep = {"style": styles, "style_weight": [1.0000001, 1.0000002]}
        grid(files, tmp_path / "grid", sweep=sweep, steps=0, lanes=1)
        page = (tmp_path / "grid" / "index.html").read_text()
        data = json.loads(re.search(r"<script[^>]*json[^>]*>(.*?)</script>", page, re.S)[1])
        assert [len(axis["values"]) for axis in data["axes"]] == [3, 2]
        assert len({json.dumps(cell["values"]) for cell in data["cells"]}) == 6
        assert data["cells"][-1]["values"] == {"style": "y.png", "style_weight": "1.0000002"}


class StoppedError(Exception):
    pass


class TestInterruption:
    @pytest.mark.bytes
    @pytest.mark.parametrize(
        "error", [pytest.param(StoppedError, marks=pytest.mark.slow), KeyboardInterrupt]
    )
    def test_leaves_a_checkpoint_of_the_batch(
        self, files, made, tmp_path, monkeypatch, caplog, error
    ):
        monkeypatch.setattr(batched, "CHUNK", 1)
        folder = tmp_path / "grid"

        def stop(progress):
            losses.append(progress.loss)
            if len(losses) == 2:
                raise error

        losses = []
        with pytest.raises(error):
            grid(files, folder, on_progress=stop)
        (checkpoint,) = folder.glob("batch-*.checkpoint")
        assert not contents(folder)
        reported = []
        cells = grid(files, folder, on_progress=reported.append)
        # Two of the three steps were taken already.
        assert len(reported) == 1
        assert contents(folder) == contents(made)
        assert [len(cell.result.history["gram"]) for cell in cells] == [3] * 4
        totals = np.mean([cell.result.history["total"] for cell in cells], axis=0)
        np.testing.assert_allclose([*losses, reported[0].loss], totals, rtol=1e-6)
        assert not checkpoint.exists()
        assert not list(folder.glob("batch-*"))

    def test_is_forgotten_without_resume(self, files, tmp_path, monkeypatch):
        monkeypatch.setattr(batched, "CHUNK", 1)
        folder = tmp_path / "grid"

        def stop(progress):
            raise StoppedError

        with pytest.raises(StoppedError):
            grid(files, folder, on_progress=stop)
        reported = []
        grid(files, folder, resume=False, on_progress=reported.append)
        assert len(reported) == 3
        assert not list(folder.glob("batch-*"))

    @pytest.mark.bytes
    @pytest.mark.slow
    def test_in_a_finer_scale_with_a_failed_lane(self, tmp_path, monkeypatch):
        monkeypatch.setattr(batched, "CHUNK", 1)
        content = np.tile(CONTENT, (2, 2, 1))
        settings = SMALL | {"size": 96, "scale_steps": (2, 2), "optimizer": "sgd"}
        settings["style_weight"] = 1e30
        sweep = {"learning_rate": [1e-32, 1e30]}

        def make(folder, on_progress=None):
            where = {"folder": tmp_path / folder, "resume": True}
            return jaxstyle.stylize_grid(
                content, STYLE, sweep=sweep, on_progress=on_progress, **where, **settings
            )

        def stop(progress):
            if progress.size == 96:
                raise StoppedError

        with pytest.raises(StoppedError):
            make("grid", stop)
        cells, others = make("grid"), make("other")
        assert [cell.result.finite for cell in cells] == [True, False]
        for cell, other in zip(cells, others, strict=True):
            assert cell.result.image.tobytes() == other.result.image.tobytes()
            assert cell.result.history == other.result.history
            assert cell.result.failure == other.result.failure


class TestObjects:
    def test_arrays_are_inputs_like_files(self, tmp_path, caplog):
        caplog.set_level("INFO")
        folder = tmp_path / "grid"

        def make(content, other):
            sweep = {"content": [content, other]}
            return jaxstyle.stylize_grid(
                CONTENT, STYLE, sweep=sweep, folder=folder, resume=True, **SMALL | {"steps": 0}
            )

        cells = make(CONTENT, OTHER)
        assert all(
            re.fullmatch(r"content=array-[0-9a-f]{6}\.png", name) for name in contents(folder)
        )
        again = make(CONTENT, OTHER)
        assert "2 of 2 cells are finished already" in caplog.messages
        assert [cell.result.obstacles for cell in again] == [("content", "style")] * 2
        assert [cell.result.inputs for cell in again] == [cell.result.inputs for cell in cells]
        for path in (folder / "cells").glob("*.json"):
            assert manifest.read(path)["not_replayable"] == ["content", "style"]
        caplog.clear()
        make(CONTENT, OTHER[::-1])
        assert "1 of 2 cells are finished already" in caplog.messages

    def test_a_metric_may_be_another_one_of_its_name(self, files, tmp_path, caplog):
        caplog.set_level("INFO")
        folder = tmp_path / "grid"
        sweep = {"metric": [find("gram", "style"), "gram"]}
        cells = grid(files, folder, sweep=sweep, steps=0, lanes=1)
        assert set(contents(folder)) == {"metric=gram.png", "metric=gram-1.png"}
        # Both are shown, though the first would be made again.
        rows = list(csv.DictReader((folder / "table.csv").read_text().splitlines()))
        assert [row["metric"] for row in rows] == ["gram#1", "gram"]
        assert (folder / "index.html").read_text().count("data:image/jpeg;base64,") == 2 + 2
        grid(files, folder, sweep=sweep, steps=0, lanes=1)
        assert "1 of 2 cells are finished already" in caplog.messages
        assert [cell.result.obstacles for cell in cells] == [("metric gram",), ()]

    def test_have_short_names(self):
        image = Image.fromarray(np.uint8(CONTENT * 255))
        values = [optax.adam(0.1), optax.adam(0.2), find("gram"), image, image.tobytes(), "gram"]
        labels = _labels([{"value": value} for value in values])
        assert [re.sub(r"array [0-9a-f]{6}", "array", text) for text in labels.values()] == [
            *("GradientTransformationExtraArgs#1", "GradientTransformationExtraArgs#2"),
            *("gram#1", "array", "gram"),
        ]
