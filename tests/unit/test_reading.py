"""Reading regular files, JSON and YAML within limits."""

import errno
import os

import pytest
from recycle_coco.encodings import decode_text, read_loose_text
from recycle_coco.json import parse_json, read_json, tree_fault
from recycle_coco.yaml import parse_yaml
from recycle_engine.checkpoint import read_card

from recyclecli.errors import RecycleError
from recyclecli.printable import short_repr
from recyclecli.reading import MissingFile, read_bytes, read_text


def test_a_file_that_may_not_be_read_is_not_called_missing(tmp_path, monkeypatch):
    file = tmp_path / "a b.safetensors"
    file.touch()

    def denied(path, flags):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:  # before pytest removes the folder, for which Python 3.13 opens it
        patch.setattr("recyclecli.reading.os.open", denied)
        for read in (read_text, read_card):
            with pytest.raises(RecycleError, match=r"cannot be read: Permission denied\n.*chmod u\+r '") as raised:
                read(file)
            assert not isinstance(raised.value, MissingFile)


def test_no_more_than_the_limit_is_read(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    assert read_bytes(file, 5) == b"12345"
    with pytest.raises(RecycleError, match="more than"):
        read_bytes(file, 4)
    with file.open("wb") as handle:
        handle.truncate(2**40)
    with pytest.raises(RecycleError, match="more than 16 MiB"):
        read_text(file)


def test_a_file_whose_size_is_not_stated(tmp_path):
    assert b"MemTotal" in read_bytes(tmp_path / "../../../../../../proc/meminfo")


def test_text_is_read_as_path_reads_it(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read_text(file) == "a\nb\nc\n"
    with pytest.raises(MissingFile):
        read_text(tmp_path / "b")
    with pytest.raises(RecycleError, match="cannot be a file's name"):
        read_text(tmp_path / "a\0b")


@pytest.mark.parametrize(
    "text", ["a: 1", "a: &x [1, 2]\nb: *x", "a: 2001-01-01", "{a: .nan, b: 1e3, c: ~, d: 0x1f}", ""]
)
def test_yaml_is_what_the_library_reads(text):
    from ruamel.yaml import YAML

    assert repr(parse_yaml(text)) == repr(YAML(typ="safe", pure=True).load(text))


def test_json(tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{"a": [1, 2.5, "b", null]}')
    assert read_json(file, "") == {"a": [1, 2.5, "b", None]}
    for text in ("1e999", "NaN", '"\\ud800"', '{"\\ud800": 1}', "[" * 80 + "]" * 80, "9" * 5000, "{"):
        file.write_text(text)
        with pytest.raises(RecycleError, match="is not valid JSON"):
            read_json(file, "")
    assert tree_fault(parse_json('["\\ud83d\\ude00", "é", 1, true]')) is None


def test_a_short_repr_is_short():
    nested = ["x" * 1000] * 1000
    for value in (nested, {"a": [nested] * 100}, "x" * 10**6, 10**5000, [10**5000], {1, 2}, b"x" * 10**6):
        assert len(short_repr(value)) < 1000
    assert short_repr({"a": 1}) == "{'a': 1}"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("纸张,1", "utf-8"), ("纸张,1", "utf-8-sig"), ("纸张,1", "utf-16"), ("paper,1", "utf-16-le"),
     ("paper,1", "utf-16-be"), ("纸张和金属", "gbk"), ("café, naïve", "cp1252"), ("", "utf-8"), ("a", "utf-8")],
)  # fmt: skip
def test_texts_of_other_encodings(tmp_path, text, encoding, logged):
    file = tmp_path / "x.csv"
    file.write_bytes(text.encode(encoding))
    assert read_loose_text(file) == text
    said = {"gbk": "GBK", "cp1252": "Windows-1252"}.get(encoding)
    assert (f"is read as {said}" in logged()) is (said is not None)


def test_a_text_may_end_within_a_character():
    assert decode_text("纸张".encode()[:-1], cut=True) == "纸"
    assert decode_text(("a" * 9 + "纸张").encode("gbk")[:-1], cut=True).startswith("a" * 9)
    assert decode_text("纸张".encode("utf-16")[:-1], cut=True) == "纸"


def test_what_is_no_text(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a\x81\x8d\x8f")
    with pytest.raises(RecycleError, match="is no text"):
        read_loose_text(tmp_path / "x.csv")
    assert decode_text(b"\x00\xff" * 20, cut=True) != "\xff" * 20
