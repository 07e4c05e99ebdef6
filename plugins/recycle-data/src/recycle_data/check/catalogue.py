"""What `recycle data check` looks for: each fault's code, severity, meaning and remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Fault:
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
class Finding:
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
    def fault(self) -> Fault:
        """Its kind."""
        return CATALOGUE[self.code]

    def as_dict(self) -> dict[str, Any]:
        """For --json: the finding with its kind's severity and remedy."""
        return asdict(self) | {"severity": self.fault.severity, "remedy": self.fault.remedy}


CATALOGUE: dict[str, Fault] = {
    # the file's lists
    "duplicate-image-id": Fault("error", "two images have one id", "give each image an id of its own"),
    "duplicate-file-name": Fault("error", "two images name one photo", "join the two entries", mended=True),
    "invalid-image-size": Fault("error", "width or height is below 1", "write the photo's real size"),
    "photo-too-large": Fault("error", "more pixels than are read", "--max-pixels N reads photos of N pixels"),
    "file-outside-root": Fault(
        "error", "file_name leaves the data folder", "move the photo inside, or pass its folder"
    ),
    "duplicate-category-id": Fault("error", "two categories have one id", "give each category an id of its own"),
    "duplicate-category-name": Fault("error", "two categories have one name", "merge or rename them"),
    "too-many-classes": Fault(
        "error",
        "masks hold at most 255 classes, the background among them",
        "merge classes, or drop categories that no object is of, as --fix does where there are too many",
    ),
    "shifted-category-ids": Fault("note", "category ids do not start at 1", "other tools may take an id for a label"),
    "sparse-category-ids": Fault("note", "category ids have gaps", "other tools may take an id for a label"),
    "loose-number": Fault("note", "an id, size or flag is no whole number", "other tools refuse it", mended=True),
    "untidy-category-name": Fault("warning", "blanks around a name, or none", "write it without blanks", mended=True),
    "similar-category-name": Fault(
        "warning",
        "two names differ in case, blanks, dashes or Unicode form alone",
        "rename one, or merge them by data.classes",
    ),
    "project-category": Fault(
        "warning", "no class, but the name of the project or of a group", "drop it: --fix", mended=True
    ),
    "unusable-set": Fault("error", "training refuses the set", "see what was found"),
    "only-background": Fault("error", "no class but the background has a pixel", "see what was found"),
    "unused-category": Fault("note", "no object is of this category", "expect no score for it"),
    "unlabelled-image": Fault("note", "no object is annotated", "make sure that nothing is to be seen there"),
    # annotations
    "duplicate-annotation-id": Fault("error", "two annotations have one id", "number them anew", mended=True),
    "unknown-image": Fault("error", "image_id is no image's", "add the image or remove the annotation", mended=True),
    "unknown-category": Fault("error", "category_id is no category's", "add the category or remove the annotation"),
    "malformed-field": Fault("error", "id, area, provenance or another field is malformed", "correct or remove it"),
    "loose-points": Fault("note", "points as pairs, or in one flat list", "other tools refuse it", mended=True),
    "malformed-segmentation": Fault("error", "neither polygons of finite numbers nor an RLE", "annotate it again"),
    "malformed-label": Fault("error", "a line of a label file is no class and polygon", "correct or remove the line"),
    "rle-size": Fault("error", "the RLE is of another size than the photo", "export it at the photo's size"),
    "rle-counts": Fault("error", "the RLE counts do not add up to the photo's pixels", "export it again"),
    "empty-segmentation": Fault("warning", "no pixel is enclosed", "remove or redraw it", mended=True),
    "degenerate-polygon": Fault("warning", "a polygon has no area", "remove that part", mended=True),
    "self-crossing-polygon": Fault("warning", "a polygon's outline crosses itself", "redraw it: its inside is a guess"),
    "outside-image": Fault("warning", "a polygon leaves the photo", "clip it", mended=True),
    "filled-hole": Fault("warning", "a part lies inside another: a hole, filled by the format", "write an RLE"),
    "misplaced-outlines": Fault(
        "error",
        "most outlines do not fit their boxes or photos",
        "export them again: in pixels of these photos, x before y",
    ),
    "bbox-mismatch": Fault("warning", "bbox is not the shape's", "compute it from the shape", mended=True),
    "area-mismatch": Fault("warning", "area is not the shape's", "compute it: other tools paint by it", mended=True),
    "iscrowd-misuse": Fault("warning", "iscrowd does not fit the shape or category", "0 for objects; crowds as RLE"),
    "crowds": Fault(
        "note", "annotations are crowds: regions of no single object", "--crowds objects or regions says what they are"
    ),
    "sliver": Fault("warning", "an object of very few pixels", "remove it if it is a slip of the hand"),
    "repeated-labels": Fault(
        "warning", "all photos have the same labels", "export them again: each photo with its own labels"
    ),
    "whole-photo": Fault(
        "warning", "many objects fill their whole photo", "a tag of a photo is no outline: outline what it shows"
    ),
    "unread-flag": Fault("note", "a flag that nothing reads", "remove what is not to be learned"),
    "duplicate-annotation": Fault("warning", "the same object twice", "remove one", mended=True),
    "doubled-objects": Fault(
        "warning", "many objects are drawn twice, nearly alike", "keep one outline of each, of the right class"
    ),
    "hidden-object": Fault("warning", "wholly covered by others when painted", "correct the shapes, or remove it"),
    # splits
    "photo-in-two-splits": Fault("error", "a photo is trained on and judged on", "take it out of one split"),
    "pasted-from-validation": Fault("error", "holds objects of a validation photo", "paste from the training split"),
    "class-absent-from-split": Fault(
        "warning", "a class has no object in this split", "recycle data kfold, then recycle train --fold 0"
    ),
    # photos
    "ambiguous-photo": Fault(
        "error", "no file has that name, and several photos can be meant", "write the file_name of the right one"
    ),
    "missing-photo": Fault("error", "the photo is not there", "restore it, or --fix OUT --drop-unreadable"),
    "unlisted-photo": Fault(
        "note", "photos beside those of the file are not in it", "label them, or take them for photos to predict"
    ),
    "photo-found-by-name": Fault(
        "note", "the photo lies elsewhere, and is found by its name", "write the right file_name for other tools"
    ),
    "unreadable-photo": Fault(
        "error", "the photo is damaged, truncated or none", "replace it, or --fix OUT --drop-unreadable"
    ),
    "photo-size": Fault("error", "the photo has another size than stated", "annotate this file, or correct the size"),
    "exif-ignored": Fault(
        "warning",
        "annotated without the rotation of its EXIF",
        "other tools turn it: save it upright",
    ),
    "exif-ambiguous": Fault(
        "warning",
        "an EXIF rotation that leaves the size as it is: whether labels are drawn with it cannot be told",
        "look at it, and save it upright",
    ),
    "twelve-bit-photo": Fault("note", "gray of 12 bits in a file of 16", "none needed: 4095 is read as white"),
    "several-pictures": Fault(
        "note",
        "a file of several pages or frames, of which the first is read",
        "save the picture that is labelled alone",
    ),
    "transparent-photo": Fault(
        "note",
        "transparent pixels, which are read in the colours that the file holds there",
        "where these are not what is seen, put a background behind the photo",
    ),
    "painted-photo": Fault(
        "warning",
        "very few colours, as painted masks have: a mask in the place of its photo",
        "put the photo there; masks belong into a folder of their own",
    ),
    "coarse-jpeg": Fault(
        "warning",
        "a JPEG of a quality so low that blocks alone are left",
        "export the photos again, with quality 75 or more",
    ),
    "duplicate-photo": Fault("warning", "two files hold one photo, as it is or saved anew", "keep one"),
    "near-duplicate-photo": Fault(
        "note", "two photos look the same", "recycle data kfold --group-by near-duplicates keeps them in one fold"
    ),
    "duplicate-across-splits": Fault(
        "error",
        "one photo, as two files, in two splits",
        "take a test photo out of the others; else recycle data kfold keeps it in one fold, for recycle train --fold 0",
    ),
    "near-duplicate-across-splits": Fault(
        "warning",
        "photos of two splits look the same",
        "recycle data kfold --group-by near-duplicates, then recycle train --fold 0",
    ),
    "crop-across-splits": Fault(
        "warning",
        "a photo is cut out of one of another split",
        "split first, then cut; or, where names tell the source: recycle data kfold --group-by file_name:REGEX",
    ),
    "photo-in-two-folders": Fault("error", "one photo in two of the data folders", "take it out of one of them"),
    # folders of masks
    "missing-mask": Fault("error", "the photo has no mask", "add it, or drop the photo"),
    "mask-without-photo": Fault("warning", "the mask has no photo", "add it, or drop the mask"),
    "unreadable-mask": Fault("error", "the mask is damaged, no image, or several", "export it again"),
    "mask-jpeg": Fault("error", "a mask saved as JPEG: its values are blurred", "export it as PNG"),
    "mask-channels": Fault("error", "a mask of colours, not of class indices", "export indices, 8 bit, one channel"),
    "mask-size": Fault("error", "the mask has another size than its photo", "export it at the photo's size"),
    "mask-unknown-value": Fault("error", "values that are no class", "correct the mask, or name every class"),
    "mask-interpolated": Fault("warning", "in-between values along edges: resized smoothly", "resize by nearest pixel"),
    "mask-speckled": Fault(
        "warning", "single pixels of other classes all over: saved lossily, or predicted", "export it again, as PNG"
    ),
    "mask-255-as-class": Fault("error", "255, which means ignore, is used as a class", "use 0 to K - 1 for classes"),
}
