"""Checkpoints: a run that was stopped, however suddenly, resumes where it was, to the same bytes.

`out.png.checkpoint` lies beside the picture while it is being made, the one before it in
`out.png.checkpoint-before`. A checkpoint is a safetensors file; its metadata hold a JSON text and
the SHA-256 of everything. The format of version 0.1 (a line, a line of JSON, arrays in NumPy's
format, a SHA-256) is still read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle._util.files import write_whole
from jaxstyle._util.log import logger
from jaxstyle.image.geometry import Picture
from jaxstyle.objective.calibration import Constants
from jaxstyle.plain import differences
from jaxstyle.settings import CHECKPOINT_SECONDS
from jaxstyle.transfer import manifest, memory
from jaxstyle.transfer.loop import Chunk, Loop
from jaxstyle.transfer.manifest import checkpoints_beside, plain
from jaxstyle.transfer.steppers.stepper import Layout

_OLD_MARK = b"jaxstyle checkpoint 1\n"
_EVERY_SIZE = 0
"""Stands for the size of constants that version 0.1 used at every scale."""
_COST = 20
"""Writing takes at most one part in so many of the time."""
_TYPES = {"float32": "F32", "float64": "F64", "int32": "I32", "bool": "BOOL", "bfloat16": "BF16"}


class RunState(NamedTuple):
    """The state of a run between two chunks of steps."""

    scale: int  # the current scale, from 0
    taken: int  # steps taken there
    state: Any  # the stepper's; of a checkpoint that was read, its leaves
    histories: Sequence[dict[str, list[float]]]  # losses so far, of each job
    failures: Sequence[str | None]  # what was not finite, of each job
    # the last good pictures of jobs that failed at an earlier scale, by number
    lost: Mapping[int, Picture]
    beginnings: Sequence[Picture]  # what the scale began with, where targets depend on it
    constants: Sequence[Mapping[int, Constants]]  # of each job, by size
    layouts: tuple[Layout, ...]  # how a step is laid out at each scale
    seconds: float  # spent so far

    @classmethod
    def after(cls, loop: Loop, chunk: Chunk, layouts: Sequence[Layout], seconds: float) -> RunState:
        """Return the state after a chunk of steps."""
        return cls(
            scale=chunk.scale,
            taken=chunk.taken,
            state=chunk.state,
            histories=[record.history for record in loop.records],
            failures=[record.failure for record in loop.records],
            lost=loop.lost,
            beginnings=loop.beginnings,
            constants=[constants.by_size for constants in loop.constants],
            layouts=tuple(layouts),
            seconds=seconds,
        )

    def resume(self, loop: Loop) -> Iterator[Chunk]:
        """Continue a loop from this state; its steppers are those of the state."""
        loop.lost, loop.beginnings = dict(self.lost), list(self.beginnings)
        for constants, by_size in zip(loop.constants, self.constants, strict=True):
            same = by_size.get(_EVERY_SIZE)
            constants.by_size |= {s.size: same for s in loop.jobs[0].scales} if same else by_size
        for record, history, failure in zip(
            loop.records, self.histories, self.failures, strict=True
        ):
            record.history, record.failure = history, failure
        size = loop.jobs[0].scales[self.scale].size
        state = loop.steppers[self.scale].restore(self.state, size)
        return loop.run(self.scale, self.taken, state)


class Checkpoints:
    """The checkpoints of one picture, or of one batch of pictures."""

    def __init__(
        self,
        picture: str | Path,
        identities: Sequence[Mapping[str, Mapping[str, Any]]] = (),
        every: float = CHECKPOINT_SECONDS,
    ) -> None:
        """Nothing is read or written yet.

        Args:
            picture: Beside which they lie.
            identities: All that decides the bytes of each job (`manifest.identity`).
            every: Seconds between two of them; longer where writing is slow. At 0 there is one
                after every chunk of steps, whatever it costs.

        Raises:
            ValueError: `every` is no number, or negative.
        """
        if not every >= 0:
            raise ValueError(f"expected checkpoint_seconds to be at least 0, got {every}")
        self._newest, self._previous = checkpoints_beside(picture)
        self._identities, self._every = identities, every
        self._last, self._cost = time.monotonic(), 0.0
        self._written: tuple[int, int] | None = None
        self._offered: RunState | None = None

    @property
    def exist(self) -> bool:
        """Whether there is one to resume from."""
        return self._newest.exists() or self._previous.exists()

    def offer(self, state: RunState) -> None:
        """Write a checkpoint, if it is time to."""
        self._offered = state
        since = time.monotonic() - self._last
        if not self._every or since >= max(self._every, _COST * self._cost):
            self.write(state)

    def write(self, state: RunState) -> None:
        """Write a checkpoint.

        A full disk does not end the run: it is logged, and there are no more checkpoints.
        """
        if (state.scale, state.taken) == self._written:
            return  # interrupted right after it: the one before is still of use
        begun = time.monotonic()
        try:
            if self._newest.exists():
                os.replace(self._newest, self._previous)
            write_whole(self._newest, lambda file: _write(file, state, self._identities))
            self._written = state.scale, state.taken
        except OSError as error:
            logger.warning(f"no checkpoint, and none after it: {error}")
            self._every = float("inf")
        self._last = time.monotonic()
        self._cost = self._last - begun

    def write_last(self) -> None:
        """Write the state that was offered last, of a run whose picture cannot be written."""
        if self._offered is not None:
            self.write(self._offered)

    def read(self) -> RunState | None:
        """Return the state of the newest checkpoint that is whole, or None if there is none.

        Raises:
            ValueError: The checkpoint is of another run; the message names what differs.
        """
        for path in (self._newest, self._previous):
            try:
                facts, leaves = _read(path)
                state, others = _state(facts, leaves), [*map(dict, facts["of"])]
            except FileNotFoundError:
                continue
            except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
                logger.warning(f"{path} is damaged and not used: {error}")
                continue
            _check_same(path, others, self._identities)
            _warn_of_cores(path, facts)
            return state
        return None

    def clear(self) -> None:
        """Remove them: the picture is written."""
        for path in (self._newest, self._previous):
            with contextlib.suppress(OSError):
                path.unlink()


def checkpointed(
    loop: Loop,
    checkpoints: Checkpoints | None,
    state: RunState | None = None,
    layouts: Sequence[Layout] = (),
) -> Generator[Chunk, None, None]:
    """Run a loop, or resume it from a state, and offer a checkpoint after each chunk of steps.

    If the generator is closed before its end, a checkpoint is written.

    Raises:
        MemoryError: There was less memory than planned.
    """
    began = time.perf_counter() - (state.seconds if state else 0.0)
    with memory.explained():
        for chunk in state.resume(loop) if state else loop.run():
            now = RunState.after(loop, chunk, layouts, time.perf_counter() - began)
            if checkpoints:
                checkpoints.offer(now)
            try:
                yield chunk
            except GeneratorExit:
                if checkpoints:
                    checkpoints.write(now)
                raise


def _write(file: BinaryIO, state: RunState, identities: Sequence[Mapping[str, Any]]) -> None:
    """Write a safetensors file, one array at a time: a state can fill most of the memory."""
    states = jax.tree.leaves(state.state)
    arrays = (*states, *state.lost.values(), *state.beginnings)
    leaves = [np.asarray(leaf, order="C") for leaf in arrays]
    constants = [
        {size: [np.asarray(values).tolist() for values in rows] for size, rows in by_size.items()}
        for by_size in state.constants
    ]
    facts = state._asdict() | {"state": len(states), "lost": [*state.lost]}
    facts |= {"beginnings": len(state.beginnings), "constants": constants, "of": identities}
    facts["device"] = manifest.environment()["device"]
    text = json.dumps(facts)
    digest = hashlib.sha256(text.encode())
    header: dict[str, Any] = {}
    end = 0
    for number, leaf in enumerate(leaves):
        digest.update(leaf.reshape(-1).view(np.uint8).data)
        begin, end = end, end + leaf.nbytes
        header[f"{number:04}"] = {
            "dtype": _TYPES[leaf.dtype.name],
            "shape": list(leaf.shape),
            "data_offsets": [begin, end],
        }
    header["__metadata__"] = {"jaxstyle": text, "sha256": digest.hexdigest()}
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    file.write(len(encoded).to_bytes(8, "little") + encoded)
    for leaf in leaves:
        file.write(leaf.reshape(-1).view(np.uint8).data)


def _read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as file:
        if file.read(len(_OLD_MARK)) == _OLD_MARK:
            return _read_old(path.read_bytes())
    try:
        opened: Any = safe_open(path, framework="np")
        kept = opened.metadata()
        leaves = [np.asarray(opened.get_tensor(name)) for name in sorted(opened.keys())]
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    digest = hashlib.sha256(kept["jaxstyle"].encode())
    for leaf in leaves:
        digest.update(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data)
    if digest.hexdigest() != kept["sha256"]:
        raise ValueError("its checksum is wrong")
    return json.loads(kept["jaxstyle"]), leaves


def _read_old(content: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read the format of version 0.1, which had one job."""
    kept, digest = memoryview(content)[:-32], content[-32:]
    if hashlib.sha256(kept).digest() != digest:
        raise ValueError("its checksum is wrong")
    file = io.BytesIO(kept)
    file.seek(len(_OLD_MARK))
    facts = json.loads(file.readline())
    arrays = [np.lib.format.read_array(file, allow_pickle=False) for _ in range(facts["state"])]
    facts["histories"], facts["failures"] = [facts.pop("history")], [None]
    facts["of"], facts["lost"] = [facts["of"]], []
    facts["constants"] = [{} if facts["constants"] is None else {_EVERY_SIZE: facts["constants"]}]
    return facts, arrays


def _check_same(
    path: Path, others: Sequence[Mapping[str, Any]], identities: Sequence[Mapping[str, Any]]
) -> None:
    """Refuse a checkpoint of another run; settings first, by their names."""
    if len(others) != len(identities):
        raise ValueError(f"expected {len(identities)} runs in {path}, got {len(others)}")
    for there, this in zip(others, identities, strict=True):
        for group in ("settings", "pictures", "weights", "versions"):
            theirs, ours = there[group], this[group]
            names = [n for n in dict.fromkeys((*ours, *theirs)) if ours.get(n) != theirs.get(n)]
            if group == "settings":
                names = differences(ours, theirs)
            for name in names:
                which = f"{name} {plain(theirs.get(name))}, not {plain(ours.get(name))}"
                which = f"another {name}" if group == "pictures" else which
                raise ValueError(
                    f"{path} is of a run with {which}; leave out --resume to start again"
                )


def _warn_of_cores(path: Path, facts: Mapping[str, Any]) -> None:
    """Say that the run went on another number of cores; version 0.1 did not count them."""
    now = manifest.environment()["device"].get("cores")
    then = facts.get("device", {}).get("cores", now)
    if then != now:
        logger.warning(
            f"{path} was written on {then} cores, now there are {now}: the picture will differ by "
            "rounding from that of an uninterrupted run"
        )


def _state(facts: Mapping[str, Any], leaves: list[np.ndarray]) -> RunState:
    constants = [
        {int(s): tuple(jnp.asarray(v, jnp.float32) for v in rows) for s, rows in by_size.items()}
        for by_size in facts["constants"]
    ]
    end = len(leaves) - facts.get("beginnings", 0)
    return RunState(
        scale=facts["scale"],
        taken=facts["taken"],
        state=leaves[: facts["state"]],
        histories=facts["histories"],
        failures=facts["failures"],
        lost=dict(zip(facts["lost"], leaves[facts["state"] : end], strict=True)),
        beginnings=leaves[end:],
        constants=constants,
        layouts=tuple(facts["layouts"]),
        seconds=facts["seconds"],
    )
