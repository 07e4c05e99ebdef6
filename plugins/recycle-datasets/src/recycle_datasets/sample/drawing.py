"""Tools for drawing one thing: outlines to coverage, and light on its surface."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane = NDArray[np.float32]
DrawnColor = tuple[float, float, float]
Rng = np.random.Generator
Points = Sequence[tuple[float, float]]

THING_SIDE = 320  # pixels of the square that a thing is drawn in, coordinates 0..1 across it


class Sketch:
    """A thing on its own square: colour, opacity, and the shape that its label covers.

    Attributes:
        color: (SIDE, SIDE, 3) float32, 0..1.
        opacity: (SIDE, SIDE) float32, 0..1; a bottle's is lower than its shape.
        shape: (SIDE, SIDE) float32, 0..1, what the thing occupies.
    """

    def __init__(self) -> None:
        self.color: Plane = np.zeros((THING_SIDE, THING_SIDE, 3), np.float32)
        self.opacity: Plane = np.zeros((THING_SIDE, THING_SIDE), np.float32)
        self.shape: Plane = np.zeros((THING_SIDE, THING_SIDE), np.float32)

    def lay(self, cover: Plane, color: DrawnColor | Plane, opacity: float = 1.0, solid: bool = True) -> None:
        """Put `color` over what is there, where `cover` is; `solid` parts belong to the shape."""
        weight = (cover * opacity)[..., None]
        self.color = self.color * (1 - weight) + np.asarray(color, np.float32) * weight
        self.opacity = 1 - (1 - self.opacity) * (1 - cover * opacity)
        if solid:
            self.shape = np.maximum(self.shape, cover)

    def cut(self, cover: Plane) -> None:
        """Make a hole: what lies below shows and is not of the thing."""
        self.opacity = self.opacity * (1 - cover)
        self.shape = self.shape * (1 - cover)

    def shade(self, light: Plane) -> None:
        """Multiply the colour by `light`, 1 = as it is."""
        self.color = (self.color * light[..., None]).clip(0, 1)

    def glint(self, cover: Plane, strength: float) -> None:
        """Add white light where `cover` is, within the shape."""
        add = (cover * strength * self.shape)[..., None]
        self.color = self.color + (1 - self.color) * add
        self.opacity = np.maximum(self.opacity, cover * strength * self.shape)


def polygon(points: Points) -> Plane:
    """Coverage of a polygon with corners in 0..1."""
    return _drawn(lambda draw: draw.polygon([(x * 2 * THING_SIDE, y * 2 * THING_SIDE) for x, y in points], fill=255))


def ellipse(x: float, y: float, rx: float, ry: float) -> Plane:
    """Coverage of an ellipse by centre and radii."""
    box = [(x - rx) * 2 * THING_SIDE, (y - ry) * 2 * THING_SIDE, (x + rx) * 2 * THING_SIDE, (y + ry) * 2 * THING_SIDE]
    return _drawn(lambda draw: draw.ellipse(box, fill=255))


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Plane:
    """Coverage of a box with rounded corners."""
    corners = [left * 2 * THING_SIDE, top * 2 * THING_SIDE, right * 2 * THING_SIDE, bottom * 2 * THING_SIDE]
    return _drawn(lambda draw: draw.rounded_rectangle(corners, radius * 2 * THING_SIDE, fill=255))


def boxes(corners: Sequence[tuple[float, float, float, float]]) -> Plane:
    """Coverage of many plain boxes at once, each as (left, top, right, bottom)."""

    def paint(draw: ImageDraw.ImageDraw) -> None:
        for corner in corners:
            draw.rectangle([place * 2 * THING_SIDE for place in corner], fill=255)

    return _drawn(paint)


def stroke(points: Points, width: float) -> Plane:
    """Coverage of a line of `width` through points."""
    places = [(x * 2 * THING_SIDE, y * 2 * THING_SIDE) for x, y in points]
    return _drawn(lambda draw: draw.line(places, fill=255, width=max(1, round(width * 2 * THING_SIDE)), joint="curve"))


def wobbly(
    rng: np.random.Generator, x: float, y: float, rx: float, ry: float, rough: float
) -> list[tuple[float, float]]:
    """Corners of a blob around (x, y): an ellipse whose radius varies by about `rough`."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones_like(angles)
    for wave in range(2, 9):
        radius += rough * rng.normal() / wave * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    return [(x + rx * r * np.cos(a), y + ry * r * np.sin(a)) for a, r in zip(angles, radius, strict=True)]


def across(low: float, high: float, vertical: bool = False) -> Plane:
    """0 at `low` to 1 at `high` along x (or y), clipped: a ramp for gradients."""
    ramp = ((np.arange(THING_SIDE, dtype=np.float32) / THING_SIDE - low) / (high - low)).clip(0, 1)
    plane = np.broadcast_to(ramp[:, None] if vertical else ramp[None, :], (THING_SIDE, THING_SIDE))
    return np.array(plane, np.float32)


def barrel(low: float, high: float, vertical: bool = False) -> Plane:
    """Light on a cylinder that stands between `low` and `high`: bright off-centre, dark at both edges."""
    place = across(low, high, vertical)
    light: Plane = 0.5 + 0.75 * np.sin(np.pi * place).clip(0) ** 0.7 * (1.15 - 0.5 * place)
    return light.astype(np.float32)


def _drawn(paint: Callable[[ImageDraw.ImageDraw], None]) -> Plane:
    image = Image.new("L", (2 * THING_SIDE, 2 * THING_SIDE))
    paint(ImageDraw.Draw(image))
    return np.asarray(image.resize((THING_SIDE, THING_SIDE), Image.Resampling.BOX), np.float32) / np.float32(255)
