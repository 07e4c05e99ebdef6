"""No loss, no augmentation and no step of the default recipe makes Python wait for a GPU; dense CRF once a batch.

It is seen without one: tensors without values stand for those on a GPU.
"""

import warnings

import pytest
import torch
from gpu.audit.__main__ import main
from gpu.audit.case import Case
from gpu.audit.cases import GROUPS, augmentations, densecrf, losses
from gpu.audit.step import steps
from gpu.audit.watch import watched

CASES = [*losses(32), *augmentations(32), *densecrf(32), *steps(32)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES])
def test_it_does_not_wait(case):
    call = case.make()
    with warnings.catch_warnings(), watched() as watch:
        warnings.simplefilter("ignore")
        call(watch)
    assert watch.operations
    assert watch.waits.total() == case.needed[0], watch.waits


@pytest.mark.parametrize(("needed", "code"), [(0, 1), (1, 1), (2, 0)])
def test_the_audit_fails_where_something_waits_more_often_than_it_must(needed, code, tmp_path, monkeypatch, capsys):
    def twice(watch):
        torch.ones(3, device="cuda").sum().item()
        torch.ones(3, device="cuda").cpu()

    monkeypatch.setenv("OUT", str(tmp_path))
    monkeypatch.setitem(GROUPS, "losses", lambda size: [Case("twice", lambda: twice, (needed, "asked for"))])
    assert main(["losses"]) == code
    said = capsys.readouterr().out
    assert ("waits: 2 (2 needed: asked for)" in said) == (code == 0)
    assert f"1 cases, {code} failed or wait without need" in said


MOST_BYTES = [  # a title, the photos, bytes a pixel
    ("augmentation lsj", 16, 450),
    ("augmentation copy-paste", 16, 1100),
    ("augmentation flip", 16, 150),
    ("loss dice", 8, 600),
]


@pytest.mark.parametrize(("title", "photos", "most"), MOST_BYTES)
def test_few_bytes_are_touched(title, photos, most):
    """A mask of each class is bool, a pass with probability 0 is left out, rows and columns come before pixels."""
    (case,) = (case for case in [*augmentations(128), *losses(128)] if case.title.startswith(title))
    call = case.make()
    with warnings.catch_warnings(), watched() as watch:
        warnings.simplefilter("ignore")
        call(watch)
    assert most / 3 < watch.touched / (photos * 128**2) < most


def test_lovasz_adds_up_whole_numbers_alone():
    """float32 counts no further than to 2^24, sixteen million pixels."""
    (case,) = (case for case in losses(32) if case.title.startswith("loss lovasz"))
    call = case.make()
    with watched() as watch, torch.no_grad():
        call(watch)
    assert watch.operations["aten.cumsum.default"]
    assert not any("cumsum" in what for what in watch.unrepeatable)
