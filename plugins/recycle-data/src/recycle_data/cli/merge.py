"""`recycle data merge`"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from recycle_data.cli.options import Dataset, DatasetOption, dataset_settings
from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_data.merging import Merged


def merge(
    sets: Annotated[list[Path], typer.Argument(metavar="SET...", help="Data folders, the oldest first.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    dataset: Dataset = "coco",
    option: DatasetOption = None,
    take: Annotated[
        Literal["first", "last"] | None,
        typer.Option("--take", help="Which labels to keep if two sets label a photo differently."),
    ] = None,
    link: Annotated[bool, typer.Option("--link", help="Link photos instead of copying them.")] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Join sets of labelled photos: classes matched by name, each photo once.

    Photos are identified by their pixels, also when re-saved. Photos that two sets label differently are named and
    refused unless --take decides.
    """
    from recycle_data import api
    from recycle_data.folds import FOLDS_FILE

    done = api.merge(sets, out, dataset, dataset_settings(option), take, link, force)
    if as_json:
        _print_json(done)
        return
    for folder, count in zip(sets, done.photos, strict=True):
        print(f"{counted(count, 'photo')} of {folder}", file=sys.stderr)
    if done.doubled:
        print(f"{counted(done.doubled, 'photo')} that several sets hold: written once", file=sys.stderr)
    for first, other in done.conflicts:
        print(f"labelled differently: {first} and {other}; the {take} set's labels are taken", file=sys.stderr)
    if done.renamed:
        new, old = next(iter(done.renamed.items()))
        print(
            f"{counted(len(done.renamed), 'photo')} renamed, as another has the name: {old} is {new}", file=sys.stderr
        )
    if done.added:
        print(f"classes that {sets[0]} lacks: {', '.join(done.added)}", file=sys.stderr)
    for file in done.files:
        print(file)
    keep = next((folder / FOLDS_FILE for folder in sets if (folder / FOLDS_FILE).is_file()), None)
    words = ["recycle", "data", "kfold", "--data", str(out), *(["--keep", str(keep)] if keep else [])]
    print(f"next: {shlex.join(words)}", file=sys.stderr)


def _print_json(done: Merged) -> None:
    import json

    fields = {"photos": done.photos, "doubled": done.doubled, "conflicts": done.conflicts, "renamed": done.renamed}
    files = [str(file) for file in done.files]
    print(json.dumps({"files": files, **fields, "added_classes": done.added}, ensure_ascii=False))
