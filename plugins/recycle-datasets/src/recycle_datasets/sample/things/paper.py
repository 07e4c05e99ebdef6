"""Paper and paper packs."""

import numpy as np

from recycle_datasets.sample.drawing import Rng, Sketch, across, barrel, box, ellipse, polygon, wobbly
from recycle_datasets.sample.things.surface import any_color, crumple, text


def newspaper(rng: Rng) -> Sketch:
    """A sheet with a headline, a picture and columns of text, folded once."""
    sketch = Sketch()
    skew = rng.uniform(-0.05, 0.05)
    sheet = polygon([(0.14 + skew, 0.06), (0.86 + skew, 0.08), (0.86 - skew, 0.94), (0.14 - skew, 0.92)])
    tone = rng.uniform(0.78, 0.94)
    sketch.lay(sheet, (tone, tone * 0.98, tone * rng.uniform(0.86, 0.97)))
    sketch.lay(box(0.2, 0.12, 0.8, 0.18), (0.12, 0.12, 0.14), solid=False)
    sketch.lay(box(0.2, 0.22, 0.5, 0.42), (*(0.6 * np.array(any_color(rng)) + 0.1),), solid=False)
    for column in range(3):
        left = 0.2 + column * 0.21
        text(sketch, rng, left, 0.45 if column < 2 else 0.22, left + 0.17, 0.88, 14 if column < 2 else 22)
    sketch.shade(1 - 0.28 * np.exp(-((across(0, 1, vertical=True) - rng.uniform(0.4, 0.6)) ** 2) / 0.0006))
    crumple(sketch, rng, 90, 0.1)
    return sketch


def cardboard_box(rng: Rng) -> Sketch:
    """A box seen from a corner: three faces, tape and a dark slot."""
    sketch = Sketch()
    color = np.array(any_color(rng)) if rng.random() < 0.35 else rng.uniform(0.55, 0.8) * np.array([1, 0.78, 0.55])
    depth, lean = rng.uniform(0.16, 0.26), rng.uniform(0.12, 0.2)
    front = polygon([(0.1, 0.4), (0.66, 0.4), (0.66, 0.92), (0.1, 0.92)])
    top = polygon([(0.1, 0.4), (0.1 + lean, 0.4 - depth), (0.66 + lean, 0.4 - depth), (0.66, 0.4)])
    side = polygon([(0.66, 0.4), (0.66 + lean, 0.4 - depth), (0.66 + lean, 0.92 - depth), (0.66, 0.92)])
    sketch.lay(front, tuple(color))
    sketch.lay(top, tuple((color * 1.18).clip(0, 1)))
    sketch.lay(side, tuple(color * 0.66))
    tape = polygon([(0.34, 0.4), (0.34 + lean, 0.4 - depth), (0.42 + lean, 0.4 - depth), (0.42, 0.4)])
    sketch.lay(tape, tuple((color * 1.1 + 0.12).clip(0, 1)), 0.8)
    sketch.lay(box(0.34, 0.4, 0.42, 0.52), tuple((color * 1.05 + 0.1).clip(0, 1)), 0.8)
    ribs = 0.5 + 0.5 * np.sin(across(0, 1) * 260)
    sketch.shade((1 - 0.06 * ribs).astype(np.float32))
    if rng.random() < 0.6:
        text(sketch, rng, 0.16, 0.66, 0.46, 0.86, 5)
    crumple(sketch, rng, 110, 0.12)
    return sketch


def paper_ball(rng: Rng) -> Sketch:
    """A crumpled sheet."""
    sketch = Sketch()
    sketch.lay(polygon(wobbly(rng, 0.5, 0.5, 0.36, 0.32, 0.22)), any_color(rng))
    text(sketch, rng, 0.2, 0.2, 0.8, 0.8, 16)
    crumple(sketch, rng, 38, 0.42)
    return sketch


def milk_carton(rng: Rng) -> Sketch:
    """A gable-top carton, with or without a cap."""
    sketch = Sketch()
    color = np.array(any_color(rng))
    sketch.lay(box(0.3, 0.34, 0.6, 0.95), tuple(color))
    sketch.lay(polygon([(0.6, 0.34), (0.74, 0.3), (0.74, 0.9), (0.6, 0.95)]), tuple(color * 0.68))
    sketch.lay(polygon([(0.3, 0.34), (0.34, 0.17), (0.64, 0.15), (0.6, 0.34)]), tuple((color * 1.12).clip(0, 1)))
    sketch.lay(polygon([(0.6, 0.34), (0.64, 0.15), (0.74, 0.3)]), tuple(color * 0.55))
    sketch.lay(box(0.335, 0.08, 0.655, 0.18), tuple((color * 1.05).clip(0, 1)))
    sketch.lay(box(0.335, 0.125, 0.655, 0.14), tuple(color * 0.7))
    band = np.array(any_color(rng))
    wave = [(0.3, 0.62), (0.38, 0.58), (0.46, 0.62), (0.54, 0.67), (0.6, 0.63), (0.6, 0.86), (0.3, 0.86)]
    sketch.lay(polygon(wave), tuple(band))
    sketch.lay(polygon([(0.6, 0.63), (0.74, 0.6), (0.74, 0.81), (0.6, 0.86)]), tuple(band * 0.66))
    if rng.random() < 0.6:
        sketch.lay(ellipse(0.47, 0.25, 0.055, 0.045), any_color(rng))
    text(sketch, rng, 0.34, 0.4, 0.56, 0.55, 4)
    return sketch


def paper_cup(rng: Rng) -> Sketch:
    """A cup for coffee, its rim seen from a little above, sometimes with a sleeve."""
    sketch = Sketch()
    color = np.array(any_color(rng))
    body = polygon([(0.24, 0.2), (0.76, 0.2), (0.66, 0.9), (0.34, 0.9)])
    sketch.lay(np.maximum(body, ellipse(0.5, 0.9, 0.16, 0.045)), tuple(color))
    if rng.random() < 0.7:
        sketch.lay(polygon([(0.275, 0.42), (0.725, 0.42), (0.69, 0.7), (0.31, 0.7)]), any_color(rng))
    sketch.shade(barrel(0.24, 0.76))
    sketch.lay(ellipse(0.5, 0.2, 0.27, 0.085), tuple((color * 1.15 + 0.1).clip(0, 1)))
    sketch.lay(ellipse(0.5, 0.2, 0.235, 0.066), tuple(color * 0.42))
    return sketch
