"""What was read to make photos is known, whatever an augmentation says of it, and training minds it."""

import json
import shutil

import pytest
import torch
from PIL import Image
from recycle_engine import api
from recycle_engine.offline_augment import offline
from recycle_engine.training.leakage import refuse_leakage
from recycle_engine.training_provenance import photos_of_split
from recycle_kit.testing import AugmentationConformance, random_source
from support import coco, first_of, write_coco

from recyclecli.errors import RecycleError
from recyclecli.recipe import ListedPart


class Cheat:
    """Pastes pixels of another photo of the source, with no instance, and says that it did not."""

    def __init__(self, source, first=0):
        self._source, self._photos = source, 0
        self._next = first

    def __call__(self, batch):
        image, instances = batch.image.clone(), batch.instances.clone()
        for photo in range(len(image)):
            other = self._source.read(self._next % len(self._source)).image
            self._next += 1
            image[photo, :, :16] = torch.from_numpy(other[:16].copy()).permute(2, 0, 1) / 255
            instances[photo, :16] = 0
        self._photos = len(image)
        return batch._replace(image=image, instances=instances)

    def origins(self):
        return [{} for _ in range(self._photos)]


def test_conformance_catches_what_origins_leaves_out(registry):
    class Suite(AugmentationConformance):
        name = "copy-paste"

        @classmethod
        def build(cls, registry, context):
            return Cheat(context.source)

    with pytest.raises(pytest.fail.Exception, match=r"expected origins\(\) to name photo 0 of the source"):
        Suite().test_origins_name_all_photos_that_are_shown(registry)
    assert len(random_source()) == 4


@pytest.fixture
def made(tmp_path, registry, monkeypatch):
    """A folder of 8 photos; `made.json` holds two photos that `Cheat` made of the first two, reading the next two."""
    data = tmp_path / "data"
    write_coco(data, coco(8))
    (data / "four.json").write_text(json.dumps(first_of(data / "annotations.json", 4)))
    content = json.loads((data / "annotations.json").read_text())
    for name, ids in (("five", (5,)), ("three", (3,)), ("held", (7, 8))):
        images = [image for image in content["images"] if image["id"] in ids]
        kept = [one for one in content["annotations"] if one["image_id"] in ids]
        (data / f"{name}.json").write_text(json.dumps({**content, "images": images, "annotations": kept}))
    monkeypatch.setattr(offline, "build_augmentation", lambda registry, part, training: Cheat(training, 2))
    monkeypatch.setattr(offline, "shown_on", lambda source, names: [0, 1])
    split = api.split({"data.root": data, "data.train": [{"json": "four.json"}], "data.val": [{"json": "held.json"}]})
    part = ListedPart(name="copy-paste")
    offline.make(registry, split, [part], data, "made", 2, mode="self", workers=1)
    return data


def split_of(data, val):
    return api.split({"data.root": data, "data.train": [{"json": "made.json"}], "data.val": [{"json": val}]})


def test_photos_that_were_read_are_named_once_with_their_digests(made):
    content = json.loads((made / "made.json").read_text())
    assert [one["file_name"] for one in content["provenance"]] == ["images/3.jpg", "images/4.jpg"]
    origins = [*content["provenance"], *(origin for image in content["images"] for origin in image["provenance"])]
    assert {len(bytes.fromhex(origin["digest"])) for origin in origins} == {20}
    assert not any("provenance" in one for one in content["annotations"])


def test_a_validation_photo_that_was_read_is_refused(made):
    refuse_leakage(split_of(made, "held.json"))
    with pytest.raises(RecycleError, match=r"is of a set that validation photo images/3.jpg was read for"):
        split_of(made, "three.json")


@pytest.mark.parametrize("index", [0, 2])  # one that was changed, one that was read
def test_a_copy_of_it_is_refused_too(made, index):
    content = json.loads((made / "five.json").read_text())
    content["images"][0]["file_name"] = "images/other.jpg"
    (made / "other.json").write_text(json.dumps(content))
    shutil.copy(made / f"images/{index + 1}.jpg", made / "images/other.jpg")
    with pytest.raises(RecycleError, match=r"images/other\.jpg, of which training photos were made"):
        refuse_leakage(split_of(made, "other.json"))


def test_lists_and_further_sets_keep_it(made, tmp_path):
    from recycle_data.coco_lists import write_lists

    split = split_of(made, "held.json")
    (entry,) = write_lists(split.train, tmp_path, "list")
    content = json.loads((tmp_path / "list-0.json").read_text())
    assert [one["file_name"] for one in content["provenance"]] == ["images/3.jpg", "images/4.jpg"]
    again = api.split({"data.root": made, "data.train": [entry], "data.val": [{"json": "held.json"}]})
    assert photos_of_split(again).shown.tolist() == photos_of_split(split).shown.tolist()


def test_check_finds_it_between_splits(made):
    found = api.check(made, {"train": made / "made.json", "val": made / "three.json"})
    (finding,) = [one for one in found if one.code == "pasted-from-validation"]
    assert "images/3.jpg" in finding.detail


def leak(data, change):
    """Write the validation file of a photo that is a changed copy of a training photo."""
    write_coco(data, coco(6))
    content = json.loads((data / "annotations.json").read_text())
    for name, ids in (("train", (1, 2, 3, 4)), ("val", (5, 6))):
        images = [image for image in content["images"] if image["id"] in ids]
        kept = [one for one in content["annotations"] if one["image_id"] in ids]
        (data / f"{name}.json").write_text(json.dumps({**content, "images": images, "annotations": kept}))
    small = Image.effect_mandelbrot((160, 120), (-2, -1, 1, 1), 40).convert("RGB")
    small.save(data / "images/1.jpg", quality=95)
    for file in (data / "train.json", data / "val.json"):
        content = json.loads(file.read_text())
        for image in content["images"]:
            if image["id"] in (1, 5):
                image |= {"width": 160, "height": 120}
        file.write_text(json.dumps(content))
    change(small, data / "images/1.jpg", data / "images/5.jpg")
    return api.split({"data.root": data})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda photo, old, new: shutil.copy(old, new), "images/5.jpg is images/1.jpg"),
        (lambda photo, old, new: photo.save(new, quality=60), "images/5.jpg is, saved anew, images/1.jpg"),
    ],
)
def test_one_photo_on_both_sides_is_refused(tmp_path, change, text):
    with pytest.raises(RecycleError, match=text):
        refuse_leakage(leak(tmp_path, change))
