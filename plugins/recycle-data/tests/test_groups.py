"""Groups of photos, and folds that keep them whole and everything else even."""

import json

import numpy as np
import pytest
from recycle_coco import CocoSource
from recycle_data.fold_swaps import within_one
from recycle_data.folds import make_folds
from recycle_data.groups import grouped_folds, groups_of
from recycle_engine import api
from support import SHARED, coco, recycle_here, write_coco

from recyclecli.errors import RecycleError


def stand_in(photos, seed):
    """(photos, 11) objects per class as the contest has them, Battery and Clothing rare."""
    chance = np.random.default_rng(seed)
    share = np.array([0, 0.55, 0.5, 0.12, 0.16, 0.15, 0.4, 0.15, 0.6, 0.012, 0.05])
    return np.where(chance.random((photos, 11)) < share, 1 + chance.poisson(1.5, (photos, 11)), 0)


def spread(columns, folds, n=5):
    sums = np.stack([columns[folds == fold].sum(0) for fold in range(n)])
    return np.ptp(sums, axis=0)


class TestWithinOne:
    @pytest.mark.parametrize("photos", [41, 60, 100, 200])
    def test_every_class_and_the_photos(self, photos):
        for seed in range(3):
            shown = stand_in(photos, seed) > 0
            start = np.arange(photos) % 5
            folds = within_one(shown, np.arange(photos), start, 5, seed)
            assert max(spread(shown, folds)) <= 1
            assert np.ptp(np.bincount(folds)) <= 1
            assert (folds == within_one(shown, np.arange(photos), start, 5, seed)).all()

    def test_even_folds_stay_and_groups_stay_whole(self):
        shown, groups = np.ones((12, 1), bool), np.arange(12) // 3
        start = groups % 2
        assert (within_one(shown, groups, start, 2, 0) == start).all()
        shown = np.arange(12)[:, None] < 6
        folds = within_one(shown, groups, np.repeat([0, 1], 6), 2, 0)
        assert spread(shown, folds, 2).max() == 0
        assert all(len(set(folds[groups == group])) == 1 for group in range(4))

    def test_what_cannot_be_even_ends(self):
        shown, groups = np.arange(12)[:, None] < 6, np.array([0] * 6 + list(range(1, 7)))
        folds = within_one(shown, groups, groups % 2, 2, 0)
        assert sorted(spread(shown, folds, 2)) == [6]
        assert np.ptp(np.bincount(folds, minlength=2)) == 0


class TestGroupedFolds:
    @pytest.mark.parametrize("seed", range(3))
    def test_single_photos_are_spread_within_one(self, seed):
        present = stand_in(600, seed) > 0
        assert spread(present, grouped_folds(present, np.arange(600), 5, seed)).max() <= 1

    @pytest.mark.parametrize("seed", range(5))
    def test_groups_stay_whole_and_the_rarest_class_even(self, seed):
        chance = np.random.default_rng(seed)
        groups = np.repeat(np.arange(900), chance.integers(1, 13, 900))[:900]
        present = stand_in(900, seed) > 0
        folds = grouped_folds(present, groups, 5, seed)
        assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
        rarest = np.where(present.any(0), present.sum(0), 10**9).argmin()
        largest = np.bincount(groups, weights=present[:, rarest]).max()
        assert spread(present, folds)[rarest] <= largest

    def test_same_seed_same_folds_and_none_is_empty(self):
        present = stand_in(60, 0) > 0
        groups = np.arange(60) // 6
        folds = grouped_folds(present, groups, 5, 3)
        assert np.array_equal(folds, grouped_folds(present, groups, 5, 3))
        assert set(folds) == set(range(5))

    def test_too_few_groups(self):
        with pytest.raises(RecycleError, match="only 2 groups"):
            grouped_folds(np.ones((6, 1)), np.array([0, 0, 0, 1, 1, 1]), 5, 0)


class TestGroups:
    @pytest.fixture
    def source(self, tmp_path):
        content = coco(6)
        for number, image in enumerate(content["images"]):
            image["file_name"] = f"images/day{number // 2}_{number}.jpg"
            image["video"] = number % 3
        return CocoSource(tmp_path, write_coco(tmp_path, content))

    def test_by_field_and_by_expression(self, source):
        assert groups_of(source, "video").tolist() == [0, 1, 2, 0, 1, 2]
        assert groups_of(source, r"file_name:day(\d)").tolist() == [0, 0, 1, 1, 2, 2]
        assert len(set(groups_of(source, "folder"))) == 1

    @pytest.mark.parametrize(
        ("by", "text"),
        [
            ("place", "no such field"),
            ("file_name:[", "--group-by"),
            ("file_name:x(", "--group-by"),
            ("file_name:night", "matches nothing"),
        ],
    )
    def test_refuses(self, source, by, text):
        with pytest.raises(RecycleError, match=text):
            groups_of(source, by)

    def test_near_duplicates_share_a_fold(self, source, tmp_path):
        files = [source.record(index).file for index in range(6)]
        for copy, original in ((3, 0), (4, 1)):
            files[copy].write_bytes(files[original].read_bytes())
        groups = groups_of(source, "near-duplicates")
        assert groups[3] == groups[0]
        assert groups[4] == groups[1]
        assert len(set(groups)) == 4
        folds = make_folds(source, 2, 0, groups)
        for photos in folds.photos:
            assert (0 in photos) == (3 in photos)
            assert (1 in photos) == (4 in photos)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
def test_uavvaste_by_flight(tmp_path):
    root = SHARED / "uavvaste-annotations"
    by = r"file_name:^(\D*\d*)"
    arguments = ["data", "kfold", "--n", 5, "--data", root, "--group-by", by]
    done = recycle_here(*arguments, "--out", tmp_path / "one", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "groups by" in done.stderr
    source = CocoSource(root, root / "annotations.json")
    groups = dict(
        zip((source.record(index).file_name for index in range(len(source))), groups_of(source, by), strict=True)
    )
    folds = json.loads((tmp_path / "one/folds.json").read_text())["folds"]
    places = [{groups[name] for name in fold["val_images"]} for fold in folds]
    assert sum(map(len, places)) == len(set(groups.values())) > 5
    recycle_here(*arguments, "--out", tmp_path / "two", cwd=tmp_path)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


class TestCopiesOfRoboflow:
    """Augmented copies of a photo look different, and are called NAME_jpg.rf.HASH.jpg."""

    @pytest.fixture
    def root(self, tmp_path):
        content = coco(12)
        write_coco(tmp_path, content)
        for number, image in enumerate(content["images"]):
            place = tmp_path / image["file_name"]
            name = f"{'images' if number % 2 else 'more'}/{number // 3}_jpg.rf.{number:08x}.jpg"
            (tmp_path / "more").mkdir(exist_ok=True)
            image["file_name"] = str(place.rename(tmp_path / name).relative_to(tmp_path))
        (tmp_path / "annotations.json").write_text(json.dumps(content))
        return tmp_path

    @staticmethod
    def photos(names):
        return {name.rpartition("/")[2].partition("_")[0] for name in names}

    @pytest.mark.parametrize("group_by", [None, "near-duplicates", "folder"])
    def test_stay_in_one_fold(self, root, logged, group_by):
        if group_by == "folder":  # each photo has copies in both folders
            with pytest.raises(RecycleError, match="only 1 group,"):
                api.kfold(root, 2, group_by=group_by, out=root / "folds")
        else:
            api.kfold(root, 2, group_by=group_by, out=root / "folds")
            parts = [json.loads((root / f"folds/kfold_0_{part}.json").read_text()) for part in ("train", "val")]
            train, val = (self.photos(image["file_name"] for image in part["images"]) for part in parts)
            assert (train | val, train & val) == (set("0123"), set())
        assert "8 photos kept in the fold of others, as Roboflow's copies of these" in logged()

    @pytest.mark.parametrize("seed", range(4))
    def test_stay_on_one_side_of_a_random_split(self, root, seed):
        split = api.split({"data.root": root, "seed": seed})
        train, val = (
            self.photos(part.record(index).file_name for index in range(len(part))) for part in (split.train, split.val)
        )
        assert (len(train), len(val), train & val) == (3, 1, set())
        again = api.split({"data.root": root, "seed": seed, "data.fingerprint": split.data.fingerprint})
        assert again.train.record(0).file_name == split.train.record(0).file_name

    def test_a_run_that_did_not_know_of_them_can_be_read(self, root, registry):
        from recycle_data.resolve import resolve
        from recycle_data.splits import _fingerprint, _whole_split

        data = resolve(registry, None, {"data.root": root}).data
        before = _whole_split(registry, data, 0, together=False)
        split = api.split({"data.root": root, "data.fingerprint": _fingerprint(before)})
        assert len(split.val) == 2

    def test_all_of_one_photo(self, root):
        content = json.loads((root / "annotations.json").read_text())
        content["images"] = content["images"][:3]
        content["annotations"] = [one for one in content["annotations"] if one["image_id"] in (1, 2, 3)]
        (root / "annotations.json").write_text(json.dumps(content))
        with pytest.raises(RecycleError, match="Roboflow's copies of one"):
            api.split({"data.root": root})
