"""Exports of a run to other runtimes. Notebooks use `recycle_export.api`.

`export` writes any format beside its card and compares it with torch; `onnx` is one format, `onnx_run` the script
that goes with it.
"""

from collections.abc import Iterable

from recycle_export.options import OnnxOptions
from recyclecli import hookimpl
from recyclecli.types import Command, ExporterComponent, Requirement


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    yield Command(
        ("export",),
        "recycle_export.command:export",
        "Export the run's best weights, with a script that runs them without recyclecli.",
        epilog="Example: `recycle export last --format onnx`",
    )


@hookimpl
def recycle_exporters() -> Iterable[ExporterComponent]:
    """What this distribution brings."""
    yield ExporterComponent(
        "onnx",
        "recycle_export.onnx:Onnx",
        OnnxOptions,
        "ONNX, with a script that runs it without recyclecli",
        requires=(
            Requirement("onnx", "onnx>=1.17"),
            Requirement("onnxruntime", "onnxruntime>=1.20"),
            Requirement("onnxscript", "onnxscript>=0.5"),
        ),
    )
