"""What the site says beside the registries is complete: its build takes minutes, this does not."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from jaxstyle.metrics import METRICS

DOCS = Path(__file__).parents[1] / "docs"
NOTES = tomllib.loads((DOCS / "metrics.toml").read_text("utf-8"))
NAMES = [f"{kind}.{name}" for kind, metrics in METRICS.items() for name in metrics]


def test_every_metric_has_a_note():
    assert sorted(NAMES) == sorted(f"{kind}.{name}" for kind in NOTES for name in NOTES[kind])


@pytest.mark.parametrize("name", NAMES)
def test_a_note_is_whole(name):
    kind, _, metric = name.partition(".")
    note = NOTES[kind][metric]
    assert note.keys() == {"formula", "misses", "reference", "within"}
    assert note["misses"].endswith(".")
    # What stands in braces is closed, and nothing leaves the formula.
    assert note["formula"].count("{") == note["formula"].count("}")
    left, right = (re.findall(rf"\\{side}(?!arrow)", note["formula"]) for side in ("left", "right"))
    assert len(left) == len(right)
    assert "$" not in note["formula"]
    assert float(note["within"]) <= 1e-2


def test_measured_errors_are_within_what_the_tests_allow():
    errors = json.loads((DOCS / "errors.json").read_text("utf-8"))
    for name, error in errors.items():
        kind, _, metric = name.partition(".")
        assert error < float(NOTES[kind][metric]["within"]), name


def test_every_page_is_in_the_navigation():
    pages = [path for path in DOCS.rglob("*.md") if "_build" not in path.parts]
    trees = "\n".join(path.read_text("utf-8") for path in pages)
    generated = ("about/measurements", "reference/commands", "reference/metrics")
    generated += ("reference/networks", "reference/recipes", "reference/settings")
    for page in pages:
        name = page.relative_to(DOCS).with_suffix("").as_posix()
        if name != "index" and not name.startswith(generated):
            assert f"\n{name}\n" in trees or f"\n{page.stem}\n" in trees, name
