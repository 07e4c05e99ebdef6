"""Frames of one fixed camera: one background, objects that move, noise of the sensor."""

import io

import numpy as np
from PIL import Image, ImageDraw

FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.HAMMING)


def frames(count, size=(640, 480), seed=0, objects=4, noise=3.0):
    """`count` distinct frames, as PIL images; each object crosses the picture on a way of its own."""
    chance = np.random.default_rng(seed)
    width, height = size
    coarse = Image.fromarray(chance.integers(60, 140, (height // 40, width // 40, 3), np.uint8))
    ground = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) + chance.normal(0, 6, (height, width, 1))
    shapes = [
        (
            chance.uniform(0.03, 0.15) * width,
            chance.uniform(0.4, 1),
            chance.uniform(0.1, 0.9),
            chance.integers(0, 256, 3),
        )
        for _ in range(objects)
    ]
    starts, steps = chance.uniform(0, 1, objects), chance.uniform(0.013, 0.09, objects)
    for number in range(count):
        picture = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(picture)
        for (side, flat, row, color), start, step in zip(shapes, starts, steps, strict=True):
            left = ((start + number * step) % 1.3 - 0.15) * width - side / 2
            top = row * height - side * flat / 2
            draw.ellipse((left, top, left + side, top + side * flat), fill=tuple(color.tolist()))
        pixels = np.asarray(picture) + chance.normal(0, noise, (height, width, 3))
        yield Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def resaved(picture, chance):
    """The picture with sides of 50 to 150 %, as a JPEG of quality 60 to 95, decoded; now and then of its own size."""
    scale = chance.uniform(0.5, 1.5) if chance.random() < 0.8 else 1.0
    sides = (round(picture.width * scale), round(picture.height * scale))
    stream = io.BytesIO()
    picture.resize(sides, FILTERS[chance.integers(len(FILTERS))]).save(
        stream, "JPEG", quality=int(chance.integers(60, 96))
    )
    return Image.open(io.BytesIO(stream.getvalue()))
