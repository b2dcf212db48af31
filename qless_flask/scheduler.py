"""What must happen though nobody asks: due jobs made available, recurrences fired, old jobs pruned.

Every process may run a scheduler; of those on one store only the leader acts, and two that act at once are harmless.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC
from types import TracebackType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import BackendUnavailable, Frozen, QlessError

ROLE = "scheduler"
TICK_SECONDS = 1.0
LEAD_SECONDS = 5.0
"""How long a leader that died keeps the others waiting."""
PRUNE_SECONDS = 60.0
ROUNDS = 20
"""How often a tick comes back to a namespace that has more to do, after all others have had their turn."""
AT_ONCE = 1_000
STOP_SECONDS = 1.0
"""How long a stop waits for the step under way."""

_STORE = "the store"
_EXECUTOR = "qless_flask"

logger = logging.getLogger("qless_flask.scheduler")


class Scheduler:
    """Looks after all namespaces of a store, each second, from a thread of its own.

    >>> with Scheduler(backend): ...
    """

    def __init__(self, backend: Backend, *, name: str | None = None, tick_seconds: float = TICK_SECONDS) -> None:
        """Remember the store, which is for the caller to close, after the stop."""
        self.name = name or f"{socket.gethostname()[:120]}-{os.getpid()}-{secrets.token_hex(3)}"
        self.leading = False
        self._backend = backend
        self._tick_seconds = tick_seconds
        self._stopping = threading.Event()
        self._ticking = threading.Lock()
        self._lead_again_at = 0.0
        self._prune_at: dict[str, float] = {}
        self._troubled: set[str] = set()
        self._apscheduler: BackgroundScheduler | None = None

    def start(self) -> None:
        """Begin to look after the store."""
        # At the level INFO it would tell of each second.
        logging.getLogger(f"apscheduler.executors.{_EXECUTOR}").setLevel(logging.WARNING)
        quiet = logging.getLogger("qless_flask.scheduler.apscheduler")
        quiet.setLevel(logging.ERROR)
        self._apscheduler = BackgroundScheduler(
            timezone=UTC, logger=quiet, executors={_EXECUTOR: ThreadPoolExecutor(1)}, daemon=True
        )
        self._apscheduler.add_job(
            self.tick,
            IntervalTrigger(seconds=self._tick_seconds, timezone=UTC),
            executor=_EXECUTOR,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._apscheduler.start()

    def stop(self) -> None:
        """Stop between two steps, and let another lead."""
        self._stopping.set()
        if self._apscheduler is not None:
            self._apscheduler.shutdown(wait=False)
            self._apscheduler = None
        if not self._ticking.acquire(timeout=STOP_SECONDS):
            return
        try:
            if self.leading:
                self.leading = False
                with suppress(QlessError):
                    self._backend.namespace("_").lead(ROLE, self.name, 0)
        finally:
            self._ticking.release()

    def __enter__(self) -> Scheduler:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def tick(self) -> None:
        """Do once what is to be done each second, if this scheduler leads; never raises what a store may."""
        with self._ticking:
            try:
                if self._leads():
                    self._look_after_all()
            except QlessError as error:
                self._lead_again_at = 0.0
                self._met(_STORE, error)
            else:
                self._over(_STORE)

    def _leads(self) -> bool:
        if self._stopping.is_set():
            return False
        now = time.monotonic()
        if now < self._lead_again_at:
            return self.leading
        leads = self._backend.namespace("_").lead(ROLE, self.name, LEAD_SECONDS)
        if leads != self.leading:
            logger.info("scheduler %s %s", self.name, "leads" if leads else "no longer leads")
        self.leading = leads
        self._lead_again_at = now + LEAD_SECONDS / 2 if leads else 0.0
        return leads

    def _look_after_all(self) -> None:
        names = self._backend.namespaces()
        self._prune_at = {name: self._prune_at.get(name, 0.0) for name in names}
        for _ in range(ROUNDS):
            names = [name for name in names if self._leads() and self._look_after(name)]
            if not names:
                return

    def _look_after(self, name: str) -> bool:
        """Do a bounded part of what is to be done in a namespace, and tell whether there is more."""
        try:
            namespace = self._backend.namespace(name)
            more = [namespace.promote(AT_ONCE).more, self._fire(namespace), self._prune(namespace)]
        except Exception as error:  # noqa: BLE001  whatever it is, the other namespaces must not suffer from it
            if isinstance(error, BackendUnavailable):
                # Raises where it is not only this namespace.
                self._backend.ping()
            self._met(f"namespace {name}", error)
            return False
        self._over(f"namespace {name}")
        return any(more)

    def _fire(self, namespace: Namespace) -> bool:
        due, fired = namespace.recurrences(due=True, limit=AT_ONCE), 0
        for recurring in due:
            rule, at = recurring.rule, recurring.next_at
            if rule.id is None or at is None or self._stopping.is_set():
                continue
            what = f"recurrence {rule.id} of namespace {namespace.name}"
            try:
                namespace.fire(rule.id, at)
            except Frozen:
                # No trouble: what is due then is caught up with when it is thawed, as its rule says.
                return False
            except BackendUnavailable:
                raise
            except QlessError as error:
                self._met(what, error)
            else:
                fired += 1
                self._over(what)
        return bool(fired) and len(due) == AT_ONCE

    def _prune(self, namespace: Namespace) -> bool:
        if time.monotonic() < self._prune_at[namespace.name]:
            return False
        more = namespace.prune(AT_ONCE).more
        if not more:
            self._prune_at[namespace.name] = time.monotonic() + PRUNE_SECONDS
        return more

    def _met(self, what: str, error: Exception) -> None:
        """Tell of trouble, once for as long as it lasts."""
        if what in self._troubled or self._stopping.is_set():
            return
        self._troubled.add(what)
        unforeseen = None if isinstance(error, QlessError) else error
        logger.warning("%s: %s; the scheduler tries again each second", what, error, exc_info=unforeseen)

    def _over(self, what: str) -> None:
        if what in self._troubled:
            self._troubled.discard(what)
            logger.warning("%s: all is well again", what)
