"""Several huge photos at once: in bounded memory, or refused with what to do."""

import json
import shutil
import threading
import time

import pytest
from attacking import GIB, attack
from PIL import Image
from recycle_coco import photo, pixels
from support import coco, write_coco

WIDTH, HEIGHT = 12_000, 9_000


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    """A COCO folder of three huge photos and a small one."""
    folder, content = tmp_path_factory.mktemp("huge") / "data", coco(4)
    write_coco(folder, content)
    Image.new("RGB", (WIDTH, HEIGHT), (120, 90, 60)).save(folder / "images/1.jpg", quality=60)
    for number in (2, 3):
        shutil.copy(folder / "images/1.jpg", folder / f"images/{number}.jpg")
    for image in content["images"][:3]:
        image |= {"width": WIDTH, "height": HEIGHT}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_huge_photos_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    """However many threads read; in a process that was forked meanwhile, too."""
    monkeypatch.setattr(pixels, "LARGE_PHOTO_PIXELS", 8)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    inside, most = [], []

    def read():
        with photo.open_photo(tmp_path / "a.png"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


@pytest.mark.slow("reads photos of 108 megapixels")
def test_huge_photos_are_not_augmented_at_their_size(huge, tmp_path):
    line = ["aug", "copy-paste", "--aug-num", 2, "--min-area", 1, "--data", huge, "--out", tmp_path / "o"]
    assert "images/1.jpg has 12000x9000 pixels" in attack(*line, cwd=tmp_path, codes={2}, memory=3 * GIB)
    assert "2 new photos" in attack(*line, "--size", 64, cwd=tmp_path, codes={0}, memory=3 * GIB)


@pytest.mark.slow("reads photos of 108 megapixels")
def test_several_huge_photos_are_predicted_in_bounded_memory(huge, made_runs, tmp_path):
    attack("predict", made_runs / "runs/fold-1", huge, "--out", tmp_path / "o", cwd=tmp_path, codes={0})
    assert len(list((tmp_path / "o/masks").rglob("*.png"))) == 4


@pytest.mark.slow("reads photos of 108 megapixels")
@pytest.mark.parametrize("command", ["data check", "data stats"])
def test_several_huge_photos_are_looked_at_in_bounded_memory(huge, tmp_path, command):
    attack(*command.split(), "--data", huge, cwd=tmp_path, codes={0, 1})
