"""Runs for people: as a table of 80 columns, as a line each, and one in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from recyclecli.errors import counted
from recyclecli.printable import one_line

if TYPE_CHECKING:
    from rich.table import Table

    from recycle_engine.history.details import RunDetails
    from recycle_engine.history.settings import SettingsComparison
    from recycle_engine.history.summary import RunScore, RunSummary

NO_VALUE = "–"
SIDE_BY_SIDE = 3  # runs that a table of 80 columns has room for
SHOWN_ABOVE = ("data.root", "data.fingerprint", "seed")
LEGEND = (
    "mIoU: of the dataset, at the photos' own size, with its 95 % interval over photos, where `recycle eval` or the "
    f"report stored it; else ({NO_VALUE}) the best of train.monitor on the validation photos, at the training size"
)


def size_text(size: float) -> str:
    """Bytes for people: `70 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 9.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def print_lines(found: Iterable[RunSummary]) -> None:
    """A line each for programs, its cells apart by tabs, with a heading."""
    print(
        "\t".join(
            ("name", "kind", "state", "begun", "model", "data", "score", "low", "high", "metric", "bytes", "note")
        )
    )
    for one in found:
        score = one.score
        numbers = [score.value, score.low, score.high] if score else [None] * 3
        cells = [
            one.folder.name,
            one.kind,
            one.state,
            one.begun.isoformat(timespec="seconds") if one.begun else "",
            f"{one.model} {one.encoder}".strip(),
            one.data,
            *("" if number is None else f"{number:.4f}" for number in numbers),
            score.metric if score else "",
            str(one.size),
            "; ".join([*one.faults, *([one.resume] if one.resume else [])]),
        ]
        print("\t".join(one_line(cell) for cell in cells))


def print_table(found: Sequence[RunSummary]) -> None:
    """A table that fits 80 columns, then what is to be said of single runs."""
    from rich.markup import escape
    from rich.table import Table

    from recyclecli.console import Console

    console = Console(highlight=False)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("run", overflow="fold", min_width=12, ratio=3)
    table.add_column("begun", no_wrap=True)
    table.add_column("model, encoder", overflow="fold", min_width=12, ratio=3)
    table.add_column("data", overflow="fold", min_width=6, ratio=2)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for one in found:
        table.add_row(
            escape(one_line(one.folder.name)),
            f"{one.begun:%Y-%m-%d}\n{one.begun:%H:%M}" if one.begun else NO_VALUE,
            "\n".join(escape(one_line(text)) for text in (one.model, one.encoder) if text) or NO_VALUE,
            escape(one_line(one.data.rstrip("/").rpartition("/")[2])) or NO_VALUE,
            _score(one.score),
            size_text(one.size),
            f"{one.state}\n{_epochs(one)}" if one.kind == "run" else one.kind,
        )
    console.print(table)
    for one in found:
        for fault in one.faults:
            console.print(f"{escape(one_line(one.folder.name))}: {escape(one_line(fault))}", soft_wrap=True)
        if one.resume:
            console.print(f"{escape(one_line(one.folder.name))} goes on: {escape(one.resume)}", soft_wrap=True)
    if any(one.score for one in found):
        console.print(LEGEND)


def _score(score: RunScore | None) -> str:
    if score is None:
        return NO_VALUE
    name = "mIoU" if score.metric in ("miou", "miou_dataset") else one_line(score.metric)[:8]
    bounds = NO_VALUE if score.low is None else f"{score.low:.3f}–{score.high:.3f}"
    return f"{name} {score.value:.3f}\n{bounds}"


def _epochs(one: RunSummary) -> str:
    return f"{one.epochs:,}/{one.of:,}" if one.of else counted(one.epochs, "epoch")


def print_details(found: RunDetails) -> None:
    """One run in full."""
    from rich.markup import escape

    from recyclecli.console import Console

    console, one = Console(highlight=False), found.summary
    rows = {
        "run": str(one.folder),
        "begun": f"{one.begun:%Y-%m-%d %H:%M}" if one.begun else NO_VALUE,
        "ended": found.ended,
        "time": _duration(found.seconds),
        "model": f"{one.model} {one.encoder}".strip() or NO_VALUE,
        "data": one.data or NO_VALUE,
        "fingerprint": found.fingerprint or NO_VALUE,
        "seed": NO_VALUE if found.seed is None else str(found.seed),
        "best epoch": f"{found.best_epoch}: {found.monitor} {found.best:.4f}" if found.best_epoch else NO_VALUE,
        "size": size_text(one.size),
    }
    table = _grid()
    for key, text in rows.items():
        table.add_row(key, escape(one_line(text)))
    console.print(table)
    for fault in one.faults:
        console.print(f"fault: {escape(one_line(fault))}", soft_wrap=True)
    if found.scores is not None:
        _print_scores(found)
    settings = [setting for setting in found.settings if setting.key not in SHOWN_ABOVE]
    if settings:
        console.print("\nsettings that differ from the recipe `default`:")
        table = _grid()
        for setting in settings:
            default, own = setting.values
            table.add_row(escape(one_line(setting.key)), escape(one_line(own or "")), _instead(default))
        console.print(table)
    for title, texts in (("versions", found.versions), ("files", _files(found))):
        if texts:
            console.print(f"\n{title}:")
            table = _grid()
            for key, text in texts.items():
                table.add_row(escape(one_line(key)), escape(one_line(text)))
            console.print(table)
    if found.commands:
        console.print("\ngo on:")
        for line in found.commands:
            console.print(f"  {escape(line)}", soft_wrap=True)


def print_settings(found: SettingsComparison) -> None:
    """Settings in which runs differ: side by side, or of more than three runs value by value."""
    from rich.markup import escape
    from rich.table import Table

    from recyclecli.console import Console

    console, names = Console(highlight=False), [one_line(run.name) for run in found.runs]
    if len(names) > SIDE_BY_SIDE:
        for one in found.differences:
            console.print(escape(one_line(one.key)), soft_wrap=True)
            for value in dict.fromkeys(one.values):
                having = [name for name, own in zip(names, one.values, strict=True) if own == value]
                console.print(f"  {escape(_value(value))}: {escape(', '.join(having))}", soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for title in ("setting", *names):
        table.add_column(escape(title), overflow="fold", min_width=8)
    for one in found.differences:
        table.add_row(escape(one_line(one.key)), *(escape(_value(value)) for value in one.values))
    console.print(table)


def _value(value: str | None) -> str:
    return NO_VALUE if value is None else one_line(value)


def _instead(default: str | None) -> str:
    from rich.markup import escape

    return "" if default is None else f"default {escape(one_line(default))}"


def _files(found: RunDetails) -> dict[str, str]:
    return {str(file.relative_to(found.summary.folder)): size_text(size) for file, size in found.files}


def _print_scores(found: RunDetails) -> None:
    from recyclecli.console import Console

    kept = found.scores
    assert kept is not None
    console = Console(highlight=False)
    photos, pipeline = counted(kept.photos, "validation photo"), one_line(kept.pipeline)
    console.print(f"\nscores on its {photos}, pipeline {pipeline}:", markup=False)
    table = _grid()
    for name in ("miou_dataset", "miou_image", "miou_256", "boundary_iou"):
        if (score := getattr(kept, name)) is not None:
            bounds = "" if score.low is None else f"{score.low:.3f}–{score.high:.3f}"
            table.add_row(name, f"{score.value:.4f}", bounds)
    console.print(table)


def _grid() -> Table:
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    for _ in range(2):
        table.add_column(overflow="fold")
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
