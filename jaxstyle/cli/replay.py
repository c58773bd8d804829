"""`jaxstyle replay`: a picture again, from its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.options import OFFLINE, PATH, GroupedCommand, diagnostics
from jaxstyle.cli.output_options import output_file_options
from jaxstyle.cli.saving import save
from jaxstyle.cli.streams import write_result
from jaxstyle.cli.terminal import show_progress

if TYPE_CHECKING:
    from jaxstyle.transfer.result import Result


@click.command(
    short_help="Make a picture again, from its manifest.",
    cls=GroupedCommand,
    examples=(
        "jaxstyle replay picture.json -o again.png",
        "jaxstyle replay picture.json -o again.png --input style=moved/painting.jpg",
    ),
)
@click.argument("run", metavar="MANIFEST", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="The new picture.")
@click.option(
    "--input",
    "moved",
    multiple=True,
    metavar="ROLE=FILE",
    help="Where an input lies now: content, style, style#2, init …; may be given several times.",
)
@click.option("--changed-inputs", is_flag=True, help="Accept inputs and weights that have changed.")
@output_file_options
@OFFLINE
@diagnostics
def replay(
    run: Path,
    output: Path,
    moved: tuple[str, ...],
    changed_inputs: bool,
    encoding: dict[str, Any],
    offline: bool,
) -> None:
    """Make the picture of MANIFEST, the .json of a run, again.

    On the same machine, with the same versions, its bytes are the same. Elsewhere the command says
    what differs, and how far the picture is from the original, if that still lies beside MANIFEST.
    The file is written as the original was, except for what options say.
    """
    from jaxstyle.image.encode import Encoding
    from jaxstyle.image.io import check_file, check_output
    from jaxstyle.transfer import manifest
    from jaxstyle.video.manifest import is_film

    check_file(run)
    if is_film(run):
        _replay_film(run, output, moved, changed_inputs, encoding, offline)
        return
    check_output(output, encoding=Encoding(**encoding))
    manifest.check(output, [run, *_files_of(run), *(text.partition("=")[2] for text in moved)])
    start_jax()
    from jaxstyle._util.lock import exclusive_lock
    from jaxstyle.transfer import replay as replaying

    with exclusive_lock(output, manifest.beside(output)), show_progress() as show:
        result = replaying.replay(
            run,
            inputs=dict(text.partition("=")[::2] for text in moved),
            changed_inputs=changed_inputs,
            offline=offline,
            on_progress=show,
        )
        save(result, output, encoding=encoding)
        _write_maps(output, result, offline)
    if result.failure:
        logger.warning(result.failure)
    write_result(replaying.compare_with_first(run, output, result))


def _write_maps(texture: Path, result: Result, offline: bool) -> None:
    """Write the maps of a texture that has any."""
    from jaxstyle.plain import from_plain
    from jaxstyle.texture.material import Material, recorded_maps
    from jaxstyle.transfer.sources import Sources

    paths = {role: record.get("path", "") for role, record in result.inputs.items()}
    if maps := recorded_maps(paths):
        sources = Sources(offline=offline)
        material = Material.read(paths["style"], maps, texture, sources)
        material.write(from_plain(result.facts["settings"]))


def _files_of(run: Path) -> list[Path]:
    """Return where the picture and the inputs of a manifest may lie."""
    from jaxstyle.transfer import manifest

    facts = manifest.read(run)
    if facts is None:
        return []
    paths = [Path(path) for path in manifest.paths_of(facts["inputs"])]
    paths += [run.parent / facts.get("picture", {}).get("name", run.with_suffix(".png").name)]
    return [*paths, *(run.parent / path for path in paths), *(run.parent / p.name for p in paths)]


def _replay_film(
    run: Path,
    output: Path,
    moved: tuple[str, ...],
    changed_inputs: bool,
    encoding: dict[str, Any],
    offline: bool,
) -> None:
    """Make the film of a manifest again."""
    if encoding:
        raise ValueError(f"expected no --{next(iter(encoding))} of a film: it is written as it was")
    start_jax()
    from jaxstyle.cli.video import make
    from jaxstyle.video.manifest import read
    from jaxstyle.video.replay import replayed

    inputs = dict(text.partition("=")[::2] for text in moved)
    film = replayed(run, output, inputs, changed_inputs=changed_inputs, offline=offline)
    make(film)
    facts, again = read(run), read(film.manifest)
    assert facts is not None
    assert again is not None
    same = facts["output"].get("sha256", 0) == again["output"].get("sha256", 1)
    losses = [[frame["losses"] for frame in one["frames"]] for one in (facts, again)]
    how = (
        "the same bytes" if same else "the same losses" if losses[0] == losses[1] else "it differs"
    )
    write_result(f"{output}: {how}")
