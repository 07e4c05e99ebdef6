"""Writing a source's photos and annotations as a COCO folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recyclecli.coco import build_document
from recyclecli.files import refuse_overwrite, whole, write_json
from recyclecli.progress import track
from recyclecli.types import Record, Sample, Source

QUALITY = 92  # of JPEG; others are written without loss


def write_photos(source: Source, root: Path, name: str, force: bool) -> Path:
    """Write every photo of `source` to `root` and then `root / name`, the COCO file; its path.

    Raises:
        RecycleError: the COCO file exists and not `force`, or the folder cannot be written.
    """
    from PIL import Image

    refuse_overwrite([root / name], force)

    def written() -> Iterator[tuple[Record, Sample]]:
        for index in track(range(len(source)), len(source), "writing photos"):
            record, sample = source.record(index), source.read(index)
            file = root / record.file_name
            with whole(file) as part:
                form = "JPEG" if file.suffix.lower() in (".jpg", ".jpeg") else "PNG"
                Image.fromarray(sample.image).save(part, form, quality=QUALITY, subsampling=0)
            yield record, sample

    write_json(root / name, build_document(source.class_names, written()))
    return root / name
