"""Metal, glass, hard plastic and batteries."""

import numpy as np

from recycle_datasets.sample.drawing import THING_SIDE, Rng, Sketch, across, barrel, box, ellipse, polygon, stroke
from recycle_datasets.sample.noise import creases
from recycle_datasets.sample.things.surface import any_color, crumple, label, text


def drink_can(rng: Rng) -> Sketch:
    """An aluminium can with its lid, sometimes dented."""
    sketch = Sketch()
    body = np.maximum(box(0.28, 0.16, 0.72, 0.88), ellipse(0.5, 0.88, 0.22, 0.06))
    sketch.lay(body, any_color(rng))
    sketch.lay(polygon([(0.28, 0.4), (0.72, 0.3), (0.72, 0.46), (0.28, 0.58)]), any_color(rng))
    sketch.lay(ellipse(0.5, 0.62, 0.1, 0.12), any_color(rng))
    sketch.lay(box(0.28, 0.84, 0.72, 0.88), (0.75, 0.76, 0.78))
    sketch.shade(barrel(0.28, 0.72))
    sketch.glint(box(0.35, 0.18, 0.4, 0.86), rng.uniform(0.4, 0.7))
    sketch.lay(ellipse(0.5, 0.16, 0.22, 0.07), (0.78, 0.79, 0.8))
    sketch.lay(ellipse(0.5, 0.16, 0.185, 0.052), (0.55, 0.56, 0.58))
    sketch.lay(ellipse(0.5, 0.14, 0.05, 0.025), (0.3, 0.3, 0.32))
    if rng.random() < 0.5:
        crumple(sketch, rng, 60, 0.4)
    return sketch


def tin(rng: Rng) -> Sketch:
    """A ribbed food tin, open or with a label."""
    sketch = Sketch()
    tone = rng.uniform(0.55, 0.8)
    sketch.lay(np.maximum(box(0.2, 0.28, 0.8, 0.8), ellipse(0.5, 0.8, 0.3, 0.1)), (tone, tone, tone * 1.03))
    if rng.random() < 0.6:
        label(sketch, rng, 0.2, 0.38, 0.8, 0.76)
    ribs = 1 + 0.16 * np.sin(across(0, 1, vertical=True) * 150)
    sketch.shade((ribs * barrel(0.2, 0.8)).astype(np.float32))
    sketch.glint(box(0.3, 0.3, 0.35, 0.84), 0.6)
    sketch.lay(ellipse(0.5, 0.28, 0.3, 0.11), (0.82, 0.83, 0.84))
    sketch.lay(ellipse(0.5, 0.28, 0.26, 0.088), (0.28, 0.27, 0.26) if rng.random() < 0.6 else (0.66, 0.66, 0.68))
    return sketch


def jar(rng: Rng) -> Sketch:
    """A glass jar: clear or tinted, thick base, screw thread, often its lid."""
    sketch = Sketch()
    tint = np.array(any_color(rng)) * 0.4 + 0.45
    sketch.lay(box(0.22, 0.26, 0.78, 0.92, 0.08), tuple(tint), rng.uniform(0.3, 0.5))
    sketch.lay(box(0.3, 0.14, 0.7, 0.28, 0.02), tuple(tint), 0.42)
    for y in (0.17, 0.215):
        sketch.lay(stroke([(0.3, y), (0.7, y + 0.012)], 0.012), tuple(tint * 0.55), 0.7)
    rim = box(0.22, 0.26, 0.78, 0.92, 0.08) - box(0.25, 0.29, 0.75, 0.86, 0.06)
    sketch.lay(rim.clip(0, 1), tuple(tint * 0.62), 0.75)
    if rng.random() < 0.45:
        sketch.lay(box(0.28, 0.08, 0.72, 0.2, 0.02), any_color(rng))
    if rng.random() < 0.4:
        label(sketch, rng, 0.25, 0.45, 0.75, 0.75)
    sketch.glint(box(0.29, 0.32, 0.34, 0.8, 0.02), 0.85)
    sketch.glint(box(0.68, 0.36, 0.7, 0.7, 0.01), 0.6)
    return sketch


def glass_bottle(rng: Rng) -> Sketch:
    """A slender bottle of tinted glass, with strong reflections and no waist."""
    sketch = Sketch()
    tint = np.array([(0.2, 0.42, 0.18), (0.45, 0.25, 0.08), (0.75, 0.85, 0.84), any_color(rng)][rng.integers(4)])
    outline = [
        (0.44, 0.04),
        (0.56, 0.04),
        (0.56, 0.3),
        (0.66, 0.44),
        (0.66, 0.95),
        (0.34, 0.95),
        (0.34, 0.44),
        (0.44, 0.3),
    ]
    sketch.lay(polygon(outline), tuple(tint), rng.uniform(0.55, 0.8))
    sketch.lay(box(0.43, 0.03, 0.57, 0.075, 0.01), tuple(tint * 0.7))
    if rng.random() < 0.6:
        label(sketch, rng, 0.34, 0.56, 0.66, 0.82)
    sketch.shade((0.6 + 0.5 * barrel(0.34, 0.66)).astype(np.float32))
    sketch.lay(box(0.34, 0.91, 0.66, 0.95), tuple(tint * 0.45), 0.8)
    sketch.glint(polygon([(0.39, 0.48), (0.42, 0.46), (0.42, 0.9), (0.39, 0.9)]), 0.9)
    sketch.glint(box(0.46, 0.08, 0.475, 0.28), 0.8)
    return sketch


def pet_bottle(rng: Rng) -> Sketch:
    """A drinks bottle: clear, ribbed, with a waist, a label and a cap."""
    sketch = Sketch()
    tint = np.array(any_color(rng)) * 0.35 + 0.55
    waist = rng.uniform(0.3, 0.34)
    outline = [
        (0.44, 0.1), (0.56, 0.1), (0.57, 0.17), (0.7, 0.32), (0.7, 0.45), (1 - waist, 0.52),
        (0.7, 0.6), (0.7, 0.9), (0.66, 0.95), (0.34, 0.95), (0.3, 0.9), (0.3, 0.6), (waist, 0.52),
        (0.3, 0.45), (0.3, 0.32), (0.43, 0.17),
    ]  # fmt: skip
    sketch.lay(polygon(outline), tuple(tint), rng.uniform(0.28, 0.5))
    for y in np.arange(0.64, 0.9, 0.06):
        sketch.lay(stroke([(0.3, y), (0.5, y + 0.014), (0.7, y)], 0.012), tuple(tint * 0.6), 0.55)
    edge = polygon(outline) - polygon([(0.5 + (x - 0.5) * 0.88, 0.53 + (y - 0.53) * 0.96) for x, y in outline])
    sketch.lay(edge.clip(0, 1), tuple(tint * 0.62), 0.6)
    if rng.random() < 0.75:
        label(sketch, rng, 0.3, 0.33, 0.7, 0.5)
    sketch.shade((0.55 + 0.5 * barrel(0.3, 0.7)).astype(np.float32))
    sketch.glint(stroke([(0.37, 0.34), (0.37, 0.9)], 0.025), 0.75)
    if rng.random() < 0.8:
        sketch.lay(box(0.425, 0.04, 0.575, 0.12, 0.015), any_color(rng))
        sketch.shade((1 - 0.15 * (np.sin(across(0, 1) * 500) > 0)).astype(np.float32))
    if rng.random() < 0.4:
        sketch.shade((1 + 0.35 * creases(rng, THING_SIDE, THING_SIDE, 55)).astype(np.float32))
    return sketch


def plastic_tub(rng: Rng) -> Sketch:
    """A yoghurt tub or food container: wide rim, straight print, opaque and smooth."""
    sketch = Sketch()
    color = np.array(any_color(rng))
    sketch.lay(polygon([(0.16, 0.3), (0.84, 0.3), (0.74, 0.86), (0.26, 0.86)]), tuple(color))
    sketch.lay(polygon([(0.2, 0.48), (0.8, 0.48), (0.765, 0.7), (0.235, 0.7)]), any_color(rng))
    sketch.shade((0.5 + 0.5 * barrel(0.16, 0.84)).astype(np.float32))
    sketch.lay(box(0.12, 0.24, 0.88, 0.33, 0.03), tuple((color * 1.1 + 0.08).clip(0, 1)))
    sketch.lay(box(0.17, 0.255, 0.83, 0.285, 0.012), tuple(color * 0.55))
    sketch.glint(polygon([(0.26, 0.36), (0.31, 0.36), (0.35, 0.82), (0.32, 0.82)]), 0.55)
    return sketch


def battery(rng: Rng) -> Sketch:
    """A round cell, lying: its wrapper in two colours, a cap and the button at its pole."""
    sketch = Sketch()
    split = rng.uniform(0.5, 0.72)
    low, high = 0.36, 0.64
    sketch.lay(box(0.1, low, split, high, 0.02), any_color(rng))
    sketch.lay(box(split, low, 0.86, high, 0.01), any_color(rng))
    sketch.lay(box(0.1, low, 0.13, high), (0.7, 0.7, 0.72))
    sketch.lay(box(0.83, low + 0.005, 0.87, high - 0.005), (0.78, 0.78, 0.8))
    sketch.lay(box(0.87, 0.445, 0.91, 0.555, 0.01), (0.85, 0.85, 0.86))
    sketch.lay(np.maximum(box(0.75, 0.49, 0.81, 0.51), box(0.77, 0.46, 0.79, 0.54)), (0.95, 0.95, 0.95), solid=False)
    text(sketch, rng, 0.2, 0.44, split - 0.06, 0.56, 2)
    sketch.shade(barrel(low, high, vertical=True))
    sketch.glint(box(0.12, 0.41, 0.84, 0.43), 0.55)
    return sketch


def block_battery(rng: Rng) -> Sketch:
    """A 9-volt block with its two snaps."""
    sketch = Sketch()
    sketch.lay(box(0.3, 0.24, 0.7, 0.9, 0.02), any_color(rng))
    sketch.lay(box(0.3, 0.24, 0.7, 0.42), any_color(rng))
    for x, rx in ((0.4, 0.055), (0.6, 0.07)):
        sketch.lay(box(x - rx, 0.14, x + rx, 0.25, 0.01), (0.76, 0.76, 0.78))
        sketch.lay(ellipse(x, 0.15, rx, 0.026), (0.88, 0.88, 0.9))
        sketch.lay(ellipse(x, 0.15, rx * 0.55, 0.014), (0.3, 0.3, 0.3))
    text(sketch, rng, 0.36, 0.5, 0.64, 0.8, 4)
    sketch.shade((0.75 + 0.3 * barrel(0.3, 0.7)).astype(np.float32))
    return sketch
