"""Runs as functions: train, find, export, report, serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from recyclecli.api.data import Place, path_of, registry
from recyclecli.api.moved import moved
from recyclecli.errors import RecycleError
from recyclecli.home import expanded, named_data
from recyclecli.locks import held

if TYPE_CHECKING:
    import numpy as np
    from lightning.pytorch.callbacks import Callback
    from numpy.typing import NDArray

    from recyclecli.data.splits import Split
    from recyclecli.engine.export import Exported
    from recyclecli.engine.pipeline import Pipeline
    from recyclecli.engine.runs import Run
    from recyclecli.engine.training.train import Finished
    from recyclecli.judge.scores import Evaluation
    from recyclecli.recipe import Recipe
    from recyclecli.types import Postprocessor


def find_run(run: Run | Place) -> Run:
    """A run by its folder, its name in runs/, or `last`."""
    from recyclecli.engine.runs import Run
    from recyclecli.engine.runs import find_run as find

    return run if isinstance(run, Run) else find(expanded(str(run)))


def recipe_of(run: Run | Place, data: Place | None = None) -> Recipe:
    """A run's resolved recipe, and with `data` as if its data lay in that folder."""
    from recyclecli.resolve import resolve

    return resolve(registry(), find_run(run).recipe, {} if data is None else {"data.root": path_of(data)})


def own_split(run: Run | Place, data: Place) -> Split | None:
    """The split of a run whose data lies in the folder `data` now; None where that folder holds other data."""
    from recyclecli.data.splits import split_at

    recipe = recipe_of(run)
    return split_at(registry(), recipe.data, path_of(data), recipe.seed)


def train(
    settings: Mapping[str, Any] = {},
    recipe: Place | None = None,
    name: str | None = None,
    runs: Place | None = None,
    callbacks: Sequence[Callback] = (),
) -> Finished:
    """Train in a new run folder.

    Args:
        settings: dotted recipe keys to values, as `{"model": "fpn", "data.root": "data"}`.
        recipe: by name, or a YAML file; `settings` go before it.
        name: of the run.
        runs: folder of the runs; ./runs when left out.
        callbacks: of Lightning's, beside our own.
    """
    from recyclecli.data.splits import make_split
    from recyclecli.resolve import resolve

    installed = registry()
    resolved = resolve(installed, recipe, settings)
    split = make_split(installed, resolved.data, resolved.seed)
    from recyclecli.engine.training.train import train as start

    return start(installed, resolved, split, name, path_of(runs) if runs else None, callbacks)


def pipeline(
    views: Sequence[str] = (), post: Sequence[str] = (), raw_weights: bool = False, window: float = 0
) -> Pipeline:
    """A pipeline by the names of its test-time views and post-processors.

    Used with a run, post-processors have the options of its recipe, where that names them, else their defaults.

    Args:
        views: see `recyclecli.engine.pipeline.VIEWS`.
        post: post-processors, in order.
        raw_weights: those without their average.
        window: the photo is enlarged to this many times the training size and seen window by window.

    Raises:
        RecycleError: no such view or post-processor, or a window between 0 and 1.
    """
    from recyclecli.engine.choice_file import LARGEST_WINDOW
    from recyclecli.engine.pipeline import Pipeline, checked_views
    from recyclecli.recipe import ListedPart

    if window and not 1 <= window <= LARGEST_WINDOW:
        advice = f"choose 1 to {LARGEST_WINDOW:g} times the training size, or 0 for whole photos"
        raise RecycleError(f"window {window:g}", advice)
    for one in post:
        registry().find("postprocessor", one)
    parts = tuple(ListedPart(name=one) for one in post)
    return Pipeline(checked_views(views), parts, "raw" if raw_weights else "best", window)


def build_postprocessor(name: str, class_names: Sequence[str], options: Mapping[str, Any] = {}) -> Postprocessor:
    """A post-processor by its name: image (H, W, 3) uint8, probabilities (K, H, W) float32 to such probabilities."""
    from recyclecli.types import PostprocessorContext

    context = PostprocessorContext(tuple(class_names))
    built: Postprocessor = registry().build("postprocessor", name, options, context)
    return built


def export(
    run: Run | Place,
    out: Place | None = None,
    photos: Place | None = None,
    data: Place | None = None,
    force: bool = False,
) -> Exported:
    """Export a run's best weights to ONNX and compare it with torch; the files, and how near it is.

    Args:
        run: its own pipeline plays no part.
        out: folder to write; export/ in the run's folder when left out.
        photos: folder, COCO file or photo to compare on; eight of the validation photos when left out.
        data: root of a COCO file's names; without `photos` the folder that the run's data lies in now, or other
            photos to compare on.
        force: replace an earlier export.
    """
    from recyclecli.engine import export as engine

    found = find_run(run)
    return engine.export(
        registry(), found, path_of(out) if out else found.exported, _photos(found, photos, data), force
    )


def _photos(run: Run, photos: Place | None, data: Place | None) -> Iterator[NDArray[np.uint8]]:
    """Photos to compare on, found now, read one by one."""
    from recyclecli.data import sources
    from recyclecli.engine.predicting.photos import find_photos
    from recyclecli.progress import track

    if photos is not None:
        files = find_photos(path_of(photos), path_of(data) if data else None)
        return (photo.read() for photo in track(files, len(files), "comparing"))
    root = recipe_of(run).data.root
    if data is None and not root.is_dir():
        data = named_data()
    split = own_split(run, data) if data is not None else None
    if data is not None and split is None and path_of(data).absolute() != root:
        others = find_photos(path_of(data), None)
        some = others[:: -(-len(others) // 8)]
        return (photo.read() for photo in track(some, len(some), "comparing"))
    source = (split or _split_or_remedy(run)).val
    chosen = range(0, len(source), -(-len(source) // 8))
    return (sources.read_photo(source, index) for index in track(chosen, len(chosen), "comparing"))


def _split_or_remedy(run: Run) -> Split:
    """The run's own split; RecycleError with what else to compare on where its data is gone."""
    from recyclecli.data.splits import make_split

    recipe = recipe_of(run)
    try:
        return make_split(registry(), recipe.data, recipe.seed)
    except RecycleError as error:
        place = quote(str(run.folder))
        raise RecycleError(
            f"there are no photos to compare torch with: {error.args[0]}",
            f"any photos will do: recycle export {place} --photos DIR",
        ) from error


def report(run: Run | Place, file: Place | None = None, data: Place | None = None) -> tuple[Path, Evaluation]:
    """Judge a run on its validation photos and write report.html; the file and the scores.

    Args:
        run: the run.
        file: to write; report.html in the run's folder when left out.
        data: folder that the run's data lies in now.
    """
    from recyclecli.data.splits import make_split
    from recyclecli.report.page import write_report

    found, recipe = find_run(run), recipe_of(run, data)
    split = make_split(registry(), recipe.data, recipe.seed)
    with held(path_of(file) if file else found.folder / "report.html"):
        return write_report(registry(), found, recipe, split, path_of(file) if file else None)


def serve(
    run: Run | Place,
    other: Run | Place | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    allow_hosts: Sequence[str] = (),
    bins: Place | None = None,
    device: str | None = None,
    open_browser: bool = False,
    root_path: str = "",
) -> None:
    """`recycle_serve.api.serve`, for this release.

    Raises:
        RecycleError: recycle-serve is not installed.
    """
    moved("recycle-serve", "recycle_serve.api", "serve")(
        run, other, host, port, allow_hosts, bins, device, open_browser, root_path
    )
