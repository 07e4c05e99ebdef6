"""Outlines that are hardly those of their photos: x and y swapped, another size, other units."""

import json

import pytest
from recycle_coco import CocoSource
from recycle_coco.misplaced import misplaced
from recycle_data.check import check_contents, mended
from support import coco, write_coco

from recyclecli.errors import RecycleError

SIDES = (40, 80)  # height and width


def content(change=lambda points: points, box=lambda box: box):
    """Six photos of one object each, in the lower half of the right half."""
    made = coco(6)
    for number, (image, one) in enumerate(zip(made["images"], made["annotations"], strict=True)):
        image["height"], image["width"] = SIDES
        left, top = 50 + number, 4 + number
        one["segmentation"] = [change([left, top, left + 20, top, left + 20, top + 9, left, top + 9])]
        one["bbox"] = box([left, top, 20, 9])
    return made


def swapped(points):
    return [number for place in range(0, len(points), 2) for number in (points[place + 1], points[place])]


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (content(swapped), "the outlines of 6 of 6 objects fit their boxes with x and y swapped"),
        (
            content(lambda points: [one / 2 for one in points]),
            "the outlines of 6 of 6 objects fit their boxes at another",
        ),
        (content(lambda points: [one * 2 for one in points], lambda _: []), "the outlines of 6 of 6 objects leave"),
        (content(), ""),
        (content(box=lambda box: [box[0], box[1], box[0] + box[2], box[1] + box[3]]), ""),
        (content(box=lambda box: [one / 80 for one in box]), ""),
        (content(box=lambda _: None), ""),
        (content(box=lambda box: [box[0] / 2 + 9, box[1] / 2, box[0], box[1]]), ""),
        (content(lambda points: [*points[:2], "x"], lambda _: "box"), ""),
    ],
    ids=["swapped", "other size", "larger", "sound", "corner to corner", "shares", "no boxes", "nonsense", "malformed"],
)
def test_outlines_are_held_against_boxes_and_photos(made, cause):
    assert misplaced(made).startswith(cause) if cause else not misplaced(made)


def test_they_are_said_found_and_not_mended(tmp_path, logged):
    made = content(swapped)
    write_coco(tmp_path, made)
    (tmp_path / "annotations.json").write_text(json.dumps(made))
    CocoSource(tmp_path, tmp_path / "annotations.json")
    assert "warning" in (said := logged())
    assert "with x and y swapped" in said
    found = check_contents(tmp_path, {"all": made}, {"all": "it"}, (), True)
    assert "misplaced-outlines" in {one.code for one in found}
    with pytest.raises(RecycleError, match="nothing is written"):
        mended(made)


def test_runs_that_were_counted_row_by_row():
    made = content()
    for one in made["annotations"]:
        left, top, _, _ = one["bbox"]
        runs = [top * 80 + left, *(20, 60) * 8, 20]
        one["segmentation"] = {"size": list(SIDES), "counts": [*runs, 40 * 80 - sum(runs)]}
    assert "fit their boxes with x and y swapped" in misplaced(made)
