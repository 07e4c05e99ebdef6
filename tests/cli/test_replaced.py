"""Nothing replaces a file that it reads, whatever --force says, nor joins the photos that it reads."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image
from recycle_coco.photo import photo_size
from recycle_data.replaced import never_read, will_read
from recycle_engine import api
from support import recycle_here, runs_in

from recyclecli.errors import RecycleError

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from reference.commands import tree

WRITTEN = ("out", "html", "fix", "submission", "dst", "soup", "file")  # names of what outputs are typed as
COCO, PHOTO, CSV, LIST = "data/annotations.json", "data/images/input.png", "a.csv", "photos.txt"
LINES = {  # a command to lines with what it reads and would replace
    "init": {f"--data data --out {COCO}": COCO},
    "data stats": {f"--data data --html {COCO}": COCO},
    "data check": {
        f"--data data --fix {COCO}": COCO,
        f"--data data --json-path annotations.json --fix ./{COCO}": COCO,
        f"--data data --fix {PHOTO}": PHOTO,
    },
    "data show": {f"--data data --image input.png --out {PHOTO}": PHOTO},
    "aug preview flip": {f"--data data --out {PHOTO}": PHOTO},
    "predict": {
        f"runs/seed-0 {COCO} --submission {COCO}": COCO,
        f"runs/seed-0 {PHOTO} --submission {PHOTO}": PHOTO,
        f"runs/seed-0 data/images --submission {PHOTO}": PHOTO,
        f"runs/seed-0 --list {LIST} --submission {LIST}": LIST,
    },
    "ensemble": {
        f"runs/seed-0 runs/seed-1 --images {COCO} --submission {COCO}": COCO,
        f"{CSV} b.csv --submission {CSV}": CSV,
    },
    "pseudo-label": {
        f"runs/seed-0 {COCO} --out {COCO}": COCO,
        f"runs/seed-0 new --from-csv {CSV} --out {CSV}": CSV,
    },
}


def test_every_command_that_writes_a_file_is_tried():
    found = set()
    for path, command in tree():
        names = [
            one.name for one in command.params if one.name in WRITTEN and not (one.help or "").startswith("Folder")
        ]
        if names and any(one.name == "force" for one in command.params) and path[:2] != ("aug", "preview"):
            found.add(" ".join(path))
    assert found | {"aug preview flip"} == {*LINES}, "previews are one command"


@pytest.fixture(scope="module")
def place(made_runs, tmp_path_factory):
    """Runs with their data, a photo of which is a PNG, and two submissions."""
    place = runs_in(tmp_path_factory.mktemp("replaced"), made_runs)
    content = json.loads((place / COCO).read_text())
    first = place / "data" / content["images"][0]["file_name"]
    first.rename(place / PHOTO)
    for file in place.glob("data/*.json"):
        file.write_text(file.read_text().replace(content["images"][0]["file_name"], "images/input.png"))
    (place / "data/folds.json").unlink()
    (place / "new").mkdir()
    Image.new("RGB", (32, 32), (200, 40, 9)).save(place / "new/input.png")
    (place / LIST).write_text(PHOTO)
    labels = " ".join(["0"] * 256 * 256)
    for name in (CSV, "b.csv"):
        (place / name).write_text(f"image_id,PredictionString\ninput.png,{labels}\n")
    return place


@pytest.mark.parametrize(
    ("command", "line"), [(command, line) for command, lines in LINES.items() for line in lines], ids=str
)
def test_an_input_is_kept(place, command, line):
    file = place / LINES[command][line]
    before = file.read_bytes()
    done = recycle_here(*command.split(), *line.split(), "--force", cwd=place)
    assert (done.returncode, file.read_bytes() == before) == (2, True), done.stderr
    assert "its output would replace its input\n  remedy: name another file for the output" in done.stderr


def test_other_files_are_read_and_the_next_block_knows_nothing_of_the_last(place, tmp_path):
    with never_read(tmp_path / "new.png"), never_read(None):
        photo_size(place / PHOTO)
    (tmp_path / "link.png").symlink_to(place / PHOTO)
    with pytest.raises(RecycleError, match=r"is read by this command, as .*link\.png"), never_read(place / PHOTO):
        photo_size(tmp_path / "link.png")
    photo_size(place / PHOTO)


def test_functions_keep_their_inputs(place, monkeypatch):
    monkeypatch.chdir(place)
    before = (place / PHOTO).read_bytes()
    with pytest.raises(RecycleError, match="would replace its input"):
        api.predict("runs/seed-0", "data/images", submission=PHOTO, force=True)
    with pytest.raises(RecycleError, match="would replace its input"):
        api.predict_listed("runs/seed-0", [PHOTO], submission=PHOTO, force=True)
    assert (place / PHOTO).read_bytes() == before
    assert not [*place.glob("data/images/*.part")], "refused before anything is written"


def test_a_file_that_another_process_reads_counts_as_read(place):
    with pytest.raises(RecycleError, match="would replace its input"), never_read(place / PHOTO):
        will_read([place / "gone.png", place / PHOTO])
    will_read([place / PHOTO])


@pytest.fixture(scope="module")
def masks(place, tmp_path_factory):
    """A folder of photos and masks."""
    folder = tmp_path_factory.mktemp("tree") / "masks"
    api.convert(place / "data", folder, "coco", "masks")
    return folder


@pytest.mark.parametrize(
    "line",
    [
        "data convert {0} {0}/images/new --from masks --to coco",
        "data convert . images --from masks --to yolo",
        "data convert {0} {0}/images/a.2 --from masks --to masks",
        "data export {0} {0}/images/new --dataset masks --to cvat",
        "data show --data {0} --dataset masks --out {0}/images/new.png",
        "aug preview flip --data {0} --dataset masks --out {0}/images/new.png",
        "aug copy-paste --data {0} --dataset masks --aug-num 1 --out {0}/images",
    ],
)
def test_an_output_joins_no_photos(masks, line):
    before = sorted(masks.rglob("*"))
    done = recycle_here(*line.format(masks).split(), cwd=masks)
    assert (done.returncode, sorted(masks.rglob("*"))) == (2, before), done.stderr
    assert "of which all photos are read: the output would join the input" in done.stderr


def test_an_output_may_lie_beside_what_is_read(masks, place):
    assert recycle_here(*f"data convert {masks} {masks}/coco --from masks --to coco".split(), cwd=masks).returncode == 0
    assert (
        recycle_here(*["data", "convert", ".", "yolo", "--from", "coco", "--to", "yolo"], cwd=place / "data").returncode
        == 0
    )
    assert len(api.open_data(masks, dataset="masks")) == len(api.open_data(place / "data"))
