"""The places for long-polls to wait in: so many and no more, so that waiting polls never starve short requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Places:
    """A fixed number of places in one process."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count) if count else None

    def close(self) -> None:
        """Give no more places, so that nobody who was sent home comes back to wait."""
        self._free = None

    @contextmanager
    def take(self, multithread: bool = True) -> Iterator[bool]:
        """Hold a place while in the context; tell whether there was one. A server of one thread has none."""
        free = self._free if multithread else None
        taken = free is not None and free.acquire(blocking=False)
        try:
            yield taken
        finally:
            if free is not None and taken:
                free.release()
