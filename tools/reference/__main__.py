"""Write the pages and the table of commands; files of the folder that are none of them go."""

from reference import FOLDER, bundled, own, pages

bundled.BUNDLED_FILE.write_text(bundled.text(own()), encoding="utf-8")
FOLDER.mkdir(parents=True, exist_ok=True)
made = pages()
for stale in {file.name for file in FOLDER.glob("*.md")} - made.keys():
    (FOLDER / stale).unlink()
for name, text in made.items():
    (FOLDER / name).write_text(text, encoding="utf-8")
