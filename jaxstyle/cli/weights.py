"""`jaxstyle weights`: pretrained networks."""

from __future__ import annotations

from pathlib import Path

import click

from jaxstyle.cli.listings import listing_options, print_rows, select
from jaxstyle.cli.options import DEBUG, PATH, diagnostics
from jaxstyle.cli.streams import path_text, write_result


@click.group(short_help="Pretrained networks: list, path, fetch, import.")
def weights() -> None:
    """List, fetch and import pretrained networks."""


@weights.command("list")
@listing_options
def list_weights(name: str | None, as_json: bool) -> None:
    """List the networks by name; with a NAME show one in full."""
    from rich.filesize import decimal

    from jaxstyle.weights.registry import listing

    rows = select(listing(), name, "network")
    if not as_json:
        rows = [{**row, "size": decimal(row["bytes"])} for row in rows]
    columns = {"name": 0, "size": 0, "status": 0, "license": 0, "layers": 140}
    print_rows(rows, name, as_json, columns)


@weights.command("path")
@click.argument("name")
@DEBUG
def weights_path(name: str) -> None:
    """Print the path of the file of the network NAME."""
    from jaxstyle.weights import registry

    print(path_text(registry.path(name)))


@weights.command("fetch")
@click.argument("name")
@diagnostics
def fetch_weights(name: str) -> None:
    """Fetch the network NAME and check its SHA-256."""
    from jaxstyle.weights import registry

    write_result(path_text(registry.fetch(name)))


@weights.command("import")
@click.argument("name")
@click.argument("file", type=PATH)
@click.option(
    "--preprocess",
    type=click.Choice(["torchvision", "caffe"]),
    help="What the network expects of its pictures (default: what is usual in the file's layout). "
    "Oxford's networks in torchvision's layout, as neural-style-pt has them, are caffe.",
)
@diagnostics
def import_weights(name: str, file: Path, preprocess: str | None) -> None:
    """Import FILE (.pth, .safetensors, .npz, Keras .h5, .onnx) as the network NAME."""
    from jaxstyle.weights import registry

    registry.import_file(name, file, preprocess)
