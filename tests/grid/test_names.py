"""No cell takes the name of another, and no folder that of something else."""

import json
import os

import numpy as np
import pytest
from support.full_disk import failing_writes
from support.small import CONTENT, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.image.io import write_image
from jaxstyle.transfer import manifest

FAST = SMALL | {"steps": 0}


def grid(folder, contents, **more):
    sweep = {"content": [str(content) for content in contents]}
    settings = {"sweep": sweep, "folder": folder, "resume": True, **FAST, **more}
    return jaxstyle.stylize_grid(CONTENT, STYLE, **settings)


def cells(folder):
    """Return by the content's path what each cell is."""
    pictures = sorted((folder / "cells").glob("*.png"))
    facts = [manifest.read(manifest.beside(picture)) for picture in pictures]
    paths = [of_cell["inputs"]["content"]["path"] for of_cell in facts]
    return dict(zip(paths, zip(pictures, facts, strict=True), strict=True))


NAMES = {
    "accents": ("é.png", "è.png"),
    "scripts": ("猫.png", "犬.png"),
    "signs": ("a b.png", "a-b.png"),
    "case": ("a.png", "A.png"),
    "folders": ("one/x.png", "other/x.png"),
    "bytes": (os.fsdecode(b"caf\xe9.png"), os.fsdecode(b"caf\xe8.png")),
}


@pytest.mark.parametrize("names", NAMES.values(), ids=[*NAMES])
def test_names_that_differ_in_little(tmp_path, names):
    contents = [tmp_path / name for name in names]
    for number, content in enumerate(contents):
        content.parent.mkdir(exist_ok=True)
        write_image(content, CONTENT * (1 - number / 2))
    out = tmp_path / "grid"
    for content in contents:  # one grid after the other in one folder
        grid(out, [content])
    before = {path: path.read_bytes() for path in (out / "cells").iterdir()}
    assert {*cells(out)} == {*map(str, contents)}
    grid(out, contents[::-1])
    # Two of one name have longer names beside each other, and are made again under these.
    assert {path: path.read_bytes() for path in before} == before
    for name in ("index.html", "sheet.png", "table.csv", "table.json"):
        assert (out / name).is_file()


def test_an_edited_or_moved_picture_keeps_its_name(tmp_path):
    content, out = tmp_path / "x.png", tmp_path / "grid"
    for picture in (CONTENT, CONTENT / 2):
        write_image(content, picture)
        grid(out, [content])
    (tmp_path / "moved").mkdir()
    os.replace(content, tmp_path / "moved" / "x.png")
    grid(out, [tmp_path / "moved" / "x.png"])
    assert [path.name for path in (out / "cells").glob("*.png")] == ["content=x.png.png"]


def test_numbers_that_differ_after_the_sixth_digit(tmp_path):
    for weight in (0.1234567, 0.12345671):
        sweep = {"style_weight": [weight]}
        jaxstyle.stylize_grid(CONTENT, STYLE, sweep=sweep, folder=tmp_path, resume=True, **FAST)
    facts = [manifest.read(path) for path in (tmp_path / "cells").glob("*.json")]
    weights = {of_cell["settings"]["style_weight"] for of_cell in facts}
    assert weights == {0.1234567, 0.12345671}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("grid", "index.html"),
        ("grid", "table.csv"),
        ("grid", "sheet.png"),
        ("study", "index.html"),
        ("study", "summary.json"),
    ],
)
def test_a_folder_of_something_else_is_left_alone(tmp_path, capsys, command, name):
    write_pictures(tmp_path)
    out = tmp_path / "site"
    out.mkdir()
    (out / name).write_text("mine")
    if command == "grid":
        assert run(*words("grid", tmp_path, out, "--sweep", "seed=1,2", steps=0)) == 2
    else:
        for one in ("content.png", "other.png", "style.png"):
            write_image(tmp_path / one, np.zeros((64, 64, 3), np.float32))
        sets = ("--contents", tmp_path / "content.png", "--contents", tmp_path / "other.png")
        sets += ("--styles", tmp_path / "style.png", "--objective", "gram", "--size", 64)
        assert run("study", *sets, "-o", out, "--steps", 0, "--judges", "vgg16") == 2
    assert f"has a file {name} that something else made" in capsys.readouterr().err
    assert [path.read_text() for path in out.iterdir()] == ["mine"]


def test_no_cell_overwrites_an_input(tmp_path):
    out = tmp_path / "grid"
    (out / "cells").mkdir(parents=True)
    sketch = out / "cells" / "seed=1.png"
    write_image(sketch, CONTENT)
    before = sketch.read_bytes()
    with pytest.raises(ValueError, match=r"seed=1\.png would be overwritten"):
        jaxstyle.stylize_grid(sketch, STYLE, sweep={"seed": [1, 2]}, folder=out, **FAST)
    assert sketch.read_bytes() == before


@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize(
    "first",
    [
        *(1, 4, 9),
        *(pytest.param(k, marks=pytest.mark.slow) for k in range(2, 14) if k not in (4, 9)),
    ],
)
def test_a_full_disk_leaves_a_page_of_what_is_finished(tmp_path, capsys, first, forever):
    write_pictures(tmp_path)
    out = tmp_path / "grid"
    command = words("grid", tmp_path, out, "--sweep", "seed=1,2,3", steps=0, init="noise")
    with failing_writes(out, first, forever=forever):
        status = run(*command)
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert (status == 2) == ("error:" in err)
    finished = [*(out / "cells").glob("*.json")]
    if not forever and finished:
        # Each of the others was tried, whichever was lost.
        assert len(finished) >= 2
        page = (out / "index.html").read_text()
        assert page.count('"file":') == 3
    assert run(*command) == 0
    assert len([*(out / "cells").glob("*.json")]) == 3
    assert json.loads((out / "table.json").read_text())[2]["cell"] == "seed=3"
