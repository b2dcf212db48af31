"""Hearing of jobs in other processes: one thread, on one connection, takes wake tokens for all pops that wait here.

A put pushes a token a job onto its queue's wake list while somebody waits (lib/queue.lua). Whoever takes a token that
no pop here needs any more hands it on to the next process.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import cast

from redis.exceptions import RedisError

from qless_flask.backends.redis.connection import Client
from qless_flask.backends.waiting import Waiters, WaitKey

_BLOCK_SECONDS = 2
_AFTER_OUTAGE_SECONDS = 0.5


class Listener:
    """Listens for one namespace, or for all (`namespace` None); its thread lives as long as somebody waits."""

    def __init__(
        self, client: Client, waiters: Waiters, key_for: Callable[[WaitKey], str], namespace: str | None
    ) -> None:
        self._client = client
        self._waiters = waiters
        self._key_for = key_for
        self._namespace = namespace
        self._control = key_for((namespace or "", uuid.uuid4().hex, ""))
        self._lock = threading.Lock()
        self._covered: frozenset[WaitKey] = frozenset()
        self._thread: threading.Thread | None = None

    def cover(self, keys: Sequence[WaitKey]) -> None:
        """Make sure that it listens for these."""
        with self._lock:
            if self._covered.issuperset(keys):
                return
            self._covered |= frozenset(keys)
            started = self._thread is None
            if started:
                self._thread = threading.Thread(target=self._run, name="qless-wake", daemon=True)
                self._thread.start()
        if not started:
            self.interrupt()

    def close(self) -> None:
        """Wait until its thread has ended, now that its waiters are closed."""
        with self._lock:
            thread = self._thread
        if thread:
            self.interrupt()
            thread.join(2 * _BLOCK_SECONDS)

    def interrupt(self) -> None:
        """Let it look up from its blocking call."""
        try:
            self._client.rpush(self._control, "1")
            # Nobody may be left to take it.
            self._client.expire(self._control, 60)
        except RedisError:
            return  # It is not blocking on a connection that is lost.

    def _run(self) -> None:
        while not self._waiters.closed:
            with self._lock:
                waiting = self._waiters.keys()
                self._covered = frozenset(key for key in waiting if self._namespace in (None, key[0]))
                if not self._covered:
                    self._thread = None
                    return
                keys = {self._key_for(key): key for key in self._covered}
            try:
                self._take(keys)
            except (RedisError, OSError):
                # The pops that wait tell of the outage themselves: they look again after a while.
                time.sleep(_AFTER_OUTAGE_SECONDS)

    def _take(self, keys: dict[str, WaitKey]) -> None:
        found = cast("tuple[bytes, bytes] | None", self._client.blpop([*keys, self._control], _BLOCK_SECONDS))
        if found is None or found[0].decode() == self._control:
            return
        wake_key = found[0].decode()
        if not self._waiters.wake(keys[wake_key]):
            self._client.rpush(wake_key, "1")
