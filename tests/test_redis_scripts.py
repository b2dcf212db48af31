"""What is the scripts' own: how they are composed, loaded and kept apart from Redis's pitfalls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis

from qless_flask.backends.redis import RedisBackend, scripts
from qless_flask.backends.redis.inspect import inspect
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.backends.store import StoreNamespace
from qless_flask.models import Complete, NewJob, Retry, Unique
from qless_flask.testing import ManualClock, invariants


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
    source, _ = scripts.compose("lines")

    assert "local function key(" in source
    assert source.count("local function") == 1


def test_functions_that_only_unused_ones_call_are_left_out_too() -> None:
    source, _ = scripts.compose("heartbeat")

    assert "function set_score(" in source
    assert "function enter_index(" not in source
    assert "ties = function(" not in source


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


@pytest.mark.parametrize(
    "options",
    [
        {"tags": ("shop",)},
        {"max_run": 60},
        {"expires_in": 60},
        {"unique": Unique("one")},
        {"depends": ("done",)},
        {"on_parent_end": "run"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_job_that_goes_the_general_way_for_what_it_has_fares_alike(
    namespace: RedisNamespace, options: dict[str, Any]
) -> None:
    namespace.put([NewJob("Crawl", queue="before", jid="done")])
    namespace.settle([Complete(lease) for lease in namespace.pop(["before"], "ann")])
    for queue in ("plain", "other"):
        namespace.configure(queue, {"retries": 2})
    start = namespace.events(limit=1000).next
    namespace.put([NewJob("Crawl", queue="plain", jid="p0")])
    namespace.put([NewJob("Crawl", queue="other", jid="o0", **options)])

    for queue in ("plain", "other"):
        namespace.settle([Retry(lease, delay=0) for lease in namespace.pop([queue], "ann")])
        namespace.settle([Complete(lease) for lease in namespace.pop([queue], "ann")])

    plain, other = _jobs(namespace, "p")[0], _jobs(namespace, "o")[0]
    events = namespace.events(start, limit=1000).events
    told = {
        jid: [(event.event, event.state, event.worker, event.group) for event in events if event.jid == jid]
        for jid in ("p0", "o0")
    }
    assert plain == other
    assert told["p0"] == told["o0"]
    assert [event for event, *_ in told["p0"]] == ["put", "popped", "retried", "popped", "completed"]


def test_a_pop_that_finds_both_kinds_of_jobs_gives_all_in_their_order(namespace: RedisNamespace) -> None:
    """The straight way has taken jobs off the index when it meets one that it leaves to the general way."""
    namespace.put([NewJob("Crawl", queue="fetch", jid=f"p{number}") for number in range(3)])
    namespace.put([NewJob("Crawl", queue="fetch", jid="tagged", tags=("shop",))])
    namespace.put([NewJob("Crawl", queue="fetch", jid=f"q{number}") for number in range(3)])

    many = namespace.pop(["fetch"], "ann", 5)
    one = namespace.pop(["fetch"], "ann")
    rest = namespace.pop(["fetch"], "ann", 5)

    assert [lease.jid for lease in many] == ["p0", "p1", "p2", "tagged", "q0"]
    assert [lease.jid for lease in one] == ["q1"]
    assert [lease.jid for lease in rest] == ["q2"]


def test_the_straight_way_of_a_plain_life_costs_these_commands(valkey_url: str, client: redis.Redis) -> None:
    with closing(RedisBackend(valkey_url, clock=ManualClock())) as backend:
        namespace = backend.namespace("scripts")
        namespace.put([NewJob("Crawl", queue="fetch")])
        namespace.settle([Complete(lease) for lease in namespace.pop(["fetch"], "ann")])

        client.config_resetstat()
        namespace.put([NewJob("Crawl", queue="fetch")])
        [lease] = namespace.pop(["fetch"], "ann")
        namespace.settle([Complete(lease)])
        counted = client.info("commandstats")

    calls = {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in counted.items()}
    calls.pop("config|resetstat", None)
    assert calls == {
        "evalsha": 3,
        "hget": 4,
        "hincrby": 2,
        "hmget": 2,
        "hset": 3,
        "hsetnx": 1,
        "setrange": 1,
        "xadd": 3,
        "zadd": 3,
        "zpopmin": 1,
        "zrem": 1,
    }


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
