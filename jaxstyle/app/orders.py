"""Orders: what runs are asked for, as files that outlive the server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from jaxstyle._util.files import write_whole
from jaxstyle._util.log import logger
from jaxstyle.app.rooms import Room
from jaxstyle.app.uploads import path_of, title_of
from jaxstyle.plain import from_plain, to_plain
from jaxstyle.settings import MAPS, Settings
from jaxstyle.specs import is_init

State = Literal["waiting", "running", "stopped", "failed"]
FILE_SETTINGS = ("content_mask", "style_mask", *MAPS, "color_from", "init")
"""Settings that name pictures: the page gives uploads for them, never paths."""
_SEVERAL = ("content_mask", "style_mask")


@dataclass(frozen=True)
class Order:
    """What a run is asked for.

    Attributes:
        name: Of the picture that it makes, or of the grid's folder.
        content: The upload to show.
        styles: The uploads to paint it like.
        settings: As JSON holds them; those that name pictures are in `files`.
        files: Uploads by the setting that names them.
        labels: Of the regions of a label map, which is one of the files.
        sweep: Of a grid: the values of each swept setting.
        continues: The name of the picture in the room from which the run starts, or nothing.
        changes: Of a run that continues a picture: which settings are others than the picture's.
        state: What becomes of it. A finished one has no order any more: its manifest says all.
        message: Why it failed.
        created: Seconds since 1970.
    """

    name: str
    content: str
    styles: tuple[str, ...]
    settings: Mapping[str, Any]
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    sweep: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    continues: str = ""
    changes: tuple[str, ...] = ()
    state: State = "waiting"
    message: str = ""
    created: float = 0.0

    def in_room(self, room: Room) -> Settings:
        """Return the settings with the paths of the uploads among them.

        Raises:
            ValueError: An upload that is not there, or a setting that cannot be used.
        """
        files: dict[str, Any] = {}
        for name, stored in self.files.items():
            paths = tuple(str(path_of(room, one)) for one in stored)
            if paths:
                files[name] = paths if name in _SEVERAL else paths[0]
        if self.labels:
            files["region_labels"] = self.labels
        return replace(from_plain(self.settings), **files)


def order_of(
    room: Room,
    content: str,
    styles: Sequence[str],
    settings: Settings,
    files: Mapping[str, Sequence[str]] | None = None,
    **more: Any,
) -> Order:
    """Return an order under a name that is free in the room.

    Raises:
        ValueError: An upload that is not there, or a setting that may not come from a page.
    """
    if not content:
        raise ValueError("there is no photograph yet: drop one, or pick a sample")
    if not styles:
        raise ValueError("there is no painting yet: drop one, or pick a sample")
    for stored in (content, *styles):
        path_of(room, stored)
    check_no_paths(settings)
    kept = {name: tuple(stored) for name, stored in (files or {}).items() if stored}
    if others := kept.keys() - {*FILE_SETTINGS}:
        raise ValueError(f"pictures are of no use as {', '.join(sorted(others))}")
    order = Order(
        name=_free_name(room, f"{title_of(content)}-{title_of(styles[0])}"),
        content=content,
        styles=tuple(styles),
        settings=to_plain(settings),
        files=kept,
        created=time.time(),
        **more,
    )
    order.in_room(room)
    return order


def check_no_paths(settings: Settings) -> None:
    """Refuse settings that name files of the server.

    Raises:
        ValueError: One of them does.
    """
    default = Settings()
    for name in FILE_SETTINGS:
        if name != "init" and getattr(settings, name) != getattr(default, name):
            raise ValueError(f"expected an upload as {name}, got a path")
    if not is_init(settings.init):
        raise ValueError("expected an upload as the picture to start from, got a path")
    if isinstance(settings.calibration, str):
        raise ValueError("expected calibration constants, got the path of a file")


def _free_name(room: Room, stem: str) -> str:
    stem = re.sub(r"[^\w+-]+", "-", stem, flags=re.ASCII)[:80]
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        places = (room.picture(name), room.folder / name, place(room, name))
        if not any(taken.exists() for taken in places):
            return name
        number += 1


def place(room: Room, name: str) -> Path:
    """Return where the order of a name lies."""
    return room.orders / f"{name}.json"


def write_order(path: Path, order: Order) -> None:
    """Write an order into a file."""
    text = json.dumps(asdict(order), indent=1) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))


def remove_order(room: Room, order: Order) -> None:
    """Remove an order's file."""
    place(room, order.name).unlink(missing_ok=True)


def order_from(path: Path) -> Order:
    """Read an order's file.

    Raises:
        ValueError: It is damaged.
        OSError: It cannot be read.
    """
    try:
        facts = json.loads(path.read_text("utf-8"))
        files = {name: tuple(stored) for name, stored in facts["files"].items()}
        lists = {name: tuple(facts.get(name, ())) for name in ("styles", "changes", "labels")}
        return Order(**{**facts, **lists, "files": files})
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"expected an order, got {error!r}") from None


def read_orders(room: Room) -> list[Order]:
    """Return the orders in a room, the oldest first; what is damaged is logged and left out."""
    orders = []
    for path in sorted(room.orders.glob("*.json")):
        try:
            order = order_from(path)
            if order.name != path.stem:
                raise ValueError("its name is another")
        except (OSError, ValueError) as error:
            logger.warning(f"{path} is damaged and not used: {error}")
            continue
        orders.append(order)
    return sorted(orders, key=lambda order: order.created)
