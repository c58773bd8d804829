"""Grids: lanes are runs, second grids compile nothing, several devices and processes agree."""

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from support.processes import run_in_two_processes
from support.small import CONTENT, OTHER, SMALL, STYLE, compilations, run, words, write_pictures

import jaxstyle
from jaxstyle.grid.cells import cell_settings
from jaxstyle.image.io import read_image
from jaxstyle.transfer import memory
from jaxstyle.transfer.steppers import batched

NOISE = SMALL | {"init": "noise"}
TWO = {"style_weight": [0.3, 3.0]}


def check_cells(cells, content=CONTENT, tolerance=2e-5, sorts=False, **settings):
    """Check that every cell is the run that `stylize` would do."""
    for cell in cells:
        values = {name: value for name, value in cell.values.items() if name != "content"}
        single = jaxstyle.stylize(
            cell.values.get("content", content), STYLE, cell_settings(values, None, settings)
        )
        assert cell.result.failure == single.failure
        apart = np.abs(cell.result.image - single.image)
        # Ranks of nearly equal values flip with rounding; a few pixels then go their own way.
        assert (apart.mean() if sorts else apart.max()) < tolerance
        assert cell.result.history.keys() == single.history.keys()
        for name, losses in single.history.items():
            # Where the picture is the content itself, only rounding is left of its distance.
            rtol = 5e-3 if sorts else 1e-3
            np.testing.assert_allclose(cell.result.history[name], losses, rtol=rtol, atol=1e-9)
        assert cell.result.facts["settings"] == single.facts["settings"]
        assert cell.result.inputs == single.inputs


class TestLanes:
    @pytest.mark.parametrize(
        ("optimizer", "sweep"),
        [
            pytest.param(
                *("adam", {"learning_rate": [0.01, 0.05], "style_weight": [0.3, 3.0]}),
                marks=pytest.mark.slow,
            ),
            ("lbfgs", {"style_weight": [0.3, 3.0], "seed": [0, 1]}),
        ],
    )
    def test_are_runs(self, optimizer, sweep):
        settings = {**NOISE, "optimizer": optimizer}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **settings)
        assert len(cells) == 4
        images = [cell.result.image for cell in cells]
        assert min(np.abs(a - b).max() for a, b in itertools.pairwise(images)) > 1e-3
        check_cells(cells, **settings)

    @pytest.mark.slow
    def test_of_several_scales_pictures_and_random_metrics(self):
        content, other = np.random.default_rng(5).random((2, 68, 96, 3)).astype(np.float32)
        settings = {**SMALL, "size": 96, "scales": 2, "metric": "sliced_wasserstein"}
        sweep = {"content": [content, other], "seed": [0, 5]}
        cells = jaxstyle.stylize_grid(content, STYLE, sweep=sweep, zipped=True, **settings)
        assert len(cells) == 2
        assert [scale["size"] for scale in cells[0].result.facts["scales"]] == [68, 96]
        check_cells(cells, content, 2e-3, sorts=True, **settings)

    @pytest.mark.slow
    def test_of_shares_and_parameters(self):
        settings = {**SMALL, "metric": "gram+mmd=0.1", "style_layers": ("pool1",)}
        sweep = {"metric.gram": [0.5, 1.0], "mmd.width": [0.5, 2.0]}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, zipped=True, **settings)
        check_cells(cells, **settings)

    def test_of_regions_and_colors(self, caplog):
        caplog.set_level("INFO")
        mask = np.zeros((40, 48), np.float32)
        mask[:, 20:] = 1
        settings = {**SMALL, "content_mask": (mask,), "init": "style"}
        sweep = {"color": ["style", "chroma"], "style_weight": [1.0, 2.0]}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, zipped=True, **settings)
        assert sum("one program: 2 cells" in line for line in caplog.messages) == 1
        check_cells(cells, **settings)

    def test_one_that_diverges_does_no_harm(self):
        settings = {**SMALL, "optimizer": "sgd", "style_weight": 1e30}
        sweep = {"learning_rate": [1e-32, 1e30, 2e-32]}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **settings)
        assert [cell.result.finite for cell in cells] == [True, False, True]
        assert "stopped being finite at step" in cells[1].result.failure
        assert all(np.isfinite(cell.result.image).all() for cell in cells)
        check_cells(cells, **settings)

    def test_what_changes_programs_takes_turns(self, caplog):
        caplog.set_level("INFO")
        sweep = {"metric": ["gram", "moments"], "style_weight": [1.0, 2.0]}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **SMALL | {"steps": 1})
        assert sum("of 2: 2 cells" in line for line in caplog.messages) == 2
        assert [cell.values["metric"] for cell in cells] == ["gram", "gram", "moments", "moments"]
        assert {"gram", "mse"} <= cells[1].result.history.keys()
        assert {"moments", "mse"} <= cells[2].result.history.keys()

    def test_a_second_grid_compiles_nothing(self):
        jaxstyle.stylize_grid(CONTENT, STYLE, sweep=TWO, **NOISE)
        with compilations() as compiled:
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"style_weight": [0.4, 2.0]}, **NOISE)
            # Nor if another number is swept, or if both cells are new pictures.
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"seed": [8, 9]}, **NOISE)
            jaxstyle.stylize_grid(OTHER, STYLE, sweep={"content_weight": [0.1, 1.0]}, **NOISE)
            assert not compiled
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"seed": [7, 8, 9]}, **NOISE)
            assert compiled  # the listener hears


class TestProgress:
    @pytest.fixture(autouse=True)
    def after_every_step(self, monkeypatch):
        monkeypatch.setattr(batched, "CHUNK", 1)

    def test_has_losses_and_the_time_left(self):
        reported = []
        cells = jaxstyle.stylize_grid(
            CONTENT, STYLE, sweep={"seed": [1, 2, 3]}, lanes=2, on_progress=reported.append, **NOISE
        )
        assert [progress.cells for progress in reported] == [0] * 3 + [2] * 3
        assert {progress.of for progress in reported} == {3}
        assert [progress.lanes for progress in reported] == [2] * 3 + [1] * 3
        histories = [cell.result.history["total"] for cell in cells]
        for step in range(3):
            mean = np.mean([histories[0][step], histories[1][step]])
            assert reported[step].loss == pytest.approx(mean, rel=1e-6)
            assert reported[3 + step].loss == pytest.approx(histories[2][step], rel=1e-6)
        times = [progress.seconds for progress in reported]
        assert times == sorted(times)
        assert all(progress.seconds_left > 0 for progress in reported[:-1])
        assert reported[-1].seconds_left == 0
        assert reported[-1].share == 1
        assert "2/3 cells  1 lane at 48 px" in str(reported[-1])
        assert f"loss {reported[-1].loss:.4g}" in str(reported[-1])

    def test_of_failed_lanes_too(self):
        settings = {**SMALL, "optimizer": "sgd", "style_weight": 1e30}
        reported = []
        sweep = {"learning_rate": [1e-32, 1e30, 2e-32]}
        cells = jaxstyle.stylize_grid(
            CONTENT, STYLE, sweep=sweep, on_progress=reported.append, **settings
        )
        assert not cells[1].result.finite
        assert len(reported) == 3
        assert all(np.isfinite(progress.loss) for progress in reported)


class TestMemory:
    def test_a_grid_that_does_not_fit_is_divided(self, monkeypatch, caplog):
        caplog.set_level("INFO")
        sweep = {"style_weight": [0.5, 1.0, 2.0]}
        now = memory.used()
        monkeypatch.setattr(memory, "used", lambda: now)
        whole = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **SMALL)
        peak = whole[0].result.facts["memory"]["predicted"]
        # Room for somewhat more than two of three.
        monkeypatch.setattr(memory, "available", lambda: now / 0.9 + (peak - now) / 0.9 * 0.8)
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **SMALL)
        line = "one program: 3 cells of 48 × 40, 2 lanes at a time in 2 batches, about"
        assert any(line in message for message in caplog.messages)
        for a, b in zip(whole, cells, strict=True):
            np.testing.assert_allclose(a.result.image, b.result.image, atol=2e-5)

    def test_lanes_can_be_limited(self):
        with pytest.raises(ValueError, match="expected lanes to be at least 1 and finite, got 0"):
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"seed": [1]}, lanes=0, **SMALL)
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=TWO, lanes=1, **SMALL)
        assert [cell.result.facts["memory"]["lanes"] for cell in cells] == [1, 1]
        assert [cell.result.facts["memory"]["lane"] for cell in cells] == [0, 0]

    @pytest.mark.slow
    def test_tiles_are_run_one_by_one(self):
        settings = {**SMALL, "size": 96, "steps": 1, "memory": "64"}
        content = np.tile(CONTENT, (2, 2, 1))
        reported = []
        cells = jaxstyle.stylize_grid(
            content, STYLE, sweep=TWO, on_progress=reported.append, **settings
        )
        assert cells[0].result.facts["memory"]["layout"] == 64
        assert [progress.cells for progress in reported] == [0, 1]
        check_cells(cells, content, **settings)


class TestValues:
    def test_are_numbers_of_numpy_and_pictures_that_look_alike(self):
        other = CONTENT.copy()
        other[20, 24] = 0  # `repr` of an array shows its corners only
        sweep = {"content": [CONTENT, other], "style_weight": np.float32([0.5, 2.0])}
        settings = SMALL | {"steps": 0}
        cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, lanes=1, **settings)
        assert [cell.values["style_weight"] for cell in cells] == [0.5, 2.0] * 2
        assert {type(cell.values["style_weight"]) for cell in cells} == {float}
        assert np.abs(cells[0].result.image - cells[2].result.image).max() > 0.01

    def test_that_are_equal_are_refused(self):
        with pytest.raises(ValueError, match=r"2 cells are the same: seed=1$"):
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"seed": [1, 2, 1]}, **SMALL)
        with pytest.raises(ValueError, match=r"2 cells are the same: content=[0-9a-f]+$"):
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"content": [OTHER] * 2}, **SMALL)


DEVICES = """
import json, sys, numpy as np, jax
import jaxstyle
from jaxstyle.transfer.steppers import batched
from support.small import CONTENT, SMALL, STYLE
texts = []
true_advance = batched.advance
def advance(*args, **kwargs):
    texts.append(true_advance.lower(*args, **kwargs).compile().as_text())
    return true_advance(*args, **kwargs)
advance.lower = true_advance.lower
batched.advance = advance
sweep = {"style_weight": [0.3, 1.0, 3.0]}
cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **SMALL)
np.save(sys.argv[1], np.stack([cell.result.image for cell in cells]))
print(json.dumps({"devices": len(jax.devices()),
    "lanes": cells[0].result.facts["memory"]["lanes"],
    "talk": sum(word in texts[0] for word in ("all-gather", "all-reduce", "all-to-all"))}))
"""


@pytest.mark.slow
def test_several_devices_agree_with_one(tmp_path):
    four = "--xla_force_host_platform_device_count=4"
    flags = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {four}"}
    flags["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", DEVICES, str(tmp_path / "images.npy")],
        env=os.environ | flags,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # Lanes are padded to all devices, and the devices have nothing to say to each other.
    assert json.loads(done.stdout) == {"devices": 4, "lanes": 4, "talk": 0}
    cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"style_weight": [0.3, 1.0, 3.0]}, **SMALL)
    for image, cell in zip(np.load(tmp_path / "images.npy"), cells, strict=True):
        np.testing.assert_allclose(image, cell.result.image, atol=2e-5)


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path):
    files = write_pictures(tmp_path)
    sweep = ("--sweep", "style_weight=0.3,1,3", "--sweep", "metric=gram,moments")
    assert run(*words("grid", files, tmp_path / "one", *sweep, "--quiet")) == 0
    errs = run_in_two_processes(*words("grid", files, tmp_path / "two", *sweep))
    assert "4 lanes at a time in 1 batch" in errs[0]  # three cells on two devices
    assert errs[1].strip() in ("", "starting JAX …")
    for path in (tmp_path / "one" / "cells").glob("*.png"):
        picture = read_image(tmp_path / "two" / "cells" / path.name)
        np.testing.assert_allclose(picture, read_image(path), atol=1.5 / 255)


def test_pictures_after_every_step():
    looks = []

    def on_pictures(pictures):
        looks.append(dict(pictures))

    sweep = {"content_weight": [0.1, 1.0]}
    cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, on_pictures=on_pictures, **SMALL)
    assert [sorted(pictures) for pictures in looks] == [[0, 1]] * SMALL["steps"]
    usual = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **SMALL)
    for number, (cell, other) in enumerate(zip(cells, usual, strict=True)):
        np.testing.assert_array_equal(looks[-1][number], cell.result.image)
        np.testing.assert_array_equal(cell.result.image, other.result.image)
        assert np.abs(looks[0][number] - cell.result.image).max() > 1e-4
