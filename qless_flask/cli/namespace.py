"""`qless-flask settings`, `freeze`, `thaw` and `erase`: a namespace itself."""

from __future__ import annotations

import click

from qless_flask.cli.output import print_json
from qless_flask.cli.plans import namespace_options, print_plans
from qless_flask.cli.settings import print_settings
from qless_flask.cli.target import Target, person, target_options
from qless_flask.models import NamespaceSettings, Setting
from qless_flask.schemas.queues import NamespaceSettingsSchema


@click.command(short_help="Show or change what holds for queues that don't say.")
@namespace_options
@target_options
def settings(target: Target, *, changes: dict[str, Setting], inherit: tuple[str, ...]) -> None:
    """Change the settings of all queues that do not say otherwise, and what the namespace alone has; show them without.

    What it alone has are policies, trackers and the back-off of klasses. Of all settings, those not named stay.

    In brackets are those that are as by default. For those of one queue see `qless-flask queues configure`.

    \b
    qless-flask settings --retries 2 --retention failed:604800:1000
    qless-flask settings --inherit retries
    qless-flask settings --policies '[{"name": "allow_list", "klasses": ["Crawl"]}]' --trackers '[]'
    """
    with target.open() as namespace:
        if changes or inherit:
            found = namespace.configure_namespace(changes, inherit=inherit, actor=person())
        else:
            found = namespace.settings()
    if target.json:
        print_json(NamespaceSettingsSchema().dump(found))
        return
    print_settings(found.settings, found.own)
    print_plans(found)
    click.echo(f"{'frozen':<16} {'yes' if found.frozen else 'no'}")


@click.command(short_help="Make a namespace read-only.")
@target_options
def freeze(target: Target) -> None:
    """Make the namespace read-only until it is thawed: nothing is put or popped; workers finish what runs, and wait."""
    with target.open() as namespace:
        _print(target, namespace.freeze(actor=person()))


@click.command(short_help="Let a frozen namespace be written again.")
@target_options
def thaw(target: Target) -> None:
    """Let a frozen namespace be written again."""
    with target.open() as namespace:
        _print(target, namespace.freeze(False, actor=person()))


@click.command(short_help="Delete a namespace.")
@click.option("--confirm", metavar="NAME", help="Its name again: delete it with all the jobs that it has.")
@target_options
def erase(target: Target, confirm: str | None) -> None:
    """Delete the namespace, which must be empty or be named again.

    \b
    qless-flask erase -n trial --confirm trial
    """
    deleted, cursor = 0, None
    with target.open() as namespace:
        while True:
            step = namespace.erase(confirm, cursor, actor=person())
            deleted, cursor = deleted + step.deleted, step.next
            if cursor is None:
                break
    if target.json:
        print_json({"deleted": deleted, "next": None})
    else:
        click.echo(f"{target.namespace} is erased.")


def _print(target: Target, found: NamespaceSettings) -> None:
    if target.json:
        print_json(NamespaceSettingsSchema().dump(found))
    else:
        click.echo(f"{target.namespace} is {'frozen' if found.frozen else 'open'}.")
