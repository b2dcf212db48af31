"""`qless-flask job`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.output import print_json, print_outcomes, print_table, told_time
from qless_flask.cli.target import Target, person, target_options
from qless_flask.errors import JobNotFound, QlessError
from qless_flask.models import STATES, Changes, Filter, HistoryEntry, Job, LogLine
from qless_flask.schemas.jobs import JobSchema, LogLineSchema, PageSchema


@click.group(cls=DefaultCommand, default="show", short_help="Show a job, list those that match, or steer some by hand.")
def job() -> None:
    """Show a job, list those that match, or steer some by hand.

    \b
    qless-flask job JID
    qless-flask job list --state failed --group ImportError
    qless-flask job move JID JID --to fetch
    qless-flask job cancel JID
    """


@job.command(short_help="Show a job (also: job JID).")
@click.argument("jid")
@target_options
def show(target: Target, jid: str) -> None:
    """Show a job with its data and history."""
    with target.open() as namespace:
        [found] = namespace.get([jid])
    if found is None:
        raise JobNotFound.about(jid)
    if target.json:
        print_json(JobSchema().dump(found))
    else:
        _print_job(found)


@job.command("list")
@click.option("--state", type=click.Choice(STATES), help="In this state.")
@click.option("--queue", "-q", metavar="QUEUE", help="In this queue.")
@click.option("--tag", "-t", metavar="TAG", help="With this tag.")
@click.option("--klass", metavar="KLASS", help="Of this klass.")
@click.option("--worker", metavar="NAME", help="Running, held by this worker.")
@click.option("--group", metavar="GROUP", help="Failed, under this group.")
@click.option("--text", "q", metavar="TEXT", help="Said in klass, failure group or message, or how the jid begins.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="So many at most.")
@click.option("--cursor", metavar="CURSOR", help="Go on where the last list ended.")
@target_options
def list_(target: Target, limit: int, cursor: str | None, **criteria: str | None) -> None:
    """List the jobs that match, waiting ones in the order of pops."""
    wanted = Filter(**criteria)  # type: ignore[arg-type]
    with target.open() as namespace:
        page = namespace.select(wanted, cursor, limit)
    if target.json:
        print_json(PageSchema().dump(page))
        return
    if page.jobs:
        header = ("jid", "klass", "queue", "state", "priority", "failure")
        print_table(header, ([*_columns(each)] for each in page.jobs))
    if page.next:
        click.echo(f"There may be more: --cursor {page.next}", err=True)


@job.command(short_help="Show what its workers logged about a job.")
@click.argument("jid")
@target_options
def log(target: Target, jid: str) -> None:
    """Show the lines that its workers have logged about a job."""
    with target.open() as namespace:
        lines = namespace.lines(jid)
    if target.json:
        print_json({"lines": LogLineSchema(many=True).dump(lines)})
    for line in [] if target.json else lines:
        click.echo(_told_line(line))


@job.command(short_help="Stop jobs for good.")
@click.argument("jids", nargs=-1, required=True, metavar="JID...")
@target_options
def cancel(target: Target, jids: tuple[str, ...]) -> None:
    """Stop jobs for good; the worker of a running one learns at its next heartbeat."""
    with target.open() as namespace:
        _print_outcomes(target, jids, namespace.cancel(jids, actor=person()))


@job.command(short_help="Put jobs into a queue, whatever their state.")
@click.argument("jids", nargs=-1, required=True, metavar="JID...")
@click.option("--to", "queue", required=True, metavar="QUEUE", help="The queue to put them into.")
@click.option("--delay", type=float, default=0.0, metavar="SECONDS", help="Hold them back for so long.")
@target_options
def move(target: Target, jids: tuple[str, ...], queue: str, delay: float) -> None:
    """Put jobs of any state into a queue, failed ones to try again: failure cleared, retries renewed."""
    with target.open() as namespace:
        _print_outcomes(target, jids, namespace.move(jids, queue, delay=delay, actor=person()))


@job.command(short_help="Take running jobs from their workers.")
@click.argument("jids", nargs=-1, required=True, metavar="JID...")
@target_options
def timeout(target: Target, jids: tuple[str, ...]) -> None:
    """Take running jobs from their workers now, at the cost of a retry."""
    with target.open() as namespace:
        _print_outcomes(target, jids, namespace.timeout(jids, actor=person()))


@job.command()
@click.argument("jids", nargs=-1, required=True, metavar="JID...")
@click.option("--priority", "-p", type=int, help="-511 to 511, high first; keeps the place among equals.")
@click.option("--data", metavar="JSON", help="New data, whole.")
@click.option("--tag", "-t", "add", multiple=True, metavar="TAG", help="A tag to add; may stand several times.")
@click.option("--untag", "remove", multiple=True, metavar="TAG", help="A tag to remove; may stand several times.")
@click.option("--retries", type=int, metavar="N", help="Retries at each stage.")
@target_options
def update(
    target: Target,
    jids: tuple[str, ...],
    priority: int | None,
    data: str | None,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    retries: int | None,
) -> None:
    """Change jobs of any state."""
    changes = Changes(priority=priority, data=data, add_tags=add, remove_tags=remove, retries=retries)
    if changes == Changes():
        raise click.UsageError("Nothing to change: give --priority, --data, --tag, --untag or --retries.")
    with target.open() as namespace:
        _print_outcomes(target, jids, namespace.update(jids, changes, actor=person()))


def _print_outcomes(target: Target, jids: Sequence[str], outcomes: Sequence[Job | QlessError]) -> None:
    print_outcomes(list(zip(jids, outcomes, strict=True)), as_json=target.json)


def _columns(job: Job) -> tuple[str, ...]:
    group = job.failure.group if job.failure else ""
    return job.jid, job.klass, job.queue, job.state, str(job.priority), group


def _print_job(job: Job) -> None:
    facts = {
        "jid": job.jid,
        "klass": job.klass,
        "state": f"{job.state} in {job.queue}",
        "then": ", ".join(job.pipeline),
        "priority": str(job.priority),
        "tags": ", ".join(job.tags),
        "worker": job.worker or "",
        "retries": f"{job.remaining} left" + (f", lost {job.losses} times" if job.losses else ""),
        "created": told_time(job.created_at),
        "due" if job.state == "scheduled" else "available": told_time(job.available_at),
        "started": told_time(job.started_at),
        "ended": told_time(job.ended_at),
        "data": job.data or "",
    }
    if job.failure:
        facts["failure"] = f"{job.failure.group}, run {job.failure.run} by {job.failure.worker or 'nobody'}"
    for name, value in facts.items():
        if value:
            click.echo(f"{name:<10} {value}")
    for line in (job.failure.message if job.failure else "").splitlines():
        click.echo(f"           {line}")
    click.echo("history")
    for entry in job.history:
        click.echo(f"  {_told_entry(entry)}".rstrip())


def _told_entry(entry: HistoryEntry) -> str:
    about = next(filter(None, (entry.queue, entry.worker, entry.group)), "")
    return f"{told_time(entry.at)}  {entry.event:<10} {about}"


def _told_line(line: LogLine) -> str:
    return f"{told_time(line.at)}  {line.message}" + (f"  {line.data}" if line.data else "")
