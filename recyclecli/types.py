"""The contracts between the core and its plugins: components, contexts, and what passes between.

Nothing here imports torch; tensors appear in annotations only. A plugin may import this
module, `recyclecli.hookimpl` and `recyclecli.coco`, and nothing else of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, get_args, runtime_checkable

from pydantic import BaseModel, ConfigDict

from recyclecli.errors import LabelFaults as LabelFaults
from recyclecli.errors import RecycleError as RecycleError
from recyclecli.records import ADDRESS, KEBAB
from recyclecli.records import Command as Command
from recyclecli.records import NamedRecipe as NamedRecipe

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

IGNORE = 255
"""Mask value of pixels that belong to no class and count in no loss and no score."""

Kind = Literal["dataset", "augmentation", "model", "loss", "postprocessor"]
KINDS: tuple[Kind, ...] = get_args(Kind)

RESERVED = frozenset({"name", "id", "weight"})  # keys of a recipe's entry that are not the part's own


class Options(BaseModel):
    """Base of a component's settings: one documented field each, unknown keys and NaN refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that a component needs at build time.

    Attributes:
        module: top-level import name, probed without importing it (`pydensecrf`).
        pip: what to install to get it (`pydensecrf2>=1.1`).
    """

    module: str
    pip: str

    def __post_init__(self) -> None:
        if not self.module.isidentifier():
            raise ValueError(f"requirement {self.module!r}: a top-level import name, without dots")


@dataclass(frozen=True, slots=True)
class Component:
    """One implementation that a plugin offers; use the subclass of its kind.

    Attributes:
        name: kebab-case, what users type.
        factory: `package.module:attribute`, imported only when the component is built and
            called as `factory(options, context)`.
        options: the `Options` subclass with its settings.
        summary: one line for lists.
        requires: packages probed before the factory is imported.

    Raises:
        ValueError: a field does not have that form, or an option is called `name`, `id` or
            `weight`, which the recipe uses itself, or as an attribute of pydantic's, `copy`.
    """

    kind: ClassVar[Kind]
    name: str
    factory: str
    options: type[Options]
    summary: str
    requires: tuple[Requirement, ...] = ()

    def __post_init__(self) -> None:
        if not KEBAB.fullmatch(self.name):
            raise ValueError(f"component name {self.name!r} is not kebab-case")
        if not ADDRESS.fullmatch(self.factory):
            raise ValueError(f"{self.name}: factory {self.factory!r} is not 'package.module:attribute'")
        if not (isinstance(self.options, type) and issubclass(self.options, Options)):
            raise ValueError(f"{self.name}: options must be a subclass of recyclecli.types.Options")
        shadowing = (RESERVED | set(dir(Options))) & self.options.model_fields.keys()
        if shadowing:
            raise ValueError(f"{self.name}: options {sorted(shadowing)} hide names of the recipe or of pydantic")
        for place in ("offline", "search"):
            unknown = (getattr(self, place, None) or {}).keys() - self.options.model_fields.keys()
            if unknown:
                raise ValueError(f"{self.name}: {place} sets {sorted(unknown)}, which are no options of it")


@dataclass(frozen=True, slots=True)
class DatasetComponent(Component):
    """Builds a `Source`: `factory(options, DatasetContext)`.

    Attributes:
        layouts: kebab-case name of each layout that it recognises to its description.
        recognise: `package.module:attribute`, in a light module: `recyclecli.coco.Tree` to the `Layout`s in it.

    Raises:
        ValueError: also where one of the two is given without the other, or has another form.
    """

    kind: ClassVar[Kind] = "dataset"
    layouts: Mapping[str, str] = field(default_factory=dict, hash=False)
    recognise: str = ""

    def __post_init__(self) -> None:
        super(DatasetComponent, self).__post_init__()
        if bool(self.layouts) != bool(ADDRESS.fullmatch(self.recognise)):
            raise ValueError(f"{self.name}: layouts and recognise, 'package.module:attribute', are given together")
        if wrong := [name for name in self.layouts if not KEBAB.fullmatch(name)]:
            raise ValueError(f"{self.name}: layout name {wrong[0]!r} is not kebab-case")


@dataclass(frozen=True, slots=True)
class AugmentationComponent(Component):
    """Builds an `Augmentation`: `factory(options, AugmentationContext)`.

    Attributes:
        offline: given where its photos are worth keeping, which makes it `recycle aug NAME`:
            the defaults of options that differ there, `{}` where none do.
    """

    kind: ClassVar[Kind] = "augmentation"
    offline: Mapping[str, Any] | None = field(default=None, hash=False)


class ModelComponent(Component):
    """Builds a `Model`, a torch.nn.Module: `factory(options, ModelContext)`."""

    kind: ClassVar[Kind] = "model"


class LossComponent(Component):
    """Builds a `Loss`, a torch.nn.Module: `factory(options, LossContext)`."""

    kind: ClassVar[Kind] = "loss"


@dataclass(frozen=True, slots=True)
class PostprocessorComponent(Component):
    """Builds a `Postprocessor`: `factory(options, PostprocessorContext)`.

    Attributes:
        search: for some of its options the values that `recycle ablate --search` tries, in all combinations.
    """

    kind: ClassVar[Kind] = "postprocessor"
    search: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class DatasetContext:
    """What a dataset cannot know by itself.

    Attributes:
        root: the folder that file names are relative to.
        split: an annotation file (absolute, or relative to `root`) or a split's name; None for the whole source.
    """

    root: Path
    split: str | None = None


Evidence = Literal["content", "description", "folders"]
EVIDENCE: tuple[Evidence, ...] = get_args(Evidence)


@dataclass(frozen=True, slots=True)
class Layout:
    """Labels as they lie in a folder, recognised by a dataset component.

    Attributes:
        name: one of the component's `layouts`.
        why: what says so, as the end of a sentence: "annotations.xml holds <image> elements".
        evidence: what says so: files of labels, a description of them, or folders. The surest is taken.
        root: the folder below the tree's root that file names are relative to; "" for the root itself.
        options: settings of the component that read it.
    """

    name: str
    why: str
    evidence: Evidence
    root: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class AugmentationContext:
    """What an augmentation cannot know by itself: class names, and the training photos only."""

    class_names: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class ModelContext:
    """What a model cannot know by itself.

    Attributes:
        num_classes: K, channels of the logits.
        in_channels: channels of the image, 3 for RGB.
        pretrained: False when the weights come from a checkpoint, so that none are fetched.
    """

    num_classes: int
    in_channels: int = 3
    pretrained: bool = True


@dataclass(frozen=True)
class LossContext:
    """What a loss cannot know by itself.

    Attributes:
        class_names: K names, by label.
        count: counts the training split's pixels; called once, by the first use of `pixel_counts`.
        count_shown: counts for each of the K classes the labelled pixels of all training photos that show it.
    """

    class_names: tuple[str, ...]
    count: Callable[[], tuple[int, ...]]
    count_shown: Callable[[], tuple[int, ...]] = tuple

    @cached_property
    def pixel_counts(self) -> tuple[int, ...]:
        """K pixel counts of the training split, by label."""
        return self.count()


@dataclass(frozen=True, slots=True)
class PostprocessorContext:
    """What a postprocessor cannot know by itself: class names by label, and the torch device of the model."""

    class_names: tuple[str, ...]
    device: str = "auto"  # the GPU where there is one


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
        instances: (N, H, W) int32, 0 = none, ids 1..n within each photo, visible pixels.
        ids: (N,) int64, index of each photo in its source.
    """

    image: torch.Tensor
    mask: torch.Tensor
    instances: torch.Tensor
    ids: torch.Tensor


class Augmentation(Protocol):
    """Maps a Batch to a Batch of the same size on the batch's own device.

    Pixels that come from outside a photo get mask 255 and instance 0. All chance is drawn
    from torch's default generator, which the engine seeds from (seed, epoch, step) before
    every call, so that a resumed run sees what an uninterrupted one would.

    One that puts objects of other photos in offers a method `origins()` too: for each photo of
    the last batch {instance: (index in the source, instance there)} of what came in. Offline, one
    without it gets one photo at a time, and may not read the source. Which photos of the source are
    read is recorded with what is made, whatever `origins()` says.
    """

    def __call__(self, batch: Batch) -> Batch:
        """Augment a batch."""


class Model(Protocol):
    """A torch.nn.Module: image (N, 3, H, W) in 0..1 to logits (N, K, H, W), or (logits, aux logits).

    It normalises inside `forward`, also when exported, and takes any H and W. An attribute
    `encoder`, where it has one, is the part that may learn at a rate of its own.
    """

    def __call__(self, image: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of a batch of photos."""


class Loss(Protocol):
    """A torch.nn.Module: logits (N, K, H, W) and mask (N, H, W) int64 to a scalar; 255 counts nowhere.

    A batch whose pixels are all 255 gives 0 with finite gradients.
    """

    def __call__(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""


class Postprocessor(Protocol):
    """Maps image (H, W, 3) uint8 RGB and probabilities (K, H, W) float32 to probabilities (K, H, W).

    One that is faster with several photos at once, of any sizes, offers a method `batch(images,
    probabilities)` too: a list of what calls would give.
    """

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities after this step."""
