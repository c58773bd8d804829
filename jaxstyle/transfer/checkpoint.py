"""Checkpoints: a run that was stopped, however suddenly, goes on where it was, to the same bytes.

`out.png.checkpoint` lies beside the picture while it is being made, the one before it in
`out.png.checkpoint-before`. A checkpoint is one line, one line of JSON, arrays in NumPy's format,
and the SHA-256 of all that.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle._util.files import write_whole
from jaxstyle.optim.step import State
from jaxstyle.settings import CHECKPOINT_SECONDS
from jaxstyle.transfer.job import Calibration, Run
from jaxstyle.transfer.manifest import plain
from jaxstyle.transfer.programs import Layout

MARK = b"jaxstyle checkpoint 1\n"
_DEARER = 20
"""Writing takes at most one part in so many of the time."""


class RunState(NamedTuple):
    """Where a run stands.

    Attributes:
        scale: The scale at work, from 0.
        taken: Steps taken there.
        state: Of the optimizer.
        history: Losses so far.
        constants: Calibration constants.
        layouts: How a step is laid out at each scale.
        seconds: Spent so far.
    """

    scale: int
    taken: int
    state: State
    history: dict[str, list[float]]
    constants: Calibration | None
    layouts: tuple[Layout, ...]
    seconds: float


class Checkpoints:
    """The checkpoints of one picture."""

    def __init__(
        self, picture: str | Path, report: Callable[[str], None], every: float = CHECKPOINT_SECONDS
    ) -> None:
        """Nothing is read or written yet.

        Args:
            picture: Beside which they lie.
            report: Told what was found, and what could not be written.
            every: Seconds between two of them; longer where writing is slow. At 0 there is one
                whenever the host looks, whatever it costs.

        Raises:
            ValueError: `every` is no number, or negative.
        """
        if not every >= 0:
            raise ValueError(f"expected checkpoint_seconds to be at least 0, got {every}")
        picture = Path(picture)
        self._newest = picture.with_name(f"{picture.name}.checkpoint")
        self._before = picture.with_name(f"{picture.name}.checkpoint-before")
        self._report, self._every = report, every
        self._last, self._took = time.monotonic(), 0.0

    @property
    def there(self) -> bool:
        """Whether there is one to go on from."""
        return self._newest.exists() or self._before.exists()

    def offer(self, run: Run, standing: RunState) -> None:
        """Write where the run stands, if it is time to."""
        since = time.monotonic() - self._last
        if not self._every or since >= max(self._every, _DEARER * self._took):
            self.keep(run, standing)

    def keep(self, run: Run, standing: RunState) -> None:
        """Write where the run stands.

        A full disk does not end the run: it is reported, and there are no more checkpoints.
        """
        now = time.monotonic()
        try:
            if self._newest.exists():
                os.replace(self._newest, self._before)
            write_whole(self._newest, lambda file: _write(file, run, standing))
        except OSError as error:
            self._report(f"no checkpoint, and none after it: {error}")
            self._every = float("inf")
        self._last = time.monotonic()
        self._took = self._last - now

    def read(self, run: Run) -> RunState | None:
        """Where the run stood: of its newest checkpoint that is whole, or None if there is none.

        Raises:
            ValueError: The checkpoint is of another run; the message names what differs.
        """
        for path in (self._newest, self._before):
            try:
                facts, leaves = _read(path)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self._report(f"{path} is damaged and not used: {error}")
                continue
            _same(path, facts, run)
            standing = _standing(facts, leaves, run)
            taken = sum(scale.steps for scale in run.scales[: standing.scale]) + standing.taken
            self._report(f"going on after step {taken} of {run.steps} ({path.name})")
            return standing
        self._report("there is no checkpoint to go on from: starting at the first step")
        return None

    def clear(self) -> None:
        """Remove them: the picture is there."""
        for path in (self._newest, self._before):
            with contextlib.suppress(OSError):
                path.unlink()


class _Summed:
    """A file, and the SHA-256 of what was written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.sum = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sum.update(data)
        return self._file.write(data)


def _write(file: BinaryIO, run: Run, standing: RunState) -> None:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(standing.state)]
    constants = standing.constants
    facts = standing._asdict() | {
        "state": len(leaves),
        "constants": None if constants is None else [np.asarray(c).tolist() for c in constants],
        "of": run.identity,
    }
    summed = _Summed(file)
    summed.write(MARK + json.dumps(facts).encode() + b"\n")
    for leaf in leaves:
        np.lib.format.write_array(summed, leaf, allow_pickle=False)
    file.write(summed.sum.digest())


def _read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    content = path.read_bytes()
    if not content.startswith(MARK):
        raise ValueError("it is not a checkpoint of this version")
    kept, digest = memoryview(content)[:-32], content[-32:]
    if hashlib.sha256(kept).digest() != digest:
        raise ValueError("its checksum is wrong")
    file = io.BytesIO(kept)
    file.seek(len(MARK))
    facts = json.loads(file.readline())
    arrays = [np.lib.format.read_array(file, allow_pickle=False) for _ in range(facts["state"])]
    return facts, arrays


def _same(path: Path, facts: Mapping[str, Any], run: Run) -> None:
    """Refuse a checkpoint of another run; settings first, by their names."""
    own, there = run.identity, facts["of"]
    for group in ("settings", "pictures", "weights", "versions"):
        mine, others = own[group], there[group]
        for name in dict.fromkeys((*mine, *others)):
            if mine.get(name) != others.get(name):
                which = (
                    f"another {name}"
                    if group == "pictures"
                    else (f"{name} {plain(others.get(name))}, not {plain(mine.get(name))}")
                )
                raise ValueError(
                    f"{path} is of a run with {which}; leave out --resume to start anew"
                )


def _standing(facts: Mapping[str, Any], leaves: list[np.ndarray], run: Run) -> RunState:
    scale = facts["scale"]
    shape = (*run.shape(run.scales[scale].size), 3)
    image = jax.ShapeDtypeStruct(shape, jnp.float32)
    like = jax.eval_shape(lambda first: run.compiled.start(first, run.rate), image)
    state = jax.tree.unflatten(jax.tree.structure(like), [jnp.asarray(leaf) for leaf in leaves])
    constants = facts["constants"]
    return RunState(
        scale,
        facts["taken"],
        state,
        facts["history"],
        None if constants is None else tuple(jnp.asarray(c, jnp.float32) for c in constants),
        tuple(facts["layouts"]),
        facts["seconds"],
    )
