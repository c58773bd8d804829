"""Which metrics keep a texture's structure? Eight samples of our own, from random to regular.

python benchmarks/texture.py samples FOLDER             draw the samples alone
python benchmarks/texture.py make FOLDER [MIXTURE...]   textures of all samples by each mixture, all
                                                        samples as lanes of one program
python benchmarks/texture.py judge FOLDER               a table, and the sheet FOLDER/texture.jpg

What was not optimized judges: how far the autocorrelation of brightness is from the sample's, how
much of the sample's highest peak is left, the spectrum of AlexNet's features, and which of the
sample's patches of pixels are missing (`paint_coverage`). Options: --size,
the side of samples (64); --texture, that of textures (96); --steps (30).
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image, write_image
from jaxstyle.objective.judge import judge
from jaxstyle.texture.settings import texture_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.run_jobs import run_jobs
from jaxstyle.transfer.sources import Sources

_TRANSPORT = "relaxed_emd+covariance+moments=0.1+gaussian_wasserstein@image=0.3"
SETTINGS = {
    "transport": {"metric": _TRANSPORT, "init": "style"},
    "gram+spectrum": {"metric": "gram=0.3+spectrum_projection", "init": "style"},
    "transport+spectrum": {"metric": f"{_TRANSPORT}+spectrum_projection", "init": "style"},
    "transport from patches": {"metric": _TRANSPORT, "init": "patches"},
    "all from patches": {"metric": f"{_TRANSPORT}+spectrum_projection", "init": "patches"},
    "patches alone": {"init": "patches", "steps": 0},
}
"""What is compared, by name."""
DETAIL = 4
"""Samples are drawn so many times as large, and reduced."""


def _noise(random, side, exponent):
    """Noise whose amplitude falls with a power of the frequency, from 0 to 1; it tiles."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequencies[0, 0] = 1
    waves = np.fft.fft2(random.standard_normal((side, side))) / frequencies**exponent
    waves[0, 0] = 0
    values = np.fft.ifft2(waves).real
    return (values - values.min()) / np.ptp(values)


def _colored(values, dark, light):
    return np.array(dark) + values[..., None] * (np.array(light) - np.array(dark))


def clouds(random, side):
    """Noise without any structure but its falling spectrum."""
    return _colored(_noise(random, side, 1.5), (0.15, 0.3, 0.6), (0.95, 0.95, 0.9))


def granite(random, side):
    """Speckles of three minerals."""
    picture = _colored(_noise(random, side, 0.8), (0.5, 0.42, 0.4), (0.7, 0.62, 0.6))
    for share, color in ((0.3, (0.12, 0.12, 0.14)), (0.25, (0.92, 0.9, 0.88))):
        grains = _noise(random, side, 1.0)
        picture[grains > np.quantile(grains, 1 - share)] = color
    return picture


def grass(random, side):
    """Blades that lean one way, over each other."""
    image = Image.new("RGB", (side, side), (24, 40, 16))
    draw = ImageDraw.Draw(image)
    for _ in range(1500):
        x, y = random.random(2) * side * 1.2 - 0.1 * side
        lean, length = random.normal(0.3, 0.25), side * random.uniform(0.08, 0.16)
        green = int(random.uniform(70, 210))
        end = (x + lean * length, y - length)
        draw.line((x, y, *end), (green // 2, green, green // 5), max(1, side // 90))
    return np.asarray(image) / 255


def _cells(random, side, count):
    """Distances to the nearest two of points, and which is nearest; they tile."""
    points = random.random((count, 2)) * side
    around = [points + np.array([i, j]) * side for i in (-1, 0, 1) for j in (-1, 0, 1)]
    places = np.indices((side, side)).reshape(2, -1).T
    distances = np.stack([np.hypot(*(places - p).T) for p in np.concatenate(around)])
    order = np.argpartition(distances, 1, axis=0)[:2]
    first, second = np.sort(np.take_along_axis(distances, order, 0), axis=0)
    return first.reshape(side, side), second.reshape(side, side), distances.argmin(0) % count


def pebbles(random, side):
    """Round stones of many colors, with dark between them."""
    first, second, which = _cells(random, side, 30)
    edge = np.clip((second - first) / (0.05 * side), 0, 1)[..., None]
    colors = random.uniform(0.35, 0.95, (30, 1)) * random.uniform(0.8, 1, (30, 3))
    return (0.08 + 0.92 * edge) * colors[which].reshape(side, side, 3)


def wood(random, side):
    """Wavy grain, along one direction."""
    rows = np.arange(side)[:, None] / side
    bend = 0.12 * (_noise(random, side, 1.8) - 0.5)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * 9 * (rows + bend))
    fibers = _noise(random, side, 0.6)
    return _colored(0.75 * rings + 0.25 * fibers, (0.36, 0.2, 0.1), (0.82, 0.6, 0.36))


def scales(random, side):
    """Rows of overlapping discs, each shifted by a half, in slightly unlike colors."""
    image = Image.new("RGB", (side, side))
    draw, step = ImageDraw.Draw(image), side // 6
    for row in range(14, -3, -1):
        for column in range(-1, 8):
            x, y = (column + 0.5 * (row % 2)) * step, row * step // 2
            tint = random.uniform(0.8, 1.0)
            color = tuple(int(tint * c) for c in (40, 130, 140))
            outline = max(1, side // 80)
            draw.ellipse((x, y - step // 2, x + step, y + step // 2), color, (12, 40, 50), outline)
    return np.asarray(image) / 255


def weave(random, side):
    """Bands over and under each other."""
    step = side // 8
    rows, columns = np.indices((side, side))
    down, across = rows % step / step, columns % step / step
    over = (rows // step + columns // step) % 2 == 0
    shade = np.where(over, np.sin(np.pi * down), np.sin(np.pi * across)) ** 0.5
    colors = np.where(over[..., None], (0.85, 0.75, 0.5), (0.6, 0.3, 0.25))
    return (
        (0.25 + 0.75 * shade[..., None])
        * colors
        * (0.9 + 0.1 * _noise(random, side, 0.5)[..., None])
    )


def bricks(random, side):
    """A wall in running bond."""
    image = Image.new("RGB", (side, side), (190, 184, 172))
    draw, height, width = ImageDraw.Draw(image), side // 8, side // 4
    gap = max(1, side // 64)
    for row in range(8):
        for column in range(-1, 5):
            x, y = column * width + (row % 2) * width // 2, row * height
            tint = random.uniform(0.75, 1.05)
            color = tuple(int(min(255, tint * c)) for c in (168, 74, 52))
            draw.rectangle((x + gap, y + gap, x + width - gap, y + height - gap), color)
    grain = 0.85 + 0.15 * _noise(random, side, 0.5)[..., None]
    return np.asarray(image) / 255 * grain


SAMPLES = (clouds, granite, grass, pebbles, wood, scales, weave, bricks)
"""From random to regular."""


def draw_samples(folder, size):
    """Draw all samples, and return them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for number, sample in enumerate(SAMPLES):
        large = np.clip(sample(np.random.default_rng(number), DETAIL * size), 0, 1)
        blurred = Image.fromarray((255 * large).astype(np.uint8)).filter(ImageFilter.BoxBlur(1))
        image = blurred.resize((size, size), Image.Resampling.BOX)
        drawn[sample.__name__] = np.asarray(image, np.float32) / 255
        write_image(folder / f"{sample.__name__}.png", drawn[sample.__name__])
    return drawn


def make(folder, size, side, steps, names):
    """Make the textures of all samples by each mixture."""
    pictures = draw_samples(folder, size)
    for name in names:
        changes = {"size": f"{side}x{side}", "steps": steps} | SETTINGS[name]
        settings = texture_settings(None, changes)
        began, sources = time.process_time(), Sources()
        jobs = [make_job(None, [one], settings, sources) for one in pictures.values()]
        for number, result in run_jobs(jobs, unit="texture"):
            write_image(folder / f"{[*pictures][number]} {name}.png", result.image)
        print(
            f"{name}: {time.process_time() - began:.0f} s of processors for {len(jobs)}", flush=True
        )


def autocorrelation(picture, most):
    """Compute the correlation of brightness with itself, 1 at no shift.

    Args:
        picture: Colors.
        most: Pixels of the largest shift.
    """
    plane = picture.mean(2) - picture.mean()
    height, width = plane.shape
    shape = 2 * height, 2 * width

    def correlation(values):
        return np.fft.irfft2(np.abs(np.fft.rfft2(values, shape)) ** 2, shape)

    ratio = correlation(plane) / np.maximum(correlation(np.ones_like(plane)), 0.5)
    return ratio[np.ix_(*[np.r_[-most:most]] * 2)] / ratio[0, 0]


def structure(picture, sample):
    """Compute how far the autocorrelation is from the sample's, and how much of its peak is left.

    The difference is relative to the sample's, without the middle, whose peak every picture has.
    """
    side = min(sample.shape[:2])
    mine, theirs = (autocorrelation(one, side // 2) for one in (picture, sample))
    rows, columns = np.indices(mine.shape) - side // 2
    far = np.hypot(rows, columns) >= side / 10
    peak = np.where(far, theirs, -1).argmax()
    # Within a pixel, since textures stretch a little.
    row, column = np.unravel_index(peak, theirs.shape)
    near = mine[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max()
    error = np.sqrt(np.mean((mine - theirs)[far] ** 2) / np.mean(theirs[far] ** 2))
    return error, near, theirs.flat[peak]


ORDER = (("autocorrelation", 0), ("peak", 1), ("AlexNet spectrum", 3), ("paint coverage", 4))
"""What is judged, and where `report` has it."""


def report(folder, size):
    """Print the table, and write the sheet."""
    pictures = draw_samples(folder, size)
    spectrum = judge("power_spectrum", layers=("relu1", "relu2"), backbone="alexnet")
    coverage = judge("paint_coverage")
    made = [name for name in SETTINGS if (folder / f"bricks {name}.png").exists()]
    print("| mixture | " + " | ".join(pictures) + " | mean |\n|---|" + "---|" * (len(pictures) + 1))
    cells, rows = [], {name: [] for name in made}
    for sample, picture in pictures.items():
        cells.append((sample, picture))
        for name in made:
            texture = read_image(folder / f"{sample} {name}.png")
            error, left, peak = structure(texture, picture)
            judged = (float(one(texture, picture)) for one in (spectrum, coverage))
            rows[name].append((error, left, peak, *judged))
            cells.append((f"{name} {error:.2f}", texture))
    for title, column in ORDER:
        for name, values in rows.items():
            numbers = [one[column] for one in values]
            shown = " | ".join(f"{number:.3g}" for number in (*numbers, np.mean(numbers)))
            print(f"| {title}: {name} | {shown} |")
    if rows:
        peaks = [one[2] for one in next(iter(rows.values()))]
        print(
            "| peak: samples | " + " | ".join(f"{p:.3g}" for p in (*peaks, np.mean(peaks))) + " |"
        )
    contact_sheet(cells, len(made) + 1).save(folder / "texture.jpg", quality=88)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=("samples", "make", "judge"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("mixtures", nargs="*", default=[*SETTINGS])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--texture", type=int, default=96)
    parser.add_argument("--steps", type=int, default=30)
    given = parser.parse_args()
    if given.command == "samples":
        draw_samples(given.folder, given.size)
    elif given.command == "make":
        make(given.folder, given.size, given.texture, given.steps, given.mixtures)
    else:
        report(given.folder, given.size)


if __name__ == "__main__":
    main()
