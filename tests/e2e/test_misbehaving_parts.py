"""The sentence that a user sees of each part that breaks its contract: it names that part, and no other."""

import re

import pytest
from recycle_data.workspace import workspace
from support import DISTS, coco, recycle_here, write_coco

SITE = DISTS / "misbehaves"
GOOD = {"model": "good-model", "loss": "good-loss"}
FAST = ("-o", "data.size=32", "--batch-size", 2, "--epochs", 1, "--precision", 32, "-o", "train.loggers=[]")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """data/ with four photos, and runs/good with a model that behaves; one workspace for all tests of this file."""
    folder = tmp_path_factory.mktemp("misbehaving")
    write_coco(folder / "data", coco(4))
    with pytest.MonkeyPatch.context() as patch, workspace():
        patch.syspath_prepend(str(SITE))
        done = train(folder, "good", aug="good-aug")
        assert done.returncode == 0, done.stderr
        yield folder


def train(folder, name, *more, **parts):
    """`recycle train` with these parts in the place of those that behave."""
    more = more or ("-o", "train.callbacks=[]")
    chosen = [word for kind, part in (GOOD | parts).items() for word in (f"--{kind}", part)]
    return recycle_here("train", "--data", "data", "--name", name, *FAST, *chosen, *more, cwd=folder)


def blamed(done, kind, part, *sentence):
    """The command failed, and blamed this part alone, in these words."""
    (said,) = re.findall(r"error: (.*(?:\n  .*)*)", done.stderr)
    assert done.returncode == 70, said
    assert said.startswith("a bug of the plugin acme-misbehaves"), said
    assert set(re.findall(r"[\w-]+@[\w-]+", said)) == {f"{part}@acme-misbehaves"}, said
    assert f"{kind} {part}@acme-misbehaves" in said
    assert not re.search(r"recycle-\w+|bug of recyclecli", said.replace(f"{part}@acme-misbehaves", "")), said
    for words in sentence:
        assert words in said, said


def table(*rows):
    """Each part with a piece of the sentence."""
    return pytest.mark.parametrize(("part", "sentence"), rows, ids=[part for part, _ in rows])


@table(
    ("gives-float", "expected one scalar tensor; found float 0.5"),
    ("gives-none", "expected one scalar tensor; found None"),
    ("gives-numpy", "expected one scalar tensor; found ndarray"),
    ("gives-dict", "expected one scalar tensor; found dict of 1"),
    ("gives-tuple", "expected one scalar tensor; found tuple of 2"),
    ("detached", "expected a scalar attached to the graph of the logits; found a detached one"),
    ("new-leaf", "expected a scalar attached to the graph of the logits; found a detached one"),
    ("unreduced", "a tensor of shape (), as by reduction='mean'; found float32 tensor of shape (2, 32, 32)"),
    ("per-photo", "expected one scalar: a tensor of shape (), as by reduction='mean'; found float32 tensor of"),
    ("one-element", "found float32 tensor of shape (1,)"),
    ("whole-number", "expected a scalar of a floating dtype; found int64 tensor"),
    ("nan-loss", "expected a finite number, as the logits are; found nan"),
    ("inf-loss", "expected a finite number, as the logits are; found inf"),
    ("other-device", "expected a scalar on cpu, as the logits; found float32 tensor of shape () on meta"),
    ("raises-loss", "ZeroDivisionError: division by zero, in loss raises-loss@acme-misbehaves"),
    ("exits-loss", "expected an error, or that it goes on; found the end of the program: sys.exit(3)"),
    ("function", "expected what it builds to be Module; found function"),
    ("class-loss", "expected what it builds to be Module; found type"),
)
def test_losses(place, part, sentence):
    blamed(train(place, part, loss=part), "loss", part, sentence)


@table(
    (
        "half-size",
        "and the images' own sides; found float32 tensor of shape (2, 3, 16, 16)",
    ),
    ("twice-k", "found float32 tensor of shape (2, 6, 32, 32)"),
    ("gives-dict-of", "expected logits as a tensor of shape (2, 3, 32, 32); found dict of 1"),
    ("gives-list", "found list of 2"),
    ("three-outputs", "expected logits, (logits, aux logits) or Outputs; found tuple of 3"),
    ("one-output", "expected logits, (logits, aux logits) or Outputs; found tuple of 1"),
    ("gives-no-logits", "found None"),
    ("aux-other-k", "expected aux logits of shape (2, 3, 32, 32)"),
    ("aux-half-size", "found float32 tensor of shape (2, 3, 16, 16)"),
    ("aux-none", "expected aux logits as a tensor of shape (2, 3, 32, 32); found None"),
    ("aux-dict", "found dict of 0"),
    ("labels", "found int64 tensor of shape (2, 32, 32)"),
    ("whole-numbers", "expected logits of a floating dtype; found int64 tensor"),
    ("channels-last", "found float32 tensor of shape (2, 32, 32, 3)"),
    ("one-photo", "found float32 tensor of shape (1, 3, 32, 32)"),
    ("flat", "found float32 tensor of shape (2, 3, 1024)"),
    ("detached-logits", "expected logits attached to the graph in training; found detached ones"),
    ("softmax", "expected logits as raw scores; found probabilities, which sum to 1"),
    ("elsewhere", "expected logits on cpu, as the images; found float32 tensor of shape (2, 3, 32, 32) on meta"),
    ("numpy-logits", "found ndarray"),
    ("eval-half-size", "found float32 tensor of shape (1, 3, 16, 16)"),
    ("eval-dict", "expected logits as a tensor of shape (1, 3, 32, 32); found dict of 1"),
    ("raises-model", "KeyError: 'key', in model raises-model@acme-misbehaves"),
    ("no-module", "expected what it builds to be Module; found function"),
)
def test_models(place, part, sentence):
    blamed(train(place, part, model=part), "model", part, sentence)


def test_auxiliary_logits_that_are_right(place):
    assert train(place, "aux", model="good-aux").returncode == 0


@table(
    ("returns-none", "expected what it returns to be Batch; found None"),
    ("returns-tuple", "expected what it returns to be Batch; found tuple of 4"),
    ("returns-image", "expected what it returns to be Batch; found Tensor"),
    ("image-x255", "expected the batch's image in 0..1; found "),
    ("image-negative", "expected the batch's image in 0..1; found -"),
    ("image-nan", "expected the batch's image to be finite; found NaN"),
    ("image-bytes", "as it was, float32 of shape (2, 3, 32, 32) on cpu; found uint8 tensor"),
    ("image-double", "found float64 tensor"),
    ("image-numpy", "found ndarray"),
    ("image-cropped", "found float32 tensor of shape (2, 3, 32, 31)"),
    ("image-gray", "found float32 tensor of shape (2, 1, 32, 32)"),
    ("mask-float", "the batch's mask as it was, int64 of shape (2, 32, 32) on cpu; found float32 tensor"),
    ("mask-bytes", "found uint8 tensor"),
    ("mask-label-200", "expected the batch's mask to hold 0 to 2, or 255; found label 200"),
    ("mask-negative", "expected the batch's mask to hold 0 to 2, or 255; found label -1"),
    ("mask-one-hot", "found int64 tensor of shape (2, 3, 32, 32)"),
    ("instances-long", "the batch's instances as it was, int32 of shape"),
    ("instances-negative", "expected the batch's instances to be 0 or more; found -9"),
    ("drops-photo", "found float32 tensor of shape (1, 3, 32, 32)"),
    ("other-order", "expected the batch's photos in their order; found other ids"),
    ("ids-none", "the batch's ids as it was, int64 of shape (2,) on cpu; found None"),
    ("raises-aug", "IndexError: list index out of range, in augmentation raises-aug@acme-misbehaves"),
    ("no-call", "expected what it builds to be called with a batch; found int 3"),
)
def test_augmentations(place, part, sentence):
    blamed(train(place, part, aug=part), "augmentation", part, sentence)


@table(
    ("origins-none", "found None"),
    ("origins-too-few", "found list of 0"),
    ("origins-numbers", "found "),
    ("image-x255", "in 0..1; found "),
    ("raises-aug", "IndexError"),
)
def test_augmentations_offline(place, part, sentence):
    words = ("aug", part, "--data", "data", "--aug-num", 1, "--name", part, "--size", 32, "--workers", 1)
    blamed(recycle_here(*words, cwd=place), "augmentation", part, sentence)


@table(
    ("drops-a-row", "expected probabilities as float32 of shape (3, 32, 32); found float32 of shape (3, 31, 32)"),
    ("twice-the-classes", "found float32 of shape (6, 32, 32)"),
    ("classes-last", "found float32 of shape (32, 32, 3)"),
    ("gives-labels", "found int64 of shape (32, 32)"),
    ("gives-double", "found float64 of shape (3, 32, 32)"),
    ("gives-nan", "expected probabilities that are finite numbers, as they were; found NaN"),
    ("gives-negative", "expected probabilities of 0 or more; found -0."),
    ("sums-to-two", "expected probabilities that sum to 1 in each pixel; found 2"),
    ("gives-logs", "expected probabilities of 0 or more; found -"),
    ("post-none", "expected probabilities as a numpy array; found None"),
    ("post-list", "found list of 3"),
    ("raises-post", "IndexError: index 1000000 is out of bounds"),
    ("batch-none", "expected batch() to return a list of 2; found None"),
    ("batch-too-few", "expected batch() to return a list of 2; found list of 0"),
    ("batch-numbers", "found list of 1"),
    ("post-no-call", "expected what it builds to be called with an image and probabilities; found str 'crf'"),
)
def test_postprocessors(place, part, sentence):
    words = ("predict", "runs/good", "data/images", "--out", part, "--post", part)
    blamed(recycle_here(*words, cwd=place), "postprocessor", part, sentence)


@table(
    ("plain-tuple", "expected read(0) to be Sample; found tuple of 3"),
    ("read-none", "expected read(0) to be Sample; found None"),
    ("float-mask", "expected the mask of 0.png to be uint8 of shape (32, 32); found float32 of shape (32, 32)"),
    ("label-200", "expected the mask of 0.png to hold 0 to 2, or 255; found label 200"),
    ("mask-of-another-height", "found uint8 of shape (16, 32)"),
    ("mask-in-colours", "found uint8 of shape (32, 32, 3)"),
    ("mask-list", "expected the mask of 0.png to be a numpy array; found list of 32"),
    ("mask-int64", "found int64 of shape (32, 32)"),
    ("image-float", "to be uint8 of shape (32, 32, 3); found float64"),
    ("image-rgba", "found uint8 of shape (32, 32, 4)"),
    ("image-of-one-channel", "found uint8 of shape (32, 32)"),
    ("image-channels-first", "found uint8 of shape (3, 32, 32)"),
    ("image-cut", "found uint8 of shape (20, 32, 3)"),
    ("long-instances", "expected the instances of 0.png to be int32 of shape (32, 32); found int64"),
    ("negative-instances", "expected the instances of 0.png to be 0 or more; found -5"),
    ("raises-data", "AttributeError: 'Sample' object has no attribute 'nothing', in dataset raises-data"),
    ("names-in-a-list", "expected class_names to be tuple; found list of 3"),
    ("names-in-a-text", "expected class_names to be tuple; found str 'Paper'"),
    ("names-twice", "expected class_names without a name twice; found ['Paper'] twice"),
    ("names-as-numbers", "expected class_names of texts; found (0, 1, 2)"),
    ("names-too-many", "expected 1 to 255 class_names; found 300"),
    ("record-tuple", "expected record(0) to be Record; found tuple of 3"),
    ("record-none", "expected record(0) to be Record; found None"),
    ("record-text-file", "expected record(0).file to be Path; found str '1.png'"),
    ("record-float-size", "expected record(0) to state height and width, in pixels; found 32.0 and 32"),
    ("record-no-size", "found 32 and 0"),
    ("record-label-7", "expected annotations of record(0) with labels 0 to 2, or 255; found [7] in 0.png"),
    ("record-list", "expected record(0).annotations to be tuple; found list of 0"),
    ("labels-mask-alone", "expected read_labels(0) to be a tuple of mask and instances; found ndarray"),
    ("labels-swapped", "expected the mask of 0.png to be uint8 of shape (32, 32); found int32"),
    ("labels-half", "found uint8 of shape (16, 32)"),
    ("no-source", "expected what it builds to be Source; found list of 1"),
    ("half-a-source", "expected what it builds to be Source; found NoRecord"),
)
def test_datasets(place, part, sentence):
    what = "show" if part.startswith("image") else "stats"
    more = ("--out", "sheet.png") if what == "show" else ()
    done = recycle_here("data", what, "--data", "data", "--dataset", part, *more, cwd=place)
    blamed(done, "dataset", part, sentence)


@pytest.mark.parametrize(
    ("kind", "part", "sentence"),
    [
        ("optimizer", "opt-none", "expected a torch.optim.Optimizer; found None"),
        (
            "optimizer",
            "opt-part",
            "of all weights of the context's groups; found 1 weight left out",
        ),
        ("optimizer", "opt-raises", "ValueError: no step, in optimizer opt-raises@acme-misbehaves"),
        ("schedule", "rate-none", "expected a scheduler of torch's, or a list of them; found None"),
        ("schedule", "rate-empty", "found an empty list"),
        ("schedule", "rate-other", "expected a scheduler of the context's optimizer; found one of another"),
        ("schedule", "rate-negative", "expected rates that are finite, and 0 or more; found lr = -"),
        ("schedule", "rate-nan-later", "expected rates that are finite, and 0 or more; found lr = nan"),
        ("schedule", "rate-raises", "IndexError: list index out of range, in schedule rate-raises"),
        ("callback", "no-callback", "expected what it builds to be Callback; found builtin_function_or_method"),
        ("callback", "hook-raises", "ValueError: no hook, in callback hook-raises@acme-misbehaves"),
        ("callback", "hook-exits", "found the end of the program: sys.exit('no hook')"),
        ("callback", "stores-code", "expected state_dict() of numbers, texts, lists, dicts and tensors"),
        ("callback", "end-number", "expected on_run_end to return lines, or None; found int 5"),
        ("callback", "end-raises", "ValueError: no end, in callback end-raises@acme-misbehaves"),
    ],
)
def test_what_steers_a_training(place, kind, part, sentence):
    settings = [f"train.callbacks=[{part if kind == 'callback' else ''}]"]
    settings += [] if kind == "callback" else [f"train.{kind}={part}"]
    blamed(train(place, part, *(word for one in settings for word in ("-o", one))), kind, part, sentence)


@table(
    ("files-none", "expected files: what each is, in a word, to its name; found None"),
    ("files-in-a-folder", "expected files by their names alone, without folders; found ['../model.bin']"),
    ("writes-nothing", "expected a file of the model; found an empty folder"),
    ("writes-more", "expected the files that it names alone; found more.bin"),
    ("facts-none", "expected what write() returns to be Mapping; found None"),
    ("facts-without-shape", "expected the input's shape: a text for the photos, of which there may be any"),
    (
        "shape-of-one-photo",
        "there may be any number, 3, height and width, a text where they may be any, too; found [1, 3",
    ),
    ("shape-of-another-window", "expected the training window's 32 and 32, or texts; found [64, 64]"),
    ("shape-of-three", "found [3, 32, 32]"),
    ("facts-no-json", "what write() returns to hold values of JSON, as card.json does; found Object of type int64"),
    ("facts-nan", "values of JSON, as card.json does; found Out of range float values"),
    ("loads-none", "expected load() to return a function of images; found None"),
    ("exported-half", "expected logits as float32 of shape (1, 3, 32, 32); found float32 of shape (1, 3, 16, 16)"),
    ("exported-double", "found float64 of shape (1, 3, 32, 32)"),
    ("exported-nan", "expected logits that are finite numbers, as they were; found NaN"),
    ("exported-list", "expected logits as a numpy array; found list of 1"),
    ("write-raises", "KeyError: 'no', in exporter write-raises@acme-misbehaves"),
)
def test_exporters(place, part, sentence):
    done = recycle_here("export", "runs/good", "--format", part, "--out", part, cwd=place)
    blamed(done, "exporter", part, sentence)
    assert not (place / part).exists()


def test_an_export_that_gives_other_labels_names_its_exporter(place):
    done = recycle_here("export", "runs/good", "--format", "exported-zeros", "--out", "zeros", cwd=place)
    assert done.returncode == 3
    assert "the good-model that exported-zeros@acme-misbehaves exported gives " in done.stderr


def test_nan_names_where_it_came_from(place):
    done = train(place, "nan", model="train-nan")
    assert done.returncode == 3
    assert "NaN or an infinite number: the logits of model train-nan@acme-misbehaves" in done.stderr


def test_nan_in_evaluation_alone_does_not_ask_for_another_training(place):
    done = train(place, "eval-nan", model="eval-nan")
    assert done.returncode == 0, done.stderr
    assert "in validation alone: first in the logits of model eval-nan@acme-misbehaves" in done.stderr
    done = recycle_here("predict", "runs/eval-nan", "data/images", "--out", "nan", cwd=place)
    assert done.returncode == 3
    assert "model eval-nan@acme-misbehaves gives scores that are no finite numbers, at precision 32" in done.stderr
    assert "train again" not in done.stderr
