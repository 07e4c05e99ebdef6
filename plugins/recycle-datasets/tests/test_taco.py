"""The dataset `taco`."""

import json

import numpy as np
import pytest
from PIL import Image
from recycle_coco import CocoSource
from recycle_datasets import TacoOptions
from recycle_datasets.taco import MATERIALS, open_taco, read_mapping
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, RecycleError

HEIGHT, WIDTH = 6, 10


def photo(file):
    """Stored upright, shown across."""
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (HEIGHT, WIDTH)).save(file, exif=exif)


def taco_folder(root, categories=(("Drink can", 0), ("Unlabeled litter", 5), ("Cigarette", 7))):
    photo(root / "batch_1/000006.JPG")
    square = [[1, 1, 5, 1, 5, 5, 1, 5]]
    content = {
        "images": [{"id": 0, "file_name": "batch_1/000006.JPG", "height": HEIGHT, "width": WIDTH}],
        "annotations": [
            {"id": number, "image_id": 0, "category_id": key, "segmentation": square, "area": 16 - number, "iscrowd": 0}
            for number, (_, key) in enumerate(categories)
        ],
        "categories": [{"id": key, "name": name, "supercategory": "x"} for name, key in categories],
    }
    (root / "annotations.json").write_text(json.dumps(content))
    return root


def taco(root, **options):
    return open_taco(TacoOptions(**options), DatasetContext(root))


class TestTacoConforms(DatasetConformance):
    name = "taco"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = taco_folder(tmp_path_factory.mktemp("taco"))


class TestTaco:
    def test_sixty_categories_ten_materials(self):
        mapping = read_mapping()
        assert len(mapping) == 60
        assert set(mapping.values()) == set(MATERIALS)
        assert mapping["Unlabeled litter"] == "General trash"

    def test_labels_are_materials(self, tmp_path):
        source = taco(taco_folder(tmp_path))
        assert source.class_names == ("Background", *MATERIALS)
        assert [one.label for one in source.record(0).annotations] == [4, 1, 1]
        assert source.read(0).image.shape == (HEIGHT, WIDTH, 3)
        assert source.read(0).mask[2, 2] == 1  # the smallest stated area lies on top
        assert [one["category_id"] for one in source.document["annotations"]] == [4, 1, 1]
        assert [one["id"] for one in source.document["categories"]] == list(range(1, 11))

    def test_an_own_mapping(self, tmp_path):
        file = tmp_path / "own.csv"
        file.write_text("category,material\nDrink can,Cans\nUnlabeled litter,ignore\nCigarette,Background\n")
        source = taco(taco_folder(tmp_path), mapping=file)
        assert source.class_names == ("Background", *MATERIALS, "Cans")
        assert [one.label for one in source.record(0).annotations] == [11, 255, 0]
        assert source.read(0).mask[2, 2] == 255
        names = {one["id"]: one["name"] for one in source.document["categories"]}
        assert [names[one["category_id"]] for one in source.document["annotations"]] == ["Cans", "ignore", "Background"]
        assert [one["iscrowd"] for one in source.document["annotations"]] == [0, 1, 0]

    def test_the_document_reads_back_to_the_same_masks(self, tmp_path):
        file = tmp_path / "own.csv"
        file.write_text("category,material\nDrink can,Cans\nUnlabeled litter,ignore\nCigarette,Background\n")
        for options in ({}, {"mapping": file}):
            source = taco(taco_folder(tmp_path), **options)
            (tmp_path / "mapped.json").write_text(json.dumps(source.document))
            back = CocoSource(tmp_path, tmp_path / "mapped.json")
            assert back.class_names == source.class_names
            assert np.array_equal(back.read(0).mask, source.read(0).mask)

    def test_an_unmapped_category_is_named(self, tmp_path):
        with pytest.raises(RecycleError, match="'Unicorn' is not in the mapping"):
            taco(taco_folder(tmp_path, (("Unicorn", 3), ("Drink can", 4))))

    @pytest.mark.parametrize("text", ["", "a,b\nx,y\n", "category,material\nx\n", "category,material\nx,y\nx,z\n"])
    def test_what_is_no_mapping(self, tmp_path, text):
        (tmp_path / "own.csv").write_text(text)
        with pytest.raises(RecycleError, match=r"own\.csv"):
            read_mapping(tmp_path / "own.csv")
