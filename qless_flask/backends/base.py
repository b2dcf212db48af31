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
  promote, advance, retry, move, timeout, unblock. A release without delay, a lost lease and a changed priority keep
  its place.
- A job that has open dependencies is in the state `depends`, and only such a job has. When it ends (canceled, finished
  by hand, expired) or is put anew they are dropped.
- When a job ends, those that wait for it are told, as part of the same move, by jid: a complete job counts as done; of
  one that failed or was canceled each child has its choice (`on_parent_end`). A child that waits for nothing more is
  unblocked: waiting or, with a delay, scheduled. One that is canceled tells its own dependents in turn. An operation
  tells 100 in all; who is left is told by the next promotes, and by pops from their queues.
- A job with a key counts for its queue's key limits, one that requires something goes only to a worker that offers it;
  neither keeps back the others: what may not run is passed over, and who pops is given the first that may, in order.
- A frozen namespace is read only: what would write raises Frozen, but `freeze`, `load` and `erase`; `promote` and
  `prune` do nothing.
- A job lets go of its unique key when it is complete, failed or canceled (of one held for a time: canceled), replaced
  or pruned. One that comes back from such an end takes it again, if nobody else holds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import ClassVar

from qless_flask.errors import QlessError
from qless_flask.models import (
    Action,
    Actor,
    AnyRecord,
    Beat,
    Changed,
    Changes,
    Dependents,
    Dumped,
    Erased,
    EventFilter,
    EventPage,
    Exchanged,
    FailureGroup,
    Filter,
    Finish,
    Job,
    Lease,
    LogLine,
    Missing,
    NamespaceSettings,
    NewJob,
    Order,
    Page,
    Pop,
    Popped,
    Promoted,
    Pruned,
    Put,
    Queue,
    Recurrence,
    Recurring,
    Renewed,
    Setting,
    Settled,
    Settlement,
    Stats,
    Tag,
    Throughput,
    Tracked,
    Worker,
)

Clock = Callable[[], float]
"""Answers the time in Unix seconds."""
LOG_END = "end"
"""What `events` takes in place of a cursor for the end of the log as it is now."""


class Backend(ABC):
    """A connection to a store. Safe to share between threads; each process opens its own."""

    remote: ClassVar[bool] = False
    """Whether it asks a server of ours, which goes by its own tokens."""

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

        A unique key that another job holds: answer with that job, whatever jid was given. A jid that exists: `reject`
        raises JobExists; `keep` answers with the job that is there, as it is; `replace` begins the job anew wherever it
        is (a lease on it is lost; history, failure, log, progress, result and last settle are forgotten, it is tracked
        no longer; who waits for it waits for the new one).
        One of `depends` that is not there raises UnknownDependency unless `missing` is `satisfied`; what is complete
        counts as done; of what has failed or was canceled the job has its choice at once, and so may be canceled when
        it has just been put. Raise DependencyCycle; Invalid where the search for one would visit over 10,000 jobs.
        Raise QuotaExceeded where its queue's jobs scheduled, in depends and waiting are as many as its `max_size`;
        Invalid where it requires what makes a 65th different set alive there.
        Each job of the batch sees those before it. Events: put; canceled.
        """

    @abstractmethod
    def pop(
        self,
        queues: Sequence[str],
        worker: str,
        limit: int = 1,
        *,
        wait: float = 0.0,
        capabilities: Sequence[str] = (),
        order: Order = "listed",
        request: str | None = None,
    ) -> Popped:
        """Lease up to `limit` jobs of these queues to a worker: by queue as `order` says, then priority, then place.

        Passed over is a job that requires what is not among `capabilities`, and one whose queue's limits it would
        break: `max_concurrency` and `key_concurrency` count its running jobs, `rate` and `key_rate` the pops of the
        last `per` seconds (a pop at `t` counts while now < `t + per`).

        On the way it fails what was not popped within its `expires_in`, takes back lost leases, promotes what is due,
        at most 100 of each a queue, and tells dependents that are left. A paused queue is looked after all the same,
        but gives nothing, as one that is unknown. With nothing to give it waits up to `wait` seconds for a job, and
        then answers empty; `retry_at` says when something will be due or lost, or a rate lets the next job through.
        Every token is new. `expires_at` is the queue's `heartbeat` from now, but no later than the job's `max_run`
        (else its queue's) from now. A job past its `expires_in` is never given. A worker that is asked to be quiet or
        to stop is given nothing: told to stop it is answered at once, told to be quiet when its wait is over.

        The same `worker` and `request` within a heartbeat of the first call (60 s where a queue has none) are given
        those of the same leases that are still live, so that a lost answer costs nothing; once none is, they pop anew.

        Makes the worker known. Events: popped; expired (state failed, group `expired`); lost (or failed, group `lost`,
        where `max_losses` is passed); timed_out (a run over its `max_run`: as by `timeout`); promoted.
        """

    @abstractmethod
    def heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        """Renew each lease by its queue's heartbeat from now, but never beyond the `max_run` of the run.

        A beat may bring progress, and data to put in place of the job's. The answer says whether the job's worker is
        asked to be quiet or to stop. Items: JobNotFound; JobCanceled for the last holder of a canceled job; else
        LeaseLost for any token but the current one. Keeps the worker known. No event.
        """

    @abstractmethod
    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        """End leases, each as its settlement says. Answer with the state that each job was left in.

        Complete goes on to `next`, else the pipeline's next queue (event advanced: retries and losses renewed, failure
        and progress cleared; waiting there, scheduled with a `delay`, or in `depends` for what it `depends` on), else
        it ends the job (completed, failure cleared). A `result` is kept. Its `puts` are put first, as by `put`; what
        `put` would raise for them is the item's error, as are UnknownDependency, DependencyCycle, and Invalid where
        there is something to depend on and no next stage: then nothing of this item has happened, and the lease stays.
        Retry keeps the failure (its group, message, worker and run) and costs one of `remaining`: waiting or, with a
        `delay`, scheduled (retried); where none remains, failed under its group. Fail: failed. Release: waiting at its
        old place or, with a `delay`, scheduled (released); nothing counted.
        A store puts a Retry without a delay back at once; `Hooked`, which `open_backend` wraps round every store, has
        given it a delay by the back-off of the job, else of its queue.

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
    def cancel(
        self,
        jids: Sequence[str],
        *,
        dependents: Dependents = "refuse",
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        """Stop jobs for good; a running one's worker learns at its next heartbeat. Event: canceled.

        Where others wait for a job: `refuse` is HasDependents, naming them; `cancel` cancels them too, and who waits
        for them (HasDependents where that makes over 1,000), whatever they would choose; `choice` leaves it to each.
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

        Failure, progress and result cleared, retries and losses renewed by that queue; a lease is lost; the pipeline
        stays. One with open dependencies stays in `depends`, in the new queue, with the new delay. One that ended
        before its first run is bound by its `expires_in` no longer. Items: JobNotFound.
        """

    @abstractmethod
    def finish(self, jids: Sequence[str], end: Finish, *, actor: Actor | None = None) -> list[Job | QlessError]:
        """End jobs of any state by hand, complete or failed; a lease is lost. Event: finished.

        Complete: failure cleared, the pipeline is left as it is; a `result` is kept. Failed: under the group, with the
        message; the failure's worker is None. A job in that state already stays as it is. Items: JobNotFound.
        """

    @abstractmethod
    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        """Change jobs of any state. Items: JobNotFound; Invalid where it would have over 32 tags.

        Events: updated; then tracked or untracked, where that changes (alone, where nothing else was to change).
        """

    @abstractmethod
    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        """Take leases away now, at the cost of a retry: waiting at once, at a new place (event timed_out).

        Where none remains: failed, group `timeout` (event failed). The failure is kept either way.
        Items: JobNotFound; WrongState unless running.
        """

    @abstractmethod
    def depend(
        self,
        jid: str,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        *,
        missing: Missing = "refuse",
        actor: Actor | None = None,
    ) -> Job:
        """Change what a job waits for: no longer for `off` (which need not be there), then for `on`, as by `put`.

        A waiting or scheduled job that comes to have open dependencies goes into `depends`; what it was due at it
        keeps. When nothing is open any more it is unblocked. Events: updated; unblocked, canceled.
        Raise JobNotFound; WrongState for a job that runs or has ended; UnknownDependency; DependencyCycle; Invalid
        where it would have over 1,000 open dependencies, or the search for a cycle would visit over 10,000 jobs.
        """

    @abstractmethod
    def change(
        self,
        filter: Filter,
        action: Action,
        limit: int = 500,
        cursor: str | None = None,
        *,
        dry_run: bool = False,
        actor: Actor | None = None,
    ) -> Changed:
        """Do one bounded step of an action on all jobs that match, up to `limit` (≤ 1,000) of them.

        Go on with `next` until that is None. A job that the action refuses, or leaves as it is, has matched and is not
        changed; one that somebody else has changed since the step read it is left alone too. `dry_run` counts only.
        Events: those of the action. Raise Invalid for a cursor that is none.
        """

    # Look-ups

    @abstractmethod
    def get(self, jids: Sequence[str], *, wait: float = 0.0) -> list[Job | None]:
        """Look up to 1,000 jobs up, whole; None for a jid that is not there.

        Waits up to `wait` seconds until all of them that are there have ended.
        """

    @abstractmethod
    def lines(self, jid: str) -> list[LogLine]:
        """Read the log of a job, oldest line first. Raise JobNotFound."""

    @abstractmethod
    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        """Page through the jobs that match, up to 1,000 a page, without data and history.

        Within a queue and state: waiting in the order of pops, scheduled by due time, depends by since when, running by
        expiry (those without last), ended ones by the time they ended, latest first; ties by jid. Other walks have an
        order of their own.
        Each job that matches, and that nothing happens to meanwhile, stands in a walk exactly once; a walk that goes
        from queue to queue or state to state may miss or repeat a job that goes the other way. At most 1,000 records
        are read a call, so a page may be short, even empty, with a `next`. A walk that goes by time reads only what is
        between `since` and `until`: one through a group, or through the scheduled, depends or ended jobs of a queue
        (without tag, key, tracked). Raise Invalid for a cursor that is none.
        """

    @abstractmethod
    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        """Sum the queues up: all known, by name, or those named, in that order. Raise QueueNotFound."""

    @abstractmethod
    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        """Sum the workers up: all known, by name, or those named, in that order. Raise WorkerNotFound."""

    @abstractmethod
    def failures(
        self, groups: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[FailureGroup]:
        """Sum up the groups that failed jobs are in: up to `limit` by name, from behind `after` on; or those named, in
        that order, but for those that no failed job is in."""

    @abstractmethod
    def tags(self, names: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000) -> list[Tag]:
        """Sum up the tags that jobs have, and those tracked: up to `limit` by name, from behind `after` on; or those
        named, in that order, each as it is, if only of no jobs."""

    @abstractmethod
    def tracked(self) -> Tracked:
        """Answer all that is tracked: the jobs as lists show them, and the tags; of each the first 1,000."""

    @abstractmethod
    def stats(
        self, day: str | None = None, *, queue: str | None = None, klass: str | None = None, tag: str | None = None
    ) -> Stats:
        """Sum up the waits and runs of a day (UTC, as 2026-11-24; None: today), of one of these or of all together.

        Kept 90 days; of klasses and tags for the first 1,000 of each a day. What `promote` has not folded yet is
        counted in, up to 100,000 transitions. Raise Invalid for a day that is none, or more than one thing asked for.
        """

    @abstractmethod
    def throughput(
        self,
        queue: str | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
        step: int = 60,
    ) -> Throughput:
        """Count the transitions of a queue, or of all together, by steps of so many seconds from `since` to `until`.

        Steps begin at multiples of themselves; a step of whole hours reaches 90 days back, one of whole minutes 48
        hours. None: until now, for 60 steps. Raise Invalid for over 3,000 steps, or one that is no whole minutes.
        """

    @abstractmethod
    def events(
        self, after: str | None = None, limit: int = 100, *, wait: float = 0.0, filter: EventFilter | None = None
    ) -> EventPage:
        """Read up to `limit` (≤ 1,000) transitions of the log after a cursor; None or "0": from the beginning; "end"
        (LOG_END): those to come, from the end of the log as it is now, which `next` names.

        With a filter, those of them that match; at most 1,000 are looked at a call, so a page may be short, even empty.
        Waits up to `wait` seconds for the first where there is none. Kept for an hour, then until every registered
        reader has passed, at most 24 hours (prune trims), and 1,000,000 entries; so a reader that fell off gets a `gap`
        event first, then what is left. A reader is registered by remembering the cursor up to which it has read under
        the name `reader:…`. Raise Invalid for a cursor that is none.
        """

    # Queues, live

    @abstractmethod
    def configure(
        self,
        queue: str,
        changes: Mapping[str, Setting],
        *,
        inherit: Sequence[str] = (),
        actor: Actor | None = None,
    ) -> Queue:
        """Set the settings named (see QueueSettings), each whole; the others stay. Makes the queue known.

        Of those that `inherit` names it has none of its own any more: they are its namespace's. A setting that both
        name is set. A setting holds from the next operation that uses it: leases and retries already given stay as
        they are. A rate that was not there, or is over a longer time now, counts the pops from then on.
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

    # The namespace itself

    @abstractmethod
    def settings(self) -> NamespaceSettings:
        """Read the settings that hold for queues which do not say otherwise, and what the namespace alone has.

        A store keeps the names and options of policies, trackers and back-offs as they are, whatever there are of them:
        `Hooked` knows the plugins, refuses what they don't take, and runs them.
        """

    @abstractmethod
    def configure_namespace(
        self, changes: Mapping[str, Setting], *, inherit: Sequence[str] = (), actor: Actor | None = None
    ) -> NamespaceSettings:
        """Set those named, each whole; those of `inherit` go back to what QueueSettings has. Event: configured.

        Holds at once for every queue that does not say otherwise. `policies`, `trackers` and `klass_backoff` are
        set and given up in the same way; no queue has them. Raise Invalid as configure does.
        """

    @abstractmethod
    def freeze(self, on: bool = True, *, actor: Actor | None = None) -> NamespaceSettings:
        """Make the namespace read-only, or thaw it. Events, on a change: frozen, thawed.

        Leases run out meanwhile as always, and are taken back once it is thawed.
        """

    @abstractmethod
    def dump(self, cursor: str | None = None, limit: int = 1000) -> Dumped:
        """Read all that the namespace holds, about `limit` (≤ 1,000) records a page, until `next` is None.

        All but events, remembered requests and leaders. While it is frozen each thing stands in the walk exactly once,
        but for jobs, which may be repeated; else a job that lives through the walk stands there at least once, though
        what stands in several records may not be of one time. Raise Invalid for a cursor that is none.
        """

    @abstractmethod
    def load(self, records: Sequence[AnyRecord]) -> int:
        """Write up to 1,000 records of a dump; what is there of the same name is replaced. Answer how many.

        Loading the same again changes nothing. Jobs may come before what they wait for. No events.
        Raise NotFrozen unless the namespace is frozen; Invalid for a record that cannot be.
        """

    @abstractmethod
    def erase(
        self,
        confirm: str | None = None,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        actor: Actor | None = None,
    ) -> Erased:
        """Delete the namespace, one bounded step of it; go on with `next` until that is None.

        Raise NotEmpty if it has jobs of any state or recurrences, unless `confirm` is its name; Invalid where that is
        another. It is frozen from the first step on, which writes the event erased; after the last one it is unknown.
        """

    # Workers and tags, live

    @abstractmethod
    def quiet(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        """Ask a worker to pop no more, or no longer ask that. Raise WorkerNotFound.

        Events, on a change: quieted, resumed.
        """

    @abstractmethod
    def stop(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        """Ask a worker to end, or no longer ask that. Raise WorkerNotFound.

        Events, on a change: stopped, resumed.
        """

    @abstractmethod
    def track(self, tag: str, *, on: bool = True, actor: Actor | None = None) -> Tag:
        """Follow a tag, whether a job has it yet or not, or no longer. Event: tracked or untracked, on a change."""

    # Recurrences

    @abstractmethod
    def recur(self, rule: Recurrence, *, actor: Actor | None = None) -> Recurring:
        """Make a recurrence or, of an id that is there, replace its rule. Event: recurrence_changed.

        While `interval`, `cron`, `timezone` and `first_at` stay, an update keeps the next run; one that has none any
        more begins anew, if its `count` allows. How often it has fired, and whether it is paused, stays in any case.
        Raise Invalid for a rule or time zone that is none.
        """

    @abstractmethod
    def recurrences(
        self,
        ids: Sequence[str] | None = None,
        *,
        due: bool = False,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Recurring]:
        """List recurrences: up to `limit` by id, from behind `after` on; or those named, in that order.

        `due`: up to `limit` of those that are to fire now, the longest due first. Raise RecurrenceNotFound.
        """

    @abstractmethod
    def unrecur(self, id: str, *, actor: Actor | None = None) -> None:
        """Delete a recurrence; what it has put stays. Raise RecurrenceNotFound. Event: recurrence_changed."""

    @abstractmethod
    def pause_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        """Let a recurrence put nothing by itself until it is resumed. Event: recurrence_changed.

        Raise RecurrenceNotFound.
        """

    @abstractmethod
    def resume_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        """Let a paused recurrence go on, with its next time from now on: nothing is caught up with.

        Raise RecurrenceNotFound. Event: recurrence_changed.
        """

    @abstractmethod
    def run_recurrence(self, id: str, *, actor: Actor | None = None) -> Put:
        """Put a job of a recurrence for now, paused or not, whatever `overlap` says; its next run and count stay.

        Raise RecurrenceNotFound. Event: put.
        """

    @abstractmethod
    def fire(self, id: str, expected: float) -> list[Put]:
        """Put the jobs of a recurrence that are due, if its next run is `expected` still, and set the next one.

        Two that fire the same are harmless: one of them finds another next run, and puts nothing, as where it is
        paused, not due yet or not there. The jids come from id and time (`models.jid_at`), and each job has the time it
        was due.
        Of the times missed, `catchup` says which are made up for; a time is missed when the next one has come too or,
        with `none`, when it is over a minute ago. `overlap` `skip` puts nothing while the last job has not ended.
        Event: put.
        """

    # Upkeep and records

    @abstractmethod
    def promote(self, limit: int = 1000) -> Promoted:
        """Fail what has expired, take back lost leases, make due jobs available, in all queues; tell dependents that
        are left; up to `limit` together.

        Pop does as much for its own queues. Due jobs take their places in order of due time, then jid.
        Events: those of pop but popped; unblocked, canceled.
        """

    @abstractmethod
    def prune(self, limit: int = 1000) -> Pruned:
        """Delete up to `limit` ended jobs past their queue's `retention`, none for which others wait.

        Queue by queue, by name: complete, canceled, then failed ones, the longest ended first. Before failed jobs of a
        queue go that event tells of it: when the longest failed has nine tenths of its age, or there are over nine
        tenths of their count, and again each day while that is so.
        Old events go too (see `events`), statistics, and workers not seen for a day that hold no lease.
        Events: trim_warning; pruned.
        """

    @abstractmethod
    def lead(self, role: str, holder: str, seconds: float) -> bool:
        """Become or stay the leader of a role for so many seconds; tell whether `holder` leads.

        0 seconds gives it up.
        """

    @abstractmethod
    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        """Set a record if it is as `expected` (None: not there); tell whether it was.

        A record has at most 64 KiB of text; a `value` of None deletes it. Those named `reader:…` and `copy:…` belong to
        the store that they are in: they can be set while it is frozen, and are not dumped.
        """

    @abstractmethod
    def recall(self, name: str) -> str | None:
        """Read a record."""
