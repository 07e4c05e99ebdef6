"""The recipe: one YAML 1.2 file that says everything about a run, plus dotted overrides."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from ruamel.yaml import YAML

from recyclecli.home import data_folder
from recyclecli.private import map_texts, without_passwords
from recyclecli.settings import ComponentSpec, Section, TrainSection
from recyclecli.types import Kind

Scale = Annotated[float, Field(ge=0.05, le=20)]
MOST_PARTS = 32  # of a list of components
MOST_FILES = 1000  # of a list of annotation files
LISTS: dict[str, Kind] = {"loss": "loss", "aug": "augmentation", "post": "postprocessor"}


class ListedPart(ComponentSpec):
    """An entry of a list of components."""

    id: str | None = Field(None, description="distinguishes entries of the same name")


class LossPart(ListedPart):
    """A term of the sum of losses."""

    weight: float = Field(1.0, gt=0, description="factor of this term")


class DataFile(Section):
    """One annotated set: an annotation file or split, and the folder that its names are relative to."""

    root: Path | None = Field(None, description="data.root when left out")
    json_path: str | None = Field(None, alias="json", description="annotation file, or the name of a split")
    weight: float = Field(1.0, gt=0, description="sampling weight of its photos")


class DataSection(Section):
    """What to train on and how the photos reach the model."""

    dataset: ComponentSpec = Field(description="how the data is read")
    root: Path = Field(default_factory=data_folder, description="folder of the photos")
    json_path: str | None = Field(None, description="annotation file; by default searched in root")
    classes: dict[str, tuple[str, ...]] = Field({}, description="each class and the categories merged into it")
    train: tuple[DataFile, ...] = Field((), max_length=MOST_FILES, description="explicit training files")
    val: tuple[DataFile, ...] = Field((), max_length=MOST_FILES, description="explicit validation files")
    fold: int | None = Field(None, ge=0, le=10_000, description="fold of folds.json to validate on")
    split: Literal["auto", "files", "folds", "named", "random"] = Field(
        "auto", description="source of the validation photos"
    )
    val_fraction: float = Field(0.2, gt=0, lt=1, description="share of the photos in a random validation split")
    size: int = Field(512, ge=32, le=4096, description="longer side in pixels that photos are scaled to")
    scale: tuple[Scale, Scale] | None = Field(
        (0.75, 1.5), description="smallest and largest zoom of random training crops; null for whole photos"
    )
    workers: int | None = Field(None, ge=0, le=1024, description="loading processes; by default chosen for the machine")
    fingerprint: str | None = Field(None, description="hash of an earlier run's data; other data is refused")

    @field_validator("scale")
    @classmethod
    def _in_order(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale and scale[0] > scale[1]:
            raise ValueError(f"the smallest zoom, {scale[0]}, is larger than the largest")
        return scale


Parts = Annotated[tuple[ListedPart, ...], Field(max_length=MOST_PARTS)]


class Recipe(Section):
    """Everything about a run; `resolve` makes one in which every name and option is checked."""

    seed: int = Field(0, ge=0, lt=2**32, description="seed of all randomness")
    data: DataSection = Field(description="training data and input size")
    model: ComponentSpec = Field(description="maps photos to logits")
    loss: tuple[LossPart, ...] = Field(
        min_length=1,
        max_length=MOST_PARTS,
        description="loss terms, added with their weights",
    )
    aug: Parts = Field((), description="augmentations of training batches, in order")
    post: Parts = Field((), description="post-processors for eval and predict, in order")
    train: TrainSection = Field(description="training settings")

    def parts(self) -> list[tuple[str, Kind, ComponentSpec]]:
        """Every component that it names: (key, kind, part)."""
        lists = [(f"{key}.{part.name}", kind, part) for key, kind in LISTS.items() for part in getattr(self, key)]
        train: list[tuple[str, Kind, ComponentSpec]] = [
            ("train.optimizer", "optimizer", self.train.optimizer),
            ("train.schedule", "schedule", self.train.schedule),
            *(("train.callbacks", "callback", part) for part in self.train.callbacks),
        ]
        return [("data.dataset", "dataset", self.data.dataset), ("model", "model", self.model), *lists, *train]

    def to_yaml(self) -> str:
        """The recipe as YAML that `recycle_data.resolve` reads back to an equal recipe, but for passwords in URLs."""
        stream = StringIO()
        YAML().dump(map_texts(self.model_dump(mode="json", by_alias=True), without_passwords), stream)
        return stream.getvalue()
