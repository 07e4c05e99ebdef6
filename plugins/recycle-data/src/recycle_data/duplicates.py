"""Which photos are one photo: of equal pixels, or saved anew in another size, format or quality.

Photos of one fixed camera have perceptual hashes that are near each other, so near hashes only make a pair a candidate.
The two are then compared at 64x64: what saving and resizing change is much the same all over a photo and grows with its
edges, while what another moment changes stands out from that somewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recycle_data.identity import LUMA_SIDE, frequencies, perceptual_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_HASH_BITS = 8  # bits of 64 by which hashes of photos that look alike differ at most
RESAVED = 16  # by which those of one photo do: 2 as a rule, more where it is flat
PHOTOS_AT_A_TIME = 256  # photos that are compared with all others at a time
PAIRS_AT_A_TIME = 128  # that are compared pixel by pixel at a time
CONTRAST_SHARE = 0.05  # of the contrast around a pixel, by which they change it beside one level
FAINT = 0.45  # the least that is taken for a change that is everywhere
MAX_LEVELS, MAX_SHARES, MAX_COLORS = (4, 20), (5, 1.2), (4, 30)
"""The most that they change: in such levels, in the ratio to what 95 % of the pixels change less than, and in levels of
colour; each a + b / c**2, where the smaller photo has c x c pixels for one of 64x64."""
MEANS = ((8, (3, 5)), (4, (5, 15)), (1, (16, 60)))
"""The most that they change means of n x n pixels by, in levels: cheap to compute, this rules most pairs out."""
SMALLEST = 0.6  # c of smaller photos
DRIFT = (3, 0.03, 0.6, 0.6, 0.25)
"""The most that is the same all over: levels, a share of the contrast, a shift in pixels of the smaller photo, blur."""
ORIENTATIONS = 8  # a photo in its four rotations, and their mirror images


@dataclass(frozen=True, slots=True)
class Seen:
    """Which of some photos are among others.

    Attributes:
        equal: index of a photo to that of the other one with its very pixels, or -1 where what was made of it is there.
        resaved: likewise, to the one that it is in another size, format or quality.
        alike: photos that look like another one and are none of these.
    """

    equal: dict[int, int]
    resaved: dict[int, int]
    alike: tuple[int, ...]

    @property
    def same(self) -> dict[int, int]:
        """Those of `equal` and `resaved` together, by index."""
        return dict(sorted({**self.resaved, **self.equal}.items()))


def seen(photos: NDArray[np.void], others: NDArray[np.void]) -> Seen:
    """Which of (n,) photos are among (m,) others; see `recycle_data.identity.IDENTITY`."""
    places: dict[bytes, int] = {}
    for number, digest in _digests(others):
        places.setdefault(digest, number)
    equal = {number: places[digest] for number, digest in _digests(photos) if digest in places}
    resaved: dict[int, int] = {}
    alike: dict[int, None] = {}
    for first, second, one, near in _candidates(photos, others):
        for left, right in zip(first[one].tolist(), second[one].tolist(), strict=True):
            resaved.setdefault(left, right)
        alike |= dict.fromkeys(np.unique(first[near & ~one]).tolist())
    resaved = {left: right for left, right in resaved.items() if left not in equal}
    return Seen(equal, resaved, tuple(sorted(alike.keys() - equal.keys() - resaved.keys())))


def one_photo(photos: NDArray[np.void]) -> NDArray[np.int64]:
    """(n,) number of the photo that each of (n,) files shows: copies, also those saved anew, have the same."""
    first: dict[bytes, int] = {}
    digests = [(first.setdefault(digest, number), number) for number, digest in _digests(photos)]
    links = [np.array(digests, np.int64).reshape(-1, 2).T]
    for left, right, one, _ in _candidates(photos, photos):
        links.append(np.stack([left[one], right[one]]))
    return linked(len(photos), links)


def look_alikes(photos: NDArray[np.void]) -> NDArray[np.int64]:
    """(n,) group of each of (n,) photos: those that look alike, also mirrored or turned by right angles.

    Photos that are linked through others are in one group.
    """
    known = np.flatnonzero(photos["height"])
    links = []
    low = frequencies(photos["luma"][known])
    for turn in range(ORIENTATIONS):
        hashes = perceptual_hashes(_turned_frequencies(low, turn))
        links += [
            np.stack([known[left], known[right]])
            for left, right in _close(hashes, photos["hash"][known], MAX_HASH_BITS)
        ]
    return linked(len(photos), links)


def turned(
    photos: NDArray[np.void], others: NDArray[np.void], turns: Iterable[int] = range(1, ORIENTATIONS + 1)
) -> dict[int, int]:
    """Index of each of (n,) photos to that of (m,) others that it is mirrored, turned by right angles, or inverted.

    Args:
        photos: see `recycle_data.identity.IDENTITY`.
        others: likewise.
        turns: how, see `turn_square`; `ORIENTATIONS` means inverted.
    """
    found: dict[int, int] = {}
    asked, known = (np.flatnonzero(part["height"]) for part in (photos, others))
    low = frequencies(others["luma"][known])
    for turn in turns:
        hashes = ~others["hash"][known] if turn == ORIENTATIONS else perceptual_hashes(_turned_frequencies(low, turn))
        close = [part for pair in _close(photos["hash"][asked], hashes, MAX_HASH_BITS) for part in pair]
        left, right = (np.unique(np.concatenate([np.zeros(0, np.int64), *close[side::2]])) for side in (0, 1))
        made = others[known[right]]
        made["hash"] = hashes[right]
        if turn == ORIENTATIONS:
            made["luma"], made["chroma"] = 255 - made["luma"], 255 - made["chroma"]
        else:
            for one in made:
                one["luma"], one["chroma"] = turn_square(one["luma"], turn), turn_square(one["chroma"], turn)
            if turn % 2:
                made["height"], made["width"] = made["width"].copy(), made["height"].copy()
        for first, second, one, near in _candidates(photos[asked[left]], made, MAX_HASH_BITS):
            pairs = one & near
            for index, other in zip(asked[left][first[pairs]], known[right][second[pairs]], strict=True):
                found.setdefault(int(index), int(other))
    return found


def mirrored(photos: NDArray[np.void]) -> NDArray[np.void]:
    """Photos as they look from behind; their digests are none."""
    made = photos.copy()
    made["luma"], made["chroma"] = photos["luma"][:, :, ::-1], photos["chroma"][:, :, ::-1]
    made["hash"] = perceptual_hashes(frequencies(made["luma"]))
    made["digest"] = 0
    return made


def earlier_like(photos: NDArray[np.void], sides: NDArray[np.str_] | None = None) -> list[int | None]:
    """For each photo the first earlier one that looks alike, of another side if sides are given."""
    found: list[int | None] = [None] * len(photos)
    known = np.flatnonzero(photos["height"])
    for first, second in _close(photos["hash"][known], photos["hash"][known], MAX_HASH_BITS):
        left, right = known[first], known[second]
        ahead = right < left
        if sides is not None:
            ahead &= sides[left] != sides[right]
        for number, like in zip(left[ahead].tolist(), right[ahead].tolist(), strict=True):
            found[number] = like if found[number] is None else found[number]
    return found


def turn_square(luma: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """A square turned by `turn` right angles, from `ORIENTATIONS` / 2 on mirrored before."""
    return np.rot90(luma[:, ::-1] if turn >= ORIENTATIONS // 2 else luma, turn)


def _turned_frequencies(low: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """`frequencies` of photos as `turn_square` turns them: a mirrored cosine of an odd frequency is its negative."""
    signs = np.where(np.arange(low.shape[-1]) % 2, np.float32(-1), np.float32(1))
    low = low * signs if turn >= ORIENTATIONS // 2 else low
    for _ in range(turn % (ORIENTATIONS // 2)):
        low = low.swapaxes(1, 2) * signs[:, None]
    return low


def linked(count: int, links: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """(count,) group of each number, by the first in each, from (2, n) pairs of what belongs together."""
    left, right = np.concatenate(links, 1) if links else np.zeros((2, 0), np.int64)
    first = np.arange(count)  # of each number's group, as far as it is known
    while len(left):
        lowest = np.minimum(first[left], first[right])
        joined = first.copy()
        np.minimum.at(joined, first[left], lowest)
        np.minimum.at(joined, first[right], lowest)
        while not np.array_equal(joined, further := joined[joined]):
            joined = further
        if np.array_equal(joined, first):
            break
        first = joined
    return np.unique(first, return_inverse=True)[1].reshape(count)


def _digests(photos: NDArray[np.void]) -> Iterator[tuple[int, bytes]]:
    """(index, digest) of the photos that can be read."""
    for number in np.flatnonzero(photos["height"]).tolist():
        yield number, photos["digest"][number].tobytes()


def _close(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64], near: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(indices, indices) of the pairs whose hashes differ by `near` bits at most, some of `hashes` at a time."""
    for start in range(0, len(hashes), PHOTOS_AT_A_TIME):
        first, second = np.nonzero(
            np.bitwise_count(hashes[start : start + PHOTOS_AT_A_TIME, None] ^ others[None, :]) <= near
        )
        yield first + start, second


def _candidates(
    photos: NDArray[np.void], others: NDArray[np.void], bits: int = RESAVED
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]]:
    """(indices, indices, whether the two are one photo, whether they look alike) of pairs; no photo with itself."""
    left, right = (np.flatnonzero(part["height"]) for part in (photos, others))
    own = {step: _means(photos["luma"], step) for step, _ in MEANS}
    means = {step: (own[step], own[step] if photos is others else _means(others["luma"], step)) for step, _ in MEANS}
    for near_first, near_second in _close(photos["hash"][left], others["hash"][right], bits):
        first, second = left[near_first], right[near_second]
        if photos is others:
            first, second = first[first != second], second[first != second]
        near = np.bitwise_count(photos["hash"][first] ^ others["hash"][second]) <= MAX_HASH_BITS
        one = np.ones(len(first), np.bool_)
        size = _size(photos["height"][first], photos["width"][first], others["height"][second], others["width"][second])
        for step, limits in MEANS:
            pairs = np.flatnonzero(one)
            for start in range(0, len(pairs), PAIRS_AT_A_TIME * step**2):
                part = pairs[start : start + PAIRS_AT_A_TIME * step**2]
                mean, other = means[step][0][first[part]], means[step][1][second[part]]
                change = np.abs(mean.astype(np.int16) - other).max(1)
                one[part] = change <= _limit(limits, size[part])
        pairs = np.flatnonzero(one)
        for start in range(0, len(pairs), PAIRS_AT_A_TIME):
            part = pairs[start : start + PAIRS_AT_A_TIME]
            one[part] = _compared(photos[first[part]], others[second[part]], size[part])
        yield first, second, one, near


def _size(*sides: NDArray[np.uint32]) -> NDArray[np.float64]:
    """(pairs,) c of the smaller of two photos, from their heights and widths; see `MAX_SHARES`."""
    height, width, other_height, other_width = (side.astype(np.float64) for side in sides)
    size: NDArray[np.float64] = np.sqrt(np.minimum(height * width, other_height * other_width)) / LUMA_SIDE
    return np.maximum(size, SMALLEST)


def _limit(parts: tuple[float, float], size: NDArray[np.float64]) -> NDArray[np.float64]:
    return parts[0] + parts[1] / size**2


def _means(luma: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """(n, means) of blocks of step x step pixels of (n, 64, 64) luma, rounded."""
    count = len(luma)
    if step == 1:
        return luma.reshape(count, LUMA_SIDE**2)  # no copy
    blocks = luma.reshape(count, LUMA_SIDE // step, step, LUMA_SIDE // step, step)
    rounded: NDArray[np.uint8] = np.rint(blocks.mean((2, 4), dtype=np.float32)).astype(np.uint8)
    return rounded.reshape(count, (LUMA_SIDE // step) ** 2)


def _compared(first: NDArray[np.void], second: NDArray[np.void], size: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(pairs,) whether two photos of (pairs,) are one, by what is left of their difference."""
    count = len(first)
    luma, other = (part["luma"].astype(np.float32) for part in (first, second))
    left = np.abs(_left_over(luma, other - luma, size))
    change = (left / (1 + CONTRAST_SHARE * np.minimum(_contrast(luma), _contrast(other)))).reshape(count, -1)
    most, usual = change.max(1), np.quantile(change, 0.95, axis=1)
    colours = np.abs(first["chroma"].astype(np.int16) - second["chroma"]).reshape(count, -1).max(1)
    one: NDArray[np.bool_] = (most <= _limit(MAX_LEVELS, size)) & (colours <= _limit(MAX_COLORS, size))
    one &= most <= _limit(MAX_SHARES, size) * np.maximum(usual, FAINT)
    return one


def _left_over(
    luma: NDArray[np.float32], change: NDArray[np.float32], size: NDArray[np.float64]
) -> NDArray[np.float32]:
    """A change of (pairs, 64, 64) luma without what a shift, a blur, more light or contrast explain all over it."""
    wide = np.pad(luma, ((0, 0), (1, 1), (1, 1)), mode="edge")
    up, down, back, ahead = wide[:, :-2, 1:-1], wide[:, 2:, 1:-1], wide[:, 1:-1, :-2], wide[:, 1:-1, 2:]
    ways = [np.ones_like(luma), luma - luma.mean((1, 2), keepdims=True), (ahead - back) / 2, (down - up) / 2]
    ways.append(up + down + back + ahead - 4 * luma)
    terms = np.stack(ways, -1).reshape(len(luma), -1, len(ways))
    target = change.reshape(len(luma), -1, 1)
    slack = np.eye(len(ways), dtype=np.float32) * target.shape[1] * 1e-3
    parts = np.linalg.solve(terms.mT @ terms + slack, terms.mT @ target)[..., 0]
    most = np.array(DRIFT, np.float32) * np.ones((len(luma), 1), np.float32)
    most[:, 2:4] /= size[:, None]
    parts = np.clip(parts, -most, most)
    explained: NDArray[np.float32] = (terms @ parts[..., None]).reshape(luma.shape)
    return change - explained


def _contrast(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """(pairs, 64, 64) the range of levels in the 3x3 pixels around each."""
    wide = np.pad(luma, ((0, 0), (1, 1), (1, 1)), mode="edge")
    high, low = luma, luma
    for row in range(3):
        for column in range(3):
            near = wide[:, row : row + LUMA_SIDE, column : column + LUMA_SIDE]
            high, low = np.maximum(high, near), np.minimum(low, near)
    return high - low
