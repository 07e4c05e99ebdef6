"""The dataset `supervisely`, against exports that are written here after its documentation."""

import json

import numpy as np
import pytest
from recycle_coco import Tree
from recycle_datasets import SuperviselyOptions
from recycle_datasets.recognise.supervisely import recognise
from recycle_datasets.supervisely import open_supervisely
from tool_exports import HEIGHT, WIDTH, box, litter, masks_of, painted, photo, png, recognised, write

from recyclecli.types import DatasetContext, LabelFaults, RecycleError

META = {
    "classes": [
        {"id": 7, "title": "Paper", "shape": "polygon", "color": "#F00", "hotkey": ""},
        {"id": 8, "title": "Box", "shape": "rectangle", "color": "#0F0", "hotkey": ""},
        {"id": 9, "title": "Glass", "shape": "bitmap", "color": "#00F", "hotkey": ""},
        {"id": 5, "title": "Any metal", "shape": "any", "color": "#0FF", "hotkey": ""},
    ],
    "tags": [{"name": "train", "value_type": "none"}],
    "projectType": "images",
}


def polygon(name, *rings, **more):
    points = {"exterior": rings[0], "interior": list(rings[1:])}
    about = {"labelerLogin": "somebody@example.org", "createdAt": "2024-01-01", "tags": [], "description": ""}
    return {"classTitle": name, "geometryType": "polygon", "points": points, **about, **more}


def bitmap(name, left, top, mask, mode="P", compress=True, kind="bitmap"):
    data = {"origin": [left, top], "data": png(mask, mode, compress)}
    return {"classTitle": name, "geometryType": kind, kind: data, "tags": []}


def annotation(objects, width=WIDTH, height=HEIGHT, tags=()):
    tagged = [{"name": name, "value": None} for name in tags]
    return {"description": "", "tags": tagged, "size": {"height": height, "width": width}, "objects": list(objects)}


def dataset(root, photos, meta=None, suffix=".json"):
    """A dataset's folder: photo's name to its objects."""
    for name, objects in photos.items():
        photo(root / "img" / name)
        write(root / "ann" / f"{name}{suffix}", annotation(objects))
    if meta:
        write(root.parent / "meta.json", meta)
    return root.parent


def read(root, **options):
    return open_supervisely(SuperviselyOptions(**options), DatasetContext(root))


def test_holes_order_and_classes_of_meta(tmp_path):
    shapes = [
        polygon("Glass", box(0, 0, 8, 6), box(2, 2, 4, 4)),
        polygon("Paper", box(1, 1, 12, 8)),  # larger, and later: on top
        polygon("Any metal", box(9, 0, 12, 8)),
        {"classTitle": "Box", "geometryType": "rectangle", "points": {"exterior": [[0, 0], [3, 3]], "interior": []}},
        {"classTitle": "Way", "geometryType": "line", "points": {"exterior": [[0, 0], [3, 3]], "interior": []}},
    ]
    root = dataset(tmp_path / "ds1", {"사진 1.jpg": shapes, "empty.png": []}, META)
    source = read(root)
    assert source.class_names == ("Background", "Paper", "Glass", "Any metal")
    found = masks_of(source)
    glass = painted((2, 0, 0, 8, 6), (0, 2, 2, 4, 4), (1, 1, 1, 12, 8), (3, 9, 0, 12, 8))
    np.testing.assert_array_equal(found["ds1/img/사진 1.jpg"], glass)
    assert not found["ds1/img/empty.png"].any()
    assert source.left_out == {"boxes": 1, "lines": 1}
    assert source.splits == {}


@pytest.mark.parametrize(("mode", "compress"), [("P", True), ("L", True), ("1", True), ("RGBA", True), ("P", False)])
def test_bitmaps_lie_at_their_origin(tmp_path, mode, compress):
    mask = np.zeros((3, 4), bool)
    mask[:, 1:] = mask[0] = True
    mask[1, 2] = False
    root = dataset(tmp_path / "ds", {"a.jpg": [bitmap("Glass", 5, 4, mask, mode, compress)]}, META)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[4:7, 5:9][mask] = 2
    np.testing.assert_array_equal(masks_of(read(root))["ds/img/a.jpg"], expected)


def test_bitmaps_over_the_edge_are_cut_and_full_columns_stay(tmp_path):
    shapes = [
        bitmap("Glass", -2, 0, np.ones((HEIGHT, 5))),
        bitmap("Paper", 10, 6, np.ones((9, 9)), kind="alpha_mask", mode="L"),
        bitmap("Any metal", 40, 40, np.ones((2, 2))),
    ]
    root = dataset(tmp_path / "ds", {"a.jpg": shapes}, META)
    expected = painted((2, 0, 0, 3, 8), (1, 10, 6, 12, 8))
    np.testing.assert_array_equal(masks_of(read(root))["ds/img/a.jpg"], expected)


def test_an_island_in_a_hole_of_a_multipolygon(tmp_path):
    parts = [{"exterior": box(0, 0, 9, 8), "interior": [box(2, 2, 7, 6)]}, {"exterior": box(4, 3, 6, 5)}]
    shape = {"classTitle": "Paper", "geometryType": "multipolygon", "parts": parts}
    root = dataset(tmp_path / "ds", {"a.jpg": [shape]}, META)
    expected = painted((1, 0, 0, 9, 8), (0, 2, 2, 7, 6), (1, 4, 3, 6, 5))
    np.testing.assert_array_equal(masks_of(read(root))["ds/img/a.jpg"], expected)


def test_datasets_called_as_splits_one_folder_deeper(tmp_path):
    for split in ("train", "valid", "test"):
        dataset(tmp_path / "project" / split, {"same.jpg": [polygon("Paper", box(0, 0, 4, 4))]}, META)
    litter(tmp_path)
    layout = recognised(recognise, tmp_path)
    assert layout.evidence == "content"
    assert layout.options["folders"] == ("project/test/ann", "project/train/ann", "project/valid/ann")
    source = read(tmp_path, **layout.options)
    names = [source.record(index).file_name for index in range(3)]
    assert {split: names[indices[0]] for split, indices in source.splits.items()} == {
        "train": "project/train/img/same.jpg",
        "val": "project/valid/img/same.jpg",
        "test": "project/test/img/same.jpg",
    }


def test_tags_of_photos_are_splits(tmp_path):
    for name, tags in {"a": ["train"], "b": ["Val", "sunny"], "c": ["train", "test"], "d": []}.items():
        photo(tmp_path / "ds/img" / f"{name}.jpg")
        write(tmp_path / f"ds/ann/{name}.jpg.json", annotation([polygon("Paper", box(0, 0, 4, 4))], tags=tags))
    assert read(tmp_path).splits == {"train": (0,), "val": (1,)}


def test_without_meta_and_with_old_names(tmp_path):
    """Only a dataset's folder; classes by name, titles missing in meta.json; a.json is the annotation of a.png."""
    photo(tmp_path / "img/a.png")
    photo(tmp_path / "img/b.c.jpg")
    photo(tmp_path / "img/nobody.jpg")
    write(tmp_path / "ann/a.json", annotation([polygon("Zinc", box(0, 0, 3, 3)), polygon("Alu", box(5, 5, 9, 8))]))
    write(tmp_path / "ann/b.c.json", annotation([polygon("__bg__", box(0, 0, 3, 3)), polygon("Zinc", box(2, 2, 4, 4))]))
    source = read(tmp_path)
    assert source.class_names == ("Background", "Alu", "Zinc")
    found = masks_of(source)
    np.testing.assert_array_equal(found["img/a.png"], painted((2, 0, 0, 3, 3), (1, 5, 5, 9, 8)))
    np.testing.assert_array_equal(found["img/b.c.jpg"], painted((2, 2, 2, 4, 4)))
    assert source.left_out == {"photos without an annotation file": 1}


def test_class_ids_name_classes_where_titles_are_missing(tmp_path):
    shape = polygon("", box(0, 0, 3, 3), classId=9)
    root = dataset(tmp_path / "ds", {"a.jpg": [shape]}, META)
    np.testing.assert_array_equal(masks_of(read(root))["ds/img/a.jpg"], painted((2, 0, 0, 3, 3)))


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("turned", [True, False])
def test_the_stated_size_tells_whether_the_photo_was_turned(tmp_path, orientation, turned):
    photo(tmp_path / "img/a.jpg", orientation=orientation)
    width, height = (HEIGHT, WIDTH) if turned and orientation == 6 else (WIDTH, HEIGHT)
    write(tmp_path / "ann/a.jpg.json", annotation([polygon("Paper", box(0, 0, 2, 8))], width, height))
    sample = read(tmp_path).read(0)
    np.testing.assert_array_equal(sample.mask, painted((1, 0, 0, 2, 8), width=width, height=height))
    assert sample.image.shape == (height, width, 3)


def test_photos_that_are_not_there_are_counted(tmp_path):
    shapes = [polygon("Paper", box(0, 0, 3, 3))]
    root = dataset(tmp_path / "ds", {"a.jpg": shapes, "gone.jpg": shapes}, META)
    (tmp_path / "ds/img/gone.jpg").unlink()
    source = read(root)
    assert len(source) == 1
    assert source.left_out == {"photos that are not there": 1}


def test_boxes_alone_are_refused(tmp_path):
    shape = {"classTitle": "Box", "geometryType": "rectangle", "points": {"exterior": [[0, 0], [3, 3]]}}
    root = dataset(tmp_path / "ds", {"a.jpg": [shape, shape]}, META)
    with pytest.raises(RecycleError, match=r"holds no labelled area, but boxes \(2\)"):
        read(root)


def test_labels_without_photos_are_refused(tmp_path):
    write(tmp_path / "ds/ann/a.jpg.json", annotation([polygon("Paper", box(0, 0, 3, 3))]))
    with pytest.raises(RecycleError, match=r"of its 1 photo none is in .*it holds no photo"):
        read(tmp_path)


def test_all_faults_at_once(tmp_path):
    shapes = [
        polygon("Paper", [[0, 0], [1, "x"], [2, 2]]),
        {"classTitle": "Paper", "geometryType": "polygon"},
        {"classTitle": "Glass", "geometryType": "bitmap", "bitmap": {"origin": [0, 0], "data": "AAAA"}},
        {"classTitle": "Glass", "geometryType": "bitmap", "bitmap": {"origin": None, "data": 3}},
        polygon("Paper", [[0, 0], [1e30, 0], [2, 2]]),
        {"classId": 44, "geometryType": "polygon", "points": {"exterior": box(0, 0, 2, 2)}},
    ]
    root = dataset(tmp_path / "ds", {"a.jpg": shapes, "b.jpg": []}, META)
    (tmp_path / "ds/ann/b.jpg.json").write_text("{")
    with pytest.raises(LabelFaults) as raised:
        read(root)
    assert len(raised.value.faults) == 7


def test_nothing_else_is_claimed(tmp_path):
    litter(tmp_path)
    write(tmp_path / "coco.json", {"images": [], "annotations": [], "categories": []})
    write(tmp_path / "labelme.json", {"shapes": [], "imagePath": "a.jpg", "imageHeight": 3, "imageWidth": 4})
    assert not list(recognise(Tree(tmp_path)))
    with pytest.raises(RecycleError, match="holds no labels of Supervisely"):
        read(tmp_path)


def test_a_bitmap_that_fills_the_head_of_a_file_is_recognised(tmp_path):
    noise = np.random.default_rng(0).integers(0, 2, (900, 900))
    write(tmp_path / "ds/ann/a.jpg.json", annotation([bitmap("Glass", 0, 0, noise)], 900, 900))
    assert (tmp_path / "ds/ann/a.jpg.json").stat().st_size > 2**16
    assert recognised(recognise, tmp_path).options == {"folders": ("ds/ann",)}
    assert json.loads((tmp_path / "ds/ann/a.jpg.json").read_text())["objects"]
