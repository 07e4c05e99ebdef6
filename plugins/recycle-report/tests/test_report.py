"""The report's pieces, the starter recipe and the doctor."""

import base64
import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from recycle_coco import CocoSource
from recycle_data.resolve import resolve
from recycle_data.splits import make_split
from recycle_data.starter import CPU, GPU, starter_recipe
from recycle_engine.inference.scores import Prediction
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_engine.judge.scores import evaluation
from recycle_report import figures
from recycle_report.gallery import GALLERY_BYTES, WIDTHS, Gallery
from recycle_report.line_metrics import costs, fractions
from recycle_report.page import findings
from recycle_report.summary import what_came_of_it
from support import coco, recycle_here, write_coco

from recyclecli.cli.doctor import examine
from recyclecli.recipe import ComponentSpec, DataSection
from recyclecli.types import Sample

COLORS = [(0, 0, 0), (200, 0, 0)]
NAMES = ("Background", "Metal")
NOISE = ((256, (3,)), (2, ()), (2, ()))


def picture(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def judged(*photos, names=NAMES):
    """The scores of photos given as (predicted, truth) labels, all of one confidence."""
    ledger = PerImageCounts(names)
    for number, (predicted, truth) in enumerate(photos):
        sure = np.full(np.shape(truth), 0.9 * 65535, np.uint16)
        ledger.add(f"{number}.jpg", np.array(predicted, np.uint8), np.array(truth, np.uint8), sure)
    return evaluation(ledger)


class TestGallery:
    def sample(self, right):
        """A photo of 10 columns of which `right` will be predicted rightly, and its prediction."""
        truth = np.ones((8, 10), np.uint8)
        predicted = np.zeros_like(truth)
        predicted[:, :right] = 1
        sure = np.full(truth.shape, 65535, np.uint16)
        return Sample(np.zeros((8, 10, 3), np.uint8), truth, truth.astype(np.int32)), Prediction(predicted, sure)

    def test_keeps_the_best_and_the_worst(self):
        gallery = Gallery(NAMES, COLORS, count=2)
        for right in (3, 9, 1, 5, 10, 7):
            gallery(f"{right}.jpg", *self.sample(right), right / 10)
        assert [shown.name for shown in gallery.best()] == ["10.jpg", "9.jpg"]
        assert [shown.name for shown in gallery.worst()] == ["1.jpg", "3.jpg"]
        assert gallery.best()[0].iou == 1
        assert gallery.best()[0].mistake == ""
        assert gallery.worst()[0].mistake == "Metal taken for Background, 90 % of the photo"

    def test_a_photo_is_not_both(self):
        gallery = Gallery(NAMES, COLORS, count=4)
        for right in (3, 9):
            gallery(f"{right}.jpg", *self.sample(right), right / 10)
        assert len(gallery.best()) == 2
        assert gallery.worst() == []

    def test_a_photo_that_is_all_ignored_is_not_shown(self):
        gallery = Gallery(NAMES, COLORS)
        gallery("a.jpg", *self.sample(3), float("nan"))
        assert gallery.best() == []

    def test_pictures_are_small(self):
        gallery = Gallery(NAMES, COLORS)
        mask = np.ones((1500, 3000), np.uint8)
        photo = Sample(np.zeros((1500, 3000, 3), np.uint8), mask, mask.astype(np.int32))
        gallery("big.jpg", photo, Prediction(mask, np.full(mask.shape, 65535, np.uint16)), 1.0)
        (shown,) = gallery.best()
        sizes = {picture(uri).size for uri in (shown.photo, *(layer[2] for layer in shown.layers))}
        assert sizes == {(WIDTHS[0], WIDTHS[0] // 2)} == {(shown.width, shown.height)}

    def test_noise_takes_no_more_room_than_a_photo(self):
        chance = np.random.default_rng(0)
        gallery = Gallery(NAMES, COLORS)
        image, mask, labels = (chance.integers(0, top, (1200, 900, *end), np.uint8) for top, end in NOISE)
        gallery("a.jpg", Sample(image, mask, mask.astype(np.int32)), Prediction(labels, mask.astype(np.uint16)), 0.5)
        (shown,) = gallery.best()
        assert len(shown.photo) + sum(len(uri) for _, _, uri in shown.layers) <= GALLERY_BYTES
        assert shown.width < WIDTHS[0]

    def test_layers_show_what_they_say(self):
        gallery = Gallery(NAMES, COLORS)
        gallery("a.jpg", *self.sample(3), 0.3)
        layers = {
            name: (words, np.array(picture(uri).convert("RGBA"))) for name, words, uri in gallery.best()[0].layers
        }
        assert list(layers) == ["truth", "prediction", "errors", "confidence"]
        assert layers["truth"][0] == "labelled Metal 100 %"
        assert layers["prediction"][0] == "predicted Metal 30 %"
        assert layers["errors"][0] == "70 % wrong, in red"
        prediction = layers["prediction"][1]
        assert (prediction[:, :3, :3] == (200, 0, 0)).all()
        assert (prediction[:, 2, 3] == 255).all()  # the outline is full
        assert (prediction[:, :2, 3] < 255).all()
        assert (prediction[:, 3:, 3] == 0).all()  # the background is clear
        assert (layers["errors"][1][:, 3:, 0] > layers["errors"][1][:, 3:, 1] + 100).all()
        assert (layers["confidence"][1][..., 3] == 0).all()  # sure everywhere: nothing is darkened

    def test_more_classes_than_a_png_has_colours_for_outlines(self):
        names = tuple(f"class {label}" for label in range(200))
        gallery = Gallery(names, [(label, 0, 0) for label in range(200)])
        labels = np.array([[199, 3], [150, 3]], np.uint8)
        photo = Sample(np.zeros((2, 2, 3), np.uint8), labels, labels.astype(np.int32))
        gallery("a.jpg", photo, Prediction(labels, np.zeros((0, 0), np.uint16)), 1.0)
        layers = {name: np.array(picture(uri).convert("RGBA")) for name, _, uri in gallery.best()[0].layers}
        assert layers["truth"][..., 0].tolist() == labels.tolist()
        assert "confidence" not in layers


class TestFigures:
    def test_names_are_escaped_and_colours_follow_the_page(self):
        names = ("<script>alert(1)</script>", "$a$ & b")
        result = judged(([[0, 1]], [[0, 0]]), ([[0, 0]], [[0, 0]]), names=names)
        for svg in (
            figures.class_bars(result.classes, COLORS),
            figures.boundary_gaps(result.classes, COLORS),
            figures.confusion_matrix(np.array(result.confusion), names),
        ):
            assert "<script>" not in svg
            assert "&lt;script&gt;" in svg
            assert "currentColor" in svg
            assert figures.INK not in svg
            assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", svg)

    def test_curves_of_a_single_epoch(self):
        row = {"epoch": "0", "train_loss": "1", "val_loss": "nan", "val_miou": "0.1"}
        assert all("<svg" in curve for curve in figures.curves([row], best=1))

    def test_reliability_of_one_bin(self):
        assert "<svg" in figures.reliability([(0.9, 0.5, 10)])


class TestWords:
    ROWS = [{"seconds": "61"}] * 10

    def said(self, result, best=5, choice=None):
        return " ".join(what_came_of_it(result, best, self.ROWS, "plain", choice))

    def test_what_a_reader_asks_first(self):
        names = ("Background", "Metal", "Paper", "Glass")
        truth = [[0, 0, 1, 1, 2, 2, 3, 3]]
        said = self.said(judged(*[([[0, 0, 1, 1, 2, 1, 2, 2]], truth)] * 5, names=names))
        assert "It knows Metal (0.67) best and Paper (0.25) least." in said
        assert "It finds nothing of: Glass." in said
        assert "The largest mistake is Glass taken for Paper: 67 % of all wrong pixels, 100 % of Glass." in said
        assert "over-confident: 90 % on average, where 62 % of the pixels are right" in said
        assert "Training took 0:10:10 (h:m:s). The best of 10 epochs is number 5." in said
        assert "No trick has been tried" in said

    def test_few_photos_and_a_late_best_are_said(self):
        said = self.said(judged(([[0, 1]], [[0, 1]]), ([[0, 1]], [[0, 1]])), best=10)
        assert "In too few photos to rely on their scores: Metal (2)." in said
        assert "still getting better" in said
        assert "mistake" not in said

    def test_the_choice_of_ablate_is_told_with_its_fair_score(self):
        choice = {"cross_fitted": {"value": 0.4321}, "chosen_on": "7 photos"}
        said = self.said(judged(([[0, 1]], [[0, 1]])), choice=choice)
        assert "recycle ablate chose on 7 photos: plain; cross-fitted, which does not flatter, it scores 0.432." in said

    def test_all_ignored(self):
        assert "There is no score" in self.said(judged(([[0, 1]], [[255, 255]])))


class TestSorting:
    def test_purity_recovery_and_where_things_go(self):
        names = ("Background", "Metal", "Paper")
        # of four Metal pixels two arrive, one becomes Paper, one is left; of two Paper pixels one becomes Metal
        result = judged(([[1, 1, 2, 0, 2, 1, 0, 0]], [[1, 1, 1, 1, 2, 2, 0, 0]]), names=names)
        metal, paper = fractions(result)
        assert (metal.name, paper.name) == ("Metal", "Paper")
        assert metal.purity.value == pytest.approx(2 / 3)
        assert metal.recovery.value == pytest.approx(1 / 2)
        assert metal.polluted_by == "Paper 33 %"
        assert metal.lost_to == "Background 25 %"
        assert paper.purity.value == pytest.approx(1 / 2)
        money = costs(result)
        assert money.names == names
        assert money.material == 6
        assert money.wrong == pytest.approx(100 * 3 / 6)

    def test_small_materials_share_a_row(self):
        names = ("Background", *(f"m{number}" for number in range(1, 30)))
        truth = [[label for label in range(30) for _ in range(label + 1)]]
        money = costs(judged((truth, truth), names=names))
        assert money.names[0] == "Background"
        assert money.names[-1] == "all others"
        assert len(money.names) == 18
        assert np.array(money.pixels).sum() == len(truth[0])
        assert money.wrong == 0

    def test_no_background_no_difference(self):
        money = costs(judged(([[0, 1]], [[0, 0]]), names=("Sky", "Road")))
        assert money.names == ("Sky", "Road")
        assert money.wrong == pytest.approx(50)


class TestFindings:
    def test_faults_are_named_and_photos_left_unread(self, tmp_path, registry):
        content = coco(6)
        for entry in content["annotations"]:
            entry |= {"segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]], "area": 4, "bbox": [1, 1, 2, 2]}
        write_coco(tmp_path, content)
        split = make_split(
            registry, DataSection(dataset=ComponentSpec(name="coco"), root=tmp_path, val_fraction=0.5), 0
        )
        shutil.rmtree(tmp_path / "images")
        found = {one.code: one for one in findings(split)}
        assert set(found) == {"sliver"}
        assert found["sliver"].count == 6
        assert len(found["sliver"].examples) == 3


class TestStarter:
    def test_the_recipe_resolves_and_fits(self, tmp_path, registry):
        write_coco(tmp_path, coco(6, size=48))
        text = starter_recipe(CocoSource(tmp_path, tmp_path / "annotations.json"), tmp_path)
        (tmp_path / "recipe.yaml").write_text(text)
        recipe = resolve(registry, tmp_path / "recipe.yaml")
        assert recipe.data.root == tmp_path
        assert recipe.data.size == 64
        assert [part.bare for part in recipe.aug] == ["flip"]
        usual = resolve(registry)
        assert [(part.name, part.weight) for part in recipe.loss] == [(part.name, part.weight) for part in usual.loss]
        assert recipe.data.scale == usual.data.scale

    def test_rare_classes_ask_for_dice(self, tmp_path):
        content = coco(200, categories=(("Paper", 1), ("Metal", 2)))
        for entry in content["annotations"][1:]:
            entry["category_id"] = 1
        content["annotations"][0]["category_id"] = 2
        write_coco(tmp_path, content, photos=False)
        text = starter_recipe(CocoSource(tmp_path, tmp_path / "annotations.json"), tmp_path)
        assert "rare here: Metal" in text
        assert re.search(r"^  - \{name: dice, weight: 1\}", text, re.MULTILINE)

    def test_the_numbers_are_true(self, tmp_path, registry):
        content = coco(10)
        content["annotations"][0] |= {"iscrowd": 1}
        content["annotations"][1]["segmentation"] = []
        write_coco(tmp_path / "data", content)
        line = ["init", "--data", "data", "--out", "my recipe.yaml", "-o", "data.dataset.crowds=regions"]
        done = recycle_here(*line, cwd=tmp_path)
        text = (tmp_path / "my recipe.yaml").read_text()
        assert "10 photos, 3 classes, 8 objects" in text  # as stats counts them
        assert "8 to train on" in done.stdout
        recipe = resolve(registry, tmp_path / "my recipe.yaml")
        steps = recipe.train.epochs * (8 // recipe.train.batch_size)
        assert f"# {steps} steps of {recipe.train.batch_size} of 8 training photos, 300 epochs at most" in text
        assert "recycle train --recipe 'my recipe.yaml'" in text
        assert recipe.data.dataset.options["crowds"] == "regions"

    def test_a_machine_without_a_gpu(self, tmp_path):
        write_coco(tmp_path, coco(40, size=300))
        source = CocoSource(tmp_path, tmp_path / "annotations.json")
        assert "  size: 256 " in starter_recipe(source, tmp_path, on=CPU)
        assert "  size: 320 " in starter_recipe(source, tmp_path, on=GPU)

    def test_odd_roots_are_quoted(self, tmp_path, registry):
        root = tmp_path / 'a: "b" #c'
        write_coco(root, coco(2))
        (tmp_path / "r.yaml").write_text(starter_recipe(CocoSource(root, root / "annotations.json"), root))
        assert resolve(registry, tmp_path / "r.yaml").data.root == root


class TestDoctor:
    def test_this_machine_is_well(self, registry, tmp_path):
        findings = list(examine(registry, tmp_path))
        assert [finding.what for finding in findings if finding.state == "fix"] == []
        assert any("torch" in finding.what for finding in findings)

    def test_what_is_wrong_is_named(self, monkeypatch, registry, tmp_path):
        from recycle_engine import doctor

        from recyclecli.plugins import Plugin, Registry

        monkeypatch.setenv("RECYCLE_DATA", str(tmp_path / "none"))
        monkeypatch.setattr(doctor, "version", lambda name: "2.6.2")
        broken = Registry((*registry.plugins, Plugin("x", "acme", "1.0", "failed", "RuntimeError: out of cheese")))
        wrong = {f.what for f in examine(broken, tmp_path) if f.state == "fix"}
        assert any("out of cheese" in what for what in wrong)
        assert any("compromised" in what for what in wrong)
        assert any("RECYCLE_DATA" in what for what in wrong)
