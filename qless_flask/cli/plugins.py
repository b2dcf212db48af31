"""`qless-flask plugins`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import click
from click.core import ParameterSource

from qless_flask.backends import is_server, open_backend
from qless_flask.backends.scheduling import scheduler_figures
from qless_flask.cli.bearer import shown_token, token_option
from qless_flask.cli.output import print_json, print_table, told_seconds, told_time
from qless_flask.cli.plugin_options import look_for_plugins, plugin_options
from qless_flask.cli.target import url_option
from qless_flask.errors import QlessError
from qless_flask.models.plugin_figures import PluginFigures
from qless_flask.models.plugins import Plugin, PluginReport
from qless_flask.models.scheduling import SchedulerFigures
from qless_flask.plugins import Plugins
from qless_flask.plugins.reference import reference as write_reference
from qless_flask.schemas.plugins import PluginReportSchema
from qless_flask.settings import PluginSettings

COUNTS = ("calls", "errors", "time")


@click.command(short_help="List plugins, what they implement and offer, and how they do.")
@url_option
@token_option
@plugin_options
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as the HTTP API does.")
@click.option("--reference", is_flag=True, help="Print what hooks there are instead, as a page of Markdown.")
def plugins(url: str, plugins: PluginSettings, as_json: bool, reference: bool) -> None:
    """List the plugins that a process started here would have or, of a URL http://…, those that a server has.

    With the URL of a store or a server also how plugins do where its scheduler leads. Exit with 1 if one has failed.

    \b
    qless-flask plugins
    qless-flask plugins --plugin shop.plugin --block-plugin polite
    qless-flask plugins --url http://localhost:5000 --json
    qless-flask plugins --reference
    """
    if reference:
        click.echo(write_reference(), nl=False)
        return
    report = _report(url, plugins)
    if as_json:
        print_json(PluginReportSchema().dump(report))
    else:
        _print(report)
    if any(each.state == "failed" for each in report.plugins):
        raise click.exceptions.Exit(1)


def _report(url: str, plugins: PluginSettings) -> PluginReport:
    if not is_server(url):
        loaded = look_for_plugins(plugins)
        return replace(loaded.reported(), scheduler=_figures(url, loaded))
    # Imported when it is asked for, so that no other command waits for it.
    from qless_flask.backends.http import HTTPBackend

    with closing(HTTPBackend(url, token=shown_token())) as server:
        return server.plugin_report()


def _figures(url: str, plugins: Plugins) -> SchedulerFigures | None:
    # Whoever names no store asks for none, and none is made.
    if click.get_current_context().get_parameter_source("url") is ParameterSource.DEFAULT:
        return None
    try:
        with open_backend(url, plugins=plugins) as backend:
            return scheduler_figures(backend)
    except QlessError as error:
        click.echo(f"Warning: {error}", err=True)
        return None


def _print(report: PluginReport) -> None:
    rows = ((each.name, each.state, each.source, *_counts(each)) for each in report.plugins)
    print_table(("plugin", "state", "from", *COUNTS), rows)
    for each in report.plugins:
        for line in _told(each):
            click.echo(f"{each.name}: {line}")
    for scheme, source in report.stores.items():
        click.echo(f"{source}: opens {scheme}:")
    if report.scheduler is not None:
        click.echo()
        _print_scheduler(report.scheduler)


def _print_scheduler(figures: SchedulerFigures) -> None:
    since, seen = told_time(figures.since), told_time(figures.last_tick_at)
    click.echo(f"scheduler {figures.leader} leads since {since}, seen last at {seen}")
    if figures.plugins:
        rows = ((each.name, *_counts(each)) for each in figures.plugins)
        print_table(("plugin there", *COUNTS), rows)
    for each in figures.plugins:
        for line in _wrong(each):
            click.echo(f"{each.name}: {line}")


def _counts(figures: PluginFigures) -> tuple[str, str, str]:
    return str(figures.calls), str(figures.errors), told_seconds(figures.seconds)


def _told(plugin: Plugin) -> list[str]:
    offers = [f"offers {kind} {', '.join(names)}" for kind, names in plugin.offers.items() if names]
    shadowed = [f"{kind} {', '.join(names)} are another's" for kind, names in plugin.shadowed.items()]
    told = [
        plugin.reason or "",
        f"implements {', '.join(plugin.hooks)}" if plugin.hooks else "",
        *offers,
        *shadowed,
        *_wrong(plugin),
    ]
    return [line for line in told if line]


def _wrong(figures: PluginFigures) -> list[str]:
    error = figures.last_error
    off = [f"{', '.join(figures.off)} switched off"] if figures.off else []
    return [*off, f"failed last in {error.hook}: {error.message}"] if error else off
