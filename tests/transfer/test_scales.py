"""Sizes: scales from coarse to fine, and buckets that let pictures share programs."""

import numpy as np
import pytest
from support.small import CONTENT, LAYERS, compilations

import jaxstyle
from jaxstyle.image.geometry import bucket_of, crop_from_bucket, details, pad_to_bucket, resize
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.geometry import content_shape
from jaxstyle.transfer.loop import Loop
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.scales import Scale, plan
from jaxstyle.transfer.sources import Sources

RNG = np.random.default_rng(7)
LARGE = RNG.random((72, 96, 3), np.float32)


def test_scales_are_coarse_to_fine():
    assert [tuple(scale) for scale in plan(512, 4, 10)] == [
        (181, 28),
        (256, 20),
        (362, 14),
        (512, 10),
    ]
    assert [tuple(scale) for scale in plan(20, 5, 10)] == [(20, 10)]


def test_coarse_scales_have_at_most_so_many_steps():
    def steps(**given):
        return [scale.steps for scale in plan(448, None, factor=2, **given)]

    assert steps(steps=30, coarse_steps=100) == [100, 100, 57, 30]
    assert steps(steps=200, coarse_steps=100) == [200] * 4  # never fewer than at full size
    assert steps(steps=30, coarse_steps=0) == steps(steps=30) == [210, 110, 57, 30]


@pytest.mark.parametrize("size", [1, 63, 64, 90, 91, 256, 448, 700, 1000, 4096])
@pytest.mark.parametrize("factor", [2.0, 2**0.5])
def test_scales_lead_from_64_pixels_to_full_size(size, factor):
    sizes, steps = zip(*plan(size, None, 30, factor), strict=True)
    assert (sizes[-1], steps[-1]) == (size, 30)
    if size < 64 * factor**0.5:
        assert sizes == (size,)
    else:
        assert sizes[0] == 64
        assert np.ptp(np.divide(sizes[1:], sizes[:-1])) < 0.03
        assert factor**0.5 < (size / 64) ** (1 / (len(sizes) - 1)) < factor**1.5


def test_content_weight_grows_towards_coarse_scales():
    settings = {"size": 96, "scales": 1, "metric": "gram", "content_metric": "mse", **LAYERS}
    job = make_job(
        LARGE, CONTENT, jaxstyle.Settings(content_weight=3, content_decay=2, **settings), Sources()
    )
    weights = {
        (term.metric.kind, size): term.weight
        for size in (24, 48, 96)
        for term in job.terms_at(size)
    }
    same = {weight for (kind, _), weight in weights.items() if kind == "style"}
    assert len(same) == 1
    contents = [weights["content", size] for size in (24, 48, 96)]
    np.testing.assert_allclose(contents, [12, 6, 3], rtol=1e-6)


def test_steps_for_each_scale():
    def scales(factor):
        settings = {"size": 96, "scale_steps": (2, 1), "scale_factor": factor, **LAYERS}
        return make_job(LARGE, CONTENT, jaxstyle.Settings(**settings), Sources()).scales

    assert scales(1.5) == (Scale(64, 2), Scale(96, 1))
    with pytest.raises(ValueError, match="have only 1 of at least 64"):
        scales(2)


def test_the_rate_at_full_size():
    settings = {"size": 96, "scale_factor": 1.5, "final_rate": 0.5, "learning_rate": 2, **LAYERS}
    job = make_job(LARGE, CONTENT, jaxstyle.Settings(optimizer="adam", **settings), Sources())
    assert [job.rate_at(scale.size) for scale in job.scales] == [2, 0.5]
    again = {**settings, "final_rate": None}
    job = make_job(LARGE, CONTENT, jaxstyle.Settings(optimizer="adam", **again), Sources())
    assert [job.rate_at(scale.size) for scale in job.scales] == [2, 2]


def test_other_steps_at_full_size():
    assert plan(256, 3, 20, 2, coarse_steps=1, final_steps=50) == (
        *(Scale(64, 20), Scale(128, 20), Scale(256, 50)),
    )
    assert plan(256, 2, 20, 2, scale_steps=(3, 4), final_steps=50)[-1] == Scale(256, 4)
    assert [s.steps for s in plan(256, 3, 20, 2, coarse_steps=1, first_steps=50)] == [50, 20, 20]


@pytest.mark.parametrize("name", ["style_mean", "imagenet_mean"])
def test_flat_beginnings(name):
    job = make_job(LARGE, CONTENT, jaxstyle.Settings(size=96, init=name, **LAYERS), Sources())
    means = {"style_mean": job.guide.styles[0].mean((0, 1)), "imagenet_mean": [0.485, 0.458, 0.408]}
    np.testing.assert_allclose(job.initial - means[name], 0, atol=1e-3)
    assert job.initial.shape == job.guide.content.shape


def test_details_are_added_where_a_scale_begins_but_the_last():
    settings = {"size": 96, "scale_factor": 1.5, "steps": 1, "init": "style_mean", **LAYERS}
    settings["init_noise"] = 0.0  # or what is flat would get a trace of it

    def begins(**changes):
        job = make_job(LARGE, CONTENT, jaxstyle.Settings(**settings, **changes), Sources())
        loop = Loop([job], [None] * len(job.scales), [JobConstants(job)])
        shapes = [content_shape(job, scale.size) for scale in job.scales]
        pictures = [resize(job.initial, shape) for shape in shapes]
        return job, [loop._detailed(scale, [one])[0] for scale, one in enumerate(pictures)]

    _, plain = begins()
    job, sharpened = begins(details=True)
    assert len(plain) == 2
    shape = content_shape(job, job.scales[0].size)
    np.testing.assert_allclose(
        sharpened[0] - plain[0], details(resize(job.guide.content, shape)), atol=1e-6
    )
    np.testing.assert_array_equal(sharpened[1], plain[1])


@pytest.mark.parametrize("shape", [(37, 64), (64, 64), (1, 64), (64, 3)])
def test_a_picture_is_cropped_from_its_bucket_as_it_was(shape):
    picture = RNG.random((*shape, 3)).astype(np.float32)
    bucket = bucket_of(*shape)
    padded = pad_to_bucket(picture, bucket)
    assert padded.shape == (*bucket, 3)
    part = (shape[0] / bucket[0], shape[1] / bucket[1])
    np.testing.assert_array_equal(crop_from_bucket(padded, part), picture)


def test_another_shape_of_the_bucket_compiles_nothing():
    first, second = (RNG.random((*shape, 3)) for shape in ((52, 80), (55, 80)))
    settings = {"size": 80, "steps": 2, "scales": 1, "metric": "gram", **LAYERS}
    jaxstyle.stylize(first, LARGE, **settings)
    with compilations() as compiled:
        more = {"seed": 3, "content_weight": 0.5}
        result = jaxstyle.stylize(second, LARGE[2:, :94], **settings, **more)
        assert not compiled
        assert result.image.shape == (55, 80, 3)
        jaxstyle.plan(second[:40], LARGE, **settings)
        assert compiled  # the listener hears
