"""`recycle data export`: labels for the tools that people correct them with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recycle_coco import IGNORE_CATEGORY, is_background, rasterise
from recycle_coco.document import read_document
from recycle_coco.layouts import photo_root
from recycle_coco.paint import painting_order
from recycle_coco.paths import TEST_FILE, TRAIN_FILE, find_annotation_files

from recycle_data.coco_document import document_of
from recycle_data.output_folder import refuse_output_folder
from recycle_data.owned import Owned
from recycle_data.replaced import never_read
from recycle_data.sources import open_source
from recyclecli.plugins import Registry

Tool = Literal["cvat", "label-studio"]
Role = Literal["predictions", "annotations"]


@dataclass(frozen=True, slots=True)
class ExportedObject:
    """One object of a photo, for a tool.

    Attributes:
        name: of its class.
        rle: its pixels in the photo, compressed.
        score: in 0..1 where a model said one.
    """

    name: str
    rle: Mapping[str, Any]
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A photo with its objects in the order in which they are painted.

    Attributes:
        name: relative to the folder of the photos.
        height, width: in pixels.
        objects: those that enclose a pixel.
    """

    name: str
    height: int
    width: int
    objects: tuple[ExportedObject, ...]


@dataclass(frozen=True, slots=True)
class ExportedLabels:
    """What was written.

    Attributes:
        files: the labels' file first, then what describes the classes.
        photos: how many.
        objects: in all.
    """

    files: tuple[Path, ...]
    photos: int
    objects: int


def export_labels(
    registry: Registry,
    src: Path,
    out: Path,
    tool: Tool,
    *,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
    role: Role = "predictions",
    prefix: str = "",
    force: bool = False,
) -> ExportedLabels:
    """Write labels as a tool reads them; objects are masks, so that no pixel and no hole is lost.

    Args:
        registry: the installed components.
        src: data folder, or a COCO file, as `recycle predict --save coco` writes it, whose photos may lie elsewhere.
        out: folder to write to.
        tool: `cvat` (CVAT for images 1.1) or `label-studio` (tasks as JSON).
        dataset: name of the component that reads `src`.
        options: its settings.
        role: for Label Studio: predictions to be corrected, or finished annotations.
        prefix: for Label Studio: what stands before a photo's name in its address there.
        force: replace what was written there.

    Raises:
        RecycleError: labels that cannot be read, or files that exist.
    """
    from recycle_data.exporting import cvat, label_studio
    from recycle_data.palette import palette

    refuse_output_folder(out)
    if dataset == "coco":
        files = [src] if src.is_file() else find_annotation_files(src)
        if files[0] == src / TRAIN_FILE and (src / TEST_FILE).is_file():
            files.append(src / TEST_FILE)  # nothing is trained on here
        document: Mapping[str, Any] = read_document(*files).content
    else:
        with never_read(out):
            document = document_of(open_source(registry, src, None, dataset, options))
    categories = sorted(document["categories"], key=lambda one: int(one["id"]))
    names = [one["name"] for one in categories if not is_background(one["name"])]
    root = photo_root(src) if src.is_file() else src
    colors = dict(zip(names, palette(("Background", *names), root)[1:], strict=True))
    owned = Owned(out)
    if tool == "cvat":
        written = (out / cvat.CVAT_FILE, out / cvat.CVAT_LABELS)
    else:
        written = (out / label_studio.TASKS_FILE, out / label_studio.CONFIG_FILE)
    objects = 0

    def counted() -> Iterator[Labelled]:
        nonlocal objects
        for photo in _photos(document):
            objects += len(photo.objects)
            yield photo

    with owned.begun(written[0], written[1:], force):
        if tool == "cvat":
            cvat.write(owned, counted(), colors)
        else:
            label_studio.write(owned, counted(), colors, role, prefix)
    return ExportedLabels(written, len(document["images"]), objects)


def _photos(document: Mapping[str, Any]) -> Iterator[Labelled]:
    """The photos of a COCO document in its order."""
    from pycocotools import mask as coco

    names = {one["id"]: one["name"] for one in document["categories"]}
    own: dict[Any, list[Mapping[str, Any]]] = {}
    for one in document["annotations"]:
        own.setdefault(one["image_id"], []).append(one)
    for image in document["images"]:
        height, width = image["height"], image["width"]
        found: list[tuple[ExportedObject, float, Mapping[str, Any]]] = []
        for one in own.get(image["id"], ()):
            name, score = names[one["category_id"]], one.get("score")
            rle = rasterise(one.get("segmentation") or [], height, width)
            if rle is not None and not is_background(name) and (area := float(coco.area(rle))):
                found.append((ExportedObject(name, rle, score if isinstance(score, float) else None), area, one))
        order = painting_order([(area, one.get("area"), bool(one.get("iscrowd"))) for _, area, one in found])
        ordered = sorted((found[place][0] for place in order), key=lambda one: one.name == IGNORE_CATEGORY)
        yield Labelled(image["file_name"], height, width, tuple(ordered))
