"""`qless-flask recurrences`."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from qless_flask.cli.backoff import told_backoff
from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.options import job_options
from qless_flask.cli.output import print_facts, print_json, print_table, told_seconds, told_time
from qless_flask.cli.target import Target, person, target_options
from qless_flask.client.recurrences import Recurrences
from qless_flask.models import OVERLAPS, Backoff, Catchup, Overlap, Recurrence, Recurring
from qless_flask.recurrence import upcoming
from qless_flask.schemas.jobs import PutSchema
from qless_flask.schemas.recurrences import RecurringSchema


@click.group(
    cls=DefaultCommand, default="list", bare=True, short_help="Put jobs again and again: add, list, pause rules."
)
def recurrences() -> None:
    """List the rules by which jobs are put again and again, or steer one.

    \b
    qless-flask recurrences
    qless-flask recurrences add mail Digest --cron "0 7 * * mon-fri" --timezone Europe/Berlin --id digest
    qless-flask recurrences pause digest
    qless-flask recurrences preview --every 90
    """


def _times(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--every", "interval", type=float, metavar="SECONDS", help="Every so many seconds."),
        click.option("--cron", metavar='"M H DOM MON DOW"', help="When the five fields of crontab(5) say so."),
        click.option("--timezone", default="UTC", show_default=True, metavar="ZONE", help="Where --cron is meant."),
        click.option("--first-at", type=float, metavar="TIME", help="Not before then (Unix seconds)."),
    )
    for option in reversed(options):
        command = option(command)
    return command


_CATCHUPS: dict[str, Catchup] = {"one": "one", "none": "none"}


def _read_catchup(ctx: click.Context, parameter: click.Parameter, typed: str) -> Catchup:
    if typed in _CATCHUPS:
        return _CATCHUPS[typed]
    if typed.isdecimal():
        return int(typed)
    raise click.BadParameter(f"{typed!r} is neither one, none nor a number")


@recurrences.command("list", short_help="List rules (also: recurrences).")
@target_options
def list_(target: Target) -> None:
    """List all rules, by id."""
    with target.open() as namespace:
        found = list(Recurrences(namespace).summaries())
    if target.json:
        print_json({"recurrences": RecurringSchema(many=True).dump(found)})
    elif found:
        rows = (
            (str(each.rule.id), each.rule.klass, each.rule.queue, _told_times(each.rule), _next(each), str(each.fired))
            for each in found
        )
        print_table(("id", "klass", "queue", "times", "next", "fired"), rows)
    else:
        click.echo(f"No recurrences in namespace {target.namespace} of {target.shown_url} yet.")


@recurrences.command(short_help="Make a rule, or replace one.")
@click.argument("queue")
@click.argument("klass")
@click.argument("data", default="{}")
@_times
@click.option("--id", metavar="ID", help="Its id; the rule that has it is replaced. Without one it is given one.")
@click.option(
    "--overlap",
    type=click.Choice(OVERLAPS),
    default="allow",
    show_default=True,
    help="skip: put none while the last one has not ended.",
)
@click.option(
    "--catchup",
    callback=_read_catchup,
    default="one",
    show_default=True,
    metavar="one|none|N",
    help="Of the times missed: the latest, none, or the latest N.",
)
@click.option("--count", type=int, metavar="N", help="How many times in all, else for ever.")
@job_options
@target_options
def add(
    target: Target,
    queue: str,
    klass: str,
    data: str,
    *,
    interval: float | None,
    cron: str | None,
    timezone: str,
    first_at: float | None,
    id: str | None,
    overlap: Overlap,
    catchup: Catchup,
    count: int | None,
    priority: int,
    tags: tuple[str, ...],
    retries: int | None,
    pipeline: tuple[str, ...],
    backoff: Backoff | None,
    max_run: float | None,
    expires_in: float | None,
    requires: tuple[str, ...],
    key: str | None,
) -> None:
    """Put a job of KLASS into QUEUE again and again, and print the id of that rule."""
    rule = Recurrence(
        klass,
        data,
        queue=queue,
        id=id,
        interval=interval,
        cron=cron,
        timezone=timezone,
        first_at=first_at,
        overlap=overlap,
        catchup=catchup,
        count=count,
        priority=priority,
        tags=tags,
        retries=retries,
        pipeline=pipeline,
        backoff=backoff,
        max_run=max_run,
        expires_in=expires_in,
        requires=requires,
        key=key,
    )
    with target.open() as namespace:
        made = namespace.recur(rule, actor=person())
    if target.json:
        print_json(RecurringSchema().dump(made))
    else:
        click.echo(made.rule.id)


@recurrences.command()
@click.argument("id")
@target_options
def show(target: Target, id: str) -> None:
    """Show the rule ID, and how far it is."""
    with target.open() as namespace:
        [found] = namespace.recurrences([id])
    _print(target, found)


@recurrences.command()
@click.argument("id")
@target_options
def pause(target: Target, id: str) -> None:
    """Let the rule ID put nothing by itself until it is resumed."""
    with target.open() as namespace:
        _print(target, namespace.pause_recurrence(id, actor=person()))


@recurrences.command()
@click.argument("id")
@target_options
def resume(target: Target, id: str) -> None:
    """Let the rule ID go on, with its next time from now on."""
    with target.open() as namespace:
        _print(target, namespace.resume_recurrence(id, actor=person()))


@recurrences.command()
@click.argument("id")
@target_options
def run(target: Target, id: str) -> None:
    """Put a job of the rule ID now, and print its jid."""
    with target.open() as namespace:
        put = namespace.run_recurrence(id, actor=person())
    if target.json:
        print_json(PutSchema().dump(put))
    else:
        click.echo(put.jid)


@recurrences.command()
@click.argument("id")
@target_options
def rm(target: Target, id: str) -> None:
    """Delete the rule ID; the jobs that it has put stay."""
    with target.open() as namespace:
        namespace.unrecur(id, actor=person())


@recurrences.command()
@_times
@click.option("--times", type=click.IntRange(1, 1000), default=10, show_default=True, help="So many of them.")
@click.option("--json", is_flag=True, help="Answer in JSON, as the HTTP API does.")
def preview(
    interval: float | None, cron: str | None, timezone: str, first_at: float | None, times: int, json: bool
) -> None:
    """Tell when a rule made now would be due, as the clock here shows it; no store is asked."""
    rule = Recurrence("any", queue="any", interval=interval, cron=cron, timezone=timezone, first_at=first_at)
    due = upcoming(rule, time.time(), times)
    if json:
        print_json({"next": due})
        return
    for at in due:
        click.echo(told_time(at))


def _print(target: Target, recurring: Recurring) -> None:
    if target.json:
        print_json(RecurringSchema().dump(recurring))
        return
    rule = recurring.rule
    print_facts(
        {
            "id": str(rule.id),
            "klass": rule.klass,
            "queue": rule.queue,
            "then": ", ".join(rule.pipeline),
            "times": _told_times(rule),
            "next": _next(recurring),
            "fired": str(recurring.fired) + ("" if rule.count is None else f" of {rule.count}"),
            "last": f"{recurring.last_jid}, for {told_time(recurring.last_at)}" if recurring.last_jid else "",
            "overlap": rule.overlap,
            "catch-up": str(rule.catchup),
            "priority": str(rule.priority),
            "tags": ", ".join(rule.tags),
            "retries": "" if rule.retries is None else str(rule.retries),
            "back-off": told_backoff(rule.backoff) if rule.backoff else "",
            "max run": f"{rule.max_run:g} s" if rule.max_run else "",
            "expires": f"{rule.expires_in:g} s after it is put" if rule.expires_in else "",
            "requires": ", ".join(rule.requires),
            "key": rule.key or "",
            "data": rule.data,
        }
    )


def _told_times(rule: Recurrence) -> str:
    return f"every {told_seconds(rule.interval)}" if rule.cron is None else f"{rule.cron} {rule.timezone}"


def _next(recurring: Recurring) -> str:
    return "paused" if recurring.paused else told_time(recurring.next_at) or "never"
