"""Optimizers by name, each with its default learning rate and its warm start."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxstyle._util.arguments import shown
from jaxstyle._util.names import nearest
from jaxstyle.optim.lbfgs import lbfgs, warm_start_lbfgs
from jaxstyle.optim.lbfgs_plain import lbfgs_plain
from jaxstyle.optim.momentum import momentum
from jaxstyle.optim.warm_start import warm_start_moments

Scalar = float | Float[Array, ""]
WarmStart = Callable[[optax.OptState, Float[Array, "h w 3"]], optax.OptState]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of pixels.

    Attributes:
        name: The name by which people ask for it.
        make: From a learning rate (an array leaf) and hyperparameters to the optax transformation.
        learning_rate: The default.
        warm_start: From the state that a coarser scale left, and the picture from which the finer
            one starts, to the state there.
        parameters: Hyperparameters in place of the defaults, by name.
    """

    name: str
    make: Callable[..., optax.GradientTransformation]
    learning_rate: float
    warm_start: WarmStart = warm_start_moments
    parameters: tuple[tuple[str, float], ...] = ()

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Return the optax transformation of a learning rate."""
        return self.make(learning_rate, **dict(self.parameters))

    @property
    def takes_rate(self) -> bool:
        """Whether it takes a learning rate: an optax transformation has its own."""
        return not isinstance(self.make, _Fixed)

    def carry(
        self, state: optax.OptState, fresh: optax.OptState, image: Float[Array, "h w 3"]
    ) -> optax.OptState:
        """Return the warm-started state, or `fresh` where the state cannot be resized."""
        warm = self.warm_start(state, image)
        shapes = [[jnp.shape(leaf) for leaf in jax.tree.leaves(tree)] for tree in (warm, fresh)]
        return warm if shapes[0] == shapes[1] else fresh


OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {
        optimizer.name: optimizer
        for optimizer in (
            Optimizer("lbfgs", lbfgs, 1.0, warm_start_lbfgs),
            Optimizer("lbfgs_plain", lbfgs_plain, 1.0, lambda state, image: ()),
            Optimizer("lbfgs_search", optax.lbfgs, 1.0, lambda state, image: ()),
            Optimizer("adam", partial(optax.adam, b2=0.99), 0.03),
            Optimizer("sgd", optax.sgd, 0.02),
            Optimizer("momentum", momentum, 0.005),
            Optimizer("rmsprop", partial(optax.rmsprop, eps_in_sqrt=False), 0.01),
        )
    }
)
"""Every optimizer by name. The learning rates were chosen on four pairs at 128 px with the default
terms; see benchmarks/default.md."""


@dataclass(frozen=True)
class _Fixed:
    """Makes a transformation that has its own learning rate."""

    transformation: optax.GradientTransformation

    def __call__(self, learning_rate: Scalar) -> optax.GradientTransformation:
        return self.transformation


def find(
    optimizer: str | Optimizer | optax.GradientTransformation,
    parameters: Sequence[tuple[str, float]] = (),
) -> Optimizer:
    """Return the optimizer of a name, or the one that an optax transformation is.

    `parameters` are hyperparameters in place of its defaults, by name.

    Moments of optax's Adam, RMSprop and momentum are carried from scale to scale; a transformation
    with other state of the picture's shape starts each scale afresh.

    >>> find("adam").learning_rate
    0.03

    Raises:
        ValueError: No optimizer has that name, or it has no such hyperparameter; the message names
            the nearest.
        TypeError: It is none of these.
    """
    if not isinstance(optimizer, (str, Optimizer)):
        if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
            raise TypeError(
                f"expected an optax transformation or an optimizer's name, got {shown(optimizer)}"
            )
        optimizer = Optimizer("optax transformation", _Fixed(optimizer), 1.0)
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(
                f"no optimizer is named {shown(optimizer)}{nearest(optimizer, OPTIMIZERS)}; "
                f"there are {', '.join(OPTIMIZERS)}"
            )
        optimizer = OPTIMIZERS[optimizer]
    if not parameters:
        return optimizer
    _, *known = inspect.signature(optimizer.make).parameters
    for name, _ in parameters:
        if name not in known:
            raise ValueError(
                f"{optimizer.name} has no parameter {name!r}{nearest(name, known)}; "
                f"it has {', '.join(known) or 'none'}"
            )
    pairs = ((name, int(v) if float(v).is_integer() else v) for name, v in parameters)
    return replace(optimizer, parameters=tuple(pairs))
