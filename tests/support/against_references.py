"""How far methods are from `support.reference_recipes`: losses, gradients, first steps."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxstyle
from jaxstyle import recipes
from jaxstyle.metrics import find
from jaxstyle.objective.objective import evaluate
from jaxstyle.specs import as_specs
from jaxstyle.transfer.constants import JobConstants
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.whole import WholeStepper
from support.fetching import needed
from support.reference_cases import content, directions, file_of, pictures, places, start, style


class Case(NamedTuple):
    """A method on a network, at a scale."""

    name: str
    backbone: str
    scale: int


def cases():
    """Every case that has a reference."""
    for recipe in recipes.RECIPES.values():
        for variant in recipe.methods:
            name = f"{recipe.name}/{variant}"
            if file_of(name).exists():
                with np.load(file_of(name)) as made:
                    keys = {tuple(key.split()[:2]) for key in made if " " in key}
                yield from (Case(name, backbone, int(scale)) for backbone, scale in sorted(keys))


def _projected(y, key):
    along = jnp.asarray(directions(y.shape[1]), jnp.float32)
    return along, jnp.sort(y @ along, axis=0)


ALONG_GIVEN = replace(find("redrawn_sliced_wasserstein"), summarize=_projected)
"""In the directions that the reference has too."""


def settings(case, side):
    """The settings of one scale of a method, as if that were all there is."""
    needed(case.backbone)
    given = recipes.settings(recipe=case.name, backbone=case.backbone, size=side, scales=1)
    if given.color == "oklab":
        given = replace(given, color="style")  # what comes after all steps
    if case.name == "sliced_wasserstein/pytorch":
        given = replace(given, metric=as_specs(ALONG_GIVEN))
    # As many layers as the network has of them.
    job = make_job(content(side), style(side), given, Sources())
    terms = {n: (n, len(t.layer_weights)) for n, t in zip(job.names, job.terms, strict=True)}
    shapes = [(side, side)] * (case.scale + 1)
    constants = recipes.method(case.name).constants(shapes, terms)
    return replace(given, calibration={term: rows[-1] for term, rows in constants.items()})


class Errors(NamedTuple):
    """Of losses, relative to them; of gradients, relative to their root mean square."""

    loss: float
    median: float
    largest: float

    def within(self, limits):
        """Whether each is below its limit."""
        return all(error < limit for error, limit in zip(self, limits, strict=True))


@partial(jax.jit, static_argnames="extract")
def _loss_and_gradient(params, prepared, image, step, *, extract):
    """Compiled once for all methods of the same terms."""

    def total(image):
        return evaluate(partial(extract, params), prepared, image, step).total

    return jax.value_and_grad(total)(image)


def errors(case, limits=None):
    """Compute the errors of a case, the worst of three pictures.

    Where two values of a window are equal up to rounding, pooling may choose another than the
    reference, and processors round sines in more than one way: of the picture and its neighbors in
    float32, darker and brighter, the one counts whose gradient is the nearest. Where the
    picture itself is within given limits, it counts, and its neighbors are not computed.
    """
    expected = dict(np.load(file_of(case.name)))
    side, step = int(expected["side"]), int(expected["at"])
    job = make_job(content(side), style(side), settings(case, side), Sources())
    prepared = WholeStepper(job).prepare(side, [JobConstants(job).at])

    def of_picture(number, picture):
        value, gradient = _loss_and_gradient(
            job.params, prepared, picture, jnp.array(step), extract=job.extract
        )
        key = f"{case.backbone} {case.scale} {number}"
        sampled = np.asarray(gradient).ravel()[places(gradient.size)]
        off = np.abs(sampled - expected[f"{key} gradient"]) / expected[f"{key} size"]
        loss_off = abs(float(value) / expected[f"{key} loss"] - 1)
        return Errors(loss_off, float(np.median(off)), float(off.max()))

    def of_nearest(number, picture):
        itself = of_picture(number, picture)
        if limits and itself.within(limits):
            return itself
        neighbors = (np.nextafter(picture, np.float32(n)) for n in (0, 1))
        others = (of_picture(number, neighbor) for neighbor in neighbors)
        return min(itself, *others, key=lambda of_one: of_one.median)

    rows = [of_nearest(number, picture) for number, picture in enumerate(pictures(side))]
    return Errors(*map(max, zip(*rows, strict=True)))


class StepsError(NamedTuple):
    """After a number of steps, how far a picture is off and moved (root mean squares)."""

    steps: int
    off: float
    moved: float

    @property
    def limit(self):
        """How far off a picture may be.

        Adam's and RMSprop's first steps are as long for the smallest gradient as for the largest.
        A bare L-BFGS's first step moves a pixel by little more than float32 rounds it.
        """
        return (1e-2 if self.steps > 1 else 1e-3) * self.moved + 1e-7


def error_of_steps(case):
    """Compute how far the picture is off after the first steps; `None` if none are compared.

    As in `errors`, the start or one of its neighbors in float32 counts, the one that ends the
    nearest; where the start itself is within the limit, it counts.
    """
    expected = dict(np.load(file_of(case.name)))
    steps, side = int(expected["taken"]), int(expected["side"])
    if not steps:
        return None
    key = f"{case.backbone} {case.scale}"
    theirs = np.clip(expected[f"{key} steps"], 0, 1)

    def of_start(init):
        result = jaxstyle.stylize(
            content(side),
            style(side),
            settings(case, side),
            **{
                "steps": steps,
                "first_steps": None,
                "final_steps": None,
                "init": init,
                "init_noise": None,
                "details": False,
            },
        )
        off = result.image.ravel()[places(result.image.size)] - theirs
        return StepsError(steps, float(np.sqrt(np.mean(off**2))), float(expected[f"{key} moved"]))

    itself = of_start(start(side))
    if itself.off < itself.limit:
        return itself
    neighbors = (np.nextafter(start(side), np.float32(n)) for n in (0, 1))
    return min(itself, *map(of_start, neighbors), key=lambda of_one: of_one.off)
