"""The web application: two pages, and two questions that one can ask of a photo."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
from fastapi import FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from recycle_data.boundary import as_raised
from recycle_data.pages.data_uri import jpeg_uri
from recycle_engine.inference.outputs import palette_image
from recycle_engine.pipeline import Pipeline
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from recycle_serve.answer import agreement, answer_of
from recycle_serve.bins import Bin
from recycle_serve.fair_queue import ClientGone, FairQueue, Ticket
from recycle_serve.guard import Guard, answered
from recycle_serve.loaded_run import PLAIN_MODEL, LoadedRun
from recycle_serve.pages import about, page, static_files
from recycle_serve.photo import check_photo, read_photo
from recycle_serve.refusal import Limits, RequestRejected
from recycle_serve.upload import read_upload
from recyclecli.errors import RecycleError, suggest
from recyclecli.printable import shown
from recyclecli.private import map_texts

log = logging.getLogger("recycle.serve")

PAGE = "x-recycle-page"  # the number that an open page gives itself, so that each has its turn

Tricks = Annotated[list[str], Query(max_length=50)]


def create_app(
    models: Sequence[LoadedRun],
    turns: FairQueue,
    limits: Limits,
    bins: Mapping[str, Bin],
    hosts: Sequence[str] = (),
    local: bool = True,
    address: str = "127.0.0.1",
    root_path: str = "",
) -> FastAPI:
    """The application.

    Args:
        models: one run, or two to compare.
        turns: started, or to be started.
        limits: what one request may cost.
        bins: class name to bin.
        hosts: names that the page goes by, beside those of this machine to itself.
        local: it is for this machine alone.
        address: that it listens at.
        root_path: prefix of its addresses, as `/recycle`; without one they are relative.
    """
    silent: Any = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
    app = FastAPI(title="recycle serve", docs_url=None, redoc_url=None, openapi_url=None, telemetry=silent)
    known, files = map_texts(about(models, limits, bins), shown), static_files()
    top = f"{root_path}/" if root_path else ""
    templates = {"/": "serve.html.j2", "/children": "children.html.j2"}
    pages = {path: page(template, known, local, top) for path, template in templates.items()}

    @app.api_route("/", methods=["GET", "HEAD"])
    @app.api_route("/children", methods=["GET", "HEAD"])
    async def show(request: Request) -> HTMLResponse:
        return HTMLResponse(pages[request.url.path])

    @app.api_route("/static/{name}", methods=["GET", "HEAD"])
    async def static(name: str) -> Response:
        if name not in files:
            raise RequestRejected(404, "there is no such file")
        content, kind = files[name]
        return Response(content, media_type=kind)

    @app.api_route("/api/about", methods=["GET", "HEAD"])
    async def describe() -> JSONResponse:
        return JSONResponse(known)

    @app.post("/api/predict")
    async def predict(request: Request, trick: Tricks = [], compare: bool = False) -> Response:
        _refuse_unknown(request, "trick", "compare")
        asked = models if compare else models[:1]
        if len(asked) < 1 + compare:
            raise RequestRejected(422, "there is one run alone", "start the page with --compare-with RUN2")
        return await _answered(request, turns, limits, partial(_predict, asked, trick, limits))

    @app.post("/api/mask")
    async def mask(request: Request, trick: Tricks = [], run: Annotated[int, Query(ge=0)] = 0) -> Response:
        _refuse_unknown(request, "trick", "run")
        if run >= len(models):
            raise RequestRejected(422, f"there is no run {run}", f"there are {len(models)}, counted from 0")
        return await _answered(request, turns, limits, partial(_mask, models[run], trick, limits))

    for kind in (RequestRejected, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _refused)
    app.add_middleware(Guard, hosts=hosts, address=address, root_path=root_path)
    return app


def _refuse_unknown(request: Request, *valid: str) -> None:
    """Refuse parameters of an address that would be passed over."""
    for name in request.query_params:
        if name not in valid:
            raise RequestRejected(
                422, f"{request.url.path} has no parameter {name!r}", f"it takes {' and '.join(valid)}"
            )


async def _answered(
    request: Request, turns: FairQueue, limits: Limits, work: Callable[[bytearray, Ticket], Response]
) -> Response:
    """The answer to a request that holds a photo: a place, then the photo, then its turn."""
    address = request.client.host if request.client else ""
    try:
        with ExitStack() as held:
            place = held.enter_context(turns.place(address, request.headers.get(PAGE, "")[:40]))
            data = await read_upload(request, limits)
            await run_in_threadpool(check_photo, data, limits)
            answer = await turns.run(place, partial(work, data, place), partial(_left, request))
            return _Held(answer, held.pop_all())
    except (ClientDisconnect, ClientGone):
        return Response(status_code=499)  # nobody reads it
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise RequestRejected(503, "out of memory", "send a smaller photo, or switch off tricks") from error
    except RecycleError as error:  # scores of the run, or of one of the tricks, that are not finite
        raise RequestRejected(500, str(error.args[0]), error.remedy) from error
    except Exception as error:
        fault = as_raised(error)  # of a part, which it names; else it is raised again
        log.error(f"error: {fault.args[0]}")
        raise RequestRejected(500, str(fault.args[0]), fault.remedy) from error


class _Held(Response):
    """An answer that keeps its place until it was sent."""

    def __init__(self, answer: Response, place: ExitStack) -> None:
        super().__init__()
        self._answer, self._place = answer, place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and free the place."""
        with self._place:
            await self._answer(scope, receive, send)


async def _left(request: Request) -> None:
    """Return when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _predict(
    models: Sequence[LoadedRun], tricks: Sequence[str], limits: Limits, data: bytearray, place: Ticket
) -> Response:
    """What the models say of a photo, as JSON."""
    pipelines = _pipelines(models, tricks, limits)
    photo = read_photo(data, limits.look)
    answers, predictions = [], []
    for model, pipeline in zip(models, pipelines, strict=True):
        place.stay()
        predictions.append(model.predict(photo.pixels, pipeline))
        answers.append(answer_of(model, predictions[-1], pipeline))
    content: dict[str, Any] = {
        "photo": {
            "height": photo.height,
            "width": photo.width,
            "seen_height": photo.pixels.shape[0],
            "seen_width": photo.pixels.shape[1],
            "reduced": photo.reduced,
            "note": photo.note,
            "picture": jpeg_uri(photo.pixels),
        },
        "runs": answers,
    }
    if len(models) == 2:
        content["agreement"] = agreement(models[0], predictions[0], models[1], predictions[1])
    return JSONResponse(map_texts(content, shown))


def _mask(model: LoadedRun, tricks: Sequence[str], limits: Limits, data: bytearray, place: Ticket) -> Response:
    """The mask that `recycle predict` writes, at the photo's own size; reduced where that is beyond the bound."""
    (pipeline,) = _pipelines([model], tricks, limits)
    photo = read_photo(data, pixels=limits.mask)
    place.stay()
    labels = model.predict(photo.pixels, pipeline, confident=False).labels
    stream = io.BytesIO()
    palette_image(labels, np.array(model.palette, np.uint8)).save(stream, "PNG", compress_level=1)
    name = {"Content-Disposition": 'attachment; filename="mask.png"'}
    return Response(stream.getvalue(), media_type="image/png", headers=name)


def _pipelines(models: Sequence[LoadedRun], tricks: Sequence[str], limits: Limits) -> list[Pipeline]:
    """The pipeline of each model; RequestRejected where no model has one of the tricks."""
    for trick in tricks:
        if trick != PLAIN_MODEL and not any(trick in model.tricks for model in models):
            valid = sorted({name for model in models for name in model.tricks})
            raise RequestRejected(422, f"no trick is called {trick!r}", suggest(trick, valid))
    return [model.pipeline(tricks, limits.passes) for model in models]


async def _refused(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, RequestRejected):
        return answered(error)
    if isinstance(error, HTTPException):
        return answered(
            RequestRejected(error.status_code, str(error.detail).lower(), "see docs/serve.md", error.headers or {})
        )
    return answered(RequestRejected(422, "the address is not understood", "see docs/serve.md"))
