"""Opening data by a dataset component's name, and views of a source."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_coco import IGNORE_CATEGORY, is_background, label_counts, relabel
from recycle_coco.layouts import refuse_file
from recycle_coco.once import warn_once

from recycle_data.boundary import PluginPart
from recycle_data.checked_source import CheckedSource
from recycle_data.optional import left_out_of, reads_labels, reads_photo, splits_of
from recyclecli.errors import RecycleError, join_limited, suggest
from recyclecli.types import IGNORE, DatasetContext, Record, Sample, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recyclecli.plugins import Registry

log = logging.getLogger("recycle.data")


def open_source(
    registry: Registry,
    root: Path,
    split: str | None = None,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
    tell: bool = True,
    drop_unreadable: bool = False,
) -> Source:
    """Build the source that dataset component `dataset` makes of `root`.

    Args:
        registry: the installed components.
        root: the data folder.
        split: an annotation file, looked for from here and then in `root`, or a split's name.
        dataset: name of the component, or of a layout that is recognised in `root`.
        options: its settings.
        tell: log what it leaves out.
        drop_unreadable: see `DatasetContext`.

    Raises:
        RecycleError: no such component or folder, or data that cannot be used.
    """
    refuse_file(root)
    root, dataset, options = of_layout(registry, root, dataset, options)
    for place in annotation_places(root, split):
        split = str(place.absolute())
    part = PluginPart.of(registry, "dataset", dataset)
    with part:
        built = registry.build("dataset", dataset, options, DatasetContext(root.absolute(), split, drop_unreadable))
    source: Source = CheckedSource(built, part)
    if len(source) == 0:
        left = ", ".join(f"{what}: {count:,}" for what, count in left_out_of(source).items())
        raise RecycleError(
            f"{root} holds no photo that can be used" + (f"; left out: {left}" if left else ""),
            "`recycle data import` without --drop-unreadable says what is wrong" if drop_unreadable else "",
        )
    left_out = left_out_of(source) if tell else {}
    if left_out:
        warn_once(log, f"note: {root}: left out: {', '.join(f'{what}: {count:,}' for what, count in left_out.items())}")
    return source


def of_layout(
    registry: Registry, root: Path, dataset: str, options: Mapping[str, Any]
) -> tuple[Path, str, Mapping[str, Any]]:
    """Root, component and settings where `dataset` names a layout; as they are where it names a component.

    Raises:
        RecycleError: it names neither, or the layout is not recognised there.
    """
    known = registry.names("dataset")
    if dataset.partition("@")[0] in known:
        return root, dataset, options
    from recycle_data.recognise import layouts, recognise

    listed_layouts = layouts(registry)
    if dataset not in listed_layouts:
        names = sorted({*known, *listed_layouts})
        near = suggest(dataset, names)
        remedy = near if near.startswith("valid") else f"{near}; valid: {', '.join(names)}"
        raise RecycleError(f"no dataset or layout is called {dataset!r}", remedy + registry.broken())
    usual = registry.find("dataset", dataset).component.options().model_dump(mode="json")
    given = {key: value for key, value in options.items() if key not in usual or value != usual[key]}
    taken, _ = recognise(registry, root, dataset, stated=bool(given))
    return root / taken.layout.root, taken.offer.qualified, {**taken.layout.options, **given}


def annotation_places(root: Path, split: str | None) -> list[Path]:
    """The file that `split` names, from here or else from `root`; none where it names no file."""
    places = [] if split is None else [Path(split), root / split]
    return [place for place in places if place.is_file()][:1]


def pixel_counts(source: Source) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """K numbers each: pixels of the class over all photos of `source`, and all pixels of the photos that show it.

    Ignored pixels are left out.
    """
    import numpy as np

    total = np.zeros(IGNORE + 1, np.int64)
    shown = np.zeros(IGNORE + 1, np.int64)
    for index in range(len(source)):
        own = label_counts(read_labels(source, index)[0])
        total += own
        shown[own > 0] += own[:IGNORE].sum()
    names = len(source.class_names)
    return tuple(total[:names].tolist()), tuple(shown[:names].tolist())


def read_labels(source: Source, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Mask (H, W) and instances (H, W) of photo `index`, without the photo where the source can.

    A source can by a method `read_labels(index)` that returns the two.
    """
    if reads_labels(source):
        return source.read_labels(index)
    sample = source.read(index)
    return sample.mask, sample.instances


def read_photo(source: Source, index: int) -> NDArray[np.uint8]:
    """Image (H, W, 3) uint8 RGB of photo `index`, without the labels where the source can.

    A source can by a method `read_photo(index)` that returns it.
    """
    return source.read_photo(index) if reads_photo(source) else source.read(index).image


class Subset:
    """Some photos of a source, in the order of `indices`."""

    def __init__(self, source: Source, indices: Sequence[int]) -> None:
        self._source = source
        self._indices = tuple(indices)
        self.class_names = source.class_names

    def __len__(self) -> int:
        return len(self._indices)

    def record(self, index: int) -> Record:
        """See `Source`."""
        return self._source.record(self._indices[index])

    def read(self, index: int) -> Sample:
        """See `Source`."""
        return self._source.read(self._indices[index])

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """See `read_photo`."""
        return read_photo(self._source, self._indices[index])

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """See `read_labels`."""
        return read_labels(self._source, self._indices[index])


class Joined:
    """Several sources of one class list, one after the other."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._places = [(source, index) for source in sources for index in range(len(source))]
        self.class_names = sources[0].class_names

    def __len__(self) -> int:
        return len(self._places)

    def record(self, index: int) -> Record:
        """See `Source`."""
        source, within = self._places[index]
        return source.record(within)

    def read(self, index: int) -> Sample:
        """See `Source`."""
        source, within = self._places[index]
        return source.read(within)

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """See `read_photo`."""
        return read_photo(*self._places[index])

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """See `read_labels`."""
        return read_labels(*self._places[index])


class Relabelled:
    """A source whose labels are changed, by name, to those of another class list.

    Objects whose class becomes the background or `ignore` are instances no more.

    Args:
        source: the photos.
        class_names: the new list.
        renamed: old class name to new one, `ignore` for 255; others keep their name.

    Raises:
        RecycleError: a class of the source is not in the list.
    """

    def __init__(self, source: Source, class_names: Sequence[str], renamed: Mapping[str, str] = {}) -> None:
        import numpy as np

        self._source = source
        self.splits = splits_of(source)
        self.class_names = tuple(class_names)
        names = [spelled(renamed.get(name, name), self.class_names) for name in source.class_names]
        unknown = [name for name in names if name not in (*self.class_names, IGNORE_CATEGORY)]
        if unknown:
            raise RecycleError(
                f"class {join_limited(unknown)} of {source.record(0).file.parent} is not among "
                f"{join_limited(class_names, 20)}",
                "use annotation files with the same categories",
            )
        self._table: NDArray[np.uint8] = np.full(IGNORE + 1, IGNORE, np.uint8)
        for label, name in enumerate(names):
            if name != IGNORE_CATEGORY:
                self._table[label] = self.class_names.index(name)
        ground = [is_background(name) or name == IGNORE_CATEGORY for name in names]
        self._dropped = [label for label in range(1, len(names)) if ground[label]]

    def __len__(self) -> int:
        return len(self._source)

    def record(self, index: int) -> Record:
        """See `Source`."""
        record = self._source.record(index)
        annotations = tuple(
            replace(annotation, label=int(self._table[annotation.label])) for annotation in record.annotations
        )
        return replace(record, annotations=annotations)

    def read(self, index: int) -> Sample:
        """See `Source`."""
        image, mask, instances = self._source.read(index)
        return Sample(image, *self._changed(mask, instances))

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """See `read_photo`."""
        return read_photo(self._source, index)

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """See `read_labels`."""
        return self._changed(*read_labels(self._source, index))

    def _changed(
        self, mask: NDArray[np.uint8], instances: NDArray[np.int32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:

        if self._dropped:
            instances = instances.copy()
            for label in self._dropped:
                instances[mask == label] = 0
        return relabel(mask, self._table), instances


def spelled(name: str, class_names: Sequence[str]) -> str:
    """A name as `class_names` has it: a background may be spelled otherwise there."""
    if name in class_names or not is_background(name):
        return name
    return next((other for other in class_names if is_background(other)), name)


def relabelled(source: Source, class_names: Sequence[str], classes: Mapping[str, Sequence[str]] = {}) -> Source:
    """`source` itself where its classes are `class_names`, else a `Relabelled` view; see `regrouped`."""
    if source.class_names == tuple(class_names):
        return source
    return Relabelled(source, class_names, {old: new for new, members in classes.items() for old in members})


def regrouped(source: Source, classes: Mapping[str, Sequence[str]]) -> Source:
    """`source` with its classes merged, renamed or dropped as a recipe's `data.classes` says.

    Args:
        source: the photos.
        classes: new name to the old names that become it; what no entry names is kept. Entries
            `Background` and `ignore` drop classes: into the background, or from learning and
            scores altogether. New classes stand where their first member stood.

    Raises:
        RecycleError: a member is no class of the source or is named twice, or none is left.
    """
    if not classes:
        return source
    members = Counter(old for listing in classes.values() for old in listing)
    for old, count in members.items():
        if old not in source.class_names:
            raise RecycleError(f"data.classes names {old!r}, no class of the data", suggest(old, source.class_names))
        if count > 1:
            raise RecycleError(f"data.classes names {old!r} twice", "a class can become one class only")
    renamed = {old: spelled(new, source.class_names) for new, listing in classes.items() for old in listing}
    names = dict.fromkeys(renamed.get(name, name) for name in source.class_names)
    names.pop(IGNORE_CATEGORY, None)
    if len(names) < 2:
        raise RecycleError(f"data.classes leaves only {join_limited(names)}", "keep at least two classes apart")
    return Relabelled(source, tuple(names), renamed)
