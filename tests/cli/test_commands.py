"""The command line: what it prints where, exit codes, bad input."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
from PIL import Image
from support import BARE, DISTS, coco, recycle_here, run_recycle, write_coco

LIGHT = ["--help", "data --help", "plugins list", "plugins show focal", "data kfold --n 2 --data DATA --out OUT"]
HEAVY = ("torch", "lightning", "kornia", "segmentation_models_pytorch", "timm", "torchvision")


def test_light_commands_import_nothing_heavy(small, tmp_path):
    lines = [line.replace("DATA", str(small)).replace("OUT", str(tmp_path / "folds")) for line in LIGHT]
    code = (
        "import sys\nfrom recyclecli.cli.app import main\n"
        f"for line in {lines!r}:\n"
        "    sys.argv = ['recycle', *line.split()]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert end.code in (0, None), end.code\n"
        f"    print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.stdout.count("HEAVY []") == len(LIGHT), done.stdout + done.stderr


@pytest.mark.slow("waits for a plugin that hangs, as a quick test of completion does, too")
def test_root_help_and_version_load_no_plugin(tmp_path):
    """One that hangs would hold them up."""
    code = (
        "import sys\nfrom recyclecli.cli.app import main\n"
        "for arguments in (['--help'], ['--version'], ['data', '--help'], []):\n"
        "    sys.argv = ['recycle', *arguments]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert end.code in (0, None, 2), end.code\n"
        "    print('NEXT')"
    )
    env = os.environ | {"PYTHONPATH": str(DISTS / "hangs")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    *answers, last = done.stdout.split("NEXT\n")
    assert (len(answers), last) == (4, "")
    assert all(answers)


def test_every_command_has_an_example():
    from reference.commands import tree

    found = []
    for path, command in tree():
        found.append(" ".join(path))
        assert "Example: `recycle " in (command.epilog or ""), path
        assert command.help, path
    assert {"train", "eval", "predict", "demo", "data kfold", "data sample", "plugins list"} <= set(found)


def test_plugins_list_shows_states_and_causes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DISTS / "unknown-hook"))
    rows = json.loads(recycle_here("plugins", "list", "--json", cwd=tmp_path, sites=[DISTS / "raises"]).stdout)
    states = {row["distribution"]: row for row in rows}
    assert states["recycle-losses"]["state"] == "ok"
    assert states["recycle-engine"]["checks"] == ["torch"]
    assert {"kind": "loss", "name": "focal"} in states["recycle-losses"]["components"]
    assert states["acme-raises"]["cause"] == "RuntimeError: out of cheese"
    shown = recycle_here("plugins", "list", cwd=tmp_path, env={"COLUMNS": "160"}, sites=[DISTS / "raises"])
    assert "; check: torch\n" in shown.stdout
    assert "out of cheese" in shown.stdout
    assert "upgrade recyclecli" in shown.stdout
    assert shown.returncode == 0


def test_plugins_check_is_for_ci(tmp_path):
    assert recycle_here("plugins", "check", cwd=tmp_path).returncode == 0
    done = recycle_here("plugins", "check", cwd=tmp_path, sites=[DISTS / "raises"])
    assert done.returncode == 1
    assert "acme-raises: RuntimeError: out of cheese" in done.stderr


def test_plugins_show_has_types_defaults_and_help(tmp_path):
    shown = json.loads(recycle_here("plugins", "show", "focal", "--json", cwd=tmp_path).stdout)
    (gamma,) = [option for option in shown[0]["options"] if option["name"] == "gamma"]
    assert (gamma["name"], gamma["type"], gamma["default"]) == ("gamma", "float", 2.0)
    assert gamma["help"]
    text = recycle_here("plugins", "show", "focal@recycle-losses", cwd=tmp_path).stdout
    assert "gamma" in text
    for name, kind, remedy in (
        ("contest", "recipe", "recycle recipes show contest"),
        ("data kfold", "command", "recycle data kfold --help"),
        ("torch", "check", "recycle doctor"),
    ):
        said = recycle_here("plugins", "show", name, cwd=tmp_path).stderr
        assert f"error: {name} is a {kind}, not a component\n  remedy: {remedy}\n" in said
    done = recycle_here("plugins", "show", "focl", cwd=tmp_path)
    assert done.returncode == 2
    assert "nearest: focal" in done.stderr


def test_kfold_writes_into_the_data_or_out_and_never_over(small, tmp_path):
    done = recycle_here("data", "kfold", "--n", 3, "--data", small, "--json", cwd=tmp_path)
    assert [row["photos"] for row in json.loads(done.stdout)] == [4, 4, 4]
    assert {path.name for path in small.glob("*fold*")} == {
        "folds.json",
        "folds-photos.npz",
        *(f"kfold_{k}_{part}.json" for k in range(3) for part in ("train", "val")),
    }
    again = recycle_here("data", "kfold", "--n", 3, "--data", small, cwd=tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert recycle_here("data", "kfold", "--n", 3, "--data", small, "--force", cwd=tmp_path).returncode == 0
    assert recycle_here("data", "kfold", "--data", small, "--out", tmp_path / "o", cwd=tmp_path).returncode == 0


def test_data_is_found_by_environment_and_by_default(small, tmp_path):
    assert recycle_here("data", "kfold", cwd=small.parent).returncode == 0
    (tmp_path / "elsewhere").mkdir()
    done = recycle_here("data", "kfold", "--out", "o", cwd=tmp_path / "elsewhere", env={"RECYCLE_DATA": str(small)})
    assert done.returncode == 0
    assert (tmp_path / "elsewhere/o/folds.json").is_file()
    assert f"{small / 'annotations.json'}: 12 photos" in done.stderr


def test_sample_is_byte_identical(tmp_path):
    for name in ("a", "b"):
        assert run_recycle("data", "sample", "--num", 2, "--data", name, cwd=tmp_path).returncode == 0
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def train(data, cwd, *more, env=None):
    small_run = ["--plugin", "fcn32s", "-o", "data.size=32", *BARE, "--batch-size", 2]
    length = [] if "--epochs" in more else ["--epochs", 1]
    return recycle_here("train", "--data", data, *small_run, *length, *more, cwd=cwd, env=env)


def corrupt(small, how):
    content = json.loads((small / "annotations.json").read_text())
    if how == "no folder":
        (small).rename(small.parent / "elsewhere")
    elif how == "no file":
        (small / "annotations.json").unlink()
    elif how == "truncated":
        text = (small / "annotations.json").read_text()
        (small / "annotations.json").write_text(text[: len(text) // 2])
    elif how == "no coco":
        (small / "annotations.json").write_text('{"hello": 1}')
    elif how == "missing photo":
        (small / "images/3.jpg").unlink()
    elif how == "truncated photo":
        file = small / "images/3.jpg"
        file.write_bytes(file.read_bytes()[:300])
    elif how == "not a photo":
        (small / "images/3.jpg").write_text("hello")
    elif how == "another size":
        Image.new("RGB", (9, 7)).save(small / "images/3.jpg")
    else:
        entry = {
            "unknown image": ("annotations", {"image_id": 99}),
            "unknown category": ("annotations", {"category_id": 99}),
            "climbing": ("images", {"file_name": "../../etc/passwd"}),
        }[how]
        content[entry[0]][2] |= entry[1]
        (small / "annotations.json").write_text(json.dumps(content))


BAD = {
    "no folder": "does not exist",
    "no file": "photos or masks (12), and no file of annotations",
    "truncated": "not valid JSON",
    "no coco": "not a COCO file",
    "missing photo": "missing: 1 of 12 photos",
    "truncated photo": "3.jpg cannot be read",
    "not a photo": "3.jpg cannot be read",
    "another size": "3.jpg is 9x7 pixels",
    "unknown image": "no image has id 99",
    "unknown category": "no category has id 99",
    "climbing": "leaves the data folder",
}


def test_a_wrong_root_is_found_before_training(small, tmp_path):
    (tmp_path / "other").mkdir()
    done = recycle_here("train", "--data", "other", "--json-path", small / "annotations.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "is missing" in done.stderr
    assert "file names are relative to --data" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("how", BAD)
def test_bad_data_ends_with_one_message(small, tmp_path, how):
    corrupt(small, how)
    done = train(small, tmp_path)
    assert done.returncode == 2, done.stderr
    assert re.search(f"error: (.|\n)*{re.escape(BAD[how])}", done.stderr)
    assert "Traceback" not in done.stderr
    assert "remedy" in done.stderr or how == "no coco"
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.parametrize(
    ("categories", "names"),
    [((("Paper", 900), ("Metal", 7)), ["Metal", "Paper"]), ((("Paper", 0), ("Metal", 1)), ["Paper", "Metal"])],
)
def test_sparse_and_zero_based_ids_train(tmp_path, categories, names):
    write_coco(tmp_path / "data", coco(6, categories=categories))
    done = train(tmp_path / "data", tmp_path)
    assert done.returncode == 0, done.stderr
    header = next((tmp_path / "runs").glob("*/metrics.csv")).read_text().splitlines()[0]
    assert header.split(",")[-3:] == ["iou/Background", *(f"iou/{name}" for name in names)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plugin", "unett"], "nearest: unet"),
        (["--devices", "-1"], "this machine cannot train so"),
        (["--loss", "focall"], "nearest: focal"),
        (["-o", "model.encodr=x"], "nearest: encoder"),
        (["-o", "train.epoch=3"], "nearest: epochs"),
        (["--epochs", "0"], "train.epochs"),
        (["-o", "model.encoder=resnet43"], "no encoder is called"),
        (["--fold", "1"], "folds.json does not exist"),
        (["--devices", "many"], "no number of devices"),
        (["--strategy", "dpp"], "train.strategy"),
        (["-o", "train.monitor=mio"], "nearest: miou"),
        (["-o", "train.swa=0.5"], "ema and swa"),
        (["-o", "data.scale=[2,1]"], "larger than the largest"),
        (["--init-from", "none"], "no run 'none'"),
        (["--folds", "all"], "folds.json does not exist"),
        (["--name", "a/b"], "cannot be a run's name"),
        (["--resume", "last", "--lr", "1"], "leave out everything but --resume, --epochs and --data"),
    ],
)
def test_wrong_use_is_explained(small, tmp_path, arguments, message):
    done = recycle_here("train", "--data", small, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "runs").glob("*/*"))


def test_resuming_nothing(tmp_path):
    done = recycle_here("train", "--resume", "last", cwd=tmp_path)
    assert done.returncode == 2
    assert "no run 'last'" in done.stderr


def test_a_run_name_that_exists(small, tmp_path):
    (tmp_path / "runs/mine").mkdir(parents=True)
    (tmp_path / "runs/mine/recipe.yaml").touch()
    done = train(small, tmp_path, "--name", "mine")
    assert done.returncode == 2
    assert "choose another --name" in done.stderr


def test_a_folder_that_cannot_be_written(small, tmp_path):
    done = recycle_here("data", "kfold", "--data", small, "--out", "/proc/self/folds", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot write /proc/self/folds" in done.stderr
    (tmp_path / "runs").write_text("a file where the folder should be")
    done = train(small, tmp_path)
    assert done.returncode == 2
    assert "cannot write" in done.stderr


def test_a_loss_that_explodes_is_a_failed_run(small, tmp_path):
    done = train(
        small,
        tmp_path,
        "--lr",
        "1e30",
        "-o",
        "train.grad_clip=null",
        "-o",
        "train.schedule.warmup=0",
        "-o",
        "train.ema=0",
    )
    assert done.returncode == 3, done.stderr
    assert "training loss is" in done.stderr
    named = json.loads((tmp_path / "runs/fcn32s-001/nan.json").read_text())["photos"]
    assert set(named) <= {f"images/{number}.jpg" for number in range(1, 13)}
    assert named[0] in done.stderr
    assert not (tmp_path / "runs/fcn32s-001/checkpoints").exists()


def test_a_corrupt_photo_read_by_another_process(small, tmp_path):
    (small / "images/3.jpg").write_text("hello")
    done = train(small, tmp_path, "-o", "data.workers=1")
    assert done.returncode == 2, done.stderr
    assert "3.jpg cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_overwrites_nobodys_data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/annotations.json").write_text("mine")
    done = recycle_here("demo", "--out", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "data/annotations.json").read_text() == "mine"
    (tmp_path / "data/annotations.json").unlink()
    (tmp_path / "runs/demo").mkdir(parents=True)
    (tmp_path / "runs/demo/recipe.yaml").write_text("data: {root: elsewhere}\n")
    for force, said in (([], "runs/demo exists"), (["--force"], "runs/demo is a run on other photos")):
        done = recycle_here("demo", "--out", ".", *force, cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
    assert (tmp_path / "runs/demo/recipe.yaml").is_file()


def test_debug_shows_the_traceback(tmp_path):
    done = run_recycle("data", "kfold", "--data", "none", "--debug", cwd=tmp_path)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (KeyError("oops"), 70, "please report"),
        (OSError(28, "No space left on device", "x.ckpt"), 3, "the disk is full"),
        (MemoryError(), 3, "out of memory"),
        (PermissionError(13, "Permission denied", "x"), 2, "Permission denied: x\n  remedy: check its permissions"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_each_failure_has_its_code(tmp_path, monkeypatch, raised, code, message):
    monkeypatch.setattr("recyclecli.discovery.discover", mock.Mock(side_effect=raised))
    done = recycle_here("plugins", "list", cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow("starts a new interpreter")
@pytest.mark.parametrize(("raised", "code"), [("KeyError('oops')", 70), ("KeyboardInterrupt()", 130)])
def test_a_process_ends_with_the_code_of_its_failure(tmp_path, raised, code):
    program = (
        "import sys\nimport recyclecli.plugins as p\n"
        f"def broken(*a, **k): raise {raised}\np.discover = broken\n"
        "from recyclecli.cli.app import main\nsys.argv = ['recycle', 'plugins', 'list']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def whole_after_ctrl_c(folder, done):
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(folder.rglob("*.part"))
    rows = (folder / "runs/r/metrics.csv").read_text()
    assert rows.endswith("\n")


@contextlib.contextmanager
def signalled_when_saved(number, handler, run):
    """Send this process a signal once a run has saved an epoch; what else would handle it is `handler`."""
    before = signal.signal(number, handler)
    last, over = run / "checkpoints/last.ckpt", threading.Event()

    def send():
        while not (last.exists() or over.wait(0.01)):
            pass
        if not over.is_set():
            signal.pthread_kill(threading.main_thread().ident, number)

    watching = threading.Thread(target=send)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
        signal.signal(number, before)


def test_ctrl_c_while_training_leaves_whole_files(small, tmp_path):
    """Python's own handler of the signal, which raises KeyboardInterrupt in whatever is going on."""
    with signalled_when_saved(signal.SIGINT, signal.default_int_handler, tmp_path / "runs/r"):
        done = train(small, tmp_path, "--epochs", 300, "--name", "r")
    whole_after_ctrl_c(tmp_path, done)


def test_a_training_that_sigterm_ends_has_not_succeeded(small, tmp_path):
    """A scheduler or a container that stops sends it; Lightning ends with 0 then."""
    with signalled_when_saved(signal.SIGTERM, lambda *_: None, tmp_path / "runs/r"):
        done = train(small, tmp_path, "--epochs", 300, "--name", "r", env={"PL_TRAINER_FAST_DEV_RUN": "1"})
    assert done.returncode == 3
    assert "note: PL_TRAINER_FAST_DEV_RUN in the environment changes nothing" in done.stderr  # else nothing is saved
    assert "error: SIGTERM ended the training\n  remedy: go on with it: recycle train --resume runs/r\n" in done.stderr


@pytest.mark.slow("starts an interpreter that imports all, and trains")
def test_ctrl_c_ends_the_process_of_a_training_with_130(small, tmp_path):
    options = "--epochs 9999 --batch-size 2 -o data.size=32 --name r"
    process = subprocess.Popen(
        [sys.executable, "-m", "recyclecli", "train", "--data", str(small), *options.split(), *BARE],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell ignores it
    )
    last = tmp_path / "runs/r/checkpoints/last.ckpt"
    deadline = time.monotonic() + 120
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    whole_after_ctrl_c(tmp_path, subprocess.CompletedProcess(process.args, process.returncode, out, err))


def test_the_help_ends_with_a_command_that_is_installed(monkeypatch, tmp_path):
    assert "Start with `recycle demo`" in recycle_here("--help", cwd=tmp_path).stdout
    monkeypatch.setattr("recyclecli.cli.app.installed", lambda ctx: mock.Mock(commands=[]))
    assert "Start with `recycle doctor`" in recycle_here("--help", cwd=tmp_path).stdout
