"""A run as ONNX: what the folder holds, that it works alone, and what is refused."""

import json
import os
import re
import subprocess
import sys
from itertools import product

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from recycle_data.boundary import PluginPart
from recycle_data.owned import Owned
from recycle_engine import api
from recycle_engine.checkpoint import TrainedModel
from recycle_engine.input_shape import InputShape
from recycle_engine.runs import Run
from recycle_export import api as exports
from recycle_export import export as engine
from recycle_export import onnx as onnx_exporter
from recycle_export import onnx_run
from support import coco, run_recycle, runs_in, write_coco
from torch import nn
from torch.nn import functional as F

from recyclecli.errors import RecycleError, RunFailed
from recyclecli.plugins import RegisteredComponent
from recyclecli.types import ModelContext

SETTINGS = {
    "model": "unet",
    "model.encoder": "tu-test_efficientnet",
    "model.weights": "none",
    "data.size": 64,
    "train.epochs": 1,
    "train.batch_size": 4,
    "train.ema": 0,
    "train.loggers": [],
    "train.callbacks": [],
}
ALONE = (
    "import runpy, sys; sys.modules |= dict.fromkeys(['recyclecli', 'recycle_coco', 'recycle_engine', 'torch']); "
    "runpy.run_path('run.py', run_name='__main__')"
)


def noise(*sizes):
    chance = np.random.default_rng(0)
    return [chance.integers(0, 256, (height, width, 3), np.uint8) for height, width in sizes]


def make(root):
    """12 photos in data/, a trained run in runs/r with its export, and photos of other sizes in photos/."""
    write_coco(root / "data", coco(12, 48))
    api.train({**SETTINGS, "data.root": str(root / "data")}, name="r", runs=root / "runs")
    (root / "photos").mkdir()
    for name, pixels in zip("abc", noise((90, 50), (20, 33), (64, 64)), strict=True):
        Image.fromarray(pixels).resize(pixels.shape[1::-1]).save(root / f"photos/{name}.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(noise((70, 40))[0]).save(root / "photos/d.jpg", exif=turned)
    Image.fromarray(noise((30, 40))[0][..., 0].astype(np.uint16) * 257).save(root / "photos/e.png")
    done = run_recycle("export", "r", "--format", "onnx", "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    (root / "exported.json").write_text(done.stdout)


@pytest.fixture(scope="module")
def place(together, tmp_path_factory):
    """A copy of what `make` made."""
    return runs_in(tmp_path_factory.mktemp("export"), together("export", make))


@pytest.fixture(scope="module")
def exported(place):
    """What `recycle export --json` printed."""
    return json.loads((place / "exported.json").read_text())


def test_the_folder_says_what_it_holds(place, exported):
    folder = place / "runs/r/export"
    assert {file.name for file in folder.iterdir()} == {".recycle.jsonl", "model.onnx", "card.json", "run.py"}
    assert exported["agreement"] >= 0.999
    assert exported["largest_difference"] < 1e-2
    assert exported["photos"] == 2  # the validation photos
    card = json.loads((folder / "card.json").read_text())
    assert card["class_names"] == ["Background", "Paper", "Metal"]
    assert len(card["palette"]) == 3
    assert (card["size"], card["opset"], card["model"]["name"]) == (64, 18, "unet@recycle-smp")
    assert (card["format"], card["multiple"]) == (2, 32)
    assert card["dynamic_axes"] == ["batch", "height", "width"]
    assert card["output"]["shape"] == ["batch", 3, "height", "width"]
    assert len(card["normalisation"]["mean"]) == len(card["normalisation"]["std"]) == 3
    assert card["checked"]["agreement"] == exported["agreement"]
    model = onnx.load(folder / "model.onnx")
    assert [opset.version for opset in model.opset_import if not opset.domain] == [18]
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(said["class_names"]) == card["class_names"]
    assert json.loads(said["palette"]) == card["palette"]
    assert json.loads(said["size"]) == 64
    assert json.loads(said["normalisation"]) == card["normalisation"]
    assert "RGB in 0..1" in said["input"]


def test_the_script_gives_the_masks_of_predict_without_recyclecli(place, exported):
    masks = api.predict(place / "runs/r", place / "photos", place / "masks", pipeline=api.pipeline()).masks
    assert len(masks) == 5
    home = place / "home"
    home.mkdir()
    alone = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | {"HOME": str(home)}
    for photo, mask in zip(sorted((place / "photos").iterdir()), masks, strict=True):
        line = [sys.executable, "-I", "-W", "error", "-c", ALONE, str(photo), str(place / "alone.png")]
        done = subprocess.run(line, cwd=place / "runs/r/export", env=alone, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert list(home.rglob("*")) == []  # no device id for the maker of onnxruntime
        with Image.open(place / "alone.png") as ours, Image.open(mask) as theirs:
            assert (ours.mode, ours.size) == ("P", theirs.size)
            assert (place / "alone.png").read_bytes()[24] == mask.read_bytes()[24] == 8  # bits of each pixel
            assert ours.getpalette() == theirs.getpalette()
            assert (np.asarray(ours) == np.asarray(theirs)).mean() >= 0.999


def test_predict_runs_the_export_where_it_is_asked_to(place, exported, tmp_path, logged):
    """With the labels of torch; `auto` takes an export of these very weights, and torch where there is none."""
    photos, run = place / "photos", place / "runs/r"
    masks = api.predict(run, photos, tmp_path / "torch", outputs=["masks"], pipeline=api.pipeline()).masks
    for engine_, used in (("onnx", "onnx@recycle-export"), ("auto", "onnx@recycle-export")):
        out = tmp_path / engine_
        ours = api.predict(run, photos, out, outputs=["masks"], pipeline=api.pipeline(), engine=engine_).masks
        for one, other in zip(ours, masks, strict=True):
            assert (np.asarray(Image.open(one)) == np.asarray(Image.open(other))).mean() >= 0.999
        assert f'"engine": "{used}"' in (out / "predicted.json").read_text()
    assert logged().count(f"note: {run} is run by its export, onnx@recycle-export") == 1
    card = json.loads((run / "export/card.json").read_text())
    assert card["engine"] == "onnx@recycle-export"
    with pytest.raises(RecycleError, match="in the precision that it was written in"):
        api.predict(run, photos, tmp_path / "half", engine="onnx", precision="bf16")
    with pytest.raises(RecycleError, match="no exporter is called 'onyx'"):
        api.predict(run, photos, tmp_path / "typo", engine="onyx")
    other = runs_in(tmp_path / "other", place) / "runs/r"
    Owned(other / "export").write_json(other / "export/card.json", card | {"weights": "0" * 64})
    with pytest.raises(RecycleError, match="its export is of other weights") as caught:
        api.predict(other, photos, tmp_path / "stale", engine="onnx")
    assert caught.value.remedy == f"recycle export {other} --format onnx --force"
    api.predict(other, photos, tmp_path / "fresh", engine="auto")
    assert f"note: {other} is run by torch: its export is of other weights" in logged()
    assert '"engine": "torch"' in (tmp_path / "fresh/predicted.json").read_text()


def test_without_what_its_exporter_needs_auto_takes_torch(place, exported, tmp_path, monkeypatch, logged):
    run = place / "runs/r"
    monkeypatch.setattr(
        RegisteredComponent, "missing", lambda self: ["onnxruntime>=1.20"] * (self.component.name == "onnx")
    )
    with pytest.raises(RecycleError, match="the exporter onnx@recycle-export needs onnxruntime") as caught:
        api.predict(run, place / "photos", tmp_path / "onnx", engine="onnx")
    assert caught.value.remedy == "pip install 'onnxruntime>=1.20'"
    api.predict(run, place / "photos", tmp_path / "auto", outputs=["masks"], engine="auto")
    assert '"engine": "torch"' in (tmp_path / "auto/predicted.json").read_text()
    assert "is run by torch: the exporter onnx@recycle-export needs onnxruntime>=1.20" in logged()


@pytest.mark.parametrize("name", ["model.onnx", "card.json", "model.onnx.data", "a link"])
def test_what_a_stranger_put_into_an_export_is_not_loaded(place, exported, tmp_path, monkeypatch, name):
    monkeypatch.setattr(onnx_exporter, "_session", lambda file: pytest.fail("loaded"))
    run = runs_in(tmp_path, place) / "runs/r"
    file = run / "export" / (name if "." in name else "model.onnx")
    if name == "a link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    else:
        file.write_bytes(file.read_bytes() + b" " if file.exists() else b" ")
    with pytest.raises(RecycleError, match=f"not as recycle wrote it: {file.name}") as caught:
        api.predict(run, place / "photos", tmp_path / "out", engine="onnx")
    assert caught.value.remedy == f"mv {run}/export {run}/export-aside && recycle export {run} --format onnx"
    api.predict(run, place / "photos", tmp_path / "out", outputs=["masks"], engine="auto")
    assert '"engine": "torch"' in (tmp_path / "out/predicted.json").read_text()


def test_nothing_is_overwritten_without_force(place, exported, tmp_path):
    with pytest.raises(RecycleError, match=r"export/card\.json exists(.|\n)*--force"):
        exports.export(place / "runs/r")
    done = exports.export(place / "runs/r", photos=place / "photos", force=True)
    assert done.photos == 5
    (tmp_path / "mine.txt").touch()
    with pytest.raises(RecycleError, match=r"holds mine\.txt, which is no export"):
        exports.export(place / "runs/r", tmp_path, place / "photos", force=True)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(RecycleError, match=r"mine\.txt is a link or a file, no folder"):
        exports.export(place / "runs/r", tmp_path / "mine.txt", place / "photos", force=True)


def test_a_folder_that_is_called_as_a_file_is_refused(place, exported, tmp_path):
    """`--out model.onnx` made a folder of that name."""
    run, photos, named = place / "runs/r", place / "photos", tmp_path / "my models/r.onnx"
    for write in (lambda: exports.export(run, named, photos), lambda: api.predict(run, photos, named)):
        with pytest.raises(RecycleError, match=r"r\.onnx is called as a file, and a folder of") as caught:
            write()
        assert caught.value.remedy == f"name the folder: '{tmp_path}/my models/r'"
    assert [*tmp_path.iterdir()] == []


def test_too_little_agreement_leaves_nothing(place, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "AGREEMENT", 1.1)
    with pytest.raises(
        RunFailed, match=r"the unet that onnx@recycle-export exported gives \d+\.\d+% of the pixels of 5 photos"
    ):
        exports.export(place / "runs/r", tmp_path / "out", place / "photos")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_says_what_to_install(place, tmp_path, monkeypatch):
    monkeypatch.setattr("recyclecli.plugins.find_spec", lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(RecycleError, match=r"exporter onnx@recycle-export needs onnxruntime>=1\.20") as caught:
        exports.export(place / "runs/r", tmp_path / "out")
    assert caught.value.remedy == "pip install 'onnxruntime>=1.20'"


def test_a_run_without_weights(tmp_path, registry):
    with pytest.raises(RecycleError, match="no finished epoch"):
        engine.export(registry, Run(tmp_path), tmp_path / "out", noise((9, 9)))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def export_of(registry, tmp_path, monkeypatch):
    """Exports a model of two classes as if a run had trained it."""

    def run(model, window=(64, 64), multiple=32):
        described = {"model": {"name": "it", "weights": "/mnt/alice/best.pt"}}
        part, colors = PluginPart("model", "tiny@acme", "1"), [(0, 0, 0), (1, 2, 3)]
        trained = TrainedModel(model.eval(), ("a", "b"), colors, InputShape(64, window, multiple), described, part)
        monkeypatch.setattr(engine, "load_trained", lambda *_: trained)
        monkeypatch.setattr(engine, "digest_of", lambda _: "0" * 64)
        return engine.export(registry, Run(tmp_path), tmp_path / "out", noise((50, 80), (40, 40)))

    return run


class Shy(nn.Module):
    """Does not let itself be traced."""

    def forward(self, image):
        if torch.jit.is_tracing() or torch.compiler.is_compiling():
            raise NotImplementedError("I am shy\nand more")
        return image[:, :2]


class Fickle(nn.Module):
    """Gives something else each time."""

    calls = 0

    def forward(self, image):
        self.calls += 1
        return image[:, :2] * self.calls


class Pair(nn.Module):
    """Gives aux logits too, and takes photos of one size only."""

    def forward(self, image):
        logits = image[:, :2] * torch.linspace(0, 1, 64)
        return logits, logits


class Smooth(nn.Module):
    """Resizes in a way that TorchScript's exporter does not know."""

    def forward(self, image):
        return F.interpolate(image[:, :2], (64, 64), mode="bicubic", antialias=True)


@pytest.mark.parametrize(
    ("model", "reason"), [(Shy(), "I am shy$"), (Fickle(), r"its logits of 64x64 pixels differ from torch's by .+$")]
)
def test_a_model_that_cannot_be_exported(export_of, tmp_path, model, reason):
    with pytest.raises(RunFailed) as caught:
        export_of(model)
    assert re.match(f"model tiny cannot be exported: {reason}", caught.value.args[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("model", "exporter"), [(Pair(), "torchscript"), (Smooth(), "dynamo")])
def test_a_model_of_one_size(export_of, model, exporter):
    done = export_of(model)
    assert (done.facts["exporter"], done.facts["shape"]) == (exporter, ("batch", 3, 64, 64))
    card = json.loads(done.card.read_text())
    assert (card["dynamic_axes"], card["window"], card["multiple"]) == (["batch"], [64, 64], 0)
    assert card["model"]["weights"] == ".../best.pt"
    assert b".py" not in done.files["model"].read_bytes()  # no lines of code, with the paths of this machine
    assert card["normalisation"] == {"where": "inside the model"}


class Blocks(nn.Module):
    """Takes sides that are multiples of 16 alone."""

    def forward(self, image):
        return F.pixel_shuffle(F.pixel_unshuffle(image, 16), 16)[:, :2]


def test_a_model_is_tried_at_multiples_of_what_it_states(export_of):
    done = export_of(Blocks(), (48, 64), 16)
    assert done.facts["shape"] == ("batch", 3, "height", "width")
    assert json.loads(done.card.read_text())["multiple"] == 16


FREE = ["unetpp", "manet", "linknet", "fpn", "deeplabv3", "deeplabv3plus", "segformer", "fcn32s", "fcn8s"]
OWN = ("fpn", "fcn32s", "fcn8s")  # go with the default encoder, or one of their own; the rest with timm's for tests
FIXED = ["pspnet", "upernet", "pan", "dpt"]  # they pool to fixed grids, have a least size, or embed positions
QUICK = ("linknet", "pan")  # one of each


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow("exports each architecture"))
        for name in (*FREE, *FIXED)
    ],
)
def test_our_architectures(name, registry, export_of):
    torch.manual_seed(0)
    less = {} if name in OWN else {"encoder": "tu-test_vit" if name == "dpt" else "tu-test_efficientnet"}
    model = registry.build("model", name, {"weights": "none", **less}, ModelContext(2, pretrained=False))
    done = export_of(model, (32, 64))
    assert done.agreement >= 0.999
    assert done.facts["shape"] == ("batch", 3, *((32, 64) if name in FIXED else ("height", "width")))


@pytest.mark.parametrize("multiple", [0, 1, 32, 48])
@pytest.mark.parametrize("window", [(64, 64), (36, 64), (64, 20)])
def test_the_script_frames_photos_as_predict_does(window, multiple):
    shape = InputShape(64, window, multiple)
    card = {"size": 64, "window": list(window), "multiple": multiple}
    for height, width in product((1, 2, 7, 36, 64, 333, 4000), repeat=2):
        inner, frame = shape.whole(height, width)
        assert onnx_run.framing(height, width, card) == (*inner, *frame)
