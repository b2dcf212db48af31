"""Settings of queues as one types them, and as they are told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any

import click
from click.decorators import FC

from qless_flask.cli.backoff import read_backoff, told_backoff
from qless_flask.errors import Invalid, QlessError
from qless_flask.models import SETTING_NAMES, Backoff, Keep, QueueSettings, Rate, Retention, Setting

NONE = "none"


def settings_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting; it gets those typed as `changes`, and `inherit`."""

    @wraps(command)
    def with_changes(*args: object, **options: Any) -> None:
        changes, inherit = read_typed(options)
        command(*args, changes=changes, inherit=inherit, **options)

    for option in reversed((*QUEUE_OPTIONS, inherit_option(SETTING_NAMES))):
        with_changes = option(with_changes)
    return with_changes


def read_typed(options: dict[str, Any]) -> tuple[dict[str, Setting], tuple[str, ...]]:
    """Take the settings of queues out of what was typed, and the names of those to go back to what holds without."""
    typed = {name: options.pop(name) for name in SETTING_NAMES}
    changes = {name: None if value == NONE else value for name, value in typed.items() if value not in (None, ())}
    return changes, tuple(name.replace("-", "_") for name in options.pop("inherit"))


def print_settings(settings: QueueSettings, own: Collection[str]) -> None:
    """Print settings, a line for each; in brackets those that are not of its own."""
    for name in SETTING_NAMES:
        told = _told(getattr(settings, name))
        click.echo(f"{_typed_name(name):<16} {told if name in own else f'({told})'}")


def _read_seconds(ctx: click.Context, parameter: click.Parameter, typed: str | None) -> float | str | None:
    return _read_number(float, typed, "a number")


def _read_whole(ctx: click.Context, parameter: click.Parameter, typed: str | None) -> float | str | None:
    return _read_number(int, typed, "a whole number")


def _read_number(kind: Callable[[str], float], typed: str | None, like: str) -> float | str | None:
    if typed is None or typed == NONE:
        return typed
    try:
        return kind(typed)
    except ValueError as error:
        raise _no_such(f"{typed!r} is neither none nor {like}", error) from error


def _read_rate(ctx: click.Context, parameter: click.Parameter, typed: str | None) -> Rate | str | None:
    if typed is None or typed == NONE:
        return typed
    try:
        limit, _, per = typed.partition("/")
        return Rate(int(limit), float(per))
    except (QlessError, ValueError) as error:
        raise _no_such(f"{typed!r} is neither none nor like 100/60", error) from error


def _read_retention(ctx: click.Context, parameter: click.Parameter, typed: tuple[str, ...]) -> Retention | None:
    try:
        return Retention(**dict(map(_read_keep, typed))) if typed else None
    except (QlessError, ValueError) as error:
        raise _no_such(f"{' '.join(typed)!r} is not like failed:86400:1000", error) from error


def _read_keep(typed: str) -> tuple[str, Keep]:
    state, age, count = typed.split(":")
    states = [each.name for each in fields(Retention)]
    if state not in states:
        raise Invalid.of({state: [f"must be one of {', '.join(states)}"]})
    return state, Keep(float(age), int(count))


def _no_such(told: str, error: Exception) -> click.BadParameter:
    """Tell what is wrong, with our own words for it, but not those of Python."""
    return click.BadParameter(f"{told}: {error.message}" if isinstance(error, QlessError) else told)


def _told(value: Setting) -> str:
    if value is None:
        return NONE
    if isinstance(value, Backoff):
        return told_backoff(value)
    if isinstance(value, Rate):
        return f"{value.limit}/{value.per:g}"
    if isinstance(value, Retention):
        kept = ((each.name, getattr(value, each.name)) for each in fields(value))
        return " ".join(f"{state}:{keep.age:.15g}:{keep.count}" for state, keep in kept)
    return f"{value:.15g}"


def _typed_name(name: str) -> str:
    return name.replace("_", "-")


QUEUE_OPTIONS = (
    click.option(
        "--heartbeat",
        callback=_read_seconds,
        metavar="SECONDS",
        help="How long a lease lives without one; none: for ever.",
    ),
    click.option("--retries", type=int, metavar="N", help="Retries after the first run, for jobs that don't say."),
    click.option("--max-losses", type=int, metavar="N", help="How often a lease may be lost before the job fails."),
    click.option(
        "--max-run", callback=_read_seconds, metavar="SECONDS", help="How long a run may take; none: any time."
    ),
    click.option(
        "--backoff",
        callback=read_backoff,
        metavar="BACKOFF",
        help="For retries without a delay: fixed:100, exponential:15:2:3600, table:1:5:60, or JSON.",
    ),
    click.option(
        "--max-concurrency", callback=_read_whole, metavar="N", help="How many jobs may run at once; none: any number."
    ),
    click.option("--rate", callback=_read_rate, metavar="N/SECONDS", help="At most so many pops in so long; none."),
    click.option(
        "--key-concurrency", callback=_read_whole, metavar="N", help="How many jobs of one key may run at once; none."
    ),
    click.option("--key-rate", callback=_read_rate, metavar="N/SECONDS", help="The rate of the jobs of one key; none."),
    click.option(
        "--max-size", callback=_read_whole, metavar="N", help="How many jobs may be there before they run; none."
    ),
    click.option(
        "--retention",
        multiple=True,
        callback=_read_retention,
        metavar="STATE:SECONDS:N",
        help="What to keep of complete, canceled and failed jobs; those not named as by default.",
    ),
)


def inherit_option(names: Sequence[str]) -> Callable[[FC], FC]:
    """Build the option that names settings to give up."""
    return click.option(
        "--inherit",
        multiple=True,
        type=click.Choice([_typed_name(name) for name in names]),
        metavar="SETTING",
        help="Go back to what holds without a setting of its own; may stand several times.",
    )
