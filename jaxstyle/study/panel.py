"""The judges of a study, and how strict they are: every distance on a scale from 0 to 1.

Effectiveness: does the distribution of the result's features match the style's? 1 is the content
as it was, 0 another crop of the same painting (the mean of its four halves). Coherence: does the
content survive? 0 is the content itself, 1 another content.

Yeh & Forsyth, "Improving Style Transfer with Calibrated Metrics" (arXiv 1910.09447), put methods on
these two axes. Deviations: theirs is one statistic each (a Gaussian divergence of PCA-reduced
features; the boundaries that a network finds); here are many, so that an objective can be
judged by those that it has not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture
from jaxstyle.metrics.metric import Kind
from jaxstyle.objective import build as terms
from jaxstyle.objective.objective import Objective, distances, prepare
from jaxstyle.settings import Settings

Axis = Literal["effectiveness", "coherence"]
STATISTICS = ("moments", "gram", "gaussian_wasserstein", "sliced_wasserstein", "energy")
"""What distributions of features are compared by."""
LIKENESSES = ("lpips", "self_similarity", "edges")
"""What contents are compared by."""
FIXED = {"lpips": "alexnet", "edges": ""}
"""The network of a likeness that has its own, or none."""
NETWORKS = ("vgg16", "alexnet")


class Judge(NamedTuple):
    """A metric on a network, for one of the two axes."""

    axis: Axis
    metric: str
    network: str

    @property
    def name(self) -> str:
        """`moments@alexnet`, or the metric alone."""
        return f"{self.metric}@{self.network}" if self.network else self.metric

    def saw(self, settings: Settings) -> bool:
        """Whether an objective has used this judge's metric or its network.

        The network counts for the terms on the judge's axis: a style objective on VGG16 is judged
        by AlexNet.
        """
        style = self.axis == "effectiveness"
        choices = settings.metric if style else settings.content_metric
        own = settings.style_backbone if style else settings.content_backbone
        used = {name.partition("~")[0] for name, *_ in choices}
        networks = {own or settings.backbone}
        named = [layer for _, _, *layers in choices for each in layers for layer in each]
        networks |= {layer.partition(":")[0].partition("/")[0] for layer in named if ":" in layer}
        return self.metric in used or self.network in networks


def judges(networks: Sequence[str] = NETWORKS) -> tuple[Judge, ...]:
    """All statistics and likenesses on each network.

    Args:
        networks: Names, see `jaxstyle weights list`.
    """
    style = [Judge("effectiveness", each, net) for net in networks for each in STATISTICS]
    content = [
        Judge("coherence", each, net)
        for each in LIKENESSES
        for net in ((FIXED[each],) if each in FIXED else networks)
    ]
    return (*style, *content)


Distances = tuple[Float[np.ndarray, "_layers"], ...]
"""For each judge the bare distance at each of its layers."""


class Panel:
    """Judges of one axis together: each network looks once at a picture.

    Attributes:
        judges: Who they are.
    """

    def __init__(self, chosen: Sequence[Judge], **fetched: Any) -> None:
        """Load what the judges need.

        Args:
            chosen: Who they are, all of one axis.
            fetched: `offline` and `report`, as for `stylize`.
        """
        self.judges = tuple(chosen)
        known = terms.Networks(**fetched)
        kind: Kind = "style" if chosen[0].axis == "effectiveness" else "content"
        parts = tuple(
            terms.build((each.metric, 1.0), kind, known, backbone=each.network or NETWORKS[0])
            for each in chosen
        )
        extract, self._params = terms.extractor(parts, known)

        def remember(params: Any, reference: Any) -> Objective:
            return prepare(partial(extract, params), parts, reference, reference)

        def measure(params: Any, prepared: Objective, picture: Any) -> list[Any]:
            return list(distances(partial(extract, params), prepared, picture))

        self._remember, self._measure = jax.jit(remember), jax.jit(measure)

    def remember(self, reference: Picture) -> Objective:
        """What the judges need to know of a style, or of a content."""
        found: Objective = self._remember(self._params, jnp.asarray(reference))
        return found

    def distances(self, picture: Picture, reference: Objective) -> Distances:
        """How far a picture is from what they remember."""
        found = self._measure(self._params, reference, jnp.asarray(picture))
        return tuple(np.asarray(each, np.float64) for each in found)


class Bench:
    """All judges, and what they remember of a study's contents and styles.

    Attributes:
        judges: Those of effectiveness, then those of coherence.
    """

    def __init__(
        self,
        chosen: Sequence[Judge],
        contents: Sequence[Picture],
        styles: Sequence[Picture],
        **fetched: Any,
    ) -> None:
        """Let the judges see the contents and styles.

        Args:
            chosen: Who they are.
            contents: At least two, all of one shape.
            styles: How unlike its own halves are to one counts as 0.
            fetched: `offline` and `report`, as for `stylize`.
        """
        style_judges, content_judges = (
            [each for each in chosen if each.axis == axis] for axis in get_args(Axis)
        )
        self.judges = (*style_judges, *content_judges)
        self._style = Panel(style_judges, **fetched)
        self._content = Panel(content_judges, **fetched)
        self._styles = [self._style.remember(each) for each in styles]
        self._contents = [self._content.remember(each) for each in contents]
        self._within = []
        for style, whole in zip(styles, self._styles, strict=True):
            parts = [self._style.distances(part, whole) for part in halves(style)]
            self._within.append(tuple(np.mean(each, axis=0) for each in zip(*parts, strict=True)))
        self._plain = [
            [self._style.distances(content, style) for style in self._styles]
            for content in contents
        ]
        self._unlike = []
        for number, own in enumerate(self._contents):
            others = [each for k, each in enumerate(contents) if k != number]
            found = [self._content.distances(other, own) for other in others]
            self._unlike.append(tuple(np.mean(each, axis=0) for each in zip(*found, strict=True)))

    def scores(
        self, picture: Float[np.ndarray, "h w 3"], content: int, style: int
    ) -> Float[np.ndarray, " judges"]:
        """Each judge's score of a picture, the mean over its layers.

        Args:
            picture: What came out, of its content's shape.
            content: Number of the content that it should show.
            style: Number of the style.

        Returns:
            Scores in the order of `judges`; NaN where a judge cannot tell the content from
            the style.
        """
        style_found = self._style.distances(picture, self._styles[style])
        content_found = self._content.distances(picture, self._contents[content])
        low, high = self._within[style], self._plain[content][style]
        of_style = zip(style_found, low, high, strict=True)
        of_content = zip(content_found, self._unlike[content], strict=True)
        return np.array(
            [scaled(*each) for each in of_style]
            + [scaled(found, np.zeros_like(one), one) for found, one in of_content]
        )


def halves(picture: Picture) -> tuple[Picture, Picture, Picture, Picture]:
    """The left, the right, the upper and the lower half."""
    rows, columns = (-(-side // 2) for side in picture.shape[:2])
    return picture[:, :columns], picture[:, -columns:], picture[:rows], picture[-rows:]


def scaled(
    values: Float[np.ndarray, _layers],
    low: Float[np.ndarray, _layers],
    high: Float[np.ndarray, _layers],
) -> float:
    """Mean over layers of (value − low) / (high − low), over those where `high` is well above.

    >>> scaled(np.array([1.0, 3.0]), np.array([0.0, 3.0]), np.array([2.0, 3.0]))
    0.5
    """
    usable = high > 1.5 * low + 1e-12
    if not usable.any():
        return float("nan")
    return float(np.mean((values - low)[usable] / (high - low)[usable]))
