"""The calibration constants of a job, one scale after the other."""

from __future__ import annotations

import numpy as np

from jaxstyle.objective.calibration import Constants, given_constants
from jaxstyle.objective.objective import Objective
from jaxstyle.transfer.geometry import pictures_at
from jaxstyle.transfer.job import Job
from jaxstyle.transfer.steppers.whole import CALIBRATED, WholeStepper, calibrate


class JobConstants:
    """Calibration constants, given or computed where a scale begins.

    Attributes:
        by_size: The constants so far, by the longest side in pixels.
    """

    def __init__(self, job: Job) -> None:
        """Nothing is computed yet.

        Raises:
            ValueError: The constants that the settings give do not fit the terms or the scales.
        """
        self._job = job
        self.by_size: dict[int, Constants] = {}
        given = job.settings.calibration
        if given is not None:
            assert not isinstance(given, str)  # `make_job` reads the file
            sizes = [scale.size for scale in job.scales]
            by_scale = given_constants(given, job.names, job.terms, len(sizes))
            self.by_size = dict(zip(sizes, by_scale, strict=True))

    def at(self, size: int, prepared: Objective | None = None) -> Constants | None:
        """Return the constants at a size; None for a run that is not calibrated.

        Args:
            size: Longest side, pixels.
            prepared: The targets of the whole picture at that size, if they are known.
        """
        if size not in self.by_size and self._job.settings.calibrate:
            self.by_size[size] = self._computed(size, prepared)
        return self.by_size.get(size)

    def plain(self) -> dict[str, list[list[float]]]:
        """Return the constants so far as a manifest holds them: by term, scale and layer."""
        sizes = sorted(self.by_size)
        return {
            name: [np.asarray(self.by_size[size][number]).tolist() for size in sizes]
            for number, name in enumerate(self._job.names)
            if sizes
        }

    def _computed(self, size: int, prepared: Objective | None) -> Constants:
        job, at = self._job, min(size, CALIBRATED)
        if prepared is None or at < size:
            prepared = WholeStepper(job).targets(at)
        pictures = pictures_at(job, at)
        constants = calibrate(job.params, prepared, *pictures, extract=job.extract)
        if at < size:
            constants = tuple(scales * (size / at) ** 2 for scales in constants)
        return constants
