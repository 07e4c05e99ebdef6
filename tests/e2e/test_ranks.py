"""Several processes (gloo, on the processor) train as one does, and only the first leaves files."""

import json
import shutil
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from support import BARE, coco, run_recycle, start_recycle, write_coco

from recyclecli.locks import held

COMMON = [
    *("train", "--optimizer", "sgd", "--lr", "1e-3", "--train-json", "t.json", "--val-json", "v.json"),
    *("--loss", "ce", "-o", "aug=[]", "-o", "data.scale=null", "-o", "data.size=32"),
    *("-o", "train.ema=0", "-o", "train.schedule.warmup=0", "-o", "train.freeze_norm=true"),
    *BARE,
    *("--precision", "32", "--plugin", "unet"),  # which has no dropout: that is drawn on each rank
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """17 training photos with very different numbers of labelled pixels, and one validation photo."""
    root = tmp_path_factory.mktemp("data")
    content = coco(18)
    content["categories"].append({"id": 3, "name": "ignore"})
    for number, image in enumerate(content["images"][::2]):
        width = 2 + 3 * number
        region = {**content["annotations"][0], "id": 100 + number, "image_id": image["id"], "category_id": 3}
        size = [image["height"], image["width"]]
        counts = [0, 32 * width, 32 * (32 - width)]  # of columns from the left
        content["annotations"].append({**region, "iscrowd": 1, "segmentation": {"size": size, "counts": counts}})
    write_coco(root, content)
    for name, images in (("t", content["images"][1:]), ("v", content["images"][:1])):
        kept = {image["id"] for image in images}
        annotations = [one for one in content["annotations"] if one["image_id"] in kept]
        (root / f"{name}.json").write_text(json.dumps({**content, "images": images, "annotations": annotations}))
    return root


@pytest.mark.slow("starts a second process that imports everything")
def test_two_processes_give_the_weights_of_one(data, tmp_path):
    """Also where one of them has no validation photo."""
    one = run_recycle(*COMMON, "--data", data, "--epochs", 2, "--batch-size", 4, "--name", "one", cwd=tmp_path)
    two = run_recycle(
        *COMMON, "--data", data, "--epochs", 2, "--batch-size", 2, "--devices", 2, "--name", "two", cwd=tmp_path
    )
    for done in (one, two):
        assert done.returncode == 0, done.stderr
    assert two.stderr.count("run folder") == 1
    assert two.stdout.count("best val mIoU") == 1
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == ["one", "two"]
    assert_equal_weights(tmp_path / "runs")
    rows = [
        [line.split(",") for line in (tmp_path / f"runs/{name}/metrics.csv").read_text().splitlines()]
        for name in ("two", "one")
    ]
    for column in ("val_miou", "val_loss", "train_loss"):
        place = rows[0][0].index(column)
        for ours, theirs in zip(rows[0][1:], rows[1][1:], strict=True):
            assert float(ours[place]) == pytest.approx(float(theirs[place]), rel=1e-3), column


def test_processes_as_torchrun_starts_them_train_one_run(data, tmp_path):
    """The second one is silent and leaves nothing, and each learns from its half of a step's photos."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    world = {**meeting, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    command = [*COMMON, "--data", data, "--epochs", 1, "--batch-size", 2, "--name", "two"]
    ranks = [{**world, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)]
    start_recycle(*command, cwd=tmp_path, env=ranks[1], out=tmp_path / "second.txt")
    two = run_recycle(*command, cwd=tmp_path, env=ranks[0])
    one = run_recycle(*COMMON, "--data", data, "--epochs", 1, "--batch-size", 4, "--name", "one", cwd=tmp_path)
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    said = (tmp_path / "second.txt").read_text().splitlines()
    assert [line for line in said if not line.startswith("[Gloo]")] == []  # torch 2.10's own
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == ["one", "two"]
    assert_equal_weights(tmp_path / "runs")


@pytest.mark.slow("two processes train by the clock")
def test_processes_that_train_by_the_clock_agree(data, tmp_path):
    """Each has its own clock, and all make as many steps; repeated without it they give the same weights."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    world = {**meeting, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    ranks = [{**world, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)]
    clocked = [*COMMON, "--data", data, "--minutes", 0.5, "--batch-size", 2, "--name", "two"]
    repeated = ["train", "--recipe", "runs/two/recipe.yaml", "--name", "one"]
    for number, command in enumerate((clocked, repeated)):
        start_recycle(*command, cwd=tmp_path, env=ranks[1], out=tmp_path / f"second{number}.txt")
        done = run_recycle(*command, cwd=tmp_path, env=ranks[0])
        assert done.returncode == 0, done.stderr
    assert_equal_weights(tmp_path / "runs")


def assert_equal_weights(runs):
    """But for the order of sums."""
    ours, theirs = (load_file(runs / name / "checkpoints/best.safetensors") for name in ("two", "one"))
    for key in theirs:
        assert torch.allclose(ours[key].double(), theirs[key].double(), rtol=1e-4, atol=1e-7), key


@pytest.mark.slow("torchrun starts processes that import everything")
def test_torchrun_and_a_process_that_fails(data, tmp_path):
    broken = tmp_path / "data"
    shutil.copytree(data, broken)
    (broken / "images/5.jpg").write_text("hello")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "recyclecli"]
    command = [*launch, *map(str, COMMON), "--epochs", "1", "--name", "r", "--batch-size", "2"]
    done = subprocess.run([*command, "--data", str(data)], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("best val mIoU") == 1
    assert [folder.name for folder in (tmp_path / "runs").iterdir()] == ["r"]
    command[-3] = "failing"
    done = subprocess.run([*command, "--data", str(broken)], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode != 0
    assert "5.jpg cannot be read" in done.stderr
    assert "a bug of recyclecli" not in done.stderr


@pytest.mark.slow("torchrun starts processes that import everything")
def test_ranks_that_torchrun_starts_are_one_holder_of_a_run(data, tmp_path):
    """Refused together where another process has the run, without a file; then they share it, and leave no lock."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "recyclecli"]
    line = [*launch, *map(str, COMMON), "--epochs", "1", "--name", "r", "--batch-size", "2", "--data", str(data)]
    with held(tmp_path / "runs/r"):
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert done.returncode != 0
        assert done.stderr.count("is in use by process") == 1
        assert not any((tmp_path / "runs/r").iterdir())
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("best val mIoU") == 1
    assert [file.name for file in (tmp_path / "runs").iterdir()] == ["r"]


@pytest.mark.gpu
def test_two_gpus_synchronise_their_batch_normalisation(data, tmp_path):
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")
    common = [str(value).replace("freeze_norm=true", "freeze_norm=false") for value in COMMON]
    common += ["--data", data, "--epochs", 2]
    for name, more in (("one", ["--batch-size", 4]), ("two", ["--batch-size", 2, "--devices", 2])):
        done = run_recycle(*common, *more, "--name", name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    ours, theirs = (load_file(tmp_path / f"runs/{name}/checkpoints/best.safetensors") for name in ("two", "one"))
    for key in theirs:
        if "running_mean" in key:
            assert torch.allclose(ours[key], theirs[key], rtol=1e-3, atol=1e-4), key
