"""What machines read and write: JSON, logs of steps, pipes."""

import errno
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from support.small import CONTENT, run, words, write_pictures

import jaxstyle
from jaxstyle.cli import inputs, saving, step_log
from jaxstyle.cli.json_output import write_object
from jaxstyle.image.io import read_image, read_settings
from jaxstyle.transfer import manifest
from jaxstyle.transfer.steppers import whole


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def piped(monkeypatch):
    """Put bytes into standard input, and collect those of standard output."""

    def put(content):
        stdin = io.TextIOWrapper(io.BytesIO(content))
        stdout = io.TextIOWrapper(io.BytesIO(), write_through=True)
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", stdout)
        return stdout.buffer

    inputs._standard_input.cache_clear()
    yield put
    inputs._standard_input.cache_clear()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class TestJson:
    def test_is_one_object_alone_on_standard_output(self, pictures, tmp_path, capsys):
        output = tmp_path / "out.png"
        assert run(*words("stylize", pictures, output, "--json", seed=5)) == 0
        captured = capsys.readouterr()
        said = json.loads(captured.out)
        facts = manifest.read(tmp_path / "out.json")
        assert said == {
            "output": str(output),
            "manifest": str(tmp_path / "out.json"),
            **{"width": 48, "height": 40, "seconds": facts["seconds"], "steps": 3},
            "losses": {name: values[-1] for name, values in facts["history"].items()},
            **{"finite": True, "failure": None, "seed": 5},
        }
        assert "starting JAX" in captured.err
        assert run(*words("stylize", pictures, output, "--json", "--resume", seed=5)) == 0
        assert json.loads(capsys.readouterr().out) == said

    def test_after_an_error_there_is_a_line_and_no_object(self, pictures, tmp_path, capsys):
        command = words("stylize", pictures, tmp_path / "out.png", "--json", "--quiet", steps=-1)
        assert run(*command) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)

    def test_a_failed_run_says_so(self, pictures, tmp_path, capsys, monkeypatch):
        more = ("--optimizer", "sgd", "--learning-rate", "3e38", "--json", "--quiet")
        more += ("--safeguard", "none")
        assert run(*words("stylize", pictures, tmp_path / "out.png", *more)) == 2
        out, err = capsys.readouterr()
        said = json.loads(out)
        assert (said["finite"], said["output"]) == (False, str(tmp_path / "out.png"))
        assert said["failure"] in err

    def test_a_grid(self, pictures, tmp_path, capsys):
        command = words("grid", pictures, tmp_path / "g", "--sweep", "style_weight=1,2", "--json")
        assert run(*command, "--quiet") == 0
        said = json.loads(capsys.readouterr().out)
        assert [cell["values"] for cell in said["cells"]] == [
            {"style_weight": 1},
            {"style_weight": 2},
        ]
        for cell in said["cells"]:
            facts = manifest.read(cell["manifest"])
            assert facts["settings"]["style_weight"] == cell["values"]["style_weight"]
            assert read_image(cell["output"]).shape == (cell["height"], cell["width"], 3)
            assert cell["losses"]["total"] == facts["history"]["total"][-1]
        assert os.path.exists(said["page"])

    def test_numbers_that_json_lacks_are_null(self, capsys):
        write_object({"a": [float("nan"), 1.5], "b": {"c": float("inf")}, "d": None})
        assert json.loads(capsys.readouterr().out) == {
            "a": [None, 1.5],
            "b": {"c": None},
            "d": None,
        }


class TestLog:
    @pytest.fixture(autouse=True)
    def chunks(self, monkeypatch):
        monkeypatch.setattr(whole, "CHUNK", 2)

    def test_has_every_step(self, pictures, tmp_path):
        log = tmp_path / "log.jsonl"
        assert run(*words("stylize", pictures, tmp_path / "out.png", "--log", log, "--quiet")) == 0
        history = manifest.read(tmp_path / "out.json")["history"]
        rows = lines(log)
        assert [row["step"] for row in rows] == [1, 2, 3]
        for number, row in enumerate(rows):
            assert row["total"] == history["total"][number]
            assert row["terms"] == {n: v[number] for n, v in history.items() if n != "total"}
            assert sum(row["parts"].values()) == pytest.approx(row["total"], rel=1e-5)
            assert row["parts"]["mse"] == pytest.approx(0.3 * row["terms"]["mse"])
            assert row["size"] == 48
        assert rows[0]["seconds"] <= rows[2]["seconds"]

    def test_of_an_interrupted_run_goes_on(self, pictures, tmp_path, monkeypatch):
        log, output = tmp_path / "log.jsonl", tmp_path / "out.png"
        command = words("stylize", pictures, output, "--log", log, "--quiet", steps=5)
        command += ["--checkpoint-seconds", "0"]
        show = step_log.StepLog.__call__

        def stop(self, progress):
            show(self, progress)
            if progress.step >= 4:
                raise KeyboardInterrupt

        monkeypatch.setattr(step_log.StepLog, "__call__", stop)
        assert run(*command) == 130
        monkeypatch.undo()
        assert [row["step"] for row in lines(log)] == [1, 2, 3, 4]
        for checkpoint in tmp_path.glob("*.checkpoint"):
            checkpoint.unlink()  # the one before it is used: a step is made again
        with log.open("a") as file:
            file.write('{"step": 99')  # as a killed process leaves it
        assert run(*command, "--resume") == 0
        rows = lines(log)
        assert [row["step"] for row in rows] == [1, 2, 3, 4, 5]
        totals = manifest.read(tmp_path / "out.json")["history"]["total"]
        assert [row["total"] for row in rows] == totals
        assert run(*words("stylize", pictures, output, "--log", log, "--quiet", steps=1)) == 0
        assert [row["step"] for row in lines(log)] == [1]

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="of Linux")
    def test_a_full_disk_is_reported_and_the_run_goes_on(self, pictures, tmp_path, capsys):
        log = tmp_path / "log.jsonl"
        log.symlink_to("/dev/full")
        assert run(*words("stylize", pictures, tmp_path / "out.png", "--log", log)) == 0
        err = capsys.readouterr().err
        assert err.count("no log of step") == 1
        assert read_image(tmp_path / "out.png").shape == (40, 48, 3)

    @pytest.mark.parametrize(
        ("name", "match"),
        [
            ("content.png", "would be overwritten, and is read"),
            ("notes.txt", "is no log of steps"),
            ("out.png", "written by the run itself"),
            ("out.json", "written by the run itself"),
            (".", "is a folder"),
            ("nowhere/log.jsonl", "there is no folder"),
        ],
    )
    def test_in_the_place_of_something_else(self, tmp_path, capsys, name, match):
        write_pictures(tmp_path)
        (tmp_path / "notes.txt").write_text("mine")
        before = {p: p.read_bytes() for p in tmp_path.iterdir()}
        output = tmp_path / "out.png"
        assert run(*words("stylize", tmp_path, output, "--log", tmp_path / name)) == 2
        assert match in capsys.readouterr().err
        assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


class TestTensorBoard:
    def test_has_every_step(self, pictures, tmp_path):
        pytest.importorskip("tensorboardX")
        from tensorboardX.proto.event_pb2 import Event

        folder = tmp_path / "board"
        output = tmp_path / "out.png"
        assert run(*words("stylize", pictures, output, "--tensorboard", folder, "--quiet")) == 0
        (path,) = folder.iterdir()
        data, place, scalars = path.read_bytes(), 0, {}
        while place < len(data):  # length, its checksum, the event, its checksum
            length = int.from_bytes(data[place : place + 8], "little")
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += 16 + length
            for value in event.summary.value:
                scalars[value.tag, event.step] = value.simple_value
        history = manifest.read(tmp_path / "out.json")["history"]
        for step in (1, 2, 3):
            total = history["total"][step - 1]
            assert scalars["total", step] == pytest.approx(total)
            assert scalars["terms/gram", step] == pytest.approx(history["gram"][step - 1])
            parts = [v for (tag, at), v in scalars.items() if tag[:6] == "parts/" and at == step]
            assert sum(parts) == pytest.approx(total, rel=1e-5)

    def test_a_full_disk_is_reported_and_the_run_goes_on(
        self, pictures, tmp_path, monkeypatch, capsys
    ):
        writers = pytest.importorskip("tensorboardX.event_file_writer")

        flush, count = writers.EventsWriter.flush, []

        def full_at_first(self):
            count.append(self)
            if len(count) == 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return flush(self)

        monkeypatch.setattr(writers.EventsWriter, "flush", full_at_first)
        command = words("stylize", pictures, tmp_path / "out.png", "--tensorboard", tmp_path / "b")
        assert run(*command) == 0
        assert capsys.readouterr().err.count("TensorBoard any more: ") == 1
        assert read_image(tmp_path / "out.png").shape == (40, 48, 3)

    def test_without_the_package_the_error_names_the_extra(
        self, pictures, tmp_path, monkeypatch, capsys
    ):
        monkeypatch.setitem(sys.modules, "tensorboardX", None)
        command = words("stylize", pictures, tmp_path / "out.png", "--tensorboard", tmp_path / "b")
        assert run(*command) == 2
        err = capsys.readouterr().err
        assert "pip install 'jaxstyle[tensorboard]'" in err
        assert "starting JAX" not in err


class TestPipes:
    def command(self, pictures, *more, **settings):
        return ["stylize", "-", *words("stylize", pictures, "-", *more, **settings)[2:]]

    @pytest.mark.parametrize(("format", "kind"), [(None, "PNG"), ("jpg", "JPEG"), ("tif", "TIFF")])
    def test_a_picture_goes_in_and_one_comes_out(
        self, pictures, piped, tmp_path, monkeypatch, format, kind
    ):
        out = piped((pictures / "content.png").read_bytes())
        monkeypatch.chdir(tmp_path)
        more = ("--format", format) if format else ()
        assert run(*self.command(pictures, "--quiet", *more)) == 0
        with Image.open(io.BytesIO(out.getvalue())) as image:
            assert (image.format, image.size) == (kind, (48, 40))
        if not format:
            style = pictures / "style.png"
            settings = {"metric": "gram", "content_metric": "mse", "size": 48, "steps": 3}
            settings |= {"style_layers": ("relu1_1", "pool1"), "content_layers": ("pool1",)}
            settings |= {"scales": 1, "content_weight": 0.3, "smoothness": 0.02}
            settings |= {"content_decay": 1.0}
            image = jaxstyle.stylize(pictures / "content.png", style, **settings).image
            (tmp_path / "a.png").write_bytes(out.getvalue())
            np.testing.assert_allclose(read_image(tmp_path / "a.png"), image, atol=0.6 / 255)
            assert json.loads(read_settings(tmp_path / "a.png"))["inputs"]["content"]["path"] == "-"
            (tmp_path / "a.png").unlink()
        assert not [*tmp_path.iterdir()]  # nothing beside it

    def test_one_read_serves_both(self, pictures, piped, tmp_path):
        piped((pictures / "content.png").read_bytes())
        command = words("stylize", pictures, tmp_path / "out.png", "--quiet", steps=0)
        assert run("stylize", "-", "-", *command[3:]) == 0
        np.testing.assert_allclose(read_image(tmp_path / "out.png"), CONTENT, atol=0.6 / 255)
        facts = manifest.read(tmp_path / "out.json")
        assert facts["inputs"]["content"] == facts["inputs"]["style"]
        run_again = ("replay", tmp_path / "out.json", "-o", tmp_path / "b.png", "--quiet")
        assert run(*run_again) == 2  # what came through a pipe is gone
        file = pictures / "content.png"
        both = ("--input", f"content={file}", "--input", f"style={file}")
        assert run(*run_again, *both) == 0
        pair = [read_image(tmp_path / name) for name in ("b.png", "out.png")]
        np.testing.assert_array_equal(*pair)

    @pytest.mark.parametrize(
        ("content", "match"),
        [(b"", "standard input is empty"), (b"%PDF-1.7", "standard input is a PDF document")],
    )
    def test_no_picture_comes_in(self, pictures, piped, capsys, content, match):
        out = piped(content)
        assert run(*self.command(pictures)) == 2
        assert match in capsys.readouterr().err
        assert not out.getvalue()

    @pytest.mark.parametrize(
        "more",
        [("--json",), ("--resume",), ("--preview",), ("--frames", "f"), ("--bits", 16)],
        ids=str,
    )
    def test_what_only_a_file_can_have(self, pictures, piped, capsys, more):
        out = piped((pictures / "content.png").read_bytes())
        assert run(*self.command(pictures, *more, "--format", "jpg")) == 2
        assert "standard output" in capsys.readouterr().err
        assert not out.getvalue()

    def test_terminals_are_refused(self, monkeypatch, capsys):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        monkeypatch.setattr(sys, "stdin", Terminal())
        inputs._standard_input.cache_clear()
        with pytest.raises(ValueError, match="standard input is a terminal"):
            inputs.picture_input("-")
        monkeypatch.setattr(sys, "stdout", Terminal())
        with pytest.raises(ValueError, match="standard output is a terminal"):
            saving.check_standard_output()

    def test_in_a_process_of_its_own(self, pictures):
        words = self.command(pictures, steps=1)
        command = (sys.executable, "-m", "jaxstyle", *words)
        with (pictures / "content.png").open("rb") as file:
            ended = subprocess.run(command, stdin=file, capture_output=True)
        assert ended.returncode == 0, ended.stderr
        with Image.open(io.BytesIO(ended.stdout)) as image:
            assert image.size == (48, 40)
        assert b"starting JAX" in ended.stderr
