"""What one command works with: what is installed, found once, and each split, made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from recyclecli.discovery import discover
from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    from recycle_data.splits import Split
    from recyclecli.plugins import Registry
    from recyclecli.recipe import DataSection

P = ParamSpec("P")
R = TypeVar("R")
Stamp = tuple[tuple[str, int, int], ...]  # path, time of change in ns, bytes
AFTER = ("size", "scale", "workers")  # keys of the section that say how photos reach the model, not which

_open: ContextVar[Workspace | None] = ContextVar("workspace", default=None)


class Workspace:
    """The installed components, and the splits that were made since it was opened."""

    def __init__(self) -> None:
        self._splits: dict[tuple[str, int | None], tuple[Stamp, Split]] = {}

    @cached_property
    def registry(self) -> Registry:
        """What is installed; see `recyclecli.plugins`."""
        return discover()

    def split(self, data: DataSection, seed: int) -> Split:
        """See `recycle_data.splits.make_split`; made once, and again where photos or files beside them changed."""
        from recycle_data.splits import found_again, make_split

        data = found_again(data)
        before, split = self._splits.get(_key(data, seed), ((), None))
        if split is None or before != (*_stamp(data), *_photos_stamp(split)):
            stamp = _stamp(data)  # before it is read: what changes meanwhile is read again
            split = make_split(self.registry, data, seed)
            photos = _photos_stamp(split)
            self._splits[_key(data, seed)] = (*stamp, *photos), split
            self._splits[_key(split.data, seed)] = (*_stamp(split.data), *photos), split
        own = {name: getattr(data, name) for name in AFTER}
        return replace(split, data=split.data.model_copy(update=own))


@contextmanager
def workspace() -> Iterator[Workspace]:
    """The workspace that is open, or a new one for as long as the block lasts.

    Functions of the API open one each; several in one block share what they read.
    """
    found = _open.get()
    if found is not None:
        yield found
        return
    made = Workspace()
    token = _open.set(made)
    try:
        yield made
    finally:
        _open.reset(token)


def in_workspace(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, with a workspace open while it runs."""

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with workspace():
            return function(*args, **kwargs)

    return inside


def registry() -> Registry:
    """What is installed; see `recyclecli.plugins`."""
    found = _open.get()
    return discover() if found is None else found.registry


def split_of(data: DataSection, seed: int) -> Split:
    """See `Workspace.split`."""
    with workspace() as found:
        return found.split(data, seed)


def split_at(data: DataSection, root: Path, seed: int) -> Split | None:
    """The split of an earlier run whose data lies in `root`, as ever or now; None where other data lies there.

    Once found in another folder, all that was learned from the folder that is gone is looked for there, too: other
    runs' photos, members of a soup.
    """
    from recycle_data.resolve import moved_data
    from recycle_data.splits import MOVED_ROOTS

    moved = data.root.resolve() != root.resolve()
    if moved and data.fingerprint is None:
        return None
    try:
        split = split_of(moved_data(data, root) if moved else data, seed)
    except RecycleError:
        return None
    if moved:
        MOVED_ROOTS[data.root] = root.absolute()
    return split


def _key(data: DataSection, seed: int) -> tuple[str, int | None]:
    """What decides a split: chance has no part in one that is stored or named."""
    return data.model_dump_json(exclude={*AFTER}), seed if data.split in ("auto", "random") else None


def _stamp(data: DataSection) -> Stamp:
    """The state of what says which photos there are: the files beside a data folder's own, and its folders."""
    from recycle_coco.paths import PHOTO_SUFFIXES

    from recycle_data.sources import annotation_places

    places = [(Path(file.root or data.root), file.json_path) for file in (*data.train, *data.val)]
    found: dict[str, tuple[int, int]] = {}
    for root, json_path in (*places, (data.root, data.json_path)):
        files = annotation_places(root, json_path)
        for place in (*files, *(root.iterdir() if root.is_dir() else ())):
            if place.suffix.lower() not in PHOTO_SUFFIXES and place.exists():
                state = place.stat()
                found[str(place)] = state.st_mtime_ns, state.st_size
    return tuple((name, *state) for name, state in sorted(found.items()))


def _photos_stamp(split: Split) -> Stamp:
    """The state of the photos of both sides."""
    found = []
    for source in (split.train, split.val):
        for index in range(len(source)):
            file = source.record(index).file
            with suppress(OSError):
                state = file.stat()
                found.append((str(file), state.st_mtime_ns, state.st_size))
    return tuple(found)
