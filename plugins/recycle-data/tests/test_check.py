"""The linter's own parts; recall on planted faults is in tests/faults."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image
from recycle_coco import CocoSource
from recycle_data.check import CATALOGUE, check_coco, check_contents, mended
from recycle_data.check.geometry import parts_of
from recycle_data.check.masks import BLENDED, blended
from recycle_data.splits import make_split
from support import SHARED, SQUARE, coco, recycle_here, write_coco

from recyclecli.discovery import discover
from recyclecli.errors import RecycleError
from recyclecli.recipe import DataSection

DOCS = Path(__file__).parents[3] / "docs"


def codes(findings):
    return {finding.code for finding in findings}


def labels_of(root, content):
    return check_contents(root, {"all": content}, {"all": "x.json"}, labels_only=True)


def test_every_fault_is_documented():
    text = (DOCS / "reference/faults.md").read_text()
    for code, fault in CATALOGUE.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{code}` "))
        fixed = "yes" if fault.mended else ""
        assert [cell.strip() for cell in line.split("|")[2:-1]] == [fault.severity, fault.meaning, fault.remedy, fixed]
    assert text.count("\n| `") == len(CATALOGUE)


class TestMending:
    @pytest.fixture
    def broken(self):
        content = coco(4)
        first, second, third, fourth = content["annotations"]
        first["bbox"], first["area"] = [0, 0, 3, 3], 7
        second["segmentation"] = [[4, 4, 50, 4, 50, 28, 4, 28], [1, 1, 2, 2]]
        third["id"] = first["id"]
        third["category_id"] = str(third["category_id"])
        fourth["segmentation"] = fourth["segmentation"][0]
        content["categories"][0] |= {"name": "Paper ", "supercategory": "sorting"}
        content["categories"].append({"id": 3, "name": "sorting"})
        content["annotations"] += [
            fourth | {"id": 90},
            fourth | {"id": 91, "segmentation": []},
            fourth | {"id": 92, "image_id": 77},
        ]
        content["images"].append(content["images"][2] | {"id": 50})
        content["annotations"].append(third | {"id": 93, "image_id": 50})
        return content

    def test_leaves_nothing_that_it_says_it_mends(self, tmp_path, broken):
        before = labels_of(tmp_path, broken)
        wanted = {code for code, fault in CATALOGUE.items() if fault.mended}
        assert codes(before) == wanted
        new, done = mended(broken)
        assert labels_of(tmp_path, new) == []
        assert set(done) >= wanted - {"area-mismatch", "bbox-mismatch"}

    @pytest.mark.parametrize(
        ("changed", "says"),
        [
            ({"segmentation": None}, "all 4 annotations have a box and no outline"),
            ({"segmentation": [[4, 4, 28, 28]]}, "all 4 annotations have the four numbers of a box"),
            ({"segmentation": [[-9, -9, -2, -9, -2, -2]]}, "the outlines of 4 of 4 objects leave their photos"),
            ({"image_id": "photo"}, "all 4 annotations are of an image that the file does not list .*'photo'"),
        ],
    )
    def test_what_a_whole_file_spells_alike_is_not_deleted(self, changed, says):
        content = coco(4)
        content["annotations"] = [annotation | changed for annotation in content["annotations"]]
        with pytest.raises(RecycleError, match=says):
            mended(content)

    def test_no_photo_is_left_without_the_labels_that_it_had(self):
        content = coco(4)
        content["annotations"][2]["segmentation"] = []
        with pytest.raises(RecycleError, match=r"would leave images/3\.jpg without a label"):
            mended(content)
        content["annotations"].append(content["annotations"][2] | {"id": 5, "segmentation": SQUARE})
        new, done = mended(content)
        assert ([one["id"] for one in new["annotations"]], done["empty-segmentation"]) == ([1, 2, 4, 5], 1)

    @pytest.mark.parametrize(
        "shape", [SQUARE[0], [SQUARE[0][k : k + 2] for k in range(0, 8, 2)], [list(map(str, SQUARE[0]))],
                  [[SQUARE[0][k : k + 2] for k in range(0, 8, 2)]]],
    )  # fmt: skip
    @pytest.mark.parametrize("spelled", [str, float])
    def test_loose_spellings_are_read_and_mended(self, tmp_path, shape, spelled):
        content = coco(4)
        for annotation in content["annotations"]:
            annotation |= {"segmentation": shape, **{key: spelled(annotation[key]) for key in ("image_id", "iscrowd")}}
            annotation["category_id"] = spelled(annotation["category_id"])
        for category in content["categories"]:
            category["id"] = spelled(category["id"])
        file = write_coco(tmp_path, content)
        plain = CocoSource(tmp_path, write_coco(tmp_path, coco(4), "plain.json"))
        for read in (
            CocoSource(tmp_path, file),
            CocoSource(tmp_path, write_coco(tmp_path, mended(content)[0], "m.json")),
        ):
            assert [read.record(k).annotations for k in range(4)] == [plain.record(k).annotations for k in range(4)]
        assert codes(labels_of(tmp_path, content)) == {"loose-number", "loose-points"}
        assert labels_of(tmp_path, mended(content)[0]) == []

    def test_the_original_is_left_alone(self, broken):
        copy = json.loads(json.dumps(broken))
        mended(broken)
        assert broken == copy

    def test_drops_unused_categories_where_there_are_too_many(self, tmp_path):
        """As LVIS lists 1,203; at the limit they stay."""
        for number, kept in ((252, 254), (253, 2)):
            content = coco(4)
            content["categories"] += [{"id": 10 + one, "name": f"other {one}"} for one in range(number)]
            new, done = mended(content)
            assert len(new["categories"]) == kept
            assert done["too-many-classes"] == (number if kept == 2 else 0)
            assert ("too-many-classes" in codes(labels_of(tmp_path, content))) == (kept == 2)
            assert "too-many-classes" not in codes(labels_of(tmp_path, new))
            if kept == 2:
                with pytest.raises(RecycleError, match=r"256 classes; masks of 8 bits hold at most 255") as caught:
                    CocoSource(tmp_path, write_coco(tmp_path, content))
                assert "--fix FEWER.json" in caught.value.remedy

    def test_clips_at_the_photo(self, broken):
        new, _ = mended(broken)
        shape = new["annotations"][1]
        assert len(shape["segmentation"]) == 1
        points = np.reshape(shape["segmentation"][0], (-1, 2))
        assert points.min(0).tolist() == [4, 4]
        assert points.max(0).tolist() == [32, 28]
        assert shape["area"] == 28 * 24

    def test_what_cannot_be_mended_stays(self, tmp_path):
        content = coco(2)
        content["annotations"][0]["segmentation"] = [[1, 1, float("nan"), 5, 9, 9]]
        new, _ = mended(content)
        assert "malformed-segmentation" in codes(labels_of(tmp_path, new))

    def test_a_part_that_crosses_itself_stays_beside_one_that_goes(self):
        content = coco(2)
        tie = [4, 4, 20, 20, 20, 4, 4, 20]  # of no signed area
        content["annotations"][0]["segmentation"] = [tie, [1, 1, 2, 2]]
        new, _ = mended(content)
        assert new["annotations"][0]["segmentation"] == [tie]

    @pytest.mark.parametrize(
        "part", [[4, 4, 20, 4, 20, 20, 20, 4], [60, 60, 70, 60, 70, 70, 70, 60], [60, 60, 70, 70, 70, 60, 60, 70]]
    )
    def test_crossing_parts_that_enclose_nothing_in_the_photo_go(self, part):
        content = coco(2)
        square = content["annotations"][0]["segmentation"][0]
        content["annotations"][0]["segmentation"] = [part, [1, 1, 2, 2], square]
        new, _ = mended(content)
        assert new["annotations"][0]["segmentation"] == [square]

    def test_what_was_left_outside_is_not_told_as_mended(self, tmp_path):
        content = coco(2)
        content["annotations"][0]["segmentation"] = [[4, 4, 60, 20, 60, 4, 4, 28]]  # crosses itself in the photo
        new, done = mended(content)
        assert "outside-image" not in done
        assert "outside-image" in codes(labels_of(tmp_path, new))

    def test_many_parts_are_measured_in_several_goes(self, tmp_path, monkeypatch):
        content = coco(12)
        content["annotations"][5]["segmentation"] = [[4, 4, 20, 20, 20, 4, 4, 28]]
        whole = labels_of(tmp_path, content)
        assert "self-crossing-polygon" in codes(whole)
        monkeypatch.setattr("recycle_data.check.geometry.NUMBERS_AT_A_TIME", 250)
        assert labels_of(tmp_path, content) == whole


class TestShapes:
    def test_parts_are_measured_as_each_alone(self):
        """Many parts in one pass against shapely, one by one; lines and a bow-tie without signed area among them."""
        chance = np.random.default_rng(0)
        parts = [chance.uniform(-50, 600, (int(chance.integers(3, 40)), 2)).round(2) for _ in range(200)]
        parts += [np.array([[0, 0], [4, 4], [4, 0], [0, 4]]), np.array([[1, 1], [9, 9], [5, 5]])]
        parts += [np.array([[3.0, 3.0]]), np.array([[1, 1], [2, 5]]), np.array([[7, 7], [7, 7], [7, 7]])]
        shapes = [[], [part.ravel().tolist() for part in parts], {"size": [1, 1]}, [[], parts[0].ravel().tolist()]]
        none, measured, run_length, one = parts_of(shapes)
        assert none is run_length is None
        assert one.areas.tolist() == measured.areas[:1].tolist()
        assert measured.flat.tolist() == [False] * 201 + [True] * 4
        for k, part in enumerate(parts):
            assert measured.low[k].tolist() == part.min(0).tolist()
            assert measured.high[k].tolist() == part.max(0).tolist()
            polygon = None if measured.flat[k] else shapely.Polygon(part)
            assert measured.polygons[k] == polygon
            assert measured.valid[k] == (polygon is not None and polygon.is_valid)
            x, y = part.T
            area = abs(sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
            assert measured.areas[k] == pytest.approx(area, abs=1e-6)

    def test_a_fault_names_the_part_in_the_file(self, tmp_path):
        content = coco(1)
        content["annotations"][0]["segmentation"] = [[1, 1, 2, 2], [], [4, 4, 20, 20, 20, 4, 4, 28]]
        crossing = [one for one in labels_of(tmp_path, content) if one.code == "self-crossing-polygon"]
        assert [one.detail.partition(" at ")[0] for one in crossing] == ["part 2"]

    def test_objects_under_many_others(self, tmp_path):
        """More than are merged by themselves: strips of one pixel over a square, all of it or all but one row."""
        content = coco(1, size=128)
        base = {key: value for key, value in content["annotations"][0].items() if key not in ("area", "bbox")}
        square = base | {"id": 1, "segmentation": [[4, 4, 100, 4, 100, 100, 4, 100]]}
        strips = [
            base | {"id": 10 + row, "category_id": 2, "segmentation": [[3, row, 101, row, 101, row + 1, 3, row + 1]]}
            for row in range(4, 100)
        ]
        content["annotations"] = [square, *strips]
        hidden = [one for one in labels_of(tmp_path, content) if one.code == "hidden-object"]
        assert [one.where.split()[1] for one in hidden] == ["1"]
        content["annotations"] = [square, *strips[:-3], *strips[-2:]]
        assert "hidden-object" not in codes(labels_of(tmp_path, content))

    def test_hidden_under_several(self, tmp_path):
        """By the union of what is painted later, of which no one alone hides it."""
        content = coco(1)
        box = lambda left, right: [[left, 4, right, 4, right, 20, left, 20]]  # noqa: E731
        shapes = [box(4, 20), box(2, 13), box(12, 22), box(24, 30)]
        base = {key: value for key, value in content["annotations"][0].items() if key not in ("area", "bbox")}
        areas = [999, 176, 160, 96]
        content["annotations"] = [
            base | {"id": k + 1, "segmentation": shape, "area": area}
            for k, (shape, area) in enumerate(zip(shapes, areas, strict=True))
        ]
        hidden = [one for one in labels_of(tmp_path, content) if one.code == "hidden-object"]
        assert [(one.where.split()[1], one.detail) for one in hidden] == [("1", "under annotation 2, 3")]
        content["annotations"][2]["segmentation"] = box(14, 22)  # a column of pixels shows between the two
        assert "hidden-object" not in codes(labels_of(tmp_path, content))


class TestRealLabels:
    @pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
    @pytest.mark.parametrize("name", ["recycle-trash", "recycle-trash-pseudo", "camvid"])
    def test_have_no_errors(self, name):
        findings = check_coco(SHARED / name, {"all": SHARED / name / "train.json"}, labels_only=True)
        assert not [finding for finding in findings if finding.fault.severity == "error"]

    def test_what_training_refuses_is_an_error(self, tmp_path):
        for change in ({"segmentation": "x"}, {"category_id": 99}, {"image_id": 99}, {"area": float("nan")}):
            content = coco(2)
            content["annotations"][0] |= change
            write_coco(tmp_path, content, photos=False)
            with pytest.raises(RecycleError):
                CocoSource(tmp_path, tmp_path / "annotations.json")
            assert any(finding.fault.severity == "error" for finding in labels_of(tmp_path, content))


class TestLooks:
    def test_interpolated_masks_are_told_from_nearest(self):
        mask = np.zeros((120, 120), np.uint8)
        mask[20:70, 30:90], mask[60:100, 50:110] = 3, 7
        whole = Image.fromarray(mask)
        assert blended(mask.astype(np.int64)) == 0
        nearest = np.asarray(whole.resize((200, 170), Image.Resampling.NEAREST))
        smooth = np.asarray(whole.resize((200, 170), Image.Resampling.BILINEAR))
        assert blended(nearest.astype(np.int64)) < 0.05
        assert blended(smooth.astype(np.int64)) > 0.3

    @pytest.mark.parametrize("side", [12, 16, 24, 32])
    def test_small_sound_masks_are_not_taken_for_interpolated(self, side):
        chance = np.random.default_rng(side)
        for _ in range(30):
            mask = np.zeros((side, side), np.int64)
            for label in chance.permutation(10)[:5] + 1:
                top, left = chance.integers(0, side - 3, 2)
                height, width = chance.integers(2, max(3, side // 3), 2)
                mask[top : top + height, left : left + width] = label
            assert blended(mask) <= BLENDED


class TestCommand:
    def test_exit_codes_and_json(self, tmp_path):
        write_coco(tmp_path / "data", coco(4))
        done = recycle_here("data", "check", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "no faults\n")
        (tmp_path / "data/images/1.jpg").unlink()
        done = recycle_here("data", "check", "--json", cwd=tmp_path)
        assert done.returncode == 1
        (finding,) = json.loads(done.stdout)
        assert finding["code"] == "missing-photo"
        assert finding["severity"] == "error"
        assert recycle_here("data", "check", "--ignore", "missing-photo", cwd=tmp_path).returncode == 0
        assert recycle_here("data", "check", "--labels-only", cwd=tmp_path).returncode == 0
        done = recycle_here("data", "check", "--ignore", "missing-foto", cwd=tmp_path)
        assert done.returncode == 2
        assert "nearest: missing-photo" in done.stderr

    def test_fix_writes_a_file_that_trains(self, tmp_path):
        content = coco(4)
        content["annotations"][0]["image_id"] = 99
        write_coco(tmp_path / "data", content)
        done = recycle_here("data", "check", "--fix", "mended.json", cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        assert "1 unknown-image" in done.stderr
        assert len(CocoSource(tmp_path / "data", tmp_path / "mended.json")) == 4
        assert recycle_here("data", "check", "--fix", "mended.json", cwd=tmp_path).returncode == 2

    def test_a_photo_that_is_listed_twice_is_refused_and_its_entries_joined(self, tmp_path):
        content = coco(4)
        content["images"].append(content["images"][0] | {"id": 50, "file_name": "./images/1.jpg"})
        other = content["annotations"][0] | {"id": 93, "image_id": 50, "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}
        content["annotations"].append(other | {"area": 4, "bbox": [1, 1, 2, 2]})
        write_coco(tmp_path / "data", content)
        refused = recycle_here("data", "stats", cwd=tmp_path)
        assert refused.returncode == 2
        assert "lists 1 photo more than once" in refused.stderr
        remedy = shlex.split(refused.stderr.split("join the entries: recycle ")[1])
        assert recycle_here(*remedy, "--ignore", "sliver", cwd=tmp_path).returncode == 0
        source = CocoSource(tmp_path / "data", tmp_path / "mended.json")
        assert [len(source.record(index).annotations) for index in range(len(source))] == [2, 1, 1, 1]

    def test_folds_are_compared(self, tmp_path):
        write_coco(tmp_path / "data", coco(6))
        photo = (tmp_path / "data/images/1.jpg").read_bytes()
        recycle_here("data", "kfold", "--n", 2, cwd=tmp_path)
        folds = json.loads((tmp_path / "data/folds.json").read_text())["folds"]
        one, other = (entry["val_images"][0] for entry in folds)
        for name in (one, other):
            (tmp_path / "data" / name).write_bytes(photo)
        done = recycle_here("data", "check", cwd=tmp_path)
        assert done.returncode == 1
        assert "duplicate-across-splits" in done.stdout

    def test_folds_without_an_object_are_said_and_not_begun(self, tmp_path):
        content = coco(6)
        content["annotations"] = content["annotations"][:2]
        write_coco(tmp_path / "data", content)
        made = recycle_here("data", "kfold", "--n", 3, cwd=tmp_path)
        assert "warning: no photo of fold 0 shows a class but the background" in made.stderr
        done = recycle_here("train", "--folds", "all", "--epochs", 1, cwd=tmp_path)
        assert done.returncode == 2
        assert "error: fold 0: no validation photo shows a class but the background" in done.stderr
        assert not list((tmp_path / "runs").glob("*fold0"))

    def test_masks_are_compared_by_split(self, tmp_path):
        from recycle_engine.training.leakage import refuse_leakage

        rng = np.random.default_rng(0)
        for name in ("train/a", "train/b", "val/c", "val/d"):
            for folder in ("images", "ann"):
                (tmp_path / "data" / folder / name).parent.mkdir(parents=True, exist_ok=True)
            pixels = Image.fromarray(rng.integers(0, 255, (4, 5, 3), np.uint8)).resize((80, 64))
            pixels.save(tmp_path / f"data/images/{name}.png")
            Image.fromarray(np.eye(64, 80, dtype=np.uint8)).save(tmp_path / f"data/ann/{name}.png")
        copied = Image.open(tmp_path / "data/images/train/a.png")
        copied.save(tmp_path / "data/images/val/c.png", compress_level=0)
        options = ("--dataset", "masks", "-o", "data.dataset.masks=ann")
        found = json.loads(recycle_here("data", "check", *options, "--json", cwd=tmp_path).stdout)
        assert [one["code"] for one in found] == ["duplicate-across-splits"]
        section = DataSection(root=tmp_path / "data", dataset={"name": "masks", "masks": "ann"})
        with pytest.raises(RecycleError, match="1 of 2 validation photos is trained on") as caught:
            refuse_leakage(make_split(discover(), section, 0))
        assert recycle_here(*shlex.split(caught.value.remedy.split(": recycle ")[1]), cwd=tmp_path).returncode == 0
        for name in ("a", "b"):
            Image.fromarray(np.full((64, 80), 255, np.uint8)).save(tmp_path / f"data/ann/train/{name}.png")
        done = recycle_here("data", "check", *options, cwd=tmp_path)
        assert "train: every pixel of all 2 photos is ignored" in done.stdout

    def test_lines_to_type_name_the_folder(self, tmp_path):
        document = coco(8)
        alone = {image["id"] for image in document["images"][:4]}
        (first, *_) = document["categories"]
        write_coco(tmp_path / "my data", document)
        for name, chosen in (("train", lambda number: number not in alone), ("val", lambda number: number in alone)):
            images = [one for one in document["images"] if chosen(one["id"])]
            labels = [one for one in document["annotations"] if chosen(one["image_id"])]
            labels = [one for one in labels if name == "train" or one["category_id"] != first["id"]]
            text = json.dumps({**document, "images": images, "annotations": labels})
            (tmp_path / f"my data/{name}.json").write_text(text)
        (tmp_path / "my data/annotations.json").unlink(missing_ok=True)
        done = recycle_here("data", "check", "my data", "--labels-only", cwd=tmp_path)
        line = "recycle data kfold --data 'my data', then recycle train --data 'my data' --fold 0"
        assert f"-> {line}" in done.stdout
        assert recycle_here(*shlex.split(line.partition(", then")[0])[1:], "--n", "2", cwd=tmp_path).returncode == 0

    def test_other_datasets(self, tmp_path):
        done = recycle_here("data", "check", "--dataset", "sample", "--labels-only", cwd=tmp_path)
        assert done.returncode == 0
