"""`qless-flask job`: show jobs, list them, wait for one; what steers them stands in `cli.hands`."""

from __future__ import annotations

import click

from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.criteria import criteria
from qless_flask.cli.hands import BY_HAND
from qless_flask.cli.output import print_json, print_table
from qless_flask.cli.shown import print_job, told_line
from qless_flask.cli.target import Target, target_options
from qless_flask.client.jobs import JobHandle
from qless_flask.errors import JobNotFound
from qless_flask.models import Filter, Job
from qless_flask.schemas.jobs import JobSchema, LogLineSchema, PageSchema


@click.group(cls=DefaultCommand, default="show", short_help="Show a job, list those that match, or steer some by hand.")
def job() -> None:
    """Show a job, list those that match, or steer some by hand.

    \b
    qless-flask job JID
    qless-flask job list --state failed --group ImportError
    qless-flask job move JID JID --to fetch
    qless-flask job cancel JID
    qless-flask job wait JID
    """


for each in BY_HAND:
    job.add_command(each)


@job.command(short_help="Show a job (also: job JID).")
@click.argument("jid")
@target_options
def show(target: Target, jid: str) -> None:
    """Show a job with its data, result and history."""
    with target.open() as namespace:
        [found] = namespace.get([jid])
    if found is None:
        raise JobNotFound.about(jid)
    _print(target, found)


@job.command(short_help="Wait until a job has ended.")
@click.argument("jid")
@click.option("--seconds", type=float, metavar="SECONDS", help="So long at most; else however long it takes.")
@target_options
def wait(target: Target, jid: str, seconds: float | None) -> None:
    """Wait until a job has ended, and show it; exit with 1 if it is not complete."""
    context = click.get_current_context()
    with target.open() as namespace:
        handle = JobHandle(namespace, jid)
        try:
            ended = handle.wait(seconds).job
        except TimeoutError as error:
            raise click.ClickException(str(error)) from error
    _print(target, ended)
    if ended.state != "complete":
        context.exit(1)


@job.command("list")
@criteria
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="So many at most.")
@click.option("--cursor", metavar="CURSOR", help="Go on where the last list ended.")
@target_options
def list_(target: Target, wanted: Filter, limit: int, cursor: str | None) -> None:
    """List the jobs that match, waiting ones in the order of pops."""
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
        click.echo(told_line(line))


def _print(target: Target, job: Job) -> None:
    if target.json:
        print_json(JobSchema().dump(job))
    else:
        print_job(job)


def _columns(job: Job) -> tuple[str, ...]:
    group = job.failure.group if job.failure else ""
    return job.jid, job.klass, job.queue, job.state, str(job.priority), group
