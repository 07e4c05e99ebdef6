"""The mean of several checkpoints' weights as a run of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from recycle_data.owned import Owned
from recycle_data.recipe_tree import same_part
from safetensors.torch import save

from recycle_engine.checkpoint import load_weights, read_card
from recycle_engine.inference.members import Member
from recycle_engine.runs import SOUP, Run, new_run
from recycle_engine.training_provenance import keep_members
from recyclecli.errors import RecycleError
from recyclecli.files import atomic_path


def make_soup(members: Sequence[Member], owners: Sequence[Run], name: str, runs: Path) -> Run:
    """A run with the first member's recipe and the members' mean as its weights; it keeps the others' recipes, too.

    Wortsman et al., "Model soups" (2022); the running statistics of batch norms are averaged, too.

    Args:
        members: of one architecture, size and class list; their shares are the weights of the mean.
        owners: the run of each member.
        name: of the new run.
        runs: folder of the runs.

    Raises:
        RecycleError: the members differ in architecture, size or classes, or the name is taken.
    """
    described = _card(members)
    with new_run(name, SOUP, runs) as run:
        owned = Owned(run.folder)
        with owned.atomic_path(run.best) as part:
            _write(members, described, part)
        if owners[0].env.is_file():
            owned.write_bytes(run.env, owners[0].env.read_bytes())
        keep_members(run, owners)  # by which it is a run
        owned.finish()
    return run


def write_soup(members: Sequence[Member], file: Path) -> None:
    """The checkpoint of a soup alone; see `make_soup`.

    Raises:
        RecycleError: the members differ in architecture, size or classes.
    """
    with atomic_path(file) as part:
        _write(members, _card(members), part)


def _card(members: Sequence[Member]) -> dict[str, Any]:
    """What the soup's checkpoint carries; RecycleError where the members have no mean."""
    cards = [read_card(member.weights) for member in members]
    for member, card in zip(members, cards, strict=True):
        for key in ("model", "class_names", "size"):
            if card[key] != cards[0][key] and not (key == "model" and _same_model(card[key], cards[0][key])):
                raise RecycleError(
                    f"{members[0].weights} and {member.weights} differ in {key}, so their weights have no mean",
                    "average checkpoints of one recipe, or let the models vote",
                )
    return {**cards[0], "soup": [[str(member.weights), member.share] for member in members]}


def _same_model(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two cards name one model: an earlier version wrote no distributions."""
    return same_part(one["name"], other["name"]) and {**one, "name": ""} == {**other, "name": ""}


def _write(members: Sequence[Member], card: dict[str, Any], file: Path) -> None:
    # through memory, since the library hides a full disk behind an error of its own
    file.write_bytes(save(_mean(members), metadata={"recycle": json.dumps(card)}))


def _mean(members: Sequence[Member]) -> dict[str, torch.Tensor]:
    total = sum(member.share for member in members)
    sums: dict[str, torch.Tensor] = {}
    kinds = load_weights(members[0].weights)
    for member in members:
        for key, value in load_weights(member.weights).items():
            part = value.double() * (member.share / total)
            sums[key] = sums[key] + part if key in sums else part
    return {key: value.to(kinds[key].dtype) for key, value in sums.items()}
