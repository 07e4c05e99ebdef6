"""Smooth random fields, the stuff that textures and creases are made of."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

Field = NDArray[np.float32]


def smooth(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    """(height, width) field in 0..1 whose bumps are about `grain` pixels wide."""
    rows, columns = (max(2, int(side / grain) + 2) for side in (height, width))
    coarse = rng.random((rows, columns), np.float32)
    fine = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(fine, np.float32).clip(0, 1)


def layered(rng: np.random.Generator, height: int, width: int, grain: float, octaves: int = 4) -> Field:
    """Sum of `octaves` smooth fields, each half as wide and half as strong; 0..1, mean about 0.5."""
    total = np.zeros((height, width), np.float32)
    weight = 0.0
    for octave in range(octaves):
        share = 0.5**octave
        total += share * smooth(rng, height, width, max(1.0, grain * share))
        weight += share
    return total / weight


def creases(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    """Facets as of crumpled paper or foil: brightness -1..1, constant on each with sharp folds between."""
    count = max(6, int(height * width / grain**2))
    points = rng.random((count, 2)) * (height, width)
    tilt = rng.uniform(-1, 1, (count, 2)).astype(np.float32)
    level = rng.uniform(-0.4, 0.4, count).astype(np.float32)
    places = np.stack([*np.mgrid[0:height:2, 0:width:2]], -1).astype(np.float32)
    nearest = cKDTree(points).query(places)[1]
    offset = (places - points[nearest]) / grain
    facet = level[nearest] + (tilt[nearest] * offset).sum(-1)
    full = Image.fromarray(facet.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(full, np.float32).clip(-1, 1)
