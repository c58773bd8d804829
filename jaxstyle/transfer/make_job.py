"""How a job is made: pictures are read, weights loaded, and settings checked against both."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from jaxstyle import recipes
from jaxstyle.backbones.extractor import extractor
from jaxstyle.image.geometry import Picture, fit_within, shape_at
from jaxstyle.objective import calibration, guidance
from jaxstyle.objective.build import (
    LEAST_UNIT,
    extractor_for,
    min_side,
    terms_from_settings,
    tile_unit,
)
from jaxstyle.objective.term import Term, layers_of, term_names
from jaxstyle.optim import optimizers
from jaxstyle.settings import Settings
from jaxstyle.specs import Wrap, wrap_of
from jaxstyle.transfer.completion import completes, picture_to_complete, surroundings
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.pictures import Pictures, in_whole_units, read_pictures
from jaxstyle.transfer.scales import Scale, plan
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.transfer.start import initial_picture
from jaxstyle.transfer.textures import check_texture


def make_job(
    content: Source | None,
    style: Source | Sequence[Source],
    settings: Settings,
    sources: Sources,
    *,
    as_recorded: bool = False,
) -> Job:
    """Read the pictures, load the weights, and check what the settings ask for.

    Args:
        content: What to show; None for a texture.
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
    given = as_styles(style)
    wrap = wrap_of(settings.padding, settings.tile)
    is_weighted = settings.style_weight or settings.content_weight or settings.smoothness
    pictures = _pictures(content, given, settings, sources)
    if any(wrap):
        unit = _unit(settings, wrap, sources) if is_weighted else LEAST_UNIT
        pictures = in_whole_units(pictures, wrap, unit, sources)
    original, frame = pictures.content, pictures.frame
    guide = _guide(pictures, settings, sources)
    planned = _planned(settings, guide, is_texture=content is None)
    terms: tuple[Term, ...] = ()  # of a run that only moves colors: no network is loaded
    if is_weighted or any(scale.steps for scale in planned):
        terms = terms_from_settings(settings, sources.networks, guide.assignments, guide.contents)
    if content is None:
        check_texture(settings, terms)
    extract, params = extractor_for(
        terms,
        sources.networks,
        pooling=settings.pooling,
        padding=settings.padding,
        precision=settings.precision,
        wrap=wrap,
    )
    scales = _usable(planned, original, guide, min_side(terms, extract), sources)
    settings = _with_constants(settings, guide, scales, terms, sources)
    optimizer = _optimizer(settings)
    if settings.recipe and settings.calibrate and terms:
        weights = recipes.find(settings.recipe).weights
        sources.note(
            f"recipe {settings.recipe}: its constants were made for {weights}; here its "
            f"terms are calibrated to {', '.join(params)}"
        )
    coarsest = shape_at(guide.content.shape, scales[0].size, wrap, tile_unit(extract))
    initial, noise = initial_picture(
        settings,
        original,
        guide,
        sources,
        frame,
        as_recorded=as_recorded,
        drawn=coarsest if content is None else None,
    )
    return Job(
        settings=replace(settings, init_noise=noise),
        size=frame.size,
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
        inputs=sources.records(settings, content, given),
        alpha=pictures.alpha,
        is_texture=content is None,
    )


def _pictures(
    content: Source | None, styles: Sequence[Source], settings: Settings, sources: Sources
) -> Pictures:
    """Read all pictures but the one to start from."""
    if not completes(settings):
        return read_pictures(content, styles, settings, sources)
    if content is not None:
        raise ValueError("expected no keep and no extend with a content: they complete a texture")
    return picture_to_complete(styles, settings, sources)


def _guide(pictures: Pictures, settings: Settings, sources: Sources) -> guidance.Guide:
    """Return what the objective compares with."""
    free = pictures.free
    guide = guidance.gather(
        sources.with_masks(settings),
        pictures.content,
        pictures.styles,
        pictures.frame.size,
        pictures.frame,
        pictures.palette,
        content_alpha=pictures.alpha if free is None else surroundings(free),
        style_alphas=pictures.style_alphas,
        originals=pictures.originals,
    )
    if free is not None:
        return guide._replace(inside=free)
    if guide.inside is not None:
        sources.note("outside the masks the content stays; --outside style paints there, too")
    return guide


def _with_constants(
    settings: Settings,
    guide: guidance.Guide,
    scales: Sequence[Scale],
    terms: Sequence[Term],
    sources: Sources,
) -> Settings:
    """Return settings with the constants that a recipe's method states, if there is one."""
    is_bare = not settings.calibrate and settings.calibration is None
    method = recipes.method(settings.recipe) if settings.recipe and is_bare and terms else None
    if not method:
        return settings
    height, width = guide.content.shape[:2]
    shapes = [fit_within(height, width, scale.size) for scale in scales]
    alone = terms_from_settings(settings, sources.networks)
    constants = method.constants(shapes, _stated(terms, alone))
    return replace(settings, calibration=constants)


def _unit(settings: Settings, wrap: Wrap, sources: Sources) -> int:
    """Return what the sides of a picture that wraps are multiples of, by the layers compared."""
    terms = terms_from_settings(settings, sources.networks)
    backbones = {str(r.backbone): r for r in layers_of(terms)}
    known = {name: sources.networks.backbone(name) for name in backbones}
    return tile_unit(extractor(layers_of(terms), known, pooling=settings.pooling, wrap=wrap))


def _optimizer(settings: Settings) -> optimizers.Optimizer:
    optimizer = optimizers.find(settings.optimizer, settings.optimizer_parameter)
    if settings.learning_rate and not optimizer.takes_rate:
        raise ValueError(
            "expected no learning_rate beside an optax transformation, which has its own"
        )
    if settings.rate_decay and optimizer.name.startswith("lbfgs"):
        raise ValueError(
            f"expected no rate_decay with {optimizer.name}, which learns from its steps"
        )
    return optimizer


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


def _planned(settings: Settings, guide: guidance.Guide, *, is_texture: bool) -> tuple[Scale, ...]:
    """Plan the scales; without steps the picture is not resized on its way."""
    scales = plan(
        max(guide.content.shape[:2]),
        settings.scales,
        settings.steps,
        settings.scale_factor,
        settings.scale_steps,
        settings.coarse_steps,
        settings.final_steps,
        settings.first_steps,
        max(max(style.shape[:2]) for style in guide.styles) if is_texture else None,
    )
    return scales if any(scale.steps for scale in scales) else scales[-1:]


def _usable(
    scales: Sequence[Scale],
    original: Picture,
    guide: guidance.Guide,
    least: int,
    sources: Sources,
) -> tuple[Scale, ...]:
    """Leave out the scales that are too small for the deepest layer."""
    height, width = guide.content.shape[:2]
    if min(height, width) < least:
        raise ValueError(
            f"the picture is too small: {original.shape[1]} × {original.shape[0]} pixels at this "
            f"size, where the deepest layer needs sides of {least}"
        )
    usable = tuple(s for s in scales if min(fit_within(height, width, s.size)) >= least)
    if len(usable) < len(scales):
        sources.note(
            f"scales of less than {usable[0].size} pixels are left out: their short side "
            f"would be under {least}"
        )
    return usable
