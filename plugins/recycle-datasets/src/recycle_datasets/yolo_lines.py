"""The lines of YOLO label files: a class number and an outline in shares of the photo's sides."""

import math
import re
from pathlib import Path

from recycle_coco import read_loose_text
from recycle_coco.overfull import MAX_OBJECTS_PER_PHOTO

ORIENTED = re.compile(r"(-?[\d.]+\s+){8}[^\d\s]\S*(\s+\d)?")  # four corners, a name, and how hard it is to see
MAX_OUTSIDE = 0.5  # how far outside 0..1 a point may lie: what lies outside the photo is cut off

Line = tuple[int, list[float]]  # class number, and x1 y1 x2 y2 ... in shares of the photo's sides


def read_lines(file: Path, faults: list[tuple[str, str]], boxes: list[tuple[str, str]]) -> list[Line]:
    """Class number and points of each line; what is wrong with others is added to `faults`, boxes to `boxes`."""
    found: list[Line] = []
    text = read_loose_text(file)
    if (count := text.count("\n")) > MAX_OBJECTS_PER_PHOTO:
        faults.append(
            (str(file), f"it has {count:,} lines, and at most {MAX_OBJECTS_PER_PHOTO:,} objects of a photo are read")
        )
        return found
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            if ORIENTED.fullmatch(line.strip()):
                boxes.append((f"{file}, line {number}", "it is an oriented box of DOTA: it says nothing about pixels"))
            elif fault := _fault(line.split()):
                faults.append((f"{file}, line {number}", fault))
            else:
                first, *rest = map(float, line.split())
                if len(rest) == 4:
                    boxes.append((f"{file}, line {number}", "it is a box: a detection label says nothing about pixels"))
                else:
                    found.append((int(first), rest))
    return found


def _fault(parts: list[str]) -> str:
    """What is wrong with a line, empty when nothing is."""
    try:
        first, *rest = map(float, parts)
    except ValueError:
        return "it holds something that is no number"
    if not all(map(math.isfinite, (first, *rest))):
        return "it holds NaN or infinity"
    if first < 0 or first != int(first):
        return f"{parts[0]} is no class number"
    if not rest or len(rest) % 2:
        return f"{len(rest)} numbers after the class are no polygon of three points or more"
    if min(rest) < -MAX_OUTSIDE or max(rest) > 1 + MAX_OUTSIDE:
        return f"{min(rest) if min(rest) < -MAX_OUTSIDE else max(rest):g} is not within 0..1"
    return ""
