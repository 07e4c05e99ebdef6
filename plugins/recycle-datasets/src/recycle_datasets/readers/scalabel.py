"""The `scalabel` dataset: frames of Scalabel and BDD100K with polygons and RLE."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import consumed, documents, photo_of, rle_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.scalabel import is_scalabel, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

CURVE_PIECES = 16  # pieces of a curve


def open_scalabel(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Scalabel's frames, those without a label too.

    Closed outlines and RLE are labelled areas, those of one label united; `C` marks the two control points of a cubic
    curve. The smaller is on top. Classes stand in the order of the config where the file has one, else by name.
    The stated size tells whether the photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    for name, content, split in documents(options, context, labels, recognise, "Scalabel", is_scalabel):
        file = context.root / name
        config = content.get("config") if isinstance(content, dict) else None
        config = config if isinstance(config, dict) else {}
        names |= {str(one.get("name")).strip(): None for one in dicts(config.get("categories"))}
        side = config.get("imageSize")
        for _, frame in consumed(content["frames"] if isinstance(content, dict) else content):
            own = frame.get("size", side)
            own = own if isinstance(own, dict) else {}
            where = f"{file}: {frame.get('name')}"
            size = labels.size(own.get("height"), own.get("width"), where)
            shapes: list[Shape] = []
            for number, one in enumerate(dicts(frame.get("labels")), start=1):
                shapes += _shapes(labels, f"{where}, label {number}", one)
            labels.photos.append(photo_of(str(frame.get("name") or ""), shapes, size, split, str(file)))
    return source(context, labels, "Scalabel", [*names, *sorted_names(labels.photos)])


def _shapes(labels: Labels, where: str, one: Mapping[str, Any]) -> Iterator[Shape]:
    """The labelled area of a label; all else is counted as left out."""
    name, rle = str(one.get("category") or "").strip(), one.get("rle")
    outlines = dicts(one.get("poly2d"))
    closed = [ring for ring in outlines if ring.get("closed", True)]
    if not name:
        labels.left_out["labels without a category"] += 1
    elif closed:
        yield Shape(name, [labels.outline(_points(ring), where) for ring in closed])
    elif rle is not None:
        yield from rle_of(labels, where, name, rle)
    else:
        labels.left_out["lines" if outlines else "boxes" if one.get("box2d") else "tags"] += 1


def _points(ring: Mapping[str, Any]) -> Any:
    """The corners of an outline; its curves are followed in small steps."""
    points, kinds = ring.get("vertices"), str(ring.get("types") or "")
    if not isinstance(points, list) or "C" not in kinds or len(kinds) != len(points):
        return points
    found: list[Any] = []
    place = 0
    while place < len(points):
        if kinds[place : place + 2] == "CC" and found:
            try:
                curve = [found[-1], points[place], points[place + 1], points[(place + 2) % len(points)]]
                for step in range(1, CURVE_PIECES + 1):
                    t = step / CURVE_PIECES
                    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                    found.append([sum(w * p[axis] for w, p in zip(weights, curve, strict=True)) for axis in (0, 1)])
            except (IndexError, TypeError):
                return None
            place += 3
        else:
            found.append(points[place])
            place += 1
    return found
