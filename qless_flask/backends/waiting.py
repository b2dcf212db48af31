"""The pops that wait in this process, and who wakes them.

A store tells its Waiters when a queue has got something (`wake`); each waiting pop then looks again. How a store hears
of puts in other processes is its own affair: it is asked to listen while somebody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType

WaitKey = tuple[str, str, str]
"""A namespace's name, a queue's, and what the worker offers (`offers`)."""


def offers(capabilities: Sequence[str]) -> str:
    """Spell capabilities, which are sorted, as one text; '' for none."""
    return "\x1f".join(capabilities)


class Waiters:
    """All waits of one backend in this process, first come, first woken. Safe to share between threads."""

    def __init__(
        self,
        listen: Callable[[Sequence[WaitKey]], None] | None = None,
        hand_on: Callable[[WaitKey], None] | None = None,
    ) -> None:
        """Remember `listen`, called whenever a pop begins to wait, with the keys of what it waits for.

        `hand_on` is called with the key of a wake that nobody here needs any more.
        """
        self.closed = False
        self._listen = listen
        self._hand_on = hand_on
        self.start_anew()

    def start_anew(self) -> None:
        """Forget all, in a forked child: those that wait are in the parent."""
        self._lock = threading.Lock()
        self._waiting: dict[WaitKey, dict[Waiter, None]] = {}

    def join(self, namespace: str, queues: Sequence[str], capabilities: Sequence[str] = ()) -> Waiter:
        """Begin to listen for jobs in these queues; use as a context."""
        offered = offers(capabilities)
        waiter = Waiter(self, [(namespace, queue, offered) for queue in queues])
        with self._lock:
            for key in waiter.keys:
                self._waiting.setdefault(key, {})[waiter] = None
            if self.closed:
                waiter.wake()
        self.listen(waiter.keys)
        return waiter

    def listen(self, keys: Sequence[WaitKey]) -> None:
        """Ask the store to listen for jobs in these."""
        if self._listen and not self.closed:
            self._listen(keys)

    def wake(self, key: WaitKey, count: int = 1) -> int:
        """Wake up to `count` of those that wait for this, the longest waiting first; tell how many there were."""
        with self._lock:
            ready = self._waiting.get(key, {})
            woken = [waiter for waiter in ready if not waiter.woken][:count]
            for waiter in woken:
                waiter.wake(key)
        return len(woken)

    def wake_all(self, namespace: str, queue: str, count: int = 1) -> None:
        """Wake up to `count` of those that wait for a queue, of each kind of worker: not all can run what has come."""
        with self._lock:
            keys = [key for key in self._waiting if key[:2] == (namespace, queue)]
        for key in keys:
            self.wake(key, count)

    def keys(self) -> list[WaitKey]:
        """List the keys that somebody waits for who is not woken yet."""
        with self._lock:
            return [key for key, waiters in self._waiting.items() if any(not waiter.woken for waiter in waiters)]

    def most_at(self, keys: Sequence[WaitKey]) -> int:
        """Count those that wait for the most crowded of these."""
        with self._lock:
            return max(len(self._waiting.get(key, ())) for key in keys)

    def close(self) -> None:
        """Wake everybody for good."""
        self.closed = True
        with self._lock:
            for waiters in self._waiting.values():
                for waiter in waiters:
                    waiter.wake()

    def leave(self, waiter: Waiter) -> None:
        """Forget a waiter, and hand a wake that it no longer followed on to the next; its context does that."""
        with self._lock:
            for key in waiter.keys:
                waiters = self._waiting.get(key)
                if waiters is not None:
                    waiters.pop(waiter, None)
                    if not waiters:
                        del self._waiting[key]
        there = waiter.woken_for if waiter.woken and not self.closed else None
        if there and not self.wake(there) and self._hand_on:
            self._hand_on(there)


class Waiter:
    """One waiting pop."""

    __slots__ = ("_event", "_waiters", "keys", "woken_for")

    def __init__(self, waiters: Waiters, keys: list[WaitKey]) -> None:
        self.keys = keys
        self.woken_for: WaitKey | None = None
        """Where there was something, when it was last woken."""
        self._waiters = waiters
        self._event = threading.Event()

    @property
    def woken(self) -> bool:
        """Tell whether it was woken since its last sleep ended."""
        return self._event.is_set()

    @property
    def others(self) -> int:
        """How many others wait for the most crowded of its queues."""
        return max(0, self._waiters.most_at(self.keys) - 1)

    def wake(self, key: WaitKey | None = None) -> None:
        """End its sleep, or its next one."""
        self.woken_for = key
        self._event.set()

    def sleep(self, seconds: float) -> bool:
        """Sleep until woken or so many seconds have passed; tell whether it was woken."""
        self._waiters.listen(self.keys)
        woken = self._event.wait(seconds)
        if not self._waiters.closed:
            self._event.clear()
        return woken

    def __enter__(self) -> Waiter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._waiters.leave(self)
