"""What a stepper is: one layout of an optimizer step, for one job or for several together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxstyle.image.geometry import Picture
from jaxstyle.objective.calibration import Constants
from jaxstyle.objective.objective import Objective
from jaxstyle.transfer.job import Job

Layout = Literal["whole", "recompute"] | int
"""One program; one program whose backward pass recomputes activations; or the side of tiles."""


ConstantsAt = Callable[[int, Objective | None], Constants | None]
"""A job's calibration constants, of a size and the targets of the whole picture, if known."""


class Steps(NamedTuple):
    """The losses of some steps, on the host."""

    totals: Float[np.ndarray, "steps jobs"]  # the weighted loss before each step
    losses: Float[np.ndarray, "steps jobs terms"]  # each term's


class Demand(NamedTuple):
    """Memory at one moment of a step: what is kept, and a program that runs."""

    kept: int  # bytes of the arrays that stay meanwhile
    lowered: Any  # the program, lowered but not compiled
    devices: int = 1  # how many devices that share their memory do the same


class Stepper(Protocol):
    """One layout of an optimizer step.

    `init`, `step` and `warm_start` are called by the one loop (`jaxstyle.transfer.loop`). A state
    belongs to its stepper; everything else that goes in or comes out lies on the host, with one
    entry for each job.
    """

    jobs: Sequence[Job]  # those that are stepped together

    def prepare(
        self, size: int, constants: Sequence[ConstantsAt], beginnings: Sequence[Picture] = ()
    ) -> Any:
        """Compute the targets at a scale, calibrated by the constants of each job.

        `beginnings` are the pictures that the scale begins with, where targets depend on them.
        """
        ...

    def init(self, pictures: Sequence[Picture]) -> Any:
        """Return the state before the first step of a scale."""
        ...

    def warm_start(self, state: Any, fresh: Any) -> Any:
        """Return `fresh` with what can be kept of the state that a coarser scale left."""
        ...

    def step(self, prepared: Any, state: Any, count: int) -> tuple[Any, Steps]:
        """Take `count` steps, at most `chunk`; the old state is used up."""
        ...

    def chunk(self, size: int) -> int:
        """Return the number of steps between two looks of the host."""
        ...

    def counts(self, state: Any) -> Int[np.ndarray, " jobs"]:
        """Return the number of finite steps that each job has taken at this scale."""
        ...

    def pictures(self, state: Any) -> Sequence[Picture]:
        """Return the picture of each job."""
        ...

    def restore(self, leaves: Sequence[np.ndarray], size: int) -> Any:
        """Return the state at a scale whose leaves (`jax.tree.leaves`) a checkpoint kept."""
        ...

    def demands(self, size: int) -> Iterator[Demand]:
        """Lower every program of a step at a scale; nothing runs."""
        ...


def size_of(tree: Any) -> int:
    """Return the bytes of all arrays, or shapes of arrays, in a tree."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
