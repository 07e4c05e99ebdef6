"""The two pages and their files, all read at start: what a request names is looked up, never opened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from markupsafe import Markup
from recycle_coco import has_background
from recycle_data.pages.render import TEMPLATE_FOLDER, render
from recycle_data.palette import Color, palette
from recycle_engine.inference.outputs import OVERLAY_OPACITY

from recycle_serve.bins import ASK, Bin, bins_of
from recycle_serve.loaded_run import LoadedRun
from recycle_serve.refusal import Limits

CONTENT_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
SHARED_STYLES = ("base.css", "page.css")  # of the report
UNSURE = 0.6  # confidence below which the pages say so


def static_files() -> dict[str, tuple[str, str]]:
    """Name to content and media type."""
    found = [files("recycle_data.pages").joinpath(TEMPLATE_FOLDER, name) for name in SHARED_STYLES]
    found += [file for file in files("recycle_serve").joinpath("static").iterdir() if file.name[-3:] in (".js", "css")]
    return {file.name: (file.read_text("utf-8"), CONTENT_TYPES[file.name.rpartition(".")[2]]) for file in found}


def about(models: Sequence[LoadedRun], limits: Limits, bins: Mapping[str, Bin]) -> dict[str, Any]:
    """What the pages' scripts know: runs, classes, colours, tricks, bounds, bins."""
    return {
        "runs": [
            {
                "name": model.name,
                "classes": [
                    {"name": name, "color": f"#{bytes(color).hex()}", "bin": one.model_dump()}
                    for name, color, one in zip(
                        model.class_names, colors, bins_of(model.class_names, bins), strict=True
                    )
                ],
                "first": int(has_background(model.class_names)),
                "tricks": [{"name": name, "kind": kind} for name, kind in model.tricks.items()],
                "own": model.own,
                "size": model.size,
            }
            for model, colors in zip(models, shown_colors(models), strict=True)
        ],
        "limit": limits.size,
        "mask": limits.mask,
        "ask": ASK.model_dump(),
        "unsure": UNSURE,
        "opacity": OVERLAY_OPACITY,
    }


def shown_colors(models: Sequence[LoadedRun]) -> list[list[Color]]:
    """Each run's colours on the page: one class name has one colour, that of the first run that knows it.

    Where a later run's own colour would stand for two names, another is found.
    """
    colors: dict[str, Color] = {}
    for model in models:
        new = [name for name in model.class_names if name not in colors]
        spare = iter(palette([""] * (len(colors) + len(model.class_names) + 256))[1:])
        for name in new:
            color = model.palette[model.class_names.index(name)]
            taken = set(colors.values())
            while models[0] is not model and color in taken:
                color = next(spare)
            colors[name] = color
    return [[colors[name] for name in model.class_names] for model in models]


def page(template: str, known: Mapping[str, Any], local: bool, top: str = "") -> str:
    """One of the pages, filled in.

    Args:
        template: its name.
        known: see `about`.
        local: the page is for this machine alone.
        top: what its addresses begin with; nothing for relative ones.
    """
    data = json.dumps({**known, "top": top}, ensure_ascii=True).replace("<", "\\u003c").replace("&", "\\u0026")
    return render(template, "recycle_serve", known=known, data=Markup(data), local=local, top=top)
