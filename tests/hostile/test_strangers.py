"""What a stranger wrote into a recipe, a data folder or a run: refused with a cause, within 2 GiB and 30 seconds."""

import json
import os
import shutil
import struct
import subprocess
import sys
import zlib

import pytest
import torch
from attacking import GIB, attack, few
from PIL import Image
from safetensors.numpy import save_file
from safetensors.torch import load_file
from support import BARE, TINY, coco, run_recycle, write_coco

SECONDS = 30
DEEP = "[" * 900 + "]" * 900
HUGE = 2**70


def refused(*arguments, cwd, codes=(2,), says=""):
    text = attack(*arguments, cwd=cwd, codes=set(codes), seconds=SECONDS)
    assert says in text, text
    assert len(text) < 10_000, f"{len(text)} characters"
    return text


def laughs(indent="", first="[x,x,x,x,x,x,x,x,x,x]", each="[{}]"):
    """A billion values in 400 bytes: each line names the one above it ten times."""
    lines = [f"{indent}a0: &a0 {first}"]
    lines += [f"{indent}a{n}: &a{n} {each.format(','.join([f'*a{n - 1}'] * 10))}" for n in range(1, 9)]
    return "\n".join(lines) + "\n"


def inline_laughs():
    return "{" + ", ".join(laughs().splitlines()) + "}"


RECIPES = {
    "aliases at the top": (laughs(), "aliases stand for"),
    "aliases in options": (f"model: {{name: fpn, zz: {inline_laughs()}}}\n", "aliases stand for"),
    "aliases in classes": ("data:\n  classes:\n" + laughs("    "), "aliases stand for"),
    "aliases that are merged": (laughs(first="{x: 1}", each="{{<<: [{}]}}"), "aliases stand for"),
    "aliases of long texts": ("a: &a " + "x" * 50_000 + "\nb: [" + "*a," * 1000 + "]\n", "aliases stand for"),
    "an alias in itself": ("x: &x {y: *x}\n", "an alias stands for what it lies in"),
    "a long text": ("seed: 1  # " + "x" * 100_000 + "\n", "characters"),
    "a large file": (" " * 20_000_000, "MiB"),
    "deep lists": (f"zz: {DEEP}\n", "nested"),
    "a key of 50,000 letters": ("? " + "k" * 50_000 + "\n: 1\n", "unknown key"),
    "a number of 5,000 digits": ("seed: " + "9" * 5000 + "\n", "digits"),
    "a hexadecimal number of 5,000 digits": ("seed: 0x" + "f" * 5000 + "\n", "digits"),
    "a day that is none": ("seed: 2001-99-99\n", "month must be in 1..12"),
    "a number by its tag": ("seed: !!int abc\n", "invalid literal"),
    "a fraction by its tag": ("train: {lr: !!float abc}\n", "could not convert"),
    "bytes by their tag": ("seed: !!binary 'a'\n", "base64"),
    "a class by its tag": ("seed: !!python/object/apply:os.system ['false']\n", "could not determine a constructor"),
    "NUL": ('data: {root: "a\\0b"}\n', "NUL"),
    "half a character": ('data: {root: "\\ud800"}\n', "half a character"),
    "a batch of 10^20": (f"train: {{batch_size: {10**20}}}\n", "a number of 21 digits"),
    "10^19 epochs": (f"train: {{epochs: {10**19}}}\n", "train.epochs"),
    "10^19 batches in a step": (f"train: {{accumulate: {10**19}}}\n", "train.accumulate_grad_batches"),
    "10^19 batches alone": (f"train: {{overfit_batches: {10**19}}}\n", "train.overfit_batches"),
    "10^19 machines": (f"train: {{num_nodes: {10**19}}}\n", "train.num_nodes"),
    "fold 10^19": (f"data: {{fold: {10**19}}}\n", "data.fold"),
    "120 loading processes": ("data: {root: data, size: 32, workers: 120}\n", "data.workers = 120"),
    "10^10 devices": ("data: {root: data, size: 32}\ntrain: {devices: 9999999999}\n", "one machine has at most"),
    "a thousand losses": ("loss: [" + "{name: ce}, " * 1000 + "{name: ce}]\n", "at most 32"),
    "10^9 drawn photos": ("data: {dataset: {name: sample, images: 1000000000}}\n", "less than or equal to 100000"),
    "an area of 10^19 pixels": (f"aug: [{{name: copy-paste, min_area: {10**19}}}]\n", "min_area"),
}


@pytest.mark.parametrize("name", few(RECIPES, 5))
def test_recipes(tmp_path, name):
    text, says = RECIPES[name]
    write_coco(tmp_path / "data", coco(6))
    (tmp_path / "r.yaml").write_text(text)
    refused("train", "--recipe", "r.yaml", *TINY, "-o", "train.loggers=[]", cwd=tmp_path, says=says)


def test_an_override_of_many_aliases(tmp_path):
    refused("train", "-o", f"model={inline_laughs()}", cwd=tmp_path, says="aliases stand for")


@pytest.mark.parametrize("names", [laughs("  "), f"  0: {DEEP}", "  - !!int abc", "\n".join(["  - a"] * 20_000)])
def test_data_yaml(tmp_path, names):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "images/a.png")
    (tmp_path / "data.yaml").write_text(f"names:\n{names}\n")
    refused("data", "stats", "--data", tmp_path, "--dataset", "yolo", cwd=tmp_path)


def annotation(**fields):
    content = coco(4)
    content["annotations"][0] |= fields
    return content


def image(**fields):
    content = coco(4)
    content["images"][0] |= fields
    return content


def categories(count):
    return coco(4) | {"categories": [{"id": number, "name": f"c{number}"} for number in range(count)]}


NAN = float("nan")
COCO = {
    "an id that is a list": (annotation(id=[1]), "its id is [1]"),
    "an id that is an object": (annotation(id={"a": 1}), "its id is {'a': 1}"),
    "an id that is NaN": (annotation(id=NAN), "nan, which JSON does not have"),
    "NaN in a field of an annotation": (annotation(score=NAN), "nan, which JSON does not have"),
    "infinity in a list": (annotation(scores=[[float("inf")]]), "inf, which JSON does not have"),
    "NaN in an image": (image(gps=NAN), "nan, which JSON does not have"),
    "NaN in a category": (coco(4) | {"categories": [{"id": 1, "name": "a", "x": NAN}]}, "nan"),
    "NaN in the head": (coco(4) | {"info": {"x": NAN}}, "nan, which JSON does not have"),
    "NaN in a provenance": (annotation(provenance=[{"file_name": "a", "x": NAN}]), "nan"),
    "half a character": (annotation(note="\ud800"), "half a character"),
    "half a character as a key": (annotation(**{"\ud800": 1}), "half a character"),
    "half a character in the head": (coco(4) | {"licenses": ["\udfff"]}, "half a character"),
    "a deep field": (annotation(note=json.loads("[" * 400 + "]" * 400)), "nested more than"),
    "100,000 categories": (categories(100_000), "at most 255"),
    "100,000 names of one kind": (coco(4) | {"categories": [{"id": k, "name": "a"} for k in range(100_000)]}, "twice"),
    "an image of 100,000 x 100,000 pixels": (image(width=100_000, height=100_000), "at most"),
    "an image of 2^31 x 1 pixels": (image(width=2**31, height=1), "at most"),
    "an image of 2^70 x 1 pixels": (image(width=HUGE, height=1), "at most"),
}  # fmt: skip


@pytest.mark.parametrize("name", COCO)
def test_coco_files(tmp_path, name):
    content, says = COCO[name]
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    refused("data", "kfold", "--n", 2, "--data", tmp_path, cwd=tmp_path, says=says)


@pytest.mark.parametrize("name", few(COCO, 3))
def test_coco_files_checked_and_mended(tmp_path, name):
    (tmp_path / "annotations.json").write_text(json.dumps(COCO[name][0]))
    attack(
        "data", "check", "--labels-only", "--data", tmp_path, "--fix", "o.json", cwd=tmp_path, codes={0, 1, 2},
        seconds=SECONDS,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["stats", "kfold"])
def test_an_annotated_size_is_compared_before_it_is_painted(tmp_path, command):
    content = coco(4)
    content["images"][0] |= {"width": 13_000, "height": 13_000}
    write_coco(tmp_path, coco(4))
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    extra = ["--n", 2] if command == "kfold" else []
    codes = {2} if command == "stats" else {0, 2}  # kfold counts objects, not pixels
    text = attack("data", command, *extra, "--data", tmp_path, cwd=tmp_path, codes=codes, memory=2**30, seconds=SECONDS)
    assert command == "kfold" or "its annotation says 13000x13000" in text


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deep_gray(side):
    """A PNG of side x side pixels of 16 bits, all black: some 300 kB."""
    rows = zlib.compressobj(9)
    body = b"".join([*(rows.compress(b"\0" * (2 * side + 1)) for _ in range(side)), rows.flush()])
    head = struct.pack(">IIBBBBB", side, side, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.slow("reads 169 million pixels")
@pytest.mark.parametrize("command", ["check", "predict"])
def test_a_gray_photo_of_16_bits(stranger, tmp_path, command):
    side = 13_000
    (tmp_path / "a.png").write_bytes(deep_gray(side))
    (tmp_path / "annotations.json").write_text(json.dumps(
        {"images": [{"id": 1, "file_name": "a.png", "width": side, "height": side}], "annotations": [],
         "categories": [{"id": 1, "name": "a"}]}
    ))  # fmt: skip
    if command == "check":
        attack("data", "check", "--data", tmp_path, cwd=tmp_path, codes={0, 1}, memory=3 * GIB // 2, seconds=SECONDS)
    else:
        attack(
            "predict", stranger, tmp_path / "a.png", "--out", "o", cwd=tmp_path, codes={0, 2},
            seconds=2 * SECONDS,
        )  # fmt: skip


PRINTS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(ran) (w) file closefile\nshowpage\n%%EOF\n"


def test_postscript_is_not_run(tmp_path, monkeypatch):
    """Ghostscript would be found on the path; here it leaves a mark."""
    tool = tmp_path / "bin/gs"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    content = coco(2)
    write_coco(tmp_path / "data", content)
    (tmp_path / "data" / content["images"][0]["file_name"]).write_bytes(PRINTS)
    text = attack("data", "check", "--data", "data", cwd=tmp_path, codes={1}, seconds=SECONDS)
    assert "it is none of JPEG, PNG" in text
    assert not (tmp_path / "ran").exists()


SPECIAL = {"a named pipe": os.mkfifo, "a device": lambda file: file.symlink_to("/dev/zero"), "a folder": os.mkdir}


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """The folder of a small run, with what resuming needs."""
    work = tmp_path_factory.mktemp("stranger")
    write_coco(work / "data", coco(6))
    line = "train --data data --epochs 1 --batch-size 2 -o data.size=32 --name r"
    done = run_recycle(*line.split(), *BARE, cwd=work)
    assert done.returncode == 0, done.stderr
    return work / "runs/r"


@pytest.fixture
def run(stranger, tmp_path):
    """A copy of it."""
    return shutil.copytree(stranger, tmp_path / "runs/r")


PLACES = {  # command: the file that is replaced
    "train --recipe r.yaml": "r.yaml",
    "train --data data": "data/annotations.json",
    "train --data data --train-json data/t.json --val-json data/annotations.json": "data/t.json",
    "data stats --data data": "data/class_dict.csv",
    "data stats --data data --dataset yolo": "data/data.yaml",
    "data stats --data data --dataset masks": "data/classes.txt",
    "data check --data data --labels-only": "data/annotations.json",
    "train --data data --fold 0": "data/folds.json",
    "aug copy-paste --data data --aug-num 2 --min-area 1 --name n": "data/n.unfinished/settings.json",
    "predict r data --out o4": "o4/predicted.json",
    "eval r --submission s.csv": "s.csv",
    "predict r data --out o": "runs/r/recipe.yaml",
    "predict r data --out o2": "runs/r/pipeline.json",
    "predict r data --out o3": "runs/r/checkpoints/best.safetensors",
    "report r": "runs/r/metrics.csv",
    "report r --out x": "runs/r/env.json",
    "train --resume r": "runs/r/checkpoints/last.ckpt",
}


@pytest.mark.parametrize("kind", few(SPECIAL, 1))
@pytest.mark.parametrize("line", PLACES)
def test_special_files(run, tmp_path, line, kind):
    """Nothing waits for a pipe's writer or reads a device to its end."""
    write_coco(tmp_path / "data", coco(6))
    for folder in ("images", "masks", "labels"):
        (tmp_path / "data" / folder).mkdir(exist_ok=True)
    file = tmp_path / PLACES[line]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    SPECIAL[kind](file)
    line = line.replace("--out x", "")
    codes = {0, 2} if "env.json" in str(file) or "class_dict" in str(file) else {2}
    attack(*line.split(), *(TINY if line.startswith("train --") and "resume" not in line else ()), cwd=tmp_path,
           codes=codes, seconds=SECONDS)  # fmt: skip


@pytest.mark.parametrize("kind", few(SPECIAL, 1))
def test_special_photos(run, tmp_path, kind):
    content = coco(6)
    write_coco(tmp_path / "data", content)
    file = tmp_path / "data" / content["images"][0]["file_name"]
    file.unlink()
    SPECIAL[kind](file)
    text = attack("predict", "r", "data/annotations.json", "--out", "o", cwd=tmp_path, codes={1}, seconds=SECONDS)
    assert file.name in text
    attack("data", "check", "--data", "data", cwd=tmp_path, codes={1}, seconds=SECONDS)


def carded(file, **fields):
    """A checkpoint as it was, but for its card."""
    import safetensors

    with safetensors.safe_open(file, "np") as handle:
        card = json.loads(handle.metadata()["recycle"])
    tensors = {key: value.numpy() for key, value in load_file(file).items()}
    text = fields.pop("text", None) or json.dumps(card | fields)
    save_file(tensors, file, metadata={"recycle": text})


CARDS = {
    "size 2^70": {"size": HUGE},
    "size 10^6": {"size": 10**6},
    "size of text": {"size": "512"},
    "deep": {"text": DEEP},
    "deep field": {"extra": json.loads("[" * 400 + "]" * 400)},
    "a number of 5,000 digits": {"text": '{"format": ' + "9" * 5000 + "}"},
    "a format that is a list": {"format": [1]},
    "a version that is a list": {"format": 99, "recyclecli": [["x"] * 10] * 10},
    "a long version": {"format": 99, "recyclecli": "x" * 100_000},
    "an epoch that is text": {"epoch": "x"},
    "an epoch of 2^70": {"epoch": HUGE},
    "a step that is a list": {"step": [1]},
    "a split that is an object": {"split": {"a": 1}},
    "a model that is a list": {"model": [1]},
    "a model that is a number": {"model": {"name": 7}},
    "NaN": {"text": '{"format": 1, "x": NaN}'},
    "half a character": {"class_names": ["Background", "\ud800", "x"]},
    "a huge encoder": {"model": {"name": "fpn", "encoder": "tu-convnext_xxlarge", "weights": "none"}},
    "a huge encoder of smp": {"model": {"name": "unet", "encoder": "timm-efficientnet-l2", "weights": "none"}},
    "a path as encoder": {"model": {"name": "fpn", "encoder": "tu-../../x", "weights": "none"}},
}


@pytest.mark.parametrize("name", few(CARDS, 5))
def test_cards(run, tmp_path, name):
    write_coco(tmp_path / "data", coco(2))
    carded(run / "checkpoints/best.safetensors", **CARDS[name])
    refused("predict", "r", "data", "--out", "o", cwd=tmp_path, says="best.safetensors" if "path" not in name else "")


def pipeline(**fields):
    return json.dumps({"format": 1, "pipeline": {"weights": "best", "window": 0, "views": [], "post": []} | fields})


PIPELINES = {
    "window 60": pipeline(window=60),
    "window 2^70": pipeline(window=HUGE),
    "window 10^400": pipeline().replace('"window": 0', '"window": 1' + "0" * 400),
    "window NaN": pipeline(window=NAN),
    "window of text": pipeline(window="wide"),
    "negative window": pipeline(window=-1),
    "views of numbers": pipeline(views=[1]),
    "views that are none": pipeline(views=["up"]),
    "views that are an object": pipeline(views={"a": 1}),
    "post of numbers": pipeline(post=[1]),
    "post of 10,000": pipeline(post=[{"name": "densecrf"}] * 10_000),
    "weights that are a list": pipeline(weights=["best"]),
    "no pipeline": '{"format": 1}',
    "a pipeline that is a list": '{"format": 1, "pipeline": []}',
    "a list": "[]",
    "deep": DEEP,
    "not UTF-8": "\udcff",
    "a score of text": pipeline()[:-1] + ', "cross_fitted": {"value": "x"}}',
    "tricks of numbers": pipeline()[:-1] + ', "tricks": [1]}',
}


SHOWN = ("deep", "a score of text", "tricks of numbers")  # also by commands that show what it holds


@pytest.mark.parametrize("name", few(PIPELINES, 5))
def test_pipelines(run, tmp_path, name):
    write_coco(tmp_path / "data", coco(6))
    (run / "pipeline.json").write_text(PIPELINES[name], errors="surrogateescape")
    refused("predict", "r", "data", "--out", "o", cwd=tmp_path, says="pipeline.json")


@pytest.mark.parametrize("command", ["eval r", "report r"])
@pytest.mark.parametrize("name", few(SHOWN, 1))
def test_pipelines_that_are_shown(run, tmp_path, name, command):
    write_coco(tmp_path / "data", coco(6))
    (run / "pipeline.json").write_text(PIPELINES[name], errors="surrogateescape")
    refused(*command.split(), cwd=tmp_path, says="pipeline.json")


ENVIRONMENTS = ["[]", "7", DEEP, '{"packages": [1]}', '{"devices": {"a": [1]}}', '{"plugins": "x"}', "{", "\udcff"]


@pytest.mark.parametrize("text", few(ENVIRONMENTS, 2))
def test_environments(run, tmp_path, text):
    (run / "env.json").write_text(text, errors="surrogateescape")
    out = attack("report", "r", cwd=tmp_path, codes={0}, seconds=SECONDS)
    assert "env.json is left out of the report" in out


HEAD = "epoch,step,seconds,lr,train_loss,val_loss,val_miou\n"
METRICS = {
    "no column": "x\n1\n",
    "empty": "",
    "a column less": HEAD.replace(",seconds", "") + "0,1,1,1,1,1\n",
    "text": HEAD + "0,1,x,1,1,1,1\n",
    "an epoch of 5,000 digits": HEAD + "9" * 5000 + ",1,1,1,1,1,1\n",
    "seconds without end": HEAD + "0,1,inf,1,1,1,1\n",
    "not UTF-8": "\udcff",
    "NUL": HEAD + "0,1,\0,1,1,1,1\n",
}


@pytest.mark.parametrize("name", few(METRICS, 2))
def test_metrics(run, tmp_path, name):
    (run / "metrics.csv").write_text(METRICS[name], errors="surrogateescape")
    refused("report", "r", cwd=tmp_path, says="metrics.csv")


KEYS = ("callbacks", "loops", "global_step", "epoch", "state_dict", "optimizer_states", "lr_schedulers")
STATES = {
    **{f"without {key}": lambda state, key=key: {name: state[name] for name in state if name != key} for key in KEYS},
    "a list": lambda _: [],
    "a number": lambda _: 7,
    "callbacks in a list": lambda state: state | {"callbacks": []},
    "weights that are text": lambda state: state | {"state_dict": dict.fromkeys(state["state_dict"], "x")},
    "another optimizer": lambda state: state | {"optimizer_states": [{"state": 1, "param_groups": 2}]},
    "no optimizer": lambda state: state | {"optimizer_states": []},
    "callbacks of another form": lambda state: (
        state | {"callbacks": {name: {"best_k_models": 1} for name in state["callbacks"]}}
    ),
}


@pytest.mark.parametrize("name", few(STATES, 4))
def test_checkpoints(run, tmp_path, name):
    (run / "recipe.yaml").write_text((run / "recipe.yaml").read_text().replace("  epochs: 1\n", "  epochs: 2\n"))
    state = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    torch.save(STATES[name](state), run / "checkpoints/last.ckpt")
    refused("train", "--resume", "r", cwd=tmp_path, says="last.ckpt")


DAMAGE = [b"\xff\xfe\n", b"[1]\n", b'["a", null, -1]\n', b'[["a"], null, 0]\n', b"[" * 5000 + b"\n"]


@pytest.mark.parametrize("damage", few(DAMAGE, 2))
def test_journals(run, tmp_path, damage):
    write_coco(tmp_path / "data", coco(6))
    line = ["predict", "r", "data", "--out", "o"]
    attack(*line, cwd=tmp_path, codes={0})
    record = json.loads((tmp_path / "o/predicted.json").read_text())
    del record["failed"]
    (tmp_path / "o/predicted.json").unlink()
    first = json.dumps(record, ensure_ascii=False, sort_keys=True).encode() + b"\n"
    (tmp_path / "o/predicted.json.0.part").write_bytes(first + damage)
    refused(*line, cwd=tmp_path, says="predicted.json.0.part")
    (tmp_path / "o/predicted.json.0.part").write_bytes(damage + first)
    refused(*line, cwd=tmp_path, says="predicted.json.0.part")


def test_output_that_nobody_reads(tmp_path):
    for line in ("train --help", "--help", "plugins list --json", "data stats --help"):
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "recyclecli", *line.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(SECONDS), said) == (141, b"")


RECORDS = ["[]", "7", DEEP, '{"failed": 7}', '{"failed": [], "outputs": 3}', "\udcff", "{"]


@pytest.mark.parametrize("text", few(RECORDS, 2))
@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("predict r data --out o --force", "o/predicted.json"),
        ("predict r data --out o", "o/predicted.json"),
        ("aug copy-paste --data data --aug-num 2 --min-area 1 --name n", "data/n.unfinished/settings.json"),
        ("train --data data --fold 0 -o data.size=32 --epochs 1", "data/folds.json"),
    ],
)
def test_records(run, tmp_path, line, record, text):
    write_coco(tmp_path / "data", coco(6))
    (tmp_path / record).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / record).write_text(text, errors="surrogateescape")
    attack(*line.split(), cwd=tmp_path, codes={0, 2}, seconds=SECONDS)
