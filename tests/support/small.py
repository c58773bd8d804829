"""The one small transfer that most tests run: its programs are compiled once.

Whatever file a test is in, it shares compiled programs with all others of the same sizes, layers
and metrics (see `tests/conftest.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxstyle.cli.main import main
from jaxstyle.image.io import write_image

PIXELS = np.random.default_rng(11).integers(0, 256, (3, 40, 48, 3), np.uint8)
CONTENT, OTHER, STYLE = (PIXELS / 255).astype(np.float32)
# Two sizes of features, and pooling between them; the convolution after it would take a quarter of
# the time.
LAYERS = {"style_layers": ("relu1_1", "pool1"), "content_layers": ("pool1",)}
SMALL = {
    **{"size": 48, "steps": 3, "scales": 1, **LAYERS},
    # Not the default, whose matches amplify rounding, and whose six terms take long to compile.
    **{"metric": "gram", "content_metric": "mse", "content_weight": 0.3, "smoothness": 0.02},
    **{"content_decay": 1.0, "scale_factor": 2**0.5},
}
# For what no network matters to: half of the time again.
ONE_LAYER = SMALL | {"style_layers": ("relu1_1",), "content_layers": ("relu1_1",)}


def write_pictures(folder: Path) -> Path:
    """Write content.png, other.png and style.png, and return the folder."""
    for name, picture in (("content", CONTENT), ("other", OTHER), ("style", STYLE)):
        write_image(folder / f"{name}.png", picture)
    return folder


def flags(**settings: object) -> list[str]:
    """Return the small settings as options, and others."""
    options = []
    for name, value in (SMALL | settings).items():
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        options += [f"--{name.replace('_', '-')}", text]
    return options


def words(command: str, folder: Path, output: Path, *more: object, **settings: object) -> list[str]:
    """Return a command line with content.png and style.png of a folder, and the small settings."""
    inputs = (folder / "content.png", folder / "style.png")
    return [str(word) for word in (command, *inputs, "-o", output, *flags(**settings), *more)]


def run(*words: object) -> int:
    """Run a command line in this process, and return its exit status."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Collect the name of every program that is compiled, or loaded from the persistent cache.

    An old version of JAX tells the event alone.
    """
    names: list[str] = []

    def listen(event: str, *_: object, **facts: object) -> None:
        if event.endswith("backend_compile_duration"):
            names.append(str(facts.get("fun_name", event)))

    if not hasattr(jax.monitoring, "unregister_event_duration_listener"):  # an old version of JAX
        pytest.skip("a listener cannot be removed")
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
