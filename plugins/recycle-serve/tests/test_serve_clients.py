"""Clients of the web page that send too much, too slowly, too often, all at once, or leave."""

import asyncio
import json
import threading
import time

import pytest
import uvicorn
from recycle_serve.fair_queue import ClientGone, FairQueue
from recycle_serve.guard import HEADERS, Guard
from recycle_serve.protocol import idle_timeout
from recycle_serve.refusal import Limits
from serving import Fake, encoded, run, serving, thirds

from recyclecli.errors import RunFailed

# What takes a client that misbehaves: the application is called as a server would, with `receive` of ours.


async def call(app, receive, path="/api/predict", headers=(), address="127.0.0.1", page="1", send=None):
    """Status, headers and body of one request."""
    got = {"body": b""}

    async def keep(message):
        if message["type"] == "http.response.start":
            got["status"] = message["status"]
            got["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            got["body"] += message.get("body", b"")

    named = [("host", "127.0.0.1"), ("x-recycle-page", page), *headers]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in named],
        "client": (address, 50000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    await app(scope, receive, send or keep)
    return got


def sending(*chunks, then="waits"):
    """A client that sends chunks, and then waits for its answer, or leaves."""
    left = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    left[-1]["more_body"] = then == "leaves while it sends"

    async def receive():
        if left:
            receive.taken += 1
            return left.pop(0)
        if then == "waits":
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    receive.taken = 0
    return receive


def test_a_size_that_is_stated_is_refused_before_anything_is_read():
    with serving() as app:
        client = sending(bytes(2**20))
        got = run(call(app, client, headers=[("content-length", str(50 * 2**20))]))
    assert got["status"] == 413
    assert client.taken == 0
    assert "larger than 1 MB" in json.loads(got["body"])["error"]


def test_a_size_that_is_not_stated_is_refused_on_the_way():
    with serving() as app:
        client = sending(*[bytes(2**18)] * 100)
        got = run(call(app, client))
    assert got["status"] == 413
    assert client.taken == 5


@pytest.mark.parametrize("limits", [Limits(idle=0.05), Limits(upload=0.05)])
def test_slow_uploads_time_out(limits):
    async def receive():
        await asyncio.sleep(0.03 if limits.upload < 1 else 60)
        return {"type": "http.request", "body": b"\xff", "more_body": True}

    with serving(limits=limits) as app:
        got = run(call(app, receive))
    assert got["status"] == 408
    assert "too slowly" in json.loads(got["body"])["error"]


class Slow(Fake):
    """Works until it is told to go on."""

    def __init__(self):
        super().__init__()
        self.steps = 0

    def predict(self, *arguments):
        time.sleep(0.02)
        self.steps += 1
        return super().predict(*arguments)


def test_eight_at_once_are_all_answered():
    async def eight(app):
        photo = encoded(thirds())
        return await asyncio.gather(*(call(app, sending(photo), page=str(number)) for number in range(8)))

    with serving(Slow(), limits=Limits()) as app:
        assert [got["status"] for got in run(eight(app))] == [200] * 8


def test_too_many_are_told_to_come_again():
    limits = Limits(places=4, places_of_address=3, places_of_page=2)

    async def crowd(app):
        photo = encoded(thirds())
        places = [("a", "1"), ("a", "1"), ("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1")]
        return await asyncio.gather(*(call(app, sending(photo), address=one, page=page) for one, page in places))

    with serving(Slow(), limits=limits) as app:
        got = run(crowd(app))
        assert [one["status"] for one in got] == [200, 200, 503, 200, 503, 200, 503]
        assert all(int(one["headers"]["retry-after"]) >= 1 for one in got if one["status"] == 503)
        assert run(call(app, sending(encoded(thirds()))))["status"] == 200  # places are free again


@pytest.mark.parametrize("then", ["leaves", "leaves while it sends"])
def test_a_client_that_leaves_frees_its_place(then):
    model = Slow()

    async def come_and_go(app):
        photo = encoded(thirds())
        for _ in range(5):
            await call(app, sending(photo, then=then))
        return await call(app, sending(photo))

    with serving(model, limits=Limits(places=1)) as app:
        assert run(come_and_go(app))["status"] == 200
    assert model.steps <= 2  # who left before the turn came cost nothing


def test_turns_are_fair():
    limits = Limits(places=20, places_of_address=20, places_of_page=20)
    turns = FairQueue(limits)
    order = []

    async def one(address, page, name):
        async def never():
            await asyncio.sleep(60)

        with turns.place(address, page) as place:
            await turns.run(place, lambda: order.append(name), never)

    async def many():
        greedy = [("a", "1", f"a1 {number}") for number in range(4)]
        others = [("a", "2", "a2 0"), ("b", "1", "b1 0"), ("b", "1", "b1 1"), ("c", "1", "c1 0")]
        waiting = [asyncio.ensure_future(one(*each)) for each in greedy + others]
        await asyncio.sleep(0)
        turns.start()
        await asyncio.gather(*waiting)

    run(many())
    turns.end(5)
    assert order == ["a1 0", "b1 0", "c1 0", "a2 0", "b1 1", "a1 1", "a1 2", "a1 3"]


def test_who_leaves_while_waiting_leaves_nothing_behind():
    limits = Limits()
    turns = FairQueue(limits)  # not started, so that everybody waits

    async def come_and_go():
        async def leaves():
            pass

        with turns.place("a", "1") as place, pytest.raises(ClientGone):
            await turns.run(place, lambda: None, leaves)

    run(come_and_go())
    assert turns.waiting == 0


async def behind(app, client, connections=200, told=False, seconds=0.15):
    """What `client(port)` gives, or `client(port, server)` where it is told, of a real server."""
    config = uvicorn.Config(
        app, port=0, lifespan="off", log_level="critical", http=idle_timeout(seconds, connections),
        timeout_keep_alive=1, timeout_graceful_shutdown=1, ws="none",
    )  # fmt: skip
    server = uvicorn.Server(config)
    served = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        return await (client(port, server) if told else client(port))
    finally:
        server.should_exit = True
        await served


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ([b""], 0),
        ([REQUEST[:20]], 0),
        ([REQUEST[:20], b"X-Slow: 1\r\n"], 0),
        ([REQUEST], 1),  # which takes longer to answer than headers may take to come
        ([REQUEST, REQUEST[:20]], 1),
        ([REQUEST, REQUEST], 2),
    ],
)
def test_connections_on_which_no_request_comes_are_closed(sent, answers):
    """A real server; between two sends its answer is waited for, if there is one."""

    async def app(scope, receive, send):
        await asyncio.sleep(0.3)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        got = 0
        for chunk in sent:
            writer.write(chunk)
            if chunk == REQUEST:
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                got += 1
            else:
                await asyncio.sleep(0.05)
        ended = await asyncio.wait_for(reader.read(), 10)  # what the server sends until it hangs up
        writer.close()
        return got, ended

    assert run(behind(app, client)) == (answers, b"")


async def answer_to(port, request):
    """Status, headers and JSON that a real server gives to a raw request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    told = json.loads(body) if headers.get("content-type") == "application/json" else body
    return int(first.split()[1]), headers, told


def has_all(headers):
    return all(headers[name.lower()] == value.lower() for name, value in HEADERS.items())


LAST = REQUEST[:-2] + b"Connection: close\r\n\r\n"


def test_answers_that_nobody_reads_are_dropped():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(2**25 if scope["path"] == "/large" else 1)})

    async def clients(port):
        deaf = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for _, writer in deaf:
            writer.write(REQUEST.replace(b"/", b"/large", 1))
        status, headers, told = await answer_to(port, LAST)
        assert (status, headers.get("retry-after"), told["remedy"]) == (503, "10", "try again in 10 s")
        assert has_all(headers)
        async with asyncio.timeout(10):
            while (await answer_to(port, LAST))[0] != 200:
                await asyncio.sleep(0.05)
        for _, writer in deaf:
            writer.close()

    run(behind(Guard(app, ()), clients, connections=2, seconds=1))


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /nope HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_in_json(sent, caplog):
    async def client(port):
        return await answer_to(port, sent)

    with serving() as app:
        status, headers, told = run(behind(app, client))
    assert status == (404 if b"nope" in sent else 400)
    assert set(told) == {"error", "remedy"}
    assert has_all(headers)
    assert not caplog.records


def test_a_place_is_free_when_the_answer_was_sent():
    async def two(app):
        sent, go_on = asyncio.Event(), asyncio.Event()

        async def slow(message):
            if message["type"] == "http.response.body":
                sent.set()
                await go_on.wait()

        first = asyncio.create_task(call(app, sending(encoded(thirds())), send=slow))
        await sent.wait()
        meanwhile = await call(app, sending(encoded(thirds())))
        go_on.set()
        await first
        return meanwhile["status"], (await call(app, sending(encoded(thirds()))))["status"]

    with serving(limits=Limits(places=1)) as app:
        assert run(two(app)) == (503, 200)


def test_the_end_during_an_answer_is_quick_and_quiet(caplog):
    async def app(scope, receive, send):
        began.set()
        await asyncio.sleep(60)

    began = asyncio.Event()

    async def client(port, server):
        answer = asyncio.create_task(answer_to(port, REQUEST))
        await began.wait()
        server.should_exit = True
        return await answer

    before = time.monotonic()
    status, headers, told = run(behind(Guard(app, ()), client, told=True))
    assert time.monotonic() - before < 5
    assert (status, told["error"]) == (503, "the page was stopped")
    assert has_all(headers)
    assert not caplog.records


def test_work_that_goes_on_is_left_behind():
    turns = FairQueue(Limits())
    turns.start()
    go_on = threading.Event()

    async def ask():
        async def leaves():
            await asyncio.sleep(0.05)

        with turns.place("a", "1") as place, pytest.raises(ClientGone):
            await turns.run(place, lambda: go_on.wait(10), leaves)

    run(ask())
    assert not turns.end(0.01)
    go_on.set()
    assert turns.end(10)


def test_scores_that_are_not_finite_name_the_remedy():
    def broken(*_):
        raise RunFailed("the model gives scores that are no finite numbers", "train again")

    model = Fake()
    model.predict = broken
    with serving(model) as app:
        got = run(call(app, sending(encoded(thirds()))))
    assert got["status"] == 500
    assert json.loads(got["body"])["remedy"] == "train again"
