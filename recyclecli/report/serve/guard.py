"""Who may ask, and what every answer says of itself: the outermost layer."""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recyclecli.printable import shown
from recyclecli.report.serve.refusal import Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(self)",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses requests for other hosts (DNS rebinding) and from other origins (forgery); adds the headers.

    Args:
        app: what is guarded.
        hosts: names that it goes by. An address is also taken where the connection came in at it, as no
            name can be rebound to an address.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in (*LOOPBACK, *hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *own]
            if message["type"] == "http.response.body" and message.get("body") and not message.get("more_body"):
                await send({**message, "more_body": True})
                message = {"type": "http.response.body"}  # the server takes it when the client has read the rest
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, sending)
        except Refused as refused:
            await answered(refused)(scope, receive, sending)
        except asyncio.CancelledError:  # Ctrl-C, and the work takes longer than the answers are waited for
            if not started:
                await answered(Refused(503, "the page was stopped", "start it again"))(scope, receive, sending)
        except Exception as error:
            print(f"error: a bug of recyclecli: {type(error).__name__}: {error}", file=sys.stderr)
            if not started:
                bug = Refused(500, "a bug of recyclecli; the console says which", "report it")
                await answered(bug)(scope, receive, sending)

    def _check(self, scope: Scope) -> None:
        given: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            given.setdefault(name, []).append(value.decode("latin-1").lower())
        hosts = given.get(b"host", [])
        if len(hosts) != 1 or not self._known(_name(hosts[0]), scope.get("server")):
            raise Refused(
                403, f"this page does not go by the name {', '.join(hosts)!r}", "start it with --allow-host NAME"
            )
        if scope["method"] in ("GET", "HEAD"):
            return
        origins = given.get(b"origin", [])
        foreign = [origin for origin in origins if origin != f"{scope['scheme']}://{hosts[0]}"]
        site = given.get(b"sec-fetch-site", ["none"])
        if foreign or site[0] not in ("same-origin", "none"):
            raise Refused(403, "another site may not send photos here", "open the page itself")

    def _known(self, name: str, server: Any) -> bool:
        if name in self._hosts:
            return True
        try:
            return ipaddress.ip_address(name) == ipaddress.ip_address(server[0])
        except (ValueError, TypeError):
            return False


def _name(host: str) -> str:
    """The name or address in a Host header, without port, brackets or a last dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].rstrip(".") if ":" in host else host.rstrip(".")


def answered(refused: Refused, headers: Mapping[str, str] = {}) -> JSONResponse:
    """A refusal as an answer, with `headers` beside its own."""
    content = {"error": shown(refused.message), "remedy": shown(refused.remedy)}
    return JSONResponse(content, refused.status, headers={**headers, **refused.headers})
