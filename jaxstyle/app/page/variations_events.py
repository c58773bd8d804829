"""What happens among the variations."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from jaxstyle.app import axes, words
from jaxstyle.app import table as tables
from jaxstyle.app.gallery import data_uri, find, picture_of, thumbnail
from jaxstyle.app.page import table_events
from jaxstyle.app.page.parts import Choice, buttons, picked
from jaxstyle.app.page.progress import line_in
from jaxstyle.app.page.shared import Shared
from jaxstyle.app.rooms import Room
from jaxstyle.app.space import Plane
from jaxstyle.app.studio import Grid
from jaxstyle.grid.sweep import label

if TYPE_CHECKING:
    from jaxstyle.app.page.table_tab import TableParts
    from jaxstyle.app.page.variations_tab import Variations

NEIGHBORS = 0.4
"""How wide a grid of a cell's neighbors is, of a first one."""
_KEPT_PLANES = 4


class Events:
    """The handlers of the tab's events."""

    def __init__(self, shared: Shared, parts: Variations, table: TableParts) -> None:
        self.shared, self.parts, self.table = shared, parts, table
        self.studio = shared.studio
        self.at_table = table_events.Events(shared, table)
        self._planes: dict[tuple[str, str], Plane | None] = {}

    def suggest(self, first: str, second: str, count: float, *shown: Any) -> Any:
        """Return values of the two settings around the table's."""
        settings = self.table.panel.settings(shown)
        offers = [axes.offer(name, settings, int(count)) for name in (first, second)]
        shown_now: dict[Any, Any] = {self.parts.offered: offers}
        for axis, name, values in zip(self.parts.axes, (first, second), offers, strict=True):
            text, chosen = (values, []) if isinstance(values, str) else ("", values)
            choices = axes.named().get(name, ())
            shown_now[axis.numbers] = gr.Textbox(value=text, visible=bool(name) and not chosen)
            shown_now[axis.names] = gr.Dropdown(
                choices=[*choices], value=chosen, visible=bool(chosen)
            )
        return shown_now

    def suggest_again(
        self, first: str, second: str, count: float, offered: list[Any], *shown: Any
    ) -> Any:
        """Do so where what was suggested still stands: the table may have other settings now."""
        values, inputs = shown[:4], shown[4:]
        stands = [_chosen(*values[:2]), _chosen(*values[2:])] == offered
        try:
            return self.suggest(first, second, count, *inputs) if stands else {}
        except ValueError:  # half a word was typed at the table
            return {}

    def make(
        self,
        request: gr.Request,
        token: str,
        first: str,
        second: str,
        numbers: str,
        chosen_names: list[str],
        more_numbers: str,
        more_names: list[str],
        content: str,
        styles: list[str],
        files: dict[str, Any],
        *shown: Any,
    ) -> Any:
        """Order a grid."""
        room = self.shared.room(token, request)
        lying = self.at_table.lying(content, styles, files, shown)
        chosen = [
            (first, _chosen(numbers, chosen_names)),
            (second, _chosen(more_numbers, more_names)),
        ]
        order = self.studio.vary(room, lying, chosen)
        return {self.parts.name: order.name, self.parts.cell: "", **self._known(room, order.name)}

    def around(self, request: gr.Request, token: str, name: str, cell: str, count: int) -> Any:
        """Order a grid of a cell's neighbors."""
        room = self.shared.room(token, request)
        lying, grid = tables.of_picture(room, cell), self.studio.grid(room, name)
        numbers = [name for name in grid.order.sweep if name in axes.numeric()]
        if not numbers:
            raise ValueError("its neighbors are those along numbers: this grid varies none")
        chosen = []
        for axis in numbers:
            values = axes.values_around(axis, lying.settings, int(count), NEIGHBORS)
            chosen.append((axis, axes.as_text(axis, values)))
        order = self.studio.vary(room, lying, chosen)
        return {self.parts.name: order.name, self.parts.cell: "", **self._known(room, order.name)}

    def ask(self, what: str) -> Callable[..., Any]:
        """Return the handler of a button that stops, resumes or forgets the grid's run."""

        def ask(request: gr.Request, token: str, name: str) -> None:
            getattr(self.studio.queue, what)(self.shared.room(token, request), name)

        return ask

    def opened(self, request: gr.Request, token: str, name: str) -> Any:
        """Return what the tab shows when it is opened."""
        room = self.shared.room(token, request)
        known = self.studio.grids(room)
        name = name if name in known else (known[0] if known else "")
        return {self.parts.name: name, **self._known(room, name)}

    def _known(self, room: Room, name: str) -> dict[Any, Any]:
        names = self.studio.grids(room)
        return {self.parts.known: gr.Dropdown(choices=names, value=name or None)}

    def pick(self, request: gr.Request, event: gr.EventData, token: str, name: str) -> Any:
        """Show a cell."""
        room, chosen = self.shared.room(token, request), picked(event)
        grid = self.studio.grid(room, name)
        number = int(chosen) if chosen.isdigit() else -1
        if number not in grid.cells:
            raise ValueError("this cell is not finished yet")
        entry = grid.cells[number]
        picture = data_uri(picture_of(entry), lossless=True)
        return {
            self.parts.cell: entry.name,
            self.parts.cell_box: gr.Column(visible=True),
            self.parts.large: {"after": picture, "alt": f"The cell {entry.path.stem}"},
            self.parts.grid: self._cells(room, grid, entry.name),
        }

    def take(self, request: gr.Request, token: str, cell: str) -> Any:
        """Lay a cell on the table."""
        room = self.shared.room(token, request)
        lying = tables.of_picture(room, cell)
        laid = self.at_table.laid(room, lying)
        return {**laid, self.table.shown: cell}

    def moved(self, request: gr.Request, token: str, name: str, across: float, down: float) -> Any:
        """Show the picture at a place of the plane."""
        room = self.shared.room(token, request)
        plane = self._plane(room, name)
        if plane is None:
            return {}
        values = plane.values(across, down)
        text = ", ".join(f"{n.replace('_', ' ')} {v:.3g}" for n, v in values.items())
        picture = data_uri(plane.at(across, down), lossless=False, quality=90)
        return {
            self.parts.place: {"after": picture, "alt": f"The plane at {text}"},
            self.parts.values: _line_of_status(f"{text}: mixed from the cells around"),
            self.parts.rested: "",
        }

    def rest(self, request: gr.Request, token: str, name: str, across: float, down: float) -> str:
        """Optimize from a place of the plane."""
        room = self.shared.room(token, request)
        order, _ = self.studio.rest(room, name, across, down)
        return f"{order.name}.png"

    def rested(
        self, request: gr.Request, always: bool, token: str, name: str, across: float, down: float
    ) -> Any:
        """Do so, where that is wanted."""
        return self.rest(request, token, name, across, down) if always else gr.skip()

    def _plane(self, room: Room, name: str) -> Plane | None:
        key = (str(room.folder), name)
        if key not in self._planes:
            plane = self.studio.plane(room, name) if name else None
            if plane is None:
                return None
            self._planes[key] = plane
            while len(self._planes) > _KEPT_PLANES:
                del self._planes[next(iter(self._planes))]
        return self._planes[key]

    def tick(
        self,
        request: gr.Request,
        token: str,
        name: str,
        cell: str,
        rested: str,
        last_look: dict[str, Any],
    ) -> Any:
        """Return what changed since the last look."""
        parts, queue = self.parts, self.studio.queue
        now = {"version": queue.version, "name": name, "cell": cell, "rested": rested}
        if {key: (last_look or {}).get(key) for key in now} == now or not token:
            return {parts.last_look: gr.skip()}
        room = self.shared.room(token, request)
        shown: dict[Any, Any] = {parts.last_look: now}
        if rested:
            shown |= self._resting(room, rested)
        if not name:
            return shown
        try:
            grid = self.studio.grid(room, name)
        except ValueError:
            return shown
        order = next((one for one in queue.orders_in(room) if one.name == name), None)
        view = queue.view(room, name) if order else None
        if order:
            line = line_in(queue, room, order, view)
        else:
            line = _line_of_status(f"{name}: {len(grid.cells)} of {grid.count} cells are made")
        plane = self._plane(room, name) if order is None else None
        shown[parts.status] = line
        shown[parts.grid] = self._cells(room, grid, cell)
        state = order.state if order else ""
        shown[parts.stop] = gr.Button(visible=state in ("running", "waiting"))
        for button in (parts.resume, parts.discard):
            shown[button] = gr.Button(visible=state in ("stopped", "failed"))
        shown[parts.cell_box] = gr.Column(visible=bool(cell))
        shown[parts.plane_box] = gr.Column(visible=plane is not None)
        if plane is not None:
            one, other = (n.replace("_", " ") for n in plane.names)
            shown[parts.down] = gr.Slider(label=f"Down: {one}")
            shown[parts.across] = gr.Slider(label=f"Across: {other}")
        return shown

    def _resting(self, room: Room, rested: str) -> dict[Any, Any]:
        name, queue = Path(rested).stem, self.studio.queue
        order = next((one for one in queue.orders_in(room) if one.name == name), None)
        view = queue.view(room, name) if order else None
        if order is not None:
            line = line_in(queue, room, order, view)
            value = {}
            if view is not None and view.pictures:
                value = {
                    "after": data_uri(view.pictures[0], lossless=False),
                    "alt": "The plane, optimized",
                }
            return {self.parts.place: value, self.parts.values: line}
        picture = room.folder / rested
        if not picture.is_file():
            return {}
        entry = find(room, rested)
        value = {
            "after": data_uri(picture_of(entry), lossless=True),
            "alt": f"The picture {rested}",
        }
        return {
            self.parts.place: value,
            self.parts.values: f"<p role=status>{words.finished(entry)}</p>",
        }

    def _cells(self, room: Room, grid: Grid, chosen: str) -> str:
        """Return the grid's buttons: finished cells, those that grow, and room for the others."""
        view = self.studio.queue.view(room, grid.order.name)
        swept = grid.order.sweep
        columns = len([*swept.values()][-1]) if len(swept) == 2 else min(5, grid.count)
        labels = _labels(swept)
        choices = []
        for number in range(grid.count):
            entry, marks = grid.cells.get(number), ""
            picture = thumbnail(entry) if entry else None
            if entry and entry.name == chosen:
                marks = "chosen"
            if picture is None and view is not None and number in view.pictures:
                picture = data_uri(view.pictures[number], lossless=False, quality=80)
            choices.append(Choice(str(number), labels[number], picture, labels[number], marks))
        return buttons(choices, "tiles whole", columns)


def _chosen(numbers: str, chosen_names: list[str]) -> str | list[str]:
    """Return the values of an axis: of its two fields one is empty."""
    return numbers or chosen_names or ""


def _line_of_status(text: str) -> str:
    return f'<p role="status">{html.escape(text)}</p>'


def _labels(swept: Mapping[str, Sequence[Any]]) -> list[str]:
    return [
        ", ".join(
            f"{name.replace('_', ' ')} {label(name, value)}"
            for name, value in zip(swept, values, strict=True)
        )
        for values in itertools.product(*swept.values())
    ]
