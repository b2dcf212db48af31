"""`qless-flask copy`."""

from __future__ import annotations

from pathlib import Path

import click

from qless_flask.backends import is_server
from qless_flask.cli.bearer import shown_token, token_option
from qless_flask.cli.command import debug_option
from qless_flask.cli.plugin_options import open_store
from qless_flask.cli.progress import Progress
from qless_flask.cli.target import command_name, namespace_option, person
from qless_flask.copying import copy as copy_namespace
from qless_flask.hidden import shown_url


@click.command(short_help="Copy a namespace into another store.")
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@namespace_option
@click.option("--to-namespace", metavar="NAME", help="The namespace in DST; without it the name stays.")
@token_option
@click.option(
    "--to-token-file",
    "target_token",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With the token for DST, where SRC and DST are servers both.",
)
@click.option("--thaw-source", is_flag=True, help="Thaw the namespace in SRC at the end: then both have the jobs.")
@debug_option
def copy(
    source: str,
    target: str,
    namespace: str,
    to_namespace: str | None,
    target_token: Path | None,
    thaw_source: bool,
) -> None:
    """Copy a namespace, whole, from the store SRC into the store DST, where it must be new or empty.

    Jobs, their places, leases, history and logs, queues, recurrences, settings, statistics: what runs goes on there.
    Tokens are the store's and stay there: make some in DST (see `token`).
    Both are frozen meanwhile: they can be read, and not written. At the end both are read again and compared; then the
    one in DST is thawed, and the one in SRC stays frozen, so that nothing is done twice. What was broken off goes on
    when it is typed again.

    \b
    qless-flask copy sqlite:///qless.db redis://localhost/0
    qless-flask copy redis://old/0 http://new:8484 --namespace mail --to-namespace post
    """
    where = f"--url {shown_url(source)} --namespace {namespace}"
    thaw = f"{command_name()} thaw {where}"
    progress = Progress()

    def report(what: str, done: int, total: int | None) -> None:
        if not progress.begun:
            click.echo(f"From now on namespace {namespace} in {shown_url(source)} is frozen.", err=True)
        progress(what, done, total)

    # A server is never shown the token of another.
    alone = shown_token() if not is_server(source) else None
    with (
        open_store(source, shown_token()) as source_backend,
        open_store(target, target_token or alone) as target_backend,
    ):
        try:
            with progress:
                tally = copy_namespace(
                    source_backend.namespace(namespace),
                    target_backend.namespace(to_namespace or namespace),
                    report,
                    thaw_source=thaw_source,
                    actor=person(),
                )
        except BaseException:
            if progress.begun:
                click.echo(f"It is frozen still. Type this again to go on, or let it go: {thaw}", err=True)
            raise
    told = ", ".join(f"{count:,} {kind}" for kind, count in tally.counts.items())
    click.echo(f"Copied and compared: {told}. Checksum {tally.checksum}.")
    if thaw_source:
        click.echo("The source is thawed: its jobs are in both stores now.", err=True)
    else:
        click.echo(f"The source stays frozen, so that nothing is done twice. To use it again: {thaw}", err=True)
