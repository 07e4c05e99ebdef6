"""What is said of masks that cannot be used, with the line that mends them where there is one."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from recycle_coco.paths import copy_beside

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
    """The line that mends masks, JPEGs or of another size than their photos, in a copy of the folder; "" for others."""
    root = root.resolve()
    copy = copy_beside(root, "mended")
    start = (
        f"import shutil; from pathlib import Path; from PIL import Image as I, ImageOps as O; c = Path({_text(copy)}); "
    )
    start += f"shutil.copytree({_text(root)}, c); "
    folders = {PurePosixPath(name).parent.as_posix(): _inside(file.parent, root) for name, file in files.items()}
    pairs = json.dumps(folders, ensure_ascii=False)
    if JPEG in what:
        kind = "are black and white, write them as PNG"
        code = (
            '[I.open(m).convert("L").point(lambda v: v // 128 * 255).save(m.with_suffix(".png")) or m.unlink() '
            f'for b in {pairs}.values() for m in [*(c / b).iterdir()] if m.suffix.lower() in (".jpg", ".jpeg")]'
        )
    elif SIZED in what and all(PurePosixPath(name).stem == file.stem for name, file in files.items()):
        kind = "show the whole photos, resize them"
        code = (
            "[I.open(m).resize(O.exif_transpose(I.open(p[m.stem])).size, I.Resampling.NEAREST).save(m) "
            f"for a, b in {pairs}.items() for p in [{{f.stem: f for f in (c / a).iterdir()}}] "
            "for m in [*(c / b).iterdir()] if m.stem in p]"
        )
    else:
        return ""
    return f"where they {kind} in a copy, {copy}, and import that: python -c {shlex.quote(start + code)}"


def _inside(folder: Path, root: Path) -> str:
    return folder.resolve().relative_to(root).as_posix()


def _text(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)
