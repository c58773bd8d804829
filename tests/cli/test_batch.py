"""`jaxstyle batch`, and the styles of `stylize` and `grid`."""

import json
import shlex

import pytest
from click.testing import CliRunner
from PIL import Image
from support.manifests import write_manifest
from support.small import OTHER, SMALL, run, words, write_pictures

from jaxstyle.cli import main as command_line
from jaxstyle.cli.styles import chosen_styles
from jaxstyle.image.io import write_image


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    write_pictures(tmp_path)
    write_image(folder / "a.png", OTHER)
    (tmp_path / "content.png").rename(folder / "b.png")
    return folder


def batch(photos, *more):
    flags = words("batch", photos, "unused", **SMALL)[5:]
    style = ("--style", photos.parent / "style.png", "-o", photos.parent / "out")
    return run("batch", *style, *flags, *more)


def test_the_exit_status_and_the_last_line_say_what_failed(photos, capsys):
    assert batch(photos, photos) == 0
    assert capsys.readouterr().err.endswith("out: 2 pictures\n")
    (photos / "c.png").write_text("no picture")
    assert batch(photos, photos) == 1
    err = capsys.readouterr().err
    assert err.count("c.png is not a picture but a text file") == 1
    assert err.endswith("out: 3 pictures, 2 were finished before, 1 failed\n")
    assert batch(photos, photos, "--skip-existing", "--quiet") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_json_is_one_object(photos, capsys):
    (photos / "c.png").write_text("no picture")
    assert batch(photos, photos, "--json", "--format", "jpg", "--quality", 80) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["failed"] == 1
    one, _, failed = printed["pictures"]
    assert one["content"] == str(photos / "a.png")
    with Image.open(one["output"]) as picture:
        assert picture.format == "JPEG"
    with open(one["manifest"]) as file:
        facts = json.load(file)
    assert facts["picture"]["name"] == "a.jpg"
    assert facts["output"]["quality"] == 80
    assert one["seconds"] == facts["seconds"]
    assert (one["status"], one["failure"]) == ("made", None)
    assert (failed["status"], failed["output"], failed["manifest"]) == ("failed", None, None)
    assert "text file" in failed["failure"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["nothing/*.png"], "there are no pictures like nothing/*.png"),
        (["@nothing.txt"], "there is no file nothing.txt"),
        (["gone.png"], "there is no file gone.png"),
        (["photos", "--pairwise"], "expected as many styles as pictures to pair them, got 1 and 2"),
        (["photos", "--metric", "gran"], "did you mean 'gram'"),
        (["photos", "--lanes", 0], "Invalid value for '--lanes'"),
        ([], "Missing argument 'CONTENT...'"),
    ],
)
def test_where_nothing_can_run_it_is_an_error(photos, monkeypatch, capsys, more, message):
    monkeypatch.chdir(photos.parent)
    assert batch(photos, *more) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("jaxstyle: error: ")
    assert message in err[-1]
    assert not (photos.parent / "out").exists()


class TestStyles:
    def test_one_stands_after_the_content_and_more_are_named(self, caplog):
        assert chosen_styles("a", ["b"], []) == ("b",)
        assert chosen_styles("a", [], ["b"]) == ("b",)
        assert chosen_styles("a", [], ["b", "c"]) == ("b", "c")
        assert not caplog.messages

    def test_several_after_the_content_are_warned_of(self, caplog):
        assert chosen_styles("a", ["b 1", "c"], []) == ("b 1", "c")
        (line,) = caplog.messages
        assert "write --style 'b 1' --style c. For several pictures:" in line
        assert shlex.split(line)[-7:] == ["batch", "a", "b 1", "--style", "c", "-o", "FOLDER"]

    @pytest.mark.parametrize("command", ["stylize", "grid"])
    def test_what_is_neither_is_refused(self, tmp_path, command, capsys):
        sweep = ["--sweep", "seed=1"] if command == "grid" else []
        assert (
            run(command, "a.jpg", "b.jpg", "--style", "c.jpg", "-o", tmp_path / "o.png", *sweep)
            == 2
        )
        err = capsys.readouterr().err
        assert "expected one content before --style, got a.jpg b.jpg" in err
        assert "jaxstyle batch a.jpg b.jpg --style c.jpg -o FOLDER" in err
        assert run(command, "a.jpg", "-o", tmp_path / "o.png", *sweep) == 2
        assert "Missing argument 'STYLE' (or '--style')" in capsys.readouterr().err

    def test_named_styles_make_the_picture_that_several_made(self, tmp_path, capsys):
        write_pictures(tmp_path)
        content, *styles = (tmp_path / f"{n}.png" for n in ("content", "style", "other"))
        flags = words("stylize", tmp_path, "unused", **SMALL)[5:]
        positional = [content, *styles, "-o", tmp_path / "one.png"]
        named = [content, *(w for s in styles for w in ("--style", s)), "-o", tmp_path / "two.png"]
        assert run("stylize", *positional, *flags) == 0
        assert "are taken as styles of one picture" in capsys.readouterr().err
        assert run("stylize", *named, *flags) == 0
        assert "are taken as styles" not in capsys.readouterr().err
        assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_help_says_what_a_content_is():
    text = CliRunner().invoke(command_line.commands, ["batch", "--help"]).output
    assert "CONTENT is a picture file, a folder, a glob" in text
    assert "--skip-existing" in text


def test_what_is_left_out_is_said_once(photos, capsys):
    write_manifest(photos / "b.png")
    assert batch(photos, photos) == 0
    assert capsys.readouterr().err.count("left out: jaxstyle made them") == 1
