"""The judges of a study, calibrated: every distance on a scale from 0 to 1.

Effectiveness: does the distribution of the result's features match the style's? 1 is the content
itself, 0 another crop of the same painting (the mean of its four halves). Coherence: does the
content survive? 0 is the content itself, 1 another content.

Yeh & Forsyth, "Improving Style Transfer with Calibrated Metrics" (arXiv 1910.09447), put methods on
these two axes. Deviations: theirs is one statistic each (a Gaussian divergence of PCA-reduced
features; the boundaries that a network finds); here are many, so that an objective can be
judged by those that it has not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture
from jaxstyle.metrics.metric import Kind
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.objective import Objective, distances, prepare
from jaxstyle.settings import Settings
from jaxstyle.specs import LayerRef, MetricSpec
from jaxstyle.weights.network_cache import NetworkCache

Axis = Literal["effectiveness", "coherence"]
STATISTICS = ("moments", "gram", "gaussian_wasserstein", "sliced_wasserstein", "energy")
"""Metrics that compare distributions of features."""
LIKENESSES = ("lpips", "self_similarity", "edges")
"""Metrics that compare contents."""
FIXED = {"lpips": "alexnet", "edges": ""}
"""The network of a likeness that comes with its own, or has none."""
NETWORKS = ("vgg16", "alexnet")


class StudyJudge(NamedTuple):
    """A metric on a network, for one of the two axes."""

    axis: Axis
    metric: str
    network: str

    @property
    def name(self) -> str:
        """`moments@alexnet`, or the metric alone."""
        return f"{self.metric}@{self.network}" if self.network else self.metric

    def is_used(self, settings: Settings) -> bool:
        """Return whether an objective uses this judge's metric or its network.

        Only terms on the judge's axis count: a style objective on VGG16 can be judged by AlexNet.
        """
        style = self.axis == "effectiveness"
        specs = settings.metric if style else settings.content_metric
        backbone = settings.style_backbone if style else settings.content_backbone
        backbone = backbone or settings.backbone
        layers = [
            layer for spec in specs for layer in spec.layers or getattr(spec.value, "layers", ())
        ]
        networks = {LayerRef.parse(layer).backbone for layer in layers}
        networks.add(getattr(backbone, "name", backbone))
        return self.metric in {spec.name for spec in specs} or self.network in networks


def default_judges(networks: Sequence[str] = NETWORKS) -> tuple[StudyJudge, ...]:
    """Return all statistics and likenesses on each network."""
    style = [StudyJudge("effectiveness", metric, net) for net in networks for metric in STATISTICS]
    content = [
        StudyJudge("coherence", metric, net)
        for metric in LIKENESSES
        for net in ((FIXED[metric],) if metric in FIXED else networks)
    ]
    return (*style, *content)


Distances = tuple[Float[np.ndarray, "_layers"], ...]
"""For each judge the bare distance at each of its layers."""


class AxisJudges:
    """The judges of one axis; the features of a picture are computed once for all of them."""

    def __init__(self, judges: Sequence[StudyJudge], *, offline: bool = False) -> None:
        """Load the networks of the judges."""
        self.judges = tuple(judges)
        cache = NetworkCache(offline=offline)
        kind: Kind = "style" if judges[0].axis == "effectiveness" else "content"
        terms = tuple(
            build_term(MetricSpec(judge.metric), kind, cache, backbone=judge.network or NETWORKS[0])
            for judge in judges
        )
        extract, self._params = extractor_for(terms, cache)
        self._targets = jax.jit(lambda p, image: prepare(partial(extract, p), terms, image, image))
        self._distances = jax.jit(lambda p, to, image: distances(partial(extract, p), to, image))

    def targets(self, reference: Picture) -> Objective:
        """Compute what the judges compare with, of a style or of a content."""
        targets: Objective = self._targets(self._params, jnp.asarray(reference))
        return targets

    def distances(self, picture: Picture, targets: Objective) -> Distances:
        """Measure how far a picture is from targets."""
        measured = self._distances(self._params, targets, jnp.asarray(picture))
        return tuple(np.asarray(distance, np.float64) for distance in measured)


class JudgePanel:
    """All judges, those of effectiveness first, calibrated on a study's contents and styles."""

    def __init__(
        self,
        judges: Sequence[StudyJudge],
        contents: Sequence[Picture],
        styles: Sequence[Picture],
        *,
        offline: bool = False,
    ) -> None:
        """Calibrate the judges of both axes, on at least two contents, all of one shape."""
        self._style, self._content = (
            AxisJudges([judge for judge in judges if judge.axis == axis], offline=offline)
            for axis in get_args(Axis)
        )
        self.judges = (*self._style.judges, *self._content.judges)
        self._styles, self._contents = (
            [axis.targets(picture) for picture in pictures]
            for axis, pictures in ((self._style, styles), (self._content, contents))
        )
        self._halves = [
            _mean([self._style.distances(half, whole) for half in halves(style)])
            for style, whole in zip(styles, self._styles, strict=True)
        ]
        self._unstyled = [
            [self._style.distances(content, style) for style in self._styles]
            for content in contents
        ]
        self._unlike = [
            _mean([self._content.distances(c, target) for k, c in enumerate(contents) if k != i])
            for i, target in enumerate(self._contents)
        ]

    def scores(
        self, picture: Float[np.ndarray, "h w 3"], content: int, style: int
    ) -> Float[np.ndarray, " judges"]:
        """Return each judge's score of a picture of a content and a style, by their numbers.

        The mean over the judge's layers, in the order of `judges`; NaN where a judge cannot tell
        the content from the style. The picture has its content's shape.
        """
        unlike = self._unlike[content]
        values = (
            *self._style.distances(picture, self._styles[style]),
            *self._content.distances(picture, self._contents[content]),
        )
        low = (*self._halves[style], *map(np.zeros_like, unlike))
        high = (*self._unstyled[content][style], *unlike)
        return np.array([scaled(*ends) for ends in zip(values, low, high, strict=True)])


def _mean(measured: Sequence[Distances]) -> Distances:
    """Average each judge's distances."""
    return tuple(np.mean(columns, axis=0) for columns in zip(*measured, strict=True))


def halves(picture: Picture) -> tuple[Picture, Picture, Picture, Picture]:
    """Return the left, right, upper and lower half."""
    rows, columns = (-(-side // 2) for side in picture.shape[:2])
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
