"""Folders as readers of the docs have them, made of the sample set: the contest's, TACO's, ZeroWaste's, VOC's."""

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from recycle_datasets.taco import read_mapping
from recycle_engine import api
from support import recycle_here

ZEROWASTE = ("rigid_plastic", "cardboard", "metal", "soft_plastic")


def contest(sample: Path, folder: Path) -> None:
    """data/ with train_all.json, train.json, val.json, test.json and batches of photos."""
    data = folder / "data"
    document = json.loads((sample / "annotations.json").read_text())
    for image in document["images"]:
        new = f"batch_0{image['id'] % 2 + 1}_vt/{image['id']:04}.jpg"
        _copy(sample / image["file_name"], data / new)
        image["file_name"] = new
    _write(data / "train_all.json", document, lambda number: True)
    _write(data / "train.json", document, lambda number: number % 4)
    _write(data / "val.json", document, lambda number: number % 4 == 0)
    unlabelled = {**document, "annotations": [], "images": []}
    for number, photo in enumerate(sorted((sample.parent / "photos").iterdir()), 1):
        name = f"batch_03/{number:04}.jpg"
        _copy(photo, data / name)
        unlabelled["images"].append({"id": number, "file_name": name, "width": 128, "height": 128})
    (data / "test.json").write_text(json.dumps(unlabelled))


def weekly(sample: Path, folder: Path) -> None:
    """data/ as it is, and line-week-2/, drawn with another seed and exported as YOLO."""
    shutil.copytree(sample, folder / "data")
    new = api.sample(folder / "drawn", images=12, seed=7).parent
    done = recycle_here("data", "convert", new, folder / "line-week-2", "--from", "coco", "--to", "yolo", cwd=folder)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(new)


def taco(sample: Path, folder: Path) -> None:
    """TACO/data with annotations.json of sixty categories and batches of photos."""
    data = folder / "TACO" / "data"
    document = json.loads((sample / "annotations.json").read_text())
    mapping = read_mapping()
    numbers = {category: number for number, category in enumerate(mapping)}
    of_material = {material: category for category, material in mapping.items()}
    names = {one["id"]: one["name"] for one in document["categories"]}
    for one in document["annotations"]:
        one["category_id"] = numbers[of_material.get(names[one["category_id"]], "Unlabeled litter")]
    document["categories"] = [
        {"id": number, "name": name, "supercategory": name.split()[-1]} for name, number in numbers.items()
    ]
    for image in document["images"]:
        new = f"batch_{image['id'] % 3 + 1}/{image['id']:06}.jpg"
        _copy(sample / image["file_name"], data / new)
        image.update(file_name=new, license=None, flickr_url=None, coco_url=None, date_captured=None)
    document |= {"info": {}, "licenses": [], "scene_annotations": [], "scene_categories": []}
    (data / "annotations.json").write_text(json.dumps(document))


def zerowaste(sample: Path, folder: Path) -> None:
    """splits_final_deblurred with frames, index masks and labels.json for each split."""
    source = api.open_data(sample)
    materials = dict(zip(("Plastic", "Paper", "Metal", "Plastic bag"), range(1, 5), strict=True))
    values = np.array([materials.get(name, 0) for name in source.class_names] + [0] * 245, np.uint8)
    document = json.loads((sample / "annotations.json").read_text())
    category = {one["id"]: materials.get(one["name"]) for one in document["categories"]}
    for split, part in (("train", range(10)), ("val", range(10, 15)), ("test", range(15, 20))):
        root = folder / "splits_final_deblurred" / split
        (root / "data").mkdir(parents=True)
        (root / "sem_seg").mkdir()
        images = [document["images"][index] for index in part]
        for index, image in zip(part, images, strict=True):
            photo = source.read(index)
            image["file_name"] = f"{index:02}_frame_{index * 100:06}.PNG"
            Image.fromarray(photo.image).save(root / "data" / image["file_name"])
            Image.fromarray(values[photo.mask]).save(root / "sem_seg" / image["file_name"])
        numbers = {image["id"] for image in images}
        annotations = [
            {**one, "category_id": category[one["category_id"]]}
            for one in document["annotations"]
            if one["image_id"] in numbers and category[one["category_id"]]
        ]
        categories = [{"id": number, "name": name} for number, name in enumerate(ZEROWASTE, 1)]
        labels = {"images": images, "annotations": annotations, "categories": categories}
        (root / "labels.json").write_text(json.dumps(labels))


def line(sample: Path, folder: Path) -> None:
    """line-3/ in YOLO form, and photos without labels."""
    done = recycle_here("data", "convert", sample, folder / "line-3", "--from", "coco", "--to", "yolo", cwd=folder)
    assert done.returncode == 0, done.stderr
    shutil.copytree(sample.parent / "photos", folder / "unlabelled")


def masks(sample: Path, folder: Path) -> None:
    """VOC2012/ with its list of a split, and mmseg/ with a folder for each: the same masks."""
    made = folder / "mmseg"
    done = recycle_here("data", "convert", sample, made, "--from", "coco", "--to", "masks", cwd=folder)
    assert done.returncode == 0, done.stderr
    voc = folder / "VOC2012"
    shutil.copytree(made / "images", voc / "JPEGImages")
    shutil.copytree(made / "masks", voc / "SegmentationClass")
    (voc / "ImageSets/Segmentation").mkdir(parents=True)
    names = sorted(file.stem for file in (made / "masks").iterdir())
    (voc / "ImageSets/Segmentation/train.txt").write_text("\n".join(names[:10]))
    for old, new in (("images", "images"), ("masks", "annotations")):
        (made / old).rename(made / "moved")
        (made / new).mkdir()
        (made / "moved").rename(made / new / "train")


def _write(file, document, chosen):
    images = [image for image in document["images"] if chosen(image["id"])]
    numbers = {image["id"] for image in images}
    annotations = [one for one in document["annotations"] if one["image_id"] in numbers]
    file.write_text(json.dumps({**document, "images": images, "annotations": annotations}))


def _copy(old, new):
    new.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(old, new)
