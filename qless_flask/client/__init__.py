"""The client: handles for people on queues, jobs and workers. Sugar; the rules stand in the backends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.numbers import READER_PREFIX
from qless_flask.client.changes import Changing
from qless_flask.client.data import Data
from qless_flask.client.events import follow as _events
from qless_flask.client.failures import Failures, FailuresHandle
from qless_flask.client.functions import JobFunction, job, registry_of
from qless_flask.client.jobs import JobHandle, Jobs
from qless_flask.client.leased import LeasedJob
from qless_flask.client.outcomes import FailJob, ReleaseJob, RetryJob
from qless_flask.client.queues import PutOptions, QueueHandle, Queues, put_all
from qless_flask.client.recurrences import RecurOptions, RecurrenceHandle, Recurrences
from qless_flask.client.tags import TagHandle, Tags
from qless_flask.client.workers import Workers
from qless_flask.client.writing import UnknownCodec, UnreadableData, Writing
from qless_flask.models import (
    Action,
    Actor,
    Changed,
    Event,
    EventFilter,
    Filter,
    NamespaceSettings,
    NewJob,
    Setting,
    Stats,
    Throughput,
    Tracked,
)
from qless_flask.plugins import Plugins

__all__ = [
    "Client",
    "Data",
    "FailJob",
    "Failures",
    "FailuresHandle",
    "JobFunction",
    "JobHandle",
    "Jobs",
    "LeasedJob",
    "PutOptions",
    "QueueHandle",
    "Queues",
    "RecurOptions",
    "RecurrenceHandle",
    "Recurrences",
    "ReleaseJob",
    "RetryJob",
    "TagHandle",
    "Tags",
    "UnknownCodec",
    "UnreadableData",
    "Workers",
    "Writing",
    "job",
    "registry_of",
]


class Client:
    """One namespace of a store: `client.queues["fetch"].put("Crawl", {"url": url}, priority=10)`.

    Takes the URL of a store, or a backend that is open already and then stays open. The URL of a server may need a
    `token`, or the path of a file in which one stands; see `open_backend`.
    What is done by hand through it is noted as done by `actor`. With a `codec` of one of the `plugins` it writes what
    jobs are given and what they leave (data and results) unreadable to the store; it reads what any of their codecs
    wrote. Without a word the plugins are those of the backend, else the installed ones.
    """

    def __init__(
        self,
        store: str | Backend,
        namespace: str = "default",
        *,
        actor: Actor | None = None,
        plugins: Plugins | None = None,
        codec: str | None = None,
        token: str | Path | None = None,
    ) -> None:
        """Open the store. Raise Invalid if no plugin offers the codec."""
        self._given = plugins
        self._owned = open_backend(store, plugins=plugins, token=token) if isinstance(store, str) else None
        self.backend: Backend = self._owned or store  # type: ignore[assignment]
        self.namespace: Namespace = self.backend.namespace(namespace)
        self._actor = actor
        self.writing = Writing(codec, self._load_plugins)
        """How it writes data: `client.writing.load(job.data)` reads that of a job that came from elsewhere."""
        self.queues = Queues(self.namespace, actor, writing=self.writing)
        self.jobs = Jobs(self.namespace, actor, writing=self.writing)
        self.workers = Workers(self.namespace, actor)
        self.recurrences = Recurrences(self.namespace, actor, writing=self.writing)
        self.failures = Failures(self.namespace, actor, writing=self.writing)
        self.tags = Tags(self.namespace, actor, writing=self.writing)

    @property
    def plugins(self) -> Plugins:
        """Those that it was given, else those of its backend, else the installed ones, loaded when they are needed."""
        return self.writing.plugins

    def put(self, jobs: Iterable[NewJob]) -> list[JobHandle]:
        """Put jobs of any queues and klasses; each thousand goes in whole or not at all."""
        return put_all(self.namespace, jobs, self._actor, self.writing)

    def tracked(self) -> Tracked:
        """Tell the state of all that is tracked: jobs and tags, of each the first thousand."""
        return self.namespace.tracked()

    def events(
        self,
        after: str | None = None,
        *,
        follow: bool = True,
        jid: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        tracked: bool | None = None,
        reader: str | None = None,
    ) -> Iterator[Event]:
        """Yield the events that match, from the beginning of the log or from behind a cursor on.

        To go on later, remember the `cursor` of the last event seen. It waits for what is to come, for ever, unless
        `follow` is False. A reader that fell off the log gets a `gap` event first.

        Under the name of a `reader` it goes on by itself where it was, from the last page that was read to its end,
        and events are kept for it, at most a day; `forget_reader` ends that.
        """
        return _events(self.namespace, after, EventFilter(jid, queue, tag, tracked), on=follow, reader=reader)

    def forget_reader(self, reader: str) -> None:
        """Keep no more events for a reader that is no longer there."""
        name = f"{READER_PREFIX}{reader}"
        while not self.namespace.remember(name, None, self.namespace.recall(name)):
            pass

    def change(self, filter: Filter, action: Action, *, dry_run: bool = False) -> Changed:
        """Do an action on all jobs that match, in steps, and tell how many matched and how many it changed."""
        return Changing(self.namespace, self._actor).all(filter, action, dry_run=dry_run)

    def stats(self, day: str | None = None, *, klass: str | None = None) -> Stats:
        """Sum up the waits and runs of a day (UTC, as 2026-11-24), or of today; of one klass, or of all jobs."""
        return self.namespace.stats(day, klass=klass)

    def throughput(self, *, since: float | None = None, until: float | None = None, step: int = 60) -> Throughput:
        """Count the transitions of all queues by steps of so many seconds; see `Namespace.throughput`."""
        return self.namespace.throughput(since=since, until=until, step=step)

    def settings(self) -> NamespaceSettings:
        """Read the settings of queues that do not say otherwise, and whether the namespace is frozen."""
        return self.namespace.settings()

    def configure(self, *, inherit: Sequence[str] = (), **settings: Setting) -> NamespaceSettings:
        """Change settings of all queues that do not say otherwise; those that `inherit` names become the defaults."""
        return self.namespace.configure_namespace(settings, inherit=inherit, actor=self._actor)

    def freeze(self) -> NamespaceSettings:
        """Make the namespace read-only until `thaw`: what would write raises Frozen."""
        return self.namespace.freeze(actor=self._actor)

    def thaw(self) -> NamespaceSettings:
        """Let the namespace be written again."""
        return self.namespace.freeze(False, actor=self._actor)

    def erase(self, confirm: str | None = None) -> None:
        """Delete the namespace, all of it. Raise NotEmpty where there are jobs, unless `confirm` is its name."""
        cursor = None
        while True:
            cursor = self.namespace.erase(confirm, cursor, actor=self._actor).next
            if cursor is None:
                return

    def close(self) -> None:
        """Close the store, if this client opened it."""
        if self._owned:
            self._owned.close()

    def _load_plugins(self) -> Plugins:
        if self._given is None and isinstance(self.backend, Hooked):
            return self.backend.plugins
        return Plugins() if self._given is None else self._given

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
