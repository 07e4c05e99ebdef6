"""A conversion may be typed again as it was where it was interrupted, and says which file it leaves out."""

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


def test_a_test_file_that_is_left_out_is_said(tmp_path, registry, logged):
    file = write_coco(tmp_path / "data", coco(3))
    (tmp_path / "data/train.json").write_bytes(file.read_bytes())
    (tmp_path / "data/test.json").write_bytes(file.read_bytes())
    convert(registry, tmp_path / "data", tmp_path / "all", "coco", "masks")
    assert f"note: {tmp_path / 'data/test.json'} is left out: convert it into another folder" in logged()
    convert(registry, tmp_path / "data", tmp_path / "tested", "coco", "masks", split="test")
    assert "left out" not in logged()
