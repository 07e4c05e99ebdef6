"""Commands that packages bring: listed without an import, run alone, and never one in place of another in silence."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest
import recycle_data
import recycle_engine
from recycle_kit import verdict
from support import DISTS, recycle_here

from recyclecli.bundled import commands as bundled
from recyclecli.cli.group import command_of
from recyclecli.manifest import CommandEntry
from recyclecli.types import Command

COMMANDS = [*recycle_data.COMMANDS, *recycle_engine.COMMANDS]


def recycle(*words, cwd, dists=("commands",), **env):
    return recycle_here(*words, cwd=cwd, env={"COLUMNS": "100", **env}, sites=[DISTS / name for name in dists])


def test_help_lists_a_strangers_commands_under_its_package_and_imports_none(tmp_path):
    root = recycle("--help", cwd=tmp_path)
    assert root.returncode == 0
    assert "acme-commands" in root.stdout
    assert "What Acme does" in root.stdout
    assert "Import, check, split and convert data." in root.stdout  # a stranger's line does not replace ours
    assert recycle("acme", "belt", "speed", cwd=tmp_path).stdout == "nothing is there twice\n"
    inside = recycle("data", "--help", cwd=tmp_path).stdout
    assert inside.index("kfold") < inside.index("acme-commands") < inside.index("dedupe")
    assert "upload" in recycle("acme", "--help", cwd=tmp_path).stdout
    assert "greets" not in root.stdout + root.stderr + inside


def test_a_command_runs_and_what_its_package_prints_is_no_result(tmp_path):
    done = recycle("acme", "upload", "a.jpg", "--bucket", "bins", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "a.jpg to bins\n")
    assert "the package greets" in done.stderr
    assert recycle("data", "dedupe", cwd=tmp_path).stdout == "nothing is there twice\n"
    assert recycle("plugins", "audit", cwd=tmp_path).stdout == "nothing is there twice\n"
    assert recycle("aug", "weather", "rain", "--drops", 2, cwd=tmp_path).stdout == "2 drops\n"
    text = recycle("acme", "upload", "--help", cwd=tmp_path).stdout
    assert "Upload photos, each once." in text
    assert "Example: recycle acme upload photos" in text


def test_its_options_and_names_are_completed(tmp_path):
    asked = {"_RECYCLE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    for line, offered in (("", "acme"), ("acme ", "upload"), ("acme upload --bucket ", "belts"), ("data ", "dedupe")):
        done = recycle(cwd=tmp_path, **asked, _TYPER_COMPLETE_ARGS=f"recycle {line}")
        assert offered in [row.partition("\t")[0] for row in done.stdout.splitlines()]


def test_a_bug_of_a_command_is_its_packages(tmp_path):
    done = recycle("data", "dedupe", "--fail", cwd=tmp_path)
    assert done.returncode == 70
    assert "a bug of the plugin acme-commands: ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data", "dedupe"), "say which: recycle data dedupe@acme-commands or recycle data dedupe@acme-commands-clash"),
        (("aug", "flip"), "say which: recycle aug flip@acme-commands-clash or recycle aug flip@recycle-kornia"),
        (("train",), "say which: recycle train@recycle-engine or recycle train@acme-commands-clash"),
        (("acme", "upload", "x"), "recycle acme is a command of acme-commands-clash and a group of acme-commands"),
    ],
)
def test_of_two_packages_neither_wins_in_silence(tmp_path, words, said):
    done = recycle(*words, cwd=tmp_path, dists=("commands", "commands-clash"))
    assert done.returncode == 2, done.stdout
    assert said in done.stderr


def test_each_of_two_can_be_named(tmp_path):
    both = {"cwd": tmp_path, "dists": ("commands", "commands-clash")}
    assert recycle("data", "dedupe@acme-commands", **both).stdout == "nothing is there twice\n"
    assert recycle("data", "dedupe@acme-commands-clash", **both).stdout == "another way\n"
    assert "--epochs" in recycle("train@recycle-engine", "--help", **both).stdout
    assert "--aug-num" in recycle("aug", "flip@recycle-kornia", "--help", **both).stdout
    text = recycle("data", "--help", **both).stdout
    assert "dedupe@acme-commands " in text
    assert "dedupe@acme-commands-clash" in text
    diagnosed = recycle("doctor", "--help", **both)
    assert "versions, GPU, plugins and disk" in diagnosed.stdout
    assert "doctor@acme-commands-clash is offered, too" in diagnosed.stderr


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raises", "acme_broken_raises:run cannot be imported: RuntimeError: no bucket is set"),
        ("exits", "acme_broken_exits:run cannot be imported: SystemExit"),
        ("missing", "acme_broken_missing:run cannot be imported: ModuleNotFoundError"),
        ("value", "Typer can make no command of acme_broken_value:run"),
    ],
)
def test_a_command_that_does_not_load_is_named_and_harms_no_other(tmp_path, how, said):
    done = recycle("broken", how, cwd=tmp_path, dists=("commands-broken",))
    assert done.returncode == 2, done.stdout
    assert f"the command broken {how} of acme-commands-broken" in done.stderr
    assert said in done.stderr
    assert "remedy: " in done.stderr


def test_a_path_that_nobody_can_type_disables_its_package_alone(tmp_path):
    listed = recycle("plugins", "list", cwd=tmp_path, dists=("commands-path", "commands")).stdout
    assert "'Acme Upload' is not kebab-case" in listed
    assert "command: acme, acme belt speed, data, acme upload, data dedupe" in listed


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("data", "a:b", "x"), "is not a tuple of words"),
        (((), "a:b", "x"), "is not a tuple of words"),
        ((("data", "De dupe"), "a:b", "x"), "'De dupe' is not kebab-case"),
        ((("data", 3), "a:b", "x"), "3 is not kebab-case"),
        ((("dedupe",), "a.b", "x"), "is not 'package.module:attribute'"),
        ((("dedupe",), "a:b", " "), "has no summary"),
    ],
)
def test_a_record_that_is_none(fields, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        Command(*fields)


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_the_help_lists_each_command_by_its_first_sentence(command):
    if not command.target:
        return
    loaded = command_of(CommandEntry(**asdict(command), distribution="recyclecli"))
    assert " ".join(loaded.help.split("\n\n")[0].split()) == command.summary
    assert loaded.epilog == (command.epilog or None)


def test_without_a_cache_and_another_process_commands_are_found_all_the_same(tmp_path):
    """The manifest cannot be written, and nothing else can be started."""
    program = (
        "import subprocess, sys\nfrom recyclecli import manifest\nfrom recyclecli.cli.app import main\n"
        "manifest._discovered_elsewhere = lambda wait: None\n"
        "sys.argv = ['recycle', 'plugins', 'check']\nmain()"
    )
    env = {**os.environ, "RECYCLE_CACHE": "/proc/self/nowhere"}
    done = subprocess.run([sys.executable, "-c", program], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


LISTED, DOCTOR = (["plugins", "list", "--json"], 0), (["doctor"], 1)
ANOTHER = pytest.mark.slow("another way to end, of the same path; and `doctor`, which imports everything")


@pytest.mark.parametrize(
    ("end", "commands"),
    [
        ("os._exit(7)", [LISTED]),
        pytest.param("os._exit(7)", [DOCTOR], marks=ANOTHER),
        pytest.param("os._exit(0)", [LISTED, DOCTOR], marks=ANOTHER),
        pytest.param("os.kill(os.getpid(), 11)", [LISTED, DOCTOR], marks=ANOTHER),
    ],
)
def test_packages_that_end_the_process_at_import_are_named_and_left_out(tmp_path, end, commands):
    for name in ("acme_first", "acme_second"):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[recyclecli]\nacme = {name}\n")
        (tmp_path / f"{name}.py").write_text(f"import os\n{end}\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for words, code in commands:
        command = [sys.executable, "-m", "recyclecli", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code
        said = done.stdout + done.stderr
        assert said.count("ends the process that imports it") == 2, said
        assert "acme_first" in said
        assert "acme_second" in said


def test_an_allow_list_leaves_our_own_commands(tmp_path):
    done = recycle_here("plugins", "list", "--json", cwd=tmp_path, env={"RECYCLE_PLUGINS": "recycle-losses"})
    states = {row["distribution"]: row["state"] for row in json.loads(done.stdout)}
    assert (states["recycle-data"], states["recycle-losses"], states["recycle-smp"]) == ("ok", "ok", "blocked")


def test_a_command_imports_its_own_module_alone(tmp_path):
    program = (
        "import sys\nfrom recyclecli.cli.app import main\nsys.argv = ['recycle', 'data', 'kfold', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n"
        "    print(*sorted(name for name in sys.modules if '.cli.' in name and name.startswith('recycle')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in done.stdout.splitlines()[-1].split()}
    shell = {"app", "candidates", "completion", "doctor", "group", "once", "options", "pipes", "plugins", "recipes"}
    assert loaded == {*shell, "kfold"}


def test_a_command_whose_package_is_missing_says_which_brings_it(tmp_path, monkeypatch):
    monkeypatch.setitem(bundled(), "data weigh", "recycle-scales")
    missing = recycle_here("data", "weigh", cwd=tmp_path)
    assert missing.returncode == 2
    assert "recycle data weigh comes with recycle-scales, which is not installed" in missing.stderr
    assert "pip install ./plugins/recycle-scales" in missing.stderr


def test_what_moved_is_found_where_it_was_and_says_where_it_is(monkeypatch):
    from recycle_serve import api as there

    import recyclecli.coco
    import recyclecli.testing
    from recyclecli import api
    from recyclecli.errors import RecycleError

    asked = []
    monkeypatch.setattr(there, "serve", lambda *values, **named: asked.append((values, named)))
    with pytest.warns(DeprecationWarning, match="recyclecli.api.serve is recycle_serve.api.serve now"):
        api.serve("last", port=0)
    assert asked == [(("last",), {"port": 0})]
    with pytest.warns(DeprecationWarning, match="recyclecli.api.train is recycle_engine.api.train now"):
        assert api.train is recycle_engine.api.train
    with pytest.warns(DeprecationWarning, match="recyclecli.coco.paint is recycle_coco.paint now"):
        assert callable(recyclecli.coco.paint)
    with pytest.warns(
        DeprecationWarning, match="recyclecli.coco.build_document is recycle_data.coco_document.build_document now"
    ):
        assert callable(recyclecli.coco.build_document)
    with pytest.warns(DeprecationWarning, match="recyclecli.testing.LossConformance is recycle_kit.testing"):
        assert isinstance(recyclecli.testing.LossConformance, type)
    with pytest.raises(AttributeError):
        _ = api.no_such_function
    monkeypatch.setitem(sys.modules, "recycle_serve.api", None)
    monkeypatch.setitem(sys.modules, "recycle_serve", None)
    with pytest.raises(RecycleError, match="serve comes with recycle-serve, which is not installed"):
        _ = api.serve


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("data stats --data a --data b", "--data is given 2 times"),
        ("aug copy-paste --aug-num 1 --aug-num 2 --aug-num 3", "--aug-num is given 3 times"),
        ("aug copy-paste --aug-num 1 --max-objects 2 --max-objects 3", "--max-objects is given 2 times"),
        ("train --plugin unet --model fpn", "--plugin or --model is given 2 times"),
        ("acme upload x --bucket a --bucket b", "--bucket is given 2 times"),
        ("recipes list --jsn", "No such option"),
    ],
)
def test_no_value_is_lost_where_an_option_is_typed_twice(tmp_path, line, said):
    done = recycle(*line.split(), cwd=tmp_path)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_options_that_may_be_repeated_are(tmp_path):
    line = "train -o a=1 -o b=2 --loss ce --loss dice --aug flip --aug blur"
    done = recycle(*line.split(), cwd=tmp_path)
    assert "2 faults in the recipe" in done.stderr


def test_a_whole_app_keeps_its_callback_beside_commands_of_others(tmp_path):
    both = {"cwd": tmp_path, "dists": ("commands", "commands-app")}
    assert recycle("acme", "--profile", "p", "check", "--level", 2, **both).stdout == "profile p\nchecked at 2\n"
    assert recycle("acme", "upload", "a.jpg", **both).stdout == "profile none\na.jpg to b\n"
    assert "--level is given 2 times" in recycle("acme", "check", "--level", 1, "--level", 2, **both).stderr
    assert "completion" not in recycle("acme", "--help", cwd=tmp_path, dists=("commands-app",)).stdout


def test_an_app_takes_no_command_of_ours_over(tmp_path):
    both = {"cwd": tmp_path, "dists": ("commands-app",)}
    done = recycle("data", "check", **both)
    assert done.returncode == 2
    assert "say which: recycle data check@recycle-data or recycle data check@acme-commands-app" in done.stderr
    assert recycle("data", "check@acme-commands-app", **both).stdout.endswith("checked at 1\n")
    assert "--labels-only" in recycle("data", "check@recycle-data", "--help", **both).stdout
    assert "Import, check, split and convert data." in recycle("data", "--help", **both).stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("solo", "recycle solo is a command of acme-commands-app and a group of acme-commands"),
        ("both below", "recycle both is both a command and a group of acme-commands-app"),
    ],
)
def test_a_command_is_no_group(tmp_path, line, said):
    done = recycle(*line.split(), cwd=tmp_path, dists=("commands", "commands-app"))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_command_of_the_core_can_be_named_in_full(tmp_path):
    done = recycle("doctor@recyclecli", "--help", cwd=tmp_path, dists=("commands-clash",))
    assert "versions, GPU, plugins and disk" in done.stdout
    assert "offered, too" not in done.stderr


def test_plugins_check_finds_commands_without_a_module(tmp_path):
    done = recycle("plugins", "check", cwd=tmp_path, dists=("commands-broken",))
    assert done.returncode == 1
    said = "command broken missing of acme-commands-broken: its target acme_broken_missing:run has no module"
    assert said in done.stderr


def test_plugins_check_imports_the_commands_of_a_package(tmp_path):
    done = recycle("plugins", "check", "acme-commands-broken", cwd=tmp_path, dists=("commands-broken",))
    assert done.returncode == 1
    assert "the command broken raises of acme-commands-broken" in done.stderr


def test_plugins_check_blames_no_command_for_another_of_its_path(tmp_path, monkeypatch):
    names, tried = ("acme upload@acme-commands", "data dedupe@acme-commands"), verdict.broken_rules
    few = lambda parts: tried([one for one in parts if one[1] in names])  # noqa: E731, each takes three processes
    monkeypatch.setattr(verdict, "broken_rules", few)
    dists = ("commands", "commands-clash")
    path = os.pathsep.join(str(DISTS / name) for name in dists)  # of the processes that try each command
    done = recycle("plugins", "check", "acme-commands", cwd=tmp_path, dists=dists, PYTHONPATH=path)
    assert "command acme upload@acme-commands: expected" in done.stderr  # below a word that is another's command
    assert "note: command data dedupe is offered by 2 packages" in done.stderr
    assert "command data dedupe@acme-commands: expected" not in done.stderr


@pytest.mark.parametrize("dists", [(), ("commands",)], ids=["ours", "beside others"])
def test_a_package_may_be_named_where_it_is_the_only_one(tmp_path, dists):
    for words in (
        "data kfold@recycle-data",
        "data@recycle-data kfold",
        "aug lsj@recycle-kornia",
        "train@recycle-engine",
    ):
        done = recycle(*words.split(), "--help", cwd=tmp_path, dists=dists)
        assert (done.returncode, "Usage: recycle " in done.stdout) == (0, True), done.stderr
    done = recycle("data", "kfold@acme-commands", cwd=tmp_path, dists=dists)
    assert (done.returncode, "Did you mean 'kfold'?" in done.stderr) == (2, True)
    for name, shows in (("data kfold@recycle-data", "--help"), ("default@recycle-engine", "recipes show default@")):
        done = recycle("plugins", "show", name, cwd=tmp_path, dists=dists)
        assert shows in done.stderr


def test_plugins_check_finds_recipes_whose_bases_lead_nowhere(tmp_path):
    done = recycle("plugins", "check", cwd=tmp_path, dists=("recipes",))
    assert done.returncode == 1
    assert "recipe circle of acme-recipes: the recipe circle" in done.stderr
    assert "is based on itself" in done.stderr
    assert "recipe lost of acme-recipes: no recipe is called 'nowhere', the base of lost@acme-recipes" in done.stderr
    assert done.stderr.count("  recipe ") == 2


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("srve", "Did you mean 'serve'"),
        ("data kfodl", "Did you mean 'kfold'"),
        ("acme uplaod", "Did you mean 'upload'"),
        ("plugins lst", "Did you mean 'list'"),
    ],
)
def test_the_nearest_command_is_said(tmp_path, line, near):
    done = recycle(*line.split(), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count(near) == 1
