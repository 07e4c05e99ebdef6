"""COCO in and out: documents, the label rule, painting, RLE, paths and photos. No torch.

Plugins may use everything listed here.
"""

from recycle_coco.components import connected_pieces
from recycle_coco.counts import label_counts
from recycle_coco.document import Document, read_document, shape_fault, size_fault
from recycle_coco.encodings import decode_text, parse_loose_json, read_loose_text, read_yaml
from recycle_coco.json import parse_json
from recycle_coco.labels import BACKGROUND, IGNORE_CATEGORY, LabelIndex, has_background, is_background, label_index
from recycle_coco.large import read_large
from recycle_coco.lenient import strict
from recycle_coco.lookup import locate
from recycle_coco.paint import paint
from recycle_coco.paths import (
    PHOTO_SUFFIXES,
    SPLITS,
    copy_beside,
    find_annotation_file,
    find_annotation_files,
    is_hidden,
    photos_below,
    resolve_file,
    split_called,
)
from recycle_coco.photo import check_size, open_photo, photo_size, read_head, read_photo
from recycle_coco.relabel import relabel
from recycle_coco.rle import decode, decode_box, encode, length_fault, rasterise
from recycle_coco.source import CocoSource
from recycle_coco.tree import Tree
from recyclecli.reading import read_bytes, read_text

__all__ = [
    "BACKGROUND",
    "IGNORE_CATEGORY",
    "PHOTO_SUFFIXES",
    "SPLITS",
    "CocoSource",
    "Document",
    "LabelIndex",
    "Tree",
    "check_size",
    "connected_pieces",
    "copy_beside",
    "decode",
    "decode_box",
    "decode_text",
    "encode",
    "find_annotation_file",
    "find_annotation_files",
    "has_background",
    "is_background",
    "is_hidden",
    "label_counts",
    "label_index",
    "length_fault",
    "locate",
    "open_photo",
    "paint",
    "parse_json",
    "parse_loose_json",
    "photo_size",
    "photos_below",
    "rasterise",
    "read_bytes",
    "read_document",
    "read_head",
    "read_large",
    "read_loose_text",
    "read_photo",
    "read_text",
    "read_yaml",
    "relabel",
    "resolve_file",
    "shape_fault",
    "size_fault",
    "split_called",
    "strict",
]
