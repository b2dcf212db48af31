"""The contract every backend keeps: one operation, one atomic method.

Redis, SQLite, HTTP and wrappers round them keep it alike, and one conformance suite (`qless_flask.testing`) holds them
to it. Rules for every operation:

- It happens whole or not at all: an operation that raises has changed nothing. Where an answer has one item for each
  item asked, an item that cannot be done is a QlessError in its place, and the others are done.
- Time is the store's own; a `clock` given to the backend wins. A lease is live until it is settled, taken away or taken
  back; it can be taken back from `expires_at` on, by the next pop or promote that looks at its queue.
- Reads never write.
- A name, text or number out of bounds (`qless_flask.bounds`) is Invalid, and names the field. An unreachable store is
  BackendUnavailable.
- A job takes its place, behind all others of its queue and priority, when an operation makes it available: put,
  promote, advance, retry, move, timeout. A release without delay, a lost lease and a changed priority keep its place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from qless_flask.errors import QlessError
from qless_flask.models import (
    Actor,
    Changes,
    EventPage,
    Exchanged,
    Filter,
    Job,
    Lease,
    LogLine,
    NewJob,
    Order,
    Page,
    Pop,
    Popped,
    Promoted,
    Pruned,
    Put,
    Queue,
    Setting,
    Settled,
    Settlement,
    Worker,
)

Clock = Callable[[], float]
"""Answers the time in Unix seconds."""


class Backend(ABC):
    """A connection to a store. Safe to share between threads; each process opens its own."""

    @abstractmethod
    def namespace(self, name: str) -> Namespace:
        """Open a namespace. Nothing is written: it begins with its first write. Raise Invalid for a bad name."""

    @abstractmethod
    def namespaces(self) -> list[str]:
        """List the namespaces that have begun, sorted; without those whose names begin with `_`."""

    @abstractmethod
    def ping(self) -> list[str]:
        """Raise BackendUnavailable unless the store answers; else list what its set-up puts at risk, in plain words."""

    @abstractmethod
    def close(self) -> None:
        """Let go of all connections and threads; waiting pops come back empty."""

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Namespace(ABC):
    """One partition of the work space, and every operation on it."""

    name: str

    # Jobs go in, are worked, and end

    @abstractmethod
    def put(self, jobs: Sequence[NewJob]) -> list[Put]:
        """Add up to 1,000 jobs, all or none; they may name different queues. Answer in the same order.

        A jid that exists: `reject` raises JobExists; `keep` answers with the job that is there, as it is; `replace`
        begins the job anew wherever it is (a lease on it is lost; history, failure, log and last settle are forgotten).
        Each job of the batch sees those before it. Event: put.
        """

    @abstractmethod
    def pop(
        self,
        queues: Sequence[str],
        worker: str,
        limit: int = 1,
        *,
        wait: float = 0.0,
        order: Order = "listed",
        request: str | None = None,
    ) -> Popped:
        """Lease up to `limit` jobs of these queues to a worker: by queue as `order` says, then priority, then place.

        On the way it takes back lost leases, then promotes what is due, at most 100 of each a queue. A paused queue is
        looked after all the same, but gives nothing, as one that is unknown. With nothing to give it waits up to `wait`
        seconds for a job, and then answers empty; `retry_at` says when something will be due or lost. A queue's
        `heartbeat` sets `expires_at`. Every token is new.

        The same `worker` and `request` within a heartbeat of the first call (60 s where a queue has none) are given
        those of the same leases that are still live, so that a lost answer costs nothing; once none is, they pop anew.

        Makes the worker known. Events: popped; lost (or failed, group `lost`, where `max_losses` is passed); promoted.
        """

    @abstractmethod
    def heartbeat(self, leases: Sequence[Lease]) -> list[Lease | QlessError]:
        """Renew each lease by its queue's heartbeat from now; answer each with its new `expires_at` (and no job).

        Items: JobNotFound; JobCanceled for the last holder of a canceled job; else LeaseLost for any token but the
        current one. Keeps the worker known. No event.
        """

    @abstractmethod
    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        """End leases, each as its settlement says. Answer with the state that each job was left in.

        Complete goes on to `next`, else the pipeline's next queue (event advanced: retries and losses renewed, failure
        cleared; waiting there, or scheduled with a `delay`), else it ends the job (completed, failure cleared).
        Retry keeps the failure (its group, message, worker and run) and costs one of `remaining`: waiting or, with a
        `delay`, scheduled (retried); where none remains, failed under its group. Fail: failed. Release: waiting at its
        old place or, with a `delay`, scheduled (released); nothing counted.
        Without a delay of its own a Retry is at once.

        The same settlement of the same lease again is answered as the first time, until the job's next settle, replace
        or prune. Items else: as for heartbeat.
        """

    @abstractmethod
    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        """Settle, then pop, in one round trip; only the pop waits, and the settlements stand meanwhile."""

    @abstractmethod
    def log(self, lease: Lease, message: str, data: str | None = None) -> None:
        """Add a line of the worker's own to its job's log: the latest 100 lines, at most 64 KiB, are kept.

        Raise JobNotFound, JobCanceled or LeaseLost as heartbeat answers. No event.
        """

    # By hand. Each answers, for each jid in order, the job as it is afterwards (without data and history) or an error.

    @abstractmethod
    def cancel(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        """Stop jobs for good; a running one's worker learns at its next heartbeat. Event: canceled.

        A job that is canceled already stays as it is. Items: JobNotFound; WrongState for a complete job.
        """

    @abstractmethod
    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        """Put jobs of any state into a queue, at a new place: waiting or, with a `delay`, scheduled. Event: moved.

        Failure cleared, retries and losses renewed by that queue; a lease is lost; the pipeline stays.
        Items: JobNotFound.
        """

    @abstractmethod
    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        """Change jobs of any state. Event: updated. Items: JobNotFound; Invalid where it would have over 32 tags."""

    @abstractmethod
    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        """Take leases away now, at the cost of a retry: waiting at once, at a new place (event timed_out).

        Where none remains: failed, group `timeout` (event failed). The failure is kept either way.
        Items: JobNotFound; WrongState unless running.
        """

    # Look-ups

    @abstractmethod
    def get(self, jids: Sequence[str]) -> list[Job | None]:
        """Look up to 1,000 jobs up, with data and history; None for a jid that is not there."""

    @abstractmethod
    def lines(self, jid: str) -> list[LogLine]:
        """Read the log of a job, oldest line first. Raise JobNotFound."""

    @abstractmethod
    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        """Page through the jobs that match, up to 1,000 a page, without data and history.

        Within a queue and state: waiting in the order of pops, scheduled by due time, running by expiry (those without
        last), ended ones by the time they ended, latest first; ties by jid. Other walks have an order of their own.
        Each job that matches, and that nothing happens to meanwhile, stands in a walk exactly once; a walk that goes
        from queue to queue or state to state may miss or repeat a job that goes the other way. At most 1,000 records
        are read a call, so a page may be short, even empty, with a `next`. Raise Invalid for a cursor that is none.
        """

    @abstractmethod
    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        """Sum the queues up: all known, by name, or those named, in that order. Raise QueueNotFound."""

    @abstractmethod
    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        """Sum the workers up: all known, by name, or those named, in that order. Raise WorkerNotFound."""

    @abstractmethod
    def events(self, after: str | None = None, limit: int = 100, *, wait: float = 0.0) -> EventPage:
        """Read up to `limit` (≤ 1,000) transitions of the log after a cursor; None or "0": from the beginning.

        Waits up to `wait` seconds for the first where there is none. Kept for an hour (prune trims; less where there
        would be over 1,000,000 entries), so a reader that fell off gets a `gap` event first, then what is left. Raise
        Invalid for a cursor that is none.
        """

    # Queues, live

    @abstractmethod
    def configure(self, queue: str, changes: Mapping[str, Setting], *, actor: Actor | None = None) -> Queue:
        """Set the settings named (see QueueSettings), each whole; the others stay. Makes the queue known.

        A setting holds from the next operation that uses it: leases and retries already given stay as they are.
        Event: configured. Raise Invalid for an unknown setting or value.
        """

    @abstractmethod
    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        """Let nothing be popped from a queue until resume; what runs goes on. Makes it known. Event: paused."""

    @abstractmethod
    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        """Let a paused queue be popped from again. Raise QueueNotFound. Event: resumed."""

    @abstractmethod
    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        """Delete an empty queue and its settings. Raise QueueNotFound; NotEmpty while it has jobs of any state.

        Event: forgotten.
        """

    # Upkeep and records

    @abstractmethod
    def promote(self, limit: int = 1000) -> Promoted:
        """Take back lost leases and make due jobs available, in all queues, up to `limit` together.

        Pop does as much for its own queues. Due jobs take their places in order of due time,
        then jid. Events: promoted, lost, failed.
        """

    @abstractmethod
    def prune(self, limit: int = 1000) -> Pruned:
        """Delete up to `limit` ended jobs past their retention, of each queue the longest ended first.

        A queue keeps complete jobs 7 days and 50,000 of them, canceled 1 day and 10,000, failed 90 days and 100,000.
        Old events go too: they are kept an hour. Workers not seen for a day that hold no lease are forgotten.
        Event: pruned.
        """

    @abstractmethod
    def lead(self, role: str, holder: str, seconds: float) -> bool:
        """Become or stay the leader of a role for so many seconds; tell whether `holder` leads.

        0 seconds gives it up.
        """

    @abstractmethod
    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        """Set a record if it is as `expected` (None: not there); tell whether it was.

        A record has at most 64 KiB of text; a `value` of None deletes it.
        """

    @abstractmethod
    def recall(self, name: str) -> str | None:
        """Read a record."""
