"""Does a start in one pass (AdaIN) beat a start from the content? Losses at equal time.

The same objective from both starts, with one scale and with the default four; the loss after each
step at full size. AdaIN's own pass, compilation excluded, is counted as the steps that the other
start takes meanwhile.

python benchmarks/start.py [SIZE [STEPS]]      writes benchmarks/start.md
"""

import logging
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
from jaxstyle.weights import registry

logging.basicConfig(format="%(message)s")
logging.getLogger("jaxstyle").setLevel(logging.INFO)  # shows what is fetched
PAIRS = (("lighthouse", "swirls"), ("valley", "mosaic"), ("lighthouse", "woodblock"))
STARTS = ("content", "adain")
size, steps = (int(word) for word in (*sys.argv[1:], *("192", "40")[len(sys.argv) - 1 :]))
encoder, decoder = (registry.load(name).tensors for name in ("vgg19-normalized", "adain-decoder"))


rows = []
for scales in (1, 4):
    for content_name, style_name in PAIRS:
        content, style = (
            read_image(samples.resolve(f"sample:{name}"), size=size)
            for name in (content_name, style_name)
        )
        for _ in range(2):  # the first compiles; the second is timed
            began = time.perf_counter()
            adain.stylized(encoder, decoder, content, style).block_until_ready()
            one_pass = time.perf_counter() - began
        results, seconds = {}, {}
        for start in STARTS:  # the first of each compiles; the second is timed
            settings = {"size": size, "scales": scales, "init": start}
            jaxstyle.stylize(content, style, steps=1, **settings)
            began = time.perf_counter()
            results[start] = jaxstyle.stylize(content, style, steps=steps, **settings)
            seconds[start] = time.perf_counter() - began
        per_step = statistics.mean(seconds.values()) / len(results["content"].history["total"])
        delay = round(one_pass / per_step)
        losses = {start: np.array(results[start].history["total"]) for start in STARTS}
        full = slice(-steps, None)
        ratios = losses["adain"][full][: steps - delay] / losses["content"][full][delay:]
        at = [0, len(ratios) // 4, len(ratios) // 2, len(ratios) - 1]
        shown = " | ".join(f"{ratios[k]:.2f}" for k in at)
        rows.append(
            f"| {scales} | {content_name}, {style_name} | {one_pass:.2f} | {delay} | {shown} |"
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
