"""Every way in takes and refuses the same photos, with the same words, and sees the same pixels."""

import contextlib
import importlib.util
import io
import json
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper
from photos import HEIGHT, WIDTH, kinds, picture
from PIL import Image
from recycle_coco import photo_size, read_photo
from recycle_data.sources import relabelled
from recycle_engine import api
from recycle_engine.checkpoint import load_trained
from recycle_engine.evaluation.evaluate import fill
from recycle_engine.inference.infer import Predictor, Stage
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_export.onnx import script as script_of
from recycle_serve.photo import read_photo as read_upload
from serving import HOST, Fake, serving
from support import coco, recycle_here, write_coco

from recyclecli.errors import RecycleError

SEVERAL = ("moving.png", "moving.webp", "pages.tiff")
MORE = "holds 2 pictures, of which the first is read"
NOTES = dict.fromkeys(SEVERAL, MORE) | dict.fromkeys(
    ("palette.png",), "has transparent pixels, whose colours are read as if they were not"
)
LOSSY = ("cmyk.jpg", "gray", "one-bit", "palette", "cmyk.tif", "lab.tif", "two")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """photos/ with every kind, and data/, where each is annotated with its upright size."""
    place = tmp_path_factory.mktemp("photos")
    content = coco(0, categories=(("General trash", 1), ("Paper", 2)))
    (place / "data/photos").mkdir(parents=True)
    for number, (name, (data, _)) in enumerate(kinds().items(), 1):
        (place / "data/photos" / name).write_bytes(data)
        content["images"].append({"id": number, "file_name": f"photos/{name}", "width": WIDTH, "height": HEIGHT})
        square = {"segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]], "area": 324, "bbox": [2, 2, 18, 18], "iscrowd": 0}
        content["annotations"].append({"id": number, "image_id": number, "category_id": 1 + number % 2, **square})
    write_coco(place / "data", content, photos=False)
    content = coco(1, categories=(("General trash", 1), ("Paper", 2)))
    write_coco(place / "data", content, "val.json")
    return place


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The module run.py of an export whose model gives the photo's colours as the scores of three classes."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "run.py").write_text(script_of())
    sides = ["batch", 3, "height", "width"]
    places = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name in ("image", "logits")]
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["logits"])], "colours", places[:1], places[1:])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "model.onnx")
    card = {"size": 64, "window": [64, 64], "multiple": 0, "palette": [[0, 0, 0], [230, 159, 0], [86, 180, 233]]}
    (folder / "card.json").write_text(json.dumps(card))
    spec = importlib.util.spec_from_file_location("exported_run", folder / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "recyclecli" not in (folder / "run.py").read_text().replace("without recyclecli", "")
    return module


def test_a_link_to_the_script_finds_the_export(script, tmp_path):
    (tmp_path / "colour.py").symlink_to(script.__file__)
    spec = importlib.util.spec_from_file_location("linked_run", tmp_path / "colour.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert Path(script.__file__).resolve().parent == module.HERE


def ran(script, *arguments):
    """Exit code and what was said of a call of run.py."""
    code, said = 0, io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            script.main(list(map(str, arguments)))
        except SystemExit as end:
            code = end.code
    return code, said.getvalue()


def raised(call):
    """What is wrong, or nothing."""
    try:
        call()
    except RecycleError as error:
        return str(error.args[0])
    return ""


@pytest.fixture(scope="module")
def verdicts(work, script, made_runs, registry):
    """Door to photo to what it says of it: nothing for a photo that it takes."""
    folder, names = work / "data/photos", list(kinds())
    run, found = made_runs / "runs/fold-1", {}
    done = recycle_here("predict", run, folder, "--out", work / "out", "--json", cwd=work)
    assert done.returncode == 1, done.stderr
    found["predict"] = json.loads(done.stdout)["failed"]
    for name in names:
        assert (f"note: photo {folder / name} {MORE}\n" in done.stderr) == (name in SEVERAL), done.stderr
    said = api.predict(run, work / "data/annotations.json", submission=work / "s.csv", outputs=[])
    found["API"] = {name.removeprefix("photos/"): fault for name, fault in said.failed.items()}
    source = api.open_data(work / "data")
    trained = load_trained(registry, next(run.glob("checkpoints/best.safetensors")))
    judged = relabelled(source, trained.class_names)
    found["eval"] = {}
    for at, name in enumerate(names):
        ledger, predictor = PerImageCounts(trained.class_names), Predictor(trained, [Stage()])
        found["eval"][name] = raised(partial(fill, [ledger], predictor, One(judged, at), 1))
    files = {"data.train": [{"json": "annotations.json"}], "data.val": [{"json": "val.json"}]}
    settings = {"data.root": work / "data", **files}
    made = api.augment("copy-paste", len(names), settings, out=work / "aug", workers=1, mode="self")
    found["aug"] = {name.removeprefix("photos/"): fault for name, fault in made.skipped.items()}
    found["run.py"] = {}
    for name in names:
        code, text = ran(script, folder / name, work / "mask.png")
        if name in NOTES:
            assert text == f"note: photo {folder / name} {NOTES[name]}\n"
            text = ""
        assert (code, bool(text)) in ((0, False), (2, True)), text
        found["run.py"][name] = text.removeprefix("error: ").partition("\n")[0]
    with serving(Fake(source.class_names, [(0, 0, 0)] * 3)) as app:
        client = TestClient(app, base_url=HOST)
        answers = {name: client.post("/api/predict", content=(folder / name).read_bytes()) for name in names}
    assert {answer.status_code for answer in answers.values()} == {200, 400, 415}
    found["serve"] = {name: answer.json().get("error", "") for name, answer in answers.items()}
    for name, answer in answers.items():
        assert answer.json().get("photo", {}).get("note", "") == NOTES.get(name, ""), name
    return found


class One:
    """One photo of a source."""

    def __init__(self, source, place):
        self._source, self._place, self.class_names = source, place, source.class_names

    def __len__(self):
        return 1

    def record(self, index):
        return self._source.record(self._place)

    def read(self, index):
        return self._source.read(self._place)


@pytest.mark.parametrize("name", kinds())
def test_every_door_gives_the_same_verdict(verdicts, work, name):
    words = kinds()[name][1]
    for door, found in verdicts.items():
        said = found.get(name, "")
        subject = "the photo" if door == "serve" else f"photo {work / 'data/photos' / name}"
        assert bool(said) == bool(words), (door, said)
        assert words in said, door
        assert not words or said == verdicts["predict"][name].replace(f"photo {work / 'data/photos' / name}", subject)


@pytest.mark.parametrize("name", [name for name, (_, words) in kinds().items() if not words])
def test_every_door_sees_the_same_pixels(work, script, name):
    file = work / "data/photos" / name
    pixels = read_photo(file)
    assert photo_size(file) == pixels.shape[:2] == (HEIGHT, WIDTH)
    assert np.array_equal(read_photo(file, HEIGHT, WIDTH), pixels)
    assert np.array_equal(read_upload(file.read_bytes()).pixels, pixels)
    assert np.array_equal(np.asarray(script.read_photo(file)), pixels)
    if not name.startswith(LOSSY):
        assert np.abs(pixels.astype(int) - np.asarray(picture())).mean() < 8, "upright, and no colour lost"


@pytest.mark.parametrize("name", ["turned-6.jpg", "turned-6.tif", "turned-6-lzw.tif"])
def test_labels_drawn_on_the_stored_picture_leave_it_unturned(work, name):
    """A photo that was labelled in a program without EXIF is read as it is stored."""
    file = work / "data/photos" / name
    stored = read_photo(file, WIDTH, HEIGHT)
    wanted = np.asarray(picture().transpose(Image.Transpose.ROTATE_90))
    assert np.abs(stored.astype(int) - wanted).mean() < 8


def test_masks_of_the_script_are_upright(work, script, tmp_path):
    for name in ("turned-3.tif", "turned-6.tif", "turned-6.jpg", "plain.png"):
        assert ran(script, work / "data/photos" / name, tmp_path / "m.png") == (0, "")
        mask = np.asarray(Image.open(tmp_path / "m.png"))
        assert [mask[10, 15], mask[10, 45], mask[30, 15]] == [0, 1, 2], name


def test_the_script_says_what_is_wrong(work, script, tmp_path):
    photo = work / "data/photos/plain.jpg"
    (tmp_path / "a folder").mkdir()
    (tmp_path / "p.png").write_bytes(photo.read_bytes())
    cases = {
        (): "the following arguments are required: photo, mask",
        (photo,): "the following arguments are required: mask",
        (photo, tmp_path / "mask.jpg"): "mask.jpg: a mask is a PNG, and other formats change its values",
        (photo, tmp_path / "mask"): "name it mask.png",
        (tmp_path, tmp_path / "m.png"): f"photo {tmp_path} is a folder, and a photo is expected",
        (tmp_path / "none.jpg", tmp_path / "m.png"): "none.jpg is missing",
        (photo, tmp_path / "none/m.png"): "cannot write",
        (photo, tmp_path / "a folder"): "a mask is a PNG",
        (tmp_path / "p.png", tmp_path / "p.png"): "is the photo itself",
    }
    for arguments, words in cases.items():
        code, said = ran(script, *arguments)
        assert (code, words in said, "Traceback" in said) == (2, True, False), said
    assert (tmp_path / "p.png").read_bytes() == photo.read_bytes()
    card = script.HERE / "card.json"
    text = card.read_text()
    card.write_text("{")
    code, said = ran(script, photo, tmp_path / "m.png")
    card.write_text(text)
    assert code == 2
    assert "is no whole export" in said


def test_the_script_writes_a_palette_or_gray(work, script, tmp_path):
    photo = work / "data/photos/plain.png"
    assert ran(script, photo, tmp_path / "p.png") == ran(script, photo, tmp_path / "g.png", "--gray") == (0, "")
    with Image.open(tmp_path / "p.png") as colours, Image.open(tmp_path / "g.png") as gray:
        assert (colours.mode, gray.mode) == ("P", "L")
        assert np.array_equal(np.asarray(colours), np.asarray(gray))
    assert {(tmp_path / name).read_bytes()[24] for name in ("p.png", "g.png")} == {8}, "bits of each pixel"
