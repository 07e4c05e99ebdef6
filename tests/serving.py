"""The web page's server with a model that knows red from black, for tests of `recycle serve`."""

import asyncio
import contextlib
import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import uvicorn
from PIL import Image
from recycle_engine.inference.loaded import Result
from recycle_engine.pipeline import Pipeline
from recycle_serve.app import create_app
from recycle_serve.bins import DEFAULT_BINS
from recycle_serve.fair_queue import FairQueue
from recycle_serve.refusal import Limits

HOST = "http://127.0.0.1:8000"
LIMITS = Limits(size=2**20, pixels=10_000_000, look=400, mask=200_000)


class Fake:
    """A model whose label is how red a pixel is."""

    name, size, own = "fake", 64, ()
    tricks = {"hflip": "views"}

    def __init__(self, class_names=("Background", "Paper", "</script><b>Metal"), palette=None):
        self.class_names = class_names
        self.palette = palette or [(0, 0, 0), (230, 159, 0), (86, 180, 233)]
        self.seen = []

    def pipeline(self, names, passes):
        return Pipeline(views=tuple(name for name in names if name in self.tricks))

    def predict(self, pixels, pipeline, confident=True):
        self.seen.append(pixels.shape)
        labels = np.digitize(pixels[..., 0], [85, 170]).astype(np.uint8)
        return Result(labels, self.class_names, np.full(labels.shape, 0.8, np.float32))


@contextlib.contextmanager
def serving(*models, limits=LIMITS, **settings):
    """The application of some models, at work."""
    turns = FairQueue(limits)
    turns.start()
    try:
        yield create_app(models or (Fake(),), turns, limits, DEFAULT_BINS, **settings)
    finally:
        turns.end(5)


@contextlib.contextmanager
def listening(**settings):
    """The port of the page of a model, served as `recycle serve` does."""
    with serving(**settings) as app, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # who asks before the server runs waits
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", proxy_headers=False, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def encoded(image, form="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def thirds(width=90, height=60):
    """A photo whose left, middle and right third have the three labels."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 3 : 2 * width // 3, 0] = 128
    pixels[:, 2 * width // 3 :, 0] = 255
    return Image.fromarray(pixels)


def run(coroutine):
    """What a coroutine gives, in a thread of its own: the browser's tests keep a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
