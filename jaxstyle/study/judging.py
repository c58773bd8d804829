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

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.backbones.extractor import Parameters
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
        networks = {ref.backbone for spec in specs for ref in _layers(spec)}
        networks.add(getattr(backbone, "name", backbone))
        return self.metric in {spec.name for spec in specs} or self.network in networks


def _layers(spec: MetricSpec) -> Iterable[LayerRef]:
    """Return the layers that a specification names, or the metric or term that it holds."""
    return map(LayerRef.parse, spec.layers or getattr(spec.value, "layers", ()))


def default_judges(networks: Sequence[str] = NETWORKS) -> tuple[StudyJudge, ...]:
    """Return all statistics and likenesses on each network.

    Args:
        networks: Names, see `jaxstyle weights list`.
    """
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
    """The judges of one axis; the features of a picture are computed once for all of them.

    Attributes:
        judges: In the order of the distances.
    """

    def __init__(self, judges: Sequence[StudyJudge], *, offline: bool = False) -> None:
        """Load the networks of judges that are all of one axis."""
        self.judges = tuple(judges)
        cache = NetworkCache(offline=offline)
        kind: Kind = "style" if judges[0].axis == "effectiveness" else "content"
        terms = tuple(
            build_term(MetricSpec(judge.metric), kind, cache, backbone=judge.network or NETWORKS[0])
            for judge in judges
        )
        extract, self._params = extractor_for(terms, cache)
        Networks = Mapping[str, Parameters]
        Image = Float[Array, "h w 3"]

        def summarize(params: Networks, reference: Image) -> Objective:
            return prepare(partial(extract, params), terms, reference, reference)

        def measure(params: Networks, reference: Objective, picture: Image) -> list[Array]:
            return list(distances(partial(extract, params), reference, picture))

        self._summarize, self._measure = jax.jit(summarize), jax.jit(measure)

    def summarize(self, reference: Picture) -> Objective:
        """Compute what the judges compare with: the targets of a style, or of a content."""
        targets: Objective = self._summarize(self._params, jnp.asarray(reference))
        return targets

    def distances(self, picture: Picture, reference: Objective) -> Distances:
        """Measure how far a picture is from the targets of a reference."""
        measured = self._measure(self._params, reference, jnp.asarray(picture))
        return tuple(np.asarray(distance, np.float64) for distance in measured)


class JudgePanel:
    """All judges, with the targets and scales of a study's contents and styles.

    Attributes:
        judges: Those of effectiveness, then those of coherence.
    """

    def __init__(
        self,
        judges: Sequence[StudyJudge],
        contents: Sequence[Picture],
        styles: Sequence[Picture],
        *,
        offline: bool = False,
    ) -> None:
        """Calibrate the judges on the contents and styles.

        Args:
            judges: Of both axes.
            contents: At least two, all of one shape.
            styles: The mean distance of a style's halves from the style counts as 0.
            offline: Never fetch weights.
        """
        self._style, self._content = (
            AxisJudges([judge for judge in judges if judge.axis == axis], offline=offline)
            for axis in get_args(Axis)
        )
        self.judges = (*self._style.judges, *self._content.judges)
        self._styles = [self._style.summarize(style) for style in styles]
        self._contents = [self._content.summarize(content) for content in contents]
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
        """Return each judge's score of a picture, the mean over its layers.

        Args:
            picture: The result, of its content's shape.
            content: Number of its content.
            style: Number of its style.

        Returns:
            Scores in the order of `judges`; NaN where a judge cannot tell the content from
            the style.
        """
        effectiveness = self._style.distances(picture, self._styles[style])
        low, high = self._halves[style], self._unstyled[content][style]
        coherence = self._content.distances(picture, self._contents[content])
        unlike = self._unlike[content]
        zero = map(np.zeros_like, unlike)
        return np.array(
            [scaled(*ends) for ends in zip(effectiveness, low, high, strict=True)]
            + [scaled(*ends) for ends in zip(coherence, zero, unlike, strict=True)]
        )


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
