"""Whatever a COCO file holds: it is refused with a RecycleError, or it can be painted."""

import copy
import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recycle_coco import CocoSource, paint, read_document
from support import SQUARE, coco, write_coco

from recyclecli.errors import RecycleError

SIDE = 24
numbers = st.one_of(
    st.integers(-3, 2 * SIDE),
    st.floats(-SIDE, 3 * SIDE),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from([0, 1, 255, 1e308, -1e308, 10**400, math.nan, math.inf]),
)
names = st.sampled_from(["", ".", "images", "images/1.jpg", "../1.jpg", "/", "ignore", "Background", "\0", "\ud800"])
texts = st.text(max_size=8) | names
leaves = st.none() | st.booleans() | numbers | texts
FIELDS = (
    *("images", "annotations", "categories", "id", "file_name", "width", "height", "image_id", "category_id", "name"),
    *("segmentation", "area", "bbox", "iscrowd", "provenance", "size", "counts", "annotation_id"),
)
ODD = (1, 0.5, "1", None, True, {}, [], [[]], [1], [[1, 2], 3], [[[1], 2], [3, 4]])  # what stands for a polygon
keys = st.sampled_from(FIELDS)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | texts, inner, max_size=4),
    max_leaves=12,
)
counts = (
    st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=10)
    | st.lists(st.integers(-1, SIDE * SIDE), max_size=6)
    | st.lists(st.integers(0, SIDE * SIDE), max_size=5).map(lambda runs: [*runs, max(0, SIDE * SIDE - sum(runs))])
    | trees
)
polygons = st.lists(st.lists(numbers | leaves, max_size=3) | st.lists(st.floats(-9, 40), max_size=12), max_size=3)
shapes = (
    polygons
    | st.lists(st.lists(st.floats(-240, 240) | st.integers(-240, 240), min_size=6, max_size=9), max_size=3)
    | st.fixed_dictionaries({"size": st.builds(lambda: [SIDE, SIDE]), "counts": counts})
    | st.fixed_dictionaries({"size": st.builds(lambda: [SIDE, SIDE]) | trees}, optional={"counts": counts})
)


def places(tree, path=()):
    """The path of every value in a tree."""
    yield path
    if isinstance(tree, (dict, list)):
        for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
            yield from places(value, (*path, key))


@st.composite
def mutations(draw):
    """A valid file's content, changed in a few places."""
    content = json.loads(json.dumps(coco(3, SIDE)))  # no list of it shared
    for annotation in content["annotations"]:
        if draw(st.integers(0, 3)) == 0:
            annotation["segmentation"] = draw(shapes)
    for _ in range(draw(st.integers(0, 3))):
        *path, last = draw(st.sampled_from(list(places(content))[1:]))
        parent = content
        for key in path:
            parent = parent[key]
        kind = draw(st.sampled_from(["leaf", "leaf", "tree", "remove", "double", "add", "copy"]))
        if kind in ("leaf", "tree"):
            parent[last] = draw(leaves if kind == "leaf" else trees)
        elif kind == "remove":
            del parent[last]
        elif kind == "double" and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        elif kind == "add" and isinstance(parent, dict):
            parent[draw(keys)] = draw(trees)
        elif kind == "copy":
            source = content
            for key in draw(st.sampled_from(list(places(content)))):
                source = source[key]
            parent[last] = copy.deepcopy(source)
        if not isinstance(content, dict) or not content:
            break
    return content


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    write_coco(folder, coco(3, SIDE))
    return folder


def refused_or_painted(root, raw):
    """Whether a file of these bytes is accepted, and then painted and read."""
    file = root / "fuzz.json"
    file.write_bytes(raw)
    try:
        read_document(file)
        source = CocoSource(root, file)
    except RecycleError:
        return False
    for index in range(len(source)):
        record = source.record(index)
        if record.height * record.width > 10**6:
            continue
        mask, instances = paint(record.annotations, record.height, record.width)
        assert mask.shape == instances.shape == (record.height, record.width)
        assert np.isin(mask, [*range(len(source.class_names)), 255]).all()
        assert 0 <= instances.min() <= instances.max() <= len(record.annotations)
        try:
            sample = source.read(index)
        except RecycleError:
            continue  # the photo is missing or of another size
        assert (sample.mask == mask).all()
    return True


@settings(max_examples=80, deadline=None)
@given(trees | st.fixed_dictionaries({"images": trees, "annotations": trees, "categories": trees}))
@example({"images": [], "annotations": [], "categories": []})
def test_any_tree(root, tree):
    refused_or_painted(root, json.dumps(tree).encode())


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}",:01eE+-.\\u', max_size=40).map(str.encode))
@example(b"[" * 200_000)
@example(b'{"images": ' + b"9" * 5000 + b"}")
@example(b"\xef\xbb\xbf{}")
@example("{}".encode("utf-16"))
def test_any_bytes(root, raw):
    assert not refused_or_painted(root, raw)


@settings(max_examples=200, deadline=None)
@given(mutations())
@example(coco(3, SIDE))
@example(
    coco(3, SIDE)
    | {"images": [{"id": k, "file_name": "images/1.jpg", "width": True, "height": SIDE} for k in (1, 2, 3)]}
)
@example(
    coco(3, SIDE)
    | {"annotations": [coco(3, SIDE)["annotations"][0] | {"segmentation": [[0.0] * 6, odd]} for odd in ODD]}
)
def test_any_change_to_a_valid_file(root, content):
    refused_or_painted(root, json.dumps(content).encode())


def test_the_unchanged_file_is_accepted(root):
    content = coco(3, SIDE)
    content["annotations"][0]["segmentation"] = [[-200.0, 3, 200, 3, 9, 230], *SQUARE]
    assert refused_or_painted(root, json.dumps(content).encode())
