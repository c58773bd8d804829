"""The studio: rooms, their queue, and what can be done at the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxstyle._util.lock import exclusive_lock
from jaxstyle.app import gallery, space
from jaxstyle.app.axes import Axis, sweep_of
from jaxstyle.app.orders import Order, order_from, order_of, write_order
from jaxstyle.app.queue import Queue, Runner
from jaxstyle.app.rooms import Room, Rooms
from jaxstyle.app.table import Table, changed_names, of_order
from jaxstyle.app.uploads import keep
from jaxstyle.image.framing import shape_of, sides_of
from jaxstyle.image.io import write_image
from jaxstyle.settings import Settings

LARGEST = 8192
"""Pixels of the longest side that a page may ask for; whether they fit, the plan of a run says."""
_STEP = 1.6
"""How much "more" is, as a factor of a weight."""
REST_STEPS = 10
"""Optimizer steps from a place of the plane."""
_GRID = "studio.json"
"""In a grid's folder: how it was ordered."""


def _more_style(settings: Settings, longest: int) -> Settings:
    return replace(settings, content_weight=_short(settings.content_weight / _STEP))


def _more_photo(settings: Settings, longest: int) -> Settings:
    return replace(settings, content_weight=_short(settings.content_weight * _STEP))


def _smoother(settings: Settings, longest: int) -> Settings:
    return replace(settings, smoothness=_short(2 * settings.smoothness or 0.01))


def _as_it_is(settings: Settings, longest: int) -> Settings:
    return settings


def _larger(settings: Settings, longest: int) -> Settings:
    """Half as large again, in pixels that are easily halved."""
    return replace(settings, size=round(1.5 * longest / 16) * 16)


WAYS: Mapping[str, Callable[[Settings, int], Settings]] = {
    "these settings": _as_it_is,
    "more style": _more_style,
    "more photo": _more_photo,
    "smoother": _smoother,
    "more steps": _as_it_is,
    "larger": _larger,
}
"""Ways to continue a picture: what becomes of the settings, given its longest side."""


@dataclass(frozen=True)
class Grid:
    """A grid in a room: how it was ordered, and which of its cells are there."""

    order: Order
    cells: Mapping[int, gallery.Entry]

    @property
    def count(self) -> int:
        """Of cells."""
        count = 1
        for values in self.order.sweep.values():
            count *= len(values)
        return count


class Studio:
    """Everything behind a page.

    Attributes:
        rooms: Where pictures lie.
        queue: Which runs them.
        offline: Whether nothing is fetched.
    """

    def __init__(
        self, folder: Path, runner: Runner, *, separate: bool = False, offline: bool = False
    ) -> None:
        """Lock the folder, and take up the runs that lie there.

        Args:
            folder: For pictures.
            runner: See `jaxstyle.app.running`.
            separate: Whether visitors share nothing.
            offline: Never fetch samples.

        Raises:
            ValueError: Another studio works there, or it is a file.
            OSError: It cannot be created.
        """
        self.rooms = Rooms(folder, separate=separate)
        self.offline = offline
        self._lock = exclusive_lock(self.rooms.folder / ".studio")
        self._lock.__enter__()
        self.queue = Queue(runner).start(self.rooms.all())

    def close(self) -> bool:
        """Stop after the current step; return whether it has stopped, see `Queue.close`."""
        has_stopped = self.queue.close()
        self._lock.__exit__(None, None, None)
        return has_stopped

    def make(self, room: Room, table: Table) -> Order:
        """Order the picture of a table.

        Raises:
            ValueError: Something is missing, or a setting cannot be used.
        """
        _check_size(table.settings)
        return self.queue.submit(
            room, order_of(*_lying(room, table), table.files, labels=table.labels)
        )

    def carry_on(self, room: Room, table: Table, name: str, way: str) -> tuple[Order, Table]:
        """Order a run that continues a picture, with the settings of the table.

        Args:
            room: Where it lies.
            table: The table.
            name: The picture.
            way: One of `WAYS`.

        Returns:
            The order, and the table that it stands for.

        Raises:
            ValueError: There is no such picture, or a setting cannot be used.
        """
        if way not in WAYS:
            raise ValueError(f"expected one of {', '.join(WAYS)}, got {way!r}")
        entry = gallery.find(room, name)
        self._check_still(room, name)
        longest = max(shape_of(entry.path))
        table = replace(table, settings=WAYS[way](table.settings, longest))
        _check_size(table.settings)
        facts = gallery.facts_of(entry)
        changes = changed_names(facts, table) if facts else ()
        files = {role: stored for role, stored in table.files.items() if role != "init"}
        order = order_of(
            *(*_lying(room, table), files),
            labels=table.labels,
            continues=name,
            changes=changes,
        )
        return self.queue.submit(room, order), table

    def vary(self, room: Room, table: Table, chosen: Iterable[Axis]) -> Order:
        """Order a grid around the settings of the table; errors as of `sweep_of`."""
        sweep = sweep_of(chosen)
        _check_size(table.settings)
        order = order_of(*_lying(room, table), table.files, labels=table.labels, sweep=sweep)
        folder = room.folder / order.name
        folder.mkdir()
        write_order(folder / _GRID, order)
        return self.queue.submit(room, order)

    def grids(self, room: Room) -> list[str]:
        """Return the names of the grids in a room, the newest first."""
        marks = [path for path in room.folder.glob(f"*/{_GRID}") if path.is_file()]
        return [path.parent.name for path in sorted(marks, key=_modified, reverse=True)]

    def grid(self, room: Room, name: str) -> Grid:
        """Return a grid of a room.

        Raises:
            ValueError: There is none of that name.
        """
        if name not in self.grids(room):
            raise ValueError(f"there is no grid {Path(name).name}")
        try:
            order = order_from(room.folder / name / _GRID)
        except (OSError, ValueError):
            raise ValueError(f"{name}/{_GRID} is damaged") from None
        return Grid(order, dict(self._cells(room, name)))

    def _cells(self, room: Room, name: str) -> list[tuple[int, gallery.Entry]]:
        """Return the finished cells of a grid by their numbers."""
        try:
            stems = json.loads((room.folder / name / "cells.json").read_text("utf-8"))
        except (OSError, ValueError):
            return []
        entries = {entry.name: entry for entry in gallery.entries(room) if entry.is_whole}
        places = ((number, f"{name}/cells/{stem}.png") for number, stem in enumerate(stems))
        return [(number, entries[place]) for number, place in places if place in entries]

    def plane(self, room: Room, name: str) -> space.Plane | None:
        """Return the plane of a finished grid over two numbers; None of others."""
        grid = self.grid(room, name)
        if len(grid.order.sweep) != 2 or len(grid.cells) < grid.count:
            return None
        pictures = {number: gallery.picture_of(entry) for number, entry in grid.cells.items()}
        return space.Plane.of(grid.order.sweep, pictures)

    def rest(
        self, room: Room, name: str, across: float, down: float, steps: int = REST_STEPS
    ) -> tuple[Order, Table]:
        """Order a few optimizer steps from a place of a plane; return it with its table.

        Raises:
            ValueError: The grid has no plane.
        """
        plane, order = self.plane(room, name), self.grid(room, name).order
        if plane is None:
            raise ValueError(f"{name} is no finished grid over two numbers")
        start = room.orders / "place.png"
        write_image(start, plane.at(across, down))
        stored = keep(room, start, "place.png")
        start.unlink(missing_ok=True)
        values: dict[str, Any] = {}
        settings = of_order(order).settings
        for key, value in plane.values(across, down).items():
            short = _short(value)
            several = isinstance(getattr(settings, key), tuple)
            whole = isinstance(getattr(settings, key), int)
            values[key] = (short,) if several else round(short) if whole else short
        beginning: dict[str, Any] = {
            "steps": steps,
            "scales": 1,
            "scale_steps": (),
            "first_steps": None,
        }
        settings = replace(settings, **values, **beginning)
        files = {**order.files, "init": (stored,)}
        table = Table(order.content, order.styles, settings, files, labels=order.labels)
        return self.make(room, table), table

    def _check_still(self, room: Room, name: str) -> None:
        for order in self.queue.orders_in(room):
            if order.state == "running" and f"{order.name}.png" == name:
                raise ValueError(f"{name} is still being made: stop it first")


def _lying(room: Room, table: Table) -> tuple[Room, str, tuple[str, ...], Settings]:
    return room, table.content, table.styles, table.settings


def _short(value: float) -> float:
    """Return a number in four digits, which a page can show."""
    return float(f"{value:.4g}")


def _modified(path: Path) -> int:
    return path.stat().st_mtime_ns


def _check_size(settings: Settings) -> None:
    """Refuse what no machine that serves a page computes, before any of it is allocated."""
    size = settings.size
    sides: Sequence[int] = [size] if isinstance(size, int) else []
    if isinstance(size, str) and "x" in size:
        sides = sides_of(size)
    scale = max(1.0, *settings.style_scale)
    if any(side > LARGEST for side in sides):
        raise ValueError(f"expected a size of at most {LARGEST} pixels, got {settings.size}")
    if scale > 16:
        raise ValueError(f"expected a style scale of at most 16, got {scale:g}")
