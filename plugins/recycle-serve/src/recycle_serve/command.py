"""`recycle serve`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from recycle_engine.cli.options import RunName


def serve(
    run: RunName,
    other: Annotated[
        str | None, typer.Option("--compare-with", metavar="RUN2", help="A second run, shown side by side.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 allows other machines to connect.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 selects a free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", metavar="NAME", help="Host name by which other machines open the page; repeatable."
        ),
    ] = None,
    root_path: Annotated[str, typer.Option("--root-path", metavar="/PATH", help="URL prefix behind a proxy.")] = "",
    bins: Annotated[
        Path | None,
        typer.Option("--bins", metavar="FILE", help="YAML file with the bin of each class; see docs/serve.md."),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="Torch device.  [default: the GPU where there is one]")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Start a local web page: drop a photo, see its materials. Photos stay on this machine.

    `/children` shows which bin each object belongs in. Ctrl-C stops the server.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else threads that wait for each other keep the cores busy
    from recycle_serve import api

    api.serve(run, other, host, port, allow_host or (), bins, device, open_browser, root_path)
