"""Pictures on the network: what is fetched is bounded, and a picture."""

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import serving
from support.small import CONTENT, ONE_LAYER, OTHER, run, words, write_pictures

import jaxstyle
from jaxstyle import samples
from jaxstyle._util.files import sha256
from jaxstyle.image.io import encoder, read_image, read_settings, write_image
from jaxstyle.samples import addresses


def png(picture):
    file = io.BytesIO()
    encoder("a.png", picture)(file)
    return file.getvalue()


def trickle(request):
    """Send a little now and then, for ever."""
    request.send_response(200)
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(b"\x89PNG")
        request.wfile.flush()
        time.sleep(0.02)


def endless(request):
    request.send_response(200)
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(b"\0" * 1000)


def cut_off(request):
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"\x89PNG")


ANSWERS = {
    "/a.png": serving.content(png(CONTENT)),
    "/a name.png": serving.content(png(CONTENT)),
    "/led/there": serving.redirect("/a.png"),
    "/file": serving.redirect("file:///etc/hostname"),
    "/ftp": serving.redirect("ftp://127.0.0.1/a.png"),
    "/round": serving.redirect("/round"),
    "/page": serving.content(b"<!doctype html><html></html>", "text/html"),
    "/empty": serving.content(b""),
    "/large": serving.content(b"\0" * 200_001),
    "/endless": endless,
    "/trickle": trickle,
    "/cut": cut_off,
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(addresses, "_kept", {})


@pytest.fixture(scope="module")
def web():
    with serving.server(ANSWERS) as (address, asked):
        yield address, asked


@pytest.mark.parametrize("path", ["/a.png", "/led/there", "/a.png?size=large"])
def test_a_picture_is_fetched(web, path):
    content = addresses.fetch(web[0] + path)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (48, 40)


@pytest.mark.parametrize(
    ("path", "error", "match"),
    [
        ("/missing.png", OSError, "cannot fetch .*404"),
        ("/file", OSError, "cannot fetch .*file:///etc/hostname"),
        ("/ftp", OSError, "which is no http or https address"),
        ("/round", OSError, "cannot fetch"),
        ("/page", ValueError, "a web page"),
        ("/empty", ValueError, "not a picture"),
        ("/large", ValueError, "too large"),
        ("/endless", ValueError, "too large"),
        ("/cut", OSError, "cannot fetch"),
    ],
)
def test_what_is_refused(web, monkeypatch, path, error, match):
    monkeypatch.setattr(addresses, "LARGEST", 200_000)
    with pytest.raises(error, match=match) as raised:
        addresses.fetch(web[0] + path)
    assert web[0] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_time_is_bounded(web, monkeypatch):
    monkeypatch.setattr(addresses, "SECONDS", 0.1)
    with pytest.raises(OSError, match=r"cannot fetch .*not complete after"):
        addresses.fetch(f"{web[0]}/trickle")


def test_nothing_is_fetched_offline_nor_with_a_password(web):
    count = len(web[1])
    with pytest.raises(OSError, match="--offline"):
        addresses.fetch(f"{web[0]}/a.png", offline=True)
    with pytest.raises(ValueError, match="without a user's name or password") as raised:
        addresses.fetch(web[0].replace("//", "//ada:secret@"))
    assert "secret" not in str(raised.value)
    assert len(web[1]) == count


def test_no_machine_answers():
    with pytest.raises(OSError, match="cannot fetch http://127"):
        addresses.fetch("http://127.0.0.1:9/a.png")


def test_a_run_records_the_address_and_replays(web, tmp_path):
    write_pictures(tmp_path)
    address = f"{web[0]}/a.png?token=private"
    settings = ONE_LAYER | {"steps": 1}
    with pytest.raises(OSError, match="--offline"):
        jaxstyle.stylize(address, tmp_path / "style.png", offline=True, **settings)
    count = len(web[1])
    result = jaxstyle.stylize(address, tmp_path / "style.png", **settings)
    assert len(web[1]) == count + 1  # once, for the picture and its digest
    result.save(tmp_path / "a.png")
    facts = json.loads((tmp_path / "a.json").read_text())
    assert facts["inputs"]["content"] == {
        "path": address,
        "sha256": sha256(tmp_path / "content.png"),
    }
    assert "private" not in read_settings(tmp_path / "a.png")
    again = jaxstyle.replay(tmp_path / "a.json").save(tmp_path / "b.png")
    assert again.read_bytes() == (tmp_path / "a.png").read_bytes()
    with pytest.raises(OSError, match="--offline"):
        jaxstyle.replay(tmp_path / "a.json", offline=True)
    local = jaxstyle.replay(
        tmp_path / "a.json", inputs={"content": str(tmp_path / "content.png")}, offline=True
    )
    np.testing.assert_array_equal(local.image, result.image)
    facts["inputs"]["content"]["sha256"] = "0" * 64
    (tmp_path / "a.json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="is not the file that it was"):
        jaxstyle.replay(tmp_path / "a.json")


def test_the_command_fetches_once_before_jax_and_takes_masks_and_initial_pictures(
    web, tmp_path, capsys
):
    write_pictures(tmp_path)
    asked = web[1]
    asked.clear()
    address = f"{web[0]}/a.png"
    more = ("--content-mask", address, "--init", address)
    command = words("stylize", tmp_path, tmp_path / "out.png", *more, steps=1)
    command[1] = address
    assert run(*command) == 0
    assert asked == ["/a.png"]
    err = capsys.readouterr().err
    assert err.index("fetching") < err.index("starting JAX")
    facts = json.loads((tmp_path / "out.json").read_text())
    paths = {role: record["path"] for role, record in facts["inputs"].items()}
    assert paths == dict.fromkeys(("content", "content_mask", "init"), address) | {
        "style": "style.png"
    }
    assert run(*command, "--offline") == 0  # this process has it already
    addresses._kept.clear()
    assert run(*command, "--offline") == 2
    err = capsys.readouterr().err
    assert err.endswith("rules out\n")
    assert "starting JAX" not in err.splitlines()[-1]


class TestFiles:
    def test_a_home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert samples.resolve("~/a.png") == tmp_path / "a.png"
        assert str(samples.resolve("a~/b.png")) == "a~/b.png"

    @pytest.mark.parametrize("start", ["file://", "file:", "FILE://", "file://localhost"])
    def test_an_address_of_a_file(self, tmp_path, start):
        path = tmp_path / "a name, ü#1%.png"
        address = path.as_uri().replace("file://", start)
        assert samples.resolve(address) == path

    def test_another_machine_is_refused(self):
        with pytest.raises(ValueError, match="expected a file of this machine"):
            samples.resolve("file://example.org/a.png")

    def test_a_run_takes_both(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        write_pictures(tmp_path)
        style = (tmp_path / "style.png").as_uri()
        result = jaxstyle.stylize("~/content.png", style, **ONE_LAYER | {"steps": 0})
        np.testing.assert_allclose(result.image, CONTENT, atol=1e-6)
        paths = {role: record["path"] for role, record in result.inputs.items()}
        assert paths == {r: str(tmp_path / f"{r}.png") for r in ("content", "style")}

    def test_a_path_object_is_never_one(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "~").mkdir()
        (tmp_path / "file:").mkdir()

        for folder, picture in (("~", CONTENT), ("file:", OTHER)):
            path = Path(folder, "a.png")
            write_image(path, picture)
            write_pictures(tmp_path)
            settings = ONE_LAYER | {"steps": 0, "init": path}
            result = jaxstyle.stylize(path, "style.png", **settings)
            np.testing.assert_allclose(result.image, read_image(path), atol=1e-6)
