"""A photo: a ground, things lying on it, light, and what a camera adds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from recycle_datasets.sample.drawing import THING_SIDE, Rng, Sketch
from recycle_datasets.sample.ground import ground
from recycle_datasets.sample.noise import layered
from recycle_datasets.sample.things import DRAWN_THINGS

MATERIAL_SHARES = {
    "General trash": 0.14,
    "Paper": 0.2,
    "Paper pack": 0.08,
    "Metal": 0.09,
    "Glass": 0.08,
    "Plastic": 0.13,
    "Styrofoam": 0.08,
    "Plastic bag": 0.18,
    "Battery": 0.005,
    "Clothing": 0.005,
}
"""How often each material is drawn; Battery and Clothing are rare, as in the contest."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished photo.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        instances: (size, size) int32, 0 = ground, k = visible pixels of the k-th thing, from 1.
        materials: material of each thing.
    """

    image: NDArray[np.uint8]
    instances: NDArray[np.int32]
    materials: tuple[str, ...]


def scene(rng: Rng, size: int, first: str | None = None) -> Scene:
    """Draw one photo of `size` x `size` pixels; `first` asks for a thing of that material, on top."""
    picture = ground(rng, size)
    instances = np.zeros((size, size), np.int32)
    names = list(MATERIAL_SHARES)
    shares = np.array(list(MATERIAL_SHARES.values()))
    materials = [names[pick] for pick in rng.choice(len(names), int(rng.integers(2, 7)), p=shares / shares.sum())]
    if first is not None:
        materials.append(first)
    sun = rng.uniform(0, 2 * np.pi)
    for number, material in enumerate(materials, start=1):
        drawings = DRAWN_THINGS[material]
        draw, scale = drawings[rng.integers(len(drawings))]
        side = size * scale * rng.uniform(0.34, 0.62)
        place = rng.uniform(0.08, 0.92, 2) * size
        color, opacity, shape = _placed(draw(rng), rng.uniform(0, 360), side, place, size)
        picture *= 1 - _shadow(shape, sun, side)[..., None]
        picture = picture * (1 - opacity[..., None]) + color
        instances[shape > 0.5] = number
    _litter(rng, picture)
    return Scene(_photographed(rng, picture), instances, tuple(materials))


def _placed(
    sketch: Sketch, angle: float, side: float, place: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Colour times opacity, opacity and shape of a sketch, turned, scaled and moved onto the photo."""
    pixels = min(THING_SIDE, max(8, round(side)))  # shrunk first, with a filter, or thin lines would flicker
    scale = pixels / side
    cosine, sine = np.cos(np.radians(angle)) * scale, np.sin(np.radians(angle)) * scale
    x, y = place
    matrix = (
        cosine, sine, pixels / 2 - cosine * x - sine * y,
        -sine, cosine, pixels / 2 + sine * x - cosine * y,
    )  # fmt: skip

    def warp(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
        image = image.resize((pixels, pixels), Image.Resampling.BILINEAR)
        turned = image.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        return np.asarray(turned, np.float32)

    color = np.stack([warp(sketch.color[..., channel] * sketch.opacity) for channel in range(3)], -1)
    return color, warp(sketch.opacity), warp(sketch.shape)


def _shadow(shape: NDArray[np.float32], sun: float, side: float) -> NDArray[np.float32]:
    """Darkness that a thing casts on what lies below, away from the sun."""
    shift = (round(np.sin(sun) * side * 0.045), round(np.cos(sun) * side * 0.045))
    moved = np.roll(shape, shift, (0, 1))
    soft = Image.fromarray((moved * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(max(1.0, side * 0.025)))
    return np.float32(0.5) * np.asarray(soft, np.float32) / np.float32(255)


def _litter(rng: Rng, picture: NDArray[np.float32]) -> None:
    """Crumbs too small to be labelled."""
    size = len(picture)
    for _ in range(int(rng.integers(4, 22))):
        row, column = rng.integers(0, size - 4, 2)
        picture[row : row + rng.integers(1, 4), column : column + rng.integers(1, 4)] *= rng.uniform(0.4, 1.7)


def _photographed(rng: Rng, picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Uneven light, white balance, vignette, a little blur, grain."""
    size = len(picture)
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    tilt = rng.normal(0, 0.13, 2)
    light = (1 + tilt[0] * rows + tilt[1] * columns) * (1 - 0.16 * rng.random() * (rows**2 + columns**2))
    light *= 0.86 + 0.28 * layered(rng, size, size, size * 0.8, 2)
    balance = 1 + rng.normal(0, 0.04, 3)
    exposed = picture * (light[..., None] * balance * rng.uniform(0.8, 1.2))
    soft = Image.fromarray((exposed.clip(0, 1) * 255).astype(np.uint8))
    soft = soft.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.0) * size / 384))
    grain = rng.normal(0, rng.uniform(2, 7), (size, size, 1)) + rng.normal(0, 2, (size, size, 3))
    return (np.asarray(soft, np.float32) + grain).clip(0, 255).astype(np.uint8)
