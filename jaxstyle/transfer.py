"""`stylize`: two pictures in, one picture out. The file to read first."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle import color, guidance, images, optimize, recipes, regions, samples, terms
from jaxstyle.images import Picture
from jaxstyle.objective import (
    Losses,
    Objective,
    Term,
    calibrate,
    double_exposure,
    evaluate,
    prepare,
)
from jaxstyle.pyramid import Scale, plan
from jaxstyle.settings import LEARNING_RATES, Settings, check_names
from jaxstyle.suggest import nearest
from jaxstyle.terms import Networks

CHUNK = 10
"""Steps between two looks of the host. On an accelerator they are one program. On a CPU, where
XLA's loops run on one thread, the program is a single step: twice as fast at 256 pixels
(benchmarks/scan.py)."""

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
    content, styles = guide.content, guide.styles
    networks = Networks(**fetched)
    parts = terms.from_settings(settings, networks, guide.looks)
    compiled = _Compiled(parts, networks, settings)
    if report and settings.recipe and settings.calibrate:
        weights_of = recipes.find(settings.recipe).weights
        report(
            f"recipe {settings.recipe}: its constants belong to {weights_of}; "
            f"its terms are calibrated to {', '.join(compiled.params)} instead"
        )
    scales = plan(max(content.shape[:2]), settings.scales, settings.steps)
    image = _initial(settings, content, styles[0], networks, fetched)
    params = compiled.params
    least = max(_LEAST_STYLE, terms.smallest_side(parts, networks))
    rate = settings.learning_rate or LEARNING_RATES[settings.optimizer]

    history: dict[str, list[float]] = {name: [] for name in ("total", *compiled.names)}
    constants = _constants(settings.calibration, compiled.names, parts)
    finite, failure = True, None
    for scale in scales:
        shape = images.fit(content.shape[0], content.shape[1], scale.size)
        pictures = (
            images.resize(content, shape),
            tuple(
                images.resize(each, _style_shape(each, content, shape, least)) for each in styles
            ),
        )
        seen = compiled.picks(parts, guide, *pictures)
        objective = compiled.prepare(params, *pictures, settings.seed, seen)
        if settings.calibrate and constants is None:
            # Once, where it is cheapest: all terms scale alike with the number of pixels.
            constants = compiled.calibrate(params, objective, *pictures).scales
        objective = replace(objective, scales=constants or objective.scales)
        state = compiled.start(jnp.asarray(images.resize(image, shape)), rate)
        for first in range(0, scale.steps, CHUNK):
            chunk_began = time.perf_counter()
            count = min(CHUNK, scale.steps - first)
            state, totals, losses = compiled.advance(params, objective, state, count, rate)
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
                        steps=sum(each.steps for each in scales),
                        size=scale.size,
                        loss=history["total"][-1],
                        terms={name: history[name][-1] for name in compiled.names},
                        seconds=now - began,
                        rate=rate_now,
                        seconds_left=_work_left(scales, step) / scale.size**2 / rate_now,
                        image=color.after(settings.color, np.asarray(state.image), original),
                    )
                )
        image = np.asarray(state.image)
        if not finite:
            break
    image = color.after(settings.color, image, original)
    facts = {
        "settings": _filled(settings, size, rate),
        "scales": [scale._asdict() for scale in scales],
        "calibration": {
            name: np.asarray(constant).tolist()
            for name, constant in zip(compiled.names, constants or (), strict=False)
        },
        "weights": {name: networks[name].sha256 for name in networks},
        "seconds": round(time.perf_counter() - began, 3),
    }
    return Stylized(image, history, finite, failure, facts)


class _Compiled:
    """The run's programs: each is traced once per picture size, numbers are arguments."""

    def __init__(self, parts: tuple[Term, ...], networks: Networks, settings: Settings) -> None:
        self.names = terms.names(parts)
        self._name = settings.optimizer
        extract, self.params = terms.extractor(
            parts, networks, pooling=settings.pooling, padding=settings.padding
        )
        self._extract = extract

        def _prepare(params: Any, content: Any, styles: Any, seed: Any, picks: Any) -> Objective:
            key = jax.random.key(seed)
            return prepare(partial(extract, params), parts, content, styles, key, picks)

        def _calibrate(params: Any, objective: Objective, content: Any, styles: Any) -> Objective:
            reference = double_exposure(content, styles)
            return calibrate(partial(extract, params), objective, reference)

        def _advance(
            params: Any, objective: Objective, state: Any, count: Any, rate: Any
        ) -> tuple[optimize.State, Losses]:
            return optimize.take_steps(
                partial(evaluate, partial(extract, params), objective),
                optimize.optimizer(self._name, rate),
                state,
                count,
                length=self._length,
            )

        self._length = 1 if jax.default_backend() == "cpu" else CHUNK
        self.prepare = jax.jit(_prepare)
        self.calibrate = jax.jit(_calibrate)
        # The state is donated: a step needs no second copy of L-BFGS's forty pictures.
        self._advance = jax.jit(_advance, donate_argnums=2)

    def advance(
        self,
        params: Any,
        objective: Objective,
        state: optimize.State,
        count: int,
        rate: float,
    ) -> tuple[optimize.State, Float[np.ndarray, " steps"], Float[np.ndarray, "steps terms"]]:
        """The state after `count` steps, at most `CHUNK`; each step's total and terms."""
        found = []
        for first in range(0, count, self._length):
            state, losses = self._advance(params, objective, state, jnp.array(count - first), rate)
            found.append(losses)
        totals = np.concatenate([np.asarray(losses.total) for losses in found])
        return (
            state,
            totals[:count],
            np.concatenate([np.asarray(one.terms) for one in found])[:count],
        )

    def picks(
        self,
        parts: Sequence[Term],
        guide: guidance.Guide,
        content: Picture,
        styles: Sequence[Picture],
    ) -> list[Any] | None:
        """What each term sees of the content and of its styles; None where all see everything."""
        if not guide.regions:
            return None
        found = []
        sizes = [self._sizes(each) for each in (content, *styles)]
        for part in parts:
            region = regions.Region() if part.region is None else guide.regions[part.region]
            found.append(
                (
                    regions.picks(region.content, part.metric, part.layers, sizes[0]),
                    tuple(
                        regions.picks(
                            guide.style_mask(region, which),
                            part.metric,
                            part.layers,
                            sizes[which + 1],
                        )
                        for which in part.styles
                    ),
                )
            )
        return found

    def _sizes(self, picture: Picture) -> dict[str, tuple[int, int]]:
        """Height and width of every layer, and of the picture."""
        shapes = jax.eval_shape(self._extract, self.params, picture)
        return {name: each.shape[:2] for name, each in shapes.items()} | {
            "image": picture.shape[:2]
        }

    def start(self, image: Float[Array, "h w 3"], rate: float) -> optimize.State:
        return optimize.start(optimize.optimizer(self._name, rate), image)


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


def _style_shape(
    style: Picture, content: Picture, shape: tuple[int, int], least: int
) -> tuple[int, int]:
    """The style shrinks as the content does: strokes keep their size in proportion."""
    shrink = max(shape) / max(content.shape[:2])
    height, width = style.shape[:2]
    # The deepest layer needs a position; so small a style has nothing more to say anyway.
    return (
        max(min(height, least), round(height * shrink)),
        max(min(width, least), round(width * shrink)),
    )


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
    content: Picture,
    style: Picture,
    networks: Networks,
    fetched: dict[str, Any],
) -> Picture:
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
    return images.resize(
        _picture(settings.init, "initial picture", max(content.shape[:2]), **fetched),
        content.shape[:2],
    )


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
