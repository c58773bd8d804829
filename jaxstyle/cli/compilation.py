"""The start of JAX, with compiled programs kept in the cache: a second run compiles nothing."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from jaxstyle._util.cache import cache_folder
from jaxstyle._util.log import logger
from jaxstyle.cli.terminal import DeferredInterrupt

MAX_BYTES = 2**30
"""Bound of the compiled programs; the least recently used ones are removed first."""
_MIN_COMPILE_SECONDS = 0.5
_CACHE_ERROR = re.compile(
    r"Error (reading|writing) persistent compilation cache.*?"
    r"'(?P<program>\w+)[^']*': (?P<error>\w+)"
)


def start_jax() -> None:
    """Import JAX and keep compiled programs, in $JAX_COMPILATION_CACHE_DIR if the user chose it."""
    logger.info("starting JAX …")
    with DeferredInterrupt("when JAX has started") as interrupt:
        # An exception within its native modules' import would crash the process.
        interrupt.between_steps()
        import jax

        interrupt.between_steps()
    if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _complete_access_times(folder)
    except OSError as error:
        logger.debug("compiled programs are not kept: %s", error)
        return
    if os.access(folder, os.W_OK):
        _discard_corrupt_programs(folder)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_compilation_cache_max_size", MAX_BYTES)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _MIN_COMPILE_SECONDS)
        logger.debug("compiled programs are kept in %s", folder)


def _complete_access_times(folder: Path) -> None:
    """Give programs without a time of last access the time at which they were written.

    JAX orders programs by a file NAME-atime beside each, and refuses to write any where one is
    missing: after a cache without a bound, or a process killed between the two files.
    """
    for program in folder.glob("*-cache"):
        accessed = program.with_name(f"{program.name.removesuffix('-cache')}-atime")
        if not accessed.exists():
            with suppress(FileNotFoundError):  # another process has removed it
                accessed.write_bytes(program.stat().st_mtime_ns.to_bytes(8, "little"))


def _discard_corrupt_programs(folder: Path) -> None:
    """Remove programs that a killed process or a full disk left incomplete.

    JAX warns of one at every start, compiles it again, and leaves the file where it is.
    """
    show = warnings.showwarning

    def showwarning(message: Warning | str, *args: Any, **kwargs: Any) -> None:
        match = _CACHE_ERROR.match(str(message))
        if not match:
            show(message, *args, **kwargs)
        elif match["error"] != "Timeout":  # another process holds the cache's lock
            for path in folder.glob(f"{match['program']}-*"):
                with suppress(OSError):  # another user's
                    path.unlink(missing_ok=True)

    warnings.showwarning = showwarning
