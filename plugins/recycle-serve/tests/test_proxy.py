"""The page behind a proxy: a prefix, the Host that nginx sets, https that ends before the program, nginx's limits."""

import contextlib
import http.client
import http.server
import re
import shutil
import socket
import subprocess
import threading
import time
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from recycle_serve.refusal import Limits
from recycle_serve.start import _checked_path
from serving import HOST, encoded, listening, serving, thirds

from recyclecli.errors import RecycleError

SITE = "photos.example.org"
CONF = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
{lines}
  }}
}}
"""
STRIPPED = """    location /recycle/ {{
        proxy_pass http://127.0.0.1:{behind}/;
        client_max_body_size 30m;
        proxy_read_timeout 120s;
    }}
"""
PASSED = "    location /recycle {{ proxy_pass http://127.0.0.1:{behind}; client_max_body_size 30m; }}\n"


@contextlib.contextmanager
def proxy(behind, folder, strips=True):
    """A small proxy that does what nginx does by default: Host is the upstream's, the prefix is cut off, HTTP/1.0."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            if not self.path.startswith("/recycle/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            upstream = http.client.HTTPConnection("127.0.0.1", behind)
            place = self.path.removeprefix("/recycle") if strips else self.path
            upstream.request(self.command, place, body, kept | {"Host": f"127.0.0.1:{behind}", "Connection": "close"})
            given = upstream.getresponse()
            content = given.read()
            self.send_response(given.status)
            self.send_header("Content-Type", given.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - names of the library

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def nginx(behind, folder, strips=True):
    """A real nginx with the lines of docs/serve.md."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("no nginx on this machine: apt-get install nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = (STRIPPED if strips else PASSED).format(behind=behind)
    (folder / "nginx.conf").write_text(CONF.format(folder=folder, port=port, lines=lines))
    running = subprocess.Popen([program, "-c", folder / "nginx.conf", "-e", folder / "error", "-p", folder])
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and running.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        assert running.poll() is None, (folder / "error").read_text()
        yield port
    finally:
        running.terminate()
        running.wait(20)


def asked(port, method, url, body=None, **headers):
    """Status and body of a request to a page whose name is not this machine's."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    parts = urlsplit(url)
    place = parts.path + (f"?{parts.query}" if parts.query else "")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, place, body, {"Host": SITE, **named})
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize("via", [proxy, nginx])
@pytest.mark.parametrize(
    ("strips", "settings"),
    [(True, {}), (True, {"root_path": "/recycle"}), (False, {"root_path": "/recycle"})],
    ids=["prefix cut off", "prefix cut off and stated", "prefix passed on"],
)
def test_the_page_works_below_a_prefix(tmp_path, via, strips, settings):
    with listening(limits=Limits(), hosts=[SITE], **settings) as behind, via(behind, tmp_path, strips) as port:
        for page in ("/recycle/", "/recycle/children"):
            address = f"https://{SITE}{page}"
            status, text = asked(port, "GET", address)
            assert status == 200
            links = re.findall(r'(?:href|src)="([^"]+)"', text.decode())
            places = [urljoin(address, link) for link in links if not link.startswith("data:")]
            assert len(places) >= 5
            for place in places:
                assert place.startswith(f"https://{SITE}/recycle/")
                assert asked(port, "GET", place)[0] == 200, place
        photo = encoded(thirds(900, 600), "PNG", compress_level=0)
        assert len(photo) > 2**20  # which is what nginx takes without client_max_body_size
        for origin in (f"https://{SITE}", f"http://{SITE}:8080"):
            headers = {"Origin": origin, "Sec_Fetch_Site": "same-origin"}
            status, said = asked(port, "POST", f"https://{SITE}/recycle/api/predict", photo, **headers)
            assert status == 200, said


@pytest.mark.parametrize("via", [proxy, nginx])
def test_a_refusal_behind_a_proxy_has_a_remedy_that_helps(tmp_path, via):
    headers = {"Origin": f"https://{SITE}", "Sec_Fetch_Site": "same-origin"}
    with listening() as behind, via(behind, tmp_path) as port:
        status, said = asked(port, "POST", "/recycle/api/predict", encoded(thirds()), **headers)
        assert status == 403
        assert f"--allow-host {SITE}" in said.decode()


@pytest.fixture(scope="module")
def client():
    with serving(hosts=["Photos.Example.org:8443", "https://box.example/recycle"]) as app:
        yield TestClient(app, base_url=HOST)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (f"https://{SITE}", 200),
        (f"http://{SITE}:8080", 200),
        ("https://box.example", 200),
        (HOST, 200),
        ("http://127.0.0.1:9999", 403),
        ("https://evil.example", 403),
        (f"https://{SITE}.evil.example", 403),
        (f"https://evil.example/{SITE}", 403),
        ("null", 403),
        (SITE, 403),
    ],
)
def test_pages_of_the_names_that_are_allowed_may_send_photos(client, origin, status):
    answer = client.post("/api/predict", content=encoded(thirds()), headers={"Origin": origin})
    assert answer.status_code == status, answer.text
    other = client.post(
        "/api/predict", content=encoded(thirds()), headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    )
    assert other.status_code == 403


def test_names_with_a_port_or_a_scheme_are_names(client):
    for host, status in ((SITE, 200), (f"{SITE}:8443", 200), ("box.example", 200), ("other.example", 403)):
        assert client.get("/", headers={"Host": host}).status_code == status
    assert "--allow-host other.example" in client.get("/", headers={"Host": "other.example"}).json()["remedy"]


def test_a_prefix_is_taken_off_whole():
    with serving(root_path="/a/b") as app:
        client = TestClient(app, base_url=HOST)
        for path, status in (("/a/b/", 200), ("/a/b", 200), ("/", 200), ("/a/b/children", 200), ("/a/bc", 404)):
            assert client.get(path).status_code == status, path
        assert 'src="/a/b/static/serve.js"' in client.get("/a/b").text
    assert [_checked_path(text) for text in ("", "/", "a", "/a/b/")] == ["", "", "/a", "/a/b"]
    for text in ("http://a/b", "/a b", "/a//b", '/"', "/a?b"):
        with pytest.raises(RecycleError, match="no prefix of addresses"):
            _checked_path(text)
