"""Writing a source's photos and annotations as a COCO folder."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from recycle_data.coco_document import build_document
from recycle_data.owned import Owned
from recycle_data.progress import track
from recyclecli.types import Record, Sample, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

JPEG_QUALITY = 92  # of JPEG; others are written without loss


def write_photos(source: Source, root: Path, name: str, force: bool) -> Path:
    """Write every photo of `source` to `root` and then `root / name`, the COCO file; its path.

    Raises:
        RecycleError: a file exists and not `force`, or is not what was written there; or the folder cannot be written.
    """
    owned = Owned(root)

    def written() -> Iterator[tuple[Record, Sample]]:
        for index in track(range(len(source)), len(source), "writing photos"):
            record, sample = source.record(index), source.read(index)
            write_photo(owned, root / record.file_name, sample.image)
            yield record, sample

    places = [root / source.record(index).file_name for index in range(len(source))]
    with owned.begun(root / name, places, force):
        owned.write_json(root / name, build_document(source.class_names, written()))
    return root / name


def write_photo(owned: Owned, file: Path, image: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) uint8 RGB: as JPEG without subsampling where the name says so, else as PNG.

    Args:
        owned: the folder that the file is to be one of.
        file: below it.
        image: the photo.
    """
    from PIL import Image

    form = "JPEG" if file.suffix.lower() in (".jpg", ".jpeg") else "PNG"
    stream = BytesIO()
    Image.fromarray(image).save(stream, form, quality=JPEG_QUALITY, subsampling=0)
    owned.write_bytes(file, stream.getvalue())
