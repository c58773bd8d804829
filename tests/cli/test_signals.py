"""Ctrl-C: no work is lost by it, and it is not lost itself."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from jaxstyle.cli import terminal
from jaxstyle.cli.main import main as cli
from jaxstyle.cli.terminal import DeferredInterrupt
from jaxstyle.image.io import read_image, write_image

LAYERS = ("--style-layers", "relu1_1", "--content-layers", "relu1_2")
ARGUMENTS = ("--size", 32, "--steps", 30, "--scales", 1, *LAYERS)
AGAIN = "press Ctrl-C again to stop at once"


@pytest.fixture(autouse=True)
def default_handlers(monkeypatch):
    """As Python begins, whatever started the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, name in enumerate(("content", "style")):
        picture = np.random.default_rng(number).random((32, 32, 3))
        write_image(folder / f"{name}.png", picture)
    return folder


def run(folder, out, *more):
    inputs = (folder / f"{name}.png" for name in ("content", "style"))
    with pytest.raises(SystemExit) as ended:
        cli([str(word) for word in ("stylize", *inputs, "-o", out, *ARGUMENTS, *more)])
    return ended.value.code


def interrupt(progress=None):
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("call", [1, 2])
def test_an_interrupted_run_resumes_to_the_same_bytes(call, folder, tmp_path, capsys, monkeypatch):
    whole, out = tmp_path / "whole.png", tmp_path / "out.png"
    assert run(folder, whole) == 0
    calls = iter(range(1, 10))

    def show(progress):
        # At the first call Ctrl-C raises; from the second on it waits for the end of the steps.
        if next(calls) == call:
            interrupt()

    with monkeypatch.context() as patch:
        patch.setattr(terminal, "_lines", lambda: show)
        assert run(folder, out) == 130
    err = capsys.readouterr().err
    assert f"interrupted; step {10 * call} is in {out}; --resume continues the run" in err
    assert (AGAIN in err) == (call == 2)
    assert read_image(out).shape == (32, 32, 3)
    assert not out.with_suffix(".json").exists()
    assert run(folder, out, "--resume") == 0
    assert f"after step {10 * call} of 30" in capsys.readouterr().err
    assert out.read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.glob("*.checkpoint*")] == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_finished_picture_stays(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out.png"
    assert run(folder, out) == 0
    files = (out, out.with_suffix(".json"))
    before = [path.read_bytes() for path in files]
    monkeypatch.setattr(terminal, "_lines", lambda: interrupt)
    assert run(folder, out, "--seed", 1) == 130
    assert f"{out} is unchanged; --resume continues the run" in capsys.readouterr().err
    assert [path.read_bytes() for path in files] == before


def test_a_second_interrupt_does_not_wait(caplog):
    caplog.set_level(logging.INFO)
    with DeferredInterrupt() as deferred:
        deferred.between_steps()
        interrupt()
        assert [AGAIN in line for line in caplog.messages] == [True]
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        with pytest.raises(KeyboardInterrupt):
            deferred.between_steps()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_interrupts_are_ignored_they_stay_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with DeferredInterrupt() as deferred:
        deferred.between_steps()
        interrupt()
        deferred.between_steps()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_change_nothing():
    def work():
        with DeferredInterrupt() as deferred:
            deferred.between_steps()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Dropping:
    def __init__(self, error):
        self.error = error

    def __del__(self):
        raise self.error


def sleep(seconds):
    for _ in range(50 * seconds):  # a single long sleep would not be interrupted
        time.sleep(0.02)


def test_dropped_interrupts_are_delivered_again(monkeypatch):
    dropped = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)
    terminal.redeliver_dropped_interrupts()
    Dropping(ValueError)
    assert [entry.exc_type for entry in dropped] == [ValueError]
    Dropping(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        sleep(20)
    assert len(dropped) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.3, 1.8, 2.3, 2.8, 3.3, 3.8])
def test_at_any_moment_of_the_start(seconds, folder, tmp_path):
    words = ["stylize", folder / "content.png", folder / "style.png", "-o", tmp_path / "out.png"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxstyle", *map(str, (*words, "--size", 32, "--steps", 5000))],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=120)[1]
    # Before the first line of jaxstyle runs, Python shows the interrupt in its own way.
    if "jaxstyle/" in err or "Traceback" not in err:
        assert process.returncode == 130
        assert "jaxstyle: interrupted" in err
        assert "Traceback" not in err
