"""Exports that no layout reads: each is called by its name, with what to export or type instead."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from recycle_engine import api
from ruamel.yaml import YAML

from recyclecli.errors import RecycleError

BOX = '{"label": "paper", "coordinates": {"x": 1, "y": 1, "width": 2, "height": 2}}'
EXPORTS = {  # a file, what it holds, what is said of it, and in the remedy
    "a.zip": ("PK\3\4", "a.zip is an archive", "unzip"),
    "task-1-annotation-4-by-1-tag-paper-0.png": ("", "Label Studio's export of brush labels", "export JSON"),
    "data/train-00000-of-00001.parquet": ("PAR1", "a table of Hugging Face", "pip install datasets"),
    "samples.json": ('{"samples": [{"filepath": "data/a.jpg"}]}', "FiftyOne's own format", "fiftyone as fo"),
    "set/samples.json": (
        '{"samples": [{"filepath": "data/a.jpg", "metadata": {}, "masks": {"_cls": "Segmentation"}}]}',
        "FiftyOne's own format",
        'fo.types.ImageSegmentationDirectory, label_field="masks"',
    ),
    "_annotations.createml.json": (f'[{{"image": "a.jpg", "annotations": [{BOX}]}}]', "boxes of CreateML", "polygons"),
    "_annotations.csv": ("filename,width,height,class,xmin,ymin,xmax,ymax\n", "a table of boxes", "polygons"),
    "_classes.csv": ("filename, glass, paper\na.jpg, 1, 0\n", "tags of whole photos", "COCO Segmentation"),
    "x.xml": ("<dataset><images><image file='a.jpg'><box top='1'/></image></images></dataset>", "imglab", "polygons"),
    "_annotations.train.jsonl": (
        '{"image": "a.jpg", "prefix": "segment", "suffix": "<seg001>"}\n',
        "PaliGemma",
        "COCO",
    ),
    "2024.json": ('[{"datasetObjectId": "1", "consolidatedAnnotation": {}}]', "consolidation", "output.manifest"),
    "train/metadata.jsonl": ('{"file_name": "a.jpg", "objects": {"bbox": []}}\n', "imagefolder", "masks/NAME.png"),
    "metadata.csv": ("file_name,text\na.jpg,a bin\n", "imagefolder", "masks/NAME.png"),
    "dicts.pkl": ("", "a Python or HDF5 file", "DatasetCatalog.get"),
    "a.mat": ("MATLAB 5.0", "masks in a MATLAB file", "PNG of class numbers"),
    "train.tfrecord": ("", "a TFRecord", "COCO Segmentation"),
    "a.mp4": ("", "a video", "ffmpeg"),
    "x.json": ('{"images": [{"id": 1, "file_name": "a.jpg"}', r"x\.json is not valid JSON: .*line 1", "again"),
    "paper/1.jpg": ("", "photos alone, in folders called metal, paper", "label what"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_it_is_called_by_its_name(tmp_path, name):
    text, said, remedy = EXPORTS[name]
    for place in (name, "metal/a.jpg"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text if place == name else "")
    with pytest.raises(RecycleError, match=said) as refused:
        api.import_data(tmp_path, None)
    assert remedy in str(refused.value).partition("remedy: ")[2]


def test_photos_alone_at_the_root_are_in_no_folder_of_a_name(tmp_path):
    for place in ("a.jpg", "new/b.jpg"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("")
    with pytest.raises(RecycleError, match=r"photos alone \(2\), and no labels"):
        api.import_data(tmp_path, None)


def test_photos_and_masks_that_do_not_fit_are_no_photos_alone(tmp_path):
    for place in ("images/a.jpg", "masks/1.jpg"):
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).write_text("")
    with pytest.raises(RecycleError, match=r"it holds 2 \.jpg"):
        api.import_data(tmp_path, None)


def test_label_files_of_yolo_without_photos(tmp_path):
    (tmp_path / "labels/train").mkdir(parents=True)
    for name in "ab":
        (tmp_path / f"labels/train/{name}.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n")
    (tmp_path / "train.txt").write_text("data/images/train/a.jpg\n")
    with pytest.raises(RecycleError, match=r"2 label files of YOLO, as labels/train/a\.txt, and no photo") as refused:
        api.import_data(tmp_path, None)
    assert "under the names of the label files" in refused.value.remedy
    for name in "ab":
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", (8, 6)).save(tmp_path / f"images/{name}.png")
    done = api.import_data(tmp_path, None)
    assert (done.photos, done.left_out) == (1, {"labelled photos that the description does not name": 1})


def test_the_line_that_writes_arrays_as_masks_works(tmp_path):
    (tmp_path / "it's/masks").mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(tmp_path / "it's/a.jpg")
    np.save(tmp_path / "it's/masks/a.npy", np.eye(6, 8, dtype=np.int64))
    with pytest.raises(RecycleError, match="an array of NumPy") as refused:
        api.import_data(tmp_path / "it's", None)
    line = str(refused.value).partition("remedy: ")[2]
    subprocess.run(line.replace("python", sys.executable, 1), shell=True, check=True)
    assert api.import_data(tmp_path / "it's", None).class_names == ("Background", "foreground")


def test_the_line_that_writes_yaml_as_json_works(tmp_path):
    folder = tmp_path / "it's"
    folder.mkdir()
    Image.new("RGB", (8, 6)).save(folder / "a.jpg")
    outline = "[{x: 1, y: 1}, {x: 5, y: 1}, {x: 5, y: 5}, {x: 1, y: 5}]"
    (folder / "export.yaml").write_text(
        "label_map: {7: paper}\nexport_info: {}\n12:\n  file: {original_filename: a.jpg, type: image}\n"
        "  image: {width: 8, height: 6}\n"
        f"  instance_list:\n  - {{type: polygon, label_file_id: 7, points: {outline}}}\n"
    )
    with pytest.raises(RecycleError, match="holds labels in YAML") as refused:
        api.import_data(folder, None)
    line = refused.value.remedy.partition("write it so: ")[2].partition("; then import")[0]
    subprocess.run(line.replace("python", sys.executable, 1), shell=True, check=True)
    assert api.import_data(folder, None).class_names == ("Background", "paper")


@pytest.mark.parametrize(("ours", "theirs"), [("x y/{}.jpg", "z/{}.png"), ("new/x/{}.png", "new/y/{}.png")])
def test_folders_of_any_names_are_paired_by_the_line_that_is_said(tmp_path, ours, theirs):
    for name in "ab":
        for place, mode in ((ours, "RGB"), (theirs, "L")):
            file = tmp_path / "src" / place.format(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new(mode, (8, 6), 1 if mode == "L" else 0).save(file)
    with pytest.raises(RecycleError, match="hold pictures of the same names") as refused:
        api.import_data(tmp_path / "src", None)
    words = shlex.split("recycle" + refused.value.remedy.partition("recycle")[2])
    pairs = YAML(typ="safe").load(words[-1].partition("=")[2])
    assert words[:-1] == ["recycle", "data", "import", str(tmp_path / "src"), "OUT", "--as", "mask-folder", "-o"]
    done = api.import_data(tmp_path / "src", tmp_path / "out", "mask-folder", {"pairs": pairs})
    assert (done.photos, done.class_names) == (2, ("Background", "foreground"))
    assert json.loads(done.files[0].read_text(encoding="utf-8"))["info"]["options"] == {"pairs": pairs}
    assert len(api.open_data(tmp_path / "src", dataset="mask-folder", options={"pairs": pairs})) == 2
