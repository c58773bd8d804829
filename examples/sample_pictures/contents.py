"""Two contents, which share a camera, the lighting of land, and reflections in water."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from tools import Array, blur, finish, fractal, mix, noise_and_slope, ramp, rgb, smoothstep


class Camera:
    """A level camera above x = z = 0 that looks along z; slopes are offsets at distance 1."""

    def __init__(self, width: int, height: float, horizon: float) -> None:
        self.width, self.rows, self.height = width, width * 3 // 4, height
        self.focal, self.horizon = 0.96 * width, horizon * width * 3 // 4
        self.across = ((np.arange(width) + 0.5 - width / 2) / self.focal).astype(np.float32)
        self.upward = ((self.horizon - np.arange(self.rows) - 0.5) / self.focal).astype(np.float32)

    def pixel(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Return the pixel at which a point of the world appears."""
        column = self.width / 2 + x / z * self.focal
        return column, self.horizon - (y - self.height) / z * self.focal


def sky(camera: Camera, colors: str, cloud: str, seed: int) -> Array:
    """Paint a gradient with clouds under a ceiling, so that they gather toward the horizon."""
    slope, across = camera.upward[:, None], camera.across[None]
    clear = ramp(np.clip(slope, 0, 1) + 0 * across, rgb(colors), [0, 0.06, 0.16, 0.3, 0.5])
    far = 1 / (np.maximum(slope, 0) + 0.10)
    u, v = across * far * 0.9 + 5, far * 0.8 + 0 * across
    warp = fractal(u * 0.7, v * 0.7, 3, seed)
    u, v = u * 0.8 + warp * 0.8, v * 1.4 + warp * 0.5
    density, ahead = fractal(u, v, 7, seed + 1), fractal(u - 0.12, v - 0.05, 7, seed + 1)
    shade, bright = rgb(cloud)
    lit = mix(shade, bright, np.clip(0.5 + 1.3 * (density - ahead), 0, 1))
    cover = smoothstep(0.0, 0.55, density + 0.04) * smoothstep(0.0, 0.08, slope)
    return mix(clear, lit, 0.9 * cover) ** 2.2


Ground = Callable[[Array, Array], Array]


def first_hit(ground: Ground, camera: Camera, near: float, far: float) -> Array:
    """Compute the distance at which each pixel's ray meets the ground (infinity: never).

    The rays of one column differ only in slope, so the highest slope so far, as a function of
    distance, answers all of them at once.
    """
    z = np.geomspace(near, far, 1200).astype(np.float32)[:, None]
    highest = (ground(camera.across * z, z + 0 * camera.across) - camera.height) / z
    highest = np.maximum.accumulate(np.maximum(highest, -camera.height / z), axis=0)
    depth = np.full((camera.rows, camera.width), np.inf, np.float32)
    for column in range(camera.width):
        slopes = highest[:, column]
        depth[:, column] = np.interp(camera.upward, slopes + 1e-9 * np.arange(len(z)), z[:, 0])
        depth[camera.upward > slopes[-1], column] = np.inf
    return depth


def light_land(
    picture: Array,
    depth: Array,
    camera: Camera,
    ground: Ground,
    albedo: Any,
    sun: Array,
    far: float,
) -> Array:
    """Light the land in place; return which pixels are water."""
    hit = np.isfinite(depth)
    z = depth[hit]
    x = np.broadcast_to(camera.across, depth.shape)[hit] * z
    h, step = ground(x, z), 0.8 * z / camera.focal
    slope_x, slope_z = (ground(x + step, z) - h) / step, (ground(x, z + step) - h) / step
    level = 1 / np.sqrt(1 + slope_x**2 + slope_z**2)
    sunlight = np.maximum((sun[1] - slope_x * sun[0] - slope_z * sun[2]) * level, 0)
    for walk in np.geomspace(0.002, 0.3, 11) * far:
        above = h + sun[1] * walk - ground(x + sun[0] * walk, z + sun[2] * walk)
        sunlight = sunlight * smoothstep(-0.04, 0.04, above / walk)
    warm, cool = np.array([3.3, 2.2, 1.25]), np.array([0.34, 0.46, 0.72])
    sky_light = (0.35 + 0.65 * level)[:, None] * cool
    light = albedo(x, z, h, level) * (sunlight[:, None] * warm + sky_light)
    picture[hit] = mix(light, rgb("b9c0cf") ** 2.2, 1 - np.exp(-z / far))
    water = np.zeros_like(hit)
    water[hit] = h <= 0
    return water


def fill_water(
    picture: Array,
    depth: Array,
    water: Array,
    camera: Camera,
    ground: Ground,
    size: float,
    deep: Array,
) -> None:
    """Mirror what stands above the horizon in rippled water, with foam where it is shallow."""
    z = depth[water]
    row, column = np.nonzero(water)
    x = camera.across[column] * z
    # Ripples fade into the distance, where a pixel holds many.
    ripple, ripple_x = (fractal(x / size + k, z / size * 2, 6, 60 + k) for k in (0, 9))
    calm = smoothstep(60, 3, z / size)
    up = camera.horizon - (row - camera.horizon) * (0.9 - 0.3 * ripple * calm) - 10 * ripple
    up = np.clip(up + 0.004 * camera.width, 0, camera.rows - 1).astype(int)
    side = np.clip(column + 14 * ripple_x * (0.2 + calm), 0, camera.width - 1).astype(int)
    glancing = np.clip(1 - camera.height / z * 3, 0.25, 0.9) * (0.85 + 0.45 * ripple)
    color = mix(deep * (1 + 0.9 * ripple[:, None]), picture[up, side], np.clip(glancing, 0, 1))
    lace = np.abs(fractal(x / size * 1.5, z / size * 1.5, 5, 66))
    foam = smoothstep(-0.006, -0.0003, ground(x, z)) * smoothstep(0.42, 0.05, lace)
    crests = smoothstep(0.62, 0.95, ripple) * smoothstep(0.5, 0.1, lace) * calm
    picture[water] = mix(
        color, rgb("e8ecec") ** 2.2, np.clip(foam + 0.7 * crests, 0, 1) * (size < 0.1)
    )


def develop(light: Array, width: int) -> Image.Image:
    """Turn amounts of light into a picture: a glow around highlights, then a film's curve."""
    bright = np.maximum(light - 0.8, 0)
    for channel in range(3):
        light[..., channel] += 0.1 * blur(bright[..., channel], light.shape[1] / 60)
    curve = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    return finish(np.clip(curve, 0, 1) ** (1 / 2.2), width)


def conifer(rng: np.random.Generator, rows: int = 320) -> Image.Image:
    """One spruce, in gray with its coverage, lit from the left."""
    image = Image.new("LA", (rows // 2, rows))
    draw, middle = ImageDraw.Draw(image), rows / 4
    draw.line([(middle, rows), (middle, rows * 0.04)], fill=(40, 255), width=rows // 60)
    for level in np.linspace(0.97, 0.01, 70):
        reach = 0.38 * rows / 2 * (level + 0.03) ** 0.85 * rng.uniform(0.7, 1.15)
        for angle in rng.uniform(-np.pi / 2, 3 * np.pi / 2, 14):
            for t in np.linspace(0.15, 1, 9):
                x = middle + np.cos(angle) * reach * t + rng.normal()
                y = rows * (0.02 + 0.94 * level) + reach * t * (
                    0.3 * (0.4 + level) + 0.12 * np.sin(angle)
                )
                # Tips catch the light; the inside of the tree stays dark.
                lit = (
                    0.14 + (0.2 + 0.6 * max(0, 0.45 * np.sin(angle) - 0.8 * np.cos(angle))) * t**1.5
                )
                shade = int(255 * min(1, lit * rng.uniform(0.7, 1.3)))
                drop = rows * 0.012 * rng.uniform(0.6, 1.5)
                draw.line([(x, y), (x + np.cos(angle) * drop, y + drop)], (shade, 255), rows // 150)
    return image.convert("La")  # weighed by coverage, so that it shrinks without a dark rim


def plant(
    picture: Array, tree: Image.Image, foot: tuple[float, float], tall: float, color: Array
) -> None:
    """Stand a tree on the picture, its foot at a pixel, `tall` pixels high."""
    rows, columns = max(3, round(tall)), max(2, round(tall / 2))
    small = tree.resize((columns, rows), Image.Resampling.BOX)
    shade, cover = np.moveaxis(np.asarray(small, np.float32) / 255, -1, 0)
    left, top = round(foot[0] - columns / 2), round(foot[1]) - rows
    y, x = (
        slice(max(-a, 0), max(n - a, 0)) for a, n in zip((top, left), picture.shape, strict=False)
    )
    shade, cover = shade[y, x], cover[y, x]
    part = picture[max(top, 0) :, max(left, 0) :][: shade.shape[0], : shade.shape[1]]
    part *= 1 - cover[..., None]
    part += mix(color[0] * cover[..., None], color[1] * cover[..., None], shade)


def fill(picture: Array, points: Any, color: Array) -> None:
    """Fill a polygon, with a little wear."""
    mask = Image.new("L", picture.shape[1::-1])
    ImageDraw.Draw(mask).polygon([tuple(map(float, point)) for point in points], fill=255)
    inside = np.asarray(mask) > 0
    y, x = np.nonzero(inside)
    width = picture.shape[1]
    wear = 1 + 0.22 * fractal(x / width * 90, y / width * 300, 3, 80)
    picture[inside] = color * wear[:, None]


def house(picture: Array, foot: tuple[float, float], size: float, wall: str, roof: str) -> None:
    """A house seen from a corner: a lit gable on the left, a long side in the shade."""

    def face(corners: Any, color: Array) -> None:
        fill(picture, np.array(foot) + size * np.array(corners) * [1, -1], color)

    plaster, tiles, dark = rgb(wall) ** 2.2, rgb(roof) ** 2.2, rgb("1b1a20") ** 2.2
    face([(0.62, 0.5), (0.62, 1.08), (0.74, 1.08), (0.74, 0.5)], plaster * 0.7)
    face([(0, 0), (1.15, 0.05), (1.15, 0.5), (0, 0.5)], plaster * 0.5)
    face([(-0.55, 0.04), (0, 0), (0, 0.5), (-0.27, 0.96), (-0.55, 0.5)], plaster * 1.5)
    for k in range(12):
        low, high = k / 12, (k + 0.8) / 12
        left, right = (
            np.array([(0.06, 0.42), (-0.27, 0.99)]),
            np.array([(1.22, 0.44), (0.92, 0.93)]),
        )
        ends = [
            side[0] + t * (side[1] - side[0])
            for side, t in ((left, low), (right, low), (right, high), (left, high))
        ]
        face([left[0] + (left[1] - left[0]) * low, ends[1], right[1], left[1]], tiles * 0.45)
        face(ends, tiles * (0.9 + 0.12 * (k % 3)))
    face([(-0.27, 1.03), (-0.27, 0.93), (-0.62, 0.41), (-0.66, 0.44)], tiles * 0.8)
    for x, y in ((0.18, 0.17), (0.48, 0.18), (0.90, 0.20)):
        face(
            [(x, y), (x + 0.14, y), (x + 0.14, y + 0.19), (x, y + 0.19)], rgb("ffd27a") ** 2.2 * 1.3
        )
    face([(-0.36, 0.02), (-0.2, 0.01), (-0.2, 0.32), (-0.36, 0.32)], dark * 3)
    face([(-0.34, 0.5), (-0.2, 0.5), (-0.2, 0.68), (-0.34, 0.68)], dark)


SUN = np.array([-0.72, 0.36, -0.42], np.float32) / np.float32(0.908)


def valley_ground(x: Array, z: Array) -> Array:
    """Height above the lake: peaks far away, a bank in front at the left; kilometers."""
    # Octaves fade where the sum so far is steep: ridges stay clean, as if rain had cut them.
    px, pz = x * 0.42 + 3.3, z * 0.42 + 1.9
    total, sx, sz = np.zeros(x.shape, np.float32), 0.0, 0.0
    for octave in range(10):
        n, dx, dz = noise_and_slope(px, pz, 40 + octave)
        sx, sz = sx + dx * 0.9, sz + dz * 0.9
        total += 0.5**octave * n * 1.5 / (1 + sx * sx + sz * sz)
        px, pz = 1.6 * px - 1.2 * pz, 1.2 * px + 1.6 * pz

    def mound(cx: float, cz: float, rx: float, rz: float) -> Array:
        return 1 / (1 + ((x - cx) / rx) ** 2 + ((z - cz) / rz) ** 2) ** 1.5

    peaks = 2.9 * mound(1.5, 9.3, 1.5, 1.9) + 2.1 * mound(-3.4, 11.0, 2.2, 1.8)
    peaks = np.maximum(peaks, 1.9 * mound(-0.6, 14.5, 2.6, 1.5)) + 0.9 * mound(3.9, 6.2, 1.3, 2.2)
    land = (peaks + 0.75 * mound(-3.6, 5.6, 1.5, 2.0)) * (0.72 + 0.75 * total) + 0.10 * total
    shore = np.hypot((x - 0.15) / (0.7 + 0.33 * z), (z - 2.4) / 2.6) - 1 + 0.16 * total
    shore = np.where(z < 2.4, np.abs(x - 0.15) / (0.7 + 0.33 * z) - 1 + 0.16 * total, shore)
    far = np.where(
        shore > 0,
        0.002 + 0.12 * np.minimum(shore, 0.12) + land * smoothstep(0, 0.6, shore) ** 1.3,
        0.12 * shore,
    )
    inland = 0.035 - 0.32 * z + 0.10 * np.abs(z) ** 1.5 - x + 0.012 * fractal(x * 25, z * 25, 3, 57)
    bank = np.where(inland > 0, np.minimum(0.10 * inland, 0.004) + 0.02 * inland, 0.1 * inland)
    return np.maximum(far, bank + 0.0008 * fractal(x * 90, z * 90, 3, 55) * (inland > 0.004))


def valley_albedo(x: Array, z: Array, h: Array, level: Array) -> Array:
    """Rock and snow high up, woods on the slopes, a meadow by the water."""
    fine = fractal(x * 9, z * 9, 4, 90)
    strata = fractal(h * 14 + x, x * 1.5, 3, 94)
    rock = ramp(0.5 + 0.5 * strata + 0.4 * fine, rgb("4a4440 8a7a6b") ** 2.2)
    near = fractal(x * 300, z * 160, 5, 97) * smoothstep(1.2, 0.3, z)
    grass = ramp(0.5 + 0.5 * fine + 0.35 * near, rgb("22361a 3f5e2a 76803a") ** 2.2)
    wood = ramp(0.5 + 0.8 * fine, rgb("1d2b22 39472c") ** 2.2)
    color = mix(rock, wood, smoothstep(0.95, 0.6, h + 0.25 * fine) * smoothstep(0.5, 0.68, level))
    color = mix(color, grass, smoothstep(0.16, 0.05, h + 0.05 * fine) * smoothstep(0.6, 0.8, level))
    color = mix(color, rgb("9a8f80") ** 2.2, smoothstep(0.0012, 0.0004, h * np.minimum(1, 0.4 / z)))
    snow = smoothstep(0.52, 0.66, level + 0.08 * fine) * smoothstep(0.75, 1.15, h + 0.25 * fine)
    return mix(color, rgb("eef3fa") ** 2.2, snow)


def grow_grass(picture: Array, depth: Array, water: Array, camera: Camera, rng: Any) -> None:
    """Blades of grass, and flowers, on the land nearby."""
    row, column = np.nonzero(~water & (depth < 0.7))
    z = depth[row, column]
    x = camera.across[column] * z
    size = camera.width / 1280
    u, v = column / size, row / size
    lean = 6 * fractal(u * 0.01, v * 0.01, 2, 108)
    blades = fractal(u * 0.20 + lean, v * 0.05, 4, 110) * smoothstep(0.75, 0.15, z)
    picture[row, column] *= (1 + 0.75 * np.clip(blades, -1, 1.2))[:, None]
    tints = rgb("fff6e0 ffd23c e8452c d89be0") ** 2.2 * 1.2
    patch = smoothstep(0.1, 0.6, fractal(x * 60, z * 60, 3, 115))
    for k in np.nonzero(rng.random(len(z)) < 0.010 * patch * smoothstep(0.35, 0.05, z) / size**2)[
        0
    ]:
        wide = max(1, int(0.28 * size / z[k]))
        picture[row[k] : row[k] + wide, column[k] : column[k] + wide] = tints[rng.integers(4)]


def grow_woods(picture: Array, depth: Array, camera: Camera, rng: Any, lodge: Any) -> None:
    """Spruces along the far shores and in a grove on the bank, around a house; far ones first."""
    trees = [conifer(rng) for _ in range(6)]
    slope = np.concatenate([rng.uniform(-0.5, 0.5, 16000), rng.uniform(-0.6, -0.05, 900)])
    z = np.concatenate([rng.uniform(0.5, 6, 16000), 0.075 + 0.6 * rng.random(900) ** 2])
    h = valley_ground(slope * z, z)
    column, row = camera.pixel(slope * z, h, z)
    clipped = [
        np.clip(a, 0, n - 1).astype(int)
        for a, n in zip((row + 1, column), depth.shape, strict=True)
    ]
    visible = np.abs(depth[tuple(clipped)] / z - 1) < 0.1
    open_ground = (z < 0.6) & (
        slope > -0.20 - 0.35 * smoothstep(0.25, 0.1, z) + 0.1 * rng.normal(size=len(z))
    )
    for k in np.argsort(-z):
        if lodge and z[k] < 0.13:
            house(picture, lodge, 0.062 * camera.width, "d8cdb4", "8c4a34")
            lodge = None
        if not visible[k] or open_ground[k] or not 0.0015 < h[k] < 0.3:
            continue
        haze = np.full(2, 1 - np.exp(-z[k] / 14))
        color = mix(rgb("0c1712 5d7a3c") * rng.uniform(0.8, 1.2), rgb("a9b4bc"), haze) ** 2.2
        tall = rng.uniform(0.008, 0.019) / z[k] * camera.focal
        if z[k] < 0.6:  # its shadow on the grass
            y, x = (
                slice(max(0, int(a)), max(0, int(b)))
                for a, b in (
                    (row[k] - 0.05 * tall, row[k] + 0.05 * tall),
                    (column[k] - 0.1 * tall, column[k] + 0.7 * tall),
                )
            )
            part = picture[y, x]
            v, u = (np.linspace(-1, 1, n) for n in part.shape[:2])
            part *= 1 - 0.6 * smoothstep(1, 0.3, np.hypot(u, v[:, None]))[..., None]
        plant(picture, trees[rng.integers(6)], (column[k], row[k] + 2), tall, color)


def valley(width: int = 640) -> Image.Image:
    """A mountain lake with a house and spruces."""
    rng, camera = np.random.default_rng(4), Camera(2 * width, 0.016, 0.56)
    picture = sky(camera, "f3cfa6 e9c3ae a9b7cc 6f93bd 3f6ba3", "8d8fa8 fff0dc", 70)
    depth = first_hit(valley_ground, camera, 0.03, 22)
    water = light_land(picture, depth, camera, valley_ground, valley_albedo, SUN, 26)
    grow_grass(picture, depth, water, camera, rng)
    grow_woods(picture, depth, camera, rng, camera.pixel(-0.030, 0.0045, 0.13))
    fill_water(picture, depth, water, camera, valley_ground, 0.12, rgb("16323c") ** 2.2)
    return develop(picture, width)


def cliff_ground(x: Array, z: Array) -> Array:
    """Height above the sea: a headland that comes in from the right, with rocks before it."""
    rough = fractal(x * 9, z * 9, 5, 120)
    inland = x - 0.035 - 0.10 * np.sin(9 * z + 2.4) + 0.05 * rough - 1.2 * np.maximum(z - 0.42, 0)
    inland = np.minimum(inland, z - 0.13 - 0.25 * np.maximum(0.1 - x, 0) + 0.04 * rough)
    wall = smoothstep(0, 0.035, inland + 0.010 * fractal(x * 40, z * 40, 4, 125))
    top = 0.030 + 0.05 * np.clip(inland, 0, 0.4) + 0.005 * rough
    # Ledges: the wall climbs in steps, as layers of rock weather.
    height = wall * top
    height = height + 0.0013 * np.sin(height * 1100 + 9 * rough) * smoothstep(
        0.002, 0.006, height
    ) * (1 - wall)
    stacks = (
        0.022 * fractal(x * 22 + 3, z * 22, 4, 131)
        - 0.009
        - 0.05 * np.maximum(np.abs(inland + 0.05) - 0.05, 0)
    )
    return np.maximum(np.where(inland > 0, height, 0.10 * inland), stacks)


def cliff_albedo(x: Array, z: Array, h: Array, level: Array) -> Array:
    """Layered rock, turf on top, a wet dark foot."""
    fine = fractal(x * 150, z * 150, 4, 140)
    strata = fractal(x * 8, h * 700 + 5 * fractal(x * 14, z * 14, 2, 145), 4, 146)
    rock = ramp(0.48 + 0.34 * strata + 0.45 * fine, rgb("33292a 6a5548 937a62 b39c80") ** 2.2)
    turf = ramp(0.5 + 0.6 * fine, rgb("2e4420 5d7430 a3a04c") ** 2.2)
    color = mix(
        rock, turf, smoothstep(0.62, 0.8, level + 0.06 * fine) * smoothstep(0.016, 0.024, h)
    )
    return color * (0.35 + 0.65 * smoothstep(0.0005, 0.004, h + 0.0015 * fine))[..., None]


def tower(picture: Array, foot: tuple[float, float], tall: float) -> None:
    """A lighthouse in red and white, round, lit from the left, with its lamp on."""
    rows, columns = np.indices(picture.shape[:2]).astype(np.float32)
    v, u = (foot[1] - rows) / tall, (columns - foot[0]) / tall

    def drum(
        low: float, high: float, wide_low: float, wide_high: float, color: Any, round_: float = 1
    ) -> None:
        half = wide_low + (wide_high - wide_low) * np.clip((v - low) / (high - low), 0, 1) ** 0.8
        side = np.clip(u / half, -1, 1)
        # Seen a little from below, level edges bulge.
        bulge = v - 0.018 * np.sqrt(1 - side**2) * round_
        inside = (np.abs(u) < half) & (bulge > low - 0.018) & (bulge < high)
        side, bulge = side[inside], bulge[inside]
        around = np.arcsin(side)
        lit = 0.32 + 2.1 * np.maximum(np.cos(around + 0.75), 0)
        stains = (
            1 + 0.20 * fractal(around * 5, bulge * 9, 4, 150) + 0.05 * (np.sin(bulge * 260) > 0.9)
        )
        surface = (
            color(around, bulge) if callable(color) else rgb(color) ** 2.2 * np.ones((len(side), 1))
        )
        picture[inside] = surface * (lit * stains)[:, None] * np.array([1.1, 0.95, 0.85])

    def stripes(around: Array, bulge: Array) -> Array:
        color = mix(rgb("f1e9dc"), rgb("b3261e"), (bulge / 0.135 + 0.1) % 2 < 1) ** 2.2
        window = (np.abs(around + 0.15) < 0.17) & (np.abs((bulge - 0.06) % 0.20 - 0.10) < 0.022)
        return np.where(window[:, None], rgb("231f26") ** 2.2, color)

    def lantern(around: Array, bulge: Array) -> Array:
        bars = (np.abs(np.sin(around * 5)) < 0.2) | (np.abs(bulge - 0.865) < 0.004)
        return np.where(bars[:, None], rgb("20242a") ** 2.2, rgb("ffdf8a") ** 2.2 * 2.2)

    drum(-0.02, 0.02, 0.135, 0.130, "8d8478")
    drum(0.0, 0.76, 0.112, 0.068, stripes)
    drum(0.755, 0.785, 0.095, 0.102, "2c2a2e")
    drum(0.79, 0.83, 0.056, 0.056, "efe6d8")
    drum(0.82, 0.905, 0.052, 0.052, lantern)
    drum(0.90, 0.99, 0.066, 0.006, "8f1f1a", 0.3)
    drum(0.985, 1.04, 0.004, 0.003, "20242a", 0)
    for k in np.linspace(-1, 1, 13):
        drum_x = foot[0] + tall * 0.1 * np.sin(k * np.pi / 2)
        y = foot[1] - 0.79 * tall
        fill(
            picture,
            [
                (drum_x - 1, y),
                (drum_x + 1, y),
                (drum_x + 1, y - 0.04 * tall),
                (drum_x - 1, y - 0.04 * tall),
            ],
            rgb("24222a") ** 2,
        )
    for level in (0.81, 0.83):
        y, half = foot[1] - level * tall, 0.101 * tall
        fill(
            picture,
            [
                (foot[0] - half, y),
                (foot[0] + half, y),
                (foot[0] + half, y + 2),
                (foot[0] - half, y + 2),
            ],
            rgb("24222a") ** 2,
        )
    glow = np.exp(-np.hypot(u, v - 0.865) * 16) + 0.25 * np.exp(-np.hypot(u, v - 0.865) * 5)
    picture += glow[..., None] * np.array([1.3, 0.85, 0.35]) * 0.8


def lighthouse(width: int = 640) -> Image.Image:
    """A lighthouse on a cliff above the sea, toward evening."""
    camera = Camera(2 * width, 0.022, 0.60)
    picture = sky(camera, "ffc98a f6a98a b98fa8 6f7fb0 3a5690", "7a6a8c ffdcb8", 170)
    depth = first_hit(cliff_ground, camera, 0.04, 60)
    water = light_land(picture, depth, camera, cliff_ground, cliff_albedo, SUN, 2.0)
    x, z = 0.062, 0.30
    ground = float(cliff_ground(np.array([x]), np.array([z]))[0])
    foot = camera.pixel(x, ground, z)
    house(picture, camera.pixel(x + 0.05, ground, z), 0.06 * camera.width, "e6ddcc", "7a3328")
    tower(picture, foot, 0.36 * camera.width)
    fill_water(picture, depth, water, camera, cliff_ground, 0.03, rgb("0f3a4a") ** 2.2)
    return develop(picture, width)
