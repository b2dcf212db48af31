"""Delivery: what happened in a namespace is read from its log, and told to each who wants to hear of it.

Each is told by itself, in order, from where its store remembers it to be; that is remembered after it was told. So each
event is told at least once, and none slows or stops the others. A namespace that is frozen has to wait.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.delivery.listeners import Listener, Observer, Watch
from qless_flask.delivery.performing import Performer, jobs_waiting
from qless_flask.delivery.pool import Pool, Work
from qless_flask.errors import BackendUnavailable
from qless_flask.models import Chosen
from qless_flask.plugins import Plugins

THREADS = 4
"""So many tell, and as many do what trackers do later, so that what takes long holds nobody back."""
CLOSE_SECONDS = 1.0
SELDOM = 10
"""A namespace without trackers is looked at each so many times for jobs that its former trackers have left."""

logger = logging.getLogger("qless_flask.delivery")


class Deliverer:
    """Tells observers and tag trackers, and does what trackers do later, in threads of its own.

    Two on one store are harmless: what both tell is told twice, and which of them was first is remembered.
    """

    def __init__(
        self,
        backend: Backend,
        plugins: Plugins,
        *,
        threads: int = THREADS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the store, bare or as `open_backend` wrapped it; without threads, all is done by `run_until_idle`.

        From now on observers hear of what happens; it is for a scheduler to build this before it notes that it leads.
        """
        store = backend.inner if isinstance(backend, Hooked) else backend
        self.done = 0
        """How many pages were told, and jobs done, since the beginning."""
        self._store = store
        self._plugins = plugins
        self._clock = clock
        self._observers = [Observer(call, store) for call in plugins.calls("on_event")]
        self._watches: dict[str, dict[str, Watch]] = {}
        self._looks: dict[str, int] = {}
        self._performer = Performer(store, backend, plugins)
        self._telling = Pool(threads, "qless-telling")
        self._performing = Pool(threads, "qless-performing")
        for observer in self._observers:
            observer.arrive()

    def deliver(self, name: str) -> None:
        """Have all in a namespace told what they have not been told yet; returns at once."""
        self._telling.begin((name, "look"), self._patiently(partial(self._look, name)))

    def run_until_idle(self) -> None:
        """Wait until all is told and done that there was; without threads, do it here."""
        self._telling.run_until_idle()
        self._performing.run_until_idle()

    def close(self) -> None:
        """Begin nothing more; what does not end within a second is told again by another."""
        self._telling.close(CLOSE_SECONDS / 2)
        self._performing.close(CLOSE_SECONDS / 2)

    def _look(self, name: str) -> bool:
        """See who is to be told of a namespace, and what its trackers have to do."""
        namespace = self._store.namespace(name)
        settings = namespace.settings()
        if settings.frozen:
            return False
        for listener in (*self._observers, *self._trackers(namespace, settings.trackers)):
            if listener.is_ready():
                turn = self._patiently(partial(self._turn, namespace, listener))
                self._telling.begin((name, listener.reader), turn)
        looks = self._looks[name] = self._looks.get(name, -1) + 1
        if settings.trackers or looks % SELDOM == 0:
            self._have_performed(namespace)
        return False

    def _trackers(self, namespace: Namespace, chosen: tuple[Chosen, ...]) -> list[Watch]:
        """The trackers of a namespace; one whose settings have changed is another."""
        known = self._watches.pop(namespace.name, {})
        watches = {
            each.id: known[each.id]
            if each.id in known and known[each.id].chosen == each
            else Watch(each, self._plugins, namespace, self._clock)
            for each in chosen
        }
        if watches:
            self._watches[namespace.name] = watches
        return list(watches.values())

    def _turn(self, namespace: Namespace, listener: Listener) -> bool:
        """Tell one page to one listener; answer whether there is more."""
        told = listener.turn(namespace)
        self.done += bool(told)
        if told and isinstance(listener, Watch):
            # What it does later may well begin now.
            self._have_performed(namespace)
        return told == listener.at_once and listener.is_ready()

    def _have_performed(self, namespace: Namespace) -> None:
        """Have done what trackers have to do later, if that is due."""
        for number in range(min(jobs_waiting(namespace), THREADS)):
            work = self._patiently(partial(self._perform, namespace.name))
            self._performing.begin((namespace.name, number), work)

    def _perform(self, name: str) -> bool:
        done = self._performer.perform(name)
        self.done += done
        return done

    def _patiently(self, work: Work) -> Work:
        """Leave it to the scheduler to tell that the store is gone: the next tick tries again."""

        def patient() -> bool:
            try:
                return work()
            except BackendUnavailable as error:
                logger.debug("delivery has to wait: %s", error)
                return False

        return patient
