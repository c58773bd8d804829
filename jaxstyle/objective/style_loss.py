"""`StyleLoss`: style terms for somebody else's training loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle._util import arguments
from jaxstyle.backbones.extractor import Extractor, Parameters, check_how
from jaxstyle.image.load import ImageLike, float_array
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import Objective, evaluate, prepare
from jaxstyle.objective.term import Mixture, Term, term_names
from jaxstyle.specs import PaddingName, PoolingName, as_specs
from jaxstyle.weights.network_cache import NetworkCache
from jaxstyle.weights.registry import Weights

Params = Mapping[str, Parameters]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StyleTargets:
    """What a `StyleLoss` compares with: a pytree.

    Attributes:
        objective: Targets of the style terms and the regularizers.
        scales: Calibration constants of the content terms, whose targets are each picture's own.
    """

    objective: Objective | None
    scales: tuple[Float[Array, _layers], ...]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)  # hashed by identity: what `jax.jit` compiles must be hashable
class StyleLoss:
    """Terms as a loss for a training loop: a pytree of numbers.

    >>> import jax, jax.numpy as jnp
    >>> loss = StyleLoss.of("gram@relu1_1+moments@relu1_1=0.5")
    >>> style, images = jnp.zeros((16, 16, 3)), jnp.ones((2, 16, 16, 3))
    >>> targets = loss.init(loss.params, style)
    >>> total, parts = jax.jit(loss)(loss.params, targets, images)
    >>> total.shape, sorted(parts)
    ((), ['gram', 'moments'])

    Nothing in it is trained: take gradients with respect to `images`, or to the parameters of
    whatever makes them. It is pure and has no state, so that it goes into `jax.jit`, `jax.grad`,
    `jax.vmap`, `shard_map`, and training steps of Flax's `linen` and `nnx` alike.

    Attributes:
        terms: What is compared; weights and hyperparameters are leaves.
        params: The networks' weights on the device. Every call takes them as an argument, so that
            they are not compiled into programs as constants.
        extract: Gives the features of a picture (static).
    """

    terms: tuple[Term, ...]
    params: Params
    extract: Extractor = field(metadata={"static": True})

    @classmethod
    def of(
        cls,
        metric: Mixture = "moments",
        content_metric: Mixture = (),
        regularizer: Mixture = (),
        *,
        backbone: str | Weights = "vgg16",
        pooling: PoolingName = "max",
        padding: PaddingName = "edge",
        offline: bool = False,
    ) -> StyleLoss:
        """Make a loss of metrics by name, with their weights.

        Args:
            metric: Style metrics: a text such as `"gram=0.5+histogram"`, a `MetricSpec`, a
                `Metric`, a `Term`, or a sequence of them.
            content_metric: Content metrics likewise; the loss then takes `contents`.
            regularizer: Regularizers likewise.
            backbone: The network of layers that name none: its name, or its weights.
            pooling: Of the network.
            padding: What surrounds each convolution's input.
            offline: Never fetch weights.

        Raises:
            ValueError: A name that does not exist, or no metric.
            OSError: Weights that are not installed and cannot be fetched.
        """
        check_how(pooling=pooling, padding=padding)
        networks = NetworkCache(offline=arguments.flag("offline", offline))
        name = networks.name_of(backbone)
        groups = (("style", metric), ("content", content_metric), ("image", regularizer))
        specs = [(kind, as_specs(mixture)) for kind, mixture in groups]
        terms = tuple(
            build_term(spec, kind, networks, backbone=name)  # type: ignore[arg-type]
            for kind, several in specs
            for spec in several
        )
        if not terms:
            raise ValueError("expected at least one metric, got none")
        extract, params = extractor_for(terms, networks, pooling=pooling, padding=padding)
        return cls(terms, params, extract)

    def init(
        self,
        params: Params,
        style: ImageLike,
        *,
        content: ImageLike | None = None,
        seed: int = 0,
    ) -> StyleTargets:
        """Compute the targets, once, outside the loop.

        Args:
            params: The networks' weights, `loss.params`.
            style: The style picture: a float array, sRGB in [0, 1], or whatever else holds one.
            content: A picture such as those that the loss will see. If given, terms are calibrated
                at the mean of both, so that weight 1 pulls equally hard whatever the metric.
            seed: Of random metrics.

        Raises:
            ValueError: What is no picture.
            TypeError: What are no networks' weights.
        """
        arguments.instance("params", params, Mapping)
        if not isinstance(seed, jax.Array):
            seed = arguments.number("seed", seed, int, low=0)
        style = jnp.asarray(float_array(style, "the style"))
        example = style if content is None else jnp.asarray(float_array(content, "the content"))
        features, key = self._features(params), jax.random.key(seed)
        objective = prepare(features, self.terms, example, style, key)
        if content is not None:
            reference = calibration_reference(example, style)
            objective = calibrate(self._features(params), objective, reference)
        own = [k for k, term in enumerate(self.terms) if term.metric.kind == "content"]
        fixed = [k for k in range(len(self.terms)) if k not in own]
        return StyleTargets(
            _subset(objective, fixed) if fixed else None,
            tuple(objective.scales[k] for k in own),
        )

    def __call__(
        self,
        params: Params,
        targets: StyleTargets,
        images: Float[Array, "*batch h w 3"],
        contents: Float[Array, "*batch h w 3"] | None = None,
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Compute the loss of pictures: the mean over the batch.

        Args:
            params: The networks' weights, `loss.params`.
            targets: From `init`.
            images: sRGB in [0, 1]; any number of leading axes.
            contents: The picture that each should show; needed if there are content terms.

        Returns:
            The weighted total, and each term's loss without its weight by name.

        Raises:
            ValueError: There are content terms and no contents, or pictures of another form.
            TypeError: What are no targets or no networks' weights.
        """
        arguments.instance("params", params, Mapping)
        arguments.instance("targets", targets, StyleTargets)
        _check_pictures("images", images)
        style = tuple(term for term in self.terms if term.metric.kind != "content")
        content = tuple(term for term in self.terms if term.metric.kind == "content")
        if content and contents is None:
            raise ValueError("expected contents, as there are content terms")
        if contents is not None:
            _check_pictures("contents", contents, images.shape[:-3])
        features = self._features(params)

        def one(image: Any, shown: Any) -> Float[Array, " terms"]:
            computed = features(image)
            losses = []
            if style:
                assert targets.objective is not None
                objective = replace(targets.objective, terms=style)
                losses.append(evaluate(lambda _: computed, objective, image).terms)
            if content:
                objective = prepare(features, content, shown, shown)
                objective = replace(objective, scales=targets.scales)
                losses.append(evaluate(lambda _: computed, objective, image).terms)
            return jnp.concatenate(losses)

        batch = images.reshape(-1, *images.shape[-3:])
        others = batch if contents is None else contents.reshape(-1, *contents.shape[-3:])
        losses = jnp.mean(jax.vmap(one)(batch, others), axis=0)
        terms = (*style, *content)
        total = sum(term.weight * loss for term, loss in zip(terms, losses, strict=True))
        # Named together: a content metric may have a style metric's name.
        return jnp.asarray(total), dict(zip(term_names(terms), losses, strict=True))

    def _features(self, params: Params) -> Any:
        return lambda image: self.extract(params, image)


def _check_pictures(name: str, pictures: Any, batch: tuple[int, ...] | None = None) -> None:
    """Raise a `ValueError` unless pictures are floats of the right shape, of some leading axes."""
    dtype = getattr(pictures, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jnp.floating):
        got = arguments.shown(pictures) if dtype is None else dtype
        raise ValueError(f"expected {name} as an array of floats in [0, 1], got {got}")
    shape = jnp.shape(pictures)
    if len(shape) < 3 or shape[-1] != 3 or 0 in shape:
        raise ValueError(f"expected {name} of shape (…, height, width, 3), got {shape}")
    if batch is not None and shape[:-3] != batch:
        raise ValueError(f"expected {name} with leading axes {batch} like images, got {shape[:-3]}")


def _subset(objective: Objective, members: Sequence[int]) -> Objective:
    """Return the objective of some of its terms."""
    chosen: dict[str, Any] = {
        column.name: tuple(getattr(objective, column.name)[k] for k in members)
        for column in fields(Objective)
        if column.name != "key"
    }
    return replace(objective, **chosen)
