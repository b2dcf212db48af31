"""`qless-flask worker`."""

from __future__ import annotations

import click

from qless_flask.cli.bearer import shown_token, token_option
from qless_flask.cli.options import codec_option
from qless_flask.cli.plugin_options import plugin_options
from qless_flask.cli.target import namespace_option, url_option
from qless_flask.models import ORDERS, Order
from qless_flask.settings import PluginSettings
from qless_flask.worker import WorkerOptions, WorkSettings, new_worker_name, run
from qless_flask.worker.logs import write_log

LOG_LEVELS = ("debug", "info", "warning", "error")


@click.command(short_help="Work queues with the functions of your modules.")
@url_option
@token_option
@namespace_option
@click.option(
    "--queue", "-q", "queues", multiple=True, required=True, metavar="QUEUE", help="To work; may stand several times."
)
@click.option(
    "--import", "modules", multiple=True, required=True, metavar="MODULE", help="Whose @job functions to run."
)
@click.option(
    "--capability",
    "capabilities",
    multiple=True,
    metavar="WORD",
    help="Offered to jobs; may stand several times.",
)
@click.option("--processes", type=int, default=1, show_default=True, help="Kept alive until the end.")
@click.option("--threads", type=int, default=1, show_default=True, help="In each process.")
@click.option("--concurrency", type=int, default=100, show_default=True, help="Of async functions, in each process.")
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    default="listed",
    show_default=True,
    help="Empty the first queue first, or take from each in turn.",
)
@click.option("--name", help="Of the worker; by default made of host and process.")
@click.option("--grace", type=float, default=30.0, show_default=True, help="Seconds to finish in, once told to stop.")
@click.option("--max-jobs", type=int, metavar="N", help="Begin a process anew after so many jobs.")
@click.option("--fork", is_flag=True, help="Run each job in a process of its own.")
@codec_option
@click.option(
    "--log-level", type=click.Choice(LOG_LEVELS), default="info", show_default=True, help="The least to tell."
)
@plugin_options
def worker(
    url: str,
    namespace: str,
    queues: tuple[str, ...],
    modules: tuple[str, ...],
    capabilities: tuple[str, ...],
    processes: int,
    threads: int,
    concurrency: int,
    order: Order,
    name: str | None,
    grace: float,
    max_jobs: int | None,
    fork: bool,
    codec: str | None,
    log_level: str,
    plugins: PluginSettings,
) -> None:
    """Pop jobs and perform them, until Ctrl-C or TERM; what then runs is finished, or given back after the grace.

    Only functions with @job in the modules imported are run; modules are looked for here first. Where a server lets it
    in no longer (its token was revoked) it pops nothing, and ends with 1 after a minute.

    \b
    qless-flask worker --queue mail --import shop.mails
    qless-flask worker -q fetch -q parse --import crawl --processes 4 --threads 8
    qless-flask worker -q render --import films --capability gpu --capability eu
    """
    settings = WorkSettings(
        threads=threads, concurrency=concurrency, grace=grace, max_jobs=max_jobs, fork=fork, order=order
    )
    options = WorkerOptions(
        url,
        queues,
        modules,
        settings,
        namespace=namespace,
        processes=processes,
        capabilities=capabilities,
        paths=("",),
        log_level=log_level.upper(),
        name=name or new_worker_name(),
        plugins=plugins,
        codec=codec,
        token=shown_token(),
    )
    write_log(options.log_level)
    raise click.exceptions.Exit(run(options))
