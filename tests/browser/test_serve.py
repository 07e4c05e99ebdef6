"""The local page as people use it: a photo chosen, dropped or pasted, tricks, two runs, downloads, the keyboard."""

import io
import json
import os
import re
import shutil
import signal
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image, ImageDraw
from recycle_engine import api
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support import SMALL, coco, start_recycle, write_coco

pytestmark = pytest.mark.xdist_group("browser")
METAL = "<b>Metal</b>"
RED, BLUE, GRAY = (200, 40, 40), (40, 60, 200), (128, 128, 128)


def make_runs(place):
    """Runs that have learned that red is paper and blue metal, of which `other` calls metal wood.

    They are used with one view.
    """
    content = coco(24, 64, (("Paper", 1), (METAL, 2)))
    chance = np.random.default_rng(0)
    (place / "data/images").mkdir(parents=True)
    for image, shape in zip(content["images"], content["annotations"], strict=True):
        left, top = (int(part) for part in chance.integers(2, 30, 2))
        shape["segmentation"] = [[left, top, left + 30, top, left + 30, top + 30, left, top + 30]]
        photo = Image.new("RGB", (64, 64), GRAY)
        ImageDraw.Draw(photo).rectangle((left, top, left + 29, top + 29), (RED, BLUE)[shape["category_id"] - 1])
        photo.save(place / "data" / image["file_name"], quality=95)
    write_coco(place / "data", content, photos=False)
    settings = {**SMALL, "data.root": place / "data", "train.epochs": 4, "data.scale": None, "train.ema": 0}
    run = api.train({**settings, "aug": []}, name="run", runs=place / "runs").run
    chosen = {"weights": "best", "views": ["hflip"], "post": []}
    run.pipeline.write_text(json.dumps({"format": 1, "pipeline": chosen}))
    folder = run.folder.with_name("other")
    shutil.copytree(run.folder, folder)
    file = folder / "checkpoints/best.safetensors"
    with safe_open(file, framework="pt") as handle:
        card = json.loads(handle.metadata()["recycle"])
    card["class_names"][2] = "Wood"
    save_file(load_file(file), file, {"recycle": json.dumps(card)})


@pytest.fixture(scope="module")
def run(together):
    return api.find_run(together("browser", make_runs) / "runs/run")


@pytest.fixture(scope="module")
def url(run, tmp_path_factory):
    """`recycle serve` with another run beside it, as typed; stopped by Ctrl-C."""
    said = tmp_path_factory.mktemp("serve") / "said"
    line = ["serve", run.folder, "--compare-with", run.folder.with_name("other"), "--port", 0]
    server = start_recycle(*line, cwd=said.parent, out=said)
    while "Ctrl-C stops it" not in said.read_text():
        assert not server.over(), said.read_text()
        time.sleep(0.01)
    yield re.search(r"http://127\.0\.0\.1:\d+", said.read_text()).group()
    os.kill(server.number, signal.SIGINT)
    while not server.over():
        time.sleep(0.01)
    assert "Traceback" not in said.read_text()
    assert said.read_text().endswith("stopped\n")
    assert server.code() == 0


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A photo of one thing of each material."""
    image = Image.new("RGB", (640, 480), GRAY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 120, 260, 320), RED)
    draw.rectangle((380, 120, 580, 320), BLUE)
    file = tmp_path_factory.mktemp("photo") / "bottle.jpg"
    image.save(file, quality=95)
    return file


def choose(page, photo):
    page.set_input_files("#file", photo)
    page.locator("#result").wait_for(state="visible")


def transfer(page, photo):
    """The photo as it is when it is dragged."""
    return page.evaluate_handle(
        """(bytes) => { const dragged = new DataTransfer();
        dragged.items.add(new File([Uint8Array.from(bytes)], "bottle.jpg", { type: "image/jpeg" }));
        return dragged; }""",
        list(photo.read_bytes()),
    )


def materials(page):
    return [name.strip() for name in page.locator(".material b").all_inner_texts()]


def color_at(page, place, number=0):
    """The overlay's colour and opacity at a place of the photo, in pixels."""
    return (
        page.locator(".frame canvas")
        .nth(number)
        .evaluate(
            """(canvas, [x, y]) => { const spot = new OffscreenCanvas(1, 1).getContext("2d");
        spot.drawImage(canvas, -x, -y); return [...spot.getImageData(0, 0, 1, 1).data]; }""",
            list(place),
        )
    )


def test_a_chosen_photo_shows_its_materials(url, photo, visit):
    page = visit(url)
    choose(page, photo)
    assert set(materials(page)) == {"Background", "Paper", METAL}  # names are text, no markup
    said = page.locator("#status").inner_text()
    assert re.search(rf"Done\. .*(Paper|{METAL}) \d+ %", said)
    assert page.get_by_text("640 x 480 pixels; pipeline: hflip").is_visible()
    assert page.get_by_text("Photos do not leave this machine").is_visible()


def test_a_photo_is_dropped(url, photo, visit):
    page = visit(url)
    dragged = transfer(page, photo)
    page.dispatch_event("#zone", "dragenter", {"dataTransfer": dragged})
    assert page.locator("#zone.over").count() == 1
    page.dispatch_event("#zone", "drop", {"dataTransfer": dragged})
    page.locator("#result").wait_for(state="visible")
    assert page.locator("#zone.over").count() == 0
    assert "Paper" in materials(page)


def test_a_photo_is_pasted(url, photo, visit):
    page = visit(url, permissions=["clipboard-read", "clipboard-write"])
    stream = io.BytesIO()
    Image.open(photo).save(stream, "PNG")
    page.evaluate(
        """async (bytes) => navigator.clipboard.write([new ClipboardItem(
        { "image/png": new Blob([Uint8Array.from(bytes)], { type: "image/png" }) })])""",
        list(stream.getvalue()),
    )
    page.keyboard.press("Control+V")
    page.locator("#result").wait_for(state="visible")
    assert "Paper" in materials(page)


def test_pointing_opacity_and_one_material_alone(url, photo, visit):
    page = visit(url)
    choose(page, photo)
    canvas = page.locator(".frame canvas")
    box = canvas.bounding_box()
    scale = box["width"] / 640
    canvas.hover(position={"x": 160 * scale, "y": 220 * scale})
    assert re.fullmatch(r"Paper \d+ % sure", page.locator(".said").inner_text())
    canvas.click(position={"x": 480 * scale, "y": 220 * scale})
    assert page.locator(".said").inner_text().startswith(METAL)
    before = color_at(page, (160, 220))
    assert before[3] == round(0.55 * 255)
    assert color_at(page, (20, 20))[3] == 0
    page.get_by_label("Opacity of the colours").fill("100")
    assert color_at(page, (160, 220)) == pytest.approx([*before[:3], 255], abs=2)
    page.get_by_role("button", name=METAL).click()
    assert color_at(page, (160, 220))[3] == 0
    assert color_at(page, (480, 220))[3] == 255
    page.get_by_role("button", name=METAL).click()
    assert color_at(page, (160, 220))[3] == 255


def test_a_tap_tells_the_material_and_it_stays(url, photo, visit):
    page = visit(url, 390, has_touch=True)
    choose(page, photo)
    scale = page.locator(".frame canvas").bounding_box()["width"] / 640
    canvas = page.locator(".frame canvas")
    for x, name in ((160, "Paper"), (480, METAL)):  # the second tap moves no focus
        canvas.evaluate("(it) => { window.tapped = new Promise((done) => { it.onclick = () => setTimeout(done); }); }")
        canvas.tap(position={"x": x * scale, "y": 220 * scale})
        page.evaluate("tapped")
        assert page.locator(".said").inner_text().startswith(name)
    assert page.locator(".cross").is_visible()


def test_tricks_are_switched_and_switched_back(url, photo, visit):
    page = visit(url)
    choose(page, photo)
    page.get_by_text("Tricks: how the model").click()
    assert page.get_by_role("checkbox", name="hflip").is_checked()
    page.get_by_role("checkbox", name="vflip").check()
    page.get_by_text("pipeline: hflip + vflip").wait_for()
    page.get_by_role("checkbox", name="vflip").uncheck()
    page.get_by_text(re.compile(r"pipeline: hflip$")).wait_for()
    page.get_by_role("checkbox", name="hflip").uncheck()
    page.get_by_text("pipeline: plain").wait_for()
    page.get_by_role("button", name="as the run chose").click()
    page.get_by_text(re.compile(r"pipeline: hflip$")).wait_for()
    assert page.get_by_role("button", name="as the run chose").is_hidden()


def test_two_runs_side_by_side(url, photo, visit):
    page = visit(url)
    choose(page, photo)
    page.get_by_label("side by side with").check()
    page.locator("#agreement").wait_for(state="visible")
    assert page.locator(".frame canvas").count() == 2
    assert "Wood" in materials(page)
    words = page.locator("#agreement-words").inner_text()
    assert re.search(r"\d+ % of it cannot be compared", words)
    assert f"knows {METAL}." in words
    assert "knows Wood." in words
    assert color_at(page, (160, 220), 0) == color_at(page, (160, 220), 1)  # Paper in both
    page.get_by_label("colour only where they differ").check()
    assert color_at(page, (160, 220), 0)[3] == 0
    assert color_at(page, (480, 220), 0)[3] > 0


def test_mask_and_overlay_are_saved(url, run, photo, visit, tmp_path):
    page = visit(url)
    choose(page, photo)
    with page.expect_download() as mask:
        page.get_by_role("button", name="Mask (PNG)").click()
    assert mask.value.suggested_filename == "bottle-mask.png"
    api.predict(run, photo, tmp_path / "out")
    saved, expected = Image.open(mask.value.path()), Image.open(tmp_path / "out/masks/bottle.png")
    assert (saved.mode, saved.getpalette()) == (expected.mode, expected.getpalette())
    assert np.array_equal(np.asarray(saved), np.asarray(expected))
    assert len(np.unique(np.asarray(saved))) == 3
    with page.expect_download() as overlay:
        page.get_by_role("button", name="Overlay (PNG)").click()
    assert overlay.value.suggested_filename == "bottle-overlay.png"
    drawn = Image.open(overlay.value.path())
    assert (drawn.format, drawn.size) == ("PNG", (640, 480))
    drawn = drawn.convert("RGB")
    assert np.abs(np.subtract(drawn.getpixel((20, 20)), GRAY)).max() < 8
    assert np.abs(np.subtract(drawn.getpixel((160, 220)), RED)).max() > 20


def test_a_large_photo_is_looked_at_smaller_and_its_mask_is_whole(url, run, photo, tmp_path):
    Image.open(photo).resize((2400, 1800)).save(tmp_path / "large.jpg")
    content = (tmp_path / "large.jpg").read_bytes()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/api/predict", content)) as answer:
        said = json.load(answer)["photo"]
    assert (said["width"], said["seen_width"], said["reduced"]) == (2400, 1600, True)
    with urllib.request.urlopen(urllib.request.Request(f"{url}/api/mask", content)) as answer:
        mask = np.asarray(Image.open(io.BytesIO(answer.read())))
    api.predict(run, tmp_path / "large.jpg", tmp_path / "out")
    assert np.array_equal(mask, np.asarray(Image.open(tmp_path / "out/masks/large.png")))


def test_by_keyboard_alone(url, photo, visit):
    page = visit(url)
    page.on("filechooser", lambda chooser: chooser.set_files(photo))

    def tab_to(selector):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached")

    tab_to("[data-input=file]")
    page.keyboard.press("Enter")
    page.locator("#result").wait_for(state="visible")
    tab_to(".frame canvas")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert page.locator(".said").inner_text().startswith(METAL)
    tab_to("#opacity")
    page.keyboard.press("ArrowRight")
    assert page.locator("#opacity-value").inner_text() == "56 %"
    tab_to(".material")
    page.keyboard.press("Enter")
    assert page.locator(".material[aria-pressed=true]").count() == 1
    tab_to("summary")
    page.keyboard.press("Enter")
    tab_to("[value=vflip]")
    page.keyboard.press("Space")
    page.get_by_text("pipeline: hflip + vflip").wait_for()


def test_what_is_no_photo_is_told_and_the_next_photo_works(url, photo, chromium, tmp_path):
    (tmp_path / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "large.jpg").write_bytes(b"\xff\xd8\xff" + bytes(31 * 2**20))
    context = chromium.new_context()  # of its own: the browser notes refusals on its console
    page = context.new_page()
    page.goto(url)
    choose(page, photo)
    for name, words in (("drawing.svg", "it is none of JPEG, PNG"), ("large.jpg", "larger than 30 MB")):
        page.set_input_files("#file", tmp_path / name)
        page.get_by_role("alert").get_by_text(words).wait_for()
        assert page.locator("#result").is_hidden()  # it was of another photo
    choose(page, photo)
    assert page.get_by_role("alert").count() == 0
    context.close()


def test_children_see_a_bin_for_each_thing(url, photo, visit):
    page = visit(f"{url}/children")
    page.set_input_files("#camera", photo)
    page.get_by_text("I see 2 things!").wait_for()
    paper = page.locator(".card", has_text="Paper")
    paper.get_by_text("goes into: Paper bin").wait_for()
    page.locator(".card", has_text=METAL).get_by_text("Ask an adult").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200
    for target in page.locator(".pick").all():
        assert target.bounding_box()["height"] >= 60


def test_children_are_told_what_is_not_sure(url, visit, tmp_path):
    file = tmp_path / "unclear.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)).save(file)
    with urllib.request.urlopen(urllib.request.Request(f"{url}/api/predict", file.read_bytes())) as answer:
        things = json.load(answer)["runs"][0]["things"]
    page = visit(f"{url}/children")
    page.set_input_files("#file", file)
    page.locator("#result").wait_for(state="attached")
    page.locator("#status").get_by_text("I see").wait_for()
    unsure = sum(thing["confidence"] < 0.6 for thing in things)
    assert page.locator(".card.unsure").count() == unsure
    assert page.get_by_text("I am not sure.").count() == unsure


LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1200, 390)]
SEEN = [(("light", 1200), ""), (("dark", 390), "/children")]  # each look, size and page once in every run
AGAIN = pytest.mark.slow("loads a page and its axe-core again")


@pytest.mark.parametrize(
    ("accessible", "path"),
    [
        pytest.param(look, path, marks=[] if (look, path) in SEEN else AGAIN)
        for look in LOOKS
        for path in ("", "/children")
    ],
    indirect=["accessible"],
    ids=str,
)
def test_axe_finds_nothing_serious_and_nothing_sticks_out(url, photo, accessible, path):
    def prepare(page):
        choose(page, photo)
        if not path:
            page.locator("summary").click()
            page.get_by_label("side by side with").check()
            page.locator("#agreement").wait_for(state="visible")

    accessible(url + path, prepare)
