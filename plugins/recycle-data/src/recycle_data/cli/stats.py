"""`recycle data stats`"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recycle_data.cli.options import CrowdsOption, Data, Dataset, DatasetOption, JsonPath, data_root, dataset_settings
from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from recycle_data.stats import SplitPart, Stats


PARTS_PER_TABLE = 5  # parts of a split side by side in one table
BARS_FROM = 95  # columns of a terminal that has room for bars


def stats(
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    crowds: CrowdsOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page with figures.")] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Count photos, objects and pixels per class, object sizes, co-occurrence, and the splits."""
    import json

    from recycle_data.output_file import output_file
    from recycle_data.stats import folder_stats
    from recycle_data.workspace import registry
    from recyclecli.files import write_text

    root = data_root(data)
    with nullcontext() if html is None else output_file(html, force):
        found = folder_stats(registry(), root, json_path, dataset, dataset_settings(option, crowds))
        if html is not None:
            from recycle_data.pages.stats import stats_page
            from recycle_data.palette import palette

            title = f"{root.absolute().name}" + (f" · {json_path}" if json_path else "")
            write_text(html, stats_page(found, title, palette(found.class_names, root)))
            print(f"wrote {html}", file=sys.stderr)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    from recyclecli.console import Console

    console = Console()
    for table in tables(found, console.width):
        console.print(table)
    for sentence in sentences(found):
        console.print(sentence, markup=False, highlight=False)


def tables(stats: Stats, width: int = 100) -> Iterator[Table]:
    """The figures of each class, with bars where `width` allows, then those of each split; they fit 100 columns."""
    from rich.markup import escape
    from rich.table import Table

    from recycle_data.stats import size_groups

    table = Table()
    bars = width >= BARS_FROM
    table.add_column("class", max_width=18, overflow="fold")
    for title in ("photos", "objects"):
        table.add_column(title, justify="right", no_wrap=True)
    if bars:
        table.add_column("", width=8, no_wrap=True)
    for title in ("pixels", "side", "small", "medium", "large"):
        table.add_column(title, justify="right", no_wrap=True)
    most = int(stats.objects.max())
    for label, (name, share) in enumerate(zip(stats.class_names, stats.shares(), strict=True)):
        groups = [f"{count:,}" for count in size_groups(stats.areas[label])]
        counted = bool(stats.objects[label])
        table.add_row(
            escape(name),
            f"{stats.images[label]:,}",
            f"{stats.objects[label]:,}",
            *([bar(int(stats.objects[label]) / most if most else 0)] if bars else []),
            f"{share * 100:.2f} %",
            *([_side(stats, label), *groups] if counted else ["–"] * 4),
        )
    yield table
    for group in stats.splits:
        for start in range(0, len(group), PARTS_PER_TABLE):
            yield _split_table(stats, group, group[start : start + PARTS_PER_TABLE])


def _split_table(stats: Stats, group: Sequence[SplitPart], shown: Sequence[SplitPart]) -> Table:
    """Photos / objects of each class in some parts of a group, and the share of the group's objects."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="photos / objects, and the share of the class's objects", title_justify="left")
    table.add_column("class", max_width=18, overflow="fold")
    table.add_column("all", justify="right", no_wrap=True)
    for part in shown:
        table.add_column(f"{part.name}\n{part.photos:,}", justify="right", no_wrap=True)
    for label, name in enumerate(stats.class_names):
        images, objects = (sum(int(getattr(part, key)[label]) for part in group) for key in ("images", "objects"))
        if label or objects:
            pairs = [(int(part.images[label]), int(part.objects[label])) for part in shown]
            cells = [f"{i:,}/{o:,}\n{f'{o / objects:.0%}' if objects else '–'}" for i, o in pairs]
            table.add_row(escape(name), f"{images:,}/{objects:,}", *cells)
    return table


def bar(share: float, width: int = 8) -> str:
    """A bar of text, `share` (0 to 1) of `width` characters long, at least a sliver where it is above 0."""
    eighths: int = max(round(share * width * 8), 1 if share > 0 else 0)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def sentences(stats: Stats) -> Iterator[str]:
    """What no table says."""
    spread = stats.as_dict()["objects_per_photo"]
    yield (
        f"{counted(stats.photos, 'photo')}, {counted(int(stats.objects.sum()), 'object')}: "
        f"{spread['mean']:.1f} in a photo on average, "
        f"{spread['min']} to {spread['max']}, median {spread['median']:g}"
    )
    sizes = [f"{width}x{height} ({count:,})" for (width, height), count in stats.sizes.items()]
    yield f"photo sizes: {', '.join(sizes[:5])}" + (f" and {len(sizes) - 5} more" if len(sizes) > 5 else "")
    yield "side: root of the median area, in pixels; small: below 32x32, large: from 96x96 on, in own area"
    if stats.ignored:
        yield f"ignored: {counted(stats.ignored, 'pixel')}, in no share above"
    if stats.crowds.any():
        crowds = [f"{name} {count:,}" for name, count in zip(stats.class_names, stats.crowds, strict=True) if count]
        total = f"{counted(int(stats.crowds.sum()), 'region')} of no single object, in no count of objects"
        yield f"crowds: {total}: {', '.join(crowds)}"
    if stats.hidden.any():
        yield f"hidden: {counted(int(stats.hidden.sum()), 'object')} wholly covered by others"
    often = [
        f"{stats.class_names[first]} with {stats.class_names[second]} ({stats.together[first, second]:,})"
        for first, second in _pairs(stats)[:3]
    ]
    if often:
        yield f"most often together: {', '.join(often)}"


def _pairs(stats: Stats) -> list[tuple[int, int]]:
    """Pairs of classes that share photos, the most frequent first, without the background."""
    classes = range(1, len(stats.class_names))
    pairs = [(a, b) for a in classes for b in classes if a < b and stats.together[a, b]]
    return sorted(pairs, key=lambda pair: -int(stats.together[pair]))


def _side(stats: Stats, label: int) -> str:
    import numpy as np

    return f"{np.sqrt(np.median(stats.areas[label])):.0f}"
