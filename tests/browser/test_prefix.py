"""The local page below a prefix, as it stands behind a proxy that passes prefixes on."""

import pytest
from serving import encoded, listening, thirds

pytestmark = pytest.mark.xdist_group("browser")


def test_a_photo_shows_its_materials_below_a_prefix(visit, tmp_path):
    photo = tmp_path / "thirds.png"
    photo.write_bytes(encoded(thirds()))
    with listening(root_path="/recycle") as port:
        page = visit(f"http://127.0.0.1:{port}/recycle/")
        page.set_input_files("#file", photo)
        page.locator("#result").wait_for(state="visible")
        assert "Paper" in page.locator("#status").inner_text()
        assert page.evaluate("getComputedStyle(document.body).fontFamily") != ""
        names = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
        assert all(name.startswith("/recycle/") for name in names)
        page.goto(f"http://127.0.0.1:{port}/recycle/children")
        page.set_input_files("#file", photo)
        page.locator("#result").wait_for(state="visible")
