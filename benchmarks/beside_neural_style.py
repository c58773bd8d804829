"""Is the default ahead of neural-style-pt's own 500 steps, in style and in content, and how fast?

Their run is that of `quality.py` (PyTorch's L-BFGS from noise, which is their default, on Oxford's
VGG16), ours the whole command `jaxstyle stylize` with its defaults, with an empty program cache and
again with a full one; and at smaller content weights, since who keeps less of the content can be
nearer to the style. All pictures are judged by networks that neither has used: the sliced
Wasserstein distance on AlexNet and on ResNet-18, LPIPS on AlexNet, and MS-SSIM, as they are.

    pip install torch==2.13.0
    python benchmarks/beside_neural_style.py FOLDER [SIZE]           (256)

The pictures stay in FOLDER; what is there is not made again. The same command resumes.
"""

import json
import sys
from pathlib import Path

import quality
from first_picture import timed
from vgg_in_torch import pictures

CHECKOUT = Path(__file__).parents[1]
PAIRS = quality.PAIRS
STYLE = ("sliced_wasserstein@alexnet", "sliced_wasserstein@resnet18")
CONTENT = ("lpips", "ms_ssim")
WEIGHTS = (0.3, 0.1, 0.03)  # the first is the default


def command(cache, files, out, weight):
    """Run our command, and return its seconds."""
    cache.mkdir(exist_ok=True)
    words = ("stylize", *map(str, files), "-o", str(out), "--quiet")
    return timed(CHECKOUT, cache, "-m", "jaxstyle", *words, "--content-weight", str(weight))


def judged(files):
    """Return for each of the pictures the distances to the content and to the style."""
    import jaxstyle
    from jaxstyle.image.io import read_image

    content, style, *results = map(read_image, files)
    rows = [[] for _ in results]
    for name in STYLE + CONTENT:
        metric, _, network = name.partition("@")
        judge = jaxstyle.judge(metric, backbone=network or "vgg16")
        reference = style if name in STYLE else content
        for row, result in zip(rows, results, strict=True):
            row.append(float(judge(result, reference)))
    return rows


def main(folder, size=256):
    from jaxstyle.image.io import write_image

    folder.mkdir(parents=True, exist_ok=True)
    print("| pair | picture | seconds | " + " | ".join(STYLE + CONTENT) + " |")
    print("|---|---|---|" + "---|" * len(STYLE + CONTENT))
    for pair in PAIRS:
        stem = "-".join(pair)
        files = [folder / f"{name}.png" for name in pair]
        for file, picture in zip(files, pictures(pair, size), strict=True):
            write_image(file, picture)
        ours = {f"ours, content weight {weight}": weight for weight in WEIGHTS}
        made = {name: folder / f"{stem}-{name}.png" for name in ("theirs", *ours)}
        times, cache = folder / f"{stem}.json", folder / f"cache-{stem}-ours"
        seconds = json.loads(times.read_text()) if times.exists() else {}
        if "theirs" not in seconds:
            history = quality.run("theirs", pair, size, 500, "noise", str(made["theirs"]))
            seconds["theirs"] = f"{history[-1][0]:.0f}"
            times.write_text(json.dumps(seconds))
        for name, weight in ours.items():
            if name not in seconds:
                count = 2 if weight == WEIGHTS[0] else 1
                runs = [command(cache, files, made[name], weight) for _ in range(count)]
                seconds[name] = ", then ".join(f"{one:.0f}" for one in runs)
                times.write_text(json.dumps(seconds))
        rows = judged([*files, *made.values()])
        for name, row in zip(made, rows, strict=True):
            cells = " | ".join(f"{value:.3f}" for value in row)
            print(f"| {', '.join(pair)} | {name} | {seconds[name]} | {cells} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:]))
