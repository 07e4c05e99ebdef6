"""What is kept or passed on names neither a user nor a password, and carries nothing of a photo's EXIF."""

import base64
import io
import json
import os
import re
import sys

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from recycle_data.shown_paths import shown_path, shown_text
from recycle_engine.checkpoint import card
from recycle_engine.environment import environment
from recycle_engine.inference.job import Job
from recycle_engine.inference.members import Member
from recycle_engine.pipeline import Pipeline
from recycle_report import api as reports
from serving import HOST, encoded, serving, thirds
from support import coco, recycle_here, runs_in, write_coco

from recyclecli.errors import RecycleError
from recyclecli.locks import held
from recyclecli.printable import printable_streams
from recyclecli.private import without_passwords
from recyclecli.recipe import ComponentSpec, DataSection, ListedPart, LossPart, Recipe
from recyclecli.settings import TrainSection

URL = "https://alice:s3cret@host.example/weights"
EXIF = Image.Exif()
EXIF[0x010F] = "CameraOfAlice"
EXIF.get_ifd(0x8825)[1] = "N"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"get {URL}, then", "get https://***@host.example/weights, then"),
        ("s3://key@bucket/a", "s3://***@bucket/a"),
        ("https://host/a?user=1&access_token=s3cret&b=2", "https://host/a?user=1&access_token=***&b=2"),
        ("https://host/a?X-Amz-Signature=s3cret", "https://host/a?X-Amz-Signature=***"),
        ("https://host/@name and a@b.example", "https://host/@name and a@b.example"),
        ("sqlite:////home/runs/mlflow.db", "sqlite:////home/runs/mlflow.db"),
    ],
)
def test_passwords_of_urls(text, kept):
    assert without_passwords(text) == kept


def test_passwords_reach_no_file_and_no_terminal(registry, monkeypatch, capsys):
    named = {"data": DataSection(dataset=ComponentSpec(name="coco")), "loss": (LossPart(name="ce"),)}
    named["train"] = TrainSection(optimizer=ComponentSpec(name="adamw"), schedule=ComponentSpec(name="cosine"))
    recipe = Recipe(model=ComponentSpec(name="fpn", weights=URL), **named)
    monkeypatch.setattr(sys, "argv", ["recycle", "train", "-o", f"model.weights={URL}"])
    described = card(recipe, ("a",), [(0, 0, 0)], "?", (384, 512))
    kept = [recipe.to_yaml(), json.dumps(environment(registry)), json.dumps(described)]
    with printable_streams():
        print(json.dumps({"weights": URL}))
        print(f"error: {URL} does not answer", file=sys.stderr)
    for text in (*kept, *capsys.readouterr()):
        assert "host.example" in text
        assert "s3cret" not in text


def test_passwords_reach_neither_the_record_of_a_prediction_nor_the_info_of_labels(tmp_path):
    """Both describe the job, and so does the journal."""
    (tmp_path / "weights").write_bytes(b"")
    post = ListedPart(name="acme", url=URL, headers=[{"at": f"{URL}?token=s3cret"}])
    job = Job((Member(tmp_path / "weights", Pipeline(post=(post,))),), (), tmp_path)
    said = json.dumps(job.as_dict())
    assert said.count("host.example") == 2
    assert "s3cret" not in said


def test_passwords_are_not_told_to_who_comes_second(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["recycle", "train", "-o", f"model.weights={URL}"])
    with held(tmp_path / "place"), pytest.raises(RecycleError, match="is in use by process") as refused:
        held(tmp_path / "place").__enter__()
    assert "host.example" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_paths(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "alice"))
    run = tmp_path / "work/runs/r"
    assert shown_path(tmp_path / "alice/data", run) == "~/data"
    assert shown_path(tmp_path / "work/data", run) == "../../data"
    assert shown_path(run / "best", run) == "best"
    assert shown_path("/mnt/bob/photos", run) == ".../photos"
    assert shown_path("data", run) == "data"
    text = f"4 photos of {tmp_path}/alice/my data, {tmp_path}/alice2, /home/bob/x and C:\\Users\\bob\\x"
    assert shown_text(text, run) == f"4 photos of ~/my data, {tmp_path}/alice2, ~/x and ~\\x"
    assert shown_text("fold 0 of /mnt/bob/d/folds.json", run, ["/mnt/bob/d"]) == "fold 0 of .../d/folds.json"


def test_paths_of_a_user_without_a_home(monkeypatch, tmp_path):
    """A container whose user is a number: there is no HOME, and no line of /etc/passwd."""
    monkeypatch.setattr(os.path, "expanduser", lambda text: text)
    assert shown_path(tmp_path / "work/data", tmp_path / "work/runs/r") == "../../data"
    assert shown_text(f"photos of {tmp_path}/x", tmp_path / "work") == f"photos of {tmp_path}/x"


def test_a_report_names_no_user(tmp_path, made_runs, monkeypatch):
    home = runs_in(tmp_path / "alice", made_runs)
    monkeypatch.setenv("HOME", str(home))
    reports.report(home / "runs/fold-1")
    page = (home / "runs/fold-1/report.html").read_text()
    assert "~/data" in page
    assert "recycle eval ~/runs/fold-1" in page
    assert "alice" not in page
    assert str(tmp_path) not in page


def pictures_of(folder):
    """What lies in a folder, and the pictures in its pages."""
    for file in folder.rglob("*"):
        if file.suffix == ".html":
            for found in re.findall(r"base64,([\w+/=]+)", file.read_text()):
                yield base64.b64decode(found)
        elif file.is_file():
            yield file.read_bytes()


def test_what_is_shown_carries_no_exif(tmp_path):
    write_coco(tmp_path / "data", coco(2))
    photo = tmp_path / "data/images/1.jpg"
    with Image.open(photo) as image:
        image.save(photo, exif=EXIF)
    assert b"CameraOfAlice" in photo.read_bytes()
    out = tmp_path / "out"
    for name in ("sheet.png", "page.html"):
        done = recycle_here("data", "show", "--data", tmp_path / "data", "--out", out / name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    done = recycle_here("aug", "preview", "flip", "--data", tmp_path / "data", "--out", out / "p.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with serving() as app:
        client = TestClient(app, base_url=HOST)
        for path, name in (("/api/predict", "answer.html"), ("/api/mask", "mask.png")):
            answer = client.post(path, content=encoded(thirds(), "JPEG", exif=EXIF))
            (out / name).write_bytes(answer.content)
    shown = list(pictures_of(out))
    assert len(shown) >= 5
    for content in shown:
        assert b"CameraOfAlice" not in content
        assert b"Exif" not in content
        assert b"eXIf" not in content


def test_copies_of_photos_keep_it(tmp_path):
    write_coco(tmp_path / "data", coco(2))
    photo = tmp_path / "data/images/1.jpg"
    Image.open(io.BytesIO(photo.read_bytes())).save(photo, exif=EXIF)
    done = recycle_here("data", "convert", "data", "masks", "--from", "coco", "--to", "masks", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "masks/images/1.jpg").read_bytes() == photo.read_bytes()
