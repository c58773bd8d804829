"""The cores that a process computes on."""

from __future__ import annotations

import os


def cores() -> int:
    """Return how many cores XLA computes on: those that the process may use, or `NPROC`."""
    given = os.environ.get("NPROC", "")
    if given.isdecimal() and int(given):
        return int(given)
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity else os.cpu_count() or 1
