"""What we write, read by other libraries: pycocotools always, supervision where it is installed.

The photos are drawn, so the test needs no data; the real photos are read, too, where they are.
"""

import json

import numpy as np
import pytest
from pycocotools import mask as tools
from pycocotools.coco import COCO
from recycle_coco import decode, rasterise
from recycle_data.convert import convert
from recycle_data.sources import open_source

SAMPLE = {"images": 12, "size": 256}
BORDER = 1.2  # OpenCV also paints the pixels of the outline: so many per unit of it at most; 1.09 was measured


@pytest.fixture(scope="session")
def drawn(registry, together):
    def make(folder):
        convert(registry, folder / "none", folder / "coco", "sample", "coco", options=SAMPLE)

    return together("second-library", make) / "coco"


@pytest.fixture(params=["drawn", "recycle_trash"])
def root(request):
    return request.getfixturevalue(request.param)


def objects(source):
    """file_name to [(label, (H, W) bool)] of the whole objects."""
    found = {}
    for index in range(len(source)):
        record = source.record(index)
        shapes = [(one, rasterise(one.segmentation, record.height, record.width)) for one in record.annotations]
        found[record.file_name] = [(one.label, decode(rle).view(bool)) for one, rle in shapes if not one.iscrowd]
    return found


def iou(one, other):
    return (one & other).sum() / max((one | other).sum(), 1)


@pytest.mark.parametrize("polygons", [False, True])
def test_pycocotools_reads_the_same_masks(registry, root, tmp_path, polygons, logged):
    file = convert(registry, root, tmp_path / "o", "coco", "coco", polygons=polygons).file
    api = COCO(str(file))
    expected = objects(open_source(registry, root))
    for image in api.dataset["images"]:
        found = [api.annToMask(one) for one in api.imgToAnns[image["id"]] if not one["iscrowd"]]
        for (_, mask), other in zip(expected[image["file_name"]], found, strict=True):
            assert np.array_equal(mask, other)


def test_pycocotools_counts_our_boxes_and_areas(registry, drawn, tmp_path):
    convert(registry, drawn, tmp_path / "m", "coco", "masks")
    content = json.loads(convert(registry, tmp_path / "m", tmp_path / "c", "masks", "coco").file.read_text())
    for one in content["annotations"]:
        assert one["area"] == tools.area(one["segmentation"])
        assert one["bbox"] == tools.toBbox(one["segmentation"]).tolist()


def test_supervision_reads_coco(registry, root, tmp_path):
    supervision = pytest.importorskip("supervision")
    file = convert(registry, root, tmp_path / "o", "coco", "coco").file
    dataset = supervision.DetectionDataset.from_coco(str(tmp_path / "o"), str(file), force_masks=True)
    expected = objects(open_source(registry, root))
    names = open_source(registry, root).class_names
    seen = 0
    for path, _, found in dataset:
        name = next(name for name in expected if path.endswith(name))
        assert len(found) == len(expected[name])
        for (label, mask), other, class_id in zip(expected[name], found.mask, found.class_id, strict=True):
            assert np.array_equal(mask, other)
            assert names[label] == dataset.classes[class_id]
            seen += 1
    assert seen == sum(map(len, expected.values()))


def test_supervision_reads_yolo(registry, root, tmp_path):
    """OpenCV fills the outline's own pixels, too, so masks grow by about half a pixel all around."""
    supervision = pytest.importorskip("supervision")
    convert(registry, root, tmp_path / "y", "coco", "yolo")
    folder = tmp_path / "y"
    dataset = supervision.DetectionDataset.from_yolo(
        str(folder / "images"), str(folder / "labels"), str(folder / "data.yaml"), force_masks=True
    )
    expected = objects(open_source(registry, folder, None, "yolo"))
    names = open_source(registry, folder, None, "yolo").class_names
    ious = []
    for path, _, found in dataset:
        name = next(name for name in expected if path.endswith(name))
        for (label, mask), other, class_id in zip(expected[name], found.mask, found.class_id, strict=True):
            assert names[label] == dataset.classes[class_id]
            ious.append(iou(mask, other))
            inner = np.pad(mask, 1)
            edge = sum((inner != np.roll(inner, 1, axis)).sum() for axis in (0, 1))
            assert (mask != other).sum() <= BORDER * edge
    assert np.median(ious) > 0.9  # 0.953 of the drawn, 0.928 of the real; the least are of objects of a few pixels
