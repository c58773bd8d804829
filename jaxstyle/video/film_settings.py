"""What a film is made with besides the settings of its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.names import nearest

TemporalName = Literal["squared", "absolute"]
FORMATS = ("mp4", "m4v", "mov", "mkv", "webm", "frames")
"""What a film of several is written as: a file, or a folder of frames."""
_MOST_DISTANCES = 16


@dataclass(frozen=True)
class FilmSettings:
    """How frames follow one another.

    Attributes:
        temporal_weight: How hard a frame is pulled towards earlier frames, moved along the optical
            flow. Like every weight it is in units of the calibrated gradient; 0 leaves only the
            warped start.
        temporal_metric: By squared or absolute distance.
        distances: How many frames ago the frames are with which a frame is compared, ascending;
            each pixel with the nearest that shows it. Long-term consistency is `(1, 10, 20)`.
        frame_steps: Steps of a frame that starts from the one before. The first frame, and the
            first after a cut, takes the steps of a picture, from coarse to fine.
        warp: Whether frames start from the one before, moved along the flow; else each takes the
            steps of a picture, and is compared with none.
        passes: 1, or 2: forward, then backward over the whole film, each frame from the mean of
            itself and its moved successor.
        cut: A frame that shows less than this part of what the frame before shows is the first of
            another scene; 0 for no cuts.

    >>> FilmSettings(distances=(1, 10)).distances
    (1, 10)
    """

    temporal_weight: float = 10.0
    temporal_metric: TemporalName = "squared"
    distances: tuple[int, ...] = (1,)
    frame_steps: int = 15
    warp: bool = True
    passes: int = 1
    cut: float = 0.35

    def __post_init__(self) -> None:
        """Check every value, and give it its one form.

        Raises:
            ValueError: A value out of its range.
        """
        set_ = object.__setattr__
        set_(
            self,
            "temporal_weight",
            arguments.number("temporal_weight", self.temporal_weight, low=0),
        )
        set_(self, "frame_steps", arguments.number("frame_steps", self.frame_steps, int, low=1))
        set_(self, "passes", arguments.number("passes", self.passes, int, low=1, high=2))
        set_(self, "cut", arguments.number("cut", self.cut, low=0, high=1))
        set_(self, "warp", arguments.flag("warp", self.warp))
        set_(self, "distances", _distances(self.distances))
        known = get_args(TemporalName)
        if self.temporal_metric not in known:
            raise ValueError(
                f"expected temporal_metric to be {' or '.join(known)}, got "
                f"{shown(self.temporal_metric)}{nearest(str(self.temporal_metric), known)}"
            )
        if self.passes > 1 and not self.warp:
            raise ValueError("expected warp with two passes: the second starts from moved frames")

    def to_plain(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        return {**asdict(self), "distances": list(self.distances)}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> FilmSettings:
        """Return the settings that JSON holds.

        Raises:
            ValueError: A setting that does not exist, or a value out of its range.
        """
        unknown = [name for name in data if name not in cls.__dataclass_fields__]
        if unknown:
            raise ValueError(f"expected film settings, got {', '.join(unknown)}")
        return cls(**cast("dict[str, Any]", dict(data)))


def _distances(value: Any) -> tuple[int, ...]:
    given = value if isinstance(value, (tuple, list)) else (value,)
    distances = tuple(arguments.number("every distance", one, int, low=1) for one in given)
    if not 1 <= len(distances) <= _MOST_DISTANCES or list(distances) != sorted({*distances}):
        raise ValueError(
            f"expected distances as 1 to {_MOST_DISTANCES} ascending numbers, got {shown(value)}"
        )
    return distances
