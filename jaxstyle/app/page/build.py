"""The page as Gradio Blocks: three tabs over one studio."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jaxstyle.app.page.server import quiet_gradio

quiet_gradio()

import gradio as gr  # noqa: E402 (it reads its environment when it is imported)

from jaxstyle.app.page import gallery_tab, table_tab, variations_tab  # noqa: E402
from jaxstyle.app.page.parts import text_of  # noqa: E402
from jaxstyle.app.page.shared import QUIET, Shared  # noqa: E402
from jaxstyle.app.studio import Studio  # noqa: E402

_TOKEN = """() => {
  let token = localStorage.getItem("jaxstyle-visitor");
  if (!token) {
    const bytes = [...crypto.getRandomValues(new Uint8Array(24))];
    token = bytes.map((n) => n.toString(16).padStart(2, "0")).join("");
    localStorage.setItem("jaxstyle-visitor", token);
  }
  return token;
}"""
"""What tells visitors apart with `--share-nothing`: nobody else knows it."""


def build(
    folder: str | Path = "studio", *, share_nothing: bool = False, offline: bool = False
) -> gr.Blocks:
    """Return the page as Gradio Blocks, to be launched or mounted elsewhere.

    `gradio.mount_gradio_app(app, build(), path="/studio", **launch_options())` mounts it; runs
    begin at once.

    Args:
        folder: Where pictures are written.
        share_nothing: Whether visitors see nothing of each other.
        offline: Never fetch weights or samples.

    Raises:
        ValueError: Another studio works in the folder.
        OSError: The folder cannot be created.
    """
    from jaxstyle.app.running import runner

    studio = Studio(Path(folder), runner(offline=offline), separate=share_nothing, offline=offline)
    return blocks(studio)


def launch_options() -> dict[str, Any]:
    """Return what Gradio is given where the page is launched: nothing comes from the web."""
    fonts = ["system-ui", "sans-serif"]
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.slate,
        font=fonts,
        font_mono=["ui-monospace", "monospace"],
    ).set(
        # Gradio's dark theme has the same gray for both kinds of buttons.
        button_primary_background_fill_dark="*primary_200",
        button_primary_background_fill_hover_dark="*primary_100",
        button_primary_text_color_dark="*neutral_900",
        slider_color_dark="*primary_300",
    )
    return {"theme": theme, "css": text_of("look.css"), "footer_links": []}


def blocks(studio: Studio) -> gr.Blocks:
    """Return the page of a studio."""
    with gr.Blocks(title="jaxstyle studio", analytics_enabled=False, fill_width=True) as page:
        gr.HTML("<h1>jaxstyle studio</h1>", apply_default_css=False)
        token = gr.Textbox(visible=False)
        shared = Shared(studio, token, Path(os.environ["GRADIO_TEMP_DIR"]))
        with gr.Tabs() as tabs:
            table = table_tab.lay_out(shared)
            variations = variations_tab.lay_out(shared)
            gallery = gallery_tab.lay_out(shared)
        table_tab.connect(shared, table)
        variations_tab.connect(shared, variations, table, tabs)
        gallery_tab.connect(shared, gallery, table, tabs)
        begun = table_tab.begin(shared, table)
        page.load(None, None, token, js=_TOKEN, **QUIET).then(begun, [token], table.all, **QUIET)
    return page
