"""Names of classes that people read as one."""

import pytest
from recycle_coco.labels import may_mean_ignored
from recycle_data.check import check_coco
from support import coco, write_coco


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("Müll", "MÃ¼ll", True),
        ("Paper", "P\u0430per", True),
        ("Paper", "Paper\u200b", True),
        ("Glass bottle", "glass-bottle", True),
        ("Müll", "Mull", False),
        ("Paper", "Paper 2", False),
        ("стекло", "бумага", False),
    ],
)
def test_they_are_named(tmp_path, first, second, alike):
    content = coco(2)
    content["categories"] = [{"id": number, "name": name} for number, name in enumerate((first, second), start=1)]
    file = write_coco(tmp_path, content)
    found = {one.code for one in check_coco(tmp_path, {"all": file}, labels_only=True)}
    assert ("similar-category-name" in found) is alike


@pytest.mark.parametrize(
    ("name", "told"),
    [("Background (none)", True), ("void (0)", True), ("back-ground", True), ("BG", False), ("Background", False)],
)
def test_classes_that_may_mean_no_class_are_named(name, told):
    assert may_mean_ignored(name) is told
