"""`qless-flask export`."""

from __future__ import annotations

import os
from errno import EPIPE
from pathlib import Path

import click

from qless_flask.cli.bearer import token_option
from qless_flask.cli.progress import Progress
from qless_flask.cli.target import Target, command_name, namespace_option, person, url_option
from qless_flask.copying import export as export_namespace
from qless_flask.copying import export_to_file


@click.command(short_help="Write a namespace into a file.")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True), default="-")
@click.option("--live", is_flag=True, help="Don't freeze it: what is written may not be of one time.")
@click.option("--resume", is_flag=True, help="Go on with an export into FILE that was broken off.")
@url_option
@token_option
@namespace_option
def export(url: str, namespace: str, file: str, live: bool, resume: bool) -> None:
    """Write all that a namespace holds into FILE (-: the standard output), a line of JSON for each thing.

    The last line has their counts and checksum. The namespace is frozen meanwhile: it can be read, and not written.
    `import` reads it back, into whatever store. Secrets of its trackers and policies stand in it: FILE is
    made for its owner's eyes alone.
    Tokens do not: they are the store's (see `token`).

    \b
    qless-flask export jobs.ndjson
    qless-flask export | gzip > jobs.ndjson.gz
    """
    path = Path(os.path.realpath(file))
    # A file comes into its place when it is whole; a pipe or a device is no such place.
    streamed = file == "-" or (Path(file).exists() and not path.is_file())
    if resume and streamed:
        raise click.UsageError("--resume goes on with a file: name it.")
    progress = Progress()
    with Target(url, namespace).open() as source:
        try:
            with progress:
                if streamed:
                    with click.open_file(file, "wb") as out:
                        tally = export_namespace(source, out, progress, live=live, actor=person())
                else:
                    tally = export_to_file(source, path, progress, live=live, resume=resume, actor=person())
        except BaseException as error:
            if progress.begun and not streamed:
                told = "" if live else f" Until then namespace {namespace} stays frozen."
                click.echo(f"Go on with {command_name()} export {file} --resume.{told}", err=True)
            if isinstance(error, OSError) and error.errno != EPIPE:
                raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
            raise
    click.echo(f"{sum(tally.counts.values()):,} lines, checksum {tally.checksum}.", err=True)
