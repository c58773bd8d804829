"""How much memory a run will need, by the compiled programs' own account, and how much there is."""

from __future__ import annotations

import gc
import math
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import jax
import psutil

from jaxstyle.transfer.ahead import compiled_together
from jaxstyle.transfer.geometry import content_shape
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.steppers.stepper import Demand, Layout, Stepper
from jaxstyle.transfer.steppers.tiled import single_stepper

LADDER: tuple[Layout, ...] = ("whole", "recompute", 1536, 1024, 768, 512, 384)
"""Layouts from the fastest to the leanest."""

GIB = 2**30
SHARE = 0.9
"""Part of the memory that a plan may use."""
_CAUTION = 0.97
"""Part of the side that would fit if memory went by pixels exactly, and nobody else took any."""


class Need(NamedTuple):
    """The memory of a layout at its peak, in bytes, all of the process counted."""

    layout: Layout
    peak: int


class MemoryPlan(NamedTuple):
    """The layout that was chosen, and why."""

    # how a step is laid out at full size: `"whole"`, `"recompute"`, or a tile's side
    layout: Layout
    peak: int  # memory at its peak, bytes, by the compiled programs' own account
    available: int  # bytes that the process may take
    tried: tuple[Need, ...]  # the layouts that were considered
    shape: tuple[int, int]  # height and width at full size
    advice: str | None  # what to change if nothing fits, or None
    # programs that were not compiled for it, since there is room in any case: `peak` is a bound
    uncompiled: tuple[Demand, ...] = ()
    taken: int = 0  # bytes that the process took already, if programs were not compiled

    def settled(self) -> MemoryPlan:
        """Return the same with the peak by the programs' own account, compiled if they are not."""
        if not self.uncompiled:
            return self
        return self._replace(peak=self.taken + _most(self.uncompiled), uncompiled=())

    def layout_at(self, size: int) -> Layout:
        """Return the layout of a coarser scale: the fastest that fits if memory goes by pixels."""
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
        about = "less than" if self.uncompiled else "about"
        return (
            f"{width} × {height}, {layout_name(self.layout)}: {about} {self.peak / GIB:.2f} GiB of "
            f"memory at the peak, of {self.available / GIB:.1f} GiB available{fits}"
        )


def layout_name(layout: Layout) -> str:
    """Return a layout in words."""
    words = {"whole": "whole", "recompute": "recomputing features"}
    return f"tiles of {layout} pixels" if isinstance(layout, int) else words[layout]


def used() -> int:
    """Return the bytes that the process (on a CPU) or its arrays on the accelerator take now."""
    stats = _device_stats()
    return int(stats["bytes_in_use"]) if stats else int(psutil.Process().memory_info().rss)


def peak() -> int:
    """Return the most bytes that they have taken so far."""
    stats = _device_stats()
    if stats:
        return int(stats["peak_bytes_in_use"])
    most = getattr(psutil.Process().memory_info(), "peak_wset", None)  # Windows
    if most is not None:
        return int(most)
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss, which on Linux a process inherits from the one that started it.
        (line,) = (row for row in status.read_text("utf-8").splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    peak_size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak_size if sys.platform == "darwin" else peak_size * 1024)


def available() -> int:
    """Return the bytes that the process may take: what it has now, and what is free."""
    stats = _device_stats()
    if stats:
        return int(stats["bytes_limit"])
    free = min([int(psutil.virtual_memory().available), *_free_by_limits(), *_free_by_groups()])
    return used() + max(0, free)


def _free_by_limits() -> Iterator[int]:
    """Yield what the shell's limits of the process (`ulimit -v`, `-d`) leave, bytes."""
    try:
        import resource
    except ImportError:  # Windows
        return
    taken = psutil.Process().memory_info()
    kinds = [("RLIMIT_AS", taken.vms), ("RLIMIT_DATA", getattr(taken, "data", taken.rss))]
    for name, size in kinds:
        limit, _ = resource.getrlimit(getattr(resource, name))
        if limit != resource.RLIM_INFINITY:
            yield limit - size


def _free_by_groups() -> Iterator[int]:
    """Yield what the limit of each control group leaves in which the process is (Linux), bytes.

    Groups are nested, and each of them may have a limit. What the system only keeps of files, it
    gives back.
    """
    try:
        lines = PROCESS_GROUPS.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, place = line.split(":", 2)
        is_second = not controllers
        if not (is_second or "memory" in controllers.split(",")):
            continue
        root = GROUPS if is_second else GROUPS / "memory"
        names = _SECOND if is_second else _FIRST
        folder = root / place.lstrip("/")
        # Within a container the path may be that of the host: then its root is the group.
        for group in (folder, *folder.parents):
            if not group.is_relative_to(root):
                break
            with suppress(OSError, ValueError):
                limit, taken = (int((group / name).read_text("utf-8")) for name in names[:2])
                stats = dict(
                    row.split() for row in (group / "memory.stat").read_text("utf-8").splitlines()
                )
                yield limit - taken + int(stats.get(names[2], 0))


PROCESS_GROUPS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
# Of the second version and of the first: limit, what is taken, and which of it are old files.
_SECOND = ("memory.max", "memory.current", "inactive_file")
_FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

MAPS = Path("/proc/self/maps")
MOST_MAPS = Path("/proc/sys/vm/max_map_count")


def clear_caches_if_crowded() -> bool:
    """Discard compiled programs that hold more than a quarter of the memory maps Linux allows.

    A program for a CPU can hold thousands of memory maps, and a process may have 65,530: the next
    one would end it. A quarter of them came with 3 GB of memory in a search, whose programs are not
    needed again; what is, is compiled again.

    Returns:
        Whether they were discarded.
    """
    try:
        crowded = MAPS.read_bytes().count(b"\n") > int(MOST_MAPS.read_text("utf-8")) / 4
    except OSError:
        return False  # not Linux
    if crowded:
        jax.clear_caches()
        gc.collect()
    return crowded


_EXHAUSTED = re.compile("RESOURCE_EXHAUSTED|out of memory|failed to allocate", re.IGNORECASE)


@contextmanager
def explained() -> Iterator[None]:
    """Raise a `MemoryError` of one line where XLA, NumPy or Pillow have no memory.

    A plan is an estimate, and others may take memory meanwhile.
    """
    try:
        yield
    except (jax.errors.JaxRuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError) or _EXHAUSTED.search(str(error)):
            raise MemoryError(
                f"the process could not get more memory ({used() / GIB:.1f} GiB taken, "
                f"{available() / GIB:.1f} GiB available to it); a smaller size, or --memory with "
                "the side of tiles, takes less"
            ) from error
        raise


def _device_stats() -> dict[str, Any]:
    device = jax.local_devices()[0]
    stats = None if device.platform == "cpu" else device.memory_stats()
    return stats if stats and "bytes_limit" in stats else {}


def peak_of(stepper: Stepper, size: int) -> int:
    """Return the bytes at the peak of a step at a scale, all of the process counted.

    Its programs are compiled, and say themselves what they need.
    """
    return _peak(list(stepper.demands(size)))


def _peak(demands: Sequence[Demand]) -> int:
    """Return the bytes at the peak of a step with these programs."""
    most = _most(demands)
    return used() + most  # with what the compiled programs themselves take


def _most(demands: Sequence[Demand]) -> int:
    """Return the bytes that the largest of some programs takes, with what is kept meanwhile."""
    return max(
        demand.devices * (demand.kept + _taken_by(program))
        for demand, program in zip(demands, compiled_together(demands), strict=True)
    )


def _bound(demands: Sequence[Demand]) -> float:
    """Return what they would take if every value that they compute were kept; infinite if unknown.

    XLA knows that before it compiles them. It is about ten times of what they take.
    """
    analyses = [demand.lowered.cost_analysis() or {} for demand in demands]
    pairs = zip(demands, analyses, strict=True)
    return max(
        demand.devices * (demand.kept + float(analysis.get(WRITTEN, math.inf)))
        for demand, analysis in pairs
    )


WRITTEN = "bytes accessedout{}"
"""What XLA's analysis of costs calls the bytes of all results."""


def _taken_by(program: Any) -> int:
    """Return what a compiled program takes besides its arguments."""
    stats = program.memory_analysis()
    return int(stats.temp_size_in_bytes + stats.output_size_in_bytes - stats.alias_size_in_bytes)


@explained()
def plan(job: Job, *, prompt: bool = False) -> MemoryPlan:
    """Choose how a job's steps are laid out: as it asks for, or the fastest layout that fits.

    Args:
        job: What is planned.
        prompt: Compile nothing where there is room for several times of what a step takes.
    """
    wanted, size = job.settings.memory, job.scales[-1].size
    shape, original = content_shape(job, size), job.original.shape[:2]
    if not job.steps:
        return MemoryPlan("whole", used(), available(), (), original, None)
    ladder: tuple[Layout, ...] = LADDER
    if wanted != "auto":
        ladder = (int(wanted),) if wanted.isdigit() else (wanted,)  # type: ignore[assignment]
    tried: list[Need] = []
    limit = available()
    for layout in ladder:
        large = isinstance(layout, int) and layout >= max(shape)
        # XLA removes recomputation again on a CPU (benchmarks/memory.md).
        vain = layout == "recompute" and jax.default_backend() == "cpu"
        if wanted == "auto" and (large or vain):
            continue
        try:
            demands = tuple(single_stepper(job, layout).demands(size))
            taken = used()
            bound = taken + (_bound(demands) if prompt and layout == "whole" else math.inf)
            if bound < SHARE * limit:
                need = Need(layout, int(bound))
                return MemoryPlan(*need, limit, (need,), original, None, demands, taken)
            tried.append(Need(layout, _peak(demands)))
        except ValueError:
            if wanted != "auto" or not isinstance(layout, int):
                raise
            continue  # such tiles would be all overlap
        if tried[-1].peak < SHARE * limit:
            break
    best = min(tried, key=lambda need: need.peak)
    if tried[-1].peak < SHARE * limit:
        best = tried[-1]
    advice = None if best.peak < SHARE * limit else _advice(job, shape, best.peak, limit)
    return MemoryPlan(best.layout, best.peak, limit, tuple(tried), original, advice)


def account(plan: Any) -> dict[str, int]:
    """Return what a manifest says of a plan's memory, and of the process's."""
    return {"predicted": plan.peak, "measured": peak(), "available": plan.available}


def _advice(job: Job, shape: tuple[int, int], peak: int, limit: int) -> str:
    """Return what to change so that it fits."""
    # What is taken already does not shrink with the picture.
    fixed = used()
    shrink = math.sqrt(max(0.0, SHARE * limit - fixed) / max(1, peak - fixed))
    size = math.floor(_CAUTION * max(shape) * shrink / 16) * 16
    advice = f"that does not fit; --size {size} should" if size else "that does not fit"
    saved = 40 * 12 * shape[0] * shape[1]
    if job.optimizer.name == "lbfgs" and peak - saved < SHARE * limit:
        advice += f", and so should --optimizer adam, which needs {saved / GIB:.1f} GiB less"
    return advice
