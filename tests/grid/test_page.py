"""The page of a grid: nothing escapes from its data, nothing is loaded into it."""

import base64
import io
import json
import re

import numpy as np
from PIL import Image
from support.pages import Parsed

from jaxstyle.grid.page import embedded, page

HOSTILE = "</script><b>x</b><!--<script>&amp;]]>\u2028\u2029\ud800'\"\\ __DATA__ ${title} \x00"
# Names of SVG's elements, not an address; nothing is loaded from it.
NAMESPACE = '"http://www.w3.org/2000/svg"'


def sample(text="a < b", picture="data:image/jpeg;base64,AAAA"):
    return {
        "title": text,
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


def test_values_that_json_lacks():
    data = sample() | {"facts": {"nan": float("nan"), "inf": -float("inf"), "type": np.float32}}
    facts = json.loads(Parsed(page(data)).data)["facts"]
    assert facts == {"nan": None, "inf": None, "type": str(np.float32)}


def test_nothing_is_loaded():
    text = page(sample())
    assert not re.search(r"https?:|//[a-z]", text.replace(NAMESPACE, "")), "an address"
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|\bimport\b", text)
    for tag, attributes in Parsed(text).tags:
        assert tag not in ("link", "iframe", "base")
        assert not {"src", "href", "srcset"} & attributes.keys()
    policies = [
        attributes["content"] for _, attributes in Parsed(text).tags if "http-equiv" in attributes
    ]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; img-src data:;")


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
