"""Which words of a command are clips, and where the films of several lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxstyle.batch.names import outputs_of
from jaxstyle.batch.pictures import NamedSource
from jaxstyle.video.film_settings import FORMATS
from jaxstyle.video.schedule import FILMS, is_moving


def is_clip(name: str) -> bool:
    """Whether a word stands for a clip, and for no picture: by its extension, or what lies there.

    >>> is_clip("clip.mp4"), is_clip("painting.jpg")
    (True, False)
    """
    return is_moving(name) or Path(name).suffix.lower() in FILMS


def films_in(folder: Path, clips: Sequence[str], format: str) -> list[tuple[str, Path]]:
    """Return clips, each once, and where their films lie: `a.mp4` of `clips/a.mov`.

    A name that another one has, in whatever case of letters, gets a number: `a-2.mp4`.

    Args:
        folder: Where films lie.
        clips: Files, folders or globs.
        format: One of `FORMATS`.

    Raises:
        ValueError: There is no such format.
    """
    if format not in FORMATS:
        raise ValueError(f"expected format as {', '.join(FORMATS)}, got {format!r}")
    once = [*dict.fromkeys(clips)]
    style = NamedSource("", "")
    pairs = [(NamedSource(clip, _name(clip, format)), style) for clip in once]
    extension = "" if format == "frames" else f".{format}"
    outputs = outputs_of(pairs, folder, extension, reads_manifests=False)
    return [*zip(once, outputs, strict=True)]


def _name(clip: str, format: str) -> str:
    """Return what a clip's film is called.

    >>> _name("shots/a.mov", "mp4"), _name("shots/one/", "mp4"), _name("one/*.png", "mp4")
    ('a', 'one', 'one')
    """
    path = Path(clip)
    if any(letter in path.name for letter in "*?["):
        path = path.parent
    name = path.stem if path.suffix.lower() in FILMS else path.name or "film"
    # What has an extension would be taken for a file.
    return name.replace(".", "_") if format == "frames" else name
