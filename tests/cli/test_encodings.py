"""What is printed where an encoding lacks characters, and names that are no text."""

import contextlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
from functools import cache

import pytest

from jaxstyle.cli import streams, terminal
from jaxstyle.cli.main import main

C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENVIRONMENTS = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C locale": C_LOCALE,
}


def run(*words, **environment):
    command = [sys.executable, "-m", "jaxstyle", *words]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment})


@cache
def usual_text(*words):
    return run(*words, PYTHONIOENCODING="utf-8").stdout.decode()


LISTINGS = ("metrics", "recipes", "samples", "stylize --help")
QUICK = {("metrics", "cp1252"), ("recipes", "ascii"), ("samples", "C locale")}
QUICK |= {("stylize --help", "cp1252")}


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        pytest.param(*both, marks=() if both in QUICK else pytest.mark.slow)
        for both in itertools.product(LISTINGS, ENVIRONMENTS)
    ],
)
def test_listings_are_whole(words, environment):
    words = words.split()
    done = run(*words, **ENVIRONMENTS[environment])
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode("cp1252" if environment == "cp1252" else "ascii")
    assert "\\u" not in text
    assert "\\x" not in text
    usual = usual_text(*words)
    assert abs(text.count("\n") - usual.count("\n")) < 4


def test_json_is_the_same_data():
    usual = run("samples", "--json", PYTHONIOENCODING="utf-8")
    done = run("samples", "--json", PYTHONIOENCODING="cp1252")
    assert "Ō" in usual.stdout.decode()
    assert json.loads(done.stdout.decode("cp1252")) == json.loads(usual.stdout)


@pytest.fixture
def handlers(monkeypatch):
    """The error handlers are registered; the standard streams stay."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO())
    streams.open_standard_streams()


@pytest.mark.parametrize(
    ("text", "encoding", "spelled"),
    [
        ("√(n·m) × α²", "ascii", b"sqrt(n*m) x alpha^2"),
        ("√(n·m) × α²", "cp1252", b"sqrt(n\xb7m) \xd7 alpha\xb2"),
        ("Ōhashi, Σ ½ …", "ascii", b"Ohashi, Sigma 1/2 ..."),
        ("絵", "latin-1", rb"\u7d75"),
        ("caf\udce9", "utf-8", b"caf\xe9"),
        ("caf\udce9 絵", "ascii", rb"caf" + b"\xe9" + rb" \u7d75"),
    ],
)
def test_how_characters_are_spelled(text, encoding, spelled, handlers):
    assert text.encode(encoding, "jaxstyle.text") == spelled


def test_letters_of_names_are_not_mistaken(handlers):
    assert "×".encode("ascii", "jaxstyle.names") == b"x"
    assert "ō.png".encode("ascii", "jaxstyle.names") == rb"\u014d.png"


def test_a_choice_of_the_user_stays():
    done = run("samples", PYTHONIOENCODING="ascii:replace")
    assert done.returncode == 0
    assert b"?hashi" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text")
@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "utf-8"}, C_LOCALE], ids=["", "C"])
def test_a_name_that_is_no_text_comes_out_as_it_is(environment, tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    done = run("stylize", name, name, "-o", tmp_path / "out.png", **environment)
    assert done.returncode == 2
    assert b"jaxstyle: error: there is no file " + name in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_the_bar_has_characters_of_the_encoding(encoding, monkeypatch, handlers):
    stream = io.TextIOWrapper(io.BytesIO(), encoding, "strict")
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", streams._rewrapped(stream, "jaxstyle.names", None))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")

    class Progress:
        seconds, share = 9.0, 0.5

        def __str__(self):
            return "step 1 " + "… × " * 20

    with terminal.log_to_stderr(), terminal.show_progress() as show:
        show(Progress())
    text = stream.buffer.getvalue().decode(encoding)
    assert "step 1" in text
    assert "---" in re.sub(r"\x1b\[[0-9]+m", "", text)


NAMES = {
    "two  blanks.png": "two  blanks.png",
    "style_weight and.png": "style_weight and.png",
    "two\nlines\t.png": r"two\nlines\t.png",
    "red \x1b[31m.png": r"red \x1b[31m.png",
    "[bold]a[/].png": "[bold]a[/].png",
}


@pytest.mark.parametrize("name", NAMES, ids=NAMES.values())
def test_names_in_errors_are_exact(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words in (["stylize", name, name, "-o", "out.png"], ["cite", f"{name}.json"]):
        with contextlib.suppress(SystemExit):
            main(words)
        err = capsys.readouterr().err
        assert NAMES[name] in err
        assert err.count("\n") == 1
