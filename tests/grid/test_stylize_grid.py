"""Grids: lanes are runs, second grids compile nothing, several devices and processes agree."""

import csv
import itertools
import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxstyle
from jaxstyle.cli.main import main as cli
from jaxstyle.grid import stylize_grid as grid
from jaxstyle.image.io import read_image, write_image
from jaxstyle.transfer import batched as lanes
from jaxstyle.transfer import memory

RNG = np.random.default_rng(11)
CONTENT, OTHER, STYLE = RNG.random((3, 40, 48, 3)).astype(np.float32)
FEW = {
    **{"size": 48, "steps": 3, "scales": 1},
    **{"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_1",)},
    "metric": (("gram", 1.0),),  # the roots in `moments`, the default, amplify rounding
}


@contextmanager
def counted():
    """The programs that are compiled inside."""
    found = []

    def heard(name, *_, **__):
        if name.endswith("backend_compile_duration"):
            found.append(name)

    jax.monitoring.register_event_duration_secs_listener(heard)
    try:
        yield found
    finally:
        monitoring = jax.monitoring
        if not hasattr(monitoring, "unregister_event_duration_listener"):  # an old version of JAX
            pytest.skip("a listener cannot be taken away")
        monitoring.unregister_event_duration_listener(heard)


def check_cells(cells, content=CONTENT, tolerance=2e-5, sorted_=False, **settings):
    """Every cell is the run that `stylize` would do."""
    for cell in cells:
        values = {name: value for name, value in cell.values.items() if name != "content"}
        own = grid.cell_settings(values, None, settings)
        one = jaxstyle.stylize(cell.values.get("content", content), STYLE, own)
        assert cell.made.failure == one.failure
        apart = np.abs(cell.made.image - one.image)
        # Ranks of nearly equal values flip with rounding; a few pixels then go their own way.
        assert (apart.mean() if sorted_ else apart.max()) < tolerance
        assert cell.made.history.keys() == one.history.keys()
        for name, values in one.history.items():
            # Where the picture is the content itself, nothing but rounding is left of its distance.
            np.testing.assert_allclose(cell.made.history[name], values, rtol=1e-3, atol=1e-9)
        assert cell.made.facts["settings"] == one.facts["settings"]


class TestLanes:
    @pytest.mark.parametrize(
        ("optimizer", "sweep"),
        [
            ("adam", {"learning_rate": [0.01, 0.05], "style_weight": [0.3, 3.0]}),
            ("lbfgs", {"style_weight": [0.3, 3.0], "seed": [0, 1]}),
        ],
    )
    def test_are_runs(self, optimizer, sweep):
        few = {**FEW, "optimizer": optimizer, "init": "noise"}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **few)
        assert len(cells) == 4
        images_ = [cell.made.image for cell in cells]
        assert min(np.abs(a - b).max() for a, b in itertools.pairwise(images_)) > 1e-3
        check_cells(cells, **few)

    def test_of_several_scales_pictures_and_random_metrics(self):
        content, other = np.random.default_rng(5).random((2, 68, 96, 3)).astype(np.float32)
        few = {**FEW, "size": 96, "scales": 2, "metric": (("sliced_wasserstein", 1.0),)}
        sweep = {"content": [content, other], "seed": [0, 5]}
        cells = jaxstyle.stylize_grid(content, STYLE, sweep=sweep, zipped=True, **few)
        assert len(cells) == 2
        assert [scale["size"] for scale in cells[0].made.facts["scales"]] == [68, 96]
        check_cells(cells, content, 2e-3, sorted_=True, **few)

    def test_of_shares_and_parameters(self):
        few = {**FEW, "metric": (("gram", 1.0), ("mmd", 0.1)), "style_layers": ("relu2_1",)}
        sweep = {"metric.gram": [0.5, 1.0], "mmd.width": [0.5, 2.0]}
        check_cells(jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, zipped=True, **few), **few)

    def test_of_regions_and_colors(self):
        mask = np.zeros((40, 48), np.float32)
        mask[:, 20:] = 1
        few = {**FEW, "content_mask": (mask,), "init": "style"}
        sweep = {"color": ["style", "chroma"], "style_weight": [1.0, 2.0]}
        said = []
        cells = jaxstyle.stylize_grid(
            CONTENT, STYLE, sweep=sweep, zipped=True, report=said.append, **few
        )
        assert sum("one program: 2 cells" in line for line in said) == 1
        check_cells(cells, **few)

    def test_one_that_diverges_does_no_harm(self):
        few = {**FEW, "optimizer": "sgd", "style_weight": 1e30}
        sweep = {"learning_rate": [1e-32, 1e30, 2e-32]}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **few)
        assert [cell.made.finite for cell in cells] == [True, False, True]
        assert "stopped being finite at step" in cells[1].made.failure
        assert all(np.isfinite(cell.made.image).all() for cell in cells)
        check_cells(cells, **few)

    def test_what_changes_programs_takes_turns(self):
        said = []
        sweep = {"metric": ["gram", "moments"], "style_weight": [1.0, 2.0]}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, report=said.append, **FEW)
        assert sum("of 2: 2 cells" in line for line in said) == 2
        assert [cell.values["metric"] for cell in cells] == ["gram", "gram", "moments", "moments"]
        assert {"gram", "mse"} <= cells[1].made.history.keys()
        assert {"moments", "mse"} <= cells[2].made.history.keys()

    def test_a_second_grid_compiles_nothing(self):
        few = {**FEW, "init": "noise"}
        jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"style_weight": [0.3, 3.0]}, **few)
        with counted() as compiled:
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"style_weight": [0.4, 2.0]}, **few)
            # Nor if another number is swept, or if both cells are new pictures.
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"seed": [8, 9]}, **few)
            jaxstyle.stylize_grid(OTHER, STYLE, sweep={"content_weight": [0.1, 1.0]}, **few)
            assert not compiled
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"seed": [7, 8, 9]}, **few)
            assert compiled  # the listener hears


class TestMemory:
    def test_a_grid_that_does_not_fit_is_cut(self, monkeypatch):
        sweep = {"style_weight": [0.5, 1.0, 2.0, 3.0, 4.0]}
        now = memory.used()
        monkeypatch.setattr(memory, "used", lambda: now)
        whole = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **FEW)
        peak = whole[0].made.facts["memory"]["predicted"]
        # Room for somewhat more than two of five.
        monkeypatch.setattr(memory, "available", lambda: now / 0.9 + (peak - now) / 0.9 * 0.55)
        said = []
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, report=said.append, **FEW)
        assert any("2 lanes at a time in 3 chunks, about" in line for line in said)
        for a, b in zip(whole, cells, strict=True):
            np.testing.assert_allclose(a.made.image, b.made.image, atol=2e-5)

    def test_lanes_can_be_limited(self):
        with pytest.raises(ValueError, match="at least one lane"):
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"seed": [1]}, lanes=0, **FEW)
        told = []
        cells = jaxstyle.stylize_grid(
            CONTENT, STYLE, sweep={"seed": [1, 2, 3]}, lanes=1, on_progress=told.append, **FEW
        )
        assert cells[0].made.facts["memory"]["lanes"] == 1
        assert [each.cells for each in told] == [0, 1, 2]
        assert told[-1].seconds_left == 0
        assert "2/3 cells  1 lane at 48 px" in str(told[-1])

    def test_tiles_are_done_one_by_one(self):
        few = {**FEW, "size": 128, "memory": "64"}
        content = np.tile(CONTENT, (3, 3, 1))
        cells = jaxstyle.stylize_grid(content, STYLE, sweep={"style_weight": [0.5, 1.0]}, **few)
        assert cells[0].made.facts["memory"]["layout"] == 64
        check_cells(cells, content, **few)


DEVICES = """
import json, sys, numpy as np, jax
import jaxstyle
from jaxstyle import lanes
rng = np.random.default_rng(11)
content, other, style = rng.random((3, 40, 48, 3)).astype(np.float32)
texts = []
true_advance = lanes.advance
def heard(*args, **kwargs):
    texts.append(true_advance.lower(*args, **kwargs).compile().as_text())
    return true_advance(*args, **kwargs)
heard.lower = true_advance.lower
lanes.advance = heard
cells = jaxstyle.stylize_grid(content, style, sweep={"style_weight": [0.3, 1.0, 3.0]},
    metric=(("gram", 1.0),), size=48, steps=3, scales=1,
    style_layers=("relu1_1", "relu2_1"), content_layers=("relu2_1",))
np.save(sys.argv[1], np.stack([cell.made.image for cell in cells]))
print(json.dumps({"devices": len(jax.devices()), "lanes": cells[0].made.facts["memory"]["lanes"],
    "talk": sum(word in texts[0] for word in ("all-gather", "all-reduce", "all-to-all"))}))
"""


def test_several_devices_agree_with_one(tmp_path):
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    done = subprocess.run(
        [sys.executable, "-c", DEVICES, str(tmp_path / "found.npy")],
        env=os.environ | flags,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # Lanes are padded to all devices, and the devices have nothing to say to each other.
    assert json.loads(done.stdout) == {"devices": 4, "lanes": 4, "talk": 0}
    cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"style_weight": [0.3, 1.0, 3.0]}, **FEW)
    for found, cell in zip(np.load(tmp_path / "found.npy"), cells, strict=True):
        np.testing.assert_allclose(found, cell.made.image, atol=2e-5)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name, picture in (("content", CONTENT), ("other", OTHER), ("style", STYLE)):
        write_image(folder / f"{name}.png", picture)
    return folder


def words(files, out, *more):
    flags = ["--size", 48, "--steps", 2, "--scales", 1, "--style-layers", "relu1_1"]
    given = ["grid", files / "content.png", files / "style.png", "-o", out, *flags, *more]
    return [str(word) for word in given]


def run(given):
    with pytest.raises(SystemExit) as stopped:
        cli.main(given)
    return stopped.value.code


@pytest.mark.slow
def test_two_processes_agree_with_one(files, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sweep = ("--sweep", "style_weight=0.3,1,3", "--sweep", "metric=gram,moments")
    assert run(words(files, tmp_path / "one", *sweep, "--quiet")) == 0
    together = ("--coordinator", f"127.0.0.1:{port}", "--processes", 2)
    command = [sys.executable, "-m", "jaxstyle"]
    processes = [
        subprocess.Popen(
            [*command, *words(files, tmp_path / "two", *sweep, *together, "--process", k)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for k in range(2)
    ]
    said = [process.communicate(timeout=300)[1] for process in processes]
    if "aren't implemented on the CPU backend" in said[0]:
        pytest.skip("this version of JAX has one process on a CPU")
    assert [process.returncode for process in processes] == [0, 0], said
    assert "4 lanes at a time in 1 chunk" in said[0]  # three cells on two devices
    assert said[1].strip() in ("", "starting JAX …")
    for path in (tmp_path / "one" / "cells").glob("*.png"):
        found = read_image(tmp_path / "two" / "cells" / path.name)
        np.testing.assert_allclose(found, read_image(path), atol=1.5 / 255)


class TestTheFolder:
    def test_has_pictures_sheet_page_and_tables(self, files, tmp_path, capsys):
        out = tmp_path / "grid"
        sweep = ("--sweep", "style_weight=0.3,3", "--sweep", "content=content.png,other.png")
        sweep = tuple(word.replace("=content", f"={files}/content") for word in sweep)
        sweep = tuple(word.replace(",other", f",{files}/other") for word in sweep)
        assert run(words(files, out, *sweep)) == 0
        said = capsys.readouterr().err
        assert "4 cells of 48 × 40, 4 lanes at a time in 1 chunk, about" in said
        names = {path.name for path in (out / "cells").glob("*.png")}
        assert names == {
            f"style_weight={weight},content={name}.png.png"
            for weight in ("0.3", "3")
            for name in ("content", "other")
        }
        rows = list(csv.DictReader((out / "table.csv").read_text().splitlines()))
        assert [row["style_weight"] for row in rows] == ["0.3", "0.3", "3.0", "3.0"]
        same = json.loads((out / "table.json").read_text())
        for row, other in zip(rows, same, strict=True):
            facts = json.loads((out / "cells" / f"{row['cell']}.json").read_text())
            assert float(row["loss moments"]) == other["loss moments"]
            assert other["loss moments"] == facts["history"]["moments"][-1]
            assert facts["settings"]["style_weight"] == float(row["style_weight"])
        page = (out / "index.html").read_text()
        assert page.count("data:image/jpeg;base64,") == 4 + 3
        assert read_image(out / "sheet.png").shape[1] == 2 * (48 + 8)

    def test_is_gone_on_with(self, files, tmp_path, capsys):
        out = tmp_path / "grid"
        assert run(words(files, out, "--sweep", "seed=0..1")) == 0
        cells = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
        (out / "cells" / "seed=1.json").write_text("{")  # as if it had been cut off there
        capsys.readouterr()
        assert run(words(files, out, "--sweep", "seed=0..2")) == 0
        said = capsys.readouterr().err
        assert "1 of 3 cells are there already" in said
        assert "2 cells of 48 × 40" in said
        now = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
        assert now["seed=0.png"] == cells["seed=0.png"]
        assert now["seed=1.png"] > cells["seed=1.png"]
        # Other settings: nothing is taken from there.
        assert run(words(files, out, "--sweep", "seed=0..2", "--content-weight", 0.5)) == 0
        assert "already" not in capsys.readouterr().err

    def test_cells_with_like_names_are_told_apart(self, files, tmp_path, capsys):
        for folder in "ab":
            (tmp_path / folder).mkdir()
            for name in ("x", "y"):
                shutil.copy(files / "style.png", tmp_path / folder / f"{name}.png")
        styles = ",".join(str(tmp_path / name) for name in ("a/x.png", "b/x.png", "b/y.png"))
        sweep = ("--sweep", f"style={styles}", "--sweep", "style_weight=1.0000001,1.0000002")
        assert run(words(files, tmp_path / "grid", *sweep)) == 0
        page = (tmp_path / "grid" / "index.html").read_text()
        data = json.loads(re.search(r"<script[^>]*json[^>]*>(.*?)</script>", page, re.S)[1])
        assert [len(axis["values"]) for axis in data["axes"]] == [3, 2]
        assert len({json.dumps(cell["values"]) for cell in data["cells"]}) == 6
        assert data["cells"][-1]["values"] == {"style": "y.png", "style_weight": "1.0000002"}

    def test_equal_cells_are_refused(self, files, tmp_path, capsys):
        assert run(words(files, tmp_path / "grid", "--sweep", "seed=1,2,1")) == 2
        assert "2 cells are the same: {'seed': 1}" in capsys.readouterr().err
        assert not (tmp_path / "grid").exists()

    def test_fewer_lanes_are_taken_when_asked_for(self, files, tmp_path, capsys):
        out = tmp_path / "grid"
        assert run(words(files, out, "--sweep", "seed=0..3", "--init", "noise")) == 0
        assert "4 lanes at a time" in capsys.readouterr().err
        for path in (out / "cells").glob("*seed=[23]*"):
            path.unlink()
        more = ("--sweep", "seed=0..3", "--init", "noise", "--lanes", 1)
        assert run(words(files, out, *more)) == 0
        said = capsys.readouterr().err
        assert "1 lane at a time in 2 chunks" in said
        assert "draw nothing" not in said

    def test_goes_on_to_the_same_bytes(self, files, tmp_path, capsys):
        out = tmp_path / "grid"
        command = words(files, out, "--sweep", "seed=0..3", "--init", "noise", "--quiet")
        assert run(command) == 0
        pictures = sorted((out / "cells").glob("*.png"))
        whole = [path.read_bytes() for path in pictures]
        # As if it had been killed between the first cell and the second; a disk had lost half of
        # the third, whose manifest is still there; and the last were made with other weights.
        pictures[1].unlink()
        pictures[1].with_suffix(".json").unlink()
        pictures[2].write_bytes(whole[2][: len(whole[2]) // 2])
        manifest = pictures[3].with_suffix(".json")
        facts = json.loads(manifest.read_text())
        manifest.write_text(json.dumps(facts | {"weights": {"vgg16": "0" * 64}}))
        assert run(command) == 0
        assert [path.read_bytes() for path in pictures] == whole
        assert json.loads(manifest.read_text())["weights"] == facts["weights"]
        again = tmp_path / "again.png"
        for path in pictures[::2]:
            run(["replay", str(path.with_suffix(".json")), "-o", str(again), "--quiet"])
            assert again.read_bytes() == path.read_bytes()

    def test_goes_on_to_the_same_bytes_with_several_contents(self, files, tmp_path):
        out = tmp_path / "grid"
        both = f"content={files / 'content.png'},{files / 'other.png'}"
        command = words(files, out, "--sweep", both, "--quiet")
        assert run(command) == 0
        _, other = sorted((out / "cells").glob("*.png"))
        whole = other.read_bytes()
        other.unlink()  # the other's targets are then the only ones
        assert run(command) == 0
        assert other.read_bytes() == whole

    def test_is_whole_after_an_interruption(self, files, tmp_path, capsys, monkeypatch):
        out = tmp_path / "grid"
        true_outcomes = lanes.Lanes.outcomes

        def interrupted(self, on_steps):
            yield next(iter(true_outcomes(self, on_steps)))
            raise KeyboardInterrupt

        monkeypatch.setattr(lanes.Lanes, "outcomes", interrupted)
        assert run(words(files, out, "--sweep", "seed=0..2", "--lanes", 2)) == 130
        assert "the same command goes on" in capsys.readouterr().err
        assert {path.name for path in (out / "cells").glob("*.png")} == {"seed=0.png", "seed=1.png"}
        assert "null" in (out / "index.html").read_text()
        monkeypatch.setattr(lanes.Lanes, "outcomes", true_outcomes)
        assert run(words(files, out, "--sweep", "seed=0..2", "--lanes", 2)) == 0
        assert "2 of 3 cells are there already" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            (["--sweep", "sede=1"], "did you mean 'seed'"),
            (["--sweep", "seed=1", "--sweep", "seed=2"], "swept twice"),
            (["--sweep", "metric=gran"], "did you mean 'gram'"),
            (["--sweep", "style=nowhere.png"], "there is no file nowhere.png"),
            (["--sweep", "seed=1", "--process", "1"], "need a --coordinator"),
            (["--sweep", "gram.width=1"], "gram has no parameter 'width'"),
            (["--sweep", "contextual.bandwidth=1"], "contextual, which is in no term"),
            ([], "Missing option '--sweep'"),
        ],
    )
    def test_what_cannot_be_is_one_line(self, files, tmp_path, capsys, more, told):
        assert run(words(files, tmp_path / "grid", "--quiet", *more)) == 2
        said = capsys.readouterr().err
        assert told in said
        assert said.count("\n") == 1


def test_the_example(tmp_path, monkeypatch, capsys):
    example = Path(__file__).parents[2] / "examples" / "06_grid.py"
    monkeypatch.setattr(sys, "argv", [str(example), str(tmp_path / "sheet.png"), "32", "1"])
    runpy.run_path(str(example))
    assert "one program: 6 cells" in capsys.readouterr().out
    assert read_image(tmp_path / "sheet.png").shape[1] == 3 * (32 + 8)
