"""A COCO file and its photos as a `Source`."""

from __future__ import annotations

import logging
import posixpath
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_coco.crowds import Crowds, are_objects, as_objects
from recycle_coco.document import PROVENANCE, encloses_nothing, load_content, read_document
from recycle_coco.empty_shapes import outline_fault, told
from recycle_coco.labels import has_background, project_categories
from recycle_coco.lookup import locate
from recycle_coco.misplaced import misplaced
from recycle_coco.once import warn_once
from recycle_coco.paint import paint
from recycle_coco.paths import SPLIT_FILES, resolve_file
from recycle_coco.photo import check_size, read_photo
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.types import IGNORE, Annotation, Record, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("recycle.coco")


PLAUSIBLE_SIDE = 9  # pixels of a side that is not that of a single pixel


class CocoSource:
    """The photos of one COCO file, in the order of its `images`.

    Args:
        root: the folder that `file_name`s are relative to.
        files: the COCO file, or several as one.
        crowds: what `iscrowd: 1` means: regions of no single object, or objects; see `are_objects`.
        content: what stands for the JSON of the only file, where a reader has mended it.

    Attributes:
        document: the content, with the names that the photos have, and crowds that are taken for objects as objects.
        splits: `train` and `val` to indices of photos, where those are two files.
        left_out: what a reader left out of the content, to how many.
        files: the annotation files that were read; none where the content was given.

    Raises:
        RecycleError: see `read_document` and `resolve_file`.
    """

    def __init__(
        self, root: Path, *files: Path, crowds: Crowds = "auto", content: dict[str, Any] | None = None
    ) -> None:
        self.files = () if content is not None else files
        document = read_document(*files, content=content)
        file, images = document.file, document.content["images"]
        first = document.parts[0]
        self.left_out: Mapping[str, int] = {}
        self.splits: Mapping[str, Sequence[int]] = (
            {"train": range(first), "val": range(first, len(images))} if len(files) > 1 else {}
        )
        located = locate(root, [image["file_name"] for image in images])
        located.refuse_doubtful(file)
        objects, meaning = are_objects(document.content, crowds)
        warn_once(log, located.note(file, len(images)), f"note: {file}: {meaning}" if meaning else "")
        self.document = document.content
        if located.found:
            self.document = {**self.document, "images": located.rename(images)}
        _refuse_doubled(self.document["images"], root, file)
        if objects:
            self.document = as_objects(self.document)
        self.class_names = document.labels.class_names
        self._ground = 0 if has_background(self.class_names) else IGNORE
        made_with = frozenset(_named(self.document))
        digests = _digests(self.document)
        self._records = [
            _record(
                root, image, document.annotations[image["id"]], document.labels.label_of, made_with, digests, objects
            )
            for image in self.document["images"]
        ]
        if document.empty:
            log.warning(
                f"warning: {file}: {counted(len(document.empty), 'annotation')} without a pixel left out: "
                f"id {join_limited(document.empty)}; {_causes(document.annotations.values())}"
            )
        if wrong := misplaced(self.document):
            look = shlex.join(["recycle", "data", "show", "--data", str(root), "--json-path", str(file)])
            warn_once(
                log,
                f"warning: {file}: {wrong}, so that the labels are hardly right: they may be of another size or in "
                f"other units, or have x and y swapped; look at them: {look}",
            )
        if content is None and (groups := _unused_groups(self.document, root, file)):
            names = join_limited(repr(category["name"]) for category in groups)
            pair = file.parent == root and file.name in SPLIT_FILES
            takes = "--train-json or --val-json" if pair else "--json-path"
            mend = shlex.join(["recycle", "data", "check", "--data", str(root), "--json-path", str(file)])
            log.warning(
                f"note: {file}: no annotation is of category {names}, which names the project or a group; drop it, "
                f"and name the new file with {takes}: {mend} --fix {'mended-' + file.name if pair else 'mended.json'}"
            )

    def __len__(self) -> int:
        return len(self._records)

    def record(self, index: int) -> Record:
        """See `Source`."""
        return self._records[index]

    def read(self, index: int) -> Sample:
        """See `Source`."""
        return Sample(self.read_photo(index), *self.read_labels(index))

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB, without the labels."""
        record = self.record(index)
        return read_photo(record.file, record.height, record.width)

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Mask (H, W) and instances (H, W), without the photo."""
        record = self._records[index]
        check_size(record.file, record.height, record.width)
        return paint(record.annotations, record.height, record.width, self._ground)


def _refuse_doubled(images: Iterable[Mapping[str, Any]], root: Path, file: Path) -> None:
    """Refuse photos that are listed twice: each entry has a part of the labels, and lacks the rest."""
    counts = Counter(posixpath.normpath(image["file_name"]) for image in images)
    if doubled := [name for name, count in counts.items() if count > 1]:
        mend = shlex.join(["recycle", "data", "check", "--data", str(root), "--json-path", str(file)])
        raise RecycleError(
            f"{file} lists {counted(len(doubled), 'photo')} more than once, each with labels of its own: "
            f"{join_limited(doubled, 3)}",
            f"join the entries: {mend} --fix mended.json",
        )


def _causes(annotations: Iterable[Iterable[Mapping[str, Any]]]) -> str:
    """Why annotations without three points or a run enclose no pixel."""
    total, causes = 0, Counter[str]()
    for one in chain.from_iterable(annotations):
        total += 1
        shape = one.get("segmentation")
        if encloses_nothing(shape):
            causes[outline_fault(shape, PLAUSIBLE_SIDE, PLAUSIBLE_SIDE, bool(one.get("bbox")))] += 1
    return told(causes, total)


def _record(
    root: Path,
    image: dict[str, Any],
    annotations: list[dict[str, Any]],
    label_of: Any,
    made_with: frozenset[str],
    digests: Mapping[str, str],
    objects: bool,
) -> Record:
    """What a COCO file knows of a photo; `objects`: its crowds are objects."""
    made = PROVENANCE in image
    return Record(
        file=resolve_file(root, image["file_name"]),
        file_name=image["file_name"],
        height=image["height"],
        width=image["width"],
        annotations=tuple(
            Annotation(
                id=annotation.get("id", number),
                label=label_of[annotation["category_id"]],
                segmentation=annotation.get("segmentation") or [],
                area=annotation.get("area"),
                iscrowd=bool(annotation.get("iscrowd"))
                and not (objects and label_of[annotation["category_id"]] != IGNORE),
                provenance=_named(annotation),
                boxed=bool(annotation.get("bbox")),
            )
            for number, annotation in enumerate(annotations, start=1)
        ),
        made_from=_named(image),
        made_with=made_with if made else frozenset(),
        digests=digests,
    )


def _unused_groups(content: Mapping[str, Any], root: Path, file: Path) -> list[Mapping[str, Any]]:
    """See `project_categories`; of train.json and val.json, those that the other one uses no more than this one."""
    groups = project_categories(content)
    if groups and file.parent == root and file.name in SPLIT_FILES:
        with suppress(RecycleError, KeyError, TypeError):  # said where that file is read
            other = load_content(next(root / name for name in SPLIT_FILES if name != file.name))
            used = {annotation["category_id"] for annotation in other["annotations"]}
            names = {category["name"] for category in other["categories"] if category["id"] in used}
            return [category for category in groups if category["name"] not in names]
    return groups


def _named(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(origin["file_name"] for origin in entry.get(PROVENANCE, ()))


def _digests(document: Mapping[str, Any]) -> dict[str, str]:
    """`file_name` to digest of the photos that others were made from or with, where it is stated."""
    entries = [document, *document["images"], *document["annotations"]]
    origins = (origin for entry in entries for origin in entry.get(PROVENANCE, ()))
    return {origin["file_name"]: origin["digest"] for origin in origins if isinstance(origin.get("digest"), str)}
