"""What Redis keeps to answer in figures: counters that are gone with the last job that they count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import cast

import pytest
import redis

from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.redis.inspect import inspect
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.backends.redis.queues import read_worker
from qless_flask.backends.redis.recurrences import read_recurring, seen_rule, write_rule, write_timing
from qless_flask.backends.redis.settings import pack
from qless_flask.models import Backoff, Changes, Fail, NewJob, QueueSettings, Rate, Recurrence, Retention
from qless_flask.testing import ManualClock, invariants

RULE = Recurrence(
    "Crawl",
    '{"a": "ä\\n"}',
    queue="fetch",
    id="nightly",
    interval=60,
    tags=("shop",),
    pipeline=("parse",),
    backoff=Backoff("fixed", 3),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey_url, protocol=2)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def namespace(valkey_url: str, client: redis.Redis, clock: ManualClock) -> Iterator[RedisNamespace]:
    with closing(RedisBackend(valkey_url, clock=clock)) as backend:
        namespace = backend.namespace("figures")
        yield namespace
        invariants.check(inspect(namespace))


def _kinds(client: redis.Redis) -> set[str]:
    keys = [key.decode() for key in client.scan_iter("qless:{figures}:*")]
    return {key.removeprefix("qless:{figures}:").partition(":")[0] for key in keys}


def test_pruned_jobs_leave_no_counters(namespace: RedisNamespace, client: redis.Redis, clock: ManualClock) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", tags=("shop", "blue"))])
    [lease] = namespace.pop(["fetch"], "ann")
    namespace.settle([Fail(lease, group="boom")])
    assert {"figures", "tags", "touched", "groups", "group", "tag"} <= _kinds(client)

    clock.advance(Retention().failed.age + 1)
    namespace.prune()

    assert _kinds(client) & {"figures", "tags", "touched", "groups", "group", "tag"} == set()


def test_a_state_that_no_job_of_a_tag_is_in_has_no_counter(namespace: RedisNamespace, client: redis.Redis) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", tags=("shop",))])

    namespace.pop(["fetch"], "ann")

    assert client.hkeys("qless:{figures}:figures:shop") == [b"r", b"waits"]


def test_a_tag_taken_away_leaves_no_counters(namespace: RedisNamespace, client: redis.Redis) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", jid="a", tags=("shop",))])

    namespace.update(["a"], Changes(remove_tags=("shop",)))

    assert _kinds(client) & {"figures", "tags", "tag"} == set()


def test_plain_jobs_are_told_of_as_they_always_were(namespace: RedisNamespace, client: redis.Redis) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", jid="a"), NewJob("Crawl", queue="fetch", jid="b", pipeline=("x",))])

    [(_, fields)] = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange("qless:{figures}:events"))

    assert fields[b"e"].split(b"\n", 1)[1] == b"p\tfetch\t\tw\t\t\ta\tb"


def test_sums_take_as_many_commands_for_a_thousand_jobs_as_for_one(
    namespace: RedisNamespace, client: redis.Redis
) -> None:
    _fail(namespace, 1)
    for_one = _commands(namespace, client)

    _fail(namespace, 999)

    assert _commands(namespace, client) == for_one


def _fail(namespace: RedisNamespace, count: int) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", tags=("shop",)) for _ in range(count)])
    namespace.settle([Fail(lease, group="boom") for lease in namespace.pop(["fetch"], "ann", count)])


def _commands(namespace: RedisNamespace, client: redis.Redis) -> dict[str, int]:
    for _ in range(2):  # The first time a script is new to the server, which takes a command more.
        client.config_resetstat()
        namespace.failures()
        namespace.tags()
        namespace.queues()
    return {name: stats["calls"] for name, stats in client.info("commandstats").items()}


def test_a_wish_that_is_taken_back_leaves_the_worker_as_it_was(namespace: RedisNamespace, client: redis.Redis) -> None:
    namespace.pop(["fetch"], "ann")
    before = client.hget("qless:{figures}:workers", "ann")

    for wish in (namespace.quiet, namespace.stop):
        assert wish("ann") != wish("ann", on=False)

    assert client.hget("qless:{figures}:workers", "ann") == before


def test_a_worker_is_read_with_what_it_is_asked() -> None:
    worker = read_worker([b"ann", b"1500sq", b"2"])

    assert (worker.seen_at, worker.running, worker.quiet, worker.stop) == (1.5, 2, True, True)


def test_a_worker_is_read_with_what_it_offers() -> None:
    worker = read_worker([b"ann", b"1500q\teu\x1fgpu", b"0"])

    assert (worker.seen_at, worker.quiet, worker.capabilities) == (1.5, True, ("eu", "gpu"))


def test_the_settings_that_all_queues_have_take_no_room() -> None:
    assert pack(QueueSettings()) == ("", "", "")
    assert pack(QueueSettings(backoff=Backoff("fixed", 3))) == ('60000,5,3\n{"strategy": "fixed", "delay": 3}', "", "")
    assert pack(QueueSettings(heartbeat=None, max_run=9)) == (",5,3,9000", "", "")
    assert pack(QueueSettings(rate=Rate(2, 1.5), max_size=7)) == ("", ",2,1500,,,,,,7", "")


def test_a_rule_is_read_as_it_was_written(namespace: RedisNamespace, client: redis.Redis) -> None:
    made = namespace.recur(RULE)

    kept = read_recurring(cast(bytes, client.hget("qless:{figures}:recurrences", "nightly")))

    assert kept == made
    assert kept.rule == RULE
    assert seen_rule(kept) == ["nightly", write_rule(RULE)]


def test_the_timing_of_a_rule_does_not_depend_on_how_a_number_is_written() -> None:
    assert write_timing(RULE) == write_timing(replace(RULE, interval=60.0, data="[]"))
    assert write_timing(RULE) != write_timing(replace(RULE, interval=61))
