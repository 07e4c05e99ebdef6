"""The dataset `labelbox`, against exports that are written here after Labelbox's documentation."""

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image
from recycle_coco import Tree
from recycle_datasets import LabelboxOptions
from recycle_datasets.labelbox import open_labelbox
from recycle_datasets.recognise.labelbox import recognise
from tool_exports import HEIGHT, WIDTH, litter, masks_of, painted, photo, png, points, recognised, write

from recyclecli.types import DatasetContext, LabelFaults, RecycleError

BOX = {
    "name": "Box",
    "annotation_kind": "ImageBoundingBox",
    "bounding_box": {"top": 0, "left": 0, "height": 3, "width": 3},
}
LINE = {"name": "Edge", "annotation_kind": "ImagePolyline", "line": [{"x": 0, "y": 0}, {"x": 3, "y": 3}]}
POINT = {"name": "Dot", "annotation_kind": "ImagePoint", "point": {"x": 0, "y": 0}}
LINK = {"url": "https://api.labelbox.com/api/v1/tasks/1/masks/2/index/1"}
LINKED = {
    "name": "Road",
    "annotation_kind": "ImageSegmentationMask",
    "composite_mask": {**LINK, "color_rgb": [255, 0, 0]},
}


def polygon(name, *corners):
    return {"feature_id": "f", "name": name, "annotation_kind": "ImagePolygon", "polygon": points(*corners)}


def label(*objects, **more):
    about = {"created_by": "somebody@example.org", "created_at": "2024-01-01"}
    annotations = {"objects": list(objects), "classifications": [], "relationships": []}
    return {"label_kind": "Default", "id": "l", "label_details": about, "annotations": annotations, **more}


def row(external, *labels, project="p1", size=(HEIGHT, WIDTH), **more):
    media = {"height": size[0], "width": size[1], "mime_type": "image/jpeg", "exif_rotation": "1"} if size else {}
    projects = {project: {"name": f"Name of {project}", "labels": list(labels), "project_details": {}}}
    data = {"id": f"id-{external}", "external_id": external, "row_data": "https://example.org/1/x.jpg"}
    return {"data_row": data, "media_attributes": media, "projects": projects, "metadata_fields": [], **more}


def lines(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")


def read(root, **options):
    return open_labelbox(LabelboxOptions(**options), DatasetContext(root))


@pytest.mark.parametrize("form", ["lines", "list"])
def test_polygons_inline_masks_and_what_is_left_out(tmp_path, form):
    ring = painted((1, 5, 0, 12, 4), (0, 7, 1, 9, 3))
    inline = {"name": "Glass", "annotation_kind": "ImageSegmentationMask", "mask": {"png": png(ring, compress=False)}}
    rows = [
        row(
            "사진 1.jpg",
            label(polygon("Paper", 0, 0, 5, 8), polygon("Metal", 1, 1, 3, 3), inline, BOX, LINE, POINT, LINKED),
        ),
        row("empty.jpg", label()),
        row("todo.jpg"),
        row("film.mp4", label(), media_attributes={"mime_type": "video/mp4"}),
    ]
    file = tmp_path / "deep/er/export.ndjson"
    lines(file, rows) if form == "lines" else write(file.with_suffix(".json"), rows)
    photo(tmp_path / "deep/photos/사진 1.jpg")
    photo(tmp_path / "deep/photos/empty.jpg")
    photo(tmp_path / "deep/photos/todo.jpg")
    litter(tmp_path)
    layout = recognised(recognise, tmp_path)
    assert layout.evidence == "content"
    source = read(tmp_path, **layout.options)
    assert source.class_names == ("Background", "Glass", "Metal", "Paper")
    found = masks_of(source)
    assert set(found) == {"deep/photos/사진 1.jpg", "deep/photos/empty.jpg"}
    expected = painted((3, 0, 0, 5, 8), (2, 1, 1, 3, 3)) + ring
    np.testing.assert_array_equal(found["deep/photos/사진 1.jpg"], expected)
    assert source.left_out == {
        "boxes": 1,
        "lines": 1,
        "points": 1,
        "masks that are links to api.labelbox.com": 1,
        "photos that nobody has labelled": 1,
        "videos, texts and documents": 1,
    }


def test_names_of_photos(tmp_path):
    """External id without a suffix, global key, last part of the address behind a UUID, id of the row."""
    shapes = label(polygon("Paper", 0, 0, 3, 3))
    rows = [row(name, shapes) for name in ("IMG_1", "no-such-name", "other", "row")]
    rows[1]["data_row"]["global_key"] = "folder/key.jpg"
    rows[2]["data_row"]["row_data"] = (
        "https://storage.labelbox.com/org%2F0b1c2d3e-aaaa-bbbb-cccc-0123456789ab-street%20view.jpg?Expires=1&Key=2"
    )
    lines(tmp_path / "export.ndjson", rows)
    names = {"photos/IMG_1.jpeg", "photos/folder/key.jpg", "photos/street view.jpg", "photos/id-row.png"}
    for name in names:
        photo(tmp_path / name)
    assert set(masks_of(read(tmp_path))) == names


def test_classes_in_the_order_of_an_ontology(tmp_path):
    lines(tmp_path / "export.ndjson", [row("a.jpg", label(polygon("Alu", 0, 0, 3, 3), polygon("Zinc", 5, 5, 8, 8)))])
    tools = [
        {"tool": kind, "name": name}
        for name, kind in {"Zinc": "polygon", "Box": "rectangle", "Alu": "superpixel"}.items()
    ]
    write(tmp_path / "ontology.json", {"tools": tools, "classifications": []})
    photo(tmp_path / "a.jpg")
    source = read(tmp_path)
    assert source.class_names == ("Background", "Zinc", "Alu")
    np.testing.assert_array_equal(masks_of(source)["a.jpg"], painted((2, 0, 0, 3, 3), (1, 5, 5, 8, 8)))


def test_projects_are_united_or_chosen_and_one_label_of_several_taken(tmp_path):
    first = row("a.jpg", label(polygon("Paper", 0, 0, 3, 3)), label(polygon("Paper", 4, 0, 7, 3)))
    second = row("a.jpg", label(polygon("Glass", 8, 0, 12, 8)), project="p2")
    first["projects"] |= second["projects"]
    lines(tmp_path / "export.ndjson", [first])
    photo(tmp_path / "a.jpg")
    source = read(tmp_path)
    np.testing.assert_array_equal(masks_of(source)["a.jpg"], painted((2, 0, 0, 3, 3), (1, 8, 0, 12, 8)))
    assert source.left_out == {"further labels of the same photos": 1}
    assert read(tmp_path, project="Name of p2").class_names == ("Background", "Glass")


def test_metadata_are_the_splits_and_skipped_labels_are_none(tmp_path):
    shapes = label(polygon("Paper", 0, 0, 3, 3))
    kinds = {
        "a": [{"schema_name": "split", "value": "train"}],
        "b": [{"schema_name": "split", "value": [{"schema_name": "valid"}]}],
        "c": [{"schema_name": "other", "value": "test"}],
    }
    rows = [row(f"{name}.jpg", shapes, metadata_fields=fields) for name, fields in kinds.items()]
    rows.append(row("d.jpg", label(skipped=True)))
    lines(tmp_path / "export.ndjson", rows)
    for name in "abcd":
        photo(tmp_path / f"{name}.jpg")
    source = read(tmp_path)
    assert source.splits == {"train": (0,), "val": (1,)}
    assert source.left_out == {"labels that were skipped": 1, "photos that nobody has labelled": 1}


def old(external, found, **more):
    about = {"Created By": "somebody@example.org", "Project Name": "p", "Labeled Data": "https://example.org/x.jpg"}
    return {"ID": f"id-{external}", "DataRow ID": external, "External ID": external, "Label": found, **about, **more}


def old_rows():
    one = {"title": "Paper", "value": "paper", "color": "#F00", "polygon": points(0, 0, 4, 4)}
    crossed = {"title": "Paper", "bbox": {"top": 0, "left": 0, "height": 3, "width": 3}}
    linked = {"title": "Glass", "instanceURI": "https://api.labelbox.com/masks/feature/1"}
    return [
        old("a.jpg", {"objects": [one, crossed, linked], "classifications": []}),
        old("a.jpg", {"objects": [], "classifications": []}),
        old("b.jpg", {"objects": [], "classifications": []}),
        old("c.jpg", {}, Skipped=True),
        old("d.jpg", {}),
    ]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_first_version(tmp_path, form):
    if form == "json":
        write(tmp_path / "export.json", old_rows())
    else:
        with (tmp_path / "export.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, [*old_rows()[0], "Skipped"])
            writer.writeheader()
            writer.writerows({**one, "Label": json.dumps(one["Label"])} for one in old_rows())
    for name in "abcd":
        photo(tmp_path / f"{name}.jpg")
    layout = recognised(recognise, tmp_path)
    source = read(tmp_path, **layout.options)
    found = masks_of(source)
    assert set(found) == {"a.jpg", "b.jpg"}
    np.testing.assert_array_equal(found["a.jpg"], painted((1, 0, 0, 4, 4)))
    assert source.left_out == {
        "boxes": 1,
        "masks that are links to api.labelbox.com": 1,
        "further labels of the same photos": 1,
        "photos that were skipped": 1,
        "photos that nobody has labelled": 1,
    }


def test_the_oldest_outlines_count_from_the_lower_edge(tmp_path):
    wkt = "MULTIPOLYGON (((0 8, 6 8, 6 4, 0 4, 0 8), (2 7, 4 7, 4 5, 2 5, 2 7)), ((8 1.0, 8 0, 12 0, 12 1.0, 8 1.0)))"
    rows = [
        old("a.jpg", {"Paper": wkt, "weather": "sunny"}),
        old("b.jpg", {"Glass": [{"geometry": points(0, 0, 4, 2)}], "Dots": [{"geometry": {"x": 1, "y": 1}}]}),
        old("c.jpg", {"Glass": [points(0, 0, 4, 2), points(8, 6, 12, 8)]}),
        old("d.jpg", "Skip"),
    ]
    write(tmp_path / "export.json", rows)
    for name in "abcd":
        photo(tmp_path / f"{name}.jpg")
    source = read(tmp_path)
    found = masks_of(source)
    np.testing.assert_array_equal(found["a.jpg"], painted((2, 0, 0, 6, 4), (0, 2, 1, 4, 3), (2, 8, 7, 12, 8)))
    np.testing.assert_array_equal(found["b.jpg"], painted((1, 0, 6, 4, 8)))
    np.testing.assert_array_equal(found["c.jpg"], painted((1, 0, 6, 4, 8), (1, 8, 0, 12, 2)))
    assert source.left_out == {"tags": 1, "points and lines": 1, "photos that were skipped": 1}


def test_lines_that_are_made_to_be_imported(tmp_path):
    mask = {"png": png(painted((1, 6, 0, 12, 8)), compress=False)}
    rows = [
        {"uuid": "1", "dataRow": {"globalKey": "a.jpg"}, "name": "Paper", "polygon": points(0, 0, 3, 3)},
        {"uuid": "2", "dataRow": {"globalKey": "a.jpg"}, "name": "Glass", "mask": mask},
        {"uuid": "3", "dataRow": {"globalKey": "a.jpg"}, "name": "Box", "bbox": {"top": 0}},
    ]
    lines(tmp_path / "import.ndjson", rows)
    photo(tmp_path / "photos/a.jpg")
    found = masks_of(read(tmp_path))
    np.testing.assert_array_equal(found["photos/a.jpg"], painted((2, 0, 0, 3, 3), (1, 6, 0, 12, 8)))


@pytest.mark.parametrize(
    ("orientation", "size"), [(3, None), (3, (HEIGHT, WIDTH)), (6, None), (6, (HEIGHT, WIDTH)), (6, (WIDTH, HEIGHT))]
)
def test_the_stated_size_tells_whether_the_photo_was_turned(tmp_path, orientation, size):
    lines(tmp_path / "export.ndjson", [row("a.jpg", label(polygon("Paper", 0, 0, 2, 8)), size=size)])
    photo(tmp_path / "a.jpg", orientation=orientation)
    height, width = size or ((WIDTH, HEIGHT) if orientation == 6 else (HEIGHT, WIDTH))
    sample = read(tmp_path).read(0)
    np.testing.assert_array_equal(sample.mask, painted((1, 0, 0, 2, 8), width=width, height=height))
    assert sample.image.shape == (height, width, 3)


def test_masks_that_are_links_are_refused_with_the_cause(tmp_path):
    lines(tmp_path / "export.ndjson", [row(f"{number}.jpg", label(LINKED)) for number in range(200)])
    photo(tmp_path / "1.jpg")
    cause = (
        "no outline of an area, but masks that are links to api.labelbox.com (200): the masks themselves are not in it"
    )
    with pytest.raises(RecycleError, match=re.escape(cause)) as raised:
        read(tmp_path)
    assert "LABELBOX_API_KEY" in raised.value.remedy


def test_masks_beside_the_photos(tmp_path):
    """One under the id of its object, two of one composite mask under an id in their link."""
    first, second = painted((1, 0, 0, 3, 3)), painted((1, 6, 0, 9, 8), (2, 9, 0, 12, 8))
    link = "https://api.labelbox.com/api/v1/projects/p/annotations/cl0123456789abcdefghijklm/index/1/mask"
    colors = [(0, 0, 0), (142, 220, 196), (4, 5, 6)]
    composite = [{"url": link, "color_rgb": color} for color in colors]
    objects = [
        {
            "name": "Paper",
            "feature_id": "clone",
            "mask": {"url": "https://api.labelbox.com/masks/feature/clone?token=1"},
        },
        {"name": "Glass", "feature_id": "cltwo", "composite_mask": composite[1]},
        {"name": "Metal", "feature_id": "clthree", "composite_mask": composite[2]},
        {"name": "Metal", "feature_id": "clgone", "mask": {"url": "https://api.labelbox.com/masks/feature/clgone"}},
    ]
    lines(tmp_path / "export.ndjson", [row("a.jpg", label(*objects))])
    photo(tmp_path / "photos/a.jpg")
    (tmp_path / "masks").mkdir()
    Image.fromarray(first * 255).save(tmp_path / "masks/clone.png")
    Image.fromarray(np.array(colors, np.uint8)[second]).save(tmp_path / "masks/cl0123456789abcdefghijklm.png")
    source = read(tmp_path)
    assert source.class_names == ("Background", "Glass", "Metal", "Paper")
    np.testing.assert_array_equal(masks_of(source)["photos/a.jpg"], first * 3 + second)
    assert source.left_out == {"masks that are links to api.labelbox.com": 1}


def test_boxes_alone_are_refused(tmp_path):
    lines(tmp_path / "export.ndjson", [row("1.jpg", label(BOX, BOX))])
    photo(tmp_path / "1.jpg")
    with pytest.raises(RecycleError, match=r"holds no polygon and no mask, but boxes \(2\)"):
        read(tmp_path)


def test_labels_without_photos_are_refused(tmp_path):
    lines(tmp_path / "export.ndjson", [row("1.jpg", label(polygon("Paper", 0, 0, 3, 3)))])
    with pytest.raises(RecycleError, match=r"of its 1 photo none is in"):
        read(tmp_path)


def test_all_faults_at_once(tmp_path):
    nameless = polygon("", 0, 0, 3, 3)
    broken = {"name": "Paper", "polygon": [{"x": 1}]}
    text = {"name": "Paper", "mask": {"png": "AAAA"}}
    lines(tmp_path / "export.ndjson", [row("1.jpg", label(nameless, broken, text, 3)), {"other": 1}])
    with (tmp_path / "export.ndjson").open("a") as handle:
        handle.write('{"data_row": \n\n')
    photo(tmp_path / "1.jpg")
    with pytest.raises(LabelFaults) as raised:
        read(tmp_path)
    assert len(raised.value.faults) == 6
    assert "export.ndjson, line 3" in raised.value.faults[-1][0]


def test_nothing_else_is_claimed(tmp_path):
    litter(tmp_path)
    write(tmp_path / "tasks.json", [{"id": 1, "data": {"image": "a.jpg"}, "annotations": []}])
    (tmp_path / "words.csv").write_text("name,Label\na,b\n")
    assert not list(recognise(Tree(tmp_path)))
    with pytest.raises(RecycleError, match="holds no labels of Labelbox"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([row("a.jpg", label())], "no mask: no object in its 1 photo"),
        ([row("a.jpg", label(BOX))], r"no mask, but boxes \(1\)"),
        ([row("a.jpg")], "no mask, but photos that nobody has labelled"),
    ],
)
def test_what_there_is_in_the_place_of_areas(tmp_path, rows, says):
    photo(tmp_path / "a.jpg")
    lines(tmp_path / "export.ndjson", rows)
    with pytest.raises(RecycleError, match=says):
        read(tmp_path)
