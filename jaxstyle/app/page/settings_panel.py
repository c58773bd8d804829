"""The palette: four sliders and three characters, or every setting in its group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import gradio as gr

from jaxstyle import recipes
from jaxstyle.app import controls, mixtures, simple, words
from jaxstyle.app.controls import Control
from jaxstyle.app.gallery import data_uri
from jaxstyle.app.page.parts import Choice, buttons, editor, picked, picker
from jaxstyle.app.page.shared import QUIET, said
from jaxstyle.app.plain_words import in_words
from jaxstyle.image.io import read_image
from jaxstyle.settings import MIXTURES, Settings

VIEWS = ("Simple", "Full")
DEFAULT = "default"


@dataclass(frozen=True)
class Panel:
    """The components of the palette.

    Attributes:
        view: Simple or full.
        simple: The column of the simple view.
        full: Likewise.
        sliders: The four.
        characters: Buttons.
        inputs: A component for each setting, by name.
        command: The command line.
        python: The Python.
        region: What is shown with the full view, elsewhere on the page.
    """

    view: gr.Radio
    simple: gr.Column
    full: gr.Column
    sliders: tuple[gr.Slider, ...]
    characters: gr.HTML
    inputs: Mapping[str, Any]
    command: gr.Textbox
    python: gr.Textbox
    region: gr.Column

    @property
    def all(self) -> list[Any]:
        """Every component that shows settings."""
        return [*self.inputs.values(), *self.sliders, self.command, self.python]

    @property
    def mixtures(self) -> dict[str, Any]:
        """The components that show mixtures of metrics."""
        return {name: self.inputs[name] for name in MIXTURES}

    def answers(self, shown: Sequence[Any]) -> dict[Any, Any]:
        """Return both forms of the mixtures that were changed in one of them, or what is wrong."""
        changed: dict[Any, Any] = {}
        for name, before in zip(self.inputs, shown, strict=True):
            if name not in MIXTURES or "source" not in before:
                continue
            try:
                now = mixtures.shown_for(mixtures.specs_from(before, MIXTURES[name]))
                changed[self.inputs[name]] = {**now, "edit": before.get("edit")}
            except ValueError as error:
                changed[self.inputs[name]] = {**before, "problem": in_words(error)}
        return changed

    def settings(self, shown: Sequence[Any]) -> Settings:
        """Return the settings of what the components show; errors as of `settings_from`."""
        return controls.settings_from(dict(zip(self.inputs, shown, strict=True)))

    def labels(self, shown: Sequence[Any]) -> tuple[str, ...]:
        """Return the labels of what the components show; errors as of `labels_from`."""
        return controls.labels_from(dict(zip(self.inputs, shown, strict=True)))

    def showing(
        self,
        settings: Settings,
        content: str = "",
        styles: Sequence[str] = (),
        files: Mapping[str, Sequence[str]] | None = None,
        labels: Sequence[str] = (),
    ) -> dict[Any, Any]:
        """Return what all components show for some settings."""
        values = controls.shown_for(settings, labels)
        shown: dict[Any, Any] = {self.inputs[name]: value for name, value in values.items()}
        shown |= dict(zip(self.sliders, simple.sliders_of(settings), strict=True))
        return shown | self.in_text(settings, content, styles, files, labels)

    def in_text(
        self,
        settings: Settings,
        content: str,
        styles: Sequence[str],
        files: Mapping[str, Sequence[str]] | None,
        labels: Sequence[str],
    ) -> dict[Any, Any]:
        """Return the command line and the Python."""
        chosen = words.with_files(settings, files or {}, labels)
        inputs = (content, styles)
        return {
            self.command: words.command(*inputs, chosen),
            self.python: words.python(*inputs, chosen),
        }


def lay_out(region: gr.Column) -> Panel:
    """Lay the palette out; `region` is shown with the full view."""
    view = gr.Radio(VIEWS, value=VIEWS[0], label="Settings", elem_id="view")
    with gr.Column(visible=True) as simple_view:
        names = (
            (
                "The painting's share",
                "Left: nearer to the photograph. Right: nearer to the painting.",
            ),
            ("Size of strokes", "Left: fine. Right: broad."),
            ("Colors", "Left: the painting's. Right: the photograph's."),
            ("Smoothness", "Left: rough. Right: smooth."),
        )
        places = simple.Sliders()
        sliders = tuple(
            gr.Slider(0, 100, place, step=1, label=label, info=info, elem_id=f"slider-{number}")
            for number, ((label, info), place) in enumerate(zip(names, places, strict=True))
        )
        gr.Markdown("Characters", elem_classes="quiet")
        characters = picker("characters", buttons(_characters(), "tiles three"))
    inputs: dict[str, Any] = {}
    with gr.Column(visible=False) as full_view:
        for group, members in controls.groups().items():
            with gr.Accordion(group, open=False):
                for control in members:
                    inputs[control.name] = _component(control)
    with gr.Accordion("The same without the page", open=False):
        command = gr.Textbox(label="Command line", lines=2, buttons=["copy"], elem_id="command")
        python = gr.Textbox(label="Python", lines=6, buttons=["copy"], elem_id="python")
    return Panel(
        *(view, simple_view, full_view, sliders, characters, inputs, command, python, region)
    )


def connect(panel: Panel, context: Sequence[Any]) -> tuple[Any, Sequence[Any], Sequence[Any]]:
    """Connect the palette's own events; return the one that says the settings in text.

    Args:
        panel: The components.
        context: Those with the content, the styles and other files, which the texts name.
    """
    everything = [*context, *panel.inputs.values()]
    texts = [panel.command, panel.python, *panel.sliders, *panel.mixtures.values()]

    def in_text(content: str, styles: list[str], files: dict[str, Any], *shown: Any) -> Any:
        answers = panel.answers(shown)
        try:
            settings = panel.settings(shown)
            texts = panel.in_text(settings, content, styles, files, panel.labels(shown))
        except ValueError as error:  # half a word was typed
            return answers | {panel.command: in_words(error), panel.python: in_words(error)}
        sliders = dict(zip(panel.sliders, simple.sliders_of(settings), strict=True))
        return answers | texts | sliders

    fields = panel.inputs.values()
    # Gradio's `input` of a text box fires for typed characters only, not when text is pasted or
    # deleted; `blur` follows when the box loses focus.
    blurs = [field.blur for field in fields if isinstance(field, gr.Textbox)]
    gr.on(
        [*(field.input for field in fields), *blurs],
        in_text,
        everything,
        texts,
        trigger_mode="always_last",
        **QUIET,
    )

    @said
    def slid(content: str, styles: list[str], files: dict[str, Any], *shown: Any) -> Any:
        *others, style, strokes, colors, smoothness = shown
        sliders = simple.Sliders(style, strokes, colors, smoothness)
        settings = simple.settings_of(sliders, panel.settings(others))
        values = panel.showing(settings, content, styles, files, panel.labels(others))
        return {one: value for one, value in values.items() if one not in panel.sliders}

    gr.on(
        [slider.input for slider in panel.sliders],
        slid,
        [*everything, *panel.sliders],
        [one for one in panel.all if one not in panel.sliders],
        trigger_mode="always_last",
        **QUIET,
    )

    @said
    def chosen(
        event: gr.EventData, content: str, styles: list[str], files: dict[str, Any], *shown: Any
    ) -> Any:
        settings = simple.character(picked(event), panel.settings(shown))
        return panel.showing(settings, content, styles, files, panel.labels(shown))

    panel.characters.select(chosen, everything, panel.all, **QUIET)

    @said
    def recipe_chosen(content: str, styles: list[str], files: dict[str, Any], *shown: Any) -> Any:
        values = dict(zip(panel.inputs, shown, strict=True))
        name, size = values["recipe"], controls.value_of("size", values)
        given = {} if size is None else {"size": size}  # a recipe may have a size
        settings = recipes.settings(recipe=name or None, **given)
        return panel.showing(settings, content, styles, files, panel.labels(shown))

    panel.inputs["recipe"].input(recipe_chosen, everything, panel.all, **QUIET)
    views = [panel.simple, panel.full, panel.region]
    panel.view.change(
        lambda view: [gr.Column(visible=view == name) for name in (*VIEWS, VIEWS[1])],
        panel.view,
        views,
        **QUIET,
    )
    return in_text, everything, texts


def _characters() -> list[Choice]:
    """Return the buttons of characters, each with a picture of what it does."""
    rows = []
    folder = resources.files("jaxstyle.app") / "characters"
    for name in simple.CHARACTERS:
        with resources.as_file(folder / f"{name}.jpg") as path:
            picture = data_uri(read_image(path), lossless=False)
        rows.append(Choice(name, name.capitalize(), picture, recipes.find(name).meaning))
    return rows


def _component(control: Control) -> Any:
    """Return the component of a setting, with its default."""
    value = control.shown(getattr(Settings(), control.name))
    about: dict[str, Any] = {"label": control.label, "elem_id": f"setting-{control.name}"}
    if control.form == "mixture":
        gr.Markdown(f"**{control.label}.** {control.meaning}")
        group = MIXTURES[control.name]
        facts = {"catalog": mixtures.catalog(group), "kind": group, "legend": control.label}
        return editor(value, "mixture", f"setting-{control.name}", **facts)
    about["info"] = control.meaning
    if control.form == "flag":
        return gr.Checkbox(value, **about)
    if control.form == "choice":
        choices: list[Any] = [*control.choices]
        if control.optional:
            choices = [("(none)", ""), *choices]
        return gr.Dropdown(choices, value=value or "", **about)
    if control.form == "whole number":
        return gr.Number(value, precision=0, **about)
    if control.form == "number":
        return gr.Number(value, **about)
    lines = 2 if control.example else 1
    return gr.Textbox(value or "", lines=lines, placeholder=control.example or None, **about)
