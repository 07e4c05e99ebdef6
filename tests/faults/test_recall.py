"""The label linter finds what an independent planter plants, and nothing in clean data."""

import copy
import json
import re
import shutil
import zlib
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from faults.planter import MASK_CODES, PHOTO_CODES, PLANTS, SPLIT_CODES, YOLO_CODES, clean, clean_masks, halves, save
from pycocotools.coco import COCO
from support import recycle_here

FEW, CASES = 4, 30
ENOUGH = 0.98


class Bench:
    """Clean sets, one per seed, and copies of them with a fault."""

    def __init__(self, folder):
        self.folder = folder
        self.coco = cache(lambda seed: self._made(clean, "coco", seed))
        self.masks = cache(lambda seed: self._made(clean_masks, "masks", seed))
        self.recall = cache(self._recall)

    def _made(self, make, kind, seed):
        root = self.folder / f"{kind}-{seed}"
        root.mkdir()
        return root, make(root, seed)

    def planted(self, code, seed):
        """A folder with one fault of `code`, and what a finding must mention."""
        root, content = (self.masks if code in MASK_CODES else self.coco)(seed)
        faulty = self.folder / f"{code}-{seed}"
        if code in PHOTO_CODES | MASK_CODES | YOLO_CODES:
            shutil.copytree(root, faulty)
        else:
            faulty.mkdir()
        rng = np.random.default_rng([zlib.crc32(code.encode()), seed])
        return faulty, PLANTS[code](faulty, copy.deepcopy(content), rng)

    def _recall(self, code, cases):
        """The number found of `cases`, and a line on each that was missed."""
        missed = []
        for seed in range(cases):
            root, where = self.planted(code, seed)
            found = [mention(finding) for finding in check(root, code) if finding.code == code]
            if not any(mentions(text, place) for text in found for place in where):
                missed.append(f"seed {seed}: {' or '.join(where)} not in {found}")
            shutil.rmtree(root)
        return cases - len(missed), missed


def check(root, code):
    from recycle_data.check import check_coco
    from recycle_data.check.folders import lint_folders
    from recycle_data.check.masks import check_masks
    from recycle_data.check.source import lint_source
    from recycle_data.sources import open_source

    from recyclecli.discovery import discover

    if code in MASK_CODES:
        found = check_masks(root)
        return [*found, *lint_source(lambda: open_source(discover(), root, None, "masks"), str(root), found)]
    if code == "photo-in-two-folders":
        return list(lint_folders({root / place: photos_in(root / place) for place in ("", "other")}))
    if code in YOLO_CODES:
        done = recycle_here("data", "check", "--data", root, "--dataset", "yolo", "--json", cwd=root)
        return [SimpleNamespace(**finding) for finding in json.loads(done.stdout)]
    names = {"train": "train.json", "val": "val.json"} if code in SPLIT_CODES else {"all": "annotations.json"}
    files = {split: root / name for split, name in names.items()}
    return check_coco(root, files, labels_only=code not in PHOTO_CODES)


def photos_in(root):
    """file_name to file of a folder's photos."""
    images = json.loads((root / "annotations.json").read_text())["images"]
    return {image["file_name"]: root / image["file_name"] for image in images}


def mention(finding):
    return f"{finding.where} {finding.file} {finding.detail}"


def mentions(text, place):
    return re.search(rf"(?<!\w){re.escape(place)}(?!\w)", text) is not None


pytestmark = pytest.mark.xdist_group("recall")  # which keeps the sets that it has drawn


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


def test_every_code_has_a_plant():
    from recycle_data.check import CATALOGUE

    assert PLANTS.keys() == CATALOGUE.keys()


def slow(cases):
    return pytest.param(cases, marks=pytest.mark.slow("draws 30 sets of photos"))


@pytest.mark.parametrize("cases", [FEW, slow(CASES)])
@pytest.mark.parametrize("code", PLANTS)
def test_faults_of_each_kind_are_found(bench, code, cases):
    found, missed = bench.recall(code, cases)
    assert found / cases >= ENOUGH, "\n".join(missed)


@pytest.mark.parametrize("cases", [FEW, slow(CASES)])
def test_faults_of_all_kinds_are_found(bench, cases):
    found = sum(bench.recall(code, cases)[0] for code in PLANTS)
    print(f"{found} of {cases * len(PLANTS)} planted faults of {len(PLANTS)} kinds found")
    assert found / (cases * len(PLANTS)) >= ENOUGH


def complaints(findings):
    return [(found.code, mention(found)) for found in findings if found.fault.severity != "note"]


@pytest.mark.parametrize("seed", [*range(FEW), *map(slow, range(FEW, CASES))])
def test_clean_data_is_left_in_peace(bench, seed):
    from recycle_data.check import check_coco
    from recycle_data.check.masks import check_masks

    root, content = bench.coco(seed)
    for name, part in zip(("train", "val"), halves(content), strict=True):
        save(root, part, f"{name}.json")
    assert complaints(check_coco(root, {"all": root / "annotations.json"})) == []
    assert complaints(check_coco(root, {name: root / f"{name}.json" for name in ("train", "val")})) == []
    assert complaints(check_masks(bench.masks(seed)[0])) == []


@pytest.mark.parametrize("cases", [FEW, slow(CASES)])
def test_pycocotools_computes_what_the_clean_data_states(bench, logged, cases):
    for seed in range(cases):
        root, _ = bench.coco(seed)
        tool = COCO(root / "annotations.json")
        for annotation in tool.loadAnns(tool.getAnnIds()):
            assert annotation["area"] == pytest.approx(tool.annToMask(annotation).sum(), rel=0.1, abs=8)
            assert annotation["area"] >= 60


def test_the_same_seed_plants_the_same_fault(bench, tmp_path):
    for code in PLANTS:
        one, where = bench.planted(code, 0)
        one = one.rename(tmp_path / code)
        other, again = bench.planted(code, 0)
        assert where == again
        assert contents(one) == contents(other)
        shutil.rmtree(other)


def contents(root):
    return {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
