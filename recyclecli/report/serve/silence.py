"""Connections on which no request comes."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


def impatient(seconds: float) -> type[H11Protocol]:
    """uvicorn's HTTP protocol with an end for connections that stay silent.

    uvicorn closes a connection that is idle after an answer, but waits for ever for the first request, and for the
    rest of one that has begun, so that a few hundred such connections keep everybody else out.

    Args:
        seconds: that a request's line and headers may take, from the connection or from their first byte on.
    """

    class Impatient(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._timer = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            asked = self.cycle is not None and not self.cycle.response_complete
            if asked and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            elif not asked and self._timer is None:
                self._timer = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self._timer is not None:
                self._timer.cancel()

    return Impatient
