"""What passes between the parts: photos with their labels, batches, and what each kind of part is called with.

`recyclecli.types` hands these on; import them from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotated object.

    Attributes:
        id: its id in the annotation file.
        label: class index; `IGNORE` for regions of the reserved category `ignore`.
        segmentation: COCO polygons (lists of x1, y1, x2, y2 ... in pixels) or a COCO RLE dict.
        area: stated area in pixels, None where the file states none.
        iscrowd: an uncounted region rather than one object; it is painted, but is no instance.
        provenance: `file_name`s of the photos it was taken from, for pasted objects.
        boxed: whether the file states its box, too.
        level: what is drawn later lies on a higher level; within one, the smaller object is drawn later.
    """

    id: int
    label: int
    segmentation: list[list[float]] | Mapping[str, Any]
    area: float | None = None
    iscrowd: bool = False
    provenance: tuple[str, ...] = ()
    boxed: bool = False
    level: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """What a source knows about a photo without reading it.

    Attributes:
        file: the photo, an existing or missing path.
        file_name: its name in the annotation file, relative to the source's root.
        height, width: in pixels, as annotated.
        annotations: its objects in file order.
        made_from: `file_name`s of the photos that it is a changed copy of.
        made_with: `file_name`s of further photos that were read when the set was made that it belongs to.
        digests: SHA-1, in hexadecimal digits, of the pixels of photos among all these, by `file_name`.
    """

    file: Path
    file_name: str
    height: int
    width: int
    annotations: tuple[Annotation, ...] = ()
    made_from: tuple[str, ...] = ()
    made_with: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def provenance(self) -> frozenset[str]:
        """`file_name`s of the other photos that it shows something of, as far as its file tells."""
        return frozenset(self.made_from).union(*(annotation.provenance for annotation in self.annotations))


class Sample(NamedTuple):
    """A photo with its labels, as numpy arrays.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        mask: (H, W) uint8, class index per pixel, 255 = ignore.
        instances: (H, W) int32, 0 = none, k = the visible pixels of the k-th annotation, from 1.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    instances: NDArray[np.int32]


@runtime_checkable
class Source(Protocol):
    """What a dataset component builds: labelled photos, readable one by one, without torch.

    One whose data names its own splits offers an attribute `splits` too: `train`, `val` and `test`, as far as they
    are named, to indices of photos. Test photos are never trained on. One that leaves out a part of its files offers
    `left_out`: what ("boxes", "photos that nobody has labelled") to how many.
    """

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names; a pixel's mask value is an index into them."""

    def __len__(self) -> int: ...

    def record(self, index: int) -> Record:
        """What is known of photo `index` (0 to len - 1) without reading it."""

    def read(self, index: int) -> Sample:
        """Read photo `index` with its labels; RecycleError where that cannot be done."""


class Batch(NamedTuple):
    """Photos on their way into a model, all tensors on one device.

    Attributes:
        image: (N, 3, H, W) float, RGB in 0..1, not normalised: the model normalises itself.
        mask: (N, H, W) int64, class index, 255 = ignore.
        instances: (N, H, W) int32, 0 = none, ids 1..n within each photo, visible pixels; all 0 where none reads them.
        ids: (N,) int64, index of each photo in its source.
    """

    image: torch.Tensor
    mask: torch.Tensor
    instances: torch.Tensor
    ids: torch.Tensor


class Augmentation(Protocol):
    """Maps a Batch to a Batch of the same size on the batch's own device.

    Pixels that come from outside a photo get mask 255 and instance 0. All randomness comes from torch's default
    generator, which the engine seeds from (seed, epoch, step) before every call, so that a resumed run sees what an
    uninterrupted one would. With an attribute `reads_instances = False` it may get batches whose instances are all 0.

    One that puts objects of other photos in offers a method `origins()` too: for each photo of the last batch
    {instance: (index in the source, instance there)} of what came in. Offline, one without it gets one photo at a
    time, and may not read the source. Which photos of the source are read is recorded, whatever `origins()` says.
    """

    def __call__(self, batch: Batch) -> Batch:
        """Augment a batch."""


class Outputs(NamedTuple):
    """What a model gives for a batch, where logits alone do not say it.

    Attributes:
        logits: (N, K, H, W).
        aux: further logits (N, K, H, W), each trained with every loss times the recipe's `train.aux_weight`.
        extras: what its own `training_loss` reads besides: queries, the masks of each, ...
    """

    logits: torch.Tensor
    aux: tuple[torch.Tensor, ...] = ()
    extras: Mapping[str, Any] = MappingProxyType({})


class Model(Protocol):
    """A torch.nn.Module: image (N, 3, H, W) in 0..1 to logits (N, K, H, W), (logits, aux logits) or `Outputs`.

    It normalises inside `forward`, also when exported, and takes any H and W; it is given multiples of its attribute
    `multiple`, 32 where it states none. An attribute
    `encoder`, where it has one, is the part that may learn at a rate of its own. One with a method
    `training_loss(outputs: Outputs, batch: Batch) -> dict[str, Tensor]`, scalars that are added up, is trained with
    it where the recipe's `loss` names `model`; validation calls it with what `forward` gives in evaluation, and
    `reads_instances = False` says that it does not read the batch's.
    """

    def __call__(self, image: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor] | Outputs:
        """Logits of a batch of photos."""


class Loss(Protocol):
    """A torch.nn.Module: logits (N, K, H, W) and mask (N, H, W) int64 to a scalar; 255 counts nowhere.

    A batch whose pixels are all 255 gives 0 with finite gradients. One that prefers no labels to others, a
    regulariser, has an attribute `regulariser` that is true.
    """

    def __call__(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""


class Exporter(Protocol):
    """A format: it writes a model, and loads what it wrote.

    Its `files` are all that it may write into a folder, further ones are refused: what each is, in a word, to its
    name, as `{"model": "model.onnx"}`.
    """

    files: Mapping[str, str]

    def write(self, model: nn.Module, folder: Path) -> Mapping[str, Any]:
        """Write a model into an empty folder.

        Args:
            model: in evaluation, on the CPU: image (N, 3, H, W) float32 in 0..1 to logits (N, K, H, W).
            folder: exists, and is empty.

        Returns:
            What its card says beside what every card says, values of JSON: at least `shape`, `("batch", 3, 384, 512)`:
            a text for the photos, then 3, height and width, those of the window or a text each where they may be any.

        Raises:
            RunFailed: the model cannot be written in this format.
        """

    def load(self, folder: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """What `write` wrote, as a function of image to logits, safe to be called by several threads.

        Raises:
            RecycleError: a file is missing or damaged.
        """


class Postprocessor(Protocol):
    """Maps image (H, W, 3) uint8 RGB and probabilities (K, H, W) float32 to probabilities (K, H, W).

    One that is faster with several photos at once, of any sizes, offers a method `batch(images,
    probabilities)` too: a list of what calls would give.
    """

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities after this step."""
