"""The queue: runs wait their turn, can be stopped, and continue after the server was killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from jaxstyle._util.files import reason
from jaxstyle._util.log import logger
from jaxstyle.app import orders
from jaxstyle.app.orders import Order, State
from jaxstyle.app.plain_words import in_words
from jaxstyle.app.rooms import Room
from jaxstyle.image.geometry import Picture


@dataclass(frozen=True)
class View:
    """What there is to see of a run, before its first step or after one.

    Attributes:
        step: Steps taken; of a grid, cells done.
        steps: In all.
        size: Longest side of the current scale, pixels.
        loss: The weighted total at the last step.
        seconds: Since the run began.
        seconds_left: An estimate, or None.
        pictures: So far; of a grid, by the cells' numbers.
        pace: Seconds that the last step took; 0 where that is not known.
    """

    step: int
    steps: int
    size: int
    loss: float
    seconds: float
    seconds_left: float | None
    pictures: Mapping[int, Picture] = field(default_factory=dict)
    pace: float = 0.0


class Clock(NamedTuple):
    """Since when a run goes on."""

    run: float  # seconds since it began, or resumed
    step: float  # seconds since its last view, or since it began


class StoppedError(Exception):
    """Raised in a run, between two steps, when it is to stop."""


Show = Callable[[View], None]
"""Takes what there is to see of a run; raises `StoppedError` when it is to stop."""
Runner = Callable[[Room, Order, Show], None]
"""Runs an order to its end. A `ValueError`, an `OSError` or a `MemoryError` says why it cannot."""
_Key = tuple[str, str]


class Queue:
    """Orders of all rooms, which one thread runs one after another.

    Every change gives `version` another number, so that a page sees whether there is any.
    """

    def __init__(self, runner: Runner) -> None:
        """Nothing runs before `start`."""
        self._runner = runner
        self._lock = threading.Condition()
        self._orders: dict[_Key, tuple[Room, Order]] = {}
        self._views: dict[_Key, View] = {}
        self._began: dict[_Key, float] = {}
        self._looked: dict[_Key, float] = {}
        self._running: _Key | None = None
        self._stopping = self._closed = False
        self._thread: threading.Thread | None = None
        self.version = 0

    def start(self, rooms: Iterable[Room] = ()) -> Queue:
        """Take up the orders that lie in rooms, and begin to run; return the queue.

        Those that waited or ran when the server ended run again, from their checkpoints.
        """
        with self._lock:
            for room in rooms:
                for order in orders.read_orders(room):
                    if order.state == "running":
                        order = replace(order, state="waiting")
                    self._orders.setdefault(_key(room, order.name), (room, order))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="studio", daemon=True)
                self._thread.start()
            self._changed()
        return self

    def close(self, seconds: float = 20.0) -> bool:
        """Stop after the current step; the run continues when a server is started again.

        Returns:
            Whether it has stopped: a program that is being compiled takes its time.
        """
        with self._lock:
            self._closed = self._stopping = True
            self._changed()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True

    def submit(self, room: Room, order: Order) -> Order:
        """Let an order wait for its turn."""
        with self._lock:
            if _key(room, order.name) in self._orders:
                raise ValueError(f"there is a run {order.name} already")
            self._put(room, order, "waiting")
        return order

    def stop(self, room: Room, name: str) -> None:
        """Stop a run after the current step; one that waits, at once."""
        with self._lock:
            order = self.order(room, name)
            if order.state == "running":
                self._stopping = True
            elif order.state == "waiting":
                self._put(room, order, "stopped")

    def resume(self, room: Room, name: str) -> None:
        """Let a stopped or failed run wait for its turn again; it resumes from its checkpoint."""
        with self._lock:
            order = self.order(room, name)
            if order.state in ("stopped", "failed"):
                self._put(room, order, "waiting")

    def discard(self, room: Room, name: str) -> None:
        """Forget a run that does not run; its unfinished picture stays."""
        with self._lock:
            order = self.order(room, name)
            if order.state == "running":
                raise ValueError(f"{name} is running: stop it first")
            orders.remove_order(room, order)
            self._forget(_key(room, name))

    def order(self, room: Room, name: str) -> Order:
        """Return the order of a name in a room.

        Raises:
            ValueError: There is none.
        """
        with self._lock:
            if _key(room, name) not in self._orders:
                raise ValueError(f"there is no run {name}")
            return self._orders[_key(room, name)][1]

    def orders_in(self, room: Room) -> list[Order]:
        """Return the orders of a room, the oldest first."""
        with self._lock:
            return [order for place, order in self._orders.values() if place == room]

    def view(self, room: Room, name: str) -> View | None:
        """Return what there is to see of a run; None before its first step."""
        with self._lock:
            return self._views.get(_key(room, name))

    def clock(self, room: Room, name: str) -> Clock:
        """Return since when a run goes on; zeros of one that did not begin here."""
        with self._lock:
            now, key = time.monotonic(), _key(room, name)
            return Clock(now - self._began.get(key, now), now - self._looked.get(key, now))

    def ahead(self, room: Room, name: str) -> int:
        """Return how many runs, of anybody, come before one that waits."""
        with self._lock:
            waiting = [key for key, (_, one) in self._orders.items() if one.state == "waiting"]
            key = _key(room, name)
            before = waiting.index(key) if key in waiting else 0
            return before + (self._running is not None)

    def wait(self, version: int, seconds: float) -> int:
        """Wait until something changed since a version, or for some time; return the version."""
        with self._lock:
            self._lock.wait_for(lambda: self.version != version, seconds)
            return self.version

    def _put(self, room: Room, order: Order, state: State, message: str = "") -> Order:
        order = replace(order, state=state, message=message)
        orders.write_order(orders.place(room, order.name), order)
        self._orders[_key(room, order.name)] = (room, order)
        self._changed()
        return order

    def _changed(self) -> None:
        self.version += 1
        self._lock.notify_all()

    def _next(self) -> tuple[Room, Order] | None:
        """Wait for the next order, and say that it runs; None at the end."""
        with self._lock:
            while not self._closed:
                for room, order in self._orders.values():
                    if order.state == "waiting":
                        key = self._running = _key(room, order.name)
                        self._stopping = False
                        self._began[key] = self._looked[key] = time.monotonic()
                        return room, self._put(room, order, "running")
                self._lock.wait()
            return None

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            room, order = taken
            key = _key(room, order.name)

            def show(view: View, key: _Key = key) -> None:
                with self._lock:
                    self._views[key] = view
                    self._looked[key] = time.monotonic()
                    self._changed()
                    if self._stopping:
                        raise StoppedError

            try:
                self._runner(room, order, show)
            except StoppedError:
                self._end(room, order, "waiting" if self._closed else "stopped")
            except Exception as error:  # whatever befalls a run, the others take their turn
                if not isinstance(error, (ValueError, OSError, MemoryError, TypeError)):
                    logger.exception("%s failed", order.name)
                self._end(room, order, "failed", in_words(error))
            else:
                self._end(room, order, None)

    def _end(self, room: Room, order: Order, state: State | None, message: str = "") -> None:
        with self._lock:
            self._running = None
            try:
                if state:
                    self._put(room, order, state, message)
                    return
                orders.remove_order(room, order)
            except OSError as error:  # a full disk
                logger.error(f"{order.name}: {reason(error)}")
            self._forget(_key(room, order.name))

    def _forget(self, key: _Key) -> None:
        del self._orders[key]
        for kept in (self._views, self._began, self._looked):
            kept.pop(key, None)
        self._changed()


def _key(room: Room, name: str) -> _Key:
    return str(room.folder), name
