"""`recycle data export`: every pixel of every object, in the forms of CVAT and of Label Studio."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from recycle_coco import encode
from recycle_coco.rle import compressed
from recycle_data.exporting import runs
from recycle_engine import api
from support import coco, write_coco

from recyclecli.types import RecycleError


@pytest.fixture
def data(tmp_path):
    """Two photos of 32x32: one with a ring, a small square within another's, and a name for escaping; one empty."""
    content = coco(2)
    ring = np.zeros((32, 32), np.uint8)
    ring[4:20, 6:26] = 1
    ring[8:12, 10:20] = 0
    from recycle_coco import encode

    square = [[20.0, 22.0, 31.0, 22.0, 31.0, 31.0, 20.0, 31.0]]
    small = [[22.0, 24.0, 25.0, 24.0, 25.0, 27.0, 22.0, 27.0]]
    first = content["images"][0]["id"]
    content["categories"] = [{"id": 1, "name": 'Pa"p&<er'}, {"id": 5, "name": "Metall é"}]
    content["annotations"] = [
        {"id": 1, "image_id": first, "category_id": 5, "segmentation": small, "score": 0.5},
        {"id": 2, "image_id": first, "category_id": 1, "segmentation": encode(ring)},
        {"id": 3, "image_id": first, "category_id": 1, "segmentation": square},
    ]
    write_coco(tmp_path / "data", content)
    return tmp_path / "data"


def masks_of(data):
    found = {}
    source = api.open_data(data)
    for one in source.record(0).annotations:
        from recycle_coco import decode, rasterise

        found[one.id] = decode(rasterise(one.segmentation, 32, 32)).astype(bool)
    return found


def test_cvat_gets_every_pixel_and_the_order_of_painting(data, tmp_path):
    done = api.export_labels(data, tmp_path / "out", "cvat")
    assert (done.photos, done.objects, [file.name for file in done.files]) == (2, 3, ["annotations.xml", "labels.json"])
    images = ElementTree.parse(done.files[0]).getroot().findall("image")
    assert [len(image.findall("mask")) for image in images] == [3, 0]
    drawn = []
    for mask in images[0].findall("mask"):
        left, top, width, height = (int(mask.get(key)) for key in ("left", "top", "width", "height"))
        runs = [int(length) for length in mask.get("rle").split(",")]
        values = np.concatenate([np.full(length, place % 2, bool) for place, length in enumerate(runs)])
        whole = np.zeros((32, 32), bool)
        whole[top : top + height, left : left + width] = values.reshape(height, width)
        drawn.append((mask.get("label"), mask.get("z_order"), whole))
    truth = masks_of(data)
    assert [(name, level) for name, level, _ in drawn] == [('Pa"p&<er', "0"), ('Pa"p&<er', "1"), ("Metall é", "2")]
    assert all(np.array_equal(whole, truth[number]) for (_, _, whole), number in zip(drawn, (2, 3, 1), strict=True))
    labels = json.loads(done.files[1].read_text())
    assert [label["name"] for label in labels] == ['Pa"p&<er', "Metall é"]


def unpacked(code):
    """Label Studio's run-length code read bit by bit, as @thi.ng/rle-pack describes it."""
    bits = "".join(f"{byte:08b}" for byte in code)
    at = 0

    def take(count):
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    total, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    values = []
    while len(values) < total:
        repeated, size = take(1), sizes[take(2)]
        length = take(size) + 1
        values += [take(word)] * length if repeated else [take(word) for _ in range(length)]
    return np.array(values, np.uint8)


@pytest.mark.parametrize("role", ["predictions", "annotations"])
def test_label_studio_gets_every_pixel(data, tmp_path, role):
    done = api.export_labels(data, tmp_path / "out", "label-studio", role=role, prefix="s3://bucket/")
    tasks = json.loads(done.files[0].read_text())
    assert tasks[0]["data"]["image"].startswith("s3://bucket/images/")
    result = tasks[0][role][0]["result"]
    truth = masks_of(data)
    for region, number in zip(result, (2, 3, 1), strict=True):
        channels = unpacked(region["value"]["rle"]).reshape(32, 32, 4)
        assert all(np.array_equal(channels[:, :, channel] == 255, truth[number]) for channel in range(4))
    assert [region.get("score") for region in result] == [None, None, 0.5]
    assert tasks[1][role][0]["result"] == []
    assert ("model_version" in tasks[0][role][0]) == (role == "predictions")
    tags = ElementTree.parse(done.files[1]).getroot().iter("Label")
    assert [tag.get("value") for tag in tags] == ['Pa"p&<er', "Metall é"]


def test_long_runs_are_split():
    from recycle_data.exporting.label_studio import brush

    lengths = [200 * 400, 100 * 400]
    assert np.array_equal(unpacked(brush(np.array(lengths))), np.repeat([0, 255], lengths).repeat(4))


@pytest.mark.parametrize("sparse", [0, 10**6])
def test_runs_are_those_of_the_pixels_row_by_row(monkeypatch, sparse):
    """Also of shapes that reach from edge to edge, whose runs go on in the next row."""
    monkeypatch.setattr(runs, "MAX_SORTED_PIXELS", sparse)
    chance = np.random.default_rng(0)
    for share in (0.02, 0.5, 0.98, 1):
        for height, width in ((1, 7), (7, 1), (6, 5)):
            mask = chance.random((height, width)) < share
            mask[0, 0] = True
            found = runs.stretches(compressed(encode(mask)), "a.png")
            lengths = runs.lengths_in(found, 0, 0, height, width)
            inside = (np.arange(len(lengths)) % 2).astype(bool).repeat(lengths)
            assert np.array_equal(inside.reshape(height, width), mask)


def test_a_coco_file_of_predictions_needs_no_photos(data, tmp_path):
    file = tmp_path / "predicted.json"
    file.write_bytes((data / "annotations.json").read_bytes())
    assert api.export_labels(file, tmp_path / "out", "cvat").objects == 3


def test_what_xml_cannot_hold_and_what_is_the_users_is_refused(data, tmp_path):
    content = json.loads((data / "annotations.json").read_text())
    for name in ("a\x01", "a\uffff"):
        content["categories"][0]["name"] = name
        (data / "annotations.json").write_text(json.dumps(content))
        for tool in ("cvat", "label-studio"):
            with pytest.raises(RecycleError, match="control character"):
                api.export_labels(data, tmp_path / "out", tool)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/tasks.json").write_text("[]")
    with pytest.raises(RecycleError, match="is not what recycle wrote"):
        api.export_labels(data, tmp_path / "mine", "label-studio", force=True)
