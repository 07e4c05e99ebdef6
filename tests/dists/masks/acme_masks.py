"""Models that own their loss: mask classification, and some whose loss breaks its contract."""

from recyclecli import hookimpl
from recyclecli.types import ModelComponent, Options

NAMES = ("queries", "queries-eval-logits", "own-float", "own-list", "own-empty", "own-unreduced", "own-detached")
NAMES += ("own-nan", "own-raises", "own-elsewhere", "aux-a-list", "extras-a-list", "no-loss", "several-aux")


@hookimpl
def recycle_models():
    for name in NAMES:
        yield ModelComponent(name, f"acme_masks_net:{name.replace('-', '_')}", Options, "Owns its loss")
