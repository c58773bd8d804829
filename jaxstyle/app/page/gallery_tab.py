"""The gallery: what lies in the folder, whoever made it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from jaxstyle.app import gallery, words
from jaxstyle.app import table as tables
from jaxstyle.app.gallery import Entry, data_uri
from jaxstyle.app.page import table_events
from jaxstyle.app.page.parts import (
    LARGEST_LOSSLESS,
    Choice,
    buttons,
    into_view,
    picked,
    picker,
    viewer,
)
from jaxstyle.app.page.shared import QUIET, Shared, said, while_open
from jaxstyle.app.page.table_tab import TableParts
from jaxstyle.app.rooms import Room

PAGE = 24
"""Pictures shown at once."""
_SECONDS = 2.0
_DOWNLOAD = "() => setTimeout(() => document.querySelector('#sheet-file').click(), 300)"
_NOTHING = '<p class="quiet">No pictures in this folder yet.</p>'


@dataclass(frozen=True)
class Gallery:
    """The components of the tab."""

    only: gr.Checkbox
    page: gr.Number
    older: gr.Button
    newer: gr.Button
    sheet: gr.Button
    sheet_file: gr.DownloadButton
    list: gr.HTML
    name: gr.Textbox
    last_look: gr.JSON
    detail: gr.Column
    large: gr.HTML
    compare: gr.Dropdown
    favorite: gr.Button
    take: gr.Button
    save: gr.DownloadButton
    delete: gr.Button
    really: gr.Button
    facts: gr.HTML
    timer: gr.Timer
    pager: gr.Row


def lay_out(shared: Shared) -> Gallery:
    """Lay the tab out."""
    hidden: dict[str, Any] = {"visible": False}
    with gr.Tab("Gallery", id="gallery"):
        name, last_look = gr.Textbox("", **hidden), gr.JSON({}, **hidden)
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=300):
                with gr.Row():
                    only = gr.Checkbox(False, label="Favorites only", min_width=120)
                    sheet = gr.Button("Export a sheet", size="sm", elem_id="sheet")
                    sheet_file = gr.DownloadButton("Sheet", elem_id="sheet-file", visible="hidden")
                listing = picker("gallery", _NOTHING)
                with gr.Row(visible=False) as pager:
                    narrow: dict[str, Any] = {"min_width": 80}
                    newer = gr.Button("Newer", size="sm", interactive=False, **narrow)
                    page = gr.Number(1, label="Page", precision=0, minimum=1, **narrow)
                    older = gr.Button("Older", size="sm", interactive=False, **narrow)
            with gr.Column(scale=6, min_width=320, visible=False) as detail:
                large = viewer("Pick a picture.", "large")
                with gr.Row():
                    two: dict[str, Any] = {"min_width": 130}  # in a row of a narrow screen
                    take = gr.Button("To the table", elem_id="take-picture", **two)
                    favorite = gr.Button("Favorite", elem_id="favorite", **two)
                    save = gr.DownloadButton("Save", elem_id="save-picture", **two)
                    delete = gr.Button("Delete", elem_id="delete", **two)
                    really = gr.Button(
                        "Delete for good", variant="stop", elem_id="really", **two, **hidden
                    )
                compare = gr.Dropdown(
                    [], label="Compare with (the slider shows both)", elem_id="compare"
                )
                facts = gr.HTML("", elem_id="facts", apply_default_css=False)
        timer = gr.Timer(_SECONDS, active=False)
    return Gallery(
        *(
            only,
            page,
            older,
            newer,
            sheet,
            sheet_file,
            listing,
            name,
            last_look,
            detail,
            large,
            compare,
        ),
        *(favorite, take, save, delete, really, facts, timer, pager),
    )


class Events:
    """The handlers of the tab's events."""

    def __init__(self, shared: Shared, parts: Gallery, table: TableParts) -> None:
        self.shared, self.parts, self.table = shared, parts, table
        self.at_table = table_events.Events(shared, table)

    def tick(
        self,
        request: gr.Request,
        token: str,
        name: str,
        only: bool,
        page: float,
        last_look: dict[str, Any],
    ) -> Any:
        """Return the list, if the folder changed."""
        room = self.shared.room(token, request)
        chosen = self._chosen(room, only)
        mark = hash(tuple((e.name, e.modified, e.is_whole) for e in chosen))
        stars = sorted(gallery.favorites(room))
        now = {"mark": str(mark), "name": name, "page": page, "stars": stars}
        if now == last_look:
            return {self.parts.last_look: gr.skip()}
        return {**self._list(room, chosen, name, int(page or 1)), self.parts.last_look: now}

    def _chosen(self, room: Room, only: bool) -> list[Entry]:
        entries = gallery.entries(room)
        stars = gallery.favorites(room) if only else set()
        return [entry for entry in entries if not only or entry.name in stars]

    def _list(self, room: Room, chosen: list[Entry], name: str, page: int) -> dict[Any, Any]:
        pages = max(1, -(-len(chosen) // PAGE))
        page = min(max(1, page), pages)
        stars = gallery.favorites(room)
        rows = []
        for entry in chosen[(page - 1) * PAGE : page * PAGE]:
            marks = ["chosen"] * (entry.name == name) + ["favorite"] * (entry.name in stars)
            marks += ["unfinished"] * (not entry.is_whole)
            alt = f"The picture {entry.name}"
            picture = gallery.thumbnail(entry)
            rows.append(Choice(entry.name, entry.path.stem, picture, alt, " ".join(marks)))
        return {
            self.parts.list: buttons(rows) if rows else _NOTHING,
            self.parts.newer: gr.Button(interactive=page > 1),
            self.parts.older: gr.Button(interactive=page < pages),
            self.parts.page: page,
            self.parts.pager: gr.Row(visible=pages > 1),
        }

    def pick(self, request: gr.Request, event: gr.EventData, token: str) -> Any:
        """Show a picture large."""
        return self._large(self.shared.room(token, request), picked(event))

    def _large(self, room: Room, name: str) -> dict[Any, Any]:
        parts, entry = self.parts, gallery.find(room, name)
        facts = gallery.facts_of(entry)
        text = f"<p>{words.finished(entry)}</p>"
        if facts:
            text += words.curves(facts.get("history", {})) + words.settings_table(facts)
        others = [e.name for e in gallery.entries(room) if e.name != name]
        folder = Path(tempfile.mkdtemp(dir=self.shared.temporary))
        package = gallery.package(room, entry, folder / f"{entry.path.stem}.zip")
        is_favorite = name in gallery.favorites(room)
        return {
            parts.name: name,
            parts.detail: gr.Column(visible=True),
            parts.large: {"after": _uri(entry), "alt": f"The picture {name}", "before": None},
            parts.facts: text,
            parts.compare: gr.Dropdown(choices=others, value=None),
            parts.save: gr.DownloadButton(value=str(package)),
            parts.favorite: gr.Button("Unfavorite" if is_favorite else "Favorite"),
            parts.take: gr.Button(interactive=facts is not None),
            parts.really: gr.Button(visible=False),
        }

    def compared(self, request: gr.Request, token: str, other: str | None) -> Any:
        """Show another picture beside, under the slider."""
        if not other:
            return {"before": None}
        entry = gallery.find(self.shared.room(token, request), other)
        return {"before": _uri(entry), "before_alt": f"The picture {other}"}

    def favor(self, request: gr.Request, token: str, name: str) -> Any:
        """Make the picture a favorite, or no longer one."""
        room = self.shared.room(token, request)
        is_favorite = name not in gallery.favorites(room)
        gallery.set_favorite(room, name, is_favorite)
        return gr.Button("Unfavorite" if is_favorite else "Favorite")

    def delete(self, request: gr.Request, token: str, name: str) -> Any:
        """Delete the picture."""
        gallery.delete(self.shared.room(token, request), name)
        return {
            self.parts.detail: gr.Column(visible=False),
            self.parts.name: "",
            self.parts.really: gr.Button(visible=False),
        }

    def take(self, request: gr.Request, token: str, name: str) -> Any:
        """Lay the picture on the table."""
        room = self.shared.room(token, request)
        lying = tables.of_picture(room, name)
        if lying.missing:
            gr.Warning(f"Not here is {', '.join(lying.missing)}: drop it again.", duration=15)
        return {**self.at_table.laid(room, lying), self.table.shown: name}

    def sheet(self, request: gr.Request, token: str, only: bool) -> str:
        """Write a contact sheet of the newest pictures."""
        room = self.shared.room(token, request)
        folder = Path(tempfile.mkdtemp(dir=self.shared.temporary))
        return str(gallery.sheet(self._chosen(room, only)[:60], folder / "sheet.png"))


def connect(shared: Shared, parts: Gallery, table: TableParts, tabs: gr.Tabs) -> None:
    """Connect the tab's events."""
    events, token = Events(shared, parts, table), shared.token
    inputs = [token, parts.name, parts.only, parts.page, parts.last_look]
    listed = [parts.list, parts.newer, parts.older, parts.page, parts.pager, parts.last_look]
    gr.on(
        [parts.timer.tick, parts.only.input, parts.page.input],
        said(events.tick),
        inputs,
        listed,
        concurrency_limit=None,
        **QUIET,
    )

    while_open(tabs, "Gallery", parts.timer)
    for step, button in ((-1, parts.newer), (1, parts.older)):
        button.click(
            lambda page, step=step: max(1, int(page or 1) + step), parts.page, parts.page, **QUIET
        )
    large = [parts.name, parts.detail, parts.large, parts.facts, parts.compare, parts.save]
    large += [parts.favorite, parts.take, parts.really]
    parts.list.select(said(events.pick), token, large, **QUIET).success(
        None, None, None, js=into_view("large")
    )
    parts.compare.input(said(events.compared), [token, parts.compare], parts.large, **QUIET)
    parts.favorite.click(said(events.favor), [token, parts.name], parts.favorite, **QUIET)
    parts.delete.click(lambda: gr.Button(visible=True), None, parts.really, **QUIET)
    gone = [parts.detail, parts.name, parts.really]
    parts.really.click(said(events.delete), [token, parts.name], gone, **QUIET)
    parts.take.click(
        said(events.take), [token, parts.name], [*table.laid, table.shown], **QUIET
    ).success(lambda: gr.Tabs(selected="table"), None, tabs, **QUIET)
    parts.sheet.click(said(events.sheet), [token, parts.only], parts.sheet_file, **QUIET).success(
        None, None, None, js=_DOWNLOAD
    )


def _uri(entry: Entry) -> str:
    picture = gallery.picture_of(entry)
    lossless = picture.shape[0] * picture.shape[1] <= LARGEST_LOSSLESS
    return data_uri(picture, lossless=lossless, quality=92)
