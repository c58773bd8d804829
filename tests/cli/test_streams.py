"""Standard streams that are closed, full or not read: they never end a run."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from jaxstyle._util.log import logger
from jaxstyle.cli import streams, terminal
from jaxstyle.cli.main import main
from jaxstyle.image.io import read_image, write_image
from jaxstyle.weights import registry

fcntl = pytest.importorskip("fcntl", reason="these are streams of POSIX")

COMMAND = (sys.executable, "-m", "jaxstyle")
FULL = "/dev/full"
# A command that logs, shows progress, writes a file and says where: what a run does, without JAX.
RUN = """
import sys
from jaxstyle.__main__ import start
from jaxstyle._util.log import logger
from jaxstyle.cli import terminal
from jaxstyle.weights import registry

class Progress:
    seconds, share = 9.0, 1.0

def fetch(path):
    print("a line")
    with open(path, "w") as file, terminal.show_progress() as show:
        for _ in range(3):
            logger.info("a line")
            show(Progress())
        file.write(str(file.fileno()))
    return path

registry.fetch = fetch
start()
"""
needs_full = pytest.mark.skipif(not os.path.exists(FULL), reason="of Linux")


def unread():
    """Return the end of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


def full():
    return os.open(FULL, os.O_WRONLY)


def run(words, closed=(), **opened):
    """Run a command with standard streams closed, or opened by functions."""
    files = {name: opening() for name, opening in opened.items()}
    closing = " ".join(f"{number}>&-" for number in closed)
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *map(str, words)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **files},
        env={name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )
    for file in files.values():
        os.close(file)
    out, err = process.communicate(timeout=120)
    return process.returncode, (out or b"").decode(), (err or b"").decode()


@pytest.mark.parametrize(
    ("closed", "opened", "answers"),
    [
        ([2], {}, True),
        ([0, 1, 2], {}, False),
        ([], {"stderr": unread}, True),
        ([], {"stdout": unread, "stderr": unread}, False),
        pytest.param([], {"stdout": full, "stderr": full}, False, marks=needs_full),
    ],
    ids=["messages closed", "all closed", "messages unread", "all unread", "all full"],
)
def test_a_run_goes_on(closed, opened, answers, tmp_path):
    path = tmp_path / "file"
    words = [sys.executable, "-c", RUN, "weights", "fetch", path]
    status, out, err = run(words, closed, **opened)
    assert (status, err) == (0, "")
    assert out == (f"a line\n{path}\n" if answers else "")
    # Not the number of a standard stream, to which libraries write.
    assert int(path.read_text()) > 2


def test_a_picture_is_made_all_the_same(tmp_path):
    inputs = [tmp_path / "content.png", tmp_path / "style.png"]
    for number, path in enumerate(inputs):
        write_image(path, np.random.default_rng(number).random((32, 32, 3)))
    out = tmp_path / "out.png"
    settings = ("--size", 32, "--steps", 11, "--scales", 1)
    layers = ("--style-layers", "relu1_1", "--content-layers", "relu1_2")
    metrics = ("--metric", "gram", "--content-metric", "mse")
    words = (*COMMAND, "stylize", *inputs, "-o", out, *settings, *layers, *metrics)
    assert run(words, closed=[0, 1], stderr=unread) == (0, "", "")
    assert read_image(out).shape == (32, 32, 3)
    assert json.loads(out.with_suffix(".json").read_text())


TEXTS = (
    ["metrics"],
    ["--help"],
    *(
        pytest.param(words, marks=pytest.mark.slow)
        for words in (["cite", "gram"], ["recipes", "--json"], ["--version"])
    ),
)


@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_a_text_that_nobody_reads_ends_quietly(words):
    assert run((*COMMAND, *words), stdout=unread) == (1, "", "")


@needs_full
@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_a_text_without_space_is_an_error(words):
    line = "jaxstyle: error: standard output: No space left on device\n"
    assert run((*COMMAND, *words), stdout=full) == (2, "", line)


@needs_full
def test_what_is_left_in_the_buffer_adds_no_error(tmp_path):
    path = tmp_path / "no folder" / "file"
    words = [sys.executable, "-c", RUN, "weights", "fetch", path]
    status, _, err = run(words, stdout=full)
    assert status == 2
    assert err == f"jaxstyle: error: {path}: No such file or directory\n"


def test_a_pipe_that_does_not_block():
    """It is what `node` and others give: a text longer than the pipe holds waits, as in others."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen([*COMMAND, "metrics", "--json"], stdout=write)
    os.close(write)
    with open(read, "rb") as file:
        text = file.read()
    assert process.wait() == 0
    assert len(json.loads(text)) > 50


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (BrokenPipeError(32, "Broken pipe"), "[Errno 32] Broken pipe"),
        (BrokenPipeError(32, "Broken pipe", "a.png"), "a.png: Broken pipe"),
        (EOFError("the file ends early"), "EOFError: the file ends early (--debug shows where)"),
    ],
)
def test_other_pipes_and_ends_are_errors(error, line, monkeypatch, capsys):
    """They once counted as those of standard output and input, and ended a run in silence."""

    def fetch(name):
        raise error

    monkeypatch.setattr(registry, "fetch", fetch)
    with pytest.raises(SystemExit) as ended:
        main(["weights", "fetch", "x"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"jaxstyle: error: {line}\n"


@pytest.fixture
def terminal_stream(monkeypatch, capsys):
    """Standard error as a terminal of 80 columns."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for name, value in (("TERM", "xterm"), ("FORCE_COLOR", "1"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    return monkeypatch


class Named:
    seconds, share = 9.0, 1.0

    def __str__(self):
        return "[bold]a[/].png \x1b[2J"


def shown(capsys):
    with terminal.log_to_stderr(), terminal.show_progress() as show:
        logger.info("a line")
        show(Named())
    return capsys.readouterr().err


def test_names_in_progress_are_no_markup(terminal_stream, capsys):
    assert "[bold]a[/].png \\x1b[2J" in shown(capsys)
    terminal_stream.setenv("TERM", "dumb")
    assert shown(capsys) == "a line\n[bold]a[/].png \\x1b[2J\n"


@pytest.mark.parametrize(("name", "value"), [("COLUMNS", "0"), ("COLUMNS", "x"), ("COLUMNS", "1")])
def test_odd_terminals(name, value, terminal_stream, capsys):
    terminal_stream.setenv(name, value)
    assert "".join(shown(capsys).split()).count("aline") == 1


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_terminals_without_control_sequences_get_lines(kind, terminal_stream, capsys):
    terminal_stream.setenv("TERM", kind)
    assert not streams.is_terminal(sys.stderr)
    assert "\x1b" not in shown(capsys)
