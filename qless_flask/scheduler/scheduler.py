"""The scheduler of a process: its thread, and whether it leads."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import TracebackType

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.scheduling import OURS
from qless_flask.delivery import Deliverer
from qless_flask.errors import BackendUnavailable, QlessError
from qless_flask.plugins import Plugins
from qless_flask.scheduler.deliveries import Deliverers, Deliveries
from qless_flask.scheduler.diary import Diary
from qless_flask.scheduler.troubles import Troubles
from qless_flask.scheduler.upkeep import Upkeep

ROLE = "scheduler"
TICK_SECONDS = 1.0
LEAD_SECONDS = 2.5
"""How long a leader that died keeps the others waiting; until one of them asks again is a tick more."""
RENEW_SECONDS = 0.5
"""A leader stays so at each tick, and between the steps of a long one."""
ROUNDS = 20
"""How often a tick comes back to a namespace that has more to do, after all others have had their turn."""
STOP_SECONDS = 1.0
"""How long a stop waits for the step under way."""

_STORE = "the store"

logger = logging.getLogger("qless_flask.scheduler")


class Scheduler:
    """Looks after all namespaces of a store, each second, from a thread of its own. Safe to share between threads.

    >>> with Scheduler(backend): ...

    A process that is forked off inherits none that runs: there it leads nothing and has no thread, until it is started
    there too.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        name: str | None = None,
        tick_seconds: float = TICK_SECONDS,
        plugins: Plugins | None = None,
        deliverers: Deliverers = Deliverer,
        clock: Clock = time.time,
    ) -> None:
        """Remember the store, which is for the caller to close, after the stop.

        Events are delivered to the observers and trackers of `plugins` or, without, of the store's.
        """
        self._backend = backend
        self._bare = backend.inner if isinstance(backend, Hooked) else backend
        self._plugins = backend.plugins if plugins is None and isinstance(backend, Hooked) else plugins
        self._deliverers = deliverers
        self._tick_seconds = tick_seconds
        self._clock = clock
        self._start_anew(name or _new_name())
        known = weakref.ref(self)  # the interpreter keeps for ever what is registered
        os.register_at_fork(after_in_child=lambda: _start_anew(known()))

    def _start_anew(self, name: str) -> None:
        """Begin from nothing, in a forked child too: the thread, and the locks it held, are the parent's."""
        self.name = name
        self.leading = False
        self._changing = threading.Lock()
        self._ticking = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._delivery: Deliveries | None = None
        self._lead_again_at = 0.0
        self._diary = Diary(self._bare, name, self._clock, self._plugins)
        self._troubles = Troubles(lambda: self._stopping.is_set(), self._diary)
        self._upkeep = Upkeep(
            self._backend,
            self._bare,
            diary=self._diary,
            troubles=self._troubles,
            clock=self._clock,
            leads=self._leads,
        )

    @property
    def running(self) -> bool:
        """Whether its thread runs, in this process."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self) -> None:
        """Begin to look after the store; where it does so already, that goes on."""
        with self._changing:
            if self.running:
                return
            # Another one, for a thread that has outlived its stop.
            self._stopping = threading.Event()
            # Not APScheduler's: its waits go by the wall clock, and stand still for as long as that is set back.
            self._thread = threading.Thread(
                target=self._run, args=(self._stopping,), name="qless-scheduler", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop between two steps, and let another lead."""
        with self._changing:
            self._stopping.set()
            thread, self._thread = self._thread, None
            if thread is not None and thread is not threading.current_thread():
                thread.join(STOP_SECONDS)
            if not self._ticking.acquire(timeout=STOP_SECONDS):
                return
            try:
                self._give_up()
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
        """Do once what is to be done each second, if this scheduler leads; never raises."""
        with self._ticking:
            try:
                if self._leads():
                    self._look_after_all()
                    self._diary.ticked()
            except Exception as error:  # noqa: BLE001  whatever it is, the next second may be better
                self._lead_again_at = 0.0
                self._troubles.met(_STORE, error)
            else:
                self._troubles.over(_STORE)

    def _run(self, stopping: threading.Event) -> None:
        """Tick until told to stop, by a clock that nobody sets."""
        at = time.monotonic()
        while not stopping.is_set():
            self.tick()
            at = max(at + self._tick_seconds, time.monotonic())
            stopping.wait(at - time.monotonic())

    def _leads(self) -> bool:
        """Tell whether this one leads, and stay so; asked between any two steps of some length."""
        if self._stopping.is_set():
            return False
        now = time.monotonic()
        if now < self._lead_again_at:
            return self.leading
        leads = self._bare.namespace(OURS).lead(ROLE, self.name, LEAD_SECONDS)
        if leads != self.leading:
            self._turn(leads)
        self._lead_again_at = now + RENEW_SECONDS if leads else 0.0
        return leads

    def _turn(self, leads: bool) -> None:
        self.leading = leads
        if leads:
            logger.info("scheduler %s leads", self.name)
            self._diary.begin()
        else:
            self._diary.tell()
            logger.info("scheduler %s no longer leads", self.name)

    def _give_up(self) -> None:
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            delivery.close()
        if self.leading:
            with suppress(QlessError):
                self._diary.write()
            with suppress(QlessError):
                self._bare.namespace(OURS).lead(ROLE, self.name, 0)
            self._lead_again_at = 0.0
            self._turn(False)

    def _look_after_all(self) -> None:
        names = self._bare.namespaces()
        self._upkeep.forget_all_but(names)
        self._deliver(names)
        for _ in range(ROUNDS):
            names = [name for name in names if self._leads() and self._upkeep.look_after(name)]
            if not names:
                return

    def _deliver(self, names: Iterable[str]) -> None:
        """Have those who watch namespaces told; others do it, and nobody waits for them."""
        self._try("deliveries", self._have_delivery)
        if self._delivery is not None:
            for name in names:
                self._try(f"deliveries of namespace {name}", partial(self._delivery.deliver, name))

    def _have_delivery(self) -> None:
        # Where there is no namespace, too: observers hear all of one that comes later.
        if self._delivery is None and self._plugins is not None:
            self._delivery = self._deliverers(self._backend, self._plugins)

    def _try(self, what: str, do: Callable[[], None]) -> None:
        try:
            do()
        except BackendUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  plugins are asked there
            self._troubles.met(what, error)
        else:
            self._troubles.over(what)


def _start_anew(scheduler: Scheduler | None) -> None:
    if scheduler is not None:
        # Another name, or what the child gives up would be the parent's.
        scheduler._start_anew(_new_name())


def _new_name() -> str:
    return f"{socket.gethostname()[:120]}-{os.getpid()}-{secrets.token_hex(3)}"
