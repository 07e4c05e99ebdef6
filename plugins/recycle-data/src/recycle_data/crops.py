"""Which photos are cut out of others: tiles and crops, at their own size or another, mirrored or not.

Hashes of whole photos tell nothing of that. The square in the middle of each photo, as 8x8 means, is compared with
squares of several sizes all over the others; where the two correlate, the whole photo is fitted to the 64x64 pixels of
the other one, then to its file, and what lies there is compared as any two photos are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from recycle_coco.photo import open_photo
from recycle_coco.pixels import rgb_array, upright_array

from recycle_data.duplicates import mirrored, seen
from recycle_data.identity import LUMA_SIDE, identity_of
from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

SQUARE_SHARES = (1.0, 0.8, 0.64, 0.51, 0.41, 0.33)  # of the squares, by the shorter side of their photo
BLOCKS = 8  # x BLOCKS means of a square
BLOCK_STEP = 1.0  # of a block: from one square to the next
MIN_DEVIATION = 3.0  # levels: the least standard deviation of the means of a square that is looked for
SEARCHED_PHOTOS = 100  # photos that are looked for
AMONG = 3000  # in how many others
FITTED_PHOTOS = 32  # photos that are fitted, and as many mirrored ones
ALIKE, FITTED = 0.7, 0.95  # correlations of the means, and of pixels, that are followed up
NO_CROP_SHARE = 0.95  # of the width and height of a photo: what is as large is no crop
GRID = 32  # x GRID pixels that are fitted
FINE = 192  # pixels across of what is fitted to a file
ROUGH, CLOSE = 1 / 128, 1 / 2048  # of the side of a crop, where fitting to 64x64 pixels ends, and to a file

CropBox = tuple[float, float, float, float]


def crops(
    photos: NDArray[np.void], files: Sequence[Path], others: NDArray[np.void], other_files: Sequence[Path]
) -> dict[int, int]:
    """Index of each of (n,) photos, some of them where they are many, to that of (m,) others that it is cut out of.

    Args:
        photos: `IDENTITY` of those that are looked for.
        files: theirs.
        others: of those that are looked in.
        other_files: theirs.
    """
    asked, known = _some(photos, SEARCHED_PHOTOS), _some(others, AMONG)
    if not len(asked) or not len(known):
        return {}
    both = np.concatenate([photos[asked], mirrored(photos[asked])])
    scores, places = _likeliest(both, others[known])
    found: dict[int, int] = {}
    for half in (slice(len(asked)), slice(len(asked), None)):
        for number in np.arange(len(both))[half][np.argsort(-scores[half], kind="stable")[:FITTED_PHOTOS]].tolist():
            if scores[number] < ALIKE:
                break
            other, box = places[number]
            index, place = int(asked[number % len(asked)]), int(known[other])
            if index not in found and _lies_in(both[number], others[place], other_files[place], box):
                found[index] = place
    return found


def _some(photos: NDArray[np.void], most: int) -> NDArray[np.int64]:
    """Indices of at most so many photos, spread over all that can be read and are not tiny."""
    known = np.flatnonzero(np.minimum(photos["height"], photos["width"]) >= LUMA_SIDE)
    return known[:: -(-len(known) // most)] if len(known) else known


def _likeliest(
    photos: NDArray[np.void], others: NDArray[np.void]
) -> tuple[NDArray[np.float32], list[tuple[int, CropBox]]]:
    """(n,) the best correlation of each photo's middle, and the other one where it is, with the box of the photo."""
    middles = np.stack([_squares(photo["luma"][None], _aspect(photo), 1.0, True)[0][0, 0] for photo in photos])
    middles -= middles.mean(1, keepdims=True)
    best, places = np.zeros(len(photos), np.float32), [(0, (0.0, 0.0, 0.0, 0.0))] * len(photos)
    for aspect, group in _by_aspect(others):
        for side in SQUARE_SHARES:
            for start in range(0, len(group), 64):
                part = group[start : start + 64]
                squares, boxes = _squares(others["luma"][part], aspect, side)
                scores = middles @ squares.reshape(-1, BLOCKS**2).T
                most = scores.argmax(1)
                for number in np.flatnonzero(scores.max(1) > best).tolist():
                    box = _whole(boxes[most[number] % len(boxes)], photos[number], aspect)
                    if box is not None:
                        best[number] = scores[number, most[number]]
                        places[number] = int(part[most[number] // len(boxes)]), box
    return best, places


def _aspect(photo: NDArray[np.void]) -> float:
    return float(photo["width"]) / float(photo["height"])


def _by_aspect(photos: NDArray[np.void]) -> Iterator[tuple[float, NDArray[np.int64]]]:
    """Width by height, to about 2 %, and the indices of the photos of it."""
    steps = np.rint(np.log(photos["width"] / photos["height"]) * 50).astype(np.int64)
    for step in np.unique(steps).tolist():
        yield float(np.exp(step / 50)), np.flatnonzero(steps == step)


def _squares(
    luma: NDArray[np.uint8], aspect: float, side: float, middle: bool = False
) -> tuple[NDArray[np.float32], list[CropBox]]:
    """(n, squares, 64) means, of one variance, of squares of (n, 64, 64) luma, and where in it these squares lie.

    Args:
        luma: of photos of one aspect.
        aspect: width by height.
        side: of the squares, by the shorter side of the photos.
        middle: take the one in the middle alone.
    """
    tall, wide = side * min(1, aspect) * LUMA_SIDE, side * min(1, 1 / aspect) * LUMA_SIDE
    (tops, down), (lefts, across) = _steps(round(tall, 2), middle), _steps(round(wide, 2), middle)
    means = (down @ luma.astype(np.float32) @ across.T).reshape(len(luma), len(tops), BLOCKS, len(lefts), BLOCKS)
    flat = means.swapaxes(2, 3).reshape(len(luma), -1, BLOCKS**2)
    spread = np.einsum("nsb,nsb->ns", flat, flat) - BLOCKS**2 * flat.mean(2) ** 2
    least = np.float32(MIN_DEVIATION**2 * BLOCKS**2)
    flat *= np.where(spread > least, 1 / np.sqrt(np.maximum(spread, least)), 0)[..., None]
    return flat, [(left, top, left + wide, top + tall) for top, left in product(tops, lefts)]


@cache
def _steps(extent: float, middle: bool) -> tuple[list[float], NDArray[np.float32]]:
    """Where pieces of that many pixels of 64 begin, and (pieces * 8, 64) what makes pixels the means of blocks."""
    free = LUMA_SIDE - extent
    count = int(np.ceil(free / (BLOCK_STEP * extent / BLOCKS))) + 1
    starts = np.array([free / 2]) if middle else np.linspace(0, free, count)
    first = (starts[:, None] + extent / BLOCKS * np.arange(BLOCKS)).reshape(-1, 1)
    last, pixels = first + extent / BLOCKS, np.arange(LUMA_SIDE)
    parts = np.clip(np.minimum(pixels + 1, last) - np.maximum(pixels, first), 0, None)
    return starts.tolist(), (parts / parts.sum(1, keepdims=True)).astype(np.float32)


def _whole(middle: CropBox, photo: NDArray[np.void], aspect: float) -> CropBox | None:
    """The box of a photo from that of the square in its middle; None where it leaves the other one, or is all of it."""
    own = _aspect(photo)
    left, top, right, bottom = middle
    wide, tall = (right - left) * max(1, own), (bottom - top) * max(1, 1 / own)
    slack = (right - left) / BLOCKS
    left, top = (left + right - wide) / 2, (top + bottom - tall) / 2
    if min(left, top) < -slack or max(left + wide, top + tall) > LUMA_SIDE + slack or _is_all(wide, tall):
        return None
    return left, top, left + wide, top + tall


def _lies_in(photo: NDArray[np.void], other: NDArray[np.void], file: Path, box: CropBox) -> bool:
    """Whether a photo is what another one, of that file, shows about that box of its 64x64 luma."""
    from PIL import Image

    left, top, right, bottom = box
    tall = (right - left) * _aspect(other) / _aspect(photo)
    box = left, (top + bottom - tall) / 2, right, (top + bottom + tall) / 2
    box, alike = _fitted(photo["luma"], Image.fromarray(other["luma"]), box, (1 / BLOCKS, ROUGH), GRID)
    if alike < FITTED or _is_all(box[2] - box[0], box[3] - box[1]):
        return False
    with suppress(RecycleError):
        with open_photo(file) as (image, orientation):
            picture = Image.fromarray(upright_array(rgb_array(image), orientation))
        scale = min(1, FINE / (box[2] - box[0]) / picture.width * LUMA_SIDE)
        gray = picture.convert("L").resize((round(picture.width * scale), round(picture.height * scale)))
        box = _scaled(box, gray.width / LUMA_SIDE, gray.height / LUMA_SIDE)
        box, _ = _fitted(photo["luma"], gray, box, (1 / GRID, CLOSE), LUMA_SIDE)
        box = _within(_scaled(box, picture.width / gray.width, picture.height / gray.height), picture.size)
        size = round(box[2] - box[0]), round(box[3] - box[1])
        there = identity_of(picture.resize(size, Image.Resampling.BILINEAR, box))
        return bool(seen(photo[None], there[None]).same)
    return False


def _is_all(wide: float, tall: float) -> bool:
    """Whether that many pixels of the 64x64 of a photo are all of it, or nearly so."""
    return min(wide, tall) >= NO_CROP_SHARE * LUMA_SIDE


def _scaled(box: CropBox, wide: float, tall: float) -> CropBox:
    return box[0] * wide, box[1] * tall, box[2] * wide, box[3] * tall


def _fitted(
    luma: NDArray[np.uint8], picture: Image.Image, box: CropBox, steps: tuple[float, float], grid: int
) -> tuple[CropBox, float]:
    """The box of a gray picture that a photo's luma correlates with most, from one near it, and the correlation.

    Args:
        luma: (64, 64), of the photo.
        picture: what it may lie in.
        box: where to begin.
        steps: by which it is moved and resized at first, and at last, as shares of its side.
        grid: x grid pixels are compared.
    """
    from PIL import Image

    asked = _standard(Image.fromarray(luma).resize((grid, grid)))
    best, alike, step = box, -1.0, steps[0]
    while step > steps[1]:
        before = best
        for across, down, wider in product((0, -step, step), repeat=3):
            tried = _moved(before, across, down, 1 + wider, picture.size)
            score = float((asked * _standard(picture.resize((grid, grid), Image.Resampling.BILINEAR, tried))).sum())
            if score > alike:
                best, alike = tried, score
        if best == before:
            step /= 2
    return best, alike


def _moved(box: CropBox, across: float, down: float, wider: float, size: tuple[int, int]) -> CropBox:
    """A box resized about its middle and moved by shares of its sides, within a picture of that size."""
    before = box[2] - box[0], box[3] - box[1]
    factor = min(wider, size[0] / before[0], size[1] / before[1])
    wide, tall = before[0] * factor, before[1] * factor
    left = min(max(box[0] + (before[0] - wide) / 2 + across * wide, 0), size[0] - wide)
    top = min(max(box[1] + (before[1] - tall) / 2 + down * tall, 0), size[1] - tall)
    return _within((left, top, left + wide, top + tall), size)


def _within(box: CropBox, size: tuple[int, int]) -> CropBox:
    """A box that rounding may have made larger than its picture of that size."""
    return max(box[0], 0), max(box[1], 0), min(box[2], size[0]), min(box[3], size[1])


def _standard(image: Image.Image) -> NDArray[np.float32]:
    pixels = np.asarray(image, np.float32)
    pixels = pixels - pixels.mean()
    found: NDArray[np.float32] = pixels / max(float(np.linalg.norm(pixels)), 1)
    return found
