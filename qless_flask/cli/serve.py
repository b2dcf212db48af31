"""`qless-flask serve`: the HTTP API on granian, in processes of many threads."""

from __future__ import annotations

import ipaddress
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import click
from granian import Granian
from granian.constants import Interfaces

from qless_flask.backends import open_backend
from qless_flask.cli.plugin_options import load_plugins, look_here, plugin_options
from qless_flask.cli.target import DEFAULT_NAMESPACE, url_option
from qless_flask.cli.worker import LOG_LEVELS
from qless_flask.errors import BackendUnavailable
from qless_flask.hidden import shown_url
from qless_flask.plugins import Plugins
from qless_flask.scheduler import Scheduler
from qless_flask.settings import PluginSettings, Settings
from qless_flask.worker.logs import write_log

if TYPE_CHECKING:
    from flask import Flask

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000
PORTS_TRIED = 50

CONNECTIONS_A_THREAD = 4
"""More connections than threads, since a worker keeps its own between requests: beyond them nobody else is let in."""
SPARE_FILES = 128

RESPAWN_SECONDS = 0.2
"""The least time from one replacement of dead processes to the next."""

START_SECONDS = 20.0
STOP_SECONDS = 5
"""What the last requests have, once the server is told to stop; waiting polls are answered at once."""


@click.command()
@url_option
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="A loopback address of this machine.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 5000 or, if that is taken, the next free one.")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="That answer requests.")
@click.option(
    "--threads",
    type=click.IntRange(8, 4096),
    default=256,
    show_default=True,
    help="In each process; a worker that waits for jobs holds one, up to three quarters of them.",
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
    processes: int,
    threads: int,
    schedules: bool,
    log_level: str,
    plugins: PluginSettings,
) -> None:
    """Serve the store over HTTP and JSON, until Ctrl-C; one of its processes fires recurrences, promotes and prunes.

    \b
    qless-flask serve
    qless-flask serve --url redis://localhost/0 --port 8080 --processes 4
    qless-flask serve --plugin shop.plugin
    """
    settings = Settings(
        url=url,
        # The others are for requests that don't wait.
        max_waits=threads - threads // 4,
        plugins=plugins.plugins,
        blocked_plugins=plugins.blocked_plugins,
        plugin_order=plugins.plugin_order,
    )
    refuse_strangers(host)
    write_log(log_level.upper())
    port = choose_port(host, port)
    warn_of_risks(url, load_plugins(settings))
    address = f"http://{_in_url(host)}:{port}"
    click.echo(f"Serving {shown_url(url)} at {address} - Ctrl-C stops.")
    click.echo(f"Try: curl {address}/api/v1/namespaces/{DEFAULT_NAMESPACE}/queues")
    server = Server(settings, host, port, processes, threads, schedules=schedules, log_level=log_level)
    server.serve_until_stopped()
    click.echo("Stopped.")


class Server:
    """Granian with our app in each of its processes."""

    def __init__(
        self,
        settings: Settings,
        host: str,
        port: int,
        processes: int,
        threads: int,
        *,
        schedules: bool = True,
        log_level: str = "info",
    ) -> None:
        # Closed by the parent's shutdown or by its death, however it dies; nothing is ever sent.
        told, tells = multiprocessing.Pipe(duplex=False)
        self._load = partial(_load, told, tells, settings, schedules, log_level)
        # Its own connection to the store may be added for each thread.
        _allow_files((CONNECTIONS_A_THREAD + 1) * threads + SPARE_FILES)
        self._granian = _Granian(
            "qless-flask",
            tells=tells,
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=processes,
            blocking_threads=threads,
            backpressure=CONNECTIONS_A_THREAD * threads,
            websockets=False,
            log_enabled=False,
            respawn_failed_workers=True,
            respawn_interval=0.1,
            workers_kill_timeout=STOP_SECONDS,
        )

    def serve_until_stopped(self) -> None:
        """Serve until SIGINT or SIGTERM; only in the main thread."""
        self._granian.serve(target_loader=self._load)


class _Granian(Granian):  # type: ignore[valid-type,misc]
    def __init__(self, *args: Any, tells: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tells = tells

    def shutdown(self, exit_code: int = 0) -> None:
        for worker in self.wrks:
            # One that is quick to go has not failed.
            worker.interrupt_by_parent = True
        # The processes close their stores first, so that waiting polls come back empty instead of being cut off.
        self._tells.close()
        super().shutdown(exit_code)

    def _respawn_workers(self, workers: list[int], *args: Any, **options: Any) -> None:
        click.echo("A process that answers requests has ended: another takes its place.", err=True)
        super()._respawn_workers(workers, *args, **options)
        # Granian gives up, without a word, where one dies twice within seconds; the others may serve well.
        self.respawned_wrks.clear()
        time.sleep(RESPAWN_SECONDS)


class ServerProcess:
    """A server in a process of its own, at a free port of this machine; use as a context."""

    def __init__(self, url: str, port: int | None) -> None:
        self.address = f"http://{DEFAULT_HOST}:{choose_port(DEFAULT_HOST, port)}"
        self._command = [
            sys.executable,
            "-m",
            "qless_flask",
            "serve",
            "--url",
            url,
            "--port",
            self.address.rpartition(":")[2],
            # Who starts it has something to say itself.
            "--log-level",
            "warning",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServerProcess:
        # In a session of its own, so that Ctrl-C reaches who started it first.
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, start_new_session=True)
        for _ in range(int(START_SECONDS / 0.1)):
            if self._process.poll() is not None:
                break
            if self._answers():
                return self
            time.sleep(0.1)
        self.__exit__()
        raise click.ClickException(f"no server at {self.address} within {START_SECONDS:.0f} seconds")

    def __exit__(self, *exit: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def wait(self) -> None:
        """Wait until the server ends."""
        if self._process is not None:
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=1):
                return True
        except OSError:
            return False


def choose_port(host: str, wanted: int | None) -> int:
    """Take the port that is wanted, or the next free one from 5000 on; say so where that is another.

    Raise click.ClickException where there is none.
    """
    if wanted is not None:
        if not _is_free(host, wanted):
            raise click.ClickException(
                f"port {wanted} of {host} is taken: stop what serves there, or give another --port"
            )
        return wanted
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if _is_free(host, port):
            if port != DEFAULT_PORT:
                click.echo(f"Port {DEFAULT_PORT} is taken: serving at {port}.")
            return port
    raise click.ClickException(f"ports {DEFAULT_PORT} to {DEFAULT_PORT + PORTS_TRIED - 1} are all taken: give a --port")


def refuse_strangers(host: str) -> None:
    """Raise click.UsageError for an address that other machines can reach: nobody is asked who they are yet."""
    if host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise click.UsageError(
            f"{host} may be reached from other machines, and the API asks nobody who they are: only loopback addresses"
            " (127.0.0.1, ::1, localhost) are served. Put a proxy that asks before it."
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


def _load(
    told: Connection, tells: Connection, settings: Settings, schedules: bool, log_level: str, target: str
) -> Flask:
    # Runs in each of the server's processes, so that each opens the store for itself, and nobody else loads Flask.
    from qless_flask.web.app import create_app

    write_log(log_level.upper())
    look_here(settings)
    app = create_app(settings=settings)
    tells.close()
    scheduler = None
    # Of a server elsewhere it is the one that has the store who looks after it.
    if schedules and not settings.url.startswith("http"):
        scheduler = Scheduler(app.extensions["qless_flask"].backend)
        scheduler.start()
    threading.Thread(target=_stop_when, args=(told, app, scheduler), daemon=True).start()
    return app


def _stop_when(told: Connection, app: Flask, scheduler: Scheduler | None) -> None:
    told.poll(None)
    if scheduler is not None:
        scheduler.stop()
    app.extensions["qless_flask"].close()
    while True:
        # Again and again: in a process that has only just begun, the first may come before granian listens.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)


def _allow_files(count: int) -> None:
    """Raise this process's limit of open files, which those that it starts inherit, as far as that is allowed."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        count = min(count, most)
    if allowed != resource.RLIM_INFINITY and allowed < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEPORT, which granian sets: two servers would share a port without a word.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
