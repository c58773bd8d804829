"""A page for every set of weights, from the registry and the errors in `benchmarks/networks.md`."""

from __future__ import annotations

from collections.abc import Iterator

from markup import benchmark_rows, bibtex, facts_table, sentence, shell, stylize, table, toctree
from pages import generated

from jaxstyle import citations
from jaxstyle.backbones import BACKBONES
from jaxstyle.backbones.record import Backbone
from jaxstyle.weights.sources import SOURCES

INTRODUCTION = """# All networks

Which to take, and how to combine them: [](../../guides/networks.md). Their terms:
[](../../about/weights.md).
"""


def _pages() -> Iterator[tuple[str, str]]:
    yield "index", "\n".join(_index())
    for name in SOURCES:
        yield name, "\n".join(_card(name))


def _index() -> Iterator[str]:
    yield INTRODUCTION
    networks = [name for name, source in SOURCES.items() if source.architecture in BACKBONES]
    others = [name for name in SOURCES if name not in networks]
    for title, names in (("Networks", networks), ("Weights of judges and starts", others)):
        rows = [(f"[`{n}`]({n}.md)", SOURCES[n].about, SOURCES[n].license) for n in names]
        yield f"## {title}\n"
        yield table(("name", "about", "license"), rows)
        yield toctree(names, title)


def _card(name: str) -> Iterator[str]:
    source = SOURCES[name]
    backbone = BACKBONES.get(source.architecture)
    yield f"# `{name}`\n"
    yield f"{sentence(source.about)}.\n"
    size = f"{source.bytes / 1e6:.0f} MB" if source.bytes > 1e6 else f"{source.bytes / 1e3:.0f} kB"
    facts = {
        "Architecture": f"`{source.architecture}`",
        "From": str(source.origin),
        "Size": size,
        "License": source.license,
        "SHA-256": f"`{source.sha256}`",
        "Described at": f"<{source.homepage}>",
        "Paper": source.paper,
    }
    for cells in benchmark_rows("networks.md"):
        if cells[0] == name:
            facts["Step"] = f"{cells[1]} times that of `vgg16`"
            facts["Checked against"] = f"torch in float64: {cells[2]} at the worst layer"
    yield facts_table(facts)
    if backbone:
        fetch = f"jaxstyle weights fetch {name}"
        yield shell(fetch, stylize(f"--backbone {name}"))
        yield _layers(backbone)
    yield bibtex(map(citations.bibtex, citations.labels(source.paper)))


def _layers(backbone: Backbone) -> str:
    rows = []
    for layer in backbone.layers:
        if layer.startswith("relu"):
            field = backbone.receptive_field(layer)
            rows.append((f"`{layer}`", field.stride, field.last - field.first + 1))
    title = "## Layers\n\nThe values before the ReLU have names, too: `conv…`.\n\n"
    return title + table(("layer", "stride, pixels", "receptive field, pixels"), rows)


setup = generated("reference/networks", _pages)
