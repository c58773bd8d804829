"""`jaxstyle replay`: a picture again, from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from jaxstyle.cli.options import DEBUG, OFFLINE, QUIET, keep_compilations, note, silent

if TYPE_CHECKING:
    from jaxstyle.image.geometry import Picture


@click.command(short_help="Make a picture again, from its manifest.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where.")
@click.option(
    "--input",
    "moved",
    multiple=True,
    metavar="ROLE=FILE",
    help="Where an input lies now: content, style, style#2, init …; may be given several times.",
)
@click.option("--changed-inputs", is_flag=True, help="Go on with inputs and weights that changed.")
@OFFLINE
@QUIET
@DEBUG
def replay(
    run: Path,
    output: Path,
    moved: tuple[str, ...],
    changed_inputs: bool,
    offline: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Make the picture of RUN, a run's .json, again.

    On the same machine, with the same versions, its bytes are the same. Elsewhere it is told what
    differs and how far the picture is from the first one, if that still lies beside RUN.
    """
    from jaxstyle._util.lock import alone
    from jaxstyle.image.io import check_input, check_output
    from jaxstyle.settings import from_plain
    from jaxstyle.transfer import manifest

    check_output(output)
    manifest.check(output)
    check_input(run)
    facts = manifest.read(run)
    if facts is None:
        raise ValueError(f"{run} is not the manifest of a picture of jaxstyle")
    if manifest.beside(output).resolve() == run.resolve():
        raise ValueError(f"{output} would overwrite what {run} tells of; choose another output")
    paths = _inputs(run, facts["inputs"], moved, changed_inputs)
    styles = manifest.files_of("style", paths)
    settings = replace(
        from_plain(facts["settings"]),
        content_mask=tuple(map(str, manifest.files_of("content_mask", paths))),
        style_mask=tuple(map(str, manifest.files_of("style_mask", paths))),
        init=str(paths.get("init", facts["settings"]["init"])),
    )
    told = silent if quiet else note
    told("starting JAX …")
    keep_compilations()
    from jaxstyle.cli.progress import shown
    from jaxstyle.grid import stylize_grid as grid
    from jaxstyle.transfer import stylize as transfer
    from jaxstyle.transfer.job import Run, Sources

    with alone(output), shown(quiet) as show:
        sources = Sources(report=told, offline=offline)
        again = Run(paths["content"], styles, settings, sources)
        for line in _differences(facts, again, changed_inputs):
            told(line)
        if program := manifest.before(facts):  # it was a cell of a grid
            before = {grid.kind(again): program}
            cells = grid.work([again], on_progress=show, report=told, before=before)
            ((_, made),) = cells
        else:
            layouts = facts["memory"].get("layouts", ())
            made = transfer.work(again, on_progress=show, report=told, layouts=layouts)
        read = manifest.inputs_of(made.facts["settings"], paths["content"], styles)
        manifest.keep(output, made, read)
    if made.failure:
        told(made.failure)
    print(_verdict(run, facts, output, made.image, made.history["total"]))


def _inputs(
    run: Path, inputs: Mapping[str, Mapping[str, str]], moved: tuple[str, ...], changed: bool
) -> dict[str, Path]:
    """Where every input lies, and that it is the same file as then."""
    from jaxstyle._util.files import sha256
    from jaxstyle._util.names import nearest
    from jaxstyle.image.io import check_input

    places: dict[str, str] = {}
    for text in moved:
        role, _, place = text.partition("=")
        if role not in inputs:
            raise ValueError(
                f"there is no input {role!r}{nearest(role, inputs)}; there are {', '.join(inputs)}"
            )
        places[role] = place
    found = {}
    for role, each in inputs.items():
        if "cut" in each:
            raise ValueError(
                f"{run} belongs to a study, whose own command makes its pictures again"
            )
        path = Path(places.get(role, each["path"]))
        if role not in places and not path.exists() and (run.parent / path.name).exists():
            path = run.parent / path.name  # both were moved together
        check_input(path)
        if not changed and sha256(path) != each["sha256"]:
            raise ValueError(
                f"the {role}, {path}, is not the file that it was; --changed-inputs goes on with it"
            )
        found[role] = path
    return found


def _differences(facts: Mapping[str, Any], again: Any, changed: bool) -> list[str]:
    """What may let the bytes differ, in lines."""
    from jaxstyle.transfer import manifest

    own = manifest.environment()
    lines = [
        f"{name}: {facts[group].get(name)} then, {value} now"
        for group in ("versions", "device")
        for name, value in own[group].items()
        if facts[group].get(name) != value
    ]
    for name, then in facts["weights"].items():
        if name in again.networks and again.networks[name].sha256 != then:
            line = f"the weights {name} are not those of then"
            if not changed:
                raise ValueError(f"{line}; --changed-inputs goes on with them")
            lines.append(line)
    return lines


def _verdict(
    run: Path, facts: Mapping[str, Any], output: Path, picture: Picture, totals: list[float]
) -> str:
    """How far the picture is from the first one."""
    import numpy as np

    from jaxstyle._util.files import sha256
    from jaxstyle.image.io import read_image, write_image

    then = facts.get("picture", {})
    if sha256(output) == then.get("sha256"):
        return f"{output}: the same bytes"
    first = run.parent / Path(then.get("name", run.with_suffix(".png").name)).name
    if first.is_file() and sha256(first) == then.get("sha256", sha256(first)):
        one, other = read_image(first), read_image(output)
        rounded = ""
        if first.suffix.lower() != output.suffix.lower():
            # A format that loses something would be all of the difference.
            with TemporaryDirectory() as folder:
                write_image(Path(folder) / first.name, picture)
                other = read_image(Path(folder) / first.name)
            rounded = f", as {first.suffix} has them"
        if one.shape != other.shape:
            return f"{output}: of another size than {first}"
        apart = np.abs(one - other) * 255
        if not apart.any():
            return f"{output}: the same pixels{rounded}"
        return (
            f"{output}: differs from {first} by at most {apart.max():.0f}, on the average "
            f"{apart.mean():.3g}, of 255{rounded}"
        )
    before = facts["history"]["total"]
    ends = (f"{losses[-1]:.6g}" if losses else "none" for losses in (before, totals))
    return f"{output}: the first picture is not there; last loss then and now: {', '.join(ends)}"
