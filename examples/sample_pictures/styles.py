"""Three styles: brush strokes along a stream, tiles of glass, ink on wood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from tools import Array, blur, box, finish, fractal, grid, mix, ramp, rgb, smoothstep

ORBS = ((0.73, 0.24, 0.15), (0.22, 0.30, 0.115), (0.48, 0.50, 0.075), (0.93, 0.53, 0.06))


def stream(x: Array, y: Array) -> Array:
    """Compute the function whose level lines the paint follows, around the orbs and the hills."""
    flow = 0.9 * y + 0.04 * np.sin(9 * x + 3 * y) + 0.07 * fractal(x * 2.5, y * 2.5, 1, 3)
    for k, (cx, cy, radius) in enumerate(ORBS):
        r = np.hypot(x - cx, y - cy) / radius
        curl = 0.9 * cy + (-1) ** k * 0.9 * radius * (1.6 - r)
        flow = flow + (curl - flow) * smoothstep(2.1, 0.8, r)
    hills = y - 0.05 * np.sin(5 * x + 1) - 0.022 * np.sin(13 * x + 9 * y)
    return flow + (1.5 * hills - flow) * smoothstep(0.70, 0.76, hills)


def swirl_colors(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Return the scene that the strokes show: bands of color along the flow."""
    level = stream(x, y) + rng.normal(0, 0.006, x.shape)
    band = 0.5 + 0.5 * np.sin(level * 58)
    night = rgb("10184a 1b3a8c 2a62b8 3d97c4 86c9c2 e6e6bd")
    color = ramp(np.clip(band * 0.62 + rng.normal(0.14, 0.12, x.shape), 0, 1), night)
    for cx, cy, radius in ORBS:
        r = np.hypot(x - cx, y - cy) / radius + rng.normal(0, 0.05, x.shape)
        fire = ramp(
            r, rgb("fff3b8 ffd94a f7a823 e0642a f2c14e 8fc9b0"), [0, 0.25, 0.5, 0.72, 0.9, 1.3]
        )
        # Each stroke is of one or the other: mixed paint would be gray.
        color = mix(color, fire, smoothstep(1.4, 0.9, r) > rng.uniform(0.35, 0.75, x.shape))
    hills = y - 0.05 * np.sin(5 * x + 1) - 0.022 * np.sin(13 * x + 9 * y)
    fields = rgb("0c2233 12463f 2f7a4c 7fa83f d8b23c c9542b")
    field = ramp(
        np.clip(0.45 + 0.42 * np.sin(hills * 75) + rng.normal(0, 0.12, x.shape), 0, 1), fields
    )
    return mix(color, field, hills > 0.725)


def stroke(canvas: Array, at: tuple[float, ...], color: Array, bristles: Array) -> None:
    """Drag a loaded brush along a bent line; the canvas holds color and the paint's height."""
    x, y, angle, bend, half, length = at
    width = canvas.shape[1]
    rows, columns = box(x, y, length * 1.15, width)
    part = canvas[rows, columns]
    dy = (np.arange(rows.start, rows.start + len(part)) / width - y)[:, None]
    dx = np.arange(columns.start, columns.start + part.shape[1]) / width - x
    along = dx * np.cos(angle) + dy * np.sin(angle)
    across = (dy * np.cos(angle) - dx * np.sin(angle) - bend / 2 * along**2) / half
    hair = np.interp(across, np.linspace(-1, 1, len(bristles)), bristles)
    along = along / length
    # The brush lifts off raggedly, hair by hair, and its paint thins on the way.
    cover = smoothstep(1.0, 0.8, np.abs(across)) * smoothstep(
        1.0, 0.86, np.abs(along) + 0.2 * hair + 0.25 * across**2
    )
    ridge = 0.55 + 0.45 * hair + 0.5 * smoothstep(0.55, 0.85, np.abs(across)) - 0.15 * along
    paint = color * (1 + 0.16 * (hair - 0.5))[..., None]
    load = np.concatenate([paint, (ridge * half)[..., None]], -1)
    part += (load - part) * cover[..., None]


def swirls(width: int = 512) -> Image.Image:
    """Thick paint, laid on in curls: broad strokes first, then finer ones."""
    rng = np.random.default_rng(8)
    canvas = np.zeros((2 * width, 2 * width, 4), np.float32)
    canvas[..., :3] = rgb("14204f")
    brushes = ((0.026, 0.100, 0.040), (0.0135, 0.064, 0.021), (0.0082, 0.046, 0.0130))
    for half, length, gap in brushes:
        x, y = (a.ravel() for a in np.meshgrid(*[np.arange(0, 1 + gap, gap)] * 2))
        x, y = (a + rng.uniform(-0.6, 0.6, a.shape) * gap for a in (x, y))
        angle = flow_angle(x, y)
        step = 0.01
        ahead = flow_angle(x + step * np.cos(angle), y + step * np.sin(angle))
        bend = np.clip((np.sin(ahead - angle) / step), -14, 14)
        color = swirl_colors(x, y, rng)
        for k in rng.permutation(len(x)):
            if half < 0.01 and rng.random() < 0.45:
                continue
            # A tight curl takes a short stroke.
            reach = length * rng.uniform(0.7, 1.1) / (1 + abs(bend[k]) * length * 0.8)
            at = (x[k], y[k], angle[k], bend[k], half * rng.uniform(0.75, 1.1), reach)
            stroke(canvas, at, color[k], rng.random(14))
    height = blur(canvas[..., 3], width / 512) * width * 2
    slope_y, slope_x = np.gradient(height)
    light = (-0.55 * slope_x - 0.75 * slope_y) / np.sqrt(1 + slope_x**2 + slope_y**2)
    shine = np.clip(light - 0.35, 0, 1) ** 2
    picture = canvas[..., :3] * (1 + 0.42 * light)[..., None] + 0.5 * shine[..., None]
    return finish(picture, width)


def flow_angle(x: Array, y: Array) -> Array:
    """Return the direction of the flow."""
    e = 1e-3
    return np.arctan2(stream(x - e, y) - stream(x + e, y), stream(x, y + e) - stream(x, y - e))


def rings(x: float, y: float, outline: Callable[[Array], Array], gap: float) -> Array:
    """Sites (x, y, angle, and how far out: 1 is the outline) in rows parallel to an outline."""
    sites = []
    size = float(np.mean(outline(np.linspace(0, 2 * np.pi, 64))))
    for k in range(round(size / gap)):
        share = 1 - (k + 0.5) * gap / size
        fine = np.linspace(0, 2 * np.pi, 2000)
        px, py = (share * outline(fine) * f(fine) for f in (np.cos, np.sin))
        walked = np.concatenate([[0], np.cumsum(np.hypot(np.diff(px), np.diff(py)))])
        count = max(3, round(walked[-1] / gap))
        stops = (np.arange(count) + 0.37 * k) % count * walked[-1] / count
        px, py = np.interp(stops, walked, px), np.interp(stops, walked, py)
        ahead = np.interp(stops + 1e-3, walked, share * outline(fine) * np.cos(fine))
        rise = np.interp(stops + 1e-3, walked, share * outline(fine) * np.sin(fine))
        angle = np.arctan2(rise - py, ahead - px)
        sites.append(np.stack([px + x, py + y, angle, np.full(count, share)], -1))
    return np.concatenate(sites)


def fish_outline(angle: Array) -> Array:
    """A plump body with its nose at angle 0, and a narrow root of the tail."""
    return 1 / np.hypot(np.cos(angle) / 0.17, np.sin(angle) / 0.078) * (1 + 0.12 * np.cos(angle))


def place_tiles(gap: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the tiles (x, y, angle) and their colors: a sun, two fish, waves around them."""
    sun = rings(0.30, 0.27, lambda a: 0.235 + 0.028 * np.cos(12 * a), gap)
    hue = np.where(np.cos(12 * np.arctan2(sun[:, 1] - 0.27, sun[:, 0] - 0.30)) > 0, 0.72, 1.0)
    hue = np.where(sun[:, 3] > 0.62, hue, sun[:, 3] * 0.72)
    groups = [(sun, ramp(hue, rgb("fff2c4 ffd552 f5a81c e9822a c63d22 a32a1e")))]
    for x, y, tilt, colors in (
        (0.66, 0.55, -0.35, "f7dfae f2a65a e2582c a8201a 5d1020"),
        (0.36, 0.80, 0.22, "fdf0c8 f2c14e e3922a c4541f 6b1f1a"),
    ):
        body = rings(0, 0, fish_outline, gap)
        shade = (
            0.5
            + 0.42 * np.sin(body[:, 0] * 75 - 2.5 * np.abs(body[:, 1]) * 20)
            + 0.25 * (body[:, 1] < 0)
        )
        shade = np.where(body[:, 3] > 0.82, 1, shade)
        color = ramp(shade, rgb(colors))
        color[np.hypot(body[:, 0] - 0.125, body[:, 1] + 0.018) < 0.014] = rgb("101018")
        tails = []
        for side in (-1, 1):
            fin = rings(0, 0, lambda a: 1 / np.hypot(np.cos(a) / 0.075, np.sin(a) / 0.03), gap)
            fin = turn(fin, side * 0.75) + [-0.19, -0.045 * side, 0, 0]
            tails.append(fin)
        tail = np.concatenate(tails)
        part = np.concatenate([body, tail])
        color = np.concatenate([color, ramp(tail[:, 3], rgb(colors)[1:4])])
        groups.append((turn(part, tilt) + [x, y, 0, 0], color))
    groups.append(waves(gap, rng))
    kept, paint = groups[0]
    for sites, color in groups[1:]:
        apart = np.hypot(*(sites[:, None, :2] - kept[None, :, :2]).T).T.min(1)
        kept = np.concatenate([kept, sites[apart > 0.72 * gap]])
        paint = np.concatenate([paint, color[apart > 0.72 * gap]])
    return kept[:, :3], paint


def turn(sites: Array, angle: float) -> Array:
    """Rotate sites around the origin."""
    x, y, tilt, share = sites.T
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x * cos - y * sin, x * sin + y * cos, tilt + angle, share], -1)


def waves(gap: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Tiles along rolling rows: a pale sky above, deepening water below."""
    row, x = np.meshgrid(np.arange(-0.1, 1.1, gap), np.arange(-0.02, 1.02, gap), indexing="ij")
    x = x + rng.uniform(0, gap, (len(row), 1)) + rng.normal(0, 0.08 * gap, x.shape)
    swell = 0.05 * smoothstep(0, 0.6, row) + 0.01
    y = row + swell * np.sin(2 * np.pi * (1.6 * x + 0.35 * row))
    angle = np.arctan(swell * 2 * np.pi * 1.6 * np.cos(2 * np.pi * (1.6 * x + 0.35 * row)))
    sky = ramp(0.5 + 0.5 * np.sin(row * 55), rgb("8ccfd6 5fb0cf f6e2b0"))
    sea = rgb("0b2a5b 124a8f 1877b0 23a3b8 7fd1c4 eef4e2")
    band = (row * 7.5 + 0.12 * np.sin(11 * x)) % 1
    water = ramp(np.clip(band + rng.normal(0, 0.07, x.shape), 0, 1), sea)
    color = mix(sky, water, row > 0.40)
    return np.stack([x, y, angle, 0 * x], -1).reshape(-1, 4), color.reshape(-1, 3)


def mosaic(width: int = 512) -> Image.Image:
    """Glass tiles set in rows that follow what they show."""
    rng, n, gap = np.random.default_rng(5), 2 * width, 0.0215
    sites, color = place_tiles(gap, rng)
    # Each pixel belongs to the nearest tile, by a distance whose circles are nearly squares.
    first, second = np.full((n, n), 9, np.float32), np.full((n, n), 9, np.float32)
    owner = np.zeros((n, n), np.int32)
    for k, (x, y, angle) in enumerate(sites + rng.normal(0, [0.0008, 0.0008, 0.09], sites.shape)):
        rows, columns = box(x, y, 1.6 * gap, n)
        best, next_best, mine = first[rows, columns], second[rows, columns], owner[rows, columns]
        dy = (np.arange(rows.start, rows.start + best.shape[0]) / n - y)[:, None]
        dx = np.arange(columns.start, columns.start + best.shape[1]) / n - x
        u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        far = ((u / gap) ** 4 + (v / gap) ** 4) ** 0.25
        np.minimum(next_best, np.maximum(best, far), out=next_best)
        mine[far < best] = k
        np.minimum(best, far, out=best)
    x, y = grid(n, n)
    rough = fractal(x * 60, y * 60, 3, 20)
    glass = smoothstep(0.07, 0.17, second - first + 0.05 * rough) * smoothstep(0.66, 0.58, first)
    tone = rng.normal(1, 0.11, (len(sites), 1)) + rng.normal(0, 0.035, (len(sites), 3))
    tile = (color * tone)[owner] * (1 + 0.10 * fractal(x * 22, y * 70, 3, 25))[..., None]
    # Every tile is tilted a little by hand, and its rim is rounded.
    tilt = rng.normal(0, 0.5, (2, len(sites)))[:, owner]
    px, py = x - sites[owner, 0], y - sites[owner, 1]
    height = blur(glass, n / 700) * 4 + (tilt[0] * px + tilt[1] * py) / gap + 0.12 * rough
    slope_y, slope_x = np.gradient(height * n / 1024)
    light = -0.6 * slope_x - 0.8 * slope_y
    grout = rgb("5b5148") * (0.8 + 0.5 * rough)[..., None]
    picture = mix(grout, tile, glass) * (1 + 0.5 * np.clip(light, -1, 1))[..., None]
    return finish(picture + (0.5 * np.clip(light - 0.3, 0, 1) ** 2 * glass)[..., None], width)


def woodblock(width: int = 512) -> Image.Image:
    """A print from carved blocks: rolling waves, a mountain, a red sun."""
    n = 2 * width
    x, y = grid(n, n)
    wobble = 0.003 * fractal(x * 14, y * 14, 3, 30)
    x, y = x + wobble, y - 0.003 * fractal(x * 14, y * 14, 3, 34)
    ink, pen = rgb("1c2b4a"), 0.0032
    grain = fractal(x * 5, y * 90, 4, 40)

    def line(distance: Array, half: float = pen) -> Array:
        return smoothstep(half + 0.0012, half - 0.0012, np.abs(distance))

    # The sky is wiped from dark to pale on the block, so its grain shows.
    picture = ramp(y / 0.62, rgb("1f4e79 4f8aa3 b9cfb8 f2dfb4 f3c98f"), [0, 0.22, 0.5, 0.78, 1])
    picture = picture * (1 + 0.10 * grain)[..., None]
    sun = np.hypot(x - 0.70, y - 0.25) - 0.12
    picture = mix(
        picture, rgb("cf3a27") * (1 + 0.12 * grain)[..., None], smoothstep(0.001, -0.001, sun)
    )
    picture = mix(picture, ink, line(sun, 0.0022))
    for level, left, right, tall in (
        (0.12, -0.2, 0.46, 0.034),
        (0.29, 0.50, 1.2, 0.030),
        (0.38, -0.2, 0.30, 0.030),
        (0.075, 0.62, 1.2, 0.024),
    ):
        picture = print_cloud(picture, x, y, (level, left, right, tall), ink, line)
    picture = print_mountain(picture, x, y, ink, line)
    size = 0.035
    top = 0.56
    row = 0
    while top < 1.12:
        picture = print_waves(picture, x, y, (top, size, row), ink, line)
        top, size, row = top + 0.62 * size, size * 1.13, row + 1
    paper = 1 + 0.05 * fractal(x * 120, y * 120, 2, 50) + 0.04 * fractal(x * 30, y * 8, 4, 52)
    return finish(picture * paper[..., None] * rgb("fff6e2"), width)


def print_cloud(
    picture: Array, x: Array, y: Array, at: tuple[float, ...], ink: Array, line: Any
) -> Array:
    level, left, right, tall = at
    puffs = tall * (1 + 0.35 * np.abs(np.sin((x + 3 * level) * 38)))
    ends = np.clip(np.maximum(left - x, x - right) + tall, 0, None)
    d = np.hypot(ends, (y - level)) - puffs
    inside = smoothstep(0.001, -0.001, d)
    strips = line(
        (((y - level) * 1.0 + 0.004 * np.sin(x * 25)) / 0.011 % 1 - 0.5) * 0.011, 0.0012
    ) * smoothstep(-0.004, -0.012, d)
    picture = mix(picture, rgb("f4e6c6"), inside)
    picture = mix(picture, rgb("6f97a8"), strips)
    return mix(picture, ink, line(d, 0.0026))


def print_mountain(picture: Array, x: Array, y: Array, ink: Array, line: Any) -> Array:
    off = np.abs(x - 0.33)
    top = (
        0.235
        + 0.95 * np.maximum(off - 0.028, 0) ** 1.12
        - 0.25 * off**2
        + 0.006 * np.sin(70 * x) * smoothstep(0.2, 0.0, off)
    )
    d = (y - top) * 0.75
    inside = smoothstep(-0.001, 0.001, d)
    body = ramp((y - 0.24) / 0.34, rgb("7a3b2e b5583a 4d7a63 2b5560"))
    # Gullies run down the slope; snow lies between them at the top.
    gully = (x - 0.33) / (y - 0.10) * 46
    zigzag = 0.345 + 0.028 * np.abs(gully / 2 % 2 - 1) + 0.01 * np.sin(gully)
    picture = mix(picture, body, inside)
    lines = smoothstep(0.26, 0.16, np.abs(gully % 1 - 0.5)) * smoothstep(0.0, 0.02, y - zigzag)
    picture = mix(picture, ink, inside * lines * 0.75)
    picture = mix(picture, rgb("f6ecd6"), inside * smoothstep(0.001, -0.001, y - zigzag))
    picture = mix(picture, ink, inside * line((y - zigzag) * 0.6, 0.0022))
    return mix(picture, ink, line(d))


def print_waves(
    picture: Array, x: Array, y: Array, at: tuple[float, float, int], ink: Array, line: Any
) -> Array:
    """One row of scrolls over what is behind it."""
    top, size, row = at
    swell = 0.03 * np.sin(5.5 * x + 0.9 * row)
    step = 1.7 * size
    column = np.round((x + 0.31 * row) / step)
    dx, dy = x + 0.31 * row - column * step, y - top - swell
    # A spiral line instead of circles makes each wave roll over.
    angle = np.arctan2(dy, dx) / (2 * np.pi)
    r = np.hypot(dx, dy)
    inside = smoothstep(0.001, -0.001, r - size)
    turns = r / size * 3.5 + angle
    stripe = turns % 1
    tones = rgb("f3ead0 a9c9c4 3f7fa0 1d4f80")
    index = np.clip((np.floor(turns) + row) % 4, 0, 3).astype(int)
    fill = tones[index]
    picture = mix(picture, fill, inside)
    gap = size / 3.5
    picture = mix(picture, ink, inside * line((stripe - 0.5) * gap, 0.0016 + 0.02 * size))
    return mix(picture, ink, line(r - size, 0.0018 + 0.03 * size))
