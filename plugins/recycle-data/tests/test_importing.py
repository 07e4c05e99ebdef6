"""`recycle data import`: what is taken, what is refused, and what is written, with components of the test's own."""

import errno
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from recycle_coco import Tree
from recycle_data.importing import import_data
from recycle_data.recognise import layouts
from recycle_engine import api
from support import recycle_here

from recyclecli.errors import RunFailed
from recyclecli.plugins import Plugin, Registry
from recyclecli.types import Annotation, DatasetComponent, Layout, Options, Record, RecycleError, Sample

SIDE = 12


def square(left, top, right, bottom):
    return [[left, top, right, top, right, bottom, left, bottom]]


@dataclass
class Photos:
    """A source whose objects a test names: file name to annotations."""

    root: Path
    objects: dict
    class_names: tuple = ("Background", "Paper", "Metal")
    splits: dict = field(default_factory=dict)
    left_out: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.objects)

    def record(self, index):
        name, annotations = list(self.objects.items())[index]
        return Record(self.root / name, name, SIDE, SIDE, tuple(annotations))

    def read_labels(self, index):
        from recycle_coco import paint

        return paint(self.record(index).annotations, SIDE, SIDE)

    def read(self, index):
        return Sample(np.zeros((SIDE, SIDE, 3), np.uint8), *self.read_labels(index))


@pytest.fixture
def offered(monkeypatch):
    """A registry of components: `offered(name={"layouts": [Layout], "source": function of the root})`."""

    def make(**components):
        made = []
        for name, parts in components.items():
            module = ModuleType(f"of_{name}")
            own, source = parts.get("layouts", ()), parts.get("source", Photos)
            module.recognise = parts.get("recognise", lambda tree, found=own: iter(found))
            module.build = lambda options, context, source=source: source(context.root)
            monkeypatch.setitem(sys.modules, module.__name__, module)
            named = {one.name: f"{one.name.upper()}: what is looked for" for one in own}
            made.append(
                DatasetComponent(
                    name=name,
                    factory=f"of_{name}:build",
                    options=Options,
                    summary=name,
                    layouts=named or {name: "Any: what is looked for"},
                    recognise=f"of_{name}:recognise",
                )
            )
        return Registry((Plugin("acme", "acme-tools", "1.0", components=tuple(made)),))

    return make


@pytest.fixture
def src(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        Image.fromarray(np.full((SIDE, SIDE, 3), 40 * number, np.uint8)).save(folder / name)
    (folder / "labels.json").write_text("{}")
    return folder


def one(label, shape, level=0, number=1):
    return Annotation(number, label, shape, level=level)


def paper(root):
    return Photos(root, {"a.jpg": [one(1, square(0, 0, 4, 4))], "b.jpg": [], "c.jpg": [one(2, square(2, 2, 9, 9))]})


SURE = Layout("sure", "labels.json says so", "content")
DESCRIBED = Layout("described", "a table says so", "description")


class TestRecognising:
    def test_the_surest_is_taken_and_the_others_are_told(self, offered, src):
        registry = offered(one={"layouts": [DESCRIBED]}, two={"layouts": [SURE], "source": paper})
        done = import_data(registry, src, None)
        assert (done.taken.layout, [other.layout for other in done.passed]) == (SURE, [DESCRIBED])
        assert (done.objects, done.photos, done.files) == (None, 3, ())

    def test_equals_are_named_with_the_line_to_type(self, offered, src):
        registry = offered(one={"layouts": [SURE]}, two={"layouts": [Layout("other", "b says so", "content")]})
        with pytest.raises(RecycleError, match=r"2 ways(.|\n)*sure \(SURE\): labels(.|\n)*--as sure, or .*--as other"):
            import_data(registry, src, None)

    def test_the_user_decides_by_layout_or_component(self, offered, src):
        registry = offered(one={"layouts": [DESCRIBED], "source": paper}, two={"layouts": [SURE]})
        for name in ("described", "one", "one@acme-tools"):
            assert import_data(registry, src, None, name).taken.layout == DESCRIBED

    def test_two_exports_of_one_layout_are_told_apart_by_folder(self, offered, src):
        both = [Layout("sure", "x", "content", root="a"), Layout("sure", "x", "content", root="b")]
        with pytest.raises(RecycleError, match=r"import \S*/export/a OUT, or recycle data import \S*/export/b OUT"):
            import_data(offered(one={"layouts": both}), src, None)

    def test_nothing_says_what_is_there(self, offered, src):
        registry = offered(one={"recognise": lambda tree: iter(())})
        with pytest.raises(RecycleError, match=r"no known layout: it holds 3 \.jpg, 1 \.json, as 'labels\.json'"):
            import_data(registry, src, None)
        with pytest.raises(RecycleError, match=r"does not look like one \(Any: what is looked for\): it holds 3 \.jpg"):
            import_data(registry, src, None, "one")
        with pytest.raises(RecycleError, match=r"--as on: no such layout\n  remedy: nearest: one"):
            import_data(registry, src, None, "on")
        with pytest.raises(RecycleError, match="none does not exist"):
            import_data(registry, src / "none", None)
        (src / "labels.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
        with pytest.raises(RecycleError, match=r"labels\.json is a pointer of Git LFS(.|\n)*git lfs pull"):
            import_data(registry, src, None)

    def test_a_file_that_is_read_with_its_folder_alone(self, offered, src):
        (src / "photo.json").write_text("{}")
        with pytest.raises(RecycleError, match="is read by no layout alone") as caught:
            import_data(offered(one={"layouts": [SURE], "source": paper}), src / "photo.json", None)
        assert caught.value.remedy == f"import the folder: recycle data import {src} OUT"

    def test_a_file_is_taken_for_what_reads_it(self, offered, src):
        reads = Layout("sure", "x", "content", options={"files": ("labels.json",)})
        registry = offered(one={"layouts": [reads]}, two={"layouts": [Layout("other", "x", "content")]})
        with pytest.raises(RecycleError, match="no such option"):  # chosen, and told its file
            import_data(registry, src / "labels.json", None)

    def test_a_strangers_recogniser_that_fails_is_named_and_stops_no_other(self, offered, src, logged):
        def fails(tree: Tree):
            raise ZeroDivisionError("oh")

        wrong = {"one": {"recognise": fails}, "two": {"recognise": lambda tree: [3]}}
        done = import_data(offered(**wrong, three={"layouts": [SURE], "source": paper}), src, None)
        assert done.taken.layout == SURE
        said = logged()
        assert "of_one:recognise of acme-tools failed, and its layouts are passed over: ZeroDivisionError: oh" in said
        assert "of_two:recognise of acme-tools failed" in said

    def test_layouts_are_declared_with_their_recogniser(self, offered):
        assert layouts(offered(one={"layouts": [SURE]})) == {"sure": "SURE: what is looked for"}
        for wrong in ({"layouts": {"a": "b"}}, {"recognise": "a:b"}, {"layouts": {"A b": "c"}, "recognise": "a:b"}):
            with pytest.raises(ValueError, match=r"together|kebab"):
                DatasetComponent(name="x", factory="a:b", options=Options, summary="", **wrong)


class TestWriting:
    def imported(self, offered, src, source, **options):
        registry = offered(one={"layouts": [SURE], "source": source})
        return import_data(registry, src, src.parent / "out", **options)

    def test_the_set_is_what_the_source_says(self, offered, src):
        done = self.imported(offered, src, paper)
        assert [file.name for file in done.files] == ["train_all.json"]
        content = json.loads(done.files[0].read_text())
        assert [image["file_name"] for image in content["images"]] == ["a.jpg", "b.jpg", "c.jpg"]
        assert [one["segmentation"] for one in content["annotations"]] == [square(0, 0, 4, 4), square(2, 2, 9, 9)]
        assert (content["info"]["layout"], content["info"]["from"]) == ("sure", str(src))
        found = api.open_data(src.parent / "out")
        assert found.class_names == ("Background", "Paper", "Metal")
        for index in range(3):
            assert np.array_equal(found.read(index).mask, paper(src).read(index).mask)
        assert (src.parent / "out/a.jpg").read_bytes() == (src / "a.jpg").read_bytes()

    def test_a_drawing_order_of_its_own_is_kept_pixel_by_pixel(self, offered, src):
        above = [one(1, square(2, 2, 6, 6)), one(2, square(0, 0, 10, 10), level=1, number=2)]  # the large one hides it
        below = [one(1, square(2, 2, 6, 6), level=5), one(2, square(0, 0, 10, 10), level=-1, number=2)]
        objects = {"a.jpg": above, "b.jpg": below, "c.jpg": [one(1, square(1, 1, 3, 3), level=7)]}
        done = self.imported(offered, src, lambda root: Photos(root, objects))
        truth = np.zeros((3, SIDE, SIDE), np.uint8)
        truth[:2, :10, :10] = 2
        truth[1, 2:6, 2:6] = 1
        truth[2, 1:3, 1:3] = 1
        found = api.open_data(src.parent / "out")
        assert all(np.array_equal(found.read(index).mask, truth[index]) for index in range(3))
        shapes = [one["segmentation"] for one in json.loads(done.files[0].read_text())["annotations"]]
        assert shapes == [square(0, 0, 10, 10), square(2, 2, 6, 6), square(0, 0, 10, 10), square(1, 1, 3, 3)]
        assert done.left_out == {"objects that others hide": 1}

    def test_what_a_larger_object_hides_is_cut_off(self, offered, src):
        hidden = [
            one(1, square(2, 2, 8, 8)),
            one(2, square(0, 0, 10, 4), level=1, number=2),
            one(1, square(0, 8, 3, 9)),
        ]
        done = self.imported(offered, src, lambda root: Photos(root, {"a.jpg": hidden}))
        found = json.loads(done.files[0].read_text())["annotations"]
        assert [isinstance(one["segmentation"], dict) for one in found] == [True, False, False]
        assert (found[0]["area"], found[0]["bbox"]) == (24, [2, 4, 6, 4])

    @pytest.mark.parametrize("levels", [1, 3, 9])
    def test_any_order_is_kept_pixel_by_pixel(self, offered, src, levels):
        chance = np.random.default_rng(levels)

        def drawn(number):
            (left, right), (top, bottom) = np.sort(chance.integers(0, SIDE + 1, (2, 2))).tolist()
            label = chance.choice([0, 1, 1, 2, 2, 255])
            return one(int(label), square(left, top, right, bottom), int(chance.integers(levels)), number)

        objects = {name: [drawn(number) for number in range(1, 10)] for name in ("a.jpg", "b.jpg", "c.jpg")}
        self.imported(offered, src, lambda root: Photos(root, objects))
        found, drawn_so = api.open_data(src.parent / "out"), Photos(src, objects)
        for index in range(3):
            assert np.array_equal(found.read(index).mask, drawn_so.read(index).mask)

    def test_a_background_that_is_drawn_covers_what_lies_below(self, offered, src):
        objects = {"a.jpg": [one(1, square(0, 0, 10, 10)), one(0, square(2, 2, 6, 6), number=2)]}
        self.imported(offered, src, lambda root: Photos(root, objects))
        truth = np.zeros((SIDE, SIDE), np.uint8)
        truth[:10, :10] = 1
        truth[2:6, 2:6] = 0
        assert np.array_equal(api.open_data(src.parent / "out").read(0).mask, truth)

    def test_splits_are_files_and_what_is_in_none_is_for_training(self, offered, src, logged):
        def split(root):
            return Photos(root, paper(root).objects, splits={"train": (0,), "test": (2,)})

        done = self.imported(offered, src, split)
        assert [file.name for file in done.files] == ["train.json", "test.json"]
        assert "for training, as in no split of the export: 1 photo" in logged()
        contents = [json.loads(file.read_text()) for file in done.files]
        names = [[image["file_name"] for image in content["images"]] for content in contents]
        assert names == [["a.jpg", "b.jpg"], ["c.jpg"]]
        assert contents[0]["categories"] == contents[1]["categories"]

    def test_a_photo_of_two_splits_judges(self, offered, src, logged):
        def split(root):
            return Photos(root, paper(root).objects, splits={"train": (0, 1, 2), "val": (1,), "test": (2,)})

        contents = [json.loads(file.read_text()) for file in self.imported(offered, src, split).files]
        assert [[image["file_name"] for image in one["images"]] for one in contents] == [
            ["a.jpg"],
            ["b.jpg"],
            ["c.jpg"],
        ]

    def test_a_split_that_repeats_training_is_none(self, offered, src, logged):
        def same(root):
            return Photos(root, paper(root).objects, splits={"train": (0, 1, 2), "val": (0, 1, 2)})

        assert [file.name for file in self.imported(offered, src, same).files] == ["train.json"]
        assert "that judges" not in logged()

    def test_a_set_for_validation_alone_is_whole_too(self, offered, src):
        done = self.imported(offered, src, lambda root: Photos(root, paper(root).objects, splits={"val": (0, 1, 2)}))
        assert ([file.name for file in done.files], done.objects) == (["train_all.json", "val.json"], 2)

    def test_photos_are_linked_and_may_be_linked_again(self, offered, src):
        for force in (False, True):
            self.imported(offered, src, paper, link=True, force=force)
            assert (src.parent / "out/a.jpg").readlink() == src / "a.jpg"

    def test_a_link_takes_the_place_of_a_copy_whose_photo_has_changed(self, offered, src):
        self.imported(offered, src, paper)
        Image.new("RGB", (SIDE, SIDE), "red").save(src / "a.jpg")
        self.imported(offered, src, paper, link=True, force=True)
        assert (src.parent / "out/a.jpg").read_bytes() == (src / "a.jpg").read_bytes()

    def test_a_full_disk_names_the_link_and_not_the_photo(self, offered, src, monkeypatch):
        def full(link, target):
            raise OSError(errno.ENOSPC, "No space left on device", str(target), None, str(link))

        monkeypatch.setattr(Path, "symlink_to", full)
        with pytest.raises(RunFailed, match=r"the disk is full: \S+/out/a\.jpg"):
            self.imported(offered, src, paper, link=True)

    def test_a_copy_that_is_asked_for_is_no_link(self, offered, src):
        self.imported(offered, src, paper, link=True)
        with pytest.raises(RecycleError, match="is a link to the photo, and a copy would stand in its place"):
            self.imported(offered, src, paper, force=True)

    def test_nothing_of_the_users_is_replaced(self, offered, src):
        (src.parent / "out").mkdir()
        (src.parent / "out/train_all.json").write_text("mine")
        with pytest.raises(RecycleError, match="is not what recycle wrote"):
            self.imported(offered, src, paper, force=True)

    def test_the_folder_is_none_of_the_export_and_no_file(self, offered, src):
        registry = offered(one={"layouts": [SURE], "source": paper})
        (src.parent / "file").touch()
        for out, says in (
            (src, "lies in the folder"),
            (src / "data", "lies in the folder"),
            (src / "../file", "is a file"),
        ):
            with pytest.raises(RecycleError, match=says):
                import_data(registry, src, out)
        assert not (src / "data").exists()

    def test_another_set_does_not_stay_beside_the_new_one(self, offered, src):
        def split(root):
            return Photos(root, paper(root).objects, splits={"train": (0,), "val": (1, 2)})

        out = src.parent / "out"
        self.imported(offered, src, paper)
        with pytest.raises(RecycleError, match=r"holds another set: train_all\.json"):
            self.imported(offered, src, split)
        self.imported(offered, src, split, force=True)
        assert sorted(file.name for file in out.glob("*.json")) == ["train.json", "val.json"]
        (out / "annotations.json").write_text("{}")
        with pytest.raises(RecycleError, match="is not what recycle wrote"):
            self.imported(offered, src, split, force=True)

    def test_what_encloses_no_pixel_is_told(self, offered, src):
        objects = {"a.jpg": [one(1, square(0, 0, 4, 4)), one(2, [[3.0, 3.0, 3.0, 3.0, 3.0, 3.0]], number=2)]}
        assert self.imported(offered, src, lambda root: Photos(root, objects)).left_out == {
            "shapes that enclose no pixel": 1
        }

    def test_a_set_that_shows_nothing_is_refused(self, offered, src):
        with pytest.raises(RecycleError, match="shows a class but the background"):
            self.imported(offered, src, lambda root: Photos(root, {"a.jpg": []}))
        assert not (src.parent / "out").exists()


def test_convert_takes_layouts_by_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "set/valid").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((SIDE, SIDE, 3), 90, np.uint8)).save(tmp_path / f"set/valid/{name}.jpg")
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[2:8, 3:7] = 1
        Image.fromarray(mask).save(tmp_path / f"set/valid/{name}_mask.png")
    (tmp_path / "set/valid/_classes.csv").write_text("Pixel Value, Class\n0, background\n1, paper\n")
    done = recycle_here("data", "convert", "set", "out", "--from", "roboflow-masks", "--to", "masks", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.asarray(Image.open(next((tmp_path / "out/masks").rglob("a.png")))), mask)
