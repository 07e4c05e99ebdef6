"""The sample set as a source."""

import numpy as np

from recycle_datasets import SampleOptions
from recycle_datasets.sample.scene import MATERIAL_SHARES, scene
from recyclecli.types import DatasetContext, Record, Sample

RARE_CLASSES = ("Battery", "Clothing")
RARE_EVERY = 30  # photos; each rare material is sure to be in one of them


class SampleSource:
    """Drawn photos; photo i depends on the seed and i alone.

    Every thirtieth photo is given a battery and the one after it a piece of clothing, so that
    small sets hold the rare classes too.
    """

    class_names = ("Background", *MATERIAL_SHARES)

    def __init__(self, options: SampleOptions, context: DatasetContext) -> None:
        self._options = options
        self._root = context.root

    def __len__(self) -> int:
        return self._options.images

    def record(self, index: int) -> Record:
        """Name and size of photo `index`; its objects are known only by drawing it."""
        name = f"images/sample_{index:04d}.jpg"
        return Record(self._root / name, name, self._options.size, self._options.size)

    def read(self, index: int) -> Sample:
        """Draw photo `index`."""
        turn = index % RARE_EVERY
        first = RARE_CLASSES[turn] if turn < len(RARE_CLASSES) else None
        drawn = scene(np.random.default_rng((self._options.seed, index)), self._options.size, first)
        labels = np.array([0, *(self.class_names.index(name) for name in drawn.materials)], np.uint8)
        return Sample(drawn.image, labels[drawn.instances], drawn.instances)
