"""`recycle data stats`: the figures, the splits, the table, JSON and the page."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from support import SQUARE, coco, recycle_here, write_coco

from recyclecli.cli.stats import bar
from recyclecli.coco import CocoSource, encode
from recyclecli.data.folds import make_folds, write_folds
from recyclecli.data.sources import open_source
from recyclecli.data.stats import folder_stats, size_groups, source_stats
from recyclecli.report.stats import bars, stats_page
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

    def test_bars(self):
        assert bar(0) == ""
        assert bar(1e-9) == "▏"
        assert bar(1) == "█" * 8
        assert "log scale" in bars([1, 900], ["a", "b"], COLORS[:2], "objects")
        assert "log scale" not in bars([0, 9, 20], ["a", "b", "c"], COLORS, "objects")


def test_no_torch(small, tmp_path):
    code = (
        "import sys\nfrom recyclecli.cli.app import main\n"
        f"sys.argv = ['recycle', 'data', 'stats', '--data', {str(small)!r}, '--html', 'a.html']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None), end.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
