"""A manifest without a run: what its form asks for, and nothing else."""

import json
from pathlib import Path


def write_manifest(picture: Path, inputs: dict[str, dict[str, str]] | None = None) -> None:
    """Write one beside a picture, which need not exist."""
    facts = {
        "kind": "jaxstyle manifest",
        "picture": {"name": picture.name, "sha256": "0"},
        "inputs": inputs or {},
        "device": {"platform": "cpu", "kind": "cpu"},
        "history": {"total": []},
        "finite": True,
        "failure": None,
        "seconds": 1,
        **{name: {} for name in ("settings", "weights", "versions", "memory")},
    }
    picture.with_suffix(".json").write_text(json.dumps(facts))
