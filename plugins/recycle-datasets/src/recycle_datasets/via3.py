"""Projects of VIA 3, as the region files of VIA 2."""

from collections.abc import Mapping, Sequence
from typing import Any

VIA3_SHAPES = ("", "point", "rect", "circle", "ellipse", "line", "polyline", "polygon", "rect", "circle")
"""What the first number of a shape's coordinates means."""


def as_regions(project: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Sequence[str]]]:
    """The photos with their regions, and the values of each attribute that is chosen from a list, in its order.

    A view of one file is a photo; what has a time is of a video and no region. Attributes of the whole file stay out.

    Args:
        project: as VIA 3 saves it.
    """
    files, views = _dicts(project.get("file")), _dicts(project.get("view"))
    attributes = _dicts(project.get("attribute"))
    options = {key: one["options"] for key, one in attributes.items() if isinstance(one.get("options"), dict)}
    names = {key: str(one.get("aname") or key) for key, one in attributes.items()}
    photos: dict[str, Any] = {}
    for key, view in views.items():
        listed = view.get("fid_list")
        shown = files.get(str(listed[0])) if isinstance(listed, list) and len(listed) == 1 else None
        if shown is not None:
            photos[key] = {"filename": str(shown.get("fname") or shown.get("src") or ""), "regions": []}
    for one in _dicts(project.get("metadata")).values():
        photo, shape = photos.get(str(one.get("vid"))), one.get("xy")
        if photo is None or one.get("z") or not isinstance(shape, list) or not shape:
            continue
        chosen = one.get("av")
        values = {
            names.get(str(key), str(key)): _text(options.get(str(key), {}), value)
            for key, value in (chosen if isinstance(chosen, dict) else {}).items()
        }
        photo["regions"].append({"shape_attributes": _shape(shape), "region_attributes": values})
    order: dict[str, Sequence[str]] = {names[key]: tuple(map(str, one.values())) for key, one in options.items() if one}
    return photos, order


def _dicts(value: Any) -> dict[str, dict[str, Any]]:
    return {str(key): one for key, one in value.items() if isinstance(one, dict)} if isinstance(value, dict) else {}


def _text(options: Mapping[str, Any], value: Any) -> Any:
    """What is chosen of a list, by its key; of a checkbox several, with commas."""
    keys = [key for key in str(value).split(",") if key]
    if options and all(key in options for key in keys):
        return {str(options[key]): True for key in keys} if len(keys) > 1 else str(options[keys[0]]) if keys else ""
    return value


def _shape(numbers: Sequence[Any]) -> dict[str, Any]:
    """A shape as VIA 2 has it."""
    place = numbers[0] if isinstance(numbers[0], int) else 0
    kind, rest = VIA3_SHAPES[place] if 0 <= place < len(VIA3_SHAPES) else f"{numbers[0]}", numbers[1:]
    if kind in ("polygon", "polyline"):
        return {"name": kind, "all_points_x": [*rest[::2]], "all_points_y": [*rest[1::2]]}
    keys = {"circle": ("cx", "cy", "r"), "ellipse": ("cx", "cy", "rx", "ry")}.get(kind, ())
    return {"name": kind, **dict(zip(keys, rest, strict=False))}
