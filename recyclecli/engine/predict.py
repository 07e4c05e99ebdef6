"""Predicting folders of photos: palette masks, overlays, the contest's CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recyclecli.coco import PHOTO_SUFFIXES, photo_size, read_document, read_photo, resolve_file
from recyclecli.data.fit import fitted_size, resize_image, resize_labels
from recyclecli.data.submission import target_names, write_submission
from recyclecli.engine.evaluate import predictor_of
from recyclecli.engine.infer import batches
from recyclecli.engine.pipeline import Pipeline, pipeline_of
from recyclecli.engine.runs import Run
from recyclecli.errors import RecycleError, listed
from recyclecli.files import PART, refuse_overwrite, whole
from recyclecli.plugins import Registry
from recyclecli.progress import track
from recyclecli.recipe import Recipe

OPACITY = 0.55  # of the colours in an overlay
OVERLAY = 2048  # largest side of an overlay in pixels


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo to predict: its file, and the name it goes by in a submission."""

    file: Path
    name: str


def find_photos(images: Path, root: Path | None = None) -> list[Photo]:
    """The photos of a folder (and its subfolders, by name), of a COCO file (in its order), or one photo.

    Args:
        images: folder, COCO .json or photo.
        root: the folder that a COCO file's names are relative to; its own when left out.

    Raises:
        RecycleError: nothing is there.
    """
    if images.is_dir():
        files = sorted(file for file in images.rglob("*") if file.suffix.lower() in PHOTO_SUFFIXES)
        unwritable = [file for file in files if any("\udc80" <= letter <= "\udcff" for letter in str(file))]
        if unwritable:
            raise RecycleError(f"{len(unwritable)} file name(s) are no UTF-8, as {unwritable[0]!a}", "rename them")
        if not files:
            raise RecycleError(f"{images} holds no photos", f"photos end in {listed(sorted(PHOTO_SUFFIXES), 9)}")
        return [Photo(file, file.relative_to(images).as_posix()) for file in files]
    if not images.is_file():
        raise RecycleError(f"{images} does not exist", "name a folder of photos, a COCO file or a photo")
    if images.suffix.lower() == ".json":
        names = [image["file_name"] for image in read_document(images).content["images"]]
        return [Photo(resolve_file(root or images.parent, name), name) for name in names]
    return [Photo(images, images.name)]


def predict(
    registry: Registry,
    run: Run,
    recipe: Recipe,
    photos: Sequence[Photo],
    out: Path,
    submission: Path | None = None,
    force: bool = False,
    pipeline: Pipeline | None = None,
) -> list[Path]:
    """Write masks/NAME.png and overlays/NAME.jpg for each photo, and a submission; the masks' paths.

    The run's own pipeline is used unless another is given.

    Raises:
        RecycleError: a photo cannot be read, a file exists and not `force`, or `out` cannot be
            written. No submission is left then.
    """
    predictor, trained = predictor_of(registry, run, [pipeline or pipeline_of(run, recipe)])
    names = [photo.name for photo in photos]
    masks = [out / "masks" / name for name in target_names(names, ".png")]
    overlays = [out / "overlays" / name for name in target_names(names, ".jpg")]
    classes = out / "classes.json"  # written last: unfinished, it marks an interrupted call, which may be repeated
    interrupted = classes.with_name(classes.name + PART).exists()
    refuse_overwrite([*masks, *overlays, *([submission] if submission else [])], force or interrupted)
    table = np.array(trained.palette, np.uint8)
    with whole(classes, keep=True) as unfinished, write_submission(submission) if submission else nullcontext() as add:
        work = track(zip(photos, masks, overlays, strict=True), len(photos), "predicting")

        def label(batch: list[tuple[Photo, Path, Path]]) -> None:  # which lets go of its photos when it returns
            images = [read_photo(photo.file) for photo, _, _ in batch]
            for (photo, mask, overlay), image, (said,) in zip(batch, images, predictor.predict(images), strict=True):
                labels = said.labels
                _save(palette_image(labels, table), mask, "PNG")
                _save(overlay_image(image, labels, table), overlay, "JPEG", quality=90)
                if add is not None:
                    add(photo.name, labels)

        for batch in batches(work, recipe.train.batch_size, lambda item: math.prod(photo_size(item[0].file))):
            label(batch)
        unfinished.write_text(json.dumps(trained.class_names, ensure_ascii=False) + "\n", encoding="utf-8")
    return masks


def palette_image(labels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> Image.Image:
    """(H, W) labels as an image of mode P whose pixel values are the labels and show as `colors` (K, 3)."""
    image = Image.fromarray(labels, mode="P")
    image.putpalette(colors.tobytes())
    return image


def overlay_image(photo: NDArray[np.uint8], labels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> Image.Image:
    """The photo with every class but the first tinted in its colour, its outline drawn full.

    It is for looking at: a longer side above `OVERLAY` pixels is reduced to that.
    """
    if max(labels.shape) > OVERLAY:
        height, width = fitted_size(labels.shape[0], labels.shape[1], OVERLAY)
        photo, labels = resize_image(photo, height, width), resize_labels(labels, height, width)
    tint = colors[labels].astype(np.float32)
    padded = np.pad(labels, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    edge = np.any([labels != side for side in around], axis=0)
    share = np.where(labels > 0, np.where(edge, 1.0, OPACITY), 0.0).astype(np.float32)[..., None]
    return Image.fromarray((photo * (1 - share) + tint * share).astype(np.uint8))


def _save(image: Image.Image, file: Path, form: str, **options: Any) -> None:
    with whole(file) as part:
        image.save(part, form, **options)
