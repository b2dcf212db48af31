"""`qless-flask workers`."""

from __future__ import annotations

import click

from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.output import print_json, print_table, told_time
from qless_flask.cli.target import Target, person, target_options
from qless_flask.models import Worker
from qless_flask.schemas.workers import WorkerSchema


@click.group(cls=DefaultCommand, default="list", bare=True, short_help="List workers, or ask one to pause or to end.")
def workers() -> None:
    """List the workers that have popped lately, or ask one to be quiet or to stop.

    \b
    qless-flask workers
    qless-flask workers quiet HOST/1
    qless-flask workers quiet HOST/1 --off
    """


_OFF = click.option("--off", is_flag=True, help="Ask it no longer.")


@workers.command("list", short_help="List workers (also: workers [NAME]...).")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@target_options
def list_(target: Target, names: tuple[str, ...]) -> None:
    """List all workers, or those named."""
    with target.open() as namespace:
        found = namespace.workers(names or None)
    if target.json:
        print_json({"workers": WorkerSchema(many=True).dump(found)})
    elif found:
        rows = ((each.name, str(each.running), told_time(each.seen_at), _offers(each), _asked(each)) for each in found)
        print_table(("worker", "running", "seen", "offers", "asked"), rows)
    else:
        click.echo(f"No workers in namespace {target.namespace} of {target.shown_url} lately.")


@workers.command(short_help="Ask a worker to pop no more.")
@click.argument("name")
@_OFF
@target_options
def quiet(target: Target, name: str, off: bool) -> None:
    """Ask the worker NAME to pop no more; what it runs goes on."""
    with target.open() as namespace:
        _print(target, namespace.quiet(name, on=not off, actor=person()))


@workers.command(short_help="Ask a worker to end.")
@click.argument("name")
@_OFF
@target_options
def stop(target: Target, name: str, off: bool) -> None:
    """Ask the worker NAME to finish what it runs, and to end."""
    with target.open() as namespace:
        _print(target, namespace.stop(name, on=not off, actor=person()))


def _print(target: Target, worker: Worker) -> None:
    if target.json:
        print_json(WorkerSchema().dump(worker))
    else:
        click.echo(f"{worker.name} is asked {_asked(worker) or 'nothing'}.")


def _offers(worker: Worker) -> str:
    return ", ".join(worker.capabilities)


def _asked(worker: Worker) -> str:
    return "to stop" if worker.stop else "to be quiet" if worker.quiet else ""
