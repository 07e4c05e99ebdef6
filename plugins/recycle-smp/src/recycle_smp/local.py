"""Encoder weights from a local file, matched by tensor name."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import torch
from safetensors.torch import load_file as load_safetensors
from torch import nn

from recyclecli.types import RecycleError

log = logging.getLogger("recycle.smp")

MAX_ODD_TENSORS = 3  # tensors that may be too many or too few: a block of a deeper encoder has more

EncoderState = dict[str, torch.Tensor]


def load_file(encoder: nn.Module, file: str) -> None:
    """Load a .safetensors or a plain state dict into an encoder.

    A prefix before the encoder's names, as `module.`, `backbone.` or `encoder.`, is taken off; what lies outside of it
    belongs to other parts. What the encoder lacks, and what the file lacks, is counted and said.

    Raises:
        RecycleError: the file cannot be read safely; a tensor has another shape; or more than `MAX_ODD_TENSORS` tensors
            of the encoder, or of its modules in the file, have no counterpart.
    """
    state = _tensors(file)
    own = encoder.state_dict()
    holder = "model." if next(iter(own)).startswith("model.") else ""  # smp's, of timm encoders
    wanted = {key.removeprefix(holder): value for key, value in own.items()}
    prefix = common_prefix(state, wanted)
    given = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    fitting = {key: value for key, value in given.items() if key in wanted}
    lacking = [key for key, value in wanted.items() if key not in given and value.is_floating_point()]
    parts = {key.partition(".")[0] for key in wanted}
    surplus = [key for key, value in given.items() if key not in wanted and value.is_floating_point()]
    deeper = [key for key in surplus if key.partition(".")[0] in parts]
    counts = _counts(lacking, len(wanted), [*surplus, *(key for key in state if not key.startswith(prefix))])
    if not fitting or len(lacking) > MAX_ODD_TENSORS or len(deeper) > MAX_ODD_TENSORS:
        raise RecycleError(
            f"model.weights = {file!r} is of another encoder: {counts}",
            "use weights of the very encoder that the recipe names, or name theirs with -o model.encoder=NAME",
        )
    other = [key for key, value in fitting.items() if value.shape != wanted[key].shape]
    if other:
        theirs, ours = (tuple(one[other[0]].shape) for one in (given, wanted))
        raise RecycleError(
            f"model.weights = {file!r} does not fit the encoder: {len(other)} of {len(wanted)} tensors have another "
            f"shape, as {other[0]}: {theirs} for {ours}",
            "use weights of the very encoder that the recipe names, or name theirs with -o model.encoder=NAME",
        )
    encoder.load_state_dict({holder + key: value for key, value in fitting.items()}, strict=False)
    if (counts or prefix) and os.environ.get("LOCAL_RANK", "0") == "0":
        without = f", their prefix {prefix!r} taken off" if prefix else ""
        log.info(f"weights: {len(fitting)} tensors of {file}{without}{'; ' if counts else ''}{counts}")


def common_prefix(given: Collection[str], wanted: Collection[str]) -> str:
    """What stands before the names `wanted` in most of the names `given`; `` where most have none."""
    found: Counter[str] = Counter()
    for name in given:
        steps = name.split(".")
        ends = (".".join(steps[start:]) for start in range(len(steps)))
        found.update(name.removesuffix(end) for end in ends if end in wanted)
    return max(found, key=lambda prefix: (found[prefix], -len(prefix)), default="")


def _tensors(file: str) -> EncoderState:
    """The tensors of a file, also of a training's checkpoint that holds them beside other things."""
    try:
        if file.endswith(".safetensors"):
            return load_safetensors(file)
        loaded: Any = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a different type for each kind of damage
        raise RecycleError(
            f"model.weights = {file!r} cannot be read as plain tensors: {error}",
            "download it again; where Git LFS keeps it: git lfs pull",
        ) from error
    holders = [loaded, *loaded.values()] if isinstance(loaded, Mapping) else []
    states = [
        {str(key): value for key, value in one.items() if isinstance(value, torch.Tensor)}
        for one in holders
        if isinstance(one, Mapping)
    ]
    return max(states, key=len, default={})


def _counts(lacking: list[str], total: int, surplus: list[str]) -> str:
    """What is missing on either side, in words; `` where nothing is."""
    sides = []
    if lacking:
        sides.append(f"it lacks {len(lacking)} of the encoder's {total} tensors, as {lacking[0]}")
    if surplus:
        sides.append(f"the encoder has no place for {len(surplus)} of its tensors, as {surplus[0]}")
    return "; ".join(sides)
