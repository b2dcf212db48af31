"""A namespace with plugins round it: what each operation does before it goes on to the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from qless_flask import recurrence
from qless_flask.backends.base import Clock, Namespace
from qless_flask.backends.hooked.admission import Admission
from qless_flask.backends.hooked.calling import filtered
from qless_flask.backends.hooked.choices import Choices
from qless_flask.backends.hooked.ends import Ends, Ready
from qless_flask.backends.hooked.own_queues import is_own, not_in_it, refuse_pop
from qless_flask.backends.hooked.plans import Plans
from qless_flask.backends.hooked.telling import Telling, forget_policies
from qless_flask.backends.passing import Passing
from qless_flask.bounds import check_batch
from qless_flask.errors import Invalid, QlessError, RecurrenceNotFound
from qless_flask.models import (
    Action,
    Actor,
    AnyRecord,
    Changed,
    Erased,
    Exchanged,
    Filter,
    Job,
    Move,
    NamespaceSettings,
    NewJob,
    Order,
    Pop,
    Popped,
    Put,
    Queue,
    Recurrence,
    Recurring,
    Setting,
    Settled,
    Settlement,
    jid_at,
)
from qless_flask.plugins import Plugins

RULE_FIELDS = (
    "klass",
    "data",
    "queue",
    "priority",
    "tags",
    "retries",
    "pipeline",
    "backoff",
    "max_run",
    "expires_in",
    "requires",
    "key",
)
"""What a rule says of its jobs; of what else a policy changes, the rule knows nothing."""


class Around(NamedTuple):
    """What stands round the namespaces of a store."""

    plugins: Plugins
    choices: Choices
    plans: Plans
    admission: Admission
    ends: Ends
    clock: Clock


class HookedNamespace(Passing):
    """Ask the plugins first; pass on what they leave."""

    def __init__(self, inner: Namespace, around: Around) -> None:
        super().__init__(inner)
        self._around = around

    # Jobs

    def put(self, jobs: Sequence[NewJob]) -> list[Put]:
        check_batch("jobs", jobs)
        return self.inner.put(self._around.admission.let_in(self.inner, jobs))

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
        if self._around.plugins.calls("before_pop"):
            check_batch("queues", queues, least=1)
            pop = Pop(tuple(queues), worker, limit, capabilities=tuple(capabilities), order=order, request=request)
            pop = self._filtered(pop)
            queues, worker, limit = pop.queues, pop.worker, pop.limit
            capabilities, order, request = pop.capabilities, pop.order, pop.request
        refuse_pop(queues)
        return self.inner.pop(queues, worker, limit, wait=wait, capabilities=capabilities, order=order, request=request)

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        if not self._around.ends.looks(settlements):
            return self.inner.settle(settlements)
        ready = self._around.ends.ready(self.inner, settlements)
        told, refused = _apart(ready)
        return list(_together(ready, self.inner.settle(told))) if refused else self.inner.settle(told)

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        # First, for where it is refused nothing has been settled.
        pop = self._let_pop(pop)
        if not self._around.ends.looks(settlements):
            return self.inner.exchange(settlements, pop, wait=wait)
        ready = self._around.ends.ready(self.inner, settlements)
        told, refused = _apart(ready)
        exchanged = self.inner.exchange(told, pop, wait=wait)
        return replace(exchanged, results=_together(ready, exchanged.results)) if refused else exchanged

    def _let_pop(self, pop: Pop) -> Pop:
        if self._around.plugins.calls("before_pop"):
            pop = self._filtered(pop)
        refuse_pop(pop.queues)
        return pop

    def _filtered(self, pop: Pop) -> Pop:
        return filtered(
            self._around.plugins,
            "before_pop",
            "pop",
            pop,
            lambda answer: isinstance(answer, Pop) and answer.worker == pop.worker,
            namespace=self.name,
        )

    # By hand

    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        if not is_own(queue):
            self._around.admission.check_queue(self.inner, queue, "queue")
            return self.inner.move(jids, queue, delay=delay, actor=actor)
        elsewhere = {job.jid for job in self.inner.get(jids) if job is not None and job.queue != queue}
        told = [jid for jid in jids if jid not in elsewhere]
        moved = iter(self.inner.move(told, queue, delay=delay, actor=actor))
        return [not_in_it() if jid in elsewhere else next(moved) for jid in jids]

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
        queue = action.queue if isinstance(action, Move) else None
        if is_own(queue) and filter.queue != queue:
            raise not_in_it()
        if queue is not None and not is_own(queue):
            self._around.admission.check_queue(self.inner, queue, "queue")
        return self.inner.change(filter, action, limit, cursor, dry_run=dry_run, actor=actor)

    # Recurrences

    def recur(self, rule: Recurrence, *, actor: Actor | None = None) -> Recurring:
        before = rule.job()
        [after] = self._around.admission.let_in(self.inner, [before], "rule", together=False)
        changes = {name: getattr(after, name) for name in RULE_FIELDS if getattr(after, name) != getattr(before, name)}
        return self.inner.recur(replace(rule, **changes) if changes else rule, actor=actor)

    def run_recurrence(self, id: str, *, actor: Actor | None = None) -> Put:
        self._check_firing(id, None)
        return self.inner.run_recurrence(id, actor=actor)

    def fire(self, id: str, expected: float) -> list[Put]:
        self._check_firing(id, expected)
        return self.inner.fire(id, expected)

    def _check_firing(self, id: str, expected: float | None) -> None:
        """Look at the jobs that a recurrence is about to put, for the times that are due; None: for now.

        The rule was looked at when it was made: what is changed now is not put.
        """
        if not self._around.admission.looks(self.inner):
            return
        try:
            [seen] = self.inner.recurrences([id])
        except (RecurrenceNotFound, Invalid):
            # For the store to answer.
            return
        due: Sequence[float] = (self._around.clock(),)
        if expected is not None:
            if seen.next_at != expected or seen.paused:
                return
            # The store's clock, by which it is due, may be ahead of ours.
            due = recurrence.fire(seen, max(expected, *due)).due
        self._around.admission.let_in(self.inner, [seen.rule.job(jid_at(id, at)) for at in due], "rule")

    # Settings

    def configure(
        self,
        queue: str,
        changes: Mapping[str, Setting],
        *,
        inherit: Sequence[str] = (),
        actor: Actor | None = None,
    ) -> Queue:
        return self.inner.configure(queue, self._around.choices.of_queue(changes), inherit=inherit, actor=actor)

    def settings(self) -> NamespaceSettings:
        return self._around.choices.shown(self.inner.settings())

    def configure_namespace(
        self, changes: Mapping[str, Setting], *, inherit: Sequence[str] = (), actor: Actor | None = None
    ) -> NamespaceSettings:
        old = self.inner.settings()
        told = self._around.choices.of_namespace(changes, old)
        try:
            with Telling(self.inner, old, told, inherit):
                answer = self.inner.configure_namespace(told, inherit=inherit, actor=actor)
        finally:
            self._around.plans.forget(self.name)
        forget_policies(self.inner, old, answer)
        return self._around.choices.shown(answer)

    def freeze(self, on: bool = True, *, actor: Actor | None = None) -> NamespaceSettings:
        return self._around.choices.shown(self.inner.freeze(on, actor=actor))

    def load(self, records: Sequence[AnyRecord]) -> int:
        try:
            return self.inner.load(records)
        finally:
            self._around.plans.forget(self.name)

    def erase(
        self,
        confirm: str | None = None,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        actor: Actor | None = None,
    ) -> Erased:
        try:
            return self.inner.erase(confirm, cursor, limit, actor=actor)
        finally:
            self._around.plans.forget(self.name)


def _apart(ready: Sequence[Ready]) -> tuple[list[Settlement], bool]:
    """Take out what the store is to be told, and tell whether that is not all."""
    told = [each for each in ready if not isinstance(each, QlessError)]
    return told, len(told) < len(ready)


def _together(ready: Sequence[Ready], answers: Sequence[Settled | QlessError]) -> tuple[Settled | QlessError, ...]:
    """Put each answer of the store where its settlement stood."""
    following = iter(answers)
    return tuple(each if isinstance(each, QlessError) else next(following) for each in ready)
