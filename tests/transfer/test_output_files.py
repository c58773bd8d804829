"""What a picture's file and its manifest hold: depth, resolution, and no more of its maker."""

import json
import os
import shutil
import string

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.small import CONTENT, SMALL, run, words, write_pictures

import jaxstyle
from jaxstyle.image.io import read_image, read_settings, write_image
from jaxstyle.transfer import manifest

QUICK = SMALL | {"steps": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder `home` with pictures in `home/pictures`, and a result of them."""
    home = tmp_path_factory.mktemp("home")
    (home / "pictures").mkdir()
    (home / "out").mkdir()
    write_pictures(home / "pictures")
    write_image(home / "pictures" / "mask.png", np.ones_like(CONTENT))
    content, style, mask = (home / "pictures" / f"{n}.png" for n in ("content", "style", "mask"))
    return home, jaxstyle.stylize(content, style, content_mask=mask, init=style, **QUICK)


@pytest.fixture
def out(made, tmp_path):
    """A new folder in `home`."""
    folder = made[0] / f"out {tmp_path.name}"
    folder.mkdir()
    return folder


@pytest.fixture
def home(made, tmp_path):
    """A copy of these folders, without what other tests wrote."""
    return shutil.copytree(made[0], tmp_path / "home", ignore=shutil.ignore_patterns("out *"))


def paths_inside(file):
    """Return what looks like a path of this machine in a file's bytes."""
    data = file.read_bytes()
    folder = os.fsencode(file.parent.parent)
    return [folder] if folder in data or b"/tmp" in data else []


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_no_path_is_inside_a_picture(made, out, name):
    result = made[1]
    result.save(out / name)
    inside = read_settings(out / name)
    assert not paths_inside(out / name)
    settings = json.loads(inside)["settings"]
    assert (settings["content_mask"], settings["init"]) == (["mask.png"], "style.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
@pytest.mark.parametrize("bits", [8, 16])
def test_without_metadata_there_are_pixels_and_a_profile(made, out, name, bits):
    result = made[1]
    if bits == 16 and name in ("a.jpg", "a.webp"):
        with pytest.raises(ValueError, match=r"has 8 bits"):
            result.save(out / name, bits=bits)
        return
    result.save(out / name, metadata=False, bits=bits)
    assert read_settings(out / name) is None
    with Image.open(out / name) as image:
        tags = {*image.getexif()}
        assert 270 not in tags if name == "a.tif" else not tags
        assert not {"comment", "xmp", "exif", "jaxstyle"} & {*image.info}
    data = (out / name).read_bytes()
    assert not {b"jaxstyle", b"style.png"} & {w for w in (b"jaxstyle", b"style.png") if w in data}


class TestManifest:
    def test_states_how_the_file_was_written(self, made, out):
        result = made[1]
        result.save(out / "a.tif", bits=16, dpi=300, metadata=False)
        output = manifest.read(out / "a.json")["output"]
        assert output == {
            **{"bits": 16, "quality": 95, "dpi": 300, "metadata": False},
            "profile": "sRGB",
        }
        assert tifffile.imread(out / "a.tif").dtype == np.uint16

    @pytest.mark.bytes
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("a.png", {"bits": 16, "dpi": 240}),
            ("a.jpg", {"quality": 50, "metadata": False}),
            ("a.webp", {"quality": 70, "dpi": 72}),
        ],
    )
    def test_replay_writes_the_same_bytes(self, made, out, tmp_path, name, options):
        result = made[1]
        first = result.save(out / name, **options)
        again = jaxstyle.replay(out / "a.json")
        assert again.save(tmp_path / name).read_bytes() == first.read_bytes()
        if name == "a.png":
            # What JPEG has not, is left out, unless it is asked for.
            again.save(tmp_path / "b.jpg")
            with pytest.raises(ValueError, match="has 8 bits"):
                again.save(tmp_path / "b.jpg", bits=16)
            with Image.open(tmp_path / "b.jpg") as image:
                assert image.info["dpi"] == (240, 240)
            assert again.save(tmp_path / "c.png", bits=8).stat().st_size < first.stat().st_size

    def test_a_damaged_one_is_refused(self, made, out):
        result = made[1]
        result.save(out / "a.png")
        facts = json.loads((out / "a.json").read_text())
        for output in ([], {"bits": 9}, {"dpi": "many"}, {"quality": 0}):
            (out / "a.json").write_text(json.dumps(facts | {"output": output}))
            with pytest.raises(ValueError, match=r"damaged manifest: .*output"):
                jaxstyle.replay(out / "a.json")


class TestPaths:
    def test_are_relative_to_the_manifest(self, made, out):
        home, result = made
        result.save(out / "a.png")
        facts = json.loads((out / "a.json").read_text())
        place = os.path.join("..", "pictures", "")
        assert {role: record["path"] for role, record in facts["inputs"].items()} == {
            **{"content": f"{place}content.png", "style": f"{place}style.png"},
            **{"content_mask": f"{place}mask.png", "init": f"{place}style.png"},
        }
        assert facts["settings"]["content_mask"] == [f"{place}mask.png"]
        assert str(home) not in (out / "a.json").read_text()

    def test_of_other_folders_are_absolute(self, made, out, tmp_path):
        home, result = made
        (tmp_path / "deep" / "er").mkdir(parents=True)
        result.save(tmp_path / "deep" / "er" / "a.png")
        facts = json.loads((tmp_path / "deep" / "er" / "a.json").read_text())
        assert facts["inputs"]["style"]["path"] == str(home / "pictures" / "style.png")

    @pytest.mark.bytes
    def test_lead_to_the_inputs_where_all_were_moved(self, home, made, tmp_path, monkeypatch):
        first = made[1].save(home / "out" / "b.png")
        result = jaxstyle.stylize(
            home / "pictures" / "content.png", home / "pictures" / "style.png", **QUICK
        )
        result.save(home / "out" / "b.png")
        moved = shutil.move(home, tmp_path / "moved")
        # The same names lie where the command runs, and are not the inputs.
        (tmp_path / "here").mkdir()
        (tmp_path / "pictures").mkdir()
        write_image(tmp_path / "pictures" / "content.png", CONTENT / 2)
        monkeypatch.chdir(tmp_path / "here")
        again = jaxstyle.replay(tmp_path / "moved" / "out" / "b.json").save("c.png")
        assert again.read_bytes() == (moved / "out" / "b.png").read_bytes()
        assert first == home / "out" / "b.png"

    def test_given_relative_to_the_working_folder(self, home, monkeypatch):
        monkeypatch.chdir(home / "pictures")
        jaxstyle.stylize("content.png", "style.png", **QUICK).save("../out/b.png")
        facts = json.loads((home / "out" / "b.json").read_text())
        assert facts["inputs"]["style"]["path"] == os.path.join("..", "pictures", "style.png")
        monkeypatch.chdir(home)
        assert jaxstyle.replay("out/b.json").finite
        assert manifest.paths_of(manifest.read("out/b.json")["inputs"]) == [
            os.path.join("out", "..", "pictures", f"{name}.png") for name in ("content", "style")
        ]

    @pytest.mark.skipif(os.name == "nt", reason="links need rights there")
    def test_above_a_linked_folder_are_absolute(self, made, out, tmp_path):
        home, result = made
        (tmp_path / "a" / "b").mkdir(parents=True)
        (home / "linked").symlink_to(tmp_path / "a" / "b")
        result.save(home / "linked" / "a.png")
        facts = json.loads((home / "linked" / "a.json").read_text())
        assert facts["inputs"]["style"]["path"] == str(home / "pictures" / "style.png")
        (home / "linked").unlink()

    def test_of_an_older_manifest_are_those_of_the_command(self, home, monkeypatch):
        monkeypatch.chdir(home)
        jaxstyle.stylize("pictures/content.png", "pictures/style.png", **QUICK).save("out/b.png")
        facts = json.loads((home / "out" / "b.json").read_text())
        for record in facts["inputs"].values():
            record["path"] = record["path"].removeprefix(f"..{os.sep}")
        del facts["output"]
        (home / "out" / "b.json").write_text(json.dumps(facts | {"schema": 7}))
        assert jaxstyle.replay("out/b.json").finite


def test_a_finished_run_is_done_from_another_folder(home, monkeypatch, capsys):
    monkeypatch.chdir(home / "pictures")
    command = words("stylize", home / "pictures", home / "out" / "b.png", steps=1)
    assert run(*command, "--content-mask", "mask.png") == 0
    before = (home / "out" / "b.png").stat().st_mtime_ns
    monkeypatch.chdir(home)
    assert run(*command, "--content-mask", "pictures/mask.png", "--resume") == 0
    assert "already done" in capsys.readouterr().err
    assert (home / "out" / "b.png").stat().st_mtime_ns == before
    more = ("--content-mask", "pictures/mask.png", "--resume", "--bits", 16)
    assert run(*command, *more) == 2
    assert "was written with other bits" in capsys.readouterr().err


def test_the_command_line_has_the_same_options(home, capsys):
    output = home / "out" / "b.tif"
    options = ("--bits", 16, "--dpi", 150, "--no-metadata", "--quiet")
    assert run(*words("stylize", home / "pictures", output, *options, steps=1)) == 0
    assert tifffile.imread(output).dtype == np.uint16
    assert read_settings(output) is None
    again = home / "out" / "c.tif"
    assert run("replay", output.with_suffix(".json"), "-o", again, "--quiet") == 0
    assert again.read_bytes() == output.read_bytes()
    other = home / "out" / "d.jpg"
    words_of_replay = ("replay", output.with_suffix(".json"), "-o", other, "--quality", 100)
    assert run(*words_of_replay, "--metadata", "--quiet") == 0
    assert read_settings(other)
    np.testing.assert_allclose(read_image(other), read_image(output), atol=0.1)
    capsys.readouterr()
    assert run(*words("stylize", home / "pictures", home / "out" / "e.jpg", "--bits", 16)) == 2
    err = capsys.readouterr().err
    assert "has 8 bits" in err
    assert "starting JAX" not in err
    assert not set(string.printable) & set(capsys.readouterr().out)
