"""A first recipe for the data at hand."""

from __future__ import annotations

import math
from pathlib import Path

from recyclecli.data.folds import class_counts
from recyclecli.types import Source

STEPS = 4000  # optimizer steps that a first run is given
BATCH = 8
RARE = 0.02  # share of the objects below which a class counts as rare


def starter_recipe(source: Source, root: Path) -> str:
    """A commented recipe.yaml whose size, epochs and losses fit `source`.

    Args:
        source: the whole source.
        root: its folder, as the user named it.
    """
    records = [source.record(index) for index in range(len(source))]
    sides = sorted(max(record.height, record.width) for record in records)
    side = sides[len(sides) // 2]
    size = min(512, max(64, math.ceil(side / 32) * 32))
    epochs = min(300, max(10, math.ceil(STEPS * BATCH / len(source))))
    objects = class_counts(source).sum(0)
    total = max(1, int(objects.sum()))
    rare = [name for name, count in zip(source.class_names, objects, strict=True) if 0 < count < RARE * total]
    reason = f"rare here: {', '.join(rare)}" if rare else "no class is rare here"
    dice = 1 if rare else 0.5
    return f"""\
# {len(source)} photos, {len(source.class_names)} classes, {total} objects; median longer side {side} pixels.
# Check it and train:   recycle train --recipe recipe.yaml
# Every key:            docs/reference/recipe.md; names: recycle plugins list; options: recycle plugins show NAME

seed: 0

data:
  root: {_quoted(str(root))}
  # Without a fold: train.json with val.json, else fold 0 of folds.json, else a fifth at random.
  # recycle data kfold --n 5 --data ... makes folds.json.
  # fold: 0
  size: {size}            # photos are fitted into size x size; smaller is faster, larger sees small things
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
  epochs: {epochs}           # about {STEPS} steps of {BATCH} photos
  batch_size: {BATCH}         # halve it when memory runs out, and set accumulate: 2
  lr: 1e-3              # 1e-4 for encoders that are transformers (Swin, ViT)
  ema: 0.99             # moving average of the weights; 0 for none
"""


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
