"""Output that somebody removes or moves while a command runs: no success is claimed, and the next call mends it."""

import shutil

import pytest
from recycle_engine import api
from recycle_engine.inference import predict
from recycle_engine.offline_augment import offline
from support import coco, write_coco

from recyclecli.errors import RunFailed


def test_predictions(made_runs, tmp_path, monkeypatch):
    photos, out = made_runs / "data/kfold_0_val.json", tmp_path / "o"
    with monkeypatch.context() as patch:
        patch.setattr(predict, "_tell_others", lambda job: shutil.rmtree(job.out / "masks"))
        with pytest.raises(RunFailed, match="removed or moved while the command ran") as told:
            api.predict(made_runs / "runs/seed-0", photos, out)
    assert "--force" in told.value.remedy
    done = api.predict(made_runs / "runs/seed-0", photos, out, force=True)
    assert all(mask.is_file() for mask in done.masks)


def test_new_photos(tmp_path, monkeypatch):
    write_coco(tmp_path / "data", coco(6))
    settings = {"data.root": tmp_path / "data"}

    def lose_one(maker, *arguments):
        run_jobs(maker, *arguments)
        next((tmp_path / "data/flip").iterdir()).unlink()

    run_jobs = offline.run_jobs
    with monkeypatch.context() as patch:
        patch.setattr(offline, "run_jobs", lose_one)
        with pytest.raises(RunFailed, match="1 of 6 files"):
            api.augment("flip", 6, settings, workers=1)
    assert api.augment("flip", 6, settings, workers=1).photos == 6
    assert len(list((tmp_path / "data/flip").iterdir())) == 6
