"""What people type: several photos, lists, what is no photo, home folders, names that a CSV or a shell trips over."""

import csv
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recycle_data.submission import read_submission
from recycle_engine import api
from recycle_engine.cli.groups import _file
from support import recycle_here

from recyclecli.cli.app import _expanded
from recyclecli.errors import RecycleError


@pytest.fixture
def place(tmp_path):
    """photos/ with a.jpg, b/c.jpg and b/d.jpg."""
    for name in ("a.jpg", "b/c.jpg", "b/d.jpg"):
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)).save(file)
    return tmp_path


@pytest.fixture
def predicted(place, made_runs):
    """`predict` with more arguments; the names of its rows, its exit code, and what it said."""

    def predict(*arguments, code=0, env=None):
        line = ("predict", made_runs / "runs/fold-1", *arguments, "--submission", "s.csv", "--force")
        done = recycle_here(*line, cwd=place, env=env)
        assert done.returncode == code, done.stderr
        return list(read_submission(place / "s.csv")) if code < 2 else [], done.stderr

    return predict


def test_several_photos_are_named_as_a_pattern_in_quotes_names_them(predicted):
    quoted, _ = predicted("photos/b/*.jpg")
    assert quoted == predicted("photos/b/d.jpg", "photos/b/c.jpg")[0] == ["c.jpg", "d.jpg"]
    whole, _ = predicted("photos")
    assert whole == predicted("photos/a.jpg", "photos/b", "photos/b/c.jpg")[0] == ["a.jpg", "b/c.jpg", "b/d.jpg"]


def test_a_list_gives_the_rows_their_order_and_names(predicted, place, monkeypatch):
    lines = ["photos/b/d.jpg", "photos/a.jpg", "", "photos/gone.jpg"]
    (place / "list.txt").write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    rows, said = predicted("--list", "list.txt", code=1)
    assert rows == ["photos/b/d.jpg", "photos/a.jpg"]
    assert "photos/gone.jpg is missing" in said
    (place / "photos/inner.txt").write_text("d.jpg\nc.jpg\n")
    assert predicted("--list", "photos/inner.txt", "--data", "photos/b")[0] == ["d.jpg", "c.jpg"]
    (place / "far.txt").write_text(f"{place}/photos/b/c.jpg\n{place}/photos/a.jpg\n")
    assert predicted("--list", "far.txt", "--out", "out")[0] == ["b/c.jpg", "a.jpg"]
    assert (place / "out/masks/b/c.png").is_file()
    with (place / "list.txt").open() as handle:
        monkeypatch.setattr(sys, "stdin", handle)
        assert len(predicted("--list", "-", code=1)[0]) == 2


def test_what_is_no_photo_is_called_what_it_is(predicted, place):
    for name in ("few.zip", "few.tar.gz", "v.MP4", "list.txt", "sheet.csv"):
        (place / name).write_bytes(b"x")
    cases = {
        ("few.zip",): "few.zip is an archive(.|\n)*unzip few.zip -d few",
        ("few.tar.gz",): "few.tar.gz is an archive(.|\n)*tar -xf few.tar.gz -C few",
        ("v.MP4",): "v.MP4 is a video(.|\n)*ffmpeg -i v.MP4 v/%06d.png",
        ("list.txt",): "list.txt is a text file(.|\n)*--list list.txt",
        ("-",): "standard input(.|\n)*--list -",
        ("https://example.org/a.jpg",): "is an address(.|\n)*download it",
        ("photos/a.jpg", "none.jpg"): "none.jpg does not exist",
        (): "no photos are named(.|\n)*--list FILE",
        ("photos", "--list", "list.txt"): "named twice",
    }
    for arguments, words in cases.items():
        _, said = predicted(*arguments, code=2)
        assert re.search(words, said), said


def test_what_a_folder_holds_and_is_not_taken_is_counted_named_and_said(predicted, place):
    (place / "photos/gone.jpg").symlink_to("../objects/1.jpg")
    (place / "photos/moving.gif").write_bytes(b"GIF89a")
    (place / "photos/notes.txt").write_text("x")
    (place / "photos/more.txt").write_text("x")
    for images in ("photos", "photos/**/*"):
        rows, said = predicted(images, code=1)
        assert rows == ["a.jpg", "b/c.jpg", "b/d.jpg"]
        assert "photos/gone.jpg is a link to ../objects/1.jpg, which is missing" in said
        assert "moving.gif cannot be read: it is GIF" in said
        assert "2 files that are no photos: .txt 2" in said
        assert "2 photos could not be read" in said
    rows, said = predicted("photos", "--unreadable", "background", "--out", "o")
    assert rows == ["a.jpg", "b/c.jpg", "b/d.jpg", "gone.jpg", "moving.gif"]
    assert not read_submission(place / "s.csv")["gone.jpg"].any()
    assert "2 photos could not be read or written; their rows are background" in said
    assert set(json.loads((place / "o/predicted.json").read_text())["failed"]) == {"gone.jpg", "moving.gif"}
    rows, said = predicted("photos", "--unreadable", "skip", "--out", "left")  # as it was said, the exit code is 0
    assert rows == ["a.jpg", "b/c.jpg", "b/d.jpg"]
    assert "2 photos could not be read or written; all" in said


@pytest.mark.parametrize("images", ["photos", "photos/*/*.jpg", "photos/**/*.jpg"])
def test_a_folder_that_may_not_be_entered_is_named(place, made_runs, monkeypatch, images):
    real = os.scandir

    def scandir(folder="."):
        if not isinstance(folder, int) and os.fspath(folder).rstrip("/").endswith("photos/locked"):
            raise PermissionError(13, "Permission denied", os.fspath(folder))
        return real(folder)

    (place / "photos/locked").mkdir()
    monkeypatch.chdir(place)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        done = api.predict(made_runs / "runs/fold-1", images, submission="s.csv")
    assert list(done.failed) == ["locked/"]
    assert "photos/locked cannot be looked into: Permission denied" in done.failed["locked/"]
    assert done.photos == len(read_submission(Path("s.csv")))


def test_background_needs_a_submission(predicted, place, made_runs):
    run = made_runs / "runs/fold-1"
    with pytest.raises(RecycleError, match="about rows of a submission"):
        api.predict(run, place / "photos", place / "out", unreadable="background")


def test_names_with_quotes_and_line_breaks_stay_one_cell(predicted, place):
    names = ['it"s.jpg', "two\nlines.jpg", "back\rand.jpg", "a,b.jpg", " space.jpg"]
    for name in names:
        (place / "odd").mkdir(exist_ok=True)
        (place / "odd" / name).write_bytes((place / "photos/a.jpg").read_bytes())
    assert sorted(predicted("odd")[0]) == sorted(names)
    with (place / "s.csv").open(newline="") as handle:
        assert sorted(row["image_id"] for row in csv.DictReader(handle)) == sorted(names)
    from recycle_engine.training.callbacks import _line  # importing it takes seconds

    assert next(csv.reader([_line(["a\nb", 'c"d', 1])])) == ["a\nb", 'c"d', "1"]


def test_home_is_home_behind_an_equals_sign(predicted, place):
    predicted("photos", "--out=~/x", env={"HOME": str(place / "home")})
    assert (place / "home/x/predicted.json").is_file()
    assert not (place / "~").exists()
    for same in ("-o", "model.weights=~", "~x.jpg", "--note=a~/b", "--out=~nobody-here/x"):
        assert _expanded(same) == same
    assert _expanded("data.root=~/x") == f"data.root={Path.home()}/x"


def test_a_path_with_an_at_sign_is_a_path(tmp_path):
    root = tmp_path / "me@host"
    root.mkdir()
    for name in ("train.json", "a@b.json", "c.json:2"):
        (root / name).write_text("{}")
    assert _file(f"{root}/train.json", tmp_path) == {"json": f"{root}/train.json"}
    assert _file(f"{root}/train.json:0.5", tmp_path) == {"json": f"{root}/train.json", "weight": 0.5}
    assert _file(f"{root}/train.json@{root}:2", tmp_path) == {
        "json": f"{root}/train.json", "root": str(root), "weight": 2.0,
    }  # fmt: skip
    assert _file("a@b.json", root) == {"json": "a@b.json"}
    assert _file("c.json:2", root) == {"json": "c.json:2"}
    assert _file("new.json@there:2", root) == {"json": "new.json", "root": "there", "weight": 2.0}
