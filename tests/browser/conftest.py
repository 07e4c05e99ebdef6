"""A real browser, headless: Debian's chromium, driven by playwright. Tests that take it skip where it is not there."""

import shutil

import pytest


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens a page, `visit(url, width=..., scheme=...)`; what it says on its console or asks the network fails."""
    opened = []
    faults = []

    def visit(url, width=1200, scheme="light", **settings):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **settings)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        return page

    yield visit
    for context in opened:
        context.close()
    assert faults == []


again = pytest.mark.slow("loads a page and its axe-core again")


@pytest.fixture(
    params=[
        ("light", 1200),
        ("dark", 390),
        pytest.param(("light", 390), marks=again),
        pytest.param(("dark", 1200), marks=again),
    ],
    ids=lambda look: "-".join(map(str, look)),
)
def accessible(visit, request):
    """Asserts that axe-core finds nothing serious in a page and that nothing sticks out.

    In light and dark, on a desk and on a phone.
    """
    scheme, width = request.param
    bundled = pytest.importorskip("axe_playwright_python.sync_playwright")

    def accessible(url, prepare=lambda page: None):
        page = visit(url, width, scheme, bypass_csp=True)
        prepare(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = bundled.Axe().run(page).response["violations"]
        serious = [
            (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []

    return accessible
