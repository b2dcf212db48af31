"""How many at once may use one Redis backend."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from qless_flask.backends.redis import RedisBackend

MANY = 150
"""More than redis-py gives connections to if nobody tells it how many."""


def test_as_many_as_like_wait_for_events_at_once(valkey_url: str) -> None:
    with closing(RedisBackend(valkey_url)) as backend, ThreadPoolExecutor(MANY) as threads:
        namespace = backend.namespace("crowded")
        waits = [threads.submit(namespace.events, wait=0.5) for _ in range(MANY)]

        assert all(wait.result().events == () for wait in waits)
