"""Names by number that do not fit the numbers of masks: 0 that never occurs, or the last number, or one between."""

import re
import shlex

import numpy as np
import pytest
from PIL import Image
from recycle_data.check import check_contents
from recycle_data.check.masks import check_masks
from recycle_data.check.source import content_of, lint_source
from recycle_data.foreground import absent_classes
from recycle_datasets import MasksOptions, MaskTreeOptions
from recycle_datasets.maskfile import read_mask
from recycle_datasets.masks import MaskSource
from recycle_datasets.masktree import MaskTree
from recycle_datasets.numbering import named_values, note_unused
from ruamel.yaml import YAML

from recyclecli.types import DatasetContext, RecycleError


def folder(root, values, names=()):
    """Two photos, each with a mask of stripes of `values`; returns the root."""
    stripes = np.repeat(np.array(values, np.uint8), 4)[None].repeat(6, 0)
    for stem in "ab":
        for place, pixels in (("images", np.stack([stripes * 9] * 3, 2)), ("masks", stripes)):
            (root / place).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(root / place / f"{stem}.png")
    if names:
        (root / "classes.txt").write_text("\n".join(names) + "\n")
    return root


def opened(root, kind, split=None, **options):
    if kind == "masks":
        return MaskSource(MasksOptions(**options), DatasetContext(root, split))
    pairs = {"images/*": "masks/*"}
    tables = () if "values" in options else ("classes.txt",)
    return MaskTree(MaskTreeOptions(**{"pairs": pairs, "tables": tables, **options}), DatasetContext(root, split))


def pasted(remedy):
    """Each mapping of values that a remedy names, as the command line reads it."""
    words = [word.rstrip(";") for word in shlex.split(re.sub(r"'(?=;)", "' ", remedy)) if "values=" in word]
    return [YAML(typ="safe").load(word.partition("=")[2]) for word in words]


@pytest.mark.parametrize("kind", ["masks", "mask-tree"])
def test_names_that_may_count_from_one_are_refused_with_both_readings(tmp_path, kind):
    root = folder(tmp_path, [1, 2], ["Paper", "Metal", "Glass"])
    with pytest.raises(RecycleError, match=r"no mask holds 0: they hold 1, 2, and .* names 0 Paper") as caught:
        opened(root, kind)
    one, zero = pasted(caught.value.remedy)
    source = opened(root, kind, values=one)
    told = [source.class_names[label] for label in source.read(0).mask[0, ::4]]
    assert told == ["Paper", "Metal"]
    assert opened(root, kind, values=zero).read(0).mask[0, ::4].tolist() == [1, 2]


def test_a_part_of_a_set_may_lack_the_first_class(tmp_path, logged):
    root = folder(tmp_path, [1, 2], ["Paper", "Metal", "Glass"])
    (root / "val.txt").write_text("a\n")
    assert opened(root, "masks", "val").read(0).mask.max() == 2
    assert "no mask holds 0" in logged()


@pytest.mark.parametrize("kind", ["masks", "mask-tree"])
def test_names_without_a_background_say_what_zero_is(tmp_path, logged, kind):
    root = folder(tmp_path, [0, 1, 2], ["Paper", "Metal", "Glass"])
    assert opened(root, kind).class_names == ("Paper", "Metal", "Glass")
    said = logged()
    assert "names no background: 0 Paper, 1 Metal, 2 Glass" in said
    (values,) = pasted(said)
    assert opened(root, kind, values=values).class_names == ("Background", "Paper", "Metal", "Glass")


def test_numbers_one_above_the_names_get_a_remedy_that_works(tmp_path):
    root = folder(tmp_path, [0, 1, 2, 3], ["Paper", "Metal", "Glass"])
    with pytest.raises(RecycleError, match="holds the value 3, but there are 3 classes") as caught:
        opened(root, "masks").read(0)
    (values,) = pasted(caught.value.remedy)
    assert opened(root, "masks", values=values).read(0).mask[0, ::4].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", ["masks", "mask-tree"])
def test_a_background_that_never_occurs_is_said(tmp_path, logged, kind):
    root = folder(tmp_path, [1, 2], ["background", "Paper", "Metal"])
    assert opened(root, kind).read(0).mask[0, ::4].tolist() == [1, 2]
    assert "no mask holds 0, the background: they hold 1, 2" in logged()
    with pytest.raises(RecycleError, match="no mask holds 0, the background"):
        opened(folder(tmp_path, [1, 3], ["background", "Paper", "Metal"]), kind)


@pytest.mark.parametrize("kind", ["masks", "mask-tree"])
@pytest.mark.parametrize("names", [["background", "Paper", "Metal"], ["Sky", "Paper", "Metal"]])
def test_sound_masks_are_refused_nothing(tmp_path, logged, kind, names):
    source = opened(folder(tmp_path, [0, 1, 2, 255], names), kind)
    assert source.read(0).mask[0, ::4].tolist() == [0, 1, 2, 255]
    assert ("note" in logged()) == (names[0] == "Sky")


def test_classes_that_no_mask_holds_are_named(tmp_path, logged):
    root = folder(tmp_path, [0, 2], ["background", "Paper", "Metal", "Glass"])
    found = [(one.code, one.where, one.detail) for one in check_masks(root)]
    assert found == [
        ("unused-category", "class 'Paper'", "no mask holds 1"),
        ("unused-category", "class 'Glass'", "no mask holds 3"),
    ]
    opened(root, "mask-tree")
    assert "no mask holds 1 Paper, 3 Glass" in logged()
    note_unused({number: f"kind {number}" for number in range(1, 151)}, [0])
    assert logged().endswith(" 8 kind 8 and 142 more\n")
    (root / "classes.txt").unlink()
    opened(root, "masks")
    assert "no mask holds 1 class-1" in logged()


@pytest.mark.parametrize("kind", ["masks", "mask-tree"])
def test_classes_of_any_table_that_no_photo_shows_are_found(tmp_path, kind):
    root = folder(tmp_path, [0, 2])
    (root / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, Paper\n2, Metal\n")

    def make():
        options = {"tables": ("_classes.csv",)} if kind == "mask-tree" else {}
        return opened(root, kind, **options)

    assert absent_classes(make()) == ["Paper"]
    found = list(lint_source(make, "it", (), labels_only=True)) if kind == "masks" else linted(make())
    codes = [(one.code, one.detail) for one in found]
    assert ("unused-category", "no photo shows it") in codes
    assert len(codes) == 1, "Metal is shown, and so are objects"


def test_classes_that_a_split_of_masks_lacks_are_found(tmp_path):
    root = folder(tmp_path, [0, 1, 2], ["background", "Paper", "Metal"])
    for split, stem in (("train", "a"), ("val", "b")):
        (root / f"{split}.txt").write_text(f"{stem}\n")
    Image.fromarray(np.eye(6, 12, dtype=np.uint8)).save(root / "masks/b.png")
    (found,) = lint_source(lambda: opened(root, "masks"), "it", (), labels_only=True)
    assert (found.code, found.where, found.detail) == ("class-absent-from-split", "class 'Metal'", "no object in val")


def test_files_of_several_pictures_are_found(tmp_path):
    """Of a photo the first is read; which of a mask's is meant nobody can tell."""
    root = folder(tmp_path, [0, 1, 2], ["background", "Paper", "Metal"])
    pages = [Image.new("RGB", (12, 6), color) for color in ("red", "blue")]
    (root / "images/a.png").unlink()
    pages[0].save(root / "images/a.tif", save_all=True, append_images=pages[1:])
    mask = Image.open(root / "masks/b.png")
    mask.save(root / "masks/b.png", save_all=True, append_images=[Image.new("L", mask.size, 1)])
    found = {one.code: one.detail for one in check_masks(root)}
    assert found.keys() == {"several-pictures", "unreadable-mask"}
    with pytest.raises(RecycleError, match="holds 2 pictures, and a mask is one"):
        opened(root, "masks").read(1)


def linted(source):
    """What is found in the content of a source of masks."""
    return check_contents(source.record(0).file.parents[1], {"all": content_of(source)}, {"all": "it"}, (), True)


def test_names_of_a_single_value_that_occurs_are_refused_with_all_values(tmp_path):
    root = folder(tmp_path, [1, 2, 3], ["Paper", "Metal"])
    with pytest.raises(RecycleError, match=r"hold the numbers 1, 2, 3, and .* names 0 Paper, 1 Metal") as caught:
        opened(root, "mask-tree")
    (values,) = pasted(caught.value.remedy)
    source = opened(root, "mask-tree", values=values)
    assert source.class_names == ("Background", "Metal", "class-2", "class-3")
    assert source.read(0).mask[0, ::4].tolist() == [1, 2, 3]


def test_a_number_below_zero_is_named(tmp_path):
    Image.fromarray(np.array([[-1, 2]], np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(RecycleError, match="holds the value -1"):
        read_mask(tmp_path / "a.tif")


@pytest.mark.parametrize("names", [["a, b", "it's", "true", "12", "유리", "x: y", 'say "no"', "#1", "Paper pack"]])
def test_names_survive_the_shell_and_yaml(names):
    option = named_values(dict(enumerate(names)))
    assert pasted(option) == [dict(enumerate(names))]


def test_a_first_name_of_what_is_no_class_is_the_background(tmp_path, logged):
    root = folder(tmp_path, [0, 1, 2], ["unlabeled", "Paper", "Metal"])
    assert opened(root, "mask-tree").class_names == ("Background", "Paper", "Metal")
    assert "note" not in logged()
