"""Photos by another spelling of their names; what is hidden, gone, HEIC or very large."""

import io
import json
import unicodedata

import numpy as np
import pytest
from PIL import Image
from recycle_coco import CocoSource, photo_size, read_photo
from recycle_coco.lookup import locate
from recycle_engine import api
from recycle_engine.inference.photos import find_photos
from support import coco, few_calls, recycle_here, write_coco

from recyclecli.errors import RecycleError

HEIC = b"\0\0\0\x18ftypheic" + bytes(500)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("000.jpg", "images/000.jpg"),
        ("images\\000.jpg", "images/000.jpg"),
        ("C:\\Users\\me\\photos\\000.jpg", "images/000.jpg"),
        ("/home/me/000.jpg", "images/000.jpg"),
        ("a%20b/x%20y.jpg", "a b/x y.jpg"),
        ("/data/local-files/?d=photos/000.jpg", "photos/000.jpg"),
        ("/data/local-files/?d=photos%2F000.jpg", "photos/000.jpg"),
        ("..\\..\\label-studio\\media\\upload\\4\\4f2c0000-000.jpg", "images/4f2c0000-000.jpg"),
        ("/data/upload/4/4f2c0000-000.jpg", "000.jpg"),
        ("images/1/4f2c0000-000.jpg", "images/4f2c0000-000.jpg"),
        ("https://bucket.example/set/000.jpg?X-Amz-Date=1", "set/000.jpg"),
        (unicodedata.normalize("NFC", "müll.jpg"), unicodedata.normalize("NFD", "müll.jpg")),
        (unicodedata.normalize("NFD", "müll/1.jpg"), unicodedata.normalize("NFC", "müll/1.jpg")),
    ],
)
def test_found_by_name(tmp_path, name, there):
    touch(tmp_path, there, "other.jpg", "__MACOSX/000.jpg", ".ipynb_checkpoints/000.jpg")
    assert locate(tmp_path, [name]).found == {name: there}


def test_folders_decide_between_photos_of_one_name(tmp_path):
    touch(tmp_path, "images/a/1.jpg", "images/b/1.jpg")
    assert locate(tmp_path, ["b\\1.jpg"]).found == {"b\\1.jpg": "images/b/1.jpg"}
    assert locate(tmp_path, ["1.jpg"]).doubtful == {"1.jpg": ("images/a/1.jpg", "images/b/1.jpg")}


@pytest.mark.parametrize(
    ("name", "there"), [("1.jpg", "a/1.JPG"), ("Photos/IMG_1.JPG", "photos/img_1.jpg"), ("Ä.jpg", "ä.jpg")]
)
def test_small_and_capital_letters_where_no_photo_has_the_very_name(tmp_path, name, there):
    touch(tmp_path, there, "2.jpg")
    assert locate(tmp_path, [name]).found == {name: there}


def test_letters_decide_between_photos(tmp_path):
    touch(tmp_path, "a/x.jpg", "b/X.jpg")
    assert locate(tmp_path, ["X.jpg"]).found == {"X.jpg": "b/X.jpg"}


@pytest.mark.parametrize("names", [["batch_1/1.jpg", "batch_2/1.jpg"], ["x/1.jpg", "y/1.jpg"]])
def test_a_photo_of_another_entry_is_not_taken(tmp_path, names):
    touch(tmp_path, "batch_2/1.jpg")
    assert not locate(tmp_path, names).found  # TACO's batches number their photos alike


def test_many_photos_of_one_name_are_not_compared_with_each_name(tmp_path):
    touch(tmp_path, *(f"p{number}/1.jpg" for number in range(300)))
    with few_calls(300 * 150):
        found = locate(tmp_path, [f"q{number}/1.jpg" for number in range(300)])
    assert {len(places) for places in found.doubtful.values()} == {300}


def test_nothing_outside_the_root_is_found(tmp_path):
    touch(tmp_path, "secret.jpg", "data/1.jpg")
    assert not locate(tmp_path / "data", ["../secret.jpg", str(tmp_path / "secret.jpg")]).found


def moved(root, spell):
    """A COCO folder whose names are spelled otherwise than the photos'."""
    content = coco(4)
    write_coco(root, content)
    for image in content["images"]:
        image["file_name"] = spell(image["file_name"])
    (root / "annotations.json").write_text(json.dumps(content))
    return root


def test_the_source_has_the_photos_and_says_so(tmp_path, logged):
    root = moved(tmp_path, lambda name: name.split("/")[1])
    source = CocoSource(root, root / "annotations.json")
    assert source.record(0).file_name == source.document["images"][0]["file_name"] == "images/1.jpg"
    assert "4 of 4 photos do not lie where file_name says, and found by name: '1.jpg' is images/1.jpg" in (logged())
    assert [photo.file.name for photo in find_photos(root / "annotations.json")] == [f"{k}.jpg" for k in range(1, 5)]
    done = recycle_here("data", "check", "--data", ".", "--json", cwd=root)
    assert done.returncode == 0
    assert [entry["code"] for entry in json.loads(done.stdout)].count("photo-found-by-name") == 4


def test_two_photos_are_both_named(tmp_path):
    root = moved(tmp_path, lambda name: name.split("/")[1])
    (root / "more").mkdir()
    (root / "more/2.jpg").write_bytes((root / "images/2.jpg").read_bytes())
    with pytest.raises(RecycleError, match=r"'2\.jpg' is no file, and 2 photos have that name: images/2\.jpg, more/2"):
        CocoSource(root, root / "annotations.json")
    done = recycle_here("data", "check", "--data", ".", cwd=root)
    assert "ambiguous-photo  x1" in done.stdout


def test_hidden_files_are_no_photos(tmp_path, logged):
    root = write_coco(tmp_path, coco(2)).parent
    for name in ("._1.jpg", ".ipynb_checkpoints/1-checkpoint.jpg", "__MACOSX/images/._2.jpg"):
        (root / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "images" / name).write_bytes(b"no photo")
    assert [photo.name for photo in find_photos(root / "images")] == ["1.jpg", "2.jpg"]
    assert "3 hidden files left out" in logged()


class TestGone:
    def gone(self, root):
        write_coco(root, coco(6))
        (root / "images/2.jpg").unlink()
        (root / "images/5.jpg").write_bytes(HEIC)
        return root

    def test_heic_that_cannot_be_read_is_named(self, tmp_path, monkeypatch):
        file = self.gone(tmp_path) / "images/5.jpg"
        with pytest.raises(RecycleError, match="it is HEIC, and damaged"):
            read_photo(file)
        monkeypatch.setattr("recycle_coco.unreadable.find_spec", lambda name: None)
        with pytest.raises(RecycleError, match=r"it is HEIC, and none of(.|\n)*pip install pillow-heif"):
            read_photo(file)

    def test_heic_is_read_as_its_camera_held_it(self, tmp_path):
        pillow_heif = pytest.importorskip("pillow_heif")
        upright = np.zeros((64, 96, 3), np.uint8)
        upright[:32, :48] = (250, 20, 20)
        upright[32:, 48:] = (20, 20, 250)
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = np.rot90(upright)  # as the sensor stored it
        file = pillow_heif.from_pillow(Image.fromarray(np.ascontiguousarray(turned)))
        file.info["exif"] = exif.tobytes()
        file.save(tmp_path / "a.heic", quality=95)
        assert photo_size(tmp_path / "a.heic") == (64, 96)
        assert np.abs(read_photo(tmp_path / "a.heic").astype(int) - upright).mean() < 5

    def test_the_remedy_of_train_drops_them(self, tmp_path):
        self.gone(tmp_path)
        with pytest.raises(RecycleError, match="missing: 1 of 6 photos") as error:
            api.split({"data.root": tmp_path})
        line = error.value.remedy.partition(": ")[2].partition(",")[0]
        done = recycle_here(*line.split()[1:], cwd=tmp_path)
        assert "2 photos dropped" in done.stderr
        assert "2 of their annotations" in done.stderr
        split = api.split({"data.root": tmp_path, "data.json_path": str(tmp_path / "mended.json")})
        assert len(split.train) + len(split.val) == 4

    def test_a_wrong_folder_drops_nothing(self, tmp_path):
        write_coco(tmp_path, coco(2), photos=False)
        done = recycle_here("data", "check", "--data", ".", "--fix", "m.json", "--drop-unreadable", cwd=tmp_path)
        assert done.returncode == 2
        assert not (tmp_path / "m.json").exists()


class TestLarge:
    def test_max_pixels_opens_what_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("recycle_coco.unreadable.DEFAULT_MAX_PIXELS", 900)
        monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 450)
        write_coco(tmp_path, coco(2))
        with pytest.raises(RecycleError, match=r"is 32x32 pixels, and at most 900 are read"):
            read_photo(tmp_path / "images/1.jpg")
        done = recycle_here("data", "check", "--data", ".", cwd=tmp_path)
        assert (done.returncode, "photo-too-large  x2" in done.stdout) == (1, True)
        for flag in (["--max-pixels", "1024"], ["--max-pixels=1024"]):
            done = recycle_here("data", "check", *flag, "--data", ".", cwd=tmp_path)
            assert (done.returncode, done.stderr) == (0, "")
        assert recycle_here("data", "check", "--data", ".", cwd=tmp_path).returncode == 1  # for that command alone
        assert Image.MAX_IMAGE_PIXELS is not None


def test_options_of_the_dataset_reach_every_command(tmp_path):
    chance = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for number in range(4):
        Image.fromarray(chance.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / f"images/{number}.png")
        Image.new("L", (16, 16), 1).save(tmp_path / f"labels/{number}_mask.png")
    (tmp_path / "classes.txt").write_text("background\npaper\n")
    layout = [
        "--data",
        ".",
        "--dataset",
        "masks",
        "-o",
        "data.dataset.masks=labels",
        "-o",
        "data.dataset.suffix=_mask.png",
    ]
    for command in ("data check", "data stats", "data kfold --n 2", "data show --out s.png", "init"):
        done = recycle_here(*command.split(), *layout, cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
    done = recycle_here("data", "check", "--data", ".", "--dataset", "masks", "-o", "data.dataset.mask=x", cwd=tmp_path)
    assert (done.returncode, "mask: no such option; nearest: masks" in done.stderr) == (2, True)
    done = recycle_here("data", "stats", "--data", ".", "-o", "train.lr=1", cwd=tmp_path)
    assert (done.returncode, "only options of the dataset" in done.stderr) == (2, True)


class TestOrientationOfPng:
    def turned(self, behind):
        """A PNG of 40x20 with orientation 6, its EXIF before the pixels or behind them."""
        exif = Image.Exif()
        exif[0x0112] = 6
        stream = io.BytesIO()
        Image.new("RGB", (40, 20)).save(stream, "PNG", exif=exif)
        data = stream.getvalue()
        start = data.index(b"eXIf") - 4
        size = int.from_bytes(data[start : start + 4], "big") + 12
        chunk, rest = data[start : start + size], data[:start] + data[start + size :]
        return rest[:-12] + chunk + rest[-12:] if behind else rest[:33] + chunk + rest[33:]

    @pytest.mark.parametrize("behind", [False, True])
    def test_it_is_found_wherever_it_stands(self, tmp_path, behind):
        (tmp_path / "a.png").write_bytes(self.turned(behind))
        assert photo_size(tmp_path / "a.png") == (40, 20)
        assert read_photo(tmp_path / "a.png").shape == (40, 20, 3)

    def test_a_size_is_read_without_the_pixels(self, tmp_path, monkeypatch):
        Image.new("RGB", (40, 20)).save(tmp_path / "a.png")
        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("it is decoded"))
        assert photo_size(tmp_path / "a.png") == (20, 40)


def test_what_a_server_made_of_a_name_is_the_photo(tmp_path):
    for name in ("my photo (1).jpg", "plain.jpg"):
        (tmp_path / name).touch()
    found = locate(tmp_path, ["/data/upload/3/0a1b2c3d-my_photo_1.jpg", "upload/my_photo_1.jpg.txt"]).found
    assert found == {"/data/upload/3/0a1b2c3d-my_photo_1.jpg": "my photo (1).jpg"}
