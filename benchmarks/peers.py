"""A step of style transfer by us and by PyTorch: the same pictures, layers, weights and objective.

VGG19 to relu5_1, Gram matrices at relu1_1 to relu5_1, content at relu4_2, zero borders, Adam. Each
contender is a process of its own that waits while the others work; they take turns, and medians are
compared. A turn begins with steps that are not timed: of one that has waited the caches are cold,
and a virtual machine may have taken its free memory. What each has to say of the objective after
the same steps is compared too. The floor is the machine's: the multiplications and additions of the
convolutions and Gram matrices done directly, at the rate at which it multiplies large matrices. On
a GPU everybody is there in each precision, and the matrices are too.

On a CPU our command line asks Linux for large pages of memory (benchmarks/pages.md), which PyTorch
does not do by itself; the peers called "large pages" were given them.

pip install torch==2.13.0
python benchmarks/peers.py [SIZE …]            (default: 256 512; on a GPU 512)
    writes benchmarks/peers.md, or peers_gpu.md
"""

import itertools
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
import pages
from vgg_in_torch import pictures, vgg

from jaxstyle.backbones import architectures
from jaxstyle.transfer import memory
from jaxstyle.weights import registry as weights

NETWORK = "vgg19-normalized"
STYLE = [f"relu{block}_1" for block in range(1, 6)]
CONTENT = "relu4_2"
PAIR = ("lighthouse", "swirls")
RATE, DECAY = 0.03, 0.99  # of Adam: its step and its slower average
GPU = jax.default_backend() == "gpu"
OURS = "jaxstyle"
PEERS = (
    "torch eager",
    "torch eager, channels last",
    "torch.compile",
    "torch.compile, channels last",
)
HELPED = () if GPU else tuple(f"{name}, large pages" for name in (PEERS[1], PEERS[3]))
PRECISIONS = ("tensorfloat32", "bfloat16", "float32") if GPU else ("float32",)
CHECKED = 5  # steps after which the losses are compared
ROUNDS = 5
AGAIN = 2  # steps of a turn before those that are timed
TIMED = 1 if GPU else 5  # times of a turn
STEPS = 50 if GPU else 1  # of one time
TOGETHER = 10 if GPU else 1  # steps of ours between two looks


class Ours:
    """jaxstyle's own programs, as `stylize` runs them."""

    def __init__(self, size, precision):
        from jaxstyle.settings import Settings
        from jaxstyle.transfer.job import Run, Sources

        content, style = pictures(PAIR, size)
        settings = Settings(
            size=size,
            scales=1,
            metric=(("gram", 1.0),),
            backbone=NETWORK,
            content_weight=1.0,
            smoothness=0.0,
            padding="zeros",
            precision=precision,
            optimizer="adam",
            learning_rate=RATE,
            calibrate=False,
        )
        self.run = Run(content, style, settings, Sources())
        self.prepared = jax.block_until_ready(self.run.prepared(size, "whole"))
        self.state = self.run.compiled.start(jnp.asarray(content), RATE)
        self.features = jax.jit(self.run.compiled.kind.extract)
        self.version = f"jax {jax.__version__}"

    def steps(self, count):
        """Move the picture; the losses before each step."""
        advance, losses = self.run.compiled.advance, []
        for first in range(0, count, TOGETHER):
            some = min(TOGETHER, count - first)
            self.state, totals, _ = advance(self.prepared, self.state, some, RATE, "whole")
            losses += totals.tolist()
        return losses

    def forward(self, count):
        """The features alone."""
        for _ in range(count):
            found = self.features(self.run.compiled.params, self.state.image)
        jax.block_until_ready(found)

    def peak(self):
        """Bytes."""
        return memory.peak()


class Torch:
    """The same as most people write it in PyTorch."""

    def __init__(self, size, name, precision):
        import torch

        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = precision != "float32"
        torch.backends.cuda.matmul.allow_tf32 = precision != "float32"
        torch.set_default_device("cuda" if GPU else "cpu")
        kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.version = f"torch {torch.__version__}"
        self.torch = torch
        own = weights.load(NETWORK).tensors
        order = torch.channels_last if "channels last" in name else torch.contiguous_format
        affine = own["preprocess"]
        mix = torch.tensor(np.array(affine["kernel"]).T[:, :, None, None])
        shift = torch.tensor(np.array(affine["bias"]))
        seen_by = vgg(own, architectures.needed("vgg19", [STYLE[-1]]), order, kind)

        def features(image):
            return seen_by(torch.nn.functional.conv2d(image, mix, shift).to(kind))

        def gram(x):
            flat = x.flatten(2)[0]
            return (flat @ flat.T).float() / flat.shape[1]

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
            return sum(parts) / len(parts) + ((seen[CONTENT] - wanted).float() ** 2).mean()

        compiled = name.startswith("torch.compile")
        self.loss = torch.compile(loss) if compiled else loss
        self.features = torch.compile(features) if compiled else features

    def steps(self, count):
        """Move the picture; the losses before each step."""
        losses = []
        for _ in range(count):
            self.optimizer.zero_grad()
            loss = self.loss(self.image)
            loss.backward()
            self.optimizer.step()
            with self.torch.no_grad():
                self.image.clamp_(0, 1)
            losses.append(loss.detach())
        return [float(loss) for loss in losses]

    def forward(self, count):
        """The features alone."""
        with self.torch.no_grad():
            for _ in range(count):
                found = self.features(self.image)
            float(found[CONTENT][0, 0, 0, 0])

    def peak(self):
        """Bytes."""
        return self.torch.cuda.max_memory_allocated() if GPU else memory.peak()


def work(name, precision, size):
    """A contender: says what it took to get ready, then does as it is told."""
    began = time.perf_counter()
    contender = Ours(size, precision) if name == OURS else Torch(size, name, precision)
    ready = time.perf_counter()
    losses = contender.steps(1)
    first = time.perf_counter() - ready
    losses += contender.steps(CHECKED)
    contender.forward(1)
    told = {"version": contender.version, "prepared": ready - began, "first": first}
    print(json.dumps(told | {"losses": losses}), flush=True)
    for line in sys.stdin:
        act = {"step": contender.steps, "forward": contender.forward}[line.strip()]
        act(AGAIN)
        times = []
        for _ in range(TIMED):
            began = time.perf_counter()
            act(STEPS)
            times.append((time.perf_counter() - began) / STEPS)
        print(json.dumps({"times": times, "peak": contender.peak()}), flush=True)


def operations(size):
    """Multiplications and additions of a step done directly: there, and back to the picture."""
    total, side = 0, size
    for spec in architectures.needed("vgg19", [STYLE[-1]]):
        side //= spec.pooled or 1
        total += 2 * 2 * 9 * side**2 * spec.inputs * spec.outputs
        if "relu" + spec.name[4:] in STYLE:
            total += 2 * 2 * side**2 * spec.outputs**2
    return total


def matrix_rate(precision):
    """Operations a second in a product of large matrices, the best of several."""
    side, count = (8192, 10) if GPU else (3072, 1)
    a = jax.random.normal(jax.random.key(0), (side, side)) / side**0.5
    a = a.astype(RATES[precision][0])

    @jax.jit
    def products(a):
        b = a
        for _ in range(count):
            b = jnp.matmul(a, b, precision=RATES[precision][1])
        return b

    products(a).block_until_ready()
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        products(a).block_until_ready()
        taken.append(time.perf_counter() - began)
    return 2 * side**3 * count / min(taken)


RATES = {
    "float32": (jnp.float32, "highest"),
    "tensorfloat32": (jnp.float32, "default"),
    "bfloat16": (jnp.bfloat16, "default"),
}


def rates_of(precision):
    """What the machine can do, whenever it is asked."""
    for _ in sys.stdin:
        print(matrix_rate(precision), flush=True)


def started(words, large):
    """A process that answers lines, with large pages of memory or without."""
    # A GPU's memory is for all of them.
    shared = {"PREALLOCATE": "false", "MEM_FRACTION": "0.15"}
    env = pages.environment(large)
    env |= {f"XLA_PYTHON_CLIENT_{key}": value for key, value in shared.items()}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, __file__, *words], env=env, **pipes)


def ask(process, what):
    """What a process says to a line."""
    print(what, file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())


def compare(size, precision):
    """A row for each contender, and the floor; what can be said of them; versions."""
    contenders = [OURS, *PEERS, *HELPED]
    if GPU:  # each compilation of PyTorch's takes half a minute
        contenders.remove("torch.compile")
    waiting, told = {}, {}
    for name in contenders:  # one after another: a first step is timed alone
        words = ["work", name, precision, str(size)]
        waiting[name] = started(words, large=name in (OURS, *HELPED))
        told[name] = json.loads(waiting[name].stdout.readline())
        print(name, told[name], flush=True)

    matrices = started(["rates", precision], large=True)
    taken = {name: {"step": [], "forward": []} for name in contenders}
    rates, peaks = [], {}
    for _ in range(ROUNDS):
        rates.append(ask(matrices, "rate"))
        for what in ("step", "forward"):
            for name in contenders:
                answer = ask(waiting[name], what)
                taken[name][what] += answer["times"]
                peaks[name] = answer["peak"]
    for process in (*waiting.values(), matrices):
        process.stdin.close()
        process.wait()
    middle = {
        name: {what: 1e3 * statistics.median(times) for what, times in both.items()}
        for name, both in taken.items()
    }
    own = middle[OURS]["step"]
    gap = max(
        abs(a - b) / abs(b)
        for each in told.values()
        for a, b in zip(each["losses"], told[OURS]["losses"], strict=True)
    )
    rate, count = max(rates), operations(size)
    rows = [
        f"| {size} | {precision} | {name} | {middle[name]['step']:.4g} "
        f"| {middle[name]['step'] / own:.2f} | {middle[name]['forward']:.4g} "
        f"| {told[name]['first']:.1f} | {peaks[name] / 2**30:.2f} |"
        for name in contenders
    ]
    floor = 1e3 * count / rate
    rows.append(
        f"| {size} | {precision} | floor of direct convolutions | {floor:.4g} "
        f"| {floor / own:.2f} | | | |"
    )
    fastest = min(middle[name]["step"] for name in contenders if name not in (OURS, *HELPED))
    helped = min(middle[name]["step"] for name in contenders if name != OURS)
    with_pages = f", {helped / own:.2f} with large pages" if HELPED else ""
    said = (
        f"{size} px, {precision}: {count / 1e9:.0f} billion operations a step, matrices at "
        f"{rate / 1e9:.0f} billion a second; the fastest PyTorch takes {fastest / own:.2f} times "
        f"our step{with_pages}. Losses of the first {CHECKED + 1} steps agree to {gap:.1e}."
    )
    return rows, said, dict.fromkeys(each["version"] for each in told.values())


def main(sizes):
    rows, said, versions = [], [], {}
    for size, precision in itertools.product(sizes, PRECISIONS):
        found, line, used = compare(size, precision)
        rows += found
        said.append(line)
        versions |= used
        print("\n".join([*found, line]), flush=True)
        write(sizes, rows, said, versions)


def write(sizes, rows, said, versions):
    """The table of what there is."""
    text = f"""# A step, and its peers

`python benchmarks/peers.py {" ".join(map(str, sizes))}`, {date.today()}, {platform.machine()},
{jax.devices()[0].device_kind}, {", ".join(versions)}. {NETWORK}, Gram at relu1_1 to relu5_1,
content at relu4_2, Adam, squares of SIZE pixels. Milliseconds, medians of {ROUNDS} turns of
{TIMED}; `first` is the first step in seconds, compilation included; GiB
{"on the GPU" if GPU else "of all"} at the peak.

| size | precision | by | step | to ours | forward alone | first | GiB |
|---|---|---|---|---|---|---|---|
""" + "\n".join(rows)
    text += "\n\n" + "\n".join(f"- {line}" for line in said) + "\n"
    name = "peers_gpu.md" if GPU else "peers.md"
    Path(__file__).with_name(name).write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1:2] == ["rates"]:
        rates_of(sys.argv[2])
    else:
        main([int(word) for word in sys.argv[1:]] or ([512] if GPU else [256, 512]))
