"""Exports that no layout reads, known by what they hold: what they are, and what to export or type instead."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco import Tree, parse_json, parse_loose_json, read_large, split_called
from recycle_coco.archive import refuse_archive

from recyclecli.errors import RecycleError, counted

Said = tuple[str, str]  # what it is, as the end of a sentence, and the remedy
BOXES_ONLY = "boxes do not say which pixels are an object's: export polygons or masks, as COCO Segmentation"
BRUSH = re.compile(r"task-\d+-annotation-\d+-by-.+\.(?:png|npy)$")
YOLO_LINE, YOLO_HEAD_BYTES = re.compile(r"\s*\d+(?:\s+-?[\d.]+){4,}\s"), 2**12  # an object; bytes with the first
YAML_LABELS = re.compile(
    r"^[\s-]*(annotations|instance_list|label_map|objects|points|segmentation|shapes) *:", re.MULTILINE
)
TEXT_KEYS = {"prefix", "suffix"}, {"messages"}, {"prompt", "completion"}  # of a line for a language model
FIFTYONE = {
    "Detections": "COCODetectionDataset",
    "Polylines": "COCODetectionDataset",
    "Segmentation": "ImageSegmentationDirectory",
}
"""Kinds of fields that have pixels, with what to export them as."""
LOSSY_SUFFIXES = (".jpg", ".jpeg", ".webp", ".heic", ".heif")
PAIRED_FOLDERS = 20  # that are compared with each other
MASK_NAMES = re.compile("mask|label|annot|gt|seg|truth", re.IGNORECASE)
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz")
UNSUPPORTED: dict[tuple[str, ...], Said] = {
    (".tfrecord", ".tfrecords", ".record"): (
        "a TFRecord",
        "export the set as COCO Segmentation from the labelling tool",
    ),
    (".nii", ".nii.gz", ".dcm"): ("a medical volume", "save its slices as PNG, with a PNG of class numbers for each"),
    (".mat",): (
        "masks in a MATLAB file",
        "write each as a PNG of class numbers, under its photo's name: scipy.io.loadmat reads them",
    ),
    (".shp", ".gpkg"): ("outlines on a map", "draw them into masks of the photos' size with gdal_rasterize"),
    (".roi",): (
        "regions of ImageJ",
        "open the photos in QuPath or ImageJ, and export GeoJSON, or a mask for each photo",
    ),
    (".pkl", ".pickle", ".pth", ".pt", ".h5", ".hdf5"): (
        "a Python or HDF5 file, of which nothing is read",
        "write photos and masks as PNG, or the labels as COCO; dataset dicts of Detectron2 as JSON: "
        'json.dump(DatasetCatalog.get(NAME), open("dicts.json", "w"))',
    ),
    (".mp4", ".avi", ".mov", ".mkv"): (
        "a video",
        "take photos out of it, and label them: ffmpeg -i VIDEO -vf fps=1 photos/%05d.png",
    ),
}
"""Suffixes to what such files are, and to the remedy, where nothing says more."""


def unread(tree: Tree, src: Path) -> Said | None:
    """What the labels in a tree are that no layout reads, and what to do; None where that is not known.

    Args:
        tree: the data.
        src: the folder as it was named, for the lines to type.
    """
    for look in (
        _archive,
        _brush,
        _arrays,
        _parquet,
        _fiftyone,
        _documents,
        _yaml,
        _known,
        _lone_yolo,
        _cut_off,
        _alike,
        _whole_photos,
    ):
        if said := look(tree, src):
            return said
    return None


def _archive(tree: Tree, src: Path) -> Said | None:
    for name in tree.ending(*ARCHIVES):
        try:
            refuse_archive(src / name, "it is to be unpacked first")
        except RecycleError as error:
            return str(error.args[0]), error.remedy
    return None


def _brush(tree: Tree, src: Path) -> Said | None:
    for name in tree.files:
        if BRUSH.match(PurePosixPath(name).name):
            remedy = (
                "export JSON from the same project of Label Studio, which has the brush's masks and the photos' names"
            )
            return f"{name} is of Label Studio's export of brush labels, which does not name the photos", remedy
    return None


def _arrays(tree: Tree, src: Path) -> Said | None:
    names = tree.ending(".npy")
    if not names:
        return None
    code = (
        'import pathlib, numpy, PIL.Image; [PIL.Image.fromarray(numpy.load(f).astype("uint8")).save('
        f'f.with_suffix(".png")) for f in pathlib.Path({json.dumps(str(src))}).rglob("*.npy")]'
    )
    return f"{names[0]} is an array of NumPy, and masks are read as PNG", f"python -c {shlex.quote(code)}"


def _parquet(tree: Tree, src: Path) -> Said | None:
    names = tree.ending(".parquet", ".arrow")
    if not names:
        return None
    code = (
        f'import datasets, pathlib; rows = datasets.load_dataset({json.dumps(str(src))}, split="train"); '
        '[(pathlib.Path("export", key).mkdir(parents=True, exist_ok=True), value.save(f"export/{key}/{number}.png")) '
        'for number, row in enumerate(rows) for key, value in row.items() if hasattr(value, "save")]'
    )
    return (
        f"{names[0]} is a table of Hugging Face",
        f"pip install datasets; python -c {shlex.quote(code)}; then import the folder export",
    )


def _fiftyone(tree: Tree, src: Path) -> Said | None:
    for name in tree.named("samples.json"):
        content = tree.glimpse(name)
        if isinstance(content, dict) and isinstance(content.get("samples"), list):
            sample = next((one for one in content["samples"] if isinstance(one, dict)), {})
            fields = {key: str(one["_cls"]) for key, one in sample.items() if isinstance(one, dict) and "_cls" in one}
            field = next((key for key in fields if fields[key] in FIFTYONE), "ground_truth")
            kind = FIFTYONE.get(fields.get(field, ""), "COCODetectionDataset")
            code = (
                f"import fiftyone as fo; fo.Dataset.from_dir({json.dumps(str((src / name).parent))}, "
                f'fo.types.FiftyOneDataset).export("export", fo.types.{kind}, label_field={json.dumps(field)})'
            )
            return (
                f"{name} is of FiftyOne's own format",
                f"python -c {shlex.quote(code)}; then import the folder export",
            )
    return None


def _yaml(tree: Tree, src: Path) -> Said | None:
    for name in tree.ending(".yaml", ".yml"):
        if YAML_LABELS.search(tree.head(name)):
            file = src / name
            code = (
                "import json; from pathlib import Path; from ruamel.yaml import YAML; "
                f"Path({json.dumps(str(file.with_suffix('.json')))}).write_text(json.dumps("
                f'YAML(typ="safe").load(Path({json.dumps(str(file))})), default=str))'
            )
            remedy = (
                f"export JSON from the same tool, or write it so: python -c {shlex.quote(code)}; then import it again"
            )
            return f"{name} holds labels in YAML, and exports are read as JSON", remedy
    return None


def _documents(tree: Tree, src: Path) -> Said | None:
    """What a file of labels is by its first values or lines."""
    for name in tree.few(".json", ".jsonl", ".csv", ".xml", ".txt"):
        head = tree.head(name)
        found = (
            _line(head) if name.endswith((".jsonl", ".txt")) else tree.glimpse(name) if name.endswith(".json") else None
        )
        for is_one, what, remedy in DOCUMENTS:
            if is_one(name, head, found):
                return f"{name} {what}", remedy
    return None


def _line(head: str) -> Any:
    try:
        return parse_json(head.lstrip().partition("\n")[0])
    except ValueError:
        return None


def _is_createml(name: str, head: str, content: Any) -> bool:
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and {"image", "annotations"} <= first.keys() and '"coordinates"' in head


def _is_consolidated(name: str, head: str, content: Any) -> bool:
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and "datasetObjectId" in first


def _is_table_of_boxes(name: str, head: str, content: Any) -> bool:
    heads = {one.strip().lower() for one in head.partition("\n")[0].split(",")}
    return name.lower().endswith(".csv") and {"xmin", "ymin", "xmax", "ymax"} <= heads


def _is_table_of_tags(name: str, head: str, content: Any) -> bool:
    heads, first = ([cell.strip() for cell in line.split(",")] for line in [*head.splitlines(), "", ""][:2])
    return (
        name.lower().endswith(".csv")
        and heads[0].lower() in ("filename", "file", "image", "image_name")
        and len(first) == len(heads) > 1
        and {*first[1:]} <= {"0", "1"}
    )


def _is_text(name: str, head: str, content: Any) -> bool:
    return isinstance(content, dict) and any(keys <= content.keys() for keys in TEXT_KEYS)


def _is_image_folder(name: str, head: str, content: Any) -> bool:
    table = PurePosixPath(name).name.lower() in ("metadata.jsonl", "metadata.csv")
    return table and "file_name" in head.partition("\n")[0]


def _is_imglab(name: str, head: str, content: Any) -> bool:
    return "<dataset>" in head and "<box top=" in head


DOCUMENTS: tuple[tuple[Callable[[str, str, Any], bool], str, str], ...] = (
    (_is_createml, "holds boxes of CreateML", BOXES_ONLY),
    (_is_table_of_boxes, "is a table of boxes", BOXES_ONLY),
    (
        _is_table_of_tags,
        "holds tags of whole photos, 0 or 1 for each class, as Roboflow's multi-label classification",
        "tags do not say which pixels are an object's: label outlines in a project of segmentation, "
        "and export it as COCO Segmentation",
    ),
    (
        _is_image_folder,
        "describes photos as Hugging Face's imagefolder does, by texts, tags or boxes, and no mask lies beside",
        "tags and boxes do not say which pixels are an object's: put masks beside, as images/NAME.jpg and "
        "masks/NAME.png, or outlines into the rows, as objects: {segmentation: [...], category: [...]}",
    ),
    (_is_imglab, "holds boxes of dlib's imglab", BOXES_ONLY),
    (
        _is_text,
        "holds texts for a language model, as Roboflow writes them for PaliGemma and Florence",
        "export the set as COCO Segmentation",
    ),
    (
        _is_consolidated,
        "is a response of Ground Truth's consolidation, which does not name the photos",
        "import the folder of output.manifest, with the masks beside it",
    ),
)
"""Whether a file is it, by its name, its head and its first value; what such a file holds, and the remedy."""


def _known(tree: Tree, src: Path) -> Said | None:
    for suffixes, (what, remedy) in UNSUPPORTED.items():
        if names := tree.ending(*suffixes):
            return f"{names[0]} is {what}", remedy
    return None


def _lone_yolo(tree: Tree, src: Path) -> Said | None:
    """Label files of YOLO, and no photo."""
    names = [name for name in tree.ending(".txt") if YOLO_LINE.match(tree.head(name, YOLO_HEAD_BYTES))]
    if tree.photos or not names:
        return None
    many = f"{counted(len(names), 'label file')} of YOLO, as {names[0]}, and no photo"
    return many, f"put the photos into {src / 'images'}, under the names of the label files; CVAT: tick Save images"


def _cut_off(tree: Tree, src: Path) -> Said | None:
    for name in tree.few(".json"):
        try:
            parse_loose_json(read_large(src / name), src / name)
        except ValueError as error:
            return f"{name} is not valid JSON: {error}", "export or download it again"
    return None


def _alike(tree: Tree, src: Path) -> Said | None:
    """Two folders of pictures that are called the same, of which one may hold the masks of the other."""
    stems: dict[str, set[str]] = {}
    lossy: set[str] = set()
    for name in tree.photos:
        folder, _, base = name.rpartition("/")
        stems.setdefault(folder, set()).add(PurePosixPath(base).stem)
        lossy |= {folder} if base.lower().endswith(LOSSY_SUFFIXES) else set()
    named = [folder for folder in stems if folder and not split_called(folder.rpartition("/")[2])]
    folders = sorted(named)[:PAIRED_FOLDERS]
    pairs = [(one, other) for one in folders for other in folders if one != other and other not in lossy]
    pairs = [(one, other) for one, other in pairs if (one in lossy or one < other) and stems[one] & stems[other]]
    if not pairs:
        return None
    photos, masks = max(pairs, key=lambda pair: len(stems[pair[0]] & stems[pair[1]]))
    option = "data.dataset.pairs=" + json.dumps({f"{photos}/*": f"{masks}/*"}, ensure_ascii=False)
    return (
        f"{photos} and {masks} hold pictures of the same names, and are not called as folders of photos and masks",
        f"where {masks} holds the masks: recycle data import {shlex.quote(str(src))} OUT --as mask-folder "
        f"-o {shlex.quote(option)}",
    )


def _whole_photos(tree: Tree, src: Path) -> Said | None:
    """Photos that can be no masks, alone or in folders that are called as classes."""
    folders = {PurePosixPath(name).parent.name for name in tree.photos} - {""}
    if (
        not tree.photos
        or any(map(MASK_NAMES.search, folders))
        or not all(name.lower().endswith(LOSSY_SUFFIXES) for name in tree.files)
    ):
        return None
    label = "label what is to be seen in them: Label Studio, CVAT and Roboflow draw polygons and masks"
    if len(folders) > 1:
        shown = ", ".join(sorted(folders)[:3])
        return f"photos alone, in folders called {shown}: a folder's name says nothing about pixels", label
    return f"photos alone ({len(tree.photos)}), and no labels", label
