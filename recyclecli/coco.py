"""Forwards to `recycle_coco` for this release."""

from typing import Any

from recyclecli.moved import moved


def __getattr__(name: str) -> Any:
    if name in ("build_document", "document_of"):
        return moved(__name__, name, "recycle-data", "coco_document")
    return moved(__name__, name, "recycle-coco")
