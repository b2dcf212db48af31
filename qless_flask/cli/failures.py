"""`qless-flask failures`."""

from __future__ import annotations

import click

from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.output import print_changed, print_json, print_table, told_time
from qless_flask.cli.target import Target, person, target_options
from qless_flask.client.changes import Changing
from qless_flask.client.failures import Failures
from qless_flask.models import Filter, Move
from qless_flask.schemas.failures import FailureGroupSchema


@click.group(
    cls=DefaultCommand, default="show", bare=True, short_help="Sum the groups of failed jobs up, or retry one of them."
)
def failures() -> None:
    """Sum the groups of failed jobs up, or retry one of them.

    \b
    qless-flask failures
    qless-flask failures retry ImportError
    qless-flask job list --state failed --group ImportError
    """


@failures.command(short_help="Sum groups up (also: failures [GROUP]...).")
@click.argument("groups", nargs=-1, metavar="[GROUP]...")
@target_options
def show(target: Target, groups: tuple[str, ...]) -> None:
    """Sum all groups of failed jobs up, or those named."""
    with target.open() as namespace:
        found = namespace.failures(groups) if groups else list(Failures(namespace).summaries())
    if target.json:
        print_json({"failures": FailureGroupSchema(many=True).dump(found)})
    elif found:
        header = ("group", "jobs", "first", "last", "queues", "klasses")
        rows = (
            (
                each.group,
                str(each.count),
                told_time(each.first_at),
                told_time(each.last_at),
                ", ".join(each.queues),
                ", ".join(each.klasses),
            )
            for each in found
        )
        print_table(header, rows)
    else:
        click.echo("Nothing has failed." if not groups else "No failed job is in these groups.")


@failures.command(short_help="Move the jobs of a group back into their queues.")
@click.argument("group")
@click.option("--to", "queue", metavar="QUEUE", help="Into this queue, else each into its own.")
@click.option("--delay", type=float, default=0.0, metavar="SECONDS", help="Hold them back for so long.")
@click.option("--dry-run", is_flag=True, help="Only count them.")
@target_options
def retry(target: Target, group: str, queue: str | None, delay: float, dry_run: bool) -> None:
    """Move the jobs of GROUP back into their queues, retries renewed."""
    with target.open() as namespace:
        changing = Changing(namespace, person())
        changed = changing.all(Filter(state="failed", group=group), Move(queue, delay), dry_run=dry_run)
    print_changed(changed, as_json=target.json)
