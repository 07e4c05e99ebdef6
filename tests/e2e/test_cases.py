"""Labels as people have them: each case with its command, exit code, and the truth in pixels per class."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recycle_data.sources import Relabelled, pixel_counts, read_labels
from recycle_engine import api
from support import BARE, SHARED, SMALL, SQUARE, coco, recycle_here, write_coco

from recyclecli.errors import RecycleError

TRAIN = ("train", "--epochs", 1, "--batch-size", 2, "-o", "data.size=32", "-o", "data.workers=0", *BARE)
KFOLD = ("data", "kfold", "--n", 2, "--out", "folds")
CHECK = ("data", "check", "--labels-only")
TRUTH = {"Background": 2688, "Paper": 1728, "Metal": 1728}  # of `coco(6)`


def changed(**fields):
    """A COCO set whose annotations all have other fields."""

    def make(root):
        content = coco(6)
        content["annotations"] = [annotation | fields for annotation in content["annotations"]]
        write_coco(root, content)

    return make


def without_annotations(root):
    write_coco(root, coco(6) | {"annotations": []})


def masks(root, values, names=(), palettes=None, suffix=".png", folders=("images", "masks")):
    """A folder of photos and masks; `palettes` is one colour list for each mask."""
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, mask in enumerate(values):
        mask = np.asarray(mask, np.uint8)
        Image.fromarray(np.full((*mask.shape[:2], 3), 40 * number, np.uint8)).save(root / folders[0] / f"{number}.jpg")
        image = Image.fromarray(mask)
        if palettes is not None:
            image.putpalette([part for color in palettes[number] for part in color])
        image.save(root / folders[1] / f"{number}{suffix}")
    if names:
        (root / "classes.txt").write_text("".join(f"{name}\n" for name in names))


def blocks(*values):
    """(32, 32): each value after the first in a block of 8x8."""
    mask = np.full((32, 32), values[0])
    for place, value in enumerate(values[1:]):
        mask[4:12, 10 * place : 10 * place + 8] = value
    return mask


def of_masks(*values, names=()):
    return lambda root: masks(root, [blocks(*values)] * 6, names)


def yolo_boxes(root):
    write_coco(root, coco(6))
    (root / "annotations.json").unlink()
    (root / "labels").mkdir()
    for number in range(1, 7):
        (root / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.9 0.1\n")


NOTHING = {  # how it is made, which dataset reads it, and the cause that is said
    "boxes": (changed(segmentation=None), "coco", "annotations have a box and no outline"),
    "neither box nor outline": (changed(segmentation=[], bbox=None), "coco", "annotations have no outline"),
    "a box for an outline": (changed(segmentation=[[4, 4, 28, 28]]), "coco", "have the four numbers of a box"),
    "two points": (changed(segmentation=[[4, 4], [28, 28]], bbox=None), "coco", "have outlines of one or two points"),
    "shares": (changed(segmentation=[[0.1, 0.1, 0.9, 0.1, 0.9, 0.9]]), "coco", "coordinates within 0..1"),
    "negative": (changed(segmentation=[[-9, -9, -2, -9, -2, -2]]), "coco", "lie outside the photo"),
    "a line": (changed(segmentation=[[4, 4, 4, 4, 4, 4]]), "coco", "enclose no pixel"),
    "no annotations": (without_annotations, "coco", "photos hold Background alone"),
    "masks of 0 and 255": (of_masks(0, 255, names=("background", "object")), "masks", "={0: Background, 255: object}"),
    "masks of 0 and 255 without names": (of_masks(0, 255), "masks", "={0: class-0, 255: object}"),
    "masks of one value": (of_masks(0), "masks", "photos hold class-0 alone"),
    "masks of one value of two": (of_masks(1, names=("Paper", "Metal")), "masks", "photos hold Metal alone"),
    "masks of 255": (of_masks(255, names=("background", "object")), "masks", "is ignored (255)"),
    "YOLO boxes": (yolo_boxes, "yolo", "it is a box: a detection label says nothing"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["train", "kfold", "convert", "check"])
@pytest.mark.parametrize("case", NOTHING)
def test_nothing_is_trained_on_nothing(tmp_path, case, command):
    make, dataset, says = NOTHING[case]
    make(tmp_path / "data")
    which = ("--data", "data", "--dataset", dataset)
    line = {
        "train": (*TRAIN, *which),
        "kfold": (*KFOLD, *which),
        "convert": ("data", "convert", "data", "out", "--from", dataset, "--to", "coco"),
        "check": (*CHECK, *which),
    }[command]
    done = recycle_here(*line, cwd=tmp_path)
    text = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == (1 if command == "check" else 2), text
    assert says in text
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("case", ["boxes", "masks of 0 and 255"])
def test_nothing_is_made_from_nothing(tmp_path, case):
    make, dataset, says = NOTHING[case]
    make(tmp_path / "data")
    settings = {"data.root": tmp_path / "data", "data.dataset.name": dataset}
    for call in (lambda: api.augment("lsj", 2, settings), lambda: api.oversample(["Paper"], 2, settings=settings)):
        with pytest.raises(RecycleError) as found:
            call()
        assert says in str(found.value)


def test_a_validation_photo_that_shows_nothing_ends_before_the_training(tmp_path):
    masks(tmp_path / "data", [blocks(0, 1), blocks(0, 1), blocks(255)], ("background", "Paper"))
    (tmp_path / "data/folds.json").write_text("{}")
    source = api.open_data(tmp_path / "data", None, "masks")
    from recycle_data.folds import digest

    listing = {
        "folds": [{"val_images": ["images/2.jpg"]}, {"val_images": ["images/1.jpg"]}],
        "source": digest(source, range(3)),
    }
    (tmp_path / "data/folds.json").write_text(json.dumps(listing))
    done = recycle_here(*TRAIN, "--data", "data", "--dataset", "masks", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        "no validation photo shows a class but the background: every pixel of the only photo is ignored" in done.stderr
    )


def test_a_run_is_not_judged_on_nothing(tmp_path):
    changed(segmentation=None)(tmp_path / "data")
    with pytest.raises(RecycleError, match="all 6 annotations have a box and no outline"):
        api.judged_photos(None, tmp_path / "data")


PAIRS = [[4, 4], [28, 4], [28, 28], [4, 28]]
COLORS = {"background": (0, 0, 0), "Paper": (200, 0, 0), "Metal": (0, 0, 200)}
TABLE = "name,r,g,b\n" + "".join(f"{name},{r},{g},{b}\n" for name, (r, g, b) in COLORS.items())
SHUFFLED = [("Metal", "background", "Paper"), ("background", "Paper", "Metal"), ("Paper", "Metal", "background")]
SMALL_TRUTH = {
    "Background": 3 * 896,
    "Paper": 192,
    "Metal": 192,
}  # of three masks of `blocks(background, Paper, Metal)`


def text_ids(root):
    content = coco(6)
    for annotation in content["annotations"]:
        annotation |= {"image_id": str(annotation["image_id"]), "segmentation": SQUARE[0], "iscrowd": "0"}
    write_coco(root, content)


def fraction_ids(root):
    content = coco(6)
    for annotation in content["annotations"]:
        annotation |= {"image_id": float(annotation["image_id"]), "category_id": float(annotation["category_id"])}
        annotation["segmentation"] = PAIRS
    write_coco(root, content)


def areas_of_boxes(root):
    content = coco(6)
    for annotation in list(content["annotations"]):
        thin = [[4, 4, 28, 4, 28, 6, 6, 6, 6, 28, 4, 28]]  # 92 pixels, and the box of the square below
        one = annotation | {"id": annotation["id"] + 10, "segmentation": thin, "area": 900, "category_id": 3}
        content["annotations"].append(one)
    content["categories"].append({"id": 3, "name": "Frame"})
    write_coco(root, content)


def labelme2coco(root):
    content = coco(6)
    content["categories"].insert(0, {"id": 0, "name": "_background_"})
    write_coco(root, content)


def shuffled(root, table=TABLE, names=(), palettes=True):
    """Three masks of the same classes, whose numbers differ."""
    orders = [[order.index(name) for name in COLORS] for order in SHUFFLED]
    colors = [[COLORS[name] for name in order] for order in SHUFFLED]
    masks(root, [blocks(*order) for order in orders], names, colors if palettes else None)
    if table:
        (root / "class_dict.csv").write_text(table)


def gray(root):
    masks(root, [blocks(0, 255, 100)] * 3)
    (root / "class_dict.csv").write_text("name,r,g,b\nPaper,255,255,255\nMetal,100,100,100\nbackground,0,0,0\n")


def roboflow(root):
    masks(root, [blocks(0, 2, 1)] * 3, suffix="_mask.png", folders=(".", "."))
    (root / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, Metal\n2, Paper\n")


BESIDE = {"images": ".", "masks": ".", "suffix": "_mask.png"}
READ = {  # how it is made, dataset, its options, exit code of check, pixels per class
    "a sound COCO file": (lambda root: write_coco(root, coco(6)), "coco", {}, 0, TRUTH),
    "ids as text, points in one list": (text_ids, "coco", {}, 0, TRUTH),
    "fractions as ids, points as pairs": (fraction_ids, "coco", {}, 0, TRUTH),
    "areas of boxes": (areas_of_boxes, "coco", {}, 1, {"Background": 2688, "Paper": 1452, "Metal": 1452, "Frame": 552}),
    "a background of labelme's": (labelme2coco, "coco", {}, 0, TRUTH),
    "masks with a background": (of_masks(0, 1, 2, names=("BG", "Paper", "Metal")), "masks", {}, 0,
        {"Background": 5376, "Paper": 384, "Metal": 384}),
    "palettes that differ, with their table": (shuffled, "masks", {}, 0, SMALL_TRUTH),
    "palettes that differ, with table and names": (
        lambda root: shuffled(root, names=("background", "Paper", "Metal")), "masks", {}, 0, SMALL_TRUTH),
    "a table of gray values": (gray, "masks", {}, 0, SMALL_TRUTH),
    "values that are named": (
        lambda root: masks(root, [blocks(0, 255, 7)] * 3), "masks",
        {"values": {0: "background", 255: "Paper", 7: "Metal"}}, None, SMALL_TRUTH),
    "masks beside the photos": (roboflow, "masks", BESIDE, None, SMALL_TRUTH),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_labels_are_those_that_were_drawn(tmp_path, case):
    make, dataset, options, code, truth = READ[case]
    make(tmp_path / "data")
    source = api.open_data(tmp_path / "data", None, dataset, options)
    assert dict(zip(source.class_names, pixel_counts(source)[0], strict=True)) == truth
    assert source.class_names[0] == "Background"
    if code is not None:
        done = recycle_here(*CHECK, "--data", "data", "--dataset", dataset, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr


def rgb(root):
    masks(root, [np.array(list(COLORS.values()))[blocks(0, 1, 2)]] * 3)
    (root / "class_dict.csv").write_text(TABLE)


def swapped(root):
    masks(root, [blocks(0, 1)] * 3)
    (root / "class_dict.csv").write_text("name,r,g,b\nroad,255,255,255\nbackground,0,0,0\n")


def contradicted(root):
    masks(root, [blocks(0, 1, 2)] * 3, ("background", "Metal", "Paper"), [list(COLORS.values())] * 3)
    (root / "class_dict.csv").write_text(TABLE)


REFUSED = {
    "palettes that differ": (lambda root: shuffled(root, table=""), "tell no class: value 0 has the colour"),
    "palettes that differ, with names": (
        lambda root: shuffled(root, "", ("background", "Paper", "Metal")), "tell no class: value 0 has the colour"),
    "palettes that differ, a colour without a name": (
        lambda root: shuffled(root, TABLE.replace("Metal,0,0,200\n", "")), "does not name the colour (0, 0, 200)"),
    "a table in another order than the values": (swapped, "'background' is not the first"),
    "numbers with gaps and without names": (
        of_masks(0, 128, 200), "values={0: class-0, 128: class-128, 200: class-200}"),
    "RGB masks": (rgb, "class_dict.csv names these colours"),
    "a table that contradicts classes.txt": (contradicted, "names the values Background, Metal, Paper"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_masks_whose_numbers_mean_nothing_are_refused(tmp_path, case):
    make, says = REFUSED[case]
    make(tmp_path / "data")
    done = recycle_here(*TRAIN, "--data", "data", "--dataset", "masks", cwd=tmp_path)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert recycle_here(*CHECK, "--data", "data", "--dataset", "masks", cwd=tmp_path).returncode == 1


def test_the_remedies_for_masks_work(tmp_path):
    swapped(tmp_path / "data")
    (tmp_path / "data/classes.txt").write_text("background\nroad\n")
    assert api.open_data(tmp_path / "data", None, "masks").class_names == ("Background", "road")
    of_masks(0, 255, names=("background", "object"))(tmp_path / "two")
    command = ("data", "convert", "two", "out", "--from", "masks", "--to", "coco")
    remedy = recycle_here(*command, cwd=tmp_path).stderr.split("-o '")[1].split("'")[0]
    assert recycle_here(*command, "-o", remedy, cwd=tmp_path).returncode == 0
    read = api.open_data(tmp_path / "out")
    assert (read.class_names, pixel_counts(read)[0]) == (("Background", "object"), (5760, 384))
    shuffled(tmp_path / "three", table="")
    source = api.open_data(tmp_path / "three", None, "masks", {"palettes": False})
    assert source.class_names == ("class-0", "class-1", "class-2")


def test_a_background_is_one_class_however_it_is_spelled(tmp_path):
    of_masks(0, 1, names=("__background__", "Paper"))(tmp_path / "data")
    ours = api.open_data(tmp_path / "data", None, "masks")
    for spelled in ("background", "bg", "_background_"):  # as a run of another version may have stored it
        source = Relabelled(ours, ("Paper", spelled))
        assert pixel_counts(source)[0] == (384, 5760)
    convert = ("data", "convert", "data", "out", "--from", "masks", "--to", "coco")
    assert recycle_here(*convert, cwd=tmp_path).returncode == 0
    assert api.open_data(tmp_path / "out").class_names == ours.class_names


def test_the_name_of_the_project_is_offered_to_be_dropped(tmp_path):
    content = coco(6)
    content["categories"] = [one | {"supercategory": "waste"} for one in content["categories"]]
    write_coco(tmp_path / "data", content | {"categories": [{"id": 0, "name": "waste"}, *content["categories"]]})
    done = recycle_here("data", "stats", "--data", "data", cwd=tmp_path)
    assert "'waste', which names the project or a group; drop it, and name the new file with --json-path" in done.stderr
    command = done.stderr.split("with --json-path: recycle ")[1].split()
    assert recycle_here(*command, cwd=tmp_path).returncode == 0
    mended = api.open_data(tmp_path / "data", str(tmp_path / "mended.json"))
    assert dict(zip(mended.class_names, pixel_counts(mended)[0], strict=True)) == TRUTH


PLACES = {
    "a file": {"annotations.json": "images"},
    "CVAT's": {"annotations/instances_default.json": "images/default"},
    "Roboflow's": {f"{one}/_annotations.coco.json": one for one in ("test", "train")},
}


def placed(root, case):
    """COCO files with photos where a tool puts both."""
    chance = np.random.default_rng(0)
    for file, folder in PLACES[case].items():
        content = coco(6)
        for image in content["images"]:
            image["file_name"] = image["file_name"].removeprefix("" if case == "a file" else "images/")
            photo = root / ("" if case == "a file" else folder) / image["file_name"]
            photo.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(chance.integers(0, 256, (32, 32, 3), np.uint8)).save(photo)
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_text(json.dumps(content))


@pytest.mark.parametrize("case", ["a file", "CVAT's"])
def test_an_annotation_file_is_understood_as_data(tmp_path, case):
    placed(tmp_path / "data", case)
    file = tmp_path / "data" / next(iter(PLACES[case]))
    for command in (CHECK, ("data", "stats"), ("data", "kfold", "--n", "2")):
        done = recycle_here(*command, "--data", file, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "data/folds.json").is_file()  # beside what photos are relative to
    done = recycle_here(*CHECK, "--data", file, "--json-path", "other.json", cwd=tmp_path)
    assert (done.returncode, "--json-path other.json another" in done.stderr) == (2, True)


def test_an_annotation_file_elsewhere_is_named(tmp_path):
    placed(tmp_path / "data", "CVAT's")
    done = recycle_here(*CHECK, "--data", "data", cwd=tmp_path)
    assert (done.returncode, "but annotations/instances_default.json" in done.stderr) == (2, True)
    done = recycle_here(*CHECK, "--data", *done.stderr.split("--data ")[-1].split(), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_several_annotation_files_are_sent_to_import(tmp_path):
    placed(tmp_path / "data", "Roboflow's")
    done = recycle_here(*CHECK, "--data", "data", cwd=tmp_path)
    assert (done.returncode, "recycle data import data data-coco" in done.stderr) == (2, True)


def test_files_of_other_tools_are_sent_to_import(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/1.json").write_text(json.dumps({"version": "5", "shapes": [], "imagePath": "1.jpg"}))
    for file in ((), ("--json-path", "1.json")):
        done = recycle_here(*CHECK, "--data", "data", *file, cwd=tmp_path)
        assert (done.returncode, "recycle data import data data-coco" in done.stderr) == (2, True)


def test_shares_in_a_part_of_a_file_are_counted(tmp_path):
    content = coco(6)
    content["annotations"][0]["segmentation"] = [[0.1, 0.1, 0.9, 0.1, 0.9, 0.9]]
    write_coco(tmp_path / "data", content)
    done = recycle_here("data", "stats", "--data", "data", cwd=tmp_path)
    assert "1 of 6 annotations has coordinates within 0..1" in done.stderr
    done = recycle_here(*CHECK, "--data", "data", "--fix", "mended.json", cwd=tmp_path)
    assert (done.returncode, "malformed-segmentation  x1" in done.stdout) == (1, True)
    assert len(json.loads((tmp_path / "mended.json").read_text())["annotations"]) == 6


SOUND = {  # folder and file: pixels of each class, as they were counted when stated areas still set the order
    ("recycle-trash", "train.json"):
        [8231437, 171379, 372440, 13409, 36637, 67969, 294878, 170811, 1327988, 0, 60956],
    ("camvid", "val.json"):
        [297271, 1601620, 4531180, 98499, 5053176, 1521751, 2851125, 155724, 537197, 304716, 113531, 387010],
}  # fmt: skip


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real photos at {SHARED}")
@pytest.mark.parametrize("case", SOUND)
def test_sound_labels_stay_as_they_were(case):
    source = api.open_data(SHARED / case[0], case[1])
    assert list(pixel_counts(source)[0]) == SOUND[case]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real photos at {SHARED}")
def test_sound_masks_are_their_values():
    source = api.open_data(SHARED / "camvid", None, "masks")
    for index in range(0, len(source), 40):
        stem = Path(source.record(index).file_name).stem
        with Image.open(SHARED / f"camvid/masks/{stem}.png") as image:
            assert np.array_equal(read_labels(source, index)[0], np.asarray(image))


@pytest.mark.slow("trains twice, and judges in every way")
def test_one_class_beside_the_background_goes_the_whole_way(tmp_path):
    """Binary segmentation: trained, judged, compared, ablated, predicted, labelled, exported and reported."""
    write_coco(tmp_path / "data", coco(16, 64, categories=(("Paper", 1),)))
    rng = np.random.default_rng(99)
    (tmp_path / "more").mkdir()
    for number in range(3):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / f"more/{number}.png")
    api.kfold(tmp_path / "data", 2)
    for seed in (0, 1):
        settings = {**SMALL, "data.root": tmp_path / "data", "data.fold": 0, "train.epochs": 2, "seed": seed}
        api.train(settings, name=f"seed-{seed}", runs=tmp_path / "runs")
    for line in (
        ("eval", "seed-0", "--json"),
        ("compare", "seed-0", "seed-1"),
        ("ablate", "seed-0", "--trick", "hflip"),
        ("report", "seed-0"),
        ("predict", "seed-0", "more", "--out", "o", "--submission", "s.csv"),
        ("ensemble", "seed-0", "seed-1", "--images", "more", "--out", "e"),
        ("pseudo-label", "seed-0", "more", "--threshold", "0.1", "--out", "p.json"),
        ("export", "seed-0"),
    ):
        done = recycle_here(*line, cwd=tmp_path)
        assert done.returncode == 0, (line, done.stderr)
        if line[0] == "eval":
            judged = json.loads(done.stdout)
            assert 0 < judged["miou_dataset"]["value"] < 1
    assert {int(value) for file in (tmp_path / "o/masks").glob("*.png") for value in np.unique(Image.open(file))} <= {
        0,
        1,
    }
