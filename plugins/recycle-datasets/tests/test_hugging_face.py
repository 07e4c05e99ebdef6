"""What an imagefolder of Hugging Face may hold beside outlines: splits, numbers of classes, rows that are not clear."""

import json

import numpy as np
import pytest
from labelled import box, imported, imported_masks, photo
from recycle_data import api
from tool_scene import drawn, flat, write

from recyclecli.types import LabelFaults, RecycleError

AREA = flat((2, 2, 12, 12))
OUTLINED = {"segmentation": [[AREA]], "category": ["paper"]}


def table(root, *rows, name="metadata.jsonl"):
    write(root / name, "\n".join(map(json.dumps, rows)))
    for row in rows:
        photo(root / row.get("file_name", "a.jpg"))


def test_splits_by_the_folder_of_the_table_or_of_the_photo(tmp_path):
    for split in ("train", "validation"):
        table(tmp_path / "one" / split, {"file_name": "a.jpg", "objects": OUTLINED})
    rows = [{"file_name": f"{split}/a.jpg", "objects": OUTLINED} for split in ("train", "test")]
    table(tmp_path / "other", *rows)
    assert {*imported(tmp_path / "one", tmp_path / "out")[1]} == {"train.json", "val.json"}
    _done, found = imported(tmp_path / "other", tmp_path / "out2")
    assert {*found} == {"train.json", "test.json"}
    assert all(np.array_equal(mask, drawn((2, 2, 12, 12))) for masks in found.values() for mask in masks.values())


@pytest.mark.parametrize(
    ("files", "names", "said"),
    [
        ({}, ("class-0", "class-2"), "2 classes called by number"),
        ({"id2label.json": {"2": "glass", "0": "paper", "1": "metal"}}, ("paper", "metal", "glass"), ""),
        (
            {
                "dataset_info.json": {
                    "features": {
                        "objects": {
                            "feature": {"category": {"names": ["paper", "metal", "glass"], "_type": "ClassLabel"}}
                        },
                        "label": {"names": ["clean", "dirty"], "_type": "ClassLabel"},
                    }
                }
            },
            ("paper", "metal", "glass"),
            "",
        ),
    ],
)
def test_numbers_of_classes(tmp_path, logged, files, names, said):
    areas = {"segmentation": [[AREA], [flat((14, 2, 20, 8))]], "category": [0, 2], "iscrowd": [0, 0]}
    table(tmp_path, {"file_name": "a.jpg", "objects": areas})
    for name, content in files.items():
        write(tmp_path / name, content)
    assert api.import_data(tmp_path, None).class_names == ("Background", *names)
    assert said in logged()


def test_empty_lists_are_photos_without_an_object(tmp_path):
    empty = {"segmentation": [], "category": []}
    table(tmp_path, {"file_name": "b.jpg", "objects": empty}, {"file_name": "a.jpg", "objects": OUTLINED})
    photo(tmp_path / "c.jpg")
    done, found = imported_masks(tmp_path, tmp_path.parent / f"{tmp_path.name}-out")
    assert {name: int(mask.sum()) for name, mask in found.items()} == {"a.jpg": 100, "b.jpg": 0}
    assert done.left_out["photos that no row names"] == 1


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ({**OUTLINED, "category": []}, "its lists of objects are not of one length: segmentation 1, category 0"),
        ({**OUTLINED, "category": "paper"}, "category no list"),
        ({"segmentation": [[AREA]], "colour": ["red"]}, "object 1: it has none of category_name, categories"),
        ({**OUTLINED, "category": [1.5]}, "its category is 1.5"),
        ({**OUTLINED, "segmentation": [[["x", 1], [2, 3]]]}, "no pairs of finite numbers"),
        ({**OUTLINED, "segmentation": [{"counts": "abc"}]}, "its mask is no RLE with a size"),
    ],
)
def test_objects_that_cannot_be_read(tmp_path, objects, said):
    table(tmp_path, {"file_name": "a.jpg", "objects": objects}, {"file_name": "b.jpg", "objects": OUTLINED})
    with pytest.raises(LabelFaults) as caught:
        api.import_data(tmp_path, None)
    assert said in str(caught.value)
    assert "line 1" in str(caught.value)


def test_a_row_without_a_photo_and_a_cell_that_is_no_list(tmp_path):
    write(tmp_path / "metadata.csv", "file_name,objects\na.jpg,\"{'segmentation': open}\"\n,x\n")
    photo(tmp_path / "a.jpg")
    with pytest.raises(LabelFaults, match="neither JSON nor a Python literal") as caught:
        api.import_data(tmp_path, None)
    assert "line 3: it names no photo" in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 3000, "x" * 50, "(" * 300_000, "1 if"])
def test_cells_that_are_hard_to_read(tmp_path, text):
    write(tmp_path / "metadata.csv", f"file_name,objects\na.jpg,\"'segmentation' {text}\"\n")
    photo(tmp_path / "a.jpg")
    with pytest.raises(LabelFaults, match="neither JSON nor a Python literal"):
        api.import_data(tmp_path, None)


def test_masks_named_by_a_path_are_no_outlines(tmp_path):
    table(tmp_path, {"file_name": "images/a.jpg", "mask": "masks/a.png", "objects": {"bbox": [box(1, 1, 2, 2)]}})
    with pytest.raises(RecycleError, match="imagefolder") as caught:
        api.import_data(tmp_path, None)
    assert "segmentation" in caught.value.remedy
