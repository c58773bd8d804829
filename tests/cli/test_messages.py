"""Messages on standard error: log lines, progress, errors."""

import sys

import pytest

from jaxstyle._util.log import logger
from jaxstyle.cli import terminal
from jaxstyle.cli.main import main
from jaxstyle.weights import registry


class Done:
    seconds = 1.5
    share = 1.0

    def __str__(self):
        return "all steps"


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code or 0


@pytest.fixture
def fetch(monkeypatch):
    """A command that logs a line of every level and shows progress."""

    def fetch(name):
        for level in ("debug", "info", "warning", "error"):
            getattr(logger, level)("a line of %s", level)
        with terminal.show_progress() as show:
            show(Done())
        return name

    monkeypatch.setattr(registry, "fetch", fetch)


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ((), ["info", "warning", "error"]),
        (("--quiet",), ["error"]),
        (("-v",), ["debug", "info", "warning", "error"]),
        (("--verbose",), ["debug", "info", "warning", "error"]),
    ],
)
def test_which_lines_are_shown(options, levels, fetch, capsys):
    before = (logger.level, list(logger.handlers))
    assert run("weights", "fetch", "x", *options) == 0
    out, err = capsys.readouterr()
    shown = [] if "--quiet" in options else ["all steps"]
    assert err.splitlines() == [*(f"a line of {level}" for level in levels), *shown]
    assert out == "x\n"
    assert (logger.level, logger.handlers) == before


def test_lines_appear_above_the_bar(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with terminal.log_to_stderr(), terminal.show_progress() as show:
        logger.info("a line between two steps")
        show(Done())
    text = capsys.readouterr().err
    assert "a line between two steps\n" in text
    assert "all steps" in text
    assert text.index("a line") < text.index("all steps")


def test_lines_of_progress_are_seconds_apart(capsys):
    show = terminal._lines()
    for seconds in (0.0, 1.0, 4.9, 5.0, 9.0, 11.0):
        step = Done()
        step.seconds, step.share = seconds, 0.5
        show(step)
    assert capsys.readouterr().err.count("all steps") == 3


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            ValueError("expected style_weight to be at least 0, got\n"),
            "expected --style-weight to be at least 0, got\\n\n",
        ),
        (OSError(28, "No space left on device", "a.png"), "a.png: No space left on device\n"),
        (OSError("cut off"), "cut off\n"),
        (OSError(28, "No space left on device", b"caf\xc3\xa9.png"), "café.png: No space left"),
        (RuntimeError("of a\n  library"), "RuntimeError: of a library (--debug shows where)\n"),
        (KeyError("x"), "KeyError: 'x' (--debug shows where)\n"),
    ],
)
def test_errors_are_one_line(error, line, monkeypatch, capsys):
    def fetch(name):
        raise error

    monkeypatch.setattr(registry, "fetch", fetch)
    assert run("weights", "fetch", "x", "--quiet") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"jaxstyle: error: {line}")
    assert err.count("\n") == 1
    with pytest.raises(type(error)):
        main(["weights", "fetch", "x", "--debug"])


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    def fetch(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "fetch", fetch)
    assert run("weights", "fetch", "x") == 130
    assert capsys.readouterr().err.strip() == "jaxstyle: interrupted"


def test_usage_errors_are_one_line(capsys):
    for words, line in (
        (["stylize", "a.png"], "Missing argument 'STYLE' (or '--style')."),
        (["stylize", "a.png", "b.png"], "Missing option '-o' / '--output'."),
        (["stylize", "a.png", "b.png", "--steps", "x"], "expected a whole number, got 'x'"),
        (["stylize", "a.png", "b.png", "--scale-steps", "1,x"], "expected whole numbers with"),
        (["stylize", "a.png", "b.png", "--optimizer", "x"], "'--optimizer': 'x' is not one of"),
        (["study", "--part", "3/2"], "expected a share such as 2/3"),
        (["bogus"], "No such command 'bogus'"),
    ):
        assert run(*words) == 2
        err = capsys.readouterr().err
        assert line in err
        assert err.startswith("jaxstyle: error: ")
        assert err.count("\n") == 1
    assert run() in (0, 2)  # click before 8.2: 0
    assert "Commands:" in "".join(capsys.readouterr())
