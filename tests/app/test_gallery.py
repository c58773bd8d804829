"""The gallery: what lies in the folder is what it shows."""

import os
import shutil
import zipfile

import numpy as np
import pytest
from support.small import CONTENT, ONE_LAYER, STYLE, write_pictures

import jaxstyle
from jaxstyle.app import gallery, words
from jaxstyle.app.rooms import Room
from jaxstyle.image.io import read_image, write_image


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path / "room").prepare()
    write_pictures(room.folder)
    for number, name in enumerate(("content", "other", "style")):
        os.utime(room.folder / f"{name}.png", ns=(number, number))
    return room


def names(room):
    return [entry.name for entry in gallery.entries(room)]


def test_the_newest_is_first_and_other_programs_count(room):
    assert names(room) == ["style.png", "other.png", "content.png"]
    write_image(room.folder / "added.jpg", CONTENT)
    assert names(room)[0] == "added.jpg"
    (room.folder / "added.jpg").unlink()
    assert "added.jpg" not in names(room)


def test_what_is_not_shown(room):
    grid = room.folder / "grid"
    (grid / "cells").mkdir(parents=True)
    (grid / "cells.json").write_text("[]")
    for place in ("inputs", ".studio", "grid", "grid/cells", "sub"):
        (room.folder / place).mkdir(exist_ok=True)
        shutil.copy(room.folder / "content.png", room.folder / place / "sheet.png")
    (room.folder / "notes.txt").write_text("no picture")
    os.symlink("/etc/passwd", room.folder / "link.png")
    shown = {*names(room)} - {"style.png", "other.png", "content.png"}
    assert shown == {"grid/cells/sheet.png", "sub/sheet.png"}


def test_no_name_leads_out(room):
    shutil.copy(room.folder / "content.png", room.folder.parent / "secret.png")
    shutil.copy(room.folder / "content.png", room.inputs / "upload.png")
    for name in (
        "../secret.png",
        str(room.folder.parent / "secret.png"),
        "",
        ".",
        "inputs/upload.png",
    ):
        for act in (gallery.find, gallery.delete, lambda r, n: gallery.set_favorite(r, n, True)):
            with pytest.raises(ValueError, match="no picture"):
                act(room, name)
    assert (room.folder.parent / "secret.png").exists()
    assert (room.inputs / "upload.png").exists()


def test_favorites_and_deleting(room):
    gallery.set_favorite(room, "other.png", True)
    gallery.set_favorite(room, "style.png", True)
    assert gallery.favorites(room) == {"other.png", "style.png"}
    gallery.set_favorite(room, "style.png", False)
    (room.folder / "other.json").write_text("{}")  # something else's: it stays
    gallery.delete(room, "other.png")
    assert names(room) == ["style.png", "content.png"]
    assert gallery.favorites(room) == set()
    assert (room.folder / "other.json").exists()


def test_pictures_and_thumbnails(room):
    entry = gallery.find(room, "content.png")
    np.testing.assert_array_equal(gallery.picture_of(entry), CONTENT)
    assert gallery.thumbnail(entry).startswith("data:image/jpeg;base64,")
    (room.folder / "broken.png").write_bytes(b"no picture at all")
    assert gallery.thumbnail(gallery.find(room, "broken.png")) is None
    assert gallery.facts_of(entry) is None


def test_a_sheet(room):
    path = gallery.sheet(gallery.entries(room), room.folder / "out.png")
    height, width = read_image(path).shape[:2]
    assert width == 3 * (48 + 8)
    assert height > 40
    with pytest.raises(ValueError, match="no picture"):
        gallery.sheet([], room.folder / "out.png")


def test_a_package_without_a_manifest(room, tmp_path):
    path = gallery.package(room, gallery.find(room, "content.png"), tmp_path / "a.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["content.png"]


@pytest.mark.parametrize(("size", "why"), [(48, ""), (64, " (the photograph has no 64)")])
def test_a_picture_that_is_no_larger_says_so(room, size, why):
    made = jaxstyle.stylize(CONTENT, STYLE, **ONE_LAYER | {"size": size, "steps": 0})
    made.save(room.folder / "made.png")
    text = words.finished(gallery.find(room, "made.png"))
    assert text.startswith(f"made.png: 48 × 40 pixels{why}, 0 steps, ")
