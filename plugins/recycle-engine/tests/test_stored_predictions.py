"""Results that are judged on photos that the runs which made them have trained on."""

import json

import pytest
from PIL import Image, ImageOps
from recycle_data.sources import read_labels
from recycle_engine import api
from recycle_engine.api.judged import refuse_trained_on


@pytest.fixture
def told(tmp_path, made_runs, logged):
    """The photos of the runs' data, and a function that judges and gives what was logged."""
    run = made_runs / "runs/seed-0"
    source = api.open_data(made_runs / "data")
    record = json.dumps({"members": [{"checkpoint": str(run / "checkpoints/best.safetensors")}]})
    folder, file = tmp_path / "out", tmp_path / "s.csv"
    rows = ["image_id,PredictionString"]
    for index in range(len(source)):
        name = source.record(index).file_name
        place = (folder / "masks" / name).with_suffix(".png")
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(read_labels(source, index)[0]).save(place)
        rows.append(f"{name}," + " ".join(["0"] * 256**2))
    file.write_text("\n".join(rows) + "\n")
    for place in (folder / "predicted.json", tmp_path / "s.csv.json"):
        place.write_text(record)
    return run, source, folder, file, logged


def test_what_made_them_is_asked(told):
    run, source, folder, file, logged = told
    for judge, place in (
        (api.evaluate_masks, folder),
        (api.evaluate_masks, folder / "masks"),
        (api.count, file),
    ):
        judge(place, source)
        said = logged()
        assert f"{run}, which made {place}, has trained on 12 of these 24 photos" in said, said


def test_a_record_of_a_run_that_is_gone_or_of_another_program_says_nothing(told):
    _, source, folder, _, logged = told
    for text in ('{"members": [{"checkpoint": "/nowhere/best.safetensors"}]}', "[]", "{}", "no JSON"):
        (folder / "predicted.json").write_text(text)
        api.evaluate_masks(folder, source)
    assert "trained on" not in logged()


def test_photos_that_a_run_has_trained_on_mirrored_are_counted(tmp_path, made_runs, logged):
    (tmp_path / "images").mkdir()
    content = json.loads((made_runs / "data/annotations.json").read_text())
    for image in content["images"]:
        with Image.open(made_runs / "data" / image["file_name"]) as photo:
            ImageOps.mirror(photo).save(tmp_path / image["file_name"], quality=95)
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    refuse_trained_on(made_runs / "runs/seed-0", api.open_data(tmp_path))
    assert "seed-0 has trained on 12 of these 24 photos, mirrored, turned or inverted" in logged()
