"""What a batch reads: folders, files, globs, lists."""

import os

import pytest
from PIL import Image
from support.manifests import write_manifest

from jaxstyle.batch.pictures import gather


@pytest.fixture
def folder(tmp_path):
    photos = tmp_path / "photos"
    for name in ("b.jpg", "a.png", "C.JPG", ".hidden.png", "sub/deep/d.png", ".cache/e.png"):
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path, "PNG")
    (photos / "notes.txt").write_text("notes")
    return photos


def paths(pictures, folder):
    return [os.path.relpath(one.source, folder) for one in pictures]


def test_a_folder(folder):
    pictures = gather(folder)
    assert paths(pictures, folder) == ["C.JPG", "a.png", "b.jpg"]
    assert [one.name for one in pictures] == ["C", "a", "b"]
    assert {one.folder for one in pictures} == {""}


def test_sub_folders_but_the_output(folder):
    (folder / "out").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "out" / "a.png")
    pictures = gather(str(folder), recursive=True, output=folder / "sub" / ".." / "out")
    assert paths(pictures, folder)[3:] == [os.path.join("sub", "deep", "d.png")]
    assert pictures[3].folder == os.path.join("sub", "deep")


def test_pictures_that_we_made_are_left_out(folder, caplog):
    caplog.set_level("INFO")
    (folder / "a.json").write_text('{"kind": "other"}')
    write_manifest(folder / "b.jpg")
    assert paths(gather(folder), folder) == ["C.JPG", "a.png"]
    assert "1 of the pictures in the folder" in caplog.text
    # One that is named is read.
    assert paths(gather(folder / "b.jpg"), folder) == ["b.jpg"]
    with pytest.raises(ValueError, match=r"no pictures like .* but those that jaxstyle made"):
        gather(str(folder / "b*.jpg"))


def test_globs(folder):
    assert paths(gather(str(folder / "*.jpg")), folder) == ["b.jpg"]
    assert paths(gather(str(folder / "*")), folder) == ["C.JPG", "a.png", "b.jpg"]
    assert paths(gather(str(folder / "**" / "d.png")), folder)[0].endswith("d.png")
    with pytest.raises(ValueError, match="no pictures like"):
        gather(str(folder / "*.tif"))
    # A file's name can look like one.
    odd = folder / "x[1].png"
    Image.new("RGB", (4, 4)).save(odd)
    assert gather(str(odd))[0].name == "x[1]"


def test_lists(folder, tmp_path):
    names = tmp_path / "names.txt"
    lines = [folder / "b.jpg", "", folder / "ü é.png", "sample:valley", folder / "sub" / "deep"]
    names.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(map(str, lines)).encode() + b"\n")
    pictures = gather(f"@{names}")
    assert [one.name for one in pictures] == ["b", "ü é", "valley", "d"]
    names.write_text("\n\n")
    with pytest.raises(ValueError, match="expected the paths of pictures"):
        gather(f"@{names}")
    names.write_text(f"@{names}")
    with pytest.raises(ValueError, match="expected no list in the list"):
        gather(f"@{names}")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing\.txt"):
        gather(f"@{tmp_path / 'nothing.txt'}")


def test_others(folder):
    picture = Image.new("RGB", (4, 4))
    kinds = gather([picture, "sample:valley", "https://example.org/a/photo.jpg?x=*", "-"])
    assert [one.name for one in kinds] == ["picture", "valley", "photo", "picture"]
    assert str(kinds[0]) == "a Image"
    # Whoever reads it says that it is missing.
    assert gather(str(folder / "gone.jpg"))[0].name == "gone"
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="there are no pictures in the folder"):
        gather(folder / "empty")


def test_photographs_that_cannot_be_read_are_named(folder, caplog):
    """A telephone's folder is half full of them."""
    for name in ("e.HEIC", "f.heic", "g.cr2", "sub/h.heic"):
        (folder / name).write_bytes(b"\0" * 40)
    with caplog.at_level("WARNING"):
        pictures = gather(folder)
    assert len(pictures) == 3
    assert "1 .cr2, 2 .heic" in caplog.text
    caplog.clear()
    gather(str(folder / "*"))
    assert "1 .cr2, 2 .heic" in caplog.text
