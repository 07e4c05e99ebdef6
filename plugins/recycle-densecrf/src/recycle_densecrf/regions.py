"""Connected regions of one label, and the label of each pixel, in compiled code."""

import numpy as np

from recycle_densecrf.jit import compiled


@compiled
def most_likely(shares):  # type: ignore[no-untyped-def]
    """From (K, H, W) float32 the label (H, W) uint8 of the largest value, of equal ones the first; and that value."""
    classes, height, width = shares.shape
    labels, largest = np.zeros((height, width), np.uint8), shares[0].copy()
    for y in range(height):
        for label in range(1, classes):
            for x in range(width):
                value = shares[label, y, x]
                if value > largest[y, x]:
                    largest[y, x] = value
                    labels[y, x] = label
    return labels, largest


@compiled
def regions_of(labels):  # type: ignore[no-untyped-def]
    """(H, W) int32 numbers from 0 of the regions of equal labels, joined over sides; and how many there are.

    In one pass over the pixels that joins what meets, and one that numbers what is left (Rosenfeld and
    Pfaltz, "Sequential operations in digital picture processing", 1966; the joining by union-find).
    """
    height, width = labels.shape
    regions = np.empty((height, width), np.int32)
    leader = np.empty(height * width, np.int32)  # of each number a smaller one of its region, or itself
    count = 0
    for y in range(height):
        for x in range(width):
            beside = x > 0 and labels[y, x - 1] == labels[y, x]
            above = y > 0 and labels[y - 1, x] == labels[y, x]
            if beside:
                regions[y, x] = regions[y, x - 1]
            elif above:
                regions[y, x] = regions[y - 1, x]
            else:
                leader[count] = regions[y, x] = count
                count += 1
            if beside and above and regions[y, x - 1] != regions[y - 1, x]:
                first, second = regions[y, x - 1], regions[y - 1, x]
                while leader[first] != first:
                    leader[first] = leader[leader[first]]
                    first = leader[first]
                while leader[second] != second:
                    leader[second] = leader[leader[second]]
                    second = leader[second]
                leader[max(first, second)] = min(first, second)
    found = 0
    for number in range(count):
        if leader[number] == number:
            leader[number] = found
            found += 1
        else:  # smaller ones have their last number already
            leader[number] = leader[leader[number]]
    for y in range(height):
        for x in range(width):
            regions[y, x] = leader[regions[y, x]]
    return regions, found
