"""The components of tools whose labels are documents alone: each has a module of its name in `readers`."""

from collections.abc import Iterator

from pydantic import Field

from recyclecli.types import DatasetComponent, Options


class FilesOptions(Options):
    """Which of a tool's files are read."""

    files: tuple[str, ...] = Field(
        (), description="files in the root, or folders with a trailing /; by default those that are recognised"
    )


class RunsOptions(FilesOptions):
    """What a table of run lengths leaves open."""

    order: str = Field(
        "auto",
        pattern="^(auto|columns|rows)$",
        description="whether runs go down the columns, as on Kaggle, or along the rows; auto: as outlines are smoother",
    )


TOOL_READERS: dict[str, tuple[str, str]] = {
    "ango": (
        "Photos with polygons and segmentations of Ango Hub",
        "Ango Hub: a JSON list of assets with externalId and task",
    ),
    "annotation-xml": (
        "Photos with polygons and masks in an XML file each: LabelMe's, and VOC's with polygons",
        "Annotation XML: a file with <polygon> or <segm> for each photo, of LabelMe (web), CVAT, Roboflow ...",
    ),
    "azure-ml": (
        "Photos with polygons of Azure Machine Learning",
        "Azure ML: JSON lines with image_url and label; its COCO is read as coco",
    ),
    "cityscapes-polygons": (
        "Photos with Cityscapes' polygon files",
        "Cityscapes polygons: NAME_gtFine_polygons.json and NAME_leftImg8bit.png",
    ),
    "class-masks": (
        "Photos with a mask for each class, named after it",
        "Masks by class: Paper/1.png, 1_Paper.png or masks/1/Paper.png, of two values each",
    ),
    "coco-panoptic": (
        "Photos with COCO's panoptic segments",
        "COCO panoptic: a JSON with segments_info, and a folder of PNGs",
    ),
    "colabeler": (
        "Photos with polygons of Colabeler",
        "Colabeler: outputs/ with a JSON for each photo, with path and outputs",
    ),
    "dataloop": (
        "Photos with polygons and masks of Dataloop",
        "Dataloop: json/ with a file for each photo of items/, with filename and annotations",
    ),
    "dataturks": (
        "Photos with polygons of Dataturks",
        "Dataturks: a JSON line for each photo, with content and annotation",
    ),
    "detectron2": (
        "Photos with dataset dicts of Detectron2",
        "Detectron2: dataset dicts as JSON, a list of photos with annotations; thing_classes names the classes",
    ),
    "diffgram": (
        "Photos with polygons and ellipses of Diffgram",
        "Diffgram: a JSON export with label_map, export_info and an entry for each file",
    ),
    "eiseg": (
        "Photos with a JSON file each of EISeg",
        "EISeg: NAME.json for each photo, a list with name, labelIdx and points; with masks beside it is mask-folder",
    ),
    "encord": (
        "Photos with polygons and bitmasks of Encord",
        "Encord: a JSON list of label rows with data_units",
    ),
    "hasty": (
        "Photos with polygons and masks of Hasty",
        "Hasty: a JSON with label_classes and images",
    ),
    "hugging-face": (
        "Photos of Hugging Face's imagefolder with outlines in their metadata",
        "Hugging Face imagefolder: metadata.jsonl or metadata.csv whose objects have outlines or RLEs",
    ),
    "isat": (
        "Photos with a JSON file each of ISAT",
        "ISAT: a JSON with info and objects for each photo, isat.yaml",
    ),
    "kili": (
        "Photos with polygons and semantic outlines of Kili",
        "Kili: assets with labels and their jsonResponse, in one JSON or one for each photo",
    ),
    "labelbee": (
        "Photos with a JSON file each of LabelBee",
        "LabelBee: NAME.jpg.json for each photo, with step_1 or polygonTool",
    ),
    "labelme-masks": (
        "Photos with masks as labelme_json_to_dataset writes them",
        "labelme_json_to_dataset: folders of img.png, label.png and label_names.txt",
    ),
    "labelu": (
        "Photos with polygons of LabelU",
        "LabelU: samples with fileName and result",
    ),
    "mots": (
        "Photos with instance masks of MOTS PNG",
        "MOTS PNG: instances/NAME.png and labels.txt beside images, as CVAT and Datumaro write them",
    ),
    "object-masks": (
        "Photos in a folder each, with a mask for each object",
        "Masks of single objects: NAME/images/NAME.png and NAME/masks/*.png",
    ),
    "open-images": (
        "Photos with masks of single objects of Open Images",
        "Open Images: a table with MaskPath, ImageID and LabelName, and its masks",
    ),
    "playment": (
        "Photos with polygons and masks of Playment (TELUS GT Studio)",
        "Playment, TELUS GT Studio: jobs with maker_response, masks beside",
    ),
    "prodigy": (
        "Photos with polygons of Prodigy",
        "Prodigy: tasks with image and spans, as `prodigy db-out` writes them",
    ),
    "qupath": (
        "Photos with annotations of QuPath as GeoJSON",
        "QuPath: a GeoJSON file for each photo, with classifications",
    ),
    "rle-csv": (
        "Photos with a table of run lengths, as of Kaggle",
        "Run lengths: a CSV table with ImageId and EncodedPixels, and a class, as of Kaggle",
    ),
    "sagemaker": (
        "Photos with masks of Amazon SageMaker Ground Truth",
        "SageMaker Ground Truth: output.manifest with internal-color-map, its masks beside",
    ),
    "scalabel": (
        "Photos with polygons and RLE of Scalabel, as of BDD100K",
        "Scalabel: frames with labels that have poly2d or rle",
    ),
    "scale": (
        "Photos with polygons of Scale AI's tasks",
        "Scale AI: tasks with params.attachment and response.annotations, as JSON or JSONL",
    ),
    "segments-ai": (
        "Photos with polygons and bitmaps of Segments.ai",
        "Segments.ai: a release JSON with dataset and samples, bitmaps beside",
    ),
    "slide-xml": (
        "Photos with an XML file each of ASAP or ImageScope",
        "Slide XML: NAME.xml of ASAP or Aperio ImageScope for each photo",
    ),
    "superannotate": (
        "Photos with polygons, ellipses and pixels of SuperAnnotate",
        "SuperAnnotate: NAME.json, NAME___objects.json or NAME___pixel.json for each photo, classes/classes.json",
    ),
    "ultralytics": (
        "Photos with outlines in Ultralytics' NDJSON",
        "Ultralytics NDJSON: a line for the set with class_names, and one for each photo",
    ),
    "unity": (
        "Photos with semantic segmentation of Unity Perception",
        "Unity Perception (SOLO): NAME.frame_data.json with captures and their masks",
    ),
    "universal-data-tool": (
        "Photos with polygons of Universal Data Tool",
        "Universal Data Tool: a .udt.json with interface and samples",
    ),
    "vertex-ai": (
        "Photos with masks and polygons of Google's Vertex AI",
        "Vertex AI: JSON lines with imageGcsUri and segmentationAnnotation, masks beside",
    ),
    "vott": (
        "Photos with polygons of VoTT",
        "VoTT: an export with assets and tags, or NAME-asset.json files",
    ),
}
"""Name of a component to its summary and the description of its layout, which is called the same."""


def components() -> Iterator[DatasetComponent]:
    """One component a tool."""
    for name, (summary, layout) in TOOL_READERS.items():
        module = name.replace("-", "_")
        yield DatasetComponent(
            name=name,
            factory=f"recycle_datasets.readers.{module}:open_{module}",
            options=RunsOptions if name == "rle-csv" else FilesOptions,
            summary=summary,
            layouts={name: layout},
            recognise=f"recycle_datasets.recognise.{module}:recognise",
        )
