"""A contact sheet: pictures in columns, each standing on its label."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from jaxstyle.images import Picture

GAP, LABEL = 8, 18


def contact_sheet(cells: Sequence[tuple[str, Picture]], columns: int) -> Image.Image:
    """Label and picture of each cell, row by row; a picture may be lower than the others."""
    height = max(picture.shape[0] for _, picture in cells)
    wide = max(picture.shape[1] for _, picture in cells) + GAP
    tall = height + LABEL + GAP
    sheet = Image.new("RGB", (columns * wide, -(-len(cells) // columns) * tall), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (name, picture) in enumerate(cells):
        left, top = number % columns * wide, number // columns * tall
        pasted = Image.fromarray((picture * 255).round().astype("uint8"))
        sheet.paste(pasted, (left, top + height - picture.shape[0]))
        draw.text((left, top + height + 1), name, fill="black", font=font)
    return sheet
