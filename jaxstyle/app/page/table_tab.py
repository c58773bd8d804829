"""The table: a photograph, a painting, and the picture that grows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from jaxstyle import samples
from jaxstyle.app.gallery import data_uri
from jaxstyle.app.page import growing, pictures_panel, settings_panel, table_events
from jaxstyle.app.page.parts import Choice, buttons, picker, viewer, well
from jaxstyle.app.page.pictures_panel import Pictures
from jaxstyle.app.page.progress import progress_line
from jaxstyle.app.page.settings_panel import Panel
from jaxstyle.app.page.shared import Shared
from jaxstyle.app.studio import WAYS
from jaxstyle.image.io import read_image


@dataclass(frozen=True)
class TableParts:
    """The components of the table.

    Attributes:
        content: Where a photograph is dropped.
        style: Where a painting is dropped.
        content_name: What the upload is called in the room.
        style_names: Likewise, of all styles.
        files: Uploads by the setting that names them.
        shown: The picture that is shown, or will be.
        last_look: What the viewer has: the queue's version, and of what.
        samples: Buttons.
        more_samples: Those of samples that are fetched when they are picked.
        drop: Where a manifest is dropped.
        viewer: Where the picture grows.
        status: What becomes of the run.
        queue: The other runs; a click shows one.
        timer: Looks at the run.
        make: The button that begins.
        stop: That stops.
        resume: That resumes.
        discard: That forgets a stopped run.
        ways: Those that continue, by what they say.
        save: That saves.
        panel: The palette.
        pictures: Masks and other pictures.
    """

    content: gr.Image
    style: gr.Image
    content_name: gr.Textbox
    style_names: gr.JSON
    files: gr.JSON
    shown: gr.Textbox
    last_look: gr.JSON
    samples: gr.HTML
    more_samples: gr.HTML
    drop: gr.File
    viewer: gr.HTML
    status: gr.HTML
    queue: gr.HTML
    timer: gr.Timer
    make: gr.Button
    stop: gr.Button
    resume: gr.Button
    discard: gr.Button
    ways: dict[str, gr.Button]
    ways_row: gr.Row
    save: gr.DownloadButton
    panel: Panel
    pictures: Pictures

    @property
    def lying(self) -> list[Any]:
        """What says which pictures lie on the table."""
        return [self.content_name, self.style_names, self.files]

    @property
    def growing(self) -> list[Any]:
        """What changes while a run goes on."""
        controls = [self.make, self.stop, self.resume, self.discard, self.ways_row, self.save]
        return [self.viewer, self.status, self.queue, *controls, self.last_look, self.timer]

    @property
    def laid(self) -> list[Any]:
        """What changes when the table is laid."""
        wells = [self.content, self.style, self.pictures.painter, self.pictures.list]
        return [*wells, *self.lying, *self.panel.all]

    @property
    def all(self) -> list[Any]:
        """Everything that a new page sets."""
        return [*self.laid, self.shown, *self.growing]


def lay_out(shared: Shared) -> TableParts:
    """Lay the table out."""
    hidden: dict[str, Any] = {"visible": False}
    with gr.Tab("Table", id="table"):
        names = gr.Textbox("", **hidden), gr.JSON([], **hidden), gr.JSON({}, **hidden)
        shown, last_look = gr.Textbox("", **hidden), gr.JSON({}, **hidden)
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=270):
                with gr.Column(elem_id="wells", min_width=0):
                    wells = _well("Photograph", "content"), _well("Painting", "style")
                with gr.Accordion("Samples", open=True):
                    here, others = _samples()
                    picks = picker("samples", buttons(here, "tiles small"))
                    more = picker("more-samples", _others(others), visible=bool(others))
                drop = gr.File(
                    label="A manifest, or a picture made by jaxstyle, sets the table as it was",
                    file_types=[".json", "image"],
                    height=110,
                    elem_id="drop",
                )
            with gr.Column(scale=6, min_width=320):
                view = viewer(growing.NOTHING, "viewer")
                status = progress_line("", "status")
                with gr.Row():
                    make = gr.Button("Make", variant="primary", elem_id="make", interactive=False)
                    stop = gr.Button("Stop", elem_id="stop", visible=False)
                    resume = gr.Button("Resume", elem_id="resume", visible=False)
                    discard = gr.Button("Forget this run", elem_id="discard", visible=False)
                    save = gr.DownloadButton("Save", elem_id="save", interactive=False)
                with gr.Row(visible=False, elem_id="ways") as ways_row:
                    ways = {way: gr.Button(_says(way), size="sm", min_width=90) for way in WAYS}
                queue, timer = picker("queue"), gr.Timer(growing.SECONDS)
                with gr.Column(visible=False) as region:  # a mask is painted on a wide picture
                    pictures = pictures_panel.lay_out()
            with gr.Column(scale=3, min_width=290):
                panel = settings_panel.lay_out(region)
    buttons_ = (make, stop, resume, discard, ways, ways_row, save)
    return TableParts(
        *(
            *wells,
            *names,
            shown,
            last_look,
            picks,
            more,
            drop,
            view,
            status,
            queue,
            timer,
            *buttons_,
        ),
        panel,
        pictures,
    )


def connect(shared: Shared, table: TableParts) -> None:
    """Connect the table's events."""
    table_events.connect(shared, table)


def begin(shared: Shared, table: TableParts) -> Callable[..., Any]:
    """Return what a page that was just opened shows."""
    return table_events.begin(shared, table)


def _says(way: str) -> str:
    return "Continue with these settings" if way == "these settings" else way.capitalize()


def _well(label: str, name: str) -> gr.Image:
    return well(
        label,
        height=200,
        min_width=130,
        buttons=[],
        elem_id=name,
        alt_text=f"The {label.lower()} on the table",
        placeholder=f"Drop a {label.lower()}, click to choose one, or paste it",
    )


def _samples() -> tuple[list[Choice], list[Choice]]:
    """Return the buttons of the samples that are here, and of those that are not fetched yet."""
    here, others = [], []
    for row in samples.listing():
        about = f"{'Photograph' if row['kind'] == 'content' else 'Painting'}: {row['title']}"
        if row["where"]:
            picture = data_uri(read_image(row["where"], size=112), lossless=False)
            here.append(Choice(row["name"], row["name"], picture, about))
        else:
            others.append(Choice(row["name"], row["name"], None, about))
    return here, others


def _others(choices: list[Choice]) -> str:
    if not choices:
        return ""
    return f'<p class="quiet">Fetched when you pick one:</p>{buttons(choices, "words")}'
