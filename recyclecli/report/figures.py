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

INK = "#010203"  # stands for the page's text colour until the figure is written
SOFT = "#0102ab"  # for the page's line colour

Color = tuple[int, int, int]

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


def curves(rows: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """Losses, and validation mIoU, over the epochs of a metrics.csv: two figures."""
    losses = {"training": "train_loss", "validation": "val_loss"}
    return (
        _curve(rows, "loss", losses, "#0072b2"),
        _curve(rows, "validation mIoU, at the training size", {"": "val_miou"}, "#d55e00"),
    )


def _curve(rows: Sequence[Mapping[str, str]], title: str, columns: Mapping[str, str], color: str) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.2), layout="constrained")
        axes = figure.subplots()
        epochs = [int(row["epoch"]) + 1 for row in rows]
        for (label, column), style in zip(columns.items(), ("-", "--"), strict=False):
            axes.plot(epochs, [float(row[column]) for row in rows], style, color=color, label=label)
        axes.set(xlabel="epoch", title=title)
        axes.set_ylim(bottom=0)
        if len(columns) > 1:
            axes.legend()
        axes.grid(alpha=0.6, linewidth=0.6)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return svg(figure, f"{title}, by epoch")


def class_bars(iou: Mapping[str, float | None], colors: Sequence[Color]) -> str:
    """IoU of each class as a bar in the class's colour; `absent` where there is none."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6, 0.34 * len(iou) + 0.7), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(iou))[::-1]
        for place, (value, color) in zip(places, zip(iou.values(), colors, strict=True), strict=True):
            axes.barh(place, value or 0, color=[part / 255 for part in color], edgecolor=SOFT, linewidth=0.7)
            axes.text((value or 0) + 0.01, place, "absent" if value is None else f"{value:.2f}", va="center")
        axes.set_yticks(places, list(iou))
        axes.set(xlim=(0, 1.1), xlabel="IoU")
        axes.tick_params(left=False)
        return svg(figure, "IoU of each class")


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
        axes.set_xticks(range(len(names)), list(names), rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), list(names))
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
