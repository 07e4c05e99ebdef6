"""Reads what `recycle data export` wrote with the tools' own packages, and compares it with the labels, pixel by pixel.

    recycle data export DATA OUT --to label-studio      (or cvat)
    python -m venv tool && tool/bin/pip install label-studio-sdk pycocotools     (or datumaro)
    tool/bin/python tools/read_back.py label-studio DATA/annotations.json OUT

The packages pin other versions than ours, so each needs an environment of its own; nothing here imports recyclecli.
"""

import json
import sys
from pathlib import Path

import numpy as np
from pycocotools import mask as coco


def objects_of(document: dict) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Photo to its objects, as class and mask."""
    images = {image["id"]: image for image in document["images"]}
    names = {one["id"]: one["name"] for one in document["categories"]}
    found: dict[str, list[tuple[str, np.ndarray]]] = {image["file_name"]: [] for image in images.values()}
    for one in document["annotations"]:
        image, shape = images[one["image_id"]], one["segmentation"]
        if isinstance(shape, list) or isinstance(shape["counts"], list):
            shape = coco.frPyObjects(shape, image["height"], image["width"])
            shape = coco.merge(shape) if isinstance(shape, list) else shape
        found[image["file_name"]].append((names[one["category_id"]], coco.decode(shape).astype(bool)))
    return found


def label_studio(folder: Path, _: Path) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Objects as Label Studio's converter decodes them, after its own check of tasks against the configuration."""
    from label_studio_sdk.converter.brush import decode_rle
    from label_studio_sdk.label_interface import LabelInterface

    interface = LabelInterface((folder / "config.xml").read_text())
    found = {}
    for task in json.loads((folder / "tasks.json").read_text()):
        role = "predictions" if "predictions" in task else "annotations"
        check = {"predictions": interface.validate_prediction, "annotations": interface.validate_annotation}[role]
        assert check(task[role][0]), task["data"]
        name = task["data"]["image"].removeprefix("/data/local-files/?d=")
        found[name] = []
        for region in task[role][0]["result"]:
            size = region["original_height"], region["original_width"]
            pixels = np.reshape(decode_rle(region["value"]["rle"]), (*size, 4))[:, :, 3] > 0
            found[name].append((region["value"]["brushlabels"][0], pixels))
    return found


def cvat(folder: Path, photos: Path) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Objects as datumaro reads CVAT for images, which wants the photos in images/ beside the XML file."""
    from datumaro.components.dataset import Dataset

    (folder / "images").exists() or (folder / "images").symlink_to(photos.absolute())
    dataset = Dataset.import_from(str(folder), "cvat")
    names = [label.name for label in dataset.categories()[next(iter(dataset.categories()))].items]
    found = {}
    for item in dataset:
        found[item.id] = [(names[one.label], np.asarray(one.image).astype(bool)) for one in item.annotations]
    return found


def main() -> None:
    """Compare, and say how many objects are equal."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    tool, file, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    truth = objects_of(json.loads(file.read_text()))
    found = {"label-studio": label_studio, "cvat": cvat}[tool](folder, file.parent)
    equal = total = 0
    for name, objects in truth.items():
        rest = list(found.get(name) or found[str(Path(name).with_suffix(""))])
        total += len(objects)
        for label, mask in objects:
            place = next(
                (k for k, (own, pixels) in enumerate(rest) if own == label and np.array_equal(pixels, mask)), None
            )
            if place is not None:
                rest.pop(place)
                equal += 1
        assert not rest, f"{name}: {len(rest)} objects that the labels lack"
    print(f"{tool}: {equal} of {total} objects of {len(truth)} photos are equal pixel by pixel")
    sys.exit(equal < total)


if __name__ == "__main__":
    main()
