"""`qless-flask change`: an action on all jobs that match."""

from __future__ import annotations

from collections.abc import Callable

import click

from qless_flask.cli.criteria import criteria
from qless_flask.cli.options import dependents_option
from qless_flask.cli.output import print_changed
from qless_flask.cli.target import Target, person, target_options
from qless_flask.client.changes import Changing
from qless_flask.models import (
    FINISHED,
    Action,
    Cancel,
    Changes,
    Dependents,
    Filter,
    Finish,
    Finished,
    Move,
    Timeout,
    Update,
)


@click.group(short_help="Move, cancel, update, time out or finish all jobs that match.")
def change() -> None:
    """Do an action on all jobs that match, in bounded steps.

    \b
    qless-flask change move --state failed --group ImportError --dry-run
    qless-flask change cancel --tag old --dependents cancel
    qless-flask change update --queue fetch --state waiting --new-priority 5
    """


def _step_options(command: Callable[..., None]) -> Callable[..., None]:
    dry_run = click.option("--dry-run", is_flag=True, help="Only count those that match.")
    return criteria(dry_run(target_options(command)))


@change.command(short_help="Put them into a queue.")
@_step_options
@click.option("--to", metavar="QUEUE", help="Into this queue, else each into its own.")
@click.option("--delay", type=float, default=0.0, metavar="SECONDS", help="Hold them back for so long.")
def move(target: Target, wanted: Filter, dry_run: bool, to: str | None, delay: float) -> None:
    """Put the jobs that match into a queue; those that are on their way there already are left alone."""
    _change(target, wanted, Move(to, delay), dry_run=dry_run)


@change.command(short_help="Stop them for good.")
@_step_options
@dependents_option
def cancel(target: Target, wanted: Filter, dry_run: bool, dependents: Dependents) -> None:
    """Stop the jobs that match for good."""
    _change(target, wanted, Cancel(dependents), dry_run=dry_run)


@change.command(short_help="Take them from their workers.")
@_step_options
def timeout(target: Target, wanted: Filter, dry_run: bool) -> None:
    """Take those that run from their workers now, at the cost of a retry."""
    _change(target, wanted, Timeout(), dry_run=dry_run)


@change.command(short_help="End them by hand.")
@_step_options
@click.option("--as", "end", type=click.Choice(FINISHED), default="complete", show_default=True, help="Their end.")
@click.option("--as-group", default="finished", show_default=True, metavar="GROUP", help="Of failed ones: their group.")
@click.option("--message", default="", metavar="TEXT", help="Of failed ones: why.")
@click.option("--result", metavar="JSON", help="Of complete ones: their result.")
def finish(
    target: Target,
    wanted: Filter,
    dry_run: bool,
    end: Finished,
    as_group: str,
    message: str,
    result: str | None,
) -> None:
    """End the jobs that match by hand, complete or failed."""
    _change(target, wanted, Finish(end, group=as_group, message=message, result=result), dry_run=dry_run)


@change.command(short_help="Change their priority, data, tags or retries.")
@_step_options
@click.option("--new-priority", type=int, help="-511 to 511, high first; keeps the place among equals.")
@click.option("--new-data", metavar="JSON", help="New data, whole.")
@click.option("--add-tag", multiple=True, metavar="TAG", help="A tag to add; may stand several times.")
@click.option("--remove-tag", multiple=True, metavar="TAG", help="A tag to remove; may stand several times.")
@click.option("--new-retries", type=int, metavar="N", help="Retries at each stage.")
@click.option("--track/--untrack", default=None, help="Follow them, or no longer.")
def update(
    target: Target,
    wanted: Filter,
    dry_run: bool,
    new_priority: int | None,
    new_data: str | None,
    add_tag: tuple[str, ...],
    remove_tag: tuple[str, ...],
    new_retries: int | None,
    track: bool | None,
) -> None:
    """Change the jobs that match."""
    changes = Changes(
        priority=new_priority,
        data=new_data,
        add_tags=add_tag,
        remove_tags=remove_tag,
        retries=new_retries,
        tracked=track,
    )
    if changes == Changes():
        raise click.UsageError("Nothing to change: give --new-priority, --add-tag or another of these options.")
    _change(target, wanted, Update(changes), dry_run=dry_run)


def _change(target: Target, wanted: Filter, action: Action, *, dry_run: bool) -> None:
    if wanted == Filter():
        raise click.UsageError("That is all jobs: say which, by --state, --queue or another of these options.")
    with target.open() as namespace:
        changed = Changing(namespace, person()).all(wanted, action, dry_run=dry_run)
    print_changed(changed, as_json=target.json)
