"""Multi-label stratified k-fold splits, and the files that hold them."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from recycle_coco import has_background, label_counts
from recycle_coco.json import read_json
from recycle_coco.once import warn_once

from recycle_data.coco_document import document_of
from recycle_data.fold_swaps import within_one
from recycle_data.foreground import refuse_nothing
from recycle_data.groups import grouped_folds
from recycle_data.named_splits import named_splits
from recycle_data.owned import Owned
from recycle_data.progress import busy
from recycle_data.sources import Subset, read_labels
from recycle_data.threads import in_threads
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.reading import MissingFile
from recyclecli.types import IGNORE, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("recycle.data")

FOLDS_FILE = "folds.json"
PHOTOS_FILE = "folds-photos.npz"  # beside it: what its photos look like, for `kfold --keep`
MAX_FOLDS_BYTES = 2**28  # bytes of it


@dataclass(frozen=True, slots=True)
class Folds:
    """A split of a source into n validation sets.

    Attributes:
        class_names: K names.
        photos: per fold, the indices of its validation photos in the source, ascending.
        images: (n, K) photos of each fold that show each class.
        objects: (n, K) annotations of each class in each fold.
        group_sizes: photos of each group that was kept together; empty where there are no groups.
        left_out: test photos that the data names, which are in no fold.
        files: the annotation files that were read, where the source is made of such.
    """

    class_names: tuple[str, ...]
    photos: tuple[tuple[int, ...], ...]
    images: NDArray[np.int64]
    objects: NDArray[np.int64]
    group_sizes: tuple[int, ...] = ()
    left_out: int = 0
    files: tuple[Path, ...] = ()


def make_folds(
    source: Source,
    n: int,
    seed: int,
    groups: NDArray[np.int64] | None = None,
    kept: NDArray[np.int64] | None = None,
) -> Folds:
    """Split by multi-label stratification (Sechidis, Tsoumakas and Vlahavas, 2011), then even it out.

    Test photos that the data names are in no fold.

    Each photo is described by its rarest class, its number of classes and its number of
    annotations, the two counts binned by quantiles and all of it one-hot: the library casts
    labels to bool, so integers would be taken for 'all present' and the split be random.
    `grouped_folds` then swaps photos until every class is spread evenly, too, and `within_one` until the counts of
    each class differ by one at most, where it finds that.

    Args:
        source: the photos.
        n: how many folds.
        seed: seed of all randomness.
        groups: (photos,) group numbers; a group stays in one fold. See `groups_of`.
        kept: (photos,) fold that a photo stays in, -1 where it is new; one for each group. See `kept_folds`.

    Raises:
        RecycleError: n is below 2, or above the number of photos or groups.
    """
    import numpy as np

    with busy("loading scikit-learn"):
        from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    dealt = np.array(named_splits(source).dealt, np.int64)
    if not 2 <= n <= len(dealt):
        raise RecycleError(
            f"{counted(len(dealt), 'photo')} cannot be split into {counted(n, 'fold')}",
            f"choose --n from 2 to {len(dealt)}",
        )
    refuse_nothing(Subset(source, dealt.tolist()), "photo")
    counts = class_counts(Subset(source, dealt.tolist()))
    columns = stratification_columns(counts)
    groups = None if groups is None else np.unique(groups[dealt], return_inverse=True)[1]
    sizes = () if groups is None else tuple(np.bincount(groups).tolist())
    start = None
    kept = None if kept is None else kept[dealt]
    if groups is None:
        groups = np.arange(len(dealt))
        start = np.zeros(len(dealt), np.int64) if kept is None else None
    if start is not None:
        splitter = MultilabelStratifiedKFold(n_splits=n, shuffle=True, random_state=seed)
        with busy("dealing photos out"):
            for fold, (_, held_out) in enumerate(splitter.split(columns, columns)):
                start[held_out] = fold
    folds = grouped_folds(np.concatenate([columns, counts > 0], 1), groups, n, seed, start, kept)
    folds = within_one(counts > 0, groups, folds, n, seed, None if kept is None else kept >= 0)
    parts = [folds == fold for fold in range(n)]
    return Folds(
        source.class_names,
        tuple(tuple(dealt[part].tolist()) for part in parts),
        images=np.stack([(counts[part] > 0).sum(0) for part in parts]),
        objects=np.stack([counts[part].sum(0) for part in parts]),
        group_sizes=sizes,
        left_out=len(source) - len(dealt),
        files=getattr(source, "files", ()),
    )


def class_counts(source: Source) -> NDArray[np.int64]:
    """(photos, K) annotations of each class in each photo; ignored regions are not counted.

    Where the source knows no annotations at all, its labels are read: instances are counted, and
    a class without instances once. The background counts as no class.

    Raises:
        RecycleError: a photo without annotations cannot be read.
    """
    import numpy as np

    counts = np.zeros((len(source), len(source.class_names)), np.int64)
    for index in range(len(source)):
        for annotation in source.record(index).annotations:
            if annotation.label != IGNORE:
                counts[index, annotation.label] += 1
    if counts.any():
        return counts
    from recycle_coco.pixels import alone

    def drawn(index: int) -> NDArray[np.int64]:
        record = source.record(index)
        with alone(record.height * record.width):
            mask, instances = read_labels(source, index)
            label_of = np.full(int(instances.max(initial=0)) + 1, IGNORE, np.uint8)
            for labels, numbers in zip(mask, instances, strict=True):
                label_of[numbers] = labels  # an instance has one label
            objects = np.bincount(label_of[1:], minlength=IGNORE + 1)[:IGNORE]
            return np.maximum(objects, label_counts(mask)[:IGNORE] > 0)

    for index, found in enumerate(in_threads(drawn, range(len(source)))):
        counts[index] = found[: counts.shape[1]]
    if has_background(source.class_names):
        counts[:, 0] = 0
    return counts


def stratification_columns(counts: NDArray[np.int64], bins: int = 4) -> NDArray[np.bool_]:
    """(photos, columns) bool: rarest class | binned number of classes | binned number of objects.

    Args:
        counts: (photos, K) annotations per class.
        bins: at most this many quantile bins for each of the two numbers.
    """
    import numpy as np

    present = counts > 0
    frequency = np.where(present.any(0), present.sum(0), np.iinfo(np.int64).max)
    rarest = np.where(present.any(1), np.where(present, frequency, np.iinfo(np.int64).max).argmin(1), -1)
    return np.concatenate(
        [_one_hot(rarest), _one_hot(_binned(present.sum(1), bins)), _one_hot(_binned(counts.sum(1), bins))], axis=1
    )


def _binned(values: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    import numpy as np

    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, values, side="left")


def _one_hot(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    import numpy as np

    columns: NDArray[np.bool_] = values[:, None] == np.unique(values)[None, :]
    return columns


def write_folds(
    source: Source, folds: Folds, out: Path, seed: int, force: bool, group_by: str | None = None
) -> list[Path]:
    """Write kfold_K_train.json, kfold_K_val.json for each fold, folds-photos.npz, then folds.json; the paths.

    The folds' files keep every field and category of the source. `folds.json` names the
    validation photos of each fold and the digest of the source it was made from; `folds-photos.npz` holds their
    identities.

    Raises:
        RecycleError: a file exists and not `force`, or the folder cannot be written.
    """
    n = len(folds.photos)
    names = [(f"kfold_{k}_train.json", f"kfold_{k}_val.json") for k in range(n)]
    paths = [out / name for pair in names for name in pair] + [out / PHOTOS_FILE, out / FOLDS_FILE]
    owned = Owned(out)
    text = _PartText(document_of(source))
    everything = {index for photos in folds.photos for index in photos}
    made_from = digest(source, sorted(everything))
    listing = {
        "version": 1,
        "n": n,
        "seed": seed,
        "group_by": group_by,
        "source": made_from,
        "folds": [
            {"train": pair[0], "val": pair[1], "val_images": [source.record(index).file_name for index in held_out]}
            for pair, held_out in zip(names, folds.photos, strict=True)
        ],
    }
    with owned.begun(out / FOLDS_FILE, paths[:-1], force):
        for pair, held_out in zip(names, folds.photos, strict=True):
            for name, photos in zip(pair, (sorted(everything - set(held_out)), held_out), strict=True):
                owned.write_texts(out / name, text.of(photos))
        owned.write_bytes(out / PHOTOS_FILE, _looks(source, sorted(everything), made_from))
        owned.write_json(out / FOLDS_FILE, listing, indent=1)
    return paths


def _looks(source: Source, photos: Sequence[int], made_from: str) -> bytes:
    """The identities of photos by name, as a file."""
    import io

    import numpy as np

    from recycle_data.identity import identities

    names = np.array([source.record(index).file_name for index in photos], np.str_)
    stream = io.BytesIO()
    looks = identities(Subset(source, photos))
    np.savez_compressed(stream, names=names, photos=looks, source=np.array(made_from))
    return stream.getvalue()


class _PartText:
    """COCO files of some of a document's photos as text; each entry is turned into JSON once for all of them."""

    def __init__(self, document: dict[str, Any]) -> None:
        lists = ("images", "annotations")
        places = {image["id"]: index for index, image in enumerate(document["images"])}
        self._images = [_json(image) for image in document["images"]]
        self._annotations = [(places[entry["image_id"]], _json(entry)) for entry in document["annotations"]]
        self._rest = {key: "" if key in lists else _json(value) for key, value in document.items()}

    def of(self, photos: Sequence[int]) -> Iterator[str]:
        """The file of the photos of these indices, every other field kept, piece by piece."""
        chosen = set(photos)
        for number, (key, text) in enumerate(self._rest.items()):
            yield f"{', ' if number else '{'}{_json(key)}: "
            if key == "images":
                yield from _listed(self._images[index] for index in photos)
            elif key == "annotations":
                yield from _listed(text for index, text in self._annotations if index in chosen)
            else:
                yield text
        yield "}\n"


def _listed(texts: Iterable[str]) -> Iterator[str]:
    """A list of values of which the texts are known."""
    yield "["
    for number, text in enumerate(texts):
        yield f"{', ' if number else ''}{text}"
    yield "]"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def digest(source: Source, dealt: Sequence[int]) -> str:
    """SHA-256 over the names and sizes of the photos `dealt`, in order: tells whether folds still fit a source."""
    names = [(source.record(index).file_name, *_size(source, index)) for index in dealt]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def _size(source: Source, index: int) -> tuple[int, int]:
    record = source.record(index)
    return record.height, record.width


def read_fold(source: Source, file: Path, fold: int, dealt: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
    """Indices of the training and validation photos of one fold of a folds.json.

    Args:
        source: the photos.
        file: the folds.json.
        fold: the number of the fold.
        dealt: the photos that the folds deal out; all but the source's test photos when left out.

    Raises:
        RecycleError: no such file or fold, or it was made from other photos.
    """
    named = named_splits(source)
    folds, made_from = read_listing(file)
    if fold >= len(folds):
        raise RecycleError(f"{file} holds folds 0 to {len(folds) - 1}, not {fold}")
    choices = [named.dealt if dealt is None else dealt, named.train]  # version 0.1 dealt out train.json alone
    dealt = next((photos for photos in choices if photos and made_from == digest(source, photos)), None)
    if dealt is None:
        names = {source.record(index).file_name for index in range(len(source))}
        stays = f"--keep {quote(str(file))}" if names & frozenset().union(*folds) else f"--n {len(folds)}"
        raise RecycleError(
            f"{file} was made from other photos than the source holds now",
            f"make it again: recycle data kfold {stays} --force --data {quote(str(file.parent))}",
        )
    _refuse_edited(source, file, folds, dealt)
    held_out = [index for index in dealt if source.record(index).file_name in folds[fold]]
    return sorted(set(dealt) - set(held_out)), held_out


def _refuse_edited(source: Source, file: Path, folds: Sequence[frozenset[str]], dealt: Sequence[int]) -> None:
    """Raise RecycleError where a photo is in several folds, or a fold names one that is not there; count the rest."""
    counts = Counter(name for names in folds for name in names)
    names = {source.record(index).file_name for index in dealt}
    wrong = sorted(name for name, count in counts.items() if count > 1 or name not in names)
    if wrong:
        raise RecycleError(
            f"{file} names photos of several folds, or that are not there: {join_limited(wrong, 3)}",
            f"it was changed by hand: mv {quote(str(file))} {quote(str(file))}.old, then "
            f"recycle data kfold --n {len(folds)} --force --data {quote(str(file.parent))}",
        )
    if none := len(names - counts.keys()):
        warn_once(log, f"note: in no fold of {file}, so trained on: {counted(none, 'photo')}")


def read_listing(file: Path) -> tuple[list[frozenset[str]], str]:
    """The validation photos' names of each fold of a folds.json, and the digest of its source.

    Raises:
        RecycleError: no such file, or no folds file.
    """
    try:
        listing = read_json(file, "make it again with recycle data kfold --force", MAX_FOLDS_BYTES)
        return [frozenset(entry["val_images"]) for entry in listing["folds"]], str(listing["source"])
    except MissingFile as error:
        raise RecycleError(
            f"{file} does not exist", f"make it: recycle data kfold --n 5 --data {file.parent}"
        ) from error
    except (KeyError, TypeError) as error:
        raise RecycleError(
            f"{file} is no folds file: {error}", "make it again with recycle data kfold --force"
        ) from error
