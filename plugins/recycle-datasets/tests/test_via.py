"""The dataset `via`: files as VIA 1 and 2 write them, https://www.robots.ox.ac.uk/~vgg/software/via/docs/"""

import csv
import io
import json

import numpy as np
import pytest
from labelled import box, garbage, imported, layouts, masks, painted, photo
from recycle_data import api
from recycle_datasets import ViaOptions
from recycle_datasets.recognise.via import recognise
from recycle_datasets.via import open_via
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, LabelFaults, RecycleError

SQUARE, OTHER = box(2, 2, 9, 9), box(14, 3, 29, 20)


def polygon(points, kind="polygon", **attributes):
    xs, ys = zip(*points, strict=True)
    return region({"name": kind, "all_points_x": list(xs), "all_points_y": list(ys)}, **attributes)


def region(shape, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def entry(name, *regions, as_dict=False):
    found = {str(number): one for number, one in enumerate(regions)} if as_dict else list(regions)
    return {f"{name}123": {"filename": name, "size": 123, "regions": found, "file_attributes": {}}}


def write(file, *entries, project=None):
    content = {key: value for one in entries for key, value in one.items()}
    if project is not None:
        attributes = {"region": project, "file": {}}
        content = {"_via_settings": {}, "_via_img_metadata": content, "_via_attributes": attributes}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return file


def via(root, split=None, **options):
    return open_via(ViaOptions(**options), DatasetContext(root, split))


def one(root, *regions, **options):
    photo(root / "a.png")
    write(root / "via_region_data.json", entry("a.png", *regions))
    return via(root, **options)


class TestViaConforms(DatasetConformance):
    name = "via"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = tmp_path_factory.mktemp("via")
        one(request.cls.root, polygon(SQUARE, name="paper"))


class TestShapes:
    @pytest.mark.parametrize("as_dict", [True, False])
    def test_regions_as_a_list_or_a_dict(self, tmp_path, as_dict):
        photo(tmp_path / "a.png")
        closed = [*SQUARE, SQUARE[0]]  # VIA 1 repeats the first point
        write(tmp_path / "a.json", entry("a.png", polygon(closed, name="paper"), as_dict=as_dict))
        assert np.array_equal(masks(via(tmp_path))["a.png"], painted((1, SQUARE)))

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_the_smaller_is_on_top(self, tmp_path, order):
        shapes = polygon(box(4, 4, 7, 7), c="b"), polygon(SQUARE, c="a")
        found = masks(one(tmp_path, *(shapes[place] for place in order)))["a.png"]
        assert np.array_equal(found, painted((1, SQUARE), (2, box(4, 4, 7, 7))))

    @pytest.mark.parametrize(
        ("shape", "radii", "degrees"),
        [
            ({"name": "circle", "cx": 16, "cy": 12, "r": 9}, (9, 9), 0),
            ({"name": "ellipse", "cx": 16, "cy": 12, "rx": 11, "ry": 5}, (11, 5), 0),
            ({"name": "ellipse", "cx": 16, "cy": 12, "rx": 11, "ry": 5, "theta": np.pi / 4}, (11, 5), 45),
        ],
    )
    def test_circles_and_ellipses(self, tmp_path, shape, radii, degrees):
        x, y = np.meshgrid(np.arange(32) + 0.5 - 16, np.arange(24) + 0.5 - 12)
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        expected = ((x * cos + y * sin) / radii[0]) ** 2 + ((y * cos - x * sin) / radii[1]) ** 2 <= 1
        found = masks(one(tmp_path, region(shape, c="a")))["a.png"]
        assert (found.astype(bool) != expected).sum() <= 6

    def test_lines_are_outlines_where_there_is_no_polygon(self, tmp_path):
        assert np.array_equal(masks(one(tmp_path, polygon(SQUARE, "polyline", c="a")))["a.png"], painted((1, SQUARE)))

    def test_lines_beside_polygons_are_where_their_ends_meet(self, tmp_path):
        around = [*SQUARE, [2, 2.2]]
        opened = polygon([[1, 1], [30, 1], [30, 20], [15, 22]], "polyline", c="a")
        source = one(tmp_path, polygon(box(20, 2, 25, 9), c="a"), polygon(around, "polyline", c="a"), opened)
        assert source.left_out == {"lines": 1}
        assert np.array_equal(masks(source)["a.png"], painted((1, SQUARE), (1, box(20, 2, 25, 9))))

    def test_what_is_no_area_is_counted(self, tmp_path):
        source = one(
            tmp_path,
            polygon(SQUARE, c="a"),
            region({"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3}, c="a"),
            region({"name": "point", "cx": 1, "cy": 1}, c="a"),
            polygon(SQUARE, c=""),
            region({"name": "cube"}, c="a"),
        )
        counted = {"boxes": 1, "points": 1, "regions without a class": 1, "shapes of kind cube": 1}
        assert source.left_out == counted

    @pytest.mark.parametrize("orientation", [3, 6])
    def test_turned_as_exif_says(self, tmp_path, orientation):
        photo(tmp_path / "a.jpg", *((32, 24) if orientation == 6 else (24, 32)), orientation=orientation)
        write(tmp_path / "a.json", entry("a.jpg", polygon(SQUARE, c="a")))
        assert np.array_equal(masks(via(tmp_path))["a.jpg"], painted((1, SQUARE)))


class TestClasses:
    @pytest.mark.parametrize("value", ["", "1", None], ids=["empty", "yes", "its name"])
    def test_an_attribute_for_each_class(self, tmp_path, value):
        left, right = box(2, 2, 10, 10), box(16, 4, 28, 12)
        values = {name: name if value is None else value for name in ("metal", "paper")}
        shapes = polygon(left, paper=values["paper"]), polygon(right, metal=values["metal"])
        photo(tmp_path / "a.png")
        write(tmp_path / "a.json", entry("a.png", *shapes))
        source = via(tmp_path)
        assert source.class_names == ("Background", "metal", "paper")
        assert np.array_equal(masks(source)["a.png"], painted((2, left), (1, right)))

    @pytest.mark.parametrize(
        "attributes",
        [
            {"name": "paper"},
            {"names": "paper"},
            {"code": "paper"},
            {"class_id": "paper"},
            {"type": {"paper": True}},  # a checkbox
            {"type": {"paper": True, "metal": False}},
            {"paper": "1"},  # called as the class
            {"paper": ""},
            {"paper": "undefined"},
            {"insect": "paper", "inseto": "paper"},  # two that say the same
            {"name": "paper", "colour": "red"},
            {"material": " paper "},
        ],
    )
    def test_the_attribute(self, tmp_path, attributes):
        assert one(tmp_path, polygon(SQUARE, **attributes)).class_names == ("Background", "paper")

    def test_numbers(self, tmp_path):
        source = one(tmp_path, polygon(SQUARE, class_id=2), polygon(box(20, 2, 25, 9), class_id=1))
        assert source.class_names == ("Background", "1", "2")

    def test_two_that_differ(self, tmp_path):
        with pytest.raises(RecycleError, match="may be attribute 'one' or 'two'") as caught:
            one(tmp_path, polygon(SQUARE, one="a", two="b"))
        assert "-o data.dataset.attribute=one" in caught.value.remedy
        assert via(tmp_path, attribute="two").class_names == ("Background", "b")

    @pytest.mark.parametrize("kind", ["radio", "dropdown"])
    def test_a_project_keeps_the_order(self, tmp_path, kind):
        photo(tmp_path / "a.png")
        project = {"material": {"type": kind, "options": {"paper": "", "metal": "", "glass": "x"}}}
        write(tmp_path / "via_project.json", entry("a.png", polygon(SQUARE, material="metal")), project=project)
        assert via(tmp_path).class_names == ("Background", "paper", "metal", "glass")

    @pytest.mark.parametrize("kind", ["dropdown", "radio", "checkbox", "beside"])
    def test_numbers_are_called_by_their_texts(self, tmp_path, kind, logged):
        photo(tmp_path / "a.png")
        options = {"1": "Paper", "2": "Metal ", "3": ""}
        project = {"material": {"type": kind, "options": options}}
        values = [{"2": True, "1": False} if kind == "checkbox" else "2", 3]
        shapes = (polygon(points, material=value) for points, value in zip((SQUARE, OTHER), values, strict=True))
        write(tmp_path / "via.json", entry("a.png", *shapes), project=None if kind == "beside" else project)
        if kind == "beside":
            (tmp_path / "via_attributes.json").write_text(json.dumps({"region": project, "file": {}}))
        source = via(tmp_path)
        assert source.class_names == ("Background", "Paper", "Metal", "3")
        assert np.array_equal(masks(source)["a.png"], painted((2, SQUARE), (3, OTHER)))
        assert "classes are the texts of 'material', as 'Paper' for '1'" in logged()

    def test_a_project_named_as_an_export(self, tmp_path):
        photo(tmp_path / "a.png")
        write(tmp_path / "via_region_data.json", entry("a.png", polygon(SQUARE, c="x")), project={})
        assert via(tmp_path).class_names == ("Background", "x")

    def test_export_beside_its_project(self, tmp_path):
        source = one(tmp_path, polygon(SQUARE, c="x"))
        assert source.left_out == {}
        write(tmp_path / "project.json", entry("a.png", polygon(SQUARE, c="x")), project={})
        assert via(tmp_path).left_out == {"photos that are labelled twice in the same way": 1}

    def test_no_region_has_a_class(self, tmp_path, logged):
        source = one(tmp_path, polygon(SQUARE), polygon(box(20, 2, 25, 9)))
        assert source.class_names == ("Background", "object")
        assert "no region has a class" in logged()
        assert via(tmp_path, unnamed="kudzu").class_names == ("Background", "kudzu")
        assert not logged()

    def test_a_value_that_nobody_set_is_no_class(self, tmp_path, logged):
        usual = {"type": "unknown", "image_quality": {"good": True}}
        regions = [polygon(SQUARE, name=name, **usual) for name in ("x", "x", "not_defined")]
        source = one(tmp_path, *regions)
        assert (source.class_names, source.left_out) == (("Background", "x"), {"regions without a class": 1})
        assert one(tmp_path, polygon(SQUARE, name="not_defined")).class_names == ("Background", "object")
        assert "no region has a class" in logged()

    def test_one_file_without_classes(self, tmp_path):
        for name in ("train", "val"):
            photo(tmp_path / name / f"{name}.png")
        write(tmp_path / "train/via.json", entry("train.png", polygon(SQUARE, c="x")))
        write(tmp_path / "val/via.json", entry("val.png", polygon(SQUARE)))
        source = via(tmp_path)
        assert [*masks(source)] == ["train/train.png"]
        assert source.left_out == {"regions without a class": 1, "photos none of whose regions has a class": 1}

    def test_photos_without_regions_are_background(self, tmp_path):
        for name in "ab":
            photo(tmp_path / f"{name}.png")
        write(tmp_path / "a.json", entry("a.png"), entry("b.png", polygon(SQUARE, c="x")))
        assert [found.any() for found in masks(via(tmp_path)).values()] == [False, True]


class TestFiles:
    def test_folders_of_splits_one_folder_deeper(self, tmp_path):
        garbage(tmp_path)
        for name in ("train", "val"):
            photo(tmp_path / "set" / name / "사진 %20.png")
            write(tmp_path / "set" / name / "via_region_data.json", entry("사진 %20.png", polygon(SQUARE, c="x")))
        done, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert done.splits == {"train": 1, "val": 1}
        assert np.array_equal(written["val.json"]["set/val/사진 %20.png"], painted((1, SQUARE)))

    def test_nothing_in_garbage(self, tmp_path):
        assert layouts(recognise, garbage(tmp_path)) == []

    def test_a_large_export(self, tmp_path):
        """The last photo that the recogniser sees is cut off, its regions with it."""
        wave = [[x, 5 + x % 3] for x in range(30)] + [[29, 20], [0, 20]]
        entries = [entry(f"{number}.png", polygon(wave, c="x"), polygon(wave, c="y")) for number in range(400)]
        write(tmp_path / "a.json", *entries)
        photo(tmp_path / "399.png")
        assert (tmp_path / "a.json").stat().st_size > 2**16
        source = via(tmp_path)
        assert source.left_out == {"photos that are not there": 399}

    def test_many_files_in_one_folder(self, tmp_path):
        for number in range(8):
            photo(tmp_path / f"{number}.png")
            write(tmp_path / f"{number}.json", entry(f"{number}.png", polygon(SQUARE, c="x")))
        assert len(via(tmp_path)) == 8

    def test_csv(self, tmp_path):
        photo(tmp_path / "a.png")
        stream = io.StringIO()
        writer = csv.writer(stream)
        columns = "#filename file_size file_attributes region_count region_id region_shape_attributes region_attributes"
        writer.writerow(columns.split())
        for number, shape in enumerate((polygon(SQUARE, c="x"), polygon(box(20, 2, 25, 9), c="y"))):
            texts = [json.dumps(shape[key]) for key in ("shape_attributes", "region_attributes")]
            writer.writerow(["a.png", 1, "{}", 2, number, *texts])
        writer.writerow(["b.png", 1, "{}", 0, 0, "{}", "{}"])
        (tmp_path / "via_export_csv.csv").write_text(stream.getvalue())
        photo(tmp_path / "b.png")
        found = masks(via(tmp_path))
        assert np.array_equal(found["a.png"], painted((1, SQUARE), (2, box(20, 2, 25, 9))))
        assert not found["b.png"].any()


class TestRefused:
    def test_boxes_alone(self, tmp_path):
        with pytest.raises(RecycleError, match=r"no labelled area, but boxes \(1\)"):
            one(tmp_path, region({"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3}, c="a"))

    def test_all_faults_at_once(self, tmp_path):
        with pytest.raises(LabelFaults) as caught:
            one(
                tmp_path,
                polygon([[1, 2], [None, 4], [5, 6]], c="a"),
                region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1]}, c="a"),
                region({"name": "polygon", "all_points_x": 5, "all_points_y": [1]}, c="a"),
                region({"name": "circle", "cx": 1}, c="a"),
                region({"name": "ellipse", "cx": 1, "cy": 1, "rx": None, "ry": 2}, c="a"),
                region({"name": "ellipse", "cx": 1, "cy": 1, "rx": 3, "ry": 2, "theta": float("inf")}, c="a"),
                region({"name": "circle", "cx": 1, "cy": 10**400, "r": 3}, c="a"),
            )
        assert len(caught.value.faults) == 7

    @pytest.mark.parametrize(
        "content",
        [
            [],
            {"a": 1},
            {"a": {"filename": "a", "regions": 5}},
            {"_via_img_metadata": []},
            {"_via_img_metadata": {"a": {"filename": 3}}, "_via_attributes": []},
            {"_via_img_metadata": None},
        ],
    )
    def test_other_json(self, tmp_path, content):
        (tmp_path / "a.json").write_text(json.dumps(content))
        with pytest.raises(RecycleError, match="is no project or region file of VIA"):
            via(tmp_path, files=("a.json",))

    @pytest.mark.parametrize(
        "attributes", [[], {"region": []}, {"region": {"c": 1}}, {"region": {"c": {"options": 7}}}]
    )
    def test_strange_attributes_of_a_project(self, tmp_path, attributes):
        photo(tmp_path / "a.png")
        content = {"_via_img_metadata": entry("a.png", polygon(SQUARE, c="x")), "_via_attributes": attributes}
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert via(tmp_path).class_names == ("Background", "x")

    def test_labels_without_photos(self, tmp_path):
        write(tmp_path / "a.json", entry("a.png", polygon(SQUARE, c="x")))
        with pytest.raises(RecycleError, match="it holds no photo"):
            via(tmp_path)


def test_the_attributes_that_are_not_the_class_are_named(tmp_path, logged):
    one(tmp_path, polygon(SQUARE, name="paper", state="wet"), polygon(SQUARE, name="paper", state="dry"))
    assert "the class is attribute 'name', not 'state'" in logged()


def test_outlines_of_larger_photos_are_named_on_import(tmp_path, logged):
    far = [(4, 4), (90, 4), (90, 70), (4, 70)]
    for name in ("a", "b", "c"):
        photo(tmp_path / f"in/{name}.png")
    entries = [entry(f"{name}.png", polygon(far, name="paper")) for name in "abc"]
    write(tmp_path / "in/via_region_data.json", *entries)
    api.import_data(tmp_path / "in", tmp_path / "out")
    assert "the outlines of 3 of 3 objects leave their photos" in logged()
