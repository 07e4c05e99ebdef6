"""Each rule that a component breaks is told in a sentence: the component, the rule, what was found, what to do."""

import os
import re
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from recycle_kit.testing import ExporterConformance
from recycle_kit.verdict import broken_rules
from support import DISTS, forks, recycle_here

from recyclecli.plugins import discover
from recyclecli.types import KINDS

FOUND = [
    ("loss", "gives-float", "expected a tensor; found float 0.5"),
    ("loss", "detached", "expected a scalar that is attached to the logits' graph; found a detached one"),
    ("loss", "unreduced", "expected a scalar, of shape (); found float32 of shape (2, 64, 64)"),
    ("loss", "nan-loss", "expected a finite loss for torch.float32 logits of about 1; found nan"),
    ("loss", "good-loss", "expected 0 for a batch without a labelled pixel; found nan"),
    ("loss", "raises-loss", "raises ZeroDivisionError: division by zero ("),
    ("loss", "rewards", "expected right logits to cost less than wrong ones; found "),
    ("loss", "two-classes", "raises IndexError: index 1 is out of bounds for dimension 0 with size 1 ("),
    ("model", "half-size", "expected logits of shape (2, 5, 64, 64): photos, classes, and the photos' own sides"),
    ("model", "gives-dict-of", "expected logits as a tensor of shape (2, 5, 64, 64); found dict of 1"),
    ("model", "three-outputs", "expected logits, or (logits, aux logits); found a tuple of 3"),
    ("model", "aux-half-size", "expected aux logits of shape (2, 5, 64, 64): photos, classes, and the photos'"),
    ("model", "aux-list", "expected aux to be a tuple of tensors; found list of 2"),
    ("model", "softmax", "expected raw logits; found scores that sum to 1"),
    ("model", "untied", "expected first.weight and second.weight to be one weight in a copy, too; found several"),
    (
        "model",
        "own-float",
        "expected training_loss()['mask'] to be a scalar tensor of a floating dtype; found float 0.5",
    ),
    ("model", "own-list", "expected training_loss() to return a dict of names to scalars; found list of 1"),
    ("model", "own-nan", "expected training_loss()['class'] to be finite; found nan"),
    ("model", "own-detached", "expected the sum of training_loss() to be attached to the graph; found a detached one"),
    ("model", "queries-eval-logits", "raises KeyError: 'classes' ("),
    ("augmentation", "returns-none", "expected a Batch; found None"),
    ("augmentation", "image-x255", "expected colours in 0..1; found "),
    ("augmentation", "mask-label-200", "expected labels of the batch, or 255; found label [200]"),
    ("augmentation", "other-order", "expected the batch's photos in their order; found ids [3, 2, 1, 0]"),
    ("augmentation", "origins-none", "expected origins() to give a list with a dict for each photo: instance to"),
    ("augmentation", "other-chance", "expected the same batch from the same seed; found another"),
    ("augmentation", "hides", "expected the same mask of a batch whose instances are all 0, as reads_instances = "),
    ("model", "counts", "expected the same loss of a batch whose instances are all 0, as reads_instances = False says"),
    ("postprocessor", "in-place", "expected arrays that may be read-only to be read; found assignment destination"),
    ("postprocessor", "wrong-search", "expected search['size'] to hold values of the option's own type; found str '5'"),
    ("postprocessor", "sums-to-two", "expected probabilities that sum to 1 in each pixel; found 2"),
    ("optimizer", "opt-part", "expected all parameters of all groups; found some left out"),
    ("schedule", "rate-negative", "expected rates of 0 or more in 1 steps; found [-1.0]"),
    ("callback", "no-callback", "expected a callback of Lightning's; found "),
]
KEPT = [
    ("loss", "shrinks"),
    ("model", "tied"),
    ("model", "outputs"),
    ("model", "good-aux"),
    ("model", "queries"),
    ("model", "several-aux"),
    ("postprocessor", "good-post"),
]


@pytest.fixture(scope="module")
def told():
    """The sentences on all these parts."""
    names = {(kind, name) for kind, name, _ in FOUND} | {*KEPT}
    with pytest.MonkeyPatch.context() as patch:
        places = [str(DISTS / name) for name in ("misbehaves", "masks", "rules")]
        for place in places:
            patch.syspath_prepend(place)

        def fork(command, cwd, **rest):
            assert command[:4] == [sys.executable, "-P", "-m", "pytest"]
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(places)}
            return forks().run(command[4:], cwd, environment, 300, module="pytest")[0]

        patch.setattr("recycle_kit.verdict.subprocess", SimpleNamespace(run=fork))
        offers = [one for one in discover().offers() if (one.component.kind, one.component.name) in names]
        return list(broken_rules([(one.component.kind, one.qualified) for one in offers]))


@pytest.mark.parametrize(("kind", "name", "sentence"), FOUND, ids=[name for _, name, _ in FOUND])
def test_a_broken_rule_is_told(told, kind, name, sentence):
    own = [text for text in told if text.startswith(f"{kind} {name}@acme-")]
    assert any(text.partition(": ")[2].startswith(sentence) for text in own), own
    assert all("\n    remedy: " in text for text in own if ": expected " in text)
    assert "AssertionError" not in "".join(own)
    assert len(own) == len({text.partition("; found")[0] for text in own})


@pytest.mark.parametrize(("kind", "name"), KEPT)
def test_what_keeps_the_rules_passes(told, kind, name):
    assert [text for text in told if text.startswith(f"{kind} {name}@")] == []


def test_every_kind_is_tried():
    assert {kind for kind, _, _ in FOUND} == {*KINDS} - {"dataset", "exporter"}  # whose tests need data, or files


def test_the_verdict_is_given_once_and_last(tmp_path, monkeypatch):
    said = "loss rewards@acme-rules: expected right logits to cost less than wrong ones; found 0 and 1\n    remedy: x"
    monkeypatch.setattr("recycle_kit.verdict.broken_rules", lambda parts: [said])
    done = recycle_here("plugins", "check", "acme-rules", cwd=tmp_path, sites=[DISTS / "rules"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: 1 fault in the installed plugins:\n  {said}\n"
    monkeypatch.setattr("recycle_kit.verdict.broken_rules", lambda parts: [])
    done = recycle_here("plugins", "check", "acme-rules", cwd=tmp_path, sites=[DISTS / "rules"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(", 12 parts held to the tests of their kinds, no faults\n")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 3, 64, 96), "any number of photos, of 3 channels; found (1, 3, 64, 96)"),
        (("batch", 3, 96, 64), "height and width of the window, or a text each; found ('batch', 3, 96, 64)"),
        (("batch", 3, 64), "a shape of four sides; found tuple of 3"),
        (("batch", 3, "height", "width"), ""),
    ],
)
def test_the_shape_of_an_export(tmp_path, shape, expected):
    class Tested(ExporterConformance):
        name = "one"

        @classmethod
        def exporter(cls, registry):
            load = lambda folder: lambda image: net(torch.from_numpy(image)).detach().numpy()  # noqa: E731
            return SimpleNamespace(files={}, write=lambda model, folder: {"shape": shape}, load=load)

    net = torch.nn.Conv2d(3, 5, 1)
    with (
        pytest.raises(pytest.fail.Exception, match=re.escape(f"exporter one: expected {expected}"))
        if expected
        else (nullcontext())
    ):
        Tested().test_gives_what_torch_gives(None, net, tmp_path)
