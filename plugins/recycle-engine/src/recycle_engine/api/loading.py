"""A model that stays loaded, for notebooks and for programs that ask it photo by photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recycle_data.api import Place, registry
from recycle_data.progress import busy

from recycle_engine.api.inference import run_by_engine
from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    from recycle_engine.inference.infer import Precision
    from recycle_engine.inference.loaded import LoadedModel
    from recycle_engine.inference.members import Member, Vote
    from recycle_engine.pipeline import Pipeline
    from recycle_engine.runs import Run


def load(
    run: Run | Place | Sequence[Run | Place | Member],
    pipeline: Pipeline | None = None,
    device: str | None = None,
    precision: Precision = "32",
    engine: str = "torch",
    vote: Vote = "soft",
    weights: Sequence[float] = (),
    batch_size: int | None = None,
) -> LoadedModel:
    """Load a run's model, or an ensemble, to predict photo by photo.

        with api.load("last") as model:
            result = model("belt.jpg")
            print([(each.name, each.area, each.centroid) for each in result.objects])

    Args:
        run: see `member`; a list of several is an ensemble.
        pipeline: the models' own when left out.
        device: torch's name of it, as `cpu` or `cuda:0`; the GPU when there is one.
        precision: `32`, `bf16` or `16`.
        engine: `torch`, an exporter, or `auto`; see `predict`.
        vote: of several models: `soft` or `hard`, see `predict`.
        weights: of several models, their weights.
        batch_size: photos, or windows of one photo, that go through a model at once, and photos that `LoadedModel.each`
            takes at a time; when left out one and 8 on a CPU, 8 and 8 on a GPU.

    Raises:
        RecycleError: see `member`; the models know different classes; or there is no such device.
    """
    with busy("loading torch"):
        from recycle_engine.inference.loaded import LoadedModel
        from recycle_engine.inference.members import InferenceConfig
        from recycle_engine.inference.predict import devices_of

    devices = devices_of(device)
    if len(devices) > 1:
        raise RecycleError(f"a loaded model runs on one device, not on {device}", "load one for each")
    members = run_by_engine(run, weights, pipeline, engine, precision)
    machine = InferenceConfig(devices[0], precision, 8 if batch_size is None else batch_size, batch_size)
    return LoadedModel(registry(), members, machine, vote)
