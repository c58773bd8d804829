"""Inputs that can be read once, that move, or that change: what is hashed is what is used."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from support.small import CONTENT, ONE_LAYER, OTHER, STYLE, words, write_pictures

import jaxstyle
from jaxstyle import samples
from jaxstyle._util import inputs as input_files
from jaxstyle.image.io import write_image
from jaxstyle.transfer.sources import Sources

MASK = np.zeros_like(CONTENT)
MASK[:, 20:] = 1
SETTINGS = {**ONE_LAYER, "steps": 1}


@pytest.fixture(autouse=True)
def nothing_waits_forever():
    """Who opens a pipe again waits for somebody who writes into it."""

    def give_up(*_):
        raise TimeoutError("a pipe is read twice")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(240)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path):
    write_image(tmp_path / "mask.png", MASK)
    return write_pictures(tmp_path)


@contextlib.contextmanager
def pipe(content, path):
    """Let a named pipe give some bytes once; whoever reads it again waits for a minute."""
    os.mkfifo(path)

    def write():
        with contextlib.suppress(OSError), open(path, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    yield path
    # Somebody who never read it leaves the writer waiting.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    thread.join(10)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_pipes_are_read_once_and_hashed_as_files_are(folder):
    expected = jaxstyle.stylize(
        folder / "content.png",
        folder / "style.png",
        content_mask=folder / "mask.png",
        init=folder / "other.png",
        **SETTINGS,
    )
    with contextlib.ExitStack() as stack:
        content, style, mask, other = (
            stack.enter_context(pipe((folder / f"{n}.png").read_bytes(), folder / f"{n}.pipe"))
            for n in ("content", "style", "mask", "other")
        )
        result = jaxstyle.stylize(content, style, content_mask=mask, init=other, **SETTINGS)
    assert result.image.tobytes() == expected.image.tobytes()
    digests = {role: record["sha256"] for role, record in result.inputs.items()}
    assert digests == {role: record["sha256"] for role, record in expected.inputs.items()}
    assert result.inputs["content"] == {"path": str(content), "sha256": digests["content"]}
    run = result.save(folder / "a.png").with_suffix(".json")
    # The pipes are still there, but nobody writes into them.
    with pytest.raises(FileNotFoundError, match=r"no file .*content\.pipe, the content of .*a\.js"):
        jaxstyle.replay(run)
    roles = {"content": "content", "style": "style", "content_mask": "mask", "init": "other"}
    now = {role: folder / f"{name}.png" for role, name in roles.items()}
    assert jaxstyle.replay(run, inputs=now).image.tobytes() == expected.image.tobytes()


def test_one_pipe_by_two_names_is_one_input(folder):
    (folder / "link").symlink_to("content.pipe")
    with pipe((folder / "content.png").read_bytes(), folder / "content.pipe") as path:
        result = jaxstyle.stylize(path, folder / "link", **SETTINGS)
    assert result.inputs["content"]["sha256"] == result.inputs["style"]["sha256"]


@pytest.mark.parametrize("name", ["/dev/stdin", pytest.param("/dev/fd/0", marks=pytest.mark.slow)])
def test_the_command_reads_standard_input(folder, name):
    line = words("stylize", folder, folder / "a.png", "--quiet", steps=1)
    line[1] = name
    content = (folder / "content.png").read_bytes()
    command = [sys.executable, "-m", "jaxstyle", *line]
    subprocess.run(command, input=content, check=True, timeout=200)
    recorded = json.loads((folder / "a.json").read_text())["inputs"]["content"]
    assert recorded == {"path": name, "sha256": sha256(folder / "content.png")}


@pytest.mark.parametrize("role", ["content", "style", "content_mask", "init", "calibration"])
def test_devices_are_no_inputs(folder, role):
    given = {"content": folder / "content.png", "style": folder / "style.png"}
    with pytest.raises(ValueError, match="expected a file or a pipe, /dev/zero is a device"):
        jaxstyle.stylize(**{**SETTINGS, **given, role: "/dev/zero"})


def test_nothing_and_too_much(folder, monkeypatch):
    with (
        pipe(b"", folder / "empty.pipe") as path,
        pytest.raises(ValueError, match=r"empty\.pipe is a pipe through which nothing came"),
    ):
        jaxstyle.stylize(path, folder / "style.png", **SETTINGS)
    monkeypatch.setattr(input_files, "LARGEST", 2000)
    with (
        pipe(bytes(3000), folder / "endless.pipe") as path,
        pytest.raises(ValueError, match=r"endless\.pipe is too large"),
    ):
        jaxstyle.stylize(path, folder / "style.png", **SETTINGS)


class TestAFileThatChanges:
    def test_after_it_was_read_has_the_sum_of_what_was_read(self, folder):
        sources, path = Sources(), folder / "content.png"
        before = sha256(path)
        picture = sources.picture(path, "content", 48)
        write_image(path, OTHER)
        assert sources.record(path, "content")["sha256"] == before
        assert sources.picture(path, "content", 48) is picture

    def test_between_two_sizes_is_refused(self, folder):
        sources, path = Sources(), folder / "content.png"
        sources.picture(path, "content", 48)
        write_image(path, OTHER)
        with pytest.raises(ValueError, match=r"content\.png changed while it was being read"):
            sources.picture(path, "content", 24)

    def test_a_mask_is_the_one_that_was_hashed(self, folder, monkeypatch):
        """It is replaced when it has been read, which is before everything is hashed."""
        path, before = folder / "mask.png", sha256(folder / "mask.png")
        read = Sources.content

        def read_and_replace(sources, source):
            held = read(sources, source)
            if str(source) == str(path):
                write_image(path, 1 - MASK)
            return held

        monkeypatch.setattr(Sources, "content", read_and_replace)
        arguments = (folder / "content.png", folder / "style.png")
        result = jaxstyle.stylize(*arguments, content_mask=path, **SETTINGS)
        assert result.inputs["content_mask"]["sha256"] == before
        monkeypatch.undo()
        write_image(path, MASK)
        expected = jaxstyle.stylize(*arguments, content_mask=path, **SETTINGS)
        assert result.image.tobytes() == expected.image.tobytes()


class OnceOnly(io.RawIOBase):
    """A stream that cannot go back, such as an answer from the network."""

    def __init__(self, content):
        self._rest = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._rest.readinto(buffer)


def test_open_files_are_read_once(folder):
    content, style = (
        OnceOnly((folder / f"{name}.png").read_bytes()) for name in ("content", "style")
    )
    result = jaxstyle.stylize(content, style, **SETTINGS)
    expected = jaxstyle.stylize(folder / "content.png", folder / "style.png", **SETTINGS)
    assert result.image.tobytes() == expected.image.tobytes()
    pixels = jaxstyle.stylize(CONTENT, STYLE, **SETTINGS).inputs
    assert result.inputs == pixels


class TestWhatMovedIsFound:
    """Relative to the manifest, and by its digest; a wrong file of the right name is passed by."""

    @pytest.fixture
    def tree(self, tmp_path, monkeypatch):
        """A project: photos/content.png, art/style.png, and a run of them in out/cells."""
        project = tmp_path / "project"
        for place in ("photos", "art", "out/cells"):
            (project / place).mkdir(parents=True)
        write_image(project / "photos" / "content.png", CONTENT)
        write_image(project / "art" / "style.png", STYLE)
        return project

    def make(self, tree, monkeypatch, absolute):
        start = tree if absolute else Path()
        monkeypatch.chdir(tree)
        result = jaxstyle.stylize(
            start / "photos" / "content.png", start / "art" / "style.png", **SETTINGS
        )
        result.save(tree / "out" / "cells" / "a.png")
        return result

    @pytest.mark.parametrize("absolute", [False, True])
    @pytest.mark.parametrize("decoy", [False, True])
    def test_in_a_tree_that_moved_as_a_whole(self, tree, tmp_path, monkeypatch, absolute, decoy):
        first = self.make(tree, monkeypatch, absolute)
        moved = tmp_path / "elsewhere" / "deep" / "renamed"
        moved.parent.mkdir(parents=True)
        shutil.move(tree, moved)
        monkeypatch.chdir(tmp_path)
        if decoy:
            (tmp_path / "photos").mkdir()
            write_image(tmp_path / "photos" / "content.png", OTHER)
            write_image(moved / "out" / "cells" / "content.png", OTHER)
        again = jaxstyle.replay(moved / "out" / "cells" / "a.json")
        assert again.image.tobytes() == first.image.tobytes()
        assert again.inputs["content"]["path"] == str(moved / "photos" / "content.png")

    def test_from_another_folder(self, tree, tmp_path, monkeypatch):
        first = self.make(tree, monkeypatch, False)
        shutil.move(tree / "out" / "cells" / "a.json", tree / "a.json")
        monkeypatch.chdir("/")
        assert jaxstyle.replay(tree / "a.json").image.tobytes() == first.image.tobytes()

    def test_a_changed_file_is_taken_from_near_places_only(self, tree, tmp_path, monkeypatch):
        self.make(tree, monkeypatch, False)
        moved = tmp_path / "moved"
        shutil.move(tree, moved)
        monkeypatch.chdir(tmp_path)
        write_image(moved / "photos" / "content.png", OTHER)
        run = moved / "out" / "cells" / "a.json"
        with pytest.raises(FileNotFoundError, match=r"no file .*content\.png, the content of"):
            jaxstyle.replay(run, changed_inputs=True)
        shutil.copy(moved / "photos" / "content.png", run.with_name("content.png"))
        again = jaxstyle.replay(run, changed_inputs=True)
        assert again.inputs["content"]["sha256"] == sha256(run.with_name("content.png"))

    def test_a_sample_where_another_machine_has_it(self, tmp_path):
        first = jaxstyle.stylize("sample:valley", "sample:swirls", **SETTINGS)
        run = first.save(tmp_path / "a.png").with_suffix(".json")
        facts = json.loads(run.read_text())
        for record in facts["inputs"].values():
            record["path"] = f"/opt/other/site-packages/{Path(record['path']).name}"
        run.write_text(json.dumps(facts))
        again = jaxstyle.replay(run)
        assert again.image.tobytes() == first.image.tobytes()
        assert again.inputs["content"]["path"] == str(samples.resolve("sample:valley"))
