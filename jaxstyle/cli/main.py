"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import json
import math
import sys
import typing
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxstyle import __version__
from jaxstyle.cli import grid as many
from jaxstyle.cli import replay
from jaxstyle.cli.options import (
    DEBUG,
    JSON,
    OFFLINE,
    QUIET,
    as_flags,
    keep_compilations,
    note,
    said,
    setting_flags,
    silent,
)
from jaxstyle.settings import CHECKPOINT_SECONDS

if TYPE_CHECKING:
    from jaxstyle.image.geometry import Picture
    from jaxstyle.transfer.stylize import Progress


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: one line of error and exit status 2, or 130 after Ctrl-C."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    try:
        sys.exit(commands.main(words, "jaxstyle", standalone_mode=False, obj=words) or 0)
    except click.ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # click before 8.2 has none
            print(error.format_message(), file=sys.stderr)
            sys.exit(2)
        _fail(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        print("jaxstyle: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        if debug:
            raise
        known = error.filename and error.strerror
        _fail(f"{error.filename}: {error.strerror}" if known else str(error))
    except (ValueError, TypeError) as error:
        if debug:
            raise
        _fail(str(error))
    except Exception as error:
        if debug:
            raise
        _fail(f"{type(error).__name__}: {error} (--debug shows where)")


def _fail(message: str) -> typing.NoReturn:
    line = as_flags(" ".join(message.split()))
    print(f"jaxstyle: error: {line}", file=sys.stderr)
    sys.exit(2)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="jaxstyle %(version)s")
def commands() -> None:
    """Image style transfer in JAX.

    \b
    jaxstyle stylize photo.jpg painting.jpg -o picture.png
    """  # noqa: D301 (click wants the backspace itself)


@commands.command(short_help="Make a picture: CONTENT painted like STYLE.")
@click.argument("content")
@click.argument("style", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="PNG, JPEG, WebP, TIFF.")
@setting_flags
@click.option(
    "--plan", is_flag=True, help="Only say how much memory it would take; no output is needed."
)
@click.option("--preview", is_flag=True, help="Write the picture as it stands every few seconds.")
@click.option(
    "--frames",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Keep a picture every few steps, for an animation.",
)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint, if there is one.")
@click.option(
    "--checkpoint-seconds",
    type=click.FloatRange(min=0),
    default=CHECKPOINT_SECONDS,
    show_default=True,
    help="Between two checkpoints (files beside the output, gone when it is there).",
)
@OFFLINE
@QUIET
@DEBUG
def stylize(
    content: str,
    style: tuple[str, ...],
    output: Path | None,
    plan: bool,
    preview: bool,
    frames: Path | None,
    resume: bool,
    checkpoint_seconds: float,
    offline: bool,
    quiet: bool,
    debug: bool,
    **chosen: Any,
) -> None:
    """Make a picture that shows CONTENT as if it were painted like STYLE, or several of them.

    CONTENT and STYLE are picture files, or sample:NAME (see `jaxstyle samples`).
    """
    from jaxstyle import recipes, samples
    from jaxstyle.image.io import check_input, check_output
    from jaxstyle.transfer import manifest

    settings = recipes.settings(**said(chosen))
    if output:
        check_output(output)
        manifest.check(output)
    elif not plan:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    report = silent if quiet else note
    fetched: dict[str, Any] = {"offline": offline, "report": report}
    inputs = [samples.resolve(each, **fetched) for each in (content, *style)]
    for path in (*inputs, *map(Path, (*settings.content_mask, *settings.style_mask))):
        check_input(path)
        if output and output.exists() and path.exists() and output.samefile(path):
            raise ValueError(f"the output {output} is one of the inputs")
    if not quiet:
        note("starting JAX …")
    keep_compilations()
    from jaxstyle._util.lock import alone
    from jaxstyle.cli.progress import shown
    from jaxstyle.cli.signals import DeferredInterrupt
    from jaxstyle.transfer import memory
    from jaxstyle.transfer import stylize as transfer
    from jaxstyle.transfer.checkpoint import Checkpoints
    from jaxstyle.transfer.job import Run, Sources

    if plan or not output:
        found = transfer.plan(inputs[0], inputs[1:], settings, **fetched)
        for need in found.tried if len(found.tried) > 1 else ():
            print(f"{memory.named(need.layout):24} {need.peak / memory.GIB:8.2f} GiB")
        print(found)
        return
    checkpoints = Checkpoints(output, report, checkpoint_seconds)
    keep = _Kept(output, frames, preview=preview, resume=resume)
    try:
        with alone(output), DeferredInterrupt(report) as patience, shown(quiet) as show:

            def on_progress(progress: Progress) -> None:
                keep(progress)
                show(progress)
                patience.between_steps()

            run = Run(inputs[0], inputs[1:], settings, Sources(**fetched))
            filled = run.filled()
            read = manifest.inputs_of(filled, inputs[0], inputs[1:])
            if resume and manifest.finished(output, filled, read, run.networks.sums()):
                report(f"{output} is there already")
                checkpoints.clear()
                return
            made = transfer.work(
                run, on_progress=on_progress, report=report, checkpoints=checkpoints, resume=resume
            )
            manifest.keep(output, made, read)
            checkpoints.clear()
    except KeyboardInterrupt:
        kept = keep.as_it_stands()
        if not kept:
            raise
        goes_on = ", --resume goes on" if checkpoints.there else ""
        note(f"jaxstyle: interrupted; {kept}{goes_on}")
        sys.exit(130)
    if made.failure:
        raise ValueError(f"{made.failure}; the last good picture is in {output}")
    if not quiet:
        height, width = made.image.shape[:2]
        note(f"{output} ({width} × {height}, {made.facts['seconds']:.0f} s)")


@commands.command(short_help="How far a PICTURE is from a REFERENCE, by any metric.")
@click.argument("picture")
@click.argument("reference")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Metric, see `jaxstyle metrics`; may be given several times "
    "[default: lpips, lpips_vgg, dists, ssim, ms_ssim, gmsd, psnr].",
)
@click.option(
    "--size", type=click.IntRange(1), help="Longest side, pixels (default: as the files are)."
)
@click.option("--backbone", default="vgg16", help="Network of metrics without their own.")
@JSON
@OFFLINE
@DEBUG
def compare(
    picture: str,
    reference: str,
    metrics: tuple[str, ...],
    size: int | None,
    backbone: str,
    as_json: bool,
    offline: bool,
    debug: bool,
) -> None:
    """Print how far PICTURE is from REFERENCE; 0 is equal.

    Similarities are shown as distances: ssim is 1 - SSIM, psnr the decibels under 40. For
    metrics that compare place by place the larger picture is brought to the smaller one's size, if
    they have the same proportions.
    """
    from jaxstyle import samples
    from jaxstyle.image.io import read_image
    from jaxstyle.metrics import find

    found = {name: find(name.partition("~")[0]) for name in metrics}
    for name, metric in found.items():
        if metric.kind == "image":
            raise ValueError(
                f"{name} looks at one picture alone: there is nothing to compare by it"
            )
    paths = [samples.resolve(each, offline=offline, report=note) for each in (picture, reference)]
    pictures = [read_image(path, size=size) for path in paths]
    same_size = _same_size(pictures)
    keep_compilations()
    from jaxstyle.objective.judge import JUDGES, judge

    rows: list[dict[str, Any]] = []
    for name in metrics or JUDGES:
        distance = judge(name, backbone=backbone, offline=offline, report=note)
        by_place = name not in found or found[name].kind == "content"
        one, other = same_size if by_place else pictures
        value = float(distance(one, other))
        if not math.isfinite(value):
            raise ValueError(f"the distance by {name} is not finite: {value}")
        # Rounding may put it a hair under 0.
        rows.append({"name": name, "distance": max(0.0, value)})
    if not as_json:
        rows = [{"name": row["name"], "distance": f"{row['distance']:.6g}"} for row in rows]
    _show(rows, as_json, ("name", "distance"))


def _same_size(pictures: list[Picture]) -> list[Picture]:
    """Two pictures of the same proportions, both as large as the smaller one."""
    from jaxstyle.image.geometry import fit_within, resize

    least = min((picture.shape[:2] for picture in pictures), key=max)
    sizes = [fit_within(len(each), len(each[0]), max(least)) for each in pictures]
    if any(abs(own - other) > 1 for size in sizes for own, other in zip(size, least, strict=True)):
        return pictures
    return [
        picture if picture.shape[:2] == least else resize(picture, least) for picture in pictures
    ]


@commands.command("samples", short_help="List the sample pictures.")
@JSON
@DEBUG
def list_samples(as_json: bool, debug: bool) -> None:
    """List the pictures that `sample:NAME` stands for."""
    from jaxstyle import samples

    rows = samples.listing()
    _show(rows, as_json, ("name", "kind", "title", "credit", "license", "status"))


@commands.command("metrics", short_help="List the similarity metrics.")
@JSON
@DEBUG
def list_metrics(as_json: bool, debug: bool) -> None:
    """List what pictures can be compared by, for --metric and --content-metric."""
    from jaxstyle.metrics import KINDS, METRICS

    rows: list[dict[str, Any]] = [
        {
            "name": metric.name,
            "kind": kind,
            "meaning": metric.meaning,
            "cost": metric.cost,
            "paper": metric.paper,
            "layers": list(metric.layers),
            "parameters": metric.parameters,
            "symmetric": metric.symmetric,
        }
        for kind in KINDS
        for metric in METRICS[kind].values()
    ]
    for row in () if as_json else rows:
        row["name"] = f"{row['kind']:8}{row['name']:25}"
        row["parameters"] = ", ".join(f"{n} {value:g}" for n, value in row["parameters"].items())
    _show(rows, as_json, ("name", "meaning", "cost", "parameters", "paper"))
    if not as_json:
        print(
            "\nKind and name, what it measures, what it costs for each layer and step (n and m: "
            "positions of the two pictures, C: channels), its own numbers (--parameter), whose it "
            "is."
        )


@commands.command("recipes", short_help="List the recipes: a paper's settings by name.")
@JSON
@DEBUG
def list_recipes(as_json: bool, debug: bool) -> None:
    """List the named settings for --recipe."""
    from jaxstyle.recipes import RECIPES

    rows: list[dict[str, Any]] = []
    for recipe in RECIPES.values():
        facts = {each.name: getattr(recipe, each.name) for each in fields(recipe)}
        rows.append({**facts, "name": f"{recipe.name:22}", "citation": recipe.citation})
        if as_json:
            rows[-1] |= {"name": recipe.name, "settings": dict(recipe.settings)}
    _show(rows, as_json, ("name", "meaning", "citation"))


@commands.command("cite", short_help="Print a recipe's BibTeX.")
@click.argument("recipe")
@DEBUG
def cite(recipe: str, debug: bool) -> None:
    """Print the BibTeX of what RECIPE comes from."""
    from jaxstyle.recipes import find

    print(find(recipe).bibtex)


@commands.group("weights", short_help="Pretrained networks: list, path, fetch, import.")
def weights_commands() -> None:
    """Pretrained networks: what there is, where it is, and how to get it."""


@weights_commands.command("list")
@JSON
@DEBUG
def list_weights(as_json: bool, debug: bool) -> None:
    """List the networks by name."""
    from jaxstyle.weights import download as packages
    from jaxstyle.weights import registry as weights

    rows = weights.listing()
    if not as_json:
        rows = [{**row, "MB": packages.megabytes(row["bytes"])} for row in rows]
    _show(rows, as_json, ("name", "layers", "source", "license", "MB", "status", "where"))


@weights_commands.command("path")
@click.argument("name")
@DEBUG
def weights_path(name: str, debug: bool) -> None:
    """Print where the file of the network NAME lies."""
    from jaxstyle.weights import registry as weights

    print(weights.path(name))


@weights_commands.command("fetch")
@click.argument("name")
@DEBUG
def fetch_weights(name: str, debug: bool) -> None:
    """Fetch the network NAME, checked by its SHA-256."""
    from jaxstyle.weights import registry as weights

    print(weights.fetch(name, report=note))


@weights_commands.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@DEBUG
def import_weights(name: str, file: Path, debug: bool) -> None:
    """Take FILE (.pth, .safetensors, .npz, Keras .h5, .onnx) as the network NAME."""
    from jaxstyle.weights import registry as weights

    weights.import_file(name, file, report=note)


def _show(rows: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['name']:18}" + " · ".join(str(row[c]) for c in columns[1:] if row[c]))


class _Kept:
    """Writes the picture as it stands: to the output now and then, and as frames named by step."""

    def __init__(self, output: Path, frames: Path | None, *, preview: bool, resume: bool) -> None:
        from jaxstyle.transfer import manifest

        self._output, self._frames, self._preview = output, frames, preview
        self._written = 0.0
        self._last: Progress | None = None
        # What a run that was stopped left has no manifest.
        own = resume and not manifest.beside(output).exists()
        self._free = preview or own or not output.exists()
        if frames:
            frames.mkdir(parents=True, exist_ok=True)
            if not resume and any(path.stem.isdigit() for path in frames.glob("*.png")):
                raise ValueError(
                    f"{frames} has the frames of another run; name another folder, or empty it"
                )

    def __call__(self, progress: Progress) -> None:
        from jaxstyle.image.io import write_image

        self._last = progress
        if self._preview and progress.seconds - self._written >= _PREVIEW_SECONDS:
            self._write(progress)
            self._written = progress.seconds
        if self._frames:
            # By step: a run that is gone on with goes on with its frames.
            write_image(self._frames / f"{progress.step:05}.png", progress.image)

    def as_it_stands(self) -> str | None:
        """Write the last picture, if none was there before; say in words where it is.

        None if there is none yet.
        """
        if not self._last:
            return None
        if not self._free:
            return f"{self._output} is what it was before"
        self._write(self._last)
        return f"step {self._last.step} is in {self._output}"

    def _write(self, progress: Progress) -> None:
        from jaxstyle.image.io import write_image
        from jaxstyle.transfer import manifest

        manifest.beside(self._output).unlink(missing_ok=True)
        write_image(self._output, progress.image)


_PREVIEW_SECONDS = 3.0


commands.add_command(many.grid)
commands.add_command(many.study)
commands.add_command(replay.replay)


if __name__ == "__main__":
    main()
