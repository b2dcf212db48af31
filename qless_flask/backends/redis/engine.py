"""The connection to a Redis or Valkey: its namespaces, its health, and who listens for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from redis.cluster import RedisCluster
from redis.exceptions import RedisError

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.redis.connection import Client, open_client, told_as_ours
from qless_flask.backends.redis.names import Names, key_prefix
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.backends.redis.risks import risks
from qless_flask.backends.redis.scripts import Connection
from qless_flask.backends.redis.waking import Listener
from qless_flask.backends.waiting import Waiters, WaitKey
from qless_flask.bounds import MAX_DATA_BYTES


class RedisBackend(Backend):
    """A backend on one server, behind Sentinel, or on a Cluster (each namespace lies in one slot)."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        client: Client | None = None,
        max_data_bytes: int = MAX_DATA_BYTES,
    ) -> None:
        """Open a client by URL, or use the one given; nothing is sent yet."""
        self.url = url
        self.max_data_bytes = max_data_bytes
        self._client = client or open_client(url)
        self._clock = clock
        self._clustered = isinstance(self._client, RedisCluster)
        self._waiters = Waiters(self._listen, self._hand_on)
        self._listeners: dict[str | None, Listener] = {}
        self._names = Names(self._client)
        self._lock = threading.Lock()

    def namespace(self, name: str) -> RedisNamespace:
        namespace = RedisNamespace(name, self._waiters, self._client, clock=self._clock, names=self._names)
        namespace.max_data_bytes = self.max_data_bytes
        return namespace

    def namespaces(self) -> list[str]:
        return sorted(name for name in self._names.all() if not name.startswith("_"))

    def ping(self) -> list[str]:
        with told_as_ours():
            self._client.ping()
        return risks(self._ask)

    def close(self) -> None:
        self._waiters.close()
        for listener in list(self._listeners.values()):
            listener.close()
        if isinstance(self._client, RedisCluster):
            self._client.close()
        else:
            # Those in use are let go of by who uses them: taken away, they would fail in the middle of an answer.
            self._client.connection_pool.disconnect(inuse_connections=False)

    def _listen(self, keys: Sequence[WaitKey]) -> None:
        group = keys[0][0] if self._clustered else None
        listener = self._listeners.get(group)
        if listener is None:
            with self._lock:
                listener = self._listeners.setdefault(group, Listener(self._client, self._waiters, _wake_key, group))
        listener.cover(keys)

    def _hand_on(self, key: WaitKey) -> None:
        # Without it the pop of another process that it is for looks again by itself, only later.
        with suppress(RedisError):
            self._client.rpush(_wake_key(key), "1")

    def _ask(self, *command: str) -> object:
        with told_as_ours():
            return cast(Connection, self._client).execute_command(*command)


def _wake_key(key: WaitKey) -> str:
    namespace, queue, offered = key
    kind = f"\t{offered}" if offered else ""
    return f"{key_prefix(namespace)}:wake:{queue}{kind}"
