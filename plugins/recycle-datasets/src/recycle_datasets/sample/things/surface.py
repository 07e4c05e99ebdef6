"""What surfaces have in common: colours, creases, print, plastic film, foam beads."""

import colorsys

import numpy as np

from recycle_datasets.sample.drawing import THING_SIDE, DrawnColor, Rng, Sketch, box, boxes, ellipse
from recycle_datasets.sample.noise import creases, smooth


def any_color(rng: Rng) -> DrawnColor:
    """White, grey, brown or a print colour: whatever packages come in."""
    pick = rng.random()
    if pick < 0.3:
        tone = rng.uniform(0.72, 0.97)
        return (tone, tone * rng.uniform(0.96, 1.0), tone * rng.uniform(0.9, 1.0))
    if pick < 0.42:
        tone = rng.uniform(0.25, 0.65)
        return (tone, tone, tone)
    if pick < 0.58:
        tone = rng.uniform(0.45, 0.8)
        return (tone, tone * 0.78, tone * 0.55)
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.35, 0.9), rng.uniform(0.4, 0.95))
    return (red, green, blue)


def crumple(sketch: Sketch, rng: Rng, grain: float, depth: float) -> None:
    """Folds of about `grain` pixels, lighter and darker by up to `depth`."""
    sketch.shade(1 + depth * creases(rng, THING_SIDE, THING_SIDE, grain))


def text(sketch: Sketch, rng: Rng, left: float, top: float, right: float, bottom: float, rows: int) -> None:
    """Lines of text too small to read."""
    step = (bottom - top) / rows
    dark = float(rng.uniform(0.1, 0.35))
    words = []
    for row in range(rows):
        x = left
        y = top + row * step + step * 0.3
        while x < right - 0.01:
            word = min(rng.uniform(0.015, 0.06), right - x)
            words.append((x, y, x + word, y + step * 0.4))
            x += word + 0.012
    sketch.lay(boxes(words) * sketch.shape, (dark, dark, dark), 0.8, solid=False)


def label(sketch: Sketch, rng: Rng, left: float, top: float, right: float, bottom: float) -> None:
    """A printed label with a bar and a badge."""
    sketch.lay(box(left, top, right, bottom), any_color(rng))
    height = bottom - top
    sketch.lay(box(left, top + height * 0.62, right, top + height * 0.8), any_color(rng))
    radius = min(right - left, height) * rng.uniform(0.16, 0.26)
    sketch.lay(ellipse((left + right) / 2, top + height * 0.34, radius, radius), any_color(rng))


def film(sketch: Sketch, rng: Rng) -> None:
    """Creases and thin bright streaks, as on plastic film."""
    crumple(sketch, rng, 46, 0.26)
    glare = creases(rng, THING_SIDE, THING_SIDE, 34) * smooth(rng, THING_SIDE, THING_SIDE, 80)
    sketch.glint(((glare - 0.3) * 2.5).clip(0, 1).astype(np.float32), 0.7)


def beads(sketch: Sketch, rng: Rng) -> None:
    """The beads of expanded foam."""
    cells = creases(rng, THING_SIDE, THING_SIDE, 9)
    sketch.shade((1 + 0.09 * cells).astype(np.float32))
