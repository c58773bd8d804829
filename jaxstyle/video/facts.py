"""What a film's manifest says of all its frames, and of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jaxstyle.citations import summary
from jaxstyle.settings import GUIDES, Settings
from jaxstyle.transfer import manifest, owed
from jaxstyle.transfer.job import Job, resolved_settings
from jaxstyle.video.canvas import Painted, Place
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.schedule import moving_guides


def shared_facts(
    job: Job, settings: Settings, film: FilmSettings, times: Sequence[float]
) -> dict[str, Any]:
    """Return what all frames share.

    Args:
        job: Of the first frame.
        settings: Of the film, where masks may be clips.
        film: How its frames follow one another.
        times: When each style is shown.
    """
    checksums = job.networks.checksums()
    moving = moving_guides(settings)
    # Of what differs from frame to frame: where it comes from, not this frame's.
    fixed = {name: getattr(settings, name) for name in ("style_shares", *GUIDES)}
    whole = replace(job, settings=replace(job.settings, **fixed))
    inputs = {role: dict(record) for role, record in job.inputs.items() if role != "content"}
    inputs |= {role: {"path": path} for role, path in moving.items()}
    facts = {
        "settings": manifest.plain(resolved_settings(whole)),
        "film": film.to_plain(),
        "times": list(times),
        "scales": [scale._asdict() for scale in job.scales],
        "inputs": inputs,
        "weights": checksums,
        "papers": [*map(summary, owed.of_film(job.settings, checksums))],
        **manifest.environment(),
    }
    obstacles = [one for one in whole.obstacles if one != "content" and one not in moving]
    return {**facts, "not_replayable": obstacles} if obstacles else facts


def frame_facts(painted: Painted, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a manifest says of a frame; `before` is what it said after an earlier pass."""
    facts = {
        "cut": painted.is_cut,
        "visible": round(painted.visible, 4),
        "steps": painted.steps,
        "losses": dict(painted.losses),
        "failure": painted.failure,
        "seconds": round(painted.seconds, 3),
    }
    place = None if painted.place is None else list(painted.place)
    if before is None:
        return facts if place is None else {**facts, "lanes": [place]}
    facts |= {"cut": before["cut"], "sha256": before["sha256"]}
    facts["steps"] += before["steps"]
    facts["seconds"] = round(facts["seconds"] + before["seconds"], 3)
    places = [*before.get("lanes", [None]), place]
    return facts if places == [None, None] else {**facts, "lanes": places}


def place_in(facts: Mapping[str, Any], which: int) -> Place | None:
    """Return in which lane a frame was painted, by a manifest, in a pass; None for alone.

    >>> place_in({"lanes": [None, [4, 1]]}, 1)
    Place(width=4, lane=1)
    """
    places = facts.get("lanes", ())
    return Place(*places[which]) if which < len(places) and places[which] else None
