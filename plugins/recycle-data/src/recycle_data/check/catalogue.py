"""What `recycle data check` looks for: each fault's code, severity, meaning and remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault.

    Attributes:
        severity: `error`: training refuses it or would learn something wrong; `warning`: most
            likely not what the annotator meant; `note`: harmless here, harmful in other tools.
        meaning: what is wrong.
        remedy: what to do about it.
        mended: whether `--fix` can mend it without guessing.
    """

    severity: Severity
    meaning: str
    remedy: str
    mended: bool = False


@dataclass(frozen=True, slots=True)
class LabelFault:
    """One fault found.

    Attributes:
        code: a key of `CATALOGUE`.
        file: the annotation file, photo or mask that it is in.
        where: the image, annotation or category that it concerns; empty for the whole file.
        detail: what was found, with the numbers.
    """

    code: str
    file: str
    where: str
    detail: str

    @property
    def fault(self) -> FaultKind:
        """Its kind."""
        return CATALOGUE[self.code]

    def as_dict(self) -> dict[str, Any]:
        """For --json: the finding with its kind's severity and remedy."""
        return asdict(self) | {"severity": self.fault.severity, "remedy": self.fault.remedy}


CATALOGUE: dict[str, FaultKind] = {
    # the file's lists
    "duplicate-image-id": FaultKind("error", "two images have the same id", "give each image its own id"),
    "duplicate-file-name": FaultKind("error", "two images name the same photo", "join the two entries", mended=True),
    "invalid-image-size": FaultKind("error", "width or height is below 1", "write the photo's real size"),
    "photo-too-large": FaultKind("error", "more pixels than are read", "--max-pixels N reads photos of N pixels"),
    "file-outside-root": FaultKind(
        "error", "file_name leaves the data folder", "move the photo inside, or pass its folder"
    ),
    "duplicate-category-id": FaultKind("error", "two categories have the same id", "give each category its own id"),
    "duplicate-category-name": FaultKind("error", "two categories have the same name", "merge or rename them"),
    "too-many-classes": FaultKind(
        "error",
        "masks hold at most 255 classes, the background among them",
        "merge classes, or drop unused categories, as --fix does",
    ),
    "shifted-category-ids": FaultKind(
        "note", "category ids do not start at 1", "other tools may use the id as a label"
    ),
    "sparse-category-ids": FaultKind("note", "category ids have gaps", "other tools may use the id as a label"),
    "loose-number": FaultKind("note", "an id, size or flag is not an integer", "other tools refuse it", mended=True),
    "untidy-category-name": FaultKind(
        "warning", "blanks around a name, or an empty name", "remove the blanks", mended=True
    ),
    "similar-category-name": FaultKind(
        "warning",
        "two names differ only in case, blanks, dashes, encoding or look-alike letters",
        "rename one, or merge them by data.classes",
    ),
    "void-category": FaultKind(
        "warning",
        "a class with a name for unlabelled pixels, which is trained as a class",
        "rename it to `ignore` or `background`, or ignore it by data.classes, as -o 'data.classes={ignore: [void]}'",
    ),
    "project-category": FaultKind(
        "warning", "not a class, but the name of the project or a group", "drop it: --fix", mended=True
    ),
    "unusable-set": FaultKind("error", "training refuses the set", "see what was found"),
    "only-background": FaultKind("error", "no class but the background has a pixel", "see what was found"),
    "unused-category": FaultKind("note", "no object is of this category", "expect no score for it"),
    "unlabelled-image": FaultKind("note", "no object is annotated", "make sure that the photo shows no object"),
    # annotations
    "duplicate-annotation-id": FaultKind("error", "two annotations have the same id", "renumber them", mended=True),
    "unknown-image": FaultKind("error", "image_id of no image", "add the image or remove the annotation", mended=True),
    "unknown-category": FaultKind("error", "category_id of no category", "add the category or remove the annotation"),
    "malformed-field": FaultKind("error", "id, area, provenance or another field is malformed", "correct or remove it"),
    "loose-points": FaultKind("note", "points as pairs, or in one flat list", "other tools refuse it", mended=True),
    "malformed-segmentation": FaultKind("error", "neither polygons of finite numbers nor an RLE", "annotate it again"),
    "malformed-label": FaultKind(
        "error", "a line of a label file is not a class and a polygon", "correct or remove the line"
    ),
    "rle-size": FaultKind("error", "the RLE has another size than the photo", "export it at the photo's size"),
    "rle-counts": FaultKind("error", "the RLE counts do not add up to the photo's pixels", "export it again"),
    "empty-segmentation": FaultKind("warning", "it encloses no pixel", "remove or redraw it", mended=True),
    "degenerate-polygon": FaultKind("warning", "a polygon has no area", "remove that part", mended=True),
    "self-crossing-polygon": FaultKind(
        "warning", "a polygon's outline crosses itself", "redraw it: its inside is a guess"
    ),
    "outside-image": FaultKind("warning", "a polygon leaves the photo", "clip it", mended=True),
    "filled-hole": FaultKind("warning", "a part lies inside another: a hole, filled by the format", "write an RLE"),
    "misplaced-outlines": FaultKind(
        "error",
        "most outlines do not fit their boxes or photos",
        "export them again: in pixels of these photos, x before y",
    ),
    "bbox-mismatch": FaultKind("warning", "bbox differs from the shape's", "compute it from the shape", mended=True),
    "area-mismatch": FaultKind(
        "warning", "area differs from the shape's", "compute it: other tools paint by it", mended=True
    ),
    "iscrowd-misuse": FaultKind(
        "warning", "iscrowd does not fit the shape or category", "0 for objects; crowds as RLE"
    ),
    "crowds": FaultKind(
        "note",
        "annotations are crowds: regions without single objects",
        "--crowds objects or regions says what they are",
    ),
    "sliver": FaultKind("warning", "an object of very few pixels", "remove it if it is an accident"),
    "repeated-labels": FaultKind(
        "warning", "all photos have the same labels", "export them again: each photo with its own labels"
    ),
    "whole-photo": FaultKind(
        "warning", "many objects fill their whole photo", "a photo's tag is not an outline: outline the objects"
    ),
    "scored-label": FaultKind(
        "note", "a score, as predictions have: nothing reads it", "make sure that these are labels, not predictions"
    ),
    "box-outlines": FaultKind(
        "note",
        "outlines that are rectangles, such as boxes exported as polygons",
        "if they are boxes, outline the objects: a box does not say which pixels belong to an object",
    ),
    "unread-flag": FaultKind("note", "a flag that nothing reads", "remove what should not be trained on"),
    "duplicate-annotation": FaultKind("warning", "the same object twice", "remove one", mended=True),
    "doubled-objects": FaultKind(
        "warning", "many objects are drawn twice, nearly alike", "keep one outline of each, of the right class"
    ),
    "hidden-object": FaultKind("warning", "wholly covered by others when painted", "correct the shapes, or remove it"),
    # splits
    "photo-in-two-splits": FaultKind("error", "a photo is in training and evaluation", "take it out of one split"),
    "pasted-from-validation": FaultKind(
        "error", "contains objects of a validation photo", "paste from the training split"
    ),
    "class-absent-from-split": FaultKind(
        "warning", "a class has no object in this split", "recycle data kfold, then recycle train --fold 0"
    ),
    # photos
    "ambiguous-photo": FaultKind(
        "error", "no file has that name, and several photos can be meant", "write the file_name of the right one"
    ),
    "missing-photo": FaultKind("error", "the photo is not there", "restore it, or --fix OUT --drop-unreadable"),
    "unlisted-photo": FaultKind(
        "note", "photos beside those of the file are not in it", "label them, or use them for prediction"
    ),
    "photo-found-by-name": FaultKind(
        "note", "the photo is elsewhere and was found by its name", "write the right file_name for other tools"
    ),
    "unreadable-photo": FaultKind(
        "error", "the photo is damaged, truncated or not an image", "replace it, or --fix OUT --drop-unreadable"
    ),
    "photo-size": FaultKind(
        "error", "the photo has another size than stated", "annotate this file, or correct the size"
    ),
    "exif-ignored": FaultKind(
        "warning",
        "annotated without its EXIF rotation",
        "other tools rotate it: save it upright",
    ),
    "exif-ambiguous": FaultKind(
        "warning",
        "an EXIF rotation that keeps the size, so it is unknown whether the labels were drawn with it",
        "check it, and save it upright",
    ),
    "twelve-bit-photo": FaultKind("note", "12-bit gray in a 16-bit file", "none needed: 4095 is read as white"),
    "several-pictures": FaultKind(
        "note",
        "a file with several pages or frames; the first is read",
        "save only the labelled image",
    ),
    "transparent-photo": FaultKind(
        "note",
        "transparent pixels, which are read with the colours stored there",
        "if these are not what you see, flatten the photo on a background",
    ),
    "painted-photo": FaultKind(
        "warning",
        "very few colours, as in a mask: a mask in place of its photo",
        "put the photo there; keep masks in their own folder",
    ),
    "coarse-jpeg": FaultKind(
        "warning",
        "a JPEG of such low quality that only blocks are left",
        "export the photos again, with quality 75 or more",
    ),
    "duplicate-photo": FaultKind("warning", "two files contain one photo, identical or re-saved", "keep one"),
    "near-duplicate-photo": FaultKind(
        "note", "two photos look the same", "recycle data kfold --group-by near-duplicates keeps them in one fold"
    ),
    "unturned-labels": FaultKind(
        "error",
        "a flipped or rotated photo with the labels of its original",
        "flip or rotate the labels too, or remove the photo",
    ),
    "duplicate-across-splits": FaultKind(
        "error",
        "one photo in two splits, as two files",
        "take a test photo out of the others; else recycle data kfold keeps it in one fold, for recycle train --fold 0",
    ),
    "near-duplicate-across-splits": FaultKind(
        "warning",
        "photos of two splits look the same",
        "recycle data kfold --group-by near-duplicates, then recycle train --fold 0",
    ),
    "crop-across-splits": FaultKind(
        "warning",
        "a photo is cut out of one of another split",
        "split first, then cut; or, where names tell the source: recycle data kfold --group-by file_name:REGEX",
    ),
    "photo-in-two-folders": FaultKind("error", "one photo in two of the data folders", "take it out of one of them"),
    # folders of masks
    "missing-mask": FaultKind("error", "the photo has no mask", "add it, or drop the photo"),
    "mask-without-photo": FaultKind("warning", "the mask has no photo", "add it, or drop the mask"),
    "unreadable-mask": FaultKind("error", "the mask is damaged, not an image, or several images", "export it again"),
    "mask-jpeg": FaultKind("error", "a mask saved as JPEG: its values are blurred", "export it as PNG"),
    "mask-channels": FaultKind(
        "error", "the mask has colours instead of class indices", "export 8-bit indices with one channel"
    ),
    "mask-size": FaultKind("error", "the mask has another size than its photo", "export it at the photo's size"),
    "mask-unknown-value": FaultKind("error", "values that are not classes", "correct the mask, or name every class"),
    "ignored-mask": FaultKind("note", "every pixel is 255 (ignored)", "make sure that nothing should be labelled"),
    "mask-interpolated": FaultKind(
        "warning", "intermediate values along edges: resized with interpolation", "resize by nearest neighbour"
    ),
    "mask-speckled": FaultKind(
        "warning", "scattered single pixels of other classes: saved lossily, or predicted", "export it again, as PNG"
    ),
    "mask-255-as-class": FaultKind(
        "error", "255, which means ignore, is used as a class", "use 0 to K - 1 for classes"
    ),
}
