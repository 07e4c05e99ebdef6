"""Photos and runs as people name them: lists of other programs, patterns, places that are nearly right."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from recycle_data.owned import Owned
from recycle_engine.cli.train import _weights as weights_of
from recycle_engine.inference.job import Job
from recycle_engine.inference.photos import find_photos, listed_photos
from recycle_engine.inference.predict import predict
from recycle_engine.runs import find_run
from safetensors.torch import load_file

from recyclecli.discovery import discover
from recyclecli.errors import RecycleError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with p/a.jpg, `p/b c.jpg` and p/q/d.png, and a home folder in it."""
    for name in ("p/a.jpg", "p/b c.jpg", "p/q/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ('"p/a.jpg"\r\n"p/b c.jpg"\r\n', ["p/a.jpg", "p/b c.jpg"]),
        ("'p/a.jpg' \np/b c.jpg", ["p/a.jpg", "p/b c.jpg"]),
        ("p\\a.jpg\np\\b c.jpg\n", ["p/a.jpg", "p/b c.jpg"]),
        ("~/p/a.jpg\n~/p/b c.jpg\n", ["a.jpg", "b c.jpg"]),
        ("file://{here}/p/a.jpg\n{here}/p/b c.jpg\n", ["a.jpg", "b c.jpg"]),
    ],
)
def test_a_list_as_other_programs_write_it(here, lines, names):
    photos = listed_photos(lines.format(here=here).split("\n"), None, here)
    assert [photo.name for photo in photos] == names
    assert all(photo.file.is_file() for photo in photos)


def test_a_name_that_is_right_as_it_stands_is_kept(here):
    (here / "p/a.jpg").rename(here / "'a.jpg'")
    assert listed_photos(["'a.jpg'"], None, here)[0].name == "'a.jpg'"


@pytest.mark.parametrize("pattern", ["p/**", "p/**/*"])
def test_two_stars_are_all_files_below(here, pattern):
    assert len(find_photos(here / pattern)) == 3


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nope/*.jpg", "nope does not exist"),
        ("p/*.{jpg,png}", "braces stand for several patterns.*\n  remedy: leave out the quotes"),
        ("/dev/null", "/dev/null is a device, and photos are read from files and folders\n  remedy: save what comes"),
        ("pipe", "pipe is a named pipe, and photos are read from files"),
        ("link", "link is a named pipe, and photos are read from files"),
        ("P", "P does not exist\n  remedy: if this one is meant, name it: p$"),
        ("p/a.JPG", "name it: p/a.jpg$"),
        ("p\\b c.jpg", "name it: 'p/b c.jpg'$"),
        ('"p/a.jpg"', "name it: p/a.jpg$"),
        ("nope", "nope does not exist\n  remedy: name a folder"),
    ],
)
def test_what_is_wrong_with_a_place(here, place, told):
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")  # as /dev/stdin is one
    with pytest.raises(RecycleError, match=f"(?s){told}"):
        find_photos(Path(place))


def test_a_place_near_a_run_leads_to_it(here):
    run = here / "elsewhere/runs/a b"
    (run / "checkpoints").mkdir(parents=True)
    (run / "recipe.yaml").touch()
    (run / "export").mkdir()
    (run / "export/model.onnx").touch()
    for place in ("checkpoints", "recipe.yaml", "export", "export/model.onnx"):
        with pytest.raises(RecycleError, match=f"name the run's own folder: '{run}'"):
            find_run(str(run / place))
    for place in ("elsewhere", "elsewhere/runs"):
        with pytest.raises(RecycleError, match="name one of the runs in it: 'elsewhere/runs/a b'"):
            find_run(place)
    with pytest.raises(RecycleError, match=r"a\.jpg is a photo: put a pattern in quotes"):
        find_run("p/a.jpg")
    with pytest.raises(RecycleError, match="change to the folder that holds runs/"):
        find_run("a b")
    Owned(here / "elsewhere/made").write_text(here / "elsewhere/made/card.json", "{}")
    (here / "elsewhere/made/model.onnx").touch()
    for place, cause in (("", "holds an export of recycle"), ("/model.onnx", "is a file, and a run is a folder")):
        with pytest.raises(RecycleError, match=cause) as raised:
            find_run(f"elsewhere/made{place}")
        assert raised.value.remedy.startswith("name the run that it was exported from")


@pytest.mark.parametrize(
    "text",
    [
        "image_id,PredictionString\na.jpg,\nb c.jpg,1 2\n",
        '\ufeff"a.jpg"\n"b c.jpg"\n',
        '\ufeffname;class\n"a.jpg";1\n"b c.jpg";2\n',
        "1,a.jpg\n2,b c.jpg\n",
        "id\tfile\n1\ta.jpg\n2\tb c.jpg\n",
        "file_name\na.jpg\nb c.jpg\n",
        f"image_id,PredictionString\na.jpg,{'0 ' * 65536}\nb c.jpg,{'1 ' * 65536}\n",
    ],
)
def test_a_table_of_photos_is_a_list(tmp_path, text):
    for name in ("a.jpg", "b c.jpg"):
        (tmp_path / name).touch()
    assert [one.name for one in listed_photos(text.split("\n"), tmp_path, tmp_path)] == ["a.jpg", "b c.jpg"]


def test_lines_that_name_a_photo_again_are_counted(tmp_path, logged):
    assert [one.name for one in listed_photos(["a.jpg", "b.jpg", "a.jpg", "a.jpg"], tmp_path, tmp_path)] == [
        "a.jpg",
        "b.jpg",
    ]
    assert "note: 2 lines of the list left out, which an earlier one equals" in logged()


def test_what_an_earlier_prediction_wrote_is_counted(here, logged):
    for name in ("out/masks/a.png", "out/overlays/a.png"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(here / name)
    (here / "out/predicted.json").write_text("{}")
    assert [photo.name for photo in find_photos(here)] == ["p/a.jpg", "p/b c.jpg", "p/q/d.png"]
    assert "2 files of an earlier prediction left out: " in logged()


def test_names_that_are_no_utf_8_for_the_locale(here, monkeypatch):
    (here / "p" / "\udcff.jpg").write_bytes(b"")
    with pytest.raises(RecycleError, match="1 file name not in UTF-8") as refused:
        find_photos(here / "p")
    assert refused.value.remedy == "rename them"
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    with pytest.raises(RecycleError) as refused:
        find_photos(here / "p")
    assert "PYTHONUTF8=1" in refused.value.remedy


def test_weights_to_start_from_that_are_no_run(here):
    torch.save({"state_dict": {"head": torch.ones(3)[::2]}}, here / "w 1.pt")
    with pytest.raises(RecycleError, match="is pickled") as refused:
        weights_of("w 1.pt", here / "runs")
    script, file, made = shlex.split(refused.value.remedy.split("python -c ")[1])
    subprocess.run([sys.executable, "-c", script, file, made], check=True, cwd=here)
    assert weights_of(made, here / "runs") == here / made
    assert load_file(made)["head"].tolist() == [1, 1]
    with pytest.raises(RecycleError, match="is an address"):
        weights_of("https://example.org/w.safetensors", here / "runs")


@pytest.mark.parametrize("name", ["-", "s.csv.gz"])
def test_outputs_that_are_no_plain_files_are_refused(here, name):
    with pytest.raises(RecycleError):
        predict(discover(), Job((), (), submission=Path(name)))
    assert not list(here.glob("*.json"))
