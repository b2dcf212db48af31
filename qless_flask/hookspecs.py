# mypy: disable-error-code="empty-body"
"""Every hook that a plugin can implement, in the order of a job's life, and the kinds of things that plugins offer.

A plugin is a module or an object with functions of these names, marked with `hookimpl` of
`qless_flask.hookspecs`; each takes those of the arguments named here that it wants:

    @hookimpl
    def before_put(namespace, job): ...

It is found by its entry point in the group `qless_flask.plugins`, or given to `Settings` or `Plugins` as it is.
What is chosen by name (a strategy, a policy, a tracker) is offered as a class; what it can be told are the parameters
of its constructor, which raises Invalid for what it cannot take. A frozen dataclass does it.
Hooks run in the order of the plugins, without a lock and without a timeout: the last one registered is the first asked,
so that a plugin's word comes before that of those built in.
"""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

from qless_flask.models import (
    Backoff,
    Event,
    Failure,
    FailureGroup,
    Filter,
    Identity,
    Job,
    NamespaceSettings,
    NewJob,
    Page,
    Pop,
    Put,
    Queue,
    Settlement,
    Tag,
    Worker,
)
from qless_flask.patterns import matches_any

if TYPE_CHECKING:
    from prometheus_client import Metric

PROJECT = "qless_flask"
"""What hooks are marked for, and the first word of the groups of entry points."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# The kinds of things that plugins offer


class Space(Protocol):
    """As much of a namespace as a plugin is given: it looks, puts and remembers, past all plugins."""

    name: str

    def put(self, jobs: Sequence[NewJob]) -> list[Put]:
        """See `Namespace.put`."""

    def get(self, jids: Sequence[str]) -> list[Job | None]:
        """See `Namespace.get`."""

    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        """See `Namespace.select`."""

    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        """See `Namespace.queues`."""

    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        """See `Namespace.workers`."""

    def failures(
        self, groups: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[FailureGroup]:
        """See `Namespace.failures`."""

    def tags(self, names: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000) -> list[Tag]:
        """See `Namespace.tags`."""

    def settings(self) -> NamespaceSettings:
        """See `Namespace.settings`."""

    def recall(self, name: str) -> str | None:
        """See `Namespace.recall`."""

    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        """See `Namespace.remember`."""


class RetryStrategy(ABC):
    """How long a retry that names no delay is put off; built with the options that a back-off gives it."""

    draw: Callable[[], float] = staticmethod(random.random)
    """Answers a random number from 0 to 1; who builds it may say what is drawn, for a test."""

    @abstractmethod
    def next_delay(self, job: Job, failure: Failure, run: int) -> float | Backoff | None:
        """Answer the seconds before the job runs again, or None to give up: then it fails at once.

        Or leave that to another back-off, and answer that. `job` is as it was popped, or as it is; `failure` says why
        this run did not end well, by its group and message; `run` is which run of the stage that was, counted from 1.
        If it raises, or answers what is no delay, the job is put off as by the default back-off.
        """

    def backoffs(self) -> Mapping[str, Backoff]:
        """Name the back-offs that it may answer, by the fields that they stand in: they are tried when it is chosen."""
        return {}


class Policy(ABC):
    """What a namespace lets in; built with the options that the namespace's settings give it."""

    id: str = ""
    """What it is called in those settings, set by who builds it: its own records are named `policy:<id>`."""
    clock: Callable[[], float] = staticmethod(time.time)
    """Answers the time in Unix seconds; set by who builds it."""

    @abstractmethod
    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        """Answer the job to be put, changed or not; raise Rejected, with the fields at fault, for one that may not be.

        It sees what is put, follows up on a completed job, or is put by a recurrence. A jid that was given stays.
        """

    def check_all(self, namespace: Space, jobs: Sequence[NewJob]) -> None:  # noqa: B027  a policy may do without
        """Raise Rejected if these jobs may not be put together; called once a put, after each was checked alone.

        The fields at fault begin with the number of the job, from 0: `3.klass`.
        """

    def check_queue(self, namespace: Space, queue: str) -> None:  # noqa: B027  a policy may do without
        """Raise Rejected if no job may come into a queue: asked where jobs are moved there by hand, and where a worker
        names it as the next stage.
        """

    def backoffs(self) -> Mapping[str, Backoff]:
        """Name the back-offs that it may give jobs, by the fields that they stand in; see RetryStrategy."""
        return {}


class TagTracker(ABC):
    """Told what happens to jobs with the tags that it watches; built with the options of the namespace's settings."""

    tags: Sequence[str]
    """The tags it watches, an option that every tracker takes; one that ends in `*` stands for all that begin so."""

    def watches(self, tag: str) -> bool:
        """Tell whether it watches a tag."""
        return matches_any(self.tags, tag)

    @abstractmethod
    def told(self, tracking: Tracking, events: Sequence[Event]) -> None:
        """Take up to 1,000 events, in order. If it raises, it is told of them again: each at least once.

        They are those of jobs with a tag that it watches, and any `gap`: some before it were deleted unread.
        Off the way of requests, in a thread of the process whose scheduler leads. What takes long or may fail it does
        later, by `tracking.later`. After ten errors in a row it is switched off, until its settings change or the
        process begins anew; then it goes on where it was.
        """

    def perform(self, tracking: Tracking, data: Mapping[str, Any]) -> None:
        """Do what `later` was given, within a minute.

        If it raises GiveUp, that was it; if it raises anything else, it is retried as the queue `qless:trackers` says.
        """
        raise NotImplementedError(f"{type(self).__name__} does nothing later")


class GiveUp(Exception):
    """Raised by what a tracker does later: it is no use to try again. The job fails, in this group."""

    def __init__(self, group: str, message: str = "") -> None:
        super().__init__(message)
        self.group, self.message = group, message


class Tracking(Protocol):
    """What a tracker works with."""

    id: str
    """What the tracker is called in the settings of its namespace."""
    namespace: Space
    kept: str | None
    """What it kept, up to 65,000 bytes of text, until it is removed; None at first.

    What `told` sets it to is remembered together with how far it was told, or not at all: so what a tracker counts up
    here is exact, though it may be told of events twice.
    """

    def later(self, data: Mapping[str, Any], *, key: str) -> None:
        """Have `perform` called with this, by a job in the queue `qless:trackers`.

        The same `key` again, while that job is not pruned, is not done again.
        """


class Codec(ABC):
    """Makes data unreadable to the store, or keeps it elsewhere, on the client's side."""

    @abstractmethod
    def encode(self, text: str) -> str:
        """Write JSON text as other text, any there is."""

    @abstractmethod
    def decode(self, text: str) -> str:
        """Read what `encode` wrote. Raise ValueError for what it did not."""


@dataclass(frozen=True, slots=True)
class PageAction:
    """A button of a page or panel: it posts a form, and what it did is told on the page that one is led back to."""

    label: str
    do: Callable[[Space], str]
    """Does it, and answers what is told. An error of ours that it raises is told in its place."""
    action: str = "update"
    """Who may do this, of all that the table of roles names, is offered the button."""


@dataclass(frozen=True, slots=True)
class PluginPage:
    """A page of every namespace, at `/namespaces/{namespace}/plugins/{path}`; the navigation leads there."""

    path: str
    """1 to 64 of a-z, 0-9 and -."""
    title: str
    body: Callable[[Space], str]
    """Answers what stands on it: text, which is escaped, or HTML as a `markupsafe.Markup`, without scripts and styles
    in it (the pages' Content-Security-Policy keeps those from running)."""
    action: str = "queues"
    """Who may do this is shown the page."""
    actions: Mapping[str, PageAction] = field(default_factory=dict)
    """By names of the same characters."""


@dataclass(frozen=True, slots=True)
class JobPanel:
    """A part of a job's page."""

    title: str
    body: str
    """Text, or HTML as a `markupsafe.Markup`; see PluginPage."""
    actions: Mapping[str, PageAction] = field(default_factory=dict)


# The hooks


class Hooks:
    """The hooks, by name."""

    @hookspec(firstresult=True)
    def open_backend(self, url: str, clock: Callable[[], float] | None, max_data_bytes: int) -> Any:
        """Open a store of one's own, or answer None for a URL that is another's.

        url: what the user gave; its scheme is none of ours.
        clock: answers the time in Unix seconds, in place of the store's own; None: the store's own.
        max_data_bytes: how long the data of one job may be.
        Answers a `qless_flask.backends.base.Backend`.
        """

    @hookspec(firstresult=True)
    def authenticate(self, request: Any) -> Identity | None:
        """Say who sends a request, or answer None to leave that to others; tokens are asked last.

        request: the `flask.Request`; its body may be large, and is better left alone.
        Answers an `Identity`; one without a role may do what an `authorize` allows. Raises Unauthenticated to refuse
        it at once. Where a plugin has this hook, a request that nobody knows is answered 401.
        """

    @hookspec(firstresult=True)
    def authorize(self, actor: Identity, action: str, namespace: str | None) -> bool | None:
        """Say whether somebody may do something, or answer None to leave that to others; the roles are asked last.

        actor: who it is.
        action: an operation, or what else the table of roles names (docs/access.md). `change` does moves, cancels,
            updates, timeouts and ends to many jobs at once, without asking for each.
        namespace: where; None for what is about no single one.
        """

    @hookspec
    def data_codecs(self) -> Mapping[str, Codec]:
        """Offer ways to encrypt data, compress it or keep it elsewhere, by name, for clients and workers.

        A client writes data with the codec that it was told, and reads what any of them wrote.
        """

    @hookspec
    def before_put(self, namespace: str, job: NewJob) -> NewJob | None:
        """Look at a job that is about to be put: change it, refuse it, or let it be.

        namespace: the namespace's name.
        job: what is put, follows up on a completed job, or is put by a recurrence (whose rule it changes).
        Answers the job to put in its place, or None for no change (a jid that was given stays); raises Rejected to
        refuse the whole put.
        """

    @hookspec
    def namespace_policies(self) -> Mapping[str, type[Policy]]:
        """Offer policies, by the name that a namespace's settings choose them by."""

    @hookspec
    def before_pop(self, namespace: str, pop: Pop) -> Pop | None:
        """Look at a pop before it is done: change it, refuse it, or let it be.

        namespace: the namespace's name.
        pop: the queues, worker, limit and capabilities that were asked for.
        Answers the pop to do in its place, of the same worker, or None for no change; raises Rejected to refuse it.
        """

    @hookspec
    def around_perform(self, job: Any, call: Callable[[], object]) -> object:
        """Run a job, in its worker: do something before and after, or instead.

        job: the `LeasedJob` that is about to run.
        call: runs it, and answers its result; of an `async def` function it answers what is to be awaited.
        Answers the result. What it raises is the job's failure, as if the job had raised it.
        """

    @hookspec(firstresult=True)
    def failure_group(self, job: Job, failure: Failure) -> str | None:
        """Say in which group a failure belongs, or None to leave that to others.

        job: as it was popped, or as it is.
        failure: why the run did not end well, with the group and message that its worker gave, and which run of the
            stage it was.
        Answers 1 to 200 bytes of text.
        """

    @hookspec
    def before_settle(self, namespace: str, settlement: Settlement) -> Settlement | None:
        """Look at the end of a lease before the store is told: change it, refuse it, or let it be.

        namespace: the namespace's name.
        settlement: a Complete, Retry, Fail or Release.
        Answers the settlement to do in its place, of the same lease, or None; raises Rejected to refuse this one.
        """

    @hookspec
    def retry_strategies(self) -> Mapping[str, type[RetryStrategy]]:
        """Offer retry strategies, by the name that a back-off chooses them by."""

    @hookspec
    def on_event(self, namespace: str, event: Event) -> None:
        """Hear of each transition, after the fact, in order, at least once; in the process whose scheduler leads.

        namespace: the namespace's name.
        event: one entry of its log.
        """

    @hookspec
    def tag_trackers(self) -> Mapping[str, type[TagTracker]]:
        """Offer tag trackers, by the name that a namespace's settings choose them by."""

    @hookspec
    def metrics(self, namespaces: Iterable[Space]) -> Iterable[Metric]:
        """Add figures to `/metrics`.

        namespaces: all that whoever asks may look at.
        Answers metric families of prometheus_client, as its collectors do.
        """

    @hookspec
    def register_commands(self, group: Any) -> None:
        """Add commands to `qless-flask`.

        group: the `click.Group` to add them to.
        """

    @hookspec
    def register_pages(self) -> Iterable[PluginPage]:
        """Add pages to each namespace; asked once a process."""

    @hookspec
    def job_panels(self, namespace: Space, job: Job) -> Iterable[JobPanel]:
        """Add panels to the page of a job.

        namespace: where it is.
        job: as it is, whole.
        """
