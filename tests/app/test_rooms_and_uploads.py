"""Rooms and uploads: what is accepted, under which names, and that no name leads elsewhere."""

import os
import struct
import zlib

import numpy as np
import pytest
from support.small import write_pictures

from jaxstyle import samples
from jaxstyle._util.files import sha256
from jaxstyle.app import uploads
from jaxstyle.app.orders import order_of, place, read_orders, write_order
from jaxstyle.app.rooms import Room, Rooms
from jaxstyle.app.uploads import keep, keep_sample, path_of, title_of, with_digest
from jaxstyle.settings import Settings


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path / "room").prepare()


@pytest.fixture
def files(tmp_path):
    return write_pictures(tmp_path)


def test_an_upload_keeps_its_bytes_under_a_name_of_its_own(room, files):
    stored = keep(room, files / "content.png", "../../My photo (1).PNG")
    assert stored == f"{sha256(files / 'content.png')[:16]}-My-photo-1.png"
    assert path_of(room, stored).read_bytes() == (files / "content.png").read_bytes()
    assert title_of(stored) == "My-photo-1"
    assert keep(room, files / "content.png", "My photo (1).png") == stored
    assert len(list(room.inputs.iterdir())) == 1


@pytest.mark.parametrize("name", ["/etc/passwd", "....//x", "%2e%2e", "é😀", ".png", "a" * 300])
def test_whatever_a_file_was_called(room, files, name):
    stored = keep(room, files / "content.png", name)
    assert path_of(room, stored).parent == room.inputs
    assert [place.name for place in room.inputs.iterdir()] == [stored]


def test_what_is_no_picture_is_refused_in_words(room, files):
    content = (files / "content.png").read_bytes()
    for name, data, message in (
        ("text.png", b"hello" * 100, "text.png is"),
        ("half.png", content[: len(content) // 2], "half.png"),
        ("nothing.png", b"", "nothing.png is an empty file"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "page.svg is"),
    ):
        (files / name).write_bytes(data)
        with pytest.raises(ValueError, match=message) as error:
            keep(room, files / name)
        assert str(files) not in str(error.value)
    assert not list(room.inputs.iterdir())


def test_a_bomb_is_refused(room, files):
    small = (files / "content.png").read_bytes()
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    header += struct.pack(">I", zlib.crc32(header))
    (files / "bomb.png").write_bytes(small[:12] + header + small[12 + len(header) :])
    with pytest.raises(ValueError, match="too many pixels"):
        keep(room, files / "bomb.png")


def test_a_large_file_is_refused(room, files, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="too large"):
        keep(room, files / "content.png")


def test_no_name_leads_out_of_the_room(room, files):
    stored = keep(room, files / "content.png")
    secret = room.folder.parent / f"{'0' * 16}-secret.png"
    secret.write_bytes(b"secret")
    os.symlink(secret, room.inputs / f"{'1' * 16}-link.png")
    attempts = [
        *("", ".", "..", "/", str(secret), f"../{secret.name}", f"../../{secret.name}"),
        *(f"{stored}/../../x", f"../inputs/{stored}", f"{stored}\x00", f"./{stored}"),
        *(f"{'0' * 16}-..", f"{'0' * 16}-../x", f"{'1' * 16}-link.png", "sample:swirls"),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match="there is no upload"):
            path_of(room, attempt)


def test_uploads_are_found_by_their_digest_alone(room, files):
    stored = keep(room, files / "content.png")
    digest = sha256(files / "content.png")
    assert with_digest(room, digest) == stored
    assert with_digest(room, digest[:16] + "0" * 48) is None
    assert with_digest(room, "../" + digest) is None
    assert with_digest(room, "*") is None


def test_samples(room):
    stored = keep_sample(room, "swirls", offline=True)
    assert title_of(stored) == "swirls"
    digest = sha256(samples.resolve("sample:swirls"))
    path_of(room, stored).unlink()
    assert with_digest(room, digest) == stored  # it is copied again
    with pytest.raises(ValueError, match="did you mean 'swirls'"):
        keep_sample(room, "swirl")
    for attempt in ("../swirls", "/etc/passwd", ""):
        with pytest.raises(ValueError, match="there is no sample"):
            keep_sample(room, attempt)


def test_visitors_have_rooms_of_their_own(tmp_path):
    rooms = Rooms(tmp_path / "studio", separate=True)
    one, other = (rooms.room(letter * 20) for letter in "ab")
    assert one != other == rooms.room("b" * 20)
    assert sorted(rooms.all(), key=str) == sorted([one, other], key=str)
    for visitor in ("", "short", "../../" + "a" * 5):
        with pytest.raises(ValueError, match="reload"):
            rooms.room(visitor)
    assert rooms.room("../../../../../../tmp/x").folder.parent == one.folder.parent


def test_all_share_a_room_otherwise(tmp_path):
    rooms = Rooms(tmp_path / "studio")
    assert rooms.room("") == rooms.room("b" * 20) == Room(tmp_path / "studio")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        Rooms(tmp_path / "file")


def test_settings_with_paths_are_refused(room, files):
    content, style = (keep(room, files / f"{name}.png") for name in ("content", "style"))
    path = str(files / "content.png")
    for settings in (
        *(Settings(init=path), Settings(content_mask=path), Settings(color_from=path)),
        *(Settings(regions=path), Settings(calibration=path), Settings(content_weight_map=path)),
        Settings(init=np.zeros((2, 2, 3), np.float32)),
    ):
        with pytest.raises(ValueError, match="expected"):
            order_of(room, content, (style,), settings)
    for names in (("", (style,)), (content, ()), (content, (path,)), ("../x", (style,))):
        with pytest.raises(ValueError, match=r"no (photograph|painting|upload)"):
            order_of(room, *names, Settings())
    with pytest.raises(ValueError, match="no upload"):
        order_of(room, content, (style,), Settings(), {"content_mask": (path,)})
    with pytest.raises(ValueError, match="of no use as memory"):
        order_of(room, content, (style,), Settings(), {"memory": (style,)})
    with pytest.raises(ValueError, match="region_labels with regions"):
        order_of(room, content, (style,), Settings(), labels=("1",))
    order = order_of(room, content, (style,), Settings(), {"regions": (style,)}, labels=("1",))
    write_order(place(room, order.name), order)
    (read,) = read_orders(room)
    assert (read.name, read.labels) == (order.name, ("1",))
    assert read.in_room(room).region_labels == ("1",)
    order = order_of(room, content, (style,), Settings(), {"content_mask": (style,)})
    assert order.in_room(room).content_mask == (str(room.inputs / style),)
