"""The web page as a function, for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recycle_data.api import Place
from recycle_data.workspace import in_workspace
from recycle_engine.api import find_run, recipe_of, registry
from recycle_engine.runs import Run

from recyclecli.home import expanded


@in_workspace
def serve(
    run: Run | Place,
    other: Run | Place | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    allow_hosts: Sequence[str] = (),
    bins: Place | None = None,
    device: str | None = None,
    open_browser: bool = False,
    root_path: str = "",
) -> None:
    """Serve the local web page until Ctrl-C; see `recycle_serve.start.serve`.

    Args:
        run: whose materials are shown.
        other: a second run, to compare side by side.
        host: address to listen at.
        port: 0 for any that is free.
        allow_hosts: names that the page goes by.
        bins: YAML file: class name to bin name, colour and icon.
        device: torch device; the GPU when there is one.
        open_browser: open the page.
        root_path: prefix that a proxy gives its addresses, as `/recycle`.
    """
    from recycle_serve.start import serve as start

    runs = [find_run(each) for each in (run, other) if each is not None]
    pairs = [(each, recipe_of(each)) for each in runs]
    start(
        registry(),
        pairs,
        host,
        port,
        allow_hosts,
        Path(expanded(str(bins))) if bins else None,
        device,
        open_browser,
        root_path,
    )
