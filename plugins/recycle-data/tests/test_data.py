"""Splits, folds, views, fitting, palette, submission, whole files."""

import csv
import io
import json
import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recycle_coco import CocoSource
from recycle_data.cached_masks import CachedMasks
from recycle_data.folds import class_counts, make_folds, read_fold, stratification_columns, write_folds
from recycle_data.foreground import absent_classes
from recycle_data.letterbox import crop_sample, fit_image, fit_sample, fitted_size, resize_image
from recycle_data.palette import palette
from recycle_data.repeat_factor import repeat_factors
from recycle_data.resolve import resolve
from recycle_data.sources import Relabelled, Subset, open_source, pixel_counts, regrouped
from recycle_data.splits import make_split
from recycle_data.submission import SUBMISSION_HEADER, read_submission, reduce_labels, submission_row
from support import coco, write_coco

from recyclecli.errors import RecycleError
from recyclecli.files import atomic_path, refuse_overwrite
from recyclecli.types import IGNORE, Annotation, Record, Sample


def source_of(root, content, name="annotations.json"):
    return CocoSource(root, write_coco(root, content, name, photos=False))


def rare_set(tmp_path, images=400, seed=0):
    """Photos of six classes, the rarest in about one of forty."""
    chance = np.random.default_rng(seed)
    content = coco(images, categories=tuple((f"c{k}", k) for k in range(1, 7)))
    content["annotations"] = []
    for image in content["images"]:
        present = [k for k in range(1, 7) if chance.random() < (0.5, 0.4, 0.3, 0.2, 0.1, 0.025)[k - 1]]
        for k in present:
            for _ in range(chance.integers(1, 4)):
                number = len(content["annotations"]) + 1
                content["annotations"].append(
                    {"id": number, "image_id": image["id"], "category_id": k, "segmentation": [[1, 1, 9, 1, 9, 9]]}
                )
    return source_of(tmp_path, content)


class TestFolds:
    def test_the_rarest_class_is_even(self, tmp_path):
        source = rare_set(tmp_path)
        for seed in range(5):
            rarest = make_folds(source, 5, seed).images[:, 6]
            assert rarest.max() - rarest.min() <= 1

    def test_integer_labels_would_have_been_random(self, tmp_path):
        """The trap: the library casts to bool, and three integer columns say nothing."""
        from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

        counts = class_counts(rare_set(tmp_path))
        present = counts > 0
        integers = np.stack([present.argmax(1) + 1, present.sum(1) + 1, counts.sum(1) + 1], 1)

        def spread(labels, seed):
            split = MultilabelStratifiedKFold(5, shuffle=True, random_state=seed).split(labels, labels)
            rarest = [present[held_out, 6].sum() for _, held_out in split]
            return max(rarest) - min(rarest)

        naive = np.mean([spread(integers, seed) for seed in range(5)])
        ours = np.mean([spread(stratification_columns(counts), seed) for seed in range(5)])
        assert ours <= 1 < naive

    def test_columns_are_one_hot(self, tmp_path):
        columns = stratification_columns(class_counts(rare_set(tmp_path)))
        assert columns.dtype == bool
        assert (columns.sum(1) == 3).all()

    def test_every_photo_is_held_out_once_and_the_seed_decides(self, tmp_path):
        source = rare_set(tmp_path, 97)
        folds = make_folds(source, 5, 1)
        assert sorted(index for fold in folds.photos for index in fold) == list(range(97))
        assert make_folds(source, 5, 1).photos == folds.photos
        assert make_folds(source, 5, 2).photos != folds.photos

    def test_files_are_byte_identical_and_complete(self, tmp_path):
        source = rare_set(tmp_path, 40)
        for out in ("a", "b"):
            paths = write_folds(source, make_folds(source, 4, 0), tmp_path / out, 0, force=False)
        for path in paths:
            assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()
        train, val = (json.loads((tmp_path / f"a/kfold_2_{part}.json").read_text()) for part in ("train", "val"))
        assert train["categories"] == val["categories"] == source.document["categories"]
        assert len(train["images"]) + len(val["images"]) == 40
        assert len(train["annotations"]) + len(val["annotations"]) == len(source.document["annotations"])
        kept = {image["id"] for image in val["images"]}
        assert {annotation["image_id"] for annotation in val["annotations"]} <= kept

    def test_a_fold_is_read_back(self, tmp_path):
        source = rare_set(tmp_path, 40)
        folds = make_folds(source, 4, 0)
        write_folds(source, folds, tmp_path, 0, force=False)
        train, val = read_fold(source, tmp_path / "folds.json", 3)
        assert tuple(val) == folds.photos[3]
        assert sorted(train + val) == list(range(40))
        with pytest.raises(RecycleError, match="folds 0 to 3, not 4"):
            read_fold(source, tmp_path / "folds.json", 4)

    def test_folds_of_other_photos_are_refused(self, tmp_path):
        source = rare_set(tmp_path, 40)
        write_folds(source, make_folds(source, 4, 0), tmp_path, 0, force=False)
        other = rare_set(tmp_path / "other", 41)
        with pytest.raises(RecycleError, match="made from other photos"):
            read_fold(other, tmp_path / "folds.json", 0)

    @pytest.mark.parametrize("n", [1, 11])
    def test_too_few_photos(self, tmp_path, n):
        with pytest.raises(RecycleError, match="cannot be split"):
            make_folds(source_of(tmp_path, coco(10)), n, 0)

    @pytest.mark.parametrize("content", ["", "{}", "[1]", '{"folds": 3, "source": ""}'])
    def test_a_broken_folds_file(self, tmp_path, content):
        source = source_of(tmp_path, coco(4))
        (tmp_path / "folds.json").write_text(content)
        with pytest.raises(RecycleError, match=r"no folds file|not valid JSON"):
            read_fold(source, tmp_path / "folds.json", 0)


def split_of(registry, root, seed=0, **data):
    return make_split(registry, resolve(registry, None, {"data.root": root, **data}).data, seed)


def names(source):
    return {source.record(index).file_name for index in range(len(source))}


def part(content, numbers):
    return content | {
        "images": [image for image in content["images"] if image["id"] in numbers],
        "annotations": [entry for entry in content["annotations"] if entry["image_id"] in numbers],
    }


class TestSplits:
    def test_random_by_default_from_the_seed(self, registry, small):
        split = split_of(registry, small)
        assert (len(split.train), len(split.val)) == (10, 2)
        assert not names(split.train) & names(split.val)
        assert "at random" in split.how
        assert names(split_of(registry, small).val) == names(split.val)
        assert any(names(split_of(registry, small, seed=seed).val) != names(split.val) for seed in range(1, 6))

    def test_files_of_splits_that_are_passed_over_are_named(self, registry, tmp_path):
        write_coco(tmp_path, coco(6), "train.json")
        for name in ("valid.json", "test.json"):
            write_coco(tmp_path, coco(2), name)
        how = split_of(registry, tmp_path).how
        assert how.endswith("; passed over: valid.json, as --train-json and --val-json take")

    def test_fold_zero_where_folds_are(self, registry, small):
        source = CocoSource(small, small / "annotations.json")
        folds = make_folds(source, 3, 0)
        write_folds(source, folds, small, 0, force=False)
        assert names(split_of(registry, small).val) == {source.record(i).file_name for i in folds.photos[0]}
        assert names(split_of(registry, small, **{"data.fold": 2}).val) == {
            source.record(i).file_name for i in folds.photos[2]
        }

    def test_train_and_val_json_before_folds(self, registry, tmp_path):
        write_coco(tmp_path, coco(6))
        write_coco(tmp_path, part(coco(6), {1, 2, 3, 4}), "train.json")
        write_coco(tmp_path, part(coco(6), {5, 6}), "val.json")
        source = CocoSource(tmp_path, tmp_path / "train.json")
        write_folds(source, make_folds(source, 2, 0), tmp_path, 0, force=False)
        assert names(split_of(registry, tmp_path).val) == {"images/5.jpg", "images/6.jpg"}
        assert len(split_of(registry, tmp_path, **{"data.fold": 0}).val) == 2
        assert names(split_of(registry, tmp_path, **{"data.fold": 0}).val) <= names(source)

    def test_explicit_files_before_everything(self, registry, tmp_path):
        write_coco(tmp_path, coco(6))
        write_coco(tmp_path, part(coco(6), {1, 2}), "a.json")
        write_coco(tmp_path, part(coco(6), {3}), "b.json")
        split = split_of(registry, tmp_path, **{"data.train": [{"json": "a.json"}], "data.val": [{"json": "b.json"}]})
        assert names(split.train) == {"images/1.jpg", "images/2.jpg"}
        assert names(split.val) == {"images/3.jpg"}

    def test_one_side_alone_is_an_error(self, registry, small):
        with pytest.raises(RecycleError, match="--train-json without --val-json"):
            split_of(registry, small, **{"data.train": [{"json": "annotations.json"}]})

    def test_weights_follow_their_files(self, registry, tmp_path):
        write_coco(tmp_path, part(coco(6), {1, 2}), "a.json")
        write_coco(tmp_path, part(coco(6), {3}), "b.json")
        write_coco(tmp_path, part(coco(6), {4}), "c.json")
        train = [{"json": "a.json"}, {"json": "b.json", "weight": 2.5}]
        assert split_of(registry, tmp_path, **{"data.train": train, "data.val": [{"json": "c.json"}]}).weights == (
            1,
            1,
            2.5,
        )

    def test_labels_come_from_the_full_source_not_from_a_part(self, registry, tmp_path):
        full = coco(4, categories=(("Paper", 1), ("Metal", 2), ("Glass", 3)))
        write_coco(tmp_path, full, "train_all.json")
        fewer = part(full, {1, 2, 3})
        fewer["annotations"] = [entry for entry in fewer["annotations"] if entry["category_id"] != 1]
        fewer["categories"] = full["categories"][1:]
        write_coco(tmp_path, fewer, "a.json")
        write_coco(tmp_path, part(full, {4}), "b.json")
        split = split_of(registry, tmp_path, **{"data.train": [{"json": "a.json"}], "data.val": [{"json": "b.json"}]})
        assert split.train.class_names == ("Background", "Paper", "Metal", "Glass")
        labels = {
            annotation.label
            for index in range(len(split.train))
            for annotation in split.train.record(index).annotations
        }
        assert labels == {2, 3}
        assert {int(value) for index in range(3) for value in np.unique(split.train.read(index).mask)} == {0, 2, 3}

    def test_class_lists_that_no_file_unites_are_refused(self, registry, tmp_path):
        write_coco(tmp_path, coco(1, categories=(("Paper", 1),)), "a.json")
        write_coco(tmp_path, coco(1, categories=(("Metal", 1),)), "b.json")
        with pytest.raises(RecycleError, match="none names them all"):
            split_of(registry, tmp_path, **{"data.train": [{"json": "a.json"}], "data.val": [{"json": "b.json"}]})

    def test_a_photo_on_both_sides_is_refused(self, registry, tmp_path):
        write_coco(tmp_path, part(coco(6), {1, 2}), "a.json")
        write_coco(tmp_path, part(coco(6), {2}), "b.json")
        with pytest.raises(RecycleError, match=r"'images/2\.jpg' is both"):
            split_of(registry, tmp_path, **{"data.train": [{"json": "a.json"}], "data.val": [{"json": "b.json"}]})

    def test_another_spelling_of_the_path_hides_no_leak(self, registry, tmp_path):
        write_coco(tmp_path / "data", part(coco(6), {1, 2}), "a.json")
        write_coco(tmp_path / "data", part(coco(6), {2}), "b.json")
        (tmp_path / "link").symlink_to(tmp_path / "data")
        for root in (tmp_path / "link", tmp_path / "data" / ".." / "data"):
            files = {
                "data.train": [{"json": str(tmp_path / "data/a.json"), "root": root}],
                "data.val": [{"json": str(tmp_path / "data/b.json")}],
            }
            with pytest.raises(RecycleError, match="is both"):
                split_of(registry, tmp_path / "data", **files)

    def test_an_augmented_photo_of_a_validation_photo_is_refused(self, registry, tmp_path):
        pasted = part(coco(6), {1, 2})
        pasted["annotations"][0]["provenance"] = [{"file_name": "images/3.jpg", "annotation_id": 3}]
        write_coco(tmp_path, pasted, "a.json")
        write_coco(tmp_path, part(coco(6), {3}), "b.json")
        files = {"data.train": [{"json": "a.json"}], "data.val": [{"json": "b.json"}]}
        with pytest.raises(RecycleError, match=r"'images/1\.jpg' holds objects of validation photo images/3\.jpg"):
            split_of(registry, tmp_path, **files)

    def test_the_saved_section_gives_the_same_split_whatever_comes_later(self, registry, small):
        first = split_of(registry, small)
        source = CocoSource(small, small / "annotations.json")
        write_folds(source, make_folds(source, 3, 0), small, 0, force=False)
        again = make_split(registry, first.data, 0)
        assert names(again.val) == names(first.val)

    def test_changed_data_are_refused(self, registry, small):
        first = split_of(registry, small)
        (small / "images/1.jpg").write_bytes(b"x" * 10)
        with pytest.raises(RecycleError, match="not what the recipe was made with"):
            make_split(registry, first.data, 0)

    def test_one_photo_is_not_enough(self, registry, tmp_path):
        write_coco(tmp_path, coco(1))
        with pytest.raises(RecycleError, match="nothing to train on"):
            split_of(registry, tmp_path)

    def test_any_dataset_component_is_split(self, registry, tmp_path):
        options = {"data.dataset": {"name": "sample", "images": 10, "size": 64}}
        split = split_of(registry, tmp_path, **options)
        assert (len(split.train), len(split.val)) == (8, 2)


class TestViews:
    def test_relabelling_goes_by_name(self, tmp_path):
        source = CocoSource(tmp_path, write_coco(tmp_path, coco(2)))
        view = Relabelled(source, ("Background", "Glass", "Metal", "Paper"))
        assert set(np.unique(source.read(0).mask)) == {0, 2}
        assert set(np.unique(view.read(0).mask)) == {0, 2}
        assert set(np.unique(source.read(1).mask)) == {0, 1}
        assert set(np.unique(view.read(1).mask)) == {0, 3}

    def test_a_class_that_is_not_in_the_list(self, tmp_path):
        source = source_of(tmp_path, coco(2))
        with pytest.raises(RecycleError, match="Metal"):
            Relabelled(source, ("Background", "Paper"))

    def test_pixel_counts(self, tmp_path):
        source = CocoSource(tmp_path, write_coco(tmp_path, coco(2)))
        assert pixel_counts(source) == ((2 * (32 * 32 - 24 * 24), 24 * 24, 24 * 24), (2 * 32 * 32, 32 * 32, 32 * 32))

    def test_a_split_named_from_here_or_from_the_root(self, registry, tmp_path, monkeypatch):
        write_coco(tmp_path / "data", coco(2), "part.json")
        monkeypatch.chdir(tmp_path)
        assert len(open_source(registry, tmp_path / "data", "part.json")) == 2
        assert len(open_source(registry, tmp_path / "data", "data/part.json")) == 2


class TestClasses:
    @pytest.fixture
    def source(self, tmp_path):
        content = coco(5, categories=(("Paper", 1), ("Metal", 2), ("Paper pack", 3), ("Clothing", 4), ("Trash", 5)))
        return CocoSource(tmp_path, write_coco(tmp_path, content))

    def test_merges_renames_and_drops(self, source):
        classes = {
            "Card": ("Paper", "Paper pack"),
            "Can": ("Metal",),
            "Background": ("Trash",),
            "ignore": ("Clothing",),
        }
        view = regrouped(source, classes)
        assert view.class_names == ("Background", "Card", "Can")
        wanted = {"Paper": 1, "Paper pack": 1, "Metal": 2, "Trash": 0, "Clothing": IGNORE}
        for index in range(5):
            (annotation,) = source.record(index).annotations
            label = wanted[source.class_names[annotation.label]]
            sample = view.read(index)
            assert view.record(index).annotations[0].label == label
            assert sample.mask[16, 16] == label
            assert sample.mask[0, 0] == 0
            assert sample.instances[16, 16] == (label in (1, 2))

    def test_what_is_not_named_is_kept(self, source):
        assert regrouped(source, {"Paper": ("Metal",)}).class_names == (
            "Background",
            "Paper",
            "Paper pack",
            "Clothing",
            "Trash",
        )
        assert regrouped(source, {}) is source

    @pytest.mark.parametrize(
        ("classes", "text"),
        [
            ({"A": ("Papr",)}, "nearest: Paper"),
            ({"A": ("Paper",), "B": ("Paper",)}, "twice"),
            ({"Background": ("Paper", "Metal", "Paper pack", "Clothing", "Trash")}, "leaves only"),
        ],
    )
    def test_refuses(self, source, classes, text):
        with pytest.raises(RecycleError, match=text):
            regrouped(source, classes)

    def test_from_the_recipe_to_the_split(self, source, registry, tmp_path):
        recipe = resolve(registry, None, {"data.root": tmp_path}, ["data.classes={Card: [Paper, Paper pack]}"])
        split = make_split(registry, recipe.data, 0)
        assert split.train.class_names == ("Background", "Card", "Metal", "Clothing", "Trash")
        again = resolve(registry, None, {"data.root": tmp_path, "data.classes": recipe.data.classes})
        assert make_split(registry, again.data, 0).data.fingerprint == split.data.fingerprint

    def test_a_file_of_the_merged_classes_is_taken_as_it_is(self, registry, tmp_path):
        """As pseudo-labels are of a run that merges classes."""
        write_coco(tmp_path, coco(4, categories=(("Paper", 1), ("Paper pack", 2), ("Metal", 3))))
        part = coco(4, categories=(("Card", 1), ("Metal", 2)))
        for image in part["images"]:
            image["file_name"] = f"images/new-{image['id']}.jpg"
        write_coco(tmp_path, part, "pseudo.json")
        held_out = coco(1, categories=(("Paper", 1), ("Paper pack", 2), ("Metal", 3)))
        held_out["images"][0]["file_name"] = "images/held-out.jpg"
        write_coco(tmp_path, held_out, "val.json")
        settings = {
            "data.root": tmp_path,
            "data.classes": {"Card": ["Paper", "Paper pack"]},
            "data.train": [{"json": "annotations.json"}, {"json": "pseudo.json"}],
            "data.val": [{"json": "val.json"}],
        }
        train = make_split(registry, resolve(registry, None, settings).data, 0).train
        assert train.class_names == ("Background", "Card", "Metal")
        labels = [train.record(index).annotations[0].label for index in range(8)]
        assert labels == [1, 2, 1, 1, 2, 1, 2, 1]
        settings["data.classes"] = {"Card": ["Paper", "Cardboard"]}
        with pytest.raises(RecycleError, match="'Cardboard', no class of the data"):
            make_split(registry, resolve(registry, None, settings).data, 0)


class TestFitting:
    def sample(self, height, width):
        chance = np.random.default_rng(0)
        mask = chance.choice([0, 3, IGNORE], (height, width)).astype(np.uint8)
        return Sample(chance.integers(0, 256, (height, width, 3), np.uint8), mask, (mask == 3).astype(np.int32))

    def test_a_photo_of_that_size_is_left_alone(self):
        sample = self.sample(64, 64)
        for before, after in zip(sample, fit_sample(sample, (64, 64), (64, 64)), strict=True):
            assert np.array_equal(before, after)

    @pytest.mark.parametrize(("height", "width"), [(10, 37), (200, 33), (1, 1), (1, 500), (63, 65)])
    def test_any_size_fits_and_what_is_outside_is_ignored(self, height, width):
        rows, columns = fitted_size(height, width, 64)
        fitted = fit_sample(self.sample(height, width), (rows, columns), (64, 64))
        assert fitted.image.shape == (64, 64, 3)
        assert max(rows, columns) == 64
        assert (fitted.mask[rows:] == IGNORE).all()
        assert (fitted.mask[:, columns:] == IGNORE).all()
        assert (fitted.image[rows:] == 0).all()
        assert set(np.unique(fitted.mask)) <= {0, 3, IGNORE}
        assert np.array_equal(fitted.instances > 0, fitted.mask == 3)

    def test_image_and_labels_stay_together(self):
        mask = np.zeros((100, 50), np.uint8)
        mask[20:60, 10:30] = 1
        image = np.repeat(mask[..., None] * 255, 3, 2)
        fitted = fit_sample(Sample(image, mask, mask.astype(np.int32)), (64, 32), (64, 48))
        inside = fitted.mask != IGNORE
        assert ((fitted.image[..., 0] > 127) == (fitted.mask == 1))[inside].mean() > 0.98
        assert np.array_equal(fit_image(image, (64, 32), (64, 48)), fitted.image)

    @pytest.mark.parametrize(("height", "width"), [(10, 37), (200, 33), (1, 1), (1, 500), (63, 65), (64, 64)])
    def test_crops_of_any_photo_at_any_zoom_keep_labels_and_pixels_together(self, height, width):
        whole = self.sample(height, width)
        whole = whole._replace(image=np.repeat(whole.mask[..., None], 3, 2))  # each pixel shows its label
        chance = np.random.default_rng(0)
        scales, windows = [(1.0, 1.0), (0.3, 0.5), (0.1, 8.0), (20.0, 20.0)], [(64, 64), (40, 72)]
        for window, scale in product(windows, scales):
            crop = crop_sample(whole, 64, window, scale, chance)
            assert crop.image.shape == (*window, 3)
            assert set(np.unique(crop.mask)) <= {0, 3, IGNORE}
            assert np.array_equal(crop.instances > 0, crop.mask == 3)
            if scale == (1.0, 1.0) and window == (64, 64):
                for ours, theirs in zip(crop, fit_sample(whole, fitted_size(height, width, 64), window), strict=True):
                    assert np.array_equal(ours, theirs)
            if scale == (20.0, 20.0) and min(height, width) >= 33:
                bright = (crop.image >= 200).any(2) & (crop.mask == 0)
                assert bright.mean() < 0.3  # up to what is interpolated at edges

    def test_crops_show_every_corner_of_a_photo_and_never_more_of_it_than_fits(self):
        image = np.zeros((90, 120, 3), np.uint8)
        image[..., 0], image[..., 1] = np.arange(90)[:, None], np.arange(120)
        sample = Sample(image, np.zeros((90, 120), np.uint8), np.zeros((90, 120), np.int32))
        seen = np.zeros((90, 120), bool)
        for number in range(200):
            crop = crop_sample(sample, 60, (60, 60), (1.5, 3.0), np.random.default_rng(number))
            rows, columns = crop.image[crop.mask == 0][:, 0], crop.image[crop.mask == 0][:, 1]
            assert int(columns.max()) - int(columns.min()) <= 80
            seen[rows, columns] = True
        assert seen[2:-2, 2:-2].mean() > 0.9
        assert seen[:3].any()
        assert seen[-3:].any()
        assert seen[:, :3].any()
        assert seen[:, -3:].any()


@pytest.mark.parametrize(("before", "after"), [((2100, 77), (400, 100)), ((5, 5), (9, 3)), ((2500, 1), (64, 1))])
def test_resizing_in_bands_equals_resizing_whole(before, after):
    image = np.random.default_rng(0).integers(0, 256, (*before, 3), dtype=np.uint8)
    whole = Image.fromarray(image).resize(after[::-1], Image.Resampling.BILINEAR)
    assert np.abs(resize_image(image, *after).astype(int) - np.asarray(whole)).max() <= 1


class TestPalette:
    def test_as_many_as_classes_all_different(self):
        for count in (2, 11, 60):
            colors = palette([str(number) for number in range(count)])
            assert len(set(colors)) == count

    def test_class_dict_beside_the_data(self, tmp_path):
        (tmp_path / "class_dict.csv").write_text("name,r,g,b\nMetal,1,2,3\n")
        assert palette(["Background", "Paper", "Metal"], tmp_path)[2] == (1, 2, 3)

    @pytest.mark.parametrize("text", ["name,r\nMetal,1\n", "name,r,g,b\nMetal,1,2,x\n", "name,r,g,b\nMetal,1,2,300\n"])
    def test_a_broken_class_dict(self, tmp_path, text):
        (tmp_path / "class_dict.csv").write_text(text)
        with pytest.raises(RecycleError, match=r"class_dict\.csv"):
            palette(["Background", "Metal"], tmp_path)


class TestSubmission:
    def test_reduced_as_opencv_does(self):
        labels = np.arange(512 * 512).reshape(512, 512) % 251
        assert np.array_equal(reduce_labels(labels.astype(np.uint8)), labels[::2, ::2])
        assert reduce_labels(np.ones((3, 700), np.uint8)).shape == (256, 256)

    def test_written_and_read_back(self, tmp_path):
        chance = np.random.default_rng(0)
        masks = {
            f'a, b/{k} "é".jpg': chance.integers(0, top, (300, 400)).astype(np.uint8)
            for k, top in enumerate((11, 3, 255))
        }
        (tmp_path / "s.csv").write_bytes(SUBMISSION_HEADER + b"".join(submission_row(*each) for each in masks.items()))
        assert (tmp_path / "s.csv").read_text().startswith("image_id,PredictionString\n")
        back = read_submission(tmp_path / "s.csv")
        assert list(back) == list(masks)
        for name, mask in masks.items():
            assert np.array_equal(back[name], reduce_labels(mask))
            with io.StringIO(newline="") as text:
                csv.writer(text, lineterminator="\n").writerow([name, " ".join(map(str, reduce_labels(mask).ravel()))])
                assert submission_row(name, mask) == text.getvalue().encode()

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ("a,b\n", "the first line"),
            ("image_id,PredictionString\nx,1 2 3\n", "3 labels"),
            ("image_id,PredictionString\nx,1 b 3\n", "line 2: 'x' holds what is no whole number"),
            ("image_id,PredictionString\nx,1 2.5 3\n", "no whole number"),
            ("image_id,PredictionString\nx," + "9" * 30 + "\n", "no whole number"),
            ("image_id,PredictionString\nx\n", "1 column "),
            ("image_id,PredictionString\nx," + "300 " * 65536 + "\n", r"0\.\.254"),
            ("image_id,PredictionString\n" + 2 * ("x," + "0 " * 65536 + "\n"), "occurs twice"),
        ],
    )
    def test_what_is_no_submission(self, tmp_path, rows, message):
        (tmp_path / "s.csv").write_text(rows)
        with pytest.raises(RecycleError, match=message):
            read_submission(tmp_path / "s.csv")


class TestWholeFiles:
    def test_whole_or_absent(self, tmp_path):
        file = tmp_path / "deep" / "a.txt"
        with pytest.raises(TypeError), atomic_path(file) as part, part.open("w") as handle:
            handle.writelines(["half", 3])
        assert list(file.parent.iterdir()) == []
        with atomic_path(file) as part:
            part.write_text("new")
            assert not file.exists()
        assert file.read_text() == "new"
        assert list(file.parent.iterdir()) == [file]

    def test_a_folder_without_write_permission(self, tmp_path):
        folder = Path("/proc/self")  # where even root may not
        if os.geteuid() != 0:
            tmp_path.chmod(0o500)
            folder = tmp_path
        with pytest.raises(RecycleError, match="cannot write"), atomic_path(folder / "a"):
            pass

    def test_a_folder_that_is_a_file(self, tmp_path):
        (tmp_path / "f").write_text("")
        with pytest.raises(RecycleError, match="cannot write"), atomic_path(tmp_path / "f" / "a"):
            pass

    def test_nothing_is_overwritten_without_force(self, tmp_path):
        (tmp_path / "a").touch()
        with pytest.raises(RecycleError, match="--force"):
            refuse_overwrite([tmp_path / "b", tmp_path / "a"], force=False)
        refuse_overwrite([tmp_path / "a"], force=True)


class Shown:
    """100 photos: all show Paper, 25 Metal, one Glass; told by annotations, or by masks alone."""

    class_names = ("Background", "Paper", "Metal", "Glass")

    def __init__(self, annotated):
        self._annotated = annotated
        self._labels = [[1, *([2] if k < 25 else []), *([3] if k == 0 else [])] for k in range(100)]

    def __len__(self):
        return 100

    def record(self, index):
        annotations = [Annotation(k, label, [[0, 0, 4, 0, 4, 4]]) for k, label in enumerate(self._labels[index], 1)]
        return Record(Path(f"{index}.jpg"), f"{index}.jpg", 8, 8, tuple(annotations) if self._annotated else ())

    def read_labels(self, index):
        return np.resize(np.array([0, *self._labels[index]], np.uint8), (8, 8)), np.zeros((8, 8), np.int32)


@pytest.mark.parametrize("annotated", [True, False])
def test_repeat_factors_by_hand(annotated):
    factors = repeat_factors(Shown(annotated), 0.04)
    assert factors[0] == pytest.approx(2)  # sqrt(0.04 / 0.01)
    assert factors[1:].tolist() == [1] * 99
    assert repeat_factors(Shown(annotated), 0.36)[1] == pytest.approx(1.2)  # sqrt(0.36 / 0.25)
    assert repeat_factors(Shown(annotated), 0).tolist() == [1] * 100


def test_folds_of_masks_are_stratified_by_what_is_painted():
    counts = class_counts(Shown(annotated=False))
    assert counts.sum(0).tolist() == [0, 100, 25, 1]
    folds = make_folds(Shown(annotated=False), 5, 0)
    assert [sum(k < 25 for k in fold) for fold in folds.photos] == [5] * 5


class TestPainted:
    def sources(self, tmp_path):
        from recycle_kit.testing import random_source

        file = write_coco(tmp_path, coco(5))
        yield CocoSource(tmp_path, file)
        yield random_source(3, 40)

    def test_the_second_reading_equals_the_first(self, tmp_path):
        for source in self.sources(tmp_path):
            painted = CachedMasks(source, 2**20)
            for _ in range(3):
                for index in range(len(source)):
                    for ours, theirs in zip(painted.read(index), source.read(index), strict=True):
                        assert np.array_equal(ours, theirs)
                        assert ours.dtype == theirs.dtype

    def test_labels_are_painted_once_and_no_more_than_fits_is_kept(self, tmp_path, monkeypatch):
        source = CocoSource(tmp_path, write_coco(tmp_path, coco(4)))
        asked, own = [], CocoSource.read_labels

        def counting(self, index):
            asked.append(index)
            return own(self, index)

        monkeypatch.setattr(CocoSource, "read_labels", counting)
        for memory, expected in ((2**20, [0, 1, 2, 3]), (0, [0, 1, 2, 3] * 2)):
            asked.clear()
            painted = CachedMasks(Subset(source, range(4)), memory)
            for _ in range(2):
                for index in range(4):
                    painted.read(index)
            assert asked == expected


def test_classes_that_nothing_is_learned_of_and_folds_without_photos(tmp_path, registry):
    content = coco(4, categories=(("Paper", 1), ("Metal", 2), ("Glass", 5)))
    content["annotations"] = [one | {"category_id": 1} for one in content["annotations"]]
    write_coco(tmp_path, content)
    split = make_split(registry, resolve(registry, None, {"data.root": str(tmp_path)}).data, 0)
    assert absent_classes(split.train) == ["Metal", "Glass"]
    source = open_source(registry, tmp_path)
    write_folds(source, make_folds(source, 2, 0), tmp_path, 0, force=False)
    listing = json.loads((tmp_path / "folds.json").read_text())
    listing["folds"][1]["val_images"] = []
    (tmp_path / "folds.json").write_text(json.dumps(listing))
    with pytest.raises(RecycleError, match="no validation photo: fold 1"):
        make_split(registry, resolve(registry, None, {"data.root": str(tmp_path), "data.fold": 1}).data, 0)
