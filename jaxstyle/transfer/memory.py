"""How much memory a run will need, said by the compiled programs themselves, and what there is."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import psutil

from jaxstyle.transfer import programs, tiles
from jaxstyle.transfer.programs import Layout, Programs

LADDER: tuple[Layout, ...] = ("whole", "recompute", 1536, 1024, 768, 512, 384)
"""Layouts from the fastest to the leanest."""

GIB = 2**30
SHARE = 0.9
"""Of what there is: more is not planned with."""
_CAUTION = 0.97
"""Of the side that would fit if memory went by pixels exactly, and none else took any meanwhile."""


class Need(NamedTuple):
    """What a layout would need at its peak, in bytes, all of the process counted."""

    layout: Layout
    peak: int


class Plan(NamedTuple):
    """What was chosen, and why.

    Attributes:
        layout: How a step is laid out at full size: `"whole"`, `"recompute"`, or a tile's side.
        peak: Memory at its peak, bytes, by the compiled programs' own account.
        available: What there is, bytes.
        tried: The layouts that were looked at.
        shape: Height and width at full size.
        advice: What to change if nothing fits, or None.
    """

    layout: Layout
    peak: int
    available: int
    tried: tuple[Need, ...]
    shape: tuple[int, int]
    advice: str | None

    def layout_at(self, size: int) -> Layout:
        """The layout of a coarser scale: the fastest that fits when its memory goes by pixels."""
        share = (size / max(self.shape)) ** 2
        for need in self.tried:
            if isinstance(need.layout, int) and size <= need.layout:
                return "whole"
            if need.layout == self.layout or need.peak * share < SHARE * self.available:
                return need.layout
        return self.layout

    def __str__(self) -> str:
        height, width = self.shape
        fits = "" if self.advice is None else f"; {self.advice}"
        return (
            f"{width} × {height}, {named(self.layout)}: about {self.peak / GIB:.2f} GiB of memory "
            f"at the peak, of {self.available / GIB:.1f} GiB there are{fits}"
        )


def named(layout: Layout) -> str:
    """A layout in words."""
    words = {"whole": "whole", "recompute": "recomputing features"}
    return f"tiles of {layout} pixels" if isinstance(layout, int) else words[layout]


def used() -> int:
    """Bytes that the process (on a CPU) or its arrays on the accelerator take now."""
    stats = _device_stats()
    return int(stats["bytes_in_use"]) if stats else int(psutil.Process().memory_info().rss)


def peak() -> int:
    """The most that they have taken so far."""
    stats = _device_stats()
    if stats:
        return int(stats["peak_bytes_in_use"])
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss, which on Linux a process takes over from the one that started it.
        (line,) = (each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(found if sys.platform == "darwin" else found * 1024)


def available() -> int:
    """Bytes that there are for us: what we take now, and what is free."""
    stats = _device_stats()
    if stats:
        return int(stats["bytes_limit"])
    free = int(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        taken = int(Path("/sys/fs/cgroup/memory.current").read_text())
        free = free if limit == "max" else min(free, int(limit) - taken)
    except (OSError, ValueError):
        pass  # no limit for a group of processes
    return used() + free


MAPS = Path("/proc/self/maps")
MOST_MAPS = Path("/proc/sys/vm/max_map_count")


def clear_caches_if_crowded() -> bool:
    """Forget compiled programs where they take more than half of what Linux lets a process map.

    A program for a CPU can hold thousands of memory maps, and a process may have 65,530: the next
    one would end it. What is needed again is compiled again.

    Returns:
        Whether they were forgotten.
    """
    try:
        crowded = MAPS.read_bytes().count(b"\n") > int(MOST_MAPS.read_text()) / 2
    except OSError:
        return False  # no Linux
    if crowded:
        jax.clear_caches()
        gc.collect()
    return crowded


def _device_stats() -> dict[str, Any]:
    device = jax.local_devices()[0]
    stats = None if device.platform == "cpu" else device.memory_stats()
    return stats if stats and "bytes_limit" in stats else {}


def plan(
    compiled: Programs,
    content: tuple[int, int],
    styles: Sequence[tuple[int, int]],
    picks: Any,
    rate: float,
    wanted: str,
) -> Plan:
    """Choose how a step is laid out.

    Args:
        compiled: The run's programs.
        content: Height and width of the picture at full size.
        styles: And of the styles.
        picks: What terms see at full size.
        rate: The optimizer's.
        wanted: `"auto"` takes the fastest layout that fits; or a layout as text.
    """
    ladder: tuple[Layout, ...] = LADDER
    if wanted != "auto":
        ladder = (int(wanted),) if wanted.isdigit() else (wanted,)  # type: ignore[assignment]
    images = [jax.ShapeDtypeStruct((*each, 3), jnp.float32) for each in (content, *styles)]
    tried: list[Need] = []
    limit = available()
    for layout in ladder:
        large = isinstance(layout, int) and layout >= max(content)
        # XLA takes recomputation out again on a CPU (benchmarks/memory.md).
        vain = layout == "recompute" and jax.default_backend() == "cpu"
        if wanted == "auto" and (large or vain):
            continue
        try:
            parts = list(_parts(compiled, images[0], images[1:], picks, rate, layout))
        except ValueError:
            if wanted != "auto" or not isinstance(layout, int):
                raise
            continue  # such tiles would be all overlap
        tried.append(Need(layout, used() + max(parts)))
        if tried[-1].peak < SHARE * limit:
            break
    best = min(tried, key=lambda need: need.peak)
    if tried[-1].peak < SHARE * limit:
        best = tried[-1]
    advice = None
    if best.peak >= SHARE * limit:
        # What is taken already does not shrink with the picture.
        fixed = used()
        shrink = math.sqrt(max(0.0, SHARE * limit - fixed) / max(1, best.peak - fixed))
        size = math.floor(_CAUTION * max(content) * shrink / 16) * 16
        advice = f"that does not fit; --size {size} should" if size else "that does not fit"
        saved = 40 * 12 * content[0] * content[1]
        if compiled.kind.optimizer == "lbfgs" and best.peak - saved < SHARE * limit:
            advice += f", and so should --optimizer adam, which needs {saved / GIB:.1f} GiB less"
    return Plan(best.layout, best.peak, limit, tuple(tried), content, advice)


def _parts(
    compiled: Programs, content: Any, styles: Sequence[Any], picks: Any, rate: float, layout: Layout
) -> Iterator[int]:
    """For each program of a layout the bytes that are taken while it runs, less what is now."""
    kind, params, parts = compiled.kind_of(layout), compiled.params, compiled.parts
    extract = compiled.kind.extract
    state = jax.eval_shape(lambda image: programs.start(image, rate, kind=kind), content)
    prepared = jax.eval_shape(
        lambda *images: programs.prepare(
            params, parts, images[0], images[1:], 0, picks, extract=extract
        ),
        content,
        *styles,
    )
    kept = size_of((state, prepared))
    pictures = size_of((content, *styles))
    if not isinstance(layout, int):
        yield pictures + taken_by(
            programs.prepare.lower(params, parts, content, styles, 0, picks, extract=extract)
        )
        yield kept + taken_by(
            programs.advance.lower(params, prepared, state, jnp.array(1), rate, kind=kind)
        )
        return
    seen = jax.eval_shape(extract, params, content)
    (shape, *_), _ = tiles.tiling(extract, content.shape, layout)
    start, own = (jax.ShapeDtypeStruct((count,), jnp.int32) for count in (2, 4))
    yield (
        kept
        + size_of(seen)
        + taken_by(
            tiles.look.lower(params, content, seen, start, own, extract=extract, shape=shape)
        )
    )
    lowered = programs.compare.lower(prepared, content, seen, extract=extract)
    yield kept + size_of(seen) + taken_by(lowered)
    yield (
        kept
        + size_of((seen, content))
        + taken_by(
            tiles.look_back.lower(
                params, content, seen, content, start, own, extract=extract, shape=shape
            )
        )
    )
    value = jax.ShapeDtypeStruct((), jnp.float32)
    yield (
        kept
        + size_of(content)
        + taken_by(programs.move.lower(state, value, content, rate, kind=compiled.kind))
    )
    # The targets: features of the content and of all styles at once.
    each = [
        jax.eval_shape(compiled.extract_of(name), params, image)
        for name, image in (("content", content), *(("style", style) for style in styles))
    ]
    yield (
        pictures
        + size_of(each)
        + taken_by(programs.remember.lower(parts, content, styles, each, 0, picks, extract=extract))
    )


def taken_by(lowered: Any) -> int:
    """What a program takes besides its arguments."""
    stats = lowered.compile().memory_analysis()
    return int(stats.temp_size_in_bytes + stats.output_size_in_bytes - stats.alias_size_in_bytes)


def size_of(tree: Any) -> int:
    """Bytes of all arrays, or shapes of arrays, in a tree."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
