"""The page of a grid: nothing escapes from its data, nothing is loaded into it."""

import base64
import io
import json
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.pages import Parsed, check_script, javascript

from jaxstyle.grid.page import embedded, page

HOSTILE = "</script><b>x</b><!--<script>&amp;]]>\u2028\u2029\ud800'\"\\ __DATA__ ${title} \x00"
# Names of SVG's elements, not an address; nothing is loaded from it.
NAMESPACE = '"http://www.w3.org/2000/svg"'


def sample(text="a < b", picture="data:image/jpeg;base64,AAAA"):
    return {
        "title": text,
        "key": text,
        "command": text,
        "inputs": [{"role": "content", "name": text, "picture": picture}],
        "axes": [{"name": text, "values": ["1", text]}],
        "cells": [
            {
                "name": text,
                "file": f"cells/{text}.png",
                "values": {text: value},
                "picture": None,
                "failure": text,
                "history": {"total": [2.0, None, 1e-30], text: [1.0, 0.5, 0.25]},
                "scales": [{"size": 128, "steps": 3}],
                "settings": {text: [text, 1]},
                "seconds": 1.5,
                "command": text,
                "replay": text,
            }
            for value in ("1", text)
        ],
        "facts": {text: text},
    }


def test_hostile_strings_stay_data():
    hostile, harmless = page(sample(HOSTILE)), page(sample())
    assert json.loads(Parsed(hostile).data) == sample(HOSTILE)
    assert Parsed(hostile).tags == Parsed(harmless).tags
    hostile.encode()  # a lone surrogate would have no UTF-8
    assert not {"\u2028", "\u2029", "\x00"} & set(hostile)


def test_the_script_makes_no_markup_of_data():
    text = page(sample())
    for function in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert function not in text


def test_the_scripts_fit_together():
    check_script(page(sample()))


def test_values_that_json_lacks():
    data = sample() | {"facts": {"nan": float("nan"), "inf": -float("inf"), "type": np.float32}}
    facts = json.loads(Parsed(page(data)).data)["facts"]
    assert facts == {"nan": None, "inf": None, "type": str(np.float32)}


def test_nothing_is_loaded():
    text = page(sample())
    assert not re.search(r"https?:|//[a-z]", text.replace(NAMESPACE, "")), "an address"
    assert not re.search(r"@import|url\(|XMLHttpRequest|\bimport\b", text)
    # Beside it lie the cells' own files.
    assert re.findall(r"fetch\(.*?\)", text) == ["fetch(address(file)"]
    for tag, attributes in Parsed(text).tags:
        assert tag not in ("link", "iframe", "base")
        assert not {"src", "href", "srcset"} & attributes.keys()
    policies = [
        attributes["content"] for _, attributes in Parsed(text).tags if "http-equiv" in attributes
    ]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; img-src data: 'self'; connect-src 'self';")


def test_the_same_data_make_the_same_page():
    assert page(sample()) == page(sample())
    picture = np.linspace(0, 1, 300, dtype=np.float32).reshape(10, 10, 3)
    assert embedded(picture) == embedded(picture)


def decoded(address):
    kind, _, content = address.partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        return np.asarray(image, np.float32) / 255


def test_an_embedded_picture_is_nearly_the_same():
    y, x = np.mgrid[0:48, 0:64].astype(np.float32)
    picture = np.stack([x / 63, y / 47, 0.5 + 0.5 * np.sin(x / 6)], axis=-1).astype(np.float32)
    back = decoded(embedded(picture))
    assert back.shape == picture.shape
    assert np.abs(back - picture).mean() < 0.01
    assert np.abs(back - picture).max() < 0.06
    better = decoded(embedded(picture, quality=97))
    assert np.abs(better - picture).mean() < np.abs(back - picture).mean()


def test_values_outside_are_clipped_and_color_is_kept():
    picture = np.zeros((16, 16, 3), np.float32)
    picture[:, ::2] = (1.5, -0.5, -0.5)  # columns of red and black: half the color would smear
    back = decoded(embedded(picture, quality=95))
    assert np.abs(back - np.clip(picture, 0, 1)).max() < 0.1


def test_noise_can_be_embedded():
    # Stylized pictures hardly compress; Pillow's optimized JPEG runs out of room on them.
    noise = np.random.default_rng(0).random((256, 256, 3), np.float32)
    assert decoded(embedded(noise, quality=95)).shape == noise.shape


@pytest.mark.parametrize(
    ("losses", "logarithmic", "ends"),
    [
        # A term that is rounded nothing where a run begins does not stretch the axis.
        ([[3e-10, 5, 8, 9], [400, 300, 200, 100]], True, [5, 400]),
        ([[2e-10, 8, 0.5, 10, 2e-10], [60, 50, 40, 30, 20]], True, [0.5, 60]),
        ([[0, 0.02, 0.03], [4, 3, 2]], True, [0.02, 4]),
        # One that stays nothing, or hardly more, does not count.
        ([[0, 0, 0], [4, 3, 2]], True, [2, 4]),
        ([[1e-9, 2e-9, 1e-9], [4, 3, 2]], True, [2, 4]),
        # What is small all the time is shown, and so is what falls steadily.
        ([[0.004, 0.003, 0.002], [400, 300, 200]], True, [0.002, 400]),
        ([[10.0**-k for k in range(9)]], True, [1e-8, 1]),
        # A few steps that diverge do not count, nor a few that have not; a quarter of all does.
        ([[*[5.0 - 0.1 * k for k in range(20)], 1e9, 1e30]], True, [3.1, 5]),
        ([[1e4, 1e4, 1, 2, 3, 4]], True, [1, 1e4]),
        ([[1e7, 1e4, 9, 8, 7, 6, 5, 4, 3, 2, 1]], True, [1, 9]),
        ([[1e-10, 1e-10, 1e-10, 5, 8]], True, [5, 8]),
        ([[3]], True, [3, 3]),
        ([[3e-10]], True, [3e-10, 3e-10]),
        ([[7, 7, 7]], True, [7, 7]),
        ([[], [2, 1]], True, [1, 2]),
        ([[0, 0]], False, [0, 0]),
        ([[-1, 5, 3]], False, [-1, 5]),
    ],
)
def test_the_axis_runs_where_something_happens(losses, logarithmic, ends):
    result = javascript("chart.js", f"bounds({json.dumps(losses)})")
    assert result == {"logarithmic": logarithmic, "ends": pytest.approx(ends, rel=1e-12)}


@pytest.mark.parametrize("ends", [[5, 400], [3, 3], [1e-8, 1], [0, 0], [-1, 5]])
def test_values_beyond_the_axis_are_at_its_edges(ends):
    logarithmic = json.dumps(ends[0] > 0)
    places = javascript(
        "chart.js",
        f"((axis) => [axis.low, {ends[0]}, {ends[1]}, axis.high, 0, -1e9, 1e9].map(axis.place))"
        f"(scale({ends}, {logarithmic}, 200, 0, 0.05))",
    )
    low, first, last, high, nothing, below, above = places
    assert low == pytest.approx(200)
    assert high == pytest.approx(0, abs=1e-9)
    assert 0 < last <= first < 200
    assert (below, above) == (200, 0)
    assert nothing == 200 or ends[0] <= 0


def test_a_zip_file_is_read_back():
    files = [("a.png", bytes(range(256)) * 9), ("é.json", b"{}"), ("empty", b"")]
    written = ", ".join(f"[{json.dumps(n)}, Uint8Array.from({[*c]})]" for n, c in files)
    parts = javascript(
        "zip.js", f"zip([{written}], new Date(2024, 1, 29, 13, 5, 8)).map((p) => [...p])"
    )
    with zipfile.ZipFile(io.BytesIO(b"".join(map(bytes, parts)))) as archive:
        assert archive.testzip() is None
        assert [(name, archive.read(name)) for name in archive.namelist()] == files
        assert archive.infolist()[0].date_time == (2024, 2, 29, 13, 5, 8)


def test_one_thing_is_singular():
    assert javascript("shared.js", "[0, 1, 2].map((n) => counted(n, 'cell'))") == [
        "0 cells",
        "1 cell",
        "2 cells",
    ]
