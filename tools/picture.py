"""docs/images/sample.jpg from what `recycle demo --out DIR` left: `python tools/picture.py DIR`."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from recycle_engine import api

FILE = Path(__file__).parents[1] / "docs" / "images" / "sample.jpg"
COLUMNS, SIDE, GAP, LEFT, BELOW = 4, 250, 8, 108, 44
PAPER, INK, BACKGROUND = (255, 255, 255), (40, 44, 52), (44, 48, 56)


def main(demo: Path) -> None:
    """Four validation photos, those with most classes, above their true and predicted labels."""
    (folder,) = (demo / "runs").iterdir()
    run = api.find_run(folder)
    source, _ = api.judged_photos(run)
    masks = {file.stem: Image.open(file) for file in (demo / "predicted" / "masks").rglob("*.png")}
    colors = np.array(next(iter(masks.values())).getpalette(), np.uint8).reshape(-1, 3)
    colors[0] = BACKGROUND
    samples = {index: source.read(index) for index in range(len(source))}
    chosen = sorted(samples, key=lambda index: -len(np.unique(samples[index].mask)))[:COLUMNS]
    rows = [[], [], []]
    for index in chosen:
        rows[0].append(samples[index].image)
        rows[1].append(colors[samples[index].mask])
        rows[2].append(colors[np.asarray(masks[source.record(index).file.stem])])
    draw_sheet(rows, ("photo", "true", "predicted"), source.class_names, colors)


def draw_sheet(rows, titles, class_names, colors) -> None:
    """Rows of pictures with a title each, and a legend below."""
    width = LEFT + COLUMNS * (SIDE + GAP)
    sheet = Image.new("RGB", (width, len(rows) * (SIDE + GAP) + BELOW), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(19)
    for row, (pictures, title) in enumerate(zip(rows, titles, strict=True)):
        top = row * (SIDE + GAP)
        draw.text((LEFT - 12, top + SIDE / 2), title, INK, font, anchor="rm")
        for column, picture in enumerate(pictures):
            tile = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.LANCZOS if row == 0 else 0)
            sheet.paste(tile, (LEFT + column * (SIDE + GAP), top))
    small, x, y = ImageFont.load_default(15), LEFT, sheet.height - 22
    for name, color in zip(class_names, colors, strict=False):
        draw.rectangle((x, y - 7, x + 14, y + 7), tuple(map(int, color)))
        draw.text((x + 20, y), name, INK, small, anchor="lm")
        x += 34 + draw.textlength(name, small)
    FILE.parent.mkdir(exist_ok=True)
    sheet.save(FILE, quality=88, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
