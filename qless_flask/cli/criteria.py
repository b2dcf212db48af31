"""The options that say which jobs are meant."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import click

from qless_flask.models import STATES, Filter

_OPTIONS = (
    click.option("--state", type=click.Choice(STATES), help="In this state."),
    click.option("--queue", "-q", metavar="QUEUE", help="In this queue."),
    click.option("--tag", "-t", metavar="TAG", help="With this tag."),
    click.option("--klass", metavar="KLASS", help="Of this klass."),
    click.option("--worker", metavar="NAME", help="Running, held by this worker."),
    click.option("--group", metavar="GROUP", help="Failed, under this group."),
    click.option("--key", metavar="KEY", help="With this key."),
    click.option("--tracked/--not-tracked", default=None, help="Tracked, or not."),
    click.option("--text", "q", metavar="TEXT", help="Said in klass, failure, or how the jid begins."),
    click.option(
        "--since", type=float, metavar="TIME", help="Came into its state, or is due, then or later (Unix seconds)."
    ),
    click.option(
        "--until", type=float, metavar="TIME", help="Came into its state, or is due, before then (Unix seconds)."
    ),
)
_NAMES = ("state", "queue", "tag", "klass", "worker", "group", "key", "tracked", "q", "since", "until")


def criteria(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a filter; it gets them as one Filter, `wanted`."""

    @wraps(command)
    def with_filter(*args: object, **options: object) -> None:
        wanted = Filter(**{name: options.pop(name) for name in _NAMES})  # type: ignore[arg-type]
        command(*args, wanted=wanted, **options)

    for option in reversed(_OPTIONS):
        with_filter = option(with_filter)
    return with_filter
