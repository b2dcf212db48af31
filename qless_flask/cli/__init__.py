"""The command line. Exit codes: 0 done, 1 what was asked for failed or is not there, 2 asked for wrongly."""

from __future__ import annotations

import click

from qless_flask.cli.change import change
from qless_flask.cli.copy import copy
from qless_flask.cli.demo import demo
from qless_flask.cli.events import events
from qless_flask.cli.export import export
from qless_flask.cli.failures import failures
from qless_flask.cli.import_ import import_
from qless_flask.cli.job import job
from qless_flask.cli.namespace import erase, freeze, settings, thaw
from qless_flask.cli.plugins import plugins
from qless_flask.cli.put import put
from qless_flask.cli.queues import queues
from qless_flask.cli.recurrences import recurrences
from qless_flask.cli.scheduler import scheduler
from qless_flask.cli.serve import serve
from qless_flask.cli.statistics import stats, throughput
from qless_flask.cli.tags import tags, tracked
from qless_flask.cli.theirs import OursAndTheirs
from qless_flask.cli.token import token
from qless_flask.cli.top import top
from qless_flask.cli.worker import worker
from qless_flask.cli.workers import workers

__all__ = ["main"]


@click.group(cls=OursAndTheirs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="qless-flask", message="%(prog)s %(version)s")
def main() -> None:
    """A job queue that people can trust with a pipeline.

    Every command takes --url, the store to work on: sqlite:///qless.db (a file here; the default), redis://HOST/0, or
    http://HOST:PORT, a server of qless-flask. QLESS_URL and QLESS_NAMESPACE in the environment say it for all, and
    QLESS_TOKEN what such a server is shown, if it asks for a token.

    \b
    qless-flask demo --serve                         see it at work
    qless-flask serve                                HTTP and JSON for everybody else
    qless-flask put mail Send '{"to": "ann"}'        put a job
    qless-flask queues                               what waits, runs and failed
    """


_COMMANDS = (
    serve,
    worker,
    scheduler,
    top,
    put,
    job,
    queues,
    failures,
    workers,
    tags,
    tracked,
    recurrences,
    change,
    events,
    stats,
    throughput,
    settings,
    freeze,
    thaw,
    erase,
    export,
    import_,
    copy,
    token,
    plugins,
    demo,
)

for each in _COMMANDS:
    main.add_command(each)
