"""Any source as a folder of photos and index masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from recycle_coco.paths import CLASSES_FILE

from recycle_data.convert.photos import IMAGES, copy_photo, place_photos, read_records, to_write
from recycle_data.named_splits import named_splits
from recycle_data.owned import Owned
from recycle_data.palette import palette
from recycle_data.progress import track
from recycle_data.sources import read_labels
from recyclecli.errors import RecycleError
from recyclecli.types import Source

IGNORED_GRAY = (128, 128, 128)  # of ignored pixels


def write_masks(source: Source, src: Path, dst: Path, force: bool) -> None:
    """Copy the photos to `dst`/images, write masks/NAME.png, then classes.txt.

    The splits that the data names are train.txt, val.txt and test.txt, a photo a line.

    Masks are PNGs whose values are the labels, overlaps painted by the rule, 255 = ignore, and
    whose palette colours them; line k of classes.txt names value k - 1.

    Raises:
        RecycleError: files that exist, photos that would share a mask, names that are no lines.
    """
    from PIL import Image

    _check_names(source.class_names, src)
    records = read_records(source)
    places = place_photos(records, dst, "masks", ".png")
    photos, masks = [photo for photo, _ in places], [mask for _, mask in places]
    owned = Owned(dst)
    colors = [(0, 0, 0)] * 256
    colors[: len(source.class_names)] = palette(source.class_names, src)
    colors[255] = IGNORED_GRAY
    flat = [part for color in colors for part in color]
    named = named_splits(source)
    lists = named.photos() if named.train else {}
    files = [*to_write(photos, records), *masks, *(dst / f"{split}.txt" for split in lists)]
    with owned.begun(dst / CLASSES_FILE, files, force):
        for index in track(range(len(source)), len(source), "converting"):
            copy_photo(owned, source, index, records[index], photos[index])
            image = Image.fromarray(read_labels(source, index)[0])
            image.putpalette(flat)
            with owned.atomic_path(masks[index]) as part:
                image.save(part, "PNG")
        for split, members in lists.items():
            lines = [f"{photos[index].relative_to(dst / IMAGES).as_posix()}\n" for index in members]
            owned.write_text(dst / f"{split}.txt", "".join(lines))
        owned.write_text(dst / CLASSES_FILE, "".join(f"{name}\n" for name in source.class_names))


def _check_names(class_names: Sequence[str], src: Path) -> None:
    for name in class_names:
        if not name or name != name.strip() or "\n" in name:
            raise RecycleError(
                f"class name {name!r} is no line of classes.txt",
                f"rename the class; in a COCO file: recycle data check --data {quote(str(src))} --fix mended.json",
            )
