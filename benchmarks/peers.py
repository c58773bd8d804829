"""A step of style transfer by us and by PyTorch: the same pictures, layers, weights and objective.

VGG19 to relu5_1, Gram matrices at relu1_1 to relu5_1, content at relu4_2, zero borders, Adam. Each
contender is a process of its own that waits while the others work; they take turns, and medians are
compared. What each has to say of the objective after the same steps is compared too. The floor is
the machine's: the multiplications and additions of the convolutions and Gram matrices done
directly, at the rate at which it multiplies large matrices.

pip install torch==2.13.0
python benchmarks/peers.py [SIZE …]            writes benchmarks/peers.md (default: 256 512)
"""

import json
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from vgg_in_torch import pictures, vgg

from jaxstyle import memory
from jaxstyle.backbones import architectures, weights

NETWORK = "vgg19-normalized"
STYLE = [f"relu{block}_1" for block in range(1, 6)]
CONTENT = "relu4_2"
PAIR = ("lighthouse", "swirls")
RATE, DECAY = 0.03, 0.99  # of Adam: its step and its slower average
OURS = "jaxstyle"
CONTENDERS = (
    OURS,
    "torch eager",
    "torch eager, channels last",
    "torch.compile",
    "torch.compile, channels last",
)
CHECKED = 5  # steps after which the losses are compared
ROUNDS, STEPS = 7, 2


class Ours:
    """jaxstyle's own programs, as `stylize` runs them."""

    def __init__(self, size):
        from jaxstyle.run import Run, Sources
        from jaxstyle.settings import Settings

        content, style = pictures(PAIR, size)
        settings = Settings(
            size=size,
            scales=1,
            backbone=NETWORK,
            content_weight=1.0,
            smoothness=0.0,
            padding="zeros",
            optimizer="adam",
            learning_rate=RATE,
            calibrate=False,
        )
        self.run = Run(content, style, settings, Sources())
        self.prepared = jax.block_until_ready(self.run.prepared(size, "whole"))
        self.state = self.run.compiled.start(jnp.asarray(content), RATE)
        self.features = jax.jit(self.run.compiled.kind.extract)
        self.version = f"jax {jax.__version__}"

    def step(self):
        """Move the picture; the loss before."""
        advance = self.run.compiled.advance
        self.state, totals, _ = advance(self.prepared, self.state, 1, RATE, "whole")
        return float(totals[0])

    def forward(self):
        """The features alone."""
        jax.block_until_ready(self.features(self.run.compiled.params, self.state.image))


class Torch:
    """The same as most people write it in PyTorch."""

    def __init__(self, size, name):
        import torch

        self.version = f"torch {torch.__version__}"
        self.torch = torch
        own = weights.load(NETWORK).tensors
        order = torch.channels_last if "channels last" in name else torch.contiguous_format
        affine = own["preprocess"]
        mix = torch.tensor(np.array(affine["kernel"]).T[:, :, None, None])
        shift = torch.tensor(np.array(affine["bias"]))
        seen_by = vgg(own, architectures.needed("vgg19", [STYLE[-1]]), order)

        def features(image):
            return seen_by(torch.nn.functional.conv2d(image, mix, shift))

        def gram(x):
            flat = x.flatten(2)[0]
            return flat @ flat.T / flat.shape[1]

        content, style = (
            torch.tensor(np.array(each)).permute(2, 0, 1)[None].contiguous(memory_format=order)
            for each in pictures(PAIR, size)
        )
        with torch.no_grad():
            seen = features(style)
            styles = [gram(seen[layer]) for layer in STYLE]
            wanted = features(content)[CONTENT]
        self.image = content.clone(memory_format=torch.preserve_format).requires_grad_()
        self.optimizer = torch.optim.Adam([self.image], lr=RATE, betas=(0.9, DECAY))

        def loss(image):
            seen = features(image)
            pairs = zip(STYLE, styles, strict=True)
            parts = [((gram(seen[layer]) - target) ** 2).mean() for layer, target in pairs]
            return sum(parts) / len(parts) + ((seen[CONTENT] - wanted) ** 2).mean()

        compiled = name.startswith("torch.compile")
        self.loss = torch.compile(loss) if compiled else loss
        self.features = torch.compile(features) if compiled else features

    def step(self):
        """Move the picture; the loss before."""
        self.optimizer.zero_grad()
        loss = self.loss(self.image)
        loss.backward()
        self.optimizer.step()
        with self.torch.no_grad():
            self.image.clamp_(0, 1)
        return float(loss.detach())

    def forward(self):
        """The features alone."""
        with self.torch.no_grad():
            self.features(self.image)


def work(name, size):
    """A contender: says what it took to get ready, then does as it is told."""
    began = time.perf_counter()
    contender = Ours(size) if name == OURS else Torch(size, name)
    ready = time.perf_counter()
    losses = [contender.step()]
    first = time.perf_counter() - ready
    losses += [contender.step() for _ in range(CHECKED)]
    contender.forward()
    told = {"version": contender.version, "prepared": ready - began, "first": first}
    print(json.dumps(told | {"losses": losses}), flush=True)
    for line in sys.stdin:
        what, count = line.split()
        act = {"step": contender.step, "forward": contender.forward}[what]
        began = time.perf_counter()
        for _ in range(int(count)):
            act()
        seconds = (time.perf_counter() - began) / int(count)
        print(json.dumps({"seconds": seconds, "peak": memory.peak()}), flush=True)


def operations(size):
    """Multiplications and additions of a step done directly: there, and back to the picture."""
    total, side = 0, size
    for spec in architectures.needed("vgg19", [STYLE[-1]]):
        side //= spec.pooled or 1
        total += 2 * 2 * 9 * side**2 * spec.inputs * spec.outputs
        if "relu" + spec.name[4:] in STYLE:
            total += 2 * 2 * side**2 * spec.outputs**2
    return total


def matrix_rate(side=3072):
    """Operations a second in a product of large matrices, the best of several."""
    a = jnp.ones((side, side), jnp.float32)
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    product(a).block_until_ready()
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        product(a).block_until_ready()
        taken.append(time.perf_counter() - began)
    return 2 * side**3 / min(taken)


def compare(size):
    """A row for each contender, and the floor."""
    waiting, told = {}, {}
    for name in CONTENDERS:  # one after another: a first step is timed alone
        words = [sys.executable, __file__, "work", name, str(size)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        waiting[name] = subprocess.Popen(words, **pipes)
        told[name] = json.loads(waiting[name].stdout.readline())
        print(name, told[name], flush=True)

    def ask(name, what, count):
        print(what, count, file=waiting[name].stdin, flush=True)
        return json.loads(waiting[name].stdout.readline())

    taken = {name: {"step": [], "forward": []} for name in CONTENDERS}
    rates, peaks = [], {}
    for _ in range(ROUNDS):
        rates.append(matrix_rate())
        for what in ("step", "forward"):
            for name in CONTENDERS:
                said = ask(name, what, STEPS)
                taken[name][what].append(said["seconds"])
                peaks[name] = said["peak"]
    for each in waiting.values():
        each.stdin.close()
        each.wait()
    middle = {
        name: {what: statistics.median(each) for what, each in both.items()}
        for name, both in taken.items()
    }
    own = middle[OURS]["step"]
    gap = max(
        abs(a - b) / abs(b)
        for each in told.values()
        for a, b in zip(each["losses"], told[OURS]["losses"], strict=True)
    )
    rate, count = statistics.median(rates), operations(size)
    rows = [
        f"| {size} | {name} | {middle[name]['step']:.3f} | {middle[name]['step'] / own:.2f} "
        f"| {middle[name]['forward']:.3f} | {told[name]['first']:.1f} "
        f"| {peaks[name] / 2**30:.2f} |"
        for name in CONTENDERS
    ]
    floor = count / rate
    rows.append(
        f"| {size} | floor of direct convolutions | {floor:.3f} | {floor / own:.2f} | | | |"
    )
    fastest = min(middle[name]["step"] for name in CONTENDERS if name != OURS)
    said = (
        f"{size} px: {count / 1e9:.0f} billion operations a step, matrices at "
        f"{rate / 1e9:.0f} billion a second; the fastest PyTorch takes {fastest / own:.2f} times "
        f"our step. Losses of the first {CHECKED + 1} steps agree to {gap:.1e}."
    )
    versions = ", ".join(dict.fromkeys(each["version"] for each in told.values()))
    return rows, said, versions


def main(sizes):
    rows, said = [], []
    for size in sizes:
        found, line, versions = compare(size)
        rows += found
        said.append(line)
        print("\n".join([*found, line]), flush=True)
    text = f"""# A step, and its peers

`python benchmarks/peers.py {" ".join(map(str, sizes))}`, {date.today()}, {platform.machine()},
{jax.devices()[0].device_kind}, {versions}. {NETWORK}, Gram at relu1_1 to relu5_1, content at
relu4_2, Adam, squares of SIZE pixels, float32. Seconds, medians of {ROUNDS} turns; GiB of the whole
process at its peak. `first` is the first step, compilation included.

| size | by | step | to ours | forward alone | first | GiB |
|---|---|---|---|---|---|---|
""" + "\n".join(rows)
    text += "\n\n" + "\n".join(f"- {line}" for line in said) + "\n"
    Path(__file__).with_suffix(".md").write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2], int(sys.argv[3]))
    else:
        main([int(word) for word in sys.argv[1:]] or [256, 512])
