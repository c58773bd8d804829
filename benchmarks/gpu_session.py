"""Everything that only a GPU shows, in one session of a few minutes.

Before, here, where the default weights are installed; this writes about 29 MB (VGG16's
convolutions, rounded to float16), and a content and a style if you name them:

    python benchmarks/gpu_session.py pack FOLDER [--content FILE --style FILE]

There, in a copy of the repository, with FOLDER at hand (nothing else is needed: not the network,
not jaxstyle as an installed package, not PyTorch, whose parts are left out without it):

    python benchmarks/gpu_session.py run --pack FOLDER --out OUT/session.jsonl --minutes 9

Each part runs in a process of its own, with a time limit, in order of worth. After each, OUT holds
its results, and beside them the pictures to look at (six). The same command again goes on with the
parts that are not in the file; `--parts NAME,NAME` measures some only, and `--retry` also those
that failed. Compiled programs are kept between starts, in the folder for temporary files.
Afterwards, anywhere, a table to paste into benchmarks/gpu.md:

    python benchmarks/gpu_session.py table OUT/session.jsonl

With `--toy` all parts run at toy sizes, on a CPU, too: a rehearsal, whose numbers mean nothing.
"""

import argparse
import importlib.util
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sessions import Command, read, session, table

ROOT = Path(__file__).parents[1]
if importlib.util.find_spec("jaxstyle") is None:
    sys.path.insert(1, str(ROOT))

GIB = 2**30
PACKED = "vgg16-half"
SCRATCH = Path(tempfile.gettempdir(), "jaxstyle-gpu-session")
LARGEST_PICTURE = 2048


def steps(size, precision, compiled, side, rounds):
    """Measure a step of ours and of PyTorch's, eager or compiled."""
    import peers

    absent = _absence_of_torch()
    if absent and compiled:
        return [], f"torch.compile, {precision}: {absent}"
    others = [name for name in peers.PEERS if name.startswith("torch.compile") == compiled]
    others = others[-1:] if compiled else others  # a compilation takes half a minute
    contenders = [peers.OURS, *([] if absent else others)]
    results, rate = peers.measure(size, precision, contenders, side, rounds)
    ours, count = results[peers.OURS]["step"], peers.operations(size)
    rows = [
        {
            "size": size,
            "precision": precision,
            "program": name,
            "ms a step": result["step"],
            "relative": result["step"] / ours,
            "ms forward": result["forward"],
            "s first step": result["first"],
            "GiB": result["peak"] / GIB,
        }
        for name, result in results.items()
    ]
    note = (
        f"{precision}: {count / 1e9:.3g} billion operations a step, matrix products at "
        f"{rate / 1e12:.3g} T/s, of which ours reaches {count / ours * 1e3 / rate:.0%}; "
    )
    note += absent or f"the first losses agree to {peers.gap_of(results):.1e}"
    return rows, note


def _absence_of_torch():
    """Return why there is nothing to compare with, or an empty text."""
    if importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed: not compared"
    import peers
    import torch

    if peers.GPU and not torch.cuda.is_available():
        return "PyTorch does not find the GPU: not compared"
    return ""


def rounding(optimizer, size, steps):
    """Measure how far pictures in TF32 and bfloat16 are from float32's."""
    import gpu

    differences, change, equal, row = gpu.rounded_pictures(optimizer, size, steps)
    gpu.write_image(_beside(f"rounding-{optimizer}.png"), row)
    rows = [
        {"size": size, "optimizer": optimizer, "picture": name, "RMS of 255": difference}
        for name, difference in differences.items()
    ]
    again = "are equal" if equal else "differ"
    return rows, f"{optimizer} moved the content by {change:.1f}; two runs in float32 {again}"


def grid(precision, size, lanes, steps, side):
    """Measure a step of a batch."""
    import gpu

    seconds, first = gpu.grid(precision, size, lanes, "adam", steps)
    peak = gpu.memory.peak() / GIB  # before the large matrices
    rate = gpu.operations(size) * lanes / seconds
    row = {
        "size": size,
        "precision": precision,
        "batch": lanes,
        "ms a step": 1e3 * seconds,
        "ms a picture": 1e3 * seconds / lanes,
        "T/s": rate / 1e12,
        "of the matrix rate": rate / gpu.matrix_rate(precision, side),
        "GiB": peak,
        "s to the first progress": first,
    }
    return [row], ""


def picture(name, size, options=()):
    """Time the command line from its start to a picture; keep the picture to look at.

    A cold start empties the compilation cache before. The seconds count from the process's start.
    """
    import psutil

    if name == "cold-start":
        cache = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
        assert SCRATCH in cache.parents, f"{cache} is not this script's"
        shutil.rmtree(cache, ignore_errors=True)
    import jax

    from jaxstyle.cli.main import main

    compilations = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: (
            compilations.append(seconds) if event.endswith("backend_compile_duration") else None
        )
    )
    output = _beside(f"{name}.png")
    words = ["stylize", os.environ["CONTENT"], os.environ["STYLE"], "--size", str(size)]
    words += ["--enlarge", "--backbone", os.environ["NETWORK"], *options, "-o", str(output)]
    try:
        main(words)
    except SystemExit as end:
        if end.code:
            raise
    seconds = time.time() - psutil.Process().create_time()
    facts = json.loads(output.with_suffix(".json").read_text())
    output.with_suffix(".json").unlink()  # the picture holds it, too
    row = {
        "picture": name,
        "size": size,
        "s in all": seconds,
        "s compiling": sum(compilations),
        "programs": len(compilations),
        "s of the run": facts["seconds"],
        "GiB predicted": facts["memory"]["predicted"] / GIB,
        "GiB measured": facts["memory"]["measured"] / GIB,
    }
    return [row], ""


def memory(size, layout, **changes):
    """Measure a layout's memory, as predicted and as taken, and the time of its step."""
    import memory

    facts = memory.step(size, layout, backbone=os.environ["NETWORK"], **changes)
    predicted, measured = facts["predicted"] / GIB, facts["measured"] / GIB
    row = {
        "size": size,
        "layout": layout,
        "GiB predicted": predicted,
        "GiB measured": measured,
        "ratio": predicted / measured,
        "s a step": facts["seconds"],
    }
    return [row], ""


class Part(NamedTuple):
    """A part of a session: what it calls, how, at most how long, and how in a rehearsal."""

    run: Callable
    limit: float  # seconds
    arguments: Mapping
    toy: Mapping
    cache: str = "programs"  # which compilation cache: the pictures begin with an empty one


_TWO_STEPS = {"size": 48, "options": ("--scale-steps", "2")}
_SHALLOW = {  # tiles of few pixels need small receptive fields
    "metric": (("gram", 1.0),),
    "style_layers": ("relu1_2",),
    "content_layers": ("relu1_2",),
}


def _picture(name, size, limit):
    return Part(picture, limit, {"name": name, "size": size}, _TWO_STEPS, "pictures")


def _memory(size, layout, limit, toy):
    return Part(memory, limit, {"size": size, "layout": layout}, toy)


def _steps(precision, compiled=False):
    arguments = {"size": 512, "precision": precision, "compiled": compiled}
    arguments |= {"side": 8192, "rounds": 5}
    return Part(steps, 180 if compiled else 150, arguments, {"size": 48, "side": 256, "rounds": 1})


def _rounding(optimizer):
    arguments = {"optimizer": optimizer, "size": 256, "steps": 100}
    return Part(rounding, 120, arguments, {"size": 32, "steps": 2})


def _grid(size, lanes):
    arguments = {"precision": "bfloat16", "size": size, "lanes": lanes, "steps": 60, "side": 8192}
    return Part(grid, 90, arguments, {"size": 32, "lanes": 2, "steps": 30, "side": 256})


PARTS = {
    "eager-tensorfloat32": _steps("tensorfloat32"),
    "compiled-tensorfloat32": _steps("tensorfloat32", compiled=True),
    "rounding-lbfgs": _rounding("lbfgs"),
    "grid-512": _grid(512, 16),
    "cold-start": _picture("cold-start", 512, 150),
    "tiles-4096": _memory(4096, "1024", 150, {"size": 96, "layout": "64", **_SHALLOW}),
    "whole-1024": _memory(1024, "whole", 90, {"size": 48, **_SHALLOW}),
    "picture-2048": _picture("picture-2048", 2048, 180),
    "picture-1024": _picture("picture-1024", 1024, 120),
    "eager-bfloat16": _steps("bfloat16"),
    "warm-start": _picture("warm-start", 512, 90),
    "whole-4096": _memory(4096, "whole", 150, {"size": 96, **_SHALLOW}),
    "rounding-adam": _rounding("adam"),
    "grid-256": _grid(256, 64),
    "eager-float32": _steps("float32"),
    "compiled-bfloat16": _steps("bfloat16", compiled=True),
}
"""In order of worth. Limits leave twice the time that a part is expected to take."""


def measure(name, toy):
    """Measure a part in this process; write what came out of it into the file `$RESULT`."""
    part = PARTS[name]
    rows, note = part.run(**(part.arguments | (part.toy if toy else {})))
    result = {"rows": rows, "note": note, "machine": _machine()}
    Path(os.environ["RESULT"]).write_text(json.dumps(result, allow_nan=False))


def _machine():
    """Return the device and the versions."""
    from importlib.metadata import PackageNotFoundError, version

    import jax

    device = jax.devices()[0]
    platform = device.client.platform_version.splitlines()[-1].strip()
    parts = [device.device_kind, f"{os.cpu_count()} CPU cores", platform, os.environ["NETWORK"]]
    for package in ("jax", "flax", "optax", "torch"):
        with suppress(PackageNotFoundError):
            parts.append(f"{package} {version(package)}")
    return ", ".join(parts)


def _beside(name):
    """Return the path of a picture beside the results."""
    return Path(os.environ["PICTURES"], name)


def run(arguments):
    """Run a session."""
    out = arguments.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    names = arguments.parts.split(",") if arguments.parts else [*PARTS]
    if unknown := {*names} - {*PARTS}:
        raise SystemExit(f"expected parts among {', '.join(PARTS)}, got {', '.join(unknown)}")
    env = _environment(arguments.pack and arguments.pack.absolute()) | {"PICTURES": str(out.parent)}
    if arguments.toy:  # compiling is most of the time
        env["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "--xla_backend_optimization_level=0")
    commands = {}
    for name in names:
        words = [sys.executable, __file__, "part", name, *["--toy"] * arguments.toy]
        cache = SCRATCH / ("toy" if arguments.toy else "compiled") / PARTS[name].cache
        of_part = env | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
        commands[name] = Command(words, PARTS[name].limit, of_part)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the part, too
    session(commands, out, arguments.minutes, arguments.retry)
    print(f"\npython {Path(__file__).name} table {out}:\n\n{table(read(out))}")


def _environment(pack):
    """Import the packed weights, if any; return the environment of the parts."""
    env = {
        "NETWORK": "vgg16",
        "CONTENT": "sample:lighthouse",
        "STYLE": "sample:swirls",
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT), str(_metadata()), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
    }
    if pack:
        env |= {"NETWORK": PACKED, "JAXSTYLE_CACHE": str(SCRATCH / "cache")}
        env |= {kind.stem.upper(): str(kind) for kind in pack.glob("*.jpg")}
        os.environ["JAXSTYLE_CACHE"] = env["JAXSTYLE_CACHE"]
    from jaxstyle.weights import registry

    if pack:
        registry.import_file(PACKED, pack / f"{PACKED}.safetensors")
    try:
        registry.path(env["NETWORK"])
    except OSError as error:
        raise SystemExit(f"{error}; or name a folder made by `pack` with --pack") from error
    return env


def _metadata():
    """Return a folder with the metadata of an installed jaxstyle, which manifests read."""
    from importlib.metadata import PackageNotFoundError, version

    from jaxstyle import __version__

    site = SCRATCH / "site"
    try:
        version("jaxstyle")
    except PackageNotFoundError:
        folder = site / f"jaxstyle-{__version__}.dist-info"
        folder.mkdir(parents=True, exist_ok=True)
        text = f"Metadata-Version: 2.1\nName: jaxstyle\nVersion: {__version__}\n"
        (folder / "METADATA").write_text(text)
    return site


def pack(arguments):
    """Write the weights in float16, and pictures, into a folder."""
    import numpy as np
    from safetensors.numpy import save_file

    from jaxstyle.image.io import read_image, write_image
    from jaxstyle.weights import registry

    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{entry}.{kind}": np.asarray(array, np.float32 if entry == "preprocess" else np.float16)
        for entry, arrays in registry.load("vgg16").tensors.items()
        for kind, array in arrays.items()
    }
    save_file(tensors, folder / f"{PACKED}.safetensors")
    for kind in ("content", "style"):
        if file := getattr(arguments, kind):
            write_image(folder / f"{kind}.jpg", read_image(file, size=LARGEST_PICTURE))
    for file in sorted(folder.iterdir()):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


def _parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("pack", help="write the weights and pictures that travel")
    command.add_argument("folder", type=Path)
    command.add_argument("--content", type=Path, help=f"kept at up to {LARGEST_PICTURE} px")
    command.add_argument("--style", type=Path)
    command.set_defaults(call=pack)
    command = commands.add_parser("run", help="measure what is not measured yet")
    command.add_argument("--out", type=Path, required=True, help="results; pictures lie beside it")
    command.add_argument("--pack", type=Path, help="folder made by `pack`")
    command.add_argument("--minutes", type=float, default=9.0, help="of all parts together (9)")
    command.add_argument("--parts", help=", ".join(PARTS))
    command.add_argument("--retry", action="store_true", help="also parts that failed before")
    command.add_argument("--toy", action="store_true", help="at toy sizes, on a CPU, too")
    command.set_defaults(call=run)
    command = commands.add_parser("table", help="print results as Markdown")
    command.add_argument("file", type=Path)
    command.set_defaults(call=lambda arguments: print(table(read(arguments.file))))
    command = commands.add_parser("part", help="(what `run` starts for each part)")
    command.add_argument("name", choices=PARTS)
    command.add_argument("--toy", action="store_true")
    command.set_defaults(call=lambda arguments: measure(arguments.name, arguments.toy))
    return parser


if __name__ == "__main__":
    parsed = _parser().parse_args()
    parsed.call(parsed)
