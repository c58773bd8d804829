"""Broken and odd files by the thousand: a reader may refuse them, and nothing worse.

    python benchmarks/hostile.py pictures 5000
    python benchmarks/hostile.py masks 5000
    python benchmarks/hostile.py weights 3000
    python benchmarks/hostile.py manifests 5000
    python benchmarks/hostile.py calibrations 5000
    python benchmarks/hostile.py grids 1000
    python benchmarks/hostile.py arguments 20000

Each case is a file of a format that we read, damaged at random: cut off, bytes changed (its first
bytes above all), pieces copied, zeroed, left out, or taken from another file; of JSON also values
replaced, renamed or removed anywhere within. (Of `arguments` a case is a call of a public function,
some of whose arguments are hostile values.) Reading it must give what the reader promises, or
raise one line of `ValueError` or `OSError`, within `SECONDS` and `MEMORY`, and without starting
anything. Cases are read in a process of their own, which may crash;
case N is always the same (`python benchmarks/hostile.py pictures 1 --first N` repeats it).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import random
import resource
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
SECONDS = 20.0
"""Before a case counts as hanging."""
MEMORY = 2 * 2**30
"""Bytes that one case may take in addition."""
STARTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect")
"""Audit events of Python that no reader may cause."""


def pictures() -> list[bytes]:
    """Return a picture in every format and mode that Pillow writes, plain, animated, annotated."""
    from PIL import Image

    Image.init()
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 4)).astype(np.uint8)
    color = Image.fromarray(noise, "RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    files = []
    for kind in sorted(Image.SAVE):
        if kind in ("PDF", "MPO"):  # nothing reads the one; the other is JPEG
            continue
        for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "LAB", "YCbCr", "I;16", "I", "F"):
            image = color.convert("I").convert(mode) if mode == "I;16" else None
            with contextlib.suppress(Exception):
                image = image or (
                    color.convert("RGB").convert(mode)
                    if mode != "LAB"
                    else Image.merge("LAB", color.convert("RGB").split())
                )
                for more in (
                    {},
                    {"exif": exif.tobytes(), "icc_profile": bytes(noise[0].ravel())},
                    {"save_all": True, "append_images": [image, image]},
                    {"transparency": 3},
                ):
                    file = io.BytesIO()
                    with contextlib.suppress(Exception):
                        image.save(file, kind, **more)
                        files.append(file.getvalue())
    return [content for content in dict.fromkeys(files) if content]


def weights() -> list[bytes]:
    """Return a small VGG in every format and layout that we import, and attacks in pickles."""
    sys.path[:0] = map(str, (ROOT / "tests", ROOT / "tests" / "weights" / "convert"))
    import test_layouts
    import test_onnx
    import test_pickles
    import test_tfjs
    from support import forging

    from jaxstyle import backbones

    backbones.BACKBONES = forging.narrow_backbones()
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for write, _ in test_layouts.FILES.values():
            path = Path(folder, "file")
            write(path)
            files.append(path.read_bytes())
    files.append(test_onnx.onnx_file())
    files.append(test_tfjs.packed(test_tfjs.tfjs_members()))
    files *= 5  # or most cases would be pickles
    sentinel = Path(tempfile.gettempdir(), "a-hostile-file-was-obeyed")
    for attack in test_pickles.HOSTILE.values():
        made = attack(sentinel)
        content = made if isinstance(made, bytes) else forging.forged({"features.0.weight": made})
        files += [content, forging.torch_zip(content), forging.torch_legacy(content)]
    return files


def damaged(originals: list[bytes], number: int) -> bytes:
    """Case `number`."""
    dice = random.Random(number)
    data = bytearray(dice.choice(originals))
    for _ in range(dice.choice((1, 1, 2, 4))):
        size = len(data)
        if not size:
            break
        at = dice.randrange(min(size, dice.choice((32, 256, size))))
        length = dice.randrange(1, 1 + min(dice.choice((1, 4, 64, 4096)), size - at))
        match dice.randrange(8):
            case 0:
                del data[at:]
            case 1:
                data[at : at + length] = dice.randbytes(length)
            case 2:
                data[at] ^= 1 << dice.randrange(8)
            case 3:  # lengths and sizes become huge
                data[at : at + length] = b"\xff" * length
            case 4:
                data[at : at + length] = bytes(length)
            case 5:
                data[at:at] = data[at : at + length] * dice.choice((1, 2, 50))
            case 6:
                del data[at : at + length]
            case 7:
                other = dice.choice(originals)
                start = dice.randrange(len(other))
                data[at : at + length] = other[start : start + length]
    return bytes(data)


def read_picture(path: Path) -> None:
    """Read a picture, and check what the reader promises."""
    from jaxstyle.image.io import read_image

    for size in (None, 32):
        picture = read_image(path, size=size)
        assert picture.dtype == np.float32, picture.dtype
        assert picture.shape[2:] == (3,), picture.shape
        assert np.isfinite(picture).all()
        assert 0 <= picture.min() <= picture.max() <= 1
        assert size is None or max(picture.shape) <= size, picture.shape


def read_weights(path: Path) -> None:
    """Read weights, and check what the reader promises."""
    from jaxstyle import backbones
    from jaxstyle.weights.convert import layouts

    architecture, _, tensors = layouts.read(path)
    shapes = backbones.find(architecture).shapes
    for name, entry in tensors.items():
        for kind, array in entry.items():
            assert array.shape == shapes[f"{name}.{kind}"], (name, array.shape)
            assert array.dtype == np.float32, (name, array.dtype)
            assert np.isfinite(array).all(), (name, "not finite")


def read_mask(path: Path) -> None:
    """Read a mask, and check what the reader promises."""
    from jaxstyle.image.load import load_mask

    mask = load_mask(path)
    assert mask.ndim == 2, mask.shape
    assert mask.dtype == np.float32, mask.dtype
    assert 0 <= mask.min() <= mask.max() <= 1


@cache
def small_run() -> Path:
    """Make a small run and a grid, and return their folder."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.small import SMALL, write_pictures

    import jaxstyle

    folder = write_pictures(Path(tempfile.mkdtemp()))
    pictures = folder / "content.png", folder / "style.png"
    masks = {"content_mask": str(folder / "other.png"), "init": str(folder / "other.png")}
    jaxstyle.stylize(*pictures, **SMALL, **masks).save(folder / "run.png")
    sweep = {"seed": [1, 2], "style_weight": [0.5, 1.0]}
    settings = SMALL | {"steps": 1, "init": "noise"}
    jaxstyle.stylize_grid(*pictures, **settings, sweep=sweep, folder=folder / "grid")
    return folder


def manifests() -> list[bytes]:
    """Return the manifests of a run and of a grid's cell."""
    folder = small_run()
    cell = next((folder / "grid" / "cells").glob("*.json"))
    return [(folder / "run.json").read_bytes(), cell.read_bytes()]


def read_manifest(path: Path) -> None:
    """Replay a manifest, but for the steps, resume its run, and cite it."""
    import jaxstyle
    from jaxstyle.transfer import manifest, owed
    from jaxstyle.transfer import replay as replaying

    made = jaxstyle.Result(np.zeros((4, 4, 3), np.float32), {"total": []}, None, {})
    replaying.run_job = lambda job, **_: made  # type: ignore[assignment]
    replaying._replay_in_batch = lambda job, batch: made  # type: ignore[assignment]
    target = path.with_suffix(".json")
    target.write_bytes(path.read_bytes())
    picture = path.with_suffix(".png")
    picture.write_bytes((small_run() / "run.png").read_bytes())
    try:
        facts = manifest.read(target)
        if facts is not None:
            owed.of_manifest(facts)
            manifest.finished(picture, {}, {}, {})
            with contextlib.suppress(ValueError):
                manifest.check(picture)
        replaying.compare_with_first(target, picture, jaxstyle.replay(target))
    finally:
        target.unlink()


def calibrations() -> list[bytes]:
    """Return calibration files: a manifest, and constants alone, by layer and by scale."""
    whole = (small_run() / "run.json").read_bytes()
    constants = json.loads(whole)["calibration"]
    flat = {name: rows[-1] for name, rows in constants.items()}
    return [whole, json.dumps(constants).encode(), json.dumps(flat).encode()]


def read_calibration(path: Path) -> None:
    """Read calibration constants for the small run."""
    from support.small import SMALL

    import jaxstyle
    from jaxstyle.transfer.constants import JobConstants
    from jaxstyle.transfer.make_job import make_job
    from jaxstyle.transfer.sources import Sources

    folder = small_run()
    settings = jaxstyle.Settings(**SMALL, calibration=str(path))
    job = make_job(folder / "content.png", folder / "style.png", settings, Sources())
    for rows in JobConstants(job).at(job.size):
        assert np.isfinite(np.asarray(rows)).all(), rows


def grids() -> list[bytes]:
    """Return the files of a grid's folder; a case damages one of them."""
    return [path.read_bytes() for path in _grid_files()]


def _grid_files() -> list[Path]:
    return sorted(path for path in (small_run() / "grid").rglob("*") if path.is_file())


def read_grid(path: Path) -> None:
    """Resume a grid one of whose files is damaged: all cells are there again, the others kept."""
    from support.small import SMALL

    import jaxstyle

    folder, content = small_run(), path.read_bytes()
    place = random.Random(content).choice(_grid_files())
    out = folder / "again"
    shutil.copytree(folder / "grid", out)
    try:
        (out / place.relative_to(folder / "grid")).write_bytes(content)
        before = {p.name: p.read_bytes() for p in (out / "cells").iterdir() if p.stem != place.stem}
        sweep = {"seed": [1, 2], "style_weight": [0.5, 1.0]}
        settings = SMALL | {"steps": 1, "init": "noise"}
        pictures = folder / "content.png", folder / "style.png"
        cells = jaxstyle.stylize_grid(*pictures, **settings, sweep=sweep, folder=out, resume=True)
        assert len(cells) == 4
        after = {p.name: p.read_bytes() for p in (out / "cells").iterdir()}
        assert all(after[name] == content for name, content in before.items())
        assert len(list((out / "cells").glob("*.png"))) >= 4
        assert (out / "index.html").stat().st_size > 10_000
    finally:
        shutil.rmtree(out)


def read_arguments(path: Path) -> None:
    """Call a public function with hostile values for some of its arguments: a case is a number."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.small import CONTENT, SMALL, STYLE
    from test_hostile_settings import HOSTILE

    import jaxstyle
    from jaxstyle.grid import sweep
    from jaxstyle.image import io as images
    from jaxstyle.image.load import load_image, load_mask
    from jaxstyle.transfer.changes import Changes
    from jaxstyle.transfer.make_job import make_job
    from jaxstyle.transfer.sources import Sources

    def job_of(content: Any, style: Any, **changes: Any) -> object:
        return make_job(content, style, jaxstyle.Settings(**changes), Sources(offline=True))

    dice = random.Random(int(path.read_text()))
    target = path.with_suffix(".png")
    settings = dict.fromkeys(Changes.__annotations__)
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (jaxstyle.Settings, settings),
        (job_of, {"content": CONTENT, "style": STYLE, **SMALL, "init": "content"}),
        (job_of, {"content": CONTENT, "style": STYLE, **SMALL} | dict.fromkeys(_MASKS, CONTENT)),
        (images.write_image, {"path": target, "image": CONTENT, "settings": "{}", "quality": 90}),
        (images.read_image, {"path": target, "size": 8, "background": (0, 0, 0)}),
        (load_image, {"source": CONTENT, "name": "it", "size": 8, "background": (0, 0, 0)}),
        (load_mask, {"source": CONTENT, "name": "it"}),
        (jaxstyle.term, {"metric": "gram", "layers": "relu1_1", "weight": 1.0}),
        (jaxstyle.StyleLoss.of, {"metric": "gram@relu1_1", "offline": True}),
        (jaxstyle.MetricSpec.parse, {"text": "gram"}),
        (jaxstyle.LayerRef.parse, {"text": "relu1_1"}),
        (sweep.parse, {"text": "seed=1,2"}),
        (jaxstyle.replay, {"run": path, "inputs": {}, "changed_inputs": False, "offline": True}),
    ]
    function, arguments = dice.choice(calls)
    arguments = dict(arguments)
    if function is jaxstyle.Settings:
        arguments = {}
    images.write_image(target, CONTENT)
    names = list(settings if function in (jaxstyle.Settings, job_of) else arguments)
    for name in dice.sample(names, min(len(names), dice.choice((1, 1, 2, 3)))):
        value = dice.choice([*HOSTILE.values()])
        arguments[name] = dice.choice((value, value, value, [value], (value, value), {"x": value}))
    try:
        function(**arguments)
    except TypeError as error:
        # Of Python itself, about names: the call is another than the function's.
        raise ValueError(str(error)) from None


_MASKS = ("content_mask", "style_mask")


def spoiled(originals: list[bytes], number: int) -> bytes:
    """Case `number` of JSON: a few values of it are others; every fifth is damaged as bytes."""
    dice = random.Random(number)
    original = dice.choice(originals)
    if number % 5 == 0 or not original.startswith((b"{", b"[")):
        return damaged(originals, number)
    data = json.loads(original)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        data = _mutated(data, dice)
    return json.dumps(data).encode()


ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e300, 2**70, 0.5, math.nan, math.inf, -math.inf),
    *("", "x", "0", "no", "../..", "/dev/zero", "/dev/stdin", "\0", "\ud800", "²", "x" * 70_000),
    *([], {}, [[]], [None], ["x"], {"": None}, {"x": []}, [0] * 1000),
)


def _mutated(value: Any, dice: random.Random) -> Any:
    """Replace, remove or rename something within a JSON value."""
    if not isinstance(value, (dict, list)) or not value or dice.random() < 0.1:
        return dice.choice(ODD)
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = dice.choice(keys)
    changed: Any = dict(value) if isinstance(value, dict) else list(value)
    match dice.randrange(10):
        case 0:
            del changed[key]
        case 1 if isinstance(changed, dict):
            changed[str(dice.choice(ODD))[:50]] = changed.pop(key)
        case 2:
            changed[key] = [changed[key]]
        case _:
            changed[key] = _mutated(value[key], dice)
    return changed


class Part(NamedTuple):
    """A kind of file: originals, a damaged one by its number, and what reads it."""

    corpus: Callable[[], list[bytes]]
    read: Callable[[Path], None]
    damage: Callable[[list[bytes], int], bytes] = damaged


PARTS = {
    "pictures": Part(pictures, read_picture),
    "masks": Part(pictures, read_mask),
    "weights": Part(weights, read_weights),
    "manifests": Part(manifests, read_manifest, spoiled),
    "calibrations": Part(calibrations, read_calibration, spoiled),
    "grids": Part(grids, read_grid, spoiled),
    "arguments": Part(lambda: [b""], read_arguments, lambda _, number: str(number).encode()),
}


def child(part: str, first: int, last: int) -> None:
    """Read cases, and print the outcome of each in a line."""
    corpus, read, damage = PARTS[part]
    originals = corpus()
    started: list[str] = []
    watching = False

    def audit(event: str, arguments: Any) -> None:
        if watching and event.startswith(STARTS):
            started.append(event)

    sys.addaudithook(audit)
    path = Path(tempfile.mkdtemp(), "case")
    for number in range(first, last):
        path.write_bytes(damage(originals, number))
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        before, began = _status("VmRSS"), time.perf_counter()
        soft = _status("VmSize") + 2 * MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (soft, resource.RLIM_INFINITY))
        watching = True
        try:
            read(path)
            outcome = "read"
        except (ValueError, OSError) as error:
            message = str(error).replace("a\nb", "")  # a name that is given to it
            outcome = "refused" if message and "\n" not in message else f"BAD lines: {message!r}"
        except BaseException:
            outcome = "BAD " + " | ".join(traceback.format_exc().splitlines()[-3:])
        watching = False
        if started:
            outcome = f"BAD started {started}"
            started.clear()
        facts = {
            "case": number,
            "outcome": outcome,
            "seconds": time.perf_counter() - began,
            "peak": _status("VmHWM") - before,
        }
        print(json.dumps(facts), flush=True)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def cases(part: str, first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yield the outcome of every case; a process that crashes or hangs is replaced."""
    while first < last:
        command = [sys.executable, __file__, part, str(last - first), "--first", str(first)]
        process = subprocess.Popen(
            [*command, "--child"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        )
        assert process.stdout
        waiting = selectors.DefaultSelector()
        waiting.register(process.stdout, selectors.EVENT_READ)
        patience = 3 * SECONDS  # it has to start first
        outcome = None
        while first < last:
            if not waiting.select(patience):
                outcome = "BAD hangs"
                break
            line = process.stdout.readline()
            if not line:
                outcome = f"BAD ended with {process.wait()}"
                break
            yield json.loads(line)
            first, patience = first + 1, SECONDS
        process.kill()
        process.wait()
        if outcome:
            yield {"case": first, "outcome": outcome, "seconds": SECONDS, "peak": 0}
            first += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    last = given.first + given.count
    if given.child:
        child(given.part, given.first, last)
        return
    began = time.perf_counter()
    outcomes = list(cases(given.part, given.first, last))
    for facts in outcomes:
        if facts["outcome"].startswith("BAD") or facts["peak"] > MEMORY:
            print(f"case {facts['case']}: {facts['outcome']}, {facts['peak'] / 2**20:.0f} MiB")
    counts = Counter(facts["outcome"].split(" ")[0] for facts in outcomes)
    slowest = max(outcomes, key=lambda facts: facts["seconds"])
    largest = max(outcomes, key=lambda facts: facts["peak"])
    print(
        f"{given.part}: {len(outcomes)} cases of {len(PARTS[given.part].corpus())} files in "
        f"{time.perf_counter() - began:.0f} s: {dict(counts)}; the slowest took "
        f"{slowest['seconds']:.2f} s (case {slowest['case']}), the largest "
        f"{largest['peak'] / 2**20:.0f} MiB (case {largest['case']})"
    )


if __name__ == "__main__":
    main()
