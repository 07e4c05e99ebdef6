"""Reading a COCO file strictly: what cannot be trained on is refused, with every fault counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from recycle_coco.archive import refuse_archive
from recycle_coco.empty_shapes import are_shares
from recycle_coco.git_lfs import refuse_pointer
from recycle_coco.join import joined
from recycle_coco.json import parse_json, tree_fault
from recycle_coco.labels import LabelIndex, label_index
from recycle_coco.large import read_large
from recycle_coco.lenient import strict
from recycle_coco.overfull import overfull
from recycle_coco.paths import PHOTO_SUFFIXES, copy_beside
from recycle_coco.rle import length_fault
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.printable import short_repr
from recyclecli.reading import MissingFile

PROVENANCE = "provenance"
"""[{"file_name": ..., "digest": ...}] of the photos that one was made from; that an object was pasted from, with its
"annotation_id"; of the file, that were read besides to make its photos."""
DocumentFault = tuple[str, str]  # its code in the catalogue of `recycle data check`, and what was found
FIELDS = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("image_id", "category_id"),
    "categories": ("id", "name"),
}  # of the entries of each list, what none may lack
MAX_PHOTO_SIDE = 2**16  # pixels of a photo's longer side
MAX_COORDINATE_REACH = 10  # a coordinate may lie this many widths or heights away before it is taken for a fault


@dataclass(frozen=True, slots=True)
class Document:
    """A COCO file that has the form of one.

    Attributes:
        file: where it was read, the first of several.
        content: the JSON as it came, joined where there were several files.
        parts: images of each file.
        labels: its label index.
        annotations: image id to that image's annotations in file order.
        empty: ids of annotations that enclose no pixel: no polygon of three points, no run.
    """

    file: Path
    content: dict[str, Any]
    parts: tuple[int, ...]
    labels: LabelIndex
    annotations: dict[Any, list[dict[str, Any]]]
    empty: tuple[Any, ...]


def read_document(*files: Path, content: dict[str, Any] | None = None) -> Document:
    """Read and check a COCO file, or several as one.

    Args:
        files: where they are.
        content: what stands for the JSON of the only file, where a reader has mended it.

    Raises:
        RecycleError: the file is missing, is no JSON or no COCO, or has entries that cannot be
            used: doubled image ids, annotations of unknown images or categories, coordinates
            that are no finite numbers or lie far outside, an RLE of another size.
    """
    file = files[0]
    contents = [load_content(one) for one in files] if content is None else [checked(content, file, tuple(FIELDS))]
    content, parts = joined(contents, files)
    images = {image["id"]: image for image in content["images"]}
    labels = label_index(content["categories"], file)
    faults = list(_image_faults(content["images"]))
    if wrong := provenance_fault(content):
        faults.append(wrong[1])
    if fault := tree_fault({key: value for key, value in content.items() if key not in ("images", "annotations")}):
        faults.append(f"its categories or other sections: {fault}")
    annotations: dict[Any, list[dict[str, Any]]] = {image_id: [] for image_id in images}
    empty = []
    for annotation in content["annotations"]:
        image = images.get(annotation["image_id"])
        where = f"annotation {short_repr(annotation.get('id'))}"
        if image is None:
            faults.append(f"{where}: no image has id {short_repr(annotation['image_id'])}")
        elif annotation["category_id"] not in labels.label_of:
            faults.append(f"{where}: no category has id {short_repr(annotation['category_id'])}")
        else:
            wrong = shape_fault(annotation.get("segmentation"), image) or field_fault(annotation)
            if wrong:
                faults.append(f"{where} of {image['file_name']!r}: {wrong[1]}")
            elif encloses_nothing(annotation.get("segmentation")):
                empty.append(annotation.get("id"))
            annotations[annotation["image_id"]].append(annotation)
    full = overfull(content["annotations"])
    faults += [f"{images[key]['file_name']!r}: {fault}" for key, fault in full.items() if key in images]
    if faults:
        shown = "\n  ".join(faults[:5] + ([f"... and {len(faults) - 5} more"] if len(faults) > 5 else []))
        raise RecycleError(f"{file} has {counted(len(faults), 'fault')}:\n  {shown}", "correct or remove these entries")
    return Document(file, content, parts, labels, annotations, tuple(empty))


def load_content(file: Path, sections: Sequence[str] = tuple(FIELDS), as_is: bool = False) -> dict[str, Any]:
    """The JSON of a COCO file whose entries have the fields and types of one; nothing else is checked.

    Args:
        file: where it is.
        sections: the lists that it must have; others are not looked at.
        as_is: leave loose spellings as they are, rather than `strict`.

    Raises:
        RecycleError: no such file, no JSON, or no COCO.
    """
    refuse_archive(file, "a COCO file, or the data's folder, is expected")
    try:
        raw = parse_json(read_large(file))
    except MissingFile as error:
        raise RecycleError(f"annotation file {file} does not exist", "check its name and its folder") from error
    except ValueError as error:
        refuse_pointer(file)
        if file.suffix.lower() in PHOTO_SUFFIXES:
            raise RecycleError(f"{file} is a photo, and labels are expected", "name their folder or file") from error
        raise RecycleError(f"{file} is not valid JSON: {error}", "export or download it again") from error
    content = checked(strict(raw)[0], file, sections)
    return raw if as_is else content


def checked(content: Any, file: Path, sections: Sequence[str]) -> dict[str, Any]:
    """A content whose entries have the fields and types of COCO; see `load_content`."""
    for section in sections:
        keys = FIELDS[section]
        entries = content.get(section) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            keys_there = f", but {join_limited(content)}" if isinstance(content, dict) and content else ""
            raise RecycleError(
                f"{file} is not a COCO file: it has no list {section!r}{keys_there}",
                "if a labelling tool wrote it: recycle data import "
                f"{quote(str(file.parent))} {quote(str(copy_beside(file.parent)))}; --list says which are read",
            )
        for number, entry in enumerate(entries):
            missing = [key for key in keys if not isinstance(entry, dict) or entry.get(key) is None]
            if missing:
                raise RecycleError(f"{file}: {section}[{number}] lacks {', '.join(missing)}", "complete the entry")
            loose = [key for key in keys if not _fits(entry[key], _TYPES.get(f"{section}.{key}", _TYPES[key]))]
            if loose:
                raise RecycleError(
                    f"{file}: {section}[{number}].{loose[0]} is {short_repr(entry[loose[0]])}", "correct it"
                )
    if not content["images"]:
        raise RecycleError(f"{file} lists no images", "export it again with its photos, or leave it out")
    whole: dict[str, Any] = content
    return whole


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    """Whether a value has one of `types`; text must be text that can be written, too."""
    if isinstance(value, str) and str in types:
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, types) and not isinstance(value, bool)


_TYPES: dict[str, tuple[type, ...]] = {
    "id": (int, str),
    "categories.id": (int,),
    "image_id": (int, str),
    "category_id": (int,),
    "file_name": (str,),
    "name": (str,),
    "width": (int,),
    "height": (int,),
}


def _image_faults(images: list[dict[str, Any]]) -> Iterator[str]:
    seen: set[Any] = set()
    for image in images:
        if image["id"] in seen:
            yield f"image id {image['id']!r} occurs twice"
        seen.add(image["id"])
        if fault := size_fault(image) or provenance_fault(image) or extra_fault(image):
            yield f"image {image['file_name']!r}: {fault[1]}"


def size_fault(image: Mapping[str, Any]) -> DocumentFault | None:
    """What is wrong with an image's stated size; None when its labels can be painted."""
    from recycle_coco.unreadable import max_pixels

    height, width = image["height"], image["width"]
    if min(height, width) < 1:
        return "invalid-image-size", f"it is stated as {short_repr(width)}x{short_repr(height)} pixels"
    if max(height, width) > MAX_PHOTO_SIDE or height * width > max_pixels():
        cause = f"it is stated as {short_repr(width)}x{short_repr(height)} pixels"
        return (
            "photo-too-large",
            f"{cause}; at most {max_pixels()} are read (--max-pixels), and {MAX_PHOTO_SIDE} on a side",
        )
    return None


def extra_fault(entry: Mapping[str, Any]) -> DocumentFault | None:
    """What is wrong with the fields of an entry that its readers pass on, the segmentation left out."""
    fault = tree_fault({key: value for key, value in entry.items() if key != "segmentation"})
    return ("malformed-field", fault) if fault else None


def usable_id(identity: Any) -> bool:
    """Whether an annotation's id is a number or a text, or left out."""
    return identity is None or isinstance(identity, (int, float, str))


def usable_area(area: Any) -> bool:
    """Whether the area that an annotation states is a number; NaN is none."""
    return isinstance(area, (int, float)) and abs(area) < 1e18


def field_fault(annotation: Mapping[str, Any]) -> DocumentFault | None:
    """What is wrong with an annotation's id, area, provenance or further fields; None when nothing is."""
    if not usable_id(annotation.get("id")):
        return "malformed-field", f"its id is {short_repr(annotation['id'])}, neither a number nor a text"
    area = annotation.get("area")
    if area is not None and not usable_area(area):
        return "malformed-field", f"its area is {short_repr(area)}"
    return provenance_fault(annotation) or extra_fault(annotation)


def provenance_fault(entry: Mapping[str, Any]) -> DocumentFault | None:
    """What is wrong with the provenance of an annotation, an image or a file; None when nothing is."""
    sources = entry.get(PROVENANCE, [])
    if not isinstance(sources, list) or not all(
        isinstance(source, dict) and isinstance(source.get("file_name"), str) for source in sources
    ):
        return "malformed-field", f"its {PROVENANCE} is no list of objects with a file_name"
    return None


def shape_fault(shape: Any, image: Mapping[str, Any]) -> DocumentFault | None:
    """What is wrong with a segmentation; None when it can be painted or encloses nothing."""
    if isinstance(shape, dict):
        return _rle_fault(shape, [image["height"], image["width"]])
    fault = _polygon_fault(shape, image)
    return ("malformed-segmentation", fault) if fault else None


def _polygon_fault(shape: Any, image: Mapping[str, Any]) -> str:
    if shape is None or shape == []:
        return ""
    if not isinstance(shape, list) or not all(isinstance(part, list) for part in shape):
        return "its segmentation is neither polygons nor an RLE"
    for part in shape:
        try:
            reaches = [(min(axis), max(axis)) for axis in (part[0::2], part[1::2]) if axis]
            finite = math.isfinite(sum(part))
        except (TypeError, OverflowError):
            return "its polygon holds something that is no number"
        if not finite:
            return "its polygon holds NaN or infinity"
        if len(part) % 2:
            return f"its polygon has an odd count of {len(part)} numbers"
        for (low, high), side in zip(
            reaches, (image["width"], image["height"]), strict=False
        ):  # an empty part has none
            if low < -MAX_COORDINATE_REACH * side or high > MAX_COORDINATE_REACH * side:
                far = high if high > MAX_COORDINATE_REACH * side else low
                return f"its polygon reaches {far:g}, far outside the photo"
        if fault := length_fault(part):
            return fault
    return ""


def _rle_fault(rle: dict[str, Any], size: list[int]) -> DocumentFault | None:
    counts = rle.get("counts")
    if not isinstance(counts, (list, str)) or not isinstance(rle.get("size"), list):
        return "malformed-segmentation", "its segmentation is neither polygons nor an RLE"
    if fault := extra_fault(rle):
        return fault
    if rle["size"] != size:
        return "rle-size", f"its RLE is of size {short_repr(rle['size'])}, the photo of {size} (height, width)"
    if isinstance(counts, list):
        covered = sum(counts) if all(type(count) is int and count >= 0 for count in counts) else -1
    else:
        covered = _covered(counts) if counts.isascii() else -1
    if covered != size[0] * size[1]:
        return "rle-counts", "its RLE counts do not add up to the photo's pixels"
    return None


def _covered(counts: str) -> int:
    """Pixels that compressed counts describe, -1 where they are malformed.

    The code is COCO's: six-bit characters from `0`, five bits of value each, the sixth set
    where more follow; from the fourth run on a value is relative to the one two before.
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            return -1
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            if len(runs) > 2:
                value += runs[-2]
            if value < 0:
                return -1
            runs.append(value)
            value = shift = 0
    return sum(runs) if shift == 0 else -1


def encloses_nothing(shape: Any) -> bool:
    """Whether a segmentation has neither an RLE nor a polygon of three points that leaves the first pixel."""
    if isinstance(shape, dict):
        return False
    return not any(len(part) >= 6 for part in shape or []) or are_shares(shape)
