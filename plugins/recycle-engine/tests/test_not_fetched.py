"""Files that Git LFS has not fetched, and photos, where others are expected."""

import pytest
from recycle_coco.document import load_content
from recycle_engine.checkpoint import read_card

from recyclecli.errors import RecycleError

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize("read", [load_content, read_card])
def test_pointers_are_named(tmp_path, read):
    file = tmp_path / "file.safetensors"
    file.write_text(POINTER)
    with pytest.raises(RecycleError, match="is a pointer of Git LFS") as raised:
        read(file)
    assert raised.value.remedy == "fetch the files: git lfs pull"


def test_a_photo_is_no_file_of_labels(tmp_path):
    file = tmp_path / "a.jpg"
    file.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(RecycleError, match=r"a\.jpg is a photo, and labels are expected"):
        load_content(file)
