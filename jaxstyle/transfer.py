"""`stylize`: two pictures in, one picture out. The file to read first."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle import color, guidance, images, memory, pyramid, recipes, samples, terms
from jaxstyle.images import Picture
from jaxstyle.objective import Objective, Term
from jaxstyle.programs import Layout, Programs
from jaxstyle.pyramid import Scale
from jaxstyle.settings import LEARNING_RATES, Settings, check_names
from jaxstyle.suggest import nearest
from jaxstyle.terms import Networks

CALIBRATION_SIZE = 256
"""Terms are put in one unit at the coarsest scale, and at this longest side if that is larger."""

Source = str | Path | Float[np.ndarray, "h w 3"] | Float[Array, "h w 3"]


class Progress(NamedTuple):
    """What a run tells between chunks.

    Attributes:
        step: Steps taken over all scales.
        steps: Steps that there will be.
        size: Longest side of the scale at work, pixels.
        loss: The weighted total at the last step.
        terms: Each term's unweighted loss by name.
        seconds: Since the run began.
        rate: Steps per second, in the last chunk.
        seconds_left: An estimate: a step costs in proportion to its pixels.
        image: The picture as it stands.
    """

    step: int
    steps: int
    size: int
    loss: float
    terms: dict[str, float]
    seconds: float
    rate: float
    seconds_left: float
    image: Picture


class Stylized(NamedTuple):
    """What `stylize` returns.

    Attributes:
        image: The picture, sRGB in [0, 1], float32.
        history: Each term's unweighted loss at every step, by name; and `"total"`, weighted.
        finite: False if a loss, gradient or pixel stopped being finite: `image` is then the last
            good picture, and `failure` says where it happened.
        failure: One line on what was not finite and when, or None.
        facts: What a manifest needs: settings with every default filled in, calibration constants,
            scales, weights and their SHA-256, seconds.
    """

    image: Picture
    history: dict[str, list[float]]
    finite: bool
    failure: str | None
    facts: dict[str, Any]


def stylize(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    report: Callable[[str], None] | None = None,
    offline: bool = False,
    **changes: Any,
) -> Stylized:
    """Make the content look as if it were painted like the style.

    Args:
        content: What to show: a file, `"sample:NAME"`, or an array in [0, 1].
        style: How to paint it: likewise; a list or tuple of several.
        settings: Everything that can be chosen; the defaults if not given.
        on_progress: Called between chunks of steps.
        report: Told, in lines, what is fetched and what was noticed.
        offline: Never fetch weights or pictures.
        changes: Settings by name, on top of `settings`: `stylize(a, b, size=128)`.

    Returns:
        The picture, every term's history, and whether all stayed finite.

    Raises:
        ValueError: A picture or a setting that cannot be used.
        TypeError: A setting that does not exist.
        OSError: A file or weights that are not here.

    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> made = stylize(photo, painting, steps=2, scales=1)
    >>> made.image.shape
    (24, 32, 3)
    """
    began = time.perf_counter()
    run = _set_up(content, style, settings, changes, report, offline)
    settings, compiled = run.settings, run.compiled
    chosen = run.plan()
    if report:
        report(str(chosen))
    if chosen.advice and settings.memory == "auto":
        raise ValueError(str(chosen))
    image = run.initial
    rate = run.rate
    history: dict[str, list[float]] = {name: [] for name in ("total", *compiled.names)}
    constants = _constants(settings.calibration, compiled.names, compiled.parts)
    if settings.calibrate and constants is None:
        constants = run.calibrated()
    finite, failure, state = True, None, None
    for scale in run.scales:
        shape = run.shape(scale.size)
        layout = chosen.layout_at(scale.size)
        objective = run.prepared(scale.size, layout)
        objective = replace(objective, scales=constants or objective.scales)
        state = compiled.start(jnp.asarray(images.resize(image, shape)), rate, state)
        chunk = compiled.chunk(layout, scale.size)
        for first in range(0, scale.steps, chunk):
            chunk_began = time.perf_counter()
            count = min(chunk, scale.steps - first)
            state, totals, losses = compiled.advance(objective, state, count, rate, layout)
            taken = count if state.finite else int(state.step) - first
            history["total"] += totals[:taken].tolist()
            for name, column in zip(compiled.names, losses.T, strict=True):
                history[name] += column[:taken].tolist()
            if not state.finite:
                finite = False
                failure = _diagnosis(compiled.names, losses[min(taken, count - 1)], history, scale)
                break
            if on_progress:
                now = time.perf_counter()
                step = len(history["total"])
                rate_now = count / (now - chunk_began)
                on_progress(
                    Progress(
                        step=step,
                        steps=sum(each.steps for each in run.scales),
                        size=scale.size,
                        loss=history["total"][-1],
                        terms={name: history[name][-1] for name in compiled.names},
                        seconds=now - began,
                        rate=rate_now,
                        seconds_left=_work_left(run.scales, step) / scale.size**2 / rate_now,
                        image=run.shown(np.asarray(state.image)),
                    )
                )
        image = np.asarray(state.image)
        if not finite:
            break
    facts = {
        "settings": _filled(settings, run.size, rate),
        "scales": [scale._asdict() for scale in run.scales],
        "calibration": {
            name: np.asarray(constant).tolist()
            for name, constant in zip(compiled.names, constants or (), strict=False)
        },
        "weights": {name: run.networks[name].sha256 for name in run.networks},
        "memory": {
            "layout": chosen.layout,
            "predicted": chosen.peak,
            "measured": memory.peak(),
            "available": chosen.available,
        },
        "seconds": round(time.perf_counter() - began, 3),
    }
    return Stylized(run.shown(image), history, finite, failure, facts)


def plan(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None = None,
    *,
    report: Callable[[str], None] | None = None,
    offline: bool = False,
    **changes: Any,
) -> memory.Plan:
    """How much memory `stylize` would take with the same arguments, and how it would do a step.

    Nothing runs: the programs are compiled, and say themselves what they need.
    """
    return _set_up(content, style, settings, changes, report, offline).plan()


class _Run(NamedTuple):
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

    settings: Settings
    size: int
    rate: float
    original: Picture
    guide: guidance.Guide
    networks: Networks
    compiled: Programs
    scales: tuple[Scale, ...]
    initial: Picture

    def shape(self, size: int) -> tuple[int, int]:
        """Height and width at a scale."""
        height, width = self.guide.content.shape[:2]
        return images.fit(height, width, size)

    def style_shapes(self, size: int) -> list[tuple[int, int]]:
        """Of all styles: they shrink as the content does; strokes keep their size in proportion.

        But the deepest layer needs a position; so small a style has nothing more to say anyway.
        """
        least = max(_LEAST_STYLE, terms.smallest_side(self.compiled.parts, self.networks))
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
        styles = tuple(images.resize(style, shape) for style, shape in pairs)
        return images.resize(self.guide.content, self.shape(size)), styles

    def calibrated(self) -> tuple[Float[Array, _layers], ...]:
        """Calibration constants, once where it is cheap: they scale alike with the pixels."""
        size = min(self.scales[0].size, CALIBRATION_SIZE)
        pictures = self._pictures(size)
        return self.compiled.calibrate(self.prepared(size, "whole"), *pictures).scales

    def plan(self) -> memory.Plan:
        """How a step is laid out at full size."""
        shape, styles = self.shape(self.scales[-1].size), self.style_shapes(self.scales[-1].size)
        picks = self.compiled.picks(self.guide, shape, styles)
        return memory.plan(self.compiled, shape, styles, picks, self.rate, self.settings.memory)

    def shown(self, image: Picture) -> Picture:
        """A picture of the run, out of its bucket, in the colors that it is to be shown in."""
        pairs = zip(self.original.shape[:2], self.guide.content.shape[:2], strict=True)
        rows, columns = (own / whole for own, whole in pairs)
        return color.after(
            self.settings.color, pyramid.lifted(image, (rows, columns)), self.original
        )


def _set_up(
    content: Source,
    style: Source | Sequence[Source],
    settings: Settings | None,
    changes: dict[str, Any],
    report: Callable[[str], None] | None,
    offline: bool,
) -> _Run:
    check_names(changes)
    if settings is None:
        settings = recipes.settings(**changes)
    elif changes.get("recipe"):
        raise ValueError("expected settings or a recipe, got both")
    else:
        settings = replace(settings, **changes)
    size = settings.size or (256 if jax.default_backend() == "cpu" else 512)
    fetched: dict[str, Any] = {"offline": offline, "report": report}
    original = _picture(content, "content", size, **fetched)
    sources = tuple(style) if isinstance(style, (list, tuple)) else (style,)
    # As large as the largest strokes need it.
    style_size = round(size * max(1.0, *settings.style_scale))
    given = [_picture(each, "style", style_size, **fetched) for each in sources]
    for role, picture in (("content", original), *(("style", each) for each in given)):
        if report and max(picture.shape[:2]) < size:
            report(f"the {role} is smaller than {size} pixels and is not enlarged")
    guide = guidance.gather(settings, original, given, size)
    networks = Networks(**fetched)
    parts = terms.from_settings(settings, networks, guide.looks)
    compiled = Programs(parts, networks, settings)
    if report and settings.recipe and settings.calibrate:
        weights_of = recipes.find(settings.recipe).weights
        report(
            f"recipe {settings.recipe}: its constants belong to {weights_of}; "
            f"its terms are calibrated to {', '.join(compiled.params)} instead"
        )
    longest = max(guide.content.shape[:2])
    scales = pyramid.plan(
        longest, settings.scales, settings.steps, settings.scale_factor, settings.scale_steps
    )
    rate = settings.learning_rate or LEARNING_RATES[settings.optimizer]
    initial = _initial(settings, original, guide, networks, fetched)
    return _Run(settings, size, rate, original, guide, networks, compiled, scales, initial)


def _picture(source: Source, role: str, size: int, **fetched: Any) -> Picture:
    if isinstance(source, (str, Path)):
        return images.read(samples.resolve(str(source), **fetched), size=size)
    array = np.asarray(source, np.float32)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(f"expected the {role} of shape (height, width, 3), got {array.shape}")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"expected the {role}'s values in [0, 1], got {array.min()} to {array.max()}"
        )
    return images.resize(array, images.fit(array.shape[0], array.shape[1], size))


_LEAST_STYLE = 16


def _constants(
    given: str | Mapping[str, Sequence[float]] | None, names: Sequence[str], parts: Sequence[Term]
) -> tuple[Float[Array, _layers], ...] | None:
    """Calibration constants given by hand, checked against the terms that they are for."""
    if given is None:
        return None
    if isinstance(given, str):
        try:
            given = json.loads(Path(given).read_text("utf-8"))
        except ValueError as error:
            raise ValueError(f"expected JSON in {given}: {error}") from None
        except OSError as error:
            raise OSError(f"cannot read the constants in {given}: {error.strerror}") from None
        given = given.get("calibration", given) if isinstance(given, dict) else {}
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


def _initial(
    settings: Settings,
    original: Picture,
    guide: guidance.Guide,
    networks: Networks,
    fetched: dict[str, Any],
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
        spread = np.cov(colors.T) if len(colors) > 1 else np.zeros((3, 3))
        noise = random.multivariate_normal(colors.mean(0), spread, content.shape[:2], method="svd")
        return np.clip(noise, 0, 1).astype(np.float32)
    if settings.init == "adain":
        from jaxstyle.backbones import adain

        encoder, decoder = (
            networks[name].tensors for name in ("vgg19-normalized", "adain-decoder")
        )
        return np.asarray(adain.stylized(encoder, decoder, content, style))
    path = Path(settings.init)
    if not (":" in settings.init or path.suffix or path.exists()):
        known = ("content", "noise", "style", "adain")
        raise ValueError(
            f"expected init to be {', '.join(known)} or a picture file, got {settings.init!r}"
            f"{nearest(settings.init, known)}"
        )
    given = _picture(settings.init, "initial picture", max(original.shape[:2]), **fetched)
    return pyramid.laid(images.resize(given, original.shape[:2]), content.shape[:2])


def _work_left(scales: Sequence[Scale], step: int) -> float:
    """Steps still to come, each counted by the square of its size."""
    work = 0
    for scale in scales:
        work += max(0, scale.steps - step) * scale.size**2
        step = max(0, step - scale.steps)
    return work


def _diagnosis(
    names: Sequence[str],
    losses: Float[np.ndarray, _t],
    history: dict[str, list[float]],
    at: Scale,
) -> str:
    guilty = [name for name, loss in zip(names, losses, strict=True) if not math.isfinite(loss)]
    what = f"the loss of {', '.join(guilty)}" if guilty else "the gradient or the update"
    return (
        f"{what} stopped being finite at step {len(history['total']) + 1} ({at.size} pixels); "
        "try a smaller learning rate"
    )


def _filled(settings: Settings, size: int, rate: float) -> dict[str, Any]:
    found = asdict(replace(settings, size=size, learning_rate=rate))
    for name in ("content_mask", "style_mask"):
        # An array is not kept: it could be as large as a picture.
        masks = (each if isinstance(each, str) else "an array" for each in found[name])
        found[name] = tuple(masks)
    return found
