"""Who may ask, and what every answer says of itself: the outermost layer."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recycle_serve.refusal import RequestRejected
from recyclecli.printable import shown

log = logging.getLogger("recycle.serve")

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

    A proxy may replace the Host of a request by its own and end https, so a page of one of `hosts` may send photos
    whatever the Host and the scheme are.

    Args:
        app: what is guarded.
        hosts: names that it goes by; also `name:port` and addresses of pages. An address is also taken where the
            connection came in at it, as no name can be rebound to an address.
        address: that it listens at.
        root_path: the prefix of its addresses, as `/recycle`; it is taken off where a proxy has left it.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], address: str = "127.0.0.1", root_path: str = "") -> None:
        self._app, self._root_path = app, root_path
        self._given = {_host_of(host) for host in hosts}
        self._hosts = {*LOOPBACK, address.lower(), *self._given}

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
            await self._app(self._below(scope), receive, sending)
        except RequestRejected as refused:
            await answered(refused)(scope, receive, sending)
        except asyncio.CancelledError:  # Ctrl-C, and the work takes longer than the answers are waited for
            if not started:
                await answered(RequestRejected(503, "the page was stopped", "start it again"))(scope, receive, sending)
        except Exception as error:
            log.error(f"error: a bug of recyclecli: {type(error).__name__}: {error}")
            if not started:
                bug = RequestRejected(500, "a bug of recyclecli; the console says which", "report it")
                await answered(bug)(scope, receive, sending)

    def _check(self, scope: Scope) -> None:
        given: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            given.setdefault(name, []).append(value.decode("latin-1").lower())
        hosts = given.get(b"host", [])
        if len(hosts) != 1 or not self._known(_name(hosts[0]), scope.get("server")):
            raise RequestRejected(
                403,
                f"this page does not go by the name {', '.join(hosts)!r}",
                f"start it with --allow-host {_name(hosts[0]) if len(hosts) == 1 and hosts[0] else 'NAME'}",
            )
        if scope["method"] in ("GET", "HEAD"):
            return
        foreign = [origin for origin in given.get(b"origin", []) if not self._own(origin, scope["scheme"], hosts[0])]
        site = given.get(b"sec-fetch-site", ["none"])
        if foreign or site[0] not in ("same-origin", "none"):
            name = next((_host_of(origin) for origin in foreign if "://" in origin), "")
            page = "open the page itself, and send the photo there"
            proxy = (
                f"; if this page is behind a proxy as {foreign[0]}: start it with --allow-host {name}" if name else ""
            )
            raise RequestRejected(403, f"another site, {(foreign or site)[0]}, may not send photos here", page + proxy)

    def _own(self, origin: str, scheme: str, host: str) -> bool:
        """Whether a page of this origin is the page itself."""
        return origin == f"{scheme}://{host}" or ("://" in origin and _host_of(origin) in self._given)

    def _below(self, scope: Scope) -> Scope:
        """The request without the prefix."""
        rest = scope["path"].removeprefix(self._root_path)
        if rest == scope["path"] or rest[:1] not in ("", "/"):
            return scope
        return {**scope, "path": rest or "/", "raw_path": (rest or "/").encode()}

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


def _host_of(text: str) -> str:
    """The name in an address of a page, as `https://name:8443/path`, in `name:8443`, or in a name."""
    host = text.lower().partition("://")[2] or text.lower()
    host = host.partition("/")[0]
    return host if host.count(":") > 1 and not host.startswith("[") else _name(host)  # an IPv6 address has no port


def answered(refused: RequestRejected, headers: Mapping[str, str] = {}) -> JSONResponse:
    """A refusal as an answer, with `headers` beside its own."""
    content = {"error": shown(refused.message), "remedy": shown(refused.remedy)}
    return JSONResponse(content, refused.status, headers={**headers, **refused.headers})
