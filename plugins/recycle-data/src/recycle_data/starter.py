"""A first recipe for the data at hand."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recycle_data.tallies import object_counts
from recyclecli.errors import counted
from recyclecli.types import Source

MAX_STARTER_EPOCHS = 300
RARE_SHARE = 0.02  # share of the objects below which a class counts as rare


@dataclass(frozen=True, slots=True)
class MachinePreset:
    """What a first run is given on a kind of machine: longest side in pixels, photos of a batch, optimizer steps."""

    name: str
    size: int
    batch: int
    steps: int


STARTER_FILE = "recipe.yaml"
GPU = MachinePreset("a GPU", 512, 8, 4000)
CPU = MachinePreset("a processor alone", 256, 4, 1000)


def starter_recipe(
    source: Source,
    root: Path,
    data: Mapping[str, Any] = {},
    photos: int = 0,
    file: str = STARTER_FILE,
    on: MachinePreset = GPU,
) -> str:
    """A commented recipe whose size, epochs and losses fit `source` and a machine.

    Args:
        source: the whole source.
        root: its folder, as the user named it.
        data: further keys of the recipe's section `data`.
        photos: that are trained on; all when left out.
        file: that it is written to.
        on: the machine.
    """
    records = [source.record(index) for index in range(len(source))]
    sides = sorted(max(record.height, record.width) for record in records)
    side = sides[len(sides) // 2]
    size = min(on.size, max(64, math.ceil(side / 32) * 32))
    photos = photos or len(source)
    each = photos // on.batch or 1  # a last batch that is not full is left out
    epochs = min(MAX_STARTER_EPOCHS, max(10, math.ceil(on.steps / each)))
    limit = f", {MAX_STARTER_EPOCHS} epochs at most" if epochs == MAX_STARTER_EPOCHS else ""
    objects = object_counts(source)
    total = max(1, int(objects.sum()))
    rare = [name for name, count in zip(source.class_names, objects, strict=True) if 0 < count < RARE_SHARE * total]
    reason = f"rare here: {', '.join(rare)}" if rare else "no class is rare here"
    dice = 1 if rare else 0.5
    sizes = {"photo": len(source), "class": len(source.class_names), "object": total}
    held = ", ".join(counted(count, noun) for noun, count in sizes.items())
    return f"""\
# {held}; median longer side {side} pixels.
# For {on.name}. Train:   recycle train --recipe {shlex.quote(file)}
# Every key:            docs/reference/recipe.md; names: recycle plugins list; options: recycle plugins show NAME

seed: 0

data:
  root: {_quoted(str(root))}
{"".join(f"  {key}: {_quoted(value)}" + chr(10) for key, value in data.items())}\
  # Without a fold: train.json with val.json, else fold 0 of folds.json, else the split that the data names, else a
  # fifth at random.
  # recycle data kfold --n 5 --data ... makes folds.json.
  # fold: 0
  size: {size}            # longer side that photos are scaled to; smaller is faster, larger sees small things
  scale: [0.75, 1.5]    # training crops at a random zoom; null for whole photos

model:
  name: fpn             # learns fast, at a quarter of the size; unet and the slower unetpp go up to the full size
  encoder: tu-tf_efficientnet_lite0   # any smp or timm encoder; this one's weights came by pip
  weights: auto

loss:
  - {{name: ce, class_weights: effective-number}}   # a rare class's pixel counts up to ten times as much
  # dice counts every class alike, whatever its size: {reason}
  - {{name: dice, weight: {dice}}}

aug:
  - flip
  # - {{name: affine, degrees: 15}}     # for photos that are taken from any side
  # - {{name: color, p: 0.8}}           # for light that changes

train:
  epochs: {epochs}           # {epochs * each} steps of {min(on.batch, photos)} of {photos} training photos{limit}
  batch_size: {on.batch}         # halve it when memory runs out, and set accumulate_grad_batches: 2
  lr: 1e-3              # 1e-4 for encoders that are transformers (Swin, ViT)
  ema: 0.99             # moving average of the weights; 0 for none
"""


def _quoted(value: Any) -> str:
    """A value as JSON, which is YAML, too."""
    return json.dumps(value, ensure_ascii=False)
