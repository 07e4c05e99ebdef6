"""Which photos are one photo: copies, photos saved anew, and those that only look alike."""

import json
import os
import shutil

import numpy as np
import pytest
from frames import frames, resaved
from PIL import Image
from recycle_coco import CocoSource
from recycle_data import file_cache
from recycle_data.duplicates import earlier_like, linked, look_alikes, one_photo, seen
from recycle_data.identity import IDENTITY, files_identities, identities, identity_of
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from support import coco, recycle_here, write_coco


def identities_of(pictures):
    return np.stack([identity_of(picture) for picture in pictures])


@pytest.fixture(scope="module")
def belt():
    """24 frames of one camera."""
    return list(frames(24, (320, 240)))


def smooth(seed):
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC)


class TestSame:
    def test_frames_of_one_camera_are_candidates_and_none_is_another(self, belt):
        photos = identities_of(belt)
        found = seen(photos[:12], photos[12:])
        assert not found.same
        assert len(found.alike) > 2  # else nothing was compared
        assert len(set(one_photo(photos).tolist())) == len(photos)

    def test_frames_that_were_saved_anew_are_themselves(self, belt):
        chance = np.random.default_rng(1)
        found = seen(identities_of(resaved(one, chance) for one in belt), identities_of(belt))
        assert found.resaved == {number: number for number in range(len(belt))}
        assert not found.equal

    def test_flat_and_odd_pictures_too(self):
        """Whose low frequencies are near their median, so that more bits of the hash differ."""
        flat = Image.new("RGB", (640, 480), (90, 90, 90))
        flat.paste((200, 30, 60), (100, 200, 190, 260))
        fractal = Image.effect_mandelbrot((640, 480), (-0.8, -0.1, -0.2, 0.4), 40).convert("RGB")
        chance = np.random.default_rng(0)
        for picture in (flat, fractal):
            again = identities_of(resaved(picture, chance) for _ in range(6))
            assert len(seen(again, identities_of([picture])).resaved) == 6

    def test_other_photos_are_not_even_alike(self):
        found = seen(identities_of(map(smooth, range(12))), identities_of(map(smooth, range(12, 24))))
        assert not found.same
        assert not found.alike

    def test_versions_look_alike_and_others_do_not(self):
        photos = identities_of(map(smooth, range(12)))
        both = np.concatenate([photos, identities_of(smooth(seed).resize((140, 105)) for seed in range(12))])
        assert earlier_like(both) == [None] * 12 + list(range(12))
        sides = np.array(["a"] * 23 + ["b"])
        assert earlier_like(both, sides) == [None] * 23 + [11]
        assert len(set(look_alikes(both).tolist())) == 12

    @pytest.mark.parametrize("turn", Image.Transpose)
    def test_mirrored_and_turned_copies_look_alike_and_are_no_copies(self, turn):
        photos = identities_of([smooth(0), smooth(1), smooth(0).transpose(turn)])
        assert look_alikes(photos).tolist() == [0, 1, 0]
        assert len(set(one_photo(photos).tolist())) == 3

    def test_photos_that_cannot_be_read_are_like_nothing(self):
        none = np.zeros(2, IDENTITY)
        assert not seen(none, none).same
        assert len(set(one_photo(none).tolist())) == 2
        assert len(set(look_alikes(none).tolist())) == 2

    def test_colours_alone_tell_photos_apart(self):
        """Of equal light: a patch that is red in one and green in the other."""
        ground = np.asarray(smooth(3).convert("L").convert("RGB"), np.int16) // 2 + 60
        red, green = ground.copy(), ground.copy()
        red[30:60, 40:80] += np.array([60, -30, -3], np.int16)
        green[30:60, 40:80] += np.array([-60, 30, 3], np.int16)
        photos = identities_of(Image.fromarray(one.astype(np.uint8)) for one in (red, green))
        assert not seen(photos[:1], photos[1:]).same


class TestIdentity:
    def test_lossless_copies_are_equal_under_any_name_and_format(self, tmp_path):
        for name in ("a.png", "b.bmp", "c.webp"):
            smooth(0).save(tmp_path / name, lossless=True)
        photos = files_identities(sorted(tmp_path.iterdir()))
        assert seen(photos[1:], photos[:1]).equal == {0: 0, 1: 0}

    def test_a_rotation_by_exif_is_that_of_the_pixels(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6
        smooth(0).save(tmp_path / "a.jpg", exif=exif, quality=95)
        smooth(0).transpose(Image.Transpose.ROTATE_270).save(tmp_path / "b.jpg", quality=80)
        photos = files_identities([tmp_path / "a.jpg", tmp_path / "b.jpg"])
        assert seen(photos[1:], photos[:1]).resaved == {0: 0}

    @pytest.mark.parametrize(("shift", "bits"), [(8, 16), (4, 12)])
    def test_deep_gray_is_compared_by_its_own_values(self, tmp_path, shift, bits):
        for seed in range(4):
            deep = np.asarray(smooth(seed).convert("L")).astype(np.uint16) << shift
            Image.fromarray(deep).save(tmp_path / f"{seed}.png")
        smooth(0).convert("L").save(tmp_path / "eight.png")
        photos = files_identities(sorted(tmp_path.iterdir()))
        assert photos["bits"].tolist() == [bits] * 4 + [8]
        assert len(set(one_photo(photos[:4]).tolist())) == 4
        assert len(set(look_alikes(photos[:4]).tolist())) == 4
        assert seen(photos[4:], photos[:4]).resaved == {0: 0}

    def test_low_bits_of_deep_gray_count(self):
        deep = np.full((20, 30), 40_000, np.uint16)
        photos = identities_of([Image.fromarray(deep), Image.fromarray(deep + np.eye(20, 30, dtype=np.uint16))])
        assert not seen(photos[:1], photos[1:]).equal


class TestKnown:
    @pytest.fixture(autouse=True)
    def own(self, tmp_path, monkeypatch):
        monkeypatch.setenv("RECYCLE_CACHE", str(tmp_path / "cache"))
        (tmp_path / "photos").mkdir()
        for seed in range(3):
            smooth(seed).save(tmp_path / "photos" / f"{seed}.png")
        self.files = sorted((tmp_path / "photos").iterdir())
        self.cache = tmp_path / "cache"

    def decoded(self, monkeypatch):
        """How many photos are decoded."""
        from recycle_data import identity

        calls, look = [], identity._look
        monkeypatch.setattr(identity, "_look", lambda file: calls.append(file) or look(file))
        found = files_identities(self.files)
        monkeypatch.setattr(identity, "_look", look)
        return len(calls), found

    def test_is_asked_while_files_stay_as_they_are(self, monkeypatch):
        first, before = self.decoded(monkeypatch)
        again, after = self.decoded(monkeypatch)
        assert (first, again) == (3, 0)
        assert (before == after).all()
        smooth(7).save(self.files[1])
        os.utime(self.files[1], ns=(1, 1))
        count, changed = self.decoded(monkeypatch)
        assert count == 1
        assert (changed["hash"] == before["hash"]).tolist() == [True, False, True]

    def test_nothing_is_written_beside_the_photos(self, monkeypatch):
        self.decoded(monkeypatch)
        assert len(list(self.files[0].parent.iterdir())) == 3
        assert len(list(self.cache.rglob("*.npy"))) == 1

    @pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
    def test_a_damaged_one_is_made_again(self, monkeypatch, content):
        self.decoded(monkeypatch)
        (file,) = self.cache.rglob("*.npy")
        file.write_bytes(content)
        assert self.decoded(monkeypatch)[0] == 3
        assert self.decoded(monkeypatch)[0] == 0

    def test_a_folder_that_cannot_be_written_costs_time_alone(self, monkeypatch):
        self.cache.write_text("a file")
        assert self.decoded(monkeypatch)[0] == 3
        assert self.decoded(monkeypatch)[0] == 3

    def test_two_at_a_time_keep_both(self):
        one, other = file_cache.Known(IDENTITY), file_cache.Known(IDENTITY)
        for cache, file in ((one, self.files[0]), (other, self.files[1])):
            assert cache.find(file) is None
            cache.add(file, np.zeros((), IDENTITY))
        one.save()
        other.save()
        last = file_cache.Known(IDENTITY)
        assert [last.find(file) is None for file in self.files] == [False, False, True]

    def test_what_nobody_asked_for_is_removed(self, monkeypatch, tmp_path):
        self.decoded(monkeypatch)
        (file,) = self.cache.rglob("*.npy")
        os.utime(file, (0, 0))
        shutil.copytree(self.files[0].parent, tmp_path / "others")
        files_identities(sorted((tmp_path / "others").iterdir()))
        assert not file.exists()


class TestCheck:
    def check(self, *arguments, cwd):
        done = recycle_here("data", "check", *arguments, "--json", cwd=cwd)
        return [(one["code"], one["where"], one["detail"]) for one in json.loads(done.stdout)]

    def test_a_photo_of_two_folders_is_found_under_another_name_and_size(self, tmp_path):
        write_coco(tmp_path / "a", coco(3))
        write_coco(tmp_path / "b", coco(3), photos=False)
        smooth(5).save(tmp_path / "a/images/1.jpg")
        smooth(5).resize((120, 90)).save(tmp_path / "b/images/2.jpg", quality=70)
        shutil.copy(tmp_path / "a/images/3.jpg", tmp_path / "b/images/1.jpg")
        smooth(6).save(tmp_path / "b/images/3.jpg")
        found = self.check("a", "b", cwd=tmp_path)
        found = {where: detail for code, where, detail in found if code == "photo-in-two-folders"}
        assert found == {"'images/1.jpg'": "is a/images/3.jpg", "'images/2.jpg'": "is, saved anew, a/images/1.jpg"}
        assert "photo-in-two-folders" not in {code for code, *_ in self.check("a", cwd=tmp_path)}

    def test_folders_beside_data_are_refused(self, tmp_path):
        done = recycle_here("data", "check", "a", "--data", "b", cwd=tmp_path)
        assert done.returncode == 2
        assert "--data beside folders" in done.stderr

    def test_twelve_bits_are_said(self, tmp_path):
        content = coco(2)
        for image in content["images"]:
            image["file_name"] = image["file_name"].replace("jpg", "png")
        write_coco(tmp_path / "data", content)
        deep = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32)
        Image.fromarray(deep).save(tmp_path / "data/images/1.png")
        found = self.check("data", cwd=tmp_path)
        assert [where for code, where, _ in found if code == "twelve-bit-photo"] == ["image 1 'images/1.png'"]


def test_linked_numbers_are_grouped_by_the_first_of_each_group():
    rng = np.random.default_rng(0)
    for _ in range(50):
        count = int(rng.integers(1, 40))
        pairs = rng.integers(0, count, (2, int(rng.integers(0, 40))))
        graph = coo_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(count, count))
        assert linked(count, [pairs]).tolist() == connected_components(graph, directed=False)[1].tolist()
    path = rng.permutation(1000)
    assert not linked(1000, [np.stack([path[:-1], path[1:]])]).any()
    assert linked(3, []).tolist() == [0, 1, 2]


def test_files_of_several_pictures_are_said_where_photos_are_compared(tmp_path, logged):
    write_coco(tmp_path, coco(2))
    content = json.loads((tmp_path / "annotations.json").read_text())
    content["images"][0]["file_name"] = "pages.tif"
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    page = Image.fromarray(np.zeros((32, 32, 3), np.uint8))
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    identities(CocoSource(tmp_path, tmp_path / "annotations.json"))
    assert "note: 1 photo holds several pictures, of which the first is read" in logged()
