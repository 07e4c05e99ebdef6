"""From a source to batches: decoding, fitting, collating, sharding."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

import lightning as L
import numpy as np
import torch
from recycle_data.boundary import as_raised
from recycle_data.cached_masks import CachedMasks
from recycle_data.letterbox import crop_sample, fit_sample
from recycle_data.repeat_factor import repeat_factors
from recycle_data.splits import Split
from recycle_data.threads import cores
from torch.utils.data import DataLoader, Dataset

from recycle_engine.batch import Item, collate
from recycle_engine.input_shape import InputShape
from recycle_engine.training.batch_transport import handing_over
from recycle_engine.training.instance_readers import callback_reads_instances
from recycle_engine.training.sampler import Draw, EpochSampler
from recyclecli.errors import RecycleError
from recyclecli.recipe import Recipe
from recyclecli.types import IGNORE, Source

if TYPE_CHECKING:
    from recycle_engine.training.module import SegmentationModule

log = logging.getLogger("recycle.engine")

PIXEL, NUMBER = 4, 4  # bytes of a batch: three colours and a label; the number of an object, where one reads it
MIN_LOADERS, LOADERS_PER_CORE = 16, 2  # loading processes that any machine starts, and that it starts for each core
UNSCALED = (1.0, 1.0)  # range of scales
MAX_PAINTED_BYTES = 2**29  # of labels that a machine's loading processes keep together, for each of the two sides


class PhotoDataset(Dataset[Item]):
    """The photos of a source with their index, as the model sees them.

    For validation they are whole. For training they are in the window that all share, at a random `scale`; where it
    does not hold all of a photo, a random part of it.

    A photo that cannot be read comes as its error: a loading process that raised it would wrap
    it into a traceback.
    """

    def __init__(self, source: Source, shape: InputShape, scale: tuple[float, float] | None = None) -> None:
        self._source = source
        self._shape = shape
        self._scale = scale

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, draw: Draw) -> Item:
        try:
            sample = self._source.read(draw.photo)
        except Exception as error:
            return as_raised(error), draw.photo
        if not draw.counted:
            sample = sample._replace(mask=np.full_like(sample.mask, IGNORE))
        if self._scale is None:
            return fit_sample(sample, *self._shape.whole(*sample.mask.shape)), draw.photo
        chance = np.random.default_rng(draw.chance)
        return crop_sample(sample, self._shape.size, self._shape.window, self._scale, chance), draw.photo


def loader_workers(wanted: int | None, ranks: int = 1) -> int:
    """Loading processes of each of a machine's `ranks`: as asked, else one for each core that is left, at most 16.

    Where the CPU trains there is none.

    Raises:
        RecycleError: many more are asked for than there are cores.
    """
    here = cores()
    if wanted is not None:
        most = max(MIN_LOADERS, LOADERS_PER_CORE * here)
        if wanted * ranks > most:
            each = f" for each of {ranks} processes" if ranks > 1 else ""
            raise RecycleError(
                f"data.workers = {wanted}{each}: this machine has {here} cores, and at most {most} loading processes "
                "are started",
                f"-o data.workers={min(most, here) // ranks}",
            )
        return wanted
    if not torch.cuda.is_available():
        return 0
    return min(16, max(1, here // ranks - 1))


def whole_epochs(trainer: L.Trainer) -> int:
    """Epochs done, also right after a resume, when `trainer.current_epoch` still lags."""
    return trainer.fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined,no-any-return]


class PhotoData(L.LightningDataModule):
    """A split's two loaders. Each rank validates every n-th photo, none twice.

    Args:
        split: the photos.
        recipe: how they are read and drawn.
        tells: say which photos are left out.

    Attributes:
        batch_size: photos of a batch.
    """

    def __init__(self, split: Split, recipe: Recipe, tells: bool = True) -> None:
        super().__init__()
        self._split = split
        self._recipe = recipe
        self._tells = tells
        self.batch_size = recipe.train.batch_size
        self._handing_over: Callable[[int], None] | Literal[False] | None = False  # until it is known

    def train_dataloader(self) -> DataLoader[Item]:
        """Shuffled by (seed, epoch); a last batch that is not full is dropped."""
        assert self.trainer is not None
        settings = self._recipe.train
        weights = np.asarray(self._split.weights)
        if settings.repeat_threshold:
            weights = weights * repeat_factors(self._split.train, settings.repeat_threshold)
        if settings.overfit_batches:
            weights[self._overfitted() :] = 0
        sampler = EpochSampler(
            weights,
            self._recipe.seed,
            # a resumed run starts its first loader before Lightning tells the epoch
            epoch=whole_epochs(self.trainer),
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
        )
        if not len(sampler):
            raise RecycleError(
                f"{self.trainer.world_size} processes share {len(weights)} training photos: one gets none",
                f"--devices {max(1, int(weights.sum()))}",
            )
        full = len(sampler) >= self.batch_size
        if self._tells and full and len(sampler) % self.batch_size:
            log.warning(
                f"note: of {len(sampler)} photos an epoch the last {len(sampler) % self.batch_size} make no full batch "
                "and are left out, others in each epoch"
            )
        photos = PhotoDataset(self._painted(self._split.train), self._shape(), self._recipe.data.scale or UNSCALED)
        return self._loader(photos, True, sampler=sampler, drop_last=full)

    def val_dataloader(self) -> DataLoader[Item]:
        """Those of one shape together, each counted once over all ranks, which take as many batches as each other."""
        assert self.trainer is not None
        ranks = self.trainer.world_size
        source, count = self._validated()
        mine = range(self.trainer.global_rank, count + -count % ranks, ranks)
        order = sorted(range(count), key=self._frames(source, count).__getitem__)
        draws = [Draw(order[place if place < count else -1], counted=place < count) for place in mine]
        return self._loader(PhotoDataset(self._painted(source), self._shape()), False, sampler=draws)

    def _shape(self) -> InputShape:
        """How the model that is trained sees photos."""
        return self._module().shape

    def _frames(self, source: Source, count: int) -> list[tuple[int, int]]:
        """Height and width in which the model sees each of the first photos whole."""
        shape, records = self._shape(), map(source.record, range(count))
        return [shape.whole(record.height, record.width)[1] for record in records]

    def _painted(self, source: Source) -> CachedMasks:
        """The source with its labels kept; each loading process keeps its own."""
        return CachedMasks(source, MAX_PAINTED_BYTES // (self._ranks() * max(1, self._workers())))

    def _ranks(self) -> int:
        """Processes that train on this machine."""
        assert self.trainer is not None
        return self.trainer.num_devices

    def _workers(self) -> int:
        return loader_workers(self._recipe.data.workers, self._ranks())

    def _processes(self, training: bool) -> int:
        """Loading processes of a side; of validation no more than it has batches, since all of them stay."""
        assert self.trainer is not None
        batches = -(-self._validated()[1] // (self.batch_size * self.trainer.world_size))
        return self._workers() if training else min(self._workers(), batches)

    def _validated(self) -> tuple[Source, int]:
        """The photos of validation: so many, the first ones of a source."""
        if self._recipe.train.overfit_batches:
            return self._split.train, self._overfitted()
        return self._split.val, len(self._split.val)

    def _overfitted(self) -> int:
        """How many training photos are all there is, where `train.overfit_batches` says so."""
        return min(self._recipe.train.overfit_batches * self.batch_size, len(self._split.train))

    def _with_instances(self, training: bool) -> bool:
        """Whether something reads the instances of the batches of training, or of validation."""
        trainer = self.trainer
        assert trainer is not None
        readers = (callback_reads_instances(one) for one in trainer.callbacks)  # type: ignore[attr-defined]
        return self._module().reads_instances(training) or any(readers)

    def _module(self) -> SegmentationModule:
        assert self.trainer is not None
        return cast("SegmentationModule", self.trainer.lightning_module)

    def _loader(self, dataset: PhotoDataset, training: bool, **keywords: Any) -> DataLoader[Item]:
        workers = self._processes(training)
        if self._handing_over is False:
            frames = self._frames(*self._validated())
            largest = max(height for height, _ in frames) * max(width for _, width in frames)
            sizes = [
                self.batch_size * pixels * (PIXEL + NUMBER * self._with_instances(side))
                for side, pixels in ((True, math.prod(self._shape().window)), (False, largest))
                for _ in range(self._ranks() * self._processes(side))
            ]
            self._handing_over = handing_over(sizes)
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            collate_fn=partial(collate, instances=self._with_instances(training)),
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=workers > 0,
            worker_init_fn=self._handing_over,
            **keywords,
        )
