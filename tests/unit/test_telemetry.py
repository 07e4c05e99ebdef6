"""Other packages report nothing to their makers."""

import os

from recyclecli.telemetry import SWITCHES, disable_telemetry


def test_every_switch_is_set_when_the_package_is_imported():
    assert set(SWITCHES) <= set(os.environ)


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY")
    disable_telemetry()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
