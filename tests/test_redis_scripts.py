"""What is the scripts' own: how they are composed, loaded and kept apart from Redis's pitfalls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from qless_flask.backends.redis import RedisBackend, scripts
from qless_flask.backends.redis.inspect import inspect
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.backends.store import StoreNamespace
from qless_flask.models import Complete, NewJob
from qless_flask.testing import invariants


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey_url, protocol=2)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def namespace(valkey_url: str, client: redis.Redis) -> Iterator[RedisNamespace]:
    with closing(RedisBackend(valkey_url)) as backend:
        namespace = backend.namespace("scripts")
        yield namespace
        invariants.check(inspect(namespace))


def test_there_is_a_script_for_each_operation_that_writes_or_reads() -> None:
    steps = {name.removeprefix("_") for name in StoreNamespace.__abstractmethods__}

    # A change runs the script of its action.
    assert set(scripts.names()) == steps - {"now", "change", "tracked_tags"}


@pytest.mark.parametrize("name", scripts.names())
def test_a_script_is_headed_by_its_arguments_and_what_it_does(name: str) -> None:
    signature, purpose = scripts.read(name).split("\n")[:2]

    assert re.match(rf"-- {name}\(now[^)]*\)$", signature)
    assert re.match(r"-- [A-Z].*[.,]", purpose)


@pytest.mark.parametrize("name", scripts.names())
def test_a_script_sets_no_globals_and_compiles(name: str, client: redis.Redis) -> None:
    source, digest = scripts.compose(name)

    assert client.script_load(source) in (digest, digest.encode())
    # A server finds a global out only when its line runs. Fields of tables are none.
    source = re.sub(r"\{[^{}]*\}", "", re.sub(r"'[^'\n]*'", "''", source))
    assigned = set(re.findall(r"^\s*([A-Za-z_]\w*)(?:, \w+)* = ", source, re.MULTILINE))
    local = set(re.findall(r"\w+", " ".join(re.findall(r"\blocal (?:function )?([\w, ]+)", source))))
    parameters = set(re.findall(r"\w+", " ".join(re.findall(r"function ?\w*\(([^)]*)\)", source))))
    assert assigned - local - parameters == set()


def test_a_function_that_nothing_calls_is_left_out() -> None:
    source, _ = scripts.compose("recall")

    assert "local function key(" in source
    assert source.count("local function") == 1


def test_scripts_that_the_server_forgot_are_loaded_again(namespace: RedisNamespace, client: redis.Redis) -> None:
    namespace.put([NewJob("Crawl", queue="fetch")])
    client.script_flush()

    [lease] = namespace.pop(["fetch"], "ann")

    client.script_flush()
    [settled] = namespace.settle([Complete(lease)])
    assert getattr(settled, "state", None) == "complete"


def test_all_keys_of_a_namespace_share_its_hash_tag(namespace: RedisNamespace, client: redis.Redis) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", tags=("shop",), pipeline=("parse",), data=f'"{"x" * 1000}"')])
    namespace.pop(["fetch"], "ann", request="1")
    namespace.pop(["none"], "ann", wait=0.01)

    keys = [key.decode() for key in client.scan_iter("*")]

    assert {key for key in keys if not key.startswith("qless:{scripts}:")} == {"qless:namespaces"}


def test_a_jid_without_its_job_stops_nobody(namespace: RedisNamespace, client: redis.Redis) -> None:
    """The ancestor's seventh fault: one such jid made every pop of the queue fail for ever."""
    namespace.put([NewJob("Crawl", queue="fetch", jid="whole")])
    for state in "wrs":
        client.zadd(f"{namespace.prefix}:{state}:fetch", {"broken": -1})
    client.hset(f"{namespace.prefix}:queue:fetch", "deadline", 0)

    popped = namespace.pop(["fetch"], "ann", 10)

    assert [lease.jid for lease in popped] == ["whole"]


def test_the_straight_way_and_the_general_one_leave_the_same(namespace: RedisNamespace) -> None:
    """Plain jobs take another way through put, pop and complete than the same jobs do beside one with a tag."""
    plain = [NewJob("Crawl", queue="plain", jid=f"p{number}", priority=number % 3) for number in range(9)]
    mixed = [NewJob("Crawl", queue="mixed", jid=f"m{number}", priority=number % 3) for number in range(9)]
    tagged = NewJob("Crawl", queue="mixed", jid="tagged", tags=("shop",), priority=-5)
    namespace.put([plain[0]])
    namespace.put([mixed[0], tagged])
    namespace.put(plain[1:])
    for job in mixed[1:]:
        namespace.put([job, NewJob("Crawl", queue="mixed", jid="tagged", if_exists="keep")])

    left = namespace.pop(["plain"], "ann", 9)
    right = namespace.pop(["mixed", "none"], "ann", 9)
    namespace.settle([Complete(lease) for lease in left])
    for lease in right:
        namespace.settle([Complete(lease, data="{}")])

    assert [lease.jid[1:] for lease in left] == [lease.jid[1:] for lease in right]
    for one, other in zip(_jobs(namespace, "p"), _jobs(namespace, "m"), strict=True):
        assert one == other


def _jobs(namespace: RedisNamespace, letter: str) -> list[object]:
    found = namespace.get([f"{letter}{number}" for number in range(9)])
    return [
        job
        and (
            job.state,
            job.priority,
            job.remaining,
            job.losses,
            job.data,
            [(entry.event, entry.worker) for entry in job.history],
        )
        for job in found
    ]
