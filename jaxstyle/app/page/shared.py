"""What all tabs share: the studio, whose page it is, and errors in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from jaxstyle._util.log import logger
from jaxstyle.app.plain_words import in_words
from jaxstyle.app.rooms import Room
from jaxstyle.app.studio import Studio

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Of events that show nothing while they work; no event is part of an API."""


@dataclass(frozen=True)
class Shared:
    """What all tabs share.

    Attributes:
        studio: Behind the page.
        token: The component with the visitor's token.
        temporary: Where files for downloads are written.
    """

    studio: Studio
    token: gr.Textbox
    temporary: Path

    def room(self, token: str, request: gr.Request | None) -> Room:
        """Return the room of who looks at the page: of the user who logged in, or the visitor."""
        user = getattr(request, "username", None)
        return self.studio.rooms.room(f"user:{user}:{'-' * 16}" if user else str(token or ""))


def uploaded(path: str) -> Path:
    """Return a file that was uploaded through the page.

    Raises:
        ValueError: The path leads elsewhere.
    """
    place = Path(path).resolve()
    if not place.is_relative_to(Path(get_upload_folder()).resolve()) or not place.is_file():
        raise ValueError("expected an upload, got a path")
    return place


def said(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Let a handler's errors be said on the page, in words; nothing else then changes."""

    @wraps(handler)
    def guarded(*args: Any) -> Any:
        try:
            return handler(*args)
        except (ValueError, OSError, MemoryError, TypeError) as error:
            raise gr.Error(in_words(error), duration=12, print_exception=False) from None
        except Exception as error:
            logger.exception("the page failed")
            raise gr.Error(f"Unexpected: {in_words(error)}", print_exception=False) from None

    return guarded


def while_open(tabs: gr.Tabs, label: str, timer: gr.Timer) -> None:
    """Let a timer tick only while the tab of a label is open."""

    def selected(event: gr.SelectData) -> Any:
        return gr.Timer(active=event.value == label)

    tabs.select(selected, None, timer, **QUIET)
