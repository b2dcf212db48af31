"""Who is told of events: the plugins that hear of all of them, and the trackers of a namespace."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.readers import (
    log_end,
    move_reader,
    place_of,
    plugin_reader,
    register_reader,
    tracker_reader,
)
from qless_flask.backends.scheduling import OURS, scheduler_figures
from qless_flask.bounds import MAX_BATCH, fitted
from qless_flask.delivery.tracking import StoreTracking
from qless_flask.errors import BackendUnavailable, QlessError
from qless_flask.hookspecs import TagTracker
from qless_flask.models import MAX_KEPT_BYTES, Chosen, Event, Kept, kept_name
from qless_flask.plugins import Plugins
from qless_flask.plugins.call import BROKEN, Call
from qless_flask.plugins.record import Record

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

logger = logging.getLogger("qless_flask.delivery")


class Listener(ABC):
    """One who is told; `reader` is the name under which its store remembers how far it has come."""

    reader: str
    at_once: int
    """How many events it is told before that is remembered: so many it may be told twice."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether it can be told now."""

    def turn(self, namespace: Namespace) -> int:
        """Tell it what comes next, a page of it, and answer how many events are done with."""
        place = place_of(namespace, self.reader) or self._begin(namespace)
        if place is None:
            return 0
        start = self._start(namespace, place)
        events = namespace.events(start, self.at_once).events
        done = self._tell(namespace, events) if events else 0
        cursor = events[done - 1].cursor if done else start
        if done and not self._note(namespace, cursor):
            # Another has told it meanwhile, and goes on.
            return 0
        if cursor != place and not move_reader(namespace, self.reader, cursor, place):
            return 0
        return done

    @abstractmethod
    def _begin(self, namespace: Namespace) -> str | None:
        """Register it where it has never been told; answer the cursor from which on it is told, None: not yet."""

    def _start(self, namespace: Namespace, place: str) -> str:
        """Answer the cursor from which on to tell it, where its reader is at this one."""
        return place

    @abstractmethod
    def _tell(self, namespace: Namespace, events: Sequence[Event]) -> int:
        """Tell it, and answer how many of these events are done with."""

    def _note(self, namespace: Namespace, cursor: str) -> bool:
        """Remember what it made of the events up to a cursor; tell whether nobody else has done so meanwhile."""
        return True


class Observer(Listener):
    """A plugin that hears of each event; one that it cannot take is passed over."""

    at_once = 100

    def __init__(self, call: Call, backend: Backend) -> None:
        self.reader = plugin_reader(call.plugin)
        self._call = call
        self._backend = backend
        self._mark = fitted(f"observer:{call.plugin}")
        self._older: frozenset[str] = frozenset()

    def is_ready(self) -> bool:
        return not self._call.record.is_off(self._call.hook)

    def arrive(self) -> None:
        """Note which namespaces are older than the plugin: of these it hears from now on, of all others everything.

        They are those that a store has when the plugin first comes to it, if a scheduler has led there before. A mark
        in the namespace `_` says that it has come.
        """
        ours = self._backend.namespace(OURS)
        if ours.recall(self._mark) is not None:
            return
        if scheduler_figures(self._backend) is not None:
            self._older = frozenset(self._backend.namespaces())
        if not self._older:
            ours.remember(self._mark, "1", None)

    def _begin(self, namespace: Namespace) -> str | None:
        if self._older:
            for name in self._older.intersection(self._backend.namespaces()):
                register_reader(self._backend.namespace(name), self.reader)
            self._backend.namespace(OURS).remember(self._mark, "1", None)
            self._older = frozenset()
        if not namespace.events(limit=1).events:
            # Erased just now, perhaps: it must not begin anew by being read.
            return None
        move_reader(namespace, self.reader, "0", None)
        return place_of(namespace, self.reader)

    def _tell(self, namespace: Namespace, events: Sequence[Event]) -> int:
        for done, event in enumerate(events, 1):
            try:
                self._call(namespace=namespace.name, event=event)
            except BROKEN:
                logger.exception("plugin %s failed in %s", self._call.plugin, self._call.hook)
                if self._call.record.missed(self._call.hook):
                    logger.error("plugin %s: %s is switched off in this process", self._call.plugin, self._call.hook)
                    return done
        return len(events)


class Watch(Listener):
    """A tracker of a namespace, as its settings say; when it raises it is told again, after a while."""

    at_once = MAX_BATCH

    def __init__(self, chosen: Chosen, plugins: Plugins, namespace: Namespace, clock: Callable[[], float]) -> None:
        """Build the tracker; one that cannot be built is never ready."""
        self.reader = tracker_reader(chosen.id)
        self.chosen = chosen
        self.tracking = StoreTracking(namespace, chosen)
        self.tracker: TagTracker | None = None
        self.record: Record | None = None
        self.what = f"tracker {chosen.id} of {namespace.name}"
        self._clock = clock
        self._pause = FIRST_PAUSE_SECONDS
        self._again_at = 0.0
        self._record = kept_name(chosen.id)
        self._seen: str | None = None
        try:
            self.tracker = plugins.tracker(chosen)
            self.record = plugins.record_of("trackers", chosen.name)
        except QlessError as error:
            logger.warning("%s cannot be told of anything: %s", self.what, error)
        else:
            self.record.switch_on(self.what)

    def is_ready(self) -> bool:
        return self.record is not None and not self.record.is_off(self.what) and self._clock() >= self._again_at

    def _begin(self, namespace: Namespace) -> str | None:
        # First what it kept, which may come from a copy: its cursor means nothing in this store.
        end, seen = log_end(namespace), namespace.recall(self._record)
        if seen is not None:
            namespace.remember(self._record, Kept(end, Kept.of_text(seen).text).as_text(), seen)
        move_reader(namespace, self.reader, end, None)
        return place_of(namespace, self.reader)

    def _start(self, namespace: Namespace, place: str) -> str:
        """Go on where it was when it last kept something: its reader may be behind that, if somebody was killed."""
        self._seen = namespace.recall(self._record)
        if self._seen is None:
            self.tracking.kept = None
            return place
        kept = Kept.of_text(self._seen)
        self.tracking.kept = kept.text
        return kept.cursor

    def _tell(self, namespace: Namespace, events: Sequence[Event]) -> int:
        assert self.tracker is not None
        assert self.record is not None
        begun = time.perf_counter()
        try:
            wanted = [event for event in events if _concerns(self.tracker, event)]
            if wanted:
                self.tracker.told(self.tracking, wanted)
                _check_kept(self.tracking.kept)
        except BackendUnavailable:
            # No fault of the tracker's: the store is gone, or the namespace was frozen just now.
            self._rest()
            return 0
        except BROKEN as error:
            logger.exception("%s failed", self.what)
            self.record.failed(self.what, error, time.perf_counter() - begun)
            if self.record.missed(self.what):
                logger.error("%s is switched off in this process, until its settings change", self.what)
            self._rest()
            return 0
        if wanted:
            self.record.called(time.perf_counter() - begun, what=self.what)
        self._pause = FIRST_PAUSE_SECONDS
        return len(events)

    def _note(self, namespace: Namespace, cursor: str) -> bool:
        kept = self.tracking.kept
        if kept is None and self._seen is None:
            return True
        return namespace.remember(self._record, Kept(cursor, kept or "").as_text(), self._seen)

    def _rest(self) -> None:
        self._again_at = self._clock() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)


def _concerns(tracker: TagTracker, event: Event) -> bool:
    if event.event == "gap":
        return True
    return event.jid is not None and any(tracker.watches(tag) for tag in event.tags)


def _check_kept(kept: object) -> None:
    if kept is not None and not (isinstance(kept, str) and len(kept.encode()) <= MAX_KEPT_BYTES):
        raise ValueError(f"what a tracker keeps must be at most {MAX_KEPT_BYTES:,} bytes of text")
