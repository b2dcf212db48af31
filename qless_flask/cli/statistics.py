"""`qless-flask stats` and `qless-flask throughput`."""

from __future__ import annotations

import time

import click

from qless_flask.cli.output import print_json, print_table, told_seconds, told_time
from qless_flask.cli.target import Target, target_options
from qless_flask.models import Times
from qless_flask.schemas.statistics import StatsSchema, ThroughputSchema

COLUMNS = ("put", "popped", "completed", "failed", "retried", "lost")


@click.command(short_help="Sum up how long jobs waited and ran.")
@click.option("--queue", "-q", metavar="QUEUE", help="Of this queue.")
@click.option("--klass", metavar="KLASS", help="Of this klass.")
@click.option("--tag", "-t", metavar="TAG", help="With this tag.")
@click.option("--day", metavar="YYYY-MM-DD", help="A day in UTC, of the last 90; else today.")
@target_options
def stats(target: Target, queue: str | None, klass: str | None, tag: str | None, day: str | None) -> None:
    """Sum up how long jobs waited and ran on a day: of a queue, a klass or a tag, or all of them.

    Mean and deviation are exact, percentiles within 3.2%; --json has the histogram too.
    """
    with target.open() as namespace:
        found = namespace.stats(day, queue=queue, klass=klass, tag=tag)
    if target.json:
        print_json(StatsSchema().dump(found))
        return
    print_table(
        ("", "count", "mean", "deviation", "p50", "p95", "p99"),
        [("wait", *_told(found.wait)), ("run", *_told(found.run))],
    )
    click.echo(f"{found.failed} failed, {found.retried} retried, {found.lost} lost.")


@click.command(short_help="Count what happened, minute by minute.")
@click.option("--queue", "-q", metavar="QUEUE", help="In this queue, else in all.")
@click.option("--last", type=float, metavar="SECONDS", help="From so long ago on, else 60 steps.")
@click.option("--step", type=int, default=60, show_default=True, metavar="SECONDS", help="Whole minutes, or hours.")
@target_options
def throughput(target: Target, queue: str | None, last: float | None, step: int) -> None:
    """Count the jobs put, popped, completed… by the time: by the minute for 48 hours, by the hour for 90 days."""
    since = None if last is None else time.time() - last
    with target.open() as namespace:
        found = namespace.throughput(queue, since=since, step=step)
    if target.json:
        print_json(ThroughputSchema().dump(found))
        return
    columns = [getattr(found, name) for name in COLUMNS]
    rows = [(told_time(at), *map(str, counts)) for at, *counts in zip(found.times, *columns, strict=True)]
    print_table(("from", *COLUMNS), rows)


def _told(times: Times) -> list[str]:
    told = (times.mean, times.std, times.p50, times.p95, times.p99)
    return [str(times.count), *map(told_seconds, told)]
