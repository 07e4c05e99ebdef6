"""Datasets for recyclecli: the manifest.

A reader for each format: the common ones here, those of single tools in `readers/`. `recognise/` tells which one an
export is of; `sample/` draws the embedded set.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from recycle_datasets.tools import FilesOptions as FilesOptions
from recycle_datasets.tools import RunsOptions as RunsOptions
from recycle_datasets.tools import components
from recyclecli import hookimpl
from recyclecli.types import DatasetComponent, Options

CrowdsChoice = Literal["auto", "objects", "regions"]  # `recycle_coco.crowds` has it, too: this file imports no more
CROWDS = "what iscrowd 1 means: objects, or regions of no single object; auto: objects where a file has no other kind"


class CocoOptions(Options):
    """What a COCO file leaves open."""

    crowds: CrowdsChoice = Field("auto", description=CROWDS)
    files: tuple[str, ...] = Field(
        (), description="files of an export in the root, whose photos are looked for by name; their names say splits"
    )


class SampleOptions(Options):
    """What the sample set looks like."""

    images: int = Field(60, ge=1, le=100_000, description="number of photos")
    size: int = Field(384, ge=64, le=2048, description="side of each photo in pixels")
    seed: int = Field(0, ge=0, lt=2**63, description="the same seed draws the same photos")


class MasksOptions(Options):
    """Where photos and masks lie, and what the values mean."""

    images: str = Field("images", description="folder of the photos, in the root")
    masks: str = Field("masks", description="folder of the masks, in the root; one per photo, by its name")
    suffix: str = Field(".png", description="suffix of a mask's file name")
    classes: tuple[str, ...] | None = Field(
        None, description="names by value; by default of a table beside the masks, else class-0 to the largest"
    )
    values: dict[int, str] | None = Field(
        None, description="what each value is, where they are not 0, 1, 2 ...: {0: background, 255: paper}"
    )
    palettes: bool = Field(True, description="use colours if the palettes of the masks differ; otherwise numbers")


class MaskTreeOptions(Options):
    """Where photos and masks lie, and what names the classes."""

    pairs: dict[str, str] = Field(
        {}, description="photos to masks, without suffixes, * for one text in both: {images/*: masks/*_mask}"
    )
    tables: tuple[str, ...] = Field((), description="files in the root that name classes by number or colour")
    lists: tuple[str, ...] = Field((), description="text files in the root that name the photos of a split")
    classes: tuple[str, ...] | None = Field(None, description="names by value, from 0 on")
    values: dict[int, str] | None = Field(
        None, description="what each value is: {0: background, 255: paper}; `ignore` is left out"
    )
    colors: dict[str, tuple[int, int, int]] | None = Field(
        None, description="what each colour is: {background: [0, 0, 0], paper: [255, 0, 0]}"
    )
    foreground: str = Field("foreground", description="class of masks of two values that nothing names")
    reduce_zero_label: bool = Field(
        False, description="value 0 is ignored and 1 is the first class, as mmsegmentation's option of that name says"
    )


class YoloOptions(Options):
    """Where the set is described."""

    data: str = Field(
        "data.yaml",
        description="the file in the root that names classes and folders: YAML, or darknet's .data; by default any",
    )
    names: tuple[str, ...] | None = Field(
        None, description="class names by number; by default of the YAML file, else classes.txt, else class-0 and on"
    )


class TacoOptions(Options):
    """How TACO's categories become materials."""

    mapping: Path | None = Field(
        None, description="a CSV of category,material instead of the packaged one; material `ignore` is ignored"
    )
    crowds: CrowdsChoice = Field("auto", description=CROWDS)
    files: tuple[str, ...] = Field((), description="files in the root; some of their photos may be missing")


class ViaOptions(Options):
    """What VIA's files leave open."""

    files: tuple[str, ...] = Field((), description="VIA's files in the root; by default those that are recognised")
    attribute: str | None = Field(None, description="the region attribute that is the class; by default the likeliest")
    unnamed: str | None = Field(None, description="class of regions without one; by default they are left out")


class CvatOptions(Options):
    """Which files of CVAT are read."""

    files: tuple[str, ...] = Field((), description="CVAT's XML files in the root; by default those that are recognised")


class LabelStudioOptions(Options):
    """What Label Studio's files leave open."""

    files: tuple[str, ...] = Field((), description="its JSON files in the root; by default those that are recognised")
    image: str | None = Field(None, description="the key of a task's data that is the photo; by default the likeliest")


class LabelmeOptions(Options):
    """What labelme's files leave open."""

    folders: tuple[str, ...] = Field(
        (), description="folders of its JSON files in the root, . for that itself; by default those that are recognised"
    )
    boxes: Literal["auto", "areas", "left-out"] = Field(
        "auto", description="what rectangles are; auto: areas where rotated, or their class has outlines or masks, too"
    )


class SuperviselyOptions(Options):
    """Which of Supervisely's folders are read."""

    folders: tuple[str, ...] = Field(
        (), description="folders of annotation files in the root; by default those that are recognised"
    )


class DarwinOptions(Options):
    """Which of V7's folders are read."""

    folders: tuple[str, ...] = Field(
        (), description="folders of Darwin JSON in the root; by default those that are recognised, of one release"
    )


class DatumaroOptions(Options):
    """Which of Datumaro's files are read."""

    files: tuple[str, ...] = Field(
        (), description="annotation files in the root; by default those that are recognised, one a subset"
    )


class LabelboxOptions(Options):
    """What Labelbox's files leave open."""

    files: tuple[str, ...] = Field((), description="export files in the root; by default those that are recognised")
    project: str | None = Field(
        None, description="name or id of the project whose labels are read; by default all, united"
    )


@hookimpl
def recycle_datasets() -> Iterator[DatasetComponent]:
    """COCO folders, mask folders, YOLO folders, TACO and the sample set."""
    yield DatasetComponent(
        name="coco",
        factory="recycle_datasets.coco:open_coco",
        options=CocoOptions,
        summary="Photos with COCO annotations: polygons, RLE, crowds, ignored regions",
        layouts={
            "coco": "COCO: JSON files of images, annotations and categories, anywhere beside or above their photos",
            "roboflow-coco": "Roboflow COCO: _annotations.coco.json beside the photos, in train, valid and test",
            "cvat-coco": "CVAT COCO 1.0: annotations/instances_SUBSET.json beside images",
            "label-studio-coco": "Label Studio COCO: result.json beside images",
            "segment-anything": "Segment Anything: a JSON of masks without classes for each photo",
        },
        recognise="recycle_datasets.recognise.coco:recognise",
    )
    yield DatasetComponent(
        name="sample",
        factory="recycle_datasets.sample:SampleSource",
        options=SampleOptions,
        summary="Generated photos of waste with the ten materials of the recyclables contest",
    )
    yield DatasetComponent(
        name="masks",
        factory="recycle_datasets.masks:MaskSource",
        options=MasksOptions,
        summary="Photos with index masks as PNG, as of VOC and mmseg; 255 is ignored",
    )
    yield DatasetComponent(
        name="mask-tree",
        factory="recycle_datasets.masktree:MaskTree",
        options=MaskTreeOptions,
        summary="Photos and masks of numbers or colours, in the folders that tools and people keep them in",
        layouts={
            "cvat-masks": "CVAT Segmentation mask 1.1: labelmap.txt beside SegmentationClass",
            "voc": "Pascal VOC: JPEGImages and SegmentationClass, lists in ImageSets/Segmentation",
            "cityscapes": "Cityscapes: NAME_leftImg8bit.png and NAME_gtFine_labelIds.png",
            "ade20k": "ADE20K scene parsing: images/training and annotations/training, objectInfo150.txt",
            "mmseg": "mmsegmentation: img_dir and ann_dir, or images and annotations, with a folder for each split",
            "roboflow-masks": "Roboflow semantic masks: NAME_mask.png beside NAME.jpg, _classes.csv",
            "supervisely-masks": "Supervisely masks: masks_machine and obj_class_to_machine_color.json",
            "rgb-masks": "Masks of colours: class_dict.csv or another table of names and colours",
            "mask-folder": "Photos and masks: images and masks, NAME.jpg and NAME_mask.png, and the like",
        },
        recognise="recycle_datasets.recognise.masks:recognise",
    )
    yield DatasetComponent(
        name="yolo",
        factory="recycle_datasets.yolo:YoloSource",
        options=YoloOptions,
        summary="Photos with polygons in YOLO segmentation files, as of ultralytics",
        layouts={
            "yolo": "YOLO segmentation: a .txt file of polygons for each photo, in labels or beside it, with a YAML "
            "file that names classes and folders, classes.txt, or darknet's lists"
        },
        recognise="recycle_datasets.recognise.yolo:recognise",
    )
    yield DatasetComponent(
        name="taco",
        factory="recycle_datasets.taco:open_taco",
        options=TacoOptions,
        summary="TACO's photos of litter, its 60 categories mapped to ten materials",
        layouts={"taco": "TACO as materials: TACO's annotations.json, its 60 categories mapped to ten materials"},
        recognise="recycle_datasets.recognise.coco:taco",
    )
    yield DatasetComponent(
        name="via",
        factory="recycle_datasets.via:open_via",
        options=ViaOptions,
        summary="Photos with regions of the VGG Image Annotator, versions 1 and 2",
        layouts={"via": "VGG Image Annotator: a project, or annotations exported as JSON or CSV, with regions"},
        recognise="recycle_datasets.recognise.via:recognise",
    )
    yield DatasetComponent(
        name="cvat",
        factory="recycle_datasets.cvat:open_cvat",
        options=CvatOptions,
        summary="Photos with polygons, masks and ellipses in CVAT's own XML, version 1.1",
        layouts={"cvat": "CVAT for images 1.1: annotations.xml with <image> elements, or <track> of a video"},
        recognise="recycle_datasets.recognise.cvat:recognise",
    )
    yield DatasetComponent(
        name="label-studio",
        factory="recycle_datasets.label_studio:open_label_studio",
        options=LabelStudioOptions,
        summary="Photos with polygons, brush masks and ellipses in Label Studio's JSON and JSON-MIN",
        layouts={"label-studio": "Label Studio: tasks as JSON, JSON-MIN, CSV or TSV, in one file or a file each"},
        recognise="recycle_datasets.recognise.label_studio:recognise",
    )
    yield DatasetComponent(
        name="labelme",
        factory="recycle_datasets.labelme:open_labelme",
        options=LabelmeOptions,
        summary="Photos with a JSON file each of labelme, AnyLabeling or X-AnyLabeling",
        layouts={
            "labelme": "labelme: a JSON file with shapes for each photo, as AnyLabeling and X-AnyLabeling write, too"
        },
        recognise="recycle_datasets.recognise.labelme:recognise",
    )
    yield DatasetComponent(
        name="supervisely",
        factory="recycle_datasets.supervisely:open_supervisely",
        options=SuperviselyOptions,
        summary="Photos with polygons and bitmaps of Supervisely projects, as of Dataset Ninja",
        layouts={"supervisely": "Supervisely: a project or its datasets, ann/ with a JSON for each photo of img/"},
        recognise="recycle_datasets.recognise.supervisely:recognise",
    )
    yield DatasetComponent(
        name="darwin",
        factory="recycle_datasets.darwin:open_darwin",
        options=DarwinOptions,
        summary="Photos with polygons and masks of V7's Darwin JSON, versions 1.0 and 2.0",
        layouts={"darwin": "V7 Darwin: a JSON for each photo, as of `darwin dataset pull`, with item or image"},
        recognise="recycle_datasets.recognise.darwin:recognise",
    )
    yield DatasetComponent(
        name="datumaro",
        factory="recycle_datasets.datumaro:open_datumaro",
        options=DatumaroOptions,
        summary="Photos with polygons and masks in Datumaro's own JSON",
        layouts={"datumaro": "Datumaro JSON: annotations/SUBSET.json with categories and items, photos in images/"},
        recognise="recycle_datasets.recognise.datumaro:recognise",
    )
    yield DatasetComponent(
        name="labelbox",
        factory="recycle_datasets.labelbox:open_labelbox",
        options=LabelboxOptions,
        summary="Photos with polygons of Labelbox exports: NDJSON, JSON and CSV",
        layouts={"labelbox": "Labelbox: an export of rows with data_row and projects, or with Label and Labeled Data"},
        recognise="recycle_datasets.recognise.labelbox:recognise",
    )
    yield from components()
