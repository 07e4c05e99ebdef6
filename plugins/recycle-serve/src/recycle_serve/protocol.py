"""Connections: their number, silence on them, answers that nobody reads, and requests that are no HTTP."""

from __future__ import annotations

import asyncio
import json

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from recycle_serve.guard import HEADERS, answered
from recycle_serve.refusal import RequestRejected

CONNECTIONS = 200  # at a time
LEAST_READ = 2**16  # bytes of an answer that a client must take within the time that it has


def idle_timeout(seconds: float, connections: int = CONNECTIONS) -> type[H11Protocol]:
    """uvicorn's HTTP protocol with an end for connections that stay silent, and with refusals in JSON.

    uvicorn closes a connection that is idle after an answer, but waits for ever for the first request, for the
    rest of one that has begun, and for a client to read its answer, so that a few hundred such connections keep
    everybody else out.

    Args:
        seconds: that a request's line and headers may take, from the connection or from their first byte on, and
            after which an answer is dropped of which nothing, or less than `LEAST_READ`, was read meanwhile.
        connections: at a time; the answer on more of them is 503.
    """

    class Impatient(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _unread_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._timer = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            crowded = len(self.connections) > connections
            self.app = _crowded if crowded else self.config.loaded_app
            super().data_received(data)
            asked = self.cycle is not None and not self.cycle.response_complete
            if asked and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            elif not asked and self._timer is None:
                self._timer = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            for timer in (self._timer, self._unread_timer):
                if timer is not None:
                    timer.cancel()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._await_reading()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._await_reading()

        def send_400_response(self, msg: str) -> None:
            if self.cycle is not None and not self.cycle.response_complete:  # the rest of its request is no HTTP
                started, self.cycle.disconnected = self.cycle.response_started, True
                self.cycle.message_event.set()
                if started:
                    self.transport.close()
                    return
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                refusal = {
                    "error": "this is no HTTP request",
                    "remedy": "open the page in a browser; see docs/serve.md",
                }
                body = json.dumps(refusal).encode()
                headers = HEADERS | {"Content-Type": "application/json", "Content-Length": str(len(body))}
                head = h11.Response(
                    status_code=400, headers=[*headers.items(), ("Connection", "close")], reason=b"Bad Request"
                )
                for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event))
            self.transport.close()
            self._await_reading()

        def _await_reading(self) -> None:
            unread = self.transport.get_write_buffer_size()
            if unread and self._unread_timer is None:
                self._unread_timer = self.loop.call_later(seconds, self._end_unread, unread)

        def _end_unread(self, before: int) -> None:
            self._unread_timer = None
            unread = self.transport.get_write_buffer_size()
            if unread and before - unread < min(LEAST_READ, before):
                self.transport.abort()  # closing would wait until the rest is read
            else:
                self._await_reading()

    return Impatient


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:
    busy = RequestRejected(
        503, "busy: too many connections", "try again in 10 s", {"Retry-After": "10", "Connection": "close"}
    )
    await answered(busy, HEADERS)(scope, receive, send)
