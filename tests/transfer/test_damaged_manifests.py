"""Files of JSON that a hand has edited: whatever is wrong is said in a line that names the file."""

import copy
import json

import pytest
from support.small import SMALL, run, write_pictures

import jaxstyle
from jaxstyle.objective.calibration import read_constants
from jaxstyle.transfer import manifest, owed, replay

OTHERS = (None, 5, -1, 1e30, True, "x", "", [], [1], ["x"], {}, {"x": None}, {"x": {"y": [0]}})
"""What takes the place of each value."""
ABSENT = object()
DEPTH = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A manifest, and its facts."""
    folder = write_pictures(tmp_path_factory.mktemp("whole"))
    result = jaxstyle.stylize(folder / "content.png", folder / "style.png", **SMALL | {"steps": 1})
    path = result.save(folder / "a.png").with_suffix(".json")
    return path, json.loads(path.read_text())


def places(value, depth=DEPTH):
    """Yield the place of every value: the keys that lead to it."""
    items = []
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value[:2])
    for key, element in items if depth else ():
        yield (key,)
        yield from ((key, *rest) for rest in places(element, depth - 1))


def changed(facts, place, other):
    facts = copy.deepcopy(facts)
    parent = facts
    for key in place[:-1]:
        parent = parent[key]
    if other is ABSENT:
        del parent[place[-1]]
    else:
        parent[place[-1]] = other
    return facts


def damages(facts):
    """Yield every manifest with one value that is missing, or another one, and what it is."""
    for place in places(facts):
        for other in (ABSENT, *OTHERS):
            yield changed(facts, place, other), f"{place} {other!r}"


class ReadWholeError(Exception):
    """Everything was read: the run would begin."""


def test_every_damaged_manifest_is_refused_in_a_line_or_replayed(whole, monkeypatch):
    path, facts = whole

    def begin(*_, **__):
        raise ReadWholeError

    monkeypatch.setattr(replay, "make_job", begin)
    run_ = path.with_name("damaged.json")
    counts = {"read": 0, "refused": 0}
    for damaged, what in damages(facts):
        run_.write_text(json.dumps(damaged))
        try:
            with pytest.raises((ReadWholeError, ValueError, OSError)) as error:
                jaxstyle.replay(run_)
        except BaseException as other:
            raise AssertionError(what) from other
        if error.type is ReadWholeError:
            counts["read"] += 1
            continue
        counts["refused"] += 1
        message = str(error.value)
        assert "\n" not in message, what
        assert "damaged.json" in message or "is not the file that it was" in message, what
        assert len(message) < 400, what
    assert counts["refused"] > 200
    assert counts["read"] > 50


@pytest.mark.parametrize(
    ("place", "other", "message"),
    [
        (("inputs", "content", "sha256"), ABSENT, "expected inputs.content.sha256, got nothing"),
        (("inputs", "content", "path"), ABSENT, "expected inputs.content.path, got nothing"),
        (("inputs", "content"), ABSENT, "expected inputs.content, got nothing"),
        (("inputs",), [1], r"expected inputs as values by name, got \[1\]"),
        (("memory", "layouts"), ["hole"], "expected memory.layouts.1 as whole, recompute or"),
        (("memory", "layouts"), ["whole"] * 2, "expected memory.layouts of 1 scale, got 2"),
        (("memory", "shared"), True, "expected memory.lanes, got nothing"),
        (("history", "total"), ["x"], "expected history.total.1 as a number, got 'x'"),
        (("history",), ABSENT, "expected history, got nothing"),
        (("weights", "vgg16"), None, "expected weights.vgg16 as text, got None"),
        (("settings", "steps"), "many", "expected steps to be a whole number, got 'many'"),
        (("settings", "stepz"), 3, "there is no setting 'stepz'; did you mean 'steps'"),
        (("settings", "recipe"), 5, "expected recipe as text, got int"),
    ],
)
def test_the_key_is_named(whole, place, other, message):
    path, facts = whole
    damaged = path.with_name("b.json")
    damaged.write_text(json.dumps(changed(facts, place, other)))
    with pytest.raises(ValueError, match=rf"b\.json.*{message}"):
        jaxstyle.replay(damaged)


def test_other_readers_name_it_too(whole, tmp_path, capsys, caplog):
    path, facts = whole
    damaged = path.with_name("c.json")
    damaged.write_text(json.dumps(changed(facts, ("settings",), [])))
    for words in (("cite", damaged), ("replay", damaged, "-o", tmp_path / "x.png")):
        assert run(*words) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"jaxstyle: error: {damaged} is a damaged manifest: expected")
    with pytest.raises(ValueError, match=r"c\.json is a damaged manifest"):
        manifest.check(path.with_name("c.png"))
    picture = path.with_suffix(".png")
    damaged = changed(facts, ("picture", "sha256"), ABSENT)
    (picture.with_name("d.json")).write_text(json.dumps(damaged))
    picture.with_name("d.png").write_bytes(picture.read_bytes())
    arguments = (facts["settings"], facts["inputs"], facts["weights"])
    # It is made again.
    assert manifest.finished(picture.with_name("d.png"), *arguments) is None
    assert "expected picture.sha256, got nothing; it does not count" in caplog.text
    assert owed.of_manifest(manifest.read(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", r"expected calibration as values by name, got \[1\]"),
        ('"gram"', "expected calibration as values by name, got 'gram'"),
        ('{"gram": 5}', "expected calibration.gram as a list, got 5"),
        ('{"gram": ["x"]}', "expected calibration.gram.1 as a number, got 'x'"),
        ('{"gram": [[1], 2]}', "expected calibration.gram.2 as a list, got 2"),
        ('{"calibration": null}', "expected calibration as values by name, got None"),
        ("{", "expected JSON in"),
        ("[" * 9000, "expected JSON in"),
        ("\xff", "expected JSON in"),
        ("", "is an empty file"),
    ],
)
def test_a_file_of_constants(tmp_path, text, message):
    path = tmp_path / "constants.json"
    path.write_text(text, "latin-1")
    with pytest.raises(ValueError, match=message) as error:
        read_constants(str(path))
    assert "constants.json" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("other", [{"x": 1}, None, "5", [10**400], [[1.0], [2.0, 3.0]]])
def test_constants_given_by_hand(other):
    content, style = jaxstyle.samples.resolve("sample:valley"), "sample:swirls"
    given = {"gram": other, "mse": [1.0], "total_variation": [1.0]}
    with pytest.raises(ValueError, match="expected 2 finite calibration constants for gram"):
        jaxstyle.stylize(content, style, **SMALL, calibration=given)
