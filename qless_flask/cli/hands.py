"""What `qless-flask job` does to jobs by hand."""

from __future__ import annotations

from collections.abc import Sequence

import click

from qless_flask.cli.options import dependents_option, missing_option
from qless_flask.cli.output import print_outcomes
from qless_flask.cli.target import Target, person, target_options
from qless_flask.errors import QlessError
from qless_flask.models import (
    FINISHED,
    Changes,
    Dependents,
    Finish,
    Finished,
    Job,
    Missing,
)

_JIDS = click.argument("jids", nargs=-1, required=True, metavar="JID...")


@click.command(short_help="Stop jobs for good.")
@_JIDS
@dependents_option
@target_options
def cancel(target: Target, jids: tuple[str, ...], dependents: Dependents) -> None:
    """Stop jobs for good; the worker of a running one learns at its next heartbeat."""
    with target.open() as namespace:
        _print(target, jids, namespace.cancel(jids, dependents=dependents, actor=person()))


@click.command(short_help="Put jobs into a queue, whatever their state.")
@_JIDS
@click.option("--to", "queue", required=True, metavar="QUEUE", help="The queue to put them into.")
@click.option("--delay", type=float, default=0.0, metavar="SECONDS", help="Hold them back for so long.")
@target_options
def move(target: Target, jids: tuple[str, ...], queue: str, delay: float) -> None:
    """Put jobs of any state into a queue, failed ones to try again: failure cleared, retries renewed."""
    with target.open() as namespace:
        _print(target, jids, namespace.move(jids, queue, delay=delay, actor=person()))


@click.command(short_help="End jobs by hand, whatever their state.")
@_JIDS
@click.option(
    "--state", type=click.Choice(FINISHED), default="complete", show_default=True, help="The state to end them in."
)
@click.option("--group", default="finished", show_default=True, metavar="GROUP", help="Of failed ones: their group.")
@click.option("--message", default="", metavar="TEXT", help="Of failed ones: why.")
@click.option("--result", metavar="JSON", help="Of complete ones: their result.")
@target_options
def finish(
    target: Target, jids: tuple[str, ...], state: Finished, group: str, message: str, result: str | None
) -> None:
    """End jobs by hand, complete or failed; a worker that runs one loses its lease."""
    end = Finish(state, group=group, message=message, result=result)
    with target.open() as namespace:
        _print(target, jids, namespace.finish(jids, end, actor=person()))


@click.command(short_help="Take running jobs from their workers.")
@_JIDS
@target_options
def timeout(target: Target, jids: tuple[str, ...]) -> None:
    """Take running jobs from their workers now, at the cost of a retry."""
    with target.open() as namespace:
        _print(target, jids, namespace.timeout(jids, actor=person()))


@click.command(short_help="Change what a job waits for.")
@click.argument("jid")
@click.option("--on", multiple=True, metavar="JID", help="A job to wait for; may stand several times.")
@click.option("--off", multiple=True, metavar="JID", help="One to wait for no longer; may stand several times.")
@missing_option
@target_options
def depend(target: Target, jid: str, on: tuple[str, ...], off: tuple[str, ...], missing: Missing) -> None:
    """Let a job wait for others, or for some no longer."""
    if not (on or off):
        raise click.UsageError("Nothing to change: give --on or --off.")
    with target.open() as namespace:
        _print(target, [jid], [namespace.depend(jid, on, off, missing=missing, actor=person())])


@click.command(short_help="Follow jobs.")
@_JIDS
@target_options
def track(target: Target, jids: tuple[str, ...]) -> None:
    """Follow jobs: they stand in `tracked`, and `events --tracked` tells what happens to them."""
    with target.open() as namespace:
        _print(target, jids, namespace.update(jids, Changes(tracked=True), actor=person()))


@click.command(short_help="Follow jobs no longer.")
@_JIDS
@target_options
def untrack(target: Target, jids: tuple[str, ...]) -> None:
    """Follow jobs no longer."""
    with target.open() as namespace:
        _print(target, jids, namespace.update(jids, Changes(tracked=False), actor=person()))


@click.command()
@_JIDS
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
        _print(target, jids, namespace.update(jids, changes, actor=person()))


BY_HAND = (cancel, move, finish, timeout, depend, track, untrack, update)


def _print(target: Target, jids: Sequence[str], outcomes: Sequence[Job | QlessError]) -> None:
    print_outcomes(list(zip(jids, outcomes, strict=True)), as_json=target.json)
