"""Time to quality: how soon do we reach the loss that neural-style's defaults end at?

Their objective, on the weights that its constants were made for (Oxford's VGG16 in Caffe's scale,
one of the two networks that neural-style-pt offers): 5 · mean squared error at relu4_2, 100 · mean
squared error of Gram matrices, divided by channels and positions, at each of relu1_1 to relu5_1,
and 0.001 · the sum of absolute differences of neighbors, in values from 0 to 255. They run 500
iterations of PyTorch's L-BFGS, from noise (their default) or from the content. We minimize the same
sum, coarse to fine, with everything else as `jaxstyle stylize` has it. Every picture on the way is
judged by their formula. Time is from the start of the process's work, weights and compilation
included; we start with an empty cache of compiled programs (`cold`), and once more with a full one.

pip install torch==2.13.0
python benchmarks/quality.py [SIZE [ITERATIONS]]      writes benchmarks/quality.md (256 500)
"""

import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pages
from vgg_in_torch import pictures, vgg

NETWORK = "vgg16-caffe"
STYLE = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}
CONTENT = "relu4_2"
CONTENT_WEIGHT, STYLE_WEIGHT, VARIATION = 5.0, 100.0, 1e-3
PAIRS = (("lighthouse", "swirls"), ("valley", "woodblock"))
STEPS = ((), (240,))
"""Ours: the default's steps at four sizes, and all at full size."""


def theirs(pair, size, iterations, start):
    """neural-style's run: the loss before each iteration, and when it was known."""
    began = time.perf_counter()
    import torch

    from jaxstyle.backbones import architectures
    from jaxstyle.weights import registry as weights

    own = weights.load(NETWORK, report=None).tensors
    mse = torch.nn.functional.mse_loss
    specs = architectures.needed("vgg16", [*STYLE, CONTENT])
    features = vgg(own, specs, torch.contiguous_format)

    def gram(x):
        flat = x.flatten(2)[0]
        return flat @ flat.T / flat.numel()

    affine = own["preprocess"]
    content, style = (
        torch.tensor((each @ affine["kernel"] + affine["bias"]).astype(np.float32))
        .permute(2, 0, 1)[None]
        .contiguous()
        for each in pictures(pair, size)
    )
    with torch.no_grad():
        seen = features(style)
        styles = {layer: gram(seen[layer]) for layer in STYLE}
        wanted = features(content)[CONTENT]
    torch.manual_seed(0)
    image = content.clone() if start == "content" else torch.randn_like(content) * 0.001 * 255
    image.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image], max_iter=iterations, tolerance_change=-1, tolerance_grad=-1
    )
    told = []

    def closure():
        optimizer.zero_grad()
        seen = features(image)
        loss = CONTENT_WEIGHT * mse(seen[CONTENT], wanted)
        for layer, target in styles.items():
            loss = loss + STYLE_WEIGHT * mse(gram(seen[layer]), target)
        across, down = image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]
        loss = loss + VARIATION * (across.abs().sum() + down.abs().sum())
        loss.backward()
        told.append((time.perf_counter() - began, float(loss.detach())))
        return loss

    optimizer.step(closure)
    return told


def ours(pair, size, steps, cache):
    """Our run: after each tenth step when it was, and what they would say of the picture."""
    began = time.perf_counter()
    import jax
    import jax.numpy as jnp

    import jaxstyle
    from jaxstyle.backbones import extractor as networks
    from jaxstyle.weights import registry as weights

    jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    content, style = pictures(pair, size)
    kept = []
    jaxstyle.stylize(
        content,
        style,
        size=size,
        scale_steps=tuple(steps),
        backbone=NETWORK,
        metric=tuple(
            ("gram", STYLE_WEIGHT / channels**2, (layer,)) for layer, channels in STYLE.items()
        ),
        content_weight=CONTENT_WEIGHT,
        # Their sum of absolute differences as our mean of squared ones, in the same size where
        # neighbors differ by 10 of 255.
        smoothness=VARIATION * 3 * size**2 * 255 * 255 / 10,
        calibrate=False,
        padding="zeros",
        on_progress=lambda p: kept.append((time.perf_counter() - began, p.size, p.image)),
    )
    params = weights.load(NETWORK).tensors
    affine = params["preprocess"]

    def seen(image):
        return networks.features(params, image, (*STYLE, CONTENT), architecture="vgg16")

    def gram(x):
        flat = x.reshape(-1, x.shape[2])
        return flat.T @ flat / flat.size

    targets, wanted = seen(jnp.asarray(style)), seen(jnp.asarray(content))[CONTENT]

    @jax.jit
    def judged(image):
        found = seen(image)
        loss = CONTENT_WEIGHT * jnp.mean((found[CONTENT] - wanted) ** 2)
        for layer in STYLE:
            loss += STYLE_WEIGHT * jnp.mean((gram(found[layer]) - gram(targets[layer])) ** 2)
        x = image @ affine["kernel"] + affine["bias"]
        across, down = jnp.abs(x[:, 1:] - x[:, :-1]), jnp.abs(x[1:] - x[:-1])
        return loss + VARIATION * (across.sum() + down.sum())

    return [
        (seconds, float(judged(jnp.asarray(image)))) for seconds, at, image in kept if at == size
    ]


def run(*words):
    """One run in a process of its own."""
    command = [sys.executable, __file__, "work", json.dumps(words)]
    env = pages.environment(large=words[0] == "ours")  # as `jaxstyle` begins
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(size=256, iterations=500):
    rows = []
    for pair in PAIRS:
        ends = {}
        for start in ("noise", "content"):
            told = run("theirs", pair, size, iterations, start)
            ends[start] = told[-1]
            last = f"{told[-1][0]:.0f} | {told[-1][1]:.4g}"
            rows.append(f"| {', '.join(pair)} | neural-style from {start} | {last} | | |")
            print(rows[-1], flush=True)
        for steps in STEPS:
            with tempfile.TemporaryDirectory() as cache:
                for how in ("cold", "cached"):
                    told = run("ours", pair, size, steps, cache)
                    cells = []
                    for seconds, loss in ends.values():
                        reached = next((t for t, own in told if own <= loss), None)
                        cells.append(
                            f"{reached:.0f} s: 1/{seconds / reached:.1f}" if reached else "never"
                        )
                    name = f"jaxstyle, {'full size only' if steps else 'default steps'}, {how}"
                    last = f"{told[-1][0]:.0f} | {told[-1][1]:.4g}"
                    rows.append(f"| {', '.join(pair)} | {name} | {last} | {' | '.join(cells)} |")
                    print(rows[-1], flush=True)
        write(size, iterations, rows)


def write(size, iterations, rows):
    """The table of what there is."""
    import jax

    words = " ".join(["python benchmarks/quality.py", *sys.argv[1:]])
    text = f"""# Time to neural-style's loss

`{words}`, {date.today()}, {platform.machine()}, {jax.devices()[0].device_kind}, jax
{jax.__version__}. Their objective and {iterations} iterations of PyTorch's L-BFGS on {NETWORK},
{size} × {size} pixels. `reached`: when ours was at the loss at which theirs ended, and which part
of their time that is.

| pair | run | seconds | loss at the end | reached, from noise | reached, from content |
|---|---|---|---|---|---|
""" + "\n".join(rows)
    Path(__file__).with_suffix(".md").write_text(text + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        what, *words = json.loads(sys.argv[2])
        print(json.dumps({"theirs": theirs, "ours": ours}[what](*words)))
    else:
        main(*map(int, sys.argv[1:]))
