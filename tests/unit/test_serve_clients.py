"""Clients of the web page that send too much, too slowly, too often, all at once, or leave."""

import asyncio
import json
import time

import pytest
import uvicorn
from serving import Fake, encoded, run, serving, thirds

from recyclecli.report.serve.refusal import Limits
from recyclecli.report.serve.silence import impatient
from recyclecli.report.serve.turns import Left, Turns

# What takes a client that misbehaves: the application is called as a server would, with `receive` of ours.


async def call(app, receive, path="/api/predict", headers=(), address="127.0.0.1", page="1"):
    """Status, headers and body of one request."""
    got = {"body": b""}

    async def send(message):
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
    await app(scope, receive, send)
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
    turns = Turns(limits)
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
    turns = Turns(limits)  # not started, so that everybody waits

    async def come_and_go():
        async def leaves():
            pass

        with turns.place("a", "1") as place, pytest.raises(Left):
            await turns.run(place, lambda: None, leaves)

    run(come_and_go())
    assert turns.waiting == 0


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

    async def client():
        config = uvicorn.Config(
            app, port=0, lifespan="off", log_level="critical", http=impatient(0.15), timeout_keep_alive=1
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
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
        server.should_exit = True
        await serving
        return got, ended

    assert run(client()) == (answers, b"")
