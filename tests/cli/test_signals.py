"""Ctrl-C, SIGTERM and SIGHUP: no work is lost by them, and they are not lost themselves."""

import contextlib
import ctypes
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
from jaxstyle.weights import registry

if not hasattr(signal, "SIGHUP"):
    pytest.skip("these are signals of POSIX", allow_module_level=True)

LAYERS = ("--style-layers", "relu1_1", "--content-layers", "relu1_2")
# One term each: the default has six, which take long to compile.
METRICS = ("--metric", "gram", "--content-metric", "mse")
ARGUMENTS = ("--size", 32, "--steps", 30, "--scales", 1, *LAYERS, *METRICS)
AGAIN = {
    signal.SIGINT: "press Ctrl-C again to stop at once",
    signal.SIGTERM: "send the signal again to stop at once",
    signal.SIGHUP: "send the signal again to stop at once",
}
OTHERS = (signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def default_handlers(monkeypatch):
    """As Python begins, whatever started the tests."""
    before = {number: signal.getsignal(number) for number in AGAIN}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in OTHERS:
        signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(terminal, "_latest_stop", -1.0)
    yield
    terminal.stop_insisting()
    for number, handler in before.items():
        signal.signal(number, handler)


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


def interrupt(progress=None, number=signal.SIGINT):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("call", "number"), [(1, signal.SIGINT), (2, signal.SIGINT), *((2, n) for n in OTHERS)]
)
def test_an_interrupted_run_resumes_to_the_same_bytes(
    call, number, folder, tmp_path, capsys, monkeypatch
):
    terminal.stop_on_signals()
    handler = signal.getsignal(number)
    whole, out = tmp_path / "whole.png", tmp_path / "out.png"
    assert run(folder, whole) == 0
    calls = iter(range(1, 10))

    def show(progress):
        # At the first call Ctrl-C raises; from the second on it waits for the end of the steps.
        if next(calls) == call:
            interrupt(number=number)

    with monkeypatch.context() as patch:
        patch.setattr(terminal, "_lines", lambda: show)
        assert run(folder, out) == 128 + number
    err = capsys.readouterr().err
    assert f"interrupted; step {10 * call} is in {out}; --resume continues the run" in err
    assert (AGAIN[number] in err) == (call == 2)
    assert read_image(out).shape == (32, 32, 3)
    assert not out.with_suffix(".json").exists()
    assert run(folder, out, "--resume") == 0
    assert f"after step {10 * call} of 30" in capsys.readouterr().err
    assert out.read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.glob("*.checkpoint*")] == []
    assert signal.getsignal(number) is handler


def test_a_finished_picture_stays(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out.png"
    assert run(folder, out) == 0
    files = (out, out.with_suffix(".json"))
    before = [path.read_bytes() for path in files]
    monkeypatch.setattr(terminal, "_lines", lambda: interrupt)
    assert run(folder, out, "--seed", 1) == 130
    assert f"{out} is unchanged; --resume continues the run" in capsys.readouterr().err
    assert [path.read_bytes() for path in files] == before


def test_an_interrupted_grid_has_a_checkpoint(folder, tmp_path, capsys, monkeypatch):
    terminal.stop_on_signals()
    calls = iter(range(1, 10))

    def show(progress):
        if next(calls) == 2:
            interrupt(number=signal.SIGTERM)

    monkeypatch.setattr(terminal, "_lines", lambda: show)
    inputs = (folder / f"{name}.png" for name in ("content", "style"))
    words = ("grid", *inputs, "-o", tmp_path, "--sweep", "seed=0,1", *ARGUMENTS)
    with pytest.raises(SystemExit) as ended:
        cli([str(word) for word in words])
    assert ended.value.code == 128 + signal.SIGTERM
    assert f"interrupted; the same command resumes in {tmp_path}" in capsys.readouterr().err
    assert list(tmp_path.rglob("*.checkpoint"))


def test_a_signal_that_a_library_took_is_taken_back():
    """As `jax.distributed` takes SIGTERM, without Python's knowledge."""
    terminal.stop_on_signals()
    ctypes.CDLL(None).signal(signal.SIGTERM, ctypes.c_void_p(1))  # which ignores it
    interrupt(number=signal.SIGTERM)
    terminal.stop_on_signals()
    with pytest.raises(terminal.Stopped):
        interrupt(number=signal.SIGTERM)


def test_a_second_interrupt_does_not_wait(caplog):
    caplog.set_level(logging.INFO)
    with DeferredInterrupt() as deferred:
        deferred.between_steps()
        interrupt()
        assert [AGAIN[signal.SIGINT] in line for line in caplog.messages] == [True]
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        with pytest.raises(KeyboardInterrupt):
            deferred.between_steps()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", OTHERS)
def test_the_same_signal_at_once_is_no_second_one(number, monkeypatch):
    """The system and the shell both tell of a terminal that goes away."""
    terminal.stop_on_signals()
    with DeferredInterrupt() as deferred:
        deferred.between_steps()
        interrupt(number=number)
        interrupt(number=signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt) as stop:
            deferred.between_steps()
        assert terminal.exit_status(stop.value) == 128 + number
        monkeypatch.setattr(terminal, "_REPEAT_SECONDS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            interrupt(number=number)


@pytest.mark.parametrize("number", OTHERS)
def test_other_signals_wait_for_the_command(number, monkeypatch, capsys):
    """In Python they stay as they are; under `nohup`, or with another handler, in both."""
    with DeferredInterrupt() as deferred:
        deferred.between_steps()
        assert signal.getsignal(number) is signal.SIG_DFL
    for handler in (signal.SIG_IGN, lambda *_: None):
        signal.signal(number, handler)
        terminal.stop_on_signals()
        with DeferredInterrupt() as deferred:
            deferred.between_steps()
            interrupt(number=number)
            deferred.between_steps()
        assert signal.getsignal(number) is handler
    signal.signal(number, signal.SIG_DFL)
    terminal.stop_on_signals()
    monkeypatch.setattr(registry, "fetch", lambda name: interrupt(number=number))
    with pytest.raises(SystemExit) as ended:
        cli(["weights", "fetch", "x"])
    assert ended.value.code == 128 + number
    assert capsys.readouterr().err == "jaxstyle: interrupted\n"


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
    terminal.stop_on_signals()
    for error in (KeyboardInterrupt(), terminal.Stopped(signal.SIGTERM)):
        Dropping(error)
        with pytest.raises(type(error)) as stop:
            sleep(20)
        assert terminal.exit_status(stop.value) == terminal.exit_status(error)
        terminal.stop_insisting()
    assert len(dropped) == 1


@pytest.mark.parametrize("number", AGAIN)
def test_swallowed_interrupts_are_delivered_again(monkeypatch, number):
    monkeypatch.setattr(terminal, "_SWALLOWED_SECONDS", 0.2)
    terminal.stop_on_signals()
    with contextlib.suppress(BaseException):  # as some libraries do
        os.kill(os.getpid(), number)
        sleep(5)
    with pytest.raises(KeyboardInterrupt) as stop:
        sleep(5)
    assert terminal.exit_status(stop.value) == 128 + number
    terminal.stop_insisting()
    sleep(1)  # and no more


def test_an_interrupt_that_python_wraps(monkeypatch, capsys):
    class Interrupting:
        def __set_name__(self, owner, name):
            raise terminal.Stopped(signal.SIGTERM)

    def imported(invocation):
        type("Module", (), {"field": Interrupting()})

    monkeypatch.setattr("jaxstyle.cli.main._run", imported)
    with pytest.raises(SystemExit) as ended:
        cli(["stylize"])
    assert ended.value.code == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "jaxstyle: interrupted\n"


def jaxstyle(folder, out, *more):
    words = ["stylize", folder / "content.png", folder / "style.png", "-o", out, "--size", 32]
    return subprocess.Popen(
        [sys.executable, "-m", "jaxstyle", *map(str, (*words, "--steps", 9999, *more))],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_a_lost_terminal(folder, tmp_path):
    """The picture and a checkpoint are written, though nobody reads the messages."""
    out = tmp_path / "out.png"
    process = jaxstyle(folder, out, *LAYERS, *METRICS, "--scales", 1, "--preview")
    for line in process.stderr:
        if line.startswith("step"):
            break
    process.stderr.close()
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=120) == 128 + signal.SIGHUP
    assert read_image(out).shape == (32, 32, 3)
    assert list(tmp_path.glob("*.checkpoint*"))


@pytest.mark.slow
@pytest.mark.parametrize("number", AGAIN)
@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.3, 1.8, 2.3, 2.8, 3.3, 3.8])
def test_at_any_moment_of_the_start(seconds, number, folder, tmp_path):
    process = jaxstyle(folder, tmp_path / "out.png")
    time.sleep(seconds)
    process.send_signal(number)
    try:
        err = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    # Before the first line of jaxstyle runs, Python shows the interrupt in its own way, and other
    # signals end it.
    if ("jaxstyle/" in err or "Traceback" not in err) and process.returncode != -number:
        assert process.returncode == 128 + number, err
        assert "jaxstyle: interrupted" in err
        assert "Traceback" not in err
