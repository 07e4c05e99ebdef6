"""`recycle data show`: which photos, what is drawn on them, the page."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image
from recycle_coco import CocoSource, encode
from recycle_data.pages import browse, contact_sheet
from recycle_data.pages.choice import choose
from recycle_data.palette import palette
from recycle_data.sources import open_source
from support import SQUARE, coco, recycle_here, write_coco

from recyclecli.errors import RecycleError
from recyclecli.types import IGNORE


@pytest.fixture
def rare(tmp_path):
    """30 photos of paper; 7 of them hold glass instead, the 20th metal."""
    content = coco(30, categories=(("Paper", 1), ("Metal", 2), ("Glass", 3)))
    for number, entry in enumerate(content["annotations"], start=1):
        entry["category_id"] = 2 if number == 20 else 3 if number % 4 == 0 else 1
    return CocoSource(tmp_path, write_coco(tmp_path, content))


def one(root, annotations, size=64, categories=(("Paper", 1), ("Metal", 2), ("ignore", 9))):
    """A source of one photo."""
    content = {**coco(1, size, categories), "annotations": annotations}
    return CocoSource(root, write_coco(root, content))


def rle(top, left, low, right, size=64):
    mask = np.zeros((size, size), np.uint8)
    mask[top:low, left:right] = 1
    return encode(mask)


def entry(number, segmentation, category=1, **more):
    return {"id": number, "image_id": 1, "category_id": category, "segmentation": segmentation, **more}


class TestChoice:
    @pytest.mark.parametrize("seed", range(5))
    def test_every_class_is_there_and_the_rarest_first(self, rare, seed):
        chosen = choose(rare, 3, seed)
        labels = [rare.record(index).annotations[0].label for index in chosen]
        assert labels == [2, 3, 1]
        assert choose(rare, 1, seed) == [19]

    def test_seed_and_count(self, rare):
        chosen = choose(rare, 12, 0)
        assert len(set(chosen)) == 12
        assert chosen == choose(rare, 12, 0)
        assert chosen != choose(rare, 12, 1)
        assert sorted(choose(rare, 99, 0)) == list(range(30))

    def test_classes_and_names(self, rare):
        assert choose(rare, 9, 0, ["Metal"]) == [19]
        assert len(choose(rare, 24, 0, ["Metal", "Glass"])) == 7
        assert choose(rare, 1, 0, names=["images/7.jpg", "3.jpg"]) == [6, 2]

    @pytest.mark.parametrize(
        ("classes", "names", "words"),
        [
            (["Metl"], [], "nearest: Metal"),
            (["Background"], [], "Background"),
            ([], ["nothing.jpg"], "no photo is called"),
            (["Metal"], ["3.jpg"], "both"),
        ],
    )
    def test_what_cannot_be_chosen(self, rare, classes, names, words):
        with pytest.raises(RecycleError, match=words):
            choose(rare, 4, 0, classes, names)

    def test_an_ambiguous_name(self, tmp_path):
        content = coco(2)
        for image, folder in zip(content["images"], "ab", strict=True):
            image["file_name"] = f"{folder}/1.jpg"
        source = CocoSource(tmp_path, write_coco(tmp_path, content, photos=False))
        with pytest.raises(RecycleError, match=r"a/1\.jpg, b/1\.jpg"):
            choose(source, 4, 0, names=["1.jpg"])

    def test_a_source_without_annotations(self, registry, tmp_path):
        """Of the choices of four of these photos one in forty shows every class."""
        source = open_source(registry, tmp_path, None, "sample", {"images": 8, "seed": 0, "size": 64})
        source.read = cache(source.read)
        labels = {int(label) for index in choose(source, 4, 0) for label in np.unique(source.read(index).mask)}
        assert labels == set(range(11))


class TestDrawing:
    def test_objects_are_the_visible_pixels(self, tmp_path):
        annotations = [
            entry(7, rle(0, 0, 40, 40)),
            entry(8, rle(0, 0, 20, 20), category=2),
            entry(9, rle(0, 30, 10, 64), category=9, iscrowd=1),
        ]
        shown = contact_sheet.look(one(tmp_path, annotations), 0, 640)
        assert [(each.label, each.id, each.area) for each in shown.objects] == [
            (1, 7, 1600 - 400 - 100),
            (2, 8, 400),
            (IGNORE, None, 340),
        ]

    def test_what_is_drawn(self, tmp_path):
        source = one(tmp_path, [entry(1, rle(8, 8, 56, 56)), entry(2, rle(0, 0, 6, 64), category=9, iscrowd=1)])
        shown = contact_sheet.look(source, 0, 64)
        grey = shown.image.copy()
        grey[:] = 128
        shown = contact_sheet.AnnotatedPhoto(shown.record, grey, shown.objects)
        drawn = np.asarray(contact_sheet.draw(shown, source.class_names, [(0, 0, 0), (200, 0, 0), (0, 0, 200)], size=6))
        assert (drawn[8, 8:56] == (200, 0, 0)).all()  # the outline
        inside = drawn[10:54, 10:54].reshape(-1, 3)
        assert len(np.unique(inside, axis=0)) > 2  # a pattern and a name, not a flat fill
        assert (drawn[7, 20] < 100).all()  # dark around it
        assert (drawn[62, 4] == 128).all()

    def test_the_patterns_differ_and_repeat(self):
        y, x = np.mgrid[:120, :120]
        inked = [pattern(y, x) for pattern in contact_sheet.PATTERNS]
        for number, first in enumerate(inked):
            assert 0.1 < first.mean() < 0.6
            assert all((first != other).mean() > 0.1 for other in inked[:number])
        assert len(browse.TILES) == len(contact_sheet.PATTERNS)
        assert contact_sheet.pattern_of(1) == contact_sheet.pattern_of(1 + len(contact_sheet.PATTERNS))

    def test_names_do_not_overlap_and_stay_in_the_photo(self, tmp_path):
        annotations = [
            entry(n + 1, rle(8 * (n // 8), 8 * (n % 8), 8 * (n // 8) + 7, 8 * (n % 8) + 7), 1 + n % 2)
            for n in range(64)
        ]
        source = one(tmp_path, annotations)
        shown = contact_sheet.look(source, 0, 480, enlarge=True)
        placed = list(contact_sheet.names(shown.objects, source.class_names, 480, 480, 12))
        assert {each.label for each, _, _ in placed} == {1, 2}
        boxes = [shapely.box(*box) for _, _, box in placed]
        assert all(shapely.box(0, 0, 480, 480).contains(box) for box in boxes)
        assert shapely.union_all(boxes).area == pytest.approx(sum(box.area for box in boxes))

    def test_a_background_that_is_annotated_is_not_drawn(self, tmp_path):
        categories = (("background", 1), ("Metal", 2))
        source = one(tmp_path, [entry(1, rle(0, 0, 9, 9)), entry(2, rle(9, 9, 20, 20), category=2)], 64, categories)
        assert [each.label for each in contact_sheet.look(source, 0, 64).objects] == [1]

    def test_sheet_of_odd_sizes(self, tmp_path):
        content = coco(3)
        for image, (width, height) in zip(content["images"], ((900, 30), (31, 700), (1, 1)), strict=True):
            image.update(width=width, height=height)
        content["annotations"] = [entry(1, SQUARE)]
        source = CocoSource(tmp_path, write_coco(tmp_path, content))
        picture = contact_sheet.contact_sheet(source, [0, 1, 2], palette(source.class_names), 2, "t" * 500)
        assert picture.width > 1300


class TestOutline:
    def test_holes_and_parts_survive(self):
        inside = np.zeros((60, 60), bool)
        inside[5:40, 5:40] = True
        inside[15:30, 15:30] = False
        inside[50:55, 50:55] = True
        shape = browse.outline(inside)
        assert shape.area == inside.sum()
        assert browse.svg_path(shape).count("M") == 3

    @pytest.mark.parametrize("seed", range(4))
    def test_it_stays_close_to_the_pixels(self, seed):
        chance = np.random.default_rng(seed)
        y, x = np.mgrid[:120, :120]
        inside = np.zeros((120, 120), bool)
        for cx, cy, radius in chance.uniform((10, 10, 8), (110, 110, 30), (5, 3)):
            inside |= (x - cx) ** 2 + (y - cy) ** 2 < radius**2
        drawn = shapely.contains_xy(browse.outline(inside), x + 0.5, y + 0.5)
        assert (drawn & inside).sum() / (drawn | inside).sum() > 0.97

    def test_a_single_pixel(self):
        inside = np.zeros((9, 9), bool)
        inside[3, 4] = True
        assert browse.svg_path(browse.outline(inside)).startswith("M")


class TestPage:
    def test_names_are_escaped_and_nothing_is_loaded(self, tmp_path):
        bad = "<script>alert(1)</script>"
        source = one(tmp_path, [entry(5, rle(8, 8, 56, 56))], categories=((bad, 1), ("\"'><b>", 2)))
        page = browse.browse_page(source, [0], palette(source.class_names), bad)
        assert "<script" not in page
        assert "<b>" not in page
        assert "annotation 5, 2,304 pixels visible" in page
        assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
        assert "url(#p1)" in page

    @pytest.mark.parametrize("photos", [3, pytest.param(12, marks=pytest.mark.slow("draws 12 photos of 640x640"))])
    def test_a_page_of_sixty_photos_is_below_10_mb(self, registry, tmp_path, photos):
        source = open_source(registry, tmp_path, None, "sample", {"images": photos, "seed": 0, "size": 640})
        page = browse.browse_page(source, range(photos), palette(source.class_names), "t")
        assert page.count("<figure") == photos
        assert len(page) < 10_000_000 * photos / 60


class TestCommand:
    def test_sheet_and_page(self, small, tmp_path):
        assert recycle_here("data", "show", "--data", small, "--num", 5, cwd=tmp_path).returncode == 0
        with Image.open(tmp_path / "sheet.png") as picture:
            assert picture.format == "PNG"
        again = recycle_here("data", "show", "--data", small, cwd=tmp_path)
        assert (again.returncode, "--force" in again.stderr) == (2, True)
        line = ["data", "show", "--data", small, "--out", "a/b.html", "--class", "Paper", "--num", 3]
        assert recycle_here(*line, cwd=tmp_path).returncode == 0
        assert (tmp_path / "a/b.html").read_text().count("<figure") == 3

    def test_another_ending_is_refused(self, small, tmp_path):
        done = recycle_here("data", "show", "--data", small, "--out", "a.gif", cwd=tmp_path)
        assert done.returncode == 2
        assert ".html" in done.stderr

    def test_no_torch(self, small, tmp_path):
        code = (
            "import sys\nfrom recyclecli.cli.app import main\n"
            "for out in ('a.png', 'a.html'):\n"
            f"    sys.argv = ['recycle', 'data', 'show', '--data', {str(small)!r}, '--out', out]\n"
            "    try:\n        main()\n    except SystemExit as end:\n        assert end.code in (0, None), end.code\n"
            "    assert not {'torch', 'matplotlib'} & set(sys.modules), out"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert done.returncode == 0, done.stderr


def test_a_font_that_has_the_letters_is_used_where_one_is_installed():
    from recycle_data import fonts

    assert fonts.font(14, "Paper").path.endswith("DejaVuSans.ttf")
    if fonts._wide_file() is None:
        pytest.skip("no font with Korean letters is installed")
    box = fonts.font(14, "종이").getmask("종이")
    missing = fonts.font(14, "종이").getmask("\uffff\uffff")
    assert bytes(box) != bytes(missing)


class TestFonts:
    def test_the_system_s_font_of_regular_weight_is_found_where_the_user_keeps_fonts(self, tmp_path, monkeypatch):
        from recycle_data import fonts

        folder = tmp_path / "fonts" / "korean"
        folder.mkdir(parents=True)
        for name in ("NotoSansKR-Bold.ttf", "NotoSansKR-Regular.ttf", "NotoSansKR-Regular.txt"):
            (folder / name).write_bytes(Path(fonts.BUNDLED_FONT).read_bytes())
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        found = fonts.system_fonts()
        assert {Path(file).name for file in found if str(folder) in file} == {
            "NotoSansKR-Bold.ttf",
            "NotoSansKR-Regular.ttf",
        }
        monkeypatch.setattr(fonts, "system_fonts", lambda: {file for file in found if str(folder) in file})
        assert fonts._wide_file.__wrapped__() == str(folder / "NotoSansKR-Regular.ttf")

    @pytest.mark.parametrize(
        ("platform", "folder"),
        [
            ("linux", "/usr/share/fonts"),
            ("darwin", "/System/Library/Fonts"),  # AppleSDGothicNeo.ttc
            ("darwin", "/Library/Fonts"),
            ("win32", "D:/Windows/Fonts"),  # malgun.ttf
            ("win32", "D:/me/Microsoft/Windows/Fonts"),
        ],
    )
    def test_each_system_has_its_folders(self, platform, folder, monkeypatch):
        from recycle_data.fonts import font_folders

        monkeypatch.setenv("WINDIR", "D:/Windows")
        monkeypatch.setenv("LOCALAPPDATA", "D:/me")
        assert Path(folder) in font_folders(platform)

    def test_a_fontconfig_that_fails_or_hangs_is_done_without(self, tmp_path, monkeypatch):
        from recycle_data import fonts

        (tmp_path / "fc-list").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "fc-list").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert fonts._listed() == set()
        (tmp_path / "fc-list").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
        monkeypatch.setattr(fonts, "ASKED", 0.2)
        assert fonts._listed() == set()

    def test_the_font_comes_with_its_licence(self):
        from recycle_data import fonts

        assert "Bitstream Vera" in Path(fonts.BUNDLED_FONT).with_name("LICENSE_DEJAVU").read_text()
