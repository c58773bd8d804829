"""Picture files for the tests of reading."""

import struct
import zlib

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(size=(12, 8)):
    """Return four colors in four quarters: no two orientations look alike."""
    array = np.zeros((size[1], size[0], 3), np.uint8)
    half_height, half_width = size[1] // 2, size[0] // 2
    array[:half_height, :half_width] = RED
    array[:half_height, half_width:] = GREEN
    array[half_height:, :half_width] = BLUE
    array[half_height:, half_width:] = WHITE
    return array


def saved(path, picture, **options):
    """Write a picture with Pillow, and return its path."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(path, **options)
    return path


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, rows):
    """Return a PNG made by hand, for what Pillow does not write: 16-bit color, absurd sizes."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
