"""`qless-flask events`."""

from __future__ import annotations

from itertools import islice

import click

from qless_flask.cli.output import print_json, told_time
from qless_flask.cli.target import Target, target_options
from qless_flask.client.events import follow as walk
from qless_flask.models import Event, EventFilter
from qless_flask.schemas.events import EventSchema


@click.command(short_help="Tell what has happened, and what happens.")
@click.option("--follow", "-f", is_flag=True, help="Wait for what is to come, until interrupted.")
@click.option("--after", metavar="CURSOR", help="Begin behind this one, as --json tells it; else at the beginning.")
@click.option("--jid", metavar="JID", help="Of this job.")
@click.option("--queue", "-q", metavar="QUEUE", help="In this queue, or into it.")
@click.option("--tag", "-t", metavar="TAG", help="Of jobs with this tag.")
@click.option("--tracked/--not-tracked", default=None, help="Of jobs that are tracked, or not.")
@click.option("--reader", metavar="NAME", help="Go on where this reader was; events are kept for it, up to a day.")
@click.option("--limit", type=click.IntRange(1), help="So many, and then end.")
@target_options
def events(
    target: Target,
    follow: bool,
    after: str | None,
    jid: str | None,
    queue: str | None,
    tag: str | None,
    tracked: bool | None,
    reader: str | None,
    limit: int | None,
) -> None:
    """Tell the transitions that match, the oldest first; with --json each as one line."""
    wanted = EventFilter(jid, queue, tag, tracked)
    schema = EventSchema()
    with target.open() as namespace:
        for event in islice(walk(namespace, after, wanted, on=follow, reader=reader), limit):
            if target.json:
                print_json(schema.dump(event))
            else:
                click.echo(_told(event))


def _told(event: Event) -> str:
    subject = event.jid or event.recurrence or event.queue or event.worker or ", ".join(event.tags)
    place = f"{event.queue} → {event.to}" if event.to else event.queue if event.jid else ""
    about = (
        subject,
        place,
        event.state,
        f"under {event.group}" if event.group else "",
        f"by {event.worker}" if event.worker and event.jid else "",
        f"({event.actor})" if event.actor else "",
    )
    return f"{told_time(event.at)}  {event.event:<10} {'  '.join(filter(None, about))}".rstrip()
