"""Programs are compiled side by side, before their turn, and none of them twice."""

import threading
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from support.small import SMALL, compilations

import jaxstyle
from jaxstyle.transfer.ahead import Ahead, compiled_together
from jaxstyle.transfer.steppers.stepper import Demand

# Of sizes that no other test has: what is compiled already is not compiled again.
CONTENT, STYLE = np.random.default_rng(5).random((2, 160, 176, 3)).astype(np.float32)


class Program:
    """Takes the place of a lowered program, whose compilation lasts as long as one likes."""

    def __init__(self):
        self.begun, self.may_end = threading.Event(), threading.Event()

    def compile(self):
        self.begun.set()
        assert self.may_end.wait(60)
        return self


def stepper_of(programs):
    return SimpleNamespace(demands=lambda size: (Demand(0, program) for program in programs))


def check_compiled_once(compiled, scales):
    counts = Counter(compiled)
    if not any("prepare" in name for name in counts):
        pytest.skip("this version of JAX does not tell the names of programs")
    for name in ("prepare", "calibrate", "advance"):
        assert sum(n for of, n in counts.items() if f"({name})" in of) == scales


def test_every_program_is_compiled_once():
    scales = {"size": 84, "scales": None, "scale_steps": (1, 1), "scale_factor": 1.3}
    with compilations() as compiled:
        jaxstyle.stylize(CONTENT, STYLE, **SMALL | scales)
    check_compiled_once(compiled, scales=2)


@pytest.mark.slow
def test_every_program_of_a_grid_is_compiled_once():
    scales = {"size": 112, "scales": None, "scale_steps": (2, 2), "scale_factor": 1.3}
    with compilations() as compiled:
        list(
            jaxstyle.stylize_grid(CONTENT, STYLE, sweep={"style_weight": [1, 2]}, **SMALL | scales)
        )
    check_compiled_once(compiled, scales=2)


def test_side_by_side_in_their_order(monkeypatch):
    monkeypatch.setenv("NPROC", "2")
    first, second = Program(), Program()
    second.may_end.set()
    # The first ends only after the second has begun.
    threading.Thread(target=lambda: second.begun.wait(60) and first.may_end.set()).start()
    assert compiled_together(stepper_of([first, second]).demands(64)) == [first, second]


def test_a_scale_waits_for_its_own_programs_only(monkeypatch):
    monkeypatch.setenv("NPROC", "2")
    coarse, fine = Program(), Program()
    coarse.may_end.set()
    with Ahead() as ahead:
        ahead.start(stepper_of([coarse]), 64)
        ahead.start(stepper_of([fine]), 128)
        ahead.finish(64)
        assert coarse.begun.is_set()
        ahead.finish(256)  # of which nothing was begun
        fine.may_end.set()
        ahead.finish(128)
        assert fine.begun.is_set()


def test_what_ends_early_compiles_no_more(monkeypatch):
    monkeypatch.setenv("NPROC", "1")
    first, second = Program(), Program()
    with Ahead() as ahead:
        ahead.start(stepper_of([first, second]), 64)
        assert first.begun.wait(60)
    first.may_end.set()
    ahead._pool.shutdown(wait=True)
    ahead.finish(64)
    assert not second.begun.is_set()


@pytest.mark.parametrize(("aside", "error"), [(False, ValueError), (True, TypeError)])
def test_what_cannot_be_made_fails_in_its_turn(aside, error):
    def demands(size):
        raise error("too small, or somebody's own")
        yield

    with Ahead() as ahead:
        ahead.start(SimpleNamespace(demands=demands), 64, aside=aside)
        ahead.finish(64)


def test_what_is_traced_aside_is_waited_for_too(monkeypatch):
    monkeypatch.setenv("NPROC", "1")
    program, may_be_traced = Program(), threading.Event()
    program.may_end.set()

    def demands(size):
        assert may_be_traced.wait(60)
        yield Demand(0, program)

    with Ahead() as ahead:
        ahead.start(SimpleNamespace(demands=demands), 64, aside=True)
        assert not program.begun.is_set()
        may_be_traced.set()
        ahead.finish(64)
        assert program.begun.is_set()
