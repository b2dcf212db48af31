"""Options that several commands take, each in the same words."""

from __future__ import annotations

import click
from click.decorators import FC

from qless_flask.cli.backoff import read_backoff
from qless_flask.models import DEPENDENTS, MISSING

dependents_option = click.option(
    "--dependents",
    type=click.Choice(DEPENDENTS),
    default="refuse",
    show_default=True,
    help="Where others wait for a job: refuse, cancel them too, or leave it to the choice of each.",
)
missing_option = click.option(
    "--missing",
    type=click.Choice(MISSING),
    default="refuse",
    show_default=True,
    help="What it means if a job to wait for is not there.",
)
codec_option = click.option("--codec", metavar="NAME", help="Of a plugin, to write data with.")

_JOB_OPTIONS = (
    click.option("--priority", "-p", type=int, default=0, show_default=True, help="-511 to 511, high first."),
    click.option("--tag", "-t", "tags", multiple=True, metavar="TAG", help="A label; may stand several times."),
    click.option("--retries", type=int, metavar="N", help="Retries at each stage, else as the queue says."),
    click.option(
        "--then", "pipeline", multiple=True, metavar="QUEUE", help="A queue that follows; may stand several times."
    ),
    click.option(
        "--backoff",
        callback=read_backoff,
        metavar="BACKOFF",
        help="For retries: fixed:100, exponential:15:2:3600, table:1:5:60, or JSON.",
    ),
    click.option("--max-run", type=float, metavar="SECONDS", help="How long a run may take."),
    click.option("--expires-in", type=float, metavar="SECONDS", help="How soon it must be popped, or it fails."),
    click.option(
        "--require",
        "requires",
        multiple=True,
        metavar="WORD",
        help="A worker must offer it; may stand several times.",
    ),
    click.option("--key", metavar="KEY", help="What the queue's key limits count it by."),
)


def job_options(command: FC) -> FC:
    """Give a command what every job can have, however it comes to be put."""
    for option in reversed(_JOB_OPTIONS):
        command = option(command)
    return command
