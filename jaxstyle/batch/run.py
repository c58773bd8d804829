"""A batch as it runs: pictures of one shape are lanes of one program, some at a time."""

from __future__ import annotations

import logging
import math
import os
from collections import Counter
from collections.abc import Hashable, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import jax

from jaxstyle._util.files import reason
from jaxstyle._util.log import logger
from jaxstyle.batch.names import Pair
from jaxstyle.batch.pictures import NamedSource, is_remote
from jaxstyle.batch.progress import Meter, OnProgress
from jaxstyle.batch.shapes import buckets, even, narrowed
from jaxstyle.image.encode import Encoding
from jaxstyle.image.framing import shape_of
from jaxstyle.image.io import check_size
from jaxstyle.settings import Settings
from jaxstyle.transfer import manifest
from jaxstyle.transfer.batch import checkpoints_in, clear_checkpoints, plan_batches
from jaxstyle.transfer.job import Job, resolved_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.run_jobs import run_jobs
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.batched import BatchSpec

MOST_LANES = 16
"""Pictures at a time on one device: more are hardly faster, and are all finished later."""
_LOST = 2
"""Pictures in a row that cannot be written, after which there is no room for the others either."""
_EXPECTED = (OSError, ValueError, TypeError, MemoryError)
"""What befalls one picture, and not the others."""
Status = Literal["made", "finished", "skipped", "failed"]


class BatchPicture(NamedTuple):
    """One picture of a batch.

    Attributes:
        content: What it shows, and in which style: files, samples, or what kind of object.
        style: Likewise.
        picture: Where it lies, its manifest beside it; or where it would lie, had it not failed.
        status: It was `"made"`; it was `"finished"` before, with the same settings and files; it
            was `"skipped"`, because there is a file; or it `"failed"`.
        failure: Why, in one line. Where numbers were not finite, the last good picture is there.
        seconds: Its part of the time.
    """

    content: str
    style: str
    picture: Path
    status: Status
    failure: str | None = None
    seconds: float = 0.0

    @property
    def manifest(self) -> Path:
        """Where the manifest lies."""
        return manifest.beside(self.picture)


class Group(NamedTuple):
    """Pictures that are likely to share their programs."""

    model: Job  # of one of them
    numbers: list[int]  # of all of them

    @property
    def work(self) -> float:
        """Of each of them."""
        return self.model.work_left(0)


class Batch:
    """Makes pictures, and notes what became of each.

    Attributes:
        done: What became of a pair, by its number.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        outputs: Sequence[Path],
        settings: Settings,
        sources: Sources,
        *,
        folder: Path,
        lanes: int | None,
        encoding: Encoding,
    ) -> None:
        """Nothing is read or written yet."""
        self.done: dict[int, BatchPicture] = {}
        self._pairs, self._outputs, self._settings = pairs, outputs, settings
        self._sources, self._folder, self._encoding = sources, folder, encoding
        self._devices = jax.devices()
        self._most = lanes or MOST_LANES * len(self._devices)
        self._shapes: dict[int, tuple[int, int]] = {}
        self._works: dict[int, float] = {}
        self._meter = Meter((), None)
        self._texts: set[str] = set()
        self._begun, self._lost = False, 0

    def skip_existing(self) -> None:
        """Leave out pictures whose files exist, whatever they are."""
        for number, output in enumerate(self._outputs):
            if output.exists():
                self._note(number, "skipped")

    def run(self, *, resume: bool, on_progress: OnProgress | None) -> None:
        """Make the pictures that are not done yet.

        Raises:
            ValueError: None can be made.
            OSError: The folder cannot be created.
        """
        groups = self._groups()
        failures = [*dict.fromkeys(one.failure for one in self.done.values() if one.failure)]
        if failures and self._count("failed") == len(self._pairs):
            few = self._texts if len(self._texts) == 1 else failures
            rest = f"; and {len(few) - 3} more" if len(few) > 3 else ""
            raise ValueError("; ".join([*few][:3]) + rest)
        self._begun = True
        self._folder.mkdir(parents=True, exist_ok=True)
        for failure in failures:
            logger.error(failure)
        if resume:
            for group in groups:
                self._note_finished(group)
        else:
            clear_checkpoints(self._folder)
        there = self._count("finished") + self._count("skipped")
        if there:
            logger.info(f"{there} of {len(self._pairs)} pictures are there already")
        works = {n: group.work for group in groups for n in group.numbers if n not in self.done}
        self._works, self._meter = works, Meter(works.values(), on_progress)
        for group in groups:
            if not works.keys().isdisjoint(group.numbers):
                self._run_group(group)
        if self._lost < _LOST:
            clear_checkpoints(self._folder)
            return
        logger.error(f"{self._folder} cannot be written; the same command makes the rest")
        for number in works:
            if number not in self.done:
                self._note(number, "failed", "not made: the ones before it could not be written")

    def _count(self, status: Status) -> int:
        return sum(one.status == status for one in self.done.values())

    def _groups(self) -> list[Group]:
        """Divide the pictures by their shapes, of which only the files' beginnings are read."""
        alike: dict[Hashable, list[int]] = {}
        for number, (content, style) in enumerate(self._pairs):
            if number in self.done:
                continue
            try:
                shapes = self._shape(content), self._shape(style)
            except _EXPECTED as error:
                self._fail(number, error)
            else:
                alike.setdefault(buckets(*shapes, self._settings), []).append(number)
        groups = []
        for numbers in alike.values():
            model = next((job for number in numbers if (job := self._job(number))), None)
            if model:
                groups.append(Group(model, [n for n in numbers if n not in self.done]))
        return groups

    def _shape(self, one: NamedSource) -> tuple[int, int]:
        """Return the height and width of a picture."""
        if id(one) not in self._shapes:
            source = one.source
            if isinstance(source, (str, os.PathLike)) and not is_remote(source):
                path = self._sources.path(source)
                source = path if path.is_file() else source
            # What comes through a pipe or from the network is read once, and held.
            is_file = isinstance(source, Path) and not source.is_fifo()
            shape = shape_of(source) if is_file else self._sources.shape(source, "picture")
            self._shapes[id(one)] = shape
        return self._shapes[id(one)]

    def _job(self, number: int) -> Job | None:
        """Return the job of a picture; None if it cannot be made, which is noted."""
        content, style = self._pairs[number]
        try:
            job = make_job(content.source, style.source, self._settings, self._sources)
            check_size(self._outputs[number], job.original.shape)
        except _EXPECTED as error:
            self._fail(number, error)
            return None
        finally:
            self._sources.forget(content.source)
        return job

    def _note_finished(self, group: Group) -> None:
        """Note pictures that were made before, with the same settings and of the same files."""
        settings, weights = resolved_settings(group.model), group.model.networks.checksums()
        for number in group.numbers:
            (content, style), output = self._pairs[number], self._outputs[number]
            if not manifest.beside(output).exists():
                continue
            try:
                inputs = self._sources.records(self._settings, content.source, [style.source])
            except _EXPECTED as error:
                self._fail(number, error)
                continue
            facts = manifest.finished(output, settings, inputs, weights, failed=True)
            if facts and Encoding.from_plain(facts.get("output", {})) != self._encoding:
                continue
            if facts and facts["failure"]:
                self._fail(number, ValueError(facts["failure"]), facts["seconds"])
            elif facts:
                self._note(number, "finished", seconds=facts["seconds"])

    def _run_group(self, group: Group) -> None:
        for batch, width in self._batches(group):
            if self._lost < _LOST:
                self._run_batch(batch, width)
                self._meter.report()

    def _batches(self, group: Group) -> list[tuple[list[int], int]]:
        """Divide what is to be made of a group into batches, each with its width, and log it."""
        batches = self._divided(group, self._most)
        waiting = [group.model] * sum(len(batch) for batch, _ in batches)
        if group.model.settings.memory.isdigit():
            return [([number], 1) for batch, _ in batches for number in batch]
        widest = max(width for _, width in batches)
        spec = BatchSpec(widest, shared=False)
        plan = plan_batches([group.model], None, self._devices, spec)
        logger.info(plan.describe(waiting, "picture"))
        if plan.width < widest:
            # A power of two, so that a little more or less memory does not change the batches.
            batches = self._divided(group, 2 ** int(math.log2(plan.width)))
        return batches

    def _divided(self, group: Group, most: int) -> list[tuple[list[int], int]]:
        """Divide a group, whatever of it is done, in the same way: checkpoints are of batches."""
        count, least = len(group.numbers), len(self._devices)
        width = even(count, most)
        parts = [group.numbers[first : first + width] for first in range(0, count, width)]
        waiting = [[number for number in part if number not in self.done] for part in parts]
        return [(batch, narrowed(width, len(batch), least)) for batch in waiting if batch]

    def _run_batch(self, numbers: Sequence[int], width: int) -> None:
        """Make some pictures together; where there is less memory than planned, one by one."""
        jobs = {number: job for number in numbers if (job := self._job(number))}
        counts = Counter(job.program_key for job in jobs.values())
        loop = run_jobs(
            [*jobs.values()],
            devices=self._devices,
            previous={
                key: BatchSpec(narrowed(width, count, len(self._devices)), shared=False)
                for key, count in counts.items()
            },
            on_progress=self._meter.part(sum(self._works[number] for number in jobs)),
            checkpoints=partial(checkpoints_in, self._folder),
            unit="picture",
            level=logging.DEBUG,
        )
        order = [*jobs]
        try:
            with closing(loop):
                for place, result in loop:
                    self._save(order[place], result)
                    if self._lost == _LOST:
                        return  # a checkpoint keeps the others
        except _EXPECTED as error:
            left = [number for number in jobs if number not in self.done]
            if isinstance(error, MemoryError) and len(left) > 1:
                logger.warning(f"{reason(error)}; one picture at a time")
                for number in left:
                    self._run_batch([number], 1)
            else:
                for number in left:
                    self._fail(number, error)

    def _save(self, number: int, result: Result) -> None:
        """Write a picture, even one whose numbers were not finite: its last good one."""
        output = self._outputs[number]
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            result.save(output, **asdict(self._encoding))
        except (OSError, ValueError) as error:
            self._lost += 1
            self._fail(number, error)
            return
        self._lost = 0
        if result.failure:
            self._fail(number, ValueError(result.failure), result.facts["seconds"])
        else:
            self._note(number, "made", seconds=result.facts["seconds"])

    def _fail(self, number: int, error: Exception, seconds: float = 0.0) -> None:
        """Note a failure, and log it where it has not been."""
        text = reason(error) or type(error).__name__
        names = [str(one) for one in (*self._pairs[number], self._outputs[number])]
        line = text if any(name in text for name in names) else f"{names[0]}: {text}"
        is_new = all(line != one.failure for one in self.done.values())
        self._note(number, "failed", line, seconds)
        self._texts.add(text)
        if self._begun and is_new:
            logger.error(line)

    def _note(
        self, number: int, status: Status, failure: str | None = None, seconds: float = 0.0
    ) -> None:
        content, style = map(str, self._pairs[number])
        self.done[number] = BatchPicture(
            content, style, self._outputs[number], status, failure, seconds
        )
        if number in self._works:
            self._meter.count(self._works[number], failed=failure is not None)
