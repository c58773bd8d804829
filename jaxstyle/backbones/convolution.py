"""Convolutions as data: what a network is made of, and what follows for its layers.

Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jaxstyle.specs import PoolingName


@dataclass(frozen=True)
class Convolution:
    """One square convolution, with the same stride both ways.

    Attributes:
        name: Of its kernel and bias among the weights.
        size: Side of the kernel.
        inputs: Channels.
        outputs: Channels.
        stride: Positions from one output to the next.
        border: Positions added on each side; as many as keep the size at stride 1 if None.
        pooled: Window of the pooling before it, 0 for none; its stride is 2.
        pool_border: Positions that this pooling adds on each side.
        layers: The layers that are complete with it, before and after the activation.
        is_shortcut: Whether it lies on the short way around a residual block.
    """

    name: str
    size: int
    inputs: int
    outputs: int
    stride: int = 1
    border: int | None = None
    pooled: int = 0
    pool_border: int = 0
    layers: tuple[str, ...] = ()
    is_shortcut: bool = False

    @property
    def pad(self) -> int:
        """Positions added on each side."""
        return self.size // 2 if self.border is None else self.border


class Window(NamedTuple):
    """A convolution or a pooling as a window that slides over a grid, `pad` larger on each side."""

    size: int
    pad: int
    stride: int
    is_pooling: bool = False


class ReceptiveField(NamedTuple):
    """Pixels that a position of a layer depends on: `stride` × position + `first` to + `last`."""

    stride: int
    first: int
    last: int


def needed(convolutions: tuple[Convolution, ...], layers: Iterable[str]) -> tuple[Convolution, ...]:
    """Return the first of `convolutions`, up to the deepest of `layers`."""
    wanted = {*layers}
    ends = (count for count, spec in enumerate(convolutions, 1) if wanted & {*spec.layers})
    return convolutions[: max(ends, default=0)]


def windows_of(convolutions: Iterable[Convolution]) -> dict[str, tuple[Window, ...]]:
    """Return the windows before each layer, without shortcuts: these see less than the long way."""
    windows: dict[str, tuple[Window, ...]] = {}
    way: tuple[Window, ...] = ()
    for spec in convolutions:
        if spec.pooled:
            way = (*way, Window(spec.pooled, spec.pool_border, 2, is_pooling=True))
        if not spec.is_shortcut:
            way = (*way, Window(spec.size, spec.pad, spec.stride))
        windows |= dict.fromkeys(spec.layers, way)
    return windows


def min_side(windows: Sequence[Window]) -> int:
    """Return the shortest side of a grid that leaves a position after all windows."""
    side = 1
    for size, pad, stride, _ in reversed(windows):
        side = max(1, (side - 1) * stride + size - 2 * pad)
    return side


def receptive_field(windows: Iterable[Window], pooling: PoolingName) -> ReceptiveField:
    """Return the pixels that a position after all windows depends on.

    References:
        Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill
        2019), equation 2, with its borders.
    """
    stride, first, last = 1, 0, 0
    for size, pad, step, is_pooling in windows:
        if is_pooling and pooling == "hanning":  # always of 3 × 3 positions
            size, pad = 3, 1 if size == 2 else pad
        first -= pad * stride
        last += (size - 1 - pad) * stride
        stride *= step
    return ReceptiveField(stride, first, last)
