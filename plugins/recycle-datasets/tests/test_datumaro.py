"""The dataset `datumaro`, against exports that are written here after Datumaro's own writer."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco
from recycle_coco import Tree
from recycle_datasets import DatumaroOptions
from recycle_datasets.datumaro import open_datumaro
from recycle_datasets.recognise.datumaro import recognise
from tool_exports import HEIGHT, WIDTH, box, litter, masks_of, painted, photo, recognised, write

from recyclecli.types import DatasetContext, LabelFaults, RecycleError


def polygon(label, *corners, z=0, **more):
    flat = [float(value) for pair in box(*corners) for value in pair]
    return {
        "id": 0,
        "type": "polygon",
        "attributes": {},
        "group": 0,
        "label_id": label,
        "points": flat,
        "z_order": z,
    } | more


def rle(mask):
    found = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"counts": found["counts"].decode(), "size": list(found["size"])}


def subset(root, items, name="default", labels=("background", "Paper", "Glass"), version=True, sizes=True):
    """One subset: path of each photo to its annotations."""
    names = [{"name": one, "parent": "", "attributes": []} for one in labels]
    found = []
    for path, annotations in items.items():
        image = {"path": path, **({"size": [HEIGHT, WIDTH]} if sizes else {})}
        found.append({"id": path.rpartition(".")[0], "annotations": annotations, "attr": {}, "image": image})
    head = {"dm_format_version": "1.0", "media_type": 2} if version else {}
    categories = {"label": {"labels": names, "label_groups": [], "attributes": []}}
    write(root / "annotations" / f"{name}.json", {**head, "infos": {}, "categories": categories, "items": found})


def read(root, **options):
    return open_datumaro(DatumaroOptions(**options), DatasetContext(root))


def test_order_of_drawing_masks_and_what_is_left_out(tmp_path):
    mask = painted((1, 6, 0, 12, 5), (0, 8, 2, 9, 3))
    ring = {"id": 1, "type": "mask", "group": 3, "label_id": 2, "rle": rle(mask), "z_order": -1}
    shapes = [
        polygon(1, 0, 0, 3, 3, z=1),  # smaller, and drawn last
        polygon(2, 0, 0, 7, 4),
        polygon(1, 4, 0, 7, 4),
        ring,
        {"type": "bbox", "label_id": 1, "bbox": [0, 0, 3, 3]},
        {"type": "caption", "caption": "by somebody@example.org"},
        {"type": "label", "label_id": 1},
        {"type": "points", "label_id": 1, "points": [1, 1]},
        {"type": "polyline", "label_id": 1, "points": [1, 1, 2, 2]},
        polygon(None, 0, 0, 12, 8),
    ]
    subset(tmp_path, {"사진/a.jpg": shapes, "b.jpg": []})
    photo(tmp_path / "images/default/사진/a.jpg")
    photo(tmp_path / "images/default/b.jpg")
    litter(tmp_path)
    layout = recognised(recognise, tmp_path)
    assert (layout.evidence, layout.options) == ("content", {"files": ("annotations/default.json",)})
    source = read(tmp_path, **layout.options)
    assert source.class_names == ("Background", "Paper", "Glass")
    found = masks_of(source)
    expected = painted((2, 6, 0, 12, 5), (0, 8, 2, 9, 3), (2, 0, 0, 7, 4), (1, 4, 0, 7, 4), (1, 0, 0, 3, 3))
    np.testing.assert_array_equal(found["images/default/사진/a.jpg"], expected)
    assert not found["images/default/b.jpg"].any()
    assert source.left_out == {
        "boxes": 1,
        "captions": 1,
        "tags": 1,
        "points": 1,
        "lines": 1,
        "areas without a class": 1,
    }
    assert source.splits == {}


def test_the_later_of_one_z_order_is_on_top(tmp_path):
    subset(tmp_path, {"a.jpg": [polygon(1, 0, 0, 3, 3), polygon(2, 0, 0, 8, 8)]})
    photo(tmp_path / "images/default/a.jpg")
    np.testing.assert_array_equal(masks_of(read(tmp_path))["images/default/a.jpg"], painted((2, 0, 0, 8, 8)))


def test_the_background_is_drawn_too(tmp_path):
    subset(tmp_path, {"a.jpg": [polygon(1, 0, 0, 8, 8), polygon(0, 2, 2, 4, 4)]})
    photo(tmp_path / "images/default/a.jpg")
    expected = painted((1, 0, 0, 8, 8), (0, 2, 2, 4, 4))
    np.testing.assert_array_equal(masks_of(read(tmp_path))["images/default/a.jpg"], expected)


def test_subsets_are_splits_one_folder_deeper(tmp_path):
    for name in ("train", "Validation", "test"):
        subset(tmp_path / "unzipped", {"same.jpg": [polygon(1, 0, 0, 3, 3)]}, name)
        photo(tmp_path / "unzipped/images" / name / "same.jpg")
    source = read(tmp_path)
    names = [source.record(index).file_name for index in range(3)]
    assert {split: names[indices[0]] for split, indices in source.splits.items()} == {
        "train": "unzipped/images/train/same.jpg",
        "val": "unzipped/images/Validation/same.jpg",
        "test": "unzipped/images/test/same.jpg",
    }


def test_the_format_before_with_photos_in_images_without_paths_and_sizes(tmp_path):
    subset(tmp_path, {"a.jpg": [polygon(1, 0, 0, 3, 3)], "b.jpg": []}, version=False, sizes=False)
    file = tmp_path / "annotations/default.json"
    content = json.loads(file.read_text())
    del content["items"][0]["image"]
    content["items"][0]["id"] = "far/a"
    content["items"][1]["image"]["path"] = r"C:\Users\somebody\b.jpg"
    write(file, content)
    photo(tmp_path / "images/far/a.png")
    photo(tmp_path / "images/b.jpg")
    assert set(masks_of(read(tmp_path))) == {"images/far/a.png", "images/b.jpg"}


def test_ellipses_are_areas(tmp_path):
    shape = {"type": "ellipse", "label_id": 1, "points": [10, 5, 50, 35], "z_order": 0}
    subset(tmp_path, {"a.jpg": [shape]}, sizes=False)
    photo(tmp_path / "images/default/a.jpg", 60, 40)
    ys, xs = np.mgrid[:40, :60] + 0.5
    expected = ((xs - 30) / 20) ** 2 + ((ys - 20) / 15) ** 2 <= 1
    (mask,) = masks_of(read(tmp_path)).values()
    assert np.count_nonzero(mask.astype(bool) ^ expected) < 0.02 * expected.sum()


@pytest.mark.parametrize(
    ("orientation", "size"), [(3, None), (3, [HEIGHT, WIDTH]), (6, None), (6, [HEIGHT, WIDTH]), (6, [WIDTH, HEIGHT])]
)
def test_the_stated_size_tells_whether_the_photo_was_turned(tmp_path, orientation, size):
    subset(tmp_path, {"a.jpg": [polygon(1, 0, 0, 2, 8)]}, sizes=False)
    file = tmp_path / "annotations/default.json"
    content = json.loads(file.read_text())
    content["items"][0]["image"]["size"] = size
    write(file, content)
    photo(tmp_path / "images/default/a.jpg", orientation=orientation)
    height, width = size or ((WIDTH, HEIGHT) if orientation == 6 else (HEIGHT, WIDTH))
    sample = read(tmp_path).read(0)
    np.testing.assert_array_equal(sample.mask, painted((1, 0, 0, 2, 8), width=width, height=height))
    assert sample.image.shape == (height, width, 3)


def test_boxes_alone_are_refused(tmp_path):
    subset(tmp_path, {"a.jpg": [{"type": "bbox", "label_id": 1, "bbox": [0, 0, 3, 3]}] * 2})
    photo(tmp_path / "images/default/a.jpg")
    with pytest.raises(RecycleError, match=r"holds no labelled area, but boxes \(2\)"):
        read(tmp_path)


def test_labels_of_another_machine_without_photos_are_refused(tmp_path):
    subset(tmp_path, {"/home/somebody/a.jpg": [polygon(1, 0, 0, 3, 3)]})
    with pytest.raises(RecycleError, match=r"of its 1 photo none is in"):
        read(tmp_path)


def test_videos_are_left_out(tmp_path):
    subset(tmp_path, {"a.jpg": [polygon(1, 0, 0, 3, 3)], "film.jpg": []})
    file = tmp_path / "annotations/default.json"
    content = json.loads(file.read_text())
    content["items"][1]["video_frame"] = {"video_path": "film.mp4", "frame_index": 3}
    write(file, content)
    photo(tmp_path / "images/default/a.jpg")
    assert read(tmp_path).left_out == {"videos and point clouds": 1}


def test_all_faults_at_once(tmp_path):
    good = {"type": "mask", "label_id": 1, "z_order": 0}
    shapes = [
        polygon(9, 0, 0, 3, 3),
        polygon(1, 0, 0, 3, 3, points=[1, 2, 3]),
        polygon(1, 0, 0, 3, 3, points="12"),
        {**good, "rle": {"counts": "~~~", "size": [HEIGHT, WIDTH]}},
        {**good, "rle": {"counts": [1, 2], "size": [HEIGHT, WIDTH]}},
        {**good, "rle": rle(np.ones((3, 3)))},
        {**good},
    ]
    subset(tmp_path, {"a.jpg": shapes})
    photo(tmp_path / "images/default/a.jpg")
    with pytest.raises(LabelFaults) as raised:
        read(tmp_path)
    assert len(raised.value.faults) == len(shapes)


def test_a_mask_of_another_size_than_the_photo_is_refused(tmp_path):
    subset(tmp_path, {"a.jpg": [{"type": "mask", "label_id": 1, "rle": rle(np.ones((3, 4)))}]}, sizes=False)
    photo(tmp_path / "images/default/a.jpg")
    with pytest.raises(RecycleError, match=r"a\.jpg is 12x8 pixels, and a mask of it 4x3"):
        read(tmp_path).record(0)


def test_nothing_else_is_claimed(tmp_path):
    litter(tmp_path)
    write(tmp_path / "coco.json", {"images": [], "annotations": [], "categories": [], "items": []})
    assert not list(recognise(Tree(tmp_path)))
    with pytest.raises(RecycleError, match="holds no labels of Datumaro"):
        read(tmp_path)


def test_a_file_whose_items_are_behind_its_head_is_recognised(tmp_path):
    labels = tuple(f"{number:06d} {'x' * 400}" for number in range(200))
    subset(tmp_path, {"a.jpg": [polygon(150, 0, 0, 3, 3)]}, labels=labels)
    photo(tmp_path / "images/default/a.jpg")
    assert masks_of(read(tmp_path))["images/default/a.jpg"].max() == 151
