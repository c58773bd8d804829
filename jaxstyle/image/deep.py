"""PNG and TIFF files of 16 bits a value, in color, with or without alpha.

Pillow, which writes all others, has no such pixels. The formats: W3C, "Portable Network Graphics
(PNG) Specification (Third Edition)"; Adobe, "TIFF Revision 6.0" and its technical notes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, NamedTuple

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SUB = 1
_STRIP_BYTES = 1 << 20
_INCH_METERS = 0.0254
_SHORT, _LONG, _RATIONAL = "H", "I", "II"
_TYPES = {"ascii": 2, _SHORT: 3, _LONG: 4, _RATIONAL: 5, "undefined": 7}


def write_png(
    file: BinaryIO,
    levels: np.ndarray,
    *,
    profile: bytes,
    settings: str | None = None,
    dpi: float | None = None,
) -> None:
    """Write a PNG.

    Args:
        file: Open for writing.
        levels: uint16 of shape (height, width, 3), or 4 with alpha.
        profile: An ICC profile.
        settings: A text, stored as Pillow stores that of 8 bits.
        dpi: Pixels per inch.
    """
    height, width, channels = levels.shape
    color = 6 if channels == 4 else 2
    file.write(_SIGNATURE)
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0))
    _write_chunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
    if settings is not None:
        # Not compressed, of no language and without a translation.
        _write_chunk(file, b"iTXt", b"jaxstyle\0\0\0\0\0" + settings.encode())
    if dpi is not None:
        per_meter = round(dpi / _INCH_METERS)
        _write_chunk(file, b"pHYs", struct.pack(">IIB", per_meter, per_meter, 1))
    for part in _compressed(_png_rows(levels)):
        _write_chunk(file, b"IDAT", part)
    _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum))


def _png_rows(levels: np.ndarray) -> Iterator[bytes]:
    """Yield rows in groups: bytes less those of the pixel to their left, after the filter's."""
    for rows in _strips(levels):
        octets = rows.astype(">u2").view(np.uint8)
        filtered = octets.copy()
        filtered[:, 1:] -= octets[:, :-1]
        lines = filtered.reshape(len(rows), -1)
        kinds = np.full((len(rows), 1), _SUB, np.uint8)
        yield np.concatenate([kinds, lines], axis=1).tobytes()


def _compressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    stream = zlib.compressobj()
    for part in parts:
        if packed := stream.compress(part):
            yield packed
    yield stream.flush()


class _Entry(NamedTuple):
    """An entry of a TIFF file's directory."""

    tag: int
    kind: str
    values: bytes
    number: int  # of values


def write_tiff(
    file: BinaryIO,
    levels: np.ndarray,
    *,
    profile: bytes,
    settings: str | None = None,
    dpi: float | None = None,
) -> None:
    """Write a TIFF: little-endian, deflated, in strips; arguments are those of `write_png`."""
    height, width, channels = levels.shape
    strips = [zlib.compress(_differences(rows)) for rows in _strips(levels)]
    lengths = [len(strip) for strip in strips]
    first = 8 + sum(lengths)
    places = [8 + sum(lengths[:number]) for number in range(len(strips))]
    entries = [
        _numbers(256, _LONG, width),
        _numbers(257, _LONG, height),
        _numbers(258, _SHORT, *[16] * channels),  # bits
        _numbers(259, _SHORT, 8),  # compression: deflate
        _numbers(262, _SHORT, 2),  # photometric interpretation: RGB
        *([] if settings is None else [_bytes(270, "ascii", settings.encode("ascii") + b"\0")]),
        _numbers(273, _LONG, *places),
        _numbers(277, _SHORT, channels),
        _numbers(278, _LONG, _rows_of_strip(levels)),
        _numbers(279, _LONG, *lengths),
        *([] if dpi is None else _resolution(dpi)),
        _numbers(317, _SHORT, 2),  # predictor: horizontal differences
        *([_numbers(338, _SHORT, 2)] if channels == 4 else []),  # alpha, not premultiplied
        _bytes(34675, "undefined", profile),
    ]
    odd = first % 2
    file.write(b"II*\0" + struct.pack("<I", first + odd))
    file.writelines(strips)
    file.write(b"\0" * odd + _directory(entries, first + odd))


def _differences(rows: np.ndarray) -> bytes:
    """Return rows of levels less those of the pixel to their left."""
    less = rows.copy()
    less[:, 1:] -= rows[:, :-1]
    return less.astype("<u2").tobytes()


def _strips(levels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield rows in groups."""
    count = _rows_of_strip(levels)
    for first in range(0, len(levels), count):
        yield levels[first : first + count]


def _rows_of_strip(levels: np.ndarray) -> int:
    return int(min(len(levels), max(1, _STRIP_BYTES // levels[0].nbytes)))


def _numbers(tag: int, kind: str, *values: int) -> _Entry:
    return _Entry(tag, kind, struct.pack(f"<{len(values)}{kind}", *values), len(values))


def _bytes(tag: int, kind: str, data: bytes) -> _Entry:
    return _Entry(tag, kind, data, len(data))


def _resolution(dpi: float) -> list[_Entry]:
    ratio = Fraction(dpi).limit_denominator(10_000)
    pair = struct.pack("<II", ratio.numerator, ratio.denominator)
    both = [_Entry(tag, _RATIONAL, pair, 1) for tag in (282, 283)]
    return [*both, _numbers(296, _SHORT, 2)]  # per inch


def _directory(entries: list[_Entry], place: int) -> bytes:
    """Return the directory that begins at a place, with what does not fit into it behind it."""
    behind = place + 2 + 12 * len(entries) + 4
    fields, rest = [struct.pack("<H", len(entries))], b""
    for tag, kind, values, number in entries:
        head = struct.pack("<HHI", tag, _TYPES[kind], number)
        if len(values) > 4:
            fields.append(head + struct.pack("<I", behind + len(rest)))
            rest += values + b"\0" * (len(values) % 2)
        else:
            fields.append(head + values.ljust(4, b"\0"))
    return b"".join(fields) + b"\0" * 4 + rest
