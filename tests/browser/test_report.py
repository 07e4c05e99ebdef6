"""The report in a browser: read, toggled, reckoned with, printed."""

import json

import pytest
from recycle_engine import api
from recycle_report import api as reports
from support import SMALL, coco, write_coco

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a small run that ablate has judged; class and file names are hostile."""
    place = tmp_path_factory.mktemp("report")
    content = coco(12, categories=(("<b>Paper</b>", 1), ("Metal & 'more'", 2)))
    write_coco(place / "data", content)
    settings = {**SMALL, "model": "linknet", "data.root": place / "data", "data.size": 32, "train.epochs": 1}
    run = api.train(settings, runs=place / "runs").run
    api.ablate(run, only=["hflip", "vflip"], retrained=False)
    return reports.report(run)[0]


@pytest.fixture
def url(report):
    return report.as_uri()


def test_it_is_one_small_file_that_asks_for_nothing(report, visit):
    assert report.stat().st_size < 5e6
    asked = []
    page = visit("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    for part in ("Learning", "Each class", "Confidence", "On a sorting line", "Photos", "The data", "Tricks", "Again"):
        assert page.get_by_role("heading", name=part, exact=True).is_visible()
    assert page.get_by_role("row", name="hflip").is_visible()
    assert page.locator("b", has_text="Paper").count() == 0  # the class's name is text, no markup


def test_layers_of_one_photo_and_of_all(url, visit):
    page = visit(url)
    first, second = (page.locator(".photo").nth(number) for number in (0, 1))
    assert first.locator("figure:visible img").get_attribute("alt").startswith("prediction of ")
    first.get_by_role("radio", name="truth").check()
    assert first.locator("figure:visible img").get_attribute("alt").startswith("truth of ")
    assert second.locator("figure:visible img").get_attribute("alt").startswith("prediction of ")
    page.get_by_role("group", name="All photos show").get_by_role("radio", name="errors").check()
    for photo in (first, second):
        assert photo.locator("figure:visible img").get_attribute("alt").startswith("errors of ")
    first.get_by_role("radio", name="photo").focus()
    page.keyboard.press("ArrowRight")
    assert first.get_by_role("radio", name="truth").is_checked()


def test_costs_are_reckoned_anew_and_go_back(url, visit):
    page = visit(url)
    cells = page.locator("#costs input")
    pixels = [int(cell.get_attribute("data-pixels")) for cell in cells.all()]
    values = [float(cell.input_value()) for cell in cells.all()]
    material = int(page.locator("#costs").get_attribute("data-material"))
    before = sum(value * count for value, count in zip(values, pixels, strict=True)) * 100 / material
    assert float(page.locator("#total").inner_text()) == pytest.approx(before, abs=0.006)
    dearest = max(range(len(pixels)), key=lambda place: values[place] * pixels[place])
    cells.nth(dearest).fill("3.5")
    after = before + 2.5 * pixels[dearest] * 100 / material
    assert float(page.locator("#total").inner_text()) == pytest.approx(after, abs=0.006)
    name = cells.nth(dearest).get_attribute("data-name")
    assert page.locator("#dearest li").first.inner_text().startswith(f"{name}: ")
    page.get_by_role("button", name="every mistake costs 1 again").click()
    assert float(page.locator("#total").inner_text()) == pytest.approx(before, abs=0.006)


def test_it_is_whole_without_scripts_and_on_paper(url, visit):
    page = visit(url, java_script_enabled=False)
    assert float(page.locator("#total").inner_text()) >= 0
    page.locator(".photo").first.get_by_role("radio", name="truth").check()
    assert page.locator(".photo").first.locator("figure:visible").count() == 1
    page.emulate_media(media="print")
    assert page.locator(".photo").first.locator("figure:visible").count() == 5
    assert page.locator(".photo").first.get_by_role("radio").first.is_hidden()


def test_axe_finds_nothing_serious_and_nothing_sticks_out(url, accessible):
    accessible(url)


def test_a_run_that_was_not_ablated_says_so(report, visit, tmp_path):
    run = api.find_run(report.parent)
    choice = json.loads(run.pipeline.read_text())
    run.pipeline.unlink()
    try:
        file = reports.report(run, tmp_path / "plain.html")[0]
    finally:
        run.pipeline.write_text(json.dumps(choice))
    page = visit(file.as_uri())
    assert page.get_by_text("None was tried on this run").is_visible()
