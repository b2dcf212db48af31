"""`qless-flask serve`: the HTTP API on granian, in processes of many threads."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from qless_flask.backends import is_server, open_backend
from qless_flask.backends.tokens import Tokens
from qless_flask.bounds import MAX_RATE
from qless_flask.cli.plugin_options import load_plugins, plugin_options
from qless_flask.cli.serve_address import DEFAULT_HOST, address_of, choose_port, is_loopback, url_of
from qless_flask.cli.serve_certificate import read_certificate
from qless_flask.cli.serve_processes import Server, Serving
from qless_flask.cli.target import DEFAULT_NAMESPACE, command_name, url_option
from qless_flask.cli.worker import LOG_LEVELS
from qless_flask.errors import BackendUnavailable
from qless_flask.hidden import shown_url
from qless_flask.plugins import Plugins
from qless_flask.settings import DEFAULT_URL, PluginSettings, Settings
from qless_flask.worker.logs import write_log


@click.command()
@url_option
@click.option(
    "--host",
    default=DEFAULT_HOST,
    show_default=True,
    help="The address to listen at; one that other machines can reach (0.0.0.0: all) only once there is a token.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 5000 or, if that is taken, the next free one.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Serve https (TLS 1.2 or newer) with this certificate, and those of its issuers: PEM.",
)
@click.option(
    "--private-key",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The key of the certificate: PEM, not encrypted.",
)
@click.option(
    "--proxies",
    type=click.IntRange(0, 16),
    default=0,
    show_default=True,
    help="So many proxies stand before it, one behind the other, and each sets X-Forwarded-For, -Proto, -Host and"
    " -Prefix: these are believed then.",
)
@click.option(
    "--host-name",
    "host_names",
    multiple=True,
    metavar="NAME",
    help="A name by which it is called. While there is no token only these are answered, and those of this machine;"
    " may stand several times.",
)
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="That answer requests.")
@click.option(
    "--threads",
    type=click.IntRange(8, 4096),
    default=256,
    show_default=True,
    help="In each process; a worker that waits for jobs holds one, up to three quarters of them.",
)
@click.option(
    "--requests-per-second",
    type=click.FloatRange(0.01, MAX_RATE),
    metavar="NUMBER",
    help="So many may come with one token that does not say itself; more are answered 429. Each process counts for"
    " itself: with two, up to twice as many. Default: no limit.",
)
@click.option(
    "--scheduler/--no-scheduler",
    "schedules",
    default=True,
    show_default=True,
    help="Or leave it to `qless-flask scheduler` to fire recurrences, promote, prune and deliver.",
)
@click.option(
    "--log-level", type=click.Choice(LOG_LEVELS), default="info", show_default=True, help="The least to tell."
)
@plugin_options
def serve(
    url: str,
    host: str,
    port: int | None,
    certificate: Path | None,
    private_key: Path | None,
    proxies: int,
    host_names: tuple[str, ...],
    processes: int,
    threads: int,
    requests_per_second: float | None,
    schedules: bool,
    log_level: str,
    plugins: PluginSettings,
) -> None:
    """Serve the store over HTTP and JSON, until Ctrl-C; one of its processes fires recurrences, promotes and prunes.

    As soon as the store has a token (`qless-flask token create`), each request needs one.

    \b
    qless-flask serve
    qless-flask serve --url redis://localhost/0 --port 8080 --processes 4
    qless-flask serve --host 0.0.0.0 --certificate chain.pem --private-key key.pem
    qless-flask serve --proxies 1                    behind a proxy on this machine
    """
    listening = address_of(host)
    reachable = not is_loopback(listening)
    settings = Settings(
        url=url,
        # The others are for requests that don't wait.
        max_waits=threads - threads // 4,
        # Whatever becomes of the tokens later.
        closed=reachable,
        requests_per_second=requests_per_second,
        plugins=plugins.plugins,
        blocked_plugins=plugins.blocked_plugins,
        plugin_order=plugins.plugin_order,
    )
    proof = read_certificate(certificate, private_key)
    write_log(log_level.upper())
    loaded = load_plugins(settings)
    if reachable:
        refuse_strangers(host, url, loaded)
        if proof is None and not proxies:
            click.echo(
                "Warning: tokens can be read on their way: give a --certificate, or let a proxy do it.", err=True
            )
    port = choose_port(listening, port)
    warn_of_risks(url, loaded)
    address = url_of(host, port, secure=proof is not None)
    click.echo(f"Serving {shown_url(url)} at {address} - Ctrl-C stops.")
    click.echo(f"Try: curl {address}/api/v1/namespaces/{DEFAULT_NAMESPACE}/queues")
    serving = Serving(listening, port, processes, threads, proof, schedules, log_level, proxies, host_names)
    Server(settings, serving).serve_until_stopped()
    click.echo("Stopped.")


def refuse_strangers(host: str, url: str, plugins: Plugins) -> None:
    """Raise click.ClickException for an address that other machines can reach, where nobody can say who they are."""
    if plugins.calls("authenticate"):
        return
    reached = f"{host} may be reached from other machines"
    if is_server(url):
        raise click.ClickException(
            f"{reached}, and {shown_url(url)} is a server that has the tokens: let them ask there, or serve its store"
        )
    try:
        if _has_tokens(url, plugins):
            return
    except BackendUnavailable as error:
        raise click.ClickException(
            f"{reached}, so there must be a token first, and the store does not say whether there is: {error.message}"
        ) from error
    where = "" if url in (DEFAULT_URL, os.environ.get("QLESS_URL")) else f" --url {shlex.quote(shown_url(url))}"
    raise click.ClickException(
        f"{reached}, and nobody is asked who they are before there is a token. Make one:\n"
        f"  {command_name()} token create --role admin --namespace '*'{where}"
    )


def warn_of_risks(url: str, plugins: Plugins) -> None:
    """Say what the store's set-up puts at risk; a store that is down may still come."""
    with open_backend(url, plugins=plugins) as backend:
        try:
            risks = backend.ping()
        except BackendUnavailable as error:
            risks = [f"{error.message} - serving all the same, with 503 until it is there"]
    for risk in risks:
        click.echo(f"Warning: {risk}", err=True)


def _has_tokens(url: str, plugins: Plugins) -> bool:
    with open_backend(url, plugins=plugins) as backend:
        return Tokens(backend).exist()
