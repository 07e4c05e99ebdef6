"""Groups of commands that any installed package adds to, known from the manifest and imported when they are typed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from recyclecli import bundled
from recyclecli.cli.candidates import installed, installed_here
from recyclecli.cli.once import Once
from recyclecli.errors import RecycleError, join_limited
from recyclecli.records import imported

if TYPE_CHECKING:
    from recyclecli.manifest import CommandEntry

CORE = "recyclecli"  # the distribution of the core's own commands


class OpenGroup(TyperGroup):
    """The commands below `path`: its own, and those that installed packages offer.

    Help and completion take names and summaries from the manifest and import none; a command that is typed is
    imported alone.
    """

    path: tuple[str, ...] = ()
    owner = CORE  # the distribution of its own commands

    def list_commands(self, ctx: Any) -> list[str]:
        """The group's own, then those of the packages; what two packages bring is listed with each."""
        return list(dict.fromkeys([*super().list_commands(ctx), *self.offered(ctx)]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command to describe."""
        if cmd_name in self.commands or (found := self.offered(ctx).get(cmd_name)) is None:
            return super().get_command(ctx, cmd_name)
        return _described(cmd_name, (*self.path, cmd_name.partition("@")[0]), found)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - rich draws it
        """Print the help."""
        from recyclecli.cli.help import print_help

        print_help(self, ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A command to run, imported."""
        name, *rest = args
        bare, _, owner = name.partition("@")
        if name.startswith("-"):
            return super().resolve_command(ctx, args)
        if bare in self.commands and owner in ("", self.owner):
            others = [word for word in self.offered(ctx) if word.startswith(f"{bare}@")]
            if others and not owner and not ctx.resilient_parsing:
                if self.owner != CORE:
                    self.say_clash(ctx, bare)
                print(f"note: {join_limited(others)} is offered, too; this is {bare}@{CORE}", file=sys.stderr)
            return super().resolve_command(ctx, [bare, *rest])
        found = self._meant(ctx, name)
        if not found and not ctx.resilient_parsing:
            installed_here(ctx)
            found = self._meant(ctx, name)
        if not found:
            if not ctx.resilient_parsing:  # completion offers nothing then, and says nothing
                self.say_clash(ctx, name)
                _say_missing(ctx, " ".join([*self.path, name]))
            return self._unknown(ctx, args)
        return name, self._loaded(ctx, name, found), rest

    def _meant(self, ctx: Any, name: str) -> list[CommandEntry]:
        """What a word means, which may name its package where that is the only one, too."""
        (bare, _, owner), offered = name.partition("@"), self.offered(ctx)
        return offered.get(name) or [one for one in offered.get(bare, ()) if one.distribution == owner]

    def _unknown(self, ctx: Any, args: list[str]) -> Any:
        """What Typer says of a word that is no command, with the nearest that are; its own list has not all."""
        self.suggest_commands = False
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:  # of a class that Typer keeps to itself
            near = get_close_matches(args[0].partition("@")[0], self.list_commands(ctx))
            if near and isinstance(message := getattr(error, "message", None), str):
                error.message = f"{message} Did you mean {' or '.join(map(repr, near))}?"  # type: ignore[attr-defined]
            raise

    def offered(self, ctx: Any) -> dict[str, list[CommandEntry]]:
        """What the packages offer by the word that is typed next: a command, or all that lies in a group.

        A command that several packages offer is `NAME@DISTRIBUTION` of each.
        """
        manifest, key = installed(ctx), f"{__name__} {' '.join(self.path)}"
        made_from, named = ctx.meta.get(key, (None, None))
        if made_from is not manifest:  # the help asks for each command
            named = self._sorted_out(ctx, manifest.commands)
            ctx.meta[key] = manifest, named
        found: dict[str, list[CommandEntry]] = named
        return found

    def _sorted_out(self, ctx: Any, commands: Iterable[CommandEntry]) -> dict[str, list[CommandEntry]]:
        words: dict[str, list[CommandEntry]] = {}
        depth, own = len(self.path), bundled.ours()
        for entry in sorted(commands, key=lambda entry: entry.distribution not in own):
            if entry.path[:depth] == self.path and len(entry.path) > depth:
                words.setdefault(entry.path[depth], []).append(entry)
        words = dict(sorted(words.items(), key=lambda item: _place(item[1])))
        named: dict[str, list[CommandEntry]] = {}
        for word, entries in words.items():
            heads = [entry for entry in entries if len(entry.path) == depth + 1 and entry.target]
            taken = len({entry.distribution for entry in heads}) > 1 or word in self.taken(ctx)
            named |= {f"{word}@{head.distribution}": [head] for head in heads} if taken else {word: entries}
        return named

    def taken(self, ctx: Any) -> dict[str, str]:  # noqa: ARG002 - a group may ask the manifest
        """Words that mean something here already, with who offers it as `NAME@DISTRIBUTION`."""
        return {name: f"{name}@{self.owner}" for name in self.commands}

    def say_clash(self, ctx: Any, name: str) -> None:
        """Refuse a word that several packages give a meaning.

        Raises:
            RecycleError: it names them, and what to type.
        """
        choices = [word for word in self.offered(ctx) if word.partition("@")[0] == name]
        choices += [self.taken(ctx)[name]] if choices and name in self.taken(ctx) else []
        if choices:
            words = " ".join(["recycle", *self.path])
            raise RecycleError(
                f"{words} {name} is offered by {join_limited(word.partition('@')[2] for word in choices)}",
                f"say which: {' or '.join(f'{words} {word}' for word in choices)}",
            )

    def _loaded(self, ctx: Any, name: str, entries: list[CommandEntry]) -> Any:
        path = (*self.path, name.partition("@")[0])
        heads = [entry for entry in entries if entry.path == path]
        head = next((entry for entry in heads if entry.target), None)
        if head is None:
            return _described(name, path, entries)
        command = command_of(head)
        if len(entries) == 1 or isinstance(command, OpenGroup):
            return command
        if not isinstance(command, TyperGroup):
            raise _two_kinds(ctx, path, head, entries)
        merged = OpenGroup(
            name=name,
            commands=dict(command.commands),
            help=command.help if heads[0] is head else heads[0].summary,
            epilog=command.epilog,
            callback=command.callback,
            params=command.params,
            invoke_without_command=command.invoke_without_command,
            no_args_is_help=command.no_args_is_help,
            rich_markup_mode="markdown",
            context_settings=command.context_settings,
        )
        merged.path, merged.owner = path, head.distribution
        return merged


def _two_kinds(ctx: Any, path: tuple[str, ...], head: CommandEntry, entries: list[CommandEntry]) -> RecycleError:
    """What is said of a command in whose place another entry has a group."""
    others = sorted({entry.distribution for entry in entries if entry is not head} - {head.distribution})
    words = f"recycle {' '.join(path)}"
    if not others:
        owner = head.distribution
        return RecycleError(f"{words} is both a command and a group of {owner}", f"update {owner}")
    strangers = [name for name in (*others, head.distribution) if name not in bundled.ours()]
    kept = [name for name in installed(ctx).packages if name != CORE and name not in strangers[:1]]
    return RecycleError(
        f"{words} is a command of {head.distribution} and a group of {join_limited(others)}",
        f"uninstall one of them, or leave one out: RECYCLE_PLUGINS={','.join(kept)}",
    )


def _place(entries: list[CommandEntry]) -> int:
    """Where they stand in the help: ours in their order, then those of others."""
    order = list(bundled.commands())
    names = [" ".join(entry.path) for entry in entries if entry.target]
    return min((order.index(name) for name in names if name in order), default=len(order))


def _say_missing(ctx: Any, words: str) -> None:
    """Refuse a command of ours whose package is not there.

    Raises:
        RecycleError: it names the package.
    """
    package = next((one for name, one in bundled.commands().items() if f"{name} ".startswith(f"{words} ")), None)
    if package is None:
        if failed := installed(ctx).failed:
            print(f"note: not loaded: {join_limited(failed)} (see `recycle plugins list`)", file=sys.stderr)
        return
    if package in installed(ctx).packages:
        raise RecycleError(f"recycle {words} comes with {package}, which does not load", "see `recycle plugins list`")
    raise RecycleError(
        f"recycle {words} comes with {package}, which is not installed",
        f"in a checkout of recyclecli: pip install ./plugins/{package}",
    )


def command_of(entry: CommandEntry) -> Any:
    """The command that an entry's target is, imported.

    Raises:
        RecycleError: it cannot be imported, or Typer can make no command of it.
    """
    whose = f"the command {' '.join(entry.path)} of {entry.distribution}"
    try:
        with redirect_stdout(sys.stderr):  # what a package prints while it loads is no result
            target = imported(entry.target)
    except (Exception, SystemExit) as error:
        raise RecycleError(
            f"{whose}: {entry.target} cannot be imported: {type(error).__name__}: {error}",
            f"reinstall or update {entry.distribution}",
        ) from error
    app = target if isinstance(target, typer.Typer) else typer.Typer(rich_markup_mode="markdown", add_completion=False)
    try:
        if app is not target:
            app.command(entry.path[-1], cls=Once, epilog=entry.epilog or None)(target)
        app._add_completion = False  # Typer's own scripts cannot complete `-o model.encoder=`
        command = typer.main.get_command(app)
    except Exception as error:  # typer's are of many types
        raise RecycleError(
            f"{whose}: Typer can make no command of {entry.target}: {error}", f"update {entry.distribution}"
        ) from error
    if isinstance(command, OpenGroup):
        command.path = entry.path
    elif isinstance(command, TyperCommand | TyperGroup):
        command.epilog = command.epilog or entry.epilog or None
    _once(command)
    return command


def _once(command: Any) -> None:
    """Let the commands of an app refuse what is given twice, too."""
    if type(command) is TyperCommand:
        command.__class__ = Once
    for inner in getattr(command, "commands", {}).values():
        _once(inner)


def _described(name: str, path: tuple[str, ...], entries: list[CommandEntry]) -> Any:
    """A command or group as the help shows it: it has its summary, and is not imported."""
    heads = [entry for entry in entries if entry.path == path]
    head = heads[0] if heads else entries[0]
    owners = sorted({entry.distribution for entry in entries})
    summary = head.summary if heads else f"Commands of {join_limited(owners)}."
    panel = None if head.distribution in bundled.ours() else head.distribution
    if len(entries) == 1 and head.target and heads:
        return TyperCommand(name, help=summary, rich_markup_mode="markdown", rich_help_panel=panel)
    group = OpenGroup(name=name, help=summary, no_args_is_help=True, rich_markup_mode="markdown", rich_help_panel=panel)
    group.path = path
    return group
