"""The judges of a study, calibrated: every distance on a scale from 0 to 1.

Effectiveness: does the distribution of the result's features match the style's? 1 is the content
itself, 0 another piece of the same painting. With d(p), the mean over the style's four halves of
the distance from the opposite half of a picture p, the score of a picture at a layer is

    E = (d(picture) − d(style)) / (d(content) − d(style)),

and a judge's is the mean over its layers. Every distance is that of two halves of one size, and
none of them lies inside the other. The distance of two samples of one texture is above zero, the
more the fewer positions they have, and borders are a larger part of smaller pictures; both are the
same in all three terms and cancel, so that another sample of the style's texture scores 0 on
average. E is below 0 where the halves of the picture are closer to those of the painting than these
are to each other: the picture was optimized for this very painting.

Coherence: does the content survive? 0 is the content itself, 1 another content.

Paint: are the small patches of the result patches that the style has, and is all of the style's
paint used? 1 is the content itself, 0 nothing but the style's patches, all of them: the score is
d(picture) / d(content), with the distances of nearest patches (`jaxstyle.metrics.paint`) to the
whole style. Only a copy is at 0, and noise is above 1. A scale as that of effectiveness has no
length here: patches of 7 × 7 pixels hardly ever come twice, so that the halves of a painting are as
far from each other as many a photograph (at 96 to 192 pixels, for 12 pairs, they have half the
content's distance to one and a half times it). So results lie near 1, and small differences count.

Yeh & Forsyth, "Improving Style Transfer with Calibrated Metrics" (arXiv 1910.09447), put methods on
the first two axes. Deviations: theirs is one statistic each (a Gaussian divergence of PCA-reduced
features; the boundaries that a network finds); here are many, so that an objective can be
judged by those that it has not used. The third is ours (benchmarks/paint.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxstyle._util import arguments
from jaxstyle._util.programs import Program
from jaxstyle.image.geometry import Picture
from jaxstyle.metrics import METRICS, find
from jaxstyle.metrics.metric import IMAGE, Kind
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.judge import STYLE_JUDGES
from jaxstyle.objective.objective import Objective, distances, prepare
from jaxstyle.objective.term import Term, layers_of
from jaxstyle.specs import MetricSpec
from jaxstyle.study.statistics import AXES, Axis
from jaxstyle.weights.network_cache import NetworkCache

STATISTICS = ("moments", "gaussian_wasserstein", "sliced_wasserstein", "energy")
"""Metrics that compare distributions of features.

Of the distances that Deng et al. ("Perceptually aligned evaluation of style transfer", 2026, 34,608
votes on 864 pictures) held against people's choices, means and deviations were near them (rank
correlation 0.72 over all, a method left out), and Gram matrices were not (0.04 for style): they do
not judge. Neither do nearest neighbors of features: the halves of a painting are hardly nearer to
each other than a photograph is (at 192 pixels, `relaxed_emd` and `contextual` on AlexNet: 1.3 times
as far), so that their scale has no length. Nearest neighbors both ways are judged as paint.
"""
LIKENESSES = ("lpips", "ms_ssim", "self_similarity")
"""Metrics that compare contents: of these Deng et al. find 0.59 for LPIPS and 0.58 for MS-SSIM."""
PAINT = STYLE_JUDGES
"""Metrics that compare small patches."""
FIXED = {
    "lpips": "alexnet",
    "ms_ssim": "",
    "brushwork": "alexnet",
    "paint_precision": "",
    "paint_coverage": "",
}
"""The network of a metric that comes with its own, or has none."""
NETWORKS = ("vgg16", "alexnet")
KINDS: Mapping[Axis, Kind] = {"effectiveness": "style", "coherence": "content", "paint": "style"}
"""The terms of an objective that an axis is about."""
KIN: Mapping[str, frozenset[str]] = {
    metric: frozenset(kin.split())
    for metric, kin in {
        "moments": "histogram",
        "gram": "cross_layer_gram inter_layer_gram translated_gram shifted_gram "
        "euclidean mmd_linear mmd_polynomial",
        "gaussian_wasserstein": "iterated_gaussian_wasserstein sinkhorn",
        "sliced_wasserstein": "redrawn_sliced_wasserstein mmd mmd_pairs energy histogram",
        "energy": "mmd mmd_pairs sliced_wasserstein redrawn_sliced_wasserstein euclidean "
        "mmd_linear",
        "lpips": "lpips_vgg",
        "ms_ssim": "ssim",
        "brushwork": "paint_precision paint_coverage",
        "paint_precision": "paint_coverage",
        "paint_coverage": "paint_precision",
    }.items()
}
"""The metrics that are nearly a judge's own, by the judge's metric: what lowers them lowers it.

Those whose gradients with respect to the features of VGG16 have a cosine of at least 0.8 with the
judge's (benchmarks/kinship.md): the mean over five layers (relu1_1 to relu5_1), four pairs of
content and style at 96 pixels, and two pictures each, the content and the mean of both. The pairs
from 0.8 on: energy and mmd 0.96, moments and histogram 0.92, gram and shifted_gram 0.89, gram and
cross_layer_gram or inter_layer_gram 0.88, sliced_wasserstein and mmd 0.85, sliced_wasserstein and
energy, energy and euclidean, gram and euclidean or translated_gram 0.84; then gaussian_wasserstein
and sinkhorn, 0.78, which are kin too, and moments and sliced_wasserstein, 0.77, which are not.
Features after a ReLU have means above zero, so that all statistics of them are somewhat alike.
relaxed_emd is like none of them (0.61 at most, with neural_neighbor).

By definition: histogram is sliced_wasserstein along the channels, and lpips_vgg is lpips on another
network; iterated_gaussian_wasserstein and redrawn_sliced_wasserstein are those without the prefix,
mmd_pairs is mmd of few pairs, mmd_linear the square of euclidean, and inter_layer_gram and
translated_gram are Gram matrices of other pairs (correlation_chain is too, but no kin: 0.76). In
version 0.1 mmd_polynomial was gram, and mmd_linear
euclidean. The gradients of metrics of contents are far from parallel (at most 0.4, in pixels).

Neither are those of paint (at most 0.5, in pixels): kin are the metrics that lower a judge by
definition. Precision and coverage are the two directions of one similarity, and a patch that is the
style's has the style's strokes, though not conversely. Of the content's distances (96 pixels, two
pairs) 40 steps of Adam left, where they lowered paint_precision to 0.47, 0.85 of paint_coverage and
0.59 of brushwork; paint_coverage to 0.64, 0.86 of precision and 0.71 of brushwork; brushwork to
0.32, 0.97 of precision and 0.99 of coverage. Statistics of VGG16 left 0.9 of brushwork, its nearest
neighbors 0.85. color_histogram left 0.72 of brushwork and 0.84 of precision: it knows no stroke,
but the right colors are a part of the right paint, so it is no kin.
"""


class StudyJudge(NamedTuple):
    """A metric on a network, for one of the axes."""

    axis: Axis
    metric: str
    network: str

    @property
    def name(self) -> str:
        """`moments@alexnet`, or the metric alone."""
        return f"{self.metric}@{self.network}" if self.network else self.metric

    def is_used(self, terms: Sequence[Term]) -> bool:
        """Return whether the terms of an objective use this judge: see `is_kin`.

        Only terms on the judge's axis count: a style objective on VGG16 can be judged by AlexNet.
        """
        own = [term for term in terms if term.metric.kind == KINDS[self.axis]]
        return self.is_kin({term.metric.name for term in own}, networks_of(own))

    def is_kin(self, metrics: Collection[str], networks: Collection[str]) -> bool:
        """Return whether a metric or network is the judge's own, or its kin.

        Networks of one family are kin: VGGs of any depth and training, all ResNets.
        """
        kin = {self.metric, *KIN.get(self.metric, ())}
        family = _family(self.network)
        return not kin.isdisjoint(metrics) or any(_family(net) == family for net in networks)


def networks_of(terms: Sequence[Term]) -> set[str]:
    """Return the names of the networks whose features the terms compare.

    Also of those whose weights a metric of pixels has: `brushwork` compares AlexNet's first
    features.
    """
    names = [ref.backbone for ref in layers_of(terms)] + [term.metric.weights for term in terms]
    return {name for name in names if name}


def _family(network: str) -> str:
    """Return the letters that a network's name begins with; the name, if it has none."""
    return "".join(itertools.takewhile(str.isalpha, network)).lower() or network


def default_judges(networks: Sequence[str] = NETWORKS) -> tuple[StudyJudge, ...]:
    """Return all statistics and likenesses on each network, and the judges of paint."""
    style = [StudyJudge("effectiveness", metric, net) for net in networks for metric in STATISTICS]
    content = [
        StudyJudge("coherence", metric, net)
        for metric in LIKENESSES
        for net in ((FIXED[metric],) if metric in FIXED else networks)
    ]
    # Last, so that the judges of studies made before there was paint come first.
    return (*style, *content, *(StudyJudge("paint", metric, FIXED[metric]) for metric in PAINT))


def judges_of(names: str | Sequence[str]) -> tuple[StudyJudge, ...]:
    """Return judges by name, with those of paint.

    >>> [judge.name for judge in judges_of(["energy@resnet18", "lpips"])][:2]
    ['energy@resnet18', 'lpips@alexnet']

    Args:
        names: Networks, each for all of `STATISTICS` and `LIKENESSES`; single judges, such as
            `"energy@resnet18"`; or metrics that need no network, such as `"ms_ssim"`.

    Raises:
        ValueError: A metric does not exist, cannot judge, or needs a network.
    """
    names = arguments.names("judges", names)
    metrics = {metric for of_kind in METRICS.values() for metric in of_kind}
    networks = [name for name in names if "@" not in name and name not in metrics]
    single = [_single(name) for name in names if name not in networks]
    default = default_judges(networks)
    if not networks:
        default = tuple(judge for judge in default if judge.axis == "paint")
    judges = dict.fromkeys((*default, *single))
    return tuple(judge for axis in AXES for judge in judges if judge.axis == axis)


def _single(name: str) -> StudyJudge:
    """Return the judge that `METRIC@NETWORK`, or a metric alone, names."""
    text, _, network = name.partition("@")
    metric = find(text)
    if metric.kind == "image":
        raise ValueError(f"expected a judge that compares with a style or a content, got {name}")
    fixed = "" if metric.layers == IMAGE else metric.weights
    fixed = FIXED.get(text, fixed)
    if fixed is None and not network:
        raise ValueError(f"expected {name} with a network, such as {name}@alexnet")
    if fixed is not None and network not in ("", fixed):
        raise ValueError(f"expected {text} without a network, or with its own, got {name}")
    axis: Axis = "effectiveness" if metric.kind == "style" else "coherence"
    axis = "paint" if text in PAINT else axis
    return StudyJudge(axis, text, network if fixed is None else fixed)


Distances = tuple[Float[np.ndarray, "_layers"], ...]
"""For each judge the bare distance at each of its layers."""


class AxisJudges:
    """The judges of one axis; the features of a picture are computed once for all of them."""

    def __init__(self, judges: Sequence[StudyJudge], *, offline: bool = False) -> None:
        """Load the networks of the judges."""
        self.judges = tuple(judges)
        cache = NetworkCache(offline=offline)
        terms = tuple(
            build_term(
                MetricSpec(judge.metric),
                KINDS[judge.axis],
                cache,
                backbone=judge.network or NETWORKS[0],
            )
            for judge in judges
        )
        extract, self._params = extractor_for(terms, cache)
        self._targets = Program(lambda p, image: prepare(partial(extract, p), terms, image, image))
        self._distances = Program(lambda p, to, image: distances(partial(extract, p), to, image))

    def targets(self, reference: Picture) -> Objective:
        """Compute what the judges compare with, of a style or of a content."""
        targets: Objective = self._targets(self._params, jnp.asarray(reference))
        return targets

    def distances(self, picture: Picture, targets: Objective) -> Distances:
        """Measure how far a picture is from targets."""
        measured = self._distances(self._params, targets, jnp.asarray(picture))
        return tuple(np.asarray(distance, np.float64) for distance in measured)


class Effectiveness:
    """Judges of effectiveness: 0 is another piece of the style, 1 the content."""

    def __init__(
        self, judges: AxisJudges, contents: Sequence[Picture], styles: Sequence[Picture]
    ) -> None:
        """Measure the ends of the scale for each pair."""
        self._judges = judges
        self._halves = [[judges.targets(half) for half in halves(style)] for style in styles]
        self._low = [self._distances(style, number) for number, style in enumerate(styles)]
        self._high = [
            [self._distances(content, number) for number in range(len(styles))]
            for content in contents
        ]

    def _distances(self, picture: Picture, style: int) -> Distances:
        """Compare the halves of a picture with the opposite halves of a style."""
        opposite = (self._halves[style][number] for number in (1, 0, 3, 2))
        return _mean(
            [
                self._judges.distances(half, target)
                for half, target in zip(halves(picture), opposite, strict=True)
            ]
        )

    def scores(self, picture: Picture, content: int, style: int) -> list[float]:
        """Return each judge's score of a picture of a content and a style, by their numbers."""
        ends = self._low[style], self._high[content][style]
        columns = zip(self._distances(picture, style), *ends, strict=True)
        return [scaled(*column) for column in columns]


class Coherence:
    """Judges of coherence: 0 is the content, 1 the mean of the other contents."""

    def __init__(
        self, judges: AxisJudges, contents: Sequence[Picture], styles: Sequence[Picture]
    ) -> None:
        """Measure the end of the scale for each content."""
        self._judges = judges
        self._contents = [judges.targets(content) for content in contents]
        self._high = [
            _mean([judges.distances(c, target) for k, c in enumerate(contents) if k != number])
            for number, target in enumerate(self._contents)
        ]

    def scores(self, picture: Picture, content: int, style: int) -> list[float]:
        """Return each judge's score of a picture of a content and a style, by their numbers."""
        measured = self._judges.distances(picture, self._contents[content])
        columns = zip(measured, self._high[content], strict=True)
        return [scaled(value, np.zeros_like(high), high) for value, high in columns]


class Paint:
    """Judges of paint: 0 is the style itself, 1 the content."""

    def __init__(
        self, judges: AxisJudges, contents: Sequence[Picture], styles: Sequence[Picture]
    ) -> None:
        """Measure the end of the scale for each pair."""
        self._judges, self._styles = judges, styles
        self._high = [
            [self._distances(content, number) for number in range(len(styles))]
            for content in contents
        ]

    def _distances(self, picture: Picture, style: int) -> Distances:
        """Compare a picture with a style, whose patches are too large to keep for all styles."""
        return self._judges.distances(picture, self._judges.targets(self._styles[style]))

    def scores(self, picture: Picture, content: int, style: int) -> list[float]:
        """Return each judge's score of a picture of a content and a style, by their numbers."""
        columns = zip(self._distances(picture, style), self._high[content][style], strict=True)
        return [scaled(value, np.zeros_like(high), high) for value, high in columns]


CALIBRATED: Mapping[Axis, type[Effectiveness | Coherence | Paint]] = {
    "effectiveness": Effectiveness,
    "coherence": Coherence,
    "paint": Paint,
}


class JudgePanel:
    """All judges, axis by axis, calibrated on a study's contents and styles."""

    def __init__(
        self,
        judges: Sequence[StudyJudge],
        contents: Sequence[Picture],
        styles: Sequence[Picture],
        *,
        offline: bool = False,
    ) -> None:
        """Calibrate the judges of all axes, on at least two contents; all pictures of one shape."""
        grouped = [(axis, [judge for judge in judges if judge.axis == axis]) for axis in CALIBRATED]
        grouped = [(axis, group) for axis, group in grouped if group]
        self.judges = tuple(judge for _, group in grouped for judge in group)
        self._axes = [
            CALIBRATED[axis](AxisJudges(group, offline=offline), contents, styles)
            for axis, group in grouped
        ]

    def scores(
        self, picture: Float[np.ndarray, "h w 3"], content: int, style: int
    ) -> Float[np.ndarray, " judges"]:
        """Return each judge's score of a picture of a content and a style, by their numbers.

        The mean over the judge's layers, in the order of `judges`; NaN where a judge cannot tell
        the content from the style. The picture has its content's shape.
        """
        return np.concatenate([axis.scores(picture, content, style) for axis in self._axes])


def _mean(measured: Sequence[Distances]) -> Distances:
    """Average each judge's distances."""
    return tuple(np.mean(columns, axis=0) for columns in zip(*measured, strict=True))


def halves(picture: Picture) -> tuple[Picture, Picture, Picture, Picture]:
    """Return the left, right, upper and lower half; of an odd side without the middle."""
    rows, columns = (side // 2 for side in picture.shape[:2])
    return picture[:, :columns], picture[:, -columns:], picture[:rows], picture[-rows:]


def scaled(
    values: Float[np.ndarray, _layers],
    low: Float[np.ndarray, _layers],
    high: Float[np.ndarray, _layers],
) -> float:
    """Return the mean of (value − low) / (high − low) over layers where `high` is well above `low`.

    >>> scaled(np.array([1.0, 3.0]), np.array([0.0, 3.0]), np.array([2.0, 3.0]))
    0.5
    """
    usable = high > 1.5 * low + 1e-12
    if not usable.any():
        return float("nan")
    return float(np.mean((values - low)[usable] / (high - low)[usable]))
