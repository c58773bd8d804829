"""Colors of a third picture, and of the style after the run."""

import numpy as np
import pytest
from support.small import CONTENT, OTHER, SMALL, run, words, write_pictures

import jaxstyle
from jaxstyle import recipes
from jaxstyle.image.io import read_image, write_image
from jaxstyle.transfer import manifest
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

STYLE = (0.1 + 0.3 * OTHER * (0.2, 0.6, 1.0)).astype(np.float32)  # dark and blue
PALETTE = (1 - 0.5 * CONTENT[::-1] * (0.3, 0.8, 1.0)).astype(np.float32)  # bright and red
PICTURES = {"content": CONTENT, "style": STYLE, "palette": PALETTE}


def distance(image, palette):
    """How far mean and covariance of the colors are from another picture's."""
    one, other = (picture.reshape(-1, 3).astype(np.float64) for picture in (image, palette))
    spread = np.linalg.norm(np.cov(one.T) - np.cov(other.T))
    return np.linalg.norm(one.mean(0) - other.mean(0)) + spread


def styles_of(**settings):
    chosen = jaxstyle.Settings(**SMALL | settings)
    return make_job(CONTENT, STYLE, chosen, Sources()).guide.styles[0][: STYLE.shape[0]]


@pytest.mark.parametrize("how", ["style", "match", "histogram", "covariance", "oklab"])
def test_the_style_gets_the_palettes_colors_before_the_run(how):
    before = distance(STYLE, PALETTE)
    assert distance(styles_of(color=how, color_from=PALETTE), PALETTE) < 0.15 * before


@pytest.mark.parametrize("how", ["luminance", "chroma"])
def test_the_contents_own_colors_and_others_exclude_each_other(how):
    with pytest.raises(ValueError, match="expected no color_from with color luminance or chroma"):
        jaxstyle.Settings(color=how, color_from="palette.png")


def test_the_result_has_the_palettes_colors_not_the_styles():
    settings = {**SMALL, "init": "style", "metric": "gaussian_wasserstein@image"}
    result = jaxstyle.stylize(CONTENT, STYLE, **settings, color_from=PALETTE).image
    assert distance(result, PALETTE) < 0.2 * distance(result, STYLE)


def test_match_moves_the_results_colors_at_the_end():
    settings = {**SMALL, "steps": 0, "color": "match"}
    assert distance(CONTENT, STYLE) > 0.3
    to_style = jaxstyle.stylize(CONTENT, STYLE, **settings).image
    assert distance(to_style, STYLE) < 0.02
    to_palette = jaxstyle.stylize(CONTENT, STYLE, **settings, color_from=PALETTE).image
    assert distance(to_palette, PALETTE) < 0.02
    shares = jaxstyle.stylize(CONTENT, [STYLE, PALETTE], **settings, style_shares=(3, 1)).image
    mean = 0.75 * STYLE.mean((0, 1)) + 0.25 * PALETTE.mean((0, 1))
    np.testing.assert_allclose(shares.mean((0, 1)), mean, atol=0.04)


def test_the_recipe_asks_no_network():
    settings = recipes.settings(recipe="colors", size="original")
    job = make_job(CONTENT, STYLE, settings, Sources())
    assert (job.terms, job.params, job.steps) == ((), {}, 0)
    result = jaxstyle.stylize(CONTENT, STYLE, recipe="colors")
    assert result.facts["weights"] == {}
    assert distance(result.image, STYLE) < 0.02
    with pytest.raises(ValueError, match="every weight is zero"):
        jaxstyle.stylize(CONTENT, STYLE, recipe="colors", steps=3)


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path)
    for name, picture in PICTURES.items():
        write_image(tmp_path / f"{name}.png", picture)
    return tmp_path


def test_the_file_is_an_input_of_the_run_and_of_its_replay(folder):
    out, palette = folder / "out.png", folder / "palette.png"
    more = ("--color-from", palette, "--color", "match")
    assert run(*words("stylize", folder, out, *more, steps=0)) == 0
    facts = manifest.read(out.with_suffix(".json"))
    assert facts["inputs"]["color_from"]["sha256"] == manifest.sha256(palette)
    moved = folder / "elsewhere" / "palette.png"
    moved.parent.mkdir()
    palette.rename(moved)
    again = ("-o", folder / "again.png", "--input", f"color_from={moved}")
    assert run("replay", out.with_suffix(".json"), *again) == 0
    assert (folder / "again.png").read_bytes() == out.read_bytes()
    write_image(moved, STYLE)
    assert run("replay", out.with_suffix(".json"), *again) == 2
    assert distance(read_image(out), PALETTE) < 0.02


def test_the_file_is_checked_and_not_written_over(folder, capsys):
    palette = folder / "palette.png"
    assert run(*words("stylize", folder, palette, "--color-from", palette, steps=0)) == 2
    assert "is read" in capsys.readouterr().err
    assert run(*words("stylize", folder, folder / "o.png", "--color-from", folder / "no.png")) == 2
    assert "no.png" in capsys.readouterr().err
