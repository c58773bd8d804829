"""Films: frames follow one another as the paper says, by one program, and resume to the same."""

from contextlib import closing
from dataclasses import replace
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.clips import PAN, panned
from support.small import ONE_LAYER, STYLE, compilations

from jaxstyle import FilmSettings, recipes, stylize, stylize_video
from jaxstyle.image.io import write_image
from jaxstyle.metrics.temporal import DISTANCES, temporal
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.whole import WholeStepper
from jaxstyle.video.flow import move
from jaxstyle.video.flow_sources import estimated
from jaxstyle.video.painter import Painter, spread

pytest.importorskip("cv2", reason="needs the extra video")
FRAMES = panned(5)
FEW = FilmSettings(frame_steps=2)
RANDOM = np.random.default_rng(1)
DEEPER = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_1",)}
"""Layers whose steps amplify rounding less, and paint more."""


def film(frames=FRAMES, settings=FEW, **more):
    return [*stylize_video(frames, STYLE, film=settings, **{**ONE_LAYER, **more})]


def painter_and_jobs(settings, frames=FRAMES):
    sources = Sources()
    jobs = [make_job(f, STYLE, recipes.settings(**ONE_LAYER), sources) for f in frames]
    return Painter(settings, estimated), jobs


def same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        assert {**a.facts, "seconds": 0} == {**b.facts, "seconds": 0}
        assert (a.number, a.seconds) == (b.number, b.seconds)


class TestTerm:
    @pytest.mark.parametrize("name", DISTANCES)
    def test_distance_by_its_formula(self, name):
        image, pictures = RANDOM.random((6, 7, 3)), RANDOM.random((2, 6, 7, 3))
        weights = RANDOM.random((2, 6, 7))
        total = 0.0
        for frame, weight in zip(pictures, weights, strict=True):
            apart = np.abs(image - frame)
            by_value = apart**2 if name == "squared" else np.sqrt(apart**2 + 1e-6) - 1e-3
            total += (weight[..., None] * by_value).sum() / (6 * 7 * 3)
        metric = temporal(name, 2)
        value = metric.distance(jnp.asarray(image), (jnp.asarray(pictures), jnp.asarray(weights)))
        assert float(value) == pytest.approx(total, rel=1e-5)
        gradient = jax.grad(metric.distance)(jnp.ones((6, 7, 3)), (jnp.ones((2, 6, 7, 3)), weights))
        assert np.isfinite(gradient).all()
        assert not np.asarray(gradient).any()

    def test_it_is_calibrated_and_its_target_is_given(self):
        painter, (job, _) = painter_and_jobs(FEW, FRAMES[:2])
        job = painter._job(job, None, None)
        stepper, constants = WholeStepper(job), JobConstants(job)
        usual = stepper.prepare(48, [constants.at])
        reference = (job.guide.content + job.guide.styles[0]) / 2
        term, scale = job.terms[-1].metric, usual.scales[-1][0]
        gradient = scale * jax.grad(term.distance)(jnp.asarray(reference), usual.targets[-1][0])
        assert float(jnp.sqrt(jnp.mean(gradient**2))) == pytest.approx(1, rel=1e-3)
        moved = np.zeros((1, *job.initial.shape), np.float32), np.ones((1, 40, 48), np.float32)
        given = replace(job, given_targets={len(job.terms) - 1: moved})
        prepared = WholeStepper(given).prepare(48, [constants.at])
        np.testing.assert_array_equal(prepared.targets[-1][0][0], moved[0])
        assert float(prepared.scales[-1][0]) == float(scale)

    def test_unknown_distance(self):
        with pytest.raises(ValueError, match="squared, absolute, got 'squard'; did you mean"):
            temporal("squard", 1)
        with pytest.raises(ValueError, match="temporal_metric to be squared or absolute"):
            FilmSettings(temporal_metric="squard")


class TestFrames:
    def test_the_first_is_a_picture(self):
        first = film(FRAMES[:1])[0].image
        alone = stylize(FRAMES[0], STYLE, **ONE_LAYER).image
        assert np.abs(first - alone).max() <= 0.5 / 255 + 1e-6

    def test_one_program_for_all_frames(self):
        frames = stylize_video(FRAMES, STYLE, film=FEW, **ONE_LAYER)
        next(frames)
        next(frames)
        with compilations() as compiled:
            assert len([*frames]) == 3
        assert not compiled

    def test_a_frame_starts_from_the_moved_one(self):
        painter, jobs = painter_and_jobs(replace(FEW, temporal_weight=0))
        first = painter.paint(painter.ready(jobs[0], 0, [None])).known
        moved = painter.moved(1, estimated_gray(jobs[1]), [first])
        job = painter._job(jobs[1], moved, None)
        start = job.initial[:40, :48]
        # What is at x now was at x + PAN; the last columns came in, and show the content.
        inner = start[4:-4, 4 : -4 - PAN]
        before = first.raw[4:-4, 4 + PAN : -4]
        assert np.abs(inner - before).mean() < 0.01
        assert moved.trusts[0].visible[:, : -PAN - 1].mean() > 0.95
        assert not moved.trusts[0].visible[:, -PAN + 1 :].any()
        # They are the content in the colors that paint has around them.
        content, painted = jobs[1].initial[:40, :48], start
        changes = (painted - content)[:, 40:46].mean((0, 1))
        np.testing.assert_allclose((painted - content)[:, -1].mean(0), changes, atol=0.06)
        assert [scale.steps for scale in job.scales] == [2]

    def test_known_values_are_spread(self):
        values = RANDOM.random((20, 30, 3)).astype(np.float32)
        is_known = np.ones((20, 30), bool)
        is_known[:, 20:] = False
        near = spread(values, is_known)
        # The definition, at one place near the edge: a mean by distance of what is known.
        rows, columns = np.indices((20, 30))
        weights = np.exp(-((rows - 10) ** 2 + (columns - 20) ** 2) / 2 / 1.0**2) * is_known
        expected = (weights[..., None] * values).sum((0, 1)) / weights.sum()
        np.testing.assert_allclose(near[10, 20], expected, atol=0.01)
        flat = np.full((20, 30, 3), 0.25, np.float32)
        np.testing.assert_allclose(spread(flat, is_known)[:, :26], 0.25, atol=1e-5)
        assert not spread(values, np.zeros((20, 30), bool)).any()

    def test_a_heavy_term_holds_what_is_visible(self):
        apart = []
        for weight in (0.0, 1e4):
            painter, jobs = painter_and_jobs(replace(FEW, temporal_weight=weight, frame_steps=4))
            first = painter.paint(painter.ready(jobs[0], 0, [None])).known
            second = painter.paint(painter.ready(jobs[1], 1, [first]))
            moved = painter.moved(1, second.known.gray, [first])
            inside = moved.trusts[0].weights > 0
            apart.append(np.abs(second.known.raw - moved.pictures[0])[inside].mean())
        assert apart[1] < apart[0] / 5

    def test_long_term_takes_each_pixel_from_the_nearest_frame(self):
        painter, jobs = painter_and_jobs(replace(FEW, distances=(1, 2)))
        known = []
        for number, job in enumerate(jobs[:3]):
            others = [known[number - d] if number >= d else None for d in (1, 2)]
            known.append(painter.paint(painter.ready(job, number, others)).known)
        moved = painter.moved(2, known[2].gray, [known[1], known[0]])
        job = painter._job(jobs[2], moved, None)
        # Without what pads them to their bucket.
        pictures, weights = (one[:, :40, :48] for one in job.given_targets[len(job.terms) - 1])
        assert weights.sum(0).max() <= 1
        nearest, farther = (one.weights for one in moved.trusts)
        np.testing.assert_array_equal(weights[0], nearest)
        np.testing.assert_array_equal(weights[1], np.maximum(farther - nearest, 0))
        backward, _ = estimated(2, known[2].gray, 0, known[0].gray)
        np.testing.assert_array_equal(pictures[1], move(known[0].raw, backward))

    def test_cuts_begin_anew(self):
        other = [frame[::-1, ::-1] for frame in panned(9)[6:]]
        frames = film([*FRAMES[:2], *other], **DEEPER)
        assert [frame.facts["cut"] for frame in frames] == [False, False, True, False, False]
        assert [frame.facts["steps"] for frame in frames] == [3, 2, 3, 2, 2]
        alone = film(other, **DEEPER)
        np.testing.assert_allclose(frames[2].image, alone[0].image, atol=1.01 / 255)

    def test_frame_by_frame(self):
        frames = film(settings=replace(FEW, warp=False))
        assert [frame.facts["steps"] for frame in frames] == [3] * 5

    def test_styles_that_change(self):
        inverse = 1 - STYLE
        styles = {"film": FEW, "blend": "mix", **ONE_LAYER}
        times = (0, 0.08)
        frames = [*stylize_video(FRAMES[:3], [STYLE, inverse], style_times=times, **styles)]
        alone = {"style_shares": (1, 1e-6), "blend": "mix", **ONE_LAYER}
        first = stylize(FRAMES[0], [STYLE, inverse], **alone).image
        assert np.abs(frames[0].image - first).max() < 0.01
        middle = frames[1].image.mean()
        assert not np.isclose(middle, frames[0].image.mean(), atol=1e-3)
        with pytest.raises(ValueError, match="a time for each of 2 styles, got 1"):
            stylize_video(FRAMES, [STYLE, inverse], style_times=(0,), **styles)
        with pytest.raises(ValueError, match="to ascend"):
            stylize_video(FRAMES, [STYLE, inverse], style_times=(1, 1), **styles)

    @pytest.mark.parametrize(
        "more",
        [
            {"metric": "gram", "optimizer": "adam", "learning_rate": 0.05},
            pytest.param(
                {"metric": "gram+relaxed_emd+patch=0.1", **DEEPER}, marks=pytest.mark.slow
            ),
        ],
        ids=lambda more: more["metric"],
    )
    def test_one_program_for_masks_that_move(self, tmp_path, more):
        for number in range(6):
            mask = np.zeros((40, 48, 3), np.float32)
            mask[:, 6 * number : 9 * number + 10] = number < 5  # of the last one nothing is left
            write_image(tmp_path / f"{number}.png", mask)
        frames = panned(6)
        settings = {**ONE_LAYER, **more, "content_mask": str(tmp_path)}
        painted = stylize_video(frames, STYLE, film=FEW, **settings)
        whole = [next(painted), next(painted)]
        with compilations() as compiled:
            whole += [*painted]
        assert len(whole) == 6
        assert not compiled
        for number, frame in enumerate(whole):
            apart = np.abs(frame.image - frames[number] / 255)
            assert (apart[:, 6 * number : 9 * number + 10].mean() > 0.02) == (number < 5)
            apart[:, max(0, 6 * number - 1) : 9 * number + 11 if number < 5 else 8] = 0
            assert apart.max() < 1e-6
        assert np.abs(whole[5].image - frames[5] / 255).max() < 1.01 / 255

    def test_unlike_frames(self):
        with pytest.raises(ValueError, match="frame 2 of the frames is 48 × 39, the first 48 × 40"):
            film([FRAMES[0], FRAMES[1][1:]])


def estimated_gray(job):
    from jaxstyle.video.flow import gray_of

    return gray_of(job.original)


class TestResume:
    @pytest.mark.parametrize(
        ("settings", "stops"),
        [
            (replace(FEW, distances=(1, 3)), (2, 7)),
            pytest.param(replace(FEW, distances=(1, 3)), (1, 4), marks=pytest.mark.slow),
            pytest.param(replace(FEW, passes=2), (1, 2, 4, 7), marks=pytest.mark.slow),
        ],
    )
    def test_to_the_same_frames(self, tmp_path, settings, stops):
        whole = film(settings=settings)
        count = 0

        def stop(progress):
            nonlocal count
            count += 1
            if count == stop_at:
                raise KeyboardInterrupt

        for stop_at in stops:
            count, folder = 0, tmp_path / str(stop_at)
            keep = {"folder": folder, "on_progress": stop}
            if stop_at <= 5 * settings.passes:
                with pytest.raises(KeyboardInterrupt):
                    film(settings=settings, **keep)
            same(film(settings=settings, folder=folder, resume=True), whole)
            # Nothing is painted again.
            count, stop_at = 0, 1
            same(film(settings=settings, folder=folder, resume=True, on_progress=stop), whole)

    def test_a_damaged_frame_is_painted_again(self, tmp_path):
        whole = film(folder=tmp_path / "a")
        path = tmp_path / "a" / "000004.npz"
        path.write_bytes(path.read_bytes()[:-100])
        same(film(folder=tmp_path / "a", resume=True), whole)

    def test_another_film(self, tmp_path):
        folder = tmp_path / "a"
        with closing(stylize_video(FRAMES, STYLE, film=FEW, folder=folder, **ONE_LAYER)) as frames:
            assert len([*islice(frames, 2)]) == 2
        with pytest.raises(ValueError, match=r"film with smoothness 0\.02, not 1\.0; leave out"):
            film(folder=folder, resume=True, smoothness=1)
        with pytest.raises(ValueError, match="film with frame_steps 2, not 3"):
            film(settings=FilmSettings(frame_steps=3), folder=folder, resume=True)
        with pytest.raises(ValueError, match="film with another content"):
            film(FRAMES[1:], folder=folder, resume=True)
        with pytest.raises(ValueError, match="another clip: frame 2 differs"):
            film([FRAMES[0], *FRAMES[2:]], folder=folder, resume=True)
        assert len(film(folder=folder)) == 5  # without resume it begins anew

    def test_little_is_kept(self, tmp_path):
        film(folder=tmp_path / "a")
        sizes = [p.stat().st_size for p in sorted((tmp_path / "a").glob("*.npz"))]
        assert max(sizes[:-2]) < sizes[-1] / 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"temporal_weight": -1},
        {"temporal_weight": float("nan")},
        {"distances": ()},
        {"distances": (2, 1)},
        {"distances": (0,)},
        {"frame_steps": 0},
        {"passes": 3},
        {"cut": 2},
        {"warp": False, "passes": 2},
    ],
)
def test_film_settings(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).rstrip("s")):
        FilmSettings(**wrong)
    usual = FilmSettings(distances=(1, 10))
    assert FilmSettings.from_plain(usual.to_plain()) == usual
