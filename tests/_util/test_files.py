"""Files are whole or absent."""

import errno
import os

import pytest

from jaxstyle._util import files


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"before")

    def half(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full") as error:
        files.write_whole(path, half)
    assert error.value.filename == str(path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["a"]


def test_where_there_are_no_nameless_files(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_nameless", lambda folder: None)
    for text in (b"one", b"two"):
        files.write_whole(tmp_path / "a", lambda file, text=text: file.write(text))
        assert (tmp_path / "a").read_bytes() == text
    assert os.listdir(tmp_path) == ["a"]
