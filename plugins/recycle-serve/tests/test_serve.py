"""The web page's server: every photo that it must refuse, who may ask, and what it says."""

import base64
import gzip
import io
import json
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from recycle_coco import PHOTO_SUFFIXES
from recycle_coco.unreadable import PILLOW_FORMATS
from recycle_data.boundary import PluginPart
from recycle_engine.pipeline import VIEWS, Pipeline
from recycle_serve.guard import HEADERS
from recycle_serve.loaded_run import _parts, cost
from recycle_serve.pages import shown_colors
from recycle_serve.photo import read_photo
from recycle_serve.refusal import Limits, RequestRejected
from serving import HOST, LIMITS, Fake, encoded, serving, thirds

from recyclecli.recipe import ListedPart


@pytest.fixture
def client():
    with serving(Fake()) as app:
        yield TestClient(app, base_url=HOST)


def header_of_png(width, height):
    """A PNG that says how large it is and holds nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def predicted(client, photo, **keywords):
    answer = client.post("/api/predict", content=photo, **keywords)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer):
    """What a refusal says; it is JSON and no traceback."""
    assert "Traceback" not in answer.text
    assert set(answer.json()) == {"error", "remedy"}
    return answer.json()["error"]


def test_materials_shares_and_pixels(client):
    said = predicted(client, encoded(thirds()))
    (run,) = said["runs"]
    assert {one["name"]: round(one["share"], 3) for one in run["materials"]} == dict.fromkeys(Fake().class_names, 0.333)
    assert all(one["confidence"] == pytest.approx(0.8) for one in run["materials"])
    labels = np.frombuffer(zlib.decompress(base64.b64decode(run["labels"])), np.uint8).reshape(60, 90)
    assert [labels[30, column] for column in (10, 45, 80)] == [0, 1, 2]
    assert [(one["label"], one["box"]) for one in run["things"]] == [
        (1, [pytest.approx(1 / 3), 0, pytest.approx(2 / 3), 1]),
        (2, [pytest.approx(2 / 3), 0, 1, 1]),
    ]
    assert (said["photo"]["width"], said["photo"]["height"], said["photo"]["reduced"]) == (90, 60, False)


@pytest.mark.parametrize("form", [*PILLOW_FORMATS, "MPO"])
def test_every_form_of_photos_that_the_readers_take(client, form):
    more = {"save_all": True, "append_images": [thirds()]} if form == "MPO" else {}
    assert len(predicted(client, encoded(thirds(), form, **more))["runs"][0]["materials"]) == 3


def test_the_forms_are_those_of_the_readers():
    Image.init()
    suffixes = PHOTO_SUFFIXES - {".heic", ".heif"}  # pillow-heif's
    assert {Image.registered_extensions()[suffix] for suffix in suffixes} == set(PILLOW_FORMATS)


def test_exif_rotation_is_applied(client):
    exif = Image.Exif()
    exif[0x0112] = 6
    said = predicted(client, encoded(thirds(), "JPEG", exif=exif, quality=95))
    assert (said["photo"]["width"], said["photo"]["height"]) == (60, 90)
    labels = np.frombuffer(zlib.decompress(base64.b64decode(said["runs"][0]["labels"])), np.uint8).reshape(90, 60)
    assert [labels[row, 30] for row in (10, 45, 80)] == [0, 1, 2]


def test_large_photos_are_looked_at_within_the_bound():
    model = Fake()
    with serving(model) as app:
        client = TestClient(app, base_url=HOST)
        photo = encoded(thirds(3000, 2000), "JPEG")
        said = predicted(client, photo)["photo"]
        assert (said["width"], said["seen_width"], said["seen_height"], said["reduced"]) == (3000, 400, 267, True)
        mask = Image.open(io.BytesIO(client.post("/api/mask", content=photo).content))
    assert model.seen[0] == (267, 400, 3)
    assert mask.mode == "P"
    assert 0.9 * LIMITS.mask < mask.width * mask.height <= LIMITS.mask
    assert mask.getpalette()[:9] == [0, 0, 0, 230, 159, 0, 86, 180, 233]


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
WHOLE = encoded(thirds(900, 600), "JPEG")


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 400, "0 bytes"),
        (b"hello", 415, "it is none of JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 415, "none of JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "none of JPEG"),
        (encoded(thirds(), "GIF"), 415, "none of JPEG"),
        (HEIC, 400, "it is HEIC, and damaged"),
        (WHOLE[: len(WHOLE) // 2], 400, "cannot be read"),
        (encoded(thirds())[:60], 400, "cannot be read"),
        (header_of_png(20_000, 20_000), 413, "pixels, and at most"),
        (header_of_png(2**31 - 1, 2**31 - 1), 413, "pixels, and at most"),
        (header_of_png(4000, 3000), 413, "4000 x 3000"),
        (header_of_png(40, 30), 400, "cannot be read"),
        (WHOLE + b"\xff\xda" * 200, 400, "scans"),
        (b"\xff\xd8\xff" + bytes(2**20), 413, "larger than 1 MB"),
    ],
    ids=[
        *("empty", "text", "svg", "postscript", "gif", "heic", "half a jpeg", "half a png", "bomb", "huge bomb"),
        *("too large", "no pixels", "scans", "too many bytes"),
    ],
)
def test_what_is_no_photo_is_refused(client, content, status, message):
    for path in ("/api/predict", "/api/mask"):
        answer = client.post(path, content=content, headers={"Content-Type": "image/jpeg"})
        assert answer.status_code == status, answer.text
        assert message in refusal(answer)
    assert predicted(client, encoded(thirds()))  # and goes on


@pytest.mark.parametrize("kind", ["text/html", "application/json", "image/svg+xml", "", "nonsense"])
def test_content_counts_and_not_what_it_is_called(client, kind):
    assert predicted(client, encoded(thirds()), headers={"Content-Type": kind})


opened = []
sys.addaudithook(lambda event, values: opened.append(values) if event == "open" else None)


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "/etc/passwd", "a\0b", "x" * 4000, "C:\\con.png"])
def test_forms_are_read_in_memory_and_names_reach_no_disk(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    photo = encoded(thirds(900, 600), compress_level=0)
    assert len(photo) > 2**20  # which is more than what the usual form parser keeps in memory
    with serving(limits=Limits()) as app:
        client = TestClient(app, base_url=HOST)
        opened.clear()
        answer = client.post("/api/predict", data={"note": "x"}, files={"photo": (name, photo, "image/png")})
    assert answer.status_code == 200, answer.text
    written = [values for values in opened if values[2] and values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)]
    assert written == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"]
)
def test_broken_forms(client, kind):
    answer = client.post("/api/predict", content=b"garbage", headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert refusal(answer)


@pytest.mark.parametrize(
    ("headers", "changed", "told"),
    [
        ({"Content-Type": "application/json"}, lambda photo: b'{"image": "aGk="}', "JSON came"),
        ({"Content-Encoding": "gzip"}, gzip.compress, "packed as gzip"),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            lambda photo: photo.translate(None, b"\0\r\n"),
            "as curl -d leaves them out",
        ),
    ],
)
def test_photos_that_are_not_sent_as_they_are(client, headers, changed, told):
    photo = encoded(Image.effect_noise((64, 64), 99).convert("RGB"))
    answer = client.post("/api/predict", content=changed(photo), headers=headers)
    assert told in refusal(answer)
    whole = client.post("/api/predict", content=photo, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert whole.status_code == 200, "curl --data-binary says so too"


def test_a_form_holds_one_file(client):
    """Of several the first was answered, and of none the photo was said to be empty."""
    files = [("a", ("1.png", encoded(thirds()))), ("b", ("2.png", encoded(thirds(30, 20))))]
    for sent, count in ((files, "2 files"), ([("note", (None, "x"))], "no file")):
        answer = client.post("/api/predict", files=sent)
        assert answer.status_code == 400
        assert f"the form holds {count}, and one photo is expected" in refusal(answer)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.9:8000", "", "[::2]"]
)
def test_other_hosts_are_refused(client, host):
    for method, path in (("GET", "/"), ("GET", "/children"), ("GET", "/static/ask.js"), ("POST", "/api/predict")):
        answer = client.request(method, path, headers={"Host": host})
        assert answer.status_code == 403
        assert "name" in refusal(answer)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST", "bins.school:80"])
def test_own_names_are_taken(host):
    with serving(hosts=["bins.school"]) as app:
        assert TestClient(app, base_url=HOST).get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8000"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_origins_are_refused(client, headers):
    answer = client.post("/api/predict", content=encoded(thirds()), headers=headers)
    assert answer.status_code == 403
    assert "another site" in refusal(answer)


def test_the_own_origin_is_taken(client):
    headers = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
    assert predicted(client, encoded(thirds()), headers=headers)


def test_every_answer_has_the_headers(client):
    answers = [
        client.get("/"),
        client.get("/static/serve.js"),
        client.get("/nothing"),
        client.get("/api/predict"),
        client.post("/api/predict", content=b"x"),
        client.get("/", headers={"Host": "evil.example"}),
        client.post("/api/predict?compare=perhaps", content=b"x"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 405, 415, 403, 422]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    for answer in answers[2:]:
        assert refusal(answer)
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["..%2f..%2fapp.py", "%2e%2e/app.py", "app.py", "serve.css/../../app.py"])
def test_static_names_are_looked_up_and_never_opened(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_no_documentation_that_would_ask_the_network(client):
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3


def test_a_bug_is_told_without_its_traceback(logged):
    model = Fake()
    model.predict = lambda *_: {}["secret"]
    with serving(model) as app:
        answer = TestClient(app, base_url=HOST).post("/api/predict", content=encoded(thirds()))
    assert answer.status_code == 500
    assert "bug of recyclecli" in refusal(answer)
    assert "secret" not in answer.text
    assert "KeyError: 'secret'" in logged()


def test_memory_that_runs_out_is_told():
    def exhausted(*_):
        raise MemoryError

    model = Fake()
    model.predict = exhausted
    with serving(model) as app:
        answer = TestClient(app, base_url=HOST).post("/api/predict", content=encoded(thirds()))
    assert (answer.status_code, refusal(answer)) == (503, "out of memory")


@pytest.mark.parametrize("path", ["/", "/children"])
def test_class_names_are_text_and_never_markup(client, path):
    page = client.get(path).text
    assert "<b>Metal" not in page
    data = page.split('id="about">')[1].split("</script>")[0]
    assert [one["name"] for one in json.loads(data)["runs"][0]["classes"]] == list(Fake().class_names)


def test_pages_ask_nobody_else(client):
    for path in ("/", "/children"):
        page = client.get(path).text
        assert "://" not in page
        for name in [part.split('"')[0] for part in page.split('="static/')[1:]]:
            assert "://" not in client.get(f"/static/{name}").text.replace("http://www.w3.org/2000/svg", "")


def test_where_photos_go_is_said():
    for local, words in ((True, "do not leave this machine"), (False, "go to the machine that runs this page")):
        with serving(local=local) as app:
            assert words in TestClient(app, base_url=HOST).get("/").text


def test_tricks(client):
    photo = encoded(thirds())
    run = predicted(client, photo, params={"trick": "hflip"})["runs"][0]
    assert run["pipeline"] == "hflip"
    assert predicted(client, photo, params={"trick": "plain"})["runs"][0]["pipeline"] == "plain"
    answer = client.post("/api/predict", content=photo, params={"trick": "hflp"})
    assert (answer.status_code, answer.json()["remedy"]) == (422, "nearest: hflip")


def test_a_part_that_raises_is_blamed_and_nobody_else(logged):
    def smooth(*_):
        with PluginPart("postprocessor", "smooth@acme-post", "1.0"):
            raise IndexError("out of bounds")

    model = Fake()
    model.predict = smooth
    with serving(model) as app:
        answer = TestClient(app, base_url=HOST).post("/api/predict", content=encoded(thirds()))
    said = "a bug of the plugin acme-post: IndexError: out of bounds, in postprocessor smooth@acme-post"
    assert (answer.status_code, refusal(answer)) == (500, said)
    assert answer.json()["remedy"] == "report it to the authors of acme-post, with this text"
    assert f"error: {said}\n" in logged()


def test_what_pipelines_cost():
    assert cost(Pipeline(), 512) == 1
    assert cost(Pipeline(views=("hflip", "scale-1.5")), 512) == 1 + 1 + 2.25
    assert cost(Pipeline(sliding_window=2), 512) == 9
    assert cost(Pipeline(views=VIEWS, sliding_window=2), 512) > Limits().passes


def test_the_parts_of_a_pipeline_are_tricks_with_their_own_options():
    crf = ListedPart(name="densecrf", iterations=3)
    parts = _parts(Pipeline(views=("rot90",), post=(crf,), weights="raw", sliding_window=3))
    assert parts == {
        "rot90": Pipeline(views=("rot90",)),
        "window-3": Pipeline(sliding_window=3),
        "densecrf": Pipeline(post=(crf,)),
        "without-ema": Pipeline(weights="raw"),
    }
    assert list(_parts(Pipeline(sliding_window=2))) == ["window-2"]


def test_two_runs_of_other_classes_are_compared_honestly():
    other = Fake(("Background", "Paper", "Wood"))
    with serving(Fake(), other) as app:
        client = TestClient(app, base_url=HOST)
        said = predicted(client, encoded(thirds()), params={"compare": True})
        assert len(said["runs"]) == 2
        assert said["agreement"] == {
            "same": pytest.approx(2 / 3),
            "differ": 0,
            "incomparable": pytest.approx(1 / 3),
            "only": [["</script><b>Metal"], ["Wood"]],
        }
        assert client.post("/api/mask?run=1", content=encoded(thirds())).status_code == 200
        assert client.post("/api/mask?run=2", content=encoded(thirds())).status_code == 422


def test_comparing_with_nothing(client):
    assert (
        client.post("/api/predict?compare=true", content=encoded(thirds()))
        .json()["remedy"]
        .endswith("--compare-with RUN2")
    )


def test_one_name_has_one_color_and_no_two_names_share_one():
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    first = Fake(("Background", "Paper", "Metal"), [(0, 0, 0), red, green])
    second = Fake(("Background", "Metal", "Wood", "Glass"), [(0, 0, 0), blue, red, blue])
    own, others = shown_colors([first, second])
    assert own == first.palette
    assert others[:2] == [(0, 0, 0), green]
    assert others[3] == blue
    assert len({*own, *others}) == 5


def test_jpegs_are_reduced_as_they_are_decoded():
    """The decoder's own reduction is near to reducing the whole photo."""
    gradient = np.linspace(0, 255, 4000, dtype=np.uint8)
    whole = Image.fromarray(np.dstack([np.tile(gradient, (3000, 1))] * 3))
    photo = read_photo(encoded(whole, "JPEG", quality=95), longest=400)
    assert photo.pixels.shape == (300, 400, 3)
    assert np.abs(photo.pixels[150, :, 0].astype(int) - gradient[5::10]).max() <= 4
    with pytest.raises(RequestRejected):
        read_photo(b"no photo")


@pytest.mark.parametrize("path", ["/", "/static/serve.js", "/api/about"])
def test_heads_are_answered_where_pages_are(client, path):
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == client.get(path).headers["content-type"]


@pytest.mark.parametrize("address", ["/api/predict?run=9", "/api/mask?compare=1", "/api/predict?tricks=hflip"])
def test_parameters_that_nothing_takes_are_refused(client, address):
    answer = client.post(address, content=encoded(thirds(), "PNG"))
    assert answer.status_code == 422
    assert "has no parameter" in answer.json()["error"]
