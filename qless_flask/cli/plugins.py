"""`qless-flask plugins`."""

from __future__ import annotations

from contextlib import closing

import click

from qless_flask.cli.output import print_json, print_table, told_seconds
from qless_flask.cli.plugin_options import look_for_plugins, plugin_options
from qless_flask.cli.target import url_option
from qless_flask.models.plugins import Plugin, PluginReport
from qless_flask.plugins.reference import reference as write_reference
from qless_flask.schemas.plugins import PluginReportSchema
from qless_flask.settings import PluginSettings


@click.command(short_help="List plugins, what they implement and offer, and how they do.")
@url_option
@plugin_options
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as the HTTP API does.")
@click.option("--reference", is_flag=True, help="Print what hooks there are instead, as a page of Markdown.")
def plugins(url: str, plugins: PluginSettings, as_json: bool, reference: bool) -> None:
    """List the plugins that a process started here would have or, of a URL http://…, those that a server has.

    Exit with 1 if one has failed.

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
    if not url.startswith(("http://", "https://")):
        return look_for_plugins(plugins).reported()
    # Imported when it is asked for, so that no other command waits for it.
    from qless_flask.backends.http import HTTPBackend

    with closing(HTTPBackend(url)) as server:
        return server.plugin_report()


def _print(report: PluginReport) -> None:
    rows = (
        (each.name, each.state, each.source, str(each.calls), str(each.errors), told_seconds(each.seconds))
        for each in report.plugins
    )
    print_table(("plugin", "state", "from", "calls", "errors", "time"), rows)
    for each in report.plugins:
        for line in _told(each):
            click.echo(f"{each.name}: {line}")
    for scheme, source in report.stores.items():
        click.echo(f"{source}: opens {scheme}:")


def _told(plugin: Plugin) -> list[str]:
    offers = [f"offers {kind} {', '.join(names)}" for kind, names in plugin.offers.items() if names]
    shadowed = [f"{kind} {', '.join(names)} are another's" for kind, names in plugin.shadowed.items()]
    error = plugin.last_error
    told = [
        plugin.reason or "",
        f"implements {', '.join(plugin.hooks)}" if plugin.hooks else "",
        *offers,
        *shadowed,
        f"{', '.join(plugin.off)} switched off" if plugin.off else "",
        f"failed last in {error.hook}: {error.message}" if error else "",
    ]
    return [line for line in told if line]
