"""`jaxstyle texture`, from the command line to files."""

import json

import numpy as np
from PIL import Image
from support.small import STYLE, run

from jaxstyle.image.io import read_image, write_image

SMALL = ("--metric", "gram@relu1_1,pool1", "--steps", 2, "--scales", 1)


def samples_in(folder):
    write_image(folder / "wall.png", STYLE)
    return folder / "wall.png"


def test_a_tile_is_made_replayed_and_resumed(tmp_path, capsys):
    wall, out = samples_in(tmp_path), tmp_path / "tile.png"
    assert (
        run("texture", wall, "-o", out, "--size", "50x30", "--tile", "both", "--json", *SMALL) == 0
    )
    printed, said = capsys.readouterr()
    facts = json.loads(printed)
    # Sides in whole units, which is said.
    assert (facts["width"], facts["height"]) == (48, 32)
    assert "48 × 32, not 50 × 30" in said
    manifest = json.loads(out.with_suffix(".json").read_text())
    assert manifest["texture"] is True
    assert set(manifest["inputs"]) == {"style"}
    assert manifest["settings"]["tile"] == "both"
    assert run("replay", out.with_suffix(".json"), "-o", tmp_path / "again.png") == 0
    assert (tmp_path / "again.png").read_bytes() == out.read_bytes()
    assert (
        run("texture", wall, "-o", out, "--size", "50x30", "--tile", "both", "--resume", *SMALL)
        == 0
    )
    assert "already done" in capsys.readouterr().err
    assert run("stylize", "--continue", out, "-o", tmp_path / "more.png", "--steps", 1) == 2
    assert "is of a texture" in capsys.readouterr().err


def test_variations_differ_and_are_not_made_twice(tmp_path, capsys):
    wall, out = samples_in(tmp_path), tmp_path / "wall.webp"
    words = ("texture", wall, "-o", out, "--size", 32, "--variations", 2, "--json", *SMALL)
    assert run(*words) == 0
    made = json.loads(capsys.readouterr().out)["pictures"]
    assert [one["seed"] for one in made] == [0, 1]
    paths = [tmp_path / f"wall-{number}.webp" for number in (1, 2)]
    one, other = (np.asarray(Image.open(path), float) for path in paths)
    assert one.shape == (32, 32, 3)
    assert np.abs(one - other).mean() > 5
    before = [path.stat().st_mtime_ns for path in paths]
    assert run(*words) == 0
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert not [*tmp_path.glob("*.checkpoint")]


def test_a_material_has_its_maps(tmp_path):
    wall, out = samples_in(tmp_path), tmp_path / "tile.png"
    height = (STYLE[..., 0] * 65535).astype(np.uint16)
    Image.fromarray(height).save(tmp_path / "deep.png")
    # From the sample itself and without a step: the texture is the sample.
    words = ("texture", wall, "-o", out, "--size", "original", "--init", wall, "--steps", 0)
    assert run(*words, "--map", f"height={tmp_path / 'deep.png'}", "--scales", 1) == 0
    written = read_image(tmp_path / "tile-height.png")
    assert (tmp_path / "tile-height.png").read_bytes()[24] == 16
    np.testing.assert_allclose(written[..., 0], height / 65535, atol=1 / 256)
    assert run("replay", out.with_suffix(".json"), "-o", tmp_path / "again.png") == 0
    again = tmp_path / "again-height.png"
    assert again.read_bytes() == (tmp_path / "tile-height.png").read_bytes()
    # As a sample's, a map's file may have moved, and has to be the same.
    (tmp_path / "deep.png").rename(tmp_path / "moved.png")
    words = ("replay", tmp_path / "again.json", "-o", tmp_path / "more.png", "--input")
    assert run(*words, f"map#height={tmp_path / 'moved.png'}") == 0
    assert (tmp_path / "more-height.png").read_bytes() == again.read_bytes()
    assert run(*words, f"map#height={wall}") == 2


def test_what_a_texture_cannot_be_is_refused_in_one_line(tmp_path, capsys):
    wall, out = samples_in(tmp_path), tmp_path / "out.png"
    for words, message in (
        (("texture", "-o", out), "Missing argument 'SAMPLE'"),
        (("texture", wall, "-o", out, "--init", "content"), "which has no content, got content"),
        (("texture", wall, "-o", out, "--color", "luminance"), "got luminance"),
        (("texture", wall, "-o", out, "--metric", "neural_neighbor"), "neural_neighbor chooses"),
        (("texture", wall, "-o", "-", "--variations", 2), "expected a file as --output"),
        (("texture", wall, "-o", out, "--variations", 2, "--resume"), "the same command resumes"),
        (("texture", wall, "-o", wall), "would be overwritten"),
        (("texture", wall, "-o", out, "--map", wall), "expected a map as NAME=FILE"),
        (("texture", wall, wall, "-o", out, "--map", f"a={wall}"), "expected one sample"),
        (
            ("texture", wall, "-o", wall.with_stem("a"), "--map", f"b={wall.with_stem('a-b')}"),
            "over",
        ),
    ):
        assert run(*words) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("jaxstyle: error: ")
        assert message in error, error
    assert not out.exists()


def test_samples_by_label(tmp_path, capsys):
    wall, out = samples_in(tmp_path), tmp_path / "land.png"
    write_image(tmp_path / "dark.png", STYLE / 8)
    colors = np.zeros((20, 40, 3), np.uint8)
    colors[:, :20, 0] = colors[:, 20:, 1] = 255
    Image.fromarray(colors).save(tmp_path / "map.png")
    words = ("--regions", tmp_path / "map.png", "--region-style", f"#ff0000={wall}")
    more = ("--region-style", f"#00ff00={tmp_path / 'dark.png'}", "--size", 64)
    options = ("--metric", "gram@relu1_1,pool1", "--steps", 3, "--scales", 1)
    assert run("texture", "-o", out, *words, *more, *options) == 0
    land = np.asarray(Image.open(out), float) / 255
    assert land.shape == (32, 64, 3)
    light, dark = land[:, :28].mean(), land[:, 36:].mean()
    assert light > dark + 0.2
