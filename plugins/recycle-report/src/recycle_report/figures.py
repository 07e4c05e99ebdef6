"""Figures as SVG that takes its text colour from the page, for light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from recycle_data.palette import Color
from recycle_engine.judge.scores import ClassScores

from recyclecli.printable import one_line

INK = "#010203"  # stands for the page's text colour until the figure is written
SOFT = "#0102ab"  # for the page's line colour


STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "recyclecli",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": SOFT,
    "legend.frameon": False,
    "text.parse_math": False,
}


def curves(rows: Sequence[Mapping[str, str]], best: int) -> tuple[str, str]:
    """Losses, and validation mIoU, over the epochs of a metrics.csv, epoch `best` marked: two figures."""
    losses = {"training": "train_loss", "validation": "val_loss"}
    return (
        _curve(rows, "loss", losses, "#0072b2", best),
        _curve(rows, "validation mIoU, at the training size", {"": "val_miou"}, "#d55e00", best),
    )


def _curve(rows: Sequence[Mapping[str, str]], title: str, columns: Mapping[str, str], color: str, best: int) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.2), layout="constrained")
        axes = figure.subplots()
        epochs = [int(row["epoch"]) + 1 for row in rows]
        styles = (("-", "o"), ("--", "s"))  # of lines, and of the one point of one epoch
        for (label, column), (line, point) in zip(columns.items(), styles, strict=False):
            values = [float(row[column]) for row in rows]
            axes.plot(epochs, values, line, color=color, label=label, marker=point if len(rows) == 1 else "")
        axes.axvline(best, color=INK, linewidth=0.8, linestyle=":", label="weights kept")
        axes.set(xlabel="epoch", title=title)
        axes.set_ylim(bottom=0)
        axes.set_xlim(*((0, 2) if len(rows) == 1 else (None, None)))
        axes.legend()
        axes.grid(alpha=0.6, linewidth=0.6)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return svg(figure, f"{title}, by epoch")


def class_bars(classes: Sequence[ClassScores], colors: Sequence[Color]) -> str:
    """IoU of each class as a bar in the class's colour with its interval; `absent` where there is none."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.4, 0.36 * len(classes) + 0.8), layout="constrained")
        axes = figure.subplots()
        for place, (entry, color) in enumerate(zip(classes, colors, strict=True)):
            iou = entry.iou
            axes.barh(place, iou.value if iou else 0, color=rgb(color), edgecolor=SOFT, linewidth=0.7)
            low, high = (iou.low, iou.high) if iou else (None, None)
            end = max(high or 0, iou.value) if iou else 0
            if iou and low is not None and high is not None:
                axes.plot([low, high], [place, place], color=SOFT, linewidth=4.5)
                axes.plot([low, high], [place, place], color=INK, linewidth=1.6, marker="|", markersize=7)
            axes.text(end + 0.015, place, f"{iou:.2f}" if iou else "absent", va="center")
        _class_axis(axes, [entry.name for entry in classes])
        axes.set(xlim=(0, 1.1), xlabel="IoU")
        return svg(figure, "IoU of each class with its 95 % interval")


def boundary_gaps(classes: Sequence[ClassScores], colors: Sequence[Color]) -> str:
    """IoU of each class over all pixels (filled) and over those near outlines (ring), joined."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.4, 0.36 * len(classes) + 0.8), layout="constrained")
        axes = figure.subplots()
        for place, (entry, color) in enumerate(zip(classes, colors, strict=True)):
            if entry.iou is None or entry.boundary_iou is None:
                axes.text(0.015, place, "absent", va="center")
                continue
            ends = [entry.boundary_iou.value, entry.iou.value]
            axes.plot(ends, [place, place], color=SOFT, linewidth=2.5)
            ring: dict[str, Any] = {
                "markeredgecolor": INK,
                "markeredgewidth": 1.4,
                "markersize": 8,
                "linestyle": "none",
                "clip_on": False,
            }
            axes.plot(ends[:1], [place], marker="o", markerfacecolor="none", **ring)
            axes.plot(ends[1:], [place], marker="o", markerfacecolor=rgb(color), **ring)
        _class_axis(axes, [entry.name for entry in classes])
        axes.set(xlim=(0, 1.05), xlabel="IoU: dot over all pixels, ring near outlines")
        axes.grid(axis="x", alpha=0.6, linewidth=0.6)
        return svg(figure, "IoU of each class over all pixels and near outlines")


def reliability(bins: Sequence[tuple[float, float, int]]) -> str:
    """Share of right pixels by confidence, the area of a point its share of the pixels; the diagonal is honest."""
    total = sum(pixels for _, _, pixels in bins)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], linestyle=":", linewidth=1, color=INK)
        sure, right = [confidence for confidence, _, _ in bins], [accuracy for _, accuracy, _ in bins]
        axes.plot(sure, right, color="#0072b2", linewidth=1.2)
        sizes = [20 + 900 * pixels / total for _, _, pixels in bins]
        axes.scatter(sure, right, s=sizes, color="#0072b2", alpha=0.6, edgecolor=INK, linewidth=0.6, clip_on=False)
        axes.text(0.03, 0.93, "too modest", alpha=0.8)
        axes.text(0.97, 0.06, "over-confident", ha="right", alpha=0.8)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share of right pixels", aspect="equal")
        axes.grid(alpha=0.6, linewidth=0.6)
        return svg(figure, "Share of right pixels by the model's confidence")


def _class_axis(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), list(map(one_line, names)))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(left=False)


def rgb(color: Color) -> tuple[float, float, float]:
    """A colour as matplotlib takes it."""
    return color[0] / 255, color[1] / 255, color[2] / 255


def confusion_matrix(matrix: NDArray[Any], names: Sequence[str]) -> str:
    """Shares of each true class (row) by predicted class (column), in percent."""
    totals = matrix.sum(1, keepdims=True)
    shares = np.divide(matrix * 100.0, totals, out=np.full(matrix.shape, np.nan), where=totals > 0)
    side = 0.52 * len(names) + 2
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(min(side + 1.2, 14), min(side, 13)), layout="constrained")
        axes = figure.subplots()
        axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=100, aspect="auto")
        for row, column in np.ndindex(shares.shape):
            value = shares[row, column]
            if value >= 0.5:
                axes.text(
                    column, row, f"{value:.0f}", ha="center", va="center", color="#ffffff" if value > 55 else "#10243d"
                )
        axes.set_xticks(range(len(names)), list(map(one_line, names)), rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), list(map(one_line, names)))
        axes.set(xlabel="predicted", ylabel="true")
        axes.tick_params(length=0)
        return svg(figure, "Confusion matrix: percent of each true class by predicted class")


def svg(figure: Figure, title: str) -> str:
    """The figure as an SVG element for a page, `title` (plain text of ours) its name."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    text = stream.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = text.replace(INK, "currentColor").replace(SOFT, "var(--line)")
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
