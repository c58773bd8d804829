"""What happens at the table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from jaxstyle import samples
from jaxstyle.app import table as tables
from jaxstyle.app.page import pictures_panel, settings_panel
from jaxstyle.app.page.growing import Growing
from jaxstyle.app.page.parts import path_in, picked
from jaxstyle.app.page.pictures_panel import ANOTHER_STYLE, in_use, painting_ground
from jaxstyle.app.page.shared import QUIET, Shared, said, uploaded
from jaxstyle.app.plain_words import in_words
from jaxstyle.app.rooms import Room
from jaxstyle.app.table import Table
from jaxstyle.app.uploads import keep, keep_sample, preview
from jaxstyle.image.encode import as_pillow

if TYPE_CHECKING:
    from jaxstyle.app.page.table_tab import TableParts

_SHOWN = 768
"""Longest side of a picture in a well, pixels."""


class Events:
    """The handlers of the table's events."""

    def __init__(self, shared: Shared, table: TableParts) -> None:
        self.shared, self.table = shared, table
        self.studio = shared.studio
        self.growing = Growing(shared, table)

    # What lies on the table.

    def laid(self, room: Room, lying: Table) -> dict[Any, Any]:
        """Return what all components show for a table."""
        parts = self.table
        wells = (
            (parts.content, lying.content),
            (parts.style, lying.styles[0] if lying.styles else ""),
        )
        shown: dict[Any, Any] = {well: _in_well(room, stored) for well, stored in wells}
        shown[parts.content_name] = lying.content
        shown[parts.style_names] = list(lying.styles)
        shown[parts.files] = {role: list(stored) for role, stored in lying.files.items()}
        shown[parts.pictures.painter] = painting_ground(room, lying.content)
        shown[parts.pictures.list] = in_use(room, lying.styles, lying.files)
        return shown | self.panel_showing(lying)

    def panel_showing(self, lying: Table) -> dict[Any, Any]:
        """Return what the palette shows for a table."""
        texts = (lying.content, lying.styles, lying.files, lying.labels)
        return self.table.panel.showing(lying.settings, *texts)

    def one_laid(self, room: Room, role: str, stored: str, styles: Sequence[str]) -> dict[Any, Any]:
        """Return what changes when one picture is laid."""
        parts = self.table
        if role == "content":
            changed: dict[Any, Any] = {parts.content_name: stored}
            changed[parts.pictures.painter] = painting_ground(room, stored)
            well = parts.content
        else:
            changed = {parts.style_names: [stored, *styles[1:]]}
            well = parts.style
        return {**changed, well: _in_well(room, stored), parts.make: gr.Button(interactive=True)}

    def dropped(self, role: str) -> Callable[..., Any]:
        """Return the handler of an upload into a well."""
        well = self.table.content if role == "content" else self.table.style

        def drop(request: gr.Request, token: str, payload: Any, styles: list[str]) -> Any:
            path = path_in(payload)
            if path is None:
                changed: dict[Any, Any] = {self.table.make: gr.Button(interactive=False)}
                if role == "content":
                    return {**changed, self.table.content_name: ""}
                return {**changed, self.table.style_names: []}
            room = self.shared.room(token, request)
            try:
                stored = keep(room, uploaded(path))
            except (ValueError, OSError) as error:
                gr.Warning(in_words(error), duration=12)
                return {well: None}
            return self.one_laid(room, role, stored, styles)

        return drop

    def sampled(
        self, request: gr.Request, event: gr.EventData, token: str, styles: list[str]
    ) -> Any:
        """Lay a sample."""
        room, name = self.shared.room(token, request), picked(event)
        stored = keep_sample(room, name, offline=self.studio.offline)
        kind = (samples.OWN.get(name) or samples.FETCHED[name]).kind
        return self.one_laid(room, kind, stored, styles)

    def set_from(self, request: gr.Request, token: str, path: str | None) -> Any:
        """Set the table as a dropped manifest or picture says."""
        if path is None:
            return {self.table.drop: None}
        room = self.shared.room(token, request)
        lying = tables.of_file(room, uploaded(path))
        if lying.missing:
            names = ", ".join(lying.missing)
            gr.Warning(f"The settings are set; not here is {names}: drop it again.", duration=15)
        return {**self.laid(room, lying), self.table.drop: None}

    def take_mask(
        self,
        request: gr.Request,
        token: str,
        painted: Any,
        use: str,
        styles: list[str],
        files: dict[str, Any],
    ) -> Any:
        """Take what was painted as a mask."""
        room = self.shared.room(token, request)
        mask = pictures_panel.mask_of(painted)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "painted.png"
            mask.save(path)
            stored = keep(room, path)
        return self._with_files(room, styles, pictures_panel.with_one_more(files, use, stored))

    def take_more(
        self,
        request: gr.Request,
        token: str,
        path: str | None,
        role: str,
        styles: list[str],
        files: dict[str, Any],
    ) -> Any:
        """Take an upload for a role."""
        if path is None:
            return {}
        room = self.shared.room(token, request)
        stored = keep(room, uploaded(path))
        if role == ANOTHER_STYLE:
            return self._with_files(room, [*styles, stored], files)
        return self._with_files(room, styles, pictures_panel.with_one_more(files, role, stored))

    def removed(
        self,
        request: gr.Request,
        event: gr.EventData,
        token: str,
        styles: list[str],
        files: dict[str, Any],
    ) -> Any:
        """Remove a picture that is in use."""
        role, _, stored = picked(event).partition("/")
        if role == ANOTHER_STYLE:
            styles = [one for number, one in enumerate(styles) if not number or one != stored]
        kept = {name: [s for s in names if s != stored] for name, names in files.items()}
        return self._with_files(self.shared.room(token, request), styles, kept)

    def _with_files(self, room: Room, styles: Sequence[str], files: Mapping[str, Any]) -> Any:
        parts = self.table
        return {
            parts.style_names: list(styles),
            parts.files: dict(files),
            parts.pictures.list: in_use(room, styles, files),
        }

    # Runs.

    def lying(
        self, content: str, styles: list[str], files: dict[str, Any], shown: Sequence[Any]
    ) -> Table:
        """Return the table of what the components show."""
        kept = {role: tuple(names) for role, names in (files or {}).items() if names}
        panel = self.table.panel
        settings, labels = panel.settings(shown), panel.labels(shown)
        return Table(content, tuple(styles or ()), settings, kept, labels=labels)

    def make(
        self,
        request: gr.Request,
        token: str,
        content: str,
        styles: list[str],
        files: dict[str, Any],
        *shown: Any,
    ) -> str:
        """Order the picture of the table; return what the picture will be called."""
        room = self.shared.room(token, request)
        order = self.studio.make(room, self.lying(content, styles, files, shown))
        return f"{order.name}.png"

    def carry_on(self, way: str) -> Callable[..., Any]:
        """Return the handler of a button that continues the picture that is shown."""

        def carry_on(
            request: gr.Request,
            token: str,
            name: str,
            content: str,
            styles: list[str],
            files: dict[str, Any],
            *shown: Any,
        ) -> Any:
            room = self.shared.room(token, request)
            lying = self.lying(content, styles, files, shown)
            order, lying = self.studio.carry_on(room, lying, name, way)
            return {**self.panel_showing(lying), self.table.shown: f"{order.name}.png"}

        return carry_on

    def ask(self, what: str) -> Callable[..., Any]:
        """Return the handler of a button that stops, resumes or forgets a run."""

        def ask(request: gr.Request, token: str, name: str) -> None:
            room = self.shared.room(token, request)
            getattr(self.studio.queue, what)(room, name.removesuffix(".png"))

        return ask

    def another(self, request: gr.Request, event: gr.EventData, token: str) -> Any:
        """Show another run, and lay the table from which it was ordered."""
        room, name = self.shared.room(token, request), picked(event)
        lying = tables.of_order(self.studio.queue.order(room, name))
        return {**self.laid(room, lying), self.table.shown: f"{name}.png"}

    # What there is to see.

    def begin(self, request: gr.Request, token: str) -> Any:
        """Return what a new page shows: the run that goes on, or the last picture."""
        room = self.shared.room(token, request)
        name, lying = self.growing.latest(room)
        return {
            **self.laid(room, lying),
            self.table.shown: name,
            **self.growing.grown(room, name, "", {}),
        }

    def tick(
        self, request: gr.Request, token: str, name: str, content: str, last_look: dict[str, Any]
    ) -> Any:
        """Return what changed since the last look."""
        try:
            room = self.shared.room(token, request)
        except ValueError:  # before the page knows whose it is
            return {self.table.last_look: last_look}
        now = {"version": self.studio.queue.version, "shown": name, "content": content}
        if {key: (last_look or {}).get(key) for key in now} == now:
            return {self.table.last_look: gr.skip()}
        return self.growing.grown(room, name, content, last_look or {})


def connect(shared: Shared, table: TableParts) -> Events:
    """Connect the events of the table; return their handlers."""
    events = Events(shared, table)
    token, inputs = shared.token, [*table.panel.inputs.values()]
    lying, panel, pictures = table.lying, table.panel, table.pictures
    in_text = settings_panel.connect(panel, lying)
    for role, well in (("content", table.content), ("style", table.style)):
        changed = [table.content_name, table.style_names, well, pictures.painter, table.make]
        gr.on(
            [well.upload, well.clear],
            said(events.dropped(role)),
            [token, well, table.style_names],
            changed,
            preprocess=False,
            **QUIET,
        ).then(*in_text, **QUIET)
    laid = [table.content, table.style, *lying, pictures.painter, table.make]
    picks = (table.samples, table.more_samples)
    gr.on(
        [one.select for one in picks],
        said(events.sampled),
        [token, table.style_names],
        laid,
        **QUIET,
    ).then(*in_text, **QUIET)
    table.drop.upload(
        said(events.set_from), [token, table.drop], [*table.laid, table.drop], **QUIET
    )
    with_files = [table.style_names, table.files, pictures.list]
    more = [table.style_names, table.files]
    painted = [token, pictures.painter, pictures.use, *more]
    extra = [token, pictures.upload, pictures.role, *more]
    for happens, act, given in (
        (pictures.take.click, events.take_mask, painted),
        (pictures.upload.upload, events.take_more, extra),
        (pictures.list.select, events.removed, [token, *more]),
    ):
        happens(said(act), given, with_files, **QUIET).then(*in_text, **QUIET)
    given = [token, table.shown, *lying, *inputs]
    begun = [table.make.click(said(events.make), [token, *lying, *inputs], table.shown, **QUIET)]
    for way, button in table.ways.items():
        shows = [*panel.all, table.shown]
        begun.append(button.click(said(events.carry_on(way)), given, shows, **QUIET))
    for what in ("stop", "resume", "discard"):
        button = getattr(table, what)
        begun.append(button.click(said(events.ask(what)), [token, table.shown], None, **QUIET))
    shows = [*table.laid, table.shown]
    begun.append(table.queue.select(said(events.another), token, shows, **QUIET))
    looks = [token, table.shown, table.content_name, table.last_look]
    look: dict[str, Any] = {"fn": said(events.tick), "inputs": looks, "outputs": table.growing}
    for event in begun:  # the timer is slow where nothing runs
        event.then(**look, concurrency_limit=None, **QUIET)
    table.timer.tick(**look, concurrency_limit=None, **QUIET)
    return events


def begin(shared: Shared, table: TableParts) -> Callable[..., Any]:
    """Return what a page that was just opened shows."""
    return said(Events(shared, table).begin)


def _in_well(room: Room, stored: str) -> Any:
    return as_pillow(preview(room, stored, _SHOWN)) if stored else None
