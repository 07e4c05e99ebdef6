"""Whether gradients repeat bit by bit in deterministic mode, for each model and each loss, and whether trainings do."""

from __future__ import annotations

import os
import sys
import traceback
import warnings

import torch
from recycle_engine import api
from safetensors.torch import load_file

from gpu.figures import note
from gpu.settings import settings
from gpu.training import data, fitted, train
from recyclecli.types import LossContext, ModelContext

CLASSES = tuple("abcdefghijk")
PHOTOS = 4
Gradients = list[torch.Tensor]


def cases() -> list[tuple[str, str]]:
    """Each installed model with ce, and each other loss with unetpp; two in a rehearsal."""
    registry = api.registry()
    models = [(model, "ce") for model in registry.names("model")]
    losses = [
        ("unetpp", loss) for loss in registry.names("loss") if loss not in ("ce", "model")
    ]  # unetpp has none of its own
    return [("fpn", "ce"), ("unetpp", "dice")] if settings().small else models + losses


def gradients(model_name: str, loss_name: str) -> tuple[Gradients, Gradients]:
    """The gradients of one step, twice from the same weights, photos and chance."""
    registry, device = api.registry(), settings().device
    side, counts = (64 if settings().small else 256), (9,) * len(CLASSES)
    torch.manual_seed(0)
    image = torch.rand(PHOTOS, 3, side, side, device=device)
    mask = torch.randint(0, len(CLASSES), (PHOTOS, side, side), device=device)
    context = ModelContext(len(CLASSES), pretrained=False)
    model = registry.build("model", model_name, {"weights": "none"}, context).to(device).train()
    loss = registry.build("loss", loss_name, {}, LossContext(CLASSES, lambda: counts, lambda: counts)).to(device)
    found = []
    for _ in range(2):
        torch.manual_seed(1)
        model.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            output = model(image)
        loss(output[0] if isinstance(output, tuple) else output, mask).backward()
        found.append([one.grad.clone() for one in model.parameters() if one.grad is not None])
    return found[0], found[1]


def compare(model: str, loss: str) -> None:
    """Note how many gradients repeat, and what torch warns of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        first, second = gradients(model, loss)
    warned = {str(one.message).split()[0] for one in said if "deterministic implementation" in str(one.message)}
    same = sum(map(torch.equal, first, second))
    told = f"; torch promises it not of {', '.join(sorted(warned))}" if warned else ""
    note(f"gradients that repeat: {model} with {loss}", f"{same} of {len(first)}{told}", "all")


def compare_trainings() -> None:
    """Note how many tensors of two trainings of one seed are equal."""
    (values,) = fitted([("", {"train.deterministic": True, "train.epochs": 1})]).values()
    one, other = (load_file(train({**data(), **values}) / "checkpoints/best.safetensors") for _ in range(2))
    same = sum(torch.equal(one[key], other[key]) for key in one)
    note("two trainings with train.deterministic: true, tensors that are equal", f"{same} of {len(one)}", "all")


def main() -> None:
    """Compare all; one that fails ends none of the others."""
    failed = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # as Lightning sets it
    torch.use_deterministic_algorithms(True, warn_only=True)
    for case in cases():
        try:
            compare(*case)
        except Exception:
            failed = True
            print(f"{' with '.join(case)}: failed", flush=True)
            traceback.print_exc()
    torch.use_deterministic_algorithms(False)
    compare_trainings()
    sys.exit(failed)


if __name__ == "__main__":
    main()
