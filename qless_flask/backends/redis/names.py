"""The set of all namespaces: the one key outside their slots."""

from __future__ import annotations

import time
from typing import cast

from qless_flask.backends.redis.connection import Client, told_as_ours

NAMES = "qless:namespaces"
_AGAIN_SECONDS = 60.0


class Names:
    """The names of a store's namespaces, as one backend knows them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._entered: dict[str, float] = {}

    def all(self) -> list[str]:
        """List them, in no order."""
        with told_as_ours():
            names = cast("set[bytes]", self._client.smembers(NAMES))
        return [name.decode() for name in names]

    def has(self, name: str) -> bool:
        """Tell whether a namespace has begun."""
        with told_as_ours():
            return bool(self._client.sismember(NAMES, name))

    def enter(self, name: str) -> None:
        """Enter a namespace, before its first write and now and then again."""
        if time.monotonic() - self._entered.get(name, -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
            with told_as_ours():
                self._client.sadd(NAMES, name)
            self._entered[name] = time.monotonic()

    def forget(self, name: str) -> None:
        """Take out a namespace of which nothing is left."""
        self._entered.pop(name, None)
        with told_as_ours():
            self._client.srem(NAMES, name)
