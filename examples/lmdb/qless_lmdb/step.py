"""One operation that writes: what is kept of it, and what is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qless_flask.backends.numbers import HISTORY_ENTRIES, TOLD_AT_ONCE
from qless_flask.errors import QlessError
from qless_flask.models import Actor
from qless_lmdb.look import FIRST_NUMBER, Look
from qless_lmdb.packing import Key, Part, pack
from qless_lmdb.records import (
    COUNT,
    JOB,
    TIMES,
    WORKER,
    EventState,
    JobState,
    QueueState,
    TagTimes,
    WorkerState,
    encode,
)
from qless_lmdb.standing import counters, standings

WITH_QUEUE = ("put", "advanced", "moved")
WITH_WORKER = ("popped", "lost")
WITH_GROUP = ("retried", "failed", "expired", "finished")


class Step(Look):
    """A transaction that writes to one namespace. What it reads it may change, and then must save."""

    tellings: int = TOLD_AT_ONCE
    """How many dependents of ended jobs it may still tell."""
    _tags_left: set[str]
    """Those that jobs have no longer."""
    _waited: dict[str, int]
    """By jid, how long a job waited that has just begun to run…"""
    _ran: dict[str, int]
    """… and how long it ran, as long as that is to be told."""

    # Keys and values

    def set(self, value: bytes, *key: Part) -> None:
        """Keep a value under a key; the namespace begins with the first."""
        self.transaction.put(pack(self._begun(), *key), value)

    def unset(self, *key: Part) -> None:
        """Keep nothing under a key."""
        if self.number is not None:
            self.transaction.delete(pack(self.number, *key))

    def count(self, by: int, *key: Part) -> int:
        """Add to a counter, which is not there at 0; tell what it comes to."""
        counted = self.counted(*key) + by
        if counted:
            self.set(encode(counted), *key)
        else:
            self.unset(*key)
        return counted

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let what is done here have never happened if it ends in an error."""
        outer, tellings, left = self.transaction, self.tellings, set(self._tags_left)
        self.transaction = self.environment.begin(parent=outer, write=True)
        try:
            yield
        except QlessError:
            self.transaction.abort()
            self.transaction, self.tellings = outer, tellings
            self.forget_read()
            self._tags_left = left
            raise
        self.transaction.commit()
        self.transaction = outer

    def _begun(self) -> int:
        if self.number is None:
            last = self.transaction.get(pack("namespaces"))
            self.number = FIRST_NUMBER if last is None else COUNT.decode(last) + 1
            self.transaction.put(pack("namespaces"), encode(self.number))
            self.transaction.put(pack("namespace", self.name), encode(self.number))
        return self.number

    def end_namespace(self) -> None:
        """Let the namespace be unknown, once all its keys are gone."""
        self.transaction.delete(pack("namespace", self.name))
        self.number = None
        self.forget_read()

    # Records

    def save(self, job: JobState) -> None:
        """Keep a job as it is now, in all indexes and counters."""
        self._stand(job.jid, standings(job), counters(job))
        self._jobs[job.jid] = job
        self.set(job.encoded(), "job", job.jid)

    def delete(self, job: JobState) -> None:
        """Delete a job; those that wait for it do so still."""
        self.let_go(job)
        self._stand(job.jid, {}, [])
        self._jobs[job.jid] = None
        for kind in ("job", "data", "result", "lines"):
            self.unset(kind, job.jid)

    def _stand(self, jid: str, after: dict[Key, bytes], counted: list[Key]) -> None:
        old = self.record(JOB, "job", jid)
        before = standings(old) if old else {}
        for key in before.keys() - after.keys():
            self.unset(*key)
        for key, value in after.items():
            if before.get(key) != value:
                self.set(value, *key)
        changes = Counter(counted)
        changes.subtract(counters(old) if old else [])
        for key, by in changes.items():
            if by:
                self.count(by, *key)
        self._tags_left.update(set(old.tags if old else ()) - {str(name) for kind, name, *_ in after if kind == "tag"})

    def keep_text(self, text: str | None, *key: Part) -> None:
        """Keep a text in place of another; None leaves that."""
        if text is not None:
            self.set(text.encode(), *key)

    def save_itself(self) -> None:
        """Keep the state of the namespace."""
        self.set(self.itself.encoded(), "itself")

    def save_queue(self, queue: QueueState) -> None:
        """Keep the state of a queue."""
        self._queues[queue.name] = queue
        self._settings.pop(queue.name, None)
        self.set(queue.encoded(), "queue", queue.name)

    def know(self, name: str) -> QueueState:
        """Find a queue, which is known from now on."""
        found = self.queue(name)
        if found is None:
            found = QueueState(name=name)
            self.save_queue(found)
        return found

    def forget_queue(self, name: str) -> None:
        """Know a queue no longer."""
        self.unset("queue", name)
        self._queues[name] = None
        self._settings.pop(name, None)

    def set_own(self, settings: dict[str, Any]) -> None:
        """Give the namespace other settings, written as JSON has them."""
        self.itself.settings = settings
        self._settings.clear()
        self.save_itself()

    def see(self, worker: str, capabilities: tuple[str, ...] | None = None) -> WorkerState:
        """Note that a worker is there, and what it offers if it says so."""
        found = self.record(WORKER, "worker", worker) or WorkerState(seen_at=self.now)
        found.seen_at = self.now
        if capabilities is not None:
            found.capabilities = list(capabilities)
        self.set(found.encoded(), "worker", worker)
        return found

    # Unique keys

    def take(self, job: JobState) -> None:
        """Let a job hold its unique key, if its time is not over and nobody else holds it."""
        if job.unique is None or self.holder(job.unique[0]):
            return
        until = job.unique_until()
        if until is None or until > self.now:
            self.hold(job, job.unique[0])

    def hold(self, job: JobState, key: str) -> None:
        """Let a job hold its unique key, whoever held it before."""
        until = job.unique_until()
        self.set(job.jid.encode(), "unique", key)
        if until is not None:
            self.set(b"", "unique until", until, key)

    def let_go(self, job: JobState) -> None:
        """Let a job hold no unique key."""
        if job.unique and self.text("unique", job.unique[0]) == job.jid:
            self.unset("unique", job.unique[0])

    def forget_unique(self, most: int) -> None:
        """Forget who held a unique key for a time that is over."""
        for (until, key), _ in self.walk("unique until", most=most):
            if int(until) > self.now:
                return
            self.unset("unique until", until, key)
            if self.holder(str(key)) is None:
                self.unset("unique", key)

    # What is told

    def tell(
        self,
        job: JobState,
        event: str,
        *,
        queue: str | None = None,
        worker: str | None = None,
        group: str | None = None,
        actor: Actor | None = None,
    ) -> None:
        """Save a job, and add what happened to its history and to the log; `queue`: where it was, if it has left it."""
        words = ((WITH_QUEUE, job.queue), (WITH_WORKER, worker), (WITH_GROUP, group))
        word = next((word for events, word in words if event in events), None)
        job.history = [*job.history, (self.now, event, word)][-HISTORY_ENTRIES:]
        self.save(job)
        waited, ran = self._waited.pop(job.jid, None), self._ran.pop(job.jid, None)
        self.log(
            EventState(
                at=self.now,
                event=event,
                jid=job.jid,
                queue=queue or job.queue,
                to=None if queue is None else job.queue,
                state=job.state,
                worker=worker,
                group=group,
                tags=job.tags,
                tracked=job.tracked,
                klass=None if waited is None and ran is None else job.klass,
                waited=waited,
                ran=ran,
            ),
            actor,
        )

    def log(self, event: EventState, actor: Actor | None = None) -> None:
        """Add to the log."""
        if actor:
            event.actor, event.address = actor.name, actor.address
        self.itself.events += 1
        self.set(event.encoded(), "event", self.itself.events)
        self.save_itself()

    def note_wait(self, job: JobState, waited: int) -> None:
        """Count how long a job waited that begins to run; what is told of it next says so."""
        self._waited[job.jid] = waited
        for tag in job.tags:
            times = self.record(TIMES, "times", tag) or TagTimes()
            times.waits, times.waited = times.waits + 1, times.waited + waited
            self.set(times.encoded(), "times", tag)

    def note_run(self, job: JobState, ran: int) -> None:
        """The same of the run of a job that ends."""
        self._ran[job.jid] = ran
        for tag in job.tags:
            times = self.record(TIMES, "times", tag) or TagTimes()
            times.runs, times.ran = times.runs + 1, times.ran + ran
            self.set(times.encoded(), "times", tag)

    def forget_read(self) -> None:
        """Read all anew that was read, and let nothing be left to tell."""
        super().forget_read()
        self._waited, self._ran, self._tags_left = {}, {}, set()

    def finish(self) -> None:
        """Forget the times of tags that no job has any more."""
        for tag in self._tags_left:
            if next(self.walk("tag", tag), None) is None:
                self.unset("times", tag)
