"""The splits of a COCO set by a JSON file that lists the photos of each, as UAVVaste keeps them."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recycle_coco import Tree, split_called

from recycle_datasets.labels import json_of

log = logging.getLogger("recycle.datasets")


def listed_splits(root: Path, photos: Sequence[str]) -> dict[str, list[int]]:
    """Indices of the photos of each split, by the first file that lists photos by their names; none without a file.

    Args:
        root: the folder of the set.
        photos: their places in it.
    """
    tree = Tree(root)
    bases = [place.rpartition("/")[2] for place in photos]
    times = Counter(bases)
    indices = {base: index for index, base in enumerate(bases) if times[base] == 1}
    indices |= {place: index for index, place in enumerate(photos)}
    for name in [name for name, content in tree.jsons() if _lists(content)]:
        found = dict(_named(json_of(root / name, "correct or remove it"), indices))
        if len(found) > 1:
            log.warning(f"note: {root / name} lists the photos of {', '.join(found)}")
            return found
    return {}


def _lists(content: Any) -> bool:
    """Whether JSON, or its beginning, is of splits with lists of names."""
    return (
        isinstance(content, dict)
        and bool(content)
        and all(split_called(str(key)) and isinstance(names, list) for key, names in content.items())
        and all(isinstance(one, str) for names in content.values() for one in names)
    )


def _named(content: Mapping[str, Any], indices: Mapping[str, int]) -> Iterator[tuple[str, list[int]]]:
    for key, names in content.items() if _lists(content) else ():
        found = [indices[one] for one in dict.fromkeys(names) if one in indices]
        if found:
            yield split_called(key), found
