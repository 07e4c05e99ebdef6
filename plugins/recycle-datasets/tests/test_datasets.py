import hashlib

import numpy as np
import pytest
from recycle_data.coco_document import build_document
from recycle_datasets import SampleOptions
from recycle_datasets.sample import SampleSource
from recycle_datasets.sample.drawing import THING_SIDE
from recycle_datasets.sample.scene import MATERIAL_SHARES
from recycle_datasets.sample.things import DRAWN_THINGS
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, RecycleError


class TestSample(DatasetConformance):
    name = "sample"
    options = {"images": 3, "size": 96}


class TestCoco(DatasetConformance):
    name = "coco"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        import json

        from PIL import Image

        root = tmp_path_factory.mktemp("coco")
        source = sample_set(root)
        samples = [(source.record(index), source.read(index)) for index in range(len(source))]
        (root / "images").mkdir()
        for record, sample in samples:
            Image.fromarray(sample.image).save(record.file)
        (root / "annotations.json").write_text(json.dumps(build_document(source.class_names, samples)))
        request.cls.root = root


def sample_set(root, **options):
    return SampleSource(SampleOptions(**({"images": 3, "size": 96} | options)), DatasetContext(root))


def test_sample_is_the_same_each_time_and_differs_by_seed(tmp_path):
    def digest(seed):
        source = sample_set(tmp_path, seed=seed)
        return hashlib.sha256(b"".join(part.tobytes() for part in source.read(0))).hexdigest()

    assert digest(0) == digest(0)
    assert digest(0) != digest(1)


def test_sample_instances_and_mask_agree(tmp_path):
    source = sample_set(tmp_path, images=4, size=128)
    for index in range(4):
        sample = source.read(index)
        assert ((sample.instances > 0) == (sample.mask > 0)).all()
        for instance in np.unique(sample.instances[sample.instances > 0]):
            assert len(np.unique(sample.mask[sample.instances == instance])) == 1


@pytest.mark.parametrize("material", list(DRAWN_THINGS))
def test_every_drawing_covers_something_and_not_everything(material):
    for number, (draw, _) in enumerate(DRAWN_THINGS[material]):
        sketch = draw(np.random.default_rng(number))
        share = (sketch.shape > 0.5).mean()
        assert 0.03 < share < 0.85
        assert sketch.color.shape == (THING_SIDE, THING_SIDE, 3)
        assert np.isfinite(sketch.color).all()
        assert 0 <= sketch.color.min() <= sketch.color.max() <= 1


def test_every_material_is_drawn():
    assert set(MATERIAL_SHARES) == set(DRAWN_THINGS)


def test_coco_without_a_file_says_where_it_looked(tmp_path):
    from recycle_datasets import CocoOptions
    from recycle_datasets.coco import open_coco

    with pytest.raises(RecycleError, match="holds none of train_all"):
        open_coco(CocoOptions(), DatasetContext(tmp_path))
