"""Exports of tools whose labels are documents alone: pixels, classes, splits, and what no tool writes."""

import copy
import csv
import json
import random
import shutil

import numpy as np
import pytest
from exports_of_platforms import kili, superannotate, ultralytics
from exports_of_tools import EXPORTS, class_masks, each_export, labelme_xml, open_images, qupath, rle_csv
from labelled import box, garbage, imported_masks, masks, photo
from recycle_datasets.tools import TOOL_READERS
from recycle_engine import api
from tool_scene import HEIGHT, NEWER, WIDTH, by_photo, drawn, expected, flat, photos, picture, points, shares, write

from recyclecli.types import LabelFaults, RecycleError


def test_each_tool_is_tried():
    assert {*TOOL_READERS} == {*EXPORTS, *NEWER} - {"via"}


@each_export
@pytest.mark.parametrize("below", ["", "deeper/one"])
def test_pixels_classes_and_what_is_left_out(tmp_path, layout, make, below):
    names, left_out = make(tmp_path / "src" / below)
    if below:
        garbage(tmp_path / "src/others")
    done, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert done.taken.layout.name == layout
    assert done.class_names == ("Background", *names)
    assert by_photo(found) == expected(names)
    assert {key: done.left_out.get(key) for key in left_out} == left_out
    assert "example.org" not in "".join(file.read_text(encoding="utf-8") for file in done.files)


@each_export
def test_read_in_place(tmp_path, layout, make):
    names, _ = make(tmp_path)
    found = api.open_data(tmp_path, dataset=layout)
    assert by_photo(masks(found)) == expected(names)


@pytest.mark.parametrize("name_of", ["{name}/{key}.png", "masks/{key}/{name}.png", "masks/{key}_{name}.png",
                                     "masks/{name}_{key}.png", "images/{key}_{name}.png"])  # fmt: skip
def test_masks_called_as_their_classes(tmp_path, name_of):
    names, _ = class_masks(tmp_path / "src", name_of)
    done, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert done.taken.layout.name == "class-masks"
    assert done.class_names == ("Background", *names)
    assert by_photo(found) == expected(names)


def test_a_mask_of_one_class_that_holds_three_values(tmp_path):
    class_masks(tmp_path)
    picture(tmp_path / "masks/metal/a.png", np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 3)
    with pytest.raises(LabelFaults, match="holds 3 values"):
        api.import_data(tmp_path, None)


def test_splits(tmp_path):
    ultralytics(tmp_path / "ndjson")
    assert api.import_data(tmp_path / "ndjson", None).splits == {"train": 1, "val": 1}
    for split in ("train", "val"):
        superannotate(tmp_path / "folders" / split)
        for file in (tmp_path / "folders" / split).glob(f"{'b' if split == 'train' else 'a'}.*"):
            file.unlink()
    assert api.import_data(tmp_path / "folders", None).splits == {"train": 1, "val": 1}


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("make", [superannotate, kili, qupath], ids=lambda make: make.__name__)
def test_turned_as_exif_says(tmp_path, make, orientation):
    names, _ = make(tmp_path / "src")
    for file in [*(tmp_path / "src").rglob("*.jpg")]:
        sides = (WIDTH, HEIGHT) if orientation == 6 else (HEIGHT, WIDTH)
        photo(file, *sides, orientation=orientation)
    _, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert by_photo(found) == expected(names)


def test_holes(tmp_path):
    area, hole = (2, 2, 20, 20), (8, 8, 14, 14)
    expected = drawn(area) & ~drawn(hole)
    exports = {
        "superannotate": {
            "metadata": {"name": "a.jpg", "width": WIDTH, "height": HEIGHT},
            "instances": [{"type": "polygon", "className": "x", "points": flat(area), "exclude": [flat(hole)]}],
        },
        "dataloop": {
            "filename": "/a.jpg",
            "annotations": [{"type": "segment", "label": "x", "coordinates": [points(area), points(hole)]}],
        },
        "kili": [
            {
                "externalId": "a.jpg",
                "labels": [
                    {
                        "jsonResponse": {
                            "J": {
                                "annotations": [
                                    {
                                        "type": "semantic",
                                        "categories": [{"name": "x"}],
                                        "boundingPoly": [
                                            {"normalizedVertices": points(one, WIDTH, HEIGHT)} for one in (area, hole)
                                        ],
                                    }
                                ]
                            }
                        }
                    }
                ],
            }
        ],
        "encord": [
            {
                "label_hash": "x",
                "data_units": {
                    "u": {
                        "data_title": "a.jpg",
                        "data_type": "image/jpeg",
                        "width": WIDTH,
                        "height": HEIGHT,
                        "labels": {
                            "objects": [{"name": "x", "shape": "polygon", "polygons": [[shares(area), shares(hole)]]}]
                        },
                    }
                },
            }
        ],
        "qupath": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "MultiPolygon", "coordinates": [[box(*area), box(*hole)]]},
                    "properties": {"classification": {"name": "x"}},
                }
            ],
        },
    }
    for name, content in exports.items():
        photo(tmp_path / name / "a.jpg", HEIGHT, WIDTH)
        write(tmp_path / name / "a.json", content)
        (mask,) = masks(api.open_data(tmp_path / name, dataset=name)).values()
        assert np.array_equal(mask, expected), name


PLACES = [6, pytest.param(24, marks=pytest.mark.slow("changes more places of each file"))]  # that are changed


ODD = (None, [], {}, "x", "", -1, 0.5, 10**400, True, [[]], [None], {"x": 1}, [[1, 2], [3]], float("nan"))


def places_of(value, path=()):
    """Every place in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places_of(one, (*path, key))


def changed(value, path, new):
    value = copy.deepcopy(value)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return value


@each_export
@pytest.mark.parametrize("most", PLACES)
def test_what_no_tool_writes_is_refused_or_left_out(tmp_path, layout, make, most):
    make(tmp_path)
    chance = random.Random(layout)
    files = [file for suffix in ("*.json", "*.ndjson", "*.jsonl", "*.manifest") for file in tmp_path.rglob(suffix)]
    for file in files[:2]:
        text = file.read_bytes()
        lined = file.suffix != ".json" or b"}\n{" in text
        value = [json.loads(line) for line in text.splitlines()] if lined else json.loads(text.decode("gb18030"))
        paths = [*places_of(value)]
        for number, path in enumerate(chance.sample(paths, min(len(paths), most))):
            new = changed(value, path, chance.choice(ODD))
            file.write_text("\n".join(map(json.dumps, new if lined else [new])))
            try:
                api.import_data(tmp_path, None, layout, drop_unreadable=number % 2 == 0)
            except RecycleError:
                pass
            except Exception as error:
                pytest.fail(f"{path}: {error!r}")
        file.write_bytes(text)


def test_tables_and_texts_that_are_none(tmp_path):
    for make, name, text in (
        (rle_csv, "train.csv", "ImageId,EncodedPixels\na.jpg,1 2\n\0,\0\n"),
        (open_images, "annotations/default-annotations-object-segmentation.csv", "MaskPath,ImageID,LabelName\n\0\n"),
        (labelme_xml, "default/a.xml", "<annotation><object><polygon><pt>"),
        (ultralytics, "set.ndjson", '{"type": "dataset", "class_names": {}}\n{"type": "image"'),
    ):
        shutil.rmtree(tmp_path / "src", ignore_errors=True)
        make(tmp_path / "src")
        write(tmp_path / "src" / name, text)
        with pytest.raises(RecycleError):
            api.import_data(tmp_path / "src", None)


@pytest.mark.parametrize("layout", ["azure-ml", "dataturks", "labelbox"])
def test_lines_that_are_no_text_are_a_fault(tmp_path, layout):
    photos(tmp_path)
    (tmp_path / "export.ndjson").write_bytes(b'{"content": "\x81\x8d\xff", "x": "caf\xe9 \x90\x9d"}\n')
    with pytest.raises(LabelFaults, match="no text") as error:
        api.open_data(tmp_path, dataset=layout, options={"files": ["export.ndjson"]})
    assert len(error.value.faults) == 1


def test_the_table_that_is_read_is_that_of_the_labels(tmp_path):
    rle_csv(tmp_path)
    rows = [["ImageId", "EncodedPixels"], ["a.jpg", "1 2"]]
    with (tmp_path / "sample_submission.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    assert api.import_data(tmp_path, None).class_names == ("Background", "metal", "paper")
