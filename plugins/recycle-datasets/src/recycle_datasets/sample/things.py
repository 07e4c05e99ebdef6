"""The things, by material: what a person would name at a glance.

Every drawing takes a random generator and returns a `Sketch`. Colours come from one common
range for all materials, so that a pixel's colour does not tell its class.
"""

import colorsys
from collections.abc import Callable

import numpy as np

from recycle_datasets.sample.drawing import (
    SIDE,
    Color,
    Plane,
    Sketch,
    across,
    barrel,
    box,
    ellipse,
    polygon,
    stroke,
    wobbly,
)
from recycle_datasets.sample.noise import creases, layered, smooth

Rng = np.random.Generator


def any_color(rng: Rng) -> Color:
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


def _crumpled(sketch: Sketch, rng: Rng, grain: float, depth: float) -> None:
    sketch.shade(1 + depth * creases(rng, SIDE, SIDE, grain))


def _print(sketch: Sketch, rng: Rng, left: float, top: float, right: float, bottom: float, rows: int) -> None:
    """Lines of text too small to read."""
    step = (bottom - top) / rows
    dark = float(rng.uniform(0.1, 0.35))
    for row in range(rows):
        x = left
        y = top + row * step + step * 0.3
        while x < right - 0.01:
            word = min(rng.uniform(0.015, 0.06), right - x)
            sketch.lay(box(x, y, x + word, y + step * 0.4), (dark, dark, dark), 0.8, solid=False)
            x += word + 0.012


def _label(sketch: Sketch, rng: Rng, left: float, top: float, right: float, bottom: float) -> None:
    """A printed label with a bar and a badge."""
    sketch.lay(box(left, top, right, bottom), any_color(rng))
    height = bottom - top
    sketch.lay(box(left, top + height * 0.62, right, top + height * 0.8), any_color(rng))
    radius = min(right - left, height) * rng.uniform(0.16, 0.26)
    sketch.lay(ellipse((left + right) / 2, top + height * 0.34, radius, radius), any_color(rng))


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
        _print(sketch, rng, left, 0.45 if column < 2 else 0.22, left + 0.17, 0.88, 14 if column < 2 else 22)
    sketch.shade(1 - 0.28 * np.exp(-((across(0, 1, vertical=True) - rng.uniform(0.4, 0.6)) ** 2) / 0.0006))
    _crumpled(sketch, rng, 90, 0.1)
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
        _print(sketch, rng, 0.16, 0.66, 0.46, 0.86, 5)
    _crumpled(sketch, rng, 110, 0.12)
    return sketch


def paper_ball(rng: Rng) -> Sketch:
    """A crumpled sheet."""
    sketch = Sketch()
    sketch.lay(polygon(wobbly(rng, 0.5, 0.5, 0.36, 0.32, 0.22)), any_color(rng))
    _print(sketch, rng, 0.2, 0.2, 0.8, 0.8, 16)
    sketch.color = sketch.color * (sketch.shape[..., None] > 0)
    _crumpled(sketch, rng, 38, 0.42)
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
    _print(sketch, rng, 0.34, 0.4, 0.56, 0.55, 4)
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
        _crumpled(sketch, rng, 60, 0.4)
    return sketch


def tin(rng: Rng) -> Sketch:
    """A ribbed food tin, open or with a label."""
    sketch = Sketch()
    tone = rng.uniform(0.55, 0.8)
    sketch.lay(np.maximum(box(0.2, 0.28, 0.8, 0.8), ellipse(0.5, 0.8, 0.3, 0.1)), (tone, tone, tone * 1.03))
    if rng.random() < 0.6:
        _label(sketch, rng, 0.2, 0.38, 0.8, 0.76)
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
        _label(sketch, rng, 0.25, 0.45, 0.75, 0.75)
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
        _label(sketch, rng, 0.34, 0.56, 0.66, 0.82)
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
        _label(sketch, rng, 0.3, 0.33, 0.7, 0.5)
    sketch.shade((0.55 + 0.5 * barrel(0.3, 0.7)).astype(np.float32))
    sketch.glint(stroke([(0.37, 0.34), (0.37, 0.9)], 0.025), 0.75)
    if rng.random() < 0.8:
        sketch.lay(box(0.425, 0.04, 0.575, 0.12, 0.015), any_color(rng))
        sketch.shade((1 - 0.15 * (np.sin(across(0, 1) * 500) > 0)).astype(np.float32))
    if rng.random() < 0.4:
        sketch.shade((1 + 0.35 * creases(rng, SIDE, SIDE, 55)).astype(np.float32))
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
    _beads(sketch, rng)
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
    _beads(sketch, rng)
    return sketch


def _beads(sketch: Sketch, rng: Rng) -> None:
    cells = creases(rng, SIDE, SIDE, 9)
    sketch.shade((1 + 0.09 * cells).astype(np.float32))


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
    _film(sketch, rng)
    return sketch


def bin_bag(rng: Rng) -> Sketch:
    """A full bag tied at its neck: round, shiny, full of folds towards the knot."""
    sketch = Sketch()
    sketch.lay(polygon(wobbly(rng, 0.5, 0.6, 0.38, 0.33, 0.12)), any_color(rng), 0.92)
    neck = np.maximum(
        polygon([(0.42, 0.34), (0.47, 0.2), (0.53, 0.2), (0.58, 0.34)]),
        polygon([(0.47, 0.22), (0.34, 0.06), (0.5, 0.13), (0.66, 0.06), (0.53, 0.22)]),
    )
    sketch.lay(neck, tuple(sketch.color[SIDE * 6 // 10, SIDE // 2] * 0.8), 0.92)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    angle = np.arctan2(rows - 0.26, columns - 0.5)
    folds = np.sin(angle * rng.integers(14, 24) + 5 * smooth(rng, SIDE, SIDE, 60))
    sketch.shade((1 + 0.22 * folds * np.exp(-(((rows - 0.3) / 0.35) ** 2))).astype(np.float32))
    _film(sketch, rng)
    return sketch


def _film(sketch: Sketch, rng: Rng) -> None:
    """Creases and thin bright streaks, as on plastic film."""
    _crumpled(sketch, rng, 46, 0.26)
    glare = creases(rng, SIDE, SIDE, 34) * smooth(rng, SIDE, SIDE, 80)
    sketch.glint(((glare - 0.3) * 2.5).clip(0, 1).astype(np.float32), 0.7)


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
    _print(sketch, rng, 0.2, 0.44, split - 0.06, 0.56, 2)
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
    _print(sketch, rng, 0.36, 0.5, 0.64, 0.8, 4)
    sketch.shade((0.75 + 0.3 * barrel(0.3, 0.7)).astype(np.float32))
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
    folds: Plane = layered(rng, SIDE, SIDE, 90, 3)
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
    _print(sketch, rng, 0.36, 0.46, 0.64, 0.54, 1)
    for x in (0.11, 0.13, 0.87, 0.89):
        sketch.lay(stroke([(x, 0.25), (x, 0.75)], 0.006), (0.3, 0.3, 0.3), 0.4, solid=False)
    _crumpled(sketch, rng, 50, 0.34)
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
    _crumpled(sketch, rng, 80, 0.12)
    return sketch


Drawing = Callable[[Rng], Sketch]

THINGS: dict[str, tuple[tuple[Drawing, float], ...]] = {
    "General trash": ((toothbrush, 0.5), (wrapper, 0.55), (mask, 0.55)),
    "Paper": ((newspaper, 0.95), (cardboard_box, 0.85), (paper_ball, 0.5)),
    "Paper pack": ((milk_carton, 0.75), (paper_cup, 0.6)),
    "Metal": ((drink_can, 0.55), (tin, 0.55)),
    "Glass": ((jar, 0.65), (glass_bottle, 0.85)),
    "Plastic": ((pet_bottle, 0.8), (plastic_tub, 0.55)),
    "Styrofoam": ((foam_tray, 0.75), (foam_block, 0.8)),
    "Plastic bag": ((plastic_bag, 1.0), (bin_bag, 1.0)),
    "Battery": ((battery, 0.38), (block_battery, 0.38)),
    "Clothing": ((shirt, 1.1),),
}
"""Material to its drawings, each with its size relative to the others."""
