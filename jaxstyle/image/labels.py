"""Label maps: pictures of flat colors or of numbers of classes, each of which names a region."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from jaxstyle.image import modes
from jaxstyle.image.arguments import as_array
from jaxstyle.image.decode import turn_of, upright, with_image
from jaxstyle.image.flat_colors import LOSSY, MOST, NOISE, FlatColors, Indices, flat_colors
from jaxstyle.image.io import check_file
from jaxstyle.image.load import ImageLike, image_of
from jaxstyle.image.modes import RefusedError


class Label(NamedTuple):
    """One label of a map."""

    number: int | None  # of its class; None in a map of colors
    color: str | None  # "#rrggbb"; None in a map of numbers beyond 8 bits
    share: float  # of the map

    def __str__(self) -> str:
        """Return the name that asks for it."""
        return str(self.color if self.number is None else self.number)

    @property
    def is_background(self) -> bool:
        """Whether it is black, or number 0 of a map without colors."""
        return self.color == "#000000" if self.color else self.number == 0


class LabelMap(NamedTuple):
    """A map of labels.

    Attributes:
        indices: Which label each pixel has; -1 where the map is transparent.
        labels: By number, or, of a map of colors, as they come when it is read.
        turned: Whether an EXIF orientation of its own turned it.
    """

    indices: Indices
    labels: tuple[Label, ...]
    turned: bool = False

    def mask(self, number: int) -> np.ndarray:
        """Return 1 where the label of this place among `labels` is, and 0 elsewhere."""
        return (self.indices == number).astype(np.float32)

    def chosen(self, names: Sequence[str] = ()) -> tuple[int, ...]:
        """Return the places among `labels` of those named, or of all but the background.

        Args:
            names: Numbers, or colors such as `"#ff0000"` and `"#f00"`.

        Raises:
            ValueError: There is no such label, or it is named twice.
        """
        if not names:
            return tuple(n for n, label in enumerate(self.labels) if not label.is_background)
        places = tuple(self._place(name) for name in names)
        if len(set(places)) < len(places):
            raise ValueError(f"expected every label once, got {', '.join(names)}")
        return places

    def listing(self) -> str:
        """Return all labels with their shares, in one line.

        >>> load_labels(np.array([[0, 7, 7, 7]])).listing()
        '0 (25%, background), 7 (75%)'
        """

        def described(label: Label) -> str:
            facts = [f"{label.share:.0%}"]
            if label.number is not None and label.color and len({*_color(label.color)}) > 1:
                facts.append(label.color)
            return f"{label} ({', '.join(facts + ['background'] * label.is_background)})"

        return ", ".join(map(described, self.labels))

    def _place(self, name: str) -> int:
        word = name.strip().lower()
        if word.startswith("#"):
            color = _color(name)
            distances = [
                np.abs(_color(label.color) - color).max() if label.color else 256
                for label in self.labels
            ]
            nearest = int(np.argmin(distances))
            if distances[nearest] <= NOISE:
                return nearest
        else:
            for place, label in enumerate(self.labels):
                if word == str(label.number):
                    return place
        raise ValueError(f"there is no label {name} among {self.listing()}")


def load_labels(source: ImageLike, name: str = "the label map") -> LabelMap:
    """Load a label map from whatever holds it.

    Understood are palettes (each index a label, with the palette's color), gray of 8 or 16 bits and
    arrays of integers (numbers of classes, be they 0, 1, 2 or 0, 128, 255), and flat colors, whose
    noise after compression is taken away. Labels are never blended. EXIF orientation is applied.

    >>> load_labels(np.array([[3, 3, 0, 5]])).labels[2]
    Label(number=5, color=None, share=0.25)

    Raises:
        ValueError: It is no picture, or no label map: a photograph, or more than 64 labels.
        OSError: The file is missing or may not be read.
    """
    if isinstance(source, (str, os.PathLike)):
        check_file(source)
        return with_image(Path(source), os.fspath(source), _of_image)
    opened = image_of(source, name)
    if opened is not None:
        return with_image(opened, name, _of_image)
    array = as_array(source, name)
    if array.dtype == np.uint8 and array.size and array.shape[2:] in ((), (3,), (4,)):
        return with_image(Image.fromarray(array), name, _of_image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    is_number = array.dtype.kind in "biu" or (
        array.dtype.kind == "f" and bool((array == np.round(array)).all())
    )
    if array.ndim != 2 or not array.size or not is_number:
        raise ValueError(
            f"expected {name} as numbers of classes of shape (height, width), or as uint8 colors "
            f"of shape (height, width, 3), got {array.dtype} of shape {array.shape}"
        )
    try:
        return _of_numbers(array.astype(np.int64), None)
    except RefusedError as error:
        raise ValueError(f"cannot use {name}: {error}") from None


def _of_image(image: Image.Image) -> LabelMap:
    quirks = modes.quirks_of(image)
    is_lossy = image.format in LOSSY
    image.load()
    turn = turn_of(image)
    return _of_upright(upright(image), quirks, is_lossy)._replace(turned=turn is not None)


def _of_upright(image: Image.Image, quirks: modes.Quirks, is_lossy: bool) -> LabelMap:
    if image.mode == "P" and quirks.transparency is None:
        return _of_numbers(np.asarray(image), palette_of(image))
    if image.mode == "F" or image.mode.startswith("I"):
        levels = np.asarray(image)
        if not (levels == np.round(levels)).all():
            raise RefusedError("its values are no whole numbers: expected numbers of classes")
        return _of_numbers(levels.astype(np.int64), None)
    planes = modes.standard(image, quirks)
    colors = np.asarray(planes.colors)
    gray = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    hidden = None if planes.alpha is None else np.asarray(planes.alpha) < 128
    red, others = colors[..., 0], (colors[..., 1], colors[..., 2])
    is_gray = all((red == other).all() for other in others)
    is_few = np.count_nonzero(np.bincount(red.ravel())) <= MOST
    if is_gray and is_few and not is_lossy and hidden is None:
        return _of_numbers(colors[..., 0], gray)
    if hidden is not None and hidden.any():
        colors = np.where(hidden[..., None], np.uint8(0), colors)
    flat = flat_colors(colors, is_lossy)
    return _of_colors(flat, hidden, is_gray)


def _of_numbers(numbers: np.ndarray, palette: np.ndarray | None) -> LabelMap:
    values, indices, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if len(values) > MOST:
        raise RefusedError(f"it has {len(values)} levels: expected a label map of at most {MOST}")
    labels = tuple(
        Label(
            int(value),
            None if palette is None else hex_of(palette[value]),
            float(count / numbers.size),
        )
        for value, count in zip(values, counts, strict=True)
    )
    return LabelMap(indices.reshape(numbers.shape).astype(np.int32), labels)


def _of_colors(flat: FlatColors, hidden: np.ndarray | None, is_gray: bool) -> LabelMap:
    indices = flat.indices if hidden is None else np.where(hidden, -1, flat.indices)
    counts = np.bincount(indices.ravel() + 1, minlength=len(flat.colors) + 1)[1:]
    used = np.flatnonzero(counts)
    firsts = [flat.colors[n][0] if is_gray else (indices == n).argmax() for n in used]
    order = sorted(used, key=dict(zip(used, firsts, strict=True)).__getitem__)
    table = np.full(len(flat.colors) + 1, -1, np.int32)
    table[order] = np.arange(len(order))
    labels = tuple(
        Label(int(color[0]) if is_gray else None, hex_of(color), float(count / indices.size))
        for color, count in zip(flat.colors[order], counts[order], strict=True)
    )
    return LabelMap(table[indices], labels)


def palette_of(image: Image.Image) -> UInt8[np.ndarray, "256 3"]:
    """Return a palette's colors."""
    palette = np.zeros((256, 3), np.uint8)
    entries = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    palette[: len(entries)] = entries
    return palette


def hex_of(color: Sequence[int] | np.ndarray) -> str:
    """Return a color as a text.

    >>> hex_of((255, 0, 16))
    '#ff0010'
    """
    return "#" + "".join(f"{int(level):02x}" for level in color)


def _color(text: str | None) -> np.ndarray:
    digits = (text or "").strip().lower().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    return np.array([int(digits[k : k + 2], 16) for k in (0, 2, 4)])
