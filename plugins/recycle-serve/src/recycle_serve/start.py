"""Starting the page: the port first, then the models, then serving until Ctrl-C."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import re
import socket
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import uvicorn
from recycle_engine.offline_augment.offline import checked_device
from recycle_engine.runs import Run

from recycle_serve.app import create_app
from recycle_serve.bins import DEFAULT_BINS, read_bins
from recycle_serve.fair_queue import FairQueue
from recycle_serve.guard import LOOPBACK
from recycle_serve.loaded_run import LoadedRun
from recycle_serve.protocol import idle_timeout
from recycle_serve.refusal import Limits
from recyclecli.errors import RecycleError, join_limited
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe

log = logging.getLogger("recycle.serve")

GRACE = 1  # second that answers under way are waited for at the end


def serve(
    registry: Registry,
    runs: Sequence[tuple[Run, Recipe]],
    host: str,
    port: int,
    allow_hosts: Sequence[str] = (),
    bins: Path | None = None,
    device: str | None = None,
    open_browser: bool = False,
    root_path: str = "",
) -> None:
    """Serve the page of one run, or of two to compare, until Ctrl-C.

    Args:
        registry: the installed components.
        runs: with their recipes.
        host: address to listen at.
        port: 0 for any that is free.
        allow_hosts: names that the page goes by.
        bins: YAML file of the children's page.
        device: torch device; the GPU when there is one.
        open_browser: open the page.
        root_path: prefix that a proxy gives its addresses, as `/recycle`.

    Raises:
        RecycleError: the prefix is none, the port is taken, the host is no address of this machine, a run or the
            bins cannot be used.
    """
    mapping = read_bins(bins)
    root_path = _checked_path(root_path)
    if device is not None:
        checked_device(device)
    local = host in LOOPBACK
    with _listening(host, port) as listener:
        models = [LoadedRun(registry, run, recipe, device) for run, recipe in runs]
        _tell_unknown(models, sorted(set(mapping) - set(DEFAULT_BINS)), bins)
        log.info("warming up")
        for model in models:
            model.predict(np.zeros((1200, 1600, 3), np.uint8), model.pipeline((), 0))
        limits = Limits()
        turns = FairQueue(limits)
        app = create_app(
            models, turns, limits, mapping, allow_hosts, local and not allow_hosts and not root_path, host, root_path
        )
        address = _address(host, listener.getsockname()[1])
        if not local:
            _warn(host, listener.getsockname()[1], allow_hosts)
        names = " and ".join(model.name for model in models)
        address += root_path
        print(f"{names}: {address}/ and, for children, {address}/children\nCtrl-C stops it", flush=True)
        if open_browser:
            webbrowser.open(f"{address}/")
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, proxy_headers=False, server_header=False, lifespan="off",
            timeout_graceful_shutdown=GRACE, http=idle_timeout(limits.idle), ws="none",
        )  # fmt: skip
        logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a broken form is the sender's to know
        turns.start()
        try:
            uvicorn.Server(config).run([listener])
        except KeyboardInterrupt:  # how it is meant to end
            log.info("stopped")
        finally:
            if not turns.end(GRACE / 4):
                atexit.register(_leave, turns)


def _leave(turns: FairQueue) -> None:
    """End the process where a piece of work goes on: its thread must not meet an interpreter that is taken down."""
    if turns.end(0):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections already, so that nobody else gets the port while the models load."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise RecycleError(f"--host {host}: {error.strerror}", "use 127.0.0.1, or 0.0.0.0 for every address") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of an earlier one may linger
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _unbound(host, port, error) from error
    return listener


def _unbound(host: str, port: int, error: OSError) -> RecycleError:
    if error.errno == errno.EADDRINUSE:
        return RecycleError(
            f"port {port} is taken: another program, or another `recycle serve`, listens there",
            f"stop that, or choose another: --port {port + 1}, or --port 0 for any that is free",
        )
    if error.errno == errno.EACCES:
        return RecycleError(f"port {port} is reserved to the system", "choose one from 1024 on")
    return RecycleError(f"--host {host}: {error.strerror}", "use 127.0.0.1, or 0.0.0.0 for every address")


def _checked_path(text: str) -> str:
    """`--root-path` with one slash before it and none behind; nothing for `/`."""
    path = text.strip("/")
    if path and not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)*", path, re.ASCII):
        raise RecycleError(f"--root-path {text!r} is no prefix of addresses", "give a path alone, as /recycle")
    return f"/{path}" if path else ""


def _address(host: str, port: int) -> str:
    shown = "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _warn(host: str, port: int, allow_hosts: Sequence[str]) -> None:
    names = "".join(f" or http://{name}:{port}" for name in allow_hosts)
    log.warning(
        f"warning: with --host {host} everybody who reaches this machine can use the page, without a password, "
        "and photos travel to it unencrypted. Do not put it on the internet.\n"
        f"  Others open http://ADDRESS-OF-THIS-MACHINE:{port}{names}; another name needs --allow-host NAME."
    )


def _tell_unknown(models: Sequence[LoadedRun], names: Sequence[str], bins: Path | None) -> None:
    """Name classes of the bins file that no run knows."""
    known = {name.casefold() for model in models for name in model.class_names}
    unknown = [name for name in names if name.casefold() not in known]
    if unknown:
        log.warning(f"note: no run knows these classes of {bins}: {join_limited(unknown)}")
