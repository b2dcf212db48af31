"""`qless-flask tags` and `qless-flask tracked`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from qless_flask.cli.command import DefaultCommand
from qless_flask.cli.output import print_json, print_table, told_seconds
from qless_flask.cli.target import Target, person, target_options
from qless_flask.client.tags import Tags
from qless_flask.models import STATES, Tag
from qless_flask.schemas.tags import TagSchema, TrackedSchema


@click.group(cls=DefaultCommand, default="show", bare=True, short_help="Sum tags up, or follow one.")
def tags() -> None:
    """Sum all tags up, or those named; or follow one.

    \b
    qless-flask tags
    qless-flask tags docs --json
    qless-flask tags track docs
    """


@tags.command(short_help="Sum tags up (also: tags [TAG]...).")
@click.argument("names", nargs=-1, metavar="[TAG]...")
@target_options
def show(target: Target, names: tuple[str, ...]) -> None:
    """Sum all tags up, or those named: how many jobs in each state, mean wait and run."""
    with target.open() as namespace:
        found = namespace.tags(names) if names else list(Tags(namespace).summaries())
    if target.json:
        print_json({"tags": TagSchema(many=True).dump(found)})
    elif found:
        _print_tags(found)
    else:
        click.echo(f"No job in namespace {target.namespace} of {target.shown_url} has a tag.")


@tags.command()
@click.argument("tag")
@target_options
def track(target: Target, tag: str) -> None:
    """Follow TAG: it stands in `tracked`, and `events --tracked` tells of its jobs."""
    with target.open() as namespace:
        _print(target, namespace.track(tag, actor=person()))


@tags.command()
@click.argument("tag")
@target_options
def untrack(target: Target, tag: str) -> None:
    """Follow TAG no longer."""
    with target.open() as namespace:
        _print(target, namespace.track(tag, on=False, actor=person()))


@click.command()
@target_options
def tracked(target: Target) -> None:
    """Tell the state of all that is tracked: jobs and tags."""
    with target.open() as namespace:
        found = namespace.tracked()
    if target.json:
        print_json(TrackedSchema().dump(found))
        return
    if found.jobs:
        rows = ((each.jid, each.klass, each.queue, each.state, each.progress or "") for each in found.jobs)
        print_table(("jid", "klass", "queue", "state", "progress"), rows)
    if found.tags:
        _print_tags(found.tags)
    if not (found.jobs or found.tags):
        click.echo("Nothing is tracked: job track JID, or tags track TAG.")


def _print(target: Target, tag: Tag) -> None:
    if target.json:
        print_json(TagSchema().dump(tag))
    else:
        click.echo(f"{tag.name} is {'tracked' if tag.tracked else 'not tracked'}.")


def _print_tags(found: Sequence[Tag]) -> None:
    rows = (
        (
            f"{tag.name} (tracked)" if tag.tracked else tag.name,
            *(str(tag.states[state]) for state in STATES),
            told_seconds(tag.wait_mean),
            told_seconds(tag.run_mean),
        )
        for tag in found
    )
    print_table(("tag", *STATES, "wait", "run"), rows)
