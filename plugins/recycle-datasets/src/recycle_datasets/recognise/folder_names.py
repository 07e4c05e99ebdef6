"""The words by which people name folders of photos, and of masks."""

import re
from collections.abc import Iterable
from functools import lru_cache


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


MASK_WORDS = _set(
    "mask masks label labels labelled labeled annotation annotations annot annots anno ann anns gt gts gtfine gtcoarse "
    "groundtruth ground truth truths seg segs segmentation segmentations segmented segmentationclass "
    "segmentationclasspng segmentationclassaug segmentationclassraw segmap segmaps target targets trimaps matte "
    "semantic stuffthingmaps pixelmaps manual labelids labeltrainids machine human"
)
PHOTO_WORDS = _set(
    "image images img imgs photo photos jpegimages picture pictures pic pics input inputs rgb raw original originals "
    "orig frame frames data leftimg8bit dir src source sat"
)
NEVER = _set(
    "overlay overlays visualization visualizations visualisation vis viz preview previews depth instance instances "
    "instanceids segmentationobject object objects panoptic edge edges contour contours boundary boundaries bbox "
    "heatmap prediction predictions pred preds result results segmentationclassvisualization "
    "segmentationclassnpy blended"
)
"""Pictures that are neither photos nor masks of classes."""
COLOR_WORDS = _set("human color colors colour colours colored coloured")
"""Of two masks of one photo, the one for people to look at."""
CODES = _set("machine labelids index indexed watershed")
GLUED = re.compile(r"^(.+?)(annot|annotations?|masks?|labels?|gt|images?|imgs?)$")  # trainannot
WORD_BREAK = re.compile(r"[_\-. ]+|(?<=[a-z0-9])(?=[A-Z][a-z])")


@lru_cache(4096)
def words_of(part: str) -> tuple[str, ...]:
    """The words of a folder's name, in lower case."""
    found: list[str] = []
    for word in [part] if part.lower() in MASK_WORDS | NEVER | PHOTO_WORDS else WORD_BREAK.split(part):
        glued = GLUED.match(word.lower())
        known = word.lower() in MASK_WORDS | PHOTO_WORDS | NEVER | COLOR_WORDS
        found += glued.groups() if glued and not known else [word.lower()]
    return tuple(word for word in found if word)


def looks_masked(parts: Iterable[str]) -> bool:
    """Whether names of folders are those of masks."""
    return any(word in MASK_WORDS for part in parts for word in words_of(part))


def never_masked(folder: str) -> bool:
    """Whether a folder holds pictures that are neither photos nor masks of classes."""
    return any(word in NEVER for part in folder.split("/") for word in words_of(part))
