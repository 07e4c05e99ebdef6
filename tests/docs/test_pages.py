"""What the docs tell their readers to type does what they say.

Fenced blocks are taken in their order, in one folder for each page:

- `bash`: each line is run; it must end with exit code 0, `recycle data check` with 1 where it finds faults.
  `recycle serve` goes on beside the lines after it, at a port that is free.
- `python`: run, in one namespace for the page.
- `yaml`: a recipe, and checked as one; with `title="recipe.yaml"` it is also that file, with another title only a file.
- `text`, `toml`: only shown.

`<!-- in: NAME -->` says what lies in the folder (`in_folder`), `<!-- not run: WHY -->` that the block after it
is checked by nobody. Trainings are made small: an epoch of photos of 64 pixels, whatever the page says, with timm's
encoder for tests where the words name none.

Of every page, `LONG` or not, the quick tier reads the commands, the recipes and the Python without running them.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import layouts
import pytest
from fenced import outside, parts
from recycle_data.resolve import resolve
from recycle_engine import api
from support import forks, recycle_here
from typer.main import get_command

from recyclecli.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(page for page in ROOT.glob("docs/**/*.md") if page.parent.name != "reference")]
ELSEWHERE = {"command-plugin.md", "first-plugin.md", "plugins.md"}  # have tests of their own
RUN = {"bash", "python", "yaml"}
TYPED = [page for page in PAGES if page.name not in ELSEWHERE and RUN & {kind for kind, _, _ in parts(page)}]
LONG = {"augment", "contest", "index", "judge", "onnx", "predict", "rare-classes", "sorting-line", "submission"}
LONG |= {"manage-runs", "resume"}
LONG |= {"README", "completion", "gpu-box", "look", "notebook", "out-of-memory", "palette", "taco", "zerowaste"}
SLOW = pytest.mark.slow("trains and scores as the page's reader does")
SMALL = {"train.epochs": 1, "train.batch_size": 4, "data.size": 64, "data.workers": 0, "model.weights": "none"}
SMALLER = {**SMALL, "train.callbacks": "[]"}  # without the report, which takes longer than all the rest
ENCODER = {"model.encoder": "tu-test_efficientnet"}
FLAGS = {"--epochs": "train.epochs", "--batch-size": "train.batch_size"}
LAID_OUT = {"sample": "made", "run": "trained", "runs": "trained_twice"}
FEW = {"--aug-num": "4", "--num": "4", "--min-area": "20"}


@pytest.fixture(scope="session")
def made(together, drawn):
    """data/ with 20 labelled photos, and photos/ with four that have no labels."""
    return together("docs", lambda folder: make(folder, drawn))


@pytest.fixture(scope="session")
def trained(together, made):
    return together(
        "docs-run", lambda folder: train(folder, made, "recycle data kfold --n 4", "recycle train --fold 0")
    )


@pytest.fixture(scope="session")
def trained_twice(together, trained):
    return together("docs-runs", lambda folder: train(folder, trained, "recycle train --fold 0 --plugin unet"))


def make(folder, drawn):
    file = drawn(folder / "data", 24, size=128) / "annotations.json"
    document = json.loads(file.read_text())
    (folder / "photos").mkdir()
    for image in document["images"][20:]:
        (folder / "data" / image["file_name"]).rename(folder / "photos" / Path(image["file_name"]).name)
    document["images"] = document["images"][:20]
    kept = {image["id"] for image in document["images"]}
    document["annotations"] = [one for one in document["annotations"] if one["image_id"] in kept]
    file.write_text(json.dumps(document))


def train(folder, before, *commands):
    shutil.copytree(before, folder, dirs_exist_ok=True)
    type_all(commands, folder, SMALLER)


class Server:
    """`recycle serve` as it was typed last, at a port that is free."""

    typed = "http://127.0.0.1:8000"

    def __init__(self):
        self.address = self.typed
        self._process = None

    def start(self, words, folder):
        """Start it in place of the one before, and wait until it can be asked."""
        self.stop()
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as out:
            environment = {**os.environ, "BROWSER": "true"}
            self._process = forks().start([*words, "--port", "0"], folder, environment, out)
        self._says = os.fdopen(reading)
        said = ""
        while (line := self._says.readline()) and "Ctrl-C stops it" not in line:
            said += line
        assert line, said
        self.address = re.search(r"http://127\.0\.0\.1:\d+", said).group()

    def stop(self):
        """End it, where there is one."""
        if self._process:
            os.kill(self._process.number, signal.SIGTERM)
            with self._says:
                assert "Traceback" not in self._says.read()
            self._process = None


@pytest.fixture
def server():
    started = Server()
    yield started
    started.stop()


def in_folder(name, made, folder, request):
    """Lay out what a page says its reader has: data/ and photos/, these with a run or two, nothing, or a layout."""
    if name in LAID_OUT:
        shutil.copytree(request.getfixturevalue(LAID_OUT[name]), folder, dirs_exist_ok=True)
    elif name != "empty":
        getattr(layouts, name)(made / "data", folder)


def lines(body):
    """The commands of a block, without comments and with continued lines joined."""
    return [line for line in body.replace("\\\n", " ").splitlines() if shlex.split(line, comments=True)]


def type_all(commands, folder, settings, server=None):
    for command in commands:
        words = shlex.split(command, comments=True)
        if words[:2] == ["recycle", "serve"]:
            server.start(words[1:], folder)
            continue
        if words[0] == "recycle":
            done = recycle_here(*small(words[1:], settings), cwd=folder)
        else:
            command = command.replace(Server.typed, server.address) if server else command
            path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=path, capture_output=True, text=True, timeout=120
            )
        assert done.returncode in ((0, 1) if words[:3] == ["recycle", "data", "check"] else (0,)), (
            f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )


def small(words, settings):
    """The same command with less work; what it sets to more is set to less."""
    words = [FEW.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    if words[0] != "train" or "--resume" in words:
        return words
    kept, rest = [], iter(words)
    for word in rest:
        if word in FLAGS:
            next(rest)
        elif word == "-o":
            pair = next(rest)
            kept += [] if pair.partition("=")[0] in settings else ["-o", pair]
        else:
            kept.append(word)
    named = any(word.startswith("model.encoder=") for word in kept)
    less = settings if named else {**settings, **ENCODER}
    return [*kept, *(word for key, value in less.items() for word in ("-o", f"{key}={value}"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_stands_in_fenced_blocks_of_a_known_kind(page):
    assert re.findall(r"(?m)^(?: {4}|\t).*", outside(page)) == []
    assert {kind for kind, _, _ in parts(page)} <= {*RUN, "toml", "text", "in", "nginx"}


@cache
def root():
    return get_command(app)


def read(words):
    """Parse the words of a command as `recycle` does, and run nothing."""
    command, context = root(), None
    while True:
        context = command.make_context(words[0], words[1:], parent=context)
        if not hasattr(command, "list_commands"):
            return context
        words = [*context._protected_args, *context.args]
        _, command, _ = command.resolve_command(context, words)


@pytest.mark.parametrize("page", [*TYPED, ROOT / "docs/tutorials/first-plugin.md"], ids=lambda page: page.stem)
def test_what_the_page_says_is_understood(page, tmp_path, registry):
    for kind, content, title in parts(page):
        if kind == "bash":
            for words in (shlex.split(line, comments=True) for line in lines(content)):
                if words[0] == "recycle":
                    read(words)
        elif kind == "yaml" and title in ("", "recipe.yaml"):
            (tmp_path / "recipe.yaml").write_text(content)
            resolve(registry, tmp_path / "recipe.yaml")
        elif kind == "python":
            names = re.findall(r"\bapi\.(\w+)", content)
            assert [name for name in names if not hasattr(api, name)] == []
            compile(content, str(page), "exec")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("recycle trian", "(?i)no such command"),
        ("recycle data stats --no-such", "(?i)no such option"),
        ("recycle train --epochs many", "valid integer"),
        ("recycle pseudo-label last", "(?i)missing"),
    ],
)
def test_words_that_no_command_takes_are_found(words, message):
    with pytest.raises(Exception, match=message):
        read(words.split())


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=SLOW) if page.stem in LONG else page for page in TYPED],
    ids=lambda page: page.stem,
)
def test_what_the_page_says_works(page, made, tmp_path, request, monkeypatch, registry, server):
    monkeypatch.chdir(tmp_path)
    settings, train = SMALL if page.stem in LONG else SMALLER, api.train
    names = {"__name__": "page"}
    for kind, content, title in parts(page):
        if kind == "in":
            in_folder(content, made, tmp_path, request)
        elif kind == "bash":
            type_all(lines(content), tmp_path, settings, server)
        elif kind == "yaml":
            file = tmp_path / (title or "recipe.yaml")
            file.write_text(content)
            if file.name == "recipe.yaml":
                resolve(registry, file)
        elif kind == "python":
            with monkeypatch.context() as patch:
                patch.setattr(api, "train", lambda own, **rest: train({**ENCODER, **own, **SMALL}, **rest))
                exec(compile(content, str(page), "exec"), names)


def test_a_command_that_fails_is_found(made):
    with pytest.raises(AssertionError, match="no-such"):
        type_all(["recycle data stats --data no-such"], made, SMALL)


def test_trainings_are_small_and_otherwise_as_they_stand():
    words = small(shlex.split("train --epochs 40 --name a -o data.size=512 -o model.encoder=resnet34"), SMALL)
    assert words[:5] == ["train", "--name", "a", "-o", "model.encoder=resnet34"]
    assert "train.epochs=1" in words
    assert "data.size=512" not in words
    assert json.dumps(words).count("-o") == 1 + len(SMALL)
