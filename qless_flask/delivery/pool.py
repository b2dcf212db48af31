"""A few threads for work of which any may take long: at most one piece of a key is under way, and each has its turn."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

Work = Callable[[], bool]
"""Does a bounded part of something; answers whether there is more to do at once."""

logger = logging.getLogger("qless_flask.delivery")


class Pool:
    """Does what it is given in threads that end with the process; without threads, when `run_until_idle` is called."""

    def __init__(self, threads: int, name: str) -> None:
        """Begin no thread yet."""
        self._most = threads
        self._name = name
        self._threads: list[threading.Thread] = []
        self._waiting: deque[tuple[Hashable, Work]] = deque()
        self._keys: set[Hashable] = set()
        self._resting = 0
        self._closed = False
        self._changed = threading.Condition()

    def begin(self, key: Hashable, work: Work) -> None:
        """Have work done, unless that of its key waits or is under way; while there is more, behind all the others."""
        with self._changed:
            if self._closed or key in self._keys:
                return
            self._keys.add(key)
            self._waiting.append((key, work))
            if self._resting < len(self._waiting) and len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def run_until_idle(self, seconds: float = 60.0) -> None:
        """Wait until nothing is left to do, or do it here if there are no threads. Raise TimeoutError."""
        if not self._most:
            while self._waiting:
                self._do(*self._waiting.popleft())
            return
        with self._changed:
            if not self._changed.wait_for(lambda: not self._keys, seconds):
                raise TimeoutError(f"{sorted(map(str, self._keys))} took over {seconds:g} seconds")

    def close(self, seconds: float) -> None:
        """Begin nothing more, and give what is under way so much time to end."""
        with self._changed:
            self._closed = True
            self._keys.difference_update(key for key, _ in self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._resting += 1
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._resting -= 1
                if self._closed:
                    return
                key, work = self._waiting.popleft()
            self._do(key, work)

    def _do(self, key: Hashable, work: Work) -> None:
        try:
            more = work()
        except Exception:
            more = False
            logger.exception("%s", key)
        with self._changed:
            if more and not self._closed:
                self._waiting.append((key, work))
            else:
                self._keys.discard(key)
            self._changed.notify_all()
