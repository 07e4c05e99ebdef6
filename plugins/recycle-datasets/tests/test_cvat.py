"""The dataset `cvat`: XML as CVAT documents it, https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/"""

import numpy as np
import pytest
from labelled import box, garbage, imported, inside, layouts, masks, painted, photo
from recycle_datasets import CvatOptions
from recycle_datasets.cvat import open_cvat
from recycle_datasets.recognise.cvat import recognise
from recycle_kit.testing import DatasetConformance
from support import few_calls

from recyclecli.types import DatasetContext, LabelFaults, RecycleError

NAMES = ("paper", "metal", "glass")


def polygon(label, points, **more):
    return element("polygon", label, points=";".join(f"{x:.2f},{y:.2f}" for x, y in points), **more)


def mask(label, pixels, left, top, **more):
    counts, value = [0], 0
    for pixel in pixels.ravel():  # row by row, outside first
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    height, width = pixels.shape
    rle = ", ".join(map(str, counts))
    return element("mask", label, rle=rle, left=left, top=top, width=width, height=height, **more)


def element(tag, label, inner="", **attributes):
    stated = {"label": label, "source": "manual", "occluded": 0, "z_order": 0, **attributes}
    return f"<{tag} {spelled(stated)}>{inner}</{tag}>"


def spelled(attributes):
    return " ".join(f'{key}="{value}"' for key, value in attributes.items())


def image(name, *shapes, size=(24, 32), number=0, **more):
    stated = {"id": number, "name": name, "width": size[1], "height": size[0], **more}
    return f"<image {spelled(stated)}>{''.join(shapes)}</image>"


def write(file, *elements, names=NAMES, holder="task", meta=""):
    labels = "".join(
        f"<label><name>{name}</name><color>#112233</color><type>any</type><attributes></attributes></label>"
        for name in names
    )
    owner = "<owner><username>ann</username><email>ann@example.org</email></owner>"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <{holder}>'
        f"<id>1</id><name>x</name><labels>{labels}{meta}</labels>{owner}</{holder}></meta>{''.join(elements)}"
        "</annotations>\n",
        encoding="utf-8",
    )
    return file


def cvat(root, split=None, **options):
    return open_cvat(CvatOptions(**options), DatasetContext(root, split))


def one(root, *shapes, **more):
    photo(root / "images/a.png")
    write(root / "annotations.xml", image("a.png", *shapes, **more))
    return cvat(root)


class TestCvatConforms(DatasetConformance):
    name = "cvat"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = tmp_path_factory.mktemp("cvat")
        one(request.cls.root, polygon("metal", box(2, 2, 9, 9)))


class TestShapes:
    def test_classes_are_in_the_order_of_meta(self, tmp_path):
        assert one(tmp_path, polygon("glass", box(2, 2, 9, 9))).class_names == ("Background", *NAMES)

    def test_points_of_skeletons_are_no_classes(self, tmp_path):
        photo(tmp_path / "a.png")
        meta = "<label><name>nose</name><type>points</type><parent>person</parent></label>"
        write(tmp_path / "annotations.xml", image("a.png", polygon("metal", box(2, 2, 9, 9))), meta=meta)
        assert "nose" not in cvat(tmp_path).class_names

    def test_polygon(self, tmp_path):
        points = [[3.5, 2], [20, 5.5], [11, 21]]
        found = masks(one(tmp_path, polygon("metal", points)))["images/a.png"]
        assert (found != painted((2, points))).sum() <= 6  # on the line

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_z_order_decides(self, tmp_path, order):
        small, large = box(8, 8, 12, 12), box(4, 4, 20, 20)
        shapes = [polygon("paper", small, z_order=-3), polygon("metal", large, z_order=-1)]
        found = masks(one(tmp_path, *(shapes[place] for place in order)))["images/a.png"]
        assert np.array_equal(found, painted((1, small), (2, large)))

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_of_equal_z_order_the_smaller_is_on_top(self, tmp_path, order):
        small, large = box(8, 8, 12, 12), box(4, 4, 20, 20)
        shapes = [polygon("paper", small, z_order=2), polygon("metal", large, z_order=2)]
        found = masks(one(tmp_path, *(shapes[place] for place in order)))["images/a.png"]
        assert np.array_equal(found, painted((2, large), (1, small)))

    @pytest.mark.parametrize(("left", "top"), [(0, 0), (3, 5), (27, 18), (-2, -1)])
    def test_mask_has_holes_and_parts(self, tmp_path, left, top):
        pixels = np.random.default_rng(0).integers(0, 2, (6, 5))
        expected = np.zeros((24 + 6 + 6, 32 + 5 + 5), np.uint8)
        expected[6 + top : 12 + top, 5 + left : 10 + left] = pixels * 3
        found = masks(one(tmp_path, mask("glass", pixels, left, top)))["images/a.png"]
        assert np.array_equal(found, expected[6:30, 5:37])

    @pytest.mark.parametrize("start", [0, 1])
    def test_mask_as_high_as_the_photo(self, tmp_path, start):
        pixels = np.ones((24, 3), int)
        pixels[0, 0] = start
        expected = np.zeros((24, 32), np.uint8)
        expected[:, 4:7] = pixels
        assert np.array_equal(masks(one(tmp_path, mask("paper", pixels, 4, 0)))["images/a.png"], expected)

    def test_ellipse_is_turned_clockwise(self, tmp_path):
        x, y = np.meshgrid(np.arange(32) + 0.5 - 16, np.arange(24) + 0.5 - 12)
        along, beside = (x + y) / np.sqrt(2), (y - x) / np.sqrt(2)
        expected = (along / 10) ** 2 + (beside / 3) ** 2 <= 1
        ellipse = element("ellipse", "metal", cx=16, cy=12, rx=10, ry=3, rotation=45)
        found = masks(one(tmp_path, ellipse))["images/a.png"]
        assert ((found == 2) != expected).sum() <= 4

    def test_what_is_no_area_is_counted(self, tmp_path):
        point = '<points label="nose" points="1,1" outside="0" occluded="0"></points>'
        source = one(
            tmp_path,
            polygon("paper", box(2, 2, 9, 9)),
            element("box", "paper", xtl=1, ytl=1, xbr=5, ybr=5),
            element("box", "paper", xtl=1, ytl=1, xbr=5, ybr=5, rotation=30),
            element("polyline", "metal", points="1,1;2,2"),
            element("points", "metal", points="1,1"),
            element("tag", "metal"),
            element("cuboid", "metal", xtl1=1),
            element("skeleton", "metal", inner=point + point),
        )
        counted = {"boxes": 2, "lines": 1, "points": 1, "tags": 1, "cuboids": 1, "skeletons": 1}
        assert source.left_out == counted
        assert np.array_equal(masks(source)["images/a.png"], painted((1, box(2, 2, 9, 9))))

    def test_occluded_objects_and_their_attributes(self, tmp_path):
        shape = polygon("paper", box(2, 2, 9, 9), occluded=1, inner='<attribute name="wet">true</attribute>')
        assert masks(one(tmp_path, shape))["images/a.png"].any()

    def test_a_background_class_is_label_0(self, tmp_path):
        photo(tmp_path / "a.png")
        hole = box(4, 4, 6, 6)
        shapes = polygon("paper", box(2, 2, 9, 9)), polygon("background", hole, z_order=1)
        write(tmp_path / "annotations.xml", image("a.png", *shapes), names=("background", "paper"))
        source = cvat(tmp_path)
        assert source.class_names == ("Background", "paper")
        assert np.array_equal(masks(source)["a.png"], painted((1, box(2, 2, 9, 9)), (0, hole)))

    def test_ignore_is_no_class(self, tmp_path):
        photo(tmp_path / "a.png")
        shapes = polygon("paper", box(2, 2, 9, 9)), polygon("ignore", box(4, 4, 12, 12))
        write(tmp_path / "annotations.xml", image("a.png", *shapes), names=("ignore", "paper"))
        source = cvat(tmp_path)
        assert source.class_names == ("Background", "paper")
        assert np.array_equal(masks(source)["a.png"], painted((1, box(2, 2, 9, 9)), (255, box(4, 4, 12, 12))))


class TestPhotos:
    @pytest.mark.parametrize("orientation", [3, 6])
    def test_turned_as_exif_says(self, tmp_path, orientation):
        stored = (32, 24) if orientation == 6 else (24, 32)
        photo(tmp_path / "images/a.jpg", *stored, orientation=orientation)
        write(tmp_path / "annotations.xml", image("a.jpg", polygon("paper", box(2, 2, 9, 5))))
        source = cvat(tmp_path)
        assert np.array_equal(masks(source)["images/a.jpg"], painted((1, box(2, 2, 9, 5))))
        assert source.record(0).height == 24

    def test_labelled_as_stored(self, tmp_path):
        photo(tmp_path / "images/a.jpg", 24, 32, orientation=6)
        write(tmp_path / "annotations.xml", image("a.jpg", polygon("paper", box(2, 2, 9, 5))))
        assert cvat(tmp_path).read(0).image.shape == (24, 32, 3)

    def test_photos_without_objects_are_background(self, tmp_path):
        for name in "ab":
            photo(tmp_path / f"{name}.png")
        write(tmp_path / "annotations.xml", image("a.png"), image("b.png", polygon("paper", box(2, 2, 9, 9))))
        assert [found.any() for found in masks(cvat(tmp_path)).values()] == [False, True]

    @pytest.mark.parametrize(
        "there", ["사진 1%.png", "images/사진 1%.png", "images/default/사진 1%.png", "x/y/사진 1%.png"]
    )
    def test_photos_are_found(self, tmp_path, there):
        photo(tmp_path / there)
        write(tmp_path / "annotations.xml", image("사진 1%.png", polygon("paper", box(2, 2, 9, 9))))
        assert [*masks(cvat(tmp_path))] == [there]

    def test_same_name_in_several_subsets(self, tmp_path):
        images = []
        for number, subset in enumerate(("Train", "Validation", "default")):
            photo(tmp_path / "images" / subset / "a.png")
            shape = polygon(NAMES[number], box(2, 2, 9, 9))
            images.append(image("a.png", shape, number=number, subset=subset, task_id=number))
        write(tmp_path / "annotations.xml", *images, holder="project")
        source = cvat(tmp_path)
        assert source.splits == {"train": (0,), "val": (1,)}
        assert [found.max() for found in masks(source).values()] == [1, 2, 3]

    def test_same_photo_in_several_subsets(self, tmp_path):
        photo(tmp_path / "images/a.png")
        shapes = polygon("paper", box(2, 2, 9, 9)), polygon("metal", box(2, 2, 9, 9))
        images = [image("a.png", shape, subset=subset) for shape, subset in zip(shapes, "xy", strict=True)]
        write(tmp_path / "annotations.xml", *images)
        with pytest.raises(RecycleError, match=r"'images/a\.png' is labelled more than once, in different ways"):
            cvat(tmp_path)

    def test_masks_of_the_photos_names_beside(self, tmp_path):
        for folder in ("JPEGImages", "SegmentationClass", "previews"):
            photo(tmp_path / folder / "a.png")
        write(tmp_path / "annotations.xml", image("a.png", polygon("paper", box(2, 2, 9, 9))))
        assert [*masks(cvat(tmp_path))] == ["JPEGImages/a.png"]

    def test_files_of_tasks_below_each_other(self, tmp_path):
        for number, place in enumerate(("train/one", "train/two", "val")):
            photo(tmp_path / place / f"images/{number}.png")
            shape = polygon(NAMES[number], box(2, 2, 9, 9))
            write(tmp_path / place / "annotations.xml", image(f"{number}.png", shape), holder="job")
        done, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert done.splits == {"train": 2, "val": 1}
        assert {name: len(found) for name, found in written.items()} == {"train.json": 2, "val.json": 1}
        assert "example.org" not in (tmp_path.with_suffix(".out") / "train.json").read_text()

    def test_many_files_in_one_folder(self, tmp_path):
        for number in range(8):
            photo(tmp_path / f"images/{number}.png")
            write(tmp_path / f"task_{number}.xml", image(f"{number}.png", polygon("paper", box(2, 2, 9, 9))))
        assert len(cvat(tmp_path)) == 8

    def test_splits_by_the_names_of_files(self, tmp_path):
        for name in ("train", "val"):
            photo(tmp_path / f"{name}.png")
            shape = polygon("paper", box(2, 2, 9, 9))
            write(tmp_path / f"annotations_{name}.xml", image(f"{name}.png", shape))
        assert cvat(tmp_path).splits == {"train": (0,), "val": (1,)}

    def test_one_file_called_test_is_no_split(self, tmp_path):
        photo(tmp_path / "a.png")
        write(tmp_path / "test.xml", image("a.png", polygon("paper", box(2, 2, 9, 9))))
        assert cvat(tmp_path).splits == {}

    def test_labelled_twice_alike(self, tmp_path):
        photo(tmp_path / "a.png")
        for name in ("job_1.xml", "task_1.xml"):
            write(tmp_path / name, image("a.png", polygon("paper", box(2, 2, 9, 9))))
        source = cvat(tmp_path)
        assert len(source) == 1
        assert source.left_out == {"photos that are labelled twice in the same way": 1}

    def test_labelled_twice_in_other_ways(self, tmp_path):
        photo(tmp_path / "a.png")
        for name, label in (("job_1.xml", "paper"), ("task_1.xml", "metal")):
            write(tmp_path / name, image("a.png", polygon(label, box(2, 2, 9, 9))))
        with pytest.raises(RecycleError, match=r"labelled more than once.*job_1\.xml and .*task_1\.xml"):
            cvat(tmp_path)

    def test_photos_that_are_gone(self, tmp_path):
        photo(tmp_path / "a.png")
        shape = polygon("paper", box(2, 2, 9, 9))
        write(tmp_path / "annotations.xml", image("a.png", shape), image("b.png", shape))
        assert cvat(tmp_path).left_out == {"photos that are not there": 1}


class TestVideo:
    def track(self, label, *frames):
        shapes = (
            polygon(label, points, frame=number, outside=outside, keyframe=1) for number, points, outside in frames
        )
        return f'<track id="0" label="{label}" source="manual">{"".join(shapes)}</track>'

    def test_frames_that_are_there(self, tmp_path):
        for number in range(3):
            photo(tmp_path / f"images/frame_{number:06d}.png")
        square = box(2, 2, 9, 9)
        size = "</labels><original_size><width>32</width><height>24</height></original_size><labels>"
        track = self.track("metal", (0, square, 0), (1, box(3, 3, 9, 9), 0), (2, square, 1))
        write(tmp_path / "annotations.xml", track, meta=size)
        found = [*masks(cvat(tmp_path)).values()]
        assert np.array_equal(found[1], painted((2, box(3, 3, 9, 9))))
        assert [mask.any() for mask in found] == [True, True, False]

    def test_without_frames(self, tmp_path):
        photo(tmp_path / "images/cat.png")
        write(tmp_path / "annotations.xml", self.track("metal", (0, box(2, 2, 9, 9), 0)))
        with pytest.raises(RecycleError, match="tracks of a video") as caught:
            cvat(tmp_path)
        assert "CVAT for images 1.1" in caught.value.remedy


class TestRefused:
    def test_boxes_alone(self, tmp_path):
        with pytest.raises(RecycleError, match=r"no labelled area, but boxes \(1\)"):
            one(tmp_path, element("box", "paper", xtl=1, ytl=1, xbr=5, ybr=5))

    def test_photos_of_other_names(self, tmp_path):
        photo(tmp_path / "b.png")
        write(tmp_path / "annotations.xml", image("a.png", polygon("paper", box(2, 2, 9, 9))))
        with pytest.raises(RecycleError, match=r"its photos are called 'b\.png'"):
            cvat(tmp_path)

    def test_all_faults_at_once(self, tmp_path):
        with pytest.raises(LabelFaults) as caught:
            one(
                tmp_path,
                element("polygon", "paper", points="1,2;3"),
                element("polygon", "paper", points="1,2;3,x;4,4"),
                element("polygon", "", points="1,2;3,3;4,4"),
                element("mask", "paper", rle="1, -2", left=0, top=0, width=2, height=2),
                element("mask", "paper", rle="0, 9", left=0, top=0, width=2, height=2),
                element("mask", "paper", rle="0", left=0, top=0, width=10**9, height=10**9),
                element("mask", "paper", rle="0, 4"),
                element("mask", "paper", rle="0, 4", left="inf", top=0, width=2, height=2),
                element("ellipse", "paper", cx=1, cy=2, rx=3, ry=3, rotation="inf"),
                element("ellipse", "paper", cx=1, cy=2, rx="a", ry=3),
                polygon("paper", box(2, 2, 9, 9), z_order="top"),
            )
        assert len(caught.value.faults) == 11

    @pytest.mark.parametrize(("width", "height"), [(-1, 24), (10**30, 24), (10**9, 10**9)])
    def test_masks_of_photos_of_strange_sizes(self, tmp_path, width, height):
        with pytest.raises(LabelFaults, match="its photo states no size"):
            one(tmp_path, mask("paper", np.ones((2, 2), int), 1, 1), size=(height, width))

    def test_a_stated_size_that_would_fill_the_memory(self, tmp_path):
        with pytest.raises(RecycleError, match="is 32x24 pixels, its annotation says 10000x10000"):
            one(tmp_path, polygon("paper", box(2, 2, 9, 9)), size=(10**4, 10**4))
        with pytest.raises(LabelFaults, match="it is stated as 1000000x1000000 pixels"):
            one(tmp_path, polygon("paper", box(2, 2, 9, 9)), size=(10**6, 10**6))

    def test_a_mask_far_outside(self, tmp_path):
        shapes = mask("paper", np.ones((2, 2), int), 10**30, 1), polygon("metal", box(2, 2, 9, 9))
        assert np.array_equal(masks(one(tmp_path, *shapes))["images/a.png"], painted((2, box(2, 2, 9, 9))))

    @pytest.mark.parametrize(
        "kind",
        [
            '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">',
            '<!ENTITY a SYSTEM "file:///etc/passwd">',
            "",
        ],
    )
    def test_document_types(self, tmp_path, kind):
        photo(tmp_path / "a.png")
        text = write(tmp_path / "annotations.xml", image("a.png", polygon("paper", box(2, 2, 9, 9)))).read_text()
        head, line, rest = text.partition("\n")
        (tmp_path / "annotations.xml").write_text(f"{head}{line}<!DOCTYPE annotations [{kind}]>\n{rest}")
        assert layouts(recognise, tmp_path)
        with pytest.raises(RecycleError, match="has a document type"):
            cvat(tmp_path)

    @pytest.mark.parametrize("kept", [0.5, 0.9])
    def test_cut_off(self, tmp_path, kept):
        file = write(tmp_path / "annotations.xml", image("a.png", polygon("paper", box(2, 2, 9, 9))))
        file.write_text(file.read_text()[: int(len(file.read_text()) * kept)])
        with pytest.raises(RecycleError, match="no well-formed XML"):
            cvat(tmp_path, files=("annotations.xml",))

    def test_other_xml(self, tmp_path):
        (tmp_path / "a.xml").write_text("<annotation></annotation>")
        with pytest.raises(RecycleError, match="no XML file of CVAT"):
            cvat(tmp_path, files=("a.xml",))
        with pytest.raises(RecycleError, match="holds no labels of CVAT"):
            cvat(tmp_path)

    def test_names_that_leave_the_folder(self, tmp_path):
        photo(tmp_path / "b.png")
        photo(tmp_path / "in/a.png")
        write(tmp_path / "in/annotations.xml", image("../b.png", polygon("paper", box(2, 2, 9, 9))))
        with pytest.raises(RecycleError, match=r"of its 1 photo none"):
            cvat(tmp_path / "in")


class TestRecognise:
    def test_one_folder_deeper_beside_garbage(self, tmp_path):
        garbage(tmp_path)
        photo(tmp_path / "export/images/a.png")
        write(tmp_path / "export/annotations.xml", image("a.png", polygon("paper", box(2, 2, 9, 9))))
        (found,) = layouts(recognise, tmp_path)
        assert found.options == {"files": ("export/annotations.xml",)}
        _, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert np.array_equal(*(written["train_all.json"]["export/images/a.png"], painted((1, box(2, 2, 9, 9)))))

    def test_nothing_in_garbage(self, tmp_path):
        assert layouts(recognise, garbage(tmp_path)) == []

    def test_levels_survive_the_import(self, tmp_path):
        small, large = box(8, 8, 12, 12), box(4, 4, 20, 20)
        one(tmp_path, polygon("paper", small), polygon("metal", large, z_order=4))
        _, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert np.array_equal(written["train_all.json"]["images/a.png"], painted((2, large)))
        assert not inside(small)[0, 0]


def test_photos_that_are_not_there_are_looked_for_in_listings(tmp_path):
    photo(tmp_path / "a.jpg")
    shape = '<polygon label="x" points="1,1;5,1;5,5" z_order="0"/>'
    names = ["a.jpg", *(f"gone/{number}.jpg" for number in range(200))]
    images = "".join(f'<image id="0" name="{name}" width="12" height="8">{shape}</image>' for name in names)
    (tmp_path / "annotations.xml").write_text(f"<annotations><version>1.1</version>{images}</annotations>")
    with few_calls(200 * 400):
        found = open_cvat(CvatOptions(files=("annotations.xml",)), DatasetContext(tmp_path))
    assert (found.places, dict(found.left_out)) == (["a.jpg"], {"photos that are not there": 200})
