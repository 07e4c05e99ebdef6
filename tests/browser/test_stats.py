"""The page of `recycle data stats --html`: in a browser, on a desk and on a phone."""

import pytest
from recycle_data.folds import make_folds, write_folds
from recycle_data.pages.stats import stats_page
from recycle_data.palette import palette
from recycle_data.sources import open_source
from recycle_data.stats import folder_stats
from support import coco, write_coco

CLASSES = [(name, number) for number, name in enumerate(("Paper", "Paper pack", "일반 쓰레기", "<b>", "W" * 40), 1)]


@pytest.fixture(scope="module")
def url(registry, tmp_path_factory):
    """The page of a set in ten folds."""
    root = tmp_path_factory.mktemp("stats")
    write_coco(root, coco(30, categories=CLASSES), photos=False)
    source = open_source(registry, root)
    write_folds(source, make_folds(source, 10, 0), root, 0, False)
    page = root / "stats.html"
    page.write_text(
        stats_page(folder_stats(registry, root), "Thirty photos", palette(source.class_names, root)), "utf-8"
    )
    return page.as_uri()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(url, visit, width):
    page = visit(url, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        """[...document.querySelectorAll("svg")].flatMap(svg => {
            const whole = svg.getBoundingClientRect()
            return [...svg.querySelectorAll("text")].filter(text => {
                const box = text.getBoundingClientRect()
                return box.left < whole.left - 1 || box.right > whole.right + 1 || box.bottom > whole.bottom + 1
            }).map(text => text.textContent)
        })"""
    )
    assert cut == []


def test_ten_folds_fit_a_desk(url, visit):
    hidden = "[...document.querySelectorAll('.wide')].map(one => one.scrollWidth - one.clientWidth)"
    assert max(visit(url, 1280).evaluate(hidden)) == 0


def test_axe_finds_nothing_serious(url, accessible):
    accessible(url)
