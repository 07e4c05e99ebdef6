"""`Tree`: what recognisers see of a folder."""

import json
import os
from pathlib import Path

import pytest
from recycle_coco import Tree, photos_below
from recycle_coco.lookup import locate
from recycle_coco.paths import below

from recyclecli.errors import RecycleError


def filled(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return Tree(root)


def test_files_are_listed_without_what_is_hidden(tmp_path):
    tree = filled(tmp_path, dict.fromkeys(("b/x.JSON", "a.jpg", ".git/c.json", "__MACOSX/d.json", "b/._x.json"), ""))
    assert tree.files == ("a.jpg", "b/x.JSON")
    assert tree.folders == {"": ("a.jpg",), "b": ("b/x.JSON",)}
    assert (tree.photos, tree.ending(".json"), tree.named("X.json")) == (("a.jpg",), ("b/x.JSON",), ("b/x.JSON",))


def test_links_to_folders_are_not_followed_and_pipes_are_no_files(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.json").write_text("{}")
    (tmp_path / "root/link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "root/pipe.json")
    assert Tree(tmp_path / "root").files == ()


@pytest.mark.parametrize(
    "look", [Tree, photos_below, lambda root: locate(root, ["b.jpg"]), lambda root: [*below(root)]]
)
def test_folders_that_lie_too_deep_are_refused(tmp_path, look):
    (tmp_path / "root" / "/".join(["d"] * 64)).mkdir(parents=True)
    look(tmp_path / "root")
    (tmp_path / "root" / "/".join(["d"] * 65)).mkdir()
    with pytest.raises(RecycleError, match=r"root/d holds folders inside each other, more than 64 deep"):
        look(tmp_path / "root")


def test_names_longer_than_a_path_may_be_are_passed_over(tmp_path, monkeypatch):
    place = tmp_path
    monkeypatch.chdir(tmp_path)
    while len(str(place)) < 4096:
        place /= "d" * 200
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
    Path("a.jpg").touch()
    os.chdir(tmp_path)
    assert (Tree(tmp_path).files, photos_below(tmp_path)) == ((), [])


def test_brackets_in_a_text_that_is_cut_off_close_nothing(tmp_path):
    """The text is read once, to its end: a search from each quote in it takes the square of its length."""
    text = r'{"a": 1, "b": "[[{\"[\"'
    assert filled(tmp_path, {"cut.json": text}).glimpse("cut.json") == {"a": 1}


def test_a_glimpse_is_a_beginning_wherever_the_file_is_cut_off(tmp_path):
    whole = {"a": [1, {"b": 'x,]}"\\'}], "c": {"d": None, "e": [[], {}]}, "images": [{"file_name": "1.jpg"}] * 3}
    text = json.dumps(whole)
    for length in range(len(text)):
        seen = filled(tmp_path, {"cut.json": text[:length]}).glimpse("cut.json")
        assert seen is None or all(key in whole for key in seen)
    assert filled(tmp_path, {"cut.json": text}).glimpse("cut.json") == whole


def test_a_glimpse_of_a_large_file_shows_its_head(tmp_path):
    tree = filled(tmp_path, {"large.json": json.dumps({"images": [{"id": n} for n in range(20_000)], "last": 1})})
    seen = tree.glimpse("large.json")
    assert (seen["images"][:2], "last" in seen) == ([{"id": 0}, {"id": 1}], False)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"{'a': 1}", b"no", b"\x89PNG", b'"' * 9])
def test_a_glimpse_of_what_is_no_json_is_none_or_harmless(tmp_path, content):
    assert not filled(tmp_path, {"a.json": content}).glimpse("a.json")


def test_few_files_of_each_folder_are_looked_into(tmp_path):
    tree = filled(tmp_path, {f"{folder}/{n}.json": "{}" for folder in "ab" for n in range(30)})
    assert [name for name, _ in tree.jsons()] == [f"{folder}/{n}.json" for folder in "ab" for n in (0, 1, 10, 11, 12)]
