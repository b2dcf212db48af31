"""`qless-flask queues`."""

from __future__ import annotations

import click

from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.output import print_json, print_table, told_seconds
from qless_flask.cli.settings import print_settings, settings_options
from qless_flask.cli.target import Target, person, target_options
from qless_flask.models import Queue, Setting
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
        click.echo(f"No queues in namespace {target.namespace} of {target.shown_url} yet.")


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
@settings_options
@target_options
def configure(target: Target, queue: str, *, changes: dict[str, Setting], inherit: tuple[str, ...]) -> None:
    """Change settings of QUEUE; those not named stay. Without any, show them.

    Those that it does not say itself are its namespace's, see `qless-flask settings`; they are shown in brackets.

    \b
    qless-flask queues configure fetch --max-concurrency 8 --key-rate 1/2
    qless-flask queues configure fetch --rate none --inherit retries
    """
    with target.open() as namespace:
        if changes or inherit:
            summary = namespace.configure(queue, changes, inherit=inherit, actor=person())
        else:
            [summary] = namespace.queues([queue])
    if target.json:
        print_json(QueueSchema().dump(summary))
    else:
        print_settings(summary.settings, summary.own)


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
