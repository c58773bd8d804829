"""Citations: every metric, network and recipe names papers that have an entry."""

import re

import numpy as np
import pytest

import jaxstyle
from jaxstyle import citations
from jaxstyle.metrics import METRICS
from jaxstyle.recipes import RECIPES
from jaxstyle.settings import Settings
from jaxstyle.transfer import owed
from jaxstyle.weights.sources import SOURCES

KEYLESS = {"textbook", "ours", ""}
PAPERS = [m.paper for group in METRICS.values() for m in group.values()]
PAPERS += [source.paper for source in SOURCES.values()]


@pytest.mark.parametrize("papers", dict.fromkeys(PAPERS))
def test_every_paper_has_an_entry(papers):
    named = [part for part in papers.split(";") if part.strip() not in KEYLESS]
    assert len(citations.labels(papers)) == len(named)


@pytest.mark.parametrize("label", citations.entries())
def test_entries_are_bibtex(label):
    entry = citations.entries()[label]
    assert re.match(r"@[a-z]+\{[a-z0-9]+,\n", entry)
    assert entry.count("{") == entry.count("}")
    assert entry.endswith("\n}")
    year = re.search(r"year = \{(\d{4})\}", entry)
    assert year
    if "arXiv" not in label and (stated := re.search(r"(?:19|20)\d\d", label)):
        assert stated[0] == year[1]
    # The first author of the label is that of the entry.
    assert re.split(r"[ ,]", label)[0].lower() in citations.summary(entry).lower()


def test_keys_are_unique():
    keys = re.findall(r"^@\w+\{(.*),$", "\n".join(citations.entries().values()), re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(citations.entries())


def test_an_unknown_label_raises():
    with pytest.raises(ValueError, match="no paper is labelled 'nobody'"):
        citations.bibtex("nobody")


def keys_of(entries):
    return {re.match(r"@\w+\{(.*),", entry)[1] for entry in entries}


def test_what_a_run_owes():
    settings = Settings(metric="sinkhorn", content_metric="lpips", smoothness=0)
    entries = owed.of_run(settings, ["vgg16", "alexnet", "lpips-alex"])
    assert keys_of(entries) == {
        *("jaxstyle", "feydy2019interpolating", "zhang2018unreasonable"),
        *("simonyan2015very", "krizhevsky2014one"),
    }
    assert len(entries) == 5


@pytest.mark.slow
def test_a_manifest_lists_what_the_run_owes():
    photo, painting = np.random.default_rng(0).random((2, 24, 32, 3))
    result = jaxstyle.stylize(
        photo, painting, recipe="mmd/adapted", steps=1, scales=1, style_layers=("relu1_1",)
    )
    papers = result.facts["papers"]
    assert papers[1] == citations.summary(RECIPES["mmd"].bibtex)
    assert any(paper.startswith("Gretton") for paper in papers)
    assert any("Very Deep" in paper for paper in papers)
    assert len(papers) == len(set(papers))


@pytest.mark.parametrize("name", ["gram", "vgg16", "ssim", "contextual"])
def test_names_have_entries(name):
    assert owed.of_name(name)


def test_other_names_have_none():
    assert owed.of_name("nobody") == []
    assert owed.of_name("mae") == []
