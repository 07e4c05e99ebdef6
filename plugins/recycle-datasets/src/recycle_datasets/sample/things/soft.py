"""Foam, bags, clothing and general trash."""

import numpy as np

from recycle_datasets.sample.drawing import (
    THING_SIDE,
    Plane,
    Rng,
    Sketch,
    across,
    box,
    ellipse,
    polygon,
    stroke,
    wobbly,
)
from recycle_datasets.sample.noise import layered, smooth
from recycle_datasets.sample.things.surface import any_color, beads, crumple, film, text


def foam_tray(rng: Rng) -> Sketch:
    """A tray of expanded foam: soft bevels, a sunken middle, beads."""
    sketch = Sketch()
    tone = rng.uniform(0.8, 0.98)
    color = np.array(any_color(rng)) * 0.25 + 0.72 if rng.random() < 0.3 else np.array([tone, tone, tone])
    sketch.lay(box(0.08, 0.22, 0.92, 0.8, 0.09), tuple(color))
    sketch.lay(box(0.15, 0.29, 0.85, 0.73, 0.07), tuple(color * 0.86))
    sketch.lay(box(0.2, 0.34, 0.83, 0.71, 0.05), tuple((color * 0.96).clip(0, 1)))
    for x in np.arange(0.28, 0.8, 0.1):
        sketch.lay(stroke([(x, 0.38), (x, 0.67)], 0.014), tuple(color * 0.84), 0.7)
    beads(sketch, rng)
    return sketch


def foam_block(rng: Rng) -> Sketch:
    """A broken piece of packing foam with a cut-out and rough edges."""
    sketch = Sketch()
    tone = rng.uniform(0.82, 0.98)
    points = wobbly(rng, 0.5, 0.52, 0.4, 0.3, 0.06)
    blocky = [(float(np.clip(x, 0.14, 0.86)), float(np.clip(y, 0.28, 0.76))) for x, y in points]
    lower = [(x + 0.02, y + 0.09) for x, y in blocky]
    sketch.lay(polygon(lower), (tone * 0.68, tone * 0.68, tone * 0.7))
    sketch.lay(polygon(blocky), (tone, tone, tone))
    if rng.random() < 0.7:
        hole = box(0.38, 0.4, 0.62, 0.62, 0.04)
        sketch.cut(hole)
    beads(sketch, rng)
    return sketch


def plastic_bag(rng: Rng) -> Sketch:
    """A carrier bag with two handles, thin, creased, half see-through."""
    sketch = Sketch()
    color = any_color(rng)
    drop = rng.uniform(0.3, 0.38)
    outline = [
        (0.16, 0.06), (0.3, 0.05), (0.34, drop), (0.66, drop), (0.7, 0.05), (0.84, 0.06),
        (0.88, 0.5), (0.84 + rng.uniform(-0.05, 0.05), 0.94), (0.5, 0.9 + rng.uniform(0, 0.05)),
        (0.16 + rng.uniform(-0.05, 0.05), 0.94), (0.12, 0.5),
    ]  # fmt: skip
    sketch.lay(polygon(outline), color, rng.uniform(0.6, 0.9))
    for x in (0.235, 0.765):
        sketch.cut(ellipse(x, 0.17, 0.032, 0.075))
    if rng.random() < 0.6:
        sketch.lay(ellipse(0.5, 0.62, 0.15, 0.12), any_color(rng), 0.85, solid=False)
    film(sketch, rng)
    return sketch


def bin_bag(rng: Rng) -> Sketch:
    """A full bag tied at its neck: round, shiny, full of folds towards the knot."""
    sketch = Sketch()
    sketch.lay(polygon(wobbly(rng, 0.5, 0.6, 0.38, 0.33, 0.12)), any_color(rng), 0.92)
    neck = np.maximum(
        polygon([(0.42, 0.34), (0.47, 0.2), (0.53, 0.2), (0.58, 0.34)]),
        polygon([(0.47, 0.22), (0.34, 0.06), (0.5, 0.13), (0.66, 0.06), (0.53, 0.22)]),
    )
    sketch.lay(neck, tuple(sketch.color[THING_SIDE * 6 // 10, THING_SIDE // 2] * 0.8), 0.92)
    rows, columns = np.mgrid[0:THING_SIDE, 0:THING_SIDE] / THING_SIDE
    angle = np.arctan2(rows - 0.26, columns - 0.5)
    folds = np.sin(angle * rng.integers(14, 24) + 5 * smooth(rng, THING_SIDE, THING_SIDE, 60))
    sketch.shade((1 + 0.22 * folds * np.exp(-(((rows - 0.3) / 0.35) ** 2))).astype(np.float32))
    film(sketch, rng)
    return sketch


def shirt(rng: Rng) -> Sketch:
    """A T-shirt laid flat: sleeves, collar, folds, perhaps stripes."""
    sketch = Sketch()
    color = np.array(any_color(rng))
    outline = [
        (0.38, 0.12), (0.44, 0.17), (0.56, 0.17), (0.62, 0.12), (0.78, 0.18), (0.96, 0.4), (0.84, 0.5), (0.74, 0.4),
        (0.75, 0.92), (0.25, 0.92), (0.26, 0.4), (0.16, 0.5), (0.04, 0.4), (0.22, 0.18),
    ]  # fmt: skip
    cover = polygon(outline)
    sketch.lay(cover, tuple(color))
    if rng.random() < 0.5:
        stripes = (np.sin(across(0, 1, vertical=True) * rng.uniform(60, 130)) > 0).astype(np.float32)
        sketch.lay(cover * stripes, any_color(rng))
    sketch.lay(stroke([(0.38, 0.12), (0.44, 0.185), (0.56, 0.185), (0.62, 0.12)], 0.022), tuple(color * 0.7))
    sketch.lay(stroke([(0.26, 0.4), (0.24, 0.22)], 0.008), tuple(color * 0.6), 0.8, solid=False)
    sketch.lay(stroke([(0.74, 0.4), (0.76, 0.22)], 0.008), tuple(color * 0.6), 0.8, solid=False)
    folds: Plane = layered(rng, THING_SIDE, THING_SIDE, 90, 3)
    sketch.shade((0.75 + 0.5 * folds).astype(np.float32))
    weave = 1 + 0.05 * np.sin(across(0, 1) * 900) * np.sin(across(0, 1, vertical=True) * 900)
    sketch.shade(weave.astype(np.float32))
    return sketch


def toothbrush(rng: Rng) -> Sketch:
    """A toothbrush, which no bin but the last one takes."""
    sketch = Sketch()
    color = np.array(any_color(rng))
    sketch.lay(stroke([(0.06, 0.56), (0.4, 0.52), (0.62, 0.5), (0.92, 0.48)], 0.05), tuple(color))
    sketch.lay(box(0.74, 0.44, 0.94, 0.52, 0.03), tuple(color * 0.9))
    for x in np.arange(0.755, 0.925, 0.024):
        sketch.lay(box(x, 0.34, x + 0.017, 0.46), any_color(rng) if rng.random() < 0.3 else (0.93, 0.93, 0.95))
    sketch.lay(stroke([(0.12, 0.555), (0.36, 0.527)], 0.02), any_color(rng), solid=False)
    return sketch


def wrapper(rng: Rng) -> Sketch:
    """A snack wrapper: zigzag ends, bright print, foil creases."""
    sketch = Sketch()
    teeth = np.arange(0.24, 0.77, 0.035)
    left = [(0.06 + 0.025 * (number % 2), y) for number, y in enumerate(teeth)]
    right = [(0.94 - 0.025 * (number % 2), y) for number, y in enumerate(teeth)]
    cover = polygon([*left, *right[::-1]])
    sketch.lay(cover, any_color(rng))
    sketch.lay(box(0.16, 0.24, 0.84, 0.76) * cover, any_color(rng))
    sketch.lay(ellipse(0.5, 0.5, 0.22, 0.14), any_color(rng))
    text(sketch, rng, 0.36, 0.46, 0.64, 0.54, 1)
    for x in (0.11, 0.13, 0.87, 0.89):
        sketch.lay(stroke([(x, 0.25), (x, 0.75)], 0.006), (0.3, 0.3, 0.3), 0.4, solid=False)
    crumple(sketch, rng, 50, 0.34)
    return sketch


def mask(rng: Rng) -> Sketch:
    """A face mask with pleats and two ear loops around nothing."""
    sketch = Sketch()
    color = np.array(any_color(rng)) * 0.4 + 0.55
    for side in (-1, 1):
        loop = ellipse(0.5 + side * 0.3, 0.5, 0.16, 0.19) - ellipse(0.5 + side * 0.3, 0.5, 0.137, 0.167)
        sketch.lay(loop.clip(0, 1), (0.93, 0.93, 0.94))
    sketch.lay(box(0.22, 0.3, 0.78, 0.7, 0.03), tuple(color))
    for y in (0.41, 0.5, 0.59):
        sketch.lay(stroke([(0.22, y), (0.78, y)], 0.012), tuple(color * 0.75), solid=False)
    sketch.lay(box(0.22, 0.3, 0.78, 0.33), (0.95, 0.95, 0.96), solid=False)
    crumple(sketch, rng, 80, 0.12)
    return sketch
