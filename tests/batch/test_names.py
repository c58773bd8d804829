"""Where results lie: no two under one name, and none in the place of another's."""

import unicodedata
from pathlib import Path

import pytest
from support.manifests import write_manifest

from jaxstyle._util.files import NAME_BYTES, sha256
from jaxstyle.batch.names import outputs_of, pairs_of
from jaxstyle.batch.pictures import NamedSource

STYLE = NamedSource("s.png", "s")


def photo(path, name, folder=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(str(path).encode())
    return NamedSource(path, name, folder)


def names(pairs, folder=Path("out"), **options):
    places = outputs_of(pairs, folder, ".png", **options)
    return [str(place.relative_to(folder)) for place in places]


def test_of_one_style_and_of_several(tmp_path):
    contents = [photo(tmp_path / name, name[:-4]) for name in ("a.jpg", "b.v2.jpg")]
    assert names(pairs_of(contents, [STYLE], False)) == ["a.png", "b.v2.png"]
    other = NamedSource("t.png", "t")
    pairs = pairs_of(contents, [STYLE, other], False)
    assert names(pairs) == ["a-s.png", "a-t.png", "b.v2-s.png", "b.v2-t.png"]
    assert names(pairs_of(contents, [STYLE, other], True)) == ["a-s.png", "b.v2-t.png"]
    with pytest.raises(ValueError, match=r"expected as many styles as pictures .* got 1 and 2"):
        pairs_of(contents, [STYLE], True)


def test_one_file_twice_is_one_pair(tmp_path):
    one = photo(tmp_path / "a.jpg", "a")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    again = NamedSource(str(tmp_path / "link.jpg"), "link")
    assert len(pairs_of([one, again, one], [STYLE], False)) == 1
    assert len(pairs_of([one, one], [STYLE, NamedSource("t.png", "t")], True)) == 2


def test_alike_names_get_numbers(tmp_path):
    stems = ("a", "A", "a-2", "a")
    contents = [photo(tmp_path / str(n) / "x.jpg", stem) for n, stem in enumerate(stems)]
    pairs = pairs_of(contents, [STYLE], False)
    assert names(pairs) == ["a.png", "A-3.png", "a-2.png", "a-4.png"]
    # Two spellings of a letter are one name for some file systems.
    spelled = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    contents = [photo(tmp_path / str(n) / "y.jpg", stem) for n, stem in enumerate(spelled)]
    assert names(pairs_of(contents, [STYLE], False)) == ["é.png", f"{spelled[1]}-2.png"]
    # In another sub-folder a name is free.
    contents = [photo(tmp_path / f / "z.jpg", "z", f) for f in ("", "one")]
    assert names(pairs_of(contents, [STYLE], False)) == ["z.png", str(Path("one", "z.png"))]


def test_long_names_fit(tmp_path):
    long = "ß" * 120
    pairs = [
        (photo(tmp_path / "a.jpg", long), NamedSource(f"{end}.png", long + end)) for end in "st"
    ]
    places = names(pairs)
    assert len(set(places)) == 2
    assert all(len(place.encode()) <= NAME_BYTES - 4 for place in places)


def test_a_name_of_another_content_is_not_taken(tmp_path):
    one, other = (photo(tmp_path / n / "a.jpg", "a") for n in ("one", "other"))
    folder = tmp_path / "out"
    folder.mkdir()
    record = {"path": str(other.source), "sha256": sha256(other.source)}
    write_manifest(folder / "a.png", {"content": record})
    assert names([(one, STYLE)], folder) == ["a-2.png"]
    assert names([(other, STYLE)], folder) == ["a.png"]
    assert names([(one, STYLE), (other, STYLE)], folder) == ["a-2.png", "a.png"]
    assert names([(one, STYLE)], folder, reads_manifests=False) == ["a.png"]
    # Edited, or moved, it is still the same one.
    Path(other.source).write_bytes(b"edited")
    assert names([(other, STYLE)], folder) == ["a.png"]
    moved = photo(tmp_path / "moved" / "a.jpg", "a")
    moved.source.write_bytes(str(tmp_path / "other" / "a.jpg").encode())
    assert names([(moved, STYLE)], folder) == ["a.png"]
