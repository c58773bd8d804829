"""The studio: a page in the browser to play in.

Everything but `page` works without Gradio: rooms (folders), uploads, orders, their queue, the
gallery, and what the controls of the page mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxstyle.app.page.build import build as build

__all__ = ["build"]


def __getattr__(name: str) -> object:
    if name == "build":  # imports Gradio
        from jaxstyle.app.page.build import build

        return build
    raise AttributeError(f"module 'jaxstyle.app' has no attribute {name!r}")
