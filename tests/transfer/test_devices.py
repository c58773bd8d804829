"""One picture over several devices: the same as on one, in bands."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from support.small import CONTENT, SMALL, STYLE, run, write_pictures

import jaxstyle
from jaxstyle.backbones.bands import Bands, prime_factors
from jaxstyle.metrics import METRICS
from jaxstyle.transfer.job import chosen_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

RUN = """
import json, sys
from pathlib import Path
import numpy as np, jax
import jaxstyle
from jaxstyle.transfer.job import chosen_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.transfer.steppers.whole import WholeStepper
from jaxstyle.image.io import write_image
from support.small import CONTENT, SMALL, write_pictures

folder, two = Path(sys.argv[1]), SMALL | {"scales": 2, "scale_factor": 1.5, "size": 96}
write_pictures(folder)
write_image(folder / "content.png", CONTENT.repeat(2, 0).repeat(2, 1))
files = folder / "content.png", folder / "style.png"
job = make_job(*files, chosen_settings(None, two), Sources()).over("all")
stepper = WholeStepper(job)
state = stepper.init([job.initial])
pieces = {shard.data.shape for shard in state.image.addressable_shards}
memory = {s.data.shape for s in state.optimizer.inner.diff_params_memory.addressable_shards}
for progress in jaxstyle.iterate(
    *files, devices=4, checkpoint=folder / "p.png", checkpoint_seconds=0, **two
):
    if progress.step == 6:
        break
again = jaxstyle.stylize(*files, devices=4, checkpoint=folder / "p.png", resume=True, **two)
whole = jaxstyle.stylize(*files, devices="all", **two)
whole.save(folder / "whole.png")
replayed = jaxstyle.replay(folder / "whole.json")
np.save(folder / "whole.npy", whole.image)
print(json.dumps({"pieces": [*pieces], "memory": [*memory], "facts": whole.facts["memory"],
    "equal": [bool((other.image == whole.image).all()) for other in (again, replayed)]}))
"""


def on_devices(count, *words):
    """Run Python with virtual devices, and return what it prints."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_is_one_devices_but_for_rounding(tmp_path):
    """In bands of a quarter, with L-BFGS's memory; resumed and replayed to the same bytes."""
    facts = json.loads(on_devices(4, "-c", RUN, tmp_path))
    assert facts["pieces"] == [[84, 24, 3]]  # of 84 × 96
    assert facts["memory"] == [[20, 84, 24, 3]]
    assert facts["facts"]["devices"] == 4
    assert facts["equal"] == [True, True]
    settings = SMALL | {"scales": 2, "scale_factor": 1.5, "size": 96}
    files = tmp_path / "content.png", tmp_path / "style.png"
    expected = jaxstyle.stylize(*files, **settings).image
    gaps = np.abs(np.load(tmp_path / "whole.npy") - expected)
    # Steps amplify rounding, and by how much depends on the processor: few pixels, and never far.
    assert np.median(gaps) < 1e-5
    assert np.percentile(gaps, 99) < 0.01
    assert gaps.max() < 0.05


@pytest.mark.slow
def test_every_metric_is_one_devices_but_for_rounding():
    lines = on_devices(8, "-m", "support.on_devices").splitlines()
    assert len(lines) == sum(map(len, METRICS.values()))
    for facts in map(json.loads, lines):
        # Some are differences of nearly equal numbers, and what is sorted may change places.
        assert facts["loss"] < 1e-3, facts
        assert facts["gradient"] < 0.03, facts
    assert np.median([facts["gradient"] for facts in map(json.loads, lines)]) < 1e-5


def test_a_wrapped_spectrum_needs_one_device(monkeypatch):
    monkeypatch.setattr("jaxstyle.transfer.job._chosen", lambda devices: [None, None])
    settings = chosen_settings(None, SMALL | {"metric": "power_spectrum", "tile": "both"})
    with pytest.raises(ValueError, match="one device for power_spectrum"):
        make_job(CONTENT, STYLE, settings, Sources()).over(2)


@pytest.mark.slow
def test_so_is_one_of_a_picture_that_wraps():
    names = ("gram", "patch", "translated_gram", "total_variation")
    lines = on_devices(8, "-m", "support.on_devices", "--wrap", *names).splitlines()
    assert len(lines) == len(names)
    for facts in map(json.loads, lines):
        assert facts["loss"] < 1e-3, facts
        assert facts["gradient"] < 1e-3, facts


@pytest.mark.parametrize(
    ("count", "shape", "bands"),
    [(8, (96, 64, 3), 8), (8, (64, 100, 3), 4), (6, (90, 10, 3), 6), (6, (64, 64, 3), 2)],
)
def test_bands(count, shape, bands):
    """As many as divide the longest side, by the prime factors of the devices' number."""

    axes = dict(zip("abc", prime_factors(count), strict=False))
    assert Bands(SimpleNamespace(shape=axes)).bands_of(shape) == bands


@pytest.mark.parametrize(
    ("devices", "message"),
    [(2, "at most 1 devices"), (0, "at least 1"), ("some", "a number or all")],
)
def test_devices_that_are_not_there(devices, message):
    if len(jax.devices()) > 1:
        pytest.skip("there are several devices")
    with pytest.raises(ValueError, match=message):
        jaxstyle.stylize(CONTENT, STYLE, devices=devices, **SMALL)


def test_one_device_is_the_usual_one():
    """No picture is divided, and no program is another."""
    plain = jaxstyle.stylize(CONTENT, STYLE, **SMALL)
    again = jaxstyle.stylize(CONTENT, STYLE, devices="all", **SMALL)
    assert "devices" not in again.facts["memory"]
    np.testing.assert_array_equal(plain.image, again.image)


def test_on_the_command_line(tmp_path, capsys):
    write_pictures(tmp_path)
    files = tmp_path / "content.png", tmp_path / "style.png"
    assert run("stylize", *files, "-o", tmp_path / "out.png", "--devices", "few") == 2
    assert "expected a whole number" in capsys.readouterr().err
