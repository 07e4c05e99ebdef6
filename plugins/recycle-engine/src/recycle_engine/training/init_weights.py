"""Beginning with the weights of another run: tensors by their names, places of classes by theirs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recycle_engine.checkpoint import load_weights, read_card
from recyclecli.errors import RecycleError, join_limited

StateDict = Mapping[str, torch.Tensor]


@torch.no_grad()
def start_from(model: nn.Module, wider: nn.Module, file: Path, name: str, class_names: Sequence[str]) -> str:
    """Give `model` the weights of another run's checkpoint.

    What has a place for each class, as the last layer, takes over the places of the classes that the other run knows
    by their names, in any order; the places of new classes keep what they have.

    Args:
        model: of component `name`, for `class_names`.
        wider: the same for one class more, by which the places of classes are told.
        file: a .safetensors checkpoint.
        name: the model component.
        class_names: K names of the data at hand, by label.

    Returns:
        What was taken over, in words.

    Raises:
        RecycleError: no such checkpoint, or one of another architecture: a tensor is missing, too many, or of another
            shape for other reasons than the number of classes.
    """
    described = read_card(file)
    given, own = load_weights(file), model.state_dict()
    theirs = described["class_names"]
    sides = _class_sides(own, wider.state_dict(), len(class_names))
    same = list(class_names) == list(theirs)
    apart = set() if same else _mixed(own, wider.state_dict(), sides)
    lacking = [key for key in own if key not in given]
    surplus = [key for key in given if key not in own]
    both = [key for key in own if key in given and key not in apart]
    other = [key for key in both if not _fits(given[key], own[key], sides.get(key, ()), len(theirs))]
    if lacking or surplus or other:
        raise _misfit(file, name, described["model"], len(own), lacking, surplus, other)
    known = [(label, theirs.index(one)) for label, one in enumerate(class_names) if one in theirs]
    for key in both:
        value = own[key]
        if not sides.get(key):
            value.copy_(given[key])
        elif known:
            _copy_classes(value, given[key], sides[key], known)
    return _told(file, class_names, theirs, sides, apart)


def _class_sides(own: StateDict, wider: StateDict, classes: int) -> dict[str, tuple[int, ...]]:
    """The sides of each tensor that have a place for each class."""
    return {
        key: tuple(
            side
            for side, (size, more) in enumerate(zip(value.shape, wider[key].shape, strict=True))
            if size == classes and more == classes + 1
        )
        for key, value in own.items()
        if key in wider and value.ndim == wider[key].ndim
    }


def _mixed(own: StateDict, wider: StateDict, sides: Mapping[str, Sequence[int]]) -> set[str]:
    """The tensors that depend on the number of classes in another way."""
    return {
        key
        for key, value in own.items()
        if key not in wider
        or value.ndim != wider[key].ndim
        or sum(size != more for size, more in zip(value.shape, wider[key].shape, strict=True)) != len(sides[key])
    }


def _fits(given: torch.Tensor, own: torch.Tensor, sides: Sequence[int], classes: int) -> bool:
    """Whether a tensor is of the same shape, but for the sides with a place for each class."""
    wanted = [classes if side in sides else size for side, size in enumerate(own.shape)]
    return list(given.shape) == wanted


def _copy_classes(
    own: torch.Tensor, given: torch.Tensor, sides: Sequence[int], known: Sequence[tuple[int, int]]
) -> None:
    """Copy the places of the classes `known`, pairs of their labels here and there."""
    mine, yours = (torch.tensor(labels) for labels in zip(*known, strict=True))
    shape = range(own.ndim)
    here, there = (
        tuple(
            (labels if side in sides else torch.arange(size)).view([-1 if one == side else 1 for one in shape])
            for side, size in enumerate(own.shape)
        )
        for labels in (mine, yours)
    )
    own[here] = given[there].to(own.dtype)


def _told(
    file: Path,
    names: Sequence[str],
    theirs: Sequence[str],
    sides: Mapping[str, Sequence[int]],
    apart: Collection[str],
) -> str:
    text = f"starting from {file}"
    if list(names) == list(theirs):
        return text
    new = [name for name in names if name not in theirs]
    dropped = [name for name in theirs if name not in names]
    places = [key for key, found in sides.items() if found]
    parts = [f"{len(names) - len(new)} of {len(names)} classes taken over by name"]
    parts += [f"new and learned from the beginning: {join_limited(new, 20)}"] if new else []
    parts += [f"it also knew {join_limited(dropped, 20)}"] if dropped else []
    parts += [f"classes have their places in {join_limited(places, 3)}"] if places else []
    if apart:
        parts.append(f"learned from the beginning, as its places cannot be told: {join_limited(sorted(apart), 3)}")
    return f"{text}; {'; '.join(parts)}"


def _misfit(
    file: Path,
    name: str,
    theirs: Mapping[str, Any],
    total: int,
    lacking: Sequence[str],
    surplus: Sequence[str],
    other: Sequence[str],
) -> RecycleError:
    """What to raise where a checkpoint is of another architecture."""
    kept = {key: value for key, value in theirs.items() if key not in ("name", "weights")}
    words = {key: value if isinstance(value, str) else json.dumps(value) for key, value in kept.items()}
    options = "".join(f" -o {shlex.quote(f'model.{key}={word}')}" for key, word in words.items())
    sides = (
        (lacking, f"it lacks {len(lacking)} of {total} tensors"),
        (surplus, f"this model has no place for {len(surplus)} of its tensors"),
        (other, f"{len(other)} are of another shape"),
    )
    counts = [f"{text}, as {keys[0]}" for keys, text in sides if keys]
    return RecycleError(
        f"{file} holds a {theirs['name']} with encoder {theirs.get('encoder', 'of its own')}, whose weights do not "
        f"fit this {name}: {'; '.join(counts)}",
        f"train the same model: --plugin {theirs['name']}{options}",
    )
