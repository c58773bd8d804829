"""`compare` prints what can be answered, and says what cannot."""

import json

import numpy as np
import pytest
from support.fetching import needed
from support.small import run

from jaxstyle.image.io import write_image
from jaxstyle.objective.judge import JUDGES, STYLE_JUDGES

TINY = np.random.default_rng(3).random((2, 20, 24, 3))
MESSAGE = "a picture of 24 × 20 pixels is too small for relu5"


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, picture in zip(paths, TINY, strict=True):
        write_image(path, picture)
    return paths


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_judge_that_finds_them_too_small_is_left_out(files, capsys, form):
    needed("dists")
    assert run("compare", *files, *form) == 0
    streams = capsys.readouterr()
    names = [row["name"] for row in json.loads(streams.out)] if form else streams.out.split()[::2]
    assert names == [name for name in JUDGES if name != "lpips"]
    assert f"lpips is left out: {MESSAGE}" in streams.err


def test_one_that_was_named_is_an_error_after_the_others(files, capsys):
    assert run("compare", *files, "--metric", "lpips", "--metric", "ssim") == 2
    streams = capsys.readouterr()
    assert streams.out.startswith("ssim ")
    assert streams.out.count("\n") == 1
    assert streams.err.splitlines()[-1].startswith(f"jaxstyle: error: {MESSAGE}")


def test_no_answer_at_all(files, capsys):
    assert run("compare", *files, "--metric", "lpips", "--json") == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert MESSAGE in streams.err


def test_weights_that_are_missing(files, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("jaxstyle.objective.judge.build_term", _without_networks)
    assert run("compare", *files) == 0
    streams = capsys.readouterr()
    assert streams.out.split()[::2] == ["ssim", "ms_ssim", "gmsd", "psnr", *STYLE_JUDGES]
    assert "dists is left out: not installed" in streams.err


def _without_networks(spec, kind, networks, **more):
    from jaxstyle.objective.build import build_term

    if spec.name in ("lpips", "lpips_vgg", "dists"):
        raise OSError("not installed")
    return build_term(spec, kind, networks, **more)
