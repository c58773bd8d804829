"""`stylize` and `iterate`, and the command `stylize`."""

import io
import json
import re
from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image
from support.small import CONTENT, OTHER, PIXELS, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.image.io import read_image, read_settings
from jaxstyle.transfer import manifest
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers import whole
from jaxstyle.transfer.stylize import iterate_job


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def result():
    return jaxstyle.stylize(CONTENT, STYLE, **SMALL)


@pytest.fixture
def after_every_step(monkeypatch):
    """The host looks after every step."""
    monkeypatch.setattr(whole, "CHUNK", 1)


def test_a_run_lowers_the_loss(result):
    assert result.finite
    assert result.image.shape == (40, 48, 3)
    assert result.history["total"][-1] < 0.9 * result.history["total"][0]
    assert {name: len(losses) for name, losses in result.history.items()} == dict.fromkeys(
        ("total", "gram", "mse", "total_variation"), 3
    )


@pytest.mark.bytes
def test_a_run_repeats_to_the_byte(result):
    assert jaxstyle.stylize(CONTENT, STYLE, **SMALL).image.tobytes() == result.image.tobytes()


class TestResult:
    def test_is_one_line(self, result):
        pattern = r"<Result 48 × 40, 3 steps, loss [\d.]+, \d+ s>"
        assert re.fullmatch(pattern, repr(result))
        assert repr(replace(result, failure="stopped")).endswith(", stopped>")
        empty = {name: [] for name in result.history}
        assert repr(replace(result, history=empty, facts={})) == "<Result 48 × 40, 0 steps>"

    def test_shows_itself(self, result):
        with Image.open(io.BytesIO(result._repr_png_())) as shown:
            assert shown.format == "PNG"
            np.testing.assert_array_equal(shown, np.round(result.image * 255))

    def test_saves_itself(self, result, tmp_path):
        assert result.save(str(tmp_path / "a.webp")) == tmp_path / "a.webp"
        facts = manifest.read(tmp_path / "a.json")
        assert facts["history"] == result.history
        assert facts["picture"]["name"] == "a.webp"
        with pytest.raises(ValueError, match=r"belongs to a\.webp"):
            result.save(tmp_path / "a.png")
        with pytest.raises(ValueError, match="expected a file name ending in"):
            result.save(tmp_path / "b.txt")
        (tmp_path / "package.json").write_text('{"name": "mine"}')
        with pytest.raises(ValueError, match="not a jaxstyle manifest"):
            result.save(tmp_path / "package.png")
        assert {path.name for path in tmp_path.iterdir()} == {"a.webp", "a.json", "package.json"}


class TestIterate:
    def test_gives_what_on_progress_gets(self, result, after_every_step):
        reported = []
        jaxstyle.stylize(CONTENT, STYLE, on_progress=reported.append, **SMALL)
        *progresses, last = jaxstyle.iterate(CONTENT, STYLE, **SMALL)
        assert [progress.step for progress in reported] == [1, 2, 3]

        def timeless(progress):
            fixed = replace(progress, seconds=0, rate=0, seconds_left=0, image=None)
            return fixed, progress.image.tobytes()

        assert list(map(timeless, progresses)) == list(map(timeless, reported))
        assert all(progress.result is None for progress in (*progresses, *reported))
        assert last.result.image.tobytes() == result.image.tobytes()
        assert last.image is last.result.image
        assert last.result.history == result.history
        assert (last.step, last.steps, last.share) == (3, 3, 1)

    @pytest.mark.bytes
    def test_is_cancelled_by_closing_it(self, result, tmp_path, after_every_step, caplog):
        picture = tmp_path / "a.png"
        kept = {"checkpoint": picture, "checkpoint_seconds": 1e9}
        progresses = jaxstyle.iterate(CONTENT, STYLE, **kept, **SMALL)
        assert next(progresses).step == 1
        assert not list(tmp_path.iterdir())
        progresses.close()
        assert [path.name for path in tmp_path.iterdir()] == ["a.png.checkpoint"]
        caplog.set_level("INFO")
        *others, last = jaxstyle.iterate(CONTENT, STYLE, resume=True, **kept, **SMALL)
        assert "resuming after step 1 of 3" in caplog.messages
        assert [progress.step for progress in others] == [2, 3]
        assert last.result.image.tobytes() == result.image.tobytes()
        assert last.result.history == result.history
        last.result.save(picture)
        assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a.json"}

    def test_complains_at_once(self):
        with pytest.raises(TypeError, match="did you mean 'steps'"):
            jaxstyle.iterate(CONTENT, STYLE, step=3)
        with pytest.raises(ValueError, match="expected a checkpoint to resume from"):
            jaxstyle.iterate(CONTENT, STYLE, resume=True, **SMALL)

    def test_without_steps_there_is_only_the_result(self):
        (only,) = jaxstyle.iterate(CONTENT, STYLE, **SMALL | {"steps": 0})
        assert (only.step, only.steps) == (0, 0)
        np.testing.assert_array_equal(only.result.image, CONTENT)


@pytest.mark.parametrize(("seconds", "steps"), [(None, [3, 4]), (0.0, [1, 2, 3, 4]), (1e9, [1, 4])])
def test_looks_by_the_clock(monkeypatch, seconds, steps):
    monkeypatch.setattr(whole, "CHUNK", 3)
    job = make_job(CONTENT, STYLE, jaxstyle.Settings(**SMALL | {"steps": 4}), Sources())
    *progresses, last = iterate_job(job, look_seconds=seconds)
    assert [progress.step for progress in progresses] == steps
    without = jaxstyle.stylize(CONTENT, STYLE, **SMALL | {"steps": 4})
    np.testing.assert_array_equal(last.result.image, without.image)


def test_progress_adds_up(after_every_step):
    reported = []
    result = jaxstyle.stylize(
        CONTENT,
        STYLE,
        on_progress=reported.append,
        regularizer="total_variation_power",
        parameter={"total_variation_power.beta": 1.0},
        **SMALL | {"content_weight": 0.5},
    )
    assert set(result.history) == {"total", "gram", "mse", "total_variation_power"}
    for progress in reported:
        assert sum(progress.parts.values()) == pytest.approx(progress.loss, rel=1e-5)
        assert progress.parts["mse"] == pytest.approx(0.5 * progress.terms["mse"])
    # The first steps compile, and say nothing of those to come.
    assert [progress.seconds_left is None for progress in reported] == [True, False, False]
    assert reported[-1].seconds_left == 0
    assert " s left" in str(reported[1])


@pytest.mark.parametrize("init", ["noise", "style", "file"])
def test_every_initial_picture(files, init):
    init = str(files / "other.png") if init == "file" else init
    result = jaxstyle.stylize(CONTENT, STYLE, init=init, **SMALL | {"steps": 0})
    assert result.finite
    assert result.image.shape == CONTENT.shape
    if init.endswith(".png"):
        np.testing.assert_array_equal(result.image, OTHER)
        assert result.inputs["init"]["path"] == init
    else:
        assert np.abs(result.image - CONTENT).mean() > 0.1


THIN = np.random.default_rng(0).random((14, 96, 3), np.float32)


def test_scales_too_coarse_for_a_thin_picture_are_left_out(caplog):
    caplog.set_level("INFO")
    settings = jaxstyle.Settings(size=96, scales=3, scale_factor=1.4, metric="relaxed_emd")
    job = make_job(THIN, THIN, settings, Sources())
    assert [scale.size for scale in job.scales] == [96]
    line = "scales of less than 96 pixels are left out: their short side would be under 16"
    assert line in caplog.messages
    with pytest.raises(ValueError, match="too small: 96 × 3 pixels at this size"):
        jaxstyle.stylize(THIN[:3], THIN, settings, steps=1)


@pytest.mark.slow
def test_a_thin_picture_has_the_deepest_layers():
    scales = {"size": 96, "steps": 1, "scales": 3, "scale_factor": 1.4}
    result = jaxstyle.stylize(THIN, THIN, metric="relaxed_emd", **scales)
    assert result.finite
    assert result.image.shape == (14, 96, 3)


def test_settings_and_pictures_are_checked():
    with pytest.raises(TypeError, match="did you mean 'steps'"):
        jaxstyle.stylize(np.zeros((8, 8, 3)), np.zeros((8, 8, 3)), step=3)
    with pytest.raises(ValueError, match=r"values in \[0, 1\]"):
        jaxstyle.stylize(np.full((8, 8, 3), 255.0), np.zeros((8, 8, 3)))
    with pytest.raises(ValueError, match="expected at least one style"):
        jaxstyle.stylize(CONTENT, [])


@pytest.mark.parametrize(
    "function",
    [
        jaxstyle.stylize,
        lambda content, style: jaxstyle.stylize(content, STYLE, **SMALL),
        lambda content, style: jaxstyle.stylize(CONTENT, [STYLE, style], **SMALL),
        lambda content, style: jaxstyle.stylize(CONTENT, STYLE, init=content, **SMALL),
        lambda content, style: next(jaxstyle.iterate(content, style)),
        lambda content, style: jaxstyle.stylize_grid(content, style, sweep={"seed": [0]}),
    ],
)
def test_a_traced_picture_gets_advice(function):
    with pytest.raises(TypeError, match=r"inside jit, grad or vmap use jaxstyle\.StyleLoss"):
        jax.jit(function)(CONTENT, STYLE)


def test_report_is_deprecated_and_works():
    lines = []
    with pytest.warns(DeprecationWarning, match="report= is deprecated") as warned:
        jaxstyle.stylize(CONTENT, STYLE, report=lines.append, **SMALL | {"steps": 0})
    assert warned[0].filename == __file__
    assert "no steps are taken: the picture is the initial one" in lines


@pytest.fixture(scope="module")
def out(files, tmp_path_factory):
    """A picture that the command has made, of a content that is larger than it."""
    out = tmp_path_factory.mktemp("command") / "out.png"
    large = out.with_name("large.png")
    Image.fromarray(PIXELS[0]).resize((60, 50)).save(large)
    command = words("stylize", files, out, "--quiet", "--frames", out.with_name("frames"))
    assert run("stylize", large, *command[2:]) == 0
    return out


class TestCommand:
    def test_makes_a_picture_and_its_manifest(self, files, out):
        assert read_image(out).shape == (40, 48, 3)
        facts = json.loads(out.with_suffix(".json").read_text())
        assert facts["history"]["total"][-1] < facts["history"]["total"][0]
        assert len(facts["history"]["gram"]) == 3
        assert facts["settings"]["steps"] == 3
        assert set(facts["inputs"]) == {"content", "style"}
        inside = json.loads(read_settings(out))
        assert inside["settings"] == facts["settings"]
        assert {path.name for path in out.parent.iterdir()} == {
            *("out.png", "out.json", "large.png", "frames")
        }

    def test_frames_and_manifests_of_another_run_are_left_alone(self, files, out, capsys):
        frames = out.with_name("frames")
        assert [path.name for path in frames.iterdir()] == ["00003.png"]
        again = words("stylize", files, out, "--frames", frames)
        again[1] = str(out.with_name("large.png"))
        assert run(*again, "--quiet") == 2
        assert "has the frames of another run" in capsys.readouterr().err
        assert run(*again, "--resume") == 0
        assert f"{out} is already done" in capsys.readouterr().err
        assert run(*words("stylize", files, out.with_suffix(".webp"), "--quiet")) == 2
        assert "out.json belongs to out.png" in capsys.readouterr().err

    def test_a_manifest_whose_picture_is_gone_may_be_replaced(self, out, tmp_path):
        (tmp_path / "out.json").write_bytes(out.with_suffix(".json").read_bytes())
        manifest.check(tmp_path / "out.webp")

    def test_a_run_that_diverges_keeps_the_last_good_picture(self, files, tmp_path, capsys):
        out = tmp_path / "out.png"
        wild = {"optimizer": "sgd", "style_weight": "1e38", "learning_rate": "1e30"}
        assert run(*words("stylize", files, out, "--quiet", **wild)) == 2
        err = capsys.readouterr().err
        assert re.search(r"stopped being finite at step \d", err)
        assert err.count("\n") == 1
        assert np.isfinite(read_image(out)).all()

    def test_nothing_of_the_users_is_overwritten(self, files, tmp_path, capsys):
        (tmp_path / "package.json").write_text('{"name": "mine"}')
        assert run(*words("stylize", files, tmp_path / "package.png")) == 2
        assert "not a jaxstyle manifest" in capsys.readouterr().err
        assert run(*words("stylize", files, files / "content.png")) == 2
        assert "would be overwritten" in capsys.readouterr().err

    def test_settings_are_called_by_their_flags(self, files, tmp_path, capsys):
        assert run(*words("stylize", files, tmp_path / "a.png", "--content-weight", "nan")) == 2
        assert "expected --content-weight to be" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("more", "line"),
        [
            (["--checkpoint-seconds", "nan"], "expected checkpoint_seconds to be at least 0"),
            (["--content", "x"], "No such option"),
            (["--steps", "-1"], "expected steps to be at least 0"),
            (["--style-weight", "nan"], "--style-weight"),
            (["--metric", "gran"], "did you mean 'gram'"),
            (["--metric", "mse"], "expected a metric of kind style"),
            (["--metric", "gram=x"], "expected NAME[~SMOOTHING]"),
            (["--style-layers", "relu9_1"], "has no layer 'relu9_1'"),
            (["--backbone", "vgg61"], "did you mean 'vgg1"),
            (["--optimizer", "adem"], "adam"),
            (["--init", "nowhere.png"], "there is no file nowhere.png"),
            (["--init", "adian"], "did you mean 'adain'"),
            (["--style-weight", "0", "--content-weight", "0", "--smoothness", "0"], "nothing to"),
            (["--bogus"], "No such option"),
        ],
    )
    def test_errors_are_one_line(self, files, tmp_path, capsys, more, line):
        assert run(*words("stylize", files, tmp_path / "out.png", "--quiet", *more)) == 2
        err = capsys.readouterr().err
        assert err.startswith("jaxstyle: error: ")
        assert line in err
        assert err.count("\n") == 1
        assert list(tmp_path.iterdir()) == []
