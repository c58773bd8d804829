"""A job: everything that one run works with, and nothing that changes while it works."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import jax
import numpy as np

from jaxstyle import recipes
from jaxstyle.backbones.extractor import Extractor, Parameters
from jaxstyle.image.geometry import Picture, enlarged, fit_within
from jaxstyle.objective import calibration, guidance
from jaxstyle.objective.build import extractor_for, min_side, terms_from_settings
from jaxstyle.objective.term import Term, term_names
from jaxstyle.optim import optimizers
from jaxstyle.optim.optimizers import Optimizer
from jaxstyle.plain import obstacles, to_plain
from jaxstyle.settings import Settings, check_names
from jaxstyle.transfer import manifest
from jaxstyle.transfer.scales import Scale, plan
from jaxstyle.transfer.sources import (
    RANDOM_INITS,
    Source,
    Sources,
    as_styles,
    initial_picture,
    is_word,
)
from jaxstyle.weights.network_cache import NetworkCache

UNDECAYED = 256
"""The size, in pixels, at which content terms have the weight that the settings say."""


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

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the terms."""
        return term_names(self.terms)

    def terms_at(self, size: int) -> tuple[Term, ...]:
        """Return the terms with their weights at a scale: see `Settings.content_decay`.

        Args:
            size: Longest side of the scale, pixels.
        """
        factor = self.settings.content_decay ** -math.log2(size / UNDECAYED)
        return tuple(
            replace(term, weight=term.weight * factor) if term.metric.kind == "content" else term
            for term in self.terms
        )

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
        starts_random = (is_word(init) and init in RANDOM_INITS) or bool(self.settings.init_noise)
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
        return tuple(mask for region in self.guide.regions for mask in region)

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
            id(self) if self.needs_beginnings else None,
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
            self.settings.memory,
            jax.tree.structure(self.terms),
            self.scales,
            self.guide.content.shape,
            tuple(style.shape for style in self.guide.styles),
            # The contents of a region decide shapes.
            self.guide.rotations if self.guide.regions else (),
            self._mask_digests,
        )

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
        return {role: _digest(picture).hex() for role, picture in pictures.items()}


def make_job(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings,
    sources: Sources,
    *,
    as_recorded: bool = False,
) -> Job:
    """Read the pictures, load the weights, and check what the settings ask for.

    Args:
        content: What to show.
        style: How to paint it, or several.
        settings: Of the run.
        sources: Where pictures and weights come from.
        as_recorded: The settings are of a manifest: nothing that it would say is added to them.

    Raises:
        ValueError: A picture or a setting that cannot be used.
        OSError: A file or weights that are not installed.
    """
    if isinstance(settings.calibration, str):
        constants = calibration.read_constants(settings.calibration)
        settings = replace(settings, calibration=constants)
    size = settings.size or (256 if jax.default_backend() == "cpu" else 512)
    original = sources.picture(content, "content", size)
    # As large as the largest strokes need it.
    style_size = round(size * max(1.0, *settings.style_scale))
    given = as_styles(style)
    least = guidance.LEAST_STYLE
    styles = [sources.picture(one, "style", style_size, least) for one in given]
    if settings.enlarge:
        original = enlarged(original, size)
        styles = [enlarged(style, style_size) for style in styles]
    for role, picture in (("content", original), *(("style", picture) for picture in styles)):
        if max(picture.shape[:2]) < size:
            sources.note(f"the {role} is smaller than {size} pixels and is not enlarged")
    guide = guidance.gather(_with_held_masks(settings, sources), original, styles, size)
    terms = terms_from_settings(settings, sources.networks, guide.assignments)
    extract, params = extractor_for(
        terms,
        sources.networks,
        pooling=settings.pooling,
        padding=settings.padding,
        precision=settings.precision,
    )
    scales = _scales(settings, original, guide, min_side(terms, extract), sources)
    if settings.recipe and not settings.calibrate and settings.calibration is None:
        method = recipes.method(settings.recipe)
        if method:
            height, width = guide.content.shape[:2]
            shapes = [fit_within(height, width, scale.size) for scale in scales]
            alone = terms_from_settings(settings, sources.networks)
            constants = method.constants(shapes, _stated(terms, alone))
            settings = replace(settings, calibration=constants)
    optimizer = optimizers.find(settings.optimizer, settings.optimizer_parameter)
    if settings.learning_rate and not optimizer.takes_rate:
        raise ValueError(
            "expected no learning_rate beside an optax transformation, which has its own"
        )
    if settings.rate_decay and optimizer.name.startswith("lbfgs"):
        raise ValueError(
            f"expected no rate_decay with {optimizer.name}, which learns from its steps"
        )
    if settings.recipe and settings.calibrate:
        weights = recipes.find(settings.recipe).weights
        sources.note(
            f"recipe {settings.recipe}: its constants were made for {weights}; here its "
            f"terms are calibrated to {', '.join(params)}"
        )
    initial, noise = initial_picture(settings, original, guide, sources, as_recorded=as_recorded)
    return Job(
        settings=replace(settings, init_noise=noise),
        size=size,
        optimizer=optimizer,
        rate=settings.learning_rate or optimizer.learning_rate,
        original=original,
        guide=guide,
        initial=initial,
        terms=terms,
        extract=extract,
        params=params,
        scales=scales,
        networks=sources.networks,
        inputs=_inputs(settings, content, given, sources),
    )


def _with_held_masks(settings: Settings, sources: Sources) -> Settings:
    """Return the settings with what masks' files hold in place of their paths."""
    masks = {
        role: tuple(map(sources.content, getattr(settings, role)))
        for role in ("content_mask", "style_mask")
    }
    return replace(settings, **masks)  # type: ignore[arg-type]


def _stated(terms: Sequence[Term], alone: Sequence[Term]) -> dict[str, tuple[str, int]]:
    """Return by each term's name that of its counterpart for one style and no mask, and its layers.

    Args:
        terms: Of all styles and regions.
        alone: Of one style and no mask.
    """

    def what(term: Term) -> Hashable:
        return term.metric, term.layers, term.window

    pairs = zip(term_names(alone), alone, strict=True)
    names = {what(term): name for name, term in pairs}
    named = zip(term_names(terms), terms, strict=True)
    return {name: (names[what(term)], len(term.layer_weights)) for name, term in named}


def _scales(
    settings: Settings, original: Picture, guide: guidance.Guide, least: int, sources: Sources
) -> tuple[Scale, ...]:
    """Plan the scales; those too small for the deepest layer are left out."""
    height, width = guide.content.shape[:2]
    if min(height, width) < least:
        raise ValueError(
            f"the content is too small: {original.shape[1]} × {original.shape[0]} pixels at this "
            f"size, where the deepest layer needs sides of {least}"
        )
    scales = plan(
        max(height, width),
        settings.scales,
        settings.steps,
        settings.scale_factor,
        settings.scale_steps,
        settings.coarse_steps,
        settings.final_steps,
        settings.first_steps,
    )
    usable = tuple(s for s in scales if min(fit_within(height, width, s.size)) >= least)
    if len(usable) < len(scales):
        sources.note(
            f"scales of less than {usable[0].size} pixels are left out: their short side "
            f"would be under {least}"
        )
    return usable


def _inputs(
    settings: Settings, content: Source, styles: Sequence[Source], sources: Sources
) -> dict[str, dict[str, str]]:
    """Record every file that is read by its role: `style`, then `style#2`."""
    groups: dict[str, Sequence[Any]] = {
        "content": [content],
        "style": styles,
        "content_mask": settings.content_mask,
        "style_mask": settings.style_mask,
    }
    if not is_word(settings.init):
        groups["init"] = [settings.init]
    return {
        f"{role}#{number + 1}" if number else role: sources.record(source, role)
        for role, group in groups.items()
        for number, source in enumerate(group)
    }


def resolved_settings(job: Job) -> dict[str, Any]:
    """Return the settings as JSON can hold them, every default filled in."""
    rate = job.rate if job.optimizer.takes_rate else None
    # A number that decides nothing would make strangers of runs that are the same.
    positions = job.settings.positions if job.draws else 0
    return to_plain(replace(job.settings, size=job.size, learning_rate=rate, positions=positions))


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
