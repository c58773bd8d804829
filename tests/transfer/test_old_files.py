"""Files that version 0.1 has made are still read.

tests/data/version_0_1 holds a picture of 12 steps with its manifest, the checkpoint after its 10th
step, and a grid of two cells. The manifests name no schema; the checkpoint has another format.
"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import jaxstyle
from jaxstyle.image.io import read_image
from jaxstyle.plain import differences, from_plain, to_plain
from jaxstyle.transfer import manifest
from jaxstyle.transfer.manifest import Environment

OLD = Path(__file__).parents[1] / "data" / "version_0_1"
CELLS = ("seed=0", "seed=1")


@pytest.fixture
def old(tmp_path):
    return shutil.copytree(OLD, tmp_path / "old")


def settings_of(run):
    return from_plain(json.loads(run.read_text())["settings"])


def check_close(image, path):
    """Check that a picture is another one but for the rounding of another processor."""
    apart = np.abs(image - read_image(path)) * 255
    assert apart.mean() < 1
    assert apart.max() <= 8


def test_a_manifest_is_replayed(old, caplog):
    result = jaxstyle.replay(old / "picture.json")
    check_close(result.image, old / "picture.png")
    then = manifest.read(old / "picture.json")["history"]["total"]
    np.testing.assert_allclose(result.history["total"], then, rtol=0.01)


def test_a_manifest_of_a_cell_is_replayed(old):
    run = old / "grid" / "cells" / "seed=1.json"
    inputs = {name: old / f"{name}.png" for name in ("content", "style")}
    check_close(jaxstyle.replay(run, inputs=inputs).image, run.with_suffix(".png"))


def test_settings_that_are_missing_have_their_defaults(old):
    plain = json.loads((old / "picture.json").read_text())["settings"]
    del plain["regularizer"], plain["style_rotation"]
    assert from_plain(plain) == settings_of(old / "picture.json")
    assert not differences(plain, to_plain(from_plain(plain)))
    assert differences(plain | {"invented": 1}, plain) == ["invented"]


def test_a_checkpoint_is_resumed(old, monkeypatch, caplog):
    caplog.set_level("INFO")
    facts = json.loads((old / "picture.json").read_text())
    then = Environment(versions=facts["versions"], device=facts["device"])
    monkeypatch.setattr(manifest, "environment", lambda: then)
    steps = []
    result = jaxstyle.stylize(
        old / "content.png",
        old / "style.png",
        settings_of(old / "picture.json"),
        checkpoint=old / "picture.png",
        resume=True,
        on_progress=lambda progress: steps.append(progress.step),
    )
    assert "resuming after step 10 of 12" in caplog.messages
    assert steps == [12]
    check_close(result.image, old / "picture.png")
    np.testing.assert_allclose(result.history["total"], facts["history"]["total"], rtol=0.01)
    assert result.history["gram"][:10] == facts["history"]["gram"][:10]
    for name, rows in result.facts["calibration"].items():
        assert rows == [facts["calibration"][name]] * len(facts["scales"])
    result.save(old / "picture.png")
    assert not list(old.glob("*.checkpoint*"))


@pytest.mark.parametrize("damaged", [False, True])
def test_a_checkpoint_of_another_environment_is_refused(old, monkeypatch, caplog, damaged):
    path = old / "picture.png.checkpoint"
    kept = path.read_bytes()[:-32].replace(b'"jax": "', b'"jax": "9')
    digest = hashlib.sha256(kept).digest()
    path.write_bytes(kept + (bytes(32) if damaged else digest))
    settings = settings_of(old / "picture.json")
    pictures = (old / "content.png", old / "style.png")
    more = {"checkpoint": old / "picture.png", "resume": True}
    facts = json.loads((old / "picture.json").read_text())
    then = Environment(versions=facts["versions"], device=facts["device"])
    monkeypatch.setattr(manifest, "environment", lambda: then)
    if damaged:
        progresses = jaxstyle.iterate(*pictures, settings, **more)
        progresses.send(None)
        progresses.close()
        assert any("its checksum is wrong" in line for line in caplog.messages)
    else:
        with pytest.raises(ValueError, match=r"is of a run with jax 9.*, not .*; leave out"):
            jaxstyle.stylize(*pictures, settings, **more)


def test_cells_of_a_grid_are_not_made_again(old, monkeypatch, caplog):
    caplog.set_level("INFO")
    cells = old / "grid" / "cells"
    before = {path.name: path.read_bytes() for path in cells.iterdir()}
    results = jaxstyle.stylize_grid(
        old / "content.png",
        old / "style.png",
        settings_of(cells / "seed=0.json"),
        sweep={"seed": [0, 1]},
        folder=old / "grid",
        resume=True,
        on_progress=lambda progress: pytest.fail("a cell is made"),
    )
    assert "2 of 2 cells are finished already" in caplog.messages
    assert {path.name: path.read_bytes() for path in cells.iterdir()} == before
    assert [cell.values for cell in results] == [{"seed": 0}, {"seed": 1}]
    for cell, name in zip(results, CELLS, strict=True):
        np.testing.assert_array_equal(cell.result.image, read_image(cells / f"{name}.png"))
        assert len(cell.result.history["gram"]) == 2
    assert (old / "grid" / "index.html").exists()


def test_a_recipe_of_before_methods_is_its_adapted_variant():
    old = {
        name: value for name, value in to_plain(jaxstyle.Settings()).items() if name != "safeguard"
    }
    assert from_plain({**old, "recipe": "strotss"}).recipe == "strotss/adapted"
    assert from_plain({**old, "recipe": "strotss", "safeguard": "none"}).recipe == "strotss"
