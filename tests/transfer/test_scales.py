"""Sizes: scales from coarse to fine, and buckets that let pictures share programs."""

import numpy as np
import pytest
from support.small import CONTENT, LAYERS, compilations

import jaxstyle
from jaxstyle.image.geometry import bucket_of, crop_from_bucket, pad_to_bucket
from jaxstyle.transfer.job import make_job
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


def test_content_weight_decays_with_size():
    settings = {"size": 96, "metric": "gram", "content_weight": 3, "content_decay": 2, **LAYERS}
    job = make_job(LARGE, CONTENT, jaxstyle.Settings(**settings), Sources())
    weights = {
        (term.metric.kind, size): term.weight
        for size in (64, 256, 512)
        for term in job.terms_at(size)
    }
    same = {weight for (kind, _), weight in weights.items() if kind == "style"}
    assert len(same) == 1
    contents = [weights["content", size] for size in (64, 256, 512)]
    np.testing.assert_allclose(contents, [12, 3, 1.5], rtol=1e-6)


def test_steps_for_each_scale():
    def scales(factor):
        settings = {"size": 96, "scale_steps": (2, 1), "scale_factor": factor, **LAYERS}
        return make_job(LARGE, CONTENT, jaxstyle.Settings(**settings), Sources()).scales

    assert scales(1.5) == (Scale(64, 2), Scale(96, 1))
    with pytest.raises(ValueError, match="have only 1 of at least 64"):
        scales(2)


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
