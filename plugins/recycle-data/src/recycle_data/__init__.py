"""Labelled photos without torch: check, import, convert, split, count, show. Notebooks use `recycle_data.api`.

`sources` opens them, `splits` says what is trained on, `workspace` reads each once; `check/`, `importing/`,
`convert/` and `exporting/` are the commands' work, `pages/` what they draw, `cli/` what they parse.
"""

from collections.abc import Iterable

from recyclecli import hookimpl
from recyclecli.types import Command

COMMANDS = (
    Command(
        ("data",),
        "",
        "Import, check, split and convert data.",
    ),
    Command(
        ("data", "check"),
        "recycle_data.cli.check:check",
        "Find faults in labels, photos and splits; exit code 1 if there are errors or warnings.",
        epilog="Example: `recycle data check`, `recycle data check --fix mended.json`",
    ),
    Command(
        ("data", "import"),
        "recycle_data.cli.imports:import_",
        "Convert a labelling tool's export, which is recognised, to a COCO folder.",
        epilog="Example: `recycle data import export data`",
    ),
    Command(
        ("data", "merge"),
        "recycle_data.cli.merge:merge",
        "Join sets of labelled photos: classes matched by name, each photo once.",
        epilog="Example: `recycle data merge data week-2 --out data-2`",
    ),
    Command(
        ("data", "convert"),
        "recycle_data.cli.convert:convert",
        "Write photos and labels in another format: COCO, index masks (VOC, mmseg) or YOLO.",
        epilog="Example: `recycle data convert voc data --from masks --to coco`",
    ),
    Command(
        ("data", "export"),
        "recycle_data.cli.export_labels:export",
        "Write labels for CVAT or Label Studio, so that people correct them there.",
        epilog="Example: `recycle data export predicted/annotations.json to-correct --to label-studio`",
    ),
    Command(
        ("data", "stats"),
        "recycle_data.cli.stats:stats",
        "Count photos, objects and pixels per class, object sizes, co-occurrence, and the splits.",
        epilog="Example: `recycle data stats`, or as a page with figures: `recycle data stats --html stats.html`",
    ),
    Command(
        ("data", "show"),
        "recycle_data.cli.show:show",
        "Draw annotations on photos, rarest classes first, as a PNG or an HTML page.",
        epilog="Example: `recycle data show`, or as a page to browse: `recycle data show --out look.html --class "
        "Battery`",
    ),
    Command(
        ("data", "sample"),
        "recycle_data.cli.sample:sample",
        "Write generated sample photos with annotations.json (COCO).",
        epilog="Example: `recycle data sample --num 60 --data data`",
    ),
    Command(
        ("data", "kfold"),
        "recycle_data.cli.kfold:kfold",
        "Split into n folds with every class evenly spread, rare ones included.",
        epilog="Example: `recycle data kfold --n 5`",
    ),
)


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    return COMMANDS
