"""A job: everything that one run works with, and nothing that changes while it works."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import jax
import numpy as np

from jaxstyle import recipes
from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.log import logger
from jaxstyle.backbones.bands import Bands
from jaxstyle.backbones.extractor import Extractor, Parameters
from jaxstyle.image.geometry import Alpha, Picture
from jaxstyle.objective import guidance
from jaxstyle.objective.build import tile_unit
from jaxstyle.objective.regions import can_repeat
from jaxstyle.objective.term import Term, term_names
from jaxstyle.optim.optimizers import Optimizer
from jaxstyle.plain import obstacles, to_plain
from jaxstyle.settings import Settings, check_names
from jaxstyle.specs import OPEN, RANDOM_INITS, Wrap, is_init
from jaxstyle.transfer import manifest
from jaxstyle.transfer.earlier import Earlier
from jaxstyle.transfer.scales import Scale
from jaxstyle.weights.network_cache import NetworkCache

Devices = Literal["all"] | int | Sequence[jax.Device]
"""All of the process, the first so many of them, or these."""


def _chosen(devices: Devices | None) -> list[jax.Device]:
    """Return devices; none for the usual one."""
    if devices is None:
        return []
    if jax.process_count() > 1:
        raise ValueError("one picture cannot be divided among devices of several processes")
    present = jax.devices()
    if isinstance(devices, str):
        if devices != "all":
            raise ValueError(f"expected devices as a number or all, got {shown(devices)}")
        return present
    if isinstance(devices, Sequence):
        return list(devices)
    count = arguments.number("devices", devices, int, low=1)
    if count > len(present):
        raise ValueError(f"expected at most {len(present)} devices, which there are, got {count}")
    return present[:count]


@dataclass(frozen=True, eq=False)
class Job:
    """Everything that one run works with."""

    settings: Settings  # with every name checked
    size: int  # longest side of the result, pixels
    optimizer: Optimizer  # what moves the pixels
    rate: float  # its learning rate
    original: Picture  # the content as it was read
    guide: guidance.Guide  # the pictures that the objective compares with, in their buckets
    initial: Picture  # the picture to start from, in its bucket
    terms: tuple[Term, ...]  # what is compared
    extract: Extractor  # gives all features that the terms need
    params: Mapping[str, Parameters]  # the networks' weights, on the device
    scales: tuple[Scale, ...]  # coarse to fine
    networks: NetworkCache  # where weights came from
    # path and SHA-256 of every picture that was read, by role; no path of arrays
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    earlier: Earlier | None = None  # the picture that it continues
    alpha: Alpha | None = None  # of the content as it was read, and so of the result
    is_texture: bool = False  # whether there is no content, and one color stands for it

    @property
    def wrap(self) -> Wrap:
        """Along which axes the picture continues at its opposite edge."""
        return self.extract.wrap

    @property
    def keeps(self) -> bool:
        """Whether some pixels of the picture are known, and stay."""
        return self.is_texture and self.guide.inside is not None

    @property
    def unit(self) -> int:
        """What sides are multiples of along these axes, at every scale: then wrapping is exact."""
        return tile_unit(self.extract)

    # targets that come from neither content nor style, by the term's number; of one layer each
    given_targets: Mapping[int, Any] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the terms."""
        return term_names(self.terms)

    def terms_at(self, size: int) -> tuple[Term, ...]:
        """Return the terms with their weights at a scale: see `Settings.content_decay`.

        Args:
            size: Longest side of the scale, pixels.
        """
        factor = self.settings.content_decay ** math.log2(self.scales[-1].size / size)
        return tuple(
            replace(term, weight=term.weight * factor) if term.metric.kind == "content" else term
            for term in self.terms
        )

    def over(self, devices: Devices | None) -> Job:
        """Return the job with its picture, and all that is computed from it, over several devices.

        Raises:
            ValueError: There are not so many devices, or they belong to other processes; or the
                picture wraps and a term transforms whole sides of it (`Metric.transforms`).
        """
        chosen = _chosen(devices)
        if len(chosen) < 2:
            return self
        whole = [term.metric.name for term in self.terms if term.metric.transforms]
        if self.wrap != OPEN and whole:
            raise ValueError(f"expected one device for {whole[0]} of a picture that wraps")
        bands, content = Bands.over(chosen), self.guide.content
        if bands.bands_of(content.shape) < len(chosen):
            logger.warning(
                f"{max(content.shape[:2])} pixels are divided into {bands.bands_of(content.shape)} "
                f"bands, not into {len(chosen)}: choose a size that is a multiple of the devices"
            )
        extract = replace(self.extract, bands=bands)
        return replace(self, extract=extract, params=bands.weights(self.params))

    def rate_at(self, size: int) -> float:
        """Return the learning rate at a scale, whose longest side is `size` pixels."""
        is_last = size == self.scales[-1].size
        return (is_last and self.settings.final_rate) or self.rate

    @property
    def steps(self) -> int:
        """Over all scales."""
        return sum(scale.steps for scale in self.scales)

    def work_left(self, step: int) -> float:
        """Sum the steps still to come, each weighted by the square of its size."""
        work = 0
        for scale in self.scales:
            work += max(0, scale.steps - step) * scale.size**2
            step = max(0, step - scale.steps)
        return work

    @property
    def uses_seed(self) -> bool:
        """Whether the seed changes anything."""
        init = self.settings.init
        starts_random = (is_init(init) and init in RANDOM_INITS) or bool(self.settings.init_noise)
        return self.draws or self._random or starts_random

    @property
    def draws(self) -> bool:
        """Whether a term compares other positions, or in other directions, at each step."""
        return any(term.draws or term.metric.redraws for term in self.terms)

    @property
    def needs_beginnings(self) -> bool:
        """Whether targets depend on the picture that a scale begins with."""
        is_guided = any(term.metric.guided for term in self.terms)
        return is_guided and self.settings.picture_guidance > 0

    @property
    def obstacles(self) -> list[str]:
        """What a manifest of this job cannot hold, by name: then it is not replayable."""
        pathless = (role for role, record in self.inputs.items() if "path" not in record)
        return [*obstacles(self.settings), *pathless]

    @property
    def _random(self) -> bool:
        return any(term.metric.random for term in self.terms)

    @property
    def _masks(self) -> tuple[Picture | None, ...]:
        regions = self.guide.regions
        return (*(mask for region in regions for mask in region), *self.guide.alphas)

    @cached_property
    def target_key(self) -> Hashable:
        """Equal for two jobs whose targets and calibration constants are the same numbers."""
        terms = [replace(term, weight=0.0) for term in self.terms]
        numbers = tuple(
            float(leaf) if np.ndim(leaf) == 0 else id(leaf) for leaf in jax.tree.leaves(terms)
        )
        given = self.settings.calibrate and json.dumps(self.settings.calibration, default=str)
        return (
            *(_digest(picture) for picture in (self.guide.content, *self.guide.styles)),
            self.guide.rotations,
            self._mask_digests,
            numbers,
            self.settings.seed if self._random else None,
            given,
            # Then a job shares its targets with none.
            id(self) if self.needs_beginnings or self.given_targets else None,
        )

    @cached_property
    def program_key(self) -> Hashable:
        """Equal for two jobs that can share every program and go through the same scales."""
        return (
            self.extract,
            self.optimizer,
            self.settings.parametrization,
            self.settings.safeguard,
            self.settings.rate_decay,
            self.settings.average,
            self.keeps,
            self.settings.memory,
            jax.tree.structure(self.terms),
            self.scales,
            self.guide.content.shape,
            tuple(style.shape for style in self.guide.styles),
            # The contents of a region decide shapes, unless positions are repeated.
            self.guide.rotations if self.guide.is_masked else (),
            self.repeats_positions or self._mask_digests,
        )

    @property
    def repeats_positions(self) -> bool:
        """Whether no shape depends on what masks hold."""
        regional = [term.metric for term in self.terms if term.region is not None]
        return self.guide.repeats and all(map(can_repeat, regional))

    @property
    def _mask_digests(self) -> tuple[bytes | None, ...]:
        return tuple(None if mask is None else _digest(mask) for mask in self._masks)

    @cached_property
    def picture_digests(self) -> dict[str, str]:
        """The SHA-256 of the pixels of every picture that decides the result, by role."""
        pictures = {
            "content": self.guide.content,
            **{f"style {n}": style for n, style in enumerate(self.guide.styles, 1)},
            **{f"mask {n}": mask for n, mask in enumerate(self._masks, 1) if mask is not None},
            "first picture": self.initial,
        }
        if self.guide.palette is not None:
            pictures["colors"] = self.guide.palette
        if self.alpha is not None:
            pictures["alpha"] = self.alpha
        return {role: _digest(picture).hex() for role, picture in pictures.items()}


def resolved_settings(job: Job) -> dict[str, Any]:
    """Return the settings as JSON can hold them, every default filled in."""
    rate = job.rate if job.optimizer.takes_rate else None
    # A number that decides nothing would make strangers of runs that are the same.
    positions = job.settings.positions if job.draws else 0
    asked = job.settings.size
    size = asked if isinstance(asked, str) else job.size
    return to_plain(replace(job.settings, size=size, learning_rate=rate, positions=positions))


def identity(job: Job) -> dict[str, dict[str, Any]]:
    """Return all that decides the bytes of a job's result: equal for jobs that are the same."""
    current = manifest.environment()
    # With another number of cores a run goes on: its bytes differ by rounding, which is said.
    device = {name: value for name, value in current["device"].items() if name != "cores"}
    return {
        "settings": manifest.plain(resolved_settings(job)),
        "pictures": job.picture_digests,
        "weights": job.networks.checksums(),
        "versions": current["versions"] | device,
    }


def chosen_settings(settings: Settings | None, changes: Mapping[str, Any]) -> Settings:
    """Return settings with changes on top; of the defaults, or a recipe's, if none are given.

    Raises:
        TypeError: A change of a setting that does not exist.
        ValueError: A value out of its range, or settings together with a recipe.
    """
    check_names(changes)
    if settings is None:
        return recipes.settings(**changes)
    if changes.get("recipe"):
        raise ValueError("expected settings or a recipe, got both")
    return replace(settings, **changes)


def _digest(array: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()
