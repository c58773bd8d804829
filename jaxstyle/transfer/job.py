"""What a run works with: pictures as they are seen, weights, programs, sizes, the first picture.

`jaxstyle.transfer.stylize` does one run, `jaxstyle.grid.stylize_grid` many together.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle import recipes, samples
from jaxstyle._util.names import nearest
from jaxstyle.image import color
from jaxstyle.image.geometry import Picture, crop_from_bucket, fit_within, pad_to_bucket, resize
from jaxstyle.image.io import check_shape, check_values, read_image
from jaxstyle.objective import build as terms
from jaxstyle.objective import guidance
from jaxstyle.objective.build import Networks
from jaxstyle.objective.objective import Objective, Term
from jaxstyle.settings import LEARNING_RATES, Settings, check_names
from jaxstyle.transfer import manifest, memory
from jaxstyle.transfer.programs import Layout, Programs
from jaxstyle.transfer.scales import plan

CALIBRATION_SIZE = 256
"""Terms are put in one unit at the coarsest scale, and at this longest side if that is larger."""

LEAST_STYLE = 16
"""No side of a style becomes smaller than this, where it has as many pixels."""

Source = str | Path | Float[np.ndarray, "h w 3"] | Float[Array, "h w 3"]
Calibration = tuple[Float[Array, "_layers"], ...]


class Sources:
    """Where pictures and weights come from; runs that share one read each of them once.

    Attributes:
        networks: Weights by name.
        report: Told, in lines, what is fetched and what was noticed; each line once.
    """

    def __init__(
        self, *, report: Callable[[str], None] | None = None, offline: bool = False
    ) -> None:
        self._told: set[str] = set()
        self._report = report
        self._fetched: dict[str, Any] = {"offline": offline, "report": self.report}
        self._read: dict[tuple[str, int], Picture] = {}
        self.networks = Networks(**self._fetched)

    def report(self, line: str) -> None:
        """Pass a line on, unless it was told before."""
        if self._report and line not in self._told:
            self._told.add(line)
            self._report(line)

    def picture(self, source: Source, role: str, size: int) -> Picture:
        """A picture from a file, a sample or an array.

        Args:
            source: Which.
            role: What it is for, for messages.
            size: Longest side; a smaller picture is not enlarged.

        Raises:
            ValueError: It is no picture, or its values are not in [0, 1].
            OSError: It is not here.
        """
        if isinstance(source, (str, Path)):
            place = (str(source), size)
            if place not in self._read:
                path = samples.resolve(str(source), **self._fetched)
                self._read[place] = read_image(path, size=size)
            return self._read[place]
        array = np.asarray(source, np.float32)
        check_shape(array, f"the {role}")
        check_values(array, f"the {role}")
        return resize(array, fit_within(array.shape[0], array.shape[1], size))


class Run:
    """What a run works with.

    Attributes:
        settings: With every name checked.
        size: Longest side of the result.
        rate: Of the optimizer.
        original: The content as it was read.
        guide: What is seen of the pictures, laid into their buckets.
        networks: Weights.
        compiled: Programs.
        scales: Coarse to fine.
        initial: The picture to start from, in its bucket.
    """

    def __init__(
        self,
        content: Source,
        style: Source | Sequence[Source],
        settings: Settings,
        sources: Sources,
    ) -> None:
        """Read the pictures, load the weights, and check what the settings ask for.

        Raises:
            ValueError: A picture or a setting that cannot be used.
            OSError: A file or weights that are not here.
        """
        if isinstance(settings.calibration, str):
            settings = replace(settings, calibration=_read_constants(settings.calibration))
        self.settings = settings
        self.size = settings.size or (256 if jax.default_backend() == "cpu" else 512)
        self.original = sources.picture(content, "content", self.size)
        styles = tuple(style) if isinstance(style, (list, tuple)) else (style,)
        if not styles:
            raise ValueError("expected at least one style")
        # As large as the largest strokes need it.
        style_size = round(self.size * max(1.0, *settings.style_scale))
        given = [sources.picture(each, "style", style_size) for each in styles]
        for role, picture in (("content", self.original), *(("style", each) for each in given)):
            if max(picture.shape[:2]) < self.size:
                sources.report(f"the {role} is smaller than {self.size} pixels and is not enlarged")
        self.guide = guidance.gather(settings, self.original, given, self.size)
        self.networks = sources.networks
        parts = terms.from_settings(settings, self.networks, self.guide.looks)
        self.compiled = Programs(parts, self.networks, settings)
        least = terms.smallest_side(parts, self.networks)
        if min(self.guide.content.shape[:2]) < least:
            height, width = self.original.shape[:2]
            raise ValueError(
                f"the content is too small: {width} × {height} pixels at this size, where the "
                f"deepest layer needs sides of {least}"
            )
        if settings.recipe and settings.calibrate:
            weights_of = recipes.find(settings.recipe).weights
            sources.report(
                f"recipe {settings.recipe}: its constants were made for {weights_of}; here its "
                f"terms are calibrated to {', '.join(self.compiled.params)}"
            )
        longest = max(self.guide.content.shape[:2])
        scales = plan(
            longest, settings.scales, settings.steps, settings.scale_factor, settings.scale_steps
        )
        self.scales = tuple(each for each in scales if min(self.shape(each.size)) >= least)
        if len(self.scales) < len(scales):
            sources.report(
                f"scales of less than {self.scales[0].size} pixels are left out: their short side "
                f"would be under {least}"
            )
        self.rate = settings.learning_rate or LEARNING_RATES[settings.optimizer]
        self.initial = _initial(settings, self.original, self.guide, sources)

    @property
    def steps(self) -> int:
        """Over all scales."""
        return sum(scale.steps for scale in self.scales)

    def shape(self, size: int) -> tuple[int, int]:
        """Height and width at a scale."""
        height, width = self.guide.content.shape[:2]
        return fit_within(height, width, size)

    def style_shapes(self, size: int) -> list[tuple[int, int]]:
        """Of all styles: they shrink as the content does; strokes keep their size in proportion.

        But the deepest layer needs a position; so small a style has nothing more to say anyway.
        """
        least = max(LEAST_STYLE, terms.smallest_side(self.compiled.parts, self.networks))
        shrink = max(self.shape(size)) / max(self.guide.content.shape[:2])
        found = []
        for style in self.guide.styles:
            rows, columns = (max(min(s, least), round(s * shrink)) for s in style.shape[:2])
            found.append((rows, columns))
        return found

    def prepared(self, size: int, layout: Layout) -> Objective:
        """The objective at a scale, not calibrated."""
        content, styles = self._pictures(size)
        picks = self.compiled.picks(self.guide, self.shape(size), self.style_shapes(size))
        return self.compiled.prepare(content, styles, self.settings.seed, picks, layout)

    def _pictures(self, size: int) -> tuple[Picture, tuple[Picture, ...]]:
        pairs = zip(self.guide.styles, self.style_shapes(size), strict=True)
        styles = tuple(resize(style, shape) for style, shape in pairs)
        return resize(self.guide.content, self.shape(size)), styles

    def calibration(self) -> Calibration | None:
        """Calibration constants, given or computed, or None in a run that has none.

        Computed once where it is cheap: they scale alike with the pixels.
        """
        compiled = self.compiled
        constants = _constants(self.settings.calibration, compiled.names, compiled.parts)
        if constants is not None or not self.settings.calibrate:
            return constants
        size = min(self.scales[0].size, CALIBRATION_SIZE)
        pictures = self._pictures(size)
        return compiled.calibrate(self.prepared(size, "whole"), *pictures).scales

    @property
    def draws(self) -> bool:
        """Whether the seed changes anything."""
        return self._random or self.settings.init in ("noise", "style")

    @property
    def _random(self) -> bool:
        return any(part.metric.random for part in self.compiled.parts)

    @cached_property
    def seen(self) -> Hashable:
        """Equal for two runs whose targets and calibration constants are the same numbers."""
        parts = [replace(part, weight=0.0) for part in self.compiled.parts]
        numbers = tuple(
            float(leaf) if np.ndim(leaf) == 0 else id(leaf) for leaf in jax.tree.leaves(parts)
        )
        given = self.settings.calibrate and json.dumps(self.settings.calibration, default=str)
        pictures = (self.guide.content, *self.guide.styles)
        return (
            *(_digest(picture) for picture in pictures),
            self.guide.turns,
            self._regions,
            numbers,
            self.settings.seed if self._random else None,
            given,
        )

    @cached_property
    def kind(self) -> Hashable:
        """Equal for two runs that can share every program and go through the same scales."""
        parts = self.compiled.parts
        styles = tuple(style.shape for style in self.guide.styles)
        return (
            self.compiled.kind,
            jax.tree.structure(parts),
            self.scales,
            self.guide.content.shape,
            styles,
            # What lies in a region decides shapes.
            self.guide.turns if self.guide.regions else (),
            self._regions,
        )

    @property
    def _regions(self) -> tuple[Any, ...]:
        masks = (mask for region in self.guide.regions for mask in region)
        return tuple(None if mask is None else _digest(mask) for mask in masks)

    def plan(self) -> memory.Plan:
        """How a step is laid out at full size."""
        shape, styles = self.shape(self.scales[-1].size), self.style_shapes(self.scales[-1].size)
        picks = self.compiled.picks(self.guide, shape, styles)
        wanted = self.settings.memory
        found = memory.plan(self.compiled, shape, styles, picks, self.rate, wanted)
        return found._replace(shape=self.original.shape[:2])

    def shown(self, image: Picture) -> Picture:
        """A picture of the run, out of its bucket, in the colors that it is to be shown in."""
        pairs = zip(self.original.shape[:2], self.guide.content.shape[:2], strict=True)
        rows, columns = (own / whole for own, whole in pairs)
        return color.after(
            self.settings.color, crop_from_bucket(image, (rows, columns)), self.original
        )

    def work_left(self, step: int) -> float:
        """Steps still to come, each counted by the square of its size."""
        work = 0
        for scale in self.scales:
            work += max(0, scale.steps - step) * scale.size**2
            step = max(0, step - scale.steps)
        return work

    def filled(self) -> dict[str, Any]:
        """The settings with every default filled in."""
        found = asdict(replace(self.settings, size=self.size, learning_rate=self.rate))
        for name in ("content_mask", "style_mask"):
            # An array is not kept: it could be as large as a picture.
            masks = (each if isinstance(each, str) else "an array" for each in found[name])
            found[name] = tuple(masks)
        return found

    @cached_property
    def identity(self) -> dict[str, dict[str, Any]]:
        """All that decides the bytes of the result: equal for runs that are the same."""
        masks = (mask for region in self.guide.regions for mask in region)
        pictures = {
            "content": self.guide.content,
            **{f"style {n}": style for n, style in enumerate(self.guide.styles, 1)},
            **{f"mask {n}": mask for n, mask in enumerate(masks, 1) if mask is not None},
            "first picture": self.initial,
        }
        environment = manifest.environment()
        return {
            "settings": manifest.plain(self.filled()),
            "pictures": {role: _digest(picture).hex() for role, picture in pictures.items()},
            "weights": self.networks.sums(),
            "versions": environment["versions"] | environment["device"],
        }

    def facts(self, constants: Calibration | None) -> dict[str, Any]:
        """What a manifest needs to know of the run beforehand."""
        return {
            "settings": self.filled(),
            "scales": [scale._asdict() for scale in self.scales],
            "calibration": {
                name: np.asarray(constant).tolist()
                for name, constant in zip(self.compiled.names, constants or (), strict=False)
            },
            "weights": self.networks.sums(),
        }


class Record:
    """What the steps of a run gave.

    Attributes:
        history: Each term's unweighted loss at every step, by name; and `"total"`, weighted.
        failure: One line on what was not finite and when, or None.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.history: dict[str, list[float]] = {name: [] for name in ("total", *names)}
        self.failure: str | None = None

    @property
    def steps(self) -> int:
        """Taken so far."""
        return len(self.history["total"])

    def add(
        self,
        totals: Float[np.ndarray, " steps"],
        losses: Float[np.ndarray, "steps terms"],
        taken: int,
        size: int,
    ) -> None:
        """Write down a chunk of steps.

        Args:
            totals: The weighted loss before each step.
            losses: Each term's.
            taken: How many of them were finite; the one after them, if there is, was not.
            size: Longest side of the scale, pixels.
        """
        self.history["total"] += totals[:taken].tolist()
        for name, column in zip(self._names, losses.T, strict=True):
            self.history[name] += column[:taken].tolist()
        if taken == len(totals):
            return
        guilty = [
            n for n, loss in zip(self._names, losses[taken], strict=True) if not math.isfinite(loss)
        ]
        what = f"the loss of {', '.join(guilty)}" if guilty else "the gradient or the update"
        self.failure = (
            f"{what} stopped being finite at step {self.steps + 1} ({size} pixels); "
            "try a smaller learning rate"
        )

    def last(self) -> dict[str, float]:
        """Each term's loss at the last step."""
        return {name: self.history[name][-1] for name in self._names}


def chosen_settings(settings: Settings | None, changes: Mapping[str, Any]) -> Settings:
    """Settings with changes on top; the defaults, or a recipe's, if none are given.

    Raises:
        TypeError: A change of a setting that does not exist.
        ValueError: A value out of its range, or settings together with a recipe.
    """
    check_names(dict(changes))
    if settings is None:
        return recipes.settings(**changes)
    if changes.get("recipe"):
        raise ValueError("expected settings or a recipe, got both")
    return replace(settings, **changes)


def _digest(array: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()


def _constants(
    given: str | Mapping[str, Sequence[float]] | None, names: Sequence[str], parts: Sequence[Term]
) -> Calibration | None:
    """Calibration constants given by hand, checked against the terms that they are for."""
    if given is None:
        return None
    assert not isinstance(given, str)  # a run reads the file when it begins
    found = []
    for name, part in zip(names, parts, strict=True):
        values = np.atleast_1d(np.asarray(given.get(name, []), np.float32))
        if values.shape != (len(part.layer_weights),) or not np.isfinite(values).all():
            raise ValueError(
                f"expected {len(part.layer_weights)} finite calibration constants for {name}, "
                f"got {given.get(name)}"
            )
        found.append(jnp.asarray(values))
    return tuple(found)


def _read_constants(path: str) -> Mapping[str, Sequence[float]]:
    try:
        given = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"expected JSON in {path}: {error}") from None
    except OSError as error:
        raise OSError(f"cannot read the constants in {path}: {error.strerror}") from None
    found: Mapping[str, Sequence[float]] = {}
    if isinstance(given, dict):
        found = given.get("calibration", given)
    return found


def _initial(
    settings: Settings,
    original: Picture,
    guide: guidance.Guide,
    sources: Sources,
) -> Picture:
    """The picture to start from, in the content's bucket."""
    content, style = guide.content, guide.styles[0]
    random = np.random.default_rng(settings.seed)
    if settings.init == "content":
        return content
    if settings.init == "noise":
        return np.clip(0.5 + 0.1 * random.standard_normal(content.shape), 0, 1).astype(np.float32)
    if settings.init == "style":
        colors = style.reshape(-1, 3).astype(np.float64)
        spread = color.covariance(colors)
        noise = random.multivariate_normal(colors.mean(0), spread, content.shape[:2], method="svd")
        return np.clip(noise, 0, 1).astype(np.float32)
    if settings.init == "adain":
        from jaxstyle.backbones import adain

        encoder, decoder = (
            sources.networks[name].tensors for name in ("vgg19-normalized", "adain-decoder")
        )
        return np.asarray(adain.stylized(encoder, decoder, content, style))
    path = Path(settings.init)
    if not (":" in settings.init or path.suffix or path.exists()):
        known = ("content", "noise", "style", "adain")
        raise ValueError(
            f"expected init to be {', '.join(known)} or a picture file, got {settings.init!r}"
            f"{nearest(settings.init, known)}"
        )
    given = sources.picture(settings.init, "initial picture", max(original.shape[:2]))
    return pad_to_bucket(resize(given, original.shape[:2]), content.shape[:2])
