"""Beginning with another run's weights: tensors by their names, classes by theirs."""

import json

import pytest
import torch
from recycle_engine.training.init_weights import start_from
from safetensors.torch import save_file
from torch import nn

from recyclecli.errors import RecycleError

COLORS = ("Background", "Red", "Green", "Blue")


class Net(nn.Module):
    """An encoder, a layer with a place for each class, a table of each class by each, and one of two for each class."""

    def __init__(self, classes, depth=1, pairs=False):
        super().__init__()
        self.body = nn.ModuleList(nn.Linear(5, 5) for _ in range(depth))
        self.head = nn.Linear(5, classes)
        self.table = nn.Parameter(torch.rand(classes, 3, classes))
        self.pairs = nn.Linear(5, 2 * classes) if pairs else nn.Identity()


@pytest.fixture
def begin(tmp_path):
    """Starts a net for `names` from one for `COLORS`; the two, and what is said."""

    def run(names, theirs=None, ours=None):
        theirs = theirs or Net(len(COLORS))
        card = {"format": 1, "class_names": COLORS, "palette": [[0, 0, number] for number in range(4)], "size": 32}
        card |= {"model": {"name": "net", "encoder": "e"}}
        save_file(dict(theirs.state_dict()), tmp_path / "w.safetensors", {"recycle": json.dumps(card)})
        ours = ours or Net(len(names))
        wider = Net(len(names) + 1, pairs=isinstance(ours.pairs, nn.Linear))
        before = {key: value.clone() for key, value in ours.state_dict().items()}
        said = start_from(ours, wider, tmp_path / "w.safetensors", "net", names)
        return theirs.state_dict(), ours.state_dict(), before, said

    return run


def test_the_same_classes_take_all(begin):
    theirs, ours, _, said = begin(COLORS)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert said.endswith("w.safetensors")


@pytest.mark.parametrize("order", [(0, 3, 2, 1), (3, 0, 1, 2), (1, 0)])
def test_classes_are_mapped_by_name(begin, order):
    """In another order, and some of them."""
    theirs, ours, _, said = begin([COLORS[label] for label in order])
    labels = list(order)
    assert torch.equal(ours["head.weight"], theirs["head.weight"][labels])
    assert torch.equal(ours["head.bias"], theirs["head.bias"][labels])
    assert torch.equal(ours["table"], theirs["table"][labels][:, :, labels])
    assert torch.equal(ours["body.0.weight"], theirs["body.0.weight"])
    assert f"{len(order)} of {len(order)} classes taken over by name" in said
    assert ("it also knew Green, Blue" in said) == (len(order) == 2)


def test_new_classes_are_learned_from_the_beginning(begin):
    theirs, ours, before, said = begin(["Background", "Paper", "Blue", "Red", "Metal"])
    assert torch.equal(ours["head.bias"][[0, 2, 3]], theirs["head.bias"][[0, 3, 1]])
    assert torch.equal(ours["head.bias"][[1, 4]], before["head.bias"][[1, 4]])
    assert torch.equal(ours["table"][1], before["table"][1])
    assert "3 of 5 classes taken over by name; new and learned from the beginning: Paper, Metal" in said


def test_what_mixes_classes_is_learned_from_the_beginning(begin):
    theirs, ours, before, said = begin(COLORS[::-1], Net(4, pairs=True), Net(4, pairs=True))
    assert torch.equal(ours["head.bias"], theirs["head.bias"].flip(0))
    assert torch.equal(ours["pairs.weight"], before["pairs.weight"])
    assert "cannot be told: pairs.bias, pairs.weight" in said


@pytest.mark.parametrize(
    ("theirs", "ours", "counts"),
    [
        (Net(4, depth=2), None, "no place for 2 of its tensors, as body.1."),  # deeper: it holds every name
        (None, Net(4, depth=3), "it lacks 4 of 9 tensors, as body.1.weight"),
    ],
)
def test_another_architecture_is_refused_with_counts(begin, theirs, ours, counts):
    with pytest.raises(RecycleError, match="weights do not fit this net") as caught:
        begin(COLORS, theirs, ours)
    assert counts in str(caught.value)
    assert "--plugin net -o model.encoder=e" in caught.value.remedy
