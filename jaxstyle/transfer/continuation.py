"""More of the same: a finished picture is the start of a run with more steps, or a larger size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Unpack, cast

from jaxstyle._util import arguments
from jaxstyle._util.files import sha256
from jaxstyle._util.inputs import as_text
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.image.framing import frame_of, shape_of, whole_size
from jaxstyle.image.geometry import fit_within
from jaxstyle.settings import Settings
from jaxstyle.specs import INITS
from jaxstyle.transfer.changes import Changes
from jaxstyle.transfer.earlier import Earlier
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.manifest import Manifest, beside
from jaxstyle.transfer.manifest_paths import role_of
from jaxstyle.transfer.presets import overridden, read_run
from jaxstyle.transfer.replay import place_of, recorded_settings
from jaxstyle.transfer.result import Progress, Result
from jaxstyle.transfer.sources import Source, Sources, as_styles
from jaxstyle.transfer.stylize import run_job


class Continuation(NamedTuple):
    """What a run that continues a picture is made of."""

    content: Any
    styles: tuple[Any, ...]
    settings: Settings
    earlier: Earlier

    def job(self, sources: Sources) -> Job:
        """Make the job; errors are those of `make_job`."""
        job = make_job(self.content, self.styles, self.settings, sources)
        return replace(job, earlier=self.earlier)


def continue_from(
    run: str | Path,
    *,
    content: Source | None = None,
    style: Source | Sequence[Source] | None = None,
    inputs: Mapping[str, str | Path] | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    offline: bool = False,
    **changes: Unpack[Changes],
) -> Result:
    """Continue a finished picture: with more steps, other weights, or at a larger size.

    Settings and inputs are those of its manifest. The run starts from the picture, at its size or,
    where the size that is asked for is larger, at the first scale above it: no coarse scale is run
    again. The new history has the earlier losses first.

    Args:
        run: The picture, or its manifest.
        content: In place of the manifest's.
        style: Likewise; one or several.
        inputs: Where inputs are now, by role (`content`, `style`, `style#2`, …).
        on_progress: Called between chunks of steps.
        offline: Never fetch weights or pictures.
        changes: Settings by name, on top of the manifest's. `steps` are those at full size, if not
            given as many as before.

    Raises:
        ValueError: There is no manifest, or it cannot be continued; a setting that cannot be used.
        TypeError: A setting that does not exist.
        OSError: A file is missing.

    >>> import numpy as np, jaxstyle
    >>> from tempfile import TemporaryDirectory
    >>> photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    >>> result = jaxstyle.stylize(photo, painting, steps=1, scales=1)
    >>> with TemporaryDirectory() as folder:
    ...     path = result.save(Path(folder) / "once.png")
    ...     more = continue_from(path, content=photo, style=painting, steps=2)
    >>> len(more.history["total"])
    3
    """
    arguments.flags(offline=offline)
    arguments.functions(on_progress=on_progress)
    sources = Sources(offline=offline)
    styles = None if style is None else as_styles(style)
    continuation = continuation_of(
        run, cast("Mapping[str, Any]", changes), sources, content, styles, inputs or {}
    )
    return run_job(continuation.job(sources), on_progress=on_progress)


def continuation_of(
    run: str | Path,
    changes: Mapping[str, Any],
    sources: Sources,
    content: Source | None = None,
    styles: Sequence[Source] | None = None,
    inputs: Mapping[str, str | Path] | None = None,
) -> Continuation:
    """Return the inputs and the settings of a run that continues a picture; see `continue_from`."""
    run = arguments.path("run", run)
    if "init" in changes:
        raise ValueError("expected no init: a run that continues a picture starts from it")
    path, facts = _record_of(run)
    picture = _picture_of(run, path, facts)
    if facts.get("texture"):
        raise ValueError(
            f"{path} is of a texture: jaxstyle texture --init {picture} starts from it"
        )
    lost = set(facts.get("not_replayable", ())) - set(facts["inputs"])
    if lost:
        raise ValueError(f"{path} cannot be continued: it cannot hold {', '.join(sorted(lost))}")
    given = {"content": content, "style": styles, **changes}
    replaced = {"init", *(name for name, value in given.items() if value is not None)}
    paths = _locate(path, facts, inputs or {}, replaced, sources)
    plain = {**facts["settings"], "init": "content"}
    settings = recorded_settings(path, cast("Manifest", {**facts, "settings": plain}), paths)
    chosen_content = paths["content"] if content is None else content
    located = tuple(place for key, place in paths.items() if role_of(key) == "style")
    scales = facts.get("scales", [])
    steps = scales[-1]["steps"] if scales else settings.steps
    settings = continued_settings(settings, changes, picture, steps, chosen_content, sources)
    history = facts.get("history") or dict[str, list[float]](total=[])
    earlier = Earlier(sha256(picture), history)
    return Continuation(
        chosen_content, located if styles is None else tuple(styles), settings, earlier
    )


def _record_of(run: Path) -> tuple[Path, Manifest]:
    """Return the manifest of a picture or of its own path; what the picture holds, without one."""
    manifest = beside(run)
    path = manifest if manifest.is_file() else run
    return path, read_run(path)


def _picture_of(run: Path, path: Path, facts: Manifest) -> Path:
    """Return the picture's file, and say so if it is not as the run left it."""
    record = facts.get("picture", {})
    picture = run
    if run == path and "history" in facts:
        picture = run.parent / Path(record.get("name", run.with_suffix(".png").name)).name
    if not picture.is_file():
        raise FileNotFoundError(f"there is no file {picture}, the picture of {path}")
    if record and sha256(picture) != record["sha256"]:
        logger.warning(f"{picture} is not as its run left it; it is continued as it is now")
    return picture


def _locate(
    path: Path,
    facts: Manifest,
    moved: Mapping[str, str | Path],
    replaced: set[str],
    sources: Sources,
) -> dict[str, Path | str]:
    """Return where each input is that still counts."""
    records = {key: r for key, r in facts["inputs"].items() if role_of(key) not in replaced}
    for role in moved:
        if role not in records:
            raise ValueError(
                f"no input {role!r} among {', '.join(records)}{nearest(role, records)}"
            )
    places = {}
    for role, record in records.items():
        try:
            places[role] = place_of(path, role, record, moved.get(role), False, sources)
        except ValueError:
            if "path" not in record:
                raise
            places[role] = place_of(path, role, record, moved.get(role), True, sources)
            logger.warning(f"the {role}, {places[role]}, is not the file that it was")
    return places


def continued_settings(
    settings: Settings,
    changes: Mapping[str, Any],
    picture: Path,
    steps: int,
    content: Source,
    sources: Sources,
) -> Settings:
    """Return the settings of the run: the earlier ones with changes, from the picture's size on.

    Args:
        settings: The earlier ones, with a size.
        changes: Settings by name, on top of them.
        picture: The file to start from.
        steps: At full size, unless `changes` say.
        content: What the run shows.
        sources: Where it is read.
    """
    # What says how a run begins is over.
    over: dict[str, Any] = {
        "init": as_text(picture, INITS),
        "init_noise": None,
        "details": False,
        "first_steps": None,
        "final_steps": None,
        "scale_steps": (),
        "steps": steps,
        "calibration": _last_constants(settings.calibration),
    }
    settings = overridden(replace(settings, **over), changes)
    if {"scales", "scale_steps", "scale_factor"} & changes.keys():
        return settings
    growth = _longest(settings, content, sources) / max(shape_of(picture))
    levels = max(1, round(math.log(max(1.0, growth)) / math.log(settings.scale_factor)))
    # The first scale is one factor above the picture.
    factor = growth ** (1 / levels) if levels > 1 else settings.scale_factor
    return replace(settings, scales=levels, scale_factor=factor)


def _longest(settings: Settings, content: Source, sources: Sources) -> int:
    """Return the longest side of the result, pixels."""
    shape, size = sources.shape(content, "content"), settings.size
    assert size is not None  # a manifest says it
    longest = whole_size(shape, size, settings.fit)
    if settings.enlarge:
        shape = shape[0] * longest, shape[1] * longest  # large enough for any size
    return max(frame_of(fit_within(*shape, longest), size, settings.fit).part)


def _last_constants(constants: Any) -> Any:
    """Return calibration constants of the last scale, of those that are given for each."""
    if not isinstance(constants, Mapping):
        return constants
    rows = {name: list(rows) for name, rows in constants.items()}
    return {
        name: list(row[-1]) if row and isinstance(row[-1], (list, tuple)) else row
        for name, row in rows.items()
    }
