"""What completion and help offer, what they load, and that no installed plugin can break them."""

import json
import os
import subprocess
import sys
import time
from shutil import copytree

import pytest
from support import DISTS, fake_dists, recycle_here, run_recycle

from recyclecli import discovery, manifest
from recyclecli.cli.app import main

PLUGINS = ("recycle_datasets", "recycle_kornia", "recycle_smp", "recycle_losses", "recycle_densecrf", "acme_raises")
LOADED = ("torch", "lightning", "numpy", *PLUGINS)
ASKED = {"_RECYCLE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
BROKEN = ":".join(str(DISTS / name) for name in ("raises", "exits", "half", "wrong-kind", "old", "unknown-hook"))


def complete(line, cwd, **env):
    """What completion answers for a line, and what it says on stderr."""
    done = run_recycle(cwd=cwd, env={**ASKED, "_TYPER_COMPLETE_ARGS": f"recycle {line}", **env}, timeout=30)
    assert done.returncode == 0, done.stderr
    return [row.partition("\t")[0] for row in done.stdout.splitlines()], done.stderr


def offers(name, line, cwd, **env):
    """Whether completion comes to offer a name; on a busy machine the manifest may take more than one TAB's wait."""
    deadline = time.monotonic() + 120
    while name not in (found := complete(line, cwd, **env)[0]):
        assert time.monotonic() < deadline, found
    return True


@pytest.fixture
def cache(tmp_path):
    """A cache of its own, empty."""
    return tmp_path / "cache"


def discover_impatiently(cache, path):
    """Have the manifest made by its process, whose patience is short here."""
    program = "import recyclecli.discovery as m; m.PATIENCE = 0.3; m.main()"
    env = {**os.environ, "RECYCLE_CACHE": str(cache), "PYTHONPATH": path}
    subprocess.run([sys.executable, "-P", "-c", program], env=env, check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("train --plugin ", "unetpp"),
        ("train --loss ", "focal"),
        ("train --aug ", "copy-paste"),
        ("train --dataset ", "yolo"),
        ("train --optimizer ", "adamw"),
        ("train --precision ", "bf16-mixed"),
        ("train -o ", "model.encoder="),
        ("train --plugin fcn8s -o model.encoder=", "model.encoder=resnet34"),
        ("train -o model=", "model=unetpp"),
        ("train -o model=segformer -o model.", "model.weights="),
        ("train --loss ce --loss dice -o loss.di", "loss.dice.smooth="),
        ("train --loss focal -o ", "loss.gamma="),
        ("train --loss focal -o loss.focal.", "loss.focal.gamma="),
        ("train --aug copy-paste -o aug.", "aug.copy-paste.max_objects="),
        ("train -o train.compile=", "train.compile=true"),
        ("train -o train.schedule=", "train.schedule=cosine"),
        ("train -o data.dataset=", "data.dataset=masks"),
        ("data convert a b --from ", "masks"),
        ("data import a b --as ", "roboflow-masks"),
        ("data convert a b --from masks -o ", "images="),
        ("export last --format onnx -o ", "opset="),
        ("export last -o ", "opset="),
        ("predict last photos --post ", "densecrf"),
        ("predict last photos --tta ", "hflip"),
        ("predict last photos --save ", "confidence"),
        ("ablate last --metric ", "miou_256"),
        ("ablate last --trick ", "without-ema"),
        ("compare a+", "a+plain"),
        ("plugins show ", "densecrf"),
        ("plugins check ", "recycle-losses"),
        ("plugins new x --kind ", "postprocessor"),
        ("aug ", "lsj"),
        ("aug preview ", "blur"),
        ("aug copy-paste --lsj-", "--lsj-min"),
        ("completion ", "zsh"),
    ],
)
def test_each_place_offers_its_names(monkeypatch, capsys, line, offered):
    discovery.discover()
    for name, value in ASKED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "80")  # main() sets it: this puts it back
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"recycle {line}")
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    out, err = capsys.readouterr()
    assert offered in [row.partition("\t")[0] for row in out.splitlines()]
    assert err == ""


@pytest.mark.parametrize("known", [False, True], ids=["what is not found yet", "what two packages offer"])
def test_tab_behind_a_command_that_cannot_be_told_yet_says_nothing(monkeypatch, capsys, cache, known):
    if known:
        fake_dists(monkeypatch, "commands", "commands-clash")
        discovery.discover()
    else:
        monkeypatch.setenv("RECYCLE_CACHE", str(cache))
        monkeypatch.setattr(manifest, "_discovered_elsewhere", lambda wait: None)
    for name, value in ASKED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"recycle {'data dedupe' if known else 'train'} --")
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("both", [False, True], ids=["one package", "two"])
def test_encoders_that_packages_bring_are_offered(monkeypatch, capsys, tmp_path, both):
    fake_dists(monkeypatch, "encoder")
    if both:
        copy = tmp_path / "acme_second-1.0.dist-info"
        copytree(DISTS / "encoder/acme_encoder-1.0.dist-info", copy)
        (copy / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-second\nVersion: 1.0\n")
        monkeypatch.syspath_prepend(str(tmp_path))
    discovery.discover()
    for name, value in ASKED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "recycle train -o model.encoder=tu-acme_n")
    with pytest.raises(SystemExit):
        main()
    found = {row.partition("\t")[0] for row in capsys.readouterr().out.splitlines()}
    ends = ["@acme-encoder", "@acme-second"] if both else [""]
    assert {f"model.encoder=tu-acme_net{end}" for end in ends} <= found
    assert ("model.encoder=tu-acme_net" in found) != both


def test_every_answer_is_one_line_however_long_its_help(tmp_path):
    for line in ("predict --", "aug copy-paste --", "train -o "):
        found, _ = complete(line, tmp_path)
        assert len(found) > 10
        assert [one for one in found if one.strip().count(" ")] == []


@pytest.mark.parametrize(
    ("recipe", "offered", "not_offered"),
    [
        ("model: segformer\nloss: [{name: focal, gamma: 3}]\n", "loss.gamma=", "loss.dice.smooth="),
        ("model: {name: segformer}\naug: [copy-paste]\n", "aug.copy-paste.p=", "aug.flip.horizontal="),
        ("model: [", "loss.dice.smooth=", "loss.gamma="),  # broken: as if there were none
        ("nonsense: 1", "loss.dice.smooth=", "loss.gamma="),
        (None, "loss.dice.smooth=", "loss.gamma="),
    ],
)
def test_keys_are_those_of_the_recipes_components(tmp_path, recipe, offered, not_offered):
    if recipe is not None:
        (tmp_path / "r.yaml").write_text(recipe)
    found, err = complete("train --recipe r.yaml -o ", tmp_path)
    names = [row.partition("\t")[0] for row in found]
    assert offered in names
    assert not_offered not in names
    assert err == ""


def test_runs_are_offered_with_the_last(tmp_path):
    for folder in ("runs/one", "elsewhere/two"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "recipe.yaml").touch()
    assert complete("eval ", tmp_path)[0] == ["last", "one"]
    assert complete("train --runs elsewhere --resume ", tmp_path)[0] == ["last", "two"]
    assert complete("runs delete ", tmp_path)[0] == ["last", "one"]
    assert complete("runs prune --runs elsewhere ", tmp_path)[0] == ["last", "two"]


def in_one_process(lines, env, then=""):
    """What `recycle` prints for each line of several in one new process, and after each what `then` does."""
    program = (
        "import os, shlex, sys\nfrom recyclecli.cli.app import main\n"
        f"for line in {list(lines)!r}:\n"
        "    os.environ['_TYPER_COMPLETE_ARGS'] = f'recycle {line}'\n"
        "    sys.argv = ['recycle', *shlex.split(line)]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert not end.code, (line, end.code)\n"
        f"    {then or 'pass'}\n    print('NEXT')"
    )
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, env=os.environ | env, timeout=60)
    assert done.returncode == 0, done.stderr
    *answers, last = done.stdout.split("NEXT\n")
    assert (len(answers), last) == (len(lines), "")
    return answers, done.stderr


def test_completion_loads_neither_torch_nor_a_plugin(tmp_path, cache):
    """Of no stored manifest and of one."""
    env = {"PYTHONPATH": str(DISTS / "raises"), "RECYCLE_CACHE": str(cache)}
    first, *lines = "train --plugin ", "train -o ", "aug copy-paste --", "plugins show ", "predict last x --tta "
    loaded = f"print('LOADED', sorted(set({LOADED!r}) & set(sys.modules)))"
    (answer,), _ = in_one_process([first], env | ASKED, loaded)
    assert "LOADED []" in answer
    assert offers("unetpp", first, tmp_path, **env)
    for answer in in_one_process(lines, env | ASKED, loaded)[0]:
        assert "LOADED []" in answer
        assert len(answer.splitlines()) > 2


def test_a_plugin_that_raises_breaks_neither_help_nor_completion(tmp_path, cache):
    env = {"PYTHONPATH": BROKEN, "RECYCLE_CACHE": str(cache)}
    assert offers("focal", "train --loss ", tmp_path, **env)
    assert {"acme-raises", "acme-exits", "acme-half"} <= set(complete("plugins check ", tmp_path, **env)[0])
    assert "half" not in complete("train --loss ", tmp_path, **env)[0]
    answers, err = in_one_process(("--help", "aug --help", "aug flip --help"), env)
    assert err == ""
    assert all(answers)
    assert "copy-paste" in answers[1]


def test_a_plugin_that_hangs_holds_up_neither_help_nor_completion(tmp_path, cache):
    """While it is found out, what was known before is offered; then all but it."""
    before = {"RECYCLE_CACHE": str(cache), "PYTHONPATH": ""}
    assert offers("focal", "train --loss ", tmp_path, **before)
    env = before | {"PYTHONPATH": f"{DISTS / 'hangs'}:{DISTS / 'ok'}"}
    found, _ = complete("train --loss ", tmp_path, **env)  # waits for two of the ten seconds that the plugin is given
    assert "focal" in found
    assert "acme" not in found
    discover_impatiently(cache, env["PYTHONPATH"])
    assert {"focal", "acme"} <= set(complete("train --loss ", tmp_path, **env)[0])
    assert "acme-hangs" in complete("plugins check ", tmp_path, **env)[0]
    began = time.monotonic()
    in_one_process(("--help", "aug --help", "aug flip --help", "aug preview copy-paste --help"), env)
    assert time.monotonic() - began < 20


def test_what_was_installed_since_is_offered(tmp_path, cache):
    env = {"RECYCLE_CACHE": str(cache), "PYTHONPATH": ""}
    assert "acme" not in complete("train --loss ", tmp_path, **env)[0]
    env["PYTHONPATH"] = f"{DISTS / 'ok'}"
    assert offers("acme", "train --loss ", tmp_path, **env)


@pytest.mark.slow("finds the installed plugins in two new processes")
def test_a_name_of_two_packages_is_offered_with_each(tmp_path, cache):
    env = {"RECYCLE_CACHE": str(cache), "PYTHONPATH": f"{DISTS / 'ok'}:{DISTS / 'clash'}"}
    assert offers("acme@acme-ok", "train --loss ", tmp_path, **env)
    assert "acme@acme-clash" in complete("train --loss ", tmp_path, **env)[0]
    env["RECYCLE_PLUGINS"] = "acme-ok"
    assert offers("acme", "train --loss ", tmp_path, **env)
    assert complete("train --loss ", tmp_path, **env)[0] == ["acme", "model"]


def test_a_manifest_that_is_none_is_made_again(tmp_path, cache):
    env = {"RECYCLE_CACHE": str(cache)}
    assert run_recycle("plugins", "list", cwd=tmp_path, env=env).returncode == 0
    (file,) = cache.iterdir()
    whole = file.read_text()
    for stored in ("", "{", '{"fingerprint": 3}', "[]"):
        file.write_text(stored)
        assert offers("focal", "train --loss ", tmp_path, **env)
        assert json.loads(file.read_text()) == json.loads(whole), stored


def test_a_cache_that_cannot_be_written_fails_nothing(tmp_path):
    env = {"RECYCLE_CACHE": "/proc/self/nowhere"}
    assert run_recycle("plugins", "check", cwd=tmp_path, env=env).returncode == 0
    assert offers("focal", "train --loss ", tmp_path, **env)


def test_commands_that_discover_store_what_they_found(tmp_path, cache):
    shared = {"env": {"RECYCLE_CACHE": str(cache)}, "sites": [DISTS / "rain"], "cwd": tmp_path}
    assert recycle_here("plugins", "list", **shared).returncode == 0
    (file,) = cache.iterdir()
    found = manifest.read(file.read_text())
    settings = {one.name: one for one in found.of("augmentation")["rain"].settings}
    assert {name: one.form for name, one in settings.items()} == {
        "drops": "text",
        "seed": "text",
        "shades": "list",
        "ignored": "flag",
        "per_class": "mapping",
    }
    assert settings["seed"].choices == ("small", "large")
    assert settings["shades"].default == "0.5"
    written = file.stat().st_mtime_ns
    assert recycle_here("plugins", "list", **shared).returncode == 0
    assert file.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"XDG_CACHE_HOME": "/caches"}, "/caches/recyclecli"),
        ({"XDG_CACHE_HOME": "not/absolute"}, "/home/me/.cache/recyclecli"),
        ({}, "/home/me/.cache/recyclecli"),
        ({"RECYCLE_CACHE": "/mine"}, "/mine"),
    ],
)
def test_the_cache_is_where_the_platform_has_it(monkeypatch, env, folder):
    for name in ("XDG_CACHE_HOME", "RECYCLE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **env}.items():
        monkeypatch.setenv(name, value)
    assert str(manifest.manifest_file("").parent) == folder


def test_who_does_not_finish_loading_is_named(monkeypatch, logged):
    """A command that needs the plugins waits, and says for whom."""
    load = discovery.plugins.discover
    monkeypatch.setattr(discovery, "PATIENCE", 0.05)
    monkeypatch.setattr(discovery, "_last", {})
    monkeypatch.setattr(
        discovery.plugins,
        "discover",
        lambda found: time.sleep(0.4 * (found[0].dist.name == "recycle-losses")) or load(found=found),
    )
    discovery.discover()
    said = logged()
    assert "still waiting for the plugin recycle-losses" in said
    assert "RECYCLE_PLUGINS" in said
