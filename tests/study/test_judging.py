"""Judges: the ends of their scales, and which of them an objective may be judged by."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxstyle.backbones.extractor import features
from jaxstyle.metrics import METRICS, find
from jaxstyle.objective.build import terms_from_settings
from jaxstyle.objective.judge import judge as judge_by
from jaxstyle.objective.objective import distances, prepare
from jaxstyle.objective.term import term
from jaxstyle.settings import Settings
from jaxstyle.study import judging
from jaxstyle.study.datasets import pictures, square
from jaxstyle.study.summary import summarize
from jaxstyle.weights.network_cache import NetworkCache

_Y, _X = np.mgrid[0:64, 0:64] / 64
CONTENTS = [
    np.stack([_X, _Y, (_X - 0.5) ** 2 + (_Y - 0.4) ** 2 < 0.06], -1).astype(np.float32),
    np.stack([_Y, _Y, np.abs(_X - _Y) < 0.2], -1).astype(np.float32),
]
STATISTICS = ("moments", "gram")
PAINT = ("brushwork", "paint_precision", "paint_coverage")


def texture(seed):
    """Return a sample of one texture: short colored strokes, everywhere alike."""
    noise = np.random.default_rng(seed).normal(size=(64, 64, 3))
    strokes = noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, 2, 1)
    colored = strokes @ [[1, 0.5, 0.2], [0.3, 1, 0.1], [0, 0.4, 1]]
    return (1 / (1 + np.exp(-colored))).astype(np.float32)


@pytest.fixture(scope="module")
def panel():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "STATISTICS", STATISTICS)
        patch.setattr(judging, "LIKENESSES", ("self_similarity", "edges"))
        judges = judging.default_judges(["alexnet"])
    return judging.JudgePanel(judges, CONTENTS, [texture(0), texture(1)])


@pytest.mark.slow
def test_the_ends_of_every_scale(panel):
    metrics = [judge.metric for judge in panel.judges]
    assert metrics == [*STATISTICS, "self_similarity", "edges", *PAINT]
    content = panel.scores(CONTENTS[0], 0, 0)
    np.testing.assert_allclose(content[:2], 1, rtol=1e-5)
    np.testing.assert_allclose(content[2:4], 0, atol=1e-5)
    np.testing.assert_allclose(content[4:], 1, rtol=1e-5)
    other = panel.scores(CONTENTS[1], 0, 0)
    np.testing.assert_allclose(other[2:4], 1, rtol=1e-5)
    style = panel.scores(texture(0), 0, 0)
    np.testing.assert_allclose(style[:2], 0, atol=1e-5)
    np.testing.assert_allclose(style[4:], 0, atol=1e-4)


def test_another_piece_of_the_same_painting_is_effective_to_zero(panel):
    """With halves that lie inside the whole, and are smaller, it was −0.5 and −0.2."""
    scores = [panel.scores(texture(10 + style), 0, style)[:2] for style in (0, 1)]
    np.testing.assert_allclose(np.mean(scores, 0), 0, atol=0.04)


@pytest.fixture(scope="module")
def paint():
    """Judges of paint alone, of two photographs, two paintings and a texture that repeats."""
    sets = pictures([f"sample:{name}" for name in ("lighthouse", "valley", "swirls", "mosaic")])
    squares = [square(named, 64).picture for named in sets]
    tiled = np.tile(texture(3)[:32, :32], (2, 2, 1))
    judges = [judge for judge in judging.default_judges() if judge.axis == "paint"]
    contents, styles = squares[:2], [*squares[2:], tiled]
    return judging.JudgePanel(judges, contents, styles), contents, styles


def test_paint_of_the_styles_own_patches_is_near_zero(paint):
    panel, _, styles = paint
    assert [judge.name for judge in panel.judges] == ["brushwork@alexnet", *PAINT[1:]]
    moved = np.roll(styles[2], (8, 16), (0, 1))  # the same patches, all of them, elsewhere
    np.testing.assert_allclose(panel.scores(moved, 0, 2), 0, atol=1e-3)
    for number in (0, 1):  # seams, which cross most patches of a quarter of 64 pixels
        quarters = np.roll(styles[number], (32, 32), (0, 1))
        assert (panel.scores(quarters, 0, number) < 0.5).all()


def test_what_moves_away_from_the_paint_scores_above_the_content(paint):
    panel, contents, styles = paint
    noise = 0.1 * np.random.default_rng(0).normal(size=contents[0].shape)
    for number, content in enumerate(contents):
        for style in (0, 1):
            np.testing.assert_allclose(panel.scores(content, number, style), 1, rtol=1e-5)
            grainy = np.clip(content + noise, 0, 1).astype(np.float32)
            brushwork, *of_patches = panel.scores(grainy, number, style)
            assert brushwork > 0.99  # it hardly sees fine grain
            assert min(of_patches) > 1.02
            closer = (content + styles[style]) / 2
            assert (panel.scores(closer, number, style) < 0.95).all()


@pytest.mark.parametrize("shape", [(64, 64, 3), (65, 67, 3)])
def test_halves_are_of_one_size_and_do_not_overlap(shape):
    numbered = np.arange(np.prod(shape)).reshape(shape)
    left, right, upper, lower = judging.halves(numbered)
    for half, opposite in ((left, right), (upper, lower)):
        assert half.shape == opposite.shape
        assert not set(half.ravel()) & set(opposite.ravel())


def test_what_a_judge_cannot_tell_apart_is_missing():
    assert np.isnan(judging.scaled(np.ones(2), np.ones(2), np.ones(2)))
    assert judging.scaled(np.array([1.0, 9.0]), np.array([0.0, 2.0]), np.array([4.0, 2.0])) == 0.25


GRAM = {"metric": (("gram", 1.0),)}


@pytest.fixture(scope="module")
def networks():
    return NetworkCache()


@pytest.mark.parametrize(
    ("judge", "settings", "used"),
    [
        (("effectiveness", "moments", "alexnet"), GRAM, False),
        (("effectiveness", "moments", "vgg16"), GRAM, True),
        (("effectiveness", "moments", "vgg19-normalized"), GRAM, True),
        (("effectiveness", "gram", "alexnet"), GRAM, True),
        (("effectiveness", "gram", "alexnet"), {"metric": "gram~softmax/3"}, True),
        (("effectiveness", "gram", "alexnet"), {"metric": "cross_layer_gram"}, True),
        (("effectiveness", "gram", "alexnet"), {"metric": "histogram"}, False),
        (("effectiveness", "moments", "alexnet"), {"metric": "gram+histogram"}, True),
        (("effectiveness", "sliced_wasserstein", "alexnet"), {"metric": "histogram"}, True),
        (("effectiveness", "moments", "alexnet"), GRAM | {"style_backbone": "alexnet"}, True),
        (
            ("effectiveness", "moments", "alexnet"),
            GRAM | {"style_layers": ("alexnet:relu2",)},
            True,
        ),
        (
            ("effectiveness", "moments", "alexnet"),
            GRAM | {"content_layers": ("alexnet:relu2",)},
            False,
        ),
        (
            ("coherence", "self_similarity", "alexnet"),
            GRAM | {"content_layers": ("alexnet:relu2",)},
            True,
        ),
        (
            ("effectiveness", "moments", "alexnet"),
            {"metric": (("gram", 1.0, ("alexnet:relu2",)),)},
            True,
        ),
        (
            ("effectiveness", "moments", "alexnet"),
            {"metric": "gram@alexnet/max/zeros:relu2"},
            True,
        ),
        (("effectiveness", "gram", "alexnet"), {"metric": find("gram", "style")}, True),
        (
            ("effectiveness", "moments", "alexnet"),
            {"metric": term("gram", layers=["alexnet:relu2"])},
            True,
        ),
        (("coherence", "lpips", "alexnet"), {}, False),
        (("coherence", "self_similarity", "vgg16"), {}, True),
        (("coherence", "edges", ""), {"content_metric": (("edges", 1.0),)}, True),
        (("paint", "brushwork", "alexnet"), GRAM, False),
        (("paint", "paint_precision", ""), GRAM, False),
        (("paint", "brushwork", "alexnet"), {"metric": "brushwork"}, True),
        (("paint", "paint_precision", ""), {"metric": "brushwork"}, False),
        (("paint", "paint_coverage", ""), {"metric": "brushwork"}, False),
        (("paint", "brushwork", "alexnet"), {"metric": "gram+paint_coverage"}, True),
        (("paint", "paint_precision", ""), {"metric": "gram+paint_coverage"}, True),
        (("paint", "paint_coverage", ""), {"metric": "paint_precision"}, True),
        (("paint", "brushwork", "alexnet"), {"metric": "nearest_neighbor@alexnet:relu1"}, True),
        (("paint", "brushwork", "alexnet"), {"content_metric": "lpips"}, False),
        (("effectiveness", "moments", "alexnet"), {"metric": "brushwork"}, True),
        (("effectiveness", "moments", "vgg16"), {"metric": "brushwork"}, False),
        (("effectiveness", "moments", "alexnet"), {"metric": "paint_precision"}, False),
    ],
)
def test_which_judges_an_objective_uses(networks, judge, settings, used):
    terms = terms_from_settings(Settings(**settings), networks)
    assert judging.StudyJudge(*judge).is_used(terms) is used


def test_judges_by_name():
    paint = ["brushwork@alexnet", *PAINT[1:]]
    assert judging.judges_of("alexnet") == judging.default_judges(["alexnet"])
    names = ["edges", "lpips", "mse@vgg16", "energy@resnet18"]
    judges = judging.judges_of(names)
    expected = ["energy@resnet18", "edges", "lpips@alexnet", "mse@vgg16", *paint]
    assert [judge.name for judge in judges] == expected
    both = judging.judges_of(["alexnet", "energy@resnet18", "energy@alexnet", "brushwork"])
    assert {*both} == {*judging.default_judges(["alexnet"]), judges[0]}
    assert len(both) == len({*both})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("energy", "such as energy@alexnet"),
        ("enrgy@alexnet", "energy"),
        ("lpips@vgg16", "lpips without a network"),
        ("ms_ssim@alexnet", "ms_ssim without a network"),
        ("total_variation", "compares with a style or a content"),
    ],
)
def test_what_does_not_judge(name, message):
    with pytest.raises(ValueError, match=message):
        judging.judges_of([name])


def test_an_objective_is_not_judged_by_kin():
    """A judge that an objective pleases as its own counts neither for it nor against it."""
    judges = judging.default_judges(["alexnet"])
    held_out = {
        name: {j.metric for j in judges if not j.is_kin([name], ["vgg16"])}
        for name in METRICS["style"]
    }
    assert not held_out["histogram"] & {"moments", "sliced_wasserstein"}
    assert not held_out["mmd"] & {"energy", "sliced_wasserstein"}
    for name, left in held_out.items():  # everything can be judged, and by several
        assert len(left.intersection(judging.STATISTICS)) >= 2, name


def test_two_objectives_are_compared_by_the_same_judges():
    judges = judging.default_judges(["alexnet"])[:4]
    objectives = {"gram": ["gram"], "cross_layer_gram+histogram": ["cross_layer_gram", "histogram"]}
    random = np.random.default_rng(0)
    study = {
        "contents": [{}] * 5,
        "styles": [{"name": str(k)} for k in range(5)],
        "judges": [judge._asdict() | {"name": judge.name} for judge in judges]
        + [{"name": "edges", "axis": "coherence"}],
        "objectives": [
            {"name": name, "kind": "mixture" if "+" in name else "single", "count": len(metrics)}
            for name, metrics in objectives.items()
        ],
        "held_out": [
            [not judge.is_kin(metrics, ["vgg16"]) for judge in judges] + [True]
            for metrics in objectives.values()
        ],
        "scores": random.normal(size=(2, 25, 5)),
    }
    (against,) = summarize(study)["against"]
    common = [1, 3]  # neither moments nor sliced_wasserstein
    single, mixed = study["scores"]
    gain = (single - mixed)[:, common].mean()
    assert against["judges"] == 3
    assert against["effectiveness_gain"]["mean"] == pytest.approx(gain)


LAYERS = ("relu1_1", "relu3_1", "relu5_1")
SIDE = 16  # positions of a layer; more of them make metrics of pairs slow


@pytest.fixture(scope="module")
def gradients(networks):
    """Return a function: a metric's gradients with respect to features, on the way to a style."""
    sets = pictures(["sample:valley", "sample:swirls"])
    content, style = (jnp.asarray(square(named, 64).picture) for named in sets)
    params = networks.on_device("vgg16", LAYERS)
    extract = jax.jit(lambda image: features(params, image, LAYERS))

    def inside(image):
        middles = {}
        for layer, grid in extract(image).items():
            first, second = (max(0, (side - SIDE) // 2) for side in grid.shape[:2])
            middles[layer] = grid[first : first + SIDE, second : second + SIDE]
        return middles

    states, target = [inside(content), inside((content + style) / 2)], inside(style)

    def of(name):
        compared = term(name, layers=LAYERS, kind="style")
        objective = prepare(lambda _: target, [compared], style, style)

        def total(x):
            return jnp.sum(distances(lambda _: x, objective, style)[0])

        return [jax.grad(total)(state) for state in states]

    return of


def cosine(a, b):
    """Return the mean cosine of the gradients at each layer of each picture that has both."""
    pairs = [
        [np.asarray(of[layer], float).ravel() for of in both]
        for both in zip(a, b, strict=True)
        for layer in LAYERS
    ]
    # A layer of 4 × 4 positions has none 4 positions apart, which translated_gram compares.
    pairs = [(x, y) for x, y in pairs if x.any() and y.any()]
    return np.mean([x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in pairs])


@pytest.mark.long
def test_kin_are_metrics_with_parallel_gradients(gradients):
    """Cosines of one pair of pictures, so they are a little off those that the table is made of."""
    names = {name for name, metric in METRICS["style"].items() if metric.layers != ("image",)}
    # Kin of what they are on average; much of one draw's gradient is chance.
    names -= {"redrawn_sliced_wasserstein", "mmd_pairs"}
    measured = {name: gradients(name) for name in names}
    for judge in judging.STATISTICS:
        for name in names - {judge}:
            alike = cosine(measured[judge], measured[name])
            kin = name in judging.KIN[judge]
            assert kin or alike < 0.85, (judge, name, alike)
            assert not kin or alike > 0.65, (judge, name, alike)


@pytest.mark.slow
def test_kin_of_paint_are_metrics_that_lower_it(paint):
    """Brushwork leaves precision and coverage as they are; each of these lowers the other two."""
    panel, contents, styles = paint
    optimizer = optax.adam(0.02)
    left = []
    for metric in PAINT:
        gradient = jax.grad(judge_by(metric))
        picture = jnp.asarray(contents[0])
        state = optimizer.init(picture)
        for _ in range(15):
            update, state = optimizer.update(gradient(picture, styles[0]), state)
            picture = jnp.clip(picture + update, 0, 1)
        left.append(panel.scores(np.asarray(picture), 0, 0))
    brushwork, precision, coverage = left
    assert brushwork[0] < 0.6
    assert (brushwork[1:] > 0.92).all()
    assert (precision < 0.92).all()
    assert (coverage < 0.92).all()
    for metric in PAINT:
        lowered = {
            name
            for name, scores in zip(PAINT, left, strict=True)
            if scores[PAINT.index(metric)] < 0.92
        }
        assert lowered == {metric, *judging.KIN[metric]}
