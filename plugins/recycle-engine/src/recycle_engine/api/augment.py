"""New photos from old ones as functions: any augmentation to disk, oversampling, a look at what one does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recycle_data.api import Place, path_of, registry
from recycle_data.output_file import PREVIEW_FILE, output_file
from recycle_data.progress import busy
from recycle_data.replaced import never_read

from recyclecli.errors import RecycleError, join_limited

if TYPE_CHECKING:
    from recycle_data.splits import Split

    from recycle_engine.offline_augment.offline import OfflineResult
    from recyclecli.plugins import Registry
    from recyclecli.recipe import Recipe
    from recyclecli.types import Batch, Source

Part = str | Mapping[str, Any]


def augment(
    parts: Part | Sequence[Part],
    number: int,
    settings: Mapping[str, Any] = {},
    out: Place | None = None,
    name: str | None = None,
    seed: int = 0,
    mode: Literal["add", "self"] = "add",
    background: Sequence[str] = (),
    size: int | None = None,
    device: str = "cpu",
    workers: int | None = None,
    strict: bool = False,
    force: bool = False,
) -> OfflineResult:
    """Write new photos with their labels, made from the training photos alone; see `recycle aug`.

    Args:
        parts: an augmentation, or several in order: names, or `{"name": ..., option: value}`.
        number: of new photos.
        settings: recipe keys that say what is trained on, see `split`.
        out: folder; the data's root when left out.
        name: of the set: out/name.json and out/name/; by default the augmentations'.
        seed: seed of all randomness.
        mode: `add` puts the training photos into the file too, `self` the new ones alone.
        background: change only photos that show one of these classes; all when empty.
        size: longer side in pixels that photos are scaled to first, all into one height and width.
        device: a torch device.
        workers: processes; one for each core when left out.
        strict: stop at a photo that cannot be read, rather than skip it.
        force: replace a set of that name.
    """
    installed = registry()
    entries = _entries(parts)
    inline = [entry["name"] for entry in entries if _offline(installed, entry["name"]) is None]
    if inline:
        offers = installed.offers("augmentation")
        usable = [one.component.name for one in offers if _offline(installed, one.qualified) is not None]
        raise RecycleError(
            f"augmentation {inline[0]!r} does not say that its photos are worth writing",
            f"use it in training, as `recycle train --aug {inline[0]}`; to be written are {join_limited(usable, 20)}",
        )
    with never_read(None if out is None else path_of(out)):
        recipe, split = _resolved(installed, entries, settings, seed)
    if name is None:
        name = "_".join(entry["name"].partition("@")[0].replace("-", "_") for entry in entries)
    with busy("loading torch"):
        from recycle_engine.offline_augment.offline import make

    folder = path_of(out) if out else recipe.data.root
    return make(
        installed,
        split,
        recipe.aug,
        folder,
        name,
        number,
        seed,
        mode,
        background,
        size,
        device,
        workers,
        strict,
        force,
    )


def oversample(
    patch: Sequence[str],
    number: int,
    background: Sequence[str] = (),
    settings: Mapping[str, Any] = {},
    copy_paste: Mapping[str, Any] = {},
    elastic: Mapping[str, Any] | None = {},
    name: str | None = None,
    **keywords: Any,
) -> OfflineResult:
    """`augment` for rare classes: their objects on photos of chosen classes, slightly deformed.

    Args:
        patch: classes to paste.
        number: of new photos.
        background: classes whose photos are pasted into; all when empty.
        settings: see `augment`.
        copy_paste: further options of `copy-paste`, as `min_area` and `max_area`.
        elastic: options of `elastic`; None for none.
        name: of the set; `oversample` when left out.
        keywords: of `augment`.
    """
    paste = {"name": "copy-paste", "patch": list(patch), "rarity": 1.0, **copy_paste}
    parts = [paste] if elastic is None else [paste, {"name": "elastic", **elastic}]
    return augment(parts, number, settings, name=name or "oversample", background=background, **keywords)


def preview(
    parts: Part | Sequence[Part],
    file: Place,
    settings: Mapping[str, Any] = {},
    count: int = 8,
    seed: int = 0,
    device: str = "cpu",
    force: bool = False,
) -> Path:
    """Draw training photos before and after augmentations, with their labels, as a PNG; its path.

    Args:
        parts: see `augment`; any augmentation may be looked at.
        file: the PNG.
        settings: recipe keys; `data.size` is the longer side that photos are scaled to, as in training.
        count: photos, drawn so that every class is seen.
        seed: seed of all randomness.
        device: a torch device.
        force: replace a file that exists.
    """
    from recycle_engine.offline_augment.preview import write_preview

    with output_file(path_of(file), force, PREVIEW_FILE):
        installed = registry()
        recipe, split = _resolved(installed, _entries(parts), settings, seed)
        return write_preview(installed, split, recipe, path_of(file), count, device)


def read_batch(source: Source, photos: Sequence[int], size: int = 512, device: str = "cpu") -> Batch:
    """Photos of a source, scaled to a longer side of `size`, in one frame, as an augmentation takes them.

    See `recyclecli.types.Batch`; what lies outside of a photo is black and counts nowhere.
    """
    from recycle_engine.batch import read

    return read(source, photos, size, device)


def build_augmentation(
    parts: Part | Sequence[Part], settings: Mapping[str, Any] = {}, seed: int = 0
) -> Callable[[Batch], Batch]:
    """Augmentations over the training photos of these settings, as one function of a batch."""
    installed = registry()
    recipe, split = _resolved(installed, _entries(parts), settings, seed)
    with busy("loading torch"):
        from recycle_engine.batch import build_augmentation, chained

    return chained([build_augmentation(installed, part, split.train) for part in recipe.aug])


def _entries(parts: Part | Sequence[Part]) -> list[dict[str, Any]]:
    listing = [parts] if isinstance(parts, (str, Mapping)) else parts
    return [{"name": part} if isinstance(part, str) else dict(part) for part in listing]


def _offline(installed: Registry, name: str) -> Mapping[str, Any] | None:
    offline: Mapping[str, Any] | None = getattr(installed.find("augmentation", name).component, "offline", None)
    return offline


def _resolved(
    installed: Registry, entries: list[dict[str, Any]], settings: Mapping[str, Any], seed: int
) -> tuple[Recipe, Split]:
    """The augmentations with complete options, and what is trained on."""
    from recycle_data.resolve import resolve
    from recycle_data.workspace import split_of

    spelled = [{**(_offline(installed, entry["name"]) or {}), **entry} for entry in entries]
    recipe = resolve(installed, None, {**settings, "aug": spelled, "seed": seed})
    return recipe, split_of(recipe.data, recipe.seed)
