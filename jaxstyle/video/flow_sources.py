"""Where the flow between two frames comes from: an estimate, or files."""

from __future__ import annotations

from pathlib import Path

from jaxstyle._util import arguments
from jaxstyle.image.geometry import have_same_proportions
from jaxstyle.video.flow import Flow, Gray, estimate, read_flow, resize_flow
from jaxstyle.video.needs import opencv
from jaxstyle.video.painter import Flows


def flows_from(folder: str | Path | None) -> Flows:
    """Return a function that gives the flow from a frame towards another, and back.

    Args:
        folder: Of flow files, named as the code of Ruder et al. names them: `forward_1_2.flo` from
            the first frame towards the second, `backward_2_1.flo` back; both for each distance of
            the film. None to estimate the flow.

    Raises:
        ValueError: There is no such folder; or OpenCV is needed, and not installed.
    """
    if folder is None:
        opencv()
        return estimated
    path = arguments.path("flow", folder)
    if not path.is_dir():
        raise ValueError(f"expected flow as a folder of .flo files, got {path}")

    def from_files(number: int, gray: Gray, other: int, other_gray: Gray) -> tuple[Flow, Flow]:
        shape = gray.shape[0], gray.shape[1]
        return (
            _read(path / _name(number, other), shape),
            _read(path / _name(other, number), shape),
        )

    return from_files


def estimated(number: int, gray: Gray, other: int, other_gray: Gray) -> tuple[Flow, Flow]:
    """Estimate the flow from a frame towards another, and back."""
    del number, other
    return estimate(gray, other_gray), estimate(other_gray, gray)


def _name(one: int, other: int) -> str:
    """Return the name of the flow from a frame towards another.

    >>> _name(0, 1), _name(1, 0)
    ('forward_1_2.flo', 'backward_2_1.flo')
    """
    way = "forward" if one < other else "backward"
    return f"{way}_{one + 1}_{other + 1}.flo"


def _read(path: Path, shape: tuple[int, int]) -> Flow:
    if not path.exists():
        raise FileNotFoundError(f"there is no flow file {path}")
    flow = read_flow(path)
    if not have_same_proportions(flow.shape, shape):
        raise ValueError(
            f"{path} is {flow.shape[1]} × {flow.shape[0]}, and frames are {shape[1]} × {shape[0]}"
        )
    return resize_flow(flow, shape)
