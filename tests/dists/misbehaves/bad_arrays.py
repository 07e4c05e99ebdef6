"""Post-processors and datasets, by what they give."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from recyclecli.types import Annotation, Record, Sample

POSTPROCESSORS = {
    "good-post": lambda image, shares: shares,
    "drops-a-row": lambda image, shares: shares[:, 1:],
    "twice-the-classes": lambda image, shares: np.concatenate([shares, shares]) / 2,
    "classes-last": lambda image, shares: shares.transpose(1, 2, 0),
    "gives-labels": lambda image, shares: shares.argmax(0),
    "gives-double": lambda image, shares: shares.astype(np.float64),
    "gives-nan": lambda image, shares: shares * np.float32("nan"),
    "gives-negative": lambda image, shares: np.stack([shares[0] + 1, *(shares[1:] - 0.5)]),
    "sums-to-two": lambda image, shares: shares * np.float32(2),
    "gives-logs": lambda image, shares: np.log(shares),
    "post-none": lambda image, shares: None,
    "post-list": lambda image, shares: list(shares),
    "raises-post": lambda image, shares: image[10**6],
}


class Batches:
    def __init__(self, told):
        self.told = told

    def __call__(self, image, shares):
        return shares

    def batch(self, images, shares):
        return self.told


BATCHES = {"batch-none": None, "batch-too-few": [], "batch-numbers": [1]}


class Good:
    """Four photos in three classes."""

    class_names = ("Background", "Paper", "Metal")

    def __init__(self, **given):
        self.given = given
        vars(self).update({name: value for name, value in given.items() if name == "class_names"})

    def __len__(self):
        return 4

    def record(self, index):
        change = self.given.get("record", lambda record: record)
        return change(Record(Path(f"{index}.png"), f"{index}.png", 32, 32))

    def read(self, index):
        chance = np.random.default_rng(index)
        mask = np.ones((32, 32), np.uint8)
        mask[:8], mask[8:16] = 0, 2
        image = chance.integers(0, 256, (32, 32, 3), np.uint8)
        return self.given.get("read", lambda sample: sample)(Sample(image, mask, (mask > 0).astype(np.int32)))


class Labels(Good):
    """With labels that can be read alone."""

    def read_labels(self, index):
        return self.given["labels"](*self.read(index)[1:])


class NoRecord:
    class_names = Good.class_names

    def __len__(self):
        return 4


def no_source(options, context):
    return ["1.png"]


def half_a_source(options, context):
    return NoRecord()


WRONG = Annotation(1, 7, [[0, 0, 9, 0, 9, 9]])
DATASETS = {
    "good-data": {},
    "plain-tuple": {"read": tuple},
    "read-none": {"read": lambda sample: None},
    "float-mask": {"read": lambda sample: sample._replace(mask=sample.mask.astype(np.float32))},
    "label-200": {"read": lambda sample: sample._replace(mask=np.full_like(sample.mask, 200))},
    "mask-of-another-height": {"read": lambda sample: sample._replace(mask=sample.mask[:16])},
    "mask-in-colours": {"read": lambda sample: sample._replace(mask=sample.image)},
    "mask-list": {"read": lambda sample: sample._replace(mask=sample.mask.tolist())},
    "mask-int64": {"read": lambda sample: sample._replace(mask=sample.mask.astype(np.int64))},
    "image-float": {"read": lambda sample: sample._replace(image=sample.image / 255)},
    "image-rgba": {"read": lambda sample: sample._replace(image=np.repeat(sample.image[..., :1], 4, 2))},
    "image-of-one-channel": {"read": lambda sample: sample._replace(image=sample.image[..., 0])},
    "image-channels-first": {"read": lambda sample: sample._replace(image=sample.image.transpose(2, 0, 1))},
    "image-cut": {"read": lambda sample: sample._replace(image=sample.image[:20])},
    "long-instances": {"read": lambda sample: sample._replace(instances=sample.instances.astype(np.int64))},
    "negative-instances": {"read": lambda sample: sample._replace(instances=sample.instances - 5)},
    "raises-data": {"read": lambda sample: sample.nothing},
    "names-in-a-list": {"class_names": ["Background", "Paper", "Metal"]},
    "names-in-a-text": {"class_names": "Paper"},
    "names-twice": {"class_names": ("Background", "Paper", "Paper")},
    "names-as-numbers": {"class_names": (0, 1, 2)},
    "names-too-many": {"class_names": tuple(map(str, range(300)))},
    "record-tuple": {"record": lambda record: (record.file, 32, 32)},
    "record-none": {"record": lambda record: None},
    "record-text-file": {"record": lambda record: replace(record, file="1.png")},
    "record-float-size": {"record": lambda record: replace(record, height=32.0)},
    "record-no-size": {"record": lambda record: replace(record, width=0)},
    "record-label-7": {"record": lambda record: replace(record, annotations=(WRONG,))},
    "record-list": {"record": lambda record: replace(record, annotations=[])},
}
LABELS = {
    "labels-mask-alone": lambda mask, instances: mask,
    "labels-swapped": lambda mask, instances: (instances, mask),
    "labels-half": lambda mask, instances: (mask[::2], instances[::2]),
}


def made(form, **given):
    return lambda options, context: form(**given)


globals().update({name.replace("-", "_"): lambda o, c, give=give: give for name, give in POSTPROCESSORS.items()})
globals().update({name.replace("-", "_"): made(Batches, told=told) for name, told in BATCHES.items()})
globals().update({name.replace("-", "_"): made(Good, **given) for name, given in DATASETS.items()})
globals().update({name.replace("-", "_"): made(Labels, labels=give) for name, give in LABELS.items()})
POSTPROCESSORS |= {**BATCHES, "post-no-call": None}
DATASETS |= {**LABELS, "no-source": None, "half-a-source": None}


def post_no_call(options, context):
    return "crf"
