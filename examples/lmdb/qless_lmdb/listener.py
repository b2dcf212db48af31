"""How waits hear of what is written, here or by other processes: one thread looks, while somebody waits.

Each transaction that wrote has a number, one higher than the last, which LMDB keeps in memory that all processes share:
to look whether there was one costs next to nothing.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence

import lmdb

from qless_flask.backends.waiting import Waiters, WaitKey
from qless_flask.errors import BackendUnavailable
from qless_lmdb import gate
from qless_lmdb.files import File
from qless_lmdb.look import Look
from qless_lmdb.upkeep import next_change

POLL_SECONDS = 0.002
LINGER_SECONDS = 1.0
"""How long the thread goes on when nobody waits: the next wait is often near."""
RETRY_SECONDS = 0.1

ALL = 1 << 30
LOG = "events"
"""What readers of events wait for, where pops wait for a queue."""


class Listener:
    """Wakes the pops and the readers of events that wait in this process. Begins when asked, ends by itself."""

    def __init__(self, file: File, now: Callable[[], int]) -> None:
        self.pops = Waiters(self._listen)
        self.readers = Waiters(self._listen)
        self._file = file
        self._now = now
        self._closed = False
        self._due: dict[WaitKey, int] = {}
        self._events: dict[str, int] = {}
        self.start_anew()
        _start_anew_in_children(self)

    def start_anew(self) -> None:
        """Forget a thread and waits that a fork left to the parent."""
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted_at = 0.0
        self._look = True
        self.pops.start_anew()
        self.readers.start_anew()

    def close(self) -> None:
        """Wake all, and end."""
        with self._mutex:
            self._closed = True
            thread = self._thread
        self.pops.close()
        self.readers.close()
        if thread is not None:
            thread.join()

    def _listen(self, _keys: Sequence[WaitKey]) -> None:
        self._look = True
        with self._mutex:
            if self._thread is None and not self._closed:
                self._wanted_at = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="qless-lmdb-listener", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        seen = None
        while self._is_wanted():
            begun = time.monotonic()
            try:
                with self._file.environment() as environment:
                    if environment.info()["last_txnid"] != seen or self._look:
                        self._look = False
                        with environment.begin() as transaction:
                            # While a commit waits for the disk, the file's number is ahead of what can be read.
                            seen = transaction.id()
                            self._look_round(environment, transaction)
            except BackendUnavailable:
                # Those that wait look for themselves now and then, and are told what is wrong.
                seen = None
                time.sleep(RETRY_SECONDS)
            self._wake_due()
            # Where looking takes long, it takes half of the time at most.
            time.sleep(max(POLL_SECONDS, time.monotonic() - begun))

    def _is_wanted(self) -> bool:
        """Tell whether to go on; where not, the next wait begins a new thread."""
        now = time.monotonic()
        if self.pops.keys() or self.readers.keys():
            self._wanted_at = now
        with self._mutex:
            idle = now - self._wanted_at > LINGER_SECONDS and not self._look
            if self._closed or idle:
                self._thread = None
                return False
        return True

    def _look_round(self, environment: lmdb.Environment, transaction: lmdb.Transaction) -> None:
        """Wake as many as there is something for; note when something will be due or lost."""
        self._due = {}
        waited_for, read = self.pops.keys(), self.readers.keys()
        looks = {name: Look(environment, transaction, name, self._now()) for name, *_ in (*waited_for, *read)}
        for key in waited_for:
            self._look_at(looks[key[0]], key)
        for key in read:
            name, events = key[0], looks[key[0]].itself.events
            if events != self._events.get(name):
                self.readers.wake(key, ALL)
            self._events[name] = events

    def _look_at(self, look: Look, key: WaitKey) -> None:
        _, name, offered = key
        queue = look.queue(name)
        if queue is None or queue.paused or look.itself.frozen:
            return
        found = gate.available(look, name, offered.split("\x1f") if offered else ())
        if found:
            self.pops.wake(key, found)
        due = next_change(look, name)
        if due is not None:
            self._due[key] = due

    def _wake_due(self) -> None:
        if self._due:
            now = self._now()
            for key in [key for key, at in self._due.items() if at <= now]:
                del self._due[key]
                self.pops.wake(key)


def _start_anew_in_children(listener: Listener) -> None:
    known = weakref.ref(listener)  # the interpreter keeps for ever what is registered

    def start_anew() -> None:
        listener = known()
        if listener is not None:
            listener.start_anew()

    os.register_at_fork(after_in_child=start_anew)
