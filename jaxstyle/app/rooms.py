"""Rooms: where the pictures of one visitor lie, or of all of them.

FOLDER/NAME.png, NAME.json     pictures and their manifests
FOLDER/NAME/                   a grid, as `stylize_grid` writes it
FOLDER/inputs/                 the contents, styles and masks that were uploaded
FOLDER/favorites.txt           the names of favorites
FOLDER/.studio/                runs that wait, run, or were stopped
FOLDER/visitors/…              with `--share-nothing`: a room for each visitor
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from jaxstyle._util.files import check_folder

LEAST_TOKEN = 16
"""Characters that a visitor's token has at least: nobody guesses another's."""


@dataclass(frozen=True)
class Room:
    """A folder of pictures, and what the studio keeps there."""

    folder: Path

    @property
    def inputs(self) -> Path:
        """Where uploads lie."""
        return self.folder / "inputs"

    @property
    def orders(self) -> Path:
        """Where orders lie, one file each."""
        return self.folder / ".studio"

    @property
    def favorites(self) -> Path:
        """The file that lists favorites."""
        return self.folder / "favorites.txt"

    def picture(self, name: str) -> Path:
        """Return where a run's picture is written; `name` is that of an order."""
        return self.folder / f"{name}.png"

    def prepare(self) -> Room:
        """Create the folders, and return the room."""
        for folder in (self.inputs, self.orders):
            folder.mkdir(parents=True, exist_ok=True)
        return self


class Rooms:
    """The rooms of a server.

    Attributes:
        folder: Where all of them are.
        separate: Whether visitors share nothing.
    """

    def __init__(self, folder: Path, *, separate: bool = False) -> None:
        """Create the folder.

        Raises:
            ValueError: It is a file.
            OSError: It cannot be created.
        """
        check_folder(folder)
        self.folder, self.separate = folder.absolute(), separate
        self._visitors = self.folder / "visitors"
        self.folder.mkdir(parents=True, exist_ok=True)

    def room(self, visitor: str) -> Room:
        """Return the room of a visitor.

        Args:
            visitor: A text that nobody else knows, or the name of a user who logged in. It is
                hashed, and so decides nothing else about a path.

        Raises:
            ValueError: It is too short to be a secret.
        """
        if not self.separate:
            return Room(self.folder).prepare()
        if len(visitor) < LEAST_TOKEN:
            raise ValueError("this page does not know whose it is: reload it")
        digest = hashlib.sha256(visitor.encode()).hexdigest()[:32]
        return Room(self._visitors / digest).prepare()

    def all(self) -> list[Room]:
        """Return every room that exists."""
        if not self.separate:
            return [Room(self.folder).prepare()]
        folders = sorted(self._visitors.glob("*")) if self._visitors.is_dir() else []
        return [Room(folder).prepare() for folder in folders if folder.is_dir()]
