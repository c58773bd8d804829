"""Messages and help texts as a page says them: without the spelling of options."""

from __future__ import annotations

import re

from jaxstyle._util.files import reason


def without_options(text: str) -> str:
    """Return a text with settings in words.

    >>> without_options("that does not fit; --style-scale 2 should")
    'that does not fit; style scale 2 should'
    """
    return re.sub(r"--([a-z][a-z-]*)", lambda match: match[1].replace("-", " "), text)


def in_words(error: Exception) -> str:
    """Return an error in one line.

    >>> in_words(ValueError("expected --size"))
    'expected size'
    """
    return without_options(" ".join(reason(error).split()) or type(error).__name__)
