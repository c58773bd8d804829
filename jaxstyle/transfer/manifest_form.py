"""The form of a manifest: a hand may have edited one that is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxstyle._util.forms import (
    FLAG,
    MAPPING,
    NUMBER,
    NUMBERS_OR_ROWS,
    TEXT,
    TEXT_OR_NULL,
    Form,
    listing,
    mapping,
    one_of,
    record,
    whole_number,
)
from jaxstyle.image.encode import Encoding
from jaxstyle.plain import from_plain

_LARGEST_TILE, _MOST_LANES, _LARGEST_SIZE, _MOST_STEPS = 2**16, 2**16, 2**16, 2**31 - 1


def _is_layout(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and 0 < value <= _LARGEST_TILE
    return value in ("whole", "recompute")


_LAYOUT = one_of("whole, recompute or the side of tiles in pixels", _is_layout)
_LANES = {"lanes": whole_number(1, _MOST_LANES), "shared": FLAG}
_MEMORY = {
    "layouts": listing(_LAYOUT),
    "lane": whole_number(0, _MOST_LANES - 1),
    "devices": whole_number(1, _MOST_LANES),
}


def _memory(key: str, value: Any) -> None:
    """Check how a step was laid out: of one run, or of a lane among others."""
    MAPPING(key, value)
    record(_LANES if "shared" in value else {}, _MEMORY)(key, value)


def _output(key: str, value: Any) -> None:
    """Check how the picture's file was written."""
    MAPPING(key, value)
    try:
        Encoding.from_plain(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


_MANIFEST: Form = record(
    {
        "settings": MAPPING,
        "inputs": mapping(record({"sha256": TEXT}, {"path": TEXT, "cut": TEXT})),
        "weights": mapping(TEXT),
        "versions": mapping(TEXT),
        "device": record({"platform": TEXT, "kind": TEXT}, {"cores": TEXT}),
        "memory": _memory,
        "history": record({"total": listing(NUMBER)}),
        "finite": FLAG,
        "failure": TEXT_OR_NULL,
        "seconds": NUMBER,
    },
    {
        "schema": whole_number(1, 2**31 - 1),
        "scales": listing(
            record({"size": whole_number(1, _LARGEST_SIZE), "steps": whole_number(0, _MOST_STEPS)})
        ),
        "calibration": mapping(NUMBERS_OR_ROWS),
        "papers": listing(TEXT),
        "picture": record({"name": TEXT, "sha256": TEXT}),
        "output": _output,
        "texture": FLAG,
        "continues": record({"sha256": TEXT, "steps": mapping(whole_number(0, _MOST_STEPS))}),
        "not_replayable": listing(TEXT),
    },
)


def check_form(path: str | Path, facts: Any) -> None:
    """Check all that is read from a manifest.

    Settings that this version does not know are left to whoever needs them, and so are those of a
    run that is not replayable, which are names of objects.

    Raises:
        ValueError: A key is missing, or has another kind of value; the message names it.
    """
    try:
        _MANIFEST("", facts)
        mapping(listing(NUMBER))("history", facts["history"])
        if not facts.get("not_replayable"):
            from_plain(facts["settings"])
    except TypeError:
        pass
    except ValueError as error:
        raise ValueError(f"{path} is a damaged manifest: {error}") from None
