"""eval, compare and ablate on two small runs: what they say agrees, whichever way it is asked."""

import ctypes
import gc
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch.callbacks import Callback
from PIL import Image
from recycle_engine import api
from recycle_engine.checkpoint import read_card
from recycle_engine.evaluation.evaluate import count
from recycle_engine.evaluation.probability_cache import ProbabilityCache
from recycle_engine.judge.gate import estimate
from recycle_engine.pipeline import Pipeline, pipeline_of, write_choice
from ruamel.yaml import YAML
from safetensors.torch import load_file, save_file
from support import coco, first_of, first_photos, recycle_here, runs_in, write_coco

from recyclecli.recipe import ListedPart

WHERE = ("--data", "val")


@pytest.fixture(scope="module")
def work(tmp_path_factory, made_runs):
    """`made_runs`, and in val/ the photos on which the runs of fold 0 are judged."""
    place = runs_in(tmp_path_factory.mktemp("judge"), made_runs)
    first_photos(place / "data", place / "val", name="kfold_0_val.json")
    return place


@pytest.fixture
def val(work):
    return api.open_data(work / "val")


@pytest.fixture(scope="module")
def stored(work):
    """What seed-0 says of val/, as masks and as a submission; in the batches of its recipe, as `eval`."""
    outputs = ("--out", "stored", "--submission", "stored.csv")
    said(work, "predict", "seed-0", "val/annotations.json", "--data", "val", *outputs, "--batch-size", 4)
    return work / "stored", work / "stored.csv"


@pytest.fixture(autouse=True)
def no_choice(work):
    """Each test starts with runs for which nothing was chosen."""
    yield
    for file in work.glob("runs/*/pipeline.json"):
        file.unlink()


def copied(run, folder, **changes):
    """A copy of a run without its best checkpoints, its recipe changed."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("top"))
    recipe = YAML(typ="safe").load((folder / "recipe.yaml").read_text())
    for key, value in changes.items():
        recipe[key] = {**recipe[key], **value} if isinstance(value, dict) else value
    if "data" in changes:
        (folder / "photos.npz").unlink()  # which says what it has learned from
    YAML().dump(recipe, folder / "recipe.yaml")
    return folder


def said(work, *arguments, codes=(0,)):
    done = recycle_here(*arguments, cwd=work)
    assert done.returncode in codes, done.stderr
    assert "Traceback" not in done.stderr
    return done


class TestEval:
    def test_masks_and_a_submission_score_like_their_model(self, work, stored):
        """`eval RUN`, its masks and its submission: the same pixels, the same figures."""
        run = json.loads(said(work, "eval", "seed-0", *WHERE, "--json").stdout)
        masks = json.loads(said(work, "eval", "--masks", stored[0], *WHERE, "--json").stdout)
        submission = json.loads(said(work, "eval", "--submission", stored[1], *WHERE, "--json").stdout)
        assert run["photos"] == masks["photos"] == submission["photos"] == 12
        for key in ("miou_dataset", "miou_image", "miou_256", "boundary_iou", "classes", "confusion"):
            assert masks[key] == run[key]
        assert masks["calibration_error"] is None
        assert 0 < run["calibration_error"] < 1
        assert submission["miou_256"] == run["miou_256"]
        assert submission["miou_dataset"] is submission["miou_image"] is None
        assert submission["measured_at"] == "256x256"
        assert run["miou_dataset"]["low"] < run["miou_dataset"]["value"] < run["miou_dataset"]["high"]

    def test_the_table_names_the_three(self, work):
        lines = said(work, "eval", "seed-0").stdout
        for words in ("mIoU of the dataset, at the photos' own size", "mIoU per image", "at 256x256, as the contest"):
            assert words in lines
        assert max(map(len, lines.splitlines())) <= 80

    def test_arrays_in_memory(self, val):
        pairs = [(val.record(index).file_name, val.read(index).mask) for index in range(len(val))]
        perfect = api.evaluate_arrays(
            ((name, np.where(mask == 255, 0, mask), mask) for name, mask in pairs), val.class_names
        )
        assert perfect.miou_dataset.value == perfect.miou_image.value == perfect.boundary_iou.value == 1

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda rows: rows[:-1], "has no row for 1 of 12 labelled photos"),
            (lambda rows: [*rows, rows[1]], "line 14: .* occurs twice"),
            (lambda rows: [*rows[:5], rows[5].rpartition(" ")[0], *rows[6:]], "line 6: .* has 65,535 labels of 0 to"),
            (lambda rows: [*rows[:3], rows[3][:-1] + "x", *rows[4:]], "line 4: .* holds what is no whole number"),
            (lambda rows: [*rows[:2], rows[2][:-2] + " 99", *rows[3:]], "the prediction holds label 99"),
            (lambda rows: rows[1:], "the first line is not image_id,PredictionString"),
            (
                lambda rows: [*rows, "other.jpg," + rows[1].partition(",")[2]],
                r"1 row of .* without a truth here: other.jpg",
            ),
        ],
    )
    def test_a_submission_that_is_wrong(self, work, val, tmp_path, change, message):
        zeros = " ".join(["0"] * 65536)
        rows = ["image_id,PredictionString", *(f"{val.record(index).file_name},{zeros}" for index in range(12))]
        (tmp_path / "s.csv").write_text("\n".join(change(rows)) + "\n")
        done = said(work, "eval", "--submission", tmp_path / "s.csv", *WHERE, codes=(0, 2))
        assert re.search(message, done.stderr.replace("\n", " ")), done.stderr
        assert done.returncode == (0 if "without a truth" in message else 2)

    def test_its_own_folder_by_name_is_as_none(self, work):
        bare, named = (said(work, "eval", "seed-0", "--json", *more) for more in ((), ("--data", "data/../data")))
        assert bare.stdout == named.stdout
        assert "judging on the run's 12 validation photos, in data/../data: fold 0" in named.stderr

    def test_photos_it_has_trained_on(self, work, tmp_path):
        done = said(work, "eval", "seed-0", "--data", "data", "--json-path", "kfold_0_train.json", codes=(2,))
        assert "has trained on 12 of these 12 photos" in done.stderr
        other = work / "runs/seed-1"
        (work / "data/learned.json").write_text(json.dumps(first_of(work / "data/kfold_0_train.json", 3)))
        learned = api.open_data(work / "data", "learned.json")
        masks = api.predict(other, work / "data/learned.json", tmp_path / "out", work / "data").record
        for judge in (
            lambda: api.evaluate(other, learned),
            lambda: api.compare([masks.parent, f"{other}+hflip"], learned),
            lambda: api.compare_arms([f"{other}+plain"], [other], learned),
            lambda: api.ablate(other, learned, only=["hflip"], force=True),
        ):
            with pytest.raises(api.RecycleError, match="seed-1 has trained on 3 of these 3 photos"):
                judge()
        assert len(api.count(other, learned).names) == 3  # who counts by hand knows what it means

    def test_photos_it_has_trained_on_under_another_name_and_in_another_quality(self, work, tmp_path, logged):
        """Of a copy of the folder, also when the folder itself is gone, and of a run that keeps no record."""
        run, copy = work / "runs/seed-0", tmp_path / "copy"
        content = first_of(work / "data/kfold_0_train.json", 3)
        (copy / "other").mkdir(parents=True)
        for number, image in enumerate(content["images"]):
            with Image.open(work / "data" / image["file_name"]) as photo:
                photo.convert("RGB").save(copy / f"other/{number}.jpg", quality=70)
            image["file_name"] = f"other/{number}.jpg"
        (copy / "annotations.json").write_text(json.dumps(content))
        (work / "data").rename(tmp_path / "gone")
        try:
            with pytest.raises(api.RecycleError, match=r"has trained on 3 of these 3 photos: .* \(3 saved anew\)"):
                api.evaluate(run, api.open_data(copy))
        finally:
            (tmp_path / "gone").rename(work / "data")
        record = run / "photos.npz"
        record.rename(tmp_path / "photos.npz")
        try:
            with pytest.raises(api.RecycleError, match="has trained on 3 of these 3 photos"):
                api.evaluate(run, api.open_data(copy))
            assert f"{run} keeps no record of its photos, as an earlier version made it" in logged()
        finally:
            (tmp_path / "photos.npz").rename(record)

    def test_a_damaged_record_of_photos_is_named(self, work):
        record = work / "runs/seed-0/photos.npz"
        whole = record.read_bytes()
        record.write_bytes(whole[:100])
        try:
            with pytest.raises(api.RecycleError, match=r"photos\.npz cannot be read: (?s:.*)rm "):
                api.evaluate(work / "runs/seed-0", api.open_data(work / "data", "kfold_0_train.json"))
        finally:
            record.write_bytes(whole)

    def test_photos_that_a_further_result_has_trained_on(self, work):
        """By default the first run's validation photos, which are the second's training photos."""
        with pytest.raises(api.RecycleError, match="fold-1 has trained on 12 of these 12 photos"):
            api.compare([work / "runs/seed-0", work / "runs/fold-1"])

    def test_one_photo(self, work):
        (work / "val/one.json").write_text(json.dumps(first_of(work / "val/annotations.json", 1)))
        found = json.loads(said(work, "eval", "seed-0", *WHERE, "--json-path", "one.json", "--json").stdout)
        assert found["photos"] == 1
        assert found["miou_dataset"]["low"] is None

    def test_masks_of_another_size_class_list_or_photo(self, work, stored, tmp_path):
        shutil.copytree(stored[0], tmp_path / "out")
        masks = sorted((tmp_path / "out/masks").rglob("*.png"))
        evaluation = ("eval", "--masks", tmp_path / "out", *WHERE)
        small = Image.open(masks[0]).resize((10, 20))
        masks[0].rename(tmp_path / "kept.png")
        assert "lacks masks for 1 of 12 photos" in said(work, *evaluation, codes=(2,)).stderr
        small.save(masks[0])
        assert "the prediction is 10x20 pixels" in said(work, *evaluation, codes=(2,)).stderr
        Image.open(tmp_path / "kept.png").convert("RGB").save(masks[0])
        assert "is no mask: its mode is RGB" in said(work, *evaluation, codes=(2,)).stderr
        names = json.loads((tmp_path / "out/classes.json").read_text())
        (tmp_path / "out/classes.json").write_text(json.dumps([*names[:-1], "Wood"]))
        assert "hold Wood" in said(work, *evaluation, codes=(2,)).stderr
        (tmp_path / "out/classes.json").write_text('[{"label": 0, "name": "Paper"}]')
        assert "classes.json cannot be read: KeyError('color')" in said(work, *evaluation, codes=(2,)).stderr


class TestCompare:
    def test_the_difference_is_that_of_the_scores(self, work):
        (found,) = json.loads(said(work, "compare", "seed-0", "seed-1", "--json").stdout)
        each = [api.evaluate(work / f"runs/seed-{seed}") for seed in (0, 1)]
        assert found["base"] == pytest.approx(each[0].miou_dataset.value, abs=1e-12)
        assert found["difference"]["value"] == pytest.approx(each[1].miou_dataset.value - found["base"], abs=1e-12)
        assert found["difference"]["photos"] == 12
        assert found["seeds"] == [1, 1]

    def test_a_run_its_masks_and_its_submission_are_one(self, work, val, stored, logged):
        run, (masks, submission) = work / "runs/seed-0", stored
        found = api.compare([run, masks], val)
        assert (found[0].difference.value, found[0].difference.verdict) == (0, "same")
        assert f"{masks} counts the same pixels as {run} on each of 12 photos: one prediction" in logged()
        found = api.compare([run, submission, masks], val)
        assert [one.metric for one in found] == ["miou_256"] * 2
        assert [one.difference.value for one in found] == [0, 0]
        with pytest.raises(api.RecycleError, match="256x256 labels, so miou_image is unknown"):
            api.compare([run, submission], val, "miou_image")

    def test_a_copy_of_a_run_is_named_one(self, work, val, tmp_path, logged):
        run, copy = work / "runs/seed-0", tmp_path / "copied"
        shutil.copytree(run, copy)
        (_found,) = api.compare([f"{run}+plain", f"{copy}+hflip"], val)
        said = logged()
        assert f"{copy} holds the weights of {run}, byte by byte: one training" in said
        assert "one prediction" not in said
        counts = [api.count(run, val)] * 2
        api.compare({"base": counts[0], "copy": counts[1]})
        assert "copy counts the same pixels as base" in logged()
        api.compare([f"{run}+plain", f"{run}+hflip"], val)
        assert "one training" not in logged()

    def test_pipelines_by_name_and_counts_by_hand(self, work, val):
        run = str(work / "runs/seed-0")
        plain, flipped = (api.count(f"{run}+{trick}", val) for trick in ("plain", "hflip"))
        (by_hand,) = api.compare({"base": plain, "flipped": flipped})
        (by_name,) = api.compare([f"{run}+plain", f"{run}+hflip"], val)
        assert by_hand.difference == by_name.difference
        with pytest.raises(api.RecycleError, match="nearest: hflip"):
            api.count(f"{run}+hflp", val)
        with pytest.raises(api.RecycleError, match="named twice"):
            api.compare([run, run], val)

    def test_groups_are_drawn_together(self, work, val):
        runs = [work / "runs/seed-0", work / "runs/seed-1"]
        (found,) = api.compare(runs, val, group_by="file_name:(.)$")  # all photos end in g: one group
        assert found.difference.photos == 1
        assert found.difference.verdict == "not enough data"

    def test_the_table_fits(self, work):
        lines = said(work, "compare", "seed-0", "seed-1", "seed-0+hflip", *WHERE).stdout
        assert "paired standard deviation over 12 photos" in lines
        wide = [line for line in lines.splitlines() if "│" in line and len(line) > 80]
        assert not wide

    def test_a_folder_that_is_called_as_a_run(self, work, stored):
        """A bare name is the run, as in every other command; with ./ it is the folder."""
        comparison = ("compare", "seed-0", "seed-1", *WHERE, "--json")
        alone = said(work, *comparison)
        shutil.copytree(stored[0], work / "seed-1")
        try:
            run = said(work, *comparison)
            masks = said(work, "compare", "seed-0", "./seed-1", *WHERE, "--json")
        finally:
            shutil.rmtree(work / "seed-1")
        assert "seed-1 is taken for the run runs/seed-1; ./seed-1 is the folder here" in run.stderr
        assert run.stdout == alone.stdout
        assert "is taken for" not in masks.stderr
        (same,), (other,) = json.loads(masks.stdout), json.loads(run.stdout)
        assert same["difference"]["value"] == 0  # the masks are those of seed-0 itself
        assert other["difference"]["value"] != 0

    def test_two_seeds_are_no_arm(self, work, val):
        runs = [work / "runs/seed-0", work / "runs/seed-1"]
        found = api.compare_arms(runs, runs, val)
        assert found.difference.verdict == "not enough data"
        assert "3 are needed" in found.difference.why


class TestAblate:
    def test_the_choice_is_written_and_used(self, work, val):
        tricks = ("--trick", "hflip", "--trick", "without-ema")
        done = said(work, "ablate", "seed-0", *tricks, *WHERE, "--no-retrained", "--json")
        found = json.loads(done.stdout)
        assert [trick["name"] for trick in found["tricks"]] == ["hflip", "without-ema"]
        assert {trick["answer"] for trick in found["tricks"]} <= {"keep", "drop", "not enough data"}
        base = api.count(f"{work}/runs/seed-0+plain", val)
        for trick in found["tricks"]:
            named = api.count(f"{work}/runs/seed-0+{trick['name']}", val)
            (again,) = api.compare({"base": base, "trick": named})
            assert trick["comparison"]["difference"]["value"] == pytest.approx(again.difference.value, abs=1e-12)
        run = api.find_run(work / "runs/seed-0")
        written = json.loads(run.pipeline.read_text())
        assert written["pipeline"] == found["pipeline"]
        assert written["cross_fitted"] == found["cross_fitted"]
        assert pipeline_of(api.registry(), run, api.recipe_of(run)).as_dict() == found["pipeline"]
        assert "pipeline.json exists" in said(work, "ablate", "seed-0", codes=(2,)).stderr
        told = said(work, "eval", "seed-0", *WHERE).stderr
        assert "chosen by recycle ablate" in told
        assert "cross-fitted miou_dataset" in told

    @pytest.mark.slow("judges photos of 512 x 512")
    def test_the_runs_own_photos_are_judged_where_none_are_named(self, work):
        done = said(work, "ablate", "seed-0", "--trick", "hflip", "--no-retrained", "--json")
        photos, _ = api.judged_photos(api.find_run(work / "runs/seed-0"))
        counts = {trick: api.count(f"{work}/runs/seed-0+{trick}", photos) for trick in ("plain", "hflip")}
        (again,) = api.compare(counts)
        (trick,) = json.loads(done.stdout)["tricks"]
        assert trick["comparison"]["difference"]["value"] == pytest.approx(again.difference.value, abs=1e-12)

    def test_predict_uses_what_was_chosen(self, work, val, tmp_path):
        run = api.find_run(work / "runs/seed-0")
        labels = {}
        for name, pipeline in {"plain": api.pipeline(), "flipped": api.pipeline(["hflip"]), "chosen": None}.items():
            if name == "chosen":
                write_choice(run, api.pipeline(["hflip"]), {})
            files = api.predict(run, work / "val/annotations.json", tmp_path / name, work / "val", pipeline).masks
            labels[name] = np.stack([np.asarray(Image.open(file)) for file in files])
        assert (labels["chosen"] == labels["flipped"]).all()
        assert (labels["chosen"] != labels["plain"]).any()
        assert api.evaluate(run, val).iou == api.evaluate(run, val, api.pipeline(["hflip"])).iou

    def test_retrained_runs_are_compared_if_they_are_judged_on_the_same_photos(self, work, val, tmp_path, logged):
        """Of another loss, and of other photos, as students of pseudo-labels are: named by how many they learned from.

        fold-1 lies beside them, but is judged on other photos.
        """
        data, runs = work / "data", tmp_path / "runs"
        for name in ("seed-0", "seed-1", "fold-1"):
            copied(work / "runs" / name, runs / name)
        copied(work / "runs/seed-1", runs / "dice", loss=[{"name": "dice"}])
        part = [{"root": str(data), "json": str(data / "kfold_0_train.json"), "weight": 0.5}]
        lists = {"train": part, "val": [{"root": str(data), "json": str(data / "kfold_0_val.json")}]}
        split = {"fold": None, "split": "auto", "fingerprint": None}
        copied(work / "runs/seed-1", runs / "half", data={**lists, **split})
        found = api.ablate(runs / "seed-0", val, only=["hflip"])
        dice, half = found.retrained
        assert "loss=" in dice.name
        assert "photos learned from=12" in half.name
        assert not any("photos learned from" in dice.name or "data.fold" in one.name for one in found.retrained)
        for arm in (dice, half):
            assert arm.answer == "not enough data"
            assert "3 are needed" in arm.why
        names = ["mean of 2 seeds", "weighted mean of 2 seeds", "greedy selection from 4 runs"]
        assert [trick.name for trick in found.together] == names
        plain = [f"{runs}/seed-{seed}+plain" for seed in (0, 1)]
        weights = [f"--weight {round(api.select([one], val).score.value, 3):g}" for one in plain]
        assert f"{names[1]}: recycle ensemble {' '.join([*plain, *weights])}\n" in logged()
        (again,) = api.compare({"base": api.count(plain[0], val), "mean": api.count_together(plain, val)})
        assert found.together[0].comparison.difference.value == pytest.approx(again.difference.value, abs=1e-12)

    @pytest.mark.slow("builds some thirty models")
    def test_means_votes_and_soups_are_judged_by_themselves(self, work, val, tmp_path, monkeypatch, logged):
        """Three seeds that began with one run's weights, and the checkpoints that one of them kept."""
        monkeypatch.setattr(ProbabilityCache, "weighted", lambda self, count, score: (3.0, 1.0, 2.0))
        monkeypatch.setattr(ProbabilityCache, "greedy", lambda self, score: (0.0, 2.0, 1.0))
        began = str(work / "runs/seed-0")
        for number, (name, seed) in enumerate(zip("abc", (0, 1, 1), strict=True)):
            run = copied(work / f"runs/seed-{seed}", tmp_path / "runs" / name, seed=number, train={"init_from": began})
            file = run / "checkpoints/best.safetensors"  # the classes of each are the next one's neighbours
            weights = load_file(file)
            for key in (key for key in weights if "segmentation_head" in key):
                weights[key] = weights[key].roll(number, 0)
            save_file(weights, file, {"recycle": json.dumps(read_card(file))})
        top = tmp_path / "runs/a/checkpoints/top"
        top.mkdir()
        for number, name in enumerate("abb"):
            shutil.copyfile(tmp_path / f"runs/{name}/checkpoints/best.safetensors", top / f"000{number}.safetensors")
        shutil.copyfile(top / "0001.safetensors", top / "0001-raw.safetensors")  # no checkpoint of its own
        found = api.ablate(tmp_path / "runs/a", val, only=["hflip"]).together
        plain = [f"{tmp_path}/runs/{name}+plain" for name in "abc"]
        soups = {
            names: api.soup([f"{tmp_path}/runs/{name}" for name in names], names, runs=tmp_path / "soups")
            for names in ("abc", "abb")
        }
        others = {
            "mean of 3 seeds": api.count_together(plain, val),
            "hard vote of 3 seeds": api.count_together(plain, val, vote="hard"),
            "weighted mean of 3 seeds": api.count_together(plain, val, weights=[3, 1, 2]),
            "greedy selection from 3 runs": api.count_together(plain[1:], val, weights=[2, 1]),
            "soup of 3 seeds": api.count(soups["abc"], val),
            "soup of 3 checkpoints": api.count(soups["abb"], val),
        }
        assert [trick.name for trick in found] == list(others)
        told = " ".join(plain[1:])
        assert f"greedy selection from 3 runs: recycle ensemble {told} --weight 2 --weight 1" in logged()
        for trick, again in zip(found, api.compare({"base": api.count(plain[0], val), **others}), strict=True):
            assert trick.comparison.difference.value == pytest.approx(again.difference.value, abs=1e-12), trick.name
        assert len({trick.comparison.difference.value for trick in found}) > 1

    def test_runs_that_cannot_be_judged_are_left_out(self, work, val, tmp_path, monkeypatch, logged):
        """One is cut off, one knows the classes in another order; with one group, nothing can be chosen and judged."""
        monkeypatch.chdir(tmp_path)
        for seed, name in enumerate(("a", "b", "cut", "turned")):
            copied(work / f"runs/seed-{min(seed, 1)}", tmp_path / "runs" / name, seed=seed)
        cut, turned = (tmp_path / f"runs/{name}/checkpoints/best.safetensors" for name in ("cut", "turned"))
        cut.write_bytes(cut.read_bytes()[:-100])
        card = read_card(turned)
        save_file(load_file(turned), turned, {"recycle": json.dumps(card | {"class_names": card["class_names"][::-1]})})
        found = api.ablate("a", val, only=["hflip"]).together
        names = ["mean of 2 seeds", "weighted mean of 2 seeds", "greedy selection from 2 runs"]
        assert [trick.name for trick in found] == names
        told = logged()
        assert "cut is left out: " in told
        assert "turned is left out: it knows other classes, or in another order" in told
        assert "weighted mean of 2 seeds: recycle ensemble a+plain b+plain --weight" in told
        shutil.rmtree(tmp_path / "runs/cut")
        shutil.rmtree(tmp_path / "runs/turned")
        alone = api.ablate("a", val, only=["hflip"], group_by="folder", force=True).together
        assert [trick.name for trick in alone] == names[:1]

    def test_an_unknown_trick(self, work):
        done = said(work, "ablate", "seed-0", "--trick", "magic", codes=(2,))
        assert "no trick is called 'magic'" in done.stderr

    def test_options_are_searched(self, work, val):
        options = (*WHERE, "--no-retrained", "--json")
        done = said(work, "ablate", "seed-0", "--trick", "hflip", "--search", "mode-filter", *options)
        found = json.loads(done.stdout)
        assert [trick["name"] for trick in found["tricks"]] == ["hflip", "mode-filter"]
        size = int(re.search(r"the best of 4 for mode-filter: mode-filter(?: size=(\d+))?", done.stderr)[1] or 3)
        sizes = (3, 5, 9)
        run, recipe = api.find_run(work / "runs/seed-0"), api.recipe_of(work / "runs/seed-0")
        pipelines = [Pipeline(post=(ListedPart(name="mode-filter", size=one),)) for one in sizes]
        scores = [estimate(one, "miou_dataset").value for one in count(api.registry(), run, recipe, val, pipelines)]
        assert scores[sizes.index(size)] == max(scores)
        assert "no options to search" in said(work, "ablate", "seed-1", "--search", "hflip", codes=(2,)).stderr

    def test_resuming_forgets_the_choice_where_it_trains(self, work, tmp_path):
        data = {"root": str(work / "val"), "json_path": None, "fold": None, "split": "random", "fingerprint": None}
        run = api.find_run(copied(work / "runs/fold-1", tmp_path / "runs/more", data=data))
        write_choice(run, api.pipeline(["hflip"]), {})
        said(tmp_path, "train", "--resume", "more")
        assert run.pipeline.exists()
        run.recipe.write_text(run.recipe.read_text().replace("epochs: 1", "epochs: 2"))
        said(tmp_path, "train", "--resume", "more")
        assert not run.pipeline.exists()


def test_a_soup_has_learned_from_the_photos_of_all_its_members(work, val, tmp_path):
    """Photos that only its second member knows: it is not judged on them, labels none, and is no run beside another."""
    write_coco(tmp_path / "fresh", coco(6, categories=[(name, at) for at, name in enumerate(val.class_names) if at]))
    runs = tmp_path / "runs"
    place = {"root": str(tmp_path / "fresh"), "json_path": None, "fold": None, "split": "random", "fingerprint": None}
    copied(work / "runs/seed-0", runs / "a")
    copied(work / "runs/seed-1", runs / "b")
    copied(work / "runs/seed-0", runs / "fresh", data=place)
    soup = api.soup([runs / "b", runs / "fresh"], "soup", runs=runs)
    twice = api.soup([runs / "a", soup], "twice", runs=tmp_path / "others")
    assert api.evaluate(soup).photos == 12
    fresh = api.open_data(tmp_path / "fresh")
    for one in (soup, twice):
        with pytest.raises(api.RecycleError, match=f"{one.folder.name} has trained on 5 of these 6 photos"):
            api.evaluate(one, fresh)
        with pytest.raises(api.RecycleError, match="every photo is a training or validation photo"):
            api.pseudo_label([one], tmp_path / "fresh/images", tmp_path / "p.json")
    shutil.rmtree(runs / "fresh")
    shutil.rmtree(runs / "b")
    assert api.ablate(runs / "a", fresh, only=["hflip"]).retrained == ()  # the soup would be its second seed


class Peaks(Callback):
    """The process's peak memory in kB while training and while validating, epoch by epoch."""

    def __init__(self):
        self.training, self.validating = [], []

    def on_train_epoch_start(self, trainer, pl_module):
        self.reset()

    def on_validation_start(self, trainer, pl_module):
        self.training.append(self.reset())

    def on_validation_end(self, trainer, pl_module):
        self.validating.append(self.reset())

    def reset(self):
        """The peak since the last call; what is free is given back, so that each phase shows its own."""
        peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        return peak


@pytest.mark.slow("trains a ResNet at 256 pixels")
@pytest.mark.parametrize(("photos", "share", "epochs"), [(12, 0.5, 1), (20, 0.6, 2)])
def test_validation_needs_no_more_memory_than_training(drawn, tmp_path, photos, share, epochs):
    drawn(tmp_path / "data", photos, size=384)
    peaks = Peaks()
    settings = {"data.root": tmp_path / "data", "data.size": 256, "data.val_fraction": share, "model": "fpn"}
    more = {"model.weights": "none", "train.epochs": epochs, "train.batch_size": 6}
    api.train({**settings, **more}, runs=tmp_path / "runs", callbacks=[peaks])
    print(f"\ntraining {max(peaks.training) / 1024:.0f} MiB, validation {max(peaks.validating) / 1024:.0f} MiB")
    assert len(peaks.training) == len(peaks.validating) == epochs
    assert max(peaks.validating) <= max(peaks.training)
