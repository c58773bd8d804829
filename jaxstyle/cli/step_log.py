"""Losses of every step while a run goes: a file of JSON lines, or a folder for TensorBoard.

What cannot be written is logged, and nothing is written after it: the run goes on. A run that is
resumed at an earlier step than it had written writes no step twice.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxstyle._util.files import check_folder, check_outputs, reason
from jaxstyle._util.log import logger

if TYPE_CHECKING:
    from jaxstyle.transfer.result import Losses, Progress


class StepLog:
    """Writes an object for each step: `step`, `size`, `total`, `terms`, `parts`, `seconds`.

    Of these, `terms` are unweighted losses by name, `parts` what each adds to `total`, and
    `seconds` are those since the run began.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        """Nothing is written before the first step.

        Raises:
            ValueError: Something else lies there.
            OSError: It may not be read.
        """
        self._path, self._resume = path, resume
        self._file: Any = None
        self._failed = False
        self._is_stream = path.exists() and not path.is_file()  # a pipe, of another program
        if path.exists() and not self._is_stream and not _is_log(path):
            raise ValueError(f"{path} exists and is no log of steps; choose another file")

    def __call__(self, progress: Progress) -> None:
        """Write the steps since the last time."""
        if self._failed or not progress.latest:
            return
        try:
            if self._file is None:
                self._file = self._opened(progress.latest[0].step)
            for losses in progress.latest:
                self._file.write(json.dumps(_line(losses, progress)) + "\n")
            self._file.flush()
        except OSError as error:
            first = progress.latest[0].step
            logger.warning(
                f"no log of step {first}, and of none after it: {_why(error, self._path)}"
            )
            self._failed = True
            self.close()

    def _opened(self, first: int) -> Any:
        """Open the file behind the last line of an earlier step."""
        if self._is_stream:
            return self._path.open("w", encoding="utf-8")
        file = self._path.open("r+b" if self._path.exists() else "w+b")
        end = 0
        if self._resume:
            for line in file:
                step = _step_of(line)
                if step is None or step >= first:
                    break
                end += len(line)
        file.truncate(end)
        file.close()
        return self._path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                if not self._failed:
                    logger.warning(f"the log is not complete: {_why(error, self._path)}")
            self._file = None


class TensorBoard:
    """Writes each step's losses for TensorBoard: scalars `total`, `terms/…`, `parts/…`, `size`."""

    def __init__(self, folder: Path) -> None:
        """Nothing is written before the first step.

        Raises:
            ValueError: A file lies there, or the package is not installed.
        """
        check_folder(folder)
        try:
            import tensorboardX  # noqa: F401
        except ImportError:
            raise ValueError(
                "--tensorboard needs tensorboardX: pip install 'jaxstyle[tensorboard]'"
            ) from None
        self._folder = folder
        self._writer: Any = None
        self._failed = False

    def __call__(self, progress: Progress) -> None:
        """Write the steps since the last time."""
        if self._failed or not progress.latest:
            return
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        try:
            self._writer = self._writer or self._opened(progress.latest[0].step)
            for losses in progress.latest:
                scalars = [*_scalars(losses), ("size", progress.size)]
                values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars]
                event = Event(
                    step=losses.step, wall_time=time.time(), summary=Summary(value=values)
                )
                self._writer.write_event(event)
            self._writer.flush()
        except OSError as error:
            logger.warning(f"no losses for TensorBoard any more: {_why(error, self._folder)}")
            self._failed = True
            self.close()

    def _opened(self, first: int) -> Any:
        """Return a new file's writer; of the same steps, what was written before does not count."""
        # Not `SummaryWriter`, whose thread waits for ever where the disk is full.
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self._folder.mkdir(parents=True, exist_ok=True)
        writer = EventsWriter(str(self._folder / "events"))
        start = SessionLog(status=SessionLog.START)
        writer.write_event(Event(step=first, wall_time=time.time(), session_log=start))
        return writer

    def close(self) -> None:
        """Write what is left, and close the file."""
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                if not self._failed:
                    logger.warning(f"losses for TensorBoard are lost: {_why(error, self._folder)}")
            self._writer = None


def check_log(log: Path | None, outputs: Iterable[str | Path], read: Iterable[str | Path]) -> None:
    """Refuse a log in the place of a file that is read, or that is written otherwise.

    Raises:
        ValueError: It is, or it is a folder.
        OSError: There is no folder to write it into.
    """
    if log is None:
        return
    if log.is_dir():
        raise ValueError(f"expected a file for the log, {log} is a folder")
    if not log.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {log.parent} to write {log.name} into")
    check_outputs([log], read)
    if os.path.realpath(log) in map(os.path.realpath, outputs):
        raise ValueError(f"{log} is written by the run itself; choose another file for the log")


def _is_log(path: Path) -> bool:
    """Whether a file is empty, or begins with a step."""
    with path.open("rb") as file:
        first = file.readline(1 << 20)
    return not first or _step_of(first) is not None


def _step_of(line: bytes) -> int | None:
    """Return the step of a line; None of one that was cut off, or is something else."""
    try:
        step = json.loads(line)["step"] if line.endswith(b"\n") else None
    except (ValueError, LookupError, TypeError):
        return None
    return step if isinstance(step, int) else None


def _line(losses: Losses, progress: Progress) -> dict[str, Any]:
    step, total, terms, parts = losses
    seconds = round(progress.seconds, 3)
    return {
        "step": step,
        "size": progress.size,
        "total": total,
        "terms": terms,
        "parts": parts,
        "seconds": seconds,
    }


def _scalars(losses: Losses) -> Iterable[tuple[str, float]]:
    yield "total", losses.total
    for group, values in (("terms", losses.terms), ("parts", losses.parts)):
        for name, value in values.items():
            yield f"{group}/{name}", value


def _why(error: OSError, path: Path) -> str:
    return reason(error) if error.filename else f"{path}: {error.strerror or error}"
