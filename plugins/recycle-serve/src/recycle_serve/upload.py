"""Taking a photo's bytes in: bounded in size and time, never on the disk, whatever a form calls the file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from recycle_serve.refusal import Limits, RequestRejected

FORM_BYTES = 2**16  # bytes that a form may add to the file
SURELY_BINARY = 512  # bytes of a picture that are not without a zero and a line break
AS_IT_IS = "send the file as it is: curl --data-binary @photo.jpg"


async def read_upload(request: Request, limits: Limits) -> bytearray:
    """The photo: the request's body, or the file of a form in it. A name or a stated type decides nothing.

    Raises:
        RequestRejected: too large, said by the header or seen on the way; too slow; no form as it says, or one of no
            file or of several.
        ClientDisconnect: the client went away.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    form = kind == b"multipart/form-data"
    coding = request.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise RequestRejected(415, f"the photo is packed as {coding[:20]}", AS_IT_IS)
    bound = limits.size + (FORM_BYTES if form else 0)
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > bound:
        raise _too_large(limits)
    photo = bytearray()
    file = _OneFile(photo)
    parser = _form(options.get(b"boundary", b""), file) if form else None
    taken = 0
    async for chunk in _timed(request, limits):
        taken += len(chunk)
        if taken > bound:
            raise _too_large(limits)
        if parser is None:
            photo += chunk
        else:
            try:
                parser.write(chunk)
            except FormParserError as error:
                raise RequestRejected(
                    400, "the form cannot be read", "send the photo as the body, without a form"
                ) from error
    if len(photo) > limits.size:
        raise _too_large(limits)
    if form and file.count != 1:
        raise RequestRejected(
            400,
            f"the form holds {file.count or 'no'} {'files' if file.count else 'file'}, and one photo is expected",
            "send each photo in a request of its own, as with curl -F photo=@photo.jpg",
        )
    if kind == b"application/json" and photo.startswith((b"{", b"[", b'"')):
        raise RequestRejected(415, "JSON came, and a photo is expected", AS_IT_IS)
    if kind == b"application/x-www-form-urlencoded" and len(photo) > SURELY_BINARY and not {0, 10, 13} & {*photo}:
        raise RequestRejected(400, "the photo lacks its line breaks and zeros, as curl -d leaves them out", AS_IT_IS)
    return photo


async def _timed(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    """The body's chunks, for as long as they come."""
    chunks = request.stream().__aiter__()
    try:
        async with asyncio.timeout(limits.upload):
            while True:
                async with asyncio.timeout(limits.idle):
                    try:
                        chunk = await anext(chunks)
                    except StopAsyncIteration:
                        return
                yield chunk
    except TimeoutError as error:
        raise RequestRejected(408, "the photo came too slowly", "send it again, or a smaller one") from error


class _OneFile:
    """Puts the first file of a form into `photo`; `count`: how many it holds."""

    def __init__(self, photo: bytearray) -> None:
        self.count = 0
        self._photo = photo
        self._field, self._value, self._disposition = bytearray(), bytearray(), b""
        self._state: Literal["before", "within", "after"] = "before"

    def on_header_field(self, chunk: bytes, start: int, end: int) -> None:
        self._field += chunk[start:end]

    def on_header_value(self, chunk: bytes, start: int, end: int) -> None:
        self._value += chunk[start:end]

    def on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def on_headers_finished(self) -> None:
        if b"filename" in parse_options_header(self._disposition)[1]:
            self.count += 1
            self._state = "within" if self.count == 1 else "after"

    def on_part_data(self, chunk: bytes, start: int, end: int) -> None:
        if self._state == "within":
            self._photo += chunk[start:end]

    def on_part_end(self) -> None:
        if self._state == "within":
            self._state = "after"


def _form(boundary: bytes, file: _OneFile) -> MultipartParser:
    callbacks: Any = {name: getattr(file, name) for name in dir(file) if name.startswith("on_")}
    try:
        return MultipartParser(boundary, callbacks)
    except FormParserError as error:
        raise RequestRejected(
            400, "the form states no boundary", "send the photo as the body, without a form"
        ) from error


def _too_large(limits: Limits) -> RequestRejected:
    return RequestRejected(
        413, f"the photo is larger than {limits.size / 2**20:.0f} MB", "reduce it, or save it as JPEG"
    )
