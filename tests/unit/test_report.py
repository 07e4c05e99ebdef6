"""The report's pieces, the starter recipe and the doctor."""

import re

import numpy as np
from support import coco, write_coco

from recyclecli.coco import CocoSource
from recyclecli.data.starter import starter_recipe
from recyclecli.engine.doctor import examine
from recyclecli.recipe import Recipe, resolve
from recyclecli.report import figures
from recyclecli.report.gallery import WIDTH, Gallery
from recyclecli.types import Sample


class TestGallery:
    def sample(self, right):
        """A photo of 10 columns of which `right` will be predicted rightly, and its prediction."""
        truth = np.ones((8, 10), np.uint8)
        predicted = np.zeros_like(truth)
        predicted[:, :right] = 1
        return Sample(np.zeros((8, 10, 3), np.uint8), truth, truth.astype(np.int32)), predicted

    def test_keeps_the_best_and_the_worst(self):
        gallery = Gallery([(0, 0, 0), (200, 0, 0)], count=2)
        for right in (3, 9, 1, 5, 10, 7):
            gallery(f"{right}.jpg", *self.sample(right), right / 10)
        assert [shown.name for shown in gallery.best()] == ["10.jpg", "9.jpg"]
        assert [shown.name for shown in gallery.worst()] == ["1.jpg", "3.jpg"]
        assert gallery.best()[0].iou == 1
        assert all(picture.startswith("data:image/jpeg;base64,") for picture in gallery.best()[0].pictures)

    def test_a_photo_is_not_both(self):
        gallery = Gallery([(0, 0, 0), (200, 0, 0)], count=4)
        for right in (3, 9):
            gallery(f"{right}.jpg", *self.sample(right), right / 10)
        assert len(gallery.best()) == 2
        assert gallery.worst() == []

    def test_a_photo_that_is_all_ignored_is_not_shown(self):
        gallery = Gallery([(0, 0, 0), (200, 0, 0)])
        gallery("a.jpg", *self.sample(3), float("nan"))
        assert gallery.best() == []

    def test_pictures_are_small(self):
        gallery = Gallery([(0, 0, 0), (200, 0, 0)])
        mask = np.ones((1500, 3000), np.uint8)
        gallery("big.jpg", Sample(np.zeros((1500, 3000, 3), np.uint8), mask, mask.astype(np.int32)), mask, 1.0)
        import base64
        import io

        from PIL import Image

        picture = gallery.best()[0].pictures[0].partition(",")[2]
        assert Image.open(io.BytesIO(base64.b64decode(picture))).size == (WIDTH, WIDTH // 2)


class TestFigures:
    def test_names_are_escaped_and_colours_follow_the_page(self):
        iou = {"<script>alert(1)</script>": 0.5, "$a$ & b": None}
        for svg in (
            figures.class_bars(iou, [(0, 0, 0), (9, 9, 9)]),
            figures.confusion_matrix(np.array([[3, 1], [0, 0]]), list(iou)),
        ):
            assert "<script>" not in svg
            assert "&lt;script&gt;" in svg
            assert "currentColor" in svg
            assert figures.INK not in svg
            assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", svg)

    def test_curves_of_a_single_epoch(self):
        row = {"epoch": "0", "train_loss": "1", "val_loss": "nan", "val_miou": "0.1"}
        assert all("<svg" in curve for curve in figures.curves([row]))


class TestStarter:
    def test_the_recipe_resolves_and_fits(self, tmp_path, registry):
        write_coco(tmp_path, coco(6, size=48))
        text = starter_recipe(CocoSource(tmp_path, tmp_path / "annotations.json"), tmp_path)
        (tmp_path / "recipe.yaml").write_text(text)
        recipe = resolve(registry, tmp_path / "recipe.yaml")
        assert recipe.data.root == tmp_path
        assert recipe.data.size == 64
        assert [part.name for part in recipe.aug] == ["flip"]
        assert [(part.name, part.weight) for part in recipe.loss] == [(p.name, p.weight) for p in Recipe().loss]
        assert recipe.data.scale == Recipe().data.scale

    def test_rare_classes_ask_for_dice(self, tmp_path):
        content = coco(200, categories=(("Paper", 1), ("Metal", 2)))
        for entry in content["annotations"][1:]:
            entry["category_id"] = 1
        content["annotations"][0]["category_id"] = 2
        write_coco(tmp_path, content, photos=False)
        text = starter_recipe(CocoSource(tmp_path, tmp_path / "annotations.json"), tmp_path)
        assert "rare here: Metal" in text
        assert re.search(r"^  - \{name: dice, weight: 1\}", text, re.MULTILINE)

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
        from recyclecli.engine import doctor
        from recyclecli.plugins import Plugin, Registry

        monkeypatch.setenv("RECYCLE_DATA", str(tmp_path / "none"))
        monkeypatch.setattr(doctor, "version", lambda name: "2.6.2")
        broken = Registry((*registry.plugins, Plugin("x", "acme", "1.0", "failed", "RuntimeError: out of cheese")))
        wrong = {f.what for f in examine(broken, tmp_path) if f.state == "fix"}
        assert any("out of cheese" in what for what in wrong)
        assert any("compromised" in what for what in wrong)
        assert any("RECYCLE_DATA" in what for what in wrong)
