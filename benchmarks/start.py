"""Does a start in one pass (AdaIN) beat a start from the content? Losses at equal time.

The same objective from both starts, with one scale and with the default four; the loss after each
step at full size. AdaIN's own pass, compilation excluded, is counted as the steps that the other
has taken meanwhile.

python benchmarks/start.py [SIZE [STEPS]]      writes benchmarks/start.md
"""

import platform
import statistics
import sys
import time
from datetime import date
from pathlib import Path

import jax
import numpy as np

import jaxstyle
from jaxstyle import samples
from jaxstyle.backbones import adain
from jaxstyle.image.io import read_image
from jaxstyle.weights import registry as weights

PAIRS = (("lighthouse", "swirls"), ("valley", "mosaic"), ("lighthouse", "woodblock"))
STARTS = ("content", "adain")
size, steps = (int(word) for word in (*sys.argv[1:], *("192", "40")[len(sys.argv) - 1 :]))
encoder, decoder = (
    weights.load(name, report=print).tensors for name in ("vgg19-normalized", "adain-decoder")
)


rows = []
for scales in (1, 4):
    for content_name, style_name in PAIRS:
        content, style = (
            read_image(samples.resolve(f"sample:{name}"), size=size)
            for name in (content_name, style_name)
        )
        adain.stylized(encoder, decoder, content, style).block_until_ready()
        began = time.perf_counter()
        adain.stylized(encoder, decoder, content, style).block_until_ready()
        one_pass = time.perf_counter() - began
        made, spent = {}, {}
        for start in STARTS:  # the first of each compiles; the second is timed
            stylize = {"size": size, "scales": scales, "init": start}
            jaxstyle.stylize(content, style, steps=1, **stylize)
            began = time.perf_counter()
            made[start] = jaxstyle.stylize(content, style, steps=steps, **stylize)
            spent[start] = time.perf_counter() - began
        per_step = statistics.mean(spent.values()) / len(made["content"].history["total"])
        late = round(one_pass / per_step)
        losses = {start: np.array(made[start].history["total"]) for start in STARTS}
        full = slice(-steps, None)
        ratios = losses["adain"][full][: steps - late] / losses["content"][full][late:]
        at = [0, len(ratios) // 4, len(ratios) // 2, len(ratios) - 1]
        shown = " | ".join(f"{ratios[k]:.2f}" for k in at)
        rows.append(
            f"| {scales} | {content_name}, {style_name} | {one_pass:.2f} | {late} | {shown} |"
        )
        print(rows[-1], flush=True)

report = "\n".join(
    [
        "# A start in one pass",
        "",
        f"{date.today()}, {jax.devices()[0].device_kind} ({platform.machine()}), "
        f"jax {jax.__version__}, vgg16, {size} pixels, {steps} steps at full size. The loss from "
        "AdaIN's start over the loss from the content's at equal time: under 1 AdaIN is ahead. "
        "Made by benchmarks/start.py.",
        "",
        "| scales | pair | seconds of its pass | that is, steps "
        "| first step of full size | a quarter | half | last |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]
)
print(report)
(Path(__file__).parent / "start.md").write_text(report + "\n")
