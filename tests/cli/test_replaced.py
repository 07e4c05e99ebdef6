"""No command replaces a file that it reads, whatever --force says: each that writes a file of a name that is typed."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image
from recycle_coco.photo import photo_size
from recycle_data.replaced import never_read
from support import recycle_here, runs_in

from recyclecli.errors import RecycleError

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from reference.commands import tree

WRITTEN = ("out", "html", "fix", "submission", "dst", "soup", "file")  # names of what outputs are typed as
COCO, PHOTO, CSV, LIST = "data/annotations.json", "data/images/input.png", "a.csv", "photos.txt"
LINES = {  # a command to lines with what it reads and would replace
    "init": {f"--data data --out {COCO}": COCO},
    "data stats": {f"--data data --html {COCO}": COCO},
    "data check": {f"--data data --fix {COCO}": COCO, f"--data data --json-path annotations.json --fix ./{COCO}": COCO},
    "data show": {f"--data data --image input.png --out {PHOTO}": PHOTO},
    "aug preview flip": {f"--data data --out {PHOTO}": PHOTO},
    "predict": {
        f"runs/seed-0 {COCO} --submission {COCO}": COCO,
        f"runs/seed-0 {PHOTO} --submission {PHOTO}": PHOTO,
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
