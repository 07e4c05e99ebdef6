"""The datasets `masks` and `yolo`."""

import numpy as np
import pytest
from PIL import Image
from recycle_data.check.masks import check_masks
from recycle_datasets import MasksOptions, YoloOptions
from recycle_datasets.masks import MaskSource
from recycle_datasets.yolo import YoloSource
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, RecycleError

HEIGHT, WIDTH = 6, 10
SQUARE = "0.1 0.5 0.5 0.5 0.5 1 0.1 1"


def photo(file, height=HEIGHT, width=WIDTH, orientation=None):
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, exif=exif)


def mask(file, values, palette=False):
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(values, np.uint8))
    if palette:
        image.putpalette([part for value in range(256) for part in (255 - value, value, 7)])
    image.save(file)


def blocks():
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[1, 1] = values[2, 2] = 1  # touch at a corner: one instance
    values[4:, 4:6] = 1
    values[4:, 6:8] = 2
    values[0, 9] = 255
    return values


def mask_folder(root, names=("Background", "Paper", "Metal"), values=None, stems=("a", "b c/사진")):
    for stem in stems:
        photo(root / "images" / f"{stem}.jpg")
        mask(root / "masks" / f"{stem}.png", blocks() if values is None else values, palette=True)
    if names:
        (root / "classes.txt").write_text("\n".join(names) + "\n")
    return root


def masks(root, split=None, **options):
    return MaskSource(MasksOptions(**options), DatasetContext(root, split))


def yolo_folder(root, lines=f"1 {SQUARE}\n", data="names: [Paper, Metal]\ntrain: images\nval: images\n"):
    photo(root / "images/a.jpg")
    (root / "labels").mkdir()
    (root / "labels/a.txt").write_text(lines)
    if data is not None:
        (root / "data.yaml").write_text(data)
    return root


def yolo(root, split=None, **options):
    return YoloSource(YoloOptions(**options), DatasetContext(root, split))


class TestMasksConforms(DatasetConformance):
    name = "masks"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = mask_folder(tmp_path_factory.mktemp("masks"))


class TestYoloConforms(DatasetConformance):
    name = "yolo"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = yolo_folder(tmp_path_factory.mktemp("yolo"))


class TestMasks:
    def test_values_are_labels_and_pieces_are_instances(self, tmp_path):
        source = masks(mask_folder(tmp_path))
        assert [source.record(index).file_name for index in (0, 1)] == ["images/a.jpg", "images/b c/사진.jpg"]
        record, sample = source.record(0), source.read(0)
        assert (record.height, record.width, record.annotations) == (HEIGHT, WIDTH, ())
        assert np.array_equal(sample.mask, blocks())
        assert sample.instances.max() == 3
        assert sample.instances[1, 1] == sample.instances[2, 2] > 0
        assert np.array_equal(sample.instances > 0, (blocks() > 0) & (blocks() < 255))

    def test_without_a_background_every_class_has_instances(self, tmp_path):
        sample = masks(mask_folder(tmp_path, ("Sky", "Paper", "Metal"))).read(0)
        assert np.array_equal(sample.instances > 0, blocks() < 255)
        sample = masks(tmp_path, classes=("BACKGROUND", "Paper", "Metal")).read(0)
        assert sample.instances.max() == 3

    def test_class_names(self, tmp_path):
        root = mask_folder(tmp_path, None)
        assert masks(root).class_names == ("class-0", "class-1", "class-2")
        (root / "class_dict.csv").write_text("name,r,g,b\nGround,0,0,0\nPaper,1,1,1\nMetal,2,2,2\n")
        assert masks(root).class_names == ("Ground", "Paper", "Metal")
        (root / "classes.txt").write_text("\ufeffa\r\nb\r\n유리\r\n", encoding="utf-8")
        assert masks(root).class_names == ("a", "b", "유리")
        assert masks(root, classes=("x", "y", "z")).class_names == ("x", "y", "z")
        with pytest.raises(RecycleError, match="'x' occurs twice"):
            masks(root, classes=("x", "x"))

    def test_other_folders_and_splits(self, tmp_path):
        for split in ("train", "val"):
            photo(tmp_path / f"images/{split}/{split}.jpg")
            mask(tmp_path / f"annotations/{split}/{split}.png", blocks())
        source = masks(tmp_path, "val", masks="annotations")
        assert [source.record(index).file_name for index in range(len(source))] == ["images/val/val.jpg"]
        assert len(masks(tmp_path, masks="annotations")) == 2
        with pytest.raises(RecycleError, match="no split 'test'"):
            masks(tmp_path, "test", masks="annotations")

    def test_lists_of_voc(self, tmp_path):
        for stem in ("2007_1", "2007_2", "unlabelled"):
            photo(tmp_path / f"JPEGImages/{stem}.jpg")
        for stem in ("2007_1", "2007_2"):
            mask(tmp_path / f"SegmentationClass/{stem}.png", blocks(), palette=True)
        lists = tmp_path / "ImageSets/Segmentation"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("2007_2\n")
        options = {"images": "JPEGImages", "masks": "SegmentationClass"}
        for split in ("train", str(lists / "train.txt")):
            source = masks(tmp_path, split, **options)
            assert [source.record(index).file.stem for index in range(len(source))] == ["2007_2"]
        with pytest.raises(RecycleError, match=r"no mask for 1 of 3 photos.*unlabelled\.png"):
            masks(tmp_path, **options)
        (lists / "train.txt").write_text("2007_3\n")
        with pytest.raises(RecycleError, match="'2007_3'"):
            masks(tmp_path, "train", **options)

    def test_a_suffix(self, tmp_path):
        photo(tmp_path / "images/a.jpg")
        mask(tmp_path / "masks/a_labels.png", blocks())
        assert len(masks(tmp_path, suffix="_labels.png")) == 1

    @pytest.mark.parametrize("orientation", [1, 6])
    def test_exif_rotation_is_decided_by_the_mask(self, tmp_path, orientation):
        photo(tmp_path / "images/a.jpg", WIDTH, HEIGHT, orientation)
        for values in (blocks(), blocks().T):
            mask(tmp_path / "masks/a.png", values)
            fits = orientation == 6 or values.shape == (WIDTH, HEIGHT)
            if fits:
                source = masks(tmp_path)
                assert source.read(0).image.shape[:2] == values.shape
                assert (source.record(0).height, source.record(0).width) == values.shape
            else:
                with pytest.raises(RecycleError, match="pixels, its annotation says"):
                    masks(tmp_path).record(0)

    def test_what_is_no_index_mask(self, tmp_path):
        root = mask_folder(tmp_path, stems=("a",))
        file = root / "masks/a.png"
        Image.new("RGB", (WIDTH, HEIGHT)).save(file)
        with pytest.raises(RecycleError, match="RGB colours"):
            masks(root).read(0)
        Image.new("CMYK", (WIDTH, HEIGHT)).save(file, "TIFF")
        with pytest.raises(RecycleError, match="CMYK colours, no class numbers"):
            masks(root).read(0)
        Image.new("L", (WIDTH, HEIGHT)).save(file, "JPEG")
        with pytest.raises(RecycleError, match="is a JPEG"):
            masks(root).read(0)
        file.write_bytes(file.read_bytes()[:9])
        with pytest.raises(RecycleError, match="cannot be read"):
            masks(root).record(0)
        mask(file, np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 4)
        with pytest.raises(RecycleError, match="the value 3, but there are 3 classes"):
            masks(root).read(0)
        mask(file, np.zeros((HEIGHT, WIDTH + 1)))
        for use in (masks(root).read, masks(root).record):
            with pytest.raises(RecycleError, match="10x6 pixels, its annotation says 11x6"):
                use(0)
        file.unlink()
        with pytest.raises(RecycleError, match="no mask for 1 of 1 photo,"):
            masks(root)

    @pytest.mark.parametrize("dtype", [np.uint16, bool])
    def test_other_depths(self, tmp_path, dtype):
        root = mask_folder(tmp_path, stems=("a",))
        values = (blocks() == 1).astype(dtype)
        Image.fromarray(values).save(root / "masks/a.png")
        assert np.array_equal(masks(root).read(0).mask, values.astype(np.uint8))

    @pytest.mark.parametrize("bits", [2, 4])
    def test_palettes_and_grays_of_few_bits(self, tmp_path, bits):
        root = mask_folder(tmp_path, stems=("a",))
        values = blocks().clip(0, 2)
        image = Image.fromarray(values)
        image.putpalette([9, 9, 9] * 4)
        image.save(root / "masks/a.png", bits=bits)
        assert np.array_equal(masks(root).read(0).mask, values)
        (root / "masks/a.png").write_bytes(gray_png(values, bits))
        assert np.array_equal(masks(root).read(0).mask, values)
        assert "mask-unknown-value" not in {one.code for one in check_masks(root)}

    def test_grays_of_16_bits(self, tmp_path):
        root = mask_folder(tmp_path, stems=("a",))
        Image.fromarray(blocks().clip(0, 2).astype(np.uint16) * 257).save(root / "masks/a.png")
        assert np.array_equal(masks(root).read(0).mask, blocks().clip(0, 2))
        assert "mask-unknown-value" not in {one.code for one in check_masks(root)}

    def test_two_photos_of_one_mask(self, tmp_path):
        root = mask_folder(tmp_path)
        photo(root / "images/a.png")
        with pytest.raises(RecycleError, match="share one mask"):
            masks(root)


def gray_png(values, bits):
    """A gray PNG of 2 or 4 bits, which PIL does not write."""
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    each = 8 // bits
    rows = b""
    for row in values:
        full = [*row.tolist(), *[0] * (-len(row) % each)]
        packed = [
            sum(v << (8 - bits * (k + 1)) for k, v in enumerate(full[i : i + each])) for i in range(0, len(full), each)
        ]
        rows += b"\0" + bytes(packed)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class TestYolo:
    def test_lines_become_objects(self, tmp_path):
        source = yolo(yolo_folder(tmp_path))
        assert source.class_names == ("Background", "Paper", "Metal")
        assert len(source) == 1  # train and val name the same photo
        (annotation,) = source.record(0).annotations
        assert (annotation.label, annotation.area) == (2, None)
        assert annotation.segmentation == [[1, 3, 5, 3, 5, 6, 1, 6]]
        expected = np.zeros((HEIGHT, WIDTH), np.uint8)
        expected[3:, 1:5] = 2
        assert np.array_equal(source.read(0).mask, expected)
        assert source.read(0).instances.max() == 1

    @pytest.mark.parametrize(
        ("data", "names"),
        [
            ("names: {0: Paper, 1: Metal}\n", ("Paper", "Metal")),
            ("names: {1: Metal, 0: 12}\n", ("12", "Metal")),
            ("names: [background, Metal]\n", ("Metal",)),
            ("nc: 2\n", ("class-0", "class-1")),
            (None, ("class-0", "class-1")),
        ],
    )
    def test_names(self, tmp_path, data, names):
        source = yolo(yolo_folder(tmp_path, data=data))
        assert source.class_names == ("Background", *names)
        assert source.record(0).annotations[0].label == len(names)

    def test_option_names_and_classes_txt(self, tmp_path):
        root = yolo_folder(tmp_path, data=None)
        (root / "classes.txt").write_text("a\nb\n")
        assert yolo(root).class_names == ("Background", "a", "b")
        assert yolo(root, names=("x", "y")).class_names == ("Background", "x", "y")

    @pytest.mark.parametrize(
        "data", ["names: 3", "- a", "names: {0: a, 2: b}", "names: [a, a]", "names: [a", "names: []"]
    )
    def test_broken_yaml(self, tmp_path, data):
        with pytest.raises(RecycleError):
            yolo(yolo_folder(tmp_path, data=data))

    def test_splits(self, tmp_path, logged):
        for name in ("images/train/a", "images/val/b", "images/test/c d"):
            photo(tmp_path / f"{name}.jpg")
        (tmp_path / "labels/train").mkdir(parents=True)
        (tmp_path / "labels/train/a.txt").write_text(f"0 {SQUARE}\n")
        (tmp_path / "list.txt").write_text("./images/val/b.jpg\n")
        (tmp_path / "data.yaml").write_text(
            "path: ../datasets/elsewhere\ntrain: ../images/train\nval: list.txt\ntest: [images/test]\nnames: [x]\n"
        )

        def names(split):
            source = yolo(tmp_path, split)
            return [source.record(index).file_name for index in range(len(source))]

        assert names(None) == ["images/train/a.jpg", "images/val/b.jpg", "images/test/c d.jpg"]
        assert "no label file, so no object: 2 of 3 photos" in logged()
        assert names("train") == ["images/train/a.jpg"]
        assert names("val") == names(str(tmp_path / "list.txt")) == ["images/val/b.jpg"]
        assert names("test") == ["images/test/c d.jpg"]
        assert len(yolo(tmp_path, "train").record(0).annotations) == 1
        with pytest.raises(RecycleError, match="splits: train, val, test"):
            yolo(tmp_path, "tests")

    def test_photos_outside_are_refused(self, tmp_path):
        photo(tmp_path / "other/a.jpg")
        root = yolo_folder(tmp_path / "data")
        (root / "list.txt").write_text("../other/a.jpg\n")
        with pytest.raises(RecycleError, match="is not in"):
            yolo(root, "list.txt")

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("0", "no polygon"),
            ("0 0.1 0.1 0.2 0.2 0.3", "no polygon"),
            (f"0 {SQUARE} 0.5", "no polygon"),
            ("0 0.1 0.1 nan 0.2 0.3 0.3", "NaN"),
            ("0 0.1 0.1 inf 0.2 0.3 0.3", "NaN or infinity"),
            ("0 0.1 0.1 1e999 0.2 0.3 0.3", "NaN or infinity"),
            ("x 0.1 0.1 0.2 0.2 0.3 0.3", "no number"),
            (f"-1 {SQUARE}", "no class number"),
            (f"0.5 {SQUARE}", "no class number"),
            ("0 10 20 30 40 50 60", "not within"),
        ],
    )
    def test_malformed_lines(self, tmp_path, line, message):
        root = yolo_folder(tmp_path, f"0 {SQUARE}\n\n{line}\n")
        with pytest.raises(RecycleError, match=rf"labels/a\.txt, line 3: .*{message}"):
            yolo(root)

    def test_a_class_without_a_name(self, tmp_path):
        with pytest.raises(RecycleError, match=r"a\.txt: it holds class 2, and those with names end at 1"):
            yolo(yolo_folder(tmp_path, f"2 {SQUARE}\n"))

    def test_exif_rotation_is_applied(self, tmp_path):
        root = yolo_folder(tmp_path)
        photo(root / "images/a.jpg", WIDTH, HEIGHT, 6)
        assert yolo(root).read(0).image.shape == (HEIGHT, WIDTH, 3)

    def test_the_label_file_is_where_ultralytics_looks(self, tmp_path):
        photo(tmp_path / "images/deep/images/a.jpg")
        (tmp_path / "images/deep/labels").mkdir()
        (tmp_path / "images/deep/labels/a.txt").write_text(f"0 {SQUARE}\n")
        assert len(yolo(tmp_path).record(0).annotations) == 1
