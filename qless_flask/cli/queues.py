"""`qless-flask queues`."""

from __future__ import annotations

import click

from qless_flask.cli.backoff import read_backoff, told_backoff
from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.output import print_json, print_table, told_seconds
from qless_flask.cli.target import Target, person, target_options
from qless_flask.models import Backoff, Queue, Setting
from qless_flask.schemas.queues import QueueSchema

COLUMNS = ("waiting", "running", "stalled", "scheduled", "depends", "failed", "complete", "canceled")


@click.group(
    cls=DefaultCommand, default="show", bare=True, short_help="Sum queues up, pause, resume, configure or forget one."
)
def queues() -> None:
    """Sum all queues up, or those named; or steer one.

    \b
    qless-flask queues
    qless-flask queues mail fetch --json
    qless-flask queues pause mail
    qless-flask queues configure mail --heartbeat 30 --retries 2
    """


@queues.command(short_help="Sum queues up (also: queues [QUEUE]...).")
@click.argument("names", nargs=-1, metavar="[QUEUE]...")
@target_options
def show(target: Target, names: tuple[str, ...]) -> None:
    """Sum all queues up, or those named."""
    with target.open() as namespace:
        found = namespace.queues(names or None)
    if target.json:
        print_json({"queues": QueueSchema(many=True).dump(found)})
    elif found:
        header = ("queue", *COLUMNS, "oldest wait")
        print_table(header, ([_name(queue), *_counts(queue)] for queue in found))
    else:
        click.echo(f"No queues in namespace {target.namespace} of {target.url} yet.")


@queues.command(short_help="Let nothing be popped from a queue.")
@click.argument("queue")
@target_options
def pause(target: Target, queue: str) -> None:
    """Let nothing be popped from QUEUE until it is resumed; what runs goes on."""
    with target.open() as namespace:
        _print(target, namespace.pause(queue, actor=person()))


@queues.command()
@click.argument("queue")
@target_options
def resume(target: Target, queue: str) -> None:
    """Let QUEUE be popped from again."""
    with target.open() as namespace:
        _print(target, namespace.resume(queue, actor=person()))


@queues.command()
@click.argument("queue")
@click.option("--heartbeat", metavar="SECONDS", help="How long a lease lives without a heartbeat; none: for ever.")
@click.option("--retries", type=int, metavar="N", help="Retries after the first run, for jobs that don't say.")
@click.option("--max-losses", type=int, metavar="N", help="How often a lease may be lost before the job fails.")
@click.option("--max-run", metavar="SECONDS", help="How long a run may take, for jobs that don't say; none: any time.")
@click.option(
    "--backoff",
    callback=read_backoff,
    metavar="BACKOFF",
    help="For retries without a delay: fixed:100, exponential:15:2:3600.",
)
@target_options
def configure(
    target: Target,
    queue: str,
    heartbeat: str | None,
    retries: int | None,
    max_losses: int | None,
    max_run: str | None,
    backoff: Backoff | None,
) -> None:
    """Change settings of QUEUE; those not named stay. Without any, show them."""
    changes: dict[str, Setting] = {"retries": retries, "max_losses": max_losses, "backoff": backoff}
    changes = {name: value for name, value in changes.items() if value is not None}
    if heartbeat is not None:
        changes["heartbeat"] = _seconds("--heartbeat", heartbeat)
    if max_run is not None:
        changes["max_run"] = _seconds("--max-run", max_run)
    with target.open() as namespace:
        summary = namespace.configure(queue, changes, actor=person()) if changes else namespace.queues([queue])[0]
    if target.json:
        print_json(QueueSchema().dump(summary))
        return
    settings = summary.settings
    click.echo(f"heartbeat   {_told(settings.heartbeat)}")
    click.echo(f"retries     {settings.retries}")
    click.echo(f"max-losses  {settings.max_losses}")
    click.echo(f"max-run     {_told(settings.max_run)}")
    click.echo(f"backoff     {told_backoff(settings.backoff)}")


@queues.command()
@click.argument("queue")
@target_options
def forget(target: Target, queue: str) -> None:
    """Delete QUEUE and its settings; it must be empty."""
    with target.open() as namespace:
        namespace.forget(queue, actor=person())


def _print(target: Target, queue: Queue) -> None:
    if target.json:
        print_json(QueueSchema().dump(queue))
    else:
        click.echo(f"{queue.name} is {'paused' if queue.paused else 'open'}.")


def _name(queue: Queue) -> str:
    return f"{queue.name} (paused)" if queue.paused else queue.name


def _counts(queue: Queue) -> list[str]:
    return [*(str(getattr(queue, name)) for name in COLUMNS), told_seconds(queue.oldest_wait)]


def _told(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:g}"


def _seconds(option: str, told: str) -> float | None:
    if told == "none":
        return None
    try:
        return float(told)
    except ValueError:
        raise click.BadParameter(f"{told!r} is neither a number of seconds nor none", param_hint=option) from None
