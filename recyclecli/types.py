"""The contracts between the core and its plugins: components, contexts, and what passes between.

Nothing here imports torch; tensors appear in annotations only. A plugin may import this
module, `recyclecli.hookimpl` and `recycle_coco`, and nothing else of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict

from recyclecli.errors import LabelFaults as LabelFaults
from recyclecli.errors import RecycleError as RecycleError
from recyclecli.errors import RunFailed as RunFailed
from recyclecli.errors import counted as counted
from recyclecli.option_names import earlier_names
from recyclecli.parts import Annotation as Annotation
from recyclecli.parts import Augmentation as Augmentation
from recyclecli.parts import Batch as Batch
from recyclecli.parts import Exporter as Exporter
from recyclecli.parts import Loss as Loss
from recyclecli.parts import Model as Model
from recyclecli.parts import Outputs as Outputs
from recyclecli.parts import Postprocessor as Postprocessor
from recyclecli.parts import Record as Record
from recyclecli.parts import Sample as Sample
from recyclecli.parts import Source as Source
from recyclecli.records import ADDRESS, KEBAB
from recyclecli.records import Check as Check
from recyclecli.records import Command as Command
from recyclecli.records import Finding as Finding
from recyclecli.records import NamedRecipe as NamedRecipe

if TYPE_CHECKING:
    from torch.optim import Optimizer

IGNORE = 255
"""Mask value of pixels that belong to no class and count in no loss and no score."""

Kind = Literal[
    "dataset", "augmentation", "model", "loss", "postprocessor", "optimizer", "schedule", "callback", "exporter"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

RESERVED = frozenset({"name", "id", "weight"})  # keys of a recipe's entry that are not the part's own


class Options(BaseModel):
    """Base of a component's settings: one documented field each, unknown keys and NaN refused.

    An option that was renamed names its earlier name, by which recipes are read: `Field(validation_alias="old")`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


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
        names = {*self.options.model_fields, *earlier_names(self.options)}
        if shadowing := (RESERVED | set(dir(Options))) & names:
            raise ValueError(f"{self.name}: options {sorted(shadowing)} hide names of the recipe or of pydantic")
        for place in ("offline", "search"):
            if unknown := (getattr(self, place, None) or {}).keys() - self.options.model_fields.keys():
                raise ValueError(f"{self.name}: {place} sets {sorted(unknown)}, which are no options of it")


@dataclass(frozen=True, slots=True)
class DatasetComponent(Component):
    """Builds a `Source`: `factory(options, DatasetContext)`.

    Attributes:
        layouts: kebab-case name of each layout that it recognises to its description.
        recognise: `package.module:attribute`, in a light module: `recycle_coco.Tree` to the `Layout`s in it.

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


@dataclass(frozen=True, slots=True)
class ModelComponent(Component):
    """Builds a `Model`, a torch.nn.Module: `factory(options, ModelContext)`.

    `encoders` are for all models: name of a timm model to the module that registers it, imported when that is used.
    """

    kind: ClassVar[Kind] = "model"
    encoders: Mapping[str, str] = field(default_factory=dict, hash=False)


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


class OptimizerComponent(Component):
    """Builds a torch.optim.Optimizer: `factory(options, OptimizerContext)`."""

    kind: ClassVar[Kind] = "optimizer"


class ScheduleComponent(Component):
    """Builds a learning rate scheduler: `factory(options, ScheduleContext)`.

    A torch scheduler, or a list of them. Each is stepped after every step of the optimizer, a
    ReduceLROnPlateau after every validation, with the mIoU in 0..1.
    """

    kind: ClassVar[Kind] = "schedule"


@dataclass(frozen=True, slots=True)
class CallbackComponent(Component):
    """Builds a Lightning callback: `factory(options, CallbackContext)`.

    Where it has a method `on_run_end`, that is called once the run is complete, see `recycle_engine.run_end`.

    Attributes:
        observes: whether a training without it is the same: it is left out, with a word, where it is not installed.
    """

    kind: ClassVar[Kind] = "callback"
    observes: bool = False


class ExporterComponent(Component):
    """Builds an `Exporter`: `factory(options, ExporterContext)`."""

    kind: ClassVar[Kind] = "exporter"


@dataclass(frozen=True, slots=True)
class DatasetContext:
    """What the factory of a dataset is given.

    Attributes:
        root: the folder that file names are relative to.
        split: an annotation file (absolute, or relative to `root`) or a split's name; None for the whole source.
        drop_unreadable: labels and photos that cannot be read are left out and counted in the source's `left_out`,
            rather than refused; a component that does not heed it refuses them.
    """

    root: Path
    split: str | None = None
    drop_unreadable: bool = False


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
    """What the factory of an augmentation is given: class names, and the training photos only."""

    class_names: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class ModelContext:
    """What the factory of a model is given.

    Attributes:
        num_classes: K, channels of the logits.
        in_channels: channels of the image, 3 for RGB.
        pretrained: False when the weights come from a checkpoint, so that none are fetched.
        encoders: `Registry.encoders()`.
    """

    num_classes: int
    in_channels: int = 3
    pretrained: bool = True
    encoders: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class LossContext:
    """What the factory of a loss is given.

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
    """What the factory of a postprocessor is given: class names by label, and the torch device of the model."""

    class_names: tuple[str, ...]
    device: str = "auto"  # the GPU where there is one


@dataclass(frozen=True, slots=True)
class OptimizerContext:
    """What the factory of an optimizer is given.

    Attributes:
        groups: what torch's optimizers take: the parameters that learn, with `lr` and `weight_decay` of each group.
        lr: peak learning rate of a group that names none.
        weight_decay: likewise.
    """

    groups: list[dict[str, Any]]
    lr: float
    weight_decay: float


@dataclass(frozen=True, slots=True)
class ScheduleContext:
    """What the factory of a schedule is given.

    Attributes:
        optimizer: whose groups' `lr` it changes.
        steps: of the optimizer in the whole training.
        epochs: of the whole training.
    """

    optimizer: Optimizer
    steps: int
    epochs: int


@dataclass(frozen=True, slots=True)
class CallbackContext:
    """What the factory of a callback is given: class names by label."""

    class_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExporterContext:
    """What the factory of an exporter is given.

    Attributes:
        class_names: K names, by label.
        window: height and width in pixels of what the model was trained on.
        card: what card.json says of the model, whatever the format: `palette`, `normalisation` and others.
    """

    class_names: tuple[str, ...]
    window: tuple[int, int]
    card: Mapping[str, Any]
