"""What a run has learned from and was chosen on, by what the photos show. No torch.

Each run keeps the identities of its photos in a file; a soup keeps those of all its members. Runs of version 0.1 kept
none: of them the data is read again.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import numpy as np
from recycle_coco.once import warn_once
from recycle_data.arrays import read_arrays
from recycle_data.duplicates import Seen, seen
from recycle_data.identity import IDENTITY, hexadecimal, identities
from recycle_data.owned import Owned
from recycle_data.splits import Split
from recycle_data.workspace import split_of

from recycle_engine.run_recipe import resolve_run
from recycle_engine.runs import Run
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.reading import MissingFile, read_text
from recyclecli.recipe import Recipe
from recyclecli.types import Source

log = logging.getLogger("recycle.engine")

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEMBERS = "members"  # folder of the recipes of a soup's members


def recipe_files(run: Run) -> list[Path]:
    """The run's recipe, and where it is a soup those of its members."""
    return [run.recipe, *sorted((run.folder / MEMBERS).glob("*.yaml"))]


def keep_members(run: Run, members: Sequence[Run]) -> None:
    """Keep in a soup the photos and the recipes of the runs it is made of, each once; the first recipe is its own."""
    texts = dict.fromkeys(read_text(file) for one in members for file in recipe_files(one))
    own, *others = texts
    owned = Owned(run.folder)
    kept = [learned_photos(one) for one in dict.fromkeys(members)]
    known = [one for one in kept if one is not None]
    if len(known) == len(kept):  # else the recipes tell
        keep_photos(run, joined_photos(known))
    for number, text in enumerate(others, start=1):
        owned.write_text(run.folder / MEMBERS / f"{number:03d}.yaml", text)
    owned.write_text(run.recipe, own)


def read_back(registry: Registry, file: Path) -> tuple[Recipe, Split]:
    """A run's recipe, and the photos that it names.

    Raises:
        RecycleError: the recipe or its data can no longer be read.
    """
    recipe = resolve_run(registry, file)
    return recipe, split_of(recipe.data, recipe.seed)


@dataclass(frozen=True)
class LearnedPhotos:
    """The photos of a run; see `recycle_data.identity.IDENTITY`.

    Attributes:
        trained: (n,) that it learned from.
        judged: (m,) that it was chosen on.
        trained_names, judged_names: file names of the two.
        shown: (k,) digests, in hexadecimal digits, of photos that training photos were made from or with.
        named: file names of such photos, where no digest of them is known.
    """

    trained: NDArray[np.void]
    judged: NDArray[np.void]
    trained_names: NDArray[np.str_]
    judged_names: NDArray[np.str_]
    shown: NDArray[np.str_]
    named: NDArray[np.str_]


def photos_of_split(split: Split) -> LearnedPhotos:
    """What a run that trains on a split learns from and is chosen on."""
    shown: set[str] = set()
    named: set[str] = set()
    done = {frozenset[str]()}
    for index in range(len(split.train)):
        record = split.train.record(index)
        names = record.provenance if record.made_with in done else record.provenance | record.made_with
        done.add(record.made_with)
        for name in names:
            if name in record.digests:
                shown.add(record.digests[name])
            else:
                named.add(name)
    sides = [
        np.array([source.record(index).file_name for index in range(len(source))], np.str_)
        for source in (split.train, split.val)
    ]
    return LearnedPhotos(
        identities(split.train), identities(split.val), sides[0], sides[1], _texts(shown), _texts(named)
    )


def photos_of_run(registry: Registry, run: Run) -> LearnedPhotos:
    """What a run has learned from and was chosen on, by its own record, else as its data says now.

    Args:
        registry: the installed components.
        run: a run, maybe a soup or one of version 0.1.
    """
    found = learned_photos(run)
    if found is not None:
        return found
    warn_once(
        log,
        f"note: {run.folder} keeps no record of its photos, as an earlier version made it: its data folder is asked",
    )
    parts = []
    for file in recipe_files(run):
        try:
            parts.append(photos_of_split(read_back(registry, file)[1]))
        except RecycleError as error:
            warn_once(log, f"note: what {run.folder} trained on cannot be read: {error.args[0]}")
    return joined_photos(parts)


def joined_photos(parts: Sequence[LearnedPhotos]) -> LearnedPhotos:
    """The photos of several runs together."""
    none, text = np.zeros(0, IDENTITY), np.zeros(0, np.str_)
    return LearnedPhotos(
        np.concatenate([none, *(one.trained for one in parts)]),
        np.concatenate([none, *(one.judged for one in parts)]),
        np.concatenate([text, *(one.trained_names for one in parts)]),
        np.concatenate([text, *(one.judged_names for one in parts)]),
        _texts(digest for one in parts for digest in one.shown.tolist()),
        _texts(name for one in parts for name in one.named.tolist()),
    )


def learned(photos: LearnedPhotos, source: Source, asked: NDArray[np.void]) -> Seen:
    """Which photos of a source a run has learned from, or from what was made of them or with them.

    Args:
        photos: of the run.
        source: the photos that are asked about.
        asked: their `identities`.
    """
    found = seen(asked, photos.trained)
    shown, named = set(photos.shown.tolist()), set(photos.named.tolist())
    equal = dict(found.equal)
    for index, photo in enumerate(asked):
        if hexadecimal(photo) in shown or source.record(index).file_name in named:
            equal.setdefault(index, -1)
    resaved = {index: other for index, other in found.resaved.items() if index not in equal}
    return Seen(equal, resaved, tuple(index for index in found.alike if index not in equal))


def learned_photos(run: Run) -> LearnedPhotos | None:
    """The record of a run's photos; None where it keeps none.

    Raises:
        RecycleError: it is damaged.
    """
    remedy = f"it says what the run learned from; without it, the data folder is asked: rm {quote(str(run.photos))}"
    try:
        found = LearnedPhotos(*read_arrays(run.photos, tuple(field.name for field in fields(LearnedPhotos)), remedy))
    except MissingFile:
        return None
    parts = [getattr(found, field.name) for field in fields(LearnedPhotos)]
    kinds = [part.dtype == IDENTITY for part in parts[:2]] + [part.dtype.kind == "U" for part in parts[2:]]
    if not all(kinds) or any(part.ndim != 1 for part in parts):
        raise RecycleError(f"{run.photos} cannot be read: another version wrote it", remedy)
    return found


def keep_photos(run: Run, photos: LearnedPhotos) -> None:
    """Write the record of a run's photos."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **{field.name: getattr(photos, field.name) for field in fields(LearnedPhotos)})
    Owned(run.folder).write_bytes(run.photos, stream.getvalue())


def _texts(texts: Iterable[str]) -> NDArray[np.str_]:
    return np.array(sorted(set(texts)), np.str_)
