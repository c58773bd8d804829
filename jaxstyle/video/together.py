"""Films, or scenes of one, painted together: each is a lane of one program, frame by frame.

In a round each of them has a turn: a frame of one of its passes. Frames that take the same steps
are painted together if that costs less than one after the other; the rest are painted alone. All of
that follows from the clips, so that a batch that was interrupted goes on to the same frames: what
was painted before has its turn, too, and counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax

from jaxstyle._util.files import reason
from jaxstyle._util.log import logger
from jaxstyle.transfer import memory
from jaxstyle.transfer.ahead import Ahead
from jaxstyle.transfer.loop import Loop
from jaxstyle.transfer.steppers.batched import BatchedStepper
from jaxstyle.video.canvas import Canvas, Finished, Place
from jaxstyle.video.film import Turn, Turns
from jaxstyle.video.painter import OnChunk
from jaxstyle.video.progress import Meter

EXPECTED = (OSError, ValueError, TypeError, MemoryError)
"""What befalls one film, and not the others."""


class Lanes:
    """Paints frames whose jobs have one program key."""

    def __init__(self, width: int, devices: Sequence[Any]) -> None:
        """Begin.

        Args:
            width: How many at a time, a multiple of the number of devices.
            devices: Where lanes are placed.
        """
        self.width, self.devices = width, devices
        self._stepper: BatchedStepper | None = None

    def is_worth(self, count: int) -> bool:
        """Whether so many frames are painted sooner in all lanes than one after the other."""
        return self.width > 1 and 2 * count > self.width / len(self.devices)

    @memory.explained()
    def paint(self, canvases: Mapping[int, Canvas], on_chunk: OnChunk) -> dict[int, Finished]:
        """Paint frames, each in its lane; lanes without one get a copy of another.

        Args:
            canvases: The frames, by lane.
            on_chunk: Called after each chunk of steps.
        """
        began = time.perf_counter()
        filler = next(iter(canvases.values()))
        chosen = [canvases.get(lane, filler) for lane in range(self.width)]
        jobs = [canvas.job for canvas in chosen]
        # Several processes compile in one order.
        is_first = self._stepper is None and jax.process_count() == 1
        stepper = self._stepper or BatchedStepper(jobs, self.devices, shared=False)
        self._stepper = stepper.of(jobs)
        with Ahead() as ahead:
            for scale in jobs[0].scales if is_first else ():
                ahead.start(self._stepper, scale.size, aside=True)
            loop = Loop(
                jobs,
                [self._stepper] * len(jobs[0].scales),
                [canvas.constants for canvas in chosen],
                before_scale=ahead.finish,
            )
            for chunk in loop.run():
                on_chunk(loop, chunk)
        seconds = (time.perf_counter() - began) / len(canvases)
        return {lane: Finished(loop, lane, seconds, Place(self.width, lane)) for lane in canvases}


class Task(NamedTuple):
    """A film, or a scene of one.

    Attributes:
        turns: Its frames.
        end: Called when it has no more.
        fail: Called with the error that ends it.
        then: By a manifest, in which lane a frame was painted; None if there is no manifest.
    """

    turns: Turns
    end: Callable[[], object]
    fail: Callable[[Exception], object]
    then: Callable[[Canvas], Place | None] | None = None

    def next(self, finished: Finished | None = None) -> Canvas | Turn | None:
        """Go on; None if that was the end."""
        try:
            item = self.turns.send(finished)
        except StopIteration:
            self._ends()
            return None
        except EXPECTED as error:
            self.fail(error)
            return None
        return item

    def _ends(self) -> None:
        try:
            self.end()
        except EXPECTED as error:
            self.fail(error)


class Together:
    """Paints films, some at a time."""

    def __init__(self, tasks: Iterable[Task], lanes: Lanes, meter: Meter) -> None:
        """Nothing is painted yet.

        Args:
            tasks: The films; whose turn comes when there is a lane for them.
            lanes: Where they are painted.
            meter: To whom frames are reported.
        """
        self._waiting, self._lanes, self._meter = iter(tasks), lanes, meter
        self._running: dict[int, Task] = {}
        self._then: dict[int, Lanes] = {}
        self._has_painted = self._is_short = False

    def run(self) -> None:
        """Paint all of them."""
        try:
            while begun := self._begun():
                self._round(begun)
        finally:
            for task in self._running.values():
                task.turns.close()

    def _begun(self) -> dict[int, Canvas | Turn]:
        """Begin a round: return what is next in each lane; one that is free goes to who waits."""
        begun: dict[int, Canvas | Turn] = {}
        for lane in range(self._lanes.width):
            while lane not in begun:
                if lane not in self._running:
                    task = next(self._waiting, None)
                    if task is None:
                        break
                    self._running[lane] = task
                if item := self._next(lane):
                    begun[lane] = item
        return begun

    def _round(self, begun: Mapping[int, Canvas | Turn]) -> None:
        """Let each have a turn."""
        finished = self._paint(begun)
        turns = [
            item if isinstance(item, Turn) else self._next(lane, finished.get(lane))
            for lane, item in begun.items()
        ]
        self._meter.finish([turn.image for turn in turns if isinstance(turn, Turn)])

    def _next(self, lane: int, finished: Finished | None = None) -> Canvas | Turn | None:
        item = self._running[lane].next(finished)
        if item is None:
            del self._running[lane]
        return item

    def _paint(self, begun: Mapping[int, Canvas | Turn]) -> dict[int, Finished]:
        """Paint what is worth to be painted together."""
        done: dict[int, Finished] = {}
        for is_whole in (True, False):
            alike = {lane: item for lane, item in begun.items() if item.is_whole == is_whole}
            canvases = {n: item for n, item in alike.items() if isinstance(item, Canvas)}
            # In the round where a batch was interrupted some frames may be there already.
            count = len(canvases) if self._has_painted else len(alike)
            # Masks that move may make programs of their own.
            is_one = len({canvas.job.program_key for canvas in canvases.values()}) == 1
            if is_one and self._lanes.is_worth(count) and not self._is_short:
                done |= self._try(self._lanes, canvases)
            for lane, canvas in canvases.items():
                then = self._running[lane].then
                if then and (place := then(canvas)):
                    again = self._try(self._as_then(place.width), {place.lane: canvas})
                    done |= dict.fromkeys([lane], *again.values()) if again else {}
        self._has_painted |= any(isinstance(item, Canvas) for item in begun.values())
        return done

    def _as_then(self, width: int) -> Lanes:
        """Return as many lanes as a frame was painted in before."""
        devices = self._lanes.devices
        even = devices if width % len(devices) == 0 else devices[:1]
        return self._then.setdefault(width, Lanes(width, even))

    def _try(self, lanes: Lanes, canvases: Mapping[int, Canvas]) -> dict[int, Finished]:
        """Paint together, if that can be done; what is to blame shows when each is alone."""
        try:
            return lanes.paint(canvases, partial(self._meter.chunk, lanes=len(canvases)))
        except EXPECTED as error:
            logger.warning(f"{reason(error)}; one frame at a time")
            self._is_short |= isinstance(error, MemoryError)
            return {}
