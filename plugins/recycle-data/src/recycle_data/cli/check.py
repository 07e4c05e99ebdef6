"""`recycle data check`"""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recycle_data.cli.options import (
    CrowdsOption,
    Data,
    Dataset,
    DatasetOption,
    JsonPath,
    data_root,
    dataset_settings,
    root_and_file,
)
from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_data.check import LabelFault

FINDINGS_PER_CODE = 3  # findings shown of each code
COMMAND = re.compile(r"recycle (?:data kfold|train)")  # in a remedy


def check(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]...", help="Data folders; several are also compared with each other."),
    ] = None,
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    crowds: CrowdsOption = None,
    labels_only: Annotated[bool, typer.Option("--labels-only", help="Do not read the photos.")] = False,
    fix: Annotated[
        Path | None,
        typer.Option(
            "--fix", help="Write a copy of the annotation file with all faults repaired that need no guessing."
        ),
    ] = None,
    drop: Annotated[
        bool,
        typer.Option(
            "--drop-unreadable",
            help="With --fix: drop photos that are missing or unreadable, with their labels.",
        ),
    ] = False,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", help="Skip a fault code; repeatable.")] = None,
    min_object_pixels: Annotated[
        int, typer.Option("--min-object-pixels", min=0, help="Report objects with fewer pixels.")
    ] = 10,
    everything: Annotated[bool, typer.Option("--all", help="List every finding instead of some of each code.")] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Find faults in labels, photos and splits; exit code 1 if there are errors or warnings.

    Given several folders, it also finds photos that two of them hold, under any name, size or quality. All codes
    are explained in docs/reference/faults.md.
    """
    from recycle_data.check import CATALOGUE
    from recycle_data.output_file import output_file
    from recyclecli.errors import RecycleError, suggest

    if folders and data is not None:
        raise RecycleError("--data beside folders", "name all of them without --data: recycle data check A B")
    places = dict(root_and_file(place, json_path) for place in folders or [data_root(data)])
    for code in ignore or ():
        if code not in CATALOGUE:
            raise RecycleError(f"--ignore {code}: no such code", suggest(code, CATALOGUE))
    if fix is not None and len(places) > 1:
        raise RecycleError("--fix mends one COCO file", "name one folder")
    if drop and fix is None:
        raise RecycleError("--drop-unreadable without --fix", "name the file to write: --fix mended.json")
    settings = dataset_settings(option, crowds)
    with nullcontext() if fix is None else output_file(fix, force):
        checked = {
            root: _findings(root, dataset, file, settings, labels_only, fix, drop, min_object_pixels)
            for root, file in places.items()
        }
    findings = [finding for found, _ in checked.values() for finding in found]
    if len(places) > 1 and not labels_only:
        from recycle_data.check.folders import lint_folders

        findings += lint_folders({root: files for root, (_, files) in checked.items()})
    findings = [finding for finding in findings if finding.code not in (ignore or ())]
    faults = sum(finding.fault.severity != "note" for finding in findings)
    if as_json:
        import json

        print(json.dumps([finding.as_dict() for finding in findings], ensure_ascii=False))
    else:
        named = folders[:1] if folders and len(places) == 1 else [data] if data else []
        own = [f"--data {shlex.quote(str(place))}" for place in named]
        own += [f"--dataset {shlex.quote(dataset)}"] if dataset != "coco" else []
        own += [f"-o {shlex.quote(one)}" for one in option or ()]
        print_faults(findings, everything, fixable=dataset == "coco", own=" ".join(["", *own]))
        print(_verdict(findings))
    if faults:
        raise typer.Exit(1)


def _findings(
    root: Path,
    dataset: str,
    json_path: str | None,
    settings: Mapping[str, Any],
    labels_only: bool,
    fix: Path | None,
    drop: bool,
    min_object_pixels: int,
) -> tuple[list[LabelFault], dict[str, Path]]:
    """What is wrong with one folder, and its photos by name."""
    from recycle_coco.paths import copy_beside

    from recycle_data.check import LabelFault, check_contents, mended
    from recycle_data.replaced import will_read
    from recyclecli.errors import LabelFaults, RecycleError, join_limited
    from recyclecli.files import write_json

    if fix is not None and dataset != "coco":
        words = ["recycle", "data", "convert", str(root), str(copy_beside(root)), "--from", dataset, "--to", "coco"]
        raise RecycleError(
            f"--fix mends COCO files, not the files of dataset {dataset!r}",
            f"correct them, or make a COCO file of them: {shlex.join(words)}",
        )
    if dataset == "masks":
        from recycle_data.check.masks import check_masks, mask_photos
        from recycle_data.check.source import lint_source
        from recycle_data.sources import open_source
        from recycle_data.workspace import registry

        options = registry().options("dataset", dataset, settings).model_dump(exclude={"name", "palettes"})
        findings = check_masks(root, **options)
        opened = partial(open_source, registry(), root, json_path, dataset, settings)
        return [*findings, *lint_source(opened, str(root), findings, labels_only)], mask_photos(root, options["images"])
    try:
        contents, names, folds = _contents(root, dataset, json_path, settings)
        if fix is not None:
            from recycle_data.check.photos import photo_files, without_unreadable

            will_read(photo_files(root, _photo_names(contents)).values())
    except LabelFaults as error:
        return [LabelFault("malformed-label", str(root), where, what) for where, what in error.faults], {}
    if fix is not None:
        if len(contents) > 1:
            raise RecycleError(f"--fix mends one COCO file, not {join_limited(names.values())}", _one_file(names))
        split, content = next(iter(contents.items()))
        content, done = mended(content)
        if drop:
            content, gone = without_unreadable(root, content)
            done.update(gone)
        try:
            write_json(fix, content)
        except ValueError as error:
            raise RecycleError(
                f"{names[split]} holds NaN, infinity or half a character, which JSON cannot: nothing is written",
                "correct what `recycle data check` calls malformed first",
            ) from error
        contents, names = {split: content}, {split: str(fix)}
        print(f"mended: {_counted(done)}; written to {fix}", file=sys.stderr)
    findings = check_contents(root, contents, names, folds, labels_only, min_object_pixels)
    if labels_only:
        return findings, {}
    from recycle_data.check.photos import photo_files

    return findings, photo_files(root, _photo_names(contents))


def _photo_names(contents: Mapping[str, Any]) -> Iterator[str]:
    """The names of the photos of all splits."""
    return (image["file_name"] for content in contents.values() for image in content["images"])


def _contents(
    root: Path, dataset: str, json_path: str | None, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str], Sequence[Any]]:
    """Split names to COCO contents, to file names, and the folds: as `train` would split."""
    from recycle_coco import find_annotation_file
    from recycle_coco.crowds import as_objects
    from recycle_coco.document import load_content
    from recycle_coco.paths import TEST_FILE

    from recycle_data.folds import FOLDS_FILE, read_listing
    from recycle_data.sources import Subset, annotation_places

    folds = read_listing(root / FOLDS_FILE)[0] if (root / FOLDS_FILE).is_file() else ()
    if dataset != "coco":
        from recycle_data.check.source import content_of
        from recycle_data.named_splits import named_splits
        from recycle_data.sources import open_source
        from recycle_data.workspace import registry

        source = open_source(registry(), root, json_path, dataset, settings)
        named = named_splits(source)
        splits: Mapping[str, Sequence[int]] = named.photos() if named.train and not folds else {}
        parts = {split: Subset(source, photos) for split, photos in (splits or {"all": range(len(source))}).items()}
        return {name: content_of(part) for name, part in parts.items()}, dict.fromkeys(parts, str(root)), folds
    pair = {name: root / f"{name}.json" for name in ("train", "val")}
    if json_path is not None:
        files = {"all": (annotation_places(root, json_path) or [Path(json_path)])[0]}
    elif all(file.is_file() for file in pair.values()):
        test = root / TEST_FILE
        files, folds = {**pair, **({"test": test} if _is_coco(test) else {})}, ()
    else:
        files = {"all": find_annotation_file(root)}
    contents = {name: load_content(file, as_is=True) for name, file in files.items()}
    if settings.get("crowds") == "objects":
        contents = {name: as_objects(content) for name, content in contents.items()}
    return contents, {name: str(file) for name, file in files.items()}, folds


def _is_coco(file: Path) -> bool:
    """Whether a file is there, and lists photos and labels of them."""
    from recycle_coco.document import load_content

    from recyclecli.errors import RecycleError

    try:
        return file.is_file() and bool(load_content(file, as_is=True)["images"])
    except RecycleError:
        return False


def print_faults(
    findings: Sequence[LabelFault], everything: bool = False, stderr: bool = False, fixable: bool = True, own: str = ""
) -> None:
    """Findings by severity and code, some of each unless `everything`, with the remedy.

    Args:
        findings: of one folder or several.
        everything: show all.
        stderr: print there.
        fixable: they are of a COCO file.
        own: options that name the folder in the lines to type.
    """
    from rich.markup import escape

    from recycle_data.check import CATALOGUE
    from recyclecli.console import Console
    from recyclecli.printable import one_line

    console = Console(soft_wrap=True, highlight=False, stderr=stderr)
    colors = {"error": "bold red", "warning": "yellow", "note": "cyan"}
    by_code: dict[str, list[LabelFault]] = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    for severity, color in colors.items():
        for code in (code for code, fault in CATALOGUE.items() if fault.severity == severity and code in by_code):
            found, fault = by_code[code], CATALOGUE[code]
            console.print(f"[{color}]{severity:8}[/]{code}  x{len(found)}: {fault.meaning}")
            shown = found if everything else found[:FINDINGS_PER_CODE]
            for finding in shown:
                where, detail = (escape(one_line(text)) for text in (finding.where, finding.detail))
                console.print(f"          {where}: {detail}  [dim]{escape(finding.file)}[/]")
            if len(found) > len(shown):
                console.print(f"          ... and {len(found) - len(shown)} more: --all lists them")
            remedy = COMMAND.sub(lambda line: line[0] + own, fault.remedy)
            console.print(f"          -> {escape(remedy)}" + (" (--fix can)" if fault.mended and fixable else ""))


def _one_file(names: Mapping[str, str]) -> str:
    return "mend one after the other: " + ", then ".join(f"--json-path {shlex.quote(name)}" for name in names.values())


def _counted(done: Counter[str]) -> str:
    return ", ".join(f"{count} {code}" for code, count in done.most_common()) or "nothing"


def _verdict(findings: Sequence[LabelFault]) -> str:
    counts = Counter(finding.fault.severity for finding in findings)
    parts = [counted(counts[severity], severity) for severity in ("error", "warning", "note") if counts[severity]]
    return ", ".join(parts) if parts else "no faults"
