"""One picture over several devices: each holds a band of it, and of everything computed from it.

Only the picture is placed; XLA's partitioner does the rest. It divides the features, exchanges the
rows that a convolution needs of its neighbors, and adds up what metrics average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


@dataclass(frozen=True)
class Bands:
    """How pictures are divided among devices: into equal bands across their longest side.

    A static value: equal ones share compiled programs.

    Attributes:
        mesh: The devices, with an axis for each prime factor of their number: a side that their
            number does not divide is divided among fewer, and each band is held several times.
    """

    mesh: Mesh

    @classmethod
    def over(cls, devices: Sequence[jax.Device]) -> Bands:
        """Divide pictures among devices."""
        factors = prime_factors(len(devices))
        names = tuple(f"band{number}" for number in range(len(factors)))
        return cls(Mesh(np.array(devices).reshape(factors), names))

    @property
    def count(self) -> int:
        """The number of devices."""
        size: int = self.mesh.size
        return size

    def bands_of(self, shape: Sequence[int]) -> int:
        """Return into how many bands a picture of a shape is divided."""
        count: int = np.prod([self.mesh.shape[name] for name in self._axes(shape)], dtype=int)
        return int(count)

    def constrained(self, tree: Any, shape: Sequence[int]) -> Any:
        """Within a program, divide those arrays of a tree whose last axes are a picture's."""

        def constrained(leaf: Any) -> Any:
            if leaf.shape[-3:] != tuple(shape):
                return leaf
            return jax.lax.with_sharding_constraint(leaf, self._sharding(leaf.shape))

        return jax.tree.map(constrained, tree)

    def placed(self, tree: Any, shape: Sequence[int] = ()) -> Any:
        """Place arrays on the devices: those with a picture's last axes in bands, others whole."""

        def placed(leaf: Any) -> Any:
            is_picture = len(shape) == 3 and np.shape(leaf)[-3:] == tuple(shape)
            whole = NamedSharding(self.mesh, PartitionSpec())
            return jax.device_put(leaf, self._sharding(np.shape(leaf)) if is_picture else whole)

        return jax.tree.map(placed, tree)

    def weights(self, params: Any) -> Any:
        """Place networks' weights on the devices, by the networks' names; all of them on each.

        Without those of Winograd's algorithm, whose tiles XLA's partitioner does not divide.
        """
        kept = {
            name: {
                entry: {kind: leaf for kind, leaf in leaves.items() if kind != "winograd"}
                for entry, leaves in network.items()
            }
            for name, network in params.items()
        }
        return self.placed(kept)

    def _sharding(self, shape: Sequence[int]) -> NamedSharding:
        axes: list[Any] = [None] * len(shape)
        height, width, _ = shape[-3:]
        axes[-3 if height >= width else -2] = self._axes(shape) or None
        return NamedSharding(self.mesh, PartitionSpec(*axes))

    def _axes(self, shape: Sequence[int]) -> tuple[str, ...]:
        """Return the axes of the mesh that the longest side of a picture is divided by."""
        left, axes = max(shape[-3:-1]), []
        for name, factor in self.mesh.shape.items():
            if left % factor == 0:
                left //= factor
                axes.append(name)
        return tuple(axes)


def prime_factors(number: int) -> tuple[int, ...]:
    """Return the prime factors of a number, with their multiplicity.

    >>> prime_factors(12), prime_factors(1)
    ((2, 2, 3), ())
    """
    factors, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return tuple(factors)
