"""`recycle data merge` and `kfold --keep`: new photos join a set, and nothing of the old one moves."""

import json
import shlex
import shutil

import numpy as np
import pytest
from PIL import Image
from recycle_data.folds import read_fold
from recycle_data.identity import files_identities
from recycle_engine import api
from support import coco, recycle_here, write_coco

from recyclecli.types import RecycleError


def a_set(folder, photos=4, seed=0, classes=("Paper", "Metal"), first=1):
    """Photos of noise, each with one square of each class, the second square on top."""
    content = coco(photos)
    content["categories"] = [{"id": 10 * number, "name": name} for number, name in enumerate(classes, start=first)]
    content["annotations"] = []
    for image in content["images"]:
        for place, category in enumerate(content["categories"]):
            left = 4.0 + 6 * place
            square = [left, 4.0, left + 12, 4.0, left + 12, 16.0, left, 16.0]
            number = len(content["annotations"]) + 1
            own = {"id": number, "image_id": image["id"], "category_id": category["id"]}
            content["annotations"].append({**own, "segmentation": [square], "note": f"{folder.name}-{number}"})
    write_coco(folder, content)
    chance = np.random.default_rng(seed)
    for image in content["images"]:
        noise = np.kron(chance.integers(0, 256, (8, 8, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
        Image.fromarray(noise).save(folder / image["file_name"], quality=95)
    return folder


def labelled(source):
    """Names of the classes of the pixels of each photo, by the photo's own pixels."""
    names = np.array([*source.class_names, *[""] * (256 - len(source.class_names))])
    samples = [source.read(index) for index in range(len(source))]
    return {sample.image.tobytes(): names[sample.mask].tolist() for sample in samples}


def test_classes_meet_by_name_and_every_pixel_keeps_its_class(tmp_path):
    old, new = a_set(tmp_path / "old"), a_set(tmp_path / "new", 3, 1, ("Metal", "Glass", "Paper"), first=0)
    done = api.merge([old, new], tmp_path / "out")
    found = api.open_data(tmp_path / "out")
    assert found.class_names == ("Background", "Paper", "Metal", "Glass")
    assert labelled(found) == labelled(api.open_data(old)) | labelled(api.open_data(new))
    assert (done.photos, done.doubled, done.added, len(done.renamed)) == ((4, 3), 0, ("Glass",), 3)
    content = json.loads((tmp_path / "out/train_all.json").read_text())
    assert len({one["id"] for one in content["annotations"]}) == len(content["annotations"]) == 17
    assert {one["note"] for one in content["annotations"]} >= {"old-1", "new-9"}  # fields of their own stay


def test_the_same_photo_is_written_once_also_when_it_was_saved_anew(tmp_path):
    old, new = a_set(tmp_path / "old"), a_set(tmp_path / "new")
    for photo in sorted(new.rglob("*.jpg"))[1:]:
        Image.open(photo).save(photo, quality=70)
    done = api.merge([old, new], tmp_path / "out")
    assert (done.photos, done.doubled, done.conflicts, done.renamed) == ((4, 0), 4, (), {})


def test_labels_that_differ_are_named_and_the_user_decides(tmp_path):
    old, new = a_set(tmp_path / "old"), a_set(tmp_path / "new")
    content = json.loads((new / "annotations.json").read_text())
    content["annotations"][0]["category_id"] = 20
    (new / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(
        RecycleError, match=r"1 photo labelled differently in two sets(.|\n)*old/\S+ and \S*new/(.|\n)*--take"
    ):
        api.merge([old, new], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for take, of in (("first", old), ("last", new)):
        done = api.merge([old, new], tmp_path / take, take=take)
        assert (len(done.conflicts), done.doubled) == (1, 4)
        key = next(iter(labelled(api.open_data(of))))
        assert labelled(api.open_data(tmp_path / take))[key] == labelled(api.open_data(of))[key]


def test_splits_stay_and_a_set_without_any_is_for_training(tmp_path):
    old, new = a_set(tmp_path / "old"), a_set(tmp_path / "new", 2, 1)
    content = json.loads((old / "annotations.json").read_text())
    for name, images in (("train", content["images"][:3]), ("val", content["images"][3:])):
        ids = {image["id"] for image in images}
        own = [one for one in content["annotations"] if one["image_id"] in ids]
        (old / f"{name}.json").write_text(json.dumps({**content, "images": images, "annotations": own}))
    (old / "annotations.json").unlink()
    done = api.merge([old, new], tmp_path / "out")
    counts = {file.name: len(json.loads(file.read_text())["images"]) for file in done.files}
    assert counts == {"train.json": 5, "val.json": 1}


def split_into(folder, **parts):
    """Replace annotations.json by a file of some of its images each."""
    content = json.loads((folder / "annotations.json").read_text())
    for name, places in parts.items():
        images = [content["images"][place] for place in places]
        ids = {image["id"] for image in images}
        own = [one for one in content["annotations"] if one["image_id"] in ids]
        (folder / f"{name}.json").write_text(json.dumps({**content, "images": images, "annotations": own}))
    (folder / "annotations.json").unlink()
    return folder


def pixels_of(folder, name):
    content = json.loads((folder / f"{name}.json").read_text())
    return {np.asarray(Image.open(folder / image["file_name"])).tobytes() for image in content["images"]}


def test_what_one_set_judges_by_is_never_trained_on(tmp_path):
    """The test photos come along, and those that another set has for training stay in the test."""
    old = split_into(a_set(tmp_path / "old", 6), train=(0, 1), val=(2, 3), test=(4, 5))
    judged = {name: pixels_of(old, name) for name in ("val", "test")}
    new = a_set(tmp_path / "new", 6)  # the same six photos, all for training
    for roots in ([old, new], [new, old]):
        done = api.merge(roots, tmp_path / f"out-{roots[0].name}")
        folder = done.files[0].parent
        assert [file.name for file in done.files] == ["train.json", "val.json", "test.json"]
        assert {name: pixels_of(folder, name) for name in ("val", "test")} == judged
        assert (sum(done.photos), done.doubled) == (6, 6)


def test_test_photos_without_labels_are_no_conflict(tmp_path):
    old = split_into(a_set(tmp_path / "old", 4), train=(0, 1), val=(2,), test=(3,))
    test = json.loads((old / "test.json").read_text())
    (old / "test.json").write_text(json.dumps({**test, "annotations": []}))
    done = api.merge([old, a_set(tmp_path / "new", 4)], tmp_path / "out")
    assert (done.conflicts, len(pixels_of(tmp_path / "out", "test"))) == ((), 1)


def test_photos_are_linked(tmp_path):
    old, new = a_set(tmp_path / "old"), a_set(tmp_path / "new", 2, 1)
    api.merge([old, new], tmp_path / "out", link=True)
    photos = list((tmp_path / "out").rglob("*.jpg"))
    assert len(photos) == 6
    assert all(photo.is_symlink() for photo in photos)


def test_pasted_objects_still_say_where_they_come_from(tmp_path):
    old, new = a_set(tmp_path / "old"), a_set(tmp_path / "new", 2, 1)
    content = json.loads((new / "annotations.json").read_text())
    names = [image["file_name"] for image in content["images"]]
    content["annotations"][0]["provenance"] = [{"file_name": names[1], "annotation_id": 3}]
    (new / "annotations.json").write_text(json.dumps(content))
    done = api.merge([old, new], tmp_path / "out")
    merged = json.loads(done.files[0].read_text())
    pasted = next(one for one in merged["annotations"] if "provenance" in one)
    origin = pasted["provenance"][0]
    source = next(one for one in merged["annotations"] if one["id"] == origin["annotation_id"])
    photo = next(image for image in merged["images"] if image["id"] == source["image_id"])
    assert (origin["file_name"], source["note"]) == (photo["file_name"], "new-3")
    assert done.renamed[photo["file_name"]] == names[1]


def test_what_cannot_be_joined_is_refused(tmp_path):
    old, new = a_set(tmp_path / "old"), a_set(tmp_path / "new", 2, 1)
    content = json.loads((new / "annotations.json").read_text())
    content["categories"][0]["no_background"] = True
    (new / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(RecycleError, match=r"new has no background and \S*old has one"):
        api.merge([old, new], tmp_path / "out")
    (tmp_path / "link").symlink_to("old")
    cases = [([old], "out"), ([old, old], "out"), ([old, tmp_path / "no"], "out")]
    cases += [([old, new], out) for out in ("old", "new/../old", "link/../old", "old/images/out", "link/out")]
    for roots, out in cases:
        with pytest.raises(RecycleError, match=r"two sets or more|is one of the sets|lies in|no does not exist"):
            api.merge(roots, tmp_path / out)


def test_old_photos_stay_in_their_folds_and_new_ones_even_them_out(tmp_path):
    old = a_set(tmp_path / "old", 12)
    a_set(tmp_path / "new", 9, 1)
    before, _ = api.kfold(old, 3)
    merged = recycle_here("data", "merge", "old", "new", "--out", "out", cwd=tmp_path)
    assert merged.returncode == 0, merged.stderr
    command = merged.stderr.split("next: recycle ")[1].split()
    done = recycle_here(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "12 photos kept in the folds of before, 9 new" in done.stderr
    folds = json.loads((tmp_path / "out/folds.json").read_text())["folds"]
    was = json.loads((old / "folds.json").read_text())["folds"]
    assert all(set(now["val_images"]) >= set(one["val_images"]) for now, one in zip(folds, was, strict=True))
    assert [len(fold["val_images"]) for fold in folds] == [7, 7, 7]
    assert len(before.photos) == 3


def test_a_new_copy_of_an_old_photo_joins_its_fold(tmp_path):
    old = a_set(tmp_path / "old", 6)
    api.kfold(old, 3)
    content = json.loads((old / "annotations.json").read_text())
    copies = [image | {"id": 100 + image["id"], "file_name": f"again-{image['id']}.jpg"} for image in content["images"]]
    for image, copy in zip(content["images"], copies, strict=True):
        shutil.copy(old / image["file_name"], old / copy["file_name"])
    content["images"] += copies
    (old / "annotations.json").write_text(json.dumps(content))
    api.kfold(old, keep=old / "folds.json", force=True)
    for fold in json.loads((old / "folds.json").read_text())["folds"]:
        names = fold["val_images"]
        first = {content["images"][k]["file_name"]: copies[k]["file_name"] for k in range(6)}
        assert len(names) == 4
        assert {first[name] for name in names if name in first} == {name for name in names if name.startswith("again")}


def test_folds_whose_record_names_other_photos_are_known_by_name(tmp_path):
    """Somebody changed folds.json; its record of photos still has all of them."""
    old = a_set(tmp_path / "old", 6)
    api.kfold(old, 3)
    listing = json.loads((old / "folds.json").read_text())
    (gone,) = listing["folds"][0]["val_images"][:1]
    listing["folds"][0]["val_images"].remove(gone)
    (old / "folds.json").write_text(json.dumps(listing))
    api.kfold(old, keep=old / "folds.json", out=tmp_path / "new")
    folds = json.loads((tmp_path / "new/folds.json").read_text())["folds"]
    for before, after in zip(listing["folds"], folds, strict=True):
        assert {*before["val_images"]} <= {*after["val_images"]}


def renamed(folder, how):
    """A set whose photos are changed by `how(number, file)`, which returns the new file, and labels that say so."""
    content = json.loads((folder / "annotations.json").read_text())
    for number, image in enumerate(content["images"]):
        image["file_name"] = how(number, folder / image["file_name"]).relative_to(folder).as_posix()
    (folder / "annotations.json").write_text(json.dumps(content))


def moved(number, file):
    return file.rename(file.with_name(f"line-{9 - number}.jpg"))


def resaved(number, file):
    with Image.open(file) as photo:
        photo.load()
    file.unlink()
    photo.save(file.with_name(f"line-{number}.png"))
    photo.resize((28, 28)).save(file.with_name(f"line-{number}.jpg"), quality=80)
    return file.with_name(f"line-{number}.png")


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("how", [moved, resaved])
def test_an_old_photo_under_another_name_stays_in_its_fold(tmp_path, logged, how, record):
    old = a_set(tmp_path / "old", 9)
    api.kfold(old, 3)
    new = tmp_path / "new" if not record else old
    if not record:  # as earlier versions left it: the photos of the folds themselves tell
        (old / "folds-photos.npz").unlink()
        shutil.copytree(old, new)
    was = [{row.tobytes() for row in looks(old, fold)} for fold in listing(old)]
    renamed(new, how)
    logged()
    api.kfold(new, keep=old / "folds.json", force=True)
    said = logged()
    assert "9 photos under another name now, known by their pixels: 'images/1.jpg' is 'images/line-" in said
    assert "9 photos kept in the folds of before, 0 new" in said
    assert [{row.tobytes() for row in looks(new, fold)} for fold in listing(new)] == was


def listing(root):
    return [fold["val_images"] for fold in json.loads((root / "folds.json").read_text())["folds"]]


def looks(root, names):
    return files_identities([root / name for name in names])["digest"]


def test_names_that_changed_places_follow_their_pixels(tmp_path, logged):
    old = a_set(tmp_path / "old", 6)
    api.kfold(old, 3)
    was = [{row.tobytes() for row in looks(old, fold)} for fold in listing(old)]
    files = [old / f"images/{number}.jpg" for number in range(1, 7)]
    photos = [file.read_bytes() for file in files]
    for file, photo in zip(files, photos[1:] + photos[:1], strict=True):
        file.write_bytes(photo)
    api.kfold(old, keep=old / "folds.json", force=True)
    assert [{row.tobytes() for row in looks(old, fold)} for fold in listing(old)] == was
    noise = np.kron(np.random.default_rng(9).integers(0, 256, (8, 8, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
    Image.fromarray(noise).save(files[0])
    logged()
    api.kfold(old, keep=old / "folds.json", force=True)
    assert "1 photo with other pixels than those of that name" in logged()


def test_folds_that_no_longer_fit_name_a_line_that_keeps_them(tmp_path):
    old = a_set(tmp_path / "old", 6)
    api.kfold(old, 3)
    shutil.copy(old / "images/1.jpg", old / "images/9.jpg")
    content = json.loads((old / "annotations.json").read_text())
    content["images"].append(content["images"][0] | {"id": 9, "file_name": "images/9.jpg"})
    (old / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(RecycleError, match="made from other photos") as caught:
        read_fold(api.open_data(old), old / "folds.json", 0)
    done = recycle_here(*shlex.split(caught.value.remedy.partition(": recycle ")[2]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6 photos kept in the folds of before, 1 new" in done.stderr
    assert read_fold(api.open_data(old), old / "folds.json", 0)


def test_folds_of_another_set_or_number_are_refused(tmp_path):
    old = a_set(tmp_path / "old", 6)
    api.kfold(old, 3)
    with pytest.raises(RecycleError, match="has 3 folds, not 4"):
        api.kfold(old, 4, keep=old / "folds.json")
    other = a_set(tmp_path / "other", 6, 1)
    content = (other / "annotations.json").read_text().replace("images/", "photos/")
    (other / "images").rename(other / "photos")
    (other / "annotations.json").write_text(content)
    with pytest.raises(RecycleError, match=r"of 6 photos of .* none"):
        api.kfold(other, keep=old / "folds.json")
