"""The dataset `label-studio`: JSON as https://labelstud.io/guide/export.html and the pages of its tags describe it."""

import base64
import io
import json
from itertools import pairwise

import numpy as np
import pytest
from labelled import box, garbage, imported, layouts, masks, painted, photo
from PIL import Image
from recycle_datasets import LabelStudioOptions
from recycle_datasets.label_studio import open_label_studio
from recycle_datasets.recognise.label_studio import recognise
from recycle_datasets.rle import decode_brush
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, LabelFaults, RecycleError

HEIGHT, WIDTH = 24, 32
SQUARE = box(8, 6, 16, 18)


def result(kind, value, number, **more):
    sides = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    about = {"id": f"r{number}", "from_name": "label", "to_name": "image", "type": kind, "origin": "manual"}
    return {**sides, "value": value, **about, **more}


def percent(points):
    return [[x * 100 / WIDTH, y * 100 / HEIGHT] for x, y in points]


def polygon(label, points=SQUARE, number=0, **more):
    return result("polygonlabels", {"points": percent(points), "polygonlabels": [label]}, number, **more)


def brush(label, pixels, number=0, literal=False):
    rle = packed(np.repeat(pixels.astype(np.uint8) * 255, 4), literal)
    return result("brushlabels", {"format": "rle", "rle": rle, "brushlabels": [label]}, number)


def packed(values, literal=False):
    """Bytes that @thi.ng/rle-pack writes for 8-bit values: as runs, or all as they are."""
    bits = [f"{len(values):032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in (3, 4, 8, 16))]
    places = np.flatnonzero(np.diff(values.astype(int), prepend=-1, append=-1)).tolist()
    runs = [*pairwise(places)]
    if literal:
        runs = [(start, min(start + 200, len(values))) for start in range(0, len(values), 200)]
    for start, end in runs:
        while start < end:
            length = min(end - start, 2**16)
            place = next(place for place, size in enumerate((3, 4, 8, 16)) if length <= 2**size)
            words = values[start : start + length] if literal else values[start : start + 1]
            bits += ["01"[not literal], f"{place:02b}", f"{length - 1:0{(3, 4, 8, 16)[place]}b}"]
            bits += [f"{word:08b}" for word in words]
            start += length
    text = "".join(bits)
    return [int(text[place : place + 8].ljust(8, "0"), 2) for place in range(0, len(text), 8)]


def annotation(*results, **more):
    return {"id": 1, "completed_by": 1, "result": list(results), "was_cancelled": False, "ground_truth": False, **more}


def task(address, *annotations, number=1, **more):
    return {"id": number, "annotations": list(annotations), "data": {"image": address}, "predictions": [], **more}


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return file


def read(root, split=None, **options):
    return open_label_studio(LabelStudioOptions(**options), DatasetContext(root, split))


def one(root, *results, **more):
    photo(root / "a.png")
    write(root / "result.json", [task("/data/upload/1/0123abcd-a.png", annotation(*results, **more))])
    return read(root)


class TestLabelStudioConforms(DatasetConformance):
    name = "label-studio"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = tmp_path_factory.mktemp("ls")
        one(request.cls.root, polygon("paper"))


class TestBrush:
    @pytest.mark.parametrize("literal", [False, True])
    @pytest.mark.parametrize("kind", ["noise", "parts", "all", "none"])
    def test_decodes(self, kind, literal):
        pixels = np.zeros((HEIGHT, WIDTH), bool)
        if kind == "noise":
            pixels = np.random.default_rng(0).random((HEIGHT, WIDTH)) > 0.5
        elif kind == "parts":
            pixels[2:9, 3:20] = pixels[15:, 25:] = True
            pixels[4:6, 5:9] = False
        elif kind == "all":
            pixels[:] = True
        data = packed(np.repeat(pixels.astype(np.uint8) * 255, 4), literal)
        assert np.array_equal(decode_brush(data, HEIGHT, WIDTH), pixels)

    def test_long_runs(self):
        pixels = np.zeros((300, 400), bool)
        pixels[150:, 1:] = True
        data = packed(np.repeat(pixels.astype(np.uint8) * 255, 4))
        assert np.array_equal(decode_brush(data, 300, 400), pixels)

    def test_the_alpha_channel_tells(self):
        values = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        values[..., :3] = 200  # a colour that is not seen
        values[3:5, 6:9, 3] = 1
        expected = np.zeros((HEIGHT, WIDTH), bool)
        expected[3:5, 6:9] = True
        assert np.array_equal(decode_brush(packed(values.ravel()), HEIGHT, WIDTH), expected)

    @pytest.mark.parametrize("data", [[], [0] * 40, [255] * 40, [1, 2, 3]])
    def test_refuses_other_streams(self, data):
        with pytest.raises(ValueError, match="its rle"):
            decode_brush(data, HEIGHT, WIDTH)

    @pytest.mark.parametrize("kept", [0.3, 0.9])
    def test_refuses_cut_streams(self, kept):
        data = packed(np.random.default_rng(0).integers(0, 255, HEIGHT * WIDTH * 4).astype(np.uint8))
        with pytest.raises(ValueError, match="ends too early"):
            decode_brush(data[: int(len(data) * kept)], HEIGHT, WIDTH)


class TestShapes:
    def test_polygon_in_per_cent(self, tmp_path):
        source = one(tmp_path, polygon("paper"))
        assert source.class_names == ("Background", "paper")
        assert np.array_equal(masks(source)["a.png"], painted((1, SQUARE)))

    def test_turned_on_the_screen(self, tmp_path):
        source = one(tmp_path, polygon("paper", image_rotation=90))
        assert np.array_equal(masks(source)["a.png"], painted((1, SQUARE)))

    def test_brush_with_holes_and_parts(self, tmp_path):
        pixels = np.random.default_rng(1).random((HEIGHT, WIDTH)) > 0.7
        assert np.array_equal(masks(one(tmp_path, brush("paper", pixels)))["a.png"], pixels)

    def test_ellipse_is_turned_clockwise(self, tmp_path):
        x, y = np.meshgrid(np.arange(WIDTH) + 0.5 - 16, np.arange(HEIGHT) + 0.5 - 12)
        cos = sin = np.sqrt(0.5)
        expected = ((x * cos + y * sin) / 10) ** 2 + ((y * cos - x * sin) / 4) ** 2 <= 1
        value = {"x": 50, "y": 50, "radiusX": 1000 / WIDTH, "radiusY": 400 / HEIGHT, "rotation": 45}
        found = masks(one(tmp_path, result("ellipselabels", {**value, "ellipselabels": ["x"]}, 0)))["a.png"]
        assert (found.astype(bool) != expected).sum() <= 4

    def test_bitmask(self, tmp_path):
        pixels = np.random.default_rng(1).random((HEIGHT, WIDTH)) > 0.7
        stream = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8) * 255).save(stream, "PNG")
        address = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
        value = {"imageDataURL": address, "bitmasklabels": ["x"]}
        assert np.array_equal(masks(one(tmp_path, result("bitmasklabels", value, 0)))["a.png"], pixels)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_the_smaller_is_on_top(self, tmp_path, order):
        shapes = polygon("b", box(10, 8, 12, 10), 1), polygon("a", SQUARE, 2)
        found = masks(one(tmp_path, *(shapes[place] for place in order)))["a.png"]
        assert np.array_equal(found, painted((1, SQUARE), (2, box(10, 8, 12, 10))))

    def test_label_of_a_tag_of_its_own(self, tmp_path):
        """<Polygon> and <Labels>: two results of one id, the label's with the shape again."""
        shape = {"points": percent(SQUARE), "closed": True}
        source = one(
            tmp_path,
            result("polygon", shape, 4, from_name="shape"),
            result("labels", {**shape, "labels": ["paper"]}, 4),
            result("choices", {**shape, "choices": ["wet"]}, 4, from_name="state"),
        )
        assert source.left_out == {}
        assert len(source.record(0).annotations) == 1
        assert np.array_equal(masks(source)["a.png"], painted((1, SQUARE)))

    def test_what_is_no_area_is_counted(self, tmp_path):
        place = {"x": 1, "y": 1, "width": 3}
        source = one(
            tmp_path,
            polygon("paper"),
            result("rectanglelabels", {**place, "height": 4, "rectanglelabels": ["paper"]}, 1),
            result("keypointlabels", {**place, "keypointlabels": ["paper"]}, 2),
            polygon("paper", number=3, hidden=True),
            result("polygon", {"points": percent(SQUARE)}, 4),
            result("polygonlabels", {"points": [[1, 1]], "closed": False, "polygonlabels": ["a"]}, 5),
            result("choices", {"choices": ["blurred"]}, 6),
            result("brushlabels", {"format": "rle", "rle": [], "brushlabels": ["a"]}, 7),
            {"type": "relation", "from_id": "r0", "to_id": "r1"},
        )
        assert source.left_out == {
            "boxes": 1,
            "keypoints": 1,
            "hidden regions": 1,
            "regions without a label": 1,
            "polygons that are not closed": 1,
            "tags and texts": 1,
            "brush regions without a stroke": 1,
        }
        assert source.class_names == ("Background", "paper")

    def test_size_of_the_photo_where_none_is_stated(self, tmp_path):
        region = {"type": "polygonlabels", "value": {"points": percent(SQUARE), "polygonlabels": ["a"]}}
        assert np.array_equal(masks(one(tmp_path, region))["a.png"], painted((1, SQUARE)))

    @pytest.mark.parametrize("width", [float("inf"), float("nan"), -1, 0, 10**30, "32", None])
    def test_size_of_the_photo_where_none_such_is_stated(self, tmp_path, width):
        source = one(tmp_path, polygon("x", original_width=width))
        assert np.array_equal(masks(source)["a.png"], painted((1, SQUARE)))

    @pytest.mark.parametrize("orientation", [3, 6])
    def test_turned_as_exif_says(self, tmp_path, orientation):
        photo(tmp_path / "a.jpg", *((32, 24) if orientation == 6 else (24, 32)), orientation=orientation)
        write(tmp_path / "a.json", [task("a.jpg", annotation(polygon("x")))])
        assert np.array_equal(masks(read(tmp_path))["a.jpg"], painted((1, SQUARE)))

    def test_labelled_as_stored(self, tmp_path):
        photo(tmp_path / "a.jpg", 24, 32, orientation=6)
        write(tmp_path / "a.json", [task("a.jpg", annotation(polygon("x")))])
        assert read(tmp_path).read(0).image.shape == (24, 32, 3)


class TestAnnotations:
    def test_ground_truth_then_the_latest(self, tmp_path):
        for number in range(3):
            photo(tmp_path / f"{number}.png")
        old, new = (annotation(polygon(name), updated_at=f"202{number}-01-01") for number, name in enumerate("on"))
        truth = annotation(polygon("t"), ground_truth=True, updated_at="2019-01-01")
        skipped = annotation(polygon("s"), was_cancelled=True, updated_at="2030-01-01")
        content = [
            task("0.png", new, old, skipped, number=0),
            task("1.png", old, truth, new, number=1),
            task("2.png", old, number=2),
        ]
        write(tmp_path / "a.json", content)
        source = read(tmp_path)
        assert source.class_names == ("Background", "n", "o", "t")
        assert [found.max() for found in masks(source).values()] == [1, 3, 2]
        assert source.left_out == {"annotations of a task beside the one that is taken": 3}

    def test_tasks_that_nobody_labelled(self, tmp_path):
        for name in "abcd":
            photo(tmp_path / f"{name}.png")
        content = [
            task("a.png", annotation(polygon("x")), number=1),
            task("b.png", number=2, predictions=[{"result": [polygon("x")]}]),
            task("c.png", annotation(was_cancelled=True), number=3),
            task("d.png", annotation(), number=4),  # submitted without a region: it shows none
        ]
        write(tmp_path / "a.json", content)
        source = read(tmp_path)
        assert [*masks(source)] == ["a.png", "d.png"]
        assert source.left_out == {
            "photos that nobody has labelled": 1,
            "photos that the annotators skipped": 1,
            "predictions of models": 1,
        }

    def test_order_of_the_labelling_configuration(self, tmp_path):
        (tmp_path / "config.xml").write_text(
            '<View><Image name="image" value="$image"/><Header value="x"/><RectangleLabels name="b" toName="image">'
            '<Label value="box"/></RectangleLabels><PolygonLabels name="label" toName="image"><Label value="metal"/>'
            '<View><Label value="Papier" alias="paper" background="#ff0"/></View></PolygonLabels></View>'
        )
        assert one(tmp_path, polygon("paper")).class_names == ("Background", "metal", "paper")


class TestForms:
    def test_minimal(self, tmp_path):
        for name in "ab":
            photo(tmp_path / f"{name}.png")
        sides = {"original_width": WIDTH, "original_height": HEIGHT}
        shape = {"points": percent(SQUARE), "closed": True, **sides}
        pixels = np.random.default_rng(1).random((HEIGHT, WIDTH)) > 0.7
        about = {"annotator": 1, "annotation_id": 3, "created_at": "2024", "updated_at": "2024", "lead_time": 3.2}
        drawn = {**brush("b", pixels)["value"], **sides}
        content = [
            {
                "image": "/data/upload/1/0123abcd-a.png",
                "id": 5,
                "shape": [shape],
                "label": [{**shape, "labels": ["a"]}],
                **about,
            },
            {"image": "/data/upload/1/0123abcd-b.png", "id": 6, "label": [drawn], "state": "wet", **about},
            {"image": "/data/upload/1/0123abcd-b.png", "id": 6, "label": [], **about, "updated_at": "2020"},
        ]
        write(tmp_path / "result.json", content)
        source = read(tmp_path)
        assert source.class_names == ("Background", "a", "b")
        found = masks(source)
        assert np.array_equal(found["a.png"], painted((1, SQUARE)))
        assert np.array_equal(found["b.png"], pixels * 2)

    @pytest.mark.parametrize("suffix", [".json", ""])
    def test_a_file_for_each_stored_annotation(self, tmp_path, suffix):
        for number in range(7):
            photo(tmp_path / f"photos/{number}.png")
            stored = {**annotation(polygon("x")), "task": {"id": number, "data": {"image": f"s3://b/c/{number}.png"}}}
            write(tmp_path / f"annotations/{number}{suffix}", stored)
        assert len(read(tmp_path)) == 7

    def test_stored_annotations_of_one_task(self, tmp_path):
        photo(tmp_path / "a.png")
        about = {"id": 5, "data": {"image": "s3://bucket/a.png"}}
        for number, label in enumerate("xyz"):
            stored = annotation(polygon(label), updated_at=f"202{number % 2}-01-01")
            write(tmp_path / f"annotations/{number}.json", {**stored, "task": about})
        assert read(tmp_path).class_names == ("Background", "y")

    def test_two_projects_in_one_file(self, tmp_path):
        """Their tasks have the same ids."""
        for name in "ab":
            photo(tmp_path / f"{name}.png")
        write(tmp_path / "all.json", [task(f"{name}.png", annotation(polygon(name))) for name in "ab"])
        assert [found.max() for found in masks(read(tmp_path)).values()] == [1, 2]

    def test_a_file_for_each_task(self, tmp_path):
        for number in range(7):
            photo(tmp_path / f"{number}.png")
            write(tmp_path / f"task-{number}.json", task(f"{number}.png", annotation(polygon("x")), number=number))
        assert len(read(tmp_path)) == 7

    def test_before_version_1(self, tmp_path):
        photo(tmp_path / "a.png")
        write(tmp_path / "a.json", [{"id": 1, "completions": [annotation(polygon("x"))], "data": {"image": "a.png"}}])
        assert len(read(tmp_path)) == 1

    def test_data_behind_much_else(self, tmp_path):
        """A brush fills the beginning that a recogniser looks at."""
        pixels = np.random.default_rng(1).random((HEIGHT * 9, WIDTH * 9)) > 0.5
        region = {**brush("x", pixels), "original_width": WIDTH * 9, "original_height": HEIGHT * 9}
        photo(tmp_path / "a.png", HEIGHT * 9, WIDTH * 9)
        file = write(tmp_path / "a.json", [task("a.png", annotation(region))])
        assert file.stat().st_size > 2**16
        assert np.array_equal(masks(read(tmp_path))["a.png"], pixels)

    def test_several_photos_of_a_task(self, tmp_path):
        for name in "abc":
            photo(tmp_path / f"{name}.png")
        data = {"before": "a.png", "after": "b.png"}
        regions = polygon("x", to_name="after"), polygon("y", box(1, 1, 5, 5), to_name="before")
        write(tmp_path / "a.json", [{**task("", annotation(*regions)), "data": data}])
        found = masks(read(tmp_path))
        assert np.array_equal(found["a.png"], painted((2, box(1, 1, 5, 5))))
        assert np.array_equal(found["b.png"], painted((1, SQUARE)))

    def test_pages_of_a_task(self, tmp_path):
        for name in "ab":
            photo(tmp_path / f"{name}.png")
        regions = polygon("x", item_index=1), polygon("y", box(1, 1, 5, 5), item_index=0)
        write(tmp_path / "a.json", [{**task("", annotation(*regions)), "data": {"pages": ["a.png", "b.png"]}}])
        found = masks(read(tmp_path))
        assert np.array_equal(found["a.png"], painted((2, box(1, 1, 5, 5))))
        assert np.array_equal(found["b.png"], painted((1, SQUARE)))


class TestPhotos:
    @pytest.mark.parametrize(
        ("address", "there"),
        [
            ("/data/upload/1/0123abcd-a%201.png", "a 1.png"),
            ("/data/upload/1/0123abcd-a.png", "images/0123abcd-a.png"),
            ("/data/local-files/?d=set/photos/a%20b.png", "photos/a b.png"),
            ("/data/local-files/?d=C%3A%5Cset%5Ca.png", "a.png"),
            ("s3://bucket/set/사진.png", "사진.png"),
            ("gs://bucket/set/a.png", "set/a.png"),
            ("https://example.org/x/a.png?token=1", "a.png"),
            ("a.png", "deep/er/a.png"),
            ("/tasks/4/presign/?fileuri=" + base64.b64encode(b"s3://bucket/x/a.png").decode(), "a.png"),
        ],
    )
    def test_addresses(self, tmp_path, address, there):
        photo(tmp_path / there)
        write(tmp_path / "result.json", [task(address, annotation(polygon("x")))])
        assert [*masks(read(tmp_path))] == [there]

    def test_a_photo_in_its_address(self, tmp_path):
        photo(tmp_path / "b.png")
        data = base64.b64encode(photo(tmp_path / "x/a.png").read_bytes()).decode()
        (tmp_path / "x/a.png").unlink()
        content = [task(f"data:image/png;base64,{data}", annotation(polygon("x")))]
        write(tmp_path / "result.json", content)
        assert np.array_equal(masks(read(tmp_path))["result-1.png"], painted((1, SQUARE)))

    def test_one_folder_deeper_beside_garbage(self, tmp_path):
        garbage(tmp_path)
        photo(tmp_path / "set/images/a.png")
        write(tmp_path / "set/result.json", [task("/data/upload/1/0123abcd-a.png", annotation(polygon("x")))])
        (found,) = layouts(recognise, tmp_path)
        assert found.options == {"files": ("set/result.json",)}
        done, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert done.taken.layout.name == "label-studio"
        assert np.array_equal(written["train_all.json"]["set/images/a.png"], painted((1, SQUARE)))

    def test_nothing_in_garbage(self, tmp_path):
        assert layouts(recognise, garbage(tmp_path)) == []


class TestRefused:
    def test_boxes_alone(self, tmp_path):
        value = {"x": 1, "y": 1, "width": 3, "height": 4, "rectanglelabels": ["paper"]}
        with pytest.raises(RecycleError, match=r"no labelled area, but boxes \(1\)"):
            one(tmp_path, result("rectanglelabels", value, 1))

    def test_predictions_alone(self, tmp_path):
        photo(tmp_path / "a.png")
        write(tmp_path / "a.json", [task("a.png", predictions=[{"result": [polygon("x")]}])])
        with pytest.raises(
            RecycleError, match=r"no labelled task, but predictions of models \(1\), photos that nobody"
        ):
            read(tmp_path)

    def test_ids_of_annotations(self, tmp_path):
        photo(tmp_path / "a.png")
        write(tmp_path / "a.json", [task("a.png", 17)])
        with pytest.raises(RecycleError, match="ids of its annotations alone") as caught:
            read(tmp_path)
        assert "as JSON" in caught.value.remedy

    def test_all_faults_at_once(self, tmp_path):
        pixels = np.ones((HEIGHT, WIDTH + 1), bool)
        with pytest.raises(LabelFaults) as caught:
            one(
                tmp_path,
                brush("a", pixels, 0),
                result("brushlabels", {"rle": [0, 999], "brushlabels": ["a"]}, 1),
                result("brushlabels", {"rle": "abc", "brushlabels": ["a"]}, 2),
                result("polygonlabels", {"points": [[1, "x"]], "polygonlabels": ["a"]}, 3),
                result("polygonlabels", {"points": 7, "polygonlabels": ["a"]}, 4),
                result("ellipselabels", {"radiusX": 1, "ellipselabels": ["a"]}, 5),
                result("bitmasklabels", {"imageDataURL": "data:,eA==", "bitmasklabels": ["a"]}, 6),
            )
        assert len(caught.value.faults) == 7

    @pytest.mark.parametrize(
        "content", [{}, [1], [None], [{"data": 1, "annotations": []}], {"images": []}, "text", 7, [[]]]
    )
    def test_other_json(self, tmp_path, content):
        write(tmp_path / "a.json", content)
        with pytest.raises(RecycleError, match="holds no tasks of Label Studio"):
            read(tmp_path, files=("a.json",))

    @pytest.mark.parametrize(
        ("strange", "left_out"),
        [
            ({"data": None, "annotations": [{"result": [{"value": {}}]}]}, {"photos that are not there": 1}),
            ({"data": {"image": None}, "annotations": [annotation()]}, {"photos that are not there": 1}),
            ({"data": {"image": ["c.png", 3]}, "annotations": [{"result": {}}]}, {"photos that are not there": 1}),
            ({"data": {"image": "c.png"}, "annotations": {}}, {"photos that nobody has labelled": 1}),
            (
                {"data": {"image": "c.png"}, "annotations": None, "predictions": 3},
                {"photos that nobody has labelled": 1},
            ),
            (7, {}),
        ],
    )
    def test_strange_tasks_beside_a_sound_one(self, tmp_path, strange, left_out):
        photo(tmp_path / "b.png")
        write(tmp_path / "a.json", [task("b.png", annotation(polygon("x")), number=9), strange])
        source = read(tmp_path)
        assert [*masks(source)] == ["b.png"]
        assert source.left_out.items() >= left_out.items()

    @pytest.mark.parametrize("data", ["%%%", "eA", ""])
    def test_an_address_that_holds_no_photo(self, tmp_path, data):
        write(tmp_path / "a.json", [task(f"data:image/png;base64,{data}", annotation(polygon("x")))])
        with pytest.raises(RecycleError, match=r"a\.json: the photo in it cannot be read") as caught:
            read(tmp_path).read(0)
        assert "a-1.png" in caught.value.remedy


def test_further_labels_and_photos_are_counted(tmp_path):
    both = polygon("paper")
    both["value"]["polygonlabels"] = ["paper", "metal"]
    two = task("a.png", annotation(both))
    two["data"]["second"] = "b.png"
    for name in "ab":
        photo(tmp_path / f"{name}.png")
    write(tmp_path / "result.json", [two])
    found = {"further labels of a region": 1, "further photos of tasks, without regions": 1}
    assert read(tmp_path).left_out == found
