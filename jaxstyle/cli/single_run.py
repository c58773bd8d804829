"""One run of `stylize` on the command line: from checked arguments to a picture."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxstyle._util.log import logger
from jaxstyle.cli.json_output import picture_object, write_object
from jaxstyle.cli.saving import STANDARD_OUTPUT, save, write_to_standard_output
from jaxstyle.cli.snapshots import Snapshots
from jaxstyle.cli.streams import write_message
from jaxstyle.cli.terminal import DeferredInterrupt, exit_status, show_progress, stop_insisting

if TYPE_CHECKING:
    from jaxstyle.cli.step_log import StepLog, TensorBoard
    from jaxstyle.image.encode import Encoding
    from jaxstyle.settings import Settings
    from jaxstyle.transfer.checkpoint import Checkpoints
    from jaxstyle.transfer.earlier import Earlier
    from jaxstyle.transfer.job import Devices, Job
    from jaxstyle.transfer.manifest import Manifest
    from jaxstyle.transfer.manifest_paths import Inputs
    from jaxstyle.transfer.result import Progress, Result


@dataclass(frozen=True)
class SingleRun:
    """What a run is asked for.

    Attributes:
        inputs: The content, and the styles, as `stylize` takes them.
        settings: Its settings.
        output: The picture's file, or `STANDARD_OUTPUT`.
        suffix: The extension of what goes to standard output.
        encoding: How the file is written, as `Result.save` takes it.
        frames: A folder for pictures of every few steps.
        preview: Whether the unfinished picture is written, too.
        resume: Whether to resume from a checkpoint.
        checkpoint_seconds: Between two checkpoints.
        logs: What writes each step's losses.
        log: The file that one of them writes.
        as_json: Whether to print what was made as JSON.
        offline: Whether nothing is fetched.
        devices: Among which the picture is divided.
        earlier: What came before, if it continues a picture.
        more_inputs: Other files of which the manifest has to know, by role.
    """

    inputs: Sequence[Any]
    settings: Settings
    output: Path
    suffix: str = ".png"
    encoding: dict[str, Any] = field(default_factory=dict)
    frames: Path | None = None
    preview: bool = False
    resume: bool = False
    checkpoint_seconds: float = 0.0
    logs: Sequence[StepLog | TensorBoard] = ()
    log: Path | None = None
    as_json: bool = False
    offline: bool = False
    devices: Devices | None = None
    earlier: Earlier | None = None
    more_inputs: Inputs = field(default_factory=dict)

    def __call__(self) -> None:
        """Run it, and say what was made.

        Raises:
            ValueError: A picture or a setting that cannot be used; a loss that is not finite.
            OSError: A file that cannot be read or written.
        """
        to_file = self.output != STANDARD_OUTPUT
        result = self._to_file() if to_file else self._to_standard_output()
        if result is None:
            return
        height, width = result.image.shape[:2]
        if self.as_json:
            self._print(result.manifest(), (height, width))
        if result.failure:
            where = f"in {self.output}" if to_file else "on standard output"
            raise ValueError(f"{result.failure}; the last good picture is {where}")
        name = self.output if to_file else "standard output"
        seconds = result.facts["seconds"]
        # Without steps, what took time came before the run.
        took = f", {seconds:.0f} s" if seconds >= 0.5 else ""
        logger.info("%s (%d × %d%s)", name, width, height, took)

    def _to_file(self) -> Result | None:
        """Run with snapshots and checkpoints; None if the picture is done already."""
        from jaxstyle._util.lock import exclusive_lock
        from jaxstyle.image.encode import Encoding
        from jaxstyle.image.io import check_output
        from jaxstyle.transfer.checkpoint import Checkpoints
        from jaxstyle.transfer.job import identity
        from jaxstyle.transfer.stylize import run_job

        encoding = Encoding(**self.encoding)
        snapshots = Snapshots(
            self.output, self.frames, encoding, preview=self.preview, resume=self.resume
        )
        checkpoints = Checkpoints(self.output)
        locks = exclusive_lock(*snapshots.outputs, *([self.log] if self.log else []))
        try:
            with locks, self._progress(snapshots) as on_progress:
                job = self._job()
                check_output(self.output, job.original.shape, encoding)
                if self.resume and self._is_done(job, encoding, checkpoints):
                    return None
                checkpoints = Checkpoints(self.output, [identity(job)], self.checkpoint_seconds)
                result = run_job(
                    job, on_progress=on_progress, checkpoints=checkpoints, resume=self.resume
                )
                save(result, self.output, checkpoints, self.encoding)
                return result
        except KeyboardInterrupt as stop:
            stop_insisting()
            saved = snapshots.save()
            if not saved:
                raise
            hint = "; --resume continues the run" if checkpoints.exist else ""
            write_message(f"jaxstyle: interrupted; {saved}{hint}")
            sys.exit(exit_status(stop))

    def _to_standard_output(self) -> Result:
        """Run with nothing beside the picture."""
        from jaxstyle.transfer.stylize import run_job

        with self._progress() as on_progress:
            result = run_job(self._job(), on_progress=on_progress)
            write_to_standard_output(result, self.suffix, self.encoding)
        return result

    def _job(self) -> Job:
        from jaxstyle.transfer.make_job import make_job
        from jaxstyle.transfer.sources import Sources

        sources = Sources(offline=self.offline)
        job = make_job(self.inputs[0], self.inputs[1:], self.settings, sources)
        inputs = {**job.inputs, **self.more_inputs}
        return replace(job, earlier=self.earlier, inputs=inputs).over(self.devices)

    @contextmanager
    def _progress(
        self, *listeners: Callable[[Progress], object]
    ) -> Iterator[Callable[[Progress], object]]:
        """Return what is called between chunks of steps, and may raise a `KeyboardInterrupt`."""
        with ExitStack() as stack:
            interrupt = stack.enter_context(DeferredInterrupt())
            show = stack.enter_context(show_progress())
            for log in self.logs:
                stack.callback(log.close)

            def on_progress(progress: Progress) -> None:
                for listener in (*listeners, *self.logs, show):
                    listener(progress)
                interrupt.between_steps()

            yield on_progress

    def _is_done(self, job: Job, encoding: Encoding, checkpoints: Checkpoints) -> bool:
        """Whether there is nothing to resume, because the picture is finished.

        Raises:
            ValueError: It is finished, but of another run, or written in another way.
        """
        from jaxstyle.transfer import manifest
        from jaxstyle.transfer.job import resolved_settings

        facts = (resolved_settings(job), job.inputs, job.networks.checksums())
        done = manifest.finished(self.output, *facts)
        if done and encoding.from_plain(done.get("output", {})) != encoding:
            raise ValueError(
                f"{self.output} is finished, and was written with other bits, quality, resolution "
                f"or metadata; replay {manifest.beside(self.output)} to write it with these"
            )
        if done:
            logger.info("%s is already done", self.output)
            checkpoints.clear()
            if self.as_json:
                self._print(done, job.original.shape[:2])
        elif not checkpoints.exist:
            manifest.check_unfinished(self.output, facts[0], job.inputs)
        return done is not None

    def _print(self, facts: Manifest, shape: tuple[int, ...]) -> None:
        height, width = shape
        write_object(picture_object(self.output, facts, width, height))
