"""The set of all namespaces, and of those erased lately: the keys outside their slots."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import cast

from redis.exceptions import OutOfMemoryError

from qless_flask.backends.redis.connection import Client, told_as_ours

NAMES = "qless:namespaces"
ERASED = "qless:erased"
"""Those erased in the last minutes: who had entered one before may write into it without entering it again."""
_AGAIN_SECONDS = 60.0
_BEGUN = ("events", "queues", "meta", "workers", "leaders", "memory", "own_memory", "readers")
"""Keys of which a namespace that has begun has at least one."""


def key_prefix(namespace: str) -> str:
    """Spell the prefix that all keys of a namespace begin with; lib/keys.lua spells the rest."""
    return f"qless:{{{namespace}}}"


class Names:
    """The names of a store's namespaces, as one backend knows them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._entered: dict[str, float] = {}

    def all(self) -> list[str]:
        """List them, in no order."""
        with told_as_ours():
            names = cast("set[bytes]", self._client.smembers(NAMES))
            erased = cast("set[bytes]", self._client.smembers(ERASED))
            return [name.decode() for name in names] + [
                name.decode() for name in erased - names if self._has_begun_anew(name.decode())
            ]

    def has(self, name: str) -> bool:
        """Tell whether a namespace has begun."""
        with told_as_ours():
            return bool(self._client.sismember(NAMES, name)) or self._has_begun_anew(name)

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
            # A full store takes no name.
            with suppress(OutOfMemoryError):
                self._client.sadd(ERASED, name)
                self._client.expire(ERASED, int(2 * _AGAIN_SECONDS))
            self._client.srem(NAMES, name)

    def _has_begun_anew(self, name: str) -> bool:
        """Tell whether somebody has written into a namespace that is not entered, and enter it then."""
        begun = bool(self._client.exists(*(f"{key_prefix(name)}:{kind}" for kind in _BEGUN)))
        if begun:
            with suppress(OutOfMemoryError):
                self._client.sadd(NAMES, name)
        return begun
