"""A loss that prefers no labels to others is said to be no loss by itself."""

import pytest
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine import api
from recycle_engine.training.fit import build_module
from recycle_kit.testing import random_source
from recycle_losses.ce import CrossEntropy
from support import fake_dists


@pytest.mark.parametrize(
    ("losses", "regularises", "told"),
    [(["ce"], True, True), (["ce", "dice"], True, False), (["ce"], False, False), (["model"], True, False)],
)
def test_one_that_stands_alone_is_told(monkeypatch, logged, losses, regularises, told):
    fake_dists(monkeypatch, "masks", "tiny")
    monkeypatch.setattr(CrossEntropy, "regulariser", regularises, raising=False)
    recipe = resolve(
        api.registry(), None, {"model": "queries" if "model" in losses else "tiny", "loss": losses, "data.size": 32}
    )
    build_module(api.registry(), recipe, Split(random_source(2, 32), random_source(1, 32), (1.0,) * 2, "", recipe.data))
    assert ("warning: ce prefers no labels to others" in logged()) == told
