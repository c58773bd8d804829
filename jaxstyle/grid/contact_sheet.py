"""A contact sheet: pictures in columns, each standing on its label."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from jaxstyle.image.encode import as_pillow
from jaxstyle.image.geometry import Picture

GAP, LINE = 8, 15


def contact_sheet(cells: Sequence[tuple[str, Picture]], columns: int) -> Image.Image:
    """Picture and label of each cell, row by row; a picture may be lower than the others."""
    font = ImageFont.load_default(12)
    height = max(picture.shape[0] for _, picture in cells)
    wide = max(picture.shape[1] for _, picture in cells)
    labels = [_lines(name, wide, font) for name, _ in cells]
    tall = height + LINE * max(map(len, labels)) + GAP
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * (wide + GAP), rows * tall), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (lines, (_, picture)) in enumerate(zip(labels, cells, strict=True)):
        left, top = number % columns * (wide + GAP), number // columns * tall
        sheet.paste(as_pillow(picture), (left, top + height - picture.shape[0]))
        for row, line in enumerate(lines):
            draw.text((left, top + height + 1 + LINE * row), line, fill="black", font=font)
    return sheet


def _lines(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """A label broken at spaces, or within a word that is too wide by itself."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line] or [""]
