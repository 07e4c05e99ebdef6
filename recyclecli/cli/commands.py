"""What recyclecli brings: its commands, in the order of the help, and its recipes."""

from collections.abc import Iterable

from recyclecli import hookimpl
from recyclecli.records import Command, NamedRecipe

COMMANDS = (
    Command(
        ("demo",),
        "recyclecli.cli.demo:demo",
        "The whole line on the embedded sample set: sample, check, folds, copy-paste, train, eval, predict, report.",
        epilog="Example: `recycle demo --out demo`",
    ),
    Command(
        ("init",),
        "recyclecli.cli.init:init",
        "Write a commented recipe for the data at hand.",
        epilog="Example: `recycle init --data DIR`, then `recycle train --recipe recipe.yaml`",
    ),
    Command(
        ("train",),
        "recyclecli.cli.train:train",
        "Train a model; everything about the run lies in runs/NAME afterwards.",
        epilog="Example: `recycle train --plugin unetpp --loss ce --loss dice --epochs 40 -o model.encoder=resnet34`",
    ),
    Command(
        ("eval",),
        "recyclecli.cli.evaluate:evaluate",
        "Score a run, a submission or stored masks: three mIoU side by side, each class, intervals over photos.",
        epilog="Example: `recycle eval last`, or a submission: `recycle eval --submission sub.csv --data data`",
    ),
    Command(
        ("compare",),
        "recyclecli.cli.compare:compare",
        "Compare results on the same photos: difference, interval, each class, or 'not enough data'.",
        epilog="Example: `recycle compare unet-001 unetpp-001`, or `recycle compare last+plain last+hflip "
        "last+densecrf`",
    ),
    Command(
        ("ablate",),
        "recyclecli.cli.ablate:ablate",
        "Keep or drop each trick by a paired test; `predict` uses the chosen pipeline from then on.",
        epilog="Example: `recycle ablate last`, or only some: `recycle ablate last --trick hflip --trick densecrf`",
    ),
    Command(
        ("predict",),
        "recyclecli.cli.predict:predict",
        "Predict photos with the run's pipeline: masks with a palette, overlays, a submission file.",
        epilog="Example: `recycle predict last photos --out predicted --submission submission.csv`",
    ),
    Command(
        ("ensemble",),
        "recyclecli.cli.ensemble:ensemble",
        "Predict with several models as one: mean of probabilities, votes, or the mean of their weights.",
        epilog="Example: `recycle ensemble unet-001 fpn-001+hflip --images photos --out predicted --submission s.csv`",
    ),
    Command(
        ("pseudo-label",),
        "recyclecli.cli.pseudo:pseudo_label",
        "Label photos with what a model is sure of; all else is ignored. `recycle train --train-json` takes the file.",
        epilog="Example: `recycle pseudo-label last photos --threshold 0.9 --out pseudo.json`",
    ),
    Command(
        ("export",),
        "recyclecli.cli.export:export",
        "Export the run's best weights with a card and a script that runs them without recyclecli.",
        epilog="Example: `recycle export last --format onnx`",
    ),
    Command(
        ("report",),
        "recyclecli.cli.report:report",
        "Judge a run on its validation photos and write report.html, one file that needs no network.",
        epilog="Example: `recycle report last`",
    ),
    Command(
        ("data",),
        "",
        "Make, split and look after data.",
    ),
    Command(
        ("data", "check"),
        "recyclecli.cli.check:check",
        "Find what is wrong with labels, photos and splits; exit 1 when there are errors or warnings.",
        epilog="Example: `recycle data check`, `recycle data check --fix mended.json`",
    ),
    Command(
        ("data", "import"),
        "recyclecli.cli.imports:import_",
        "Recognise what a labelling tool exported, and write its photos and labels as a COCO folder.",
        epilog="Example: `recycle data import export data`",
    ),
    Command(
        ("data", "merge"),
        "recyclecli.cli.merge:merge",
        "Join sets of labelled photos: classes by name, ids anew, the same photo once.",
        epilog="Example: `recycle data merge data week-2 --out data-2`",
    ),
    Command(
        ("data", "convert"),
        "recyclecli.cli.convert:convert",
        "Write photos and labels in another format: COCO, index masks (VOC, mmseg) or YOLO.",
        epilog="Example: `recycle data convert voc data --from masks --to coco`",
    ),
    Command(
        ("data", "export"),
        "recyclecli.cli.export_labels:export",
        "Write labels for CVAT or Label Studio, so that people correct them there.",
        epilog="Example: `recycle data export predicted/annotations.json to-correct --to label-studio`",
    ),
    Command(
        ("data", "stats"),
        "recyclecli.cli.stats:stats",
        "Count photos, objects and pixels of each class, their sizes, what lies together, and the splits.",
        epilog="Example: `recycle data stats`, or as a page with figures: `recycle data stats --html stats.html`",
    ),
    Command(
        ("data", "oversample"),
        "recyclecli.cli.oversample:oversample",
        "Paste objects of rare classes on photos of chosen classes: new photos and a COCO file.",
        epilog="Example: `recycle data oversample --patch Battery --background Metal --num-output 500`",
    ),
    Command(
        ("data", "show"),
        "recyclecli.cli.show:show",
        "Draw the annotations on photos, the rarest classes first: a PNG, or an HTML page.",
        epilog="Example: `recycle data show`, or as a page to browse: `recycle data show --out look.html --class "
        "Battery`",
    ),
    Command(
        ("data", "sample"),
        "recyclecli.cli.sample:sample",
        "Write the embedded sample set: photos and annotations.json in COCO form.",
        epilog="Example: `recycle data sample --images 60 --data data`",
    ),
    Command(
        ("data", "kfold"),
        "recyclecli.cli.kfold:kfold",
        "Split into n folds that hold every class evenly, also the rare ones.",
        epilog="Example: `recycle data kfold --n 5`",
    ),
    Command(
        ("aug",),
        "recyclecli.cli.aug:app",
        "Make new photos of the training photos.",
    ),
    Command(
        ("plugins", "check"),
        "recyclecli.cli.plugins_check:check",
        "Exit 1 when a plugin failed to load, lacks something it needs, or fails the tests of its kind: for CI.",
        epilog="Example: `recycle plugins check`, or with its tests: `recycle plugins check acme-losses`",
    ),
    Command(
        ("plugins", "new"),
        "recyclecli.cli.plugins_new:new",
        "Write a package with one component: it installs, trains and passes its tests as it is.",
        epilog="Example: `recycle plugins new acme-losses --kind loss`",
    ),
)


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    return COMMANDS


@hookimpl
def recycle_recipes() -> Iterable[NamedRecipe]:
    """What this distribution brings."""
    yield NamedRecipe("default", "recyclecli:recipes/default.yaml", "What a bare `recycle train` trains")
    yield NamedRecipe("contest", "recyclecli:recipes/contest.yaml", "As a team trained in the recyclables contest")
