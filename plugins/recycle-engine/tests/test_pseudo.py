"""Pseudo-labels: thresholds by each rule, what becomes of a pixel, provenance."""

import numpy as np
import pytest
from recycle_coco import CocoSource
from recycle_data.pseudo import FULL_CONFIDENCE, PSEUDO_KEY, Sureness, of_submission, pseudo_labels
from support import recycle_here

from recyclecli.errors import RecycleError
from recyclecli.files import write_json

CLASSES = ("Background", "Paper", "Metal")


def sure(confidence):
    return np.round(np.asarray(confidence) * FULL_CONFIDENCE).astype(np.uint16)


def photos(count=4, seed=0):
    """Labels in blocks, and confidences: high for paper, lower for metal."""
    chance = np.random.default_rng(seed)
    for number in range(count):
        labels = chance.integers(0, 3, (4, 5)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        top = np.array([0.99, 0.99, 0.8])[labels]
        yield f"{number}.png", labels, sure(chance.uniform(0.3, top))


def read():
    return photos()


def test_sure_pixels_are_labels_and_all_others_are_ignored(tmp_path):
    made = pseudo_labels(read, CLASSES, Sureness("fixed", 0.7, {"Metal": 0.6}, 0, 0), {"runs": ["a"]})
    write_json(tmp_path / "pseudo.json", made.document)
    source = CocoSource(tmp_path, tmp_path / "pseudo.json")
    assert source.class_names == CLASSES
    kept, said = np.zeros(3), np.zeros(3)
    for index, (name, labels, confidence) in enumerate(photos()):
        needed = np.array([0.7, 0.7, 0.6])[labels]
        expected = np.where(confidence >= np.ceil(needed * FULL_CONFIDENCE), labels, 255)
        assert source.record(index).file_name == name
        assert np.array_equal(source.read_labels(index)[0], expected)
        kept += [(expected == label).sum() for label in range(3)]
        said += [(labels == label).sum() for label in range(3)]
    assert [made.kept[name] for name in CLASSES] == pytest.approx(kept / said)
    assert made.thresholds == {"Background": 0.7, "Paper": 0.7, "Metal": 0.6}


def test_each_object_says_where_it_is_from():
    made = pseudo_labels(read, CLASSES, Sureness("fixed", 0.7, {}, 0, 0), {"runs": ["teacher"]})
    objects = [one for one in made.document["annotations"] if one["category_id"] < 3]
    pictures = {f"{place + 1}": (labels, confidence) for place, (_, labels, confidence) in enumerate(photos())}
    for one in objects:
        assert one[PSEUDO_KEY]["runs"] == ["teacher"]
        assert one[PSEUDO_KEY]["threshold"] == 0.7
        assert 0.7 <= one[PSEUDO_KEY]["confidence"] <= 1
        assert not one["iscrowd"]
    assert len(objects) > 10
    assert len(pictures) == len(made.document["images"])
    assert all(one["iscrowd"] for one in made.document["annotations"] if one["category_id"] == 3)


def test_quantile_takes_the_same_share_of_each_class():
    made = pseudo_labels(read, CLASSES, Sureness("quantile", 0.4, {}, 0, 0))
    assert all(0.39 < share < 0.42 for share in made.kept.values())
    assert made.thresholds["Metal"] < made.thresholds["Paper"] - 0.05
    everything = pseudo_labels(read, CLASSES, Sureness("quantile", 1, {}, 0, 0))
    assert set(everything.kept.values()) == {1.0}


def test_quantile_breaks_ties_exactly():
    """A model that is wholly sure of nearly all pixels: kept whole, ties would take nearly all of the surest 30 %."""

    def tied():
        for name in "abcd":
            labels = np.repeat(np.array([[0], [1]], np.uint8), 30, 0) * np.ones((1, 50), np.uint8)
            confidence = np.where(np.arange(3000).reshape(60, 50) % 10, 65535, 40000).astype(np.uint16)
            yield f"{name}.jpg", labels, confidence

    made = pseudo_labels(tied, ("Background", "Paper"), Sureness("quantile", 0.3, {}, 0, 0))
    assert made.kept == {"Background": pytest.approx(0.3, abs=1e-3), "Paper": pytest.approx(0.3, abs=1e-3)}
    assert len(made.document["images"]) == 4
    again = pseudo_labels(tied, ("Background", "Paper"), Sureness("quantile", 0.3, {}, 0, 0))
    assert again.document == made.document


def test_quantile_tells_sure_pixels_from_surer_ones():
    """A confident model's probabilities differ in the fourth digit only."""
    confidence = np.arange(FULL_CONFIDENCE - 99, FULL_CONFIDENCE + 1, dtype=np.uint16).reshape(10, 10)
    labels = np.zeros((10, 10), np.uint8)

    def confident():
        yield "a.png", labels, confidence

    for share in (0.2, 0.5):
        made = pseudo_labels(confident, ("Sky", "Pole"), Sureness("quantile", share, {}, 0, 0))
        assert made.kept == {"Sky": share}
        min_coverage = np.sort(confidence.ravel())[::-1][round(share * 100) - 1]
        assert made.thresholds["Sky"] == pytest.approx(min_coverage / FULL_CONFIDENCE, abs=1e-9)
        (sky,) = (one for one in made.document["annotations"] if one["category_id"] == 0)
        assert sky[PSEUDO_KEY]["threshold"] == pytest.approx(made.thresholds["Sky"], abs=1e-6)


def test_class_balanced_lowers_the_threshold_of_harder_classes():
    fixed = pseudo_labels(read, CLASSES, Sureness("fixed", 0.75, {}, 0, 0))
    balanced = pseudo_labels(read, CLASSES, Sureness("class-balanced", 0.75, {}, 0, 0))
    shares = fixed.kept
    best = max(shares.values())
    for name in CLASSES:
        ratio = shares[name] / best
        assert balanced.thresholds[name] == pytest.approx(0.75 * max(ratio / (2 - ratio), 0.5), abs=0.02)
    assert balanced.kept["Metal"] > 3 * fixed.kept["Metal"]
    strict = pseudo_labels(read, CLASSES, Sureness("class-balanced", 0.9, {}, 0, 0))
    assert strict.thresholds["Metal"] == 0.9  # no pixel reaches it: nothing says that it is only harder
    assert "Metal" not in strict.kept or strict.kept["Metal"] == 0


def test_photos_of_which_too_little_is_sure_are_left_out():
    def doubtful():
        yield from photos(3)
        yield "dark.png", np.ones((8, 8), np.uint8), sure(np.full((8, 8), 0.2))

    made = pseudo_labels(doubtful, CLASSES, Sureness("fixed", 0.7, {}, 0, 0.1))
    assert made.rejected == ("dark.png",)
    assert [image["file_name"] for image in made.document["images"]] == ["0.png", "1.png", "2.png"]
    with pytest.raises(RecycleError, match="in none of 4 photos"):
        pseudo_labels(doubtful, CLASSES, Sureness("fixed", 1.0, {}, 0, 0.1))


def test_a_class_that_is_never_predicted():
    def blank():
        yield "a.png", np.zeros((8, 8), np.uint8), sure(np.full((8, 8), 0.95))

    for rule in ("fixed", "quantile", "class-balanced"):
        made = pseudo_labels(blank, CLASSES, Sureness(rule, 0.9, {}, 0, 0))
        assert made.kept == {"Background": 58 / 64 if rule == "quantile" else 1.0}
        assert all(one["category_id"] == 3 for one in made.document["annotations"])  # ignored


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"agree": -0.5}, "agree -0.5"),
        ({"named": {"Papr": 0.5}}, "nearest: Paper"),
        ({"named": {"Paper": -1}}, "Paper -1"),
        ({"min_coverage": 2}, "min_coverage 2"),
    ],
)
def test_wrong_values(changes, message):
    with pytest.raises(RecycleError, match=message):
        pseudo_labels(read, CLASSES, Sureness(**changes))


def test_a_submission_is_taken_whole():
    rows = {"a.png": np.zeros((256, 256), np.uint8), "b.png": np.full((256, 256), 2, np.uint8)}
    rows["a.png"][:128] = 1
    found = list(of_submission(rows, [("b.png", (30, 40)), ("a.png", (512, 300))]))
    assert [(name, labels.shape) for name, labels, _ in found] == [("b.png", (30, 40)), ("a.png", (512, 300))]
    assert (found[1][1][:256] == 1).all()
    assert (found[1][1][256:] == 0).all()
    assert all((confidence == FULL_CONFIDENCE).all() for _, _, confidence in found)


def test_an_unknown_rule_is_named():
    with pytest.raises(RecycleError, match=r"rule 'quantil' is unknown(.|\n)*nearest: quantile"):
        pseudo_labels(read, CLASSES, Sureness("quantil"))


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (["--from-csv", "s.csv", "--out", "labels"], "leave out --from-csv"),
        (["--from-csv", "s.csv", "--ensemble-with", "b"], "leave out --ensemble-with, --from-csv, and name --out"),
        ([], "name --out"),
    ],
)
def test_what_rounds_cannot_take_is_named_where_it_is_given(tmp_path, options, remedy):
    done = recycle_here("pseudo-label", "last", "photos", "--rounds", 1, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith(f"remedy: {remedy}\n")
