"""The number of cores changes how sums are rounded: manifests and replays know it."""

import json
import os

import pytest
from support.small import SMALL, write_pictures

import jaxstyle
from jaxstyle.transfer import manifest
from jaxstyle.transfer.job import identity
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_pictures(tmp_path_factory.mktemp("cores"))
    pictures = (folder / "content.png", folder / "style.png")
    result = jaxstyle.stylize(*pictures, **SMALL | {"steps": 1})
    return result.save(folder / "a.png").with_suffix(".json")


@pytest.mark.parametrize("given", [None, "3", "0", "many"])
def test_a_manifest_counts_those_that_xla_computes_on(monkeypatch, given):
    monkeypatch.delenv("NPROC", raising=False)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if given:
        monkeypatch.setenv("NPROC", given)
    assert manifest.environment()["device"]["cores"] == ("3" if given == "3" else str(usable))


def test_a_replay_says_how_many_there_were(run, caplog, monkeypatch):
    monkeypatch.setenv("NPROC", "3")
    jaxstyle.replay(run)
    then = json.loads(run.read_text())["device"]["cores"]
    assert f"cores: {then} then, 3 now" in caplog.messages


def test_an_older_manifest_does_not_say(run, caplog):
    facts = json.loads(run.read_text())
    del facts["device"]["cores"]
    older = run.with_name("older.json")
    older.write_text(json.dumps(facts))
    jaxstyle.replay(older)
    assert not [line for line in caplog.messages if "cores" in line]


def test_a_run_is_the_same_on_other_cores(run, monkeypatch):
    pictures = (run.with_name("content.png"), run.with_name("style.png"))
    job = make_job(*pictures, jaxstyle.Settings(**SMALL), Sources())
    before = identity(job)
    monkeypatch.setenv("NPROC", "3")
    assert identity(job) == before
