"""Every object of a batch: its box, its area, its class."""

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage

from recycle_kornia.exact import exact_sums
from recyclecli.types import Batch

MAX_OBJECTS_PER_SAMPLE = 512  # objects of one photo; further ones are neither pasted nor dropped


class Objects(NamedTuple):
    """All (N, MOST + 1) int64 by photo and instance number; number 0 is none.

    Attributes:
        area: visible pixels; 0 where there is no such object, then the rest means nothing.
        label: class index.
        top, left, height, width: of the box in pixels.
    """

    area: torch.Tensor
    label: torch.Tensor
    top: torch.Tensor
    left: torch.Tensor
    height: torch.Tensor
    width: torch.Tensor


def objects_of(batch: Batch) -> Objects:
    """The objects of each photo, without waiting for the device that the batch lies on."""
    if batch.image.is_cuda:
        return scattered(batch)
    tables = np.zeros((6, len(batch.ids), MAX_OBJECTS_PER_SAMPLE + 1), np.int64)
    for photo, (mask, instances) in enumerate(zip(batch.mask.numpy(), batch.instances.numpy(), strict=True)):
        area = np.bincount(instances.ravel(), minlength=MAX_OBJECTS_PER_SAMPLE + 1)[: MAX_OBJECTS_PER_SAMPLE + 1]
        area[0] = 0
        tables[0, photo] = area
        for number, window in enumerate(ndimage.find_objects(instances, MAX_OBJECTS_PER_SAMPLE), start=1):
            if window is not None:
                rows, columns = window
                row, column = rows.start, columns.start + int(np.argmax(instances[rows.start, columns] == number))
                box = (rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
                tables[1:, photo, number] = (mask[row, column], *box)
    return Objects(*torch.from_numpy(tables))


def scattered(batch: Batch) -> Objects:
    """As `objects_of`, by parallel reductions."""
    count, height, width = batch.mask.shape
    place = numbers(batch.instances).reshape(count, -1)
    empty = torch.zeros((count, MAX_OBJECTS_PER_SAMPLE + 1), dtype=torch.int64, device=place.device)
    rows, columns = (torch.arange(side, device=place.device) for side in (height, width))
    rows, columns = (part.expand(height, width).reshape(1, -1) for part in (rows[:, None], columns))

    def reduced(values: torch.Tensor, how: str) -> torch.Tensor:
        return empty.scatter_reduce(1, place, values.expand_as(place), how, include_self=False)

    with exact_sums():
        area = empty.scatter_add(1, place, empty.new_ones(()).expand_as(place))
    area[:, 0] = 0
    top, left = reduced(rows, "amin"), reduced(columns, "amin")
    label = reduced(batch.mask.reshape(count, -1), "amax")
    return Objects(area, label, top, left, reduced(rows, "amax") - top + 1, reduced(columns, "amax") - left + 1)


def numbers(instances: torch.Tensor) -> torch.Tensor:
    """Instance numbers as int64, 0 for those above `MAX_OBJECTS_PER_SAMPLE`."""
    return torch.where(instances <= MAX_OBJECTS_PER_SAMPLE, instances, 0).long()
