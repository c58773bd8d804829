"""What there is to see at the table while a picture grows, and afterwards."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from jaxstyle.app import gallery, words
from jaxstyle.app import table as tables
from jaxstyle.app.gallery import data_uri
from jaxstyle.app.orders import Order
from jaxstyle.app.page.parts import LARGEST_LOSSLESS
from jaxstyle.app.page.progress import line_in
from jaxstyle.app.page.shared import Shared
from jaxstyle.app.queue import View
from jaxstyle.app.rooms import Room
from jaxstyle.app.table import Table
from jaxstyle.app.uploads import preview
from jaxstyle.image.geometry import Picture

if TYPE_CHECKING:
    from jaxstyle.app.page.table_tab import TableParts

NOTHING = "Drop a photograph and a painting, or pick a sample of each. Then press Make."


SECONDS, IDLE_SECONDS = 0.5, 2.0
"""Between two looks at a run, and where nothing runs: each look costs the browser some work."""


class Growing:
    """Returns what the components show of a run, or of a picture."""

    def __init__(self, shared: Shared, table: TableParts) -> None:
        self.shared, self.table = shared, table
        self.studio = shared.studio

    def latest(self, room: Room) -> tuple[str, Table]:
        """Return the run that goes on, or the newest picture, and the table that makes it."""
        orders = [order for order in self.studio.queue.orders_in(room) if not order.sweep]
        active = [order for order in orders if order.state in ("running", "waiting")]
        whole = [entry for entry in gallery.entries(room) if entry.is_whole]
        since = whole[0].modified / 1e9 if whole else 0.0
        later = [order for order in orders[-1:] if order.created > since]
        if active or later:
            order = (active or later)[0]
            return f"{order.name}.png", tables.of_order(order)
        if not whole:
            return "", Table()
        try:
            return whole[0].name, tables.of_picture(room, whole[0].name)
        except (ValueError, OSError):
            return "", Table()

    def grown(
        self, room: Room, name: str, content: str, last_look: Mapping[str, Any]
    ) -> dict[Any, Any]:
        """Return what all components show; `last_look` is what this function said before."""
        parts, queue = self.table, self.studio.queue
        version = queue.version
        orders = queue.orders_in(room)
        runs = any(one.state in ("running", "waiting") for one in orders)
        order = next((one for one in orders if f"{one.name}.png" == name), None)
        view = queue.view(room, order.name) if order else None
        picture, entry = self._picture(room, name, order, view)
        value: dict[str, Any] = {"nothing": _nothing(order)}
        is_new = last_look.get("shown") != name or order is not None or not last_look.get("whole")
        if is_new:
            value |= {"after": picture, "alt": f"The picture {name}" if picture else ""}
        if last_look.get("content") != content:
            value |= {"before": _before(room, content), "before_alt": "The photograph before"}
        state = order.state if order else ""
        is_there = entry is not None and state not in ("running", "waiting")
        is_whole = is_there and entry is not None and entry.is_whole and order is None
        shown: dict[Any, Any] = {
            parts.viewer: value,
            parts.status: self._status(room, order, view, entry),
            parts.queue: self._others(room, [one for one in orders if one is not order]),
            parts.make: gr.Button(interactive=bool(content) or bool(order)),
            parts.stop: gr.Button(visible=state in ("running", "waiting")),
            parts.resume: gr.Button(visible=state in ("stopped", "failed")),
            parts.discard: gr.Button(visible=state in ("stopped", "failed")),
            parts.ways_row: gr.Row(visible=is_there),
            parts.timer: gr.Timer(SECONDS if runs else IDLE_SECONDS),
            parts.last_look: {
                **{"version": version, "shown": name, "content": content, "whole": is_whole}
            },
        }
        if is_whole and not last_look.get("whole"):
            assert entry is not None
            shown[parts.save] = gr.DownloadButton(
                value=str(self._package(room, entry)), interactive=True
            )
        elif not is_whole:
            shown[parts.save] = gr.DownloadButton(value=None, interactive=False)
        return shown

    def _picture(
        self, room: Room, name: str, order: Order | None, view: View | None
    ) -> tuple[str | None, gallery.Entry | None]:
        """Return the picture that is shown as a data URI, and its file if there is one."""
        entry = None
        if name and (order is None or order.state in ("stopped", "failed")):
            entry = next((one for one in gallery.entries(room) if one.name == name), None)
        if order is not None and view is not None and view.pictures:
            return _uri(view.pictures[0], order.state != "running"), entry
        if entry is None:
            return None, None
        try:
            return _uri(gallery.picture_of(entry), True), entry
        except (ValueError, OSError):
            return None, entry

    def _status(
        self, room: Room, order: Order | None, view: View | None, entry: gallery.Entry | None
    ) -> str:
        if order is None:
            return f"<p>{words.finished(entry)}</p>" if entry else "<p></p>"
        return line_in(self.studio.queue, room, order, view)

    def _others(self, room: Room, orders: Sequence[Order]) -> str:
        """Return the other runs; a button shows one, but for grids, which have a tab."""
        rows = []
        for order in orders:
            queue, name = self.studio.queue, html.escape(order.name)
            state = words.status(order, queue.view(room, order.name), queue.ahead(room, order.name))
            if not order.sweep:
                name = f'<button type="button" data-pick="{name}">{name}</button>'
            rows.append(f"<li>{name}: {html.escape(state)}</li>")
        if not rows:
            return ""
        return f'<p class="quiet">Other runs</p><ul class="queue">{"".join(rows)}</ul>'

    def _package(self, room: Room, entry: gallery.Entry) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self.shared.temporary))
        return gallery.package(room, entry, folder / f"{entry.path.stem}.zip")


def _before(room: Room, content: str) -> str | None:
    if not content:
        return None
    return data_uri(preview(room, content, 1024), lossless=False)


def _uri(picture: Picture, at_rest: bool) -> str:
    """Return a picture for the viewer: exact to the pixel where it does not change any more."""
    lossless = at_rest and picture.shape[0] * picture.shape[1] <= LARGEST_LOSSLESS
    return data_uri(picture, lossless=lossless, quality=92)


def _nothing(order: Order | None) -> str:
    if order is None:
        return NOTHING
    if order.state == "failed":
        return "No picture was made."
    return "The picture that it starts from comes in a moment."
