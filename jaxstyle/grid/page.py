"""A sweep as one HTML page that needs nothing else. NumPy and Pillow only."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxstyle.image.encode import as_pillow
from jaxstyle.image.geometry import Picture

_TEMPLATE = Path(__file__).with_name("page.html")
_INCLUDED = re.compile(r"__FILE (\w+\.js)__")
# `<` could end the script element that holds the data; in JSON these stand inside strings only.
_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def page(data: Mapping[str, Any]) -> str:
    """Return an HTML page of the results of a sweep; the same text for the same data.

    >>> "</script><b>" in page({"title": "</script><b>"})
    False

    Args:
        data: What to show, as JSON would hold it. Numbers that are not finite become null,
            objects that JSON does not know their `str`.

            - `title`: a text; `command`: a text or None; `key`: what a reader's favorites are
              kept under.
            - `inputs`: `role` ("content" or "style"), `name` and `picture` (a data URI) of each.
            - `axes`: `name` and `values` (labels) of each swept setting; the last runs across.
            - `zipped`: True if the cells are no grid and stand in their own order.
            - `cells`: `name`, `file` (relative path), `values` (axis to label), `picture` (a data
              URI or None), `failure` (a line or None), `history` (term to its loss at every step,
              unweighted but for `total`), `scales` (`size` and `steps` of each), `settings` (name
              to text), `seconds`, `command` and `replay` (command lines that make it, or None).
            - `facts`: name to text, for the footer.
    """
    # The detour turns NaN and infinity into null, which JSON in a browser would refuse.
    plain = json.loads(json.dumps(data, default=str), parse_constant=lambda name: None)
    return filled(_TEMPLATE, plain)


def filled(template: Path, data: Any) -> str:
    """Fill a template: scripts in place of `__FILE NAME.js__`, and data in place of `__DATA__`."""
    folder = Path(__file__).parent
    text = json.dumps(data).translate(_ESCAPES)
    page = _INCLUDED.sub(
        lambda match: (folder / match[1]).read_text("utf-8"), template.read_text("utf-8")
    )
    return page.replace("__DATA__", text)


def embedded(picture: Picture, quality: int = 88) -> str:
    """Return a picture as a data URI, JPEG with full color resolution."""
    file = io.BytesIO()
    # Not `optimize`: Pillow then needs room for the whole file, and noise outgrows what it takes.
    as_pillow(picture).save(file, "JPEG", quality=quality, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
