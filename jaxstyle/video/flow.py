"""Optical flow: where in one frame lies what another shows.

A flow of one frame towards another holds, for each pixel of the one, how many pixels to the right
and down the same thing lies in the other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import map_coordinates

from jaxstyle._util.files import write_whole
from jaxstyle.image.color import LUMINANCE
from jaxstyle.image.geometry import Picture, bilinear
from jaxstyle.video.needs import opencv

Flow = Float[np.ndarray, "_h _w 2"]
Gray = UInt8[np.ndarray, "_h _w"]

_MARK = b"PIEH"
"""What a .flo file begins with: the bytes of the number 202021.25."""
_LARGEST_SIDE = 2**16
_UNKNOWN = 1e9
"""A .flo file marks what is unknown by greater numbers."""
_LEAST_SIDE = 16
"""Pixels a side that the estimator's patches need."""


def gray_of(picture: Picture) -> Gray:
    """Return the luma of a picture, from 0 to 255, which flow is estimated from."""
    return np.round(255 * (picture @ np.array(LUMINANCE))).clip(0, 255).astype(np.uint8)


def estimate(one: Gray, other: Gray) -> Flow:
    """Estimate the flow from one frame towards another.

    Both frames have one shape; small ones are padded by their edges.

    Raises:
        ValueError: OpenCV, of the extra `video`, is not installed.

    References:
        Kroeger, Timofte, Dai & Van Gool, "Fast Optical Flow using Dense Inverse Search" (ECCV
        2016), in OpenCV's implementation, down to the pixels of the finest scale, where OpenCV's
        presets stop at a half or a quarter: the frames are small.
    """
    cv2 = opencv()
    height, width = one.shape
    padding = [(0, max(0, _LEAST_SIDE - side)) for side in one.shape]
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    frames = [np.ascontiguousarray(np.pad(frame, padding, mode="edge")) for frame in (one, other)]
    flow: Flow = search.calc(*frames, None)
    return flow[:height, :width].astype(np.float32)


def move(picture: np.ndarray, flow: Flow, order: int = 3) -> np.ndarray:
    """Move a picture to where the flow comes from: the result at p is the picture at p + flow(p).

    Args:
        picture: Of shape (height, width) or (height, width, channels), as large as the flow.
        flow: From where the result is towards the picture.
        order: Of the splines that interpolate: 1 is linear, 3 keeps what is sharp.

    Returns:
        float32. Beyond its edges the picture has the color of the edge.
    """
    rows, columns = np.indices(flow.shape[:2], dtype=np.float64)
    places = np.stack([rows + flow[..., 1], columns + flow[..., 0]])
    planes = picture.reshape(*picture.shape[:2], -1)
    moved = [
        map_coordinates(planes[..., k], places, np.float32, order=order, mode="nearest")
        for k in range(planes.shape[2])
    ]
    return np.stack(moved, axis=-1).reshape(flow.shape[:2] + picture.shape[2:])


def resize_flow(flow: Flow, shape: tuple[int, int]) -> Flow:
    """Resample a flow to (height, width), its vectors in pixels of the new size."""
    if flow.shape[:2] == shape:
        return flow
    rows, columns = (bilinear(old, new) for old, new in zip(flow.shape, shape, strict=False))
    resized = np.einsum("rh,hwk,cw->rck", rows, flow, columns, optimize=True)
    factors = shape[1] / flow.shape[1], shape[0] / flow.shape[0]
    return (resized * factors).astype(np.float32)


def read_flow(path: str | Path) -> Flow:
    """Read a flow file (.flo, of the Middlebury benchmark).

    Raises:
        ValueError: It is no flow file, it is cut off, or a vector of it is unknown.
        OSError: It cannot be read.
    """
    data = Path(path).read_bytes()
    if not data.startswith(_MARK) or len(data) < 12:
        raise ValueError(f"{path} is not a .flo file: it does not begin with PIEH")
    width, height = (int(side) for side in np.frombuffer(data, "<i4", 2, offset=4))
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        raise ValueError(f"{path} is damaged: it says that it is {width} × {height}")
    if len(data) != 12 + 8 * width * height:
        raise ValueError(
            f"{path} is damaged: expected {12 + 8 * width * height} bytes of {width} × {height} "
            f"vectors, got {len(data)}"
        )
    flow = np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2)
    if not (np.abs(flow) < _UNKNOWN).all():
        raise ValueError(f"{path} holds vectors that are unknown or not finite")
    return flow.astype(np.float32)


def write_flow(path: str | Path, flow: Flow) -> None:
    """Write a flow file (.flo), whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    height, width = flow.shape[:2]
    header = _MARK + np.array([width, height], "<i4").tobytes()
    write_whole(path, lambda file: file.write(header + flow.astype("<f4").tobytes()))
