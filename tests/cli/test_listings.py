"""Tables fit the terminal; JSON is what programs read."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from support.small import SMALL

import jaxstyle
from jaxstyle.cli import metric_facts
from jaxstyle.cli.main import main
from jaxstyle.metrics import METRICS
from jaxstyle.recipes import RECIPES

LISTINGS = (("samples",), ("metrics",), ("recipes",), ("weights", "list"))


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*words, code=0):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == code, err
        return err if code else out

    return run


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
@pytest.mark.parametrize("columns", [None, "60", "160"])
def test_tables_fit_the_terminal(words, columns, run, monkeypatch):
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    names = [row["name"] for row in json.loads(run(*words, "--json"))]
    lines = run(*words).splitlines()
    assert max(map(len, lines)) <= int(columns or 80)
    listed = [line.split()[0] for line in lines if line.strip() and line[0] != " "]
    assert [name for name in listed if name in names] == names


def test_wide_terminals_show_more(run, monkeypatch):
    assert "Gatys" not in run("metrics")
    monkeypatch.setenv("COLUMNS", "160")
    assert "Gatys, Ecker & Bethge, CVPR 2016" in run("metrics")


def test_one_metric_in_full(run):
    text = run("metrics", "shifted_gram")
    facts = dict(re.findall(r"^(\w[\w ]*?)  +(.*?) *$", text, re.M))
    assert facts["kind"] == "style"
    assert facts["hyperparameters"] == "shift -1"
    assert facts["symmetric"] == "yes"
    assert "jaxstyle.metrics.gram.gram_distance\n" in text
    assert "References:\n" in text
    assert "equation 4" in text
    assert "perceptual.lpips\n" in run("metrics", "lpips")
    # A name can be that of two metrics, and a distance can be a closure.
    assert run("metrics", "cosine").count("\nkind ") == 2
    for name in METRICS["content"]:
        assert "jaxstyle.metrics." in run("metrics", name), name
    assert [row["kind"] for row in json.loads(run("metrics", "cosine", "--json"))] == [
        "style",
        "content",
    ]


def test_one_of_each_in_full(run):
    text = run("recipes", "strotss")
    assert "    content_metric = self_similarity\n" in text
    assert "    weights of palette at scale 4 = 0.125\n" in text
    assert "strotss/code: exact but for its deviations" in text
    assert RECIPES["strotss"].bibtex in text
    assert " ".join(RECIPES["strotss"].deviations.split()[:5]) in text
    assert RECIPES["mrf"].bibtex == run("cite", "mrf").rstrip("\n")
    cited = run("cite", "strotss/code", "ssim", "strotss", "vgg19-normalized")
    assert [line for line in cited.splitlines() if line.startswith("@")] == [
        *("@inproceedings{kolkin2019style,", "@article{wang2004image,"),
        *("@inproceedings{simonyan2015very,", "@inproceedings{gatys2016image,"),
    ]
    assert "CC0 1.0" in run("samples", "valley")
    assert "homepage" in run("weights", "list", "vgg19")


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("metrics", "gran"), "gram"),
        (("recipes", "strots"), "strotss"),
        (("samples", "vally"), "valley"),
        (("cite", "sssim"), "ssim"),
        (("weights", "list", "vgg61"), "vgg1"),
    ],
)
def test_wrong_names_get_the_nearest(words, nearest, run):
    assert f"did you mean '{nearest}" in run(*words, code=2)


def test_json_has_the_facts(run):
    keys = {
        "samples": "name kind title credit license where status",
        "metrics": "name kind meaning cost paper layers parameters symmetric gathers",
        "recipes": "name meaning settings constants weights deviations bibtex usual methods "
        "citation",
        "weights": "name architecture layers about source license homepage bytes sha256 where "
        "status",
    }
    for words in LISTINGS:
        rows = json.loads(run(*words, "--json"))
        assert all(list(row) == keys[words[0]].split() for row in rows)
    gram = next(row for row in json.loads(run("metrics", "--json")) if row["name"] == "gram")
    assert gram["layers"] == [f"relu{block}_1" for block in range(1, 6)]
    assert gram["parameters"] == {}
    assert gram["symmetric"] is True


def test_metrics_are_kept_until_they_change(run, tmp_path, monkeypatch):
    once = run("metrics", "--json")
    (kept,) = (tmp_path / "cache" / "listings").iterdir()
    kept.write_text(kept.read_text("utf-8").replace('"gram"', '"from the cache"'), "utf-8")
    assert "from the cache" in run("metrics", "--json")
    monkeypatch.setattr(metric_facts, "_digest", lambda: "0" * 16)  # a metric's file changed
    assert run("metrics", "--json") == once
    (kept,) = (tmp_path / "cache" / "listings").iterdir()  # the old one is gone
    kept.write_text("spoiled")
    assert run("metrics", "--json") == once


def test_metrics_with_those_of_other_packages_are_not_kept(run, tmp_path, monkeypatch):
    monkeypatch.setattr(metric_facts, "entry_points", lambda group: [group])
    assert "gram" in run("metrics")
    assert not (tmp_path / "cache" / "listings").exists()


@pytest.fixture
def cached(tmp_path):
    """A cache with a file of each kind."""
    folder = tmp_path / "cache"
    names = (
        "compiled/jit_step-0-cache",
        "weights/vgg19-dcbb9e9d.safetensors",
        "weights/mine-01234567.safetensors",
        "downloads/vgg19-dcbb9e9d.pth",
        "samples/astronaut.png",
        "tfds/picture_folder/train",
        "running/a.lock",
        "notes.txt",
    )
    for number, name in enumerate(names, 1):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(100 * number))
    return folder


def files_in(folder):
    return {path.name for path in Path(folder).rglob("*") if path.is_file()}


def test_what_the_cache_holds(run, cached):
    text = run("cache")
    assert text.startswith(f"{cached} (2.1 kB)\n")
    assert max(map(len, text.splitlines()[1:])) <= 80
    rows = {row["name"]: row for row in json.loads(run("cache", "--json"))}
    assert {name: (row["files"], row["bytes"]) for name, row in rows.items()} == {
        "compiled": (1, 100),
        "weights": (2, 500),
        "downloads": (1, 400),
        "samples": (1, 500),
        "tfds": (1, 600),
        "listings": (0, 0),
    }
    assert rows["tfds"]["where"] == str(cached / "tfds")


def test_clearing_the_cache(run, cached):
    every = files_in(cached)
    assert run("cache", "clear") == f"removed 1 file (100 bytes) from {cached}\n"
    assert every - files_in(cached) == {"jit_step-0-cache"}
    assert "removed 3 files" in run("cache", "clear", "--downloads")
    # What the user brought stays, and what another program put there.
    assert files_in(cached) == {"mine-01234567.safetensors", "train", "a.lock", "notes.txt"}
    run("cache", "clear", "--all")
    assert files_in(cached) == {"a.lock", "notes.txt"}
    assert "removed 0 files" in run("cache", "clear", "--compiled")


def test_clearing_a_cache_leaves_a_users_files(run, tmp_path):
    """The cache may be a folder in which the user has others of the same names."""
    names = [
        *("downloads/thesis.pdf", "downloads/model.pth", "samples/beach.jpg", "weights/mine.txt"),
        *("compiled/program.exe", "samples/2020/astronaut.doc", "weights/a-0123.safetensors"),
    ]
    for name in names:
        (tmp_path / "cache" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / name).write_text("mine")
    for what in ("--compiled", "--downloads", "--all"):
        assert "removed 0 files" in run("cache", "clear", what)
    assert len(files_in(tmp_path / "cache")) == len(names)


def test_an_empty_cache(run):
    assert "(0 bytes)" in run("cache")


def test_citing_a_manifest_with_an_unknown_setting(tmp_path, capsys):
    pixels = np.zeros((40, 48, 3), np.float32)
    result = jaxstyle.stylize(pixels, pixels, **SMALL | {"steps": 0})
    result.save(tmp_path / "run.png")
    facts = json.loads((tmp_path / "run.json").read_text())
    for name, line in (("stps", "there is no setting 'stps'"), ("recipe", "no recipe is named")):
        edited = facts | {"settings": facts["settings"] | {name: "x"}}
        (tmp_path / "edited.json").write_text(json.dumps(edited))
        with pytest.raises(SystemExit):
            main(["cite", str(tmp_path / "edited.json")])
        assert f"{tmp_path / 'edited.json'}: {line}" in capsys.readouterr().err
