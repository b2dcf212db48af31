"""`qless-flask scheduler`."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

from qless_flask.backends import is_server, open_backend
from qless_flask.cli.plugin_options import load_plugins, plugin_options
from qless_flask.cli.target import url_option
from qless_flask.cli.worker import LOG_LEVELS
from qless_flask.hidden import shown_url
from qless_flask.scheduler import Scheduler
from qless_flask.settings import PluginSettings
from qless_flask.worker.logs import write_log

AWAKE_SECONDS = 0.5


@click.command(short_help="Fire recurrences, promote, prune and deliver, without a server.")
@url_option
@plugin_options
@click.option("--name", help="Of the scheduler; by default made of host and process.")
@click.option(
    "--log-level", type=click.Choice(LOG_LEVELS), default="info", show_default=True, help="The least to tell."
)
def scheduler(url: str, name: str | None, log_level: str, plugins: PluginSettings) -> None:
    """Fire recurrences, make due jobs available, prune and deliver events, until Ctrl-C or TERM; a second one ends it
    at once.

    `qless-flask serve` does all that itself, unless it is told --no-scheduler. Run as many as you like: one of them
    leads, and another does within 5 seconds when it is gone.

    \b
    qless-flask scheduler --url redis://localhost/0
    """
    if is_server(url):
        raise click.UsageError(
            f"the store of {shown_url(url)} is looked after by that server: give the URL of the store itself."
        )
    told = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        told.set()

    write_log(log_level.upper())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    with open_backend(url, plugins=load_plugins(plugins)) as backend, Scheduler(backend, name=name):
        # Where the kernel gives the signal to another thread, this one learns of it only when it is awake.
        while not told.wait(AWAKE_SECONDS):
            pass
