"""Masks and other pictures: painted by brush, or uploaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from jaxstyle.app.gallery import THUMBNAIL, data_uri
from jaxstyle.app.page.parts import Choice, buttons, picker
from jaxstyle.app.rooms import Room
from jaxstyle.app.uploads import preview, title_of
from jaxstyle.image.encode import as_pillow

ANOTHER_STYLE = "another_style"
USES = {
    "content_mask": "Paint only here: a region of the photograph",
    "content_weight_map": "Keep the photograph only here",
    "style_weight_map": "Take the painting only here",
}
"""What a painted mask can be."""
ROLES = {
    ANOTHER_STYLE: "Another painting",
    **USES,
    "style_mask": "The part of the painting that a region takes",
    "regions": "Label map: a color or a number for each region",
    "color_from": "Take the colors of this picture",
    "init": "Start from this picture",
}
"""What an uploaded picture can be."""
SEVERAL = ("content_mask", "style_mask")
SIDE = 768
"""Longest side of the picture that is painted on."""


@dataclass(frozen=True)
class Pictures:
    """The components.

    Attributes:
        painter: Where a mask is painted, over the photograph.
        use: What it is for.
        take: The button that takes it.
        role: What an upload is for.
        upload: Where it is dropped.
        list: What there is; a click removes one.
    """

    painter: gr.ImageEditor
    use: gr.Radio
    take: gr.Button
    role: gr.Dropdown
    upload: gr.UploadButton
    list: gr.HTML


def lay_out() -> Pictures:
    """Lay the panel out."""
    with gr.Accordion("Masks and other pictures", open=False, elem_id="masks"):
        painter = gr.ImageEditor(
            label="Paint a mask over the photograph",
            type="numpy",
            sources=[],
            transforms=[],
            layers=False,
            brush=gr.Brush(default_size=SIDE // 14, colors=["#ffffff"], color_mode="fixed"),
            height="min(70vh, 40rem)",
            canvas_size=(SIDE, SIDE),
            buttons=[],
            elem_id="painter",
        )
        with gr.Row():
            with gr.Column(min_width=280):
                use = gr.Radio(
                    [(text, name) for name, text in USES.items()], value="content_mask", label="Use"
                )
                take = gr.Button("Use what is painted", size="sm", elem_id="take-mask")
            with gr.Column(min_width=280):
                role = gr.Dropdown(
                    [(text, name) for name, text in ROLES.items()],
                    value=ANOTHER_STYLE,
                    label="Upload as",
                )
                upload = gr.UploadButton(
                    "Upload a picture", file_types=["image"], size="sm", elem_id="more"
                )
        gr.Markdown("In use (a click removes one):", elem_classes="quiet")
        chosen = picker("in-use")
    return Pictures(painter, use, take, role, upload, chosen)


def painting_ground(room: Room, content: str) -> dict[str, Any] | None:
    """Return what the painter shows: the photograph, and nothing on it."""
    if not content:
        return None
    background = as_pillow(preview(room, content, SIDE))
    return {"background": background, "layers": [], "composite": background}


def mask_of(painted: Any) -> Image.Image:
    """Return what was painted as a picture of grays, white where the brush was.

    Raises:
        ValueError: Nothing was painted.
    """
    layers = [np.asarray(layer) for layer in (painted or {}).get("layers") or ()]
    alphas = [layer[..., 3] for layer in layers if layer.ndim == 3 and layer.shape[2] == 4]
    if not alphas or not max(alpha.max() for alpha in alphas):
        raise ValueError("nothing is painted yet: draw on the photograph first")
    return Image.fromarray(np.max(np.stack(alphas), axis=0))


def with_one_more(
    files: Mapping[str, Sequence[str]], role: str, stored: str
) -> dict[str, list[str]]:
    """Return files by role with one more, or with another where only one can be.

    Raises:
        ValueError: There is no such role.
    """
    if role not in ROLES or role == ANOTHER_STYLE:
        raise ValueError(f"there is no use {role!r} of a picture")
    kept = {name: list(stored) for name, stored in files.items()}
    kept[role] = [*(kept.get(role, []) if role in SEVERAL else []), stored]
    return kept


def in_use(room: Room, styles: Sequence[str], files: Mapping[str, Sequence[str]]) -> str:
    """Return the buttons of all pictures but the content and the first style."""
    pairs = [(ANOTHER_STYLE, stored) for stored in styles[1:]]
    pairs += [(role, stored) for role, names in files.items() for stored in names]
    rows = []
    for role, stored in pairs:
        try:
            picture = data_uri(preview(room, stored, THUMBNAIL), lossless=False)
        except (OSError, ValueError):
            picture = None
        label = f"{ROLES.get(role, role).partition(':')[0]}: {title_of(stored)}"
        rows.append(Choice(f"{role}/{stored}", label, picture, f"{label}; remove"))
    return buttons(rows, "tiles small") if rows else ""
