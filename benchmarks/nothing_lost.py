"""Every command that writes, twice at once, killed, and on a full disk: is anything lost, and is the result whole?

    python benchmarks/nothing_lost.py JOURNAL [--times 20] [--only COMMAND ...] [--table]

For each command and each kind, so many times:

- together: the same line is typed again while the first still runs;
- killed: with all its processes, at a moment drawn from the whole time that it takes, then typed again;
- full: on a disk that fills up somewhere on the way, then typed again with room (a tmpfs: needs the right to mount).

A trial passes when every file that was there before is there byte for byte, the codes are 0 or 2 (3 on the full
disk), no output holds a traceback, and what the command leaves equals what it leaves undisturbed: the same names, and
the same bytes but in files in which two undisturbed runs differ, as times of day; of last.ckpt the tensors. A training
whose recipe was written is gone on with as its own message says. Each trial adds a line to JOURNAL; the same call goes
on after it.
"""

import argparse
import gc
import hashlib
import json
import os
import random
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from recycle_engine import api

TINY = "-o data.size=32 -o data.workers=0 -o model.encoder=tu-test_efficientnet -o model.weights=none"
ONE = f"train --data data --plugin linknet --batch-size 2 {TINY} --epochs 1"
NEW = ONE.removesuffix("1") + "2"
COMMANDS = {  # name: what is typed before the trial, what is tried, and files that it may replace
    "aug copy-paste": ("", "aug copy-paste --aug-num 6 --min-area 1 --workers 2 --data data --name new", ""),
    "aug preview": ("", "aug preview flip --num 2 --size 32 --data data", ""),
    "data oversample": ("", "data oversample --patch Paper --min-area 1 --num 4 --data data --name more", ""),
    "data sample": ("", "data sample --num 6 --data drawn", ""),
    "data kfold": ("", "data kfold --n 3 --data data --out folds", ""),
    "data convert": ("", "data convert data masks --from coco --to masks", ""),
    "data import": ("", "data import data imported", ""),
    "data import --link": ("", "data import data linked --link", ""),
    "data merge": ("", "data merge data second --out merged", ""),
    "kfold --keep": ("", "data kfold --keep data/folds.json --data data --out kept", ""),
    "convert yolo": ("", "data convert data yolo --from coco --to yolo", ""),
    "convert coco": ("", "data convert data plain --from coco --to coco --polygons", ""),
    "check --fix": ("", "data check --data data --fix data/mended.json", ""),
    "stats --html": ("", "data stats --data data --html stats.html", ""),
    "data show": ("", "data show --data data", ""),
    "data export cvat": ("", "data export data to-cvat --to cvat", ""),
    "data export ls": ("", "data export data to-ls --to label-studio", ""),
    "predict": ("", "predict one data/kfold_0_val.json --out predicted --submission s.csv --batch-size 1", ""),
    "predict --devices": ("", "predict one photos --out shared --devices 2 --batch-size 1 --save probabilities", ""),
    "ensemble": ("", "ensemble one two --images data/kfold_0_val.json --out both --batch-size 1", ""),
    "soup": ("", "soup one two --name mean", ""),
    "pseudo-label": ("", "pseudo-label one photos --threshold 0.2 --min-coverage 0", ""),
    "pseudo --rounds": ("", "pseudo-label one photos --rounds 1 --threshold 0.2 --min-coverage 0 --out rounds", ""),
    "report": ("", "report one", "runs/one/report.html"),
    "export": ("", "export one", ""),
    "init": ("", "init --data data", ""),
    "ablate": ("", "ablate one --trick hflip --trick vflip", ""),
    "plugins new": ("", "plugins new acme-losses --kind loss", ""),
    "train": ("", f"{NEW} --name new", ""),
    "train --resume": ("HALF", "train --resume half", "runs/half/"),
    "train --folds all": ("", f"{NEW} --folds all --name all", ""),
    "runs prune": ("", "runs prune one --yes", "runs/one/checkpoints/"),
    "runs delete": ("", "runs delete one --yes", "runs/one/"),
    "demo": ("", "demo --num 20 --epochs 1 --size 32", ""),
}
ASIDE = {"demo": "demo/runs/demo-1/"}  # where the run of a call that was killed is put, which says so
AGAIN = ("report", "pseudo --rounds", "train --resume", "train --folds all", "runs prune")
"""Whose second call finds nothing that it must not replace."""
PLANTED = (
    "notes.txt",
    "data/2024.jpg",
    "data/notes.txt",
    "runs/notes.txt",
    "runs/one/notes.txt",
    "data/images/more.txt",
)
INSIDE = {  # a file of the user's in the output's own folder, where the command takes one
    "data sample": "drawn/notes.txt",
    "data kfold": "folds/notes.txt",
    "data convert": "masks/notes.txt",
    "data import": "imported/notes.txt",
    "data merge": "merged/notes.txt",
    "kfold --keep": "kept/notes.txt",
    "data export cvat": "to-cvat/notes.txt",
    "predict": "predicted/masks/notes.txt",
    "ensemble": "both/notes.txt",
    "train --folds all": "runs/all.txt",
    "demo": "demo/notes.txt",
}
KINDS = ("together", "killed", "full")
OWN = re.compile(r"\.recycle\.jsonl|events\.out\.tfevents\..*|hparams\.yaml|.*\.lock|scores\.json")
"""Records and logs, no results; scores are kept where no other process has the run, and go with another pipeline."""
TOOK = re.compile(rb"\b\d+:\d\d:\d\d\b")
IMPORTED = (
    "kornia", "matplotlib.backends.backend_svg", "numba", "recycle_engine.api", "recyclecli.cli.app",
    "recycle_data.check",
    "recycle_export.onnx", "recycle_engine.evaluation.ablate", "recycle_engine.inference.predict",
    "recycle_engine.training.train", "recycle_kit.scaffold", "recycle_report.page", "segmentation_models_pytorch",
    "timm.optim", "timm.scheduler", "torch.utils.tensorboard",
)  # fmt: skip
BLOCK = 4096  # bytes of a disk that a file takes at least
LONGEST = 300  # seconds that a command may take


class Started:
    """`recycle` in a process forked from this one, which has imported all and run nothing, with a group of its own."""

    def __init__(self, line, cwd):
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._code = None
        self.number = os.fork()
        if not self.number:
            _become(shlex.split(line), cwd, self._output.fileno())

    def over(self):
        """Whether it has ended."""
        if self._code is None:
            ended, status = os.waitpid(self.number, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code is not None

    def kill(self):
        """End it and its children with SIGKILL."""
        with suppress(ProcessLookupError):  # all have ended
            os.killpg(self.number, signal.SIGKILL)

    def ended(self):
        """Its exit code and what it printed, once it has ended."""
        deadline = time.monotonic() + LONGEST
        while not self.over():
            if time.monotonic() > deadline:
                self.kill()
            time.sleep(0.005)
        self._output.seek(0)
        return self._code, self._output.read()


def _become(words, cwd, output):
    os.setsid()
    for number in (1, 2):
        os.dup2(output, number)
    os.chdir(cwd)
    sys.argv[:] = ["recycle", *words]
    code = 1
    try:
        runpy.run_module("recyclecli", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    threading._shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def digest(file):
    """Of a file's bytes but for how long a training took; of a checkpoint's tensors, beside which it holds times."""
    if file.suffix != ".ckpt":
        return hashlib.sha256(TOOK.sub(b"", file.read_bytes())).hexdigest()
    content, found = torch.load(file, weights_only=True), hashlib.sha256()
    for part in ("state_dict", "current_model_state"):
        for key, value in content.get(part, {}).items():
            found.update(key.encode() + value.numpy().tobytes())
    return f"{found.hexdigest()} {content['global_step']}"


def tree(folder):
    """Digests of all files by their names."""
    names = (file for file in sorted(folder.rglob("*")) if file.is_file() and not OWN.fullmatch(file.name))
    return {str(file.relative_to(folder)): digest(file) for file in names}


class Trials:
    """Of one command, each in a copy of `base` at one place, since outputs hold paths."""

    def __init__(self, name, base, work, chance):
        self._name, self._base, self._work, self._chance = name, base, work, chance
        self._before, self._line, self._replaces = COMMANDS[name]
        self._mounted = False
        one, other = self._undisturbed(), self._undisturbed()
        self._expected = {file: other.get(file) == found and found for file, found in one.items()}  # False: it varies
        assert one.keys() == other.keys(), one.keys() ^ other.keys()

    def _begin(self, size=None):
        """Lay out the place; on a disk of `size` bytes where it is given."""
        self._end()
        self._work.mkdir(parents=True)
        if size is not None:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self._work], check=True)
            self._mounted = True
        shutil.copytree(self._base, self._work, dirs_exist_ok=True)
        for name in (*PLANTED, *filter(None, [INSIDE.get(self._name)])):
            file = self._work / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"precious " + name.encode())
        if self._before:  # a run whose second epoch is still to come
            recipe = self._work / "runs/half/recipe.yaml"
            recipe.write_text(recipe.read_text().replace("epochs: 1\n", "epochs: 2\n"))
        self._there = tree(self._work)

    def _end(self):
        if self._mounted:
            subprocess.run(["umount", "--lazy", self._work], check=True)
            self._mounted = False
        shutil.rmtree(self._work, ignore_errors=True)

    def _undisturbed(self):
        self._begin()
        began = time.perf_counter()
        code, text = Started(self._line, self._work).ended()
        assert code == 0, text
        self._took = time.perf_counter() - began
        found = tree(self._work)
        own = [
            file
            for file in self._work.rglob("*")
            if file.is_file() and str(file.relative_to(self._work)) not in self._there
        ]
        self._size = 2**26 + 4 * sum(file.stat().st_size for file in self._work.rglob("*") if file.is_file())
        self._written = sum(-(-file.stat().st_size // BLOCK) * BLOCK for file in own)
        return found

    def _faults(self, ends, whole=True):
        """What is wrong with how it ended and with what lies there now."""
        for code, text in ends:
            if "Traceback" in text or code not in (0, 2, 3, -signal.SIGKILL):
                yield f"exit {code}: {text[-600:]}"
        now = tree(self._work)
        for name, found in self._there.items():
            if now.get(name) != found and not (self._replaces and name.startswith(self._replaces)):
                yield f"{name} was {'changed' if name in now else 'lost'}"
        if whole:
            aside = {name for name in now if name.startswith(ASIDE.get(self._name, "/"))}
            for name in sorted(self._expected.keys() ^ now.keys() - aside):
                yield f"{name} is {'left over' if name in now else 'missing'}"
            differ = [name for name, found in self._expected.items() if found and now.get(name, found) != found]
            if differ:
                yield f"{differ} differ"

    def _typed_again(self):
        """The line again until it is done, as its message says; how each call ended."""
        ends = [Started(self._line, self._work).ended()]
        resumed = re.search(r"go on with it: --resume (\S+)", ends[-1][1])
        if ends[-1][0] == 2 and resumed and self._name == "train":
            ends.append(Started(f"train --resume {resumed[1]}", self._work).ended())
        return ends

    def together(self):
        self._begin()
        first = Started(self._line, self._work)
        time.sleep(self._chance.uniform(0, self._took))
        ends = [Started(self._line, self._work).ended(), first.ended()]
        codes = sorted(code for code, _ in ends)
        if codes != [0, 2] and not (codes == [0, 0] and self._name in AGAIN):
            yield f"exit codes {codes}: {' | '.join(text[-300:] for _, text in ends)}"
        yield from self._faults(ends)

    def killed(self):
        self._begin()
        first = Started(self._line, self._work)
        time.sleep(self._chance.uniform(0, self._took))
        first.kill()
        first.ended()
        yield from (f"after the kill {fault}" for fault in self._faults([], whole=False))
        ends = self._typed_again()
        done = re.search(r" exist| is no run", ends[-1][1])  # it had ended before the kill
        if ends[-1][0] != 0 and not (ends[-1][0] == 2 and done):
            yield f"exit {ends[-1][0]}: {ends[-1][1][-400:]}"
        yield from self._faults(ends)

    def full(self):
        self._begin(self._size)
        left = self._chance.randrange(0, max(self._written, BLOCK))
        filler, room = self._work / ".filler", shutil.disk_usage(self._work).free - left
        with filler.open("wb") as handle:
            os.posix_fallocate(handle.fileno(), 0, room)
        first = Started(self._line, self._work).ended()
        if first[0] not in (0, 3) or (first[0] == 3 and "disk is full" not in first[1] and "are free" not in first[1]):
            yield f"on the full disk exit {first[0]}: {first[1][-400:]}"
        filler.unlink()
        yield from (f"on the full disk {fault}" for fault in self._faults([first], whole=False))
        ends = self._typed_again()
        if ends[-1][0] != 0 and not (ends[-1][0] == 2 and first[0] == 0):
            yield f"exit {ends[-1][0]}: {ends[-1][1][-400:]}"
        yield from self._faults(ends)

    def run(self, kind):
        """The faults of one more trial."""
        try:
            return list(getattr(self, kind)())
        finally:
            self._end()


def write_photos(folder, images, seed):
    """A COCO folder of small photos, each with a square of one of two classes."""
    chance, content = np.random.default_rng(seed), {"images": [], "annotations": []}
    (folder / "images").mkdir(parents=True)
    for number in range(1, images + 1):
        label, (left, top) = 1 + number % 2, chance.integers(4, 36, 2).tolist()
        pixels = chance.integers(0, 256, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        pixels[top : top + 24, left : left + 24] = (220, 30, 30) if label == 1 else (30, 30, 220)
        image = {"id": number, "file_name": f"images/{number}.png", "width": 64, "height": 64}
        Image.fromarray(pixels).save(folder / image["file_name"])
        right, low = left + 24, top + 24
        shape = {"segmentation": [[left, top, right, top, right, low, left, low]], "area": 576, "iscrowd": 0}
        box = {"bbox": [left, top, 24, 24]}
        content["images"].append(image)
        content["annotations"].append({"id": number, "image_id": number, "category_id": label, **shape, **box})
    content["categories"] = [{"id": 1, "name": "Paper"}, {"id": 2, "name": "Metal"}]
    (folder / "annotations.json").write_text(json.dumps(content))


def make_base(folder):
    """Photos in two folds, photos without labels, two small runs of them, and one that is to be gone on with."""
    write_photos(folder / "data", 8, seed=0)
    write_photos(folder / "photos", 4, seed=1)
    write_photos(folder / "second", 5, seed=2)
    for line in (
        "data kfold --n 2 --data data",
        f"{ONE} --fold 0 --name one",
        f"{ONE} --fold 0 --seed 1 --name two",
        f"{ONE} --fold 0 --name half",
    ):
        code, text = Started(line, folder).ended()
        assert code == 0, text


def table(journal):
    """Passed and failed trials of each command and kind."""
    passed, failed = Counter(), Counter()
    for one in map(json.loads, journal.read_text().splitlines() if journal.exists() else ()):
        (failed if one["faults"] else passed)[one["command"], one["kind"]] += 1
    print(f"\n{'command':20}" + "".join(f"{kind:>18}" for kind in KINDS))
    for name in COMMANDS:
        cells = (f"{passed[name, kind]} passed, {failed[name, kind]} failed" for kind in KINDS)
        print(f"{name:20}" + "".join(f"{cell:>22}" for cell in cells))
    print(f"{passed.total()} passed, {failed.total()} failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--times", type=int, default=20, help="of each kind; demo 3 times")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--table", action="store_true", help="print what the journal says, and try nothing")
    arguments = parser.parse_args()
    if arguments.table:
        table(arguments.journal)
        return
    with tempfile.TemporaryDirectory() as place:
        top = Path(place)
        for variable, folder in (("RECYCLE_CACHE", "cache"), ("HOME", "home"), ("TMPDIR", "tmp")):
            (top / folder).mkdir()
            os.environ[variable] = str(top / folder)
        os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")
        torch.set_num_threads(1)
        for name in IMPORTED:
            import_module(name)
        api.registry()  # loads the plugins' manifests
        gc.freeze()  # so that a fork shares memory
        work = top / "work"
        work.mkdir()
        make_base(work)
        base = shutil.copytree(work, top / "base")
        for name in arguments.only:
            lines = arguments.journal.read_text().splitlines() if arguments.journal.exists() else []
            done = Counter(one["kind"] for one in map(json.loads, lines) if one["command"] == name)
            times = min(arguments.times, 3) if name == "demo" else arguments.times
            if all(done[kind] >= times for kind in KINDS):
                continue
            trials = Trials(name, base, work, random.Random(f"{name} {done.total()}"))
            for kind in KINDS:
                for number in range(done[kind], times):
                    began = time.perf_counter()
                    faults = trials.run(kind)
                    line = {"command": name, "kind": kind, "number": number, "faults": faults}
                    with arguments.journal.open("a") as journal:
                        journal.write(json.dumps(line) + "\n")
                    took = time.perf_counter() - began
                    print(f"{name}, {kind} {number}: {faults or 'passed'} ({took:.1f} s)", flush=True)
    table(arguments.journal)


if __name__ == "__main__":
    main()
