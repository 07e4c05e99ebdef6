"""Exports as functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any

from recycle_data.api import Place, path_of, registry
from recycle_data.workspace import in_workspace
from recycle_engine.api.runs import find_run, own_split, recipe_of

from recyclecli.errors import RecycleError
from recyclecli.home import named_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from recycle_data.splits import Split
    from recycle_engine.runs import Run

    from recycle_export.export import ExportResult


@in_workspace
def export(
    run: Run | Place,
    out: Place | None = None,
    photos: Place | None = None,
    data: Place | None = None,
    force: bool = False,
    form: str = "onnx",
    options: Mapping[str, Any] | None = None,
) -> ExportResult:
    """Export a run's best weights and compare that with torch; the files, and how near it is.

    Args:
        run: its own pipeline plays no part.
        out: folder to write; export/ in the run's folder when left out.
        photos: folder, COCO file or photo to compare on; eight of the validation photos when left out.
        data: root of a COCO file's names; without `photos` the folder that the run's data lies in now, or other
            photos to compare on.
        force: replace an earlier export.
        form: the exporter: `onnx`, or another that is installed.
        options: its own.
    """
    from recycle_export.export import export as write

    found = find_run(run)
    place = path_of(out) if out else found.exported
    return write(registry(), found, place, _photos(found, photos, data), force, form, options)


def _photos(run: Run, photos: Place | None, data: Place | None) -> Iterator[NDArray[np.uint8]]:
    """Photos to compare on, found now, read one by one."""
    from recycle_data import sources
    from recycle_data.progress import track
    from recycle_engine.inference.photos import find_photos

    if photos is not None:
        files = find_photos(path_of(photos), path_of(data) if data else None)
        return (photo.read() for photo in track(files, len(files), "comparing"))
    root = recipe_of(run).data.root
    if data is None and not root.is_dir():
        data = named_data()
    split = own_split(run, data) if data is not None else None
    if data is not None and split is None:
        others = find_photos(path_of(data), None)
        some = others[:: -(-len(others) // 8)]
        return (photo.read() for photo in track(some, len(some), "comparing"))
    source = (split or _split_or_remedy(run)).val
    chosen = range(0, len(source), -(-len(source) // 8))
    return (sources.read_photo(source, index) for index in track(chosen, len(chosen), "comparing"))


def _split_or_remedy(run: Run) -> Split:
    """The run's own split; RecycleError with what else to compare on where its data is gone."""
    from recycle_data.workspace import split_of

    recipe = recipe_of(run)
    try:
        return split_of(recipe.data, recipe.seed)
    except RecycleError as error:
        place = quote(str(run.folder))
        raise RecycleError(
            f"there are no photos to compare torch with: {error.args[0]}",
            f"any photos will do: recycle export {place} --photos DIR",
        ) from error
