"""A conversion that was interrupted may be typed again as it was."""

import pytest
from recycle_data.convert import convert
from support import coco, write_coco

from recyclecli.errors import RecycleError


@pytest.mark.parametrize(
    ("form", "last"), [("coco", "annotations.json"), ("masks", "classes.txt"), ("yolo", "data.yaml")]
)
def test_an_interrupted_conversion_may_be_typed_again(registry, tmp_path, form, last):
    write_coco(tmp_path / "data", coco(4))
    missing = tmp_path / "data/images/3.jpg"
    photo = missing.read_bytes()
    missing.unlink()
    with pytest.raises(RecycleError, match="missing"):
        convert(registry, tmp_path / "data", tmp_path / "out", "coco", form)
    assert not (tmp_path / "out" / last).exists()
    missing.write_bytes(photo)
    assert convert(registry, tmp_path / "data", tmp_path / "out", "coco", form).file.name == last
    assert not list(tmp_path.rglob("*.part"))
    with pytest.raises(RecycleError, match="exists"):
        convert(registry, tmp_path / "data", tmp_path / "out", "coco", form)
    assert not list(tmp_path.rglob("*.part"))
