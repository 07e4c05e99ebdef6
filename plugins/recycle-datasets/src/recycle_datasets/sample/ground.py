"""What the waste lies on: tiles, asphalt, grass, a conveyor belt, planks, concrete."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from recycle_datasets.sample.noise import layered, smooth

Picture = NDArray[np.float32]


def ground(rng: np.random.Generator, size: int) -> Picture:
    """(size, size, 3) float32 in 0..1 of a ground chosen by `rng`."""
    make = (tiles, asphalt, grass, belt, planks, concrete)[rng.integers(6)]
    return make(rng, size).clip(0, 1)


def _tint(base: tuple[float, float, float], field: NDArray[np.float32], depth: float) -> Picture:
    return np.asarray(base, np.float32) * (1 + depth * (field[..., None] - 0.5))


def tiles(rng: np.random.Generator, size: int) -> Picture:
    """Square tiles with joints, each a little lighter or darker, as in a hall."""
    side = int(size * rng.uniform(0.14, 0.3))
    joint = max(2, side // 22)
    base = rng.uniform(0.45, 0.85) * np.array([1, rng.uniform(0.92, 1.0), rng.uniform(0.82, 1.0)])
    shift = rng.integers(0, side, 2)
    rows, columns = np.mgrid[0:size, 0:size]
    row, column = (rows + shift[0]) // side, (columns + shift[1]) // side
    tone = rng.uniform(0.9, 1.08, (size // side + 3, size // side + 3))[row, column]
    picture: Picture = _tint(tuple(base), layered(rng, size, size, side / 2), 0.14) * tone[..., None]
    seam = ((rows + shift[0]) % side < joint) | ((columns + shift[1]) % side < joint)
    picture[seam] *= rng.uniform(0.55, 0.8)
    return picture


def asphalt(rng: np.random.Generator, size: int) -> Picture:
    """Dark, with bright and dark grit and a crack."""
    base = rng.uniform(0.22, 0.42)
    picture = _tint((base, base, base * 1.03), layered(rng, size, size, size / 3), 0.4)
    picture *= 1 + 0.17 * rng.standard_normal((size, size, 1)).astype(np.float32).clip(-2, 2)
    walk = np.cumsum(rng.normal(0, size / 55, 24)) + rng.uniform(0.2, 0.8) * size
    crack = Image.new("L", (size, size))
    ImageDraw.Draw(crack).line(
        [(step * size / 23, place) for step, place in enumerate(walk)], fill=150, width=max(1, size // 160)
    )
    return picture * (1 - np.asarray(crack, np.float32)[..., None] / np.float32(255))


def grass(rng: np.random.Generator, size: int) -> Picture:
    """Blades in many greens and a few dry ones, over dark soil."""
    image = Image.new("RGB", (size, size), (38, 46, 24))
    draw = ImageDraw.Draw(image)
    for _ in range(int(size * size / 26)):
        x, y = rng.uniform(0, size, 2)
        length = rng.uniform(0.02, 0.07) * size
        lean = rng.normal(0, 0.5)
        dry = rng.random() < 0.15
        tone = rng.uniform(0.5, 1.1)
        green = (150, 140, 80) if dry else (70, 120, 45)
        color = tuple(int(min(255, part * tone)) for part in green)
        draw.line([(x, y), (x + lean * length, y - length)], fill=color, width=max(1, size // 260))
    return np.asarray(image, np.float32) / np.float32(255)


def belt(rng: np.random.Generator, size: int) -> Picture:
    """A sorting line's rubber belt: ribs across, scratches along, dust."""
    base = rng.uniform(0.13, 0.3)
    cool = rng.uniform(0.95, 1.15)
    picture = _tint((base, base * 1.02, base * cool), layered(rng, size, size, size / 2), 0.5)
    pitch = size * rng.uniform(0.09, 0.2)
    rib = np.arange(size) % pitch / pitch
    shade = 1 + 0.5 * np.exp(-(((rib - 0.15) / 0.05) ** 2)) - 0.35 * np.exp(-(((rib - 0.3) / 0.06) ** 2))
    picture *= shade[None, :, None].astype(np.float32)
    picture *= 1 + 0.12 * (smooth(rng, size, 1, 2.0) - 0.5)[..., None]
    dust = (rng.random((size, size)) < 0.012).astype(np.float32)
    return picture + 0.25 * dust[..., None]


def planks(rng: np.random.Generator, size: int) -> Picture:
    """Boards with grain along them and dark gaps between."""
    count = int(rng.integers(3, 7))
    grain = np.concatenate([smooth(rng, 1, size, 3.0)] * size, 0)
    wobble = (layered(rng, size, size, size / 2) * 14).astype(int)
    columns = (np.arange(size)[None, :] + wobble) % size
    field = np.take_along_axis(grain, columns, 1)
    base = rng.uniform(0.4, 0.72) * np.array([1.0, rng.uniform(0.72, 0.86), rng.uniform(0.5, 0.7)])
    picture = _tint(tuple(base), field, 0.5)
    place = np.arange(size) * count / size
    picture *= rng.uniform(0.85, 1.1, count)[place.astype(int)][None, :, None]
    picture[:, place % 1 < 0.025] *= 0.3
    return picture


def concrete(rng: np.random.Generator, size: int) -> Picture:
    """Pale, blotched, with pores."""
    base = rng.uniform(0.5, 0.78)
    picture = _tint((base, base * 0.985, base * 0.95), layered(rng, size, size, size / 2.5, 6), 0.55)
    pores = (rng.random((size, size)) < 0.004).astype(np.float32)
    return picture * (1 - 0.45 * pores[..., None])
