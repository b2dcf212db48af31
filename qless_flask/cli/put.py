"""`qless-flask put`."""

from __future__ import annotations

import sys

import click

from qless_flask.cli.output import print_json
from qless_flask.cli.target import Target, target_options
from qless_flask.models import IF_EXISTS, IfExists, NewJob
from qless_flask.schemas.jobs import PutSchema


@click.command(short_help="Put a job into a queue.")
@click.argument("queue")
@click.argument("klass")
@click.argument("data", default="{}")
@click.option("--jid", metavar="JID", help="Its jid; without one it is given a short one.")
@click.option("--priority", "-p", type=int, default=0, show_default=True, help="-511 to 511, high first.")
@click.option("--delay", type=float, default=0.0, metavar="SECONDS", help="Hold it back for so long.")
@click.option("--tag", "-t", "tags", multiple=True, metavar="TAG", help="Label it; may stand several times.")
@click.option("--retries", type=int, metavar="N", help="Retries at each stage, else as its queue says.")
@click.option(
    "--then", "pipeline", multiple=True, metavar="QUEUE", help="A queue that follows; may stand several times."
)
@click.option(
    "--if-exists",
    type=click.Choice(IF_EXISTS),
    default="reject",
    show_default=True,
    help="What to do where its jid is taken.",
)
@target_options
def put(
    target: Target,
    queue: str,
    klass: str,
    data: str,
    jid: str | None,
    priority: int,
    delay: float,
    tags: tuple[str, ...],
    retries: int | None,
    pipeline: tuple[str, ...],
    if_exists: IfExists,
) -> None:
    """Put a job into QUEUE, to be performed by the code that is named KLASS, and print its jid.

    DATA is JSON, kept as it is; - reads it from the standard input.

    \b
    qless-flask put mail Send '{"to": "ann"}'
    qless-flask put fetch Page '{"url": "http://…"}' --jid home --then parse --then index --if-exists keep
    """
    if data == "-":
        data = sys.stdin.read()
    job = NewJob(
        klass,
        data,
        queue=queue,
        jid=jid,
        priority=priority,
        delay=delay,
        tags=tags,
        retries=retries,
        pipeline=pipeline,
        if_exists=if_exists,
    )
    with target.open() as namespace:
        [done] = namespace.put([job])
    if target.json:
        print_json(PutSchema().dump(done))
        return
    click.echo(done.jid)
    if not done.created:
        click.echo(f"It was there already, and is {done.state}.", err=True)
