"""Ctrl-C: nothing is lost by it, and it is not lost itself."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from jaxstyle.cli import progress
from jaxstyle.cli import signals as interruption
from jaxstyle.cli.main import main as cli
from jaxstyle.cli.signals import DeferredInterrupt
from jaxstyle.image.io import read_image, write_image

WORDS = ("--size", 32, "--steps", 30, "--scales", 1, "--style-layers", "relu1_1")


@pytest.fixture(autouse=True)
def usual(monkeypatch):
    """As Python begins, whatever started the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pictures")
    for number, name in enumerate(("content", "style")):
        picture = np.random.default_rng(number).random((32, 32, 3))
        write_image(made / f"{name}.png", picture)
    return made


def run(folder, out, *more):
    given = ("stylize", folder / "content.png", folder / "style.png", "-o", out, *WORDS, *more)
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(word) for word in given])
    return stopped.value.code


@pytest.mark.parametrize("call", [1, 2])
def test_a_run_goes_on_to_the_same_bytes(call, folder, tmp_path, capsys, monkeypatch):
    whole, out = tmp_path / "whole.png", tmp_path / "out.png"
    assert run(folder, whole) == 0
    calls = iter(range(1, 10))

    def show(_):
        # At the first call Ctrl-C raises; from the second on it waits until the steps are told.
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(progress, "_lines", lambda: show)
        assert run(folder, out) == 130
    said = capsys.readouterr().err
    assert f"interrupted; step {10 * call} is in {out}, --resume goes on" in said
    assert ("Ctrl-C again stops at once" in said) == (call == 2)
    assert read_image(out).shape == (32, 32, 3)
    assert not out.with_suffix(".json").exists()
    assert run(folder, out, "--resume") == 0
    assert f"going on after step {10 * call} of 30" in capsys.readouterr().err
    assert out.read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.glob("*.checkpoint*")] == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_picture_that_was_there_stays(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out.png"
    assert run(folder, out) == 0
    files = (out, out.with_suffix(".json"))
    before = [path.read_bytes() for path in files]
    monkeypatch.setattr(progress, "_lines", lambda: lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert run(folder, out, "--seed", 1) == 130
    assert f"{out} is what it was before, --resume goes on" in capsys.readouterr().err
    assert [path.read_bytes() for path in files] == before


def test_a_second_one_does_not_wait(capsys):
    told = []
    with DeferredInterrupt(told.append) as patience:
        patience.between_steps()
        os.kill(os.getpid(), signal.SIGINT)
        assert len(told) == 1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            patience.between_steps()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_ignores_it_goes_on_ignoring_it():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with DeferredInterrupt(print) as patience:
        patience.between_steps()
        os.kill(os.getpid(), signal.SIGINT)
        patience.between_steps()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_are_left_alone():
    def work():
        with DeferredInterrupt(print) as patience:
            patience.between_steps()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Dropping:
    def __init__(self, error):
        self.error = error

    def __del__(self):
        raise self.error


def test_what_python_drops_comes_again(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    interruption.never_lost()
    Dropping(ValueError)
    assert [each.exc_type for each in told] == [ValueError]
    Dropping(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        time.sleep(20)
    assert len(told) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.3, 1.8, 2.3, 2.8, 3.3, 3.8])
def test_at_any_moment_of_the_beginning(seconds, folder, tmp_path):
    words = ["stylize", folder / "content.png", folder / "style.png", "-o", tmp_path / "out.png"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxstyle", *map(str, (*words, "--size", 32, "--steps", 5000))],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    # Before our first line runs, Python says it in its own way.
    if "jaxstyle/" in said or "Traceback" not in said:
        assert process.returncode == 130
        assert "jaxstyle: interrupted" in said
        assert "Traceback" not in said
