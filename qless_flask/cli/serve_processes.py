"""The server: granian in the parent, and our app in each of its processes."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import click
from granian import Granian
from granian.constants import Interfaces, SSLProtocols

from qless_flask.backends import is_server
from qless_flask.cli.plugin_options import look_here
from qless_flask.cli.serve_certificate import Certificate
from qless_flask.scheduler import Scheduler
from qless_flask.settings import Settings
from qless_flask.worker.logs import write_log

if TYPE_CHECKING:
    from flask import Flask

CONNECTIONS_A_THREAD = 4
"""More connections than threads, since a worker keeps its own between requests: beyond them nobody else is let in."""
SPARE_FILES = 128

RESPAWN_SECONDS = 0.2
"""The least time from one replacement of dead processes to the next."""

STOP_SECONDS = 5
"""What the last requests have, once the server is told to stop; waiting polls are answered at once."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How a server is to serve."""

    address: str
    port: int
    processes: int
    threads: int
    certificate: Certificate | None = None
    schedules: bool = True
    log_level: str = "info"
    proxies: int = 0
    host_names: tuple[str, ...] = ()


class Server:
    """Granian with our app in each of its processes."""

    def __init__(self, settings: Settings, serving: Serving) -> None:
        # Closed by the parent's shutdown or by its death, however it dies; nothing is ever sent.
        told, tells = multiprocessing.Pipe(duplex=False)
        self._load = partial(_load, told, tells, settings, serving)
        # Its own connection to the store may be added for each thread.
        _allow_files((CONNECTIONS_A_THREAD + 1) * serving.threads + SPARE_FILES)
        certificate = serving.certificate
        self._granian = _Granian(
            "qless-flask",
            tells=tells,
            address=serving.address,
            port=serving.port,
            interface=Interfaces.WSGI,
            workers=serving.processes,
            blocking_threads=serving.threads,
            backpressure=CONNECTIONS_A_THREAD * serving.threads,
            websockets=False,
            log_enabled=False,
            ssl_cert=certificate and certificate.path,
            ssl_key=certificate and certificate.key_path,
            ssl_protocol_min=SSLProtocols.tls12,
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


def _load(told: Connection, tells: Connection, settings: Settings, serving: Serving, target: str) -> Flask:
    # Runs in each of the server's processes, so that each opens the store for itself, and nobody else loads Flask.
    from qless_flask.web.app import create_app

    write_log(serving.log_level.upper())
    look_here(settings)
    app = create_app(settings=settings, host_names=serving.host_names, proxies=serving.proxies)
    tells.close()
    scheduler = None
    # Of a server elsewhere it is the one that has the store who looks after it.
    if serving.schedules and not is_server(settings.url):
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
