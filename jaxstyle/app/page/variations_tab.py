"""Variations: a grid around the table, its cells' neighbors, and the plane between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from jaxstyle.app import axes
from jaxstyle.app.page.parts import into_view, picker, viewer
from jaxstyle.app.page.progress import progress_line
from jaxstyle.app.page.shared import QUIET, Shared, said, while_open
from jaxstyle.app.page.table_tab import TableParts
from jaxstyle.app.page.variations_events import Events
from jaxstyle.app.studio import REST_STEPS
from jaxstyle.settings import Settings

_NONE = "(nothing else)"
_SECONDS = 0.7


@dataclass(frozen=True)
class AxisParts:
    """The components of an axis.

    Attributes:
        setting: What is varied.
        numbers: Its values as text, where they are numbers.
        names: Its values to choose from, where they are names.
    """

    setting: gr.Dropdown
    numbers: gr.Textbox
    names: gr.Dropdown


@dataclass(frozen=True)
class Variations:
    """The components of the tab."""

    axes: tuple[AxisParts, AxisParts]
    count: gr.Radio
    offered: gr.JSON
    make: gr.Button
    stop: gr.Button
    resume: gr.Button
    discard: gr.Button
    known: gr.Dropdown
    name: gr.Textbox
    cell: gr.Textbox
    rested: gr.Textbox
    last_look: gr.JSON
    status: gr.HTML
    grid: gr.HTML
    cell_box: gr.Column
    large: gr.HTML
    take: gr.Button
    neighbors: gr.Button
    plane_box: gr.Column
    across: gr.Slider
    down: gr.Slider
    place: gr.HTML
    values: gr.HTML
    rest: gr.Button
    always: gr.Checkbox
    timer: gr.Timer


def lay_out(shared: Shared) -> Variations:
    """Lay the tab out."""
    hidden: dict[str, Any] = {"visible": False}
    with gr.Tab("Variations", id="variations"):
        name, cell = gr.Textbox("", **hidden), gr.Textbox("", **hidden)
        rested, last_look = gr.Textbox("", **hidden), gr.JSON({}, **hidden)
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=270):
                chosen = (
                    _axis("Down", "down", "content_weight"),
                    _axis("Across", "across", "smoothness"),
                )
                count = gr.Radio([*axes.COUNTS], value=axes.COUNTS[0], label="Values of each")
                offered = gr.JSON([axis.numbers.value for axis in chosen], **hidden)
                make = gr.Button("Make the grid", variant="primary", elem_id="make-grid")
                stop = gr.Button("Stop", visible=False, elem_id="stop-grid")
                resume = gr.Button("Resume", visible=False, elem_id="resume-grid")
                discard = gr.Button("Forget this run", visible=False, elem_id="discard-grid")
                known = gr.Dropdown([], label="Grids in this folder", elem_id="grids")
            with gr.Column(scale=7, min_width=320):
                nothing = "<p class=quiet>A grid varies what lies on the table.</p>"
                status = progress_line(nothing, "grid-status")
                grid = picker("grid")
                with gr.Row(equal_height=False):
                    with gr.Column(visible=False, min_width=320) as cell_box:
                        gr.Markdown("### The cell")
                        large = viewer("Pick a cell.", "cell")
                        with gr.Row():
                            take = gr.Button("Take it to the table", elem_id="take-cell")
                            neighbors = gr.Button("Its neighbors", elem_id="neighbors")
                    with gr.Column(visible=False, min_width=320, elem_id="plane") as plane_box:
                        gr.Markdown(
                            "### The plane\nBetween the cells, pixels are mixed at once; a few "
                            "steps then make a picture of its own."
                        )
                        place = viewer("Move a slider.", "place")
                        values = progress_line("", "place-values")
                        across = gr.Slider(0, 1, 0.5, step=0.01, label="Across", elem_id="across")
                        down = gr.Slider(0, 1, 0.5, step=0.01, label="Down", elem_id="down")
                        with gr.Row():
                            steps = f"Optimize {REST_STEPS} steps from here"
                            rest = gr.Button(steps, elem_id="rest")
                            always = gr.Checkbox(False, label="Wherever the sliders rest")
        timer = gr.Timer(_SECONDS, active=False)
    return Variations(
        *(
            chosen,
            count,
            offered,
            make,
            stop,
            resume,
            discard,
            known,
            name,
            cell,
            rested,
            last_look,
            status,
            grid,
        ),
        *(cell_box, large, take, neighbors, plane_box, across, down, place, values, rest, always),
        timer,
    )


def connect(shared: Shared, parts: Variations, table: TableParts, tabs: gr.Tabs) -> None:
    """Connect the tab's events."""
    events = Events(shared, parts, table)
    token, inputs = shared.token, [*table.panel.inputs.values()]
    settings = [axis.setting for axis in parts.axes]
    values = [field for axis in parts.axes for field in (axis.numbers, axis.names)]
    gr.on(
        [*(one.input for one in settings), parts.count.input],
        said(events.suggest),
        [*settings, parts.count, *inputs],
        [*values, parts.offered],
        **QUIET,
    )
    begun = [parts.name, parts.cell, parts.known]
    parts.make.click(
        said(events.make), [token, *settings, *values, *table.lying, *inputs], begun, **QUIET
    )
    parts.neighbors.click(
        said(events.around), [token, parts.name, parts.cell, parts.count], begun, **QUIET
    )
    for what in ("stop", "resume", "discard"):
        button = getattr(parts, what)
        button.click(said(events.ask(what)), [token, parts.name], None, **QUIET)
    parts.known.input(lambda name: [name, ""], parts.known, [parts.name, parts.cell], **QUIET)
    chosen = [parts.cell, parts.cell_box, parts.large, parts.grid]
    parts.grid.select(said(events.pick), [token, parts.name], chosen, **QUIET).success(
        None, None, None, js=into_view("cell")
    )
    parts.take.click(
        said(events.take), [token, parts.cell], [*table.laid, table.shown], **QUIET
    ).success(lambda: gr.Tabs(selected="table"), None, tabs, **QUIET)
    place = [token, parts.name, parts.across, parts.down]
    of_plane = [parts.place, parts.values, parts.rested]
    gr.on(
        [parts.across.input, parts.down.input],
        said(events.moved),
        place,
        of_plane,
        trigger_mode="always_last",
        **QUIET,
    )
    parts.rest.click(said(events.rest), place, parts.rested, **QUIET)
    gr.on(
        [parts.across.release, parts.down.release],
        said(events.rested),
        [parts.always, *place],
        parts.rested,
        **QUIET,
    )
    shown: list[Any] = [
        parts.last_look,
        parts.status,
        parts.grid,
        parts.stop,
        parts.resume,
        parts.discard,
    ]
    shown += [parts.cell_box, parts.plane_box, parts.down, parts.across, parts.place, parts.values]
    parts.timer.tick(
        said(events.tick),
        [token, parts.name, parts.cell, parts.rested, parts.last_look],
        shown,
        concurrency_limit=None,
        **QUIET,
    )
    while_open(tabs, "Variations", parts.timer)
    tabs.select(said(events.opened), [token, parts.name], [parts.name, parts.known], **QUIET)
    tabs.select(
        said(events.suggest_again),
        [*settings, parts.count, parts.offered, *values, *inputs],
        [*values, parts.offered],
        **QUIET,
    )


def _axis(label: str, name: str, setting: str) -> AxisParts:
    """Lay out an axis that begins with a number."""
    names = [*axes.numeric(), *axes.named()]
    choices = [(one.replace("_", " "), one) for one in names]
    text = str(axes.offer(setting, Settings(), axes.COUNTS[0]))
    return AxisParts(
        gr.Dropdown(
            choices if name == "down" else [(_NONE, ""), *choices],
            value=setting,
            label=label,
            allow_custom_value=True,
            elem_id=f"vary-{name}",
        ),
        gr.Textbox(
            text,
            label=f"Values {name}",
            placeholder="0.1, 1, 10 or 0..3 or linspace(0, 1, 5)",
            elem_id=f"numbers-{name}",
        ),
        gr.Dropdown(
            [],
            value=[],
            label=f"Values {name}",
            multiselect=True,
            allow_custom_value=True,
            visible=False,
            elem_id=f"names-{name}",
        ),
    )
