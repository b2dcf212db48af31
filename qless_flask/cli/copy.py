"""`qless-flask copy`."""

from __future__ import annotations

import click

from qless_flask.backends import open_backend
from qless_flask.cli.command import debug_option
from qless_flask.cli.progress import Progress
from qless_flask.cli.target import command_name, namespace_option, person
from qless_flask.copying import copy as copy_namespace


@click.command(short_help="Copy a namespace into another store.")
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@namespace_option
@click.option("--to-namespace", metavar="NAME", help="The namespace in DST; without it the name stays.")
@click.option("--thaw-source", is_flag=True, help="Thaw the namespace in SRC at the end: then both have the jobs.")
@debug_option
def copy(source: str, target: str, namespace: str, to_namespace: str | None, thaw_source: bool) -> None:
    """Copy a namespace, whole, from the store SRC into the store DST, where it must be new or empty.

    Jobs, their places, leases, history and logs, queues, recurrences, settings, statistics: what runs goes on there.
    Both are frozen meanwhile: they can be read, and not written. At the end both are read again and compared; then the
    one in DST is thawed, and the one in SRC stays frozen, so that nothing is done twice. What was broken off goes on
    when it is typed again.

    \b
    qless-flask copy sqlite:///qless.db redis://localhost/0
    qless-flask copy redis://old/0 http://new:8484 --namespace mail --to-namespace post
    """
    to_name = to_namespace or namespace
    thaw = f"{command_name()} thaw --url {source} --namespace {namespace}"
    click.echo(f"Namespace {namespace} in {source} is frozen from now on.", err=True)
    with open_backend(source) as source_backend, open_backend(target) as target_backend:
        try:
            with Progress() as progress:
                tally = copy_namespace(
                    source_backend.namespace(namespace),
                    target_backend.namespace(to_name),
                    progress,
                    thaw_source=thaw_source,
                    actor=person(),
                )
        except BaseException:
            click.echo(f"What is frozen stays so. Type it again to go on, or let the source go: {thaw}", err=True)
            raise
    told = ", ".join(f"{count:,} {kind}" for kind, count in tally.counts.items())
    click.echo(f"Copied and compared: {told}. Checksum {tally.checksum}.")
    if thaw_source:
        click.echo(f"Namespace {namespace} in {source} is thawed: its jobs are in both stores now.", err=True)
    else:
        click.echo(f"Namespace {namespace} in {source} stays frozen. To use it again: {thaw}", err=True)
