"""COCO in and out: documents, the label rule, painting, RLE, paths and photos. No torch.

Plugins may use everything listed here.
"""

from recyclecli.coco.document import Document, read_document, shape_fault, size_fault
from recyclecli.coco.labels import BACKGROUND, IGNORE_CATEGORY, LabelIndex, has_background, is_background, label_index
from recyclecli.coco.lookup import locate
from recyclecli.coco.loose import strict
from recyclecli.coco.paint import paint
from recyclecli.coco.paths import (
    PHOTO_SUFFIXES,
    SPLITS,
    find_annotation_file,
    find_annotation_files,
    is_hidden,
    photos_below,
    resolve_file,
    split_called,
)
from recyclecli.coco.photo import check_size, open_photo, photo_size, read_photo
from recyclecli.coco.pieces import connected_pieces
from recyclecli.coco.rle import decode, encode, length_fault, rasterise
from recyclecli.coco.source import CocoSource
from recyclecli.coco.tree import Tree
from recyclecli.coco.writer import build_document, document_of
from recyclecli.reading import parse_json, read_bytes, read_text, read_yaml

__all__ = [
    "BACKGROUND",
    "IGNORE_CATEGORY",
    "PHOTO_SUFFIXES",
    "SPLITS",
    "CocoSource",
    "Document",
    "LabelIndex",
    "Tree",
    "build_document",
    "check_size",
    "connected_pieces",
    "decode",
    "document_of",
    "encode",
    "find_annotation_file",
    "find_annotation_files",
    "has_background",
    "is_background",
    "is_hidden",
    "label_index",
    "length_fault",
    "locate",
    "open_photo",
    "paint",
    "parse_json",
    "photo_size",
    "photos_below",
    "rasterise",
    "read_bytes",
    "read_document",
    "read_photo",
    "read_text",
    "read_yaml",
    "resolve_file",
    "shape_fault",
    "size_fault",
    "split_called",
    "strict",
]
