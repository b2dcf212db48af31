"""`qless-flask demo`: crawl the documentation of Python, sum it up, search it."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from click.decorators import FC

from qless_flask.backends.base import Namespace
from qless_flask.cli.bearer import shown_token
from qless_flask.cli.command import DefaultCommand, debug_option
from qless_flask.cli.output import print_json, print_table, told_seconds
from qless_flask.cli.plugin_options import open_store
from qless_flask.cli.serve_apart import ServerProcess
from qless_flask.cli.target import command_name, url_option
from qless_flask.demo.crawl import STAGES, Crawl, Progress, Staff
from qless_flask.demo.index import Index
from qless_flask.demo.summary import Summary, summarize
from qless_flask.hidden import shown_url

LINE_SECONDS = 2.0
SHOWN = 6


@click.group(cls=DefaultCommand, default="crawl", bare=True, short_help="Crawl Python's documentation; search it.")
def demo() -> None:
    """Crawl the documentation that comes with Python, as a pipeline of three queues: fetch, parse, index.

    Each page is one job, so the same command again goes on where an interrupted crawl stood, and crawls no page twice.

    \b
    qless-flask demo --serve                     crawl, then serve the HTTP API until Ctrl-C
    qless-flask demo --url redis://localhost/0   crawl by way of another store or a server
    qless-flask demo search decimal              search what was crawled
    """


def index_option(command: FC) -> FC:
    """Give a command --index."""
    return click.option(
        "--index",
        type=click.Path(path_type=Path, dir_okay=False),
        default="qless-demo.db",
        show_default=True,
        help="The file of the full-text index.",
    )(command)


@demo.command(short_help="Crawl (also: demo alone).")
@url_option
@click.option("--namespace", "-n", default="demo", show_default=True, metavar="NAME", help="Another one crawls anew.")
@index_option
@click.option("--serve", is_flag=True, help="Serve the store over HTTP meanwhile, and afterwards until Ctrl-C.")
@click.option("--port", type=click.IntRange(1, 65535), help="To serve at; default: 5000, or the next free one.")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="In each of them.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def crawl(
    url: str,
    namespace: str,
    index: Path,
    serve: bool,
    port: int | None,
    processes: int,
    threads: int,
    as_json: bool,
) -> None:
    """Crawl, and sum up what came of it."""
    if serve and url.startswith("http"):
        raise click.UsageError(f"--serve serves a store of one's own, and {shown_url(url)} is a server already")
    # Whoever ends the demo ends its site, workers and server with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    with ServerProcess(url, port) if serve else nullcontext() as server, open_store(url, shown_token()) as backend:
        opened = backend.namespace(namespace)
        if server:
            click.echo(f"Serving {shown_url(url)} at {server.address} - Ctrl-C stops.", err=True)
        try:
            _crawl(url, opened, index, Staff(processes, threads))
        except KeyboardInterrupt:
            click.echo("\nStopped. The same command goes on from here.", err=True)
            raise click.exceptions.Exit(1) from None
        summary = summarize(opened)
        print_json(asdict(summary)) if as_json else _print_summary(summary)
        if server:
            click.echo(f"\nStill serving; try: curl {server.address}/api/v1/namespaces/{namespace}/queues", err=as_json)
            click.echo(f"                   {command_name()} demo search decimal", err=as_json)
            with contextlib.suppress(KeyboardInterrupt):
                server.wait()
                raise click.ClickException("the server stopped by itself")


@demo.command(short_help="Search what was crawled.")
@debug_option
@click.argument("words", nargs=-1, required=True)
@index_option
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="So many hits at most.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def search(words: tuple[str, ...], index: Path, limit: int, as_json: bool) -> None:
    """Search what was crawled for pages that have all WORDS; exit with 1 where none has."""
    hits = Index(index).search(" ".join(words), limit)
    if as_json:
        print_json({"hits": [asdict(hit) for hit in hits]})
    elif not hits:
        click.echo(f"No page has {' and '.join(words)}.", err=True)
    for hit in [] if as_json else hits:
        click.echo(click.style(hit.title, bold=True) + f"  ({hit.link})")
        click.echo(f"    {hit.excerpt}")
    if not hits:
        raise click.exceptions.Exit(1)


def _crawl(url: str, namespace: Namespace, index: Path, staff: Staff) -> None:
    with Crawl(url, namespace, index, staff) as crawl:
        if crawl.before.over:
            click.echo(
                f"Nothing is left to crawl, {crawl.before.found} pages are done; to crawl anew: --namespace NAME",
                err=True,
            )
            return
        if crawl.before.ended:
            click.echo(f"Going on: {crawl.before.ended} of {crawl.before.found} pages are done.", err=True)
        if sys.stderr.isatty():
            _show_bar(crawl.follow())
        else:
            _show_lines(crawl.follow())


def _show_bar(steps: Iterator[Progress]) -> None:
    with click.progressbar(
        length=1,
        label="Crawling",
        show_pos=True,
        show_eta=False,
        item_show_func=_told_progress,
        file=sys.stderr,
    ) as bar:
        for progress in steps:
            bar.length = progress.found
            bar.update(progress.ended - bar.pos, progress)


def _show_lines(steps: Iterator[Progress]) -> None:
    shown = -LINE_SECONDS
    for progress in steps:
        if time.monotonic() - shown >= LINE_SECONDS or progress.over:
            shown = time.monotonic()
            click.echo(f"Crawling: {progress.ended} of {progress.found} pages; {_told_progress(progress)}", err=True)


def _told_progress(progress: Progress | None) -> str:
    if progress is None:
        return ""
    if not progress.reachable:
        return "the store does not answer, waiting for it"
    stages = ", ".join(f"{stage} {progress.waiting[stage]}" for stage in STAGES)
    return f"to do: {stages}" + (f"; {progress.failed} failed" if progress.failed else "")


def _print_summary(summary: Summary) -> None:
    click.echo(
        f"{summary.pages} pages with {summary.links:,} links crawled in {told_seconds(summary.seconds)};"
        f" {summary.failed} failed, {summary.retried} runs were retried, {summary.lost} lost."
    )
    if not summary.whole:
        click.echo("(The log of events no longer reaches back to the beginning: the times are of what it has.)")
    click.echo()
    header = ("stage", "runs", "wait mean", "wait max", "run mean", "run max")
    print_table(
        header,
        (
            [each.stage, str(len(each.run.seconds))]
            + [told_seconds(value) for times in (each.wait, each.run) for value in (times.mean, times.longest)]
            for each in summary.stages
        ),
    )
    if summary.failures:
        click.echo("\nFailed, by cause (modules that cannot be imported on this machine have no page):")
    for failure in summary.failures:
        names = [link.removesuffix(".html") for link in failure.links]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        click.echo(f"  {failure.group}: {len(names)} - {', '.join(names[:SHOWN])}{more}")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
