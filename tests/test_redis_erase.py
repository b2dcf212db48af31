"""What is Redis's own of freezing and erasing: keys, full stores, and jobs that go a straight way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest
import redis

from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.redis.inspect import inspect
from qless_flask.backends.redis.names import ERASED
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.errors import Frozen, Invalid
from qless_flask.models import Complete, Lease, NewJob, Rate
from qless_flask.testing import ManualClock, invariants


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey_url, protocol=2)
    client.flushall()
    yield client
    client.config_set("maxmemory", 0)
    client.close()


@pytest.fixture
def backend(valkey_url: str, client: redis.Redis) -> Iterator[RedisBackend]:
    with closing(RedisBackend(valkey_url, clock=ManualClock())) as backend:
        yield backend


@pytest.fixture
def namespace(backend: RedisBackend) -> RedisNamespace:
    return backend.namespace("short")


def _keys(client: redis.Redis) -> dict[str, object]:
    """All there is, but for the names of what was erased, which go by themselves."""
    keys = sorted(key.decode() for key in client.scan_iter("*"))
    return {key: client.dump(key) for key in keys if key != ERASED}


def _erase(namespace: RedisNamespace) -> int:
    erased, steps = namespace.erase(namespace.name, limit=10), 1
    while erased.next:
        erased, steps = namespace.erase(None, erased.next, limit=10), steps + 1
    return steps


def _running(namespace: RedisNamespace) -> Lease:
    namespace.put([NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="fetch")])
    [lease] = namespace.pop(["fetch"], "ann")
    return lease


def test_a_thawed_namespace_is_as_it_was(namespace: RedisNamespace, client: redis.Redis) -> None:
    lease = _running(namespace)
    namespace.configure("slow", {"rate": Rate(1, 60)})
    namespace.promote()
    before = _keys(client)

    namespace.freeze()
    with pytest.raises(Frozen):
        namespace.settle([Complete(lease)])
    namespace.freeze(False)

    after = _keys(client)
    assert {key for key in before if before[key] != after.pop(key)} == {"qless:{short}:events", "qless:{short}:meta"}
    assert set(after) == set()


def test_nothing_but_its_own_keys_is_erased(
    backend: RedisBackend, namespace: RedisNamespace, client: redis.Redis
) -> None:
    for name in ("shor", "short2", "sh.rt"):
        _running(backend.namespace(name))
    others = _keys(client)
    for number in range(30):
        namespace.put([NewJob("Crawl", queue=f"q{number}", tags=(f"t{number}",), key=f"k{number}")])

    steps = _erase(namespace)

    assert _keys(client) == others
    assert steps > 5


def test_jobs_that_go_the_straight_way_are_kept_out_until_all_is_gone(
    namespace: RedisNamespace, client: redis.Redis
) -> None:
    lease = _running(namespace)
    namespace.put([NewJob("Crawl", queue=f"q{number}") for number in range(30)])
    erased = namespace.erase(namespace.name, limit=5)

    while erased.next:
        for act in (
            lambda: namespace.pop(["fetch"], "bob"),
            lambda: namespace.settle([Complete(lease)]),
            lambda: namespace.put([NewJob("Crawl", queue="fetch")]),
        ):
            with pytest.raises(Frozen):
                act()
        namespace.promote()
        namespace.remember("reader:one", "0", None)
        namespace.lead("scheduler", "one", 60)
        erased = namespace.erase(None, erased.next, limit=5)

    assert list(_keys(client)) == []


def test_statistics_that_are_counted_meanwhile_are_gone_too(backend: RedisBackend, client: redis.Redis) -> None:
    # In which order a server finds keys depends on their names.
    for number in range(20):
        namespace = backend.namespace(f"short-{number}")
        namespace.put([NewJob("Crawl", queue=f"q{each}") for each in range(30)])
        erased = namespace.erase(namespace.name, limit=5)

        while erased.next:
            namespace.promote()
            erased = namespace.erase(None, erased.next, limit=5)

    assert list(_keys(client)) == []


def test_an_erased_namespace_is_listed_again_with_its_next_write(
    backend: RedisBackend, namespace: RedisNamespace
) -> None:
    _running(namespace)
    _erase(namespace)
    assert backend.namespaces() == []

    _running(namespace)

    assert backend.namespaces() == ["short"]
    invariants.check(inspect(namespace))


def test_it_is_listed_again_when_another_process_writes_that_had_entered_it_before(
    backend: RedisBackend, namespace: RedisNamespace, valkey_url: str
) -> None:
    _running(namespace)
    with closing(RedisBackend(valkey_url, clock=ManualClock())) as other:
        _erase(other.namespace("short"))
        _running(namespace)

        assert other.namespaces() == backend.namespaces() == ["short"]


def test_it_is_erased_and_dumped_again_when_another_process_writes_that_had_entered_it_before(
    namespace: RedisNamespace, client: redis.Redis, valkey_url: str
) -> None:
    _running(namespace)
    with closing(RedisBackend(valkey_url, clock=ManualClock())) as other:
        _erase(other.namespace("short"))
        _running(namespace)

        assert other.namespace("short").dump().records
        assert _erase(other.namespace("short")) > 1
    assert list(_keys(client)) == []


def test_the_name_of_what_was_erased_is_not_kept_for_long(namespace: RedisNamespace, client: redis.Redis) -> None:
    _running(namespace)

    _erase(namespace)

    assert 0 < client.ttl(ERASED) <= 120


def test_a_cursor_of_something_else_is_refused(namespace: RedisNamespace) -> None:
    _running(namespace)

    with pytest.raises(Invalid):
        namespace.erase("short", "fetch")


def test_a_full_store_can_be_erased_from_and_thawed(namespace: RedisNamespace, client: redis.Redis) -> None:
    _running(namespace)
    namespace.freeze()
    client.config_set("maxmemory", 1)

    assert not namespace.freeze(False).frozen
    _erase(namespace)

    assert list(_keys(client)) == []


def test_statistics_are_folded_in_a_full_store_so_that_prune_makes_room(
    namespace: RedisNamespace, client: redis.Redis
) -> None:
    [lease] = [_running(namespace)]
    namespace.settle([Complete(lease)])
    clock = cast(ManualClock, namespace._clock)
    clock.advance(8 * 86_400)
    client.config_set("maxmemory", 1)

    assert namespace.prune().jobs == 1

    client.config_set("maxmemory", 0)
    assert namespace.stats("2027-01-15").run.count == 1
