"""`recycle data show`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recycle_data.cli.options import CrowdsOption, Data, Dataset, DatasetOption, JsonPath, data_root, dataset_settings
from recycle_data.output_file import SHEET_FILE, output_file
from recyclecli.cli.options import Force, Seed
from recyclecli.errors import counted


def show(
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    out: Annotated[
        Path, typer.Option("--out", help="NAME.png for a contact sheet, NAME.html for a page to browse.")
    ] = Path(SHEET_FILE),
    count: Annotated[int, typer.Option("--num", min=1, max=400, help="Number of photos.")] = 24,
    seed: Seed = 0,
    classes: Annotated[
        list[str] | None, typer.Option("--class", metavar="NAME", help="Only photos that show this class; repeatable.")
    ] = None,
    images: Annotated[
        list[str] | None, typer.Option("--image", metavar="NAME", help="This photo, by its file name; repeatable.")
    ] = None,
    columns: Annotated[int, typer.Option("--columns", min=1, max=12, help="Photos per row of the PNG.")] = 4,
    crowds: CrowdsOption = None,
    force: Force = False,
) -> None:
    """Draw annotations on photos, rarest classes first, as a PNG or an HTML page."""
    from recycle_data.palette import palette
    from recycle_data.sources import open_source
    from recycle_data.workspace import registry
    from recyclecli.errors import RecycleError

    form = out.suffix.lower()
    if form not in (".png", ".html"):
        raise RecycleError(f"--out {out} ends neither in .png nor in .html", "name a contact_sheet.png or a page.html")
    root = data_root(data)
    with output_file(out, force, SHEET_FILE) as folder:
        source = open_source(registry(), root, json_path, dataset, dataset_settings(option, crowds))
        colors = palette(source.class_names, root)
        from recycle_data.pages import contact_sheet
        from recycle_data.pages.choice import choose

        photos = choose(source, count, seed, classes or (), images or ())
        title = f"{root.absolute().name}: {len(photos)} of {len(source)} photos"
        if form == ".png":
            picture = contact_sheet.contact_sheet(source, photos, colors, columns, title)
            with folder.atomic_path(out) as part:
                picture.save(part, "PNG")
        else:
            from recycle_data.pages.browse import browse_page

            folder.write_text(out, browse_page(source, photos, colors, title))
    print(f"{out}: {counted(len(photos), 'photo')}")
