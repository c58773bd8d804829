"""The queue, with made-up runs: turns, stopping, resuming, and a server that is killed."""

import threading

import numpy as np
import pytest
from support.small import write_pictures

from jaxstyle.app.orders import order_of, read_orders
from jaxstyle.app.queue import Queue, StoppedError, View
from jaxstyle.app.rooms import Room
from jaxstyle.app.uploads import keep
from jaxstyle.settings import Settings

SECONDS = 20.0


class Runs:
    """Runs that take a step when they are allowed to, and note what happens."""

    def __init__(self, steps=3):
        self.steps, self.notes = steps, []
        self.allowed = threading.Semaphore(0)

    def __call__(self, room, order, show):
        self.notes.append(f"begin {order.name}")
        for step in range(1, self.steps + 1):
            assert self.allowed.acquire(timeout=SECONDS)
            if order.settings["seed"] == 13:
                raise ValueError("it does not fit; --size 64 should")
            if order.settings["seed"] == 14:
                raise RuntimeError("a bug")
            try:
                picture = {0: np.zeros((2, 2, 3), np.float32)}
                show(View(step, self.steps, 2, 1.0, 1.0, None, picture))
            except StoppedError:
                self.notes.append(f"stop {order.name} at {step}")
                raise
        self.notes.append(f"end {order.name}")


@pytest.fixture
def room(tmp_path):
    return Room(write_pictures(tmp_path)).prepare()


@pytest.fixture
def begin():
    queues = []

    def begin(runs, *rooms):
        queues.append((Queue(runs).start(rooms), runs))
        return queues[-1][0]

    yield begin
    for queue, runs in queues:
        runs.allowed.release(100)
        queue.close(SECONDS)


def ordered(room, seed=0):
    content, style = (keep(room, room.folder / f"{name}.png") for name in ("content", "style"))
    return order_of(room, content, (style,), Settings(seed=seed))


def until(queue, condition):
    version = -1
    for _ in range(200):
        if condition():
            return
        version = queue.wait(version, 0.1)
    raise AssertionError("it did not happen")


def states(queue, room):
    return {order.name: order.state for order in queue.orders_in(room)}


def test_one_after_another(room, begin):
    runs = Runs(steps=1)
    queue = begin(runs)
    first = queue.submit(room, ordered(room))
    second = queue.submit(room, ordered(room))
    assert (first.name, second.name) == ("content-style", "content-style-2")
    until(queue, lambda: states(queue, room) == {first.name: "running", second.name: "waiting"})
    assert (queue.ahead(room, first.name), queue.ahead(room, second.name)) == (1, 1)
    runs.allowed.release(2)
    until(queue, lambda: not queue.orders_in(room))
    assert runs.notes == [f"{what} {o.name}" for o in (first, second) for what in ("begin", "end")]
    assert not read_orders(room)


def test_stops_within_one_step_and_resumes(room, begin):
    runs = Runs()
    queue = begin(runs)
    name = queue.submit(room, ordered(room)).name
    runs.allowed.release(1)
    until(queue, lambda: queue.view(room, name) is not None)
    queue.stop(room, name)
    runs.allowed.release(1)
    until(queue, lambda: states(queue, room)[name] == "stopped")
    assert runs.notes == [f"begin {name}", f"stop {name} at 2"]
    assert queue.view(room, name).step == 2
    assert read_orders(room)[0].state == "stopped"
    queue.resume(room, name)
    runs.allowed.release(3)
    until(queue, lambda: not queue.orders_in(room))
    assert runs.notes[2:] == [f"begin {name}", f"end {name}"]


def test_stops_one_that_waits_and_forgets_it(room, begin):
    runs = Runs(steps=1)
    queue = begin(runs)
    first, second = (queue.submit(room, ordered(room)).name for _ in range(2))
    until(queue, lambda: states(queue, room)[first] == "running")
    queue.stop(room, second)
    assert states(queue, room)[second] == "stopped"
    with pytest.raises(ValueError, match="is running"):
        queue.discard(room, first)
    queue.discard(room, second)
    runs.allowed.release(2)
    until(queue, lambda: not queue.orders_in(room))
    assert runs.notes == [f"begin {first}", f"end {first}"]


@pytest.mark.parametrize(
    ("seed", "message"), [(13, "it does not fit; size 64 should"), (14, "a bug")]
)
def test_a_failure_is_said_in_words_and_the_next_takes_its_turn(room, begin, seed, message):
    runs = Runs(steps=1)
    queue = begin(runs)
    failing, other = (queue.submit(room, ordered(room, s)).name for s in (seed, 0))
    runs.allowed.release(2)
    until(queue, lambda: states(queue, room) == {failing: "failed"})
    assert queue.order(room, failing).message == message
    assert f"end {other}" in runs.notes


def test_what_ran_when_the_server_was_killed_runs_again(room, begin):
    killed = Runs()
    queue = begin(killed)
    first, second, third = (queue.submit(room, ordered(room)).name for _ in range(3))
    queue.stop(room, third)
    until(queue, lambda: states(queue, room)[first] == "running")
    # Nothing of that server is told: its files are all that the next one has.
    later = Runs(steps=1)
    successor = begin(later, room)
    later.allowed.release(2)
    until(successor, lambda: states(successor, room) == {third: "stopped"})
    assert later.notes == [
        f"{what} {name}" for name in (first, second) for what in ("begin", "end")
    ]


def test_closing_keeps_the_run_for_the_next_server(room, begin):
    runs = Runs()
    queue = begin(runs)
    name = queue.submit(room, ordered(room)).name
    until(queue, lambda: states(queue, room)[name] == "running")
    closing = threading.Thread(target=queue.close)
    closing.start()
    runs.allowed.release(1)
    closing.join(SECONDS)
    assert runs.notes == [f"begin {name}", f"stop {name} at 1"]
    assert read_orders(room)[0].state == "waiting"


def test_a_clock_runs_from_the_beginning_and_from_the_last_view(room, begin, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("jaxstyle.app.queue.time.monotonic", lambda: now[0])
    runs = Runs()
    queue = begin(runs)
    name = queue.submit(room, ordered(room)).name
    until(queue, lambda: states(queue, room)[name] == "running")
    now[0] += 5
    assert queue.clock(room, name) == (5.0, 5.0)
    runs.allowed.release(1)
    until(queue, lambda: queue.view(room, name) is not None)
    now[0] += 2
    assert queue.clock(room, name) == (7.0, 2.0)
    runs.allowed.release(2)
    until(queue, lambda: not queue.orders_in(room))
    assert queue.clock(room, name) == (0.0, 0.0)
    assert queue.view(room, name) is None  # no picture is kept of what has ended


def test_rooms_do_not_see_each_other(tmp_path, begin):
    rooms = [Room(write_pictures(folder)).prepare() for folder in _folders(tmp_path)]
    runs = Runs()
    queue = begin(runs)
    order = queue.submit(rooms[0], ordered(rooms[0]))
    until(queue, lambda: states(queue, rooms[0])[order.name] == "running")
    assert queue.orders_in(rooms[1]) == []
    assert queue.view(rooms[1], order.name) is None
    for ask in (queue.stop, queue.resume, queue.discard, queue.order):
        with pytest.raises(ValueError, match="there is no run"):
            ask(rooms[1], order.name)
    same = queue.submit(rooms[1], ordered(rooms[1]))
    assert same.name == order.name
    assert queue.ahead(rooms[1], same.name) == 1


def _folders(path):
    for name in ("one", "other"):
        (path / name).mkdir()
        yield path / name


def test_a_damaged_order_is_left_out(room, begin):
    good = ordered(room)
    queue = begin(Runs())
    queue.submit(room, good)
    for text in ("", "[]", '{"name": "x"}', '{"name": "../x"}'):
        (room.orders / "x.json").write_text(text)
        assert [order.name for order in read_orders(room)] == [good.name]
