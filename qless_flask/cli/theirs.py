"""Commands that plugins add; looked for only when they are needed, so that no other command waits for them."""

from __future__ import annotations

from collections.abc import Mapping

import click

from qless_flask.cli.command import Commands
from qless_flask.cli.plugin_options import look_for_plugins, plugins_of_environment
from qless_flask.plugins import Plugins
from qless_flask.plugins.sources import is_any

COMMANDS = "qless_flask.commands"


class OursAndTheirs(Commands):
    """A group in which names that are none of ours may be a plugin's command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_theirs(ctx, self.commands))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _theirs(ctx, self.commands).get(cmd_name)


def _theirs(ctx: click.Context, ours: Mapping[str, click.Command]) -> Mapping[str, click.Command]:
    if COMMANDS not in ctx.meta:
        settings = plugins_of_environment()
        # Those built in add none.
        found = _added(look_for_plugins(settings), ours) if is_any(settings) else {}
        ctx.meta[COMMANDS] = found
    commands: Mapping[str, click.Command] = ctx.meta[COMMANDS]
    return commands


def _added(plugins: Plugins, ours: Mapping[str, click.Command]) -> dict[str, click.Command]:
    """Have the plugins add their commands; where two add one name, the one that is asked first has it."""
    commands: dict[str, click.Command] = {}
    for call in plugins.calls("register_commands"):
        # Each fills a group of its own, so that a broken one leaves nothing half done.
        group = click.Group()
        try:
            call(group=group)
        except (Exception, SystemExit) as error:  # noqa: BLE001  counted by the call; whatever it is, ours must work
            click.echo(f"Warning: plugin {call.plugin} adds no commands: {type(error).__name__}: {error}", err=True)
            continue
        for name in sorted(group.commands.keys() & ours.keys()):
            click.echo(f"Warning: plugin {call.plugin} cannot replace the command {name}", err=True)
        commands = {**group.commands, **commands}
    return {name: command for name, command in commands.items() if name not in ours}
