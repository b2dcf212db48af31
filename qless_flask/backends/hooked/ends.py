"""What looks at the ends of leases before the store is told: filters, groups of failures, delays of retries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from qless_flask.backends.base import Clock, Namespace
from qless_flask.backends.hooked.admission import Admission
from qless_flask.backends.hooked.calling import filtered
from qless_flask.backends.hooked.delays import Delays
from qless_flask.backends.hooked.own_queues import refuse_next
from qless_flask.backends.hooked.plans import Plans
from qless_flask.bounds import MAX_BATCH, check_batch, is_text
from qless_flask.errors import BackendUnavailable, QlessError, QueueNotFound
from qless_flask.models import Complete, Fail, Failure, Job, QueueSettings, Retry, Settlement
from qless_flask.plugins import Plugins

Ready = Settlement | QlessError
"""What the store is to be told, or why it is not."""
_KINDS = get_args(Settlement)


class Ends:
    """Makes settlements ready."""

    def __init__(self, plugins: Plugins, admission: Admission, delays: Delays, plans: Plans, clock: Clock) -> None:
        self._plugins = plugins
        self._admission = admission
        self._delays = delays
        self._plans = plans
        self._clock = clock

    def looks(self, settlements: Sequence[Settlement]) -> bool:
        """Tell whether anything looks at any of these; most ends are nobody's business."""
        if self._plugins.calls("before_settle") or self._plugins.calls("failure_group"):
            return True
        for each in settlements:
            if isinstance(each, Complete):
                if _leads_on(each):
                    return True
            elif isinstance(each, Retry) and each.delay is None:
                return True
        return False

    def ready(self, namespace: Namespace, settlements: Sequence[Settlement]) -> Sequence[Ready]:
        """Answer each as the store is to be told it; an error in its place is what is to be answered instead."""
        check_batch("settle", settlements)
        if sum(len(each.puts) for each in settlements if isinstance(each, Complete)) > MAX_BATCH:
            # For the store to refuse.
            return settlements
        ready: Sequence[Ready] = settlements
        if self._plugins.calls("before_settle") or any(map(_leads_on, ready)):
            ready = [self._let_through(namespace, each) for each in settlements]
        failing = [each for each in ready if self._asks(each)]
        if not failing:
            return ready
        jobs = self._jobs(namespace, failing)
        queues = {name: self._settings(namespace, name) for name in {job.queue for job in jobs.values()}}
        return [self._judged(namespace, each, jobs, queues) if self._asks(each) else each for each in ready]

    def _let_through(self, namespace: Namespace, settlement: Settlement) -> Ready:
        """Ask the filters, and let in what is put with it, and into the queue that is next."""
        lease = settlement.lease

        def fits(answer: object) -> bool:
            return isinstance(answer, _KINDS) and (answer.lease.jid, answer.lease.token) == (lease.jid, lease.token)

        try:
            settlement = filtered(
                self._plugins, "before_settle", "settlement", settlement, fits, namespace=namespace.name
            )
            if isinstance(settlement, Complete) and settlement.next is not None:
                refuse_next(settlement.next)
                self._admission.check_queue(namespace, settlement.next, "next")
            if isinstance(settlement, Complete) and settlement.puts:
                puts = self._admission.let_in(namespace, settlement.puts, "puts.{}")
                settlement = replace(settlement, puts=tuple(puts))
        except BackendUnavailable:
            raise
        except QlessError as error:
            return error
        return settlement

    def _asks(self, each: Ready) -> bool:
        """Tell whether somebody has to say in which group this is, or when it is tried again."""
        if isinstance(each, Retry) and each.delay is None:
            return True
        return isinstance(each, (Retry, Fail)) and bool(self._plugins.calls("failure_group"))

    def _jobs(self, namespace: Namespace, failing: Sequence[Ready]) -> dict[str, Job]:
        """The jobs as they were popped or, of leases that came without, as they are."""
        leases = [each.lease for each in failing if not isinstance(each, QlessError)]
        known = {lease.jid: lease.job for lease in leases if lease.job is not None}
        unknown = [lease.jid for lease in leases if lease.jid not in known]
        found = namespace.get(unknown) if unknown else []
        return known | {job.jid: job for job in found if job is not None}

    def _settings(self, namespace: Namespace, queue: str) -> QueueSettings:
        try:
            [found] = namespace.queues([queue])
        except QueueNotFound:
            # The job is elsewhere by now, and the settlement comes too late.
            return QueueSettings()
        return found.settings

    def _judged(
        self, namespace: Namespace, each: Ready, jobs: dict[str, Job], queues: dict[str, QueueSettings]
    ) -> Ready:
        job = None if isinstance(each, QlessError) else jobs.get(each.lease.jid)
        if job is None or not isinstance(each, (Retry, Fail)):
            return each
        settings = queues[job.queue]
        retries = settings.retries if job.retries is None else job.retries
        # Fewer may be allowed by now than were left to the job at first.
        run = max(1, retries - job.remaining + 1)
        failure = Failure(each.group, each.message, self._clock(), job.worker, run)
        try:
            each = self._grouped(each, job, failure)
        except BackendUnavailable:
            raise
        except QlessError as error:
            return error
        if isinstance(each, Fail) or each.delay is not None:
            return each
        backoff = job.backoff or self._plans.of(namespace).klass_backoff.get(job.klass) or settings.backoff
        delay = self._delays.of(backoff, job, replace(failure, group=each.group), run)
        if delay is None:
            return Fail(each.lease, group=each.group, message=each.message)
        return replace(each, delay=delay)

    def _grouped(self, end: Retry | Fail, job: Job, failure: Failure) -> Retry | Fail:
        answered = self._plugins.first("failure_group", job=job, failure=failure)
        if answered is None:
            return end
        call, group = answered
        if not is_text(group):
            raise call.misfit(group)
        return replace(end, group=group)


def _leads_on(each: Ready) -> bool:
    return isinstance(each, Complete) and (bool(each.puts) or each.next is not None)
