"""What is said of masks that cannot be used, with the line that mends them where there is one."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from recycle_datasets.maskfile import JPEG
from recycle_datasets.survey import SIZED
from recyclecli.types import LabelFaults, RecycleError, counted


def unusable(root: Path, faults: Sequence[tuple[str, str]], files: Mapping[str, Path], drop: bool) -> RecycleError:
    """What is said of masks that cannot be used."""
    typed = _typed(root, {name: files[name] for name, _ in faults}, faults[0][1])
    if drop and len(faults) == len(files):
        where, what = faults[0]
        return RecycleError(
            f"none of the {counted(len(files), 'photo')} of {root} has a mask that can be used; the first, {where}: "
            f"{what}",
            typed or "correct the masks; `recycle data import` without --drop-unreadable says what is wrong with each",
        )
    leave = "leave their photos out with --drop-unreadable, or " if len(faults) < len(files) else ""
    return LabelFaults(faults, leave + (typed or "correct these files"))


def _typed(root: Path, files: Mapping[str, Path], what: str) -> str:
    """The line that mends masks of one folder: JPEGs of two values, or another size than the photo's; "" for others."""
    folders = {((root / name).parent, file.parent) for name, file in files.items()}
    if len(folders) > 1:
        return ""
    photos, masks = (json.dumps(str(folder), ensure_ascii=False) for folder in folders.pop())
    start = "from pathlib import Path; from PIL import Image as I, ImageOps as O; "
    if JPEG in what:
        code = (
            '[I.open(m).convert("L").point(lambda v: v // 128 * 255).save(m.with_suffix(".png")) '
            f'for m in [*Path({masks}).iterdir()] if m.suffix.lower() in (".jpg", ".jpeg")]'
        )
        return f"where they are black and white, write PNGs beside them: python -c {shlex.quote(start + code)}"
    if SIZED in what and all(PurePosixPath(name).stem == file.stem for name, file in files.items()):
        code = (
            f"p = {{f.stem: f for f in Path({photos}).iterdir()}}; "
            "[I.open(m).resize(O.exif_transpose(I.open(p[m.stem])).size, I.Resampling.NEAREST).save(m) "
            f"for m in [*Path({masks}).iterdir()] if m.stem in p]"
        )
        return f"where they show the whole photos, resize them in place: python -c {shlex.quote(start + code)}"
    return ""
