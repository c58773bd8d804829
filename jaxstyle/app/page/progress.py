"""How far a run is, in a line that ticks each second: a step may take longer."""

from __future__ import annotations

import html

import gradio as gr

from jaxstyle.app import words
from jaxstyle.app.orders import Order
from jaxstyle.app.page.parts import text_of
from jaxstyle.app.queue import Clock, Queue, View
from jaxstyle.app.rooms import Room


def progress_line(value: str, elem_id: str) -> gr.HTML:
    """Return a component that shows `line_of`, and keeps its clock going in the browser."""
    return gr.HTML(value, js_on_load=text_of("clock.js"), elem_id=elem_id, apply_default_css=False)


def line_in(queue: Queue, room: Room, order: Order, view: View | None) -> str:
    """Return `line_of` a run of a room, of which the queue knows the rest."""
    return line_of(order, view, queue.ahead(room, order.name), queue.clock(room, order.name))


def line_of(order: Order, view: View | None, ahead: int, clock: Clock) -> str:
    """Return what becomes of a run, as HTML.

    Args:
        order: The run.
        view: What there is to see of it.
        ahead: How many come before it.
        clock: Since when it runs.
    """
    text = html.escape(words.status(order, view, ahead))
    mark = ' class="failed"' if order.state == "failed" else ""
    line = f'<p{mark} role="status">{html.escape(order.name)}: {text}</p>'
    if order.state != "running":
        return line
    steps = view.step if view else 0
    left = ""
    if view is not None and view.seconds_left is not None:
        left = f"{max(0.0, view.seconds_left - clock.step):.1f}"
    facts = {"run": f"{clock.run:.1f}", "step": f"{clock.step:.1f}", "left": left}
    facts |= {"pace": f"{view.pace if view else 0.0:.3f}", "steps": str(steps)}
    data = " ".join(f'data-{name}="{value}"' for name, value in facts.items())
    return (
        f'{line}<p class="clock quiet" role="timer" {data}>{clock.run:.0f} s so far</p>'
        f'<progress {_share(order, view)}aria-label="Progress"></progress>'
    )


def _share(order: Order, view: View | None) -> str:
    """Return how much of a run is done: of a grid by time, as its cells are done together."""
    if view is not None and view.step and not order.sweep:
        return f'max="{view.steps}" value="{view.step}" '
    if view is not None and view.seconds_left is not None:
        return f'max="{view.seconds + view.seconds_left:.1f}" value="{view.seconds:.1f}" '
    return ""
