"""Whatever is thrown at it: no traceback, no hang, bounded memory, the right exit code.

But for mere arguments, a case runs `recycle` in a process of its own, whose peak memory is checked and which is
ended when it hangs; the number of cases is printed at the end of the session.
"""

import contextlib
import json
import os
import re
import shutil
import struct
import subprocess
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from attacking import GIB, HANGS, attack, attack_here, few, peak_memory
from PIL import Image
from support import TINY, coco, forks, run_recycle, start_recycle, write_coco

LARGE, HUGE = (4_000, 3_000), (12_000, 9_000)


def room_for(size):
    """Bytes that a command may take on a photo of this size: in bands it needs few for each pixel."""
    if size == HUGE:
        return 2 * GIB
    _, idle = forks().run(["--version"], ".", {**os.environ, "OMP_NUM_THREADS": "1"}, HANGS)
    return idle * 1024 + 32 * size[0] * size[1]


def polygon(points):
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([16 + 12 * np.cos(angles), 16 + 12 * np.sin(angles)], 1).ravel().round(3).tolist()


def with_shape(shape):
    content = coco(4)
    content["annotations"][0]["segmentation"] = shape
    return json.dumps(content)


def with_image(**fields):
    content = coco(4)
    content["images"][0] |= fields
    return json.dumps(content)


TEXTS = {
    "nested lists": ("[" * 100_000, {2}),
    "nested objects": ('{"a":' * 100_000, {2}),
    "nested and closed": ("[" * 100_000 + "]" * 100_000, {2}),
    "empty": ("", {2}),
    "zeros": ("\0" * 1000, {2}),
    "a number": ("7", {2}),
    "null": ("null", {2}),
    "NaN coordinates": (with_shape([[1, 1, float("nan"), 5, 9, 9]]), {2}),
    "infinite coordinates": (with_shape([[1, 1, float("inf"), 5, 9, 9]]), {2}),
    "huge coordinates": (with_shape([[1, 1, 1e300, 5, 9, 9]]), {2}),
    "a number of 5000 digits": (with_shape([[1, 1, 5, 5, 9, 9]]).replace("[[1,", "[[" + "9" * 4000 + ",", 1), {2}),
    "a number beyond the parser": (with_shape([[1, 1, 5, 5, 9, 9]]).replace("[[1,", "[[" + "9" * 9000 + ",", 1), {2}),
    "a million vertices": (with_shape([polygon(1_000_000)]), {0}),
    "100,000 parts": (with_shape([[1, 1, 9, 1, 9, 9]] * 100_000), {0}),
    "RLE that overflows": (with_shape({"size": [32, 32], "counts": "o" * 1000}), {2}),
    "RLE of 2^62": (with_shape({"size": [32, 32], "counts": [2**62, 2**62]}), {2}),
    "RLE of negative runs": (with_shape({"size": [32, 32], "counts": [5, -5, 1024]}), {2}),
    "RLE of booleans": (with_shape({"size": [32, 32], "counts": [True, False]}), {2}),
    "RLE of a huge size": (with_shape({"size": [2**31, 2**31], "counts": "0"}), {2}),
    "RLE without counts": (with_shape({"size": [32, 32]}), {2}),
    "a shape of text": (with_shape("everything"), {2}),
    "ids of every kind": (with_image(id=[1]), {2}),
    "a width of 10^12": (with_image(width=10**12), {0, 2}),
    "a negative height": (with_image(height=-4), {2}),
    "file_name with newline": (with_image(file_name="a\nb.jpg"), {0}),
    "file_name of script": (with_image(file_name="<script>alert(1)</script>.jpg"), {0}),
    "file_name with NUL": (with_image(file_name="a\0b.jpg"), {2}),
    "file_name that climbs": (with_image(file_name="a/../../../etc/shadow"), {2}),
    "file_name absolute": (with_image(file_name="/etc/shadow"), {2}),
    "300 categories": (json.dumps(coco(4) | {"categories": [{"id": k, "name": f"c{k}"} for k in range(300)]}), {2}),
    "lone surrogate": (with_image(file_name="\ud800.jpg"), {2}),
}


@pytest.mark.parametrize("name", TEXTS)
def test_annotations(tmp_path, name):
    text, codes = TEXTS[name]
    (tmp_path / "annotations.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    attack("data", "kfold", "--n", 2, "--data", tmp_path, cwd=tmp_path, codes=codes)


@pytest.mark.parametrize("name", few(TEXTS, 12))
def test_annotations_checked_and_mended(tmp_path, name):
    (tmp_path / "annotations.json").write_text(TEXTS[name][0], encoding="utf-8", errors="surrogatepass")
    attack("data", "check", "--labels-only", "--data", tmp_path, "--fix", "o.json", cwd=tmp_path, codes={0, 1, 2})


NAMES = [
    "with space.jpg",
    "한국어.jpg",
    "💡.png",
    "new\nline.jpg",
    "<script>alert(1)<|script>.png",  # its slash would be a folder's
    "'; rm -rf .jpg",
    "-o.jpg",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small run whose photos have the names that break things."""
    work = tmp_path_factory.mktemp("trained")
    content = coco(10, categories=(("<script>alert(1)</script>", 1), ("종이 팩", 2)))
    for image, name in zip(content["images"], [*NAMES, "h.jpg", "i.jpg", "j.jpg"], strict=True):
        image["file_name"] = f"images/{name}"
    write_coco(work / "data", content)
    done = run_recycle(
        "train", "--data", "data", "--epochs", 1, "--batch-size", 2, "-o", "data.size=32",
        *TINY, "-o", "data.val_fraction=0.7", "--name", "r", cwd=work,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return work


def test_odd_names_go_the_whole_way(trained):
    attack("data", "kfold", "--n", 2, "--data", "data", "--out", "folds", cwd=trained, codes={0})
    out = attack("predict", "r", "data", "--out", "out", "--submission", "s.csv", cwd=trained, codes={0})
    assert "10 photos" in out
    for name in NAMES:
        assert (trained / "out/masks/images" / Path(name).with_suffix(".png").name).is_file()
    page = (trained / "runs/r/report.html").read_text()
    assert page.count("<script") == 1  # ours, which the page's policy allows by its hash
    assert "&lt;script&gt;alert(1)" in page


def test_odd_names_are_counted_shown_and_converted(trained):
    attack("data", "stats", "--data", "data", "--html", "stats.html", cwd=trained, codes={0})
    attack("data", "show", "--data", "data", "--out", "show.html", cwd=trained, codes={0})
    attack("data", "show", "--data", "data", "--out", "show.png", cwd=trained, codes={0})
    for page in ("stats.html", "show.html"):
        assert "<script>alert" not in (trained / page).read_text()
    for form in ("masks", "yolo"):
        attack("data", "convert", "data", form, "--from", "coco", "--to", form, cwd=trained, codes={0})
        attack("data", "convert", form, f"{form}-coco", "--from", form, "--to", "coco", cwd=trained, codes={0})
        back = json.loads((trained / f"{form}-coco/annotations.json").read_text())
        assert {Path(image["file_name"]).name for image in back["images"]} >= set(NAMES)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(side):
    """A small PNG that claims side x side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * (3 * side + 1) * 50)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def rotated(file):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (40, 30), (200, 10, 10)).save(file, exif=exif)


GOOD = {
    "1x1": lambda file: Image.new("RGB", (1, 1)).save(file),
    "1x5000": lambda file: Image.new("RGB", (1, 5000)).save(file),
    "grayscale": lambda file: Image.new("L", (40, 30)).save(file),
    "cmyk": lambda file: Image.new("CMYK", (40, 30)).save(file),
    "exif": rotated,
}
GOOD_PNG = {
    "16-bit": lambda file: Image.fromarray(np.full((30, 40), 40_000, np.uint16)).save(file),
    "alpha": lambda file: Image.new("RGBA", (40, 30), (1, 2, 3, 0)).save(file),
    "palette": lambda file: Image.new("P", (40, 30)).save(file),
    "two colours": lambda file: Image.new("1", (40, 30)).save(file),
}
BROKEN = {
    "empty": b"",
    "text": b"hello",
    "html": b"<html><script>alert(1)</script>",
    "jpeg head alone": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "bomb of 20000": bomb(20_000),
    "bomb of 200000": bomb(200_000),
    "png without data": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)),
}


SIZES = [LARGE, pytest.param(HUGE, marks=pytest.mark.slow("reads a photo of 108 megapixels"))]


def plain(file, size):
    """A photo of one colour."""
    Image.new("RGB", size, (90, 120, 60)).save(file, quality=60)


def test_photos_of_every_kind(trained, tmp_path):
    (tmp_path / "photos").mkdir()
    files = {name: tmp_path / "photos" / f"{name}.{'jpg' if name in GOOD else 'png'}" for name in GOOD | GOOD_PNG}
    for name, file in files.items():
        (GOOD | GOOD_PNG)[name](file)
    attack("predict", "r", tmp_path / "photos", "--out", tmp_path / "out", cwd=trained, codes={0})
    for name, file in files.items():
        with Image.open(tmp_path / f"out/masks/{name}.png") as mask, Image.open(file) as photo:
            assert mask.size == (photo.size[::-1] if name == "exif" else photo.size)


@pytest.mark.parametrize("size", SIZES)
def test_a_large_photo_is_predicted_in_bounded_memory(trained, tmp_path, size):
    plain(tmp_path / "photo.jpg", size)
    line = ["predict", "r", tmp_path / "photo.jpg", "--out", tmp_path / "out"]
    attack(*line, cwd=trained, codes={0}, memory=room_for(size))
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(tmp_path / "out/masks/photo.png") as mask:
        assert mask.size == size


def test_a_photo_of_floating_point_numbers_is_refused(trained, tmp_path):
    Image.fromarray(np.full((30, 40), 0.5, np.float32)).save(tmp_path / "photo.tif")
    text = attack("predict", "r", tmp_path / "photo.tif", "--out", tmp_path / "out", cwd=trained, codes={2})
    assert "floating-point numbers" in text


@pytest.fixture(scope="module", params=SIZES)
def huge(tmp_path_factory, request):
    """Three small photos to learn from and a large one to be judged on, and the other way round."""
    work, size = tmp_path_factory.mktemp("huge"), request.param
    content = coco(4)
    write_coco(work / "data", content)
    last = content["images"][-1]
    last |= {"file_name": "huge.jpg", "width": size[0], "height": size[1]}
    large = {"id": 999, "image_id": last["id"], "category_id": content["categories"][0]["id"], "iscrowd": 0}
    right, low = size[0] - 1_000, size[1] - 1_000
    large["segmentation"] = [[100, 100, right, 100, right, low, 100, low]]
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] != last["id"]] + [large]
    plain(work / "data/huge.jpg", size)
    for name, images in (("all", content["images"]), ("small", content["images"][:-1]), ("large", [last])):
        ids = {image["id"] for image in images}
        annotations = [one for one in content["annotations"] if one["image_id"] in ids]
        part = content | {"images": images, "annotations": annotations}
        (work / f"data/{name}.json").write_text(json.dumps(part))
    return work, size


@pytest.mark.parametrize(
    ("train", "val"), [("small", "large"), pytest.param("large", "small", marks=pytest.mark.slow("trains again"))]
)
def test_a_huge_photo_goes_the_whole_way(huge, train, val):
    work, size = huge
    attack(
        "train", "--data", "data", "--train-json", f"data/{train}.json", "--val-json", f"data/{val}.json",
        "--plugin", "fpn", "--epochs", 1, "--batch-size", 3 if train == "small" else 1, "-o", "data.size=64",
        *TINY, "--name", train, cwd=work, codes={0}, memory=room_for(size),
    )  # fmt: skip
    assert (work / "runs" / train / "report.html").is_file()  # as `report` writes it
    attack("eval", train, cwd=work, codes={0}, memory=room_for(size))


def test_a_huge_photo_in_folds(huge):
    work, size = huge
    arguments = ["data", "kfold", "--n", 2, "--data", "data", "--json-path", "data/all.json", "--out", "folds"]
    attack(*arguments, cwd=work, codes={0}, memory=room_for(size))


@pytest.mark.parametrize("size", SIZES)
def test_a_large_photo_is_checked_in_bounded_memory(tmp_path, size):
    content = coco(2)
    write_coco(tmp_path, content)
    plain(tmp_path / "photo.jpg", size)
    (tmp_path / content["images"][0]["file_name"]).unlink()
    content["images"][0] |= {"file_name": "photo.jpg", "width": size[0], "height": size[1]}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    out = attack("data", "check", "--data", tmp_path, cwd=tmp_path, codes={0}, memory=room_for(size))
    assert "no faults" in out


def test_photos_checked(tmp_path):
    files = {f"{name}.{'jpg' if name in GOOD else 'png'}": write for name, write in (GOOD | GOOD_PNG).items()}
    content = coco(len(files) + len(BROKEN))
    write_coco(tmp_path, content)
    for name, write in files.items():
        write(tmp_path / name)
    put_broken(tmp_path)
    for image, name in zip(content["images"], [*files, *(f"{name}.png" for name in BROKEN)], strict=True):
        image |= {"file_name": name, "width": 12_000, "height": 9_000}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    found = json.loads(attack("data", "check", "--data", tmp_path, "--json", cwd=tmp_path, codes={1}))
    codes = {Path(one["file"]).name: one["code"] for one in found if one["severity"] == "error"}
    assert codes == dict.fromkeys(files, "photo-size") | {f"{name}.png": "unreadable-photo" for name in BROKEN}


def put_broken(folder):
    for name, content in BROKEN.items():
        (folder / f"{name}.png").write_bytes(content)


def test_photos_that_are_none(trained, tmp_path):
    """Nothing can be done with them alone; beside a photo, each of them is named."""
    (tmp_path / "photos").mkdir()
    put_broken(tmp_path / "photos")
    line = ["predict", "r", tmp_path / "photos", "--out", tmp_path / "out"]
    assert "none of 7 photos can be read" in attack(*line, cwd=trained, codes={2})
    Image.new("RGB", (40, 30)).save(tmp_path / "photos/good.png")
    attack(*line, cwd=trained, codes={1})
    failed = json.loads((tmp_path / "out/predicted.json").read_text())["failed"]
    assert {*failed} == {f"{name}.png" for name in BROKEN}


ARGUMENTS = [
    (["train", "--lr", "nan"], {2}),
    (["train", "--epochs", "1e9"], {2}),
    (["train", "-o", "a" * 10_000], {2}),
    (["train", "-o", "seed=" + "[" * 10_000], {2}),
    (["train", "-o", "model={a: &a [*a]}"], {2}),
    (["train", "--plugin", "../../etc/passwd"], {2}),
    (["train", "--loss", "💡"], {2}),
    (["data", "kfold", "--n", "-3"], {2}),
    (["data", "kfold", "--data", "/dev/null"], {2}),
    (["data", "sample", "--num", "3", "--data", "/proc/self/x"], {2}),
    (["predict", "nowhere", "x", "--out", "y"], {2}),
    (["eval", "../../.."], {2}),
    (["eval", "--submission", "/dev/null"], {2}),
    (["eval", "--submission", "data/annotations.json"], {2}),
    (["eval", "--submission", "data/images/1.jpg"], {2}),
    (["eval", "--submission", "/dev/full", "--masks", "/"], {2}),
    (["eval", "--masks", "/proc"], {2}),
    (["eval", "--masks", "data/images"], {2}),
    (["eval", "--masks", "data/annotations.json"], {2}),
    (["compare", "data/images"], {2}),
    (["compare", "", "+hflip"], {2}),
    (["compare", "data/images", "data/images"], {2}),
    (["compare", "last+" + "hflip+" * 500, "last"], {2}),
    (["compare", "a.csv", "💡.csv"], {2}),
    (["compare", "a", "b", "--min-effect", "nan"], {2}),
    (["ablate", "nowhere"], {2}),
    (["aug", "copy-paste"], {2}),
    (["aug", "copy-paste", "--aug-num", "0"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--data", "nowhere"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--out", "/proc/x"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--min-area", "1", "--name", "../../x"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--name", ""], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--class-weights", "Paper"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--class-weights", "Paper=NaN"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--class-weights", "Paper=-1"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--p", "nan"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--lsj", "--lsj-max", "1e300"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--patch", "💡"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--device", "cuda:99"], {2}),
    (["aug", "copy-paste", "--aug-num", "3", "--lsj", "--lsj-min", "1e-30", "--workers", "10000"], {0}),
    (["aug", "elastic", "--aug-num", "3", "--shift", "40"], {2}),
    (["aug", "💡", "--aug-num", "3"], {2}),
    (["aug", "preview", "copy-paste", "--out", "/proc/x.png"], {2}),
    (["aug", "preview", "copy-paste", "--out", "data"], {2}),
    (["data", "oversample"], {2}),
    (["data", "oversample", "--patch", "💡", "--num", "2"], {2}),
    (["data", "oversample", "--patch", "Paper", "--num", "2", "--background", "💡"], {2}),
    (["plugins", "show", "<script>"], {2}),
    (["nonsense"], {2}),
]


@pytest.mark.parametrize(("arguments", "codes"), ARGUMENTS)
def test_arguments(tmp_path, arguments, codes):
    """In this process, whose peak memory none of them may raise by much: what is refused is refused at once."""
    write_coco(tmp_path / "data", coco(6))
    before = peak_memory()
    attack_here(*arguments, cwd=tmp_path, codes=codes)
    assert peak_memory() - before < GIB // 2


@pytest.fixture(params=["40m"])
def tiny_disk(tmp_path, request):
    """A file system of its own, of 40 MB unless told; needs the right to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    size = f"size={request.param}"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], capture_output=True).returncode:
        pytest.skip("no right to mount a small file system here")
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place, left):
    """Fill a disk until `left` bytes are free."""
    (place / "filler").write_bytes(b"x" * (shutil.disk_usage(place).free - left))


def test_a_disk_that_is_too_small_for_checkpoints(trained, tiny_disk):
    text = attack("train", "--recipe", trained / "runs/r/recipe.yaml", cwd=tiny_disk, codes={3})
    assert re.search(r"checkpoints take up to \d+ MiB, and \d+ MiB are free", text)
    assert not list((tiny_disk / "runs").iterdir())


@pytest.mark.parametrize("tiny_disk", ["400m"], indirect=True)
def test_a_full_disk_while_training(trained, tiny_disk):
    def fill_when_it_has_begun():
        deadline = time.monotonic() + HANGS
        while not list(tiny_disk.glob("runs/*/recipe.yaml")) and time.monotonic() < deadline:
            time.sleep(0.01)
        with contextlib.suppress(OSError):  # the training writes meanwhile
            fill(tiny_disk, 2_000_000)

    threading.Thread(target=fill_when_it_has_begun, daemon=True).start()
    command = ["train", "--recipe", trained / "runs/r/recipe.yaml", "--epochs", 40]
    text = attack(*command, cwd=tiny_disk, codes={3})
    assert "the disk is full" in text
    assert not list(tiny_disk.rglob("*.part"))
    for file in tiny_disk.rglob("last.ckpt"):  # of an epoch before, and whole
        assert "optimizer_states" in torch.load(file, weights_only=True)
        assert "recycle train --resume" in text


def test_a_full_disk_while_predicting(trained, tiny_disk):
    fill(tiny_disk, 40_000)
    arguments = ["predict", trained / "runs/r", trained / "data", "--out", "o", "--submission", "s.csv"]
    text = attack(*arguments, cwd=tiny_disk, codes={3})
    assert "the disk is full" in text
    assert not (tiny_disk / "s.csv").exists()
    assert {part.name for part in tiny_disk.rglob("*.part")} <= {"predicted.json.0.part", "predicted.csv.0.part"}


def test_a_full_disk_while_converting(trained, tiny_disk):
    fill(tiny_disk, 20_000)
    arguments = ["data", "convert", trained / "data", tiny_disk / "o", "--from", "coco", "--to", "masks"]
    text = attack(*arguments, cwd=tiny_disk, codes={3})
    assert "the disk is full" in text
    assert not (tiny_disk / "o/classes.txt").exists()


def test_a_full_disk_while_making_photos(trained, tiny_disk):
    """What is missing is made once there is room; nothing is there by halves."""
    fill(tiny_disk, 60_000)
    line = ["aug", "copy-paste", "--aug-num", 60, "--data", trained / "data", "--out", tiny_disk / "o", "--workers", 2]
    text = attack(*line, "--min-area", 1, cwd=tiny_disk, codes={3})
    assert "the disk is full" in text
    assert not (tiny_disk / "o/copy_paste.json").exists()
    assert not list(tiny_disk.rglob("*.part"))
    done = len(list((tiny_disk / "o/copy_paste").iterdir()))
    assert 0 < done < 60
    (tiny_disk / "filler").unlink()
    assert "60 new photos" in attack(*line, "--min-area", 1, cwd=tiny_disk, codes={0})


FILLED = {  # command: how many bytes are little for it
    "data kfold --n 2 --data DATA --out k": 4096,
    "data sample --num 4 --data s": 20_000,
    "data convert DATA m --from coco --to masks": 12_288,
    "aug copy-paste --min-area 1 --aug-num 4 --data DATA --out a": 4096,
    "plugins new acme-losses --kind loss": 8192,
    "predict RUN DATA --out o": 12_288,
    "soup RUN RUN --name s": 100_000,
    "data import DATA i": 4096,
    "data import DATA l --link": 4096,
    "data export DATA x --to cvat": 4096,
    "data show --num 2 --data DATA": 4096,
    "data stats --data DATA --html s.html": 4096,
    "aug preview flip --num 2 --size 32 --data DATA": 4096,
    "init --data DATA": 2048,
    "export RUN --out e": 100_000,
}


@pytest.mark.parametrize("left", few([0, 1], 1), ids=["none", "little"])
@pytest.mark.parametrize("command", few(FILLED, 8))
def test_what_met_a_full_disk_goes_on_when_it_is_typed_again(trained, tiny_disk, command, left):
    """That is the remedy which is told."""
    fill(tiny_disk, left * FILLED[command])
    line = command.replace("DATA", str(trained / "data")).replace("RUN", str(trained / "runs/r")).split()
    text = attack(*line, cwd=tiny_disk, codes={3})
    assert "the disk is full" in text
    assert "free some space, then type the command again" in text
    (tiny_disk / "filler").unlink()
    attack(*line, cwd=tiny_disk, codes={0})
    assert not list(tiny_disk.rglob("*.part"))


def test_a_full_disk_while_reporting(trained, tiny_disk):
    shutil.copytree(
        trained / "runs/r", tiny_disk / "r", ignore=shutil.ignore_patterns("last.ckpt", "best-raw.*", "report.html")
    )
    fill(tiny_disk, 8192)
    text = attack("report", tiny_disk / "r", cwd=tiny_disk, codes={3})
    assert "the disk is full" in text
    assert not (tiny_disk / "r/report.html").exists()
    assert not list(tiny_disk.rglob("*.part"))


KILLS = {  # command: its last file, and when it is killed: after seconds, fast as it is when forked, or at a folder;
    # the first moment is that of the quick tier
    "aug copy-paste --min-area 1 --aug-num 40 --data data --out OUT": ("OUT/copy_paste.json", (0.35, 0.2, 0.5)),
    "data kfold --data data --out OUT": ("OUT/folds.json", (0.2, 0.05, 0.4)),
    "data sample --num 4 --data OUT": ("OUT/annotations.json", (0.4, 0.9)),
    "data check --data data --fix OUT.json": ("OUT.json", (0.05, 0.15)),
    "data convert data OUT --from coco --to masks": ("OUT/classes.txt", (0.1, 0.2)),
    "data show --data data --out OUT.png": ("OUT.png", (0.6,)),
    "data stats --data data --html OUT.html": ("OUT.html", (0.4,)),
    "init --data data --out OUT.yaml": ("OUT.yaml", (0.1,)),
    "predict r data --out OUT --submission OUT.csv": ("OUT/predicted.json", (0.3, 0.6)),
    "report r": ("runs/r/report.html", (0.9,)),
    "demo --num 10 --epochs 1 --size 64 --out OUT": ("OUT/report.html", (1.0, "OUT/runs/demo/checkpoints")),
    "ablate r --trick hflip --force": ("runs/r/pipeline.json", (0.4, 0.7)),
    "eval r": ("runs/r/recipe.yaml", (0.4,)),
    "data import data OUT": ("OUT/train_all.json", (0.1,)),
    "data export data OUT --to label-studio": ("OUT/tasks.json", (0.1,)),
    "aug preview flip --num 2 --size 32 --data data --out OUT.png": ("OUT.png", (0.3,)),
    "export r --out OUT": ("OUT/card.json", (0.5,)),
    "soup r r --name OUT": ("runs/OUT/checkpoints/best.safetensors", (0.2,)),
    "plugins new OUT --kind loss": ("OUT/README.md", (0.1,)),
}

KILLED_QUICKLY = 9  # the first of them, in the quick tier


def cases():
    for number, (line, (_, moments)) in enumerate(KILLS.items()):
        for moment in moments:
            marks = []
            if line.startswith("demo"):
                marks = [pytest.mark.slow("trains a model twice")]
            elif moment != moments[0]:
                marks = [pytest.mark.slow("kills at another moment")]
            elif number >= KILLED_QUICKLY:
                marks = [pytest.mark.slow("kills another command")]
            yield pytest.param(line, moment, marks=marks)


@pytest.mark.parametrize(("line", "moment"), cases())
def test_killed_and_typed_again(trained, line, moment):
    out = f"out-{len(line)}-{list(KILLS[line][1]).index(moment)}"
    words = line.replace("OUT", out).split()
    process = start_recycle(*words, cwd=trained)
    if isinstance(moment, str):
        awaited = trained / moment.replace("OUT", out)
        while not (awaited.exists() or process.over()):
            time.sleep(0.001)
    else:
        time.sleep(moment)
    process.kill()
    last = trained / KILLS[line][0].replace("OUT", out)
    finished = last.exists() and "OUT" in line  # then the second call refuses to overwrite, or ends the tidying
    attack(*words, cwd=trained, codes={0, 2} if finished else {0})
    assert last.is_file()
    for file in trained.rglob("*.json"):
        json.loads(file.read_text())
    parts = list(trained.rglob("*.part"))
    assert finished or not parts
    for (
        part
    ) in parts:  # of a record that was being shortened behind the last file: the next that writes there sweeps it
        part.unlink()
