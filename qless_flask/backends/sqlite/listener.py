"""How waits hear of what other processes do: one thread looks whether the file changed, while somebody waits."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from qless_flask.backends.sqlite.events import last_entry
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.outlook import outlook
from qless_flask.backends.sqlite.record import SET_END
from qless_flask.backends.waiting import Waiters, WaitKey
from qless_flask.errors import BackendUnavailable

POLL_SECONDS = 0.001
QUIET_POLL_SECONDS = 0.004
QUIET_AFTER_SECONDS = 5.0
LINGER_SECONDS = 1.0
"""How long the thread goes on when nobody waits: the next wait is often near."""
RETRY_SECONDS = 0.1

ALL = 1 << 30
LOG = "events"
"""What readers of events wait for, where pops wait for a queue."""


class Listener:
    """Wakes the pops and the readers of events that wait in this process. Begins when asked, ends by itself."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], now: Callable[[], int]) -> None:
        """Look through a connection of its own: `data_version` tells of what came through any other."""
        self.pops = Waiters(self._listen)
        self.readers = Waiters(self._listen)
        self._connect = connect
        self._now = now
        self._closed = False
        self._look = True
        self._changed_at = self._wanted_at = 0.0
        self._due: dict[WaitKey, int] = {}
        self._entries: dict[str, int] = {}
        self.start_anew()

    def start_anew(self) -> None:
        """Forget a thread and waits that a fork left to the parent."""
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._paused = False
        self.pops.start_anew()
        self.readers.start_anew()

    def pause(self) -> None:
        """End the thread, whoever waits."""
        with self._mutex:
            self._paused = True
            thread = self._thread
        if thread is not None:
            thread.join()

    def resume(self) -> None:
        """Listen again, if anybody waits."""
        self._paused = False
        if self.pops.keys() or self.readers.keys():
            self._listen([])

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
            if self._thread is None and not self._closed and not self._paused:
                self._wanted_at = self._changed_at = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="qless-sqlite-listener", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._wanted():
            try:
                with closing(self._connect()) as connection:
                    self._watch(connection)
            except (sqlite3.Error, BackendUnavailable):
                # Those that wait look for themselves now and then, and are told what is wrong.
                time.sleep(RETRY_SECONDS)

    def _wanted(self) -> bool:
        """Tell whether to go on; where not, the next wait begins a new thread."""
        now = time.monotonic()
        if self.pops.keys() or self.readers.keys():
            self._wanted_at = now
        with self._mutex:
            idle = now - self._wanted_at > LINGER_SECONDS and not self._look
            if self._closed or self._paused or idle:
                self._thread = None
                return False
        return True

    def _watch(self, connection: sqlite3.Connection) -> None:
        version = None
        while self._wanted():
            begun = time.monotonic()
            [found] = connection.execute("PRAGMA data_version").fetchone()
            if found != version or self._look:
                self._look = False
                if found != version:
                    version, self._changed_at = found, begun
                self._look_round(connection)
            self._wake_due()
            now = time.monotonic()
            quiet = now - self._changed_at > QUIET_AFTER_SECONDS
            # Where looking takes long, it takes half of the time at most.
            time.sleep(max(QUIET_POLL_SECONDS if quiet else POLL_SECONDS, now - begun))

    def _look_round(self, connection: sqlite3.Connection) -> None:
        """Wake as many as there is something for; note when something will be due or lost."""
        self._due = {}
        waited_for, read = self.pops.keys(), self.readers.keys()
        looks: dict[str, Look] = {}
        for key in waited_for:
            namespace, queue, offered = key
            if namespace not in looks:
                looks[namespace] = Look(connection, namespace, self._now())
            found = outlook(looks[namespace], queue, offered.split(SET_END) if offered else ())
            if found is None:
                continue
            available, self._due[key] = found
            if available:
                self.pops.wake(key, available)
        for namespace, *_ in read:
            entry = last_entry(Look(connection, namespace, 0))
            if entry != self._entries.get(namespace):
                self.readers.wake((namespace, LOG, ""), ALL)
            self._entries[namespace] = entry

    def _wake_due(self) -> None:
        if not self._due:
            return
        now = self._now()
        for key in [key for key, at in self._due.items() if at <= now]:
            del self._due[key]
            self.pops.wake(key)
