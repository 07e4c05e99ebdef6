"""The COCO file of photos that were made from others, alone or together with those."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_coco import has_background, rasterise
from recycle_coco.document import PROVENANCE

from recycle_data.coco_document import Region, categories_of, mask_regions, shape_of
from recycle_data.coco_folder import write_photo
from recycle_data.owned import Owned
from recycle_data.sources import read_labels
from recyclecli.errors import RecycleError
from recyclecli.types import IGNORE, Record, Sample, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

Origin = tuple[int, int]  # a photo's index in the source, an instance there


def made_photo(
    source: Source, sample: Sample, file_name: str, made_from: int, origins: Mapping[int, Origin]
) -> dict[str, Any]:
    """What is written of a new photo: name, size, the photo it was made from, and its objects.

    Args:
        source: the photos it was made from.
        sample: the new photo.
        file_name: of the new photo.
        made_from: index of the photo that it is a changed copy of.
        origins: instance number to where a pasted object comes from.
    """
    height, width = sample.mask.shape
    objects = [
        _labelled(region, height, width, _origin(source, origins.get(region.number)))
        for region in mask_regions(sample.mask, sample.instances, has_background(source.class_names))
    ]
    record = source.record(made_from)
    origin = [{"file_name": name} for name in (record.file_name, *sorted(record.provenance))]
    return {"file_name": file_name, "width": width, "height": height, PROVENANCE: origin, "objects": objects}


def _labelled(region: Region, height: int, width: int, origin: list[dict[str, Any]]) -> dict[str, Any]:
    shape = {"label": region.label, **shape_of(region, height, width)}
    return shape | {PROVENANCE: origin} if origin else shape


def _origin(source: Source, origin: Origin | None) -> list[dict[str, Any]]:
    if origin is None:
        return []
    record = source.record(origin[0])
    known = record.annotations[origin[1] - 1 : origin[1]]  # sources of masks know no annotations
    earlier = {*record.made_from, *(known[0].provenance if known else record.provenance)}
    nearest = {"file_name": record.file_name, **({"annotation_id": known[0].id} if known else {})}
    return [nearest, *({"file_name": name} for name in sorted(earlier))]


def source_photos(source: Source, out: Path, left_out: Collection[str]) -> Iterator[dict[str, Any]]:
    """The source's own photos but those `left_out`, as `made_photo` has them; copied into `out` unless they lie there.

    Raises:
        RecycleError: two photos, or a photo and another file in `out`, have the same name.
    """
    taken: set[Path] = set()
    owned = Owned(out)
    for index in range(len(source)):
        record = source.record(index)
        if record.file_name in left_out:
            continue
        place = out / record.file_name
        if place in taken:
            raise RecycleError(f"two of the photos are called {record.file_name!r}", "use --mode self, or rename one")
        taken.add(place)
        _bring(owned, source, index, record, place)
        yield own_photo(source, index)


def _bring(owned: Owned, source: Source, index: int, record: Record, place: Path) -> None:
    if not record.file.is_file():  # drawn, not stored
        owned.refuse_foreign([place])
        write_photo(owned, place, source.read(index).image)
    elif not place.exists():
        with owned.atomic_path(place) as part:
            shutil.copyfile(record.file, part)
    elif not place.samefile(record.file) and place.read_bytes() != record.file.read_bytes():
        raise RecycleError(f"{place} is another photo than {record.file}", "choose another folder with --out")


def own_photo(source: Source, index: int) -> dict[str, Any]:
    """A photo of a source as `made_photo` has a new one."""
    record = source.record(index)
    entry: dict[str, Any] = {"file_name": record.file_name, "width": record.width, "height": record.height}
    if record.made_from:
        entry[PROVENANCE] = [{"file_name": name} for name in record.made_from]
    return entry | {"objects": list(_own_objects(source, index))}


def _own_objects(source: Source, index: int) -> Iterator[dict[str, Any]]:
    """As they were annotated, also what others hide; from the masks where there are no annotations."""
    from pycocotools import mask as coco

    record = source.record(index)
    if not record.annotations:
        for region in mask_regions(*read_labels(source, index), has_background(source.class_names)):
            yield _labelled(region, record.height, record.width, [])
    for annotation in record.annotations:
        rle = rasterise(annotation.segmentation, record.height, record.width)
        if rle is not None:
            yield {
                "label": annotation.label,
                "segmentation": annotation.segmentation,
                "area": int(coco.area(rle)) if annotation.area is None else annotation.area,
                "bbox": [round(float(side), 2) for side in coco.toBbox(rle)],
                "iscrowd": int(annotation.iscrowd),
            } | ({PROVENANCE: [{"file_name": name} for name in annotation.provenance]} if annotation.provenance else {})


def origins_told(source: Source) -> tuple[dict[str, str], set[str]]:
    """What a source tells of where its photos come from: digests by `file_name`, and names of photos read besides."""
    records = [source.record(index) for index in range(len(source))]
    digests: dict[str, str] = {}
    for told in {id(record.digests): record.digests for record in records}.values():
        digests |= told
    return digests, set().union(*{record.made_with for record in records})


def document(
    class_names: Sequence[str],
    photos: Iterable[dict[str, Any]],
    digests: Mapping[str, str] = {},
    read: Collection[str] = (),
) -> dict[str, Any]:
    """A COCO document of entries as `made_photo` makes them, in their order; category ids are labels.

    Args:
        class_names: by label.
        photos: the entries.
        digests: of the pixels of photos that the entries were made from or with, by file name.
        read: file names of photos that were read to make them; those that no entry names are named for the file.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, photo in enumerate(photos, start=1):
        images.append({"id": number, **{key: value for key, value in photo.items() if key != "objects"}})
        for shape in photo["objects"]:
            rest = {key: value for key, value in shape.items() if key != "label"}
            label = len(class_names) if shape["label"] == IGNORE else shape["label"]
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": label, **rest})
    used = {annotation["category_id"] for annotation in annotations}
    categories = categories_of(tuple(class_names), len(class_names) in used)
    if 0 in used and categories[0]["id"]:  # objects that were made background are painted as such
        categories.insert(0, {"id": 0, "name": class_names[0], "supercategory": class_names[0]})
    content = {"images": images, "annotations": annotations, "categories": categories}
    return content | _origins(content, digests, read)


def _origins(content: dict[str, Any], digests: Mapping[str, str], read: Collection[str]) -> dict[str, Any]:
    """The file's own provenance; the digests go into that of its entries, too."""
    named = [
        origin for part in ("images", "annotations") for one in content[part] for origin in one.get(PROVENANCE, ())
    ]
    besides = [{"file_name": name} for name in sorted({*read} - {origin["file_name"] for origin in named})]
    for origin in (*named, *besides):
        if origin["file_name"] in digests:
            origin["digest"] = digests[origin["file_name"]]
    return {PROVENANCE: besides} if besides else {}
