"""Which bin a material goes into: for the children's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, RootModel, ValidationError
from recycle_coco.yaml import read_yaml

from recyclecli.errors import RecycleError
from recyclecli.settings import Section

Icon = Literal["paper", "carton", "can", "bottle", "glass", "foam", "bag", "battery", "shirt", "trash", "ask"]


class Bin(Section):
    """A bin."""

    bin: str = Field(min_length=1, max_length=60, description="its name, as children know it")
    color: str = Field(pattern=r"^#[0-9a-fA-F]{6}$", description="of the bin, as #rrggbb")
    icon: Icon = Field("trash", description="picture of the material on the bin; drawn in icons.html.j2")
    say: str = Field("", max_length=120, description="one more sentence")


class _BinsFile(RootModel[dict[str, Bin]]):
    """Class name to bin."""


ASK = Bin(bin="Ask an adult", color="#64748b", icon="ask")

DEFAULT_BINS: dict[str, Bin] = {
    "General trash": Bin(bin="Trash bin", color="#4b5563", icon="trash"),
    "Paper": Bin(bin="Paper bin", color="#2563eb", icon="paper"),
    "Paper pack": Bin(bin="Carton bin", color="#0e7490", icon="carton"),
    "Metal": Bin(bin="Can bin", color="#b45309", icon="can"),
    "Glass": Bin(bin="Glass bin", color="#15803d", icon="glass"),
    "Plastic": Bin(bin="Plastic bin", color="#ca8a04", icon="bottle"),
    "Styrofoam": Bin(bin="Styrofoam bin", color="#7c3aed", icon="foam"),
    "Plastic bag": Bin(bin="Plastic bag bin", color="#c2410c", icon="bag"),
    "Battery": Bin(bin="Battery box", color="#dc2626", icon="battery", say="Never with the trash!"),
    "Clothing": Bin(bin="Clothes bin", color="#be185d", icon="shirt"),
}
"""Bins of the contest's classes, as many Korean towns have them; towns differ."""


def read_bins(file: Path | None) -> dict[str, Bin]:
    """The bins of a YAML file, class name to bin, colour and icon, over the defaults.

    Raises:
        RecycleError: it cannot be read, or is not of that form; every fault is named with its class.
    """
    if file is None:
        return DEFAULT_BINS
    try:
        values = read_yaml(file)
    except RecycleError as error:
        raise RecycleError(f"--bins cannot be read: {error.args[0]}", "name a YAML file; see docs/serve.md") from error
    try:
        return DEFAULT_BINS | _BinsFile.model_validate(values).root
    except ValidationError as error:
        faults = "; ".join(f"{' '.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors())
        raise RecycleError(
            f"--bins {file}: {faults}", "write CLASS: {bin: NAME, color: '#rrggbb', icon: ICON}; see docs/serve.md"
        ) from error


def bins_of(class_names: Sequence[str], bins: Mapping[str, Bin]) -> list[Bin]:
    """The bin of each class; names are compared without regard to case, and `ASK` stands for unknown ones."""
    known = {name.casefold(): one for name, one in bins.items()}
    return [known.get(name.casefold(), ASK) for name in class_names]
