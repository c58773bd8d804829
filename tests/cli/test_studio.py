"""`jaxstyle studio`: what it refuses before anything heavy is imported."""

import sys
from importlib import metadata

import pytest
from support.small import run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--auth", "ada"), "expected --auth as USER:PASSWORD"),
        (("--port", "0"), "--port"),
        (("--port", "many"), "--port"),
        (("photo.jpg",), "unexpected extra argument"),
    ],
)
def test_wrong_options(capsys, words, message):
    assert run("studio", "--no-browser", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("jaxstyle: error: ")
    assert message in line


@pytest.mark.parametrize("version", [None, "5.49.1"])
def test_without_gradio(capsys, monkeypatch, version):
    known = metadata.version

    def installed(name):
        if name == "gradio" and version is None:
            raise metadata.PackageNotFoundError(name)
        return version if name == "gradio" else known(name)

    monkeypatch.setattr(metadata, "version", installed)
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert run("studio", "--no-browser") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "jaxstyle: error: the studio needs Gradio 6: pip install 'jaxstyle[app]'"
    )
    assert ("5.49.1" in line) is (version is not None)


def test_a_file_in_place_of_the_folder(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert run("studio", "--no-browser", "-o", tmp_path / "file") == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("file is a file")
