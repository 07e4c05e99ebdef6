"""Predicting many photos: what is written, bad photos, going on after a kill, several devices, windows, votes."""

import contextlib
import hashlib
import json
import multiprocessing.resource_tracker
import multiprocessing.spawn
import os
import shlex
import shutil
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image
from recycle_data.owned import Owned
from recycle_data.submission import read_submission, reduce_labels
from recycle_data.votes import hard_vote
from recycle_engine import api
from recycle_engine.pipeline import Pipeline
from support import first_photos, recycle_here, runs_in, start_recycle

from recyclecli.errors import RunFailed, counted
from recyclecli.recipe import ListedPart


@pytest.fixture(scope="module")
def work(tmp_path_factory, made_runs):
    """`made_runs`, and a folder of photos `photos/` of several sizes."""
    place = runs_in(tmp_path_factory.mktemp("predict"), made_runs)
    source = api.open_data(place / "data")
    for number in range(9):
        image = Image.open(source.record(number).file)
        folder = place / "photos" / ("b" if number % 2 else "a")
        folder.mkdir(parents=True, exist_ok=True)
        image.crop((0, 0, image.width, image.height - 7 * number)).save(folder / f"frame_{number}.png")
    return place


def without_state(run, folder):
    """A copy of a run, without the checkpoints that predicting does not read."""
    return shutil.copytree(run, folder, ignore=shutil.ignore_patterns("last.ckpt", "top"))


def predicted(work, *arguments, codes=(0,)):
    done = recycle_here("predict", *arguments, cwd=work)
    assert done.returncode in codes, done.stderr
    assert "Traceback" not in done.stderr
    return done


def masks(folder):
    return {file.relative_to(folder).as_posix(): np.asarray(Image.open(file)) for file in folder.rglob("*.png")}


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_everything_that_can_be_written(work, tmp_path):
    saves = [part for kind in ("masks", "overlays", "coco", "probabilities") for part in ("--save", kind)]
    out, submission = tmp_path / "out", tmp_path / "s.csv"
    done = predicted(work, "seed-0", "photos", "--out", out, "--submission", submission, *saves)
    assert "9 photos" in done.stdout
    found = masks(out / "masks")
    assert len(found) == 9
    rows = read_submission(submission)
    source = api.open_data(work / "photos", str(out / "annotations.json"))
    assert list(rows) == [source.record(index).file_name for index in range(9)]
    for index, (name, row) in enumerate(rows.items()):
        labels = found[name]
        assert labels.shape == Image.open(work / "photos" / name).size[::-1]
        assert np.array_equal(row, reduce_labels(labels))
        assert np.array_equal(source.read(index).mask, labels)  # COCO says what the mask says
        shares = np.load((out / "probabilities" / name).with_suffix(".npz"))["probabilities"].astype(np.float32)
        assert np.allclose(shares.sum(0), 1, atol=0.01)
        assert (out / "overlays" / name).with_suffix(".jpg").is_file()
    assert sorted(file.name for file in out.iterdir()) == [
        ".recycle.jsonl", "annotations.json", "classes.json", "masks", "overlays", "predicted.json", "probabilities",
    ]  # fmt: skip
    assert json.loads((out / "predicted.json").read_text())["failed"] == {}
    assert "exists" in predicted(work, "seed-0", "photos", "--out", out, codes=(2,)).stderr
    again = predicted(work, "seed-0", "photos/*/*.png", "--out", tmp_path / "again", "--save", "masks")
    assert "9 photos" in again.stdout
    assert same(masks(tmp_path / "again/masks"), found)


def test_coco_is_made_of_masks_which_stay(work, tmp_path):
    predicted(work, "seed-0", "photos/a", "--out", tmp_path / "out", "--save", "coco")
    kept = {file.name for file in (tmp_path / "out").iterdir()}
    assert kept == {".recycle.jsonl", "annotations.json", "classes.json", "masks", "predicted.json"}
    assert len(masks(tmp_path / "out/masks")) == 5


def test_a_submission_alone_and_nothing_at_all(work, tmp_path):
    predicted(work, "seed-0", "photos/a", "--submission", tmp_path / "s.csv")
    rows = (tmp_path / "s.csv").read_text().splitlines()[1:]
    assert [row.partition(",")[0] for row in rows] == [f"frame_{number}.png" for number in (0, 2, 4, 6, 8)]
    assert sorted(file.name for file in tmp_path.iterdir()) == [".recycle.jsonl", "s.csv", "s.csv.json"]
    assert "neither a folder nor" in predicted(work, "seed-0", "photos", codes=(2,)).stderr
    assert "nearest: masks" in predicted(work, "seed-0", "photos", "--out", "x", "--save", "mask", codes=(2,)).stderr


def test_photos_that_cannot_be_read_are_named_and_the_rest_is_done(work, tmp_path):
    shutil.copytree(work / "photos", tmp_path / "photos")
    (tmp_path / "photos/a/frame_2.png").write_bytes(b"no photo")
    whole = (tmp_path / "photos/b/frame_5.png").read_bytes()
    (tmp_path / "photos/b/frame_5.png").write_bytes(whole[: len(whole) // 2])
    done = predicted(
        work, "seed-0", tmp_path / "photos", "--out", tmp_path / "out", "--submission", tmp_path / "s.csv", codes=(1,)
    )
    assert "7 photos" in done.stdout
    assert "2 photos could not be read" in done.stderr
    assert "a/frame_2.png: photo" in done.stderr
    left = {"a/frame_0.png", "b/frame_1.png", "b/frame_3.png", "a/frame_4.png", "a/frame_6.png", "b/frame_7.png"}
    assert set(masks(tmp_path / "out/masks")) == left | {"a/frame_8.png"} == set(read_submission(tmp_path / "s.csv"))
    failed = json.loads((tmp_path / "out/predicted.json").read_text())["failed"]
    assert set(failed) == {
        "a/frame_2.png",
        "b/frame_5.png",
    }
    for file in (tmp_path / "photos").rglob("*.png"):
        file.write_bytes(b"")
    done = predicted(work, "seed-0", tmp_path / "photos", "--out", tmp_path / "none", codes=(2,))
    assert "none of 9 photos can be read" in done.stderr
    assert not (tmp_path / "none/predicted.json.0.part").exists()


def test_a_name_that_is_too_long_costs_its_photo_alone(work, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("a" * 248 + ".png", "b" * 249 + ".png", "b" * 249 + ".jpg", "c.png"):
        shutil.copy(work / "photos/a/frame_0.png", tmp_path / "photos" / name)
    out, submission = tmp_path / "out", tmp_path / "s.csv"
    done = api.predict(work / "runs/seed-0", tmp_path / "photos", out, submission=submission)
    assert [name[0] for name in done.failed] == ["b", "b"]  # as two photos of one name, they get longer ones
    assert all("name is too long" in fault for fault in done.failed.values())
    assert [name[0] for name in masks(out / "masks")] == ["a", "c"] == [name[0] for name in read_submission(submission)]
    assert not list(tmp_path.rglob("*.part"))
    api.predict(work / "runs/seed-0", tmp_path / "photos", out, outputs=["overlays"], force=True)
    assert masks(out / "masks") == {}
    assert sorted(file.name[0] for file in (out / "overlays").iterdir()) == ["a", "c"]


def test_a_killed_prediction_resumes_where_it_stopped(work, tmp_path):
    """Killed when some photos are done: the next call does the others only, and all is as if nothing had been."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(60):
        shutil.copy(work / "photos/a/frame_0.png", photos / f"{number}.png")
    arguments = ["predict", "seed-0", str(photos), "--out", "out", "--submission", "s.csv", "--batch-size", "2"]
    without_state(work / "runs/seed-0", tmp_path / "runs/seed-0")
    journal = tmp_path / "out/predicted.json.0.part"
    process = start_recycle(*arguments, cwd=tmp_path)
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 8):
        assert not process.over()
        time.sleep(0.001)
    process.kill()
    done = journal.read_bytes().count(b"\n") - 1
    assert 8 <= done < 60
    kept = (tmp_path / "out/masks/0.png").stat().st_mtime_ns
    with journal.open("ab") as handle:
        handle.write(b'["torn')
    other = predicted(tmp_path, "seed-0", photos, "--out", "out", "--tta", "hflip", codes=(2,))
    assert "the beginning of another job" in other.stderr
    assert "60 photos" in predicted(tmp_path, *arguments[1:]).stdout
    assert (tmp_path / "out/masks/0.png").stat().st_mtime_ns == kept
    predicted(tmp_path, *arguments[1:3], "--out", "out2", "--submission", "s2.csv", "--batch-size", 2)
    assert same(masks(tmp_path / "out/masks"), masks(tmp_path / "out2/masks"))
    assert (tmp_path / "s.csv").read_bytes() == (tmp_path / "s2.csv").read_bytes()
    assert not list(tmp_path.rglob("*.part"))


def test_batches_of_any_size_give_the_same_labels(work, tmp_path):
    """But for rounding; predicted.json has the size, which is one by default on a CPU."""
    labels = {}
    for size in (None, 1, 3, 8):
        out = tmp_path / str(size)
        api.predict(work / "runs/seed-0", work / "photos", out, outputs=["masks"], devices="cpu", batch_size=size)
        assert json.loads((out / "predicted.json").read_text())["batch_size"] == (size or 1)
        labels[size] = np.concatenate([mask.ravel() for mask in masks(out / "masks").values()])
    assert np.array_equal(labels[None], labels[1])
    assert all(np.mean(one != labels[1]) <= 1e-4 for one in labels.values())


def test_what_is_lost_or_written_by_another_is_told(work, tmp_path):
    from recycle_engine.inference.journal import Journal

    job = {"photos": 3}
    with Journal(tmp_path / "j.part", job) as journal:
        journal.add([("a", None, 10), ("b", "torn", 10)])
        with pytest.raises(api.RecycleError, match="another process"):
            Journal(tmp_path / "j.part", job)
    with Journal(tmp_path / "j.part", job) as journal:
        assert (journal.done, journal.end) == ({"a": None, "b": "torn"}, 10)
    with pytest.raises(api.RecycleError, match="beginning of another job"):
        Journal(tmp_path / "j.part", {"photos": 4})


def test_a_job_is_another_when_a_photo_has_changed(work, tmp_path):
    from recycle_engine.inference.job import Job, Shard
    from recycle_engine.inference.journal import Journal
    from recycle_engine.inference.photos import find_photos
    from recycle_engine.inference.worker import run_shard

    shutil.copytree(work / "photos", tmp_path / "photos")
    begun = Job((api.member(work / "runs/seed-0"),), tuple(find_photos(tmp_path / "photos")), tmp_path / "out")
    shard = Shard(begun, begun.as_dict(), 0, 1, None)
    run_shard(api.registry(), shard, False)
    with Journal(shard.journal, begun.as_dict()) as journal:
        assert len(journal.done) == 9
    changed = tmp_path / "photos/b/frame_5.png"
    Image.open(changed).rotate(180).save(changed)
    line = ["seed-0", tmp_path / "photos", "--out", tmp_path / "out"]
    assert "with other or changed photos" in predicted(work, *line, codes=(2,)).stderr
    changed.unlink()
    assert begun.as_dict()["photos_sha256"] != shard.described["photos_sha256"]


def test_a_finished_job_whose_parts_are_left_is_cleaned_up(work, tmp_path):
    line = ["seed-0", "photos/a", "--out", tmp_path / "out", "--submission", tmp_path / "s.csv"]
    predicted(work, *line)
    whole = (tmp_path / "s.csv").read_bytes()
    for part in ("predicted.json.0.part", "predicted.csv.0.part"):
        (tmp_path / "out" / part).touch()
    assert "5 photos" in predicted(work, *line).stdout
    assert (tmp_path / "s.csv").read_bytes() == whole
    assert not list(tmp_path.rglob("*.part"))
    assert "exists" in predicted(work, *line, codes=(2,)).stderr
    odd = [*line[:2], "--submission", tmp_path / "s[1].csv"]
    (tmp_path / "s[1].csv.json.0.part").write_text("{}\n")
    assert "is not what recycle wrote there" in predicted(work, *odd, codes=(2,)).stderr
    (tmp_path / "s[1].csv.json.0.part").unlink()
    predicted(work, *odd)
    assert not list(tmp_path.rglob("*.part"))


def test_nothing_of_an_earlier_job_passes_for_the_new_one(work, tmp_path):
    shutil.copytree(work / "photos/a", tmp_path / "photos")
    line = ["seed-0", tmp_path / "photos", "--out", tmp_path / "out", "--save", "masks"]
    predicted(work, *line, "--save", "coco", "--save", "overlays", "--save", "confidence")
    (tmp_path / "photos/frame_0.png").unlink()
    (tmp_path / "photos/frame_2.png").write_text("no photo")
    done = predicted(work, *line, "--force", codes=(1,))
    assert sorted(masks(tmp_path / "out/masks")) == [f"frame_{number}.png" for number in (0, 4, 6, 8)]
    for kind in ("masks", "overlays", "confidence"):
        assert f"{tmp_path}/out/{kind} holds 1 file of other photos, as frame_0" in done.stderr
    assert len(list((tmp_path / "out/overlays").iterdir())) == 1
    assert not (tmp_path / "out/annotations.json").exists()


def test_a_place_that_is_none_is_told(work, tmp_path):
    (tmp_path / "file").touch()
    line = ["seed-0", "photos/a/frame_0.png", "--out", tmp_path / "file"]
    for force in ([], ["--force"]):
        assert "remedy" in predicted(work, *line, *force, codes=(2,)).stderr


def test_every_output_is_named(work, tmp_path):
    saves = [part for kind in ("confidence", "coco", "probabilities") for part in ("--save", kind)]
    out = tmp_path / "out"
    done = predicted(work, "seed-0", "photos/a/frame_0.png", "--out", out, *saves)
    assert done.stdout == f"1 photo: {out}/confidence, {out}/annotations.json, {out}/probabilities\n"


def test_tricks_are_named_in_one_place(work):
    done = predicted(work, "seed-0+hflip", "photos", "--tta", "vflip", "--submission", "x.csv", codes=(2,))
    assert "names tricks, and others are asked for beside it" in done.stderr


def test_post_processors_have_the_recipes_options(work, tmp_path):
    run = tmp_path / "run"
    without_state(work / "runs/seed-0", run)
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("\npost: []", "\npost: [{name: mode-filter, size: 7}]"))
    one = work / "photos/a/frame_0.png"
    for number, keywords in enumerate(({"pipeline": api.pipeline(post=["mode-filter"])}, {})):
        done = api.predict(f"{run}{'' if keywords else '+mode-filter'}", one, tmp_path / str(number), **keywords)
        (member,) = json.loads(done.record.read_text())["members"]
        assert member["post"] == [{"name": "mode-filter@recycle-densecrf", "size": 7}]
    given = Pipeline(post=(ListedPart(name="mode-filter", size=5),))
    assert api.member(run, given).pipeline == given


def test_earlier_output_is_not_predicted(work, tmp_path):
    shutil.copytree(work / "photos", tmp_path / "photos")
    for out in ("one", "two"):
        done = predicted(work, "seed-0", tmp_path / "photos", "--out", tmp_path / "photos" / out, "--json")
        assert json.loads(done.stdout)["photos"] == 9


class Evil:
    """Touches a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (open, (str(self.file), "w"))


@pytest.mark.parametrize("fault", ["cut", "version", "code", "none", "recipe", "pipeline"])
def test_broken_runs_are_named(work, tmp_path, fault):
    from safetensors.torch import load_file, save_file

    without_state(work / "runs/seed-0", tmp_path / "run")
    best = tmp_path / "run/checkpoints/best.safetensors"
    if fault == "cut":
        best.write_bytes(best.read_bytes()[:5000])
    elif fault == "version":
        save_file(load_file(best), best, metadata={"recycle": json.dumps({"format": 99})})
    elif fault == "code":
        torch.save(Evil(tmp_path / "run/owned"), best)
    elif fault == "none":
        best.unlink()
    elif fault == "recipe":
        (tmp_path / "run/recipe.yaml").write_text("model: [")
    else:
        (tmp_path / "run/pipeline.json").write_text('{"format": 1, "pipeline": {"views": ["moon"]}}')
    done = predicted(work, tmp_path / "run", "photos", "--out", tmp_path / "out", codes=(2,))
    named = {"recipe": "recipe.yaml", "pipeline": "pipeline.json"}.get(fault, "best.safetensors")
    assert named in done.stderr
    assert "remedy" in done.stderr
    assert not (tmp_path / "run/owned").exists()
    assert not (tmp_path / "out").exists()


def test_devices_that_are_not_there(work):
    for name in ("gpu", "cuda:7", "cpu,tpu", "cuda:a", "cuda:", "cpu:1"):
        assert "no device" in predicted(work, "seed-0", "photos", "--out", "x", "--devices", name, codes=(2,)).stderr
    assert not (work / "x").exists()


def test_a_gpu_without_a_number_is_the_first(monkeypatch):
    from recycle_engine.inference import predict

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert predict.devices_of("cuda,cuda:1,cpu") == ["cuda:0", "cuda:1", "cpu"]


def test_masks_that_would_meet_are_refused():
    from recycle_data.submission import target_names

    assert target_names(["a.jpg", "b.png"], ".png") == ["a.png", "b.png"]
    assert target_names(["a.jpg", "a.png"], ".png") == ["a.jpg.png", "a.png.png"]
    assert target_names(["A.jpg", "a.png"], ".png") == ["A.jpg.png", "a.png.png"]  # one file on Windows and macOS
    assert target_names(["\u00e9.jpg", "e\u0301.png"], ".png") == ["\u00e9.jpg.png", "e\u0301.png.png"]
    with pytest.raises(api.RecycleError, match="several photos would be written"):
        target_names(["a.jpg", "a.png", "a.png.jpg"], ".png")


@pytest.mark.slow("starts two processes that import torch")
def test_two_devices_say_what_one_says(work, tmp_path):
    one, two = (["--out", tmp_path / name, "--submission", tmp_path / f"{name}.csv"] for name in ("one", "two"))
    predicted(work, "seed-0", "photos", *one)
    done = predicted(work, "seed-0", "photos", *two, "--devices", "cpu,cpu")
    assert "9 photos" in done.stdout
    first, second = masks(tmp_path / "one/masks"), masks(tmp_path / "two/masks")
    assert first.keys() == second.keys()
    assert min((first[name] == second[name]).mean() for name in first) > 0.999  # batches differ, and so do roundings
    assert list(read_submission(tmp_path / "one.csv")) == list(read_submission(tmp_path / "two.csv"))
    assert not list(tmp_path.rglob("*.part"))


def test_a_process_ends_whose_parent_was_gone_before_it_had_begun(work, tmp_path, monkeypatch):
    from recycle_engine.inference import predict
    from recycle_engine.inference.job import Job, Shard

    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda code: ended.set())
    monkeypatch.setattr(predict, "run_shard", lambda *_: None)
    shard = Shard(Job((), (), tmp_path), {}, 0, 2, "cuda:0")
    monkeypatch.setattr(os, "getppid", lambda: 1)
    predict._work_alone(shard, 4242)
    assert ended.wait(20)


def test_processes_that_end_before_they_begin_are_told(work, tmp_path):
    multiprocessing.resource_tracker.ensure_running()  # it is one more process of that program
    before = multiprocessing.spawn.get_executable()
    multiprocessing.set_executable("/bin/false")
    try:
        with pytest.raises(RunFailed, match="a process that predicts was ended from outside"):
            api.predict(work / "runs/seed-0", work / "photos", tmp_path / "out", devices="cpu,cpu")
    finally:
        multiprocessing.set_executable(before)


def test_devices_go_on_when_some_had_not_begun(work, tmp_path, monkeypatch):
    """Killed when the first process had done its part and the second was not there yet, or when none was."""
    from recycle_engine.inference import predict
    from recycle_engine.inference.worker import run_shard

    def killed(shards):
        raise KeyboardInterrupt

    def first_alone(shards):
        run_shard(api.registry(), shards[0], False)
        raise KeyboardInterrupt

    def every(shards):
        for shard in shards:
            run_shard(api.registry(), shard, False)

    out, outcomes = tmp_path / "out", []
    for spread in (killed, first_alone, every):
        monkeypatch.setattr(predict, "_spread", spread)
        with contextlib.suppress(KeyboardInterrupt):
            done = api.predict(work / "runs/seed-0", work / "photos", out, outputs=["masks"], devices="cpu,cpu")
        outcomes.append({file: file.stat().st_mtime_ns for file in out.rglob("*.png")})
        if spread is killed:
            (out / "predicted.json.0.part").unlink()  # as if it had been killed before that was there
    assert [len(files) for files in outcomes] == [0, 4, 9]
    assert outcomes[1].items() <= outcomes[2].items()
    assert done.photos == 9
    assert not list(tmp_path.rglob("*.part"))
    api.predict(work / "runs/seed-0", work / "photos", tmp_path / "one", outputs=["masks"])
    first, second = masks(tmp_path / "one/masks"), masks(out / "masks")
    assert first.keys() == second.keys()
    assert min((first[name] == second[name]).mean() for name in first) > 0.999  # batches differ, and so do roundings


class TestSeveralModels:
    def test_one_twice_is_itself(self, work, tmp_path):
        api.predict(work / "runs/seed-0", work / "photos", tmp_path / "one")
        for vote in ("soft", "hard"):
            api.predict([work / "runs/seed-0"] * 2, work / "photos", tmp_path / vote, vote=vote)
            assert same(masks(tmp_path / "one/masks"), masks(tmp_path / vote / "masks"))

    def test_the_mean_is_that_of_the_probabilities(self, work, tmp_path):
        runs = [work / "runs/seed-0", work / "runs/seed-1"]
        shares = {}
        for name, members, weights in (("a", runs[0], ()), ("b", runs[1], ()), ("both", runs, (3, 1))):
            api.predict(members, work / "photos", tmp_path / name, outputs=["probabilities"], weights=weights)
            files = sorted((tmp_path / name).rglob("*.npz"))
            shares[name] = [np.load(file)["probabilities"].astype(np.float32) for file in files]
        for first, second, both in zip(shares["a"], shares["b"], shares["both"], strict=True):
            assert np.abs(both - (0.75 * first + 0.25 * second)).max() < 2e-3

    def test_checkpoints_and_pipelines_are_members(self, work):
        (top, *_) = sorted((work / "runs/seed-0/checkpoints/top").glob("*.safetensors"))
        assert api.member(top).weights == top
        assert api.member(f"{work}/runs/seed-0+hflip").pipeline.views == ("hflip",)
        with pytest.raises(api.RecycleError, match="in a run's folder"):
            api.member(work / "nowhere.safetensors")

    def test_other_classes_are_refused(self, work, tmp_path):
        from safetensors import safe_open
        from safetensors.torch import load_file, save_file

        without_state(work / "runs/seed-1", tmp_path / "other")
        file = tmp_path / "other/checkpoints/best.safetensors"
        with safe_open(file, framework="pt") as handle:
            card = json.loads(handle.metadata()["recycle"])
        order = [0, *range(len(card["class_names"]) - 1, 0, -1)]
        weights = load_file(file)
        head = [key for key in weights if weights[key].shape[:1] == (len(card["class_names"]),)]
        turned = {**weights, **{key: weights[key][order].contiguous() for key in head}}
        card["class_names"] = [card["class_names"][label] for label in order]
        save_file(turned, file, metadata={"recycle": json.dumps(card)})
        runs = work / "runs/seed-0", work / "runs/seed-1"
        api.predict(runs, work / "photos", tmp_path / "a")
        api.predict([runs[0], tmp_path / "other"], work / "photos", tmp_path / "b")
        assert same(masks(tmp_path / "a/masks"), masks(tmp_path / "b/masks"))  # the same names in another order
        card["class_names"][1] = "Moss"
        save_file(weights, file, metadata={"recycle": json.dumps(card)})
        with pytest.raises(api.RecycleError, match=r"different classes.*Moss"):
            api.predict([runs[0], tmp_path / "other"], work / "photos", tmp_path / "c")


def test_the_record_names_the_model_and_what_it_was_used_with(work, tmp_path):
    run = api.find_run(work / "runs/seed-0")
    pipeline = api.pipeline(["hflip"], raw_weights=True)
    done = api.predict(run, work / "photos/a/frame_0.png", tmp_path / "out", pipeline=pipeline)
    (one,) = json.loads(done.record.read_text())["members"]
    assert (one["checkpoint"], one["weights"], one["views"]) == (str(run.raw), "raw", ["hflip"])
    assert one["sha256"] == hashlib.sha256(run.raw.read_bytes()).hexdigest()


def test_hard_votes_and_ties():
    a, b, c = (np.array([row], np.uint8) for row in ([1, 1, 2, 0], [2, 1, 2, 3], [2, 0, 1, 5]))
    assert hard_vote([a, b, c], [1, 1, 1]).tolist() == [[2, 1, 2, 0]]  # the last is a tie of three: the first voter's
    assert hard_vote([a, b, c], [2, 1, 1]).tolist() == [[1, 1, 2, 0]]  # the first is a tie of two
    assert hard_vote([a, b, c], [0.1, 0.2, 0.9]).tolist() == [[2, 0, 1, 5]]


def test_the_confidence_of_a_hard_vote_is_its_share(work, tmp_path):
    one = work / "photos/a/frame_0.png"
    runs = [work / "runs/seed-0", work / "runs/seed-1"]
    api.predict(runs, one, tmp_path / "b", outputs=["masks", "confidence"], vote="hard", weights=[3, 1])
    first, second = (masks(api.predict(run, one, tmp_path / run.name).record.parent / "masks") for run in runs)
    (labels,), (confidence,) = masks(tmp_path / "b/masks").values(), masks(tmp_path / "b/confidence").values()
    assert np.array_equal(labels, *first.values())
    alike = labels == next(iter(second.values()))
    assert 0 < alike.mean() < 1
    assert np.allclose(confidence / 65535, np.where(alike, 1, 0.75), atol=1e-3)


class TestEnsembleCommand:
    def run(self, work, *arguments, codes=(0,), command="ensemble"):
        done = recycle_here(command, *arguments, cwd=work)
        assert done.returncode in codes, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def test_predicts_as_the_api_does(self, work, tmp_path):
        line = ["seed-0", "seed-1+hflip", "--images", "photos", "--out", tmp_path / "a", "--weight", 2, "--weight", 1]
        assert "9 photos" in self.run(work, *line).stdout
        runs = [work / "runs/seed-0", f"{work}/runs/seed-1+hflip"]
        api.predict(runs, work / "photos", tmp_path / "b", weights=[2, 1])
        assert same(masks(tmp_path / "a/masks"), masks(tmp_path / "b/masks"))
        assert "1 weight for 2 models" in self.run(work, *line[:-2], codes=(2,)).stderr
        several = ["--images", "photos/a", "--images", "photos/b/*.png"]  # of which the last alone counted
        assert "9 photos" in self.run(work, "seed-0", *several, "--submission", tmp_path / "s.csv").stdout
        (tmp_path / "two.txt").write_text("photos/a/frame_0.png\nphotos/b/frame_1.png\n")
        said = self.run(work, "seed-0", "--list", tmp_path / "two.txt", "--submission", tmp_path / "l.csv").stdout
        assert "2 photos" in said
        assert "nothing to predict is named" in self.run(work, "seed-0", "seed-1", codes=(2,)).stderr

    def test_submissions_vote(self, work, tmp_path):
        files = []
        for name in ("seed-0", "seed-1", "seed-0+hflip"):
            files.append(tmp_path / f"{name}.csv")
            api.predict(f"{work}/runs/{name}", work / "photos/a", submission=files[-1])
        assert "5 photos" in self.run(work, *files, "--submission", tmp_path / "s.csv").stdout
        rows = [read_submission(file) for file in files]
        for name, labels in read_submission(tmp_path / "s.csv").items():
            assert np.array_equal(labels, hard_vote([each[name] for each in rows], [1, 1, 1]))
        api.predict(work / "runs/seed-0", work / "photos/b", submission=tmp_path / "other.csv")
        done = self.run(work, *files, tmp_path / "other.csv", "--submission", tmp_path / "t.csv", codes=(2,))
        assert "name different photos" in done.stderr
        assert "1 weight for 3" in self.run(work, *files, "--weight", 2, "--submission", "x.csv", codes=(2,)).stderr
        assert "among themselves" in self.run(work, files[0], "seed-1", "--submission", "x.csv", codes=(2,)).stderr
        unused = ["--vote", "soft", "--out", "o", "--save", "coco", "--precision", "bf16"]
        done = self.run(work, *files, "--submission", tmp_path / "t.csv", *unused, codes=(2,))
        for flag in unused[::2]:
            assert flag in done.stderr.splitlines()[-1]
        hard = ["--submission", tmp_path / "t.csv", "--vote", "hard", "--json"]
        assert json.loads(self.run(work, *files, *hard).stdout) == {"photos": 5, "submission": str(tmp_path / "t.csv")}

    def test_what_would_do_nothing_is_refused(self, work):
        done = self.run(work, "seed-0", "--json-path", "data/x.json", codes=(2,), command="select")
        assert "name the folder with --data" in done.stderr
        done = self.run(work, "seed-0+hflip", "seed-0", "--name", "s", codes=(2,), command="soup")
        assert "hflip changes no weights" in done.stderr

    def test_soup_is_the_mean_of_the_weights(self, work, tmp_path):
        from safetensors.torch import load_file

        tops = sorted((work / "runs/seed-0/checkpoints/top").glob("*[0-9].safetensors"))
        assert len(tops) == 2
        name = f"soup-{tmp_path.name}"
        begun = Owned(work / "runs" / name)  # by a call that was killed
        begun.write_bytes(begun.base / "checkpoints/best.safetensors", b"other weights")
        done = self.run(work, *tops, "--name", name, "--weight", 3, "--weight", 1, "--json", command="soup")
        assert json.loads(done.stdout) == {"run": f"runs/{name}", "models": 2}
        run = api.find_run(work / f"runs/soup-{tmp_path.name}")
        mixed, first, second = (load_file(file) for file in (run.best, *tops))
        for key, value in mixed.items():
            mean = 0.75 * first[key].double() + 0.25 * second[key].double()
            assert np.allclose(value, mean, atol=1e-6 if value.is_floating_point() else 1), key  # counters are whole
        assert api.evaluate(run).photos == 12
        shutil.rmtree(run.folder)
        done = self.run(work, "seed-0", "fold-1", "--name", "leak", codes=(2,), command="soup")
        assert "has trained on" in done.stderr
        assert not (work / "runs/leak").exists()

    def test_selection_refuses_photos_that_a_model_learned_from_and_picks_the_best(self, work, tmp_path):
        done = self.run(work, "seed-0", "fold-1", codes=(2,), command="select")
        assert "has trained on" in done.stderr
        fresh = first_photos(work / "data", tmp_path / "fresh", 6, "kfold_0_val.json")
        source = api.open_data(fresh)
        models = [f"{work}/runs/{name}" for name in ("seed-0", "seed-1", "seed-1+rot180")]
        found = api.select(models, source)
        line = ["seed-0", "seed-1", "seed-1+rot180", "--data", fresh]
        done = self.run(work, *line, command="select")
        assert "cross-fitted" in done.stdout
        assert f"picked {counted(int(found.members[0].share), 'time')}: " in done.stdout
        told = json.loads(self.run(work, *line, "--json", command="select").stdout)
        assert [one["picked"] for one in told["members"]] == [one.share for one in found.members]
        assert told["cross_fitted"]["value"] == found.cross_fitted.value
        typed = shlex.split(done.stdout.splitlines()[-1].partition("recycle ensemble ")[2])
        assert typed.count("--weight") == len(found.members) == sum(share > 0 for share in found.picked)
        assert "5 photos" in self.run(work, *typed, "--images", "photos/a", "--submission", tmp_path / "s.csv").stdout
        singles = [api.select([model], source).score.value for model in models]
        assert found.score.value >= max(singles)
        assert found.best_single.value <= max(singles) + 1e-9
        together = api.count_together(found.members, source)
        assert len(together) == 6
        grouped = api.select(models, source, group_by="near-duplicates")
        assert grouped.members == found.members
        with pytest.raises(api.RecycleError, match="one group of photos, cannot be both"):
            api.select(models, source, group_by="folder")
        with pytest.raises(api.RecycleError, match="weights 1, 0"):
            api.count_together([models[0], api.member(models[1], share=0)], source)
