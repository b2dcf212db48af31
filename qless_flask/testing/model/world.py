"""One namespace of the model, and the moves that several operations share."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex

from qless_flask.backends.store import to_milliseconds
from qless_flask.models import ENDED, Actor, Failure, State
from qless_flask.testing.model import limits
from qless_flask.testing.model.holdings import Holdings
from qless_flask.testing.model.records import JobRecord, Times

STEP = 100
"""How many expired jobs, lost leases and due jobs, each, a pop attends to in each queue."""


@dataclass(slots=True)
class World(Holdings):
    """A namespace that moves."""

    # Where a job stands

    def enter(self, job: JobRecord, queue: str, *, delay: int = 0, at: int | None = None) -> None:
        """Begin a stage: retries and losses renewed, failure, progress and end cleared; where it needs, it depends."""
        settings = self.settings_of(queue)
        job.queue = queue
        job.remaining = settings.retries if job.retries is None else job.retries
        job.losses = 0
        job.failure = job.progress = job.ended = job.canceled_token = None
        if job.needs:
            job.state, job.available, job.delay, job.at = "depends", self.now, delay, at
        else:
            self.stand(job, self.now + delay if at is None else at)

    def stand(self, job: JobRecord, due: int) -> None:
        """Let a job wait at a new place or, when it is due later, stand among the scheduled."""
        if due <= self.now:
            record = self.know(job.queue)
            record.place += 1
            job.place = record.place
            self.stand_again(job)
        else:
            job.state, job.available = "scheduled", due
            self.touched.append(job.queue)

    def stand_again(self, job: JobRecord) -> None:
        """Let a job wait at the place that it has."""
        job.state, job.available = "waiting", self.now
        self.touched.append(job.queue)

    def unblock(self, job: JobRecord, actor: Actor | None) -> None:
        """Let a job go on that waits for nobody any more."""
        due = self.now + job.delay if job.at is None else job.at
        job.delay, job.at = 0, None
        self.stand(job, due)
        self.tell(job, "unblocked", actor=actor)

    def end_lease(self, job: JobRecord) -> str | None:
        """Take the lease of a job away, if there is one; answer its holder."""
        if job.state == "running":
            self.touched.append(job.queue)
            job.ran = max(0, self.now - (job.started or 0))
            for tag in job.tags:
                times = self.times.setdefault(tag, Times())
                times.runs += 1
                times.ran += job.ran
        return job.end_lease()

    # How a job ends

    def end(
        self,
        job: JobRecord,
        state: State,
        event: str,
        *,
        worker: str | None = None,
        group: str | None = None,
        actor: Actor | None = None,
        telling: bool = True,
    ) -> None:
        """End a job, whose lease and failure are seen to, and tell its dependents."""
        job.state, job.ended = state, self.now
        job.needs, job.delay, job.at, job.start_by = frozenset(), 0, None, None
        if job.unique and (job.unique.seconds is None or state == "canceled"):
            self.let_go(job)
        self.tell(job, event, worker=worker, group=group, actor=actor)
        if telling:
            self.untold.pop(job.jid, None)
            left = {job.jid: ""}
            self.tellings -= self.tell_dependents(left, self.tellings, actor)
            self.untold.update(left)

    def fail(self, job: JobRecord, failure: Failure, *, event: str = "failed", actor: Actor | None = None) -> None:
        """End a job as failed."""
        job.failure = failure
        self.end(job, "failed", event, worker=failure.worker, group=failure.group, actor=actor)

    def cancel(self, job: JobRecord, *, actor: Actor | None = None, telling: bool = True) -> None:
        """End a job as canceled."""
        job.canceled_token = job.token
        self.end(job, "canceled", "canceled", worker=self.end_lease(job), actor=actor, telling=telling)

    def tell_dependents(self, left: dict[str, str], most: int, actor: Actor | None = None) -> int:
        """Tell up to `most` dependents of those ended, the first of them first, and take off who has told all."""
        told = 0
        while left:
            jid, after = next(iter(left.items()))
            job = self.jobs.get(jid)
            children = [child for child in self.dependents(jid) if child > after] if job and job.state in ENDED else []
            here = children[: most - told]
            for child in here:
                told += 1
                left[jid] = child
                self._tell_dependent(jid, self.jobs[child], actor)
                if self.jobs[child].state == "canceled":
                    left[child] = ""
            if len(here) < len(children):
                break
            del left[jid]
        return told

    def _tell_dependent(self, jid: str, child: JobRecord, actor: Actor | None) -> None:
        if self.jobs[jid].state == "complete" or child.on_parent_end == "run":
            child.needs -= {jid}
            if not child.needs:
                self.unblock(child, actor)
        elif child.on_parent_end == "cancel":
            self.cancel(child, actor=actor, telling=False)

    # Who holds a unique key

    def take(self, job: JobRecord) -> None:
        """Let a job hold its unique key, if its time is not over and nobody else holds it."""
        if job.unique is None or self.holder(job.unique.key):
            return
        until = job.unique_until()
        if until is None or until > self.now:
            self.holders[job.unique.key] = job.jid

    def let_go(self, job: JobRecord) -> None:
        """Let a job hold no unique key."""
        self.let_go_of(job.jid)

    def let_go_of(self, jid: str) -> None:
        """Let whatever job has a jid hold no unique key."""
        self.holders = {key: holder for key, holder in self.holders.items() if holder != jid}

    # What time does

    def expire(self, job: JobRecord) -> None:
        """Fail a job that nobody popped in time."""
        self.fail(job, self.failure(job, "expired", "", None), event="expired")

    def take_back(self, job: JobRecord) -> None:
        """Take a lost lease back: a retry the less when the run took too long; else to the old place, or failed."""
        most = self.max_run(job)
        if most is not None and self.now >= (job.started or 0) + most:
            self.time_out(job)
            return
        holder = self.end_lease(job)
        job.losses += 1
        if job.losses > self.settings_of(job.queue).max_losses:
            self.fail(job, self.failure(job, "lost", "", holder))
        else:
            self.stand_again(job)
            self.tell(job, "lost", worker=holder)

    def time_out(self, job: JobRecord, actor: Actor | None = None) -> None:
        """Take a lease away at the cost of a retry; where none remains, the job fails."""
        holder = self.end_lease(job)
        failure = self.failure(job, "timeout", "", holder)
        if job.remaining == 0:
            self.fail(job, failure, actor=actor)
        else:
            job.remaining, job.failure = job.remaining - 1, failure
            self.stand(job, self.now)
            self.tell(job, "timed_out", worker=holder, actor=actor)

    def promote(self, job: JobRecord) -> None:
        """Make a due job available."""
        self.stand(job, self.now)
        self.tell(job, "promoted")

    def attend(self, queue: str) -> None:
        """Do what a pop does to a queue that it looks at: a bounded step of each thing that time does."""
        for job in self.expired(queue)[:STEP]:
            self.expire(job)
        for job in self.lost(queue)[:STEP]:
            self.take_back(job)
        for job in self.due(queue)[:STEP]:
            self.promote(job)
        for jid, after in list(self.untold.items()):
            following = [child for child in self.dependents(jid) if child > after]
            if following and self.jobs[following[0]].queue == queue:
                left = {jid: self.untold.pop(jid)}
                self.tellings -= self.tell_dependents(left, self.tellings)
                self.untold.update(left)

    def lease(self, job: JobRecord, worker: str) -> None:
        """Give a job to a worker under a new token."""
        for tag in job.tags:
            times = self.times.setdefault(tag, Times())
            times.pops += 1
            times.waited += max(0, self.now - job.available)
        limits.remember_pop(self, job)
        job.state, job.worker, job.token = "running", worker, token_hex(8)
        job.started, job.start_by = self.now, None
        job.runs += 1
        self.renew(job)
        self.tell(job, "popped", worker=worker)

    def renew(self, job: JobRecord) -> None:
        """Let a lease live for a heartbeat from now, but no longer than the run may take."""
        heartbeat, most = self.settings_of(job.queue).heartbeat, self.max_run(job)
        ends = [] if heartbeat is None else [self.now + to_milliseconds(heartbeat)]
        ends += [] if most is None else [(job.started or 0) + most]
        job.expires = min(ends, default=None)
