"""Exports as people have them: other encodings, odd spellings of COCO, and photos or labels that cannot be read."""

import csv
import io
import json

import numpy as np
import pytest
from labelled import box, imported_masks, painted, photo
from PIL import Image
from recycle_data.convert import convert
from recycle_engine import api
from support import recycle_here

from recyclecli.types import LabelFaults, RecycleError

HEIGHT, WIDTH = 24, 32
OBJECTS = {"a": ("paper", (2, 2, 20, 20)), "b": ("metal", (4, 6, 28, 18))}
COLORS = ((0, 0, 0), (128, 0, 0), (0, 128, 0), (0, 0, 128))


def drawn(key, names=("paper", "metal")):
    name, (left, top, right, bottom) = OBJECTS[key]
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = names.index(name) + 1
    return mask


def flat(area):
    return [float(value) for point in box(*area) for value in point]


def coco(root, change=lambda content: None, encoding="utf-8", third="glass"):
    """A COCO file of three categories beside its photos, changed before it is written."""
    names = ("paper", "metal", third)
    content = {
        "images": [],
        "annotations": [],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names, 1)],
    }
    for number, (key, (name, area)) in enumerate(OBJECTS.items(), start=1):
        photo(root / f"images/{key}.jpg", HEIGHT, WIDTH)
        content["images"].append({"id": number, "file_name": f"{key}.jpg", "width": WIDTH, "height": HEIGHT})
        own = {"id": number, "image_id": number, "category_id": names.index(name) + 1}
        content["annotations"].append({**own, "segmentation": [flat(area)], "iscrowd": 0})
    change(content)
    (root / "annotations.json").write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    return root


def shapes(change):
    """A change of each segmentation."""

    def changed(content):
        for one in content["annotations"]:
            one["segmentation"] = change(one["segmentation"])

    return changed


def rle(polygons):
    from pycocotools import mask

    return mask.merge(mask.frPyObjects(polygons, HEIGHT, WIDTH))["counts"]


def by_name(content):
    for one in content["annotations"]:
        one["category_id"] = content["categories"][one["category_id"] - 1]["name"]


def azure(content):
    sides = (WIDTH, HEIGHT)
    shapes(lambda parts: [[value / sides[place % 2] for place, value in enumerate(parts[0])]])(content)


SPELLINGS = {
    "RLE as the numbers of its bytes": shapes(lambda parts: {"size": [HEIGHT, WIDTH], "counts": list(rle(parts))}),
    "RLE as Python shows bytes": shapes(lambda parts: {"size": [HEIGHT, WIDTH], "counts": repr(rle(parts))}),
    "RLE in a list": shapes(lambda parts: [{"size": [HEIGHT, WIDTH], "counts": rle(parts).decode()}]),
    "JSON in text": shapes(json.dumps),
    "a number too many": shapes(lambda parts: [[*parts[0], parts[0][0]]]),
    "parts of two points": shapes(lambda parts: [*parts, [1, 1, 2, 2], []]),
    "categories by name": by_name,
    "shares of the sides": azure,
}


@pytest.mark.parametrize("change", SPELLINGS.values(), ids=SPELLINGS)
def test_coco_as_it_is_spelled(tmp_path, change):
    done, found = imported_masks(coco(tmp_path / "src", change), tmp_path / "out")
    assert done.class_names == ("Background", "paper", "metal", "glass")
    assert {name: mask.tolist() for name, mask in found.items()} == {
        f"images/{key}.jpg": drawn(key).tolist() for key in OBJECTS
    }
    odd = 2 if change is SPELLINGS["a number too many"] else None
    assert done.left_out.get("single numbers at the ends of outlines") == odd


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-16", "纸张"), ("utf-16-le", "纸张"), ("utf-16-be", "纸张"), ("utf-8-sig", "纸张"), ("gbk", "纸张"),
     ("latin-1", "café"), ("cp1252", "“naïve”"), ("utf-8", "纸张")],
)  # fmt: skip
def test_coco_in_other_encodings(tmp_path, encoding, name):
    done, _ = imported_masks(coco(tmp_path / "src", encoding=encoding, third=name), tmp_path / "out")
    assert done.class_names == ("Background", "paper", "metal", name)


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-8-sig"])
def test_labelme_and_yolo_in_other_encodings(tmp_path, encoding):
    (tmp_path / "yolo/labels").mkdir(parents=True)
    for key, (_, area) in OBJECTS.items():
        photo(tmp_path / f"labelme/{key}.jpg", HEIGHT, WIDTH)
        photo(tmp_path / f"yolo/images/{key}.jpg", HEIGHT, WIDTH)
        shape = {"label": "纸张", "points": box(*area), "shape_type": "polygon"}
        content = {"version": "5.0", "shapes": [shape], "imagePath": f"{key}.jpg", "imageData": None}
        text = json.dumps({**content, "imageHeight": HEIGHT, "imageWidth": WIDTH}, ensure_ascii=False)
        (tmp_path / f"labelme/{key}.json").write_bytes(text.encode(encoding))
        shares = [value / (HEIGHT if place % 2 else WIDTH) for place, value in enumerate(flat(area))]
        (tmp_path / f"yolo/labels/{key}.txt").write_text(" ".join(map(str, [0, *shares])))
    (tmp_path / "yolo/data.yaml").write_bytes("train: images\nnames: [纸张]\n".encode(encoding))
    for layout in ("labelme", "yolo"):
        done, found = imported_masks(tmp_path / layout, tmp_path / "out" / layout)
        assert done.class_names == ("Background", "纸张")
        assert all((mask > 0).tolist() == (drawn(name[-5]) > 0).tolist() for name, mask in found.items())


def masks_of(root, folder="masks", colored=False, suffix="png", end=""):
    for key in OBJECTS:
        photo(root / f"images/{key}.jpg", HEIGHT, WIDTH)
        values = np.array(COLORS, np.uint8)[drawn(key)] if colored else drawn(key)
        (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(root / folder / f"{key}{end}.{suffix}")
    return root


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_tables_of_colours_in_other_encodings(tmp_path, encoding):
    root = masks_of(tmp_path / "src", colored=True)
    text = "name,r,g,b\nbackground,0,0,0\npaper,128,0,0\nmetal,0,128,0\nverre usé,0,0,128\n"
    (root / "class_dict.csv").write_bytes(text.encode(encoding))
    done, found = imported_masks(root, tmp_path / "out")
    assert done.class_names == ("Background", "paper", "metal", "verre usé")
    assert all(np.array_equal(mask, drawn(name[-5])) for name, mask in found.items())


@pytest.mark.parametrize("suffix", ["bmp", "gif", "tif", "png"])
def test_masks_of_other_formats(tmp_path, suffix):
    root = masks_of(tmp_path / "src", suffix=suffix)
    (root / "classes.txt").write_text("background\npaper\nmetal\n")
    _, found = imported_masks(root, tmp_path / "out")
    assert all(np.array_equal(mask, drawn(name[-5])) for name, mask in found.items())


def test_kitti_and_cityscapes_of_cvat_with_classes_of_its_own(tmp_path):
    text = "0 0 0 background\n128 0 0 paper\n0 128 0 metal\n0 0 128 glass\n"
    kitti = tmp_path / "kitti"
    masks_of(kitti / "default", "semantic_rgb", colored=True)
    masks_of(kitti / "default", "semantic")
    masks_of(kitti / "default", "instance")
    (kitti / "default/images").rename(kitti / "default/image_2")
    cityscapes = tmp_path / "cityscapes"
    for end, colored in (("labelIds", False), ("color", True), ("instanceIds", False)):
        masks_of(cityscapes, "gtFine/default", colored, end=f"_gtFine_{end}")
    folder = cityscapes / "imgsFine/leftImg8bit/default"
    folder.mkdir(parents=True)
    for file in [*(cityscapes / "images").iterdir()]:
        file.rename(folder / f"{file.stem}_leftImg8bit.jpg")
    for root in (kitti, cityscapes):
        (root / "label_colors.txt").write_text(text)
        done, found = imported_masks(root, tmp_path / "out" / root.name)
        assert done.class_names == ("Background", "paper", "metal", "glass")
        assert [mask.tolist() for mask in found.values()] == [drawn(key).tolist() for key in OBJECTS]


def test_eiseg(tmp_path):
    root = masks_of(tmp_path / "src", "label")
    masks_of(root, "label", colored=True, end="_pseudo")
    masks_of(root, "label", colored=True, end="_cutout")
    (root / "label/autosave.txt").write_text("1 paper 128 0 0\n2 metal 0 128 0\n3 glass 0 0 128\n")
    done, found = imported_masks(root, tmp_path / "out")
    assert done.class_names == ("Background", "paper", "metal", "glass")
    assert all(np.array_equal(mask, drawn(name[-5])) for name, mask in found.items())


def nan(content):
    content["annotations"][0]["segmentation"][0][2] = float("nan")


def two_faults(root):
    """A COCO file with a photo that is none, and an outline that reaches no number."""
    coco(root, nan)
    (root / "images/b.jpg").write_bytes(b"no photo")
    photo(root / "images/c.jpg", HEIGHT, WIDTH)
    content = json.loads((root / "annotations.json").read_text())
    content["images"].append({"id": 3, "file_name": "c.jpg", "width": WIDTH, "height": HEIGHT})
    content["annotations"].append({"id": 3, "image_id": 3, "category_id": 1, "segmentation": [flat((1, 1, 9, 9))]})
    (root / "annotations.json").write_text(json.dumps(content))
    return root


def test_all_faults_at_once_with_a_way_to_go_on(tmp_path):
    root = two_faults(tmp_path / "src")
    with pytest.raises(LabelFaults) as error:
        api.import_data(root, tmp_path / "out")
    assert {where.rpartition("/")[2].partition(":")[0] for where, _ in error.value.faults} == {"a.jpg", "b.jpg"}
    assert error.value.remedy.endswith(f"recycle data import {root} {tmp_path / 'out'} --drop-unreadable")
    done = recycle_here("data", "import", root, tmp_path / "out", "--drop-unreadable", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "left out: photos that cannot be read: 1" in done.stderr
    assert "left out: labels that cannot be used: 1" in done.stderr
    written = api.open_data(tmp_path / "out")
    assert [written.record(index).file_name for index in range(len(written))] == ["images/a.jpg", "images/c.jpg"]


def labelme_folder(root):
    for key, (name, area) in OBJECTS.items():
        photo(root / f"{key}.jpg", HEIGHT, WIDTH)
        found = [{"label": name, "points": box(*area), "shape_type": "polygon"}]
        found.append({"label": name, "points": [[1, 1], [float("nan"), 2], [3, 3]], "shape_type": "polygon"})
        content = {"version": "5.0", "shapes": found, "imagePath": f"{key}.jpg", "imageData": None}
        (root / f"{key}.json").write_text(json.dumps({**content, "imageHeight": HEIGHT, "imageWidth": WIDTH}))


def yolo_folder(root):
    (root / "labels").mkdir(parents=True)
    for key, (_, area) in OBJECTS.items():
        photo(root / f"images/{key}.jpg", HEIGHT, WIDTH)
        shares = [value / (HEIGHT if place % 2 else WIDTH) for place, value in enumerate(flat(area))]
        text = " ".join(map(str, [int(key == "b"), *shares]))
        (root / f"labels/{key}.txt").write_text(f"{text}\n0 0.1 nan 0.2 0.2 0.3 0.3\n")
    (root / "classes.txt").write_text("paper\nmetal\n")


@pytest.mark.parametrize("make", [labelme_folder, yolo_folder], ids=["labelme", "yolo"])
def test_labels_that_cannot_be_used_are_left_out_and_counted(tmp_path, make):
    make(tmp_path / "src")
    with pytest.raises(LabelFaults, match="2 labels cannot be used"):
        api.import_data(tmp_path / "src", None)
    done = api.import_data(tmp_path / "src", tmp_path / "out", drop_unreadable=True)
    assert done.left_out["labels that cannot be used"] == 2
    (tmp_path / "src").joinpath("b.jpg" if make is labelme_folder else "images/b.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(LabelFaults, match="3 labels cannot be used"):
        api.import_data(tmp_path / "src", None)
    done = api.import_data(tmp_path / "src", None, drop_unreadable=True)
    assert done.photos == 1
    assert done.left_out["photos that cannot be read"] == 1


def test_masks_that_cannot_be_read_are_left_out_with_their_photos(tmp_path):
    root = masks_of(tmp_path / "src")
    (root / "masks/b.png").write_bytes(b"no mask")
    with pytest.raises(LabelFaults):
        api.import_data(root, None)
    done = api.import_data(root, None, drop_unreadable=True)
    assert (done.photos, done.left_out["photos that cannot be read, or their masks"]) == (1, 1)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_photo_that_is_cut_off_is_named(tmp_path, suffix):
    root = coco(tmp_path, lambda content: content["images"][1].update(file_name=f"b.{suffix}"))
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    whole = root / f"images/b.{suffix}"
    Image.fromarray(noise).save(whole)
    (root / "images/a.jpg").write_bytes((root / "images/a.jpg").read_bytes() + b"behind the photo")
    assert api.import_data(root, None).photos == 2
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(LabelFaults, match=r"cannot be read: .*[Tt]runcated") as error:
        api.import_data(root, None)
    assert [where for where, _ in error.value.faults] == [f"images/b.{suffix}"]
    done = api.import_data(root, None, drop_unreadable=True)
    assert (done.photos, done.left_out["photos that cannot be read"]) == (1, 1)


@pytest.mark.parametrize("width", ["", None])
def test_a_photo_without_a_size_that_cannot_be_read(tmp_path, width):
    root = coco(tmp_path, lambda content: content["images"][1].update(width=width))
    (root / "images/b.jpg").write_bytes(b"no photo")
    with pytest.raises(LabelFaults, match=r"images/b\.jpg: .*cannot be read"):
        api.import_data(root, None)
    assert api.import_data(root, None, drop_unreadable=True).photos == 1


@pytest.mark.parametrize("make", [coco, labelme_folder])
def test_photos_of_a_kind_that_is_not_read_are_there(tmp_path, make):
    make(tmp_path)
    for file in [*tmp_path.rglob("*.jpg")]:
        file.rename(file.with_suffix(".gif"))
    for file in tmp_path.glob("*.json"):
        file.write_text(file.read_text().replace("NaN", "9"))
    with pytest.raises(RecycleError, match=r"its pictures are of a kind that is not read, as '.*a\.gif': save them"):
        api.import_data(tmp_path, None)


def test_no_photo_at_all_can_be_read(tmp_path):
    root = coco(tmp_path)
    for file in (root / "images").iterdir():
        file.write_bytes(b"no photo")
    with pytest.raises(RecycleError):
        api.import_data(root, None, drop_unreadable=True)


def test_a_layout_is_a_name_of_its_dataset(tmp_path):
    root = masks_of(tmp_path / "src", colored=True)
    (root / "class_dict.csv").write_text("name,r,g,b\nbackground,0,0,0\npaper,128,0,0\nmetal,0,128,0\n")
    assert api.open_data(root, dataset="rgb-masks").class_names == ("Background", "paper", "metal")
    assert convert(api.registry(), root, tmp_path / "coco", "rgb-masks", "coco").photos == 2
    with pytest.raises(RecycleError, match="does not look like voc"):
        api.open_data(root, dataset="voc")
    with pytest.raises(RecycleError, match="no dataset or layout is called 'rgb-mask'") as error:
        api.open_data(root, dataset="rgb-mask")
    assert {"voc", "mask-tree", "superannotate"} <= {*error.value.remedy.replace(",", " ").split()}


def test_a_recipe_may_name_a_layout(tmp_path):
    root = masks_of(tmp_path / "src", colored=True)
    (root / "class_dict.csv").write_text("name,r,g,b\nbackground,0,0,0\npaper,128,0,0\nmetal,0,128,0\n")
    found = api.registry().find("dataset", "rgb-masks")
    assert found.component.name == "mask-tree"
    complete = found.component.options().model_dump(mode="json")  # as a recipe holds them
    assert api.open_data(root, dataset="rgb-masks", options=complete).class_names == ("Background", "paper", "metal")


@pytest.mark.parametrize("mark", ["\t", ","])
def test_label_studio_as_a_table(tmp_path, mark):
    heads = ("image", "id", "label", "annotator", "annotation_id", "created_at", "updated_at", "lead_time")
    out = io.StringIO()
    rows = csv.writer(out, delimiter=mark)
    rows.writerow(heads)
    for number, (key, (name, area)) in enumerate(OBJECTS.items(), start=1):
        photo(tmp_path / f"src/1a2b3c4d-{key}.jpg", HEIGHT, WIDTH)
        points = [[x * 100 / WIDTH, y * 100 / HEIGHT] for x, y in box(*area)]
        region = {"points": points, "polygonlabels": [name], "original_width": WIDTH, "original_height": HEIGHT}
        image = f"/data/upload/1/1a2b3c4d-{key}.jpg"
        rows.writerow([image, number, json.dumps([region]), "me@example.org", number, "2024", "2024", 1.5])
    file = tmp_path / "src" / ("project.tsv" if mark == "\t" else "project.csv")
    file.write_text(out.getvalue())
    done, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert (done.taken.layout.name, done.class_names) == ("label-studio", ("Background", "metal", "paper"))
    assert [mask.tolist() for mask in found.values()] == [drawn(key, ("metal", "paper")).tolist() for key in OBJECTS]


@pytest.mark.parametrize("below", ["", "drawn/"], ids=["the same photos", "other photos"])
def test_yolo_beside_labelme_is_not_guessed(tmp_path, below):
    photo(tmp_path / "a.png")
    photo(tmp_path / f"{below}b.png")
    shape = {"label": "paper", "points": box(2, 2, 9, 9), "shape_type": "polygon"}
    (tmp_path / "a.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n")
    place = tmp_path / (f"{below}b" if below else "a")
    place.with_suffix(".json").write_text(json.dumps({"shapes": [shape], "imagePath": f"{place.name}.png"}))
    with pytest.raises(RecycleError, match=r"2 ways that fit equally well:\n  labelme .*\n  yolo ") as caught:
        api.import_data(tmp_path, None)
    assert "OUT --as labelme, or " in caught.value.remedy
    assert "recycle data merge A B --out C" in caught.value.remedy
    for layout in ("labelme", "yolo"):
        assert api.import_data(tmp_path, None, layout).taken.layout.name == layout


def test_photos_outside_of_what_is_taken_are_said(tmp_path, logged):
    photo(tmp_path / "one/a.png")
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[2, 2, 9, 2, 9, 9]]}
    document = {"images": [{"id": 1, "file_name": "a.png", "width": 32, "height": 24}], "annotations": [annotation],
                "categories": [{"id": 1, "name": "paper"}]}  # fmt: skip
    (tmp_path / "one/annotations.json").write_text(json.dumps(document))
    photo(tmp_path / "two/images/b.png")
    (tmp_path / "two/masks").mkdir()
    Image.fromarray(painted((1, box(2, 2, 9, 9)))).save(tmp_path / "two/masks/b.png")
    api.import_data(tmp_path, None)
    assert "outside of one, and not taken: 2 pictures, as two/images/b.png" in logged()


def test_a_split_is_the_file_of_its_name_beside_a_folder_of_photos(tmp_path):
    (coco(tmp_path) / "annotations.json").rename(tmp_path / "test.json")
    (tmp_path / "test").mkdir()
    assert len(api.open_data(tmp_path, "test")) == len(api.open_data(tmp_path, "test.json")) == 2
