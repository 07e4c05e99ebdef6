"""`recycle export`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from recycle_data.cli.candidates import components, options_of
from recycle_data.cli.options import key_values
from recycle_engine.cli.options import RunName

from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted


def export(
    run: RunName,
    form: Annotated[str, typer.Option("--format", help="Exporter.", autocompletion=components("exporter"))] = "onnx",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write.  [default: export/ in the run's folder]")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            "--photos",
            metavar="IMAGES",
            help="Photos on which the export is compared with torch.  [default: 8 of the run's validation photos]",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Where the run's data is now; with --photos, the folder of a COCO file's names."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="KEY=VALUE",
            help="An option of the exporter.",
            autocompletion=options_of("exporter", "form"),
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export the run's best weights, with a script that runs them without recyclecli."""
    from recycle_export import api

    done = api.export(run, out, photos, data, force, form, key_values("-o", option or []))
    if as_json:
        import json

        print(json.dumps(done.as_dict(), ensure_ascii=False))
        return
    for what, file in {**done.files, "card": done.card}.items():
        print(f"{what:7} {file}")
    facts = {**done.facts, "image": " x ".join(map(str, done.facts["shape"]))}
    print(", ".join(f"{key} {value}" for key, value in facts.items() if key != "shape"))
    *_, height, width = done.facts["shape"]
    if isinstance(height, int) and isinstance(width, int):
        print(f"its shape is fixed: photos are scaled to fit into {width}x{height} pixels")
    print(
        f"{done.agreement:.4%} of the pixels of {counted(done.photos, 'photo')} as with torch; "
        f"logits differ by {done.largest_difference:.2g} at most"
    )
