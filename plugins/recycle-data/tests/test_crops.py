"""Photos that are cut out of others."""

import numpy as np
import pytest
from frames import frames
from PIL import Image, ImageOps
from recycle_data.crops import _moved, crops
from recycle_data.identity import files_identities


def textured(seed):
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((320, 240), Image.Resampling.BICUBIC)


def looked_for(folder, photos, others):
    """`crops` of pictures, saved as JPEG."""
    known = []
    for name, pictures in (("photo", photos), ("other", others)):
        files = [folder / f"{name}-{number}.jpg" for number in range(len(pictures))]
        for file, picture in zip(files, pictures, strict=True):
            picture.save(file, quality=85)
        known += [files_identities(files), files]
    return crops(*known)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("grown", [1, 0.7, 1.8])
@pytest.mark.parametrize("box", [(0, 0, 160, 120), (90, 40, 310, 200), (100, 30, 240, 230)])
def test_tiles_and_crops_are_found_at_any_size(tmp_path, box, grown, mirrored):
    others = [textured(seed) for seed in range(4)]
    cut = others[2].crop(box)
    cut = cut.resize((round(cut.width * grown), round(cut.height * grown)))
    cut = ImageOps.mirror(cut) if mirrored else cut
    assert looked_for(tmp_path, [textured(9), cut], others) == {1: 2}


def test_crops_of_other_frames_of_one_camera_are_none(tmp_path):
    belt = list(frames(12, (320, 240)))
    assert looked_for(tmp_path, [one.crop((40, 30, 240, 180)) for one in belt[:6]], belt[6:]) == {}
    assert looked_for(tmp_path, belt[:6], belt[6:]) == {}
    assert looked_for(tmp_path, [ImageOps.mirror(one) for one in belt[:6]], belt[6:]) == {}


def test_what_cannot_be_read_or_is_tiny_is_looked_for_nowhere(tmp_path):
    (tmp_path / "text.jpg").write_text("none")
    files = [tmp_path / "text.jpg", tmp_path / "tiny.png"]
    textured(0).crop((0, 0, 40, 40)).save(files[1])
    textured(0).save(tmp_path / "whole.png")
    whole = [tmp_path / "whole.png"]
    assert crops(files_identities(files), files, files_identities(whole), whole) == {}
    assert crops(files_identities(whole), whole, files_identities([]), []) == {}


def test_boxes_stay_within_their_pictures():
    chance = np.random.default_rng(0)
    for _ in range(2000):
        size = tuple(chance.integers(20, 400, 2).tolist())
        left, top, wide, tall = chance.uniform(0, 1, 4) * (*size, *size)
        box = _moved((left, top, left + wide + 5, top + tall + 5), *chance.uniform(-0.2, 0.2, 2), 1.1, size)
        assert min(box) >= 0
        assert box[2] <= size[0]
        assert box[3] <= size[1]
