"""Memory: what is planned, what is taken, and what is advised."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from support.small import CONTENT, LAYERS, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.transfer import memory

ONE = SMALL | {"steps": 1}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


def test_the_plan_says_what_the_run_says(files, tmp_path, capsys):
    out = tmp_path / "out.png"
    assert run(*words("stylize", files, out, "--plan", "--quiet", steps=1)) == 0
    line = capsys.readouterr().out
    assert re.search(r"48 × 40, whole: about \d+\.\d\d GiB of memory at the peak, of", line)
    assert not out.exists()
    assert run(*words("stylize", files, out, steps=1)) == 0
    assert "48 × 40, whole: less than" in capsys.readouterr().err
    facts = json.loads((tmp_path / "out.json").read_text())["memory"]
    assert facts["layout"] == "whole"
    assert 0 < facts["predicted"] < facts["available"]


def test_a_run_with_room_is_not_compiled_to_know_it(monkeypatch, caplog):
    now = memory.used()
    monkeypatch.setattr(memory, "used", lambda: now)
    exact = jaxstyle.plan(CONTENT, STYLE, **ONE).peak
    with caplog.at_level("INFO", logger="jaxstyle"):
        facts = jaxstyle.stylize(CONTENT, STYLE, **ONE).facts["memory"]
    bound = float(re.search(r"less than (\d+\.\d+) GiB", caplog.text)[1]) * memory.GIB
    assert facts["predicted"] == exact < bound
    # Room for what it takes, but not for all that it computes: compiled, and it fits.
    monkeypatch.setattr(memory, "available", lambda: int((exact + bound) / 2 / memory.SHARE))
    caplog.clear()
    with caplog.at_level("INFO", logger="jaxstyle"):
        jaxstyle.stylize(CONTENT, STYLE, **ONE)
    assert f"whole: about {exact / memory.GIB:.2f} GiB" in caplog.text


@pytest.mark.skipif(not memory.MAPS.exists(), reason="memory maps of a process are Linux's")
def test_programs_are_released_before_a_process_has_too_many_memory_maps(monkeypatch):
    doubled = jax.jit(lambda x: 2 * x)
    assert doubled(1.0) == 2
    count = len(memory.MAPS.read_text().splitlines())

    def limit(most):
        monkeypatch.setattr(memory, "MOST_MAPS", SimpleNamespace(read_text=lambda _: str(most)))

    limit(8 * count)
    assert not memory.clear_caches_if_crowded()
    assert doubled._cache_size() == 1
    limit(4 * count - 4)
    assert memory.clear_caches_if_crowded()
    assert doubled._cache_size() == 0
    assert doubled(1.0) == 2


@pytest.mark.slow
def test_the_prediction_is_what_is_taken():
    # In a process of its own: the highest memory of one is never forgotten.
    program = """
import jaxstyle, json, numpy as np
content, style = np.random.default_rng(0).random((2, 384, 512, 3), np.float32)
result = jaxstyle.stylize(content, style, size=512, scale_steps=(1,), memory="whole")
print(json.dumps(result.facts["memory"]))
"""
    # As users have them: a step of 512 pixels without optimization takes minutes.
    env = os.environ | {"XLA_FLAGS": ""}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["measured"] == pytest.approx(facts["predicted"], rel=0.15)


@pytest.mark.slow
def test_tiles_take_less(monkeypatch):
    settings = {"size": 160, "scales": 1, "steps": 1, **LAYERS, "metric": "gram"}
    image = np.tile(STYLE, (3, 4, 1))[:, :160]
    now = memory.used()
    monkeypatch.setattr(memory, "used", lambda: now)
    plans = {
        layout: jaxstyle.plan(image, image, memory=layout, **settings) for layout in ("whole", "96")
    }
    assert plans["96"].peak < plans["whole"].peak
    # Less than the whole picture takes, and more than tiles take.
    limit = (plans["96"].peak + plans["whole"].peak) / 2 / memory.SHARE
    monkeypatch.setattr(memory, "available", lambda: limit)
    monkeypatch.setattr(memory, "LADDER", ("whole", 96))
    assert jaxstyle.plan(image, image, **settings).layout == 96


class TestWithoutRoom:
    def test_a_run_is_refused_in_one_line(self, files, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(memory, "available", lambda: 2**20)
        assert run(*words("stylize", files, tmp_path / "out.png", "--quiet", steps=1)) == 2
        err = capsys.readouterr().err
        assert err.endswith("that does not fit\n")
        assert err.count("\n") == 1
        assert not list(tmp_path.iterdir())

    def test_what_is_advised_fits(self, monkeypatch):
        now = memory.used()
        monkeypatch.setattr(memory, "used", lambda: now)
        peak = jaxstyle.plan(CONTENT, STYLE, **ONE).peak
        # Half of what the step takes.
        monkeypatch.setattr(memory, "available", lambda: int((now + peak) / 2 / memory.SHARE))
        with pytest.raises(ValueError, match=r"does not fit; --size \d+ should") as refused:
            jaxstyle.stylize(CONTENT, STYLE, **ONE)
        size = int(re.search(r"--size (\d+)", str(refused.value))[1])
        assert jaxstyle.stylize(CONTENT, STYLE, **ONE | {"size": size}).finite


@pytest.mark.parametrize("wrong", ["much", "-4", "1.5"])
def test_an_unknown_layout_is_refused(wrong):
    with pytest.raises(ValueError, match="expected memory to be auto"):
        jaxstyle.Settings(memory=wrong)


def test_a_line_search_in_tiles_is_refused():
    with pytest.raises(ValueError, match="lbfgs_search evaluates the loss several times a step"):
        jaxstyle.stylize(CONTENT, STYLE, optimizer="lbfgs_search", **ONE | {"memory": "32"})
