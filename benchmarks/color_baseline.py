"""Can the sample set be solved by colour? What a per-pixel colour classifier scores on it.

    python benchmarks/color_baseline.py [--images 240]

A histogram of RGB in 32 levels each, learned on four fifths of the photos, gives every colour
its most likely class: once by plain frequency, once with the classes weighted alike. Both are
scored on the rest; the bar is an mIoU of at most 0.25.
"""

import argparse

import numpy as np
from recycle_engine import api

LEVELS = 32


def codes(image: np.ndarray) -> np.ndarray:
    step = image.astype(np.int64) * LEVELS // 256
    return (step[..., 0] * LEVELS + step[..., 1]) * LEVELS + step[..., 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=240)
    images = parser.parse_args().images
    source = api.open_data(".", dataset="sample", options={"images": images})
    classes = len(source.class_names)
    counts = np.ones((LEVELS**3, classes)) * 1e-3
    objects = np.zeros(classes, np.int64)
    held_out = []
    for index in range(images):
        sample = source.read(index)
        for instance in np.unique(sample.instances[sample.instances > 0]):
            objects[sample.mask[sample.instances == instance][0]] += 1
        if index % 5 == 0:
            held_out.append(sample)
            continue
        np.add.at(counts, (codes(sample.image).ravel(), sample.mask.ravel()), 1)
    for name, weights in (("by frequency", np.ones(classes)), ("classes weighted alike", 1 / counts.sum(0))):
        table = (counts * weights).argmax(1).astype(np.uint8)
        photos = ((str(number), table[codes(one.image)], one.mask) for number, one in enumerate(held_out))
        miou = api.evaluate_arrays(photos, source.class_names).miou_dataset
        print(f"colour alone, {name}: mIoU {miou:.3f} ({miou.low:.3f} to {miou.high:.3f}; bar: at most 0.25)")
    shares = ", ".join(
        f"{name} {100 * count / objects.sum():.1f} %"
        for name, count in zip(source.class_names, objects, strict=True)
        if count
    )
    print(f"{objects.sum()} visible objects in {images} photos: {shares}")


if __name__ == "__main__":
    main()
