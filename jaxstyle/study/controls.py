"""Controls: pictures that a method should leave as they are.

*Identity*: one painting is both the content and the style. *Crop*: the right half of a painting is
the content, its left half the style, so the content is in the style already. A method that changes
them changes more than the style, and puts there what is its own: grain, halos, blur.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture
from jaxstyle.objective.judge import judge
from jaxstyle.settings import Settings
from jaxstyle.study.judging import halves
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.progress import OnProgress
from jaxstyle.transfer.run_jobs import run_jobs
from jaxstyle.transfer.sources import Sources

CONTROLS: Mapping[str, Callable[[Picture], tuple[Picture, Picture]]] = {
    "identity": lambda painting: (painting, painting),
    "crop": lambda painting: (halves(painting)[1], halves(painting)[0]),
}
"""The content and the style that each control makes of a painting."""
DISTANCES = ("lpips", "ms_ssim")


class Control(NamedTuple):
    """What a method did to a picture that it should leave as it is."""

    picture: Float[np.ndarray, "h w 3"]
    changed: dict[str, float]  # by each of `DISTANCES`, 0 if it is what it was


def controls(
    paintings: Sequence[Float[np.ndarray, "h w 3"]],
    settings: Settings,
    *,
    lanes: int | None = None,
    on_progress: OnProgress | None = None,
    offline: bool = False,
) -> dict[str, list[Control]]:
    """Make the controls of paintings, and measure how far each is from its content.

    Args:
        paintings: sRGB in [0, 1], of one shape, so that they share a program.
        settings: Of all runs; its size is that of the longest side.
        lanes: The most pictures at a time (default: as memory allows).
        on_progress: Called between chunks of steps.
        offline: Never fetch weights.

    Returns:
        For each of `CONTROLS` one control a painting.

    Raises:
        RuntimeError: A run failed.
    """
    sources = Sources(offline=offline)
    names = [name for name in CONTROLS for _ in paintings]
    pairs = [CONTROLS[name](painting) for name in CONTROLS for painting in paintings]
    jobs = [make_job(content, style, settings, sources) for content, style in pairs]
    distances = {name: judge(name, offline=offline) for name in DISTANCES}
    made: dict[int, Control] = {}
    for number, result in run_jobs(jobs, lanes=lanes, on_progress=on_progress):
        if result.failure:
            raise RuntimeError(result.failure)
        picture, content = jnp.asarray(result.image), jnp.asarray(pairs[number][0])
        changed = {name: float(of(picture, content)) for name, of in distances.items()}
        made[number] = Control(result.image, changed)
    return {
        name: [made[number] for number, of in enumerate(names) if of == name] for name in CONTROLS
    }
