"""What is kept of a film that is being made, so that it resumes at any frame.

Beside `out.mp4` lies the folder `out.mp4.unfinished`: `state.json`, what all frames share; of each
frame `000012.png`, as it is shown, and `000012.npz`, what later frames need of it, which is written
last: a frame is done where it is whole. Of frames that no later one needs the arrays are removed.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from jaxstyle._util.files import write_whole
from jaxstyle._util.log import logger
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import reread, write_image
from jaxstyle.plain import differences
from jaxstyle.video.canvas import Known

_FORM = 2


def unfinished(output: Path) -> Path:
    """Return the folder in which a film is made.

    >>> unfinished(Path("out.mp4")).name
    'out.mp4.unfinished'
    """
    return output.with_name(f"{output.name}.unfinished")


class Kept:
    """The folder of an unfinished film."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or written yet."""
        self.folder = folder

    def begin(self, identity: Mapping[str, Any], *, resume: bool) -> dict[str, Any] | None:
        """Begin a film, or resume it.

        Args:
            identity: All that decides its frames.
            resume: Whether to use what is there.

        Returns:
            What `note` kept, if there is something to resume.

        Raises:
            ValueError: What is there is another film; the message names what differs.
            OSError: The folder cannot be written.
        """
        state = self._state() if resume else None
        if state is None:
            if self.folder.exists():
                self._clear_frames()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write_state({"form": _FORM, "identity": dict(identity), "noted": None})
            return None
        _check_same(self.folder, state["identity"], identity)
        noted: dict[str, Any] | None = state["noted"]
        return noted

    def note(self, identity: Mapping[str, Any], noted: Mapping[str, Any]) -> None:
        """Keep what all frames share."""
        self._write_state({"form": _FORM, "identity": dict(identity), "noted": dict(noted)})

    def put(
        self,
        known: Known,
        shown: Picture | None,
        facts: Mapping[str, Any],
        tag: str = "",
        content: Picture | None = None,
    ) -> None:
        """Keep a frame.

        Args:
            known: What later frames need.
            shown: The frame as the film shows it; None if this pass is not the last.
            facts: What the manifest says of it.
            tag: Of the pass.
            content: What the frame shows, if another pass needs it.
        """
        if shown is not None:
            write_image(self.picture(known.number), shown)
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)

        more: dict[str, Any] = {} if content is None else {"content": content}

        def write(file: BinaryIO) -> None:
            np.savez(file, raw=known.raw, gray=known.gray, facts=text, **more)

        write_whole(self._arrays(known.number, tag), write)

    def get(self, number: int, tag: str = "") -> tuple[Known | None, dict[str, Any]] | None:
        """Return a frame and its facts; without what later frames need, where that was removed.

        None if it is not there, or not whole.
        """
        path = self._arrays(number, tag)
        try:
            with np.load(io.BytesIO(path.read_bytes())) as arrays:
                facts = json.loads(bytes(arrays["facts"]))
                if "raw" not in arrays:
                    return None, facts
                return Known(number, arrays["raw"], arrays["gray"]), facts
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            logger.warning(f"{path} is damaged and not used: {error}")
            return None

    def content(self, number: int) -> Picture | None:
        """Return what a frame shows, if it was kept."""
        with np.load(io.BytesIO(self._arrays(number, "").read_bytes())) as arrays:
            return cast("Picture | None", arrays.get("content"))

    def slim(self, number: int, tag: str = "") -> None:
        """Remove what no later frame needs of a frame."""
        kept = self.get(number, tag)
        if kept is not None and kept[0] is not None:
            text = np.frombuffer(json.dumps(kept[1]).encode(), np.uint8)
            write_whole(self._arrays(number, tag), lambda file: np.savez(file, facts=text))

    def picture(self, number: int) -> Path:
        """Return where a frame lies as the film shows it."""
        return self.folder / f"{number:06}.png"

    def shown(self, number: int) -> Picture:
        """Read a frame as the film shows it."""
        return reread(self.picture(number))[0]

    def remove(self) -> None:
        """Remove the folder: the film is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _arrays(self, number: int, tag: str) -> Path:
        return self.folder / f"{number:06}{tag}.npz"

    def _clear_frames(self) -> None:
        for pattern in ("*.png", "*.npz", "state.json"):
            for path in self.folder.glob(pattern):
                path.unlink()

    def _state(self) -> dict[str, Any] | None:
        try:
            state = json.loads((self.folder / "state.json").read_text())
            return state if state["form"] == _FORM else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write_state(self, state: Mapping[str, Any]) -> None:
        text = json.dumps(state).encode()
        write_whole(self.folder / "state.json", lambda file: file.write(text))


def _check_same(folder: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Refuse to resume another film."""
    for group, now in ours.items():
        then = theirs.get(group, {})
        if now == then:
            continue
        what = group
        if isinstance(now, dict) and isinstance(then, dict):
            names = differences(now, then) if group == "settings" else []
            names = names or [n for n in {**now, **then} if now.get(n) != then.get(n)]
            pairs = (f"{name} {then.get(name)}, not {now.get(name)}" for name in names)
            what = f"another {names[0]}" if group == "pictures" else ", ".join(pairs)
        raise ValueError(f"{folder} is of a film with {what}; leave out --resume to start again")
