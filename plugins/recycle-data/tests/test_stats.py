"""`recycle data stats`: the figures, the splits, the table, JSON and the page."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from recycle_coco import CocoSource, encode
from recycle_data.cli.stats import bar
from recycle_data.folds import make_folds, write_folds
from recycle_data.pages import charts
from recycle_data.pages.axes import Axis
from recycle_data.pages.stats import stats_page
from recycle_data.sources import open_source
from recycle_data.stats import folder_stats, size_groups, source_stats
from support import SQUARE, coco, recycle_here, write_coco

from recyclecli.types import Record, Sample

COLORS = [(0, 0, 0), (200, 30, 30), (40, 90, 200)]


def square(left, top, side):
    right, low = left + side, top + side
    return [[float(v) for v in (left, top, right, top, right, low, left, low)]]


def entry(number, segmentation, category=1, image=1, **more):
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, **more}


def scene(annotations, images=1, size=100, categories=(("Paper", 1), ("Metal", 2))):
    return {**coco(images, size, categories), "annotations": annotations}


def stats_of(root, content, crowds="auto"):
    """The figures of a COCO content whose photos do not exist: they must not be needed."""
    return source_stats(CocoSource(root, write_coco(root, content, photos=False), crowds=crowds))


class TestFigures:
    def test_pixels_are_visible_and_areas_are_own(self, tmp_path):
        found = stats_of(tmp_path, scene([entry(1, square(0, 0, 50)), entry(2, square(10, 10, 20), category=2)]))
        assert found.pixels.tolist() == [10000 - 2500, 2500 - 400, 400]
        assert [areas.tolist() for areas in found.areas] == [[], [2500], [400]]
        assert found.images.tolist() == [1, 1, 1]
        assert found.objects.tolist() == [0, 1, 1]
        assert found.together.tolist() == [[1, 1, 1]] * 3
        assert sum(found.shares()) == pytest.approx(1)
        assert found.sizes == {(100, 100): 1}

    def test_a_covered_object_counts_and_is_hidden(self, tmp_path):
        annotations = [entry(1, square(0, 0, 20), area=99), entry(2, square(0, 0, 20), category=2, area=1)]
        found = stats_of(tmp_path, scene(annotations))
        assert found.objects.tolist() == [0, 1, 1]
        assert found.hidden.tolist() == [0, 1, 0]
        assert found.images.tolist() == [1, 0, 1]
        assert found.areas[1].tolist() == [400]

    def test_crowds_and_ignored_regions_are_no_objects(self, tmp_path):
        mask = np.zeros((100, 100), np.uint8)
        mask[:10] = 1
        crowd = np.zeros((100, 100), np.uint8)
        crowd[90:] = 1
        content = scene(
            [entry(1, encode(mask), category=3, iscrowd=1), entry(2, encode(crowd), iscrowd=1)],
            categories=(("Paper", 1), ("Metal", 2), ("ignore", 3)),
        )
        found = stats_of(tmp_path, content, "regions")
        assert found.ignored == 1000
        assert found.objects.tolist() == [0, 0, 0]
        assert found.pixels.tolist() == [8000, 1000, 0]
        assert found.shares()[1] == pytest.approx(1 / 9)

    def test_an_empty_photo_among_annotated_ones_is_background_and_not_read(self, tmp_path):
        found = stats_of(tmp_path, scene([entry(1, SQUARE)], images=2))
        assert found.per_photo.tolist() == [1, 0]
        assert found.images.tolist() == [2, 1, 0]

    def test_size_groups_are_cocos(self):
        assert size_groups(np.array([1, 1023, 1024, 9215, 9216])) == (2, 2, 1)

    def test_a_source_without_annotations_is_read(self, registry, tmp_path):
        source = open_source(registry, tmp_path, None, "sample", {"images": 4, "seed": 1, "size": 64})
        found = source_stats(source)
        reads = [source.read(index) for index in range(4)]
        assert found.objects.sum() == sum(len(np.unique(read.instances)) - 1 for read in reads)
        for label in range(len(source.class_names)):
            assert found.pixels[label] == sum((read.mask == label).sum() for read in reads)
        assert found.hidden.sum() == 0

    def test_masks_with_ignored_pixels_and_no_instances(self, tmp_path):
        class Masks:
            class_names = ("Sky", "Road")

            def __len__(self):
                return 1

            def record(self, index):
                return Record(tmp_path / "a.png", "a.png", 4, 4)

            def read(self, index):
                mask = np.array([[0, 0, 1, 255]] * 4, np.uint8)
                return Sample(np.zeros((4, 4, 3), np.uint8), mask, np.zeros((4, 4), np.int32))

        found = source_stats(Masks())
        assert (found.pixels.tolist(), found.ignored, found.objects.tolist()) == ([8, 4], 4, [0, 0])
        assert "Road" in stats_page(found, "t", COLORS[:2])


class TestSplits:
    def test_folds_add_up(self, small, registry):
        source = open_source(registry, small)
        folds = make_folds(source, 3, 0)
        write_folds(source, folds, small, 0, False)
        found = folder_stats(registry, small)
        (group,) = found.splits
        assert [part.name for part in group] == ["fold 0", "fold 1", "fold 2"]
        assert np.array_equal(np.sum([part.objects for part in group], 0), found.objects)
        assert np.array_equal([part.objects for part in group], folds.objects)
        assert [part.photos for part in group] == [4, 4, 4]

    def test_train_and_val_are_counted_by_their_own_annotations(self, tmp_path, registry):
        everything = coco(6)
        write_coco(tmp_path, everything, "train_all.json", photos=False)
        for name, photos in (("train.json", range(1, 5)), ("val.json", range(5, 7))):
            part = {
                **everything,
                "images": [image for image in everything["images"] if image["id"] in photos],
                "annotations": [a for a in everything["annotations"] if a["image_id"] in photos],
            }
            if name == "val.json":
                part["annotations"].append(entry(99, square(0, 0, 4), image=5))
            write_coco(tmp_path, part, name, photos=False)
        found = folder_stats(registry, tmp_path)
        ((train, val),) = found.splits
        assert (train.photos, val.photos) == (4, 2)
        assert train.objects.sum() == 4
        assert val.objects.sum() == 3  # the one that only val.json has is there, too
        assert found.objects.sum() == 6

    def test_folds_of_other_photos_are_left_out_with_a_note(self, small, registry):
        (small / "folds.json").write_text('{"folds": [{"val_images": []}], "source": "x"}')
        found = folder_stats(registry, small)
        assert found.splits == ()
        assert "other photos" in found.notes[0]


class TestOutput:
    def test_json_is_one_object(self, small, tmp_path):
        done = recycle_here("data", "stats", "--data", small, "--json", cwd=tmp_path)
        found = json.loads(done.stdout)
        assert (found["photos"], found["objects"]) == (12, 12)
        paper = found["classes"][1]
        assert (paper["name"], paper["images"], paper["small"]) == ("Paper", 6, 6)
        assert paper["area"]["50"] == 576
        assert len(found["together"]) == 3

    def test_the_table_fits_and_says_what_it_counts(self, small, tmp_path):
        assert recycle_here("data", "kfold", "--n", 5, "--data", small, cwd=tmp_path).returncode == 0
        for width in (80, 100):
            done = recycle_here("data", "stats", "--data", small, cwd=tmp_path, env={"COLUMNS": str(width)})
            assert max(map(len, done.stdout.splitlines())) <= width
            for text in ("Paper", "12 photos, 12 objects", "fold 4", "32x32 (12)"):
                assert text in done.stdout

    def test_html_is_written_once(self, small, tmp_path):
        line = ["data", "stats", "--data", small, "--html", tmp_path / "s.html"]
        assert recycle_here(*line, cwd=tmp_path).returncode == 0
        page = (tmp_path / "s.html").read_text()
        assert page.count("<svg") == 5
        assert "<script" not in page
        again = recycle_here(*line, cwd=tmp_path)
        assert again.returncode == 2
        assert "--force" in again.stderr
        assert recycle_here(*line, "--force", cwd=tmp_path).returncode == 0

    def test_the_page_escapes_names_and_loads_nothing(self, tmp_path):
        bad = "<script>alert(1)</script>"
        found = stats_of(tmp_path, scene([entry(1, SQUARE)], categories=((bad, 1), ("$a_{b", 2))))
        page = stats_page(found, bad, COLORS)
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|http-equiv', "", page)

    def test_no_objects_at_all(self, tmp_path):
        found = stats_of(tmp_path, scene([entry(1, SQUARE, iscrowd=1)]), "regions")
        assert "<svg" in stats_page(found, "t", COLORS)
        assert found.as_dict()["classes"][1]["area"] is None

    def test_bars_of_the_table(self):
        assert bar(0) == ""
        assert bar(1e-9) == "▏"
        assert bar(1) == "█" * 8


class TestAxes:
    @pytest.mark.parametrize(
        ("low", "high", "most", "whole", "texts"),
        [
            (0, 20, 4, True, ["0", "5", "10", "15", "20"]),
            (0, 1, 4, True, ["0", "1"]),
            (0, 0.3, 4, False, ["0", "0.1", "0.2", "0.3"]),
            (0, 85.5, 4, False, ["0", "50"]),
            (0, 13_892, 4, True, ["0", "5,000", "10,000"]),
            (-0.5, 8.5, 8, True, ["0", "2", "4", "6", "8"]),
        ],
    )
    def test_ticks_are_round(self, low, high, most, whole, texts):
        assert [tick.text for tick in Axis(low, high, 0, 100).ticks(most, whole)] == texts

    def test_ticks_of_a_log_axis_are_powers_of_ten_and_no_more_than_asked(self):
        axis = Axis(0.01, 1000, 100, 200, log=True)
        assert [(tick.at, tick.text) for tick in axis.ticks(5)] == [
            (100, "0.01"), (120, "0.1"), (140, "1"), (160, "10"), (180, "100"), (200, "1,000")
        ]  # fmt: skip
        assert len(Axis(1e-6, 1e6, 0, 1, log=True).ticks(4)) <= 5
        assert axis.at(0) == axis.start

    @pytest.mark.parametrize("high", [1e-7, 0.07, 1, 3, 49, 99.9, 1e3, 123_456_789])
    def test_there_are_two_ticks_at_least_and_none_outside(self, high):
        ticks = Axis(0, high, 0, 100).ticks(4)
        assert 2 <= len(ticks) <= 5
        assert all(0 <= tick.at <= 100 for tick in ticks)


class TestCharts:
    def test_bars_are_as_long_as_their_values(self):
        chart = charts.bars([0, 10, 20], ["a", "b", "c"], COLORS, "objects")
        assert [bar.end - chart.left for bar in chart.bars] == pytest.approx(
            [0, (chart.right - chart.left) / 2, chart.right - chart.left], abs=0.11
        )
        assert [(bar.name, bar.color, bar.value) for bar in chart.bars[1:]] == [
            ("b", "#c81e1e", "10"),
            ("c", "#285ac8", "20"),
        ]
        assert chart.words == "objects"

    def test_bars_that_differ_by_far_lie_on_a_log_axis(self):
        chart = charts.bars([1, 0, 100], ["a", "b", "c"], COLORS, "objects")
        assert chart.words == "objects, log scale"
        low, none, high = (bar.end for bar in chart.bars)
        assert none == chart.left < low < high == chart.right
        assert charts.bars([2, 0, 99], ["a", "b", "c"], COLORS, "objects").words == "objects"

    def test_boxes_hold_the_quantiles(self):
        areas = [np.arange(1, 10_001), np.array([], np.int64), np.array([900, 900, 900])]
        chart = charts.size_boxes(areas, ["a", "b", "c"], COLORS)
        least, first, half, third, most = chart.boxes[0].places
        assert chart.left < least < first < half < third < most < chart.right
        decade = chart.ticks[1].at - chart.ticks[0].at
        assert half - first == pytest.approx(decade * np.log10(2), abs=0.3)  # 5000 over 2500
        assert chart.boxes[1].places == ()
        assert len(set(chart.boxes[2].places)) == 1
        assert chart.boxes[2].ink == "currentColor"

    def test_the_matrix_has_no_cell_without_photos_and_shares_of_rows(self):
        chart = charts.together(np.array([[8, 2, 0], [2, 4, 0], [0, 0, 0]]), ["a", "b", "c"])
        assert [(cell.text, cell.share) for cell in chart.cells] == [("8", 1), ("2", 0.25), ("2", 0.5), ("4", 1)]
        assert chart.cells[1].left > chart.cells[0].left
        assert chart.cells[2].top > chart.cells[0].top

    @pytest.mark.parametrize("most", [0, 1, 7, 39, 40, 41, 1000])
    def test_bars_of_the_histogram_stand_for_equally_many_numbers_and_lose_no_photo(self, most):
        per_photo = np.arange(most + 1)
        chart = charts.histogram(per_photo)
        assert 1 <= len(chart.columns) <= charts.MAX_HISTOGRAM_BINS
        assert len({column.top for column in chart.columns[:-1]}) <= 1  # the last may reach beyond the numbers
        assert max(column.left + column.width for column in chart.columns) <= chart.right + 0.2
        assert min(column.top for column in chart.columns) == chart.top

    @pytest.mark.parametrize(
        "names",
        [
            ["Battery"],
            [f"Class {number} of waste" for number in range(40)],
            ["일반 쓰레기", "배터리와 전자제품 및 기타 폐기물 모음", "종이팩"],
            ["W" * 60, "i" * 60, "<b>&\"'</b>", "-"],
            ["-"],
        ],
        ids=["one", "forty", "Korean", "strange", "short"],
    )
    @pytest.mark.parametrize("objects", [0, 1, 12_345_678])
    def test_no_text_is_cut_off(self, names, objects, tmp_path):
        found = stats_of(
            tmp_path, scene([entry(1, SQUARE)], categories=[(name, 1 + n) for n, name in enumerate(names)])
        )
        count = np.full(len(names) + 1, objects)
        found = replace(
            found,
            objects=count,
            images=count,
            together=np.full((len(count), len(count)), objects),
            per_photo=np.array([objects]),
            areas=tuple(np.array([1, 10**8] * bool(objects), np.int64) for _ in count),
        )
        page = stats_page(found, "t", [(9, 9, 9)] * len(count))
        drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
        assert len(drawn) == 5 - (objects == 0)
        for text in drawn:
            svg = ElementTree.fromstring(text)
            _, _, width, height = map(float, svg.get("viewBox").split())
            size = float((svg.find("g").get("font-size") if svg.find("g") is not None else None) or charts.SIZE)
            for one in svg.iter("text"):
                if "rotate" in one.get("transform", ""):
                    continue
                wide = charts._width(one.text or "", size)
                left = float(one.get("x")) - {"end": wide, "mid": wide / 2}.get(one.get("class"), 0)
                assert left >= -0.2, one.text
                assert left + wide <= width + 0.2, one.text
                assert 0 < float(one.get("y")) < height, one.text


def test_a_class_may_have_no_name(tmp_path):
    write_coco(tmp_path, coco(4, categories=(("", 1), ("Metal", 2))))
    done = recycle_here("data", "stats", "--data", tmp_path, "--json", cwd=tmp_path)
    assert (done.returncode, [one["name"] for one in json.loads(done.stdout)["classes"]][1:]) == (0, ["", "Metal"])


def test_what_a_command_does_not_need_is_not_imported(small, tmp_path):
    code = (
        "import sys\nfrom recyclecli.cli.app import main\n"
        "heavy = {'torch', 'matplotlib'}\n"
        "lines = {('check', '--labels-only'): heavy | {'scipy', 'ruamel.yaml'}, ('check',): heavy | {'scipy'},\n"
        "         ('stats', '--html', 'a.html'): heavy}\n"
        "for line, left_out in lines.items():\n"
        f"    sys.argv = ['recycle', 'data', *line, '--data', {str(small)!r}]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert end.code in (0, 1, None), end.code\n"
        "    assert not left_out & set(sys.modules), line\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
