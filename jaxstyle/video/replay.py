"""A film again, from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from jaxstyle._util.files import sha256
from jaxstyle._util.names import nearest
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.manifest_paths import role_of
from jaxstyle.transfer.replay import place_of, recorded_settings
from jaxstyle.transfer.sources import Sources
from jaxstyle.video import manifest
from jaxstyle.video.clip import Selection
from jaxstyle.video.film_settings import FilmSettings
from jaxstyle.video.make import FilmRun
from jaxstyle.video.writing import Encoding

_ENCODING = ("codec", "crf", "lossless")


def replayed(
    run: Path,
    output: Path,
    inputs: Mapping[str, str] | None = None,
    *,
    changed_inputs: bool = False,
    offline: bool = False,
) -> FilmRun:
    """Return the run that makes the film of a manifest again.

    Args:
        run: The manifest.
        output: The new film.
        inputs: Where inputs are now, by role: `clip`, `style`, `flow` …
        changed_inputs: Accept inputs that changed.
        offline: Never fetch anything.

    Raises:
        ValueError: It is no manifest of a film, it is not replayable, or an input changed.
        OSError: An input is missing.
    """
    inputs = inputs or {}
    facts = manifest.read(run)
    if facts is None:
        raise ValueError(f"{run} is not the manifest of a film of jaxstyle")
    if missing := facts.get("not_replayable"):
        raise ValueError(f"{run} is not replayable: a manifest cannot hold {', '.join(missing)}")
    records = facts["inputs"]
    for role in inputs:
        if role not in records:
            raise ValueError(
                f"no input {role!r} among {', '.join(records)}{nearest(role, records)}"
            )
    sources = Sources(offline=offline)
    places: dict[str, Path | str] = {}
    for role, record in records.items():
        if role == "clip" or "sha256" not in record:  # a film; a folder
            places[role] = Path(inputs.get(role, record["path"]))
        else:
            moved = inputs.get(role)
            places[role] = place_of(run, role, record, moved, changed_inputs, sources)
    clip = Path(places.pop("clip"))
    flow = places.pop("flow", None)
    then = records["clip"].get("sha256")
    if then and clip.is_file() and sha256(clip) != then and not changed_inputs:
        raise ValueError(f"the clip, {clip}, is not the file that it was")
    return FilmRun(
        clip=str(clip),
        styles=[place for role, place in places.items() if role_of(role) == "style"],
        output=output,
        settings=recorded_settings(run, cast(Manifest, facts), places),
        film=FilmSettings.from_plain(facts["film"]),
        selection=Selection.from_plain(facts["selection"]),
        times=tuple(facts["times"]),
        flow=None if flow is None else Path(flow),
        encoding=_encoding(facts["output"], output),
        offline=offline,
        then=facts["frames"],
    )


def _encoding(written: Mapping[str, Any], output: Path) -> Encoding:
    """Return how the film was written, if the new file is of the same kind."""
    if output.suffix != Path(written["name"]).suffix or not output.suffix:
        return Encoding()
    return Encoding(**{name: written[name] for name in _ENCODING if name in written})
