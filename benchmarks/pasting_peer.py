"""Another package's copy-paste with Large Scale Jittering, for pasting.py: prints images per second as JSON."""

import inspect
import json
import random
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec, spec_from_file_location

import albumentations as A
import numpy as np


def objects(mask, instances):
    """Binary masks, boxes (x1, y1, x2, y2) and labels of the objects of a photo."""
    found = []
    for number in range(1, instances.max() + 1):
        inside = instances == number
        if inside.sum() >= 100:
            rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
            box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            found.append((inside.astype(np.uint8), box, int(mask[inside][0])))
    return found


def jitter(size):
    """Large Scale Jittering, 0.1 to 2."""
    current = "scale_range" in inspect.signature(A.RandomScale.__init__).parameters
    name, limits = ("scale_range", (0.1, 2.0)) if current else ("scale_limit", (-0.9, 1.0))
    return [
        A.RandomScale(**{name: limits}, p=1),
        A.PadIfNeeded(size, size, border_mode=0),
        A.RandomCrop(size, size),
    ]


def albumentationsx(photos):
    """One photo after another: jittered, then given 1 to 6 objects of the other photos, in its label map, too."""
    size = photos[0][0].shape[0]
    transform = A.Compose([*jitter(size), A.CopyAndPaste(min_visibility_after_paste=0.2, p=1)])
    known = [objects(mask, instances) for _, mask, instances in photos]
    stacks = [np.stack([shape for shape, _, _ in own]) for own in known]
    donors = [
        {"image": image, "mask": shape, "semantic_mask": mask}
        for (image, mask, _), own in zip(photos, known, strict=True)
        for shape, _, _ in own
    ]
    while True:
        for (image, mask, _), shapes in zip(photos, stacks, strict=True):
            chosen = random.sample(donors, random.randint(1, 6))
            transform(image=image, mask=mask, masks=shapes, copy_paste_metadata=chosen)
            yield


def copy_paste_augmentation(photos):
    """Through the dataset class that the package decorates, as its page shows; it knows no label map."""
    # version 0.1.0 cannot be imported as a package: its __init__ imports itself
    place = find_spec("copy_paste").submodule_search_locations[0] if find_spec("copy_paste") else ""
    spec = spec_from_file_location("copy_paste_module", f"{place}/copy_paste.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    size = photos[0][0].shape[0]

    known = [objects(mask, instances) for _, mask, instances in photos]

    @module.copy_paste_annotation
    class Photos:
        def __init__(self, transforms):
            self.transforms = transforms

        def __len__(self):
            return len(photos)

        def __getitem__(self, index):
            image, _, _ = photos[index]
            own = known[index]
            boxes = [(*box, label, place) for place, (_, box, label) in enumerate(own)]
            return self.transforms(image=image, masks=[shape for shape, _, _ in own], bboxes=boxes)

    boxes = A.BboxParams(format="pascal_voc")
    paste = module.CopyPaste(blend=False, pct_objects_paste=0, max_paste_objects=6, p=1)
    dataset = Photos(A.Compose([*jitter(size), paste], bbox_params=boxes))
    while True:
        for index in range(len(photos)):
            dataset[index]
            yield


def main():
    name, file, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    random.seed(0)
    np.random.seed(0)
    with np.load(file) as stored:
        count = len(stored.files) // 3
        photos = [tuple(stored[f"{part}{k}"] for part in ("image", "mask", "instances")) for k in range(count)]
    work = {"albumentationsx": albumentationsx, "copy-paste-augmentation": copy_paste_augmentation}[name](photos)
    for _ in range(count):
        next(work)
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        next(work)
        done += 1
    print(json.dumps({"rate": done / (time.perf_counter() - began), "version": version(name)}))


if __name__ == "__main__":
    main()
