"""The dataset `darwin`, against exports that are written here after V7's documentation and darwin-py."""

import numpy as np
import pytest
from recycle_coco import Tree
from recycle_datasets import DarwinOptions
from recycle_datasets.darwin import open_darwin
from recycle_datasets.recognise.darwin import recognise
from tool_exports import HEIGHT, WIDTH, litter, masks_of, painted, photo, points, recognised, write

from recyclecli.types import DatasetContext, LabelFaults, RecycleError

LINE = {"name": "Edge", "line": {"path": [{"x": 0, "y": 0}, {"x": 4, "y": 4}]}}
OTHERS = [
    {"name": "Box", "bounding_box": {"x": 0, "y": 0, "w": 4, "h": 4}},
    {"name": "Round", "ellipse": {"center": {"x": 4, "y": 4}, "radius": {"x": 2, "y": 2}, "angle": 0}},
    {"name": "Sunny", "tag": {}},
    LINE,
    {"name": "Dot", "keypoint": {"x": 1, "y": 1}},
    {"name": "Bones", "skeleton": {"nodes": []}},
]


def polygon(name, *rings):
    return {"id": name, "name": name, "polygon": {"paths": list(rings)}, "bounding_box": {"x": 0, "y": 0}}


def item(name, annotations, path="/", width=WIDTH, height=HEIGHT, source=None, slots=None):
    slot = {"type": "image", "slot_name": "0", "width": width, "height": height}
    slot["source_files"] = [{"file_name": source or name, "url": "https://example.org/1"}]
    about = {"team": {"name": "somebody"}, "item_id": "1"}
    whole = {"name": name, "path": path, "source_info": about, "slots": slots or [slot]}
    return {"version": "2.0", "schema_ref": "https://v7.example/2.0", "item": whole, "annotations": annotations}


def metadata(folder, *classes):
    found = [{"name": name, "type": kind, "color": "rgba(0,0,0,1.0)"} for name, kind in classes]
    write(folder / ".v7/metadata.json", {"version": "1.0", "classes": found})


def raster(values, **ids):
    """The raster layer of a mask of values, as pairs of value and count, row by row."""
    flat, runs = np.asarray(values).ravel().tolist(), []
    for value in flat:
        if runs and runs[-2] == value:
            runs[-1] += 1
        else:
            runs += [value, 1]
    layer = {"dense_rle": runs, "mask_annotation_ids_mapping": ids, "total_pixels": len(flat)}
    return {"id": "r", "name": "__raster_layer__", "raster_layer": layer}


def read(root, **options):
    return open_darwin(DarwinOptions(**options), DatasetContext(root))


def pulled(root, photos, release="latest"):
    """As `darwin dataset pull` lays it: path of each photo to its annotations."""
    for name, annotations in photos.items():
        folder, _, base = name.rpartition("/")
        photo(root / "images" / name)
        content = item(base, annotations, f"/{folder}")
        write(root / "releases" / release / "annotations" / f"{base.rpartition('.')[0]}.json", content)
    return root / "releases" / release / "annotations"


def test_rings_masks_folders_and_classes_of_the_metadata(tmp_path):
    values = np.zeros((HEIGHT, WIDTH), int)
    values[0:2, 0:12] = 3
    values[5:8, 9:12] = 1
    values[6, 10] = 0
    shapes = [
        polygon(" Paper ", points(0, 2, 9, 8), points(2, 3, 7, 7), points(4, 4, 6, 6)),  # an island in a hole
        {"id": "m1", "name": "Glass", "mask": {}},
        {"id": "m2", "name": "Metal", "mask": {}},
        raster(values, m1=3, m2=1),
        *OTHERS,
    ]
    folder = pulled(tmp_path, {"a.jpg": shapes, "dir 1/ü/b.jpg": []})
    metadata(
        folder,
        ("__raster_layer__", "raster_layer"),
        ("Metal", "mask"),
        ("Box", "bounding_box"),
        ("Paper", "polygon"),
        ("Unused", "polygon"),
        ("Glass", "mask"),
        ("Glass", "tag"),
    )
    layout = recognised(recognise, tmp_path)
    assert layout.evidence == "content"
    source = read(tmp_path, **layout.options)
    assert source.class_names == ("Background", "Metal", "Paper", "Unused", "Glass")
    paper = (2, 0, 2, 9, 8), (0, 2, 3, 7, 7), (2, 4, 4, 6, 6)
    masks = (4, 0, 0, 12, 2), (1, 9, 5, 12, 8), (0, 10, 6, 11, 7)
    found = masks_of(source)
    np.testing.assert_array_equal(found["images/a.jpg"], painted(*paper, *masks))
    assert not found["images/dir 1/ü/b.jpg"].any()
    left_out = {"boxes": 1, "ellipses": 1, "tags": 1, "lines": 1, "keypoints": 1, "skeletons": 1}
    assert source.left_out == left_out


def test_version_1_and_photos_beside_their_labels(tmp_path):
    about = {"original_filename": "x.jpg", "filename": "a.jpg", "url": "https://example.org", "path": "/"}
    shapes = [
        {"name": "Zinc", "polygon": {"path": points(0, 0, 8, 8), "additional_paths": [points(2, 2, 4, 4)]}},
        {"name": "Alu", "complex_polygon": {"path": [points(5, 5, 12, 8), points(6, 6, 7, 7)]}},
        {"name": "Alu", "polygon": {"path": points(9, 0, 12, 3)}},
    ]
    image = {"width": WIDTH, "height": HEIGHT, **about}
    write(tmp_path / "deep/er/a.json", {"dataset": "d", "image": image, "annotations": shapes})
    photo(tmp_path / "deep/er/a.jpg")
    source = read(tmp_path)
    assert source.class_names == ("Background", "Alu", "Zinc")
    zinc, alu = ((2, 0, 0, 8, 8), (0, 2, 2, 4, 4)), ((1, 5, 5, 12, 8), (2, 6, 6, 7, 7), (1, 9, 0, 12, 3))
    np.testing.assert_array_equal(masks_of(source)["deep/er/a.jpg"], painted(*zinc, *alu))


def test_the_smaller_is_on_top(tmp_path):
    folder = pulled(tmp_path, {"a.jpg": [polygon("Small", points(2, 2, 4, 4)), polygon("Large", points(0, 0, 8, 8))]})
    metadata(folder, ("Small", "polygon"), ("Large", "polygon"))
    mask = masks_of(read(tmp_path))["images/a.jpg"]
    np.testing.assert_array_equal(mask, painted((2, 0, 0, 8, 8), (1, 2, 2, 4, 4)))


def test_the_latest_release_is_taken_and_said(tmp_path):
    pulled(tmp_path / "data", {"a.jpg": [polygon("Old", points(0, 0, 4, 4))]}, "2023")
    pulled(tmp_path / "data", {"a.jpg": [polygon("New", points(0, 0, 4, 4))]}, "latest")
    litter(tmp_path)
    layout = recognised(recognise, tmp_path)
    assert layout.options == {"folders": ("data/releases/latest/annotations",)}
    assert layout.why.endswith("of 2 releases latest is taken")
    assert read(tmp_path, **layout.options).class_names == ("Background", "New")


def test_lists_of_darwin_are_the_splits(tmp_path):
    shapes = [polygon("Paper", points(0, 0, 4, 4))]
    folder = pulled(tmp_path, {f"{name}.jpg": shapes for name in "abcd"})
    lists = folder.parent / "lists" / "2_1_1"
    lists.mkdir(parents=True)
    for split, names in {"train": "ad", "val": "b", "test": "c"}.items():
        lines = "".join(f"/home/somebody/d/releases/latest/annotations/{name}.json\n" for name in names)
        (lists / f"random_{split}.txt").write_text(lines)
    assert read(tmp_path).splits == {"train": (0, 3), "val": (1,), "test": (2,)}


def test_folders_of_the_dataset_called_as_splits(tmp_path):
    pulled(tmp_path, {"train/a.jpg": [polygon("Paper", points(0, 0, 4, 4))], "validation/b.jpg": []})
    assert read(tmp_path).splits == {"train": (0,), "val": (1,)}


def test_slots_are_photos_and_other_media_left_out(tmp_path):
    slots = [
        {
            "type": kind,
            "slot_name": name,
            "width": WIDTH,
            "height": HEIGHT,
            "source_files": [{"file_name": f"{name}.png"}],
        }
        for name, kind in {"left": "image", "right": "image", "film": "video"}.items()
    ]
    shapes = [
        {**polygon("Paper", points(0, 0, 4, 4)), "slot_names": ["left"]},
        {**polygon("Glass", points(0, 0, 2, 8)), "slot_names": ["right"]},
    ]
    write(tmp_path / "annotations/pair.json", item("pair", shapes, slots=slots))
    photo(tmp_path / "images/pair/left/left.png")
    photo(tmp_path / "images/pair/right/right.png")
    source = read(tmp_path)
    found = masks_of(source)
    np.testing.assert_array_equal(found["images/pair/left/left.png"], painted((2, 0, 0, 4, 4)))
    np.testing.assert_array_equal(found["images/pair/right/right.png"], painted((1, 0, 0, 2, 8)))
    assert source.left_out == {"videos, volumes and documents": 1}


def test_photos_pulled_without_folders_and_renamed_items(tmp_path):
    shapes = [polygon("Paper", points(0, 0, 4, 4))]
    write(tmp_path / "annotations/a.json", item("a.jpeg", shapes, "/far/away", source="IMG.JPG"))
    photo(tmp_path / "images/a.JPG")
    assert list(masks_of(read(tmp_path))) == ["images/a.JPG"]


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("turned", [True, False])
def test_the_stated_size_tells_whether_the_photo_was_turned(tmp_path, orientation, turned):
    width, height = (HEIGHT, WIDTH) if turned and orientation == 6 else (WIDTH, HEIGHT)
    shapes = [polygon("Paper", points(0, 0, 2, 8))]
    write(tmp_path / "annotations/a.json", item("a.jpg", shapes, width=width, height=height))
    photo(tmp_path / "images/a.jpg", orientation=orientation)
    sample = read(tmp_path).read(0)
    np.testing.assert_array_equal(sample.mask, painted((1, 0, 0, 2, 8), width=width, height=height))
    assert sample.image.shape == (height, width, 3)


def test_no_area_at_all_is_refused(tmp_path):
    pulled(tmp_path, {"a.jpg": OTHERS})
    with pytest.raises(RecycleError, match=r"holds no labelled area, but boxes \(1\), ellipses \(1\)"):
        read(tmp_path)


def test_labels_without_photos_are_refused(tmp_path):
    write(tmp_path / "annotations/a.json", item("a.jpg", [polygon("Paper", points(0, 0, 4, 4))]))
    with pytest.raises(RecycleError, match=r"of its 1 photo none is in"):
        read(tmp_path)


def test_all_faults_at_once(tmp_path):
    short = raster(np.zeros((HEIGHT, WIDTH), int), m=1)
    short["raster_layer"]["dense_rle"] = [0, 3]
    odd = raster(np.zeros((HEIGHT, WIDTH), int), m=1)
    odd["raster_layer"]["dense_rle"] = [0, "x", 3]
    shapes = [
        short,
        odd,
        {"name": "__raster_layer__", "raster_layer": {"dense_rle": [0, 96]}},
        {"name": "Paper", "polygon": {"paths": [[{"x": 1}]]}},
        {"name": "Paper", "polygon": {"paths": {"x": 1}}},
        {"name": "", "polygon": {"paths": [points(0, 0, 3, 3)]}},
    ]
    folder = pulled(tmp_path, {"a.jpg": shapes, "b.jpg": []})
    (folder / "b.json").write_bytes(b"{\xff")
    with pytest.raises(LabelFaults) as raised:
        read(tmp_path)
    assert len(raised.value.faults) == 7


def test_a_mask_without_pixels_is_counted(tmp_path):
    shapes = [{"id": "m", "name": "Glass", "mask": {}}, polygon("Paper", points(0, 0, 4, 4))]
    pulled(tmp_path, {"a.jpg": shapes})
    assert read(tmp_path).left_out == {"masks without a pixel": 1}


def test_nothing_else_is_claimed(tmp_path):
    litter(tmp_path)
    write(tmp_path / "coco.json", {"images": [], "annotations": [{"id": 1, "image_id": 1}], "categories": []})
    write(tmp_path / "other.json", {"image": "a.jpg", "annotations": []})
    assert not list(recognise(Tree(tmp_path)))
    with pytest.raises(RecycleError, match="holds no labels of V7"):
        read(tmp_path)
