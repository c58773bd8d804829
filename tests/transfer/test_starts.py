"""Where a run starts: words that are no files, proportions, and starts in which all is alike."""

import json
import logging

import numpy as np
import pytest
from support.small import CONTENT, OTHER, SMALL, STYLE, run, words, write_pictures

import jaxstyle
from jaxstyle.image.io import write_image
from jaxstyle.specs import INITS
from jaxstyle.transfer.job import resolved_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

SETTINGS = {**SMALL, "steps": 1}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder; in it a picture is named after each word."""
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path)
    for word in INITS:
        write_image(tmp_path / "named.png", OTHER)
        (tmp_path / "named.png").rename(tmp_path / word)
    return tmp_path


def job_of(**settings):
    return make_job(CONTENT, STYLE, jaxstyle.Settings(**SETTINGS | settings), Sources())


class TestWords:
    @pytest.mark.parametrize("word", [word for word in INITS if word != "adain"])
    def test_are_no_files(self, folder, word):
        job = job_of(init=word)
        assert "init" not in job.inputs
        start = make_job(OTHER, STYLE, jaxstyle.Settings(**SETTINGS), Sources()).initial
        assert not np.array_equal(job.initial, start)

    @pytest.mark.parametrize("word", INITS)
    def test_with_a_folder_are_files(self, folder, word):
        job = job_of(init=f"./{word}")
        assert job.inputs["init"]["path"] == word
        start = make_job(OTHER, STYLE, jaxstyle.Settings(**SETTINGS), Sources()).initial
        np.testing.assert_array_equal(job.initial, start)

    @pytest.mark.parametrize("init", ["noise", "./noise"])
    def test_a_replay_starts_from_the_same(self, folder, init):
        result = jaxstyle.stylize("content.png", "style.png", init=init, **SETTINGS)
        result.save("a.png")
        again = jaxstyle.replay("a.json")
        assert again.image.tobytes() == result.image.tobytes()
        assert ("init" in again.inputs) == (init != "noise")

    def test_an_older_manifest_that_lists_the_file_started_from_the_word(self, folder):
        result = jaxstyle.stylize("content.png", "style.png", init="noise", **SETTINGS)
        run_ = result.save("a.png").with_suffix(".json")
        facts = json.loads(run_.read_text())
        facts["inputs"]["init"] = {"path": "noise", "sha256": "0" * 64}
        run_.write_text(json.dumps(facts))
        assert jaxstyle.replay(run_).image.tobytes() == result.image.tobytes()
        with pytest.raises(ValueError, match="no input 'init' among content, style"):
            jaxstyle.replay(run_, inputs={"init": "noise"})

    def test_a_file_that_is_named_like_a_sample(self, folder):
        (folder / "content.png").rename(folder / "sample:valley")
        expected = jaxstyle.stylize(CONTENT, "style.png", **SETTINGS)
        line = words("stylize", folder, folder / "a.png", "--quiet", steps=1)
        line[1] = "./sample:valley"
        assert run(*line) == 0
        result = jaxstyle.replay("a.json")
        assert result.inputs["content"]["path"] == "sample:valley"
        assert result.image.tobytes() == expected.image.tobytes()

    @pytest.mark.parametrize("word", ["Noise", "nosie", "NOISE"])
    def test_misspelt_are_refused(self, folder, word):
        with pytest.raises(ValueError, match=r"expected init to be .* did you mean 'noise'\?$"):
            job_of(init=word)


class TestProportions:
    @pytest.mark.parametrize(
        ("shape", "is_stretched"),
        [
            ((40, 48), False),
            ((20, 24), False),
            ((41, 48), False),
            ((40, 40), True),
            ((9, 48), True),
        ],
    )
    def test_others_than_the_contents_are_said(self, caplog, shape, is_stretched):
        job = job_of(init=np.full((*shape, 3), 0.5, np.float32))
        assert job.initial.shape == job.guide.content.shape
        warnings = [line for line in caplog.messages if "is stretched" in line]
        assert len(warnings) == is_stretched
        if is_stretched:
            assert f"it is {shape[1]} × {shape[0]} pixels" in warnings[0]
            assert "the content 48 × 40" in warnings[0]


def repetition(image, shifts=(4, 8, 16)):
    """Return how much a picture is like itself some pixels further: 1 is wallpaper."""
    gray = image.mean(2)[8:-8, 8:-8]
    gray = gray - gray.mean()
    pairs = [(gray[s:], gray[:-s]) for s in shifts] + [(gray[:, s:], gray[:, :-s]) for s in shifts]
    return max(float((one * other).mean() / gray.var()) for one, other in pairs)


class TestFlatStarts:
    FLAT = np.full((64, 64, 3), 0.5, np.float32)

    @pytest.mark.slow
    def test_make_no_wallpaper(self, caplog):
        caplog.set_level(logging.INFO)
        layers = {"style_layers": ("relu1_1", "relu2_1", "relu3_1"), "content_layers": ("relu2_1",)}
        settings = {**SMALL, **layers, "size": 64, "steps": 12}
        result = jaxstyle.stylize(self.FLAT, "sample:swirls", **settings)
        print(repetition(result.image))
        assert repetition(result.image) < 0.4
        assert any("a trace of noise is added" in line for line in caplog.messages)
        assert result.facts["settings"]["init_noise"] > 0

    @pytest.mark.parametrize(
        ("content", "settings"),
        [
            (np.full((40, 48, 3), 0.3), {}),
            (CONTENT, {"init": "style_mean"}),
            (CONTENT, {"init": np.full((40, 48, 3), 0.7)}),
            (np.full((40, 48, 3), 0.3), {"details": True}),
            (0.3 + 0.001 * CONTENT, {}),
        ],
    )
    def test_get_noise_that_the_seed_draws(self, content, settings):
        one, same, other = (
            make_job(
                content, STYLE, jaxstyle.Settings(**SETTINGS, **settings, seed=seed), Sources()
            )
            for seed in (1, 1, 2)
        )
        assert one.uses_seed
        assert 0 < one.initial.std() < 0.01
        np.testing.assert_array_equal(one.initial, same.initial)
        assert not np.array_equal(one.initial, other.initial)
        assert resolved_settings(one)["init_noise"] == one.settings.init_noise > 0

    @pytest.mark.parametrize(
        ("content", "settings"),
        [
            (CONTENT, {}),
            (CONTENT, {"init": "style_mean", "details": True}),
            (np.full((40, 48, 3), 0.3), {"init_noise": 0.0}),
            (0.3 + 0.05 * CONTENT, {}),
        ],
    )
    def test_others_stay_as_they_are(self, content, settings):
        settings = jaxstyle.Settings(**SETTINGS, **settings)
        job = make_job(content, STYLE, settings, Sources())
        recorded = make_job(content, STYLE, settings, Sources(), as_recorded=True)
        np.testing.assert_array_equal(job.initial, recorded.initial)
        assert job.settings.init_noise == settings.init_noise

    def test_given_noise_depends_on_the_seed(self):
        assert job_of(init_noise=0.1).uses_seed
        assert not job_of().uses_seed
        assert not job_of(init=np.asarray(OTHER)).uses_seed

    @pytest.mark.bytes
    def test_a_replay_starts_as_its_run_did(self, tmp_path):
        write_pictures(tmp_path)
        write_image(tmp_path / "flat.png", np.full((40, 48, 3), 0.5))
        result = jaxstyle.stylize(tmp_path / "flat.png", tmp_path / "style.png", **SETTINGS)
        run_ = result.save(tmp_path / "a.png").with_suffix(".json")
        assert jaxstyle.replay(run_).image.tobytes() == result.image.tobytes()
        facts = json.loads(run_.read_text())
        facts["settings"]["init_noise"] = None  # as before there was any
        run_.write_text(json.dumps(facts))
        plain = {**SETTINGS, "init_noise": 0.0}
        before = jaxstyle.stylize(tmp_path / "flat.png", tmp_path / "style.png", **plain)
        assert jaxstyle.replay(run_).image.tobytes() == before.image.tobytes()
