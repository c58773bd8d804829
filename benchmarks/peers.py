"""A step of style transfer in jaxstyle and PyTorch: the same pictures, layers, weights, objective.

VGG19 up to relu5_1, Gram matrices at relu1_1 to relu5_1, content at relu4_2, zero padding, Adam.
Each contender has its own process, which waits while the others work; they alternate, and medians
are compared. A turn begins with steps that are not timed: after a wait the caches are cold, and a
virtual machine may have reclaimed free memory. The losses after the same steps are compared too.
The lower bound is the machine's: the multiplications and additions of the convolutions and Gram
matrices, computed directly, at the rate at which it multiplies large matrices. On a GPU every
contender is measured in each precision, and so are the matrices.

On a CPU our command line asks Linux for large memory pages (benchmarks/pages.md), which PyTorch
does not do by itself; the peers called "large pages" were given them.

pip install torch==2.13.0
python benchmarks/peers.py [SIZE …]            (default: 256 512; on a GPU 512)
    writes benchmarks/peers.md, or peers_gpu.md
$NETWORK names other weights, of a VGG.
"""

import itertools
import json
import os
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

from jaxstyle import backbones
from jaxstyle.transfer import memory
from jaxstyle.weights import registry

NETWORK = os.environ.get("NETWORK", "vgg19-normalized")
STYLE = [f"relu{block}_1" for block in range(1, 6)]
CONTENT = "relu4_2"
PAIR = ("lighthouse", "swirls")
RATE, DECAY = 0.03, 0.99  # of Adam: learning rate and decay of the second moment
GPU = jax.default_backend() == "gpu"
OURS = "jaxstyle"
PEERS = (
    "torch eager",
    "torch eager, channels last",
    "torch.compile",
    "torch.compile, channels last",
)
WITH_PAGES = () if GPU else tuple(f"{name}, large pages" for name in (PEERS[1], PEERS[3]))
PRECISIONS = ("tensorfloat32", "bfloat16", "float32") if GPU else ("float32",)
CHECKED = 5  # steps after which the losses are compared
ROUNDS = 5
UNTIMED = 2  # steps of a turn before those that are timed
TIMED = 1 if GPU else 5  # timings per turn
STEPS = 50 if GPU else 1  # steps per timing
CHUNK = 10 if GPU else 1  # steps of jaxstyle between two reads by the host
SIDE = 8192 if GPU else 3072  # of the matrices


class Ours:
    """jaxstyle's programs, as `stylize` runs them."""

    def __init__(self, size, precision):
        from jaxstyle.settings import Settings
        from jaxstyle.transfer.constants import JobConstants
        from jaxstyle.transfer.make_job import make_job
        from jaxstyle.transfer.sources import Sources
        from jaxstyle.transfer.steppers.whole import WholeStepper

        content, style = pictures(PAIR, size)
        settings = Settings(
            size=size,
            scales=1,
            metric=(("gram", 1.0),),
            backbone=NETWORK,
            content_weight=1.0,
            content_decay=1.0,
            smoothness=0.0,
            padding="zeros",
            precision=precision,
            optimizer="adam",
            learning_rate=RATE,
            calibrate=False,
        )
        self.job = make_job(content, style, settings, Sources())
        self.stepper = WholeStepper(self.job)
        constants = JobConstants(self.job).at
        self.prepared = jax.block_until_ready(self.stepper.prepare(size, [constants]))
        self.state = self.stepper.init([content])
        self.features = jax.jit(self.job.extract)
        self.version = f"jax {jax.__version__}"

    def steps(self, count):
        """Take steps; return the losses before each of them."""
        losses = []
        for first in range(0, count, CHUNK):
            chunk = min(CHUNK, count - first)
            self.state, steps = self.stepper.step(self.prepared, self.state, chunk)
            losses += steps.totals[:, 0].tolist()
        return losses

    def forward(self, count):
        """Compute the features only."""
        for _ in range(count):
            features = self.features(self.job.params, self.state.image)
        jax.block_until_ready(features)

    def peak(self):
        """Return the peak memory in bytes."""
        return memory.peak()


class Torch:
    """The same objective as most people write it in PyTorch."""

    def __init__(self, size, name, precision):
        import torch

        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = precision != "float32"
        torch.backends.cuda.matmul.allow_tf32 = precision != "float32"
        torch.set_default_device("cuda" if GPU else "cpu")
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.version = f"torch {torch.__version__}"
        self.torch = torch
        tensors = registry.load(NETWORK).tensors
        order = torch.channels_last if "channels last" in name else torch.contiguous_format
        affine = tensors["preprocess"]
        mix = torch.tensor(np.array(affine["kernel"]).T[:, :, None, None])
        shift = torch.tensor(np.array(affine["bias"]))
        network = vgg(tensors, convolutions(), order, dtype)

        def features(image):
            return network(torch.nn.functional.conv2d(image, mix, shift).to(dtype))

        def gram(x):
            flat = x.flatten(2)[0]
            return (flat @ flat.T).float() / flat.shape[1]

        content, style = (
            torch.tensor(np.array(picture)).permute(2, 0, 1)[None].contiguous(memory_format=order)
            for picture in pictures(PAIR, size)
        )
        with torch.no_grad():
            style_features = features(style)
            style_targets = [gram(style_features[layer]) for layer in STYLE]
            content_target = features(content)[CONTENT]
        self.image = content.clone(memory_format=torch.preserve_format).requires_grad_()
        self.optimizer = torch.optim.Adam([self.image], lr=RATE, betas=(0.9, DECAY))

        def loss(image):
            current = features(image)
            pairs = zip(STYLE, style_targets, strict=True)
            parts = [((gram(current[layer]) - target) ** 2).mean() for layer, target in pairs]
            difference = (current[CONTENT] - content_target).float()
            return sum(parts) / len(parts) + (difference**2).mean()

        compiled = name.startswith("torch.compile")
        self.loss = torch.compile(loss) if compiled else loss
        self.features = torch.compile(features) if compiled else features

    def steps(self, count):
        """Take steps; return the losses before each of them."""
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
        """Compute the features only."""
        with self.torch.no_grad():
            for _ in range(count):
                features = self.features(self.image)
            float(features[CONTENT][0, 0, 0, 0])

    def peak(self):
        """Return the peak memory in bytes."""
        return self.torch.cuda.max_memory_allocated() if GPU else memory.peak()


def work(name, precision, size):
    """Run a contender: report its preparation, then follow commands from standard input."""
    start = time.perf_counter()
    contender = Ours(size, precision) if name == OURS else Torch(size, name, precision)
    ready = time.perf_counter()
    losses = contender.steps(1)
    first = time.perf_counter() - ready
    losses += contender.steps(CHECKED)
    contender.forward(1)
    report = {"version": contender.version, "prepared": ready - start, "first": first}
    print(json.dumps(report | {"losses": losses}), flush=True)
    for line in sys.stdin:
        run = {"step": contender.steps, "forward": contender.forward}[line.strip()]
        run(UNTIMED)
        times = []
        for _ in range(TIMED):
            start = time.perf_counter()
            run(STEPS)
            times.append((time.perf_counter() - start) / STEPS)
        print(json.dumps({"times": times, "peak": contender.peak()}), flush=True)


def convolutions():
    """Return the records of the convolutions that a step computes."""
    return backbones.find(registry.load(NETWORK).architecture).needed([STYLE[-1]])


def operations(size):
    """Count the multiplications and additions of a step's forward and backward pass."""
    total, side = 0, size
    for spec in convolutions():
        side //= spec.pooled or 1
        total += 2 * 2 * 9 * side**2 * spec.inputs * spec.outputs
        if "relu" + spec.name[4:] in STYLE:
            total += 2 * 2 * side**2 * spec.outputs**2
    return total


def matrix_rate(precision, side=SIDE):
    """Measure operations per second in a product of large matrices, the best of several."""
    count = 10 if GPU else 1
    a = jax.random.normal(jax.random.key(0), (side, side)) / side**0.5
    a = a.astype(RATES[precision][0])

    @jax.jit
    def products(a):
        b = a
        for _ in range(count):
            b = jnp.matmul(a, b, precision=RATES[precision][1])
        return b

    products(a).block_until_ready()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        products(a).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * side**3 * count / min(times)


RATES = {
    "float32": (jnp.float32, "highest"),
    "tensorfloat32": (jnp.float32, "default"),
    "bfloat16": (jnp.bfloat16, "default"),
}


def rates_of(precision, side):
    """Print the matrix rate for each line of standard input."""
    for _ in sys.stdin:
        print(matrix_rate(precision, side), flush=True)


def started(words, large):
    """Start a process that answers lines, with or without large memory pages."""
    # All processes share the memory of a GPU.
    shared = {"PREALLOCATE": "false", "MEM_FRACTION": "0.15"}
    env = pages.environment(large)
    env |= {f"XLA_PYTHON_CLIENT_{key}": value for key, value in shared.items()}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, __file__, *words], env=env, **pipes)


def ask(process, line):
    """Send a line to a process; return its answer."""
    print(line, file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())


def all_contenders():
    """Return the names of all that are compared."""
    peers = [*PEERS, *WITH_PAGES]
    if GPU:  # each compilation in PyTorch takes half a minute
        peers.remove("torch.compile")
    return [OURS, *peers]


def measure(size, precision, contenders, side=SIDE, rounds=ROUNDS):
    """Measure contenders in turns; leave out those that end before their first answer.

    Returns:
        For each its median milliseconds of a `step` and a `forward` pass, the seconds of its
        `first` step, its `peak` of bytes, its `losses` and its `version`; and the rate of matrix
        products, operations per second.
    """
    processes, reports = {}, {}
    for name in contenders:  # one after another: a first step is timed alone
        words = ["work", name, precision, str(size)]
        process = started(words, large=name in (OURS, *WITH_PAGES))
        if answer := process.stdout.readline():
            processes[name], reports[name] = process, json.loads(answer)
        print(name, reports.get(name, "ended without an answer"), flush=True)

    matrices = started(["rates", precision, str(side)], large=True)
    times = {name: {"step": [], "forward": []} for name in processes}
    rates, peaks = [], {}
    for _ in range(rounds):
        rates.append(ask(matrices, "rate"))
        for command in ("step", "forward"):
            for name in processes:
                answer = ask(processes[name], command)
                times[name][command] += answer["times"]
                peaks[name] = answer["peak"]
    for process in (*processes.values(), matrices):
        process.stdin.close()
        process.wait()
    medians = {
        name: {command: 1e3 * statistics.median(values) for command, values in both.items()}
        for name, both in times.items()
    }
    results = {name: reports[name] | medians[name] | {"peak": peaks[name]} for name in processes}
    return results, max(rates)


def gap_of(results):
    """Return the largest relative difference between the first losses of ours and of others."""
    return max(
        abs(a - b) / abs(b)
        for report in results.values()
        for a, b in zip(report["losses"], results[OURS]["losses"], strict=True)
    )


def compare(size, precision):
    """Return a row for each contender and the lower bound, a summary, and versions."""
    results, rate = measure(size, precision, all_contenders())
    ours, count = results[OURS]["step"], operations(size)
    rows = [
        f"| {size} | {precision} | {name} | {result['step']:.4g} "
        f"| {result['step'] / ours:.2f} | {result['forward']:.4g} "
        f"| {result['first']:.1f} | {result['peak'] / 2**30:.2f} |"
        for name, result in results.items()
    ]
    bound = 1e3 * count / rate
    rows.append(
        f"| {size} | {precision} | lower bound of direct convolutions | {bound:.4g} "
        f"| {bound / ours:.2f} | | | |"
    )
    fastest = min(results[name]["step"] for name in results if name not in (OURS, *WITH_PAGES))
    fastest_with_pages = min(results[name]["step"] for name in results if name != OURS)
    with_pages = f", {fastest_with_pages / ours:.2f}× with large pages for both"
    summary = (
        f"{size} px, {precision}: {count / 1e9:.0f} billion operations a step, matrix products at "
        f"{rate / 1e9:.0f} billion a second; a step is {fastest / ours:.2f}× faster than the "
        f"fastest PyTorch's{with_pages if WITH_PAGES else ''}. Losses of the first {CHECKED + 1} "
        f"steps agree to {gap_of(results):.1e}."
    )
    return rows, summary, dict.fromkeys(result["version"] for result in results.values())


def main(sizes):
    rows, summaries, versions = [], [], {}
    for size, precision in itertools.product(sizes, PRECISIONS):
        new_rows, summary, new_versions = compare(size, precision)
        rows += new_rows
        summaries.append(summary)
        versions |= new_versions
        print("\n".join([*new_rows, summary]), flush=True)
        write(sizes, rows, summaries, versions)


def write(sizes, rows, summaries, versions):
    """Write the table of the results so far."""
    text = f"""# One step against PyTorch

`python benchmarks/peers.py {" ".join(map(str, sizes))}`, {date.today()}, {platform.machine()},
{jax.devices()[0].device_kind}, {", ".join(versions)}. {NETWORK}, Gram at relu1_1 to relu5_1,
content at relu4_2, Adam, squares of SIZE pixels. Milliseconds, medians of {ROUNDS} turns of
{TIMED}; `relative` is the step's time relative to jaxstyle's; `first` is the first step in seconds,
including compilation; GiB is the peak {"on the GPU" if GPU else "of the whole process"}.

| size | precision | program | step | relative | forward only | first | GiB |
|---|---|---|---|---|---|---|---|
""" + "\n".join(rows)
    text += "\n\n" + "\n".join(f"- {line}" for line in summaries) + "\n"
    name = "peers_gpu.md" if GPU else "peers.md"
    Path(__file__).with_name(name).write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1:2] == ["rates"]:
        rates_of(sys.argv[2], int(sys.argv[3]))
    else:
        main([int(word) for word in sys.argv[1:]] or ([512] if GPU else [256, 512]))
