"""What a namespace alone is told, as one types it: its policies and trackers, and the back-off of klasses."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from qless_flask.cli.backoff import told_backoff
from qless_flask.cli.settings import QUEUE_OPTIONS, inherit_option, read_typed
from qless_flask.errors import QlessError
from qless_flask.models import PLAN_NAMES, SETTING_NAMES, NamespaceSettings, checked_settings
from qless_flask.schemas import wire


def namespace_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting of a namespace; it gets those typed as `changes`, and `inherit`."""

    @wraps(command)
    def with_changes(*args: object, **options: Any) -> None:
        plans = {name: value for name in PLAN_NAMES if (value := options.pop(name)) is not None}
        changes, inherit = read_typed(options)
        command(*args, changes={**changes, **plans}, inherit=inherit, **options)

    for option in reversed((*QUEUE_OPTIONS, *_OPTIONS, inherit_option((*SETTING_NAMES, *PLAN_NAMES)))):
        with_changes = option(with_changes)
    return with_changes


def print_plans(found: NamespaceSettings) -> None:
    """Print them, a line for each policy, tracker and klass; nothing of those that it has none of."""
    for name in ("policies", "trackers"):
        for chosen in getattr(found, name):
            click.echo(f"{name:<16} {json.dumps(chosen.as_message(), ensure_ascii=False)}")
    for klass, backoff in sorted(found.klass_backoff.items()):
        click.echo(f"{'klass-backoff':<16} {klass} {told_backoff(backoff)}")


def _read(ctx: click.Context, parameter: click.Parameter, typed: str | None) -> object:
    if typed is None:
        return None
    name = str(parameter.name)
    try:
        told = checked_settings({name: wire.opened(wire.decode(typed.encode(errors="replace")))}, namespace=True)
    except QlessError as error:
        raise click.BadParameter(error.message) from error
    return told[name]


_OPTIONS = (
    click.option(
        "--policies", callback=_read, metavar="JSON", help='What is let in: [{"name": "allow_list", "klasses": ["A"]}].'
    ),
    click.option(
        "--trackers", callback=_read, metavar="JSON", help='Who is told by tags: [{"name": "log", "tags": ["*"]}].'
    ),
    click.option(
        "--klass-backoff",
        callback=_read,
        metavar="JSON",
        help='The back-off of klasses: {"A": {"strategy": "fixed", "delay": 5}}.',
    ),
)
