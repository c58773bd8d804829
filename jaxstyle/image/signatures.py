"""Names of what a file is instead of a picture that can be read, by its first bytes."""

from __future__ import annotations

import codecs
import re

HEAD = 4096
"""How many bytes at the beginning of a file tell what it is."""

_CONVERT = "convert it to PNG or JPEG first"
_FRAME = "save a frame of it as PNG or JPEG first"
_UNPACK = "unpack it first"
_DEVELOP = "develop it, to PNG, JPEG or TIFF, first"
_FETCH = "fetch the file that it stands for (git lfs pull)"
_AGAIN = "download the picture itself"

RAW = f"a camera's raw file; {_DEVELOP}"
POSTSCRIPT = f"a PostScript program; {_CONVERT}"

_BRANDS = (  # of ISO base media files, at byte 8
    (
        rb"avif|avis",
        f"an AVIF picture, damaged or of a kind that Pillow does not read here; {_CONVERT}",
    ),
    (rb"he[iv][a-z]|mif1|msf1", f"an HEIC (HEIF) picture; {_CONVERT}"),
    (rb"crx ", RAW),
    (rb"jxl ", f"a JPEG XL picture; {_CONVERT}"),
    (rb"M4A |M4B ", "a sound file"),
    (rb"", f"a video (MP4 or MOV); {_FRAME}"),
)
_SIGNATURES = (
    *((rb"....ftyp(?:%s)" % brand, kind) for brand, kind in _BRANDS),
    (rb"....(?:moov|mdat|wide|free|skip|pnot)", f"a video (MOV); {_FRAME}"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", f"a JPEG XL picture; {_CONVERT}"),
    (rb"\x1a\x45\xdf\xa3", f"a video (Matroska or WebM); {_FRAME}"),
    (rb"RIFF....AVI ", f"a video (AVI); {_FRAME}"),
    (rb"\0\0\x01[\xba\xb3]|G.{187}G", f"a video (MPEG); {_FRAME}"),
    (rb"RIFF....WAVE|ID3|OggS|fLaC", "a sound file"),
    (rb".{0,1024}%PDF-", f"a PDF document; {_CONVERT}"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", POSTSCRIPT),
    (rb"II\*\0....CR|FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|FOVb|\0MRM", RAW),
    (rb"gimp xcf", f"a GIMP project; {_CONVERT}"),
    (rb"v/1\x01|#\?RADIANCE|#\?RGBE", f"a picture of high dynamic range; {_CONVERT}"),
    (rb"PK\x03\x04|PK\x05\x06", f"a ZIP archive, or a document in one; {_UNPACK}"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ\0|7z\xbc\xaf\x27\x1c|Rar!|\x28\xb5\x2f\xfd|.{257}ustar",
     f"an archive or a compressed file; {_UNPACK}"),
    (rb"\x93NUMPY", "a NumPy array; from Python, pass the array itself"),
    (rb"\x7fELF|MZ|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe", "a program"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"an office document; {_CONVERT}"),
)  # fmt: skip
_TEXTS = (
    (rb"version https://git-lfs\.", f"not a picture but a pointer of Git LFS; {_FETCH}"),
    (rb"\S*/annex/objects/", "not a picture but a pointer of git-annex; fetch it (git annex get)"),
    (rb"(?i)\s*(?:<\?xml.*?|<!--.*?)?<!doctype html|\s*(?:<!--.*?)?<html|\s*<head",
     f"not a picture but a web page; {_AGAIN}"),
    (rb"(?i).*<svg[\s>]", f"an SVG drawing; {_CONVERT}"),
)  # fmt: skip
_BEGINNINGS = (
    (rb"\x89PNG", "PNG"),
    (rb"\xff\xd8", "JPEG"),
    (rb"GIF8", "GIF"),
    (rb"RIFF....WEBP", "WebP"),
    (rb"BM", "BMP"),
    (rb"II\*\0|MM\0\*|II\x2b\0|MM\0\x2b", "TIFF"),
    (rb"8BPS", "Photoshop"),
)


def kind_of(head: bytes) -> str | None:
    """Name what cannot be read as a picture, with what to do, or return None if it is not known.

    >>> kind_of(b"%PDF-1.7")
    'a PDF document; convert it to PNG or JPEG first'

    Args:
        head: The first `HEAD` bytes of a file that Pillow does not open, or fewer.
    """
    if kind := foreign_kind_of(head):
        return kind
    if kind := _first(_BEGINNINGS, head):
        return f"not a picture that can be read, but a {kind} file, damaged or not supported"
    text = _text(head)
    if text is None:
        return None
    return _first(_TEXTS, text) or "not a picture but a text file"


def foreign_kind_of(head: bytes) -> str | None:
    """Name a binary format that is no kind of picture that Pillow decodes, or return None."""
    return _first(_SIGNATURES, head)


def _first(kinds: tuple[tuple[bytes, str], ...], head: bytes) -> str | None:
    return next((kind for pattern, kind in kinds if re.match(pattern, head, re.DOTALL)), None)


def _text(head: bytes) -> bytes | None:
    """Return the bytes of a text in UTF-8, whatever its encoding; None if it is no text."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)  # the last letter may be cut
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    odd = sum(not (letter.isprintable() or letter in "\t\n\r\f") for letter in text)
    return text.encode() if text and odd <= len(text) // 50 else None
