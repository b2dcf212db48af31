"""`qless-flask import`."""

from __future__ import annotations

import click

from qless_flask.cli.bearer import token_option
from qless_flask.cli.progress import Progress
from qless_flask.cli.target import Target, namespace_option, person, url_option
from qless_flask.copying import import_lines


@click.command("import", short_help="Read a namespace from a file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True))
@url_option
@token_option
@namespace_option
def import_(url: str, namespace: str, file: str) -> None:
    """Read what `export` wrote from FILE (-: the standard input) into a namespace, which must be new or empty.

    It is frozen meanwhile. At the end it is read again and compared with the counts and the checksum in the last line,
    then thawed. What was broken off goes on when it is typed again.

    \b
    qless-flask import jobs.ndjson --url redis://localhost/0
    gunzip < jobs.ndjson.gz | qless-flask import -
    """
    with click.open_file(file, "rb") as lines, Target(url, namespace).open() as target, Progress() as progress:
        tally = import_lines(target, lines, progress, actor=person())
    click.echo(f"Imported and compared: {sum(tally.counts.values()):,} lines, checksum {tally.checksum}.")
