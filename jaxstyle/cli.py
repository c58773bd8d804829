"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import json
import shlex
import sys
import typing
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click
from click.core import ParameterSource

from jaxstyle import __version__
from jaxstyle.settings import CHOICE, Choice, Settings, choice

if TYPE_CHECKING:
    from jaxstyle.transfer import Progress


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: one line of error and exit status 2, or 130 after Ctrl-C."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    try:
        sys.exit(commands.main(words, "jaxstyle", standalone_mode=False, obj=words) or 0)
    except click.ClickException as error:
        _fail(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        print("jaxstyle: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except (ValueError, TypeError, OSError) as error:
        if debug:
            raise
        _fail(str(error))
    except Exception as error:
        if debug:
            raise
        _fail(f"{type(error).__name__}: {error} (--debug shows where)")


def _fail(message: str) -> typing.NoReturn:
    print(f"jaxstyle: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)


class _Share(click.ParamType[Choice]):
    """`NAME`, `NAME=WEIGHT`, or `NAME~SMOOTHING@LAYER,LAYER=WEIGHT`."""

    name = CHOICE

    def convert(self, value: Any, param: Any, ctx: Any) -> Choice:
        if isinstance(value, tuple):
            return value
        try:
            return choice(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Parameter(click.ParamType[tuple[str, float]]):
    """`METRIC.PARAMETER=VALUE`."""

    name = "METRIC.PARAMETER=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        name, _, number = value.partition("=")
        try:
            return name, float(number)
        except ValueError:
            self.fail(f"expected {self.name}, got {value!r}", param, ctx)


class _Layers(click.ParamType[tuple[str, ...]]):
    """Names with commas between."""

    name = "LAYER,LAYER,…"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())


class _Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between."""

    name = "NUMBER,…"

    def __init__(self, kind: type[float] = float) -> None:
        self._kind = kind

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self._kind(each) for each in value.split(","))
        except ValueError:
            whole = "whole " if self._kind is int else ""
            self.fail(f"expected {whole}numbers with commas between, got {value!r}", param, ctx)


def _setting_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """One flag for every field of `Settings`, with its type, default and help."""
    hints = typing.get_type_hints(Settings)
    for each in reversed(fields(Settings)):
        hint = hints[each.name]
        options: dict[str, Any] = {}
        if get_origin(hint) in (UnionType, typing.Union):
            hint = get_args(hint)[0]
        flag = f"--{each.name.replace('_', '-')}"
        kind: Any = hint
        if get_origin(hint) is Literal:
            kind = click.Choice(get_args(hint))
        elif each.name in ("metric", "content_metric"):
            kind, options = _Share(), {"multiple": True}
        elif each.name == "parameter":
            kind, options = _Parameter(), {"multiple": True}
        elif each.name in ("content_mask", "style_mask"):
            kind, options = str, {"multiple": True, "metavar": "FILE"}
        elif hint in (tuple[float, ...], tuple[int, ...]):
            kind = _Numbers(get_args(hint)[0])
        elif get_origin(hint) is tuple:
            kind = _Layers()
        elif hint is bool:
            kind, flag = None, f"{flag}/--no-{each.name.replace('_', '-')}"
        shown = each.default if each.default not in (None, ()) else False
        if each.name in ("metric", "content_metric"):
            shown = ", ".join(name for name, _ in each.default)
        elif isinstance(shown, float):
            shown = f"{shown:g}"
        elif isinstance(kind, _Numbers):
            shown = ",".join(f"{value:g}" for value in each.default) or False
        command = click.option(
            flag,
            each.name,
            type=kind,
            default=each.default,
            show_default=False,
            help=each.metadata["help"] + (f" [default: {shown}]" if shown is not False else ""),
            **options,
        )(command)
    return command


_DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
_OFFLINE = click.option("--offline", is_flag=True, help="Never fetch anything.")
_QUIET = click.option("--quiet", is_flag=True, help="Say nothing but errors.")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="jaxstyle %(version)s")
def commands() -> None:
    r"""Image style transfer in JAX.

    \b
    jaxstyle stylize photo.jpg painting.jpg -o picture.png
    """


@commands.command(short_help="Make a picture: CONTENT painted like STYLE.")
@click.argument("content")
@click.argument("style", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="PNG, JPEG, WebP, TIFF.")
@_setting_flags
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
@_OFFLINE
@_QUIET
@_DEBUG
def stylize(
    content: str,
    style: tuple[str, ...],
    output: Path | None,
    plan: bool,
    preview: bool,
    frames: Path | None,
    offline: bool,
    quiet: bool,
    debug: bool,
    **chosen: Any,
) -> None:
    """Make a picture that shows CONTENT as if it were painted like STYLE, or several of them.

    CONTENT and STYLE are picture files, or sample:NAME (see `jaxstyle samples`).
    """
    from jaxstyle import images, manifest, recipes, samples

    settings = recipes.settings(**_given(chosen))
    if output:
        images.check_output(output)
        manifest.check(output)
    elif not plan:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    report = _silent if quiet else _note
    fetched: dict[str, Any] = {"offline": offline, "report": report}
    inputs = [samples.resolve(each, **fetched) for each in (content, *style)]
    for path in (*inputs, *map(Path, (*settings.content_mask, *settings.style_mask))):
        images.check_input(path)
        if output and output.exists() and path.exists() and output.samefile(path):
            raise ValueError(f"the output {output} is one of the inputs")
    if not quiet:
        _note("starting JAX …")
    _keep_compilations()
    from jaxstyle import memory, transfer
    from jaxstyle.progress import shown

    if plan or not output:
        found = transfer.plan(inputs[0], inputs[1:], settings, **fetched)
        for need in found.tried:
            print(f"{memory.named(need.layout):24} {need.peak / memory.GIB:8.2f} GiB")
        print(found)
        return
    last: list[Progress] = []
    keep = _Kept(output if preview else None, frames)
    try:
        with shown(quiet) as show:

            def on_progress(progress: Progress) -> None:
                last[:] = [progress]
                show(progress)
                keep(progress)

            made = transfer.stylize(
                inputs[0], inputs[1:], settings, on_progress=on_progress, **fetched
            )
    except KeyboardInterrupt:
        if last:
            images.write(output, last[0].image)
            print(f"jaxstyle: interrupted; step {last[0].step} is in {output}", file=sys.stderr)
            sys.exit(130)
        raise
    read = manifest.inputs_of(made.facts["settings"], inputs[0], inputs[1:])
    facts = manifest.describe(made, read)
    images.write(output, made.image, settings=manifest.brief(facts))
    manifest.write(manifest.beside(output), facts)
    if made.failure:
        raise ValueError(f"{made.failure}; the last good picture is in {output}")
    if not quiet:
        height, width = made.image.shape[:2]
        _note(f"{output} ({width} × {height}, {made.facts['seconds']:.0f} s)")


@commands.command(short_help="Make a picture for every combination of swept settings.")
@click.argument("content")
@click.argument("style", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="What changes: 0.1,1,10 or 0..3 or linspace(0,1,5) or logspace(-1,2,6), of any setting, "
    "of metric.NAME (a share), METRIC.PARAMETER, content or style; may be given several times.",
)
@click.option(
    "--zip", "zipped", is_flag=True, help="First values together, second values together …"
)
@click.option("--lanes", type=int, help="Cells at a time [default: as memory allows].")
@_setting_flags
@click.option(
    "--coordinator",
    metavar="HOST:PORT",
    help="Work together with other processes, of which the first listens there; auto finds it "
    "on a cluster that JAX knows.",
)
@click.option("--processes", type=int, help="How many processes there are.")
@click.option("--process", type=int, help="Which of them this is, from 0.")
@_OFFLINE
@_QUIET
@_DEBUG
def grid(
    content: str,
    style: tuple[str, ...],
    output: Path,
    sweeps: tuple[str, ...],
    zipped: bool,
    lanes: int | None,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    offline: bool,
    quiet: bool,
    debug: bool,
    **chosen: Any,
) -> None:
    r"""Make a picture of CONTENT and STYLE for every combination of the values that are swept.

    FOLDER gets the pictures, a contact sheet, a page (index.html) and tables (CSV, JSON). The same
    command goes on where it was interrupted: cells that are done are not done again.

    \b
    jaxstyle grid photo.jpg painting.jpg -o grid --sweep "style_weight=logspace(-1,2,6)" \
        --sweep metric=gram,sliced_wasserstein,diverse --sweep seed=0..3
    """
    from jaxstyle import images, manifest, samples, sweep

    pairs = [sweep.parse(each) for each in sweeps]
    swept = dict(pairs)
    if len(swept) < len(pairs):
        raise ValueError("a name is swept twice; give all its values in one --sweep")
    if output.exists() and not output.is_dir():
        raise ValueError(f"expected a folder to write into, {output} is a file")
    if not quiet:
        _note("starting JAX …")
    _keep_compilations()
    first = _join(coordinator, processes, process)
    quiet = quiet or not first
    report = _silent if quiet else _note
    from jaxstyle import grid as grids
    from jaxstyle.folder import Folder
    from jaxstyle.progress import shown
    from jaxstyle.run import Run, Sources

    given = _given(chosen)
    fetched: dict[str, Any] = {"offline": offline, "report": report}
    sources = Sources(**fetched)
    runs, cells = [], []
    shown_inputs: dict[tuple[str, Path], None] = {}
    for values in grids.combinations(swept, zipped):
        settings = grids.cell_settings(values, None, given)
        own = (values.get("content", content), *([values["style"]] if "style" in values else style))
        inputs = [samples.resolve(each, **fetched) for each in own]
        for path in inputs:
            images.check_input(path)
        runs.append(Run(inputs[0], inputs[1:], settings, sources))
        filled = runs[-1].filled()
        cells.append((values, filled, manifest.inputs_of(filled, inputs[0], inputs[1:])))
        shown_inputs |= dict.fromkeys((("content", inputs[0]), *(("style", s) for s in inputs[1:])))
    folder = Folder(output, cells) if first else None
    places = folder.places if folder else (None,) * len(runs)
    done = _agreed([bool(folder and place and folder.done(place)) for place in places])
    left = [number for number in range(len(runs)) if not done[number]]
    if len(left) < len(runs):
        report(f"{len(runs) - len(left)} of {len(runs)} cells are there already")
    waiting = [runs[number] for number in left]
    command = f"jaxstyle {shlex.join(click.get_current_context().obj)}"
    try:
        with shown(quiet) as show:
            made = grids.work(waiting, lanes=lanes, on_progress=show, report=report)
            for number, one in made:
                if folder:
                    folder.keep(folder.places[left[number]], one)
                if one.failure:
                    report(f"{cells[left[number]][0]}: {one.failure}")
    except KeyboardInterrupt:
        if folder:
            folder.finish(shown_inputs, command=command, zipped=zipped)
        print(f"jaxstyle: interrupted; the same command goes on in {output}", file=sys.stderr)
        sys.exit(130)
    if folder:
        folder.finish(shown_inputs, command=command, zipped=zipped)
        report(f"{output / 'index.html'} ({len(runs)} cells)")


@commands.command(short_help="Which objectives make better pictures? Judge them on many pairs.")
@click.option(
    "--contents",
    multiple=True,
    required=True,
    metavar="SET",
    help="A folder, a file, sample:NAME or tfds:NAME/SPLIT; may be given several times.",
)
@click.option("--styles", multiple=True, required=True, metavar="SET", help="Likewise.")
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    required=True,
    metavar="MIXTURE",
    help="Style metrics such as gram=0.5+histogram, or a recipe, for its mixture; several times.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where.",
)
@click.option(
    "--training",
    type=_Numbers(int),
    default=(),
    help="Pairs (content × styles + style) that chose between objectives; not judged by.",
)
@click.option(
    "--judges",
    "networks",
    type=_Layers(),
    default="vgg16,alexnet",
    show_default=True,
    help="Networks of the judges.",
)
@click.option("--title", default="Study", show_default=True, help="Of the report.")
@click.option("--lanes", type=int, help="Pictures at a time [default: as memory allows].")
@_setting_flags
@_OFFLINE
@_QUIET
@_DEBUG
def study(
    output: Path,
    networks: tuple[str, ...],
    quiet: bool,
    debug: bool,
    size: int | None,
    **given: Any,
) -> None:
    """Make a picture of every pair by every objective, and judge them all.

    FOLDER gets a report (index.html), tables, and the pictures. Objectives differ in their style
    metrics; all other settings are common. Judges are metrics and networks that the objective has
    not used. The same command goes on where it was interrupted.
    """
    names = ("contents", "styles", "objectives", "training", "title", "lanes", "offline")
    asked: dict[str, Any] = {name: given.pop(name) for name in names}
    asked["training"] = asked["training"] or ()
    changes = _given(given)
    if "metric" in changes:
        raise ValueError("the style metrics are each objective's own: use --objective")
    report = _silent if quiet else _note
    report("starting JAX …")
    _keep_compilations()
    from jaxstyle.progress import shown
    from jaxstyle.study.study import study as run

    with shown(quiet) as show:
        summary = run(
            folder=output,
            size=size or 128,
            command=f"jaxstyle {shlex.join(click.get_current_context().obj)}",
            on_progress=show,
            report=report,
            networks=networks,
            **asked,
            **changes,
        )
    for line in summary["answer"]:
        print(line)
    report(str(output / "index.html"))


def _join(coordinator: str | None, processes: int | None, process: int | None) -> bool:
    """Join the other processes, if there are any; whether this is the first of all."""
    import jax

    if coordinator == "auto":
        jax.distributed.initialize()
    elif coordinator:
        jax.distributed.initialize(coordinator, processes, process)
    elif processes is not None or process is not None:
        raise ValueError("--processes and --process need a --coordinator")
    return jax.process_index() == 0


def _agreed(answers: list[bool]) -> list[bool]:
    """What the first of all processes answers."""
    import jax

    if jax.process_count() == 1:
        return answers
    import numpy as np
    from jax.experimental import multihost_utils

    return [bool(each) for each in multihost_utils.broadcast_one_to_all(np.array(answers))]


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
@click.option("--size", type=int, help="Longest side, pixels (default: as the files are).")
@click.option("--backbone", default="vgg16", help="Network of metrics without their own.")
@_JSON
@_OFFLINE
@_DEBUG
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

    Similarities are shown as distances: ssim is 1 - SSIM, psnr the decibels under 40.
    """
    from jaxstyle import images, samples
    from jaxstyle.metrics import find

    for name in metrics:
        find(name.partition("~")[0])
    paths = [samples.resolve(each, offline=offline, report=_note) for each in (picture, reference)]
    pictures = [images.read(path, size=size) for path in paths]
    _keep_compilations()
    from jaxstyle.judges import JUDGES, judge

    rows = []
    for name in metrics or JUDGES:
        distance = judge(name, backbone=backbone, offline=offline, report=_note)
        rows.append({"name": name, "distance": float(distance(pictures[0], pictures[1]))})
    if not as_json:
        rows = [{"name": row["name"], "distance": f"{row['distance']:.6g}"} for row in rows]
    _show(rows, as_json, ("name", "distance"))


@commands.command("samples", short_help="List the sample pictures.")
@_JSON
@_DEBUG
def list_samples(as_json: bool, debug: bool) -> None:
    """List the pictures that `sample:NAME` stands for."""
    from jaxstyle import samples

    rows = samples.listing()
    _show(rows, as_json, ("name", "kind", "title", "credit", "license", "status"))


@commands.command("metrics", short_help="List the similarity metrics.")
@_JSON
@_DEBUG
def list_metrics(as_json: bool, debug: bool) -> None:
    """List what pictures can be compared by, for --metric and --content-metric."""
    from jaxstyle.metrics import KINDS, METRICS

    rows = [
        {
            "name": metric.name,
            "kind": kind,
            "meaning": metric.meaning,
            "cost": metric.cost,
            "paper": metric.paper,
            "layers": list(metric.layers),
            "symmetric": metric.symmetric,
        }
        for kind in KINDS
        for metric in METRICS[kind].values()
    ]
    for row in () if as_json else rows:
        row["name"] = f"{row['kind']:8}{row['name']:25}"
    _show(rows, as_json, ("name", "meaning", "cost", "paper"))


@commands.command("recipes", short_help="List the recipes: a paper's settings by name.")
@_JSON
@_DEBUG
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
@_DEBUG
def cite(recipe: str, debug: bool) -> None:
    """Print the BibTeX of what RECIPE comes from."""
    from jaxstyle.recipes import find

    print(find(recipe).bibtex)


@commands.group("weights", short_help="Pretrained networks: list, path, fetch, import.")
def weights_commands() -> None:
    """Pretrained networks: what there is, where it is, and how to get it."""


@weights_commands.command("list")
@_JSON
@_DEBUG
def list_weights(as_json: bool, debug: bool) -> None:
    """List the networks by name."""
    from jaxstyle import packages
    from jaxstyle.backbones import weights

    rows = weights.listing()
    if not as_json:
        rows = [{**row, "MB": packages.megabytes(row["bytes"])} for row in rows]
    _show(rows, as_json, ("name", "layers", "source", "license", "MB", "status", "where"))


@weights_commands.command("path")
@click.argument("name")
@_DEBUG
def weights_path(name: str, debug: bool) -> None:
    """Print where the file of the network NAME lies."""
    from jaxstyle.backbones import weights

    print(weights.path(name))


@weights_commands.command("fetch")
@click.argument("name")
@_DEBUG
def fetch_weights(name: str, debug: bool) -> None:
    """Fetch the network NAME, checked by its SHA-256."""
    from jaxstyle.backbones import weights

    print(weights.fetch(name, report=_note))


@weights_commands.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@_DEBUG
def import_weights(name: str, file: Path, debug: bool) -> None:
    """Take FILE (.pth, .safetensors, .npz, Keras .h5, .onnx) as the network NAME."""
    from jaxstyle.backbones import weights

    weights.import_file(name, file, report=_note)


def _show(rows: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['name']:18}" + " · ".join(str(row[c]) for c in columns[1:] if row[c]))


class _Kept:
    """Writes the picture as it stands: to the output now and then, and as numbered frames."""

    def __init__(self, output: Path | None, frames: Path | None) -> None:
        self._output, self._frames, self._count, self._last = output, frames, 0, 0.0
        if frames:
            frames.mkdir(parents=True, exist_ok=True)

    def __call__(self, progress: Progress) -> None:
        from jaxstyle import images

        if self._output and progress.seconds - self._last >= _PREVIEW_SECONDS:
            images.write(self._output, progress.image)
            self._last = progress.seconds
        if self._frames:
            images.write(self._frames / f"{self._count:05}.png", progress.image)
            self._count += 1


_PREVIEW_SECONDS = 3.0


def _given(chosen: dict[str, Any]) -> dict[str, Any]:
    """The settings that were said, not left at their defaults."""
    source = click.get_current_context().get_parameter_source
    return {
        name: value for name, value in chosen.items() if source(name) is not ParameterSource.DEFAULT
    }


def _silent(line: str) -> None:
    pass


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _keep_compilations() -> None:
    """A second run of the same sizes then compiles nothing."""
    import os

    import jax

    from jaxstyle.packages import cache_folder

    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


if __name__ == "__main__":
    main()
