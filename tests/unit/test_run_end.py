"""Callbacks that a recipe names, and checks of the doctor: a stranger's like ours."""

import pytest
from recycle_data.resolve import resolve
from recycle_engine import api
from recycle_engine.run_end import built
from support import fake_dists

from recyclecli.cli.doctor import examine
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry, discover
from recyclecli.records import Check
from recyclecli.settings import ComponentSpec

TINY = {
    "model": {"name": "fpn", "encoder": "tu-test_efficientnet", "weights": "none"},
    "train.epochs": 1,
    "data.size": 32,
    "train.batch_size": 2,
}


def test_a_strangers_callback_is_told_of_the_complete_run(monkeypatch, small, tmp_path):
    fake_dists(monkeypatch, "callbacks")
    settings = {**TINY, "data.root": small, "train.callbacks": ["report@recycle-report", {"name": "bell", "times": 2}]}
    done = api.train(settings, name="r", runs=tmp_path / "runs")
    report, bell = done.said
    assert bell == "bell      ding ding for r"
    assert report.startswith(f"report    {done.run.folder / 'report.html'}: mIoU of the dataset ")
    assert (done.run.folder / "report.html").is_file()
    assert done.run.scores.is_file()  # which the report judged it by
    stored = done.run.recipe.read_text()
    assert "report@recycle-report" in stored


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        (["reports"], "no callback is called 'reports'"),
        (["report"], "say which: report@acme-callbacks or report@recycle-report"),
        ([{"name": "bell@acme-callbacks", "loud": True}, "rings"], "no callback is called 'rings'"),
        ([{"name": ""}], "no callback is called ''"),
        ("none@recycle-report", r"recycle-report 0\S+ offers no callback none"),
    ],
)
def test_a_name_that_chooses_none_is_a_fault_of_the_recipe(monkeypatch, callbacks, said):
    fake_dists(monkeypatch, "callbacks")
    with pytest.raises(RecycleError, match=said):
        resolve(discover(), None, {"train.callbacks": callbacks})


def test_options_that_it_does_not_take_are_said_before_the_training(monkeypatch):
    fake_dists(monkeypatch, "callbacks")
    with pytest.raises(RecycleError, match=r"callback bell: loud: no such option; "):
        built(discover(), [ComponentSpec(name="bell", loud=True)], ())


def test_one_that_observes_may_be_missing_and_no_other(registry):
    without = Registry(tuple(one for one in registry.plugins if one.distribution != "recycle-report"))
    callbacks, missing = built(without, resolve(without).train.callbacks, ())
    assert callbacks == []
    assert missing == [
        "note: without report@recycle-report, which is not installed: pip install ./plugins/recycle-report"
    ]
    with pytest.raises(RecycleError, match="no callback is called 'bell'"):
        resolve(without, None, {"train.callbacks": ["bell"]})


def test_a_strangers_checks_are_lines_of_the_doctor(monkeypatch, tmp_path):
    fake_dists(monkeypatch, "callbacks")
    findings = list(examine(discover(), tmp_path))
    assert ("note", "the camera sleeps", "wake it") in [(one.state, one.what, one.remedy) for one in findings]
    (lamp,) = [one for one in findings if "lamp" in one.what]
    assert (lamp.state, lamp.what) == ("fix", "check lamp of acme-callbacks: OSError: no lamp")
    assert lamp.remedy == "update or uninstall acme-callbacks"


def test_a_core_without_plugins_is_healthy(tmp_path):
    findings = list(examine(Registry(()), tmp_path))
    assert [one.what for one in findings if one.state == "fix"] == []
    assert any("no plugin is loaded" in one.what for one in findings)


def test_records_say_what_is_wrong_with_them():
    for fields, said in (
        (("Bell", "a:B", "x"), "check name 'Bell' is not kebab-case"),
        (("bell", "a.B", "x"), "check bell: target 'a.B' is not"),
        (("bell", "a:B", " "), "check bell has no summary"),
        ((3, "a:B", "x"), "check: 3 is no text"),
    ):
        with pytest.raises(ValueError, match=said):
            Check(*fields)
