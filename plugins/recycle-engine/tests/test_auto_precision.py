"""`--precision auto`: bf16 where a GPU has it and the labels stay. A CPU, which computes in it too, stands for one."""

import json

import pytest
from recycle_engine import api
from recycle_engine.inference import auto_precision
from recycle_engine.inference.infer import Predictor

from recyclecli.errors import RecycleError


@pytest.fixture
def photos(made_runs):
    return sorted((made_runs / "data").rglob("*.jpg"))[:3]


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(auto_precision, "computes_in_bf16", lambda device: True)


def predicted(made_runs, photos, out, **settings):
    done = api.predict(made_runs / "runs/fold-1", photos, out, precision="auto", **settings)
    return json.loads((out / "predicted.json").read_text())["precision"], done


def test_a_cpu_stays_at_32(made_runs, photos, tmp_path, logged):
    assert not auto_precision.computes_in_bf16("cpu")
    assert predicted(made_runs, photos, tmp_path / "out")[0] == "32"
    assert "precision" not in logged()


@pytest.mark.parametrize(("least", "taken"), [(0.5, "bf16"), (1.1, "32")])
def test_the_share_of_labels_that_stay_decides_and_is_said(
    made_runs, photos, tmp_path, monkeypatch, logged, fast, least, taken
):
    monkeypatch.setattr(auto_precision, "LEAST_SHARE", least)
    found, done = predicted(made_runs, photos, tmp_path / "out")
    assert found == taken
    said = logged()
    assert f"precision {taken}: at bf16 " in said
    assert "% of the labels of 3 photos are those of 32" in said
    plain = api.predict(made_runs / "runs/fold-1", photos, tmp_path / "plain", precision=taken)
    assert [mask.read_bytes() for mask in done.masks] == [mask.read_bytes() for mask in plain.masks]


def test_scores_that_are_no_numbers_at_bf16_leave_it_at_32(made_runs, photos, tmp_path, monkeypatch, fast):
    through = Predictor._through

    def broken(self, images, kind):
        logits = through(self, images, kind)
        if self._precision == "bf16":
            self._finite &= False
        return logits

    monkeypatch.setattr(Predictor, "_through", broken)
    assert predicted(made_runs, photos, tmp_path / "out")[0] == "32"


def test_a_precision_that_there_is_not_is_refused(made_runs, photos, tmp_path):
    with pytest.raises(RecycleError, match="precision '64' is unknown"):
        api.predict(made_runs / "runs/fold-1", photos, tmp_path / "out", precision="64")
