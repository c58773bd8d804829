"""Parts of the page that more than one tab has."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

_FOLDER = Path(__file__).parent
LARGEST_LOSSLESS = 1_600_000
"""Pixels above which a picture is shown as JPEG: as PNG it would take too long to send."""


def text_of(name: str) -> str:
    """Return the text of a file of this folder."""
    return (_FOLDER / name).read_text("utf-8")


def well(label: str, **more: Any) -> gr.Image:
    """Return where a picture is dropped.

    Its events take `preprocess=False`, and get where the upload lies (`path_in`): Gradio would
    decode it, and lose its depth, its profile and the reason why it cannot be read.
    """
    return gr.Image(label=label, sources=["upload", "clipboard"], interactive=True, **more)


def path_in(payload: Any) -> str | None:
    """Return the path of an upload from what an event of a well says, or None if it is empty."""
    return str(payload["path"]) if isinstance(payload, dict) and payload.get("path") else None


def viewer(nothing: str, elem_id: str) -> gr.HTML:
    """Return a viewer; its value has `after` and `before` (data URIs), `alt` and `nothing`."""
    return gr.HTML(
        {"after": None, "nothing": nothing},
        html_template=text_of("viewer.html"),
        js_on_load=text_of("viewer.js"),
        elem_id=elem_id,
        apply_default_css=False,
    )


def into_view(elem_id: str) -> str:
    """Return JavaScript that scrolls to an element, which on a phone is below what was picked."""
    how = "{ block: 'nearest', behavior: 'smooth' }"
    return (
        f"() => setTimeout(() => document.querySelector('#{elem_id}').scrollIntoView({how}), 100)"
    )


class Choice(NamedTuple):
    """A button with a picture."""

    name: str  # what an event says
    label: str
    picture: str | None  # a data URI
    alt: str = ""
    marks: str = ""  # more classes


def picker(elem_id: str, value: str = "", **more: Any) -> gr.HTML:
    """Return a list of buttons, whose `select` event has the name of the one that was clicked."""
    return gr.HTML(
        value,
        js_on_load=text_of("picking.js"),
        elem_id=elem_id,
        apply_default_css=False,
        **more,
    )


def editor(value: dict[str, Any], name: str, elem_id: str, **facts: Any) -> gr.HTML:
    """Return fields that `NAME.js` lays out in `NAME.html`; an `input` event has their values.

    The facts that the script needs stand before it: properties of its own Gradio does not give to a
    component that is hidden at first.
    """
    return gr.HTML(
        value,
        html_template=text_of(f"{name}.html"),
        js_on_load=f"const facts = {json.dumps(facts)};\n{text_of(f'{name}.js')}",
        elem_id=elem_id,
        apply_default_css=False,
    )


def buttons(choices: Iterable[Choice], kind: str = "tiles", columns: int | None = None) -> str:
    """Return the HTML of a picker's buttons."""
    style = f' style="--columns:{columns}"' if columns else ""
    rows = []
    for one in choices:
        name, label, alt = (html.escape(text) for text in (one.name, one.label, one.alt))
        image = (
            f'<img src="{one.picture}" alt="{alt}">' if one.picture else "<span class=blank></span>"
        )
        rows.append(
            f'<button type="button" data-pick="{name}" class="{one.marks}" title="{label}">'
            f"{image}<span>{label}</span></button>"
        )
    return f'<div class="{kind}"{style}>{"".join(rows)}</div>'


def picked(event: gr.EventData) -> str:
    """Return the name of the button that was clicked."""
    data: Any = event._data
    return str(data.get("value", "")) if isinstance(data, dict) else ""
