"""Time to quality: how soon does jaxstyle reach the final loss of neural-style's defaults?

Their objective, on the weights that its constants were made for (Oxford's VGG16 in Caffe's scale,
one of the two networks that neural-style-pt offers): 5 · mean squared error at relu4_2, 100 · mean
squared error of Gram matrices, divided by channels and positions, at each of relu1_1 to relu5_1,
and 0.001 · the sum of absolute differences of neighbors, in values from 0 to 255. They run 500
iterations of PyTorch's L-BFGS, from noise (their default) or from the content. jaxstyle minimizes
the same sum, coarse to fine, with the other settings of `jaxstyle stylize`. Every intermediate
picture is evaluated by their formula. Time is measured from the start of the process's work,
including weights and compilation; with an empty compilation cache (`cold`), and again with a full
one.

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
"""Steps of jaxstyle: the default's at four sizes, and all at full size."""


def theirs(pair, size, iterations, start, out=None):
    """Run neural-style; return the seconds and the loss before each iteration.

    The picture is written to the file `out`, if one is named.
    """
    began = time.perf_counter()
    import torch

    from jaxstyle import backbones
    from jaxstyle.weights import registry

    tensors = registry.load(NETWORK).tensors
    mse = torch.nn.functional.mse_loss
    specs = backbones.find("vgg16").needed([*STYLE, CONTENT])
    features = vgg(tensors, specs, torch.contiguous_format)

    def gram(x):
        flat = x.flatten(2)[0]
        return flat @ flat.T / flat.numel()

    affine = tensors["preprocess"]
    content, style = (
        torch.tensor((picture @ affine["kernel"] + affine["bias"]).astype(np.float32))
        .permute(2, 0, 1)[None]
        .contiguous()
        for picture in pictures(pair, size)
    )
    with torch.no_grad():
        style_features = features(style)
        style_targets = {layer: gram(style_features[layer]) for layer in STYLE}
        content_target = features(content)[CONTENT]
    torch.manual_seed(0)
    image = content.clone() if start == "content" else torch.randn_like(content) * 0.001 * 255
    image.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image], max_iter=iterations, tolerance_change=-1, tolerance_grad=-1
    )
    history = []

    def closure():
        optimizer.zero_grad()
        current = features(image)
        loss = CONTENT_WEIGHT * mse(current[CONTENT], content_target)
        for layer, target in style_targets.items():
            loss = loss + STYLE_WEIGHT * mse(gram(current[layer]), target)
        across, down = image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]
        loss = loss + VARIATION * (across.abs().sum() + down.abs().sum())
        loss.backward()
        history.append((time.perf_counter() - began, float(loss.detach())))
        return loss

    optimizer.step(closure)
    if out:
        from jaxstyle.image.io import write_image

        values = image.detach()[0].permute(1, 2, 0).numpy()
        picture = (values - affine["bias"]) @ np.linalg.inv(affine["kernel"])
        write_image(out, np.clip(picture, 0, 1).astype(np.float32))
    return history


def ours(pair, size, steps, cache):
    """Run jaxstyle; return the seconds and neural-style's loss after each tenth step."""
    began = time.perf_counter()
    import jax
    import jax.numpy as jnp

    import jaxstyle
    from jaxstyle.backbones.extractor import features
    from jaxstyle.weights import registry

    jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    content, style = pictures(pair, size)
    progresses = []
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
        # Their sum of absolute differences as our mean of squared ones, equal in size where
        # neighbors differ by 10 of 255.
        smoothness=VARIATION * 3 * size**2 * 255 * 255 / 10,
        calibrate=False,
        padding="zeros",
        on_progress=lambda p: progresses.append((time.perf_counter() - began, p.size, p.image)),
    )
    params = registry.load(NETWORK).tensors
    affine = params["preprocess"]

    def extract(image):
        return features(params, image, (*STYLE, CONTENT), architecture="vgg16")

    def gram(x):
        flat = x.reshape(-1, x.shape[2])
        return flat.T @ flat / flat.size

    style_features = extract(jnp.asarray(style))
    content_target = extract(jnp.asarray(content))[CONTENT]

    @jax.jit
    def their_loss(image):
        current = extract(image)
        loss = CONTENT_WEIGHT * jnp.mean((current[CONTENT] - content_target) ** 2)
        for layer in STYLE:
            difference = gram(current[layer]) - gram(style_features[layer])
            loss += STYLE_WEIGHT * jnp.mean(difference**2)
        x = image @ affine["kernel"] + affine["bias"]
        across, down = jnp.abs(x[:, 1:] - x[:, :-1]), jnp.abs(x[1:] - x[:-1])
        return loss + VARIATION * (across.sum() + down.sum())

    return [
        (seconds, float(their_loss(jnp.asarray(image))))
        for seconds, scale, image in progresses
        if scale == size
    ]


def run(*words):
    """Run one function in its own process; return its result."""
    command = [sys.executable, __file__, "work", json.dumps(words)]
    env = pages.environment(large=words[0] == "ours")  # as the command line does
    process = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def main(size=256, iterations=500):
    rows = []
    for pair in PAIRS:
        ends = {}
        for start in ("noise", "content"):
            history = run("theirs", pair, size, iterations, start)
            ends[start] = history[-1]
            last = f"{history[-1][0]:.0f} | {history[-1][1]:.4g}"
            rows.append(f"| {', '.join(pair)} | neural-style from {start} | {last} | | |")
            print(rows[-1], flush=True)
        for steps in STEPS:
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "cached"):
                    history = run("ours", pair, size, steps, cache)
                    cells = []
                    for seconds, loss in ends.values():
                        reached = next((t for t, ours in history if ours <= loss), None)
                        cells.append(
                            f"{reached:.0f} s: {seconds / reached:.1f}×" if reached else "never"
                        )
                    name = f"jaxstyle, {'full size only' if steps else 'default steps'}, {state}"
                    last = f"{history[-1][0]:.0f} | {history[-1][1]:.4g}"
                    rows.append(f"| {', '.join(pair)} | {name} | {last} | {' | '.join(cells)} |")
                    print(rows[-1], flush=True)
        write(size, iterations, rows)


def write(size, iterations, rows):
    """Write the table of the results so far."""
    import jax

    words = " ".join(["python benchmarks/quality.py", *sys.argv[1:]])
    text = f"""# Time to neural-style's loss

`{words}`, {date.today()}, {platform.machine()}, {jax.devices()[0].device_kind}, jax
{jax.__version__}. Their objective and {iterations} iterations of PyTorch's L-BFGS on {NETWORK},
{size} × {size} pixels. `reached`: when jaxstyle reached the final loss of neural-style, from noise
and from the content, and how many times faster that is.

| pair | run | seconds | final loss | reached, from noise | reached, from content |
|---|---|---|---|---|---|
""" + "\n".join(rows)
    Path(__file__).with_suffix(".md").write_text(text + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        name, *words = json.loads(sys.argv[2])
        print(json.dumps({"theirs": theirs, "ours": ours}[name](*words)))
    else:
        main(*map(int, sys.argv[1:]))
