"""Jobs that may not run yet cost a pop nothing: it does the same with 100,000 of them as with 100."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import pytest
import redis

from qless_flask.backends.base import Namespace
from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.models import Complete, Filter, NewJob, Pop, Rate, Setting
from qless_flask.testing import ManualClock

FEW, MANY = 20, 20_000
"""How many are parked in each of the five queues."""
PARKED = ("one-key", "keys", "key-rates", "sets", "slots")
SETTINGS: dict[str, Mapping[str, Setting]] = {
    "one-key": {"key_concurrency": 1},
    "keys": {"key_concurrency": 1},
    "key-rates": {"key_rate": Rate(1, 86_400)},
    "sets": {},
    "slots": {"max_concurrency": 1},
}


def _find_nothing(namespace: Namespace) -> None:
    assert not namespace.pop(PARKED, "ann")


def _find_nothing_in_turn(namespace: Namespace) -> None:
    assert not namespace.pop(PARKED, "ann", 10, order="round_robin")


def _find_nothing_that_is_offered(namespace: Namespace) -> None:
    assert not namespace.pop(["sets"], "ann", capabilities=["eu", "us"])


def _pass_them_by(namespace: Namespace) -> None:
    for queue in PARKED[:4]:
        namespace.put([NewJob("Crawl", queue=queue, jid=f"free-{queue}", priority=-9, if_exists="replace")])
        [lease] = namespace.pop([queue], "ann", 5)
        namespace.settle([Complete(lease)])


def _pass_them_by_with_a_key(namespace: Namespace) -> None:
    for queue in PARKED[:3]:
        job = NewJob("Crawl", queue=queue, jid=f"keyed-{queue}", priority=-9, key="new key", if_exists="replace")
        namespace.put([job])
        namespace.pop([queue], "ann", 5)
        namespace.cancel([f"keyed-{queue}"])


def _let_the_next_one_run(namespace: Namespace) -> None:
    [running] = namespace.select(Filter(state="running", queue="one-key")).jobs
    namespace.move([running.jid], "one-key")
    [lease] = namespace.pop(["one-key"], "ann", 5)
    namespace.exchange([Complete(lease)], Pop(("one-key",), "ann", 5))


def _park_one_more(namespace: Namespace) -> None:
    for queue in PARKED:
        requires = ("gpu",) if queue == "sets" else ()
        job = NewJob("Crawl", queue=queue, jid=f"more-{queue}", key="key 3", requires=requires, if_exists="replace")
        namespace.put([job])


OPERATIONS = [
    _find_nothing,
    _find_nothing_in_turn,
    _find_nothing_that_is_offered,
    _pass_them_by,
    _pass_them_by_with_a_key,
    _let_the_next_one_run,
    _park_one_more,
]


def _park(namespace: Namespace, count: int) -> None:
    """Put so many jobs into each queue, of which none may run any more."""
    for queue in PARKED:
        namespace.configure(queue, {**SETTINGS[queue], "heartbeat": None})
        keys = {"one-key": 1, "keys": 10, "key-rates": 10}.get(queue)
        requires = ("gpu",) if queue == "sets" else ()
        for begin in range(0, count, 1000):
            namespace.put(
                [
                    NewJob("Crawl", queue=queue, key=f"key {number % keys}" if keys else None, requires=requires)
                    for number in range(begin, min(begin + 1000, count))
                ]
            )
        while namespace.pop([queue], "bob", 1000):
            pass
    running = {"one-key": 1, "keys": 10, "key-rates": 10, "sets": 0, "slots": 1}
    assert {queue.name: queue.waiting for queue in namespace.queues()} == {
        name: count - running[name] for name in PARKED
    }


@dataclass(frozen=True)
class Measured:
    """Two namespaces, and a way to tell what a call on one of them costs."""

    few: Namespace
    many: Namespace
    cost: Callable[[Callable[[], None]], Mapping[str, int]]


@pytest.fixture(scope="module")
def on_valkey(valkey_url: str) -> Iterator[Measured]:
    """On Valkey, the commands that it runs; by name."""
    with (
        closing(redis.Redis.from_url(valkey_url)) as client,
        closing(RedisBackend(valkey_url, clock=ManualClock())) as backend,
    ):
        few, many = backend.namespace("few-parked"), backend.namespace("many-parked")
        _park(few, FEW)
        _park(many, MANY)

        def cost(call: Callable[[], None]) -> Mapping[str, int]:
            client.config_resetstat()
            call()
            return {name: stats["calls"] for name, stats in client.info("commandstats").items()}

        yield Measured(few, many, cost)
        client.flushdb()


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """On SQLite, the instructions of its machine."""
    path = tmp_path_factory.mktemp("parked")
    with closing(SQLiteBackend(f"sqlite:///{path}/jobs.db?synchronous=off", clock=ManualClock())) as backend:
        few, many = backend.namespace("few-parked"), backend.namespace("many-parked")
        _park(few, FEW)
        _park(many, MANY)

        def cost(call: Callable[[], None]) -> Mapping[str, int]:
            count = 0

            def tick() -> int:
                nonlocal count
                count += 1
                return 0

            backend.ping()
            connections = [each for each in (backend._writer._connection, *backend._readers._idle) if each]
            for connection in connections:
                connection.set_progress_handler(tick, 1)
            call()
            for connection in connections:
                connection.set_progress_handler(None, 0)
            return {"instructions": count}

        yield Measured(few, many, cost)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_redis_runs_the_same_commands(operation: Callable[[Namespace], None], on_valkey: Measured) -> None:
    few, many = _costs(on_valkey, operation)

    assert many == few


@pytest.mark.parametrize("operation", OPERATIONS)
def test_sqlite_takes_as_many_instructions(operation: Callable[[Namespace], None], on_sqlite: Measured) -> None:
    few, many = _costs(on_sqlite, operation)

    assert many["instructions"] <= 1.1 * few["instructions"] + 50


def _costs(measured: Measured, operation: Callable[[Namespace], None]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    # Each once before: what is new to the server, and what it notes for the first time, costs more.
    for namespace in (measured.few, measured.many):
        operation(namespace)
    few, many = (
        measured.cost(lambda: operation(namespace))  # noqa: B023 - called at once
        for namespace in (measured.few, measured.many)
    )
    return few, many
