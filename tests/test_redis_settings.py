"""What is Redis's own of settings: those of several who change them at once, and those of older versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import redis

from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.models import Backoff, Chosen, NewJob, QueueSettings, Rate


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey_url, protocol=2)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def namespace(valkey_url: str, client: redis.Redis) -> Iterator[RedisNamespace]:
    with closing(RedisBackend(valkey_url)) as backend:
        yield backend.namespace("settings")


def _after_the_first_read(namespace: RedisNamespace, act: Callable[[], object]) -> None:
    read, acts = namespace.read, iter([act])

    def read_then_act(*arguments: str) -> object:
        reply = read(*arguments)
        next(acts, lambda: None)()
        return reply

    namespace.read = read_then_act  # type: ignore[method-assign, assignment]


def test_settings_that_two_change_at_once_are_both_kept(namespace: RedisNamespace) -> None:
    _after_the_first_read(namespace, lambda: namespace.configure("fetch", {"retries": 1}))

    queue = namespace.configure("fetch", {"max_losses": 2})

    assert queue.settings == QueueSettings(retries=1, max_losses=2)


def test_policies_that_are_set_while_others_are_given_up_are_kept(namespace: RedisNamespace) -> None:
    policies, trackers = (Chosen("allow_list"),), (Chosen("log", '{"tags":["*"]}'),)
    namespace.configure_namespace({"trackers": trackers})
    _after_the_first_read(namespace, lambda: namespace.configure_namespace({"policies": policies}))

    found = namespace.configure_namespace({"retries": 1}, inherit=["trackers"])

    assert (found.policies, found.trackers, found.own) == (policies, (), ("policies", "retries"))


def test_a_queue_that_comes_while_its_namespace_is_configured_has_its_settings(namespace: RedisNamespace) -> None:
    _after_the_first_read(namespace, lambda: namespace.put([NewJob("Crawl", queue="fetch", jid="first")]))

    namespace.configure_namespace({"retries": 1})
    namespace.put([NewJob("Crawl", queue="fetch", jid="second"), NewJob("Crawl", queue="later", jid="third")])

    assert [job.remaining for job in namespace.get(["first", "second", "third"]) if job] == [5, 1, 1]


def test_a_queue_forgotten_while_it_is_configured_comes_back_with_what_is_new_alone(namespace: RedisNamespace) -> None:
    namespace.configure("fetch", {"retries": 1})
    _after_the_first_read(namespace, lambda: namespace.forget("fetch"))

    queue = namespace.configure("fetch", {"max_losses": 2})

    assert queue.own == ("max_losses",)


def test_settings_of_before_namespaces_had_any_are_a_queue_s_own(
    namespace: RedisNamespace, client: redis.Redis
) -> None:
    namespace.put([NewJob("Crawl", queue="fetch")])
    packed = ',2,1,9000\n{"strategy": "fixed", "delay": 3}'
    client.hset("qless:{settings}:queue:fetch", "settings", packed)
    kept = QueueSettings(None, 2, 1, 9, Backoff("fixed", 3))
    assert [queue.settings for queue in namespace.queues()] == [kept]

    namespace.configure_namespace({"retries": 4, "rate": Rate(1, 60)})
    [queue] = namespace.queues()

    assert queue.settings == QueueSettings(None, 2, 1, 9, Backoff("fixed", 3), rate=Rate(1, 60))
    assert len(queue.own) == 5
    assert client.hget("qless:{settings}:queue:fetch", "settings") == packed.encode()
