"""What the tests begin with, and how they look at what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypedDict, Unpack

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.backends.inspection import StoreView
from qless_flask.errors import QlessError
from qless_flask.models import (
    Actor,
    Backoff,
    Beat,
    Complete,
    Event,
    Fail,
    Filter,
    Finish,
    IfExists,
    Job,
    Lease,
    Missing,
    NewJob,
    OnParentEnd,
    Queue,
    Renewed,
    Settled,
    Settlement,
    State,
    Unique,
)
from qless_flask.testing.checked import Checked

Check = Callable[[], StoreView]
ALICE = Actor("alice", "192.0.2.7")
each_choice = pytest.mark.parametrize(
    ("choice", "state"), [("wait", "depends"), ("run", "waiting"), ("cancel", "canceled")]
)
"""What a child may choose for when its parent ends badly, and the state that it is in then."""


class Options(TypedDict, total=False):
    """What else a new job may have."""

    data: str
    priority: int
    delay: float
    at: float | None
    tags: tuple[str, ...]
    retries: int | None
    pipeline: tuple[str, ...]
    depends: tuple[str, ...]
    missing: Missing
    on_parent_end: OnParentEnd
    backoff: Backoff | None
    max_run: float | None
    expires_in: float | None
    unique: Unique | None
    requires: tuple[str, ...]
    key: str | None
    if_exists: IfExists


def new(jid: str, queue: str = "work", **options: Unpack[Options]) -> NewJob:
    """Build a job to put."""
    return NewJob("Crawl", queue=queue, jid=jid, **options)


def put(namespace: Namespace, *jids: str, queue: str = "work", **options: Unpack[Options]) -> None:
    """Put jobs into a queue."""
    namespace.put([new(jid, queue, **options) for jid in jids])


def pop(namespace: Namespace, queue: str = "work", worker: str = "ann") -> Lease:
    """Pop the one job that is there to be popped."""
    [lease] = namespace.pop([queue], worker)
    return lease


def run(namespace: Namespace, jid: str = "a", queue: str = "work", **options: Unpack[Options]) -> Lease:
    """Put a job and pop it, for ann."""
    put(namespace, jid, queue=queue, **options)
    lease = pop(namespace, queue)
    assert lease.jid == jid
    return lease


def renew(namespace: Namespace, *leases: Lease) -> list[Renewed | QlessError]:
    """Renew leases by heartbeats that say nothing."""
    return namespace.heartbeat([Beat(lease) for lease in leases])


def settle(namespace: Namespace, settlement: Settlement) -> State:
    """Settle what can be settled, and tell the state that it left the job in."""
    [answer] = namespace.settle([settlement])
    assert isinstance(answer, Settled)
    return answer.state


def refusal(namespace: Namespace, settlement: Settlement) -> QlessError:
    """Settle what cannot be settled, and tell why."""
    [answer] = namespace.settle([settlement])
    assert isinstance(answer, QlessError)
    return answer


def end(namespace: Namespace, jid: str, state: State = "complete") -> None:
    """End the job that is next in its queue: worked to its end, or canceled."""
    if state == "canceled":
        namespace.cancel([jid], dependents="choice")
        return
    lease = pop(namespace, get(namespace, jid).queue)
    assert lease.jid == jid
    settle(namespace, Complete(lease) if state == "complete" else Fail(lease, group="broken"))


def family(namespace: Namespace, *children: str, choice: OnParentEnd = "wait", delay: float = 0.0) -> None:
    """Put a parent, and children that wait for it."""
    put(namespace, "parent", queue="parents")
    put(namespace, *children, depends=("parent",), on_parent_end=choice, delay=delay)


def many(count: int) -> list[str]:
    """List jids that sort as they are numbered."""
    return [f"{number:05}" for number in range(count)]


def end_by_hand(namespace: Namespace, jid: str, state: State) -> None:
    """Put a job that has ended."""
    put(namespace, jid, queue="parents")
    if state == "canceled":
        namespace.cancel([jid])
    else:
        namespace.finish([jid], Finish("complete" if state == "complete" else "failed"))


def get(namespace: Namespace, jid: str = "a") -> Job:
    """Look a job up that is there."""
    [job] = namespace.get([jid])
    assert job is not None
    return job


def history(namespace: Namespace, jid: str = "a") -> list[str]:
    """List what happened to a job."""
    return [entry.event for entry in get(namespace, jid).history]


def states(namespace: Namespace, *jids: str) -> list[State]:
    """List the states of jobs."""
    return [get(namespace, jid).state for jid in jids]


def pop_all(namespace: Namespace, *queues: str, limit: int = 1000) -> list[str]:
    """Pop all that can be popped, and list the jids."""
    return [lease.jid for lease in namespace.pop(queues or ["work"], "zoe", limit)]


def pop_with(namespace: Namespace, *capabilities: str, limit: int = 1000) -> list[str]:
    """Pop all of work that a worker who offers so much may be given, and list the jids."""
    return [lease.jid for lease in namespace.pop(["work"], "zoe", limit, capabilities=capabilities)]


def peek(namespace: Namespace, queue: str = "work", state: State = "waiting") -> list[str]:
    """List the jids in a state of a queue."""
    return walk(namespace, Filter(state=state, queue=queue))


def walk(namespace: Namespace, filter: Filter, limit: int = 50) -> list[str]:
    """Walk through all pages of a select, and list the jids."""
    found: list[str] = []
    page = namespace.select(filter, None, limit)
    while True:
        assert len(page.jobs) <= limit
        assert page.scanned <= 1000
        found += [job.jid for job in page.jobs]
        if page.next is None:
            return found
        page = namespace.select(filter, page.next, limit)


def queue(namespace: Namespace, name: str = "work") -> Queue:
    """Sum up one queue."""
    [found] = namespace.queues([name])
    return found


def seen_events(namespace: Namespace, event: str | None = None) -> list[Event]:
    """Read the log from its beginning, or the events of one name in it."""
    events = namespace.events(limit=1000).events
    return [each for each in events if event in (None, each.event)]


def last_event(namespace: Namespace) -> Event:
    """Read the latest event."""
    return seen_events(namespace)[-1]


@contextmanager
def unchanged(namespace: Namespace, check: Check) -> Iterator[None]:
    """Hold the store against itself before and after."""
    before = _picture(namespace, check)
    yield
    assert _picture(namespace, check) == before


def _picture(namespace: Namespace, check: Check) -> tuple[object, ...]:
    view = check()
    # Not looked over after each look: the next picture tells what one has changed.
    bare = namespace.inner if isinstance(namespace, Checked) else namespace
    lines = {jid: bare.lines(jid) for jid in view.jobs}
    figures = bare.tags(), bare.failures(), bare.tracked(), bare.recurrences()
    return view, lines, bare.queues(), bare.workers(), figures, bare.events(limit=1000).events
