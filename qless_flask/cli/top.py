"""`qless-flask top`: the overview in a terminal, live."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import click

from qless_flask.backends import is_server
from qless_flask.cli.output import print_json
from qless_flask.cli.plugin_options import open_store
from qless_flask.cli.target import Target, target_options
from qless_flask.errors import BackendUnavailable
from qless_flask.overview import Looker, Overview, QueueView
from qless_flask.schemas.queues import QueueSchema
from qless_flask.schemas.statistics import StatsSchema, ThroughputSchema


@click.command(short_help="Watch the queues, live.")
@click.option(
    "--interval",
    type=click.FloatRange(0.2, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="From one look to the next.",
)
@click.option("--once", is_flag=True, help="Look once, and end; so it does where nobody looks at a terminal.")
@target_options
def top(target: Target, interval: float, once: bool) -> None:
    """Tell what is wrong, and how each queue does, until Ctrl-C; with --json, once.

    Rates are of the last 10 minutes, curves of the last 30, waits and runs of today (UTC).

    \b
    qless-flask top
    qless-flask top --url redis://localhost/0 --namespace shop --interval 1
    """
    with open_store(target.url) as backend:
        looker = Looker(backend, has_schedulers=not is_server(target.url))
        overview = looker.overview(target.namespace)
        if target.json:
            print_json(_message(overview))
        elif once or not sys.stdout.isatty():
            _screen(target).print(overview)
        else:
            _watch(target, looker, overview, interval)


def _watch(target: Target, looker: Looker, overview: Overview, interval: float) -> None:
    with suppress(KeyboardInterrupt), _screen(target).live() as show:
        trouble = None
        while True:
            show(overview, trouble)
            time.sleep(interval)
            try:
                overview, trouble = looker.overview(target.namespace), None
            except BackendUnavailable as error:
                trouble = error.message


def _screen(target: Target) -> Any:
    # What draws takes its time to import, and no other command needs it.
    from qless_flask.cli.screen import Screen

    return Screen(target.shown_url)


def _message(overview: Overview) -> dict[str, object]:
    return {
        "namespace": overview.namespace,
        "at": overview.at,
        "warnings": [asdict(warning) for warning in overview.warnings],
        "queues": [_queue(view) for view in overview.queues],
        "throughput": ThroughputSchema().dump(overview.lately),
    }


def _queue(view: QueueView) -> dict[str, object]:
    return {
        **QueueSchema().dump(view.queue),
        "throughput": None if view.lately is None else ThroughputSchema().dump(view.lately),
        "stats": None if view.today is None else StatsSchema().dump(view.today),
    }
