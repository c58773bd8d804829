"""Options of one run, which `stylize` and `texture` share, and how it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from jaxstyle._util.inputs import NamedContent, is_address
from jaxstyle.cli.inputs import picture_input
from jaxstyle.cli.options import PATH, Function, Parsed
from jaxstyle.cli.output_options import FORMATS, output_file_options, output_option
from jaxstyle.cli.saving import STANDARD_OUTPUT, check_standard_output
from jaxstyle.cli.single_run import SingleRun
from jaxstyle.cli.snapshots import check_frames
from jaxstyle.cli.step_log import StepLog, TensorBoard, check_log
from jaxstyle.kinds import Number
from jaxstyle.settings import CHECKPOINT_SECONDS, Settings, guides
from jaxstyle.specs import is_init

if TYPE_CHECKING:
    from jaxstyle.transfer.earlier import Earlier
    from jaxstyle.transfer.job import Devices
    from jaxstyle.transfer.manifest_paths import Inputs

Input = str | Path | NamedContent


def _devices(text: str) -> Devices:
    """Parse a number of devices, or all."""
    return "all" if text == "all" else Number(type=int, low=1).parse(text)


_BEFORE = (
    output_option(
        "-o", "--output", type=PATH, help="PNG, JPEG, WebP or TIFF file; - for standard output."
    ),
    output_option(
        "--format", "format", type=click.Choice(FORMATS), help="Of standard output [default: png]."
    ),
)
_AFTER = (
    output_option(
        "--plan",
        is_flag=True,
        help="Only print how much memory the run would take; no output is needed.",
    ),
    output_option(
        "--preview", is_flag=True, help="Write the unfinished picture every few seconds."
    ),
    output_option(
        "--frames",
        type=PATH,
        metavar="FOLDER",
        help="Write a picture every few steps, for an animation.",
    ),
    output_option(
        "--resume", is_flag=True, help="Resume from the last checkpoint, if there is one."
    ),
    output_option(
        "--checkpoint-seconds",
        type=click.FloatRange(min=0),
        default=CHECKPOINT_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="Seconds between two checkpoints: files beside the output, removed at the end.",
    ),
    output_option(
        "--devices",
        type=Parsed("all|NUMBER", _devices),
        help="Divide the picture among all devices, or the first so many: more pixels than one "
        "holds.",
    ),
    output_option("--json", "as_json", is_flag=True, help="Print what was made as JSON."),
    output_option(
        "--log",
        type=PATH,
        metavar="FILE",
        help="Write the losses of every step to FILE, as they come: a line of JSON each.",
    ),
    output_option(
        "--tensorboard",
        type=PATH,
        metavar="FOLDER",
        help="Write them to FOLDER for TensorBoard (needs the extra `tensorboard`).",
    ),
)


@dataclass(frozen=True)
class RunOptions:
    """What the command line says of a run besides its pictures and settings."""

    output: Path | None
    format: str | None
    encoding: dict[str, Any]
    plan: bool
    preview: bool
    frames: Path | None
    resume: bool
    checkpoint_seconds: float
    devices: Devices | None
    as_json: bool
    log: Path | None
    tensorboard: Path | None

    def check_target(self) -> None:
        """Refuse an output that cannot be written as it is asked for.

        Raises:
            ValueError: It cannot be written in that way.
            click.MissingParameter: There is none, and more than a plan is asked for.
        """
        from jaxstyle.image.encode import Encoding, check_encoding
        from jaxstyle.image.io import check_output, format_of

        if self.output is None:
            if self.plan:
                return
            raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
        encoding = Encoding(**self.encoding)
        if self.output == STANDARD_OUTPUT:
            # What only a file can have.
            names = ("preview", "frames", "resume", "as_json")
            for name in (name for name in names if getattr(self, name)):
                option = name.removeprefix("as_")
                raise ValueError(
                    f"expected a file as --output with --{option}, got standard output"
                )
            check_encoding(format_of(f"-.{self.format or 'png'}"), "standard output", encoding)
            check_standard_output()
            return
        if self.format is not None:
            raise ValueError(
                "expected --format with --output - alone: a file's name says its format"
            )
        check_output(self.output, encoding=encoding)

    def open_logs(self, read: Sequence[Input]) -> list[StepLog | TensorBoard]:
        """Refuse to write over what is read, or over what is not a picture of jaxstyle's.

        Returns:
            Where each step's losses are to be written.

        Raises:
            ValueError: A file would be overwritten, or the package of a log is missing.
        """
        from jaxstyle.transfer import manifest

        paths = [path for path in read if not isinstance(path, NamedContent)]
        to_file = self.output and self.output != STANDARD_OUTPUT
        if self.output and to_file:
            manifest.check(self.output, paths)
            check_frames(self.frames, self.output, paths, resume=self.resume)
        written = [self.output, manifest.beside(self.output)] if self.output and to_file else []
        check_log(self.log, written, paths)
        logs: list[StepLog | TensorBoard] = []
        if self.log:
            logs.append(StepLog(self.log, resume=self.resume))
        if self.tensorboard:
            logs.append(TensorBoard(self.tensorboard))
        return logs

    def start(
        self,
        inputs: Sequence[Any],
        settings: Settings,
        logs: Sequence[StepLog | TensorBoard],
        *,
        offline: bool,
        earlier: Earlier | None = None,
        more_inputs: Inputs = MappingProxyType({}),
    ) -> None:
        """Run, or print the plan. The first of the inputs is the content, None for a texture."""
        if self.plan or not self.output:
            self._print_plan(inputs, settings, offline)
            return
        SingleRun(
            inputs,
            settings,
            self.output,
            suffix=f".{self.format or 'png'}",
            encoding=self.encoding,
            frames=self.frames,
            preview=self.preview,
            resume=self.resume,
            checkpoint_seconds=self.checkpoint_seconds,
            logs=logs,
            log=self.log,
            as_json=self.as_json,
            offline=offline,
            devices=self.devices,
            earlier=earlier,
            more_inputs=more_inputs,
        )()

    def _print_plan(self, inputs: Sequence[Any], settings: Settings, offline: bool) -> None:
        from jaxstyle.transfer import memory
        from jaxstyle.transfer.make_job import make_job
        from jaxstyle.transfer.sources import Sources

        job = make_job(inputs[0], inputs[1:], settings, Sources(offline=offline))
        chosen = memory.plan(job.over(self.devices))
        for need in chosen.tried if len(chosen.tried) > 1 else ():
            print(f"{memory.layout_name(need.layout):24} {need.peak / memory.GIB:8.2f} GiB")
        print(chosen)


def run_options(command: Function) -> Function:
    """Add the options of one run; the command receives them as `run`, a `RunOptions`."""
    names = [field.name for field in fields(RunOptions)]

    @wraps(command)
    def with_run(*args: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in names}
        return command(*args, run=RunOptions(**given), **values)

    for option in reversed(_AFTER):
        with_run = option(with_run)
    with_run = output_file_options(with_run)
    for option in reversed(_BEFORE):
        with_run = option(with_run)
    return with_run  # type: ignore[return-value]


def files_of(settings: Settings, offline: bool) -> list[Input]:
    """Return the files that settings name, which are checked where they have to be pictures."""
    from jaxstyle import samples

    init = str(settings.init)
    pictures = [file for files in guides(settings).values() for file in files]
    pictures += [settings.color_from] if settings.color_from else []
    pictures += [init] if is_address(init) else []
    files = [picture_input(str(f), offline=offline, standard_input=False) for f in pictures]
    if not is_init(init) and not is_address(init):
        files.append(samples.resolve(init, offline=offline))
    return [*files, *([settings.calibration] if isinstance(settings.calibration, str) else [])]
