"""`recycle`: the commands, and how each error ends one."""

from __future__ import annotations

import logging
import os
import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Annotated, Any

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]

from recyclecli import __version__
from recyclecli.backends import FIGURES
from recyclecli.bundled import ours
from recyclecli.cli import completion, doctor, plugins, recipes
from recyclecli.cli.candidates import installed
from recyclecli.cli.group import CORE, OpenGroup
from recyclecli.cli.once import Once
from recyclecli.cli.pipes import leave_quietly, nobody_reads, open_closed_streams
from recyclecli.errors import RecycleError
from recyclecli.files import FULL
from recyclecli.home import expanded
from recyclecli.printable import at_words, printable, printable_streams

MAX_PIXELS = "RECYCLE_MAX_PIXELS"  # `recycle_coco.photo` reads it
COMPLETE = "_RECYCLE_COMPLETE"  # set by the scripts in shells/
ISSUES = "https://github.com/recyclecli/recyclecli/issues"
LOADING = "allow more memory where ulimit -v limits it; else install that library, or the package that needs it anew"
EXIT_CODES = {
    0: "done",
    1: "a check found faults, or photos could not be read",
    2: "wrong use or bad input; the message names the cause, the file and the remedy",
    3: "the work started and could not be finished: out of memory, NaN, disk full",
    70: "a bug in recyclecli or a plugin; the message says which, and where to report it",
    130: "interrupted",
    141: "the output's reader is gone, as after `| head`",
}
"""What the exit code of a command means."""


class Commands(OpenGroup):
    """Turns errors into one message and one of `EXIT_CODES`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands of the packages, then the core's."""
        return sorted(super().list_commands(ctx), key=self.commands.__contains__)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help; it ends with a command that is there."""
        if not any(entry.path == ("demo",) for entry in installed(ctx).commands):
            self.epilog = "Start with `recycle doctor`: it says what is installed."
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed."""
        try:
            _refuse_empty(sys.argv[1:])
            _check_max_pixels()
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(130) from None
        except (RecycleError, OSError, MemoryError) as error:
            if isinstance(error, BrokenPipeError) and nobody_reads():  # it may be a pipe between processes, too
                raise typer.Exit(leave_quietly()) from error
            if ctx.params.get("debug"):
                raise
            text, code = _message(error)
            print(f"error: {text}", file=sys.stderr)
            raise typer.Exit(code) from None
        except Exception as error:
            typers = type(error).__module__.startswith(("typer", "click"))
            if typers and hasattr(error, "message"):  # typer prints it with rich, whose own colours pass
                error.message = printable(str(error.message))
            if typers or ctx.params.get("debug"):
                raise
            if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported here
                print(f"error: {_message(MemoryError())[0]}", file=sys.stderr)
                raise typer.Exit(3) from None
            failed = [one for one in (error, error.__cause__) if isinstance(one, ImportError)]
            if any(str(one.path).endswith(tuple(EXTENSION_SUFFIXES)) and one.name not in sys.modules for one in failed):
                print(f"error: a library cannot be loaded: {error}\n  remedy: {LOADING}", file=sys.stderr)
                raise typer.Exit(3) from None
            _report(error)


def _message(error: BaseException) -> tuple[str, int]:
    if isinstance(error, RecycleError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.errno not in FULL:
        return f"{error.strerror or error}: {error.filename or 'no file'}\n  remedy: check its permissions and disk", 2
    if isinstance(error, OSError):
        return f"the disk is full: {error.filename or ''}\n  remedy: free some space, then type the command again", 3
    return "out of memory\n  remedy: lower --batch-size or -o data.size=...", 3


def _report(error: BaseException) -> None:
    plugin, part = getattr(error, "recycle_part", None) or (_plugin_of(error), "")  # of `recycle_data.boundary`
    whose, where = f"the plugin {plugin}" if plugin else "recyclecli", f"the authors of {plugin}" if plugin else ISSUES
    print(f"error: a bug of {whose}: {type(error).__name__}: {error}{part}", file=sys.stderr)
    print(f"  please report it to {where}, with this text and the command", file=sys.stderr)
    print("  `recycle --debug ...` shows where it happened", file=sys.stderr)
    raise typer.Exit(70) from None


def _plugin_of(error: BaseException) -> str | None:
    """The distribution of the plugin whose code was called last before the error; None when there was none."""
    from importlib.metadata import entry_points
    from traceback import walk_tb

    from recyclecli.manifest import known
    from recyclecli.records import GROUP

    manifest = known(0)
    addresses = [(entry.target, entry.distribution) for entry in manifest.commands]
    addresses += [(entry.factory, entry.distribution) for entry in manifest.components]
    targets = {re.split("[.:]", address)[0]: distribution for address, distribution in addresses}
    packages = {point.module.partition(".")[0]: point.dist.name for point in entry_points(group=GROUP) if point.dist}
    own = {CORE, *ours()}
    packages = {module: "" if name in own else name for module, name in {**targets, **packages, CORE: CORE}.items()}
    called = (frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in walk_tb(error.__traceback__))
    owners = [owner for module in called if (owner := packages.get(module))]
    return owners[-1] if owners else None


app = typer.Typer(
    cls=Commands,
    add_completion=False,  # its scripts for bash and zsh cannot complete `-o model.encoder=`
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Semantic segmentation of waste photos: data, copy-paste, training, scores, submissions.",
    epilog="Start with `recycle demo`, or with `recycle data kfold --n 5` in a folder that has a data/.",
)


def _show_version(value: bool) -> None:
    if value:
        print(f"recyclecli {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
    max_pixels: Annotated[
        int | None,
        typer.Option("--max-pixels", min=1, help="Largest photo that is read, in pixels.  [default: 178956970]"),
    ] = None,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""
    if max_pixels is not None:
        os.environ[MAX_PIXELS] = str(max_pixels)


app.command("doctor", cls=Once, epilog="Example: `recycle doctor`")(doctor.doctor)
app.command("completion", cls=Once, epilog="Example: `recycle completion bash >> ~/.bashrc`")(completion.completion)
app.add_typer(plugins.app, name="plugins")
app.add_typer(recipes.app, name="recipes")


def _keep_docstrings() -> None:
    """Begin once more where PYTHONOPTIMIZE takes out docstrings: packages of models add to theirs and cannot load."""
    if sys.flags.optimize > 1 and os.environ.get("PYTHONOPTIMIZE", "1") != "1":
        os.environ["PYTHONOPTIMIZE"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _ordered(arguments: list[str]) -> list[str]:
    """The arguments with the options of every command first."""
    first, rest = [], []
    following = iter(arguments)
    for argument in following:
        if argument == "--max-pixels":
            first += [argument, *(value for value in [next(following, None)] if value is not None)]
        elif argument == "--debug" or argument.startswith("--max-pixels="):
            first.append(argument)
        elif argument == "--":
            rest += [argument, *following]
        else:
            rest.append(argument)
    return first + rest


def _expanded(argument: str) -> str:
    """`--flag=~/x`, `key=~/x` and a quoted `~/x` with the home folder, which shells put in where `~` begins a word.

    `key=~` stays: in YAML it is null.
    """
    name, sign, value = argument.partition("=")
    return f"{name}={expanded(value)}" if sign and re.fullmatch(r"-{0,2}[\w.-]+", name) else expanded(argument)


def _check_max_pixels() -> None:
    """Raise RecycleError where the variable that stands for --max-pixels states no number: photos would be blamed."""
    stated = os.environ.get(MAX_PIXELS) or "1"
    if not stated.isdecimal() or not int(stated):
        raise RecycleError(f"{MAX_PIXELS} is {stated!r}, and no number of pixels", f"unset {MAX_PIXELS}")


def _refuse_empty(arguments: list[str]) -> None:
    """Raise RecycleError for an empty argument: as a path it would be the current folder, which nobody named."""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name = before if not argument else argument[:-1] if re.fullmatch(r"--[\w-]+=", argument) else None
        if name is not None and name != "--root-path":  # whose "" is no prefix
            where = f" after {name}" if name.startswith("--") else ""
            raise RecycleError(f"an argument{where} is empty", "set the variable of the shell that it comes from")


def main() -> None:
    """Entry point; the options of every command are taken wherever they stand."""
    if open_closed_streams():
        print("error: standard output is closed\n  remedy: > /dev/null, where nothing is to be read", file=sys.stderr)
        sys.exit(2)
    _keep_docstrings()
    os.environ.pop(FIGURES, None)  # no command opens a window
    if os.environ.get("COLUMNS") == "0":  # of a terminal without a size: nothing would be shown
        del os.environ["COLUMNS"]
    arguments, before = _ordered([_expanded(argument) for argument in sys.argv[1:]]), os.environ.get(MAX_PIXELS)
    if COMPLETE in os.environ:
        os.environ["COLUMNS"] = "10000"  # an answer is one line, however long its help
        completion_init()
    log, handler = logging.getLogger("recycle"), logging.Handler()  # all of ours log below it
    handler.emit = lambda record: print(at_words(record.getMessage()), file=sys.stderr)  # type: ignore[method-assign]
    own, log.handlers, log.propagate = (log.handlers, log.propagate, log.level), [handler], False
    log.setLevel(logging.INFO)
    try:
        try:
            with printable_streams():
                app(args=arguments, prog_name="recycle")
        finally:
            log.handlers, log.propagate, level = own
            log.setLevel(level)
            sys.stdout.flush()
            os.environ.pop(MAX_PIXELS, None)
            os.environ.update({MAX_PIXELS: before} if before else {})
    except (BrokenPipeError, SystemExit) as end:
        if isinstance(end, SystemExit) and not isinstance(end.__context__, BrokenPipeError):  # rich's and typer's own
            raise
        sys.exit(leave_quietly())
