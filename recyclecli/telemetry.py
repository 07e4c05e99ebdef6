"""Switches that keep other packages from reporting to their makers."""

from __future__ import annotations

import os

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime: a device id and a queue of events in the user's home
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub: versions and surroundings in the head of every request
    "MLFLOW_DISABLE_TELEMETRY": "true",  # mlflow: events to its maker, also with a tracking server of one's own
    "WANDB_ERROR_REPORTING": "false",  # wandb: errors to another company than the one that keeps the curves
}
"""Environment variable to value. Each package reads its own when it is imported."""


def disable_telemetry() -> None:
    """Set each of `SWITCHES` that the user has not set."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
