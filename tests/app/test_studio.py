"""The studio with real runs: made, stopped, resumed to the same bytes, continued; grids."""

import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.small import SMALL, write_pictures

import jaxstyle
from jaxstyle.app import gallery, table
from jaxstyle.app.queue import Queue, StoppedError
from jaxstyle.app.running import runner
from jaxstyle.app.studio import Studio
from jaxstyle.app.table import Table
from jaxstyle.app.uploads import keep
from jaxstyle.image.io import read_image, write_image
from jaxstyle.settings import Settings
from jaxstyle.transfer import memory

SECONDS = 240.0
SETTINGS = Settings(**SMALL)


class Watch:
    """A runner that stops each run once, at a step, if it is told to."""

    def __init__(self):
        self.stop_at, self.views = None, []

    def __call__(self, room, order, show):
        def watched(view):
            self.views.append(view)
            if view.step == self.stop_at:
                self.stop_at = None
                raise StoppedError
            show(view)

        runner(offline=True)(room, order, watched)


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def studio(tmp_path, watch):
    studio = Studio(tmp_path / "studio", watch, offline=True)
    yield studio
    studio.close()


@pytest.fixture
def room(studio):
    return studio.rooms.room("")


@pytest.fixture
def lying(room, tmp_path):
    folder = write_pictures(tmp_path)
    content, style = (keep(room, folder / f"{name}.png") for name in ("content", "style"))
    return Table(content, (style,), SETTINGS)


def until_done(studio, room, name):
    version = -1
    for _ in range(int(SECONDS)):
        states = {order.name: order for order in studio.queue.orders_in(room)}
        if name not in states or states[name].state in ("stopped", "failed"):
            return states.get(name)
        version = studio.queue.wait(version, 1.0)
    raise AssertionError(f"{name} took too long")


def make(studio, room, lying):
    order = studio.make(room, lying)
    assert until_done(studio, room, order.name) is None
    return room.picture(order.name)


def test_a_picture_is_that_of_stylize_and_replays(studio, room, lying, watch):
    picture = make(studio, room, lying)
    inputs = [room.inputs / stored for stored in (lying.content, *lying.styles)]
    alone = jaxstyle.stylize(inputs[0], inputs[1:], SETTINGS)
    np.testing.assert_array_equal(
        read_image(picture), np.round(alone.image * 255).astype(np.float32) / np.float32(255)
    )
    # The picture that it starts from, and one after every step.
    assert [view.step for view in watch.views] == [0, 1, 2, 3]
    assert [view.pictures[0].shape for view in watch.views] == [(40, 48, 3)] * 4
    np.testing.assert_array_equal(watch.views[0].pictures[0], read_image(inputs[0]))
    assert all(view.pace > 0 for view in watch.views[1:])
    facts = json.loads(picture.with_suffix(".json").read_text())
    assert facts["inputs"]["content"]["path"] == f"inputs/{lying.content}"


@pytest.mark.slow
def test_the_package_replays_elsewhere_to_the_same_bytes(studio, room, lying, tmp_path):
    picture = make(studio, room, lying)
    entry = gallery.find(room, picture.name)
    package = gallery.package(room, entry, tmp_path / "package.zip")
    before = picture.read_bytes()
    shutil.move(room.folder, tmp_path / "gone")
    with zipfile.ZipFile(package) as archive:
        assert not any(name.startswith(("/", "..")) for name in archive.namelist())
        archive.extractall(tmp_path / "elsewhere")
    again = jaxstyle.replay(tmp_path / "elsewhere" / picture.with_suffix(".json").name)
    assert again.save(tmp_path / "again.png").read_bytes() == before


def test_stopped_and_resumed_it_has_the_same_bytes(studio, room, lying, watch):
    whole = make(studio, room, lying).read_bytes()
    watch.stop_at = 2
    order = studio.make(room, lying)
    assert until_done(studio, room, order.name).state == "stopped"
    picture = room.picture(order.name)
    assert gallery.find(room, picture.name).is_whole is False
    assert picture.with_name(f"{picture.name}.checkpoint").exists()
    steps, stopped = len(watch.views), read_image(picture)
    studio.queue.resume(room, order.name)
    assert until_done(studio, room, order.name) is None
    assert picture.read_bytes() == whole
    assert [view.step for view in watch.views[steps:]] == [0, 3]  # it did not begin anew
    np.testing.assert_array_equal(watch.views[steps].pictures[0], stopped)
    assert not picture.with_name(f"{picture.name}.checkpoint").exists()


@pytest.mark.slow
def test_continues_after_the_server_was_killed(studio, room, lying, watch):
    whole = make(studio, room, lying).read_bytes()
    watch.stop_at = 2
    order = studio.make(room, lying)
    assert until_done(studio, room, order.name).state == "stopped"
    # As a server leaves it that was killed while it ran.
    path = room.orders / f"{order.name}.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "state": "running"}))
    room.picture(order.name).unlink()
    later = Watch()
    successor = Queue(later).start([room])
    version = -1
    while successor.orders_in(room):
        version = successor.wait(version, 1.0)
    successor.close()
    assert room.picture(order.name).read_bytes() == whole
    assert [(view.step, len(view.pictures)) for view in later.views] == [(0, 0), (3, 1)]


@pytest.mark.slow
def test_continues_with_other_settings(studio, room, lying):
    first = make(studio, room, lying)
    order, changed = studio.carry_on(room, lying, first.name, "more style")
    assert changed.settings.content_weight == pytest.approx(0.3 / 1.6)
    assert order.changes == ("content_weight",)
    assert until_done(studio, room, order.name) is None
    entry = gallery.find(room, f"{order.name}.png")
    facts = gallery.facts_of(entry)
    assert facts["settings"]["content_weight"] == pytest.approx(0.3 / 1.6)
    assert facts["continues"]["steps"]["total"] == 3
    assert len(facts["history"]["total"]) == 6
    # The same by the library.
    again = jaxstyle.continue_from(first, content_weight=changed.settings.content_weight)
    assert again.history["total"] == facts["history"]["total"]


@pytest.mark.slow
def test_continues_a_stopped_picture(studio, room, lying, watch):
    watch.stop_at = 2
    stopped = studio.make(room, lying)
    until_done(studio, room, stopped.name)
    order, changed = studio.carry_on(room, lying, f"{stopped.name}.png", "smoother")
    assert until_done(studio, room, order.name) is None
    facts = gallery.facts_of(gallery.find(room, f"{order.name}.png"))
    assert facts["settings"]["smoothness"] == changed.settings.smoothness == 0.04
    assert Path(facts["inputs"]["init"]["path"]) == room.picture(stopped.name)


@pytest.mark.slow
def test_larger(studio, room, lying):
    first = make(studio, room, replace(lying, settings=replace(SETTINGS, size=32)))
    order, changed = studio.carry_on(room, lying, first.name, "larger")
    assert changed.settings.size == 48
    assert until_done(studio, room, order.name) is None
    assert read_image(room.picture(order.name)).shape == (40, 48, 3)


def test_what_cannot_be_ordered(studio, room, lying):
    for settings in ({"size": 10_000}, {"size": "9000x9000"}, {"style_scale": (20.0,)}):
        with pytest.raises(ValueError, match="at most"):
            studio.make(room, replace(lying, settings=Settings(**settings)))
    for name in ("", "../x.png", "/etc/passwd", "inputs/x.png", lying.content):
        with pytest.raises(ValueError, match="there is no picture"):
            studio.carry_on(room, lying, name, "more style")
    with pytest.raises(ValueError, match="expected one of"):
        studio.carry_on(room, lying, "x.png", "__class__")
    for name in ("", "..", "../studio", "inputs", "/"):
        with pytest.raises(ValueError, match="there is no grid"):
            studio.grid(room, name)


@pytest.mark.slow
def test_what_does_not_fit_is_said_before_a_step(studio, room, lying, watch, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: memory.used() + 2**20)
    order = studio.make(room, lying)
    failed = until_done(studio, room, order.name)
    assert failed.state == "failed"
    assert re.search("48 × 40, .* does not fit; size [0-9]+ should|does not fit$", failed.message)
    assert "--" not in failed.message
    assert [view.step for view in watch.views] == [0]


def test_two_studios_do_not_share_a_folder(studio):
    with pytest.raises(ValueError, match="another run is writing"):
        Studio(studio.rooms.folder, runner())


@pytest.mark.slow
def test_a_grid_fills_in_together_and_has_a_plane(studio, room, lying, watch):
    order = studio.vary(room, lying, [("content_weight", "0.1, 1"), ("smoothness", "0.02, 0.2")])
    assert until_done(studio, room, order.name) is None
    steps = [view.pictures for view in watch.views]
    assert [len(pictures) for pictures in steps] == [4, 4, 4]
    assert studio.grids(room) == [order.name]
    grid = studio.grid(room, order.name)
    assert sorted(grid.cells) == [0, 1, 2, 3]
    for number, entry in grid.cells.items():
        np.testing.assert_allclose(gallery.picture_of(entry), steps[-1][number], atol=0.51 / 255)
    plane = studio.plane(room, order.name)
    np.testing.assert_array_equal(plane.at(1, 0), gallery.picture_of(grid.cells[1]))
    # A cell is laid on the table as it was made, and continued.
    laid = table.of_picture(room, grid.cells[2].name)
    assert (laid.content, laid.styles) == (lying.content, lying.styles)
    assert (laid.settings.content_weight, laid.settings.smoothness) == (1.0, 0.02)
    # A few real steps from a place between the cells.
    rest, where = studio.rest(room, order.name, 0.5, 0.5, steps=1)
    assert where.settings.content_weight == pytest.approx(10**-0.5, rel=1e-3)
    assert until_done(studio, room, rest.name) is None
    moved = read_image(room.picture(rest.name))
    assert 0 < np.abs(moved - plane.at(0.5, 0.5)).mean() < 0.2


def test_a_grid_of_whole_recipes(studio, room, lying):
    settings = replace(SETTINGS, content_weight=7.0, seed=3)
    chosen = [("recipe", ["faithful", "gatys/adapted"]), ("steps", "0")]
    order = studio.vary(room, replace(lying, settings=settings), chosen)
    assert until_done(studio, room, order.name) is None
    cells = studio.grid(room, order.name).cells
    made = [gallery.facts_of(cells[number])["settings"] for number in range(2)]
    assert [one["recipe"] for one in made] == ["faithful", "gatys/adapted"]
    assert [one["content_weight"] for one in made] == [1.2, 0.3]  # the recipes', not 7
    assert {(one["size"], one["seed"], one["steps"]) for one in made} == {(48, 3, 0)}


@pytest.mark.slow
def test_a_label_map_and_its_labels(studio, room, lying, tmp_path):
    regions = np.zeros((40, 48, 3), np.float32)
    regions[:, 24:, 0] = 1
    write_image(tmp_path / "map.png", regions)
    files = {"regions": (keep(room, tmp_path / "map.png"),)}
    # Shallower layers change fewer pixels.
    settings = replace(SETTINGS, style_layers=("relu1_1", "relu2_1"), content_layers=("relu2_1",))
    lying = replace(lying, settings=settings, files=files, labels=("#ff0000",))
    picture = make(studio, room, lying)
    laid = table.of_picture(room, picture.name)
    assert (laid.files, laid.labels) == (files, ("#ff0000",))
    content = read_image(room.inputs / lying.content)
    changed = np.abs(read_image(picture) - content).max(axis=2) > 0.02
    assert changed[:, 26:].mean() > 0.5 > 0.05 > changed[:, :20].mean()


@pytest.mark.slow
def test_a_manifest_sets_the_table_as_it_was(studio, room, lying, tmp_path):
    lying = replace(lying, files={"content_mask": (lying.styles[0],)})
    picture = make(studio, room, lying)
    laid = table.of_picture(room, picture.name)
    assert (laid.content, laid.styles, laid.files) == (lying.content, lying.styles, lying.files)
    assert replace(laid.settings, positions=1024) == SETTINGS
    for suffix in (".png", ".json"):  # dropped on the page
        file = shutil.copy(picture.with_suffix(suffix), tmp_path / f"dropped{suffix}")
        assert table.of_file(room, file) == laid
    other = studio.rooms.room("").__class__(tmp_path / "other").prepare()
    elsewhere = table.of_file(other, tmp_path / "dropped.json")
    assert elsewhere.content == ""
    assert len(elsewhere.missing) == 3
    assert not list(other.inputs.iterdir())  # no path in it is opened
    (tmp_path / "text.json").write_text("{}")
    with pytest.raises(ValueError, match=r"got text\.json"):
        table.of_file(room, tmp_path / "text.json")


@pytest.mark.slow
def test_a_dropped_manifest_opens_no_file(studio, room, lying, tmp_path):
    picture = make(studio, room, lying)
    facts = json.loads(picture.with_suffix(".json").read_text())
    facts["settings"]["calibration"] = str(tmp_path / "content.png")
    facts["settings"]["init"] = str(tmp_path / "content.png")
    (tmp_path / "forged.json").write_text(json.dumps(facts))
    laid = table.of_file(room, tmp_path / "forged.json")
    assert laid.settings.calibration is None
    assert laid.settings.init == "content"
