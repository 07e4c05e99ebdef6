"""What single tools do that others do not: classes of public sets, runs of pixels, masks without names."""

import shutil

import numpy as np
import pytest
from exports_of_platforms import (
    dataloop,
    kili,
    labelu,
    sagemaker,
    segments_ai,
    superannotate,
    superannotate_pixels,
    vertex_ai,
)
from exports_of_tools import coco_panoptic, labelme_xml, rle_csv, vott
from labelled import box, masks, photo
from recycle_engine import api
from tool_scene import HEIGHT, SCENE, WIDTH, by_photo, drawn, picture, runs, truth, write

from recyclecli.types import RecycleError


def test_the_19_classes_of_cityscapes(tmp_path):
    photo(tmp_path / "leftImg8bit/a_leftImg8bit.png", HEIGHT, WIDTH)
    found = [{"label": "road", "polygon": box(2, 2, 20, 20)}, {"label": "ego vehicle", "polygon": box(8, 8, 14, 14)},
             {"label": "cargroup", "polygon": box(22, 2, 30, 9)}]  # fmt: skip
    write(tmp_path / "gtFine/a_gtFine_polygons.json", {"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": found})
    source = api.open_data(tmp_path, dataset="cityscapes-polygons")
    expected = np.full((HEIGHT, WIDTH), 255, np.uint8)
    expected[drawn((2, 2, 20, 20)) & ~drawn((8, 8, 14, 14))] = source.class_names.index("road")
    expected[drawn((22, 2, 30, 9))] = source.class_names.index("car")
    (mask,) = masks(source).values()
    assert np.array_equal(mask, expected)
    assert len(source.class_names) == 20


def test_segments_that_are_stuff_leave_the_rest_ignored(tmp_path):
    names, _ = coco_panoptic(tmp_path)
    file = tmp_path / "panoptic.json"
    file.write_text(file.read_text().replace('"isthing": 1', '"isthing": 0'))
    for key, mask in by_photo(masks(api.open_data(tmp_path, dataset="coco-panoptic"))).items():
        assert np.array_equal(mask, np.where(truth(names)[key] == 0, 255, truth(names)[key]))


@pytest.mark.parametrize("along", [True, False])
def test_runs_along_the_rows_or_down_the_columns(tmp_path, along):
    expected = drawn((4, 6, 28, 18))
    photo(tmp_path / "a.jpg", HEIGHT, WIDTH)
    write(tmp_path / "train.csv", f"img,rle_mask\na.jpg,{runs(expected.T if along else expected)}\n")
    (mask,) = masks(api.open_data(tmp_path, dataset="rle-csv")).values()
    assert np.array_equal(mask > 0, expected)
    source = api.open_data(tmp_path, dataset="rle-csv", options={"order": "columns" if along else "rows"})
    (mask,) = masks(source).values()
    assert not np.array_equal(mask > 0, expected)


@pytest.mark.parametrize(
    ("row", "places"),
    [
        ("case1_day0_slice_0000", ["case1/case1_day0/scans/slice_0000_32_24_1.50_1.50.png",
                                   "case1/case1_day2/scans/slice_0000_32_24_1.50_1.50.png"]),
        ("a", ["train/images/a.png", "train/masks/a.png"]),
        ("a", ["seg/images/a.png", "seg/masks/a.png"]),
        ("2/a.png", ["train/2/a.png", "train/12/a.png"]),
        ("A.png", ["train/a.PNG", "test/b.png"]),
    ],
    ids=["slices", "masks", "masks in a folder called so", "folders", "capitals"],
)  # fmt: skip
def test_the_photos_that_rows_of_runs_mean(tmp_path, row, places):
    expected = drawn((4, 6, 28, 18))
    for place in places:
        photo(tmp_path / place, HEIGHT, WIDTH)
    write(tmp_path / "train.csv", f"id,class,segmentation\n{row},paper,{runs(expected)}\n")
    ((place, mask),) = masks(api.open_data(tmp_path, dataset="rle-csv")).items()
    assert (place, mask.tolist()) == (places[0], expected.tolist())


@pytest.mark.parametrize("others", [(), ("x_1.jpg", "y.jpg")])
def test_runs_whose_photos_are_not_there(tmp_path, logged, others):
    rle_csv(tmp_path)
    shutil.rmtree(tmp_path / "train")
    for name in others:
        photo(tmp_path / "train" / name, HEIGHT, WIDTH)
    with pytest.raises(RecycleError, match=r"of its 2 photos none is in .*, as 'a\.jpg': it"):
        api.import_data(tmp_path, None)
    assert "are taken to go" not in logged()  # no mask tells


def test_runs_of_one_photo_of_two_are_refused(tmp_path):
    rle_csv(tmp_path)
    shutil.copytree(tmp_path / "train", tmp_path / "test")
    with pytest.raises(RecycleError, match=r"'a\.jpg' is no file, and 2 photos have that name"):
        api.import_data(tmp_path, None)


def test_photos_that_no_row_of_runs_names_are_counted(tmp_path):
    rle_csv(tmp_path)
    for place in ("train/c.jpg", "test/d.jpg"):
        photo(tmp_path / place, HEIGHT, WIDTH)
    assert api.import_data(tmp_path, None).left_out == {"photos that no row names": 1}


def test_two_masks_of_one_thing_are_no_classes(tmp_path):
    for key in SCENE:
        photo(tmp_path / f"{key}.jpg", HEIGHT, WIDTH)
        for reader, right in (("first", 20), ("second", 21)):
            picture(tmp_path / f"{key}_{reader}.png", drawn((2, 2, right, 20)).astype(np.uint8) * 255)
    with pytest.raises(RecycleError, match="two masks of one thing"):
        api.import_data(tmp_path, None)


@pytest.mark.parametrize(
    ("make", "change", "said"),
    [
        (dataloop, ('"segment"', '"box"'), ""),
        (superannotate_pixels, None, "___save.png is missing"),
        (segments_ai, None, "links to a server"),
        (sagemaker, None, "links to a server.*\n.*put the masks that the links lead to into the folder"),
        (vertex_ai, None, "links to a server"),
        (rle_csv, ("jpg,paper,", "jpg,paper,99999 5 "), "reach out of"),
        (labelme_xml, None, "is not there"),
        (vott, ('"POLYGON"', '"RECTANGLE"'), "boxes"),
        (kili, ('"semantic"', '"rectangle"'), "boxes"),
    ],
    ids=["masks stay", "pixels", "bitmaps", "manifest", "bucket", "runs", "xml masks", "vott boxes", "kili boxes"],
)
def test_what_is_no_area_is_refused_with_its_cause(tmp_path, make, change, said):
    make(tmp_path)
    for file in [*tmp_path.rglob("*")]:
        if change and file.suffix in (".json", ".csv"):
            file.write_text(file.read_text().replace(*change))
        elif change is None and file.suffix == ".png":
            file.unlink()
    if not said:
        assert api.import_data(tmp_path, None).left_out["boxes"] == 2
        return
    with pytest.raises(RecycleError, match=said):
        api.import_data(tmp_path, None)


@pytest.mark.parametrize("make", [superannotate, superannotate_pixels, labelu], ids=lambda make: make.__name__)
def test_what_the_tool_hides_is_left_out(tmp_path, make):
    make(tmp_path)
    for file in tmp_path.rglob("*.json"):
        text = file.read_text(encoding="utf-8")
        for quote in ('"', r"\""):
            for key in ("className", "label"):
                named = f"{quote}{key}{quote}: {quote}metal{quote}"
                text = text.replace(named, f"{named}, {quote}visible{quote}: false")
        file.write_text(text, encoding="utf-8")
    done = api.import_data(tmp_path, None)
    assert done.left_out["hidden regions"] == 2
    for mask in masks(api.open_data(tmp_path, dataset=done.taken.layout.name)).values():
        assert {*np.unique(mask)} == {0, done.class_names.index("paper")}
