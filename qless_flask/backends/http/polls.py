"""Waits over the wire, cut into polls that a server takes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from qless_flask.bounds import MAX_WAIT_SECONDS, Checks
from qless_flask.errors import BackendUnavailable

POLL_SECONDS = 30.0
"""How long one request waits: under the 60 s after which many a proxy cuts a silent connection."""
EARLY = 0.9
"""The share of its wait before which an empty poll was answered early."""
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

Answer = TypeVar("Answer")


class Polls:
    """Asks again and again, as long as the connection is open."""

    def __init__(self, closed: threading.Event) -> None:
        self._closed = closed

    def until(
        self, wait: float, ask: Callable[[float], Answer], is_empty: Callable[[Answer], bool], nothing: Answer | None
    ) -> Answer:
        """Ask until there is something or the wait is over.

        `ask` takes the seconds that a server may wait. `nothing` is the answer if the connection is closed meanwhile;
        where it is None, what was answered last, or BackendUnavailable.
        """
        check_wait(wait)
        deadline, pause = time.monotonic() + wait, FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            poll = max(0.0, min(deadline - began, POLL_SECONDS))
            try:
                answer = ask(poll)
            except BackendUnavailable:
                if wait and nothing is not None and self._closed.is_set():
                    return nothing
                raise
            now = time.monotonic()
            if not is_empty(answer) or now >= deadline:
                return answer
            nothing = answer
            if now - began < EARLY * poll:
                # Answered before its time: the server had no place for a poll to wait in.
                self._closed.wait(min(deadline - now, pause * random.uniform(0.5, 1)))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                pause = FIRST_PAUSE_SECONDS


def check_wait(wait: float) -> None:
    """Raise Invalid unless one can wait so long."""
    check = Checks()
    check.seconds("wait", wait, 0, MAX_WAIT_SECONDS)
    check.done()
