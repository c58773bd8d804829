"""What another package brings by entry points is listed, used, swept and studied."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.small import CONTENT, OTHER, STYLE, write_pictures

from jaxstyle.image.io import write_image

SUPPORT = Path(__file__).parent / "support"

PROGRAM = """
import json, sys
from pathlib import Path
import jaxstyle
from jaxstyle.study import judging
from jaxstyle.study.study import study
from jaxstyle.transfer import manifest
from support.small import CONTENT, OTHER, SMALL, STYLE, run, words

folder = Path.cwd()
importing = "weights import mine mine.safetensors"
for command in ("metrics", "recipes", importing, "weights list --json"):
    assert run(*command.split()) == 0, command
settings = {"backbone": "mine", "style_layers": "relu1,relu2", "content_layers": "relu2"}
out = folder / "out.png"
assert run(*words("stylize", folder, out, "--quiet", metric="brightness", **settings)) == 0
again = jaxstyle.replay(folder / "out.json")
facts = manifest.read(folder / "out.json")
assert again.history == facts["history"] and "not_replayable" not in facts

settings = {**SMALL, **settings}
del settings["metric"]
recipe = jaxstyle.stylize(CONTENT, STYLE, recipe="points", **settings)
sweep = {"metric": ["brightness", "points", "gram"]}
cells = jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, **settings)

judging.STATISTICS, judging.LIKENESSES = ("gram", "brightness"), ("self_similarity",)
judging.PAINT = ()
summary = study(
    ["large_content.png", "large_other.png"], ["large_style.png"], ["brightness", "points"],
    folder / "study",
    judges=["mine"], **settings | {"size": 64, "steps": 1},
)
print("RESULT", json.dumps({
    "recipe": sorted(recipe.history),
    "optimizer": recipe.facts["settings"]["optimizer"],
    "cells": [sorted(cell.result.history) for cell in cells],
    "weights": cells[0].result.facts["weights"],
    "study": [row["name"] for row in summary["objectives"]],
    "judges": sorted({judge["metric"] for judge in summary["judges"]}),
}))
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = write_pictures(tmp_path_factory.mktemp("plugins"))
    for name, picture in (("content", CONTENT), ("other", OTHER), ("style", STYLE)):
        write_image(folder / f"large_{name}.png", np.tile(picture, (2, 2, 1)))
    random = np.random.default_rng(0)
    tensors = {
        f"conv{k}.{name}": random.standard_normal(shape, np.float32) / 3
        for k, channels in ((1, 3), (2, 8))
        for name, shape in (("weight", (8, channels, 3, 3)), ("bias", (8,)))
    }
    save_file(tensors, folder / "mine.safetensors")
    paths = [str(SUPPORT / "plugin"), *sys.path]
    own = {"PYTHONPATH": os.pathsep.join(paths), "JAXSTYLE_CACHE": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_package_is_used(done):
    assert done.returncode == 0, done.stderr
    for line in ("brightness", "the mean of each channel", "points", "small strokes", "sketchnet"):
        assert line in done.stdout
    assert "our own" in done.stderr  # the layout of the weights that are imported
    results = json.loads(done.stdout.partition("RESULT ")[2])
    assert {"brightness", "gram"} <= set(results["recipe"])
    assert results["optimizer"] == "adam"
    others = {"mse", "total", "total_variation"}
    assert [set(names) - others for names in results["cells"]] == [
        *({"brightness"}, {"brightness", "gram"}, {"gram"})
    ]
    assert list(results["weights"]) == ["mine"]
    assert results["study"] == ["brightness", "points"]
    assert results["judges"] == ["brightness", "gram", "self_similarity"]
