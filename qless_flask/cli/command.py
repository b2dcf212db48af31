"""What all commands share: errors in one line, --debug for the traceback, groups that have a default command."""

from __future__ import annotations

import traceback
from typing import Any

import click
from click.decorators import FC

from qless_flask.cli.bearer import TOKEN
from qless_flask.errors import Invalid, Malformed, QlessError, Unauthenticated

FAILED = 1
USAGE = 2
DEBUG = "qless_flask.debug"


class Commands(click.Group):
    """A group whose commands tell an error of ours in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except QlessError as error:
            if ctx.meta.get(DEBUG):
                traceback.print_exc()
            raise Told(error) from error


class Told(click.ClickException):
    """An error of ours, as the command line tells it."""

    def __init__(self, error: QlessError) -> None:
        hint = f" (give it in {TOKEN}, or by --token-file)" if isinstance(error, Unauthenticated) else ""
        super().__init__(f"{error.message}{hint}")
        vars(self)["exit_code"] = USAGE if isinstance(error, (Invalid, Malformed)) else FAILED


def debug_option(command: FC) -> FC:
    """Give a command --debug."""
    return click.option(
        "--debug", is_flag=True, expose_value=False, callback=_note_debug, help="Show the traceback of an error."
    )(command)


class DefaultCommand(click.Group):
    """A group in which a first word that names no command, or an option, belongs to the command named `default`.

    With `bare`, no word at all means that command too. Its options stand in the help of the group.
    """

    def __init__(self, *args: Any, default: str, bare: bool = False, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._default = default
        self._bare = bare

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if self._means_default(ctx, args):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        default = self.commands[self._default]
        with click.Context(default, ctx, self._default) as inner:
            default.format_options(inner, formatter)
        self.format_commands(ctx, formatter)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        default = self.commands[self._default]
        with click.Context(default, ctx, self._default) as inner:
            return ["[COMMAND]", *default.collect_usage_pieces(inner)]

    def _means_default(self, ctx: click.Context, args: list[str]) -> bool:
        if not args:
            return self._bare
        if args[0] in self.commands or args[0] in ctx.help_option_names:
            return False
        # Where it takes no arguments, a word that is no command is a slip.
        takes_words = any(isinstance(each, click.Argument) for each in self.commands[self._default].params)
        return takes_words or args[0].startswith("-")


def _note_debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    ctx.meta[DEBUG] = value
