"""`qless-flask put`."""

from __future__ import annotations

import sys

import click

from qless_flask.cli.options import codec_option, job_options, missing_option
from qless_flask.cli.output import print_json
from qless_flask.cli.plugin_options import load_plugins, plugins_of_environment
from qless_flask.cli.target import Target, target_options
from qless_flask.client.writing import Writing
from qless_flask.models import (
    IF_EXISTS,
    ON_PARENT_END,
    Backoff,
    IfExists,
    Missing,
    NewJob,
    OnParentEnd,
    Unique,
)
from qless_flask.schemas.jobs import PutSchema


@click.command(short_help="Put a job into a queue.")
@click.argument("queue")
@click.argument("klass")
@click.argument("data", default="{}")
@click.option("--jid", metavar="JID", help="Its jid; without one it is given a short one.")
@job_options
@click.option("--delay", type=float, default=0.0, metavar="SECONDS", help="Hold it back for so long.")
@click.option("--depends", "-d", multiple=True, metavar="JID", help="A job to wait for; may stand several times.")
@missing_option
@click.option(
    "--on-parent-end",
    type=click.Choice(ON_PARENT_END),
    default="wait",
    show_default=True,
    help="What to do when a job to wait for fails or is canceled.",
)
@click.option("--unique", metavar="KEY", help="Put nothing while another job holds this key.")
@click.option("--unique-for", type=float, metavar="SECONDS", help="How long it holds its key, else while it is alive.")
@click.option(
    "--if-exists",
    type=click.Choice(IF_EXISTS),
    default="reject",
    show_default=True,
    help="What to do where its jid is taken.",
)
@codec_option
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
    depends: tuple[str, ...],
    missing: Missing,
    on_parent_end: OnParentEnd,
    backoff: Backoff | None,
    max_run: float | None,
    expires_in: float | None,
    requires: tuple[str, ...],
    key: str | None,
    unique: str | None,
    unique_for: float | None,
    if_exists: IfExists,
    codec: str | None,
) -> None:
    """Put a job into QUEUE, to be performed by the code that is named KLASS, and print its jid.

    DATA is JSON, kept as it is, or written by a codec of the plugins that QLESS_PLUGINS names or that are installed;
    - reads it from the standard input.

    \b
    qless-flask put mail Send '{"to": "ann"}'
    qless-flask put fetch Page '{"url": "http://…"}' --jid home --then parse --then index --if-exists keep
    qless-flask put report Sum --depends home --unique report
    qless-flask put render Film '{"id": 7}' --require gpu --key customer-3
    """
    if unique is None and unique_for is not None:
        raise click.UsageError("--unique-for says how long a key is held: give --unique too.")
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
        depends=depends,
        missing=missing,
        on_parent_end=on_parent_end,
        backoff=backoff,
        max_run=max_run,
        expires_in=expires_in,
        requires=requires,
        key=key,
        unique=None if unique is None else Unique(unique, unique_for),
        if_exists=if_exists,
    )
    writing = Writing(codec, lambda: load_plugins(plugins_of_environment()))
    with target.open() as namespace:
        [done] = namespace.put([writing.encoded(job)])
    if target.json:
        print_json(PutSchema().dump(done))
        return
    click.echo(done.jid)
    if not done.created:
        click.echo(f"It was there already, and is {done.state}.", err=True)
