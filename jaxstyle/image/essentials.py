"""The part of a picture file that its pixels need: for files whose metadata cannot be read.

Pillow refuses a PNG whose text or color profile exceeds a megabyte or has a wrong checksum, a WebP
whose last chunk is cut off, a JPEG with an application segment too short for its kind. The pixels
are all there.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_PROFILE = 1 << 20  # bytes, decompressed: Pillow's limit
_WEBP_FLAGS = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}


class Essentials(NamedTuple):
    """A picture file without what may be left out."""

    data: bytes
    dropped: tuple[str, ...]  # names of chunks or segments


class Chunk(NamedTuple):
    """A chunk of a PNG file."""

    kind: bytes
    data: bytes  # without length, kind and checksum
    raw: bytes  # all of it; shorter at the end of a truncated file

    @property
    def is_whole(self) -> bool:
        """Whether its checksum is right."""
        return self.raw[-4:] == struct.pack(">I", zlib.crc32(self.kind + self.data))


def essentials(data: bytes) -> Essentials | None:
    """Return a PNG, JPEG or WebP file with only the metadata that is safe to read.

    None if nothing can be left out.
    """
    if data.startswith(PNG):
        kept, dropped = _of_png(data)
    elif data.startswith(b"\xff\xd8\xff"):
        kept, dropped = _of_jpeg(data)
    elif len(data) > 30 and data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X":
        kept, dropped = _of_webp(data)
    else:
        return None
    return Essentials(kept, tuple(dict.fromkeys(dropped))) if dropped else None


def png_chunks(data: bytes) -> Iterator[Chunk]:
    """Iterate over the chunks of a PNG file, the last of which may be cut off."""
    place = len(PNG)
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4].rjust(4, b"\0"))
        raw = data[place : place + 12 + length]
        yield Chunk(raw[4:8], raw[8 : 8 + length], raw)
        place += 12 + length


def _of_png(data: bytes) -> tuple[bytes, list[str]]:
    kept, dropped = [PNG], []
    for chunk in png_chunks(data):
        if _is_needed(chunk):
            kept.append(chunk.raw)
        else:
            dropped.append(chunk.kind.decode("ascii", "replace"))
    return b"".join(kept), dropped


def _is_needed(chunk: Chunk) -> bool:
    if chunk.kind[:1].isupper() or chunk.kind == b"tRNS":  # critical, says the standard
        return True
    if not chunk.is_whole:
        return False
    return chunk.kind == b"eXIf" or (chunk.kind == b"iCCP" and _is_profile(chunk.data))


def _is_profile(data: bytes) -> bool:
    _, _, compressed = data.partition(b"\0")
    try:
        stream = zlib.decompressobj()
        stream.decompress(compressed[1:], _LARGEST_PROFILE)
    except zlib.error:
        return False
    return compressed[:1] == b"\0" and not stream.unconsumed_tail


def _of_jpeg(data: bytes) -> tuple[bytes, list[str]]:
    """Leave out application segments and comments; EXIF and profile only if they are odd."""
    kept, dropped, place = [data[:2]], [], 2
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] != b"\xda":
        (length,) = struct.unpack(">H", data[place + 2 : place + 4].rjust(2, b"\0"))
        marker, segment = data[place + 1], data[place : place + 2 + length]
        is_metadata = 0xE0 <= marker <= 0xEF or marker == 0xFE
        if not is_metadata or re.match(
            rb"Adobe.{7}|Exif\0\0|ICC_PROFILE\0..", segment[4:], re.DOTALL
        ):
            kept.append(segment)
        else:
            dropped.append("COM" if marker == 0xFE else f"APP{marker - 0xE0}")
        place += 2 + length
    return b"".join([*kept, data[place:]]), dropped


def _of_webp(data: bytes) -> tuple[bytes, list[str]]:
    """Leave out XMP and what is cut off, and clear the flags that announce them."""
    kept, dropped, place = bytearray(data[:12]), [], 12
    while place < len(data):
        kind = data[place : place + 4]
        (length,) = struct.unpack("<I", data[place + 4 : place + 8].ljust(4, b"\0"))
        end = place + 8 + length + length % 2
        if kind in _WEBP_FLAGS and (kind == b"XMP " or end > len(data)):
            dropped.append(kind.decode().strip())
            kept[20] &= ~_WEBP_FLAGS[kind] & 0xFF
        else:
            kept += data[place:end]
        place = end
    kept[4:8] = struct.pack("<I", len(kept) - 8)
    return bytes(kept), dropped
